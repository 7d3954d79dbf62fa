/* flow/publish.c: the committed tables of the last stage, and those the workload mirrors, into the serving database.
 *
 *   decoder thread: object -> check XXH3-128 -> record batch --queue--> this thread: rows into the control plane
 *
 * A part of a table (a month) whose files are those that were published last is not read. A file's name is of its content, and another
 * writer's is never used twice, so that the paths tell. What they can't tell (no log says how many rows) is read always. Of a table whose
 * published rows are those of before the run's own commit only the files that this commit added and removed are read, and what differs
 * between them is told (publish_changes.h). Where that fails, for whatever reason, the parts are told whole.
 *
 * The decoder works on the next batch while the database takes one. At most QUEUE_MAX batches wait, so memory is bounded by
 * the size of a row group, not of the tables. What is published is the picture of the run's history as its last stage left it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "flow/publish_changes.h"
#include "flow/run_int.h"
#include "parquet/reader.h"

enum { QUEUE_MAX = 2, PARTITIONS_MAX = 8, PARTITION_TEXT_MAX = 64 };

/* A table of the serving database and the files of the lake's table that it shows. */
struct source {
	struct workload_mirror from;
	const struct file_ref **files; /* [n_files] by path */
	size_t *parts;                 /* [n_files] the part that each file is of */
	size_t n_files;
	int64_t rows;                    /* as commits and logs have it; -1 there counts 0 */
	struct file_list added, removed; /* by the commit of its stage; views that */
};
struct sources {
	struct source *tables;
	struct control_table *told; /* [n_tables] what the serving database is told of each */
	size_t n_tables;
};

/* One row group of one file; owned by whoever holds it. */
struct item {
	size_t table;
	struct arena arena;
	struct batch batch;
	char partitions[PARTITIONS_MAX][PARTITION_TEXT_MAX];
	struct control_change changes[2]; /* [n_changes] what is told of the batch; n_changes == 0: all of it */
	size_t n_changes;
};

struct decoder;
/* What becomes of an item, which it takes. */
typedef status (*item_visit)(struct decoder *d, struct item *item, const struct file_ref *file, struct err *err);

struct decoder {
	struct flow *f;
	item_visit visit; /* of the files at hand */
	const struct sources *from;
	int64_t *
		unlisted; /* [n_tables] rows of files whose number no log tells; others may look once the thread ended */
	struct publish_changes *changes; /* of the table that is read, where it is told by them */
	pthread_mutex_t lock;            /* guards what follows */
	pthread_cond_t changed;
	struct item *queue[QUEUE_MAX];
	size_t n_queued;
	bool stop;  /* nobody will take another item */
	bool ended; /* no further item */
	status code;
	struct err err;
};

static void item_destroy(struct item *item)
{
	if (item == NULL) return;
	arena_deinit(&item->arena);
	mem_free(item);
}

/* Wait for room. Takes item; false: nobody wants it any more. */
static bool queue_put(struct decoder *d, struct item *item)
{
	(void)pthread_mutex_lock(&d->lock);
	while (d->n_queued == QUEUE_MAX && !d->stop) (void)pthread_cond_wait(&d->changed, &d->lock);
	const bool wanted = !d->stop;
	if (wanted) d->queue[d->n_queued++] = item;
	(void)pthread_cond_signal(&d->changed);
	(void)pthread_mutex_unlock(&d->lock);
	if (!wanted) item_destroy(item);
	return wanted;
}

/* The next item, NULL at the end. */
static struct item *queue_take(struct decoder *d)
{
	struct item *item = NULL;
	(void)pthread_mutex_lock(&d->lock);
	while (d->n_queued == 0 && !d->ended) (void)pthread_cond_wait(&d->changed, &d->lock);
	if (d->n_queued > 0) {
		item = d->queue[0];
		d->n_queued--;
		for (size_t i = 0; i < d->n_queued; i++) d->queue[i] = d->queue[i + 1];
	}
	(void)pthread_cond_signal(&d->changed);
	(void)pthread_mutex_unlock(&d->lock);
	return item;
}

/* ---- decoding -------------------------------------------------------------------------------------------------------- */

