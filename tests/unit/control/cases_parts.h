/* Cases of publishing by parts, on either control plane: the second half of cases.h, which includes it. */
#ifndef PQR_TEST_CONTROL_CASES_PARTS_H
#define PQR_TEST_CONTROL_CASES_PARTS_H

/* ---- parts ---------------------------------------------------------------------------------------------------------- */

static const struct column_def monthly_columns[] = {
	{.name = "id", .type = COL_STRING, .key = true, .id = true},
	{.name = "n", .type = COL_INT64},
	{.name = "note", .type = COL_STRING, .nullable = true},
	{.name = "month", .type = COL_STRING, .partition = true},
	{.name = "run_id", .type = COL_STRING, .partition = true},
};
static const struct table_schema monthly = {.name = "monthly",
	.layer = "gold",
	.contract = "w/v1",
	.description = "rows of months",
	.columns = monthly_columns,
	.n_columns = 5};
enum { MONTHS = 4 };

/* What the lake holds: of each month `rows` rows whose n is `n`; files names it. A month without files is not there. */
struct month {
	const char *name, *files;
	int64_t rows, n;
	const char *run_id;
};

static const char *months_long_id; /* of the first row; NULL: as the others */

/* changes[n]: what is said of its rows; n == 0: they are all of the month. The first failure is returned. */
static inline status give_changes(struct plane *p, struct control_publish *publish, const struct month *m,
	const struct control_change *changes, size_t n)
{
	status code = OK;
	struct builder b[3];
	struct column columns[3];
	const char *const partitions[] = {m->name, m->run_id};
	for (size_t i = 0; i < 3; i++) builder_init(&b[i], &monthly_columns[i], i == 2);
	for (int64_t row = 0; row < m->rows; row++) {
		char id[40];
		(void)snprintf(id, sizeof id, "%s-%lld", m->name, (long long)row);
		const bool is_long = row == 0 && months_long_id != NULL;
		builder_set_str(&b[0], row, str_of(is_long ? months_long_id : id));
		builder_set_i64(&b[1], row, row == 0 ? m->n : 0); /* the first row alone differs */
		if (row % 2 == 1) builder_set_str(&b[2], row, STR("it's odd"));
	}
	for (size_t i = 0; i < 3; i++) assert_int_equal(builder_finish(&b[i], m->rows, &columns[i], NULL), OK);
	const struct batch batch = {.schema = &monthly, .n_columns = 3, .columns = columns, .n_rows = m->rows};
	if (m->rows > 0 && n == 0) code = control_publish_batch(publish, &batch, partitions, &p->err);
	for (size_t i = 0; i < n && code == OK; i++)
		code = control_publish_change(publish, &batch, partitions, &changes[i], &p->err);
	for (size_t i = 0; i < 3; i++) builder_deinit(&b[i]);
	return code;
}

static inline void give_month(struct plane *p, struct control_publish *publish, const struct month *m)
{
	CHECK_OK(&p->err, give_changes(p, publish, m, NULL, 0));
}

/* Everything up to the commit. told: the months that were asked for, by their last letter, "" = none. */
static inline struct control_publish *stage_months(struct plane *p, const struct control_lease *l,
	const struct month *months, struct control_part *parts, const char *told)
{
	struct control_publish *publish = NULL;
	struct control_table t = {.schema = &monthly, .parts = parts};
	char asked[MONTHS + 1] = "";
	int64_t want = 0, rows = -1;
	for (size_t i = 0; i < MONTHS; i++) {
		if (months[i].files == NULL) continue;
		parts[t.n_parts++] = (struct control_part){.name = months[i].name, .files = months[i].files};
		want += months[i].rows;
	}
	CHECK_OK(&p->err, control_publish_begin(p->c, l, &publish, &p->err));
	CHECK_OK(&p->err, control_publish_look(publish, &t, 1, &p->err));
	CHECK_OK(&p->err, control_publish_table(publish, &t, &p->err));
	for (size_t i = 0, k = 0, n = 0; i < MONTHS; i++) {
		if (months[i].files == NULL || !parts[k++].told) continue;
		asked[n++] = months[i].name[strlen(months[i].name) - 1];
		asked[n] = '\0';
		give_month(p, publish, &months[i]);
	}
	assert_string_equal(asked, told);
	CHECK_OK(&p->err, control_publish_table_end(publish, &rows, &p->err));
	assert_int_equal(rows, want);
	return publish;
}

