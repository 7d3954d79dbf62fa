/* table/write/write.c: batches into data files of bounded size, with the stats of their adds.
 *
 * A file is named by its content and put whole; its stats are read back from its own footer, so that they say what the file holds. Must not
 * know the log's versions.
 */
#include "table/write/write.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "table/write/stats.h"

enum {
	ROW_GROUP_ROWS = 1 << 20,
	STEP_ROWS = 1 << 14,         /* rows copied before the sizes are looked at */
	PENDING_BYTES_MAX = 1 << 28, /* a row group ends at this many bytes in memory */
	FILE_BYTES = 1 << 27,
};

struct delta_writer {
	struct store *store;
	const char *root;
	const struct table_schema *columns;
	struct delta_writer_opts opts;
	struct buf folder; /* of the partition: "" or "month=2025-09", no NUL */
	struct parquet_writer *parquet;
	struct parquet_reader *reader; /* of the finished file's footer, for its statistics */
	struct builder *builders;      /* [columns->n_columns] rows of the row group to come */
	struct column *views;
	int64_t pending;
	size_t pending_bytes; /* as in memory */
	size_t raw_bytes;     /* of the open file's row groups, as in memory */
	struct arena arena;   /* paths and statistics of the adds */
	struct buf adds;      /* struct delta_add[] */
	struct buf text;
	bool failed;
};

/* ---- create, destroy ---- */

static status writer_setup(struct delta_writer *w, struct err *err)
{
	const size_t n = w->columns->n_columns;
	w->builders = mem_zalloc(n, sizeof *w->builders);
	w->views = mem_zalloc(n, sizeof *w->views);
	if (w->builders == NULL || w->views == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) builder_init(&w->builders[i], &w->columns->columns[i], false);
	path_folders(&w->folder, &w->opts.partition);
	TRY(buf_check(&w->folder, err));
	TRY(parquet_reader_create(&w->reader, err));
	return parquet_writer_create(w->columns, &w->opts.parquet, &w->parquet, err);
}

status delta_writer_create(struct store *store, const char *root, const struct table_schema *columns,
	const struct delta_writer_opts *opts, struct delta_writer **out, struct err *err)
{
	if (columns->n_columns == 0)
		return fail(err, E_UNSUPPORTED,
			"unsupported: writing table %s, which has no column beside its partitions", root);
	struct delta_writer *w = mem_zalloc(1, sizeof *w);
	if (w == NULL) return fail_nomem(err);
	*w = (struct delta_writer){.store = store, .root = root, .columns = columns, .opts = *opts};
	if (w->opts.file_bytes_max == 0) w->opts.file_bytes_max = FILE_BYTES;
	if (w->opts.row_group_rows == 0) w->opts.row_group_rows = ROW_GROUP_ROWS;
	buf_init(&w->folder, DELTA_KEY_MAX);
	buf_init(&w->adds, 0);
	buf_init(&w->text, 0);
	const status code = writer_setup(w, err);
	if (code != OK) {
		delta_writer_destroy(w);
		return code;
	}
	*out = w;
	return OK;
}

void delta_writer_destroy(struct delta_writer *w)
{
	if (w == NULL) return;
	for (size_t i = 0; w->builders != NULL && i < w->columns->n_columns; i++) builder_deinit(&w->builders[i]);
	mem_free(w->builders);
	mem_free(w->views);
	parquet_writer_destroy(w->parquet);
	parquet_reader_close(w->reader);
	buf_deinit(&w->folder);
	buf_deinit(&w->adds);
	buf_deinit(&w->text);
	arena_deinit(&w->arena);
	mem_free(w);
}

/* ---- files ---- */

static size_t n_adds(const struct delta_writer *w)
{
	return w->adds.n / sizeof(struct delta_add);
}

static const struct delta_add *adds(const struct delta_writer *w)
{
	return (const struct delta_add *)(const void *)w->adds.p;
}

static bool has_path(const struct delta_writer *w, struct str path)
{
	for (size_t i = 0; i < n_adds(w); i++)
		if (str_eq(adds(w)[i].path, path)) return true;
	return false;
}

