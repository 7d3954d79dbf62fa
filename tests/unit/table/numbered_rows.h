/* tests/unit/table/numbered_rows.h: tables whose rows follow from their ids, to be written in any number of files and compared as sets.
 *
 * Columns id long, x long, y string (some null), d double, p string (partition). */
#ifndef PQR_TESTS_NUMBERED_ROWS_H
#define PQR_TESTS_NUMBERED_ROWS_H

#include "check.h"

#include "base/hash.h"
#include "base/rng.h"
#include "base/time.h"
#include "table/read/scan.h"
#include "table/log/txn.h"
#include "table/write/write.h"

#define ROWS_TABLE "t"
#define ROWS_FIELD(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\",\"nullable\":true,\"metadata\":{}}"
#define ROWS_SCHEMA                                                                                              \
	"{\"type\":\"struct\",\"fields\":[" ROWS_FIELD("id", "long") "," ROWS_FIELD("x", "long") "," ROWS_FIELD( \
		"y", "string") "," ROWS_FIELD("d", "double") "," ROWS_FIELD("p", "string") "]}"

static const struct column_def rows_columns[] = {{.name = "id", .type = COL_INT64, .nullable = true},
	{.name = "x", .type = COL_INT64, .nullable = true}, {.name = "y", .type = COL_STRING, .nullable = true},
	{.name = "d", .type = COL_DOUBLE, .nullable = true}};
static const struct table_schema rows_schema = {.name = "t", .columns = rows_columns, .n_columns = 4};

static inline void rows_create(struct store *s)
{
	struct err err;
	struct delta_txn *t = NULL;
	int64_t version = -1;
	const struct delta_txn_opts opts = {.operation = "CREATE TABLE"};
	const struct delta_protocol protocol = {.min_reader = 1, .min_writer = 2};
	const struct str p = STR("p");
	const struct delta_metadata metadata = {.id = STR("6e1cf6c9-5a4b-4d2b-a2a0-5b8a3c4b6f0f"),
		.schema = STR(ROWS_SCHEMA),
		.partition_columns = {&p, 1},
		.created_ms = 1};
	CHECK_OK(&err, delta_txn_begin(s, ROWS_TABLE, NULL, &opts, &t, &err));
	CHECK_OK(&err, delta_txn_protocol(t, &protocol, &err));
	CHECK_OK(&err, delta_txn_metadata(t, &metadata, &err));
	CHECK_OK(&err, delta_txn_commit(t, &version, &err));
	delta_txn_destroy(t);
	CHECK_I64(version, 0);
}

