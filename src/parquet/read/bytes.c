/* parquet/read/bytes.c: the bytes of the file, the buffers they come in, and how a broken file is told. It stands below the
 * other files of the reader and must not know what the bytes mean.
 *
 * Invariant: DECODE_PADDING readable bytes follow whatever a scratch buffer holds. */
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "parquet/read/reader_int.h"

bool reader_scratch_reserve(struct reader_scratch *s, size_t n)
{
	if (n <= s->cap && s->p != NULL) return true;
	size_t cap = s->cap * 2 > n ? s->cap * 2 : n;
	if (cap < 256) cap = 256;
	size_t bytes;
	if (!add_size(cap, DECODE_PADDING, &bytes)) return false;
	uint8_t *p = mem_alloc(bytes);
	if (p == NULL) return false;
	memset(p + cap, 0, DECODE_PADDING);
	mem_free(s->p);
	*s = (struct reader_scratch){.p = p, .cap = cap};
	return true;
}

void reader_scratch_free(struct reader_scratch *s)
{
	mem_free(s->p);
	*s = (struct reader_scratch){0};
}

status reader_corrupt(const struct parquet_reader *r, struct err *err, int64_t offset, const char *fmt, ...)
{
	char message[ERR_MESSAGE_MAX];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	return fail_at(err, E_CORRUPT, r->key, offset, -1, "%s", message);
}

status reader_nomem(const struct parquet_reader *r, struct err *err)
{
	return err_at(err, fail_nomem(err), r->key, -1, -1);
}

status reader_view(struct parquet_reader *r, struct reader_scratch *scratch, int64_t at, size_t n, const uint8_t **out,
	struct err *err)
{
	ASSERT(at >= 0 && at <= r->size && n <= (size_t)(r->size - at));
	if (r->whole) {
		*out = r->file_bytes.p + at;
		return OK;
	}
	if (!reader_scratch_reserve(scratch, n)) return reader_nomem(r, err);
	TRY(store_object_read_at(r->object, at, scratch->p, n, err));
	*out = scratch->p;
	return OK;
}
