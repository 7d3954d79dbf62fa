/* Statements over lakes of this test's own, by a real libduckdb: tables that can't be read and their neighbours, formats, refusals,
 * and the messages of what fails. */
#include "../table/rows.h"

#include "../table/fault_store.h"
#include "base/alloc.h"
#include "base/thread.h"
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

static void lake_open(struct lake *l)
{
	*l = (struct lake){0};
	err_clear(&l->err);
	buf_init(&l->out, 0);
	CHECK_OK(&l->err, store_open(check_tmpdir(l->dir), &l->store, &l->err));
}

static void lake_query(struct lake *l, int64_t version)
{
	query_close(l->query);
	l->query = NULL;
	const struct query_opts o = {.lake = l->store, .version = version, .at_ms = INT64_MIN, .threads = 1};
	CHECK_OK(&l->err, query_open(&o, &l->query, &l->err));
}

static void lake_close(struct lake *l)
{
	query_close(l->query);
	buf_deinit(&l->out);
	store_close(l->store);
	check_rmdir(l->dir);
}

/* Ids [from, to) in the table. */
static void add_rows(struct lake *l, const char *root, int64_t from, int64_t to, const char *const *partition)
{
	struct rows r;
	int64_t version;
	struct ArrowArrayStream stream = rows_stream(&r, from, to);
	const struct delta_append_opts o = {.partition_by = partition, .n_partition_by = partition != NULL};
	CHECK_OK(&l->err, delta_append(l->store, root, &stream, &o, &version, &l->err));
	stream.release(&stream);
}

/* The key of the one file of the table. */
static void data_key(struct lake *l, const char *root, char key[DELTA_KEY_MAX])
{
	struct delta_snapshot *s;
	CHECK_OK(&l->err, delta_snapshot_open(l->store, root, DELTA_LATEST, &s, &l->err));
	CHECK_I64(s->n_files, 1);
	CHECK_OK(&l->err, delta_key(key, root, s->files[0].path, &l->err));
	delta_snapshot_close(s);
}

static status sink(void *arg, const void *p, size_t n, struct err *err)
{
	buf_add(arg, p, n);
	return buf_check(arg, err);
}

static status run(struct lake *l, const char *sql, enum query_format format)
{
	struct query_result result;
	const struct query_output to = {.format = format, .sink = sink, .arg = &l->out};
	buf_reset(&l->out);
	err_clear(&l->err);
	return query_run(l->query, str_of(sql), &to, &result, &l->err);
}

static void gives(struct lake *l, const char *sql, const char *want)
{
	if (run(l, sql, QUERY_CSV) != OK) fail_msg("%s: %s", sql, l->err.message);
	buf_char(&l->out, '\0');
	if (strcmp((const char *)l->out.p, want) != 0)
		fail_msg("%s\nexpected %s\nfound %s", sql, want, (const char *)l->out.p);
}

static void refuses(struct lake *l, const char *sql, status code, const char *says)
{
	const status got = run(l, sql, QUERY_CSV);
	if (got != code)
		fail_msg("%s: expected %s, found %s: %s", sql, status_name(code), status_name(got), l->err.message);
	if (strstr(l->err.message, says) == NULL) fail_msg("%s: no \"%s\" in: %s", sql, says, l->err.message);
	if (strchr(l->err.message, '\n') != NULL) fail_msg("%s: more than a line: %s", sql, l->err.message);
}

static void reads_what_the_log_says(void **state)
{
	(void)state;
	static const char *const by_region[] = {"region"};
	struct lake l;
	lake_open(&l);
	add_rows(&l, "silver/things", 0, 30, by_region);
	add_rows(&l, "silver/things", 30, 40, NULL);
	lake_query(&l, -1);
	gives(&l, "SELECT count(*) AS n, sum(id) AS s FROM things", "n,s\n40,780\n");
	gives(&l, "SELECT region, count(*) AS n FROM silver.things GROUP BY ALL ORDER BY 1",
		"region,n\nr0,14\nr1,14\n,12\n");
	gives(&l, "SELECT name, cost FROM things WHERE region = 'r1' ORDER BY id LIMIT 1;", "name,cost\nname 7,0.07\n");
	gives(&l, "WITH a AS (FROM things) SELECT max(id) AS m FROM a -- a comment", "m\n39\n");
	lake_query(&l, 0);
	gives(&l, "SELECT count(*) AS n FROM things", "n\n30\n");
	lake_query(&l, 7);
	refuses(&l, "FROM things", E_NOT_FOUND, "silver.things:");
	lake_close(&l);
}

