/* stream/json_record.c: one message by a contract: to the values of a row, or the reason why it is none.
 *
 *   bytes -> framing (0, schema id) -> JSON -> envelope of a change? -> members, as they stand -> judged, in the order of the contract
 *
 * Reasons, in this order: null, blank, too_long, invalid_utf8, not_json, not_object, not_change (no envelope); then member by member:
 * missing, bad_type, bad_value (length, bounds, digits), bad_enum, bad_format; unknown, where the contract is closed. Of a member given twice
 * the last counts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/vec.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "stream/json_contract_int.h"
#include "stream/json_envelope.h"

enum { REASON_BYTES = 160, PART_NULL = -1, DECIMAL_DIGITS = 18 };
#define DECIMAL_MAX INT64_C(999999999999999999)

struct value {
	enum json_kind kind; /* JSON_NONE: absent */
	struct json_string text;
	struct str number;
	struct str plain; /* text without escapes: views the message, or scratch */
	union {
		int64_t i64;
		double f64;
	};
};

struct json_record {
	const struct json_contract *c;
	struct value *values; /* [n_members] */
	struct buf extra, scratch;
	struct json_change change;
	int64_t schema_id; /* -1: none */
	int64_t part;
	struct map texts_index; /* values of a partition column of texts: their numbers are the parts */
	struct {
		struct str *items;
		size_t n, cap;
	} texts;
	bool failed;
	char reason[REASON_BYTES];
};

/* ---- members as they stand ------------------------------------------------------------------------------------------------ */

static const char *reason_of(struct json_record *p, const char *what, struct str member)
{
	(void)snprintf(p->reason, sizeof p->reason, "%s:%.*s", what, (int)(member.n < 128 ? member.n : 128), member.p);
	return p->reason;
}

/* Messages mostly have their members in the contract's order: the one behind the last is looked at first. */
static size_t member_of(const struct json_contract *c, struct json_string key, size_t guess)
{
	char plain[128];
	struct str name = key.raw;
	if (key.has_escape && name.n <= sizeof plain) name = (struct str){plain, json_unescape(key.raw, plain)};
	if (guess < c->n_members && str_eq(c->members[guess].name, name)) return guess;
	size_t i = 0;
	while (i < c->n_members && !str_eq(c->members[i].name, name)) i++;
	return i;
}

static bool take_value(struct json_scan *s, struct value *v)
{
	*v = (struct value){.kind = json_peek(s)};
	if (v->kind == JSON_STRING) return json_take_string(s, &v->text);
	if (v->kind == JSON_NUMBER) return json_take_number(s, &v->number);
	return json_skip(s, NULL);
}

/* NULL, or the reason. */
static const char *take_members(struct json_record *p, struct str text)
{
	const struct json_contract *c = p->c;
	struct json_scan s;
	struct json_string key;
	struct str unknown = {NULL, 0};
	memset(p->values, 0, c->n_members * sizeof *p->values);
	json_start(&s, text.p, text.n);
	if (json_peek(&s) != JSON_OBJECT) return json_skip(&s, NULL) && json_end(&s) ? "not_object" : "not_json";
	bool ok = json_object_begin(&s);
	for (size_t at = 0, guess = 0; ok && json_object_next(&s, &key); guess = at + 1) {
		at = member_of(c, key, guess);
		ok = at < c->n_members ? take_value(&s, &p->values[at]) : json_take_extra(&s, key, &p->extra);
		if (at == c->n_members && unknown.p == NULL) unknown = key.raw;
	}
	if (!ok || s.error != NULL || !json_end(&s)) return "not_json";
	return c->closed && unknown.p != NULL ? reason_of(p, "unknown", unknown) : NULL;
}

/* ---- what they say --------------------------------------------------------------------------------------------------------- */

static bool in_bounds(const struct json_member *m, double v)
{
	return (v > m->min || (v == m->min && !m->min_exclusive)) && (v < m->max || (v == m->max && !m->max_exclusive));
}

static bool read_decimal(struct str text, uint8_t scale, int64_t *out)
{
	int64_t v = 0, exponent = 0;
	int digits = 0, shift = scale;
	bool point = false;
	size_t i = text.p[0] == '-';
	for (; i < text.n && text.p[i] != 'e' && text.p[i] != 'E'; i++) {
		if (text.p[i] == '.') {
			point = true;
			continue;
		}
		shift -= point;
		if (digits < DECIMAL_DIGITS)
			v = v * 10 + (text.p[i] - '0'), digits += v != 0;
		else if (text.p[i] != '0')
			return false; /* more than any decimal here can tell */
		else
			shift++;
	}
	if (i < text.n) exponent = strtol(text.p + i + 1, NULL, 10);
	if (v == 0) return *out = 0, true;
	if (exponent < -100 || exponent > 100) return false;
	for (shift += (int)exponent; shift > 0; shift--)
		if (v > DECIMAL_MAX / 10)
			return false;
		else
			v *= 10;
	for (; shift < 0; shift++)
		if (v % 10 != 0)
			return false;
		else
			v /= 10;
	*out = text.p[0] == '-' ? -v : v;
	return true;
}

