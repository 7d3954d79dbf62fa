/* io/compress.c: blocks by five libraries behind one call, and streams of two of them.
 *
 * Invariants: 1. decompression gives exactly the bytes that were claimed, or E_CORRUPT; 2. no library's type or number leaves this
 * file. Must not know pages or files.
 */
#include "io/compress.h"

#include <brotli/decode.h>
#include <limits.h>
#include <lz4.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#define ZSTD_STATIC_LINKING_ONLY /* for literalCompressionMode; the shared library takes it since 1.4.0 */
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"

struct compressor {
	ZSTD_CCtx *zstd_c;
	ZSTD_CCtx *zstd_entropy; /* a context of its own: switching parameters would rebuild its tables */
	ZSTD_DCtx *zstd_d;
	int zstd_level; /* level zstd_c is set to */
};

status compress_create(struct compressor **out, struct err *err)
{
	struct compressor *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	*out = c;
	return OK;
}

void compress_destroy(struct compressor *c)
{
	if (c == NULL) return;
	(void)ZSTD_freeCCtx(c->zstd_c);
	(void)ZSTD_freeCCtx(c->zstd_entropy);
	(void)ZSTD_freeDCtx(c->zstd_d);
	mem_free(c);
}

size_t compress_bound(enum compress_codec codec, size_t n)
{
	switch (codec) {
	case CODEC_ZSTD: return ZSTD_compressBound(n);
	case CODEC_SNAPPY: return snappy_max_compressed_length(n);
	case CODEC_LZ4_RAW: return n <= LZ4_MAX_INPUT_SIZE ? (size_t)LZ4_compressBound((int)n) : 0;
	default: return n;
	}
}

/* A hash table of 64 entries and steps of 9 bytes find the copy of an id some rows before and cost little where there
 * is none; Huffman coding of literals, which fast steps would turn off, is kept on. */
static ZSTD_CCtx *zstd_entropy_context(struct compressor *c)
{
	if (c->zstd_entropy != NULL) return c->zstd_entropy;
	ZSTD_CCtx *z = ZSTD_createCCtx();
	if (z == NULL) return NULL;
	(void)ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, 1);
	(void)ZSTD_CCtx_setParameter(z, ZSTD_c_strategy, ZSTD_fast);
	(void)ZSTD_CCtx_setParameter(z, ZSTD_c_targetLength, 8);
	(void)ZSTD_CCtx_setParameter(z, ZSTD_c_hashLog, ZSTD_HASHLOG_MIN);
	(void)ZSTD_CCtx_setParameter(z, ZSTD_c_literalCompressionMode, ZSTD_ps_enable);
	c->zstd_entropy = z;
	return z;
}

static ZSTD_CCtx *zstd_level_context(struct compressor *c, int level)
{
	if (c->zstd_c == NULL) {
		c->zstd_c = ZSTD_createCCtx();
		c->zstd_level = INT32_MIN;
		if (c->zstd_c == NULL) return NULL;
	}
	if (c->zstd_level != level) {
		(void)ZSTD_CCtx_setParameter(c->zstd_c, ZSTD_c_compressionLevel, level);
		c->zstd_level = level;
	}
	return c->zstd_c;
}

static status zstd_compress(
	struct compressor *c, int level, struct compress_src src, struct compress_dst *dst, struct err *err)
{
	ZSTD_CCtx *z = level == COMPRESS_LEVEL_ENTROPY ? zstd_entropy_context(c) : zstd_level_context(c, level);
	if (z == NULL) return fail_nomem(err);
	const size_t got = ZSTD_compress2(z, dst->p, dst->n, src.p, src.n);
	if (ZSTD_isError(got)) return fail(err, E_NOMEM, "zstd: %s", ZSTD_getErrorName(got));
	dst->n = got;
	return OK;
}

status compress_block(struct compressor *c, enum compress_codec codec, int level, struct compress_src src,
	struct compress_dst *dst, struct err *err)
{
	ASSERT(dst->n >= compress_bound(codec, src.n));
	switch (codec) {
	case CODEC_NONE:
		if (src.n > 0) memcpy(dst->p, src.p, src.n);
		dst->n = src.n;
		return OK;
	case CODEC_ZSTD: return zstd_compress(c, level, src, dst, err);
	case CODEC_SNAPPY:
		if (snappy_compress(src.p, src.n, dst->p, &dst->n) != SNAPPY_OK)
			return fail(err, E_IO, "snappy refused %zu bytes", src.n);
		return OK;
	case CODEC_LZ4_RAW: {
		if (src.n > LZ4_MAX_INPUT_SIZE || dst->n > INT32_MAX)
			return fail(err, E_LIMIT, "lz4 block of %zu bytes", src.n);
		const int got = LZ4_compress_default(src.p, dst->p, (int)src.n, (int)dst->n);
		if (got <= 0) return fail(err, E_IO, "lz4 refused %zu bytes", src.n);
		dst->n = (size_t)got;
		return OK;
	}
	default: return fail(err, E_UNSUPPORTED, "unsupported: writing compression codec %d", (int)codec);
	}
}

