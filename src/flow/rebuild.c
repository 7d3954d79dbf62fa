/* flow/rebuild.c: the steps of a rebuild.
 *
 *   lease ─► plan ─► put the mark ─► nobody at work? ─► remove tables, later stages' commits and records ─► mark: removed
 *         ─► each run again, in order ─► publish ─► the mark goes
 *
 * 1. The mark is durable before the first removal, and what was removed is gone durably before the mark says so; killed in between, the
 *    removal begins again, and removes of what was made again nothing that is not made once more.
 * 2. A run takes its lease and then looks for the mark; a rebuild puts the mark and then looks at the leases: of two that begin at once one
 *    at least sees the other.
 * 3. How a run is made again, and what a kill in the middle of one leaves, is the protocol of runs (flow/run.c) and nothing of its own.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/vec.h"
#include "flow/picture.h"
#include "flow/rebuild_int.h"
#include "flow/rejects.h"
#include "flow/run_int.h"
#include "flow/superseded.h"

/* Under it rebuilds of a lake take turns: no run has this id. */
#define REBUILD_LEASE "00000000-0000-0000-0000-000000000000"
enum { DELETE_AT_ONCE = 1000 };

struct rebuild {
	const struct workload_list *known;
	const struct run_opts *o;
	struct rebuild_report *report;
	struct rebuild_plan plan;
	struct arena arena;
};

void rebuild_report_deinit(struct rebuild_report *r)
{
	for (size_t i = 0; i < r->n_runs; i++) run_report_deinit(&r->runs[i]);
	mem_free(r->runs);
	mem_free(r->published);
	*r = (struct rebuild_report){0};
}

/* ---- who else is at work ------------------------------------------------------------------------------------------------ */

struct ids {
	const char **items;
	size_t n, cap;
	struct arena *arena;
};

static status note_id(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct ids *ids = arg;
	if (n != 1 || values[0].kind != CONTROL_TEXT) return OK;
	if (!VEC_ROOM_IN(ids->arena, ids, 1)) return fail_nomem(err);
	ids->items[ids->n] = arena_strndup(ids->arena, values[0].text.p, values[0].text.n);
	return ids->items[ids->n++] != NULL ? OK : fail_nomem(err);
}

static status select_ids(struct rebuild *b, const struct control_select *q, struct ids *out, struct err *err)
{
	*out = (struct ids){.arena = &b->arena};
	return control_query(b->o->control, q, note_id, out, err);
}

static status check_idle(struct rebuild *b, struct err *err)
{
	static const struct control_select leases = {.sql = "SELECT run_id FROM meta.leases"};
	struct ids held;
	TRY(select_ids(b, &leases, &held, err));
	for (size_t i = 0; i < held.n; i++) {
		struct control_lease lease;
		if (strcmp(held.items[i], REBUILD_LEASE) == 0) continue;
		control_lease_init(&lease, held.items[i]);
		TRY(control_lease_acquire(b->o->control, &lease, time_now_us(), err));
		TRY(control_lease_release(b->o->control, &lease, err));
	}
	return OK;
}

/* ---- the plan ----------------------------------------------------------------------------------------------------------- */

static void is_published(struct rebuild *b, const char *run_id)
{
	for (size_t i = 0; i < b->plan.n; i++) /* else the database is another lake's too */
		b->plan.items[i].published |= strcmp(b->plan.items[i].run_id, run_id) == 0;
}

/* Whose pictures the SQL tables show; of a control plane that knows no run any more, the lake's newest. */
static status find_published(struct rebuild *b, struct err *err)
{
	static const struct control_select any = {.sql = "SELECT run_id FROM meta.runs LIMIT 1"};
	struct ids shown, known;
	struct picture *newest;
	size_t n_newest;
	for (size_t i = 0; i < b->known->n; i++) {
		const struct control_select q = {FLOW_SELECT_PUBLISHED, &b->known->items[i]->name, 1};
		TRY(select_ids(b, &q, &shown, err));
		if (shown.n > 0) is_published(b, shown.items[0]);
	}
	TRY(select_ids(b, &any, &known, err));
	if (known.n > 0) return OK;
	TRY(history_newest(b->o->lake, b->known, &b->arena, &newest, &n_newest, err));
	for (size_t i = 0; i < n_newest; i++) is_published(b, newest[i].runs[newest[i].n_runs - 1]);
	return OK;
}

