#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fault_store.h"
#include "log_text.h"
#include "table/log/history.h"
#include "table/log/txn.h"

static struct delta_snapshot *open_latest(struct store *store)
{
	struct delta_snapshot *s = NULL;
	struct err err;
	CHECK_OK(&err, delta_snapshot_open(store, "t", DELTA_LATEST, &s, &err));
	return s;
}

static struct delta_add file_of(const char *path, const char *value)
{
	static struct delta_pair pairs[64];
	static size_t next;
	struct delta_pair *pair = &pairs[next++ % 64];
	*pair = (struct delta_pair){STR("p"), value != NULL ? str_of(value) : (struct str){NULL, 0}};
	return (struct delta_add){
		.path = str_of(path), .partition = {pair, 1}, .size = 10, .modified_ms = 1, .data_change = true};
}

static const struct delta_txn_opts append_opts = {.operation = "WRITE"};

static status append(
	struct store *store, const struct delta_snapshot *s, const char *path, int64_t *version, struct err *err)
{
	struct delta_txn *t = NULL;
	const struct delta_add a = file_of(path, "x");
	TRY(delta_txn_begin(store, "t", s, &append_opts, &t, err));
	status code = delta_txn_add(t, &a, err);
	if (code == OK) code = delta_txn_commit(t, version, err);
	delta_txn_destroy(t);
	return code;
}

static void lake_with(struct log_lake *l, const char *first)
{
	log_lake_open(l);
	log_put_version(l, 0, first);
}

#define FIRST INFO("100") PROTOCOL METADATA ADD("a", "\"x\"") ADD("b", "\"y\"")

/* ---- the commit ------------------------------------------------------------------------------------------------ */

static void test_create(void **state)
{
	(void)state;
	static const struct str partition[] = {{"p", 1}};
	const struct delta_metadata m = {.id = STR("id"),
		.schema = STR("{\"type\":\"struct\",\"fields\":[{\"name\":\"p\",\"type\":\"string\",\"nullable\":true,"
			      "\"metadata\":{}}]}"),
		.partition_columns = {partition, 1},
		.created_ms = 5};
	const struct delta_txn_opts opts = {.operation = "CREATE TABLE",
		.parameters = "{\"mode\":\"ErrorIfExists\"}",
		.metrics = "{\"numFiles\":\"1\"}",
		.info = "\"pqrRunId\":\"r\\\"1\""};
	struct log_lake l;
	struct delta_txn *t = NULL;
	struct delta_history h;
	int64_t version = -1;
	log_lake_open(&l);
	for (int round = 0; round < 2; round++) { /* the second finds it there */
		const struct delta_add a = file_of("p=x%20/\"\xc3\xa9.parquet", "x \n\"");
		CHECK_OK(&l.err, delta_txn_begin(l.store, "t", NULL, &opts, &t, &l.err));
		CHECK_OK(&l.err,
			delta_txn_protocol(t, &(struct delta_protocol){.min_reader = 1, .min_writer = 2}, &l.err));
		CHECK_OK(&l.err, delta_txn_metadata(t, &m, &l.err));
		CHECK_OK(&l.err, delta_txn_app(t, STR("app"), 3, &l.err));
		CHECK_OK(&l.err, delta_txn_add(t, &a, &l.err));
		CHECK_FAILS(round == 0 ? OK : E_CONFLICT, delta_txn_commit(t, &version, &l.err));
		delta_txn_destroy(t);
	}
	CHECK_I64(version, 0);
	check_snapshot(l.store, -1, "v0 files p=x%20/\"\xc3\xa9.parquet(p=x \n\") txns app=3");
	CHECK_OK(&l.err, delta_history_read(l.store, "t", 0, &h, &l.err));
	CHECK_I64(h.n, 1);
	assert_true(str_is(h.versions[0].info.operation, "CREATE TABLE"));
	assert_true(str_is(h.versions[0].info.engine, "pqr/" PQR_VERSION));
	CHECK_I64(h.versions[0].info.txn_id.n, 36);
	assert_non_null(strstr(h.versions[0].info.text.p, "\"operationParameters\":{\"mode\":\"ErrorIfExists\"}"));
	assert_non_null(strstr(h.versions[0].info.text.p, "\"operationMetrics\":{\"numFiles\":\"1\"}"));
	assert_non_null(strstr(h.versions[0].info.text.p, "\"pqrRunId\":\"r\\\"1\""));
	assert_non_null(strstr(h.versions[0].info.text.p, "\"isBlindAppend\":true"));
	assert_null(strstr(h.versions[0].info.text.p, "readVersion"));
	delta_history_deinit(&h);
	log_lake_close(&l);
}

