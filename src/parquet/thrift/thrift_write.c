/* parquet/thrift/thrift_write.c: the calls of thrift_write.h that are too long to be inlined. Room is the caller's. */
#include "parquet/thrift/thrift_write.h"

void thrift_list_begin(struct thrift_writer *w, int id, enum thrift_type type, size_t n)
{
	thrift_put_field(w, id, THRIFT_LIST);
	if (n < 15) {
		*w->p++ = (uint8_t)(n << 4 | (size_t)type);
		return;
	}
	*w->p++ = (uint8_t)(0xF0 | (unsigned)type);
	w->p = thrift_put_varint(w->p, n);
}

void thrift_empty_struct(struct thrift_writer *w, int id)
{
	thrift_put_field(w, id, THRIFT_STRUCT);
	*w->p++ = 0;
}
