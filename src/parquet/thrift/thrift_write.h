/* parquet/thrift/thrift_write.h: the writing half of Thrift's compact protocol.
 *
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 * The writer is a bare cursor: nothing here checks room. The caller reserves a bound (the *_MAX below plus the
 * bytes of its strings) before the first call, because a column chunk writes some forty fields and a check at
 * each costs more than the fields.
 *
 *   field    (id delta << 4 | type), or type and zigzag id when the delta is not in 1..15
 *   integer  zigzag varint          binary  varint length, bytes
 *   struct   fields, 0x00           list    (n << 4 | type), or 0xF0 | type and varint n from 15 on; elements
 */
#ifndef PQR_PARQUET_THRIFT_THRIFT_WRITE_H
#define PQR_PARQUET_THRIFT_THRIFT_WRITE_H

#include <string.h>

#include "base/buf.h"
#include "parquet/thrift/thrift.h"

enum {
	THRIFT_VARINT_MAX = 10, /* bytes of a 64-bit varint */
	THRIFT_FIELD_MAX = 4,   /* type byte and a 16-bit id */
	THRIFT_LIST_MAX = 10,   /* field, type, varint of 32 bits */
};

struct thrift_writer {
	uint8_t *p; /* next byte */
	int last;   /* id of the field written last in the current struct */
};

static inline uint8_t *thrift_put_varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

static inline uint64_t thrift_zigzag_of(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline void thrift_put_field(struct thrift_writer *w, int id, enum thrift_type type)
{
	const int delta = id - w->last;
	if (delta >= 1 && delta <= 15) {
		*w->p++ = (uint8_t)(delta << 4 | (int)type);
	} else {
		*w->p++ = (uint8_t)type;
		w->p = thrift_put_varint(w->p, thrift_zigzag_of(id));
	}
	w->last = id;
}

static inline void thrift_put_int(struct thrift_writer *w, int64_t v)
{
	w->p = thrift_put_varint(w->p, thrift_zigzag_of(v));
}

static inline void thrift_put_bytes(struct thrift_writer *w, const void *p, size_t n)
{
	w->p = thrift_put_varint(w->p, n);
	if (n > 0) memcpy(w->p, p, n);
	w->p += n;
}

static inline void thrift_put_i32(struct thrift_writer *w, int id, int32_t v)
{
	thrift_put_field(w, id, THRIFT_I32);
	thrift_put_int(w, v);
}
static inline void thrift_put_i64(struct thrift_writer *w, int id, int64_t v)
{
	thrift_put_field(w, id, THRIFT_I64);
	thrift_put_int(w, v);
}
static inline void thrift_put_bool(struct thrift_writer *w, int id, bool v)
{
	thrift_put_field(w, id, v ? THRIFT_TRUE : THRIFT_FALSE);
}
static inline void thrift_put_binary(struct thrift_writer *w, int id, const void *p, size_t n)
{
	thrift_put_field(w, id, THRIFT_BINARY);
	thrift_put_bytes(w, p, n);
}

/* Open a struct in field id; give the result to the matching end. */
static inline int thrift_struct_begin(struct thrift_writer *w, int id)
{
	thrift_put_field(w, id, THRIFT_STRUCT);
	const int outer = w->last;
	w->last = 0;
	return outer;
}
static inline void thrift_struct_end(struct thrift_writer *w, int outer)
{
	*w->p++ = 0;
	w->last = outer;
}
/* The same for a struct that is a list's element. */
static inline int thrift_element_begin(struct thrift_writer *w)
{
	const int outer = w->last;
	w->last = 0;
	return outer;
}

/* n elements of one type follow, written with thrift_int, thrift_bytes or thrift_element_begin. */
void thrift_list_begin(struct thrift_writer *w, int id, enum thrift_type type, size_t n);
/* A member of a union whose value is an empty struct, as in LogicalType.STRING. */
void thrift_empty_struct(struct thrift_writer *w, int id);

#endif
