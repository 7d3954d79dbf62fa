/* io/lines.c: lines of a stream of bytes, bounded. A line over the limit is told as such and passed over, without being held. */
#include "io/lines.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"

enum {
	CHUNK_BYTES = 256 * 1024, /* read at once: stays in a core's second-level cache until it is parsed */
	BUF_BYTES = 2 * CHUNK_BYTES,
};

static status object_read(void *ctx, int64_t offset, void *dst, size_t n, struct err *err)
{
	return store_object_read_at(ctx, offset, dst, n, err);
}

struct line_source lines_source_of_object(struct store_object *o)
{
	return (struct line_source){object_read, o, store_object_size(o)};
}

/* Room for cap bytes; all of it can be read. */
static status buf_grow(struct lines *r, size_t cap, struct err *err)
{
	char *buf = mem_realloc(r->buf, cap + JSON_SCAN_PADDING);
	if (buf == NULL) return fail_nomem(err);
	memset(buf + r->n, 0, cap + JSON_SCAN_PADDING - r->n);
	r->buf = buf;
	r->cap = cap;
	return OK;
}

status lines_init(struct lines *r, size_t line_bytes_max, struct err *err)
{
	ASSERT(line_bytes_max <= LINE_BYTES_MAX);
	*r = (struct lines){.line_bytes_max = line_bytes_max};
	return buf_grow(r, BUF_BYTES, err);
}

void lines_deinit(struct lines *r)
{
	mem_free(r->buf);
	hash_stream_deinit(&r->hash);
	*r = (struct lines){.buf = NULL};
}

status lines_start(struct lines *r, const struct line_source *source, bool with_sha256, struct err *err)
{
	hash_stream_deinit(&r->hash);
	r->source = *source;
	r->from = r->n = r->looked = 0;
	r->at = 0;
	r->in_piece = false;
	r->started = false;
	return hash_stream_init(&r->hash, with_sha256, err);
}

static status fill(struct lines *r, struct err *err)
{
	if (r->from > 0) {
		memmove(r->buf, r->buf + r->from, r->n - r->from);
		r->n -= r->from;
		r->from = 0;
	}
	const int64_t left = r->source.bytes - r->at;
	const size_t want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
	if (want == 0) return OK;
	if (r->n + want > r->cap) TRY(buf_grow(r, 2 * r->cap, err));
	TRY(r->source.read(r->source.ctx, r->at, r->buf + r->n, want, err));
	hash_stream_add(&r->hash, r->buf + r->n, want);
	r->n += want;
	r->at += (int64_t)want;
	return OK;
}

static void give(struct lines *r, size_t n, struct line_window *w)
{
	const char *p = r->buf + r->from;
	*w = (struct line_window){
		.p = p, .n = n, .offset = r->at - (int64_t)(r->n - r->from), .utf8_ok = utf8_valid(p, n)};
	r->from += n;
	r->looked = 0;
}

static void give_piece(struct lines *r, size_t n, bool end, struct line_window *w)
{
	give(r, n, w);
	w->piece = true;
	w->piece_end = end;
	r->in_piece = !end;
}

static void skip_bom(struct lines *r)
{
	if (r->n >= 3 && memcmp(r->buf, "\xef\xbb\xbf", 3) == 0) r->from = 3;
	r->started = true;
}

status lines_next(struct lines *r, struct line_window *w, struct err *err)
{
	for (;;) {
		const bool at_end = r->at == r->source.bytes;
		const char *p = r->buf + r->from;
		const size_t n = r->n - r->from;
		const char *newline = n == r->looked ? NULL
				      : r->in_piece  ? memchr(p, '\n', n)
						     : memrchr(p + r->looked, '\n', n - r->looked);
		if (newline != NULL) {
			const size_t whole = (size_t)(newline + 1 - p);
			if (r->in_piece)
				give_piece(r, whole, true, w);
			else
				give(r, whole, w);
			return OK;
		}
		if ((r->in_piece && n > 0) ||
			n >= r->line_bytes_max + 2) { /* no line end in sight; more bytes follow unless at_end */
			give_piece(r, n, at_end, w);
			return OK;
		}
		if (at_end) {
			give(r, n, w);
			return OK;
		}
		r->looked = n;
		TRY(fill(r, err));
		if (!r->started) skip_bom(r);
	}
}

void lines_hash(struct lines *r, uint8_t xxh128[XXH128_BYTES], uint8_t *sha256)
{
	ASSERT(r->at == r->source.bytes);
	hash_stream_final(&r->hash, xxh128, sha256);
}
