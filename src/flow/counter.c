/* flow/counter.c: named sums. A name stands once in a list. */
#include "flow/counter.h"

#include <string.h>

#include "base/vec.h"

bool counter_add(struct counter_list *l, const char *name, int64_t value)
{
	ASSERT(l->arena != NULL && name[0] != '\0');
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->items[i].name, name) != 0) continue;
		l->items[i].value += value;
		return true;
	}
	if (!VEC_ROOM_IN(l->arena, l, 1)) return false;
	const char *copy = arena_strndup(l->arena, name, strlen(name));
	if (copy == NULL) return false;
	l->items[l->n++] = (struct counter){copy, value};
	return true;
}

int64_t counter_get(const struct counter_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->items[i].name, name) == 0) return l->items[i].value;
	}
	return 0;
}

bool counter_list_merge(struct counter_list *a, const struct counter_list *b)
{
	bool ok = true;
	for (size_t i = 0; i < b->n && ok; i++) ok = counter_add(a, b->items[i].name, b->items[i].value);
	return ok;
}
