/* Tasks of a stage on threads: each done once, tried again only where it may help, and nothing of a failed attempt kept. */
#include "../check.h"

#include <pthread.h>

#include "base/limits.h"
#include "base/thread.h"
#include "flow/executor.h"

enum { SLOTS_MAX = 64 };

/* Which task fails how often and how; what was seen. */
struct scene {
	const char *task; /* NULL: none */
	int times;        /* left */
	status code;
	enum err_class class;
	const char *cancel_in; /* the task that asks for the end */
	status started_fails;  /* != OK: what job.started returns */
	pthread_mutex_t lock;  /* guards what follows */
	int runs[SLOTS_MAX], started[SLOTS_MAX], finished[SLOTS_MAX], failed[SLOTS_MAX];
	int workers_max;
};
struct job {
	struct arena arena;
	struct task_list specs;
	struct task_slot slots[SLOTS_MAX];
	struct stage_def stage;
	struct task_env env;
	struct scene scene;
	struct executor *executor;
	struct executor_job of;
	struct err err;
};

static bool is(const char *task, const struct task_spec *spec)
{
	return task != NULL && strcmp(task, spec->task_id) == 0;
}

static status run_task(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	struct scene *s = (struct scene *)(uintptr_t)env->config;
	(void)pthread_mutex_lock(&s->lock);
	s->runs[spec->lo]++;
	const bool fails = is(s->task, spec) && s->times-- > 0;
	(void)pthread_mutex_unlock(&s->lock);
	/* Written down before the failure: must be gone when the next attempt starts. */
	CHECK_I64(out->outputs.n, 0);
	CHECK_I64(out->counters.n, 0);
	assert_true(counter_add(&out->counters, "lo", spec->lo + 1));
	assert_true(file_list_add(&out->outputs, &(struct file_ref){.table = "t", .path = spec->task_id}));
	if (is(s->cancel_in, spec)) cancel_request();
	TRY(cancel_check(err));
	if (!fails) return OK;
	const status code = fail(err, s->code, "injected");
	err_set_class(err, s->class);
	return code;
}

static status task_started(void *arg, struct task_slot *slot, const char *worker, struct err *err)
{
	struct scene *s = arg;
	int number = -1;
	assert_int_equal(sscanf(worker, "thread-%d", &number), 1);
	(void)pthread_mutex_lock(&s->lock);
	s->started[slot->spec->lo]++;
	if (number + 1 > s->workers_max) s->workers_max = number + 1;
	(void)pthread_mutex_unlock(&s->lock);
	return s->started_fails == OK ? OK : fail(err, s->started_fails, "no place to write it down");
}

static status task_finished(void *arg, struct task_slot *slot, const struct err *why, struct err *err)
{
	struct scene *s = arg;
	(void)err;
	(void)pthread_mutex_lock(&s->lock);
	s->finished[slot->spec->lo]++;
	if (why != NULL) s->failed[slot->spec->lo]++;
	(void)pthread_mutex_unlock(&s->lock);
	return OK;
}

static void job_open(struct job *j, size_t n, int threads)
{
	*j = (struct job){.specs.arena = &j->arena, .scene.lock = PTHREAD_MUTEX_INITIALIZER};
	cancel_reset();
	arena_init(&j->arena, 0);
	for (size_t i = 0; i < n; i++) {
		struct task_spec *t = task_list_add(&j->specs);
		assert_non_null(t);
		t->stage = "bronze";
		t->task_id = arena_printf(&j->arena, "bronze-%04zu", i);
		t->lo = (int64_t)i;
	}
	for (size_t i = 0; i < n; i++) {
		j->slots[i].spec = &j->specs.items[i];
		arena_init(&j->slots[i].arena, 0);
		task_result_init(&j->slots[i].result, j->slots[i].spec, &j->slots[i].arena);
	}
	j->stage = (struct stage_def){.name = "bronze", .run = run_task};
	j->env = (struct task_env){.config = &j->scene};
	j->of = (struct executor_job){
		NULL, &j->stage, &j->env, j->slots, n, 0, task_started, task_finished, &j->scene}; /* retried at once */
	CHECK_OK(&j->err,
		executor_open(&(struct executor_opts){.name = "threads", .threads = threads}, &j->executor, &j->err));
}

static void job_close(struct job *j)
{
	executor_close(j->executor);
	for (size_t i = 0; i < j->of.n; i++) arena_deinit(&j->slots[i].arena);
	arena_deinit(&j->arena);
	cancel_reset();
}

