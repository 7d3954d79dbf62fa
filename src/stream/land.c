/* stream/land.c: see land.h.
 *
 *   take      records -> parser -> rows of the part they belong to; a full part becomes a row group of a file at once
 *   commit    rejects (their table) -> the rest of the rows -> store_sync -> delta_advance
 *   drop      rows, files that no version names (vacuum takes them), rejects
 *
 * 1. Nothing of a batch is to be seen before its commit, but for its rejects.
 * 2. Rows of different partitions of the topic share a file: a batch is committed or dropped whole.
 */
#include "stream/land.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "base/vec.h"
#include "stream/compact.h"
#include "stream/rejects.h"
#include "table/write/advance.h"
#include "table/write/write.h"

enum {
	GROUP_ROWS = 1 << 17, /* of a part in memory: about 16 MiB, one row group */
	PARTS_MAX = 64,       /* at once: beyond, a commit is due */
	PARTITION_COLUMNS_MAX = 8,
	SOURCE_MAX = 600, /* of a topic's name, or a stream's of lines, and what follows it */
};

/* The rows of one combination of partition values. */
struct part {
	int64_t id; /* the topic's number of it */
	struct delta_pair values[PARTITION_COLUMNS_MAX];
	struct builder *columns; /* [n_columns] */
	int64_t n;
	struct delta_writer *writer; /* NULL: no row group was written */
};

struct land {
	struct land_opts o;
	void *parser;
	struct parquet_opts parquet;
	size_t n_columns, n_partition; /* data columns, partition columns of the table */
	int partition_column, position_column, incarnation_column;
	struct {
		struct part *items; /* columns of items[0..cap) are kept from batch to batch */
		size_t n, cap, ready;
	} parts;
	size_t last; /* part of the event before */
	struct column *views;
	struct arena arena; /* of the batch */
	struct stream_rejects rejects;
	int64_t rejected;              /* in the batch; of the last one once it was committed */
	struct stream_reasons reasons; /* of those */
	int64_t version;
	struct stream_compact *compact;
	int64_t incarnation;         /* of the topic: how often it was made again */
	bool begins;                 /* the table does not have that incarnation yet: the next commit begins it */
	char source[SOURCE_MAX];     /* o.source, in this incarnation */
	char unique[UUID_CHARS + 1]; /* in the names of the batch's files */
};

/* ---- parts ---------------------------------------------------------------------------------------------------------------- */

static status part_ready(struct land *l, struct part *p, struct err *err)
{
	const struct table_schema *t = l->o.topic->table;
	*p = (struct part){.columns = mem_zalloc(l->n_columns, sizeof *p->columns)};
	if (p->columns == NULL) return fail_nomem(err);
	for (size_t c = 0; c < l->n_columns; c++)
		builder_init(&p->columns[c], &t->columns[c], l->o.topic->dictionary(&t->columns[c]));
	return OK;
}

static void part_free(struct land *l, struct part *p)
{
	for (size_t c = 0; p->columns != NULL && c < l->n_columns; c++) builder_deinit(&p->columns[c]);
	mem_free(p->columns);
	delta_writer_destroy(p->writer);
}

static void part_clear(struct land *l, struct part *p)
{
	for (size_t c = 0; c < l->n_columns; c++) builder_reset(&p->columns[c]);
	p->n = 0;
}

static status part_add(struct land *l, int64_t id, struct err *err)
{
	if (!VEC_ROOM(&l->parts, 1)) return fail_nomem(err);
	struct part *p = &l->parts.items[l->parts.n];
	if (l->parts.n == l->parts.ready) {
		TRY(part_ready(l, p, err));
		l->parts.ready++;
	}
	p->id = id;
	p->writer = NULL;
	TRY(l->o.topic->part_values(l->parser, id, &l->arena, p->values, err));
	part_clear(l, p);
	l->o.topic->begin(l->parser, p->columns);
	l->last = l->parts.n++;
	return OK;
}

/* The part of the event at hand is l->parts.items[l->last]. */
static status part_find(struct land *l, struct err *err)
{
	const int64_t id = l->o.topic->part(l->parser);
	if (l->last < l->parts.n && l->parts.items[l->last].id == id) return OK;
	for (size_t i = 0; i < l->parts.n; i++) {
		if (l->parts.items[i].id != id) continue;
		l->last = i;
		return OK;
	}
	return part_add(l, id, err);
}

