#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/thread.h"
#include "io/checksum.h"
#include "io/compress.h"
#include "io/input.h"

static void put_file(char path[96], const char *dir, const struct buf *b)
{
	(void)snprintf(path, 96, "%s/file", dir);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_true(b->n == 0 || fwrite(b->p, 1, b->n, f) == b->n);
	(void)fclose(f);
}

/* A gzip member of stored blocks (RFC 1951 section 3.2.4). */
static void gzip_member(struct buf *out, const uint8_t *p, size_t n)
{
	buf_add(out, "\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
	size_t done = 0;
	do {
		const size_t some = n - done < 60000 ? n - done : 60000;
		const uint16_t sizes[2] = {(uint16_t)some, (uint16_t)~some};
		buf_char(out, done + some == n);
		buf_add(out, sizes, sizeof sizes);
		buf_add(out, p + done, some);
		done += some;
	} while (done < n);
	const uint32_t tail[2] = {checksum_crc32(0, p, n), (uint32_t)n};
	buf_add(out, tail, sizeof tail);
}

static void zstd_frame(struct buf *out, const uint8_t *p, size_t n)
{
	struct err err;
	struct compressor *c = NULL;
	CHECK_OK(&err, compress_create(&c, &err));
	struct compress_dst dst = {.n = compress_bound(CODEC_ZSTD, n)};
	dst.p = buf_reserve(out, dst.n);
	CHECK_OK(&err, compress_block(c, CODEC_ZSTD, 3, (struct compress_src){p, n}, &dst, &err));
	buf_commit(out, dst.n);
	compress_destroy(c);
}

static void skippable_frame(struct buf *out)
{
	buf_add(out, "\x50\x2a\x4d\x18\3\0\0\0abc", 11);
}

/* All that comes out, in pieces of at most `piece` bytes. */
static status read_all(
	const char *path, const struct input_spools *spools, size_t piece, struct buf *out, struct err *err)
{
	struct input *in = NULL;
	size_t got = 0;
	buf_reset(out);
	TRY(input_open(path, spools, &in, err));
	status code = OK;
	do {
		uint8_t *dst = buf_reserve(out, piece);
		assert_non_null(dst);
		code = input_read(in, dst, piece, &got, err);
		if (code == OK) buf_commit(out, got);
	} while (code == OK && got > 0);
	input_close(in);
	return code;
}

/* Bytes that look like events, of which nothing says how they were compressed. */
static void text_fill(struct buf *b, size_t n)
{
	buf_reset(b);
	for (uint64_t i = 0; b->n < n; i++)
		buf_printf(
			b, "{\"event_id\":\"%08x\",\"n\":%llu}\n", rng_philox(3, i, 0, 0).v[0], (unsigned long long)i);
	b->n = n;
}

static void test_every_packing_gives_the_same_bytes(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 100, 65536, 400000}, pieces[] = {1, 7, 4096, 1 << 20};
	struct buf text, packed, out;
	struct err err;
	char dir[64], path[96];
	check_tmpdir(dir);
	buf_init(&text, 0);
	buf_init(&packed, 0);
	buf_init(&out, 0);
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		text_fill(&text, sizes[s]);
		const size_t half = text.n / 3;
		for (int how = 0; how < 6; how++) {
			buf_reset(&packed);
			switch (how) {
			case 0: buf_add(&packed, text.p, text.n); break;
			case 1: gzip_member(&packed, text.p, text.n); break;
			case 2:
				gzip_member(&packed, text.p, half);
				gzip_member(&packed, text.p, 0);
				gzip_member(&packed, text.p + half, text.n - half);
				break;
			case 3: zstd_frame(&packed, text.p, text.n); break;
			case 4:
				zstd_frame(&packed, text.p, half);
				zstd_frame(&packed, text.p + half, text.n - half);
				break;
			default: /* as pzstd writes */
				skippable_frame(&packed);
				zstd_frame(&packed, text.p, half);
				skippable_frame(&packed);
				zstd_frame(&packed, text.p + half, text.n - half);
				skippable_frame(&packed);
			}
			put_file(path, dir, &packed);
			for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
				if (pieces[k] == 1 && text.n > 1000) continue;
				CHECK_OK(&err, read_all(path, NULL, pieces[k], &out, &err));
				CHECK_I64(out.n, text.n);
				if (text.n > 0) assert_memory_equal(out.p, text.p, text.n);
			}
		}
	}
	buf_deinit(&text);
	buf_deinit(&packed);
	buf_deinit(&out);
	check_rmdir(dir);
}

