#include "check.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/time.h"
#include "io/store.h"
#include "parquet/reader.h"
#include "workloads/pqrs/bronze/bronze.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/contract/schema.h"

#define RUN "00000000-0000-4000-8000-000000000001"
#define DAY INT64_C(1756684800000000) /* 2025-09-01 */
#define FOLDER "raw/pqrs/source=email/day=2025-09-01/run_id=" RUN
#define REJECTS "rejects/pqrs/source=email/day=2025-09-01/run_id=" RUN "/rejects.jsonl"

enum { LINE_MAX = 1 << 20 };

struct lab {
	char dir[64];
	struct store *lake;
	struct arena arena;
	struct run_info run;
	struct pqrs_config config;
	struct task_env env;
	struct file_list raw;
	struct task_result result;
};

static void lab_open(struct lab *lab)
{
	struct err err;
	*lab = (struct lab){.run = {.run_id = RUN, .workload = "pqrs", .as_of = DAY + US_PER_DAY}};
	arena_init(&lab->arena, 0);
	CHECK_OK(&err, store_open(check_tmpdir(lab->dir), &lab->lake, &err));
	lab->config.parquet = (struct parquet_opts){.codec = PARQUET_ZSTD, .level = 1, .bloom = true};
	lab->config.quality.reject_rate_max = 10000;
	lab->config.line_bytes_max = LINE_MAX;
	lab->env = (struct task_env){.lake = lab->lake, .run = &lab->run, .config = &lab->config};
	lab->raw.arena = &lab->arena;
	task_result_init(&lab->result, NULL, &lab->arena);
}

static void lab_close(struct lab *lab)
{
	store_close(lab->lake);
	arena_deinit(&lab->arena);
	check_rmdir(lab->dir);
}

static void land(struct lab *lab, const char *key, const void *p, size_t n, int64_t rows)
{
	struct err err;
	struct file_ref f = {.table = "raw.pqrs", .path = key, .rows = rows, .bytes = (int64_t)n};
	hash_xxh128(p, n, f.xxh128);
	CHECK_OK(&err, path_values(key, &lab->arena, &f.partition, &err));
	CHECK_OK(&err, store_put_if_absent(lab->lake, key, p, n, &err));
	assert_true(file_list_add(&lab->raw, &f));
}

static status run_bronze(struct lab *lab, struct err *err)
{
	const struct stage_view view = {
		.run = &lab->run, .config = &lab->config, .n_stages = 1, .files = &lab->raw, .lake = lab->lake};
	struct task_list tasks = {.arena = &lab->arena};
	lab->result.outputs.n = lab->result.counters.n = 0;
	TRY(pqrs_bronze_plan(&view, NULL, &tasks, err));
	for (size_t i = 0; i < tasks.n; i++) TRY(pqrs_bronze_run(&lab->env, &tasks.items[i], &lab->result, err));
	return OK;
}

static int64_t counter(const struct lab *lab, const char *name)
{
	return counter_get(&lab->result.counters, name);
}

static const struct quality *check_named(struct lab *lab, const char *name)
{
	const struct file_list files[2] = {lab->raw, lab->result.outputs};
	const struct counter_list counters[2] = {{.arena = &lab->arena}, lab->result.counters};
	const struct stage_view view = {.run = &lab->run,
		.config = &lab->config,
		.n_stages = 2,
		.files = files,
		.counters = counters,
		.lake = lab->lake};
	struct quality_list *list = ARENA_ZNEW(&lab->arena, struct quality_list, 1);
	struct err err;
	list->arena = &lab->arena;
	CHECK_OK(&err, pqrs_bronze_check(&view, list, &err));
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].check_name, name) == 0) return &list->items[i];
	}
	fail_msg("no check %s", name);
	return NULL;
}

