/* flow/verify.c: hash what a run wrote again, and compare with what it committed.
 *
 * Reads only. A difference is told and counted, and never ends the comparison: all of them are told, files in path order, then what the
 * tables' logs say of the run's rows.
 */
#include "flow/verify.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "table/log/schema.h"
#include "flow/history.h"
#include "flow/lake_check.h"
#include "flow/manifest.h"
#include "flow/progress.h"
#include "flow/records.h"
#include "flow/superseded.h"
#include "table/maintain/check.h"

enum { READ_BYTES = 1 << 20 };

struct verify {
	const struct verify_opts *o;
	struct verify_report report;
	struct progress progress;
	struct records records;
	bool continued;         /* another run went on from this one */
	struct file_list files; /* of all stages, by path */
	const char **what;      /* [files.n]: NULL = as it was */
	_Atomic int64_t bytes;
	struct arena arena;
};

static void differ(struct verify *v, const char *path, const char *what)
{
	v->report.differences++;
	if (v->o->difference != NULL) v->o->difference(v->o->arg, path, what);
}

static void differ_in_records(void *arg, const char *key, const char *what)
{
	differ(arg, key, what);
}

static status hash_object(struct verify *v, struct store_object *object, uint8_t sha256[SHA256_BYTES], struct err *err)
{
	struct hash_stream h;
	uint8_t xxh[XXH128_BYTES];
	const int64_t size = store_object_size(object);
	uint8_t *chunk = mem_alloc(READ_BYTES);
	if (chunk == NULL) return fail_nomem(err);
	status code = hash_stream_init(&h, true, err);
	if (code != OK) {
		mem_free(chunk);
		return code;
	}
	for (int64_t at = 0; at < size && code == OK;) {
		const size_t n = size - at < READ_BYTES ? (size_t)(size - at) : READ_BYTES;
		code = cancel_check(err);
		if (code == OK) code = store_object_read_at(object, at, chunk, n, err);
		if (code != OK) break;
		hash_stream_add(&h, chunk, n);
		at += (int64_t)n;
		atomic_fetch_add(&v->bytes, (int64_t)n);
		atomic_fetch_add(&v->progress.bytes, (int64_t)n);
	}
	if (code == OK) hash_stream_final(&h, xxh, sha256);
	hash_stream_deinit(&h);
	mem_free(chunk);
	return code;
}

static status verify_file(void *arg, size_t i, int worker, struct err *err)
{
	struct verify *v = arg;
	const struct file_ref *ref = &v->files.items[i];
	struct store_object *object = NULL;
	uint8_t sha256[SHA256_BYTES];
	(void)worker;
	TRY(cancel_check(err));
	status code = store_object_open(v->o->lake, ref->path, &object, err);
	if (code == E_NOT_FOUND) {
		v->what[i] = "missing";
		code = OK;
	} else if (code == OK && store_object_size(object) != ref->bytes) {
		v->what[i] = "of another size";
	} else if (code == OK) {
		code = hash_object(v, object, sha256, err);
		if (code == E_CORRUPT) { /* shrank while it was read */
			v->what[i] = "of another size";
			code = OK;
		} else if (code == OK && memcmp(sha256, ref->sha256, sizeof sha256) != 0) {
			v->what[i] = "changed";
		}
	}
	store_object_close(object);
	atomic_fetch_add(&v->progress.done, 1);
	return code;
}

static status load(struct verify *v, struct err *err)
{
	struct records *r = &v->records;
	TRY(records_load(r, err));
	for (size_t k = 0; k < r->n_commits; k++) {
		for (size_t i = 0; i < r->commits[k].files.n; i++) {
			if (!file_list_add(&v->files, &r->commits[k].files.items[i])) return fail_nomem(err);
		}
	}
	if (r->n_commits == 0 && !r->damaged)
		return fail(err, E_NOT_FOUND, "run %s has committed nothing to the lake %s", v->o->run_id,
			store_uri(v->o->lake));
	file_list_sort(&v->files);
	if (r->n_commits > 0) TRY(manifest_root(&r->commits[0].files, v->report.root, err));
	return OK;
}

