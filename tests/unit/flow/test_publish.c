/* Tables of the serving database that several runs make up. */
#include "fake_chain.h"

#include <unistd.h>

#include "base/rng.h"
#include "control/control.h"
#include "table/maintain/optimize.h"

static void test_each_row_once(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	chain_scenario(&l);
	lake_close(&l);
}

static void test_rows_are_accounted_for(void **state)
{
	(void)state;
	struct lake l;
	struct buf rows;
	char want[300], sql[400];
	lake_open(&l);
	chain_three_runs();
	for (int run = 1; run <= 3; run++) chain_run(&l, run);
	buf_init(&rows, 0);
	const long long due = (long long)chain_expected(&rows, 3);
	buf_deinit(&rows);
	(void)snprintf(want, sizeof want,
		"core.events|%lld|%lld|PASS|rows in the serving database = rows in the lake\n"
		"gold.daily|1|1|PASS|rows in the serving database = rows in the lake\n",
		due, due);
	(void)snprintf(sql, sizeof sql,
		"SELECT dataset, value, threshold, result, details FROM meta.quality_checks WHERE layer = 'publish' "
		"AND "
		"run_id = '%s' ORDER BY dataset",
		chain.run_ids[3]);
	lake_query_is(&l, sql, want);
	lake_close(&l);
}

static void test_lineage(void **state)
{
	(void)state;
	struct lake l;
	char sql[400];
	lake_open(&l);
	chain_three_runs();
	for (int run = 1; run <= 3; run++) chain_run(&l, run);
	(void)snprintf(sql, sizeof sql,
		"SELECT l.input, r.seed, l.output FROM meta.lineage l JOIN meta.runs r ON r.run_id = l.input_version "
		"WHERE l.run_id = '%s' AND l.stage = 'publish' AND l.output_version = l.run_id ORDER BY l.output",
		chain.run_ids[3]);
	lake_query_is(&l, sql, "silver.events|3|serving.core_events\ngold.daily|3|serving.gold_daily\n");
	lake_close(&l);
}

static void test_any_history(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 40; round += CHECK_ONE_IN) {
		struct lake l;
		memset(&chain, 0, sizeof chain);
		for (uint32_t run = 1; run <= CHAIN_RUNS_MAX; run++) {
			for (uint32_t t = 0; t < CHAIN_TICKETS; t++) {
				const struct rng4 r = rng_philox(4711, round, run, t);
				if (rng_below(r.v[0], 3) == 0)
					chain.accepted[run][t] = (int)rng_below(r.v[1], CHAIN_EVENTS_MAX + 1);
				if (rng_below(r.v[2], 5) == 0) chain.refused[run][t] = (int)rng_below(r.v[3], 4);
				if (round % 4 == run) chain.accepted[run][t] = 0; /* a run without a row */
			}
		}
		lake_open(&l);
		for (int run = 1; run <= CHAIN_RUNS_MAX; run++) {
			/* one now and then is never published: what the next one publishes is whole all the same */
			const bool publish = run == CHAIN_RUNS_MAX || round % 3 != 0;
			CHECK_OK(&l.err, chain_run_try(&l, run, publish));
			if (publish) chain_is(&l, run);
		}
		lake_close(&l);
	}
}

static void optimize(struct lake *l, const char *root)
{
	struct delta_optimize_result r;
	const struct delta_optimize_opts opts = {0};
	CHECK_OK(&l->err, delta_optimize(l->store, root, &opts, &r, &l->err));
}

/* Key of a file of the table that holds rows of that run. */
static void file_of_run(struct lake *l, const char *root, int run, char key[DELTA_KEY_MAX])
{
	struct delta_snapshot *s = NULL;
	key[0] = '\0';
	CHECK_OK(&l->err, delta_snapshot_open(l->store, root, DELTA_LATEST, &s, &l->err));
	for (size_t i = 0; i < s->n_files && key[0] == '\0'; i++) {
		const struct delta_pair *p = delta_pairs_get(&s->files[i].partition, STR("run_id"));
		if (p != NULL && str_is(p->value, chain.run_ids[run]))
			CHECK_OK(&l->err, delta_key(key, root, s->files[i].path, &l->err));
	}
	delta_snapshot_close(s);
	assert_true(key[0] != '\0');
}

/* Give a file of an earlier run to the table under another name, without a hash in it or its run in the path, and leave the
 * number of its rows out of the log. */
