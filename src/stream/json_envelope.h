/* stream/json_envelope.h: what stands around the JSON of a message: Confluent's framing, Debezium's envelope of a change. */
#ifndef PQR_STREAM_JSON_ENVELOPE_H
#define PQR_STREAM_JSON_ENVELOPE_H

#include "base/buf.h"

/* A byte 0, four of the schema's id, big-endian, then the text. Returns the text; *schema_id -1: it is not framed. */
struct str json_envelope_unframe(struct str value, int64_t *schema_id);

/* {"op": "c", "before": {...}, "after": {...}, "source": {...}, "ts_ms": 7}, alone or as the payload beside a schema. JSON texts that view
 * the message; p NULL: absent, or null. */
struct json_change {
	struct str op; /* a letter, without its quotes: created, updated, deleted, read */
	struct str before, after, source;
	int64_t at_us; /* INT64_MIN: not told */
};
/* The row that a change tells of: what is there after it, or was before a deletion. message is followed by JSON_SCAN_PADDING readable bytes.
 * NULL, or the reason why there is none: not_json, not_change, missing:after, missing:before. */
const char *json_envelope_open(struct str message, struct json_change *out, struct str *row);

#endif
