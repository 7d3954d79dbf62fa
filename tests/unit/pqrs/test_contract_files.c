/* The committed contract files are those of the schemas; the SQL in them runs; the raw contract is the parser's. */
#include <dirent.h>
#include <jansson.h>
#include <sqlite3.h>

#include "base/file.h"
#include "check.h"
#include "flow/contract.h"
#include "workloads/pqrs/contract/contract.h"
#include "workloads/pqrs/workload.h"
#include "workloads/pqrs/bronze/event.h"
#include "workloads/pqrs/contract/raw_event.h"
#include "workloads/pqrs/contract/views.h"

#define CONTRACTS PQR_SOURCE_DIR "/contracts/pqrs/v2"
#define HOW_TO "; regenerate with `make docs`"

/* ---- files ------------------------------------------------------------------------------------------------------ */

static status compare_file(void *arg, const char *name, struct str text, struct err *err)
{
	char path[512];
	struct buf found;
	(void)snprintf(path, sizeof path, CONTRACTS "/%s", name);
	buf_init(&found, 0);
	if (file_read(path, 1 << 20, &found, err) != OK) fail_msg("%s: %s" HOW_TO, path, err->message);
	if (found.n != text.n || memcmp(found.p, text.p, text.n) != 0)
		fail_msg("%s is not what the schemas say" HOW_TO, path);
	buf_deinit(&found);
	++*(int *)arg;
	return OK;
}

static void test_committed_files(void **state)
{
	(void)state;
	struct err err;
	int written = 0, present = 0;
	CHECK_OK(&err, contract_files(&pqrs_workload, compare_file, &written, &err));
	DIR *dir = opendir(CONTRACTS);
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir)) != NULL;) present += e->d_name[0] != '.';
	(void)closedir(dir);
	CHECK_I64(present, written); /* nothing is left from a table that is gone */
	CHECK_I64(written, 4 + 2 * (PQRS_TABLES + (int64_t)pqrs_workload.n_streamed));
}

static void test_write_all(void **state)
{
	(void)state;
	struct err err;
	char dir[64], path[256];
	struct buf found, want;
	check_tmpdir(dir);
	CHECK_OK(&err, contract_write_all(&pqrs_workload, dir, &err));
	buf_init(&found, 0);
	buf_init(&want, 0);
	(void)snprintf(path, sizeof path, "%s/ddl_sqlite.sql", dir);
	CHECK_OK(&err, file_read(path, 1 << 20, &found, &err));
	CHECK_OK(&err, contract_format(&pqrs_workload, "ddl-sqlite", &want, &err));
	CHECK_I64(found.n, want.n);
	assert_memory_equal(found.p, want.p, want.n);
	buf_deinit(&found);
	buf_deinit(&want);
	check_rmdir(dir);
}

static status parse_json(void *arg, const char *name, struct str text, struct err *err)
{
	json_error_t at;
	(void)err;
	if (strstr(name, ".json") == NULL) return OK;
	json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &at);
	if (root == NULL) fail_msg("%s:%d: %s", name, at.line, at.text);
	json_decref(root);
	++*(int *)arg;
	return OK;
}

