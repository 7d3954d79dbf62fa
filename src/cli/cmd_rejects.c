/* cli/cmd_rejects.c: pqr rejects: the lines that a run kept out, each with its place, its reason and its text.
 *
 *   refused_read -> reason asked for? -> table: rows of one object at a time, raw text as far as the terminal is wide
 *                                        CSV, JSON: a row a line, raw text whole
 */
#include <stdio.h>
#include <unistd.h>

#include "app/refused.h"
#include "base/hash.h"
#include "base/thread.h"
#include "base/vec.h"
#include "cli/cmd_table.h"
#include "cli/report.h"
#include "cli/table.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"

enum rejects_format { REJECTS_TABLE, REJECTS_CSV, REJECTS_JSON };
#define CSV_HEADER "kind,reason,object,line,offset,raw,raw_base64,cut\r\n"
enum { TERMINAL_ROWS = 40, FLUSH_BYTES = 1 << 20, TEXT_BYTES = 1024 };

/* A row as the table shows it. */
struct shown {
	int64_t line, offset;
	const char *reason;
	struct str text; /* p NULL: not to be had */
};

struct rejects_cmd {
	const char *reason; /* NULL: all */
	enum rejects_format format;
	int64_t limit, rows;       /* 0 = all; those that were asked for */
	struct counter_list found; /* "rejects:not_json", of all reasons */
	struct buf out, text;
	struct arena arena; /* of the object at hand */
	char object[PATH_KEY_MAX + 16];
	struct {
		struct shown *items;
		size_t n, cap;
	} group;
};

/* not_json, or bad_type for all of bad_type:ts, bad_type:text, ... */
static bool reason_asked(const struct rejects_cmd *k, struct str reason)
{
	const size_t n = k->reason != NULL ? strlen(k->reason) : 0;
	if (k->reason == NULL) return true;
	return reason.n >= n && memcmp(reason.p, k->reason, n) == 0 && (reason.n == n || reason.p[n] == ':');
}

/* The bytes of the line, in k->text. */
static status raw_bytes(struct rejects_cmd *k, const struct refused_row *row, struct err *err)
{
	size_t n = 0;
	buf_reset(&k->text);
	uint8_t *dst = buf_reserve(&k->text, row->raw.n + 1);
	if (dst == NULL) return buf_check(&k->text, err);
	if (!row->base64)
		n = json_unescape(row->raw, (char *)dst);
	else if (!base64_decode(row->raw, dst, &n))
		return fail(err, E_CORRUPT, "rejects of %.*s: line %lld is not base64", (int)row->object.n,
			row->object.p, (long long)row->line);
	buf_commit(&k->text, n);
	return OK;
}

/* ---- table ------------------------------------------------------------------------------------------------------------ */

static status group_rows(void *arg, control_row_visit visit, void *visit_arg, struct err *err)
{
	const struct rejects_cmd *k = arg;
	for (size_t i = 0; i < k->group.n; i++) {
		const struct shown *s = &k->group.items[i];
		const struct control_value values[] = {
			{.name = "line", .kind = CONTROL_INT, .i = s->line},
			{.name = "offset", .kind = s->offset >= 0 ? CONTROL_INT : CONTROL_NULL, .i = s->offset},
			{.name = "reason", .kind = CONTROL_TEXT, .text = str_of(s->reason)},
			{.name = "text", .kind = s->text.p != NULL ? CONTROL_TEXT : CONTROL_NULL, .text = s->text},
		};
		TRY(visit(visit_arg, values, sizeof values / sizeof *values, err));
	}
	return OK;
}

static status flush(struct rejects_cmd *k, struct err *err)
{
	TRY(k->format == REJECTS_TABLE ? cli_print_text(&k->out, err) : cli_print(&k->out, err));
	buf_reset(&k->out);
	return OK;
}

static status group_end(struct rejects_cmd *k, struct err *err)
{
	if (k->group.n == 0) return OK;
	buf_printf(&k->out, "%s\n", k->object);
	TRY(cli_table_of(group_rows, k, "  ", &k->out, NULL, err));
	buf_char(&k->out, '\n');
	arena_reset(&k->arena);
	k->group.items = NULL;
	k->group.n = k->group.cap = 0;
	return flush(k, err);
}

