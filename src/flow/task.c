/* flow/task.c: the specs and results of tasks, and the objects a task puts.
 *
 * A data file is named by its content, so the same rows written twice are one object. It knows keys and bytes, no stage and no table.
 */
#include "flow/task.h"

#include "base/vec.h"
#include "parquet/reader.h"
#include "table/write/stats.h"

void task_result_init(struct task_result *r, const struct task_spec *spec, struct arena *arena)
{
	*r = (struct task_result){
		.outputs.arena = arena,
		.counters.arena = arena,
		.standing = spec != NULL ? &spec->standing : NULL,
	};
	event_stats_init(&r->events, arena);
}

struct task_spec *task_list_add(struct task_list *l)
{
	if (!VEC_ROOM_IN(l->arena, l, 1)) return NULL;
	l->items[l->n] = (struct task_spec){.stage = "",
		.task_id = "",
		.part = "",
		.history = "",
		.inputs.arena = l->arena,
		.standing.arena = l->arena,
		.since = INT64_MIN};
	return &l->items[l->n++];
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

static status file_stats(const struct task_file *file, const char *key, struct buf *out, struct err *err)
{
	return file->name == NULL ? part_stats(file->p, file->n, key, out, err) : OK;
}

/* The same part of the table, whichever run's? */
static bool same_part(const struct delta_pairs *a, const struct delta_pairs *b)
{
	if (a->n != b->n) return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct delta_pair *x = &a->items[i], *y = delta_pairs_get(b, x->key);
		if (y == NULL || (!str_is(x->key, "run_id") && !str_eq(x->value, y->value))) return false;
	}
	return true;
}

static const struct file_ref *find_standing(const struct file_list *standing, const struct file_ref *file)
{
	for (size_t i = 0; standing != NULL && i < standing->n; i++) {
		const struct file_ref *s = &standing->items[i];
		if (memcmp(s->xxh128, file->xxh128, XXH128_BYTES) == 0 && s->bytes == file->bytes &&
			strcmp(s->table, file->table) == 0 && same_part(&s->partition, &file->partition))
			return s;
	}
	return NULL;
}

status task_output_keep(struct task_result *out, const struct file_ref *standing, struct err *err)
{
	return file_list_add(&out->outputs, standing) ? OK : fail_nomem(err);
}

static status output_put(struct store *lake, const struct task_file *file, const struct file_ref *ref,
	struct file_list *outputs, struct err *err)
{
	TRY(store_put_later(lake, ref->path, file->p, file->n, ref->sha256, err));
	return file_list_add(outputs, ref) ? OK : fail_nomem(err);
}

status task_output(const struct task_env *env, struct task_result *out, const struct task_file *file, struct err *err)
{
	char root[PATH_KEY_MAX], key[PATH_KEY_MAX], name[PATH_PART_NAME_CHARS + 1];
	struct file_ref ref = {.table = file->table,
		.path = key,
		.partition = file->partition,
		.rows = file->rows,
		.bytes = (int64_t)file->n,
		.made_of = file->made_of};
	ASSERT(out->outputs.arena != NULL && file->n > 0);
	hash_xxh128(file->p, file->n, ref.xxh128);
	path_part_name(ref.xxh128, name);
	TRY(path_table_root(root, file->table, err));
	TRY(path_key(key, root, &file->partition, file->name != NULL ? file->name : name, err));
	const struct file_ref *stands = file->name == NULL ? find_standing(out->standing, &ref) : NULL;
	if (stands != NULL) return task_output_keep(out, stands, err);
	hash_sha256(file->p, file->n, ref.sha256);
	struct buf stats;
	buf_init(&stats, 0);
	status code = file_stats(file, key, &stats, err);
	ref.stats = (const char *)stats.p; /* NULL when there are none */
	if (code == OK) code = output_put(env->lake, file, &ref, &out->outputs, err);
	buf_deinit(&stats);
	return code;
}

status task_stream_open(struct task_stream *s, struct store *lake, const char *key, struct err *err)
{
	ASSERT(s->writer == NULL);
	s->bytes = 0;
	TRY(hash_stream_init(&s->hash, true, err));
	return store_writer_create(lake, key, &s->writer, err);
}

status task_stream_add(struct task_stream *s, const void *p, size_t n, struct err *err)
{
	TRY(store_writer_add(s->writer, p, n, err));
	hash_stream_add(&s->hash, p, n);
	s->bytes += (int64_t)n;
	return OK;
}

status task_stream_finish(struct task_stream *s, struct file_ref *file, struct err *err)
{
	TRY(store_writer_finish(s->writer, err));
	hash_stream_final(&s->hash, file->xxh128, file->sha256);
	file->bytes = s->bytes;
	task_stream_deinit(s);
	return OK;
}

void task_stream_deinit(struct task_stream *s)
{
	store_writer_destroy(s->writer);
	hash_stream_deinit(&s->hash);
	*s = (struct task_stream){0};
}

void task_ahead(const struct task_env *env, const struct file_ref *files, size_t n, size_t i)
{
	const size_t first = i == 0 ? 0 : i + TASK_AHEAD;
	for (size_t k = first; k < n && k <= i + TASK_AHEAD; k++) {
		const struct store_hint hint = {files[k].path, files[k].bytes, 1};
		store_will_open(env->lake, &hint);
	}
}
