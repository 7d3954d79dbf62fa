/* workloads/pqrs/bronze/event.c: one line to members, the general way: by the scanner.
 *
 * What it takes and refuses is what event_fast.c must take too; it knows JSON and names, and leaves kinds and values to
 * event_check.c.
 */
#include "workloads/pqrs/bronze/event.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "io/utf8.h"
#include "workloads/pqrs/bronze/event_int.h"

enum { SCRATCH_BYTES_MAX = 8 * LINE_BYTES_MAX };

status event_parser_create(struct event_parser **out, struct err *err)
{
	struct event_parser *e = mem_zalloc(1, sizeof *e);
	if (e == NULL) return fail_nomem(err);
	e->n_nodes = 1;
	e->line_bytes_max = LINE_BYTES_DEFAULT;
	buf_init(&e->scratch, SCRATCH_BYTES_MAX);
	buf_init(&e->extra, SCRATCH_BYTES_MAX);
	*out = e;
	return OK;
}

void event_parser_destroy(struct event_parser *e)
{
	if (e == NULL) return;
	event_unknown_deinit(&e->unknown);
	event_unknown_deinit(&e->unknown_data);
	buf_deinit(&e->scratch);
	buf_deinit(&e->extra);
	mem_free(e);
}

status event_parser_check(const struct event_parser *e, struct err *err)
{
	TRY(buf_check(&e->scratch, err));
	TRY(buf_check(&e->extra, err));
	return e->failed ? fail_nomem(err) : OK;
}

void event_parser_set_zone(struct event_parser *e, const struct tz *zone)
{
	e->zone = zone;
}

void event_parser_set_line_max(struct event_parser *e, size_t bytes)
{
	ASSERT(bytes <= LINE_BYTES_MAX);
	e->line_bytes_max = bytes;
}

void event_parser_force_plain(struct event_parser *e, bool plain)
{
	e->plain = plain;
}

/* ---- names ---- */

#define NAME(column, text)            \
	{                             \
		BRONZE_##column, text \
	}
struct field_name {
	uint8_t field;
	const char *text;
};
enum { NAMES_MAX = 5 };
/* By length; the names of data's members. */
static const struct field_name data_names[20][NAMES_MAX] = {
	[4] = {NAME(TEXT, "text"), NAME(ROLE, "role")},
	[6] = {NAME(REASON, "reason")},
	[7] = {NAME(SUBJECT, "subject"), NAME(SIZE_KB, "size_kb")},
	[8] = {NAME(PRIORITY, "priority"), NAME(TEXT_LEN, "text_len")},
	[9] = {NAME(STATUS_TO, "status_to"), NAME(PQRS_TYPE, "pqrs_type"), NAME(FILE_TYPE, "file_type"),
		NAME(FILE_NAME, "file_name"), NAME(CLOSED_AT, "closed_at")},
	[10] = {NAME(ACTOR_ROLE, "actor_role"), NAME(MESSAGE_ID, "message_id"), NAME(GEO_REGION, "geo_region"),
		NAME(SLA_DUE_AT, "sla_due_at")},
	[11] = {NAME(STATUS_FROM, "status_from"), NAME(EXTERNAL_ID, "external_id")},
	[12] = {NAME(RADICATED_AT, "radicated_at"), NAME(REQUEST_KIND, "request_kind")},
	[13] = {NAME(GEO_MUNICIPIO, "geo_municipio"), NAME(PRECLASSIFIER, "preclassifier")},
	[14] = {NAME(SOURCE_CHANNEL, "source_channel"), NAME(DANE_CITY_CODE, "dane_city_code")},
	[17] = {NAME(SLA_BUSINESS_DAYS, "sla_business_days")},
	[19] = {NAME(TOPIC_PRECLASSIFIED, "topic_preclassified")},
};
static const struct field_name envelope_names[20][NAMES_MAX] = {
	[2] = {NAME(TS, "ts")},
	[4] = {{EVENT_DATA, "data"}},
	[8] = {NAME(EVENT_ID, "event_id")},
	[9] = {NAME(TICKET_ID, "ticket_id"), NAME(TENANT_ID, "tenant_id")},
	[10] = {NAME(EVENT_TYPE, "event_type")},
	[14] = {NAME(SCHEMA_VERSION, "schema_version")},
};

