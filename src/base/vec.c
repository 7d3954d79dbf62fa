/* base/vec.c: see vec.h. The one place where a capacity is doubled; sizes are checked before they are used. */
#include "base/vec.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

bool vec_grow(struct arena *arena, void *items, size_t *cap, size_t n, size_t more, size_t item_bytes)
{
	ASSERT(n <= *cap);
	ASSERT(item_bytes > 0);
	size_t wanted, bytes;
	if (!add_size(n, more, &wanted)) return false;
	size_t grown = *cap <= SIZE_MAX / 2 ? *cap * 2 : SIZE_MAX;
	if (grown < VEC_ITEMS_MIN) grown = VEC_ITEMS_MIN;
	if (grown < wanted) grown = wanted;
	if (!mul_size(grown, item_bytes, &bytes)) return false;
	void *old, *p;
	memcpy(&old, items, sizeof old); /* a pointer to items of any type */
	if (arena != NULL) {
		p = arena_alloc(arena, bytes, _Alignof(max_align_t));
		if (p != NULL && n > 0) memcpy(p, old, n * item_bytes);
	} else {
		p = mem_realloc(old, bytes);
	}
	if (p == NULL) return false;
	memcpy(items, &p, sizeof p);
	*cap = grown;
	return true;
}
