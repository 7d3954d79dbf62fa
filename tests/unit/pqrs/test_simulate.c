/* The raw stage: bytes that depend on nothing but the run, lines that keep the contract, one history in any cut. */
#include "pqrs/sim_config.h"

#include "io/json/json_scan.h"
#include "io/store.h"
#include "workloads/pqrs/sim/sim_sort.h"

struct lake { /* a store in a temporary directory and what was put there */
	char dir[64];
	struct store *store;
	struct arena arena;
	struct task_result result;
};

static void lake_init(struct lake *l)
{
	struct err err;
	check_tmpdir(l->dir);
	arena_init(&l->arena, 0);
	task_result_init(&l->result, NULL, &l->arena);
	CHECK_OK(&err, store_open(l->dir, &l->store, &err));
}

static void lake_deinit(struct lake *l)
{
	store_close(l->store);
	arena_deinit(&l->arena);
	check_rmdir(l->dir);
}

static void run_days(struct lake *l, const struct pqrs_config *c, const struct run_info *run, int64_t lo, int64_t hi)
{
	struct err err;
	const struct task_env env = {.lake = l->store, .run = run, .config = c};
	const struct task_spec spec = {.stage = "raw", .task_id = "raw-0000", .lo = lo, .hi = hi, .part = ""};
	CHECK_OK(&err, pqrs_simulate_run(&env, &spec, &l->result, &err));
}

static struct task_list plan_of(struct lake *l, const struct pqrs_config *c, const struct run_info *run)
{
	struct err err;
	const struct stage_view view = {.run = run, .config = c};
	struct task_list tasks = {.arena = &l->arena};
	CHECK_OK(&err, pqrs_simulate_plan(&view, NULL, &tasks, &err));
	return tasks;
}

/* The whole run in n tasks of about equal days. */
static void run_split(struct lake *l, const struct pqrs_config *c, const struct run_info *run, int64_t n)
{
	const struct task_list tasks = plan_of(l, c, run);
	const int64_t lo = tasks.items[0].lo, hi = tasks.items[tasks.n - 1].hi;
	for (int64_t i = 0; i < n; i++) run_days(l, c, run, lo + (hi - lo) * i / n, lo + (hi - lo) * (i + 1) / n);
}

static const struct file_ref *file_find(const struct lake *l, const char *path)
{
	for (size_t i = 0; i < l->result.outputs.n; i++) {
		if (strcmp(l->result.outputs.items[i].path, path) == 0) return &l->result.outputs.items[i];
	}
	return NULL;
}

/* Every object of `some` is in `all` with the same bytes. */
static void check_within(const struct lake *some, const struct lake *all)
{
	for (size_t i = 0; i < some->result.outputs.n; i++) {
		const struct file_ref *f = &some->result.outputs.items[i], *g = file_find(all, f->path);
		if (g == NULL) fail_msg("%s is in one only", f->path);
		CHECK_I64(f->rows, g->rows);
		assert_memory_equal(f->sha256, g->sha256, sizeof f->sha256);
	}
}

static void small_config(struct pqrs_config *c)
{
	sim_config_init(c);
	c->simulation.volume_daily_avg = 60;
	c->simulation.spike = (struct spike){true, 5, 6, 100, 140};
}

static void test_splits(void **state)
{
	(void)state;
	static const int64_t counts[] = {1, 2, 7, 41};
	struct pqrs_config c;
	struct lake lakes[SIM_N(counts)];
	small_config(&c);
	const struct run_info run = sim_run(&c, c.simulation.date_from, c.simulation.date_from + 39);
	for (size_t i = 0; i < SIM_N(counts); i++) {
		lake_init(&lakes[i]);
		run_split(&lakes[i], &c, &run, counts[i]);
		CHECK_I64(lakes[i].result.outputs.n, lakes[0].result.outputs.n);
		CHECK_I64(lakes[i].result.counters.n, lakes[0].result.counters.n);
		for (size_t j = 0; j < lakes[0].result.counters.n; j++) {
			const char *name = lakes[0].result.counters.items[j].name;
			CHECK_I64(counter_get(&lakes[i].result.counters, name),
				counter_get(&lakes[0].result.counters, name));
		}
		check_within(&lakes[i], &lakes[0]);
	}
	assert_true(lakes[0].result.outputs.n >= 40 * CHANNEL_N - 5);
	for (size_t i = 0; i < SIM_N(counts); i++) lake_deinit(&lakes[i]);
	sim_config_deinit(&c);
}

