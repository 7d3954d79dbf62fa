#include "check.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "table/log/checkpoint.h"
#include "table/checkpoint_file.h"

#define ROOT "silver/t"
#define LOG ROOT "/_delta_log/"
#define DAY INT64_C(86400000)
#define SCHEMA                                                                                                     \
	"{\"type\":\"struct\",\"fields\":[{\"name\":\"p\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}," \
	"{\"name\":\"a\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}"

struct lake {
	char dir[64];
	struct store *store;
	struct arena arena; /* of what a test makes */
	struct buf got;     /* the actions read, as JSON lines */
	struct err err;
};

static int setup(void **state)
{
	struct lake *l = calloc(1, sizeof *l);
	assert_non_null(l);
	CHECK_OK(&l->err, store_open(check_tmpdir(l->dir), &l->store, &l->err));
	arena_init(&l->arena, 0);
	buf_init(&l->got, 0);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct lake *l = *state;
	arena_deinit(&l->arena);
	buf_deinit(&l->got);
	store_close(l->store);
	check_rmdir(l->dir);
	free(l);
	return 0;
}

static void put(struct lake *l, const char *name, const void *p, size_t n)
{
	char key[256];
	(void)snprintf(key, sizeof key, LOG "%s", name);
	CHECK_OK(&l->err, store_put(l->store, key, p, n, &l->err));
}

static void put_text(struct lake *l, const char *name, const char *text)
{
	put(l, name, text, strlen(text));
}

static void put_file(struct lake *l, const char *name, struct file_out *f)
{
	struct buf b;
	buf_init(&b, 0);
	file_end(f, &b);
	put(l, name, b.p, b.n);
	buf_deinit(&b);
}

static void get_text(struct lake *l, const char *name, char *dst, size_t size)
{
	char key[256];
	struct buf b;
	buf_init(&b, 0);
	(void)snprintf(key, sizeof key, LOG "%s", name);
	CHECK_OK(&l->err, store_get(l->store, key, &b, &l->err));
	assert_true(b.n < size);
	memcpy(dst, b.p, b.n);
	dst[b.n] = '\0';
	buf_deinit(&b);
}

static status collect(void *arg, const struct delta_action *a, struct err *err)
{
	(void)err;
	delta_action_json(arg, a);
	return OK;
}

/* The newest checkpoint, as JSON lines in l->got. */
static status read_back(struct lake *l)
{
	struct arena arena;
	struct delta_log_list log;
	arena_init(&arena, 0);
	buf_reset(&l->got);
	err_clear(&l->err);
	CHECK_OK(&l->err, delta_log_list(l->store, ROOT, &arena, &log, &l->err));
	const struct delta_checkpoint_at at = delta_log_checkpoint(&log, INT64_MAX, INT64_MAX);
	assert_true(at.n > 0);
	const status code =
		delta_checkpoint_read(l->store, ROOT, &at, &arena, &(struct delta_visitor){collect, &l->got}, &l->err);
	buf_char(&l->got, '\0');
	arena_deinit(&arena);
	return code;
}

static void check_got(struct lake *l, const struct buf *want)
{
	CHECK_OK(&l->err, read_back(l));
	assert_string_equal((const char *)l->got.p, (const char *)want->p);
}

/* ---- random snapshots --------------------------------------------------------------------------------------- */

struct draw {
	uint64_t seed;
	uint32_t n;
};
static uint32_t draw(struct draw *d, uint32_t below)
{
	return rng_below(rng_philox(d->seed, 0, 1, d->n++).v[0], below);
}

static struct str random_text(struct lake *l, struct draw *d, const char *prefix, uint32_t chars)
{
	static const char *const pool[] = {"a", "Z", "9", "%", "%41", " ", "\"", "\\", "=", "#", "?", "+", "&", "'",
		":", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80", "{", "}", "~", "\x7e",
		"__HIVE_DEFAULT_PARTITION__"};
	char text[1024];
	size_t n = (size_t)snprintf(text, sizeof text, "%s", prefix);
	for (uint32_t i = draw(d, chars + 1); i > 0; i--)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s", pool[draw(d, sizeof pool / sizeof pool[0])]);
	char *p = arena_strndup(&l->arena, text, n);
	assert_non_null(p);
	return (struct str){p, n};
}

