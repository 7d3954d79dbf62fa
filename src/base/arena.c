/* base/arena.c: memory that is freed all at once.
 *
 * Invariants: 1. blocks never move, so that pointers hold until reset; 2. reset keeps the largest block, so that a batch after a
 * batch allocates nothing; 3. with ASan, what is not given out is poisoned.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
enum { GAP = 16 };
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
enum { GAP = 0 };
#endif

enum { CHUNK_MIN = 64 * 1024 };

struct arena_chunk {
	struct arena_chunk *next; /* older */
	size_t size;              /* bytes of data[] */
	_Alignas(64) unsigned char data[];
};

void arena_init(struct arena *a, size_t limit_bytes)
{
	*a = (struct arena){.limit = limit_bytes};
}

static void chunk_free(struct arena_chunk *chunk)
{
	UNPOISON(chunk->data, chunk->size);
	mem_free(chunk);
}

void arena_deinit(struct arena *a)
{
	for (struct arena_chunk *c = a->head; c != NULL;) {
		struct arena_chunk *next = c->next;
		chunk_free(c);
		c = next;
	}
	*a = (struct arena){.limit = a->limit};
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *keep = a->head;
	for (struct arena_chunk *c = a->head; c != NULL; c = c->next) {
		if (c->size > keep->size) keep = c;
	}
	for (struct arena_chunk *c = a->head; c != NULL;) {
		struct arena_chunk *next = c->next;
		if (c != keep) chunk_free(c);
		c = next;
	}
	a->head = keep;
	a->used = 0;
	a->total = keep != NULL ? keep->size : 0;
	if (keep != NULL) {
		keep->next = NULL;
		POISON(keep->data, keep->size);
	}
}

static struct arena_chunk *chunk_add(struct arena *a, size_t need)
{
	size_t size = a->head != NULL ? a->head->size * 2 : CHUNK_MIN;
	if (size > 16u << 20) size = 16u << 20;
	if (size < need) size = need;
	if (a->limit != 0 && a->total + size > a->limit) size = need;
	if (a->limit != 0 && (need > a->limit || a->total > a->limit - need)) return NULL;
	struct arena_chunk *chunk = mem_alloc(sizeof *chunk + size);
	if (chunk == NULL) return NULL;
	chunk->next = a->head;
	chunk->size = size;
	a->head = chunk;
	a->used = 0;
	a->total += size;
	POISON(chunk->data, size);
	return chunk;
}

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
	ASSERT(align != 0 && (align & (align - 1)) == 0);
	if (size > SIZE_MAX / 2) return NULL;
	for (int attempt = 0; attempt < 2; attempt++) {
		struct arena_chunk *c = a->head;
		if (c != NULL) {
			const uintptr_t base = (uintptr_t)c->data;
			const size_t start = (size_t)(((base + a->used + align - 1) & ~(uintptr_t)(align - 1)) - base);
			if (start <= c->size && c->size - start >= size) {
				a->used = start + size + GAP;
				if (a->used > c->size) a->used = c->size;
				UNPOISON(c->data + start, size);
				return c->data + start;
			}
		}
		if (attempt == 0 && chunk_add(a, size + align + GAP) == NULL) return NULL;
	}
	return NULL;
}

void *arena_zalloc(struct arena *a, size_t size, size_t align)
{
	void *p = arena_alloc(a, size, align);
	if (p != NULL) memset(p, 0, size);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1, 1);
	if (copy == NULL) return NULL;
	if (n > 0) memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	va_list again;
	va_copy(again, args);
	const int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1, 1);
	if (text != NULL) (void)vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}
