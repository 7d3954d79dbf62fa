/* flow/publish.c: the committed tables of the last stage, and those the workload mirrors, into the serving database.
 *
 *   decoder thread: object -> check XXH3-128 -> record batch -> current rows --queue--> this thread: rows into the control plane
 *
 * The decoder works on the next batch while the database takes one. At most QUEUE_MAX batches wait, so memory is bounded by
 * the size of a row group, not of the tables. Where a table is put together from several runs (flow/publish_sources.h), the
 * decoder leaves out what a newer one superseded, and keeps 20 to 30 bytes for each key of all runs but the oldest.
 */
#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "flow/claims.h"
#include "flow/publish_sources.h"
#include "parquet/reader.h"

enum { QUEUE_MAX = 2, PARTITIONS_MAX = 8, PARTITION_TEXT_MAX = 64 };

/* One row group of one file; owned by whoever holds it. */
struct item {
	size_t table;
	struct arena arena;
	struct batch batch;
	char partitions[PARTITIONS_MAX][PARTITION_TEXT_MAX];
};

struct decoder {
	struct flow *f;
	const struct publish_sources *from;
	/* Of the decoder's thread; others may look once it ended. */
	struct claims claims; /* of the table being read: keys, and the age of the newest run that touched each */
	int64_t *unlisted;    /* [n_tables] rows read from files whose number of rows no log tells */
	int64_t *superseded;  /* [n_tables] rows left out */
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

/* The run, and what the log says of the file. */
static status fill_partitions(
	struct item *item, const struct publish_file *file, const struct table_schema *schema, struct err *err)
{
	const size_t n_data = schema_n_data_columns(schema);
	ASSERT(schema->n_columns - n_data <= PARTITIONS_MAX);
	for (size_t i = n_data; i < schema->n_columns; i++) {
		char *dst = item->partitions[i - n_data];
		if (strcmp(schema->columns[i].name, "run_id") == 0)
			(void)snprintf(dst, PARTITION_TEXT_MAX, "%s", file->run_id);
		else
			TRY(partition_text(&file->ref, schema->columns[i].name, dst, err));
	}
	return OK;
}

/* ---- rows of newer runs and older ones ------------------------------------------------------------------------------- */

static status check_keys(const struct column *c, const char *name, struct err *err)
{
	if (c->type != COL_STRING)
		return fail(err, E_CORRUPT, "column %s is a %s, no text", name, col_type_name(c->type));
	for (int64_t i = 0; i < c->n; i++)
		if (!column_valid(c, i)) return fail(err, E_CORRUPT, "a row without %s", name);
	return OK;
}

/* Rows that no newer run touched. */
struct current {
	uint32_t *rows; /* [n], room for all; NULL: not wanted */
	int64_t n;
};

/* The run of this age touched these keys. Those of the oldest run are asked for, not kept. */
static status claim_keys(
	struct decoder *d, const struct column *keys, uint32_t age, bool keep, struct current *out, struct err *err)
{
	for (int64_t i = 0; i < keys->n; i++) {
		const struct str key = column_str(keys, i);
		uint32_t owner;
		if (keep)
			TRY(claims_take(&d->claims, key, age, &owner, err));
		else
			owner = claims_owner(&d->claims, key);
		if (out->rows != NULL && (owner == age || owner == CLAIMS_NOBODY)) out->rows[out->n++] = (uint32_t)i;
	}
	return OK;
}

/* Leave the rows of item that no newer run superseded. */
static status leave_current(
	struct decoder *d, size_t table, const struct publish_file *file, struct item *item, struct err *err)
{
	const struct publish_table *t = &d->from->tables[table];
	if (t->oldest == 0) return OK;
	struct batch *b = &item->batch;
	const int at = schema_column_index(t->from.schema, t->from.key);
	ASSERT(at >= 0 && (size_t)at < b->n_columns);
	struct current now = {.rows = ARENA_NEW(&item->arena, uint32_t, b->n_rows)};
	if (now.rows == NULL) return fail_nomem(err);
	TRY(check_keys(&b->columns[at], t->from.key, err));
	TRY(claim_keys(d, &b->columns[at], file->age, file->age < t->oldest, &now, err));
	if (now.n == b->n_rows) return OK;
	d->superseded[table] += b->n_rows - now.n;
	b->n_rows = now.n;
	if (now.n == 0) return OK;
	struct column *columns = ARENA_NEW(&item->arena, struct column, b->n_columns);
	if (columns == NULL) return fail_nomem(err);
	for (size_t i = 0; i < b->n_columns; i++)
		TRY(gather_column(&b->columns[i], now.rows, now.n, &item->arena, &columns[i], err));
	b->columns = columns;
	return OK;
}

/* A row group of `also`. */
static status claim_group(struct decoder *d, const struct publish_table *t, const struct publish_file *file,
	struct parquet_reader *r, size_t row_group, struct err *err)
{
	struct arena arena;
	struct batch b;
	struct current none = {0};
	const struct parquet_range range = whole_group(r, row_group);
	const int column = parquet_reader_column_index(r, t->from.key);
	if (column < 0) return fail(err, E_CORRUPT, "column %s is missing", t->from.key);
	arena_init(&arena, 0);
	status code = parquet_reader_read(r, &range, (struct parquet_columns){&column, 1}, &arena, &b, err);
	if (code == OK) code = check_keys(&b.columns[0], t->from.key, err);
	if (code == OK) code = claim_keys(d, &b.columns[0], file->age, true, &none, err);
	arena_deinit(&arena);
	return code;
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

static status item_fill(struct decoder *d, struct item *item, const struct publish_file *file, struct parquet_reader *r,
	size_t row_group, struct err *err)
{
	int columns[TABLE_COLUMNS_MAX];
	const struct table_schema *schema = d->from->tables[item->table].from.schema;
	const struct parquet_range range = whole_group(r, row_group);
	TRY(fill_partitions(item, file, schema, err));
	TRY(map_columns(r, schema, columns, err));
	TRY(parquet_reader_read(r, &range, (struct parquet_columns){columns, schema_n_data_columns(schema)},
		&item->arena, &item->batch, err));
	if (file->ref.rows < 0) d->unlisted[item->table] += item->batch.n_rows;
	return leave_current(d, item->table, file, item, err);
}

static status decode_group(struct decoder *d, size_t table, const struct publish_file *file, struct parquet_reader *r,
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

static status decode_file(struct decoder *d, size_t table, const struct publish_file *file, struct err *err)
{
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	const char *path = file->ref.path;
	status code = check_bytes(d->f->lake, &file->ref, err);
	if (code == OK) code = store_object_open(d->f->lake, path, &object, err);
	if (code == E_NOT_FOUND) code = fail(err, E_VERIFY, "missing, though it was committed; restore it");
	if (code == OK) code = parquet_reader_open(object, &r, err);
	const size_t n = code == OK ? parquet_reader_n_row_groups(r) : 0;
	for (size_t g = 0; g < n && code == OK; g++) {
		code = cancel_check(err);
		if (code != OK || parquet_reader_row_group_rows(r, g) == 0) continue;
		code = file->keys_only ? claim_group(d, &d->from->tables[table], file, r, g, err)
				       : decode_group(d, table, file, r, g, err);
	}
	if (r != NULL) parquet_reader_close(r);
	store_object_close(object);
	return err_at(err, code, path, -1, -1);
}

static status decode_all(struct decoder *d, struct err *err)
{
	for (size_t t = 0; t < d->from->n_tables; t++) {
		const struct publish_table *table = &d->from->tables[t];
		status code = OK;
		for (size_t i = 0; i < table->n_files && code == OK; i++)
			code = decode_file(d, t, &table->files[i], err);
		claims_deinit(&d->claims);
		TRY(code);
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
	const struct publish_sources *from = x->d->from;
	if (from->n_tables == 0) return OK;
	TRY(control_publish_table(x->p, from->tables[0].from.schema, err));
	for (struct item *item; (item = queue_take(x->d)) != NULL;) {
		status code = OK;
		while (open < item->table && code == OK) {
			code = end_table(x, open, err);
			if (code == OK) code = control_publish_table(x->p, from->tables[++open].from.schema, err);
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
		TRY(control_publish_table(x->p, from->tables[open + 1].from.schema, err));
	}
}

/* How a published table comes about, for who reads the check. */
static void say_equation(char *dst, size_t size, const struct publish_table *t, int64_t read, int64_t superseded)
{
	if (t->oldest == 0)
		(void)snprintf(dst, size, "rows in the serving database = rows in the lake");
	else
		(void)snprintf(dst, size,
			"rows in the serving database = %lld rows of this run and earlier ones - %lld that a newer run "
			"superseded",
			(long long)read, (long long)superseded);
}

/* The database's count of each table against the lake's: no row is lost, none doubled. */
static status compare(struct publication *x, bool *same, struct err *err)
{
	*same = true;
	for (size_t t = 0; t < x->d->from->n_tables; t++) {
		char dataset[128], value[24], threshold[24], details[192];
		const struct publish_table *table = &x->d->from->tables[t];
		const struct table_schema *schema = table->from.schema;
		const int64_t read = table->rows + x->d->unlisted[t];
		const int64_t want = read - x->d->superseded[t];
		(void)snprintf(dataset, sizeof dataset, "%s.%s", schema->layer, schema->name);
		(void)snprintf(value, sizeof value, "%lld", (long long)x->rows[t]);
		(void)snprintf(threshold, sizeof threshold, "%lld", (long long)want);
		say_equation(details, sizeof details, table, read, x->d->superseded[t]);
		const struct quality q = {
			.dataset = dataset,
			.check_name = "published_rows",
			.severity = QUALITY_CRITICAL,
			.value = value,
			.threshold = threshold,
			.details = details,
			.record_count = x->rows[t],
		};
		if (!quality_add(&x->quality, x->rows[t] == want, &q)) return fail_nomem(err);
		*same = *same && x->rows[t] == want;
		x->bytes_in += table->bytes;
		x->rows_in += read;
		x->rows_out += x->rows[t];
	}
	return OK;
}

static status commit(struct publication *x, int64_t started, struct err *err)
{
	struct flow *f = x->f;
	struct control_edge *edges;
	size_t n_edges;
	TRY(publish_sources_edges(x->d->from, f->id.info.run_id, x->quality.arena, &edges, &n_edges, err));
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

/* The transaction: all tables in it, or none. *same: whether the counts agreed; it is undone when they did not. */
static status transact(struct publication *x, int64_t started, bool *same, struct err *err)
{
	pthread_t thread;
	TRY(control_publish_begin(x->f->control, &x->f->held.lease, &x->p, err));
	const int rc = pthread_create(&thread, NULL, decoder_main, x->d);
	status code = rc == 0 ? put_tables(x, err) : fail_errno(err, rc, "cannot start a thread to read the tables");
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

/* From the first look at the lake on. */
static status attempt(struct flow *f, struct arena *arena, struct err *err)
{
	struct publish_sources from;
	TRY(publish_sources_find(f, arena, &from, err));
	int64_t *counts = ARENA_ZNEW(arena, int64_t, 3 * from.n_tables + 1);
	if (counts == NULL) return fail_nomem(err);
	struct decoder d = {
		.f = f,
		.from = &from,
		.unlisted = counts,
		.superseded = counts + from.n_tables,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	struct publication x = {.f = f, .d = &d, .rows = counts + 2 * from.n_tables, .quality.arena = arena};
	return publish(&x, err);
}

/* What was staged is gone with the connection to the serving database: begin again, a few times. Readers saw nothing of it. */
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
		if (code != E_UNREACHABLE || why.class != ERR_RETRY || k == TASK_RETRIES_MAX || cancel_requested()) {
			if (code != OK && err != NULL) *err = why;
			return code;
		}
		log_line(LOG_WARN, "publishing again", "reason", why.message, NULL);
	}
}
