/* flow/stage_commit.c: from merged results to a committed stage.
 *
 *   check -> quality rows -> sync data -> tables' Delta commits -> put the commit object -> control plane -> left-overs
 *                                                                  ^ here, and only here, the stage becomes done
 *
 * A kill between two tables' commits leaves some at the new version and some at the old: each is one or the other, and the run
 * resumed commits the rest.
 */
#include <stdio.h>

#include "base/hash.h"
#include "base/log.h"
#include "flow/manifest.h"
#include "flow/run_int.h"
#include "flow/superseded.h"
#include "table/log/snapshot.h"

enum { TABLES_MAX = 128, VERSION_CHARS = UUID_CHARS };

/* ---- quality -------------------------------------------------------------------------------------------------------- */

static const char *const severity_names[] = {[QUALITY_CRITICAL] = "CRITICAL", [QUALITY_WARNING] = "WARNING"};
static const char *const result_names[] = {[QUALITY_PASS] = "PASS", [QUALITY_WARN] = "WARN", [QUALITY_FAIL] = "FAIL"};

status flow_quality_rows(
	const char *layer, const struct quality_list *l, struct control_quality_layer *out, struct err *err)
{
	struct control_quality *rows = ARENA_ZNEW(l->arena, struct control_quality, l->n + 1);
	if (rows == NULL) return fail_nomem(err);
	for (size_t i = 0; i < l->n; i++) {
		const struct quality *q = &l->items[i];
		rows[i] = (struct control_quality){
			.dataset = q->dataset,
			.check_name = q->check_name,
			.severity = severity_names[q->severity],
			.result = result_names[q->result],
			.value = q->value,
			.threshold = q->threshold,
			.details = q->details,
			.record_count = q->record_count,
		};
	}
	*out = (struct control_quality_layer){.layer = layer, .items = rows, .n = l->n, .checked_at = time_now_us()};
	return OK;
}

status flow_quality_settle(struct flow *f, const char *layer, const struct quality_list *l, struct err *err)
{
	const struct quality *failed = NULL;
	struct control_quality_layer rows;
	TRY(flow_quality_rows(layer, l, &rows, err));
	TRY(control_quality_put(f->control, &f->lease, &rows, err));
	for (size_t i = 0; i < l->n; i++) {
		const struct quality *q = &l->items[i];
		if (q->result == QUALITY_PASS) continue;
		log_line(q->result == QUALITY_FAIL ? LOG_ERROR : LOG_WARN, "quality check failed", "dataset",
			q->dataset, "check", q->check_name, "value", q->value, "threshold", q->threshold, NULL);
		if (q->result == QUALITY_FAIL && failed == NULL) failed = q;
	}
	if (failed == NULL) return OK;
	return fail(err, E_QUALITY,
		"CRITICAL check %s of %s failed: %s (wanted %s) %s; the run stops, see pqr quality --run-id %s",
		failed->check_name, failed->dataset, failed->value, failed->threshold, failed->details, f->info.run_id);
}

status flow_stage_check(struct flow *f, const struct commit *c, size_t stage, struct err *err)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct quality_list list = {.arena = &arena};
	const struct stage_def *def = &f->w->stages[stage];
	if (stage >= f->n_committed) {
		f->files[stage] = c->files;
		f->counters[stage] = c->counters;
	}
	const struct stage_view view = flow_view(f, stage + 1);
	status code = def->check != NULL ? def->check(&view, &list, err) : OK;
	if (code == OK) code = flow_quality_settle(f, def->name, &list, err);
	/* The retry does every task again: it may be the code or a file that changed, and neither shows in a task's spec. */
	if (code == E_QUALITY) {
		const status forgot = control_task_forget(f->control, &f->lease, def->name, NULL);
		if (forgot != OK) log_line(LOG_WARN, "cannot forget the stage's results", "stage", def->name, NULL);
	}
	arena_deinit(&arena);
	return code;
}

/* ---- left-overs ----------------------------------------------------------------------------------------------------- */

