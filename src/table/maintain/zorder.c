/* table/maintain/zorder.c: rows along a Morton curve over the ranks of columns.
 *
 * Ranks come from a sample of evenly spaced rows, so the order depends on the rows alone. Equal codes keep their order.
 */
#include "table/maintain/zorder.h"

#include <stdlib.h>

#include "base/alloc.h"

uint64_t zorder_interleave(const uint32_t *ids, size_t k, unsigned bits)
{
	uint64_t code = 0;
	for (unsigned b = bits; b-- > 0;)
		for (size_t i = 0; i < k; i++) code = code << 1 | (ids[i] >> b & 1);
	return code;
}

/* ---- numbers of one column ---- */

static uint64_t key_of_i64(int64_t v)
{
	return (uint64_t)v ^ UINT64_C(1) << 63;
}

/* Bits in the order of the values: IEEE 754 magnitudes order as integers; negative ones the other way round. */
static uint64_t key_of_f64(double v)
{
	if (v != v) return UINT64_MAX;
	if (v == 0) v = 0; /* -0 is 0 */
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Row i of a fixed-width column as a number that orders as the value does. The row is valid. */
static uint64_t key_at(const struct column *c, int64_t i)
{
	switch (c->type) {
	case COL_BOOL: return bit_get(c->values, i);
	case COL_INT32:
	case COL_DATE: return key_of_i64(((const int32_t *)c->values)[i]);
	case COL_FLOAT: return key_of_f64((double)((const float *)c->values)[i]);
	case COL_DOUBLE: return key_of_f64(((const double *)c->values)[i]);
	default: return key_of_i64(((const int64_t *)c->values)[i]);
	}
}

static bool is_text(enum col_type type)
{
	return type == COL_STRING || type == COL_BINARY;
}

static int u64_cmp(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a;
	const uint64_t y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static int text_cmp(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sample row k of n: evenly spaced, the first one included. */
static int64_t sample_row(int64_t rows, size_t n, size_t k)
{
	return (int64_t)((uint64_t)rows * k / n); /* rows < 2^32, k < 2^16 */
}

/* Where a share of the sample lies below a value, as a number. */
static uint16_t id_of(size_t below, size_t n)
{
	const uint64_t id = ((uint64_t)below << ZORDER_BITS) / n;
	return id < UINT16_MAX ? (uint16_t)id : UINT16_MAX; /* above every sampled value: below == n */
}

static size_t below_u64(const uint64_t *sample, size_t n, uint64_t key)
{
	size_t lo = 0;
	while (n > 0) {
		const size_t half = n / 2;
		const bool right = sample[lo + half] < key;
		lo = right ? lo + half + 1 : lo;
		n = right ? n - half - 1 : half;
	}
	return lo;
}

static size_t below_text(const struct str *sample, size_t n, struct str text)
{
	size_t lo = 0;
	while (n > 0) {
		const size_t half = n / 2;
		const bool right = str_cmp(sample[lo + half], text) < 0;
		lo = right ? lo + half + 1 : lo;
		n = right ? n - half - 1 : half;
	}
	return lo;
}

static void ids_of_numbers(const struct column *c, uint64_t *sample, size_t n, uint16_t *ids)
{
	size_t valid = 0;
	for (size_t k = 0; k < n; k++) {
		const int64_t row = sample_row(c->n, n, k);
		if (column_valid(c, row)) sample[valid++] = key_at(c, row);
	}
	qsort(sample, valid, sizeof *sample, u64_cmp);
	const size_t nulls = n - valid;
	for (int64_t i = 0; i < c->n; i++)
		ids[i] = column_valid(c, i) ? id_of(nulls + below_u64(sample, valid, key_at(c, i)), n) : 0;
}

static void ids_of_text(const struct column *c, struct str *sample, size_t n, uint16_t *ids)
{
	size_t valid = 0;
	for (size_t k = 0; k < n; k++) {
		const int64_t row = sample_row(c->n, n, k);
		if (column_valid(c, row)) sample[valid++] = column_str(c, row);
	}
	qsort(sample, valid, sizeof *sample, text_cmp);
	const size_t nulls = n - valid;
	for (int64_t i = 0; i < c->n; i++)
		ids[i] = column_valid(c, i) ? id_of(nulls + below_text(sample, valid, column_str(c, i)), n) : 0;
}

status zorder_ids(const struct column *c, uint16_t *ids, struct err *err)
{
	const size_t n = c->n < ZORDER_SAMPLE ? (size_t)c->n : ZORDER_SAMPLE;
	if (n == 0) return OK;
	void *sample = mem_alloc(n * (is_text(c->type) ? sizeof(struct str) : sizeof(uint64_t)));
	if (sample == NULL) return fail_nomem(err);
	if (is_text(c->type))
		ids_of_text(c, sample, n, ids);
	else
		ids_of_numbers(c, sample, n, ids);
	mem_free(sample);
	return OK;
}

/* ---- rows in the order of their codes ---- */

struct coded {
	uint64_t code;
	uint32_t row;
};

/* One stable pass by the byte at `shift`; false when all rows have the same one and dst was left alone. */
static bool radix_pass(const struct coded *restrict src, struct coded *restrict dst, size_t n, unsigned shift)
{
	size_t at[256] = {0};
	for (size_t i = 0; i < n; i++) at[src[i].code >> shift & 255]++;
	if (at[src[0].code >> shift & 255] == n) return false;
	size_t sum = 0;
	for (size_t b = 0; b < 256; b++) {
		const size_t count = at[b];
		at[b] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++) dst[at[src[i].code >> shift & 255]++] = src[i];
	return true;
}

static void sort_coded(struct coded *items, struct coded *spare, size_t n, uint32_t *rows)
{
	for (unsigned shift = 0; shift < 64; shift += 8) {
		if (!radix_pass(items, spare, n, shift)) continue;
		struct coded *const other = items;
		items = spare;
		spare = other;
	}
	for (size_t i = 0; i < n; i++) rows[i] = items[i].row;
}

static status code_rows(
	const struct batch *b, const int *columns, size_t k, struct coded *items, uint16_t *ids, struct err *err)
{
	const size_t n = (size_t)b->n_rows;
	const unsigned bits = k * ZORDER_BITS <= 64 ? ZORDER_BITS : (unsigned)(64 / k);
	for (size_t i = 0; i < n; i++) items[i] = (struct coded){0, (uint32_t)i};
	for (size_t c = 0; c < k; c++) {
		TRY(zorder_ids(&b->columns[columns[c]], ids, err));
		/* The code is the sum of the columns' codes, each with the others' bits zero. A byte of a number at a time. */
		uint64_t spread[2][256];
		for (uint32_t byte = 0; byte < 256; byte++) {
			uint32_t high[ZORDER_COLUMNS_MAX] = {0};
			uint32_t low[ZORDER_COLUMNS_MAX] = {0};
			high[c] = (byte << 8) >> (ZORDER_BITS - bits);
			low[c] = byte >> (ZORDER_BITS - bits);
			spread[0][byte] = zorder_interleave(low, k, bits);
			spread[1][byte] = zorder_interleave(high, k, bits);
		}
		for (size_t i = 0; i < n; i++) items[i].code |= spread[1][ids[i] >> 8] | spread[0][ids[i] & 255];
	}
	return OK;
}

status zorder_sort(const struct batch *b, const int *columns, size_t k, uint32_t *rows, struct err *err)
{
	ASSERT(k >= 1 && k <= ZORDER_COLUMNS_MAX);
	ASSERT(b->n_rows >= 0 && b->n_rows <= UINT32_MAX);
	const size_t n = (size_t)b->n_rows;
	if (n == 0) return OK;
	struct coded *items = mem_alloc(2 * n * sizeof *items);
	uint16_t *ids = mem_alloc(n * sizeof *ids);
	const status code = items == NULL || ids == NULL ? fail_nomem(err) : code_rows(b, columns, k, items, ids, err);
	if (code == OK) sort_coded(items, items + n, n, rows);
	mem_free(items);
	mem_free(ids);
	return code;
}
