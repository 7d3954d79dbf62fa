/* query/value.c: values of DuckDB as text and as JSON, each exactly. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "query/query_int.h"

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

/* ---- numbers ---- */

static i128 read_int(const struct q_vector *v, size_t row)
{
	const size_t n = v->type->bytes;
	const char *p = (const char *)v->data + row * n;
	int8_t i8;
	int16_t i16;
	int32_t i32;
	int64_t i64;
	i128 wide;
	switch (n) {
	case 1: memcpy(&i8, p, n); return i8;
	case 2: memcpy(&i16, p, n); return i16;
	case 4: memcpy(&i32, p, n); return i32;
	case 8: memcpy(&i64, p, n); return i64;
	default: memcpy(&wide, p, n); return wide; /* low half first, as DuckDB keeps it */
	}
}

static u128 read_uint(const struct q_vector *v, size_t row)
{
	u128 value = 0; /* little endian, as every machine libduckdb is built for */
	memcpy(&value, (const char *)v->data + row * v->type->bytes, v->type->bytes);
	return value;
}

static int64_t read_i64(const struct q_vector *v, size_t row)
{
	return ((const int64_t *)v->data)[row];
}

/* Digits of v with a point before the last `scale` of them. */
static void add_digits(struct buf *out, bool negative, u128 v, unsigned scale)
{
	char text[64]; /* 39 digits of 128 bits, or a zero before `scale` others; point and sign */
	ASSERT(scale <= 38);
	size_t at = sizeof text;
	unsigned n = 0;
	do {
		if (n == scale && scale > 0) text[--at] = '.';
		text[--at] = (char)('0' + (int)(v % 10));
		v /= 10;
		n++;
	} while (v > 0 || n <= scale);
	if (negative) text[--at] = '-';
	buf_add(out, text + at, sizeof text - at);
}

static void add_i128(struct buf *out, i128 v, unsigned scale)
{
	add_digits(out, v < 0, v < 0 ? -(u128)v : (u128)v, scale);
}

/* The fewest digits that read back as the value; 1.0, 1e+20, 1e-05: fixed between 1e-4 and 1e16, as DuckDB has it. */
static void add_double(struct buf *out, double v, bool single)
{
	char text[40];
	if (isnan(v) || isinf(v)) {
		buf_str(out, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
		return;
	}
	int digits = 1;
	for (; digits < 18; digits++) {
		(void)snprintf(text, sizeof text, "%.*e", digits - 1, v);
		if (single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v) break;
	}
	const int exponent = atoi(strchr(text, 'e') + 1);
	if (exponent < -4 || exponent >= 16) {
		buf_str(out, text);
		return;
	}
	const int decimals = digits - 1 - exponent;
	buf_printf(out, "%.*f", decimals > 0 ? decimals : 1, v);
}

/* A whole number of any size: 3 bytes of sign and length, then its magnitude, big end first; all inverted when negative. */
static void add_bignum(struct buf *out, struct str s)
{
	enum { GROUP = 1000000000, GROUPS_MAX = 1024 };
	uint32_t groups[GROUPS_MAX] = {0}; /* of nine decimal digits, low first */
	size_t n = 1;
	if (s.n < 4) return;
	const bool negative = ((unsigned char)s.p[0] & 0x80) == 0;
	for (size_t i = 3; i < s.n; i++) {
		uint64_t carry = (unsigned char)s.p[i] ^ (negative ? 0xffU : 0U);
		for (size_t k = 0; k < n; k++) {
			carry += (uint64_t)groups[k] << 8;
			groups[k] = (uint32_t)(carry % GROUP);
			carry /= GROUP;
		}
		if (carry > 0 && n < GROUPS_MAX) groups[n++] = (uint32_t)carry;
	}
	buf_printf(out, "%s%" PRIu32, negative ? "-" : "", groups[n - 1]);
	for (size_t k = n - 1; k > 0; k--) buf_printf(out, "%09" PRIu32, groups[k - 1]);
}

/* ---- dates and times ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t power10(unsigned n)
{
	int64_t v = 1;
	while (n-- > 0) v *= 10;
	return v;
}

/* Day of the proleptic Gregorian calendar, before the year 1 as DuckDB writes it: 0044-03-15 (BC). */
static void add_date(struct buf *out, int64_t date)
{
	const struct civil c = date_to_civil((int32_t)date);
	buf_printf(out, "%04" PRId32 "-%02" PRId32 "-%02" PRId32 "%s", c.year <= 0 ? 1 - c.year : c.year, c.month,
		c.day, c.year <= 0 ? " (BC)" : "");
}

/* units: of 10^-scale seconds, of one day. Zeros at the end of the fraction are left out. */
static void add_clock(struct buf *out, int64_t units, unsigned scale)
{
	const int64_t second = power10(scale), whole = units / second;
	int64_t fraction = units % second;
	buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, whole / 3600, whole / 60 % 60, whole % 60);
	if (fraction == 0) return;
	for (; fraction % 10 == 0; scale--) fraction /= 10;
	buf_printf(out, ".%0*" PRId64, (int)scale, fraction);
}

