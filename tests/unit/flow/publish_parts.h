/* tests/unit/flow/publish_parts.h: what is read when a run publishes, whatever plane holds the tables. */
#ifndef PQR_TESTS_PUBLISH_PARTS_H
#define PQR_TESTS_PUBLISH_PARTS_H

#include "fake_chain.h"

/* The file of silver.events of that month that run 1 wrote. */
static inline void parts_file(struct lake *l, const char *month, char key[DELTA_KEY_MAX])
{
	struct delta_snapshot *s = NULL;
	key[0] = '\0';
	CHECK_OK(&l->err, delta_snapshot_open(l->store, "silver/events", DELTA_LATEST, &s, &l->err));
	for (size_t i = 0; i < s->n_files; i++) {
		const struct delta_pair *of = delta_pairs_get(&s->files[i].partition, STR("month"));
		const struct delta_pair *run = delta_pairs_get(&s->files[i].partition, STR("run_id"));
		if (str_is(of->value, month) && str_is(run->value, chain.run_ids[1]))
			CHECK_OK(&l->err, delta_key(key, "silver/events", s->files[i].path, &l->err));
	}
	delta_snapshot_close(s);
	assert_true(key[0] != '\0');
}

static inline void parts_flip(struct lake *l, const char *key)
{
	struct buf bytes;
	buf_init(&bytes, 0);
	CHECK_OK(&l->err, store_get(l->store, key, &bytes, &l->err));
	bytes.p[bytes.n / 2] ^= 1;
	CHECK_OK(&l->err, store_put(l->store, key, bytes.p, bytes.n, &l->err));
	buf_deinit(&bytes);
}

/* A file that must not be read is damaged: who reads it fails. */
static inline void parts_scenario(struct lake *l, void (*forget)(struct lake *l))
{
	char key[DELTA_KEY_MAX];
	memset(&chain, 0, sizeof chain);
	for (int t = 0; t < 4; t++) chain.accepted[1][t] = 1; /* two tickets in each month */
	chain.accepted[2][4] = 1;                             /* of the first month */
	chain.accepted[3][5] = 1;                             /* of the second */
	chain_run(l, 1);
	chain_is(l, 1);
	parts_file(l, "2025-02", key);
	parts_flip(l, key);
	chain_run(l, 2); /* tells the first month anew */
	chain_is(l, 2);
	chain_publish(l, 2);
	chain_is(l, 2);
	/* Every row is compared where that is asked for, and where nothing is remembered. */
	struct run_opts o = chain_options(l, 2);
	o.only = "publish";
	o.replace_published = true;
	CHECK_FAILS(E_VERIFY, run_plain(l, &o));
	assert_string_equal(l->err.where, key);
	forget(l);
	CHECK_FAILS(E_VERIFY, chain_publish_try(l, 2));
	chain_is(l, 2);
	parts_flip(l, key);
	chain_publish(l, 2);
	chain_is(l, 2);
	CHECK_OK(&l->err, run_plain(l, &o));
	chain_is(l, 2);
	/* Of the month that it tells anew only what it added is read: that file is of it still. */
	parts_flip(l, key);
	chain_run(l, 3);
	chain_is(l, 3);
	/* What is published is that of run 3 now: it is not what run 3 began from. */
	forget(l);
	CHECK_FAILS(E_VERIFY, chain_publish_try(l, 3));
	chain_is(l, 3);
	parts_flip(l, key);
	chain_publish(l, 3);
	chain_is(l, 3);
}

/* Where what changed can't be told, all is. spoil: by hand, as many rows of ticket 1 as before, under other keys. */
static inline void parts_fall_back(struct lake *l, void (*spoil)(struct lake *l))
{
	char key[DELTA_KEY_MAX];
	memset(&chain, 0, sizeof chain);
	for (int t = 0; t < 4; t++) chain.accepted[1][t] = 2;
	chain.accepted[2][1] = 3; /* told anew, and one more */
	chain.accepted[3][1] = 2; /* told anew, and one goes */
	chain_run(l, 1);
	parts_file(l, "2025-02", key);
	chain_write(l, 2); /* in place of that file */
	CHECK_OK(&l->err, store_delete(l->store, key, &l->err));
	chain_publish(l, 2);
	chain_is(l, 2);
	spoil(l);
	chain_run(l, 3);
	chain_is(l, 3);
}

#endif
