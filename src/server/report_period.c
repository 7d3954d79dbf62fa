/* server/report_period.c: "2026Q1" as days. Must not know what is reported of them. */
#include "server/report_period.h"

#include "base/time.h"

/* A number of exactly n digits; -1: it is none. */
static int32_t digits(const char *p, size_t n)
{
	int32_t value = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9') return -1;
		value = value * 10 + (p[i] - '0');
	}
	return value;
}

/* Whole months of a year, 1 to 12. */
static bool months(struct report_period *out, int32_t year, int32_t first, int32_t n)
{
	if (year < 1 || first < 1 || first + n > 13) return false;
	const int32_t end = first + n;
	out->from = date_from_civil(year, first, 1);
	out->to = date_from_civil(end > 12 ? year + 1 : year, end > 12 ? 1 : end, 1) - 1;
	return true;
}

static bool parse(struct str t, struct report_period *out)
{
	switch (t.n) {
	case 4: return months(out, digits(t.p, 4), 1, 12);
	case 6: return t.p[4] == 'Q' && months(out, digits(t.p, 4), 3 * digits(t.p + 5, 1) - 2, 3);
	case 7: return t.p[4] == '-' && months(out, digits(t.p, 4), digits(t.p + 5, 2), 1);
	case 22:
		return memcmp(t.p + 10, "..", 2) == 0 && date_parse((struct str){t.p, 10}, &out->from) &&
		       date_parse((struct str){t.p + 12, 10}, &out->to) && out->from <= out->to;
	default: return false;
	}
}

status report_period_parse(const char *text, struct report_period *out, struct err *err)
{
	struct report_period p = {.from = 0};
	if (!parse(str_of(text), &p))
		return fail(err, E_USAGE,
			"'%.40s' is no period: expected a quarter (2026Q1), a month (2026-02), a year, or two days "
			"(2026-01-15..2026-02-10)",
			text);
	memcpy(p.name, text, strlen(text) + 1);
	*out = p;
	return OK;
}

status report_period_clip(struct report_period *p, int32_t first, int32_t last, struct err *err)
{
	ASSERT(p->from <= p->to);
	if (p->to < first || p->from > last) {
		char days[2][DATE_CHARS + 1] = {"", ""};
		date_format(first, days[0]);
		date_format(last, days[1]);
		return fail(err, E_NOT_FOUND, "nothing is published of %s: the days are %.10s to %.10s", p->name,
			days[0], days[1]);
	}
	if (p->from < first) p->from = first;
	if (p->to > last) p->to = last;
	return OK;
}

int32_t report_period_before(const struct report_period *p)
{
	return p->from - (p->to - p->from + 1);
}