/* The rows of the part, as a row group of its file. */
static status part_write(struct land *l, struct part *p, struct err *err)
{
	const struct delta_writer_opts opts = {.parquet = l->parquet,
		.partition = {p->values, l->n_partition},
		.unique = l->unique,
		.modified_ms = time_now_us() / 1000,
		.data_change = true};
	if (p->n == 0) return OK;
	for (size_t c = 0; c < l->n_columns; c++) TRY(builder_finish(&p->columns[c], p->n, &l->views[c], err));
	struct table_schema *files = ARENA_NEW(&l->arena, struct table_schema, 1);
	if (files == NULL) return fail_nomem(err);
	*files = *l->o.topic->table;
	files->n_columns = l->n_columns;
	const struct batch batch = {files, l->n_columns, l->views, p->n};
	if (p->writer == NULL) TRY(delta_writer_create(l->o.lake, l->o.root, files, &opts, &p->writer, err));
	TRY(delta_writer_group(p->writer, &batch, err));
	part_clear(l, p);
	l->o.topic->begin(l->parser, p->columns);
	return OK;
}

/* ---- records -------------------------------------------------------------------------------------------------------------- */

/* NULL: it is an event. */
static const char *judge(struct land *l, const struct stream_record *r, bool utf8_ok)
{
	int64_t event_us;
	if (r->is_null) return "null_value";
	const char *reason = l->o.topic->parse(l->parser, r, utf8_ok, &event_us);
	return reason == NULL && stream_in_future(r, event_us, l->o.ahead_us) ? "in_future" : reason;
}

static status take_record(struct land *l, const struct stream_record *r, bool utf8_ok, struct err *err)
{
	const char *reason = judge(l, r, utf8_ok);
	if (reason != NULL) {
		l->rejected++;
		stream_reasons_count(&l->reasons, reason, 1);
		return stream_rejects_add(&l->rejects, r, reason, err);
	}
	TRY(part_find(l, err));
	struct part *p = &l->parts.items[l->last];
	const int64_t row = p->n++;
	l->o.topic->put(l->parser, p->columns, row);
	if (l->partition_column >= 0) builder_set_i32(&p->columns[l->partition_column], row, r->partition);
	if (l->position_column >= 0) builder_set_i64(&p->columns[l->position_column], row, r->position);
	if (l->incarnation_column >= 0)
		builder_set_i32(&p->columns[l->incarnation_column], row, (int32_t)l->incarnation);
	return p->n == GROUP_ROWS ? part_write(l, p, err) : OK;
}

static void begin_count(struct land *l)
{
	l->rejected = 0;
	l->reasons.n = 0;
}

static status land_take(void *ctx, const struct stream_record *records, size_t n, bool utf8_ok, struct err *err)
{
	struct land *l = ctx;
	if (l->parts.n == 0 && l->rejects.list.n == 0) begin_count(l);
	for (size_t i = 0; i < n; i++) TRY(take_record(l, &records[i], utf8_ok, err));
	return l->o.topic->check(l->parser, err);
}

static bool land_full(void *ctx)
{
	const struct land *l = ctx;
	return l->parts.n >= PARTS_MAX || stream_rejects_full(&l->rejects);
}

static void begin_batch(struct land *l)
{
	uint8_t id[UUID_BYTES];
	for (size_t i = 0; i < l->parts.n; i++) {
		delta_writer_destroy(l->parts.items[i].writer);
		l->parts.items[i].writer = NULL;
	}
	l->parts.n = l->last = 0;
	arena_reset(&l->arena);
	stream_rejects_drop(&l->rejects);
	uuid_random(id);
	uuid_format(id, l->unique);
}

static void land_drop(void *ctx)
{
	begin_batch(ctx);
}

static status land_gap(void *ctx, const struct stream_gap *gap, struct err *err)
{
	struct land *l = ctx;
	char text[128];
	const int n = snprintf(
		text, sizeof text, "{\"from\":%lld,\"to\":%lld}", (long long)gap->from, (long long)gap->to - 1);
	const struct stream_record r = {
		.partition = gap->partition, .position = gap->from, .timestamp_ms = -1, .value = {text, (size_t)n}};
	log_printf(LOG_WARN, "%s: %lld messages of partition %d are gone: retention took them", l->o.root,
		(long long)(gap->to - gap->from), gap->partition);
	l->rejected++;
	stream_reasons_count(&l->reasons, "gap", 1);
	return stream_rejects_add(&l->rejects, &r, "gap", err);
}

/* ---- positions and commit ------------------------------------------------------------------------------------------------- */

static status app_of(const char *text, struct str *out, struct err *err)
{
	if (text == NULL) return fail_nomem(err);
	*out = str_of(text);
	return OK;
}