struct sweep {
	struct flow *f;
	const struct commit *c;
	char wanted[UUID_CHARS + 16]; /* "/run_id=<U>/" */
	const char *folder;
	const struct delta_snapshot *snapshot; /* of the table there; NULL: rejects, or a table that is none yet */
	struct file_list doomed;
};

/* Does a version of the table need it? What vacuum may delete, it deletes when the time has come. */
static bool in_table(const struct sweep *s, const char *key)
{
	if (s->snapshot == NULL) return false;
	const struct str path = str_of(key + strlen(s->folder) + 1);
	return delta_snapshot_file(s->snapshot, path) != NULL || delta_snapshot_tombstone(s->snapshot, path) != NULL;
}

static bool in_commit(const struct commit *c, const char *path)
{
	size_t lo = 0, hi = c->files.n;
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int order = strcmp(c->files.items[mid].path, path);
		if (order == 0) return true;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* The name of a task's file, part-<xxh128>.parquet. In a table's folders there are other writers' too (optimize, append, other
 * engines), put there before the commit that names them: those are never ours to delete. */
static bool is_task_part(const char *key)
{
	const char *slash = strrchr(key, '/'), *name = slash != NULL ? slash + 1 : key;
	if (strncmp(name, "part-", 5) != 0) return false;
	return strspn(name + 5, "0123456789abcdef") == HEX_XXH128_CHARS &&
	       strcmp(name + 5 + HEX_XXH128_CHARS, ".parquet") == 0;
}

static status sweep_visit(void *arg, const struct store_entry *e, struct err *err)
{
	struct sweep *s = arg;
	if (strstr(e->key, s->wanted) == NULL || in_commit(s->c, e->key) || in_table(s, e->key)) return OK;
	if (s->snapshot != NULL && !is_task_part(e->key)) return OK;
	if (!file_list_add(&s->doomed, &(struct file_ref){.table = "", .path = e->key, .bytes = e->bytes}))
		return fail_nomem(err);
	return OK;
}

static status sweep_delete(struct sweep *s, const char *folder, struct err *err)
{
	s->doomed.n = 0;
	TRY(store_list(s->f->lake, folder, sweep_visit, s, err));
	for (size_t i = 0; i < s->doomed.n; i++) {
		log_line(LOG_DEBUG, "remove left-over of a failed attempt", "path", s->doomed.items[i].path, NULL);
		TRY(store_delete(s->f->lake, s->doomed.items[i].path, err));
	}
	return OK;
}

static status sweep_folder(struct sweep *s, const char *folder, struct err *err)
{
	struct delta_snapshot *snapshot = NULL;
	bool is_table = false;
	TRY(delta_table_exists(s->f->lake, folder, &is_table, err));
	if (is_table) TRY(delta_snapshot_open(s->f->lake, folder, DELTA_LATEST, &snapshot, err));
	s->folder = folder;
	s->snapshot = snapshot;
	const status code = sweep_delete(s, folder, err);
	delta_snapshot_close(snapshot);
	return code;
}

/* The folder of a table: the first two parts of its name, "silver.tickets" -> silver/tickets. */
static void table_folder(const char *table, char dst[RUN_KEY_MAX])
{
	(void)snprintf(dst, RUN_KEY_MAX, "%s", table);
	char *dot = strchr(dst, '.');
	if (dot != NULL) *dot = '/';
}

/* The folders this stage writes into: those of its layer's tables, and of the files it did write. */
status flow_left_overs_remove(struct flow *f, const struct commit *c, struct err *err)
{
	struct arena arena;
	char folder[RUN_KEY_MAX];
	arena_init(&arena, 0);
	struct sweep s = {.f = f, .c = c, .doomed.arena = &arena};
	(void)snprintf(s.wanted, sizeof s.wanted, "/run_id=%s/", f->info.run_id);
	status code = OK;
	const char *last = "";
	for (size_t i = 0; i < f->w->n_tables && code == OK; i++) {
		if (strcmp(f->w->tables[i]->layer, c->stage) != 0) continue;
		(void)snprintf(folder, sizeof folder, "%s/%s", f->w->tables[i]->layer, f->w->tables[i]->name);
		code = sweep_folder(&s, folder, err);
	}
	for (size_t i = 0; i < c->files.n && code == OK; i++) { /* sorted by path: a table's files stand together */
		if (strcmp(c->files.items[i].table, last) == 0) continue;
		last = c->files.items[i].table;
		table_folder(last, folder);
		code = sweep_folder(&s, folder, err);
	}
	arena_deinit(&arena);
	return code;
}

