/* flow/stage_history.c: a stage of a run that goes on from another: what it finds standing, and what it leaves.
 *
 *   standing (the history's files of the layer) ──► tasks ──► outputs = kept files of standing + new ones
 *                                                             removed = standing - kept        picture = kept + new
 *
 * 1. What stands is read from the base, so a run that was killed between two tables finds what it found before.
 * 2. After the stage's commits the picture is what the tables hold of the history and the run in the versions that these commits made. Of a
 *    run that is taken up again it is what the newest ones hold: until a run goes on from it, nobody changes that but by rewriting files
 *    without changing their rows.
 */
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/thread.h"
#include "flow/run_int.h"
#include "flow/superseded.h"
#include "table/log/snapshot.h"

enum { CLAIM_POLL_US = 100000 };

struct history_search flow_history_search(const struct flow *f)
{
	return (struct history_search){
		f->lake, f->w, f->id.config, {(const char *)f->id.config_text.p, f->id.config_text.n}, &f->id.info};
}

static bool has_runs(const struct table_schema *t)
{
	const int i = schema_column_index(t, "run_id");
	return i >= 0 && t->columns[i].partition;
}

status flow_history_find(struct flow *f, struct history *out, struct err *err)
{
	const struct history_search s = flow_history_search(f);
	return history_find(&s, &f->arena, out, err);
}

/* ---- what stands ------------------------------------------------------------------------------------------------------ */

/* A run that leaves out its first days is of little use without the run that has them. */
static void warn_alone(const struct flow *f)
{
	if (f->state.history.n_runs > 0 ||
		workload_continues(f->w, f->id.config, &f->id.info, NULL) != CONTINUES_SAME_EVENTS)
		return;
	log_line(LOG_WARN,
		"no run in the lake ends where this one begins: what began before its first events is unknown to it",
		"run", f->id.info.run_id, NULL);
}

/* What stood was of the dropped run too. */
static status dropped_again(struct flow *f, const struct commit *c, struct err *err)
{
	struct history *h = &f->state.history;
	const char **runs = ARENA_NEW(&f->arena, const char *, c->n_history + 1);
	if (runs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < c->n_history; i++) runs[i] = c->history[i];
	runs[c->n_history] = f->id.info.drops;
	h->runs = h->base.runs = runs;
	h->n_runs = h->base.n_runs = c->n_history + 1;
	return OK;
}

/* Of a run that has folded: the history of its commit, with the base that it was planned on. */
static status history_again(struct flow *f, const struct commit *c, struct err *err)
{
	struct history *h = &f->state.history;
	*h = (struct history){.runs = c->history,
		.n_runs = c->n_history,
		.as_of = INT64_MIN,
		.base = {.runs = c->history, .n_runs = c->n_history, .claim = c->claim - 1},
		.files.arena = &f->arena};
	struct picture stored;
	if (flow_drops(f)) TRY(dropped_again(f, c, err));
	const status code = picture_load(f->lake,
		(struct picture_at){flow_run_date(f), f->id.info.run_id, PICTURE_BASE}, &f->arena, &stored, err);
	if (code == E_NOT_FOUND) return OK; /* then what stands is the base */
	TRY(code);
	h->base.tables = stored.tables;
	h->base.n_tables = stored.n_tables;
	if (!flow_drops(f)) return OK;
	h->runs = h->base.runs = stored.runs; /* the head last, whose end is waited for */
	h->n_runs = h->base.n_runs = stored.n_runs;
	return OK;
}

/* The layer reckons with the history's runs as far as the last that was through all stages of it: each makes what those before it left
 * undone. */
static status find_through(struct flow *f, size_t stage, struct err *err)
{
	const struct history *h = &f->state.history;
	const char *layer = stage_layer(&f->w->stages[stage]);
	f->state.n_through = 0;
	if (!f->w->folding.reckons) return OK;
	while (stage + 1 < f->w->n_stages && strcmp(stage_layer(&f->w->stages[stage + 1]), layer) == 0) stage++;
	for (f->state.n_through = h->n_runs; f->state.n_through > 0; f->state.n_through--) {
		char key[RUN_KEY_MAX];
		int32_t date;
		int64_t bytes;
		const char *run_id = h->runs[f->state.n_through - 1];
		status code = commit_find(f->lake, run_id, &date, err);
		if (code == OK) {
			commit_key(key, date, run_id, f->w->stages[stage].name);
			code = store_size(f->lake, key, &bytes, err);
		}
		if (code != E_NOT_FOUND) return code;
	}
	return OK;
}