static struct delta_pairs random_pairs(struct lake *l, struct draw *d, uint32_t max)
{
	const size_t n = draw(d, max + 1);
	struct delta_pair *items = ARENA_NEW(&l->arena, struct delta_pair, n);
	for (size_t i = 0; i < n; i++) {
		items[i].key = random_text(l, d, "k", 3);
		items[i].value = draw(d, 4) == 0 ? (struct str){NULL, 0} : random_text(l, d, "", 6);
	}
	return (struct delta_pairs){items, n};
}

static struct delta_strings random_strings(struct lake *l, const char *const *names, size_t n)
{
	struct str *items = ARENA_NEW(&l->arena, struct str, n);
	for (size_t i = 0; i < n; i++) items[i] = str_of(names[i]);
	return (struct delta_strings){items, n};
}

static void random_files(struct lake *l, struct draw *d, struct delta_snapshot *s, uint32_t max)
{
	s->n_files = draw(d, max);
	struct delta_add *a = ARENA_ZNEW(&l->arena, struct delta_add, s->n_files);
	for (size_t i = 0; i < s->n_files; i++) {
		a[i].path = random_text(l, d, "p=1/x", 8);
		a[i].partition = random_pairs(l, d, 3);
		a[i].size = draw(d, 1000000);
		a[i].modified_ms = draw(d, 1000000);
		a[i].data_change = draw(d, 2) != 0;
		if (draw(d, 3) != 0) a[i].stats = random_text(l, d, "{\"numRecords\":1,\"", 20);
		a[i].tags = random_pairs(l, d, 2);
	}
	s->files = a;
	s->n_tombstones = draw(d, max);
	struct delta_remove *r = ARENA_ZNEW(&l->arena, struct delta_remove, s->n_tombstones);
	for (size_t i = 0; i < s->n_tombstones; i++) {
		r[i].path = random_text(l, d, "p=1/y", 8);
		r[i].deleted_ms = (int64_t)draw(d, 20) * DAY;
		r[i].data_change = draw(d, 2) != 0;
		r[i].extended = draw(d, 2) != 0;
		if (r[i].extended) r[i].partition = random_pairs(l, d, 3);
		r[i].size = r[i].extended ? (int64_t)draw(d, 1000) : -1;
	}
	s->tombstones = r;
}

static void random_snapshot(struct lake *l, struct draw *d, struct delta_snapshot *s, uint32_t max)
{
	static const char *const features[] = {"timestampNtz", "v2Checkpoint", "appendOnly"};
	static const char *const columns[] = {"p", "a"};
	*s = (struct delta_snapshot){.store = l->store, .root = ROOT, .version = 10, .checkpoint_version = -1};
	const bool modern = draw(d, 2) != 0;
	s->protocol = (struct delta_protocol){.min_reader = modern ? 3 : 1, .min_writer = modern ? 7 : 2};
	if (modern) {
		s->protocol.reader_features = random_strings(l, features, draw(d, 3));
		s->protocol.writer_features = random_strings(l, features, draw(d, 4));
	}
	s->metadata = (struct delta_metadata){.id = random_text(l, d, "id", 3),
		.name = random_text(l, d, "", 3),
		.description = random_text(l, d, "", 3),
		.schema = STR(SCHEMA),
		.partition_columns = random_strings(l, columns, draw(d, 3)),
		.created_ms = (int64_t)draw(d, 2) * 124 - 1};
	static const struct delta_pair conf[] = {{STR("delta.x"), STR("y \xc3\xa9")}, {STR("b"), STR("")}};
	s->metadata.configuration = (struct delta_pairs){conf, draw(d, 3)};
	s->n_app_txns = draw(d, 5);
	struct delta_app_txn *t = ARENA_ZNEW(&l->arena, struct delta_app_txn, s->n_app_txns);
	for (size_t i = 0; i < s->n_app_txns; i++)
		t[i] = (struct delta_app_txn){random_text(l, d, "app", 3), draw(d, 9), (int64_t)draw(d, 2) * 6 - 1};
	s->app_txns = t;
	s->n_domains = draw(d, 4);
	struct delta_domain *m = ARENA_ZNEW(&l->arena, struct delta_domain, s->n_domains);
	for (size_t i = 0; i < s->n_domains; i++)
		m[i] = (struct delta_domain){random_text(l, d, "dom", 3), random_text(l, d, "{}", 3), false};
	s->domains = m;
	random_files(l, d, s, max);
}

