/* Runs that continue others: what stands after the last one is the silver of one run over all events, however they were dealt out, and
 * files without a row that changed are kept. */
#include "flow/history.h"
#include "silver_events.h"

enum { RUNS_MAX = 5, TABLES = 6, TICKETS = 150 };

static const struct table_schema *schema_of(int table)
{
	const struct table_schema *const schemas[TABLES] = {&pqrs_silver_tickets, &pqrs_silver_preclassification,
		&pqrs_silver_messages, &pqrs_silver_status_events, &pqrs_silver_attachments, &pqrs_silver_quarantine};
	return schemas[table];
}

/* How events come to runs. */
struct deal {
	const char *name;
	int n_runs, n_tasks; /* tasks of the first run: the others have one */
	bool by_time;        /* else at random: closings before creations */
	bool open_last;      /* the last run brings nothing of its own to most tickets */
};

struct one_run {
	struct file_list bronze;
	struct task_result result; /* its outputs are all that stands after the run */
	int64_t as_of;
};
struct chain {
	struct lake lake;
	struct one_run runs[RUNS_MAX];
};

/* Of a table of events and their verdicts: the rows of all of them are the rows of bronze, less duplicates. */
static bool tells_verdicts(const char *table)
{
	return strncmp(table, "silver.", 7) == 0 && strstr(table, "dim_") == NULL &&
	       strcmp(table, "silver.preclassification") != 0;
}

static int64_t verdicts(const struct file_list *files)
{
	int64_t rows = 0;
	for (size_t i = 0; i < files->n; i++) rows += tells_verdicts(files->items[i].table) ? files->items[i].rows : 0;
	return rows;
}

/* What run r finds: bronze of all runs, and silver as the one before left it. */
static void set_inputs(struct chain *c, int r)
{
	struct lake *l = &c->lake;
	l->bronze = (struct file_list){.arena = &l->arena};
	l->standing = (struct file_list){.arena = &l->arena};
	for (int i = 0; i <= r; i++) {
		for (size_t k = 0; k < c->runs[i].bronze.n; k++)
			assert_true(file_list_add(&l->bronze, &c->runs[i].bronze.items[k]));
	}
	for (size_t k = 0; r > 0 && k < c->runs[r - 1].result.outputs.n; k++) {
		const struct file_ref *f = &c->runs[r - 1].result.outputs.items[k];
		if (strstr(f->table, "dim_") == NULL) assert_true(file_list_add(&l->standing, f));
	}
}

static void fold_run(struct chain *c, int r, int n_tasks)
{
	struct err err;
	struct lake *l = &c->lake;
	int64_t own = 0;
	set_inputs(c, r);
	l->since = r == 0 ? INT64_MIN : c->runs[r - 1].as_of;
	c->runs[r].as_of = l->run.as_of;
	CHECK_OK(&err, lake_silver(l, r == 0 ? n_tasks : 1, &err));
	c->runs[r].result = l->result;
	for (size_t i = 0; i < c->runs[r].bronze.n; i++) own += c->runs[r].bronze.items[i].rows;
	own += lake_counter(l, "history:due") - lake_counter(l, "deferred");
	CHECK_I64(verdicts(&l->result.outputs), verdicts(&l->standing) + own - lake_counter(l, "duplicates"));
}

/* Run r, of its own events. */
static void begin_run(struct chain *c, int r, const char *as_of, const struct ev *events, size_t n)
{
	c->lake.run.run_id[35] = (char)('0' + r);
	assert_true(time_parse(str_of(as_of), &c->lake.run.as_of));
	c->lake.bronze = (struct file_list){.arena = &c->lake.arena};
	lake_load(&c->lake, events, n, r == 0 ? 2 : 1 + (unsigned)r % 2, (unsigned)r);
	c->runs[r].bronze = c->lake.bronze;
}

static bool names(const struct file_list *files, const char *path)
{
	for (size_t i = 0; i < files->n; i++) {
		if (strcmp(files->items[i].path, path) == 0) return true;
	}
	return false;
}

