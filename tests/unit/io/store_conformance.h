/* What every store must do, as tests over a store the including program opens. */
#ifndef PQR_TESTS_STORE_CONFORMANCE_H
#define PQR_TESTS_STORE_CONFORMANCE_H

#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/thread.h"
#include "base/time.h"
#include "io/store.h"

static struct store *conform_store; /* empty at the start of each test: prefixes are fresh */

static inline void conform_prefix(char dst[64])
{
	uint8_t id[UUID_BYTES];
	char text[UUID_CHARS];
	uuid_random(id);
	uuid_format(id, text);
	(void)snprintf(dst, 64, "test/%.*s", UUID_CHARS, text);
}

static inline const char *conform_key(char dst[256], const char *prefix, const char *name)
{
	(void)snprintf(dst, 256, "%s/%s", prefix, name);
	return dst;
}

static inline void conform_content(const char *key, const void *want, size_t n)
{
	struct err err;
	struct buf b;
	buf_init(&b, 0);
	CHECK_OK(&err, store_get(conform_store, key, &b, &err));
	CHECK_I64(b.n, n);
	if (n > 0 && memcmp(b.p, want, n) != 0) fail_msg("%s has other bytes", key);
	buf_deinit(&b);
}

static inline void conform_hint(const char *key)
{
	const struct store_hint hint = {key, 0, 1};
	store_will_open(conform_store, &hint);
}

/* Bytes that differ everywhere, the same for the same seed. */
static inline uint8_t *conform_bytes(size_t n, uint64_t seed)
{
	uint8_t *p = mem_alloc(n + 8);
	assert_non_null(p);
	for (size_t i = 0; i < n; i += 8) {
		const uint64_t in[2] = {seed, i};
		const uint64_t v = hash_xxh3(in, sizeof in);
		memcpy(p + i, &v, 8);
	}
	return p;
}

static void conform_put_get(void **state)
{
	(void)state;
	struct store *s = conform_store;
	struct err err;
	char prefix[64], key[256];
	int64_t size;
	conform_prefix(prefix);
	conform_key(key, prefix, "a/b=1/c.txt");
	CHECK_FAILS(E_NOT_FOUND, store_size(s, key, &size, NULL));
	struct buf b;
	buf_init(&b, 0);
	CHECK_FAILS(E_NOT_FOUND, store_get(s, key, &b, NULL));
	buf_deinit(&b);
	CHECK_OK(&err, store_put_if_absent(s, key, "one", 3, &err));
	CHECK_OK(&err, store_put_if_absent(s, key, "one", 3, &err));
	CHECK_FAILS(E_EXISTS, store_put_if_absent(s, key, "two", 3, &err));
	CHECK_FAILS(E_EXISTS, store_commit(s, key, "o", 1, &err));
	conform_content(key, "one", 3);
	CHECK_OK(&err, store_commit(s, key, "one", 3, &err));
	CHECK_OK(&err, store_put(s, key, "three", 5, &err));
	CHECK_OK(&err, store_size(s, key, &size, &err));
	CHECK_I64(size, 5);
	conform_content(key, "three", 5);
	conform_key(key, prefix, "empty");
	CHECK_OK(&err, store_put_if_absent(s, key, "", 0, &err));
	CHECK_OK(&err, store_put_if_absent(s, key, "", 0, &err));
	CHECK_FAILS(E_EXISTS, store_put_if_absent(s, key, "x", 1, &err));
	conform_content(key, "", 0);
	CHECK_OK(&err, store_delete(s, key, &err));
	CHECK_OK(&err, store_delete(s, key, &err)); /* missing is fine */
	CHECK_FAILS(E_NOT_FOUND, store_size(s, key, &size, NULL));
	CHECK_OK(&err, store_sync(s, &err));
	CHECK_OK(&err, store_sweep(s, prefix, NULL, &err));
}

struct conform_list {
	char keys[32][256];
	bool folder[32];
	int64_t bytes[32];
	size_t n;
	size_t skip;
};

static inline status conform_visit(void *arg, const struct store_entry *e, struct err *err)
{
	struct conform_list *l = arg;
	(void)err;
	assert_true(l->n < 32);
	assert_true(e->modified_us > time_now_us() - 3600 * US_PER_SECOND);
	assert_true(e->modified_us < time_now_us() + 3600 * US_PER_SECOND);
	l->bytes[l->n] = e->bytes;
	(void)snprintf(l->keys[l->n++], 256, "%s", e->key + l->skip);
	return OK;
}

