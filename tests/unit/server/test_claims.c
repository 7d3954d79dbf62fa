/* What claims make of who sends them, and which are refused. */
#include "check.h"

#include "base/time.h"
#include "server/claims.h"

#define NOW INT64_C(1770000000)
#define GOOD "\"role\":\"authenticated\",\"aud\":\"authenticated\",\"exp\":1770003600"

static const struct claims_rules rules = {.audience = "authenticated", .issuer = "", .now = NOW * US_PER_SECOND};

static void taken(const char *json, const struct claims_rules *r, struct principal *p, struct arena *arena)
{
	struct err err;
	err_clear(&err);
	if (claims_read(str_of(json), r, arena, p, &err) != OK) fail_msg("%s: %s", json, err.message);
}

static void test_supabase(void **state)
{
	(void)state;
	struct arena arena;
	struct principal p;
	arena_init(&arena, 0);
	taken("{" GOOD ",\"iat\":1770000000,\"iss\":\"https://x.supabase.co/auth/"
	      "v1\",\"sub\":\"u1\",\"email\":\"a@b.co\",\"aal\":\"aal1\","
	      "\"session_id\":\"s1\",\"app_metadata\":{\"provider\":\"email\",\"tenant_id\":\"t1\"},\"user_metadata\":{"
	      "\"tenant_id\":\"t2\"}}",
		&rules, &p, &arena);
	assert_int_equal(p.role, AUTH_AUTHENTICATED);
	assert_true(str_is(p.tenant, "t1") && str_is(p.sub, "u1") && str_is(p.session, "s1"));
	assert_memory_equal(p.claims.p, "{\"role\"", 7);
	taken("{" GOOD ",\"tenant_id\":\"top\",\"app_metadata\":{\"tenant_id\":\"t1\"}}", &rules, &p, &arena);
	assert_true(str_is(p.tenant, "top"));
	taken("{" GOOD ",\"user_metadata\":{\"tenant_id\":\"t2\"}}", &rules, &p,
		&arena); /* what users edit themselves */
	assert_true(str_is(p.tenant, "") && str_is(p.sub, ""));
	taken("{\"role\":\"service_role\",\"iss\":\"supabase\",\"exp\":1770003600.5}", &rules, &p, &arena);
	assert_int_equal(p.role, AUTH_SERVICE);
	taken("{\"role\":\"anon\",\"aud\":[\"other\",\"authenticated\"],\"exp\":1770003600}", &rules, &p, &arena);
	assert_int_equal(p.role, AUTH_ANON);
	arena_deinit(&arena);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *claims, *why;
	} cases[] = {
		{"", "not JSON"},
		{"[]", "no object"},
		{"{" GOOD ",\"role\":\"service_role\"}", "not JSON"},
		{"{\"aud\":\"authenticated\",\"exp\":1770003600}", "no role"},
		{"{\"role\":\"postgres\",\"aud\":\"authenticated\",\"exp\":1770003600}", "role is none"},
		{"{\"role\":\"service_role \",\"exp\":1770003600}", "role is none"},
		{"{\"role\":7,\"exp\":1770003600}", "no role"},
		{"{\"role\":\"anon\"}", "no exp"},
		{"{\"role\":\"anon\",\"exp\":\"1770003600\"}", "no number"},
		{"{\"role\":\"anon\",\"exp\":null}", "no number"},
		{"{\"role\":\"anon\",\"exp\":1769999970}", "expired"},
		{"{\"role\":\"anon\",\"exp\":-1}", "expired"},
		{"{" GOOD ",\"nbf\":1770000031}", "not valid yet"},
		{"{" GOOD ",\"iat\":1770000031}", "not valid yet"},
		{"{" GOOD ",\"nbf\":true}", "no number"},
		{"{\"role\":\"authenticated\",\"exp\":1770003600}", "no audience"},
		{"{\"role\":\"authenticated\",\"aud\":\"other\",\"exp\":1770003600}", "another audience"},
		{"{\"role\":\"authenticated\",\"aud\":[\"other\"],\"exp\":1770003600}", "another audience"},
		{"{\"role\":\"authenticated\",\"aud\":{\"authenticated\":1},\"exp\":1770003600}", "another audience"},
		{"{\"role\":\"service_role\",\"aud\":\"other\",\"exp\":1770003600}", "another audience"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena;
		struct principal p;
		struct err err;
		arena_init(&arena, 0);
		err_clear(&err);
		if (claims_read(str_of(cases[i].claims), &rules, &arena, &p, &err) != E_USAGE)
			fail_msg("taken: %s", cases[i].claims);
		if (strstr(err.message, cases[i].why) == NULL) fail_msg("%s: %s", cases[i].claims, err.message);
		arena_deinit(&arena);
	}
}

static void test_rules(void **state)
{
	(void)state;
	struct arena arena;
	struct principal p;
	struct err err;
	struct claims_rules r = rules;
	arena_init(&arena, 0);
	taken("{\"role\":\"anon\",\"exp\":1769999971}", &r, &p, &arena); /* within the skew */
	taken("{" GOOD ",\"nbf\":1770000030}", &r, &p, &arena);
	r.audience = "";
	taken("{\"role\":\"authenticated\",\"aud\":7,\"exp\":1770003600}", &r, &p, &arena);
	r.issuer = "https://issuer";
	taken("{\"role\":\"authenticated\",\"iss\":\"https://issuer\",\"exp\":1770003600}", &r, &p, &arena);
	CHECK_I64(claims_read(STR("{\"role\":\"authenticated\",\"iss\":\"https://issuer/\",\"exp\":1770003600}"), &r,
			  &arena, &p, &err),
		E_USAGE);
	CHECK_I64(claims_read(STR("{\"role\":\"authenticated\",\"exp\":1770003600}"), &r, &arena, &p, &err), E_USAGE);
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_supabase), cmocka_unit_test(test_refused), cmocka_unit_test(test_rules)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