static void test_day_alone(void **state)
{
	(void)state;
	struct pqrs_config c;
	struct lake all;
	small_config(&c);
	const struct run_info run = sim_run(&c, c.simulation.date_from, c.simulation.date_from + 99);
	lake_init(&all);
	run_split(&all, &c, &run, 1);
	for (int32_t day = run.date_from; day <= run.date_to; day += 11) {
		struct lake one;
		lake_init(&one);
		run_days(&one, &c, &run, day, day + 1);
		assert_true(one.result.outputs.n > 0);
		check_within(&one, &all);
		lake_deinit(&one);
	}
	lake_deinit(&all);
	sim_config_deinit(&c);
}

/* However few events are held at once: days in groups, one by one, and in parts. */
static void test_slices(void **state)
{
	(void)state;
	static const size_t held[] = {20000, 900, 150, SIM_EVENTS_MAX};
	struct pqrs_config c;
	struct lake all;
	small_config(&c);
	struct run_info run = sim_run(&c, c.simulation.date_from, c.simulation.date_from + 39);
	const int32_t first = run.date_from + 20;
	sim_emit_from(&run, first);
	lake_init(&all);
	run_days(&all, &c, &run, first, run.date_to + 1);
	for (size_t i = 0; i < SIM_N(held); i++) {
		struct lake l;
		struct err err;
		lake_init(&l);
		const struct task_env env = {.lake = l.store, .run = &run, .config = &c};
		const struct task_spec spec = {
			.stage = "raw", .task_id = "raw-0000", .lo = first, .hi = run.date_to + 1, .part = ""};
		CHECK_OK(&err, pqrs_simulate_run_within(&env, &spec, held[i], &l.result, &err));
		CHECK_I64(l.result.outputs.n, all.result.outputs.n);
		check_within(&l, &all);
		for (size_t j = 0; j < all.result.counters.n; j++) {
			const struct counter *want = &all.result.counters.items[j];
			CHECK_I64(counter_get(&l.result.counters, want->name), want->value);
		}
		lake_deinit(&l);
	}
	lake_deinit(&all);
	sim_config_deinit(&c);
}

static void path_of(const struct run_info *run, int channel, int32_t day, char dst[256])
{
	char date[DATE_CHARS];
	date_format(day, date);
	(void)snprintf(dst, 256, "raw/pqrs/source=%s/day=%.*s/run_id=%s/events.jsonl", pqrs_channel_names[channel],
		DATE_CHARS, date, run->run_id);
}

/* Append an object, or nothing where there is none. */
static void append(const struct lake *l, const char *path, struct buf *out)
{
	struct err err;
	if (file_find(l, path) != NULL) CHECK_OK(&err, store_get(l->store, path, out, &err));
}