/* A table that can't be read keeps no other from being read, whatever their names have in common. */
static void damage_stays_where_it_is(void **state)
{
	(void)state;
	struct lake l;
	char key[DELTA_KEY_MAX];
	lake_open(&l);
	add_rows(&l, "gold/t8", 0, 1, NULL);
	add_rows(&l, "gold/t81", 0, 2, NULL);
	add_rows(&l, "gold/a_t8", 0, 3, NULL);
	add_rows(&l, "silver/gone", 0, 4, NULL);
	add_rows(&l, "silver/grown", 0, 5, NULL);
	/* a log that is no JSON, a file that is gone, one of another size */
	CHECK_OK(&l.err, store_put(l.store, "gold/t8/_delta_log/00000000000000000000.json", "{", 1, &l.err));
	data_key(&l, "silver/gone", key);
	CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	data_key(&l, "silver/grown", key);
	struct buf bytes;
	buf_init(&bytes, 0);
	CHECK_OK(&l.err, store_get(l.store, key, &bytes, &l.err));
	buf_char(&bytes, 'x');
	CHECK_OK(&l.err, store_put(l.store, key, bytes.p, bytes.n, &l.err));
	buf_deinit(&bytes);
	lake_query(&l, -1);
	gives(&l, "SELECT count(*) AS n FROM t81", "n\n2\n");
	gives(&l, "SELECT count(*) AS t8 FROM gold.a_t8", "t8\n3\n");
	gives(&l, "SELECT count(*) AS n, 't8 gone grown' AS x FROM gold.t81", "n,x\n2,t8 gone grown\n");
	refuses(&l, "FROM t8", E_CORRUPT, "gold.t8:");
	refuses(&l, "FROM gold.t81, gold.t8", E_CORRUPT, "gold.t8:");
	refuses(&l, "SELECT id FROM gone", E_NOT_FOUND, "silver.gone:");
	refuses(&l, "SELECT id FROM grown", E_CORRUPT, "the table's log says");
	gives(&l, "SELECT count(*) AS n FROM (SHOW ALL TABLES) WHERE name LIKE '%t8%'", "n\n2\n");
	lake_close(&l);
}