static void put_event(struct buf *b, uint32_t id, uint32_t second, const char *text)
{
	buf_printf(b,
		"{\"event_id\":\"%08x-0000-4000-8000-000000000000\",\"ticket_id\":\"%08x-0000-4000-8000-000000000000\","
		"\"event_type\":\"MESSAGE_ADDED\","
		"\"ts\":\"2025-09-01T%02u:%02u:%02uZ\",\"data\":{\"role\":\"agent\",\"text\":\"%s\"}}",
		id, id / 4, second / 3600 % 24, second / 60 % 60, second % 60, text);
}

static char *object_text(struct lab *lab, const char *key)
{
	struct buf b;
	struct err err;
	buf_init(&b, 0);
	CHECK_OK(&err, store_get(lab->lake, key, &b, &err));
	buf_char(&b, '\0');
	char *copy = arena_strndup(&lab->arena, (const char *)b.p, b.n);
	buf_deinit(&b);
	return copy;
}

static void test_every_kind_of_line(void **state)
{
	(void)state;
	struct lab lab;
	struct buf b;
	struct err err;
	lab_open(&lab);
	buf_init(&b, 0);
	buf_str(&b, "\xef\xbb\xbf");
	put_event(&b, 1, 10, "uno");
	buf_str(&b, "\r\n  \nno \"json\"\n");
	put_event(&b, 2, 5, "dos");
	buf_char(&b, '\n');
	put_event(&b, 1, 10, "uno"); /* repeated */
	buf_char(&b, '\n');
	put_event(&b, 2, 5, "otro"); /* conflict */
	buf_str(&b, "\n\xff\xfe\n");
	put_event(&b, 3, 1, "a\",\"text\":\"b"); /* a duplicate member */
	land(&lab, FOLDER "/events.jsonl", b.p, b.n, 7);
	CHECK_OK(&err, run_bronze(&lab, &err));
	CHECK_I64(counter(&lab, "rows_in"), 7);
	CHECK_I64(counter(&lab, "rows_out"), 3);
	CHECK_I64(counter(&lab, "duplicates"), 1);
	CHECK_I64(counter(&lab, "rejects"), 3);
	CHECK_I64(counter(&lab, "rejects:not_json"), 1);
	CHECK_I64(counter(&lab, "rejects:invalid_utf8"), 1);
	CHECK_I64(counter(&lab, "rejects:conflicting_duplicate"), 1);
	CHECK_I64(counter(&lab, "duplicate_members"), 1);
	CHECK_I64(counter(&lab, "blank_lines"), 1);
	CHECK_I64(counter(&lab, "bytes_in"), b.n);
	CHECK_I64(counter(&lab, "events:MESSAGE_ADDED"), 3);
	CHECK_I64(lab.result.outputs.n, 2);
	const char *want[] = {"{\"line\":3,\"object\":\"" FOLDER "/events.jsonl\",\"offset\":",
		",\"raw\":\"no \\\"json\\\"\",\"reason\":\"not_json\"}\n",
		"{\"line\":6,\"object\":", "otro\\\"}}\",\"reason\":\"conflicting_duplicate\"}\n", "{\"line\":7,",
		",\"raw_base64\":\"//4=\",\"reason\":\"invalid_utf8\"}\n"};
	const char *rejects = object_text(&lab, REJECTS);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		if (strstr(rejects, want[i]) == NULL) fail_msg("no %s in\n%s", want[i], rejects);
	}
	static const char *const critical[] = {"raw_hashes_match", "counts_conserve", "files_hold_every_row",
		"some_line_accepted", "deferred_events", "timestamps_in_partition"};
	for (size_t i = 0; i < sizeof critical / sizeof critical[0]; i++)
		CHECK_I64(check_named(&lab, critical[i])->result, QUALITY_PASS);
	CHECK_I64(check_named(&lab, "reject_rate")->result, QUALITY_WARN);
	assert_string_equal(check_named(&lab, "reject_rate")->value, "0.428571");
	buf_deinit(&b);
	lab_close(&lab);
}

