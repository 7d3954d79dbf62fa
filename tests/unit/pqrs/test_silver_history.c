/* Runs that continue others: the last one's silver is that of one run over all events, however they were dealt out. */
#include "flow/history.h"
#include "silver_events.h"

enum { RUNS_MAX = 5, TABLES = 6, TICKETS = 150, LINES_MAX = 8192 };
enum { TABLE_TICKETS, TABLE_PREDICTIONS, TABLE_MESSAGES, TABLE_CHANGES, TABLE_ATTACHMENTS, TABLE_QUARANTINE };

static const struct table_schema *schema_of(int table)
{
	const struct table_schema *const schemas[TABLES] = {&pqrs_silver_tickets, &pqrs_silver_preclassification,
		&pqrs_silver_messages, &pqrs_silver_status_events, &pqrs_silver_attachments, &pqrs_silver_quarantine};
	return schemas[table];
}

/* How events come to runs, and which of the earlier runs a run knows of. */
struct deal {
	const char *name;
	int n_runs, n_tasks;
	bool by_time;        /* else at random: closings before creations */
	bool open_last;      /* the last run brings nothing of its own to most tickets */
	int unknown_to_next; /* the run that the one after it does not know of; -1 = none */
};

struct one_run {
	struct file_list bronze;
	struct task_result result;
	bool touched[TICKETS + 1];
};
struct chain {
	struct lake lake;
	struct one_run runs[RUNS_MAX];
};

static void add_files(struct file_list *to, const struct file_list *from, const char *table, bool earlier)
{
	for (size_t i = 0; i < from->n; i++) {
		struct file_ref ref = from->items[i];
		if (strcmp(ref.table, table) != 0) continue;
		ref.earlier = earlier;
		assert_true(file_list_add(to, &ref));
	}
}

/* The place of run i in the history: a run that the next one does not know of comes after it. */
static int place_of(int i, const struct deal *d)
{
	const int u = d->unknown_to_next;
	return u >= 0 && i == u ? u + 1 : u >= 0 && i == u + 1 ? u : i;
}

/* The inputs of run r as a plan would list them: base, the newest run that knows of all others but those late. */
static void list_inputs(struct chain *c, int r, int base, const bool *late, const struct deal *d, struct file_list *out)
{
	for (int at = 0; at <= base; at++) {
		const int i = place_of(at, d) <= base ? place_of(at, d) : at;
		if (!late[i]) add_files(out, &c->runs[i].bronze, "bronze.pqrs_events", true);
	}
	for (int i = 0; i < r; i++) {
		if (late[i]) add_files(out, &c->runs[i].bronze, "bronze.pqrs_events", false);
	}
	add_files(out, &c->runs[r].bronze, "bronze.pqrs_events", false);
	if (base < 0) return;
	for (int i = 0; i <= base; i++) add_files(out, &c->runs[i].result.outputs, "silver.quarantine", true);
	add_files(out, &c->runs[base].result.outputs, "silver.tickets", true);
	add_files(out, &c->runs[base].result.outputs, "silver.preclassification", true);
}

static void fold_run(struct chain *c, int r, const struct deal *d)
{
	struct err err;
	struct lake *l = &c->lake;
	bool late[RUNS_MAX] = {false};
	int base = r - 1;
	if (d->unknown_to_next >= 0 && r == d->unknown_to_next + 1) base = d->unknown_to_next - 1;
	if (d->unknown_to_next >= 0 && r == d->unknown_to_next + 2) late[d->unknown_to_next] = true;
	struct file_list inputs = {.arena = &l->arena};
	list_inputs(c, r, base, late, d, &inputs);
	for (int i = 0; i < r; i++) {
		for (int k = 0; k <= TICKETS && late[i]; k++) c->runs[r].touched[k] |= c->runs[i].touched[k];
	}
	l->bronze = inputs;
	CHECK_OK(&err, lake_silver(l, d->n_tasks, &err));
	c->runs[r].result = l->result;
	const int64_t again = lake_counter(l, "history:earlier_rows") + lake_counter(l, "history:late_rows"),
		      rest = lake_counter(l, "history:tickets_refreshed") + lake_counter(l, "history:tickets_carried");
	int64_t own = 0, out = lake_counter(l, "duplicates") - rest;
	for (size_t i = 0; i < c->runs[r].bronze.n; i++) own += c->runs[r].bronze.items[i].rows;
	for (size_t i = 0; i < l->result.outputs.n; i++) {
		const struct file_ref *f = &l->result.outputs.items[i];
		const bool counts = strncmp(f->table, "silver.", 7) == 0 && strstr(f->table, "dim_") == NULL &&
				    strcmp(f->table, "silver.preclassification") != 0;
		if (counts) out += f->rows;
	}
	CHECK_I64(out, own + again);
}

