/* flow/part_scan.c: see part_scan.h. One reader for all files of a scan; a batch lives in the scratch arena until the next
 * row group. It knows files and columns, no figure. */
#include "flow/part_scan.h"

#include "base/thread.h"
#include "parquet/reader.h"

enum { HASH_CHUNK = 256 * 1024 };

int64_t part_files_rows(const struct file_list *files)
{
	int64_t rows = 0;
	for (size_t i = 0; i < files->n; i++) rows += files->items[i].rows;
	return rows;
}

static status hash_object(struct store_object *object, uint8_t *chunk, uint8_t out[XXH128_BYTES], struct err *err)
{
	struct hash_stream h;
	const int64_t size = store_object_size(object);
	TRY(hash_stream_init(&h, false, err));
	status code = OK;
	for (int64_t at = 0; code == OK && at < size; at += HASH_CHUNK) {
		const size_t n = size - at < HASH_CHUNK ? (size_t)(size - at) : (size_t)HASH_CHUNK;
		code = store_object_read_at(object, at, chunk, n, err);
		if (code == OK) hash_stream_add(&h, chunk, n);
	}
	if (code == OK) hash_stream_final(&h, out, NULL);
	hash_stream_deinit(&h);
	return code;
}

static status check_hash(
	struct store_object *object, const struct file_ref *file, struct arena *scratch, struct err *err)
{
	uint8_t found[XXH128_BYTES];
	uint8_t *chunk = arena_alloc(scratch, HASH_CHUNK, 64);
	if (chunk == NULL) return fail_nomem(err);
	TRY(hash_object(object, chunk, found, err));
	if (memcmp(found, file->xxh128, sizeof found) != 0)
		return fail(err, E_VERIFY,
			"the object is not the one that its stage wrote (XXH3-128 differs); run pqr verify");
	return OK;
}

static status find_columns(const struct part_scan *s, const struct parquet_reader *r, int *index, struct err *err)
{
	for (size_t i = 0; i < s->n_columns; i++) {
		index[i] = parquet_reader_column_index(r, s->columns[i]->name);
		if (index[i] < 0) return fail(err, E_CORRUPT, "column %s is missing", s->columns[i]->name);
		const enum col_type found = parquet_reader_column(r, (size_t)index[i])->def.type;
		if (found != s->columns[i]->type)
			return fail(err, E_CORRUPT, "column %s is %s, expected %s", s->columns[i]->name,
				col_type_name(found), col_type_name(s->columns[i]->type));
	}
	return OK;
}

static status scan_groups(struct part_scan *s, struct parquet_reader *r, struct arena *scratch, struct err *err)
{
	int index[PART_SCAN_COLUMNS_MAX];
	TRY(find_columns(s, r, index, err));
	for (size_t g = 0; g < parquet_reader_n_row_groups(r); g++) {
		struct batch b;
		const struct parquet_range range = {g, 0, parquet_reader_row_group_rows(r, g)};
		arena_reset(scratch);
		TRY(parquet_reader_read(r, &range, (struct parquet_columns){index, s->n_columns}, scratch, &b, err));
		TRY(s->visit(s->arg, &b, scratch, err));
		s->rows += b.n_rows;
	}
	return OK;
}

/* r: one reader for all files of a scan, so that its buffers are made once. */
static status scan_object(struct part_scan *s, const struct file_ref *file, struct store_object *object,
	struct parquet_reader *r, struct arena *scratch, struct err *err)
{
	arena_reset(scratch);
	if (s->check_hash) TRY(check_hash(object, file, scratch, err));
	TRY(parquet_reader_reopen(r, object, err));
	if (parquet_reader_rows(r) != file->rows)
		return fail(err, E_CORRUPT, "%lld rows, expected %lld", (long long)parquet_reader_rows(r),
			(long long)file->rows);
	s->bytes += store_object_size(object);
	if (s->enter != NULL) TRY(s->enter(s->arg, file, err));
	return scan_groups(s, r, scratch, err);
}

status part_scan(struct part_scan *s, struct err *err)
{
	struct arena scratch;
	struct parquet_reader *r = NULL;
	ASSERT(s->n_columns <= PART_SCAN_COLUMNS_MAX);
	arena_init(&scratch, 0);
	status code = parquet_reader_create(&r, err);
	for (size_t i = 0; code == OK && i < s->files->n; i++) {
		const struct file_ref *file = &s->files->items[i];
		struct store_object *object = NULL;
		code = cancel_check(err);
		task_ahead(s->env, s->files->items, s->files->n, i);
		if (code == OK) code = store_object_open(s->env->lake, file->path, &object, err);
		if (code != OK) break;
		code = scan_object(s, file, object, r, &scratch, err);
		store_object_close(object);
		if (code != OK) code = err_at(err, code, file->path, -1, -1);
	}
	parquet_reader_close(r);
	arena_deinit(&scratch);
	return code;
}
