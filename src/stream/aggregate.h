/* stream/aggregate.h: records of a topic, counted by minute into SQL, each exactly once: a sink of the member's loop.
 *
 *   records -> the workload's parser -> windows of the partition -> (every commit) realtime.*
 *
 * What breaks the contract is counted nowhere but in `rejected`, and so is an event that tells of a time too far ahead of its record's time
 * stamp: a clock that is wrong must close no windows. Both are passed over: landing keeps them.
 */
#ifndef PQR_STREAM_AGGREGATE_H
#define PQR_STREAM_AGGREGATE_H

#include "control/sql_conn.h"
#include "stream/member.h"
#include "stream/topic.h"

struct stream_aggregate_opts {
	const struct stream_topic *topic; /* with windows */
	const void *config;               /* the workload's */
	struct sql_conn *conn;
	const char *sink;       /* whose tables: the workload's name */
	const char *topic_name; /* of late events */
	const char *source;     /* whose positions are kept */
	bool kafka;             /* a topic, which may be deleted and made again */
	bool go_on_at_gap;      /* records that are gone are told in the log and left out; else they end the stream */
	bool accept_new;        /* a topic that was made again is counted from its beginning; else it ends the stream */
	int64_t ahead_us;       /* how far ahead of its record's time stamp an event may be */
};

struct stream_aggregate;
/* All of o is borrowed until the close. Makes the tables that are not there. */
status stream_aggregate_open(
	const struct stream_aggregate_opts *o, struct stream_aggregate **out, struct err *err) MUST_USE;
void stream_aggregate_close(struct stream_aggregate *a);              /* NULL is fine; nothing is committed */
struct stream_sink stream_aggregate_sink(struct stream_aggregate *a); /* views it */
/* Forget where its partitions stand: of a source that nobody will read again. */
status stream_aggregate_forget(struct stream_aggregate *a, struct err *err) MUST_USE;

#endif
