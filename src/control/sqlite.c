/* control/sqlite.c: a control plane in a SQLite file: opening and closing, and which function does what.
 *
 *   sqlite.c  ->  sqlite_run.c, sqlite_stage.c, sqlite_publish.c, sqlite_query.c, sqlite_schema.c  ->  sqlite_connection.c
 *
 * What is no regular file is refused before the library opens it: it would wait for a fifo's writer.
 */
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "control/sqlite_int.h"

static void sqlite_close(struct control *c)
{
	struct control_sqlite *s = sqlite_of(c);
	(void)sqlite3_close(s->db);
	mem_free(s->path);
	mem_free(s);
}

static const struct control_ops sqlite_ops = {
	.close = sqlite_close,
	.lease_acquire = sqlite_lease_acquire,
	.lease_renew = sqlite_lease_renew,
	.lease_release = sqlite_lease_release,
	.run_begin = sqlite_run_begin,
	.run_update = sqlite_run_update,
	.run_get = sqlite_run_get,
	.task_start = sqlite_task_start,
	.task_finish = sqlite_task_finish,
	.task_results = sqlite_task_results,
	.task_forget = sqlite_task_forget,
	.quality_put = sqlite_quality_put,
	.quality_counts = sqlite_quality_counts,
	.stage_commit = sqlite_stage_commit,
	.stage_get = sqlite_stage_get,
	.publish_begin = sqlite_publish_begin,
	.query = sqlite_query,
};

static status open_file(struct control_sqlite *s, struct err *err)
{
	struct stat st;
	if (stat(s->path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_advise(err,
			fail(err, E_IO, "control database %s: a %s is in the way", s->path,
				S_ISDIR(st.st_mode) ? "directory" : "special file"),
			ADVICE_OTHER_CONTROL, NULL);
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK) return sqlite_fail(s, "open", err);
	(void)sqlite3_busy_timeout(s->db, SQLITE_BUSY_TIMEOUT_MS);
	(void)sqlite3_extended_result_codes(s->db, 0);
	return sqlite_migrate(s, err);
}

status control_sqlite_open(const char *path, struct control **out, struct err *err)
{
	struct control_sqlite *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	s->base.ops = &sqlite_ops;
	(void)pthread_mutex_init(&s->base.lock, NULL);
	s->path = mem_strdup(path);
	const status code = s->path != NULL ? open_file(s, err) : fail_nomem(err);
	if (code != OK) {
		control_close(&s->base);
		return code;
	}
	*out = &s->base;
	return OK;
}
