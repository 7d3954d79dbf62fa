#include "../check.h"

#include "base/rng.h"
#include "flow/commit.h"
#include "flow/made_days.h"
#include "flow/manifest.h"
#include "flow/progress.h"
#include "flow/task_json.h"

static struct err err;

static struct str text_of(const struct buf *b)
{
	return (struct str){(const char *)b->p, b->n};
}

/* A commit with n files and counters drawn from a seed; names need escaping. */
static void draw_commit(struct arena *arena, uint64_t seed, struct commit *c)
{
	static const char *const runs[] = {"33333333-3333-4333-8333-333333333333",
		"44444444-4444-4444-8444-444444444444", "55555555-5555-4555-8555-555555555555"};
	commit_init(c, arena);
	c->stage = "raw";
	c->version = "1.2.3";
	const uint32_t n = rng_below(rng_philox(seed, 0, 0, 0).v[0], 30);
	c->n_tasks = n;
	c->run = (struct run_info){.workload = "w\"\\\n",
		.source = "m\xc3\xadxed",
		.params = n % 2 == 0 ? "what \"a\" workload\nsays" : "",
		.date_from = (int32_t)n,
		.date_to = 40000};
	c->run.as_of = n % 5 == 0 ? INT64_MIN : INT64_C(1700000000000000) + n;
	memset(c->run.config_hash, 'a', HEX_SHA256_CHARS);
	memcpy(c->run.run_id, "22222222-2222-4222-8222-222222222222", UUID_CHARS + 1);
	if (n % 4 == 1) memcpy(c->run.drops, "66666666-6666-4666-8666-666666666666", UUID_CHARS + 1);
	for (uint32_t i = 0; i < n; i++) {
		const struct rng4 r = rng_philox(seed, i, 1, 0);
		struct file_ref f = {.table = arena_printf(arena, "raw.t%u", r.v[0] % 3),
			.path = arena_printf(arena, "raw/\x01%u/p=a%%20%u/%u", r.v[1], i % 2, i)};
		/* As the folder says, otherwise, more than it says, nothing. */
		const struct delta_pair pairs[2] = {
			{STR("p"), i % 4 == 0 ? STR("a 0") : STR("\"\xc3\xb1")}, {STR("null"), {NULL, 0}}};
		f.partition = (struct delta_pairs){pairs, i % 4};
		if (i % 4 == 3) f.partition.n = 0;
		if (i % 4 == 0) f.partition.n = 1;
		f.rows = r.v[2];
		f.bytes = (int64_t)r.v[3] << 20;
		if (i % 3 == 1) f.made_of = arena_printf(arena, "of \"%u", i);
		if (i % 5 == 2) f.last_us = -(int64_t)i;
		memcpy(f.sha256, &r, sizeof r);
		memcpy(f.xxh128, &r, sizeof r);
		assert_true(file_list_add(&c->files, &f));
		assert_true(counter_add(
			&c->counters, arena_printf(arena, "c%u", r.v[0] % 1000), (int64_t)r.v[1] - INT32_MAX));
	}
	file_list_sort(&c->files);
	for (uint32_t i = 0; i < n % 7; i++)
		assert_true(commit_edges_add(&c->edges, arena_printf(arena, "raw.\"%u", i % 3), "bronze.t"));
	commit_edges_sort(&c->edges);
	if (n % 3 > 0) assert_true(counter_add(&c->events.types, "SEEN", n));
	if (n % 3 == 2) c->events.first = -(int64_t)n, c->events.last = n;
	if (n % 2 == 0) c->events.why = "input \"a\" is JSON Lines";
	if (n % 4 == 0) return;
	c->history = runs;
	c->n_history = n % 4 - 1; /* 0: it opens a history */
	c->claim = 1 + n;
	for (uint32_t i = 0; i < n % 3; i++) {
		const struct file_ref f = {.table = "silver.t",
			.path = arena_printf(arena, "silver/t/run_id=%s/%u", runs[0], i),
			.rows = i,
			.bytes = 7};
		assert_true(file_list_add(&c->removed, &f));
	}
}

