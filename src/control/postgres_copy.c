/* control/postgres_copy.c: record batches as PostgreSQL's COPY BINARY.
 *
 * A column of texts is looked at once a batch: where nothing in it must be replaced its bytes go as they are. Memory that runs out is told
 * by out->failed alone. Must not know statements or connections.
 */
#include "control/postgres_copy.h"

#include "io/utf8.h"

enum {
	FIXED_MAX =
		4 + 8 + 8 * 2, /* the longest field that is no text: numeric of 18 digits in at most 6 groups of four */
	EPOCH_DAYS = 10957,    /* 2000-01-01 after 1970-01-01 */
};
#define EPOCH_US (INT64_C(946684800) * 1000000)

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
	return p + 4;
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, 8);
	return p + 8;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte swaps assume it");

static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
	10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
	100000000000000000, 1000000000000000000};

/* numeric: int16 number of digits, weight, sign, scale, then the digits in base 10000, the first worth 10000^weight; none of them
 * a zero at either end. */
static uint8_t *put_numeric(uint8_t *p, int64_t value, int scale)
{
	uint16_t digits[12];
	int n = 0, first = 0;
	ASSERT(scale >= 0 && scale < (int)(sizeof powers / sizeof *powers));
	const uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	uint64_t whole = v / powers[scale], rest = v % powers[scale];
	uint16_t high[6];
	int n_high = 0;
	for (; whole > 0; whole /= 10000) high[n_high++] = (uint16_t)(whole % 10000);
	for (int i = n_high; i > 0; i--) digits[n++] = high[i - 1];
	for (int left = scale; left > 0; left -= 4) { /* the last group is filled up with zeros */
		const uint64_t unit = left >= 4 ? powers[left - 4] : 1;
		digits[n++] = (uint16_t)(left >= 4 ? rest / unit : rest * powers[4 - left]);
		rest = left >= 4 ? rest % unit : 0;
	}
	int weight = n_high - 1;
	while (first < n && digits[first] == 0) first++, weight--;
	while (n > first && digits[n - 1] == 0) n--;
	if (n == first) weight = 0;
	p = put32(p, (uint32_t)(8 + 2 * (n - first)));
	p = put16(p, (uint16_t)(n - first));
	p = put16(p, (uint16_t)weight);
	p = put16(p, value < 0 && n > first ? 0x4000 : 0);
	p = put16(p, (uint16_t)scale);
	for (int i = first; i < n; i++) p = put16(p, digits[i]);
	return p;
}

static uint8_t *put_float(uint8_t *p, const struct column *c, int64_t row)
{
	uint32_t bits;
	memcpy(&bits, (const float *)c->values + row, sizeof bits);
	return put32(put32(p, 4), bits);
}

/* A field of fixed width, or numeric, at p; p has room for FIXED_MAX. */
static uint8_t *put_fixed(uint8_t *p, const struct column *c, int64_t row)
{
	uint64_t bits;
	switch (c->type) {
	case COL_BOOL:
		p = put32(p, 1);
		*p = bit_get(c->values, row);
		return p + 1;
	case COL_INT32: return put32(put32(p, 4), (uint32_t)((const int32_t *)c->values)[row]);
	case COL_DATE: return put32(put32(p, 4), (uint32_t)(((const int32_t *)c->values)[row] - EPOCH_DAYS));
	case COL_TIMESTAMP: return put64(put32(p, 8), (uint64_t)(((const int64_t *)c->values)[row] - EPOCH_US));
	case COL_DECIMAL: return put_numeric(p, ((const int64_t *)c->values)[row], c->scale);
	case COL_FLOAT: return put_float(p, c, row);
	case COL_DOUBLE: memcpy(&bits, (const double *)c->values + row, sizeof bits); return put64(put32(p, 8), bits);
	default: return put64(put32(p, 8), (uint64_t)((const int64_t *)c->values)[row]);
	}
}