/* ---- what goes ---------------------------------------------------------------------------------------------------------- */

struct doomed {
	const struct workload_list *known;
	bool only_following; /* of the folder of manifests */
	const char *name;    /* only objects of this name; NULL: all */
	const char **items;
	size_t n, cap;
	int64_t bytes;
	struct arena *arena;
};

static status doom(void *arg, const struct store_entry *e, struct err *err)
{
	struct doomed *d = arg;
	const char *name = strrchr(e->key, '/');
	if (d->only_following && !rebuild_follows(d->known, e->key)) return OK;
	if (d->name != NULL && (name == NULL || strcmp(name + 1, d->name) != 0)) return OK;
	if (!VEC_ROOM_IN(d->arena, d, 1)) return fail_nomem(err);
	d->items[d->n] = arena_strndup(d->arena, e->key, strlen(e->key));
	if (d->items[d->n++] == NULL) return fail_nomem(err);
	d->bytes += e->bytes;
	return OK;
}

static status doom_tables(struct rebuild *b, const struct workload *w, struct doomed *out, struct err *err)
{
	char root[RUN_KEY_MAX];
	bool keeps;
	TRY(rebuild_keeps(b->o->lake, &b->plan, w, &keeps, err));
	const size_t kept = keeps ? workload_table_index(w, w->folding.events) : w->n_tables;
	for (size_t i = 0; i < w->n_tables; i++) {
		if (i == kept) continue;
		flow_table_root(w->tables[i], root);
		TRY(store_list(b->o->lake, root, doom, out, err));
	}
	return OK;
}

/* Tables of somebody else's in the same layers stay, and streams' tables of rejects. */
static status list_doomed(struct rebuild *b, struct doomed *out, struct err *err)
{
	*out = (struct doomed){.known = b->known, .arena = &b->arena};
	for (size_t k = 0; k < b->known->n; k++) TRY(doom_tables(b, b->known->items[k], out, err));
	out->name = REJECTS_NAME;
	TRY(store_list(b->o->lake, "rejects", doom, out, err));
	out->name = NULL;
	out->only_following = true;
	return store_list(b->o->lake, "manifests", doom, out, err);
}

static status forget_run(struct rebuild *b, const struct rebuild_run *run, struct err *err)
{
	struct control_lease lease;
	control_lease_init(&lease, run->run_id);
	TRY(control_lease_acquire(b->o->control, &lease, time_now_us(), err));
	for (size_t k = 1; k < run->workload->n_stages; k++)
		TRY(control_stage_forget(b->o->control, &lease, run->workload->stages[k].name, err));
	return control_lease_release(b->o->control, &lease, err);
}

static status remove_old(struct rebuild *b, struct err *err)
{
	struct doomed d;
	TRY(list_doomed(b, &d, err));
	if (!b->o->quiet) log_line(LOG_INFO, "removing what is made again", "from", store_uri(b->o->lake), NULL);
	for (size_t i = 0; i < b->plan.n; i++) TRY(forget_run(b, &b->plan.items[i], err));
	for (size_t i = 0; i < d.n; i += DELETE_AT_ONCE) {
		const size_t left = d.n - i;
		TRY(cancel_check(err));
		TRY(store_delete_many(b->o->lake, d.items + i, left < DELETE_AT_ONCE ? left : DELETE_AT_ONCE, err));
	}
	b->report->n_removed = (int64_t)d.n;
	b->report->bytes_removed = d.bytes;
	TRY(store_sync(b->o->lake, err));
	b->plan.removed = true;
	return rebuild_mark_put(b->o->lake, &b->plan, err);
}

/* ---- the runs ----------------------------------------------------------------------------------------------------------- */

static status run_again(struct rebuild *b, const struct run_opts *o, struct err *err)
{
	struct run_report *r = &b->report->runs[b->report->n_runs++];
	run_report_init(r);
	const status code = flow_run(o, r, err);
	return code == OK ? OK : err_at(err, code, arena_printf(&b->arena, "run %s", o->run_id), -1, -1);
}

