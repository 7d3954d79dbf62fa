/* The control plane in SQLite. */
#include <sqlite3.h>

#include "../failing_malloc.h"
#include "../failing_vfs.h"
#include "base/alloc.h"
#include "cases.h"

static void plane_make(struct plane *p)
{
	*p = (struct plane){0};
	(void)check_tmpdir(p->dir);
	(void)snprintf(p->path, sizeof p->path, "%s/control.db", p->dir);
	(void)snprintf(p->uri, sizeof p->uri, "sqlite:%s", p->path);
}

static void plane_erase(struct plane *p)
{
	check_rmdir(p->dir);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* meta.x is meta_x there. */
static void by_hand(const struct plane *p, const char *sql)
{
	char text[512];
	sqlite3 *db = NULL;
	(void)snprintf(text, sizeof text, "%s", sql);
	for (char *at; (at = strstr(text, "meta.")) != NULL;) at[4] = '_';
	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

/* It can't be opened, with this code, and the one line names the file and holds `has`. */
static void refuses(struct plane *p, status code, const char *has)
{
	struct control *c = NULL;
	CHECK_FAILS(code, control_open(p->uri, &c, &p->err));
	assert_null(c);
	if (strstr(p->err.message, has) == NULL || strstr(p->err.message, p->path) == NULL)
		fail_msg("message: %s", p->err.message);
	assert_null(strchr(p->err.message, '\n'));
}

static void test_open_refuses(void **state)
{
	(void)state;
	struct plane p;
	struct control *c = NULL;
	char garbage[8192];
	plane_make(&p);
	CHECK_FAILS(E_USAGE, control_open("mysql://u:secret@h/x", &c, &p.err));
	assert_null(strstr(p.err.message, "secret"));
	CHECK_FAILS(E_USAGE, control_open("mysql:x", &c, &p.err));
	CHECK_FAILS(E_USAGE, control_open("sqlite:", &c, &p.err));
	assert_int_equal(mkdir(p.path, 0777), 0);
	refuses(&p, E_IO, "directory is in the way");
	assert_int_equal(rmdir(p.path), 0);
	for (size_t i = 0; i < sizeof garbage; i++) garbage[i] = (char)(i * 7 + 13);
	write_file(p.path, garbage, sizeof garbage);
	refuses(&p, E_CORRUPT, "not a SQLite database");
	assert_int_equal(unlink(p.path), 0);
	by_hand(&p, "CREATE TABLE cats (name)");
	refuses(&p, E_CORRUPT, "something else");
	assert_int_equal(unlink(p.path), 0);
	(void)snprintf(p.uri, sizeof p.uri, "sqlite:%s/none/control.db", p.dir);
	(void)snprintf(p.path, sizeof p.path, "%s/none/control.db", p.dir);
	refuses(&p, E_NOT_FOUND, "cannot open");
	check_rmdir(p.dir);
}

static void test_open_damaged_newer_and_read_only(void **state)
{
	(void)state;
	struct plane p;
	struct control *c = NULL;
	char head[4096];
	plane_open(&p);
	control_close(p.c);
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err)); /* a second time: migrated already */
	control_close(p.c);
	by_hand(&p, "INSERT INTO meta.migrations VALUES (999, 'later', '')");
	refuses(&p, E_UNSUPPORTED, "schema version 999");
	by_hand(&p, "DELETE FROM meta.migrations WHERE version = 999");
	if (geteuid() != 0) { /* root writes anywhere */
		assert_int_equal(chmod(p.path, 0444), 0);
		refuses(&p, E_IO, "read-only");
		assert_int_equal(chmod(p.path, 0644), 0);
	}
	/* The first page's tree is overwritten. */
	FILE *f = fopen(p.path, "r+b");
	assert_non_null(f);
	assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
	memset(head + 100, 0xff, sizeof head - 100);
	rewind(f);
	assert_int_equal(fwrite(head, 1, sizeof head, f), sizeof head);
	assert_int_equal(fclose(f), 0);
	CHECK_FAILS(E_CORRUPT, control_open(p.uri, &c, &p.err));
	check_rmdir(p.dir);
}

