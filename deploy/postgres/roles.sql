-- The roles of pqr, without login, and what each may do. Run by the program when it first sets a database up, if its
-- user may create roles; else by an administrator:
--     psql "$DATABASE" -v ON_ERROR_STOP=1 --single-transaction -f roles.sql
-- then, for each login:   GRANT pqr_etl TO loader;   GRANT pqr_bi TO dashboards;
-- May be run again. Roles that exist (Supabase has the last three) are used as they are.
--
--   pqr_etl        runs pqr: writes meta, core, gold, analytics, realtime
--   pqr_bi         BI tools: reads gold, analytics, realtime, of all tenants
--   anon           API without a token: nothing
--   authenticated  API with a user's token: rows of its tenant (request.jwt.claims -> tenant_id)
--   service_role   API of trusted servers: reads everything
DO $$
DECLARE
	role_name text;
	existing regclass;
BEGIN
	FOREACH role_name IN ARRAY ARRAY['pqr_etl', 'pqr_bi', 'anon', 'authenticated', 'service_role'] LOOP
		CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name);
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL; -- made meanwhile for another database of this server
		END;
	END LOOP;
	GRANT USAGE, CREATE ON SCHEMA meta, core, gold, analytics, realtime TO pqr_etl;
	GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA meta TO pqr_etl;
	GRANT USAGE ON SCHEMA gold, analytics, realtime TO pqr_bi;
	GRANT USAGE ON SCHEMA core, gold TO authenticated;
	GRANT USAGE ON SCHEMA meta, core, gold, analytics, realtime TO service_role;
	GRANT SELECT ON ALL TABLES IN SCHEMA meta TO service_role;
	FOR existing IN
		SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('core', 'gold', 'analytics', 'realtime') AND c.relkind IN ('r', 'p', 'v', 'm')
	LOOP
		PERFORM meta.share(existing);
	END LOOP;
END
$$;
