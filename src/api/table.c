/* api/table.c: tables of the lake for programs. A table, and every stream of it, hold a share of one snapshot and of a store of their
 * own, so that they may be closed in any order. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api_int.h"
#include "app/session.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/time.h"
#include "flow/rebuild.h"
#include "parquet/nested.h"
#include "table/write/append.h"
#include "table/catalog.h"
#include "table/log/history.h"
#include "table/read/scan.h"

struct shared {
	_Atomic size_t users;
	struct store *store;
	struct delta_snapshot *snapshot;
	struct arena arena; /* of a snapshot that is made up for one file */
	struct delta_snapshot made;
};

struct pqr_table {
	struct pqr_context *context;
	struct shared *shared;
};

static void shared_leave(struct shared *s)
{
	if (s == NULL) return;
	const size_t users = atomic_fetch_sub(&s->users, 1);
	ASSERT(users > 0);
	if (users > 1) return;
	if (s->snapshot != &s->made) delta_snapshot_close(s->snapshot);
	store_close(s->store);
	arena_deinit(&s->arena);
	mem_free(s);
}

static status shared_make(const struct pqr_context *context, struct shared **out, struct err *err)
{
	if (context->lake == NULL) return fail(err, E_USAGE, "the lake could not be opened");
	struct shared *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	s->users = 1;
	status code = session_lake_open(store_uri(context->lake), false, &s->store, err);
	if (code == OK) code = rebuild_refuse(s->store, err);
	if (code != OK) {
		shared_leave(s);
		return code;
	}
	*out = s;
	return OK;
}

/* ---- names ---- */

/* "silver.tickets" and "silver/tickets" are the folder silver/tickets; *full: it has a layer. */
static status root_of(const char *name, char root[DELTA_ROOT_MAX], bool *full, struct err *err)
{
	if (name == NULL || name[0] == '\0') return fail(err, E_USAGE, "the table has no name");
	if (strlen(name) >= DELTA_ROOT_MAX) return fail(err, E_USAGE, "the table's name is too long: %s", name);
	(void)snprintf(root, DELTA_ROOT_MAX, "%s", name);
	char *dot = strchr(root, '/') == NULL ? strchr(root, '.') : NULL;
	if (dot != NULL) *dot = '/';
	*full = strchr(root, '/') != NULL;
	if (path_check(str_of(root), NULL) != OK) return fail(err, E_USAGE, "not a table's name: %s", name);
	return OK;
}

static status find_table(struct store *store, const char *name, char root[DELTA_ROOT_MAX], struct err *err)
{
	bool full = false, exists = false;
	TRY(root_of(name, root, &full, err));
	if (full) TRY(delta_table_exists(store, root, &exists, err));
	return exists ? OK : delta_catalog_find(store, name, root, err);
}

/* ---- open ---- */

static status open_version(struct shared *s, const char *root, const struct pqr_table_opts *opts, struct err *err)
{
	int64_t version = opts != NULL ? opts->version : DELTA_LATEST, at;
	if (version < DELTA_LATEST) return fail(err, E_USAGE, "no version %lld: -1 is the latest", (long long)version);
	if (opts != NULL && opts->at != NULL) {
		if (version != DELTA_LATEST) return fail(err, E_USAGE, "both a version and a time are given");
		if (!time_parse(str_of(opts->at), &at))
			return fail(err, E_USAGE, "expected a time as 2026-02-28T23:59:59-05:00, found '%s'", opts->at);
		TRY(delta_version_at(s->store, root, at / 1000 - (at % 1000 < 0), &version, err));
	}
	return delta_snapshot_open(s->store, root, version, &s->snapshot, err);
}

static status table_fill(struct pqr_table *table, const char *name, const struct pqr_table_opts *opts, struct err *err)
{
	char root[DELTA_ROOT_MAX];
	TRY(shared_make(table->context, &table->shared, err));
	TRY(find_table(table->shared->store, name, root, err));
	return open_version(table->shared, root, opts, err);
}

