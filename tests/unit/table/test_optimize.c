#include "numbered_rows.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "table/log/checkpoint.h"
#include "table/log/log.h"
#include "table/maintain/optimize.h"
#include "table/maintain/vacuum.h"

#include "table/fault_store.h"

struct lake {
	char dir[64];
	struct store *store;
};

static int setup(void **state)
{
	static struct lake l;
	struct err err;
	check_tmpdir(l.dir);
	CHECK_OK(&err, store_open(l.dir, &l.store, &err));
	rows_create(l.store);
	*state = &l;
	return 0;
}

static int teardown(void **state)
{
	struct lake *l = *state;
	store_close(l->store);
	check_rmdir(l->dir);
	return 0;
}

static void renew(struct lake *l)
{
	check_rmdir(l->dir);
	assert_int_equal(mkdir(l->dir, 0777), 0);
	rows_create(l->store);
}

static struct delta_optimize_result optimize(struct store *s, const struct delta_optimize_opts *opts)
{
	struct err err;
	struct delta_optimize_result r;
	CHECK_OK(&err, delta_optimize(s, ROWS_TABLE, opts, &r, &err));
	return r;
}

static struct delta_snapshot *open_at(struct store *s, int64_t version)
{
	struct err err;
	struct delta_snapshot *snapshot = NULL;
	CHECK_OK(&err, delta_snapshot_open(s, ROWS_TABLE, version, &snapshot, &err));
	return snapshot;
}

static status check_action(void *arg, const struct delta_action *a, struct err *err)
{
	int64_t *n = arg;
	(void)err;
	if (a->kind == DELTA_ADD) assert_false(a->add.data_change);
	if (a->kind == DELTA_REMOVE) assert_false(a->remove.data_change);
	*n += a->kind == DELTA_ADD || a->kind == DELTA_REMOVE;
	return OK;
}

/* Every action of the version says that no data changed. */
static void check_no_change(struct store *s, int64_t version, int64_t n_actions)
{
	char key[DELTA_KEY_MAX];
	struct buf text;
	struct arena arena;
	struct err err;
	int64_t n = 0;
	buf_init(&text, 0);
	arena_init(&arena, 0);
	CHECK_OK(&err, delta_commit_key(key, ROWS_TABLE, version, &err));
	CHECK_OK(&err, delta_log_read(s, key, &text, &arena, &(struct delta_visitor){check_action, &n}, &err));
	CHECK_I64(n, n_actions);
	buf_deinit(&text);
	arena_deinit(&arena);
}

static void test_small_files_become_one(void **state)
{
	struct store *s = ((struct lake *)*state)->store;
	const struct delta_optimize_opts opts = {.threads = 2};
	struct delta_optimize_result r = optimize(s, &opts);
	CHECK_I64(r.version, 0); /* a table without files */
	CHECK_I64(r.commits, 0);
	rows_append(s, 0, 1000, 1000, "one");
	r = optimize(s, &opts);
	CHECK_I64(r.commits, 0); /* one file */

	rows_append(s, 1000, 3000, 300, "a");
	rows_append(s, 4000, 500, 100, NULL);
	const int64_t before = rows_append(s, 4500, 200, 50, "b c/%");
	const struct rows_sum want = rows_read(s, DELTA_LATEST);
	CHECK_I64(want.n, 4700);
	CHECK_I64(want.files, 20);
	r = optimize(s, &opts);
	CHECK_I64(r.files_removed, 19);
	CHECK_I64(r.files_added, 3);
	CHECK_I64(r.partitions, 3);
	CHECK_I64(r.rows, 3700);
	CHECK_I64(r.commits, 1);
	CHECK_I64(r.skipped_bins, 0);
	CHECK_I64(r.version, before + 1);
	check_no_change(s, r.version, 22);
	const struct rows_sum got = rows_read(s, DELTA_LATEST);
	rows_same(&got, &want);
	CHECK_I64(got.files, 4);
	const struct rows_sum old = rows_read(s, before); /* time travel */
	rows_same(&old, &want);
	CHECK_I64(old.files, 20);

	struct delta_snapshot *snapshot = open_at(s, DELTA_LATEST);
	int64_t rows = 0, bytes = 0;
	for (size_t i = 0; i < snapshot->n_files; i++) {
		const struct delta_add *f = &snapshot->files[i];
		rows += delta_add_rows(f);
		bytes += f->size;
		assert_true(f->modified_ms == 1 || f->modified_ms > time_now_us() / 1000 - 3600000);
	}
	CHECK_I64(rows, 4700);
	assert_true(bytes > r.bytes_added && r.bytes_added > 0 && r.bytes_removed > r.bytes_added);
	delta_snapshot_close(snapshot);

	const struct delta_optimize_result again = optimize(s, &opts);
	CHECK_I64(again.commits, 0);
	CHECK_I64(again.version, r.version);
}