/* A file of another writer has no hash to go by. */
static status check_bytes(struct store *lake, const struct file_ref *ref, struct err *err)
{
	static const uint8_t unknown[XXH128_BYTES];
	struct buf bytes;
	uint8_t hash[XXH128_BYTES];
	if (memcmp(ref->xxh128, unknown, sizeof unknown) == 0) return OK;
	buf_init(&bytes, 0);
	status code = store_get(lake, ref->path, &bytes, err);
	if (code == OK) {
		hash_xxh128(bytes.p, bytes.n, hash);
		if (memcmp(hash, ref->xxh128, sizeof hash) != 0)
			code = fail_at(
				err, E_VERIFY, ref->path, -1, -1, "changed after it was committed (XXH3-128 differs)");
	}
	buf_deinit(&bytes);
	return code;
}

/* dst = the value as the database takes it. */
static status partition_text(
	const struct file_ref *ref, const char *column, char dst[PARTITION_TEXT_MAX], struct err *err)
{
	struct str value;
	TRY(file_ref_value(ref, column, &value, err));
	if (value.n >= PARTITION_TEXT_MAX)
		return fail_at(err, E_LIMIT, ref->path, -1, -1, "a value of %s of %zu bytes: at most %d", column,
			value.n, PARTITION_TEXT_MAX - 1);
	memcpy(dst, value.p, value.n);
	dst[value.n] = '\0';
	return OK;
}

static status map_columns(
	const struct parquet_reader *r, const struct table_schema *schema, int *columns, struct err *err)
{
	const size_t n = schema_n_data_columns(schema);
	for (size_t i = 0; i < n; i++) {
		const struct column_def *want = &schema->columns[i];
		const int at = parquet_reader_column_index(r, want->name);
		if (at < 0) return fail(err, E_CORRUPT, "column %s is missing", want->name);
		const struct parquet_column_info *found = parquet_reader_column(r, (size_t)at);
		if (!found->supported || found->def.type != want->type ||
			(want->type == COL_DECIMAL && found->def.scale != want->scale))
			return fail(err, E_CORRUPT, "column %s is of another type than %s", want->name,
				col_type_name(want->type));
		columns[i] = at;
	}
	return OK;
}

static struct parquet_range whole_group(const struct parquet_reader *r, size_t row_group)
{
	return (struct parquet_range){
		.row_group = row_group, .begin = 0, .end = parquet_reader_row_group_rows(r, row_group)};
}

