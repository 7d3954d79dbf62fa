#include "check.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/time.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/ingest/ingest.h"

#define RUN "00000000-0000-4000-8000-000000000001"
#define EVENT(ts)                                                                                         \
	"{\"event_id\":\"8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f10\",\"ticket_id\":\"11111111-2222-4333-8444-" \
	"55555555555a\","                                                                                 \
	"\"event_type\":\"STATUS_CHANGED\",\"ts\":\"" ts "\",\"data\":{\"status_from\":\"A\",\"status_to\":\"B\"}}"

enum { LINE_MAX = 1 << 20 };

struct lab {
	char dir[64];
	struct store *lake;
	struct arena arena;
	struct run_info run;
	struct pqrs_config config; /* its zone */
	struct task_env env;
	struct file_list inputs;
	struct task_result result;
	struct task_spec *spec;
};

static void lab_open(struct lab *lab, const char *source)
{
	struct err err;
	char path[96];
	*lab = (struct lab){.run = {.run_id = RUN, .workload = "pqrs", .as_of = INT64_MIN, .source = source}};
	arena_init(&lab->arena, 0);
	(void)snprintf(path, sizeof path, "%s/lake", check_tmpdir(lab->dir));
	CHECK_OK(&err, store_open(path, &lab->lake, &err));
	CHECK_OK(&err, tz_load("America/Bogota", &lab->config.tz, &err));
	lab->config.line_bytes_max = LINE_MAX;
	lab->env = (struct task_env){.lake = lab->lake, .run = &lab->run, .config = &lab->config};
	lab->inputs.arena = &lab->arena;
	task_result_init(&lab->result, NULL, &lab->arena);
}

static void lab_close(struct lab *lab)
{
	store_close(lab->lake);
	tz_destroy(lab->config.tz);
	arena_deinit(&lab->arena);
	check_rmdir(lab->dir);
}