/* What a checkpoint of s at now_ms holds, as JSON lines. */
static void expect(const struct delta_snapshot *s, int64_t now_ms, struct buf *out)
{
	buf_reset(out);
	delta_action_json(out, &(struct delta_action){.kind = DELTA_PROTOCOL, .protocol = s->protocol});
	delta_action_json(out, &(struct delta_action){.kind = DELTA_METADATA, .metadata = s->metadata});
	for (size_t i = 0; i < s->n_app_txns; i++)
		delta_action_json(out, &(struct delta_action){.kind = DELTA_APP_TXN, .app_txn = s->app_txns[i]});
	for (size_t i = 0; i < s->n_domains; i++)
		delta_action_json(out, &(struct delta_action){.kind = DELTA_DOMAIN, .domain = s->domains[i]});
	for (size_t i = 0; i < s->n_files; i++)
		delta_action_json(out, &(struct delta_action){.kind = DELTA_ADD, .add = s->files[i]});
	for (size_t i = 0; i < s->n_tombstones; i++) {
		if (s->tombstones[i].deleted_ms == 0 || s->tombstones[i].deleted_ms < now_ms - 7 * DAY) continue;
		delta_action_json(out, &(struct delta_action){.kind = DELTA_REMOVE, .remove = s->tombstones[i]});
	}
	buf_char(out, '\0');
}

static void clear_log(struct lake *l)
{
	char command[128];
	(void)snprintf(command, sizeof command, "rm -rf '%.63s/silver'", l->dir);
	assert_int_equal(system(command), 0);
}

static void test_round_trip(void **state)
{
	struct lake *l = *state;
	struct buf want;
	buf_init(&want, 0);
	for (uint64_t seed = 0; seed < 200; seed += CHECK_ONE_IN) {
		struct draw d = {.seed = seed};
		struct delta_snapshot s;
		arena_reset(&l->arena);
		random_snapshot(l, &d, &s, seed % 10 == 0 ? 300 : 12);
		CHECK_OK(&l->err, delta_checkpoint_write(&s, 20 * DAY, &l->err));
		expect(&s, 20 * DAY, &want);
		check_got(l, &want);
		clear_log(l);
	}
	buf_deinit(&want);
}

/* Of equal snapshots and times the bytes are equal; a later time drops tombstones and nothing else. */
static void test_expired_tombstones(void **state)
{
	struct lake *l = *state;
	struct draw d = {.seed = 7};
	struct delta_snapshot s;
	struct buf want;
	buf_init(&want, 0);
	random_snapshot(l, &d, &s, 100);
	assert_true(s.n_tombstones > 10);
	for (int day = 0; day < 40; day += 3) {
		CHECK_OK(&l->err, delta_checkpoint_write(&s, day * DAY, &l->err));
		expect(&s, day * DAY, &want);
		check_got(l, &want);
		if (day > 27) assert_null(strstr((char *)l->got.p, "\"remove\""));
		clear_log(l);
	}
	buf_deinit(&want);
}

static void test_empty_table(void **state)
{
	struct lake *l = *state;
	struct delta_snapshot s = {.store = l->store, .root = ROOT, .version = 10};
	struct buf want;
	s.protocol = (struct delta_protocol){.min_reader = 1, .min_writer = 2};
	s.metadata = (struct delta_metadata){.id = STR("i"), .schema = STR(SCHEMA), .created_ms = -1};
	buf_init(&want, 0);
	CHECK_OK(&l->err, delta_checkpoint_write(&s, 0, &l->err));
	expect(&s, 0, &want);
	check_got(l, &want);
	buf_deinit(&want);
}

/* ---- what other writers make -------------------------------------------------------------------------------- */

static struct delta_pair PARTITION[] = {{STR("p"), STR("x \xc3\xa9")}, {STR("q"), {NULL, 0}}, {STR("r"), STR("")}};
static struct delta_pair TAGS[] = {{STR("k"), STR("v")}};
static const struct str FEATURES[] = {STR("timestampNtz"), STR("v2Checkpoint")};
static const struct str COLUMNS[] = {STR("p")};