static inline status conform_name(void *arg, const char *name, bool is_folder, struct err *err)
{
	struct conform_list *l = arg;
	(void)err;
	assert_true(l->n < 32);
	l->folder[l->n] = is_folder;
	(void)snprintf(l->keys[l->n++], 256, "%s", name);
	return OK;
}

/* Keys with all that a URL or XML could trip over; listed in byte order. */
static void conform_names(void **state)
{
	(void)state;
	static const char *const names[] = {"A", "a b/x y.txt", "a+b/1+1=2", "a-b", "a/b&c<d>.json", "a/b=1/%2F%.txt",
		"a=1/b=2025-09-01/part-0.parquet",
		("z/\xc3\xb1"
		 "and\xc3\xba'\"~!*().txt"),
		"\xe6\x97\xa5/x"};
	static const char *const top[] = {"A", "a", "a b", "a+b", "a-b", "a=1", "z", "\xe6\x97\xa5"};
	static const bool top_folder[] = {false, true, true, true, false, true, true, true};
	enum { N = sizeof names / sizeof *names };
	struct store *s = conform_store;
	struct err err;
	char prefix[64], key[256];
	conform_prefix(prefix);
	for (size_t i = N; i-- > 0;) {
		conform_key(key, prefix, names[i]);
		CHECK_OK(&err, store_put_if_absent(s, key, names[i], strlen(names[i]), &err));
		conform_content(key, names[i], strlen(names[i]));
	}
	struct conform_list l = {.skip = strlen(prefix) + 1};
	CHECK_OK(&err, store_list(s, prefix, conform_visit, &l, &err));
	CHECK_I64(l.n, N);
	for (size_t i = 0; i < N; i++) {
		assert_string_equal(l.keys[i], names[i]);
		CHECK_I64(l.bytes[i], strlen(names[i]));
	}
	l.n = 0;
	CHECK_OK(&err, store_list_names(s, prefix, conform_name, &l, &err));
	CHECK_I64(l.n, 8);
	for (size_t i = 0; i < 8; i++) {
		assert_string_equal(l.keys[i], top[i]);
		CHECK_I64(l.folder[i], top_folder[i]);
	}
	l.n = 0;
	CHECK_OK(&err, store_list(s, conform_key(key, prefix, "a"), conform_visit, &l, &err)); /* not a b, a+b, a-b */
	CHECK_I64(l.n, 2);
	l.n = 0;
	CHECK_OK(&err, store_list(s, conform_key(key, prefix, "none"), conform_visit, &l, &err));
	CHECK_OK(&err, store_list_names(s, key, conform_name, &l, &err));
	CHECK_I64(l.n, 0);
	for (size_t i = 0; i < N; i++) CHECK_OK(&err, store_delete(s, conform_key(key, prefix, names[i]), &err));
	CHECK_OK(&err, store_list(s, prefix, conform_visit, &l, &err));
	CHECK_I64(l.n, 0);
}

enum { CONFORM_LARGE = (9 << 20) + 123 };

static void conform_ranges(void **state)
{
	(void)state;
	static const struct {
		int64_t offset;
		size_t n;
	} ranges[] = {{0, 1}, {0, CONFORM_LARGE}, {CONFORM_LARGE - 8, 8}, {CONFORM_LARGE - 300000, 1000},
		{CONFORM_LARGE, 0}, {1 << 20, 10}, {(1 << 20) - 5, 10}, {5000000, 4400000}, {700000, 1 << 20},
		{3000000, 100}, {3000100, 100000}, {0, 0}};
	struct err err;
	char prefix[64], key[256];
	conform_prefix(prefix);
	conform_key(key, prefix, "large");
	uint8_t *bytes = conform_bytes(CONFORM_LARGE, 1), *got = mem_alloc(CONFORM_LARGE);
	CHECK_OK(&err, store_put_if_absent(conform_store, key, bytes, CONFORM_LARGE, &err));
	struct store_object *o;
	CHECK_OK(&err, store_object_open(conform_store, key, &o, &err));
	CHECK_I64(store_object_size(o), CONFORM_LARGE);
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		memset(got, 0, ranges[i].n);
		CHECK_OK(&err, store_object_read_at(o, ranges[i].offset, got, ranges[i].n, &err));
		if (memcmp(got, bytes + ranges[i].offset, ranges[i].n) != 0) fail_msg("range %zu", i);
	}
	CHECK_FAILS(E_CORRUPT, store_object_read_at(o, CONFORM_LARGE - 7, got, 8, NULL));
	store_object_close(o);
	CHECK_OK(&err, store_delete(conform_store, key, &err));
	mem_free(bytes);
	mem_free(got);
}

