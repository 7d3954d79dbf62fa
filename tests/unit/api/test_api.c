/* libpqr.so as a program uses it: errors are kept, and a task's result is that of the engine, byte for byte. */
#include "check.h"

#include "flow/run.h"
#include "io/config/config.h"
#include "pqr.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/workload.h"
#include "workloads/registry.h"

struct planned {
	struct store *lake;
	struct buf plan, task; /* task: the first of raw, NUL-terminated */
	struct err err;
};

/* Two days of five tickets. */
static void make_config(struct buf *canonical, struct err *err)
{
	static const char *const settings[][2] = {{"simulation.date_range.from", "2026-01-05"},
		{"simulation.date_range.to", "2026-01-06"}, {"simulation.volume_daily_avg", "5"},
		{"simulation.spike.enabled", "false"}};
	struct config tree;
	CHECK_OK(err, config_init(&tree, err));
	CHECK_OK(err, config_defaults(&tree, &pqrs_config_keys, 1, err));
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
		CHECK_OK(err, config_set(&tree, settings[i][0], settings[i][1], "test", err));
	CHECK_OK(err, config_check(&tree, &pqrs_config_keys, 1, err));
	CHECK_OK(err, pqrs_config_canonical(&tree, PQRS_SIMULATED, canonical, err));
	config_deinit(&tree);
}

/* The first document of the first "tasks" of a plan; none of its texts holds a brace. */
static void first_task(struct planned *p)
{
	static const char start[] = "\"tasks\":[{";
	buf_char(&p->plan, '\0');
	const char *from = strstr((const char *)p->plan.p, start);
	assert_non_null(from);
	from += sizeof start - 2;
	size_t n = 0;
	int depth = 0;
	do {
		assert_int_not_equal(from[n], '\0');
		depth += (from[n] == '{') - (from[n] == '}');
		n++;
	} while (depth > 0);
	buf_add(&p->task, from, n);
	buf_char(&p->task, '\0');
}

static void plan(struct planned *p, const char *dir)
{
	struct buf canonical;
	struct run_opts o;
	err_clear(&p->err);
	buf_init(&canonical, 0);
	buf_init(&p->plan, 0);
	buf_init(&p->task, 0);
	make_config(&canonical, &p->err);
	CHECK_OK(&p->err, store_open(dir, &p->lake, &p->err));
	run_opts_init(&o);
	o.workload = &pqrs_workload;
	o.lake = p->lake;
	o.config = (struct str){(const char *)canonical.p, canonical.n};
	CHECK_OK(&p->err, flow_plan_json(&o, &p->plan, &p->err));
	first_task(p);
	buf_deinit(&canonical);
}

static void plan_end(struct planned *p)
{
	store_close(p->lake);
	buf_deinit(&p->plan);
	buf_deinit(&p->task);
}

static void test_task(void **state)
{
	(void)state;
	char dir[64];
	struct planned p;
	struct pqr_context *c = NULL;
	char *result = NULL;
	plan(&p, check_tmpdir(dir));
	assert_int_equal(pqr_open(dir, &c), PQR_OK);
	assert_int_equal(pqr_task_run(c, (const char *)p.task.p, &result), PQR_OK);
	assert_string_equal(pqr_last_error(c), "");

	/* A task writes the same bytes however often it runs, so the engine's own result is the oracle. */
	struct buf want;
	struct task_progress far = {7, 7};
	long long rows = -1, bytes = -1;
	buf_init(&want, 0);
	CHECK_OK(&p.err,
		flow_task_run_json(&registry_workloads, p.lake, str_of((const char *)p.task.p), &far, &want, &p.err));
	assert_true(far.rows > 0 && far.rows != 7);
	pqr_task_progress(c, &rows, &bytes); /* it is over */
	assert_int_equal(rows, 0);
	assert_int_equal(bytes, 0);
	pqr_task_progress(NULL, &rows, &bytes);
	assert_int_equal(rows, 0);
	buf_char(&want, '\0');
	assert_string_equal(result, (const char *)want.p);
	assert_non_null(strstr(result, "events.jsonl"));
	buf_deinit(&want);
	pqr_free(result);
	pqr_close(c);
	plan_end(&p);
	check_rmdir(dir);
}

static void test_wrong_documents(void **state)
{
	(void)state;
	static const struct {
		const char *spec;
		int want;
		const char *error; /* part of it */
	} cases[] = {
		{NULL, PQR_USAGE, "NULL"},
		{"", PQR_USAGE, "task document"},
		{"{", PQR_USAGE, "task document"},
		{"[]", PQR_USAGE, "task document"},
		{"{\"run\":{}}", PQR_USAGE, "task document"},
	};
	char dir[64];
	char untouched[] = "untouched";
	struct planned p;
	struct pqr_context *c = NULL;
	plan(&p, check_tmpdir(dir));
	assert_int_equal(pqr_open(dir, &c), PQR_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *result = untouched;
		assert_int_equal(pqr_task_run(c, cases[i].spec, &result), cases[i].want);
		if (strstr(pqr_last_error(c), cases[i].error) == NULL)
			fail_msg("case %zu: no '%s' in '%s'", i, cases[i].error, pqr_last_error(c));
		assert_ptr_equal(result, untouched);
	}
	assert_int_equal(pqr_task_run(c, (const char *)p.task.p, NULL), PQR_USAGE);
	assert_int_equal(pqr_task_run(NULL, (const char *)p.task.p, NULL), PQR_USAGE);

	char *result = NULL; /* an error is over with the next call that succeeds */
	assert_int_equal(pqr_task_run(c, (const char *)p.task.p, &result), PQR_OK);
	assert_string_equal(pqr_last_error(c), "");
	pqr_free(result);
	pqr_close(c);
	plan_end(&p);
	check_rmdir(dir);
}

static void test_lake_that_is_none(void **state)
{
	(void)state;
	char dir[64];
	char path[96];
	char *result = NULL;
	struct pqr_context *c = NULL;
	(void)snprintf(path, sizeof path, "%s/file", check_tmpdir(dir));
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	(void)fclose(f);
	assert_int_equal(pqr_open(path, &c), PQR_FAILED);
	assert_non_null(c);
	assert_non_null(strstr(pqr_last_error(c), path));
	assert_int_equal(pqr_task_run(c, "{}", &result), PQR_USAGE);
	assert_null(result);
	pqr_close(c);
	(void)unsetenv("AWS_ACCESS_KEY_ID");
	(void)unsetenv("AWS_SECRET_ACCESS_KEY");
	(void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	(void)unsetenv("AWS_CONFIG_FILE");
	(void)unsetenv("AWS_PROFILE");
	(void)setenv("HOME", dir, 1); /* no ~/.aws there */
	assert_int_equal(pqr_open("s3://bucket/lake", &c), PQR_USAGE);
	assert_non_null(strstr(pqr_last_error(c), "AWS_ACCESS_KEY_ID"));
	pqr_close(c);
	assert_int_equal(pqr_open(NULL, &c), PQR_USAGE);
	pqr_close(c);
	pqr_close(NULL);
	pqr_free(NULL);
	assert_string_equal(pqr_last_error(NULL), "out of memory");
	assert_string_equal(pqr_version(), PQR_VERSION);
	check_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_task), cmocka_unit_test(test_wrong_documents),
		cmocka_unit_test(test_lake_that_is_none)};
	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
