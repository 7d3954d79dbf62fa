/* workloads/pqrs/silver/silver_int.h: the parts of a silver task.
 *
 *   files in (UTC month, path) order
 *      │  read    the rows of a month and a range of buckets at a time       silver_read.c    struct day, struct slice
 *      ▼
 *   intern        ticket_id -> dense index                                   silver_fold.c
 *      ▼
 *   early         rows of months before, of tickets that are created now     silver_early.c
 *      ▼
 *   fold          duplicates settled, state machine, a verdict per row       silver_fold.c    struct ticket
 *      ▼
 *   emit          accepted rows into per-month builders, Parquet parts       silver_emit.c, silver_out.c
 *
 * A month's events are all later than those of the months before, so one pass in their order folds every ticket in time
 * order, and of a month each ticket is in one window: texts never wait in memory longer than a window, only the tickets' states stay to
 * the end.
 *
 * A run that goes on from others (flow/history.h) finds their rows standing, and changes what its own events change:
 *
 *   touched tickets    those of its own events: folded again from their first event on; new rows are appended
 *   open ones          those without an answer: what their row says of as_of is told anew from the row itself (sla_later)
 *   dirty ones         touched ones of which a late event changes an earlier verdict: all their rows are told anew
 *   all others         are left alone
 *
 * A file that holds a row that is told anew is written again without it (silver_carry.c); every other file is kept. Tickets with late
 * events are folded twice: once to learn whether they are dirty (a rehearsal: nothing is emitted), once for good. Of earlier
 * bronze only rows of tickets in scope (silver_scope.c) are read. Such a run has one task.
 *
 * Invariants
 *   1. Every row read gets exactly one verdict; rows = accepted + quarantined + pending + duplicates.
 *   2. A ticket's events reach state_* in order of (ts, creation first, the state machine's, event_id), but for the creation,
 *      which comes before all that is told with a clock up to clock_skew_max before its own.
 *   3. Verdicts do not depend on the files' order within a month nor on the cut into tasks and windows. (Of an event that several runs tell
 *      the one of the earliest run stands.)
 */
#ifndef PQR_PQRS_SILVER_INT_H
#define PQR_PQRS_SILVER_INT_H

#include "base/thread.h"
#include "base/uuid_table.h"
#include "base/vec.h"
#include "flow/history.h"
#include "parquet/reader.h"
#include "parquet/writer.h"
#include "workloads/pqrs/config/config.h"
#include "flow/history_column.h"
#include "workloads/pqrs/silver/places.h"
#include "workloads/pqrs/silver/rules.h"
#include "workloads/pqrs/contract/schema.h"
#include "workloads/pqrs/silver/sla.h"
#include "workloads/pqrs/silver/state.h"

#define SILVER_PART_DIMENSIONS "dimensions"
#define BRONZE_TABLE "bronze.pqrs_events"

/* ---- read ------------------------------------------------------------------------------------------------ */

/* Bronze columns that every task reads, in the order of slice.in. */
enum in_column {
	IN_EVENT_ID,
	IN_TICKET_ID,
	IN_EVENT_TYPE,
	IN_TS,
	IN_EXTERNAL_ID,
	IN_SOURCE_CHANNEL,
	IN_PQRS_TYPE,
	IN_PRIORITY,
	IN_GEO_REGION,
	IN_GEO_MUNICIPIO,
	IN_DANE_CITY_CODE,
	IN_SUBJECT,
	IN_TEXT,
	IN_ROLE,
	IN_MESSAGE_ID,
	IN_STATUS_FROM,
	IN_STATUS_TO,
	IN_ACTOR_ROLE,
	IN_REASON,
	IN_REQUEST_KIND,
	IN_FILE_TYPE,
	IN_SIZE_KB,
	IN_FILE_NAME,
	IN_TENANT_ID,
	IN_N,
};
enum { CODE_OTHER = 255, CODE_NULL = 254 }; /* in the code columns of a slice: a value with no code, no value */