/* What stands of a later layer's table, and the version that the run builds on: what it found when it folded, unless somebody committed
 * since and the run has not yet. */
static status later_standing(struct flow *f, const struct table_schema *t, struct picture_table *table, struct err *err)
{
	char root[RUN_KEY_MAX], app_id[RUN_KEY_MAX];
	struct delta_snapshot *s = NULL;
	flow_table_root(t, root);
	const int64_t found = table->version;
	table->version = -1;
	status code = delta_snapshot_open(f->lake, root, DELTA_LATEST, &s, err);
	if (code == E_NOT_FOUND) return OK;
	TRY(code);
	const bool own = delta_snapshot_app_txn(s, flow_app_id(f->id.info.run_id, t->layer, app_id)) != NULL;
	table->version = own ? found : s->version;
	const struct history_part part = {table->name, table->version, &f->state.history.base};
	if (part.version == s->version)
		code = history_snapshot_files(s, f->w, &part, &f->state.standing, err);
	else if (part.version >= 0)
		code = history_part_files(f->lake, f->w, &part, &f->state.standing, err);
	delta_snapshot_close(s);
	return code;
}

static int by_table(const void *a, const void *b)
{
	return strcmp(((const struct picture_table *)a)->name, ((const struct picture_table *)b)->name);
}

/* Put base.json with these versions in place of those that it had. */
static status base_update(struct flow *f, const struct picture_table *now, size_t n, struct err *err)
{
	struct picture *base = &f->state.history.base;
	struct picture_table *tables = ARENA_NEW(&f->arena, struct picture_table, base->n_tables + n + 1);
	size_t n_tables = 0;
	bool changed = false;
	if (tables == NULL) return fail_nomem(err);
	for (size_t i = 0; i < base->n_tables; i++) {
		bool again = false;
		for (size_t k = 0; k < n && !again; k++) again = strcmp(base->tables[i].name, now[k].name) == 0;
		if (!again) tables[n_tables++] = base->tables[i];
	}
	for (size_t k = 0; k < n; k++) {
		changed |= picture_version(base, now[k].name) != now[k].version;
		tables[n_tables++] = now[k];
	}
	qsort(tables, n_tables, sizeof *tables, by_table);
	base->tables = tables;
	base->n_tables = n_tables;
	if (!changed) return OK;
	return picture_put(f->lake, (struct picture_at){flow_run_date(f), f->id.info.run_id, PICTURE_BASE}, base, err);
}

static status find_standing(struct flow *f, const char *stage, bool folding, struct err *err)
{
	struct picture_table *now = ARENA_NEW(&f->arena, struct picture_table, f->w->n_tables + 1);
	size_t n = 0;
	if (now == NULL) return fail_nomem(err);
	f->state.standing = (struct file_list){.arena = &f->arena};
	for (size_t i = 0; i < f->w->n_tables; i++) {
		const struct table_schema *t = f->w->tables[i];
		if (!workload_writes(f->w, stage, t) || !has_runs(t)) continue;
		const char *name = arena_printf(&f->arena, "%s.%s", t->layer, t->name);
		if (name == NULL) return fail_nomem(err);
		struct picture_table *table = &now[n++];
		*table = (struct picture_table){name, picture_version(&f->state.history.base, name)};
		const struct history_part part = {name, table->version, &f->state.history.base};
		if (!folding)
			TRY(later_standing(f, t, table, err));
		else if (part.version >= 0)
			TRY(history_part_files(f->lake, f->w, &part, &f->state.standing, err));
	}
	file_list_sort(&f->state.standing);
	return folding ? OK : base_update(f, now, n, err);
}

/* Has another process the run's lease? */
static status at_work(struct flow *f, const char *run_id, bool *out, struct err *err)
{
	struct control_lease lease;
	struct err why;
	err_clear(&why);
	control_lease_init(&lease, run_id);
	const status code = control_lease_acquire(f->control, &lease, time_now_us(), &why);
	*out = code == E_BUSY;
	if (code == OK) return control_lease_release(f->control, &lease, err);
	if (code != E_BUSY && err != NULL) *err = why;
	return code == E_BUSY ? OK : code;
}