static void move_file(struct lake *l, const char *root, int run, const char *name)
{
	struct delta_snapshot *s = NULL;
	struct delta_txn *txn = NULL;
	struct buf bytes;
	char from[DELTA_KEY_MAX], to[DELTA_KEY_MAX];
	int64_t version;
	file_of_run(l, root, run, from);
	CHECK_OK(&l->err, delta_snapshot_open(l->store, root, DELTA_LATEST, &s, &l->err));
	const struct delta_add *old = delta_snapshot_file(s, str_of(from + strlen(root) + 1));
	assert_non_null(old);
	struct delta_add moved = *old;
	moved.path = str_of(name);
	moved.stats = (struct str){0};
	moved.data_change = false;
	buf_init(&bytes, 0);
	CHECK_OK(&l->err, delta_key(to, root, moved.path, &l->err));
	CHECK_OK(&l->err, store_get(l->store, from, &bytes, &l->err));
	CHECK_OK(&l->err, store_put(l->store, to, bytes.p, bytes.n, &l->err));
	buf_deinit(&bytes);
	const struct delta_txn_opts opts = {.operation = "OPTIMIZE"};
	CHECK_OK(&l->err, delta_txn_begin(l->store, root, s, &opts, &txn, &l->err));
	CHECK_OK(&l->err, delta_txn_remove(txn, old, false, &l->err));
	CHECK_OK(&l->err, delta_txn_add(txn, &moved, &l->err));
	CHECK_OK(&l->err, delta_txn_commit(txn, &version, &l->err));
	delta_txn_destroy(txn);
	delta_snapshot_close(s);
	CHECK_OK(&l->err, store_delete(l->store, from, &l->err));
}

/* Earlier runs' files are those that the tables' logs name, whoever wrote them. */
static void test_files_that_others_wrote(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	chain_three_runs();
	chain_run(&l, 1);
	chain_run(&l, 2);
	optimize(&l, "silver/events");
	optimize(&l, "silver/refused");
	move_file(&l, "silver/events", 2, "rewritten/0001.parquet");
	move_file(&l, "silver/refused", 2, "month=1999-12/0001.parquet");
	chain_run(&l, 3);
	chain_is(&l, 3);
	move_file(&l, "silver/events", 3, "rewritten/0002.parquet");
	chain_publish(&l, 3);
	chain_is(&l, 3);
	optimize(&l, "silver/events");
	chain_publish(&l, 3);
	chain_is(&l, 3);
	lake_close(&l);
}

/* A file of an earlier run that is kept and changed since, or is gone: its path in the error, and the serving database stays as it was. */
static void test_damage_of_an_earlier_run(void **state)
{
	(void)state;
	struct lake l;
	struct buf bytes;
	char key[DELTA_KEY_MAX];
	lake_open(&l);
	memset(&chain, 0, sizeof chain);
	for (int run = 1; run <= 3; run++) chain.accepted[run][run] = 4;
	chain_run(&l, 1);
	for (int run = 2; run <= 3; run++) chain_write(&l, run);
	chain_is(&l, 1);
	buf_init(&bytes, 0);
	file_of_run(&l, "silver/events", 2, key);
	CHECK_OK(&l.err, store_get(l.store, key, &bytes, &l.err));
	bytes.p[20] ^= 1;
	CHECK_OK(&l.err, store_put(l.store, key, bytes.p, bytes.n, &l.err));
	CHECK_FAILS(E_VERIFY, chain_publish_try(&l, 3));
	assert_string_equal(l.err.where, key);
	CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	CHECK_FAILS(E_VERIFY, chain_publish_try(&l, 3));
	assert_string_equal(l.err.where, key);
	assert_non_null(strstr(l.err.message, "missing"));
	chain_is(&l, 1);
	bytes.p[20] ^= 1;
	CHECK_OK(&l.err, store_put(l.store, key, bytes.p, bytes.n, &l.err));
	buf_deinit(&bytes);
	chain_publish(&l, 3);
	chain_is(&l, 3);
	lake_close(&l);
}

static void test_out_of_memory_anywhere(void **state)
{
	(void)state;
	struct lake l;
	int64_t failures = 0;
	lake_open(&l);
	chain_three_runs();
	chain_run(&l, 1);
	for (int run = 2; run <= 3; run++) chain_write(&l, run);
	for (int64_t n = 0;; n += 1 + n / 40) {
		mem_fail_after(n);
		const status code = chain_publish_try(&l, 3);
		mem_fail_after(-1);
		if (code == OK) break;
		if (code != E_NOMEM)
			fail_msg("allocation %lld: %s: %s", (long long)n, status_name(code), l.err.message);
		if (failures++ % 20 == 0) chain_is(&l, 1);
	}
	assert_true(failures > 50);
	chain_is(&l, 3);
	lake_close(&l);
}

int main(void)
{
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0); /* syncs cost nothing there */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_row_once, reset),
		cmocka_unit_test_setup(test_rows_are_accounted_for, reset),
		cmocka_unit_test_setup(test_lineage, reset),
		cmocka_unit_test_setup(test_any_history, reset),
		cmocka_unit_test_setup(test_files_that_others_wrote, reset),
		cmocka_unit_test_setup(test_damage_of_an_earlier_run, reset),
		cmocka_unit_test_setup(test_out_of_memory_anywhere, reset),
	};
	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
