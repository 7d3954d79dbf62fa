/* base/alloc.h: the only place that calls malloc and free.
 *
 * Counts the bytes in use, enforces one process-wide limit and can fail on demand, so that a test can
 * fail the n-th allocation. Thread-safe. Out of memory is an ordinary error: these return NULL and the
 * caller says E_NOMEM.
 */
#ifndef PQR_BASE_ALLOC_H
#define PQR_BASE_ALLOC_H

#include "base/err.h"

void *mem_alloc(size_t size) MUST_USE;            /* uninitialised; size 0 gives a unique pointer */
void *mem_zalloc(size_t n, size_t size) MUST_USE; /* n * size zero bytes; NULL on overflow */
void *mem_realloc(void *p, size_t size) MUST_USE; /* p unchanged on failure */
void mem_free(void *p);                           /* NULL is fine */
char *mem_strdup(const char *s) MUST_USE;
char *mem_strndup(const char *s, size_t n) MUST_USE; /* n bytes and a NUL */

/* n * size and a + b into *out; false when they do not fit size_t. */
bool mul_size(size_t n, size_t size, size_t *out) MUST_USE;
bool add_size(size_t a, size_t b, size_t *out) MUST_USE;

/* Tell the C library to keep freed memory for reuse instead of giving it back page by page: stages free and take the same
 * large buffers over and over. Once, at the start of a program. */
void mem_setup(void);
/* Give what is free back to the system after all: at the end of a run, of which a stage uses again what the one before it took. */
void mem_trim(void);

size_t mem_in_use(void);          /* bytes, as the allocator rounds them */
size_t mem_peak(void);            /* highest mem_in_use() so far */
void mem_limit_set(size_t bytes); /* 0 = none (the default) */
void mem_fail_after(int64_t n);   /* n allocations more succeed, all later ones fail; -1 = never */

#endif