static status fill_partitions(
	struct item *item, const struct file_ref *file, const struct table_schema *schema, struct err *err)
{
	const size_t n_data = schema_n_data_columns(schema);
	ASSERT(schema->n_columns - n_data <= PARTITIONS_MAX);
	for (size_t i = n_data; i < schema->n_columns; i++)
		TRY(partition_text(file, schema->columns[i].name, item->partitions[i - n_data], err));
	return OK;
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

static status item_fill(struct decoder *d, struct item *item, const struct file_ref *file, struct parquet_reader *r,
	size_t row_group, struct err *err)
{
	int columns[TABLE_COLUMNS_MAX];
	const struct table_schema *schema = d->from->tables[item->table].from.schema;
	const struct parquet_range range = whole_group(r, row_group);
	TRY(fill_partitions(item, file, schema, err));
	TRY(map_columns(r, schema, columns, err));
	TRY(parquet_reader_read(r, &range, (struct parquet_columns){columns, schema_n_data_columns(schema)},
		&item->arena, &item->batch, err));
	if (file->rows < 0) d->unlisted[item->table] += item->batch.n_rows;
	return OK;
}

static status visit_whole(struct decoder *d, struct item *item, const struct file_ref *file, struct err *err)
{
	(void)file;
	return queue_put(d, item) ? OK : fail(err, E_CANCELLED, "publishing stopped");
}

static status decode_group(struct decoder *d, size_t table, const struct file_ref *file, struct parquet_reader *r,
	size_t row_group, struct err *err)
{
	TRY(cancel_check(err));
	struct item *item = mem_zalloc(1, sizeof *item);
	if (item == NULL) return fail_nomem(err);
	arena_init(&item->arena, 0);
	item->table = table;
	const status code = item_fill(d, item, file, r, row_group, err);
	if (code == OK && item->batch.n_rows > 0) return d->visit(d, item, file, err);
	item_destroy(item);
	return code;
}

static status decode_object(
	struct decoder *d, size_t table, const struct file_ref *file, struct store_object *object, struct err *err)
{
	struct parquet_reader *r = NULL;
	TRY(parquet_reader_open(object, &r, err));
	status code = OK;
	for (size_t g = 0; code == OK && g < parquet_reader_n_row_groups(r); g++)
		if (parquet_reader_row_group_rows(r, g) > 0) code = decode_group(d, table, file, r, g, err);
	parquet_reader_close(r);
	return code;
}

static status decode_file(struct decoder *d, size_t table, const struct file_ref *file, struct err *err)
{
	struct store_object *object = NULL;
	status code = check_bytes(d->f->lake, file, err);
	if (code == OK) code = store_object_open(d->f->lake, file->path, &object, err);
	if (code == E_NOT_FOUND) code = fail(err, E_VERIFY, "missing, though it was committed; restore it");
	TRY(err_at(err, code, file->path, -1, -1));
	code = decode_object(d, table, file, object, err);
	store_object_close(object);
	return err_at(err, code, file->path, -1, -1);
}

static status decode_files(
	struct decoder *d, size_t table, const struct file_list *files, item_visit visit, struct err *err)
{
	d->visit = visit;
	for (size_t i = 0; i < files->n; i++) TRY(decode_file(d, table, &files->items[i], err));
	return OK;
}

/* ---- what changed --------------------------------------------------------------------------------------------------- */

/* The item as rows of a part; texts has room for its partition columns. */
static status item_rows(struct decoder *d, const struct item *item, const struct file_ref *file,
	const char *texts[PARTITIONS_MAX], struct publish_rows *out, struct err *err)
{
	const struct control_table *told = &d->from->told[item->table];
	const int column = schema_part_column(told->schema);
	struct str name = STR("");
	if (column >= 0) TRY(file_ref_value(file, told->schema->columns[column].name, &name, err));
	for (size_t i = 0; i < PARTITIONS_MAX; i++) texts[i] = item->partitions[i];
	*out = (struct publish_rows){.batch = &item->batch, .partitions = texts};
	while (out->part < told->n_parts && !str_is(name, told->parts[out->part].name)) out->part++;
	ASSERT(out->part < told->n_parts); /* what stood of another part would not be all that is remembered */
	return OK;
}

static status visit_stood(struct decoder *d, struct item *item, const struct file_ref *file, struct err *err)
{
	const char *texts[PARTITIONS_MAX];
	struct publish_rows rows;
	status code = item_rows(d, item, file, texts, &rows, err);
	if (code == OK) code = publish_changes_stood(d->changes, &rows, err);
	item_destroy(item);
	return code;
}

/* To the other thread, where there is something to say. */
static status queue_changes(struct decoder *d, struct item *item, status code, struct err *err)
{
	size_t n = 0;
	for (size_t i = 0; i < item->n_changes; i++) n += item->changes[i].n;
	if (code == OK && n > 0) return queue_put(d, item) ? OK : fail(err, E_CANCELLED, "publishing stopped");
	item_destroy(item);
	return code;
}

static status visit_told(struct decoder *d, struct item *item, const struct file_ref *file, struct err *err)
{
	const char *texts[PARTITIONS_MAX];
	struct publish_rows rows;
	status code = item_rows(d, item, file, texts, &rows, err);
	if (code == OK) code = publish_changes_told(d->changes, &rows, &item->arena, item->changes, err);
	item->n_changes = code == OK ? 2 : 0;
	return queue_changes(d, item, code, err);
}

static status visit_gone(struct decoder *d, struct item *item, const struct file_ref *file, struct err *err)
{
	(void)file;
	const status code = publish_changes_gone(d->changes, item->batch.n_rows, &item->arena, &item->changes[0], err);
	item->n_changes = code == OK ? 1 : 0;
	return queue_changes(d, item, code, err);
}

static status decode_differences(struct decoder *d, size_t table, struct err *err)
{
	const struct source *t = &d->from->tables[table];
	TRY(decode_files(d, table, &t->removed, visit_stood, err));
	TRY(decode_files(d, table, &t->added, visit_told, err));
	return publish_changes_any_gone(d->changes) ? decode_files(d, table, &t->removed, visit_gone, err) : OK;
}

static status decode_changes(struct decoder *d, size_t table, struct err *err)
{
	TRY(publish_changes_create(d->from->tables[table].from.schema, &d->changes, err));
	const status code = decode_differences(d, table, err);
	publish_changes_destroy(d->changes);
	d->changes = NULL;
	return code;
}

static status decode_all(struct decoder *d, struct err *err)
{
	for (size_t t = 0; t < d->from->n_tables; t++) {
		const struct source *table = &d->from->tables[t];
		const struct control_table *told = &d->from->told[t];
		if (told->changes) TRY(decode_changes(d, t, err));
		d->visit = visit_whole;
		for (size_t i = 0; i < table->n_files && !told->changes; i++) {
			if (told->parts[table->parts[i]].told) TRY(decode_file(d, t, table->files[i], err));
		}
	}
	return OK;
}

static void *decoder_main(void *arg)
{
	struct decoder *d = arg;
	struct err err;
	err_clear(&err);
	const status code = decode_all(d, &err);
	(void)pthread_mutex_lock(&d->lock);
	d->code = code;
	d->err = err;
	d->ended = true;
	(void)pthread_cond_signal(&d->changed);
	(void)pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* ---- inserting --------------------------------------------------------------------------------------------------------- */

struct publication {
	struct flow *f;
	struct decoder *d;
	struct control_publish *p;
	bool whole;      /* nothing is told by what changed */
	bool by_changes; /* something is */
	int64_t *rows;   /* [n_tables], as the database counts them */
	struct quality_list quality;
	int64_t bytes_in, rows_in, rows_out;
};

static status put_item(struct publication *x, const struct item *item, struct err *err)
{
	const char *partitions[PARTITIONS_MAX];
	for (size_t i = 0; i < PARTITIONS_MAX; i++) partitions[i] = item->partitions[i];
	if (item->n_changes == 0) TRY(control_publish_batch(x->p, &item->batch, partitions, err));
	for (size_t i = 0; i < item->n_changes; i++)
		TRY(control_publish_change(x->p, &item->batch, partitions, &item->changes[i], err));
	atomic_fetch_add(&x->f->held.progress.rows, item->batch.n_rows);
	return OK;
}

static status end_table(struct publication *x, size_t table, struct err *err)
{
	TRY(control_publish_table_end(x->p, &x->rows[table], err));
	atomic_fetch_add(&x->f->held.progress.done, 1);
	return OK;
}

/* Tables come in order; those without a row are made too. */
/* An item after the tables before its own have ended; *open: the table under way. */
static status put_in_table(struct publication *x, struct item *item, size_t *open, struct err *err)
{
	while (*open < item->table) {
		TRY(end_table(x, *open, err));
		TRY(control_publish_table(x->p, &x->d->from->told[++*open], err));
	}
	return put_item(x, item, err);
}

static status put_tables(struct publication *x, struct err *err)
{
	size_t open = 0;
	const struct sources *from = x->d->from;
	if (from->n_tables == 0) return OK;
	TRY(control_publish_table(x->p, &from->told[0], err));
	for (struct item *item; (item = queue_take(x->d)) != NULL;) {
		const status code = put_in_table(x, item, &open, err);
		item_destroy(item);
		TRY(code);
	}
	if (x->d->code != OK) {
		if (err != NULL) *err = x->d->err;
		return x->d->code;
	}
	for (;; open++) {
		TRY(end_table(x, open, err));
		if (open + 1 == from->n_tables) return OK;
		TRY(control_publish_table(x->p, &from->told[open + 1], err));
	}
}

static int64_t list_bytes(const struct file_list *files)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < files->n; i++) bytes += files->items[i].bytes;
	return bytes;
}

