/* What runs leave in the Delta tables: each its own part, in one commit; nothing when nothing changed. */
#include "fake_run.h"

#include "flow/commit.h"
#include "flow/verify.h"
#include "table/log/history.h"
#include "table/write/replace.h"

#define OTHER_RUN "11111111-2222-4333-8444-555555555555"

static void test_each_run_its_part(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	struct run_opts o = options(&l);
	CHECK_OK(&l.err, run_plain(&l, &o));
	o.run_id = OTHER_RUN;
	o.params = fake_told("seed", "8");
	o.replace_published = true;
	CHECK_OK(&l.err, run_plain(&l, &o));
	lake_table_is(&l, "gold/by_id", 1, 2 * FAKE_TASKS, 400);
	lake_query_is(&l, "SELECT rows, delta_version FROM meta.datasets WHERE name = 'gold.by_id'", "400|1\n");
	/* what the second read and wrote has its version in the lineage */
	lake_query_is(&l, "SELECT output_version FROM meta.lineage WHERE output = 'gold.by_id' ORDER BY output_version",
		"0\n1\n");
	struct delta_snapshot *first = NULL;
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "gold/by_id", 0, &first, &l.err));
	CHECK_I64(first->n_files, FAKE_TASKS);
	delta_snapshot_close(first);
	lake_close(&l);
}

static void test_history_names_run_and_stage(void **state)
{
	(void)state;
	struct lake l;
	struct delta_history h;
	lake_open(&l);
	struct run_opts o = options(&l);
	o.run_id = OTHER_RUN;
	CHECK_OK(&l.err, run_plain(&l, &o));
	CHECK_OK(&l.err, delta_history_read(l.store, "gold/daily", 0, &h, &l.err));
	CHECK_I64(h.n, 1);
	CHECK_I64(h.versions[0].n_added, FAKE_TASKS);
	const struct str text = h.versions[0].info.text;
	assert_non_null(memmem(text.p, text.n, "\"pqrRunId\":\"" OTHER_RUN "\"", 13 + UUID_CHARS));
	assert_non_null(memmem(text.p, text.n, "\"pqrStage\":\"gold\"", 17));
	delta_history_deinit(&h);
	lake_close(&l);
}

/* Without its commit object the stage is done again: equal bytes, so the tables stay at their versions. */
static void test_again_commits_nothing(void **state)
{
	(void)state;
	struct lake l;
	char key[RUN_KEY_MAX];
	lake_open(&l);
	struct run_opts o = options(&l);
	o.run_id = OTHER_RUN;
	CHECK_OK(&l.err, run_plain(&l, &o));
	commit_key(key, 20002, OTHER_RUN, "gold");
	CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	CHECK_OK(&l.err, run_plain(&l, &o));
	lake_table_is(&l, "gold/by_id", 0, FAKE_TASKS, 200);
	lake_close(&l);
}

/* A lake from before its tables had logs: the finished run is called again and gives them. */
static void test_a_lost_log_is_made_again(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	const struct run_opts o = options(&l);
	CHECK_OK(&l.err, run_plain(&l, &o));
	CHECK_OK(&l.err, store_delete(l.store, "gold/by_id/_delta_log/00000000000000000000.json", &l.err));
	CHECK_OK(&l.err, run(&l, &o, &r));
	run_report_deinit(&r);
	lake_table_is(&l, "gold/by_id", 0, FAKE_TASKS, 200);
	lake_close(&l);
}

static void add_part(struct lake *l, const char *from, const char *to)
{
	struct buf bytes;
	buf_init(&bytes, 0);
	CHECK_OK(&l->err, store_get(l->store, from, &bytes, &l->err));
	CHECK_OK(&l->err, store_put(l->store, to, bytes.p, bytes.n, &l->err));
	buf_deinit(&bytes);
}

/* Another writer puts a file's rows elsewhere (what optimize does) and vacuum takes the old one: verify and a resumed run are content.
 * A file that is gone though the table needs it is missing. */
