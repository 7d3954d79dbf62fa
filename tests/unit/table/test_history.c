#include "check.h"

#include "base/alloc.h"
#include "log_text.h"
#include "table/log/history.h"

#define STATS_ADD(path, rows)                                                                \
	"{\"add\":{\"path\":\"" path                                                         \
	"\",\"partitionValues\":{},\"size\":100,\"modificationTime\":1,\"dataChange\":true," \
	"\"stats\":\"{\\\"numRecords\\\":" rows "}\"}}\n"

static void fill(struct log_lake *l)
{
	log_put_version(l, 0, INFO("1000") PROTOCOL METADATA STATS_ADD("a", "5") STATS_ADD("b", "6"));
	log_put_version(l, 1, INFO("3000") STATS_ADD("c", "1") ADD("d", "null") REMOVE("a"));
	log_put_version(
		l, 2, INFO("2000") "{\"remove\":{\"path\":\"b\",\"dataChange\":false}}\n"); /* a clock that went back */
	log_put_version(l, 3,
		STATS_ADD("e",
			"7") "{\"commitInfo\":{\"timestamp\":9,\"inCommitTimestamp\":5000,\"operation\":\"MERGE\"}}\n");
}

static void test_versions(void **state)
{
	(void)state;
	static const struct {
		int64_t ms, added, removed, bytes, rows;
		bool change;
		const char *operation;
	} want[] = {{1000, 2, 0, 200, 11, true, "WRITE"}, {3000, 2, 1, 110, -1, true, "WRITE"},
		{3000, 0, 1, 0, 0, false, "WRITE"}, {5000, 1, 0, 100, 7, true, "MERGE"}};
	struct log_lake l;
	struct delta_history h;
	log_lake_open(&l);
	fill(&l);
	CHECK_OK(&l.err, delta_history_read(l.store, "t", 0, &h, &l.err));
	CHECK_I64(h.n, 4);
	for (size_t i = 0; i < h.n; i++) {
		const struct delta_version *v = &h.versions[i];
		CHECK_I64(v->version, i);
		CHECK_I64(v->timestamp_ms, want[i].ms);
		CHECK_I64(v->n_added, want[i].added);
		CHECK_I64(v->n_removed, want[i].removed);
		CHECK_I64(v->bytes_added, want[i].bytes);
		CHECK_I64(v->rows_added, want[i].rows);
		CHECK_I64(v->data_change, want[i].change);
		assert_true(str_is(v->info.operation, want[i].operation));
	}
	delta_history_deinit(&h);
	CHECK_OK(&l.err, delta_history_read(l.store, "t", 2, &h, &l.err));
	CHECK_I64(h.n, 2);
	CHECK_I64(h.versions[0].version, 2);
	delta_history_deinit(&h);
	CHECK_OK(&l.err, delta_history_read(l.store, "t", 100, &h, &l.err));
	CHECK_I64(h.n, 4);
	delta_history_deinit(&h);
	CHECK_FAILS(E_NOT_FOUND, delta_history_read(l.store, "u", 0, &h, &l.err));
	log_put_version(&l, 4, "{\"add\":");
	CHECK_FAILS(E_CORRUPT, delta_history_read(l.store, "t", 0, &h, &l.err));
	assert_non_null(strstr(l.err.where, "00000000000000000004.json"));
	log_lake_close(&l);
}

static void check_at(struct log_lake *l, int64_t ms, int64_t want)
{
	int64_t version = -1;
	CHECK_OK(&l->err, delta_version_at(l->store, "t", ms, &version, &l->err));
	if (version != want)
		fail_msg("at %lld: %lld, expected %lld", (long long)ms, (long long)version, (long long)want);
}

static void test_version_at(void **state)
{
	(void)state;
	struct log_lake l;
	int64_t version;
	log_lake_open(&l);
	fill(&l);
	check_at(&l, 1000, 0);
	check_at(&l, 2999, 0); /* version 2 says 2000 but came after version 1 */
	check_at(&l, 3000, 2);
	check_at(&l, 4999, 2);
	check_at(&l, 5000, 3);
	check_at(&l, INT64_MAX, 3);
	CHECK_FAILS(E_NOT_FOUND, delta_version_at(l.store, "t", 999, &version, &l.err));
	assert_non_null(strstr(l.err.message, "1970-01-01T00:00:01"));
	CHECK_FAILS(E_NOT_FOUND, delta_version_at(l.store, "t", INT64_MIN, &version, &l.err));
	CHECK_FAILS(E_NOT_FOUND, delta_version_at(l.store, "none", 5000, &version, &l.err));
	/* Cleaned up: version 2 has a checkpoint, the commits before it are gone. */
	log_put(&l, "00000000000000000002.checkpoint.parquet", "PAR1");
	CHECK_OK(&l.err, store_delete(l.store, "t/_delta_log/00000000000000000000.json", &l.err));
	CHECK_FAILS(E_NOT_FOUND, delta_version_at(l.store, "t", 2500, &version, &l.err));
	CHECK_OK(&l.err, store_delete(l.store, "t/_delta_log/00000000000000000001.json", &l.err));
	CHECK_FAILS(E_NOT_FOUND, delta_version_at(l.store, "t", 1500, &version, &l.err));
	assert_non_null(strstr(l.err.message, "cleaned up"));
	assert_non_null(strstr(l.err.message, "is 2"));
	check_at(&l, 5000, 3);
	log_lake_close(&l);
}

/* No commitInfo at all: the file's time. */
static void test_file_time(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_history h;
	log_lake_open(&l);
	log_put_version(&l, 0, PROTOCOL METADATA);
	CHECK_OK(&l.err, delta_history_read(l.store, "t", 0, &h, &l.err));
	assert_true(h.versions[0].timestamp_ms > INT64_C(1600000000000));
	CHECK_I64(h.versions[0].info.operation.n, 0);
	check_at(&l, h.versions[0].timestamp_ms, 0);
	delta_history_deinit(&h);
	log_lake_close(&l);
}

static void test_no_memory(void **state)
{
	(void)state;
	struct log_lake l;
	int64_t n;
	log_lake_open(&l);
	fill(&l);
	for (n = 0;; n++) {
		struct delta_history h;
		const size_t before = mem_in_use();
		mem_fail_after(n);
		const status code = delta_history_read(l.store, "t", 0, &h, &l.err);
		mem_fail_after(-1);
		if (code == OK) {
			delta_history_deinit(&h);
			break;
		}
		CHECK_FAILS(E_NOMEM, code);
		CHECK_I64(mem_in_use(), before);
	}
	assert_true(n > 5);
	log_lake_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_version_at),
		cmocka_unit_test(test_file_time),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