static void test_add_and_remove(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_txn *t = NULL;
	int64_t version;
	lake_with(
		&l, INFO("4102444800000") PROTOCOL METADATA ADD("a", "\"x\"") ADD("b", "\"y\"")); /* of the year 2100 */
	struct delta_snapshot *s = open_latest(l.store);
	const struct delta_add c = file_of("c", NULL);
	CHECK_OK(&l.err, delta_txn_begin(l.store, "t", s, &append_opts, &t, &l.err));
	CHECK_OK(&l.err, delta_txn_remove(t, &s->files[0], true, &l.err));
	CHECK_OK(&l.err, delta_txn_add(t, &c, &l.err));
	CHECK_OK(&l.err, delta_txn_commit(t, &version, &l.err));
	CHECK_I64(version, 1);
	delta_txn_destroy(t);
	delta_snapshot_close(s);
	s = open_latest(l.store);
	CHECK_I64(s->timestamp_ms,
		INT64_C(4102444800001)); /* later than the version before it, whatever the clock says */
	CHECK_I64(s->n_tombstones, 1);
	assert_true(s->tombstones[0].extended);
	CHECK_I64(s->tombstones[0].size, 10);
	assert_true(s->tombstones[0].deleted_ms > 0);
	assert_true(str_is(s->tombstones[0].partition.items[0].value, "x"));
	delta_snapshot_close(s);
	check_snapshot(l.store, -1, "v1 files b(p=y) c(p=null) tombstones a");
	log_lake_close(&l);
}

static void test_refused(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_txn *t = NULL;
	int64_t version;
	lake_with(&l, FIRST);
	struct delta_snapshot *s = open_latest(l.store);
	const struct delta_add none = file_of("none", "x"), again = file_of("a", "x"), out = file_of("../a", "x");
	CHECK_OK(&l.err, delta_txn_begin(l.store, "t", s, &append_opts, &t, &l.err));
	CHECK_FAILS(E_NOT_FOUND, delta_txn_remove(t, &none, true, &l.err));
	CHECK_FAILS(E_NOT_FOUND, delta_txn_commit(t, &version, &l.err)); /* poisoned */
	delta_txn_destroy(t);
	CHECK_OK(&l.err, delta_txn_begin(l.store, "t", s, &append_opts, &t, &l.err));
	CHECK_FAILS(E_CORRUPT, delta_txn_add(t, &out, &l.err));
	delta_txn_destroy(t);
	for (int kind = 0; kind < 3; kind++) { /* add twice, remove twice, add and remove */
		CHECK_OK(&l.err, delta_txn_begin(l.store, "t", s, &append_opts, &t, &l.err));
		CHECK_OK(&l.err,
			kind == 1 ? delta_txn_remove(t, &again, true, &l.err) : delta_txn_add(t, &again, &l.err));
		CHECK_OK(&l.err,
			kind == 0 ? delta_txn_add(t, &again, &l.err) : delta_txn_remove(t, &again, true, &l.err));
		CHECK_FAILS(E_USAGE, delta_txn_commit(t, &version, &l.err));
		delta_txn_destroy(t);
	}
	delta_snapshot_close(s);
	check_snapshot(l.store, -1, "v0 files a(p=x) b(p=y)");
	log_lake_close(&l);
}

