/* What PostgreSQL says, as ours: code, class, and a line that tells what to do. No server is needed. */
#include "../check.h"

#include "control/postgres_int.h"

static struct control_postgres plane = {.place = (char[]){"postgresql://u@h:5432/d"}};

static void is(const struct err *err, status got, status code, enum err_class class, const char *has)
{
	if (got != code || err->class != class)
		fail_msg("expected %s, class %d; found %s, class %d: %s", status_name(code), class, status_name(got),
			err->class, err->message);
	if (strstr(err->message, has) == NULL) fail_msg("no \"%s\" in: %s", has, err->message);
	if (strstr(err->message, "postgresql://u@h:5432/d") == NULL || strchr(err->message, '\n') != NULL)
		fail_msg("message: %s", err->message);
}

static void test_states(void **state)
{
	(void)state;
	static const struct {
		const char *state;
		status code;
		enum err_class class;
		const char *has;
	} cases[] = {
		{"28P01", E_IO, ERR_FATAL, "PGPASSWORD"},
		{"28000", E_IO, ERR_FATAL, "sslmode=require"},
		{"3D000", E_NOT_FOUND, ERR_FATAL, "createdb"},
		{"25006", E_IO, ERR_FATAL, "primary server"},
		{"42501", E_IO, ERR_DENIED, "GRANT pqr_etl"},
		{"53100", E_IO, ERR_FATAL, "disk is full"},
		{"53300", E_UNREACHABLE, ERR_RETRY, "max_connections"},
		{"57P01", E_UNREACHABLE, ERR_RETRY, "shutting down"},
		{"57P03", E_UNREACHABLE, ERR_RETRY, "starting up"},
		{"57P05", E_UNREACHABLE, ERR_RETRY, "idle"},
		{"25P03", E_UNREACHABLE, ERR_RETRY, "stood still"},
		{"08006", E_UNREACHABLE, ERR_RETRY, "lost"},
		{"", E_UNREACHABLE, ERR_RETRY, "lost"},
		{"40001", E_CONFLICT, ERR_CONFLICT, "try again"},
		{"40P01", E_CONFLICT, ERR_CONFLICT, "try again"},
		{"55P03", E_BUSY, ERR_RETRY, "try again"},
		{"57014", E_IO, ERR_FATAL, "statement_timeout"},
		{"XX001", E_CORRUPT, ERR_DATA, "damage"},
		{"23505", E_IO, ERR_FATAL, "SQLSTATE 23505"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err;
		struct postgres_problem p = {.message = "two\n  lines \x01 of it\n"};
		memcpy(p.state, cases[i].state, strlen(cases[i].state));
		err_clear(&err);
		is(&err, postgres_error(&plane, &p, "statement", &err), cases[i].code, cases[i].class, cases[i].has);
		if (strstr(err.message, "two lines of it") == NULL) fail_msg("message: %s", err.message);
		assert_string_equal(plane.state, cases[i].state);
	}
	/* What is wrong with a caller's own statement is the caller's to mend. */
	static const char *const usage[] = {"42601", "42P01", "22P02", "25006", "0A000"};
	plane.querying = true;
	for (size_t i = 0; i < sizeof usage / sizeof *usage; i++) {
		struct err err;
		struct postgres_problem p = {.message = "no"};
		memcpy(p.state, usage[i], 5);
		assert_int_equal(postgres_error(&plane, &p, "query", &err), E_USAGE);
	}
	plane.querying = false;
}

static void test_connecting(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		status code;
		enum err_class class;
		const char *has;
	} cases[] = {
		{"connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password authentication "
		 "failed for user \"u\"\n"
		 "LOCATION:  auth_failed, auth.c:326\n",
			E_IO, ERR_FATAL, "(password authentication failed for user \"u\")"},
		{"connection to server at \"h\", port 5432 failed: FATAL:  28000: no pg_hba.conf entry for host "
		 "\"1.2.3.4\", user \"u\", "
		 "database \"d\", no encryption\nLOCATION:  ClientAuthentication, auth.c:543\n",
			E_IO, ERR_FATAL, "add ?sslmode=require"},
		{"connection to server on socket \"/x\" failed: SCHWERWIEGEND:  3D000: Datenbank \"d\" existiert "
		 "nicht\n",
			E_NOT_FOUND, ERR_FATAL, "no such database"},
		{"connection to server at \"h\", port 5432 failed: FATAL:  53300: sorry, too many clients already\n",
			E_UNREACHABLE, ERR_RETRY, "max_connections"},
		{"connection to server at \"h\", port 5432 failed: FATAL:  57P03: the database system is starting up\n",
			E_UNREACHABLE, ERR_RETRY, "starting up"},
		{"connection to server at \"h\", port 5432 failed: server does not support SSL, but SSL was required\n",
			E_IO, ERR_FATAL, "has no TLS"},
		{"connection to server at \"h\", port 5432 failed: SSL error: certificate verify failed\n", E_IO,
			ERR_FATAL, "sslrootcert"},
		{"root certificate file \"/root/.postgresql/root.crt\" does not exist\nEither provide the file or "
		 "change sslmode.\n",
			E_IO, ERR_FATAL, "sslrootcert"},
		{"could not translate host name \"h\" to address: Name or service not known\n", E_UNREACHABLE,
			ERR_RETRY, "out of reach"},
		{"connection to server at \"h\", port 1 failed: Connection refused\n\tIs the server running on that "
		 "host?\n",
			E_UNREACHABLE, ERR_RETRY, "out of reach"},
		{"timeout", E_UNREACHABLE, ERR_RETRY, "out of reach"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err;
		err_clear(&err);
		is(&err, postgres_connect_error(&plane, cases[i].text, false, &err), cases[i].code, cases[i].class,
			cases[i].has);
	}
	struct err err;
	err_clear(&err);
	is(&err, postgres_connect_error(&plane, "fe_sendauth: no password supplied\n", true, &err), E_IO, ERR_FATAL,
		"PGPASSWORD");
}

/* What PostgreSQL would refuse in a text is replaced, and nothing else. */
static void test_texts(void **state)
{
	(void)state;
	static const struct {
		struct str in;
		const char *out;
	} cases[] = {
		{{"", 0}, ""},
		{{"plain \xc3\xb1", 8}, "plain \xc3\xb1"},
		{{"a\0b", 3}, "a\xef\xbf\xbd"
			      "b"},
		{{"\0", 1}, "\xef\xbf\xbd"},
		{{"cut \xc3", 5}, "cut \xef\xbf\xbd"},
		{{"\xff\xfe!", 3}, "\xef\xbf\xbd\xef\xbf\xbd!"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct postgres_args a = {0};
		postgres_arg_str(&a, cases[i].in);
		assert_false(a.failed);
		CHECK_I64(a.length[0], (int64_t)strlen(cases[i].out));
		assert_memory_equal(a.value[0], cases[i].out, strlen(cases[i].out));
		postgres_args_deinit(&a);
	}
	int64_t us = 0;
	assert_true(postgres_time_parse(STR("2026-01-31 12:00:00.5+00"), &us));
	CHECK_I64(us, INT64_C(1769860800500000));
	assert_false(postgres_time_parse(STR("2026-01-31 12:00:00.5-05"), &us));
	assert_false(postgres_time_parse(STR("infinity"), &us));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states), cmocka_unit_test(test_connecting), cmocka_unit_test(test_texts)};
	return cmocka_run_group_tests_name("PostgreSQL's errors", tests, NULL, NULL);
}
