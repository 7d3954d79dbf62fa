/* Bytes of a lake turned one at a time: all that decides what a reader sees is covered by verify. */
#include "fake_chain.h"

#include <fcntl.h>
#include <unistd.h>

#include "flow/drop.h"
#include "flow/verify.h"
#include "table/log/checkpoint.h"

/* Every n-th byte of each object; of the whole run (PQR_EVERY_BYTE set) every one, and each of its bits. */
enum { STEP = 61 * CHECK_ONE_IN };

/* Differences that verify tells of the first of the two runs that has any. */
static int64_t differences(struct lake *l)
{
	int64_t n = 0;
	for (int run = 1; run <= 2 && n == 0; run++) {
		struct verify_report r = {0};
		const struct verify_opts o = {
			.workload = &chain_workload, .lake = l->store, .run_id = chain.run_ids[run], .threads = 1};
		err_clear(&l->err);
		const status code = flow_verify(&o, &r, &l->err);
		if (code != OK && code != E_VERIFY)
			fail_msg("verify itself failed: %s (%s)", l->err.message, l->err.where);
		n += r.differences;
	}
	return n;
}

static void put_mark(struct lake *l)
{
	char key[RUN_KEY_MAX];
	struct buf text;
	struct drop_mark m;
	(void)snprintf(m.by, sizeof m.by, "%s", "00000000-0000-4000-8000-000000000000");
	memset(m.config_hash, 'c', HEX_SHA256_CHARS);
	m.config_hash[HEX_SHA256_CHARS] = '\0';
	buf_init(&text, 0);
	drop_mark_json(&text, &m);
	run_key(key, 20002, chain.run_ids[1], "dropped.json");
	CHECK_OK(&l->err, store_put(l->store, key, text.p, text.n, &l->err));
	buf_deinit(&text);
}

static void put_checkpoint(struct lake *l, const char *root)
{
	struct delta_snapshot *s = NULL;
	CHECK_OK(&l->err, delta_snapshot_open(l->store, root, DELTA_LATEST, &s, &l->err));
	CHECK_OK(&l->err, delta_checkpoint_write(s, s->timestamp_ms, &l->err));
	delta_snapshot_close(s);
}

struct turned {
	struct lake *l;
	int64_t files, bits, unseen;
};

