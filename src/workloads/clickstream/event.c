/* workloads/clickstream/event.c: see event.h. One pass takes the members as they stand; what they say is judged afterwards, so that the
 * reason does not depend on their order. */
#include "workloads/clickstream/event.h"

#include <ctype.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/time.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "workloads/clickstream/event_form.h"

#define TS_MIN (INT64_C(10957) * US_PER_DAY) /* 2000-01-01 */
#define SCRATCH_MAX (UINT64_C(1) << 27)

static const struct str member_names[MEMBERS] = {
	STR("event_id"), STR("user_id"), STR("event_type"), STR("page"), STR("timestamp"), STR("source")};
static const char *const verdict_names[CLICK_VERDICTS] = {"valid", "blank", "too_long", "invalid_utf8", "not_json",
	"not_object", "missing", "bad_type", "bad_uuid", "bad_value", "bad_enum", "bad_timestamp"};

const char *clickstream_reason_text(struct clickstream_reason r, char dst[CLICK_REASON_BYTES])
{
	const bool member = r.verdict >= CLICK_MISSING && r.verdict <= CLICK_BAD_ENUM;
	(void)snprintf(dst, CLICK_REASON_BYTES, "%s%s%s", verdict_names[r.verdict], member ? ":" : "",
		member ? member_names[r.member].p : "");
	return dst;
}

void clickstream_parser_init(struct clickstream_parser *p, size_t line_bytes_max)
{
	*p = (struct clickstream_parser){.line_bytes_max = line_bytes_max};
	buf_init(&p->page, SCRATCH_MAX);
	buf_init(&p->extra, SCRATCH_MAX);
}

void clickstream_parser_deinit(struct clickstream_parser *p)
{
	buf_deinit(&p->page);
	buf_deinit(&p->extra);
}

status clickstream_parser_check(const struct clickstream_parser *p, struct err *err)
{
	return p->failed || p->page.failed || p->extra.failed ? fail_nomem(err) : OK;
}

/* ---- members as they stand -------------------------------------------------------------------------------------------- */

struct member {
	enum json_kind kind; /* JSON_NONE, JSON_NULL: absent */
	struct json_string text;
	struct str number;
};

/* guess: the one behind the last; producers mostly keep to the contract's order. */
static int member_of(const struct json_string *key, int guess)
{
	char plain[16];
	const struct str *likely = &member_names[guess < MEMBERS ? guess : 0];
	/* Read where it stands: a copy would wait for what was just stored. */
	if (!key->has_escape && key->raw.n == likely->n && memcmp(key->raw.p, likely->p, likely->n) == 0)
		return guess < MEMBERS ? guess : 0;
	struct str name = key->raw;
	if (key->has_escape && name.n <= sizeof plain) name = (struct str){plain, json_unescape(key->raw, plain)};
	int i = 0;
	while (i < MEMBERS && !str_eq(name, member_names[i])) i++;
	return i;
}

static bool take_member(struct json_scan *s, struct member *m)
{
	m->kind = json_peek(s);
	if (m->kind == JSON_STRING) return json_take_string(s, &m->text);
	if (m->kind == JSON_NUMBER) return json_take_number(s, &m->number);
	return json_skip(s, NULL);
}

static enum clickstream_verdict scan(struct clickstream_parser *p, struct str line, struct member members[MEMBERS])
{
	struct json_scan s;
	struct json_string key;
	json_start(&s, line.p, line.n);
	const bool object = json_peek(&s) == JSON_OBJECT;
	if (!object) {
		const bool valid = json_skip(&s, NULL) && json_end(&s);
		return valid ? CLICK_NOT_OBJECT : CLICK_NOT_JSON;
	}
	bool ok = json_object_begin(&s);
	for (int m = -1; ok && json_object_next(&s, &key);) {
		m = member_of(&key, m + 1);
		ok = m < MEMBERS ? take_member(&s, &members[m]) : json_take_extra(&s, key, &p->extra);
	}
	return ok && s.error == NULL && json_end(&s) ? CLICK_VALID : CLICK_NOT_JSON;
}

/* ---- what they say ----------------------------------------------------------------------------------------------------- */

/* The text without escapes. NULL-safe: a short one into dst, which has room for `size` bytes; a longer one with escapes is no word. */
static struct str word_of(const struct member *m, char *dst, size_t size)
{
	if (!m->text.has_escape) return m->text.raw;
	if (m->text.raw.n > size) return (struct str){"", 0};
	return (struct str){dst, json_unescape(m->text.raw, dst)};
}

static int word_index(const struct member *m, const char *const *words)
{
	char plain[16];
	const struct str word = word_of(m, plain, sizeof plain);
	int i = 0;
	while (words[i] != NULL && !str_is(word, words[i])) i++;
	return words[i] != NULL ? i : -1;
}

static bool read_time(const struct member *m, int64_t *ts)
{
	char plain[64];
	return m->kind == JSON_STRING && time_parse(word_of(m, plain, sizeof plain), ts) && *ts >= TS_MIN;
}

