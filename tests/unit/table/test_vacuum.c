#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/time.h"
#include "table/log/history.h"
#include "table/log/txn.h"
#include "table/maintain/vacuum.h"

#include "table/fault_store.h"

/* The log is written as text, so that every time in it is chosen. Day 0 is NOW - 30 days. */
#define DAY_MS INT64_C(86400000)
#define NOW_MS INT64_C(1760000000000)
#define DAY(n) (NOW_MS - (30 - (n)) * DAY_MS)

struct lake {
	char dir[64];
	struct store *store;
};

static int setup(void **state)
{
	static struct lake l;
	struct err err;
	check_tmpdir(l.dir);
	CHECK_OK(&err, store_open(l.dir, &l.store, &err));
	*state = &l;
	return 0;
}

static int teardown(void **state)
{
	struct lake *l = *state;
	store_close(l->store);
	check_rmdir(l->dir);
	return 0;
}

static void set_time(const struct lake *l, const char *key, int64_t ms)
{
	char path[DELTA_KEY_MAX + 80];
	(void)snprintf(path, sizeof path, "%s/%s", l->dir, key);
	const struct timespec at = {ms / 1000, ms % 1000 * 1000000};
	if (utimensat(AT_FDCWD, path, (const struct timespec[]){at, at}, 0) != 0) fail_msg("no %s", path);
}

/* An object last modified at ms; its bytes are its key. */
static void put_at(const struct lake *l, const char *key, int64_t ms)
{
	struct err err;
	CHECK_OK(&err, store_put(l->store, key, key, strlen(key), &err));
	set_time(l, key, ms);
}

static void commit_at(const struct lake *l, int64_t version, int64_t ms, const char *actions)
{
	char key[DELTA_KEY_MAX];
	char text[4096];
	struct err err;
	CHECK_OK(&err, delta_commit_key(key, "t", version, &err));
	const int n = snprintf(text, sizeof text, "{\"commitInfo\":{\"timestamp\":%lld,\"operation\":\"WRITE\"}}\n%s",
		(long long)ms, actions);
	CHECK_OK(&err, store_put(l->store, key, text, (size_t)n, &err));
	set_time(l, key, ms);
}

#define PROTOCOL "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
#define METADATA(configuration)                                                                                 \
	"{\"metaData\":{\"id\":\"6e1cf6c9-5a4b-4d2b-a2a0-5b8a3c4b6f0f\",\"format\":{\"provider\":\"parquet\","  \
	"\"options\":{}},"                                                                                      \
	"\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":" \
	"\\\"long\\\","                                                                                         \
	"\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":\\\"p\\\",\\\"type\\\":\\\"string\\\","       \
	"\\\"nullable\\\":true,"                                                                                \
	"\\\"metadata\\\":{}}]}\",\"partitionColumns\":[\"p\"],\"configuration\":{" configuration               \
	"},\"createdTime\":1}}\n"
#define ADD(path, p)                                                      \
	"{\"add\":{\"path\":\"" path "\",\"partitionValues\":{\"p\":\"" p \
	"\"},\"size\":9,\"modificationTime\":1,\"dataChange\":true}}\n"

struct names {
	char keys[64][96];
	size_t n;
};

static void names_add(void *arg, const char *key, int64_t bytes)
{
	struct names *l = arg;
	CHECK_I64(bytes, strlen(key));
	if (l->n == 64) fail_msg("too many names");
	(void)snprintf(l->keys[l->n++], sizeof l->keys[0], "%s", key);
}

static status names_visit(void *arg, const struct store_entry *e, struct err *err)
{
	struct names *l = arg;
	(void)err;
	if (strstr(e->key, "_delta_log/") == NULL) (void)snprintf(l->keys[l->n++], sizeof l->keys[0], "%s", e->key);
	return OK;
}

/* want: keys, in order, each followed by a space. */
static void check_names(const struct names *l, const char *want)
{
	char got[64 * 97] = "";
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) n += (size_t)snprintf(got + n, sizeof got - n, "%s ", l->keys[i]);
	assert_string_equal(got, want);
}

static void check_files(const struct lake *l, const char *want)
{
	struct names there = {.n = 0};
	struct err err;
	CHECK_OK(&err, store_list(l->store, "t", names_visit, &there, &err));
	check_names(&there, want);
}

