/* flow/stage_tables.c: the Delta commits of a stage.
 *
 *   files of the stage's commit, by table -> adds (partition values, statistics) -> delta_replace, one table at a time
 *
 * Every table that the stage writes becomes the run's: also one without a row gets its log, so that it can be queried. The part of
 * a table that is replaced is the run's own (run_id = U); a table without that column (dimensions) is replaced whole.
 */
#include <stdio.h>

#include "base/log.h"
#include "base/thread.h"
#include "flow/run_int.h"
#include "flow/superseded.h"
#include "table/log/history.h"
#include "table/write/replace.h"
#include "table/write/stats.h"

static bool is_of(const struct flow *f, const struct file_ref *ref, const struct table_schema *t)
{
	const size_t i = workload_table_index(f->w, ref->table);
	return i < f->w->n_tables && f->w->tables[i] == t;
}

/* ---- adds ------------------------------------------------------------------------------------------------------------- */

static status footer_stats(struct flow *f, const struct file_ref *ref, struct buf *out, struct err *err)
{
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	TRY(store_object_open(f->lake, ref->path, &object, err));
	status code = parquet_reader_open(object, &r, err);
	if (code == OK) code = delta_stats_write(r, out, NULL, err);
	parquet_reader_close(r);
	store_object_close(object);
	return err_at(err, code, ref->path, -1, -1);
}

static status keep_text(const struct buf *text, struct arena *arena, struct str *out, struct err *err)
{
	const char *copy = arena_strndup(arena, (const char *)text->p, text->n);
	if (copy == NULL) return fail_nomem(err);
	*out = (struct str){copy, text->n};
	return OK;
}

/* The statistics its task made; of a task of an earlier attempt, from the footer. In arena. */
static status add_stats(
	struct flow *f, const struct file_ref *ref, struct arena *arena, struct str *out, struct err *err)
{
	struct buf text;
	if (ref->stats != NULL && ref->stats[0] != '\0') {
		*out = str_of(ref->stats);
		return OK;
	}
	buf_init(&text, 0);
	status code = footer_stats(f, ref, &text, err);
	if (code == OK) code = text.failed ? buf_check(&text, err) : keep_text(&text, arena, out, err);
	buf_deinit(&text);
	return code;
}

static status make_add(struct flow *f, const struct table_schema *t, const struct file_ref *ref, struct arena *arena,
	struct delta_add *out, struct err *err)
{
	char root[RUN_KEY_MAX];
	const size_t n_data = schema_n_data_columns(t), n = t->n_columns - n_data;
	struct delta_pair *pairs = ARENA_ZNEW(arena, struct delta_pair, n + 1);
	if (pairs == NULL) return fail_nomem(err);
	flow_table_root(t, root);
	ASSERT(strncmp(ref->path, root, strlen(root)) == 0 && ref->path[strlen(root)] == '/');
	const char *path = ref->path + strlen(root) + 1;
	for (size_t i = 0; i < n; i++) {
		pairs[i].key = str_of(t->columns[n_data + i].name);
		TRY(file_ref_value(ref, t->columns[n_data + i].name, &pairs[i].value, err));
	}
	*out = (struct delta_add){
		.path = str_of(path),
		.partition = {pairs, n},
		.size = ref->bytes,
		.modified_ms = time_now_us() / 1000,
		.data_change = true,
	};
	if (ref->made_of != NULL) {
		struct delta_pair *tag = ARENA_NEW(arena, struct delta_pair, 1);
		if (tag == NULL) return fail_nomem(err);
		*tag = (struct delta_pair){STR(FLOW_MADE_OF_TAG), str_of(ref->made_of)};
		out->tags = (struct delta_pairs){tag, 1};
	}
	return add_stats(f, ref, arena, &out->stats, err);
}

/* ---- one table -------------------------------------------------------------------------------------------------------- */

