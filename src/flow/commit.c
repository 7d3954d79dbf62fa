/* flow/commit.c: the form of a stage's commit, reading one back, and finding a run's.
 *
 * 1. commit_json writes one text for one commit; a text that is not what commit_json makes of it was changed, and is refused.
 * 2. Nothing here writes to the lake: that is flow/stage_commit.c's.
 */
#include "flow/commit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/seal.h"
#include "base/vec.h"
#include "flow/task_json.h"

void run_key(char dst[RUN_KEY_MAX], int32_t date, const char *run_id, const char *name)
{
	char day[DATE_CHARS + 1] = "";
	date_format(date, day);
	const int n = snprintf(dst, RUN_KEY_MAX, "manifests/day=%.10s/run_id=%s/%s", day, run_id, name);
	ASSERT(n > 0 && n < RUN_KEY_MAX);
}

void commit_key(char dst[RUN_KEY_MAX], int32_t date, const char *run_id, const char *stage)
{
	char name[64];
	const int n = snprintf(name, sizeof name, "stages/%s.json", stage);
	ASSERT(n > 0 && (size_t)n < sizeof name);
	run_key(dst, date, run_id, name);
}

void commit_init(struct commit *c, struct arena *arena)
{
	*c = (struct commit){
		.files.arena = arena, .counters.arena = arena, .edges.arena = arena, .removed.arena = arena};
	event_stats_init(&c->events, arena);
}

/* ---- edges ----------------------------------------------------------------------------------------------------------- */

bool commit_edges_has(const struct commit_edges *l, const char *input, const char *output)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->items[i].input, input) == 0 && strcmp(l->items[i].output, output) == 0) return true;
	}
	return false;
}

bool commit_edges_add(struct commit_edges *l, const char *input, const char *output)
{
	if (commit_edges_has(l, input, output)) return true;
	if (!VEC_ROOM_IN(l->arena, l, 1)) return false;
	const char *in = arena_strndup(l->arena, input, strlen(input)),
		   *out = arena_strndup(l->arena, output, strlen(output));
	if (in == NULL || out == NULL) return false;
	l->items[l->n++] = (struct commit_edge){in, out};
	return true;
}

static int by_tables(const void *a, const void *b)
{
	const struct commit_edge *x = a, *y = b;
	const int order = strcmp(x->input, y->input);
	return order != 0 ? order : strcmp(x->output, y->output);
}

