/* parquet/write/nested.c: a file of one row group from levels and values.
 *
 *   page body = [length, repetition levels] [length, definition levels] values
 *
 * A page ends between two rows, once its values have PAGE_VALUE_BYTES or it has PAGE_ENTRIES_MAX levels. No dictionary: the
 * codec finds what repeats. The caller is this program, so levels that do not fit the schema are an ASSERT. */
#include "parquet/nested.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/seal.h"
#include "parquet/encoding/encode.h"
#include "parquet/thrift/thrift_write.h"
#include "parquet/write/writer_int.h"

enum { PAGE_VALUE_BYTES = 1 << 20, PAGE_ENTRIES_MAX = 1 << 18, NESTED_DEPTH_MAX = 32 };

/* A leaf of the tree, and its chunk once it is written. */
struct nested_leaf {
	struct column_def def;
	struct writer_leaf leaf;
	const struct parquet_levels *levels;
	const struct parquet_node *path[NESTED_DEPTH_MAX]; /* below the root, itself last */
	uint32_t path_n;
	enum compress_codec codec;
	size_t offset, bytes, bytes_raw;
};

struct nested_writer {
	const struct parquet_nested *f;
	struct nested_leaf *leaves;
	struct compressor *compressor;
	struct buf *out;
	struct buf page;
	size_t start; /* of the file, in out */
	enum compress_codec codec;
	int level;
};

/* Entries [entry, entry_end) with values [value, value_end). */
struct span {
	int64_t entry, entry_end, value, value_end;
};

/* ---- the tree --------------------------------------------------------------------------------------------- */

static status add_leaf(
	struct nested_writer *w, size_t k, const struct parquet_node *const *path, uint32_t depth, struct err *err)
{
	ASSERT(k < w->f->n_leaves);
	const struct parquet_node *node = path[depth - 1];
	struct nested_leaf *l = &w->leaves[k];
	unsigned max_def = 0, max_rep = 0;
	l->levels = &w->f->leaves[k];
	for (uint32_t i = 0; i < depth; i++) {
		l->path[i] = path[i];
		max_def += path[i]->repetition != PARQUET_REQUIRED;
		max_rep += path[i]->repetition == PARQUET_REPEATED;
	}
	l->path_n = depth;
	ASSERT(l->levels->max_def == max_def && l->levels->max_rep == max_rep);
	ASSERT(l->levels->values.type == node->type && l->levels->values.dict == NULL);
	l->def = (struct column_def){.name = node->name,
		.type = node->type,
		.precision = l->levels->values.precision,
		.scale = l->levels->values.scale};
	return writer_leaf_make(w->f->nodes[0].name, &l->def, &l->leaf, err);
}

/* Give each leaf its place: the nodes stand in preorder, so a stack of children still to come is enough. */
static status walk_tree(struct nested_writer *w, struct err *err)
{
	const struct parquet_nested *f = w->f;
	const struct parquet_node *path[NESTED_DEPTH_MAX];
	uint32_t left[NESTED_DEPTH_MAX + 1], depth = 0;
	size_t k = 0;
	ASSERT(f->n_nodes > 1 && f->nodes[0].n_children > 0);
	left[0] = f->nodes[0].n_children;
	for (size_t i = 1; i < f->n_nodes; i++) {
		while (left[depth] == 0) {
			ASSERT(depth > 0);
			depth--;
		}
		ASSERT(depth < NESTED_DEPTH_MAX);
		left[depth]--;
		path[depth] = &f->nodes[i];
		if (f->nodes[i].n_children == 0)
			TRY(add_leaf(w, k++, path, depth + 1, err));
		else
			left[++depth] = f->nodes[i].n_children;
	}
	while (depth > 0 && left[depth] == 0) depth--;
	ASSERT(left[depth] == 0 && k == f->n_leaves);
	return OK;
}

static void check_levels(const struct parquet_levels *l, int64_t n_rows)
{
	int64_t rows = 0, values = 0;
	for (int64_t i = 0; i < l->n; i++) {
		ASSERT(l->max_def == 0 || l->def[i] <= l->max_def);
		ASSERT(l->max_rep == 0 || l->rep[i] <= l->max_rep);
		rows += l->max_rep == 0 || l->rep[i] == 0;
		values += l->max_def == 0 || l->def[i] == l->max_def;
	}
	ASSERT(rows == n_rows && values == l->values.n);
	ASSERT(l->n == 0 || l->max_rep == 0 || l->rep[0] == 0);
}

