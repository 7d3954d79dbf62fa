/* flow/stage_record.c: what the control plane is told of a committed stage: its object, its tables and what they were made from.
 *
 * All of it follows from the run's commits, so a record that was lost is made again and says the same.
 */
#include <stdio.h>

#include "flow/run_int.h"

enum { TABLES_MAX = 128, VERSION_CHARS = UUID_CHARS };

/* The files of one table of one stage, summed. */
struct table_sum {
	const char *table;
	char layer[32];
	char location[PATH_KEY_MAX];
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
static status table_version(const struct flow *f, const struct file_list *files, const char *table,
	char dst[VERSION_CHARS + 1], struct err *err)
{
	enum { HASH_CHARS = 16 };
	if (flow_table_version(f, table) >= 0) {
		(void)snprintf(dst, VERSION_CHARS + 1, "%lld", (long long)flow_table_version(f, table));
		return OK;
	}
	uint8_t xxh[XXH128_BYTES];
	char hex[HEX_XXH128_CHARS + 1];
	struct hash_stream h;
	TRY(hash_stream_init(&h, false, err));
	for (size_t i = 0; i < files->n; i++) {
		const struct file_ref *ref = &files->items[i];
		if (strcmp(ref->table, table) != 0) continue;
		hash_stream_add(&h, ref->path, strlen(ref->path) + 1);
		hash_stream_add(&h, ref->sha256, SHA256_BYTES);
	}
	hash_stream_final(&h, xxh, NULL);
	hash_stream_deinit(&h);
	hex_encode(xxh, sizeof xxh, hex);
	memcpy(dst, hex, HASH_CHARS);
	dst[HASH_CHARS] = '\0';
	return OK;
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
		(void)snprintf(t->layer, sizeof t->layer, "%.*s", dot != NULL ? (int)(dot - t->table) : 0, t->table);
		TRY(path_table_root(t->location, t->table, err));
		const size_t index = workload_table_index(f->w, t->table);
		const struct table_schema *schema = index < f->w->n_tables ? f->w->tables[index] : NULL;
		t->contract = schema != NULL ? schema->contract : NULL;
		t->whole = schema != NULL && schema_n_data_columns(schema) == schema->n_columns;
		TRY(table_version(f, files, t->table, t->version, err));
	}
	return OK;
}

static const struct file_list *stage_of_table(const struct flow *f, size_t stage, const char *table)
{
	for (size_t k = stage; k-- > 0;) {
		for (size_t i = 0; i < f->state.files[k].n; i++) {
			if (strcmp(f->state.files[k].items[i].table, table) == 0) return &f->state.files[k];
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
		if (run_makes(&f->id.info)) {
			edges[*n] = to;
			edges[*n].input = "config";
			edges[(*n)++].input_version = f->id.info.config_hash;
		}
		for (size_t i = 0; !run_makes(&f->id.info) && i < f->id.inputs.n; i++) {
			char hex[HEX_SHA256_CHARS + 1];
			hex_encode(f->id.inputs.items[i].sha256, SHA256_BYTES, hex);
			edges[*n] = to;
			edges[*n].input = f->id.inputs.items[i].path;
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
	const struct commit *c = &f->state.commits[stage];
	const char *base = c->n_history > 0 ? c->history[c->n_history - 1] : NULL;
	const struct file_list *files = stage_of_table(f, stage, table);
	if (files != NULL)
		TRY(table_version(f, files, table, version, err));
	else
		(void)snprintf(version, sizeof version, "%s", base != NULL ? base : "");
	*out = arena_strndup(&f->arena, version, strlen(version));
	return *out != NULL ? OK : fail_nomem(err);
}

/* What tasks made from tables; a table that none did (dimensions) comes from the configuration alone. */
static status table_edges(struct flow *f, size_t stage, const struct table_sums *out, struct control_edge *edges,
	size_t *n, struct err *err)
{
	const struct commit_edges *made = &f->state.commits[stage].edges;
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
		e.input_version = f->id.info.config_hash;
		edges[(*n)++] = e;
	}
	return OK;
}

static status record(struct flow *f, size_t stage, struct control_stage *s, struct err *err)
{
	struct table_sums *out = ARENA_ZNEW(&f->arena, struct table_sums, 1);
	if (out == NULL) return fail_nomem(err);
	TRY(sum_tables(f, &f->state.files[stage], out, err));
	const size_t n_made = stage > 0 ? f->state.commits[stage].edges.n : (f->id.inputs.n + 1) * out->n;
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
	TRY(control_stage_commit(f->control, &f->held.lease, s, err));
	flow_watch_committed(f, s);
	return OK;
}

/* The control plane's record of a stage that the lake has, made now or again after a kill between the two. */
status flow_stage_record(struct flow *f, size_t stage, const struct stage_report *r, struct err *err)
{
	char key[RUN_KEY_MAX];
	char hex[HEX_SHA256_CHARS + 1];
	uint8_t hash[SHA256_BYTES];
	struct buf text;
	ASSERT(stage < f->state.n_committed);
	const struct commit *c = &f->state.commits[stage];
	commit_key(key, flow_run_date(f), f->id.info.run_id, c->stage);
	buf_init(&text, 0);
	commit_json(&text, c);
	status code = buf_check(&text, err);
	if (code == OK) hash_sha256(text.p, text.n, hash);
	buf_deinit(&text);
	TRY(code);
	hex_encode(hash, sizeof hash, hex);
	struct control_stage s = {
		.run_id = f->id.info.run_id,
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
