/* flow/drop.c: a run that takes another one out of its history.
 *
 *   U ◄── dropped by D:  D has no events; it folds those of the history's other runs as if they were its own, and its commits remove all
 *                        that stood of the history        manifests/day=<of U>/run_id=<U>/dropped.json says so
 *
 * 1. D is a run as any other: it claims the head, is killed and resumed, verified, published and gone on from. Its id follows from U's.
 * 2. The mark stands before D changes a table and is never taken back: U is refused from then on, and D is run until it is done.
 * 3. What D describes follows from the commits of the other runs alone, as if U had never been.
 */
#include "flow/drop.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/seal.h"
#include "base/vec.h"
#include "flow/run_int.h"
#include "io/json/json_doc.h"
#include "table/log/snapshot.h"

#define DROP_MARK "dropped.json"

/* ---- the mark -------------------------------------------------------------------------------------------------------- */

static bool take(const struct json_node *root, const char *member, char *dst, size_t chars)
{
	struct str text;
	if (!json_node_str(json_node_get(root, member), &text) || text.n != chars) return false;
	memcpy(dst, text.p, chars);
	dst[chars] = '\0';
	return true;
}

static void mark_write(struct buf *out, const struct drop_mark *m, bool sealed)
{
	const size_t from = out->n;
	buf_printf(out, "{\"config_hash\":\"%s\",\"run_id\":\"%s\"", m->config_hash, m->by);
	size_t seal = 0;
	if (sealed) {
		buf_str(out, ",\"seal\":\"");
		seal = seal_blank(out);
		buf_char(out, '"');
	}
	buf_char(out, '}');
	if (sealed) seal_close(out, from, seal);
}

void drop_mark_json(struct buf *out, const struct drop_mark *m)
{
	mark_write(out, m, true);
}

status drop_mark_parse(struct str text, struct drop_mark *m, struct err *err)
{
	struct json_doc *doc = NULL;
	struct buf again;
	TRY(json_doc_parse(text, &doc, err));
	const struct json_node *root = json_doc_root(doc);
	const bool whole =
		take(root, "config_hash", m->config_hash, HEX_SHA256_CHARS) && take(root, "run_id", m->by, UUID_CHARS);
	json_doc_destroy(doc);
	status code = OK;
	bool same = false;
	buf_init(&again, 0);
	for (int sealed = 1; sealed >= 0 && whole && !same && code == OK; sealed--) { /* early builds wrote no digest */
		buf_reset(&again);
		mark_write(&again, m, sealed == 1);
		code = buf_check(&again, err);
		same = code == OK && str_eq(text, (struct str){(const char *)again.p, again.n});
	}
	buf_deinit(&again);
	TRY(code);
	return same ? OK : fail(err, E_CORRUPT, "not the mark of a run that was dropped");
}

status drop_find(struct store *lake, int32_t date, const char *run_id, struct drop_mark *out, struct err *err)
{
	char key[RUN_KEY_MAX];
	struct buf text;
	struct err why;
	*out = (struct drop_mark){0};
	run_key(key, date, run_id, DROP_MARK);
	buf_init(&text, 0);
	err_clear(&why);
	status code = store_get(lake, key, &text, &why);
	const bool none = code == E_NOT_FOUND;
	if (code == OK) code = drop_mark_parse((struct str){(const char *)text.p, text.n}, out, &why);
	buf_deinit(&text);
	if (none || code == OK) return OK;
	if (err != NULL) *err = why;
	return err_at(err, code, key, -1, -1);
}

status flow_drop_refuse(struct flow *f, struct err *err)
{
	struct drop_mark m;
	if (f->state.n_committed == 0) return OK;
	TRY(drop_find(f->lake, flow_run_date(f), f->id.info.run_id, &m, err));
	if (m.by[0] == '\0') return OK;
	return err_advise(err,
		fail(err, E_CONFLICT, "run %s was dropped by run %s, and does not come back; its input may",
			f->id.info.run_id, m.by),
		ADVICE_NEW_RUN, NULL);
}

/* meta.runs shows it. A control plane that was lost has no such row. */
static status mark_row(struct flow *f, const struct control_lease *lease, struct err *err)
{
	struct control_run run;
	struct err why;
	err_clear(&why);
	const status code = control_run_get(f->control, f->id.info.drops, &f->arena, &run, &why);
	if (code == E_NOT_FOUND) return OK;
	if (code != OK && err != NULL) *err = why;
	TRY(code);
	run.dropped_by = f->id.info.run_id;
	return control_run_update(f->control, lease, &run, err);
}

