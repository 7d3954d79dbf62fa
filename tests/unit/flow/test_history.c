/* Histories: who is the head, who may go on from it, and what a run builds on when it was killed or others committed meanwhile. */
#include "fake_chain.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "../poll.h"
#include "flow/history.h"
#include "table/write/replace.h"

enum { DATE = 20002 }; /* of the runs' folders: as_of is the end of the last day */

static void small_chain(void)
{
	memset(&chain, 0, sizeof chain);
	for (int run = 1; run <= CHAIN_RUNS_MAX; run++) {
		chain.accepted[run][run] = 3;
		chain.accepted[run][run + 1] = 2;
		chain.refused[run][run + 4] = 1;
	}
}

static struct picture load(struct lake *l, int run, const char *name, struct arena *arena)
{
	struct picture p;
	CHECK_OK(&l->err,
		picture_load(l->store, (struct picture_at){DATE, chain.run_ids[run], name}, arena, &p, &l->err));
	return p;
}

static void runs_are(const struct picture *p, int n)
{
	CHECK_I64(p->n_runs, n);
	for (int i = 0; i < n; i++) assert_string_equal(p->runs[i], chain.run_ids[i + 1]);
}

static int64_t newest(struct lake *l, const char *root)
{
	struct delta_snapshot *s = NULL;
	CHECK_OK(&l->err, delta_snapshot_open(l->store, root, DELTA_LATEST, &s, &l->err));
	const int64_t version = s->version;
	delta_snapshot_close(s);
	return version;
}

/* A second chain of the same runs in a lake of its own, never disturbed, has the same objects and the same figures. */
static void like_undisturbed(struct lake *l, int runs)
{
	struct lake other;
	lake_open(&other);
	for (int run = 1; run <= runs; run++) chain_run(&other, run);
	chain_is(l, runs);
	chain_is(&other, runs);
	struct lake_digest want = lake_digest(&other), got = lake_digest(l);
	lake_digest_same(&got, &want);
	buf_deinit(&want.text);
	lake_close(&other);
}

/* ---- the head -------------------------------------------------------------------------------------------------------- */

static void find_as(struct lake *l, int run, struct arena *arena, struct history *out)
{
	char params[32];
	(void)snprintf(params, sizeof params, "seed=%d", run);
	const struct history_search s = {.lake = l->store,
		.w = &chain_workload,
		.config_text = STR(fake_config_text),
		.run = &(struct run_info){
			.run_id = "00000000-0000-4000-8000-000000000000", .workload = "chain", .params = params}};
	CHECK_OK(&l->err, history_find(&s, arena, out, &l->err));
}

static void test_newest_first(void **state)
{
	(void)state;
	struct lake l;
	struct arena arena;
	struct history h;
	lake_open(&l);
	arena_init(&arena, 0);
	small_chain();
	find_as(&l, 4, &arena, &h);
	CHECK_I64(h.n_runs, 0);
	CHECK_I64(h.as_of, INT64_MIN);
	for (int run = 1; run <= 3; run++) {
		chain_run(&l, run);
		find_as(&l, 4, &arena, &h);
		runs_are(&h.base, run);
		CHECK_I64(h.base.claim, run);
		CHECK_I64(h.as_of, (DATE + 1) * US_PER_DAY - 1);
	}
	arena_deinit(&arena);
	lake_close(&l);
}

/* What a run built on, and what it left: the tables' versions then, whatever was committed since. */
static void test_pictures(void **state)
{
	(void)state;
	static const char *const names[] = {"gold.daily", "silver.events", "silver.refused"};
	static const char *const roots[] = {"gold/daily", "silver/events", "silver/refused"};
	struct lake l;
	struct arena arena;
	int64_t left[3][3];
	lake_open(&l);
	arena_init(&arena, 0);
	small_chain();
	for (int run = 1; run <= 3; run++) {
		chain_run(&l, run);
		for (int t = 0; t < 3; t++) left[run - 1][t] = newest(&l, roots[t]);
	}
	for (int run = 1; run <= 3; run++) {
		const struct picture p = load(&l, run, PICTURE_LEFT, &arena);
		runs_are(&p, run);
		CHECK_I64(p.claim, run);
		for (int t = 0; t < 3; t++) CHECK_I64(picture_version(&p, names[t]), left[run - 1][t]);
		if (run == 1) continue;
		const struct picture base = load(&l, run, PICTURE_BASE, &arena);
		runs_are(&base, run - 1);
		CHECK_I64(base.claim, run - 1);
		for (int t = 0; t < 3; t++) CHECK_I64(picture_version(&base, names[t]), left[run - 2][t]);
	}
	/* Nothing that stood changed, so gold's part of the first run is kept. */
	lake_table_is(&l, "gold/daily", left[2][0], 1, 1);
	lake_query_is(&l, "SELECT r.seed FROM gold.daily d JOIN meta.runs r ON r.run_id = d.run_id", "1\n");
	arena_deinit(&arena);
	lake_close(&l);
}

