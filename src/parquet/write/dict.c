/* parquet/write/dict.c: chunks as a dictionary and codes. Codes are dealt anew, in order of first use (strings) or of value
 * (numbers), so that the dictionary holds only what the chunk's rows use. Nothing is written when it does not pay. Invariant: w->map is
 * all zero between chunks. */
#include <string.h>

#include "parquet/encoding/encode.h"
#include "parquet/write/writer_int.h"

enum {
	CODES_U8 = 256,              /* dictionaries of up to this many entries have their codes in bytes */
	NUMBER_SPREAD_MAX = 1 << 12, /* numbers of a wider range get no dictionary: the table would leave the cache */
};

/* The codes of a chunk's valid values, new ones from 0 on, in one of two widths. */
struct codes {
	const uint8_t *u8; /* NULL: u32 */
	const uint32_t *u32;
	uint32_t n_used;
	unsigned width; /* bits */
};
/* Old codes and new ones: map[old] = new + 1 or 0; used[new] = old. */
struct code_map {
	uint32_t *map, *used;
};

/* ---- choosing new codes ---- */

/* Codes in order of first use. */
static inline __attribute__((always_inline)) uint32_t compact(const int32_t *restrict src,
	const uint32_t *restrict rows, size_t n, struct code_map codes, void *restrict dst, bool bytes)
{
	uint32_t *restrict map = codes.map;
	uint32_t *restrict used = codes.used;
	uint32_t n_used = 0;
	for (size_t i = 0; i < n; i++) {
		const uint32_t old = (uint32_t)src[rows[i]];
		uint32_t code = map[old];
		if (__builtin_expect(code == 0, 0)) {
			used[n_used++] = old;
			code = map[old] = n_used;
		}
		if (bytes)
			((uint8_t *)dst)[i] = (uint8_t)(code - 1);
		else
			((uint32_t *)dst)[i] = code - 1;
	}
	return n_used;
}

/* w->map is all zero between chunks and at least n entries long. */
static uint32_t *map_get(struct parquet_writer *w, size_t n)
{
	const size_t bytes = n * sizeof(uint32_t);
	if (w->map.n < bytes) {
		uint8_t *more = buf_reserve(&w->map, bytes - w->map.n);
		if (more == NULL) return NULL;
		memset(more, 0, bytes - w->map.n);
		buf_commit(&w->map, bytes - w->map.n);
	}
	return (uint32_t *)(void *)w->map.p;
}

static status compact_strings(struct writer_chunk *k, struct codes *out, struct err *err)
{
	struct parquet_writer *w = k->w;
	const struct writer_selection *s = k->selection;
	const size_t dict_n = (size_t)k->column->dict->n;
	const bool bytes = dict_n <= CODES_U8;
	uint32_t *map = map_get(w, dict_n);
	uint32_t *used = writer_scratch(&w->used, dict_n * sizeof *used);
	void *dst = writer_scratch(&w->codes, (size_t)s->n_valid * (bytes ? 1 : sizeof(uint32_t)));
	if (map == NULL || used == NULL || dst == NULL) return fail_nomem(err);
	const uint32_t n_used =
		bytes ? compact(k->column->values, s->rows, s->n_valid, (struct code_map){map, used}, dst, true)
		      : compact(k->column->values, s->rows, s->n_valid, (struct code_map){map, used}, dst, false);
	for (uint32_t i = 0; i < n_used; i++) map[used[i]] = 0;
	*out = (struct codes){.u8 = bytes ? dst : NULL,
		.u32 = bytes ? NULL : dst,
		.n_used = n_used,
		.width = encode_bit_width(n_used)};
	return OK;
}

/* ---- pages ---- */

static uint8_t *codes_put(const struct codes *c, size_t from, size_t n, uint8_t *at)
{
	*at++ = (uint8_t)c->width;
	if (n == 0) return at;
	if (c->n_used == 1) return encode_run(0, n, c->width, at);
	return c->u8 != NULL ? encode_hybrid_u8(c->u8 + from, n, c->width, at)
			     : encode_hybrid_u32(c->u32 + from, n, c->width, at);
}

