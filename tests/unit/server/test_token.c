/* Which tokens are taken. The vectors were made by PyJWT with keys that were thrown away. */
#include "check.h"

#include "base/hash.h"
#include "server/jwk.h"
#include "server/token.h"

static const char jwks[] =
	"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"rsa-1\",\"n\":\"p9FiagH-"
	"xzMvzLgRyXyWJyHJSSIcxuo1dOpByhH7JhOCjX6BNW04deyQppE"
	"HfIOm3FxWy86Dingogv7fhHQDrO5x3uU85HOJ6exVyqp4evpvbOZ20_E9VYevUcQTlocA9qyySDTW6RAVq2qD-d1RHQd-Pd-AGQf"
	"MKGrF7pD4PB-sudIfVqSvUunsJrgVihAKIoWmi5Ax-SsKLJ_bR0UF8RJr0ipEQtqUPdAfhraixDHPiofds-isf5CJjc3Cd1EbY0w"
	"TGWKA8RsuhXDxeoj4OT8ht2jR2sdsvOfzwdOLG0_rM516vJgCGMnoolex3M0oP6n26H7TQGpfsmmd2wLTVQ\",\"e\":\"AQAB\",\"use"
	"\":\"sig\",\"alg\":\"RS256\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ec-1\",\"x\":\"72eTFRG5-"
	"w1LjpkIBFgrlMP54MvvRS_1r"
	"yadNXumB4I\",\"y\":\"MCmUZfeFEbQ_c3xy2AV0MC7mXkRBFMhT40y3pird59Q\",\"use\":\"sig\",\"alg\":\"ES256\"},{"
	"\"kty\":\"RSA"
	"\",\"kid\":\"weak\",\"n\":\"uo3fcmXiQ4YKpC-68W2TPAuSFRJ5AsuglyMLzhWL4N22343rpLaddJLdszsNCynpw90ZuRuOR0GIPSi5"
	"zZAGmTC2IU-q6vt8irqi7N6EfRXWxSH_aCBOD9CgT1kFK7IqVFdo3fpS6Gv2vv4YZRoSfIOTAHzohO0YDilAlzL9eMc\",\"e\":\"AQ"
	"AB\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"off\",\"x\":\"72eTFRG5-w1LjpkIBFgrlMP54MvvRS_1ryadNXumB4I\","
	"\"y\":\"MC"
	"mUZfeFEbQ_c3xy2AV0MC7mXkRBFMhT40y3pird59U\",\"use\":\"sig\",\"alg\":\"ES256\"},{\"kty\":\"RSA\",\"kid\":"
	"\"enc\",\"n\":\""
	"p9FiagH-xzMvzLgRyXyWJyHJSSIcxuo1dOpByhH7JhOCjX6BNW04deyQppEHfIOm3FxWy86Dingogv7fhHQDrO5x3uU85HOJ6exV"
	"yqp4evpvbOZ20_E9VYevUcQTlocA9qyySDTW6RAVq2qD-d1RHQd-Pd-AGQfMKGrF7pD4PB-sudIfVqSvUunsJrgVihAKIoWmi5Ax"
	"-SsKLJ_bR0UF8RJr0ipEQtqUPdAfhraixDHPiofds-isf5CJjc3Cd1EbY0wTGWKA8RsuhXDxeoj4OT8ht2jR2sdsvOfzwdOLG0_r"
	"M516vJgCGMnoolex3M0oP6n26H7TQGpfsmmd2wLTVQ\",\"e\":\"AQAB\",\"use\":\"enc\"},{\"kty\":\"oct\",\"kid\":\"oct\","
	"\"k\":\"c2"
	"VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\",\"x\":"
	"\"11qYAYKxCrf"
	"VS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},{\"kty\":\"RSA\",\"kid\":\"ps\",\"n\":\"p9FiagH-"
	"xzMvzLgRyXyWJyHJSSIcxuo1dOpB"
	"yhH7JhOCjX6BNW04deyQppEHfIOm3FxWy86Dingogv7fhHQDrO5x3uU85HOJ6exVyqp4evpvbOZ20_E9VYevUcQTlocA9qyySDTW"
	"6RAVq2qD-d1RHQd-Pd-AGQfMKGrF7pD4PB-sudIfVqSvUunsJrgVihAKIoWmi5Ax-SsKLJ_bR0UF8RJr0ipEQtqUPdAfhraixDHP"
	"iofds-isf5CJjc3Cd1EbY0wTGWKA8RsuhXDxeoj4OT8ht2jR2sdsvOfzwdOLG0_rM516vJgCGMnoolex3M0oP6n26H7TQGpfsmmd"
	"2wLTVQ\",\"e\":\"AQAB\",\"alg\":\"PS256\"}]}";
