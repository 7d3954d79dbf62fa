/* flow/rebuild_plan.c: which runs a lake holds, how far each went, and in which order they are made again.
 *
 * 1. A run comes after all that it went on from: in a history the claims count. Between histories it is as they ended, by the store's
 *    clock, so that the newest picture is the newest again; a copy of a lake may have lost that, and no row depends on it.
 * 2. Nothing is removed for a plan that can't be carried out: raw objects are hashed, configurations opened first.
 * Nothing is written here.
 */
#include <stdlib.h>

#include "base/thread.h"
#include "base/vec.h"
#include "flow/commit.h"
#include "flow/picture.h"
#include "flow/rebuild_int.h"
#include "flow/superseded.h"

#define CHECKSUMS "checksums.json"
enum { RAW = 0 };

struct found {
	char run_id[UUID_CHARS + 1];
	int32_t date;
	const char *stages[RUN_STAGES_MAX]; /* [n_stages] those that are committed, as listed */
	size_t n_stages;
	bool whole;       /* what comes after the last one stands too */
	int64_t left;     /* when its versions were put; INT64_MIN: never */
	int64_t modified; /* when it ended, else its last stage; no earlier than the run before it in its history */
	const struct workload *workload;
	size_t until;
	const char *history; /* runs of one history have one text */
	int64_t claim;
};
struct planning {
	const struct workload_list *known;
	const struct run_opts *o;
	struct found *items; /* [n] as listed: by day and id */
	size_t n, cap;
	int64_t bytes; /* of the refined layers, as far as their commits tell */
	struct arena *arena;
};

/* ---- what stands ------------------------------------------------------------------------------------------------------ */

/* manifests/day=<date>/run_id=<U>/<name> */
static bool split(const char *key, int32_t *date, struct str *run_id, const char **name)
{
	static const char day[] = "manifests/day=", run[] = "/run_id=";
	uint8_t id[UUID_BYTES];
	const size_t at_run = sizeof day - 1 + DATE_CHARS, at_id = at_run + sizeof run - 1;
	if (strlen(key) <= at_id + UUID_CHARS || strncmp(key, day, sizeof day - 1) != 0 ||
		strncmp(key + at_run, run, sizeof run - 1) != 0 || key[at_id + UUID_CHARS] != '/')
		return false;
	*run_id = (struct str){key + at_id, UUID_CHARS};
	*name = key + at_id + UUID_CHARS + 1;
	return date_parse((struct str){key + sizeof day - 1, DATE_CHARS}, date) && uuid_parse(*run_id, id);
}

/* Of "stages/<stage>.json"; n 0: another name. */
static struct str stage_of(const char *name)
{
	static const char folder[] = "stages/", end[] = ".json";
	const size_t n = strlen(name), around = sizeof folder - 1 + sizeof end - 1;
	if (n <= around || strncmp(name, folder, sizeof folder - 1) != 0 ||
		strcmp(name + n - (sizeof end - 1), end) != 0)
		return (struct str){0};
	return (struct str){name + sizeof folder - 1, n - around};
}

static bool is_last(const char *name)
{
	return strcmp(name, PICTURE_LEFT) == 0 || strcmp(name, CHECKSUMS) == 0;
}

bool rebuild_follows(const struct workload_list *known, const char *key)
{
	int32_t date;
	struct str run_id;
	const char *name;
	if (!split(key, &date, &run_id, &name)) return false;
	const struct str stage = stage_of(name);
	for (size_t i = 0; i < known->n; i++)
		if (str_is(stage, known->items[i]->stages[RAW].name)) return false;
	return stage.n > 0 || is_last(name) || strcmp(name, PICTURE_BASE) == 0;
}

static status note(void *arg, const struct store_entry *e, struct err *err)
{
	struct planning *p = arg;
	int32_t date;
	struct str run_id;
	const char *name;
	if (!split(e->key, &date, &run_id, &name)) return OK;
	const struct str stage = stage_of(name);
	if (stage.n == 0 && !is_last(name)) return OK;
	struct found *f = p->n > 0 ? &p->items[p->n - 1] : NULL;
	if (f == NULL || f->date != date || !str_is(run_id, f->run_id)) {
		if (!VEC_ROOM_IN(p->arena, p, 1)) return fail_nomem(err);
		f = &p->items[p->n++];
		*f = (struct found){.date = date, .left = INT64_MIN, .modified = INT64_MIN};
		memcpy(f->run_id, run_id.p, UUID_CHARS);
	}
	f->whole |= is_last(name);
	if (stage.n > 0 && f->n_stages < RUN_STAGES_MAX) {
		f->stages[f->n_stages] = arena_strndup(p->arena, stage.p, stage.n);
		if (f->stages[f->n_stages++] == NULL) return fail_nomem(err);
	}
	if (strcmp(name, PICTURE_LEFT) == 0) f->left = e->modified_us;
	if (e->modified_us > f->modified) f->modified = e->modified_us;
	return OK;
}

