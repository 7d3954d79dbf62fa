/* table/read/scan_stream.c: a scan as an Arrow C stream (https://arrow.apache.org/docs/format/CStreamInterface.html).
 *
 * Each array owns its buffers. The stream owns the scan, and releases what the scan borrows after it.
 */
#include <errno.h>

#include "base/alloc.h"
#include "table/read/scan_int.h"

struct scan_stream {
	struct delta_scan *scan;
	struct delta_scan_owner owner;
	bool end;
	char error[ERR_MESSAGE_MAX + ERR_WHERE_MAX + 64]; /* of the last call that failed */
};

static int stream_fail(struct scan_stream *st, status code, const struct err *err)
{
	(void)err_text(err, st->error, sizeof st->error);
	switch (code) {
	case E_NOMEM: return ENOMEM;
	case E_USAGE:
	case E_CORRUPT:
	case E_UNSUPPORTED:
	case E_LIMIT: return EINVAL;
	default: return EIO;
	}
}

static bool is_local_time(const struct delta_column *c)
{
	return strcmp(c->type_text, "timestamp_ntz") == 0;
}

/* What a file holds decides, not what the table promises. The entries of a map and their keys are never null. */
static void allow_nulls(struct ArrowSchema *s)
{
	s->flags |= ARROW_FLAG_NULLABLE;
	if (strcmp(s->format, "+m") == 0) {
		allow_nulls(s->children[0]->children[1]);
		return;
	}
	for (int64_t i = 0; i < s->n_children; i++) allow_nulls(s->children[i]);
}

static status schema_make(const struct delta_scan *scan, struct ArrowSchema *out, struct err *err)
{
	const struct column_def **defs = mem_zalloc(scan->n_columns + 1, sizeof *defs);
	if (defs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < scan->n_columns; i++) defs[i] = &scan->columns[i].column->def;
	const status code = schema_export(defs, scan->n_columns, out, err);
	mem_free(defs);
	if (code != OK) return code;
	for (size_t i = 0; i < scan->n_columns; i++) {
		struct ArrowSchema *child = out->children[i];
		allow_nulls(child);
		if (is_local_time(scan->columns[i].column)) child->format = "tsu:";
	}
	return OK;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	struct scan_stream *st = stream->private_data;
	struct err err;
	err_clear(&err);
	const status code = schema_make(st->scan, out, &err);
	return code == OK ? 0 : stream_fail(st, code, &err);
}

static status next_array(struct scan_stream *st, struct ArrowArray *out, struct err *err)
{
	struct delta_scan *scan = st->scan;
	struct batch b;
	out->release = NULL; /* the end of the stream */
	if (st->end) return OK;
	TRY(delta_scan_next(scan, &b, &st->end, err));
	if (st->end) return OK;
	struct arena *arena = scan->batch_arena;
	for (size_t i = 0; i < b.n_columns; i++) {
		struct column plain;
		TRY(gather_column(&b.columns[i], NULL, b.n_rows, arena, &plain, err));
		b.columns[i] = plain;
	}
	return batch_export_owned(&b, arena, out, err);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct scan_stream *st = stream->private_data;
	struct err err;
	err_clear(&err);
	const status code = next_array(st, out, &err);
	if (code == OK) return 0;
	out->release = NULL;
	return stream_fail(st, code, &err);
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
	const struct scan_stream *st = stream->private_data;
	return st->error[0] != '\0' ? st->error : NULL;
}

static void release(struct ArrowArrayStream *stream)
{
	struct scan_stream *st = stream->private_data;
	delta_scan_close(st->scan);
	if (st->owner.release != NULL) st->owner.release(st->owner.arg);
	mem_free(st);
	stream->release = NULL;
}

status delta_scan_schema(const struct delta_scan *scan, struct ArrowSchema *out, struct err *err)
{
	return schema_make(scan, out, err);
}

status delta_scan_stream(
	struct delta_scan *scan, const struct delta_scan_owner *owner, struct ArrowArrayStream *out, struct err *err)
{
	struct scan_stream *st = mem_zalloc(1, sizeof *st);
	if (st == NULL) {
		delta_scan_close(scan);
		if (owner != NULL && owner->release != NULL) owner->release(owner->arg);
		return fail_nomem(err);
	}
	st->scan = scan;
	if (owner != NULL) st->owner = *owner;
	*out = (struct ArrowArrayStream){.get_schema = get_schema,
		.get_next = get_next,
		.get_last_error = get_last_error,
		.release = release,
		.private_data = st};
	return OK;
}