/* Rows of a bin keep the order of path and row. */
static void test_order_is_kept(void **state)
{
	struct store *s = ((struct lake *)*state)->store;
	struct err err;
	int64_t want[1000], got[1000];
	rows_append(s, 0, 1000, 100, "a");
	for (int run = 0; run < 2; run++) {
		struct delta_snapshot *snapshot = open_at(s, DELTA_LATEST);
		struct delta_scan *scan = NULL;
		const struct delta_scan_opts opts = {.columns = (const char *const[]){"id"}, .n_columns = 1};
		CHECK_OK(&err, delta_scan_open(snapshot, &opts, &scan, &err));
		int64_t n = 0;
		for (bool end = false; !end;) {
			struct batch b;
			CHECK_OK(&err, delta_scan_next(scan, &b, &end, &err));
			for (int64_t i = 0; !end && i < b.n_rows; i++)
				(run == 0 ? want : got)[n++] = ((const int64_t *)b.columns[0].values)[i];
		}
		CHECK_I64(n, 1000);
		CHECK_I64(snapshot->n_files, run == 0 ? 10 : 1);
		delta_scan_close(scan);
		delta_snapshot_close(snapshot);
		if (run == 0) optimize(s, &(struct delta_optimize_opts){0});
	}
	assert_memory_equal(got, want, sizeof want);
}

static void test_target_and_batches(void **state)
{
	struct store *s = ((struct lake *)*state)->store;
	rows_append(s, 0, 8000, 400, "a"); /* 20 files */
	rows_append(s, 8000, 4000, 4000, "a");
	struct delta_snapshot *snapshot = open_at(s, DELTA_LATEST);
	int64_t small = INT64_MAX, large = 0, total = 0;
	for (size_t i = 0; i < snapshot->n_files; i++) {
		small = snapshot->files[i].size < small ? snapshot->files[i].size : small;
		large = snapshot->files[i].size > large ? snapshot->files[i].size : large;
		total += snapshot->files[i].size;
	}
	delta_snapshot_close(snapshot);
	const struct rows_sum want = rows_read(s, DELTA_LATEST);
	/* The large file is three quarters of the target: left alone. Bins of up to some 11 small ones; a commit each. */
	const struct delta_optimize_opts opts = {.target_bytes = large * 4 / 3, .commit_bytes_max = large * 4 / 3};
	assert_true(small * 13 > opts.target_bytes && small * 4 < opts.target_bytes);
	const struct delta_optimize_result r = optimize(s, &opts);
	CHECK_I64(r.files_removed, 20);
	CHECK_I64(r.bytes_removed, total - large);
	assert_true(r.files_added >= 2 && r.files_added <= 5);
	CHECK_I64(r.commits, r.files_added);
	CHECK_I64(r.partitions, r.commits); /* a partition counts in each commit */
	const struct rows_sum got = rows_read(s, DELTA_LATEST);
	rows_same(&got, &want);
	CHECK_I64(got.files, 1 + (size_t)r.files_added);
	CHECK_I64(got.version, want.version + r.commits);
}

static void test_partitions_asked_for(void **state)
{
	struct store *s = ((struct lake *)*state)->store;
	struct err err;
	struct delta_optimize_result r;
	rows_append(s, 0, 100, 10, "a");
	rows_append(s, 100, 100, 10, "b");
	struct delta_condition where = {.column = 4, .op = DELTA_EQ, .value = {.text = STR("b")}};
	const struct delta_optimize_opts opts = {.where = &where, .n_where = 1};
	r = optimize(s, &opts);
	CHECK_I64(r.files_removed, 10);
	CHECK_I64(rows_read(s, DELTA_LATEST).files, 11);
	where.column = 0;
	CHECK_FAILS(E_USAGE, delta_optimize(s, ROWS_TABLE, &opts, &r, &err));
	assert_non_null(strstr(err.message, "condition on id"));
}

