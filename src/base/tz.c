/* base/tz.c: time zones from TZif data, RFC 8536.
 *
 *   header v1 | block v1 (32-bit, skipped) | header v2+ | block v2+ (64-bit) | \n POSIX TZ string \n
 *
 * The table of transitions is extended at load by the POSIX rule for a bit over 400 years; the Gregorian calendar,
 * weekdays included, repeats after exactly that, so a later instant is looked up 400 years (or a multiple) earlier.
 * A zone whose last offset never changes again answers every instant since by one comparison.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/time.h"

enum {
	TZ_FILE_BYTES_MAX = 1 << 20, /* the largest of the database has 4 KiB */
	TZ_TABLE_MAX = 1 << 14,      /* transitions in one file; the largest of the database has 400 */
	TZ_CYCLE_YEARS = 400,
	TZ_CYCLE_DAYS = 146097,
	TZ_RULE_YEARS = TZ_CYCLE_YEARS + 3, /* the year of the table's end, the one after it, a cycle, and one over */
	TZ_BUCKET_SHIFT = 43,               /* 102 days of microseconds: about one transition in two buckets */
	TZ_BUCKETS_MAX = 4096,
	TZ_OFFSET_MAX = 26 * 3600, /* RFC 8536 section 3.2: -25 h < offset < 26 h */
};

struct transition {
	int64_t us;
	int32_t offset;
}; /* offset in seconds, from us on */

struct tz {
	int64_t fixed_from; /* from here on the offset is fixed_offset for ever; INT64_MAX: never so */
	int32_t fixed_offset;
	int32_t first_offset; /* before the first transition */
	int64_t cycle_from;   /* from here on the rule alone decides; INT64_MAX: no rule with daylight saving time */
	struct transition *t; /* [n], rising */
	uint32_t n;
	int64_t bucket_from; /* start of bucket 0 */
	uint32_t n_buckets;
	uint16_t bucket[TZ_BUCKETS_MAX + 1]; /* number of transitions at or before the start of the bucket */
};

#define CYCLE_US (TZ_CYCLE_DAYS * US_PER_DAY)

/* ---- the POSIX rule (IEEE 1003.1 section 8.3, with the hours -167 to 167 of RFC 8536 section 3.3.1) ---- */

enum rule_kind { RULE_JULIAN, RULE_DAY, RULE_WEEKDAY }; /* Jn, n, Mm.w.d */
struct rule_date {
	enum rule_kind kind;
	int32_t month, week, day, seconds;
};
struct rule {
	int32_t standard, daylight; /* offsets */
	bool has_daylight;
	struct rule_date start, end;
};

struct cursor {
	const char *p, *end;
};

static bool take(struct cursor *c, char ch)
{
	if (c->p == c->end || *c->p != ch) return false;
	c->p++;
	return true;
}

static bool take_number(struct cursor *c, int32_t min, int32_t max, int32_t *out)
{
	int32_t v = 0;
	const char *from = c->p;
	for (; c->p != c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
		v = v * 10 + (*c->p - '0');
		if (v > max) return false;
	}
	*out = v;
	return c->p != from && v >= min;
}

