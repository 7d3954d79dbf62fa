/* tests/unit/pqrs/silver_events.h: random histories of tickets, with all that may go wrong in them. */
#ifndef PQR_TESTS_SILVER_EVENTS_H
#define PQR_TESTS_SILVER_EVENTS_H

#include "silver_lake.h"

static inline int64_t at(const char *text)
{
	int64_t us = 0;
	if (!time_parse(str_of(text), &us)) fail_msg("bad time %s", text);
	return us;
}

static uint32_t draw_state;
static inline uint32_t draw(uint32_t n)
{
	draw_state = draw_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)draw_state * n) >> 32);
}

/* Each event stands on a line of its own. */
static inline void push(struct ev *events, size_t *n, struct ev e)
{
	e.line = (int64_t)*n;
	events[(*n)++] = e;
}

/* Histories with everything in them: repeats in other objects, conflicts, orphans, early events, ties, refused changes. */
static inline size_t make_events(struct ev *events, int n_tickets)
{
	static const char *const states[] = {"RECEIVED", "RADICATED", "CLASSIFIED", "ASSIGNED", "IN_PROGRESS",
		"ON_HOLD", "RESPONDED", "CLOSED", "ARCHIVED", "REOPENED"};
	static const char *const objects[] = {"raw/a", "raw/b", "raw/c"};
	size_t n = 0;
	int event = 1;
	const int64_t start = at("2025-09-28T00:00:00Z");
	for (int k = 1; k <= n_tickets; k++) {
		int64_t ts = start + (int64_t)draw(5 * 86400) * 1000000;
		const size_t first = n;
		if (draw(10) > 0)
			push(events, &n,
				(struct ev){k, event++, EVENT_TICKET_CREATED, ts, draw(2) ? "P" : NULL, "11001",
					"solicito", objects[draw(3)], 0});
		unsigned from = 0;
		for (uint32_t i = draw(9); i > 0; i--) {
			ts += (int64_t)draw(3) * (int64_t)draw(86400) * 1000000; /* 0 now and then: ties */
			const unsigned to = draw(8) > 0 ? (from == 9 ? 4 : from == 6 ? 7 : (from + 1) % 10) : draw(10);
			push(events, &n,
				(struct ev){k, event++, EVENT_STATUS_CHANGED, ts, states[from], states[to], NULL,
					objects[draw(3)], 0});
			if (draw(8) > 0) from = to;
			if (draw(3) == 0)
				push(events, &n,
					(struct ev){k, event++, EVENT_MESSAGE_ADDED, ts, draw(2) ? "agent" : "citizen",
						NULL, "x", objects[draw(3)], 0});
			if (draw(6) == 0)
				push(events, &n,
					(struct ev){k, event++, EVENT_ATTACHMENT_ADDED, ts + 5, "pdf", NULL, NULL,
						objects[draw(3)], 0});
		}
		if (draw(10) == 0)
			push(events, &n,
				(struct ev){
					k, event++, EVENT_MESSAGE_ADDED, start, "agent", NULL, "early", "raw/a", 0});
		if (draw(10) == 0)
			push(events, &n, (struct ev){k, event++, EVENT_TICKET_CREATED, ts, "Q", NULL, "x", "raw/a", 0});
		for (uint32_t i = n > first ? draw(3) : 0; i > 0; i--) { /* tell one again, perhaps otherwise */
			struct ev again = events[first + draw((uint32_t)(n - first))];
			again.object = objects[draw(3)];
			const uint32_t how = draw(4);
			if (how == 1) again.text = "changed";
			if (how == 2) again.ts += 3600000000;
			push(events, &n, again);
		}
	}
	return n;
}

#endif