/* Run 2 would go on from run 1, but run 3 did already. */
static void test_continued_twice(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	small_chain();
	chain_run(&l, 1);
	memset(chain.accepted[2], 0, sizeof chain.accepted[2]);
	memset(chain.refused[2], 0, sizeof chain.refused[2]);
	chain_run(&l, 3);
	CHECK_FAILS(E_CONFLICT, chain_run_try(&l, 2, true));
	assert_non_null(strstr(l.err.message, chain.run_ids[1]));
	assert_non_null(strstr(l.err.message, chain.run_ids[3]));
	chain_is(&l, 3);
	lake_close(&l);
}

static void test_earlier_as_of(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	small_chain();
	struct run_opts o = chain_options(&l, 1);
	o.as_of = (DATE + 9) * US_PER_DAY;
	struct run_report r;
	CHECK_OK(&l.err, run(&l, &o, &r));
	memcpy(chain.run_ids[1], r.run_id, sizeof chain.run_ids[1]);
	run_report_deinit(&r);
	struct lake_digest before = lake_digest(&l);
	CHECK_FAILS(E_USAGE, chain_run_try(&l, 2, true));
	assert_non_null(strstr(l.err.message, chain.run_ids[1]));
	struct lake_digest after = lake_digest(&l);
	lake_digest_same(&after, &before);
	buf_deinit(&before.text);
	o = chain_options(&l, 2);
	o.as_of = (DATE + 9) * US_PER_DAY; /* the same instant is no step back */
	CHECK_OK(&l.err, run_plain(&l, &o));
	lake_close(&l);
}

/* A run that others went on from is done, however far it came. */
static void test_superseded(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	small_chain();
	struct run_opts o = chain_options(&l, 1);
	o.until = "fold";
	CHECK_OK(&l.err, run(&l, &o, &r));
	memcpy(chain.run_ids[1], r.run_id, sizeof chain.run_ids[1]);
	run_report_deinit(&r);
	chain_run(&l, 2);
	chain_is(&l, 2);
	struct lake_digest before = lake_digest(&l);
	for (int run_ = 1; run_ <= 2; run_++) {
		o = chain_options(&l, run_);
		CHECK_OK(&l.err, run(&l, &o, &r));
		assert_true(r.nothing_to_do);
		run_report_deinit(&r);
	}
	struct lake_digest after = lake_digest(&l);
	lake_digest_same(&after, &before);
	buf_deinit(&before.text);
	chain_is(&l, 2);
	lake_close(&l);
}

/* ---- others meanwhile ------------------------------------------------------------------------------------------------- */

static struct lake *meanwhile;

static status run_2_meanwhile(struct err *err)
{
	struct lake other = {0};
	(void)err;
	memcpy(other.dir, meanwhile->dir, sizeof other.dir);
	lake_attach(&other);
	chain_run(&other, 2);
	lake_detach(&other);
	return OK;
}

/* Runs 2 and 3 are both planned on run 1. Run 2 is first: run 3 plans again, and goes on from it. */
static void test_second_claimant(void **state)
{
	(void)state;
	struct lake l;
	struct arena arena;
	lake_open(&l);
	arena_init(&arena, 0);
	small_chain();
	chain_run(&l, 1);
	meanwhile = &l;
	chain.before_run = 3;
	chain.before = run_2_meanwhile;
	chain_run(&l, 3);
	assert_null(chain.before);
	const struct picture base = load(&l, 3, PICTURE_BASE, &arena);
	runs_are(&base, 2);
	CHECK_I64(load(&l, 3, PICTURE_LEFT, &arena).claim, 3);
	like_undisturbed(&l, 3);
	arena_deinit(&arena);
	lake_close(&l);
}