static status open_history(struct flow *f, struct err *err)
{
	struct history *h = &f->state.history;
	const struct history_search s = flow_history_search(f);
	TRY(flow_history_find(f, h, err));
	if (flow_drops(f)) {
		TRY(flow_drop_dates(f, h, err));
		TRY(history_open(&s, flow_run_date(f), &f->arena, h, err));
		return flow_drop_events(f, &h->base, err);
	}
	/* A run that was begun before its head was done: the picture never goes back in time. */
	if (h->as_of > f->id.info.as_of) f->id.info.as_of = h->as_of;
	return history_open(&s, flow_run_date(f), &f->arena, h, err);
}

/* A run that has the claim and is at work is done soon: between the claim and its commit come the other tables' commits alone. One that
 * was killed there is in the way until it is run again. */
static status wait_for_history(struct flow *f, struct err *err)
{
	for (bool gone = false, waited = false;; waited = true) {
		struct err why;
		bool busy = false;
		err_clear(&why);
		const status code = open_history(f, &why);
		const bool claimed = code == E_BUSY && f->state.history.claimant[0] != '\0';
		if (claimed && !gone) TRY(at_work(f, f->state.history.claimant, &busy, err));
		if (!claimed || gone) {
			if (code != OK && err != NULL) *err = why;
			return code;
		}
		gone = !busy; /* perhaps done by now: looked at once more */
		if (busy && !waited)
			log_line(LOG_INFO, "waiting for a run that goes on from the same one, or opens the history",
				"run", f->state.history.claimant, NULL);
		TRY(cancel_check(err));
		if (busy) (void)nanosleep(&(struct timespec){.tv_nsec = CLAIM_POLL_US * 1000}, NULL);
	}
}

/* The run before may be at a later stage still: what this one finds of that layer, and what the serving database shows last, is then this
 * run's own only after it ended. Of one that was killed the rest is never made: this run supersedes it. */
static status wait_for_run_before(struct flow *f, struct err *err)
{
	const struct history *h = &f->state.history;
	bool busy = h->n_runs > 0;
	for (bool waited = false; busy; waited = true) {
		TRY(at_work(f, h->runs[h->n_runs - 1], &busy, err));
		if (!busy) return OK;
		if (!waited)
			log_line(LOG_INFO, "waiting for the run that this one goes on from", "run",
				h->runs[h->n_runs - 1], NULL);
		TRY(cancel_check(err));
		(void)nanosleep(&(struct timespec){.tv_nsec = CLAIM_POLL_US * 1000}, NULL);
	}
	return OK;
}

status flow_history_prepare(struct flow *f, size_t stage, struct err *err)
{
	ASSERT(stage < f->w->n_stages);
	const char *name = f->w->stages[stage].name;
	const bool folding = workload_folds(f->w, name);
	f->state.standing.n = 0;
	if (folding) {
		TRY(wait_for_history(f, err));
		warn_alone(f);
	}
	for (size_t k = 0; !folding && k < f->state.n_committed; k++) {
		if (workload_folds(f->w, f->state.commits[k].stage) &&
			(f->state.commits[k].n_history > 0 || flow_drops(f)))
			TRY(history_again(f, &f->state.commits[k], err));
	}
	if (!folding) TRY(wait_for_run_before(f, err));
	if (f->state.history.n_runs == 0) return OK;
	TRY(find_standing(f, name, folding, err));
	return folding ? OK : find_through(f, stage, err);
}

const char *flow_history_id(const struct flow *f, size_t stage)
{
	bool known = workload_folds(f->w, f->w->stages[stage].name);
	for (size_t k = 0; k < f->state.n_committed; k++) known |= workload_folds(f->w, f->state.commits[k].stage);
	if (!known) return "";
	const struct history *h = &f->state.history;
	for (size_t i = 0; i < h->n_runs; i++) { /* a dropped run has opened nothing */
		if (strcmp(h->runs[i], f->id.info.drops) != 0) return h->runs[i];
	}
	return f->id.info.run_id;
}

/* ---- what the stage leaves ---------------------------------------------------------------------------------------------- */

static int by_path(const void *key, const void *item)
{
	return strcmp(key, ((const struct file_ref *)item)->path);
}

