/* workloads/pqrs/contract/partition.h: how the rows of this workload lie in the lake: raw and rejects by source and day, tables by month
 * (bronze by the UTC month, silver and gold by the local one). */
#ifndef PQR_PQRS_PARTITION_H
#define PQR_PQRS_PARTITION_H

#include "flow/task.h"

#define PQRS_RAW "raw.pqrs" /* the table's name in a stage's files */
#define PQRS_RAW_ROOT "raw/pqrs"
#define PQRS_RAW_NAME "events.jsonl"

/* Values of source, day, run_id: a raw object, and what was rejected of it. */
enum { PQRS_DAY_VALUES = 3 };
struct pqrs_day {
	struct delta_pair values[PQRS_DAY_VALUES];
};
/* Views all three and place: "2025-09-01" or, of lines without a time, "unknown". */
struct delta_pairs pqrs_day_values(
	struct pqrs_day *place, struct str source, struct str day, const struct run_info *run);

/* Values of month, run_id; views place and run. month: a day of it, a year of four digits. */
struct pqrs_month {
	char text[DATE_CHARS];
	struct delta_pair values[2];
};
struct delta_pairs pqrs_month_values(struct pqrs_month *place, int32_t month, const struct run_info *run);
/* *month: the first day of the month that a file is of. E_CORRUPT: it has none. */
status pqrs_month_of(const struct file_ref *file, int32_t *month, struct err *err) MUST_USE;

#endif