static status corrupt(struct err *err, const char *codec, size_t n, size_t dst_n)
{
	return fail(
		err, E_CORRUPT, "%s data of %zu bytes does not decompress to the %zu bytes it claims", codec, n, dst_n);
}

static status zstd_decompress(struct compressor *c, const void *src, size_t n, void *dst, size_t dst_n, struct err *err)
{
	if (c->zstd_d == NULL) {
		c->zstd_d = ZSTD_createDCtx();
		if (c->zstd_d == NULL) return fail_nomem(err);
	}
	const size_t got = ZSTD_decompressDCtx(c->zstd_d, dst, dst_n, src, n);
	return ZSTD_isError(got) || got != dst_n ? corrupt(err, "zstd", n, dst_n) : OK;
}

/* One or more gzip members (RFC 1952 section 2.2), or a zlib stream. */
static status gzip_decompress(const void *src, size_t n, void *dst, size_t dst_n, struct err *err)
{
	z_stream z = {0};
	if (n > UINT32_MAX || dst_n > UINT32_MAX) return fail(err, E_LIMIT, "gzip block of %zu bytes", n);
	if (inflateInit2(&z, 15 + 32) != Z_OK) return fail_nomem(err);
	uint8_t spare; /* zlib wants a place to write even when nothing is expected */
	z.next_in = (Bytef *)(uintptr_t)src;
	z.avail_in = (uInt)n;
	z.next_out = dst_n > 0 ? dst : &spare;
	z.avail_out = (uInt)dst_n;
	int rc = Z_OK;
	for (;;) {
		rc = inflate(&z, Z_FINISH);
		if (rc != Z_STREAM_END || z.avail_in == 0) break;
		if (inflateReset2(&z, 15 + 32) != Z_OK) break;
	}
	const bool ok = rc == Z_STREAM_END && z.avail_out == 0 && z.avail_in == 0;
	(void)inflateEnd(&z);
	return ok ? OK : corrupt(err, "gzip", n, dst_n);
}

static bool lz4_block(const uint8_t *src, size_t n, uint8_t *dst, size_t dst_n)
{
	if (n > INT32_MAX || dst_n > INT32_MAX) return false;
	return LZ4_decompress_safe((const char *)src, (char *)dst, (int)n, (int)dst_n) == (int)dst_n;
}

static uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Hadoop's framing: (decompressed size, compressed size, block)*, sizes big-endian. */
static bool lz4_hadoop(const uint8_t *src, size_t n, uint8_t *dst, size_t dst_n)
{
	while (n > 0) {
		if (n < 8) return false;
		const uint32_t out = load_be32(src);
		const uint32_t in = load_be32(src + 4);
		if (in > n - 8 || out > dst_n || !lz4_block(src + 8, in, dst, out)) return false;
		src += 8 + (size_t)in;
		n -= 8 + (size_t)in;
		dst += out;
		dst_n -= out;
	}
	return dst_n == 0;
}

static status brotli_decompress(const void *src, size_t n, void *dst, size_t dst_n, struct err *err)
{
	size_t got = dst_n;
	const BrotliDecoderResult rc = BrotliDecoderDecompress(n, src, &got, dst);
	return rc == BROTLI_DECODER_RESULT_SUCCESS && got == dst_n ? OK : corrupt(err, "brotli", n, dst_n);
}

status compress_expand(struct compressor *c, enum compress_codec codec, struct compress_src from,
	struct compress_dst to, struct err *err)
{
	const void *src = from.p;
	void *dst = to.p;
	const size_t n = from.n, dst_n = to.n;
	size_t size = dst_n;
	switch (codec) {
	case CODEC_NONE:
		if (n != dst_n) return fail(err, E_CORRUPT, "uncompressed data of %zu bytes claims %zu", n, dst_n);
		if (n > 0) memcpy(dst, src, n);
		return OK;
	case CODEC_ZSTD: return zstd_decompress(c, src, n, dst, dst_n, err);
	case CODEC_SNAPPY:
		/* snappy-c checks the claimed length against the room itself. */
		return snappy_uncompress(src, n, dst, &size) == SNAPPY_OK && size == dst_n
			       ? OK
			       : corrupt(err, "snappy", n, dst_n);
	case CODEC_GZIP: return gzip_decompress(src, n, dst, dst_n, err);
	case CODEC_BROTLI: return brotli_decompress(src, n, dst, dst_n, err);
	case CODEC_LZ4_RAW: return lz4_block(src, n, dst, dst_n) ? OK : corrupt(err, "lz4", n, dst_n);
	case CODEC_LZ4_HADOOP: /* some writers put a bare block under this number */
		return lz4_hadoop(src, n, dst, dst_n) || lz4_block(src, n, dst, dst_n) ? OK
										       : corrupt(err, "lz4", n, dst_n);
	default: return fail(err, E_UNSUPPORTED, "unsupported: compression codec %d", (int)codec);
	}
}