static status vacuum(struct store *s, int64_t retention_ms, bool unsafe, bool dry_run, struct names *names,
	struct delta_vacuum_result *out, struct err *err)
{
	const struct delta_vacuum_opts opts = {.retention_ms = retention_ms,
		.default_ms = 7 * DAY_MS,
		.unsafe = unsafe,
		.dry_run = dry_run,
		.now_ms = NOW_MS,
		.visit = names != NULL ? names_add : NULL,
		.visit_arg = names};
	return delta_vacuum(s, "t", &opts, out, err);
}

/* keep, keep2 active; old removed on day 10, new removed on day 25; orphans of day 9 and of day 29. */
static void make_table(const struct lake *l)
{
	char remove[256];
	commit_at(l, 0, DAY(1), PROTOCOL METADATA("") ADD("p=1/keep", "1") ADD("p=1/old", "1") ADD("p=2/new", "2"));
	(void)snprintf(remove, sizeof remove,
		"{\"remove\":{\"path\":\"p=1/old\",\"deletionTimestamp\":%lld,\"dataChange\":true}}\n",
		(long long)DAY(10));
	commit_at(l, 1, DAY(10), remove);
	(void)snprintf(remove, sizeof remove,
		"{\"remove\":{\"path\":\"p=2/new\",\"deletionTimestamp\":%lld,\"dataChange\":true}}\n" ADD(
			"keep2", "3"),
		(long long)DAY(25));
	commit_at(l, 2, DAY(25), remove);
	put_at(l, "t/keep2", DAY(1));
	put_at(l, "t/p=1/keep", DAY(1));
	put_at(l, "t/p=1/old", DAY(1));
	put_at(l, "t/p=1/orphan", DAY(9));
	put_at(l, "t/p=1/young", DAY(29));
	put_at(l, "t/p=2/new", DAY(1));
	put_at(l, "t/p=3/gone", DAY(9)); /* its folder goes too */
}

#define TABLE_ALL "t/keep2 t/p=1/keep t/p=1/old t/p=1/orphan t/p=1/young t/p=2/new t/p=3/gone "
#define TABLE_KEPT "t/keep2 t/p=1/keep t/p=1/young t/p=2/new "
#define TABLE_GONE "t/p=1/old t/p=1/orphan t/p=3/gone "

static void test_by_age(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct names names = {.n = 0};
	struct delta_vacuum_result r;
	make_table(l);
	CHECK_OK(&err, vacuum(l->store, -1, false, true, &names, &r, &err));
	check_names(&names, TABLE_GONE);
	check_files(l, TABLE_ALL);
	CHECK_I64(r.version, 2); /* a dry run commits nothing */

	names.n = 0;
	CHECK_OK(&err, vacuum(l->store, -1, false, false, &names, &r, &err));
	check_names(&names, TABLE_GONE);
	check_files(l, TABLE_KEPT);
	CHECK_I64(r.files, 3);
	CHECK_I64(r.bytes, strlen(TABLE_GONE) - 3);
	CHECK_I64(r.kept_young, 1);
	CHECK_I64(r.version, 4);
	char path[128];
	struct stat st;
	(void)snprintf(path, sizeof path, "%s/t/p=3", l->dir);
	assert_int_equal(stat(path, &st), -1);

	struct delta_history h;
	CHECK_OK(&err, delta_history_read(l->store, "t", 0, &h, &err));
	CHECK_I64(h.n, 5);
	assert_true(str_is(h.versions[3].info.operation, "VACUUM START"));
	assert_true(str_is(h.versions[4].info.operation, "VACUUM END"));
	CHECK_I64(h.versions[4].n_added + h.versions[4].n_removed, 0);
	delta_history_deinit(&h);

	CHECK_OK(&err, vacuum(l->store, -1, false, false, NULL, &r, &err)); /* nothing left: no commit */
	CHECK_I64(r.files, 0);
	CHECK_I64(r.version, 4);
}

static void test_retention_check(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_vacuum_result r;
	make_table(l);
	CHECK_FAILS(E_USAGE, vacuum(l->store, 6 * DAY_MS, false, false, NULL, &r, &err));
	assert_non_null(strstr(err.message, "144 h is under the table's 168 h"));
	check_files(l, TABLE_ALL);
	CHECK_OK(&err, vacuum(l->store, 3 * DAY_MS, true, false, NULL, &r, &err));
	check_files(l, "t/keep2 t/p=1/keep t/p=1/young ");
	CHECK_OK(&err, vacuum(l->store, 0, true, false, NULL, &r, &err));
	check_files(l, "t/keep2 t/p=1/keep ");
}