static inline void publish_months(
	struct plane *p, const struct control_lease *l, const struct month *months, const char *told)
{
	const struct control_stage stage = {.run_id = l->run_id, .name = "publish", .committed_at = time_now_us()};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	struct control_part parts[MONTHS];
	struct control_publish *publish = stage_months(p, l, months, parts, told);
	CHECK_OK(&p->err, control_publish_commit(publish, &stage, &layer, &p->err));
	control_publish_destroy(publish);
}

/* Of each month: its rows, the sum of n, and how many rows each run changed last. */
static inline void months_are(struct plane *p, const char *want)
{
	query_is(p,
		&(struct control_select){.sql = "SELECT month, count(*), sum(n), sum(CASE WHEN run_id = '" RUN
						"' THEN 1 ELSE 0 END) FROM gold.monthly GROUP BY month ORDER BY month"},
		want);
}

static void test_parts(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease a, b;
	plane_open(&p);
	hold(&p, &a, RUN);
	hold(&p, &b, OTHER);
	struct month months[MONTHS] = {{"2025-1", "a", 5, 10, RUN}, {"2025-2", "b", 3, 20, RUN},
		{"2025-3", "c", 4, 30, RUN}, {"it's 4", NULL, 0, 0, RUN}};
	publish_months(&p, &a, months, "123");
	months_are(&p, "2025-1|5|10|5\n2025-2|3|20|3\n2025-3|4|30|4\n");
	publish_months(&p, &a, months, "");
	/* Another run tells one month anew, of which one row differs and one is new, and a month that was not there. */
	months[1] = (struct month){"2025-2", "B", 4, 21, OTHER};
	months[3] = (struct month){"it's 4", "d", 2, 40, OTHER};
	publish_months(&p, &b, months, "24");
	months_are(&p, "2025-1|5|10|5\n2025-2|4|21|2\n2025-3|4|30|4\nit's 4|2|40|0\n");
	/* A month goes without another being told; one loses rows. */
	months[0].files = NULL;
	publish_months(&p, &b, months, "");
	months_are(&p, "2025-2|4|21|2\n2025-3|4|30|4\nit's 4|2|40|0\n");
	months[2] = (struct month){"2025-3", "C", 1, 30, OTHER};
	publish_months(&p, &b, months, "3");
	months_are(&p, "2025-2|4|21|2\n2025-3|1|30|1\nit's 4|2|40|0\n");
	/* Rows that somebody took away are told again, rows that somebody added go. */
	by_hand(&p, control_is_server(p.c) ? "DELETE FROM gold.monthly WHERE month = 'it''s 4' AND n = 0"
					   : "DELETE FROM gold_monthly WHERE month = 'it''s 4' AND n = 0");
	publish_months(&p, &b, months, "234");
	months_are(&p, "2025-2|4|21|2\n2025-3|1|30|1\nit's 4|2|40|0\n");
	/* What is remembered got lost: all is compared, nothing changes. */
	by_hand(&p, control_is_server(p.c) ? "DELETE FROM meta.published_parts" : "DELETE FROM meta_published_parts");
	for (int i = 0; i < MONTHS; i++) months[i].run_id = OTHER;
	publish_months(&p, &b, months, "234");
	months_are(&p, "2025-2|4|21|2\n2025-3|1|30|1\nit's 4|2|40|0\n");
	publish_months(&p, &a, months, "");
	/* The table itself got lost, or is of another definition. */
	by_hand(&p, control_is_server(p.c) ? "DROP TABLE gold.monthly" : "DROP TABLE gold_monthly");
	publish_months(&p, &b, months, "234");
	months_are(&p, "2025-2|4|21|0\n2025-3|1|30|0\nit's 4|2|40|0\n");
	by_hand(&p, control_is_server(p.c) ? "UPDATE meta.serving_objects SET definition = 'x'"
					   : "ALTER TABLE gold_monthly ADD x");
	publish_months(&p, &b, months, "234");
	months_are(&p, "2025-2|4|21|0\n2025-3|1|30|0\nit's 4|2|40|0\n");
	plane_close(&p);
}