/* The reject's offset is where its line begins. */
static void test_offsets(void **state)
{
	(void)state;
	struct lab lab;
	struct err err;
	lab_open(&lab);
	static const char text[] = "\xef\xbb\xbf"
				   "x1\n\n  x2 \r\nx3";
	land(&lab, FOLDER "/events.jsonl", text, sizeof text - 1, 3);
	CHECK_OK(&err, run_bronze(&lab, &err));
	assert_string_equal(object_text(&lab, REJECTS),
		"{\"line\":1,\"object\":\"" FOLDER
		"/events.jsonl\",\"offset\":3,\"raw\":\"x1\",\"reason\":\"not_json\"}\n"
		"{\"line\":3,\"object\":\"" FOLDER
		"/events.jsonl\",\"offset\":7,\"raw\":\"  x2 \\r\",\"reason\":\"not_json\"}\n"
		"{\"line\":4,\"object\":\"" FOLDER
		"/events.jsonl\",\"offset\":14,\"raw\":\"x3\",\"reason\":\"not_json\"}\n");
	CHECK_I64(lab.result.outputs.n, 1);
	lab_close(&lab);
}

static void test_long_lines(void **state)
{
	(void)state;
	static const int64_t over[] = {0, 1, 5, 3 << 20};
	for (size_t i = 0; i < 4; i++) {
		for (int latin = 0; latin < 2; latin++) {
			struct lab lab;
			struct buf b;
			struct err err;
			lab_open(&lab);
			buf_init(&b, 0);
			put_event(&b, 1, 1, "x");
			buf_char(&b, '\n');
			const int64_t from = (int64_t)b.n;
			for (int64_t k = 0; k < LINE_MAX / 2 + over[i] / 2; k++) buf_add(&b, "\xc3\xb1", 2);
			if (over[i] & 1) buf_char(&b, 'z');
			if (latin) b.p[b.n - 1] = 0xf1;
			const int64_t n = (int64_t)b.n - from;
			buf_char(&b, '\n');
			put_event(&b, 2, 2, "y");
			land(&lab, FOLDER "/events.jsonl", b.p, b.n, 3);
			CHECK_OK(&err, run_bronze(&lab, &err));
			CHECK_I64(counter(&lab, "rows_out"), 2);
			CHECK_I64(counter(&lab, "rejects"), 1);
			CHECK_I64(counter(&lab, "rejects:too_long"), over[i] > 0);
			const char *text = object_text(&lab, REJECTS);
			char head[200];
			(void)snprintf(head, sizeof head,
				"{\"line\":2,\"object\":\"" FOLDER "/events.jsonl\",\"offset\":%lld,\"%s\":\"",
				(long long)from, latin ? "raw_base64" : "raw");
			assert_memory_equal(text, head, strlen(head));
			if (!latin) assert_memory_equal(text + strlen(head), b.p + from, (size_t)n);
			const char *end = strchr(text + strlen(head), '"');
			CHECK_I64(end - text - (int64_t)strlen(head), latin ? (n + 2) / 3 * 4 : n);
			buf_deinit(&b);
			lab_close(&lab);
		}
	}
}

static void test_changed_object_is_refused(void **state)
{
	(void)state;
	struct lab lab;
	struct buf b;
	struct err err;
	lab_open(&lab);
	buf_init(&b, 0);
	put_event(&b, 1, 10, "uno");
	land(&lab, FOLDER "/events.jsonl", b.p, b.n, 1);
	lab.raw.items[0].xxh128[3] ^= 1;
	CHECK_FAILS(E_VERIFY, run_bronze(&lab, &err));
	assert_string_equal(err.where, FOLDER "/events.jsonl");
	CHECK_I64(lab.result.outputs.n, 0);
	lab.raw.items[0].xxh128[3] ^= 1;
	CHECK_OK(&err, run_bronze(&lab, &err));
	buf_deinit(&b);
	lab_close(&lab);
}

