#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "fault_store.h"
#include "log_text.h"
#include "table/log/checkpoint.h"
#include "table/log/log.h"

/* ---- golden triples: commits in, version, snapshot out ------------------------------------------------------- */

static void test_golden(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *commits[5];
		int64_t version;
		const char *want;
	} cases[] = {
		{"one commit", {PROTOCOL METADATA ADD("a", "\"x\"") ADD("b", "null")}, -1, "v0 files a(p=x) b(p=null)"},
		{"no file", {INFO("1") PROTOCOL METADATA}, -1, "v0 files"},
		{"sorted by path", {PROTOCOL METADATA ADD("b", "\"1\""), ADD("a/z", "\"1\"") ADD("a", "\"1\"")}, -1,
			"v1 files a(p=1) a/z(p=1) b(p=1)"},
		{"remove", {PROTOCOL METADATA ADD("a", "\"x\""), REMOVE("a")}, -1, "v1 files tombstones a"},
		{"remove and add again", {PROTOCOL METADATA ADD("a", "\"x\""), REMOVE("a"), ADD("a", "\"y\"")}, -1,
			"v2 files a(p=y)"},
		{"time travel", {PROTOCOL METADATA ADD("a", "\"x\""), REMOVE("a"), ADD("b", "\"y\"")}, 0,
			"v0 files a(p=x)"},
		{"newest add wins", {PROTOCOL METADATA ADD("a", "\"x\""), ADD("a", "\"y\""), ADD("c", "\"\"")}, -1,
			"v2 files a(p=y) c(p=)"},
		{"remove of an unknown file", {PROTOCOL METADATA, REMOVE("zz")}, -1, "v1 files tombstones zz"},
		{"percent code and plain are one path", {PROTOCOL METADATA ADD("a%62", "\"x\""), REMOVE("ab")}, -1,
			"v1 files tombstones ab"},
		{"txn",
			{PROTOCOL METADATA "{\"txn\":{\"appId\":\"u\",\"version\":9}}\n",
				"{\"txn\":{\"appId\":\"u\",\"version\":2}}\n"
				"{\"txn\":{\"appId\":\"b\",\"version\":1}}\n"},
			-1, "v1 files txns b=1 u=2"},
		{"domain",
			{PROTOCOL METADATA
				"{\"domainMetadata\":{\"domain\":\"d\",\"configuration\":\"\",\"removed\":false}}\n"
				"{\"domainMetadata\":{\"domain\":\"e\",\"configuration\":\"\",\"removed\":false}}\n",
				"{\"domainMetadata\":{\"domain\":\"d\",\"configuration\":\"\",\"removed\":true}}\n"},
			-1, "v1 files domains e"},
		{"missing partition value is null",
			{PROTOCOL METADATA "{\"add\":{\"path\":\"a\",\"partitionValues\":{\"q\":\"1\"},\"size\":1,"
					   "\"modificationTime\":1,\"dataChange\":true}}"},
			-1, "v0 files a(p=null)"},
		{"last metaData of a commit", {PROTOCOL METADATA METADATA_WITH("[]", "{}") ADD("a", "\"x\"")}, -1,
			"v0 files a"},
		{"metaData later", {PROTOCOL METADATA ADD("a", "\"x\""), METADATA_WITH("[\"a\",\"p\"]", "{}")}, -1,
			"v1 files a(a=null)(p=x)"},
		{"blank lines and CR", {PROTOCOL "\n\n" METADATA "{\"future\":{}}\r\n\r\n" ADD("a", "\"x\"")}, -1,
			"v0 files a(p=x)"},
		{"deletion vector of a removed file",
			{PROTOCOL METADATA ADD("a", "\"x\""),
				"{\"remove\":{\"path\":\"a\",\"dataChange\":true,\"deletionVector\":{\"storageType\":"
				"\"u\",\"pathOrInlineDv\":\"q\"}}}"},
			-1, "v1 files a(p=x) tombstones a"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct log_lake l;
		print_message("  %s\n", cases[i].name);
		log_lake_open(&l);
		for (int64_t v = 0; v < 5 && cases[i].commits[v] != NULL; v++)
			log_put_version(&l, v, cases[i].commits[v]);
		check_snapshot(l.store, cases[i].version, cases[i].want);
		log_lake_close(&l);
	}
}

