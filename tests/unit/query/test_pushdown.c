/* What a statement does not need is not read: files, row groups and columns that hold garbage keep no statement from its answer that
 * asks for others. By a real libduckdb. */
#include "../table/rows.h"

#include "base/alloc.h"
#include "io/store.h"
#include "query/query.h"
#include "table/log/snapshot.h"
#include "table/write/append.h"

struct lake {
	char dir[64];
	struct store *store;
	struct query *query;
	struct buf out;
	struct err err;
};

static void lake_open(struct lake *l, const char *const *partition)
{
	*l = (struct lake){0};
	struct rows r;
	int64_t version;
	err_clear(&l->err);
	buf_init(&l->out, 0);
	CHECK_OK(&l->err, store_open(check_tmpdir(l->dir), &l->store, &l->err));
	const struct delta_append_opts o = {.partition_by = partition, .n_partition_by = partition != NULL};
	for (int64_t from = 0; from < 300; from += 100) { /* three commits, ids apart */
		struct ArrowArrayStream stream = rows_stream(&r, from, from + 100);
		CHECK_OK(&l->err, delta_append(l->store, "silver/things", &stream, &o, &version, &l->err));
		stream.release(&stream);
	}
	const struct query_opts q = {.lake = l->store, .version = -1, .at_ms = INT64_MIN, .threads = 1};
	CHECK_OK(&l->err, query_open(&q, &l->query, &l->err));
}

static void lake_close(struct lake *l)
{
	query_close(l->query);
	buf_deinit(&l->out);
	store_close(l->store);
	check_rmdir(l->dir);
}

static status sink(void *arg, const void *p, size_t n, struct err *err)
{
	buf_add(arg, p, n);
	return buf_check(arg, err);
}

static status run(struct lake *l, const char *sql)
{
	struct query_result result;
	const struct query_output to = {.format = QUERY_CSV, .sink = sink, .arg = &l->out};
	buf_reset(&l->out);
	err_clear(&l->err);
	return query_run(l->query, str_of(sql), &to, &result, &l->err);
}

static void gives(struct lake *l, const char *sql, const char *want)
{
	if (run(l, sql) != OK) fail_msg("%s: %s", sql, l->err.message);
	buf_char(&l->out, '\0');
	if (strcmp((const char *)l->out.p, want) != 0)
		fail_msg("%s\nexpected %s\nfound %s", sql, want, (const char *)l->out.p);
}

enum spoil { SPOIL_ALL, SPOIL_PAGES, SPOIL_FIRST_COLUMN };

/* Bytes of the table's files with this in their key become noise: all, all but the footer, or the first column's. Their sizes, which
 * are looked at before, stay. */
static void spoil(struct lake *l, const char *key_has, enum spoil what)
{
	enum { MAGIC = 4, HEADER = 16 };
	struct delta_snapshot *s;
	CHECK_OK(&l->err, delta_snapshot_open(l->store, "silver/things", DELTA_LATEST, &s, &l->err));
	size_t spoilt = 0;
	for (size_t i = 0; i < s->n_files; i++) {
		char key[DELTA_KEY_MAX];
		struct buf bytes;
		uint32_t footer;
		CHECK_OK(&l->err, delta_key(key, s->root, s->files[i].path, &l->err));
		if (strstr(key, key_has) == NULL) continue;
		buf_init(&bytes, 0);
		CHECK_OK(&l->err, store_get(l->store, key, &bytes, &l->err));
		memcpy(&footer, bytes.p + bytes.n - 2 * MAGIC, sizeof footer);
		const size_t end = what == SPOIL_ALL     ? bytes.n
				   : what == SPOIL_PAGES ? bytes.n - 2 * MAGIC - footer
							 : MAGIC + HEADER;
		for (size_t k = what == SPOIL_ALL ? 0 : MAGIC; k < end; k++) bytes.p[k] = (uint8_t)(bytes.p[k] ^ 0xA5);
		CHECK_OK(&l->err, store_put(l->store, key, bytes.p, bytes.n, &l->err));
		buf_deinit(&bytes);
		spoilt++;
	}
	assert_true(spoilt > 0);
	delta_snapshot_close(s);
}