/* The same bytes again, and the same rows however the object's lines are ordered. */
static void test_same_bytes_again(void **state)
{
	(void)state;
	struct lab lab;
	struct buf b;
	struct err err;
	lab_open(&lab);
	buf_init(&b, 0);
	for (uint32_t i = 0; i < 3000; i++) {
		put_event(&b, i * 2654435761u, i * 7919 % 86400, "texto de un mensaje");
		buf_char(&b, '\n');
	}
	buf_str(&b, "roto\n");
	land(&lab, FOLDER "/events.jsonl", b.p, b.n, 3001);
	CHECK_OK(&err, run_bronze(&lab, &err));
	CHECK_I64(lab.result.outputs.n, 2);
	char *path = arena_printf(&lab.arena, "%s", lab.result.outputs.items[0].path);
	CHECK_OK(&err, run_bronze(&lab, &err)); /* files exist with these bytes */
	assert_string_equal(lab.result.outputs.items[0].path, path);
	CHECK_I64(counter(&lab, "rows_out"), 3000);
	static const char folder[] = "bronze/pqrs_events/month=2025-09/run_id=" RUN "/part-";
	assert_int_equal(strncmp(path, folder, sizeof folder - 1), 0);
	buf_deinit(&b);
	lab_close(&lab);
}

static void test_times_are_counted(void **state)
{
	(void)state;
	struct lab lab;
	struct buf b;
	struct err err;
	lab_open(&lab);
	buf_init(&b, 0);
	put_event(&b, 1, 10, "uno");
	land(&lab, "raw/pqrs/source=a%20b/day=2025-09-02/run_id=" RUN "/events.jsonl", b.p, b.n, 1);
	lab.run.as_of = DAY + 10 * US_PER_SECOND - 1;
	CHECK_OK(&err, run_bronze(&lab, &err));
	CHECK_I64(check_named(&lab, "deferred_events")->result, QUALITY_WARN);
	assert_non_null(strstr(check_named(&lab, "deferred_events")->details, "newest: 2025-09-02"));
	CHECK_I64(check_named(&lab, "timestamps_in_partition")->result, QUALITY_FAIL);
	lab.run.params = "{}"; /* a simulation, which goes on after as_of where it was told to */
	CHECK_OK(&err, run_bronze(&lab, &err));
	CHECK_I64(check_named(&lab, "deferred_events")->result, QUALITY_PASS);
	lab.run.params = NULL;
	lab.run.as_of++;
	CHECK_OK(&err, run_bronze(&lab, &err));
	CHECK_I64(check_named(&lab, "deferred_events")->result, QUALITY_PASS);
	lab.raw.items[0].rows = 2; /* landed more than bronze saw */
	CHECK_I64(check_named(&lab, "counts_conserve")->result, QUALITY_FAIL);
	buf_deinit(&b);
	lab_close(&lab);
}

/* An object of two parts: repeats and conflicts are found across them. */
static void test_object_of_two_parts(void **state)
{
	(void)state;
	struct lab lab;
	struct buf b;
	struct err err;
	lab_open(&lab);
	buf_init(&b, 0);
	char *text = arena_alloc(&lab.arena, 900001, 1);
	memset(text, 'x', 900000);
	text[900000] = '\0';
	for (uint32_t i = 0; i < 117; i++) {
		put_event(&b, i, i, text);
		buf_char(&b, '\n');
	}
	put_event(&b, 0, 0, text); /* of the first part */
	buf_char(&b, '\n');
	text[5] = 'y';
	put_event(&b, 1, 1, text);
	buf_char(&b, '\n');
	put_event(&b, 116, 116, text); /* of the second */
	buf_char(&b, '\n');
	land(&lab, FOLDER "/events.jsonl", b.p, b.n, 120);
	CHECK_OK(&err, run_bronze(&lab, &err));
	CHECK_I64(counter(&lab, "rows_out"), 117);
	CHECK_I64(counter(&lab, "duplicates"), 1);
	CHECK_I64(counter(&lab, "rejects:conflicting_duplicate"), 2);
	CHECK_I64(lab.result.outputs.n, 3);
	CHECK_I64(lab.result.outputs.items[0].rows, 112); /* the line at 96 MiB is the part's last */
	CHECK_I64(lab.result.outputs.items[1].rows, 5);
	assert_string_equal(lab.result.outputs.items[2].path, REJECTS);
	CHECK_I64(check_named(&lab, "counts_conserve")->result, QUALITY_PASS);
	buf_deinit(&b);
	lab_close(&lab);
}

