/* app/lake_picture.c: from the versions that runs left to what SQL over the lake takes.
 *
 * 1. A person who names no run sees of each workload one finished run's tables together, never one's silver beside another's gold.
 * 2. A person who names a run sees its history alone, as it left it.
 */
#include "app/lake_picture.h"

#include <stdio.h>

#include "flow/history.h"
#include "table/log/snapshot.h"
#include "workloads/registry.h"

status lake_picture(
	struct store *lake, const char *run_id, struct arena *arena, struct query_picture *out, struct err *err)
{
	struct picture one, *p = &one;
	size_t n = 1, n_tables = 0;
	*out = (struct query_picture){0};
	if (run_id != NULL)
		TRY(picture_of_run(lake, run_id, arena, &one, err));
	else
		TRY(history_newest(lake, &registry_workloads, arena, &p, &n, err));
	for (size_t k = 0; k < n; k++) n_tables += p[k].n_tables;
	const char **tables = ARENA_NEW(arena, const char *, n_tables + 1);
	int64_t *versions = ARENA_NEW(arena, int64_t, n_tables + 1);
	if (tables == NULL || versions == NULL) return fail_nomem(err);
	*out = (struct query_picture){.tables = tables, .versions = versions};
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < p[k].n_tables; i++) {
			tables[out->n] = p[k].tables[i].name;
			versions[out->n++] = p[k].tables[i].version;
		}
	}
	if (run_id != NULL) {
		out->runs = one.runs;
		out->n_runs = one.n_runs;
	}
	return OK;
}

/* Each history has claimed its head in the table that says so (flow/history.h). */
static status claimed(struct store *lake, const char *table, size_t *n, struct err *err)
{
	char root[DELTA_ROOT_MAX];
	struct delta_snapshot *s = NULL;
	const char *dot = strchr(table, '.');
	(void)snprintf(root, sizeof root, "%.*s/%s", (int)(dot - table), table, dot + 1);
	*n = 0;
	const status code = delta_snapshot_open(lake, root, DELTA_LATEST, &s, err);
	if (code == E_NOT_FOUND) return OK;
	TRY(code);
	for (size_t i = 0; i < s->n_app_txns; i++) *n += history_is_claim(s->app_txns[i].app_id);
	delta_snapshot_close(s);
	return OK;
}

status lake_picture_histories(struct store *lake, size_t *out, struct err *err)
{
	*out = 0;
	for (size_t i = 0; i < registry_workloads.n; i++) {
		size_t n = 0;
		const struct workload_folding *folding = &registry_workloads.items[i]->folding;
		if (folding->stage != NULL) TRY(claimed(lake, folding->claims, &n, err));
		if (n > *out) *out = n;
	}
	return OK;
}
