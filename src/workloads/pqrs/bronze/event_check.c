/* workloads/pqrs/bronze/event_check.c: members against the contract: kinds, enums, ids and times.
 *
 * One pass over bit sets; of several faults the reason is the first in the order of the contract, whatever their order in the
 * line.
 */
#include <stdio.h>

#include "base/time.h"
#include "base/unicode.h"
#include "workloads/pqrs/bronze/event_int.h"

#define C(name) BIT(BRONZE_##name)

enum { TYPES = 4, ORDER_MAX = 17 };
struct type_contract {
	const char *name;
	uint64_t required;
	uint8_t order[ORDER_MAX]; /* members of data as the contract lists them; BRONZE_EVENT_ID ends */
};
static const struct type_contract contracts[TYPES] = {
	{"TICKET_CREATED", C(EXTERNAL_ID) | C(SOURCE_CHANNEL),
		{BRONZE_EXTERNAL_ID, BRONZE_SOURCE_CHANNEL, BRONZE_PQRS_TYPE, BRONZE_PRIORITY, BRONZE_GEO_REGION,
			BRONZE_GEO_MUNICIPIO, BRONZE_DANE_CITY_CODE, BRONZE_SUBJECT, BRONZE_TEXT, BRONZE_TEXT_LEN,
			BRONZE_SLA_BUSINESS_DAYS, BRONZE_RADICATED_AT, BRONZE_SLA_DUE_AT, BRONZE_CLOSED_AT,
			BRONZE_TOPIC_PRECLASSIFIED, BRONZE_PRECLASSIFIER, BRONZE_REQUEST_KIND}},
	{"MESSAGE_ADDED", C(ROLE) | C(TEXT),
		{BRONZE_ROLE, BRONZE_TEXT, BRONZE_TEXT_LEN, BRONZE_SUBJECT, BRONZE_MESSAGE_ID}},
	{"STATUS_CHANGED", C(STATUS_FROM) | C(STATUS_TO),
		{BRONZE_STATUS_FROM, BRONZE_STATUS_TO, BRONZE_ACTOR_ROLE, BRONZE_REASON}},
	{"ATTACHMENT_ADDED", C(FILE_TYPE) | C(SIZE_KB),
		{BRONZE_FILE_TYPE, BRONZE_SIZE_KB, BRONZE_FILE_NAME, BRONZE_SOURCE_CHANNEL}},
};
static const uint8_t envelope_order[] = {BRONZE_EVENT_ID, BRONZE_TICKET_ID, BRONZE_EVENT_TYPE, BRONZE_TS, EVENT_DATA,
	BRONZE_SCHEMA_VERSION, BRONZE_TENANT_ID};

/* The members of data that each type knows, as bits; contracts[].order says the same. */
static const uint64_t members_of[TYPES] = {
	C(EXTERNAL_ID) | C(SOURCE_CHANNEL) | C(PQRS_TYPE) | C(PRIORITY) | C(GEO_REGION) | C(GEO_MUNICIPIO) |
		C(DANE_CITY_CODE) | C(SUBJECT) | C(TEXT) | C(TEXT_LEN) | C(SLA_BUSINESS_DAYS) | C(RADICATED_AT) |
		C(SLA_DUE_AT) | C(CLOSED_AT) | C(TOPIC_PRECLASSIFIED) | C(PRECLASSIFIER) | C(REQUEST_KIND),
	C(ROLE) | C(TEXT) | C(TEXT_LEN) | C(SUBJECT) | C(MESSAGE_ID),
	C(STATUS_FROM) | C(STATUS_TO) | C(ACTOR_ROLE) | C(REASON),
	C(FILE_TYPE) | C(SIZE_KB) | C(FILE_NAME) | C(SOURCE_CHANNEL),
};

#define ENVELOPE_REQUIRED (C(EVENT_ID) | C(TICKET_ID) | C(EVENT_TYPE) | C(TS) | BIT(EVENT_DATA))
#define ENVELOPE (ENVELOPE_REQUIRED | C(SCHEMA_VERSION) | C(TENANT_ID))
#define INTEGERS (C(TEXT_LEN) | C(SLA_BUSINESS_DAYS) | C(SIZE_KB))
#define TIMES (C(TS) | C(RADICATED_AT) | C(SLA_DUE_AT) | C(CLOSED_AT))
#define ENUMS \
	(C(EVENT_TYPE) | C(SOURCE_CHANNEL) | C(PQRS_TYPE) | C(PRIORITY) | C(ROLE) | C(ACTOR_ROLE) | C(REQUEST_KIND))
