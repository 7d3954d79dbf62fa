/* flow/history.c: finding the head, and what stands of its history.
 *
 * 1. Only commits and tables' logs in the lake decide; the control plane may be lost.
 * 2. Commits are read newest first and no further than the head's day, unless somebody has claimed to go on from it: a lake of years
 *    costs what its last days do.
 * 3. The files come from the tables' logs, not from the commits: those that compaction has put in their place are as good.
 */
#include "flow/history.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "base/vec.h"
#include "flow/run_int.h"
#include "flow/superseded.h"
#include "flow/table_files.h"
#include "table/log/history.h"
#include "table/write/stats.h"

/* ---- claims ---------------------------------------------------------------------------------------------------------- */

bool history_is_claim(struct str app_id)
{
	static const char prefix[] = "pqr/history/";
	return app_id.n >= sizeof prefix - 1 && memcmp(app_id.p, prefix, sizeof prefix - 1) == 0;
}

struct str history_claim_id(const struct history_search *s, const char *opener, char dst[RUN_KEY_MAX])
{
	const bool any = workload_continues(s->w, s->config, s->run, NULL) == CONTINUES_ANY;
	const int n = any ? snprintf(dst, RUN_KEY_MAX, "pqr/history/of/%s", s->w->name)
			  : snprintf(dst, RUN_KEY_MAX, "pqr/history/%s", opener);
	ASSERT(n > 0 && n < RUN_KEY_MAX);
	return (struct str){dst, (size_t)n};
}

static status open_table(struct store *lake, const struct workload *w, const char *table, int64_t version,
	struct delta_snapshot **out, struct err *err)
{
	char root[RUN_KEY_MAX];
	const size_t index = workload_table_index(w, table);
	*out = NULL;
	ASSERT(index < w->n_tables);
	flow_table_root(w->tables[index], root);
	const status code = delta_snapshot_open(lake, root, version, out, err);
	return code == E_NOT_FOUND && version == DELTA_LATEST ? OK : code;
}

/* The newest claim to the history that `opener` opened, 0: none. own: has this run committed to the table of the claims? */
static status newest_claim(
	const struct history_search *s, const char *opener, int64_t *claim, bool *own, struct err *err)
{
	char claim_id[RUN_KEY_MAX], app_id[RUN_KEY_MAX];
	struct delta_snapshot *d = NULL;
	*claim = 0;
	*own = false;
	TRY(open_table(s->lake, s->w, s->w->folding.claims, DELTA_LATEST, &d, err));
	if (d == NULL) return OK;
	const struct delta_app_txn *newest = delta_snapshot_app_txn(d, history_claim_id(s, opener, claim_id));
	if (newest != NULL) *claim = newest->version;
	const struct table_schema *claims = s->w->tables[workload_table_index(s->w, s->w->folding.claims)];
	*own = delta_snapshot_app_txn(d, flow_app_id(s->run->run_id, claims->layer, app_id)) != NULL;
	delta_snapshot_close(d);
	return OK;
}

/* ---- the head -------------------------------------------------------------------------------------------------------- */

enum { DAY_CHARS = sizeof "manifests/day=2025-01-01" - 1 };

struct candidate {
	char *key;
	bool loaded;
	struct arena arena; /* of commit */
	struct commit commit;
	bool continued; /* this run may go on from it */
};
struct search {
	const struct history_search *of;
	char suffix[64]; /* "/stages/silver.json" */
	struct {
		char **items; /* "day=2025-01-01", newest first */
		size_t n, cap, listed;
	} days;
	struct candidate **items; /* of the days that were listed, newest first */
	size_t n, cap;
	bool one; /* there is one history in the lake */
	const struct commit *head;
	const struct commit *asked; /* the head whose history's newest claim is `claim` */
	int64_t claim;
};

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

static status note_day(void *arg, const char *name, bool is_folder, struct err *err)
{
	struct search *s = arg;
	if (!is_folder || strncmp(name, "day=", 4) != 0) return OK;
	if (!VEC_ROOM(&s->days, 1)) return fail_nomem(err);
	char *copy = mem_strdup(name);
	if (copy == NULL) return fail_nomem(err);
	s->days.items[s->days.n++] = copy;
	return OK;
}

static status note_commit(void *arg, const struct store_entry *e, struct err *err)
{
	struct search *s = arg;
	if (!ends_with(e->key, s->suffix) || strstr(e->key, s->of->run->run_id) != NULL) return OK;
	if (!VEC_ROOM(s, 1)) return fail_nomem(err);
	struct candidate *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	s->items[s->n++] = c;
	c->key = mem_strdup(e->key);
	return c->key != NULL ? OK : fail_nomem(err);
}