static struct delta_add an_add(const char *path)
{
	return (struct delta_add){.path = str_of(path),
		.partition = {PARTITION, 3},
		.size = 77,
		.modified_ms = 5,
		.data_change = true,
		.stats = STR("{\"numRecords\":3}"),
		.tags = {TAGS, 1}};
}

static void add_heads(struct file_out *f)
{
	file_protocol(f, &(struct delta_protocol){.min_reader = 3, .min_writer = 7, .reader_features = {FEATURES, 2}});
	file_metadata(f, &(struct delta_metadata){.id = STR("i"),
				 .schema = STR(SCHEMA),
				 .partition_columns = {COLUMNS, 1},
				 .configuration = {TAGS, 1}});
	file_txn(f, &(struct delta_app_txn){STR("app"), 4, -1});
}
static struct delta_remove a_remove(const char *path)
{
	return (struct delta_remove){.path = str_of(path), .deleted_ms = 9, .data_change = true, .size = -1};
}

static void expect_files(struct buf *out, bool heads, const char *const *adds, size_t n)
{
	buf_reset(out);
	if (heads) {
		const struct delta_protocol p = {.min_reader = 3, .min_writer = 7, .reader_features = {FEATURES, 2}};
		const struct delta_metadata m = {.id = STR("i"),
			.schema = STR(SCHEMA),
			.partition_columns = {COLUMNS, 1},
			.configuration = {TAGS, 1},
			.created_ms = -1};
		delta_action_json(out, &(struct delta_action){.kind = DELTA_PROTOCOL, .protocol = p});
		delta_action_json(out, &(struct delta_action){.kind = DELTA_METADATA, .metadata = m});
		delta_action_json(out, &(struct delta_action){.kind = DELTA_APP_TXN, .app_txn = {STR("app"), 4, -1}});
	}
	for (size_t i = 0; i < n; i++) {
		delta_action_json(out, &(struct delta_action){.kind = DELTA_ADD, .add = an_add(adds[i])});
		struct delta_add bare = {.path = STR("p=2/bare"), .size = 1, .modified_ms = 2};
		delta_action_json(out, &(struct delta_action){.kind = DELTA_ADD, .add = bare});
		delta_action_json(out, &(struct delta_action){.kind = DELTA_REMOVE, .remove = a_remove("p=1/gone")});
	}
	buf_char(out, '\0');
}

/* One add with all members, one with few, one remove. */
static void add_files(struct file_out *f, const char *path)
{
	const struct delta_add a = an_add(path), bare = {.path = STR("p=2/bare"), .size = 1, .modified_ms = 2};
	file_add(f, &a);
	file_add(f, &bare);
	const struct delta_remove r = a_remove("p=1/gone");
	file_remove(f, &r);
}

static void test_layouts(void **state)
{
	struct lake *l = *state;
	struct buf want;
	buf_init(&want, 0);
	for (enum file_layout layout = 0; layout < N_FILE_LAYOUTS; layout++) {
		struct file_out *f = file_begin(layout);
		add_heads(f);
		add_files(f, "p=1/a%20b%25"); /* encoded, as in JSON */
		put_file(l, "00000000000000000004.checkpoint.parquet", f);
		expect_files(&want, true, (const char *const[]){"p=1/a b%"}, 1);
		check_got(l, &want);
	}
	buf_deinit(&want);
}

static void test_multi_part(void **state)
{
	struct lake *l = *state;
	struct buf want;
	buf_init(&want, 0);
	for (int part = 1; part <= 3; part++) {
		char name[80];
		struct file_out *f = file_begin((enum file_layout)part);
		if (part == 1) add_heads(f);
		add_files(f, part == 1 ? "1" : part == 2 ? "2" : "3");
		(void)snprintf(name, sizeof name, "00000000000000000007.checkpoint.%010d.%010d.parquet", part, 3);
		put_file(l, name, f);
	}
	expect_files(&want, true, (const char *const[]){"1", "2", "3"}, 3);
	check_got(l, &want);
	buf_deinit(&want);
}

static void put_sidecars(struct lake *l)
{
	for (int i = 0; i < 2; i++) {
		struct file_out *f = file_begin(FILE_SPARK);
		add_files(f, i == 0 ? "s0" : "s1");
		put_file(l, i == 0 ? "_sidecars/u0.parquet" : "_sidecars/u 1.parquet", f);
	}
}

