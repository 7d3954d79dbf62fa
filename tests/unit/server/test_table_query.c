/* A request's parameters, the query they are, and its SQL. */
#include "server/table_sql.h"

#include "check.h"
#include "control/control.h"

static const struct column_def columns[] = {
	{.name = "day", .type = COL_DATE, .key = true},
	{.name = "kind", .type = COL_STRING, .key = true},
	{.name = "n", .type = COL_INT64},
	{.name = "share", .type = COL_DECIMAL, .precision = 5, .scale = 2, .nullable = true},
	{.name = "seen", .type = COL_TIMESTAMP},
	{.name = "ok", .type = COL_BOOL},
};
static const struct relation relation = {
	.schema = "gold", .name = "t", .columns = columns, .n_columns = sizeof columns / sizeof *columns};

struct fixture {
	struct arena arena;
	struct table_query q;
	struct table_sql sql;
	struct err err;
};

static status parse_of(struct fixture *f, const struct relation *of, const char *target)
{
	struct request r = {.arena = &f->arena};
	arena_init(&f->arena, 0);
	table_sql_init(&f->sql);
	err_clear(&f->err);
	request_target_set(&r, str_of(target));
	return table_query_parse(&r, of, 5000, &f->q, &f->err);
}

static status parse(struct fixture *f, const char *target)
{
	return parse_of(f, &relation, target);
}

static void done(struct fixture *f)
{
	table_sql_deinit(&f->sql);
	arena_deinit(&f->arena);
}

/* ---- SQL ---- */

struct sql_case {
	const char *target;
	enum table_dialect dialect;
	const char *sql;    /* behind SELECT */
	const char *params; /* with '|' behind each */
};
static const struct sql_case sql_cases[] = {
	{"/?select=day,n", TABLE_SQLITE,
		"\"day\" AS \"day\", \"n\" AS \"n\", \"kind\" AS \"after 1\" FROM gold.t ORDER BY 1, 3 LIMIT "
		"CAST($1 AS INTEGER)",
		"1001|"},
	{"/?select=n&day=gte.2025-09-01&kind=in.(a,%22b,c%22)&n=not.lt.5&limit=3&offset=2", TABLE_POSTGRES,
		"\"n\" AS \"n\", \"day\" AS \"after 0\", \"kind\" AS \"after 1\" FROM gold.t WHERE ((\"day\" >= "
		"CAST($1 AS date)) "
		"AND (\"kind\" IN ($2, $3)) AND NOT (\"n\" < CAST($4 AS bigint))) ORDER BY 2 NULLS LAST, 3 NULLS LAST "
		"LIMIT 4 "
		"OFFSET 2",
		"2025-09-01|a|b,c|5|"},
	{"/?select=kind,total:n.sum(),count(),s:share.sum()&order=total.desc&or=(kind.eq.x,and(n.gt.1,not.or(ok.is."
	 "true,share.is.null)))",
		TABLE_SQLITE,
		"\"kind\" AS \"kind\", CAST(SUM(\"n\") AS BIGINT) AS \"total\", COUNT(*) AS \"count\", "
		"ROUND(SUM(\"share\"), 2) AS "
		"\"s\" FROM gold.t WHERE (((\"kind\" = $1) OR ((\"n\" > CAST($2 AS INTEGER)) AND NOT ((\"ok\" IS 1) OR "
		"(\"share\" "
		"IS NULL))))) GROUP BY \"kind\" ORDER BY 2 DESC NULLS FIRST, 1 LIMIT CAST($3 AS INTEGER)",
		"x|1|1001|"},
	{"/?select=day&kind=like.a*_%5B&kind=ilike.%25b", TABLE_SQLITE,
		"\"day\" AS \"day\", \"kind\" AS \"after 1\" FROM gold.t WHERE ((\"kind\" GLOB $1) AND (\"kind\" LIKE "
		"$2 ESCAPE "
		"'\\')) ORDER BY 1, 2 LIMIT CAST($3 AS INTEGER)",
		"a*?[[]|%b|1001|"},
	{"/?select=day&kind=like.a*&n=ilike.1%25", TABLE_DUCKDB,
		"\"day\" AS \"day\", \"kind\" AS \"after 1\" FROM gold.t WHERE ((\"kind\" LIKE $1 ESCAPE '\\') AND "
		"(CAST(\"n\" AS "
		"TEXT) ILIKE $2 ESCAPE '\\')) ORDER BY 1 NULLS LAST, 2 NULLS LAST LIMIT 1001",
		"a%|1%|"},
	{"/?select=day&order=n.desc&after=%227%22,2025-09-02,%22a%5C%22b%22&seen=lt.2025-01-01T00:00:00-05:00&ok=eq."
	 "true",
		TABLE_SQLITE,
		"\"day\" AS \"day\", \"n\" AS \"after 0\", \"kind\" AS \"after 2\" FROM gold.t WHERE ((+\"seen\" < $1) "
		"AND (\"ok\" = ($2 = 'true'))) AND ((\"n\" < CAST($3 AS INTEGER)) OR (\"n\" = CAST($3 AS INTEGER) AND "
		"+\"day\" > $4) OR (\"n\" = CAST($3 AS INTEGER) AND +\"day\" = $4 AND \"kind\" > $5)) ORDER BY 2 DESC, "
		"1, "
		"3 LIMIT CAST($6 AS INTEGER)",
		"2025-01-01T05:00:00.000000Z|true|7|2025-09-02|a\"b|1001|"},
	{"/?select=n&offset=4", TABLE_SQLITE,
		"\"n\" AS \"n\", \"day\" AS \"after 0\", \"kind\" AS \"after 1\" FROM gold.t ORDER BY 2, 3 LIMIT "
		"CAST($1 AS INTEGER) OFFSET CAST($2 AS INTEGER)",
		"1001|4|"},
	{"/?select=day&day=gte.2025-09-01&order=share", TABLE_SQLITE,
		"\"day\" AS \"day\", \"share\" AS \"after 0\", \"kind\" AS \"after 2\" FROM gold.t WHERE ((+\"day\" >= "
		"$1)) ORDER BY 2 NULLS LAST, 1, 3 LIMIT CAST($2 AS INTEGER)",
		"2025-09-01|1001|"},
	{"/?select=kind&day=gte.2025-09-01&day=lt.2025-10-01&day=neq.2025-09-07", TABLE_SQLITE,
		"\"kind\" AS \"kind\", \"day\" AS \"after 0\" FROM gold.t WHERE ((\"day\" >= $1) AND (\"day\" < $2) "
		"AND "
		"(\"day\" <> $3)) ORDER BY 2, 1 LIMIT CAST($4 AS INTEGER)",
		"2025-09-01|2025-10-01|2025-09-07|1001|"},
};

