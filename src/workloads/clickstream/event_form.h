/* workloads/clickstream/event_form.h: the fast way to read an event that is written as producers write it. */
#ifndef PQR_CLICKSTREAM_EVENT_FORM_H
#define PQR_CLICKSTREAM_EVENT_FORM_H

#include "workloads/clickstream/event.h"

/* An object of the contract's six members in the contract's order, without escapes, and with nothing between its parts but a single space, or
 * none, behind ':' and ','. True: it is valid, and *out is filled in but for `line`. False: it says nothing of the line, and *out is spoilt.
 * line is followed by JSON_SCAN_PADDING readable bytes; utf8_ok: it is valid UTF-8. */
bool clickstream_form_read(struct str line, bool utf8_ok, struct clickstream_event *out);

#endif
