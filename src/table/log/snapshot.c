/* table/log/snapshot.c: find the files that make up a version and replay them.
 *
 * Between the checkpoint and the version every commit must be there: a hole is E_CORRUPT, never a table with fewer files. What a clean-up
 * deletes between the listing and the reading is listed again. A snapshot that this version can't read rightly is refused by name.
 */
#include "table/log/snapshot.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "table/log/checkpoint.h"
#include "table/log/log_int.h"
#include "table/log/replay_int.h"

enum { LIST_TRIES = 6 }; /* a clean-up may delete files between listing and reading; one at a time, so this is many */

/* ---- gaps ------------------------------------------------------------------------------------------------------ */

/* The first version in (base, version] without a commit file; version + 1 as uint64 where all are there. */
static uint64_t first_gap(const struct delta_log_list *l, int64_t base, int64_t version)
{
	uint64_t expected = (uint64_t)(base + 1);
	for (size_t i = 0; i < l->n && expected <= (uint64_t)version; i++) {
		const struct delta_log_file *f = &l->files[i];
		if (f->kind != DELTA_LOG_COMMIT || f->version <= base) continue;
		if ((uint64_t)f->version != expected) break;
		expected++;
	}
	return expected;
}

static status gap_fail(const char *root, uint64_t version, struct err *err)
{
	char key[DELTA_KEY_MAX];
	TRY(delta_commit_key(key, root, (int64_t)version, err));
	return fail_at(err, E_CORRUPT, key, -1, -1,
		"a commit of the table is missing, and no checkpoint that can be read stands in for it");
}

status delta_table_exists(struct store *store, const char *root, bool *out, struct err *err)
{
	struct arena arena;
	struct delta_log_list l;
	arena_init(&arena, 0);
	const status code = delta_log_list_names(store, root, &arena, &l, err);
	if (code == OK) *out = delta_log_range(&l).latest >= 0;
	arena_deinit(&arena);
	return code;
}

/* ---- replay ---------------------------------------------------------------------------------------------- */

struct opening {
	struct store *store;
	const char *root;
	struct delta_snapshot *s;
	const struct delta_log_list *list;
	struct delta_checkpoint_at at; /* n == 0: from version 0 */
	struct replay replay;
	bool commits_read; /* what fails after this is the checkpoint's fault */
	struct {
		const struct delta_log_file **items; /* in arena; whose own times count */
		size_t n, cap;
	} untimed;
	struct arena *arena; /* the list's */
};

/* ms: what a commit tells of its time; -1: nothing, it is that of the file. */
static status raise_timestamp(struct opening *o, int64_t ms, const struct delta_log_file *f, struct err *err)
{
	if (ms > o->s->timestamp_ms) o->s->timestamp_ms = ms;
	if (ms >= 0) return OK;
	if (!VEC_ROOM_IN(o->arena, &o->untimed, 1)) return fail_nomem(err);
	o->untimed.items[o->untimed.n++] = f;
	return OK;
}

/* Our own commits tell their times, and so do those of most writers. */
static status look_at_times(struct opening *o, struct err *err)
{
	struct delta_log_list l;
	if (o->untimed.n == 0) return OK;
	TRY(delta_log_list(o->store, o->root, o->arena, &l, err));
	for (size_t i = 0; i < l.n; i++) {
		for (size_t k = 0; k < o->untimed.n; k++) {
			const bool same = strcmp(l.files[i].key, o->untimed.items[k]->key) == 0;
			if (same && l.files[i].modified_ms > o->s->timestamp_ms)
				o->s->timestamp_ms = l.files[i].modified_ms;
		}
	}
	return OK;
}

static status read_commits(struct opening *o, struct err *err)
{
	struct delta_snapshot *s = o->s;
	const size_t n = (size_t)(s->version - o->at.version); /* each is in the list: it fits */
	const struct delta_visitor visitor = {replay_visit, &o->replay};
	s->texts = mem_zalloc(n, sizeof *s->texts);
	if (s->texts == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const int64_t version = s->version - (int64_t)i;
		const struct delta_log_file *f = delta_log_commit(o->list, version);
		ASSERT(f != NULL); /* first_gap found none */
		struct buf *text = &s->texts[s->n_texts++];
		buf_init(text, 0);
		replay_commit_begin(&o->replay, version);
		TRY(delta_log_read(s->store, f->key, text, &s->arena, &visitor, err));
		TRY(raise_timestamp(o, delta_info_ms(&o->replay.info, -1), f, err));
		s->log_bytes += (int64_t)text->n;
	}
	return OK;
}