static void add_timestamp(struct buf *out, const struct q_type *t, int64_t v, bool json)
{
	const int64_t day = 86400 * power10(t->scale);
	if (v == INT64_MAX || v == -INT64_MAX) {
		buf_str(out, v > 0 ? "infinity" : "-infinity");
		return;
	}
	int64_t date = floor_div(v, day);
	if (date > INT32_MAX) date = INT32_MAX;
	if (date < INT32_MIN) date = INT32_MIN;
	add_date(out, date);
	buf_char(out, json ? 'T' : ' ');
	add_clock(out, v - floor_div(v, day) * day, t->scale);
	if (t->kind == Q_TIMESTAMP_TZ) buf_str(out, json ? "Z" : "+00");
}

/* The upper 40 bits are microseconds, the lower 24 an offset that counts down from 15:59:59. */
static void add_time_tz(struct buf *out, uint64_t v)
{
	enum { OFFSET_MAX = 16 * 3600 - 1 };
	const int32_t offset = OFFSET_MAX - (int32_t)(v & 0xffffff), east = offset < 0 ? -offset : offset;
	add_clock(out, (int64_t)(v >> 24), 6);
	buf_printf(out, "%c%02" PRId32, offset < 0 ? '-' : '+', east / 3600);
	if (east % 3600 != 0) buf_printf(out, ":%02" PRId32, east / 60 % 60);
	if (east % 60 != 0) buf_printf(out, ":%02" PRId32, east % 60);
}

static void add_interval(struct buf *out, const struct q_interval *v)
{
	const struct {
		int32_t n;
		const char *unit;
	} parts[] = {{v->months / 12, "year"}, {v->months % 12, "month"}, {v->days, "day"}};
	bool any = false;
	for (size_t i = 0; i < 3; i++) {
		if (parts[i].n == 0) continue;
		buf_printf(out, "%s%" PRId32 " %s%s", any ? " " : "", parts[i].n, parts[i].unit,
			parts[i].n == 1 || parts[i].n == -1 ? "" : "s");
		any = true;
	}
	if (any && v->us == 0) return;
	if (any) buf_char(out, ' ');
	if (v->us < 0) buf_char(out, '-');
	/* INT64_MIN has no opposite: one microsecond off there */
	add_clock(out, v->us == INT64_MIN ? INT64_MAX : v->us < 0 ? -v->us : v->us, 6);
}

/* ---- bytes ---- */

static void add_blob(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];
		if (c >= 0x20 && c < 0x7f && c != '\\' && c != '\'' && c != '"')
			buf_char(out, (char)c);
		else
			buf_printf(out, "\\x%02X", c);
	}
}

/* The first byte counts the unused bits at the start of the second. */
static void add_bits(struct buf *out, struct str s)
{
	for (size_t i = s.n > 0 ? (unsigned char)s.p[0] : 0; s.n > 0 && i < (s.n - 1) * 8; i++)
		buf_char(out, (unsigned char)s.p[1 + i / 8] >> (7 - i % 8) & 1 ? '1' : '0');
}

/* A 128-bit number with its top bit flipped, so that DuckDB can sort it as a signed one. */
static void add_uuid(struct buf *out, const struct q_vector *v, size_t row)
{
	uint64_t half[2];
	memcpy(half, (const char *)v->data + row * 16, 16);
	half[1] ^= UINT64_C(1) << 63;
	buf_printf(out, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64, half[1] >> 32,
		half[1] >> 16 & 0xffff, half[1] & 0xffff, half[0] >> 48, half[0] & UINT64_C(0xffffffffffff));
}

