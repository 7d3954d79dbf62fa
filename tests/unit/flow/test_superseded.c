/* Is it right that a committed file is gone? Tables of a lake, each in a state of its own, and what is said of one file of a run's. */
#include "lake.h"

#include "flow/superseded.h"
#include "table/write/replace.h"

#define RUN "11111111-2222-4333-8444-555555555555"
#define LATER "22222222-2222-4333-8444-555555555555"

static const struct column_def part_columns[] = {
	{.name = "id", .type = COL_INT64, .key = true, .description = "id"},
	{.name = "run_id", .type = COL_STRING, .partition = true, .description = "run"},
};
static const struct column_def whole_columns[] = {{.name = "id", .type = COL_INT64, .key = true, .description = "id"}};
#define TABLE(table, cols)                                                                                           \
	{                                                                                                            \
		.name = table, .layer = "silver", .contract = "t/v1", .description = "t", .columns = cols##_columns, \
		.n_columns = sizeof cols##_columns / sizeof *cols##_columns                                          \
	}
static const struct table_schema facts = TABLE("facts", part), dims = TABLE("dims", whole);
static const struct table_schema *const tables[] = {&facts, &dims};
static const struct workload workload = {.name = "t", .tables = tables, .n_tables = 2};

/* A file that stands in a table's log, whether it is in the lake or not: superseded looks at logs alone. */
struct part {
	const char *name;
	int64_t rows; /* -1: the log does not say */
};

/* One commit that leaves `run` with these parts of the table; of dims, the table. app: whose txn it is, NULL = nobody's. */
static void replace(struct lake *l, const struct table_schema *t, const char *run, const char *app,
	const struct part *parts, size_t n)
{
	const bool has_run = t->n_columns == 2;
	struct delta_add adds[4];
	struct delta_pair pair = {STR("run_id"), str_of(run)};
	struct delta_replace_result result;
	char paths[4][RUN_KEY_MAX], stats[4][64], app_id[RUN_KEY_MAX], root[RUN_KEY_MAX];
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(paths[i], sizeof paths[i], has_run ? "run_id=%2$s/%1$s" : "%1$s", parts[i].name, run);
		(void)snprintf(stats[i], sizeof stats[i], "{\"numRecords\":%lld}", (long long)parts[i].rows);
		adds[i] = (struct delta_add){.path = str_of(paths[i]),
			.partition = {&pair, has_run},
			.size = 10,
			.modified_ms = 1,
			.data_change = true,
			.stats = parts[i].rows >= 0 ? str_of(stats[i]) : STR("{}")};
	}
	const struct delta_replace r = {.schema = t,
		.column = has_run ? "run_id" : NULL,
		.value = has_run ? run : NULL,
		.files = adds,
		.n_files = n,
		.app_id = app != NULL ? flow_app_id(app, "silver", app_id) : STR("another"),
		.operation = "WRITE",
		.info = "\"by\":\"test\""};
	flow_table_root(t, root);
	CHECK_OK(&l->err, delta_replace(l->store, root, &r, &result, &l->err));
}

/* The commit of RUN's silver: two files of facts, 10 and 5 rows, and one of dims. */
struct fixture {
	struct lake lake;
	struct arena arena;
	struct commit commit;
};
static void fixture_open(struct fixture *f)
{
	static const struct file_ref files[] = {
		{.table = "silver.facts", .path = "silver/facts/run_id=" RUN "/a", .rows = 10},
		{.table = "silver.facts", .path = "silver/facts/run_id=" RUN "/b", .rows = 5},
		{.table = "silver.dims", .path = "silver/dims/d", .rows = 7},
		{.table = "rejects.t", .path = "rejects/t/r", .rows = 1},
	};
	lake_open(&f->lake);
	arena_init(&f->arena, 0);
	commit_init(&f->commit, &f->arena);
	f->commit.stage = "silver";
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		assert_true(file_list_add(&f->commit.files, &files[i]));
}

static void fixture_close(struct fixture *f)
{
	arena_deinit(&f->arena);
	lake_close(&f->lake);
}

/* Of file i of the commit. */
static bool superseded(struct fixture *f, size_t i)
{
	struct superseded *s = NULL;
	bool out = true;
	struct err *err = &f->lake.err;
	CHECK_OK(err, superseded_create(f->lake.store, &workload, RUN, &s, err));
	CHECK_OK(err, superseded_check(s, &f->commit.files.items[i], &out, err));
	superseded_destroy(s);
	return out;
}

