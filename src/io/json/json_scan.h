/* io/json/json_scan.h: a strict RFC 8259 scanner over one JSON text in memory, written for JSON Lines.
 *
 * A pull interface without a tree: the caller walks members of objects and takes or skips values. Every byte is
 * checked, also of values that are skipped: after json_end has returned true the whole text was valid. UTF-8 is
 * checked apart, in bulk (io/utf8.h), before a text is scanned. Nothing recurses; depth is bounded.
 *
 *   json_start(&s, text);
 *   if (json_object_begin(&s))
 *           while (json_object_next(&s, &key)) { ... json_take_string / json_take_i64 / json_skip ... }
 *   if (!json_end(&s)) -> s.error says what, s.error_at (offset in text) where
 *
 * Once an error is set every call returns false. SIMD paths are chosen by the features of the processor; the plain
 * path is the oracle of their tests (json_scan_force_plain).
 */
#ifndef PQR_IO_JSON_JSON_SCAN_H
#define PQR_IO_JSON_JSON_SCAN_H

#include "base/arena.h"
#include "base/buf.h"

enum json_kind { JSON_NONE, JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL };

struct json_scan {
	const char *p;   /* next byte */
	const char *end; /* the text must be followed by JSON_SCAN_PADDING readable bytes */
	const char *start;
	const char *error; /* NULL, or a static string: what is wrong */
	size_t error_at;
	uint32_t depth;
	bool first; /* no member or element of the current container was read yet */
	bool lone_allowed; /* set by the caller after json_start: a lone surrogate (\ud800) is no error; `lone` tells that there was one */
	bool lone;
};

enum { JSON_SCAN_PADDING = 64 };

struct json_string {
	struct str raw;  /* between the quotes, escapes as written; views the text */
	bool has_escape; /* raw needs json_unescape */
};

void json_start(struct json_scan *s, const char *text, size_t n);
enum json_kind json_peek(struct json_scan *s);        /* kind of the next value; JSON_NONE on error or end */
bool json_object_begin(struct json_scan *s) MUST_USE; /* next value must be an object */
bool json_object_next(struct json_scan *s,
	struct json_string *key) MUST_USE; /* false at '}' (s->error == NULL) or on error; then a value must be taken */
bool json_array_begin(struct json_scan *s) MUST_USE;
bool json_array_next(struct json_scan *s) MUST_USE; /* false at ']' or on error; then a value must be taken */
bool json_take_string(struct json_scan *s, struct json_string *out) MUST_USE;
bool json_take_number(struct json_scan *s, struct str *out) MUST_USE;      /* its text, grammar checked */
bool json_take_literal(struct json_scan *s, enum json_kind *out) MUST_USE; /* true, false, null */
bool json_skip(struct json_scan *s, struct str *out) MUST_USE;             /* any value; *out (may be NULL) its text */
bool json_end(struct json_scan *s) MUST_USE;                               /* only white space left */

/* Decode escapes into dst (room for raw.n bytes); returns the length. A lone surrogate, where the scan allowed it, gives U+FFFD. */
size_t json_unescape(struct str raw, char *dst);
/* Put the escape of U+FFFD in the place of lone surrogates, so that others read the text, too: valid JSON but for them, changed in place. */
void json_mend_surrogates(char *text, size_t n);
/* A JSON number text that is an integer in int64: "12", "-0", "1e2", "5.0". false: a fraction or out of range. */
bool json_number_i64(struct str text, int64_t *out) MUST_USE;

/* Give up at a byte of the text, for the reason `what` (a static string): the first one stands. Returns false. For readers whose own
 * rules a value breaks. */
bool json_refuse(struct json_scan *s, const char *what, const char *at);

void json_scan_force_plain(bool plain); /* tests only; not thread-safe */

/* A member that nobody has a column for: its value is skipped, and key and value are appended to out as they stand, behind the '{' or ','
 * that they need. The caller closes the object. */
bool json_take_extra(struct json_scan *s, struct json_string key, struct buf *out) MUST_USE;

#endif