static int64_t bytes_read(const struct source *t, const struct control_table *told)
{
	int64_t bytes = told->changes ? list_bytes(&t->added) + list_bytes(&t->removed) : 0;
	for (size_t i = 0; i < t->n_files && !told->changes; i++)
		bytes += told->parts[t->parts[i]].told ? t->files[i]->bytes : 0;
	return bytes;
}

/* The database's count of each table against the lake's: no row is lost, none doubled. */
static status compare(struct publication *x, bool *same, struct err *err)
{
	*same = true;
	for (size_t t = 0; t < x->d->from->n_tables; t++) {
		char dataset[128];
		const struct source *table = &x->d->from->tables[t];
		const struct table_schema *schema = table->from.schema;
		const int64_t want = table->rows + x->d->unlisted[t];
		(void)snprintf(dataset, sizeof dataset, "%s.%s", schema->layer, schema->name);
		const struct quality q = {
			.dataset = dataset,
			.check_name = "published_rows",
			.severity = QUALITY_CRITICAL,
			.details = "rows in the serving database = rows in the lake",
			.record_count = x->rows[t],
		};
		if (!quality_add_numbers(&x->quality, x->rows[t] == want, q, x->rows[t], want)) return fail_nomem(err);
		*same = *same && x->rows[t] == want;
		x->bytes_in += bytes_read(table, &x->d->from->told[t]);
		x->rows_in += want;
		x->rows_out += x->rows[t];
	}
	return OK;
}