/* ---- pages ------------------------------------------------------------------------------------------------ */

/* Bytes of value i as a page has it; 0 for booleans, which are counted by the entries. */
static size_t value_bytes(const struct nested_leaf *l, int64_t i)
{
	const struct column *c = &l->levels->values;
	if (l->leaf.physical != PHYSICAL_BYTE_ARRAY) return l->leaf.width;
	return 4 + (size_t)(c->offsets[i + 1] - c->offsets[i]);
}

/* The next page's entries; false after the last. *bytes: of its values but booleans. */
static bool span_next(const struct nested_leaf *l, struct span *s, size_t *bytes)
{
	const struct parquet_levels *v = l->levels;
	s->entry = s->entry_end;
	s->value = s->value_end;
	*bytes = 0;
	while (s->entry_end < v->n) {
		const bool row = v->max_rep == 0 || v->rep[s->entry_end] == 0;
		const bool full = *bytes >= PAGE_VALUE_BYTES || s->entry_end - s->entry >= PAGE_ENTRIES_MAX;
		if (row && full) break;
		if (v->max_def == 0 || v->def[s->entry_end] == v->max_def) *bytes += value_bytes(l, s->value_end++);
		s->entry_end++;
	}
	return s->entry_end > s->entry;
}

static uint8_t *put_levels(const uint8_t *levels, const struct span *s, unsigned max, uint8_t *dst)
{
	if (max == 0) return dst;
	const unsigned width = 32 - (unsigned)__builtin_clz(max);
	const uint8_t *end = encode_hybrid_u8(levels + s->entry, (size_t)(s->entry_end - s->entry), width, dst + 4);
	const uint32_t n = (uint32_t)(end - dst - 4);
	memcpy(dst, &n, sizeof n);
	return dst + 4 + n;
}

static uint8_t *put_strings(const struct column *c, const struct span *s, uint8_t *dst)
{
	for (int64_t i = s->value; i < s->value_end; i++) {
		const uint32_t n = (uint32_t)(c->offsets[i + 1] - c->offsets[i]);
		memcpy(dst, &n, sizeof n);
		if (n > 0) memcpy(dst + 4, c->data + c->offsets[i], n);
		dst += 4 + n;
	}
	return dst;
}

static uint8_t *put_bits(const struct column *c, const struct span *s, uint8_t *dst)
{
	const size_t n = (size_t)(s->value_end - s->value + 7) / 8;
	memset(dst, 0, n);
	for (int64_t i = s->value; i < s->value_end; i++) {
		if (bit_get(c->values, i)) bit_set(dst, i - s->value);
	}
	return dst + n;
}

static uint8_t *put_values(const struct nested_leaf *l, const struct span *s, uint8_t *dst)
{
	const struct column *c = &l->levels->values;
	const size_t n = (size_t)(s->value_end - s->value), width = l->leaf.width;
	if (l->leaf.physical == PHYSICAL_BYTE_ARRAY) return put_strings(c, s, dst);
	if (l->leaf.physical == PHYSICAL_BOOLEAN) return put_bits(c, s, dst);
	if (n == 0) return dst;
	if (width == col_type_width(c->type)) {
		memcpy(dst, (const uint8_t *)c->values + (size_t)s->value * width, n * width);
		return dst + n * width;
	}
	for (size_t i = 0; i < n; i++) { /* decimals of up to 9 digits: 64 bits in memory, 32 in the file */
		const int32_t v = (int32_t)((const int64_t *)c->values)[s->value + (int64_t)i];
		memcpy(dst + i * width, &v, sizeof v);
	}
	return dst + n * width;
}

static status write_page(
	struct nested_writer *w, struct nested_leaf *l, const struct span *s, size_t bytes, struct err *err)
{
	const struct parquet_levels *v = l->levels;
	const size_t entries = (size_t)(s->entry_end - s->entry);
	const size_t room = 2 * (4 + encode_hybrid_bound(entries, 8)) + bytes + entries / 8 + 8;
	if (entries > INT32_MAX || room > PARQUET_PAGE_BYTES_MAX)
		return fail(err, E_LIMIT, "a row of column %s takes %zu bytes, at most %d", l->def.name, room,
			PARQUET_PAGE_BYTES_MAX);
	uint8_t *body = writer_scratch(&w->page, room);
	if (body == NULL) return buf_check(&w->page, err);
	uint8_t *end = put_levels(v->rep, s, v->max_rep, body);
	end = put_levels(v->def, s, v->max_def, end);
	end = put_values(l, s, end);
	const size_t n = (size_t)(end - body);
	if (s->entry == 0) l->codec = s->entry_end == v->n && n <= WRITER_RAW_BYTES_MAX ? CODEC_NONE : w->codec;
	const struct writer_page_target target = {w->out, w->compressor, l->codec, w->level};
	const struct writer_page_head head = {
		.type = PAGE_DATA, .encoding = ENCODING_PLAIN, .n_values = (uint32_t)entries};
	return writer_page_append(&target, &head, body, n, &l->bytes_raw, err);
}

