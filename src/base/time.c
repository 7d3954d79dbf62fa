/* base/time.c: civil dates and RFC 3339. Time zones are in base/tz.c. */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the word-wise parser reads little-endian words");

/* Days before the first of a month in a year counted from March, so that the leap day is the year's last. */
static const uint16_t march_month_start[12] = {0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337};
static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

enum { EPOCH_FROM_MARCH_0000 = 719468 }; /* days from 0000-03-01 to 1970-01-01 */
enum { ERA_DAYS = 146097 };              /* days in 400 Gregorian years */

static bool year_is_leap(int32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int32_t date_month_days(int32_t year, int32_t month)
{
	return month_days[month - 1] + (month == 2 && year_is_leap(year));
}

int32_t date_from_civil(int32_t year, int32_t month, int32_t day)
{
	const int32_t y = month > 2 ? year : year - 1;
	const int32_t m = month > 2 ? month - 3 : month + 9;
	const int32_t era = (y >= 0 ? y : y - 399) / 400;
	const int32_t of_era = y - era * 400;
	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + march_month_start[m] + day - 1 -
	       EPOCH_FROM_MARCH_0000;
}

struct civil date_to_civil(int32_t date)
{
	const int64_t z = (int64_t)date + EPOCH_FROM_MARCH_0000;
	const int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
	const uint32_t d = (uint32_t)(z - era * ERA_DAYS);
	/* Take out the leap days before d (one each 1461 days, but for the century years), and what is left counts in 365s. */
	const uint32_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
	const uint32_t of_year = d - (365 * y + y / 4 - y / 100);
	const uint32_t m = (5 * of_year + 2) / 153; /* inverse of march_month_start: months average 30.6 days */
	return (struct civil){
		.year = (int32_t)(era * 400 + y) + (m >= 10),
		.month = (int32_t)(m < 10 ? m + 3 : m - 9),
		.day = (int32_t)(of_year - march_month_start[m]) + 1,
	};
}

int date_weekday(int32_t date)
{
	const int64_t w = ((int64_t)date + 3) % 7; /* 1970-01-01 was a Thursday */
	return (int)(w < 0 ? w + 7 : w);
}

int32_t date_month_start(int32_t date)
{
	return date - (date_to_civil(date).day - 1);
}

static bool digits(const char *p, int n, int32_t *out)
{
	int32_t v = 0;
	for (int i = 0; i < n; i++) {
		const unsigned d = (unsigned)(unsigned char)p[i] - '0';
		if (d > 9) return false;
		v = v * 10 + (int32_t)d;
	}
	*out = v;
	return true;
}

static bool civil_is_valid(int32_t year, int32_t month, int32_t day)
{
	return year >= 1 && month >= 1 && month <= 12 && day >= 1 && (day <= 28 || day <= date_month_days(year, month));
}

bool date_parse(struct str text, int32_t *out)
{
	int32_t year;
	int32_t month;
	int32_t day;
	if (text.n != DATE_CHARS || text.p[4] != '-' || text.p[7] != '-') return false;
	if (!digits(text.p, 4, &year) || !digits(text.p + 5, 2, &month) || !digits(text.p + 8, 2, &day)) return false;
	if (!civil_is_valid(year, month, day)) return false;
	*out = date_from_civil(year, month, day);
	return true;
}

const char *date_wrong(struct str text, char dst[DATE_WRONG_CHARS])
{
	int32_t year, month, day;
	dst[0] = '\0';
	if (text.n != DATE_CHARS || text.p[4] != '-' || text.p[7] != '-' || !digits(text.p, 4, &year) ||
		!digits(text.p + 5, 2, &month) || !digits(text.p + 8, 2, &day))
		return dst;
	if (month < 1 || month > 12)
		(void)snprintf(dst, DATE_WRONG_CHARS, ": there is no month %d", month);
	else if (day < 1 || day > date_month_days(year, month))
		(void)snprintf(
			dst, DATE_WRONG_CHARS, ": %04d-%02d has %d days", year, month, date_month_days(year, month));
	return dst;
}

static void two(char *dst, uint32_t v)
{
	static const char pairs[] = "0001020304050607080910111213141516171819"
				    "2021222324252627282930313233343536373839"
				    "4041424344454647484950515253545556575859"
				    "6061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	memcpy(dst, pairs + (size_t)2 * v, 2);
}

void date_format(int32_t date, char dst[DATE_CHARS])
{
	const struct civil c = date_to_civil(date < DATE_MIN ? DATE_MIN : date > DATE_MAX ? DATE_MAX : date);
	two(dst, (uint32_t)c.year / 100);
	two(dst + 2, (uint32_t)c.year % 100);
	dst[4] = '-';
	two(dst + 5, (uint32_t)c.month);
	dst[7] = '-';
	two(dst + 8, (uint32_t)c.day);
}

/* The fields of a time; offset in minutes east. */
struct fields {
	int32_t year, month, day, hour, minute, second, us, offset;
};

/* Range checks and the sum, shared by both parsers. */
static bool fields_to_us(const struct fields *f, int64_t *out)
{
	if (!civil_is_valid(f->year, f->month, f->day) || f->hour > 23 || f->minute > 59 || f->second > 60)
		return false;
	const int64_t days = date_from_civil(f->year, f->month, f->day);
	const int64_t minutes = days * 1440 + f->hour * 60 + f->minute - f->offset;
	int64_t us = (minutes * 60 + f->second) * US_PER_SECOND + f->us;
	if (f->second == 60) {
		const int64_t of_day = minutes % 1440;
		if (of_day != 1439 && of_day != -1) return false;
		us = (minutes * 60 + 60) * US_PER_SECOND - 1;
	}
	if (f->offset != 0 && (us < DATE_MIN * US_PER_DAY || us >= (DATE_MAX + INT64_C(1)) * US_PER_DAY)) return false;
	*out = us;
	return true;
}

/* "Z" or "+hh:mm" to the end of the text. */
static bool offset_parse(const char *p, size_t n, int32_t *out)
{
	if (n == 1 && (p[0] == 'Z' || p[0] == 'z')) {
		*out = 0;
		return true;
	}
	int32_t hour;
	int32_t minute;
	if (n != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':') return false;
	if (!digits(p + 1, 2, &hour) || !digits(p + 4, 2, &minute) || hour > 23 || minute > 59) return false;
	*out = p[0] == '-' ? -(hour * 60 + minute) : hour * 60 + minute;
	return true;
}

/* ".5" to ".123456789": microseconds, cut off; *used counts the bytes taken, the point included. */
static bool fraction_parse(const char *p, size_t n, int32_t *out, size_t *used)
{
	int32_t us = 0;
	size_t i = 1;
	for (; i < n && p[i] >= '0' && p[i] <= '9'; i++) {
		if (i > 9) return false;
		if (i <= 6) us = us * 10 + (p[i] - '0');
	}
	if (i == 1) return false;
	for (size_t k = i; k <= 6; k++) us *= 10;
	*out = us;
	*used = i;
	return true;
}

bool time_parse_plain(struct str text, int64_t *out)
{
	const char *p = text.p;
	struct fields f = {0};
	if (text.n < 20 || p[4] != '-' || p[7] != '-' || p[13] != ':' || p[16] != ':') return false;
	if (p[10] != 'T' && p[10] != 't' && p[10] != ' ') return false;
	if (!digits(p, 4, &f.year) || !digits(p + 5, 2, &f.month) || !digits(p + 8, 2, &f.day)) return false;
	if (!digits(p + 11, 2, &f.hour) || !digits(p + 14, 2, &f.minute) || !digits(p + 17, 2, &f.second)) return false;
	size_t at = 19;
	if (p[at] == '.') {
		size_t used;
		if (!fraction_parse(p + at, text.n - at, &f.us, &used)) return false;
		at += used;
	}
	return offset_parse(p + at, text.n - at, &f.offset) && fields_to_us(&f, out);
}

/* Eight bytes of a template at once. XOR with the template leaves 0-9 where it holds '0' and 0 where it holds any
 * other byte; adding 0x76 (digit) or 0x7f (other) then sets the top bit of every byte over that. A carry only leaves
 * a byte of 0x80 or more, which the OR flags itself. */
static bool word_matches(const char *p, uint64_t template, uint64_t addend, uint64_t *out)
{
	uint64_t w;
	memcpy(&w, p, sizeof w);
	w ^= template;
	*out = w;
	return (((w + addend) | w) & UINT64_C(0x8080808080808080)) == 0;
}

/* Byte i of the result is 10 * byte i + byte i+1: two-digit numbers, at most 99 so nothing carries. */
static uint64_t pairs(uint64_t w)
{
	return w * 10 + (w >> 8);
}
static int32_t byte_at(uint64_t w, int i)
{
	return (int32_t)(w >> (8 * i) & 0xff);
}

#define WORD(a, b, c, d, e, f, g, h)                                                                            \
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | (uint64_t)(e) << 32 | \
		(uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)

/* YYYY-MM-DDTHH:MM:SSZ (20 bytes) and the same with six fraction digits (27). false: not of that shape, no verdict. */
static bool fields_scan(struct str text, struct fields *f)
{
	const uint64_t d = 0x76;
	const uint64_t o = 0x7f;
	uint64_t date;
	uint64_t day;
	uint64_t clock;
	uint64_t fraction = 0;
	if (text.n != 20 && text.n != 27) return false;
	if (!word_matches(text.p, WORD('0', '0', '0', '0', '-', '0', '0', '-'), WORD(d, d, d, d, o, d, d, o), &date))
		return false;
	if (!word_matches(text.p + 8, WORD('0', '0', 'T', '0', '0', ':', '0', '0'), WORD(d, d, o, d, d, o, d, d), &day))
		return false;
	if (!word_matches(
		    text.p + 11, WORD('0', '0', ':', '0', '0', ':', '0', '0'), WORD(d, d, o, d, d, o, d, d), &clock))
		return false;
	if (text.n == 20) {
		if (text.p[19] != 'Z') return false;
	} else if (!word_matches(text.p + 19, WORD('.', '0', '0', '0', '0', '0', '0', 'Z'),
			   WORD(o, d, d, d, d, d, d, o), &fraction)) {
		return false;
	}
	date = pairs(date);
	day = pairs(day);
	clock = pairs(clock);
	fraction = pairs(fraction);
	*f = (struct fields){
		.year = byte_at(date, 0) * 100 + byte_at(date, 2),
		.month = byte_at(date, 5),
		.day = byte_at(day, 0),
		.hour = byte_at(clock, 0),
		.minute = byte_at(clock, 3),
		.second = byte_at(clock, 6),
		.us = byte_at(fraction, 1) * 10000 + byte_at(fraction, 3) * 100 + byte_at(fraction, 5),
	};
	return true;
}

bool time_parse(struct str text, int64_t *out)
{
	struct fields f;
	if (fields_scan(text, &f)) return fields_to_us(&f, out);
	return time_parse_plain(text, out);
}

void time_format(int64_t us, char dst[TIME_RFC3339_CHARS])
{
	const int64_t min = DATE_MIN * US_PER_DAY;
	const int64_t max = (DATE_MAX + INT64_C(1)) * US_PER_DAY - 1;
	us = us < min ? min : us > max ? max : us;
	const int32_t date = time_utc_date(us);
	const uint64_t of_day = (uint64_t)(us - date * US_PER_DAY);
	const uint32_t second = (uint32_t)(of_day / (uint64_t)US_PER_SECOND);
	const uint32_t fraction = (uint32_t)(of_day % (uint64_t)US_PER_SECOND);
	const uint32_t minute = second / 60;
	date_format(date, dst);
	dst[10] = 'T';
	two(dst + 11, minute / 60);
	dst[13] = ':';
	two(dst + 14, minute % 60);
	dst[16] = ':';
	two(dst + 17, second % 60);
	dst[19] = '.';
	two(dst + 20, fraction / 10000);
	two(dst + 22, fraction / 100 % 100);
	two(dst + 24, fraction % 100);
	dst[26] = 'Z';
}

static int64_t clock_us(clockid_t id)
{
	struct timespec ts;
	ASSERT(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * US_PER_SECOND + ts.tv_nsec / 1000;
}

int64_t time_now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int64_t time_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}