/* ---- streams ---- */

struct compress_stream {
	enum compress_codec codec;
	z_stream gzip;
	ZSTD_DCtx *zstd;
	bool at_end;
};

enum compress_codec compress_codec_of(const void *head, size_t n)
{
	const uint8_t *p = head;
	if (n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8) return CODEC_GZIP;
	if (n < COMPRESS_MAGIC_BYTES) return CODEC_NONE;
	const uint32_t magic = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
	const bool skippable = (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
	return magic == ZSTD_MAGICNUMBER || skippable ? CODEC_ZSTD : CODEC_NONE;
}

status compress_stream_create(enum compress_codec codec, struct compress_stream **out, struct err *err)
{
	ASSERT(codec == CODEC_GZIP || codec == CODEC_ZSTD);
	struct compress_stream *d = mem_zalloc(1, sizeof *d);
	if (d == NULL) return fail_nomem(err);
	d->codec = codec;
	bool made = true;
	if (codec == CODEC_GZIP)
		made = inflateInit2(&d->gzip, 15 + 16) == Z_OK;
	else
		made = (d->zstd = ZSTD_createDCtx()) != NULL;
	if (!made) {
		mem_free(d);
		return fail_nomem(err);
	}
	*out = d;
	return OK;
}

void compress_stream_destroy(struct compress_stream *d)
{
	if (d == NULL) return;
	if (d->codec == CODEC_GZIP) (void)inflateEnd(&d->gzip);
	(void)ZSTD_freeDCtx(d->zstd);
	mem_free(d);
}

bool compress_stream_at_end(const struct compress_stream *d)
{
	return d->at_end;
}

static uInt at_most_uint(size_t n)
{
	return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

static status gzip_step(struct compress_stream *d, struct compress_piece *x, struct err *err)
{
	z_stream *z = &d->gzip;
	const uInt in = at_most_uint(x->src_n), room = at_most_uint(x->dst_n);
	z->next_in = (Bytef *)(uintptr_t)x->src;
	z->avail_in = in;
	z->next_out = x->dst;
	z->avail_out = room;
	if (d->at_end && in > 0 && inflateReset(z) != Z_OK) return fail_nomem(err);
	const int rc = inflate(z, Z_NO_FLUSH);
	if (rc == Z_MEM_ERROR) return fail_nomem(err);
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return fail(
			err, E_CORRUPT, "the gzip data is corrupt: %s", z->msg != NULL ? z->msg : "no stream of it");
	d->at_end = rc == Z_STREAM_END;
	x->src += in - z->avail_in;
	x->src_n -= in - z->avail_in;
	x->dst += room - z->avail_out;
	x->dst_n -= room - z->avail_out;
	return OK;
}

static status zstd_step(struct compress_stream *d, struct compress_piece *x, struct err *err)
{
	ZSTD_inBuffer in = {x->src, x->src_n, 0};
	ZSTD_outBuffer out = {x->dst, x->dst_n, 0};
	const size_t rc = ZSTD_decompressStream(d->zstd, &out, &in);
	if (ZSTD_isError(rc)) {
		const ZSTD_ErrorCode code = ZSTD_getErrorCode(rc);
		if (code == ZSTD_error_memory_allocation) return fail_nomem(err);
		return fail(err, code == ZSTD_error_frameParameter_windowTooLarge ? E_LIMIT : E_CORRUPT,
			"the zstd data cannot be read: %s", ZSTD_getErrorName(rc));
	}
	d->at_end = rc == 0;
	x->src += in.pos;
	x->src_n -= in.pos;
	x->dst += out.pos;
	x->dst_n -= out.pos;
	return OK;
}

status compress_stream_step(struct compress_stream *d, struct compress_piece *piece, struct err *err)
{
	ASSERT(piece->dst_n > 0);
	if (d->at_end && piece->src_n == 0) return OK;
	return d->codec == CODEC_GZIP ? gzip_step(d, piece, err) : zstd_step(d, piece, err);
}

/* ---- gzip ---- */

enum { GZIP_HEADER_BYTES = 18, GZIP_WINDOW_BITS = 15 + 16 };

size_t compress_gzip_bound(size_t n)
{
	return compressBound(n) + GZIP_HEADER_BYTES;
}

status compress_gzip(int level, struct compress_src src, struct compress_dst *dst, struct err *err)
{
	z_stream z = {0};
	if (src.n > UINT32_MAX || dst->n > UINT32_MAX) return fail(err, E_LIMIT, "gzip: over 4 GiB in one piece");
	if (deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return fail_nomem(err);
	z.next_in = (z_const Bytef *)(uintptr_t)src.p;
	z.avail_in = (uInt)src.n;
	z.next_out = dst->p;
	z.avail_out = (uInt)dst->n;
	const int rc = deflate(&z, Z_FINISH);
	dst->n = z.total_out;
	(void)deflateEnd(&z);
	return rc == Z_STREAM_END ? OK : fail(err, E_LIMIT, "gzip: no room for what it makes");
}