static void test_json_parses(void **state)
{
	(void)state;
	static const char *const formats[] = {"json-schema", "delta"};
	struct err err;
	int n = 0;
	CHECK_OK(&err, contract_files(&pqrs_workload, parse_json, &n, &err));
	CHECK_I64(n, 1 + 2 * (PQRS_TABLES + (int64_t)pqrs_workload.n_streamed));
	for (int i = 0; i < 2; i++) {
		struct buf out;
		buf_init(&out, 0);
		CHECK_OK(&err, contract_format(&pqrs_workload, formats[i], &out, &err));
		json_t *root = json_loadb((const char *)out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(root);
		CHECK_I64(json_object_size(root), PQRS_TABLES + (int64_t)pqrs_workload.n_streamed + (i == 0));
		json_decref(root);
		buf_deinit(&out);
	}
	struct buf out;
	buf_init(&out, 0);
	CHECK_FAILS(E_USAGE, contract_format(&pqrs_workload, "xml", &out, &err));
	CHECK_I64(out.n, 0);
	buf_deinit(&out);
}

static void test_schemas_are_sound(void **state)
{
	(void)state;
	for (int i = 0; i < PQRS_TABLES; i++) {
		const struct table_schema *s = pqrs_tables[i];
		const size_t n_data = schema_n_data_columns(s);
		assert_string_equal(s->contract, "pqrs/v2");
		assert_true(n_data > 0);
		for (size_t k = 0; k < s->n_columns; k++) {
			const struct column_def *c = &s->columns[k];
			CHECK_I64(schema_column_index(s, c->name), k); /* no name twice */
			assert_true(c->description != NULL && c->description[0] != '\0');
			assert_true(c->partition == (k >= n_data));
			assert_false(c->key && c->nullable);
			assert_true(c->type != COL_DECIMAL ||
				    (c->precision >= 1 && c->precision <= 18 && c->scale <= c->precision));
		}
		if (strcmp(s->layer, "gold") != 0) continue;
		CHECK_I64(s->n_columns - n_data, 2);
		assert_string_equal(s->columns[n_data].name, "month");
		assert_string_equal(s->columns[n_data + 1].name, "run_id");
	}
}

/* ---- SQL -------------------------------------------------------------------------------------------------------- */

static void exec(sqlite3 *db, const char *sql)
{
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s in %.200s", message, sql);
}

/* The only value of a query, as text. */
static void check_value(sqlite3 *db, const char *sql, const char *want)
{
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) fail_msg("%s in %s", sqlite3_errmsg(db), sql);
	if (sqlite3_step(s) != SQLITE_ROW) fail_msg("no row: %s", sql);
	const char *got = (const char *)sqlite3_column_text(s, 0);
	if (strcmp(got != NULL ? got : "NULL", want) != 0)
		fail_msg("%s = %s, expected %s", sql, got != NULL ? got : "NULL", want);
	if (sqlite3_step(s) != SQLITE_DONE) fail_msg("more than one row: %s", sql);
	(void)sqlite3_finalize(s);
}

static sqlite3 *open_gold(void)
{
	sqlite3 *db = NULL;
	struct buf sql;
	struct err err;
	CHECK_I64(sqlite3_open(":memory:", &db), SQLITE_OK);
	buf_init(&sql, 0);
	CHECK_OK(&err, contract_format(&pqrs_workload, "ddl-sqlite", &sql, &err));
	buf_char(&sql, '\0');
	exec(db, (const char *)sql.p);
	buf_deinit(&sql);
	return db;
}

