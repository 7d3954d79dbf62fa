/* table/read/scan.c: the rows of a snapshot's files, pruned and filtered, as batches.
 *
 *   files left by their stats -> row groups left by theirs -> columns of conditions -> rows that hold -> the other columns of these
 *
 * One file is open at a time. A column that a file lacks is null, one that it has in another type is an error with file and column.
 */
#include "base/alloc.h"
#include "base/limits.h"
#include "parquet/nested.h"
#include "table/read/scan_int.h"

enum { BATCH_ROWS = 65536, BATCH_ROWS_MAX = 1 << 24 };

/* ---- open ---- */

static bool in_conditions(const struct delta_scan *scan, int column)
{
	for (size_t i = 0; i < scan->n_where; i++)
		if (scan->where[i].column == column) return true;
	return false;
}

static void read_column(struct delta_scan *scan, int index)
{
	scan->columns[scan->n_read] = (struct scan_column){
		.column = &scan->s->schema.columns[index], .condition = in_conditions(scan, index)};
	scan->indices[scan->n_read++] = index;
}

/* A column that is left out in silence would look like one the table has not. */
static status check_readable(const struct delta_scan *scan, int index, struct err *err)
{
	const struct delta_column *c = &scan->s->schema.columns[index];
	if (c->supported || c->read_only) return OK;
	return fail(err, E_UNSUPPORTED, "unsupported: column %s of type %.200s; name the columns to read, without it",
		c->def.name, c->type_text);
}

static status choose_named(struct delta_scan *scan, const struct delta_scan_opts *o, struct err *err)
{
	const struct delta_schema *schema = &scan->s->schema;
	for (size_t i = 0; i < o->n_columns; i++) {
		const int index = delta_schema_index(schema, str_of(o->columns[i]));
		if (index < 0) {
			const status code =
				fail(err, E_USAGE, "table %s has no column \"%s\"", scan->s->root, o->columns[i]);
			return err_advise(err, code, ADVICE_COLUMNS, NULL);
		}
		TRY(check_readable(scan, index, err));
		for (size_t k = 0; k < i; k++)
			if (scan->indices[k] == index)
				return fail(err, E_USAGE, "column \"%s\" is named twice", o->columns[i]);
		read_column(scan, index);
	}
	return OK;
}

static status choose_columns(struct delta_scan *scan, const struct delta_scan_opts *o, struct err *err)
{
	const struct delta_schema *schema = &scan->s->schema;
	const size_t room = o->n_columns + schema->n + 1;
	scan->columns = ARENA_ZNEW(&scan->arena, struct scan_column, room);
	scan->indices = ARENA_ZNEW(&scan->arena, int, room);
	scan->out = ARENA_ZNEW(&scan->arena, struct column, room);
	if (scan->columns == NULL || scan->indices == NULL || scan->out == NULL) return fail_nomem(err);
	if (o->columns != NULL) {
		TRY(choose_named(scan, o, err));
	} else {
		for (size_t i = 0; i < schema->n; i++) {
			TRY(check_readable(scan, (int)i, err));
			read_column(scan, (int)i);
		}
	}
	scan->n_columns = scan->n_read;
	for (size_t i = 0; i < o->n_where; i++) {
		size_t k = 0;
		ASSERT(o->where[i].column >= 0 && (size_t)o->where[i].column < schema->n);
		while (k < scan->n_read && scan->indices[k] != o->where[i].column) k++;
		if (k == scan->n_read) read_column(scan, o->where[i].column);
	}
	return OK;
}

static status choose_files(struct delta_scan *scan, const struct delta_scan_opts *o, struct err *err)
{
	const size_t n = o->files != NULL ? o->n_files : scan->s->n_files;
	scan->files = ARENA_NEW(&scan->arena, const struct delta_add *, n);
	if (scan->files == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct delta_add *file = o->files != NULL ? o->files[i] : &scan->s->files[i];
		if (file->dv.unique_id.n > 0)
			return fail(err, E_UNSUPPORTED, "unsupported: the deletion vector of %s/%.*s", scan->s->root,
				(int)file->path.n, file->path.p);
		arena_reset(&scan->read); /* scratch of the statistics */
		if (o->n_where > 0 && !delta_file_may_match(scan->s, file, o->where, o->n_where, &scan->read)) continue;
		scan->files[scan->n_files++] = file;
	}
	return OK;
}