static inline status conform_write(const char *key, const uint8_t *p, size_t n, bool finish, struct err *err)
{
	struct store_writer *w;
	TRY(store_writer_create(conform_store, key, &w, err));
	status code = OK;
	for (size_t at = 0; at < n && code == OK;) {
		const size_t some = n - at < 700001 ? n - at : 700001;
		code = store_writer_add(w, p + at, some, err);
		at += some;
	}
	if (code == OK && finish) code = store_writer_finish(w, err);
	store_writer_destroy(w);
	return code;
}

static void conform_writer(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 5, 8 << 20, (8 << 20) + 1, (37 << 20) + 17};
	struct err err;
	char prefix[64], key[256];
	int64_t size;
	conform_prefix(prefix);
	/* A server compiled without optimization takes an eighth of a second a megabyte: the 40 MiB below are as many parts as it gets. */
	const size_t n_sizes = sizeof sizes / sizeof *sizes - (getenv("PQR_TEST_SLOW_SERVER") != NULL);
	for (size_t i = 0; i < n_sizes; i++) {
		uint8_t *bytes = conform_bytes(sizes[i] + 1, i);
		conform_key(key, prefix, "w/object");
		CHECK_OK(&err, conform_write(key, bytes, sizes[i], false, &err));
		CHECK_FAILS(E_NOT_FOUND, store_size(conform_store, key, &size, NULL));
		CHECK_OK(&err, conform_write(key, bytes, sizes[i], true, &err));
		conform_content(key, bytes, sizes[i]);
		CHECK_OK(&err, conform_write(key, bytes, sizes[i], true, &err)); /* the same bytes */
		CHECK_FAILS(E_EXISTS, conform_write(key, bytes, sizes[i] + 1, true, &err));
		bytes[0]++;
		if (sizes[i] > 0) CHECK_FAILS(E_EXISTS, conform_write(key, bytes, sizes[i], true, &err));
		bytes[0]--;
		conform_content(key, bytes, sizes[i]);
		CHECK_OK(&err, store_delete(conform_store, key, &err));
		mem_free(bytes);
	}
	uint8_t *large = conform_bytes(40 << 20, 9);
	CHECK_OK(&err, store_put_if_absent(conform_store, key, large, 40 << 20, &err));
	CHECK_OK(&err, store_put_if_absent(conform_store, key, large, 40 << 20, &err));
	large[39 << 20]++;
	CHECK_FAILS(E_EXISTS, store_put_if_absent(conform_store, key, large, 40 << 20, &err));
	CHECK_OK(&err, store_put(conform_store, key, large, 40 << 20, &err));
	conform_content(key, large, 40 << 20);
	CHECK_OK(&err, store_delete(conform_store, key, &err));
	mem_free(large);
}

struct conform_race {
	char key[256];
	_Atomic int won;
	_Atomic int winner;
};

static inline status conform_racer(void *arg, size_t i, int worker, struct err *err)
{
	struct conform_race *r = arg;
	char body[32];
	(void)worker;
	(void)snprintf(body, sizeof body, "racer %zu", i);
	const status code = store_commit(conform_store, r->key, body, strlen(body), err);
	if (code == OK) {
		atomic_fetch_add(&r->won, 1);
		atomic_store(&r->winner, (int)i);
	}
	return code == E_EXISTS ? OK : code;
}

static void conform_commits(void **state)
{
	(void)state;
	char prefix[64], body[32];
	struct err err;
	conform_prefix(prefix);
	for (int round = 0; round < 5; round++) {
		struct conform_race r = {.winner = -1};
		(void)snprintf(r.key, sizeof r.key, "%s/%020d.json", prefix, round);
		CHECK_OK(&err, thread_for(8, 8, conform_racer, &r, &err));
		CHECK_I64(atomic_load(&r.won), 1);
		(void)snprintf(body, sizeof body, "racer %d", atomic_load(&r.winner));
		conform_content(r.key, body, strlen(body));
	}
}