static status mark_put(struct flow *f, const struct control_lease *lease, struct err *err)
{
	char key[RUN_KEY_MAX];
	int32_t date;
	struct buf text;
	struct drop_mark m, stands;
	memcpy(m.by, f->id.info.run_id, sizeof m.by);
	memcpy(m.config_hash, f->id.info.config_hash, sizeof m.config_hash);
	TRY(commit_find(f->lake, f->id.info.drops, &date, err));
	run_key(key, date, f->id.info.drops, DROP_MARK);
	buf_init(&text, 0);
	drop_mark_json(&text, &m);
	status code = buf_check(&text, err);
	if (code == OK) code = store_put_if_absent(f->lake, key, text.p, text.n, err);
	if (code == E_EXISTS && drop_find(f->lake, date, f->id.info.drops, &stands, NULL) == OK &&
		strcmp(stands.by, m.by) == 0 && strcmp(stands.config_hash, m.config_hash) == 0)
		code = store_put(f->lake, key, text.p, text.n, err); /* of an early build: the same, without a digest */
	buf_deinit(&text);
	if (code == E_EXISTS) code = fail(err, E_BUSY, "run %s was dropped meanwhile", f->id.info.drops);
	TRY(code);
	return mark_row(f, lease, err);
}

/* Nobody may run U while it is marked, nor be at it when D begins. */
status flow_drop_mark(struct flow *f, struct err *err)
{
	struct control_lease lease;
	struct err later;
	if (!flow_drops(f)) return OK;
	control_lease_init(&lease, f->id.info.drops);
	TRY(control_lease_acquire(f->control, &lease, time_now_us(), err));
	const status code = mark_put(f, &lease, err);
	err_clear(&later);
	const status released = control_lease_release(f->control, &lease, code == OK ? err : &later);
	return code != OK ? code : released;
}

/* ---- what is left ------------------------------------------------------------------------------------------------------ */

bool flow_drops(const struct flow *f)
{
	return f->id.info.drops[0] != '\0';
}

status flow_drop_runs(struct flow *f, const struct picture *of, const char *const **out, size_t *n, struct err *err)
{
	const char **runs = ARENA_NEW(&f->arena, const char *, of->n_runs + 1);
	*n = 0;
	if (runs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < of->n_runs; i++) {
		if (strcmp(of->runs[i], f->id.info.drops) != 0) runs[(*n)++] = of->runs[i];
	}
	*out = runs;
	return OK;
}

/* ---- what it describes --------------------------------------------------------------------------------------------------- */

/* What a run's commit says of its instants, and of the run that it went on from. */
struct told {
	char run_id[UUID_CHARS + 1], before[UUID_CHARS + 1];
	bool drops;
	int64_t as_of;
	int32_t date_from, date_to;
};
struct all_told {
	struct flow *f;
	char suffix[64];
	struct told *items;
	size_t n, cap;
};

static status tell(void *arg, const struct store_entry *e, struct err *err)
{
	struct all_told *all = arg;
	struct arena arena;
	struct commit c;
	const size_t n = strlen(e->key), end = strlen(all->suffix);
	if (n < end || strcmp(e->key + n - end, all->suffix) != 0) return OK;
	if (!VEC_ROOM(all, 1)) return fail_nomem(err);
	arena_init(&arena, 0);
	const status code = commit_load(all->f->lake, e->key, &arena, &c, err);
	if (code == OK) {
		struct told *t = &all->items[all->n++];
		*t = (struct told){.drops = c.run.drops[0] != '\0',
			.as_of = c.run.as_of,
			.date_from = c.run.date_from,
			.date_to = c.run.date_to};
		memcpy(t->run_id, c.run.run_id, sizeof t->run_id);
		if (c.n_history > 0) memcpy(t->before, c.history[c.n_history - 1], sizeof t->before);
	}
	arena_deinit(&arena);
	return code;
}

static const struct told *told_of(const struct all_told *all, const char *run_id)
{
	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->items[i].run_id, run_id) == 0) return &all->items[i];
	}
	return NULL;
}

/* A run without an as_of of its own takes that of the run before where its own events end earlier: then it is not the run's own. */
static int64_t own_as_of(const struct all_told *all, const struct told *t)
{
	const int64_t end = flow_day_end(all->f, t->date_to);
	const struct told *before = told_of(all, t->before);
	return before != NULL && before->as_of == t->as_of && t->as_of > end ? end : t->as_of;
}

