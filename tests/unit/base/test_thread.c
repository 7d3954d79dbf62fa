#include "check.h"

#include <stdatomic.h>

#include "base/thread.h"

struct work {
	_Atomic int seen[1000];
	size_t fail_at, fail_at_too;
	_Atomic int started;
};

static status job(void *arg, size_t i, int worker, struct err *err)
{
	struct work *w = arg;
	assert_true(worker >= 0 && worker < 7);
	atomic_fetch_add(&w->seen[i], 1);
	atomic_fetch_add(&w->started, 1);
	if (i == w->fail_at || i == w->fail_at_too) return fail(err, E_IO, "at %zu", i);
	return OK;
}

static void test_each_once(void **state)
{
	(void)state;
	for (int threads = 0; threads <= 7; threads++) {
		struct work w = {.fail_at = SIZE_MAX, .fail_at_too = SIZE_MAX};
		struct err err;
		CHECK_OK(&err, thread_for(1000, threads, job, &w, &err));
		for (size_t i = 0; i < 1000; i++) CHECK_I64(w.seen[i], 1);
	}
	CHECK_OK((struct err *)NULL, thread_for(0, 4, job, NULL, NULL));
}

static void test_lowest_failure(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 7; threads++) {
		struct work w = {.fail_at = 300, .fail_at_too = 301};
		struct err err;
		CHECK_FAILS(E_IO, thread_for(1000, threads, job, &w, &err));
		assert_true(strcmp(err.message, "at 300") == 0 ||
			    (threads > 1 && strcmp(err.message, "at 301") == 0 && w.seen[300] == 0));
		assert_true(w.started < 1000); /* later work is not begun */
	}
}

static void test_cancel(void **state)
{
	(void)state;
	struct err err;
	CHECK_OK(&err, cancel_check(&err));
	cancel_request();
	CHECK_FAILS(E_CANCELLED, cancel_check(&err));
	cancel_reset();
	CHECK_OK(&err, cancel_check(&err));
	assert_true(thread_cores() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once), cmocka_unit_test(test_lowest_failure), cmocka_unit_test(test_cancel)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
