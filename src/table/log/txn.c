/* table/log/txn.c: a transaction before its commit: what it reads, adds, removes and sets.
 *
 * Everything given is copied. The first failure poisons it: nothing but the end is possible then, and nothing was written.
 */
#include "table/log/txn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "table/log/txn_int.h"

/* ---- begin and end ----------------------------------------------------------------------------------------- */

status delta_txn_begin(struct store *store, const char *root, const struct delta_snapshot *s,
	const struct delta_txn_opts *opts, struct delta_txn **out, struct err *err)
{
	if (strlen(root) >= DELTA_ROOT_MAX)
		return fail(err, E_LIMIT, "table's folder of over %d bytes: %.100s...", DELTA_ROOT_MAX - 1, root);
	if (s != NULL) TRY(txn_check_writer(s, err));
	struct delta_txn *t = mem_zalloc(1, sizeof *t);
	if (t == NULL) return fail_nomem(err);
	uint8_t id[UUID_BYTES];
	uuid_random(id);
	uuid_format(id, t->id);
	t->store = store;
	(void)snprintf(t->root, sizeof t->root, "%s", root);
	t->s = s;
	t->opts = *opts;
	t->append_only = s != NULL && str_is(delta_snapshot_property(s, "delta.appendOnly", "false"), "true");
	arena_init(&t->arena, 0);
	buf_init(&t->adds, SIZE_MAX);
	buf_init(&t->removes, SIZE_MAX);
	*out = t;
	return OK;
}

void delta_txn_destroy(struct delta_txn *t)
{
	if (t == NULL) return;
	arena_deinit(&t->arena);
	buf_deinit(&t->adds);
	buf_deinit(&t->removes);
	mem_free(t);
}

status delta_txn_onto(struct delta_txn *t, const struct delta_snapshot *s, struct err *err)
{
	ASSERT(t->done && t->s == NULL && t->removes.n == 0);
	TRY(txn_check_writer(s, err));
	t->s = s;
	t->has_protocol = t->has_metadata = t->done = false;
	return OK;
}

/* ---- copies ------------------------------------------------------------------------------------------------ */

static bool copy_str(struct arena *arena, struct str *s)
{
	if (s->p == NULL) return true;
	s->p = arena_strndup(arena, s->p, s->n);
	return s->p != NULL;
}

static bool copy_pairs(struct arena *arena, struct delta_pairs *l)
{
	struct delta_pair *items = ARENA_NEW(arena, struct delta_pair, l->n);
	if (items == NULL) return false;
	for (size_t i = 0; i < l->n; i++) {
		items[i] = l->items[i];
		if (!copy_str(arena, &items[i].key) || !copy_str(arena, &items[i].value)) return false;
	}
	l->items = items;
	return true;
}

static bool copy_strings(struct arena *arena, struct delta_strings *l)
{
	struct str *items = ARENA_NEW(arena, struct str, l->n);
	if (items == NULL) return false;
	for (size_t i = 0; i < l->n; i++) {
		items[i] = l->items[i];
		if (!copy_str(arena, &items[i])) return false;
	}
	l->items = items;
	return true;
}

/* Poison: after a failure only destroy works. */
static status poison(struct delta_txn *t, status code)
{
	if (code != OK) t->failed = code;
	return code;
}

static status usable(const struct delta_txn *t, struct err *err)
{
	ASSERT(!t->done);
	return t->failed == OK ? OK : fail(err, t->failed, "an earlier step of the transaction failed");
}

static status no_memory(struct delta_txn *t, struct err *err)
{
	return poison(t, fail_nomem(err));
}

/* ---- what it holds ----------------------------------------------------------------------------------------- */

status delta_txn_add(struct delta_txn *t, const struct delta_add *a, struct err *err)
{
	struct delta_add copy = *a;
	TRY(usable(t, err));
	TRY(poison(t, path_check(a->path, err)));
	const bool ok = copy_str(&t->arena, &copy.path) && copy_pairs(&t->arena, &copy.partition) &&
			copy_str(&t->arena, &copy.stats) && copy_pairs(&t->arena, &copy.tags) &&
			copy_str(&t->arena, &copy.dv.unique_id);
	if (!ok) return no_memory(t, err);
	buf_add(&t->adds, &copy, sizeof copy);
	return poison(t, buf_check(&t->adds, err));
}

status delta_txn_remove(struct delta_txn *t, const struct delta_add *file, bool data_change, struct err *err)
{
	TRY(usable(t, err));
	const int shown = file->path.n < 200 ? (int)file->path.n : 200;
	if (t->append_only && data_change)
		return poison(
			t, fail(err, E_UNSUPPORTED,
				   "table %s is append-only (delta.appendOnly): its rows cannot be removed", t->root));
	if (t->s == NULL || delta_snapshot_file(t->s, file->path) == NULL)
		return poison(
			t, fail(err, E_NOT_FOUND, "cannot remove %.*s: no file of the table", shown, file->path.p));
	struct delta_remove r = {.path = file->path,
		.data_change = data_change,
		.extended = true,
		.partition = file->partition,
		.size = file->size,
		.dv = file->dv};
	const bool ok = copy_str(&t->arena, &r.path) && copy_pairs(&t->arena, &r.partition) &&
			copy_str(&t->arena, &r.dv.unique_id);
	if (!ok) return no_memory(t, err);
	buf_add(&t->removes, &r, sizeof r);
	return poison(t, buf_check(&t->removes, err));
}

status delta_txn_app(struct delta_txn *t, struct str app_id, int64_t version, struct err *err)
{
	TRY(usable(t, err));
	if (t->apps.n == DELTA_TXN_APPS_MAX)
		return fail(err, E_LIMIT, "more than %d applications in one commit", DELTA_TXN_APPS_MAX);
	if (!VEC_ROOM_IN(&t->arena, &t->apps, 1)) return no_memory(t, err);
	struct delta_app_txn *app = &t->apps.items[t->apps.n++];
	*app = (struct delta_app_txn){.app_id = app_id, .version = version, .updated_ms = -1};
	return copy_str(&t->arena, &app->app_id) ? OK : no_memory(t, err);
}

status delta_txn_metadata(struct delta_txn *t, const struct delta_metadata *m, struct err *err)
{
	struct delta_metadata copy = *m;
	TRY(usable(t, err));
	const bool ok = copy_str(&t->arena, &copy.id) && copy_str(&t->arena, &copy.name) &&
			copy_str(&t->arena, &copy.description) && copy_str(&t->arena, &copy.schema) &&
			copy_strings(&t->arena, &copy.partition_columns) && copy_pairs(&t->arena, &copy.configuration);
	if (!ok) return no_memory(t, err);
	t->metadata = copy;
	t->has_metadata = true;
	return OK;
}

status delta_txn_protocol(struct delta_txn *t, const struct delta_protocol *p, struct err *err)
{
	struct delta_protocol copy = *p;
	TRY(usable(t, err));
	if (!copy_strings(&t->arena, &copy.reader_features) || !copy_strings(&t->arena, &copy.writer_features))
		return no_memory(t, err);
	t->protocol = copy;
	t->has_protocol = true;
	return OK;
}
