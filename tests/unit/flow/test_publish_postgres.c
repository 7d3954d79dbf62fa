/* Tables of the serving database that several runs make up, in PostgreSQL, on a server of this test's own. */
#include "publish_parts.h"

#include "../postgres_server.h"

static void lake_open_postgres(struct lake *l, const char *database)
{
	*l = (struct lake){0};
	(void)check_tmpdir(l->dir);
	char uri[320];
	server_uri(uri, "postgres", database);
	CHECK_OK(&l->err, store_open(l->dir, &l->store, &l->err));
	CHECK_OK(&l->err, control_open(uri, &l->control, &l->err));
}

static void test_each_row_once(void **state)
{
	(void)state;
	struct lake l;
	lake_open_postgres(&l, "postgres");
	chain_scenario(&l);
	/* Published again: the rows of all its runs stay the very same versions. */
	static const char versions[] =
		"SELECT count(*) || md5(string_agg(concat(ctid, xmin), ' ' ORDER BY event_id)) FROM core.events";
	char before[64], after[64];
	server_sql_get("postgres", versions, before, sizeof before);
	chain_publish(&l, 3);
	server_sql_get("postgres", versions, after, sizeof after);
	assert_string_equal(after, before);
	lake_close(&l);
}

static void forget(struct lake *l)
{
	(void)l;
	server_sql("parts", "DELETE FROM meta.published_parts");
}

static void test_what_is_not_read(void **state)
{
	(void)state;
	struct lake l;
	server_sql("postgres", "CREATE DATABASE parts");
	lake_open_postgres(&l, "parts");
	parts_scenario(&l, forget);
	lake_close(&l);
}

static void spoil(struct lake *l)
{
	(void)l;
	server_sql("fall", "UPDATE core.events SET event_id = 'x' || event_id WHERE event_id LIKE '%000000000001'");
}

static void test_fall_back(void **state)
{
	(void)state;
	struct lake l;
	server_sql("postgres", "CREATE DATABASE fall");
	lake_open_postgres(&l, "fall");
	parts_fall_back(&l, spoil);
	lake_close(&l);
}

int main(void)
{
	(void)setenv("TMPDIR", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", 0); /* syncs cost nothing there */
	(void)check_tmpdir(server_dir);
	const int rc = server("start", "");
	if (rc != 0) {
		check_rmdir(server_dir);
		return rc == 77 ? 0 : 1; /* the script has said SKIPPED and why */
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_row_once, reset),
		cmocka_unit_test_setup(test_what_is_not_read, reset),
		cmocka_unit_test_setup(test_fall_back, reset),
	};
	const int failed = cmocka_run_group_tests_name("publish to PostgreSQL", tests, NULL, NULL);
	const int stopped = server("stop", "");
	check_rmdir(server_dir);
	return failed != 0 || stopped != 0;
}