static void test_a_part_of_its_run(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		const char *app; /* who committed the run's part */
		struct part parts[3];
		size_t n;
		bool a, b; /* may they be gone? */
	} cases[] = {
		{"as committed", RUN, {{"a", 10}, {"b", 5}}, 2, false, false},
		{"both in another file", RUN, {{"c", 15}}, 1, true, true},
		{"one of them in another file", RUN, {{"b", 5}, {"c", 10}}, 2, true, false},
		/* Rows may go to later runs' files, all of them too. */
		{"fewer rows", RUN, {{"c", 14}}, 1, true, true},
		{"the log does not tell the rows", RUN, {{"c", -1}}, 1, true, true},
		{"nothing is left", RUN, {{NULL, 0}}, 0, true, true},
		{"never committed by the run", NULL, {{"c", 15}}, 1, false, false},
		{"committed by another", LATER, {{"c", 15}}, 1, false, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f;
		fixture_open(&f);
		/* The log of another run's rows stands beside; they do not count. */
		replace(&f.lake, &facts, LATER, LATER, &(struct part){"z", 100}, 1);
		if (cases[i].n == 0) replace(&f.lake, &facts, RUN, RUN, &(struct part){"a", 10}, 1);
		replace(&f.lake, &facts, RUN, cases[i].app, cases[i].parts, cases[i].n);
		if (superseded(&f, 0) != cases[i].a || superseded(&f, 1) != cases[i].b)
			fail_msg("%s: expected %d %d", cases[i].what, cases[i].a, cases[i].b);
		fixture_close(&f);
	}
}

/* A table that each run writes whole: a later run's content is as good, once the run's own commit was seen. */
static void test_a_whole_table(void **state)
{
	(void)state;
	struct fixture f;
	fixture_open(&f);
	replace(&f.lake, &dims, RUN, LATER, &(struct part){"e", 9}, 1);
	assert_false(superseded(&f, 2)); /* only the later run was there */
	replace(&f.lake, &dims, RUN, RUN, &(struct part){"d", 7}, 1);
	assert_false(superseded(&f, 2)); /* the table names it */
	replace(&f.lake, &dims, RUN, LATER, &(struct part){"e", 9}, 1);
	assert_true(superseded(&f, 2));
	fixture_close(&f);
}

static void test_no_table(void **state)
{
	(void)state;
	struct fixture f;
	fixture_open(&f);
	assert_false(superseded(&f, 0)); /* facts has no log */
	assert_false(superseded(&f, 3)); /* rejects are no table */
	fixture_close(&f);
}

/* A table is read once: what others commit meanwhile is not seen, so that all files of a look are judged alike. */
static void test_one_look(void **state)
{
	(void)state;
	struct fixture f;
	struct superseded *s = NULL;
	bool a = false, b = true;
	fixture_open(&f);
	struct err *err = &f.lake.err;
	replace(&f.lake, &facts, RUN, RUN, &(struct part){"c", 15}, 1);
	CHECK_OK(err, superseded_create(f.lake.store, &workload, RUN, &s, err));
	CHECK_OK(err, superseded_check(s, &f.commit.files.items[0], &a, err));
	replace(&f.lake, &facts, RUN, RUN, (const struct part[]){{"a", 10}, {"b", 5}}, 2);
	CHECK_OK(err, superseded_check(s, &f.commit.files.items[1], &b, err));
	assert_true(a && b);
	superseded_destroy(s);
	superseded_destroy(NULL);
	fixture_close(&f);
}

static void test_broken_log(void **state)
{
	(void)state;
	struct fixture f;
	struct superseded *s = NULL;
	bool out = false;
	fixture_open(&f);
	struct err *err = &f.lake.err;
	replace(&f.lake, &facts, RUN, RUN, &(struct part){"c", 15}, 1);
	CHECK_OK(err, store_put(f.lake.store, "silver/facts/_delta_log/00000000000000000001.json", "{", 1, err));
	CHECK_OK(err, superseded_create(f.lake.store, &workload, RUN, &s, err));
	CHECK_FAILS(E_CORRUPT, superseded_check(s, &f.commit.files.items[0], &out, err));
	superseded_destroy(s);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_part_of_its_run),
		cmocka_unit_test(test_a_whole_table),
		cmocka_unit_test(test_no_table),
		cmocka_unit_test(test_one_look),
		cmocka_unit_test(test_broken_log),
	};
	return cmocka_run_group_tests_name("superseded", tests, NULL, NULL);
}