static void test_writer_features(void **state)
{
	(void)state;
	static const struct {
		const char *protocol, *configuration, *message; /* NULL: may be written */
	} cases[] = {
		{"1,\"minWriterVersion\":2", "{}", NULL},
		{"1,\"minWriterVersion\":1", "{}", NULL},
		{"1,\"minWriterVersion\":3", "{}", NULL},
		{"1,\"minWriterVersion\":3", "{\"delta.constraints.c\":\"a > 0\"}", "delta.constraints.c"},
		{"1,\"minWriterVersion\":3", "{\"delta.checkpoint.writeStatsAsJson\":\"false\"}", "writeStatsAsJson"},
		{"1,\"minWriterVersion\":3", "{\"delta.checkpoint.writeStatsAsStruct\":\"true\"}",
			"writeStatsAsStruct"},
		{"1,\"minWriterVersion\":2", "{\"delta.checkpoint.writeStatsAsStruct\":\"true\"}", NULL},
		{"1,\"minWriterVersion\":4", "{}", "changeDataFeed"},
		{"2,\"minWriterVersion\":5", "{}", "columnMapping"},
		{"1,\"minWriterVersion\":6", "{}", "identityColumns"},
		{"1,\"minWriterVersion\":8", "{}", "writer version 8"},
		{"1,\"minWriterVersion\":7,\"writerFeatures\":[\"appendOnly\",\"invariants\",\"checkConstraints\","
		 "\"timestampNtz\"]",
			"{}", NULL},
		{"1,\"minWriterVersion\":7,\"writerFeatures\":[\"appendOnly\",\"rowTracking\"]", "{}", "rowTracking"},
		{"3,\"minWriterVersion\":7,\"readerFeatures\":[\"v2Checkpoint\"],\"writerFeatures\":[\"v2Checkpoint\"]",
			"{}", "v2Checkpoint"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[4096];
		struct log_lake l;
		int64_t version;
		(void)snprintf(text, sizeof text,
			"{\"protocol\":{\"minReaderVersion\":%s}}\n{\"metaData\":{\"id\":\"i\",\"schemaString\":\"{"
			"\\\"type\\\":\\\"struct\\\","
			"\\\"fields\\\":[]}\",\"partitionColumns\":[],\"configuration\":%s}}\n",
			cases[i].protocol, cases[i].configuration);
		lake_with(&l, text);
		struct delta_snapshot *s = open_latest(l.store);
		const status code = append(l.store, s, "new", &version, &l.err);
		if (code != (cases[i].message == NULL ? OK : E_UNSUPPORTED))
			fail_msg("%s: %s", cases[i].protocol, l.err.message);
		if (cases[i].message != NULL && strstr(l.err.message, cases[i].message) == NULL)
			fail_msg("%s", l.err.message);
		delta_snapshot_close(s);
		log_lake_close(&l);
	}
}

static void test_append_only(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_txn *t = NULL;
	int64_t version;
	lake_with(&l, PROTOCOL METADATA_WITH("[\"p\"]", "{\"delta.appendOnly\":\"true\"}") ADD("a", "\"x\""));
	struct delta_snapshot *s = open_latest(l.store);
	CHECK_OK(&l.err, delta_txn_begin(l.store, "t", s, &append_opts, &t, &l.err));
	CHECK_FAILS(E_UNSUPPORTED, delta_txn_remove(t, &s->files[0], true, &l.err));
	delta_txn_destroy(t);
	CHECK_OK(&l.err, delta_txn_begin(l.store, "t", s, &append_opts, &t, &l.err));
	CHECK_OK(&l.err, delta_txn_remove(t, &s->files[0], false, &l.err)); /* rearranging is not removing */
	CHECK_OK(&l.err, delta_txn_commit(t, &version, &l.err));
	delta_txn_destroy(t);
	delta_snapshot_close(s);
	log_lake_close(&l);
}

/* ---- conflicts -------------------------------------------------------------------------------------------------- */

#define ADD_SAME(path, value)                                                                                       \
	"{\"add\":{\"path\":\"" path "\",\"partitionValues\":{\"p\":" value "},\"size\":10,\"modificationTime\":1," \
	"\"dataChange\":false}}\n"
#define REMOVE_SAME(path) "{\"remove\":{\"path\":\"" path "\",\"dataChange\":false}}\n"
#define REMOVE_FULL(path, value)                                                                                     \
	"{\"remove\":{\"path\":\"" path "\",\"dataChange\":true,\"extendedFileMetadata\":true,\"partitionValues\":{" \
	"\"p\":" value "},\"size\":1}}\n"
#define TXN(app) "{\"txn\":{\"appId\":\"" app "\",\"version\":1}}\n"

enum ours { APPEND, REWRITE_A, REPLACE_X, REPLACE_ALL, REPLACE_NULL, WITH_APP };

static status commit_ours(struct log_lake *l, const struct delta_snapshot *s, enum ours ours, int64_t *version)
{
	struct delta_txn_opts opts = append_opts;
	struct delta_txn *t = NULL;
	const struct delta_add add = file_of("new", "x");
	opts.reads = ours == REPLACE_ALL                         ? DELTA_READS_ALL
		     : ours == REPLACE_X || ours == REPLACE_NULL ? DELTA_READS_PARTITION
								 : DELTA_READS_NOTHING;
	opts.column = STR("p");
	opts.value = ours == REPLACE_X ? STR("x") : (struct str){NULL, 0};
	TRY(delta_txn_begin(l->store, "t", s, &opts, &t, &l->err));
	status code = delta_txn_add(t, &add, &l->err);
	if (code == OK && (ours == REWRITE_A || ours == REPLACE_X || ours == REPLACE_ALL))
		code = delta_txn_remove(t, delta_snapshot_file(s, STR("a")), ours != REWRITE_A, &l->err);
	if (code == OK && ours == WITH_APP) code = delta_txn_app(t, STR("app"), 2, &l->err);
	if (code == OK) code = delta_txn_commit(t, version, &l->err);
	delta_txn_destroy(t);
	return code;
}

static void test_conflicts(void **state)
{
	(void)state;
	static const struct {
		enum ours ours;
		const char *winner;
		const char *message; /* NULL: no conflict */
	} cases[] = {
		{APPEND, ADD("w", "\"x\""), NULL},
		{APPEND, REMOVE("a"), NULL},
		{APPEND, TXN("app"), NULL},
		{APPEND, PROTOCOL, "protocol"},
		{APPEND, METADATA, "metadata"},
		{APPEND, "{\"future\":{}}\n", NULL},
		{APPEND, "", NULL},
		{WITH_APP, TXN("other"), NULL},
		{WITH_APP, TXN("app"), "same application app"},
		{REWRITE_A, ADD("w", "\"x\""), NULL},
		{REWRITE_A, REMOVE("b"), NULL},
		{REWRITE_A, REMOVE("a"), "same file a"},
		{REWRITE_A, REMOVE_SAME("a"), "same file a"},
		{REPLACE_X, ADD("w", "\"y\""), NULL},
		{REPLACE_X, ADD("w", "null"), NULL},
		{REPLACE_X, ADD("w", "\"x\""), "file to what was read: w"},
		{REPLACE_X, ADD_SAME("w", "\"x\""), NULL},
		{REPLACE_X, REMOVE("b"), NULL}, /* its partition is found in the snapshot */
		{REPLACE_X, REMOVE("unknown"), "was read: unknown"},
		{REPLACE_X, REMOVE_FULL("unknown", "\"y\""), NULL},
		{REPLACE_X, REMOVE_FULL("c", "\"x\""), "was read: c"},
		{REPLACE_X, REMOVE("a"), "same file a"},
		{REPLACE_X, REMOVE_SAME("c") ADD_SAME("d", "\"x\""), NULL},
		{REPLACE_NULL, ADD("w", "\"x\""), NULL},
		{REPLACE_NULL, ADD("w", "\"\""), "to what was read"},
		{REPLACE_NULL, ADD("w", "null"), "to what was read"},
		{REPLACE_ALL, ADD("w", "\"y\""), "to what was read"},
		{REPLACE_ALL, REMOVE("b"), "was read: b"},
		{REPLACE_ALL, ADD_SAME("w", "\"y\"") REMOVE_SAME("b"), NULL},
		{REPLACE_ALL, TXN("app"), NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int before = 0; before < 2; before++) { /* the winner at once, or behind one that passes */
			struct log_lake l;
			int64_t version = -1;
			lake_with(&l, FIRST ADD("c", "\"x\""));
			struct delta_snapshot *s = open_latest(l.store);
			if (before) log_put_version(&l, 1, INFO("4102444800000"));
			log_put_version(&l, 1 + before, cases[i].winner);
			err_clear(&l.err);
			const status code = commit_ours(&l, s, cases[i].ours, &version);
			if (code != (cases[i].message == NULL ? OK : E_CONFLICT) ||
				(cases[i].message != NULL && strstr(l.err.message, cases[i].message) == NULL))
				fail_msg("case %zu (%s): %s %s", i, cases[i].winner, status_name(code), l.err.message);
			if (code == OK) CHECK_I64(version, 2 + before);
			if (code != OK) CHECK_I64(l.err.class, ERR_CONFLICT);
			if (code != OK) assert_non_null(strstr(l.err.where, before ? "02.json" : "01.json"));
			delta_snapshot_close(s);
			log_lake_close(&l);
		}
	}
}

/* Winners that cannot be read are no winners to pass. */
static void test_broken_winner(void **state)
{
	(void)state;
	struct log_lake l;
	int64_t version;
	lake_with(&l, FIRST);
	struct delta_snapshot *s = open_latest(l.store);
	log_put_version(&l, 1, "{\"add\":");
	CHECK_FAILS(E_CORRUPT, append(l.store, s, "new", &version, &l.err));
	assert_non_null(strstr(l.err.where, "00000000000000000001.json"));
	delta_snapshot_close(s);
	log_lake_close(&l);
	lake_with(&l, FIRST);
	s = open_latest(l.store);
	log_put(&l, "00000000000000000001.json/file", "a folder where the commit belongs");
	CHECK_FAILS(E_IO, append(l.store, s, "new", &version, &l.err));
	assert_non_null(strstr(l.err.message, "00000000000000000001.json"));
	delta_snapshot_close(s);
	log_lake_close(&l);
}

/* The log was cleaned up far beyond what the transaction read: the old version's name is free, and must not be taken. */
static void test_cleaned_beyond(void **state)
{
	(void)state;
	struct log_lake l;
	int64_t version;
	lake_with(&l, FIRST);
	struct delta_snapshot *s = open_latest(l.store);
	log_put_version(&l, 5, FIRST);
	CHECK_OK(&l.err, store_delete(l.store, "t/_delta_log/00000000000000000000.json", &l.err));
	CHECK_FAILS(E_CONFLICT, append(l.store, s, "new", &version, &l.err));
	CHECK_FAILS(E_NOT_FOUND, store_size(l.store, "t/_delta_log/00000000000000000001.json", &version, &l.err));
	delta_snapshot_close(s);
	log_lake_close(&l);
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

/* How often the path is added by a commit of the log. */
static int count_adds(struct log_lake *l, const char *path)
{
	struct delta_history h;
	int n = 0;
	CHECK_OK(&l->err, delta_history_read(l->store, "t", 0, &h, &l->err));
	for (size_t v = 0; v < h.n; v++) {
		struct buf text;
		char key[DELTA_KEY_MAX], want[64];
		CHECK_I64(h.versions[v].version, v);
		buf_init(&text, 0);
		CHECK_OK(&l->err, delta_commit_key(key, "t", (int64_t)v, &l->err));
		CHECK_OK(&l->err, store_get(l->store, key, &text, &l->err));
		(void)snprintf(want, sizeof want, "{\"add\":{\"path\":\"%s\"", path);
		n += memmem(text.p, text.n, want, strlen(want)) != NULL;
		buf_deinit(&text);
	}
	delta_history_deinit(&h);
	return n;
}

/* Every operation of a commit fails once, or from then on, before or after it took effect, in each class of error. Success means in the
 * log once; a plain failure means not in it; a failure of class UNKNOWN may be either, once. */
static void test_lost_answers(void **state)
{
	(void)state;
	static const enum err_class classes[] = {ERR_UNKNOWN, ERR_RETRY, ERR_FATAL};
	int successes = 0, failures = 0;
	for (int kind = 0; kind < 3 * 2 * 2 * 2; kind++) {
		const bool winner = kind & 1, lasting = kind & 2;
		for (int64_t n = 1;; n++) {
			struct log_lake l;
			struct fault_store f;
			int64_t version = -1;
			lake_with(&l, FIRST);
			struct delta_snapshot *s = open_latest(l.store);
			if (winner) log_put_version(&l, 1, ADD("w", "\"x\""));
			fault_store_init(&f, l.store);
			f.at = n;
			f.times = lasting ? INT64_MAX : 1;
			f.when = kind & 4 ? FAULT_AFTER : FAULT_BEFORE;
			f.class = classes[kind / 8];
			err_clear(&l.err);
			const status code = append(&f.base, s, "new", &version, &l.err);
			const enum err_class class = l.err.class;
			const int there = count_adds(&l, "new");
			if (there > 1 || (code == OK && there != 1) ||
				(code != OK && class != ERR_UNKNOWN && there != 0))
				fail_msg("kind %d, operation %lld: %s (%s), class %d, %d times in the log", kind,
					(long long)n, status_name(code), l.err.message, class, there);
			if (code == OK) CHECK_I64(version, 1 + winner);
			if (!lasting && f.hits > 0 && f.class == ERR_UNKNOWN && f.mask == FAULT_ALL)
				successes += code == OK;
			failures += code != OK;
			const bool hit = f.hits > 0;
			delta_snapshot_close(s);
			log_lake_close(&l);
			if (!hit) {
				assert_int_equal(code, OK);
				break;
			}
		}
	}
	assert_true(successes > 5); /* a lost answer alone is no failure */
	assert_true(failures > 10);
}

/* One lost answer of the commit itself is settled by looking: no failure at all. */
static void test_lost_commit(void **state)
{
	(void)state;
	for (int when = FAULT_BEFORE; when <= FAULT_AFTER; when++) {
		for (int times = 1; times <= 3; times++) {
			struct log_lake l;
			struct fault_store f;
			int64_t version = -1;
			lake_with(&l, FIRST);
			struct delta_snapshot *s = open_latest(l.store);
			fault_store_init(&f, l.store);
			f.mask = FAULT_COMMIT;
			f.at = 1;
			f.times = times;
			f.when = (enum fault_when)when;
			CHECK_OK(&l.err, append(&f.base, s, "new", &version, &l.err));
			CHECK_I64(version, 1);
			CHECK_I64(count_adds(&l, "new"), 1);
			delta_snapshot_close(s);
			log_lake_close(&l);
		}
	}
}

/* The answer is lost and somebody else has the version. */
static void other_wins(void *arg, struct fault_store *f, enum fault_op op, const char *key)
{
	struct log_lake *l = arg;
	(void)key;
	if (op == FAULT_COMMIT && f->n == 0) log_put_version(l, 1, ADD("w", "\"x\""));
}

static void test_lost_to_other(void **state)
{
	(void)state;
	struct log_lake l;
	struct fault_store f;
	int64_t version = -1;
	lake_with(&l, FIRST);
	struct delta_snapshot *s = open_latest(l.store);
	fault_store_init(&f, l.store);
	f.mask = FAULT_COMMIT;
	f.at = 1;
	f.hook = other_wins;
	f.hook_arg = &l;
	CHECK_OK(&l.err, append(&f.base, s, "new", &version, &l.err));
	CHECK_I64(version, 2);
	CHECK_I64(count_adds(&l, "new"), 1);
	check_snapshot(l.store, -1, "v2 files a(p=x) b(p=y) new(p=x) w(p=x)");
	delta_snapshot_close(s);
	log_lake_close(&l);
}

/* A listing that lags behind shows an older version, which is whole; the commit finds out by the name being taken. */
static void test_short_list(void **state)
{
	(void)state;
	struct log_lake l;
	struct fault_store f;
	struct delta_snapshot *s = NULL;
	int64_t version = -1;
	lake_with(&l, FIRST);
	log_put_version(&l, 1, ADD("w", "\"x\""));
	log_put_version(&l, 2, ADD("v", "\"x\""));
	fault_store_init(&f, l.store);
	f.hide = "00000000000000000002.json";
	check_snapshot(&f.base, -1, "v1 files a(p=x) b(p=y) w(p=x)");
	CHECK_OK(&l.err, delta_snapshot_open(&f.base, "t", DELTA_LATEST, &s, &l.err));
	CHECK_OK(&l.err, append(&f.base, s, "new", &version, &l.err));
	CHECK_I64(version, 3);
	CHECK_I64(count_adds(&l, "new"), 1);
	delta_snapshot_close(s);
	f.hide = "00000000000000000001.json"; /* in the middle: it is there when asked for by name */
	check_snapshot(&f.base, -1, "v3 files a(p=x) b(p=y) new(p=x) v(p=x) w(p=x)");
	check_snapshot(&f.base, 2, "v2 files a(p=x) b(p=y) v(p=x) w(p=x)");
	CHECK_OK(&l.err, store_delete(l.store, "t/_delta_log/00000000000000000001.json", &l.err));
	CHECK_FAILS(E_CORRUPT, delta_snapshot_open(&f.base, "t", DELTA_LATEST, &s, &l.err));
	assert_non_null(strstr(l.err.where, "00000000000000000001.json"));
	log_lake_close(&l);
}

/* SIGKILL before and after each operation: the log holds the commit or does not, and the next one goes on from there. */
static void test_killed(void **state)
{
	(void)state;
	int committed = 0, absent = 0;
	for (int when = FAULT_BEFORE; when <= FAULT_AFTER; when++) {
		bool killed = true;
		for (int64_t n = 1; killed; n++) {
			struct log_lake l;
			int64_t version = -1;
			int wstatus;
			lake_with(&l, FIRST);
			const pid_t pid = fork();
			assert_true(pid >= 0);
			if (pid == 0) {
				struct fault_store f;
				struct delta_snapshot *s = NULL;
				fault_store_init(&f, l.store);
				f.at = n;
				f.when = (enum fault_when)when;
				f.kill = true;
				status code = delta_snapshot_open(&f.base, "t", DELTA_LATEST, &s, &l.err);
				if (code == OK) code = append(&f.base, s, "new", &version, &l.err);
				_exit(code == OK ? 0 : 1);
			}
			CHECK_I64(waitpid(pid, &wstatus, 0), pid);
			killed = WIFSIGNALED(wstatus);
			if (!killed) CHECK_I64(WEXITSTATUS(wstatus), 0);
			const int there = count_adds(&l, "new");
			committed += there == 1;
			absent += there == 0;
			assert_true(there <= 1);
			check_snapshot(
				l.store, -1, there ? "v1 files a(p=x) b(p=y) new(p=x)" : "v0 files a(p=x) b(p=y)");
			struct delta_snapshot *s = open_latest(l.store);
			CHECK_OK(&l.err, append(l.store, s, "next", &version, &l.err));
			CHECK_I64(version, 1 + there);
			delta_snapshot_close(s);
			log_lake_close(&l);
		}
	}
	assert_true(committed >= 2 && absent >= 4);
}

static void test_no_memory(void **state)
{
	(void)state;
	int64_t n;
	for (n = 1;; n++) {
		struct log_lake l;
		int64_t version = -1;
		lake_with(&l, FIRST);
		struct delta_snapshot *s = open_latest(l.store);
		log_put_version(&l, 1, ADD("w", "\"x\"")); /* so that a winner is read too */
		const size_t before = mem_in_use();
		mem_fail_after(n);
		const status code = append(l.store, s, "new", &version, &l.err);
		mem_fail_after(-1);
		CHECK_I64(mem_in_use(), before);
		CHECK_I64(count_adds(&l, "new"), code == OK);
		if (code != OK) CHECK_FAILS(E_NOMEM, code);
		delta_snapshot_close(s);
		log_lake_close(&l);
		if (code == OK) break;
	}
	assert_true(n > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_add_and_remove),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_writer_features),
		cmocka_unit_test(test_append_only),
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_broken_winner),
		cmocka_unit_test(test_cleaned_beyond),
		cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_lost_commit),
		cmocka_unit_test(test_lost_to_other),
		cmocka_unit_test(test_short_list),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
