/* The clean-up against histories of commits, checkpoints of all kinds and times that a seed draws; and killed at each step. */
#include "check.h"

#include <sys/wait.h>

#include "base/rng.h"
#include "io/store_int.h"
#include "table/log/checkpoint.h"
#include "table/checkpoint_file.h"
#include "table/fault_store.h"

#define ROOT "t"
#define LOG ROOT "/_delta_log/"
#define DAY INT64_C(86400000)
#define START INT64_C(4102444800000) /* 2100: every file of a test is old by then */
#define SCHEMA                                                                                                        \
	"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"long\\\",\\\"nullable" \
	"\\\":true,\\\"metadata\\\":{}}]}"

enum { VERSIONS_MAX = 40, PATHS = 12, DIGEST_MAX = 1 << 16 };

struct history {
	char dir[64];
	struct store *store;
	struct err err;
	uint64_t seed;
	uint32_t draws;
	int n;                       /* versions */
	int64_t times[VERSIONS_MAX]; /* as readers see them: raised where they went back */
	char *digests[VERSIONS_MAX]; /* what each version holds */
	bool active[PATHS];
	int retention_days; /* 0 = not set: 30 */
	bool broken;        /* has a checkpoint that can't be read */
};

static uint32_t draw(struct history *h, uint32_t below)
{
	return rng_below(rng_philox(h->seed, 0, 2, h->draws++).v[0], below);
}

static void put(struct history *h, const char *name, const void *p, size_t n)
{
	char key[256];
	(void)snprintf(key, sizeof key, LOG "%s", name);
	CHECK_OK(&h->err, store_put(h->store, key, p, n, &h->err));
}

static void put_buf(struct history *h, const char *name, struct buf *b)
{
	CHECK_OK(&h->err, buf_check(b, &h->err));
	put(h, name, b->p, b->n);
	buf_deinit(b);
}

static int64_t cutoff(const struct history *h, int64_t now_ms)
{
	return now_ms - (h->retention_days > 0 ? h->retention_days : 30) * DAY;
}

/* The version the table had at the cut-off, or the oldest: from there on all versions must stay. */
static int oldest_retained(const struct history *h, int64_t now_ms)
{
	int v = 0;
	for (int i = 0; i < h->n; i++) {
		if (h->times[i] <= cutoff(h, now_ms)) v = i;
	}
	return v;
}

/* ---- making a history ------------------------------------------------------------------------------------------ */

static void metadata_line(struct history *h, struct buf *b, int version)
{
	buf_printf(b,
		"{\"metaData\":{\"id\":\"m%d\",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":"
		"\"" SCHEMA "\",\"partitionColumns\":[],\"configuration\":{",
		version);
	if (h->retention_days > 0)
		buf_printf(b, "\"delta.logRetentionDuration\":\"interval %d days\"", h->retention_days);
	buf_str(b, "}}}\n");
}

static void commit(struct history *h, int64_t time_ms)
{
	struct buf b;
	char name[64];
	const int v = h->n++;
	buf_init(&b, 0);
	h->times[v] = v > 0 && h->times[v - 1] > time_ms ? h->times[v - 1] : time_ms;
	/* inCommitTimestamp is the time where there is one; the other must not count then. */
	if (draw(h, 3) == 0)
		buf_printf(&b, "{\"commitInfo\":{\"timestamp\":5,\"inCommitTimestamp\":%lld}}\n", (long long)time_ms);
	else
		buf_printf(&b, "{\"commitInfo\":{\"timestamp\":%lld}}\n", (long long)time_ms);
	if (v == 0)
		buf_str(&b,
			"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"v2Checkp"
			"oint\"],\"writerFeatures\":[\"v2Checkpoint\",\"inCommitTimestamp\"]}}\n");
	if (v == 0 || draw(h, 8) == 0) metadata_line(h, &b, v);
	if (draw(h, 3) == 0) buf_printf(&b, "{\"txn\":{\"appId\":\"a%u\",\"version\":%d}}\n", draw(h, 3), v);
	for (int i = 0; i < PATHS; i++) {
		if (draw(h, 4) != 0) continue;
		if (h->active[i])
			buf_printf(&b,
				"{\"remove\":{\"path\":\"f%d\",\"deletionTimestamp\":%lld,\"dataChange\":true}}\n", i,
				(long long)time_ms);
		else
			buf_printf(&b,
				"{\"add\":{\"path\":\"f%d\",\"partitionValues\":{},\"size\":%d,\"modificationTime\":%d,"
				"\"dataChange\":"
				"true}}\n",
				i, v, v);
		h->active[i] = !h->active[i];
	}
	(void)snprintf(name, sizeof name, "%020d.json", v);
	put_buf(h, name, &b);
}