static bool take_name(struct cursor *c)
{
	const char *from = c->p;
	if (take(c, '<')) {
		while (c->p != c->end && *c->p != '>') c->p++;
		return c->p - from >= 4 && take(c, '>');
	}
	while (c->p != c->end && ((*c->p >= 'A' && *c->p <= 'Z') || (*c->p >= 'a' && *c->p <= 'z'))) c->p++;
	return c->p - from >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_seconds(struct cursor *c, int32_t hours_max, int32_t *out)
{
	const bool negative = take(c, '-');
	if (!negative) (void)take(c, '+');
	int32_t h;
	int32_t m = 0;
	int32_t s = 0;
	if (!take_number(c, 0, hours_max, &h)) return false;
	if (take(c, ':')) {
		if (!take_number(c, 0, 59, &m)) return false;
		if (take(c, ':') && !take_number(c, 0, 59, &s)) return false;
	}
	*out = (h * 3600 + m * 60 + s) * (negative ? -1 : 1);
	return true;
}

static bool take_date(struct cursor *c, struct rule_date *out)
{
	struct rule_date d = {.seconds = 2 * 3600};
	if (!take(c, ',')) return false;
	if (take(c, 'J')) {
		d.kind = RULE_JULIAN;
		if (!take_number(c, 1, 365, &d.day)) return false;
	} else if (take(c, 'M')) {
		d.kind = RULE_WEEKDAY;
		if (!take_number(c, 1, 12, &d.month) || !take(c, '.') || !take_number(c, 1, 5, &d.week)) return false;
		if (!take(c, '.') || !take_number(c, 0, 6, &d.day)) return false;
	} else {
		d.kind = RULE_DAY;
		if (!take_number(c, 0, 365, &d.day)) return false;
	}
	if (take(c, '/') && !take_seconds(c, 167, &d.seconds)) return false;
	*out = d;
	return true;
}

static bool rule_parse(struct str text, struct rule *out)
{
	struct cursor c = {text.p, text.p + text.n};
	struct rule r = {0};
	if (!take_name(&c) || !take_seconds(&c, 24, &r.standard)) return false;
	r.standard = -r.standard; /* POSIX counts west of Greenwich */
	if (c.p != c.end) {
		r.has_daylight = true;
		if (!take_name(&c)) return false;
		r.daylight = r.standard + 3600;
		if (c.p != c.end && *c.p != ',') {
			if (!take_seconds(&c, 24, &r.daylight)) return false;
			r.daylight = -r.daylight;
		}
		if (!take_date(&c, &r.start) || !take_date(&c, &r.end)) return false;
	}
	*out = r;
	return c.p == c.end;
}

/* Local seconds since 1970 of the rule's change in a year. */
static int64_t rule_seconds(const struct rule_date *d, int32_t year)
{
	int32_t date = date_from_civil(year, 1, 1);
	switch (d->kind) {
	case RULE_JULIAN: /* 1 to 365, 29 February is never counted */
		date += d->day - 1 + (d->day >= 60 && date_month_days(year, 2) == 29);
		break;
	case RULE_DAY: date += d->day; break;
	case RULE_WEEKDAY: {
		const int32_t first = date_from_civil(year, d->month, 1);
		const int32_t sunday_based = (date_weekday(first) + 1) % 7;
		int32_t day = (d->day - sunday_based + 7) % 7 + (d->week - 1) * 7;
		if (day >= date_month_days(year, d->month)) day -= 7; /* week 5 is the last one */
		date = first + day;
		break;
	}
	}
	return (int64_t)date * 86400 + d->seconds;
}

/* ---- the table ---- */

static void table_add(struct tz *tz, int64_t us, int32_t offset)
{
	/* Of changes at one instant the last stands: rules that save daylight all year end and start at once. */
	if (tz->n > 0 && tz->t[tz->n - 1].us == us) tz->n--;
	tz->t[tz->n++] = (struct transition){us, offset};
}

/* Append the rule's changes after the table's end. */
static void table_extend(struct tz *tz, const struct rule *r)
{
	const int64_t last = tz->n > 0 ? tz->t[tz->n - 1].us : INT64_MIN;
	const int32_t date = tz->n > 0 ? time_utc_date(last) : DATE_MIN;
	const int32_t year = date_to_civil(date < DATE_MIN ? DATE_MIN : date).year;
	for (int32_t y = year; y < year + TZ_RULE_YEARS; y++) {
		const int64_t start = (rule_seconds(&r->start, y) - r->standard) * US_PER_SECOND;
		const int64_t end = (rule_seconds(&r->end, y) - r->daylight) * US_PER_SECOND;
		const bool start_first = start < end;
		for (int k = 0; k < 2; k++) {
			const bool is_start = (k == 0) == start_first;
			const int64_t us = is_start ? start : end;
			if (us > last) table_add(tz, us, is_start ? r->daylight : r->standard);
		}
	}
	tz->cycle_from = date_from_civil(year + 2, 1, 1) * US_PER_DAY;
}

static void table_index(struct tz *tz)
{
	if (tz->n == 0) return;
	const int64_t old = date_from_civil(1850, 1, 1) * US_PER_DAY;
	tz->bucket_from = tz->t[0].us > old ? tz->t[0].us : old;
	const int64_t last = tz->t[tz->n - 1].us;
	int64_t n = last <= tz->bucket_from ? 1 : ((last - tz->bucket_from) >> TZ_BUCKET_SHIFT) + 1;
	if (n > TZ_BUCKETS_MAX) n = TZ_BUCKETS_MAX;
	tz->n_buckets = (uint32_t)n;
	uint32_t at = 0;
	for (uint32_t b = 0; b <= tz->n_buckets; b++) {
		const int64_t start = tz->bucket_from + ((int64_t)b << TZ_BUCKET_SHIFT);
		while (at < tz->n && tz->t[at].us <= start) at++;
		tz->bucket[b] = (uint16_t)at;
	}
}

_Static_assert(TZ_TABLE_MAX + 2 * TZ_RULE_YEARS <= UINT16_MAX, "a bucket counts every transition");

/* Number of transitions at or before us. */
static uint32_t table_rank(const struct tz *tz, int64_t us)
{
	uint32_t lo = 0;
	uint32_t hi = tz->n;
	if (tz->n_buckets > 0 && us >= tz->bucket_from) {
		const int64_t b = (us - tz->bucket_from) >> TZ_BUCKET_SHIFT;
		if (b < tz->n_buckets) {
			lo = tz->bucket[b];
			hi = tz->bucket[b + 1];
		} else {
			lo = tz->bucket[tz->n_buckets];
		}
	}
	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;
		if (tz->t[mid].us <= us)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int32_t offset_lookup(const struct tz *tz, int64_t us)
{
	if (us >= tz->cycle_from && us - tz->cycle_from >= CYCLE_US) us -= (us - tz->cycle_from) / CYCLE_US * CYCLE_US;
	const uint32_t rank = table_rank(tz, us);
	return rank == 0 ? tz->first_offset : tz->t[rank - 1].offset;
}

int32_t tz_offset_at(const struct tz *tz, int64_t us)
{
	return us >= tz->fixed_from ? tz->fixed_offset : offset_lookup(tz, us);
}

int32_t tz_date(const struct tz *tz, int64_t us)
{
	return time_utc_date(us + tz_offset_at(tz, us) * US_PER_SECOND);
}

/* First instant at or after `from` where the offset may change; INT64_MAX: none. */
static int64_t change_after(const struct tz *tz, int64_t from)
{
	int64_t shift = 0;
	if (from >= tz->cycle_from && from - tz->cycle_from >= CYCLE_US)
		shift = (from - tz->cycle_from) / CYCLE_US * CYCLE_US;
	const uint32_t rank = table_rank(tz, from - shift);
	return rank < tz->n ? tz->t[rank].us + shift : INT64_MAX;
}

enum { DAY_MARGIN_SECONDS = 2 * 86400 }; /* over any offset and any jump */

/* Walk the stretches of constant offset around the local midnight `local`. end: the instant after the last one whose
 * local time is before it; else the first one whose local time is at or after it. */
static int64_t midnight(const struct tz *tz, int64_t local, bool end)
{
	const int64_t from = local - DAY_MARGIN_SECONDS * US_PER_SECOND;
	if (from >= tz->fixed_from) return local - tz->fixed_offset * US_PER_SECOND;
	const int64_t to = local + DAY_MARGIN_SECONDS * US_PER_SECOND;
	int64_t found = to;
	for (int64_t at = from; at < to;) {
		const int64_t next = change_after(tz, at);
		const int64_t crossing = local - tz_offset_at(tz, at) * US_PER_SECOND;
		if (end && crossing > at) found = crossing < next ? crossing : next;
		if (!end && crossing < next) return crossing > at ? crossing : at;
		at = next;
	}
	return found;
}

int64_t tz_day_end(const struct tz *tz, int32_t date)
{
	return midnight(tz, (date + INT64_C(1)) * US_PER_DAY, true) - 1;
}

int64_t tz_day_start(const struct tz *tz, int32_t date)
{
	return midnight(tz, date * US_PER_DAY, false);
}

/* ---- the file ---- */

enum { HEADER_BYTES = 44, TYPE_BYTES = 6 };
struct header {
	uint8_t version;
	uint32_t isut, isstd, leap, time, type, chars;
};

static uint64_t big_endian(const uint8_t *p, int n)
{
	uint64_t v = 0;
	for (int i = 0; i < n; i++) v = v << 8 | p[i];
	return v;
}

static bool header_parse(const uint8_t *p, size_t n, struct header *out)
{
	if (n < HEADER_BYTES || memcmp(p, "TZif", 4) != 0) return false;
	*out = (struct header){
		.version = p[4],
		.isut = (uint32_t)big_endian(p + 20, 4),
		.isstd = (uint32_t)big_endian(p + 24, 4),
		.leap = (uint32_t)big_endian(p + 28, 4),
		.time = (uint32_t)big_endian(p + 32, 4),
		.type = (uint32_t)big_endian(p + 36, 4),
		.chars = (uint32_t)big_endian(p + 40, 4),
	};
	return out->time <= TZ_TABLE_MAX && out->type >= 1 && out->type <= 256 && out->chars <= TZ_FILE_BYTES_MAX &&
	       out->leap <= TZ_TABLE_MAX && out->isstd <= 256 && out->isut <= 256;
}

static size_t block_bytes(const struct header *h, size_t time_bytes)
{
	return h->time * time_bytes + h->time + (size_t)h->type * TYPE_BYTES + h->chars + h->leap * (time_bytes + 4) +
	       h->isstd + h->isut;
}

/* block[] is the version 2 data block, its length already checked. */
static status block_parse(struct tz *tz, const struct header *h, const uint8_t *block, struct err *err)
{
	const uint8_t *indices = block + (size_t)h->time * 8;
	const uint8_t *types = indices + h->time;
	const int64_t seconds_max = INT64_MAX / US_PER_SECOND / 2;
	int32_t offsets[256];
	for (uint32_t i = 0; i < h->type; i++) {
		offsets[i] = (int32_t)(uint32_t)big_endian(types + i * TYPE_BYTES, 4);
		if (offsets[i] <= -TZ_OFFSET_MAX || offsets[i] >= TZ_OFFSET_MAX)
			return fail(err, E_CORRUPT, "offset from UTC out of range");
	}
	tz->first_offset = offsets[0];
	int64_t before = INT64_MIN;
	for (uint32_t i = 0; i < h->time; i++) {
		int64_t s = (int64_t)big_endian(block + (size_t)i * 8, 8);
		if (i > 0 && s <= before) return fail(err, E_CORRUPT, "transition times do not rise");
		if (indices[i] >= h->type) return fail(err, E_CORRUPT, "transition of an unknown type");
		before = s;
		s = s < -seconds_max ? -seconds_max : s > seconds_max ? seconds_max : s;
		table_add(tz, s * US_PER_SECOND, offsets[indices[i]]);
	}
	return OK;
}

static status footer_parse(struct tz *tz, const uint8_t *p, size_t n, struct err *err)
{
	const uint8_t *end = n > 1 && p[0] == '\n' ? memchr(p + 1, '\n', n - 1) : NULL;
	if (end == NULL) return fail(err, E_CORRUPT, "no footer");
	const struct str text = {(const char *)p + 1, (size_t)(end - p - 1)};
	struct rule rule = {0};
	tz->cycle_from = INT64_MAX;
	tz->fixed_from = INT64_MAX;
	if (text.n > 0 && !rule_parse(text, &rule)) return fail(err, E_CORRUPT, "footer is no POSIX TZ string");
	if (rule.has_daylight) {
		table_extend(tz, &rule);
		return OK;
	}
	/* No more changes: the last type stands (the footer says the same), or the footer where there is no table. */
	tz->fixed_from = tz->n > 0 ? tz->t[tz->n - 1].us : INT64_MIN;
	tz->fixed_offset = text.n > 0 ? rule.standard : tz->n > 0 ? tz->t[tz->n - 1].offset : tz->first_offset;
	return OK;
}

static status tz_fill(struct tz *tz, const uint8_t *p, size_t n, struct err *err)
{
	struct header h;
	if (!header_parse(p, n, &h)) return fail(err, E_CORRUPT, "not a TZif file");
	if (h.version < '2') return fail(err, E_UNSUPPORTED, "TZif version 1; expected version 2 or later");
	const size_t skip = HEADER_BYTES + block_bytes(&h, 4);
	if (skip > n || !header_parse(p + skip, n - skip, &h)) return fail(err, E_CORRUPT, "no version 2 header");
	if (h.leap > 0) return fail(err, E_UNSUPPORTED, "a zone that counts leap seconds; choose one without");
	const size_t start = skip + HEADER_BYTES;
	const size_t size = block_bytes(&h, 8);
	if (size > n - start) return fail(err, E_CORRUPT, "cut short");
	tz->t = mem_zalloc(h.time + 2 * TZ_RULE_YEARS, sizeof tz->t[0]);
	if (tz->t == NULL) return fail_nomem(err);
	TRY(block_parse(tz, &h, p + start, err));
	TRY(footer_parse(tz, p + start + size, n - start - size, err));
	table_index(tz);
	return OK;
}

status tz_parse(const void *p, size_t n, struct tz **out, struct err *err)
{
	struct tz *tz = mem_zalloc(1, sizeof *tz);
	if (tz == NULL) return fail_nomem(err);
	const status code = tz_fill(tz, p, n, err);
	if (code != OK) {
		tz_destroy(tz);
		return code;
	}
	*out = tz;
	return OK;
}

void tz_destroy(struct tz *tz)
{
	if (tz == NULL) return;
	mem_free(tz->t);
	mem_free(tz);
}

/* A relative path of plain components: nothing outside the database can be named. */
static bool name_is_safe(const char *name)
{
	for (const char *p = name;; p++) {
		const char *start = p;
		while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
			(*p != '\0' && strchr("_+-", *p) != NULL))
			p++;
		if (p == start || (*p != '/' && *p != '\0')) return false;
		if (*p == '\0') return true;
	}
}

static bool nothing_there(const char *path)
{
	struct stat st;
	if (stat(path, &st) == 0) return S_ISDIR(st.st_mode);
	return errno == ENOENT || errno == ENOTDIR;
}

status tz_load(const char *name, struct tz **out, struct err *err)
{
	if (!name_is_safe(name))
		return fail(err, E_USAGE, "time zone: expected a name such as America/Bogota, found \"%.80s\"", name);
	const char *dir = getenv("TZDIR");
	char path[PATH_MAX];
	const int length =
		snprintf(path, sizeof path, "%s/%s", dir != NULL && dir[0] != '\0' ? dir : "/usr/share/zoneinfo", name);
	if (length < 0 || (size_t)length >= sizeof path) return fail(err, E_USAGE, "time zone: name too long");
	struct buf file;
	buf_init(&file, TZ_FILE_BYTES_MAX + (1 << 17));
	status code = file_read(path, TZ_FILE_BYTES_MAX, &file, err);
	if (code == OK) {
		code = tz_parse(file.p, file.n, out, err);
		if (code != OK) code = err_at(err, code, path, -1, -1);
	} else if (nothing_there(path)) { /* any other failure is told as what it is */
		code = fail(err, E_USAGE,
			"time zone: no zone \"%s\" in the tz database (%s); is the package tzdata installed?", name,
			path);
	}
	buf_deinit(&file);
	return code;
}
