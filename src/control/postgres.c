/* control/postgres.c: a control plane in PostgreSQL: opening and closing, and which function does what.
 *
 *   postgres.c  ->  postgres_run.c, postgres_stage.c, postgres_publish.c, postgres_query.c, postgres_schema.c
 *               ->  postgres_transact.c  ->  postgres_connection.c  ->  postgres_args.c, postgres_error.c
 *
 * The URI may hold a password: it stays in conninfo, and what people see is `place`.
 */
#include "base/alloc.h"
#include "control/postgres_int.h"

static void close_plane(struct control *c)
{
	struct control_postgres *s = postgres_of(c);
	postgres_disconnect(s);
	mem_free(s->conninfo);
	mem_free(s->place);
	mem_free(s);
}

static const struct control_ops postgres_ops = {
	.is_server = true,
	.close = close_plane,
	.lease_acquire = postgres_lease_acquire,
	.lease_renew = postgres_lease_renew,
	.lease_release = postgres_lease_release,
	.run_begin = postgres_run_begin,
	.run_update = postgres_run_update,
	.run_get = postgres_run_get,
	.task_start = postgres_task_start,
	.task_finish = postgres_task_finish,
	.task_results = postgres_task_results,
	.task_forget = postgres_task_forget,
	.quality_put = postgres_quality_put,
	.quality_counts = postgres_quality_counts,
	.stage_commit = postgres_stage_commit,
	.stage_get = postgres_stage_get,
	.publish_begin = postgres_publish_begin,
	.query = postgres_query,
};

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

status control_postgres_open(const char *uri, struct control **out, char **place, struct err *err)
{
	struct control_postgres *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	s->base.ops = &postgres_ops;
	(void)pthread_mutex_init(&s->base.lock, NULL);
	status code = open_plane(s, uri, err);
	if (code == OK) *place = mem_strdup(s->place);
	if (code == OK && *place == NULL) code = fail_nomem(err);
	if (code != OK) {
		control_close(&s->base);
		return code;
	}
	*out = &s->base;
	return OK;
}
