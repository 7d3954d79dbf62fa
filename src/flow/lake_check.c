/* flow/lake_check.c: see lake_check.h. A difference is told and counted and ends nothing; a table is told of once. */
#include "flow/lake_check.h"

#include <stdio.h>

#include "base/thread.h"
#include "base/vec.h"
#include "flow/records.h"
#include "table/log/log.h"

static void differ(void *arg, const char *key, const char *what)
{
	struct lake_check *c = arg;
	c->differences++;
	if (c->difference != NULL) c->difference(c->arg, key, what);
}

/* ---- versions ---------------------------------------------------------------------------------------------------------- */

static status newest_version(struct store *lake, const char *root, int64_t *out, struct err *err)
{
	struct arena arena;
	struct delta_log_list l;
	*out = -1;
	arena_init(&arena, 0);
	const status code = delta_log_list(lake, root, &arena, &l, err);
	for (size_t i = 0; code == OK && i < l.n; i++) {
		const enum delta_log_kind kind = l.files[i].kind;
		if ((kind == DELTA_LOG_COMMIT || kind == DELTA_LOG_CHECKPOINT) && l.files[i].version > *out)
			*out = l.files[i].version;
	}
	arena_deinit(&arena);
	return code == E_NOT_FOUND ? OK : code;
}

status lake_check_versions(struct lake_check *c, const struct picture *left, struct err *err)
{
	for (size_t i = 0; i < left->n_tables; i++) {
		char root[DELTA_ROOT_MAX];
		int64_t newest;
		if (left->tables[i].version < 0) continue;
		(void)snprintf(root, sizeof root, "%s", left->tables[i].name);
		char *dot = strchr(root, '.');
		if (dot != NULL) *dot = '/';
		TRY(newest_version(c->lake, root, &newest, err));
		if (newest < 0)
			differ(c, root, "missing");
		else if (newest < left->tables[i].version)
			differ(c, root, "older than a run left it");
	}
	return OK;
}

/* ---- runs -------------------------------------------------------------------------------------------------------------- */

struct found_run {
	int32_t date;
	char run_id[UUID_CHARS + 1];
};
struct found_runs {
	struct found_run *items;
	size_t n, cap;
	struct arena *arena;
};

/* Of manifests/day=<date>/run_id=<U>/...; what stands of a run stands together in the listing. */
static status note_run(void *arg, const struct store_entry *e, struct err *err)
{
	static const char head[] = "manifests/day=", middle[] = "/run_id=";
	struct found_runs *l = arg;
	struct found_run r;
	uint8_t unused[UUID_BYTES];
	const char *day = e->key + sizeof head - 1, *id = day + DATE_CHARS + sizeof middle - 1;
	if (strncmp(e->key, head, sizeof head - 1) != 0 || strlen(e->key) < (size_t)(id - e->key) + UUID_CHARS + 1 ||
		strncmp(day + DATE_CHARS, middle, sizeof middle - 1) != 0 || id[UUID_CHARS] != '/' ||
		!date_parse((struct str){day, DATE_CHARS}, &r.date) ||
		!uuid_parse((struct str){id, UUID_CHARS}, unused))
		return OK;
	memcpy(r.run_id, id, UUID_CHARS);
	r.run_id[UUID_CHARS] = '\0';
	for (size_t i = l->n; i-- > 0;)
		if (l->items[i].date == r.date && strcmp(l->items[i].run_id, r.run_id) == 0) return OK;
	if (!VEC_ROOM_IN(l->arena, l, 1)) return fail_nomem(err);
	l->items[l->n++] = r;
	return OK;
}

/* Whose stages the run's are, by its first commit; where that can't be read the first there is, to which its records are held. */
static const struct workload *workload_of(
	struct store *lake, const struct workload_list *known, const struct found_run *r, struct arena *arena)
{
	for (size_t i = 0; i < known->n; i++) {
		char key[RUN_KEY_MAX];
		struct commit c;
		commit_key(key, r->date, r->run_id, known->items[i]->stages[0].name);
		if (commit_load(lake, key, arena, &c, NULL) == OK && strcmp(c.run.workload, known->items[i]->name) == 0)
			return known->items[i];
	}
	return known->items[0];
}

struct tables {
	struct picture_table *items;
	size_t n, cap;
	struct arena *arena;
};

/* The newest version of each table that any run left. */
static status keep_newest(struct tables *l, const struct picture *left, struct err *err)
{
	for (size_t i = 0; i < left->n_tables; i++) {
		const struct picture_table *t = &left->tables[i];
		size_t k = 0;
		while (k < l->n && strcmp(l->items[k].name, t->name) != 0) k++;
		if (k < l->n) {
			if (l->items[k].version < t->version) l->items[k].version = t->version;
			continue;
		}
		const char *name = arena_strndup(l->arena, t->name, strlen(t->name));
		if (name == NULL || !VEC_ROOM_IN(l->arena, l, 1)) return fail_nomem(err);
		l->items[l->n++] = (struct picture_table){name, t->version};
	}
	return OK;
}

/* The records of one run, and of the newest ones the tables that they left. scratch: to be reset afterwards. */
static status check_run(struct lake_check *c, const struct workload_list *known, const struct found_run *run,
	struct tables *newest, struct arena *scratch, struct err *err)
{
	struct records r = {.workload = workload_of(c->lake, known, run, scratch),
		.lake = c->lake,
		.run_id = run->run_id,
		.date = run->date,
		.difference = differ,
		.arg = c,
		.arena = scratch};
	c->runs++;
	TRY(cancel_check(err));
	TRY(records_load(&r, err));
	TRY(records_check(&r, err));
	return keep_newest(newest, &r.left, err);
}

static status check_runs(struct lake_check *c, const struct workload_list *known, struct arena *arena, struct err *err)
{
	struct found_runs runs = {.arena = arena};
	struct tables newest = {.arena = arena};
	struct arena scratch;
	TRY(store_list(c->lake, "manifests", note_run, &runs, err));
	arena_init(&scratch, 0);
	status code = OK;
	for (size_t i = 0; i < runs.n && code == OK; i++) {
		code = check_run(c, known, &runs.items[i], &newest, &scratch, err);
		arena_reset(&scratch);
	}
	arena_deinit(&scratch);
	TRY(code);
	return lake_check_versions(c, &(struct picture){.tables = newest.items, .n_tables = newest.n}, err);
}

status lake_check_runs(struct lake_check *c, const struct workload_list *known, struct err *err)
{
	ASSERT(known->n > 0);
	struct arena arena;
	c->runs = 0;
	c->differences = 0;
	arena_init(&arena, 0);
	const status code = check_runs(c, known, &arena, err);
	arena_deinit(&arena);
	return code;
}
