/* workloads/pqrs/bronze/event_order.c: see event_order.h: which events of an object came before, and the order of its rows in the file.
 *
 * The place of an event is its number among those taken, whether its part is sealed or not: a seal moves none.
 */
#include "workloads/pqrs/bronze/event_order.h"

#include "base/alloc.h"

enum { EVENTS_EXPECTED_MAX = 1 << 19, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, SEALED_HASH_BYTES_MAX = 1 << 26 };

/* ---- index ---- */

void event_index_init(struct event_index *x)
{
	*x = (struct event_index){.sealed = NULL};
	buf_init(&x->scratch, SEALED_HASH_BYTES_MAX);
}

void event_index_deinit(struct event_index *x)
{
	map_deinit(&x->ids);
	mem_free(x->sealed);
	buf_deinit(&x->scratch);
	*x = (struct event_index){.sealed = NULL};
}

status event_index_start(struct event_index *x, int64_t first_row, int64_t events_expected, struct err *err)
{
	/* The caller's guess, and room to be half full; it grows. */
	const int64_t n = events_expected < EVENTS_EXPECTED_MAX ? events_expected : EVENTS_EXPECTED_MAX;
	x->n_sealed = 0;
	x->first_row = first_row;
	return map_reset(&x->ids, (size_t)n + (size_t)n / 2) ? OK : fail_nomem(err);
}

static inline int64_t row_at(const struct event_index *x, uint32_t at)
{
	return at - (int64_t)x->n_sealed + x->first_row;
}

/* Events of the object taken so far. */
static inline size_t n_taken(const struct event_index *x, const struct event_batch *b)
{
	return x->n_sealed + (size_t)(b->n_rows - x->first_row);
}

static inline const uint8_t *id_at(const struct event_index *x, const struct event_batch *b, uint32_t at)
{
	return at < x->n_sealed ? x->sealed[at].id : b->ids.items[row_at(x, at)];
}

/* Ids need not be random. */
static inline uint64_t id_hash(const uint8_t *id)
{
	uint64_t a, b;
	memcpy(&a, id, sizeof a);
	memcpy(&b, id + sizeof a, sizeof b);
	return map_mix(a ^ b * UINT64_C(0xC2B2AE3D27D4EB4F));
}

struct event_ids {
	const struct event_index *x;
	const struct event_batch *b;
};
static uint64_t hash_at(const void *keys, uint32_t place)
{
	const struct event_ids *ids = keys;
	return id_hash(id_at(ids->x, ids->b, place));
}

/* Same content as the event stored at index `at`? */
static status content_same(struct event_index *x, const struct event_batch *b, const struct event *ev, uint32_t at,
	bool *same, struct err *err)
{
	struct event_content mine, other;
	event_content_of(ev, &mine);
	if (at >= x->n_sealed) {
		event_batch_content(b, row_at(x, at), &other);
		*same = event_content_eq(&mine, &other);
		return OK;
	}
	uint8_t hash[XXH128_BYTES];
	if (!event_content_hash(&mine, &x->scratch, hash)) return fail_nomem(err);
	*same = memcmp(hash, x->sealed[at].content, sizeof hash) == 0;
	return OK;
}

status event_index_add(struct event_index *x, const struct event_batch *b, const struct event *ev, enum event_seen *out,
	struct err *err)
{
	const size_t n = n_taken(x, b);
	if (n >= UINT32_MAX / 2) return fail(err, E_LIMIT, "more than %u events in one object", UINT32_MAX / 2);
	ASSERT(x->ids.n == n);
	const struct event_ids ids = {x, b};
	if (!map_room(&x->ids, hash_at, &ids)) return fail_nomem(err);
	struct map_probe probe = map_probe(&x->ids, id_hash(ev->event_id));
	uint32_t at;
	do {
		at = map_next(&x->ids, &probe);
	} while (at != MAP_NONE && memcmp(id_at(x, b, at), ev->event_id, UUID_BYTES) != 0);
	if (at == MAP_NONE) {
		(void)map_add(&x->ids, &probe);
		*out = EVENT_NEW;
		return OK;
	}
	bool same = false;
	TRY(content_same(x, b, ev, at, &same, err));
	*out = same ? EVENT_REPEATED : EVENT_CONFLICT;
	return OK;
}

status event_index_seal(struct event_index *x, const struct event_batch *b, struct err *err)
{
	const size_t n = n_taken(x, b);
	if (n > x->sealed_cap) {
		struct sealed_event *sealed = mem_realloc(x->sealed, 2 * n * sizeof *sealed);
		if (sealed == NULL) return fail_nomem(err);
		x->sealed = sealed;
		x->sealed_cap = 2 * n;
	}
	for (int64_t row = x->first_row; row < b->n_rows; row++) {
		struct sealed_event *s = &x->sealed[x->n_sealed + (size_t)(row - x->first_row)];
		struct event_content content;
		event_batch_content(b, row, &content);
		memcpy(s->id, b->ids.items[row], sizeof s->id);
		if (!event_content_hash(&content, &x->scratch, s->content)) return fail_nomem(err);
	}
	x->n_sealed = n;
	x->first_row = 0;
	return OK;
}

/* ---- order ---- */

void event_order_init(struct event_order *o)
{
	*o = (struct event_order){.rows = NULL};
}