#define V2 "00000000000000000009.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11"

static void test_v2_parquet(void **state)
{
	struct lake *l = *state;
	struct buf want;
	buf_init(&want, 0);
	static const char *const names[] = {"00000000000000000008.checkpoint.parquet", V2 ".parquet"};
	for (size_t i = 0; i < 2; i++) {
		struct file_out *f = file_begin(FILE_STRICT);
		add_heads(f);
		file_sidecar(f, STR("u0.parquet"));
		file_sidecar(f, STR("s3://b/t/_delta_log/_sidecars/u%201.parquet"));
		put_file(l, names[i], f);
		put_sidecars(l);
		expect_files(&want, true, (const char *const[]){"s0", "s1"}, 2);
		check_got(l, &want);
	}
	buf_deinit(&want);
}

static void test_v2_json(void **state)
{
	struct lake *l = *state;
	struct buf want, text;
	buf_init(&want, 0);
	buf_init(&text, 0);
	put_sidecars(l);
	expect_files(&want, true, NULL, 0);
	buf_str(&text, "{\"checkpointMetadata\":{\"version\":9,\"tags\":{}}}\n");
	buf_add(&text, want.p, want.n - 1);
	buf_str(&text, "{\"sidecar\":{\"path\":\"u0.parquet\",\"sizeInBytes\":5,\"modificationTime\":1}}\n");
	buf_str(&text, "{\"sidecar\":{\"path\":\"u%201.parquet\",\"sizeInBytes\":5,\"modificationTime\":1}}");
	put(l, V2 ".json", text.p, text.n);
	expect_files(&want, true, (const char *const[]){"s0", "s1"}, 2);
	check_got(l, &want);
	text.p[text.n / 2] = 0xff;
	put(l, V2 ".json", text.p, text.n);
	CHECK_FAILS(E_CORRUPT, read_back(l));
	assert_string_equal(l->err.where, LOG V2 ".json");
	put_text(l, V2 ".json", "{\"checkpointMetadata\":{\"version\":9}}\n\n{\"add\":{}}\n");
	CHECK_FAILS(E_CORRUPT, read_back(l));
	CHECK_I64(l->err.line, 3);
	buf_deinit(&want);
	buf_deinit(&text);
}

static void test_bad_sidecars(void **state)
{
	struct lake *l = *state;
	put_text(l, V2 ".json", "{\"sidecar\":{\"path\":\"u0.parquet\",\"sizeInBytes\":5,\"modificationTime\":1}}\n");
	CHECK_FAILS(E_CORRUPT, read_back(l));
	assert_string_equal(l->err.where, LOG "_sidecars/u0.parquet");
	put_text(l, "_sidecars/u0.parquet", "PAR1 no PAR1");
	CHECK_FAILS(E_CORRUPT, read_back(l));
	assert_string_equal(l->err.where, LOG "_sidecars/u0.parquet");
	put_text(l, V2 ".json", "{\"sidecar\":{\"path\":\"..%2Fu0.parquet\",\"sizeInBytes\":5}}\n");
	CHECK_FAILS(E_CORRUPT, read_back(l));
	put_text(l, V2 ".json", "{\"sidecar\":{\"path\":\"a%2Fu0.parquet\",\"sizeInBytes\":5}}\n");
	CHECK_FAILS(E_UNSUPPORTED, read_back(l));
}

/* ---- broken contents ---------------------------------------------------------------------------------------- */

#define NAME "00000000000000000004.checkpoint.parquet"

static void check_refused(struct lake *l, struct file_out *f, const char *what)
{
	put_file(l, NAME, f);
	const status code = read_back(l);
	if (code != E_CORRUPT) fail_msg("%s: %s", what, status_name(code));
	assert_string_equal(l->err.where, LOG NAME);
	if (strstr(l->err.message, what) == NULL) fail_msg("'%s' lacks '%s'", l->err.message, what);
}

static void test_bad_paths(void **state)
{
	struct lake *l = *state;
	static const char *const paths[] = {
		"../x", "a/../../x", "/etc/passwd", "s3://b/x", "a//b", "a/%2E%2E/b", "a%00", "%2Fx", "", "a%", "a%0g"};
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct file_out *f = file_begin(FILE_SPARK);
		struct delta_add a = an_add(paths[i]);
		file_add(f, &a);
		check_refused(l, f, "path");
		f = file_begin(FILE_SPARK);
		const struct delta_remove r = a_remove(paths[i]);
		file_remove(f, &r);
		check_refused(l, f, "path");
	}
}

