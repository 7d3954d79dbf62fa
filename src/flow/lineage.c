/* flow/lineage.c: the edges of the control plane, written in the forms that other tools read. */
#include "flow/lineage.h"

#include <stdio.h>

#include "base/vec.h"
#include "flow/openlineage.h"

enum {
	COLUMN_RUN,
	COLUMN_STAGE,
	COLUMN_INPUT,
	COLUMN_INPUT_VERSION,
	COLUMN_OUTPUT,
	COLUMN_OUTPUT_VERSION,
	COLUMN_WORKLOAD,
	COLUMN_AT,
	N_COLUMNS
};
static const char *const column_names[] = {"run_id", "stage", "input", "input_version", "output", "output_version"};

static const char lineage_sql[] = "SELECT l.run_id, l.stage, l.input, coalesce(l.input_version, ''), l.output, "
				  "coalesce(l.output_version, ''), r.workload, s.committed_at"
				  " FROM meta.lineage l JOIN meta.runs r ON r.run_id = l.run_id"
				  " JOIN meta.stage_commits s ON s.run_id = l.run_id AND s.stage = l.stage"
				  " WHERE $1 IS NULL OR l.run_id = $1"
				  " ORDER BY r.started_at, l.run_id, s.ordinal, l.input, l.output, l.input_version";

bool lineage_format_parse(const char *name, enum lineage_format *out)
{
	static const char *const names[] = {"text", "json", "openlineage", "dot", "cypher"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(name, names[i]) != 0) continue;
		*out = (enum lineage_format)i;
		return true;
	}
	return false;
}

struct edge {
	struct str v[N_COLUMNS];
};
struct edges {
	struct arena arena;
	struct edge *items;
	size_t n, cap;
};

static status edge_visit(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct edges *e = arg;
	ASSERT(n == N_COLUMNS);
	if (!VEC_ROOM_IN(&e->arena, e, 1)) return fail_nomem(err);
	struct edge *to = &e->items[e->n];
	for (size_t i = 0; i < n; i++) {
		const struct str text = values[i].kind == CONTROL_TEXT ? values[i].text : STR("");
		const char *copy = arena_strndup(&e->arena, text.p, text.n);
		if (copy == NULL) return fail_nomem(err);
		to->v[i] = (struct str){copy, text.n};
	}
	e->n++;
	return OK;
}

static void add_str(struct buf *out, struct str s)
{
	buf_add(out, s.p, s.n);
}

/* The version, unless it is the run under whose heading the line stands. */
static void add_dataset(struct buf *out, const struct edge *e, int name)
{
	add_str(out, e->v[name]);
	if (e->v[name + 1].n == 0 || str_eq(e->v[name + 1], e->v[COLUMN_RUN])) return;
	buf_char(out, '@');
	add_str(out, e->v[name + 1]);
}

static void export_text(const struct edges *all, struct buf *out)
{
	struct str run = {0};
	for (size_t i = 0; i < all->n; i++) {
		const struct edge *e = &all->items[i];
		if (!str_eq(run, e->v[COLUMN_RUN])) {
			run = e->v[COLUMN_RUN];
			buf_str(out, "run ");
			add_str(out, run);
			buf_char(out, '\n');
		}
		buf_printf(out, "  %-8.*s ", (int)e->v[COLUMN_STAGE].n, e->v[COLUMN_STAGE].p);
		add_dataset(out, e, COLUMN_INPUT);
		buf_str(out, " -> ");
		add_dataset(out, e, COLUMN_OUTPUT);
		buf_char(out, '\n');
	}
}

static void export_json(const struct edges *all, struct buf *out)
{
	buf_char(out, '[');
	for (size_t i = 0; i < all->n; i++) {
		buf_str(out, i > 0 ? ",{" : "{");
		for (size_t k = 0; k < sizeof column_names / sizeof *column_names; k++) {
			buf_printf(out, "%s\"%s\":", k > 0 ? "," : "", column_names[k]);
			buf_json_str(out, all->items[i].v[k]);
		}
		buf_char(out, '}');
	}
	buf_str(out, "]\n");
}

/* ---- OpenLineage: https://openlineage.io/docs/spec/object-model ----------------------------------------------------- */

/* The datasets of edges [from, to) on one side, each version once. */
static void datasets_json(const struct edges *all, size_t from, size_t to, int name, struct buf *out)
{
	bool first = true, some;
	buf_char(out, '[');
	for (size_t i = from; i < to; i++) {
		const struct edge *e = &all->items[i];
		bool seen = false;
		for (size_t k = from; k < i && !seen; k++)
			seen = str_eq(all->items[k].v[name], e->v[name]) &&
			       str_eq(all->items[k].v[name + 1], e->v[name + 1]);
		if (seen) continue;
		if (!first) buf_char(out, ',');
		first = false;
		openlineage_dataset(OPENLINEAGE_NAMESPACE, e->v[name], e->v[name + 1], &some, out);
		buf_str(out, "}}");
	}
	buf_char(out, ']');
}

