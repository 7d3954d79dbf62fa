/* base/calendar.c: one bit a day, with a running count a word.
 *
 *   day    1900-01-01 ............................................ 2199-12-31
 *   work   word of 64 days: bit set = business day
 *   before number of business days before the word       rank(d) = before[w] + popcount(bits up to d)
 *
 * Counting between two days is a difference of ranks; adding days is the inverse, by binary search over `before`.
 * Outside the table ranks go on by weekdays alone, so both hold for every date.
 */
#include "base/calendar.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"

enum {
	DAY_LO = -25567, /* 1900-01-01 */
	DAY_HI = 84005,  /* 2199-12-31 */
	YEAR_LO = 1900,
	YEAR_HI = 2199,
	WORD_DAYS = 64,
	N_DAYS = DAY_HI - DAY_LO + 1,
	N_WORDS = (N_DAYS + WORD_DAYS - 1) / WORD_DAYS,
};

struct calendar {
	uint64_t work[N_WORDS];
	uint64_t holiday[N_WORDS];
	int32_t before[N_WORDS + 1]; /* the last is the total */
	bool colombia;               /* the holidays are those of the laws below, and have names */
};

/* ---- the laws ---- */

enum holiday_kind {
	HOLIDAY_FIXED,  /* on the day */
	HOLIDAY_MONDAY, /* on the Monday on or after the day */
	HOLIDAY_EASTER, /* `day` days after Easter Sunday */
};
struct holiday_rule {
	enum holiday_kind kind;
	int32_t month, day;
	int32_t from; /* first year; all are still in force */
	const char *name;
};

#define LEY_51 1984
static const struct holiday_rule colombia[] = {
	{HOLIDAY_FIXED, 1, 1, LEY_51, "Año Nuevo"},
	{HOLIDAY_FIXED, 5, 1, LEY_51, "Día del Trabajo"},
	{HOLIDAY_FIXED, 7, 20, LEY_51, "Independencia"},
	{HOLIDAY_FIXED, 8, 7, LEY_51, "Batalla de Boyacá"},
	{HOLIDAY_FIXED, 12, 8, LEY_51, "Inmaculada Concepción"},
	{HOLIDAY_FIXED, 12, 25, LEY_51, "Navidad"},
	{HOLIDAY_MONDAY, 1, 6, LEY_51, "Reyes Magos"},
	{HOLIDAY_MONDAY, 3, 19, LEY_51, "San José"},
	{HOLIDAY_MONDAY, 6, 29, LEY_51, "San Pedro y San Pablo"},
	{HOLIDAY_MONDAY, 8, 15, LEY_51, "Asunción de la Virgen"},
	{HOLIDAY_MONDAY, 10, 12, LEY_51, "12 de octubre"},
	{HOLIDAY_MONDAY, 11, 1, LEY_51, "Todos los Santos"},
	{HOLIDAY_MONDAY, 11, 11, LEY_51, "Independencia de Cartagena"},
	{HOLIDAY_EASTER, 0, -3, LEY_51, "Jueves Santo"},
	{HOLIDAY_EASTER, 0, -2, LEY_51, "Viernes Santo"},
	{HOLIDAY_EASTER, 0, 43, LEY_51, "Ascensión del Señor"}, /* Thursday 39, moved; so are the two below */
	{HOLIDAY_EASTER, 0, 64, LEY_51, "Corpus Christi"},
	{HOLIDAY_EASTER, 0, 71, LEY_51, "Sagrado Corazón de Jesús"},
	{HOLIDAY_MONDAY, 7, 9, 2026, "9 de julio (Ley 2578 de 2026)"},
};
enum { COLOMBIA_N = sizeof colombia / sizeof colombia[0] };

/* The anonymous Gregorian computus (Nature, 20 April 1876; also Meeus, Astronomical Algorithms, ch. 8). */
int32_t easter_sunday(int32_t year)
{
	const int32_t golden = year % 19;
	const int32_t century = year / 100;
	const int32_t of_century = year % 100;
	const int32_t moon = (8 * century + 13) / 25; /* lunar correction */
	const int32_t epact = (19 * golden + century - century / 4 - moon + 15) % 30;
	const int32_t weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
	const int32_t late = (golden + 11 * epact + 22 * weekday) / 451;
	const int32_t day = epact + weekday - 7 * late + 114;
	return date_from_civil(year, day / 31, day % 31 + 1);
}

static int32_t holiday_date(const struct holiday_rule *r, int32_t year)
{
	if (r->kind == HOLIDAY_EASTER) return easter_sunday(year) + r->day;
	const int32_t date = date_from_civil(year, r->month, r->day);
	return r->kind == HOLIDAY_MONDAY ? date + (7 - date_weekday(date)) % 7 : date;
}

/* ---- the table ---- */

static bool in_table(int32_t date)
{
	return date >= DAY_LO && date <= DAY_HI;
}