/* A name by the bytes; a second file of the same bytes would be the first one, and its rows lost, but for its number. */
static status path_make(struct delta_writer *w, const uint8_t *p, size_t n, struct str *out, struct err *err)
{
	uint8_t hash[XXH128_BYTES];
	char hex[HEX_XXH128_CHARS + 1];
	hash_xxh128(p, n, hash);
	hex_encode(hash, sizeof hash, hex);
	for (size_t copy = 1;; copy++) {
		buf_reset(&w->text);
		buf_add(&w->text, w->folder.p, w->folder.n);
		buf_printf(&w->text, "%spart-%s", w->folder.n > 0 ? "/" : "", hex);
		if (w->opts.unique != NULL) buf_printf(&w->text, "-%s", w->opts.unique);
		if (copy > 1) buf_printf(&w->text, "-%zu", copy);
		buf_str(&w->text, ".parquet");
		TRY(buf_check(&w->text, err));
		const struct str path = {(const char *)w->text.p, w->text.n};
		if (has_path(w, path)) continue;
		const char *kept = arena_strndup(&w->arena, path.p, path.n);
		if (kept == NULL) return fail_nomem(err);
		*out = (struct str){kept, path.n};
		return OK;
	}
}

static status stats_make(
	struct delta_writer *w, const char *key, const uint8_t *p, size_t n, struct str *out, struct err *err)
{
	struct store_object *object = NULL;
	buf_reset(&w->text);
	TRY(store_object_from_memory(p, n, key, &object, err));
	status code = parquet_reader_reopen(w->reader, object, err);
	if (code == OK) code = delta_stats_write(w->reader, &w->text, NULL, err);
	store_object_close(object);
	TRY(code);
	TRY(buf_check(&w->text, err));
	const char *kept = arena_strndup(&w->arena, (const char *)w->text.p, w->text.n);
	if (kept == NULL) return fail_nomem(err);
	*out = (struct str){kept, w->text.n};
	return OK;
}

static status file_put(struct delta_writer *w, struct err *err)
{
	char key[DELTA_KEY_MAX];
	const uint8_t *p = NULL;
	size_t n = 0;
	if (parquet_writer_rows(w->parquet) == 0) return OK;
	TRY(parquet_writer_finish(w->parquet, &p, &n, err));
	struct delta_add add = {.partition = w->opts.partition,
		.size = (int64_t)n,
		.modified_ms = w->opts.modified_ms,
		.data_change = w->opts.data_change};
	TRY(path_make(w, p, n, &add.path, err));
	TRY(delta_key(key, w->root, add.path, err));
	TRY(store_put_later(w->store, key, p, n, NULL, err));
	TRY(stats_make(w, key, p, n, &add.stats, err));
	buf_add(&w->adds, &add, sizeof add);
	TRY(buf_check(&w->adds, err));
	parquet_writer_reset(w->parquet);
	w->raw_bytes = 0;
	return OK;
}

/* ---- row groups ---- */

/* How many bytes the open file would have with the pending rows: these shrink like those before them. */
static size_t file_estimate(const struct delta_writer *w)
{
	const size_t written = parquet_writer_bytes(w->parquet);
	if (w->raw_bytes == 0) return written + w->pending_bytes;
	return written + (size_t)((double)w->pending_bytes * (double)written / (double)w->raw_bytes);
}

static status group_write(
	struct delta_writer *w, const struct batch *b, const struct parquet_rows *rows, struct err *err)
{
	TRY(parquet_writer_row_group(w->parquet, b, rows, err));
	const size_t full = (size_t)w->opts.file_bytes_max;
	/* The estimate was too high when a row group of unknown data ended at it: then the file goes on. */
	return parquet_writer_bytes(w->parquet) >= full - full / 8 ? file_put(w, err) : OK;
}