/* ---- broken and hostile logs --------------------------------------------------------------------------------- */

static void check_refused(struct log_lake *l, int64_t version, status code, const char *place, const char *message)
{
	struct delta_snapshot *s = NULL;
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX + 64];
	err_clear(&l->err);
	const status got = delta_snapshot_open(l->store, "t", version, &s, &l->err);
	(void)err_text(&l->err, text, sizeof text);
	if (got != code || strstr(text, place) == NULL || strstr(text, message) == NULL)
		fail_msg("%s: %s; expected %s with '%s' and '%s'", status_name(got), text, status_name(code), place,
			message);
}

static void test_hostile(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct {
			const char *file, *text;
		} files[4];
		status code;
		const char *place, *message;
	} cases[] = {
		{"no table", {{NULL, NULL}}, E_NOT_FOUND, "t", "no Delta table"},
		{"truncated", {{"00000000000000000000.json", PROTOCOL METADATA "{\"add\":{\"path\":\"a\",\"siz"}},
			E_CORRUPT, "00000000000000000000.json:3", "without end"},
		{"number",
			{{"00000000000000000000.json", PROTOCOL METADATA},
				{"00000000000000000001.json",
					"{\"add\":{\"path\":\"a\",\"size\":99999999999999999999}}"}},
			E_CORRUPT, "00000000000000000001.json:1", "out of range"},
		{"path", {{"00000000000000000000.json", PROTOCOL METADATA ADD("..%2f..%2fetc/passwd", "\"x\"")}},
			E_CORRUPT, "00000000000000000000.json:3", "'..'"},
		{"gap",
			{{"00000000000000000000.json", PROTOCOL METADATA},
				{"00000000000000000002.json", ADD("a", "null")}},
			E_CORRUPT, "00000000000000000001.json", "missing"},
		{"no first", {{"00000000000000000001.json", PROTOCOL METADATA}}, E_CORRUPT, "00000000000000000000.json",
			"missing"},
		{"largest version",
			{{"00000000000000000000.json", PROTOCOL METADATA},
				{"09223372036854775807.json", ADD("a", "null")}},
			E_CORRUPT, "00000000000000000001.json", "missing"},
		{"no protocol", {{"00000000000000000000.json", METADATA}}, E_CORRUPT, "00000000000000000000.json",
			"without protocol"},
		{"no metaData", {{"00000000000000000000.json", PROTOCOL}}, E_CORRUPT, "00000000000000000000.json",
			"without protocol or metaData"},
		{"no JSON", {{"00000000000000000000.json", "PAR1"}}, E_CORRUPT, "00000000000000000000.json:1", "value"},
		{"schema",
			{{"00000000000000000000.json", PROTOCOL
				"{\"metaData\":{\"id\":\"i\",\"schemaString\":\"{\",\"partitionColumns\":[]}}"}},
			E_CORRUPT, "t", "schemaString"},
		{"partition column", {{"00000000000000000000.json", PROTOCOL METADATA_WITH("[\"zz\"]", "{}")}},
			E_CORRUPT, "t", "'zz'"},
		{"deletion vector",
			{{"00000000000000000000.json", PROTOCOL METADATA
				"{\"add\":{\"path\":\"a\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,"
				"\"dataChange\":true,"
				"\"deletionVector\":{\"storageType\":\"u\",\"pathOrInlineDv\":\"q\"}}}"}},
			E_UNSUPPORTED, "t", "deletionVectors"},
		{"reader 4",
			{{"00000000000000000000.json",
				"{\"protocol\":{\"minReaderVersion\":4,\"minWriterVersion\":7}}\n" METADATA}},
			E_UNSUPPORTED, "table t", "reader version 4"},
		{"feature",
			{{"00000000000000000000.json",
				"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
				"[\"timestampNtz\",\"variantType\"],\"writerFeatures\":[]}}\n" METADATA}},
			E_UNSUPPORTED, "table t", "variantType"},
		{"column mapping",
			{{"00000000000000000000.json",
				"{\"protocol\":{\"minReaderVersion\":2,\"minWriterVersion\":5}}\n" METADATA_WITH(
					"[]", "{\"delta.columnMapping.mode\":\"name\"}")}},
			E_UNSUPPORTED, "table t", "columnMapping"},
		{"bad checkpoint alone",
			{{"00000000000000000003.checkpoint.parquet", "PAR1"},
				{"00000000000000000004.json", ADD("a", "null")}},
			E_CORRUPT, "00000000000000000003.checkpoint.parquet", ""},
		{"parts missing",
			{{"00000000000000000003.checkpoint.0000000001.0000000002.parquet", "PAR1"},
				{"00000000000000000004.json", ADD("a", "null")}},
			E_CORRUPT, "00000000000000000000.json", "missing"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct log_lake l;
		print_message("  %s\n", cases[i].name);
		log_lake_open(&l);
		for (size_t f = 0; f < 4 && cases[i].files[f].file != NULL; f++)
			log_put(&l, cases[i].files[f].file, cases[i].files[f].text);
		check_refused(&l, DELTA_LATEST, cases[i].code, cases[i].place, cases[i].message);
		log_lake_close(&l);
	}
}