/* Marks which codes a page uses, so that its range needs one look at each entry used. */
static void codes_mark(const struct codes *c, size_t from, size_t n, uint8_t *seen)
{
	memset(seen, 0, c->n_used);
	if (c->u8 != NULL)
		for (size_t i = 0; i < n; i++) seen[c->u8[from + i]] = 1;
	else
		for (size_t i = 0; i < n; i++) seen[c->u32[from + i]] = 1;
}

struct dict_entries {
	const struct writer_leaf *leaf;
	const struct column *strings; /* NULL: numbers */
	const uint32_t *used;         /* strings: entry of a code */
	const int64_t *numbers;       /* numbers: value of a code */
};

static struct str entry_str(const struct dict_entries *d, uint32_t code)
{
	const int32_t *at = d->strings->offsets + d->used[code];
	return (struct str){(const char *)d->strings->data + at[0], (size_t)(at[1] - at[0])};
}

/* Over the codes seen; over all when seen is NULL. */
static struct writer_range entries_range(const struct dict_entries *d, const uint8_t *seen, uint32_t n_used)
{
	struct writer_range r = {0};
	for (uint32_t i = 0; i < n_used; i++) {
		if (seen != NULL && !seen[i]) continue;
		if (d->strings != NULL) {
			writer_range_add_str(&r, entry_str(d, i));
		} else {
			const struct writer_range one = {.any = true, .min = d->numbers[i], .max = d->numbers[i]};
			writer_range_add(&r, &one, false);
		}
	}
	return r;
}

/* The data pages, after the dictionary page. */
static status codes_write(struct writer_chunk *k, const struct codes *c, const struct dict_entries *d, struct err *err)
{
	struct writer_page_span span = {0};
	k->range = entries_range(d, NULL, c->n_used);
	while (writer_page_span_next(k, &span, c->width)) {
		const size_t n = span.value_end - span.value;
		uint8_t *at = writer_page_begin(k, 1 + encode_hybrid_bound(n, c->width));
		if (at == NULL) return buf_check(&k->w->page, err);
		uint8_t *end = codes_put(c, span.value, n, at);
		struct writer_range range = k->range;
		if (n < k->selection->n_valid) {
			uint8_t *seen = writer_scratch(&k->w->seen, c->n_used);
			if (seen == NULL) return buf_check(&k->w->seen, err);
			codes_mark(c, span.value, n, seen);
			range = entries_range(d, seen, c->n_used);
		}
		TRY(writer_page_end(k, &span, end, &range, err));
	}
	return OK;
}

/* ---- strings ---- */

/* Does the dictionary pay? The bytes of the values themselves are estimated by the mean of the entries used. */
static bool strings_pay(const struct codes *c, size_t n_valid, size_t dict_bytes)
{
	return dict_bytes + n_valid * c->width / 8 < dict_bytes / c->n_used * n_valid;
}

static bool strings_dictionary(struct buf *dict, const struct dict_entries *d, uint32_t n_used)
{
	buf_reset(dict);
	for (uint32_t i = 0; i < n_used; i++) {
		const struct str s = entry_str(d, i);
		uint8_t *at = buf_reserve(dict, s.n + 4);
		if (at == NULL) return false;
		const uint32_t n = (uint32_t)s.n;
		memcpy(at, &n, 4);
		memcpy(at + 4, s.p, s.n);
		buf_commit(dict, s.n + 4);
	}
	return true;
}

/* A chunk whose dictionary and codes together are tiny is left as it is. */
static status dictionary_put(struct writer_chunk *k, const struct codes *c, struct err *err)
{
	k->dict_n = c->n_used;
	k->encoding = ENCODING_RLE_DICTIONARY;
	const size_t codes_bytes = c->n_used == 1 ? 8 : (size_t)k->selection->n_valid * c->width / 8;
	if (k->w->dict.n + codes_bytes <= WRITER_RAW_BYTES_MAX) k->codec = CODEC_NONE;
	return writer_page_dictionary(k, err);
}

status writer_chunk_strings_dict(struct writer_chunk *k, bool *done, struct err *err)
{
	struct codes c = {0};
	TRY(compact_strings(k, &c, err));
	const struct dict_entries d = {
		.leaf = k->leaf, .strings = k->column->dict, .used = (const uint32_t *)(const void *)k->w->used.p};
	if (!strings_dictionary(&k->w->dict, &d, c.n_used)) return buf_check(&k->w->dict, err);
	if (!strings_pay(&c, k->selection->n_valid, k->w->dict.n)) return OK;
	writer_chunk_bloom_add(k, k->w->dict.p, k->w->dict.p + k->w->dict.n);
	TRY(dictionary_put(k, &c, err));
	TRY(codes_write(k, &c, &d, err));
	*done = true;
	return OK;
}