static void test_each_task_once(void **state)
{
	(void)state;
	for (int threads = 0; threads <= 4; threads++) {
		struct job j;
		job_open(&j, SLOTS_MAX, threads);
		j.slots[3].done = true;
		CHECK_OK(&j.err, executor_run(j.executor, &j.of, &j.err));
		for (size_t i = 0; i < SLOTS_MAX; i++) {
			const struct task_slot *slot = &j.slots[i];
			const int want = i == 3 ? 0 : 1;
			assert_true(slot->done);
			CHECK_I64(slot->retries, 0);
			CHECK_I64(j.scene.runs[i], want);
			CHECK_I64(j.scene.started[i], want);
			CHECK_I64(j.scene.finished[i], want);
			CHECK_I64(j.scene.failed[i], 0);
			CHECK_I64(slot->result.outputs.n, want);
			CHECK_I64(counter_get(&slot->result.counters, "lo"), want == 0 ? 0 : (int64_t)i + 1);
		}
		assert_in_range(j.scene.workers_max, 1, threads > 0 ? threads : 1);
		job_close(&j);
	}
}

static void test_no_task(void **state)
{
	(void)state;
	struct job j;
	job_open(&j, 0, 2);
	CHECK_OK(&j.err, executor_run(j.executor, &j.of, &j.err));
	job_close(&j);
}

/* How often a task fails, and how: attempts made, retries counted, and what the job ends with. */
static void test_attempts(void **state)
{
	(void)state;
	static const struct {
		int times;
		status code;
		enum err_class class;
		int attempts;
		status ends;
	} cases[] = {
		{1, E_IO, ERR_RETRY, 2, OK},
		{TASK_RETRIES_MAX, E_UNREACHABLE, ERR_RETRY, TASK_RETRIES_MAX + 1, OK},
		{TASK_RETRIES_MAX + 1, E_UNREACHABLE, ERR_RETRY, TASK_RETRIES_MAX + 1, E_UNREACHABLE},
		{1, E_IO, ERR_FATAL, 1, E_IO},
		{1, E_CORRUPT, ERR_DATA, 1, E_CORRUPT},
		{1, E_CONFLICT, ERR_CONFLICT, 1, E_CONFLICT},
		{1, E_IO, ERR_UNKNOWN, 1, E_IO},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct job j;
		job_open(&j, 3, 1);
		j.scene.task = "bronze-0001";
		j.scene.times = cases[i].times;
		j.scene.code = cases[i].code;
		j.scene.class = cases[i].class;
		CHECK_FAILS(cases[i].ends, executor_run(j.executor, &j.of, &j.err));
		CHECK_I64(j.scene.runs[1], cases[i].attempts);
		CHECK_I64(j.scene.finished[1], cases[i].attempts);
		CHECK_I64(j.scene.failed[1], cases[i].ends == OK ? cases[i].times : cases[i].attempts);
		CHECK_I64(j.slots[1].retries, cases[i].attempts - 1);
		assert_true(j.slots[1].done == (cases[i].ends == OK));
		if (cases[i].ends == OK) {
			CHECK_I64(j.slots[1].result.outputs.n, 1); /* of the last attempt alone */
			CHECK_I64(counter_get(&j.slots[1].result.counters, "lo"), 2);
		} else {
			assert_string_equal(j.err.message, "injected");
			CHECK_I64(j.err.class, cases[i].class);
		}
		job_close(&j);
	}
}

/* Somebody asks for the end while a task runs: it is not tried again, and those that have not begun do not begin. */
static void test_cancelled(void **state)
{
	(void)state;
	struct job j;
	job_open(&j, SLOTS_MAX, 1);
	j.scene.cancel_in = "bronze-0002";
	CHECK_FAILS(E_CANCELLED, executor_run(j.executor, &j.of, &j.err));
	CHECK_I64(j.scene.runs[1], 1);
	CHECK_I64(j.scene.runs[2], 1);
	CHECK_I64(j.scene.runs[3], 0);
	assert_true(j.slots[1].done && !j.slots[2].done && !j.slots[3].done);
	job_close(&j);
}

/* Where an attempt can't be written down, the task does not run. */
static void test_start_refused(void **state)
{
	(void)state;
	struct job j;
	job_open(&j, 2, 1);
	j.scene.started_fails = E_BUSY;
	CHECK_FAILS(E_BUSY, executor_run(j.executor, &j.of, &j.err));
	CHECK_I64(j.scene.runs[0] + j.scene.runs[1], 0);
	CHECK_I64(j.scene.finished[0] + j.scene.finished[1], 0);
	assert_false(j.slots[0].done);
	job_close(&j);
}

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		status want;
	} cases[] = {{"threads", OK}, {"dask://h:1", OK}, {"dask://tls://h:1", OK}, {"spark://h:1", OK},
		{"spark-local[2]", OK}, {"dask://h", E_USAGE}, {"dask:h:1", E_USAGE}, {"spark://", E_USAGE},
		{"spark-local[]", E_USAGE}, {"spark-local[2", E_USAGE}, {"spark-local[2]x", E_USAGE},
		{"thread", E_USAGE}, {"threads2", E_USAGE}, {"", E_USAGE}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err;
		struct executor *e = NULL;
		CHECK_FAILS(cases[i].want, executor_open(&(struct executor_opts){.name = cases[i].name}, &e, &err));
		assert_true((e != NULL) == (cases[i].want == OK));
		executor_close(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_task_once),
		cmocka_unit_test(test_no_task),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_start_refused),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests_name("executor", tests, NULL, NULL);
}
