/* workloads/pqrs/sim/sim_sort.c: see sim_sort.h. A counting sort by object, then a radix sort of each by time; ties are broken by
 * event_id, so that the order depends on no order before it. */
#include "workloads/pqrs/sim/sim_sort.h"

#include "base/alloc.h"

enum {
	INDEX_BITS = 27,
	TIME_BITS = 64 - INDEX_BITS,
	RADIX_BITS = 10,
	RADIX = 1 << RADIX_BITS,
	PASSES = 4,
	INSERTION_MAX = 48
};

_Static_assert(US_PER_DAY <= (INT64_C(1) << TIME_BITS), "a time of day fits the key");
_Static_assert(PASSES *RADIX_BITS >= TIME_BITS, "passes cover the time");

static uint32_t object_of(const struct sim_event *e, int32_t lo, uint32_t n_days)
{
	return e->channel * n_days + (uint32_t)(time_utc_date(e->ts) - lo);
}

static status scratch_init(struct sim_objects *o, size_t n, size_t largest, struct err *err)
{
	if (largest >> INDEX_BITS != 0)
		return fail(err, E_LIMIT, "%zu events in one object, at most %d", largest, 1 << INDEX_BITS);
	size_t bytes;
	o->events = mul_size(n, sizeof *o->events, &bytes) ? mem_alloc(bytes) : NULL;
	o->keys = mem_alloc(largest * sizeof *o->keys); /* at most 2^27 of them */
	o->spare = mem_alloc(largest * sizeof *o->spare);
	o->moved = mem_alloc(largest * sizeof *o->moved);
	if (o->events == NULL || o->keys == NULL || o->spare == NULL || o->moved == NULL) {
		sim_objects_deinit(o);
		return fail_nomem(err);
	}
	return OK;
}

void sim_objects_deinit(struct sim_objects *o)
{
	mem_free(o->begin);
	mem_free(o->events);
	mem_free(o->keys);
	mem_free(o->spare);
	mem_free(o->moved);
	*o = (struct sim_objects){0};
}

status sim_objects_init(
	struct sim_objects *o, const struct sim_event *events, size_t n, int32_t lo, int32_t hi, struct err *err)
{
	ASSERT(lo < hi);
	const uint32_t n_days = (uint32_t)(hi - lo);
	*o = (struct sim_objects){.n = CHANNEL_N * n_days};
	o->begin = mem_zalloc((size_t)o->n + 2, sizeof *o->begin);
	if (o->begin == NULL) return fail_nomem(err);
	size_t *at = o->begin + 1; /* one further, so that filling leaves begin[i] at the start of object i */
	for (size_t i = 0; i < n; i++) at[object_of(&events[i], lo, n_days) + 1]++;
	size_t largest = 0;
	for (uint32_t i = 0; i < o->n; i++) {
		largest = at[i + 1] > largest ? at[i + 1] : largest;
		at[i + 1] += at[i];
	}
	TRY(scratch_init(o, n, largest, err));
	for (size_t i = 0; i < n; i++) o->events[at[object_of(&events[i], lo, n_days)]++] = events[i];
	return OK;
}

/* Stable, by the time bits. The result is in the array returned. */
static uint64_t *radix_sort(uint64_t *keys, uint64_t *spare, size_t n)
{
	uint32_t counts[PASSES][RADIX] = {{0}};
	for (size_t i = 0; i < n; i++) {
		for (int pass = 0; pass < PASSES; pass++)
			counts[pass][keys[i] >> (INDEX_BITS + pass * RADIX_BITS) & (RADIX - 1)]++;
	}
	for (int pass = 0; pass < PASSES; pass++) {
		uint32_t sum = 0;
		for (int digit = 0; digit < RADIX; digit++) {
			const uint32_t count = counts[pass][digit];
			counts[pass][digit] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			spare[counts[pass][keys[i] >> (INDEX_BITS + pass * RADIX_BITS) & (RADIX - 1)]++] = keys[i];
		uint64_t *swap = keys;
		keys = spare;
		spare = swap;
	}
	return keys;
}

static void insertion_sort(uint64_t *keys, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const uint64_t key = keys[i];
		size_t j = i;
		for (; j > 0 && keys[j - 1] > key; j--) keys[j] = keys[j - 1];
		keys[j] = key;
	}
}

static struct rng4 id_of(const struct sim_event *e, const struct sim_row *rows, uint64_t seed)
{
	const struct sim_row *row = &rows[e->ticket];
	return sim_uuid(seed, sim_entity(row->date, row->number), SIM_EVENT_ID, e->sequence);
}

static bool id_less(struct rng4 a, struct rng4 b)
{
	for (int i = 0; i < 4; i++) {
		if (a.v[i] != b.v[i]) return a.v[i] < b.v[i];
	}
	return false;
}

/* Events of equal times lie side by side: put them in order of their ids. Runs are short (equal microseconds are
 * rare). */
static void settle_ties(struct sim_event *e, size_t n, const struct sim_row *rows, uint64_t seed)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t j = i; j > 0 && e[j].ts == e[j - 1].ts &&
				   id_less(id_of(&e[j], rows, seed), id_of(&e[j - 1], rows, seed));
			j--) {
			const struct sim_event swap = e[j];
			e[j] = e[j - 1];
			e[j - 1] = swap;
		}
	}
}

void sim_objects_sort(struct sim_objects *o, uint32_t object, int32_t day, const struct sim_row *rows, uint64_t seed)
{
	ASSERT(object < o->n);
	struct sim_event *e = o->events + o->begin[object];
	const size_t n = o->begin[object + 1] - o->begin[object];
	const int64_t start = (int64_t)day * US_PER_DAY;
	for (size_t i = 0; i < n; i++) o->keys[i] = (uint64_t)(e[i].ts - start) << INDEX_BITS | i;
	uint64_t *keys = o->keys;
	if (n <= INSERTION_MAX)
		insertion_sort(keys, n);
	else
		keys = radix_sort(o->keys, o->spare, n);
	for (size_t i = 0; i < n; i++) o->moved[i] = e[keys[i] & ((UINT64_C(1) << INDEX_BITS) - 1)];
	memcpy(e, o->moved, n * sizeof *e);
	settle_ties(e, n, rows, seed);
}
