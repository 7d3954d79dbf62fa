/* base/cron.c: a cron expression as five sets of bits, and a search over local days for the next instant that is in all of them.
 *
 * A local time of day is turned into instants by the zone's offsets a day before and after it: no zone changes its clocks twice
 * within two days by as much as would hide one of the changes. Reads no clock.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cron.h"

enum {
	FIELDS = 5,
	MINUTES = 60,
	HOURS = 24,
	SEARCH_DAYS = 366 * 41 /* a Sunday that is a 29 February, over a year like 2100 */
};

struct field {
	const char *name;
	int low, high;
	const char *names; /* three letters each; the first is `low` */
};
static const struct field fields[FIELDS] = {
	{"minute", 0, 59, NULL},
	{"hour", 0, 23, NULL},
	{"day of month", 1, 31, NULL},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"day of week", 0, 7, "sunmontuewedthufrisat"},
};

static const struct {
	const char *name, *means;
} shorts[] = {
	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
};

/* A number or a name at *p, which moves past it. */
static bool value_of(const struct field *f, const char **p, const char *end, int *out)
{
	const char *at = *p;
	int value = 0;
	if (f->names != NULL && end - at >= 3) {
		for (int i = 0; f->names[3 * (size_t)i] != '\0'; i++) {
			if (strncasecmp(at, f->names + 3 * (size_t)i, 3) != 0) continue;
			*out = f->low + i;
			*p = at + 3;
			return true;
		}
	}
	for (; at < end && *at >= '0' && *at <= '9' && at - *p < 3; at++) value = 10 * value + (*at - '0');
	*out = value;
	const bool any = at > *p;
	*p = at;
	return any;
}

/* One item of a list: "*", "a", "a-b", each with "/step". */
static bool item_of(const struct field *f, const char **p, const char *end, uint64_t *bits)
{
	int low = f->low, high = f->high, step = 1;
	static const struct field number = {"step", 1, 59, NULL};
	bool range = true;
	if (*p < end && **p == '*') {
		(*p)++;
	} else {
		if (!value_of(f, p, end, &low)) return false;
		range = *p < end && **p == '-';
		high = low;
		if (range) {
			(*p)++;
			if (!value_of(f, p, end, &high)) return false;
		}
	}
	if (*p < end && **p == '/') {
		(*p)++;
		if (!range || !value_of(&number, p, end, &step) || step < 1) return false;
	}
	if (low < f->low || high > f->high || low > high) return false;
	for (int i = low; i <= high; i += step) *bits |= UINT64_C(1) << i;
	return true;
}

static bool field_parse(const struct field *f, struct str text, uint64_t *bits)
{
	const char *p = text.p, *const end = text.p + text.n;
	*bits = 0;
	for (;;) {
		if (!item_of(f, &p, end, bits)) return false;
		if (p == end) return true;
		if (*p++ != ',') return false;
	}
}

/* The next word of a text, which moves past it; empty at its end. */
static struct str word_next(struct str *text)
{
	size_t at = 0;
	while (text->n > 0 && (text->p[0] == ' ' || text->p[0] == '\t')) {
		text->p++;
		text->n--;
	}
	while (at < text->n && text->p[at] != ' ' && text->p[at] != '\t') at++;
	const struct str word = {text->p, at};
	text->p += at;
	text->n -= at;
	return word;
}

