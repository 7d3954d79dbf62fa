/* stream/member.h: the loop that whoever takes records runs: poll, take, commit, report; rebalances, conflicts, failures, the end.
 *
 *   source --records--> [ ours? next? ] --> sink.take ... every interval, or so many bytes: sink.commit(spans)
 *
 * The sink's store alone says where a partition goes on. A commit moves each partition from the position that the store has to the next
 * one, and only from there: E_CONFLICT means that another member was first; all that was taken is dropped, and read again from where the
 * store stands now. So does what could not be committed for any other reason that may pass.
 *
 * The store keeps a mark of the last record, too. Where a partition goes on, that record is read once more and compared: another one there
 * means that the topic was deleted and made again under its name. Where the source tells topics apart (its identity), that is asked before
 * each commit, and kept as the mark of STREAM_TOPIC. Another topic ends the stream, or begins its positions anew.
 */
#ifndef PQR_STREAM_MEMBER_H
#define PQR_STREAM_MEMBER_H

#include <signal.h>

#include "stream/reasons.h"
#include "stream/source.h"

/* In place of a partition, of positions and spans: the topic itself. Once its mark is kept, it stays as it is, at position 0. */
enum { STREAM_TOPIC = -1 };

/* Where the store has a partition. */
struct stream_place {
	int64_t next; /* the position to go on from; -1: none yet */
	int64_t mark; /* of the record before it (stream_mark); -1: not known */
};
/* A number of 63 bits that another record of that position has not, unless it holds the same value and time stamp; -1 of lines, which have
 * none. */
int64_t stream_mark(const struct stream_record *r);

/* What a commit moves of one partition. */
struct stream_span {
	int32_t partition;
	int64_t stored;            /* the position that the store must have; -1: none yet */
	int64_t next;              /* the one it has then */
	int64_t stored_mark, mark; /* what goes with them; mark -1: keep what stands */
};

/* One interval, told after its commit. */
struct stream_report {
	int64_t records, bytes; /* of values */
	int64_t commit_us;
	int64_t end_to_end_us;  /* from the oldest record's time stamp to the commit; -1: records have none */
	int64_t rejected, late; /* records */
	const struct stream_reasons *reasons; /* of the rejected ones; NULL: not told */
	struct stream_progress {
		int32_t partition;
		int64_t next, lag; /* lag -1: unknown */
	} const *partitions;
	size_t n_partitions;
};

struct stream_sink {
	void *ctx;
	/* places[i]: where the store has partitions[i]. */
	status (*positions)(
		void *ctx, const int32_t *partitions, size_t n, struct stream_place *places, struct err *err);
	/* n records of one partition, in order, each once since the last drop; views until return. */
	status (*take)(void *ctx, const struct stream_record *records, size_t n, bool utf8_ok, struct err *err);
	/* Everything taken, and the spans, in one transaction, if the store has each span's `stored`. Afterwards nothing is pending.
	 * E_CONFLICT: it has another. Class RETRY or UNKNOWN, E_UNREACHABLE: later may do better. */
	status (*commit)(void *ctx, const struct stream_span *spans, size_t n, struct err *err);
	void (*drop)(void *ctx); /* forget what was taken since the last commit */
	/* Which of these are the member's partitions, after each change: for work in the background. May be NULL. */
	void (*owned)(void *ctx, const int32_t *partitions, size_t n);
	/* Pending work takes up what it may: commit now. May be NULL. */
	bool (*full)(void *ctx);
	/* After a commit: what the sink knows of it (rejected, late). May be NULL. */
	void (*tell)(void *ctx, struct stream_report *r);
	/* Records that are gone before they were read, to be told with the next commit. NULL: the stream ends with them. */
	status (*gap)(void *ctx, const struct stream_gap *gap, struct err *err);
	/* The topic is another one under its name: the next positions are those of the new one, none at first. NULL: the stream ends. */
	void (*anew)(void *ctx);
};

struct stream_member_opts {
	struct stream_source *source; /* borrowed; its listener is set here */
	struct stream_sink sink;
	const char *name;                  /* of the log lines: "land user-events" */
	int64_t interval_us;               /* from the poll that brought the first record to its commit */
	int64_t bytes_max;                 /* of values taken that make a commit before */
	bool once;                         /* end at the end of the topic */
	bool from_latest;                  /* partitions without a position in the store start at their ends */
	const volatile sig_atomic_t *stop; /* not 0: commit and end; may be NULL */
	void (*report)(void *ctx, const struct stream_report *r); /* may be NULL */
	void *report_ctx;
};
/* Until the end, a stop, or a failure. What was taken is committed at an end and a stop. */
status stream_member_run(const struct stream_member_opts *o, struct err *err) MUST_USE;

#endif
