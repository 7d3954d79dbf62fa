/* A request: its first line is the target, the others are headers. Any of them is refused in words, or becomes one SELECT of each database,
 * of names that are the table's, which SQLite takes as it is, for all rows and for one tenant's. */
#include "fuzz.h"

#include <sqlite3.h>

#include "base/arena.h"
#include "server/audit.h"
#include "server/rows_writer.h"
#include "server/table_query.h"
#include "server/table_sql.h"

enum { HEADERS_MAX = 16 };
static const struct column_def columns[] = {
	{.name = "day", .type = COL_DATE, .key = true},
	{.name = "channel", .type = COL_STRING, .key = true},
	{.name = "tenant_id", .type = COL_STRING, .nullable = true},
	{.name = "n", .type = COL_INT64},
	{.name = "share", .type = COL_DECIMAL, .precision = 18, .scale = 6, .nullable = true},
	{.name = "score", .type = COL_DOUBLE},
	{.name = "open", .type = COL_BOOL},
	{.name = "closed_at", .type = COL_TIMESTAMP, .nullable = true},
};
static const char made[] = "ATTACH ':memory:' AS gold; CREATE TABLE gold.daily(\"day\" TEXT, \"channel\" TEXT, "
			   "\"tenant_id\" TEXT, \"n\" INTEGER, "
			   "\"share\" REAL, \"score\" REAL, \"open\" INTEGER, \"closed_at\" TEXT)";
static const struct relation relation = {.schema = "gold",
	.name = "daily",
	.columns = columns,
	.n_columns = sizeof columns / sizeof *columns,
	.tenant_sql = "\"tenant_id\" = ",
	.tenant_lake_sql = "\"tenant_id\" = ",
	.tenant_sql_end = ""};

static sqlite3 *database(void)
{
	static sqlite3 *db;
	if (db != NULL) return db;
	ASSERT(sqlite3_open(":memory:", &db) == SQLITE_OK);
	ASSERT(sqlite3_exec(db, made, NULL, NULL, NULL) == SQLITE_OK);
	return db;
}

/* No text of the request but its aliases: what can end a statement, begin a comment or a text is not there. */
static void check_text(const struct table_sql *sql)
{
	size_t quotes = 0;
	ASSERT(sql->text.n > 0 && sql->text.p[sql->text.n - 1] == '\0' && sql->n_params <= TABLE_SQL_PARAMS_MAX);
	for (size_t i = 0; i + 1 < sql->text.n; i++) {
		const char c = (char)sql->text.p[i];
		quotes += c == '"';
		ASSERT(c >= ' ' && c < 0x7f && strchr(";-/#`[]", c) == NULL);
	}
	ASSERT(quotes % 2 == 0);
	for (size_t i = 0; i < sql->n_params; i++) ASSERT(sql->params[i] != NULL);
}

static void check_sqlite(const struct table_sql *sql)
{
	sqlite3_stmt *stmt = NULL;
	const char *tail = NULL;
	const int rc = sqlite3_prepare_v2(database(), (const char *)sql->text.p, -1, &stmt, &tail);
	ASSERT(rc == SQLITE_OK && *tail == '\0' && sqlite3_stmt_readonly(stmt) != 0);
	ASSERT((size_t)sqlite3_bind_parameter_count(stmt) == sql->n_params);
	(void)sqlite3_finalize(stmt);
}

static void check_sql(const struct table_query *q, struct arena *arena)
{
	for (enum table_dialect d = TABLE_SQLITE; d <= TABLE_DUCKDB; d++) {
		struct table_sql sql;
		struct err err;
		table_sql_init(&sql);
		ASSERT(table_sql_rows(q, "gold.daily", d, arena, &sql, &err) == OK);
		check_text(&sql);
		if (d == TABLE_SQLITE) check_sqlite(&sql);
		ASSERT(table_sql_count(q, "gold.daily", d, arena, &sql, &err) == OK);
		check_text(&sql);
		if (d == TABLE_SQLITE) check_sqlite(&sql);
		table_sql_deinit(&sql);
	}
}

static struct str next_line(struct str *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	const struct str line = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
	*rest = end != NULL ? (struct str){end + 1, rest->n - line.n - 1} : (struct str){"", 0};
	return line;
}

static size_t read_headers(struct str rest, struct request_header headers[HEADERS_MAX])
{
	size_t n = 0;
	while (rest.n > 0 && n < HEADERS_MAX) {
		const struct str line = next_line(&rest);
		const char *colon = memchr(line.p, ':', line.n);
		if (colon == NULL) continue;
		const size_t at = (size_t)(colon - line.p);
		headers[n++] = (struct request_header){{line.p, at}, {colon + 1, line.n - at - 1}};
	}
	return n;
}

static void check_request(struct request *r, struct arena *arena)
{
	enum rows_format format;
	struct err err = {0};
	char target[AUDIT_TARGET_MAX];
	struct table_query *q = ARENA_NEW(arena, struct table_query, 1);
	ASSERT(q != NULL);
	(void)audit_target(r->target, target);
	ASSERT(strlen(target) < AUDIT_TARGET_MAX && strstr(target, "eyJ") == NULL);
	const status formatted = rows_format_of(r, &format, &err);
	ASSERT(formatted == OK || err.message[0] != '\0');
	err_clear(&err);
	const status code = table_query_parse(r, &relation, 1000, q, &err);
	ASSERT(code == OK || ((code == E_USAGE || code == E_LIMIT) && err.message[0] != '\0'));
	if (code != OK) return;
	ASSERT(q->limit >= 0 && q->limit <= 1000 && q->offset >= 0);
	q->tenant = NULL;
	check_sql(q, arena);
	q->tenant = "t1";
	check_sql(q, arena);
	q->tenant = "";
	check_sql(q, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct request_header headers[HEADERS_MAX];
	struct str rest = {(const char *)data, size};
	arena_init(&arena, 0);
	struct request r = {.arena = &arena, .method = REQUEST_GET, .headers = headers};
	const struct str target = next_line(&rest);
	if (target.n <= REQUEST_TARGET_MAX) {
		r.n_headers = read_headers(rest, headers);
		request_target_set(&r, target);
		check_request(&r, &arena);
	}
	arena_deinit(&arena);
	return 0;
}
