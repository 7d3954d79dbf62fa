/* Where statements end, and what kind they are. */
#include "check.h"

#include "query/query_int.h"

static void test_end(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t end;
	} cases[] = {
		{"SELECT 1;", 9},
		{"SELECT 1; SELECT 2;", 9},
		{"SELECT 1", 0},
		{"", 0},
		{";", 1},
		{"SELECT ';';", 11},
		{"SELECT 'it''s;';", 16},
		{"SELECT 'open;", 0},
		{"SELECT \"a;\"\"b\";", 15},
		{"SELECT \"open;", 0},
		{"SELECT E'\\';';", 14},
		{"SELECT '\\';", 11}, /* a backslash is itself in a plain text */
		{"-- c;\nSELECT 1;", 15},
		{"-- c;", 0},
		{"/* ; /* ; */ ; */ SELECT 1;", 27},
		{"/* ; /* ; */ ;", 0},
		{"SELECT $$;$$;", 13},
		{"SELECT $t$ $$; $u$; $t$;", 24},
		{"SELECT $t$ ;", 0},
		{"SELECT $1;", 10},
		{"SELECT a$b$;", 12}, /* a '$' within a name starts no quote */
		{"SELECT 1 - -1; x", 14},
		{"SELECT 'ñ;' || \"€;\";", 23},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const size_t end = query_statement_end(str_of(cases[i].text));
		if (end != cases[i].end) fail_msg("%s: %zu, expected %zu", cases[i].text, end, cases[i].end);
	}
}

static void test_every_prefix(void **state)
{
	(void)state;
	static const char text[] =
		"\xef\xbb\xbf-- a\n/* b /* */ */ SELECT E'\\'' || 'x''' || \"y\" || $z$ ' $z$ FROM (t);";
	for (size_t n = 0; n + 1 < sizeof text - 1; n++) {
		char *copy = malloc(n + 1); /* its own block: a read past the end is found */
		assert_non_null(copy);
		memcpy(copy, text, n);
		const struct str part = {copy, n};
		CHECK_I64(query_statement_end(part), 0);
		(void)sql_classify(part);
		free(copy);
	}
	CHECK_I64(query_statement_end((struct str){text, sizeof text - 1}), sizeof text - 1);
}

static void test_kinds(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum sql_kind kind, inner;
	} cases[] = {
		{"", SQL_EMPTY, SQL_EMPTY},
		{" -- x", SQL_EMPTY, SQL_EMPTY},
		{"((", SQL_EMPTY, SQL_EMPTY},
		{"select 1", SQL_QUERY, SQL_EMPTY},
		{"\xef\xbb\xbfSELECT 1", SQL_QUERY, SQL_EMPTY},
		{"/* x */ ((VALUES (1)))", SQL_QUERY, SQL_EMPTY},
		{"From t", SQL_QUERY, SQL_EMPTY},
		{"WITH a AS (SELECT 1) FROM a", SQL_QUERY, SQL_EMPTY},
		{"selects", SQL_OTHER, SQL_EMPTY},
		{"'select'", SQL_OTHER, SQL_EMPTY},
		{"\"select\"", SQL_OTHER, SQL_EMPTY},
		{"COPY t TO 'x'", SQL_OTHER, SQL_EMPTY},
		{"PRAGMA x", SQL_OTHER, SQL_EMPTY},
		{"EXPLAIN SELECT 1", SQL_EXPLAIN, SQL_QUERY},
		{"EXPLAIN", SQL_EXPLAIN, SQL_EMPTY},
		{"EXPLAIN ANALYZE COPY t TO 'x'", SQL_EXPLAIN, SQL_OTHER},
		{"EXPLAIN ANALYZE SELECT 1", SQL_EXPLAIN, SQL_QUERY},
		{"explain analyze verbose select 1", SQL_EXPLAIN, SQL_QUERY},
		{"EXPLAIN (ANALYZE) COPY t TO 'x'", SQL_EXPLAIN, SQL_OTHER},
		{"EXPLAIN (ANALYZE, FORMAT json) SELECT 1", SQL_EXPLAIN, SQL_QUERY},
		{"EXPLAIN (SELECT 1)", SQL_EXPLAIN, SQL_QUERY},
		{"EXPLAIN /* c */ ANALYZE -- d\n COPY t TO 'x'", SQL_EXPLAIN, SQL_OTHER},
		{"EXPLAIN EXPLAIN SELECT 1", SQL_EXPLAIN, SQL_EXPLAIN},
		{"EXPLAIN (FORMAT", SQL_EXPLAIN, SQL_EMPTY},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct sql_text t = sql_classify(str_of(cases[i].text));
		if (t.kind != cases[i].kind || t.inner_kind != cases[i].inner)
			fail_msg("%s: kinds %d, %d; expected %d, %d", cases[i].text, (int)t.kind, (int)t.inner_kind,
				(int)cases[i].kind, (int)cases[i].inner);
	}
}

static void test_blank_and_mentions(void **state)
{
	(void)state;
	assert_true(query_blank(STR("")));
	assert_true(query_blank(STR(" ;\n-- x\n/* y */;")));
	assert_false(query_blank(STR("; x")));
	assert_false(query_blank(STR("''")));
	assert_true(sql_mentions(STR("FROM silver.Tickets"), "tickets"));
	assert_true(sql_mentions(STR("FROM query_table('tickets')"), "tickets"));
	assert_false(sql_mentions(STR("FROM ticket"), "tickets"));
	static const struct {
		const char *sql, *name;
		bool mentions, bare;
	} cases[] = {
		{"FROM t81", "t8", false, false},
		{"FROM t8", "t8", true, true},
		{"FROM a_t8", "t8", false, false},
		{"FROM t8$x", "t8", false, false},
		{"FROM gold.t81, t8", "t8", true, true},
		{"FROM gold.t8", "t8", true, false},
		{"FROM gold . \"T8\" WHERE t8.x = 1", "t8", true, false},
		{"FROM \"t8\"", "t8", true, true},
		{"FROM query_table('gold.t8')", "t8", true, false},
		{"FROM \xc3\xb1t8", "t8", false, false},
		{"FROM \"a b\"", "a b", true, true},
		{"FROM \"a bc\"", "a b", false, false},
		{"FROM \"a\"\"b\"", "a\"b", true, false},
		{"", "t8", false, false},
		{"t8", "", false, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct str sql = str_of(cases[i].sql);
		if (sql_mentions(sql, cases[i].name) != cases[i].mentions ||
			sql_mentions_bare(sql, cases[i].name) != cases[i].bare)
			fail_msg("%s in %s", cases[i].name, cases[i].sql);
	}
	assert_true(sql_contains(STR("FROM duckdb_tables()"), "DUCKDB_"));
	assert_false(sql_contains(STR("FROM duckdb"), "duckdb_"));
	struct buf out;
	buf_init(&out, 0);
	sql_quote(&out, '\'', STR("it's"));
	sql_quote(&out, '"', STR(""));
	sql_quote(&out, '"', STR("\"\""));
	buf_char(&out, '\0');
	assert_string_equal((const char *)out.p, "'it''s'\"\"\"\"\"\"\"\"");
	buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_end), cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_blank_and_mentions)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