static status run_all(struct rebuild *b, struct err *err)
{
	struct run_opts o = *b->o;
	o.rebuild = true;
	o.publish = false;
	b->report->runs = mem_zalloc(b->plan.n, sizeof *b->report->runs);
	if (b->report->runs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < b->plan.n; i++) {
		char at[48];
		(void)snprintf(at, sizeof at, "%zu of %zu", i + 1, b->plan.n);
		TRY(cancel_check(err));
		o.workload = b->plan.items[i].workload;
		o.run_id = b->plan.items[i].run_id;
		o.until = b->plan.items[i].until;
		if (!o.quiet) log_line(LOG_INFO, "making a run again", "run", o.run_id, "which", at, NULL);
		TRY(run_again(b, &o, err));
	}
	return OK;
}

static status publish(struct rebuild *b, const struct rebuild_run *run, struct err *err)
{
	struct run_opts o = *b->o;
	struct run_report r;
	o.rebuild = o.replace_published = true;
	o.workload = run->workload;
	o.run_id = run->run_id;
	o.only = "publish";
	run_report_init(&r);
	const status code = flow_run(&o, &r, err);
	run_report_deinit(&r);
	return code;
}

static status publish_all(struct rebuild *b, struct err *err)
{
	struct rebuild_report *r = b->report;
	if (!b->o->publish) return OK;
	r->published = mem_zalloc(b->plan.n, sizeof *r->published);
	if (r->published == NULL) return fail_nomem(err);
	for (size_t i = 0; i < b->plan.n; i++) {
		if (!b->plan.items[i].published) continue;
		TRY(publish(b, &b->plan.items[i], err));
		r->published[r->n_published++] = r->runs[i].run_id;
	}
	return OK;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------- */

static status begin(struct rebuild *b, struct err *err)
{
	struct doomed d;
	int64_t bytes;
	TRY(rebuild_plan_find(b->known, b->o, &b->plan, &bytes, err));
	if (b->plan.n == 0) return OK;
	TRY(find_published(b, err));
	TRY(list_doomed(b, &d, err));
	TRY(flow_space_check(b->o->lake, bytes, d.bytes, "make room", err));
	TRY(rebuild_mark_put(b->o->lake, &b->plan, err));
	TRY(store_sync(b->o->lake, err));
	const status code = check_idle(b, err);
	if (code != OK && rebuild_mark_delete(b->o->lake, NULL) != OK)
		log_line(LOG_WARN, "the mark of the rebuild that was not begun is still there", NULL);
	return code;
}

static status rebuild_leased(struct rebuild *b, struct err *err)
{
	struct err why;
	err_clear(&why);
	const status found = rebuild_mark_load(b->o->lake, b->known, &b->plan, &why);
	b->report->resumed = found == OK;
	if (found != OK && found != E_NOT_FOUND) {
		if (err != NULL) *err = why;
		return found;
	}
	if (found == OK)
		TRY(check_idle(b, err));
	else
		TRY(begin(b, err));
	if (b->plan.n == 0) return OK;
	if (!b->plan.removed) TRY(remove_old(b, err));
	TRY(run_all(b, err));
	TRY(publish_all(b, err));
	TRY(store_sync(b->o->lake, err));
	return rebuild_mark_delete(b->o->lake, err);
}

status flow_rebuild(
	const struct workload_list *known, const struct run_opts *o, struct rebuild_report *r, struct err *err)
{
	struct rebuild b = {.known = known, .o = o, .report = r};
	struct control_lease lease;
	struct control_heartbeat *heartbeat = NULL;
	struct err later;
	ASSERT(o->lake != NULL && o->control != NULL && o->config.n == 0);
	r->lake = store_uri(o->lake);
	control_lease_init(&lease, REBUILD_LEASE);
	const status held = control_lease_acquire(o->control, &lease, time_now_us(), err);
	if (held == E_BUSY) return fail(err, E_BUSY, "another rebuild is at work: wait for it");
	TRY(held);
	arena_init(&b.arena, 0);
	b.plan.arena = &b.arena;
	status code = control_heartbeat_start(o->control, &lease, &heartbeat, err);
	if (code == OK) code = rebuild_leased(&b, err);
	control_heartbeat_stop(heartbeat);
	err_clear(&later);
	if (control_lease_release(o->control, &lease, &later) != OK)
		log_line(LOG_WARN, "cannot release the rebuild's lease", "error", later.message, NULL);
	arena_deinit(&b.arena);
	return code;
}
