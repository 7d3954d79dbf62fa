/* flow/workload.c: look-ups in what a workload registered. */
#include "flow/workload.h"

#include <stdio.h>
#include <string.h>

int64_t stage_view_rows(const struct stage_view *view, const char *table)
{
	int64_t rows = 0;
	for (size_t s = 0; s < view->n_stages; s++) {
		for (size_t i = 0; i < view->files[s].n; i++) {
			if (strcmp(view->files[s].items[i].table, table) == 0) rows += view->files[s].items[i].rows;
		}
	}
	return rows;
}

const struct workload *workload_named(const struct workload_list *known, struct str name)
{
	for (size_t i = 0; i < known->n; i++) {
		if (str_is(name, known->items[i]->name)) return known->items[i];
	}
	return NULL;
}

status workload_find(const struct workload_list *known, struct str name, const struct workload **out, struct err *err)
{
	char names[256] = "";
	size_t n = 0;
	*out = workload_named(known, name);
	if (*out != NULL) return OK;
	for (size_t i = 0; i < known->n && n < sizeof names; i++)
		n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "", known->items[i]->name);
	return fail(err, E_USAGE, "unknown workload '%.*s': this version has %s", (int)name.n, name.p, names);
}

size_t workload_table_index(const struct workload *w, const char *table)
{
	for (size_t i = 0; i < w->n_tables; i++) {
		const size_t n = strlen(w->tables[i]->layer);
		if (strncmp(table, w->tables[i]->layer, n) == 0 && table[n] == '.' &&
			strcmp(table + n + 1, w->tables[i]->name) == 0)
			return i;
	}
	return w->n_tables;
}

status workload_stage_index(const struct workload *w, const char *name, size_t *out, struct err *err)
{
	for (size_t i = 0; i < w->n_stages; i++) {
		if (strcmp(w->stages[i].name, name) != 0) continue;
		*out = i;
		return OK;
	}
	if (strcmp(name, "publish") != 0) return fail(err, E_USAGE, "no stage %s in workload %s", name, w->name);
	*out = w->n_stages;
	return OK;
}

bool workload_folds(const struct workload *w, const char *stage)
{
	return w->folding.stage != NULL && strcmp(stage, w->folding.stage) == 0;
}