/* Several processes create the same database at once: all succeed, and it is migrated once. */
static void test_created_by_several(void **state)
{
	(void)state;
	struct plane p;
	plane_make(&p);
	plane_open_by_several(&p);
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	query_is(&p, &(struct control_select){.sql = "SELECT count(*) FROM meta.migrations"}, "7\n");
	query_is(&p, &(struct control_select){.sql = "SELECT page_size FROM pragma_page_size()"}, "16384\n");
	plane_close(&p);
}

/* ---- who may only look ----------------------------------------------------------------------------------------------- */

enum { NOBODY = 65534 };

/* Root writes anywhere, and so becomes somebody else. */
static bool become_reader(void)
{
	return geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static void skip_without_reader(void)
{
	int end;
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) _exit(become_reader() ? 0 : 1);
	assert_int_equal(waitpid(pid, &end, 0), pid);
	if (end == 0) return;
	(void)fprintf(stderr, "root may become no other user here\n");
	skip();
}

/* In a process of a user who may only read the plane's folder and file: NULL, or what is wrong. */
typedef const char *(*look_at)(struct plane *p);

static int to_reader[2], from_reader[2]; /* pipes: each byte lets the other go on */

static void go_on(int fd)
{
	assert_int_equal(write(fd, "", 1), 1);
}

static void await(int fd)
{
	char byte;
	assert_int_equal(read(fd, &byte, 1), 1);
}

/* It waits for the first byte. Start it before this process opens the plane: SQLite takes the handles of a parent for its own. */
static pid_t reader_start(struct plane *p, look_at look)
{
	assert_int_equal(pipe(to_reader), 0);
	assert_int_equal(pipe(from_reader), 0);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid != 0) return pid;
	await(to_reader[0]);
	if (!become_reader()) _exit(2);
	err_clear(&p->err);
	p->c = NULL;
	const char *wrong = look(p);
	if (wrong != NULL) (void)fprintf(stderr, "%s: %s\n", wrong, p->err.message);
	_exit(wrong == NULL ? 0 : 1);
}

static void reader_end(pid_t pid)
{
	int end;
	assert_int_equal(waitpid(pid, &end, 0), pid);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(close(to_reader[i]), 0);
		assert_int_equal(close(from_reader[i]), 0);
	}
	assert_true(WIFEXITED(end) && WEXITSTATUS(end) == 0);
}

static void writable(const struct plane *p, bool may)
{
	assert_int_equal(chmod(p->path, may ? 0644 : 0444), 0);
	assert_int_equal(chmod(p->dir, may ? 0755 : 0555), 0);
}

static void look_as_reader(struct plane *p, look_at look)
{
	writable(p, false);
	const pid_t pid = reader_start(p, look);
	go_on(to_reader[1]);
	reader_end(pid);
	writable(p, true);
}

static status count_visit(void *arg, const struct control_value *v, size_t n, struct err *err)
{
	(void)err;
	if (n == 1 && v[0].kind == CONTROL_INT) *(int64_t *)arg = v[0].i;
	return OK;
}

static const char *count_runs(struct plane *p, int64_t want)
{
	int64_t n = -1;
	const struct control_select q = {.sql = "SELECT count(*) FROM meta.runs"};
	if (control_query(p->c, &q, count_visit, &n, &p->err) != OK) return "cannot count runs";
	return n == want ? NULL : "other runs than there are";
}

static const char *look_fails(struct plane *p, status code, const char *has)
{
	if (control_open_to_look(p->uri, &p->c, &p->err) != code) return "opens, or fails otherwise";
	return strstr(p->err.message, has) != NULL ? NULL : "says something else";
}

static const char *reads_one_run(struct plane *p)
{
	struct control_lease l;
	if (control_open(p->uri, &p->c, &p->err) != E_IO || strstr(p->err.message, "read-only") == NULL)
		return "opens to write";
	if (control_open_to_look(p->uri, &p->c, &p->err) != OK) return "cannot look";
	if (control_may_write(p->c)) return "claims that it may write";
	const char *wrong = count_runs(p, 1);
	if (wrong != NULL) return wrong;
	control_lease_init(&l, RUN);
	if (control_lease_acquire(p->c, &l, NOW, &p->err) != E_IO || strstr(p->err.message, "read-only") == NULL)
		return "takes a lease";
	control_close(p->c);
	return NULL;
}