/* How many files of the table and month that run r found it kept, of how many. */
static void check_kept(const struct chain *c, int r, const char *table, const char *month, size_t kept, size_t of)
{
	size_t n = 0, n_kept = 0;
	char where[32];
	(void)snprintf(where, sizeof where, "/month=%s/", month);
	for (size_t i = 0; i < c->runs[r - 1].result.outputs.n; i++) {
		const struct file_ref *f = &c->runs[r - 1].result.outputs.items[i];
		if (strcmp(f->table, table) != 0 || strstr(f->path, where) == NULL) continue;
		n++;
		n_kept += names(&c->runs[r].result.outputs, f->path);
	}
	if (n != of || n_kept != kept)
		fail_msg("run %d, %s of %s: kept %zu of %zu files, expected %zu of %zu", r, table, month, n_kept, n,
			kept, of);
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
	static const char *const as_of[RUNS_MAX] = {"2025-10-01T12:00:00.5Z", "2025-10-03T00:00:00Z",
		"2025-10-20T00:00:00Z", "2025-10-30T00:00:00Z", "2025-10-31T00:00:00Z"};
	struct chain c = {0};
	struct lake whole;
	struct err err;
	const size_t n = make_events(events, TICKETS);
	for (size_t i = 0; i < n; i++) {
		run[i] = run_of(&events[i], events, n, d);
		name_object(&events[i], run[i]);
	}
	lake_open(&c.lake, as_of[0]);
	for (int r = 0; r < d->n_runs; r++) {
		size_t k = 0;
		for (size_t i = 0; i < n; i++) {
			if (run[i] == r) part[k++] = events[i];
		}
		begin_run(&c, r, as_of[r + RUNS_MAX - d->n_runs], part, k);
		fold_run(&c, r, d->n_tasks);
	}
	lake_open(&whole, as_of[RUNS_MAX - 1]);
	lake_load(&whole, events, n, 2, 0);
	CHECK_OK(&err, lake_silver(&whole, 1, &err));
	for (int t = 0; t < TABLES; t++) {
		char **want, **got;
		const size_t n_want = lake_table(&whole, schema_of(t), &want);
		const size_t n_got = lake_table(&c.lake, schema_of(t), &got);
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
		{"two runs, one after the other", 2, 1, .by_time = true},
		{"five runs, one after the other", 5, 1, .by_time = true},
		{"the first in several tasks", 3, 8, .by_time = true},
		{"at random", 4, 3, .by_time = false},
		{"five at random", 5, 1, .by_time = false},
		{"at random, hardly anything at the end", 3, 1, .open_last = true},
	};
	for (size_t i = 0; i < sizeof deals / sizeof *deals; i++) {
		for (uint32_t seed = 1; seed <= 2; seed++) {
			draw_state = seed * 7919;
			check_deal(&deals[i]);
		}
	}
}

/* A ticket that is not touched keeps its row, its clock set on, also where its bronze is gone and so nobody can fold it again. */
static void test_bronze_is_gone(void **state)
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
	char **lines;
	struct chain c = {0};
	lake_open(&c.lake, "2025-10-03T00:00:00Z");
	begin_run(&c, 0, "2025-10-03T00:00:00Z", first, 3);
	fold_run(&c, 0, 1);
	char *before = strdup(lake_find(&c.lake, &pqrs_silver_tickets, "PQRS-1|email|P"));
	assert_non_null(before);
	begin_run(&c, 1, "2025-10-06T00:00:00Z", second, 2);
	c.runs[0].bronze.n = 0; /* all bronze of the first run was deleted */
	fold_run(&c, 1, 1);
	CHECK_I64(lake_table(&c.lake, &pqrs_silver_tickets, &lines), 3);
	CHECK_I64(lake_counter(&c.lake, "history:tickets_refreshed"), 2);
	CHECK_I64(lake_counter(&c.lake, "quarantine:orphan"), 1);
	char *clock = strstr(before, "|122400|"); /* 34 hours since it was radicated, and three days more */
	assert_non_null(clock);
	memcpy(clock, "|381600|", 8);
	assert_string_equal(lake_find(&c.lake, &pqrs_silver_tickets, "PQRS-1|email|P"), before);
	(void)lake_find(&c.lake, &pqrs_silver_tickets, "PQRS-1|email|Q");
	free(before);
	lake_close(&c.lake);
}

