/* tests/unit/parquet/thrift_text.h: compact-protocol bytes as text, read from the specification apart from src/:
 * {1:5,2:"abc",3:[1,2],4:{...},5:true}. Bytes that are not printable show as \xx. For assertions and for eyes. */
#ifndef PQR_TESTS_THRIFT_TEXT_H
#define PQR_TESTS_THRIFT_TEXT_H

#include "check.h"

#include "base/buf.h"

struct thrift_text {
	const uint8_t *p, *end;
	struct buf out;
};

static inline uint64_t thrift_text_varint(struct thrift_text *t)
{
	uint64_t v = 0;
	for (unsigned shift = 0; t->p < t->end; shift += 7) {
		const uint8_t b = *t->p++;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) return v;
	}
	fail_msg("thrift: varint runs past the end");
	return 0;
}

static inline int64_t thrift_text_zigzag(struct thrift_text *t)
{
	const uint64_t v = thrift_text_varint(t);
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static inline void thrift_text_binary(struct thrift_text *t)
{
	const uint64_t n = thrift_text_varint(t);
	if (n > (uint64_t)(t->end - t->p))
		fail_msg("thrift: binary of %llu bytes runs past the end", (unsigned long long)n);
	buf_char(&t->out, '"');
	for (uint64_t i = 0; i < n; i++, t->p++) {
		if (*t->p >= 0x20 && *t->p < 0x7f)
			buf_char(&t->out, (char)*t->p);
		else
			buf_printf(&t->out, "\\%02x", *t->p);
	}
	buf_char(&t->out, '"');
}

static inline void thrift_text_struct(struct thrift_text *t, int depth);

static inline void thrift_text_value(struct thrift_text *t, unsigned type, int depth)
{
	if (depth > 16) fail_msg("thrift: nested too deep");
	if (type == 1 || type == 2) { /* an element of a list of bool is a byte */
		buf_str(&t->out, *t->p++ == 1 ? "true" : "false");
	} else if (type >= 4 && type <= 6) {
		buf_i64(&t->out, thrift_text_zigzag(t));
	} else if (type == 8) {
		thrift_text_binary(t);
	} else if (type == 9) {
		const uint8_t head = *t->p++;
		const uint64_t n = head >> 4 == 15 ? thrift_text_varint(t) : head >> 4;
		buf_char(&t->out, '[');
		for (uint64_t i = 0; i < n; i++) {
			if (i > 0) buf_char(&t->out, ',');
			thrift_text_value(t, head & 15, depth + 1);
		}
		buf_char(&t->out, ']');
	} else if (type == 12) {
		thrift_text_struct(t, depth + 1);
	} else {
		fail_msg("thrift: type %u", type);
	}
}

static inline void thrift_text_struct(struct thrift_text *t, int depth)
{
	int64_t id = 0;
	buf_char(&t->out, '{');
	for (bool first = true;; first = false) {
		if (t->p >= t->end) fail_msg("thrift: struct without an end");
		const uint8_t head = *t->p++;
		if (head == 0) break;
		id = head >> 4 != 0 ? id + (head >> 4) : thrift_text_zigzag(t);
		if (!first) buf_char(&t->out, ',');
		buf_i64(&t->out, id);
		buf_char(&t->out, ':');
		if ((head & 15) <= 2)
			buf_str(&t->out, (head & 15) == 1 ? "true" : "false");
		else
			thrift_text_value(t, head & 15, depth);
	}
	buf_char(&t->out, '}');
}

/* The struct at p as NUL-terminated text (freed by the caller with free); *used (may be NULL) its bytes. */
static inline char *thrift_text(const uint8_t *p, size_t n, size_t *used)
{
	struct thrift_text t = {.p = p, .end = p + n};
	buf_init(&t.out, 0);
	thrift_text_struct(&t, 0);
	if (used != NULL) *used = (size_t)(t.p - p);
	char *text = strndup((const char *)t.out.p, t.out.n);
	buf_deinit(&t.out);
	return text;
}

/* The text after the n-th (0 = first) occurrence of key; fails the test when there is none. */
static inline const char *thrift_text_find(const char *text, const char *key, int n)
{
	for (const char *at = strstr(text, key); at != NULL; at = strstr(at + 1, key))
		if (n-- == 0) return at + strlen(key);
	fail_msg("no \"%s\" in %s", key, text);
	return NULL;
}

#endif