static status make_edges(const struct sources *from, const char *run_id, struct arena *arena,
	struct control_edge **edges, size_t *n, struct err *err)
{
	*edges = ARENA_ZNEW(arena, struct control_edge, from->n_tables + 1);
	*n = 0;
	if (*edges == NULL) return fail_nomem(err);
	for (size_t t = 0; t < from->n_tables; t++) {
		const struct table_schema *schema = from->tables[t].from.schema;
		const char *output = arena_printf(arena, "serving.%s_%s", schema->layer, schema->name);
		if (output == NULL) return fail_nomem(err);
		(*edges)[(*n)++] = (struct control_edge){from->tables[t].from.source, run_id, output, run_id};
	}
	return OK;
}

static status commit(struct publication *x, int64_t started, struct err *err)
{
	struct flow *f = x->f;
	struct control_edge *edges;
	size_t n_edges;
	TRY(make_edges(x->d->from, f->id.info.run_id, x->quality.arena, &edges, &n_edges, err));
	for (size_t i = 0; i < f->w->n_views; i++)
		TRY(control_publish_view(x->p, f->w->views[i].name, f->w->views[i].sql, err));
	const struct control_stage stage = {
		.run_id = f->id.info.run_id,
		.name = "publish",
		.ordinal = (int64_t)f->w->n_stages,
		.location = control_uri(f->control),
		.sha256 = "",
		.n_tasks = (int64_t)x->d->from->n_tables,
		.us = time_mono_us() - started,
		.rows_in = x->rows_in,
		.rows_out = x->rows_out,
		.bytes_in = x->bytes_in,
		.committed_at = time_now_us(),
		.edges = edges,
		.n_edges = n_edges,
	};
	struct control_quality_layer checks;
	TRY(flow_quality_rows("publish", &x->quality, &checks, err));
	TRY(control_publish_commit(x->p, &stage, &checks, err));
	flow_watch_checks(f, &checks);
	flow_watch_committed(f, &stage);
	return OK;
}

static void decoder_stop(struct decoder *d)
{
	(void)pthread_mutex_lock(&d->lock);
	d->stop = true;
	(void)pthread_cond_signal(&d->changed);
	(void)pthread_mutex_unlock(&d->lock);
}