/* Month by month: the first run, then a second with emit_from, together give what one run gives. */
static void test_consecutive_runs(void **state)
{
	(void)state;
	struct pqrs_config c;
	struct lake first, second, whole;
	small_config(&c);
	const int32_t from = c.simulation.date_from, cut = from + 30, to = from + 60;
	const struct run_info a = sim_run(&c, from, cut - 1), w = sim_run(&c, from, to);
	struct run_info b = sim_run(&c, from, to);
	sim_emit_from(&b, cut);
	lake_init(&first);
	lake_init(&second);
	lake_init(&whole);
	run_split(&first, &c, &a, 2);
	run_split(&second, &c, &b, 3);
	run_split(&whole, &c, &w, 2);
	int64_t shared = 0;
	for (int channel = 0; channel < CHANNEL_N; channel++) {
		for (int32_t day = from - 1; day <= to + 2; day++) {
			char path[256];
			struct buf parts, one;
			buf_init(&parts, 0);
			buf_init(&one, 0);
			path_of(&a, channel, day, path);
			append(&first, path, &parts);
			const size_t before = parts.n;
			append(&second, path, &parts);
			append(&whole, path, &one);
			shared += before > 0 &&
				  parts.n > before; /* the UTC day that holds the local midnight of the cut */
			CHECK_I64(parts.n, one.n);
			if (one.n > 0) assert_memory_equal(parts.p, one.p, one.n);
			buf_deinit(&parts);
			buf_deinit(&one);
		}
	}
	assert_true(shared > 0);
	CHECK_I64(counter_get(&first.result.counters, "tickets") + counter_get(&second.result.counters, "tickets"),
		counter_get(&whole.result.counters, "tickets"));
	CHECK_I64(counter_get(&first.result.counters, "spike_days"), counter_get(&whole.result.counters, "spike_days"));
	CHECK_I64(counter_get(&second.result.counters, "spike_days"), 0);
	lake_deinit(&first);
	lake_deinit(&second);
	lake_deinit(&whole);
	sim_config_deinit(&c);
}

/* Without truncation the same lines come first, then those after as_of; every ticket gets to its end. */
static void test_truncate(void **state)
{
	(void)state;
	struct pqrs_config c;
	struct lake cut, full;
	small_config(&c);
	c.simulation.volume_daily_avg = 30;
	const struct run_info run = sim_run(&c, c.simulation.date_from, c.simulation.date_from + 20);
	lake_init(&cut);
	lake_init(&full);
	run_split(&cut, &c, &run, 1);
	c.simulation.truncate = false;
	run_split(&full, &c, &run, 3);
	int64_t longer = 0;
	for (size_t i = 0; i < cut.result.outputs.n; i++) {
		const char *path = cut.result.outputs.items[i].path;
		struct buf a, b;
		buf_init(&a, 0);
		buf_init(&b, 0);
		append(&cut, path, &a);
		append(&full, path, &b);
		assert_true(a.n > 0 && a.n <= b.n);
		assert_memory_equal(a.p, b.p, a.n);
		longer += a.n < b.n;
		buf_deinit(&a);
		buf_deinit(&b);
	}
	assert_true(longer <= CHANNEL_N); /* the day of as_of alone */
	const int64_t tickets = counter_get(&full.result.counters, "tickets");
	CHECK_I64(tickets, counter_get(&cut.result.counters, "tickets"));
	assert_true(counter_get(&full.result.events.types, "STATUS_CHANGED") >= 6 * tickets);
	assert_true(counter_get(&cut.result.events.types, "STATUS_CHANGED") < 6 * tickets);
	lake_deinit(&cut);
	lake_deinit(&full);
	sim_config_deinit(&c);
}

/* What one line says. */
struct line {
	struct str event_id, ticket_id, type, ts, from, to, text, role;
	int64_t text_len;
	bool has_text, ends_ok;
};

static void take(struct json_scan *s, const char *key, struct json_string name, struct str *out)
{
	struct json_string v;
	if (!str_is(name.raw, key)) return;
	if (!json_take_string(s, &v)) fail_msg("%s is no string", key);
	*out = v.raw;
}

static void parse_data(struct json_scan *s, struct line *out)
{
	struct json_string key;
	if (!json_object_begin(s)) fail_msg("data is no object");
	while (json_object_next(s, &key)) {
		struct str number;
		const char *const before = s->p;
		take(s, "text", key, &out->text);
		take(s, "status_from", key, &out->from);
		take(s, "status_to", key, &out->to);
		take(s, "role", key, &out->role);
		if (str_is(key.raw, "text_len")) {
			assert_true(json_take_number(s, &number));
			assert_true(json_number_i64(number, &out->text_len));
			out->has_text = true;
		}
		if (s->p == before) assert_true(json_skip(s, NULL));
	}
}

