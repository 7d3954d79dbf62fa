/* table/log/log_clean.c: the log's clean-up.
 *
 * Nothing at or after the checkpoint `base` is touched, so every version from it on stays readable at each
 * step; what goes, goes oldest first, so that what is left of the older versions by a kill is a shorter log and no hole. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "table/log/checkpoint_int.h"

enum { DAY_MS = 86400 * 1000 };

struct cleaning {
	struct store *store;
	const char *root;
	struct arena arena; /* of the list */
	struct delta_log_list log;
	int64_t now_ms;
	int64_t base; /* version of the checkpoint that the oldest retained version needs */
	struct delta_checkpoint_at at;
	int64_t actions; /* in it */
	int64_t removed;
};

/* ---- which versions stay ------------------------------------------------------------------------------------ */

static status visit_time(void *arg, const struct delta_action *a, struct err *err)
{
	(void)err;
	int64_t *ms = arg;
	if (a->kind != DELTA_COMMIT_INFO) return OK;
	if (a->info.in_commit_ms >= 0)
		*ms = a->info.in_commit_ms;
	else if (a->info.timestamp_ms >= 0)
		*ms = a->info.timestamp_ms;
	return OK;
}

/* The time of a commit as table/log/history.h has it, but for the raising. */
static status commit_time(struct cleaning *c, const struct delta_log_file *f, int64_t *ms, struct err *err)
{
	struct buf text;
	struct arena arena;
	buf_init(&text, 0);
	arena_init(&arena, 0);
	*ms = f->modified_ms;
	const status code =
		delta_log_read(c->store, f->key, &text, &arena, &(struct delta_visitor){visit_time, ms}, err);
	arena_deinit(&arena);
	buf_deinit(&text);
	return code;
}

/* The version that the table had at the cut-off, or the oldest one: it and all after it stay. The first commit after the
 * cut-off decides, as times are raised where they go backwards; where nothing has expired one commit is read. */
static status oldest_retained(struct cleaning *c, int64_t cutoff_ms, int64_t *version, struct err *err)
{
	*version = -1;
	for (size_t i = 0; i < c->log.n; i++) {
		const struct delta_log_file *f = &c->log.files[i];
		int64_t ms;
		if (f->kind != DELTA_LOG_COMMIT) continue;
		TRY(commit_time(c, f, &ms, err));
		if (ms > cutoff_ms && *version >= 0) return OK;
		*version = f->version;
		if (ms > cutoff_ms) return OK;
	}
	return OK;
}

static status visit_count(void *arg, const struct delta_action *a, struct err *err)
{
	(void)a, (void)err;
	++*(int64_t *)arg;
	return OK;
}

/* The file is at fault, not the machine: another try ends the same way. */
static bool unreadable(status code)
{
	return code == E_CORRUPT || code == E_UNSUPPORTED || code == E_LIMIT || code == E_NOT_FOUND;
}

/* The newest checkpoint at or below `version` that can be read: a broken one replaces nothing. base = -1: there is none. */
static status find_base(struct cleaning *c, int64_t version, struct err *err)
{
	c->base = -1;
	for (int64_t skip = INT64_MAX;;) {
		struct arena arena;
		const struct delta_checkpoint_at at = delta_log_checkpoint(&c->log, version, skip);
		if (at.n == 0) return OK;
		arena_init(&arena, 0);
		c->actions = 0;
		const status code = delta_checkpoint_read(
			c->store, c->root, &at, &arena, &(struct delta_visitor){visit_count, &c->actions}, err);
		arena_deinit(&arena);
		if (code == OK) {
			c->base = at.version;
			c->at = at;
			return OK;
		}
		if (!unreadable(code)) return code;
		err_clear(err);
		skip = at.version;
	}
}

/* ---- what goes ---------------------------------------------------------------------------------------------- */

static status drop(struct cleaning *c, const char *key, struct err *err)
{
	TRY(store_delete(c->store, key, err));
	c->removed++;
	return OK;
}

static const char *name_of(const char *key)
{
	const char *slash = strrchr(key, '/');
	return slash != NULL ? slash + 1 : key;
}

/* 20 digits and a dot at p: their number; -1: something else. */
static int64_t version_at(const char *p)
{
	enum { DIGITS = 20 };
	int64_t v = 0;
	for (int i = 0; i < DIGITS; i++) {
		if (p[i] < '0' || p[i] > '9' || v > (INT64_MAX - (p[i] - '0')) / 10) return -1;
		v = v * 10 + (p[i] - '0');
	}
	return p[DIGITS] == '.' ? v : -1;
}

/* <a>.<b>.compacted.json with a at or below the base: it reaches over versions that go. */
static bool compacted_goes(const struct cleaning *c, const char *name)
{
	const int64_t from = version_at(name);
	return from >= 0 && from <= c->base && version_at(name + 21) >= 0 && strcmp(name + 42, "compacted.json") == 0;
}

static bool checksum_goes(const struct cleaning *c, const char *name)
{
	const int64_t version = version_at(name);
	return version >= 0 && version < c->base && strcmp(name + 21, "crc") == 0;
}

/* Directly in _delta_log, and no commit or checkpoint. */
static bool beside_commits(const struct delta_log_file *f)
{
	static const char folder[] = "_delta_log/";
	const char *name = name_of(f->key);
	const size_t n = sizeof folder - 1;
	return f->kind == DELTA_LOG_OTHER && (size_t)(name - f->key) >= n && memcmp(name - n, folder, n) == 0;
}