/* Which parts are read, and how. What was asked to replace others' tables compares every row. */
static status look(struct publication *x, struct err *err)
{
	const struct sources *from = x->d->from;
	for (size_t t = 0; t < from->n_tables; t++) {
		const struct source *table = &from->tables[t];
		bool by_changes = !x->whole && !x->f->o->replace_published && table->removed.n + table->added.n > 0;
		for (size_t i = 0; i < table->n_files; i++) by_changes = by_changes && table->files[i]->rows >= 0;
		from->told[t].changes = by_changes;
	}
	TRY(control_publish_look(x->p, from->told, from->n_tables, err));
	for (size_t t = 0; t < from->n_tables; t++) {
		const struct source *table = &from->tables[t];
		const struct control_table *told = &from->told[t];
		x->by_changes |= told->changes;
		for (size_t i = 0; i < told->n_parts; i++) told->parts[i].told |= x->f->o->replace_published;
		for (size_t i = 0; i < table->n_files; i++)
			told->parts[table->parts[i]].told |= table->files[i]->rows < 0;
	}
	return OK;
}

/* The tables, which a second thread decodes meanwhile. */
static status put_decoded(struct publication *x, struct err *err)
{
	pthread_t thread;
	const int rc = pthread_create(&thread, NULL, decoder_main, x->d);
	if (rc != 0) return fail_errno(err, rc, "cannot start a thread to read the tables");
	const status code = put_tables(x, err);
	decoder_stop(x->d);
	(void)pthread_join(thread, NULL);
	for (size_t i = 0; i < x->d->n_queued; i++) item_destroy(x->d->queue[i]);
	return code;
}

/* The transaction: all tables in it, or none. *same: whether the counts agreed; it is undone when they did not. */
static status publication_fill(struct publication *x, int64_t started, bool *same, struct err *err)
{
	TRY(look(x, err));
	TRY(put_decoded(x, err));
	TRY(compare(x, same, err));
	return *same ? commit(x, started, err) : OK;
}

static status transact(struct publication *x, int64_t started, bool *same, struct err *err)
{
	TRY(control_publish_begin(x->f->control, &x->f->held.lease, &x->p, err));
	const status code = publication_fill(x, started, same, err);
	control_publish_destroy(x->p);
	return code;
}

static status publish(struct publication *x, struct err *err)
{
	struct flow *f = x->f;
	const int64_t started = time_mono_us();
	bool same = false;
	progress_step(&f->held.progress, "publish", (int64_t)x->d->from->n_tables, 0);
	TRY(transact(x, started, &same, err));
	if (!same && x->by_changes) return fail(err, E_CONFLICT, "the published tables do not hold what was published");
	if (!same)
		return flow_quality_record(f, "publish", &x->quality, err); /* the others went with the transaction */
	struct stage_report *report = flow_report_stage(f, "publish");
	*report = (struct stage_report){
		.name = "publish",
		.done = true,
		.n_tasks = (int64_t)x->d->from->n_tables,
		.us = time_mono_us() - started,
		.rows_in = x->rows_in,
		.rows_out = x->rows_out,
		.bytes_in = x->bytes_in,
	};
	f->state.published = true;
	return OK;
}

/* ---- what is published ------------------------------------------------------------------------------------------------- */

static status add_table(struct sources *out, struct workload_mirror from, struct arena *arena, struct err *err)
{
	struct table_schema *served = ARENA_NEW(arena, struct table_schema, 1);
	if (served == NULL) return fail_nomem(err);
	TRY(schema_served(from.schema, arena, served, err));
	out->tables[out->n_tables++].from = (struct workload_mirror){.schema = served, .source = from.source};
	return OK;
}

/* The tables of the last stage's layer and, where they are wanted, the mirrors. */
static status find_tables(const struct flow *f, struct arena *arena, struct sources *out, struct err *err)
{
	const struct workload *w = f->w;
	*out = (struct sources){.tables = ARENA_ZNEW(arena, struct source, w->n_tables + w->n_mirrors + 1)};
	if (out->tables == NULL) return fail_nomem(err);
	for (size_t i = 0; i < w->n_tables; i++) {
		const struct table_schema *t = w->tables[i];
		if (strcmp(t->layer, stage_layer(&w->stages[w->n_stages - 1])) != 0) continue;
		const char *source = arena_printf(arena, "%s.%s", t->layer, t->name);
		if (source == NULL) return fail_nomem(err);
		TRY(add_table(out, (struct workload_mirror){.schema = t, .source = source}, arena, err));
	}
	if (w->mirrors_on == NULL || (!control_is_server(f->control) && !w->mirrors_on(f->id.config))) return OK;
	for (size_t i = 0; i < w->n_mirrors; i++) TRY(add_table(out, w->mirrors[i], arena, err));
	return OK;
}

