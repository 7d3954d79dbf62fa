/* io/json/json_scan.c: see json_scan.h.
 *
 * Invariants: 1. p never passes end, and after an error stands there, so that every later call fails without a look at the text; 2. the
 * fast searches and the plain ones stop at the same byte. Must not know names of members or what a text is for.
 */
#include "io/json/json_scan.h"

#include "base/hash.h"
#include "base/limits.h"
#ifdef PQR_SIMD
#include "io/json/json_scan_sse2.h"
#endif

static const char *string_stop_plain(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\') p++;
	return p;
}

/* The only mutable global of the room: a hook of the tests, which compare the paths. Nothing else writes it. */
static bool plain_only;

void json_scan_force_plain(bool plain)
{
	plain_only = plain;
}

static inline const char *string_stop(const char *p, const char *end)
{
#ifdef PQR_SIMD
	if (__builtin_expect(!plain_only, 1)) return json_stop_sse2(p, end);
#endif
	return string_stop_plain(p, end);
}

bool json_refuse(struct json_scan *s, const char *what, const char *at)
{
	if (s->error == NULL) {
		s->error = what;
		s->error_at = (size_t)(at - s->start);
		s->p = s->end;
	}
	return false;
}

void json_start(struct json_scan *s, const char *text, size_t n)
{
	*s = (struct json_scan){.p = text, .end = text + n, .start = text};
}

static inline bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline void skip_space(struct json_scan *s)
{
	const char *p = s->p;
	while (p < s->end && is_space(*p)) p++;
	s->p = p;
}

/* Four hexadecimal digits at p; -1 when they are not. */
static int32_t hex4(const char *p)
{
	const int a = hex_digits[(unsigned char)p[0]], b = hex_digits[(unsigned char)p[1]];
	const int c = hex_digits[(unsigned char)p[2]], d = hex_digits[(unsigned char)p[3]];
	if (a == 0 || b == 0 || c == 0 || d == 0) return -1;
	return (a - 1) << 12 | (b - 1) << 8 | (c - 1) << 4 | (d - 1);
}

/* The second half of a pair whose first is the code unit `high`, from the escape at p; -1: there is none. */
static int32_t low_surrogate(int32_t high, const char *p, const char *end)
{
	if (high < 0xd800 || high > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
	const int32_t low = hex4(p + 2);
	return low >= 0xdc00 && low <= 0xdfff ? low : -1;
}

/* The escape at p (a backslash): first byte after it, or NULL with the error set. */
static const char *scan_escape(struct json_scan *s, const char *p)
{
	const ptrdiff_t left = s->end - p;
	if (left < 2) {
		(void)json_refuse(s, "string without end", p);
		return NULL;
	}
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't': return p + 2;
	case 'u': break;
	default: (void)json_refuse(s, "unknown escape", p); return NULL;
	}
	const int32_t unit = left >= 6 ? hex4(p + 2) : -1;
	if (unit < 0) {
		(void)json_refuse(s, "\\u without four hexadecimal digits", p);
		return NULL;
	}
	if (unit < 0xd800 || unit > 0xdfff) return p + 6;
	if (low_surrogate(unit, p + 6, s->end) >= 0) return p + 12;
	if (!s->lone_allowed) {
		(void)json_refuse(s, "lone surrogate", p);
		return NULL;
	}
	s->lone = true;
	return p + 6;
}

/* s->p is behind the opening quote. */
static inline bool scan_string(struct json_scan *s, struct json_string *out)
{
	const char *from = s->p, *p = from, *end = s->end;
	bool has_escape = false;
	for (;;) {
		p = string_stop(p, end);
		if (__builtin_expect(p >= end, 0)) return json_refuse(s, "string without end", from - 1);
		if (__builtin_expect(*p == '"', 1)) break;
		if (*p != '\\') return json_refuse(s, "control character in a string", p);
		has_escape = true;
		p = scan_escape(s, p);
		if (p == NULL) return false;
	}
	*out = (struct json_string){.raw = {from, (size_t)(p - from)}, .has_escape = has_escape};
	s->p = p + 1;
	return true;
}

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

static inline const char *digits_end(const char *p, const char *end)
{
	while (p < end && is_digit(*p)) p++;
	return p;
}

