/* table/log/schema_value.c: "Partition Value Serialization": text to a column's value and back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "table/log/schema.h"

enum { NUMBER_CHARS_MAX = 64 }; /* longest number text looked at: a double's shortest needs 24, a decimal's 21 */

static const int64_t powers_of_10[19] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
	10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
	100000000000000000, 1000000000000000000};

static bool parse_i64(struct str text, int64_t *out)
{
	const bool negative = text.n > 0 && text.p[0] == '-';
	size_t i = negative || (text.n > 0 && text.p[0] == '+');
	int64_t v = 0;
	if (i == text.n) return false;
	for (; i < text.n; i++) { /* downwards: INT64_MIN has no positive */
		const int digit = text.p[i] - '0';
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, digit, &v))
			return false;
	}
	if (!negative && v == INT64_MIN) return false;
	*out = negative ? v : -v;
	return true;
}

static bool parse_double(struct str text, double *out)
{
	char copy[NUMBER_CHARS_MAX];
	if (str_is(text, "NaN") || str_is(text, "nan")) return *out = NAN, true;
	if (str_is(text, "Infinity") || str_is(text, "inf")) return *out = INFINITY, true;
	if (str_is(text, "-Infinity") || str_is(text, "-inf")) return *out = -INFINITY, true;
	if (text.n == 0 || text.n >= sizeof copy) return false;
	for (size_t i = 0; i < text.n; i++) { /* no hexadecimal, no white space, no names */
		if (text.p[i] == '\0' || strchr("+-0123456789.eE", text.p[i]) == NULL) return false;
	}
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	char *end;
	*out = strtod(copy, &end);
	return *end == '\0';
}

/* [sign] digits [. digits] [E exponent], as java.math.BigDecimal writes it, times 10^scale. false: no number, digits
 * beyond the scale that are not 0, or more than precision digits. */
static bool parse_decimal(struct str text, int precision, int scale, int64_t *out)
{
	size_t i = text.n > 0 && (text.p[0] == '-' || text.p[0] == '+');
	const size_t first = i;
	int64_t v = 0, exponent = 0;
	int shift = scale; /* powers of ten still to come */
	bool point = false;
	size_t digits = 0;
	if (text.n > NUMBER_CHARS_MAX) return false;
	for (size_t at = i; at < text.n; at++) {
		if (text.p[at] != 'e' && text.p[at] != 'E') continue;
		if (!parse_i64((struct str){text.p + at + 1, text.n - at - 1}, &exponent) || exponent < -99 ||
			exponent > 99)
			return false;
		text.n = at;
	}
	shift += (int)exponent;
	for (; i < text.n; i++) {
		if (text.p[i] == '.' && !point) {
			point = true;
			continue;
		}
		const int digit = text.p[i] - '0';
		if (digit < 0 || digit > 9) return false;
		digits++;
		shift -= point;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v)) return false;
	}
	for (; shift > 0 && v != 0; shift--) {
		if (__builtin_mul_overflow(v, 10, &v)) return false;
	}
	for (; shift < 0 && v != 0; shift++) {
		if (v % 10 != 0) return false;
		v /= 10;
	}
	if (digits == 0 || v >= powers_of_10[precision]) return false;
	*out = first > 0 && text.p[0] == '-' ? -v : v;
	return true;
}

/* With an offset, or taken as UTC. */
static bool parse_timestamp(struct str text, int64_t *out)
{
	char copy[48];
	if (time_parse(text, out)) return true;
	if (text.n + 1 > sizeof copy) return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = 'Z';
	return time_parse((struct str){copy, text.n + 1}, out);
}

