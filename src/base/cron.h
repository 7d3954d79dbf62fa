/* base/cron.h: cron expressions, and the instants at which they are due.
 *
 * The five fields of crontab(5) (POSIX, XCU crontab), "minute hour day-of-month month day-of-week": '*', numbers, ranges, lists and
 * steps ("1-5", "0,30", "0-59/15"), names of months and weekdays in English (three letters, any case), 7 for Sunday; and @hourly,
 * @daily (@midnight), @weekly, @monthly, @yearly (@annually). Where both days are given, one that fits is enough, as cron has it;
 * a field that begins with '*' gives none.
 */
#ifndef PQR_BASE_CRON_H
#define PQR_BASE_CRON_H

#include "base/time.h"

struct cron {
	uint64_t minutes;                      /* bit i: minute i */
	uint32_t hours, days, months;          /* bits 0-23, 1-31, 1-12 */
	uint32_t weekdays;                     /* bits 0-6, 0 = Sunday */
	bool every_hour, any_day, any_weekday; /* the field begins with '*' */
};

/* E_USAGE says which field is wrong, and what was expected. An expression whose days never come (31 February) is refused, too. */
status cron_parse(struct str text, struct cron *out, struct err *err) MUST_USE;

/* The first instant after `after` at which it is due, by the clocks of a zone (NULL: UTC). false: none before the year 9999.
 * Where clocks go forward, times of day that are skipped are due at the jump; where they go back, those that come twice are due the
 * first time. With '*' for hours every one of the hours that pass counts: none is made up for, and both of a pair are due. */
bool cron_next(const struct cron *c, const struct tz *tz, int64_t after, int64_t *out);

#endif
