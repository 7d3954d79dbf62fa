#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rng.h"
#include "fault_store.h"
#include "log_text.h"
#include "table/log/history.h"
#include "table/log/log.h"
#include "table/write/replace.h"

static const struct column_def columns[] = {{.name = "id", .type = COL_STRING, .description = "id"},
	{.name = "n", .type = COL_INT64, .nullable = true},
	{.name = "price", .type = COL_DECIMAL, .precision = 12, .scale = 2, .nullable = true},
	{.name = "run_id", .type = COL_STRING, .partition = true}};
static const struct table_schema schema = {
	.name = "tickets", .layer = "silver", .description = "the tickets", .columns = columns, .n_columns = 4};

struct files {
	struct delta_add adds[8];
	struct delta_pair pairs[8];
	char paths[8][96];
	size_t n;
};

/* names: one character a file, 'a' of 97 bytes and so on. */
static struct files files_of(const char *run, const char *names)
{
	struct files f = {.n = strlen(names)};
	(void)run;
	for (size_t i = 0; i < f.n; i++) {
		(void)snprintf(f.paths[i], sizeof f.paths[i], "run_id=%s/part-%c.parquet", run, names[i]);
		f.adds[i] = (struct delta_add){
			.size = names[i], .modified_ms = 1, .data_change = true, .stats = STR("{\"numRecords\":1}")};
	}
	return f;
}

static status replace_with(struct store *store, const struct table_schema *s, const char *run, const char *names,
	struct delta_replace_result *out, struct err *err)
{
	struct files f = files_of(run, names);
	for (size_t i = 0; i < f.n; i++) {
		f.pairs[i] = (struct delta_pair){STR("run_id"), str_of(run)};
		f.adds[i].path = str_of(f.paths[i]);
		f.adds[i].partition = (struct delta_pairs){&f.pairs[i], 1};
	}
	const struct delta_replace r = {.schema = s,
		.column = "run_id",
		.value = run,
		.files = f.adds,
		.n_files = f.n,
		.app_id = str_of(run),
		.operation = "WRITE",
		.info = "\"pqrStage\":\"silver\""};
	return delta_replace(store, "t", &r, out, err);
}

static void check_replace(struct log_lake *l, const char *run, const char *names, int64_t version, bool committed)
{
	struct delta_replace_result result;
	CHECK_OK(&l->err, replace_with(l->store, &schema, run, names, &result, &l->err));
	CHECK_I64(result.version, version);
	CHECK_I64(result.committed, committed);
}

static void test_replace(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_snapshot *s = NULL;
	log_lake_open(&l);
	check_replace(&l, "r1", "ab", 0, true);
	check_replace(&l, "r1", "ab", 0, false);
	check_replace(&l, "r1", "ba", 0, false); /* in any order */
	check_replace(&l, "r2", "c", 1, true);
	check_replace(&l, "r1", "bd", 2, true);
	check_replace(&l, "r1", "ab", 3, true);
	check_snapshot(l.store, -1,
		"v3 files run_id=r1/part-a.parquet(run_id=r1) run_id=r1/part-b.parquet(run_id=r1) "
		"run_id=r2/part-c.parquet(run_id=r2)"
		" tombstones run_id=r1/part-d.parquet txns r1=2 r2=0");
	check_replace(&l, "r1", "", 4, true);
	check_replace(&l, "r1", "", 4, false);
	check_replace(&l, "r3", "", 4, false);
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err));
	CHECK_I64(s->n_files, 1);
	CHECK_I64(s->protocol.min_reader, 1);
	CHECK_I64(s->protocol.min_writer, 2);
	assert_true(str_is(s->metadata.name, "tickets"));
	CHECK_I64(s->metadata.id.n, 36);
	assert_true(s->metadata.created_ms > 0);
	CHECK_I64(s->schema.n, 4);
	CHECK_I64(s->schema.columns[3].partition_index, 0);
	delta_snapshot_close(s);
	log_lake_close(&l);
}

static void test_empty_table(void **state)
{
	(void)state;
	struct log_lake l;
	log_lake_open(&l);
	check_replace(&l, "r1", "", 0, true); /* a table without files is a table */
	check_replace(&l, "r1", "", 0, false);
	check_snapshot(l.store, -1, "v0 files txns r1=0");
	log_lake_close(&l);
}

