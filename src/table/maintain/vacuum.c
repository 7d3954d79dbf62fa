/* table/maintain/vacuum.c: list the folder, keep what rules 1 to 4 of vacuum.h name, delete the rest.
 *
 * The folder is listed before the log is read, and the newest version is looked at once more before anything goes: what somebody names
 * meanwhile is kept. Nothing is deleted before a commit tells of it.
 */
#include "table/maintain/vacuum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/vec.h"
#include "table/log/log.h"
#include "table/log/txn.h"

#define DAY_MS INT64_C(86400000)

enum { BATCH_MAX = 500 };

struct listed {
	const char *key;
	int64_t bytes, modified_ms;
};

struct vacuum {
	struct store *store;
	const char *root;
	const struct delta_vacuum_opts *opts;
	int64_t retention_ms, cutoff_ms;
	struct arena arena; /* keys, and paths of commits */
	struct {
		struct listed *items;
		size_t n, cap;
	} files;
	struct {
		struct str *items; /* paths */
		size_t n, cap;
	} keep;
	struct delta_snapshot *snapshot;
	int64_t commit_ms; /* of the commit being read */
	int64_t n_deleted, bytes_deleted;
	const char *batch[BATCH_MAX]; /* views files; to be deleted by one request, where one takes long */
	size_t n_batch;
};

/* ---- 1: what is there ---- */

/* path is relative to the table. A hidden part hides what is below it, unless it is the folder of a partition. */
static bool is_hidden(const char *path)
{
	for (const char *part = path;;) {
		const char *slash = strchr(part, '/');
		if (part[0] == '_' || part[0] == '.') {
			if (slash == NULL) return true;
			const size_t n = (size_t)(slash - part);
			const bool changes = part == path && n == 12 && memcmp(part, "_change_data", n) == 0;
			if (!changes && memchr(part, '=', n) == NULL) return true;
		}
		if (slash == NULL) return false;
		part = slash + 1;
	}
}

static const char *path_of(const struct vacuum *v, const char *key)
{
	return v->root[0] == '\0' ? key : key + strlen(v->root) + 1;
}

static status visit_listed(void *arg, const struct store_entry *e, struct err *err)
{
	struct vacuum *v = arg;
	if (is_hidden(path_of(v, e->key))) return OK;
	if (!VEC_ROOM(&v->files, 1)) return fail_nomem(err);
	const char *key = arena_strndup(&v->arena, e->key, strlen(e->key));
	if (key == NULL) return fail_nomem(err);
	v->files.items[v->files.n++] = (struct listed){key, e->bytes, e->modified_us / 1000};
	return OK;
}

/* ---- 2: what is needed ---- */

static status keep_path(struct vacuum *v, struct str path, struct err *err)
{
	if (!VEC_ROOM(&v->keep, 1)) return fail_nomem(err);
	v->keep.items[v->keep.n++] = path;
	return OK;
}

static status keep_copy(struct vacuum *v, struct str path, struct err *err)
{
	const char *copy = arena_strndup(&v->arena, path.p, path.n);
	if (copy == NULL) return fail_nomem(err);
	return keep_path(v, (struct str){copy, path.n}, err);
}

static status visit_action(void *arg, const struct delta_action *a, struct err *err)
{
	struct vacuum *v = arg;
	if (a->kind == DELTA_COMMIT_INFO) {
		const int64_t at_ms =
			a->info.timestamp_ms > a->info.in_commit_ms ? a->info.timestamp_ms : a->info.in_commit_ms;
		if (at_ms > v->commit_ms) v->commit_ms = at_ms;
	}
	if (a->kind == DELTA_ADD) return keep_copy(v, a->add.path, err);
	if (a->kind == DELTA_REMOVE) return keep_copy(v, a->remove.path, err);
	return OK;
}

/* Paths of the commits inside the retention period, newest first until one is older by its file and by its own word. A tombstone's time
 * alone would not do: a long transaction takes its time when it begins. */
static status keep_each_commit(struct vacuum *v, struct buf *text, struct arena *scratch, struct err *err)
{
	struct delta_log_list log;
	TRY(delta_log_list(v->store, v->root, &v->arena, &log, err));
	for (size_t i = log.n; i-- > 0;) {
		const struct delta_log_file *f = &log.files[i];
		if (f->kind != DELTA_LOG_COMMIT) continue;
		const size_t n_before = v->keep.n;
		v->commit_ms = f->modified_ms;
		buf_reset(text);
		arena_reset(scratch);
		TRY(delta_log_read(v->store, f->key, text, scratch, &(struct delta_visitor){visit_action, v}, err));
		if (v->commit_ms > v->cutoff_ms) continue;
		v->keep.n = n_before;
		break;
	}
	return OK;
}