/* Verdicts of rows: an enum pqrs_reason, or one of these. */
enum { VERDICT_DUPLICATE = REASON_N, VERDICT_PENDING };
#define NO_TICKET \
	UINT32_MAX /* in slice.ticket: a row that is deferred, or of another run and not in the task's scope */

struct silver_file {
	const struct file_ref *ref;
	int32_t month; /* its first day: of bronze in UTC, of a standing file the local one */
	int32_t run;   /* place of its run among those of the inputs, oldest first */
	size_t place;  /* among the files of its list, the same in every task */
	bool other;    /* of another run: its rows may have been put into other files since */
	bool foreign; /* and told by that run: rows out of scope are left alone. A run that drops another tells all anew */
	bool changed; /* a standing file: it holds a row that is told anew */
	bool moves;   /* a standing file of tickets: it holds one that is not TICKET_FINAL */
};
struct silver_files {
	struct silver_file *items;
	size_t n;
};

/* The rows of one row group that belong to the task. Views the day's arena. */
struct slice {
	const struct silver_file *file;
	struct parquet_range range;
	const uint32_t *rows; /* [n] of the range those that are here, ascending; NULL: all */
	uint32_t n;
	struct column in[IN_N];
	bool lean; /* of another run: without the texts that silver_load_texts reads */
	const int64_t *ts;
	int64_t first_ts; /* the least of them */
	const int32_t *
		buckets; /* [range] of a file that is not ordered by them, where not all rows are of the window; else NULL */
	uint8_t *type;      /* enum pqrs_event_type */
	uint8_t *from, *to; /* enum pqrs_state, CODE_OTHER, CODE_NULL */
	uint8_t *by_agent;  /* 1: role is agent */
	uint8_t *verdict;
	uint32_t *ticket;                   /* dense index */
	struct uuid *id;                    /* event_id */
	struct column raw_object, raw_line; /* once silver_load_origin was called */
	struct column *all;                 /* every bronze column, once silver_load_all was called; else NULL */
	bool origin_loaded;
	bool early; /* rows of an earlier month, read again: silver_early.c */
};
/* Where a row of the slice stands in its row group, and in the range. */
static inline int64_t slice_range_row(const struct slice *s, uint32_t row)
{
	return s->rows != NULL ? s->rows[row] : row;
}
static inline int64_t slice_file_row(const struct slice *s, uint32_t row)
{
	return s->range.begin + slice_range_row(s, row);
}
/* Upstream's id of the row's message; empty where it gives none, and of other rows. */
static inline struct str silver_message_id(const struct slice *s, uint32_t row)
{
	const struct column *c = &s->in[IN_MESSAGE_ID];
	const bool given = s->type[row] == EVENT_MESSAGE_ADDED && column_valid(c, row);
	return given ? column_str(c, row) : STR("");
}
/* What is folded together. */
struct day {
	int32_t month;  /* its first UTC day */
	int64_t lo, hi; /* buckets [lo, hi) */
	struct {
		struct slice *items;
		size_t n, cap;
	} slices;
	bool has_late_creation; /* of a ticket with events in earlier months */
	struct arena arena;     /* reset between windows */
};

struct ticket {
	struct ticket_state s;
	int64_t seen_ts; /* of the last row met in bronze's order, to notice when that is not time order */
	bool unsorted;   /* in the window at hand */
	uint8_t type;    /* enum pqrs_type, once created */
	uint8_t request; /* enum request_kind, once created */
	bool touched;    /* by an event that the runs before did not have */
	bool has_early;  /* pending events */
};

/* With a history: what the runs before knew of a ticket in scope. */
struct known {
	int64_t first_ts, last_ts; /* of its earlier events, as far as they were met; first > last: none */
	int64_t fresh_ts;          /* the first of its own events */
	bool stands;               /* it has a row of tickets */
	bool refused;              /* it has rows of quarantine */
	bool late;                 /* its own events may change what was said of earlier ones */
	bool dirty;                /* they do */
};