static void writes_sql(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sql_cases / sizeof *sql_cases; i++) {
		struct fixture f;
		struct buf params;
		const struct sql_case *c = &sql_cases[i];
		buf_init(&params, 0);
		if (parse(&f, c->target) != OK) fail_msg("%s: %s", c->target, f.err.message);
		assert_int_equal(table_sql_rows(&f.q, "gold.t", c->dialect, &f.arena, &f.sql, &f.err), OK);
		assert_string_equal((const char *)f.sql.text.p + strlen("SELECT "), c->sql);
		for (size_t k = 0; k < f.sql.n_params; k++) buf_printf(&params, "%s|", f.sql.params[k]);
		buf_char(&params, '\0');
		assert_string_equal((const char *)params.p, c->params);
		buf_deinit(&params);
		done(&f);
	}
}

static void counts_without_pages(void **state)
{
	(void)state;
	struct fixture f;
	assert_int_equal(parse(&f, "/?n=eq.1&limit=2&offset=4"), OK);
	assert_int_equal(table_sql_count(&f.q, "gold.t", TABLE_SQLITE, &f.arena, &f.sql, &f.err), OK);
	assert_string_equal(
		(const char *)f.sql.text.p, "SELECT COUNT(*) AS n FROM gold.t WHERE ((\"n\" = CAST($1 AS INTEGER)))");
	done(&f);
	assert_int_equal(parse(&f, "/?select=kind,n.max()"), OK);
	assert_int_equal(table_sql_count(&f.q, "gold.t", TABLE_SQLITE, &f.arena, &f.sql, &f.err), OK);
	assert_string_equal((const char *)f.sql.text.p, "SELECT COUNT(*) AS n FROM (SELECT \"kind\" AS \"kind\", "
							"MAX(\"n\") AS \"max\" FROM gold.t GROUP BY \"kind\") AS "
							"groups_of_rows");
	done(&f);
}

/* ---- what is refused ---- */