void commit_edges_sort(struct commit_edges *l)
{
	if (l->n > 1) qsort(l->items, l->n, sizeof *l->items, by_tables);
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static void edges_json(struct buf *out, const struct commit_edges *l)
{
	buf_char(out, '[');
	for (size_t i = 0; i < l->n; i++) {
		buf_str(out, i > 0 ? ",{\"input\":" : "{\"input\":");
		buf_json_str(out, str_of(l->items[i].input));
		buf_str(out, ",\"output\":");
		buf_json_str(out, str_of(l->items[i].output));
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void history_json(struct buf *out, const struct commit *c)
{
	buf_printf(out, ",\"history\":{\"claim\":%lld,\"runs\":[", (long long)c->claim);
	for (size_t i = 0; i < c->n_history; i++) {
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, str_of(c->history[i]));
	}
	buf_str(out, "]}");
}

/* FORMER: of runs before there were params. */
enum commit_form { COMMIT_NOW, COMMIT_FORMER, COMMIT_FORMER_UNSEALED };

static void commit_write(struct buf *out, const struct commit *c, enum commit_form form)
{
	const bool sealed = form != COMMIT_FORMER_UNSEALED;
	const size_t from = out->n;
	buf_str(out, "{\"counters\":");
	counter_list_json(out, &c->counters);
	buf_str(out, ",\"edges\":");
	edges_json(out, &c->edges);
	event_stats_json(out, &c->events);
	buf_str(out, ",\"files\":");
	file_list_json(out, &c->files);
	if (c->claim > 0) history_json(out, c);
	if (c->removed.n > 0) {
		buf_str(out, ",\"removed\":");
		file_list_json(out, &c->removed);
	}
	buf_str(out, ",\"run\":");
	if (form == COMMIT_NOW)
		run_info_json(out, &c->run);
	else
		run_info_former_json(out, &c->run, c->ingest_seed);
	size_t seal = 0;
	if (sealed) {
		buf_str(out, ",\"seal\":\"");
		seal = seal_blank(out);
		buf_char(out, '"');
	}
	buf_str(out, ",\"stage\":");
	buf_json_str(out, str_of(c->stage));
	buf_printf(out, ",\"tasks\":%lld,\"version\":", (long long)c->n_tasks);
	buf_json_str(out, str_of(c->version));
	buf_char(out, '}');
	if (sealed) seal_close(out, from, seal);
}

void commit_json(struct buf *out, const struct commit *c)
{
	commit_write(out, c, COMMIT_NOW);
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static status not_a_commit(const char *member, struct err *err)
{
	return fail(err, E_CORRUPT, "not a stage commit: \"%s\" is missing, of another kind or out of order", member);
}

static status edges_parse(const struct json_node *n, struct commit_edges *out, struct err *err)
{
	if (json_node_kind(n) != JSON_DOC_ARRAY) return not_a_commit("edges", err);
	for (size_t i = 0; i < json_node_n(n); i++) {
		struct str in, to;
		const struct json_node *edge = json_node_at(n, i);
		if (!json_node_str(json_node_get(edge, "input"), &in) ||
			!json_node_str(json_node_get(edge, "output"), &to))
			return not_a_commit("edges", err);
		if (!commit_edges_add(out, in.p, to.p)) return fail_nomem(err);
	}
	return OK;
}

static status history_parse(const struct json_node *n, struct arena *arena, struct commit *c, struct err *err)
{
	if (n == NULL) return OK;
	const struct json_node *ids = json_node_get(n, "runs");
	const size_t count = json_node_kind(ids) == JSON_DOC_ARRAY ? json_node_n(ids) : 0;
	if (json_node_kind(ids) != JSON_DOC_ARRAY || !json_node_i64(json_node_get(n, "claim"), &c->claim) ||
		c->claim < 1)
		return not_a_commit("history", err);
	const char **runs = ARENA_NEW(arena, const char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		struct str id;
		uint8_t unused[UUID_BYTES];
		if (!json_node_str(json_node_at(ids, i), &id) || !uuid_parse(id, unused))
			return not_a_commit("history", err);
		if (runs != NULL) runs[i] = arena_strndup(arena, id.p, id.n);
		if (runs == NULL || runs[i] == NULL) return fail_nomem(err);
	}
	c->history = runs;
	c->n_history = count;
	return OK;
}

/* Others look files up by halving, and write edges as they stand: each once, in order. */
static status order_check(const struct commit *c, struct err *err)
{
	for (size_t i = 1; i < c->files.n; i++)
		if (strcmp(c->files.items[i - 1].path, c->files.items[i].path) >= 0) return not_a_commit("files", err);
	for (size_t i = 1; i < c->edges.n; i++)
		if (by_tables(&c->edges.items[i - 1], &c->edges.items[i]) >= 0) return not_a_commit("edges", err);
	return OK;
}

static status parse(const struct json_node *root, struct arena *arena, struct commit *c, struct err *err)
{
	struct str stage, version;
	if (!json_node_str(json_node_get(root, "stage"), &stage)) return not_a_commit("stage", err);
	if (!json_node_str(json_node_get(root, "version"), &version)) return not_a_commit("version", err);
	if (!json_node_i64(json_node_get(root, "tasks"), &c->n_tasks)) return not_a_commit("tasks", err);
	c->stage = arena_strndup(arena, stage.p, stage.n);
	c->version = arena_strndup(arena, version.p, version.n);
	if (c->stage == NULL || c->version == NULL) return fail_nomem(err);
	TRY(run_info_parse(json_node_get(root, "run"), arena, &c->run, err));
	TRY(run_info_former_seed(json_node_get(root, "run"), &c->ingest_seed, err));
	TRY(counter_list_parse(json_node_get(root, "counters"), &c->counters, err));
	TRY(edges_parse(json_node_get(root, "edges"), &c->edges, err));
	TRY(event_stats_parse(json_node_get(root, "events"), &c->events, err));
	TRY(history_parse(json_node_get(root, "history"), arena, c, err));
	if (json_node_get(root, "removed") != NULL)
		TRY(file_list_parse(json_node_get(root, "removed"), &c->removed, err));
	TRY(file_list_parse(json_node_get(root, "files"), &c->files, err));
	return order_check(c, err);
}

status commit_parse(struct str text, struct arena *arena, struct commit *out, struct err *err)
{
	struct json_doc *doc = NULL;
	struct commit c;
	commit_init(&c, arena);
	TRY(json_doc_parse(text, &doc, err));
	const status code = parse(json_doc_root(doc), arena, &c, err);
	json_doc_destroy(doc);
	if (code == OK) *out = c;
	return code;
}

/* ---- from the lake ---------------------------------------------------------------------------------------------------- */

status commit_fail(const char *key, const char *how, struct err *err)
{
	const status code = fail_at(err, E_VERIFY, key, -1, -1,
		"the stage's commit was %s after it was written; restore it from a copy", how);
	return err_advise(err, code, ADVICE_OR_NEW_RUN, NULL);
}

static bool is_text(const struct buf *a, const struct buf *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* The text is the canonical form of what it says, with its digest: what was cut, or of which a byte changed, is not. Early builds wrote
 * none; a text that has one is not taken for theirs, whatever byte of it changed, for it is longer. */
static status check_canonical(const char *key, const struct buf *text, const struct commit *c, struct err *err)
{
	struct buf again;
	bool same = false;
	status code = OK;
	buf_init(&again, 0);
	for (int form = COMMIT_NOW; form <= COMMIT_FORMER_UNSEALED && !same && code == OK; form++) {
		buf_reset(&again);
		commit_write(&again, c, (enum commit_form)form);
		code = buf_check(&again, err);
		same = code == OK && is_text(&again, text);
	}
	buf_deinit(&again);
	return code != OK || same ? code : commit_fail(key, "changed", err);
}

static status commit_read(
	const char *key, const struct buf *text, struct arena *arena, struct commit *c, struct err *err)
{
	const status parsed = commit_parse((struct str){(const char *)text->p, text->n}, arena, c, err);
	if (parsed != OK) return parsed == E_NOMEM ? parsed : commit_fail(key, "damaged", err);
	return check_canonical(key, text, c, err);
}

status commit_load(struct store *lake, const char *key, struct arena *arena, struct commit *out, struct err *err)
{
	struct buf text;
	struct commit c = {0};
	uint8_t hash[SHA256_BYTES];
	buf_init(&text, 0);
	status code = store_get(lake, key, &text, err);
	if (code == OK) code = commit_read(key, &text, arena, &c, err);
	if (code == OK) {
		hash_sha256(text.p, text.n, hash);
		hex_encode(hash, sizeof hash, c.sha256);
		*out = c;
	}
	buf_deinit(&text);
	return code;
}

struct find {
	struct store *lake;
	const char *run_id;
	int32_t date;
	bool found;
};

static status find_visit(void *arg, const struct store_entry *e, struct err *err)
{
	struct find *f = arg;
	const char *key = e->key;
	(void)err;
	const char *day = key + strlen("manifests/");
	char wanted[RUN_KEY_MAX];
	int32_t date;
	if (f->found || strncmp(day, "day=", 4) != 0 ||
		!date_parse((struct str){day + 4, strnlen(day + 4, DATE_CHARS)}, &date))
		return OK;
	run_key(wanted, date, f->run_id, "");
	if (strncmp(key, wanted, strlen(wanted)) != 0) return OK;
	f->date = date;
	f->found = true;
	return OK;
}

/* One folder of a day. */
static status find_day(void *arg, const char *name, bool is_folder, struct err *err)
{
	struct find *f = arg;
	char folder[RUN_KEY_MAX];
	if (f->found || !is_folder) return OK;
	const int n = snprintf(folder, sizeof folder, "manifests/%s/run_id=%s", name, f->run_id);
	if (n < 0 || (size_t)n >= sizeof folder) return OK; /* no day */
	return store_list(f->lake, folder, find_visit, f, err);
}

/* Where looking into a folder that is not there costs a round trip all manifests are listed, a thousand with one; on a disk only the run's own
 * folder is. */
status commit_find(struct store *lake, const char *run_id, int32_t *date, struct err *err)
{
	struct find f = {.lake = lake, .run_id = run_id};
	if (store_is_remote(lake))
		TRY(store_list(lake, "manifests", find_visit, &f, err));
	else
		TRY(store_list_names(lake, "manifests", find_day, &f, err));
	if (!f.found)
		return fail(err, E_NOT_FOUND, "run %s has committed nothing to the lake %s", run_id, store_uri(lake));
	*date = f.date;
	return OK;
}

status commit_find_workload(
	struct store *lake, const char *run_id, struct arena *arena, const char **out, struct err *err)
{
	char key[RUN_KEY_MAX];
	struct commit c;
	int32_t date = 0;
	TRY(commit_find(lake, run_id, &date, err));
	commit_key(key, date, run_id, "raw");
	TRY(commit_load(lake, key, arena, &c, err));
	*out = c.run.workload;
	return OK;
}