static status table_open(struct pqr_context *context, const char *name, const struct pqr_table_opts *opts,
	struct pqr_table **out, struct err *err)
{
	struct pqr_table *table = mem_zalloc(1, sizeof *table);
	if (table == NULL) return fail_nomem(err);
	table->context = context;
	const status code = table_fill(table, name, opts, err);
	if (code != OK) {
		pqr_table_close(table);
		return code;
	}
	*out = table;
	return OK;
}

int pqr_table_open(
	struct pqr_context *context, const char *name, const struct pqr_table_opts *opts, struct pqr_table **out)
{
	struct err err;
	if (context == NULL || out == NULL) return PQR_USAGE;
	err_clear(&err);
	return api_finish(context, table_open(context, name, opts, out, &err), &err);
}

void pqr_table_close(struct pqr_table *table)
{
	if (table == NULL) return;
	shared_leave(table->shared);
	mem_free(table);
}

long long pqr_table_version(const struct pqr_table *table)
{
	return table->shared->snapshot->version;
}

int pqr_table_schema(struct pqr_table *table, struct ArrowSchema *out)
{
	struct delta_scan *scan = NULL;
	struct err err;
	err_clear(&err);
	const struct delta_scan_opts none = {.files = (const struct delta_add *const[]){NULL}};
	status code = delta_scan_open(table->shared->snapshot, &none, &scan, &err);
	if (code == OK) code = delta_scan_schema(scan, out, &err);
	delta_scan_close(scan);
	return api_finish(table->context, code, &err);
}

/* ---- streams ---- */

/* What a stream borrows. */
struct source {
	struct shared *shared;
	struct arena arena; /* its conditions */
};

static void source_release(void *arg)
{
	struct source *s = arg;
	shared_leave(s->shared);
	arena_deinit(&s->arena);
	mem_free(s);
}

static status conditions_parse(
	struct source *source, const char *const *where, size_t n, const struct delta_condition **out, struct err *err)
{
	struct delta_condition *made = ARENA_ZNEW(&source->arena, struct delta_condition, n);
	if (made == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		if (where[i] == NULL) return fail(err, E_USAGE, "condition %zu is NULL", i);
		TRY(delta_condition_parse(
			&source->shared->snapshot->schema, str_of(where[i]), &source->arena, &made[i], err));
	}
	*out = made;
	return OK;
}

static int path_cmp(const void *path, const void *file)
{
	return str_cmp(*(const struct str *)path, ((const struct delta_add *)file)->path);
}

/* The snapshot's files with these paths; it has them in that order. */
static status files_find(
	struct source *source, const char *const *paths, size_t n, const struct delta_add *const **out, struct err *err)
{
	const struct delta_snapshot *s = source->shared->snapshot;
	const struct delta_add **found = ARENA_NEW(&source->arena, const struct delta_add *, n);
	if (found == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		if (paths[i] == NULL) return fail(err, E_USAGE, "file %zu is NULL", i);
		const struct str path = str_of(paths[i]);
		found[i] = s->n_files > 0 ? bsearch(&path, s->files, s->n_files, sizeof *s->files, path_cmp) : NULL;
		if (found[i] == NULL)
			return fail(err, E_USAGE, "version %lld has no file %s", (long long)s->version, paths[i]);
	}
	*out = found;
	return OK;
}

static status source_scan(
	struct source *source, const struct pqr_selection *sel, struct delta_scan **out, struct err *err)
{
	struct delta_scan_opts o = {.columns = sel->columns, .n_columns = sel->n_columns, .n_where = sel->n_where};
	if (sel->n_where > 0) TRY(conditions_parse(source, sel->where, sel->n_where, &o.where, err));
	o.n_files = sel->n_files;
	if (sel->files != NULL) TRY(files_find(source, sel->files, sel->n_files, &o.files, err));
	return delta_scan_open(source->shared->snapshot, &o, out, err);
}