static status read_checkpoint(struct opening *o, struct err *err)
{
	struct delta_snapshot *s = o->s;
	const struct delta_log_file *top = &o->at.files[0];
	const struct delta_visitor visitor = {replay_visit, &o->replay};
	replay_checkpoint_begin(&o->replay);
	TRY(delta_checkpoint_read(s->store, s->root, &o->at, &s->arena, &visitor, err));
	if (o->replay.protocol_version == INT64_MIN || o->replay.metadata_version == INT64_MIN)
		return fail_at(err, E_CORRUPT, top->key, -1, -1, "checkpoint without protocol or metaData");
	if (s->version != o->at.version) return OK;
	const struct delta_log_file *f = delta_log_commit(o->list, s->version);
	struct delta_commit_info info;
	if (f == NULL) return raise_timestamp(o, -1, top, err);
	TRY(delta_log_info(s->store, f->key, &s->arena, &info, err));
	return raise_timestamp(o, delta_info_ms(&info, -1), f, err);
}

/* The pairs of every partition column in metadata's order; null where the action has none. */
static status complete_partition(
	const struct delta_strings *names, struct delta_pairs *l, struct arena *arena, struct err *err)
{
	size_t same = 0;
	while (same < names->n && same < l->n && str_eq(l->items[same].key, names->items[same])) same++;
	if (same == names->n && same == l->n) return OK;
	struct delta_pair *items = ARENA_NEW(arena, struct delta_pair, names->n);
	if (items == NULL) return fail_nomem(err);
	for (size_t i = 0; i < names->n; i++) {
		const struct delta_pair *given = delta_pairs_get(l, names->items[i]);
		items[i].key = names->items[i];
		items[i].value = given != NULL ? given->value : (struct str){NULL, 0};
	}
	*l = (struct delta_pairs){items, names->n};
	return OK;
}

static status check_files(struct delta_snapshot *s, struct err *err)
{
	struct delta_add *files = (struct delta_add *)(uintptr_t)s->files; /* the arena's, ours until open returns */
	for (size_t i = 0; i < s->n_files; i++) {
		if (files[i].dv.unique_id.n > 0)
			return fail(err, E_UNSUPPORTED, "unsupported table feature: deletionVectors (of table %s)",
				s->root);
		TRY(complete_partition(&s->metadata.partition_columns, &files[i].partition, &s->arena, err));
	}
	return OK;
}

static bool feature_read(struct str name)
{
	return str_is(name, "timestampNtz") || str_is(name, "v2Checkpoint") || str_is(name, "vacuumProtocolCheck");
}

/* "Reader Version Requirements". */
static status check_protocol(const struct delta_snapshot *s, struct err *err)
{
	const struct delta_protocol *p = &s->protocol;
	if (p->min_reader > 3)
		return fail(err, E_UNSUPPORTED, "unsupported reader version %d of table %s: this version reads up to 3",
			p->min_reader, s->root);
	for (size_t i = 0; p->min_reader == 3 && i < p->reader_features.n; i++) {
		const struct str name = p->reader_features.items[i];
		const int n = name.n < 100 ? (int)name.n : 100;
		if (!feature_read(name))
			return fail(err, E_UNSUPPORTED, "unsupported table feature: %.*s (of table %s)", n, name.p,
				s->root);
	}
	if (!str_is(delta_snapshot_property(s, "delta.columnMapping.mode", "none"), "none"))
		return fail(err, E_UNSUPPORTED, "unsupported table feature: columnMapping (of table %s)", s->root);
	return OK;
}

static status replay_all(struct opening *o, struct err *err)
{
	struct delta_snapshot *s = o->s;
	const char *oldest = o->at.n > 0 ? o->at.files[0].key : delta_log_commit(o->list, 0)->key;
	TRY(read_commits(o, err));
	o->commits_read = true;
	if (o->at.n > 0) TRY(read_checkpoint(o, err));
	if (o->replay.protocol_version == INT64_MIN || o->replay.metadata_version == INT64_MIN)
		return fail_at(err, E_CORRUPT, oldest, -1, -1, "log without protocol or metaData");
	TRY(err_at(err, replay_finish(&o->replay, s, err), oldest, -1, -1));
	s->protocol = o->replay.protocol;
	s->metadata = o->replay.metadata;
	o->at.n = 0; /* what fails from here on is the table's state, whatever it was read from */
	TRY(check_protocol(s, err));
	TRY(err_at(err, delta_schema_parse(&s->metadata, &s->arena, &s->schema, err), s->root, -1, -1));
	return check_files(s, err);
}

