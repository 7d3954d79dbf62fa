/* Requests and responses without a socket. */
#include "server/exchange.h"

#include "check.h"

struct fixture {
	struct arena arena;
	struct response r;
};

static void begin(struct fixture *f)
{
	arena_init(&f->arena, 0);
	response_init(&f->r, &f->arena);
}

static void done(struct fixture *f)
{
	response_deinit(&f->r);
	arena_deinit(&f->arena);
}

/* A header is sent whole or not at all, never left out for its length: the address of a next page may be long. */
static void a_header_has_any_length(void **state)
{
	char text[6001];
	struct fixture f;
	(void)state;
	begin(&f);
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	response_header_add(&f.r, "Link", "<%s>", text);
	assert_int_equal(f.r.n_headers, 1);
	assert_int_equal(strlen(f.r.headers[0].value), sizeof text - 1 + 2);
	assert_string_equal(f.r.headers[0].value + sizeof text - 1, "a>");
	done(&f);
}

static void a_problem_is_all_there_is(void **state)
{
	struct fixture f;
	(void)state;
	begin(&f);
	response_header_add(&f.r, "ETag", "W/\"1\"");
	buf_str(&f.r.body, "[{");
	response_problem(&f.r, 503, "no \"luck\"");
	assert_int_equal(f.r.n_headers, 0);
	buf_char(&f.r.body, '\0');
	assert_string_equal((const char *)f.r.body.p,
		"{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"no "
		"\\\"luck\\\"\"}\n");
	done(&f);
}

static void limits_of_time_and_of_size_differ(void **state)
{
	struct err err;
	(void)state;
	err_clear(&err);
	assert_int_equal(response_status_of(fail(&err, E_LIMIT, "too many columns"), &err), 413);
	err_set_class(&err, ERR_RETRY);
	assert_int_equal(response_status_of(E_LIMIT, &err), 503);
	assert_int_equal(response_status_of(E_LIMIT, NULL), 413);
}

static void choices_have_weights(void **state)
{
	static const struct {
		const char *name;
		double quality;
	} want[] = {{"gzip", 0}, {"br", 0.5}, {"*", 1}, {"", 1}, {"x", 0.25}};
	struct str list = STR("gzip; q=0.000,br ;a=1;Q=0.5\t,*,,x;q=0.25000000000000000000");
	struct request_choice c;
	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		assert_true(request_choice_next(&list, &c));
		assert_true(str_is(c.name, want[i].name));
		assert_true(c.quality == want[i].quality);
	}
	assert_false(request_choice_next(&list, &c));
	list = (struct str){NULL, 0};
	assert_false(request_choice_next(&list, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_has_any_length),
		cmocka_unit_test(a_problem_is_all_there_is),
		cmocka_unit_test(limits_of_time_and_of_size_differ),
		cmocka_unit_test(choices_have_weights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
