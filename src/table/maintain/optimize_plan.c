/* table/maintain/optimize_plan.c: what optimize is asked for, against the table, and the files of each bin.
 *
 * The plan depends on the snapshot and the options alone. A column that this version can't write as it was ends it before a file is read.
 */
#include <stdlib.h>

#include "base/thread.h"
#include "table/maintain/optimize_int.h"
#include "table/maintain/zorder.h"

/* ---- what is asked for, against the table ---- */

/* A column is written as its col_type alone says; of these the file would say something else than it did. */
static const char *unlike(const struct delta_column *c)
{
	if (!c->written) return "it is not written";
	if (strcmp(c->type_text, "timestamp_ntz") == 0) return "it would become a timestamp in UTC";
	return NULL;
}

static status check_columns(struct optimize *o, struct err *err)
{
	const struct delta_schema *s = &o->base->schema;
	struct column_def *defs = ARENA_NEW(&o->arena, struct column_def, s->n + 1);
	o->columns = ARENA_NEW(&o->arena, const char *, s->n + 1);
	if (defs == NULL || o->columns == NULL) return fail_nomem(err);
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct delta_column *c = &s->columns[i];
		if (c->partition_index >= 0) continue;
		const char *why = unlike(c);
		if (why == NULL && o->opts.n_zorder > 0 && col_type_nested(c->def.type))
			why = "a nested column is not moved along a curve";
		if (why != NULL)
			return fail(err, E_UNSUPPORTED, "unsupported: optimize of table %s: column %s of type %s: %s",
				o->root, c->def.name, c->type_text, why);
		o->columns[n] = c->def.name;
		defs[n++] = c->def;
	}
	if (n == 0)
		return fail(err, E_UNSUPPORTED,
			"unsupported: optimize of table %s: all its columns are partition columns", o->root);
	o->schema = (struct table_schema){.name = o->root, .columns = defs, .n_columns = n};
	return OK;
}

static int column_of(const struct optimize *o, const char *name)
{
	for (size_t i = 0; i < o->schema.n_columns; i++)
		if (strcmp(o->columns[i], name) == 0) return (int)i;
	return -1;
}

static status zorder_column(const struct optimize *o, size_t k, int *out, struct err *err)
{
	const char *name = o->opts.zorder[k];
	const int column = column_of(o, name);
	if (column < 0 && delta_schema_index(&o->base->schema, str_of(name)) >= 0)
		return fail(err, E_USAGE, "z-order by %s: it is a partition column of %s", name, o->root);
	if (column < 0) return fail(err, E_USAGE, "z-order by %s: table %s has no such column", name, o->root);
	for (size_t j = 0; j < k; j++)
		if (o->zorder[j] == column) return fail(err, E_USAGE, "z-order by %s twice", name);
	*out = column;
	return OK;
}

static status check_zorder(struct optimize *o, struct err *err)
{
	size_t n = 0;
	if (o->opts.n_zorder > ZORDER_COLUMNS_MAX)
		return fail(err, E_USAGE, "z-order by %zu columns: at most %d", o->opts.n_zorder, ZORDER_COLUMNS_MAX);
	for (size_t k = 0; k < o->opts.n_zorder; k++) {
		TRY(zorder_column(o, k, &o->zorder[k], err));
		n += strlen(o->opts.zorder[k]) + 1;
	}
	char *tag = arena_alloc(&o->arena, n + 1, 1), *at = tag;
	if (tag == NULL) return fail_nomem(err);
	for (size_t k = 0; k < o->opts.n_zorder; k++) {
		if (k > 0) *at++ = ',';
		at = stpcpy(at, o->opts.zorder[k]);
	}
	o->zorder_tag = (struct str){tag, (size_t)(at - tag)};
	return OK;
}

status optimize_check(struct optimize *o, struct err *err)
{
	const struct delta_snapshot *s = o->base;
	TRY(check_columns(o, err));
	TRY(check_zorder(o, err));
	for (size_t i = 0; i < o->opts.n_where; i++) {
		ASSERT(o->opts.where[i].column >= 0 && (size_t)o->opts.where[i].column < s->schema.n);
		const struct delta_column *c = &s->schema.columns[o->opts.where[i].column];
		if (c->partition_index < 0)
			return fail(err, E_USAGE, "optimize of %s: condition on %s, which is not a partition column",
				o->root, c->def.name);
	}
	for (size_t i = 0; i < s->n_files; i++) {
		if (s->files[i].dv.unique_id.n > 0)
			return fail(err, E_UNSUPPORTED,
				"unsupported: optimize of table %s: file %.*s has a deletion vector", o->root,
				(int)s->files[i].path.n, s->files[i].path.p);
	}
	return OK;
}

/* ---- bins ---- */