static void test_whole_table(void **state)
{
	(void)state;
	static const struct table_schema flat = {.name = "flat", .layer = "gold", .columns = columns, .n_columns = 3};
	struct log_lake l;
	struct delta_replace_result result;
	log_lake_open(&l);
	for (int round = 0; round < 4; round++) {
		struct delta_add a = {.path = round < 2 ? STR("one") : STR("two"),
			.size = round == 3 ? 9 : 5,
			.modified_ms = 1,
			.data_change = true};
		const struct delta_replace r = {.schema = &flat, .files = &a, .n_files = 1, .operation = "WRITE"};
		CHECK_OK(&l.err, delta_replace(l.store, "t", &r, &result, &l.err));
		CHECK_I64(result.committed, round != 1);
	}
	check_snapshot(
		l.store, -1, "v2 files two tombstones one"); /* the same path with another size is described anew */
	log_lake_close(&l);
}

/* ---- patches: files of anybody's go, others come ---------------------------------------------------------------------- */

struct patch {
	const char *run, *names; /* files to add: run_id=<run>/part-<name>.parquet */
	const char *from, *removed;
	int64_t claim; /* 0 = none */
};

static status patch_with(struct store *store, const struct patch *p, struct delta_replace_result *out, struct err *err)
{
	struct files f = files_of(p->run, p->names), gone = files_of(p->from, p->removed);
	struct str removed[8];
	for (size_t i = 0; i < f.n; i++) {
		f.pairs[i] = (struct delta_pair){STR("run_id"), str_of(p->run)};
		f.adds[i].path = str_of(f.paths[i]);
		f.adds[i].partition = (struct delta_pairs){&f.pairs[i], 1};
	}
	for (size_t i = 0; i < gone.n; i++) removed[i] = str_of(gone.paths[i]);
	const struct delta_replace r = {.schema = &schema,
		.files = f.adds,
		.n_files = f.n,
		.patch = true,
		.removed = removed,
		.n_removed = gone.n,
		.app_id = str_of(p->run),
		.claim_id = p->claim > 0 ? STR("history") : (struct str){0},
		.claim_version = p->claim,
		.operation = "WRITE"};
	return delta_replace(store, "t", &r, out, err);
}

static void check_patch(struct log_lake *l, const struct patch *p, int64_t version, bool committed)
{
	struct delta_replace_result result;
	CHECK_OK(&l->err, patch_with(l->store, p, &result, &l->err));
	CHECK_I64(result.version, version);
	CHECK_I64(result.committed, committed);
}

static void test_patch(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_replace_result result;
	log_lake_open(&l);
	check_patch(&l, &(struct patch){"r1", "ab", "", "", 0}, 0, true); /* makes the table */
	check_patch(&l, &(struct patch){"r2", "c", "r1", "a", 0}, 1, true);
	check_patch(&l, &(struct patch){"r2", "c", "r1", "a", 0}, 1, false); /* again: nothing */
	check_snapshot(l.store, -1,
		"v1 files run_id=r1/part-b.parquet(run_id=r1) run_id=r2/part-c.parquet(run_id=r2)"
		" tombstones run_id=r1/part-a.parquet txns r1=0 r2=0");
	/* what is to go is gone, and what should stand in its place is not there */
	CHECK_FAILS(E_CONFLICT, patch_with(l.store, &(struct patch){"r3", "d", "r1", "a", 0}, &result, &l.err));
	assert_non_null(strstr(l.err.message, "part-a.parquet"));
	check_patch(&l, &(struct patch){"r3", "", "r9", "z", 0}, 1, false); /* gone, as it should be */
	/* an append and a removal alone */
	check_patch(&l, &(struct patch){"r3", "e", "", "", 0}, 2, true);
	check_patch(&l, &(struct patch){"r4", "", "r3", "e", 0}, 3, true);
	check_snapshot(l.store, -1,
		"v3 files run_id=r1/part-b.parquet(run_id=r1) run_id=r2/part-c.parquet(run_id=r2)"
		" tombstones run_id=r1/part-a.parquet run_id=r3/part-e.parquet txns r1=0 r2=0 r3=0 r4=0");
	log_lake_close(&l);
}