/* ---- datasets and lineage -------------------------------------------------------------------------------------------- */

/* The files of one table of one stage, summed. */
struct table_sum {
	const char *table;
	char layer[32];
	char location[RUN_KEY_MAX];
	char version[VERSION_CHARS + 1];
	const char *contract;
	int64_t rows, bytes;
	bool whole; /* no part for each run */
};
struct table_sums {
	struct table_sum items[TABLES_MAX];
	size_t n;
};

static struct table_sum *table_sum_of(struct table_sums *sums, const char *table)
{
	for (size_t i = 0; i < sums->n; i++) {
		if (strcmp(sums->items[i].table, table) == 0) return &sums->items[i];
	}
	if (sums->n == TABLES_MAX) return NULL;
	sums->items[sums->n] = (struct table_sum){.table = table};
	return &sums->items[sums->n++];
}

/* A table's version: that of its Delta log after the run's commit; of raw and rejects what the files hash to. */
static void table_version(
	const struct flow *f, const struct file_list *files, const char *table, char dst[VERSION_CHARS + 1])
{
	enum { HASH_CHARS = 16 };
	if (flow_table_version(f, table) >= 0) {
		(void)snprintf(dst, VERSION_CHARS + 1, "%lld", (long long)flow_table_version(f, table));
		return;
	}
	uint8_t xxh[XXH128_BYTES] = {0};
	char hex[HEX_XXH128_CHARS + 1];
	struct hash_stream h;
	if (hash_stream_init(&h, false, NULL) == OK) {
		for (size_t i = 0; i < files->n; i++) {
			const struct file_ref *ref = &files->items[i];
			if (strcmp(ref->table, table) != 0) continue;
			hash_stream_add(&h, ref->path, strlen(ref->path) + 1);
			hash_stream_add(&h, ref->sha256, SHA256_BYTES);
		}
		hash_stream_final(&h, xxh, NULL);
		hash_stream_deinit(&h);
	}
	hex_encode(xxh, sizeof xxh, hex);
	memcpy(dst, hex, HASH_CHARS);
	dst[HASH_CHARS] = '\0';
}

static status sum_tables(struct flow *f, const struct file_list *files, struct table_sums *out, struct err *err)
{
	out->n = 0;
	for (size_t i = 0; i < files->n; i++) {
		const struct file_ref *ref = &files->items[i];
		struct table_sum *t = table_sum_of(out, ref->table);
		if (t == NULL) return fail(err, E_LIMIT, "more than %d tables in one stage", TABLES_MAX);
		t->rows += ref->rows;
		t->bytes += ref->bytes;
	}
	for (size_t i = 0; i < out->n; i++) {
		struct table_sum *t = &out->items[i];
		const char *dot = strchr(t->table, '.');
		char folder[RUN_KEY_MAX];
		table_folder(t->table, folder);
		(void)snprintf(t->layer, sizeof t->layer, "%.*s", dot != NULL ? (int)(dot - t->table) : 0, t->table);
		(void)snprintf(t->location, sizeof t->location, "%.*s", (int)sizeof t->location - 1, folder);
		const size_t index = workload_table_index(f->w, t->table);
		const struct table_schema *schema = index < f->w->n_tables ? f->w->tables[index] : NULL;
		t->contract = schema != NULL ? schema->contract : NULL;
		t->whole = schema != NULL && schema_n_data_columns(schema) == schema->n_columns;
		table_version(f, files, t->table, t->version);
	}
	return OK;
}

