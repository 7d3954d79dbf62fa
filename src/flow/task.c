/* flow/task.c: the lists of tasks and results, and the objects a task puts.
 *
 * 1. Texts of a list are copied into its arena: whoever filled it may go.
 * 2. A data file is named by its content, so the same rows written twice are one object.
 * It knows keys and bytes, no stage and no table.
 */
#include "flow/task.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"
#include "parquet/reader.h"
#include "table/write/stats.h"

static const char *keep(struct arena *arena, const char *s)
{
	return s != NULL ? arena_strndup(arena, s, strlen(s)) : "";
}

bool file_list_add(struct file_list *l, const struct file_ref *f)
{
	if (!VEC_ROOM_IN(l->arena, l, 1)) return false;
	struct file_ref copy = *f;
	copy.table = keep(l->arena, f->table);
	copy.path = keep(l->arena, f->path);
	if (f->stats != NULL) copy.stats = keep(l->arena, f->stats);
	if (copy.table == NULL || copy.path == NULL || (f->stats != NULL && copy.stats == NULL)) return false;
	l->items[l->n++] = copy;
	return true;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct file_ref *)a)->path, ((const struct file_ref *)b)->path);
}

void file_list_sort(struct file_list *l)
{
	if (l->n > 1) qsort(l->items, l->n, sizeof *l->items, by_path);
}

void task_result_init(struct task_result *r, struct arena *arena)
{
	*r = (struct task_result){.outputs.arena = arena, .counters.arena = arena};
	event_stats_init(&r->events, arena);
}

struct task_spec *task_list_add(struct task_list *l)
{
	if (!VEC_ROOM_IN(l->arena, l, 1)) return NULL;
	l->items[l->n] = (struct task_spec){.stage = "", .task_id = "", .part = "", .inputs.arena = l->arena};
	return &l->items[l->n++];
}

/* file->xxh128 is p's already: a part is named by it. */
static status output(
	const struct task_env *env, struct task_result *out, struct file_ref *file, const void *p, struct err *err)
{
	const size_t n = (size_t)file->bytes;
	ASSERT(out->outputs.arena != NULL && file->bytes >= 0);
	hash_sha256(p, n, file->sha256);
	TRY(store_put_later(env->lake, file->path, p, n, file->sha256, err));
	if (!file_list_add(&out->outputs, file)) return fail_nomem(err);
	return OK;
}

status task_output_object(const struct task_env *env, struct task_result *out, const char *table, const char *key,
	const void *p, size_t n, int64_t rows, struct err *err)
{
	struct file_ref file = {.table = table, .path = key, .rows = rows, .bytes = (int64_t)n};
	hash_xxh128(p, n, file.xxh128);
	return output(env, out, &file, p, err);
}

/* The statistics of a file that is still in memory: a commit need not open it again. */
static status part_stats(const void *p, size_t n, const char *key, struct buf *out, struct err *err)
{
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	TRY(store_object_from_memory(p, n, key, &object, err));
	status code = parquet_reader_open(object, &r, err);
	if (code == OK) code = delta_stats_write(r, out, NULL, err);
	parquet_reader_close(r);
	store_object_close(object);
	buf_char(out, '\0');
	return code == OK ? buf_check(out, err) : code;
}

status task_output_part(const struct task_env *env, struct task_result *out, const char *table, const char *dir,
	const void *p, size_t n, int64_t rows, struct err *err)
{
	char hex[HEX_XXH128_CHARS + 1];
	char key[1024];
	struct file_ref file = {.table = table, .path = key, .rows = rows, .bytes = (int64_t)n};
	hash_xxh128(p, n, file.xxh128);
	hex_encode(file.xxh128, sizeof file.xxh128, hex);
	const int len = snprintf(key, sizeof key, "%s/part-%s.parquet", dir, hex);
	if (len < 0 || (size_t)len >= sizeof key) return fail(err, E_LIMIT, "key over %zu bytes: %s", sizeof key, dir);
	struct buf stats;
	buf_init(&stats, 0);
	status code = part_stats(p, n, key, &stats, err);
	file.stats = (const char *)stats.p;
	if (code == OK) code = output(env, out, &file, p, err);
	buf_deinit(&stats);
	return code;
}

void task_ahead(const struct task_env *env, const struct file_ref *files, size_t n, size_t i)
{
	const size_t first = i == 0 ? 0 : i + TASK_AHEAD;
	for (size_t k = first; k < n && k <= i + TASK_AHEAD; k++) {
		const struct store_hint hint = {files[k].path, files[k].bytes, 1};
		store_will_open(env->lake, &hint);
	}
}
