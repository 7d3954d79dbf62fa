/* stream/json_infer.h: a contract proposed from the first messages of a topic, for a person to look at. */
#ifndef PQR_STREAM_JSON_INFER_H
#define PQR_STREAM_JSON_INFER_H

#include "base/buf.h"

struct json_infer;
status json_infer_open(bool debezium, struct json_infer **out, struct err *err) MUST_USE;
void json_infer_close(struct json_infer *i); /* NULL is fine */
/* One message; what is no JSON object (or envelope) is counted alone. message is followed by JSON_SCAN_PADDING readable bytes. E_NOMEM. */
status json_infer_add(struct json_infer *i, struct str message, struct err *err) MUST_USE;
/* Append the JSON Schema that json_contract_open understands: members that were always of one type, at any depth that a column has; required,
 * those that every object has. The others are named in its $comment: they are kept in extra. E_NOT_FOUND: no message has a member of one
 * type. */
status json_infer_schema(const struct json_infer *i, const char *title, struct buf *out, struct err *err) MUST_USE;

#endif
