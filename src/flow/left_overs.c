/* flow/left_overs.c: delete what failed attempts of a stage left in the folders it writes to.
 *
 * Deleted is a file below run_id=<U>/ that the stage's commit does not name, that no version of the table needs, and whose name is
 * a task's. Other writers' files (optimize, append, other engines) stand there before the commit that names them, and stay.
 */
#include <stdio.h>

#include "base/log.h"
#include "flow/run_int.h"
#include "table/log/snapshot.h"
#include "table/path.h"

struct sweep {
	struct flow *f;
	const struct commit *c;
	const char *folder;
	const struct delta_snapshot *snapshot; /* of the table there; NULL: rejects, or a table that is none yet */
	struct file_list doomed;
};

/* Does a version of the table need it? What vacuum may delete, it deletes when the time has come. */
static bool in_table(const struct sweep *s, const char *key)
{
	if (s->snapshot == NULL) return false;
	const struct str path = str_of(key + strlen(s->folder) + 1);
	return delta_snapshot_file(s->snapshot, path) != NULL || delta_snapshot_tombstone(s->snapshot, path) != NULL;
}

static bool in_commit(const struct commit *c, const char *path)
{
	size_t lo = 0, hi = c->files.n;
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int order = strcmp(c->files.items[mid].path, path);
		if (order == 0) return true;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* Named by its content, as tasks do. In a table's folders there are other writers' files too (optimize, append, other engines), put
 * there before the commit that names them: those are never ours to delete. */
static bool is_task_part(const char *key)
{
	uint8_t hash[XXH128_BYTES];
	return path_part_hash(str_of(key), hash);
}

static status sweep_visit(void *arg, const struct store_entry *e, struct err *err)
{
	struct sweep *s = arg;
	if (!path_has(e->key, STR("run_id"), str_of(s->f->id.info.run_id)) || in_commit(s->c, e->key) ||
		in_table(s, e->key))
		return OK;
	if (s->snapshot != NULL && !is_task_part(e->key)) return OK;
	if (!file_list_add(&s->doomed, &(struct file_ref){.table = "", .path = e->key, .bytes = e->bytes}))
		return fail_nomem(err);
	return OK;
}

static status sweep_delete(struct sweep *s, const char *folder, struct err *err)
{
	s->doomed.n = 0;
	TRY(store_list(s->f->lake, folder, sweep_visit, s, err));
	for (size_t i = 0; i < s->doomed.n; i++) {
		log_line(LOG_DEBUG, "remove left-over of a failed attempt", "path", s->doomed.items[i].path, NULL);
		TRY(store_delete(s->f->lake, s->doomed.items[i].path, err));
	}
	return OK;
}

static status sweep_folder(struct sweep *s, const char *folder, struct err *err)
{
	struct delta_snapshot *snapshot = NULL;
	bool is_table = false;
	TRY(delta_table_exists(s->f->lake, folder, &is_table, err));
	if (is_table) TRY(delta_snapshot_open(s->f->lake, folder, DELTA_LATEST, &snapshot, err));
	s->folder = folder;
	s->snapshot = snapshot;
	const status code = sweep_delete(s, folder, err);
	delta_snapshot_close(snapshot);
	return code;
}

/* The folders this stage writes into: those of its layer's tables, and of the files it did write. */
status flow_left_overs_remove(struct flow *f, const struct commit *c, struct err *err)
{
	struct arena arena;
	char folder[PATH_KEY_MAX];
	arena_init(&arena, 0);
	struct sweep s = {.f = f, .c = c, .doomed.arena = &arena};
	status code = OK;
	const char *last = "";
	for (size_t i = 0; i < f->w->n_tables && code == OK; i++) {
		if (!workload_writes(f->w, c->stage, f->w->tables[i])) continue;
		(void)snprintf(folder, sizeof folder, "%s/%s", f->w->tables[i]->layer, f->w->tables[i]->name);
		code = sweep_folder(&s, folder, err);
	}
	for (size_t i = 0; i < c->files.n && code == OK; i++) { /* sorted by path: a table's files stand together */
		ASSERT(i == 0 || strcmp(c->files.items[i - 1].path, c->files.items[i].path) < 0);
		if (strcmp(c->files.items[i].table, last) == 0) continue;
		last = c->files.items[i].table;
		code = path_table_root(folder, last, err);
		if (code == OK) code = sweep_folder(&s, folder, err);
	}
	arena_deinit(&arena);
	return code;
}
