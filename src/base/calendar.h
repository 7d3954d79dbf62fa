/* base/calendar.h: business days with effective-dated holidays.
 *
 * Colombia: Ley 51 de 1983 (moved holidays, from 1984), Ley 2578 de 2026 (9 July, from 2026). Easter by the
 * anonymous Gregorian computus. Business day = Monday to Friday and no holiday.
 */
#ifndef PQR_BASE_CALENDAR_H
#define PQR_BASE_CALENDAR_H

#include "base/time.h"

struct calendar; /* immutable after creation; safe to share between threads */

/* holidays: "colombia", "none", or the path of a file with one ISO date a line ('#' starts a comment).
 * E_USAGE with file and line for a bad date. Dates outside 1900..2199 are business days by weekday alone. */
status calendar_create(const char *holidays, struct calendar **out, struct err *err) MUST_USE;
void calendar_destroy(struct calendar *c);
bool calendar_is_holiday(const struct calendar *c, int32_t date);
bool calendar_is_business_day(const struct calendar *c, int32_t date);
/* Business days d with a < d <= b; negative of the count when b < a. O(1). */
int32_t calendar_business_days_between(const struct calendar *c, int32_t a, int32_t b);
/* The n-th business day after date (n >= 0; n == 0 gives date itself). O(log) or better. */
int32_t calendar_add_business_days(const struct calendar *c, int32_t date, int32_t n);
int32_t easter_sunday(int32_t year); /* as a date */

#endif
