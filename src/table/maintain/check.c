/* table/maintain/check.c: a table's log against its files.
 *
 * A difference is told and counted and ends nothing: the next file is looked at. Bounds may be wider than the file's, as other writers round
 * them; narrower ones hide rows.
 */
#include "table/maintain/check.h"

#include "base/thread.h"
#include "parquet/nested.h"
#include "table/log/log.h"
#include "table/path.h"
#include "table/write/stats.h"

struct check {
	const struct delta_check_opts *o;
	struct delta_check_result result;
	struct arena scratch; /* of one commit or file */
};

static void differ(struct check *c, const char *key, const char *what)
{
	c->result.differences++;
	if (c->o->difference != NULL) c->o->difference(c->o->arg, key, what);
}

/* Is it the bytes that are at fault? Then *code becomes OK, and the difference is told at the place the error names, else at key. */
static bool damaged(struct check *c, const char *key, status *code, struct err *err)
{
	if (*code != E_CORRUPT && *code != E_UNSUPPORTED && *code != E_LIMIT && *code != E_NOT_FOUND) return false;
	differ(c, err->where[0] != '\0' ? err->where : key, *code == E_NOT_FOUND ? "missing" : "damaged");
	err_clear(err);
	*code = OK;
	return true;
}

/* ---- the log ---- */

/* Readers pass over an action of a name they don't know, as the protocol asks: here it is a known one's name, damaged. */
static status visit_known(void *arg, const struct delta_action *a, struct err *err)
{
	(void)arg;
	return a->kind != DELTA_OTHER ? OK : fail(err, E_CORRUPT, "an action of an unknown name");
}

/* The digest that pqr's commits and checkpoints hold of themselves; for those of others what follows has to do. */
static status check_checkpoint(struct store *store, const struct delta_log_file *f, struct buf *text, struct err *err)
{
	TRY(store_get(store, f->key, text, err));
	return parquet_seal_holds(text->p, text->n) ? OK : fail(err, E_CORRUPT, "not what was written");
}

static status check_commit(
	struct check *c, struct store *store, const struct delta_log_file *f, struct buf *text, struct err *err)
{
	static const struct delta_visitor known = {visit_known, NULL};
	c->result.commits++;
	TRY(delta_log_read(store, f->key, text, &c->scratch, &known, err));
	return delta_log_seal_holds(text->p, text->n) ? OK : fail(err, E_CORRUPT, "not what was written");
}

static status check_log(struct check *c, struct store *store, const struct delta_log_list *l, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	status code = OK;
	for (size_t i = 0; i < l->n && code == OK; i++) {
		const struct delta_log_file *f = &l->files[i];
		if (f->kind != DELTA_LOG_COMMIT && f->kind != DELTA_LOG_CHECKPOINT) continue;
		buf_reset(&text);
		arena_reset(&c->scratch);
		code = cancel_check(err);
		if (code != OK) break;
		code = f->kind == DELTA_LOG_COMMIT ? check_commit(c, store, f, &text, err)
						   : check_checkpoint(store, f, &text, err);
		(void)damaged(c, f->key, &code, err);
	}
	buf_deinit(&text);
	return code;
}

/* ---- statistics ---- */

static bool bounds_hold(
	const struct column_def *def, const struct delta_column_stats *log, const struct delta_column_stats *file)
{
	if (log->has_null_count && file->has_null_count && log->null_count != file->null_count) return false;
	if (log->has_min && file->has_min && delta_value_cmp(def, &log->min, &file->min) > 0) return false;
	return !log->has_max || !file->has_max || delta_value_cmp(def, &log->max, &file->max) >= 0;
}

/* What the log has of the file's columns, and what the file itself has; *same: they agree. */
static status compare_statistics(struct check *c, const struct delta_snapshot *s, const struct delta_add *f,
	struct parquet_reader *r, bool *same, struct err *err)
{
	struct buf text;
	struct delta_file_stats log, file;
	TRY(delta_stats_read(f->stats, &s->schema, &c->scratch, &log, err));
	buf_init(&text, 0);
	status code = delta_stats_write(r, &text, NULL, err);
	if (code == OK)
		code = delta_stats_read(
			(struct str){(const char *)text.p, text.n}, &s->schema, &c->scratch, &file, err);
	buf_deinit(&text);
	TRY(code);
	*same = log.rows < 0 || log.rows == file.rows;
	for (size_t i = 0; *same && i < s->schema.n; i++)
		*same = !s->schema.columns[i].supported ||
			bounds_hold(&s->schema.columns[i].def, &log.columns[i], &file.columns[i]);
	return OK;
}