/* Head rows and the files i with i % of == rest. */
static void checkpoint_part(struct file_out *f, const struct delta_snapshot *s, bool heads, size_t of, size_t rest)
{
	if (heads) {
		file_protocol(f, &s->protocol);
		file_metadata(f, &s->metadata);
		for (size_t i = 0; i < s->n_app_txns; i++) file_txn(f, &s->app_txns[i]);
	}
	for (size_t i = 0; i < s->n_files && of > 0; i++) {
		if (i % of == rest) file_add(f, &s->files[i]);
	}
}

static void checkpoint_parts(struct history *h, const struct delta_snapshot *s, int parts)
{
	for (int part = 1; part <= parts; part++) {
		char name[96];
		struct buf b;
		buf_init(&b, 0);
		struct file_out *f = file_begin(FILE_SPARK);
		checkpoint_part(f, s, part == 1, (size_t)parts, (size_t)part - 1);
		file_end(f, &b);
		(void)snprintf(name, sizeof name, "%020lld.checkpoint.%010d.%010d.parquet", (long long)s->version, part,
			parts);
		put_buf(h, name, &b);
	}
}

static void checkpoint_v2(struct history *h, const struct delta_snapshot *s)
{
	char name[128];
	struct buf b;
	struct file_out *f = file_begin(FILE_STRICT), *side = file_begin(FILE_SPARK);
	checkpoint_part(f, s, true, 0, 0);
	checkpoint_part(side, s, false, 1, 0);
	(void)snprintf(name, sizeof name, "s%lld.parquet", (long long)s->version);
	file_sidecar(f, str_of(name));
	buf_init(&b, 0);
	file_end(side, &b);
	(void)snprintf(name, sizeof name, "_sidecars/s%lld.parquet", (long long)s->version);
	put_buf(h, name, &b);
	buf_init(&b, 0);
	file_end(f, &b);
	(void)snprintf(name, sizeof name, "%020lld.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet",
		(long long)s->version);
	put_buf(h, name, &b);
}

static void checkpoint(struct history *h)
{
	struct delta_snapshot *s = NULL;
	char name[128];
	CHECK_OK(&h->err, delta_snapshot_open(h->store, ROOT, h->n - 1, &s, &h->err));
	switch (draw(h, 6)) {
	case 0: checkpoint_parts(h, s, 2 + (int)draw(h, 3)); break;
	case 1: checkpoint_v2(h, s); break;
	case 2: /* a part is missing */
		checkpoint_parts(h, s, 2);
		(void)snprintf(name, sizeof name, LOG "%020d.checkpoint.%010d.%010d.parquet", h->n - 1,
			1 + (int)draw(h, 2), 2);
		CHECK_OK(&h->err, store_delete(h->store, name, &h->err));
		break;
	case 3: /* broken */
		(void)snprintf(name, sizeof name, "%020d.checkpoint.parquet", h->n - 1);
		put(h, name, "PAR1 nothing PAR1", 17);
		h->broken = true;
		break;
	default: CHECK_OK(&h->err, delta_checkpoint_write(s, h->times[h->n - 1], &h->err));
	}
	delta_snapshot_close(s);
}

/* ---- what a version holds --------------------------------------------------------------------------------------- */

/* As JSON lines, without tombstones: they only serve vacuum, and a checkpoint leaves old ones out. */
static char *digest(const struct delta_snapshot *s)
{
	struct buf b;
	buf_init(&b, DIGEST_MAX);
	delta_action_json(&b, &(struct delta_action){.kind = DELTA_PROTOCOL, .protocol = s->protocol});
	delta_action_json(&b, &(struct delta_action){.kind = DELTA_METADATA, .metadata = s->metadata});
	for (size_t i = 0; i < s->n_app_txns; i++)
		delta_action_json(&b, &(struct delta_action){.kind = DELTA_APP_TXN, .app_txn = s->app_txns[i]});
	for (size_t i = 0; i < s->n_files; i++)
		delta_action_json(&b, &(struct delta_action){.kind = DELTA_ADD, .add = s->files[i]});
	buf_char(&b, '\0');
	char *text = strdup((const char *)b.p);
	assert_non_null(text);
	buf_deinit(&b);
	return text;
}

