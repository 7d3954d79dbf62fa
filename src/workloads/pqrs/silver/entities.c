/* workloads/pqrs/silver/entities.c: see entities.h.
 *
 * Invariants: 1. each byte is looked at a bounded number of times, whatever the text is; 2. what is found views the text, at most
 * ENTITIES_MAX of a kind. Must not know tickets or the classifier.
 */
#include "workloads/pqrs/silver/entities.h"
#ifdef PQR_SIMD
#include "workloads/pqrs/silver/entities_sse2.h"
#endif

enum { LOCAL_PART_MAX = 64 }; /* RFC 5321 section 4.5.3.1.1; also what keeps hostile text linear */
enum kind { AMOUNT, CASE_NUMBER, DATE, EMAIL, KIND_N };
static const char *const kind_names[KIND_N] = {"amounts", "case_numbers", "dates", "emails"};

struct found {
	struct str items[KIND_N][ENTITIES_MAX];
	size_t n[KIND_N];
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}
static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool is_local(char c)
{
	return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
}

/* The next place in p[at, n) of a digit, '$' or '@', or n. */
static size_t next_candidate(const char *p, size_t at, size_t n)
{
#ifdef PQR_SIMD
	at = entities_skip_sse2(p, at, n);
#endif
	while (at < n && !is_digit(p[at]) && p[at] != '$' && p[at] != '@') at++;
	return at;
}

static void keep(struct found *f, enum kind kind, const char *from, const char *to)
{
	if (f->n[kind] < ENTITIES_MAX) f->items[kind][f->n[kind]++] = (struct str){from, (size_t)(to - from)};
}

static const char *digits_end(const char *p, const char *end)
{
	while (p < end && is_digit(*p)) p++;
	return p;
}

/* p is behind '$': the end of the amount, or NULL. */
static const char *amount_end(const char *p, const char *end)
{
	if (p < end && *p == ' ') p++;
	if (p >= end || !is_digit(*p)) return NULL;
	p = digits_end(p, end);
	while (p + 1 < end && (*p == '.' || *p == ',') && is_digit(p[1])) p = digits_end(p + 1, end);
	return p;
}

static unsigned number(const char *p, const char *end)
{
	unsigned v = 0;
	for (; p < end; p++) v = v * 10 + (unsigned)(*p - '0');
	return v;
}

/* The end of a date that starts at p, or NULL. */
static const char *date_end(const char *p, const char *end)
{
	const char *a = digits_end(p, end);
	if (a >= end || (*a != '-' && *a != '/')) return NULL;
	const char sep = *a;
	const char *b = digits_end(a + 1, end);
	if (b >= end || *b != sep) return NULL;
	const char *c = digits_end(b + 1, end);
	if (c < end && is_alnum(*c)) return NULL;
	const size_t n1 = (size_t)(a - p), n2 = (size_t)(b - a - 1), n3 = (size_t)(c - b - 1);
	if (n2 < 1 || n2 > 2) return NULL;
	const unsigned month = number(a + 1, b);
	unsigned day;
	if (sep == '-' && n1 == 4 && n2 == 2 && n3 == 2)
		day = number(b + 1, c);
	else if (sep == '/' && n1 >= 1 && n1 <= 2 && n3 == 4)
		day = number(p, a);
	else
		return NULL;
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 ? c : NULL;
}

/* The word of letters, digits and inner hyphens around at, not reaching before floor: a case number or nothing. Returns its end. */
static const char *case_number(struct found *f, const char *floor, const char *at, const char *end)
{
	const char *from = at, *to = at;
	while (from > floor && (is_alnum(from[-1]) || from[-1] == '-')) from--;
	while (to < end && (is_alnum(*to) || *to == '-')) to++;
	while (from < at && *from == '-') from++;
	const char *last = to;
	while (last > at && last[-1] == '-') last--;
	size_t digits = 0;
	for (const char *p = from; p < last; p++) digits += is_digit(*p);
	if (digits >= 6) keep(f, CASE_NUMBER, from, last);
	return to;
}

/* at is an '@': an address around it or nothing. Returns where to go on. */
static const char *email(struct found *f, const char *floor, const char *at, const char *end)
{
	const char *from = at, *to = at + 1, *dot = NULL;
	while (from > floor && at - from < LOCAL_PART_MAX && is_local(from[-1])) from--;
	while (from < at && !is_alnum(*from)) from++;
	for (; to < end && (is_alnum(*to) || *to == '-' || *to == '.'); to++) {
		if (*to == '.' && to + 1 < end && is_alnum(to[1]) && to > at + 1) dot = to;
	}
	while (to > at + 1 && !is_alnum(to[-1])) to--;
	if (from == at || dot == NULL || to - dot < 3) return at + 1;
	keep(f, EMAIL, from, to);
	return to;
}

static void find(struct found *f, struct str text)
{
	const char *end = text.p + text.n, *floor = text.p;
	for (size_t i = next_candidate(text.p, 0, text.n); i < text.n;
		i = next_candidate(text.p, (size_t)(floor - text.p), text.n)) {
		const char *at = text.p + i;
		const char *to = NULL;
		if (*at == '@') {
			floor = email(f, floor, at, end);
			continue;
		}
		if (*at == '$') {
			to = amount_end(at + 1, end);
			if (to != NULL) keep(f, AMOUNT, at, to);
			floor = to != NULL ? to : at + 1;
			continue;
		}
		/* The local part of an address may hold digits: leave the word to the '@' behind it. */
		const char *word = at, *word_end = end - at > LOCAL_PART_MAX ? at + LOCAL_PART_MAX : end;
		while (word < word_end && is_local(*word)) word++;
		if (word < end && *word == '@') {
			floor = email(f, floor, word, end);
			continue;
		}
		if (at == floor || !is_alnum(at[-1])) to = date_end(at, end);
		if (to != NULL) keep(f, DATE, at, to);
		floor = to != NULL ? to : case_number(f, floor, at, end);
	}
}

void entities_json(struct str text, struct buf *out)
{
	struct found f;
	memset(f.n, 0, sizeof f.n);
	if (text.n > 0) find(&f, text);
	buf_char(out, '{');
	bool first = true;
	for (int kind = 0; kind < KIND_N; kind++) {
		if (f.n[kind] == 0) continue;
		buf_str(out, first ? "\"" : ",\"");
		first = false;
		buf_str(out, kind_names[kind]);
		buf_str(out, "\":[");
		for (size_t i = 0; i < f.n[kind]; i++) {
			if (i > 0) buf_char(out, ',');
			buf_json_str(out, f.items[kind][i]);
		}
		buf_char(out, ']');
	}
	buf_char(out, '}');
}