static unsigned field_of(struct str name, bool in_data)
{
	const unsigned unknown = in_data ? FIELD_UNKNOWN_DATA : FIELD_UNKNOWN;
	if (name.n >= 20) return unknown;
	const struct field_name *row = in_data ? data_names[name.n] : envelope_names[name.n];
	for (int i = 0; i < NAMES_MAX && row[i].text != NULL; i++) {
		if (memcmp(row[i].text, name.p, name.n) == 0) return row[i].field;
	}
	return unknown;
}

/* ---- the walk ---- */

static void span_add(
	struct event_parser *e, unsigned field, const struct json_string *key, const char *from, const char *to)
{
	if (e->n_spans < LAYOUT_MEMBERS_MAX)
		e->spans[e->n_spans] = (struct layout_span){from, to, key->raw, (uint8_t)field};
	if (e->n_spans <= LAYOUT_MEMBERS_MAX) e->n_spans++;
	if (field >= FIELD_UNKNOWN && (key->has_escape || key->raw.n > 255)) e->n_spans = LAYOUT_MEMBERS_MAX + 1;
}

/* One member whose name was just read: its value into e. */
static bool take_member(struct event_parser *e, struct json_scan *s, const struct json_string *key, unsigned field,
	uint32_t *duplicates)
{
	const enum json_kind kind = json_peek(s);
	const char *from = s->p;
	struct json_string string = {.has_escape = false};
	struct str text;
	if (kind == JSON_STRING) {
		if (!json_take_string(s, &string)) return false;
		text = string.raw;
	} else if (!json_skip(s, &text)) {
		return false;
	}
	span_add(e, field, key, from, s->p);
	if (field >= FIELD_UNKNOWN) {
		const struct unknown_member m = {key->raw, {from, (size_t)(s->p - from)}, key->has_escape};
		if (!event_unknown_add(e, field == FIELD_UNKNOWN ? &e->unknown : &e->unknown_data, &m)) ++*duplicates;
		return true;
	}
	if ((e->present & BIT(field)) != 0) {
		++*duplicates;
		e->strings &= ~BIT(field);
		e->nulls &= ~BIT(field);
		e->escapes &= ~BIT(field);
	}
	event_set_value(e, field, text.p, text.n, kind == JSON_STRING);
	if (kind == JSON_NULL) e->nulls |= BIT(field);
	if (string.has_escape) e->escapes |= BIT(field);
	return true;
}

static unsigned member_field(struct event_parser *e, const struct json_string *key, bool in_data)
{
	const size_t mark = e->scratch.n;
	const unsigned field = field_of(event_name(e, key->raw, key->has_escape), in_data);
	e->scratch.n = mark;
	return field;
}

static const uint64_t envelope_fields = BIT(BRONZE_EVENT_ID) | BIT(BRONZE_TICKET_ID) | BIT(BRONZE_EVENT_TYPE) |
					BIT(BRONZE_TS) | BIT(BRONZE_SCHEMA_VERSION) | BIT(BRONZE_TENANT_ID) |
					BIT(EVENT_DATA);

/* The last `data` wins: nothing of an earlier one stays. */
static void data_reset(struct event_parser *e)
{
	e->present &= envelope_fields & ~BIT(EVENT_DATA);
	e->strings &= envelope_fields;
	e->nulls &= envelope_fields & ~BIT(EVENT_DATA);
	e->escapes &= envelope_fields & ~BIT(EVENT_DATA);
	e->unknown_data.n = e->unknown_data.hashed = 0;
}

static bool take_data(struct event_parser *e, struct json_scan *s, const struct json_string *name, uint32_t *duplicates)
{
	struct json_string key;
	if ((e->present & BIT(EVENT_DATA)) != 0) {
		++*duplicates;
		data_reset(e);
	}
	if (json_peek(s) != JSON_OBJECT) {
		e->n_spans = LAYOUT_MEMBERS_MAX + 1;
		uint32_t ignored = 0;
		e->strings &= ~BIT(EVENT_DATA);
		return take_member(e, s, name, EVENT_DATA, &ignored);
	}
	event_set_value(e, EVENT_DATA, s->p, 1, false);
	e->strings &= ~BIT(EVENT_DATA);
	if (!json_object_begin(s)) return false;
	while (json_object_next(s, &key)) {
		if (!take_member(e, s, &key, member_field(e, &key, true), duplicates)) return false;
	}
	return s->error == NULL;
}

