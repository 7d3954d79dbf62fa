/* parquet/read/reader.c: the public calls of the reader. Opening finds the footer at the end of the file and has it read whole; columns
 * are decoded one by one. Invariants: 1. between calls r holds one file entirely understood, or none. 2. What a file says of itself is
 * checked in footer.c and page.c before anything is sized by it. Must not know encodings. */
#include "parquet/reader.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "parquet/read/reader_int.h"

enum {
	WHOLE_BYTES_MAX = 1 << 20, /* a file up to this size is read at once */
	TAIL_BYTES = 1 << 16,      /* of a larger one this much first, in the hope that the footer is in it */
	READ_ROWS_MAX = 1 << 26,   /* rows in one call */
	SCHEMA_ARENA_MAX = 1 << 26,
	META_ARENA_SPARE = 1 << 20,
	META_ARENA_FACTOR = 64, /* bytes of row groups and metadata for each byte of footer, at the very most */
	FOOTER_TAIL = 8,        /* its length and "PAR1" */
};

/* ---- open ------------------------------------------------------------------------------------------------- */

/* The last bytes of the file (all of a small one) into file_bytes; *n of them. */
static status read_tail(struct parquet_reader *r, size_t want, size_t *n, struct err *err)
{
	*n = r->size < (int64_t)want ? (size_t)r->size : want;
	if (!reader_scratch_reserve(&r->file_bytes, *n)) return reader_nomem(r, err);
	return store_object_read_at(r->object, r->size - (int64_t)*n, r->file_bytes.p, *n, err);
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static status check_magic(const struct parquet_reader *r, size_t n, struct err *err)
{
	const uint8_t *magic = r->file_bytes.p + n - 4;
	if (memcmp(magic, "PARE", 4) == 0)
		return fail_at(err, E_UNSUPPORTED, r->key, -1, -1, "unsupported: encrypted Parquet file");
	if (memcmp(magic, "PAR1", 4) != 0)
		return reader_corrupt(
			r, err, r->size - 4, "no Parquet file, or a truncated one: it does not end in PAR1");
	if (r->whole && memcmp(r->file_bytes.p, "PAR1", 4) != 0)
		return reader_corrupt(r, err, 0, "no Parquet file: it does not begin with PAR1");
	return OK;
}

static status open_footer(struct parquet_reader *r, struct err *err)
{
	if (r->size < 4 + FOOTER_TAIL)
		return reader_corrupt(r, err, r->size, "no Parquet file: %lld bytes", (long long)r->size);
	size_t n;
	r->whole = r->size <= WHOLE_BYTES_MAX;
	TRY(read_tail(r, r->whole ? WHOLE_BYTES_MAX : TAIL_BYTES, &n, err));
	TRY(check_magic(r, n, err));
	const int64_t footer_n = le32(r->file_bytes.p + n - FOOTER_TAIL);
	if (footer_n > PARQUET_FOOTER_BYTES_MAX || footer_n > r->size - FOOTER_TAIL - 4)
		return reader_corrupt(r, err, r->size - FOOTER_TAIL, "a footer of %lld bytes in a file of %lld",
			(long long)footer_n, (long long)r->size);
	if ((size_t)footer_n + FOOTER_TAIL > n) TRY(read_tail(r, (size_t)footer_n + FOOTER_TAIL, &n, err));
	r->data_end = r->size - FOOTER_TAIL - footer_n;
	r->meta_arena.limit = (size_t)footer_n * META_ARENA_FACTOR + META_ARENA_SPARE;
	return reader_footer_read(
		r, r->file_bytes.p + n - FOOTER_TAIL - (size_t)footer_n, (size_t)footer_n, r->data_end, err);
}

static void forget_file(struct parquet_reader *r)
{
	arena_reset(&r->meta_arena);
	r->object = NULL;
	r->key = NULL;
	r->row_groups = NULL;
	r->n_row_groups = 0;
	r->metadata = NULL;
	r->n_metadata = 0;
	r->ordered = false;
	r->n_rows = 0;
}

status parquet_reader_reopen(struct parquet_reader *r, struct store_object *object, struct err *err)
{
	forget_file(r);
	r->object = object;
	r->key = store_object_key(object);
	r->size = store_object_size(object);
	const status code = open_footer(r, err);
	if (code != OK) {
		forget_file(r);
		return code;
	}
	return OK;
}

status parquet_reader_create(struct parquet_reader **out, struct err *err)
{
	struct parquet_reader *r = mem_zalloc(1, sizeof *r);
	if (r == NULL) return fail_nomem(err);
	arena_init(&r->schema_arena, SCHEMA_ARENA_MAX);
	arena_init(&r->meta_arena, 0);
	arena_init(&r->find_arena, 0);
	r->kernels = decode_kernels_best();
	*out = r;
	return OK;
}

status parquet_reader_open(struct store_object *object, struct parquet_reader **out, struct err *err)
{
	struct parquet_reader *r = NULL;
	TRY(parquet_reader_create(&r, err));
	const status code = parquet_reader_reopen(r, object, err);
	if (code != OK) {
		parquet_reader_close(r);
		return code;
	}
	*out = r;
	return OK;
}

void parquet_reader_close(struct parquet_reader *r)
{
	if (r == NULL) return;
	arena_deinit(&r->schema_arena);
	arena_deinit(&r->meta_arena);
	arena_deinit(&r->find_arena);
	compress_destroy(r->compressor);
	struct reader_scratch *const all[] = {&r->file_bytes, &r->chunk_bytes, &r->dict_bytes, &r->index_bytes,
		&r->locations, &r->page_bytes, &r->dict_values, &r->values};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) reader_scratch_free(all[i]);
	mem_free(r->pages.items);
	mem_free(r);
}