static void plan_add(struct lab *lab, const char *source, int day, int64_t bytes)
{
	char key[200];
	struct err err;
	(void)snprintf(key, sizeof key, "raw/pqrs/source=%s/day=2025-09-%02d/run_id=" RUN "/events.jsonl", source, day);
	struct file_ref f = {.table = "raw.pqrs", .path = key, .rows = 1, .bytes = bytes};
	CHECK_OK(&err, path_values(key, &lab->arena, &f.partition, &err));
	assert_true(file_list_add(&lab->raw, &f));
}

static status plan_make(struct lab *lab, struct task_list *tasks, struct err *err)
{
	const struct stage_view view = {.run = &lab->run, .config = &lab->config, .n_stages = 1, .files = &lab->raw};
	*tasks = (struct task_list){.arena = &lab->arena};
	return pqrs_bronze_plan(&view, NULL, tasks, err);
}

/* Whole days of all sources, of about the same size, 64 MiB at most on average. */
static void test_plan(void **state)
{
	(void)state;
	static const char *const sources[] = {"chat", "email"};
	struct lab lab;
	struct err err;
	struct task_list tasks;
	lab_open(&lab);
	for (size_t s = 0; s < 2; s++) /* raw comes by path */
		for (int day = 1; day <= 30; day++) plan_add(&lab, sources[s], day, 5 << 20);
	CHECK_OK(&err, plan_make(&lab, &tasks, &err));
	CHECK_I64(tasks.n, 5);
	size_t at = 0;
	for (size_t i = 0; i < tasks.n; i++) {
		char id[32];
		(void)snprintf(id, sizeof id, "bronze-%04zu", i);
		assert_string_equal(tasks.items[i].task_id, id);
		CHECK_I64(tasks.items[i].inputs.n, 12);
		for (size_t k = 0; k < 12; k++, at++)
			assert_string_equal(
				tasks.items[i].inputs.items[k].path, lab.raw.items[at % 2 * 30 + at / 2].path);
	}
	lab.raw.items[3].partition.n = 1; /* its day is not told, whatever the path says */
	CHECK_FAILS(E_CORRUPT, plan_make(&lab, &tasks, &err));
	lab_close(&lab);
}

/* A day over the size of a task is cut between its sources; other days stay whole. */
static void test_plan_of_a_large_day(void **state)
{
	(void)state;
	static const struct {
		const char *source;
		int day;
		int64_t mb;
	} raw[] = {{"a", 1, 1}, {"a", 2, 64}, {"a", 3, 1}, {"b", 1, 1}, {"b", 2, 64}, {"b", 3, 1}};
	static const char *const want[2] = {"a1 b1 a2 ", "b2 a3 b3 "};
	struct lab lab;
	struct err err;
	struct task_list tasks;
	lab_open(&lab);
	for (size_t i = 0; i < 6; i++) plan_add(&lab, raw[i].source, raw[i].day, raw[i].mb << 20);
	CHECK_OK(&err, plan_make(&lab, &tasks, &err));
	CHECK_I64(tasks.n, 2);
	for (size_t i = 0; i < tasks.n; i++) {
		char got[64] = "";
		for (size_t k = 0; k < tasks.items[i].inputs.n; k++) {
			const char *path = tasks.items[i].inputs.items[k].path;
			(void)snprintf(got + strlen(got), 8, "%c%c ", path[sizeof "raw/pqrs/source=" - 1],
				path[sizeof "raw/pqrs/source=a/day=2025-09-0" - 1]);
		}
		assert_string_equal(got, want[i]);
	}
	lab_close(&lab);
}