/* The scan borrows *source, which the caller releases after it. */
static status selection_open(struct shared *shared, const struct pqr_selection *sel, struct source **source,
	struct delta_scan **scan, struct err *err)
{
	ASSERT(shared->snapshot != NULL);
	struct source *made = mem_zalloc(1, sizeof *made);
	if (made == NULL) return fail_nomem(err);
	made->shared = shared;
	shared->users++;
	const status code = source_scan(made, sel, scan, err);
	if (code != OK) {
		source_release(made);
		return code;
	}
	*source = made;
	return OK;
}

static status stream_open(
	struct shared *shared, const struct pqr_selection *sel, struct ArrowArrayStream *out, struct err *err)
{
	struct source *source = NULL;
	struct delta_scan *scan = NULL;
	TRY(selection_open(shared, sel, &source, &scan, err));
	return delta_scan_stream(scan, &(struct delta_scan_owner){.release = source_release, .arg = source}, out, err);
}

int pqr_selection_stream(struct pqr_table *table, const struct pqr_selection *selection, struct ArrowArrayStream *out)
{
	struct err err;
	err_clear(&err);
	return api_finish(table->context, stream_open(table->shared, selection, out, &err), &err);
}

int pqr_table_stream(struct pqr_table *table, const char *const *columns, size_t n_columns, const char *const *where,
	size_t n_where, struct ArrowArrayStream *out)
{
	const struct pqr_selection sel = {
		.columns = columns, .n_columns = n_columns, .where = where, .n_where = n_where};
	return pqr_selection_stream(table, &sel, out);
}

/* ---- files ---- */

/* *stopped: what visit returned. */
static status file_visit(const struct delta_add *a, pqr_file_visit visit, void *arg, int *stopped, struct err *err)
{
	char *path = mem_strndup(a->path.p, a->path.n);
	if (path == NULL) return fail_nomem(err);
	const struct pqr_file file = {.path = path, .rows = delta_add_rows(a), .bytes = a->size};
	*stopped = visit(arg, &file);
	mem_free(path);
	return OK;
}

int pqr_table_files(struct pqr_table *table, pqr_file_visit visit, void *arg)
{
	const struct delta_snapshot *s = table->shared->snapshot;
	struct err err;
	status code = OK;
	int stopped = 0;
	err_clear(&err);
	for (size_t i = 0; code == OK && stopped == 0 && i < s->n_files; i++)
		code = file_visit(&s->files[i], visit, arg, &stopped, &err);
	return stopped != 0 ? stopped : api_finish(table->context, code, &err);
}

int pqr_selection_files(struct pqr_table *table, const struct pqr_selection *selection, pqr_file_visit visit, void *arg)
{
	struct source *source = NULL;
	struct delta_scan *scan = NULL;
	struct err err;
	int stopped = 0;
	err_clear(&err);
	status code = selection_open(table->shared, selection, &source, &scan, &err);
	if (code != OK) return api_finish(table->context, code, &err);
	for (size_t i = 0; code == OK && stopped == 0 && i < delta_scan_n_files(scan); i++)
		code = file_visit(delta_scan_file(scan, i), visit, arg, &stopped, &err);
	delta_scan_close(scan);
	source_release(source);
	return stopped != 0 ? stopped : api_finish(table->context, code, &err);
}

/* ---- one file ---- */

/* A copy of def's names and children, which view a reader. Recurses COLUMN_DEPTH_MAX deep at most. */
static status def_copy(const struct column_def *from, struct arena *arena, struct column_def *out, struct err *err)
{
	struct column_def *children = ARENA_NEW(arena, struct column_def, from->n_children);
	const char *name = arena_strndup(arena, from->name, strlen(from->name));
	if (children == NULL || name == NULL) return fail_nomem(err);
	for (size_t i = 0; i < from->n_children; i++) TRY(def_copy(&from->children[i], arena, &children[i], err));
	*out = *from;
	out->name = name;
	out->children = children;
	out->description = out->unit = NULL;
	return OK;
}

