/* flow/rejects.c: the file of rejects of one partition.
 *
 * 1. A file exists only once a reject was added to it, and is published whole by rejects_close or not at all.
 * 2. Nothing of a line is kept in memory beyond PIECE_BYTES of it when it is longer than that.
 */
#include "flow/rejects.h"

#include <stdio.h>

#include "base/alloc.h"
#include "io/utf8.h"

enum {
	FLUSH_BYTES = 256 * 1024,
	PIECE_BYTES = 192 * 1024,  /* of a long line; a multiple of 3, so that base64 pieces join without padding */
	TEXT_BYTES_MAX = 16 << 20, /* a piece, all of it escaped as \u00xx, and more */
};

void rejects_init(struct rejects *r, struct store *lake)
{
	*r = (struct rejects){.lake = lake};
	buf_init(&r->out, TEXT_BYTES_MAX);
	buf_init(&r->text, TEXT_BYTES_MAX);
}

void rejects_deinit(struct rejects *r)
{
	task_stream_deinit(&r->stream);
	buf_deinit(&r->out);
	buf_deinit(&r->text);
}

status rejects_start(struct rejects *r, const char *table, const struct delta_pairs *partition, struct err *err)
{
	char root[PATH_KEY_MAX];
	ASSERT(r->stream.writer == NULL);
	TRY(path_table_root(root, table, err));
	TRY(path_key(r->key, root, partition, REJECTS_NAME, err));
	r->table = table;
	r->partition = *partition;
	buf_reset(&r->out);
	r->rows = 0;
	return OK;
}

static status flush(struct rejects *r, struct err *err)
{
	TRY(buf_check(&r->out, err));
	if (r->stream.writer == NULL) TRY(task_stream_open(&r->stream, r->lake, r->key, err));
	TRY(task_stream_add(&r->stream, r->out.p, r->out.n, err));
	buf_reset(&r->out);
	return OK;
}

static void base64(struct buf *b, const char *p, size_t n)
{
	const size_t chars = (n + 2) / 3 * 4;
	uint8_t *dst = buf_reserve(b, chars + 1); /* and the NUL, which the next append takes the place of */
	if (dst == NULL) return;
	base64_encode((const uint8_t *)p, n, (char *)dst);
	buf_commit(b, chars);
}

/* What stands before the raw text, its opening quote included. */
static void head(struct rejects *r, const struct reject *why, bool utf8)
{
	buf_str(&r->out, "{\"line\":");
	buf_i64(&r->out, why->line);
	buf_str(&r->out, ",\"object\":");
	buf_json_str(&r->out, str_of(why->object));
	buf_str(&r->out, ",\"offset\":");
	buf_i64(&r->out, why->offset);
	buf_str(&r->out, utf8 ? ",\"raw\":\"" : ",\"raw_base64\":\"");
}

static void raw_part(struct rejects *r, const char *p, size_t n, bool utf8)
{
	if (!utf8) {
		base64(&r->out, p, n);
		return;
	}
	buf_reset(&r->text);
	buf_json_str(&r->text, (struct str){p, n});
	if (r->text.failed)
		r->out.failed = true;
	else
		buf_add(&r->out, r->text.p + 1, r->text.n - 2);
}

static status tail(struct rejects *r, const struct reject *why, struct err *err)
{
	buf_str(&r->out, "\",\"reason\":");
	buf_json_str(&r->out, str_of(why->reason));
	buf_str(&r->out, "}\n");
	r->rows++;
	if (r->out.failed || r->out.n >= FLUSH_BYTES) return flush(r, err);
	return OK;
}

status rejects_add(struct rejects *r, const struct reject *why, struct str raw, struct err *err)
{
	const bool utf8 = utf8_valid(raw.p, raw.n);
	head(r, why, utf8);
	for (size_t n; raw.n > 0; raw = (struct str){raw.p + n, raw.n - n}) {
		n = raw.n < PIECE_BYTES ? raw.n : PIECE_BYTES;
		raw_part(r, raw.p, n, utf8);
		if (n == PIECE_BYTES) TRY(flush(r, err));
	}
	return tail(r, why, err);
}

/* Bytes of a source, looked at a piece at a time. */
struct range {
	const struct line_source *source;
	int64_t from, n;
	char *piece; /* [PIECE_BYTES] */
};

/* The piece that begins `at` bytes into the range; *n of it. */
static status range_read(const struct range *x, int64_t at, size_t *n, struct err *err)
{
	ASSERT(at < x->n);
	*n = x->n - at < PIECE_BYTES ? (size_t)(x->n - at) : PIECE_BYTES;
	return x->source->read(x->source->ctx, x->from + at, x->piece, *n, err);
}

static status range_is_utf8(const struct range *x, bool *out, struct err *err)
{
	for (int64_t done = 0; done < x->n;) {
		size_t n;
		TRY(range_read(x, done, &n, err));
		const size_t valid = utf8_valid_prefix(x->piece, n);
		const bool cut =
			valid < n && n - valid < 4 && done + (int64_t)n < x->n; /* a code point across pieces */
		if (valid == 0 || (valid < n && !cut)) {
			*out = false;
			return OK;
		}
		done += (int64_t)valid;
	}
	*out = true;
	return OK;
}

static status range_copy(struct rejects *r, const struct range *x, bool utf8, struct err *err)
{
	for (int64_t done = 0; done < x->n;) {
		size_t n;
		TRY(range_read(x, done, &n, err));
		raw_part(r, x->piece, n, utf8);
		TRY(flush(r, err));
		done += (int64_t)n;
	}
	return OK;
}

status rejects_add_range(
	struct rejects *r, const struct reject *why, const struct line_source *source, int64_t n, struct err *err)
{
	bool utf8 = false;
	const struct range x = {source, why->offset, n, mem_alloc(PIECE_BYTES)};
	if (x.piece == NULL) return fail_nomem(err);
	status code = range_is_utf8(&x, &utf8, err);
	if (code == OK) {
		head(r, why, utf8);
		code = range_copy(r, &x, utf8, err);
	}
	mem_free(x.piece);
	return code == OK ? tail(r, why, err) : code;
}

status rejects_close(struct rejects *r, struct task_result *out, struct err *err)
{
	if (r->rows == 0) return OK;
	TRY(flush(r, err));
	struct file_ref file = {.table = r->table, .path = r->key, .partition = r->partition, .rows = r->rows};
	TRY(task_stream_finish(&r->stream, &file, err));
	r->rows = 0;
	if (!file_list_add(&out->outputs, &file)) return fail_nomem(err);
	return OK;
}