static int newest_day_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

static int newest_first(const void *a, const void *b)
{
	const struct candidate *x = *(struct candidate *const *)a, *y = *(struct candidate *const *)b;
	return strcmp(y->key, x->key);
}

static status list_days(struct search *s, struct err *err)
{
	TRY(store_list_names(s->of->lake, "manifests", note_day, s, err));
	if (s->days.n > 1) qsort(s->days.items, s->days.n, sizeof *s->days.items, newest_day_first);
	return OK;
}

/* The commits of the next day, to the end of items; nothing where all days are listed. */
static status list_day(struct search *s, struct err *err)
{
	char folder[RUN_KEY_MAX];
	const size_t n = s->n;
	if (s->days.listed == s->days.n) return OK;
	(void)snprintf(folder, sizeof folder, "manifests/%s", s->days.items[s->days.listed++]);
	TRY(store_list(s->of->lake, folder, note_commit, s, err));
	if (s->n - n > 1) qsort(s->items + n, s->n - n, sizeof *s->items, newest_first);
	return OK;
}

static status same_events(const struct history_search *of, const struct run_info *earlier, bool *out, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	const status code = flow_config_get(of->lake, earlier->config_hash, &text, err);
	if (code == OK) *out = of->w->folding.same_events(of->config_text, (struct str){(const char *)text.p, text.n});
	buf_deinit(&text);
	return code;
}

static status load(const struct search *s, struct candidate *c, struct err *err)
{
	if (c->loaded) return OK;
	TRY(cancel_check(err));
	arena_init(&c->arena, 0);
	c->loaded = true;
	return commit_load(s->of->lake, c->key, &c->arena, &c->commit, err);
}

/* Is nothing missing before the first events of its history, as of an opener that leaves out its first days? */
static status is_whole(struct search *s, const struct commit *c, bool *out, struct err *err)
{
	const char *opener = c->n_history > 0 ? c->history[0] : c->run.run_id;
	*out = false;
	while (s->days.listed < s->days.n) TRY(list_day(s, err));
	for (size_t i = 0; i < s->n && !*out; i++) {
		struct candidate *o = s->items[i];
		if (strstr(o->key, opener) == NULL) continue;
		TRY(load(s, o, err));
		*out = workload_continues(s->of->w, s->of->config, &o->commit.run, NULL) != CONTINUES_SAME_EVENTS;
	}
	return OK;
}

static status judge(struct search *s, struct candidate *c, struct err *err)
{
	const struct history_search *of = s->of;
	TRY(load(s, c, err));
	const struct run_info *earlier = &c->commit.run;
	if (strcmp(earlier->workload, of->w->name) != 0) return OK;
	const enum continues kind = workload_continues(of->w, of->config, of->run, earlier);
	c->continued = kind != CONTINUES_NOT;
	if (kind == CONTINUES_SAME_EVENTS) TRY(is_whole(s, &c->commit, &c->continued, err));
	if (kind != CONTINUES_SAME_EVENTS || strcmp(earlier->config_hash, of->run->config_hash) == 0 || !c->continued)
		return OK;
	return same_events(of, earlier, &c->continued, err);
}

/* Of two that could be continued the head is the later one, in one history by the claim: a run that dropped another may describe an
 * earlier instant than that. Ids only to be definite. */
static bool later(const struct search *s, const struct commit *a, const struct commit *b)
{
	if (s->one && a->claim != b->claim) return a->claim > b->claim;
	if (a->run.as_of != b->run.as_of) return a->run.as_of > b->run.as_of;
	if (a->claim != b->claim) return a->claim > b->claim;
	return strcmp(a->run.run_id, b->run.run_id) > 0;
}

static bool goes_on_from(const struct commit *c, const char *run_id)
{
	for (size_t i = c->n_history; i-- > 0;) {
		if (strcmp(c->history[i], run_id) == 0) return true;
	}
	return false;
}

/* Whoever continued the head has been read: is_newest. */
static status check_not_continued(const struct search *s, struct err *err)
{
	const char *head = s->head->run.run_id;
	for (size_t i = 0; i < s->n; i++) {
		if (!s->items[i]->loaded || !goes_on_from(&s->items[i]->commit, head)) continue;
		return fail(err, E_CONFLICT,
			"run %s was continued by run %s already, and only the newest run of a history is continued",
			head, s->items[i]->commit.run.run_id);
	}
	return OK;
}

