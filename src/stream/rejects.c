/* stream/rejects.c: the table of rejects.
 *
 * It is committed before the rows of the same records. Where the second commit never came, the same records come again and their rejects
 * stand below the position that this table has: they are left out. A table whose position is behind the others' had no rejects since.
 */
#include "stream/rejects.h"

#include "base/hash.h"
#include "base/time.h"
#include "base/vec.h"
#include "io/utf8.h"
#include "table/write/advance.h"
#include "table/write/write.h"

enum {
	RAW_BYTES_MAX = 1 << 20, /* of one record that are kept: a broker's own limit by default */
	FULL_BYTES = 32 << 20,   /* kept in memory until a commit */
};

enum { COL_SOURCE, COL_PARTITION, COL_POSITION, COL_TIME, COL_REASON, COL_RAW, COL_RAW_BASE64, COL_RAW_BYTES, COLUMNS };
static const struct column_def columns[COLUMNS] = {
	{.name = "topic",
		.type = COL_STRING,
		.description = "topic, or the name of a stream of lines; - where it has none"},
	{.name = "kafka_partition", .type = COL_INT32, .description = "partition of the topic; 0 of lines"},
	{.name = "kafka_offset",
		.type = COL_INT64,
		.description = "offset in the partition; number of the line, from 0"},
	{.name = "kafka_timestamp",
		.type = COL_TIMESTAMP,
		.nullable = true,
		.description = "the record's time stamp; null of lines"},
	{.name = "reason", .type = COL_STRING, .description = "what it breaks"},
	{.name = "raw", .type = COL_STRING, .nullable = true, .description = "its first MiB, where that is UTF-8"},
	{.name = "raw_base64", .type = COL_STRING, .nullable = true, .description = "its first MiB, where that is not"},
	{.name = "raw_bytes", .type = COL_INT64, .unit = "bytes", .description = "its whole length"},
};
const struct table_schema stream_rejects_schema = {
	.name = "stream_rejects",
	.layer = "rejects",
	.description = "records of a stream that broke the contract",
	.columns = columns,
	.n_columns = COLUMNS,
};

void stream_rejects_init(struct stream_rejects *r, struct store *lake, const char *root, const char *source)
{
	*r = (struct stream_rejects){.lake = lake, .root = root, .source = source};
	arena_init(&r->arena, 0);
}

void stream_rejects_deinit(struct stream_rejects *r)
{
	arena_deinit(&r->arena);
}

void stream_rejects_drop(struct stream_rejects *r)
{
	arena_reset(&r->arena);
	r->list.items = NULL;
	r->list.n = r->list.cap = 0;
}

const char *stream_app_id(struct arena *arena, const char *source, int32_t partition)
{
	return arena_printf(arena, "pqr-stream/%s/%d", source, partition);
}

status stream_rejects_add(
	struct stream_rejects *r, const struct stream_record *record, const char *reason, struct err *err)
{
	struct stream_reject reject = {.partition = record->partition,
		.position = record->position,
		.timestamp_ms = record->timestamp_ms,
		.reason = arena_strndup(&r->arena, reason, strlen(reason)),
		.raw_bytes = (int64_t)record->value.n};
	size_t n = record->value.n < RAW_BYTES_MAX ? record->value.n : RAW_BYTES_MAX;
	const size_t valid = utf8_valid_prefix(record->value.p, n);
	if (n < record->value.n && n - valid < 4) n = valid; /* not within a code point */
	if (!record->is_null) reject.raw = (struct str){arena_strndup(&r->arena, record->value.p, n), n};
	if (reject.reason == NULL || (!record->is_null && reject.raw.p == NULL) || !VEC_ROOM_IN(&r->arena, &r->list, 1))
		return fail_nomem(err);
	r->list.items[r->list.n++] = reject;
	return OK;
}

bool stream_rejects_full(const struct stream_rejects *r)
{
	return r->arena.total >= FULL_BYTES;
}

/* ---- the commit ----------------------------------------------------------------------------------------------------------- */

/* Of the partitions that the batch has rejects of and whose position in the table is not past them. */
struct moves {
	struct delta_move *items;
	int32_t *partitions;
	size_t n;
};

struct batch_rows {
	struct builder builders[COLUMNS];
	int64_t n;
	struct buf base64;
};

static void set_raw(struct batch_rows *b, struct str raw)
{
	if (raw.p == NULL) return;
	if (utf8_valid(raw.p, raw.n)) {
		builder_set_str(&b->builders[COL_RAW], b->n, raw);
		return;
	}
	const size_t chars = (raw.n + 2) / 3 * 4;
	buf_reset(&b->base64);
	uint8_t *dst = buf_reserve(&b->base64, chars + 1);
	if (dst == NULL) return;
	base64_encode((const uint8_t *)raw.p, raw.n, (char *)dst);
	builder_set_str(&b->builders[COL_RAW_BASE64], b->n, (struct str){(const char *)dst, chars});
}

static void add_row(struct batch_rows *b, const struct stream_rejects *r, const struct stream_reject *reject)
{
	struct builder *c = b->builders;
	builder_set_str(&c[COL_SOURCE], b->n, str_of(r->source != NULL ? r->source : "-"));
	builder_set_i32(&c[COL_PARTITION], b->n, reject->partition);
	builder_set_i64(&c[COL_POSITION], b->n, reject->position);
	if (reject->timestamp_ms >= 0) builder_set_i64(&c[COL_TIME], b->n, reject->timestamp_ms * 1000);
	builder_set_str(&c[COL_REASON], b->n, str_of(reject->reason));
	set_raw(b, reject->raw);
	builder_set_i64(&c[COL_RAW_BYTES], b->n, reject->raw_bytes);
	b->n++;
}

