#include "store_conformance.h"

#include <unistd.h>

/* Against the server that AWS_ENDPOINT_URL names, in bucket PQR_STACK_BUCKET: `eval "$(scripts/stack env)"`. */

/* The failure of a put that nobody waited for is told by every sync. */
static void test_late_failure(void **state)
{
	struct store *s = NULL;
	struct err err;
	char prefix[64], key[256];
	conform_prefix(prefix);
	conform_key(key, prefix, "late");
	CHECK_OK(&err, store_open(*state, &s, &err));
	CHECK_OK(&err, store_put_later(s, key, "one", 3, NULL, &err));
	CHECK_OK(&err, store_put_later(s, key, "one", 3, NULL, &err));
	CHECK_OK(&err, store_sync(s, &err));
	const status now = store_put_later(s, key, "two", 3, NULL, &err);
	if (now != OK) CHECK_FAILS(E_EXISTS, now);
	CHECK_FAILS(E_EXISTS, store_sync(s, &err));
	assert_string_equal(err.where, key);
	CHECK_FAILS(E_EXISTS, store_sync(s, &err));
	CHECK_FAILS(E_EXISTS, store_put_later(s, conform_key(key, prefix, "other"), "x", 1, NULL, &err));
	store_close(s);
	conform_content(conform_key(key, prefix, "late"), "one", 3);
}

/* Bytes of two versions never mix. */
static void test_replaced_while_read(void **state)
{
	(void)state;
	struct err err;
	char prefix[64], key[256];
	struct store_object *o;
	conform_prefix(prefix);
	conform_key(key, prefix, "replaced");
	uint8_t *bytes = conform_bytes(3 << 20, 1), *other = conform_bytes(3 << 20, 2);
	CHECK_OK(&err, store_put(conform_store, key, bytes, 3 << 20, &err));
	CHECK_OK(&err, store_object_open(conform_store, key, &o, &err));
	CHECK_OK(&err, store_put(conform_store, key, other, 3 << 20, &err));
	CHECK_FAILS(E_CONFLICT, store_object_read_at(o, 2 << 20, bytes, 1000, &err));
	assert_string_equal(err.where, key);
	store_object_close(o);
	mem_free(bytes);
	mem_free(other);
}

static void test_single_writer(void **state)
{
	struct store *s = NULL;
	struct err err;
	char prefix[64], key[256];
	conform_prefix(prefix);
	conform_key(key, prefix, "alone");
	CHECK_OK(&err, store_open(*state, &s, &err));
	store_single_writer(s);
	CHECK_OK(&err, store_commit(s, key, "one", 3, &err));
	CHECK_OK(&err, store_commit(s, key, "one", 3, &err));
	CHECK_FAILS(E_EXISTS, store_commit(s, key, "two", 3, &err));
	store_close(s);
	conform_content(key, "one", 3);
}

int main(void)
{
	static char uri[128];
	const char *bucket = getenv("PQR_STACK_BUCKET");
	if (bucket == NULL || getenv("AWS_ENDPOINT_URL") == NULL) {
		(void)printf("SKIPPED: no S3 server: scripts/stack up s3, then eval \"$(scripts/stack env)\"\n");
		return 0;
	}
	struct err err;
	(void)snprintf(uri, sizeof uri, "s3://%.60s/unit-%ld", bucket, (long)getpid());
	if (store_open(uri, &conform_store, &err) != OK) {
		(void)fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	const struct CMUnitTest tests[] = {CONFORM_TESTS, cmocka_unit_test_prestate(test_late_failure, uri),
		cmocka_unit_test(test_replaced_while_read), cmocka_unit_test_prestate(test_single_writer, uri)};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	store_close(conform_store);
	return failed;
}