static int ticket_of(const char *line, int table)
{
	for (int k = 1; k <= TICKETS; k++) {
		char id[37];
		ev_ticket_id(k, id);
		const char *field = strchr(line, '|') + 1; /* after the month */
		if (table > TABLE_PREDICTIONS) field = strchr(field, '|') + 1;
		if (strncmp(field, id, 36) == 0) return k;
	}
	fail_msg("no ticket in %s", line);
	return 0;
}

/* The rows that stand after the last run: of tickets and predictions its own, else of each ticket those of the newest run that
 * touched it. */
static size_t current_rows(struct chain *c, int n_runs, int table, char **out)
{
	size_t n = 0;
	for (int r = 0; r < n_runs; r++) {
		char **lines;
		c->lake.result = c->runs[r].result;
		const size_t n_lines = lake_table(&c->lake, schema_of(table), &lines);
		for (size_t i = 0; i < n_lines; i++) {
			bool stands = r == n_runs - 1;
			if (table > TABLE_PREDICTIONS) {
				const int k = ticket_of(lines[i], table);
				if (!c->runs[r].touched[k]) fail_msg("run %d wrote of ticket %d: %s", r, k, lines[i]);
				stands = true;
				for (int newer = r + 1; newer < n_runs; newer++) stands &= !c->runs[newer].touched[k];
			}
			assert_true(n < LINES_MAX);
			if (stands) out[n++] = lines[i];
		}
	}
	qsort(out, n, sizeof *out, lake_line_cmp);
	return n;
}

static int64_t median_ts(const struct ev *events, size_t n, int part, int parts)
{
	int64_t lo = INT64_MAX, hi = INT64_MIN;
	for (size_t i = 0; i < n; i++) {
		lo = events[i].ts < lo ? events[i].ts : lo;
		hi = events[i].ts > hi ? events[i].ts : hi;
	}
	return lo + (hi - lo) / parts * part;
}

/* The run that tells an event; where the event stands is named so that earlier runs come first in one run over all. */
static int run_of(const struct ev *e, const struct ev *events, size_t n, const struct deal *d)
{
	if (d->by_time) {
		int r = 0;
		while (r + 1 < d->n_runs && e->ts >= median_ts(events, n, r + 1, d->n_runs)) r++;
		return r;
	}
	if (d->open_last && e->ticket % 7 != 0) return (int)draw((uint32_t)d->n_runs - 1);
	return (int)draw((uint32_t)d->n_runs);
}

static void name_object(struct ev *e, int run)
{
	static const char *const names[RUNS_MAX][3] = {{"raw/0/a", "raw/0/b", "raw/0/c"},
		{"raw/1/a", "raw/1/b", "raw/1/c"}, {"raw/2/a", "raw/2/b", "raw/2/c"}, {"raw/3/a", "raw/3/b", "raw/3/c"},
		{"raw/4/a", "raw/4/b", "raw/4/c"}};
	e->object = names[run][e->object[4] - 'a'];
}