/* ---- one run ---------------------------------------------------------------------------------------------------------- */

struct raw_job {
	struct store *lake;
	const struct file_list *files;
};

static status check_object(void *arg, size_t i, int worker, struct err *err)
{
	const struct raw_job *job = arg;
	const struct file_ref *ref = &job->files->items[i];
	uint8_t hash[XXH128_BYTES];
	struct buf bytes;
	(void)worker;
	TRY(cancel_check(err));
	buf_init(&bytes, 0);
	const status code = store_get(job->lake, ref->path, &bytes, err);
	if (code == OK) hash_xxh128(bytes.p, bytes.n, hash);
	const bool same = code == OK && memcmp(hash, ref->xxh128, sizeof hash) == 0;
	buf_deinit(&bytes);
	if (code != E_NOT_FOUND) TRY(code);
	return same ? OK
		    : fail_at(err, E_VERIFY, ref->path, -1, -1,
			      "%s after it was written; restore it from a copy: nothing can be made again without it",
			      code == OK ? "changed" : "removed");
}

static status check_config(struct store *lake, const struct workload *w, const char *hash, struct err *err)
{
	struct buf text;
	void *config = NULL;
	buf_init(&text, 0);
	status code = flow_config_get(lake, hash, &text, err);
	if (code == OK) code = w->config_open((struct str){(const char *)text.p, text.n}, &config, err);
	if (config != NULL) w->config_close(config);
	buf_deinit(&text);
	return code;
}

/* Its history and its place there: of the commit of the stage that folds, or where that was damaged of the versions that it left. */
static status find_place(struct planning *p, struct found *f, bool makes, struct err *err)
{
	char key[RUN_KEY_MAX];
	struct commit c;
	struct picture left;
	struct err why;
	err_clear(&why);
	commit_key(key, f->date, f->run_id, f->workload->folding.stage);
	const status code = commit_load(p->o->lake, key, p->arena, &c, &why);
	const char *opener = f->run_id;
	if (code == OK) {
		f->claim = c.claim;
		if (c.n_history > 0) opener = c.history[0];
	} else if (picture_load(p->o->lake, (struct picture_at){f->date, f->run_id, PICTURE_LEFT}, p->arena, &left,
			   NULL) == OK &&
		   left.n_runs > 0) {
		f->claim = left.claim;
		opener = left.runs[0];
	} else {
		if (err != NULL) *err = why;
		return code == E_NOT_FOUND ? commit_fail(key, "removed", err) : code;
	}
	f->history = makes ? arena_strndup(p->arena, opener, UUID_CHARS) : f->workload->name;
	return f->history != NULL ? OK : fail_nomem(err);
}

static void add_bytes(struct planning *p, const struct found *f)
{
	struct arena scratch;
	arena_init(&scratch, 0);
	for (size_t k = RAW + 1; k <= f->until; k++) {
		char key[RUN_KEY_MAX];
		struct commit c;
		commit_key(key, f->date, f->run_id, f->workload->stages[k].name);
		if (commit_load(p->o->lake, key, &scratch, &c, NULL) != OK) continue;
		for (size_t i = 0; i < c.files.n; i++) p->bytes += c.files.items[i].bytes;
	}
	arena_deinit(&scratch);
}

/* The commit of its first stage, which says whose workload it is; E_NOT_FOUND: of none that is known. */
static status load_raw(struct planning *p, struct found *f, struct commit *raw, struct err *err)
{
	char key[RUN_KEY_MAX];
	status code = E_NOT_FOUND;
	for (size_t i = 0; i < p->known->n && code == E_NOT_FOUND; i++) {
		commit_key(key, f->date, f->run_id, p->known->items[i]->stages[RAW].name);
		code = commit_load(p->o->lake, key, p->arena, raw, err);
	}
	if (code == E_NOT_FOUND) return commit_fail(key, "removed", err);
	TRY(code);
	return workload_find(p->known, str_of(raw->run.workload), &f->workload, err);
}

static void find_until(struct found *f)
{
	f->until = f->whole ? f->workload->n_stages - 1 : RAW;
	for (size_t k = f->until + 1; k < f->workload->n_stages; k++)
		for (size_t i = 0; i < f->n_stages; i++)
			if (strcmp(f->stages[i], f->workload->stages[k].name) == 0) f->until = k;
}

