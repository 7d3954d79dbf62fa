/* table/write/replace.c: one part of a table replaced by other files, however many others commit meanwhile.
 *
 * The part is the files whose partition values match; equal parts commit nothing. A lost race starts over from the new version, at most
 * TXN_RETRIES_MAX times.
 */
#include "table/write/replace.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "table/write/replace_int.h"

/* Pointers to adds, sorted by path. */
struct file_set {
	const struct delta_add **files;
	size_t n;
};

/* NULL: the part is not told by a column. */
static const char *part_column(const struct delta_replace *r)
{
	return r->patch ? NULL : r->column;
}

static int file_cmp(const void *a, const void *b)
{
	const struct delta_add *const *x = a, *const *y = b;
	return str_cmp((*x)->path, (*y)->path);
}

/* Of a patch: the active files that it removes, and those it adds, as far as they stand; sorted. *gone: one that it removes. */
static status patched_files(const struct delta_snapshot *s, const struct delta_replace *r, struct arena *arena,
	struct file_set *out, struct str *gone, struct err *err)
{
	out->n = 0;
	out->files = ARENA_NEW(arena, const struct delta_add *, r->n_removed + r->n_files);
	if (out->files == NULL) return fail_nomem(err);
	for (size_t i = 0; i < r->n_removed; i++) {
		const struct delta_add *file = delta_snapshot_file(s, r->removed[i]);
		if (file != NULL)
			out->files[out->n++] = file;
		else
			*gone = r->removed[i];
	}
	for (size_t i = 0; i < r->n_files; i++) {
		const struct delta_add *file = delta_snapshot_file(s, r->files[i].path);
		if (file != NULL) out->files[out->n++] = file;
	}
	if (out->n > 1) qsort(out->files, out->n, sizeof out->files[0], file_cmp);
	return OK;
}

/* The active files of the part; sorted, as the snapshot is. */
static status part_files(const struct delta_snapshot *s, const struct delta_replace *r, struct arena *arena,
	struct file_set *out, struct err *err)
{
	out->n = 0;
	out->files = ARENA_NEW(arena, const struct delta_add *, s->n_files);
	if (out->files == NULL) return fail_nomem(err);
	for (size_t i = 0; i < s->n_files; i++) {
		const struct delta_pair *pair =
			r->column != NULL ? delta_pairs_get(&s->files[i].partition, str_of(r->column)) : NULL;
		if (r->column == NULL || (pair != NULL && pair->value.p != NULL && str_is(pair->value, r->value)))
			out->files[out->n++] = &s->files[i];
	}
	return OK;
}

static status wanted_files(const struct delta_replace *r, struct arena *arena, struct file_set *out, struct err *err)
{
	out->n = r->n_files;
	out->files = ARENA_NEW(arena, const struct delta_add *, r->n_files);
	if (out->files == NULL) return fail_nomem(err);
	for (size_t i = 0; i < r->n_files; i++) {
		const struct delta_add *f = &r->files[i];
		const struct delta_pair *pair =
			part_column(r) != NULL ? delta_pairs_get(&f->partition, str_of(r->column)) : NULL;
		out->files[i] = f;
		if (part_column(r) != NULL && (pair == NULL || !str_is(pair->value, r->value)))
			return fail(err, E_USAGE, "file %.*s is not of the part %s = %s",
				(int)(f->path.n < 200 ? f->path.n : 200), f->path.p, r->column, r->value);
	}
	if (out->n > 1) qsort(out->files, out->n, sizeof out->files[0], file_cmp);
	return OK;
}

/* Add what is wanted and not there, remove what is there and not wanted. A path with another size is added again, which replaces what
 * the log says about it. *changes: actions; txn may be NULL to count only. */
static status difference(const struct file_set *have, const struct file_set *want, struct delta_txn *txn,
	size_t *changes, struct err *err)
{
	*changes = 0;
	for (size_t i = 0, j = 0; i < have->n || j < want->n;) {
		const int c = i == have->n   ? 1
			      : j == want->n ? -1
					     : str_cmp(have->files[i]->path, want->files[j]->path);
		const bool same = c == 0 && have->files[i]->size == want->files[j]->size;
		*changes += !same;
		if (txn != NULL && c < 0) TRY(delta_txn_remove(txn, have->files[i], true, err));
		if (txn != NULL && c >= 0 && !same) TRY(delta_txn_add(txn, want->files[j], err));
		i += c <= 0;
		j += c >= 0;
	}
	return OK;
}

