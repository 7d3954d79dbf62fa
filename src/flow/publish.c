/* flow/publish.c: the committed tables of the last stage, and those the workload mirrors, into the serving database.
 *
 *   decoder thread: object -> check XXH3-128 -> record batch --queue--> this thread: rows into the control plane
 *
 * The decoder works on the next batch while the database takes one. At most QUEUE_MAX batches wait, so memory is bounded by
 * the size of a row group, not of the tables.
 */
#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "flow/run_int.h"
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
	const struct workload_mirror *tables; /* what to publish, and from which table of the lake */
	size_t n_tables;
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

static status check_bytes(struct store *lake, const struct file_ref *ref, struct err *err)
{
	struct buf bytes;
	uint8_t hash[XXH128_BYTES];
	buf_init(&bytes, 0);
	status code = store_get(lake, ref->path, &bytes, err);
	if (code == OK) {
		hash_xxh128(bytes.p, bytes.n, hash);
		if (memcmp(hash, ref->xxh128, sizeof hash) != 0)
			code = err_at(err, fail(err, E_VERIFY, "changed after it was committed (XXH3-128 differs)"),
				ref->path, -1, -1);
	}
	buf_deinit(&bytes);
	return code;
}

/* The value of a hive folder <name>=<value>/ of the path. */
static status partition_value(const char *path, const char *name, char dst[PARTITION_TEXT_MAX], struct err *err)
{
	const size_t n = strlen(name);
	for (const char *p = path; p != NULL; p = strchr(p, '/')) {
		if (*p == '/') p++;
		if (strncmp(p, name, n) != 0 || p[n] != '=') continue;
		const char *end = strchr(p, '/');
		const size_t length = end != NULL ? (size_t)(end - p) - n - 1 : 0;
		if (length == 0 || length >= PARTITION_TEXT_MAX) break;
		memcpy(dst, p + n + 1, length);
		dst[length] = '\0';
		return OK;
	}
	return err_at(err, fail(err, E_CORRUPT, "no folder %s= in the path of a table partitioned by it", name), path,
		-1, -1);
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

static status item_fill(struct item *item, struct parquet_reader *r, const struct table_schema *schema,
	size_t row_group, struct err *err)
{
	int columns[TABLE_COLUMNS_MAX];
	const struct parquet_range range = {
		.row_group = row_group, .begin = 0, .end = parquet_reader_row_group_rows(r, row_group)};
	TRY(map_columns(r, schema, columns, err));
	return parquet_reader_read(r, &range, columns, schema_n_data_columns(schema), &item->arena, &item->batch, err);
}

static status decode_group(struct decoder *d, size_t table, const struct file_ref *ref, struct parquet_reader *r,
	size_t row_group, struct err *err)
{
	const struct table_schema *schema = d->tables[table].schema;
	const size_t n_data = schema_n_data_columns(schema);
	struct item *item = mem_zalloc(1, sizeof *item);
	if (item == NULL) return fail(err, E_NOMEM, "out of memory reading %s", ref->path);
	arena_init(&item->arena, 0);
	item->table = table;
	status code = OK;
	for (size_t i = n_data; i < schema->n_columns && code == OK; i++)
		code = partition_value(ref->path, schema->columns[i].name, item->partitions[i - n_data], err);
	if (code == OK) code = item_fill(item, r, schema, row_group, err);
	if (code != OK) {
		item_destroy(item);
		return err_at(err, code, ref->path, -1, -1);
	}
	if (!queue_put(d, item)) return fail(err, E_CANCELLED, "publishing stopped");
	return OK;
}

static status decode_file(struct decoder *d, size_t table, const struct file_ref *ref, struct err *err)
{
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	TRY(check_bytes(d->f->lake, ref, err));
	status code = store_object_open(d->f->lake, ref->path, &object, err);
	if (code == OK) code = parquet_reader_open(object, &r, err);
	const size_t n = code == OK ? parquet_reader_n_row_groups(r) : 0;
	for (size_t g = 0; g < n && code == OK; g++) {
		code = cancel_check(err);
		if (code == OK && parquet_reader_row_group_rows(r, g) > 0)
			code = decode_group(d, table, ref, r, g, err);
	}
	if (r != NULL) parquet_reader_close(r);
	store_object_close(object);
	return err_at(err, code, ref->path, -1, -1);
}

/* Call visit for each committed file of a table of the lake, in path order. */
typedef status (*source_visit)(void *arg, size_t table, const struct file_ref *ref, struct err *err);
static status each_file(
	const struct flow *f, size_t table, const char *source, source_visit visit, void *arg, struct err *err)
{
	for (size_t k = 0; k < f->w->n_stages; k++) {
		for (size_t i = 0; i < f->files[k].n; i++) {
			const struct file_ref *ref = &f->files[k].items[i];
			if (strcmp(ref->table, source) == 0) TRY(visit(arg, table, ref, err));
		}
	}
	return OK;
}

static status decode_visit(void *arg, size_t table, const struct file_ref *ref, struct err *err)
{
	return decode_file(arg, table, ref, err);
}

static status decode_all(struct decoder *d, struct err *err)
{
	for (size_t t = 0; t < d->n_tables; t++) TRY(each_file(d->f, t, d->tables[t].source, decode_visit, d, err));
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
	atomic_fetch_add(&x->f->progress.rows, item->batch.n_rows);
	return OK;
}

static status end_table(struct publication *x, size_t table, struct err *err)
{
	TRY(control_publish_table_end(x->p, &x->rows[table], err));
	atomic_fetch_add(&x->f->progress.done, 1);
	return OK;
}

/* Tables come in order; those without a row are made too. */
static status put_tables(struct publication *x, struct err *err)
{
	size_t open = 0;
	if (x->d->n_tables == 0) return OK;
	TRY(control_publish_table(x->p, x->d->tables[0].schema, err));
	for (struct item *item; (item = queue_take(x->d)) != NULL;) {
		status code = OK;
		while (open < item->table && code == OK) {
			code = end_table(x, open, err);
			if (code == OK) code = control_publish_table(x->p, x->d->tables[++open].schema, err);
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
		if (open + 1 == x->d->n_tables) return OK;
		TRY(control_publish_table(x->p, x->d->tables[open + 1].schema, err));
	}
}

struct totals {
	int64_t rows, bytes;
};

static status add_totals(void *arg, size_t table, const struct file_ref *ref, struct err *err)
{
	struct totals *sum = arg;
	(void)table;
	(void)err;
	sum->rows += ref->rows;
	sum->bytes += ref->bytes;
	return OK;
}

/* The database's count of each table against the lake's. */
static status compare(struct publication *x, bool *same, struct err *err)
{
	*same = true;
	for (size_t t = 0; t < x->d->n_tables; t++) {
		char dataset[128], value[24], threshold[24];
		const struct table_schema *schema = x->d->tables[t].schema;
		struct totals sum = {0};
		TRY(each_file(x->f, t, x->d->tables[t].source, add_totals, &sum, err));
		const int64_t want = sum.rows;
		x->bytes_in += sum.bytes;
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
		if (!quality_add(&x->quality, x->rows[t] == want, &q))
			return fail(err, E_NOMEM, "out of memory checking the published rows");
		*same = *same && x->rows[t] == want;
		x->rows_in += want;
		x->rows_out += x->rows[t];
	}
	return OK;
}

static status commit(struct publication *x, int64_t started, struct err *err)
{
	struct flow *f = x->f;
	struct control_edge *edges = ARENA_ZNEW(&f->arena, struct control_edge, x->d->n_tables + 1);
	if (edges == NULL) return fail(err, E_NOMEM, "out of memory recording lineage");
	for (size_t t = 0; t < x->d->n_tables; t++) {
		const struct table_schema *s = x->d->tables[t].schema;
		edges[t].input = x->d->tables[t].source;
		edges[t].output = arena_printf(&f->arena, "serving.%s_%s", s->layer, s->name);
		edges[t].output_version = f->info.run_id;
		edges[t].input_version = f->info.run_id;
		if (edges[t].output == NULL) return fail(err, E_NOMEM, "out of memory recording lineage");
	}
	for (size_t i = 0; i < f->w->n_views; i++)
		TRY(control_publish_view(x->p, f->w->views[i].name, f->w->views[i].sql, err));
	const struct control_stage stage = {
		.run_id = f->info.run_id,
		.name = "publish",
		.ordinal = (int64_t)f->w->n_stages,
		.location = control_uri(f->control),
		.sha256 = "",
		.n_tasks = (int64_t)x->d->n_tables,
		.us = time_mono_us() - started,
		.rows_in = x->rows_in,
		.rows_out = x->rows_out,
		.bytes_in = x->bytes_in,
		.committed_at = time_now_us(),
		.edges = edges,
		.n_edges = x->d->n_tables,
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
	TRY(control_publish_begin(x->f->control, &x->f->lease, &x->p, err));
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

/* tables[n_tables + n_mirrors]. */
static status tables_to_publish(
	const struct flow *f, struct workload_mirror *tables, size_t *n, struct arena *arena, struct err *err)
{
	const struct workload *w = f->w;
	*n = 0;
	for (size_t i = 0; i < w->n_tables; i++) {
		const struct table_schema *t = w->tables[i];
		if (strcmp(t->layer, w->stages[w->n_stages - 1].name) != 0) continue;
		const char *source = arena_printf(arena, "%s.%s", t->layer, t->name);
		if (source == NULL) return fail(err, E_NOMEM, "out of memory publishing");
		tables[(*n)++] = (struct workload_mirror){t, source};
	}
	if (w->mirrors_on == NULL || (!control_is_server(f->control) && !w->mirrors_on(f->config))) return OK;
	for (size_t i = 0; i < w->n_mirrors; i++) tables[(*n)++] = w->mirrors[i];
	return OK;
}

static status publish(struct publication *x, struct err *err)
{
	struct flow *f = x->f;
	const int64_t started = time_mono_us();
	bool same = false;
	progress_step(&f->progress, "publish", (int64_t)x->d->n_tables, 0);
	TRY(transact(x, started, &same, err));
	if (!same)
		return flow_quality_settle(f, "publish", &x->quality, err); /* the others went with the transaction */
	struct stage_report *report = flow_report_stage(f, "publish");
	*report = (struct stage_report){
		.name = "publish",
		.done = true,
		.n_tasks = (int64_t)x->d->n_tables,
		.us = time_mono_us() - started,
		.rows_in = x->rows_in,
		.rows_out = x->rows_out,
		.bytes_in = x->bytes_in,
	};
	f->published = true;
	return OK;
}

/* From the first row on. */
static status attempt(struct flow *f, struct arena *arena, struct err *err)
{
	const size_t n_max = f->w->n_tables + f->w->n_mirrors + 1;
	struct workload_mirror *tables = ARENA_ZNEW(arena, struct workload_mirror, n_max);
	int64_t *rows = ARENA_ZNEW(arena, int64_t, n_max);
	struct decoder d = {
		.f = f, .tables = tables, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	struct publication x = {.f = f, .d = &d, .rows = rows, .quality.arena = arena};
	if (tables == NULL || rows == NULL) return fail(err, E_NOMEM, "out of memory publishing");
	TRY(tables_to_publish(f, tables, &d.n_tables, arena, err));
	return publish(&x, err);
}

/* What was staged is gone with the connection to the serving database: begin again, a few times. Readers saw nothing of it. */
status flow_publish(struct flow *f, struct err *err)
{
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
