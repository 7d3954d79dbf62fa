/* flow/drop.h: was a run taken out of its history?
 *
 *   manifests/day=<as_of local date>/run_id=<U>/dropped.json    {"config_hash":"<hex>","run_id":"<D>","seal":""}   put once, before D changes a table
 *
 * D is the run that makes the history again without U: in all but its origin a run as any other. Its run_info has "drops": U.
 */
#ifndef PQR_FLOW_DROP_H
#define PQR_FLOW_DROP_H

#include "flow/commit.h"

struct drop_mark {
	char by[UUID_CHARS + 1]; /* D; "" = nobody dropped it */
	char config_hash[HEX_SHA256_CHARS + 1];
};
void drop_mark_json(struct buf *out, const struct drop_mark *m);
/* E_CORRUPT: it is not what drop_mark_json writes. */
status drop_mark_parse(struct str text, struct drop_mark *out, struct err *err) MUST_USE;
/* Of the run whose folder is that of date. E_CORRUPT: the mark can't be read. */
status drop_find(struct store *lake, int32_t date, const char *run_id, struct drop_mark *out, struct err *err) MUST_USE;

#endif
