/* flow/publish_sources.c: which files a published table is put together from, newest run first, and the lineage of that. */
#include "flow/publish_sources.h"

#include "flow/claims.h"

/* ---- files -------------------------------------------------------------------------------------------------------- */

/* The commit of the stage that folds across runs; NULL: none does. */
static const struct commit *folding_commit(const struct flow *f)
{
	for (size_t k = 0; k < f->state.n_committed && f->w->folding.stage != NULL; k++) {
		if (strcmp(f->state.commits[k].stage, f->w->folding.stage) == 0) return &f->state.commits[k];
	}
	return NULL;
}

/* What of one table the run and those before it wrote; ends[age] is where the files of that age end. */
struct aged_files {
	struct file_list list;
	size_t *ends; /* [n_runs] */
	const char **runs;
	size_t n_runs;
};

static status own_files(const struct flow *f, const char *table, struct file_list *out, struct err *err)
{
	for (size_t k = 0; k < f->state.n_committed; k++) {
		for (size_t i = 0; i < f->state.files[k].n; i++) {
			const struct file_ref *ref = &f->state.files[k].items[i];
			if (strcmp(ref->table, table) == 0 && !file_list_add(out, ref)) return fail_nomem(err);
		}
	}
	return OK;
}

/* table NULL: no files. folded NULL: the run alone. */
static status find_aged(const struct flow *f, const char *table, const struct commit *folded, struct arena *arena,
	struct aged_files *out, struct err *err)
{
	const size_t n_earlier = folded != NULL ? folded->n_history : 0;
	*out = (struct aged_files){
		.list.arena = arena,
		.ends = ARENA_ZNEW(arena, size_t, n_earlier + 1),
		.runs = ARENA_NEW(arena, const char *, n_earlier + 1),
		.n_runs = n_earlier + 1,
	};
	if (out->ends == NULL || out->runs == NULL) return fail_nomem(err);
	out->runs[0] = f->id.info.run_id;
	for (size_t i = 0; i < n_earlier; i++) out->runs[i + 1] = folded->history[n_earlier - 1 - i];
	if (table == NULL) return OK;
	TRY(own_files(f, table, &out->list, err));
	out->ends[0] = out->list.n;
	const struct history_runs earlier = {out->runs + 1, n_earlier, out->ends + 1};
	return n_earlier > 0 ? history_table_files(f->lake, f->w, table, &earlier, &out->list, err) : OK;
}

static void add_age(struct publish_table *t, const struct aged_files *from, size_t age, bool keys_only)
{
	for (size_t i = age > 0 ? from->ends[age - 1] : 0; i < from->ends[age]; i++) {
		const struct file_ref *ref = &from->list.items[i];
		t->files[t->n_files++] = (struct publish_file){*ref, from->runs[age], (uint32_t)age, keys_only};
		if (keys_only) continue;
		t->rows += ref->rows > 0 ? ref->rows : 0;
		t->bytes += ref->bytes;
	}
}

/* The keys of the oldest run with rows, and of those before it, supersede nothing. */
static status find_files(const struct flow *f, struct arena *arena, struct publish_table *t, struct err *err)
{
	const struct commit *folded = t->from.key != NULL ? folding_commit(f) : NULL;
	struct aged_files rows, also;
	if (folded != NULL && folded->n_history >= CLAIMS_OWNERS_MAX)
		return fail(err, E_LIMIT, "a history of over %d runs", CLAIMS_OWNERS_MAX);
	TRY(find_aged(f, t->from.source, folded, arena, &rows, err));
	for (size_t age = 1; age < rows.n_runs; age++)
		if (rows.ends[age] > rows.ends[age - 1]) t->oldest = (uint32_t)age;
	TRY(find_aged(f, t->oldest > 0 ? t->from.also : NULL, folded, arena, &also, err));
	t->files = ARENA_NEW(arena, struct publish_file, rows.list.n + also.list.n + 1);
	if (t->files == NULL) return fail_nomem(err);
	for (size_t age = 0; age <= t->oldest; age++) {
		add_age(t, &rows, age, false);
		if (age < t->oldest) add_age(t, &also, age, true);
	}
	return OK;
}

/* ---- tables ------------------------------------------------------------------------------------------------------- */

/* tables[n_tables + n_mirrors of the workload]. */
static status find_tables(const struct flow *f, struct arena *arena, struct publish_sources *out, struct err *err)
{
	const struct workload *w = f->w;
	for (size_t i = 0; i < w->n_tables; i++) {
		const struct table_schema *t = w->tables[i];
		if (strcmp(t->layer, w->stages[w->n_stages - 1].name) != 0) continue;
		const char *source = arena_printf(arena, "%s.%s", t->layer, t->name);
		if (source == NULL) return fail_nomem(err);
		out->tables[out->n_tables++].from = (struct workload_mirror){.schema = t, .source = source};
	}
	if (w->mirrors_on == NULL || (!control_is_server(f->control) && !w->mirrors_on(f->id.config))) return OK;
	for (size_t i = 0; i < w->n_mirrors; i++) out->tables[out->n_tables++].from = w->mirrors[i];
	return OK;
}

status publish_sources_find(const struct flow *f, struct arena *arena, struct publish_sources *out, struct err *err)
{
	*out = (struct publish_sources){
		.tables = ARENA_ZNEW(arena, struct publish_table, f->w->n_tables + f->w->n_mirrors + 1)};
	if (out->tables == NULL) return fail_nomem(err);
	TRY(find_tables(f, arena, out, err));
	for (size_t t = 0; t < out->n_tables; t++) TRY(find_files(f, arena, &out->tables[t], err));
	return OK;
}

/* ---- lineage ------------------------------------------------------------------------------------------------------ */

/* The run itself is named even when it has no row there. */
static size_t table_edges(
	const struct publish_table *t, const char *run_id, const char *output, struct control_edge *edges)
{
	size_t n = 0;
	edges[n++] = (struct control_edge){t->from.source, run_id, output, run_id};
	for (size_t i = 0; i < t->n_files; i++) {
		const struct publish_file *file = &t->files[i], *before = i > 0 ? file - 1 : NULL;
		if (file->age == 0 && !file->keys_only) continue;
		if (before != NULL && before->age == file->age && before->keys_only == file->keys_only) continue;
		const char *input = file->keys_only ? t->from.also : t->from.source;
		edges[n++] = (struct control_edge){input, file->run_id, output, run_id};
	}
	return n;
}

status publish_sources_edges(const struct publish_sources *s, const char *run_id, struct arena *arena,
	struct control_edge **edges, size_t *n, struct err *err)
{
	size_t n_max = 1;
	for (size_t t = 0; t < s->n_tables; t++) n_max += s->tables[t].n_files + 1;
	*edges = ARENA_ZNEW(arena, struct control_edge, n_max);
	*n = 0;
	if (*edges == NULL) return fail_nomem(err);
	for (size_t t = 0; t < s->n_tables; t++) {
		const struct table_schema *schema = s->tables[t].from.schema;
		const char *output = arena_printf(arena, "serving.%s_%s", schema->layer, schema->name);
		if (output == NULL) return fail_nomem(err);
		*n += table_edges(&s->tables[t], run_id, output, *edges + *n);
	}
	return OK;
}