/* As many writers, each of more than one part. */
static inline status conform_stream(void *arg, size_t i, int worker, struct err *err)
{
	struct conform_race *r = arg;
	(void)worker;
	uint8_t *bytes = conform_bytes(CONFORM_LARGE, i);
	const status code = conform_write(r->key, bytes, CONFORM_LARGE, true, err);
	mem_free(bytes);
	if (code == OK) {
		atomic_fetch_add(&r->won, 1);
		atomic_store(&r->winner, (int)i);
	}
	return code == E_EXISTS ? OK : code;
}

static void conform_writers_race(void **state)
{
	(void)state;
	char prefix[64];
	struct err err;
	conform_prefix(prefix);
	for (int round = 0; round < 3; round++) {
		struct conform_race r = {.winner = -1};
		(void)snprintf(r.key, sizeof r.key, "%s/%d.jsonl", prefix, round);
		CHECK_OK(&err, thread_for(6, 6, conform_stream, &r, &err));
		CHECK_I64(atomic_load(&r.won), 1);
		uint8_t *bytes = conform_bytes(CONFORM_LARGE, (uint64_t)atomic_load(&r.winner));
		conform_content(r.key, bytes, CONFORM_LARGE);
		mem_free(bytes);
		CHECK_OK(&err, store_delete(conform_store, r.key, &err));
	}
}

struct conform_many {
	const char *prefix;
	size_t seen;
	char last[256];
};

enum { CONFORM_MANY = 1100 }; /* over one page of ListObjectsV2, over one DeleteObjects */

static inline status conform_put_many(void *arg, size_t i, int worker, struct err *err)
{
	const struct conform_many *m = arg;
	char key[256], body[16];
	(void)worker;
	(void)snprintf(key, sizeof key, "%s/part=%zu/%04zu", m->prefix, i % 3, i);
	(void)snprintf(body, sizeof body, "%zu", i);
	TRY(store_put_later(conform_store, key, body, strlen(body), NULL, err));
	if (i % 100 == 0) conform_content(key, body, strlen(body)); /* seen at once */
	return OK;
}

static inline status conform_count(void *arg, const struct store_entry *e, struct err *err)
{
	struct conform_many *m = arg;
	(void)err;
	if (m->seen > 0) assert_true(strcmp(m->last, e->key) < 0);
	(void)snprintf(m->last, sizeof m->last, "%s", e->key);
	m->seen++;
	return OK;
}

static void conform_later(void **state)
{
	(void)state;
	char prefix[64];
	struct err err;
	conform_prefix(prefix);
	struct conform_many m = {.prefix = prefix};
	CHECK_OK(&err, thread_for(CONFORM_MANY, 4, conform_put_many, &m, &err));
	CHECK_OK(&err, store_list(conform_store, prefix, conform_count, &m, &err));
	CHECK_I64(m.seen, CONFORM_MANY);
	CHECK_OK(&err, store_sync(conform_store, &err));
	struct conform_list l = {0};
	CHECK_OK(&err, store_list_names(conform_store, prefix, conform_name, &l, &err));
	CHECK_I64(l.n, 3);
	assert_string_equal(l.keys[2], "part=2");
	static char keys[CONFORM_MANY][128];
	const char *list[CONFORM_MANY];
	for (size_t i = 0; i < CONFORM_MANY; i++) {
		(void)snprintf(keys[i], sizeof keys[i], "%s/part=%zu/%04zu", prefix, i % 3, i);
		list[i] = keys[i];
	}
	CHECK_OK(&err, store_delete_many(conform_store, list, CONFORM_MANY, &err));
	m.seen = 0;
	CHECK_OK(&err, store_list(conform_store, prefix, conform_count, &m, &err));
	CHECK_I64(m.seen, 0);
	CHECK_OK(&err, store_delete_many(conform_store, list, 2, &err)); /* missing is fine */
}