/* RFC 8259 section 6. */
static bool scan_number(struct json_scan *s)
{
	const char *p = s->p, *end = s->end;
	if (p < end && *p == '-') p++;
	if (p >= end || !is_digit(*p)) return json_refuse(s, "a minus sign without a digit", p);
	p = *p == '0' ? p + 1 : digits_end(p, end);
	if (p < end && is_digit(*p)) return json_refuse(s, "number with a leading zero", p);
	if (p < end && *p == '.') {
		const char *from = ++p;
		p = digits_end(p, end);
		if (p == from) return json_refuse(s, "decimal point without a digit after it", p);
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-')) p++;
		const char *from = p;
		p = digits_end(p, end);
		if (p == from) return json_refuse(s, "exponent without a digit", p);
	}
	s->p = p;
	return true;
}

static bool scan_word(struct json_scan *s, const char *word, size_t n)
{
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0) return json_refuse(s, "unknown word", s->p);
	s->p += n;
	return true;
}

static enum json_kind kind_of(char c)
{
	switch (c) {
	case '{': return JSON_OBJECT;
	case '[': return JSON_ARRAY;
	case '"': return JSON_STRING;
	case 't': return JSON_TRUE;
	case 'f': return JSON_FALSE;
	case 'n': return JSON_NULL;
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9': return JSON_NUMBER;
	default: return JSON_NONE;
	}
}

/* A value that is no container, s->p at its first byte. */
static inline bool scan_scalar(struct json_scan *s)
{
	struct json_string ignored;
	switch (kind_of(*s->p)) {
	case JSON_STRING: s->p++; return scan_string(s, &ignored);
	case JSON_NUMBER: return scan_number(s);
	case JSON_TRUE: return scan_word(s, "true", 4);
	case JSON_FALSE: return scan_word(s, "false", 5);
	case JSON_NULL: return scan_word(s, "null", 4);
	default: return json_refuse(s, "no value here", s->p);
	}
}

enum json_kind json_peek(struct json_scan *s)
{
	if (s->error != NULL) return JSON_NONE;
	skip_space(s);
	const enum json_kind kind = s->p < s->end ? kind_of(*s->p) : JSON_NONE;
	if (kind == JSON_NONE)
		(void)json_refuse(s, s->p < s->end ? "no value here" : "text ends where a value must follow", s->p);
	return kind;
}

static bool expect(struct json_scan *s, enum json_kind want, const char *what)
{
	const enum json_kind kind = json_peek(s);
	if (kind == want) return true;
	return kind == JSON_NONE ? false : json_refuse(s, what, s->p);
}

static bool container_begin(struct json_scan *s)
{
	if (s->depth >= JSON_DEPTH_MAX) return json_refuse(s, "nested too deeply", s->p);
	s->p++;
	s->depth++;
	s->first = true;
	return true;
}

static bool container_end(struct json_scan *s)
{
	s->p++;
	s->depth--;
	s->first = false;
	return false;
}

bool json_object_begin(struct json_scan *s)
{
	return expect(s, JSON_OBJECT, "not an object") && container_begin(s);
}

bool json_array_begin(struct json_scan *s)
{
	return expect(s, JSON_ARRAY, "not an array") && container_begin(s);
}

/* A key with its colon, s->p at the next byte that is no white space. */
static inline bool scan_key(struct json_scan *s, struct json_string *key)
{
	if (s->p >= s->end || *s->p != '"') return json_refuse(s, "expected a member name", s->p);
	s->p++;
	if (!scan_string(s, key)) return false;
	if (s->p >= s->end || *s->p != ':') {
		skip_space(s);
		if (s->p >= s->end || *s->p != ':') return json_refuse(s, "expected ':' after a member name", s->p);
	}
	s->p++;
	return true;
}

bool json_object_next(struct json_scan *s, struct json_string *key)
{
	if (s->error != NULL) return false;
	skip_space(s);
	if (s->p >= s->end) return json_refuse(s, "object without end", s->p);
	if (*s->p == '}') return container_end(s);
	if (!s->first) {
		if (*s->p != ',') return json_refuse(s, "expected ',' or '}'", s->p);
		s->p++;
		skip_space(s);
	}
	s->first = false;
	return scan_key(s, key);
}