#define UUIDS (C(EVENT_ID) | C(TICKET_ID))
#define NUMBERS_TOO (C(EXTERNAL_ID) | C(DANE_CITY_CODE)) /* spreadsheets make numbers of these */
#define STRINGS_ONLY (~(INTEGERS | BIT(EVENT_DATA) | C(PRECLASSIFIER)))

#define TS_MIN (INT64_C(10957) * US_PER_DAY) /* 2000-01-01: what is older is a clock that was never set */

const char *const event_tolerance_names[TOLERATED_N] = {"bom", "number", "offset", "no_zone", "word", "surrogate"};

const char *event_reason_text(struct event_reason r, char *dst)
{
	static const char *const names[] = {"valid", "blank", "too_long", "invalid_utf8", "not_json", "not_object",
		"missing:", "bad_type:", "bad_uuid:", "bad_timestamp", "bad_enum:", "conflicting_duplicate"};
	const size_t n = strlen(names[r.verdict]);
	memcpy(dst, names[r.verdict], n + 1);
	if (dst[n - 1] == ':') {
		const char *field = r.field == EVENT_DATA ? "data" : pqrs_bronze_events.columns[r.field].name;
		memcpy(dst + n, field, strlen(field) + 1);
	}
	return dst;
}

/* ---- values ---- */

static int enum_of(struct str s, const char *const *names, int n)
{
	for (int i = 0; i < n; i++) {
		if (strlen(names[i]) == s.n && memcmp(names[i], s.p, s.n) == 0) return i;
	}
	return -1;
}