static void write_commit(struct store *s, int64_t version, const char *text)
{
	char key[DELTA_KEY_MAX];
	struct err err;
	CHECK_OK(&err, delta_commit_key(key, ROWS_TABLE, version, &err));
	CHECK_OK(&err, store_put(s, key, text, strlen(text), &err));
}

#define METADATA_OF(field)                                                                                             \
	"{\"metaData\":{\"id\":\"6e1cf6c9-5a4b-4d2b-a2a0-5b8a3c4b6f0f\",\"format\":{\"provider\":\"parquet\","         \
	"\"options\":{}},"                                                                                             \
	"\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"odd\\\","                   \
	"\\\"type\\\":" field ","                                                                                      \
	"\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\",\"partitionColumns\":[],\"configuration\":{},\"createdTime\":" \
	"1}}\n"

static void test_refused(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_optimize_result r;
	const struct delta_optimize_opts opts = {0};
	static const char *const zorder[] = {"x", "nope", "p", "x", "a", "a", "a", "a", "a"};
	rows_append(l->store, 0, 10, 5, "a");
	CHECK_FAILS(E_USAGE, delta_optimize(l->store, ROWS_TABLE,
				     &(struct delta_optimize_opts){.zorder = zorder, .n_zorder = 2}, &r, &err));
	assert_non_null(strstr(err.message, "no such column"));
	CHECK_FAILS(E_USAGE, delta_optimize(l->store, ROWS_TABLE,
				     &(struct delta_optimize_opts){.zorder = zorder + 2, .n_zorder = 1}, &r, &err));
	assert_non_null(strstr(err.message, "partition column"));
	const char *const twice[] = {"x", "x"};
	CHECK_FAILS(E_USAGE, delta_optimize(l->store, ROWS_TABLE,
				     &(struct delta_optimize_opts){.zorder = twice, .n_zorder = 2}, &r, &err));
	assert_non_null(strstr(err.message, "twice"));
	CHECK_FAILS(E_USAGE, delta_optimize(l->store, ROWS_TABLE,
				     &(struct delta_optimize_opts){.zorder = zorder, .n_zorder = 9}, &r, &err));
	assert_non_null(strstr(err.message, "at most 8"));

	write_commit(l->store, 2,
		METADATA_OF(
			"{\\\"type\\\":\\\"array\\\",\\\"elementType\\\":\\\"short\\\",\\\"containsNull\\\":true}"));
	CHECK_FAILS(E_UNSUPPORTED, delta_optimize(l->store, ROWS_TABLE, &opts, &r, &err));
	assert_non_null(strstr(err.message, "column odd of type"));
	write_commit(l->store, 3,
		"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"timestampNtz\"],"
		"\"writerFeatures\":[\"timestampNtz\"]}}\n" METADATA_OF("\\\"timestamp_ntz\\\""));
	CHECK_FAILS(E_UNSUPPORTED, delta_optimize(l->store, ROWS_TABLE, &opts, &r, &err));
	write_commit(l->store, 4,
		"{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[\"strange\"]}}\n");
	CHECK_FAILS(E_UNSUPPORTED, delta_optimize(l->store, ROWS_TABLE, &opts, &r, &err));
	assert_non_null(strstr(err.message, "strange"));
	CHECK_FAILS(E_NOT_FOUND, delta_optimize(l->store, "none", &opts, &r, &err));
}

/* ---- z-order ---- */

/* Of the files, those that a predicate on one column, with a value of every 32nd part of its range, may match: summed. */
static size_t files_matching(struct store *s, int column)
{
	struct delta_snapshot *snapshot = open_at(s, DELTA_LATEST);
	struct arena arena;
	size_t n = 0;
	arena_init(&arena, 0);
	for (uint32_t k = 0; k < 32; k++) {
		char text[16];
		(void)snprintf(text, sizeof text, "%08x", k << 27 | 12345);
		struct delta_condition where = {.column = column, .op = DELTA_EQ};
		where.value.i64 = (int64_t)(k << 27 | 12345) - INT32_MAX;
		where.value.text = (struct str){text, 8};
		for (size_t i = 0; i < snapshot->n_files; i++)
			n += delta_file_may_match(snapshot, &snapshot->files[i], &where, 1, &arena);
	}
	arena_deinit(&arena);
	delta_snapshot_close(snapshot);
	return n;
}

