/* control/postgres.c: a control plane in PostgreSQL: how it is opened.
 *
 *   postgres.c  ->  postgres_port.c, postgres_publish.c, postgres_query.c, postgres_schema.c
 *               ->  postgres_transact.c  ->  postgres_connection.c  ->  postgres_args.c, postgres_error.c
 *
 * The URI may hold a password: it stays in conninfo, and what people see is `place`.
 */
#include "base/alloc.h"
#include "control/postgres_int.h"

static const struct control_ops postgres_ops = {.publish_begin = postgres_publish_begin, .query = postgres_query};

static status open_plane(struct control_postgres *s, const char *uri, struct err *err)
{
	/* "postgresql:" alone: libpq's environment variables and defaults say everything. */
	const char *rest = strchr(uri, ':') + 1;
	s->conninfo = mem_strdup(*rest != '\0' ? uri : "postgresql://");
	if (s->conninfo == NULL) return fail_nomem(err);
	TRY(postgres_check_uri(s->conninfo, err));
	TRY(postgres_connect(s, POSTGRES_ATTEMPTS_FIRST, err));
	return postgres_migrate(s, err);
}

status control_postgres_open(const char *uri, const struct control_ops **ops, struct sql_conn **out, struct err *err)
{
	struct control_postgres *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	s->base.ops = &postgres_port;
	const status code = open_plane(s, uri, err);
	if (code != OK) {
		s->base.ops->close(&s->base);
		return code;
	}
	*ops = &postgres_ops;
	*out = &s->base;
	return OK;
}
