/* flow/file_list.c: lists of objects. What a list is given is copied into its arena: whoever filled it may go. */
#include "flow/file_list.h"

#include <stdlib.h>

#include "base/vec.h"

static const char *keep(struct arena *arena, const char *s)
{
	return s != NULL ? arena_strndup(arena, s, strlen(s)) : "";
}

bool file_list_add(struct file_list *l, const struct file_ref *f)
{
	ASSERT(l->arena != NULL);
	if (!VEC_ROOM_IN(l->arena, l, 1)) return false;
	struct file_ref copy = *f;
	copy.table = keep(l->arena, f->table);
	copy.path = keep(l->arena, f->path);
	if (f->stats != NULL) copy.stats = keep(l->arena, f->stats);
	if (f->made_of != NULL) copy.made_of = keep(l->arena, f->made_of);
	if (copy.table == NULL || copy.path == NULL || (f->stats != NULL && copy.stats == NULL) ||
		(f->made_of != NULL && copy.made_of == NULL))
		return false;
	if (!delta_pairs_copy(&f->partition, l->arena, &copy.partition)) return false;
	l->items[l->n++] = copy;
	return true;
}

status file_ref_value(const struct file_ref *f, const char *column, struct str *out, struct err *err)
{
	const struct delta_pair *pair = delta_pairs_get(&f->partition, str_of(column));
	if (pair == NULL || pair->value.n == 0)
		return fail_at(err, E_CORRUPT, f->path, -1, -1, "a file of %s without a value of %s", f->table, column);
	*out = pair->value;
	return OK;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct file_ref *)a)->path, ((const struct file_ref *)b)->path);
}

void file_list_sort(struct file_list *l)
{
	if (l->n > 1) qsort(l->items, l->n, sizeof *l->items, by_path);
}
