/* parquet/read/reader_int.h: what the files of the reader share.
 *
 *   reader.c   open, reopen, public calls           footer.c   row groups and column chunks
 *   schema.c   leaves and their types               page.c     page headers, CRC, decompression
 *   index.c    column and offset index              column*.c  pages into columns
 *   find.c     rows that hold values in a range     convert.c  stored values as values of column types
 *   nested.c   columns by their levels              stats.c    statistics of a chunk
 *   bytes.c    bytes of the file, reused buffers, errors
 */
#ifndef PQR_PARQUET_READ_READER_INT_H
#define PQR_PARQUET_READ_READER_INT_H

#include "base/arena.h"
#include "io/compress.h"
#include "parquet/encoding/decode.h"
#include "parquet/format.h"
#include "parquet/nested.h"
#include "parquet/reader.h"
#include "parquet/thrift/thrift_read.h"

/* How a stored value becomes one of the column type. */
enum conversion {
	CONVERT_NONE,    /* same width */
	CONVERT_I32_I64, /* decimal on INT32 */
	CONVERT_U32_I64,
	CONVERT_U64_I64,       /* checked: below 2^63 */
	CONVERT_MILLIS,        /* INT64 to microseconds, checked */
	CONVERT_NANOS,         /* floored */
	CONVERT_INT96,         /* Julian day and nanoseconds of the day */
	CONVERT_FIXED_DECIMAL, /* big-endian two's complement */
	CONVERT_BYTES_DECIMAL,
	CONVERT_FIXED_DECIMAL128, /* the same, to 16 bytes */
	CONVERT_BYTES_DECIMAL128,
};

struct reader_leaf {
	struct parquet_column_info info;
	enum parquet_physical physical;
	uint32_t width; /* bytes of a stored value; 0: BOOLEAN, BYTE_ARRAY */
	enum conversion convert;
	bool optional;
	bool bounded;   /* values of the physical type may be outside [lo, hi], where the logical one ends */
	int64_t lo, hi; /* of 32 and 64 bit columns; DECIMAL of over 18 digits: by its precision */
	uint8_t max_def, max_rep;
	const char *unreadable; /* NULL, or why its values are not read, by levels neither */
};

/* A node of the schema, in preorder: a node, then its children. Node 0 is the root. */
struct reader_node {
	const char *name;
	uint32_t n_children;
	uint32_t end;       /* index behind its last descendant */
	int leaf;           /* -1: a group */
	uint8_t def, rep;   /* levels of the node where it is there */
	uint8_t repetition; /* enum parquet_repetition */
	uint8_t group;      /* enum parquet_group, of a group */
};

struct reader_chunk {
	int64_t n_values;
	int64_t at;                               /* first byte: dictionary page or first data page */
	int64_t bytes;                            /* of all its pages, compressed */
	int64_t offset_index_at, column_index_at; /* 0 = none */
	int32_t offset_index_bytes, column_index_bytes;
	int32_t codec;
	uint32_t stats_n;
	const uint8_t *stats;   /* Statistics, not yet read, in the footer's bytes; NULL = none */
	const char *unreadable; /* NULL, or why: encrypted, in another file */
};

struct reader_row_group {
	int64_t n_rows;
	struct reader_chunk *chunks; /* [n_leaves] */
};

struct reader_key_value {
	const char *key, *value;
};

/* A reusable buffer; never shrinks. */
struct reader_scratch {
	uint8_t *p;
	size_t cap;
};

struct reader_page;
struct reader_pages {
	struct reader_page *items;
	size_t n, cap;
};

struct parquet_reader {
	struct store_object *object; /* borrowed; NULL while nothing is open */
	const char *key;             /* of object */
	int64_t size;                /* of the file */
	int64_t data_end;            /* where the footer starts */
	bool whole;                  /* file_bytes holds the whole file */
	int64_t n_rows;
	struct reader_leaf *leaves;
	size_t n_leaves;
	struct reader_node *nodes;
	size_t n_nodes;
	struct parquet_field *fields; /* top-level columns, made when they are asked for; n_fields == 0: not yet */
	size_t n_fields;
	const uint8_t *schema_bytes; /* thrift text the leaves were made from: the next file's may be the same */
	size_t schema_n;
	struct reader_row_group *row_groups;
	size_t n_row_groups;
	struct reader_key_value *metadata;
	size_t n_metadata;
	bool ordered;              /* the file says that every column's bounds follow its type's order */
	struct arena schema_arena; /* leaves, schema_bytes */
	struct arena meta_arena;   /* row groups, metadata; reset at reopen */
	struct arena find_arena;   /* columns that find_rows decodes */
	const struct decode_kernels *kernels;
	struct compressor *compressor;
	struct reader_scratch file_bytes;  /* the file, or its tail from the footer on */
	struct reader_scratch chunk_bytes; /* pages of one column, of a file that is not held whole */
	struct reader_scratch dict_bytes;  /* and its dictionary page */
	struct reader_scratch index_bytes;
	struct reader_scratch locations;   /* struct reader_page_location[] of one column */
	struct reader_scratch page_bytes;  /* one page, decompressed */
	struct reader_scratch dict_values; /* fixed-width dictionary, converted */
	struct reader_scratch values;      /* decoded values before conversion */
	struct reader_pages pages;         /* of the column at hand */
};

