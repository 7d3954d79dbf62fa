/* cli/cmd_calendar.c: pqr calendar: a year's holidays by name, and the business days of its months, by the configured calendar. */
#include <stdio.h>
#include <stdlib.h>

#include "base/calendar.h"
#include "cli/run_options.h"

enum { YEAR_MIN = 1900, YEAR_MAX = 2199, MONTHS = 12 }; /* what a calendar has holidays for */

static const char *const weekdays[7] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static int32_t month_start(int32_t year, int32_t month)
{
	return month < MONTHS ? date_from_civil(year, month + 1, 1) : date_from_civil(year + 1, 1, 1);
}

static int32_t business_days(const struct calendar *c, int32_t from, int32_t to)
{
	return calendar_business_days_between(c, from - 1, to - 1);
}

static void add_date(struct buf *out, int32_t date)
{
	char text[DATE_CHARS];
	date_format(date, text);
	buf_add(out, text, sizeof text);
}

static void calendar_text(const struct calendar *c, int32_t year, struct buf *out)
{
	const int32_t first = month_start(year, 0), end = month_start(year, MONTHS);
	int32_t days = 0;
	for (int32_t d = first; d < end; d++) days += calendar_is_holiday(c, d);
	buf_printf(out, "%d: %d days of holiday, %d business days\n\n", (int)year, (int)days,
		(int)business_days(c, first, end));
	for (int32_t d = first; d < end; d++) {
		const char *name = calendar_holiday_name(c, d, 0);
		if (name == NULL) continue;
		buf_printf(out, "%s ", weekdays[date_weekday(d)]);
		add_date(out, d);
		for (size_t i = 0; (name = calendar_holiday_name(c, d, i)) != NULL; i++)
			buf_printf(out, "%s%s", i == 0 ? "  " : ", ", name);
		buf_char(out, '\n');
	}
	buf_str(out, days > 0 ? "\nmonth    business days\n" : "month    business days\n");
	for (int32_t m = 0; m < MONTHS; m++)
		buf_printf(out, "%04d-%02d  %13d\n", (int)year, (int)m + 1,
			(int)business_days(c, month_start(year, m), month_start(year, m + 1)));
}

static void calendar_json(const struct calendar *c, int32_t year, struct buf *out)
{
	bool any = false;
	buf_printf(out, "{\"year\":%d,\"holidays\":[", (int)year);
	for (int32_t d = month_start(year, 0); d < month_start(year, MONTHS); d++) {
		const char *name = calendar_holiday_name(c, d, 0);
		if (name == NULL) continue;
		buf_str(out, any ? ",{\"date\":\"" : "{\"date\":\"");
		any = true;
		add_date(out, d);
		buf_str(out, "\",\"names\":[");
		for (size_t i = 0; (name = calendar_holiday_name(c, d, i)) != NULL; i++) {
			if (i > 0) buf_char(out, ',');
			buf_json_str(out, str_of(name));
		}
		buf_str(out, "]}");
	}
	buf_str(out, "],\"business_days\":[");
	for (int32_t m = 0; m < MONTHS; m++)
		buf_printf(out, "%s%d", m > 0 ? "," : "",
			(int)business_days(c, month_start(year, m), month_start(year, m + 1)));
	buf_str(out, "]}\n");
}

static status year_of(const char *text, int32_t *out, struct err *err)
{
	char *end;
	const long year = strtol(text, &end, 10);
	if (end == text || *end != '\0' || year < YEAR_MIN || year > YEAR_MAX)
		return fail(err, E_USAGE, "pqr calendar: expected a year from %d to %d, found '%s'", YEAR_MIN, YEAR_MAX,
			text);
	*out = (int32_t)year;
	return OK;
}

static status calendar_print(struct session *s, struct cli *c, void *arg, struct err *err)
{
	const struct calendar *calendar = s->workload->calendar != NULL ? s->workload->calendar(s->config) : NULL;
	int32_t year = 0;
	(void)arg;
	if (calendar == NULL)
		return fail(err, E_UNSUPPORTED, "unsupported: workload %s has no calendar", s->workload->name);
	TRY(year_of(c->args[0], &year, err));
	if (c->json)
		calendar_json(calendar, year, &c->out);
	else
		calendar_text(calendar, year, &c->out);
	return cli_print_result(c, err);
}

static status calendar_run(struct cli *c, struct err *err)
{
	return cli_with_session(c, CLI_CONFIG, calendar_print, NULL, err);
}

const struct cli_command cli_calendar_command = {.name = "calendar",
	.synopsis = "YEAR",
	.summary = "holidays of a year by name, and business days of its months",
	.details = "By calendar.holidays of the configuration: Colombia's, as the laws of that year have\nthem, unless "
		   "set otherwise.\n\n"
		   "  pqr calendar 2026\n"
		   "  pqr calendar 2026 --json",
	.args_min = 1,
	.args_max = 1,
	.run = calendar_run};