/* The same without case and accents. */
static int word_of(struct str s, const char *const *names, int n)
{
	char folded[32];
	size_t n_folded = 0;
	while (s.n > 0) {
		char out[UNICODE_FOLD_MAX];
		size_t n_out = 1, read = 1;
		out[0] = s.p[0];
		if ((unsigned char)s.p[0] >= 0x80)
			read = unicode_fold(s.p, s.n, out, &n_out);
		else if (s.p[0] >= 'A' && s.p[0] <= 'Z')
			out[0] = (char)(s.p[0] - 'A' + 'a');
		if (n_folded + n_out > sizeof folded) return -1;
		memcpy(folded + n_folded, out, n_out);
		n_folded += n_out;
		s = (struct str){s.p + read, s.n - read};
	}
	for (int i = 0; i < n; i++) {
		bool same = strlen(names[i]) == n_folded;
		for (size_t k = 0; same && k < n_folded; k++) {
			const char c = names[i][k];
			same = folded[k] == (c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
		}
		if (same) return i;
	}
	return -1;
}

/* The place of the member's value in names; a word that is spelt otherwise becomes the one of the list. */
static int spelt(struct event_parser *e, unsigned column, const char *const *names, int n, struct event *out)
{
	int at = enum_of(e->value[column], names, n);
	if (at >= 0) return at;
	at = word_of(e->value[column], names, n);
	if (at < 0) return -1;
	e->value[column] = str_of(names[at]);
	out->tolerated |= BIT(TOLERATED_WORD);
	return at;
}

static int type_of(struct event_parser *e, struct event *out)
{
	static const char *const names[TYPES] = {
		"TICKET_CREATED", "MESSAGE_ADDED", "STATUS_CHANGED", "ATTACHMENT_ADDED"};
	return spelt(e, BRONZE_EVENT_TYPE, names, TYPES, out);
}

static bool enum_ok(struct event_parser *e, unsigned column, struct event *out)
{
	static const char *const channels[] = {"email", "webform", "chat", "call", "other_digital"};
	static const char *const types[] = {"P", "Q", "R", "S"};
	static const char *const priorities[] = {"alta", "media", "baja"};
	static const char *const roles[] = {"citizen", "agent"};
	static const char *const actors[] = {"system", "agent"};
	static const char *const kinds[] = {"general", "information", "consultation"};
	switch (column) {
	case BRONZE_SOURCE_CHANNEL: return spelt(e, column, channels, 5, out) >= 0;
	case BRONZE_PQRS_TYPE: return spelt(e, column, types, 4, out) >= 0;
	case BRONZE_PRIORITY: return spelt(e, column, priorities, 3, out) >= 0;
	case BRONZE_ROLE: return spelt(e, column, roles, 2, out) >= 0;
	case BRONZE_ACTOR_ROLE: return spelt(e, column, actors, 2, out) >= 0;
	case BRONZE_REQUEST_KIND: return spelt(e, column, kinds, 3, out) >= 0;
	default: return true; /* event_type: type_of */
	}
}

static bool digits_alone(struct str s)
{
	size_t i = 0;
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9') i++;
	return s.n > 0 && i == s.n;
}

/* A whole number in place of a text: its digits as they stand, or those of another way to write it (a table's column with gaps has
 * 8001.0). */
static bool number_as_text(struct event_parser *e, unsigned column, struct event *out)
{
	struct str *s = &e->value[column];
	int64_t v;
	if (digits_alone(*s)) return s->n <= 32;
	if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9' || !json_number_i64(*s, &v)) return false;
	char *text = out->number_text[column == BRONZE_DANE_CITY_CODE];
	*s = (struct str){text, (size_t)snprintf(text, sizeof out->number_text[0], "%lld", (long long)v)};
	return true;
}

static bool integer_ok(unsigned column, struct str text, int64_t *out)
{
	int64_t v = 0;
	if (text.p[0] != '-' && (unsigned char)(text.p[0] - '0') > 9) return false; /* a literal, an array, an object */
	if (text.n <= 9 && text.p[0] >= '1' && text.p[0] <= '9') { /* by far the most; else the full grammar */
		size_t i = 0;
		for (; i < text.n && (unsigned char)(text.p[i] - '0') <= 9; i++) v = v * 10 + (text.p[i] - '0');
		if (i < text.n && !json_number_i64(text, &v)) return false;
	} else if (!json_number_i64(text, &v)) {
		return false;
	}
	if (column == BRONZE_SIZE_KB ? v < 0 : v < INT32_MIN || v > INT32_MAX) return false;
	*out = v;
	return true;
}

static inline bool two_digits(const char *p, int64_t *out)
{
	const unsigned a = (unsigned char)(p[0] - '0'), b = (unsigned char)(p[1] - '0');
	*out = (int64_t)(a * 10 + b);
	return a <= 9 && b <= 9;
}

/* The day's midnight. base/time decides which days exist; the last one is remembered. */
static bool day_start(struct event_parser *e, const char *p, int64_t *out)
{
	if (memcmp(e->day_text, p, sizeof e->day_text) != 0) {
		int32_t date;
		if (p[0] < '1' || p[0] > '8') return false; /* so that no offset leaves the years that exist */
		if (!date_parse((struct str){p, sizeof e->day_text}, &date)) return false;
		memcpy(e->day_text, p, sizeof e->day_text);
		e->day_us = date * US_PER_DAY;
	}
	*out = e->day_us;
	return true;
}

/* 2025-09-01T12:34:56[.123456789](Z|+hh:mm|-hh:mm), seconds under 60. false: let time_parse decide. */
static bool time_common(struct event_parser *e, struct str t, int64_t *out)
{
	int64_t day, hour, minute, second;
	if (t.n < 20 || t.p[10] != 'T' || t.p[13] != ':' || t.p[16] != ':' || !day_start(e, t.p, &day)) return false;
	if (!two_digits(t.p + 11, &hour) || !two_digits(t.p + 14, &minute) || !two_digits(t.p + 17, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 59) return false;
	size_t i = 19;
	int64_t fraction = 0;
	if (t.p[i] == '.') {
		static const int32_t scale[10] = {0, 100000, 10000, 1000, 100, 10, 1, 1, 1, 1};
		const size_t from = ++i;
		for (; i < t.n && (unsigned char)(t.p[i] - '0') <= 9; i++) {
			if (i - from < 6) fraction = fraction * 10 + (t.p[i] - '0');
		}
		if (i == from || i - from > 9) return false;
		fraction *= scale[i - from];
	}
	int64_t offset = 0;
	if (t.n - i == 6 && (t.p[i] == '+' || t.p[i] == '-') && t.p[i + 3] == ':') {
		int64_t hours, minutes;
		if (!two_digits(t.p + i + 1, &hours) || !two_digits(t.p + i + 4, &minutes) || hours > 23 ||
			minutes > 59)
			return false;
		offset = (hours * 60 + minutes) * (t.p[i] == '-' ? -60 : 60);
	} else if (t.n - i != 1 || t.p[i] != 'Z') {
		return false;
	}
	*out = day + (hour * 3600 + minute * 60 + second - offset) * US_PER_SECOND + fraction;
	return true;
}

/* The instant at which clocks of the zone show what UTC's show at `us`. */
static int64_t zone_to_utc(const struct tz *zone, int64_t us)
{
	const int64_t near = us - tz_offset_at(zone, us) * US_PER_SECOND;
	return us - tz_offset_at(zone, near) * US_PER_SECOND;
}

/* A time whose offset is written as -0500 or -05, or is not there. */
static bool time_tolerant(const struct event_parser *e, struct str text, int64_t *us, uint64_t *tolerated)
{
	char copy[48];
	size_t i = 19;
	if (text.n < i || text.n > 40) return false;
	if (i < text.n && text.p[i] == '.') {
		for (i++; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++) {}
	}
	const size_t n_zone = text.n - i;
	memcpy(copy, text.p, text.n);
	size_t n = text.n;
	if (n_zone == 0) {
		copy[n++] = 'Z';
		if (e->zone == NULL || !time_parse((struct str){copy, n}, us)) return false;
		*us = zone_to_utc(e->zone, *us);
		*tolerated |= BIT(TOLERATED_NO_ZONE);
		return true;
	}
	if ((copy[i] != '+' && copy[i] != '-') || (n_zone != 3 && n_zone != 5)) return false;
	copy[i + 3] = ':';
	memcpy(copy + i + 4, n_zone == 5 ? text.p + i + 3 : "00", 2);
	n = i + 6;
	if (!time_parse((struct str){copy, n}, us)) return false;
	*tolerated |= BIT(TOLERATED_OFFSET);
	return true;
}

static bool time_ok(struct event_parser *e, struct str text, int64_t *us, struct event *out)
{
	return event_time_parse(e, text, us) || time_tolerant(e, text, us, &out->tolerated);
}

bool event_time_parse(struct event_parser *e, struct str text, int64_t *out)
{
	return time_common(e, text, out) || time_parse(text, out);
}

/* A checked id into out, lower-cased when it has to be. */
static bool id_ok(struct event_parser *e, unsigned column, struct event *out)
{
	const struct str s = e->value[column];
	if ((e->checked_ids & BIT(column)) == 0) {
		char text[UUID_CHARS + 32] = {0}; /* value may stand in scratch, with nothing readable behind it */
		if (s.n != UUID_CHARS) return false;
		memcpy(text, s.p, UUID_CHARS);
		if (!event_uuid_parse(text, e->ids[column], &e->upper[column])) return false;
	}
	out->str[column] = s;
	if (e->upper[column]) {
		uuid_format(e->ids[column], out->id_text[column]);
		out->str[column] = (struct str){out->id_text[column], UUID_CHARS};
	}
	return true;
}

/* Decoded strings in place of escaped ones. */
static void decode_escapes(struct event_parser *e, uint64_t fields)
{
	for (uint64_t rest = fields; rest != 0; rest &= rest - 1) {
		struct str *s = &e->value[__builtin_ctzll(rest)];
		uint8_t *dst = buf_reserve(&e->scratch, s->n);
		if (dst == NULL) return;
		s->n = json_unescape(*s, (char *)dst);
		s->p = (const char *)dst;
		buf_commit(&e->scratch, s->n);
	}
}

/* JSON text without white space between its tokens: what another program would have written of the same value. dst has room for it all. */
static size_t without_space(struct str s, char *dst)
{
	size_t n = 0;
	bool quoted = false;
	for (size_t i = 0; i < s.n; i++) {
		const char c = s.p[i];
		if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
		if (c == '"') quoted = !quoted;
		dst[n++] = c;
		if (quoted && c == '\\') dst[n++] = s.p[++i]; /* checked: something follows */
	}
	return n;
}

/* A value that is kept as its JSON text, in a copy that others can read. */
static void mend_nested(struct event_parser *e, unsigned field)
{
	struct str *s = &e->value[field];
	if ((e->present & ~e->strings & BIT(field)) == 0) return;
	uint8_t *dst = buf_reserve(&e->scratch, s->n);
	if (dst == NULL) return;
	s->n = without_space(*s, (char *)dst);
	if (e->lone) json_mend_surrogates((char *)dst, s->n);
	s->p = (const char *)dst;
	buf_commit(&e->scratch, s->n);
}

/* ---- extra ---- */

/* Members of other event types go where unknown ones are. */
static void move_foreign(struct event_parser *e, uint64_t foreign)
{
	for (uint64_t rest = foreign; rest != 0; rest &= rest - 1) {
		const unsigned field = (unsigned)__builtin_ctzll(rest);
		struct str v = e->value[field];
		if ((e->strings & BIT(field)) != 0) v = (struct str){v.p - 1, v.n + 2};
		const struct unknown_member m = {str_of(pqrs_bronze_events.columns[field].name), v, false};
		(void)event_unknown_add(e, &e->unknown_data, &m);
	}
	e->present &= ~foreign;
}

static void extra_members(struct buf *b, const struct unknown_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0) buf_char(b, ',');
		buf_char(b, '"');
		buf_add(b, l->items[i].key.p, l->items[i].key.n);
		buf_add(b, "\":", 2);
		buf_add(b, l->items[i].value.p, l->items[i].value.n);
	}
}

