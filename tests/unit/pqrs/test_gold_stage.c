/* The gold stage over silver files: plan, run, check; what lies in the lake afterwards; what happens when silver lies. */
#include "gold_silver.h"
#include "flow/history.h"
#include "parquet/reader.h"
#include "workloads/pqrs/gold/gold.h"

enum { TICKETS = 4000, PARTS = 3 };
static struct ticket tickets[TICKETS];

struct stage {
	struct lake lake;
	struct task_list tasks;
	struct task_result gold;
};

static void stage_plan(struct stage *s)
{
	struct err err;
	const struct stage_view view = {.run = &s->lake.run,
		.config = &s->lake.config,
		.n_stages = 1,
		.files = &s->lake.silver.outputs,
		.counters = &s->lake.silver.counters,
		.lake = s->lake.store};
	s->tasks = (struct task_list){.arena = &s->lake.arena};
	CHECK_OK(&err, pqrs_gold_plan(&view, NULL, &s->tasks, &err));
	for (size_t i = 0; i < s->tasks.n; i++) s->tasks.items[i].history = LAKE_HISTORY;
}

static void stage_init(struct stage *s, size_t n)
{
	struct dice d = {5, 0};
	*s = (struct stage){0};
	lake_init(&s->lake, "2026-02-01T04:59:59.999999Z");
	random_tickets(&d, tickets, n, date_from_civil(2025, 11, 20), 60);
	if (n > 0) silver_write(&s->lake, tickets, n, PARTS);
	task_result_init(&s->gold, NULL, &s->lake.arena);
	stage_plan(s);
}

static void stage_run(struct stage *s, bool backwards)
{
	struct err err;
	for (size_t i = 0; i < s->tasks.n; i++) {
		struct task_result one;
		task_result_init(&one, NULL, &s->lake.arena);
		CHECK_OK(&err,
			pqrs_gold_run(&s->lake.env, &s->tasks.items[backwards ? s->tasks.n - 1 - i : i], &one, &err));
		for (size_t k = 0; k < one.outputs.n; k++)
			assert_true(file_list_add(&s->gold.outputs, &one.outputs.items[k]));
		for (size_t k = 0; k < one.counters.n; k++)
			assert_true(counter_add(
				&s->gold.counters, one.counters.items[k].name, one.counters.items[k].value));
	}
	qsort(s->gold.outputs.items, s->gold.outputs.n, sizeof *s->gold.outputs.items, compare_paths);
}

static struct quality_list stage_check(struct stage *s)
{
	struct err err;
	const struct file_list files[] = {s->lake.silver.outputs, s->gold.outputs};
	const struct counter_list counters[] = {s->lake.silver.counters, s->gold.counters};
	const struct stage_view view = {.run = &s->lake.run,
		.config = &s->lake.config,
		.n_stages = 2,
		.files = files,
		.counters = counters,
		.lake = s->lake.store};
	struct quality_list list = {.arena = &s->lake.arena};
	CHECK_OK(&err, pqrs_gold_check(&view, &list, &err));
	return list;
}

/* Rows of a file as text, and their number. */
static int64_t read_back(struct lake *l, const struct file_ref *f, const struct table_schema *schema, struct buf *out)
{
	struct err err;
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	struct arena arena;
	int64_t rows = 0;
	int columns[GOLD_COLUMNS_MAX + 1];
	const size_t n = schema_n_data_columns(schema);
	arena_init(&arena, 0);
	CHECK_OK(&err, store_object_open(l->store, f->path, &object, &err));
	CHECK_OK(&err, parquet_reader_open(object, &r, &err));
	assert_int_equal(parquet_reader_n_columns(r), n);
	for (size_t i = 0; i < n; i++) {
		const struct column_def *def = &parquet_reader_column(r, i)->def;
		columns[i] = (int)i;
		assert_string_equal(def->name, schema->columns[i].name);
		assert_string_equal(col_type_name(def->type), col_type_name(schema->columns[i].type));
		assert_int_equal(def->scale, schema->columns[i].scale);
	}
	for (size_t g = 0; g < parquet_reader_n_row_groups(r); g++) {
		struct batch b;
		const struct parquet_range range = {g, 0, parquet_reader_row_group_rows(r, g)};
		CHECK_OK(&err, parquet_reader_read(r, &range, (struct parquet_columns){columns, n}, &arena, &b, &err));
		for (int64_t row = 0; row < b.n_rows; row++, rows++) {
			for (size_t k = 0; k < n; k++) {
				if (k > 0) buf_char(out, '|');
				put_value(out, &b.columns[k], row);
			}
			buf_char(out, '\n');
		}
	}
	parquet_reader_close(r);
	store_object_close(object);
	arena_deinit(&arena);
	return rows;
}

