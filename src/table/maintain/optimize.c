/* table/maintain/optimize.c: the bins of a plan rewritten by threads and committed batch after batch.
 *
 *   check -> plan -> (rewrite bins of a batch -> sync -> commit)*
 *
 * Files are durable before a commit names them. A bin that lost a file to somebody is left out and its new files deleted; the others of its
 * batch are committed. After a race the next commit builds on the version that won.
 */
#include "table/maintain/optimize.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "table/maintain/optimize_int.h"

enum { TARGET_BYTES = 1 << 27, RACES_MAX = 64 };
#define COMMIT_BYTES_MAX (INT64_C(8) << 30)
#define SORT_BYTES_MAX (INT64_C(1) << 30)

/* ---- rewriting, by all threads ---- */

static void progress(struct optimize *o, const struct optimize_bin *bin)
{
	if (o->opts.progress == NULL) return;
	(void)pthread_mutex_lock(&o->lock);
	o->files_done += (int64_t)bin->n_files;
	o->opts.progress(o->opts.progress_arg, o->files_done, o->files_todo);
	(void)pthread_mutex_unlock(&o->lock);
}

static status bin_job(void *arg, size_t i, int worker, struct err *err)
{
	struct optimize *o = arg;
	struct optimize_bin *bin = &o->bins[o->batch_first + i];
	(void)worker;
	const status code = optimize_bin_rewrite(o, bin, err);
	if (code == OK) progress(o, bin);
	if (code != E_NOT_FOUND) return code;
	bin->lost = true; /* removed, and vacuumed already: the newest version tells */
	bin->lost_err = *err;
	return OK;
}

/* Delete what was put for a bin and will not be committed. Its names are nobody else's; what stays is vacuum's. */
static void bin_discard(const struct optimize *o, struct optimize_bin *bin)
{
	for (size_t i = 0; i < bin->n_added; i++) {
		char key[DELTA_KEY_MAX];
		if (delta_snapshot_file(o->now, bin->added[i].path) != NULL) continue;
		if (delta_key(key, o->root, bin->added[i].path, NULL) == OK)
			(void)(store_delete(o->store, key, NULL) != OK);
	}
	bin->n_added = 0;
}

/* ---- committing ---- */

static bool same_strings(const struct delta_strings *a, const struct delta_strings *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; same && i < a->n; i++) same = str_eq(a->items[i], b->items[i]);
	return same;
}

static status check_same_table(const struct optimize *o, struct err *err)
{
	const struct delta_metadata *a = &o->base->metadata;
	const struct delta_metadata *b = &o->now->metadata;
	if (str_eq(a->id, b->id) && str_eq(a->schema, b->schema) &&
		same_strings(&a->partition_columns, &b->partition_columns))
		return OK;
	return fail(err, E_CONFLICT,
		"optimize of %s: its columns were changed meanwhile, in version %" PRId64 " or before; run it again",
		o->root, o->now->version);
}

static status now_open(struct optimize *o, struct err *err)
{
	struct delta_snapshot *now = NULL;
	TRY(delta_snapshot_open(o->store, o->root, DELTA_LATEST, &now, err));
	if (o->now != o->base) delta_snapshot_close(o->now);
	o->now = now;
	return check_same_table(o, err);
}

static bool is_active(const struct optimize *o, const struct optimize_bin *bin)
{
	for (size_t i = 0; i < bin->n_files; i++) {
		const struct delta_add *f = delta_snapshot_file(o->now, bin->files[i]->path);
		if (f == NULL || f->dv.unique_id.n > 0) return false;
	}
	return true;
}

/* Leave in bins[0..*n) those whose files are all in o->now. */
static status drop_lost(struct optimize *o, struct optimize_bin *bins, size_t *n, struct err *err)
{
	size_t kept = 0;
	for (size_t i = 0; i < *n; i++) {
		if (is_active(o, &bins[i])) {
			if (bins[i].lost) {
				if (err != NULL) *err = bins[i].lost_err;
				return E_NOT_FOUND;
			}
			const struct optimize_bin bin = bins[kept];
			bins[kept++] = bins[i];
			bins[i] = bin;
			continue;
		}
		bin_discard(o, &bins[i]);
		o->result.skipped_bins++;
	}
	*n = kept;
	return OK;
}

static status add_bins(
	const struct optimize *o, struct delta_txn *t, const struct optimize_bin *bins, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < bins[i].n_files; k++)
			TRY(delta_txn_remove(t, delta_snapshot_file(o->now, bins[i].files[k]->path), false, err));
		for (size_t k = 0; k < bins[i].n_added; k++) TRY(delta_txn_add(t, &bins[i].added[k], err));
	}
	return OK;
}