static void extra_build(struct event_parser *e, struct event *out)
{
	struct buf *b = &e->extra;
	buf_reset(b);
	buf_char(b, '{');
	extra_members(b, &e->unknown);
	if (e->unknown_data.n > 0) {
		if (e->unknown.n > 0) buf_char(b, ',');
		buf_str(b, "\"data\":{");
		extra_members(b, &e->unknown_data);
		buf_char(b, '}');
	}
	buf_char(b, '}');
	if (b->failed) e->failed = true;
	if (e->lone && !b->failed) json_mend_surrogates((char *)b->p, b->n);
	out->str[BRONZE_EXTRA] = (struct str){(const char *)b->p, b->n};
	out->set |= BIT(BRONZE_EXTRA);
}

/* ---- the check ---- */

static struct event_reason reason_of(const struct event_parser *e, unsigned field)
{
	const uint64_t bit = BIT(field);
	const bool live = (e->present & ~e->nulls & bit) != 0;
	enum event_verdict verdict = EVENT_BAD_TYPE;
	if (!live)
		verdict = EVENT_MISSING;
	else if ((bit & STRINGS_ONLY) == 0 || (e->strings & bit) == 0)
		verdict = EVENT_BAD_TYPE;
	else if ((bit & UUIDS) != 0)
		verdict = EVENT_BAD_UUID;
	else if ((bit & TIMES) != 0)
		verdict = EVENT_BAD_TIMESTAMP;
	else if ((bit & ENUMS) != 0)
		verdict = EVENT_BAD_ENUM;
	return (struct event_reason){verdict, verdict == EVENT_BAD_TIMESTAMP ? 0 : (int)field};
}

