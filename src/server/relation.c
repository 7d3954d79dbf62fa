/* server/relation.c: the list of relations. No column is written here a second time: each comes from the schema of its table or view. */
#include "server/relation.h"

#include <stdlib.h>

#include "base/vec.h"
#include "control/plane_tables.h"
#include "stream/realtime.h"
#include "stream/topic.h"

static status add(struct relation_list *l, struct arena *arena, const struct relation *r, struct err *err)
{
	if (!VEC_ROOM_IN(arena, l, 1)) return fail_nomem(err);
	l->items[l->n++] = *r;
	return OK;
}

static const struct column_def updated_at = {.name = "updated_at",
	.type = COL_TIMESTAMP,
	.nullable = true,
	.description = "when the row was last written here"};

/* Rows of tables of operations and figures are a tenant's by their own column, or that of the table that they are part of. */
static status add_tenant(struct relation *r, const struct table_schema *t, struct arena *arena, struct err *err)
{
	static const char below[] = "\"%s\" IN (SELECT \"%s\" FROM %s WHERE \"tenant_id\" = ";
	if (schema_column_index(t, "tenant_id") >= 0) {
		r->tenant_sql = r->tenant_lake_sql = "\"tenant_id\" = ";
		r->tenant_sql_end = "";
		return OK;
	}
	if (t->parent == NULL) return OK;
	const char *parent = arena_printf(arena, "%s.%s", t->layer, t->parent);
	const char *source = parent;
	for (size_t i = 0; i < r->workload->n_mirrors; i++)
		if (strcmp(r->workload->mirrors[i].schema->name, t->parent) == 0)
			source = r->workload->mirrors[i].source;
	if (parent == NULL) return fail_nomem(err);
	r->tenant_sql = arena_printf(arena, below, t->parent_key, t->parent_key, parent);
	r->tenant_lake_sql = arena_printf(arena, below, t->parent_key, t->parent_key, source);
	r->tenant_sql_end = ")";
	return r->tenant_sql != NULL && r->tenant_lake_sql != NULL ? OK : fail_nomem(err);
}

/* The columns that the serving database has. */
static status add_table(struct relation_list *l, struct arena *arena, const struct table_schema *t,
	struct relation like, struct err *err)
{
	struct table_schema served;
	TRY(schema_served(t, arena, &served, err));
	like.schema = t->layer;
	like.name = t->name;
	like.description = t->description;
	like.columns = served.columns;
	like.n_columns = served.n_columns;
	TRY(add_tenant(&like, t, arena, err));
	if (t->updated_at) {
		struct column_def *columns = ARENA_NEW(arena, struct column_def, served.n_columns + 1);
		if (columns == NULL) return fail_nomem(err);
		memcpy(columns, served.columns, served.n_columns * sizeof *columns);
		columns[like.n_columns++] = updated_at;
		like.columns = columns;
	}
	return add(l, arena, &like, err);
}

static status add_workload(struct relation_list *l, struct arena *arena, const struct workload *w, struct err *err)
{
	const char *served = stage_layer(&w->stages[w->n_stages - 1]);
	for (size_t i = 0; i < w->n_tables; i++) {
		const struct table_schema *t = w->tables[i];
		struct relation r = {.workload = w};
		if (strcmp(t->layer, served) != 0) continue;
		r.lake = arena_printf(arena, "%s.%s", t->layer, t->name);
		if (r.lake == NULL) return fail_nomem(err);
		TRY(add_table(l, arena, t, r, err));
	}
	for (size_t i = 0; i < w->n_mirrors; i++)
		TRY(add_table(l, arena, w->mirrors[i].schema,
			(struct relation){.workload = w, .lake = w->mirrors[i].source}, err));
	for (size_t i = 0; i < w->n_views; i++)
		TRY(add_table(l, arena, w->views[i].schema, (struct relation){.workload = w}, err));
	for (size_t i = 0; i < w->n_lists; i++)
		TRY(add_table(
			l, arena, w->lists[i].schema, (struct relation){.workload = w, .list = &w->lists[i]}, err));
	const struct window_set *windows = w->topic != NULL ? w->topic->windows : NULL;
	for (size_t i = 0; windows != NULL && i < windows->n_tables; i++)
		TRY(add_table(l, arena, windows->tables[i].schema, (struct relation){.workload = w}, err));
	return OK;
}

static int by_name(const void *a, const void *b)
{
	const struct relation *x = a;
	const struct relation *y = b;
	const int schemas = strcmp(x->schema, y->schema);
	return schemas != 0 ? schemas : strcmp(x->name, y->name);
}

status relation_list_make(
	const struct workload_list *workloads, struct arena *arena, struct relation_list *out, struct err *err)
{
	*out = (struct relation_list){0};
	TRY(add_table(out, arena, &realtime_offsets, (struct relation){0}, err));
	TRY(add_table(out, arena, &realtime_late_events, (struct relation){0}, err));
	for (size_t i = 0; i < control_plane_tables_n; i++)
		TRY(add_table(out, arena, &control_plane_tables[i], (struct relation){.live = true}, err));
	for (size_t i = 0; i < workloads->n; i++) TRY(add_workload(out, arena, workloads->items[i], err));
	if (out->n > 0) qsort(out->items, out->n, sizeof *out->items, by_name);
	return OK;
}

const struct relation *relation_find(const struct relation_list *l, struct str schema, struct str name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_is(schema, l->items[i].schema) && str_is(name, l->items[i].name)) return &l->items[i];
	return NULL;
}

bool relation_schema_known(const struct relation_list *l, struct str schema)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_is(schema, l->items[i].schema)) return true;
	return false;
}

int relation_column(const struct relation *r, struct str name)
{
	for (size_t i = 0; i < r->n_columns; i++)
		if (str_is(name, r->columns[i].name)) return (int)i;
	return -1;
}
