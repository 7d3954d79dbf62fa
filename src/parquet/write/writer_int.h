/* parquet/write/writer_int.h: what the files of the Parquet writer share.
 *
 *   writer.c    the public calls; one row group = one chunk a column, of a nested one a chunk a leaf
 *   tree.c      the columns of the schema as a tree: their leaves, their elements in the footer
 *   shred.c     a nested column to the levels and values of its leaves
 *   rows.c      which rows, in which order, which of them are valid: shared between columns of one null pattern
 *   chunk.c     a column chunk: choose the encoding, cut it into pages
 *   strings.c   PLAIN strings
 *   dict.c      the dictionary form of strings and of integers of a small range
 *   page.c      one page: levels, compression, header, checksum
 *   stats.c     least and greatest value, cut to bounds
 *   index.c     column index, offset index, bloom filter of a finished chunk
 *   element.c   how a column or a group stands in the schema
 *   footer.c    file metadata
 *   nested.c    whole files of nested columns, on their own
 *
 *   file = "PAR1" (dictionary page? data page+)* bloom* column_index* offset_index* footer footer_length "PAR1"
 *
 * Invariants: 1. `out` holds the bytes of the file from its first on, so an offset in it is an offset in the file.
 * 2. All scratch is kept in buffers of the writer: a second file of the same shape allocates nothing.
 */
#ifndef PQR_PARQUET_WRITE_WRITER_INT_H
#define PQR_PARQUET_WRITE_WRITER_INT_H

#include "base/limits.h"
#include "io/compress.h"
#include "parquet/format.h"
#include "parquet/writer.h"

enum {
	WRITER_PAGE_ROWS_MAX = 20000,
	WRITER_PAGE_BYTES_MIN = 16 << 10,
	WRITER_PAGE_BYTES_MAX = 1 << 20, /* a page of strings ends here even between cuts */
	WRITER_STAT_BYTES_MAX = 64,
	WRITER_STRING_STEP = 128, /* rows between looks at the size of a page of strings */
	WRITER_SELECTIONS = 6,    /* null patterns kept; bronze has five */
	WRITER_RAW_BYTES_MAX =
		1024, /* a chunk up to this size is not compressed: zstd takes 4 us a page to save about 300 bytes */
	WRITER_TEXT_PAGES = 8, /* text pages are this many times page_bytes_min: strings.c says why */
};

struct writer_leaf {
	const struct column_def *def;
	enum parquet_physical physical;
	size_t name_n;
	unsigned width;          /* bytes of a plain value; 0 for strings and booleans */
	const char *const *path; /* [path_n] names below the root, its own last; NULL: a column of its own */
	uint32_t path_n;
	uint8_t max_def, max_rep; /* with a path */
};

/* The rows of a row group. */
struct writer_row_plan {
	const uint32_t *rows; /* [n] */
	uint32_t n;
	uint32_t lo, hi;      /* least and greatest of rows */
	const uint32_t *cuts; /* [n_cuts], may be NULL */
	uint32_t n_cuts;
};

/* The valid ones among them, for every column with the same null pattern. */
struct writer_selection {
	const uint8_t *source; /* the column's bitmap this was made from; NULL = the slot is empty */
	uint32_t n_valid;
	const uint32_t *rows; /* [n_valid] rows of the batch */
	const uint64_t *bits; /* validity in output order and one word more; NULL when n_valid is 0 or n */
	const uint32_t *rank; /* valid rows before each word of bits */
	struct buf rows_mem, bits_mem, rank_mem;
};

/* Least and greatest value of a page or chunk; strings view the batch, of floats it is the bits. Not any: no value, or a NaN. */
struct writer_range {
	bool any;
	int64_t min, max;
	struct str smin, smax;
};

/* A half-open range of rows and of the valid values they hold. */
struct writer_page_span {
	uint32_t row, row_end, value, value_end;
};

struct writer_page_record {
	size_t offset;  /* of the header, in the file */
	uint32_t bytes; /* header and body */
	uint32_t row, n_rows, n_valid;
	struct writer_range range;
};

struct writer_blob {
	size_t at, n;
}; /* a place in one of the writer's buffers */
/* Its bytes; a buffer of which every place is empty has none. */
static inline const uint8_t *writer_blob_at(const struct buf *b, struct writer_blob blob)
{
	return blob.n > 0 ? b->p + blob.at : (const uint8_t *)"";
}

struct writer_chunk_record {
	uint8_t codec, encoding; /* of the data pages */
	bool min_exact, max_exact, has_min, has_max;
	uint32_t n_values, n_null, n_data_pages;              /* values: those that are null among them */
	size_t offset, data_offset, bytes, bytes_raw;         /* raw: before compression, headers included */
	struct writer_blob min, max;                          /* in stats */
	struct writer_blob bloom, column_index, offset_index; /* in the buffers of these names; n == 0: none */
};
struct writer_group_record {
	uint32_t n_rows;
	size_t bytes_raw, bytes, offset;
};

