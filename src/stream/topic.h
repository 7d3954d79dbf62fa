/* stream/topic.h: what a workload registers of its topic: how a record becomes a row, which windows count it, how events are made.
 *
 *   record -> parse -> part, put     rows of the table (stream/land.h)
 *                   -> kind          counts a minute    (stream/aggregate.h)
 *   number -> make -> value, key                        (stream/produce.h)
 *
 * A parser holds the event that was parsed last; it belongs to one thread.
 */
#ifndef PQR_STREAM_TOPIC_H
#define PQR_STREAM_TOPIC_H

#include "columnar/batch.h"
#include "parquet/writer.h"
#include "stream/source.h"
#include "stream/windows.h"
#include "table/path.h"

/* What a producer's event is appended to. */
struct stream_made {
	struct buf value, key;
	bool end; /* there are no more */
};

struct stream_topic {
	const char *name;   /* "user-events" */
	int32_t partitions; /* of a topic that is made */
	int64_t retention_ms;

	/* Rows. */
	const struct table_schema *table; /* where they land */
	const char *partition_column;     /* int32, int64 columns of it: where the record stood; NULL: none */
	const char *position_column;
	const char *incarnation_column; /* int32: how often the topic had been made again; NULL: none */
	/* config: the workload's, borrowed until close. */
	status (*open)(const void *config, void **parser, struct err *err);
	void (*close)(void *parser); /* NULL is fine */
	/* NULL: the record is an event, which happened at *event_us. Else why it is none, as "missing:page": views the parser. */
	const char *(*parse)(void *parser, const struct stream_record *r, bool utf8_ok, int64_t *event_us);
	/* E_NOMEM: the parser ran out of scratch, and what it said since is void. */
	status (*check)(const void *parser, struct err *err);
	/* Which part of the table the event at hand belongs to, equal for equal partition values; and those values, whose texts go into
	 * arena: values[] of the table's partition columns. */
	int64_t (*part)(const void *parser);
	status (*part_values)(
		const void *parser, int64_t part, struct arena *arena, struct delta_pair *values, struct err *err);
	/* Builders of the table's data columns: before their first row, and the event at hand as row `row`. */
	void (*begin)(const void *parser, struct builder *columns);
	void (*put)(const void *parser, struct builder *columns, int64_t row);
	/* How its files are written, and how long a value may be. */
	void (*settings)(const void *config, struct parquet_opts *parquet, size_t *value_bytes_max);
	/* Is the column made as a dictionary? */
	bool (*dictionary)(const struct column_def *def);

	/* Windows. */
	const struct window_set *windows;     /* realtime.*; NULL: none */
	uint32_t (*kind)(const void *parser); /* of the event at hand, below windows->n_kinds */

	/* A producer's events, one after the other: number i, which is told at at_us. NULL: nobody makes any. Without maker_open the maker is
	 * the configuration. */
	status (*maker_open)(const void *config, void **maker, struct err *err);
	void (*maker_close)(void *maker);
	status (*make)(void *maker, int64_t i, int64_t at_us, struct stream_made *out, struct err *err);
	bool own_times; /* events tell of times of their own, and their numbers come one by one from 0: at_us is not theirs */
};

#define STREAM_AHEAD_US (600 * INT64_C(1000000)) /* the usual ahead_us, for landing and counting alike */
/* A clock that is wrong: the event tells of a time over ahead_us after its record's time stamp. Records without one are never. */
static inline bool stream_in_future(const struct stream_record *r, int64_t event_us, int64_t ahead_us)
{
	return r->timestamp_ms >= 0 && event_us > r->timestamp_ms * 1000 + ahead_us;
}

#endif