static status position_app(struct land *l, struct arena *arena, int32_t partition, struct str *out, struct err *err)
{
	return app_of(stream_app_id(arena, l->source, partition), out, err);
}

static status mark_app(struct land *l, struct arena *arena, int32_t partition, struct str *out, struct err *err)
{
	return app_of(arena_printf(arena, "pqr-stream-last/%s/%d", l->source, partition), out, err);
}

static status incarnation_app(struct land *l, struct arena *arena, struct str *out, struct err *err)
{
	return app_of(arena_printf(arena, "pqr-stream-topic/%s", l->o.source), out, err);
}

static void set_incarnation(struct land *l, int64_t incarnation, bool begins)
{
	l->incarnation = incarnation;
	l->begins = begins;
	if (incarnation == 0)
		(void)snprintf(l->source, sizeof l->source, "%s", l->o.source);
	else
		(void)snprintf(l->source, sizeof l->source, "%s#%lld", l->o.source, (long long)incarnation);
	l->rejects.source = l->source;
}

/* Lines have but one. Who found the topic made again, and then that another member did so before, goes on with what that one began. */
static status find_incarnation(struct land *l, struct arena *arena, struct err *err)
{
	struct str app;
	int64_t at = -1;
	if (!l->o.kafka) {
		set_incarnation(l, 0, false);
		return OK;
	}
	TRY(incarnation_app(l, arena, &app, err));
	TRY(delta_positions(l->o.lake, l->o.root, &app, 1, &at, err));
	if (at < 0) at = 0;
	if (!l->begins || at >= l->incarnation) set_incarnation(l, at, false);
	return OK;
}

static status find_places(struct land *l, struct arena *arena, const int32_t *partitions, size_t n,
	struct stream_place *places, struct err *err)
{
	struct str *apps = ARENA_NEW(arena, struct str, 2 * n);
	int64_t *at = ARENA_NEW(arena, int64_t, 2 * n);
	if (apps == NULL || at == NULL) return fail_nomem(err);
	TRY(find_incarnation(l, arena, err));
	for (size_t i = 0; i < n; i++) {
		TRY(position_app(l, arena, partitions[i], &apps[2 * i], err));
		TRY(mark_app(l, arena, partitions[i], &apps[2 * i + 1], err));
	}
	TRY(delta_positions(l->o.lake, l->o.root, apps, 2 * n, at, err));
	for (size_t i = 0; i < n; i++) places[i] = (struct stream_place){at[2 * i], at[2 * i + 1]};
	return OK;
}

static status land_positions(
	void *ctx, const int32_t *partitions, size_t n, struct stream_place *places, struct err *err)
{
	struct land *l = ctx;
	struct arena arena;
	for (size_t i = 0; i < n; i++) places[i] = (struct stream_place){-1, -1};
	if (l->o.source == NULL || n == 0) return OK;
	arena_init(&arena, 0);
	const status code = find_places(l, &arena, partitions, n, places, err);
	arena_deinit(&arena);
	return code;
}

static void land_anew(void *ctx)
{
	struct land *l = ctx;
	set_incarnation(l, l->incarnation + 1, true);
}

static status collect_files(struct land *l, struct delta_advance *a, struct err *err)
{
	struct {
		struct delta_add *items;
		size_t n, cap;
	} all = {0};
	for (size_t i = 0; i < l->parts.n; i++) {
		const struct delta_add *files;
		struct part *p = &l->parts.items[i];
		size_t n;
		TRY(part_write(l, p, err));
		if (p->writer == NULL) continue;
		TRY(delta_writer_finish(p->writer, &files, &n, err));
		if (!VEC_ROOM_IN(&l->arena, &all, n)) return fail_nomem(err);
		for (size_t k = 0; k < n; k++) all.items[all.n++] = files[k];
	}
	a->files = all.items;
	a->n_files = all.n;
	return OK;
}

static status collect_moves(
	struct land *l, const struct stream_span *spans, size_t n, struct delta_advance *a, struct err *err)
{
	struct delta_move *moves = ARENA_ZNEW(&l->arena, struct delta_move, 2 * n + 1);
	size_t k = 0;
	if (moves == NULL) return fail_nomem(err);
	if (l->o.source == NULL) return OK;
	for (size_t i = 0; i < n; i++) {
		const struct stream_span *s = &spans[i];
		TRY(position_app(l, &l->arena, s->partition, &moves[k].app_id, err));
		moves[k].from = s->stored;
		moves[k++].to = s->next;
		if (s->mark < 0) continue;
		TRY(mark_app(l, &l->arena, s->partition, &moves[k].app_id, err));
		moves[k].from = s->stored_mark;
		moves[k++].to = s->mark;
	}
	if (l->begins) {
		TRY(incarnation_app(l, &l->arena, &moves[k].app_id, err));
		moves[k].from = l->incarnation == 1 ? -1 : l->incarnation - 1;
		moves[k++].to = l->incarnation;
	}
	a->moves = moves;
	a->n_moves = k;
	return OK;
}