/* Remember what the newest version holds. */
static void note(struct history *h)
{
	struct delta_snapshot *s = NULL;
	CHECK_OK(&h->err, delta_snapshot_open(h->store, ROOT, h->n - 1, &s, &h->err));
	h->digests[h->n - 1] = digest(s);
	delta_snapshot_close(s);
}

/* Version v holds what it held. must: it has to open; else it may say that it is gone. */
static void check_version(struct history *h, int v, bool must)
{
	struct delta_snapshot *s = NULL;
	const status code = delta_snapshot_open(h->store, ROOT, v, &s, &h->err);
	if (code != OK) {
		if (must || (code != E_NOT_FOUND && code != E_CORRUPT))
			fail_msg("seed %llu, version %d of %d: %s %s", (unsigned long long)h->seed, v, h->n,
				status_name(code), h->err.message);
		return;
	}
	char *now = digest(s);
	if (strcmp(now, h->digests[v]) != 0)
		fail_msg("seed %llu, version %d: was\n%s\nis\n%s", (unsigned long long)h->seed, v, h->digests[v], now);
	free(now);
	delta_snapshot_close(s);
}

static void check_versions(struct history *h, int64_t now_ms)
{
	const int oldest = oldest_retained(h, now_ms);
	struct delta_snapshot *s = NULL;
	for (int v = 0; v < h->n; v++) check_version(h, v, v >= oldest);
	CHECK_OK(&h->err, delta_snapshot_open(h->store, ROOT, DELTA_LATEST, &s, &h->err));
	CHECK_I64(s->version, h->n - 1);
	delta_snapshot_close(s);
}

static void make(struct history *h, uint64_t seed, const char *dir)
{
	*h = (struct history){.seed = seed};
	(void)snprintf(h->dir, sizeof h->dir, "%s", dir);
	CHECK_OK(&h->err, store_open(h->dir, &h->store, &h->err));
	const int n = 2 + (int)draw(h, VERSIONS_MAX - 2);
	int64_t time_ms = START;
	if (draw(h, 2) == 0) h->retention_days = 1 + (int)draw(h, 20);
	while (h->n < n) {
		char name[96];
		time_ms += ((int64_t)draw(h, 7) - 1) * DAY + draw(h, 1000);
		commit(h, time_ms);
		note(h);
		if (draw(h, 4) == 0) checkpoint(h);
		(void)snprintf(name, sizeof name, "%020d.crc", h->n - 1);
		put(h, name, "{}", 2);
		(void)snprintf(name, sizeof name, "%020d.%020d.compacted.json", h->n - 1, h->n + 1);
		if (draw(h, 6) == 0) put(h, name, "{}", 2);
	}
}

static void unmake(struct history *h)
{
	for (int v = 0; v < h->n; v++) free(h->digests[v]);
	store_close(h->store);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* Nothing is left below the checkpoint that the oldest retained version needs, and its sidecar is there. */
static void check_clean(struct history *h, int64_t now_ms, int64_t removed)
{
	struct arena arena;
	struct delta_log_list l;
	arena_init(&arena, 0);
	CHECK_OK(&h->err, delta_log_list(h->store, ROOT, &arena, &l, &h->err));
	const struct delta_checkpoint_at at = delta_log_checkpoint(&l, oldest_retained(h, now_ms), INT64_MAX);
	int left = 0;
	for (size_t i = 0; i < l.n; i++) {
		const char *name = strrchr(l.files[i].key, '/') + 1;
		if (strlen(name) < 20 || name[0] == '_' || l.files[i].kind == DELTA_LOG_SIDECAR) continue;
		left += strtoll(name, NULL, 10) < at.version;
	}
	if (at.n == 0) CHECK_I64(removed, 0);
	if (at.n > 0 && !h->broken) CHECK_I64(left, 0);
	arena_deinit(&arena);
}

static void test_histories(void **state)
{
	(void)state;
	int64_t total = 0;
	for (uint64_t seed = 0; seed < 80; seed += CHECK_ONE_IN) {
		char dir[64];
		struct history h;
		int64_t removed = -1, again = -1;
		make(&h, seed, check_tmpdir(dir));
		/* Some calls, later and later. */
		int64_t now_ms = START;
		for (int call = 0; call < 4; call++) {
			now_ms += (int64_t)draw(&h, 60) * DAY;
			CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, now_ms, &removed, &h.err));
			check_versions(&h, now_ms);
			if (call == 0) check_clean(&h, now_ms, removed);
			CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, now_ms, &again, &h.err));
			CHECK_I64(again, 0);
			total += removed;
		}
		unmake(&h);
		check_rmdir(dir);
	}
	printf("%lld files removed\n", (long long)total);
	assert_true(total > 500 / CHECK_ONE_IN);
}