static const char *judge_number(struct json_record *p, const struct json_member *m, struct value *v)
{
	double d = strtod(v->number.p, NULL); /* what stands behind a number in JSON ends it */
	if (m->type == MEMBER_INTEGER) {
		if (!json_number_i64(v->number, &v->i64)) return reason_of(p, "bad_type", m->name);
		d = (double)v->i64;
	} else if (m->type == MEMBER_DECIMAL) {
		if (!read_decimal(v->number, m->scale, &v->i64)) return reason_of(p, "bad_value", m->name);
	} else {
		v->f64 = d;
		if (__builtin_isinf(d)) return reason_of(p, "bad_value", m->name);
	}
	return in_bounds(m, d) ? NULL : reason_of(p, "bad_value", m->name);
}

static bool is_word(const struct json_member *m, struct str text)
{
	for (size_t i = 0; i < m->n_words; i++)
		if (str_eq(m->words[i], text)) return true;
	return m->n_words == 0;
}

/* scratch has room for the whole message: it does not move. */
static void unescape(struct json_record *p, struct value *v)
{
	v->plain = v->text.raw;
	if (!v->text.has_escape) return;
	char *dst = (char *)p->scratch.p + p->scratch.n;
	v->plain = (struct str){dst, json_unescape(v->text.raw, dst)};
	buf_commit(&p->scratch, v->plain.n);
}

static const char *judge_text(struct json_record *p, const struct json_member *m, struct value *v)
{
	uint8_t id[UUID_BYTES];
	int32_t date = 0;
	bool ok = true;
	unescape(p, v);
	if (!is_word(m, v->plain)) return reason_of(p, "bad_enum", m->name);
	if (m->chars_min > 0 || m->chars_max < v->plain.n) {
		const size_t chars = utf8_count(v->plain.p, v->plain.n);
		if (chars < m->chars_min || chars > m->chars_max) return reason_of(p, "bad_value", m->name);
	}
	if (m->type == MEMBER_UUID) ok = uuid_parse(v->plain, id);
	if (m->type == MEMBER_TIME) ok = time_parse(v->plain, &v->i64);
	if (m->type == MEMBER_DATE) ok = date_parse(v->plain, &date);
	if (m->type == MEMBER_DATE) v->i64 = date;
	return ok ? NULL : reason_of(p, "bad_format", m->name);
}

static const char *judge(struct json_record *p, const struct json_member *m, struct value *v)
{
	if (v->kind == JSON_NONE) return m->required ? reason_of(p, "missing", m->name) : NULL;
	if (v->kind == JSON_NULL) return m->nullable ? NULL : reason_of(p, "bad_type", m->name);
	switch (m->type) {
	case MEMBER_INTEGER:
	case MEMBER_NUMBER:
	case MEMBER_DECIMAL: return v->kind == JSON_NUMBER ? judge_number(p, m, v) : reason_of(p, "bad_type", m->name);
	case MEMBER_BOOLEAN:
		v->i64 = v->kind == JSON_TRUE;
		return v->kind == JSON_TRUE || v->kind == JSON_FALSE ? NULL : reason_of(p, "bad_type", m->name);
	case MEMBER_TEXT:
	case MEMBER_UUID:
	case MEMBER_DATE:
	case MEMBER_TIME: break;
	}
	return v->kind == JSON_STRING ? judge_text(p, m, v) : reason_of(p, "bad_type", m->name);
}

static bool is_given(const struct value *v)
{
	return v->kind != JSON_NONE && v->kind != JSON_NULL;
}

/* ---- parts ------------------------------------------------------------------------------------------------------------------ */

static uint64_t hash_str(struct str s)
{
	uint8_t hash[XXH128_BYTES];
	uint64_t h;
	hash_xxh128(s.p, s.n, hash);
	memcpy(&h, hash, sizeof h);
	return h;
}

static uint64_t hash_text(const void *keys, uint32_t place)
{
	return hash_str(((const struct str *)keys)[place]);
}