static status table_row(struct rejects_cmd *k, const struct refused_row *row, struct err *err)
{
	char object[sizeof k->object];
	(void)snprintf(object, sizeof object, "%.*s: %s", (int)row->object.n, row->object.p, row->kind);
	if (strcmp(object, k->object) != 0) {
		TRY(group_end(k, err));
		memcpy(k->object, object, sizeof object);
	}
	struct shown s = {.line = row->line, .offset = row->offset};
	s.reason = arena_strndup(&k->arena, row->reason.p, row->reason.n);
	if (row->raw.p != NULL) {
		TRY(raw_bytes(k, row, err));
		const size_t n = k->text.n < TEXT_BYTES ? k->text.n : TEXT_BYTES;
		s.text = (struct str){arena_strndup(&k->arena, (const char *)k->text.p, n), n};
		if (s.text.p == NULL) return fail_nomem(err);
	}
	if (s.reason == NULL || !VEC_ROOM_IN(&k->arena, &k->group, 1)) return fail_nomem(err);
	k->group.items[k->group.n++] = s;
	return OK;
}

/* ---- CSV and JSON ----------------------------------------------------------------------------------------------------- */

static status csv_row(struct rejects_cmd *k, const struct refused_row *row, struct err *err)
{
	if (k->rows == 1) buf_str(&k->out, CSV_HEADER);
	buf_printf(&k->out, "%s,", row->kind);
	rows_csv_text(&k->out, row->reason);
	buf_char(&k->out, ',');
	rows_csv_text(&k->out, row->object);
	buf_printf(&k->out, ",%lld,", (long long)row->line);
	if (row->offset >= 0) buf_i64(&k->out, row->offset);
	buf_char(&k->out, ',');
	if (row->raw.p != NULL && !row->base64) {
		TRY(raw_bytes(k, row, err));
		rows_csv_text(&k->out, (struct str){(const char *)k->text.p, k->text.n});
	}
	buf_char(&k->out, ',');
	if (row->base64) buf_add(&k->out, row->raw.p, row->raw.n);
	buf_printf(&k->out, ",%s\r\n", row->cut ? "true" : "false");
	return OK;
}

static void json_raw(struct buf *out, const char *name, struct str raw, bool has)
{
	buf_printf(out, ",\"%s\":%s", name, has ? "\"" : "null");
	if (!has) return;
	buf_add(out, raw.p, raw.n);
	buf_char(out, '"');
}

static void json_row(struct rejects_cmd *k, const struct refused_row *row)
{
	buf_printf(&k->out, "%s{\"kind\":\"%s\",\"reason\":", k->rows == 1 ? "[\n" : ",\n", row->kind);
	buf_json_str(&k->out, row->reason);
	buf_str(&k->out, ",\"object\":");
	buf_json_str(&k->out, row->object);
	buf_printf(&k->out, ",\"line\":%lld,\"offset\":", (long long)row->line);
	if (row->offset >= 0)
		buf_i64(&k->out, row->offset);
	else
		buf_str(&k->out, "null");
	json_raw(&k->out, "raw", row->raw, row->raw.p != NULL && !row->base64);
	json_raw(&k->out, "raw_base64", row->raw, row->base64);
	buf_printf(&k->out, ",\"cut\":%s}", row->cut ? "true" : "false");
}

/* ---- the command ------------------------------------------------------------------------------------------------------ */

static status row_show(void *arg, const struct refused_row *row, struct err *err)
{
	struct rejects_cmd *k = arg;
	char name[128];
	TRY(cancel_check(err));
	(void)snprintf(name, sizeof name, "%s:%.*s", row->kind, (int)row->reason.n, row->reason.p);
	if (!counter_add(&k->found, name, 1)) return fail_nomem(err);
	if (!reason_asked(k, row->reason)) return OK;
	k->rows++;
	if (k->limit > 0 && k->rows > k->limit) return OK; /* counted all the same */
	if (k->format == REJECTS_TABLE) return table_row(k, row, err);
	if (k->format == REJECTS_CSV) TRY(csv_row(k, row, err));
	if (k->format == REJECTS_JSON) json_row(k, row);
	return k->out.n >= FLUSH_BYTES ? flush(k, err) : OK;
}