/* An event whose ticket was not created yet: orphan or out_of_order, known at the end only. */
struct pending {
	struct uuid id;
	int64_t ts, raw_line;
	const struct silver_file *file; /* where it stands, should the ticket be created yet */
	size_t row_group;
	int64_t row;
	uint32_t ticket;
	int32_t raw_object, from, to; /* in silver_task.names; -1 = null */
	uint8_t type;
	bool fresh;
};

/* ---- out ------------------------------------------------------------------------------------------------- */

enum silver_table {
	OUT_TICKETS,
	OUT_MESSAGES,
	OUT_STATUS_EVENTS,
	OUT_ATTACHMENTS,
	OUT_PRECLASSIFICATION,
	OUT_QUARANTINE,
	OUT_TABLES,
	OUT_CARRIED = OUT_TABLES, /* + enum silver_table: rows of files that are written again, copied */
	OUT_BY_KIND =
		2 *
		OUT_TABLES, /* + enum ticket_kind, + a part of the month for settled ones: tickets, with a history */
	OUT_N = OUT_BY_KIND + 8
};
/* Tickets of a history stand in files by what may still happen to their rows, so that a day rewrites few of them. */
enum ticket_kind {
	TICKET_OPEN,    /* no answer: the row changes with time */
	TICKET_FINAL,   /* in a state that no transition leaves */
	TICKET_SETTLED, /* answered: the row changes with the ticket's next event, which is the rarer the older it is */
};
enum { TICKET_KINDS = TICKET_SETTLED + 6, SETTLED_DAYS = 5 }; /* a file of settled ones for so many days of creation */
enum { OUT_COLUMNS_MAX = 32, OUT_CODES_MAX = 16 };

/* One open month of one table. */
struct month_out {
	int32_t month; /* first local date of the month */
	int64_t n;
	struct builder b[OUT_COLUMNS_MAX];
	int32_t codes[OUT_COLUMNS_MAX]
		     [OUT_CODES_MAX]; /* dictionary index + 1 of a code of a fixed list; 0 = not interned yet */
	struct builder
		ids; /* the dictionary of the ticket_id column, one row a ticket: known to be unique, so not hashed again */
	uint32_t *local; /* [local_cap] by ticket: its row in ids + 1; 0 = not there yet */
	uint32_t local_cap;
	uint32_t *tickets; /* tickets table: the row's ticket; [tickets_cap] */
	uint32_t tickets_cap;
	int32_t *
		place_codes; /* tickets table: dictionary index + 1 of code, department and city of each place; 0 = none yet */
	size_t place_codes_n;
	struct parquet_writer
		*writer; /* of a part whose first row groups are written; NULL or empty: all its rows are here */
	struct month_out *next;
};
struct part_sink {
	const struct task_env *env;
	struct task_result *result;
	const struct table_schema *schema;
	struct parquet_writer *writer;
	struct history_column *history; /* NULL: a dimension, which has no such column */
};
struct silver_task;
struct out_table {
	struct part_sink sink;
	struct month_out *open;  /* in order of opening */
	struct month_out *spare; /* a written one, empty, for the next; NULL: none */
	/* What is left to do before a month is written for the last time; NULL: nothing. */
	status (*settle)(struct silver_task *t, struct month_out *m, struct err *err);
	int64_t rows;
};