static const char *needs_a_newer_schema(struct plane *p)
{
	return look_fails(p, E_UNSUPPORTED, "has schema version 0, this program needs");
}

static void plane_make_for_readers(struct plane *p)
{
	plane_make(p);
	/* Letters that a URI has other uses for. */
	(void)snprintf(p->path, sizeof p->path, "%s/a %%3f?immutable=0#b.db", p->dir);
	(void)snprintf(p->uri, sizeof p->uri, "sqlite:%s", p->path);
}

/* One run, in the -wal alone. */
static void plane_open_for_readers(struct plane *p)
{
	CHECK_OK(&p->err, control_open(p->uri, &p->c, &p->err));
	by_hand(p, "INSERT INTO meta.run_records (run_id, workload, status, attempts) VALUES ('" RUN
		   "', 'w', 'SUCCESS', 1)");
}

/* The folder has no -wal and -shm, and this user can make none. */
static void test_look_at_rest(void **state)
{
	(void)state;
	struct plane p;
	skip_without_reader();
	plane_make_for_readers(&p);
	plane_open_for_readers(&p);
	control_close(p.c);
	look_as_reader(&p, reads_one_run);
	CHECK_OK(&p.err, control_open_to_look(p.uri, &p.c, &p.err));
	assert_true(geteuid() != 0 || control_may_write(p.c)); /* who may write may write */
	control_close(p.c);
	by_hand(&p, "DELETE FROM meta.migrations");
	look_as_reader(&p, needs_a_newer_schema);
	plane_erase(&p);
}

/* Beside a process at work. */
static void test_look_beside_writer(void **state)
{
	(void)state;
	struct plane p;
	skip_without_reader();
	plane_make_for_readers(&p);
	const pid_t pid = reader_start(&p, reads_one_run);
	plane_open_for_readers(&p);
	writable(&p, false);
	go_on(to_reader[1]);
	reader_end(pid);
	writable(&p, true);
	plane_close(&p);
}

static void copy_file(const char *from, const char *to)
{
	char bytes[1 << 16];
	size_t n;
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	assert_true(in != NULL && out != NULL);
	while ((n = fread(bytes, 1, sizeof bytes, in)) > 0) assert_int_equal(fwrite(bytes, 1, n, out), n);
	assert_int_equal(fclose(in), 0);
	assert_int_equal(fclose(out), 0);
}

static const char *misses_the_wal(struct plane *p)
{
	return look_fails(p, E_IO, "-wal holds");
}

/* A copy of file and -wal without the -shm: the file alone would be an older state, or half of one. */
static void test_look_at_left_wal(void **state)
{
	(void)state;
	struct plane p, copy;
	char from[128], to[128];
	skip_without_reader();
	plane_make_for_readers(&p);
	plane_open_for_readers(&p);
	plane_make(&copy);
	copy_file(p.path, copy.path);
	(void)snprintf(from, sizeof from, "%s-wal", p.path);
	(void)snprintf(to, sizeof to, "%s-wal", copy.path);
	copy_file(from, to);
	look_as_reader(&copy, misses_the_wal);
	plane_close(&p);
	CHECK_OK(&copy.err, control_open(copy.uri, &copy.c, &copy.err));
	query_is(&copy, &(struct control_select){.sql = "SELECT count(*) FROM meta.runs"}, "1\n");
	plane_close(&copy);
}

static const char *notices_a_change(struct plane *p)
{
	int64_t n;
	const struct control_select q = {.sql = "SELECT count(*) FROM meta.runs"};
	const status code = control_open_to_look(p->uri, &p->c, &p->err);
	go_on(from_reader[1]);
	await(to_reader[0]);
	if (code != OK) return "cannot look";
	if (control_query(p->c, &q, count_visit, &n, &p->err) != E_BUSY) return "reads a file that was changed";
	return p->err.class == ERR_RETRY ? NULL : "not to be tried again";
}

