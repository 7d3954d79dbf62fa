#include "flow/task.h"

#include <stdio.h>

#include "parquet/reader.h"
#include "table/write/stats.h"

/* Make room for one more item of a list kept in an arena; old arrays stay behind in the arena. */
static void *list_grow(struct arena *arena, const void *items, size_t n, size_t *cap, size_t item_size)
{
	if (n < *cap) return (void *)(uintptr_t)items;
	const size_t wanted = *cap != 0 ? *cap * 2 : 16;
	size_t bytes;
	if (__builtin_mul_overflow(wanted, item_size, &bytes)) return NULL;
	void *grown = arena_alloc(arena, bytes, _Alignof(max_align_t));
	if (grown == NULL) return NULL;
	if (n > 0) memcpy(grown, items, n * item_size);
	*cap = wanted;
	return grown;
}

static const char *keep(struct arena *arena, const char *s)
{
	return s != NULL ? arena_strndup(arena, s, strlen(s)) : "";
}

bool file_list_add(struct file_list *l, const struct file_ref *f)
{
	struct file_ref *items = list_grow(l->arena, l->items, l->n, &l->cap, sizeof *items);
	if (items == NULL) return false;
	l->items = items;
	struct file_ref copy = *f;
	copy.table = keep(l->arena, f->table);
	copy.path = keep(l->arena, f->path);
	if (f->stats != NULL) copy.stats = keep(l->arena, f->stats);
	if (copy.table == NULL || copy.path == NULL || (f->stats != NULL && copy.stats == NULL)) return false;
	items[l->n++] = copy;
	return true;
}

bool counter_add(struct counter_list *l, const char *name, int64_t value)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->items[i].name, name) != 0) continue;
		l->items[i].value += value;
		return true;
	}
	struct counter *items = list_grow(l->arena, l->items, l->n, &l->cap, sizeof *items);
	if (items == NULL) return false;
	l->items = items;
	const char *copy = keep(l->arena, name);
	if (copy == NULL) return false;
	items[l->n++] = (struct counter){copy, value};
	return true;
}

int64_t counter_get(const struct counter_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->items[i].name, name) == 0) return l->items[i].value;
	}
	return 0;
}

struct task_spec *task_list_add(struct task_list *l)
{
	struct task_spec *items = list_grow(l->arena, l->items, l->n, &l->cap, sizeof *items);
	if (items == NULL) return NULL;
	l->items = items;
	items[l->n] = (struct task_spec){.stage = "", .task_id = "", .part = "", .inputs.arena = l->arena};
	return &items[l->n++];
}

static status output(
	const struct task_env *env, struct task_result *out, struct file_ref *file, const void *p, struct err *err)
{
	const size_t n = (size_t)file->bytes;
	hash_xxh128(p, n, file->xxh128);
	hash_sha256(p, n, file->sha256);
	TRY(store_put_later(env->lake, file->path, p, n, file->sha256, err));
	if (!file_list_add(&out->outputs, file)) return fail_nomem(err);
	return OK;
}

status task_output_object(const struct task_env *env, struct task_result *out, const char *table, const char *key,
	const void *p, size_t n, int64_t rows, struct err *err)
{
	struct file_ref file = {.table = table, .path = key, .rows = rows, .bytes = (int64_t)n};
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
	uint8_t name[XXH128_BYTES];
	char hex[HEX_XXH128_CHARS + 1];
	char key[1024];
	hash_xxh128(p, n, name);
	hex_encode(name, sizeof name, hex);
	const int len = snprintf(key, sizeof key, "%s/part-%s.parquet", dir, hex);
	if (len < 0 || (size_t)len >= sizeof key) return fail(err, E_LIMIT, "key over %zu bytes: %s", sizeof key, dir);
	struct file_ref file = {.table = table, .path = key, .rows = rows, .bytes = (int64_t)n};
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
