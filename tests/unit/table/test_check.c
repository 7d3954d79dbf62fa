/* A log against its files: every byte of what pqr wrote turned is seen, and of what others wrote only what changes no row may go unseen. */
#include "rows.h"

#include "base/buf.h"
#include "table/log/checkpoint.h"
#include "table/maintain/check.h"
#include "table/read/scan.h"
#include "table/write/append.h"

static const char root[] = "silver/t";

struct lake {
	char dir[64];
	struct store *store;
	struct err err;
};

static void lake_open(struct lake *l)
{
	static const char *const by_region[] = {"region"};
	*l = (struct lake){0};
	err_clear(&l->err);
	CHECK_OK(&l->err, store_open(check_tmpdir(l->dir), &l->store, &l->err));
	for (int64_t from = 0; from < 60; from += 30) {
		struct rows r;
		int64_t version;
		struct ArrowArrayStream stream = rows_stream(&r, from, from + 30);
		const struct delta_append_opts o = {.partition_by = by_region, .n_partition_by = 1};
		CHECK_OK(&l->err, delta_append(l->store, root, &stream, &o, &version, &l->err));
		stream.release(&stream);
	}
}

static void lake_close(struct lake *l)
{
	store_close(l->store);
	check_rmdir(l->dir);
}

static int64_t differences(struct lake *l)
{
	const struct delta_check_opts o = {.statistics = true};
	struct delta_check_result r;
	err_clear(&l->err);
	CHECK_OK(&l->err, delta_check(l->store, root, &o, &r, &l->err));
	return r.differences;
}

/* All rows, and those with an id of 20 and over, as text; "" where the table can't be read. */
static void rows_text(struct lake *l, struct buf *out)
{
	struct delta_snapshot *s = NULL;
	struct arena arena;
	struct delta_condition where;
	buf_reset(out);
	arena_init(&arena, 0);
	if (delta_snapshot_open(l->store, root, DELTA_LATEST, &s, NULL) != OK) return;
	for (int filtered = 0; filtered < 2; filtered++) {
		struct delta_scan *scan = NULL;
		struct batch b;
		bool end = false;
		if (filtered == 1 && delta_condition_parse(&s->schema, STR("id >= 20"), &arena, &where, NULL) != OK)
			break;
		const struct delta_scan_opts o = {.where = &where, .n_where = (size_t)filtered};
		status code = delta_scan_open(s, &o, &scan, NULL);
		while (code == OK && (code = delta_scan_next(scan, &b, &end, NULL)) == OK && !end) {
			for (size_t i = 0; i < b.n_columns; i++) {
				buf_str(out, delta_scan_column(scan, i)->name);
				for (int64_t row = 0; row < b.n_rows; row++) {
					const struct column *c = &b.columns[i];
					if (!column_valid(c, row))
						buf_str(out, " -");
					else if (c->type == COL_STRING)
						buf_printf(
							out, " %.*s", (int)column_str(c, row).n, column_str(c, row).p);
					else if (c->type == COL_INT32)
						buf_printf(out, " %d", ((const int32_t *)c->values)[row]);
					else
						buf_printf(out, " %lld", (long long)((const int64_t *)c->values)[row]);
				}
			}
		}
		if (code != OK) buf_reset(out);
		delta_scan_close(scan);
		if (code != OK) break;
	}
	delta_snapshot_close(s);
	arena_deinit(&arena);
}

static void in_order(void **state)
{
	(void)state;
	struct lake l;
	struct delta_check_result r;
	lake_open(&l);
	CHECK_I64(differences(&l), 0);
	const struct delta_check_opts one = {.only = {STR("region"), STR("r1")}, .statistics = true};
	CHECK_OK(&l.err, delta_check(l.store, root, &one, &r, &l.err));
	CHECK_I64(r.commits, 2);
	CHECK_I64(r.files, 2);
	CHECK_I64(r.rows, 21);
	CHECK_FAILS(E_NOT_FOUND, delta_check(l.store, "silver/none", &one, &r, &l.err));
	lake_close(&l);
}

/* The commit as another writer would have made it: nothing in it says whether it is whole. */
static void disown(struct lake *l, const char *key, struct buf *text)
{
	char *engine = memmem(text->p, text->n, "pqr/", 4), *seal = memmem(text->p, text->n, "\"pqrSeal\":\"", 11);
	assert_true(engine != NULL && seal != NULL && engine < seal);
	memcpy(engine, "xyz/", 4);
	memcpy(seal, "\"xyzTag\" :\"", 11);
	CHECK_OK(&l->err, store_put(l->store, key, text->p, text->n, &l->err));
	CHECK_I64(differences(l), 0);
}