/* The number of a text; PART_NULL: it is empty, or there is no memory. */
static int64_t text_part(struct json_record *p, struct str text)
{
	if (text.n == 0) return PART_NULL; /* Delta does not tell the two apart */
	if (!map_room(&p->texts_index, hash_text, p->texts.items) || !VEC_ROOM(&p->texts, 1)) goto failed;
	struct map_probe probe = map_probe(&p->texts_index, hash_str(text));
	uint32_t at;
	while ((at = map_next(&p->texts_index, &probe)) != MAP_NONE && !str_eq(p->texts.items[at], text)) {}
	if (at != MAP_NONE) return at;
	char *copy = mem_strndup(text.p, text.n);
	if (copy == NULL) goto failed;
	at = map_add(&p->texts_index, &probe);
	p->texts.items[p->texts.n++] = (struct str){copy, text.n};
	return at;
failed:
	p->failed = true;
	return PART_NULL;
}

/* Of values that are no texts INT64_MIN is null. */
static int64_t part_of(struct json_record *p)
{
	const struct json_contract *c = p->c;
	if (c->partition == PARTITION_NONE) return 0;
	const struct json_member *m = &c->members[c->partition_member];
	const struct value *v = &p->values[c->partition_member];
	if (m->type == MEMBER_TEXT || m->type == MEMBER_UUID) return is_given(v) ? text_part(p, v->plain) : PART_NULL;
	if (!is_given(v)) return INT64_MIN;
	return m->type == MEMBER_TIME ? time_utc_date(v->i64) : v->i64;
}

/* ---- messages --------------------------------------------------------------------------------------------------------------- */

static bool is_blank(struct str s)
{
	size_t i = 0;
	while (i < s.n && strchr(" \t\r\n", s.p[i]) != NULL && s.p[i] != '\0') i++;
	return i == s.n;
}

static const char *read_message(struct json_record *p, struct str text, bool utf8_ok)
{
	const struct json_contract *c = p->c;
	const char *reason = NULL;
	if (is_blank(text)) return "blank";
	if (text.n > c->message_bytes_max) return "too_long";
	if (!utf8_ok && !utf8_valid(text.p, text.n)) return "invalid_utf8";
	if (c->debezium) reason = json_envelope_open(text, &p->change, &text);
	if (reason == NULL && buf_reserve(&p->scratch, text.n) == NULL) return "no_memory";
	if (reason == NULL) reason = take_members(p, text);
	for (size_t i = 0; i < c->n_members && reason == NULL; i++) reason = judge(p, &c->members[i], &p->values[i]);
	return reason;
}

static const char *record_parse(void *parser, const struct stream_record *r, bool utf8_ok, int64_t *event_us)
{
	struct json_record *p = parser;
	p->failed |= p->extra.failed || p->scratch.failed;
	buf_reset(&p->extra);
	buf_reset(&p->scratch);
	*event_us = INT64_MIN; /* no member is the event's time: nothing is ahead of its record */
	if (r->is_null) return "null";
	const struct str text = json_envelope_unframe(r->value, &p->schema_id);
	utf8_ok &= p->schema_id < 0; /* what was checked was the whole, or not this */
	const char *reason = read_message(p, text, utf8_ok);
	if (reason != NULL) return reason;
	if (p->extra.n > 0) buf_char(&p->extra, '}');
	p->part = part_of(p);
	return NULL;
}

/* ---- rows -------------------------------------------------------------------------------------------------------------------- */

static int64_t record_part(const void *parser)
{
	return ((const struct json_record *)parser)->part;
}

static status record_part_values(
	const void *parser, int64_t part, struct arena *arena, struct delta_pair *values, struct err *err)
{
	const struct json_record *p = parser;
	const struct json_contract *c = p->c;
	if (c->partition == PARTITION_NONE) return OK;
	const enum json_member_type type = c->members[c->partition_member].type;
	const bool text = type == MEMBER_TEXT || type == MEMBER_UUID;
	const bool date = type == MEMBER_TIME || type == MEMBER_DATE;
	struct str value = {NULL, 0};
	char room[24] = "";
	values[0] = (struct delta_pair){str_of(c->partition_column), value};
	if (part == (text ? PART_NULL : INT64_MIN)) return OK;
	if (date) date_format((int32_t)part, room);
	if (!date && !text)
		(void)snprintf(room, sizeof room, type == MEMBER_BOOLEAN ? "%s" : "%s%lld",
			type == MEMBER_BOOLEAN ? (part != 0 ? "true" : "false") : "", (long long)part);
	value = text ? p->texts.items[part] : (struct str){room, date ? DATE_CHARS : strlen(room)};
	value.p = arena_strndup(arena, value.p, value.n);
	values[0].value = value;
	return value.p != NULL ? OK : fail_nomem(err);
}