/* Names that are no log files, and hints that lie, change nothing. */
static void test_noise(void **state)
{
	(void)state;
	static const char *const hints[] = {"", "{", "[]", "{\"version\":1,\"size\":3}",
		"{\"version\":99999999999999999999}", "{\"version\":7,\"parts\":2000000000}", "\x00\xff",
		"{\"version\":0,\"v2Checkpoint\":{\"path\":\"_last_checkpoint\"}}"};
	static const char *const names[] = {"99999999999999999999.json", "09223372036854775808.json",
		"000000000000000000005.json", "5.json", "00000000000000000005.json.tmp", "00000000000000000005.crc",
		"00000000000000000000.00000000000000000005.compacted.json",
		"00000000000000000005.checkpoint.0000000003.0000000002.parquet",
		"00000000000000000005.checkpoint.0000000000.0000000000.parquet",
		"00000000000000000005.checkpoint.9999999999.9999999999.parquet", "00000000000000000005.checkpoint.",
		"sub/00000000000000000005.json", "_staged_commits/00000000000000000005.json", "_sidecars/x.parquet",
		"00000000000000000005.json/x"};
	struct log_lake l;
	log_lake_open(&l);
	log_put_version(&l, 0, PROTOCOL METADATA ADD("a", "\"x\""));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) log_put(&l, names[i], "noise");
	for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
		log_put(&l, "_last_checkpoint", hints[i]);
		check_snapshot(l.store, DELTA_LATEST, "v0 files a(p=x)");
	}
	check_refused(&l, 1, E_NOT_FOUND, "t", "0 to 0");
	check_refused(&l, -7, E_NOT_FOUND, "t", "-7");
	check_refused(&l, INT64_MAX, E_NOT_FOUND, "t", "9223372036854775807");
	log_lake_close(&l);
}

/* ---- lists and look-ups ---------------------------------------------------------------------------------------- */

static void test_checkpoint_choice(void **state)
{
	(void)state;
	static struct delta_log_file files[] = {
		{.kind = DELTA_LOG_COMMIT, .version = 1, .key = ""},
		{.kind = DELTA_LOG_CHECKPOINT, .version = 1, .key = ""},
		{.kind = DELTA_LOG_PART, .version = 2, .part = 1, .parts = 2, .key = ""},
		{.kind = DELTA_LOG_PART, .version = 2, .part = 2, .parts = 3, .key = ""},
		{.kind = DELTA_LOG_PART, .version = 3, .part = 1, .parts = 2, .key = ""},
		{.kind = DELTA_LOG_PART, .version = 3, .part = 2, .parts = 2, .key = ""},
		{.kind = DELTA_LOG_CHECKPOINT, .version = 4, .key = ""},
		{.kind = DELTA_LOG_PART, .version = 4, .part = 1, .parts = 1, .key = ""},
		{.kind = DELTA_LOG_V2, .version = 4, .key = ""},
		{.kind = DELTA_LOG_V2, .version = 9, .key = ""},
		{.kind = DELTA_LOG_PART, .version = 12, .part = 1, .parts = INT32_MAX, .key = ""},
	};
	static const struct {
		int64_t version, skip, want;
		size_t first, n;
	} cases[] = {{INT64_MAX, INT64_MAX, 9, 9, 1}, {8, INT64_MAX, 4, 6, 1}, {INT64_MAX, 4, 3, 4, 2},
		{2, INT64_MAX, 1, 1, 1}, {0, INT64_MAX, -1, 0, 0}, {INT64_MAX, 1, -1, 0, 0}};
	const struct delta_log_list l = {files, sizeof files / sizeof files[0]};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct delta_checkpoint_at at = delta_log_checkpoint(&l, cases[i].version, cases[i].skip);
		CHECK_I64(at.version, cases[i].want);
		if (at.n > 0) CHECK_I64(at.files - files, (int64_t)cases[i].first);
		CHECK_I64(at.n, cases[i].n);
	}
}