status flow_history_split(struct flow *f, struct commit *c, struct err *err)
{
	ASSERT(f->state.n_committed < f->w->n_stages); /* its place in state.files */
	const struct file_list *standing = &f->state.standing;
	struct file_list fresh = {.arena = &f->arena}, picture = {.arena = &f->arena};
	if (f->state.history.n_runs == 0) return OK;
	TRY(flow_drop_runs(f, &f->state.history.base, &c->history, &c->n_history, err));
	c->claim = f->state.history.base.claim + 1;
	bool *kept = ARENA_ZNEW(&f->arena, bool, standing->n + 1);
	if (kept == NULL) return fail_nomem(err);
	for (size_t i = 0; i < c->files.n; i++) {
		const struct file_ref *out = &c->files.items[i];
		const struct file_ref *found = standing->n > 0 ? bsearch(out->path, standing->items, standing->n,
									 sizeof *standing->items, by_path)
							       : NULL;
		if (found != NULL) kept[found - standing->items] = true;
		if (found == NULL && !file_list_add(&fresh, out)) return fail_nomem(err);
		if (!file_list_add(&picture, out)) return fail_nomem(err);
	}
	for (size_t i = 0; i < standing->n; i++) {
		if (!kept[i] && !file_list_add(&c->removed, &standing->items[i])) return fail_nomem(err);
	}
	c->files = fresh;
	f->state.files[f->state.n_committed] = picture; /* for the checks, which come before the commit */
	return OK;
}

status flow_picture_files(struct flow *f, const struct commit *c, struct file_list *out, struct err *err)
{
	const char **runs = ARENA_NEW(&f->arena, const char *, c->n_history + 1);
	if (runs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < c->n_history; i++) runs[i] = c->history[i];
	runs[c->n_history] = f->id.info.run_id;
	const struct picture all = {.runs = runs, .n_runs = c->n_history + 1};
	*out = (struct file_list){.arena = &f->arena};
	for (size_t i = 0; i < c->files.n; i++) { /* of tables that belong to no run, and rejects */
		const size_t table = workload_table_index(f->w, c->files.items[i].table);
		if (table < f->w->n_tables && has_runs(f->w->tables[table])) continue;
		if (!file_list_add(out, &c->files.items[i])) return fail_nomem(err);
	}
	for (size_t i = 0; i < f->w->n_tables; i++) {
		const struct table_schema *t = f->w->tables[i];
		if (!workload_writes(f->w, c->stage, t) || !has_runs(t)) continue;
		const char *name = arena_printf(&f->arena, "%s.%s", t->layer, t->name);
		if (name == NULL) return fail_nomem(err);
		/* At the version of the run's own commit, where it is known: a run that goes on from this one takes files out again. */
		const int64_t own = f->state.versions[i];
		const struct history_part part = {name, own >= 0 ? own : DELTA_LATEST, &all};
		TRY(history_part_files(f->lake, f->w, &part, out, err));
	}
	file_list_sort(out);
	return OK;
}

/* Of a stage after the folding one: the history, and how much of it the layer reckons with. */
static status through_again(struct flow *f, size_t stage, struct err *err)
{
	for (size_t k = 0; k < stage; k++) {
		const struct commit *c = &f->state.commits[k];
		if (workload_folds(f->w, c->stage) && c->n_history > 0) TRY(history_again(f, c, err));
	}
	return find_through(f, stage, err);
}

/* What stood = what stands of others and what was removed: their rows are as they were, whatever compaction did to files since. */
status flow_history_stood(struct flow *f, size_t stage, struct err *err)
{
	const struct commit *c = &f->state.commits[stage];
	const struct file_list *picture = &f->state.files[stage];
	f->state.standing = (struct file_list){.arena = &f->arena};
	if (flow_drops(f) && workload_folds(f->w, c->stage)) {
		TRY(history_again(f, c, err));
		TRY(flow_drop_events(f, &f->state.history.base, err));
	}
	if (!flow_drops(f)) TRY(through_again(f, stage, err));
	for (size_t i = 0; c->n_history > 0 && i < picture->n; i++) {
		const struct delta_pair *run = delta_pairs_get(&picture->items[i].partition, STR("run_id"));
		if (run == NULL || str_is(run->value, f->id.info.run_id)) continue;
		if (!file_list_add(&f->state.standing, &picture->items[i])) return fail_nomem(err);
	}
	for (size_t i = 0; i < c->removed.n; i++) {
		if (!file_list_add(&f->state.standing, &c->removed.items[i])) return fail_nomem(err);
	}
	file_list_sort(&f->state.standing);
	return OK;
}

/* ---- before and after ---------------------------------------------------------------------------------------------------- */

status flow_history_check_as_of(struct flow *f, struct err *err)
{
	struct history h;
	char text[TIME_RFC3339_CHARS + 1] = "";
	if (f->state.n_committed > 0 || f->id.info.as_of == INT64_MIN) return OK;
	TRY(flow_history_find(f, &h, err));
	if (h.as_of <= f->id.info.as_of) return OK;
	time_format(h.as_of, text);
	return fail(err, E_USAGE, "run %s, which this one would go on from, describes %s: as_of can't be earlier",
		h.runs[h.n_runs - 1], text);
}

