/* flow/partition.h: how a workload's rows lie in the lake: raw and rejects by source and day, tables by month. */
#ifndef PQR_FLOW_PARTITION_H
#define PQR_FLOW_PARTITION_H

#include "flow/task.h"

#define RAW_OBJECT_NAME "events.jsonl"

/* Values of source, day, run_id: a raw object, and what was rejected of it. */
enum { PARTITION_DAY_VALUES = 3 };
struct partition_day {
	struct delta_pair values[PARTITION_DAY_VALUES];
};
/* Views all three and place: "2025-09-01" or, of lines without a time, "unknown". */
struct delta_pairs partition_day_values(
	struct partition_day *place, struct str source, struct str day, const struct run_info *run);

/* Values of month, run_id; views place and run. month: a day of it, a year of four digits. */
struct partition_month {
	char text[DATE_CHARS];
	struct delta_pair values[2];
};
struct delta_pairs partition_month_values(struct partition_month *place, int32_t month, const struct run_info *run);
/* *month: the first day of the month that a file is of. E_CORRUPT: it has none. */
status partition_month_of(const struct file_ref *file, int32_t *month, struct err *err) MUST_USE;

#endif