static void test_zorder(void **state)
{
	struct store *s = ((struct lake *)*state)->store;
	static const char *const columns[] = {"x", "y"};
	rows_append(s, 0, 64000, 16000, "a");
	rows_append(s, 64000, 1000, 1000, "b");
	const struct rows_sum want = rows_read(s, DELTA_LATEST);
	const struct delta_optimize_opts opts = {
		.target_bytes = 1 << 16, .zorder = columns, .n_zorder = 2, .threads = 2};
	const struct delta_optimize_result r = optimize(s, &opts);
	CHECK_I64(r.files_removed, 5);
	CHECK_I64(r.rows, 65000);
	assert_true(r.files_added > 12 && r.files_added < 64);
	check_no_change(s, r.version, 5 + r.files_added);
	const struct rows_sum got = rows_read(s, DELTA_LATEST);
	rows_same(&got, &want);
	/* Random data: before, every file of a could match anything. Now each column's values lie in about the root of the files. */
	const size_t all = 32 * (size_t)r.files_added;
	const size_t x = files_matching(s, 1), y = files_matching(s, 2);
	print_message("files: %lld; a value of x is in %.1f of them, one of y in %.1f\n", (long long)r.files_added,
		(double)x / 32, (double)y / 32);
	assert_true(x < all * 55 / 100 && y < all * 55 / 100);
	assert_true(files_matching(s, 0) == 0 || files_matching(s, 3) <= all);

	/* The tags are in a checkpoint too: nothing to do. */
	struct err err;
	struct delta_snapshot *snapshot = open_at(s, DELTA_LATEST);
	CHECK_OK(&err, delta_checkpoint_write(snapshot, time_now_us() / 1000, &err));
	delta_snapshot_close(snapshot);
	snapshot = open_at(s, DELTA_LATEST);
	CHECK_I64(snapshot->checkpoint_version, r.version);
	delta_snapshot_close(snapshot);
	const struct delta_optimize_result again = optimize(s, &opts);
	CHECK_I64(again.commits, 0);
	rows_append(s, 65000, 500, 500, "b"); /* of b alone there is something to do */
	const struct delta_optimize_result more = optimize(s, &opts);
	CHECK_I64(more.partitions, 1);
	CHECK_I64(more.files_removed, 2);
	CHECK_I64(more.rows, 1500);
	static const char *const other[] = {"d"};
	const struct delta_optimize_result by_other =
		optimize(s, &(struct delta_optimize_opts){.target_bytes = 1 << 16, .zorder = other, .n_zorder = 1});
	CHECK_I64(by_other.rows, 65500);
}

/* What is held at once is bounded: several sorted runs, the same rows. */
static void test_zorder_in_runs(void **state)
{
	struct store *s = ((struct lake *)*state)->store;
	static const char *const columns[] = {"d", "y", "x"};
	rows_append(s, 0, 30000, 1000, "a");
	const struct rows_sum want = rows_read(s, DELTA_LATEST);
	const struct delta_optimize_opts opts = {.sort_bytes_max = 100000, .zorder = columns, .n_zorder = 3};
	const struct delta_optimize_result r = optimize(s, &opts);
	CHECK_I64(r.files_removed, 30);
	CHECK_I64(r.files_added, 1);
	const struct rows_sum got = rows_read(s, DELTA_LATEST);
	rows_same(&got, &want);
}

/* ---- others at work ---- */

struct meddler {
	struct lake *lake;
	int64_t n, at; /* acts before the at-th commit */
	void (*act)(struct meddler *m);
};

static void meddle(void *arg, struct fault_store *f, enum fault_op op, const char *key)
{
	struct meddler *m = arg;
	(void)f;
	(void)key;
	if (op == FAULT_COMMIT && ++m->n == m->at) m->act(m);
}