static void test_every_table_is_written(void **state)
{
	(void)state;
	static const char *const months[] = {"2025-11", "2025-12", "2026-01", "2026-02"};
	struct stage s;
	stage_init(&s, TICKETS);
	stage_run(&s, false);
	int64_t rows[GOLD_TABLES_N] = {0};
	for (size_t i = 0; i < s.gold.outputs.n; i++) {
		const struct file_ref *f = &s.gold.outputs.items[i];
		int table = 0;
		while (table < GOLD_TABLES_N && strcmp(pqrs_gold_tables[table]->name, f->table + strlen("gold.")) != 0)
			table++;
		assert_in_range(table, 0, GOLD_TABLES_N - 1);
		char prefix[128];
		bool placed = false;
		for (int m = 0; m < 4; m++) {
			(void)snprintf(prefix, sizeof prefix, "gold/%s/month=%s/run_id=%s/part-",
				pqrs_gold_tables[table]->name, months[m], s.lake.run.run_id);
			placed = placed || strncmp(f->path, prefix, strlen(prefix)) == 0;
		}
		if (!placed) fail_msg("unexpected path %s", f->path);
		struct buf text;
		buf_init(&text, 0);
		CHECK_I64(read_back(&s.lake, f, pqrs_gold_tables[table], &text), f->rows);
		rows[table] += f->rows;
		/* keys start the line and sort as text: dates are ISO, names have no byte below '|' that matters here */
		const char *line = NULL;
		buf_char(&text, '\0');
		for (char *p = strtok((char *)text.p, "\n"); p != NULL; p = strtok(NULL, "\n")) {
			const size_t before = strlen(p) - strlen("|" LAKE_HISTORY);
			assert_string_equal(p + before, "|" LAKE_HISTORY);
			if (line != NULL && table >= GOLD_SLA_METRICS && table <= GOLD_TICKETS_SNAPSHOT &&
				strncmp(line, p, 36) >= 0)
				fail_msg("%s before %s", line, p);
			if (line != NULL && strncmp(line, p, DATE_CHARS) > 0 && table != GOLD_SLA_METRICS &&
				table != GOLD_TICKETS_SNAPSHOT)
				fail_msg("%s before %s", line, p);
			line = p;
		}
		buf_deinit(&text);
	}
	for (int t = 0; t < GOLD_TABLES_N; t++) {
		char name[64];
		(void)snprintf(name, sizeof name, "rows:%s", pqrs_gold_tables[t]->name);
		assert_true(rows[t] > 0);
		CHECK_I64(counter_get(&s.gold.counters, name), rows[t]);
	}
	CHECK_I64(rows[GOLD_SLA_METRICS], TICKETS);
	CHECK_I64(counter_get(&s.gold.counters, "sum:kpi_volume_geo_daily"), TICKETS);
	const struct quality_list checks = stage_check(&s);
	CHECK_I64(checks.n, 2 * GOLD_TABLES_N + 4);
	for (size_t i = 0; i < checks.n; i++) {
		if (checks.items[i].result != QUALITY_PASS)
			fail_msg("%s %s: %s, expected %s", checks.items[i].dataset, checks.items[i].check_name,
				checks.items[i].value, checks.items[i].threshold);
	}
	lake_deinit(&s.lake);
}

static void test_order_of_tasks_does_not_matter(void **state)
{
	(void)state;
	struct stage a, b;
	stage_init(&a, TICKETS);
	stage_init(&b, TICKETS);
	stage_run(&a, false);
	stage_run(&b, true);
	CHECK_I64(a.gold.outputs.n, b.gold.outputs.n);
	for (size_t i = 0; i < a.gold.outputs.n; i++) {
		assert_string_equal(a.gold.outputs.items[i].path, b.gold.outputs.items[i].path);
		assert_memory_equal(a.gold.outputs.items[i].sha256, b.gold.outputs.items[i].sha256, SHA256_BYTES);
	}
	lake_deinit(&a.lake);
	lake_deinit(&b.lake);
}

