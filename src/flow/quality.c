/* flow/quality.c: the list of a stage's checks. Texts are copied into the list's arena, so a check may format into its stack. */
#include "flow/quality.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

enum { ONE = 1000000 }; /* a fraction of 1, in millionths */

static const char *keep(struct arena *arena, const char *s)
{
	return s != NULL ? arena_strndup(arena, s, strlen(s)) : "";
}

bool quality_add(struct quality_list *l, bool pass, const struct quality *q)
{
	ASSERT(l->arena != NULL && q->dataset != NULL && q->check_name != NULL);
	if (!VEC_ROOM_IN(l->arena, l, 1)) return false;
	struct quality copy = *q;
	copy.result = pass ? QUALITY_PASS : q->severity == QUALITY_CRITICAL ? QUALITY_FAIL : QUALITY_WARN;
	copy.dataset = keep(l->arena, q->dataset);
	copy.check_name = keep(l->arena, q->check_name);
	copy.value = keep(l->arena, q->value);
	copy.threshold = keep(l->arena, q->threshold);
	copy.details = keep(l->arena, q->details);
	if (copy.dataset == NULL || copy.check_name == NULL || copy.value == NULL || copy.threshold == NULL ||
		copy.details == NULL)
		return false;
	l->items[l->n++] = copy;
	return true;
}

bool quality_add_numbers(struct quality_list *l, bool pass, struct quality q, int64_t value, int64_t threshold)
{
	char v[32], th[32];
	(void)snprintf(v, sizeof v, "%lld", (long long)value);
	(void)snprintf(th, sizeof th, "%lld", (long long)threshold);
	q.value = v;
	q.threshold = th;
	return quality_add(l, pass, &q);
}

const char *quality_fraction(int64_t millionths, char dst[32])
{
	(void)snprintf(dst, 32, "%s%lld.%06lld", millionths < 0 ? "-" : "", (long long)(llabs(millionths) / ONE),
		(long long)(llabs(millionths) % ONE));
	return dst;
}
