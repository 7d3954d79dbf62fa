/* app/lineage_post.h: a run's OpenLineage events, sent as they happen (flow/openlineage.h). */
#ifndef PQR_APP_LINEAGE_POST_H
#define PQR_APP_LINEAGE_POST_H

#include "flow/watch.h"

struct lineage_post;
/* url NULL or "": OPENLINEAGE_URL. *out stays NULL, and all is well, where neither says where to. A URL without a path gets OpenLineage's,
 * /api/v1/lineage. E_USAGE: no address that events can go to. */
status lineage_post_open(const char *url, struct lineage_post **out, struct err *err) MUST_USE;
struct run_watch lineage_post_watch(struct lineage_post *l);
void lineage_post_close(struct lineage_post *l); /* NULL is fine */

#endif