/* The part of the table that has this name, made where there is none yet. NULL: out of memory. */
static struct control_part *find_part(struct control_table *t, struct str name, struct arena *arena)
{
	for (size_t i = 0; i < t->n_parts; i++) {
		if (str_is(name, t->parts[i].name)) return &t->parts[i];
	}
	struct control_part *p = &t->parts[t->n_parts];
	*p = (struct control_part){.name = arena_strndup(arena, name.p, name.n)};
	if (p->name == NULL) return NULL;
	t->n_parts++;
	return p;
}

static status find_parts(struct source *t, struct control_table *told, struct arena *arena, struct err *err)
{
	const int column = schema_part_column(t->from.schema);
	told->schema = t->from.schema;
	told->parts = ARENA_ZNEW(arena, struct control_part, t->n_files + 1);
	t->parts = ARENA_ZNEW(arena, size_t, t->n_files + 1);
	if (told->parts == NULL || t->parts == NULL) return fail_nomem(err);
	for (size_t i = 0; i < t->n_files; i++) {
		struct str name = STR("");
		if (column >= 0) TRY(file_ref_value(t->files[i], t->from.schema->columns[column].name, &name, err));
		const struct control_part *part = find_part(told, name, arena);
		if (part == NULL) return fail_nomem(err);
		t->parts[i] = (size_t)(part - told->parts);
	}
	return OK;
}

/* The stage's commit that the table's files are of. NULL: none. */
static const struct commit *commit_of(const struct flow *f, const struct source *t)
{
	const size_t table = workload_table_index(f->w, t->from.source);
	ASSERT(table < f->w->n_tables);
	for (size_t k = 0; k < f->state.n_committed; k++) {
		const struct commit *c = &f->state.commits[k];
		if (workload_writes(f->w, c->stage, f->w->tables[table])) return c;
	}
	return NULL;
}

static status take_files(const struct file_list *of, const struct source *t, struct file_list *out, struct err *err)
{
	for (size_t i = 0; i < of->n; i++) {
		if (strcmp(of->items[i].table, t->from.source) == 0 && !file_list_add(out, &of->items[i]))
			return fail_nomem(err);
	}
	return OK;
}

/* What the run changed of the table, where it goes on from others. */
static status find_changes(const struct flow *f, struct source *t, struct arena *arena, struct err *err)
{
	const struct commit *c = commit_of(f, t);
	t->added.arena = t->removed.arena = arena;
	if (c == NULL || c->n_history == 0) return OK;
	TRY(take_files(&c->files, t, &t->added, err));
	return take_files(&c->removed, t, &t->removed, err);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* SHA-256 of paths[n], in order. NULL: out of memory. */
static const char *name_paths(const char **paths, size_t n, struct arena *arena)
{
	struct buf text;
	uint8_t hash[SHA256_BYTES];
	char *hex = ARENA_NEW(arena, char, HEX_SHA256_CHARS + 1);
	if (n > 1) qsort(paths, n, sizeof *paths, by_path);
	buf_init(&text, 0);
	for (size_t i = 0; i < n; i++) buf_printf(&text, "%s\n", paths[i]);
	const bool whole = hex != NULL && buf_check(&text, NULL) == OK;
	if (whole) {
		hash_sha256(text.p, text.n, hash);
		hex_encode(hash, sizeof hash, hex);
	}
	buf_deinit(&text);
	return whole ? hex : NULL;
}

static bool holds_path(const struct file_list *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->items[i].path, path) == 0) return true;
	}
	return false;
}