static status drop_versions(struct cleaning *c, struct err *err)
{
	for (size_t i = 0; i < c->log.n; i++) {
		const struct delta_log_file *f = &c->log.files[i];
		if (beside_commits(f) && compacted_goes(c, name_of(f->key))) TRY(drop(c, f->key, err));
	}
	for (size_t i = 0; i < c->log.n; i++) {
		const struct delta_log_file *f = &c->log.files[i];
		if (beside_commits(f) && checksum_goes(c, name_of(f->key))) TRY(drop(c, f->key, err));
		if (f->kind == DELTA_LOG_OTHER || f->kind == DELTA_LOG_SIDECAR || f->version < 0) continue;
		if (f->version < c->base) TRY(drop(c, f->key, err));
	}
	return OK;
}

/* ---- sidecars ------------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sidecars that the checkpoints which stay name, sorted. *known = false: one of them can't be read. */
static status sidecars_needed(struct cleaning *c, struct checkpoint_keys *keys, bool *known, struct err *err)
{
	*keys = (struct checkpoint_keys){.n = 0};
	*known = true;
	for (size_t i = 0; i < c->log.n; i++) {
		const struct delta_log_file *f = &c->log.files[i];
		if ((f->kind != DELTA_LOG_CHECKPOINT && f->kind != DELTA_LOG_V2) || f->version < c->base) continue;
		const status code = checkpoint_sidecars(c->store, c->root, f->key, &c->arena, keys, err);
		if (unreadable(code)) {
			err_clear(err);
			*known = false;
			return OK;
		}
		TRY(code);
	}
	if (keys->n > 1) qsort(keys->items, keys->n, sizeof *keys->items, by_name);
	return OK;
}

/* A young sidecar may be of a checkpoint that is being written: it is there before its checkpoint names it. */
static status drop_sidecars(struct cleaning *c, struct err *err)
{
	struct checkpoint_keys needed;
	size_t there = 0;
	bool known;
	for (size_t i = 0; i < c->log.n; i++) there += c->log.files[i].kind == DELTA_LOG_SIDECAR;
	if (there == 0) return OK;
	TRY(sidecars_needed(c, &needed, &known, err));
	for (size_t i = 0; i < c->log.n && known; i++) {
		const struct delta_log_file *f = &c->log.files[i];
		if (f->kind != DELTA_LOG_SIDECAR || f->modified_ms > c->now_ms - DAY_MS) continue;
		if (needed.n > 0 && bsearch(&f->key, needed.items, needed.n, sizeof *needed.items, by_name) != NULL)
			continue;
		TRY(drop(c, f->key, err));
	}
	return OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

/* A stale hint must not lead to a checkpoint that goes: other readers look for what it names. */
static status freshen_hint(struct cleaning *c, struct err *err)
{
	int64_t named;
	TRY(checkpoint_hint_version(c->store, c->root, &named, err));
	if (named < 0 || named >= c->base) return OK;
	const struct delta_log_file *f = &c->at.files[0];
	const struct checkpoint_hint h = {
		.version = c->base,
		.actions = c->actions,
		.bytes = -1,
		.adds = -1,
		.parts = f->kind == DELTA_LOG_PART ? f->parts : 0,
	};
	return checkpoint_hint_write(c->store, c->root, &h, err);
}

/* Is there a complete checkpoint, and anything older than it? Else there is no need to open the table. */
static bool worth_it(const struct cleaning *c)
{
	const struct delta_checkpoint_at at = delta_log_checkpoint(&c->log, INT64_MAX, INT64_MAX);
	for (size_t i = 0; i < c->log.n && at.n > 0; i++) {
		if (c->log.files[i].version >= 0 && c->log.files[i].version < at.version) return true;
	}
	return false;
}

/* The table's properties. *retention_ms = -1: it keeps its log. */
static status read_retention(struct cleaning *c, int64_t *retention_ms, struct err *err)
{
	struct delta_snapshot *s = NULL;
	TRY(delta_snapshot_open(c->store, c->root, DELTA_LATEST, &s, err));
	*retention_ms = delta_snapshot_interval(s, "delta.logRetentionDuration", 30 * (int64_t)DAY_MS);
	const struct str clean = delta_snapshot_property(s, "delta.enableExpiredLogCleanup", "true");
	if (clean.n == 5 && strncasecmp(clean.p, "false", 5) == 0) *retention_ms = -1;
	delta_snapshot_close(s);
	return OK;
}

static status clean(struct cleaning *c, struct err *err)
{
	int64_t retention_ms, version;
	TRY(delta_log_list(c->store, c->root, &c->arena, &c->log, err));
	if (!worth_it(c)) return OK;
	TRY(read_retention(c, &retention_ms, err));
	if (retention_ms < 0) return OK;
	TRY(oldest_retained(c, c->now_ms - retention_ms, &version, err));
	TRY(find_base(c, version, err));
	if (c->base < 0) return OK;
	TRY(freshen_hint(c, err));
	TRY(drop_versions(c, err));
	return drop_sidecars(c, err);
}

status delta_log_clean(struct store *store, const char *root, int64_t now_ms, int64_t *removed, struct err *err)
{
	ASSERT(now_ms >= 0);
	struct cleaning c = {.store = store, .root = root, .now_ms = now_ms};
	arena_init(&c.arena, 0);
	const status code = clean(&c, err);
	arena_deinit(&c.arena);
	if (code == OK && removed != NULL) *removed = c.removed;
	return code;
}