static status write_chunk(struct nested_writer *w, struct nested_leaf *l, struct err *err)
{
	struct span s = {0};
	size_t bytes;
	check_levels(l->levels, w->f->n_rows);
	l->offset = w->out->n - w->start;
	while (span_next(l, &s, &bytes)) TRY(write_page(w, l, &s, bytes, err));
	l->bytes = w->out->n - w->start - l->offset;
	return OK;
}

/* ---- the footer ------------------------------------------------------------------------------------------- */

static void put_schema(struct nested_writer *w, struct thrift_writer *t)
{
	const struct parquet_nested *f = w->f;
	size_t k = 0;
	thrift_put_i32(t, 1, 2); /* version */
	thrift_list_begin(t, 2, THRIFT_STRUCT, f->n_nodes);
	for (size_t i = 0; i < f->n_nodes; i++) {
		if (f->nodes[i].n_children > 0)
			writer_group_element(t, &f->nodes[i], i == 0);
		else
			writer_schema_element(t, &w->leaves[k++].leaf, (int)f->nodes[i].repetition);
	}
}

/* ColumnChunk: 2 file_offset (0, as deprecated), 3 meta_data {1 type, 2 encodings, 3 path, 4 codec, 5 num_values, 6 and 7 sizes,
 * 9 data_page_offset}. */
static void put_chunk(struct thrift_writer *t, const struct nested_leaf *l)
{
	const int outer = thrift_element_begin(t);
	thrift_put_i64(t, 2, 0);
	const int meta = thrift_struct_begin(t, 3);
	thrift_put_i32(t, 1, (int32_t)l->leaf.physical);
	thrift_list_begin(t, 2, THRIFT_I32, 2);
	thrift_put_int(t, ENCODING_PLAIN);
	thrift_put_int(t, ENCODING_RLE);
	thrift_list_begin(t, 3, THRIFT_BINARY, l->path_n);
	for (uint32_t i = 0; i < l->path_n; i++) thrift_put_bytes(t, l->path[i]->name, strlen(l->path[i]->name));
	thrift_put_i32(t, 4, (int32_t)l->codec);
	thrift_put_i64(t, 5, l->levels->n);
	thrift_put_i64(t, 6, (int64_t)l->bytes_raw);
	thrift_put_i64(t, 7, (int64_t)l->bytes);
	thrift_put_i64(t, 9, (int64_t)l->offset);
	thrift_struct_end(t, meta);
	thrift_struct_end(t, outer);
}

/* RowGroup: 1 columns, 2 total_byte_size, 3 num_rows, 5 file_offset, 6 total_compressed_size, 7 ordinal. */
static void put_row_group(struct nested_writer *w, struct thrift_writer *t)
{
	const struct parquet_nested *f = w->f;
	size_t raw = 0, stored = 0;
	thrift_put_i64(t, 3, f->n_rows);
	thrift_list_begin(t, 4, THRIFT_STRUCT, f->n_rows > 0);
	if (f->n_rows == 0) return;
	const int outer = thrift_element_begin(t);
	thrift_list_begin(t, 1, THRIFT_STRUCT, f->n_leaves);
	for (size_t k = 0; k < f->n_leaves; k++) {
		put_chunk(t, &w->leaves[k]);
		raw += w->leaves[k].bytes_raw;
		stored += w->leaves[k].bytes;
	}
	thrift_put_i64(t, 2, (int64_t)raw);
	thrift_put_i64(t, 3, f->n_rows);
	thrift_put_i64(t, 5, (int64_t)w->leaves[0].offset);
	thrift_put_i64(t, 6, (int64_t)stored);
	thrift_put_field(t, 7, THRIFT_I16);
	thrift_put_int(t, 0);
	thrift_struct_end(t, outer);
}

