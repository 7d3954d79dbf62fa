/* stream/source.h: the port where records come from: a topic of Kafka (stream/kafka.h), the lines of a stream (stream/lines.h).
 *
 *   poll -> a fetch of records, in order within a partition
 *        -> listener: assigned (says where each partition starts), revoked, lost     only inside poll and close
 *
 * A position is the number of a record in its partition: it rises, with holes (control records, compaction). What of it was taken is
 * kept by whoever takes, never by the source.
 */
#ifndef PQR_STREAM_SOURCE_H
#define PQR_STREAM_SOURCE_H

#include "base/buf.h"

struct stream_record {
	int32_t partition;
	bool is_null;         /* it has no value at all */
	int64_t position;     /* from 0 */
	int64_t timestamp_ms; /* when it was made or stored, since the epoch; -1: not told */
	struct str key;       /* empty where the source was not asked for keys */
	struct str value;     /* followed by JSON_SCAN_PADDING readable bytes */
};

/* Views the source until the next poll, seek or close. */
struct stream_fetch {
	const struct stream_record *records;
	size_t n;
	bool utf8_ok; /* every value is valid UTF-8: none needs a check of its own */
	bool ended;   /* all partitions were read to their ends */
};

enum { STREAM_BEGIN = -1, STREAM_END = -2 }; /* in place of a position: the oldest record there is, the next to come */

/* Where a partition starts, said by the listener. */
struct stream_start {
	int32_t partition;
	int64_t position; /* or STREAM_BEGIN, STREAM_END */
};

/* Records that are gone: retention took them before they were read. */
struct stream_gap {
	int32_t partition;
	int64_t from, to; /* positions from..to-1 */
};

/* Who takes the records. A failure ends the poll that called with it. */
struct stream_listener {
	void *ctx;
	/* These partitions are ours from now on: fill in where each starts. */
	status (*assigned)(void *ctx, struct stream_start *starts, size_t n, struct err *err);
	/* They are about to go to another member: what was taken of them can still be committed. */
	status (*revoked)(void *ctx, const int32_t *partitions, size_t n, struct err *err);
	/* They went to another member already: nothing of them may be committed. */
	void (*lost)(void *ctx, const int32_t *partitions, size_t n);
	/* These are gone; when OK, the source goes on behind them. */
	status (*gap)(void *ctx, const struct stream_gap *gap, struct err *err);
};

struct stream_source;
struct stream_source_ops {
	status (*poll)(struct stream_source *s, int timeout_ms, struct stream_fetch *out, struct err *err);
	status (*seek)(struct stream_source *s, const struct stream_start *starts, size_t n, struct err *err);
	status (*ends)(struct stream_source *s, int32_t partition, int64_t *low, int64_t *high, struct err *err);
	void (*mark)(struct stream_source *s, const struct stream_start *next, size_t n);
	void (*close)(struct stream_source *s);
	status (*identity)(struct stream_source *s, int64_t *identity, struct err *err); /* NULL: it has none */
};
struct stream_source {
	const struct stream_source_ops *ops;
	struct stream_listener listener;
};

/* Wait up to timeout_ms for records; out->n may be 0. Records of a partition that the listener gave away, or that were asked for before
 * a seek, are not among those of later polls. E_CONFLICT: a partition ends before the position that it was to be read from: it is another
 * topic. E_UNREACHABLE, E_USAGE: it can't be read. */
static inline status stream_source_poll(
	struct stream_source *s, int timeout_ms, struct stream_fetch *out, struct err *err)
{
	return s->ops->poll(s, timeout_ms, out, err);
}
/* Go on with these positions. E_UNSUPPORTED: the source can't go back. */
static inline status stream_source_seek(
	struct stream_source *s, const struct stream_start *starts, size_t n, struct err *err)
{
	return s->ops->seek(s, starts, n, err);
}
/* The oldest position there is, and the next to come, as last heard; -1: unknown. */
static inline status stream_source_ends(
	struct stream_source *s, int32_t partition, int64_t *low, int64_t *high, struct err *err)
{
	return s->ops->ends(s, partition, low, high, err);
}
/* A number, not below 0, that another topic of the same name has not: one that was deleted and made again. -1: not told. What was polled
 * before is of the topic that this tells. Class RETRY: not now. */
static inline status stream_source_identity(struct stream_source *s, int64_t *identity, struct err *err)
{
	*identity = -1;
	return s->ops->identity != NULL ? s->ops->identity(s, identity, err) : OK;
}
/* Tell whoever watches how far the group has come. Never read back; failures are logged. */
static inline void stream_source_mark(struct stream_source *s, const struct stream_start *next, size_t n)
{
	s->ops->mark(s, next, n);
}
/* The listener hears once more of what it has: revoked. NULL is fine. */
static inline void stream_source_close(struct stream_source *s)
{
	if (s != NULL) s->ops->close(s);
}

#endif
