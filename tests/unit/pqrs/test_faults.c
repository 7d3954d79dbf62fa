/* The stages' tasks when memory runs out at the n-th allocation, and when the n-th operation of the store fails: an error in words, nothing leaked,
 * and the task made again writes the very same files. */
#include "check.h"

#include "../table/fault_store.h"
#include "base/time.h"
#include "fixture.h"
#include "workloads/pqrs/bronze/bronze.h"
#include "workloads/pqrs/contract/schema.h"
#include "workloads/pqrs/ingest/ingest.h"
#include "workloads/pqrs/silver/silver.h"

#define RUN "00000000-0000-4000-8000-000000000001"
enum { TICKETS = 12 };

struct lab {
	char dir[64];
	struct store *inner;
	struct fault_store faults;
	struct arena arena;
	struct run_info run;
	struct pqrs_config config;
	struct file_list inputs, raw, bronze;
	char source[96];
};

/* Of one task: what it wrote, as text. */
struct made {
	status code;
	char text[4096];
};
typedef status (*task_run)(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err);

static void put_events(struct lab *l)
{
	struct file_ref ref = {.table = "input", .path = l->source, .rows = -1};
	struct buf b;
	buf_init(&b, 0);
	for (unsigned i = 0; i < TICKETS; i++) {
		buf_printf(&b,
			"{\"event_id\":\"%08x-0000-4000-8000-000000000000\",\"ticket_id\":\"%08x-1111-4000-8000-"
			"000000000000\",\"event_type\":"
			"\"TICKET_CREATED\",\"ts\":\"2025-09-%02uT12:00:00Z\",\"data\":{\"external_id\":\"E-%u\","
			"\"source_channel\":\"email\","
			"\"pqrs_type\":\"Q\",\"priority\":\"alta\",\"dane_city_code\":\"05001\",\"text\":\"queja por "
			"demora\",\"more\":[1]}}\n",
			i, i, i % 3 + 1, i);
		buf_printf(&b,
			"{\"event_id\":\"%08x-0000-4000-8000-000000000001\",\"ticket_id\":\"%08x-1111-4000-8000-"
			"000000000000\",\"event_type\":"
			"\"STATUS_CHANGED\",\"ts\":\"2025-10-%02uT12:00:00Z\",\"data\":{\"status_from\":\"%s\","
			"\"status_to\":\"RADICATED\"}}\n",
			i, i, i % 3 + 1, i % 4 == 3 ? "CLOSED" : "RECEIVED");
	}
	buf_str(&b, "no json\n{\"event_id\":1}\n");
	FILE *f = fopen(l->source, "wb");
	assert_true(f != NULL && fwrite(b.p, 1, b.n, f) == b.n && fclose(f) == 0);
	hash_xxh128(b.p, b.n, ref.xxh128);
	hash_sha256(b.p, b.n, ref.sha256);
	ref.bytes = (int64_t)b.n;
	assert_true(file_list_add(&l->inputs, &ref));
	buf_deinit(&b);
}

static void lab_open(struct lab *l)
{
	struct err err;
	char path[96];
	*l = (struct lab){.run = {.run_id = RUN, .workload = "pqrs"}};
	arena_init(&l->arena, 0);
	l->inputs.arena = l->raw.arena = l->bronze.arena = &l->arena;
	(void)snprintf(path, sizeof path, "%s/lake", check_tmpdir(l->dir));
	(void)snprintf(l->source, sizeof l->source, "%s/events.jsonl", l->dir);
	CHECK_OK(&err, store_open(path, &l->inner, &err));
	fault_store_init(&l->faults, l->inner);
	fixture_states(&l->config);
	fixture_rules(&l->config);
	fixture_places(&l->config);
	l->config.parquet = (struct parquet_opts){.codec = PARQUET_ZSTD, .level = 1, .bloom = true};
	l->config.quality.reject_rate_max = l->config.quality.invalid_transition_rate_max = 10000;
	l->config.line_bytes_max = 1 << 20;
	l->config.clock_skew_max = US_PER_DAY;
	CHECK_OK(&err, tz_load("America/Bogota", &l->config.tz, &err));
	CHECK_OK(&err, calendar_create("colombia", &l->config.calendar, &err));
	assert_true(time_parse(STR("2025-10-31T04:59:59Z"), &l->run.as_of));
	put_events(l);
}

static void lab_close(struct lab *l)
{
	calendar_destroy(l->config.calendar);
	tz_destroy(l->config.tz);
	store_close(l->inner);
	arena_deinit(&l->arena);
	check_rmdir(l->dir);
}