static struct str enum_word(const struct q_vector *v, size_t row)
{
	const uint64_t i = (uint64_t)read_uint(v, row);
	return i < v->type->n ? str_of(v->type->names[i]) : STR("");
}

/* ---- JSON ---- */

/* A JSON text of DuckDB's, on one line: a raw newline can only stand between its tokens. */
static void add_json(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) buf_char(out, s.p[i] == '\n' || s.p[i] == '\r' ? ' ' : s.p[i]);
}

static void json_range(struct buf *out, const struct q_vector *v, uint64_t first, uint64_t n)
{
	buf_char(out, '[');
	for (uint64_t i = 0; i < n; i++) {
		if (i > 0) buf_char(out, ',');
		value_json(out, v, first + i);
	}
	buf_char(out, ']');
}

static void json_struct(struct buf *out, const struct q_vector *v, size_t row)
{
	buf_char(out, '{');
	for (size_t i = 0; i < v->type->n; i++) {
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, str_of(v->type->names[i]));
		buf_char(out, ':');
		value_json(out, &v->children[i], row);
	}
	buf_char(out, '}');
}

/* Keys of a map are strings in JSON, whatever they are here. */
static void json_map(struct buf *out, const struct q_vector *v, size_t row)
{
	const struct q_span span = engine_span(v, row);
	struct buf key;
	buf_init(&key, 0);
	buf_char(out, '{');
	for (uint64_t i = 0; i < span.n; i++) {
		buf_reset(&key);
		value_text(&key, &v->children[0], span.first + i);
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, (struct str){(const char *)key.p, key.n});
		buf_char(out, ':');
		value_json(out, &v->children[1], span.first + i);
	}
	buf_char(out, '}');
	buf_deinit(&key);
}

static void json_union(struct buf *out, const struct q_vector *v, size_t row)
{
	const uint8_t tag = ((const uint8_t *)v->data)[row];
	if (tag >= v->type->n) {
		buf_str(out, "null");
		return;
	}
	buf_char(out, '{');
	buf_json_str(out, str_of(v->type->names[tag]));
	buf_char(out, ':');
	value_json(out, &v->children[tag], row);
	buf_char(out, '}');
}

static void json_quoted(struct buf *out, const struct q_vector *v, size_t row)
{
	struct buf text;
	buf_init(&text, 0);
	const enum q_kind kind = v->type->kind;
	if (kind == Q_TIMESTAMP || kind == Q_TIMESTAMP_TZ)
		add_timestamp(&text, v->type, read_i64(v, row), true);
	else
		value_text(&text, v, row);
	if (text.failed) out->failed = true;
	buf_json_str(out, (struct str){(const char *)text.p, text.n});
	buf_deinit(&text);
}

/* JSON has no NaN and no infinity: their names as strings, as `pqr table cat` writes them, so that they differ from null. */
static void json_double(struct buf *out, double v, bool single)
{
	if (!isfinite(v)) buf_char(out, '"');
	add_double(out, v, single);
	if (!isfinite(v)) buf_char(out, '"');
}

void value_json(struct buf *out, const struct q_vector *v, size_t row)
{
	if (v->type->kind == Q_NULL || !q_valid(v, row)) {
		buf_str(out, "null");
		return;
	}
	switch (v->type->kind) {
	case Q_BOOL:
	case Q_INT:
	case Q_UINT:
	case Q_DECIMAL:
	case Q_BIGNUM: value_text(out, v, row); return;
	case Q_FLOAT: json_double(out, (double)((const float *)v->data)[row], true); return;
	case Q_DOUBLE: json_double(out, ((const double *)v->data)[row], false); return;
	case Q_TEXT: buf_json_str(out, engine_text(v, row)); return;
	case Q_ENUM: buf_json_str(out, enum_word(v, row)); return;
	case Q_JSON: add_json(out, engine_text(v, row)); return;
	case Q_LIST: {
		const struct q_span span = engine_span(v, row);
		json_range(out, v->children, span.first, span.n);
		return;
	}
	case Q_ARRAY: json_range(out, v->children, row * v->type->n_array, v->type->n_array); return;
	case Q_STRUCT: json_struct(out, v, row); return;
	case Q_MAP: json_map(out, v, row); return;
	case Q_UNION: json_union(out, v, row); return;
	default: json_quoted(out, v, row);
	}
}

