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

const char *stage_layer(const struct stage_def *s)
{
	return s->layer != NULL ? s->layer : s->name;
}

/* n_stages: none */
static size_t stage_named(const struct workload *w, const char *name)
{
	size_t i = 0;
	while (i < w->n_stages && strcmp(w->stages[i].name, name) != 0) i++;
	return i;
}

status workload_stage_index(const struct workload *w, const char *name, size_t *out, struct err *err)
{
	const bool publish =
		strcmp(name, "publish") == 0 || (w->publish_name != NULL && strcmp(name, w->publish_name) == 0);
	size_t found = publish ? w->n_stages : stage_named(w, name);
	for (size_t i = w->n_stages; !publish && found == w->n_stages && i-- > 0;) {
		if (strcmp(stage_layer(&w->stages[i]), name) == 0) found = i;
	}
	if (found == w->n_stages && !publish) {
		char names[512];
		return fail(err, E_USAGE, "no stage %s in workload %s, which has %s", name, w->name,
			workload_stage_names(w, names, sizeof names));
	}
	*out = found;
	return OK;
}

const char *workload_stage_names(const struct workload *w, char *dst, size_t size)
{
	ASSERT(size > 0 && w->n_stages > 0);
	size_t n = 0;
	for (size_t i = 0; i < w->n_stages && n < size; i++)
		n += (size_t)snprintf(dst + n, size - n, "%s%s", i > 0 ? ", " : "", w->stages[i].name);
	if (n < size)
		(void)snprintf(dst + n, size - n, " or %s", w->publish_name != NULL ? w->publish_name : "publish");
	return dst;
}

bool workload_folds(const struct workload *w, const char *stage)
{
	return w->folding.stage != NULL && strcmp(stage, w->folding.stage) == 0;
}

bool workload_writes(const struct workload *w, const char *stage, const struct table_schema *t)
{
	const size_t i = stage_named(w, stage);
	if (i == w->n_stages || strcmp(stage_layer(&w->stages[i]), t->layer) != 0) return false;
	return w->stages[i].table == NULL || strcmp(w->stages[i].table, t->name) == 0;
}

enum continues workload_continues(
	const struct workload *w, const void *config, const struct run_info *run, const struct run_info *earlier)
{
	if (!run_makes(run)) return earlier == NULL || !run_makes(earlier) ? CONTINUES_ANY : CONTINUES_NOT;
	return w->folding.continues != NULL ? w->folding.continues(config, run, earlier) : CONTINUES_NOT;
}