static bool day_comes(const struct cron *c)
{
	static const uint32_t days_of_month[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (c->any_day || !c->any_weekday) return true;
	for (uint32_t m = 1; m <= 12; m++) {
		const uint32_t there = (uint32_t)((UINT64_C(2) << days_of_month[m - 1]) - 1);
		if ((c->months >> m & 1) != 0 && (c->days & there) != 0) return true;
	}
	return false;
}

static struct str short_of(struct str text)
{
	struct str rest = text;
	const struct str word = word_next(&rest);
	for (size_t i = 0; i < sizeof shorts / sizeof shorts[0]; i++) {
		if (str_eq(word, str_of(shorts[i].name)) && word_next(&rest).n == 0) return str_of(shorts[i].means);
	}
	return text;
}

status cron_parse(struct str text, struct cron *out, struct err *err)
{
	struct str rest = short_of(text);
	uint64_t bits[FIELDS];
	bool star[FIELDS];
	for (size_t i = 0; i < FIELDS; i++) {
		const struct field *f = &fields[i];
		const struct str word = word_next(&rest);
		if (word.n == 0)
			return fail(err, E_USAGE,
				"cron expression '%.*s': expected five fields (minute hour day-of-month month "
				"day-of-week) or "
				"one of @hourly, @daily, @weekly, @monthly, @yearly; there is no %s",
				(int)text.n, text.p, f->name);
		if (!field_parse(f, word, &bits[i]))
			return fail(err, E_USAGE,
				"cron expression '%.*s': '%.*s' is no %s; expected numbers from %d to %d, ranges as "
				"%d-%d, lists "
				"and steps as */2",
				(int)text.n, text.p, (int)word.n, word.p, f->name, f->low, f->high, f->low, f->high);
		star[i] = word.p[0] == '*';
	}
	if (word_next(&rest).n != 0)
		return fail(
			err, E_USAGE, "cron expression '%.*s': there are more than five fields", (int)text.n, text.p);
	*out = (struct cron){bits[0], (uint32_t)bits[1], (uint32_t)bits[2], (uint32_t)bits[3],
		(uint32_t)((bits[4] | bits[4] >> 7) & 0x7f), star[1], star[2], star[4]};
	if (!day_comes(out))
		return fail(err, E_USAGE, "cron expression '%.*s': its months have no such day", (int)text.n, text.p);
	return OK;
}

static bool day_is_due(const struct cron *c, int32_t date)
{
	const struct civil day = date_to_civil(date);
	const bool by_date = (c->days >> day.day & 1) != 0;
	const bool by_weekday = (c->weekdays >> (date_weekday(date) + 1) % 7 & 1) != 0;
	if ((c->months >> day.month & 1) == 0) return false;
	if (c->any_day || c->any_weekday) return by_date && by_weekday;
	return by_date || by_weekday;
}

static int64_t offset_us(const struct tz *tz, int64_t us)
{
	return tz != NULL ? tz_offset_at(tz, us) * US_PER_SECOND : 0;
}

/* The instant at which the clocks jump over a local time, between two instants before and after that. */
static int64_t jump_between(const struct tz *tz, int64_t before, int64_t after)
{
	const int64_t offset = offset_us(tz, before);
	while (after - before > 1) {
		const int64_t middle = before + (after - before) / 2;
		if (offset_us(tz, middle) == offset)
			before = middle;
		else
			after = middle;
	}
	return after;
}

/* The first instant after `after` at which a local time is due; INT64_MAX: none. */
static int64_t due_at(const struct cron *c, const struct tz *tz, int64_t local, int64_t after)
{
	const int64_t before_offset = offset_us(tz, local - US_PER_DAY),
		      after_offset = offset_us(tz, local + US_PER_DAY);
	const int64_t first = local - before_offset, second = local - after_offset;
	const bool has_first = offset_us(tz, first) == before_offset,
		   has_second = offset_us(tz, second) == after_offset;
	int64_t due = has_first ? first : second;
	if (!has_first && !has_second) {
		if (c->every_hour) return INT64_MAX;
		due = jump_between(tz, local - US_PER_DAY - before_offset, local + US_PER_DAY - after_offset);
	} else if (c->every_hour && has_second && due <= after) {
		due = second;
	}
	return due > after ? due : INT64_MAX;
}

static int64_t due_on(const struct cron *c, const struct tz *tz, int32_t date, int64_t after)
{
	int64_t least = INT64_MAX;
	for (int h = 0; h < HOURS; h++) {
		for (int m = 0; (c->hours >> h & 1) != 0 && m < MINUTES; m++) {
			if ((c->minutes >> m & 1) == 0) continue;
			const int64_t local = date * US_PER_DAY + (int64_t)(h * MINUTES + m) * MINUTES * US_PER_SECOND;
			const int64_t due = due_at(c, tz, local, after);
			if (due < least) least = due;
		}
	}
	return least;
}

bool cron_next(const struct cron *c, const struct tz *tz, int64_t after, int64_t *out)
{
	const int32_t today = time_utc_date(after + offset_us(tz, after));
	for (int32_t date = today - 1; date < today + SEARCH_DAYS && date < DATE_MAX; date++) {
		if (!day_is_due(c, date)) continue;
		*out = due_on(c, tz, date, after);
		if (*out != INT64_MAX) return true;
	}
	return false;
}