/* The second month by what changed of it, from the files `before`. The first failure, of the commit too. */
static inline status publish_changed(struct plane *p, const struct control_lease *l, const struct month *months,
	const char *before, const struct control_change *changes, size_t n)
{
	const struct control_stage stage = {.run_id = l->run_id, .name = "publish", .committed_at = time_now_us()};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	struct control_part parts[3];
	struct control_table t = {.schema = &monthly, .parts = parts, .n_parts = 3, .changes = true};
	struct control_publish *publish = NULL;
	int64_t rows = -1;
	for (size_t i = 0; i < 3; i++)
		parts[i] = (struct control_part){
			months[i].name, months[i].files, i == 1 ? before : months[i].files, false, 0};
	CHECK_OK(&p->err, control_publish_begin(p->c, l, &publish, &p->err));
	CHECK_OK(&p->err, control_publish_look(publish, &t, 1, &p->err));
	status code = OK;
	if (t.changes) {
		assert_true(!parts[0].told && parts[1].told && !parts[2].told);
		CHECK_OK(&p->err, control_publish_table(publish, &t, &p->err));
		code = give_changes(p, publish, &months[1], changes, n);
		if (code == OK) code = control_publish_table_end(publish, &rows, &p->err);
		if (code == OK) code = control_publish_commit(publish, &stage, &layer, &p->err);
		if (code == OK) assert_int_equal(rows, months[0].rows + months[1].rows + months[2].rows - 1);
	}
	const bool by_changes = t.changes;
	control_publish_destroy(publish);
	return by_changes ? code : E_UNSUPPORTED;
}

/* A part is told by what changed of it, where what is published is what it changed from; else nothing is believed. */
static void test_parts_changes(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease a, b;
	static const uint32_t first[] = {0}, second[] = {1}, fresh[] = {3, 4};
	const struct control_change changes[] = {
		{CONTROL_ROWS_NEW, fresh, 2}, {CONTROL_ROWS_OTHER, first, 1}, {CONTROL_ROWS_GONE, second, 1}};
	plane_open(&p);
	hold(&p, &a, RUN);
	hold(&p, &b, OTHER);
	struct month months[MONTHS] = {{"2025-1", "a", 5, 10, RUN}, {"2025-2", "b", 3, 20, RUN},
		{"2025-3", "c", 4, 30, RUN}, {"", NULL, 0, 0, RUN}};
	publish_months(&p, &a, months, "123");
	/* Of the second month the first row differs, the second goes, two are new. */
	months[1] = (struct month){"2025-2", "B", 5, 21, OTHER};
	CHECK_FAILS(E_UNSUPPORTED, publish_changed(&p, &b, months, "x", changes, 3));
	CHECK_FAILS(E_UNSUPPORTED, publish_changed(&p, &b, months, NULL, changes, 3));
	months_are(&p, "2025-1|5|10|5\n2025-2|3|20|3\n2025-3|4|30|4\n");
	CHECK_OK(&p.err, publish_changed(&p, &b, months, "b", changes, 3));
	months_are(&p, "2025-1|5|10|5\n2025-2|4|21|1\n2025-3|4|30|4\n");
	/* Remembered with its files and rows: nothing is told, and what it changed from is no more. */
	CHECK_FAILS(E_UNSUPPORTED, publish_changed(&p, &b, months, "b", changes, 3));
	months[1].rows = 4;
	publish_months(&p, &b, months, "");
	/* A row that does not stand can't change, nor go; one that stands is not new. */
	months[1] = (struct month){"2025-2", "C", 5, 22, OTHER};
	for (size_t i = 0; i < 3; i++) {
		const struct control_change wrong = {changes[i].kind, second, 1}, again = {changes[i].kind, first, 1};
		const bool is_new = wrong.kind == CONTROL_ROWS_NEW;
		CHECK_FAILS(E_CONFLICT, publish_changed(&p, &b, months, "B", is_new ? &again : &wrong, 1));
		assert_int_equal(p.err.class, ERR_RETRY);
		months_are(&p, "2025-1|5|10|5\n2025-2|4|21|1\n2025-3|4|30|4\n");
	}
	plane_close(&p);
}