/* A chain over two months: what a run in time adds stands beside what it found; a late event that changes an earlier verdict has only
 * the files written again that hold a row of its ticket. */
static void test_what_is_kept(void **state)
{
	(void)state;
	const struct ev first[] = {
		{1, 1, EVENT_TICKET_CREATED, at("2025-09-03T13:00:00Z"), "P", "11001", "uno", "raw/0/a", 0},
		{1, 2, EVENT_MESSAGE_ADDED, at("2025-09-03T14:00:00Z"), "citizen", NULL, "x", "raw/0/a", 1},
		{2, 3, EVENT_TICKET_CREATED, at("2025-10-01T13:00:00Z"), "Q", "05001", "dos", "raw/0/a", 2},
		{2, 4, EVENT_MESSAGE_ADDED, at("2025-10-01T14:00:00Z"), "citizen", NULL, "y", "raw/0/a", 3},
		/* Refused: nobody has radicated it yet. */
		{1, 5, EVENT_STATUS_CHANGED, at("2025-09-05T14:00:00Z"), "RADICATED", "CLASSIFIED", NULL, "raw/0/a", 4},
		{2, 6, EVENT_STATUS_CHANGED, at("2025-10-01T15:00:00Z"), "RECEIVED", "RADICATED", NULL, "raw/0/a", 5},
	};
	const struct ev second[] = {
		{2, 7, EVENT_MESSAGE_ADDED, at("2025-10-05T14:00:00Z"), "agent", NULL, "z", "raw/1/a", 0},
		{3, 8, EVENT_TICKET_CREATED, at("2025-10-05T13:00:00Z"), "R", "11001", "tres", "raw/1/a", 1},
	};
	/* What the first run refused is allowed after all; and a late message that changes no verdict. */
	const struct ev third[] = {
		{1, 9, EVENT_STATUS_CHANGED, at("2025-09-04T14:00:00Z"), "RECEIVED", "RADICATED", NULL, "raw/2/a", 0},
		{2, 10, EVENT_MESSAGE_ADDED, at("2025-10-02T14:00:00Z"), "citizen", NULL, "late", "raw/2/a", 1},
	};
	char **lines;
	struct chain c = {0};
	lake_open(&c.lake, "2025-10-03T00:00:00Z");
	begin_run(&c, 0, "2025-10-03T00:00:00Z", first, sizeof first / sizeof *first);
	fold_run(&c, 0, 1);
	CHECK_I64(lake_table(&c.lake, &pqrs_silver_quarantine, &lines), 1);

	begin_run(&c, 1, "2025-10-06T00:00:00Z", second, 2);
	fold_run(&c, 1, 1);
	check_kept(&c, 1, "silver.messages", "2025-09", 1, 1);
	check_kept(&c, 1, "silver.messages", "2025-10", 1, 1);
	check_kept(&c, 1, "silver.status_events", "2025-10", 1, 1);
	check_kept(&c, 1, "silver.quarantine", "2025-09", 1, 1);
	check_kept(&c, 1, "silver.preclassification", "2025-09", 1, 1);
	check_kept(&c, 1, "silver.preclassification", "2025-10", 1, 1);
	CHECK_I64(lake_table(&c.lake, &pqrs_silver_messages, &lines), 3);
	CHECK_I64(lake_table(&c.lake, &pqrs_silver_preclassification, &lines), 3);

	begin_run(&c, 2, "2025-10-07T00:00:00Z", third, 2);
	fold_run(&c, 2, 1);
	check_kept(&c, 2, "silver.messages", "2025-09", 0, 1); /* of the dirty ticket */
	check_kept(&c, 2, "silver.messages", "2025-10", 2, 2); /* late, but no verdict changed */
	check_kept(&c, 2, "silver.status_events", "2025-10", 1, 1);
	check_kept(&c, 2, "silver.quarantine", "2025-09", 0, 1);
	check_kept(&c, 2, "silver.preclassification", "2025-10", 2, 2);
	CHECK_I64(lake_table(&c.lake, &pqrs_silver_quarantine, &lines), 0);
	CHECK_I64(lake_table(&c.lake, &pqrs_silver_status_events, &lines), 3);
	CHECK_I64(lake_table(&c.lake, &pqrs_silver_messages, &lines), 4);
	CHECK_I64(lake_counter(&c.lake, "history:flipped:status_events"), 1);
	CHECK_I64(lake_counter(&c.lake, "history:flipped:quarantine"), -1);
	CHECK_I64(lake_counter(&c.lake, "history:flipped:messages"), 0);
	(void)lake_find(&c.lake, &pqrs_silver_tickets, "|CLASSIFIED|");
	lake_close(&c.lake);
}

