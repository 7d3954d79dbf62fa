/* parquet/write/writer.c: the public calls of the writer; a row group is one chunk a leaf, in order. Invariants: 1. the first failure
 * poisons the writer until it is destroyed: scratch may hold half a chunk. 2. reset keeps capacity, never content. Must not know
 * encodings. */
#include "base/alloc.h"
#include "base/limits.h"
#include "parquet/write/writer_int.h"

static struct parquet_opts opts_with_defaults(const struct parquet_opts *opts)
{
	struct parquet_opts o = opts != NULL ? *opts : (struct parquet_opts){.codec = PARQUET_ZSTD, .bloom = true};
	if (o.level == 0) o.level = 1;
	if (o.page_rows_max == 0) o.page_rows_max = WRITER_PAGE_ROWS_MAX;
	if (o.page_bytes_min == 0) o.page_bytes_min = WRITER_PAGE_BYTES_MIN;
	return o;
}

static status writer_setup(struct parquet_writer *w, struct err *err)
{
	TRY(writer_tree_make(w, err));
	if (w->n_elements > w->n_columns) TRY(writer_shred_create(&w->shred, err));
	TRY(compress_create(&w->compressor, err));
	TRY(writer_footer_prepare(w, err));
	parquet_writer_reset(w);
	return w->failed != OK ? buf_check(&w->out, err) : OK;
}

status parquet_writer_create(const struct table_schema *schema, const struct parquet_opts *opts,
	struct parquet_writer **out, struct err *err)
{
	ASSERT(schema_n_data_columns(schema) > 0);
	const struct parquet_opts o = opts_with_defaults(opts);
	if (o.codec != PARQUET_UNCOMPRESSED && o.codec != PARQUET_SNAPPY && o.codec != PARQUET_ZSTD &&
		o.codec != PARQUET_LZ4_RAW)
		return fail(err, E_UNSUPPORTED, "unsupported: writing Parquet with compression codec %d", (int)o.codec);
	struct parquet_writer *w = mem_zalloc(1, sizeof *w);
	if (w == NULL) return fail_nomem(err);
	w->schema = schema;
	w->opts = o;
	w->n_columns = schema_n_data_columns(schema);
	arena_init(&w->names, 0);
	struct buf *const bufs[] = {WRITER_BUFS(w)};
	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) buf_init(bufs[i], 0);
	for (unsigned i = 0; i < WRITER_SELECTIONS; i++) {
		buf_init(&w->selections[i].rows_mem, 0);
		buf_init(&w->selections[i].bits_mem, 0);
		buf_init(&w->selections[i].rank_mem, 0);
	}
	const status s = writer_setup(w, err);
	if (s != OK) {
		parquet_writer_destroy(w);
		return s;
	}
	*out = w;
	return OK;
}

void parquet_writer_destroy(struct parquet_writer *w)
{
	if (w == NULL) return;
	struct buf *const bufs[] = {WRITER_BUFS(w)};
	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) buf_deinit(bufs[i]);
	for (unsigned i = 0; i < WRITER_SELECTIONS; i++) {
		buf_deinit(&w->selections[i].rows_mem);
		buf_deinit(&w->selections[i].bits_mem);
		buf_deinit(&w->selections[i].rank_mem);
	}
	compress_destroy(w->compressor);
	writer_shred_destroy(w->shred);
	arena_deinit(&w->names);
	mem_free(w->trees);
	mem_free(w->leaves);
	mem_free(w);
}

void parquet_writer_reset(struct parquet_writer *w)
{
	struct buf *const file[] = {
		&w->out, &w->bloom, &w->column_index, &w->offset_index, &w->stats, &w->chunks, &w->groups};
	for (size_t i = 0; i < sizeof file / sizeof *file; i++) buf_reset(file[i]);
	w->n_rows = 0;
	w->finished = false;
	buf_add(&w->out, "PAR1", 4);
	if (w->out.failed) w->failed = E_NOMEM; /* a failure before stays: scratch may hold half a chunk */
}

static status poisoned(const struct parquet_writer *w, struct err *err)
{
	return fail(err, w->failed, "the Parquet writer of table %s failed before", w->schema->name);
}