static void test_look_while_changed(void **state)
{
	(void)state;
	struct plane p;
	skip_without_reader();
	plane_make_for_readers(&p);
	plane_open_for_readers(&p);
	control_close(p.c);
	writable(&p, false);
	const pid_t pid = reader_start(&p, notices_a_change);
	go_on(to_reader[1]);
	await(from_reader[0]);
	writable(&p, true);
	by_hand(&p, "UPDATE meta.run_records SET attempts = 2");
	go_on(to_reader[1]);
	reader_end(pid);
	plane_erase(&p);
}

/* Names of schemas become prefixes, but not those that are longer. */
static void test_names(void **state)
{
	(void)state;
	struct plane p;
	plane_open(&p);
	query_is(&p, &(struct control_select){.sql = "SELECT meta_runs.run_id FROM meta.runs"}, "");
	plane_close(&p);
}

/* A run as the control plane sees it, from opening to closing. */
static status use_plane(struct plane *p, int64_t now, int64_t *rows)
{
	struct control_lease lease;
	struct control_run r;
	struct control_task t = {.run_id = RUN,
		.stage = "raw",
		.task_id = "t",
		.spec_hash = STR("h"),
		.result = STR("{}"),
		.finished_at = NOW};
	const struct control_select q = {.sql = "SELECT count(*) FROM meta.run_records"};
	int64_t attempt;
	err_clear(&p->err);
	p->c = NULL;
	*rows = 0;
	control_lease_init(&lease, RUN);
	control_run_init(&r);
	r.run_id = RUN;
	r.workload = "w";
	r.started_at = NOW;
	status code = control_open(p->uri, &p->c, &p->err);
	if (code == OK) code = control_lease_acquire(p->c, &lease, now, &p->err);
	if (code == OK) code = control_run_begin(p->c, &lease, &r, &p->err);
	if (code == OK) code = control_task_start(p->c, &t, &attempt, &p->err);
	if (code == OK) code = control_task_finish(p->c, &lease, &t, &p->err);
	if (code == OK)
		code = control_stage_commit(p->c, &lease,
			&(struct control_stage){.run_id = RUN, .name = "raw", .committed_at = NOW, .sha256 = "s"},
			&p->err);
	if (code == OK) code = control_query(p->c, &q, count_visit, rows, &p->err);
	if (code == OK) code = control_lease_release(p->c, &lease, &p->err);
	return code;
}

/* Memory that runs out at the n-th request, SQLite's own among them: an error in words, the file is whole, and the next one goes on. */
static void test_every_allocation(void **state)
{
	(void)state;
	struct plane p;
	int64_t rows, failed = 0, hits;
	status code;
	if (!MALLOC_FAILS) skip();
	plane_make(&p);
	CHECK_OK(&p.err, use_plane(&p, NOW, &rows));
	control_close(p.c);
	const int64_t live = malloc_live;
	for (int64_t n = 1; n < 100000; n += n < 100 ? 1 : n / 40) {
		malloc_fail_from(n);
		code = use_plane(&p, NOW + n * 60 * US_PER_SECOND, &rows); /* the lease of the one before has run out */
		hits = malloc_hits;
		malloc_fail_from(0);
		if (code != OK && p.err.message[0] == '\0')
			fail_msg("request %lld: no word of what happened", (long long)n);
		control_close(p.c);
		if (malloc_live != live)
			fail_msg("%lld blocks lost at request %lld", (long long)(malloc_live - live), (long long)n);
		if (code == OK) CHECK_I64(rows, 1);
		if (hits == 0) break;
		failed += code != OK;
	}
	CHECK_OK(&p.err, code);
	assert_true(failed > 50);
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	plane_close(&p);
}

/* ---- faults ----------------------------------------------------------------------------------------------------------- */

/* Two months whose first rows have the value v, and a stage that says so, in one publication. */
static status publish_value(struct plane *p, struct control_publish *publish, const struct control_lease *l, int64_t v)
{
	char files[40];
	(void)snprintf(files, sizeof files, "files of %lld", (long long)v);
	const struct month months[] = {{"2025-1", files, 300, v, RUN}, {"2025-2", files, 3, v, RUN}};
	struct control_part parts[] = {{.name = "2025-1", .files = files}, {.name = "2025-2", .files = files}};
	struct control_table t = {.schema = &monthly, .parts = parts, .n_parts = 2};
	const struct control_stage stage = {
		.run_id = l->run_id, .name = "publish", .rows_out = v, .committed_at = NOW, .sha256 = "s"};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	int64_t rows;
	TRY(control_publish_look(publish, &t, 1, &p->err));
	TRY(control_publish_table(publish, &t, &p->err));
	for (size_t i = 0; i < 2; i++)
		if (parts[i].told) TRY(give_changes(p, publish, &months[i], NULL, 0));
	TRY(control_publish_table_end(publish, &rows, &p->err));
	return control_publish_commit(publish, &stage, &layer, &p->err);
}

