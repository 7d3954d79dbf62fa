-- Who sees which rows and tables. Names no role that must exist: the roles are roles.sql's, before or after this.

-- The tenant of an API request: PostgREST and Supabase put the token's claims into request.jwt.claims. Never from
-- user_metadata, which users edit themselves.
CREATE FUNCTION meta.request_tenant() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
	SELECT coalesce(c ->> 'tenant_id', c -> 'app_metadata' ->> 'tenant_id')
	FROM (SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb AS c) AS claims
$$;
COMMENT ON FUNCTION meta.request_tenant() IS 'tenant_id of request.jwt.claims; null without one';

-- Is the current role, or one it inherits from, among these? A role that does not exist counts as no.
CREATE FUNCTION meta.has_role(VARIADIC names text[]) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
	SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = ANY (names) AND pg_has_role(current_user, oid, 'USAGE'))
$$;
COMMENT ON FUNCTION meta.has_role(text[]) IS 'whether the current role has the privileges of one of these';

-- Grant what each role that exists may do with a published table or view. Called when the program makes one, and by
-- roles.sql for those that stand already.
CREATE FUNCTION meta.share(object regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
	place text;
	relation record;
	role_name text;
	rights text;
BEGIN
	SELECT n.nspname AS folder, c.relkind, c.relrowsecurity, pg_get_userbyid(c.relowner) = current_user AS mine INTO STRICT relation
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = object;
	place := object::text;
	FOR role_name, rights IN
		SELECT r.name, r.rights FROM (VALUES
			('pqr_bi', 'SELECT', relation.folder IN ('gold', 'analytics', 'realtime')),
			('pqr_etl', 'SELECT', relation.relkind = 'v'),
			('pqr_etl', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE', relation.relkind <> 'v'),
			('service_role', 'SELECT', true),
			('authenticated', 'SELECT', relation.relrowsecurity)
		) AS r (name, rights, wanted)
		WHERE r.wanted AND EXISTS (SELECT FROM pg_roles WHERE rolname = r.name)
	LOOP
		EXECUTE format('GRANT %s ON %s TO %I', rights, place, role_name);
	END LOOP;
	-- Whoever loads next may have to make it anew: it belongs to all of pqr_etl.
	IF relation.mine AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'pqr_etl' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
		BEGIN
			EXECUTE format('ALTER TABLE %s OWNER TO pqr_etl', place);
		EXCEPTION WHEN insufficient_privilege THEN
			NULL; -- a member that may not become the role
		END;
	END IF;
END
$$;
COMMENT ON FUNCTION meta.share(regclass) IS 'grant the roles of pqr what they may do with a published table or view';