/* Put rows [first, first + n) of partition p in files of `each`, all in one commit; n_null of them have no y. Files of no rows for each == 0 */
static inline int64_t rows_append(struct store *s, int64_t first, int64_t n, int64_t each, const char *p)
{
	struct err err;
	struct delta_snapshot *snapshot = NULL;
	struct delta_txn *t = NULL;
	int64_t version = -1;
	const struct delta_txn_opts opts = {.operation = "WRITE"};
	const struct delta_pair pair = {STR("p"), {p, p != NULL ? strlen(p) : 0}};
	const struct delta_pairs partition = {&pair, 1};
	CHECK_OK(&err, delta_snapshot_open(s, ROWS_TABLE, DELTA_LATEST, &snapshot, &err));
	CHECK_OK(&err, delta_txn_begin(s, ROWS_TABLE, snapshot, &opts, &t, &err));
	for (int64_t at = first; at < first + n; at += each) {
		const int64_t end = at + each < first + n ? at + each : first + n;
		char unique[32];
		(void)snprintf(unique, sizeof unique, "%lld", (long long)time_mono_us());
		const struct delta_writer_opts w_opts = {.parquet = {.codec = PARQUET_ZSTD},
			.partition = partition,
			.unique = unique,
			.modified_ms = 1,
			.data_change = true};
		struct delta_writer *w = NULL;
		struct builder b[4];
		struct column columns[4];
		CHECK_OK(&err, delta_writer_create(s, ROWS_TABLE, &rows_schema, &w_opts, &w, &err));
		for (int k = 0; k < 4; k++) builder_init(&b[k], &rows_columns[k], false);
		for (int64_t i = at; i < end; i++) {
			const struct rng4 r = rng_philox(3, (uint64_t)i, 0, 0);
			char text[24];
			const double d = (double)r.v[2] / 7;
			int64_t bits;
			memcpy(&bits, &d, sizeof bits);
			builder_set_i64(&b[0], i - at, i);
			builder_set_i64(&b[1], i - at, (int64_t)r.v[0] - INT32_MAX);
			const int length = snprintf(text, sizeof text, "%08x", r.v[1]);
			if (r.v[3] % 8 != 0) builder_set_str(&b[2], i - at, (struct str){text, (size_t)length});
			builder_set_i64(&b[3], i - at, bits);
		}
		for (int k = 0; k < 4; k++) CHECK_OK(&err, builder_finish(&b[k], end - at, &columns[k], &err));
		const struct batch batch = {.n_columns = 4, .columns = columns, .n_rows = end - at};
		CHECK_OK(&err, delta_writer_add(w, &batch, &(struct parquet_rows){.n = (uint32_t)(end - at)}, &err));
		const struct delta_add *files = NULL;
		size_t n_files = 0;
		CHECK_OK(&err, delta_writer_finish(w, &files, &n_files, &err));
		for (size_t i = 0; i < n_files; i++) CHECK_OK(&err, delta_txn_add(t, &files[i], &err));
		delta_writer_destroy(w);
		for (int k = 0; k < 4; k++) builder_deinit(&b[k]);
	}
	CHECK_OK(&err, delta_txn_commit(t, &version, &err));
	delta_txn_destroy(t);
	delta_snapshot_close(snapshot);
	return version;
}

/* What a version holds: as a set of rows. */
struct rows_sum {
	int64_t n;
	uint64_t hash; /* the sum of the rows' hashes */
	size_t files;
	int64_t version;
};

static inline struct rows_sum rows_read(struct store *s, int64_t version)
{
	struct err err;
	struct delta_snapshot *snapshot = NULL;
	struct delta_scan *scan = NULL;
	struct rows_sum sum = {0};
	static const char *const names[] = {"id", "x", "y", "d", "p"};
	const struct delta_scan_opts opts = {.columns = names, .n_columns = 5};
	CHECK_OK(&err, delta_snapshot_open(s, ROWS_TABLE, version, &snapshot, &err));
	CHECK_OK(&err, delta_scan_open(snapshot, &opts, &scan, &err));
	for (;;) {
		struct batch b;
		bool end = false;
		CHECK_OK(&err, delta_scan_next(scan, &b, &end, &err));
		if (end) break;
		for (int64_t i = 0; i < b.n_rows; i++) {
			char text[200];
			size_t n = 0;
			for (int k = 0; k < 5; k++) {
				const struct column *c = &b.columns[k];
				if (!column_valid(c, i)) {
					text[n++] = '-';
				} else if (k == 2 || k == 4) {
					const struct str v = column_str(c, i);
					n += (size_t)snprintf(text + n, sizeof text - n, "'%.*s'", (int)v.n, v.p);
				} else {
					memcpy(text + n, (const int64_t *)c->values + i, 8);
					n += 8;
				}
			}
			sum.hash += hash_xxh3(text, n);
		}
		sum.n += b.n_rows;
	}
	sum.files = snapshot->n_files;
	sum.version = snapshot->version;
	delta_scan_close(scan);
	delta_snapshot_close(snapshot);
	return sum;
}

static inline void rows_same(const struct rows_sum *a, const struct rows_sum *b)
{
	CHECK_I64(a->n, b->n);
	assert_true(a->hash == b->hash);
}

#endif