static status use_and_publish(struct plane *p, int64_t now, int64_t v)
{
	struct control_publish *publish = NULL;
	struct control_lease lease;
	int64_t runs;
	TRY(use_plane(p, now, &runs));
	control_lease_init(&lease, RUN);
	TRY(control_lease_acquire(p->c, &lease, now, &p->err));
	TRY(control_publish_begin(p->c, &lease, &publish, &p->err));
	const status code = publish_value(p, publish, &lease, v);
	control_publish_destroy(publish);
	TRY(code);
	return control_lease_release(p->c, &lease, &p->err);
}

/* The value that is published: rows and stage say the same, and the file is whole. */
static int64_t published_value(struct plane *p)
{
	int64_t sum = -1, said = -2;
	const struct control_select rows = {.sql = "SELECT sum(n) FROM gold.monthly"},
				    stage = {.sql = "SELECT rows_out FROM meta.stage_commits WHERE stage = 'publish'"};
	CHECK_OK(&p->err, control_open(p->uri, &p->c, &p->err));
	query_is(p, &(struct control_select){.sql = "PRAGMA integrity_check"}, "ok\n");
	CHECK_OK(&p->err, control_query(p->c, &rows, count_visit, &sum, &p->err));
	CHECK_OK(&p->err, control_query(p->c, &stage, count_visit, &said, &p->err));
	control_close(p->c);
	p->c = NULL;
	CHECK_I64(sum, 2 * said);
	return said;
}

/* The n-th call of SQLite's to the system fails, once or from then on: an error in words, what was published stands or what is published
 * now, whole, and the next one goes on. */
static void test_every_io(void **state)
{
	(void)state;
	struct plane p;
	int64_t now = NOW, value = 1, failed = 0;
	plane_make(&p);
	CHECK_OK(&p.err, use_and_publish(&p, now, value));
	control_close(p.c);
	assert_int_equal(published_value(&p), value);
	failing_vfs_start();
	for (int on = 0; on < 2; on++) {
		int64_t hits = 1;
		for (int64_t n = 1; hits > 0; n++) {
			now += 60 * US_PER_SECOND; /* the lease of the one before has run out */
			const size_t before = mem_in_use();
			vfs_fail_at(n, on != 0);
			const status code = use_and_publish(&p, now, value + 1);
			control_close(p.c);
			p.c = NULL;
			hits = vfs_hits;
			vfs_fail_at(0, false);
			if (code != OK && (p.err.message[0] == '\0' || p.err.code != code))
				fail_msg("call %lld: %s: %s", (long long)n, status_name(code), p.err.message);
			if (code != OK && code != E_IO && code != E_CONFLICT)
				fail_msg("call %lld: %s: %s", (long long)n, status_name(code), p.err.message);
			assert_int_equal(mem_in_use(), before);
			const int64_t found = published_value(&p);
			if (found != value + 1 && (found != value || code == OK))
				fail_msg("call %lld: %s, and %lld is published", (long long)n, status_name(code),
					(long long)found);
			value = found;
			failed += code != OK;
			if (hits == 0) CHECK_OK(&p.err, code);
		}
	}
	failing_vfs_stop();
	assert_true(failed > 100);
	plane_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_refuses),
		cmocka_unit_test(test_open_damaged_newer_and_read_only),
		cmocka_unit_test(test_created_by_several),
		cmocka_unit_test(test_look_at_rest),
		cmocka_unit_test(test_look_beside_writer),
		cmocka_unit_test(test_look_at_left_wal),
		cmocka_unit_test(test_look_while_changed),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_every_allocation),
		cmocka_unit_test(test_every_io),
		CONTROL_CASES,
	};
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