static void test_bad_rows(void **state)
{
	struct lake *l = *state;
	const struct delta_add a = an_add("x");
	struct delta_add bad = a;

	struct file_out *f = file_begin(FILE_SPARK); /* add.size null */
	file_add(f, &a);
	f->leaves[FILE_ADD_SIZE].def[0] = 1;
	f->leaves[FILE_ADD_SIZE].n_values = 0;
	check_refused(l, f, "add.size: missing");

	f = file_begin(FILE_SPARK); /* a remove in the row of an add */
	file_add(f, &a);
	f->leaves[FILE_REMOVE_PATH].def[0] = 2;
	file_value(&f->leaves[FILE_REMOVE_PATH], STR("y"));
	check_refused(l, f, "a second action");

	f = file_begin(FILE_SPARK); /* stats in a row that is no add */
	file_txn(f, &(struct delta_app_txn){STR("app"), 1, -1});
	f->leaves[FILE_ADD_STATS].def[0] = 2;
	file_value(&f->leaves[FILE_ADD_STATS], STR("{}"));
	file_add(f, &a);
	check_refused(l, f, "a value in a row without the action");

	f = file_begin(FILE_SPARK);
	bad.size = -1;
	file_add(f, &bad);
	check_refused(l, f, "out of range");

	f = file_begin(FILE_SPARK);
	bad = a;
	bad.modified_ms = INT64_MAX;
	file_add(f, &bad);
	check_refused(l, f, "add.modificationTime: out of range");

	f = file_begin(FILE_SPARK);
	file_protocol(f, &(struct delta_protocol){.min_reader = 0, .min_writer = 2});
	check_refused(l, f, "protocol.minReaderVersion: out of range");

	f = file_begin(FILE_SPARK); /* a character cut in two between two values: their concatenation is valid */
	bad = a;
	bad.stats = STR("\xc3");
	file_add(f, &bad);
	bad.stats = STR("\xa9");
	file_add(f, &bad);
	check_refused(l, f, "UTF-8");

	f = file_begin(FILE_SPARK); /* size as text */
	file_add(f, &a);
	f->nodes[7].type = f->leaves[FILE_ADD_SIZE].type = COL_STRING;
	f->leaves[FILE_ADD_SIZE].offsets[1] = 0;
	check_refused(l, f, "expected a number");

	f = file_begin(FILE_SPARK); /* path as number */
	file_add(f, &a);
	f->nodes[2].type = f->leaves[FILE_ADD_PATH].type = COL_INT64;
	check_refused(l, f, "expected text");
}

/* Every byte of a small checkpoint changed, and the file cut at every length: the content, or E_CORRUPT (E_UNSUPPORTED where
 * a type or codec became another one) that names the file. Page headers and the footer have no CRC: the name of an optional member, or
 * an encoding that fits as well, may change there; such flips are counted. A page's values are safe. */
static void test_flipped_bytes(void **state)
{
	struct lake *l = *state;
	struct draw d = {.seed = 3};
	struct delta_snapshot s;
	struct buf want, file;
	int other = 0;
	buf_init(&want, 0);
	buf_init(&file, 0);
	random_snapshot(l, &d, &s, 4);
	CHECK_OK(&l->err, delta_checkpoint_write(&s, 10 * DAY, &l->err));
	expect(&s, 10 * DAY, &want);
	CHECK_OK(&l->err, store_get(l->store, LOG "00000000000000000010.checkpoint.parquet", &file, &l->err));
	const uint8_t *path = memmem(file.p, file.n, "p=1/x", 5);
	assert_non_null(path);
	const size_t text = (size_t)(path - file.p);
	for (size_t i = 0; i < 2 * file.n; i += CHECK_ONE_IN) {
		const bool cut = i >= file.n;
		const size_t at = cut ? i - file.n : i;
		const uint8_t before = file.p[at];
		if (!cut) file.p[at] = (uint8_t)(before ^ 1u << (at % 8));
		put(l, "00000000000000000010.checkpoint.parquet", file.p, cut ? at : file.n);
		file.p[at] = before;
		const status code = read_back(l);
		const bool same = code == OK && strcmp((char *)l->got.p, (char *)want.p) == 0;
		if (code == OK) {
			other += !same;
			if (cut) fail_msg("cut at byte %zu: read", at);
			if (at >= text && at < text + 5) fail_msg("byte %zu of a path flipped: read", at);
			continue;
		}
		if (code != E_CORRUPT && code != E_UNSUPPORTED && code != E_LIMIT && code != E_NOMEM)
			fail_msg("byte %zu: %s %s", at, status_name(code), l->err.message);
		if (strstr(l->err.where, "00000000000000000010.checkpoint.parquet") == NULL)
			fail_msg("byte %zu: %s is not named: '%s' %s", at, "the file", l->err.where, l->err.message);
	}
	printf("%d of %zu flips gave other content\n", other, file.n);
	assert_true((size_t)other < file.n / 20);
	buf_deinit(&want);
	buf_deinit(&file);
}