static void parse_line(const char *p, size_t n, struct line *out)
{
	struct json_scan s;
	struct json_string key;
	*out = (struct line){0};
	json_start(&s, p, n);
	if (!json_object_begin(&s)) fail_msg("no object: %.*s", (int)n, p);
	while (json_object_next(&s, &key)) {
		const char *const before = s.p;
		take(&s, "event_id", key, &out->event_id);
		take(&s, "ticket_id", key, &out->ticket_id);
		take(&s, "event_type", key, &out->type);
		take(&s, "ts", key, &out->ts);
		if (s.p == before) parse_data(&s, out);
	}
	if (!json_end(&s)) fail_msg("%s at %zu of %.*s", s.error, s.error_at, (int)n, p);
}

static int64_t code_points(struct str raw)
{
	char decoded[4096];
	int64_t n = 0;
	assert_true(raw.n < sizeof decoded);
	const size_t bytes = json_unescape(raw, decoded);
	for (size_t i = 0; i < bytes; i++) n += ((unsigned char)decoded[i] & 0xC0) != 0x80;
	return n;
}

static void check_line(const struct line *l, const struct line *before, struct str day)
{
	uint8_t id[UUID_BYTES];
	int64_t ts;
	if (!uuid_parse(l->event_id, id)) fail_msg("event_id %.*s", (int)l->event_id.n, l->event_id.p);
	CHECK_I64(id[6] >> 4, 4);
	CHECK_I64(id[8] >> 6, 2);
	assert_true(uuid_parse(l->ticket_id, id));
	CHECK_I64(l->ts.n, TIME_RFC3339_CHARS);
	assert_true(time_parse(l->ts, &ts));
	assert_memory_equal(l->ts.p, day.p, day.n);
	if (before->ts.n > 0) {
		const int c = str_cmp(before->ts, l->ts);
		if (c > 0 || (c == 0 && str_cmp(before->event_id, l->event_id) >= 0)) fail_msg("lines out of order");
	}
	if (l->has_text) CHECK_I64(l->text_len, code_points(l->text));
	if (str_is(l->type, "STATUS_CHANGED"))
		assert_true(l->from.n > 0 && l->to.n > 0);
	else if (str_is(l->type, "MESSAGE_ADDED"))
		assert_true(l->has_text && (str_is(l->role, "citizen") || str_is(l->role, "agent")));
	else if (str_is(l->type, "TICKET_CREATED"))
		assert_true(l->has_text);
	else
		assert_true(str_is(l->type, "ATTACHMENT_ADDED"));
}

static int64_t check_object(const struct lake *l, const struct file_ref *f)
{
	struct buf b;
	struct line line, before = {0};
	int64_t rows = 0;
	buf_init(&b, 0);
	append(l, f->path, &b);
	assert_non_null(buf_reserve(&b, JSON_SCAN_PADDING));
	const struct str day = {strstr(f->path, "/day=") + 5, DATE_CHARS};
	const char *p = (const char *)b.p, *const end = p + b.n;
	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		assert_non_null(newline);
		parse_line(p, (size_t)(newline - p), &line);
		check_line(&line, &before, day);
		before = line;
		p = newline + 1;
		rows++;
	}
	CHECK_I64(rows, f->rows);
	CHECK_I64(b.n, f->bytes);
	buf_deinit(&b);
	return rows;
}

static void test_lines(void **state)
{
	(void)state;
	struct pqrs_config c;
	struct lake l;
	small_config(&c);
	const struct run_info run =
		sim_run(&c, c.simulation.date_from + 110, c.simulation.date_from + 140); /* over the new year */
	lake_init(&l);
	run_split(&l, &c, &run, 2);
	int64_t rows = 0, bytes = 0;
	for (size_t i = 0; i < l.result.outputs.n; i++) {
		rows += check_object(&l, &l.result.outputs.items[i]);
		bytes += l.result.outputs.items[i].bytes;
	}
	const struct counter_list *n = &l.result.counters;
	CHECK_I64(counter_get(n, "rows_out"), rows);
	CHECK_I64(counter_get(n, "bytes_out"), bytes);
	const struct counter_list *types = &l.result.events.types;
	int64_t events = 0;
	for (size_t i = 0; i < types->n; i++) events += types->items[i].value;
	CHECK_I64(counter_get(types, "TICKET_CREATED"), counter_get(n, "tickets"));
	CHECK_I64(events, rows);
	assert_true(rows > 10000);
	lake_deinit(&l);
	sim_config_deinit(&c);
}