static void test_retention_of_the_table(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_vacuum_result r;
	make_table(l);
	commit_at(l, 3, DAY(26), METADATA("\"delta.deletedFileRetentionDuration\":\"interval 22 days\""));
	CHECK_OK(&err, vacuum(l->store, -1, false, true, NULL, &r, &err));
	CHECK_I64(r.files, 0); /* older than day 8: removed then or put then there is nothing */
	CHECK_FAILS(E_USAGE, vacuum(l->store, 21 * DAY_MS, false, true, NULL, &r, &err));
	CHECK_OK(&err, vacuum(l->store, 23 * DAY_MS, false, true, NULL, &r, &err));
}

/* What the caller keeps of a table that names no retention. */
static void test_default_retention(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_vacuum_result r;
	struct delta_vacuum_opts opts = {
		.retention_ms = -1, .default_ms = 22 * DAY_MS, .dry_run = true, .now_ms = NOW_MS};
	make_table(l);
	CHECK_OK(&err, delta_vacuum(l->store, "t", &opts, &r, &err));
	CHECK_I64(r.files, 0);
	opts.retention_ms = 21 * DAY_MS;
	CHECK_FAILS(E_USAGE, delta_vacuum(l->store, "t", &opts, &r, &err));
	assert_non_null(strstr(err.message, "504 h is under the table's 528 h"));
	opts = (struct delta_vacuum_opts){.retention_ms = -1, .default_ms = 0, .now_ms = NOW_MS};
	CHECK_OK(&err, delta_vacuum(l->store, "t", &opts, &r, &err));
	check_files(l, "t/keep2 t/p=1/keep ");
	make_table(l);
	commit_at(l, 5, DAY(26), METADATA("\"delta.deletedFileRetentionDuration\":\"interval 22 days\""));
	CHECK_OK(&err, delta_vacuum(l->store, "t", &opts, &r, &err));
	CHECK_I64(r.files, 0); /* a table that names one keeps it */
}

/* A transaction that took its time on day 5 and committed on day 26: on day 24 a reader still saw the file. */
static void test_removed_inside_the_period(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_vacuum_result r;
	char text[512];
	commit_at(l, 0, DAY(1), PROTOCOL METADATA("") ADD("a", "1") ADD("b", "1"));
	(void)snprintf(text, sizeof text,
		"{\"remove\":{\"path\":\"a\",\"deletionTimestamp\":%lld,\"dataChange\":true}}\n"
		"{\"remove\":{\"path\":\"b\",\"dataChange\":true}}\n",
		(long long)DAY(5));
	commit_at(l, 1, DAY(26), text);
	put_at(l, "t/a", DAY(1));
	put_at(l, "t/b", DAY(1));
	put_at(l, "t/c", DAY(1));
	CHECK_OK(&err, vacuum(l->store, -1, false, false, NULL, &r, &err));
	check_files(l, "t/a t/b ");
	/* Added and removed between two looks, and overwritten files of commits whose clock was ahead. */
	CHECK_OK(&err, vacuum(l->store, 3 * DAY_MS, true, false, NULL, &r, &err));
	check_files(l, "");
}

static void test_hidden_names(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_vacuum_result r;
	commit_at(l, 0, DAY(1), PROTOCOL METADATA(""));
	put_at(l, "t/.crc", DAY(1));
	put_at(l, "t/.hidden/x", DAY(1));
	put_at(l, "t/_SUCCESS", DAY(1));
	put_at(l, "t/_change_data/c", DAY(1));
	put_at(l, "t/_change_data/d", DAY(28));
	put_at(l, "t/_index=1", DAY(1)); /* no folder */
	put_at(l, "t/_p=1/x", DAY(1));
	put_at(l, "t/a/_change_data/x", DAY(1)); /* that name means something in the table's folder only */
	put_at(l, "t/a/_temporary/x", DAY(1));
	put_at(l, "t/a/x", DAY(1));
	put_at(l, "tt/x", DAY(1)); /* another table */
	CHECK_OK(&err, vacuum(l->store, -1, false, false, NULL, &r, &err));
	check_files(
		l, "t/.crc t/.hidden/x t/_SUCCESS t/_change_data/d t/_index=1 t/a/_change_data/x t/a/_temporary/x ");
	CHECK_I64(r.kept_young, 1);
	int64_t size;
	CHECK_OK(&err, store_size(l->store, "tt/x", &size, &err));
	CHECK_OK(&err, store_size(l->store, "t/_delta_log/00000000000000000000.json", &size, &err));
}