/* The whole text: members into e. */
static enum event_verdict walk(struct event_parser *e, struct str text, uint32_t *duplicates)
{
	struct json_scan s;
	struct json_string key;
	json_start(&s, text.p, text.n);
	s.lone_allowed = true;
	if (json_peek(&s) != JSON_OBJECT)
		return json_skip(&s, NULL) && json_end(&s) ? EVENT_NOT_OBJECT : EVENT_NOT_JSON;
	if (!json_object_begin(&s)) return EVENT_NOT_JSON;
	while (json_object_next(&s, &key)) {
		const unsigned field = member_field(e, &key, false);
		const bool ok = field == EVENT_DATA ? take_data(e, &s, &key, duplicates)
						    : take_member(e, &s, &key, field, duplicates);
		if (!ok) return EVENT_NOT_JSON;
	}
	e->lone = s.lone;
	return json_end(&s) ? EVENT_VALID : EVENT_NOT_JSON;
}

/* What follows the byte order marks at the start of a line. */
static struct str skip_marks(struct str line)
{
	while (line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0) line = (struct str){line.p + 3, line.n - 3};
	return line;
}

static bool is_blank(struct str line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r') return false;
	}
	return true;
}

static bool is_too_long(struct str line, size_t max)
{
	if (line.n <= max) return false;
	return line.n > max + 1 || line.p[line.n - 1] != '\r';
}

/* ended: a '\n' follows the line, so its layout can be learnt with it. */
static struct event_reason line_parse(struct event_parser *e, bool utf8_ok, bool ended, struct event *out)
{
	const struct str line = skip_marks(out->line);
	const bool marked = line.n < out->line.n;
	if (is_too_long(out->line, e->line_bytes_max)) return (struct event_reason){EVENT_TOO_LONG, 0};
	if (is_blank(line)) return (struct event_reason){EVENT_BLANK, 0};
	if (!utf8_ok && !utf8_valid(line.p, line.n)) return (struct event_reason){EVENT_INVALID_UTF8, 0};
	event_line_reset(e);
	/* Two names and every value decoded at once fit: views into scratch stay where they are. */
	(void)buf_reserve(&e->scratch, 3 * line.n);
	const enum event_verdict verdict = walk(e, line, &out->duplicate_members);
	if (verdict != EVENT_VALID) {
		out->duplicate_members = 0;
		return (struct event_reason){verdict, 0};
	}
	const size_t n_spans = e->n_spans; /* the check may add members */
	const struct event_reason reason = event_check(e, out);
	e->n_spans = n_spans;
	if (marked) out->tolerated |= BIT(TOLERATED_BOM);
	if (reason.verdict == EVENT_VALID && ended && out->duplicate_members == 0)
		event_layout_learn(e, line.p, line.n + 1);
	return reason;
}

struct event_reason event_next(struct event_parser *e, struct line_cursor *c, struct event *out)
{
	const char *from = c->p;
	buf_reset(&e->scratch);
	out->set = 0;
	out->type = -1;
	out->has_ts = false;
	out->duplicate_members = 0;
	out->tolerated = 0;
	if (c->utf8_ok && c->limit[-1] == '\n') {
		const char *after = event_layout_match(e, from, c->limit);
		if (after != NULL && (size_t)(after - from) <= e->line_bytes_max) {
			c->p = after;
			out->line = (struct str){from, (size_t)(after - 1 - from)};
			return event_check(e, out);
		}
	}
	const char *end = memchr(from, '\n', (size_t)(c->limit - from));
	c->p = end != NULL ? end + 1 : c->limit;
	out->line = (struct str){from, (size_t)((end != NULL ? end : c->limit) - from)};
	return line_parse(e, c->utf8_ok, end != NULL, out);
}