static void test_plan(void **state)
{
	(void)state;
	static const int32_t volumes[] = {0, 1, 1150, 11500, 1000000};
	for (size_t i = 0; i < SIM_N(volumes); i++) {
		struct pqrs_config c;
		struct lake l;
		sim_config_init(&c);
		c.simulation.volume_daily_avg = volumes[i];
		struct run_info run = sim_run(&c, c.simulation.date_from, c.simulation.date_to);
		lake_init(&l);
		struct task_list tasks = plan_of(&l, &c, &run);
		CHECK_I64(tasks.items[0].lo, run.date_from);
		CHECK_I64(tasks.items[tasks.n - 1].hi,
			run.date_to + 2); /* Bogotá's last day ends at 05:00 UTC of the next */
		for (size_t j = 1; j < tasks.n; j++) CHECK_I64(tasks.items[j].lo, tasks.items[j - 1].hi);
		assert_string_equal(tasks.items[1].task_id, "raw-0001");
		if (volumes[i] == 1150) assert_true(tasks.n >= 10 && tasks.n <= 14);
		sim_emit_from(&run, run.date_to + 1); /* nothing left to emit */
		CHECK_I64(plan_of(&l, &c, &run).n, 0);
		lake_deinit(&l);
		sim_config_deinit(&c);
	}
}

static void test_empty_volume(void **state)
{
	(void)state;
	struct pqrs_config c;
	struct lake l;
	sim_config_init(&c);
	c.simulation.volume_daily_avg = 0;
	c.simulation.spike.enabled = false;
	const struct run_info run = sim_run(&c, c.simulation.date_from, c.simulation.date_from + 3);
	lake_init(&l);
	run_split(&l, &c, &run, 1);
	CHECK_I64(l.result.outputs.n, 0);
	CHECK_I64(counter_get(&l.result.counters, "rows_out"), 0);
	lake_deinit(&l);
	sim_config_deinit(&c);
}

static void check_of(const struct pqrs_config *c, struct lake *l, enum quality_result type, enum quality_result channel)
{
	struct err err;
	struct quality_list found = {.arena = &l->arena};
	const struct stage_view view = {.config = c, .n_stages = 1, .counters = &l->result.counters};
	CHECK_OK(&err, pqrs_simulate_check(&view, &found, &err));
	CHECK_I64(found.n, 3);
	assert_string_equal(found.items[0].check_name, "type_share");
	CHECK_I64(found.items[0].result, type);
	CHECK_I64(found.items[1].result, channel);
	CHECK_I64(found.items[2].result, QUALITY_PASS);
	CHECK_I64(found.items[0].record_count, counter_get(&l->result.counters, "tickets"));
}

static void test_check(void **state)
{
	(void)state;
	struct pqrs_config c;
	struct lake l;
	sim_config_init(&c);
	const struct run_info run = sim_run(&c, c.simulation.date_from, c.simulation.date_from + 5);
	lake_init(&l);
	run_split(&l, &c, &run, 1);
	check_of(&c, &l, QUALITY_PASS, QUALITY_PASS);
	c.simulation.type_probs[TYPE_P] += 40000; /* as if other shares had been asked for */
	c.simulation.type_probs[TYPE_Q] -= 40000;
	check_of(&c, &l, QUALITY_WARN, QUALITY_PASS);
	c.simulation.channel_probs[CHANNEL_CALL] -= 35000;
	check_of(&c, &l, QUALITY_WARN, QUALITY_WARN);
	lake_deinit(&l);
	sim_config_deinit(&c);
}