static void event_json(const struct edges *all, size_t from, size_t to, struct buf *out)
{
	const struct edge *e = &all->items[from];
	const struct openlineage_head head = {"COMPLETE", e->v[COLUMN_AT], OPENLINEAGE_NAMESPACE, e->v[COLUMN_WORKLOAD],
		e->v[COLUMN_STAGE], e->v[COLUMN_RUN]};
	openlineage_begin(&head, NULL, STR(""), out);
	buf_str(out, ",\"inputs\":");
	datasets_json(all, from, to, COLUMN_INPUT, out);
	buf_str(out, ",\"outputs\":");
	datasets_json(all, from, to, COLUMN_OUTPUT, out);
	openlineage_end(out);
	buf_char(out, '\n');
}

static void export_openlineage(const struct edges *all, struct buf *out)
{
	for (size_t from = 0, to; from < all->n; from = to) {
		for (to = from + 1; to < all->n; to++) {
			if (!str_eq(all->items[to].v[COLUMN_STAGE], all->items[from].v[COLUMN_STAGE]) ||
				!str_eq(all->items[to].v[COLUMN_RUN], all->items[from].v[COLUMN_RUN]))
				break;
		}
		event_json(all, from, to, out);
	}
}

/* ---- graphs -------------------------------------------------------------------------------------------------------- */

static void add_quoted(struct buf *out, struct str s, char quote)
{
	buf_char(out, quote);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == quote || s.p[i] == '\\') buf_char(out, '\\');
		buf_char(out, s.p[i]);
	}
	buf_char(out, quote);
}

/* Made of several versions of one input: edges that stand side by side. */
static bool same_but_version(const struct edge *a, const struct edge *b)
{
	static const int names[] = {COLUMN_RUN, COLUMN_STAGE, COLUMN_INPUT, COLUMN_OUTPUT};
	bool same = true;
	for (size_t i = 0; i < sizeof names / sizeof *names && same; i++) same = str_eq(a->v[names[i]], b->v[names[i]]);
	return same;
}

static void export_dot(const struct edges *all, struct buf *out)
{
	buf_str(out, "digraph lineage {\n\trankdir=LR;\n\tnode [shape=box];\n");
	for (size_t i = 0; i < all->n; i++) {
		const struct edge *e = &all->items[i];
		if (i > 0 && same_but_version(e, e - 1)) continue;
		buf_char(out, '\t');
		add_quoted(out, e->v[COLUMN_INPUT], '"');
		buf_str(out, " -> ");
		add_quoted(out, e->v[COLUMN_OUTPUT], '"');
		buf_str(out, " [label=");
		add_quoted(out, e->v[COLUMN_STAGE], '"');
		buf_str(out, "];\n");
	}
	buf_str(out, "}\n");
}

static void export_cypher(const struct edges *all, struct buf *out)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct edge *e = &all->items[i];
		buf_str(out, "MERGE (a:Dataset {name: ");
		add_quoted(out, e->v[COLUMN_INPUT], '\'');
		buf_str(out, "}) MERGE (b:Dataset {name: ");
		add_quoted(out, e->v[COLUMN_OUTPUT], '\'');
		buf_str(out, "}) MERGE (a)-[:FEEDS {run_id: ");
		add_quoted(out, e->v[COLUMN_RUN], '\'');
		buf_str(out, ", stage: ");
		add_quoted(out, e->v[COLUMN_STAGE], '\'');
		buf_str(out, ", input_version: ");
		add_quoted(out, e->v[COLUMN_INPUT_VERSION], '\'');
		buf_str(out, ", output_version: ");
		add_quoted(out, e->v[COLUMN_OUTPUT_VERSION], '\'');
		buf_str(out, "}]->(b);\n");
	}
}

static void export_all(const struct edges *all, enum lineage_format format, struct buf *out)
{
	switch (format) {
	case LINEAGE_TEXT: export_text(all, out); break;
	case LINEAGE_JSON: export_json(all, out); break;
	case LINEAGE_OPENLINEAGE: export_openlineage(all, out); break;
	case LINEAGE_DOT: export_dot(all, out); break;
	case LINEAGE_CYPHER: export_cypher(all, out); break;
	}
}

static status edges_read(struct control *c, const char *run_id, struct edges *all, struct err *err)
{
	const struct control_select q = {lineage_sql, &run_id, 1};
	TRY(control_query(c, &q, edge_visit, all, err));
	if (all->n > 0) return OK;
	return run_id != NULL
		       ? fail(err, E_NOT_FOUND, "no lineage of run %s: no such run, or nothing committed yet", run_id)
		       : fail(err, E_NOT_FOUND, "no lineage recorded yet");
}

status lineage_export(
	struct control *c, const char *run_id, enum lineage_format format, struct buf *out, struct err *err)
{
	struct edges all = {0};
	arena_init(&all.arena, 0);
	const status code = edges_read(c, run_id, &all, err);
	if (code == OK) export_all(&all, format, out);
	arena_deinit(&all.arena);
	TRY(code);
	return buf_check(out, err);
}