static void fails(struct lake *l, const char *sql)
{
	if (run(l, sql) == OK) fail_msg("%s: noise was read", sql);
}

/* A file whose partition a statement does not ask for is not opened. */
static void files_by_partition(void **state)
{
	(void)state;
	static const char *const by_region[] = {"region"};
	struct lake l;
	lake_open(&l, by_region);
	gives(&l, "SELECT region, count(*) AS n FROM things GROUP BY ALL ORDER BY ALL",
		"region,n\nr0,104\nr1,98\n,98\n");
	spoil(&l, "region=r1/", SPOIL_ALL);
	gives(&l, "SELECT count(*) AS n, min(id) AS lo FROM things WHERE region = 'r0'", "n,lo\n104,0\n");
	gives(&l, "SELECT count(*) AS n FROM things WHERE region IS NULL", "n\n98\n");
	gives(&l, "SELECT count(*) AS n FROM things WHERE region IN ('r0', 'r7')", "n\n104\n");
	gives(&l, "WITH x AS (SELECT * FROM silver.things WHERE region < 'r1') SELECT count(*) AS n FROM x",
		"n\n104\n");
	fails(&l, "SELECT count(id) AS n FROM things WHERE region = 'r1'");
	fails(&l, "SELECT sum(id) AS n FROM things");
	lake_close(&l);
}

/* The key of the file of the commit that has this id first. */
static void key_of(struct lake *l, int64_t first_id, char key[DELTA_KEY_MAX])
{
	struct delta_snapshot *s;
	char stats[64];
	const int n = snprintf(stats, sizeof stats, "\"minValues\":{\"id\":%lld,", (long long)first_id);
	CHECK_OK(&l->err, delta_snapshot_open(l->store, "silver/things", DELTA_LATEST, &s, &l->err));
	key[0] = '\0';
	for (size_t i = 0; i < s->n_files; i++)
		if (memmem(s->files[i].stats.p, s->files[i].stats.n, stats, (size_t)n) != NULL)
			CHECK_OK(&l->err, delta_key(key, s->root, s->files[i].path, &l->err));
	if (key[0] == '\0') fail_msg("no file begins with id %lld", (long long)first_id);
	delta_snapshot_close(s);
}

/* Of a file whose statistics leave out a condition, no page is read. */
static void row_groups_by_statistics(void **state)
{
	(void)state;
	struct lake l;
	char key[DELTA_KEY_MAX];
	lake_open(&l, NULL);
	key_of(&l, 200, key);
	spoil(&l, key, SPOIL_PAGES);
	gives(&l, "SELECT count(*) AS n, max(id) AS hi FROM things WHERE id < 150", "n,hi\n150,149\n");
	gives(&l, "SELECT name FROM things WHERE id = 7", "name\nname 7\n");
	gives(&l, "SELECT count(*) AS n FROM things WHERE cost BETWEEN 0.10 AND 0.19 AND name <> ''", "n\n10\n");
	fails(&l, "SELECT max(id) AS hi FROM things WHERE id >= 150");
	lake_close(&l);
}

/* A column that a statement does not name is not read. */
static void columns_by_name(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l, NULL);
	spoil(&l, "silver/things/", SPOIL_FIRST_COLUMN);
	gives(&l, "SELECT count(DISTINCT name) AS n, sum(cost) AS c FROM things", "n,c\n300,448.50\n");
	gives(&l, "SELECT min(n) AS lo, count(n) AS n FROM (SELECT * FROM things)", "lo,n\n0,270\n");
	fails(&l, "SELECT sum(id) AS s FROM things");
	lake_close(&l);
}

int main(void)
{
	char version[QUERY_VERSION_MAX];
	struct err err;
	err_clear(&err);
	if (query_library(NULL, version, &err) != OK) {
		printf("SKIPPED: %s\n", err.message);
		return 0;
	}
	const struct CMUnitTest tests[] = {cmocka_unit_test(files_by_partition),
		cmocka_unit_test(row_groups_by_statistics), cmocka_unit_test(columns_by_name)};
	return cmocka_run_group_tests_name("query/pushdown", tests, NULL, NULL);
}