void event_order_deinit(struct event_order *o)
{
	mem_free(o->rows);
	mem_free(o->spare);
	mem_free(o->keys);
	mem_free(o->spare_keys);
	*o = (struct event_order){.rows = NULL};
}

static status room(struct event_order *o, int64_t n, struct err *err)
{
	if (n <= o->cap) return OK;
	event_order_deinit(o);
	const size_t cap = (size_t)n + (size_t)n / 2 + 1024;
	o->rows = mem_alloc(cap * sizeof *o->rows);
	o->spare = mem_alloc(cap * sizeof *o->spare);
	o->keys = mem_alloc(cap * sizeof *o->keys);
	o->spare_keys = mem_alloc(cap * sizeof *o->spare_keys);
	if (o->rows == NULL || o->spare == NULL || o->keys == NULL || o->spare_keys == NULL) return fail_nomem(err);
	o->cap = (int64_t)cap;
	return OK;
}

static inline bool id_less(const struct event_batch *b, uint32_t i, uint32_t j)
{
	return memcmp(b->ids.items[i], b->ids.items[j], UUID_BYTES) < 0;
}

static bool is_ordered(const struct event_batch *b, const int64_t *ts)
{
	for (int64_t i = 1; i < b->n_rows; i++) {
		if (ts[i] > ts[i - 1]) continue;
		if (ts[i] < ts[i - 1] || !id_less(b, (uint32_t)i - 1, (uint32_t)i)) return false;
	}
	return true;
}

/* Stable, by the digit at `shift` of keys: rows and keys to the spare arrays. */
static void radix_pass(struct event_order *o, int64_t n, int shift)
{
	uint32_t starts[DIGITS] = {0};
	for (int64_t i = 0; i < n; i++) starts[o->keys[i] >> shift & (DIGITS - 1)]++;
	uint32_t sum = 0;
	for (int d = 0; d < DIGITS; d++) {
		const uint32_t count = starts[d];
		starts[d] = sum;
		sum += count;
	}
	for (int64_t i = 0; i < n; i++) {
		const uint32_t to = starts[o->keys[i] >> shift & (DIGITS - 1)]++;
		o->spare[to] = o->rows[i];
		o->spare_keys[to] = o->keys[i];
	}
	uint32_t *rows = o->rows;
	o->rows = o->spare;
	o->spare = rows;
	uint64_t *keys = o->keys;
	o->keys = o->spare_keys;
	o->spare_keys = keys;
}

/* rows[0..n), all of one ts, by event id, stable: merge from the bottom up. */
static void sort_ids(const struct event_batch *b, uint32_t *rows, uint32_t *spare, int64_t n)
{
	for (int64_t width = 1; width < n; width *= 2) {
		for (int64_t from = 0; from < n; from += 2 * width) {
			const int64_t mid = from + width < n ? from + width : n;
			const int64_t end = mid + width < n ? mid + width : n;
			int64_t i = from, j = mid;
			for (int64_t k = from; k < end; k++) {
				const bool left = i < mid && (j >= end || !id_less(b, rows[j], rows[i]));
				spare[k] = left ? rows[i++] : rows[j++];
			}
		}
		memcpy(rows, spare, (size_t)n * sizeof *rows);
	}
}

static void sort_by_time(struct event_order *o, const struct event_batch *b, const int64_t *ts)
{
	const int64_t n = b->n_rows;
	uint64_t low = UINT64_MAX, high = 0;
	for (int64_t i = 0; i < n; i++) {
		const uint64_t key = (uint64_t)ts[i] ^ UINT64_C(1) << 63; /* unsigned order is signed order */
		o->keys[i] = key;
		low = key < low ? key : low;
		high = key > high ? key : high;
	}
	for (int64_t i = 0; i < n; i++) o->keys[i] -= low;
	for (int shift = 0; shift < 64 && (high - low) >> shift != 0; shift += DIGIT_BITS) radix_pass(o, n, shift);
	for (int64_t from = 0; from < n;) {
		int64_t end = from + 1;
		while (end < n && o->keys[end] == o->keys[from]) end++;
		if (end - from > 1) sort_ids(b, o->rows + from, o->spare, end - from);
		from = end;
	}
}

/* Stable counting sort of the rows by bucket; the bucket borders. */
static void sort_by_bucket(struct event_order *o, int64_t n, const int32_t *buckets)
{
	uint32_t starts[PQRS_BUCKETS + 1] = {0};
	for (int64_t i = 0; i < n; i++) starts[buckets[i] + 1]++;
	o->n_cuts = 0;
	for (int i = 0; i < PQRS_BUCKETS; i++) {
		const bool any = starts[i + 1] > 0;
		starts[i + 1] += starts[i];
		if (any) o->cuts[o->n_cuts++] = starts[i + 1];
	}
	for (int64_t i = 0; i < n; i++) o->spare[starts[buckets[o->rows[i]]]++] = o->rows[i];
	uint32_t *rows = o->rows;
	o->rows = o->spare;
	o->spare = rows;
}

status event_order_make(struct event_order *o, const struct event_batch *b, struct err *err)
{
	TRY(room(o, b->n_rows, err));
	const int64_t *ts = b->columns[BRONZE_TS].values;
	for (int64_t i = 0; i < b->n_rows; i++) o->rows[i] = (uint32_t)i;
	if (!is_ordered(b, ts)) sort_by_time(o, b, ts);
	sort_by_bucket(o, b->n_rows, b->columns[BRONZE_TICKET_BUCKET].values);
	return OK;
}