static status make_adds(struct flow *f, const struct table_schema *t, const struct file_list *files,
	struct arena *arena, struct delta_replace *r, struct err *err)
{
	size_t n = 0;
	for (size_t i = 0; i < files->n; i++) n += is_of(f, &files->items[i], t);
	struct delta_add *adds = ARENA_ZNEW(arena, struct delta_add, n + 1);
	if (adds == NULL) return fail_nomem(err);
	n = 0;
	for (size_t i = 0; i < files->n; i++) {
		if (is_of(f, &files->items[i], t)) TRY(make_add(f, t, &files->items[i], arena, &adds[n++], err));
	}
	r->files = adds;
	r->n_files = n;
	return OK;
}

static bool has_run_id(const struct table_schema *t)
{
	const int i = schema_column_index(t, "run_id");
	return i >= 0 && t->columns[i].partition;
}

/* Of a run that goes on from others: what it removes of theirs. */
static status make_removed(struct flow *f, const struct table_schema *t, const struct commit *c, struct arena *arena,
	struct delta_replace *r, struct err *err)
{
	char root[RUN_KEY_MAX];
	struct str *removed = ARENA_NEW(arena, struct str, c->removed.n + 1);
	if (removed == NULL) return fail_nomem(err);
	flow_table_root(t, root);
	r->patch = true;
	r->removed = removed;
	for (size_t i = 0; i < c->removed.n; i++) {
		if (is_of(f, &c->removed.items[i], t))
			removed[r->n_removed++] = str_of(c->removed.items[i].path + strlen(root) + 1);
	}
	return OK;
}

/* The table that says which run of a history is its head. */
static bool has_claims(const struct flow *f, const struct table_schema *t)
{
	if (f->w->folding.stage == NULL) return false;
	const size_t i = workload_table_index(f->w, f->w->folding.claims);
	return i < f->w->n_tables && f->w->tables[i] == t;
}

static status make_difference(struct flow *f, const struct table_schema *t, const struct commit *c, struct arena *arena,
	struct delta_replace *r, struct err *err)
{
	TRY(make_adds(f, t, &c->files, arena, r, err));
	const bool replaces = c->n_history > 0 || c->removed.n > 0;
	return replaces && has_run_id(t) ? make_removed(f, t, c, arena, r, err) : OK;
}

static status commit_table(struct flow *f, const struct table_schema *t, const struct commit *c,
	struct delta_replace_result *out, struct err *err)
{
	struct arena arena;
	char root[RUN_KEY_MAX], app_id[RUN_KEY_MAX], claim_id[RUN_KEY_MAX], info[2 * RUN_KEY_MAX];
	/* Of a run that drops the one that opened it, still under that one's name: who waits for the claim looks for it there. */
	const char *history = f->state.history.n_runs > 0 ? f->state.history.runs[0]
			      : c->n_history > 0          ? c->history[0]
							  : f->id.info.run_id;
	flow_table_root(t, root);
	int n = snprintf(info, sizeof info,
		"\"pqrWorkload\":\"%s\",\"pqrRunId\":\"%s\",\"pqrStage\":\"%s\",\"pqrHistory\":\"%s\"", f->w->name,
		f->id.info.run_id, t->layer, history);
	ASSERT(n > 0 && (size_t)n < sizeof info);
	struct delta_replace r = {
		.schema = t,
		.column = has_run_id(t) ? "run_id" : NULL,
		.value = has_run_id(t) ? f->id.info.run_id : NULL,
		.app_id = flow_app_id(f->id.info.run_id, t->layer, app_id),
		.operation = "WRITE",
		.info = info,
	};
	if (has_claims(f, t)) {
		const struct history_search search = flow_history_search(f);
		r.claim_id = history_claim_id(&search, history, claim_id);
		r.claim_version = c->claim;
		n += snprintf(info + n, sizeof info - (size_t)n, ",\"pqrClaim\":\"%s\"", claim_id);
		ASSERT((size_t)n < sizeof info);
	}
	arena_init(&arena, 0);
	status code = make_difference(f, t, c, &arena, &r, err);
	if (code == OK) code = delta_replace(f->lake, root, &r, out, err);
	arena_deinit(&arena);
	return err_at(err, code, root, -1, -1);
}