/* Of a run without an event of its own: rows that depend on as_of are told anew, all else is kept. */
static void test_later_and_nothing_new(void **state)
{
	(void)state;
	struct ev first[] = {
		{1, 1, EVENT_TICKET_CREATED, at("2025-09-03T13:00:00Z"), "P", "11001", "uno", "raw/0/a", 0},
		{2, 3, EVENT_TICKET_CREATED, at("2025-10-01T13:00:00Z"), "Q", "05001", "dos", "raw/0/a", 1},
		{1, 4, EVENT_STATUS_CHANGED, at("2025-09-03T14:00:00Z"), "RECEIVED", "RADICATED", NULL, "raw/0/a", 2},
		{1, 5, EVENT_STATUS_CHANGED, at("2025-09-03T15:00:00Z"), "RADICATED", "CLASSIFIED", NULL, "raw/0/a", 3},
		{1, 6, EVENT_STATUS_CHANGED, at("2025-09-03T16:00:00Z"), "CLASSIFIED", "ASSIGNED", NULL, "raw/0/a", 4},
		{1, 7, EVENT_STATUS_CHANGED, at("2025-09-03T17:00:00Z"), "ASSIGNED", "IN_PROGRESS", NULL, "raw/0/a", 5},
		{1, 8, EVENT_STATUS_CHANGED, at("2025-09-04T16:00:00Z"), "IN_PROGRESS", "RESPONDED", NULL, "raw/0/a",
			6},
		{1, 9, EVENT_STATUS_CHANGED, at("2025-09-05T16:00:00Z"), "RESPONDED", "CLOSED", NULL, "raw/0/a", 7},
	};
	struct chain c = {0};
	lake_open(&c.lake, "2025-10-03T00:00:00Z");
	begin_run(&c, 0, "2025-10-03T00:00:00Z", first, sizeof first / sizeof *first);
	fold_run(&c, 0, 1);
	(void)lake_find(&c.lake, &pqrs_silver_tickets, "|CLOSED|");
	c.lake.run.run_id[35] = '1';
	c.lake.run.as_of = at("2025-11-20T00:00:00Z");
	c.runs[1].bronze = (struct file_list){.arena = &c.lake.arena};
	fold_run(&c, 1, 1);
	CHECK_I64(lake_counter(&c.lake, "history:tickets_refreshed"), 1);
	check_kept(&c, 1, "silver.tickets", "2025-09", 1, 1); /* closed */
	check_kept(&c, 1, "silver.tickets", "2025-10", 0, 1); /* overdue by now */
	c.lake.run.run_id[35] = '2';                          /* of the same instant: nothing is written */
	c.runs[2].bronze = (struct file_list){.arena = &c.lake.arena};
	fold_run(&c, 2, 1);
	CHECK_I64(lake_counter(&c.lake, "history:tickets_refreshed"), 0);
	check_kept(&c, 2, "silver.tickets", "2025-09", 1, 1);
	check_kept(&c, 2, "silver.tickets", "2025-10", 1, 1);
	check_kept(&c, 1, "silver.status_events", "2025-09", 1, 1);
	check_kept(&c, 1, "silver.preclassification", "2025-10", 1, 1);
	lake_close(&c.lake);
}