static status scan_setup(struct delta_scan *scan, const struct delta_scan_opts *o, struct err *err)
{
	TRY(choose_columns(scan, o, err));
	TRY(choose_files(scan, o, err));
	TRY(parquet_reader_create(&scan->reader, err));
	if (o->n_where == 0) return OK;
	scan->rows = mem_zalloc((size_t)scan->batch_rows_max, sizeof *scan->rows);
	return scan->rows != NULL ? OK : fail_nomem(err);
}

status delta_scan_open(
	const struct delta_snapshot *s, const struct delta_scan_opts *opts, struct delta_scan **out, struct err *err)
{
	const struct delta_scan_opts o = opts != NULL ? *opts : (struct delta_scan_opts){0};
	struct delta_scan *scan = mem_zalloc(1, sizeof *scan);
	if (scan == NULL) return fail_nomem(err);
	scan->s = s;
	scan->where = o.where;
	scan->n_where = o.n_where;
	scan->batch_rows_max = o.batch_rows_max > 0 ? o.batch_rows_max : BATCH_ROWS;
	if (scan->batch_rows_max > BATCH_ROWS_MAX) scan->batch_rows_max = BATCH_ROWS_MAX;
	const status code = scan_setup(scan, &o, err);
	if (code != OK) {
		delta_scan_close(scan);
		return code;
	}
	*out = scan;
	return OK;
}

static void close_file(struct delta_scan *scan)
{
	store_object_close(scan->object);
	scan->object = NULL;
}

void delta_scan_close(struct delta_scan *scan)
{
	if (scan == NULL) return;
	parquet_reader_close(scan->reader);
	if (scan->object != NULL) close_file(scan);
	mem_free(scan->rows);
	arena_deinit(&scan->group);
	arena_deinit(&scan->read);
	arena_deinit(&scan->kept);
	arena_deinit(&scan->arena);
	mem_free(scan);
}

size_t delta_scan_n_columns(const struct delta_scan *scan)
{
	return scan->n_columns;
}

const struct column_def *delta_scan_column(const struct delta_scan *scan, size_t i)
{
	ASSERT(i < scan->n_columns);
	return &scan->columns[i].column->def;
}

size_t delta_scan_n_files(const struct delta_scan *scan)
{
	return scan->n_files;
}

const struct delta_add *delta_scan_file(const struct delta_scan *scan, size_t i)
{
	ASSERT(i < scan->n_files);
	return scan->files[i];
}

/* ---- files and row groups ---- */

static const struct parquet_field *field_named(
	const struct parquet_field *fields, size_t n, const char *name, size_t *at)
{
	for (*at = 0; *at < n; ++*at)
		if (strcmp(fields[*at].info.name, name) == 0) return &fields[*at];
	return NULL;
}

static status find_leaf(struct delta_scan *scan, struct scan_column *c, struct err *err)
{
	const struct column_def *def = &c->column->def;
	const struct parquet_field *fields;
	size_t n;
	TRY(parquet_reader_fields(scan->reader, &fields, &n, err));
	const struct parquet_field *f = field_named(fields, n, def->name, &c->field);
	if (f == NULL) {
		c->leaf = LEAF_MISSING;
		if (def->nullable) return OK;
		return fail_at(err, E_CORRUPT, scan->key, -1, -1,
			"column %s, which may not be null, is not in this file", def->name);
	}
	TRY(scan_column_check(c->column, &f->info, err));
	c->leaf = f->column >= 0 && c->column->supported ? f->column : LEAF_FIELD;
	return OK;
}

static status find_column(struct delta_scan *scan, struct scan_column *c, struct err *err)
{
	const struct delta_add *file = scan->files[scan->file];
	const struct column_def *def = &c->column->def;
	if (c->column->partition_index < 0) return find_leaf(scan, c, err);
	c->leaf = LEAF_CONSTANT;
	const struct delta_pair *pair = delta_pairs_get(&file->partition, str_of(def->name));
	return delta_value_parse(def, pair != NULL ? pair->value : (struct str){NULL, 0}, &c->constant, err);
}