/* FileMetaData 5 key_value_metadata: one entry, whose value is the digest; a key, its value's length in front and the digits stand together. */
#define SEAL_KEY "pqr.seal"
#define SEAL_VALUE "\x18\x20" /* field 2 as a binary of 32 bytes */
_Static_assert(SEAL_CHARS == 32, "its length stands in SEAL_VALUE");

static const char created_by[] = "pqr version " PQR_VERSION;

/* Returns where its digits will be, from t's start. */
static size_t put_seal(struct thrift_writer *t, const uint8_t *start)
{
	static const char blank[SEAL_CHARS + 1] = "00000000000000000000000000000000";
	thrift_list_begin(t, 5, THRIFT_STRUCT, 1);
	const int outer = thrift_element_begin(t);
	thrift_put_binary(t, 1, SEAL_KEY, sizeof SEAL_KEY - 1);
	thrift_put_binary(t, 2, blank, SEAL_CHARS);
	const size_t at = (size_t)(t->p - start) - SEAL_CHARS;
	thrift_struct_end(t, outer);
	return at;
}

/* Both stand in the footer's last bytes, where nothing else can be taken for them. */
bool parquet_seal_holds(uint8_t *p, size_t n)
{
	enum { TAIL_BYTES = 256 };
	static const char mark[] = SEAL_KEY SEAL_VALUE, ours[] = "pqr version ";
	const size_t from = n > TAIL_BYTES ? n - TAIL_BYTES : 0;
	const uint8_t *found = memmem(p + from, n - from, mark, sizeof mark - 1);
	if (found == NULL) return memmem(p + from, n - from, ours, sizeof ours - 1) == NULL;
	return seal_holds(p, n, (size_t)(found - p) + sizeof mark - 1);
}

/* FileMetaData: 1 version, 2 schema, 3 num_rows, 4 row_groups, 5 key_value_metadata, 6 created_by. */
static void put_footer(struct nested_writer *w)
{
	size_t room = 512 + sizeof created_by;
	for (size_t i = 0; i < w->f->n_nodes; i++) room += SCHEMA_ELEMENT_ROOM + strlen(w->f->nodes[i].name);
	for (size_t k = 0; k < w->f->n_leaves; k++) {
		const struct nested_leaf *l = &w->leaves[k];
		room += 128;
		for (uint32_t i = 0; i < l->path_n; i++) room += 5 + strlen(l->path[i]->name);
	}
	struct thrift_writer t = {.p = buf_reserve(w->out, room)};
	if (t.p == NULL) return;
	const uint8_t *start = t.p;
	put_schema(w, &t);
	put_row_group(w, &t);
	const size_t seal = w->out->n + (w->f->sealed ? put_seal(&t, start) : 0);
	thrift_put_binary(&t, 6, created_by, sizeof created_by - 1);
	*t.p++ = 0;
	const uint32_t length = (uint32_t)(t.p - start);
	buf_commit(w->out, length);
	buf_add(w->out, &length, sizeof length);
	buf_str(w->out, "PAR1");
	if (w->f->sealed) seal_close(w->out, w->start, seal);
}

static status write_file(struct nested_writer *w, struct err *err)
{
	w->leaves = mem_zalloc(w->f->n_leaves, sizeof *w->leaves);
	if (w->leaves == NULL) return fail_nomem(err);
	TRY(walk_tree(w, err));
	if (w->codec != CODEC_NONE) TRY(compress_create(&w->compressor, err));
	buf_str(w->out, "PAR1");
	for (size_t k = 0; k < w->f->n_leaves; k++) TRY(write_chunk(w, &w->leaves[k], err));
	put_footer(w);
	return buf_check(w->out, err);
}

status parquet_nested_write(
	const struct parquet_nested *f, const struct parquet_opts *opts, struct buf *out, struct err *err)
{
	const enum parquet_codec codec = opts != NULL ? opts->codec : PARQUET_ZSTD;
	if (codec != PARQUET_UNCOMPRESSED && codec != PARQUET_SNAPPY && codec != PARQUET_ZSTD &&
		codec != PARQUET_LZ4_RAW)
		return fail(err, E_UNSUPPORTED, "unsupported: writing Parquet with compression codec %d", (int)codec);
	struct nested_writer w = {.f = f, .out = out, .start = out->n, .codec = (enum compress_codec)codec};
	w.level = opts != NULL && opts->level != 0 ? opts->level : 1;
	buf_init(&w.page, 0);
	const status code = write_file(&w, err);
	buf_deinit(&w.page);
	compress_destroy(w.compressor);
	mem_free(w.leaves);
	return code;
}