static struct delta_optimize_result run_with(struct lake *l, struct meddler m, const struct delta_optimize_opts *opts)
{
	struct fault_store f;
	fault_store_init(&f, l->store);
	m.lake = l;
	f.hook = meddle;
	f.hook_arg = &m;
	const struct delta_optimize_result r = optimize(&f.base, opts);
	assert_true(m.n >= m.at);
	return r;
}

static void append_more(struct meddler *m)
{
	rows_append(m->lake->store, 5000, 100, 10, "a");
}

static void test_append_meanwhile(void **state)
{
	struct lake *l = *state;
	rows_append(l->store, 0, 1000, 100, "a");
	const struct delta_optimize_result r =
		run_with(l, (struct meddler){.at = 1, .act = append_more}, &(struct delta_optimize_opts){0});
	CHECK_I64(r.skipped_bins, 0);
	CHECK_I64(r.files_removed, 10);
	const struct rows_sum got = rows_read(l->store, DELTA_LATEST);
	CHECK_I64(got.n, 1100);
	CHECK_I64(got.files, 11);
	const struct rows_sum before = rows_read(l->store, got.version - 1);
	rows_same(&got, &before);
}

/* Remove all files of a partition, and put other rows there. */
static void replace_part(struct store *s, const char *p)
{
	struct err err;
	struct delta_txn *t = NULL;
	int64_t version;
	struct delta_snapshot *snapshot = open_at(s, DELTA_LATEST);
	const struct delta_txn_opts opts = {
		.operation = "WRITE", .reads = DELTA_READS_PARTITION, .column = STR("p"), .value = str_of(p)};
	CHECK_OK(&err, delta_txn_begin(s, ROWS_TABLE, snapshot, &opts, &t, &err));
	for (size_t i = 0; i < snapshot->n_files; i++) {
		const struct delta_pair *pair = delta_pairs_get(&snapshot->files[i].partition, STR("p"));
		if (str_is(pair->value, p)) CHECK_OK(&err, delta_txn_remove(t, &snapshot->files[i], true, &err));
	}
	CHECK_OK(&err, delta_txn_commit(t, &version, &err));
	delta_txn_destroy(t);
	delta_snapshot_close(snapshot);
	rows_append(s, 7000, 70, 10, p);
}

static void replace_b(struct meddler *m)
{
	replace_part(m->lake->store, "b");
}

/* And delete what was there, as a vacuum without retention would. */
static void replace_and_delete_b(struct meddler *m)
{
	struct err err;
	struct delta_snapshot *before = open_at(m->lake->store, DELTA_LATEST);
	replace_b(m);
	for (size_t i = 0; i < before->n_files; i++) {
		char key[DELTA_KEY_MAX];
		CHECK_OK(&err, delta_key(key, ROWS_TABLE, before->files[i].path, &err));
		if (strncmp(key, "t/p=b/", 6) == 0) CHECK_OK(&err, store_delete(m->lake->store, key, &err));
	}
	delta_snapshot_close(before);
}

static size_t count_objects(struct store *s)
{
	struct err err;
	struct delta_vacuum_result r;
	const struct delta_vacuum_opts opts = {.unsafe = true, .dry_run = true, .now_ms = time_now_us() / 1000 + 1000};
	CHECK_OK(&err, delta_vacuum(s, ROWS_TABLE, &opts, &r, &err));
	return (size_t)r.files;
}

static void test_partition_replaced_meanwhile(void **state)
{
	struct lake *l = *state;
	rows_append(l->store, 0, 1000, 100, "a");
	rows_append(l->store, 1000, 1000, 100, "b");
	rows_append(l->store, 2000, 1000, 100, "c");
	const struct delta_optimize_result r =
		run_with(l, (struct meddler){.at = 1, .act = replace_b}, &(struct delta_optimize_opts){0});
	CHECK_I64(r.skipped_bins, 1);
	CHECK_I64(r.files_removed, 20);
	CHECK_I64(r.files_added, 2);
	const struct rows_sum got = rows_read(l->store, DELTA_LATEST);
	CHECK_I64(got.n, 2070);
	CHECK_I64(got.files, 9);
	const struct rows_sum before = rows_read(l->store, got.version - 1);
	rows_same(&got, &before);
	CHECK_I64(count_objects(l->store), 30); /* the removed ones: the lost bin's new file is gone already */
}