static void check_deal(const struct deal *d)
{
	static struct ev events[LAKE_EVENTS_MAX], part[LAKE_EVENTS_MAX];
	static int run[LAKE_EVENTS_MAX];
	static char *got[LINES_MAX];
	static const char *const as_of[RUNS_MAX] = {"2025-10-01T12:00:00.5Z", "2025-10-03T00:00:00Z",
		"2025-10-20T00:00:00Z", "2025-10-30T00:00:00Z", "2025-10-31T00:00:00Z"};
	struct chain c = {0};
	struct lake whole;
	struct err err;
	const size_t n = make_events(events, TICKETS);
	for (size_t i = 0; i < n; i++) {
		run[i] = run_of(&events[i], events, n, d);
		name_object(&events[i], place_of(run[i], d));
	}
	lake_open(&c.lake, as_of[0]);
	for (int r = 0; r < d->n_runs; r++) {
		size_t k = 0;
		c.lake.run.run_id[35] = (char)('0' + r);
		assert_true(time_parse(str_of(as_of[r + RUNS_MAX - d->n_runs]), &c.lake.run.as_of));
		for (size_t i = 0; i < n; i++) {
			if (run[i] != r) continue;
			part[k++] = events[i];
			c.runs[r].touched[events[i].ticket] = true;
		}
		c.lake.bronze = (struct file_list){.arena = &c.lake.arena};
		lake_load(&c.lake, part, k, 2, (unsigned)r);
		c.runs[r].bronze = c.lake.bronze;
		fold_run(&c, r, d);
	}
	lake_open(&whole, as_of[RUNS_MAX - 1]);
	lake_load(&whole, events, n, 2, 0);
	CHECK_OK(&err, lake_silver(&whole, 1, &err));
	for (int t = 0; t < TABLES; t++) {
		char **want;
		const size_t n_want = lake_table(&whole, schema_of(t), &want);
		const size_t n_got = current_rows(&c, d->n_runs, t, got);
		for (size_t i = 0; i < n_got && i < n_want; i++) {
			if (strcmp(got[i], want[i]) != 0)
				fail_msg("%s, silver.%s:\n  %s\nexpected\n  %s", d->name, schema_of(t)->name, got[i],
					want[i]);
		}
		CHECK_I64(n_got, n_want);
	}
	lake_close(&whole);
	lake_close(&c.lake);
}

static void test_any_deal(void **state)
{
	(void)state;
	static const struct deal deals[] = {
		{"two runs, one after the other", 2, 1, .by_time = true, .unknown_to_next = -1},
		{"five runs, one after the other", 5, 1, .by_time = true, .unknown_to_next = -1},
		{"in several tasks", 3, 8, .by_time = true, .unknown_to_next = -1},
		{"at random", 4, 3, .unknown_to_next = -1},
		{"at random, hardly anything at the end", 3, 1, .open_last = true, .unknown_to_next = -1},
		{"two at once in the beginning", 3, 2, .unknown_to_next = 0},
		{"two at once in the middle", 4, 1, .by_time = true, .unknown_to_next = 1},
		{"two at once, then two more", 5, 5, .unknown_to_next = 1},
	};
	for (size_t i = 0; i < sizeof deals / sizeof *deals; i++) {
		for (uint32_t seed = 1; seed <= 2; seed++) {
			draw_state = seed * 7919;
			check_deal(&deals[i]);
		}
	}
}