struct parquet_writer {
	const struct table_schema *schema;
	struct parquet_opts opts;
	size_t n_columns, n_leaves, n_elements;
	struct writer_leaf *leaves; /* [n_leaves] */
	struct column_def *trees;   /* [n_columns] the parts of nested ones by the names that they have in a file */
	struct writer_shred *shred; /* scratch of nested columns; NULL: there are none */
	struct arena names;         /* paths, trees */
	struct compressor *compressor;
	status failed;
	bool finished;
	int64_t n_rows;
	struct buf out, bloom, column_index, offset_index, stats;
	struct buf chunks, groups;          /* chunk_record[], group_record[] */
	struct buf head, tail;              /* the footer's constant parts */
	struct buf iota, page, dict, pages; /* scratch: rows, a page's body, a dictionary's, page_record[] */
	struct buf values, codes, map, used,
		seen; /* scratch: gathered values, codes, old to new code, new to old, codes of a page */
	struct buf bounds, bounds_bytes; /* scratch: of a chunk's pages, for its index */
	struct writer_selection all, none, selections[WRITER_SELECTIONS];
	unsigned selection_next;
};

/* Every buffer of a writer but those of the selections. */
#define WRITER_BUFS(w)                                                                                              \
	&(w)->out, &(w)->bloom, &(w)->column_index, &(w)->offset_index, &(w)->stats, &(w)->chunks, &(w)->groups,    \
		&(w)->head, &(w)->tail, &(w)->iota, &(w)->page, &(w)->dict, &(w)->pages, &(w)->values, &(w)->codes, \
		&(w)->map, &(w)->used, &(w)->seen, &(w)->bounds, &(w)->bounds_bytes

/* The levels of a leaf of a nested column. Its entries take the place of rows: the plan's n and a page's rows count them, and those
 * that are valid have a value, row selection->rows[i] of the leaf's column. A row's entries are never cut apart. */
struct writer_levels {
	const uint8_t *def;       /* [plan.n] */
	const uint8_t *rep;       /* [plan.n]; NULL: no list is around, an entry is a row */
	uint32_t row_entries_max; /* of one row */
	struct writer_row_plan plan;
	const struct writer_selection *selection;
};

/* A column chunk being written. */
struct writer_chunk {
	struct parquet_writer *w;
	const struct writer_leaf *leaf;
	const struct column *column;
	const struct writer_row_plan *plan;
	const struct writer_selection *selection;
	const struct writer_levels *levels; /* NULL: a flat column, its levels are its validity */
	uint32_t n_rows;                    /* rows of the pages so far; of a flat column not counted */
	enum compress_codec codec;
	int level;     /* of the codec */
	size_t offset; /* of the chunk's first byte */
	size_t bytes_raw;
	size_t data_offset;
	uint32_t cut; /* next cut to look at */
	uint32_t n_pages;
	enum parquet_encoding encoding; /* of the data pages */
	uint32_t dict_n;                /* entries; 0 = no dictionary */
	struct writer_range range;
	struct writer_blob bloom, bloom_bits; /* in w->bloom: with its header, the filter alone; n == 0: none */
};

/* Scratch of n bytes in b; its contents are lost. NULL: out of memory. */
static inline void *writer_scratch(struct buf *b, size_t n)
{
	buf_reset(b);
	return buf_reserve(b, n > 0 ? n : 1);
}
static inline struct writer_page_record *writer_chunk_pages(const struct writer_chunk *k)
{
	return (struct writer_page_record *)(void *)k->w->pages.p;
}

/* rows.c */
status writer_row_plan_make(struct parquet_writer *w, const struct parquet_rows *rows, int64_t batch_rows,
	struct writer_row_plan *out, struct err *err) MUST_USE;
status writer_selection_get(struct parquet_writer *w, const struct writer_row_plan *plan, const struct column *c,
	const struct writer_selection **out, struct err *err) MUST_USE;
uint32_t writer_selection_rank(
	const struct writer_selection *s, const struct writer_row_plan *plan, uint32_t row); /* valid rows before row */

/* chunk.c */
status writer_chunk_write(struct parquet_writer *w, const struct writer_leaf *leaf, const struct column *c,
	const struct writer_row_plan *plan, struct err *err) MUST_USE;
status writer_chunk_write_levels(struct parquet_writer *w, const struct writer_leaf *leaf, const struct column *c,
	const struct writer_levels *levels, struct err *err) MUST_USE;

/* tree.c */
/* w->leaves, w->trees, w->n_leaves, w->n_elements. E_UNSUPPORTED, with the column: a type that is not written, a struct of no fields,
 * types within types deeper than COLUMN_DEPTH_MAX; E_LIMIT: over PARQUET_LEAVES_MAX leaves. */
status writer_tree_make(struct parquet_writer *w, struct err *err) MUST_USE;
/* Bytes that writer_tree_put takes at most, and the elements of all columns behind the root's. */
size_t writer_tree_room(const struct parquet_writer *w);
struct thrift_writer;
void writer_tree_put(const struct parquet_writer *w, struct thrift_writer *t);

