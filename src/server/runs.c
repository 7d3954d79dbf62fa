/* server/runs.c: runs from the control plane, and what they kept out from the lake. */
#include "server/runs.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/refused.h"
#include "app/rows_text.h"
#include "app/run_sql.h"
#include "base/hash.h"
#include "base/vec.h"
#include "flow/counter.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "server/server_int.h"

enum { RUNS_LIMIT = 100, RUNS_LIMIT_MAX = 10000, REJECTS_LIMIT = 100, REJECTS_LIMIT_MAX = 10000 };

struct pooled {
	struct server *server;
	const struct control_select *q;
};

static status pooled_rows(void *arg, control_row_visit visit, void *visit_arg, struct err *err)
{
	const struct pooled *p = arg;
	return server_query(p->server, &server_self, p->q, visit, visit_arg, err);
}

/* Append the rows as a JSON array of objects. */
static status add_rows(
	struct server *s, const char *sql, const char *const *params, size_t n, struct buf *out, struct err *err)
{
	const struct control_select q = {sql, params, n};
	struct pooled p = {s, &q};
	TRY(rows_json_of(pooled_rows, &p, out, err));
	return buf_check(out, err);
}

/* The run that the path names: its id, the beginning of it, or latest. */
static status find_run(struct server *s, const struct request *r, char dst[UUID_CHARS + 1], struct err *err)
{
	return session_run_find(s->session, r->captures[0].p, "run", dst, err);
}

static status limit_of(const struct request *r, int64_t fallback, int64_t max, int64_t *out, struct err *err)
{
	struct str text;
	char *end = NULL;
	*out = fallback;
	TRY(request_param_get(r, "limit", &text, err));
	if (text.p == NULL) return OK;
	const long long n = strtoll(text.p, &end, 10);
	if (text.n == 0 || text.n > 9 || *end != '\0' || n < 0 || n > max)
		return fail(err, E_USAGE, "limit: expected a number up to %lld, found '%.40s'", (long long)max, text.p);
	*out = n;
	return OK;
}

status runs_list(struct server *s, struct request *r, struct response *out, struct err *err)
{
	struct str workload;
	char sql[2048];
	int64_t limit;
	TRY(limit_of(r, RUNS_LIMIT, RUNS_LIMIT_MAX, &limit, err));
	TRY(request_param_get(r, "workload", &workload, err));
	const char *name = workload.p != NULL ? workload.p : "";
	const int n = snprintf(sql, sizeof sql, "SELECT *" RUN_SQL_LATEST_FIRST " LIMIT %lld", (long long)limit);
	ASSERT(n > 0 && (size_t)n < sizeof sql);
	out->type = "application/json";
	return add_rows(s, sql, &name, 1, &out->body, err);
}

status runs_show(struct server *s, struct request *r, struct response *out, struct err *err)
{
	static const struct {
		const char *name, *sql;
	} parts[] = {
		{"rows", "SELECT layer, rows FROM meta.run_rows WHERE run_id = $1 ORDER BY layer"},
		{"stages", "SELECT stage, ordinal, n_tasks AS tasks, us, rows_in, rows_out, bytes_in, bytes_out, "
			   "committed_at "
			   "FROM meta.stage_commits WHERE run_id = $1 ORDER BY ordinal"},
		{"tasks", "SELECT stage, task_id, attempt, status, worker, started_at, finished_at, rows_in, rows_out, "
			  "bytes_in, bytes_out, error FROM meta.tasks WHERE run_id = $1 ORDER BY started_at, stage, "
			  "task_id, "
			  "attempt"},
	};
	char run_id[UUID_CHARS + 1];
	const char *id = run_id;
	struct buf *b = &out->body;
	TRY(find_run(s, r, run_id, err));
	TRY(add_rows(s, "SELECT * FROM meta.runs WHERE run_id = $1", &id, 1, b, err));
	if (b->n <= 2) return fail(err, E_NOT_FOUND, "there is no run %s", run_id);
	b->p[0] = ' '; /* [{...}] -> {... */
	b->n -= 2;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		buf_printf(b, ",\"%s\":", parts[i].name);
		TRY(add_rows(s, parts[i].sql, &id, 1, b, err));
	}
	buf_str(b, "}\n");
	out->type = "application/json";
	return buf_check(b, err);
}