static void check_values(const struct delta_pairs *got, const struct delta_pairs *want)
{
	CHECK_I64(got->n, want->n);
	for (size_t i = 0; i < got->n; i++) {
		assert_true(str_eq(got->items[i].key, want->items[i].key));
		assert_true((got->items[i].value.p == NULL) == (want->items[i].value.p == NULL));
		assert_true(str_eq(got->items[i].value, want->items[i].value));
	}
}

/* Values are written where the folders tell others, and only there. */
static void test_partition(void **state)
{
	(void)state;
	static const struct delta_pair month[] = {{STR("month"), STR("2025-09")}, {STR("source"), STR("a b")}};
	static const struct {
		const char *path;
		size_t n; /* of the values above */
		bool written;
	} cases[] = {{"t/month=2025-09/source=a%20b/x", 2, false}, {"t/month=2025-09/x", 1, false}, {"t/x", 0, false},
		{"t/aB/x", 2, true}, {"t/month=2025-10/x", 1, true}, {"t/month=2025-09/x", 0, true},
		{"t/month=2025-09/x", 2, true}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct buf text;
		struct json_doc *doc;
		arena_init(&arena, 0);
		buf_init(&text, 0);
		struct file_list one = {.arena = &arena}, back = {.arena = &arena};
		assert_true(file_list_add(&one,
			&(struct file_ref){.table = "t", .path = cases[i].path, .partition = {month, cases[i].n}}));
		file_list_json(&text, &one);
		buf_char(&text, '\0');
		if ((strstr((const char *)text.p, "\"partition\"") != NULL) != cases[i].written)
			fail_msg("%s: %s", cases[i].path, (const char *)text.p);
		text.n--;
		CHECK_OK(&err, json_doc_parse(text_of(&text), &doc, &err));
		CHECK_OK(&err, file_list_parse(json_doc_root(doc), &back, &err));
		json_doc_destroy(doc);
		check_values(&back.items[0].partition, &one.items[0].partition);
		buf_deinit(&text);
		arena_deinit(&arena);
	}
}

static void test_commit_round_trip(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct arena arena;
		struct commit c, back;
		struct buf first, second;
		arena_init(&arena, 0);
		buf_init(&first, 0);
		buf_init(&second, 0);
		draw_commit(&arena, seed, &c);
		commit_json(&first, &c);
		CHECK_OK(&err, commit_parse(text_of(&first), &arena, &back, &err));
		commit_json(&second, &back);
		assert_true(str_eq(text_of(&first), text_of(&second)));
		CHECK_I64(back.files.n, c.files.n);
		CHECK_I64(back.run.as_of, c.run.as_of);
		assert_string_equal(back.run.params, c.run.params);
		CHECK_I64(back.edges.n, c.edges.n);
		for (size_t i = 0; i < c.edges.n; i++)
			assert_true(commit_edges_has(&back.edges, c.edges.items[i].input, c.edges.items[i].output));
		CHECK_I64(back.events.first, c.events.first);
		CHECK_I64(back.events.last, c.events.last);
		CHECK_I64(counter_get(&back.events.types, "SEEN"), counter_get(&c.events.types, "SEEN"));
		assert_true((back.events.why == NULL) == (c.events.why == NULL));
		if (c.events.why != NULL) assert_string_equal(back.events.why, c.events.why);
		CHECK_I64(back.n_history, c.n_history);
		CHECK_I64(back.claim, c.claim);
		for (size_t i = 0; i < c.n_history; i++) assert_string_equal(back.history[i], c.history[i]);
		CHECK_I64(back.removed.n, c.removed.n);
		for (size_t i = 0; i < c.removed.n; i++)
			assert_string_equal(back.removed.items[i].path, c.removed.items[i].path);
		for (size_t i = 0; i < c.files.n; i++) {
			assert_string_equal(back.files.items[i].path, c.files.items[i].path);
			check_values(&back.files.items[i].partition, &c.files.items[i].partition);
			CHECK_I64(back.files.items[i].bytes, c.files.items[i].bytes);
			assert_memory_equal(back.files.items[i].sha256, c.files.items[i].sha256, SHA256_BYTES);
		}
		/* Any cut of it is refused, and never read past. */
		for (size_t n = 0; n < first.n; n += 1 + first.n / 50)
			CHECK_FAILS(
				E_CORRUPT, commit_parse((struct str){(const char *)first.p, n}, &arena, &back, &err));
		buf_deinit(&first);
		buf_deinit(&second);
		arena_deinit(&arena);
	}
}

