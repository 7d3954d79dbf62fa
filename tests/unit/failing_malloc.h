/* A malloc in place of libc's: from the n-th call on it fails, whoever calls: also a library with memory of its own, as SQLite or libpqr.so.
 * A sanitizer has its own malloc, and then there is none of this: MALLOC_FAILS is 0. */
#ifndef PQR_TEST_FAILING_MALLOC_H
#define PQR_TEST_FAILING_MALLOC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define MALLOC_FAILS 0
#endif
#endif
#if !defined(MALLOC_FAILS) && (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__))
#define MALLOC_FAILS 0
#endif
#ifndef MALLOC_FAILS
#define MALLOC_FAILS 1
#endif

static _Atomic int64_t malloc_calls, malloc_fails_at, malloc_hits, malloc_live;

/* The n-th call from now on fails, and all later ones; 0 = none. */
static inline void malloc_fail_from(int64_t n)
{
	malloc_fails_at = 0;
	malloc_calls = malloc_hits = 0;
	malloc_fails_at = n;
}

#if MALLOC_FAILS
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static inline int malloc_must_fail(void)
{
	const int64_t at = malloc_fails_at;
	if (at == 0 || ++malloc_calls < at) return 0;
	malloc_hits++;
	return 1;
}
#define MALLOC_EXPORTED __attribute__((visibility("default")))
MALLOC_EXPORTED void *malloc(size_t n)
{
	void *p = malloc_must_fail() ? NULL : __libc_malloc(n);
	malloc_live += p != NULL;
	return p;
}
MALLOC_EXPORTED void *calloc(size_t n, size_t size)
{
	void *p = malloc_must_fail() ? NULL : __libc_calloc(n, size);
	malloc_live += p != NULL;
	return p;
}
MALLOC_EXPORTED void *realloc(void *old, size_t n)
{
	void *p = malloc_must_fail() ? NULL : __libc_realloc(old, n);
	malloc_live += p != NULL && old == NULL;
	return p;
}
MALLOC_EXPORTED void free(void *p)
{
	malloc_live -= p != NULL;
	__libc_free(p);
}
#endif

#endif