static status snapshot_read(struct opening *o, int64_t version, struct err *err)
{
	struct delta_snapshot *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	o->s = s;
	o->commits_read = false;
	o->untimed.n = 0;
	s->store = o->store;
	(void)snprintf(s->root, sizeof s->root, "%s", o->root);
	s->version = version;
	s->timestamp_ms = INT64_MIN;
	s->checkpoint_version = o->at.version;
	arena_init(&s->arena, 0);
	replay_init(&o->replay, &s->arena);
	const status code = replay_all(o, err);
	replay_deinit(&o->replay);
	if (code != OK) delta_snapshot_close(s);
	return code;
}

/* ---- opening --------------------------------------------------------------------------------------------- */

static status version_choose(const struct delta_log_list *l, const char *root, int64_t *version, struct err *err)
{
	const struct delta_log_range range = delta_log_range(l);
	if (range.latest < 0) return fail(err, E_NOT_FOUND, "no Delta table at %s", root[0] != '\0' ? root : ".");
	if (*version == DELTA_LATEST) *version = range.latest;
	if (*version < range.oldest || *version > range.latest)
		return fail(err, E_NOT_FOUND, "no version %lld of table %s: its log has %lld to %lld",
			(long long)*version, root, (long long)range.oldest, (long long)range.latest);
	return OK;
}

/* From the newest checkpoint that can be read, or from version 0. last: a listed file that is not there is broken, not just
 * cleaned up meanwhile. */
static status open_listed(struct opening *o, int64_t version, bool last, struct err *err)
{
	struct err first = {.code = OK};
	for (int64_t skip = INT64_MAX;;) {
		o->at = delta_log_checkpoint(o->list, version, skip);
		skip = o->at.version;
		const uint64_t gap = first_gap(o->list, o->at.version, version);
		if (gap <= (uint64_t)version) {
			if (first.code == OK) return gap_fail(o->root, gap, err);
			if (err != NULL) *err = first;
			return first.code;
		}
		struct err now;
		err_clear(&now);
		status code = snapshot_read(o, version, &now);
		if (code == OK) return OK;
		if (code == E_NOT_FOUND && last) {
			code = now.code = E_CORRUPT;
			now.class = ERR_DATA;
		}
		const bool unreadable = code == E_CORRUPT || code == E_UNSUPPORTED || code == E_LIMIT;
		const bool checkpoint_bad = o->commits_read && o->at.n > 0 && unreadable;
		if (checkpoint_bad && first.code == OK) first = now;
		if (checkpoint_bad) continue;
		if (err != NULL) *err = now;
		return code;
	}
}

/* *listed: the table has a log, and that version. */
static status open_once(struct opening *o, int64_t version, bool last, bool *listed, struct err *err)
{
	struct delta_log_list l;
	o->list = &l;
	*listed = false;
	TRY(delta_log_list_names(o->store, o->root, o->arena, &l, err));
	TRY(version_choose(&l, o->root, &version, err));
	*listed = true;
	TRY(open_listed(o, version, last, err));
	const status code = look_at_times(o, err);
	if (code != OK) delta_snapshot_close(o->s);
	return code;
}

status delta_snapshot_open(
	struct store *store, const char *root, int64_t version, struct delta_snapshot **out, struct err *err)
{
	if (strlen(root) >= DELTA_ROOT_MAX)
		return fail(err, E_LIMIT, "table's folder of over %d bytes: %.100s...", DELTA_ROOT_MAX - 1, root);
	for (int attempt = 1;; attempt++) {
		struct arena arena;
		struct opening o = {.store = store, .root = root, .arena = &arena};
		bool listed;
		arena_init(&arena, 0);
		const status code = open_once(&o, version, attempt == LIST_TRIES, &listed, err);
		arena_deinit(&arena);
		if (code == OK) *out = o.s;
		if (code != E_NOT_FOUND || !listed) return code;
	}
}

void delta_snapshot_keep(struct delta_snapshot *s, const char *column, const char *const *values, size_t n)
{
	struct delta_add *files =
		(struct delta_add *)(uintptr_t)s->files; /* the arena's, and nobody else has them yet */
	const int at = delta_schema_index(&s->schema, str_of(column));
	size_t kept = 0;
	if (at < 0 || s->schema.columns[at].partition_index < 0) return;
	for (size_t i = 0; i < s->n_files; i++) {
		const struct delta_pair *pair = delta_pairs_get(&files[i].partition, str_of(column));
		bool wanted = false;
		for (size_t k = 0; k < n && !wanted && pair != NULL; k++) wanted = str_is(pair->value, values[k]);
		if (wanted) files[kept++] = files[i];
	}
	s->n_files = kept;
}

void delta_snapshot_close(struct delta_snapshot *s)
{
	if (s == NULL) return;
	for (size_t i = 0; i < s->n_texts; i++) buf_deinit(&s->texts[i]);
	mem_free(s->texts);
	arena_deinit(&s->arena);
	mem_free(s);
}