static void test_look_up(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_snapshot *s = NULL;
	log_lake_open(&l);
	log_put_version(&l, 0,
		INFO("5000") PROTOCOL METADATA_WITH("[\"p\"]",
			"{\"w\":\"interval 2 weeks\",\"m\":\"interval 1 day 30 minutes\",\"h\":\"36 hours\","
			"\"bad\":\"interval 1 month\",\"big\":\"interval 99999999999999999 weeks\",\"n\":null}")
			ADD("a", "\"x\"") ADD("c", "\"x\"") "{\"txn\":{\"appId\":\"u\",\"version\":9}}\n");
	log_put_version(&l, 1, INFO("4000") ADD("b", "\"x\""));
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err));
	CHECK_I64(s->timestamp_ms, 5000); /* never goes backwards */
	CHECK_I64(s->checkpoint_version, -1);
	assert_true(s->log_bytes > 500);
	assert_ptr_equal(delta_snapshot_file(s, STR("b")), &s->files[1]);
	assert_null(delta_snapshot_file(s, STR("bb")));
	assert_null(delta_snapshot_file(s, STR("")));
	CHECK_I64(delta_snapshot_app_txn(s, STR("u"))->version, 9);
	assert_null(delta_snapshot_app_txn(s, STR("v")));
	CHECK_I64(delta_snapshot_interval(s, "w", 1), INT64_C(14) * 86400000);
	CHECK_I64(delta_snapshot_interval(s, "m", 1), 86400000 + 1800000);
	CHECK_I64(delta_snapshot_interval(s, "h", 1), 36 * 3600000);
	CHECK_I64(delta_snapshot_interval(s, "bad", 1), 1);
	CHECK_I64(delta_snapshot_interval(s, "big", 1), 1);
	CHECK_I64(delta_snapshot_interval(s, "none", 7), 7);
	CHECK_I64(delta_snapshot_interval(s, "n", 7), 7);
	assert_true(str_is(delta_snapshot_property(s, "n", "f"), "f"));
	delta_snapshot_close(s);
	log_lake_close(&l);
}

static void test_rows(void **state)
{
	(void)state;
	static char late[4096];
	(void)snprintf(late, sizeof late, "{\"minValues\":{\"a\":\"%0*d\"},\"numRecords\":12}", 3000, 7);
	const struct {
		const char *stats;
		int64_t want;
	} cases[] = {{"{\"numRecords\":7}", 7}, {"{\"nullCount\":{},\"numRecords\":3,\"x\":[]}", 3}, {"", -1},
		{"{}", -1}, {"{\"numRecords\":-1}", -1}, {"{\"numRecords\":\"7\"}", -1}, {"{\"numRecords\":1.5}", -1},
		{"{\"numRecords\":", -1}, {"[]", -1}, {late, 12}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct delta_add a = {.stats = str_of(cases[i].stats)};
		if (delta_add_rows(&a) != cases[i].want)
			fail_msg("%.80s: %lld", cases[i].stats, (long long)delta_add_rows(&a));
	}
}

/* ---- checkpoints, clean-up, faults ---------------------------------------------------------------------------- */

static void put_adds(struct log_lake *l, int64_t version, int from, int n)
{
	struct buf b;
	char name[64];
	buf_init(&b, 0);
	if (version == 0) buf_str(&b, PROTOCOL METADATA);
	for (int i = from; i < from + n; i++)
		buf_printf(&b,
			"{\"add\":{\"path\":\"p=x/"
			"part-%08d.parquet\",\"partitionValues\":{\"p\":\"x\"},\"size\":10,\"modificationTime\":1,"
			"\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":%d,\\\"minValues\\\":{\\\"a\\\":1},"
			"\\\"maxValues\\\":{\\\"a\\\":9}}\"}}\n",
			i, i);
	(void)snprintf(name, sizeof name, "t/_delta_log/%020lld.json", (long long)version);
	CHECK_OK(&l->err, store_put(l->store, name, b.p, b.n, &l->err));
	buf_deinit(&b);
}

