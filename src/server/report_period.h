/* server/report_period.h: the days that a report speaks of. Knows calendars, no tables. */
#ifndef PQR_SERVER_REPORT_PERIOD_H
#define PQR_SERVER_REPORT_PERIOD_H

#include "base/buf.h"

enum { REPORT_NAME_CHARS = 24 };
struct report_period {
	char name[REPORT_NAME_CHARS + 1]; /* as it was asked for */
	int32_t from, to;                 /* days, both of it */
};
/* "2026Q1", "2026-02", "2026" or "2026-01-15..2026-02-10". E_USAGE: something else, or a period that ends before it begins. */
status report_period_parse(const char *text, struct report_period *out, struct err *err) MUST_USE;
/* Leave the days outside first..last out. E_NOT_FOUND: nothing is left. */
status report_period_clip(struct report_period *p, int32_t first, int32_t last, struct err *err) MUST_USE;
/* The first day of as many days just before it. */
int32_t report_period_before(const struct report_period *p);

#endif