/* Names below _delta_log, one a line, sorted. */
static status visit_name(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	buf_printf(arg, "%s\n", e->key + strlen(LOG));
	return OK;
}
static void check_names(struct store *store, const char *want)
{
	struct buf b;
	struct err err;
	buf_init(&b, 0);
	CHECK_OK(&err, store_list(store, ROOT "/_delta_log", visit_name, &b, &err));
	buf_char(&b, '\0');
	assert_string_equal((const char *)b.p, want);
	buf_deinit(&b);
}

/* n commits a day apart, the first at START, with a checkpoint of ours at each version of cp. */
static void make_plain(struct history *h, char dir[64], int n, const int *cp)
{
	*h = (struct history){.seed = 1};
	(void)snprintf(h->dir, sizeof h->dir, "%s", check_tmpdir(dir));
	CHECK_OK(&h->err, store_open(h->dir, &h->store, &h->err));
	while (h->n < n) {
		struct delta_snapshot *s = NULL;
		commit(h, START + h->n * DAY);
		note(h);
		if (*cp != h->n - 1) continue;
		cp++;
		CHECK_OK(&h->err, delta_snapshot_open(h->store, ROOT, h->n - 1, &s, &h->err));
		CHECK_OK(&h->err, delta_checkpoint_write(s, h->times[h->n - 1], &h->err));
		delta_snapshot_close(s);
	}
}

#define J(v) "0000000000000000000" v ".json\n"

static void test_exact(void **state)
{
	(void)state;
	char dir[64];
	struct history h;
	int64_t removed;
	make_plain(&h, dir, 8, (const int[]){2, 5, -1});
	static const struct {
		int64_t day; /* of now, the retention is 30 */
		int removed, oldest;
	} cases[] = {{0, 0, 0}, {31, 0, 0}, {32, 2, 2}, {34, 0, 2}, {35, 4, 5}, {400, 0, 5}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, START + cases[i].day * DAY, &removed, &h.err));
		CHECK_I64(removed, cases[i].removed);
		for (int v = 0; v < h.n; v++) check_version(&h, v, v >= cases[i].oldest);
	}
	check_names(h.store, "00000000000000000005.checkpoint.parquet\n" J("5") J("6") J("7") "_last_checkpoint\n");
	unmake(&h);
	check_rmdir(dir);
}

/* A table that says so keeps its log; one without a checkpoint has nothing to spare; a broken checkpoint replaces nothing. */
static void test_kept(void **state)
{
	(void)state;
	char dir[64];
	struct history h;
	int64_t removed = -1;
	make_plain(&h, dir, 4, (const int[]){-1});
	CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, START + 400 * DAY, &removed, &h.err));
	CHECK_I64(removed, 0);
	put(&h, "00000000000000000003.checkpoint.parquet", "PAR1 PAR1", 9);
	CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, START + 400 * DAY, &removed, &h.err));
	CHECK_I64(removed, 0);
	check_versions(&h, START + 400 * DAY);
	unmake(&h);
	check_rmdir(dir);

	make_plain(&h, dir, 4, (const int[]){2, -1});
	const char text[] =
		"{\"metaData\":{\"id\":\"m\",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":"
		"\"" SCHEMA
		"\",\"partitionColumns\":[],\"configuration\":{\"delta.enableExpiredLogCleanup\":\"FALSE\"}}}\n";
	put(&h, "00000000000000000004.json", text, sizeof text - 1);
	CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, START + 400 * DAY, &removed, &h.err));
	CHECK_I64(removed, 0);
	CHECK_OK(&h.err, store_delete(h.store, LOG "00000000000000000004.json", &h.err));
	put(&h, "00000000000000000001.json", "{\"commitInfo\"", 13); /* a time that can't be read: nothing goes */
	CHECK_FAILS(E_CORRUPT, delta_log_clean(h.store, ROOT, START + 400 * DAY, &removed, &h.err));
	put(&h, "00000000000000000001.json", "{\"commitInfo\":{}}", 17); /* without one, the file's time counts */
	CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, START + 400 * DAY, &removed, &h.err));
	CHECK_I64(removed, 2);
	unmake(&h);
	check_rmdir(dir);
}