/* The first field with trouble, in contract order. */
static struct event_reason first_reason(const struct event_parser *e, uint64_t trouble, int type)
{
	for (size_t i = 0; i < sizeof envelope_order; i++) {
		if ((trouble & BIT(envelope_order[i])) != 0) return reason_of(e, envelope_order[i]);
	}
	ASSERT(type >= 0); /* else event_type was in trouble */
	for (size_t i = 0; i < ORDER_MAX && contracts[type].order[i] != BRONZE_EVENT_ID; i++) {
		if ((trouble & BIT(contracts[type].order[i])) != 0) return reason_of(e, contracts[type].order[i]);
	}
	assert_failed("trouble within the contract", __FILE__, __LINE__);
}

/* Ids, event type and ts; bits of the fields at fault. */
static uint64_t check_envelope(struct event_parser *e, uint64_t live, struct event *out)
{
	uint64_t trouble = (ENVELOPE_REQUIRED & ~live) | (live & ENVELOPE & STRINGS_ONLY & ~e->strings);
	const uint64_t usable = live & e->strings;
	if ((usable & C(EVENT_ID)) != 0 && !id_ok(e, BRONZE_EVENT_ID, out)) trouble |= C(EVENT_ID);
	if ((usable & C(TICKET_ID)) != 0 && !id_ok(e, BRONZE_TICKET_ID, out)) trouble |= C(TICKET_ID);
	if ((usable & C(EVENT_TYPE)) != 0) {
		out->type = type_of(e, out);
		if (out->type < 0) trouble |= C(EVENT_TYPE);
	}
	if ((usable & C(TS)) != 0) {
		int64_t *ts = &out->num[BRONZE_TS];
		out->has_ts = time_ok(e, e->value[BRONZE_TS], ts, out) && *ts >= TS_MIN;
		if (!out->has_ts) trouble |= C(TS);
	}
	if ((live & BIT(EVENT_DATA)) != 0 && e->value[EVENT_DATA].p[0] != '{') trouble |= BIT(EVENT_DATA);
	if ((e->strings & BIT(EVENT_DATA)) != 0) trouble |= BIT(EVENT_DATA);
	return trouble;
}