struct attempt {
	struct store *store;
	const char *root;
	const struct delta_replace *r;
	const struct delta_snapshot *s; /* NULL: no table yet */
	struct arena arena;
	struct buf schema;     /* schemaString */
	struct buf parameters; /* operationParameters */
	struct file_set have, want;
	bool widened;
};

static status set_metadata(struct attempt *a, struct delta_txn *t, struct err *err)
{
	struct delta_metadata m = {.created_ms = -1};
	uint8_t id[UUID_BYTES];
	char text[UUID_CHARS];
	if (a->s != NULL && !a->widened) return OK;
	if (a->s != NULL) {
		m = a->s->metadata;
	} else {
		uuid_random(id);
		uuid_format(id, text);
		m.id = (struct str){text, sizeof text};
		m.name = str_of(a->r->schema->name);
		m.description = a->r->schema->description != NULL ? str_of(a->r->schema->description) : STR("");
		m.created_ms = time_now_us() / 1000;
		TRY(delta_txn_protocol(t, &(struct delta_protocol){.min_reader = 1, .min_writer = 2}, err));
	}
	TRY(replace_metadata(a->r->schema, &a->schema, &a->arena, &m, err));
	return delta_txn_metadata(t, &m, err);
}

/* As Spark's WRITE tells it: the predicate as text. */
static status parameters_write(struct attempt *a, struct err *err)
{
	buf_printf(&a->parameters, "{\"mode\":\"%s\"", a->r->patch && a->r->n_removed == 0 ? "Append" : "Overwrite");
	if (part_column(a->r) != NULL) {
		struct buf predicate;
		buf_init(&predicate, 0);
		buf_printf(&predicate, "%s = '%s'", a->r->column, a->r->value);
		buf_str(&a->parameters, ",\"predicate\":");
		buf_json_str(&a->parameters, (struct str){(const char *)predicate.p, predicate.n});
		const status code = buf_check(&predicate, err);
		buf_deinit(&predicate);
		TRY(code);
	}
	buf_str(&a->parameters, "}");
	buf_char(&a->parameters, '\0');
	return buf_check(&a->parameters, err);
}

/* Everything that the transaction holds, and its commit. */
static status attempt_fill(struct attempt *a, struct delta_txn *t, struct delta_replace_result *out, struct err *err)
{
	const struct delta_replace *r = a->r;
	const struct delta_app_txn *app = a->s != NULL ? delta_snapshot_app_txn(a->s, r->app_id) : NULL;
	const int64_t app_version = app == NULL ? 0 : app->version < INT64_MAX ? app->version + 1 : app->version;
	size_t changes;
	TRY(set_metadata(a, t, err));
	if (r->app_id.n > 0) TRY(delta_txn_app(t, r->app_id, app_version, err));
	if (r->claim_id.n > 0) TRY(delta_txn_app(t, r->claim_id, r->claim_version, err));
	TRY(difference(&a->have, &a->want, t, &changes, err));
	TRY(delta_txn_commit(t, &out->version, err));
	out->committed = true;
	return OK;
}

static status attempt_commit(struct attempt *a, struct delta_replace_result *out, struct err *err)
{
	const struct delta_replace *r = a->r;
	struct delta_txn *t = NULL;
	TRY(parameters_write(a, err));
	const struct delta_txn_opts opts = {.operation = r->operation,
		.parameters = (const char *)a->parameters.p,
		.info = r->info,
		.reads = r->patch                 ? DELTA_READS_NOTHING
			 : part_column(r) != NULL ? DELTA_READS_PARTITION
						  : DELTA_READS_ALL,
		.column = str_of(part_column(r) != NULL ? r->column : ""),
		.value = str_of(part_column(r) != NULL ? r->value : "")};
	TRY(delta_txn_begin(a->store, a->root, a->s, &opts, &t, err));
	const status code = attempt_fill(a, t, out, err);
	delta_txn_destroy(t);
	return code;
}