static bool bit_get(const uint64_t *bits, int32_t date)
{
	const uint32_t i = (uint32_t)(date - DAY_LO);
	return bits[i / WORD_DAYS] >> (i % WORD_DAYS) & 1;
}

static void holiday_add(struct calendar *c, int32_t date)
{
	if (!in_table(date)) return;
	const uint32_t i = (uint32_t)(date - DAY_LO);
	c->holiday[i / WORD_DAYS] |= UINT64_C(1) << (i % WORD_DAYS);
}

/* Weekdays (Monday to Friday) among the days up to and including date, counted from the week of 1970-01-01. */
static int64_t weekdays_to(int64_t date)
{
	const int64_t z = date + 3; /* 0 = Monday 1969-12-29 */
	const int64_t week = z >= 0 ? z / 7 : -((-z + 6) / 7);
	const int64_t of_week = z - week * 7;
	return week * 5 + (of_week < 5 ? of_week + 1 : 5);
}

/* The smallest date with weekdays_to(date) >= rank. */
static int64_t weekday_select(int64_t rank)
{
	const int64_t r = rank - 1;
	const int64_t week = r >= 0 ? r / 5 : -((-r + 4) / 5);
	return week * 7 + (r - week * 5) - 3;
}

static void calendar_count(struct calendar *c)
{
	int32_t total = 0;
	for (int32_t w = 0; w < N_WORDS; w++) {
		uint64_t bits = 0;
		const int32_t start = DAY_LO + w * WORD_DAYS;
		int weekday = date_weekday(start);
		for (int32_t i = 0; i < WORD_DAYS && start + i <= DAY_HI; i++) {
			if (weekday < 5) bits |= UINT64_C(1) << i;
			weekday = weekday == 6 ? 0 : weekday + 1;
		}
		c->work[w] = bits & ~c->holiday[w];
		c->before[w] = total;
		total += __builtin_popcountll(c->work[w]);
	}
	c->before[N_WORDS] = total;
}

static struct calendar *calendar_new(struct err *err)
{
	struct calendar *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) (void)fail_nomem(err);
	return c;
}

static status create_colombia(struct calendar **out, struct err *err)
{
	struct calendar *c = calendar_new(err);
	if (c == NULL) return E_NOMEM;
	for (size_t i = 0; i < COLOMBIA_N; i++) {
		const struct holiday_rule *r = &colombia[i];
		for (int32_t year = r->from; year <= YEAR_HI; year++) holiday_add(c, holiday_date(r, year));
	}
	c->colombia = true;
	calendar_count(c);
	*out = c;
	return OK;
}

status calendar_create_dates(const int32_t *dates, size_t n, struct calendar **out, struct err *err)
{
	ASSERT(n == 0 || dates != NULL);
	struct calendar *c = calendar_new(err);
	if (c == NULL) return E_NOMEM;
	for (size_t i = 0; i < n; i++) holiday_add(c, dates[i]);
	calendar_count(c);
	*out = c;
	return OK;
}

void calendar_destroy(struct calendar *c)
{
	mem_free(c);
}

/* ---- a file of dates ---- */

static int date_compare(const void *a, const void *b)
{
	const int32_t x = *(const int32_t *)a;
	const int32_t y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

static struct str line_trim(struct str s)
{
	const char *comment = s.n > 0 ? memchr(s.p, '#', s.n) : NULL;
	if (comment != NULL) s.n = (size_t)(comment - s.p);
	while (s.n > 0 && strchr(" \t\r", s.p[s.n - 1]) != NULL) s.n--;
	while (s.n > 0 && strchr(" \t", s.p[0]) != NULL) {
		s.p++;
		s.n--;
	}
	return s;
}

/* One line; an empty one or a comment adds nothing. */
static status line_add(struct str line, const char *name, int64_t number, struct buf *dates, struct err *err)
{
	int32_t date;
	if (line.n == 0) return OK;
	if (!date_parse(line, &date)) {
		const status code = fail(err, E_USAGE, "holiday: expected a date YYYY-MM-DD, found \"%.*s\"",
			(int)(line.n < 40 ? line.n : 40), line.p);
		return err_at(err, code, name, -1, number);
	}
	if (!in_table(date)) {
		const status code = fail(
			err, E_USAGE, "holiday: expected a year from %d to %d, found %.10s", YEAR_LO, YEAR_HI, line.p);
		return err_at(err, code, name, -1, number);
	}
	buf_add(dates, &date, sizeof date);
	return buf_check(dates, err);
}

status calendar_dates_parse(struct str text, const char *name, struct buf *out, struct err *err)
{
	struct buf dates;
	buf_init(&dates, CALENDAR_FILE_BYTES_MAX);
	status code = OK;
	int64_t number = 1;
	if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0) {
		text.p += 3;
		text.n -= 3;
	}
	for (size_t at = 0; at < text.n && code == OK; number++) {
		const char *eol = memchr(text.p + at, '\n', text.n - at);
		const size_t n = eol != NULL ? (size_t)(eol - text.p) - at : text.n - at;
		code = line_add(line_trim((struct str){text.p + at, n}), name, number, &dates, err);
		at += n + 1;
	}
	if (code == OK && dates.n > 0) {
		int32_t *d = (int32_t *)(void *)dates.p;
		const size_t n = dates.n / sizeof d[0];
		qsort(d, n, sizeof d[0], date_compare);
		for (size_t i = 0; i < n; i++) {
			if (i == 0 || d[i] != d[i - 1]) buf_add(out, &d[i], sizeof d[i]);
		}
		code = buf_check(out, err);
	}
	buf_deinit(&dates);
	return code;
}