static status check_statistics(struct check *c, const struct delta_snapshot *s, const struct delta_add *f,
	struct store_object *object, const char *key, struct err *err)
{
	struct parquet_reader *r = NULL;
	bool same = true;
	status code = parquet_reader_open(object, &r, err);
	if (code == OK) code = compare_statistics(c, s, f, r, &same, err);
	if (!same) differ(c, key, "not as its table's log has its statistics");
	(void)damaged(c, key, &code, err);
	parquet_reader_close(r);
	return code;
}

/* ---- files ---- */

static bool is_meant(const struct delta_check_opts *o, const struct delta_add *f)
{
	if (o->only.key.p == NULL) return true;
	const struct delta_pair *pair = delta_pairs_get(&f->partition, o->only.key);
	return pair != NULL && str_eq(pair->value, o->only.value);
}

/* Folders that tell nothing are another writer's way; folders that tell something else are a lie of one of the two. */
static bool folders_agree(const struct delta_add *f, struct arena *arena, struct err *err)
{
	char key[DELTA_KEY_MAX];
	struct delta_pairs told;
	if (delta_key(key, "", f->path, err) != OK || path_values(key, arena, &told, err) != OK) return true;
	return told.n != f->partition.n || path_tells(key, &f->partition);
}

static status check_file(struct check *c, const struct delta_snapshot *s, const struct delta_add *f, struct err *err)
{
	char key[DELTA_KEY_MAX];
	struct store_object *object = NULL;
	arena_reset(&c->scratch);
	c->result.files++;
	const int64_t rows = delta_add_rows(f);
	c->result.rows = rows < 0 || c->result.rows < 0 ? -1 : c->result.rows + rows;
	TRY(cancel_check(err));
	TRY(delta_key(key, s->root, f->path, err));
	if (!folders_agree(f, &c->scratch, err)) differ(c, key, "under folders that tell other values than the log");
	status code = store_object_open(s->store, key, &object, err);
	if (damaged(c, key, &code, err) || code != OK) return code;
	if (store_object_size(object) != f->size)
		differ(c, key, "of another size than the log has");
	else if (c->o->statistics)
		code = check_statistics(c, s, f, object, key, err);
	store_object_close(object);
	return code;
}

static status check_commits(
	struct check *c, struct store *store, const char *root, struct arena *arena, struct err *err)
{
	struct delta_log_list l;
	TRY(delta_log_list(store, root, arena, &l, err));
	if (l.n == 0) return fail(err, E_NOT_FOUND, "no Delta table at %s", root);
	return check_log(c, store, &l, err);
}

static status check_files(struct check *c, const struct delta_snapshot *s, struct err *err)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (is_meant(c->o, &s->files[i])) TRY(check_file(c, s, &s->files[i], err));
	return OK;
}

static status check_all(struct check *c, struct store *store, const char *root, struct err *err)
{
	struct arena arena;
	struct delta_snapshot *s = NULL;
	arena_init(&arena, 0);
	status code = check_commits(c, store, root, &arena, err);
	arena_deinit(&arena);
	TRY(code);
	code = delta_snapshot_open(store, root, DELTA_LATEST, &s, err);
	const int64_t told = c->result.differences;
	if (damaged(c, root, &code, err)) {
		if (told > 0) c->result.differences = told; /* of a commit that was told above */
		c->result.rows = -1;
		return OK;
	}
	TRY(code);
	code = check_files(c, s, err);
	delta_snapshot_close(s);
	return code;
}

status delta_check(struct store *store, const char *root, const struct delta_check_opts *o,
	struct delta_check_result *out, struct err *err)
{
	struct check c = {.o = o};
	struct err own; /* differences are told by what it says, also where nobody wants the error */
	err_clear(&own);
	arena_init(&c.scratch, 0);
	const status code = check_all(&c, store, root, &own);
	arena_deinit(&c.scratch);
	if (code == OK)
		*out = c.result;
	else if (err != NULL)
		*err = own;
	return code;
}