static const char rs256[] =
	"eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ1MSIsInJvbGUiOiJhdXRoZW50aWNhdGVk"
	"In0.o5PnSQxk5cORF2NLkTnQVUk2n0Go5foHa-j2P9C9TEtJ3ZFlvZAtmRL4aX2neEkEF25SUzF-m2pAljEt9PBjGBVHEVnGB8Rf"
	"qeL8r8KQW76FUklqxwg4Qd9jLNIhLDSZydFD3RYMgSqYjID9rP1XhpfinfRBa5RoqinMxY97CgBuV_ssdIqN8CSmOKGxNe5AI_U6"
	"HRIeH_iVPAHEeVaG-GhzofYE8MGwgI1yCaGHyKu5eU5LRtELqheqV7Kr_2w_j-vgaeDdLbzjdMs2fhwpSBea9gr2QlV9pWz_aZuo"
	"BjE44KTLE06oJ_SjCtrn4icW3Ir0jTP1tfHzgF2b8H9AAA";
static const char rs256_nameless[] =
	"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1MSIsInJvbGUiOiJhdXRoZW50aWNhdGVkIn0.PAfKS5JNyaD54hv"
	"QO8qURib9vLb9mfZEBDApZydyUtmavKj0hJ4sWCqpkNZTZeEjQHKgebZ26CsWh5DkAnvE0tQrG9MyyHFtJNA-ml2yxCC7YlBZMrw"
	"e3zytW8uc-rYzc3qbq05YbvA_82uflGA2wk3w1cvT4_Tly74JPbXndTIUujGSM7bn0EutzmXfSBcmrC3RIz_MNIAT2gj2mpg43Wk"
	"2zWqFRNt_BPqb2BsmbbACaQGeQG0c14YxKCZhyUiX4nRdVaB4Bu3MWxC6zK5-YMPHjQS5wUQKHDo_BclPBRptArXeuEWcNvbKm9M"
	"jmW_III2DCwIhK_clFE5rtsECvA";
static const char es256[] =
	"eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJ1MSIsInJvbGUiOiJhdXRoZW50aWNhdGVkI"
	"n0.DAREOzhaZVvIiHCqcxXnFR2i2My35kAjkEWayKyn1_qu2ZHanemG6ptkDbHAE1ms2yymOp9BExITL5r7APZtJA";
static const char rs256_of_weak[] =
	"eyJhbGciOiJSUzI1NiIsImtpZCI6IndlYWsiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJ1MSIsInJvbGUiOiJhdXRoZW50aWNhdGVkI"
	"n0.F9Qm7EmrUWz5mSoXE2XvT6dw3WpZydUMYLJQORJTfbU3ARAxMbfXcjcdimVksj4v_wfFPvQB5oCnsrqKFztapvtZhD1b_oJ08"
	"QIAXnn3SK03kh-HA7HwBT6Vj7RlXf6tJAs8INhAU2j4sgWNLOUEf_w7F7ptT-KdSCTMW18-l0g";
