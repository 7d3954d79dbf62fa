/* base/calendar.h: business days with effective-dated holidays.
 *
 * Colombia: Ley 51 de 1983 (moved holidays, from 1984), Ley 2578 de 2026 (9 July, from 2026). Easter by the
 * anonymous Gregorian computus. Business day = Monday to Friday and no holiday. The table of Colombia starts in
 * 1984; in earlier years weekdays alone decide.
 */
#ifndef PQR_BASE_CALENDAR_H
#define PQR_BASE_CALENDAR_H

#include "base/time.h"

struct calendar; /* immutable after creation; safe to share between threads */

/* holidays: "colombia", "none", or the path of a file with one ISO date a line ('#' starts a comment).
 * E_USAGE with file and line for a bad date. Dates outside 1900..2199 are business days by weekday alone. */
status calendar_create(const char *holidays, struct calendar **out, struct err *err) MUST_USE;
/* The holidays are dates[n] (borrowed; any order, repeats allowed). n may be 0. */
status calendar_create_dates(const int32_t *dates, size_t n, struct calendar **out, struct err *err) MUST_USE;
void calendar_destroy(struct calendar *c);
bool calendar_is_holiday(const struct calendar *c, int32_t date);
/* What the i-th holiday of a date is called; two may fall on one day. NULL past the last. Dates of a file are "holiday". */
const char *calendar_holiday_name(const struct calendar *c, int32_t date, size_t i);
bool calendar_is_business_day(const struct calendar *c, int32_t date);
/* Business days d with a < d <= b; negative of the count when b < a. O(1). */
int32_t calendar_business_days_between(const struct calendar *c, int32_t a, int32_t b);
/* The n-th business day after date (n >= 0; n == 0 gives date itself). O(log) or better; past the year 9999 the result is DATE_MAX. */
int32_t calendar_add_business_days(const struct calendar *c, int32_t date, int32_t n);
int32_t easter_sunday(int32_t year); /* as a date */

/* Dates of a holidays file's text: rising, without repeats, in out (int32_t each, appended). name is for errors: E_USAGE with
 * name and line. */
status calendar_dates_parse(struct str text, const char *name, struct buf *out, struct err *err) MUST_USE;
enum { CALENDAR_FILE_BYTES_MAX = 1 << 20 }; /* 200 years of 20 holidays fit 16 times over */

#endif