/* Has nobody claimed to go on from the head? Who has may stand in the folder of an earlier day: begun before the head was done. */
static status is_newest(struct search *s, bool *out, struct err *err)
{
	bool own;
	const char *opener = s->head->n_history > 0 ? s->head->history[0] : s->head->run.run_id;
	if (s->asked != s->head) TRY(newest_claim(s->of, opener, &s->claim, &own, err));
	s->asked = s->head;
	*out = s->claim <= s->head->claim;
	return OK;
}

/* Day by day, so that a lake of years is not listed. */
static status find(struct search *s, struct err *err)
{
	const char *head_key = NULL;
	TRY(list_days(s, err));
	for (size_t i = 0;; i++) {
		bool newest = false;
		while (i == s->n && s->days.listed < s->days.n) TRY(list_day(s, err));
		if (i == s->n) break;
		struct candidate *c = s->items[i];
		if (head_key != NULL && strncmp(head_key, c->key, DAY_CHARS) != 0) TRY(is_newest(s, &newest, err));
		if (newest) break;
		TRY(judge(s, c, err));
		if (!c->continued || (s->head != NULL && !later(s, &c->commit, s->head))) continue;
		s->head = &c->commit;
		head_key = c->key;
	}
	return s->head != NULL ? check_not_continued(s, err) : OK;
}

static void search_deinit(struct search *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i]->loaded) arena_deinit(&s->items[i]->arena);
		mem_free(s->items[i]->key);
		mem_free(s->items[i]);
	}
	for (size_t i = 0; i < s->days.n; i++) mem_free(s->days.items[i]);
	mem_free(s->items);
	mem_free(s->days.items);
}

static status take_runs(const struct commit *head, struct arena *arena, struct history *out, struct err *err)
{
	const size_t n = head->n_history;
	const char **runs = ARENA_NEW(arena, const char *, n + 1);
	if (runs == NULL) return fail_nomem(err);
	for (size_t i = 0; i <= n; i++) {
		runs[i] = arena_strndup(arena, i < n ? head->history[i] : head->run.run_id, UUID_CHARS);
		if (runs[i] == NULL) return fail_nomem(err);
	}
	out->runs = out->base.runs = runs;
	out->n_runs = out->base.n_runs = n + 1;
	out->as_of = head->run.as_of;
	out->base.claim = head->claim;
	return OK;
}

status history_find(const struct history_search *of, struct arena *arena, struct history *out, struct err *err)
{
	const struct workload_folding *folding = &of->w->folding;
	struct search s = {.of = of,
		.one = folding->stage != NULL && workload_continues(of->w, of->config, of->run, NULL) == CONTINUES_ANY};
	*out = (struct history){.as_of = INT64_MIN, .files.arena = arena};
	if (folding->stage == NULL || workload_continues(of->w, of->config, of->run, NULL) == CONTINUES_NOT) return OK;
	const int n = snprintf(s.suffix, sizeof s.suffix, "/stages/%s.json", folding->stage);
	ASSERT(n > 0 && (size_t)n < sizeof s.suffix);
	status code = find(&s, err);
	if (code == OK && s.head != NULL) code = take_runs(s.head, arena, out, err);
	search_deinit(&s);
	return code;
}

/* ---- what the newest left ---------------------------------------------------------------------------------------------- */

status history_newest(struct store *lake, const struct workload_list *known, struct arena *arena, struct picture **out,
	size_t *n, struct err *err)
{
	const char **claims = ARENA_NEW(arena, const char *, known->n + 1);
	struct picture *pictures = ARENA_ZNEW(arena, struct picture, known->n + 1);
	size_t n_claims = 0;
	*n = 0;
	*out = pictures;
	if (claims == NULL || pictures == NULL) return fail_nomem(err);
	for (size_t i = 0; i < known->n; i++) {
		char root[RUN_KEY_MAX];
		bool exists;
		const struct workload *w = known->items[i];
		if (w->folding.stage == NULL) continue;
		flow_table_root(w->tables[workload_table_index(w, w->folding.claims)], root);
		TRY(delta_table_exists(lake, root, &exists, err));
		if (exists) claims[n_claims++] = w->folding.claims;
	}
	TRY(picture_newest(lake, claims, n_claims, arena, pictures, err));
	for (size_t i = 0; i < n_claims; i++) {
		if (pictures[i].n_runs > 0) pictures[(*n)++] = pictures[i];
	}
	return OK;
}

/* ---- the base -------------------------------------------------------------------------------------------------------- */

static bool has_runs(const struct table_schema *t)
{
	const int i = schema_column_index(t, "run_id");
	return i >= 0 && t->columns[i].partition;
}