static const char rs256_of_ec[] = /* RS256 by another key, that names ours of ES256 */
	"eyJhbGciOiJSUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJ1MSIsInJvbGUiOiJhdXRoZW50aWNhdGVkI"
	"n0.g7UGRXByMcg7jeCkYBY7HB6YqwBA5JCdbxBgcAuBbrjHLliAjPf_rT6DabD9gj8nPfweUSkWcFj7r2pysxpHghZxKdxXRfDWM"
	"96EaABWD08wwjF28jvYLx3KLYhIjcgCnD88aQCg58QZ1AkJD1AflF869KcUoksPOBVEuBSk-rmqTnJFdWZwrodQb1oIkQp4J-3tR"
	"FdUW37hn45ziAp0AoyAla0sSL1EfIST9z3t2GsIpIkp3W73Q8w1OHx39a7HYJxZSrgH0PY6Z2PnnCutV5CqR6WzcSyvSV-69AsI6"
	"39HWQGCevOUyhC5w23b2lRK2o3DjdB_AgkLFQwTDLbR5A";
static const char rs512[] =
	"eyJhbGciOiJSUzUxMiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ1MSIsInJvbGUiOiJhdXRoZW50aWNhdGVk"
	"In0.kvN48a1ysxYoPxeBxI-NTCOx2Hx9_zHaDDZ7eXnhmBvfa5YvTvidQfxLJUN652l0zqAvInxlDtgKd9kkS80UIarpViyFFoR7"
	"px8rK4l8Agux8Ww_-bAkT5WZolDMjmZ0AsTg3ba6KMyPtIE5njhYhBADN33_pcY859WDDqn8fhr1RhlRIyd4e0XBi7oBxxqWZDPW"
	"T-_2rDLJZ9gBHVW6S1yw9xo-jiFar4ywtuduvGK1SWKR9xLFr-514EO2zq4TzS7yrEHBtkK_o8TthQ4OhmSYC4XIk5g8gt5D0APN"
	"u3fKkFHxfUNZo-lw_uefayV94dQebn9jjPXyju9GJ_BNdg";
static const char confused[] = /* HS256 with the public RSA key as its secret */
	"eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCIsICJraWQiOiAicnNhLTEifQ.eyJzdWIiOiAidTEiLCAicm9sZSI6ICJhdXRoZ"
	"W50aWNhdGVkIn0.yKQvdweC0pprPe23tMT3KALTnXocPzxbt3Rktiw60sE";

static const char secret[] = "0123456789abcdef0123456789abcdef";
static const struct token_key hs256 = {.algorithm = TOKEN_HS256, .key = {secret, sizeof secret - 1}};

/* ---- a secret --------------------------------------------------------------------------------------------------------- */

static void sign(const char *claims, struct buf *out)
{
	struct err err;
	buf_init(out, 0);
	CHECK_OK(&err, token_sign(str_of(claims), &hs256, out, &err));
}

static struct str text_of(const struct buf *b)
{
	return (struct str){(const char *)b->p, b->n};
}

static void test_round_trip(void **state)
{
	(void)state;
	struct buf token, claims;
	struct err err;
	sign("{\"sub\":\"\\u00e1\",\"exp\":1,\"app_metadata\":{\"tenant_id\":\"t1\"}}", &token);
	buf_init(&claims, 0);
	CHECK_OK(&err, token_verify(text_of(&token), &hs256, 1, &claims, &err));
	assert_non_null(memmem(claims.p, claims.n, "\"tenant_id\":\"t1\"", 16));
	buf_deinit(&claims);
	buf_deinit(&token);
}

static status verify(struct str token, const struct token_key *keys, size_t n, char *message)
{
	struct buf claims;
	struct err err;
	err_clear(&err);
	buf_init(&claims, 0);
	const status code = token_verify(token, keys, n, &claims, &err);
	if (code != OK) CHECK_I64(claims.n, 0);
	(void)snprintf(message, ERR_MESSAGE_MAX, "%s", err.message);
	buf_deinit(&claims);
	return code;
}

static void refused(struct str token, const struct token_key *keys, size_t n, const char *why)
{
	char message[ERR_MESSAGE_MAX];
	const status code = verify(token, keys, n, message);
	if (code != E_USAGE && code != E_NOT_FOUND) fail_msg("taken, or %s: %.60s", status_name(code), token.p);
	if (strstr(message, why) == NULL) fail_msg("wanted '%s', got '%s'", why, message);
}