static void test_plan(void **state)
{
	(void)state;
	static const char *const ids[] = {"gold-service", "gold-volume", "gold-predictions", "gold-tickets-2025-11-000",
		"gold-tickets-2025-12-000", "gold-tickets-2026-01-000"};
	struct stage s;
	stage_init(&s, TICKETS);
	CHECK_I64(s.tasks.n, 6);
	for (size_t i = 0; i < s.tasks.n; i++) {
		assert_string_equal(s.tasks.items[i].task_id, ids[i]);
		CHECK_I64(s.tasks.items[i].inputs.n, i < 3 ? 3 * PARTS : PARTS);
	}
	/* a month over 2^20 rows goes in several tasks; what rows say is enough to plan */
	for (size_t i = 0; i < s.lake.silver.outputs.n; i++) s.lake.silver.outputs.items[i].rows = 600000;
	stage_plan(&s);
	CHECK_I64(s.tasks.n, 3 + 3 * 2);
	assert_string_equal(s.tasks.items[4].task_id, "gold-tickets-2025-11-001");
	CHECK_I64(s.tasks.items[3].inputs.n, 2);
	CHECK_I64(s.tasks.items[4].inputs.n, 1);
	lake_deinit(&s.lake);
}

static void test_nothing_to_do_without_tickets(void **state)
{
	(void)state;
	struct stage s;
	stage_init(&s, 0);
	CHECK_I64(s.tasks.n, 0);
	const struct quality_list checks = stage_check(&s);
	for (size_t i = 0; i < checks.n; i++) CHECK_I64(checks.items[i].result, QUALITY_PASS);
	lake_deinit(&s.lake);
}

/* One silver file left out of one group: exactly the sums of that group's tables fail. */
static void test_lost_rows_fail_the_check(void **state)
{
	(void)state;
	static const struct {
		int task;
		int failures;
	} cases[] = {{0, 7}, {1, 4}, {2, 1}, {3, 2}};
	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		struct stage s;
		int failures = 0;
		stage_init(&s, TICKETS);
		s.tasks.items[cases[c].task].inputs.n--;
		stage_run(&s, false);
		const struct quality_list checks = stage_check(&s);
		for (size_t i = 0; i < checks.n; i++) failures += checks.items[i].result == QUALITY_FAIL;
		if (failures != cases[c].failures) {
			for (size_t i = 0; i < checks.n; i++) {
				if (checks.items[i].result == QUALITY_FAIL)
					print_message("%s %s %s %s\n", checks.items[i].dataset,
						checks.items[i].check_name, checks.items[i].value,
						checks.items[i].threshold);
			}
			fail_msg("%s: %d failures, expected %d", s.tasks.items[cases[c].task].task_id, failures,
				cases[c].failures);
		}
		lake_deinit(&s.lake);
	}
}

static void test_changed_silver_is_refused(void **state)
{
	(void)state;
	struct stage s;
	struct err err = {0};
	struct buf bytes;
	stage_init(&s, TICKETS);
	struct task_spec *t = &s.tasks.items[3];
	struct task_result out;
	task_result_init(&out, NULL, &s.lake.arena);
	buf_init(&bytes, 0);
	CHECK_OK(&err, store_get(s.lake.store, t->inputs.items[1].path, &bytes, &err));
	bytes.p[bytes.n / 2] ^= 1;
	CHECK_OK(&err, store_put(s.lake.store, t->inputs.items[1].path, bytes.p, bytes.n, &err));
	CHECK_FAILS(E_VERIFY, pqrs_gold_run(&s.lake.env, t, &out, &err));
	assert_string_equal(err.where, t->inputs.items[1].path);
	CHECK_OK(&err, store_put(s.lake.store, t->inputs.items[1].path, bytes.p, bytes.n / 2, &err)); /* truncated */
	CHECK_FAILS(E_CORRUPT, pqrs_gold_run(&s.lake.env, &s.tasks.items[0], &out, &err));
	assert_non_null(strstr(err.where, t->inputs.items[1].path));
	CHECK_I64(out.outputs.n, 0);
	t->inputs.items[0].rows++;
	CHECK_FAILS(E_CORRUPT, pqrs_gold_run(&s.lake.env, t, &out, &err));
	t->history = "";
	CHECK_FAILS(E_USAGE, pqrs_gold_run(&s.lake.env, t, &out, &err));
	t->history = LAKE_HISTORY;
	t->part = "nonsense";
	CHECK_FAILS(E_USAGE, pqrs_gold_run(&s.lake.env, t, &out, &err));
	buf_deinit(&bytes);
	lake_deinit(&s.lake);
}