static status land_commit(void *ctx, const struct stream_span *spans, size_t n, struct err *err)
{
	/* A commit every few seconds: the log is kept short, beside the usual 30 days of it. */
	static const struct delta_pair properties[] = {{{"delta.logRetentionDuration", 26}, {"interval 2 days", 15}}};
	struct land *l = ctx;
	struct delta_advance a = {.schema = l->o.topic->table, .properties = properties, .n_properties = 1};
	TRY(stream_rejects_commit(&l->rejects, spans, n, err));
	TRY(collect_moves(l, spans, n, &a, err));
	TRY(collect_files(l, &a, err));
	if (a.n_files > 0 || a.n_moves > 0) {
		TRY(store_sync(l->o.lake, err));
		TRY(delta_advance(l->o.lake, l->o.root, &a, &l->version, err));
		l->begins = false;
		stream_compact_added(l->compact);
	}
	begin_batch(l);
	return OK;
}

/* One member of a topic compacts its table: who has the first partition. */
static void land_owned(void *ctx, const int32_t *partitions, size_t n)
{
	bool first = false;
	for (size_t i = 0; i < n; i++) first |= partitions[i] == 0;
	stream_compact_claim(((const struct land *)ctx)->compact, first);
}

static void land_tell(void *ctx, struct stream_report *r)
{
	const struct land *l = ctx;
	r->rejected = l->rejected;
	r->reasons = &l->reasons;
}

/* ---- life ----------------------------------------------------------------------------------------------------------------- */

status land_open(const struct land_opts *o, struct land **out, struct err *err)
{
	const struct table_schema *t = o->topic->table;
	struct land *l = mem_zalloc(1, sizeof *l);
	if (l == NULL) return fail_nomem(err);
	*l = (struct land){
		.o = *o, .version = -1, .partition_column = -1, .position_column = -1, .incarnation_column = -1};
	o->topic->settings(o->config, &l->parquet, &(size_t){0});
	l->n_columns = schema_n_data_columns(t);
	l->n_partition = t->n_columns - l->n_columns;
	ASSERT(l->n_partition <= PARTITION_COLUMNS_MAX);
	if (l->o.ahead_us == 0) l->o.ahead_us = STREAM_AHEAD_US;
	if (o->kafka && o->topic->partition_column != NULL)
		l->partition_column = schema_column_index(t, o->topic->partition_column);
	if (o->kafka && o->topic->position_column != NULL)
		l->position_column = schema_column_index(t, o->topic->position_column);
	if (o->kafka && o->topic->incarnation_column != NULL)
		l->incarnation_column = schema_column_index(t, o->topic->incarnation_column);
	arena_init(&l->arena, 0);
	stream_rejects_init(&l->rejects, o->lake, o->rejects, o->source);
	begin_batch(l);
	l->views = mem_zalloc(l->n_columns, sizeof *l->views);
	status code = l->views == NULL ? fail_nomem(err) : o->topic->open(o->config, &l->parser, err);
	if (code == OK) code = stream_compact_open(o->lake, o->root, &l->compact, err);
	if (code != OK) {
		land_close(l);
		return code;
	}
	*out = l;
	return OK;
}

void land_close(struct land *l)
{
	if (l == NULL) return;
	for (size_t i = 0; i < l->parts.ready; i++) part_free(l, &l->parts.items[i]);
	stream_compact_close(l->compact);
	mem_free(l->parts.items);
	mem_free(l->views);
	stream_rejects_deinit(&l->rejects);
	arena_deinit(&l->arena);
	l->o.topic->close(l->parser);
	mem_free(l);
}

struct stream_sink land_sink(struct land *l)
{
	return (struct stream_sink){.ctx = l,
		.positions = land_positions,
		.take = land_take,
		.commit = land_commit,
		.drop = land_drop,
		.owned = land_owned,
		.full = land_full,
		.tell = land_tell,
		.gap = l->o.go_on_at_gap ? land_gap : NULL,
		.anew = l->o.accept_new && l->o.kafka ? land_anew : NULL};
}

int64_t land_version(const struct land *l)
{
	return l->version;
}