bool json_array_next(struct json_scan *s)
{
	if (s->error != NULL) return false;
	skip_space(s);
	if (s->p >= s->end) return json_refuse(s, "array without end", s->p);
	if (*s->p == ']') return container_end(s);
	if (!s->first) {
		if (*s->p != ',') return json_refuse(s, "expected ',' or ']'", s->p);
		s->p++;
	}
	s->first = false;
	return json_peek(s) != JSON_NONE;
}

bool json_take_string(struct json_scan *s, struct json_string *out)
{
	if (!expect(s, JSON_STRING, "not a string")) return false;
	s->p++;
	return scan_string(s, out);
}

bool json_take_number(struct json_scan *s, struct str *out)
{
	if (!expect(s, JSON_NUMBER, "not a number")) return false;
	const char *from = s->p;
	if (!scan_number(s)) return false;
	*out = (struct str){from, (size_t)(s->p - from)};
	return true;
}

bool json_take_literal(struct json_scan *s, enum json_kind *out)
{
	const enum json_kind kind = json_peek(s);
	if (kind == JSON_NONE) return false;
	if (kind != JSON_TRUE && kind != JSON_FALSE && kind != JSON_NULL)
		return json_refuse(s, "not true, false or null", s->p);
	if (!scan_scalar(s)) return false;
	*out = kind;
	return true;
}

/* The rest of a container just entered, to its end. One bit a level: 1 = object. The value's own depth is `levels`. */
static bool skip_container(struct json_scan *s)
{
	uint64_t is_object[JSON_DEPTH_MAX / 64 + 1];
	const uint32_t outside = s->depth;
	uint32_t level = 0; /* containers open below `outside` */
	bool object = false, first = true;
	struct json_string key;
	goto enter;
	for (;;) { /* s->p: behind a value or an opening bracket */
		skip_space(s);
		if (s->p >= s->end) return json_refuse(s, "object or array without end", s->p);
		if (*s->p == (object ? '}' : ']')) {
			s->p++;
			if (--level == 0) return true;
			object = (is_object[level >> 6] >> (level & 63)) & 1;
			first = false;
			continue;
		}
		if (!first) {
			if (*s->p != ',')
				return json_refuse(s, object ? "expected ',' or '}'" : "expected ',' or ']'", s->p);
			s->p++;
			skip_space(s);
		}
		if (object) {
			if (!scan_key(s, &key)) return false;
			skip_space(s);
		}
		first = false;
		if (s->p >= s->end) return json_refuse(s, "text ends where a value must follow", s->p);
		if (*s->p != '{' && *s->p != '[') {
			if (!scan_scalar(s)) return false;
			continue;
		}
	enter:
		if (outside + level >= JSON_DEPTH_MAX) return json_refuse(s, "nested too deeply", s->p);
		object = *s->p++ == '{';
		first = true;
		level++;
		is_object[level >> 6] =
			(is_object[level >> 6] & ~(UINT64_C(1) << (level & 63))) | (uint64_t)object << (level & 63);
	}
}

bool json_skip(struct json_scan *s, struct str *out)
{
	const enum json_kind kind = json_peek(s);
	if (kind == JSON_NONE) return false;
	const char *from = s->p;
	const bool ok = kind == JSON_OBJECT || kind == JSON_ARRAY ? skip_container(s) : scan_scalar(s);
	if (!ok) return false;
	if (out != NULL) *out = (struct str){from, (size_t)(s->p - from)};
	return true;
}

bool json_end(struct json_scan *s)
{
	if (s->error != NULL) return false;
	skip_space(s);
	if (s->depth != 0) return json_refuse(s, "object or array without end", s->p);
	return s->p == s->end ? true : json_refuse(s, "more after the value", s->p);
}

enum { REPLACEMENT = 0xfffd };