/* Every bit of every part counts. */
static void test_changed(void **state)
{
	(void)state;
	struct buf token;
	char message[ERR_MESSAGE_MAX];
	sign("{\"sub\":\"u1\",\"role\":\"anon\"}", &token);
	for (size_t i = 0; i < token.n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			token.p[i] ^= (uint8_t)(1 << bit);
			if (verify(text_of(&token), &hs256, 1, message) == OK) fail_msg("bit %d of byte %zu", bit, i);
			token.p[i] ^= (uint8_t)(1 << bit);
		}
	}
	for (size_t n = 0; n < token.n; n++)
		if (verify((struct str){(const char *)token.p, n}, &hs256, 1, message) == OK) fail_msg("cut at %zu", n);
	buf_char(&token, 'A');
	refused(text_of(&token), &hs256, 1, "");
	buf_deinit(&token);
}

/* A token with this header and the payload of another, signed as HS256 would be where algorithm says so. */
static void with_header(const char *header, char *dst, size_t size)
{
	char text[264], part[256];
	uint8_t sum[SHA256_BYTES];
	base64_encode((const uint8_t *)header, strlen(header), part);
	for (char *p = part; *p != '\0'; p++) *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	part[strcspn(part, "=")] = '\0';
	(void)snprintf(text, sizeof text, "%s.e30", part);
	hash_hmac_sha256(secret, sizeof secret - 1, text, strlen(text), sum);
	base64_encode(sum, sizeof sum, part);
	for (char *p = part; *p != '\0'; p++) *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	part[strcspn(part, "=")] = '\0';
	(void)snprintf(dst, size, "%s.%s", text, part);
}