/* Open, settled and final tickets of a month stand in files of their own from the second run on; an event of one writes its file again
 * alone. */
static void test_kinds(void **state)
{
	(void)state;
	enum { TICKETS_N = 3, CHANGES = 7 };
	static const char *const to[CHANGES + 1] = {
		"RECEIVED", "RADICATED", "CLASSIFIED", "ASSIGNED", "IN_PROGRESS", "RESPONDED", "CLOSED", "ARCHIVED"};
	static const int changes[TICKETS_N] = {2, 6, 7};
	struct ev first[TICKETS_N * (CHANGES + 1)];
	size_t n = 0;
	for (int k = 0; k < TICKETS_N; k++) {
		const int64_t ts = at("2025-10-01T13:00:00Z");
		const int id = 100 * (k + 1);
		first[n] = (struct ev){k + 1, id, EVENT_TICKET_CREATED, ts, "P", "11001", "x", "raw/0/a", (int64_t)n};
		n++;
		for (int i = 0; i < changes[k]; i++, n++)
			first[n] = (struct ev){k + 1, id + i + 1, EVENT_STATUS_CHANGED, ts + (i + 1) * US_PER_SECOND,
				to[i], to[i + 1], NULL, "raw/0/a", (int64_t)n};
	}
	const struct ev answer = {
		1, 900, EVENT_STATUS_CHANGED, at("2025-10-04T13:00:00Z"), "CLASSIFIED", "ASSIGNED", NULL, "raw/1/a", 0};
	const struct ev archive = {
		2, 901, EVENT_STATUS_CHANGED, at("2025-10-05T13:00:00Z"), "CLOSED", "ARCHIVED", NULL, "raw/2/a", 0};
	char **lines;
	struct chain c = {0};
	lake_open(&c.lake, "2025-10-03T00:00:00Z");
	begin_run(&c, 0, "2025-10-03T00:00:00Z", first, n);
	fold_run(&c, 0, 1);
	begin_run(&c, 1, "2025-10-05T00:00:00Z", &answer, 1);
	fold_run(&c, 1, 1);
	check_kept(&c, 1, "silver.tickets", "2025-10", 0, 1);
	begin_run(&c, 2, "2025-10-06T00:00:00Z", &archive, 1);
	fold_run(&c, 2, 1);
	check_kept(&c, 2, "silver.tickets", "2025-10", 1, 3); /* what was archived before */
	CHECK_I64(lake_table(&c.lake, &pqrs_silver_tickets, &lines), TICKETS_N);
	c.lake.run.run_id[35] = '3';
	c.lake.run.as_of = at("2025-10-07T00:00:00Z");
	c.runs[3].bronze = (struct file_list){.arena = &c.lake.arena};
	fold_run(&c, 3, 1);
	check_kept(&c, 3, "silver.tickets", "2025-10", 2, 3); /* both archives; the open one is written again */
	CHECK_I64(lake_table(&c.lake, &pqrs_silver_tickets, &lines), TICKETS_N);
	lake_close(&c.lake);
}