/* Two that go on from the same state: the second is told, whatever it would change. */
static void test_patch_claim(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_replace_result result;
	log_lake_open(&l);
	check_patch(&l, &(struct patch){"r1", "a", "", "", 1}, 0, true);
	check_patch(&l, &(struct patch){"r1", "a", "", "", 1}, 0, false);
	check_patch(&l, &(struct patch){"r2", "b", "", "", 2}, 1, true);
	CHECK_FAILS(E_CONFLICT, patch_with(l.store, &(struct patch){"r3", "c", "", "", 2}, &result, &l.err));
	assert_non_null(strstr(l.err.message, "history"));
	CHECK_FAILS(E_CONFLICT, patch_with(l.store, &(struct patch){"r3", "", "", "", 2}, &result, &l.err));
	check_patch(&l, &(struct patch){"r3", "", "", "", 3}, 2, true); /* nothing to change: the claim alone */
	check_patch(&l, &(struct patch){"r3", "", "", "", 3}, 2, false);
	check_snapshot(l.store, -1,
		"v2 files run_id=r1/part-a.parquet(run_id=r1) run_id=r2/part-b.parquet(run_id=r2)"
		" txns history=3 r1=0 r2=0 r3=0");
	log_lake_close(&l);
}

static void test_schema(void **state)
{
	(void)state;
	struct column_def changed[6];
	struct table_schema other = {.name = "t", .layer = "silver", .columns = changed};
	static const struct {
		const char *name;
		int at;     /* the column that differs */
		int insert; /* 1: one more there; -1: one less */
		struct column_def def;
		const char *message; /* NULL: fine */
		bool committed;
	} cases[] = {
		{"description", 0, 0, {.name = "id", .type = COL_STRING, .description = "other words"}, NULL, false},
		{"new column at the end", 3, 1, {.name = "note", .type = COL_STRING, .nullable = true}, NULL, true},
		{"new column required", 3, 1, {.name = "note", .type = COL_STRING}, "'note'", false},
		{"new column in the middle", 1, 1, {.name = "note", .type = COL_STRING, .nullable = true}, "'n'",
			false},
		{"another type", 1, 0, {.name = "n", .type = COL_INT32, .nullable = true}, "'n'", false},
		{"another scale", 2, 0,
			{.name = "price", .type = COL_DECIMAL, .precision = 12, .scale = 3, .nullable = true},
			"'price'", false},
		{"no longer null", 1, 0, {.name = "n", .type = COL_INT64}, "'n'", false},
		{"another name", 1, 0, {.name = "m", .type = COL_INT64, .nullable = true}, "'n'", false},
		{"a column less", 2, -1, {.name = NULL}, "'price'", false},
		{"not partitioned", 3, 0, {.name = "run_id", .type = COL_STRING}, "partition", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct log_lake l;
		struct delta_replace_result result = {.committed = false};
		log_lake_open(&l);
		check_replace(&l, "r1", "a", 0, true);
		size_t n = 0;
		for (int c = 0; c < 4; c++) {
			if (c == cases[i].at && cases[i].insert >= 0) changed[n++] = cases[i].def;
			if (c != cases[i].at || cases[i].insert > 0) changed[n++] = columns[c];
		}
		other.n_columns = n;
		err_clear(&l.err);
		const status code = replace_with(l.store, &other, "r1", "a", &result, &l.err);
		if (code != (cases[i].message == NULL ? OK : E_CONFLICT) ||
			(cases[i].message != NULL && strstr(l.err.message, cases[i].message) == NULL))
			fail_msg("%s: %s: %s", cases[i].name, status_name(code), l.err.message);
		if (result.committed != cases[i].committed)
			fail_msg("%s: committed %d", cases[i].name, result.committed);
		if (cases[i].committed) {
			struct delta_snapshot *s = NULL;
			CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err));
			CHECK_I64(s->schema.n, 5);
			CHECK_I64(delta_schema_index(&s->schema, STR("note")), 3);
			CHECK_I64(s->n_files, 1);
			delta_snapshot_close(s);
			CHECK_OK(&l.err, replace_with(l.store, &other, "r1", "a", &result, &l.err));
			assert_false(result.committed);
		}
		log_lake_close(&l);
	}
}

static void test_wrong_part(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_replace_result result;
	const struct delta_pair pair = {STR("run_id"), STR("other")};
	const struct delta_add a = {.path = STR("x"), .partition = {&pair, 1}, .size = 1};
	const struct delta_replace r = {
		.schema = &schema, .column = "run_id", .value = "r1", .files = &a, .n_files = 1, .operation = "WRITE"};
	log_lake_open(&l);
	CHECK_FAILS(E_USAGE, delta_replace(l.store, "t", &r, &result, &l.err));
	log_lake_close(&l);
}

