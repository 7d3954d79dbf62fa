/* flow/raw_read.h: raw objects to windows of lines, as a task of bronze reads them.
 *
 *   objects by day and source -> partition() -> object() -> lines()...      a line that is too long goes to the rejects from here
 *
 * Who reads says what lines mean; here every object is hashed while it is read and compared with what was landed, and the rejects of a
 * (source, day) become one file.
 */
#ifndef PQR_FLOW_RAW_READ_H
#define PQR_FLOW_RAW_READ_H

#include "flow/partition.h"
#include "flow/rejects.h"
#include "io/lines.h"

enum { RAW_REASON_BYTES = 64 };

struct raw_partition {
	struct str source, day_text; /* view the object's values */
	int32_t day;                 /* when has_day, else 0: "unknown" is before all days */
	bool has_day;
};
/* The partition of an object of raw `table`. E_CORRUPT: it is none. Views file. */
status raw_partition_of(
	const struct file_ref *file, const char *table, struct raw_partition *out, struct err *err) MUST_USE;
bool raw_partition_eq(const struct raw_partition *a, const struct raw_partition *b);

struct raw_reader {
	const char *table, *rejects; /* "raw.pqrs", "rejects.pqrs" */
	size_t line_bytes_max;
	void *ctx;
	/* What follows is of this partition; then of this object (NULL: no matter); then its lines. */
	status (*partition)(void *ctx, const struct raw_partition *p, struct err *err);
	status (*object)(void *ctx, const struct file_ref *file, int64_t bytes, struct err *err);
	status (*take)(void *ctx, const struct line_window *w, struct err *err);
};
struct raw_read {
	const struct raw_reader *reader;
	const struct task_env *env;
	struct task_result *out;
	struct lines lines;
	struct rejects rejects;
	/* the object at hand */
	const struct file_ref *file;
	struct line_source source;
	struct raw_partition partition;
	struct partition_day place;
	struct delta_pairs values;     /* of its rejects; view place */
	int64_t line;                  /* lines of the object so far, blank ones included: take() counts them */
	int64_t piece_at, piece_bytes; /* the long line being read */
	/* of all */
	int64_t rows_in; /* lines that are not blank: take() counts them, too */
	int64_t bytes_in, too_long, verified;
};
/* All borrowed until deinit. */
status raw_read_init(struct raw_read *r, const struct raw_reader *reader, const struct task_env *env,
	struct task_result *out, struct err *err) MUST_USE;
void raw_read_deinit(struct raw_read *r); /* of a zeroed one, too */
/* inputs: those of a task of raw_tasks_plan. E_VERIFY: an object is not what was landed. */
status raw_read_run(struct raw_read *r, const struct file_list *inputs, struct err *err) MUST_USE;
/* After all: publish the last rejects. */
status raw_read_finish(struct raw_read *r, struct err *err) MUST_USE;
/* What a task of bronze counted, for its result: */
struct raw_counts {
	int64_t rows_out, duplicates, blank_lines, deferred, ts_outside_day;
	const int64_t *rejects; /* [verdicts * members], too long ones aside, which are counted here */
	int verdicts, members;
	int too_long; /* which verdict that is */
	/* Returns dst: "missing:page". */
	const char *(*reason)(int verdict, int member, char dst[RAW_REASON_BYTES]);
};
status raw_read_count(const struct raw_read *r, const struct raw_counts *c, struct err *err) MUST_USE;
/* The line that was counted last, which begins at this offset of the object, is a reject. */
status raw_read_reject(
	struct raw_read *r, const char *reason, struct str raw, int64_t offset, struct err *err) MUST_USE;

#endif