/* The run whose commit to the table of the claims holds this member last. */
static status claimant(const struct history_search *s, const char *wanted, char run_id[UUID_CHARS + 1], struct err *err)
{
	char root[RUN_KEY_MAX];
	static const char member[] = "\"pqrRunId\":\"";
	struct delta_history h;
	flow_table_root(s->w->tables[workload_table_index(s->w, s->w->folding.claims)], root);
	(void)snprintf(run_id, UUID_CHARS + 1, "?");
	TRY(delta_history_read(s->lake, root, 0, &h, err));
	for (size_t i = h.n; i-- > 0;) {
		const struct str text = h.versions[i].info.text;
		if (text.n == 0 || memmem(text.p, text.n, wanted, strlen(wanted)) == NULL) continue;
		const char *id = memmem(text.p, text.n, member, sizeof member - 1);
		if (id != NULL && (size_t)(text.p + text.n - id) > sizeof member + UUID_CHARS)
			(void)snprintf(run_id, UUID_CHARS + 1, "%.*s", UUID_CHARS, id + sizeof member - 1);
		break;
	}
	delta_history_deinit(&h);
	return OK;
}

/* Somebody has claimed what we would claim, and has not committed the stage: at work, or killed at it. The claim is the first of a stage's
 * commits to tables: where it is not taken, no table has been changed by another run since the head was done. */
static status check_claim(const struct history_search *s, struct history *h, struct err *err)
{
	int64_t claim;
	bool own;
	char claim_id[RUN_KEY_MAX], wanted[RUN_KEY_MAX + 16];
	const char *opener = h->n_runs > 0 ? h->runs[0] : s->run->run_id;
	TRY(newest_claim(s, opener, &claim, &own, err));
	h->claimant[0] = '\0';
	if (claim <= h->base.claim || own) return OK;
	if (h->n_runs > 0) {
		(void)snprintf(wanted, sizeof wanted, "\"pqrHistory\":\"%s\"", opener);
	} else {
		(void)history_claim_id(s, opener, claim_id);
		(void)snprintf(wanted, sizeof wanted, "\"pqrClaim\":\"%s\"", claim_id);
	}
	TRY(claimant(s, wanted, h->claimant, err));
	if (h->n_runs == 0)
		return fail(err, E_BUSY,
			"run %s has begun a history and has not finished stage %s: wait for it, or run it again",
			h->claimant, s->w->folding.stage);
	return fail(err, E_BUSY,
		"run %s goes on from run %s and has not finished stage %s: wait for it, or run it again", h->claimant,
		h->runs[h->n_runs - 1], s->w->folding.stage);
}

static int by_table(const void *a, const void *b)
{
	return strcmp(((const struct picture_table *)a)->name, ((const struct picture_table *)b)->name);
}

/* The version of a table that the run builds on: as it stands, unless the run has committed to it before and knows from `stored` what
 * stood then. */
static status base_version(const struct history_search *s, const struct table_schema *t, const char *name,
	const struct picture *stored, int64_t *out, struct err *err)
{
	char app_id[RUN_KEY_MAX];
	struct delta_snapshot *d = NULL;
	TRY(open_table(s->lake, s->w, name, DELTA_LATEST, &d, err));
	*out = d != NULL ? d->version : -1;
	const bool own = d != NULL && workload_writes(s->w, s->w->folding.stage, t) &&
			 delta_snapshot_app_txn(d, flow_app_id(s->run->run_id, t->layer, app_id)) != NULL;
	if (own && stored != NULL) *out = picture_version(stored, name);
	delta_snapshot_close(d);
	return OK;
}

static status take_versions(const struct history_search *s, const struct picture *stored, struct arena *arena,
	struct picture *base, struct err *err)
{
	struct picture_table *tables = ARENA_NEW(arena, struct picture_table, s->w->n_tables + 1);
	size_t n = 0;
	if (tables == NULL) return fail_nomem(err);
	for (size_t i = 0; i < s->w->n_tables; i++) {
		const struct table_schema *t = s->w->tables[i];
		if (!has_runs(t)) continue;
		const char *name = arena_printf(arena, "%s.%s", t->layer, t->name);
		if (name == NULL) return fail_nomem(err);
		tables[n].name = name;
		TRY(base_version(s, t, name, stored, &tables[n++].version, err));
	}
	qsort(tables, n, sizeof *tables, by_table);
	base->tables = tables;
	base->n_tables = n;
	return OK;
}

static bool same_head(const struct picture *a, const struct picture *b)
{
	return a->claim == b->claim && a->n_runs > 0 && a->n_runs == b->n_runs &&
	       strcmp(a->runs[a->n_runs - 1], b->runs[b->n_runs - 1]) == 0;
}