/* A document as a plan has it, but for one member of the run or of its only input. */
static void test_task_document_is_checked(void **state)
{
	(void)state;
	static const char good[] =
		"{\"hi\":2,\"history\":\"33333333-3333-4333-8333-333333333333\",\"inputs\":[{\"bytes\":1,\"path\":"
		"\"a\",\"rows\":3,\"sha256\":\"S\",\"table\":\"t\","
		"\"xxh128\":\"X\"}],\"lo\":1,\"part\":\"\",\"run\":{\"as_of\":1735707599999999,\"config_hash\":\"S\","
		"\"date_from\":\"2024-10-01\",\"date_to\":\"2024-12-31\",\"params\":\"seed=1,emit_from=2024-11-01\","
		"\"run_id\":\"22222222-2222-4222-8222-222222222222\","
		"\"source\":\"mixed\",\"workload\":\"w\"},\"stage\":\"raw\",\"task_id\":\"raw-0\"}";
	static const struct {
		const char *from, *to;
		status want;
	} cases[] = {
		{"1735707599999999", "1735707599999999", OK},
		{"1735707599999999", "null", OK},
		{"\"params\":\"seed=1,emit_from=2024-11-01\",", "", OK},
		{"seed=1,emit_from=2024-11-01", "anything else", OK}, /* the workload's to judge */
		{"\"seed=1,emit_from=2024-11-01\"", "1", E_USAGE},
		{"\"rows\":3", "\"rows\":-1", OK},
		{"1735707599999999", "9223372036854775807", E_USAGE},
		{"1735707599999999", "-9223372036854775807", E_USAGE},
		{"1735707599999999", "253402300799999999", E_USAGE}, /* the end of 9999 */
		{"1735707599999999", "0", E_USAGE},
		{"\"2024-10-01\"", "\"2025-10-01\"", E_USAGE},
		{"\"2024-10-01\"", "\"0001-01-01\"", E_USAGE},
		{"\"2024-10-01\"", "null", E_USAGE},
		{"\"2024-12-31\"", "\"2024-09-30\"", E_USAGE},
		{"\"2024-12-31\"", "\"9999-12-31\"", E_USAGE},
		{"\"2024-12-31\"", "\"2024-12-32\"", E_USAGE},
		{"\"2024-12-31\"", "null", E_USAGE},
		{"22222222-2222-4222-8222-222222222222", "../../../../../../../../../../../../", E_USAGE},
		{"\"config_hash\":\"S", "\"config_hash\":\"x", E_USAGE},
		{"\"rows\":3", "\"rows\":-2", E_USAGE},
		{"\"rows\":3", "\"rows\":9223372036854775807", E_USAGE},
		{"\"bytes\":1", "\"bytes\":-1", E_USAGE},
		{"\"stage\":\"raw\",", "", E_USAGE},
		{"\"history\":\"33333333-3333-4333-8333-333333333333\",", "", OK},
		{"33333333-3333-4333-8333-333333333333", "33333333-3333-4333-8333-33333333333", E_USAGE},
		{"33333333-3333-4333-8333-333333333333", "AAAAAAAA-3333-4333-8333-333333333333", E_USAGE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct buf text;
		struct run_info run;
		struct task_spec spec;
		arena_init(&arena, 0);
		buf_init(&text, 0);
		const char *at = strstr(good, cases[i].from);
		assert_non_null(at);
		char *changed = arena_printf(
			&arena, "%.*s%s%s", (int)(at - good), good, cases[i].to, at + strlen(cases[i].from));
		for (const char *p = changed; *p != '\0'; p++) {
			if (p[0] == '"' && p[1] == 'S')
				buf_printf(&text, "\"%064d", 0), p++;
			else if (p[0] == '"' && p[1] == 'X')
				buf_printf(&text, "\"%032d", 0), p++;
			else
				buf_char(&text, *p);
		}
		const status got = task_document_parse(text_of(&text), &arena, &run, &spec, &err);
		if (got != cases[i].want) print_error("case %zu: %s to %s\n", i, cases[i].from, cases[i].to);
		assert_int_equal(got, cases[i].want);
		if (got == OK) { /* and written as it was read */
			struct buf again;
			buf_init(&again, 0);
			task_document_json(&again, &run, &spec);
			assert_true(str_eq(text_of(&again), text_of(&text)));
			buf_deinit(&again);
		}
		buf_deinit(&text);
		arena_deinit(&arena);
	}
}

/* Lakes and control databases hold runs that were written before there were params. */
static void test_former_run(void **state)
{
	static const struct {
		const char *emit_from, *rest, *params; /* NULL: refused */
	} cases[] = {
		{"\"2024-10-01\"", ",\"seed\":\"42\",\"simulated\":true", "seed=42"},
		{"null", ",\"seed\":\"18446744073709551615\",\"simulated\":true", "seed=18446744073709551615"},
		{"\"2024-11-01\"", ",\"seed\":\"1\",\"simulated\":true", "seed=1,emit_from=2024-11-01"},
		{"\"2024-10-01\"", ",\"seed\":\"0\",\"simulated\":false", ""},
		{"\"2024-10-01\"", ",\"seed\":\"x\",\"simulated\":true", NULL},
		{"\"2024-10-01\"", ",\"seed\":\"18446744073709551616\",\"simulated\":true", NULL},
		{"1", ",\"seed\":\"1\",\"simulated\":true", NULL},
		{"null", ",\"simulated\":true", NULL},
		{"null", ",\"seed\":\"1\",\"simulated\":1", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena;
		struct run_info run;
		struct json_doc *doc = NULL;
		struct buf again;
		arena_init(&arena, 0);
		const char *text = arena_printf(&arena,
			"{\"as_of\":1735707599999999,\"config_hash\":\"%064d\",\"date_from\":\"2024-10-01\","
			"\"date_to\":\"2024-12-31\",\"emit_from\":%s,\"run_id\":\"22222222-2222-4222-8222-"
			"222222222222\"%s,"
			"\"source\":\"mixed\",\"workload\":\"w\"}",
			0, cases[i].emit_from, cases[i].rest);
		CHECK_OK(&err, json_doc_parse(str_of(text), &doc, &err));
		if (cases[i].params == NULL) {
			CHECK_FAILS(E_CORRUPT, run_info_parse(json_doc_root(doc), &arena, &run, &err));
		} else {
			CHECK_OK(&err, run_info_parse(json_doc_root(doc), &arena, &run, &err));
			assert_string_equal(run.params, cases[i].params);
			buf_init(&again, 0);
			run_info_former_json(&again, &run, 0);
			/* The digests of commits are over their texts: but where null said the first day, which no commit does. */
			assert_true(str_is(text_of(&again), text) || strstr(text, "null") != NULL);
			buf_deinit(&again);
		}
		json_doc_destroy(doc);
		arena_deinit(&arena);
	}
}

static void test_canonical_order(void **state)
{
	(void)state;
	struct arena arena;
	struct buf a, b;
	arena_init(&arena, 0);
	buf_init(&a, 0);
	buf_init(&b, 0);
	struct counter_list x = {.arena = &arena}, y = {.arena = &arena};
	assert_true(counter_add(&x, "b", 1) && counter_add(&x, "a", 2) && counter_add(&x, "ab", 3));
	assert_true(counter_add(&y, "ab", 3) && counter_add(&y, "b", 1) && counter_add(&y, "a", 2));
	counter_list_json(&a, &x);
	counter_list_json(&b, &y);
	assert_true(str_is(text_of(&a), "{\"a\":2,\"ab\":3,\"b\":1}"));
	assert_true(str_eq(text_of(&a), text_of(&b)));
	buf_deinit(&a);
	buf_deinit(&b);
	arena_deinit(&arena);
}

#define ANY_FILE(path)                                                                  \
	"{\"bytes\":1,\"path\":\"" path "\",\"rows\":0,\"sha256\":\"" ZEROS ZEROS "\"," \
	"\"table\":\"raw.x\",\"xxh128\":\"" ZEROS "\"}"
#define ZEROS "00000000000000000000000000000000"
#define LATE_FILE ANY_FILE("raw/b")

/* A member of a commit that says what none can: refused by name. */
static void test_commit_members_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *was, *is, *names;
	} cases[] = {
		{"\"edges\":[{\"input\":\"a\",", "\"edges\":[{", "edges"},
		{"\"edges\":[{\"input\":\"a\",\"output\":\"b\"}],", "", "edges"},
		{"{\"input\":\"a\",", "{\"input\":\"z\",\"output\":\"b\"},{\"input\":\"a\",", "edges"},
		{"\"files\":[", "\"files\":[" LATE_FILE ",", "files"},
		{"\"first\":1,", "", "events"},
		{"\"first\":1,", "\"first\":3,", "events"},
		{"\"types\":{}", "\"types\":[]", "counters"},
		{"\"claim\":1", "\"claim\":0", "history"},
		{"\"claim\":1", "\"claim\":\"1\"", "history"},
		{"\"claim\":1,", "", "history"},
		{"\"runs\":[\"2", "\"runs\":[\"x", "history"},
		{"\"tasks\":0", "\"tasks\":\"0\"", "tasks"},
	};
	struct arena arena;
	struct buf text;
	struct commit c, back;
	arena_init(&arena, 0);
	buf_init(&text, 0);
	draw_commit(&arena, 0, &c);
	c.files.n = c.counters.n = c.edges.n = c.events.types.n = 0;
	assert_true(file_list_add(&c.files, &(struct file_ref){.table = "raw.x", .path = "raw/a", .bytes = 1}));
	c.n_tasks = 0;
	c.run.date_from = 0;
	assert_true(commit_edges_add(&c.edges, "a", "b") && commit_edges_add(&c.edges, "a", "b"));
	CHECK_I64(c.edges.n, 1);
	c.events.first = 1;
	c.events.last = 2;
	c.history = (const char *const[]){"22222222-2222-4222-8222-222222222222"};
	c.n_history = 1;
	c.claim = 1;
	c.removed.n = 0;
	commit_json(&text, &c);
	buf_char(&text, '\0');
	CHECK_OK(&err, commit_parse(str_of((const char *)text.p), &arena, &back, &err));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *at = strstr((const char *)text.p, cases[i].was);
		assert_non_null(at);
		const char *bad = arena_printf(&arena, "%.*s%s%s", (int)(at - (const char *)text.p),
			(const char *)text.p, cases[i].is, at + strlen(cases[i].was));
		CHECK_FAILS(E_CORRUPT, commit_parse(str_of(bad), &arena, &back, &err));
		assert_non_null(strstr(err.message, cases[i].names));
	}
	buf_deinit(&text);
	arena_deinit(&arena);
}

