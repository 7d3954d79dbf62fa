/* table/maintain/optimize_bin.c: the rows of one bin into new files: copied through, or gathered and put along the curve.
 *
 * Every row comes out once. Knows one bin and the plan's columns; must not know commits.
 */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/thread.h"
#include "table/maintain/optimize_int.h"
#include "table/read/scan.h"
#include "table/write/write.h"
#include "table/maintain/zorder.h"

struct rewrite {
	const struct optimize *o;
	struct optimize_bin *bin;
	struct delta_pairs partition;
	struct delta_scan *scan;
	struct delta_writer *writer;
	struct optimize_held held; /* z-order only */
	uint32_t *rows;            /* their order */
	int64_t rows_cap;
	char unique[UUID_CHARS + 1];
};

/* The partition values of the bin, every column of the metadata once, in its order. */
static status partition_make(struct rewrite *r, struct err *err)
{
	const struct delta_snapshot *s = r->o->base;
	const size_t n = s->metadata.partition_columns.n;
	struct delta_pair *items = ARENA_NEW(&r->bin->arena, struct delta_pair, n + 1);
	if (items == NULL) return fail_nomem(err);
	for (size_t k = 0; k < n; k++)
		items[k] = (struct delta_pair){
			s->metadata.partition_columns.items[k], optimize_partition_value(s, r->bin->files[0], k)};
	r->partition = (struct delta_pairs){items, n};
	return OK;
}

/* With z-order: a row group for about half of the target, so that a file ends near it. 0 = the writer's default. */
static uint32_t row_group_rows(const struct optimize *o, const struct optimize_bin *bin)
{
	int64_t rows = 0;
	if (o->opts.n_zorder == 0 || bin->bytes == 0) return 0;
	for (size_t i = 0; i < bin->n_files; i++) {
		const int64_t n = delta_add_rows(bin->files[i]);
		if (n < 0) return 0;
		rows += n;
	}
	const double half = (double)rows * (double)o->opts.target_bytes / (double)bin->bytes / 2;
	return half < 1024 ? 1024 : half < 1 << 20 ? (uint32_t)half : 0;
}

static status rewrite_open(struct rewrite *r, struct err *err)
{
	const struct optimize *o = r->o;
	const bool ordering = o->opts.n_zorder > 0;
	const struct delta_scan_opts scan = {.columns = o->columns,
		.n_columns = o->schema.n_columns,
		.files = r->bin->files,
		.n_files = r->bin->n_files};
	uint8_t id[UUID_BYTES];
	uuid_random(id);
	uuid_format(id, r->unique);
	TRY(partition_make(r, err));
	/* A bin makes one file whatever it compresses to, so that fewer files come out than went in. */
	const struct delta_writer_opts writer = {.parquet = {.codec = PARQUET_ZSTD, .level = 1},
		.partition = r->partition,
		.file_bytes_max = ordering ? o->opts.target_bytes : INT64_MAX,
		.row_group_rows = row_group_rows(o, r->bin),
		.unique = r->unique,
		.modified_ms = o->now_ms,
		.data_change = false};
	if (ordering) TRY(optimize_held_init(&r->held, &o->schema, err));
	TRY(delta_scan_open(o->base, &scan, &r->scan, err));
	return delta_writer_create(o->store, o->root, &o->schema, &writer, &r->writer, err);
}

/* Write the held rows along the curve. */
static status held_write(struct rewrite *r, struct err *err)
{
	const struct batch b = optimize_held_view(&r->held);
	if (b.n_rows == 0) return OK;
	if (b.n_rows > r->rows_cap) {
		mem_free(r->rows);
		r->rows_cap = 0;
		r->rows = mem_alloc((size_t)b.n_rows * sizeof *r->rows);
		if (r->rows == NULL) return fail_nomem(err);
		r->rows_cap = b.n_rows;
	}
	TRY(zorder_sort(&b, r->o->zorder, r->o->opts.n_zorder, r->rows, err));
	const struct parquet_rows rows = {.rows = r->rows, .n = (uint32_t)b.n_rows};
	TRY(delta_writer_add(r->writer, &b, &rows, err));
	optimize_held_reset(&r->held);
	return OK;
}

static status rewrite_rows(struct rewrite *r, struct err *err)
{
	const int threads = r->o->opts.threads;
	const size_t bytes_max = (size_t)(r->o->opts.sort_bytes_max / (threads > 0 ? threads : 1));
	for (;;) {
		struct batch b;
		bool end = false;
		TRY(optimize_go_on(r->o, err));
		TRY(delta_scan_next(r->scan, &b, &end, err));
		if (end) break;
		r->bin->rows += b.n_rows;
		if (r->o->opts.n_zorder == 0) {
			const struct parquet_rows rows = {.n = (uint32_t)b.n_rows};
			TRY(delta_writer_add(r->writer, &b, &rows, err));
			continue;
		}
		TRY(optimize_held_add(&r->held, &b, err));
		if (optimize_held_full(&r->held, bytes_max)) TRY(held_write(r, err));
	}
	return r->o->opts.n_zorder > 0 ? held_write(r, err) : OK;
}

/* The adds, copied: the writer's go with it. */
static status added_keep(struct rewrite *r, const struct delta_add *files, size_t n, struct err *err)
{
	struct optimize_bin *bin = r->bin;
	struct delta_pair *tag = ARENA_NEW(&bin->arena, struct delta_pair, 1);
	int64_t rows = 0;
	bin->added = ARENA_NEW(&bin->arena, struct delta_add, n + 1);
	if (bin->added == NULL || tag == NULL) return fail_nomem(err);
	*tag = (struct delta_pair){STR(DELTA_ZORDER_TAG), r->o->zorder_tag};
	for (size_t i = 0; i < n; i++) {
		struct delta_add *a = &bin->added[i];
		*a = files[i];
		a->path.p = arena_strndup(&bin->arena, files[i].path.p, files[i].path.n);
		a->stats.p = arena_strndup(&bin->arena, files[i].stats.p, files[i].stats.n);
		if (a->path.p == NULL || a->stats.p == NULL) return fail_nomem(err);
		a->partition = r->partition;
		if (r->o->opts.n_zorder > 0) a->tags = (struct delta_pairs){tag, 1};
		rows += delta_add_rows(a);
	}
	bin->n_added = n;
	ASSERT(rows == bin->rows); /* before anything is removed for it */
	return OK;
}

static status rewrite(struct rewrite *r, struct err *err)
{
	const struct delta_add *files;
	size_t n;
	TRY(rewrite_open(r, err));
	TRY(rewrite_rows(r, err));
	TRY(delta_writer_finish(r->writer, &files, &n, err));
	return added_keep(r, files, n, err);
}

status optimize_bin_rewrite(const struct optimize *o, struct optimize_bin *bin, struct err *err)
{
	struct rewrite r = {.o = o, .bin = bin};
	arena_init(&bin->arena, 0);
	const status code = rewrite(&r, err);
	delta_scan_close(r.scan);
	delta_writer_destroy(r.writer);
	optimize_held_deinit(&r.held);
	mem_free(r.rows);
	return code;
}
