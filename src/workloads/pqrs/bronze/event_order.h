/* workloads/pqrs/bronze/event_order.h: which events of an object are repeats, and the order of its rows.
 *
 * The index knows every event id of one object, rows of the batch at hand and those already written ("sealed", by a
 * hash of their content). The order is (ticket_bucket, ts, event_id) by integer keys, then the order of arrival: objects may repeat an
 * event of each other.
 */
#ifndef PQR_PQRS_EVENT_ORDER_H
#define PQR_PQRS_EVENT_ORDER_H

#include "base/map.h"
#include "workloads/pqrs/bronze/event.h"

struct sealed_event {
	uint8_t id[UUID_BYTES];
	uint8_t content[XXH128_BYTES];
};
struct event_index {
	struct map ids; /* places: below n_sealed a sealed event, else row place - n_sealed + first_row of the batch */
	int64_t first_row;
	struct sealed_event *sealed;
	size_t n_sealed, sealed_cap;
	struct buf scratch;
};
enum event_seen { EVENT_NEW, EVENT_REPEATED, EVENT_CONFLICT };

void event_index_init(struct event_index *x);
void event_index_deinit(struct event_index *x);
/* Forget the object before; the rows of the next one begin at first_row of the batch. */
status event_index_start(struct event_index *x, int64_t first_row, int64_t events_expected, struct err *err) MUST_USE;
/* Is ev in the object already? EVENT_NEW: it is now, and must become the next row of b. */
status event_index_add(struct event_index *x, const struct event_batch *b, const struct event *ev, enum event_seen *out,
	struct err *err) MUST_USE;
/* b's rows are about to be written and reset, while the object goes on. */
status event_index_seal(struct event_index *x, const struct event_batch *b, struct err *err) MUST_USE;

struct event_order {
	uint32_t *rows, *spare; /* [cap] */
	uint64_t *keys, *spare_keys;
	int64_t cap;
	uint32_t cuts[PQRS_BUCKETS]; /* exclusive ends of the buckets that have rows */
	uint32_t n_cuts;
};
void event_order_init(struct event_order *o);
void event_order_deinit(struct event_order *o);
/* o->rows[0..b->n_rows), o->cuts, until the next call. */
status event_order_make(struct event_order *o, const struct event_batch *b, struct err *err) MUST_USE;

#endif