/* A name without its layer means the first layer's table, or fails as that does: never another's rows. */
static void a_name_keeps_its_meaning(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	add_rows(&l, "silver/things", 0, 3, NULL);
	add_rows(&l, "gold/things", 0, 5, NULL);
	lake_query(&l, -1);
	gives(&l, "SELECT count(*) AS n FROM things", "n\n5\n");
	CHECK_OK(&l.err, store_put(l.store, "gold/things/_delta_log/00000000000000000000.json", "{", 1, &l.err));
	refuses(&l, "SELECT count(*) AS n FROM things", E_CORRUPT, "gold.things:");
	gives(&l, "SELECT count(*) AS n FROM silver.things", "n\n3\n");
	gives(&l, "SELECT count(silver.things.id) AS n FROM silver.things", "n\n3\n");
	lake_close(&l);
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	lake_query(&l, -1);
	refuses(&l, "FROM things", E_USAGE, "has no Delta tables yet");
	add_rows(&l, "silver/tickets", 0, 3, NULL);
	lake_query(&l, -1);
	static const struct {
		const char *sql;
		status code;
		const char *says;
	} cases[] = {
		{"FROM tickts", E_USAGE, "did you mean silver.tickets?"},
		{"FROM golden.tickets", E_USAGE, "silver.tickets"},
		{"FROM nothing_like_it", E_USAGE, "SHOW ALL TABLES"},
		{"SELECT idd FROM tickets", E_USAGE, "idd"},
		{"SELEC 1", E_USAGE, "only reads"},
		{"SELECT", E_USAGE, "SELECT"},
		{"", E_USAGE, "no statement"},
		{" ; -- nothing", E_USAGE, "no statement"},
		{"SELECT 1; SELECT 2", E_USAGE, "one statement"},
		{"SELECT $1", E_USAGE, "parameters"},
		{"SELECT '\xff'", E_USAGE, "UTF-8"},
		{"INSERT INTO tickets VALUES (1)", E_USAGE, "only reads"},
		{"COPY tickets TO '/tmp/pqr-never'", E_USAGE, "only reads"},
		{"EXPLAIN COPY tickets TO '/tmp/pqr-never'", E_USAGE, "only reads"},
		{"SELECT * FROM read_csv('/etc/passwd')", E_USAGE, "disabled"},
		{"SELECT enable_logging()", E_USAGE, "only reads"},
		{"SET threads = 2", E_USAGE, "only reads"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const status got = run(&l, cases[i].sql, QUERY_CSV);
		if (got == OK) fail_msg("%s: accepted", cases[i].sql);
		if (strstr(l.err.message, cases[i].says) == NULL)
			fail_msg("%s: no \"%s\" in: %s", cases[i].sql, cases[i].says, l.err.message);
		if (strstr(cases[i].sql, "passwd") == NULL && got != cases[i].code)
			fail_msg("%s: %s: %s", cases[i].sql, status_name(got), l.err.message);
	}
	lake_close(&l);
}

/* Every format of one statement; Parquet is read back by its own engine. */
static void formats(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	add_rows(&l, "silver/tickets", 0, 2, NULL);
	lake_query(&l, -1);
	static const char sql[] = "SELECT id, CASE id WHEN 0 THEN 'NaN'::DOUBLE END AS x FROM tickets ORDER BY id";
	CHECK_OK(&l.err, run(&l, sql, QUERY_JSON));
	buf_char(&l.out, '\0');
	assert_string_equal((const char *)l.out.p, "[\n{\"id\":0,\"x\":\"nan\"},\n{\"id\":1,\"x\":null}\n]\n");
	CHECK_OK(&l.err, run(&l, sql, QUERY_TABLE));
	buf_char(&l.out, '\0');
	assert_string_equal((const char *)l.out.p, "id     x\n 0   nan\n 1  NULL\n");
	CHECK_OK(&l.err, run(&l, sql, QUERY_PARQUET));
	assert_true(l.out.n > 8);
	assert_memory_equal(l.out.p, "PAR1", 4);
	assert_memory_equal(l.out.p + l.out.n - 4, "PAR1", 4);
	CHECK_FAILS(E_USAGE, run(&l, "EXPLAIN SELECT 1", QUERY_PARQUET));
	CHECK_OK(&l.err, run(&l, "EXPLAIN SELECT 1", QUERY_TABLE));
	assert_true(l.out.n > 0);
	lake_close(&l);
}

static status failing_sink(void *arg, const void *p, size_t n, struct err *err)
{
	(void)arg, (void)p, (void)n;
	return fail(err, E_IO, "the reader went away");
}

static void a_sink_may_fail(void **state)
{
	(void)state;
	struct lake l;
	struct query_result result;
	lake_open(&l);
	lake_query(&l, -1);
	const enum query_format all[] = {QUERY_TABLE, QUERY_CSV, QUERY_JSON, QUERY_PARQUET};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		const struct query_output to = {.format = all[i], .sink = failing_sink};
		CHECK_FAILS(E_IO, query_run(l.query, STR("SELECT 1"), &to, &result, &l.err));
		assert_string_equal(l.err.message, "the reader went away");
	}
	lake_close(&l);
}

/* A reader who has seen enough asks to stop. */
static status cancelling_sink(void *arg, const void *p, size_t n, struct err *err)
{
	int *pieces = arg;
	(void)p, (void)n, (void)err;
	if ((*pieces)++ == 0) cancel_request();
	return OK;
}

static void stops_when_asked(void **state)
{
	(void)state;
	struct lake l;
	struct query_result result;
	int pieces = 0;
	lake_open(&l);
	add_rows(&l, "silver/things", 0, 5, NULL);
	lake_query(&l, -1);
	const char *const endless = "SELECT a.range * b.range AS n FROM range(100000000) a, range(100000000) b";
	const struct query_output to = {.format = QUERY_CSV, .sink = cancelling_sink, .arg = &pieces};
	CHECK_FAILS(E_CANCELLED, query_run(l.query, str_of(endless), &to, &result, &l.err));
	assert_true(pieces > 0);
	/* asked for before it begins, and where no row comes before the end */
	CHECK_FAILS(E_CANCELLED,
		run(&l, "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b", QUERY_CSV));
	cancel_reset();
	gives(&l, "SELECT count(*) AS n FROM things", "n\n5\n"); /* the same query goes on being of use */
	lake_close(&l);
}

