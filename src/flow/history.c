/* flow/history.c: which earlier runs a run continues, and the files they left.
 *
 * 1. What counts is the folding stage's commit in the lake; the control plane is not asked, so a lost one changes nothing.
 * 2. Two processes that look at the same lake find the same history: order of listing, threads and ids of candidates that do not
 *    count have no part in it.
 */
#include "flow/history.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/vec.h"
#include "flow/run_int.h"
#include "flow/superseded.h"
#include "table/log/snapshot.h"

/* ---- which runs ------------------------------------------------------------------------------------------------------ */

struct candidate {
	char *key;
	struct arena arena; /* of commit */
	struct commit commit;
	enum continues kind;
};
struct search {
	const struct history_search *of;
	char suffix[64]; /* "/stages/silver.json" */
	struct candidate *items;
	size_t n, cap;
};

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

static status note_commit(void *arg, const struct store_entry *e, struct err *err)
{
	struct search *s = arg;
	if (!ends_with(e->key, s->suffix) || strstr(e->key, s->of->run->run_id) != NULL) return OK;
	if (!VEC_ROOM(s, 1)) return fail_nomem(err);
	struct candidate *c = &s->items[s->n];
	*c = (struct candidate){.key = mem_alloc(strlen(e->key) + 1)};
	if (c->key == NULL) return fail_nomem(err);
	memcpy(c->key, e->key, strlen(e->key) + 1);
	arena_init(&c->arena, 0);
	s->n++;
	return OK;
}

static status compare_configs(const struct history_search *of, struct candidate *c, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	const status code = flow_config_get(of->lake, c->commit.run.config_hash, &text, err);
	if (code == OK && !of->w->folding.same_events(of->config_text, (struct str){(const char *)text.p, text.n}))
		c->kind = CONTINUES_NOT;
	buf_deinit(&text);
	return code;
}

static status load_candidate(void *arg, size_t i, int worker, struct err *err)
{
	struct search *s = arg;
	struct candidate *c = &s->items[i];
	const struct history_search *of = s->of;
	(void)worker;
	TRY(cancel_check(err));
	TRY(commit_load(of->lake, c->key, &c->arena, &c->commit, err));
	const struct run_info *earlier = &c->commit.run;
	if (strcmp(earlier->workload, of->w->name) != 0) return OK;
	c->kind = of->w->folding.continues(of->config, of->run, earlier);
	if (c->kind != CONTINUES_WHOLE || strcmp(earlier->config_hash, of->run->config_hash) == 0) return OK;
	return compare_configs(of, c, err);
}

/* Is nothing missing before the first events of its history, as of a run that leaves out its first days and had none to continue? */
static bool is_whole(const struct search *s, const struct commit *c)
{
	const char *oldest = c->n_history > 0 ? c->history[0] : c->run.run_id;
	for (size_t i = 0; i < s->n; i++) {
		const struct run_info *run = &s->items[i].commit.run;
		if (strcmp(run->run_id, oldest) == 0)
			return s->of->w->folding.continues(s->of->config, run, NULL) != CONTINUES_WHOLE;
	}
	return false;
}

/* Of two that count: which is the better base? One that is whole, then the longer history, then the later as_of; ids only to be
 * definite. */
static bool better(const struct search *s, const struct commit *a, const struct commit *b)
{
	const bool whole = is_whole(s, a);
	if (whole != is_whole(s, b)) return whole;
	if (a->n_history != b->n_history) return a->n_history > b->n_history;
	if (a->run.as_of != b->run.as_of) return a->run.as_of > b->run.as_of;
	return strcmp(a->run.run_id, b->run.run_id) > 0;
}