/* A ticket that is closed and not touched keeps its row, byte for byte; also an open one whose bronze is gone. */
static void test_carried(void **state)
{
	(void)state;
	const struct ev first[] = {
		{1, 1, EVENT_TICKET_CREATED, at("2025-10-01T13:00:00Z"), "P", "11001", "uno", "raw/0/a", 0},
		{1, 2, EVENT_STATUS_CHANGED, at("2025-10-01T14:00:00Z"), "RECEIVED", "RADICATED", NULL, "raw/0/a", 1},
		{2, 3, EVENT_TICKET_CREATED, at("2025-10-02T13:00:00Z"), "Q", "05001", "dos", "raw/0/a", 2},
	};
	const struct ev second[] = {
		{3, 4, EVENT_TICKET_CREATED, at("2025-10-05T13:00:00Z"), "R", "11001", "tres", "raw/1/a", 0},
		{2, 5, EVENT_STATUS_CHANGED, at("2025-10-05T14:00:00Z"), "RECEIVED", "RADICATED", NULL, "raw/1/a", 1},
	};
	const struct deal d = {.n_runs = 2, .n_tasks = 1, .unknown_to_next = -1};
	struct chain c = {0};
	lake_open(&c.lake, "2025-10-03T00:00:00Z");
	c.lake.bronze.arena = &c.lake.arena;
	lake_load(&c.lake, first, 3, 1, 0);
	c.runs[0].bronze = c.lake.bronze;
	fold_run(&c, 0, &d);
	char *before = strdup(lake_find(&c.lake, &pqrs_silver_tickets, "PQRS-1|email|P"));
	assert_non_null(before);

	c.lake.run.run_id[35] = '1';
	c.lake.run.as_of = at("2025-10-06T00:00:00Z");
	c.lake.bronze = (struct file_list){.arena = &c.lake.arena};
	lake_load(&c.lake, second, 2, 1, 0);
	c.runs[1].bronze = c.lake.bronze;
	c.runs[0].bronze.n = 0; /* all bronze of the first run was deleted */
	fold_run(&c, 1, &d);
	CHECK_I64(lake_counter(&c.lake, "tickets"), 3);
	CHECK_I64(lake_counter(&c.lake, "history:tickets_carried"), 2);
	CHECK_I64(lake_counter(&c.lake, "history:tickets_refreshed"), 0);
	CHECK_I64(lake_counter(&c.lake, "quarantine:orphan"), 1);
	assert_string_equal(lake_find(&c.lake, &pqrs_silver_tickets, "PQRS-1|email|P"), before);
	(void)lake_find(&c.lake, &pqrs_silver_tickets, "PQRS-1|email|Q");
	free(before);
	lake_close(&c.lake);
}

/* Nothing new, and a table whose log tells no number of rows: its tickets are to be carried all the same. */
static void test_plan_unknown_rows(void **state)
{
	(void)state;
	struct arena arena;
	struct err err;
	arena_init(&arena, 0);
	static const char *const base[] = {"11111111-2222-5333-8444-555555555550"};
	struct history h = {.runs = base, .n_runs = 1, .n_known = 1, .files.arena = &arena};
	const struct file_ref f = {.table = "silver.tickets", .path = "silver/tickets/x", .rows = -1, .earlier = true};
	assert_true(file_list_add(&h.files, &f));
	const struct file_list none[2] = {{0}, {0}};
	const struct stage_view view = {.n_stages = 2, .files = none, .history = &h};
	struct task_list tasks = {.arena = &arena};
	CHECK_OK(&err, pqrs_silver_plan(&view, NULL, &tasks, &err));
	CHECK_I64(tasks.n, 2);
	CHECK_I64(tasks.items[0].inputs.n, 1);
	arena_deinit(&arena);
}

static int ticket_in(int32_t lo, int32_t hi)
{
	int k = 1;
	while (ev_bucket(k) < lo || ev_bucket(k) >= hi) k++;
	return k;
}

/* Another byte in the footer, which decodes as before. */
static void change(struct lake *l, const struct file_ref *f)
{
	struct err err;
	struct buf bytes;
	buf_init(&bytes, 0);
	CHECK_OK(&err, store_get(l->store, f->path, &bytes, &err));
	uint8_t *by = memmem(bytes.p, bytes.n, "pqr version", 11);
	assert_non_null(by);
	*by = 'q';
	CHECK_OK(&err, store_put(l->store, f->path, bytes.p, bytes.n, &err));
	buf_deinit(&bytes);
}