/* What bins come to; partitions of one number follow each other. */
static struct delta_optimize_result sums_of(const struct optimize_bin *bins, size_t n)
{
	struct delta_optimize_result r = {0};
	for (size_t i = 0; i < n; i++) {
		r.files_removed += (int64_t)bins[i].n_files;
		r.bytes_removed += bins[i].bytes;
		r.files_added += (int64_t)bins[i].n_added;
		for (size_t k = 0; k < bins[i].n_added; k++) r.bytes_added += bins[i].added[k].size;
		r.rows += bins[i].rows;
		r.partitions += i == 0 || bins[i].partition != bins[i - 1].partition;
	}
	return r;
}

/* operationParameters: values are strings, lists as JSON in them. */
static void parameters_text(const struct optimize *o, struct buf *out)
{
	static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "is null", "is not null"};
	struct buf list;
	struct buf item;
	buf_init(&list, 0);
	buf_init(&item, 0);
	for (size_t i = 0; i < o->opts.n_where; i++) {
		const struct delta_condition *c = &o->opts.where[i];
		const struct column_def *def = &o->base->schema.columns[c->column].def;
		buf_reset(&item);
		buf_printf(&item, "%s %s", def->name, ops[c->op]);
		if (c->op < DELTA_IS_NULL) {
			buf_char(&item, ' ');
			delta_value_text(&item, def, &c->value);
		}
		buf_char(&list, i == 0 ? '[' : ',');
		buf_json_str(&list, (struct str){(const char *)item.p, item.n});
	}
	buf_str(&list, o->opts.n_where == 0 ? "[]" : "]");
	buf_str(out, "{\"predicate\":");
	buf_json_str(out, (struct str){(const char *)list.p, list.n});
	buf_reset(&list);
	for (size_t i = 0; i < o->opts.n_zorder; i++) {
		buf_char(&list, i == 0 ? '[' : ',');
		buf_json_str(&list, str_of(o->opts.zorder[i]));
	}
	buf_str(&list, o->opts.n_zorder == 0 ? "[]" : "]");
	buf_str(out, ",\"zOrderBy\":");
	buf_json_str(out, (struct str){(const char *)list.p, list.n});
	buf_printf(out, ",\"targetSize\":\"%" PRId64 "\"}", o->opts.target_bytes);
	out->failed = out->failed || list.failed || item.failed;
	buf_deinit(&list);
	buf_deinit(&item);
}

struct bins {
	const struct optimize_bin *items;
	size_t n;
};

static status commit_as(
	struct optimize *o, const struct delta_txn_opts *opts, struct bins bins, int64_t *version, struct err *err)
{
	struct delta_txn *t;
	TRY(delta_txn_begin(o->store, o->root, o->now, opts, &t, err));
	status code = add_bins(o, t, bins.items, bins.n, err);
	if (code == OK) code = delta_txn_commit(t, version, err);
	delta_txn_destroy(t);
	return code;
}

static status commit_once(
	struct optimize *o, const struct optimize_bin *bins, size_t n, int64_t *version, struct err *err)
{
	const struct delta_optimize_result sums = sums_of(bins, n);
	struct buf parameters;
	char metrics[256];
	buf_init(&parameters, 0);
	parameters_text(o, &parameters);
	buf_char(&parameters, '\0');
	(void)snprintf(metrics, sizeof metrics,
		"{\"numRemovedFiles\":\"%" PRId64 "\",\"numAddedFiles\":\"%" PRId64 "\",\"numRemovedBytes\":\"%" PRId64
		"\",\"numAddedBytes\":\"%" PRId64 "\"}",
		sums.files_removed, sums.files_added, sums.bytes_removed, sums.bytes_added);
	status code = buf_check(&parameters, err);
	const struct delta_txn_opts opts = {.operation = "OPTIMIZE",
		.parameters = (const char *)parameters.p,
		.metrics = metrics,
		.reads = DELTA_READS_NOTHING};
	if (code == OK) code = commit_as(o, &opts, (struct bins){bins, n}, version, err);
	buf_deinit(&parameters);
	return code;
}