static void test_headers(void **state)
{
	(void)state;
	static const struct {
		const char *header, *why; /* NULL: it is taken */
	} cases[] = {
		{"{\"alg\":\"HS256\"}", NULL},
		{"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"any\"}", NULL},
		{"{\"alg\":\"none\"}", "algorithm is not taken"},
		{"{\"alg\":\"None\"}", "algorithm is not taken"},
		{"{\"alg\":\"hs256\"}", "algorithm is not taken"},
		{"{\"alg\":\"HS512\"}", "algorithm is not taken"},
		{"{\"alg\":\"\"}", "algorithm is not taken"},
		{"{\"alg\":256}", "names no algorithm"},
		{"{\"alg\":[\"HS256\"]}", "names no algorithm"},
		{"{}", "names no algorithm"},
		{"[\"HS256\"]", "names no algorithm"},
		{"{\"alg\":\"none\",\"alg\":\"HS256\"}", "not JSON"},
		{"{\"alg\":\"HS256\"} ", NULL},
		{"{\"alg\":\"HS256\"}x", "not JSON"},
		{"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", "critical"},
		{"{\"alg\":\"HS256\",\"kid\":7}", "kid"},
		{"{\"alg\":\"RS256\"}", "not known"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char token[536], message[ERR_MESSAGE_MAX];
		with_header(cases[i].header, token, sizeof token);
		if (cases[i].why != NULL) {
			refused(str_of(token), &hs256, 1, cases[i].why);
		} else if (verify(str_of(token), &hs256, 1, message) != OK) {
			fail_msg("%s: %s", cases[i].header, message);
		}
	}
}

static void test_forms(void **state)
{
	(void)state;
	static const struct {
		const char *token, *why;
	} cases[] = {{"", "three parts"}, {".", "three parts"}, {"..", "three parts"}, {"a.b", "three parts"},
		{"eyJhbGciOiJub25lIn0.e30.", "three parts"}, {"eyJhbGciOiJIUzI1NiJ9..AA", "three parts"},
		{"a.b.c.d", "three parts"}, {"e30=.e30.AA", "base64url"}, {"+/8.e30.AA", "base64url"},
		{"e30.e30.AA", "names no algorithm"}, {"a.e30.AA", "base64url"}};
	char *large = test_malloc(TOKEN_BYTES_MAX + 2);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		refused(str_of(cases[i].token), &hs256, 1, cases[i].why);
	memset(large, 'a', TOKEN_BYTES_MAX + 1);
	refused((struct str){large, TOKEN_BYTES_MAX + 1}, &hs256, 1, "longer");
	refused((struct str){large, TOKEN_BYTES_MAX}, &hs256, 1, "three parts");
	test_free(large);
	refused((struct str){"e30.\0e30.AA", 11}, &hs256, 1, "three parts");
}

/* ---- public keys ------------------------------------------------------------------------------------------------------ */

static void test_set(void **state)
{
	(void)state;
	struct arena arena;
	struct err err;
	arena_init(&arena, 0);
	struct jwk_list keys = {.arena = &arena};
	CHECK_OK(&err, jwk_set_parse(str_of(jwks), &keys, &err));
	/* The weak, the one off its curve, those for something else and the secret are left out. */
	CHECK_I64(keys.n, 2);
	assert_string_equal(keys.items[0].kid, "rsa-1");
	assert_string_equal(keys.items[1].kid, "ec-1");
	char message[ERR_MESSAGE_MAX];
	static const char *const good[] = {rs256, rs256_nameless, es256};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (verify(str_of(good[i]), keys.items, keys.n, message) != OK) fail_msg("%zu: %s", i, message);
	refused(str_of(confused), keys.items, keys.n, "not known");
	refused(str_of(rs256_of_weak), keys.items, keys.n, "not known");
	refused(str_of(rs256_of_ec), keys.items, keys.n, "not known");
	refused(str_of(rs512), keys.items, keys.n, "algorithm is not taken");
	/* The public key with its bytes as a secret beside it: still nobody's signature but the secret's. */
	struct token_key both[3] = {keys.items[0], keys.items[1], hs256};
	refused(str_of(confused), both, 3, "signature");
	/* A token by one key does not pass for another of its algorithm. */
	both[0].kid = NULL;
	both[0].key = keys.items[1].key;
	refused(str_of(rs256), both, 1, "signature");
	/* ES256: each bit of the signature counts. */
	char changed[sizeof es256];
	for (size_t i = (size_t)(strrchr(es256, '.') - es256) + 1; i + 1 < sizeof es256; i++) {
		memcpy(changed, es256, sizeof es256);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		refused(str_of(changed), keys.items, keys.n, "");
	}
	arena_deinit(&arena);
}

static void test_bad_sets(void **state)
{
	(void)state;
	static const char *const broken[] = {"", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]", "\"keys\""};
	static const char *const empty[] = {"{\"keys\":[]}", "{\"keys\":[1,null,{}]}",
		"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}]}",
		"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AQ\",\"y\":\"AQ\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}]}"};
	struct err err;
	struct arena arena;
	arena_init(&arena, 0);
	struct jwk_list keys = {.arena = &arena};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		CHECK_I64(jwk_set_parse(str_of(broken[i]), &keys, &err), E_CORRUPT);
	for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
		CHECK_OK(&err, jwk_set_parse(str_of(empty[i]), &keys, &err));
	CHECK_I64(keys.n, 0);
	arena_deinit(&arena);
}

static void test_base64url(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t n; /* -1: none */
	} cases[] = {{"", 0}, {"AA", 1}, {"_-8", 2}, {"AAAA", 3}, {"A", -1}, {"AB", -1}, {"AAB", -1}, {"AA==", -1},
		{"+/8", -1}, {"AAAAA", -1}, {"A A", -1}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t dst[8];
		size_t n = 0;
		const bool good = base64_url_decode(str_of(cases[i].text), dst, &n);
		CHECK_I64(good ? (int64_t)n : -1, cases[i].n);
	}
	uint8_t dst[4];
	size_t n;
	assert_true(base64_url_decode(STR("_-8"), dst, &n));
	CHECK_I64(dst[0], 0xff);
	CHECK_I64(dst[1], 0xef);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_changed),
		cmocka_unit_test(test_headers), cmocka_unit_test(test_forms), cmocka_unit_test(test_set),
		cmocka_unit_test(test_bad_sets), cmocka_unit_test(test_base64url)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
