/* flow/error_json.h: an error as a JSON document and back, for processes that run tasks for one another. */
#ifndef PQR_FLOW_ERROR_JSON_H
#define PQR_FLOW_ERROR_JSON_H

#include "io/json/json_doc.h"

/* {"class":"retry","code":"E_UNREACHABLE","exit":5,"message":"..."}; the message is err_text's line. */
void error_json(struct buf *out, const struct err *e);
/* false: n is no such document. Messages are cut to what a struct err holds. */
bool error_parse(const struct json_node *n, struct err *out) MUST_USE;

#endif