/* The commit of the stage that wrote the file. */
static const struct commit *commit_of(const struct verify *v, const struct file_ref *ref)
{
	const struct workload *w = v->o->workload;
	const size_t table = workload_table_index(w, ref->table);
	for (size_t k = 0; k < v->records.n_commits && table < w->n_tables; k++) {
		if (workload_writes(w, v->records.commits[k].stage, w->tables[table])) return &v->records.commits[k];
	}
	return NULL;
}

static status judge_missing(
	struct verify *v, struct superseded *superseded, const struct file_ref *ref, struct err *err)
{
	const struct commit *c = commit_of(v, ref);
	bool replaced = false;
	if (c != NULL) TRY(superseded_check(superseded, ref, &replaced, err));
	if (replaced)
		v->report.replaced++;
	else
		differ(v, ref->path, "missing");
	return OK;
}

/* Name what differs. A file that its table's log has replaced since may be gone. */
static status judge(struct verify *v, struct err *err)
{
	struct superseded *superseded = NULL;
	TRY(superseded_create(v->o->lake, v->o->workload, v->o->run_id, &superseded, err));
	status code = OK;
	for (size_t i = 0; i < v->files.n && code == OK; i++) {
		if (v->what[i] == NULL) continue;
		if (strcmp(v->what[i], "missing") == 0)
			code = judge_missing(v, superseded, &v->files.items[i], err);
		else
			differ(v, v->files.items[i].path, v->what[i]);
	}
	superseded_destroy(superseded);
	return code;
}

/* ---- the tables' logs ---- */

/* What was found when the run's own files were hashed is told already. */
static void differ_in_table(void *arg, const char *key, const char *what)
{
	struct verify *v = arg;
	for (size_t i = 0; i < v->files.n; i++)
		if (v->what[i] != NULL && strcmp(v->files.items[i].path, key) == 0) return;
	differ(v, key, what);
}

/* The table must have every column of its contract as the contract has it; columns of somebody else's may stand beside them. */
static status verify_columns(struct verify *v, const struct table_schema *want, const char *root, struct err *err)
{
	struct delta_snapshot *s = NULL;
	struct buf text;
	TRY(delta_snapshot_open(v->o->lake, root, DELTA_LATEST, &s, err));
	buf_init(&text, 0);
	delta_schema_text(&text, want);
	status code = buf_check(&text, err);
	struct delta_schema parsed;
	const struct delta_metadata made = {
		.schema = {(const char *)text.p, text.n}, .partition_columns = s->metadata.partition_columns};
	if (code == OK) code = delta_schema_parse(&made, &v->arena, &parsed, err);
	for (size_t i = 0; code == OK && i < parsed.n; i++) {
		const struct delta_column *x = &parsed.columns[i];
		const int at = delta_schema_index(&s->schema, str_of(x->def.name));
		const struct delta_column *y = at < 0 ? NULL : &s->schema.columns[at];
		if (y != NULL && strcmp(x->type_text, y->type_text) == 0 && x->def.nullable == y->def.nullable)
			continue;
		differ(v, root, "its log has other columns than the contract");
		break;
	}
	buf_deinit(&text);
	delta_snapshot_close(s);
	return code;
}

/* Its claim on the history is not the newest one (flow/history.h). Of other histories' claims nothing is known here: a run that is taken
 * for continued is held to less. */
static void find_continued(struct verify *v)
{
	const struct workload *w = v->o->workload;
	char root[RUN_KEY_MAX];
	struct delta_snapshot *s = NULL;
	int64_t claim = 0;
	for (size_t k = 0; k < v->records.n_commits; k++) {
		if (workload_folds(w, v->records.commits[k].stage)) claim = v->records.commits[k].claim;
	}
	if (claim == 0) return;
	flow_table_root(w->tables[workload_table_index(w, w->folding.claims)], root);
	if (delta_snapshot_open(v->o->lake, root, DELTA_LATEST, &s, NULL) != OK) return; /* told with the table */
	for (size_t i = 0; i < s->n_app_txns; i++)
		v->continued |= history_is_claim(s->app_txns[i].app_id) && s->app_txns[i].version > claim;
	delta_snapshot_close(s);
}

