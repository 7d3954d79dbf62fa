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

int main(void)
{
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0); /* syncs cost nothing there */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_byte, reset),
	};
	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