static void test_counters_merge(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 0);
	struct counter_list a = {.arena = &arena}, b = {.arena = &arena};
	assert_true(counter_add(&a, "rows", 5) && counter_add(&a, "max_ts", -9));
	assert_true(counter_add(&b, "rows", 7) && counter_add(&b, "max_ts", -3) && counter_add(&b, "new", 1));
	assert_true(counter_list_merge(&a, &b));
	CHECK_I64(counter_get(&a, "rows"), 12);
	CHECK_I64(counter_get(&a, "max_ts"), -12); /* a name says nothing of how values merge */
	CHECK_I64(counter_get(&a, "new"), 1);
	arena_deinit(&arena);
}

static void test_event_stats_merge(void **state)
{
	(void)state;
	struct arena arena;
	struct event_stats sum, part;
	arena_init(&arena, 0);
	event_stats_init(&sum, &arena);
	assert_false(event_stats_dated(&sum));
	event_stats_init(&part, &arena);
	assert_true(event_stats_merge(&sum, &part));
	assert_false(event_stats_dated(&sum)); /* a task without a valid event leaves no instant behind */
	part.first = -30;
	part.last = -30;
	assert_true(counter_add(&part.types, "SEEN", 2) && event_stats_merge(&sum, &part));
	part.first = -9;
	part.last = 4;
	assert_true(event_stats_merge(&sum, &part) && event_stats_dated(&sum));
	CHECK_I64(sum.first, -30);
	CHECK_I64(sum.last, 4);
	CHECK_I64(counter_get(&sum.types, "SEEN"), 4);
	assert_null(sum.why);
	part.why = "line 1: not_json";
	assert_true(event_stats_merge(&sum, &part));
	part.why = "line 1: missing event_id";
	assert_true(event_stats_merge(&sum, &part));
	assert_string_equal(sum.why, "line 1: not_json");
	arena_deinit(&arena);
}