static status note_run(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	char *run_id = arg;
	(void)err;
	if (n == 1 && values[0].kind == CONTROL_TEXT && values[0].text.n == UUID_CHARS)
		memcpy(run_id, values[0].text.p, UUID_CHARS);
	return OK;
}

status flow_history_check_published(struct flow *f, struct err *err)
{
	struct history h;
	char shown[UUID_CHARS + 1] = "";
	const char *params[] = {f->w->name};
	const struct control_select q = {FLOW_SELECT_PUBLISHED, params, 1};
	if (!f->o->publish || f->o->replace_published || f->o->only != NULL || f->o->until != NULL) return OK;
	TRY(control_query(f->control, &q, note_run, shown, err));
	if (shown[0] == '\0' || strcmp(shown, f->id.info.run_id) == 0) return OK;
	TRY(flow_history_find(f, &h, err));
	if (picture_has_run(&h.base, str_of(shown))) return OK;
	const status code = fail(err, E_USAGE,
		"the published tables show run %s, which this run does not go on from: publishing would replace what "
		"it says",
		shown);
	return err_advise(err, code, ADVICE_REPLACE_PUBLISHED, NULL);
}

status flow_history_superseded(struct flow *f, bool *out, struct err *err)
{
	const struct commit *folded = NULL;
	char root[RUN_KEY_MAX], claim_id[RUN_KEY_MAX];
	struct delta_snapshot *s = NULL;
	*out = false;
	for (size_t k = 0; k < f->state.n_committed; k++) {
		if (workload_folds(f->w, f->state.commits[k].stage)) folded = &f->state.commits[k];
	}
	if (folded == NULL) return OK;
	flow_table_root(f->w->tables[workload_table_index(f->w, f->w->folding.claims)], root);
	const status code = delta_snapshot_open(f->lake, root, DELTA_LATEST, &s, err);
	if (code == E_NOT_FOUND) return OK; /* made again from the commit */
	TRY(code);
	const char *history = folded->n_history > 0 ? folded->history[0] : f->id.info.run_id;
	const struct history_search search = flow_history_search(f);
	const struct delta_app_txn *claim = delta_snapshot_app_txn(s, history_claim_id(&search, history, claim_id));
	*out = claim != NULL && claim->version > folded->claim;
	delta_snapshot_close(s);
	return OK;
}

status flow_versions_put(struct flow *f, struct err *err)
{
	ASSERT(f->state.n_committed > 0);
	struct picture p = {0}, stands;
	struct arena scratch;
	arena_init(&scratch, 0);
	const status found = picture_load(f->lake,
		(struct picture_at){flow_run_date(f), f->id.info.run_id, PICTURE_LEFT}, &scratch, &stands, err);
	arena_deinit(&scratch);
	if (found != E_NOT_FOUND) return found;
	struct picture_table *tables = ARENA_NEW(&f->arena, struct picture_table, f->w->n_tables + 1);
	const char **runs = ARENA_NEW(&f->arena, const char *, 1);
	if (tables == NULL || runs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < f->w->n_tables; i++) {
		const struct table_schema *t = f->w->tables[i];
		const char *name = arena_printf(&f->arena, "%s.%s", t->layer, t->name);
		if (name == NULL) return fail_nomem(err);
		if (f->state.versions[i] >= 0)
			tables[p.n_tables++] = (struct picture_table){name, f->state.versions[i]};
	}
	qsort(tables, p.n_tables, sizeof *tables, by_table);
	p.tables = tables;
	for (size_t k = 0; k < f->state.n_committed; k++) {
		const struct commit *c = &f->state.commits[k];
		if (!workload_folds(f->w, c->stage)) continue;
		runs = ARENA_NEW(&f->arena, const char *, c->n_history + 1);
		if (runs == NULL) return fail_nomem(err);
		for (size_t i = 0; i < c->n_history; i++) runs[i] = c->history[i];
		p.n_runs = c->n_history;
		p.claim = c->claim;
	}
	runs[p.n_runs++] = f->id.info.run_id;
	p.runs = runs;
	return picture_put(f->lake, (struct picture_at){flow_run_date(f), f->id.info.run_id, PICTURE_LEFT}, &p, err);
}