/* A hint changes nothing but the time: not what is read, not what is missing, not what was put after it. */
static void conform_ahead(void **state)
{
	(void)state;
	struct err err;
	char prefix[64], key[256], name[16];
	int64_t size;
	struct buf b;
	conform_prefix(prefix);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof name, "%02d", i);
		CHECK_OK(&err, store_put_later(conform_store, conform_key(key, prefix, name), name, 2, NULL, &err));
		conform_hint(key);
		conform_hint(key);
	}
	for (int round = 0; round < 4; round++) {
		for (int i = 39; i >= 20; i--) {
			(void)snprintf(name, sizeof name, "%02d", i);
			conform_hint(conform_key(key, prefix, name));
			conform_content(key, name, 2);
		}
	}
	conform_hint(conform_key(key, prefix, "00"));
	CHECK_OK(&err, store_put(conform_store, key, "new", 3, &err));
	conform_content(key, "new", 3);
	conform_hint(key);
	CHECK_OK(&err, store_delete(conform_store, key, &err));
	CHECK_FAILS(E_NOT_FOUND, store_size(conform_store, key, &size, NULL));
	buf_init(&b, 0);
	CHECK_FAILS(E_NOT_FOUND, store_get(conform_store, key, &b, NULL));
	conform_hint(key); /* not there */
	CHECK_FAILS(E_NOT_FOUND, store_get(conform_store, key, &b, NULL));
	CHECK_OK(&err, store_put_if_absent(conform_store, key, "again", 5, &err));
	conform_hint(key);
	conform_content(key, "again", 5);
	buf_deinit(&b);
}

struct conform_shared {
	char keys[60][256];
	uint8_t *bytes;
	size_t n[60];
};
enum { CONFORM_READERS = 3 };

/* Reader i % CONFORM_READERS of object i / CONFORM_READERS; the sizes hinted at are right, too small, too large and unknown. */
static inline status conform_shared_read(void *arg, size_t i, int worker, struct err *err)
{
	const struct conform_shared *m = arg;
	const size_t k = i / CONFORM_READERS;
	(void)worker;
	(void)err;
	for (size_t ahead = k; ahead < 60 && ahead < k + 4; ahead++) {
		const int64_t n = (int64_t)m->n[ahead];
		const int64_t said[] = {n, n / 3 + 1, n * 2, 0};
		const struct store_hint hint = {m->keys[ahead], said[ahead % 4], CONFORM_READERS};
		store_will_open(conform_store, &hint);
	}
	conform_content(m->keys[k], m->bytes + k, m->n[k]);
	return OK;
}

/* What several readers were told of is the same for each, whoever comes first and however many come. */
static void conform_shared(void **state)
{
	(void)state;
	struct err err;
	char prefix[64], name[16];
	struct conform_shared *m = mem_zalloc(1, sizeof *m);
	assert_non_null(m);
	conform_prefix(prefix);
	m->bytes = conform_bytes((5 << 20) + 60, 3);
	for (size_t i = 0; i < 60; i++) {
		uint8_t sha256[SHA256_BYTES];
		m->n[i] = i == 7 ? 0 : i == 8 ? 5 << 20 : i * 30000;
		(void)snprintf(name, sizeof name, "%02zu", i);
		hash_sha256(m->bytes + i, m->n[i], sha256);
		CHECK_OK(&err, store_put_later(conform_store, conform_key(m->keys[i], prefix, name), m->bytes + i,
				       m->n[i], sha256, &err));
	}
	for (int round = 0; round < 2; round++)
		CHECK_OK(&err, thread_for(60 * CONFORM_READERS, 4, conform_shared_read, m, &err));
	const struct store_hint hint = {m->keys[20], 600000, CONFORM_READERS};
	store_will_open(conform_store, &hint);
	conform_content(m->keys[20], m->bytes + 20, m->n[20]);
	CHECK_OK(&err, store_put(conform_store, m->keys[20], "new", 3, &err));
	conform_content(m->keys[20], "new", 3);
	store_will_open(conform_store, &hint);
	CHECK_OK(&err, store_sync(conform_store, &err));
	conform_content(m->keys[20], "new", 3);
	mem_free(m->bytes);
	mem_free(m);
}

#define CONFORM_TESTS                                                                                                 \
	cmocka_unit_test(conform_put_get), cmocka_unit_test(conform_names), cmocka_unit_test(conform_ranges),         \
		cmocka_unit_test(conform_writer), cmocka_unit_test(conform_commits), cmocka_unit_test(conform_later), \
		cmocka_unit_test(conform_ahead), cmocka_unit_test(conform_shared),                                    \
		cmocka_unit_test(conform_writers_race)

#endif
