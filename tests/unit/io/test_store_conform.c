#include "store_conformance.h"

/* The local store does what every store does; test_store.c tests what it alone does. */
int main(void)
{
	const struct CMUnitTest tests[] = {CONFORM_TESTS};
	char dir[64];
	struct err err;
	check_tmpdir(dir);
	if (store_open(dir, &conform_store, &err) != OK) return 1;
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	store_close(conform_store);
	check_rmdir(dir);
	return failed;
}
