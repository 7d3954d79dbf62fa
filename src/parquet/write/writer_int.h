/* parquet/write/writer_int.h: what the files of the Parquet writer share.
 *
 *   writer.c    the public calls; one row group = one chunk a column
 *   rows.c      which rows, in which order, which of them are valid: shared between columns of one null pattern
 *   chunk.c     a column chunk: choose the encoding, cut it into pages
 *   strings.c   PLAIN strings
 *   dict.c      the dictionary form of strings and of integers of a small range
 *   page.c      one page: levels, compression, header, checksum
 *   stats.c     least and greatest value, cut to bounds
 *   index.c     column index, offset index, bloom filter of a finished chunk
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
#include "parquet/writer.h"

/* parquet.thrift */
enum parquet_physical {
	PHYSICAL_BOOLEAN = 0,
	PHYSICAL_INT32 = 1,
	PHYSICAL_INT64 = 2,
	PHYSICAL_FLOAT = 4,
	PHYSICAL_DOUBLE = 5,
	PHYSICAL_BYTE_ARRAY = 6
};
enum parquet_encoding { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_DELTA = 5, ENCODING_RLE_DICTIONARY = 8 };
enum parquet_page_type { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };

enum {
	WRITER_PAGE_ROWS_MAX = 20000,
	WRITER_PAGE_BYTES_MIN = 16 << 10,
	WRITER_PAGE_BYTES_MAX = 1 << 20, /* a page of strings ends here even between cuts */
	WRITER_STAT_BYTES_MAX = 64,
	WRITER_STRING_STEP = 128, /* rows between looks at the size of a page of strings */
	WRITER_SELECTIONS = 6,    /* null patterns kept; bronze has five */
	WRITER_RAW_BYTES_MAX =
		1024, /* a chunk up to this size is not compressed: zstd takes 4 us a page to save about 300 bytes */
	WRITER_TEXT_PAGES = 4, /* text pages are this many times page_bytes_min: strings.c says why */
};

struct parquet_leaf {
	const struct column_def *def;
	enum parquet_physical physical;
	size_t name_n;
	unsigned width; /* bytes of a plain value; 0 for strings and booleans */
};

/* The rows of a row group. */
struct row_plan {
	const uint32_t *rows; /* [n] */
	uint32_t n;
	uint32_t lo, hi;      /* least and greatest of rows */
	const uint32_t *cuts; /* [n_cuts], may be NULL */
	uint32_t n_cuts;
};

/* The valid ones among them, for every column with the same null pattern. */
struct row_selection {
	const uint8_t *source; /* the column's bitmap this was made from; NULL = the slot is empty */
	uint32_t n_valid;
	const uint32_t *rows; /* [n_valid] rows of the batch */
	const uint64_t *bits; /* validity in output order and one word more; NULL when n_valid is 0 or n */
	const uint32_t *rank; /* valid rows before each word of bits */
	struct buf rows_mem, bits_mem, rank_mem;
};

/* Least and greatest value of a page or chunk; strings view the batch, of floats it is the bits. Not any: no value, or a NaN. */
struct value_range {
	bool any;
	int64_t min, max;
	struct str smin, smax;
};

/* A half-open range of rows and of the valid values they hold. */
struct page_span {
	uint32_t row, row_end, value, value_end;
};

struct page_record {
	size_t offset;  /* of the header, in the file */
	uint32_t bytes; /* header and body */
	uint32_t row, n_rows, n_valid;
	struct value_range range;
};

struct blob {
	size_t at, n;
}; /* a place in one of the writer's buffers */

struct chunk_record {
	uint8_t codec, encoding; /* of the data pages */
	bool min_exact, max_exact, has_min, has_max;
	uint32_t n_rows, n_null, n_data_pages;
	size_t offset, data_offset, bytes, bytes_raw;  /* raw: before compression, headers included */
	struct blob min, max;                          /* in stats */
	struct blob bloom, column_index, offset_index; /* in the buffers of these names; n == 0: none */
};
struct group_record {
	uint32_t n_rows;
	size_t bytes_raw, bytes, offset;
};

struct parquet_writer {
	const struct table_schema *schema;
	struct parquet_opts opts;
	size_t n_columns;
	struct parquet_leaf *leaves; /* [n_columns] */
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
	struct row_selection all, none, selections[WRITER_SELECTIONS];
	unsigned selection_next;
};

/* Every buffer of a writer but those of the selections. */
#define WRITER_BUFS(w)                                                                                              \
	&(w)->out, &(w)->bloom, &(w)->column_index, &(w)->offset_index, &(w)->stats, &(w)->chunks, &(w)->groups,    \
		&(w)->head, &(w)->tail, &(w)->iota, &(w)->page, &(w)->dict, &(w)->pages, &(w)->values, &(w)->codes, \
		&(w)->map, &(w)->used, &(w)->seen, &(w)->bounds, &(w)->bounds_bytes

/* A column chunk being written. */
struct chunk {
	struct parquet_writer *w;
	const struct parquet_leaf *leaf;
	const struct column *column;
	const struct row_plan *plan;
	const struct row_selection *selection;
	enum compress_codec codec;
	int level;     /* of the codec */
	size_t offset; /* of the chunk's first byte */
	size_t bytes_raw;
	size_t data_offset;
	uint32_t cut; /* next cut to look at */
	uint32_t n_pages;
	enum parquet_encoding encoding; /* of the data pages */
	uint32_t dict_n;                /* entries; 0 = no dictionary */
	struct value_range range;
	struct blob bloom, bloom_bits; /* in w->bloom: with its header, the filter alone; n == 0: none */
};