/* With a commit a bin: the files of b are gone from the store when their turn comes. */
static void test_files_gone_meanwhile(void **state)
{
	struct lake *l = *state;
	rows_append(l->store, 0, 1000, 100, "a");
	rows_append(l->store, 1000, 1000, 100, "b");
	rows_append(l->store, 2000, 1000, 100, "c");
	const struct delta_optimize_result r = run_with(l, (struct meddler){.at = 1, .act = replace_and_delete_b},
		&(struct delta_optimize_opts){.commit_bytes_max = 1});
	CHECK_I64(r.skipped_bins, 1);
	CHECK_I64(r.commits, 2);
	const struct rows_sum got = rows_read(l->store, DELTA_LATEST);
	CHECK_I64(got.n, 2070);
	CHECK_I64(got.files, 9);
}

/* A file that is missing though nobody removed it is damage, not a race. */
static void test_missing_file(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_optimize_result r;
	char key[DELTA_KEY_MAX];
	rows_append(l->store, 0, 1000, 100, "a");
	struct delta_snapshot *s = open_at(l->store, DELTA_LATEST);
	CHECK_OK(&err, delta_key(key, ROWS_TABLE, s->files[3].path, &err));
	delta_snapshot_close(s);
	CHECK_OK(&err, store_delete(l->store, key, &err));
	CHECK_FAILS(E_NOT_FOUND, delta_optimize(l->store, ROWS_TABLE, &(struct delta_optimize_opts){0}, &r, &err));
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX];
	assert_non_null(strstr(err_text(&err, text, sizeof text), key + 2));
}

static void change_schema(struct meddler *m)
{
	struct delta_snapshot *s = open_at(m->lake->store, DELTA_LATEST);
	const int64_t version = s->version + 1;
	delta_snapshot_close(s);
	write_commit(m->lake->store, version, METADATA_OF("\\\"long\\\""));
}

static void test_schema_changed_meanwhile(void **state)
{
	struct lake *l = *state;
	struct fault_store f;
	struct err err;
	struct delta_optimize_result r;
	struct meddler m = {.lake = l, .at = 1, .act = change_schema};
	rows_append(l->store, 0, 1000, 100, "a");
	fault_store_init(&f, l->store);
	f.hook = meddle;
	f.hook_arg = &m;
	CHECK_FAILS(E_CONFLICT, delta_optimize(&f.base, ROWS_TABLE, &(struct delta_optimize_opts){0}, &r, &err));
	struct delta_snapshot *s = open_at(l->store, DELTA_LATEST);
	CHECK_I64(s->n_files, 10);
	delta_snapshot_close(s);
}

/* Processes at once: two append, one optimizes by turns with one that orders, one vacuums by age. Nothing is lost or doubled. */
static void append_some(struct store *s, int64_t first)
{
	for (int64_t k = 0; k < 8; k++) rows_append(s, first + 100 * k, 100, 25, k % 2 == 0 ? "a" : "b");
}

static void optimize_some(struct store *s, int64_t first)
{
	static const char *const columns[] = {"x"};
	for (int64_t k = 0; k < 6; k++) {
		struct err err;
		struct delta_optimize_result r;
		const struct delta_optimize_opts opts = {.zorder = columns,
			.n_zorder = (first + k) % 2 == 0 ? 1 : 0,
			.commit_bytes_max = 1,
			.threads = 2};
		CHECK_OK(&err, delta_optimize(s, ROWS_TABLE, &opts, &r, &err));
	}
}

static void vacuum_some(struct store *s, int64_t first)
{
	(void)first;
	for (int64_t k = 0; k < 4; k++) {
		struct err err;
		struct delta_vacuum_result r;
		const struct delta_vacuum_opts opts = {
			.retention_ms = -1, .default_ms = INT64_C(7) * 86400000, .now_ms = time_now_us() / 1000};
		CHECK_OK(&err, delta_vacuum(s, ROWS_TABLE, &opts, &r, &err));
		CHECK_I64(r.files, 0);
	}
}