static void test_manifest(void **state)
{
	(void)state;
	struct arena arena;
	struct buf out;
	struct commit c = {.version = "0.1.0",
		.run = {.workload = "w", .params = "seed=42", .date_from = 20332, .date_to = 20512}};
	const struct workload w = {.making.seed = made_days_seed};
	char root[HEX_SHA256_CHARS + 1];
	arena_init(&arena, 0);
	buf_init(&out, 0);
	c.files.arena = c.counters.arena = &arena;
	memcpy(c.run.run_id, "11111111-1111-4111-8111-111111111111", UUID_CHARS + 1);
	assert_true(
		file_list_add(&c.files, &(struct file_ref){.table = "raw.x", .path = "raw/a", .rows = 1, .bytes = 2}));
	assert_true(
		file_list_add(&c.files, &(struct file_ref){.table = "raw.x", .path = "raw/b", .rows = 3, .bytes = 4}));
	event_stats_init(&c.events, &arena);
	assert_true(counter_add(&c.events.types, "B", 2) && counter_add(&c.events.types, "A", 1) &&
		    counter_add(&c.counters, "rows_out", 9));
	/* printf 'raw/a\0%064d\nraw/b\0%064d\n' 0 0 | sha256sum */
	CHECK_OK(&err, manifest_root(&c.files, root, &err));
	assert_string_equal(root, "39dcaddf31569f6e8c4040d6d9ca34eff1ddd151c8512584b1c466383bb3aad9");
	CHECK_OK(&err, manifest_json(&out, &w, &c, &err));
	buf_char(&out, '\0');
	assert_non_null(strstr((const char *)out.p,
		"\"counts\":{\"A\":1,\"B\":2},\"date_range\":{\"from\":\"2025-09-01\",\"to\":"
		"\"2026-02-28\"},\"objects\":[{\"bytes\":2,\"path\":\"raw/a\",\"rows\":1,"));
	struct buf small;
	buf_init(&small, 16);
	CHECK_FAILS(E_NOMEM, manifest_json(&small, &w, &c, &err)); /* no manifest is cut short unseen */
	buf_deinit(&small);
	assert_non_null(strstr((const char *)out.p, ",\"seed\":42,\"version\":\"0.1.0\",\"workload\":\"w\"}"));
	buf_deinit(&out);
	arena_deinit(&arena);
}

