/* base/vec.h: growing arrays, one way for all of them.
 *
 *   struct { T *items; size_t n, cap; }        items[n] is the next; cap doubles
 *
 * VEC_ROOM(v, more) makes room for `more` items beyond v->n on the heap (mem_free(v->items) gives it back), VEC_ROOM_IN(arena, v,
 * more) in an arena, where the array before stays until the arena is reset. Both are expressions: false when memory or size_t runs
 * out, and the array is then as it was. New items are not initialised. Pointers into items are stale after a call that grew it.
 */
#ifndef PQR_BASE_VEC_H
#define PQR_BASE_VEC_H

#include "base/arena.h"

enum { VEC_ITEMS_MIN = 16 }; /* what the first allocation holds at least */

#define VEC_ROOM(v, more)                       \
	((size_t)(more) <= (v)->cap - (v)->n || \
		vec_grow(NULL, (void *)&(v)->items, &(v)->cap, (v)->n, (more), sizeof *(v)->items))
#define VEC_ROOM_IN(arena, v, more)             \
	((size_t)(more) <= (v)->cap - (v)->n || \
		vec_grow((arena), (void *)&(v)->items, &(v)->cap, (v)->n, (more), sizeof *(v)->items))

/* What the macros call. items: the address of a pointer to items of item_bytes each, NULL or from an earlier call with the same
 * arena (NULL: the heap). O(1) amortised. */
bool vec_grow(struct arena *arena, void *items, size_t *cap, size_t n, size_t more, size_t item_bytes) MUST_USE;

#endif