/* A picture to begin with goes on as far as no run has committed since; that of runs is exactly its versions. */
static void reads_a_picture(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	add_rows(&l, "silver/a", 0, 10, NULL);
	add_rows(&l, "silver/a", 10, 30, NULL);
	add_rows(&l, "silver/b", 0, 7, NULL);
	static const char *const tables[] = {"silver.a"}, *const runs[] = {"11111111-1111-4111-8111-111111111111"};
	static const int64_t versions[] = {0};
	struct query_picture picture = {.tables = tables, .versions = versions, .n = 1};
	const struct query_opts o = {
		.lake = l.store, .picture = &picture, .version = -1, .at_ms = INT64_MIN, .threads = 1};
	CHECK_OK(&l.err, query_open(&o, &l.query, &l.err));
	gives(&l, "SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM b) AS b", "a,b\n30,7\n");
	query_close(l.query);
	l.query = NULL;
	picture.runs = runs;
	picture.n_runs = 1;
	CHECK_OK(&l.err, query_open(&o, &l.query, &l.err));
	gives(&l, "SELECT count(*) AS n FROM a", "n\n10\n");
	refuses(&l, "FROM b", E_NOT_FOUND, "the run left no table silver.b");
	lake_close(&l);
}

static void reads_as_of_a_time(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	add_rows(&l, "silver/a", 0, 10, NULL);
	struct query_opts o = {
		.lake = l.store, .version = -1, .at_ms = INT64_C(4102444800000), .threads = 1}; /* 2100 */
	CHECK_OK(&l.err, query_open(&o, &l.query, &l.err));
	gives(&l, "SELECT count(*) AS n FROM a", "n\n10\n");
	query_close(l.query);
	l.query = NULL;
	o.at_ms = 0; /* before its first commit */
	CHECK_OK(&l.err, query_open(&o, &l.query, &l.err));
	refuses(&l, "FROM a", E_NOT_FOUND, "silver.a");
	lake_close(&l);
}

/* A table for a narrow terminal, and its first rows alone. */
static void fits_the_terminal(void **state)
{
	(void)state;
	struct lake l;
	struct query_result result;
	lake_open(&l);
	lake_query(&l, -1);
	struct query_output to = {.format = QUERY_TABLE, .width = 24, .sink = sink, .arg = &l.out};
	CHECK_OK(&l.err, query_run(l.query, STR("SELECT range AS n, repeat('long ', 20) AS t FROM range(3)"), &to,
				 &result, &l.err));
	CHECK_I64(result.rows, 3);
	buf_char(&l.out, '\0');
	for (const char *p = (const char *)l.out.p; *p != '\0'; p = strchr(p, '\n') + 1) {
		size_t columns = 0; /* every byte but those that follow another in a character */
		for (const char *c = p; *c != '\n'; c++) columns += ((unsigned char)*c & 0xC0) != 0x80;
		if (columns > 24) fail_msg("%zu columns: %.*s", columns, (int)(strchr(p, '\n') - p), p);
	}
	buf_reset(&l.out);
	to.width = 0;
	to.rows_max = 2;
	CHECK_OK(&l.err, query_run(l.query, STR("SELECT range AS n FROM range(50)"), &to, &result, &l.err));
	buf_char(&l.out, '\0');
	assert_non_null(strstr((const char *)l.out.p, "1\n"));
	assert_null(strstr((const char *)l.out.p, "\n 2\n"));
	assert_null(strstr((const char *)l.out.p, "49"));
	lake_close(&l);
}

struct names {
	char text[256];
};

static status note_name(void *arg, const char *layer, const char *name, struct err *err)
{
	struct names *n = arg;
	(void)err;
	const size_t at = strlen(n->text);
	(void)snprintf(n->text + at, sizeof n->text - at, "%s.%s ", layer, name);
	return OK;
}

static void lists_tables(void **state)
{
	(void)state;
	struct lake l;
	struct names n = {""};
	lake_open(&l);
	add_rows(&l, "silver/b", 0, 1, NULL);
	add_rows(&l, "gold/a", 0, 1, NULL);
	CHECK_OK(&l.err, store_put(l.store, "raw/x/file.jsonl", "{}\n", 3, &l.err));
	lake_query(&l, -1);
	CHECK_OK(&l.err, query_tables(l.query, note_name, &n, &l.err));
	assert_string_equal(n.text, "gold.a silver.b ");
	lake_close(&l);
}