static void test_replaced_is_not_missing(void **state)
{
	(void)state;
	struct lake l;
	struct verify_report report;
	struct delta_snapshot *s = NULL;
	struct delta_txn *txn = NULL;
	char old_key[DELTA_KEY_MAX];
	int64_t version;
	lake_open(&l);
	struct run_opts o = options(&l);
	o.run_id = OTHER_RUN;
	CHECK_OK(&l.err, run_plain(&l, &o));
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "gold/by_id", DELTA_LATEST, &s, &l.err));
	struct delta_add moved = s->files[0];
	CHECK_OK(&l.err, delta_key(old_key, "gold/by_id", moved.path, &l.err));
	add_part(&l, old_key, "gold/by_id/month=2025-01/run_id=" OTHER_RUN "/part-moved.parquet");
	moved.path = STR("month=2025-01/run_id=" OTHER_RUN "/part-moved.parquet");
	moved.data_change = false;
	const struct delta_txn_opts opts = {.operation = "OPTIMIZE"};
	CHECK_OK(&l.err, delta_txn_begin(l.store, "gold/by_id", s, &opts, &txn, &l.err));
	CHECK_OK(&l.err, delta_txn_remove(txn, &s->files[0], false, &l.err));
	CHECK_OK(&l.err, delta_txn_add(txn, &moved, &l.err));
	CHECK_OK(&l.err, delta_txn_commit(txn, &version, &l.err));
	delta_txn_destroy(txn);
	delta_snapshot_close(s);
	CHECK_OK(&l.err, store_delete(l.store, old_key, &l.err));
	const struct verify_opts v = {.workload = &fake_workload, .lake = l.store, .run_id = OTHER_RUN};
	CHECK_OK(&l.err, flow_verify(&v, &report, &l.err));
	CHECK_I64(report.replaced, 1);
	CHECK_OK(&l.err, run_plain(&l, &o)); /* nothing to do */
	lake_table_is(&l, "gold/by_id", 1, FAKE_TASKS, 200);
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "gold/by_id", DELTA_LATEST, &s, &l.err));
	CHECK_OK(&l.err, delta_key(old_key, "gold/by_id", s->files[2].path, &l.err));
	delta_snapshot_close(s);
	CHECK_OK(&l.err, store_delete(l.store, old_key, &l.err));
	CHECK_FAILS(E_VERIFY, flow_verify(&v, &report, &l.err));
	CHECK_I64(report.differences, 1);
	CHECK_FAILS(E_VERIFY, run_plain(&l, &o));
	lake_close(&l);
}

/* A resumed run deletes what its own earlier attempt left, and not what another writer put and is about to commit. */
static void test_left_overs_of_others_stay(void **state)
{
	(void)state;
	struct lake l;
	char key[RUN_KEY_MAX];
	int64_t size;
	static const char own[] =
		"gold/by_id/month=2025-01/run_id=" OTHER_RUN "/part-0123456789abcdef0123456789abcdef.parquet";
	static const char *const others[] = {
		"gold/by_id/month=2025-01/run_id=" OTHER_RUN
		"/part-0123456789abcdef0123456789abcdef-6f1c2b0e-3a52-4f0e-9d0c-3c6f6f0b7a11.parquet",
		"gold/by_id/month=2025-01/run_id=" OTHER_RUN
		"/part-00001-6f1c2b0e-3a52-4f0e-9d0c-3c6f6f0b7a11-c000.zstd.parquet",
	};
	lake_open(&l);
	struct run_opts o = options(&l);
	o.run_id = OTHER_RUN;
	CHECK_OK(&l.err, run_plain(&l, &o));
	commit_key(key, 20002, OTHER_RUN, "gold");
	CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	CHECK_OK(&l.err, store_put(l.store, own, "own", 3, &l.err));
	for (size_t i = 0; i < 2; i++) CHECK_OK(&l.err, store_put(l.store, others[i], "other", 5, &l.err));
	CHECK_OK(&l.err, run_plain(&l, &o));
	CHECK_FAILS(E_NOT_FOUND, store_size(l.store, own, &size, NULL));
	for (size_t i = 0; i < 2; i++) CHECK_OK(&l.err, store_size(l.store, others[i], &size, &l.err));
	lake_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_run_its_part, reset),
		cmocka_unit_test_setup(test_history_names_run_and_stage, reset),
		cmocka_unit_test_setup(test_again_commits_nothing, reset),
		cmocka_unit_test_setup(test_a_lost_log_is_made_again, reset),
		cmocka_unit_test_setup(test_replaced_is_not_missing, reset),
		cmocka_unit_test_setup(test_left_overs_of_others_stay, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