static status table_end(struct rejects_cmd *k, const char *run_id, struct err *err)
{
	char n[2][32];
	TRY(group_end(k, err));
	if (k->limit > 0 && k->rows > k->limit)
		buf_printf(&k->out, "... the first %s of %s; --limit 0 shows all\n", cli_count(k->limit, n[0]),
			cli_count(k->rows, n[1]));
	if (k->found.n == 0)
		buf_printf(&k->out, "run %s rejected no line and put no event into quarantine\n", run_id);
	else if (k->rows == 0)
		buf_printf(&k->out, "nothing for the reason %s, but for others\n", k->reason);
	report_reasons(&k->found, "rejects", NULL, &k->out);
	report_reasons(&k->found, "quarantine", NULL, &k->out);
	return flush(k, err);
}

static status format_of(const struct cli *c, enum rejects_format *out, struct err *err)
{
	static const char *const names[] = {"table", "csv", "json"};
	const char *text = cli_get(c, "--format");
	*out = c->json ? REJECTS_JSON : REJECTS_TABLE;
	if (text == NULL) return OK;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(text, names[i]) != 0) continue;
		*out = (enum rejects_format)i;
		return OK;
	}
	return fail(err, E_USAGE, "--format: expected table, csv or json, found '%s'", text);
}

static status rejects_show(struct session *s, struct cli *c, void *arg, struct err *err)
{
	struct rejects_cmd *k = arg;
	char run_id[37];
	k->found.arena = &s->arena;
	TRY(cli_run_id(s, c, run_id, err));
	TRY(refused_read(s->lake, run_id, row_show, k, err));
	if (k->format == REJECTS_TABLE) return table_end(k, run_id, err);
	if (k->format == REJECTS_JSON) buf_str(&k->out, k->rows == 0 ? "[]\n" : "\n]\n");
	if (k->format == REJECTS_CSV && k->rows == 0) buf_str(&k->out, CSV_HEADER);
	return flush(k, err);
}

static status rejects_run(struct cli *c, struct err *err)
{
	struct rejects_cmd k = {.reason = cli_get(c, "--reason")};
	TRY(format_of(c, &k.format, err));
	TRY(table_limit(c, k.format == REJECTS_TABLE && isatty(STDOUT_FILENO) ? TERMINAL_ROWS : 0, &k.limit, err));
	buf_init(&k.out, 0);
	buf_init(&k.text, 0);
	arena_init(&k.arena, 0);
	const status code = cli_with_session(
		c, SESSION_LAKE | SESSION_TABLES | SESSION_EXISTING | cli_run_needs(c), rejects_show, &k, err);
	arena_deinit(&k.arena);
	buf_deinit(&k.text);
	buf_deinit(&k.out);
	return code;
}

static const struct cli_option rejects_options[] = {{"--run-id", "ID", CLI_RUN_HELP},
	{"--reason", "NAME", "rows of this reason alone: not_json, missing, missing:ts, orphan, ..."},
	{"--limit", "N", "at most so many rows; 0 = all (a terminal is shown 40)"},
	{"--format", "NAME", "table (default), csv or json"}};
const struct cli_command cli_rejects_command = {.name = "rejects",
	.synopsis = "",
	.summary = "lines and events that a run kept out: place, reason, text",
	.details = "Rejects are raw lines that break the contract of events; quarantine holds events that do not fit\n"
		   "their ticket. object is the raw object in the lake, line and offset (in bytes) the place in it.\n\n"
		   "  pqr rejects\n"
		   "  pqr rejects --reason missing --format csv > to-mend.csv",
	.options = rejects_options,
	.n_options = sizeof rejects_options / sizeof *rejects_options,
	.args_max = 0,
	.run = rejects_run};