static void test_processes_at_once(void **state)
{
	struct lake *l = *state;
	static const struct {
		void (*work)(struct store *s, int64_t first);
		int64_t first;
	} workers[] = {{append_some, 0}, {append_some, 1000}, {optimize_some, 0}, {optimize_some, 1}, {vacuum_some, 0}};
	enum { N = sizeof workers / sizeof workers[0] };
	pid_t pids[N];
	for (size_t i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] != 0) continue;
		workers[i].work(l->store, workers[i].first);
		_exit(0);
	}
	size_t failed = 0;
	for (size_t i = 0; i < N; i++) {
		int st;
		assert_int_equal(waitpid(pids[i], &st, 0), pids[i]);
		if (!WIFEXITED(st) || WEXITSTATUS(st) != 0) failed++;
	}
	CHECK_I64(failed, 0);
	const struct rows_sum got = rows_read(l->store, DELTA_LATEST);
	renew(l);
	append_some(l->store, 0);
	append_some(l->store, 1000);
	const struct rows_sum want = rows_read(l->store, DELTA_LATEST);
	CHECK_I64(want.n, 1600);
	rows_same(&got, &want);
}

/* ---- failing at each operation ---- */

static void make_table(struct lake *l)
{
	renew(l);
	rows_append(l->store, 0, 60, 20, "a");
	rows_append(l->store, 60, 60, 20, "b");
}

/* A commit a bin; one thread, since the faults are counted by one. */
static const struct delta_optimize_opts step_opts = {.commit_bytes_max = 1};

static void check_survived(struct lake *l, const struct rows_sum *want)
{
	struct err err;
	const struct rows_sum got = rows_read(l->store, DELTA_LATEST);
	rows_same(&got, want);
	const struct delta_optimize_result r = optimize(l->store, &step_opts); /* goes on with what is left */
	const struct rows_sum after = rows_read(l->store, DELTA_LATEST);
	rows_same(&after, want);
	CHECK_I64(after.files, 2);
	CHECK_I64(r.files_removed, got.files == 2 ? 0 : got.files == 4 ? 3 : 6);
	/* Orphans and removed files go by age; what is needed stays. */
	struct delta_vacuum_result v;
	const struct delta_vacuum_opts opts = {.unsafe = true, .now_ms = time_now_us() / 1000 + 1000};
	CHECK_OK(&err, delta_vacuum(l->store, ROWS_TABLE, &opts, &v, &err));
	assert_true(v.files >= 6);
	CHECK_I64(count_objects(l->store), 0);
	const struct rows_sum last = rows_read(l->store, DELTA_LATEST);
	rows_same(&last, want);
}

static void at_each_operation(struct lake *l, bool kill, enum fault_when when, unsigned mask)
{
	struct fault_store f;
	int64_t failed = 0;
	make_table(l);
	const struct rows_sum want = rows_read(l->store, DELTA_LATEST);
	for (int64_t at = 1;; at++) {
		struct err err;
		struct delta_optimize_result r;
		make_table(l);
		fault_store_init(&f, l->store);
		f.kill = kill;
		f.when = when;
		f.mask = mask;
		f.at = at;
		bool hit;
		if (kill) {
			const pid_t pid = fork();
			if (pid == 0) _exit(delta_optimize(&f.base, ROWS_TABLE, &step_opts, &r, &err) == OK ? 0 : 1);
			int st;
			assert_int_equal(waitpid(pid, &st, 0), pid);
			hit = WIFSIGNALED(st);
			if (!hit) CHECK_I64(WEXITSTATUS(st), 0);
		} else {
			const status code = delta_optimize(&f.base, ROWS_TABLE, &step_opts, &r, &err);
			hit = f.hits > 0;
			if (!hit) CHECK_OK(&err, code);
		}
		check_survived(l, &want);
		if (!hit) break;
		failed++;
	}
	assert_true(failed >= 6); /* two puts, two syncs, two commits */
}

static void test_killed_anywhere(void **state)
{
	at_each_operation(*state, true, FAULT_BEFORE, FAULT_ALL & ~(unsigned)FAULT_READ);
	at_each_operation(*state, true, FAULT_AFTER, FAULT_CHANGES);
}

static void test_failing_anywhere(void **state)
{
	at_each_operation(*state, false, FAULT_BEFORE, FAULT_ALL & ~(unsigned)FAULT_READ);
	at_each_operation(*state, false, FAULT_AFTER, FAULT_CHANGES);
}