static const struct {
	const char *target, *message;
} refused[] = {
	{"/?x=eq.1", "x: gold.t has no column 'x'"},
	{"/?n=1", "n: expected an operator"},
	{"/?n=foo.1", "found 'foo'"},
	{"/?n=eq.one", "column n takes a whole number, found 'one'"},
	{"/?n=eq.1;drop", "column n takes a whole number"},
	{"/?n=eq.99999999999999999999", "column n takes a whole number"},
	{"/?share=eq.1e5", "column share takes a number"},
	{"/?day=eq.2025-02-30", "column day takes a date"},
	{"/?seen=eq.yesterday", "column seen takes an instant"},
	{"/?ok=eq.1", "column ok takes true or false"},
	{"/?n=is.true", "is takes null, found 'true'"},
	{"/?n=in.1", "in takes a list"},
	{"/?n=in.(1,2", "a list ends with ')'"},
	{"/?kind=in.(%22a)", "a quoted value does not end"},
	{"/?n=in.(1)x", "'x' is too much"},
	{"/?or=n.eq.1", "or: expected (column.operator.value,...)"},
	{"/?or=(n.eq.1", "a group ends with ')'"},
	{"/?or=(n)", "expected column.operator.value"},
	{"/?or=(m.eq.1)", "or: gold.t has no column 'm'"},
	{"/?and=(and(and(and(and(and(and(and(and(and(n.eq.1))))))))))", "over 8 groups within groups"},
	{"/?select=m", "select: gold.t has no column 'm'"},
	{"/?select=n.median()", "expected sum(), avg(), min(), max() or count()"},
	{"/?select=kind.sum()", "sum() takes a number, and kind is none"},
	{"/?select=a%22b:n", "an alias is letters"},
	{"/?select=n,n", "two columns are called n"},
	{"/?select=n,", "select: gold.t has no column ''"},
	{"/?order=m", "order: gold.t has no column 'm'"},
	{"/?order=n.up", "expected asc, desc, nullsfirst or nullslast, found 'up'"},
	{"/?select=n.sum()&order=day", "rows are ordered by what is selected; 'day' is not"},
	{"/?limit=-1", "limit: expected a whole number"},
	{"/?limit=5001", "limit: at most 5000, found 5001"},
	{"/?offset=x", "offset: expected a whole number"},
	{"/?after=2025-09-01", "after: expected a value for each of the 2 columns"},
	{"/?after=a,b", "after: column day takes a date"},
	{"/?select=n.sum()&after=1", "after: not with functions"},
	{"/?kind=eq.%ff", "no percent-encoded UTF-8"},
	{"/?kind=eq.%00", "no percent-encoded UTF-8"},
	{"/?kind=eq.%4", "no percent-encoded UTF-8"},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct fixture f;
		const status code = parse(&f, refused[i].target);
		if (code != E_USAGE || strstr(f.err.message, refused[i].message) == NULL)
			fail_msg("%s: %s, \"%s\"", refused[i].target, status_name(code), f.err.message);
		done(&f);
	}
}

/* A page of the widest table there may be, by all of its columns, behind a row, with as many filters as there may be. */
static void fits_the_most(void **state)
{
	(void)state;
	static char names[TABLE_QUERY_ITEMS_MAX][16];
	static struct column_def wide[TABLE_QUERY_ITEMS_MAX];
	struct buf target;
	buf_init(&target, 0);
	buf_str(&target, "/?offset=1&c0=in.(0");
	for (int i = 1; i < TABLE_QUERY_VALUES_MAX; i++) buf_str(&target, ",0");
	buf_str(&target, ")&order=");
	for (int i = 0; i < TABLE_QUERY_ITEMS_MAX; i++) {
		(void)snprintf(names[i], sizeof names[i], "c%d", i);
		wide[i] = (struct column_def){.name = names[i], .type = COL_INT64};
		buf_printf(&target, "%sc%d", i > 0 ? "," : "", i);
	}
	buf_str(&target, "&after=0");
	for (int i = 1; i < TABLE_QUERY_ITEMS_MAX; i++) buf_str(&target, ",0");
	buf_char(&target, '\0');
	const struct relation r = {.schema = "gold",
		.name = "wide",
		.columns = wide,
		.n_columns = TABLE_QUERY_ITEMS_MAX,
		.tenant_sql = "\"c0\" = ",
		.tenant_sql_end = ""};
	struct fixture f;
	if (parse_of(&f, &r, (const char *)target.p) != OK) fail_msg("%s", f.err.message);
	f.q.tenant = "t";
	assert_int_equal(table_sql_rows(&f.q, "gold.wide", TABLE_SQLITE, &f.arena, &f.sql, &f.err), OK);
	assert_int_equal(f.sql.n_params, TABLE_SQL_PARAMS_MAX);
	assert_true(f.sql.n_params <= CONTROL_PARAMS_MAX);
	buf_deinit(&target);
	done(&f);
}

/* As many values as fit, and one more. */
static void bounds_values(void **state)
{
	(void)state;
	struct buf target;
	buf_init(&target, 0);
	for (int n = TABLE_QUERY_VALUES_MAX; n <= TABLE_QUERY_VALUES_MAX + 1; n++) {
		struct fixture f;
		buf_reset(&target);
		buf_str(&target, "/?n=in.(0");
		for (int i = 1; i < n; i++) buf_printf(&target, ",%d", i);
		buf_str(&target, ")");
		buf_char(&target, '\0');
		assert_int_equal(parse(&f, (const char *)target.p), n <= TABLE_QUERY_VALUES_MAX ? OK : E_USAGE);
		done(&f);
	}
	buf_deinit(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_sql),
		cmocka_unit_test(counts_without_pages),
		cmocka_unit_test(refuses),
		cmocka_unit_test(fits_the_most),
		cmocka_unit_test(bounds_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