/* Memory that runs out at the n-th request of ours: an error, nothing lost, and the next statement is answered. */
static void every_allocation(void **state)
{
	(void)state;
	static const char sql[] =
		"SELECT region, count(*) AS n FROM silver.things WHERE id > 3 GROUP BY ALL ORDER BY 1";
	static const char *const by_region[] = {"region"};
	static const char want[] = "region,n\nr0,10\nr1,9\n,7\n";
	struct lake l;
	int64_t failed = 0;
	status code = E_NOMEM;
	lake_open(&l);
	add_rows(&l, "silver/things", 0, 30, by_region);
	lake_query(&l, -1);
	gives(&l, sql, want);
	query_close(l.query);
	l.query = NULL;
	(void)buf_reserve(&l.out, 4096); /* the test's own */
	const size_t before = mem_in_use();
	for (int64_t n = 0; n < 5000 && code != OK; n += n < 30 ? 1 : n / 8) {
		const struct query_opts o = {.lake = l.store, .version = -1, .at_ms = INT64_MIN, .threads = 1};
		mem_fail_after(n);
		code = query_open(&o, &l.query, &l.err);
		if (code == OK) code = run(&l, sql, QUERY_CSV);
		mem_fail_after(-1);
		if (code != OK) CHECK_FAILS(E_NOMEM, code);
		if (code != OK && l.query != NULL) gives(&l, sql, want);
		failed += code != OK;
		query_close(l.query);
		l.query = NULL;
		assert_int_equal(mem_in_use(), before);
	}
	CHECK_OK(&l.err, code);
	assert_true(failed > 5);
	lake_close(&l);
}

/* The n-th operation on the lake fails, once and from then on: the right rows or an error in words, nothing lost, and the next statement is
 * answered. */
static void every_operation(void **state)
{
	(void)state;
	static const char sql[] =
		"SELECT region, count(*) AS n FROM silver.things WHERE id > 3 GROUP BY ALL ORDER BY 1";
	static const char *const by_region[] = {"region"};
	static const char want[] = "region,n\nr0,10\nr1,9\n,7\n";
	struct lake l;
	struct fault_store faults;
	int64_t failed = 0;
	lake_open(&l);
	add_rows(&l, "silver/things", 0, 30, by_region);
	fault_store_init(&faults, l.store);
	const size_t before = mem_in_use();
	for (int on = 0; on < 2; on++) {
		faults.hits = 1;
		for (int64_t n = 1; faults.hits > 0; n++) {
			const struct query_opts o = {
				.lake = &faults.base, .version = -1, .at_ms = INT64_MIN, .threads = 1};
			err_clear(&l.err);
			faults.at = n;
			faults.times = on != 0 ? INT64_MAX : 0;
			faults.n = faults.hits = 0;
			status code = query_open(&o, &l.query, &l.err);
			if (code == OK) code = run(&l, sql, QUERY_CSV);
			buf_char(&l.out, '\0');
			if (code == OK) assert_string_equal((const char *)l.out.p, want);
			if (code != OK) CHECK_FAILS(E_IO, code);
			if (code != OK && strstr(l.err.message, "failed on purpose") == NULL)
				fail_msg("operation %lld: %s", (long long)n, l.err.message);
			failed += code != OK;
			faults.at = 0;
			if (l.query != NULL) gives(&l, sql, want);
			query_close(l.query);
			l.query = NULL;
			buf_deinit(&l.out);
			assert_int_equal(mem_in_use(), before);
		}
	}
	assert_true(failed > 5);
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_what_the_log_says),
		cmocka_unit_test(damage_stays_where_it_is), cmocka_unit_test(a_name_keeps_its_meaning),
		cmocka_unit_test(says_what_is_wrong), cmocka_unit_test(formats), cmocka_unit_test(a_sink_may_fail),
		cmocka_unit_test(lists_tables), cmocka_unit_test(stops_when_asked), cmocka_unit_test(reads_a_picture),
		cmocka_unit_test(reads_as_of_a_time), cmocka_unit_test(fits_the_terminal),
		cmocka_unit_test(every_allocation), cmocka_unit_test(every_operation)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