static const struct file_list *stage_of_table(const struct flow *f, size_t stage, const char *table)
{
	for (size_t k = stage; k-- > 0;) {
		for (size_t i = 0; i < f->files[k].n; i++) {
			if (strcmp(f->files[k].items[i].table, table) == 0) return &f->files[k];
		}
	}
	return NULL;
}

/* Raw's inputs: the configuration, or each input file by its SHA-256. */
static status raw_edges(
	struct flow *f, const struct table_sums *out, struct control_edge *edges, size_t *n, struct err *err)
{
	for (size_t t = 0; t < out->n; t++) {
		const struct control_edge to = {.output = out->items[t].table, .output_version = out->items[t].version};
		if (f->info.simulated) {
			edges[*n] = to;
			edges[*n].input = "config";
			edges[(*n)++].input_version = f->info.config_hash;
		}
		for (size_t i = 0; !f->info.simulated && i < f->inputs.n; i++) {
			char hex[HEX_SHA256_CHARS + 1];
			hex_encode(f->inputs.items[i].sha256, SHA256_BYTES, hex);
			edges[*n] = to;
			edges[*n].input = f->inputs.items[i].path;
			edges[*n].input_version = arena_strndup(&f->arena, hex, HEX_SHA256_CHARS);
			if (edges[(*n)++].input_version == NULL) return fail_nomem(err);
		}
	}
	return OK;
}

/* The version in which the stage read a table; of one of a later stage, as the run before left it. */
static status input_version(struct flow *f, size_t stage, const char *table, const char **out, struct err *err)
{
	char version[VERSION_CHARS + 1];
	const char *base = commit_base(&f->commits[stage]);
	const struct file_list *files = stage_of_table(f, stage, table);
	if (files != NULL)
		table_version(f, files, table, version);
	else
		(void)snprintf(version, sizeof version, "%s", base != NULL ? base : "");
	*out = arena_strndup(&f->arena, version, strlen(version));
	return *out != NULL ? OK : fail_nomem(err);
}

/* What tasks made from tables; a table that none did (dimensions) comes from the configuration alone. */
static status table_edges(struct flow *f, size_t stage, const struct table_sums *out, struct control_edge *edges,
	size_t *n, struct err *err)
{
	const struct commit_edges *made = &f->commits[stage].edges;
	for (size_t k = 0; k < out->n; k++) {
		struct control_edge e = {.output = out->items[k].table, .output_version = out->items[k].version};
		const size_t before = *n;
		for (size_t i = 0; i < made->n; i++) {
			if (strcmp(made->items[i].output, e.output) != 0) continue;
			e.input = made->items[i].input;
			TRY(input_version(f, stage, e.input, &e.input_version, err));
			edges[(*n)++] = e;
		}
		if (*n > before) continue;
		e.input = "config";
		e.input_version = f->info.config_hash;
		edges[(*n)++] = e;
	}
	return OK;
}

static status record(struct flow *f, size_t stage, struct control_stage *s, struct err *err)
{
	struct table_sums *out = ARENA_ZNEW(&f->arena, struct table_sums, 1);
	if (out == NULL) return fail_nomem(err);
	TRY(sum_tables(f, &f->files[stage], out, err));
	const size_t n_made = stage > 0 ? f->commits[stage].edges.n : (f->inputs.n + 1) * out->n;
	struct control_edge *edges = ARENA_ZNEW(&f->arena, struct control_edge, n_made + out->n);
	struct control_dataset *datasets = ARENA_ZNEW(&f->arena, struct control_dataset, out->n + 1);
	if (edges == NULL || datasets == NULL) return fail_nomem(err);
	if (stage == 0)
		TRY(raw_edges(f, out, edges, &s->n_edges, err));
	else
		TRY(table_edges(f, stage, out, edges, &s->n_edges, err));
	for (size_t i = 0; i < out->n; i++) {
		const struct table_sum *t = &out->items[i];
		datasets[i] = (struct control_dataset){t->table, t->layer, t->location, t->contract, t->version,
			t->rows, t->bytes, flow_table_version(f, t->table), t->whole};
	}
	s->datasets = datasets;
	s->n_datasets = out->n;
	s->edges = edges;
	return control_stage_commit(f->control, &f->lease, s, err);
}