/* A row of many moves to their end when it changes, where the database keeps rows in places (SQLite): there it is found by its key, and
 * among those of its part, again. */
static void test_parts_changes_far(void **state)
{
	(void)state;
	enum { MANY = 100000 };
	struct plane p;
	struct control_lease a, b;
	static const uint32_t first[] = {0}, second[] = {1}, fresh[] = {3};
	const struct control_change changes[] = {
		{CONTROL_ROWS_NEW, fresh, 1}, {CONTROL_ROWS_OTHER, first, 1}, {CONTROL_ROWS_GONE, second, 1}};
	const struct control_select moved = {.sql = "SELECT month, n FROM gold.monthly WHERE rowid > 100008"};
	plane_open(&p);
	hold(&p, &a, RUN);
	hold(&p, &b, OTHER);
	struct month months[MONTHS] = {{"2025-1", "a", 5, 10, RUN}, {"2025-2", "b", 3, 20, RUN},
		{"2025-3", "c", MANY, 30, RUN}, {"", NULL, 0, 0, RUN}};
	publish_months(&p, &a, months, "123");
	months[1] = (struct month){"2025-2", "B", 4, 21, OTHER};
	CHECK_OK(&p.err, publish_changed(&p, &b, months, "b", changes, 3));
	months_are(&p, "2025-1|5|10|5\n2025-2|3|21|1\n2025-3|100000|30|100000\n");
	/* The new row, and the one that moved behind it. */
	if (!control_is_server(p.c)) query_is(&p, &moved, "2025-2|0\n2025-2|21\n");
	/* All of the month told: what moved is met where it lies now. */
	months[1] = (struct month){"2025-2", "D", 4, 21, OTHER};
	publish_months(&p, &b, months, "2");
	months_are(&p, "2025-1|5|10|5\n2025-2|4|21|1\n2025-3|100000|30|100000\n");
	plane_close(&p);
}

/* A publication that is given up leaves neither rows nor what is remembered of them. */
static void test_parts_given_up(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	struct control_part parts[MONTHS];
	plane_open(&p);
	hold(&p, &l, RUN);
	struct month months[MONTHS] = {{"2025-1", "a", 5, 10, RUN}, {"2025-2", "b", 3, 20, RUN}};
	months[2].name = months[3].name = "";
	control_publish_destroy(stage_months(&p, &l, months, parts, "12"));
	publish_months(&p, &l, months, "12");
	months[0] = (struct month){"2025-1", "A", 6, 11, RUN};
	control_publish_destroy(stage_months(&p, &l, months, parts, "1"));
	months_are(&p, "2025-1|5|10|5\n2025-2|3|20|3\n");
	publish_months(&p, &l, months, "1");
	months_are(&p, "2025-1|6|11|6\n2025-2|3|20|3\n");
	publish_months(&p, &l, months, "");
	plane_close(&p);
}

/* A process that is killed while it publishes leaves the tables as they were, and what is remembered of them. */
static void test_parts_killed(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	struct control_part parts[MONTHS];
	int how = 0;
	plane_open(&p);
	hold(&p, &l, RUN);
	struct month months[MONTHS] = {{"2025-1", "a", 5, 10, RUN}, {"2025-2", "b", 3, 20, RUN}};
	months[2].name = months[3].name = "";
	publish_months(&p, &l, months, "12");
	months[0] = (struct month){"2025-1", "A", 6, 11, RUN};
	const pid_t pid = fork();
	if (pid == 0) {
		struct plane q = p;
		if (control_open(p.uri, &q.c, &q.err) == OK && stage_months(&q, &l, months, parts, "1") != NULL)
			(void)raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &how, 0), pid);
	assert_true(WIFSIGNALED(how));
	months_are(&p, "2025-1|5|10|5\n2025-2|3|20|3\n");
	publish_months(&p, &l, months, "1");
	months_are(&p, "2025-1|6|11|6\n2025-2|3|20|3\n");
	plane_close(&p);
}

#endif