static struct task_list plan_again(struct stage *s, const struct file_list *standing)
{
	static const char *const runs[] = {LAKE_HISTORY};
	struct err err;
	const struct history history = {.runs = runs, .n_runs = 1, .as_of = INT64_MIN};
	const struct stage_view view = {.run = &s->lake.run,
		.config = &s->lake.config,
		.n_stages = 1,
		.files = &s->lake.silver.outputs,
		.counters = &s->lake.silver.counters,
		.history = &history,
		.standing = standing,
		.lake = s->lake.store};
	struct task_list tasks = {.arena = &s->lake.arena};
	CHECK_OK(&err, pqrs_gold_plan(&view, NULL, &tasks, &err));
	for (size_t i = 0; i < tasks.n; i++) tasks.items[i].history = LAKE_HISTORY;
	return tasks;
}

static size_t count_part(const struct task_list *tasks, const char *part)
{
	size_t n = 0;
	for (size_t i = 0; i < tasks->n; i++) n += strcmp(tasks->items[i].part, part) == 0;
	return n;
}

/* Of silver's parts that stood before the rows a ticket stand too: of the same instant, configuration and program. */
static void test_parts_that_stand_are_kept(void **state)
{
	(void)state;
	static const struct file_list none = {0};
	struct stage s;
	stage_init(&s, TICKETS);
	s.tasks = plan_again(&s, &none);
	const size_t n = count_part(&s.tasks, "tickets");
	assert_true(n > 1);
	stage_run(&s, false);
	const struct file_list made = s.gold.outputs;
	const int64_t rows = counter_get(&s.gold.counters, "rows:sla_metrics");

	s.tasks = plan_again(&s, &made);
	CHECK_I64(count_part(&s.tasks, "tickets"), 0);
	CHECK_I64(count_part(&s.tasks, "kept"), 2);
	task_result_init(&s.gold, NULL, &s.lake.arena);
	stage_run(&s, false);
	CHECK_I64(s.gold.outputs.n, made.n);
	for (size_t i = 0; i < made.n; i++) assert_string_equal(s.gold.outputs.items[i].path, made.items[i].path);
	CHECK_I64(counter_get(&s.gold.counters, "rows:sla_metrics"), rows);
	CHECK_I64(counter_get(&s.gold.counters, "sum:tickets_snapshot"), rows);

	struct file_list part = {.arena = &s.lake.arena}; /* one of the two tables' alone */
	for (size_t i = 0; i < made.n; i++) {
		if (strcmp(made.items[i].table, "gold.tickets_snapshot") != 0)
			assert_true(file_list_add(&part, &made.items[i]));
	}
	s.tasks = plan_again(&s, &part);
	CHECK_I64(count_part(&s.tasks, "tickets"), n);
	s.lake.run.as_of += US_PER_DAY; /* each part has a ticket without an answer */
	s.tasks = plan_again(&s, &made);
	CHECK_I64(count_part(&s.tasks, "tickets"), n);
	s.lake.run.as_of -= US_PER_DAY;
	s.lake.run.config_hash[0] ^= 1;
	s.tasks = plan_again(&s, &made);
	CHECK_I64(count_part(&s.tasks, "tickets"), n);
	lake_deinit(&s.lake);
}

/* Out of memory at the n-th allocation, for every n: an error, no leak (asan) and no file half written. */
static void test_memory_failures(void **state)
{
	(void)state;
	struct stage s;
	stage_init(&s, 60);
	for (size_t i = 0; i < s.tasks.n; i++) {
		bool done = false;
		for (int64_t n = 0; !done && n < 5000; n += n < 60 ? 1 : 7) {
			struct err err = {0};
			struct arena arena;
			arena_init(&arena, 0);
			struct task_result out;
			task_result_init(&out, NULL, &arena);
			mem_fail_after(n);
			const status got = pqrs_gold_run(&s.lake.env, &s.tasks.items[i], &out, &err);
			mem_fail_after(-1);
			done = got == OK;
			if (!done) assert_string_equal(status_name(got), "E_NOMEM");
			arena_deinit(&arena);
		}
		assert_true(done);
	}
	lake_deinit(&s.lake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_table_is_written),
		cmocka_unit_test(test_order_of_tasks_does_not_matter),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_nothing_to_do_without_tickets),
		cmocka_unit_test(test_lost_rows_fail_the_check),
		cmocka_unit_test(test_changed_silver_is_refused),
		cmocka_unit_test(test_parts_that_stand_are_kept),
		cmocka_unit_test(test_memory_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