struct silver_task {
	const struct task_env *env;
	const struct pqrs_config *cfg;
	const struct task_spec *spec;
	struct task_result *result;
	struct history_column history;
	struct silver_files bronze;               /* sorted by (month, path) */
	struct silver_files standing[OUT_TABLES]; /* with a history: what stands of each table */
	struct silver_file *visiting;             /* of standing, while it is read; and its table */
	enum silver_table visiting_table;
	bool has_history;
	bool time_passes;  /* as_of is later than since */
	bool refolds_open; /* the instants are not whole seconds apart: tickets without an answer are folded again */
	int64_t since; /* the as_of of the run before: earlier rows with a later ts waited for this one; INT64_MIN without a history */
	bool rehearsal;      /* only tickets with late events are folded, and nothing is emitted */
	int32_t scope_from;  /* first UTC day with an event of a ticket in scope */
	struct known *known; /* [tickets_cap], by dense index; NULL without a history */
	struct uuid_table
		refused_rows;    /* rows of standing quarantine, of touched tickets: hash of (raw_object, raw_line) */
	uint8_t *refused_reason; /* [refused_cap] enum pqrs_reason, by index of refused_rows */
	size_t refused_cap;
	int64_t dirty_from, dirty_to; /* earlier events of dirty tickets; from > to: there are none */
	struct rules *rules;
	struct parquet_reader *reader; /* of one file after the other */
	struct day day;
	struct uuid_table ticket_ids;
	struct ticket *tickets; /* [tickets_cap], by dense index */
	uint32_t tickets_cap;
	struct uuid_table event_ids;
	uint32_t *event_ticket; /* [event_cap], by index of event_ids; and who told it (silver_fold.c) */
	size_t event_cap;
	struct {
		struct pending *items;
		size_t n, cap;
	} pending;
	struct builder names; /* a dictionary of strings that pending events need */
	struct out_table out[OUT_N];
	int64_t month_begin, month_end; /* the month that month_of was last asked for: [begin, end) */
	int32_t month;
	struct places *places;
	struct { /* sums for the counters */
		int64_t rows_in, bytes_in, duplicates, shared_ids, quarantined[REASON_N], events[EVENT_N];
		int64_t score_out_of_range, version_missing;
		int64_t types[TYPE_N], priorities[PRIORITY_N], channels[CHANNEL_N];
		int64_t closed, late_closed, late, first_not_received, without_event;
		int64_t deferred;   /* of the run's own rows */
		int64_t clock_skew; /* accepted events told before their ticket's creation */
		/* With a history. */
		int64_t refolded_rows; /* of earlier bronze */
		int64_t due;           /* rows of earlier runs that waited for this one */
		int64_t flipped
			[OUT_TABLES]; /* rows that late events moved into a table, less those that they moved out of it */
		int64_t tickets_refreshed;
	} sum;
};

/* silver_read.c */
/* Fills bronze and, with a history, the lists of earlier files. E_CORRUPT for a file without a month. */
status silver_files_sort(struct silver_task *t, struct err *err) MUST_USE;
/* File i is about to be opened, in a pass that begins at `from`: see task_ahead, which this is over other structs. The other tasks read the
 * same files, each its own buckets. */
void silver_files_ahead(const struct silver_task *t, const struct silver_files *l, size_t from, size_t i);
/* Appends slices to the day. verify: the whole file is hashed first, E_VERIFY when it is not what bronze wrote. */
status silver_file_read(struct silver_task *t, const struct silver_file *f, bool verify, struct err *err) MUST_USE;
/* Slices in order of time, so that few tickets have rows that are not. */
void silver_slices_sort(struct day *d);
/* The day after the last of a month, by its first day. */
static inline int32_t silver_month_end(int32_t month)
{
	return date_month_start(month + 31);
}
/* Appends rows [begin, end) of one row group as a slice of the day, whatever month they are of. */
status silver_rows_read(struct silver_task *t, const struct silver_file *f, const struct parquet_range *range,
	struct err *err) MUST_USE;
/* subject, text, message_id, actor_role, reason, file_type, size_kb and file_name of a slice that is lean. */
status silver_load_texts(struct silver_task *t, struct slice *s, struct err *err) MUST_USE;
status silver_load_origin(struct silver_task *t, struct slice *s, struct err *err) MUST_USE;
status silver_load_all(struct silver_task *t, struct slice *s, struct err *err) MUST_USE;
/* columns[n] of a file of bronze or silver, one row group at a time. Uses the day's arena, which it resets. */
typedef status (*rows_visit)(struct silver_task *t, const struct batch *b, struct err *err);
struct silver_columns {
	const struct table_schema *schema;
	const int *columns;
	size_t n;
};
status silver_table_read(struct silver_task *t, const struct silver_file *f, const struct silver_columns *which,
	rows_visit visit, struct err *err) MUST_USE;