/* files and before of a part. */
static status name_files(
	const struct source *t, size_t part, struct control_table *told, struct arena *arena, struct err *err)
{
	const int column = schema_part_column(t->from.schema);
	struct control_part *p = &told->parts[part];
	const char **now = ARENA_NEW(arena, const char *, t->n_files + 1);
	const char **before = ARENA_NEW(arena, const char *, t->n_files + t->removed.n + 1);
	size_t n_now = 0, n_before = 0;
	if (now == NULL || before == NULL) return fail_nomem(err);
	for (size_t i = 0; i < t->n_files; i++) {
		if (t->parts[i] != part) continue;
		now[n_now++] = t->files[i]->path;
		if (!holds_path(&t->added, t->files[i]->path)) before[n_before++] = t->files[i]->path;
	}
	for (size_t i = 0; i < t->removed.n; i++) {
		struct str name = STR("");
		const struct file_ref *ref = &t->removed.items[i];
		if (column >= 0) TRY(file_ref_value(ref, t->from.schema->columns[column].name, &name, err));
		if (str_is(name, p->name)) before[n_before++] = ref->path;
	}
	p->files = name_paths(now, n_now, arena);
	if (n_before > 0) p->before = name_paths(before, n_before, arena);
	return p->files == NULL || (n_before > 0 && p->before == NULL) ? fail_nomem(err) : OK;
}

static status find_files(
	const struct flow *f, struct arena *arena, struct source *t, struct control_table *told, struct err *err)
{
	size_t n = 0;
	for (size_t k = 0; k < f->state.n_committed; k++) n += f->state.files[k].n;
	t->files = ARENA_NEW(arena, const struct file_ref *, n + 1);
	if (t->files == NULL) return fail_nomem(err);
	for (size_t k = 0; k < f->state.n_committed; k++) {
		for (size_t i = 0; i < f->state.files[k].n; i++) {
			const struct file_ref *ref = &f->state.files[k].items[i];
			if (strcmp(ref->table, t->from.source) != 0) continue;
			t->files[t->n_files++] = ref;
			t->rows += ref->rows > 0 ? ref->rows : 0;
		}
	}
	TRY(find_parts(t, told, arena, err));
	TRY(find_changes(f, t, arena, err));
	for (size_t i = 0; i < told->n_parts; i++) TRY(name_files(t, i, told, arena, err));
	return OK;
}

/* From the first look at the lake on. */
static status attempt(struct flow *f, bool whole, bool *by_changes, struct arena *arena, struct err *err)
{
	struct sources from;
	TRY(find_tables(f, arena, &from, err));
	from.told = ARENA_ZNEW(arena, struct control_table, from.n_tables + 1);
	if (from.told == NULL) return fail_nomem(err);
	for (size_t t = 0; t < from.n_tables; t++) TRY(find_files(f, arena, &from.tables[t], &from.told[t], err));
	int64_t *counts = ARENA_ZNEW(arena, int64_t, 2 * from.n_tables + 1);
	if (counts == NULL) return fail_nomem(err);
	struct decoder d = {
		.f = f,
		.from = &from,
		.unlisted = counts,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	struct publication x = {
		.f = f, .d = &d, .whole = whole, .rows = counts + from.n_tables, .quality.arena = arena};
	const status code = publish(&x, err);
	*by_changes = x.by_changes;
	return code;
}

/* What was staged is gone with the connection to the serving database, or somebody else published meanwhile: begin again, a few times. Where
 * what changed could not be told (what stood was vacuumed, rows were changed by hand, ...) all is. Readers saw nothing of it. */
status flow_publish(struct flow *f, struct err *err)
{
	ASSERT(f->state.n_committed == f->w->n_stages);
	bool whole = false, by_changes = false;
	for (int k = 0;; k++) {
		struct arena arena;
		struct err why;
		arena_init(&arena, 0);
		err_clear(&why);
		by_changes = false;
		const status code = attempt(f, whole, &by_changes, &arena, &why);
		arena_deinit(&arena);
		const bool lost = (code == E_UNREACHABLE || code == E_CONFLICT) && why.class == ERR_RETRY;
		const bool again = lost || (code != OK && by_changes);
		whole = whole || (by_changes && code != E_UNREACHABLE);
		if (!again || k == TASK_RETRIES_MAX || cancel_requested()) {
			if (code != OK && err != NULL) *err = why;
			return code;
		}
		log_line(LOG_WARN, "publishing again", "reason", why.message, NULL);
	}
}
