#include "check.h"

#include "io/s3/s3_settings.h"

/* name, value, name, value, ..., NULL */
static const char *lookup(void *arg, const char *name)
{
	for (const char *const *e = arg; *e != NULL; e += 2)
		if (strcmp(*e, name) == 0) return e[1];
	return NULL;
}

static status settings(const char *uri, const char *const *env, struct s3_settings *out, struct err *err)
{
	err_clear(err);
	return s3_settings_read(uri, lookup, (void *)(uintptr_t)env, out, err);
}

#define VIRTUAL "AWS_VIRTUAL_HOSTED_STYLE_REQUEST"
#define KEYS "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "very-secret-indeed"

static void test_places(void **state)
{
	(void)state;
	static const struct {
		const char *uri, *env[10];
		const char *bucket, *prefix, *host, *base_path, *region;
		bool tls, path_style;
	} cases[] = {
		{"s3://bucket", {KEYS}, "bucket", "", "bucket.s3.us-east-1.amazonaws.com", "", "us-east-1", true,
			false},
		{"s3://bucket/a/b/", {KEYS, "AWS_REGION", "eu-west-1"}, "bucket", "a/b",
			"bucket.s3.eu-west-1.amazonaws.com", "", "eu-west-1", true, false},
		{"s3://bucket/x", {KEYS, "AWS_DEFAULT_REGION", "cn-north-1"}, "bucket", "x",
			"bucket.s3.cn-north-1.amazonaws.com.cn", "", "cn-north-1", true, false},
		{"s3://my.bucket", {KEYS}, "my.bucket", "", "s3.us-east-1.amazonaws.com", "", "us-east-1", true, true},
		{"s3://bucket", {KEYS, "AWS_ENDPOINT_URL", "http://127.0.0.1:9000/"}, "bucket", "", "127.0.0.1:9000",
			"", "us-east-1", false, true},
		{"s3://bucket",
			{KEYS, "AWS_ENDPOINT_URL", "http://a", "AWS_ENDPOINT_URL_S3", "https://S3.Example:443/minio/"},
			"bucket", "", "s3.example", "/minio", "us-east-1", true, true},
		{"s3://bucket", {KEYS, "AWS_ENDPOINT_URL", "http://[::1]:9000"}, "bucket", "", "[::1]:9000", "",
			"us-east-1", false, true},
		{"s3://bucket/x", {KEYS, "AWS_ENDPOINT_URL", "http://localhost:9000", VIRTUAL, "true"}, "bucket", "x",
			"bucket.localhost:9000", "", "us-east-1", false, false},
		{"s3://bucket/x", {KEYS, "AWS_ENDPOINT_URL", "https://S3.example:443/b", VIRTUAL, "1"}, "bucket", "x",
			"bucket.s3.example", "/b", "us-east-1", true, false},
		{"s3://bucket/x", {KEYS, "AWS_ENDPOINT_URL", "https://s3.example", VIRTUAL, "False"}, "bucket", "x",
			"s3.example", "", "us-east-1", true, true},
		{"s3://bucket", {KEYS, VIRTUAL, "false"}, "bucket", "", "bucket.s3.us-east-1.amazonaws.com", "",
			"us-east-1", true, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct s3_settings s;
		struct err err;
		CHECK_OK(&err, settings(cases[i].uri, cases[i].env, &s, &err));
		assert_string_equal(s.bucket, cases[i].bucket);
		assert_string_equal(s.prefix, cases[i].prefix);
		assert_string_equal(s.host, cases[i].host);
		assert_string_equal(s.base_path, cases[i].base_path);
		assert_string_equal(s.region, cases[i].region);
		CHECK_I64(s.tls, cases[i].tls);
		CHECK_I64(s.path_style, cases[i].path_style);
		assert_string_equal(s.access_key, "AKID");
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *uri, *env[10], *says;
	} cases[] = {
		{"s3://", {KEYS}, "s3://bucket/prefix"},
		{"s3://UPPER/x", {KEYS}, "s3://bucket/prefix"},
		{"s3:///x", {KEYS}, "s3://bucket/prefix"},
		{"s3://-bucket", {KEYS}, "s3://bucket/prefix"},
		{"s3://bucket", {NULL}, "AWS_ACCESS_KEY_ID"},
		{"s3://bucket", {"AWS_ACCESS_KEY_ID", "AKID"}, "AWS_SECRET_ACCESS_KEY"},
		{"s3://bucket", {"AWS_SECRET_ACCESS_KEY", "very-secret-indeed"}, "AWS_ACCESS_KEY_ID"},
		{"s3://bucket", {"AWS_ACCESS_KEY_ID", "AK ID", "AWS_SECRET_ACCESS_KEY", "x"}, "blank"},
		{"s3://bucket", {KEYS, "AWS_ENDPOINT_URL", "127.0.0.1:9000"}, "AWS_ENDPOINT_URL"},
		{"s3://bucket", {KEYS, "AWS_ENDPOINT_URL", "http://user:pass@host"}, "AWS_ENDPOINT_URL"},
		{"s3://bucket", {KEYS, "AWS_ENDPOINT_URL", "http://h", VIRTUAL, "yes"}, VIRTUAL},
		{"s3://bucket", {KEYS, "AWS_ENDPOINT_URL", "http://127.0.0.1:9000", VIRTUAL, "1"}, "with a name"},
		{"s3://bucket", {KEYS, "AWS_ENDPOINT_URL", "http://[::1]:9000", VIRTUAL, "1"}, "with a name"},
		{"s3://bucket", {KEYS, "AWS_REGION", "eu west"}, "AWS_REGION"},
		{"s3://bucket", {KEYS, "AWS_MAX_ATTEMPTS", "0"}, "AWS_MAX_ATTEMPTS"},
		{"s3://bucket", {KEYS, "AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/file"}, "/nonexistent/file"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct s3_settings s;
		struct err err;
		char text[1024];
		const status code = settings(cases[i].uri, cases[i].env, &s, &err);
		err_text(&err, text, sizeof text);
		if (code == OK || strstr(text, cases[i].says) == NULL)
			fail_msg("case %zu: %s: %s, expected %s", i, status_name(code), text, cases[i].says);
		if (strstr(text, "very-secret") != NULL) fail_msg("the secret is in: %s", text);
	}
}

static const char credentials[] =
	"# comment\n[default]\naws_access_key_id = DEF\naws_secret_access_key=d/e+f==\n\n"
	"[ work ]\r\naws_access_key_id=WORK\r\naws_secret_access_key = w\r\naws_session_token=tok\r\n";
static const char config[] = "[default]\nregion = us-west-2\n[profile work]\nregion=eu-central-1\ns3 =\n"
			     "    region = not-this\nendpoint_url = http://files.example:9000\n"
			     "[profile virtual]\nca_bundle = /etc/ca.pem\ns3 =\n  addressing_style = virtual\n"
			     "endpoint_url = http://files.example:9000\naws_access_key_id=V\naws_secret_access_key=v\n";

static void put_file(char *path, size_t size, const char *dir, const char *name, const char *text)
{
	(void)snprintf(path, size, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0) fail_msg("cannot write %s", path);
}

static void test_profiles(void **state)
{
	(void)state;
	char dir[64], credentials_path[128], config_path[128];
	struct s3_settings s;
	struct err err;
	check_tmpdir(dir);
	put_file(credentials_path, sizeof credentials_path, dir, "credentials", credentials);
	put_file(config_path, sizeof config_path, dir, "config", config);
#define FILES "AWS_SHARED_CREDENTIALS_FILE", credentials_path, "AWS_CONFIG_FILE", config_path
	const char *const plain[] = {FILES, NULL};
	CHECK_OK(&err, settings("s3://bucket", plain, &s, &err));
	assert_string_equal(s.access_key, "DEF");
	assert_string_equal(s.secret_key, "d/e+f==");
	assert_string_equal(s.token, "");
	assert_string_equal(s.region, "us-west-2");
	const char *const work[] = {FILES, "AWS_PROFILE", "work", NULL};
	CHECK_OK(&err, settings("s3://bucket", work, &s, &err));
	assert_string_equal(s.access_key, "WORK");
	assert_string_equal(s.token, "tok");
	assert_string_equal(s.region, "eu-central-1");
	assert_string_equal(s.host, "files.example:9000");
	assert_true(s.path_style);
	assert_string_equal(s.ca_file, "");
	const char *const virtual[] = {FILES, "AWS_PROFILE", "virtual", "SSL_CERT_FILE", "/not/this", NULL};
	CHECK_OK(&err, settings("s3://bucket", virtual, &s, &err));
	assert_string_equal(s.host, "bucket.files.example:9000");
	assert_false(s.path_style);
	assert_string_equal(s.ca_file, "/etc/ca.pem");
	const char *const path[] = {FILES, "AWS_PROFILE", "virtual", VIRTUAL, "false", "AWS_CA_BUNDLE", "/own", NULL};
	CHECK_OK(&err, settings("s3://bucket", path, &s, &err));
	assert_true(s.path_style);
	assert_string_equal(s.ca_file, "/own");
	const char *const system[] = {FILES, "AWS_PROFILE", "work", "SSL_CERT_FILE", "/system", NULL};
	CHECK_OK(&err, settings("s3://bucket", system, &s, &err));
	assert_string_equal(s.ca_file, "/system");
	const char *const both[] = {FILES, "AWS_PROFILE", "work", KEYS, "AWS_REGION", "ap-south-1", NULL};
	CHECK_OK(&err, settings("s3://bucket", both, &s, &err));
	assert_string_equal(s.access_key, "AKID");
	assert_string_equal(s.region, "ap-south-1");
	const char *const none[] = {FILES, "AWS_PROFILE", "absent", NULL};
	CHECK_FAILS(E_USAGE, settings("s3://bucket", none, &s, &err));
	assert_non_null(strstr(err.message, "absent"));
	check_rmdir(dir);
}

/* A value of no character is none, and so is one with a NUL, which a text cannot hold. */
static void test_no_value(void **state)
{
	(void)state;
	static const struct str files[] = {STR("[default]\nregion =\n"), STR("[default]\nregion =\0\n"),
		STR("[default]\nregion = eu\0west\n"), STR("[default]\nregion\n")};
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char region[32] = "as before";
		if (s3_profile_value(files[i], "default", "region", region, sizeof region)) fail_msg("file %zu", i);
		assert_string_equal(region, "as before");
	}
}

static void test_region_moves_host(void **state)
{
	(void)state;
	static const char *const aws[] = {KEYS, NULL};
	static const char *const own[] = {KEYS, "AWS_ENDPOINT_URL", "http://127.0.0.1:1", NULL};
	struct s3_settings s;
	struct err err;
	CHECK_OK(&err, settings("s3://bucket", aws, &s, &err));
	s3_settings_region(&s, "sa-east-1");
	assert_string_equal(s.host, "bucket.s3.sa-east-1.amazonaws.com");
	CHECK_OK(&err, settings("s3://bucket", own, &s, &err));
	s3_settings_region(&s, "sa-east-1");
	assert_string_equal(s.host, "127.0.0.1:1");
	assert_string_equal(s.region, "sa-east-1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_no_value),
		cmocka_unit_test(test_region_moves_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