static void test_no_memory(void **state)
{
	struct lake *l = *state;
	static const char *const columns[] = {"y"};
	make_table(l);
	const struct rows_sum want = rows_read(l->store, DELTA_LATEST);
	int64_t failed = 0;
	for (int64_t n = 0;; n += n < 300 ? 1 : 7) {
		struct err err;
		struct delta_optimize_result r;
		make_table(l);
		mem_fail_after(n);
		const status code = delta_optimize(l->store, ROWS_TABLE,
			&(struct delta_optimize_opts){.zorder = columns, .n_zorder = 1}, &r, &err);
		mem_fail_after(-1);
		if (code == OK) break;
		CHECK_FAILS(E_NOMEM, code);
		const struct rows_sum got = rows_read(l->store, DELTA_LATEST);
		rows_same(&got, &want);
		failed++;
	}
	assert_true(failed > 100);
}

/* ---- bounds ---- */

static void test_memory_and_files_are_bounded(void **state)
{
	struct lake *l = *state;
	enum { FILES = 600, EACH = 2000 };
	rows_append(l->store, 0, FILES * EACH, EACH, "a"); /* 1.2 M rows, some 30 bytes each */
	const struct rows_sum want = rows_read(l->store, DELTA_LATEST);
	const pid_t pid = fork();
	if (pid == 0) {
		struct err err;
		struct delta_optimize_result r;
		const struct rlimit few = {24, 24};
		if (setrlimit(RLIMIT_NOFILE, &few) != 0) _exit(2);
		const size_t before = mem_in_use();
		mem_limit_set(before + (100U << 20));
		if (delta_optimize(l->store, ROWS_TABLE,
			    &(struct delta_optimize_opts){.threads = 2, .target_bytes = 4 << 20}, &r, &err) != OK) {
			print_error("%s\n", err.message);
			_exit(3);
		}
		print_message("%lld files became %lld; peak of %zu MiB\n", (long long)r.files_removed,
			(long long)r.files_added, (mem_peak() - before) >> 20);
		_exit(r.files_removed == FILES ? 0 : 4);
	}
	int st;
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFEXITED(st));
	CHECK_I64(WEXITSTATUS(st), 0);
	const struct rows_sum got = rows_read(l->store, DELTA_LATEST);
	rows_same(&got, &want);
}

static void stop(void *arg, int64_t done, int64_t all)
{
	int64_t *calls = arg;
	++*calls;
	CHECK_I64(all, 9);
	CHECK_I64(done, 3 * *calls);
	if (*calls == 2) cancel_request();
}

/* A run that is interrupted keeps what it committed. */
static void test_interrupted(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_optimize_result r;
	int64_t calls = 0;
	rows_append(l->store, 0, 60, 20, "a");
	rows_append(l->store, 60, 60, 20, "b");
	rows_append(l->store, 120, 60, 20, "c");
	const struct rows_sum want = rows_read(l->store, DELTA_LATEST);
	const struct delta_optimize_opts opts = {.commit_bytes_max = 1, .progress = stop, .progress_arg = &calls};
	CHECK_FAILS(E_CANCELLED, delta_optimize(l->store, ROWS_TABLE, &opts, &r, &err));
	cancel_reset();
	CHECK_I64(calls, 2);
	const struct rows_sum got = rows_read(l->store, DELTA_LATEST);
	rows_same(&got, &want);
	CHECK_I64(got.files, 5);
	r = optimize(l->store, &step_opts);
	CHECK_I64(r.files_removed, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_small_files_become_one),
		TEST(test_order_is_kept),
		TEST(test_target_and_batches),
		TEST(test_partitions_asked_for),
		TEST(test_refused),
		TEST(test_zorder),
		TEST(test_zorder_in_runs),
		TEST(test_append_meanwhile),
		TEST(test_partition_replaced_meanwhile),
		TEST(test_files_gone_meanwhile),
		TEST(test_missing_file),
		TEST(test_schema_changed_meanwhile),
		TEST(test_processes_at_once),
		TEST(test_killed_anywhere),
		TEST(test_failing_anywhere),
		TEST(test_no_memory),
		TEST(test_memory_and_files_are_bounded),
		TEST(test_interrupted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