/* Did this run commit this stage to the table before? Then the table may have changed since (compacted, or a dimension of a later
 * run), and what it holds stands. A table that belongs to no run has seen it too where it stands: what it held already commits nothing. */
static status committed_before(struct flow *f, const struct table_schema *t, int64_t *version, struct err *err)
{
	char root[RUN_KEY_MAX], app_id[RUN_KEY_MAX];
	struct delta_snapshot *s = NULL;
	flow_table_root(t, root);
	*version = -1;
	const status code = delta_snapshot_open(f->lake, root, DELTA_LATEST, &s, err);
	if (code == E_NOT_FOUND) return OK;
	TRY(code);
	const bool seen =
		!has_run_id(t) || delta_snapshot_app_txn(s, flow_app_id(f->id.info.run_id, t->layer, app_id)) != NULL;
	if (seen) *version = s->version;
	delta_snapshot_close(s);
	return OK;
}

/* The newest version of the table that this run wrote. */
static status version_of_run(
	struct flow *f, const struct table_schema *t, int64_t newest, int64_t *out, struct err *err)
{
	char root[RUN_KEY_MAX], wanted[RUN_KEY_MAX];
	struct delta_history h;
	flow_table_root(t, root);
	(void)snprintf(wanted, sizeof wanted, "\"pqrRunId\":\"%s\"", f->id.info.run_id);
	TRY(delta_history_read(f->lake, root, 0, &h, err));
	*out = newest;
	for (size_t i = h.n; i-- > 0;) {
		const struct str text = h.versions[i].info.text;
		if (text.n == 0 || memmem(text.p, text.n, wanted, strlen(wanted)) == NULL) continue;
		*out = h.versions[i].version;
		break;
	}
	delta_history_deinit(&h);
	return OK;
}

/* ---- the stage -------------------------------------------------------------------------------------------------------- */

struct tables_job {
	struct flow *f;
	const struct commit *commit;
	bool adopt;
	bool claims; /* the table with the claims alone, or all others */
};

static status table_job(void *arg, size_t i, int worker, struct err *err)
{
	struct tables_job *job = arg;
	struct flow *f = job->f;
	const struct table_schema *t = f->w->tables[i];
	struct delta_replace_result result;
	(void)worker;
	if (!workload_writes(f->w, job->commit->stage, t) || has_claims(f, t) != job->claims) return OK;
	if (job->adopt) {
		int64_t newest;
		TRY(committed_before(f, t, &newest, err));
		if (newest >= 0) return version_of_run(f, t, newest, &f->state.versions[i], err);
	}
	TRY(commit_table(f, t, job->commit, &result, err));
	f->state.versions[i] = result.version;
	/* It held them already: a rebuild left the table as it was, with what came later. */
	if (!result.committed && f->o->rebuild) return version_of_run(f, t, result.version, &f->state.versions[i], err);
	return OK;
}

status flow_tables_commit(struct flow *f, const struct commit *c, bool adopt, struct err *err)
{
	struct tables_job job = {.f = f, .commit = c, .adopt = adopt, .claims = true};
	for (size_t i = 0; i < f->w->n_tables; i++) TRY(table_job(&job, i, 0, err));
	job.claims = false;
	return thread_for(f->w->n_tables, store_io_threads(f->lake, f->threads), table_job, &job, err);
}

status flow_tables_exist(struct flow *f, bool *out, struct err *err)
{
	char root[RUN_KEY_MAX];
	*out = true;
	for (size_t i = 0; i < f->w->n_tables && *out; i++) {
		for (size_t k = 0; k < f->state.n_committed && *out; k++) {
			if (!workload_writes(f->w, f->state.commits[k].stage, f->w->tables[i])) continue;
			flow_table_root(f->w->tables[i], root);
			TRY(delta_table_exists(f->lake, root, out, err));
		}
	}
	return OK;
}

int64_t flow_table_version(const struct flow *f, const char *table)
{
	const size_t i = workload_table_index(f->w, table);
	return i < f->w->n_tables ? f->state.versions[i] : -1;
}