static void test_bad_texts(void **state)
{
	(void)state;
	static const char *const unknown[] = {"Hola {ciudadano}"}, *const open[] = {"Hola {nombre"},
				 *const by_type[] = {"{apertura}{urgencia}{nombre}"};
	static const struct {
		const char *const *messages;
		status code;
		const char *says;
	} cases[] = {{unknown, E_USAGE, "{ciudadano}"}, {open, E_USAGE, "without '}'"}, {by_type, OK, ""}};
	for (size_t i = 0; i < SIM_N(cases); i++) {
		struct pqrs_config c;
		struct err err = {0};
		struct arena arena;
		sim_config_init(&c);
		c.simulation.agent_messages = cases[i].messages;
		c.simulation.n_agent_messages = 1;
		const struct run_info run = sim_run(&c, c.simulation.date_from, c.simulation.date_to);
		const struct stage_view view = {.run = &run, .config = &c};
		arena_init(&arena, 0);
		struct task_list tasks = {.arena = &arena};
		CHECK_FAILS(cases[i].code, pqrs_simulate_plan(&view, NULL, &tasks, &err));
		if (strstr(err.message, cases[i].says) == NULL) fail_msg("%s: expected %s", err.message, cases[i].says);
		arena_deinit(&arena);
		sim_config_deinit(&c);
	}
}

/* Equal times go by event id; both ways of sorting agree with comparing (ts, id) pair by pair. */
static void test_order(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 2, 40, 48, 49, 3000};
	enum { DAY = 20000, SEED = 7, ROWS = 64 };
	struct sim_row rows[ROWS] = {0};
	for (uint32_t i = 0; i < ROWS; i++) rows[i] = (struct sim_row){.date = DAY, .number = i};
	for (size_t i = 0; i < SIM_N(sizes); i++) {
		struct sim_objects o;
		struct err err;
		struct sim_event *events = calloc(sizes[i], sizeof *events);
		for (size_t j = 0; j < sizes[i]; j++) {
			const struct rng4 r = rng_philox(SEED, j, 0, 0);
			const int64_t time =
				r.v[3] % 4 == 0 ? 86399999999 - r.v[0] % 3 : (int64_t)(r.v[0] % 97) * 890000000;
			events[j] = (struct sim_event){.ts = DAY * US_PER_DAY + time,
				.ticket = r.v[1] % ROWS,
				.sequence = (uint8_t)j,
				.channel = CHANNEL_CHAT};
		}
		CHECK_OK(&err, sim_objects_init(&o, events, sizes[i], DAY - 1, DAY + 1, &err));
		const uint32_t object = CHANNEL_CHAT * 2 + 1;
		CHECK_I64(o.begin[object], 0);
		CHECK_I64(o.begin[object + 1], sizes[i]);
		sim_objects_sort(&o, object, DAY, rows, SEED);
		int64_t sum = 0;
		for (size_t j = 0; j < sizes[i]; j++) sum += o.events[j].sequence - (int64_t)events[j].sequence;
		CHECK_I64(sum, 0);
		for (size_t j = 1; j < sizes[i]; j++) {
			const struct sim_event *a = &o.events[j - 1], *b = &o.events[j];
			char x[UUID_CHARS], y[UUID_CHARS];
			sim_uuid_format(sim_uuid(SEED, sim_entity(DAY, a->ticket), SIM_EVENT_ID, a->sequence), x);
			sim_uuid_format(sim_uuid(SEED, sim_entity(DAY, b->ticket), SIM_EVENT_ID, b->sequence), y);
			if (a->ts > b->ts || (a->ts == b->ts && memcmp(x, y, UUID_CHARS) > 0))
				fail_msg("event %zu of %zu out of order", j, sizes[i]);
		}
		sim_objects_deinit(&o);
		free(events);
	}
}

static void test_uuid_format(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		const struct rng4 r = rng_philox(3, i, 0, 0);
		uint8_t bytes[UUID_BYTES];
		char got[UUID_CHARS], want[UUID_CHARS];
		for (int j = 0; j < 4; j++) {
			for (int k = 0; k < 4; k++) bytes[4 * j + k] = (uint8_t)(r.v[j] >> (24 - 8 * k));
		}
		sim_uuid_format(r, got);
		uuid_format(bytes, want);
		assert_memory_equal(got, want, UUID_CHARS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_day_alone),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_consecutive_runs),
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_empty_volume),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_uuid_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