/* The ids of a column without nulls; false: a text that is no UUID by its length. */
bool silver_load_uuids(const struct column *c, uint32_t n, struct uuid *out) MUST_USE;
/* The ids of a column, all UUIDs; *out lives in the day's arena. E_CORRUPT. */
status silver_column_uuids(struct silver_task *t, const struct column *c, struct uuid **out, struct err *err) MUST_USE;

/* (*out)[n]: the state of each row, by its name in the configuration; CODE_OTHER, CODE_NULL. In the day's arena. */
status silver_column_states(
	struct silver_task *t, const struct column *c, size_t n, uint8_t **out, struct err *err) MUST_USE;

/* The same by names[n_names]. */
status silver_column_codes(struct silver_task *t, const struct column *c, const char *const *names, size_t n_names,
	uint8_t **out, struct err *err) MUST_USE;

/* silver_scope.c, silver_late.c, silver_carry.c: with a history; without one they do nothing. */
status silver_scope_open(struct silver_task *t, struct err *err) MUST_USE;
/* Tickets whose own events may change what was said of earlier ones: known.late. */
bool silver_late_any(struct silver_task *t);
/* A window of the rehearsal, and its end: known.dirty. */
status silver_late_day(struct silver_task *t, struct err *err) MUST_USE;
status silver_late_end(struct silver_task *t, struct err *err) MUST_USE;
/* What the runs before said of an earlier row: REASON_NONE when they did not refuse it. */
enum pqrs_reason silver_refused_before(const struct silver_task *t, struct str raw_object, int64_t raw_line);
status silver_carry(struct silver_task *t, struct err *err) MUST_USE;

/* silver_early.c: before the fold; pending events of tickets that are created in the window join it. */
status silver_early_join(struct silver_task *t, struct err *err) MUST_USE;

/* silver_fold.c */
/* The dense index of a ticket, new or known. */
status silver_ticket_add(struct silver_task *t, struct uuid id, uint32_t *index, struct err *err) MUST_USE;
status silver_day_intern(struct silver_task *t, struct err *err) MUST_USE;
status silver_day_fold(struct silver_task *t, struct err *err) MUST_USE;

/* silver_repeat.c: the tickets of a day whose rows are not in time order, and repeated events. */
struct row_ref {
	int64_t ts;
	struct uuid id;
	uint32_t ticket, slice, row;
	bool not_creation;
	struct str raw_object; /* only where rows repeat, as the two that follow */
	int64_t raw_line;
	int32_t run;
};
struct repeat {
	uint32_t slice, row, of_slice, of_row;
}; /* a duplicate, and the row it repeats */
struct repeats {
	struct repeat *items;
	size_t n;
};
/* Give repeats in rows[n] their verdict, list the duplicates, and leave the others in fold order in rows[*n_left]. */
status silver_settle_repeats(struct silver_task *t, struct row_ref *rows, size_t n, size_t *n_left,
	struct repeats *repeats, struct err *err) MUST_USE;
/* Once all is folded: what repeats a row that lost against an earlier ts is no duplicate of the row that stands. */
void silver_repeats_finish(struct silver_task *t, const struct repeats *repeats);

/* silver_kinds.c: with a history. rows[n] of a batch with all columns of tickets up to history_id, which the day's arena or a builder has. */
struct silver_rows {
	const struct batch *b;
	const uint32_t *rows;
	size_t n;
};
enum ticket_kind silver_ticket_kind(const struct silver_task *t, bool answered, unsigned state);
/* To the month's files of their kinds. standing: they were told by a run before, and clocks that run are set on to as_of; E_CORRUPT. */
status silver_kinds_add(
	struct silver_task *t, int32_t month, const struct silver_rows *in, bool standing, struct err *err) MUST_USE;
/* A month of folded tickets, settled and moved to the files of their kinds. */
status silver_kinds_settle(struct silver_task *t, struct month_out *m, struct err *err) MUST_USE;