/* Scratch of n bytes in b; its contents are lost. NULL: out of memory. */
static inline void *scratch(struct buf *b, size_t n)
{
	buf_reset(b);
	return buf_reserve(b, n > 0 ? n : 1);
}
static inline struct page_record *chunk_pages(const struct chunk *k)
{
	return (struct page_record *)(void *)k->w->pages.p;
}

/* rows.c */
status row_plan_make(struct parquet_writer *w, const struct parquet_rows *rows, int64_t batch_rows,
	struct row_plan *out, struct err *err) MUST_USE;
status row_selection_get(struct parquet_writer *w, const struct row_plan *plan, const struct column *c,
	const struct row_selection **out, struct err *err) MUST_USE;
uint32_t row_selection_rank(
	const struct row_selection *s, const struct row_plan *plan, uint32_t row); /* valid rows before row */

/* chunk.c */
status chunk_write(struct parquet_writer *w, const struct parquet_leaf *leaf, const struct column *c,
	const struct row_plan *plan, struct err *err) MUST_USE;
/* The next page when each value takes value_bits; false after the last. *span is the page before, zero at first. */
bool chunk_span_next(struct chunk *k, struct page_span *span, size_t value_bits);
struct value_range range_numbers(
	const struct parquet_leaf *leaf, const void *values, size_t from, size_t n); /* of values of leaf->width */

/* strings.c */
status chunk_strings(struct chunk *k, struct err *err) MUST_USE;

/* dict.c: *done when the chunk was written; nothing was when a dictionary does not pay. */
status chunk_strings_dict(struct chunk *k, bool *done, struct err *err) MUST_USE;
/* values: the chunk's valid values, int32 or int64; k->range is theirs. bytes_max: what dictionary and codes may take. */
status chunk_numbers_dict(struct chunk *k, const void *values, size_t bytes_max, bool *done, struct err *err) MUST_USE;

/* writer.c */
/* How a column is stored; def is borrowed. table: for messages. */
status writer_leaf(const char *table, const struct column_def *def, struct parquet_leaf *out, struct err *err) MUST_USE;

/* page.c */
struct page_head {
	enum parquet_page_type type;
	enum parquet_encoding encoding;
	uint32_t n_values;
};
struct page_target {
	struct buf *out;
	struct compressor *compressor;
	enum compress_codec codec;
	int level;
};
/* Append a page of body[n], its header where out ended before. *bytes_raw grows by its size before compression. */
status page_append(const struct page_target *t, const struct page_head *h, const uint8_t *body, size_t n,
	size_t *bytes_raw, struct err *err) MUST_USE;
/* Room for a page: the returned place is where values go; bytes of them. NULL: out of memory. */
uint8_t *page_begin(struct chunk *k, size_t bytes);
/* More room while a page is being filled up to *at; the new place of *at. */
uint8_t *page_grow(struct chunk *k, uint8_t *at, size_t bytes);
size_t page_bytes(const struct chunk *k, const uint8_t *at); /* of the values up to at */
status page_end(struct chunk *k, const struct page_span *span, uint8_t *end, const struct value_range *range,
	struct err *err) MUST_USE;
/* The dictionary page: dict holds its body. */
status page_dictionary(struct chunk *k, struct err *err) MUST_USE;

/* stats.c */
void range_add(struct value_range *all, const struct value_range *part, bool strings);
void range_add_str(struct value_range *r, struct str s);
/* Bound s by at most WRITER_STAT_BYTES_MAX bytes in dst; the length, or s.n when no such upper bound exists and s itself
 * must be used. *exact: it is the value itself. */
size_t stat_lower(struct str s, uint8_t dst[WRITER_STAT_BYTES_MAX], bool *exact);
size_t stat_upper(struct str s, uint8_t dst[WRITER_STAT_BYTES_MAX], bool *exact);
/* Append the bound's bytes, as Statistics has them, to b. */
struct blob stat_put(
	struct buf *b, const struct parquet_leaf *leaf, const struct value_range *r, bool upper, bool *exact);

/* index.c */
status chunk_index(struct chunk *k, struct chunk_record *rec, struct err *err) MUST_USE;
/* A filter for the chunk's valid values: begun before its first page, filled from the pages and dictionaries as they are
 * made, since values in a page buffer are in the cache and in a row. add: PLAIN strings p..end; nothing without a filter. */
status chunk_bloom_begin(struct chunk *k, struct err *err) MUST_USE;
void chunk_bloom_add(struct chunk *k, const uint8_t *p, const uint8_t *end);

/* footer.c */
status footer_prepare(struct parquet_writer *w, struct err *err) MUST_USE;
void footer_write(struct parquet_writer *w);
struct thrift_writer;
enum { SCHEMA_ELEMENT_ROOM = 96 }; /* bytes a schema element takes at most, without its name */
/* A SchemaElement of a leaf. repetition: FieldRepetitionType. */
void schema_element_write(struct thrift_writer *t, const struct parquet_leaf *leaf, int repetition);

#endif