static status put_rows(struct stream_rejects *r, struct delta_writer *w, const struct batch *b, struct delta_advance *a,
	struct err *err)
{
	int64_t version;
	TRY(delta_writer_add(w, b, &(struct parquet_rows){.n = (uint32_t)b->n_rows}, err));
	TRY(delta_writer_finish(w, &a->files, &a->n_files, err));
	TRY(store_sync(r->lake, err));
	return delta_advance(r->lake, r->root, a, &version, err);
}

static status write_file(
	struct stream_rejects *r, struct batch_rows *b, const struct delta_advance *advance, struct err *err)
{
	struct column views[COLUMNS];
	struct delta_writer *w = NULL;
	struct delta_advance a = *advance;
	uint8_t id[UUID_BYTES];
	char unique[UUID_CHARS + 1] = "";
	uuid_random(id);
	uuid_format(id, unique);
	const struct delta_writer_opts opts = {.parquet = {.codec = PARQUET_ZSTD, .level = 1},
		.unique = unique,
		.modified_ms = time_now_us() / 1000,
		.data_change = true};
	TRY(buf_check(&b->base64, err));
	for (int c = 0; c < COLUMNS; c++) TRY(builder_finish(&b->builders[c], b->n, &views[c], err));
	const struct batch batch = {&stream_rejects_schema, COLUMNS, views, b->n};
	TRY(delta_writer_create(r->lake, r->root, &stream_rejects_schema, &opts, &w, err));
	const status code = put_rows(r, w, &batch, &a, err);
	delta_writer_destroy(w);
	return code;
}

static bool has_rejects(const struct stream_rejects *r, int32_t partition)
{
	for (size_t i = 0; i < r->list.n; i++)
		if (r->list.items[i].partition == partition) return true;
	return false;
}

/* The spans that rejects are of, from where the table has them now. */
static status find_moves(
	struct stream_rejects *r, const struct stream_span *spans, size_t n, struct moves *out, struct err *err)
{
	struct str *apps = ARENA_NEW(&r->arena, struct str, n);
	int64_t *at = ARENA_NEW(&r->arena, int64_t, n), *to = ARENA_NEW(&r->arena, int64_t, n);
	size_t m = 0;
	out->items = ARENA_NEW(&r->arena, struct delta_move, n);
	out->partitions = ARENA_NEW(&r->arena, int32_t, n);
	if (apps == NULL || at == NULL || to == NULL || out->items == NULL || out->partitions == NULL)
		return fail_nomem(err);
	for (size_t i = 0; i < n && r->source != NULL; i++) {
		if (!has_rejects(r, spans[i].partition)) continue;
		const char *app = stream_app_id(&r->arena, r->source, spans[i].partition);
		if (app == NULL) return fail_nomem(err);
		apps[m] = str_of(app);
		to[m] = spans[i].next;
		out->partitions[m++] = spans[i].partition;
	}
	if (m > 0) TRY(delta_positions(r->lake, r->root, apps, m, at, err));
	for (size_t i = 0; i < m; i++) {
		if (at[i] >= to[i]) continue;
		out->items[out->n] = (struct delta_move){apps[i], at[i], to[i]};
		out->partitions[out->n++] = out->partitions[i];
	}
	return OK;
}

static void fill(struct stream_rejects *r, struct batch_rows *b, const struct moves *moves)
{
	for (size_t i = 0; i < r->list.n; i++) {
		const struct stream_reject *reject = &r->list.items[i];
		bool wanted = r->source == NULL;
		for (size_t k = 0; k < moves->n; k++)
			wanted |= moves->partitions[k] == reject->partition && reject->position >= moves->items[k].from;
		if (wanted) add_row(b, r, reject);
	}
}

static status commit_once(struct stream_rejects *r, const struct stream_span *spans, size_t n, struct err *err)
{
	struct moves moves = {.n = 0};
	struct batch_rows b = {.n = 0};
	status code = OK;
	TRY(find_moves(r, spans, n, &moves, err));
	for (int c = 0; c < COLUMNS; c++) builder_init(&b.builders[c], &columns[c], false);
	buf_init(&b.base64, 0);
	fill(r, &b, &moves);
	const struct delta_advance a = {.schema = &stream_rejects_schema, .moves = moves.items, .n_moves = moves.n};
	if (b.n > 0) code = write_file(r, &b, &a, err);
	for (int c = 0; c < COLUMNS; c++) builder_deinit(&b.builders[c]);
	buf_deinit(&b.base64);
	return code;
}

status stream_rejects_commit(struct stream_rejects *r, const struct stream_span *spans, size_t n, struct err *err)
{
	enum { TRIES = 100 };
	status code = E_CONFLICT;
	if (r->list.n == 0) return OK;
	/* Another member moved a position between the look and the commit: look again, and leave out what it has written. */
	for (int i = 0; i < TRIES && code == E_CONFLICT; i++) {
		if (err != NULL) err_clear(err);
		code = commit_once(r, spans, n, err);
	}
	return code;
}
