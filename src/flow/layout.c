/* flow/layout.c: see layout.h. It knows the partition columns of one table and no row of it. */
#include "flow/layout.h"

#include "flow/superseded.h"
#include "table/log/snapshot.h"

static bool same_columns(const struct table_schema *t, const struct delta_strings *found)
{
	size_t n = 0;
	for (size_t c = 0; c < t->n_columns; c++) {
		if (!t->columns[c].partition) continue;
		if (n == found->n || !str_is(found->items[n], t->columns[c].name)) return false;
		n++;
	}
	return n == found->n;
}

static void list_wanted(const struct table_schema *t, struct buf *out)
{
	const char *between = "";
	for (size_t c = 0; c < t->n_columns; c++) {
		if (!t->columns[c].partition) continue;
		buf_printf(out, "%s%s", between, t->columns[c].name);
		between = ", ";
	}
	buf_char(out, '\0');
}

static void list_found(const struct delta_strings *found, struct buf *out)
{
	for (size_t i = 0; i < found->n; i++)
		buf_printf(out, "%s%.*s", i > 0 ? ", " : "", (int)found->items[i].n, found->items[i].p);
	buf_char(out, '\0');
}

static status refuse(const struct table_schema *t, const struct delta_strings *found, struct err *err)
{
	struct buf have, want;
	buf_init(&have, 0);
	buf_init(&want, 0);
	list_found(found, &have);
	list_wanted(t, &want);
	status code = have.failed || want.failed ? fail_nomem(err) : OK;
	if (code == OK) {
		code = fail(err, E_UNSUPPORTED,
			"%s.%s is partitioned by %s, as another version of pqr wrote it, not by %s", t->layer, t->name,
			(const char *)have.p, (const char *)want.p);
		code = err_advise(err, code, ADVICE_REBUILD, NULL);
	}
	buf_deinit(&have);
	buf_deinit(&want);
	return code;
}

status flow_layout_check(struct store *lake, const struct workload *w, struct err *err)
{
	char root[RUN_KEY_MAX];
	struct delta_snapshot *s = NULL;
	if (w->folding.events == NULL) return OK;
	const struct table_schema *t = w->tables[workload_table_index(w, w->folding.events)];
	flow_table_root(t, root);
	const status found = delta_snapshot_open(lake, root, DELTA_LATEST, &s, err);
	if (found == E_NOT_FOUND) return OK;
	TRY(found);
	const struct delta_strings *columns = &s->metadata.partition_columns;
	const status code = same_columns(t, columns) ? OK : refuse(t, columns, err);
	delta_snapshot_close(s);
	return code;
}