/* ---- the hint, and a checkpoint that is there ------------------------------------------------------------------ */

static void minimal(struct lake *l, struct delta_snapshot *s, int64_t version)
{
	*s = (struct delta_snapshot){.store = l->store, .root = ROOT, .version = version, .checkpoint_version = -1};
	s->protocol = (struct delta_protocol){.min_reader = 1, .min_writer = 2};
	s->metadata = (struct delta_metadata){.id = STR("i"), .schema = STR(SCHEMA), .created_ms = -1};
}

static void test_hint(void **state)
{
	struct lake *l = *state;
	struct delta_snapshot s;
	char text[512], want[128];
	static const char *const broken[] = {"", "{", "[1]", "{\"version\":-4}", "{\"version\":\"9\"}",
		"{\"version\":99999999999999999999}", "\xff"};
	minimal(l, &s, 20);
	CHECK_OK(&l->err, delta_checkpoint_write(&s, 0, &l->err));
	get_text(l, "_last_checkpoint", text, sizeof text);
	assert_true(strncmp(text, "{\"version\":20,\"size\":2,\"sizeInBytes\":", 37) == 0);
	assert_non_null(strstr(text, ",\"numOfAddFiles\":0}"));
	minimal(l, &s, 10); /* an older one later does not move it back */
	CHECK_OK(&l->err, delta_checkpoint_write(&s, 0, &l->err));
	get_text(l, "_last_checkpoint", want, sizeof want);
	assert_string_equal(text, want);
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		put_text(l, "_last_checkpoint", broken[i]);
		minimal(l, &s, 30 + (int64_t)i);
		CHECK_OK(&l->err, delta_checkpoint_write(&s, 0, &l->err));
		get_text(l, "_last_checkpoint", text, sizeof text);
		(void)snprintf(want, sizeof want, "{\"version\":%zu,\"size\":2,", 30 + i);
		assert_true(strncmp(text, want, strlen(want)) == 0);
	}
	put_text(l, "_last_checkpoint", "{\"version\":1000,\"size\":5}"); /* leads nowhere */
	minimal(l, &s, 40);
	CHECK_OK(&l->err, delta_checkpoint_write(&s, 0, &l->err));
	get_text(l, "_last_checkpoint", text, sizeof text);
	assert_true(strncmp(text, "{\"version\":40,", 14) == 0);
}

static void test_there_already(void **state)
{
	struct lake *l = *state;
	struct delta_snapshot s;
	char text[512];
	struct buf before, after;
	minimal(l, &s, 4);
	struct file_out *f = file_begin(FILE_STRICT);
	add_heads(f);
	add_files(f, "x");
	put_file(l, NAME, f);
	buf_init(&before, 0);
	buf_init(&after, 0);
	CHECK_OK(&l->err, store_get(l->store, LOG NAME, &before, &l->err));
	CHECK_OK(&l->err, delta_checkpoint_write(&s, 0, &l->err));
	CHECK_OK(&l->err, store_get(l->store, LOG NAME, &after, &l->err));
	CHECK_I64(after.n, before.n);
	assert_memory_equal(after.p, before.p, before.n);
	get_text(l, "_last_checkpoint", text, sizeof text);
	assert_true(strncmp(text, "{\"version\":4,\"size\":6,", 22) == 0);
	put_text(l, NAME, "no Parquet file at all");
	CHECK_FAILS(E_CORRUPT, delta_checkpoint_write(&s, 0, &l->err));
	assert_string_equal(l->err.where, LOG NAME);
	buf_deinit(&before);
	buf_deinit(&after);
}