/* The members of data. */
static uint64_t check_data(struct event_parser *e, uint64_t live, struct event *out)
{
	const uint64_t members = members_of[out->type];
	for (uint64_t rest = live & members & NUMBERS_TOO & ~e->strings; rest != 0; rest &= rest - 1) {
		const unsigned column = (unsigned)__builtin_ctzll(rest);
		if (!number_as_text(e, column, out)) continue;
		e->strings |= BIT(column);
		out->tolerated |= BIT(TOLERATED_NUMBER);
	}
	uint64_t trouble = (contracts[out->type].required & ~live) | (live & members & STRINGS_ONLY & ~e->strings);
	live &= members;
	trouble |= live & INTEGERS & e->strings;
	for (uint64_t rest = live & INTEGERS & ~e->strings; rest != 0; rest &= rest - 1) {
		const unsigned column = (unsigned)__builtin_ctzll(rest);
		if (!integer_ok(column, e->value[column], &out->num[column])) trouble |= BIT(column);
	}
	for (uint64_t rest = live & TIMES & e->strings; rest != 0; rest &= rest - 1) {
		const unsigned column = (unsigned)__builtin_ctzll(rest);
		if (!time_ok(e, e->value[column], &out->num[column], out)) trouble |= BIT(column);
	}
	for (uint64_t rest = live & ENUMS & e->strings; rest != 0; rest &= rest - 1) {
		const unsigned column = (unsigned)__builtin_ctzll(rest);
		if (!enum_ok(e, column, out)) trouble |= BIT(column);
	}
	return trouble;
}

struct event_reason event_check(struct event_parser *e, struct event *out)
{
	if (e->escapes != 0 || e->lone) {
		(void)buf_reserve(&e->scratch, 2 * out->line.n); /* so that no decoded string moves */
		/* Foreign members keep their text, so they leave before strings are decoded; that needs the type decoded. */
		decode_escapes(e, e->escapes & ENVELOPE & e->present & e->strings);
	}
	uint64_t live = e->present & ~e->nulls;
	uint64_t trouble = check_envelope(e, live, out);
	if (trouble != 0) return first_reason(e, trouble, out->type);
	const uint64_t foreign = e->present & ~(ENVELOPE | members_of[out->type]);
	if (foreign != 0) move_foreign(e, foreign);
	live = e->present & ~e->nulls;
	if ((e->escapes & live & ~ENVELOPE) != 0) decode_escapes(e, e->escapes & live & ~ENVELOPE);
	mend_nested(e, BRONZE_PRECLASSIFIER);
	if (e->lone) out->tolerated |= BIT(TOLERATED_SURROGATE);
	trouble = check_data(e, live, out);
	if (trouble != 0) return first_reason(e, trouble, out->type);
	memcpy(out->event_id, e->ids[0], UUID_BYTES);
	out->set = live & ~BIT(EVENT_DATA);
	for (uint64_t rest = out->set & ~(INTEGERS | TIMES | UUIDS); rest != 0; rest &= rest - 1) {
		const unsigned column = (unsigned)__builtin_ctzll(rest);
		out->str[column] = e->value[column];
	}
	if (e->unknown.n + e->unknown_data.n > 0) extra_build(e, out);
	return (struct event_reason){EVENT_VALID, 0};
}