/* Cut at every byte, and each byte changed: an error, or all bytes; never some of them and the end. */
static void test_nothing_is_lost_silently(void **state)
{
	(void)state;
	struct buf text, packed, out;
	struct err err;
	char dir[64], path[96];
	check_tmpdir(dir);
	buf_init(&text, 0);
	buf_init(&packed, 0);
	buf_init(&out, 0);
	text_fill(&text, 300);
	for (int zstd = 0; zstd < 2; zstd++) {
		buf_reset(&packed);
		if (zstd)
			zstd_frame(&packed, text.p, text.n);
		else
			gzip_member(&packed, text.p, text.n);
		const size_t whole = packed.n;
		for (size_t n = COMPRESS_MAGIC_BYTES; n < whole; n++) {
			packed.n = n;
			put_file(path, dir, &packed);
			CHECK_FAILS(E_CORRUPT, read_all(path, NULL, 64, &out, &err));
			assert_non_null(strstr(err.message, "is cut off after"));
			assert_string_equal(err.where, path);
		}
		packed.n = whole;
		buf_str(&packed, "behind");
		put_file(path, dir, &packed);
		CHECK_FAILS(E_CORRUPT, read_all(path, NULL, 64, &out, &err));
		packed.n = whole;
	}
	buf_reset(&packed);
	gzip_member(&packed, text.p, text.n);
	for (size_t i = 10; i < packed.n; i++) { /* the header's time and system mean nothing */
		packed.p[i] ^= 0x10;
		put_file(path, dir, &packed);
		const status code = read_all(path, NULL, 64, &out, &err);
		if (i == 10) { /* bits that fill the byte up */
			CHECK_OK(&err, code);
			CHECK_I64(out.n, text.n);
		} else {
			CHECK_FAILS(E_CORRUPT, code);
		}
		packed.p[i] ^= 0x10;
	}
	buf_deinit(&text);
	buf_deinit(&packed);
	buf_deinit(&out);
	check_rmdir(dir);
}

static void test_what_is_refused(void **state)
{
	(void)state;
	struct input *in = NULL;
	struct buf b, packed;
	struct err err;
	char dir[64], path[96];
	check_tmpdir(dir);
	buf_init(&b, 0);
	buf_init(&packed, 0);
	(void)snprintf(path, sizeof path, "%s/nowhere/x", dir);
	CHECK_FAILS(E_NOT_FOUND, input_open(path, NULL, &in, &err));
	CHECK_FAILS(E_USAGE, input_open(dir, NULL, &in, &err));
	CHECK_FAILS(E_USAGE, input_open("-", NULL, &in, &err));
	CHECK_FAILS(E_USAGE, input_open("/dev/null", NULL, &in, &err));
	buf_str(&b, "PAR1");
	put_file(path, dir, &b);
	CHECK_FAILS(E_QUALITY, input_open(path, NULL, &in, &err));
	gzip_member(&packed, b.p, b.n); /* it is looked at behind the compression, too */
	put_file(path, dir, &packed);
	CHECK_FAILS(E_QUALITY, input_open(path, NULL, &in, &err));
	assert_non_null(strstr(err.message, "Parquet"));
	buf_reset(&b);
	buf_str(&b, "a;b\n1;2\n"); /* some of its lines might be events */
	put_file(path, dir, &b);
	CHECK_OK(&err, input_open(path, NULL, &in, &err));
	input_close(in);
	buf_deinit(&b);
	buf_deinit(&packed);
	check_rmdir(dir);
}

