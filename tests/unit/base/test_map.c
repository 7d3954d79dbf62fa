#include "base/map.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"

enum { KEYS = 5000 };

struct keys {
	uint32_t key[KEYS];
	uint64_t (*hash)(uint32_t key);
};

static uint64_t mixed(uint32_t key)
{
	return map_mix(key);
}
/* Two slots and two tags for all keys: the map must be right, if slow. */
static uint64_t crowded(uint32_t key)
{
	return (uint64_t)(key & 1) << 63 | (key >> 1 & 1);
}
static uint64_t constant(uint32_t key)
{
	(void)key;
	return UINT64_MAX;
}

static uint64_t hash_at(const void *keys, uint32_t place)
{
	const struct keys *k = keys;
	return k->hash(k->key[place]);
}

static uint32_t find(const struct map *m, const struct keys *k, uint32_t key, struct map_probe *probe)
{
	uint32_t at;
	*probe = map_probe(m, k->hash(key));
	while ((at = map_next(m, probe)) != MAP_NONE && k->key[at] != key) {}
	return at;
}

/* Random keys, many of them twice, against a table of where each was first. */
static void check_against_table(struct map *m, struct keys *k, uint32_t n, uint32_t seed)
{
	static uint32_t first[KEYS];
	memset(first, 0xff, sizeof first);
	for (uint32_t i = 0; i < 2 * n; i++) {
		const uint32_t key = rng_philox(seed, i, 0, 0).v[0] % n;
		struct map_probe probe;
		assert_true(map_room(m, hash_at, k));
		const uint32_t at = find(m, k, key, &probe);
		assert_int_equal(at, first[key]);
		if (at != MAP_NONE) continue;
		k->key[m->n] = key;
		first[key] = map_add(m, &probe);
		assert_int_equal(first[key], m->n - 1);
		assert_true((uint64_t)m->n * 4 <= ((uint64_t)m->mask + 1) * 3);
	}
	for (uint32_t key = 0; key < n; key++) {
		struct map_probe probe;
		assert_int_equal(find(m, k, key, &probe), first[key]);
	}
}

static void gives_places_in_order(void **state)
{
	(void)state;
	static struct keys k;
	uint64_t (*const hashes[])(uint32_t) = {mixed, crowded, constant};
	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
		struct map m = {0};
		k.hash = hashes[i];
		check_against_table(&m, &k, i == 0 ? KEYS : 600, (uint32_t)i);
		map_deinit(&m);
		assert_null(m.slots);
	}
}

static void forgets_and_keeps_its_memory(void **state)
{
	(void)state;
	static struct keys k = {.hash = mixed};
	struct map m = {0};
	assert_true(map_reset(&m, KEYS));
	const uint32_t *slots = m.slots;
	for (uint32_t round = 0; round < 3; round++) {
		const uint32_t n = round == 1 ? 40 : KEYS;
		assert_true(map_reset(&m, n));
		assert_int_equal(m.n, 0);
		assert_true((uint64_t)m.mask * 3 >= (uint64_t)n * 4 - 4);
		check_against_table(&m, &k, n, round);
		assert_ptr_equal(m.slots, slots); /* what was asked for is enough */
	}
	map_deinit(&m);
}

/* Of keys that share their slot only those of the same tag are offered. */
static void offers_only_its_tag(void **state)
{
	(void)state;
	struct map m = {0};
	assert_true(map_reset(&m, 10));
	for (uint32_t i = 0; i < 10; i++) {
		struct map_probe probe = map_probe(&m, (uint64_t)(i + 1) << 40);
		assert_int_equal(map_next(&m, &probe), MAP_NONE);
		assert_int_equal(map_add(&m, &probe), i);
	}
	struct map_probe probe = map_probe(&m, UINT64_C(7) << 40);
	assert_int_equal(map_next(&m, &probe), 6);
	assert_int_equal(map_next(&m, &probe), MAP_NONE);
	map_deinit(&m);
}

static void stays_as_it_was_without_memory(void **state)
{
	(void)state;
	static struct keys k = {.hash = mixed};
	struct map m = {0};
	mem_fail_after(0);
	assert_false(map_reset(&m, 0));
	assert_false(map_room(&m, hash_at, &k));
	mem_fail_after(-1);
	uint32_t n = 0;
	for (;;) {
		struct map_probe probe;
		mem_fail_after(n == 0 ? -1 : 0);
		const bool room = map_room(&m, hash_at, &k);
		mem_fail_after(-1);
		if (!room) break;
		k.key[n] = n * 3;
		assert_int_equal(find(&m, &k, n * 3, &probe), MAP_NONE);
		assert_int_equal(map_add(&m, &probe), n++);
	}
	assert_int_equal(n, MAP_SLOTS_MIN / 4 * 3);
	for (uint32_t i = 0; i < n; i++) {
		struct map_probe probe;
		assert_int_equal(find(&m, &k, i * 3, &probe), i);
	}
	map_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_places_in_order),
		cmocka_unit_test(forgets_and_keeps_its_memory),
		cmocka_unit_test(offers_only_its_tag),
		cmocka_unit_test(stays_as_it_was_without_memory),
	};
	return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