/* ---- text ---- */

static void text_date(struct buf *out, int32_t v)
{
	if (v == INT32_MAX || v == -INT32_MAX)
		buf_str(out, v > 0 ? "infinity" : "-infinity");
	else
		add_date(out, v);
}

void value_text(struct buf *out, const struct q_vector *v, size_t row)
{
	struct str s;
	switch (v->type->kind) {
	case Q_NULL: return;
	case Q_BOOL: buf_str(out, ((const uint8_t *)v->data)[row] != 0 ? "true" : "false"); return;
	case Q_INT: add_i128(out, read_int(v, row), 0); return;
	case Q_UINT: add_digits(out, false, read_uint(v, row), 0); return;
	case Q_DECIMAL: add_i128(out, read_int(v, row), v->type->scale); return;
	case Q_FLOAT: add_double(out, (double)((const float *)v->data)[row], true); return;
	case Q_DOUBLE: add_double(out, ((const double *)v->data)[row], false); return;
	case Q_BIGNUM: add_bignum(out, engine_text(v, row)); return;
	case Q_DATE: text_date(out, ((const int32_t *)v->data)[row]); return;
	case Q_TIME: add_clock(out, read_i64(v, row), v->type->scale); return;
	case Q_TIME_TZ: add_time_tz(out, (uint64_t)read_i64(v, row)); return;
	case Q_TIMESTAMP:
	case Q_TIMESTAMP_TZ: add_timestamp(out, v->type, read_i64(v, row), false); return;
	case Q_INTERVAL: add_interval(out, (const struct q_interval *)v->data + row); return;
	case Q_TEXT:
	case Q_JSON:
		s = engine_text(v, row);
		buf_add(out, s.p, s.n);
		return;
	case Q_BLOB: add_blob(out, engine_text(v, row)); return;
	case Q_BIT: add_bits(out, engine_text(v, row)); return;
	case Q_UUID: add_uuid(out, v, row); return;
	case Q_ENUM:
		s = enum_word(v, row);
		buf_add(out, s.p, s.n);
		return;
	default: value_json(out, v, row);
	}
}

bool value_is_number(const struct q_type *t)
{
	switch (t->kind) {
	case Q_INT:
	case Q_UINT:
	case Q_FLOAT:
	case Q_DOUBLE:
	case Q_DECIMAL:
	case Q_BIGNUM: return true;
	default: return false;
	}
}

const char *value_type_name(const struct q_type *t)
{
	static const char *const integers[] = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"};
	static const char *const names[] = {
		[Q_NULL] = "NULL",
		[Q_BOOL] = "BOOLEAN",
		[Q_UINT] = "UBIGINT",
		[Q_FLOAT] = "FLOAT",
		[Q_DOUBLE] = "DOUBLE",
		[Q_DECIMAL] = "DECIMAL",
		[Q_DATE] = "DATE",
		[Q_TIME] = "TIME",
		[Q_TIME_TZ] = "TIME WITH TIME ZONE",
		[Q_TIMESTAMP] = "TIMESTAMP",
		[Q_TIMESTAMP_TZ] = "TIMESTAMP WITH TIME ZONE",
		[Q_INTERVAL] = "INTERVAL",
		[Q_TEXT] = "VARCHAR",
		[Q_JSON] = "JSON",
		[Q_BLOB] = "BLOB",
		[Q_BIT] = "BIT",
		[Q_BIGNUM] = "BIGNUM",
		[Q_UUID] = "UUID",
		[Q_ENUM] = "ENUM",
		[Q_LIST] = "LIST",
		[Q_ARRAY] = "ARRAY",
		[Q_STRUCT] = "STRUCT",
		[Q_MAP] = "MAP",
		[Q_UNION] = "UNION",
	};
	size_t log = 0;
	while (t->kind == Q_INT && log < 4 && (1u << log) < t->bytes) log++;
	return t->kind == Q_INT ? integers[log] : names[t->kind];
}
