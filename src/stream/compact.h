/* stream/compact.h: compaction as a stream lands: every so many commits the table's small files become few, in a thread beside the member.
 *
 * The rewrite changes no data (dataChange = false), so that it never stands in an append's way nor an append in its. One member of a topic
 * does it: the one that has partition 0; two would do no harm, one of them would find its files gone and leave them.
 */
#ifndef PQR_STREAM_COMPACT_H
#define PQR_STREAM_COMPACT_H

#include "io/store.h"

struct stream_compact;
/* root is borrowed until the close. */
status stream_compact_open(struct store *lake, const char *root, struct stream_compact **out, struct err *err) MUST_USE;
void stream_compact_close(struct stream_compact *c); /* ends what is at work, after its commit at hand; NULL is fine */
/* Whether this member is the one; when it is no more, what is at work ends soon. */
void stream_compact_claim(struct stream_compact *c, bool mine);
/* A commit added files to the table. */
void stream_compact_added(struct stream_compact *c);

#endif