/* ---- numbers of a small range: days, buckets, counts ---- */

static inline int64_t number_at(const void *values, unsigned width, size_t i)
{
	return width == 4 ? ((const int32_t *)values)[i] : ((const int64_t *)values)[i];
}

/* map[value - min] = 1 where the value occurs. */
static void numbers_mark(const void *values, unsigned width, size_t n, int64_t min, uint32_t *restrict map)
{
	if (width == 4)
		for (size_t i = 0; i < n; i++) map[((const int32_t *)values)[i] - (int32_t)min] = 1;
	else
		for (size_t i = 0; i < n; i++) map[((const int64_t *)values)[i] - min] = 1;
}

/* Replaces marks by codes in ascending order of the value; numbers[code] is the value. */
static uint32_t numbers_code(uint32_t *map, size_t spread, int64_t min, int64_t *numbers)
{
	uint32_t n_used = 0;
	for (size_t i = 0; i < spread; i++) {
		if (map[i] == 0) continue;
		numbers[n_used] = min + (int64_t)i;
		map[i] = n_used++;
	}
	return n_used;
}

static void numbers_codes(const struct writer_chunk *k, const void *values, const uint32_t *restrict map,
	struct codes *c, void *restrict dst)
{
	const unsigned width = k->leaf->width;
	const size_t n = k->selection->n_valid;
	const int64_t min = k->range.min;
	uint8_t *u8 = dst;
	uint32_t *u32 = dst;
	if (c->n_used <= CODES_U8) {
		for (size_t i = 0; i < n; i++) u8[i] = (uint8_t)map[number_at(values, width, i) - min];
		c->u8 = u8;
	} else {
		for (size_t i = 0; i < n; i++) u32[i] = map[number_at(values, width, i) - min];
		c->u32 = u32;
	}
}

static bool numbers_dictionary(struct buf *dict, const int64_t *numbers, uint32_t n_used, unsigned width)
{
	uint8_t *at = writer_scratch(dict, (size_t)n_used * width);
	if (at == NULL) return false;
	for (uint32_t i = 0; i < n_used; i++) memcpy(at + (size_t)i * width, &numbers[i], width);
	buf_commit(dict, (size_t)n_used * width);
	return true;
}

status writer_chunk_numbers_dict(
	struct writer_chunk *k, const void *values, size_t bytes_max, bool *done, struct err *err)
{
	const size_t n = k->selection->n_valid;
	const unsigned width = k->leaf->width;
	const uint64_t spread = (uint64_t)k->range.max - (uint64_t)k->range.min;
	if (spread >= NUMBER_SPREAD_MAX || spread >= 4 * n || n < 8) return OK;
	const size_t entries = (size_t)spread + 1;
	uint32_t *map = map_get(k->w, entries);
	int64_t *numbers = writer_scratch(&k->w->used, entries * sizeof *numbers);
	void *dst = writer_scratch(&k->w->codes, n * sizeof(uint32_t));
	if (map == NULL || numbers == NULL || dst == NULL) return fail_nomem(err);
	const int64_t min = k->range.min;
	numbers_mark(values, width, n, min, map);
	struct codes c = {.n_used = numbers_code(map, entries, min, numbers)};
	c.width = encode_bit_width(c.n_used);
	const size_t codes_bytes = c.n_used == 1 ? 8 : n * c.width / 8;
	const bool pays = (size_t)c.n_used * width + codes_bytes <= bytes_max;
	if (pays) numbers_codes(k, values, map, &c, dst);
	memset(map, 0, entries * sizeof *map);
	if (!pays) return OK;
	if (!numbers_dictionary(&k->w->dict, numbers, c.n_used, width)) return buf_check(&k->w->dict, err);
	const struct dict_entries d = {.leaf = k->leaf, .numbers = numbers};
	TRY(dictionary_put(k, &c, err));
	TRY(codes_write(k, &c, &d, err));
	*done = true;
	return OK;
}
