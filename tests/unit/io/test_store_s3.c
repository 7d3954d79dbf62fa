#include "store_conformance.h"

#include <unistd.h>

#include "io/s3/store_s3_int.h"

/* Against the server that AWS_ENDPOINT_URL names, in bucket PQR_STACK_BUCKET: `eval "$(scripts/stack env)"`. s3rver, as
 * PQR_STACK_S3 says, ignores If-None-Match. */

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

enum { OVER_PUT = S3_PUT_BYTES_MAX + 5 };

static bool went_up_in_parts(const char *key)
{
	struct s3_store *s = (struct s3_store *)conform_store;
	char full[S3_KEY_CHARS_MAX + 1];
	struct s3_call call;
	struct err err;
	CHECK_OK(&err, s3_key(s, key, full, &err));
	CHECK_OK(&err, s3_perform(s->client, &call,
			       &(struct s3_request){.verb = "look at", .method = "HEAD", .key = full}, &err));
	const bool parts = strchr(call.http.etag, '-') != NULL; /* by S3's rules the number of parts follows */
	s3_call_deinit(&call);
	return parts;
}

/* Tables rest on PutObject with If-None-Match, however large a commit is. */
static void test_large_commit(void **state)
{
	(void)state;
	struct err err;
	char prefix[64], key[256];
	conform_prefix(prefix);
	uint8_t *bytes = conform_bytes(OVER_PUT, 3);
	CHECK_OK(&err, store_put_if_absent(conform_store, conform_key(key, prefix, "object"), bytes, OVER_PUT, &err));
	assert_true(went_up_in_parts(key));
	CHECK_OK(&err, store_commit(conform_store, conform_key(key, prefix, "commit"), bytes, OVER_PUT, &err));
	assert_false(went_up_in_parts(key));
	CHECK_OK(&err, store_commit(conform_store, key, bytes, OVER_PUT, &err));
	bytes[OVER_PUT - 1]++;
	CHECK_FAILS(E_EXISTS, store_commit(conform_store, key, bytes, OVER_PUT, &err));
	bytes[OVER_PUT - 1]--;
	conform_content(key, bytes, OVER_PUT);
	conform_key(key, prefix, "huge");
	CHECK_FAILS(E_LIMIT, store_commit(conform_store, key, bytes, S3_COMMIT_BYTES_MAX + 1, &err));
	assert_non_null(strstr(err.message, "commit fewer files together"));
	int64_t size;
	CHECK_FAILS(E_NOT_FOUND, store_size(conform_store, key, &size, NULL));
	mem_free(bytes);
}

/* A server that ignores If-None-Match: neither way of creating an object is trusted, each by its own proof. */
static void test_unsafe(void **state)
{
	(void)state;
	struct err err;
	char prefix[64], key[256];
	struct store_writer *w = NULL;
	conform_prefix(prefix);
	conform_key(key, prefix, "object");
	CHECK_FAILS(E_UNSUPPORTED, store_put_if_absent(conform_store, key, "one", 3, &err));
	assert_non_null(strstr(err.message, "ignores If-None-Match"));
	CHECK_FAILS(E_UNSUPPORTED, store_writer_create(conform_store, key, &w, &err));
	atomic_store(&((struct s3_store *)conform_store)->proved, true);
	CHECK_OK(&err, store_put_if_absent(conform_store, key, "one", 3, &err));
	uint8_t *bytes = conform_bytes(OVER_PUT, 1);
	conform_key(key, prefix, "parts");
	CHECK_FAILS(E_UNSUPPORTED, store_put_if_absent(conform_store, key, bytes, OVER_PUT, &err));
	assert_non_null(strstr(err.message, "ignores If-None-Match for uploads in parts"));
	CHECK_FAILS(E_UNSUPPORTED, conform_write(key, bytes, OVER_PUT, true, &err));
	CHECK_OK(&err, store_put(conform_store, key, bytes, OVER_PUT, &err)); /* rests on nothing */
	mem_free(bytes);
}

/* Behind a proxy that answers the first completion of an upload to .../dropped with NoSuchUpload, as after a conflict, and loses
 * the answer to .../lost. */
static void test_completions(void **state)
{
	(void)state;
	struct err err;
	char prefix[64], key[256];
	conform_prefix(prefix);
	uint8_t *bytes = conform_bytes(OVER_PUT, 5);
	conform_key(key, prefix, "put/dropped");
	CHECK_OK(&err, store_put_if_absent(conform_store, key, bytes, OVER_PUT, &err));
	conform_content(key, bytes, OVER_PUT);
	conform_key(key, prefix, "put/lost");
	CHECK_OK(&err, store_put_if_absent(conform_store, key, bytes, OVER_PUT, &err));
	conform_content(key, bytes, OVER_PUT);
	conform_key(key, prefix, "stream/lost");
	CHECK_OK(&err, conform_write(key, bytes, OVER_PUT, true, &err));
	conform_content(key, bytes, OVER_PUT);
	conform_key(key, prefix, "stream/dropped"); /* its bytes are gone: the task does it again */
	CHECK_FAILS(E_CONFLICT, conform_write(key, bytes, OVER_PUT, true, &err));
	assert_non_null(strstr(err.message, "run the same command again"));
	CHECK_OK(&err, conform_write(key, bytes, OVER_PUT, true, &err));
	conform_content(key, bytes, OVER_PUT);
	mem_free(bytes);
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
	conform_content(key, "one", 3);
	uint8_t *bytes = conform_bytes(OVER_PUT, 4);
	conform_key(key, prefix, "parts");
	CHECK_OK(&err, store_put_if_absent(s, key, bytes, OVER_PUT, &err));
	CHECK_OK(&err, store_put_if_absent(s, key, bytes, OVER_PUT, &err));
	bytes[7]++;
	CHECK_FAILS(E_EXISTS, store_put_if_absent(s, key, bytes, OVER_PUT, &err));
	bytes[7]--;
	conform_content(key, bytes, OVER_PUT);
	mem_free(bytes);
	store_close(s);
}

int main(int argc, char **argv)
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
		cmocka_unit_test(test_replaced_while_read), cmocka_unit_test(test_large_commit),
		cmocka_unit_test_prestate(test_single_writer, uri)};
	const struct CMUnitTest unsafe[] = {
		cmocka_unit_test(test_unsafe), cmocka_unit_test_prestate(test_single_writer, uri)};
	const struct CMUnitTest completions[] = {cmocka_unit_test(test_completions)};
	const char *server = getenv("PQR_STACK_S3");
	int failed;
	if (argc > 1 && strcmp(argv[1], "completions") == 0)
		failed = cmocka_run_group_tests(completions, NULL, NULL);
	else if (server != NULL && strcmp(server, "s3rver") == 0)
		failed = cmocka_run_group_tests(unsafe, NULL, NULL);
	else
		failed = cmocka_run_group_tests(tests, NULL, NULL);
	store_close(conform_store);
	return failed;
}