/* ---- commit --------------------------------------------------------------------------------------------------------- */

static status put_buf(struct flow *f, const char *key, const struct buf *b, struct err *err)
{
	TRY(buf_check(b, err));
	const status code = store_put_if_absent(f->lake, key, b->p, b->n, err);
	if (code != E_EXISTS) return code;
	return fail_at(err, E_CONFLICT, key, -1, -1,
		"run %s has committed other content here (another version of the program?); name a new run "
		"with --run-id",
		f->info.run_id);
}

/* manifest.json once raw is committed, checksums.json once the last stage is; the same bytes again are fine. */
status flow_manifest_put(struct flow *f, struct err *err)
{
	char key[RUN_KEY_MAX];
	struct buf text;
	if (f->n_committed == 0) return OK; /* nor may as_of be known */
	buf_init(&text, 0);
	const int32_t date = flow_local_date(f, f->info.as_of);
	run_key(key, date, f->info.run_id, "manifest.json");
	manifest_json(&text, &f->commits[0]);
	status code = put_buf(f, key, &text, err);
	if (code == OK && f->n_committed == f->w->n_stages) {
		buf_reset(&text);
		run_key(key, date, f->info.run_id, "checksums.json");
		code = checksums_json(&text, f->commits, f->n_committed, err);
		if (code == OK) code = put_buf(f, key, &text, err);
	}
	buf_deinit(&text);
	return code;
}

/* The control plane's record of a stage that the lake has, made now or again after a kill between the two. */
status flow_stage_record(struct flow *f, size_t stage, const struct stage_report *r, struct err *err)
{
	char key[RUN_KEY_MAX];
	char hex[HEX_SHA256_CHARS + 1];
	uint8_t hash[SHA256_BYTES];
	struct buf text;
	const struct commit *c = &f->commits[stage];
	commit_key(key, flow_local_date(f, f->info.as_of), f->info.run_id, c->stage);
	buf_init(&text, 0);
	commit_json(&text, c);
	status code = buf_check(&text, err);
	if (code == OK) hash_sha256(text.p, text.n, hash);
	buf_deinit(&text);
	TRY(code);
	hex_encode(hash, sizeof hash, hex);
	struct control_stage s = {
		.run_id = f->info.run_id,
		.name = c->stage,
		.ordinal = (int64_t)stage,
		.location = key,
		.sha256 = hex,
		.n_tasks = c->n_tasks,
		.us = r->us,
		.rows_in = r->rows_in,
		.rows_out = r->rows_out,
		.bytes_in = r->bytes_in,
		.bytes_out = r->bytes_out,
		.committed_at = time_now_us(),
	};
	return record(f, stage, &s, err);
}

status flow_stage_settle(struct flow *f, struct commit *c, struct stage_report *report, struct err *err)
{
	const size_t stage = f->n_committed;
	char key[RUN_KEY_MAX];
	struct buf text;
	TRY(flow_stage_check(f, c, stage, err));
	if (control_heartbeat_lost(f->heartbeat))
		return fail(err, E_BUSY, "run %s was taken over by another process", f->info.run_id);
	TRY(control_lease_renew(f->control, &f->lease, time_now_us(), err));
	TRY(store_sync(f->lake, err));
	TRY(flow_tables_commit(f, c, false, err));
	commit_key(key, flow_local_date(f, c->run.as_of), f->info.run_id, c->stage);
	buf_init(&text, 0);
	commit_json(&text, c);
	const status code = put_buf(f, key, &text, err);
	buf_deinit(&text);
	TRY(code);
	flow_commit_adopt(f, c);
	report->done = true;
	TRY(flow_manifest_put(f, err));
	TRY(flow_stage_record(f, stage, report, err));
	return f->again ? flow_left_overs_remove(f, c, err) : OK;
}