/* An empty picture is as of the first day of all, so that whatever goes on from it is later. */
static void describe(const struct all_told *all, const char *const *runs, size_t n, struct run_info *r)
{
	r->as_of = INT64_MIN;
	r->date_from = INT32_MAX;
	r->date_to = INT32_MIN;
	for (size_t i = 0; i < n; i++) {
		const struct told *t = told_of(all, runs[i]);
		if (t == NULL || t->drops) continue;
		const int64_t as_of = own_as_of(all, t);
		if (as_of > r->as_of) r->as_of = as_of;
		if (t->date_from < r->date_from) r->date_from = t->date_from;
		if (t->date_to > r->date_to) r->date_to = t->date_to;
	}
	if (r->as_of == INT64_MIN) {
		r->as_of = 0;
		r->date_from = r->date_to = flow_local_date(all->f, 0);
	}
}

status flow_drop_dates(struct flow *f, const struct history *h, struct err *err)
{
	const char *const *runs;
	size_t n;
	struct all_told all = {.f = f};
	const int len = snprintf(all.suffix, sizeof all.suffix, "/stages/%s.json", f->w->folding.stage);
	ASSERT(len > 0 && (size_t)len < sizeof all.suffix);
	TRY(flow_drop_runs(f, &h->base, &runs, &n, err));
	const status code = store_list(f->lake, "manifests", tell, &all, err);
	if (code == OK) describe(&all, runs, n, &f->id.info);
	mem_free(all.items);
	return code;
}

/* ---- what it folds --------------------------------------------------------------------------------------------------------- */

/* Calls visit with each file of the table of events that the run's raw stage took: a stream had appended it. */
static status each_streamed(struct flow *f, const char *run_id,
	status (*visit)(struct flow *f, const struct file_ref *file, struct err *err), struct err *err)
{
	int32_t date;
	char key[RUN_KEY_MAX];
	struct commit raw;
	TRY(commit_find(f->lake, run_id, &date, err));
	commit_key(key, date, run_id, f->w->stages[0].name);
	TRY(commit_load(f->lake, key, &f->arena, &raw, err));
	for (size_t i = 0; i < raw.files.n; i++) {
		if (strcmp(raw.files.items[i].table, f->w->folding.events) != 0) continue;
		TRY(err_at(err, visit(f, &raw.files.items[i], err), raw.files.items[i].path, -1, -1));
	}
	return OK;
}

static status check_stands(struct flow *f, const struct file_ref *file, struct err *err)
{
	int64_t bytes;
	struct err why;
	err_clear(&why);
	const status code = store_size(f->lake, file->path, &bytes, &why);
	if (code == E_NOT_FOUND)
		return fail(err, E_UNSUPPORTED,
			"unsupported: a stream appended it and a run of this history took it, and it was compacted and "
			"removed since: the history can't be made again");
	if (code != OK && err != NULL) *err = why;
	return code;
}

status flow_drop_check_streamed(struct flow *f, const struct history *h, struct err *err)
{
	for (size_t i = 0; i < h->n_runs; i++) {
		if (strcmp(h->runs[i], f->id.info.drops) != 0) TRY(each_streamed(f, h->runs[i], check_stands, err));
	}
	return OK;
}

static status take_streamed(struct flow *f, const struct file_ref *file, struct err *err)
{
	return file_list_add(&f->state.events, file) ? OK : fail_nomem(err);
}

status flow_drop_events(struct flow *f, const struct picture *base, struct err *err)
{
	const char *events = f->w->folding.events;
	struct file_list all = {.arena = &f->arena};
	const int64_t version = picture_version(base, events);
	const struct history_part part = {events, version >= 0 ? version : DELTA_LATEST, base};
	f->state.events = (struct file_list){.arena = &f->arena};
	TRY(history_part_files(f->lake, f->w, &part, &all, err));
	for (size_t r = 0; r < base->n_runs; r++) {
		const size_t before = f->state.events.n;
		if (strcmp(base->runs[r], f->id.info.drops) == 0) continue;
		for (size_t i = 0; i < all.n; i++) {
			struct str run;
			all.items[i].earlier = false;
			TRY(file_ref_value(&all.items[i], "run_id", &run, err));
			if (str_is(run, base->runs[r]) && !file_list_add(&f->state.events, &all.items[i]))
				return fail_nomem(err);
		}
		if (f->state.events.n == before) TRY(each_streamed(f, base->runs[r], take_streamed, err));
	}
	return OK;
}