static void test_progress_text(void **state)
{
	(void)state;
	static const struct {
		struct progress_state s;
		int columns;
		const char *want;
	} cases[] = {
		{{"bronze", 1500000, 300, 3, 12, 400, 2000000}, 200,
			"bronze   [###############.....]  75%  3/12 tasks  1.5M rows  750k rows/s  1 s left"},
		{{"raw", 0, 0, 0, 5, 0, 1000}, 200, "raw      [....................]   0%  0/5 tasks"},
		{{"gold", 999, 0, 5, 5, 0, 1000000}, 200,
			"gold     [####################] 100%  5/5 tasks  999 rows  999 rows/s"},
		{{"gold", 999, 0, 5, 5, 0, 1000000}, 20, "gold     100%"}, /* what does not fit whole is left out */
		{{"verify", 1, 900, 1, 2, 100, 1000000}, 40, "verify   [####################] 100%"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out;
		buf_init(&out, 0);
		progress_format(&cases[i].s, cases[i].columns, &out);
		buf_char(&out, '\0');
		assert_string_equal((const char *)out.p, cases[i].want);
		buf_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_commit_round_trip),
		cmocka_unit_test(test_task_document_is_checked),
		cmocka_unit_test(test_former_run),
		cmocka_unit_test(test_canonical_order),
		cmocka_unit_test(test_commit_members_are_checked),
		cmocka_unit_test(test_counters_merge),
		cmocka_unit_test(test_event_stats_merge),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_progress_text),
	};
	return cmocka_run_group_tests_name("task_json", tests, NULL, NULL);
}
