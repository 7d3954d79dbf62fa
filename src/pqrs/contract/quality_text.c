#include "pqrs/contract/quality_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "pqrs/config/config.h"

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

bool quality_add_numbers(struct quality_list *out, bool pass, struct quality q, int64_t value, int64_t threshold)
{
	char v[32], th[32];
	(void)snprintf(v, sizeof v, "%lld", (long long)value);
	(void)snprintf(th, sizeof th, "%lld", (long long)threshold);
	q.value = v;
	q.threshold = th;
	if (q.details == NULL) q.details = "";
	return quality_add(out, pass, &q);
}

const char *quality_fraction(int64_t millionths, char dst[32])
{
	(void)snprintf(dst, 32, "%s%lld.%06lld", millionths < 0 ? "-" : "", (long long)(llabs(millionths) / PROB_ONE),
		(long long)(llabs(millionths) % PROB_ONE));
	return dst;
}