struct writing {
	const char *path; /* of a fifo */
	const struct buf *text;
};
static void *write_slowly(void *arg)
{
	const struct writing *w = arg;
	const int fd = open(w->path, O_WRONLY);
	assert_true(fd >= 0);
	for (size_t at = 0; at < w->text->n;) {
		const size_t n = w->text->n - at < 50000 ? w->text->n - at : 50000;
		const ssize_t some = write(fd, w->text->p + at, n);
		assert_true(some > 0);
		at += (size_t)some;
	}
	(void)close(fd);
	return NULL;
}

/* A fifo, read before and after somebody opens it for writing; its spool can be read again, by two at once, and has no name. */
static void test_streams(void **state)
{
	(void)state;
	struct buf text, out;
	struct err err;
	char dir[64], path[96], folder[96];
	check_tmpdir(dir);
	(void)snprintf(path, sizeof path, "%s/fifo", dir);
	(void)snprintf(folder, sizeof folder, "%s/spool", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(input_is_stream(folder));
	assert_int_equal(mkdir(folder, 0700), 0);
	buf_init(&text, 0);
	buf_init(&out, 0);
	static const size_t sizes[] = {0, 1, 700000};
	assert_true(input_is_stream(path));
	assert_true(input_is_stream("-"));
	assert_false(input_is_stream(dir));
	for (size_t i = 0; i < 3; i++) {
		text_fill(&text, sizes[i]);
		pthread_t writer;
		struct writing w = {path, &text};
		assert_int_equal(pthread_create(&writer, NULL, write_slowly, &w), 0);
		struct input_spool spool = {path, -1};
		const struct input_spools spools = {&spool, 1, 1};
		CHECK_OK(&err, input_spool_fill(&spool, folder, &err));
		assert_int_equal(pthread_join(writer, NULL), 0);
		assert_int_equal(rmdir(folder), 0); /* nothing is in it */
		for (int again = 0; again < 2; again++) {
			CHECK_OK(&err, read_all(path, &spools, 4096, &out, &err));
			CHECK_I64(out.n, text.n);
			if (text.n > 0) assert_memory_equal(out.p, text.p, text.n);
		}
		(void)close(spool.fd);
		assert_int_equal(mkdir(folder, 0700), 0);
	}
	buf_deinit(&text);
	buf_deinit(&out);
	check_rmdir(dir);
}

static void test_a_request_to_stop_ends_waiting(void **state)
{
	(void)state;
	struct err err;
	char dir[64], path[96];
	check_tmpdir(dir);
	(void)snprintf(path, sizeof path, "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	struct input_spool spool = {path, -1};
	cancel_request();
	CHECK_FAILS(E_CANCELLED, input_spool_fill(&spool, dir, &err));
	cancel_reset();
	CHECK_I64(spool.fd, -1);
	(void)snprintf(path, sizeof path, "%s/nowhere/x", dir);
	CHECK_FAILS(E_NOT_FOUND, input_spool_fill(&spool, dir, &err));
	check_rmdir(dir);
}

/* Each allocation fails once: an error, nothing left. */
static void test_out_of_memory(void **state)
{
	(void)state;
	struct buf text, packed, out;
	struct err err;
	char dir[64], path[96];
	check_tmpdir(dir);
	buf_init(&text, 0);
	buf_init(&packed, 0);
	buf_init(&out, 0);
	text_fill(&text, 5000);
	(void)buf_reserve(&out, 20000);
	gzip_member(&packed, text.p, text.n);
	put_file(path, dir, &packed);
	const size_t before = mem_in_use();
	for (int64_t n = 0;; n++) {
		mem_fail_after(n);
		const status code = read_all(path, NULL, 4096, &out, &err);
		mem_fail_after(-1);
		CHECK_I64(mem_in_use(), before);
		if (code == OK) break;
		CHECK_FAILS(E_NOMEM, code);
		assert_true(n < 20);
	}
	CHECK_I64(out.n, text.n);
	buf_deinit(&text);
	buf_deinit(&packed);
	buf_deinit(&out);
	check_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_packing_gives_the_same_bytes),
		cmocka_unit_test(test_nothing_is_lost_silently),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_a_request_to_stop_ends_waiting),
		cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests_name("io/input", tests, NULL, NULL);
}
