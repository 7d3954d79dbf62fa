/* io/compress.h: block compression by library (zstd, snappy, lz4, zlib, brotli). The only file that includes them. */
#ifndef PQR_IO_COMPRESS_H
#define PQR_IO_COMPRESS_H

#include "base/err.h"

/* Values are Parquet's CompressionCodec. LZ4 is Hadoop's framing (read only), LZ4_RAW one bare block. */
enum compress_codec {
	CODEC_NONE = 0,
	CODEC_SNAPPY = 1,
	CODEC_GZIP = 2,
	CODEC_BROTLI = 4,
	CODEC_LZ4_HADOOP = 5,
	CODEC_ZSTD = 6,
	CODEC_LZ4_RAW = 7
};

/* A zstd level for bytes that hardly repeat but use few symbols (hexadecimal ids): Huffman coding, and matches only
 * where they are long and near. Ordinary zstd to a reader. 2500 UUID strings of 40 bytes, against level 1: 80 us
 * instead of 378, 53.5 kB instead of 49.6 kB. */
enum { COMPRESS_LEVEL_ENTROPY = -1000 };

struct compressor; /* contexts kept between calls; one thread at a time */
status compress_create(struct compressor **out, struct err *err) MUST_USE;
void compress_destroy(struct compressor *c);

size_t compress_bound(enum compress_codec codec, size_t n);
struct compress_src {
	const void *p;
	size_t n;
};
struct compress_dst {
	void *p;
	size_t n;
};
/* src into dst, whose n is at least compress_bound and becomes the bytes used. NONE, SNAPPY, ZSTD (level), LZ4_RAW; else
 * E_UNSUPPORTED. The same input gives the same bytes for one version of the library. */
status compress_block(struct compressor *c, enum compress_codec codec, int level, struct compress_src src,
	struct compress_dst *dst, struct err *err) MUST_USE;
/* src must give exactly dst.n bytes; else E_CORRUPT. All codecs; concatenated gzip members are one stream. */
status compress_expand(struct compressor *c, enum compress_codec codec, struct compress_src src,
	struct compress_dst dst, struct err *err) MUST_USE;

/* src as one gzip member (RFC 1952); dst->n is at least compress_gzip_bound and becomes the bytes used. level: 1 to 9. */
size_t compress_gzip_bound(size_t n);
status compress_gzip(int level, struct compress_src src, struct compress_dst *dst, struct err *err) MUST_USE;

/* ---- streams: files of any size, gzip (RFC 1952) and zstd (RFC 8878), one or more members or frames ---- */

enum { COMPRESS_MAGIC_BYTES = 4 };
/* What the first bytes of a file tell: CODEC_GZIP, CODEC_ZSTD, or CODEC_NONE for everything else. */
enum compress_codec compress_codec_of(const void *head, size_t n);

struct compress_stream; /* state between pieces; one thread at a time */
status compress_stream_create(enum compress_codec codec, struct compress_stream **out, struct err *err) MUST_USE;
void compress_stream_destroy(struct compress_stream *d);
/* What one step takes and gives; it moves the pointers on. */
struct compress_piece {
	const uint8_t *src;
	size_t src_n;
	uint8_t *dst;
	size_t dst_n;
};
/* As much as fits; with src_n == 0 what is still held back. E_CORRUPT: of other bytes, or a check that differs; E_LIMIT: a zstd window over
 * 128 MiB. */
status compress_stream_step(struct compress_stream *d, struct compress_piece *piece, struct err *err) MUST_USE;
bool compress_stream_at_end(const struct compress_stream *d); /* of a member or frame: the file may end here */

#endif