static void write_checkpoint(struct log_lake *l, int64_t version)
{
	struct delta_snapshot *s = NULL;
	CHECK_OK(&l->err, delta_snapshot_open(l->store, "t", version, &s, &l->err));
	CHECK_OK(&l->err, delta_checkpoint_write(s, 1000, &l->err));
	delta_snapshot_close(s);
}

static void delete_version(struct log_lake *l, int64_t version)
{
	char key[DELTA_KEY_MAX];
	CHECK_OK(&l->err, delta_commit_key(key, "t", version, &l->err));
	CHECK_OK(&l->err, store_delete(l->store, key, &l->err));
}

/* A checkpoint that cannot be read is done without as long as commits stand for it. */
static void test_checkpoint_fallback(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_snapshot *s = NULL;
	log_lake_open(&l);
	log_put_version(&l, 0, PROTOCOL METADATA ADD("a", "\"x\""));
	log_put_version(&l, 1, ADD("b", "\"x\""));
	log_put_version(&l, 2, REMOVE("a"));
	write_checkpoint(&l, 1);
	log_put_version(&l, 3, ADD("c", "\"x\""));
	log_put(&l, "00000000000000000002.checkpoint.parquet", "PAR1 not a checkpoint");
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err));
	CHECK_I64(s->checkpoint_version, 1);
	delta_snapshot_close(s);
	check_snapshot(l.store, DELTA_LATEST, "v3 files b(p=x) c(p=x) tombstones a");
	log_put(&l, "00000000000000000001.checkpoint.parquet", ""); /* now back to version 0 */
	check_snapshot(l.store, DELTA_LATEST, "v3 files b(p=x) c(p=x) tombstones a");
	check_snapshot(l.store, 0, "v0 files a(p=x)");
	delete_version(&l, 0);
	check_refused(&l, DELTA_LATEST, E_CORRUPT, "00000000000000000002.checkpoint.parquet", "");
	log_lake_close(&l);
}

/* What a failed read of a checkpoint means: another way to the version, another look at the log, or the end. */
static void test_checkpoint_errors(void **state)
{
	(void)state;
	static const struct {
		status code, want;
		int64_t checkpoint;
	} cases[] = {{E_CORRUPT, OK, -1}, {E_LIMIT, OK, -1}, {E_UNSUPPORTED, OK, -1}, {E_NOT_FOUND, OK, 1},
		{E_IO, E_IO, 0}, {E_NOMEM, E_NOMEM, 0}};
	struct log_lake l;
	log_lake_open(&l);
	put_adds(&l, 0, 0, 3);
	put_adds(&l, 1, 3, 2);
	put_adds(&l, 2, 5, 2);
	write_checkpoint(&l, 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault_store f;
		struct delta_snapshot *s = NULL;
		fault_store_init(&f, l.store);
		f.mask = FAULT_OPEN;
		f.at = 2; /* commit 2, then the checkpoint */
		f.code = cases[i].code;
		CHECK_FAILS(cases[i].want, delta_snapshot_open(&f.base, "t", DELTA_LATEST, &s, &l.err));
		CHECK_I64(f.hits, 1);
		if (cases[i].want != OK) continue;
		CHECK_I64(s->checkpoint_version, cases[i].checkpoint);
		CHECK_I64(s->n_files, 7);
		delta_snapshot_close(s);
	}
	log_lake_close(&l);
}

static void test_cleaned_log(void **state)
{
	(void)state;
	struct log_lake l;
	struct delta_snapshot *s = NULL;
	log_lake_open(&l);
	put_adds(&l, 0, 0, 3);
	put_adds(&l, 1, 3, 2);
	put_adds(&l, 2, 5, 2);
	write_checkpoint(&l, 1);
	delete_version(&l, 0);
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", 1, &s, &l.err));
	CHECK_I64(s->n_files, 5);
	delta_snapshot_close(s);
	delete_version(&l, 1); /* the checkpoint alone stands for it */
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", 1, &s, &l.err));
	CHECK_I64(s->n_files, 5);
	delta_snapshot_close(s);
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err));
	CHECK_I64(s->n_files, 7);
	delta_snapshot_close(s);
	check_refused(&l, 0, E_NOT_FOUND, "t", "1 to 2");
	log_lake_close(&l);
}