/* The log has names percent-encoded; Hive's own escapes in folder names are encoded once more. */
static void test_encoded_names(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_vacuum_result r;
	commit_at(l, 0, DAY(1),
		PROTOCOL METADATA("") ADD("p=a%20b/x%25y", "a b") ADD("p=%253A/\\u00e9", ":") ADD("p=%C3%BC/1", "u"));
	put_at(l, "t/p=%3A/\xC3\xA9", DAY(1));
	put_at(l, "t/p=%3A/e", DAY(1));
	put_at(l, "t/p=:/\xC3\xA9", DAY(1));
	put_at(l, "t/p=a b/x%25y", DAY(1));
	put_at(l, "t/p=a b/x%y", DAY(1));
	put_at(l, "t/p=\xC3\xBC/1", DAY(1));
	CHECK_OK(&err, vacuum(l->store, -1, false, false, NULL, &r, &err));
	check_files(l, "t/p=%3A/\xC3\xA9 t/p=a b/x%y t/p=\xC3\xBC/1 ");
}

static void test_refused(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_vacuum_result r;
	CHECK_FAILS(E_NOT_FOUND, vacuum(l->store, -1, false, false, NULL, &r, &err));
	commit_at(l, 0, DAY(1),
		"{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[\"keepEverything\"]}}"
		"\n" METADATA(""));
	put_at(l, "t/x", DAY(1));
	CHECK_FAILS(E_UNSUPPORTED, vacuum(l->store, -1, false, true, NULL, &r, &err));
	CHECK_FAILS(E_UNSUPPORTED, vacuum(l->store, -1, false, false, NULL, &r, &err));
	assert_non_null(strstr(err.message, "keepEverything"));
	check_files(l, "t/x ");
	commit_at(l, 1, DAY(2),
		"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":["
		"\"vacuumProtocolCheck\"],"
		"\"writerFeatures\":[\"vacuumProtocolCheck\"]}}\n");
	CHECK_OK(&err, vacuum(l->store, -1, false, false, NULL, &r, &err));
	check_files(l, "");
}

/* ---- others at work ---- */

struct meddler {
	struct lake *lake;
	enum fault_op op;
	int64_t n, at; /* acts before the at-th operation of that kind */
	void (*act)(struct meddler *m);
};

static void meddle(void *arg, struct fault_store *f, enum fault_op op, const char *key)
{
	struct meddler *m = arg;
	(void)f;
	(void)key;
	if (op == m->op && ++m->n == m->at) m->act(m);
}

static void run_with(struct lake *l, struct meddler m, struct delta_vacuum_result *r)
{
	struct fault_store f;
	struct err err;
	fault_store_init(&f, l->store);
	m.lake = l;
	f.hook = meddle;
	f.hook_arg = &m;
	CHECK_OK(&err, vacuum(&f.base, -1, false, false, NULL, r, &err));
	assert_true(m.n >= m.at);
}

static void put_again(struct meddler *m)
{
	struct err err;
	CHECK_OK(&err, store_put_if_absent(m->lake->store, "t/p=1/old", "t/p=1/old", 9, &err));
	set_time(m->lake, "t/p=1/old", NOW_MS);
}

/* A writer puts the bytes of a removed file again, and means to commit it: until the last moment that keeps it. */
static void test_put_again_meanwhile(void **state)
{
	struct lake *l = *state;
	struct delta_vacuum_result r;
	make_table(l);
	run_with(l, (struct meddler){.op = FAULT_COMMIT, .at = 1, .act = put_again}, &r);
	check_files(l, "t/keep2 t/p=1/keep t/p=1/old t/p=1/young t/p=2/new ");
	CHECK_I64(r.files, 2);
}

static void restore(struct meddler *m)
{
	commit_at(m->lake, 3, NOW_MS, ADD("p=1/old", "1"));
}

/* RESTORE names a removed file again without touching it. */
static void test_restored_meanwhile(void **state)
{
	struct lake *l = *state;
	struct err err;
	struct delta_vacuum_result r;
	make_table(l);
	run_with(l, (struct meddler){.op = FAULT_COMMIT, .at = 1, .act = restore}, &r);
	check_files(l, "t/keep2 t/p=1/keep t/p=1/old t/p=1/young t/p=2/new ");
	CHECK_I64(r.version, 5);
	struct delta_snapshot *s = NULL;
	CHECK_OK(&err, delta_snapshot_open(l->store, "t", DELTA_LATEST, &s, &err));
	CHECK_I64(s->n_files, 3);
	delta_snapshot_close(s);
}

static void put_and_commit(struct meddler *m)
{
	put_at(m->lake, "t/p=9/fresh", DAY(1)); /* by a clock far behind */
	commit_at(m->lake, 3, DAY(1), ADD("p=9/fresh", "9"));
}

/* What was committed before the log is read is named, though the folder was listed before. */
static void test_committed_meanwhile(void **state)
{
	struct lake *l = *state;
	struct delta_vacuum_result r;
	for (int64_t at = 1; at <= 3; at++) {
		check_rmdir(l->dir);
		assert_int_equal(mkdir(l->dir, 0777), 0);
		make_table(l);
		run_with(l, (struct meddler){.op = FAULT_LIST, .at = at, .act = put_and_commit}, &r);
		check_files(l, TABLE_KEPT "t/p=9/fresh ");
	}
}

/* ---- failing at each operation ---- */

static bool is_there(const struct lake *l, const char *key)
{
	int64_t size;
	return store_size(l->store, key, &size, NULL) == OK;
}

static void check_survived(struct lake *l)
{
	struct err err;
	struct delta_vacuum_result r;
	struct delta_snapshot *s = NULL;
	CHECK_OK(&err, delta_snapshot_open(l->store, "t", DELTA_LATEST, &s, &err));
	CHECK_I64(s->n_files, 2);
	delta_snapshot_close(s);
	assert_true(is_there(l, "t/keep2") && is_there(l, "t/p=1/keep") && is_there(l, "t/p=1/young") &&
		    is_there(l, "t/p=2/new"));
	CHECK_OK(&err, vacuum(l->store, -1, false, false, NULL, &r, &err)); /* the next run does the rest */
	check_files(l, TABLE_KEPT);
}

static void at_each_operation(struct lake *l, bool kill, enum fault_when when)
{
	struct fault_store f;
	int64_t failed = 0;
	for (int64_t at = 1;; at++) {
		struct err err;
		struct delta_vacuum_result r;
		check_rmdir(l->dir);
		assert_int_equal(mkdir(l->dir, 0777), 0);
		make_table(l);
		fault_store_init(&f, l->store);
		f.kill = kill;
		f.when = when;
		f.at = at;
		bool hit;
		if (kill) {
			const pid_t pid = fork();
			if (pid == 0) _exit(vacuum(&f.base, -1, false, false, NULL, &r, &err) == OK ? 0 : 1);
			int st;
			assert_int_equal(waitpid(pid, &st, 0), pid);
			hit = WIFSIGNALED(st);
			if (!hit) CHECK_I64(WEXITSTATUS(st), 0);
		} else {
			const status code = vacuum(&f.base, -1, false, false, NULL, &r, &err);
			hit = f.hits > 0;
			if (!hit) CHECK_OK(&err, code);
		}
		check_survived(l);
		if (!hit) break;
		failed++;
	}
	assert_true(failed >= 10); /* a list, opens, two commits, three deletions, ... */
}

static void test_killed_anywhere(void **state)
{
	at_each_operation(*state, true, FAULT_BEFORE);
	at_each_operation(*state, true, FAULT_AFTER);
}

static void test_failing_anywhere(void **state)
{
	at_each_operation(*state, false, FAULT_BEFORE);
	at_each_operation(*state, false, FAULT_AFTER);
}

static void test_no_memory(void **state)
{
	struct lake *l = *state;
	int64_t n = 0;
	for (;; n++) {
		struct err err;
		struct delta_vacuum_result r;
		check_rmdir(l->dir);
		assert_int_equal(mkdir(l->dir, 0777), 0);
		make_table(l);
		mem_fail_after(n);
		const status code = vacuum(l->store, -1, false, false, NULL, &r, &err);
		mem_fail_after(-1);
		if (code == OK) break;
		CHECK_FAILS(E_NOMEM, code);
		check_survived(l);
	}
	assert_true(n > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_age, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retention_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retention_of_the_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_default_retention, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed_inside_the_period, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hidden_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_encoded_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_put_again_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restored_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_committed_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failing_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