/* The length first, then the bytes that may stay and U+FFFD for the others. */
static void add_mended(struct buf *out, struct str s)
{
	const size_t at = out->n;
	uint8_t *length = buf_reserve(out, 4);
	if (length == NULL) return;
	buf_commit(out, 4);
	utf8_text_mend(out, s);
	if (!out->failed) (void)put32(out->p + at, (uint32_t)(out->n - at - 4));
}

static void add_bytes(struct buf *out, struct str s)
{
	uint8_t *p = buf_reserve(out, 4 + s.n);
	if (p == NULL) return;
	p = put32(p, (uint32_t)s.n);
	if (s.n > 0) memcpy(p, s.p, s.n);
	buf_commit(out, 4 + s.n);
}

/* Is every string of the column one that PostgreSQL takes? Asked once a batch, so that values go by memcpy. */
static bool is_clean(const struct column *c, int64_t n_rows)
{
	const struct column *of = c->dict != NULL ? c->dict : c;
	const int64_t n = c->dict != NULL ? c->dict->n : n_rows;
	if (n == 0) return true;
	const char *p = (const char *)of->data + of->offsets[0];
	const size_t bytes = (size_t)(of->offsets[n] - of->offsets[0]);
	if (bytes == 0) return true;
	if (memchr(p, '\0', bytes) != NULL || !utf8_valid(p, bytes)) return false;
	for (int64_t i = 0; i < n; i++) { /* all of it valid, but not cut within a character */
		const int32_t at = of->offsets[i];
		if (at < of->offsets[n] && (of->data[at] & 0xc0) == 0x80) return false;
	}
	return true;
}

static void add_row(struct buf *out, const struct postgres_copy_rows *r, int64_t row)
{
	const struct batch *b = r->batch;
	uint8_t *p = buf_reserve(out, 2);
	if (p == NULL) return;
	(void)put16(p, (uint16_t)(b->n_columns + r->n_partitions));
	buf_commit(out, 2);
	for (size_t i = 0; i < b->n_columns; i++) {
		const struct column *c = &b->columns[i];
		if (!column_valid(c, row)) {
			p = buf_reserve(out, 4);
			if (p == NULL) return;
			(void)put32(p, UINT32_MAX);
			buf_commit(out, 4);
		} else if (c->type == COL_BINARY || (c->type == COL_STRING && r->clean[i])) {
			add_bytes(out, column_str(c, row));
		} else if (c->type == COL_STRING) {
			add_mended(out, column_str(c, row));
		} else {
			p = buf_reserve(out, FIXED_MAX);
			if (p == NULL) return;
			buf_commit(out, (size_t)(put_fixed(p, c, row) - p));
		}
	}
	for (size_t i = 0; i < r->n_partitions; i++) add_mended(out, str_of(r->partitions[i]));
}

int64_t postgres_copy_binary_rows(struct buf *out, struct postgres_copy_rows *rows)
{
	const struct batch *b = rows->batch;
	ASSERT(b->n_columns <= TABLE_COLUMNS_MAX);
	ASSERT(rows->from >= 0 && rows->from <= rows->to && rows->to <= b->n_rows);
	for (size_t i = 0; i < b->n_columns && !rows->looked; i++)
		rows->clean[i] = b->columns[i].type == COL_STRING && is_clean(&b->columns[i], b->n_rows);
	rows->looked = true;
	int64_t row = rows->from;
	while (row < rows->to && out->n < rows->bytes_max && !out->failed) add_row(out, rows, row++);
	return row;
}

void postgres_copy_binary_begin(struct buf *out)
{
	static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"; /* signature, flags, length of the extension */
	_Static_assert(sizeof head - 1 == 19, "11 + 4 + 4 bytes");
	buf_add(out, head, sizeof head - 1);
}

void postgres_copy_binary_end(struct buf *out)
{
	buf_add(out, "\377\377", 2);
}