/* One task on the store with the faults; its files go to *out (may be NULL) where it is done. */
static void run_task(struct lab *l, task_run run, const struct task_spec *spec, struct made *m, struct file_list *out)
{
	struct arena arena;
	struct task_result result;
	struct err err;
	const struct task_env env = {.lake = &l->faults.base, .run = &l->run, .config = &l->config};
	err_clear(&err);
	arena_init(&arena, 0);
	task_result_init(&result, NULL, &arena);
	m->code = run(&env, spec, &result, &err);
	mem_fail_after(-1);
	size_t n = 0;
	for (size_t i = 0; m->code == OK && i < result.outputs.n; i++) {
		const struct file_ref *f = &result.outputs.items[i];
		char hex[HEX_XXH128_CHARS + 1];
		hex_encode(f->xxh128, XXH128_BYTES, hex);
		n += (size_t)snprintf(
			m->text + n, sizeof m->text - n, "%s %lld %s\n", f->path, (long long)f->rows, hex);
		assert_true(n < sizeof m->text);
		if (out != NULL) assert_true(file_list_add(out, f));
	}
	if (m->code != OK) assert_true(err.message[0] != 0 && err.code == m->code);
	if (m->code != OK) (void)snprintf(m->text, sizeof m->text, "%s: %s", err.where, err.message);
	arena_deinit(&arena);
}

static void each_allocation(struct lab *l, task_run run, const struct task_spec *spec, const struct made *want)
{
	struct made m;
	int64_t failed = 0;
	const size_t before = mem_in_use();
	for (int64_t n = 0; n < 200000; n += n < 150 ? 1 : n / 50) {
		mem_fail_after(n);
		run_task(l, run, spec, &m, NULL);
		if (mem_in_use() != before)
			fail_msg("%zu bytes lost at allocation %lld of %s", mem_in_use() - before, (long long)n,
				spec->stage);
		if (m.code == OK) break;
		CHECK_FAILS(E_NOMEM, m.code);
		failed++;
	}
	CHECK_FAILS(OK, m.code);
	assert_true(failed > 5);
	assert_string_equal(m.text, want->text);
}

static void remove_files(struct lab *l, const struct file_list *files)
{
	struct err err;
	for (size_t i = 0; i < files->n; i++) CHECK_OK(&err, store_delete(l->inner, files->items[i].path, &err));
}

static void files_stand(struct lab *l, const struct file_list *files)
{
	for (size_t i = 0; i < files->n; i++) {
		int64_t bytes;
		struct err err;
		CHECK_OK(&err, store_size(l->inner, files->items[i].path, &bytes, &err));
		CHECK_I64(bytes, files->items[i].bytes);
	}
}

/* Once, and from then on. What is said to be written stands there. */
static void each_operation(struct lab *l, task_run run, const struct task_spec *spec, const struct made *want,
	const struct file_list *files)
{
	struct made m;
	const size_t before = mem_in_use();
	for (int all = 0; all < 2; all++) {
		int64_t at = 0;
		do {
			remove_files(l, files);
			l->faults.at = ++at;
			l->faults.times = all ? INT64_MAX : 0;
			l->faults.n = l->faults.hits = 0;
			run_task(l, run, spec, &m, NULL);
			assert_int_equal(mem_in_use(), before);
			if (m.code != OK) continue;
			assert_string_equal(m.text, want->text); /* also where it could do without */
			files_stand(l, files);
		} while (l->faults.hits > 0);
		CHECK_FAILS(OK, m.code);
		assert_true(at > 2);
	}
	l->faults.at = 0;
}

static void each_fault(struct lab *l, task_run run, const struct task_spec *spec, struct file_list *out)
{
	struct made want;
	struct file_list files = {.arena = &l->arena};
	run_task(l, run, spec, &want, &files);
	if (want.code != OK) fail_msg("%s: %s", spec->stage, want.text);
	assert_true(want.text[0] != '\0');
	each_allocation(l, run, spec, &want);
	each_operation(l, run, spec, &want, &files);
	for (size_t i = 0; out != NULL && i < files.n; i++)
		if (strcmp(files.items[i].table, "rejects.pqrs") != 0) assert_true(file_list_add(out, &files.items[i]));
}

static void test_ingest_bronze_silver(void **state)
{
	(void)state;
	struct lab l;
	struct err err;
	struct task_list ingests, bronzes;
	lab_open(&l);
	ingests = bronzes = (struct task_list){.arena = &l.arena};
	struct stage_view view = {.run = &l.run, .config = &l.config, .lake = &l.faults.base};
	CHECK_OK(&err, pqrs_ingest_plan(&view, &l.inputs, &ingests, &err));
	CHECK_I64(ingests.n, 1);
	each_fault(&l, pqrs_ingest_run, &ingests.items[0], &l.raw);
	view.n_stages = 1;
	view.files = &l.raw;
	CHECK_OK(&err, pqrs_bronze_plan(&view, NULL, &bronzes, &err));
	for (size_t i = 0; i < bronzes.n; i++) each_fault(&l, pqrs_bronze_run, &bronzes.items[i], &l.bronze);
	const struct task_spec silver = {.stage = "silver",
		.task_id = "silver-0000",
		.part = "",
		.history = RUN,
		.lo = 0,
		.hi = PQRS_BUCKETS,
		.inputs = l.bronze,
		.since = INT64_MIN};
	each_fault(&l, pqrs_silver_run, &silver, NULL);
	lab_close(&l);
}

int main(void)
{
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0); /* syncs cost nothing there */
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_ingest_bronze_silver)};
	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