static void test_views_over_sqlite(void **state)
{
	(void)state;
	sqlite3 *db = open_gold();
	check_value(
		db, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name LIKE 'gold!_%' ESCAPE '!'", "14");
	check_value(db,
		"SELECT count(*) FROM sqlite_master WHERE type = 'view' AND name LIKE 'analytics!_v!_%' ESCAPE '!'",
		"5");
	exec(db, "INSERT INTO gold_kpi_volume_geo_daily VALUES"
		 " ('2025-09-01','chat','P','Antioquia','Antioquia','05001',3,'2025-09','u'), "
		 "('2025-09-01','email','P','Antioquia','Antioquia','05001',4,'2025-09','u');"
		 "INSERT INTO gold_kpi_backlog_geo_daily VALUES"
		 " ('2025-09-01','P','Antioquia','Antioquia','05001',9,'2025-09','u'), "
		 "('2025-09-02','P','Antioquia','Antioquia','05001',8,'2025-09','u');"
		 "INSERT INTO gold_kpi_sla_geo_daily VALUES "
		 "('2025-09-02','P','Antioquia','Antioquia','05001',3,66.67,1,1.5,'2025-09','u');"
		 "INSERT INTO gold_kpi_sla_daily VALUES"
		 " ('2025-09-02','P',3,66.67,1,1.5,'2025-09','u'), ('2025-09-03','P',5,60.0,2,3.0,'2025-09','u'), "
		 "('2025-09-03','Q',5,100.0,0,0.0,'2025-09','u');"
		 "INSERT INTO gold_tickets_snapshot VALUES"
		 " ('a','CLOSED','2025-09-02T00:00:00.000000Z',15,4,'IN_TIME','2025-09','u'), "
		 "('b','ON_HOLD','2025-09-02T00:00:00.000000Z',15,18,'LATE','2025-09','u'),"
		 " ('c','ARCHIVED','2025-09-02T00:00:00.000000Z',15,4,'IN_TIME','2025-09','u');"
		 "INSERT INTO gold_kpi_volume_national_daily VALUES "
		 "('2025-09-01','P','chat',3,3.0,0.0,0.0,'2025-09','u');"
		 "INSERT INTO gold_kpi_volume_dept_daily VALUES "
		 "('2025-09-01','Antioquia','P','chat',3,3.0,0.0,0.0,'2025-09','u')");
	check_value(db,
		"SELECT group_concat(day || ' ' || tickets_count || ' ' || backlog_count || ' ' || closed_count || ' ' "
		"|| overdue_count || ' ' ||"
		" coalesce(within_sla_pct, '-'), ';') FROM (SELECT * FROM analytics_v_geo_daily ORDER BY day)",
		"2025-09-01 7 9 0 0 -;2025-09-02 0 8 3 1 66.67");
	check_value(db, "SELECT group_concat(ticket_id || ' ' || sla_days_left) FROM analytics_v_tickets_open", "b -3");
	check_value(db,
		"SELECT group_concat(pqrs_type || ' ' || closed_count || ' ' || overdue_count || ' ' || within_sla_pct "
		"|| ' ' || avg_overdue_days, ';')"
		" FROM (SELECT * FROM analytics_v_sla_summary ORDER BY pqrs_type)",
		"P 8 3 62.5 2.5;Q 5 0 100.0 0");
	check_value(db, "SELECT tickets_count FROM analytics_v_timeseries_national_daily", "3");
	check_value(db, "SELECT department_name FROM analytics_v_timeseries_department_daily", "Antioquia");
	CHECK_I64(sqlite3_close(db), SQLITE_OK);
}

static void test_names(void **state)
{
	(void)state;
	const struct workload_view v = {"analytics.v_x",
		"SELECT a.n AS \"gold.n\" FROM gold.a AS a JOIN (gold.b) ON a.t <> 'gold.c' AND a.gold.n = $2", NULL};
	struct buf out;
	buf_init(&out, 0);
	contract_view_postgres(&out, &v);
	contract_view_sqlite(&out, &v);
	buf_char(&out, '\0');
	assert_string_equal((const char *)out.p,
		"CREATE VIEW analytics.v_x AS\nSELECT a.n AS \"gold.n\" FROM gold.a "
		"AS a JOIN (gold.b) ON a.t <> 'gold.c' "
		"AND a.gold.n = $2;\n"
		"CREATE VIEW \"analytics_v_x\" AS\nSELECT a.n AS \"gold.n\" FROM gold_a "
		"AS a JOIN (gold_b) ON a.t <> 'gold.c' "
		"AND a.gold.n = ?2;\n");
	buf_deinit(&out);
}

/* ---- raw events --------------------------------------------------------------------------------------------------- */

/* One event of type t with all members, member `skip` left out (NULL: none), member `bad` of a wrong JSON type. */
static void build_event(
	struct buf *out, const struct raw_event_type *t, const char *skip, const char *bad, const char *bad_text)
{
	buf_reset(out);
	buf_str(out, "{");
	for (int part = 0; part < 2; part++) {
		const struct raw_member *m = part == 0 ? raw_envelope : t->data;
		const size_t n = part == 0 ? RAW_ENVELOPE_MEMBERS : t->n_data;
		if (part == 1) buf_str(out, "\"data\":{");
		for (size_t i = 0; i < n; i++) {
			if (skip != NULL && strcmp(m[i].name, skip) == 0) continue;
			buf_printf(out, "\"%s\":", m[i].name);
			if (bad != NULL && strcmp(m[i].name, bad) == 0)
				buf_str(out, bad_text);
			else if (strcmp(m[i].name, "event_type") == 0)
				buf_printf(out, "\"%s\"", t->name);
			else if (m[i].values != NULL)
				buf_printf(out, "\"%s\"", m[i].values[0]);
			else if (m[i].kind == RAW_UUID)
				buf_str(out, "\"00000000-0000-0000-0000-00000000000a\"");
			else if (m[i].kind == RAW_TIMESTAMP)
				buf_str(out, "\"2025-09-01T12:00:00Z\"");
			else if (m[i].kind == RAW_INTEGER)
				buf_str(out, "7");
			else
				buf_str(out, "\"x\"");
			buf_char(out, ',');
		}
		if (out->p[out->n - 1] == ',') out->n--;
		buf_str(out, part == 0 ? "," : "}");
	}
	buf_str(out, "}");
}

static void check_verdict(struct event_parser *parser, struct buf *line, const char *want)
{
	struct event e;
	struct event_reason r;
	char text[EVENT_REASON_BYTES];
	const size_t n = line->n;
	for (int i = 0; i < 128; i++) buf_char(line, '\0'); /* room that the scanner may read past the limit */
	struct line_cursor c = {.p = (const char *)line->p, .limit = (const char *)line->p + n};
	r = event_next(parser, &c, &e);
	if (strcmp(event_reason_text(r, text), want) != 0)
		fail_msg("%s, expected %s: %.*s", text, want, (int)n, (const char *)line->p);
}

static void test_raw_contract_is_the_parsers(void **state)
{
	(void)state;
	struct err err;
	struct event_parser *parser = NULL;
	struct buf line;
	buf_init(&line, 0);
	CHECK_OK(&err, event_parser_create(&parser, &err));
	for (int t = 0; t < RAW_EVENT_TYPES; t++) {
		const struct raw_event_type *type = &raw_event_types[t];
		build_event(&line, type, NULL, NULL, NULL);
		check_verdict(parser, &line, "valid");
		for (int part = 0; part < 2; part++) {
			const struct raw_member *m = part == 0 ? raw_envelope : type->data;
			for (size_t i = 0; i < (part == 0 ? RAW_ENVELOPE_MEMBERS : type->n_data); i++) {
				char want[64];
				/* every member of data has its column in bronze, of the matching type */
				const int column = schema_column_index(&pqrs_bronze_events, m[i].name);
				if (m[i].kind != RAW_ANY) assert_true(column >= 0);
				if (m[i].kind == RAW_TIMESTAMP)
					CHECK_I64(pqrs_bronze_events.columns[column].type, COL_TIMESTAMP);
				build_event(&line, type, m[i].name, NULL, NULL);
				(void)snprintf(want, sizeof want, m[i].required ? "missing:%s" : "valid", m[i].name);
				check_verdict(parser, &line, want);
				build_event(&line, type, NULL, m[i].name, "null");
				check_verdict(parser, &line, want);
				build_event(&line, type, NULL, m[i].name, "[1]");
				(void)snprintf(
					want, sizeof want, m[i].kind == RAW_ANY ? "valid" : "bad_type:%s", m[i].name);
				check_verdict(parser, &line, want);
				if (m[i].kind == RAW_STRING) {
					build_event(&line, type, NULL, m[i].name, "\"no such value\"");
					(void)snprintf(want, sizeof want, m[i].values != NULL ? "bad_enum:%s" : "valid",
						m[i].name);
				} else if (m[i].kind == RAW_TIMESTAMP) {
					build_event(&line, type, NULL, m[i].name, "\"2025-13-01\"");
					(void)snprintf(want, sizeof want, "bad_timestamp");
				} else if (m[i].kind == RAW_UUID) {
					build_event(&line, type, NULL, m[i].name, "\"00000000\"");
					(void)snprintf(want, sizeof want, "bad_uuid:%s", m[i].name);
				} else if (m[i].kind == RAW_INTEGER) {
					build_event(&line, type, NULL, m[i].name, "-1");
					(void)snprintf(want, sizeof want, m[i].not_negative ? "bad_type:%s" : "valid",
						m[i].name);
				} else
					continue;
				check_verdict(parser, &line, want);
				for (size_t k = 0; m[i].values != NULL && m[i].values != raw_envelope[2].values &&
						   m[i].values[k] != NULL;
					k++) {
					char value[32];
					(void)snprintf(value, sizeof value, "\"%s\"", m[i].values[k]);
					build_event(&line, type, NULL, m[i].name, value);
					check_verdict(parser, &line, "valid");
				}
			}
		}
	}
	event_parser_destroy(parser);
	buf_deinit(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_committed_files),
		cmocka_unit_test(test_write_all),
		cmocka_unit_test(test_json_parses),
		cmocka_unit_test(test_schemas_are_sound),
		cmocka_unit_test(test_views_over_sqlite),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_raw_contract_is_the_parsers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