/* shred.c */
status writer_shred_create(struct writer_shred **out, struct err *err) MUST_USE;
void writer_shred_destroy(struct writer_shred *s); /* NULL is fine */
/* The chunks of a nested column, leaves[0] its first leaf; *n of them. E_CORRUPT: a null where none may be. */
struct writer_shred_column {
	const struct column_def *tree;
	const struct column *column;
	const struct writer_leaf *leaves;
};
status writer_shred_write(struct parquet_writer *w, const struct writer_shred_column *c,
	const struct writer_row_plan *plan, size_t *n, struct err *err) MUST_USE;

/* strings.c */
status writer_chunk_strings(struct writer_chunk *k, struct err *err) MUST_USE;

/* dict.c: *done when the chunk was written; nothing was when a dictionary does not pay. */
status writer_chunk_strings_dict(struct writer_chunk *k, bool *done, struct err *err) MUST_USE;
/* values: the chunk's valid values, int32 or int64; k->range is theirs. bytes_max: what dictionary and codes may take. */
status writer_chunk_numbers_dict(
	struct writer_chunk *k, const void *values, size_t bytes_max, bool *done, struct err *err) MUST_USE;

/* element.c */
/* How a column is stored; def is borrowed. table: for messages. */
status writer_leaf_make(
	const char *table, const struct column_def *def, struct writer_leaf *out, struct err *err) MUST_USE;
struct parquet_node;
enum { SCHEMA_ELEMENT_ROOM = 96 }; /* bytes a schema element takes at most, without its name */
/* A SchemaElement of a leaf. repetition: FieldRepetitionType. */
void writer_schema_element(struct thrift_writer *t, const struct writer_leaf *leaf, int repetition);
void writer_group_element(struct thrift_writer *t, const struct parquet_node *node, bool root);

/* page.c */
/* The next page when each value takes value_bits; false after the last. *span is the page before, zero at first. */
bool writer_page_span_next(struct writer_chunk *k, struct writer_page_span *span, size_t value_bits);
/* The first row, from `at` on, where a page may end: of a flat column `at` itself. */
uint32_t writer_page_border(const struct writer_chunk *k, uint32_t at);
struct writer_page_head {
	enum parquet_page_kind type;
	enum parquet_encoding encoding;
	uint32_t n_values;
};
struct writer_page_target {
	struct buf *out;
	struct compressor *compressor;
	enum compress_codec codec;
	int level;
};
/* Append a page of body[n], its header where out ended before. *bytes_raw grows by its size before compression. */
status writer_page_append(const struct writer_page_target *t, const struct writer_page_head *h, const uint8_t *body,
	size_t n, size_t *bytes_raw, struct err *err) MUST_USE;
/* Room for a page: the returned place is where values go; bytes of them. NULL: out of memory. */
uint8_t *writer_page_begin(struct writer_chunk *k, size_t bytes);
/* More room while a page is being filled up to *at; the new place of *at. */
uint8_t *writer_page_grow(struct writer_chunk *k, uint8_t *at, size_t bytes);
size_t writer_page_bytes(const struct writer_chunk *k, const uint8_t *at); /* of the values up to at */
status writer_page_end(struct writer_chunk *k, const struct writer_page_span *span, uint8_t *end,
	const struct writer_range *range, struct err *err) MUST_USE;
/* The dictionary page: dict holds its body. */
status writer_page_dictionary(struct writer_chunk *k, struct err *err) MUST_USE;

/* stats.c */
void writer_range_add(struct writer_range *all, const struct writer_range *part, bool strings);
void writer_range_add_str(struct writer_range *r, struct str s);
/* Bound s by at most WRITER_STAT_BYTES_MAX bytes in dst; the length, or s.n when no such upper bound exists and s itself
 * must be used. *exact: it is the value itself. */
size_t writer_stat_lower(struct str s, uint8_t dst[WRITER_STAT_BYTES_MAX], bool *exact);
size_t writer_stat_upper(struct str s, uint8_t dst[WRITER_STAT_BYTES_MAX], bool *exact);
/* Append the bound's bytes, as Statistics has them, to b. */
struct writer_blob writer_stat_put(
	struct buf *b, const struct writer_leaf *leaf, const struct writer_range *r, bool upper, bool *exact);

/* index.c */
status writer_chunk_index(struct writer_chunk *k, struct writer_chunk_record *rec, struct err *err) MUST_USE;
/* A filter for the chunk's valid values: begun before its first page, filled from the pages and dictionaries as they are
 * made, since values in a page buffer are in the cache and in a row. add: PLAIN strings p..end; nothing without a filter. */
status writer_chunk_bloom_begin(struct writer_chunk *k, struct err *err) MUST_USE;
void writer_chunk_bloom_add(struct writer_chunk *k, const uint8_t *p, const uint8_t *end);

/* footer.c */
status writer_footer_prepare(struct parquet_writer *w, struct err *err) MUST_USE;
void writer_footer_write(struct parquet_writer *w);

#endif