static status keep_commits(struct vacuum *v, struct err *err)
{
	struct arena scratch;
	struct buf text;
	arena_init(&scratch, 0);
	buf_init(&text, 0);
	const status code = keep_each_commit(v, &text, &scratch, err);
	buf_deinit(&text);
	arena_deinit(&scratch);
	return code;
}

static int path_cmp(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static status no_vectors(const struct delta_snapshot *s, const struct str *path, size_t n_dv, struct err *err)
{
	if (n_dv == 0) return OK;
	return fail(err, E_UNSUPPORTED, "unsupported: vacuum of table %s, file %.*s has a deletion vector", s->root,
		(int)path->n, path->p);
}

/* The paths of the snapshot and of young tombstones and commits, sorted. */
static status keep_collect(struct vacuum *v, struct err *err)
{
	const struct delta_snapshot *s = v->snapshot;
	for (size_t i = 0; i < s->n_files; i++) {
		TRY(no_vectors(s, &s->files[i].path, s->files[i].dv.unique_id.n, err));
		TRY(keep_path(v, s->files[i].path, err));
	}
	for (size_t i = 0; i < s->n_tombstones; i++) {
		TRY(no_vectors(s, &s->tombstones[i].path, s->tombstones[i].dv.unique_id.n, err));
		if (s->tombstones[i].deleted_ms > v->cutoff_ms) TRY(keep_path(v, s->tombstones[i].path, err));
	}
	TRY(keep_commits(v, err));
	if (v->keep.n > 0) qsort(v->keep.items, v->keep.n, sizeof *v->keep.items, path_cmp);
	return OK;
}

static bool is_kept(const struct vacuum *v, const char *key)
{
	const struct str path = str_of(path_of(v, key));
	return v->keep.n > 0 && bsearch(&path, v->keep.items, v->keep.n, sizeof *v->keep.items, path_cmp) != NULL;
}

/* Leave in v->files those to go. */
static void pick(struct vacuum *v, struct delta_vacuum_result *r)
{
	size_t n = 0;
	for (size_t i = 0; i < v->files.n; i++) {
		const struct listed f = v->files.items[i];
		if (is_kept(v, f.key)) continue;
		if (f.modified_ms > v->cutoff_ms) {
			r->kept_young++;
			continue;
		}
		v->files.items[n++] = f;
	}
	v->files.n = n;
}

/* ---- 3: delete ---- */

/* One of the two commits around the deletion. */
static status note(struct vacuum *v, bool end, const struct delta_vacuum_result *r, int64_t *version, struct err *err)
{
	char parameters[160];
	char metrics[128];
	if (end) {
		(void)snprintf(parameters, sizeof parameters, "{\"status\":\"COMPLETED\"}");
		(void)snprintf(metrics, sizeof metrics, "{\"numDeletedFiles\":\"%" PRId64 "\"}", r->files);
	} else {
		const bool checked = !v->opts->unsafe;
		(void)snprintf(parameters, sizeof parameters,
			"{\"retentionCheckEnabled\":\"%s\",\"specifiedRetentionMillis\":\"%" PRId64 "\"}",
			checked ? "true" : "false", v->retention_ms);
		(void)snprintf(metrics, sizeof metrics,
			"{\"numFilesToDelete\":\"%" PRId64 "\",\"sizeOfDataToDelete\":\"%" PRId64 "\"}", r->files,
			r->bytes);
	}
	const struct delta_txn_opts opts = {.operation = end ? "VACUUM END" : "VACUUM START",
		.parameters = parameters,
		.metrics = metrics,
		.reads = DELTA_READS_NOTHING};
	struct delta_txn *t = NULL;
	status code = delta_txn_begin(v->store, v->root, v->snapshot, &opts, &t, err);
	/* A dry run begins and drops it: the checks of the table's writer features are there. */
	if (code == OK && version != NULL) code = delta_txn_commit(t, version, err);
	delta_txn_destroy(t);
	return code;
}

/* Drop from v->files what somebody committed since the snapshot: a restored version names removed files again. */
static status drop_revived(struct vacuum *v, int64_t started, struct err *err)
{
	struct delta_snapshot *now = NULL;
	if (started == v->snapshot->version + 1) return OK;
	TRY(delta_snapshot_open(v->store, v->root, started, &now, err));
	size_t n = 0;
	for (size_t i = 0; i < v->files.n; i++)
		if (delta_snapshot_file(now, str_of(path_of(v, v->files.items[i].key))) == NULL)
			v->files.items[n++] = v->files.items[i];
	v->files.n = n;
	delta_snapshot_close(now);
	return OK;
}

static void count_files(const struct vacuum *v, struct delta_vacuum_result *r)
{
	r->files = (int64_t)v->files.n;
	r->bytes = 0;
	for (size_t i = 0; i < v->files.n; i++) r->bytes += v->files.items[i].bytes;
}

static void tell(const struct vacuum *v, const struct listed *f)
{
	if (v->opts->visit != NULL) v->opts->visit(v->opts->visit_arg, f->key, f->bytes);
}

static int listed_cmp(const void *a, const void *b)
{
	return strcmp(((const struct listed *)a)->key, ((const struct listed *)b)->key);
}

static status delete_batch(struct vacuum *v, struct err *err)
{
	const size_t n = v->n_batch;
	v->n_batch = 0;
	TRY(cancel_check(err));
	return store_delete_many(v->store, v->batch, n, err);
}

/* Delete the file if it is one of those to go, and still old: a writer that puts the bytes of a removed file again finds them there,
 * and makes the file young. */
static status visit_delete(void *arg, const struct store_entry *e, struct err *err)
{
	struct vacuum *v = arg;
	const struct listed f = {e->key, e->bytes, e->modified_us / 1000};
	if (f.modified_ms > v->cutoff_ms) return OK;
	const struct listed *known = bsearch(&f, v->files.items, v->files.n, sizeof f, listed_cmp);
	if (known == NULL) return OK;
	tell(v, &f);
	v->batch[v->n_batch++] = known->key;
	v->n_deleted++;
	v->bytes_deleted += f.bytes;
	return v->n_batch < (store_is_remote(v->store) ? BATCH_MAX : 1) ? OK : delete_batch(v, err);
}

static status delete_noted(struct vacuum *v, struct delta_vacuum_result *r, struct err *err)
{
	TRY(note(v, false, r, &r->version, err));
	TRY(drop_revived(v, r->version, err));
	TRY(store_list(v->store, v->root, visit_delete, v, err)); /* a second time: see visit_delete */
	TRY(delete_batch(v, err));
	r->files = v->n_deleted;
	r->bytes = v->bytes_deleted;
	TRY(note(v, true, r, &r->version, err));
	struct err late;
	char text[ERR_MESSAGE_MAX];
	err_clear(&late);
	if (delta_after_commit(v->store, v->root, r->version, &late) != OK)
		log_printf(LOG_WARN, "vacuum of %s: no checkpoint: %s", v->root, err_text(&late, text, sizeof text));
	return OK;
}

static status vacuum_run(struct vacuum *v, struct delta_vacuum_result *r, struct err *err)
{
	TRY(store_list(v->store, v->root, visit_listed, v, err));
	TRY(delta_snapshot_open(v->store, v->root, DELTA_LATEST, &v->snapshot, err));
	const int64_t least_ms =
		delta_snapshot_interval(v->snapshot, "delta.deletedFileRetentionDuration", v->opts->default_ms);
	v->retention_ms = v->opts->retention_ms < 0 ? least_ms : v->opts->retention_ms;
	if (v->retention_ms < least_ms && !v->opts->unsafe)
		return err_advise(err,
			fail(err, E_USAGE,
				"vacuum of %s: retention of %" PRId64 " h is under the table's %" PRId64
				" h; a reader or writer at work may need those files",
				v->root, v->retention_ms / 3600000, least_ms / 3600000),
			ADVICE_RETENTION, NULL);
	v->cutoff_ms = v->opts->now_ms - v->retention_ms;
	r->version = v->snapshot->version;
	TRY(note(v, false, r, NULL, err));
	TRY(keep_collect(v, err));
	pick(v, r);
	count_files(v, r);
	if (v->files.n > 0 && !v->opts->dry_run) return delete_noted(v, r, err);
	for (size_t i = 0; i < v->files.n; i++) tell(v, &v->files.items[i]);
	return OK;
}

status delta_vacuum(struct store *store, const char *root, const struct delta_vacuum_opts *opts,
	struct delta_vacuum_result *out, struct err *err)
{
	struct vacuum v = {.store = store, .root = root, .opts = opts};
	struct delta_vacuum_result r = {0};
	arena_init(&v.arena, 0);
	const status code = vacuum_run(&v, &r, err);
	delta_snapshot_close(v.snapshot);
	mem_free(v.files.items);
	mem_free(v.keep.items);
	arena_deinit(&v.arena);
	if (code == OK) *out = r;
	return code;
}
