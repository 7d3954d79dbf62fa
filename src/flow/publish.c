/* flow/publish.c: the committed tables of the last stage, and those the workload mirrors, into the serving database.
 *
 *   decoder thread: object -> check XXH3-128 -> record batch --queue--> this thread: rows into the control plane
 *
 * A part of a table (a month) whose files are those that were published last is not read. A file's name is of its content, and another
 * writer's is never used twice, so that the paths tell. What they can't tell (no log says how many rows) is read always.
 *
 * The decoder works on the next batch while the database takes one. At most QUEUE_MAX batches wait, so memory is bounded by
 * the size of a row group, not of the tables. What is published is the picture of the run's history as its last stage left it.
 */
#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "flow/run_int.h"
#include "parquet/reader.h"

enum { QUEUE_MAX = 2, PARTITIONS_MAX = 8, PARTITION_TEXT_MAX = 64 };

/* A table of the serving database and the files of the lake's table that it shows. */
struct source {
	struct workload_mirror from;
	const struct file_ref **files; /* [n_files] by path */
	size_t *parts;                 /* [n_files] the part that each file is of */
	size_t n_files;
	int64_t rows; /* as commits and logs have it; -1 there counts 0 */
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
};

struct decoder {
	struct flow *f;
	const struct sources *from;
	int64_t *
		unlisted; /* [n_tables] rows read from files whose number of rows no log tells; others may look once the thread ended */
	pthread_mutex_t lock; /* guards what follows */
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

static status decode_group(struct decoder *d, size_t table, const struct file_ref *file, struct parquet_reader *r,
	size_t row_group, struct err *err)
{
	struct item *item = mem_zalloc(1, sizeof *item);
	if (item == NULL) return fail_nomem(err);
	arena_init(&item->arena, 0);
	item->table = table;
	const status code = item_fill(d, item, file, r, row_group, err);
	if (code != OK || item->batch.n_rows == 0) {
		item_destroy(item);
		return code;
	}
	if (!queue_put(d, item)) return fail(err, E_CANCELLED, "publishing stopped");
	return OK;
}

static status decode_file(struct decoder *d, size_t table, const struct file_ref *file, struct err *err)
{
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	const char *path = file->path;
	status code = check_bytes(d->f->lake, file, err);
	if (code == OK) code = store_object_open(d->f->lake, path, &object, err);
	if (code == E_NOT_FOUND) code = fail(err, E_VERIFY, "missing, though it was committed; restore it");
	if (code == OK) code = parquet_reader_open(object, &r, err);
	const size_t n = code == OK ? parquet_reader_n_row_groups(r) : 0;
	for (size_t g = 0; g < n && code == OK; g++) {
		code = cancel_check(err);
		if (code != OK || parquet_reader_row_group_rows(r, g) == 0) continue;
		code = decode_group(d, table, file, r, g, err);
	}
	if (r != NULL) parquet_reader_close(r);
	store_object_close(object);
	return err_at(err, code, path, -1, -1);
}

static status decode_all(struct decoder *d, struct err *err)
{
	for (size_t t = 0; t < d->from->n_tables; t++) {
		const struct source *table = &d->from->tables[t];
		for (size_t i = 0; i < table->n_files; i++) {
			if (d->from->told[t].parts[table->parts[i]].told) TRY(decode_file(d, t, table->files[i], err));
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
	int64_t *rows; /* [n_tables], as the database counts them */
	struct quality_list quality;
	int64_t bytes_in, rows_in, rows_out;
};

static status put_item(struct publication *x, const struct item *item, struct err *err)
{
	const char *partitions[PARTITIONS_MAX];
	for (size_t i = 0; i < PARTITIONS_MAX; i++) partitions[i] = item->partitions[i];
	TRY(control_publish_batch(x->p, &item->batch, partitions, err));
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
static status put_tables(struct publication *x, struct err *err)
{
	size_t open = 0;
	const struct sources *from = x->d->from;
	if (from->n_tables == 0) return OK;
	TRY(control_publish_table(x->p, &from->told[0], err));
	for (struct item *item; (item = queue_take(x->d)) != NULL;) {
		status code = OK;
		while (open < item->table && code == OK) {
			code = end_table(x, open, err);
			if (code == OK) code = control_publish_table(x->p, &from->told[++open], err);
		}
		if (code == OK) code = put_item(x, item, err);
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

/* The database's count of each table against the lake's: no row is lost, none doubled. */
static status compare(struct publication *x, bool *same, struct err *err)
{
	*same = true;
	for (size_t t = 0; t < x->d->from->n_tables; t++) {
		char dataset[128], value[24], threshold[24];
		const struct source *table = &x->d->from->tables[t];
		const struct table_schema *schema = table->from.schema;
		const int64_t want = table->rows + x->d->unlisted[t];
		(void)snprintf(dataset, sizeof dataset, "%s.%s", schema->layer, schema->name);
		(void)snprintf(value, sizeof value, "%lld", (long long)x->rows[t]);
		(void)snprintf(threshold, sizeof threshold, "%lld", (long long)want);
		const struct quality q = {
			.dataset = dataset,
			.check_name = "published_rows",
			.severity = QUALITY_CRITICAL,
			.value = value,
			.threshold = threshold,
			.details = "rows in the serving database = rows in the lake",
			.record_count = x->rows[t],
		};
		if (!quality_add(&x->quality, x->rows[t] == want, &q)) return fail_nomem(err);
		*same = *same && x->rows[t] == want;
		for (size_t i = 0; i < table->n_files; i++) {
			if (x->d->from->told[t].parts[table->parts[i]].told) x->bytes_in += table->files[i]->bytes;
		}
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
	return control_publish_commit(x->p, &stage, &checks, err);
}

static void decoder_stop(struct decoder *d)
{
	(void)pthread_mutex_lock(&d->lock);
	d->stop = true;
	(void)pthread_cond_signal(&d->changed);
	(void)pthread_mutex_unlock(&d->lock);
}

/* Which parts are read. What was asked to replace others' tables compares every row. */
static status look(struct publication *x, struct err *err)
{
	const struct sources *from = x->d->from;
	TRY(control_publish_look(x->p, from->told, from->n_tables, err));
	for (size_t t = 0; t < from->n_tables; t++) {
		const struct source *table = &from->tables[t];
		const struct control_table *told = &from->told[t];
		for (size_t i = 0; i < told->n_parts; i++) told->parts[i].told |= x->f->o->replace_published;
		for (size_t i = 0; i < table->n_files; i++)
			told->parts[table->parts[i]].told |= table->files[i]->rows < 0;
	}
	return OK;
}

/* The transaction: all tables in it, or none. *same: whether the counts agreed; it is undone when they did not. */
static status transact(struct publication *x, int64_t started, bool *same, struct err *err)
{
	pthread_t thread;
	TRY(control_publish_begin(x->f->control, &x->f->held.lease, &x->p, err));
	status code = look(x, err);
	const int rc = code == OK ? pthread_create(&thread, NULL, decoder_main, x->d) : -1;
	if (code == OK)
		code = rc == 0 ? put_tables(x, err) : fail_errno(err, rc, "cannot start a thread to read the tables");
	if (rc == 0) {
		decoder_stop(x->d);
		(void)pthread_join(thread, NULL);
		for (size_t i = 0; i < x->d->n_queued; i++) item_destroy(x->d->queue[i]);
	}
	if (code == OK) code = compare(x, same, err);
	if (code == OK && *same) code = commit(x, started, err);
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

/* SHA-256 of the paths of the part's files. */
static status name_files(const struct source *t, size_t part, struct arena *arena, const char **out, struct err *err)
{
	struct buf paths;
	uint8_t hash[SHA256_BYTES];
	char *hex = ARENA_NEW(arena, char, HEX_SHA256_CHARS + 1);
	if (hex == NULL) return fail_nomem(err);
	buf_init(&paths, 0);
	for (size_t i = 0; i < t->n_files; i++) {
		if (t->parts[i] == part) buf_printf(&paths, "%s\n", t->files[i]->path);
	}
	const status code = buf_check(&paths, err);
	if (code == OK) hash_sha256(paths.p, paths.n, hash);
	buf_deinit(&paths);
	TRY(code);
	hex_encode(hash, sizeof hash, hex);
	*out = hex;
	return OK;
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
	for (size_t i = 0; i < told->n_parts; i++) TRY(name_files(t, i, arena, &told->parts[i].files, err));
	return OK;
}

/* From the first look at the lake on. */
static status attempt(struct flow *f, struct arena *arena, struct err *err)
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
	struct publication x = {.f = f, .d = &d, .rows = counts + from.n_tables, .quality.arena = arena};
	return publish(&x, err);
}

/* What was staged is gone with the connection to the serving database, or somebody else published meanwhile: begin again, a few times.
 * Readers saw nothing of it. */
status flow_publish(struct flow *f, struct err *err)
{
	ASSERT(f->state.n_committed == f->w->n_stages);
	for (int k = 0;; k++) {
		struct arena arena;
		struct err why;
		arena_init(&arena, 0);
		err_clear(&why);
		const status code = attempt(f, &arena, &why);
		arena_deinit(&arena);
		const bool again = (code == E_UNREACHABLE || code == E_CONFLICT) && why.class == ERR_RETRY;
		if (!again || k == TASK_RETRIES_MAX || cancel_requested()) {
			if (code != OK && err != NULL) *err = why;
			return code;
		}
		log_line(LOG_WARN, "publishing again", "reason", why.message, NULL);
	}
}
