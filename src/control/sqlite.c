/* control/sqlite.c: a control plane in a SQLite file: how it is opened.
 *
 *   sqlite.c  ->  sqlite_port.c, sqlite_publish.c, sqlite_query.c, sqlite_schema.c  ->  sqlite_connection.c
 *
 * What is no regular file is refused before the library opens it: it would wait for a fifo's writer. Who may only look gets a connection
 * that never writes: mode=ro, and immutable=1 where that has no place for its -wal and -shm, and no one has left them there.
 */
#include <ctype.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "control/sqlite_int.h"

static const struct control_ops sqlite_ops = {.publish_begin = sqlite_publish_begin, .query = sqlite_query};

static status connect_to(struct control_sqlite *s, const char *name, int flags, struct err *err)
{
	if (sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return sqlite_fail(s, "open", err);
	s->busy_ms = SQLITE_BUSY_TIMEOUT_MS;
	(void)sqlite3_busy_timeout(s->db, s->busy_ms);
	(void)sqlite3_extended_result_codes(s->db, 0);
	return OK;
}

/* May this user write the file, and beside it? A file that is not there is for opening to make, or to tell of. */
static bool may_write(const char *path)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	const size_t n = slash != NULL ? (size_t)(slash - path) + 1 : 0;
	if (access(path, F_OK) != 0 || n >= sizeof folder) return true;
	(void)snprintf(folder, sizeof folder, "%.*s", n > 0 ? (int)n : 1, n > 0 ? path : ".");
	return access(path, W_OK) == 0 && access(folder, W_OK) == 0;
}

/* What somebody wrote and the file itself does not have yet. */
static bool is_unfinished(const char *path, const char *suffix, struct buf *name)
{
	struct stat st;
	buf_reset(name);
	buf_printf(name, "%s%s", path, suffix);
	buf_char(name, '\0');
	return buf_check(name, NULL) == OK && stat((const char *)name->p, &st) == 0 && st.st_size > 0;
}

static void immutable_uri(const char *path, struct buf *out)
{
	buf_reset(out);
	buf_str(out, path[0] == '/' ? "file://" : "file:");
	for (const char *p = path; *p != '\0'; p++)
		if (isalnum((unsigned char)*p) || strchr("/._-", *p) != NULL)
			buf_char(out, *p);
		else
			buf_printf(out, "%%%02X", (unsigned char)*p);
	buf_str(out, "?immutable=1");
	buf_char(out, '\0');
}

/* The file alone, taken for one that nobody changes; sqlite_still tells when somebody did. */
static status open_immutable(struct control_sqlite *s, struct buf *name, struct err *err)
{
	if (stat(s->path, &s->seen) != 0) return fail_errno(err, errno, "cannot open control database %s", s->path);
	if (is_unfinished(s->path, "-wal", name) || is_unfinished(s->path, "-journal", name))
		return fail(err, E_IO,
			"control database %s: this user may not take in what %s holds; have one who may write there "
			"look at it once",
			s->path, (const char *)name->p);
	immutable_uri(s->path, name);
	TRY(buf_check(name, err));
	(void)sqlite3_close(s->db);
	s->db = NULL;
	s->immutable = true;
	TRY(connect_to(s, (const char *)name->p, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err));
	log_printf(LOG_INFO, "control database %s is read as it stands: this user may not write beside it", s->path);
	return OK;
}

static status open_to_look(struct control_sqlite *s, struct err *err)
{
	struct buf name;
	s->base.only_reads = true;
	TRY(connect_to(s, s->path, SQLITE_OPEN_READONLY, err));
	/* Opening touches nothing yet: the first statement looks for -wal and -shm. */
	const int rc = sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
	buf_init(&name, 0);
	const status code = rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY ? open_immutable(s, &name, err) : OK;
	buf_deinit(&name);
	return code == OK ? sqlite_check(s, err) : code;
}

static status open_file(struct control_sqlite *s, bool look, struct err *err)
{
	struct stat st;
	if (stat(s->path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_advise(err,
			fail(err, E_IO, "control database %s: a %s is in the way", s->path,
				S_ISDIR(st.st_mode) ? "directory" : "special file"),
			ADVICE_OTHER_CONTROL, NULL);
	if (look && !may_write(s->path)) return open_to_look(s, err);
	TRY(connect_to(s, s->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err));
	return sqlite_migrate(s, err);
}

status control_sqlite_open(
	const char *path, bool look, const struct control_ops **ops, struct sql_conn **out, struct err *err)
{
	struct control_sqlite *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	s->base.ops = &sqlite_port;
	s->path = mem_strdup(path);
	const status code = s->path != NULL ? open_file(s, look, err) : fail_nomem(err);
	if (code != OK) {
		s->base.ops->close(&s->base);
		return code;
	}
	*ops = &sqlite_ops;
	*out = &s->base;
	return OK;
}
