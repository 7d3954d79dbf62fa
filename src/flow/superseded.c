/* flow/superseded.c: what the tables' logs say of a run's files that are gone.
 *
 * A table is looked at once, when the first of its files is asked for, and in its newest version then.
 */
#include "flow/superseded.h"

#include <stdio.h>

#include "base/alloc.h"
#include "table/log/snapshot.h"

struct table_state {
	bool known, committed; /* committed: the table has seen the run's stage */
	struct delta_snapshot *snapshot;
};
struct superseded {
	struct store *lake;
	const struct workload *w;
	const char *run_id;
	struct table_state *tables; /* [w->n_tables] */
};

void flow_table_root(const struct table_schema *t, char dst[RUN_KEY_MAX])
{
	const int n = snprintf(dst, RUN_KEY_MAX, "%s/%s", t->layer, t->name);
	ASSERT(n > 0 && n < RUN_KEY_MAX);
}

struct str flow_app_id(const char *run_id, const char *layer, char dst[RUN_KEY_MAX])
{
	const int n = snprintf(dst, RUN_KEY_MAX, "pqr/%s/%s", run_id, layer);
	ASSERT(n > 0 && n < RUN_KEY_MAX);
	return (struct str){dst, (size_t)n};
}

status superseded_create(
	struct store *lake, const struct workload *w, const char *run_id, struct superseded **out, struct err *err)
{
	struct superseded *s = mem_zalloc(1, sizeof *s);
	struct table_state *tables = mem_zalloc(w->n_tables + 1, sizeof *tables);
	if (s == NULL || tables == NULL) {
		mem_free(s);
		mem_free(tables);
		return fail_nomem(err);
	}
	*s = (struct superseded){lake, w, run_id, tables};
	*out = s;
	return OK;
}

void superseded_destroy(struct superseded *s)
{
	if (s == NULL) return;
	for (size_t i = 0; i < s->w->n_tables; i++) delta_snapshot_close(s->tables[i].snapshot);
	mem_free(s->tables);
	mem_free(s);
}

static status learn(struct superseded *s, size_t index, struct err *err)
{
	struct table_state *t = &s->tables[index];
	const struct table_schema *schema = s->w->tables[index];
	char root[RUN_KEY_MAX], app_id[RUN_KEY_MAX];
	flow_table_root(schema, root);
	const status code = delta_snapshot_open(s->lake, root, DELTA_LATEST, &t->snapshot, err);
	t->known = true;
	if (code == E_NOT_FOUND) return OK;
	TRY(code);
	if (delta_snapshot_app_txn(t->snapshot, flow_app_id(s->run_id, schema->layer, app_id)) == NULL) return OK;
	t->committed = true;
	return OK;
}

status superseded_check(struct superseded *s, const struct file_ref *ref, bool *out, struct err *err)
{
	char root[RUN_KEY_MAX];
	const size_t index = workload_table_index(s->w, ref->table);
	*out = false;
	if (index == s->w->n_tables) return OK;
	if (!s->tables[index].known) TRY(learn(s, index, err));
	/* What a stream appended and the run took was in the table before it. */
	const struct delta_pair *writer = delta_pairs_get(&ref->partition, STR("run_id"));
	const bool own = writer == NULL || str_is(writer->value, s->run_id);
	if (s->tables[index].snapshot == NULL || (own && !s->tables[index].committed)) return OK;
	flow_table_root(s->w->tables[index], root);
	*out = delta_snapshot_file(s->tables[index].snapshot, str_of(ref->path + strlen(root) + 1)) == NULL;
	return OK;
}