/* A file of an earlier run that only one task reads, another one than would check it by its place, is checked. */
static void test_changed_bronze(void **state)
{
	(void)state;
	const int mine = ticket_in(0, PQRS_BUCKETS / 2), other = ticket_in(PQRS_BUCKETS / 2, PQRS_BUCKETS);
	const struct ev first = {
		other, 1, EVENT_TICKET_CREATED, at("2025-10-01T13:00:00Z"), "P", "11001", "uno", "raw/0/a", 0};
	const struct ev second = {
		mine, 2, EVENT_TICKET_CREATED, at("2025-10-05T13:00:00Z"), "Q", "11001", "dos", "raw/1/a", 0};
	const struct deal d = {.n_runs = 2, .n_tasks = 2, .unknown_to_next = -1};
	const bool late[RUNS_MAX] = {false};
	struct chain c = {0};
	struct err err;
	lake_open(&c.lake, "2025-10-03T00:00:00Z");
	lake_load(&c.lake, &first, 1, 1, 0);
	c.runs[0].bronze = c.lake.bronze;
	fold_run(&c, 0, &d);
	c.lake.run.run_id[35] = '1';
	c.lake.bronze = (struct file_list){.arena = &c.lake.arena};
	lake_load(&c.lake, &second, 1, 1, 0);
	c.runs[1].bronze = c.lake.bronze;
	struct file_list inputs = {.arena = &c.lake.arena};
	list_inputs(&c, 1, 0, late, &d, &inputs);
	c.lake.bronze = inputs;
	CHECK_OK(&err, lake_silver(&c.lake, d.n_tasks, &err));
	change(&c.lake, &c.runs[0].bronze.items[0]);
	CHECK_FAILS(E_VERIFY, lake_silver(&c.lake, d.n_tasks, &err));
	lake_close(&c.lake);
}

/* Of two tickets that share an event's id, one may come to each of two runs that know nothing of the other's. A run that brings
 * such an event itself is refused by its check; one that only folds what stands is not. */
static void test_shared_ids(void **state)
{
	(void)state;
	static const struct {
		int tickets[3]; /* whose event each run tells */
		int ids[3];
		int64_t shared; /* that the last run counts */
	} cases[] = {{{1, 2, 2}, {7, 7, 8}, 0}, {{1, 2, 2}, {7, 8, 7}, 1}, {{1, 2, 2}, {7, 8, 9}, 0}};
	const struct deal d = {.n_runs = 3, .n_tasks = 1, .unknown_to_next = 0};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct chain c = {0};
		lake_open(&c.lake, "2025-10-09T00:00:00Z");
		for (int r = 0; r < d.n_runs; r++) {
			static const char *const objects[] = {"raw/0/a", "raw/1/a", "raw/2/a"};
			const int64_t ts = at("2025-10-01T13:00:00Z") + r * US_PER_DAY;
			const int ticket = cases[i].tickets[r];
			struct ev events[2] = {{ticket, cases[i].ids[r], EVENT_MESSAGE_ADDED, ts + 1, "citizen", NULL,
						       "x", objects[r], 0},
				{ticket, 100 + r, EVENT_TICKET_CREATED, ts, "P", "11001", "uno", objects[r], 1}};
			c.lake.run.run_id[35] = (char)('0' + r);
			c.lake.bronze = (struct file_list){.arena = &c.lake.arena};
			lake_load(&c.lake, events, r < 2 ? 2 : 1, 1, 0);
			c.runs[r].bronze = c.lake.bronze;
			c.runs[r].touched[ticket] = true;
			fold_run(&c, r, &d);
		}
		CHECK_I64(lake_counter(&c.lake, "event_id_shared"), cases[i].shared);
		CHECK_I64(lake_counter(&c.lake, "tickets"), 2);
		lake_close(&c.lake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_deal), cmocka_unit_test(test_carried),
		cmocka_unit_test(test_plan_unknown_rows), cmocka_unit_test(test_changed_bronze),
		cmocka_unit_test(test_shared_ids)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
