/* flow/table_files.c: files of a table's log as a run names them, and which of them a stream appended. Knows no run but by its commit. */
#include "flow/table_files.h"

#include "flow/superseded.h"

status table_files_add(const struct delta_snapshot *s, const char *table, const struct delta_add *a,
	struct file_list *out, struct err *err)
{
	char key[DELTA_KEY_MAX];
	if (a->dv.unique_id.n > 0)
		return fail(err, E_UNSUPPORTED,
			"%s: rows of %.*s were deleted by a deletion vector; rewrite it with the engine that did "
			"(Spark: REORG TABLE ... APPLY (PURGE))",
			s->root, (int)a->path.n, a->path.p);
	TRY(delta_key(key, s->root, a->path, err));
	struct file_ref ref = {
		.table = table, .path = key, .partition = a->partition, .rows = delta_add_rows(a), .bytes = a->size};
	if (!path_part_hash(a->path, ref.xxh128))
		memset(ref.xxh128, 0, sizeof ref.xxh128); /* of another writer: not known */
	const struct delta_pair *tag = delta_pairs_get(&a->tags, STR(FLOW_MADE_OF_TAG));
	if (tag != NULL && tag->value.p != NULL) {
		ref.made_of = arena_strndup(out->arena, tag->value.p, tag->value.n);
		if (ref.made_of == NULL) return fail_nomem(err);
	}
	return file_list_add(out, &ref) ? OK : fail_nomem(err);
}

/* Rows of a run's are in a table that has seen the run's commit. */
static bool is_streamed(const struct delta_snapshot *s, const struct delta_add *a)
{
	char run_id[UUID_CHARS + 1] = "", app_id[RUN_KEY_MAX];
	const struct delta_pair *p = delta_pairs_get(&a->partition, STR("run_id"));
	if (p == NULL || p->value.n != UUID_CHARS) return true;
	memcpy(run_id, p->value.p, UUID_CHARS);
	return delta_snapshot_app_txn(s, flow_app_id(run_id, "bronze", app_id)) == NULL;
}

static status streamed_files(const struct delta_snapshot *s, const struct table_schema *t, const char *table,
	const char *part, struct file_list *out, struct err *err)
{
	const int column = schema_part_column(t);
	ASSERT(column >= 0);
	for (size_t i = 0; i < s->n_files; i++) {
		const struct delta_pair *p = delta_pairs_get(&s->files[i].partition, str_of(t->columns[column].name));
		if (part != NULL && (p == NULL || !str_is(p->value, part))) continue;
		if (is_streamed(s, &s->files[i])) TRY(table_files_add(s, table, &s->files[i], out, err));
	}
	file_list_sort(out);
	return OK;
}

status table_files_streamed(
	struct store *lake, const struct workload *w, const char *part, struct file_list *out, struct err *err)
{
	struct delta_snapshot *s = NULL;
	const char *events = w->folding.events;
	const struct table_schema *t = w->tables[workload_table_index(w, events)];
	char root[RUN_KEY_MAX];
	flow_table_root(t, root);
	status code = delta_snapshot_open(lake, root, DELTA_LATEST, &s, err);
	if (code == E_NOT_FOUND) return fail(err, code, "no table %s: no stream has appended anything", events);
	TRY(code);
	code = streamed_files(s, t, events, part, out, err);
	delta_snapshot_close(s);
	return code;
}