/* Run 2 as another process that is at its gold and publishing when run 3 has folded. */
static struct {
	struct control_lease lease;
	pthread_t thread;
	_Atomic bool began, released, early; /* gold of run 3; the lease; the one before the other */
	int looks;
} at_work;

static status count_folded(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	*(int *)arg += strstr(e->key, "/stages/fold.json") != NULL;
	return OK;
}

static bool run_3_folded(void *arg)
{
	int n = 0;
	(void)arg;
	return store_list(meanwhile->store, "manifests", count_folded, &n, NULL) == OK && n == 3;
}

/* It has not waited, or has had time enough not to. */
static bool gold_began(void *arg)
{
	enum { LOOKS = 300 };
	(void)arg;
	return at_work.began || ++at_work.looks == LOOKS;
}

static void *end_run_2(void *arg)
{
	poll_until(run_3_folded, NULL);
	poll_until(gold_began, NULL);
	at_work.released = true;
	if (control_lease_release(meanwhile->control, &at_work.lease, NULL) != OK) at_work.early = true;
	return arg;
}

static void note_gold(void)
{
	at_work.early |= !at_work.released;
	at_work.began = true;
}

static status run_2_goes_on(struct err *err)
{
	control_lease_init(&at_work.lease, chain.run_ids[2]);
	TRY(control_lease_acquire(meanwhile->control, &at_work.lease, time_now_us(), err));
	assert_int_equal(pthread_create(&at_work.thread, NULL, end_run_2, NULL), 0);
	return OK;
}

/* Gold and publishing of a run come after those of the run that it goes on from. */
static void test_waits_for_the_run_before(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	small_chain();
	chain_run(&l, 1);
	chain_run(&l, 2);
	meanwhile = &l;
	chain.before_run = 3;
	chain.before = run_2_goes_on;
	chain.gold = note_gold;
	chain_run(&l, 3);
	assert_int_equal(pthread_join(at_work.thread, NULL), 0);
	assert_true(at_work.began && at_work.released && !at_work.early);
	chain.gold = NULL;
	like_undisturbed(&l, 3);
	lake_close(&l);
}

/* Put the bytes of the only file of that run's in the table under another name, as compaction does. */
static void rewrite(struct lake *l, const char *root, int run, const char *name, struct err *err)
{
	struct delta_snapshot *s = NULL;
	struct delta_txn *txn = NULL;
	struct buf bytes;
	char from[DELTA_KEY_MAX], to[DELTA_KEY_MAX];
	int64_t version;
	buf_init(&bytes, 0);
	CHECK_OK(err, delta_snapshot_open(l->store, root, DELTA_LATEST, &s, err));
	const struct delta_add *old = NULL;
	for (size_t i = 0; i < s->n_files; i++) {
		const struct delta_pair *p = delta_pairs_get(&s->files[i].partition, STR("run_id"));
		if (p != NULL && str_is(p->value, chain.run_ids[run])) old = &s->files[i];
	}
	assert_non_null(old);
	struct delta_add moved = *old;
	moved.path = str_of(name);
	moved.data_change = false;
	CHECK_OK(err, delta_key(from, root, old->path, err));
	CHECK_OK(err, delta_key(to, root, moved.path, err));
	CHECK_OK(err, store_get(l->store, from, &bytes, err));
	CHECK_OK(err, store_put(l->store, to, bytes.p, bytes.n, err));
	const struct delta_txn_opts opts = {.operation = "OPTIMIZE"};
	CHECK_OK(err, delta_txn_begin(l->store, root, s, &opts, &txn, err));
	CHECK_OK(err, delta_txn_remove(txn, old, false, err));
	CHECK_OK(err, delta_txn_add(txn, &moved, err));
	CHECK_OK(err, delta_txn_commit(txn, &version, err));
	delta_txn_destroy(txn);
	delta_snapshot_close(s);
	buf_deinit(&bytes);
}

static status optimize_meanwhile(struct err *err)
{
	rewrite(meanwhile, "silver/events", 1, "rewritten/1.parquet", err);
	rewrite(meanwhile, "silver/refused", 1, "rewritten/2.parquet", err);
	return OK;
}