/* silver_out.c */
/* Rows of a batch with all columns of the month's table up to history_id, to its end. */
void silver_month_append(struct silver_task *t, struct month_out *m, const struct silver_rows *in);
const struct table_schema *silver_schema(int table); /* of enum silver_table below OUT_TABLES */
status silver_out_open(struct silver_task *t, struct err *err) MUST_USE;
void silver_out_close(struct silver_task *t);
int32_t silver_month_of(struct silver_task *t, int64_t ts); /* first local date of the local month of ts */
/* The builders of a month, with room in `local` for every ticket met so far. */
status silver_month_open(struct silver_task *t, enum silver_table table, int32_t month, struct month_out **out,
	struct err *err) MUST_USE;
/* Write a month that has reached its bound as a part of its own; the month stays open, empty. */
status silver_month_flush_full(
	struct silver_task *t, enum silver_table table, struct month_out *m, struct err *err) MUST_USE;
/* Write and close the months of a table that end before a local date. */
status silver_months_close(struct silver_task *t, enum silver_table table, int32_t before, struct err *err) MUST_USE;
void silver_gather_str(
	struct builder *b, int64_t at, const struct column *src, const uint32_t *rows, size_t n, struct arena *arena);
void silver_gather_i32(struct builder *b, int64_t at, const struct column *src, const uint32_t *rows, size_t n);
void silver_gather_i64(struct builder *b, int64_t at, const struct column *src, const uint32_t *rows, size_t n);
void silver_set_code(struct month_out *m, int column, int64_t row, unsigned code,
	const char *const *names); /* code < OUT_CODES_MAX */
/* The ticket_id column, a dictionary, of tables that have a ticket more than once: from row m->n on. */
enum { OUT_TICKET_ID = 1 };
void silver_gather_tickets(
	const struct silver_task *t, struct month_out *m, const uint32_t *ticket, const uint32_t *rows, size_t n);
/* Write n > 0 rows as one Parquet file below dir. E_CORRUPT: a column that can't be null has one. */
struct part_rows {
	struct builder *b; /* [data columns of the schema] */
	int64_t n;
	struct builder *ids; /* the dictionary of column ids_column; NULL = each builder has its own */
	int ids_column;
};
status silver_part_write(const struct part_sink *sink, const struct part_rows *rows, struct delta_pairs partition,
	struct err *err) MUST_USE;

/* silver_emit.c, silver_tickets.c, silver_dims.c */
status silver_keep_pending(struct silver_task *t, struct slice *s, uint32_t row, struct err *err) MUST_USE;
struct str silver_pending_object(const struct silver_task *t, const struct pending *p);
/* Later than as_of: the row waits for a later run, as if it were not there. */
static inline bool silver_row_waits(const struct silver_task *t, int64_t ts)
{
	return ts > t->env->run->as_of;
}
/* A row that no run before has told: the run's own, or one that waited for it. */
static inline bool silver_row_fresh(const struct silver_task *t, const struct slice *s, uint32_t row)
{
	return !s->file->foreign || s->ts[row] > t->since;
}
/* Is the row told in all tables, or only in that of tickets? */
static inline bool silver_row_whole(const struct silver_task *t, const struct slice *s, uint32_t row)
{
	return silver_row_fresh(t, s, row) || t->known[s->ticket[row]].dirty;
}
status silver_day_emit(struct silver_task *t, struct err *err) MUST_USE;
status silver_pending_emit(struct silver_task *t, struct err *err) MUST_USE; /* at the end */
/* Is a row of a creation classified? What a run before told has its class already, unless the class is the ticket's own. */
bool silver_row_classified(const struct silver_task *t, const struct slice *s, uint32_t row);
status silver_created_emit(struct silver_task *t, const struct slice *s, const uint32_t *rows, size_t n, int32_t month,
	struct err *err) MUST_USE;
/* The state columns of a month of tickets, at the end; counters. */
status silver_tickets_settle(struct silver_task *t, struct month_out *m, struct err *err) MUST_USE;
status silver_dimensions_run(const struct task_env *env, struct task_result *out, struct err *err) MUST_USE;

#endif