static void record_begin(const void *parser, struct builder *columns)
{
	(void)parser, (void)columns;
}

static void put_bits(struct builder *b, int64_t row, bool v)
{
	if (!builder_row(b, row)) return;
	if (v) bit_set(b->values, row);
	b->n = row + 1;
}

static void put_f64(struct builder *b, int64_t row, double v)
{
	int64_t bits;
	memcpy(&bits, &v, sizeof bits);
	builder_set_i64(b, row, bits);
}

static void put_value(const struct json_member *m, const struct value *v, struct builder *b, int64_t row)
{
	switch (m->type) {
	case MEMBER_TEXT:
	case MEMBER_UUID: builder_set_str(b, row, v->plain); return;
	case MEMBER_DATE: builder_set_i32(b, row, (int32_t)v->i64); return;
	case MEMBER_TIME:
	case MEMBER_INTEGER:
	case MEMBER_DECIMAL: builder_set_i64(b, row, v->i64); return;
	case MEMBER_NUMBER: put_f64(b, row, v->f64); return;
	case MEMBER_BOOLEAN: put_bits(b, row, v->i64 != 0); return;
	}
}

static void record_put(const void *parser, struct builder *columns, int64_t row)
{
	const struct json_record *p = parser;
	const struct json_contract *c = p->c;
	for (size_t i = 0; i < c->n_members; i++) {
		const struct json_member *m = &c->members[i];
		if (m->column >= 0 && is_given(&p->values[i])) put_value(m, &p->values[i], &columns[m->column], row);
	}
	if (c->debezium) {
		const int *at = c->change;
		builder_set_str(&columns[at[CHANGE_OP]], row, p->change.op);
		if (p->change.at_us != INT64_MIN) builder_set_i64(&columns[at[CHANGE_AT]], row, p->change.at_us);
		if (p->change.before.p != NULL) builder_set_str(&columns[at[CHANGE_BEFORE]], row, p->change.before);
		if (p->change.source.p != NULL) builder_set_str(&columns[at[CHANGE_SOURCE]], row, p->change.source);
	}
	const struct str extra = {(const char *)p->extra.p, p->extra.n};
	if (extra.n > 0) builder_set_str(&columns[c->own[OWN_EXTRA]], row, extra);
	if (p->schema_id >= 0) builder_set_i32(&columns[c->own[OWN_SCHEMA_ID]], row, (int32_t)p->schema_id);
	builder_set_str(&columns[c->own[OWN_TOPIC]], row, c->topic_name);
}

static void record_settings(const void *config, struct parquet_opts *parquet, size_t *value_bytes_max)
{
	const struct json_contract *c = config;
	*parquet = c->parquet;
	*value_bytes_max = c->message_bytes_max;
}

static bool record_dictionary(const struct column_def *def)
{
	return strcmp(def->name, "kafka_topic") == 0 || strcmp(def->name, "change_op") == 0;
}

/* ---- parsers ----------------------------------------------------------------------------------------------------------------- */

static void record_close(void *parser)
{
	struct json_record *p = parser;
	if (p == NULL) return;
	for (size_t i = 0; i < p->texts.n; i++) mem_free((char *)(uintptr_t)p->texts.items[i].p);
	mem_free(p->texts.items);
	map_deinit(&p->texts_index);
	buf_deinit(&p->extra);
	buf_deinit(&p->scratch);
	mem_free(p->values);
	mem_free(p);
}

static status record_open(const void *config, void **parser, struct err *err)
{
	const struct json_contract *c = config;
	struct json_record *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	p->c = c;
	buf_init(&p->extra, 2 * c->message_bytes_max);
	buf_init(&p->scratch, 2 * c->message_bytes_max);
	p->values = mem_zalloc(c->n_members, sizeof *p->values);
	if (p->values == NULL) {
		record_close(p);
		return fail_nomem(err);
	}
	*parser = p;
	return OK;
}

static status record_check(const void *parser, struct err *err)
{
	const struct json_record *p = parser;
	return p->failed || p->extra.failed || p->scratch.failed ? fail_nomem(err) : OK;
}

void json_record_functions(struct stream_topic *t)
{
	t->open = record_open;
	t->close = record_close;
	t->parse = record_parse;
	t->check = record_check;
	t->part = record_part;
	t->part_values = record_part_values;
	t->begin = record_begin;
	t->put = record_put;
	t->settings = record_settings;
	t->dictionary = record_dictionary;
}