/* Twenty-five replaces write a checkpoint every ten commits, and every version stays readable. */
static void test_checkpoints(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_snapshot *s = NULL;
	int64_t bytes;
	log_lake_open(&l);
	for (int64_t i = 0; i < 25; i++) check_replace(&l, "r1", i % 2 ? "ab" : "b", i, true);
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err));
	assert_true(s->checkpoint_version >= 10);
	delta_snapshot_close(s);
	CHECK_OK(&l.err, store_size(l.store, "t/_delta_log/_last_checkpoint", &bytes, &l.err));
	for (int64_t v = 0; v < 25; v++) {
		CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", v, &s, &l.err));
		CHECK_I64(s->n_files, v % 2 ? 2 : 1);
		CHECK_I64(s->version, v);
		delta_snapshot_close(s);
	}
	log_lake_close(&l);
}

/* Killed at each operation: the old or the new state, and the same call again ends in the new one. */
static void test_killed(void **state)
{
	(void)state;
	bool killed = true;
	int64_t n;
	for (n = 1; killed; n++) {
		struct log_lake l;
		struct delta_replace_result result;
		int wstatus;
		log_lake_open(&l);
		for (int64_t i = 0; i < 10; i++)
			check_replace(&l, "r0", i % 2 ? "ab" : "b", i, true); /* a checkpoint is due next */
		const pid_t pid = fork();
		if (pid == 0) {
			struct fault_store f;
			fault_store_init(&f, l.store);
			f.at = n;
			f.when = n % 2 ? FAULT_BEFORE : FAULT_AFTER;
			f.kill = true;
			_exit(replace_with(&f.base, &schema, "r0", "c", &result, &l.err) != OK);
		}
		CHECK_I64(waitpid(pid, &wstatus, 0), pid);
		killed = WIFSIGNALED(wstatus);
		if (!killed) CHECK_I64(WEXITSTATUS(wstatus), 0);
		CHECK_OK(&l.err, replace_with(l.store, &schema, "r0", "c", &result, &l.err));
		CHECK_I64(result.version, 10);
		struct delta_snapshot *s = NULL;
		CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err));
		CHECK_I64(s->n_files, 1);
		assert_true(str_is(s->files[0].path, "run_id=r0/part-c.parquet"));
		CHECK_I64(s->version, 10);
		delta_snapshot_close(s);
		log_lake_close(&l);
	}
	assert_true(n > 5);
}

static void test_no_memory(void **state)
{
	(void)state;
	int64_t n;
	log_setup(LOG_OFF, LOG_TEXT);
	for (n = 0;; n++) {
		struct log_lake l;
		struct delta_replace_result result = {.version = -1};
		log_lake_open(&l);
		check_replace(&l, "r1", "a", 0, true);
		const size_t before = mem_in_use();
		mem_fail_after(n);
		const status code = replace_with(l.store, &schema, "r1", "b", &result, &l.err);
		mem_fail_after(-1);
		CHECK_I64(mem_in_use(), before);
		if (code != OK) CHECK_FAILS(E_NOMEM, code);
		check_snapshot(l.store, -1,
			code == OK ? "v1 files run_id=r1/part-b.parquet(run_id=r1) tombstones run_id=r1/part-a.parquet "
				     "txns r1=1"
				   : "v0 files run_id=r1/part-a.parquet(run_id=r1) txns r1=0");
		log_lake_close(&l);
		if (code == OK) break;
	}
	assert_true(n > 10);
}

/* ---- the race -------------------------------------------------------------------------------------------------- */

enum { RACERS = 8, RACE_COMMITS = 25 }; /* 200 in all */

struct race_report {
	int32_t racer, i;
	int64_t version; /* -1: it failed */
};

static status race_append(struct store *store, const char *path, int64_t *version, struct err *err)
{
	static const struct delta_txn_opts opts = {.operation = "APPEND"};
	const struct delta_pair pair = {STR("run_id"), STR("appended")};
	const struct delta_add a = {
		.path = str_of(path), .partition = {&pair, 1}, .size = 1, .modified_ms = 1, .data_change = true};
	struct delta_snapshot *s = NULL;
	struct delta_txn *t = NULL;
	TRY(delta_snapshot_open(store, "t", DELTA_LATEST, &s, err));
	status code = delta_txn_begin(store, "t", s, &opts, &t, err);
	if (code == OK) code = delta_txn_add(t, &a, err);
	if (code == OK) code = delta_txn_commit(t, version, err);
	delta_txn_destroy(t);
	delta_snapshot_close(s);
	return code;
}

