/* workloads/pqrs/contract/raw_event.h: the contract of a raw event, member by member, and its JSON Schema.
 *
 * The parser (pqrs/bronze/event.h) has the same contract as bit sets; a test holds the two to each other.
 */
#ifndef PQR_PQRS_RAW_EVENT_H
#define PQR_PQRS_RAW_EVENT_H

#include "base/buf.h"

enum raw_kind { RAW_STRING, RAW_UUID, RAW_TIMESTAMP, RAW_INTEGER, RAW_ANY };

struct raw_member {
	const char *name;
	enum raw_kind kind;
	bool required;
	bool not_negative;         /* RAW_INTEGER */
	const char *const *values; /* RAW_STRING: the allowed ones, NULL-terminated; NULL = any */
	const char *description;
};

struct raw_event_type {
	const char *name; /* "TICKET_CREATED" */
	const struct raw_member *data;
	size_t n_data;
};

enum { RAW_EVENT_TYPES = 4, RAW_ENVELOPE_MEMBERS = 7 };
extern const struct raw_event_type raw_event_types[RAW_EVENT_TYPES];
extern const struct raw_member raw_envelope[RAW_ENVELOPE_MEMBERS]; /* event_id ... tenant_id, without data */

/* JSON Schema (2020-12) of one raw line, with an if/then for each event type. Members that it does not name are
 * allowed: they are kept in bronze's column extra. */
void raw_event_json_schema(struct buf *out);

#endif
