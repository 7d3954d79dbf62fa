/* flow/raw_contract.h: the contract of a workload's raw event, member by member, in the languages of its readers. */
#ifndef PQR_FLOW_RAW_CONTRACT_H
#define PQR_FLOW_RAW_CONTRACT_H

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

struct raw_contract {
	const char *name, *version; /* "raw.pqrs", "pqrs/v2" */
	const struct raw_member *envelope;
	size_t n_envelope;
	/* Of the event types that an envelope's member event_type names, what its object data holds. n_types 0: events have no data. */
	const struct raw_event_type *types;
	size_t n_types;
};

/* JSON Schema (2020-12) of one raw line, with an if/then for each event type. Members that it does not name are
 * allowed: they are kept in bronze's column extra. */
void raw_contract_json_schema(struct buf *out, const struct raw_contract *c);
/* A heading and a table of the members. */
void raw_contract_markdown(struct buf *out, const struct raw_contract *c);

#endif
