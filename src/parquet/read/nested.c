/* parquet/read/nested.c: a whole column chunk by its levels. Values are decoded by the columns' own code, as rows without
 * nulls; what is added here is the levels. */
#include "base/limits.h"
#include "parquet/nested.h"
#include "parquet/read/reader_int.h"

/* Entries of one chunk: 2 bytes of levels and up to 8 of value each are taken before the pages are known to be honest. */
enum { LEVELS_ENTRIES_MAX = 1 << 26 };

struct levels_read {
	struct reader_column c;
	uint8_t *def, *rep; /* [chunk->n_values]; NULL when the leaf has none */
	size_t entry;       /* read so far */
	int64_t rows;       /* begun so far */
};

int parquet_reader_leaf(const struct parquet_reader *r, const char *path)
{
	return parquet_reader_column_index(r, path);
}

static unsigned level_bits(unsigned max)
{
	return 32 - (unsigned)__builtin_clz(max);
}

static void narrow(const uint32_t *restrict src, size_t n, uint8_t *restrict dst)
{
	for (size_t i = 0; i < n; i++) dst[i] = (uint8_t)src[i];
}

static size_t count_equal(const uint8_t *v, size_t n, uint8_t value)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++) count += v[i] == value;
	return count;
}

/* n levels from src to dst[n], none over max. */
static status read_levels(
	struct parquet_reader *r, struct decode_source src, unsigned max, size_t n, uint8_t *dst, struct err *err)
{
	struct reader_scratch *s = &r->values;
	if (!reader_scratch_reserve(s, (n + DECODE_SLACK) * sizeof(uint32_t))) return reader_nomem(r, err);
	uint32_t *v = (uint32_t *)(void *)s->p;
	const struct decode_slice all = {.take = n, .total = n};
	TRY(decode_hybrid(r->kernels, src, level_bits(max), all, v, err));
	const uint32_t found = r->kernels->max(v, n);
	if (found > max) return fail(err, E_CORRUPT, "a level of %u, at most %u", found, max);
	narrow(v, n, dst);
	return OK;
}

/* The row of the k-th value of the n entries at hand, in the row group. */
static int64_t row_of_value(const struct levels_read *l, size_t n, int64_t k)
{
	int64_t row = l->rows - 1;
	for (size_t i = l->entry; i < l->entry + n; i++) {
		row += l->rep == NULL || l->rep[i] == 0;
		if ((l->def == NULL || l->def[i] == l->c.leaf->max_def) && k-- == 0) break;
	}
	return row;
}

static status read_page(
	struct levels_read *l, const struct reader_column_kind *kind, const struct reader_page *page, struct err *err)
{
	struct reader_column *c = &l->c;
	const struct reader_leaf *leaf = c->leaf;
	struct reader_page_bytes bytes;
	size_t valid = page->n, rows = page->n;
	TRY(reader_page_open(c->r, leaf, c->chunk, page, &bytes, err));
	if (l->rep != NULL) {
		uint8_t *rep = l->rep + l->entry;
		TRY(read_levels(c->r, (struct decode_source){bytes.repetition, bytes.repetition_n}, leaf->max_rep,
			page->n, rep, err));
		rows = count_equal(rep, page->n, 0);
		if (l->entry == 0 && rep[0] != 0)
			return fail(
				err, E_CORRUPT, "the first value continues a row, by its repetition level %u", rep[0]);
	}
	if (l->def != NULL) {
		uint8_t *def = l->def + l->entry;
		TRY(read_levels(
			c->r, (struct decode_source){bytes.levels, bytes.levels_n}, leaf->max_def, page->n, def, err));
		valid = count_equal(def, page->n, leaf->max_def);
	}
	const struct reader_page_part part = {.page = page,
		.values = bytes.values,
		.values_n = bytes.values_n,
		.rows = valid,
		.slice = {.take = valid, .total = valid}};
	const status code = kind->page(c, &part, err);
	if (code != OK) {
		if (c->bad_value >= 0) c->bad_row = c->first_row + row_of_value(l, page->n, c->bad_value);
		return code;
	}
	c->row += valid;
	l->entry += page->n;
	l->rows += (int64_t)rows;
	return OK;
}

static status start(struct levels_read *l, const struct reader_column_kind *kind, struct err *err)
{
	struct reader_column *c = &l->c;
	const size_t n = c->rows + DECODE_SLACK;
	if (c->leaf->max_def > 0 && (l->def = arena_alloc(c->arena, n, 1)) == NULL) return reader_nomem(c->r, err);
	if (c->leaf->max_rep > 0 && (l->rep = arena_alloc(c->arena, n, 1)) == NULL) return reader_nomem(c->r, err);
	return kind->start(c, err);
}

static status read_chunk(struct levels_read *l, int64_t n_rows, struct parquet_levels *out, struct err *err)
{
	struct reader_column *c = &l->c;
	const struct reader_column_kind *kind = reader_column_kind_of(c->leaf);
	const struct column_def *def = &c->leaf->info.def;
	TRY(start(l, kind, err));
	status code = reader_column_dictionary(c, kind, err);
	if (code != OK) return reader_column_error(c, code, &c->list->dictionary, err);
	for (size_t i = 0; i < c->list->n; i++) {
		code = read_page(l, kind, &c->list->pages[i], err);
		if (code != OK) return reader_column_error(c, code, &c->list->pages[i], err);
	}
	if (l->rows != n_rows)
		return reader_corrupt(c->r, err, c->chunk->at, "column %s: %lld rows in a row group of %lld",
			c->leaf->info.name, (long long)l->rows, (long long)n_rows);
	struct column values = {.type = def->type,
		.precision = def->precision,
		.scale = def->scale,
		.n = (int64_t)c->row,
		.values = c->values};
	TRY(kind->finish(c, &values, err));
	*out = (struct parquet_levels){.values = values,
		.n = (int64_t)l->entry,
		.def = l->def,
		.rep = l->rep,
		.max_def = c->leaf->max_def,
		.max_rep = c->leaf->max_rep};
	return OK;
}

static status refuse(const struct parquet_reader *r, struct err *err, const char *why)
{
	return fail_at(err, E_UNSUPPORTED, r->key, -1, -1, "%s", why);
}

status parquet_reader_levels(struct parquet_reader *r, size_t row_group, int leaf, struct arena *arena,
	struct parquet_levels *out, struct err *err)
{
	ASSERT(row_group < r->n_row_groups && leaf >= 0 && (size_t)leaf < r->n_leaves);
	const struct reader_row_group *g = &r->row_groups[row_group];
	const struct reader_chunk *chunk = &g->chunks[leaf];
	struct reader_page_list list = {0};
	struct levels_read l = {.c = {.r = r,
					.leaf = &r->leaves[leaf],
					.chunk = chunk,
					.list = &list,
					.arena = arena,
					.rows = (size_t)chunk->n_values,
					.plain = true,
					.bad_value = -1,
					.bad_row = -1}};
	l.c.first_row = reader_first_row(r, row_group);
	if (l.c.leaf->unreadable != NULL) return refuse(r, err, l.c.leaf->unreadable);
	if (chunk->unreadable != NULL) return refuse(r, err, chunk->unreadable);
	if (chunk->n_values > LEVELS_ENTRIES_MAX)
		return fail_at(err, E_LIMIT, r->key, -1, -1,
			"column %s: %lld values in one row group; at most %d are read", l.c.leaf->info.name,
			(long long)chunk->n_values, LEVELS_ENTRIES_MAX);
	TRY(reader_pages_list_all(r, chunk, &list, err));
	return read_chunk(&l, g->n_rows, out, err);
}