static status pending_write(struct delta_writer *w, struct err *err)
{
	if (w->pending == 0) return OK;
	for (size_t i = 0; i < w->columns->n_columns; i++)
		TRY(builder_finish(&w->builders[i], w->pending, &w->views[i], err));
	const struct batch b = {
		.schema = w->columns, .n_columns = w->columns->n_columns, .columns = w->views, .n_rows = w->pending};
	const struct parquet_rows rows = {.n = (uint32_t)w->pending};
	w->raw_bytes += w->pending_bytes;
	TRY(group_write(w, &b, &rows, err));
	for (size_t i = 0; i < w->columns->n_columns; i++) builder_reset(&w->builders[i]);
	w->pending = 0;
	w->pending_bytes = 0;
	return OK;
}

/* rows[0..n) of b behind the pending ones. */
static void pending_add(struct delta_writer *w, const struct batch *b, const uint32_t *rows, uint32_t n)
{
	for (size_t i = 0; i < w->columns->n_columns; i++) {
		struct builder *to = &w->builders[i];
		const struct column *c = &b->columns[i];
		const size_t width = col_type_width(c->type), before = builder_data_bytes(to);
		builder_add(to, w->pending, c, rows, n);
		w->pending_bytes += n * (width > 0 ? width : 1) + (builder_data_bytes(to) - before);
	}
	w->pending += n;
}

static status pending_check(struct delta_writer *w, struct err *err)
{
	const bool full = w->pending >= w->opts.row_group_rows || w->pending_bytes >= PENDING_BYTES_MAX ||
			  file_estimate(w) >= (size_t)w->opts.file_bytes_max;
	return full ? pending_write(w, err) : OK;
}

static status writer_add(
	struct delta_writer *w, const struct batch *b, const struct parquet_rows *rows, struct err *err)
{
	uint32_t all[STEP_ROWS];
	for (uint32_t at = 0; at < rows->n;) {
		const int64_t room = (int64_t)w->opts.row_group_rows - w->pending;
		uint32_t n = rows->n - at < STEP_ROWS ? rows->n - at : STEP_ROWS;
		ASSERT(room > 0); /* pending_check wrote a full row group */
		if (n > room) n = (uint32_t)room;
		for (uint32_t i = 0; i < n; i++) all[i] = rows->rows != NULL ? rows->rows[at + i] : at + i;
		pending_add(w, b, all, n);
		at += n;
		TRY(pending_check(w, err));
	}
	return OK;
}

static void check_types(const struct delta_writer *w, const struct batch *b)
{
	ASSERT(b->n_columns >= w->columns->n_columns);
	for (size_t i = 0; i < w->columns->n_columns; i++) ASSERT(b->columns[i].type == w->columns->columns[i].type);
}

status delta_writer_add(struct delta_writer *w, const struct batch *b, const struct parquet_rows *rows, struct err *err)
{
	if (w->failed) return fail(err, E_USAGE, "the writer of table %s failed before", w->root);
	check_types(w, b);
	const status code = writer_add(w, b, rows, err);
	w->failed = code != OK;
	return code;
}

status delta_writer_group(struct delta_writer *w, const struct batch *b, struct err *err)
{
	if (w->failed) return fail(err, E_USAGE, "the writer of table %s failed before", w->root);
	check_types(w, b);
	ASSERT(b->n_rows > 0 && b->n_rows <= w->opts.row_group_rows);
	status code = pending_write(w, err);
	if (code == OK) code = group_write(w, b, &(struct parquet_rows){.n = (uint32_t)b->n_rows}, err);
	w->failed = code != OK;
	return code;
}

size_t delta_writer_pending(const struct delta_writer *w)
{
	return w->pending_bytes + parquet_writer_bytes(w->parquet);
}

status delta_writer_flush(struct delta_writer *w, struct err *err)
{
	if (w->failed) return fail(err, E_USAGE, "the writer of table %s failed before", w->root);
	status code = pending_write(w, err);
	if (code == OK) code = file_put(w, err);
	w->failed = code != OK;
	return code;
}

status delta_writer_finish(struct delta_writer *w, const struct delta_add **files, size_t *n, struct err *err)
{
	TRY(delta_writer_flush(w, err));
	*files = adds(w);
	*n = n_adds(w);
	return OK;
}
