/* app/post.h: documents on their way to a service that may be slow, down or gone, sent by a thread of their own.
 *
 *   any thread: post_add -> queue, bounded -> the thread -> http(s)://... (POST), or a file (a line each)
 *
 * In their order, one at a time. Whoever adds never waits, and post_close waits until nobody has answered for a second, at most a second. What can't be delivered is counted and
 * told in one line of the log. Must not know what the documents say.
 */
#ifndef PQR_APP_POST_H
#define PQR_APP_POST_H

#include "base/buf.h"

enum { POST_HEADERS_MAX = 16 };

struct post_target {
	const char *what;           /* "lineage events", for the log */
	const char *url;            /* http://, https:// or file:PATH; may hold a password */
	const char *const *headers; /* n_headers lines "name: value"; may hold secrets */
	size_t n_headers;           /* at most POST_HEADERS_MAX */
};

struct post;
/* Copies the target. E_USAGE: no such kind of URL. */
status post_open(const struct post_target *target, struct post **out, struct err *err) MUST_USE;
void post_add(struct post *p, const struct buf *document); /* copies; one that failed is lost, and counted */
void post_close(struct post *p);                           /* NULL is fine */

#endif