static status open_file(struct delta_scan *scan, struct err *err)
{
	const struct delta_add *file = scan->files[scan->file];
	TRY(delta_key(scan->key, scan->s->root, file->path, err));
	const status opened = store_object_open(scan->s->store, scan->key, &scan->object, err);
	if (opened == E_NOT_FOUND)
		return fail_at(err, E_NOT_FOUND, scan->key, -1, -1,
			"gone, though version %lld has it: vacuum deletes what no version within its retention "
			"needs; without a vacuum the table is damaged",
			(long long)scan->s->version);
	TRY(opened);
	const int64_t size = store_object_size(scan->object);
	if (size != file->size)
		return fail_at(err, E_CORRUPT, scan->key, -1, -1, "%lld bytes, and the table's log says %lld",
			(long long)size, (long long)file->size);
	TRY(parquet_reader_reopen(scan->reader, scan->object, err));
	for (size_t i = 0; i < scan->n_read; i++) TRY(find_column(scan, &scan->columns[i], err));
	scan->row_group = 0;
	scan->row = 0;
	scan->group_read = false;
	return OK;
}

/* A row group's statistics as those of a file: strings are bounds, the rest is exact. */
static status group_stats(const struct delta_scan *scan, const struct scan_column *c, int64_t rows,
	struct delta_column_stats *out, struct err *err)
{
	struct parquet_stats stats;
	*out = (struct delta_column_stats){0};
	if (c->leaf == LEAF_MISSING) {
		*out = (struct delta_column_stats){.has_null_count = true, .null_count = rows};
		return OK;
	}
	TRY(parquet_reader_stats(scan->reader, scan->row_group, c->leaf, &stats, err));
	out->has_min = stats.has_min;
	out->has_max = stats.has_max;
	out->has_null_count = stats.null_count >= 0;
	out->null_count = stats.null_count;
	out->min = (struct delta_value){.i64 = stats.min_i64, .f64 = stats.min_f64, .text = stats.min_bytes};
	out->max = (struct delta_value){.i64 = stats.max_i64, .f64 = stats.max_f64, .text = stats.max_bytes};
	return OK;
}

static status group_may_match(const struct delta_scan *scan, bool *out, struct err *err)
{
	const int64_t rows = parquet_reader_row_group_rows(scan->reader, scan->row_group);
	*out = rows > 0;
	for (size_t i = 0; *out && i < scan->n_where; i++) {
		const struct delta_condition *where = &scan->where[i];
		struct delta_column_stats stats;
		size_t k = 0;
		while (k < scan->n_read && scan->indices[k] != where->column) k++;
		ASSERT(k < scan->n_read); /* choose_columns took every condition's */
		if (scan->columns[k].leaf == LEAF_CONSTANT) continue;
		TRY(group_stats(scan, &scan->columns[k], rows, &stats, err));
		*out = delta_stats_may_match(&scan->columns[k].column->def, where, &stats, rows);
	}
	return OK;
}

/* ---- rows ---- */

/* The columns by fields, all rows of the row group. */
static status read_group(struct delta_scan *scan, struct err *err)
{
	const struct parquet_field *fields;
	size_t n;
	if (scan->group_read) return OK;
	arena_reset(&scan->group);
	TRY(parquet_reader_fields(scan->reader, &fields, &n, err));
	for (size_t i = 0; i < scan->n_read; i++) {
		struct scan_column *c = &scan->columns[i];
		struct column whole;
		if (c->leaf != LEAF_FIELD) continue;
		TRY(parquet_reader_field_read(scan->reader, scan->row_group, c->field, &scan->group, &whole, err));
		TRY(scan_column_fit(&c->column->def, &fields[c->field].info.def, &whole, &scan->group, &c->group, err));
	}
	scan->group_read = true;
	return OK;
}

/* Rows of a column by its field. They are copied: a batch may outlive the row group. */
static status cut_rows(struct delta_scan *scan, const struct scan_column *c, const struct parquet_range *range,
	struct column *out, struct err *err)
{
	const int64_t n = range->end - range->begin;
	uint32_t *rows = ARENA_NEW(&scan->read, uint32_t, n);
	if (rows == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < n; i++) rows[i] = (uint32_t)(range->begin + i);
	TRY(read_group(scan, err));
	return gather_column(&c->group, rows, n, &scan->read, out, err);
}