bool reader_scratch_reserve(
	struct reader_scratch *s, size_t n) MUST_USE; /* n bytes and DECODE_PADDING; contents lost when it grows */
void reader_scratch_free(struct reader_scratch *s);

/* E_CORRUPT at a byte of the file. */
status reader_corrupt(const struct parquet_reader *r, struct err *err, int64_t offset, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
status reader_nomem(const struct parquet_reader *r, struct err *err);
/* Bytes [at, at + n) of the file, viewed until the next call with the same scratch. */
status reader_view(struct parquet_reader *r, struct reader_scratch *scratch, int64_t at, size_t n, const uint8_t **out,
	struct err *err) MUST_USE;

/* The tree of the SchemaElement list that follows at t, and its leaves, into r, in its schema_arena. */
status reader_schema_read(struct parquet_reader *r, struct thrift *t, uint32_t n, struct err *err) MUST_USE;
/* The footer's FileMetaData in bytes p[n] at file offset `at`. */
status reader_footer_read(struct parquet_reader *r, const uint8_t *p, size_t n, int64_t at, struct err *err) MUST_USE;

/* ---- pages ---- */

struct reader_page {
	int64_t at;          /* offset of its header in the file */
	const uint8_t *body; /* compressed bytes, body_n of them */
	uint32_t body_n;
	uint32_t values_n;     /* decompressed bytes, levels of v2 included */
	uint32_t n;            /* values, nulls included */
	uint32_t repetition_n; /* v2: bytes of repetition levels, */
	uint32_t levels_n;     /* and of definition levels, before the values */
	uint32_t crc;
	uint8_t kind, encoding, levels_encoding, repetition_encoding;
	bool has_crc;
	bool compressed; /* v2 may say no */
	int64_t row;     /* first row, in the row group */
};

/* Header at p[n] (which ends where the page must end), file offset `at`. */
status reader_page_header(const struct parquet_reader *r, const uint8_t *p, size_t n, int64_t at,
	struct reader_page *out, struct err *err) MUST_USE;
/* Check the CRC and decompress: *p[*n] are v1: levels and values; v2: values alone, *levels its levels. Views the page or
 * r->page_bytes; DECODE_PADDING readable bytes follow. */
struct reader_page_bytes {
	const uint8_t *values;
	size_t values_n;
	const uint8_t *levels; /* definition levels without a length before them; NULL = none */
	size_t levels_n;
	const uint8_t *repetition; /* as levels */
	size_t repetition_n;
};
status reader_page_open(struct parquet_reader *r, const struct reader_leaf *leaf, const struct reader_chunk *chunk,
	const struct reader_page *page, struct reader_page_bytes *out, struct err *err) MUST_USE;

/* The pages of a column that overlap rows [begin, end): the dictionary page if there is one, and data pages in order. */
struct reader_page_list {
	struct reader_page dictionary; /* body NULL = none */
	struct reader_page *pages;
	size_t n;
};
status reader_pages_list(struct parquet_reader *r, const struct parquet_range *range, size_t leaf,
	struct reader_page_list *out, struct err *err) MUST_USE;

/* All data pages of a chunk, by its number of values: page.row counts values. */
status reader_pages_list_all(struct parquet_reader *r, const struct reader_chunk *chunk, struct reader_page_list *out,
	struct err *err) MUST_USE;

/* ---- page index ---- */

struct reader_page_location {
	int64_t at;
	int32_t bytes;
	int64_t row;
};
/* Views r->locations until the next call. n == 0: the file has none for this column. */
status reader_index_locations(struct parquet_reader *r, size_t row_group, size_t leaf,
	struct reader_page_location **out, size_t *n, struct err *err) MUST_USE;

/* Where rows in range can be, by the index; all rows without one. */
struct reader_candidates {
	int64_t first_begin, first_end; /* rows of the first page that may hold a value in range */
	int64_t last_begin, last_end;   /* and of the last; the same page when there is one alone */
	bool none;
};
status reader_index_candidates(struct parquet_reader *r, size_t row_group, size_t column, const int64_t range[2],
	struct reader_candidates *out, struct err *err) MUST_USE;

/* ---- columns ---- */

enum strings_mode {
	STRINGS_NONE,  /* every row so far is null */
	STRINGS_DICT,  /* values are indices */
	STRINGS_PLAIN, /* offsets and data */
};

/* One column being read. */
struct reader_column {
	struct parquet_reader *r;
	const struct reader_leaf *leaf;
	const struct reader_chunk *chunk;
	const struct reader_page_list *list;
	struct arena *arena;
	size_t rows;       /* asked for */
	size_t row;        /* decoded so far */
	size_t n_null;     /* among them */
	uint8_t *validity; /* NULL: the column is required */
	void *values;      /* fixed width, or indices, or bits */
	uint32_t *ends;    /* STRINGS_PLAIN: offsets + 1; ends[-1] == 0 */
	uint8_t *data;     /* bytes of strings */
	size_t data_n, data_cap;
	enum strings_mode mode;
	bool plain; /* strings never as a dictionary */
	uint32_t dict_n;
	struct column *dict;     /* strings; fixed-width dictionaries are in r->dict_values */
	const uint8_t *dict_bad; /* [dict_n] 1: that string is not UTF-8; NULL: all are */
	int64_t first_row;       /* of the rows asked for, in the file */
	int64_t bad_value;       /* of the valid values of the part that failed, the one that did; -1 = not one */
	int64_t bad_row;         /* its row in the file; -1 = none */
};
/* The part of a page to decode. */
struct reader_page_part {
	const struct reader_page *page;
	const uint8_t *values;
	size_t values_n;
	size_t rows;               /* rows to give */
	struct decode_slice slice; /* over the page's valid values; slice.take of the rows are valid */
};
int64_t reader_first_row(const struct parquet_reader *r, size_t row_group); /* in the file */
status reader_column_read(struct parquet_reader *r, const struct parquet_range *range, size_t leaf, struct arena *arena,
	struct column *out, struct err *err) MUST_USE;

/* Per kind of column: start allocates for c->rows, dictionary reads an opened dictionary page, page decodes one part to the
 * rows from c->row on. */
struct reader_column_kind {
	status (*start)(struct reader_column *c, struct err *err);
	status (*dictionary)(struct reader_column *c, const struct reader_page_part *part, struct err *err);
	status (*page)(struct reader_column *c, const struct reader_page_part *part, struct err *err);
	status (*finish)(struct reader_column *c, struct column *out, struct err *err);
};
extern const struct reader_column_kind reader_column_kind_fixed;
extern const struct reader_column_kind reader_column_kind_bool;
extern const struct reader_column_kind reader_column_kind_string;
const struct reader_column_kind *reader_column_kind_of(const struct reader_leaf *leaf);
/* Decode the dictionary page, when a page of the list needs it. */
status reader_column_dictionary(
	struct reader_column *c, const struct reader_column_kind *kind, struct err *err) MUST_USE;
/* Add a page's column and place to its error. */
status reader_column_error(const struct reader_column *c, status code, const struct reader_page *page, struct err *err);

/* The dictionary indices of a part into dst[slice.take], each checked to be below c->dict_n. */
status reader_column_indices(
	const struct reader_column *c, const struct reader_page_part *part, uint32_t *dst, struct err *err) MUST_USE;
/* The strings of a part (any encoding but dictionary): bytes appended to c->data, ends to ends[slice.take]. */
status reader_column_strings(
	struct reader_column *c, const struct reader_page_part *part, uint32_t *ends, struct err *err) MUST_USE;
static inline bool encoding_is_dict(uint8_t encoding)
{
	return encoding == ENCODING_PLAIN_DICTIONARY || encoding == ENCODING_RLE_DICTIONARY;
}
status reader_encoding_unsupported(const struct reader_column *c, const struct reader_page_part *part, struct err *err);

/* Stored values of fixed width, src[n * leaf->width] (unaligned), to 4, 8 or 16 bytes each at dst. E_CORRUPT: one outside its logical type. */
status reader_convert(
	const struct reader_leaf *leaf, const uint8_t *src, size_t n, void *dst, struct err *err) MUST_USE;
/* DECIMAL on BYTE_ARRAY: strings ending at ends[i] (the first begins at 0) to dst[n], of 8 bytes or 16. */
status reader_convert_byte_decimals(const struct reader_leaf *leaf, const uint8_t *data, const uint32_t *ends, size_t n,
	void *dst, struct err *err) MUST_USE;

#endif