/* Files that the run would replace were put under other names since it was planned: it plans again on what stands. */
static void test_optimized_meanwhile(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	memset(&chain, 0, sizeof chain);
	for (int t = 0; t < CHAIN_TICKETS; t += CHAIN_MONTHS) {
		chain.accepted[1][t] = chain.accepted[2][t] = 1; /* of one month: one file */
		chain.refused[1][t] = chain.refused[2][t] = 1;
	}
	chain_run(&l, 1);
	meanwhile = &l;
	chain.before_run = 2;
	chain.before = optimize_meanwhile;
	chain_run(&l, 2);
	chain_is(&l, 2);
	lake_table_is(&l, "silver/events", 2, 1, CHAIN_TICKETS / CHAIN_MONTHS);
	lake_table_is(&l, "silver/refused", 2, 1, CHAIN_TICKETS / CHAIN_MONTHS);
	lake_close(&l);
}

/* ---- killed between two tables ----------------------------------------------------------------------------------------- */

static void break_log(struct lake *l, const char *root, bool broken)
{
	char key[DELTA_KEY_MAX];
	static int64_t version;
	if (broken) version = newest(l, root) + 1;
	(void)snprintf(key, sizeof key, "%s/_delta_log/%020lld.json", root, (long long)version);
	if (broken)
		CHECK_OK(&l->err, store_put(l->store, key, "{", 1, &l->err));
	else
		CHECK_OK(&l->err, store_delete(l->store, key, &l->err));
}

static status break_refused(struct err *err)
{
	(void)err;
	break_log(meanwhile, "silver/refused", true);
	return OK;
}

/* Run 2 got the claim and stopped before its second table: no other run goes on from there, and it ends as if it had never
 * stopped, planned on what was there before. */
static void test_dead_claimant(void **state)
{
	(void)state;
	struct lake l;
	struct arena arena;
	lake_open(&l);
	arena_init(&arena, 0);
	small_chain();
	chain_run(&l, 1);
	meanwhile = &l;
	chain.before_run = 2;
	chain.before = break_refused;
	CHECK_FAILS(E_CORRUPT, chain_run_try(&l, 2, true));
	break_log(&l, "silver/refused", false);
	const struct picture base = load(&l, 2, PICTURE_BASE, &arena);
	CHECK_I64(newest(&l, "silver/events"), picture_version(&base, "silver.events") + 1);
	CHECK_I64(newest(&l, "silver/refused"), picture_version(&base, "silver.refused"));
	CHECK_FAILS(E_BUSY, chain_run_try(&l, 3, true));
	assert_non_null(strstr(l.err.message, chain.run_ids[2]));
	chain_is(&l, 1);
	chain_run(&l, 2);
	const struct picture again = load(&l, 2, PICTURE_BASE, &arena);
	CHECK_I64(picture_version(&again, "silver.events"), picture_version(&base, "silver.events"));
	chain_is(&l, 2);
	chain_run(&l, 3);
	like_undisturbed(&l, 3);
	arena_deinit(&arena);
	lake_close(&l);
}

/* The table that it had not come to was compacted before it was resumed. */
static void test_optimized_while_dead(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	memset(&chain, 0, sizeof chain);
	chain.accepted[1][0] = chain.accepted[2][0] = 1;
	chain.refused[1][0] = chain.refused[2][0] = 1;
	chain_run(&l, 1);
	meanwhile = &l;
	chain.before_run = 2;
	chain.before = break_refused;
	CHECK_FAILS(E_CORRUPT, chain_run_try(&l, 2, true));
	break_log(&l, "silver/refused", false);
	rewrite(&l, "silver/refused", 1, "rewritten/1.parquet", &l.err);
	chain_run(&l, 2);
	chain_is(&l, 2);
	lake_table_is(&l, "silver/refused", 2, 1, 1);
	lake_table_is(&l, "silver/events", 1, 1, 1);
	lake_close(&l);
}

int main(void)
{
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0); /* syncs cost nothing there */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_newest_first, reset),
		cmocka_unit_test_setup(test_pictures, reset),
		cmocka_unit_test_setup(test_continued_twice, reset),
		cmocka_unit_test_setup(test_earlier_as_of, reset),
		cmocka_unit_test_setup(test_superseded, reset),
		cmocka_unit_test_setup(test_second_claimant, reset),
		cmocka_unit_test_setup(test_waits_for_the_run_before, reset),
		cmocka_unit_test_setup(test_optimized_meanwhile, reset),
		cmocka_unit_test_setup(test_dead_claimant, reset),
		cmocka_unit_test_setup(test_optimized_while_dead, reset),
	};
	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