/* The columns that conditions need, or the others, of rows `range`, into scan->out. */
static status read_columns(struct delta_scan *scan, const struct parquet_range *range, bool condition, struct err *err)
{
	int leaves[TABLE_COLUMNS_MAX];
	size_t n = 0, next = 0;
	struct batch got = {0};
	ASSERT(scan->n_read <= TABLE_COLUMNS_MAX); /* of a schema, each once */
	for (size_t i = 0; i < scan->n_read; i++)
		if (scan->columns[i].condition == condition && scan->columns[i].leaf >= 0)
			leaves[n++] = scan->columns[i].leaf;
	if (n > 0)
		TRY(parquet_reader_read(
			scan->reader, range, (struct parquet_columns){leaves, n}, &scan->read, &got, err));
	static const struct delta_value null = {.null = true};
	for (size_t i = 0; i < scan->n_read; i++) {
		const struct scan_column *c = &scan->columns[i];
		const struct column_def *def = &c->column->def;
		if (c->condition != condition) continue;
		if (c->leaf >= 0)
			TRY(scan_column_widen(def, &got.columns[next++], &scan->read, &scan->out[i], err));
		else if (c->leaf == LEAF_FIELD)
			TRY(cut_rows(scan, c, range, &scan->out[i], err));
		else
			TRY(scan_column_constant(def, c->leaf == LEAF_CONSTANT ? &c->constant : &null,
				range->end - range->begin, &scan->read, &scan->out[i], err));
	}
	return OK;
}

/* What conditions leave of the rows is copied, so that a batch of few rows does not hold the memory of many. */
static status copy_kept(struct delta_scan *scan, int64_t n, struct err *err)
{
	for (size_t i = 0; i < scan->n_columns; i++) {
		struct column kept;
		TRY(gather_column(&scan->out[i], scan->rows, n, &scan->kept, &kept, err));
		scan->out[i] = kept;
	}
	return OK;
}

static status read_rows(struct delta_scan *scan, struct batch *out, struct err *err)
{
	const int64_t rows = parquet_reader_row_group_rows(scan->reader, scan->row_group);
	struct parquet_range range = {.row_group = scan->row_group, .begin = scan->row, .end = rows};
	if (range.end - range.begin > scan->batch_rows_max) range.end = range.begin + scan->batch_rows_max;
	size_t n = (size_t)(range.end - range.begin);
	ASSERT(range.begin < range.end); /* else a scan would not end */
	arena_reset(&scan->read);
	arena_reset(&scan->kept);
	scan->row = range.end;
	scan->batch_arena = &scan->read;
	*out = (struct batch){.n_columns = scan->n_columns, .columns = scan->out, .n_rows = (int64_t)n};
	if (scan->n_where > 0) {
		TRY(read_columns(scan, &range, true, err));
		const struct batch all = {.n_columns = scan->n_read, .columns = scan->out, .n_rows = (int64_t)n};
		for (size_t i = 0; i < n; i++) scan->rows[i] = (uint32_t)i;
		out->n_rows = (int64_t)delta_rows_match(&all, scan->indices, scan->where, scan->n_where, scan->rows, n);
	}
	if (out->n_rows == 0) return OK;
	TRY(read_columns(scan, &range, false, err));
	if (out->n_rows == (int64_t)n) return OK;
	scan->batch_arena = &scan->kept;
	return copy_kept(scan, out->n_rows, err);
}

/* One step: open a file, pass a row group, read rows, or close the file. out->n_rows == 0: no rows yet. */
static status step(struct delta_scan *scan, struct batch *out, struct err *err)
{
	bool may_match = true;
	if (scan->object == NULL) return open_file(scan, err);
	if (scan->row_group == parquet_reader_n_row_groups(scan->reader)) {
		close_file(scan);
		scan->file++;
		return OK;
	}
	if (scan->row == 0) TRY(group_may_match(scan, &may_match, err));
	if (may_match && scan->row < parquet_reader_row_group_rows(scan->reader, scan->row_group))
		return read_rows(scan, out, err);
	scan->row_group++;
	scan->row = 0;
	scan->group_read = false;
	return OK;
}

status delta_scan_next(struct delta_scan *scan, struct batch *out, bool *end, struct err *err)
{
	struct batch got = {0};
	if (scan->failed) return fail(err, E_USAGE, "the scan of %s failed before", scan->s->root);
	while (got.n_rows == 0 && scan->file < scan->n_files) {
		const status code = step(scan, &got, err);
		if (code == OK) continue;
		scan->failed = true;
		return err_at(err, code, scan->key, -1, -1);
	}
	*end = got.n_rows == 0;
	*out = got;
	return OK;
}
