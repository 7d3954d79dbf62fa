/* pqrs/bronze/event_order.c: see event_order.h: which events of an object came before, and the order of its rows in the file.
 *
 * An index of an event is its place among those taken, whether its part is sealed or not; slots hold index + 1 and survive a
 * seal.
 */
#include "pqrs/bronze/event_order.h"

#include "base/alloc.h"

enum { SLOTS_MIN = 1024, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, SEALED_HASH_BYTES_MAX = 1 << 26 };

/* ---- index ---- */

void event_index_init(struct event_index *x)
{
	*x = (struct event_index){.slots = NULL};
	buf_init(&x->scratch, SEALED_HASH_BYTES_MAX);
}

void event_index_deinit(struct event_index *x)
{
	mem_free(x->slots);
	mem_free(x->sealed);
	buf_deinit(&x->scratch);
	*x = (struct event_index){.slots = NULL};
}

static status slots_empty(struct event_index *x, size_t n, struct err *err)
{
	if (n > x->slots_cap) {
		uint32_t *slots = mem_realloc(x->slots, n * sizeof *slots);
		if (slots == NULL) return fail_nomem(err);
		x->slots = slots;
		x->slots_cap = n;
	}
	x->slots_n = n;
	memset(x->slots, 0, n * sizeof *x->slots);
	return OK;
}

status event_index_start(struct event_index *x, int64_t events_expected, struct err *err)
{
	size_t n = SLOTS_MIN;
	while ((int64_t)n < 2 * events_expected && n < (size_t)1 << 20) n *= 2; /* the caller's guess; it grows */
	x->n_sealed = 0;
	return slots_empty(x, n, err);
}

static inline const uint8_t *id_at(const struct event_index *x, const struct event_batch *b, uint32_t at)
{
	return at < x->n_sealed ? x->sealed[at].id : b->event_ids[at - x->n_sealed];
}

/* Ids need not be random: multiply, take the high bits (Fibonacci hashing, Knuth volume 3, 6.4). */
static inline size_t id_slot(const struct event_index *x, const uint8_t *id)
{
	uint64_t a, b;
	memcpy(&a, id, sizeof a);
	memcpy(&b, id + sizeof a, sizeof b);
	const uint64_t mixed = (a ^ (b * UINT64_C(0xC2B2AE3D27D4EB4F))) * UINT64_C(0x9E3779B97F4A7C15);
	return (size_t)(mixed >> 20) & (x->slots_n - 1);
}

static inline uint32_t *slot_find(const struct event_index *x, const struct event_batch *b, const uint8_t *id)
{
	size_t at = id_slot(x, id);
	while (x->slots[at] != 0 && memcmp(id_at(x, b, x->slots[at] - 1), id, UUID_BYTES) != 0)
		at = (at + 1) & (x->slots_n - 1);
	return &x->slots[at];
}

static status slots_grow(struct event_index *x, const struct event_batch *b, uint32_t n, struct err *err)
{
	TRY(slots_empty(x, x->slots_n * 2, err));
	for (uint32_t i = 0; i < n; i++) *slot_find(x, b, id_at(x, b, i)) = i + 1;
	return OK;
}

/* Same content as the event stored at index `at`? */
static status content_same(struct event_index *x, const struct event_batch *b, const struct event *ev, uint32_t at,
	bool *same, struct err *err)
{
	struct event_content mine, other;
	event_content_of(ev, &mine);
	if (at >= x->n_sealed) {
		event_batch_content(b, at - (int64_t)x->n_sealed, &other);
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
	const size_t n = x->n_sealed + (size_t)b->n_rows;
	if (n >= UINT32_MAX / 2) return fail(err, E_LIMIT, "more than %u events in one object", UINT32_MAX / 2);
	if (2 * n >= x->slots_n) TRY(slots_grow(x, b, (uint32_t)n, err));
	uint32_t *slot = slot_find(x, b, ev->event_id);
	if (*slot == 0) {
		*slot = (uint32_t)n + 1;
		*out = EVENT_NEW;
		return OK;
	}
	bool same = false;
	TRY(content_same(x, b, ev, *slot - 1, &same, err));
	*out = same ? EVENT_REPEATED : EVENT_CONFLICT;
	return OK;
}

status event_index_seal(struct event_index *x, const struct event_batch *b, struct err *err)
{
	const size_t n = x->n_sealed + (size_t)b->n_rows;
	if (n > x->sealed_cap) {
		struct sealed_event *sealed = mem_realloc(x->sealed, 2 * n * sizeof *sealed);
		if (sealed == NULL) return fail_nomem(err);
		x->sealed = sealed;
		x->sealed_cap = 2 * n;
	}
	for (int64_t row = 0; row < b->n_rows; row++) {
		struct sealed_event *s = &x->sealed[x->n_sealed + (size_t)row];
		struct event_content content;
		event_batch_content(b, row, &content);
		memcpy(s->id, b->event_ids[row], sizeof s->id);
		if (!event_content_hash(&content, &x->scratch, s->content)) return fail_nomem(err);
	}
	x->n_sealed = n; /* the indices in slots stay what they were */
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
	return memcmp(b->event_ids[i], b->event_ids[j], UUID_BYTES) < 0;
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

/* rows[0..n), all of one ts, by event id: merge from the bottom up. */
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