static status look_at(struct planning *p, struct found *f, struct err *err)
{
	struct commit raw;
	size_t folding = 0;
	TRY(load_raw(p, f, &raw, err));
	find_until(f);
	if (f->until == RAW) return OK;
	if (f->left != INT64_MIN) f->modified = f->left;
	const struct workload *w = f->workload;
	const int threads = p->o->threads > 0 ? p->o->threads : thread_cores();
	struct raw_job job = {p->o->lake, &raw.files};
	TRY(thread_for(raw.files.n, store_io_threads(p->o->lake, threads), check_object, &job, err));
	TRY(check_config(p->o->lake, w, raw.run.config_hash, err));
	add_bytes(p, f);
	while (folding < w->n_stages && !workload_folds(w, w->stages[folding].name)) folding++;
	f->history = f->run_id;
	return f->until < folding ? OK : find_place(p, f, run_makes(&raw.run), err);
}

/* ---- the order -------------------------------------------------------------------------------------------------------- */

static int compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_claim(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int order = strcmp(x->history, y->history);
	if (order == 0) order = compare(x->claim, y->claim);
	if (order == 0) order = compare(x->modified, y->modified);
	return order != 0 ? order : strcmp(x->run_id, y->run_id);
}

static int by_time(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	const int order = compare(x->modified, y->modified);
	return order != 0 ? order : by_claim(a, b);
}

static void put_in_order(struct planning *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++) /* what has only raw has nothing to make again */
		if (p->items[i].until > RAW) p->items[n++] = p->items[i];
	p->n = n;
	if (n == 0) return;
	qsort(p->items, n, sizeof *p->items, by_claim);
	for (size_t i = 1; i < n; i++) {
		const struct found *before = &p->items[i - 1];
		struct found *f = &p->items[i];
		if (strcmp(f->history, before->history) == 0 && f->modified < before->modified)
			f->modified = before->modified;
	}
	qsort(p->items, n, sizeof *p->items, by_time);
}

/* ---- what stays -------------------------------------------------------------------------------------------------------- */

/* Did the run take files of the table that no run had written? */
static status took_from(struct store *lake, const struct rebuild_run *r, const char *table, bool *out, struct err *err)
{
	char key[RUN_KEY_MAX];
	int32_t date;
	struct commit raw;
	struct arena arena;
	arena_init(&arena, 0);
	status code = commit_find(lake, r->run_id, &date, err);
	if (code == OK) {
		commit_key(key, date, r->run_id, r->workload->stages[RAW].name);
		code = commit_load(lake, key, &arena, &raw, err);
	}
	for (size_t i = 0; code == OK && i < raw.files.n; i++) *out |= strcmp(raw.files.items[i].table, table) == 0;
	arena_deinit(&arena);
	return code;
}

static bool has_stream(const struct delta_snapshot *s)
{
	static const char stream[] = "pqr-stream/";
	for (size_t i = 0; i < s->n_app_txns; i++) {
		const struct str id = s->app_txns[i].app_id;
		if (id.n >= sizeof stream - 1 && memcmp(id.p, stream, sizeof stream - 1) == 0) return true;
	}
	return false;
}

/* A log that can't be read tells of no stream: to make it anew may be why we are here. But what a run took is nowhere else. */
status rebuild_keeps(
	struct store *lake, const struct rebuild_plan *p, const struct workload *w, bool *out, struct err *err)
{
	char root[RUN_KEY_MAX];
	struct delta_snapshot *s = NULL;
	*out = false;
	if (w->folding.stage == NULL) return OK;
	for (size_t i = 0; i < p->n && !*out; i++)
		if (p->items[i].workload == w) TRY(took_from(lake, &p->items[i], w->folding.events, out, err));
	flow_table_root(w->tables[workload_table_index(w, w->folding.events)], root);
	const status code = delta_snapshot_open(lake, root, DELTA_LATEST, &s, *out ? err : NULL);
	if (code != OK) return *out ? err_at(err, code, root, -1, -1) : OK;
	*out |= has_stream(s);
	delta_snapshot_close(s);
	return OK;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------- */

status rebuild_plan_find(const struct workload_list *known, const struct run_opts *o, struct rebuild_plan *out,
	int64_t *bytes, struct err *err)
{
	struct planning p = {.known = known, .o = o, .arena = out->arena};
	TRY(store_list(o->lake, "manifests", note, &p, err));
	for (size_t i = 0; i < p.n; i++) TRY(look_at(&p, &p.items[i], err));
	put_in_order(&p);
	out->n = 0;
	if (!VEC_ROOM_IN(out->arena, out, p.n)) return fail_nomem(err);
	for (size_t i = 0; i < p.n; i++) {
		struct rebuild_run *r = &out->items[out->n++];
		*r = (struct rebuild_run){.workload = p.items[i].workload};
		r->until = r->workload->stages[p.items[i].until].name;
		memcpy(r->run_id, p.items[i].run_id, sizeof r->run_id);
	}
	*bytes = p.bytes;
	return OK;
}
