/* server/published.h: what stands in the serving database: which relations, of which runs. Looked at again when a second has passed, also
 * where the look failed. */
#ifndef PQR_SERVER_PUBLISHED_H
#define PQR_SERVER_PUBLISHED_H

#include "base/hash.h"
#include "server/server_int.h"

struct published_look {
	bool there;                  /* the database has the relation */
	uint64_t tag;                /* of what it may hold: another after each publishing, or batch of a stream */
	char run_id[UUID_CHARS + 1]; /* the run of its workload that was published last; "": none was */
};
/* The tag was read before anything that is read after this call: rows under a tag are at least as new as it is. */
status published_look(struct server *s, const struct relation *r, struct published_look *out, struct err *err) MUST_USE;
/* The same without a look at the database: what the last one found. false: it is too old, it failed, or there was none. */
bool published_last(struct server *s, const struct relation *r, struct published_look *out) MUST_USE;

struct published_state;
status published_create(struct published_state **out, struct err *err) MUST_USE;
void published_destroy(struct published_state *p); /* NULL is fine */

#endif
