/* server/lake_rows.c: a query over the lake, its rows as those of a database. */
#include "server/lake_rows.h"

#include "app/lake_picture.h"
#include "base/limits.h"
#include "base/time.h"
#include "query/query.h"
#include "server/server_int.h"

enum { TIMEOUT_MS = 30000 };

struct rows {
	control_row_visit visit;
	void *arg;
};

/* "2025-09-01 12:00:00.5+00", as DuckDB writes an instant, in the form of all others here. */
static void read_instant(struct str s, char room[TIME_RFC3339_CHARS], struct str *out)
{
	char text[40];
	int64_t us;
	if (s.n < 13 || s.n >= sizeof text - 4 || memcmp(s.p + s.n - 3, "+00", 3) != 0) return;
	memcpy(text, s.p, s.n - 3);
	text[10] = 'T';
	text[s.n - 3] = 'Z';
	if (!time_parse((struct str){text, s.n - 2}, &us)) return;
	time_format(us, room);
	*out = (struct str){room, TIME_RFC3339_CHARS};
}

static status on_row(void *arg, const struct query_cell *cells, size_t n, struct err *err)
{
	const struct rows *r = arg;
	struct control_value values[TABLE_COLUMNS_MAX];
	char rooms[TABLE_COLUMNS_MAX][TIME_RFC3339_CHARS];
	if (n > TABLE_COLUMNS_MAX) return fail(err, E_LIMIT, "query of %zu columns, at most %d", n, TABLE_COLUMNS_MAX);
	for (size_t i = 0; i < n; i++) {
		values[i] = (struct control_value){.name = cells[i].name,
			.kind = cells[i].text.p != NULL ? CONTROL_TEXT : CONTROL_NULL,
			.text = cells[i].text};
		if (values[i].kind == CONTROL_TEXT && strcmp(cells[i].type, "TIMESTAMP WITH TIME ZONE") == 0)
			read_instant(cells[i].text, rooms[i], &values[i].text);
	}
	return r->visit(r->arg, values, n, err);
}

static status run(
	struct server *s, const struct lake_select *q, struct rows *rows, struct arena *arena, struct err *err)
{
	struct query *query = NULL;
	struct query_picture picture;
	const struct query_select select = {.sql = str_of(q->sql),
		.params = q->params,
		.n_params = q->n_params,
		.visit = on_row,
		.arg = rows,
		.timeout_ms = TIMEOUT_MS};
	struct query_opts o = {
		.lake = s->session->lake, .version = -1, .at_ms = INT64_MIN, .threads = 2, .stuck = server_leave};
	TRY(lake_picture(o.lake, q->run_id[0] != '\0' ? q->run_id : NULL, arena, &picture, err));
	if (picture.n > 0) o.picture = &picture;
	const status opened = query_open(&o, &query, err);
	if (opened == E_NOT_FOUND || opened == E_UNSUPPORTED) {
		struct err why = {0};
		if (err != NULL) why = *err;
		return fail(err, E_UNSUPPORTED,
			"the database does not hold this table, and the lake's needs DuckDB: %s; or publish it "
			"(publish.core: "
			"true)",
			why.message);
	}
	TRY(opened);
	const status code = query_each(query, &select, err);
	query_close(query);
	return code;
}

status lake_rows(struct server *s, const struct lake_select *q, control_row_visit visit, void *arg, struct err *err)
{
	struct arena arena;
	struct rows rows = {visit, arg};
	arena_init(&arena, 0);
	const status code = run(s, q, &rows, &arena, err);
	arena_deinit(&arena);
	return code;
}