/* One bit of each byte of what stands at key: each is told. */
static void every_byte_is_told(struct lake *l, const char *key)
{
	struct buf text;
	buf_init(&text, 0);
	CHECK_OK(&l->err, store_get(l->store, key, &text, &l->err));
	assert_true(text.n > 500);
	for (size_t i = 0; i < text.n; i += CHECK_ONE_IN) {
		text.p[i] ^= (uint8_t)(1 << i % 8);
		CHECK_OK(&l->err, store_put(l->store, key, text.p, text.n, &l->err));
		if (differences(l) == 0) fail_msg("bit %zu of byte %zu of %s is not told", i % 8, i, key);
		text.p[i] ^= (uint8_t)(1 << i % 8);
	}
	CHECK_OK(&l->err, store_put(l->store, key, text.p, text.n, &l->err));
	CHECK_I64(differences(l), 0);
	buf_deinit(&text);
}

static void every_byte_of_ours(void **state)
{
	(void)state;
	struct lake l;
	struct delta_snapshot *s = NULL;
	lake_open(&l);
	CHECK_OK(&l.err, delta_snapshot_open(l.store, root, DELTA_LATEST, &s, &l.err));
	CHECK_OK(&l.err, delta_checkpoint_write(s, s->timestamp_ms, &l.err));
	delta_snapshot_close(s);
	every_byte_is_told(&l, "silver/t/_delta_log/00000000000000000000.json");
	every_byte_is_told(&l, "silver/t/_delta_log/00000000000000000001.checkpoint.parquet");
	lake_close(&l);
}

/* One bit of each byte of the newest commit: what a reader sees differs only where the check tells. What belongs to the table as a whole
 * (columns, protocol) is for who knows its contract; here the commit has adds alone. */
static void every_byte_of_others(void **state)
{
	(void)state;
	static const char key[] = "silver/t/_delta_log/00000000000000000001.json";
	struct lake l;
	struct buf text, want, got;
	int64_t seen = 0, same = 0;
	lake_open(&l);
	buf_init(&text, 0);
	buf_init(&want, 0);
	buf_init(&got, 0);
	CHECK_OK(&l.err, store_get(l.store, key, &text, &l.err));
	disown(&l, key, &text);
	rows_text(&l, &want);
	assert_true(want.n > 0);
	for (size_t i = 0; i < text.n; i += CHECK_ONE_IN) {
		text.p[i] ^= (uint8_t)(1 << i % 7);
		CHECK_OK(&l.err, store_put(l.store, key, text.p, text.n, &l.err));
		const bool told = differences(&l) > 0;
		rows_text(&l, &got);
		const bool changed = got.n != want.n || memcmp(got.p, want.p, got.n) != 0;
		if (changed && !told)
			fail_msg("bit %zu of byte %zu changes what is read, unseen: %.*s", i % 7, i, 60,
				(const char *)text.p + (i > 30 ? i - 30 : 0));
		seen += told;
		same += !changed;
		text.p[i] ^= (uint8_t)(1 << i % 7);
	}
	assert_true(seen > 400 / CHECK_ONE_IN && (same > 0 || CHECK_ONE_IN > 1));
	buf_deinit(&text);
	buf_deinit(&want);
	buf_deinit(&got);
	lake_close(&l);
}

struct said {
	char key[256];
	char what[64];
};

static void note(void *arg, const char *key, const char *what)
{
	struct said *s = arg;
	(void)snprintf(s->key, sizeof s->key, "%s", key);
	(void)snprintf(s->what, sizeof s->what, "%s", what);
}

static void damaged_files(void **state)
{
	(void)state;
	struct lake l;
	struct delta_snapshot *s;
	struct delta_check_result r;
	struct said said;
	char key[DELTA_KEY_MAX];
	lake_open(&l);
	const struct delta_check_opts o = {.difference = note, .arg = &said};
	CHECK_OK(&l.err, delta_snapshot_open(l.store, root, DELTA_LATEST, &s, &l.err));
	CHECK_OK(&l.err, delta_key(key, root, s->files[0].path, &l.err));
	delta_snapshot_close(s);
	CHECK_OK(&l.err, store_put(l.store, key, "PAR1", 4, &l.err));
	CHECK_OK(&l.err, delta_check(l.store, root, &o, &r, &l.err));
	CHECK_I64(r.differences, 1);
	assert_string_equal(said.key, key);
	assert_string_equal(said.what, "of another size than the log has");
	CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	CHECK_OK(&l.err, delta_check(l.store, root, &o, &r, &l.err));
	CHECK_I64(r.differences, 1);
	assert_string_equal(said.what, "missing");
	CHECK_OK(&l.err, store_delete(l.store, "silver/t/_delta_log/00000000000000000000.json", &l.err));
	CHECK_OK(&l.err, delta_check(l.store, root, &o, &r, &l.err));
	CHECK_I64(r.differences, 1);
	assert_non_null(strstr(said.key, "00000000000000000000.json"));
	lake_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(in_order), cmocka_unit_test(every_byte_of_ours),
		cmocka_unit_test(every_byte_of_others), cmocka_unit_test(damaged_files)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