struct str optimize_partition_value(const struct delta_snapshot *s, const struct delta_add *f, size_t k)
{
	ASSERT(k < s->metadata.partition_columns.n);
	const struct delta_pair *pair = delta_pairs_get(&f->partition, s->metadata.partition_columns.items[k]);
	return pair != NULL && pair->value.n > 0 ? pair->value : (struct str){0};
}

/* The values only: 0 for files of one partition. */
static int partition_cmp(const struct delta_snapshot *s, const struct delta_add *a, const struct delta_add *b)
{
	int cmp = 0;
	for (size_t k = 0; cmp == 0 && k < s->metadata.partition_columns.n; k++)
		cmp = str_cmp(optimize_partition_value(s, a, k), optimize_partition_value(s, b, k));
	return cmp;
}

static int file_cmp(const void *a, const void *b, void *arg)
{
	const struct delta_add *x = *(const struct delta_add *const *)a;
	const struct delta_add *y = *(const struct delta_add *const *)b;
	const int cmp = partition_cmp(arg, x, y);
	return cmp != 0 ? cmp : (x > y) - (x < y); /* the snapshot's files stand in the order of their paths */
}

struct planner {
	struct optimize *o;
	const struct delta_add **files; /* by partition and path */
	size_t n_files;
	const struct delta_add **picked; /* those that bins are made of, in their order */
	size_t n_picked;
	size_t partition;
};

static bool is_small(const struct optimize *o, const struct delta_add *f)
{
	return f->size < o->opts.target_bytes - o->opts.target_bytes / 4;
}

static bool is_ordered(const struct optimize *o, const struct delta_add *f)
{
	const struct delta_pair *tag = delta_pairs_get(&f->tags, STR(DELTA_ZORDER_TAG));
	return tag != NULL && str_eq(tag->value, o->zorder_tag);
}

/* The files picked from `from` on, as a bin. One file alone is as good as it gets, unless it is to be ordered. */
static void bin_close(struct planner *p, size_t from, int64_t bytes)
{
	struct optimize *o = p->o;
	const size_t n = p->n_picked - from;
	if (n == 0 || (n == 1 && (o->opts.n_zorder == 0 || is_ordered(o, p->picked[from])))) {
		p->n_picked = from;
		return;
	}
	o->bins[o->n_bins++] = (struct optimize_bin){
		.files = p->picked + from, .n_files = n, .bytes = bytes, .partition = p->partition};
	o->files_todo += (int64_t)n;
}

/* Bins of the files [begin, end) of one partition, in their order. */
static void bins_of(struct planner *p, size_t begin, size_t end)
{
	struct optimize *o = p->o;
	const bool ordering = o->opts.n_zorder > 0;
	const int64_t bytes_max = ordering ? o->opts.commit_bytes_max : o->opts.target_bytes;
	bool todo = !ordering;
	for (size_t i = begin; !todo && i < end; i++) todo = !is_ordered(o, p->files[i]);
	if (!todo) return;
	size_t from = p->n_picked;
	int64_t bytes = 0;
	for (size_t i = begin; i < end; i++) {
		const struct delta_add *f = p->files[i];
		if (!is_small(o, f) && (!ordering || is_ordered(o, f))) continue;
		if (p->n_picked > from && f->size > bytes_max - bytes) {
			bin_close(p, from, bytes);
			from = p->n_picked;
			bytes = 0;
		}
		p->picked[p->n_picked++] = f;
		bytes += f->size;
	}
	bin_close(p, from, bytes);
	p->partition++;
}

status optimize_plan(struct optimize *o, struct err *err)
{
	const struct delta_snapshot *s = o->base;
	struct planner p = {.o = o};
	struct arena scratch;
	p.files = ARENA_NEW(&o->arena, const struct delta_add *, s->n_files + 1);
	p.picked = ARENA_NEW(&o->arena, const struct delta_add *, s->n_files + 1);
	o->bins = ARENA_NEW(&o->arena, struct optimize_bin, s->n_files + 1);
	if (p.files == NULL || p.picked == NULL || o->bins == NULL) return fail_nomem(err);
	arena_init(&scratch, 0);
	for (size_t i = 0; i < s->n_files; i++) {
		arena_reset(&scratch);
		if (delta_file_may_match(s, &s->files[i], o->opts.where, o->opts.n_where, &scratch))
			p.files[p.n_files++] = &s->files[i];
	}
	arena_deinit(&scratch);
	qsort_r(p.files, p.n_files, sizeof(struct delta_add *), file_cmp, o->base);
	for (size_t begin = 0; begin < p.n_files;) {
		size_t end = begin + 1;
		while (end < p.n_files && partition_cmp(s, p.files[begin], p.files[end]) == 0) end++;
		bins_of(&p, begin, end);
		begin = end;
	}
	return OK;
}

status optimize_go_on(const struct optimize *o, struct err *err)
{
	TRY(cancel_check(err));
	if (o->opts.stop == NULL || !*o->opts.stop) return OK;
	return fail(err, E_CANCELLED, "compaction of %s was told to end", o->root);
}