static bool same_versions(const struct picture *a, const struct picture *b)
{
	bool same = a->n_tables == b->n_tables;
	for (size_t i = 0; same && i < a->n_tables; i++)
		same = strcmp(a->tables[i].name, b->tables[i].name) == 0 &&
		       a->tables[i].version == b->tables[i].version;
	return same;
}

static status find_base(
	const struct history_search *s, int32_t date, struct arena *arena, struct history *h, struct err *err)
{
	struct picture stored;
	const status found =
		picture_load(s->lake, (struct picture_at){date, s->run->run_id, PICTURE_BASE}, arena, &stored, err);
	if (found != E_NOT_FOUND) TRY(found);
	const bool again = found == OK && same_head(&stored, &h->base);
	TRY(take_versions(s, again ? &stored : NULL, arena, &h->base, err));
	TRY(check_claim(
		s, h, err)); /* after the versions: who claims meanwhile has changed the tables that were read last */
	if (again && same_versions(&stored, &h->base)) return OK;
	return picture_put(s->lake, (struct picture_at){date, s->run->run_id, PICTURE_BASE}, &h->base, err);
}

/* ---- its files ------------------------------------------------------------------------------------------------------- */

/* The latest instant that the column of a file's rows may have; 0: not told. */
static status last_instant(
	const struct delta_snapshot *s, const struct delta_add *a, const char *column, int64_t *out, struct err *err)
{
	struct arena arena;
	struct delta_file_stats stats;
	const int ts = delta_schema_index(&s->schema, str_of(column));
	*out = 0;
	if (ts < 0) return OK;
	arena_init(&arena, 0);
	const status code = delta_stats_read(a->stats, &s->schema, &arena, &stats, err);
	if (code == OK && stats.columns[ts].has_max) *out = stats.columns[ts].max.i64;
	arena_deinit(&arena);
	return code;
}

static bool is_theirs(const struct delta_add *a, bool parts, const struct picture *runs)
{
	if (!parts) return true;
	const struct delta_pair *p = delta_pairs_get(&a->partition, STR("run_id"));
	return p != NULL && p->value.p != NULL && picture_has_run(runs, p->value);
}

/* as_of: see struct history's files; INT64_MAX: nobody asks. */
static status snapshot_files(const struct delta_snapshot *s, const struct workload *w, const struct history_part *part,
	int64_t as_of, struct file_list *out, struct err *err)
{
	const bool parts = has_runs(w->tables[workload_table_index(w, part->table)]);
	const char *instants = w->folding.instants != NULL ? w->folding.instants : "ts";
	for (size_t i = 0; i < s->n_files; i++) {
		if (!is_theirs(&s->files[i], parts, part->runs)) continue;
		TRY(table_files_add(s, part->table, &s->files[i], out, err));
		struct file_ref *ref = &out->items[out->n - 1];
		if (as_of != INT64_MAX) TRY(last_instant(s, &s->files[i], instants, &ref->last_us, err));
		ref->earlier = as_of == INT64_MAX || (ref->last_us != 0 && ref->last_us <= as_of);
	}
	return OK;
}

static status part_files(struct store *lake, const struct workload *w, const struct history_part *part, int64_t as_of,
	struct file_list *out, struct err *err)
{
	struct delta_snapshot *s = NULL;
	TRY(open_table(lake, w, part->table, part->version, &s, err));
	const status code = s != NULL ? snapshot_files(s, w, part, as_of, out, err) : OK;
	delta_snapshot_close(s);
	return code;
}

status history_snapshot_files(const struct delta_snapshot *s, const struct workload *w, const struct history_part *part,
	struct file_list *out, struct err *err)
{
	ASSERT(s->version == part->version);
	return snapshot_files(s, w, part, INT64_MAX, out, err);
}

status history_part_files(struct store *lake, const struct workload *w, const struct history_part *part,
	struct file_list *out, struct err *err)
{
	return part_files(lake, w, part, INT64_MAX, out, err);
}

status history_open(
	const struct history_search *s, int32_t date, struct arena *arena, struct history *h, struct err *err)
{
	const char *events = s->w->folding.events;
	if (h->n_runs == 0) return check_claim(s, h, err);
	TRY(find_base(s, date, arena, h, err));
	h->files.n = 0;
	const struct history_part part = {events, picture_version(&h->base, events), &h->base};
	return part.version >= 0 ? part_files(s->lake, s->w, &part, h->as_of, &h->files, err) : OK;
}
