/* The control plane in SQLite. */
#include <sqlite3.h>

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
	query_is(&p, &(struct control_select){.sql = "SELECT count(*) FROM meta.migrations"}, "1\n");
	query_is(&p, &(struct control_select){.sql = "SELECT page_size FROM pragma_page_size()"}, "16384\n");
	plane_close(&p);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_refuses),
		cmocka_unit_test(test_open_damaged_newer_and_read_only),
		cmocka_unit_test(test_created_by_several),
		cmocka_unit_test(test_names),
		CONTROL_CASES,
	};
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
