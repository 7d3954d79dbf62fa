/* tests/unit/control/cases_schedules.h: what each control plane keeps of schedules; included by cases.h. */
#ifndef PQR_TESTS_CONTROL_CASES_SCHEDULES_H
#define PQR_TESTS_CONTROL_CASES_SCHEDULES_H

static status count_schedule(void *arg, const struct control_schedule *s, struct err *err)
{
	(void)err;
	buf_printf(arg, "%s %lld;", s->name, (long long)s->runs);
	return OK;
}

static void test_schedules(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease mine, other;
	struct arena arena;
	struct control_schedule got, s = {"nightly", "30 2 * * *", "America/Bogota", "run --input {date}.jsonl", NOW,
					     INT64_MIN, INT64_MIN, -1, 0, 0};
	arena_init(&arena, 0);
	plane_open(&p);
	control_lease_init(&mine, "schedule:nightly");
	control_lease_init(&other, "schedule:nightly");
	CHECK_FAILS(E_NOT_FOUND, control_schedule_get(p.c, "nightly", &arena, &got, &p.err));
	CHECK_OK(&p.err, control_lease_acquire(p.c, &mine, NOW, &p.err));
	CHECK_FAILS(E_BUSY, control_lease_acquire(p.c, &other, NOW, &p.err));
	assert_ptr_equal(strstr(p.err.message, "schedule:nightly is held"), p.err.message);
	CHECK_FAILS(E_BUSY, control_schedule_put(p.c, &other, &s, &p.err));
	CHECK_OK(&p.err, control_schedule_put(p.c, &mine, &s, &p.err));
	CHECK_OK(&p.err, control_schedule_get(p.c, "nightly", &arena, &got, &p.err));
	assert_int_equal(got.due_at, NOW);
	assert_int_equal(got.started_at, INT64_MIN);
	assert_int_equal(got.exit_status, -1);
	s.due_at = NOW + US_PER_DAY;
	s.started_at = NOW + 1;
	s.finished_at = NOW + 2;
	s.exit_status = 3;
	s.runs = 2;
	s.failures = 1;
	s.cron = "@daily";
	CHECK_OK(&p.err, control_schedule_put(p.c, &mine, &s, &p.err));
	s.name = "a";
	CHECK_OK(&p.err, control_schedule_put(p.c, &mine, &s, &p.err));
	CHECK_OK(&p.err, control_schedule_get(p.c, "nightly", &arena, &got, &p.err));
	assert_string_equal(got.cron, "@daily");
	assert_string_equal(got.timezone, "America/Bogota");
	assert_string_equal(got.command, "run --input {date}.jsonl");
	assert_int_equal(got.due_at, NOW + US_PER_DAY);
	assert_int_equal(got.started_at, NOW + 1);
	assert_int_equal(got.finished_at, NOW + 2);
	assert_int_equal(got.exit_status, 3);
	assert_int_equal(got.failures, 1);
	struct buf all;
	buf_init(&all, 0);
	CHECK_OK(&p.err, control_schedule_each(p.c, count_schedule, &all, &p.err));
	buf_char(&all, '\0');
	assert_string_equal((const char *)all.p, "a 2;nightly 2;");
	buf_deinit(&all);
	arena_deinit(&arena);
	plane_close(&p);
}

#endif