static status file_schema(struct parquet_reader *r, struct arena *arena, struct delta_schema *out, struct err *err)
{
	const struct parquet_field *fields;
	size_t n;
	TRY(parquet_reader_fields(r, &fields, &n, err));
	if (n > TABLE_COLUMNS_MAX) return fail(err, E_LIMIT, "%zu columns, at most %d", n, (int)TABLE_COLUMNS_MAX);
	struct delta_column *columns = ARENA_ZNEW(arena, struct delta_column, n);
	if (columns == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct parquet_column_info *info = &fields[i].info;
		const char *type = info->supported ? col_type_name(info->def.type) : info->reason;
		columns[i] = (struct delta_column){.supported = fields[i].column >= 0,
			.read_only = info->supported && fields[i].column < 0,
			.partition_index = -1};
		TRY(def_copy(&info->def, arena, &columns[i].def, err));
		columns[i].type_text = arena_strndup(arena, type, strlen(type));
		if (columns[i].type_text == NULL) return fail_nomem(err);
	}
	*out = (struct delta_schema){.columns = columns, .n = n};
	return OK;
}

/* A table of that file alone: the scan of tables reads it. */
static status file_snapshot(struct shared *s, const char *key, struct err *err)
{
	ASSERT(s->snapshot == NULL && s->store != NULL);
	struct store_object *object = NULL;
	struct parquet_reader *reader = NULL;
	struct delta_add *file = ARENA_ZNEW(&s->arena, struct delta_add, 1);
	const char *path = arena_strndup(&s->arena, key, strlen(key));
	if (file == NULL || path == NULL) return fail_nomem(err);
	s->snapshot = &s->made;
	TRY(path_check(str_of(key), err));
	TRY(store_object_open(s->store, key, &object, err));
	status code = parquet_reader_open(object, &reader, err);
	if (code == OK) code = file_schema(reader, &s->arena, &s->made.schema, err);
	file->size = store_object_size(object); /* no log says another */
	parquet_reader_close(reader);
	store_object_close(object);
	if (code != OK) return err_at(err, code, key, -1, -1);
	file->path = str_of(path);
	s->made.store = s->store;
	s->made.files = file;
	s->made.n_files = 1;
	return OK;
}

static status file_stream(struct pqr_context *context, const char *key, struct ArrowArrayStream *out, struct err *err)
{
	struct shared *shared = NULL;
	if (key == NULL) return fail(err, E_USAGE, "pqr_file_stream: the key is NULL");
	TRY(shared_make(context, &shared, err));
	status code = file_snapshot(shared, key, err);
	if (code == OK) code = stream_open(shared, &(struct pqr_selection){0}, out, err);
	shared_leave(shared);
	return code;
}

int pqr_file_stream(struct pqr_context *context, const char *key, struct ArrowArrayStream *out)
{
	struct err err;
	if (context == NULL) return PQR_USAGE;
	err_clear(&err);
	return api_finish(context, file_stream(context, key, out, &err), &err);
}

/* ---- append ---- */

static status append(struct pqr_context *context, const char *name, const struct delta_append_opts *o,
	struct ArrowArrayStream *rows, int64_t *version, struct err *err)
{
	char root[DELTA_ROOT_MAX];
	bool full = false;
	if (context->lake == NULL) return fail(err, E_USAGE, "the lake could not be opened");
	TRY(root_of(name, root, &full, err));
	if (!full) return fail(err, E_USAGE, "table %s: name it with its layer, as silver.%s", name, name);
	TRY(rebuild_refuse(context->lake, err));
	return delta_append(context->lake, root, rows, o, version, err);
}

int pqr_table_append(struct pqr_context *context, const char *name, const char *const *partition_by,
	size_t n_partition_by, struct ArrowArrayStream *rows, long long *version)
{
	struct err err;
	int64_t made = -1;
	if (context == NULL || rows == NULL || rows->release == NULL) return PQR_USAGE;
	err_clear(&err);
	const struct delta_append_opts o = {.partition_by = partition_by, .n_partition_by = n_partition_by};
	const status code = append(context, name, &o, rows, &made, &err);
	rows->release(rows);
	if (code == OK && version != NULL) *version = made;
	return api_finish(context, code, &err);
}