static status rows_of_run(struct server *s, struct request *r, const char *sql, struct response *out, struct err *err)
{
	char run_id[UUID_CHARS + 1];
	const char *id = run_id;
	TRY(find_run(s, r, run_id, err));
	out->type = "application/json";
	return add_rows(s, sql, &id, 1, &out->body, err);
}

status runs_quality(struct server *s, struct request *r, struct response *out, struct err *err)
{
	return rows_of_run(s, r, RUN_SQL_QUALITY, out, err);
}

status runs_lineage(struct server *s, struct request *r, struct response *out, struct err *err)
{
	return rows_of_run(s, r,
		"SELECT stage, input, input_version, output, output_version FROM meta.lineage WHERE run_id = $1 ORDER "
		"BY " RUN_SQL_IN_ORDER("stage") ", input, output",
		out, err);
}

/* ---- rejects ---- */

struct rejects {
	struct buf rows, text;
	struct counter_list counts; /* by reason */
	int64_t n, limit;
};

/* The line as a text: bytes that are none become U+FFFD. */
static status add_text(struct rejects *k, const struct refused_row *row, struct err *err)
{
	size_t n = 0;
	if (row->raw.p == NULL) {
		buf_str(&k->rows, "null");
		return OK;
	}
	if (!row->base64) {
		buf_char(&k->rows, '"');
		buf_add(&k->rows, row->raw.p, row->raw.n); /* escaped already */
		buf_char(&k->rows, '"');
		return OK;
	}
	struct buf bytes;
	buf_init(&bytes, 0);
	uint8_t *dst = buf_reserve(&bytes, row->raw.n + 1);
	if (dst != NULL && base64_decode(row->raw, dst, &n)) {
		buf_reset(&k->text);
		utf8_text_mend(&k->text, (struct str){(const char *)dst, n});
		buf_json_str(&k->rows, (struct str){(const char *)k->text.p, k->text.n});
	} else {
		buf_str(&k->rows, "null");
	}
	const status code = buf_check(&bytes, err);
	buf_deinit(&bytes);
	return code;
}

static status on_refused(void *arg, const struct refused_row *row, struct err *err)
{
	struct rejects *k = arg;
	char reason[128];
	(void)snprintf(reason, sizeof reason, "%.*s", (int)row->reason.n, row->reason.p);
	if (!counter_add(&k->counts, reason, 1)) return fail_nomem(err);
	if (k->n++ >= k->limit) return OK;
	buf_printf(&k->rows, "%s{\"kind\":\"%s\",\"reason\":", k->n > 1 ? "," : "", row->kind);
	buf_json_str(&k->rows, row->reason);
	buf_str(&k->rows, ",\"object\":");
	buf_json_str(&k->rows, row->object);
	buf_printf(&k->rows, ",\"line\":%lld,\"offset\":", (long long)row->line);
	if (row->offset >= 0)
		buf_i64(&k->rows, row->offset);
	else
		buf_str(&k->rows, "null");
	buf_str(&k->rows, ",\"text\":");
	TRY(add_text(k, row, err));
	buf_printf(&k->rows, ",\"cut\":%s}", row->cut ? "true" : "false");
	return buf_check(&k->rows, err);
}

static void write_rejects(const struct rejects *k, struct buf *out)
{
	buf_str(out, "{\"counts\":[");
	for (size_t i = 0; i < k->counts.n; i++) {
		buf_str(out, i > 0 ? ",{\"reason\":" : "{\"reason\":");
		buf_json_str(out, str_of(k->counts.items[i].name));
		buf_printf(out, ",\"n\":%lld}", (long long)k->counts.items[i].value);
	}
	buf_str(out, "],\"rows\":[");
	buf_add(out, k->rows.p, k->rows.n);
	buf_str(out, "]}\n");
}

status runs_rejects(struct server *s, struct request *r, struct response *out, struct err *err)
{
	char run_id[UUID_CHARS + 1];
	struct rejects k = {.counts = {.arena = r->arena}};
	TRY(limit_of(r, REJECTS_LIMIT, REJECTS_LIMIT_MAX, &k.limit, err));
	TRY(find_run(s, r, run_id, err));
	buf_init(&k.rows, 0);
	buf_init(&k.text, 0);
	out->type = "application/json";
	const status code = refused_read(s->session->lake, run_id, on_refused, &k, err);
	if (code == OK) write_rejects(&k, &out->body);
	buf_deinit(&k.rows);
	buf_deinit(&k.text);
	return code;
}
