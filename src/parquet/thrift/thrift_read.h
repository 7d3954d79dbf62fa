/* parquet/thrift/thrift_read.h: bounded reading of Thrift's compact protocol from untrusted bytes.
 *
 * Format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 * A cursor never leaves [p, end). The first thing that breaks the format sets `error` (a static string) and moves p
 * to the end, so that every later call fails too: a caller checks once, after a whole structure. Nothing recurses;
 * nesting is bounded by THRIFT_DEPTH_MAX. A list's count is never above the bytes left, so a count may size a loop.
 *
 *   struct thrift_field f = {0};
 *   while (thrift_field_next(&t, &f)) {
 *           switch (f.id) {
 *           case 1: x = thrift_i32(&t, &f); break;
 *           default: thrift_skip(&t, f.type);
 *           }
 *   }
 *   if (t.error != NULL) ...
 */
#ifndef PQR_PARQUET_THRIFT_THRIFT_READ_H
#define PQR_PARQUET_THRIFT_THRIFT_READ_H

#include "base/buf.h"
#include "parquet/thrift/thrift.h"

enum { THRIFT_DEPTH_MAX = 32 };

struct thrift {
	const uint8_t *p;
	const uint8_t *end;
	const char *error;       /* NULL, or what is wrong */
	const uint8_t *error_at; /* and where */
};
struct thrift_field { /* start with {0} for each struct; keeps the id the next one is relative to */
	int32_t id;
	uint8_t type;
};

void thrift_start(struct thrift *t, const uint8_t *p, size_t n); /* views p[n] */
void thrift_fail(struct thrift *t, const char *what);
uint64_t thrift_varint_slow(struct thrift *t);
static inline uint64_t thrift_varint(struct thrift *t) /* 0 on error */
{
	if (t->p < t->end && *t->p < 0x80) return *t->p++;
	return thrift_varint_slow(t);
}
static inline int64_t thrift_zigzag(struct thrift *t)
{
	const uint64_t v = thrift_varint(t);
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}
/* The next field's header; false at the end of the struct or on error. Its value must then be taken or skipped. */
bool thrift_field_next(struct thrift *t, struct thrift_field *f);
/* Take the field's value; another type of value in the file is an error. i32 also checks the range. */
int32_t thrift_i32(struct thrift *t, const struct thrift_field *f);
int64_t thrift_i64(struct thrift *t, const struct thrift_field *f);
bool thrift_bool(struct thrift *t, const struct thrift_field *f);
struct str thrift_binary(struct thrift *t, const struct thrift_field *f); /* views the input */
/* Enter a list: its count, 0 on error or when its elements are not of type `element`. Elements follow, no end mark. */
uint32_t thrift_list(struct thrift *t, const struct thrift_field *f, enum thrift_type element);
/* The value of a struct field or element follows as fields: only checks the type. */
bool thrift_struct(struct thrift *t, const struct thrift_field *f);
struct str thrift_binary_element(struct thrift *t);
bool thrift_bool_element(struct thrift *t);
void thrift_skip(struct thrift *t, uint8_t type); /* a field's value of that type */

#endif
