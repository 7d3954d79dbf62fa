/* stream/realtime.h: counts by window in SQL, each event once.
 *
 *   realtime.offsets (sink, topic, partition; next_position, watermark)      one transaction moves both: a count stands exactly when
 *   realtime.<table of the workload> (window_start, keys; count)             the position behind its events does
 *   realtime.late_events (sink, topic, window_start; event_count)
 *
 * A batch is added only to a partition that stands where the batch begins (UPDATE ... WHERE next_position = <its first>). So a batch that
 * was committed although the answer got lost, one of a member that lost its partition and does not know yet, and one that another member
 * was faster with are all found the same way: nothing is written, and the partition goes on from where it stands.
 *
 * Rows are locked in one order, by all members: partitions, then tables as the workload has them, keys rising, late ones last.
 */
#ifndef PQR_STREAM_REALTIME_H
#define PQR_STREAM_REALTIME_H

#include "control/sql_conn.h"
#include "stream/windows.h"

extern const struct table_schema realtime_offsets, realtime_late_events; /* of every workload's counts */

struct realtime {
	struct sql_conn *c; /* borrowed */
	const char *sink;   /* whose tables: the workload. Not the group: one that is renamed would count all again */
	const char *topic;  /* of late events */
	const char *source; /* in place of the topic in realtime.offsets: whose positions they are */
	const struct window_set *set;
	struct buf sql; /* scratch of a statement */
};
/* Of one whose first five members are set, and viewed until deinit: makes the tables of set that are not there. */
status realtime_init(struct realtime *r, struct err *err) MUST_USE;
void realtime_deinit(struct realtime *r);

/* Where a partition stands. */
struct realtime_position {
	int64_t next;      /* of the first record that is not counted; -1: nothing is stored */
	int64_t watermark; /* WATERMARK_NONE */
	int64_t mark;      /* of the record before next (stream_mark); -1: none */
};
/* How often the topic `base` was made again: the newest n of which <base>#n has a position; 0: none. */
status realtime_incarnation(struct realtime *r, const char *base, int64_t *out, struct err *err) MUST_USE;
/* Forget where it stands: a source that nobody will read again. */
status realtime_forget(struct realtime *r, int32_t partition, struct err *err) MUST_USE;
status realtime_find(struct realtime *r, int32_t partition, struct realtime_position *out, struct err *err) MUST_USE;

/* Counts of the records of one partition from `stored`, which is where it stands (-1: nothing is stored), to below next. */
struct realtime_move {
	int32_t partition;
	int64_t stored, next;
	const struct windows *windows;
	int64_t mark; /* -1: keep what stands */
};
/* moves[n] by rising partition, each once: all of them, or none. E_CONFLICT: a partition does not stand there. After any other error
 * nothing is known: the same call may be made again. now: for updated_at. */
status realtime_commit(
	struct realtime *r, const struct realtime_move *moves, size_t n, int64_t now, struct err *err) MUST_USE;

#endif
