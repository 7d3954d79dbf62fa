#include "check.h"

#include "base/hash.h"
#include "io/s3/sigv4.h"

/* The published vectors: get-vanilla of AWS's Signature Version 4 test suite, and the examples of the S3 API reference
 * ("Signature Calculations for the Authorization Header"). The keys are the documentation's. */
#define SUITE_ACCESS "AKIDEXAMPLE"
#define SUITE_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define S3_ACCESS "AKIAIOSFODNN7EXAMPLE"
#define S3_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define S3_HOST "examplebucket.s3.amazonaws.com"
#define WELCOME_SHA256 "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

static const struct sigv4_header suite[] = {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}};
static const struct sigv4_header s3_plain[] = {
	{"host", S3_HOST}, {"x-amz-content-sha256", SIGV4_EMPTY_SHA256}, {"x-amz-date", "20130524T000000Z"}};
static const struct sigv4_header s3_range[] = {{"host", S3_HOST}, {"range", "bytes=0-9"},
	{"x-amz-content-sha256", SIGV4_EMPTY_SHA256}, {"x-amz-date", "20130524T000000Z"}};
static const struct sigv4_header s3_put[] = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"host", S3_HOST},
	{"x-amz-content-sha256", WELCOME_SHA256}, {"x-amz-date", "20130524T000000Z"},
	{"x-amz-storage-class", "REDUCED_REDUNDANCY"}};

#define S3_REQUEST(method, path, query, headers, hash)                                              \
	{                                                                                           \
		(method), (path), (query), (headers), sizeof(headers) / sizeof(headers)[0], (hash), \
			"20130524T000000Z", "us-east-1", "s3", S3_ACCESS, S3_SECRET                 \
	}
#define SUITE_REQUEST(path, query)                                                                                \
	{                                                                                                         \
		"GET", (path), (query), suite, 2, SIGV4_EMPTY_SHA256, "20150830T123600Z", "us-east-1", "service", \
			SUITE_ACCESS, SUITE_SECRET                                                                \
	}

static const struct {
	const char *name;
	struct sigv4_request request;
	const char *tail; /* of the Authorization header */
} vectors[] = {
	{"get-vanilla", SUITE_REQUEST("/", ""),
		"Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, "
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-vanilla-query-order-key-case", SUITE_REQUEST("/", "Param1=value1&Param2=value2"),
		"SignedHeaders=host;x-amz-date, "
		"Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{"S3 GET object", S3_REQUEST("GET", "/test.txt", "", s3_range, SIGV4_EMPTY_SHA256),
		"Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
		"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
	{"S3 PUT object", S3_REQUEST("PUT", "/test%24file.text", "", s3_put, WELCOME_SHA256),
		"SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
		"Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
	{"S3 GET bucket lifecycle", S3_REQUEST("GET", "/", "lifecycle=", s3_plain, SIGV4_EMPTY_SHA256),
		"Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
	{"S3 list objects", S3_REQUEST("GET", "/", "max-keys=2&prefix=J", s3_plain, SIGV4_EMPTY_SHA256),
		"Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static void test_published_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct err err;
		struct buf out;
		buf_init(&out, 4096);
		sigv4_authorization(&vectors[i].request, &out);
		buf_char(&out, '\0');
		CHECK_OK(&err, buf_check(&out, &err));
		const char *got = (const char *)out.p;
		const size_t n = strlen(got), tail_n = strlen(vectors[i].tail);
		if (strncmp(got, "AWS4-HMAC-SHA256 Credential=", 28) != 0 || n < tail_n ||
			strcmp(got + n - tail_n, vectors[i].tail) != 0)
			fail_msg("%s: %s, expected an end of %s", vectors[i].name, got, vectors[i].tail);
		buf_deinit(&out);
	}
}

static void test_canonical_request(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 4096);
	sigv4_canonical_request(&vectors[0].request, &out);
	buf_char(&out, '\0');
	assert_string_equal((const char *)out.p,
		"GET\n/"
		"\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" SIGV4_EMPTY_SHA256);
	buf_deinit(&out);
}

static void test_every_part_counts(void **state)
{
	(void)state;
	struct sigv4_request changed[8];
	struct buf first, other;
	for (size_t i = 0; i < 8; i++) changed[i] = vectors[2].request;
	changed[0].method = "PUT";
	changed[1].path = "/test.txu";
	changed[2].query = "a=";
	changed[3].n_headers--;
	changed[4].payload_sha256 = WELCOME_SHA256;
	changed[5].region = "eu-west-1";
	changed[6].secret_key = SUITE_SECRET;
	changed[7].date = "20130525T000000Z";
	buf_init(&first, 4096);
	buf_init(&other, 4096);
	sigv4_authorization(&vectors[2].request, &first);
	for (size_t i = 0; i < 8; i++) {
		buf_reset(&other);
		sigv4_authorization(&changed[i], &other);
		if (memcmp(first.p + first.n - 64, other.p + other.n - 64, 64) == 0) fail_msg("change %zu", i);
	}
	buf_deinit(&first);
	buf_deinit(&other);
}

static void test_date(void **state)
{
	(void)state;
	char text[SIGV4_DATE_CHARS + 1];
	sigv4_date(1440938160999999, text);
	assert_string_equal(text, "20150830T123600Z");
}

/* RFC 4231 test cases 1 and 2, RFC 1321 appendix A.5, RFC 4648 section 10. */
static void test_hashes(void **state)
{
	(void)state;
	uint8_t key[20], mac[SHA256_BYTES], md5[MD5_BYTES];
	char hex[65], text[16];
	memset(key, 0x0b, sizeof key);
	hash_hmac_sha256(key, sizeof key, "Hi There", 8, mac);
	hex_encode(mac, sizeof mac, hex);
	assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hash_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
	hex_encode(mac, sizeof mac, hex);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	hash_md5("message digest", 14, md5);
	hex_encode(md5, sizeof md5, hex);
	assert_string_equal(hex, "f96b697d7cb7938d525a2f31aaf161d0");
	base64_encode((const uint8_t *)"foobar", 6, text);
	assert_string_equal(text, "Zm9vYmFy");
	base64_encode((const uint8_t *)"foob", 4, text);
	assert_string_equal(text, "Zm9vYg==");
	base64_encode((const uint8_t *)"", 0, text);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_vectors),
		cmocka_unit_test(test_canonical_request),
		cmocka_unit_test(test_every_part_counts),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_hashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