/* Even racers append one file a commit. Odd ones replace a part they share with three others, so that they conflict. */
static status race_once(struct store *store, int racer, int i, int64_t *version, struct err *err)
{
	char path[64];
	const struct delta_pair pair = {STR("run_id"), STR("shared")};
	struct delta_replace_result result;
	(void)snprintf(path, sizeof path, "race-%d-%d.parquet", racer, i);
	if (racer % 2 == 0) return race_append(store, path, version, err);
	const struct delta_add a = {
		.path = str_of(path), .partition = {&pair, 1}, .size = 1, .modified_ms = 1, .data_change = true};
	const struct delta_replace r = {.schema = &schema,
		.column = "run_id",
		.value = "shared",
		.files = &a,
		.n_files = 1,
		.app_id = STR("shared"),
		.operation = "REPLACE"};
	TRY(delta_replace(store, "t", &r, &result, err));
	*version = result.version;
	return OK;
}

static void racer_run(const char *dir, int racer, int to)
{
	struct store *store = NULL;
	struct err err;
	if (store_open(dir, &store, &err) != OK) _exit(1);
	for (int i = 0; i < RACE_COMMITS; i++) {
		struct race_report report = {racer, i, -1};
		if (race_once(store, racer, i, &report.version, &err) != OK) {
			char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX];
			(void)fprintf(stderr, "racer %d: %s\n", racer, err_text(&err, text, sizeof text));
			report.version = -1;
		}
		if (write(to, &report, sizeof report) != sizeof report) _exit(2);
	}
	store_close(store);
	_exit(0);
}

/* The racer and number of the one file that a version adds. */
static status race_visit(void *arg, const struct delta_action *a, struct err *err)
{
	struct race_report *r = arg;
	char path[64];
	(void)err;
	if (a->kind != DELTA_ADD) return OK;
	(void)snprintf(path, sizeof path, "%.*s", (int)a->add.path.n, a->add.path.p);
	assert_int_equal(sscanf(path, "race-%d-%d.parquet", &r->racer, &r->i), 2);
	r->version++;
	return OK;
}

static void test_race(void **state)
{
	(void)state;
	static int64_t versions[RACERS][RACE_COMMITS];
	struct log_lake l;
	struct delta_replace_result result;
	struct race_report report;
	int pipes[2], failures = 0;
	pid_t pids[RACERS];
	log_lake_open(&l);
	CHECK_OK(&l.err, replace_with(l.store, &schema, "first", "", &result, &l.err));
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) racer_run(l.dir, i, pipes[1]);
	}
	(void)close(pipes[1]);
	while (read(pipes[0], &report, sizeof report) == sizeof report) {
		versions[report.racer][report.i] = report.version;
		failures += report.version < 0;
	}
	(void)close(pipes[0]);
	for (int i = 0; i < RACERS; i++) {
		int wstatus;
		CHECK_I64(waitpid(pids[i], &wstatus, 0), pids[i]);
		CHECK_I64(wstatus, 0);
	}
	CHECK_I64(failures,
		0); /* appends never conflict, and a replace has more retries than there are others' commits */
	struct delta_history h;
	CHECK_OK(&l.err, delta_history_read(l.store, "t", 0, &h, &l.err));
	CHECK_I64(h.n, 1 + RACERS * RACE_COMMITS - failures);
	for (size_t v = 1; v < h.n; v++) { /* version v holds the one commit that was told it got v */
		char key[DELTA_KEY_MAX];
		struct buf text;
		struct arena arena;
		struct race_report in = {-1, -1, 0};
		buf_init(&text, 0);
		arena_init(&arena, 0);
		CHECK_I64(h.versions[v].version, v);
		assert_true(h.versions[v].timestamp_ms >= h.versions[v - 1].timestamp_ms);
		CHECK_OK(&l.err, delta_commit_key(key, "t", (int64_t)v, &l.err));
		CHECK_OK(&l.err,
			delta_log_read(l.store, key, &text, &arena, &(struct delta_visitor){race_visit, &in}, &l.err));
		CHECK_I64(in.version, 1);
		CHECK_I64(versions[in.racer][in.i], v);
		buf_deinit(&text);
		arena_deinit(&arena);
	}
	delta_history_deinit(&h);
	struct delta_snapshot *s = NULL;
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err));
	CHECK_I64(s->n_files, RACERS / 2 * RACE_COMMITS + 1); /* every append, and the last replace */
	CHECK_I64(delta_snapshot_app_txn(s, STR("shared"))->version, RACERS / 2 * RACE_COMMITS - 1);
	delta_snapshot_close(s);
	log_lake_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_empty_table),
		cmocka_unit_test(test_whole_table),
		cmocka_unit_test(test_patch),
		cmocka_unit_test(test_patch_claim),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_wrong_part),
		cmocka_unit_test(test_checkpoints),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_race),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