/* Nothing new, and a table whose log tells no number of rows: what stands is looked at all the same, by one task. */
static void test_plan_unknown_rows(void **state)
{
	(void)state;
	struct arena arena;
	struct err err;
	arena_init(&arena, 0);
	static const char *const base[] = {"11111111-2222-5333-8444-555555555550"};
	struct history h = {.runs = base, .n_runs = 1, .files.arena = &arena};
	const struct delta_pair run_id = {STR("run_id"), str_of(base[0])};
	const struct file_ref f = {.table = "bronze.pqrs_events",
		.path = "bronze/pqrs_events/x",
		.partition = {&run_id, 1},
		.rows = -1,
		.earlier = true};
	assert_true(file_list_add(&h.files, &f));
	const struct file_list none[2] = {{0}, {0}};
	const struct stage_view view = {.n_stages = 2, .files = none, .history = &h, .standing = &none[0]};
	struct task_list tasks = {.arena = &arena};
	CHECK_OK(&err, pqrs_silver_plan(&view, NULL, &tasks, &err));
	CHECK_I64(tasks.n, 2);
	CHECK_I64(tasks.items[0].inputs.n, 1);
	arena_deinit(&arena);
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

/* Files of earlier runs are checked before anything in them is believed: bronze, and what stands. */
static void test_changed_files(void **state)
{
	(void)state;
	const struct ev first = {
		1, 1, EVENT_TICKET_CREATED, at("2025-10-01T13:00:00Z"), "P", "11001", "uno", "raw/0/a", 0};
	const struct ev second = {
		2, 2, EVENT_TICKET_CREATED, at("2025-10-05T13:00:00Z"), "Q", "11001", "dos", "raw/1/a", 0};
	for (int which = 0; which < 2; which++) {
		struct chain c = {0};
		struct err err;
		lake_open(&c.lake, "2025-10-03T00:00:00Z");
		begin_run(&c, 0, "2025-10-03T00:00:00Z", &first, 1);
		fold_run(&c, 0, 1);
		begin_run(&c, 1, "2025-10-06T00:00:00Z", &second, 1);
		set_inputs(&c, 1);
		CHECK_OK(&err, lake_silver(&c.lake, 1, &err));
		const struct file_ref *f = &c.runs[0].bronze.items[0];
		for (size_t i = 0; which == 1 && i < c.lake.standing.n; i++) {
			if (strcmp(c.lake.standing.items[i].table, "silver.tickets") == 0)
				f = &c.lake.standing.items[i];
		}
		change(&c.lake, f);
		CHECK_FAILS(E_VERIFY, lake_silver(&c.lake, 1, &err));
		assert_string_equal(err.where, f->path);
		lake_close(&c.lake);
	}
}

/* Two tickets that share an event's id: the run that brings the second counts it where it has events of both, and is warned by its
 * check; one that only folds what stands is not. */
static void test_shared_ids(void **state)
{
	(void)state;
	static const struct {
		int tickets[3]; /* whose event each run tells */
		int ids[3];
		int64_t shared[3]; /* that each run counts */
	} cases[] = {{{1, 2, 2}, {7, 7, 8}, {0, 0, 0}}, {{1, 2, 2}, {7, 8, 7}, {0, 0, 1}},
		{{1, 2, 2}, {7, 8, 9}, {0, 0, 0}}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct chain c = {0};
		lake_open(&c.lake, "2025-10-09T00:00:00Z");
		for (int r = 0; r < 3; r++) {
			static const char *const objects[] = {"raw/0/a", "raw/1/a", "raw/2/a"};
			const int64_t ts = at("2025-10-01T13:00:00Z") + r * US_PER_DAY;
			const int ticket = cases[i].tickets[r];
			struct ev events[2] = {{ticket, cases[i].ids[r], EVENT_MESSAGE_ADDED, ts + 1, "citizen", NULL,
						       "x", objects[r], 0},
				{ticket, 100 + r, EVENT_TICKET_CREATED, ts, "P", "11001", "uno", objects[r], 1}};
			if (r == 2)
				events[1] = (struct ev){
					1, 102, EVENT_MESSAGE_ADDED, ts, "citizen", NULL, "y", objects[r], 1};
			begin_run(&c, r, "2025-10-09T00:00:00Z", events, 2);
			fold_run(&c, r, 1);
			CHECK_I64(lake_counter(&c.lake, "event_id_shared"), cases[i].shared[r]);
		}
		lake_close(&c.lake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_deal), cmocka_unit_test(test_bronze_is_gone),
		cmocka_unit_test(test_what_is_kept), cmocka_unit_test(test_later_and_nothing_new),
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_plan_unknown_rows),
		cmocka_unit_test(test_changed_files), cmocka_unit_test(test_shared_ids)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