/* Objects of two sources and two months: a file a month, the rows of all sources in one order. */
static void test_file_a_month(void **state)
{
	(void)state;
	enum { EVENTS = 400 };
	static const char *const sources[] = {"email", "chat"};
	struct lab lab;
	struct err err;
	lab_open(&lab);
	for (int day = 0; day < 2; day++) {
		for (uint32_t s = 0; s < 2; s++) {
			struct buf b;
			char key[200];
			buf_init(&b, 0);
			for (uint32_t i = 0; i < EVENTS; i++) {
				const size_t from = b.n;
				put_event(&b, (i * 2 + s) * 2654435761u, i * 200, "texto");
				/* "...T" of 2025-09-01 */
				char *date = strstr((char *)b.p + from, "2025-09-01");
				if (day == 0) memcpy(date, "2025-08-31", 10);
				buf_char(&b, '\n');
			}
			(void)snprintf(key, sizeof key, "raw/pqrs/source=%s/day=%s/run_id=" RUN "/events.jsonl",
				sources[s], day == 0 ? "2025-08-31" : "2025-09-01");
			land(&lab, key, b.p, b.n, EVENTS);
			buf_deinit(&b);
		}
	}
	CHECK_OK(&err, run_bronze(&lab, &err));
	CHECK_I64(lab.result.outputs.n, 2);
	assert_non_null(strstr(lab.result.outputs.items[0].path, "/month=2025-08/"));
	assert_non_null(strstr(lab.result.outputs.items[1].path, "/month=2025-09/"));
	for (size_t f = 0; f < 2; f++) {
		static const int columns[] = {
			BRONZE_TICKET_BUCKET, BRONZE_TS, BRONZE_EVENT_ID, BRONZE_SOURCE, BRONZE_DAY};
		struct store_object *object;
		struct parquet_reader *r;
		struct batch rows;
		CHECK_OK(&err, store_object_open(lab.lake, lab.result.outputs.items[f].path, &object, &err));
		CHECK_OK(&err, parquet_reader_open(object, &r, &err));
		CHECK_I64(parquet_reader_rows(r), 2 * EVENTS);
		const struct parquet_range all = {0, 0, 2 * EVENTS};
		CHECK_OK(&err,
			parquet_reader_read(r, &all, (struct parquet_columns){columns, 5}, &lab.arena, &rows, &err));
		const int32_t *bucket = rows.columns[0].values, *day = rows.columns[4].values;
		const int64_t *ts = rows.columns[1].values;
		int64_t of_chat = 0;
		for (int64_t i = 0; i < rows.n_rows; i++) {
			of_chat += str_is(column_str(&rows.columns[3], i), "chat");
			CHECK_I64(day[i], time_utc_date(ts[i]));
			if (i == 0 || bucket[i] > bucket[i - 1]) continue;
			CHECK_I64(bucket[i], bucket[i - 1]);
			assert_true(ts[i] > ts[i - 1] ||
				    (ts[i] == ts[i - 1] && str_cmp(column_str(&rows.columns[2], i - 1),
								   column_str(&rows.columns[2], i)) < 0));
		}
		CHECK_I64(of_chat, EVENTS);
		parquet_reader_close(r);
		store_object_close(object);
	}
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_line),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_changed_object_is_refused),
		cmocka_unit_test(test_same_bytes_again),
		cmocka_unit_test(test_times_are_counted),
		cmocka_unit_test(test_object_of_two_parts),
		cmocka_unit_test(test_file_a_month),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_plan_of_a_large_day),
	};
	return cmocka_run_group_tests_name("pqrs/bronze", tests, NULL, NULL);
}
