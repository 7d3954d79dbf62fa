#include "flow/picture.h"

#include "check.h"

#include "base/seal.h"

#define RUN_1 "00000000-0000-5000-8000-000000000001"
#define RUN_2 "00000000-0000-5000-8000-000000000002"

static const char *const runs[2] = {RUN_1, RUN_2};
static const struct picture_table tables[3] = {{"gold.daily_kpis", 0}, {"silver.messages", -1}, {"silver.tickets", 7}};
static const struct picture both = {runs, 2, 4, tables, 3};
static const char text[] =
	"{\"claim\":4,\"runs\":[\"" RUN_1 "\",\"" RUN_2 "\"],\"seal\":\"c0f9f457e37223065e19e8653761e5fa\","
	"\"tables\":{\"gold.daily_kpis\":0,\"silver.messages\":-1,\"silver.tickets\":7}}";

static void test_form(void **state)
{
	(void)state;
	struct err err;
	struct buf b;
	struct arena arena;
	struct picture p;
	buf_init(&b, 0);
	arena_init(&arena, 0);
	picture_json(&b, &both);
	CHECK_OK(&err, buf_check(&b, &err));
	buf_char(&b, '\0');
	assert_string_equal((const char *)b.p, text);
	CHECK_OK(&err,
		picture_parse(STR("{\"claim\":4,\"runs\":[],\"tables\":{}}"), &arena, &p, &err)); /* an early build's */
	CHECK_OK(&err, picture_parse(str_of(text), &arena, &p, &err));
	CHECK_I64(p.claim, 4);
	CHECK_I64(p.n_runs, 2);
	assert_string_equal(p.runs[1], RUN_2);
	CHECK_I64(picture_version(&p, "silver.tickets"), 7);
	CHECK_I64(picture_version(&p, "silver.messages"), -1);
	CHECK_I64(picture_version(&p, "silver.nothing"), -1);
	assert_true(picture_has_run(&p, STR(RUN_1)));
	assert_false(picture_has_run(&p, STR("00000000-0000-5000-8000-000000000003")));
	arena_deinit(&arena);
	buf_deinit(&b);
}

/* The text with its digest before "tables": it is refused for what it says. */
static void sealed(struct buf *b, const char *without)
{
	const char *at = strstr(without, ",\"tables\"");
	buf_reset(b);
	buf_add(b, without, at != NULL ? (size_t)(at - without) : strlen(without));
	if (at == NULL) return;
	buf_str(b, ",\"seal\":\"");
	const size_t seal = seal_blank(b);
	buf_printf(b, "\"%s", at);
	seal_close(b, 0, seal);
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"{}",
		("{\"claim\":1,\"runs\":[],\"seal\":\"00000000000000000000000000000000\","
		 "\"tables\":{}}"), /* another's digest */
		"[]",
		"{\"claim\":1,\"runs\":[],\"tables\":{}} ",           /* a byte more */
		"{\"claim\":1,\"runs\":[\"x\"],\"tables\":{}}",       /* no id */
		"{\"claim\":\"1\",\"runs\":[],\"tables\":{}}",        /* no number */
		"{\"claim\":1,\"runs\":[],\"tables\":{\"t\":-2}}",    /* no version */
		"{\"claim\":1,\"runs\":[],\"tables\":[]}",            /* no object */
		"{\"claim\":1,\"runs\":[],\"tables\":{},\"more\":1}", /* a member that nobody reads */
		"{\"claim\":1,\"runs\":[],\"tables\":{\"t\":1.0}}",
	};
	struct err err;
	struct buf b;
	buf_init(&b, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct arena arena;
		struct picture p = both;
		arena_init(&arena, 0);
		sealed(&b, bad[i]);
		const struct str t = {(const char *)b.p, b.n};
		if (picture_parse(t, &arena, &p, &err) != E_CORRUPT) fail_msg("taken: %s", bad[i]);
		CHECK_I64(p.n_tables, 3); /* not written on failure */
		arena_deinit(&arena);
	}
	buf_deinit(&b);
}

static void test_objects(void **state)
{
	(void)state;
	struct err err;
	struct store *lake = NULL;
	char dir[64];
	struct arena arena;
	struct picture p;
	arena_init(&arena, 0);
	CHECK_OK(&err, store_open(check_tmpdir(dir), &lake, &err));
	CHECK_FAILS(E_NOT_FOUND, picture_load(lake, (struct picture_at){20000, RUN_2, PICTURE_BASE}, &arena, &p, &err));
	CHECK_OK(&err, picture_put(lake, (struct picture_at){20000, RUN_2, PICTURE_BASE}, &both, &err));
	CHECK_OK(&err, picture_put(lake, (struct picture_at){20000, RUN_2, PICTURE_BASE}, &both, &err));
	CHECK_OK(&err, picture_load(lake, (struct picture_at){20000, RUN_2, PICTURE_BASE}, &arena, &p, &err));
	CHECK_I64(picture_version(&p, "silver.tickets"), 7);
	CHECK_FAILS(E_NOT_FOUND, picture_load(lake, (struct picture_at){20000, RUN_2, PICTURE_LEFT}, &arena, &p, &err));
	const char *key = "manifests/day=2024-10-04/run_id=" RUN_2 "/" PICTURE_LEFT;
	CHECK_OK(&err, store_put(lake, key, text, sizeof text - 2, &err));
	CHECK_FAILS(E_VERIFY, picture_load(lake, (struct picture_at){20000, RUN_2, PICTURE_LEFT}, &arena, &p, &err));
	assert_string_equal(err.where, key);
	store_close(lake);
	check_rmdir(dir);
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_objects),
	};
	return cmocka_run_group_tests_name("flow/picture", cases, NULL, NULL);
}