status delta_value_parse(const struct column_def *def, struct str text, struct delta_value *out, struct err *err)
{
	struct delta_value v = {.text = text};
	bool ok = true;
	int32_t date = 0;
	if (text.p == NULL || text.n == 0) {
		*out = (struct delta_value){.null = true};
		return OK;
	}
	switch (def->type) {
	case COL_BOOL:
		v.i64 = str_is(text, "true");
		ok = v.i64 == 1 || str_is(text, "false");
		break;
	case COL_INT32: ok = parse_i64(text, &v.i64) && v.i64 >= INT32_MIN && v.i64 <= INT32_MAX; break;
	case COL_INT64: ok = parse_i64(text, &v.i64); break;
	case COL_FLOAT:
		ok = parse_double(text, &v.f64);
		v.f64 = (double)(float)v.f64;
		break;
	case COL_DOUBLE: ok = parse_double(text, &v.f64); break;
	case COL_STRING:
	case COL_BINARY: break;
	case COL_TIMESTAMP: ok = parse_timestamp(text, &v.i64); break;
	case COL_DATE:
		ok = date_parse(text, &date);
		v.i64 = date;
		break;
	case COL_DECIMAL: ok = parse_decimal(text, def->precision, def->scale, &v.i64); break;
	case COL_DECIMAL128:
	case COL_LIST:
	case COL_STRUCT:
	case COL_MAP: ok = false; break;
	}
	const int shown = text.n < 80 ? (int)text.n : 80;
	if (!ok)
		return fail(err, E_CORRUPT, "partition value of column '%s': expected a %s, found '%.*s'", def->name,
			col_type_name(def->type), shown, text.p);
	*out = v;
	return OK;
}

/* The shortest text that reads back as v. */
static void double_text(struct buf *out, double v, bool single)
{
	char text[40];
	if (isnan(v)) return buf_str(out, "NaN");
	if (isinf(v)) return buf_str(out, v > 0 ? "Infinity" : "-Infinity");
	for (int digits = single ? 6 : 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof text, "%.*g", digits, v);
		const double back = strtod(text, NULL);
		if (single ? (float)back == (float)v : back == v) break; /* NOLINT: the very value */
	}
	buf_str(out, text);
}

static void decimal_text(struct buf *out, int64_t v, int scale)
{
	const int64_t unit = powers_of_10[scale];
	if (v < 0) buf_char(out, '-');
	v = v < 0 ? -v : v;
	buf_i64(out, v / unit);
	if (scale > 0) buf_printf(out, ".%0*lld", scale, (long long)(v % unit));
}

void delta_value_text(struct buf *out, const struct column_def *def, const struct delta_value *v)
{
	char text[TIME_RFC3339_CHARS];
	if (v->null) return;
	switch (def->type) {
	case COL_BOOL: buf_str(out, v->i64 != 0 ? "true" : "false"); break;
	case COL_INT32:
	case COL_INT64: buf_i64(out, v->i64); break;
	case COL_FLOAT: double_text(out, v->f64, true); break;
	case COL_DOUBLE: double_text(out, v->f64, false); break;
	case COL_STRING:
	case COL_BINARY: buf_add(out, v->text.p, v->text.n); break;
	case COL_TIMESTAMP:
		time_format(v->i64, text);
		buf_add(out, text, TIME_RFC3339_CHARS);
		break;
	case COL_DATE:
		date_format((int32_t)v->i64, text);
		buf_add(out, text, DATE_CHARS);
		break;
	case COL_DECIMAL: decimal_text(out, v->i64, def->scale); break;
	case COL_DECIMAL128:
	case COL_LIST:
	case COL_STRUCT:
	case COL_MAP: ASSERT(false);
	}
}

int delta_value_cmp(const struct column_def *def, const struct delta_value *a, const struct delta_value *b)
{
	switch (def->type) {
	case COL_STRING:
	case COL_BINARY: return str_cmp(a->text, b->text);
	case COL_FLOAT:
	case COL_DOUBLE: /* NaN above all, as Spark orders it */
		if (isnan(a->f64) || isnan(b->f64)) return (isnan(a->f64) != 0) - (isnan(b->f64) != 0);
		return (a->f64 > b->f64) - (a->f64 < b->f64);
	default: return (a->i64 > b->i64) - (a->i64 < b->i64);
	}
}