static bool names(const struct commit *c, const char *run_id)
{
	bool found = strcmp(c->run.run_id, run_id) == 0;
	for (size_t i = 0; i < c->n_history && !found; i++) found = strcmp(c->history[i], run_id) == 0;
	return found;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The history that base leaves behind: its runs, itself, then those it did not know of. */
static status continue_base(
	const struct search *s, const struct commit *base, struct arena *arena, struct history *out, struct err *err)
{
	const char **runs = ARENA_NEW(arena, const char *, s->n + base->n_history + 1);
	size_t n = 0;
	bool ok = runs != NULL;
	for (size_t i = 0; i < base->n_history && ok; i++)
		ok = (runs[n++] = arena_strndup(arena, base->history[i], UUID_CHARS)) != NULL;
	if (ok) ok = (runs[n++] = arena_strndup(arena, base->run.run_id, UUID_CHARS)) != NULL;
	out->n_known = n;
	out->as_of = base->run.as_of;
	for (size_t i = 0; i < s->n && ok; i++) {
		const struct commit *c = &s->items[i].commit;
		if (s->items[i].kind != CONTINUES_PART) continue;
		if (c->run.as_of > out->as_of) out->as_of = c->run.as_of;
		if (!names(base, c->run.run_id))
			ok = (runs[n++] = arena_strndup(arena, c->run.run_id, UUID_CHARS)) != NULL;
	}
	for (size_t i = 0; i < base->files.n && ok; i++) ok = file_list_add(&out->written, &base->files.items[i]);
	if (!ok) return fail_nomem(err);
	qsort(runs + out->n_known, n - out->n_known, sizeof *runs, by_id);
	out->runs = runs;
	out->n_runs = n;
	return OK;
}

static status find(struct search *s, struct arena *arena, struct history *out, struct err *err)
{
	const struct commit *base = NULL;
	TRY(store_list(s->of->lake, "manifests", note_commit, s, err));
	TRY(thread_for(s->n, store_io_threads(s->of->lake, 1), load_candidate, s, err));
	for (size_t i = 0; i < s->n; i++) {
		const struct candidate *c = &s->items[i];
		if (c->kind != CONTINUES_NOT && (base == NULL || better(s, &c->commit, base))) base = &c->commit;
	}
	return base != NULL ? continue_base(s, base, arena, out, err) : OK;
}

status history_find(const struct history_search *of, struct arena *arena, struct history *out, struct err *err)
{
	const struct workload_folding *folding = &of->w->folding;
	struct search s = {.of = of};
	ASSERT(folding->stage == NULL || folding->continues != NULL);
	*out = (struct history){.as_of = INT64_MIN, .files.arena = arena, .written.arena = arena};
	if (folding->stage == NULL || folding->continues(of->config, of->run, NULL) == CONTINUES_NOT) return OK;
	const int n = snprintf(s.suffix, sizeof s.suffix, "/stages/%s.json", folding->stage);
	ASSERT(n > 0 && (size_t)n < sizeof s.suffix);
	const status code = find(&s, arena, out, err);
	for (size_t i = 0; i < s.n; i++) {
		arena_deinit(&s.items[i].arena);
		mem_free(s.items[i].key);
	}
	mem_free(s.items);
	return code;
}

/* ---- their files ----------------------------------------------------------------------------------------------------- */

static status add_file(const struct delta_snapshot *s, const char *table, const struct delta_add *a,
	struct file_list *out, struct err *err)
{
	char key[DELTA_KEY_MAX];
	if (a->dv.unique_id.n > 0)
		return fail(err, E_UNSUPPORTED,
			"%s: rows of %.*s were deleted by a deletion vector; rewrite it with the engine that did "
			"(Spark: REORG TABLE ... APPLY (PURGE))",
			s->root, (int)a->path.n, a->path.p);
	TRY(delta_key(key, s->root, a->path, err));
	struct file_ref ref = {
		.table = table, .path = key, .partition = a->partition, .rows = delta_add_rows(a), .bytes = a->size};
	if (!path_part_hash(a->path, ref.xxh128))
		memset(ref.xxh128, 0, sizeof ref.xxh128); /* of another writer: not known */
	return file_list_add(out, &ref) ? OK : fail_nomem(err);
}

struct table_search {
	struct store *lake;
	const struct workload *w;
	const char *const *runs; /* [n_runs] */
	size_t n_runs, n_known;
	size_t *ends; /* NULL: not asked for */
};

static status run_files(const struct delta_snapshot *s, const char *table, const struct table_search *which, size_t run,
	struct file_list *out, struct err *err)
{
	const struct table_schema *t = which->w->tables[workload_table_index(which->w, table)];
	const bool parts = schema_column_index(t, "run_id") >= 0; /* else one that each run replaces whole */
	for (size_t i = 0; i < s->n_files; i++) {
		const struct delta_pair *p = delta_pairs_get(&s->files[i].partition, STR("run_id"));
		if (parts && (p == NULL || !str_is(p->value, which->runs[run]))) continue;
		TRY(add_file(s, table, &s->files[i], out, err));
		out->items[out->n - 1].earlier = run < which->n_known;
	}
	return OK;
}

static void warn_fewer(const struct table_search *which, const struct delta_snapshot *s, const char *table,
	const struct file_list *written)
{
	char is[24], was[24];
	const char *base = which->runs[which->n_known - 1];
	const int64_t held = s != NULL ? flow_rows_of_run(s, base) : 0;
	int64_t rows = 0;
	for (size_t i = 0; i < written->n; i++)
		rows += strcmp(written->items[i].table, table) == 0 ? written->items[i].rows : 0;
	if (held < 0 || held >= rows) return;
	(void)snprintf(is, sizeof is, "%lld", (long long)held);
	(void)snprintf(was, sizeof was, "%lld", (long long)rows);
	log_line(LOG_WARN, "a table holds fewer rows of an earlier run than it wrote", "table", table, "run", base,
		"rows", is, "written", was, NULL);
}

/* written: by the last known run, to compare; NULL = nothing to compare with. */
static status table_files(const struct table_search *which, const char *table, const struct file_list *written,
	struct file_list *out, struct err *err)
{
	char root[RUN_KEY_MAX];
	struct delta_snapshot *s = NULL;
	const size_t index = workload_table_index(which->w, table);
	ASSERT(index < which->w->n_tables);
	flow_table_root(which->w->tables[index], root);
	const status opened = delta_snapshot_open(which->lake, root, DELTA_LATEST, &s, err);
	if (opened != E_NOT_FOUND) TRY(opened);
	status code = OK;
	for (size_t i = 0; i < which->n_runs && code == OK; i++) {
		if (s != NULL) code = run_files(s, table, which, i, out, err);
		if (which->ends != NULL) which->ends[i] = out->n;
	}
	if (code == OK && written != NULL) warn_fewer(which, s, table, written);
	delta_snapshot_close(s);
	return code;
}

status history_table_files(struct store *lake, const struct workload *w, const char *table,
	const struct history_runs *runs, struct file_list *out, struct err *err)
{
	const struct table_search which = {lake, w, runs->ids, runs->n, 0, runs->ends};
	return table_files(&which, table, NULL, out, err);
}

status history_load_files(struct store *lake, const struct workload *w, struct history *h, struct err *err)
{
	const struct table_search which = {lake, w, h->runs, h->n_runs, h->n_known, NULL};
	ASSERT(h->n_known <= h->n_runs);
	h->files.n = 0;
	if (h->n_known == 0) return OK;
	const struct table_search base = {lake, w, &h->runs[h->n_known - 1], 1, 1, NULL};
	for (size_t t = 0; t < w->folding.n_tables; t++)
		TRY(table_files(&which, w->folding.tables[t], &h->written, &h->files, err));
	for (size_t t = 0; t < w->folding.n_base_tables; t++)
		TRY(table_files(&base, w->folding.base_tables[t], &h->written, &h->files, err));
	return OK;
}
