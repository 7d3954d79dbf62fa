/* Connections for many readers: how many there are at most, and what a query gives. */
#include "control/control_pool.h"

#include <pthread.h>

#include "check.h"

enum { CONNECTIONS = 2, READERS = 8, QUERIES = 50 };

struct place {
	char dir[64], uri[96];
};

static void place_make(struct place *p)
{
	(void)check_tmpdir(p->dir);
	(void)snprintf(p->uri, sizeof p->uri, "sqlite:%s/control.db", p->dir);
}

static status on_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)n;
	(void)err;
	*(int64_t *)arg += values[0].i;
	return OK;
}

static void gives_no_more_than_there_are(void **state)
{
	struct place p;
	struct control_pool *pool = NULL;
	struct control *taken[CONNECTIONS];
	struct control *more = NULL;
	struct err err;
	(void)state;
	place_make(&p);
	assert_int_equal(control_pool_create(p.uri, CONNECTIONS, &pool, &err), OK);
	for (int i = 0; i < CONNECTIONS; i++) assert_int_equal(control_pool_take(pool, 0, &taken[i], &err), OK);
	assert_ptr_not_equal(taken[0], taken[1]);
	assert_int_equal(control_pool_take(pool, 0, &more, &err), E_BUSY);
	assert_int_equal(err.class, ERR_RETRY);
	control_pool_give(pool, taken[1]);
	assert_int_equal(control_pool_take(pool, 0, &more, &err), OK);
	assert_ptr_equal(more, taken[1]); /* no third was opened */
	control_pool_give(pool, more);
	control_pool_give(pool, taken[0]);
	control_pool_destroy(pool);
	check_rmdir(p.dir);
}

/* One that can't be opened is none of those that are open. */
static void counts_only_what_opened(void **state)
{
	struct control_pool *pool = NULL;
	struct control *c = NULL;
	struct err err;
	(void)state;
	assert_int_equal(control_pool_create("sqlite:/nowhere/at/all.db", 1, &pool, &err), OK);
	for (int i = 0; i < 3; i++) assert_int_equal(control_pool_take(pool, 0, &c, &err), E_NOT_FOUND);
	control_pool_destroy(pool);
}

static void *reader(void *arg)
{
	static const struct control_select q = {.sql = "SELECT 1 AS one UNION ALL SELECT 2"};
	int64_t sum = 0;
	struct err err;
	for (int i = 0; i < QUERIES; i++)
		if (control_pool_query(arg, &q, on_row, &sum, &err) != OK) return NULL;
	return (void *)(intptr_t)sum;
}

static void many_readers_share_few(void **state)
{
	struct place p;
	struct control_pool *pool = NULL;
	struct err err;
	pthread_t threads[READERS];
	(void)state;
	place_make(&p);
	assert_int_equal(control_pool_create(p.uri, CONNECTIONS, &pool, &err), OK);
	for (int i = 0; i < READERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, reader, pool), 0);
	for (int i = 0; i < READERS; i++) {
		void *sum = NULL;
		assert_int_equal(pthread_join(threads[i], &sum), 0);
		assert_int_equal((intptr_t)sum, 3 * QUERIES);
	}
	control_pool_destroy(pool);
	check_rmdir(p.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_no_more_than_there_are),
		cmocka_unit_test(counts_only_what_opened),
		cmocka_unit_test(many_readers_share_few),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