static size_t utf8_put(char *dst, uint32_t c)
{
	if (c < 0x80) {
		dst[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		dst[0] = (char)(0xc0 | c >> 6);
		dst[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		dst[0] = (char)(0xe0 | c >> 12);
		dst[1] = (char)(0x80 | (c >> 6 & 0x3f));
		dst[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	dst[0] = (char)(0xf0 | c >> 18);
	dst[1] = (char)(0x80 | (c >> 12 & 0x3f));
	dst[2] = (char)(0x80 | (c >> 6 & 0x3f));
	dst[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t json_unescape(struct str raw, char *dst)
{
	const char *p = raw.p, *end = raw.p + raw.n;
	char *to = dst;
	while (p < end) {
		const char *slash = memchr(p, '\\', (size_t)(end - p));
		const size_t n = (size_t)((slash != NULL ? slash : end) - p);
		memmove(to, p, n);
		to += n;
		p += n;
		if (slash == NULL) break;
		p += 2;
		switch (slash[1]) {
		case 'b': *to++ = '\b'; break;
		case 'f': *to++ = '\f'; break;
		case 'n': *to++ = '\n'; break;
		case 'r': *to++ = '\r'; break;
		case 't': *to++ = '\t'; break;
		case 'u': {
			uint32_t c = (uint32_t)hex4(p);
			p += 4;
			if (c >= 0xd800 && c <= 0xdfff) {
				const int32_t low = low_surrogate((int32_t)c, p, end);
				c = low >= 0 ? 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)low - 0xdc00) : REPLACEMENT;
				p += low >= 0 ? 6 : 0;
			}
			to += utf8_put(to, c);
			break;
		}
		default: *to++ = slash[1]; break;
		}
	}
	return (size_t)(to - dst);
}

void json_mend_surrogates(char *text, size_t n)
{
	char *p = text, *const end = text + n;
	while (end - p >= 6) {
		p = memchr(p, '\\', (size_t)(end - p));
		if (p == NULL || end - p < 6) return;
		const int32_t unit = p[1] == 'u' ? hex4(p + 2) : -1;
		if (unit < 0xd800 || unit > 0xdfff) {
			p += 2;
		} else if (low_surrogate(unit, p + 6, end) >= 0) {
			p += 12;
		} else {
			memcpy(p + 2, "fffd", 4);
			p += 6;
		}
	}
}

/* Sign, digits without the point, and the power of ten behind them. */
struct decimal {
	bool negative;
	struct str whole, fraction;
	int64_t exponent;
};

static struct decimal decimal_split(struct str text)
{
	struct decimal d = {.exponent = 0};
	const char *p = text.p, *end = text.p + text.n;
	d.negative = p < end && *p == '-';
	if (d.negative) p++;
	d.whole = (struct str){p, (size_t)(digits_end(p, end) - p)};
	p += d.whole.n;
	if (p < end && *p == '.') {
		p++;
		d.fraction = (struct str){p, (size_t)(digits_end(p, end) - p)};
		p += d.fraction.n;
	}
	if (p >= end) return d;
	p++; /* e */
	const bool down = *p == '-';
	if (*p == '-' || *p == '+') p++;
	for (; p < end; p++) {
		if (d.exponent < INT64_C(1) << 40)
			d.exponent = d.exponent * 10 + (*p - '0'); /* far beyond any line's length */
	}
	if (down) d.exponent = -d.exponent;
	return d;
}

/* Digit i of whole and fraction taken as one number. */
static inline unsigned digit_at(const struct decimal *d, size_t i)
{
	return (unsigned)((i < d->whole.n ? d->whole.p[i] : d->fraction.p[i - d->whole.n]) - '0');
}

bool json_number_i64(struct str text, int64_t *out)
{
	const struct decimal d = decimal_split(text);
	size_t from = 0, to = d.whole.n + d.fraction.n;
	while (from < to && digit_at(&d, from) == 0) from++;
	while (to > from && digit_at(&d, to - 1) == 0) to--;
	if (from == to) {
		*out = 0;
		return true;
	}
	const int64_t zeros = d.exponent + (int64_t)d.whole.n - (int64_t)to; /* to write behind the last digit kept */
	if (zeros < 0 || zeros > 19 || to - from > 19) return false;
	uint64_t value = 0;
	for (size_t i = from; i < to; i++) {
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit_at(&d, i), &value))
			return false;
	}
	for (int64_t i = 0; i < zeros; i++) {
		if (__builtin_mul_overflow(value, 10, &value)) return false;
	}
	const uint64_t limit = (uint64_t)INT64_MAX + d.negative;
	if (value > limit) return false;
	*out = d.negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

bool json_take_extra(struct json_scan *s, struct json_string key, struct buf *out)
{
	struct str value;
	if (!json_skip(s, &value)) return false;
	buf_str(out, out->n == 0 ? "{\"" : ",\"");
	buf_add(out, key.raw.p, key.raw.n);
	buf_str(out, "\":");
	buf_add(out, value.p, value.n);
	return true;
}