static status dates_from_file(const char *path, struct buf *dates, struct err *err)
{
	struct buf text;
	buf_init(&text, CALENDAR_FILE_BYTES_MAX + (1 << 17));
	const status read = file_read(path, CALENDAR_FILE_BYTES_MAX, &text, err);
	const status code =
		read == OK ? calendar_dates_parse((struct str){(const char *)text.p, text.n}, path, dates, err) : read;
	buf_deinit(&text);
	return code;
}

static status create_file(const char *path, struct calendar **out, struct err *err)
{
	struct buf dates;
	buf_init(&dates, CALENDAR_FILE_BYTES_MAX);
	status code = dates_from_file(path, &dates, err);
	if (code == OK)
		code = calendar_create_dates(
			(const int32_t *)(const void *)dates.p, dates.n / sizeof(int32_t), out, err);
	buf_deinit(&dates);
	return code;
}

status calendar_create(const char *holidays, struct calendar **out, struct err *err)
{
	if (strcmp(holidays, "colombia") == 0) return create_colombia(out, err);
	if (strcmp(holidays, "none") == 0) return calendar_create_dates(NULL, 0, out, err);
	return create_file(holidays, out, err);
}

/* ---- questions ---- */

bool calendar_is_holiday(const struct calendar *c, int32_t date)
{
	return in_table(date) && bit_get(c->holiday, date);
}

const char *calendar_holiday_name(const struct calendar *c, int32_t date, size_t i)
{
	if (!calendar_is_holiday(c, date)) return NULL;
	if (!c->colombia) return i == 0 ? "holiday" : NULL;
	const int32_t year = date_to_civil(date).year;
	for (size_t k = 0; k < COLOMBIA_N; k++) {
		const struct holiday_rule *r = &colombia[k];
		if (year >= r->from && holiday_date(r, year) == date && i-- == 0) return r->name;
	}
	return NULL;
}

bool calendar_is_business_day(const struct calendar *c, int32_t date)
{
	return in_table(date) ? bit_get(c->work, date) : date_weekday(date) < 5;
}

/* Business days up to and including date, counted from the table's start; negative before it. */
static int64_t rank_of(const struct calendar *c, int32_t date)
{
	if (date < DAY_LO) return weekdays_to(date) - weekdays_to(DAY_LO - 1);
	if (date > DAY_HI) return c->before[N_WORDS] + weekdays_to(date) - weekdays_to(DAY_HI);
	const uint32_t i = (uint32_t)(date - DAY_LO);
	const uint64_t upto = ~UINT64_C(0) >> (WORD_DAYS - 1 - i % WORD_DAYS);
	return c->before[i / WORD_DAYS] + __builtin_popcountll(c->work[i / WORD_DAYS] & upto);
}

int32_t calendar_business_days_between(const struct calendar *c, int32_t a, int32_t b)
{
	return (int32_t)(rank_of(c, b) - rank_of(c, a));
}

/* The business day with this rank, 1 <= rank <= total. */
static int32_t table_select(const struct calendar *c, int32_t rank)
{
	int32_t lo = 0;
	int32_t hi = N_WORDS; /* before[lo] < rank <= before[hi] */
	while (hi - lo > 1) {
		const int32_t mid = lo + (hi - lo) / 2;
		if (c->before[mid] < rank)
			lo = mid;
		else
			hi = mid;
	}
	uint64_t bits = c->work[lo];
	for (int32_t skip = rank - c->before[lo] - 1; skip > 0; skip--) bits &= bits - 1;
	return DAY_LO + lo * WORD_DAYS + __builtin_ctzll(bits);
}

int32_t calendar_add_business_days(const struct calendar *c, int32_t date, int32_t n)
{
	if (n <= 0) return date;
	const int64_t rank = rank_of(c, date) + n;
	const int32_t total = c->before[N_WORDS];
	int64_t found;
	if (rank < 1)
		found = weekday_select(rank + weekdays_to(DAY_LO - 1));
	else if (rank <= total)
		found = table_select(c, (int32_t)rank);
	else
		found = weekday_select(rank - total + weekdays_to(DAY_HI));
	return found > DATE_MAX ? DATE_MAX : (int32_t)found;
}
