/* base/alloc.c: the only malloc of the program: counts bytes, enforces the limit, fails on demand.
 *
 * Invariants: 1. every block is counted at its usable size while it lives; 2. over the limit, or when the n-th allocation is to fail,
 * the answer is NULL and nothing has changed. Must not know who allocates or why.
 */
#include "base/alloc.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic size_t in_use;
static _Atomic size_t peak;
static _Atomic size_t limit;
static _Atomic int64_t fail_after = -1;

enum { MMAP_BYTES_MIN = 1 << 28, TRIM_BYTES = 1 << 28, TOP_PAD_BYTES = 1 << 22, MOVED_BYTES_MIN = 1 << 16 };

static bool one_arena; /* mem_setup was called, before there were threads */

void mem_setup(void)
{
	one_arena = true;
	/* A refusal leaves the defaults, which are right but slower. */
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES_MIN);
	(void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
	(void)mallopt(M_TOP_PAD, TOP_PAD_BYTES);
	(void)mallopt(M_ARENA_MAX,
		1); /* large blocks of several arenas leave holes that no other can use: a fifth more memory */
}

void mem_trim(void)
{
	(void)malloc_trim(0); /* whether there was any to give back */
}

static bool may_alloc(size_t size)
{
	int64_t left = atomic_load_explicit(&fail_after, memory_order_relaxed);
	if (left >= 0) {
		if (left == 0) return false;
		atomic_fetch_sub(&fail_after, 1);
	}
	const size_t max = atomic_load_explicit(&limit, memory_order_relaxed);
	return max == 0 || atomic_load_explicit(&in_use, memory_order_relaxed) + size <= max;
}

static void count_added(size_t size)
{
	const size_t now = atomic_fetch_add_explicit(&in_use, size, memory_order_relaxed) + size;
	size_t high = atomic_load_explicit(&peak, memory_order_relaxed);
	while (now > high && !atomic_compare_exchange_weak(&peak, &high, now)) {}
}

void *mem_alloc(size_t size)
{
	if (!may_alloc(size)) return NULL;
	void *p = malloc(size > 0 ? size : 1);
	if (p != NULL) count_added(malloc_usable_size(p));
	return p;
}

void *mem_zalloc(size_t n, size_t size)
{
	size_t total;
	if (!mul_size(n, size, &total) || !may_alloc(total)) return NULL;
	void *p = calloc(total > 0 ? total : 1, 1);
	if (p != NULL) count_added(malloc_usable_size(p));
	return p;
}

/* Threads that share one arena wait while realloc copies, as it holds the arena's lock: large blocks are copied here. From
 * MMAP_BYTES_MIN on the kernel moves pages instead. */
static void *resized(void *p, size_t before, size_t size)
{
	if (!one_arena || size <= before || before < MOVED_BYTES_MIN || before >= MMAP_BYTES_MIN)
		return realloc(p, size > 0 ? size : 1);
	void *q = malloc(size);
	if (q == NULL) return NULL;
	memcpy(q, p, before);
	free(p);
	return q;
}

void *mem_realloc(void *p, size_t size)
{
	if (p == NULL) return mem_alloc(size);
	if (!may_alloc(size)) return NULL;
	const size_t before = malloc_usable_size(p);
	void *q = resized(p, before, size);
	if (q == NULL) return NULL;
	atomic_fetch_sub_explicit(&in_use, before, memory_order_relaxed);
	count_added(malloc_usable_size(q));
	return q;
}

void mem_free(void *p)
{
	if (p == NULL) return;
	atomic_fetch_sub_explicit(&in_use, malloc_usable_size(p), memory_order_relaxed);
	free(p);
}

char *mem_strndup(const char *s, size_t n)
{
	size_t size;
	if (!add_size(n, 1, &size)) return NULL;
	char *copy = mem_alloc(size);
	if (copy == NULL) return NULL;
	if (n > 0) memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

bool mul_size(size_t n, size_t size, size_t *out)
{
	return !__builtin_mul_overflow(n, size, out);
}

bool add_size(size_t a, size_t b, size_t *out)
{
	return !__builtin_add_overflow(a, b, out);
}

size_t mem_in_use(void)
{
	return atomic_load(&in_use);
}

size_t mem_peak(void)
{
	return atomic_load(&peak);
}

void mem_limit_set(size_t bytes)
{
	atomic_store(&limit, bytes);
}

void mem_fail_after(int64_t n)
{
	atomic_store(&fail_after, n);
}