/* ---- what the file holds ---------------------------------------------------------------------------------- */

const uint8_t *parquet_reader_file(const struct parquet_reader *r)
{
	return r->object != NULL && r->whole ? r->file_bytes.p : NULL;
}

int64_t parquet_reader_rows(const struct parquet_reader *r)
{
	return r->n_rows;
}

size_t parquet_reader_n_columns(const struct parquet_reader *r)
{
	return r->n_leaves;
}

const struct parquet_column_info *parquet_reader_column(const struct parquet_reader *r, size_t i)
{
	ASSERT(i < r->n_leaves);
	return &r->leaves[i].info;
}

int parquet_reader_column_index(const struct parquet_reader *r, const char *name)
{
	for (size_t i = 0; i < r->n_leaves; i++) {
		if (strcmp(r->leaves[i].info.name, name) == 0) return (int)i;
	}
	return -1;
}

size_t parquet_reader_n_row_groups(const struct parquet_reader *r)
{
	return r->n_row_groups;
}

int64_t parquet_reader_row_group_rows(const struct parquet_reader *r, size_t row_group)
{
	ASSERT(row_group < r->n_row_groups);
	return r->row_groups[row_group].n_rows;
}

const char *parquet_reader_metadata(const struct parquet_reader *r, const char *key)
{
	for (size_t i = 0; i < r->n_metadata; i++) {
		if (strcmp(r->metadata[i].key, key) == 0) return r->metadata[i].value;
	}
	return NULL;
}

/* ---- read ------------------------------------------------------------------------------------------------- */

status parquet_reader_read(struct parquet_reader *r, const struct parquet_range *range, struct parquet_columns columns,
	struct arena *arena, struct batch *out, struct err *err)
{
	ASSERT(range->row_group < r->n_row_groups);
	ASSERT(range->begin >= 0 && range->begin <= range->end && range->end <= r->row_groups[range->row_group].n_rows);
	const int64_t rows = range->end - range->begin;
	if (rows > READ_ROWS_MAX)
		return fail_at(err, E_LIMIT, r->key, -1, -1, "%lld rows at once; read at most %d", (long long)rows,
			READ_ROWS_MAX);
	struct column *read = ARENA_ZNEW(arena, struct column, columns.n);
	if (read == NULL) return reader_nomem(r, err);
	for (size_t i = 0; i < columns.n; i++) {
		ASSERT(columns.at[i] >= 0 && (size_t)columns.at[i] < r->n_leaves);
		TRY(reader_column_read(r, range, (size_t)columns.at[i], arena, &read[i], err));
	}
	*out = (struct batch){.n_columns = columns.n, .columns = read, .n_rows = rows};
	return OK;
}