static status columns_write(
	struct parquet_writer *w, const struct batch *b, const struct writer_row_plan *plan, struct err *err)
{
	const struct writer_leaf *leaf = w->leaves;
	for (size_t i = 0; i < w->n_columns; i++) {
		const struct writer_shred_column nested = {&w->trees[i], &b->columns[i], leaf};
		size_t n = 1;
		TRY(leaf->path == NULL ? writer_chunk_write(w, leaf, &b->columns[i], plan, err)
				       : writer_shred_write(w, &nested, plan, &n, err));
		leaf += n;
	}
	ASSERT(leaf == w->leaves + w->n_leaves);
	return OK;
}

/* About what a row group takes in the file. Room for it at once saves copies of what is there; what it is too much is never touched. */
static size_t group_guess(const struct parquet_writer *w, const struct batch *b, const struct parquet_rows *rows)
{
	enum { NUMBER_BYTES = 2, ID_SHARE = 2, TEXT_SHARE = 6 };
	size_t bytes = 0;
	for (size_t i = 0; i < w->n_columns; i++) {
		const struct column *c = &b->columns[i];
		const struct column_def *def = &w->schema->columns[i];
		const bool plain = (def->type == COL_STRING || def->type == COL_BINARY) && c->dict == NULL && c->n > 0;
		const size_t text = plain ? (size_t)(c->offsets[c->n] - c->offsets[0]) : 0;
		bytes += plain ? text / (def->id ? ID_SHARE : TEXT_SHARE) : (size_t)c->n * NUMBER_BYTES;
	}
	return b->n_rows > rows->n ? bytes * rows->n / (size_t)b->n_rows : bytes;
}

static status group_write(
	struct parquet_writer *w, const struct batch *b, const struct parquet_rows *rows, struct err *err)
{
	struct writer_row_plan plan;
	TRY(writer_row_plan_make(w, rows, b->n_rows, &plan, err));
	for (unsigned i = 0; i < WRITER_SELECTIONS; i++) w->selections[i].source = NULL;
	w->selection_next = 0; /* the same slots for the same patterns: nothing grows in a second file */
	if (buf_reserve(&w->out, group_guess(w, b, rows)) == NULL) return buf_check(&w->out, err);
	const size_t before = w->chunks.n;
	struct writer_group_record g = {.n_rows = rows->n, .offset = w->out.n};
	TRY(columns_write(w, b, &plan, err));
	ASSERT(w->chunks.n - before == w->n_leaves * sizeof(struct writer_chunk_record));
	const struct writer_chunk_record *chunks =
		(const struct writer_chunk_record *)(const void *)(w->chunks.p + before);
	for (size_t i = 0; i < w->n_leaves; i++) g.bytes_raw += chunks[i].bytes_raw;
	g.bytes = w->out.n - g.offset;
	buf_add(&w->groups, &g, sizeof g);
	if (w->stats.failed) return buf_check(&w->stats, err);
	w->n_rows += rows->n;
	return buf_check(&w->groups, err);
}

status parquet_writer_row_group(
	struct parquet_writer *w, const struct batch *b, const struct parquet_rows *rows, struct err *err)
{
	ASSERT(!w->finished);
	ASSERT(b->n_columns >= w->n_columns);
	if (w->failed != OK) return poisoned(w, err);
	if (rows->n == 0) return OK;
	w->failed = group_write(w, b, rows, err);
	return w->failed;
}

int64_t parquet_writer_rows(const struct parquet_writer *w)
{
	return w->n_rows;
}

size_t parquet_writer_bytes(const struct parquet_writer *w)
{
	return w->out.n;
}

status parquet_writer_finish(struct parquet_writer *w, const uint8_t **p, size_t *n, struct err *err)
{
	if (w->failed != OK) return poisoned(w, err);
	if (!w->finished) {
		writer_footer_write(w);
		w->failed = buf_check(&w->out, err);
		if (w->failed != OK) return w->failed;
		w->finished = true;
	}
	*p = w->out.p;
	*n = w->out.n;
	return OK;
}