static status verify_table(struct verify *v, size_t index, int64_t rows, struct err *err)
{
	const struct table_schema *t = v->o->workload->tables[index];
	const bool parts = schema_column_index(t, "run_id") >= 0;
	struct delta_check_opts o = {.statistics = true, .difference = differ_in_table, .arg = v};
	if (parts) o.only = (struct delta_pair){STR("run_id"), str_of(v->o->run_id)};
	char root[RUN_KEY_MAX];
	struct delta_check_result r;
	const int64_t before = v->report.differences;
	flow_table_root(t, root);
	const status code = delta_check(v->o->lake, root, &o, &r, err);
	if (code == E_NOT_FOUND) { /* a finished run's is told with its versions */
		char name[RUN_KEY_MAX];
		(void)snprintf(name, sizeof name, "%s.%s", t->layer, t->name);
		if (picture_version(&v->records.left, name) < 0) differ(v, root, "missing");
		return OK;
	}
	TRY(code);
	if (v->report.differences > before || r.differences > 0) return OK;
	/* A run that went on from this one has taken rows over: then fewer of them carry its id. */
	const bool lost = v->continued ? r.rows > rows : r.rows != rows;
	if (parts && r.rows >= 0 && lost) differ(v, root, "its log has another number of the run's rows");
	return verify_columns(v, t, root, err);
}

/* Tables of stages whose Delta commits were made: something that comes after them stands. */
static status verify_tables(struct verify *v, int32_t date, struct err *err)
{
	char key[RUN_KEY_MAX];
	int64_t bytes;
	const struct workload *w = v->o->workload;
	run_key(key, date, v->o->run_id, "checksums.json");
	const bool done = v->records.n_commits == w->n_stages && store_size(v->o->lake, key, &bytes, NULL) == OK;
	for (size_t k = 0; k + (done ? 0 : 1) < v->records.n_commits; k++) {
		for (size_t index = 0; index < w->n_tables; index++) {
			if (!workload_writes(w, v->records.commits[k].stage, w->tables[index])) continue;
			int64_t rows = 0;
			bool written = false;
			for (size_t i = 0; i < v->records.commits[k].files.n; i++) {
				const struct file_ref *f = &v->records.commits[k].files.items[i];
				if (workload_table_index(w, f->table) != index) continue;
				written = true;
				rows += f->rows;
			}
			if (written) TRY(verify_table(v, index, rows, err));
		}
	}
	return OK;
}

static status verify_all(struct verify *v, struct err *err)
{
	int32_t date = 0;
	int64_t total = 0;
	TRY(commit_find(v->o->lake, v->o->run_id, &date, err));
	v->records = (struct records){.workload = v->o->workload,
		.lake = v->o->lake,
		.run_id = v->o->run_id,
		.date = date,
		.difference = differ_in_records,
		.arg = v,
		.arena = &v->arena};
	TRY(load(v, err));
	v->what = ARENA_ZNEW(&v->arena, const char *, v->files.n + 1);
	if (v->what == NULL) return fail_nomem(err);
	for (size_t i = 0; i < v->files.n; i++) total += v->files.items[i].bytes;
	progress_start(&v->progress, v->o->progress);
	progress_step(&v->progress, "verify", (int64_t)v->files.n, total);
	const status code = thread_for(v->files.n,
		store_io_threads(v->o->lake, v->o->threads > 0 ? v->o->threads : thread_cores()), verify_file, v, err);
	progress_stop(&v->progress);
	TRY(code);
	v->report.objects = (int64_t)v->files.n;
	v->report.bytes = atomic_load(&v->bytes);
	TRY(judge(v, err));
	TRY(records_check(&v->records, err));
	struct lake_check versions = {.lake = v->o->lake, .difference = differ_in_records, .arg = v};
	TRY(lake_check_versions(&versions, &v->records.left, err));
	memcpy(v->report.dropped_by, v->records.mark.by, sizeof v->records.mark.by);
	find_continued(v);
	return verify_tables(v, date, err);
}

status flow_verify(const struct verify_opts *o, struct verify_report *out, struct err *err)
{
	ASSERT(o->workload != NULL && o->lake != NULL && o->run_id != NULL);
	struct verify v = {.o = o};
	arena_init(&v.arena, 0);
	v.files.arena = &v.arena;
	status code = verify_all(&v, err);
	arena_deinit(&v.arena);
	TRY(code);
	*out = v.report;
	if (v.report.differences == 0) return OK;
	return fail(err, E_VERIFY, "run %s: %lld differences from what was committed, %lld objects compared", o->run_id,
		(long long)v.report.differences, (long long)v.report.objects);
}