static char *put_file(struct lab *lab, const char *name, const void *p, size_t n)
{
	char *path = arena_printf(&lab->arena, "%s/%s", lab->dir, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	(void)fclose(f);
	return path;
}

static void add_input(struct lab *lab, const char *path)
{
	struct file_ref ref = {.path = path};
	FILE *f = fopen(path, "rb");
	if (f != NULL) {
		struct buf b;
		size_t n;
		buf_init(&b, 0);
		while ((n = fread(buf_reserve(&b, 1 << 20), 1, 1 << 20, f)) > 0) buf_commit(&b, n);
		(void)fclose(f);
		hash_xxh128(b.p, b.n, ref.xxh128);
		hash_sha256(b.p, b.n, ref.sha256);
		ref.bytes = (int64_t)b.n;
		buf_deinit(&b);
	}
	assert_true(file_list_add(&lab->inputs, &ref));
}

static status ingest(struct lab *lab, struct err *err)
{
	const struct stage_view view = {.run = &lab->run};
	struct task_list tasks = {.arena = &lab->arena};
	lab->result.outputs.n = lab->result.counters.n = 0;
	TRY(pqrs_ingest_plan(&view, &lab->inputs, &tasks, err));
	CHECK_I64(tasks.n, 1);
	lab->spec = &tasks.items[0];
	return pqrs_ingest_run(&lab->env, lab->spec, &lab->result, err);
}

static int64_t counter(const struct lab *lab, const char *name)
{
	return counter_get(&lab->result.counters, name);
}

/* The object under day=D holds exactly text, and is listed with its true rows, bytes and hashes. */
static void check_object(struct lab *lab, const char *folder, const void *text, size_t n, int64_t rows)
{
	struct buf b;
	struct err err;
	char *key = arena_printf(&lab->arena, "raw/pqrs/%s/run_id=" RUN "/events.jsonl", folder);
	buf_init(&b, 0);
	CHECK_OK(&err, store_get(lab->lake, key, &b, &err));
	if (b.n != n || memcmp(b.p, text, n) != 0)
		fail_msg("%s holds %zu bytes:\n%.*s", key, b.n, (int)b.n, (const char *)b.p);
	for (size_t i = 0; i < lab->result.outputs.n; i++) {
		const struct file_ref *f = &lab->result.outputs.items[i];
		uint8_t hash[32];
		if (strcmp(f->path, key) != 0) continue;
		assert_string_equal(f->table, "raw.pqrs");
		CHECK_I64(f->rows, rows);
		CHECK_I64(f->bytes, n);
		hash_xxh128(text, n, hash);
		assert_memory_equal(hash, f->xxh128, 16);
		hash_sha256(text, n, hash);
		assert_memory_equal(hash, f->sha256, 32);
		buf_deinit(&b);
		return;
	}
	fail_msg("%s is not listed", key);
}
#define CHECK_OBJECT(lab, folder, text, rows) check_object(lab, folder, text, sizeof(text) - 1, rows)

static void test_lines_go_to_their_days(void **state)
{
	(void)state;
	struct lab lab;
	struct err err;
	lab_open(&lab, "a b/\xc3\xb1");
	static const char one[] = "\xef\xbb\xbf" EVENT("2025-09-02T01:00:00Z") "\r\n\n" EVENT(
		"2025-09-01T23:00:00-05:00") "\nno json\n  \r\n" EVENT("2025-09-01T23:00:00Z");
	static const char two[] =
		"{\"ts\":\"2025-09-01T05:00:00Z\"}\n{\"ts\":\"when\"}\n" EVENT("2025-09-02T02:00:00Z") "\n";
	add_input(&lab, put_file(&lab, "one.jsonl", one, sizeof one - 1));
	add_input(&lab, put_file(&lab, "two.txt", two, sizeof two - 1));
	CHECK_OK(&err, ingest(&lab, &err));
	CHECK_I64(lab.result.outputs.n, 3);
	CHECK_OBJECT(&lab, "source=a%20b%2F%C3%B1/day=2025-09-01",
		EVENT("2025-09-01T23:00:00Z") "\n{\"ts\":\"2025-09-01T05:00:00Z\"}\n", 2);
	CHECK_OBJECT(&lab, "source=a%20b%2F%C3%B1/day=2025-09-02",
		EVENT("2025-09-02T01:00:00Z") "\r\n" EVENT("2025-09-01T23:00:00-05:00") "\n" EVENT(
			"2025-09-02T02:00:00Z") "\n",
		3);
	CHECK_OBJECT(&lab, "source=a%20b%2F%C3%B1/day=unknown", "no json\n{\"ts\":\"when\"}\n", 2);
	CHECK_I64(counter(&lab, "rows_in"), 7);
	CHECK_I64(counter(&lab, "rows_out"), 7);
	CHECK_I64(counter(&lab, "blank_lines"), 2);
	CHECK_I64(counter(&lab, "ts_unknown"), 2);
	CHECK_I64(counter(&lab, "bytes_in"), sizeof one + sizeof two - 2);
	CHECK_I64(counter_get(&lab.result.events.types, "STATUS_CHANGED"), 4);
	CHECK_I64(lab.result.events.types.n, 1);
	int64_t ts = 0;
	assert_true(time_parse(STR("2025-09-02T04:00:00Z"), &ts));
	CHECK_I64(lab.result.events.last, ts);
	assert_true(time_parse(STR("2025-09-01T23:00:00Z"), &ts)); /* {"ts":…} alone is no valid event */
	CHECK_I64(lab.result.events.first, ts);
	for (int lie = 0; lie < 2; lie++) {
		struct quality_list list = {.arena = &lab.arena};
		const struct stage_view view = {
			.run = &lab.run, .n_stages = 1, .files = &lab.result.outputs, .counters = &lab.result.counters};
		CHECK_OK(&err, pqrs_ingest_check(&view, &list, &err));
		CHECK_I64(list.items[0].result, lie == 0 ? QUALITY_PASS : QUALITY_FAIL);
		lab.result.outputs.items[0].rows++;
	}
	CHECK_OK(&err, ingest(&lab, &err)); /* again: the same bytes stand there */
	lab_close(&lab);
}

/* Far more days than places, sorted, shuffled, or all in one file after another: the same objects. */
static void test_many_days(void **state)
{
	(void)state;
	enum { DAYS = 530, LINES = 6360 };
	for (int shuffled = 0; shuffled < 2; shuffled++) {
		struct lab lab;
		struct err err;
		struct buf b, day[DAYS];
		lab_open(&lab, NULL);
		buf_init(&b, 0);
		for (int i = 0; i < DAYS; i++) buf_init(&day[i], 0);
		for (uint32_t i = 0; i < LINES; i++) {
			const int32_t d = shuffled ? (int32_t)rng_below(rng_philox(5, i, 0, 0).v[0], DAYS)
						   : (int32_t)i * DAYS / LINES;
			char ts[TIME_RFC3339_CHARS];
			time_format((20000 + d) * US_PER_DAY + i, ts);
			const size_t from = b.n;
			buf_printf(&b, i == 0 ? EVENT("%.27s") "\n" : "{\"ts\":\"%.27s\",\"i\":%u}\n", ts, i);
			buf_add(&day[d], b.p + from, b.n - from);
			if (i == LINES / 2) {
				add_input(&lab, put_file(&lab, "a.jsonl", b.p, b.n));
				buf_reset(&b);
			}
		}
		add_input(&lab, put_file(&lab, "b.jsonl", b.p, b.n));
		CHECK_OK(&err, ingest(&lab, &err));
		size_t with_lines = 0;
		for (int i = 0; i < DAYS; i++) {
			char date[DATE_CHARS + 1] = {0}, folder[64];
			if (day[i].n > 0) {
				date_format(20000 + i, date);
				(void)snprintf(folder, sizeof folder, "source=mixed/day=%s", date);
				int64_t rows = 0;
				for (size_t k = 0; k < day[i].n; k++) rows += day[i].p[k] == '\n';
				check_object(&lab, folder, day[i].p, day[i].n, rows);
				with_lines++;
			}
			buf_deinit(&day[i]);
		}
		CHECK_I64(lab.result.outputs.n, with_lines);
		for (size_t i = 1; i < with_lines; i++)
			assert_true(strcmp(lab.result.outputs.items[i - 1].path, lab.result.outputs.items[i].path) < 0);
		CHECK_I64(counter(&lab, "rows_out"), LINES);
		CHECK_I64(counter(&lab, "rows_in"), LINES);
		buf_deinit(&b);
		lab_close(&lab);
	}
}

static void test_long_line_lands_whole(void **state)
{
	(void)state;
	for (int ended = 0; ended < 2; ended++) {
		struct lab lab;
		struct err err;
		struct buf b;
		lab_open(&lab, "x");
		buf_init(&b, 0);
		add_input(&lab, put_file(&lab, "valid.jsonl", EVENT("2025-09-01T23:00:00Z"),
					sizeof EVENT("2025-09-01T23:00:00Z") - 1));
		for (int64_t i = 0; i < 5 * (int64_t)LINE_MAX; i++) buf_char(&b, (char)('a' + i % 26));
		if (ended) buf_char(&b, '\n');
		add_input(&lab, put_file(&lab, "a.jsonl", b.p, b.n));
		CHECK_OK(&err, ingest(&lab, &err));
		if (!ended) buf_char(&b, '\n');
		check_object(&lab, "source=x/day=unknown", b.p, b.n, 1);
		CHECK_I64(counter(&lab, "rows_in"), 2);
		buf_deinit(&b);
		lab_close(&lab);
	}
}

/* A line a day, day after day: more days than a century has. */
static void test_too_many_days(void **state)
{
	(void)state;
	enum { DAYS = 40001 };
	struct lab lab;
	struct err err;
	struct buf b;
	lab_open(&lab, "x");
	buf_init(&b, 0);
	for (int64_t i = 0; i < DAYS; i++) {
		char ts[TIME_RFC3339_CHARS];
		time_format((date_from_civil(2000, 1, 1) + i) * US_PER_DAY, ts);
		buf_printf(&b, "{\"ts\":\"%.27s\"}\n", ts);
	}
	add_input(&lab, put_file(&lab, "a.jsonl", b.p, b.n));
	CHECK_FAILS(E_LIMIT, ingest(&lab, &err));
	assert_non_null(strstr(err.message, "more than 40000 days"));
	CHECK_I64(lab.result.outputs.n, 0);
	buf_deinit(&b);
	lab_close(&lab);
}

/* All open days meet a long line: its room is given back, so memory does not grow with the days. */
static void test_long_lines_of_many_days(void **state)
{
	(void)state;
	enum { DAYS = 60, LINE = 900 * 1024 };
	struct lab lab;
	struct err err;
	struct buf b;
	lab_open(&lab, "x");
	buf_init(&b, 0);
	buf_str(&b, EVENT("2024-10-04T00:00:00Z") "\n"); /* day 20000 */
	for (int i = 0; i < DAYS; i++) {
		char ts[TIME_RFC3339_CHARS];
		time_format((20000 + i) * US_PER_DAY, ts);
		buf_printf(&b, "{\"ts\":\"%.27s\",\"x\":\"", ts);
		memset(buf_reserve(&b, LINE), 'x', LINE);
		buf_commit(&b, LINE);
		buf_str(&b, "\"}\n");
	}
	add_input(&lab, put_file(&lab, "a.jsonl", b.p, b.n));
	buf_deinit(&b);
	mem_limit_set(mem_in_use() + (32 << 20));
	CHECK_OK(&err, ingest(&lab, &err));
	mem_limit_set(0);
	CHECK_I64(lab.result.outputs.n, DAYS);
	lab_close(&lab);
}

/* A file of which no line is an event says what it is: of another format it ends the task, else what is wrong is told beside the rejects
 * to be, and only where no other input holds an event. */
static void test_inputs_without_an_event(void **state)
{
	(void)state;
	static const char event[] = EVENT("2025-09-01T23:00:00Z");
	static const struct {
		const char *text, *says;
		bool lands;
	} cases[] = {
		{"a;b\n1;2\n",
			"is CSV, and events come as JSON Lines, one object a line (line 1: not_json; all 2 lines are "
			"rejected)",
			false},
		{"\n[{\"a\":1},\n{\"a\":2}]\n",
			"is a JSON array, and events come as JSON Lines, one object a line (line 2: not_json; all 2 ",
			false},
		{"<html>\n", "is HTML, and events", false},
		{"{\"ticket\":1}\n{\"ticket\":2}\n",
			"is JSON Lines, but holds no event (line 1: missing event_id; all 2 lines are rejected)", true},
		{"rubbish\n",
			"is text of no known format, and events come as JSON Lines, one object a line (line 1: "
			"not_json; its only line is rejected)",
			true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int others = 0; others < 2; others++) {
			struct lab lab;
			struct err err;
			lab_open(&lab, "x");
			add_input(&lab, put_file(&lab, "a", cases[i].text, strlen(cases[i].text)));
			if (others) add_input(&lab, put_file(&lab, "b", event, sizeof event - 1));
			if (cases[i].lands) {
				CHECK_OK(&err, ingest(&lab, &err));
				assert_true((lab.result.events.why == NULL) == (others == 1));
				if (!others) assert_non_null(strstr(lab.result.events.why, cases[i].says));
			} else {
				CHECK_FAILS(E_QUALITY, ingest(&lab, &err));
				assert_non_null(strstr(err.message, cases[i].says));
				CHECK_I64(lab.result.outputs.n, 0);
			}
			lab_close(&lab);
		}
	}
}

static void test_bad_inputs(void **state)
{
	(void)state;
	static const char one[] = EVENT("2025-09-01T23:00:00Z"), two[] = EVENT("2025-09-01T23:00:01Z");
	struct lab lab;
	struct err err;
	lab_open(&lab, "x");
	CHECK_FAILS(E_USAGE, ingest(&lab, &err));
	const char *const missing = arena_printf(&lab.arena, "%s/nowhere/x.jsonl", lab.dir);
	add_input(&lab, missing);
	CHECK_FAILS(E_NOT_FOUND, ingest(&lab, &err));
	assert_string_equal(
		err.message, arena_printf(&lab.arena, "cannot read input %s: No such file or directory", missing));
	lab.inputs.items[0].path = "/dev/null";
	CHECK_FAILS(E_USAGE, ingest(&lab, &err));
	char *folder = arena_printf(&lab.arena, "%s/empty", lab.dir);
	assert_int_equal(mkdir(folder, 0755), 0);
	lab.inputs.items[0].path = folder;
	CHECK_FAILS(E_USAGE, ingest(&lab, &err));
	lab.inputs.n = 0;
	add_input(&lab, put_file(&lab, "a.jsonl", one, sizeof one - 1));
	CHECK_OK(&err, ingest(&lab, &err));
	(void)put_file(&lab, "a.jsonl", two, sizeof two - 1);
	lab.result.outputs.n = 0;
	CHECK_FAILS(E_VERIFY, pqrs_ingest_run(&lab.env, lab.spec, &lab.result, &err));
	CHECK_I64(lab.result.outputs.n, 0);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_go_to_their_days),
		cmocka_unit_test(test_many_days),
		cmocka_unit_test(test_long_line_lands_whole),
		cmocka_unit_test(test_too_many_days),
		cmocka_unit_test(test_long_lines_of_many_days),
		cmocka_unit_test(test_inputs_without_an_event),
		cmocka_unit_test(test_bad_inputs),
	};
	return cmocka_run_group_tests_name("pqrs/ingest", tests, NULL, NULL);
}
