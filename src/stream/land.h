/* stream/land.h: a topic's records into a Delta table, each once: the sink of a member (stream/member.h).
 *
 *   record -> topic.parse -> a part's rows -> row groups -> files --+
 *                        \-> rejects -> their own table, first      +-> one commit: the files, and each partition's next position
 *
 * Positions stand in the table as txn actions of application pqr-stream/<topic>/<partition>, marks of the last records of
 * pqr-stream-last/<topic>/<partition>. The table of rejects has positions of its own, so that a batch which was cut off between the two commits
 * adds no reject twice. A topic that was made again n times is <topic>#<n> in them; the txn of pqr-stream-topic/<topic> says n.
 */
#ifndef PQR_STREAM_LAND_H
#define PQR_STREAM_LAND_H

#include "stream/member.h"
#include "stream/topic.h"

struct land_opts {
	struct store *lake;
	const struct stream_topic *topic;
	const void *config;  /* of topic->open */
	const char *root;    /* of the table: "bronze/user_events" */
	const char *rejects; /* "rejects/user_events" */
	const char *
		source; /* in application ids, and in rejects: the topic's name; NULL: positions mean nothing, none are kept */
	bool kafka;        /* partition and position go into the topic's columns for them */
	int64_t ahead_us;  /* how far ahead of its record's time stamp an event may be; 0: STREAM_AHEAD_US */
	bool go_on_at_gap; /* records that are gone are told as a reject of reason "gap"; else they end the stream */
	bool accept_new;   /* a topic that was made again is read from its beginning; else it ends the stream */
};
struct land;
status land_open(const struct land_opts *o, struct land **out, struct err *err) MUST_USE;
void land_close(struct land *l); /* NULL is fine */
/* Views l. */
struct stream_sink land_sink(struct land *l);
int64_t land_version(const struct land *l); /* of the table after the last commit, -1: none yet */

#endif