static void test_refused(void **state)
{
	struct lake *l = *state;
	struct delta_snapshot s;
	static const struct str lost[] = {STR("appendOnly"), STR("rowTracking")};
	minimal(l, &s, 4);
	s.protocol = (struct delta_protocol){.min_reader = 1, .min_writer = 7, .writer_features = {lost, 2}};
	CHECK_FAILS(E_UNSUPPORTED, delta_checkpoint_write(&s, 0, &l->err));
	assert_non_null(strstr(l->err.message, "rowTracking"));
	s.protocol.writer_features.n = 1;
	CHECK_OK(&l->err, delta_checkpoint_write(&s, 0, &l->err));
	struct delta_add a = an_add("x");
	a.dv.unique_id = STR("uabc@1");
	s.files = &a;
	s.n_files = 1;
	CHECK_FAILS(E_UNSUPPORTED, delta_checkpoint_write(&s, 0, &l->err));
	assert_non_null(strstr(l->err.message, "deletion vectors"));
}

/* The n-th allocation fails, n = 1, 2, ...: E_NOMEM, and the next try is as if nothing had been. */
static void test_out_of_memory(void **state)
{
	struct lake *l = *state;
	struct draw d = {.seed = 3};
	struct delta_snapshot s;
	struct buf want;
	buf_init(&want, 0);
	random_snapshot(l, &d, &s, 6);
	expect(&s, 10 * DAY, &want);
	status code = E_NOMEM;
	int64_t n = 0;
	for (; code != OK; n++) {
		mem_fail_after(n);
		code = delta_checkpoint_write(&s, 10 * DAY, &l->err);
		mem_fail_after(-1);
		if (code != OK && code != E_NOMEM) fail_msg("write, n = %d: %s", (int)n, status_name(code));
	}
	assert_true(n > 50);
	check_got(l, &want);
	struct arena log_arena;
	struct delta_log_list log;
	arena_init(&log_arena, 0);
	CHECK_OK(&l->err, delta_log_list(l->store, ROOT, &log_arena, &log, &l->err));
	const struct delta_checkpoint_at at = delta_log_checkpoint(&log, INT64_MAX, INT64_MAX);
	code = E_NOMEM;
	for (n = 0; code != OK; n++) {
		struct arena arena;
		arena_init(&arena, 0);
		buf_reset(&l->got);
		mem_fail_after(n);
		code = delta_checkpoint_read(
			l->store, ROOT, &at, &arena, &(struct delta_visitor){collect, &l->got}, &l->err);
		mem_fail_after(-1);
		arena_deinit(&arena);
		if (code == OK && l->got.failed) code = E_NOMEM;
		if (code != OK && code != E_NOMEM) fail_msg("read, n = %d: %s", (int)n, status_name(code));
	}
	assert_true(n > 5);
	arena_deinit(&log_arena);
	buf_deinit(&want);
}

static void test_due(void **state)
{
	(void)state;
	static const struct {
		int64_t version, checkpoint, bytes;
		bool due;
	} cases[] = {{0, -1, 100, false}, {1, -1, 100, false}, {9, -1, 100, false}, {9, 0, 100, false},
		{10, -1, 100, true}, {10, 10, 0, false}, {11, 10, 100, false}, {19, 10, 100, false},
		{20, 10, 100, true}, {23, 15, 100, false}, {25, 15, 100, true}, {20, 19, 100, true},
		{3, 2, 1 << 20, true}, {3, 2, (1 << 20) - 1, false}, {0, -1, 1 << 20, true}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct delta_snapshot s = {.version = cases[i].version,
			.checkpoint_version = cases[i].checkpoint,
			.log_bytes = cases[i].bytes};
		if (delta_checkpoint_due(&s) != cases[i].due) fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expired_tombstones, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_layouts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_multi_part, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v2_parquet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v2_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_sidecars, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flipped_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hint, setup, teardown),
		cmocka_unit_test_setup_teardown(test_there_already, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
		cmocka_unit_test(test_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