/* Was the claim committed together with our app_id? */
static bool claim_holds(const struct attempt *a)
{
	if (a->r->claim_id.n == 0) return true;
	const struct delta_app_txn *claim = delta_snapshot_app_txn(a->s, a->r->claim_id);
	return claim != NULL && claim->version >= a->r->claim_version &&
	       delta_snapshot_app_txn(a->s, a->r->app_id) != NULL;
}

static status may_commit(struct attempt *a, struct str gone, struct err *err)
{
	const struct delta_app_txn *claim = NULL;
	if (a->s != NULL && a->r->claim_id.n > 0) claim = delta_snapshot_app_txn(a->s, a->r->claim_id);
	if (claim != NULL && claim->version >= a->r->claim_version)
		return fail_at(err, E_CONFLICT, a->root, -1, -1, "another writer has version %lld of %.*s",
			(long long)claim->version, (int)a->r->claim_id.n, a->r->claim_id.p);
	if (gone.p != NULL)
		return fail_at(err, E_CONFLICT, a->root, -1, -1,
			"a file to be replaced stands in the table no more: %.*s", (int)(gone.n < 200 ? gone.n : 200),
			gone.p);
	return OK;
}

static status attempt_run(struct attempt *a, struct delta_replace_result *out, struct err *err)
{
	size_t changes = 0;
	struct str gone = {0};
	TRY(wanted_files(a->r, &a->arena, &a->want, err));
	if (a->s != NULL) {
		TRY(err_at(err, replace_schema_compare(a->s, a->r->schema, &a->widened, err), a->root, -1, -1));
		TRY(a->r->patch ? patched_files(a->s, a->r, &a->arena, &a->have, &gone, err)
				: part_files(a->s, a->r, &a->arena, &a->have, err));
		TRY(difference(&a->have, &a->want, NULL, &changes, err));
		if (changes == 0 && !a->widened && claim_holds(a)) {
			*out = (struct delta_replace_result){.version = a->s->version};
			return OK;
		}
	} else if (a->r->n_removed > 0) {
		gone = a->r->removed[0];
	}
	TRY(may_commit(a, gone, err));
	return attempt_commit(a, out, err);
}

/* *lost: somebody else committed first; a new snapshot may do better. */
static status replace_once(struct store *store, const char *root, const struct delta_replace *r,
	struct delta_replace_result *out, bool *lost, struct err *err)
{
	struct delta_snapshot *s = NULL;
	struct attempt a = {.store = store, .root = root, .r = r};
	bool exists = false;
	*lost = false;
	TRY(delta_table_exists(store, root, &exists, err));
	if (exists) TRY(delta_snapshot_open(store, root, DELTA_LATEST, &s, err));
	a.s = s;
	arena_init(&a.arena, 0);
	buf_init(&a.schema, 0);
	buf_init(&a.parameters, 0);
	const status code = attempt_run(&a, out, err);
	*lost = code == E_CONFLICT && a.parameters.n > 0; /* a schema that differs is found before, and stays so */
	arena_deinit(&a.arena);
	buf_deinit(&a.schema);
	buf_deinit(&a.parameters);
	delta_snapshot_close(s);
	return code;
}

status delta_replace(struct store *store, const char *root, const struct delta_replace *r,
	struct delta_replace_result *out, struct err *err)
{
	struct delta_replace_result result = {.version = -1};
	struct err after;
	bool lost = true;
	status code = OK;
	for (int attempt = 0; lost && attempt <= TXN_RETRIES_MAX; attempt++)
		code = replace_once(store, root, r, &result, &lost, err);
	TRY(code);
	*out = result;
	if (!result.committed) return OK;
	err_clear(&after);
	if (delta_after_commit(store, root, result.version, &after) != OK) {
		char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX];
		log_line(LOG_WARN, "no checkpoint after the commit; a later one makes up for it", "table", root, "why",
			err_text(&after, text, sizeof text), NULL);
	}
	return OK;
}
