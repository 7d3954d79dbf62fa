/* Parts of published tables whose files did not change: SQLite. */
#include "publish_parts.h"

#include <unistd.h>

static void sqlite(const struct lake *l, const char *sql)
{
	char command[400];
	(void)snprintf(command, sizeof command, "sqlite3 %s/control.db \"%s\"", l->dir, sql);
	assert_int_equal(system(command), 0);
}

static void forget(struct lake *l)
{
	sqlite(l, "DELETE FROM meta_published_parts");
}

static void test_what_is_not_read(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	parts_scenario(&l, forget);
	lake_close(&l);
}

static void spoil(struct lake *l)
{
	sqlite(l, "UPDATE core_events SET event_id = 'x' || event_id WHERE event_id LIKE '%000000000001'");
}

static void test_fall_back(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	parts_fall_back(&l, spoil);
	lake_close(&l);
}

/* The report and the check count whole tables all the same. */
static void test_counts_are_of_whole_tables(void **state)
{
	(void)state;
	struct lake l;
	char sql[300];
	lake_open(&l);
	memset(&chain, 0, sizeof chain);
	for (int t = 0; t < 4; t++) chain.accepted[1][t] = 1;
	chain.accepted[2][4] = 1;
	chain_run(&l, 1);
	chain_run(&l, 2);
	(void)snprintf(sql, sizeof sql,
		"SELECT dataset, value, threshold, result FROM meta.quality_checks WHERE layer = 'publish' AND run_id "
		"= '%s' "
		"AND dataset = 'core.events'",
		chain.run_ids[2]);
	lake_query_is(&l, sql, "core.events|5|5|PASS\n");
	lake_close(&l);
}

/* Rows that somebody changed by hand: those that are missing, or too many, are made good. */
static void test_rows_changed_by_hand(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	memset(&chain, 0, sizeof chain);
	for (int t = 0; t < 6; t++) chain.accepted[1][t] = 2;
	chain_run(&l, 1);
	sqlite(&l, "DELETE FROM core_events WHERE month = '2025-02' AND price > 0.01");
	chain_publish(&l, 1);
	chain_is(&l, 1);
	sqlite(&l, "DROP INDEX core_events_key; INSERT INTO core_events SELECT * FROM core_events LIMIT 3");
	chain_publish(&l, 1);
	chain_is(&l, 1);
	lake_close(&l);
}

int main(void)
{
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0); /* syncs cost nothing there */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_is_not_read, reset),
		cmocka_unit_test_setup(test_fall_back, reset),
		cmocka_unit_test_setup(test_counts_are_of_whole_tables, reset),
		cmocka_unit_test_setup(test_rows_changed_by_hand, reset),
	};
	return cmocka_run_group_tests_name("parts of published tables", tests, NULL, NULL);
}
