/* base/arena.h: memory that is freed all at once.
 *
 *   chunk -> chunk -> chunk          allocation bumps a pointer in the last chunk
 *
 * A batch arena is reset between batches and keeps its largest chunk, so a steady loop allocates
 * nothing. Not thread-safe: an arena belongs to one thread at a time. Under AddressSanitizer a poisoned
 * gap follows every block and reset poisons everything, so a stale view fails at once.
 */
#ifndef PQR_BASE_ARENA_H
#define PQR_BASE_ARENA_H

#include "base/err.h"

struct arena_chunk;
struct arena {
	struct arena_chunk *head; /* newest chunk */
	size_t used;              /* bytes used in head */
	size_t total;             /* bytes held in all chunks */
	size_t limit;             /* 0 = none */
};

void arena_init(struct arena *a, size_t limit_bytes);
void arena_deinit(struct arena *a); /* frees all; a may be used again */
void arena_reset(struct arena *a);  /* all blocks are gone; capacity stays */

/* size bytes at a multiple of align (a power of two), uninitialised; NULL when the limit is reached. */
void *arena_alloc(struct arena *a, size_t size, size_t align) MUST_USE;
void *arena_zalloc(struct arena *a, size_t size, size_t align) MUST_USE;
char *arena_strndup(struct arena *a, const char *s, size_t n) MUST_USE; /* NUL-terminated */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;

#define ARENA_NEW(arena, type, n)              \
	((size_t)(n) > SIZE_MAX / sizeof(type) \
			? NULL                 \
			: (type *)arena_alloc((arena), (size_t)(n) * sizeof(type), _Alignof(type)))
#define ARENA_ZNEW(arena, type, n)             \
	((size_t)(n) > SIZE_MAX / sizeof(type) \
			? NULL                 \
			: (type *)arena_zalloc((arena), (size_t)(n) * sizeof(type), _Alignof(type)))

#endif