/* A clean-up takes a listed commit away before it is read: the second listing shows the checkpoint. */
static void vanish(void *arg, struct fault_store *f, enum fault_op op, const char *key)
{
	struct log_lake *l = arg;
	(void)key;
	if (op != FAULT_OPEN || f->n != 1) return;
	write_checkpoint(l, 1);
	delete_version(l, 0);
}

static void test_vanished(void **state)
{
	(void)state;
	struct log_lake l;
	struct fault_store f;
	struct delta_snapshot *s = NULL;
	log_lake_open(&l);
	put_adds(&l, 0, 0, 3);
	put_adds(&l, 1, 3, 2);
	fault_store_init(&f, l.store);
	f.mask = FAULT_LIST | FAULT_OPEN;
	f.hook = vanish;
	f.hook_arg = &l;
	CHECK_OK(&l.err, delta_snapshot_open(&f.base, "t", DELTA_LATEST, &s, &l.err));
	CHECK_I64(s->n_files, 5);
	CHECK_I64(s->checkpoint_version, 1);
	delta_snapshot_close(s);
	log_lake_close(&l);
}

static void test_faults(void **state)
{
	(void)state;
	struct log_lake l;
	struct fault_store f;
	int64_t n = 0;
	log_lake_open(&l);
	put_adds(&l, 0, 0, 3);
	put_adds(&l, 1, 3, 2);
	put_adds(&l, 2, 5, 2);
	write_checkpoint(&l, 1);
	for (n = 1;; n++) { /* the n-th operation of the store */
		struct delta_snapshot *s = NULL;
		fault_store_init(&f, l.store);
		f.at = n;
		const status code = delta_snapshot_open(&f.base, "t", DELTA_LATEST, &s, &l.err);
		if (f.hits == 0) {
			CHECK_OK(&l.err, code);
			CHECK_I64(s->n_files, 7);
			delta_snapshot_close(s);
			break;
		}
		CHECK_FAILS(E_IO, code);
	}
	assert_true(n > 3);
	for (n = 0;; n++) { /* n allocations, no more */
		struct delta_snapshot *s = NULL;
		const size_t before = mem_in_use();
		mem_fail_after(n);
		const status code = delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err);
		mem_fail_after(-1);
		if (code == OK) {
			delta_snapshot_close(s);
			break;
		}
		CHECK_FAILS(E_NOMEM, code);
		CHECK_I64(mem_in_use(), before);
	}
	assert_true(n > 5);
	log_lake_close(&l);
}

/* 100,000 files from a checkpoint and ten commits: 0.15 s is meant, the bound is loose for busy machines and sanitizers. */
static void test_speed(void **state)
{
	(void)state;
	enum { FILES = 100000 / CHECK_ONE_IN };
	struct log_lake l;
	struct delta_snapshot *s = NULL;
	log_lake_open(&l);
	put_adds(&l, 0, 0, FILES);
	write_checkpoint(&l, 0);
	for (int v = 1; v <= 10; v++) put_adds(&l, v, FILES + v * 10, 10);
	const int64_t from = time_mono_us();
	CHECK_OK(&l.err, delta_snapshot_open(l.store, "t", DELTA_LATEST, &s, &l.err));
	const int64_t us = time_mono_us() - from;
	CHECK_I64(s->n_files, FILES + 100);
	CHECK_I64(s->checkpoint_version, 0);
	for (size_t i = 1; i < s->n_files; i++) assert_true(str_cmp(s->files[i - 1].path, s->files[i].path) < 0);
	delta_snapshot_close(s);
	print_message("snapshot of %d files in %lld us\n", FILES, (long long)us);
	if (us > 5000000) fail_msg("%lld us", (long long)us);
	log_lake_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_checkpoint_choice),
		cmocka_unit_test(test_look_up),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_checkpoint_fallback),
		cmocka_unit_test(test_checkpoint_errors),
		cmocka_unit_test(test_cleaned_log),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_speed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
