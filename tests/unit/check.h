/* tests/unit/check.h: cmocka with its includes in order, and asserts that print both values. */
#ifndef PQR_TESTS_CHECK_H
#define PQR_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
/* cmocka's macro `fail` would hide the function of base/err.h; fail_msg is rebuilt without it. */
#undef fail
#undef fail_msg
#define fail_msg(...)                               \
	do {                                        \
		print_error("ERROR: " __VA_ARGS__); \
		print_error("\n");                  \
		_fail(__FILE__, __LINE__);          \
	} while (0)

#include "base/err.h"

/* The call succeeds; else print its error. */
#define CHECK_OK(err, expr)                                                                       \
	do {                                                                                      \
		const status got_ = (expr);                                                       \
		if (got_ != OK) fail_msg("%s: %s: %s", #expr, status_name(got_), (err)->message); \
	} while (0)
#define CHECK_FAILS(code, expr) assert_string_equal(status_name(expr), status_name(code))
#define CHECK_I64(got, want)                                                                \
	do {                                                                                \
		const long long got_ = (long long)(got), want_ = (long long)(want);         \
		if (got_ != want_) fail_msg("%s = %lld, expected %lld", #got, got_, want_); \
	} while (0)

/* Random cases of one thread are taken one in so many under ThreadSanitizer, which has nothing to find in them and makes
 * them twenty times slower. AddressSanitizer gets them all. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHECK_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(CHECK_TSAN)
enum { CHECK_ONE_IN = 20 };
#else
enum { CHECK_ONE_IN = 1 };
#endif

/* A fresh empty directory under $TMPDIR, removed by check_rmdir. */
static inline char *check_tmpdir(char dst[64])
{
	const char *base = getenv("TMPDIR");
	(void)snprintf(dst, 64, "%.40s/pqr-test-XXXXXX", base != NULL ? base : "/tmp");
	if (mkdtemp(dst) == NULL) fail_msg("mkdtemp %s", dst);
	return dst;
}
static inline void check_rmdir(const char *dir)
{
	char command[128];
	(void)snprintf(command, sizeof command, "rm -rf '%.63s'", dir);
	if (system(command) != 0) fail_msg("%s", command);
}

#endif
