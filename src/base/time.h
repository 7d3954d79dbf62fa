/* base/time.h: civil dates, RFC 3339 and time zones.
 *
 * Instants are int64 microseconds since 1970-01-01T00:00:00Z, without leap seconds. Dates are int32 days
 * since 1970-01-01 (proleptic Gregorian). Valid years are 0001 to 9999. Nothing here reads the wall clock
 * but time_now_us.
 */
#ifndef PQR_BASE_TIME_H
#define PQR_BASE_TIME_H

#include "base/buf.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_HOUR INT64_C(3600000000)
#define US_PER_DAY INT64_C(86400000000)
enum { TIME_RFC3339_CHARS = 27, DATE_CHARS = 10 }; /* 2025-09-01T12:00:00.000000Z, 2025-09-01; no NUL */

#define DATE_MIN (-719162) /* 0001-01-01 */
#define DATE_MAX 2932896   /* 9999-12-31 */

struct civil {
	int32_t year;
	int32_t month;
	int32_t day;
}; /* month 1-12, day 1-31 */

int32_t date_from_civil(int32_t year, int32_t month, int32_t day); /* any year; month 1-12; no range check of day */
struct civil date_to_civil(int32_t date);
int date_weekday(int32_t date);                          /* 0 = Monday ... 6 = Sunday */
int32_t date_month_start(int32_t date);                  /* the first of its month */
bool date_parse(struct str text, int32_t *out) MUST_USE; /* exactly YYYY-MM-DD, a day that exists */
/* Why a text of a date's form is none: ": there is no month 13"; else "". Returns dst. */
enum { DATE_WRONG_CHARS = 48 };
const char *date_wrong(struct str text, char dst[DATE_WRONG_CHARS]);
void date_format(
	int32_t date, char dst[DATE_CHARS]); /* a date outside the valid years is written as the nearest valid one */
int32_t date_month_days(int32_t year, int32_t month); /* 28 to 31 */

/* RFC 3339 section 5.6: any offset, 'T' or 't' or one space, 'Z' or 'z', 0 to 9 fraction digits (truncated to
 * microseconds), second 60 counted as 59.999999 only when it ends a minute at 23:59 UTC. false: not a time, or
 * one whose UTC year is not 0001 to 9999. About 7 ns for YYYY-MM-DDTHH:MM:SS[.ffffff]Z; reads no byte past text.n. */
bool time_parse(struct str text, int64_t *out) MUST_USE;
bool time_parse_plain(struct str text, int64_t *out) MUST_USE; /* the same without the fast path; oracle of its test */
void time_format(int64_t us, char dst[TIME_RFC3339_CHARS]);    /* UTC with 6 digits and Z; clamped to the valid years */
static inline int32_t time_utc_date(int64_t us)
{
	return (int32_t)(us / US_PER_DAY - (us % US_PER_DAY < 0));
}
int64_t time_now_us(void);  /* wall clock; never for anything that reaches a data file */
int64_t time_mono_us(void); /* monotonic, for durations */

/* A zone from the system's tz database ($TZDIR, else /usr/share/zoneinfo), read as TZif version 2 or later (RFC 8536)
 * with its POSIX footer for later years. Immutable after load; shared between threads. Instants must lie in the valid
 * years. Where a clock change makes a local date begin or end twice, its start is the first instant and its end the
 * last; a date the zone skipped altogether starts and ends at the jump (start = end + 1). */
struct tz;
/* name is a path below the database without ".." ("America/Bogota"). E_USAGE: no such zone; E_CORRUPT: no valid TZif. */
status tz_load(const char *name, struct tz **out, struct err *err) MUST_USE;
status tz_parse(const void *p, size_t n, struct tz **out,
	struct err *err) MUST_USE; /* p[n]: the bytes of a TZif file, untrusted; borrows */
void tz_destroy(struct tz *tz);
int32_t tz_offset_at(const struct tz *tz, int64_t us); /* seconds east of UTC */
int32_t tz_date(const struct tz *tz, int64_t us);      /* the local date of an instant */
int64_t tz_day_end(const struct tz *tz, int32_t date); /* last microsecond of the local day */
int64_t tz_day_start(const struct tz *tz, int32_t date);

#endif
