/* workloads/pqrs/sim/sim_write.h: simulated events to JSON Lines, one object (channel, UTC day) at a time.
 *
 * Knows the raw contract's line format; must not know how events came to be. A line is a row of copies: what is
 * constant in an object, or among all events of a kind, is laid out once. Key order is fixed. Little-endian machines
 * only (x86-64).
 */
#ifndef PQR_PQRS_SIM_WRITE_H
#define PQR_PQRS_SIM_WRITE_H

#include "base/buf.h"
#include "workloads/pqrs/sim/sim_text.h"

struct sim_row { /* a ticket as its events need it: one cache line */
	char id[UUID_CHARS];
	uint32_t number;
	int32_t date;
	uint16_t place;
	uint8_t type, priority, channel;
};

struct sim_writer {
	const struct sim_world *world;
	const struct sim_text *text;
	const struct sim_row *rows;                         /* events' `ticket` indexes it */
	struct sim_piece status_tails[STATE_N][STATE_N][4]; /* from the time on; some with a reason */
	struct sim_piece channels[CHANNEL_N];               /* escaped names are the names */
	size_t line_max;
};

status sim_writer_init(struct sim_writer *w, const struct sim_world *world, const struct sim_text *text,
	struct arena *arena, struct err *err) MUST_USE;

/* Append one line for each of events[n], in this order; all of this UTC day. E_NOMEM, E_LIMIT. */
status sim_writer_object(const struct sim_writer *w, const struct sim_event *events, size_t n, int32_t day,
	struct buf *out, struct err *err) MUST_USE;

enum pqrs_event_type sim_event_type(uint8_t kind); /* of an enum sim_kind */

/* The four words of a version 4 UUID, big-endian in each: comparing them in turn compares the text. */
struct rng4 sim_uuid(uint64_t seed, uint64_t entity, enum sim_purpose purpose, uint32_t index);
void sim_uuid_format(struct rng4 id, char dst[UUID_CHARS]);

#endif