/* A stale hint is led to a checkpoint that stays. */
static void test_stale_hint(void **state)
{
	(void)state;
	char dir[64];
	struct history h;
	struct buf b;
	make_plain(&h, dir, 8, (const int[]){2, 5, -1});
	put(&h, "_last_checkpoint", "{\"version\":2,\"size\":9}", 22);
	CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, START + 400 * DAY, NULL, &h.err));
	buf_init(&b, 0);
	CHECK_OK(&h.err, store_get(h.store, LOG "_last_checkpoint", &b, &h.err));
	assert_true(b.n > 14 && memcmp(b.p, "{\"version\":5,\"", 14) == 0);
	buf_deinit(&b);
	unmake(&h);
	check_rmdir(dir);
}

/* Whatever the hint says, the table opens as it is, cleaned or not. */
static void test_bad_hints(void **state)
{
	(void)state;
	static const char *const hints[] = {"", "{", "\xff\xfe", "[]", "{\"version\":3}", "{\"version\":-1,\"size\":1}",
		"{\"version\":4,\"size\":1}", "{\"version\":900,\"size\":1,\"parts\":3}", "{\"version\":\"5\"}",
		"{\"version\":6,\"size\":1,\"path\":\"_last_checkpoint\"}", "{\"version\":9223372036854775808}"};
	char dir[64];
	struct history h;
	make_plain(&h, dir, 8, (const int[]){2, 5, -1});
	for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
		put(&h, "_last_checkpoint", hints[i], strlen(hints[i]));
		for (int v = 0; v < h.n; v++) check_version(&h, v, true);
	}
	for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
		put(&h, "_last_checkpoint", hints[i], strlen(hints[i]));
		CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, START + 400 * DAY, NULL, &h.err));
		for (int v = 5; v < h.n; v++) check_version(&h, v, true);
	}
	CHECK_OK(&h.err, store_delete(h.store, LOG "_last_checkpoint", &h.err));
	check_versions(&h, START + 400 * DAY);
	unmake(&h);
	check_rmdir(dir);
}

static int64_t modified(struct store *store, const char *name)
{
	struct arena arena;
	struct delta_log_list l;
	struct err err;
	int64_t ms = -1;
	arena_init(&arena, 0);
	CHECK_OK(&err, delta_log_list(store, ROOT, &arena, &l, &err));
	for (size_t i = 0; i < l.n; i++) {
		if (strstr(l.files[i].key, name) != NULL) ms = l.files[i].modified_ms;
	}
	arena_deinit(&arena);
	return ms;
}

/* Sidecars of a checkpoint that stays, and young ones, stay. */
static void test_sidecars(void **state)
{
	(void)state;
	char dir[64];
	struct history h;
	int64_t removed = -1;
	struct delta_snapshot *s = NULL;
	h = (struct history){.seed = 1};
	CHECK_OK(&h.err, store_open(check_tmpdir(dir), &h.store, &h.err));
	for (int v = 0; v < 6; v++) { /* of 1970: expired for any clock */
		commit(&h, v * 1000);
		CHECK_OK(&h.err, delta_snapshot_open(h.store, ROOT, v, &s, &h.err));
		h.digests[v] = digest(s);
		if (v == 2 || v == 4) checkpoint_v2(&h, s);
		delta_snapshot_close(s);
	}
	put(&h, "_sidecars/orphan.parquet", "x", 1);
	const int64_t now_ms = modified(h.store, "orphan");
	CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, now_ms + DAY / 2, &removed, &h.err));
	CHECK_I64(removed, 5); /* commits 0 to 3, the top of checkpoint 2 */
	assert_true(modified(h.store, "s2.parquet") > 0 && modified(h.store, "orphan") > 0);
	commit(&h, 7000); /* a later base */
	CHECK_OK(&h.err, delta_snapshot_open(h.store, ROOT, 6, &s, &h.err));
	h.digests[6] = digest(s);
	CHECK_OK(&h.err, delta_checkpoint_write(s, now_ms, &h.err));
	delta_snapshot_close(s);
	CHECK_OK(&h.err, delta_log_clean(h.store, ROOT, now_ms + 2 * DAY, &removed, &h.err));
	CHECK_I64(modified(h.store, "orphan"), -1);
	CHECK_I64(modified(h.store, "s4.parquet"), -1);
	check_version(&h, 6, true);
	unmake(&h);
	check_rmdir(dir);
}