static void turn(struct turned *t, const char *key, int fd, int64_t at, int bit)
{
	uint8_t byte, other;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	other = byte ^ (uint8_t)(1 << bit);
	assert_int_equal(pwrite(fd, &other, 1, at), 1);
	t->bits++;
	if (differences(t->l) == 0) {
		t->unseen++;
		print_error("unseen: bit %d of byte %lld ('%c' to '%c') of %s\n", bit, (long long)at, byte, other, key);
	}
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* What the specification of Delta calls a hint decides nothing: the newest checkpoint is found by its name. */
static bool is_hint(const char *key)
{
	return strstr(key, "/_last_checkpoint") != NULL;
}

static status turn_each(void *arg, const struct store_entry *e, struct err *err)
{
	struct turned *t = arg;
	char path[RUN_KEY_MAX + 128];
	const bool all = getenv("PQR_EVERY_BYTE") != NULL;
	(void)err;
	if (strstr(e->key, "_delta_log/") == NULL && strncmp(e->key, "manifests/", 10) != 0) return OK;
	if (is_hint(e->key)) return OK;
	(void)snprintf(path, sizeof path, "%s/%s", t->l->dir, e->key);
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	t->files++;
	for (int64_t at = all ? 0 : t->files % STEP; at < e->bytes; at += all ? 1 : STEP)
		for (int bit = 0; bit < 8; bit++)
			if (all || (at / STEP + t->files) % 8 == bit) turn(t, e->key, fd, at, bit);
	(void)close(fd);
	return OK;
}

static void test_every_byte(void **state)
{
	(void)state;
	struct lake l;
	struct turned t = {.l = &l};
	lake_open(&l);
	chain_three_runs();
	chain_write(&l, 1);
	put_checkpoint(&l, "silver/events");
	chain_write(&l, 2);
	put_checkpoint(&l, "silver/events");
	put_mark(&l);
	CHECK_I64(differences(&l), 0);
	CHECK_OK(&l.err, store_list(l.store, "", turn_each, &t, &l.err));
	CHECK_I64(t.unseen, 0);
	/* 2 runs: 3 commits, versions, manifest and checksums each; base.json and the mark; the configuration. 3 tables: 5 commits, 2 checkpoints */
	CHECK_I64(t.files, 2 * 6 + 3 + 5 + 2);
	CHECK_I64(differences(&l), 0);
	lake_close(&l);
}

/* A commit as the version before params wrote it: taken by its own bytes, any of which is missed. */
static const char former_commit[] =
	"{\"counters\":{\"bytes_in\":0,\"bytes_out\":14164,\"rows_in\":0,\"rows_out\":86},\"edges\":[],\"events\""
	":{\"types\":{\"click\":60,\"login\":14,\"logout\":6,\"purchase\":6}},\"files\":[{\"bytes\":14164,\"path\":"
	"\"raw/clickstream/source=producer/day=2025-09-02/run_id=a9e30104-db0b-5144-b342-61426a518ec"
	"6/events.jsonl\",\"rows\":86,\"sha256\":\"6c2fbdfb933c0769d2e9298ddd4b091441481bc5336b9a5862c20a"
	"129a1da7fa\",\"table\":\"raw.clickstream\",\"xxh128\":\"c32f01e824231343046bb85f495109f9\"}],\"run\":"
	"{\"as_of\":1756857599999999,\"config_hash\":\"f9b455a56bfa0bfad7a77a4b54ed3e261f340295a9e7e7cef"
	"b8f7bd5d42aa4b9\",\"date_from\":\"2025-09-01\",\"date_to\":\"2025-09-02\",\"emit_from\":\"2025-09-02\","
	"\"run_id\":\"a9e30104-db0b-5144-b342-61426a518ec6\",\"seed\":\"9\",\"simulated\":true,\"source\":\"mixe"
	"d\",\"workload\":\"clickstream\"},\"seal\":\"ae27fb2c042ab3980120e4c66a848e0c\",\"stage\":\"raw\",\"task"
	"s\":1,\"version\":\"0.1.0\"}";

static void test_former_commit(void **state)
{
	static const char key[] =
		"manifests/day=2025-09-02/run_id=a9e30104-db0b-5144-b342-61426a518ec6/stages/raw.json";
	(void)state;
	struct lake l;
	struct arena arena;
	struct commit c;
	struct str as_it_was = STR(former_commit);
	lake_open(&l);
	arena_init(&arena, 0);
	CHECK_OK(&l.err, store_put(l.store, key, as_it_was.p, as_it_was.n, &l.err));
	CHECK_OK(&l.err, commit_load(l.store, key, &arena, &c, &l.err));
	assert_string_equal(c.run.params, "seed=9,emit_from=2025-09-02");
	assert_true(made_days_settled(&c.run));
	char *changed = arena_strndup(&arena, as_it_was.p, as_it_was.n);
	for (size_t i = 0; i < as_it_was.n; i++) {
		changed[i] ^= 1;
		CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
		CHECK_OK(&l.err, store_put(l.store, key, changed, as_it_was.n, &l.err));
		CHECK_FAILS(E_VERIFY, commit_load(l.store, key, &arena, &c, &l.err));
		changed[i] ^= 1;
	}
	arena_deinit(&arena);
	lake_close(&l);
}

/* The oldest builds had no digest in a commit, and told the configured seed of a run that was ingested, too. */
static const char early_commit[] =
	"{\"counters\":{\"blank_lines\":0,\"bytes_in\":776,\"bytes_out\":776,\"events.ATTACHMENT_ADD"
	"ED\":0,\"events.MESSAGE_ADDED\":0,\"events.STATUS_CHANGED\":0,\"events.TICKET_CREATED\":1"
	",\"rows_in\":1,\"rows_out\":1,\"ts_unknown\":0},\"edges\":[{\"input\":\"input\",\"output\":\"raw."
	"pqrs\"}],\"events\":{\"first\":1756705607433414,\"last\":1756705607433414,\"types\":{}},\"fi"
	"les\":[{\"bytes\":776,\"path\":\"raw/pqrs/source=mixed/day=2025-09-01/run_id=cf2e1075-ca"
	"bc-5b16-b7f3-4a0734b6fccc/events.jsonl\",\"rows\":1,\"sha256\":\"cf43a01e378f55cf9420d6f"
	"4ed64d6b7df041f2337dd990b656c1158b502ed85\",\"table\":\"raw.pqrs\",\"xxh128\":\"b536fded2d"
	"8c8b34b62fab1258c716de\"}],\"run\":{\"as_of\":1756789199999999,\"config_hash\":\"fc2e326ef"
	"7585348bdb84b1758041c8d29779787040ca6a01813802b4cbe8e6a\",\"date_from\":\"2025-09-01\","
	"\"date_to\":\"2025-09-01\",\"emit_from\":\"2025-09-01\",\"run_id\":\"cf2e1075-cabc-5b16-b7f3-"
	"4a0734b6fccc\",\"seed\":\"42\",\"simulated\":false,\"source\":\"mixed\",\"workload\":\"pqrs\"},\"s"
	"tage\":\"raw\",\"tasks\":1,\"version\":\"0.1.0\"}";

static void test_early_commit(void **state)
{
	static const char key[] =
		"manifests/day=2025-09-01/run_id=cf2e1075-cabc-5b16-b7f3-4a0734b6fccc/stages/raw.json";
	(void)state;
	struct lake l;
	struct arena arena;
	struct commit c;
	struct str text = STR(early_commit);
	lake_open(&l);
	arena_init(&arena, 0);
	CHECK_OK(&l.err, store_put(l.store, key, text.p, text.n, &l.err));
	CHECK_OK(&l.err, commit_load(l.store, key, &arena, &c, &l.err));
	assert_false(run_makes(&c.run));
	char *changed = arena_strndup(&arena, text.p, text.n);
	char *seed = strstr(changed, "\"seed\":\"42\"") + strlen("\"seed\":\"");
	*seed = '0'; /* another text of a number */
	CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	CHECK_OK(&l.err, store_put(l.store, key, changed, text.n, &l.err));
	CHECK_FAILS(E_VERIFY, commit_load(l.store, key, &arena, &c, &l.err));
	arena_deinit(&arena);
	lake_close(&l);
}

int main(void)
{
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0); /* syncs cost nothing there */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_former_commit, reset),
		cmocka_unit_test_setup(test_early_commit, reset),
		cmocka_unit_test_setup(test_every_byte, reset),
	};
	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