static bool read_id(const struct member *m, char dst[36])
{
	char plain[64];
	uint8_t id[UUID_BYTES];
	if (!uuid_parse(word_of(m, plain, sizeof plain), id)) return false;
	uuid_format(id, dst);
	return true;
}

static bool read_page(struct clickstream_parser *p, const struct member *m, struct str *out)
{
	*out = m->text.raw;
	if (m->text.has_escape) {
		p->failed |= p->page.failed;
		buf_reset(&p->page);
		uint8_t *dst = buf_reserve(&p->page, m->text.raw.n);
		if (dst == NULL) return false;
		*out = (struct str){(const char *)dst, json_unescape(m->text.raw, (char *)dst)};
	}
	return out->n > 0 && out->p[0] == '/' && memchr(out->p, 0, out->n) == NULL;
}

static enum clickstream_verdict judge(
	struct clickstream_parser *p, const struct member *m, int member, struct clickstream_event *ev)
{
	if (m->kind == JSON_NONE || m->kind == JSON_NULL) return CLICK_MISSING;
	if (m->kind != (member == MEMBER_USER ? JSON_NUMBER : JSON_STRING)) return CLICK_BAD_TYPE;
	switch ((enum clickstream_member)member) {
	case MEMBER_ID: return read_id(m, ev->id) ? CLICK_VALID : CLICK_BAD_UUID;
	case MEMBER_USER:
		if (!json_number_i64(m->number, &ev->user)) return CLICK_BAD_TYPE;
		return ev->user >= 1 ? CLICK_VALID : CLICK_BAD_VALUE;
	case MEMBER_TYPE:
		ev->type = word_index(m, clickstream_type_names);
		return ev->type >= 0 ? CLICK_VALID : CLICK_BAD_ENUM;
	case MEMBER_PAGE: return read_page(p, m, &ev->page) ? CLICK_VALID : CLICK_BAD_VALUE;
	case MEMBER_TIMESTAMP: return ev->has_ts ? CLICK_VALID : CLICK_BAD_TIMESTAMP;
	case MEMBER_SOURCE:
		ev->source = word_index(m, clickstream_source_names);
		return ev->source >= 0 ? CLICK_VALID : CLICK_BAD_ENUM;
	case MEMBERS: break;
	}
	return CLICK_VALID;
}

/* ---- lines ------------------------------------------------------------------------------------------------------------- */

static struct str without_bom(struct str line)
{
	static const char bom[] = "\xef\xbb\xbf";
	if (line.n < 3 || memcmp(line.p, bom, 3) != 0) return line;
	return (struct str){line.p + 3, line.n - 3};
}

static bool is_blank(struct str line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r') return false;
	}
	return true;
}

static size_t length(struct str line)
{
	return line.n > 0 && line.p[line.n - 1] == '\r' ? line.n - 1 : line.n;
}

static struct clickstream_reason parse_members(
	struct clickstream_parser *p, struct str line, bool utf8_ok, struct clickstream_event *out)
{
	struct member members[MEMBERS];
	for (int i = 0; i < MEMBERS; i++) members[i].kind = JSON_NONE; /* which says what else of it may be read */
	if (is_blank(line)) return (struct clickstream_reason){CLICK_BLANK, 0};
	if (!utf8_ok && !utf8_valid(line.p, line.n)) return (struct clickstream_reason){CLICK_INVALID_UTF8, 0};
	const enum clickstream_verdict form = scan(p, line, members);
	if (form != CLICK_VALID) return (struct clickstream_reason){form, 0};
	out->has_ts = read_time(&members[MEMBER_TIMESTAMP], &out->ts);
	for (int i = 0; i < MEMBERS; i++) {
		const enum clickstream_verdict v = judge(p, &members[i], i, out);
		if (v != CLICK_VALID) return (struct clickstream_reason){v, i};
	}
	if (p->extra.n > 0) {
		buf_char(&p->extra, '}');
		out->extra = (struct str){(const char *)p->extra.p, p->extra.n};
	}
	return (struct clickstream_reason){CLICK_VALID, 0};
}

struct clickstream_reason clickstream_parse(
	struct clickstream_parser *p, struct str whole, bool utf8_ok, struct clickstream_event *out)
{
	*out = (struct clickstream_event){.line = whole};
	p->failed |= p->page.failed || p->extra.failed;
	buf_reset(&p->extra);
	if (length(whole) > p->line_bytes_max) return (struct clickstream_reason){CLICK_TOO_LONG, 0};
	if (clickstream_form_read(whole, utf8_ok, out)) return (struct clickstream_reason){CLICK_VALID, 0};
	*out = (struct clickstream_event){.line = whole};
	return parse_members(p, without_bom(whole), utf8_ok, out);
}

struct clickstream_reason clickstream_next(
	struct clickstream_parser *p, struct line_cursor *c, struct clickstream_event *out)
{
	const char *end = memchr(c->p, '\n', (size_t)(c->limit - c->p));
	if (end == NULL) end = c->limit;
	const struct str line = {c->p, (size_t)(end - c->p)};
	c->p = end < c->limit ? end + 1 : end;
	return clickstream_parse(p, line, c->utf8_ok, out);
}
