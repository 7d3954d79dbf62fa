/* workloads/clickstream/event_form.c: see event_form.h. The general way (event.c) is the oracle of its test: what this one accepts has the same
 * event there. Bytes are compared where they must stand, so that nothing is looked for; padding allows to compare beyond the line's end, where
 * the byte behind it, whatever it is, is found out by the end's own check. */
#include "workloads/clickstream/event_form.h"

#include "base/time.h"
#include "base/uuid_table.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"

enum { DIGITS_MAX = 18 };
#define TS_MIN (INT64_C(10957) * US_PER_DAY) /* 2000-01-01, as event.c */

struct form {
	const char *p, *end;
};

/* The member's beginning: `,"name":` with its spaces; the first one's is `{"name":`. */
static inline bool take_name(struct form *f, char before, const char *quoted, size_t n)
{
	if (f->p >= f->end || *f->p++ != before)
		return false; /* what follows up to the next name is within the padding */
	if (*f->p == ' ' && before == ',') f->p++;
	if (memcmp(f->p, quoted, n) != 0) return false;
	f->p += n;
	if (*f->p++ != ':') return false;
	f->p += *f->p == ' ';
	return true;
}
#define TAKE_NAME(f, before, name) take_name((f), (before), "\"" name "\"", sizeof(name) + 1)

/* 36 characters of a UUID into id, in lower case. */
static bool take_id(struct form *f, char id[UUID_CHARS])
{
	const char *p = f->p + 1;
	if (f->end - f->p < UUID_CHARS + 2 || f->p[0] != '"' || f->p[UUID_CHARS + 1] != '"') return false;
	for (size_t i = 0; i < UUID_CHARS; i++)
		id[i] = (char)(p[i] | ((p[i] & 0x40) >> 1)); /* a letter's bit of lower case */
	f->p += UUID_CHARS + 2;
	return uuid_is_text(p);
}

static bool take_user(struct form *f, int64_t *user)
{
	int64_t v = 0;
	const char *begin = f->p;
	for (; *f->p >= '0' && *f->p <= '9'; f->p++) {
		if (f->p - begin >= DIGITS_MAX) return false;
		v = v * 10 + (*f->p - '0');
	}
	*user = v;
	return *begin != '0' && f->p > begin;
}

static bool take_word(struct form *f, const struct str *words, int n, int *out)
{
	if (*f->p++ != '"') return false;
	for (int i = 0; i < n; i++) {
		if (memcmp(f->p, words[i].p, words[i].n) != 0) continue;
		f->p += words[i].n;
		*out = i;
		return true;
	}
	return false;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first of eight bytes is the lowest");

/* Of eight bytes the top bits of those that are no plain text: quotes, backslashes, under a space. The lowest one is right; a borrow may set
 * others above it. */
static inline uint64_t not_plain(uint64_t w)
{
	const uint64_t quote = w ^ EACH_BYTE('"'), escape = w ^ EACH_BYTE('\\');
	return (((quote - EACH_BYTE(1)) & ~quote) | ((escape - EACH_BYTE(1)) & ~escape) | ((w - EACH_BYTE(' ')) & ~w)) &
	       EACH_BYTE(0x80);
}

static bool take_page(struct form *f, bool utf8_ok, struct str *page)
{
	uint64_t w, found = 0, all = 0;
	if (f->p[0] != '"' || f->p[1] != '/') return false;
	const char *begin = ++f->p;
	for (; f->p < f->end && found == 0; f->p += found == 0 ? sizeof w : 0) {
		memcpy(&w, f->p, sizeof w);
		found = not_plain(w);
		all |= found == 0 ? w : w & (((found & -found) >> 7) - 1); /* the bytes before it */
	}
	if (found != 0) f->p += __builtin_ctzll(found) / 8;
	*page = (struct str){begin, (size_t)(f->p - begin)};
	return f->p < f->end && *f->p++ == '"' &&
	       (utf8_ok || (all & EACH_BYTE(0x80)) == 0 || utf8_valid(page->p, page->n));
}

static bool take_time(struct form *f, int64_t *ts)
{
	if (*f->p++ != '"') return false;
	const char *begin = f->p;
	if (f->end - begin > TIME_RFC3339_CHARS && begin[TIME_RFC3339_CHARS] == '"')
		f->p += TIME_RFC3339_CHARS; /* a quote before that one is no time */
	else
		while (f->p < f->end && *f->p != '"' && *f->p != '\\') f->p++;
	if (f->p == f->end || *f->p != '"') return false;
	return time_parse((struct str){begin, (size_t)(f->p++ - begin)}, ts) && *ts >= TS_MIN;
}

bool clickstream_form_read(struct str line, bool utf8_ok, struct clickstream_event *out)
{
	/* With the quote behind them: no word is the beginning of another. */
	static const struct str types[CLICK_TYPES] = {
		STR("login\""), STR("click\""), STR("purchase\""), STR("logout\"")};
	static const struct str sources[CLICK_SOURCES] = {STR("web\""), STR("mobile\"")};
	struct form f = {line.p, line.p + line.n};
	if (!TAKE_NAME(&f, '{', "event_id") || !take_id(&f, out->id)) return false;
	if (!TAKE_NAME(&f, ',', "user_id") || !take_user(&f, &out->user)) return false;
	if (!TAKE_NAME(&f, ',', "event_type") || !take_word(&f, types, CLICK_TYPES, &out->type)) return false;
	if (!TAKE_NAME(&f, ',', "page") || !take_page(&f, utf8_ok, &out->page)) return false;
	if (!TAKE_NAME(&f, ',', "timestamp") || !take_time(&f, &out->ts)) return false;
	if (!TAKE_NAME(&f, ',', "source") || !take_word(&f, sources, CLICK_SOURCES, &out->source)) return false;
	out->has_ts = true;
	return f.p + 1 == f.end && *f.p == '}';
}
