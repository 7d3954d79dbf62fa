/* flow/partition.c: see partition.h. The values stand in the order of the tables' partition columns: folders nest so. It composes values
 * and reads them; keys are table/path.h's. */
#include "flow/partition.h"

enum { MONTH_CHARS = 7 }; /* "2025-09" */

struct delta_pairs partition_day_values(
	struct partition_day *place, struct str source, struct str day, const struct run_info *run)
{
	ASSERT(source.n > 0 && day.n > 0);
	place->values[0] = (struct delta_pair){STR("source"), source};
	place->values[1] = (struct delta_pair){STR("day"), day};
	place->values[2] = (struct delta_pair){STR("run_id"), str_of(run->run_id)};
	return (struct delta_pairs){place->values, PARTITION_DAY_VALUES};
}

struct delta_pairs partition_month_values(struct partition_month *place, int32_t month, const struct run_info *run)
{
	date_format(month, place->text);
	place->values[0] = (struct delta_pair){STR("month"), {place->text, MONTH_CHARS}};
	place->values[1] = (struct delta_pair){STR("run_id"), str_of(run->run_id)};
	return (struct delta_pairs){place->values, 2};
}

status partition_month_of(const struct file_ref *file, int32_t *month, struct err *err)
{
	char date[DATE_CHARS];
	struct str text;
	TRY(file_ref_value(file, "month", &text, err));
	if (text.n == MONTH_CHARS) {
		memcpy(date, text.p, MONTH_CHARS);
		memcpy(date + MONTH_CHARS, "-01", sizeof date - MONTH_CHARS);
		if (date_parse((struct str){date, sizeof date}, month)) return OK;
	}
	return fail_at(err, E_CORRUPT, file->path, -1, -1, "a file of month '%.*s', which is none",
		(int)(text.n < 64 ? text.n : 64), text.p);
}