/* ---- killed ------------------------------------------------------------------------------------------------------ */

struct killed {
	struct history h;
	char copy[64];
	int64_t now_ms;
	status (*run)(struct store *store, int64_t now_ms, struct err *err);
};

static status run_clean(struct store *store, int64_t now_ms, struct err *err)
{
	return delta_log_clean(store, ROOT, now_ms, NULL, err);
}

static status run_checkpoint(struct store *store, int64_t now_ms, struct err *err)
{
	struct delta_snapshot *s = NULL;
	TRY(delta_snapshot_open(store, ROOT, DELTA_LATEST, &s, err));
	const status code = delta_checkpoint_write(s, now_ms, err);
	delta_snapshot_close(s);
	return code;
}

/* Run on a fresh copy of the table, killed (or failing) at its at-th operation; true: it got that far. */
static bool run_until(struct killed *k, int64_t at, enum fault_when when, bool kill_it)
{
	char command[256];
	struct err err;
	(void)snprintf(command, sizeof command, "rm -rf '%s' && cp -a '%s' '%s'", k->copy, k->h.dir, k->copy);
	assert_int_equal(system(command), 0);
	(void)fflush(NULL);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store *store = NULL;
		struct fault_store f;
		if (store_open(k->copy, &store, &err) != OK) _exit(99);
		fault_store_init(&f, store);
		f.at = at;
		/* A kill at a read leaves what one at the next change leaves. */
		if (kill_it) f.mask = FAULT_CHANGES;
		f.when = when;
		f.kill = kill_it;
		const status code = k->run(&f.base, k->now_ms, &err);
		_exit(f.hits == 0 ? (code == OK ? 0 : 98) : code == OK ? 2 : 1);
	}
	int how;
	assert_true(waitpid(child, &how, 0) == child);
	if (WIFSIGNALED(how)) return WTERMSIG(how) == SIGKILL && kill_it;
	if (!WIFEXITED(how) || WEXITSTATUS(how) > 2) fail_msg("operation %lld: exit %d", (long long)at, how);
	return WEXITSTATUS(how) != 0;
}

static void check_killed(struct killed *k)
{
	int steps = 0;
	check_tmpdir(k->copy);
	for (int mode = 0; mode < 4; mode++) {
		for (int64_t at = 1; run_until(k, at, mode % 2 != 0 ? FAULT_AFTER : FAULT_BEFORE, mode < 2); at++) {
			struct history left = k->h;
			CHECK_OK(&left.err, store_open(k->copy, &left.store, &left.err));
			check_versions(&left, k->now_ms);
			CHECK_OK(&left.err, k->run(left.store, k->now_ms, &left.err)); /* and it can be done again */
			check_versions(&left, k->now_ms);
			store_close(left.store);
			steps++;
		}
	}
	printf("%d steps\n", steps);
	assert_true(steps > 10);
	check_rmdir(k->copy);
}

static void test_killed_clean(void **state)
{
	(void)state;
	struct killed k = {.run = run_clean, .now_ms = START + 40 * DAY};
	char dir[64];
	make_plain(&k.h, dir, 14, (const int[]){3, 6, -1});
	for (int v = 0; v < 14; v += 5) {
		struct delta_snapshot *s = NULL;
		CHECK_OK(&k.h.err, delta_snapshot_open(k.h.store, ROOT, v, &s, &k.h.err));
		if (v == 5)
			checkpoint_v2(&k.h, s);
		else
			checkpoint_parts(&k.h, s, 3);
		delta_snapshot_close(s);
	}
	put(&k.h, "_last_checkpoint", "{\"version\":3,\"size\":9}", 22);
	check_killed(&k);
	unmake(&k.h);
	check_rmdir(dir);
}

static void test_killed_checkpoint(void **state)
{
	(void)state;
	struct killed k = {.run = run_checkpoint, .now_ms = START};
	char dir[64];
	make_plain(&k.h, dir, 6, (const int[]){2, -1});
	check_killed(&k);
	unmake(&k.h);
	check_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_stale_hint),
		cmocka_unit_test(test_bad_hints),
		cmocka_unit_test(test_sidecars),
		cmocka_unit_test(test_histories),
		cmocka_unit_test(test_killed_clean),
		cmocka_unit_test(test_killed_checkpoint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