static void count(struct optimize *o, const struct optimize_bin *bins, size_t n, int64_t version)
{
	const struct delta_optimize_result sums = sums_of(bins, n);
	struct delta_optimize_result *r = &o->result;
	r->files_removed += sums.files_removed;
	r->files_added += sums.files_added;
	r->bytes_removed += sums.bytes_removed;
	r->bytes_added += sums.bytes_added;
	r->rows += sums.rows;
	r->partitions += sums.partitions;
	r->commits++;
	r->version = version;
}

/* Commit bins[0..n), without those that lost a race: each turn loses one at least, or met a change that does not touch them. */
static status commit_races(struct optimize *o, struct optimize_bin *bins, size_t n, struct err *err)
{
	int64_t version = 0;
	status code = E_CONFLICT;
	bool reopen = false;
	for (size_t i = 0; i < n; i++) reopen = reopen || bins[i].lost;
	for (int turn = 0; turn < RACES_MAX && code == E_CONFLICT; turn++) {
		if (reopen) TRY(now_open(o, err));
		reopen = true;
		TRY(drop_lost(o, bins, &n, err));
		if (n == 0) return OK;
		code = commit_once(o, bins, n, &version, err);
	}
	if (code == OK) count(o, bins, n, version);
	return code;
}

static void after_commit(const struct optimize *o)
{
	struct err late;
	char text[ERR_MESSAGE_MAX];
	err_clear(&late);
	if (delta_after_commit(o->store, o->root, o->result.version, &late) != OK)
		log_printf(LOG_WARN, "optimize of %s: no checkpoint: %s", o->root, err_text(&late, text, sizeof text));
}

/* ---- batches ---- */

static status rewrite_bins(struct optimize *o, size_t n, struct err *err)
{
	TRY(thread_for(n, o->opts.threads, bin_job, o, err));
	return store_sync(o->store, err);
}

static status batch_run(struct optimize *o, struct optimize_bin *bins, size_t n, struct err *err)
{
	const int64_t commits = o->result.commits;
	status code = rewrite_bins(o, n, err);
	for (size_t i = 0; code != OK && i < n; i++) bin_discard(o, &bins[i]);
	/* After a commit that failed they stay: it may be in the log all the same. */
	if (code == OK) code = commit_races(o, bins, n, err);
	for (size_t i = 0; i < n; i++) arena_deinit(&bins[i].arena);
	if (code == OK && o->result.commits > commits) after_commit(o);
	return code;
}

static status optimize_run(struct optimize *o, struct err *err)
{
	TRY(delta_snapshot_open(o->store, o->root, DELTA_LATEST, &o->base, err));
	o->now = o->base;
	o->result.version = o->base->version;
	/* The features of the table are checked there, before any work. */
	const struct delta_txn_opts opts = {.operation = "OPTIMIZE"};
	struct delta_txn *t = NULL;
	TRY(delta_txn_begin(o->store, o->root, o->base, &opts, &t, err));
	delta_txn_destroy(t);
	TRY(optimize_check(o, err));
	TRY(optimize_plan(o, err));
	while (o->batch_first < o->n_bins) {
		size_t end = o->batch_first;
		int64_t bytes = 0;
		do {
			bytes += o->bins[end++].bytes;
		} while (end < o->n_bins && o->bins[end].bytes <= o->opts.commit_bytes_max - bytes);
		if (o->result.commits > 0) TRY(now_open(o, err));
		TRY(optimize_go_on(o, err));
		TRY(batch_run(o, &o->bins[o->batch_first], end - o->batch_first, err));
		o->batch_first = end;
	}
	return OK;
}

status delta_optimize(struct store *store, const char *root, const struct delta_optimize_opts *opts,
	struct delta_optimize_result *out, struct err *err)
{
	struct optimize o = {.store = store,
		.root = root,
		.opts = *opts,
		.now_ms = time_now_us() / 1000,
		.lock = PTHREAD_MUTEX_INITIALIZER};
	struct err own;
	if (err == NULL) err = &own;
	if (o.opts.target_bytes <= 0) o.opts.target_bytes = TARGET_BYTES;
	if (o.opts.commit_bytes_max <= 0) o.opts.commit_bytes_max = COMMIT_BYTES_MAX;
	if (o.opts.sort_bytes_max <= 0) o.opts.sort_bytes_max = SORT_BYTES_MAX;
	if (o.opts.threads <= 0) o.opts.threads = 1;
	arena_init(&o.arena, 0);
	const status code = optimize_run(&o, err);
	if (o.now != o.base) delta_snapshot_close(o.now);
	delta_snapshot_close(o.base);
	arena_deinit(&o.arena);
	if (code == OK) *out = o.result;
	return code;
}
