#include "check.h"

#include "flow/engine_config.h"

static status open_with(const char *key, const char *value, struct engine_config *e, struct err *err)
{
	struct config c;
	TRY(config_init(&c, err));
	status code = config_defaults(&c, &engine_config_keys, 1, err);
	if (code == OK && key != NULL) code = config_set(&c, key, value, "--flag", err);
	if (code == OK) code = config_check(&c, &engine_config_keys, 1, err);
	if (code == OK) code = engine_config_open(&c, e, err);
	config_deinit(&c);
	return code;
}

static void defaults(void **state)
{
	(void)state;
	struct err err = {0};
	struct engine_config e = {0};
	CHECK_OK(&err, open_with(NULL, NULL, &e, &err));
	assert_string_equal(e.lake_uri, "./lake");
	CHECK_I64(e.retention_days, 7);
	assert_string_equal(e.control_uri, "sqlite:./lake/control.db");
	assert_string_equal(e.executor, "threads");
	CHECK_I64(e.threads, 0);
	CHECK_I64(e.log_level, LOG_INFO);
	CHECK_I64(e.log_format, LOG_TEXT);
	assert_string_equal(e.listen, "127.0.0.1:8080");
	engine_config_close(&e);
}

static status settings_of(const char *yaml, const char *const *env, struct engine_config *e, struct err *err)
{
	struct config c;
	struct config_node *file = NULL;
	TRY(config_init(&c, err));
	status code = config_defaults(&c, &engine_config_keys, 1, err);
	if (code == OK) code = config_parse(&c, CONFIG_YAML, str_of(yaml), "pqr.yaml", &file, err);
	if (code == OK) code = config_merge(&c, c.root, file, err);
	if (code == OK) code = config_environment(&c, &engine_config_keys, 1, env, err);
	if (code == OK) code = config_check(&c, &engine_config_keys, 1, err);
	if (code == OK) code = engine_config_open(&c, e, err);
	config_deinit(&c);
	return code;
}

static void settings_of_kafka(void **state)
{
	(void)state;
	struct err err = {0};
	struct engine_config e = {0};
	const char *const env[] = {"PQR_STREAM_KAFKA_SASL_USERNAME=me", "PQR_STREAM_KAFKA_SSL_CA_LOCATION=", NULL};
	CHECK_OK(&err,
		settings_of("stream:\n  kafka:\n    enable.ssl.certificate.verification: false\n    linger.ms: 5\n"
			    "    sasl.username: other\n",
			env, &e, &err));
	assert_int_equal(e.n_stream_kafka, 3);
	static const char *const want[][2] = {
		{"enable.ssl.certificate.verification", "false"}, {"linger.ms", "5"}, {"sasl.username", "me"}};
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(e.stream_kafka[i].key, want[i][0]);
		assert_string_equal(e.stream_kafka[i].value, want[i][1]);
	}
	engine_config_close(&e);
	CHECK_OK(&err, settings_of("stream:\n  kafka:\n", env, &e, &err));
	assert_int_equal(e.n_stream_kafka, 1);
	engine_config_close(&e);
	const char *const none[] = {NULL}, *const whole[] = {"PQR_STREAM_KAFKA=hunter2", NULL};
	CHECK_FAILS(E_USAGE, settings_of("stream: {kafka: {sasl: {password: hunter2}}}", none, &e, &err));
	assert_string_equal(
		err.message, "stream.kafka.sasl: expected a text under the whole name, as sasl.username: me");
	CHECK_FAILS(E_USAGE, settings_of("stream: {kafka: {sasl.password: [hunter2]}}", none, &e, &err));
	assert_string_equal(err.message, "stream.kafka.sasl.password: expected a text");
	CHECK_FAILS(E_USAGE, settings_of("stream: {kafka: hunter2}", none, &e, &err));
	assert_null(strstr(err.message, "hunter2"));
	CHECK_FAILS(E_USAGE, settings_of("", whole, &e, &err));
	assert_null(strstr(err.message, "hunter2"));
}

static void control_follows_the_lake(void **state)
{
	(void)state;
	static const struct {
		const char *lake, *control;
	} cases[] = {
		{"/data/lake/", "sqlite:/data/lake/control.db"},
		{"file:///data/lake", "sqlite:/data/lake/control.db"},
		{"s3://bucket/prefix", "sqlite:./control.db"},
		{"/", "sqlite:/control.db"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct engine_config e = {0};
		CHECK_OK(&err, open_with("lake.uri", cases[i].lake, &e, &err));
		assert_string_equal(e.control_uri, cases[i].control);
		engine_config_close(&e);
	}
}

static void values(void **state)
{
	(void)state;
	static const struct {
		const char *key, *value;
		bool ok;
	} cases[] = {
		{"lake.uri", "", false},
		{"lake.uri", "ftp://x/y", false},
		{"lake.uri", "s3://", false},
		{"lake.uri", "s3:///x", false},
		{"lake.uri", "s3://b", true},
		{"lake.uri", "file://host/x", false},
		{"lake.uri", "relative/path", true},
		{"lake.retention_days", "0", true},
		{"lake.retention_days", "36500", true},
		{"lake.retention_days", "-1", false},
		{"lake.retention_days", "36501", false},
		{"lake.retention_days", "week", false},
		{"control.uri", "sqlite:x.db", true},
		{"control.uri", "sqlite:", false},
		{"control.uri", "mysql://x", false},
		{"control.uri", "postgresql:", true},
		{"executor.uri", "threads", true},
		{"executor.uri", "dask://h:8786", true},
		{"executor.uri", "dask://h", false},
		{"executor.uri", "spark://h:7077", true},
		{"executor.uri", "spark-local[4]", true},
		{"executor.uri", "spark-local[]", false},
		{"executor.uri", "spark-local[4", false},
		{"executor.uri", "fork", false},
		{"executor.threads", "16", true},
		{"executor.threads", "-1", false},
		{"executor.threads", "many", false},
		{"log.level", "debug", true},
		{"log.level", "loud", false},
		{"log.format", "json", true},
		{"log.format", "xml", false},
		{"server.listen", ":0", true},
		{"server.listen", "[::1]:80", true},
		{"server.listen", "::1:80", false},
		{"server.listen", "localhost", false},
		{"server.listen", "localhost:65536", false},
		{"server.listen", "localhost:", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct engine_config e = {0};
		const status code = open_with(cases[i].key, cases[i].value, &e, &err);
		if (code != (cases[i].ok ? OK : E_USAGE))
			fail_msg("%s=%s: %s %s", cases[i].key, cases[i].value, status_name(code), err.message);
		if (code != OK && (strstr(err.message, cases[i].key) == NULL || strcmp(err.where, "--flag") != 0))
			fail_msg("%s: %s", err.where, err.message);
		engine_config_close(&e);
	}
}

static void passwords_stay_hidden(void **state)
{
	(void)state;
	static const struct {
		const char *key, *value;
	} cases[] = {
		{"control.uri", "mysql://ana:hunter2@host/db"},
		{"lake.uri", "ftp://ana:hunter2@host/x"},
		{"control.uri", "hunter2"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct engine_config e = {0};
		char text[1024];
		CHECK_FAILS(E_USAGE, open_with(cases[i].key, cases[i].value, &e, &err));
		if (strstr(err_text(&err, text, sizeof text), "hunter2") != NULL) fail_msg("%s", text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(settings_of_kafka),
		cmocka_unit_test(control_follows_the_lake),
		cmocka_unit_test(values),
		cmocka_unit_test(passwords_stay_hidden),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
