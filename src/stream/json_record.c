/* stream/json_record.c: one message by a contract: to the values of a row, or the reason why it is none.
 *
 *   bytes -> framing (0, schema id) -> JSON -> envelope of a change? -> members, as they stand -> judged, in the order of the contract
 *
 * Reasons, in this order: null, blank, too_long, invalid_utf8, not_json, not_object, not_change (no envelope); then member by member:
 * missing, bad_type, bad_value (length, bounds, digits), bad_enum, bad_format; unknown, where the contract is closed. Of a member given twice
 * the last counts. too_many: a message of over VALUES_MAX values, in the member that goes over it: what a message takes is bounded however it nests.
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

enum { REASON_BYTES = 512, PART_NULL = -1, DECIMAL_DIGITS = 18, VALUES_MAX = 1 << 18 };
#define DECIMAL_MAX INT64_C(999999999999999999)

struct value {
	enum json_kind kind; /* JSON_NONE: absent */
	struct json_string text;
	struct str number;
	struct str nested; /* an object or an array, as it stands */
	size_t first, n;   /* of it, its values: of an object one a member */
	struct str plain;  /* text without escapes: views the message, or scratch */
	union {
		int64_t i64;
		double f64;
	};
};

/* Where in a message a nested value is. */
struct step {
	struct str name;
	int64_t element; /* -1: of no array */
};

struct json_record {
	const struct json_contract *c;
	struct {
		struct value *items;
		size_t n, cap;
	} values;                            /* those of the message's members, then of what is nested */
	struct step steps[COLUMN_DEPTH_MAX]; /* [n_steps] */
	size_t n_steps;
	bool left_out; /* the member at hand has parts that get no column */
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

/* "missing:page", and of what is nested "missing:$.lines[2].price". */
static const char *reason_of(struct json_record *p, const char *what, struct str member)
{
	struct buf text;
	buf_init(&text, 0);
	buf_printf(&text, "%s:%s", what, p->n_steps > 0 ? "$" : "");
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct step *s = &p->steps[i];
		if (s->name.n > 0) buf_printf(&text, ".%.*s", (int)s->name.n, s->name.p);
		if (s->element >= 0) buf_printf(&text, "[%lld]", (long long)s->element);
	}
	if (p->n_steps > 0 && member.n > 0) buf_char(&text, '.');
	buf_add(&text, member.p, member.n);
	p->failed |= text.failed;
	const size_t most = text.n < sizeof p->reason ? text.n : sizeof p->reason - 1;
	const size_t n = text.failed ? 0 : utf8_valid_prefix((const char *)text.p, most);
	if (n > 0) memcpy(p->reason, text.p, n);
	p->reason[n] = '\0';
	buf_deinit(&text);
	return p->reason;
}

/* Messages mostly have their members in the contract's order: the one behind the last is looked at first. */
static size_t member_of(const struct json_shape *shape, struct json_string key, size_t guess)
{
	char plain[128];
	struct str name = key.raw;
	if (key.has_escape && name.n <= sizeof plain) name = (struct str){plain, json_unescape(key.raw, plain)};
	if (guess < shape->n && str_eq(shape->members[guess].name, name)) return guess;
	size_t i = 0;
	while (i < shape->n && !str_eq(shape->members[i].name, name)) i++;
	return i;
}

static bool take_value(struct json_scan *s, struct value *v)
{
	*v = (struct value){.kind = json_peek(s)};
	if (v->kind == JSON_STRING) return json_take_string(s, &v->text);
	if (v->kind == JSON_NUMBER) return json_take_number(s, &v->number);
	return json_skip(s, &v->nested);
}

/* Room for n more values, absent ones; *first is the first. */
static bool values_add(struct json_record *p, size_t n, size_t *first)
{
	if (!VEC_ROOM(&p->values, n)) {
		p->failed = true;
		return false;
	}
	*first = p->values.n;
	memset(p->values.items + p->values.n, 0, n * sizeof *p->values.items);
	p->values.n += n;
	return true;
}

/* Of the nested member m. NULL, or the reason. */
static const char *parts_add(struct json_record *p, const struct json_member *m, size_t n, size_t *first)
{
	if (p->values.n > VALUES_MAX || n > VALUES_MAX - p->values.n) return reason_of(p, "too_many", m->name);
	return values_add(p, n, first) ? NULL : "no_memory";
}

/* The members of an object into values[first..]. NULL, or the reason. What has no column is kept in extra, or noticed where the object is
 * nested. */
static const char *take_members(struct json_record *p, const struct json_shape *shape, struct str text, size_t first)
{
	struct json_scan s;
	struct json_string key;
	struct str unknown = {NULL, 0};
	json_start(&s, text.p, text.n);
	if (json_peek(&s) != JSON_OBJECT) return json_skip(&s, NULL) && json_end(&s) ? "not_object" : "not_json";
	bool ok = json_object_begin(&s);
	for (size_t at = 0, guess = 0; ok && json_object_next(&s, &key); guess = at + 1) {
		at = member_of(shape, key, guess);
		ok = at < shape->n    ? take_value(&s, &p->values.items[first + at])
		     : p->n_steps > 0 ? json_skip(&s, NULL)
				      : json_take_extra(&s, key, &p->extra);
		if (at == shape->n && unknown.p == NULL) unknown = key.raw;
	}
	if (!ok || s.error != NULL || !json_end(&s)) return "not_json";
	p->left_out |= unknown.p != NULL;
	return shape->closed && unknown.p != NULL ? reason_of(p, "unknown", unknown) : NULL;
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
	if (m->length_min > 0 || m->length_max < v->plain.n) {
		const size_t chars = utf8_count(v->plain.p, v->plain.n);
		if (chars < m->length_min || chars > m->length_max) return reason_of(p, "bad_value", m->name);
	}
	if (m->type == MEMBER_UUID) ok = uuid_parse(v->plain, id);
	if (m->type == MEMBER_TIME) ok = time_parse(v->plain, &v->i64);
	if (m->type == MEMBER_DATE) ok = date_parse(v->plain, &date);
	if (m->type == MEMBER_DATE) v->i64 = date;
	return ok ? NULL : reason_of(p, "bad_format", m->name);
}

static const char *judge(struct json_record *p, const struct json_member *m, size_t at);

static const char *judge_object(struct json_record *p, const struct json_member *m, size_t at)
{
	size_t first = 0;
	const char *reason = parts_add(p, m, m->shape.n, &first);
	if (reason != NULL) return reason;
	p->values.items[at].first = first;
	ASSERT(p->n_steps < COLUMN_DEPTH_MAX);
	p->steps[p->n_steps++] = (struct step){m->name, -1};
	reason = take_members(p, &m->shape, p->values.items[at].nested, first);
	for (size_t i = 0; i < m->shape.n && reason == NULL; i++) reason = judge(p, &m->shape.members[i], first + i);
	p->n_steps--;
	return reason;
}

/* The elements stand together, before what is nested in them. NULL, or the reason. */
static const char *take_elements(struct json_record *p, const struct json_member *m, size_t at)
{
	struct json_scan s;
	size_t place = 0;
	const struct str text = p->values.items[at].nested;
	p->values.items[at].first = p->values.n;
	json_start(&s, text.p, text.n);
	if (!json_array_begin(&s)) return "not_json";
	while (json_array_next(&s)) {
		const char *reason = parts_add(p, m, 1, &place);
		if (reason != NULL) return reason;
		if (!take_value(&s, &p->values.items[place])) return "not_json";
	}
	p->values.items[at].n = p->values.n - p->values.items[at].first;
	return s.error == NULL ? NULL : "not_json";
}

static const char *judge_array(struct json_record *p, const struct json_member *m, size_t at)
{
	const char *reason = take_elements(p, m, at);
	if (reason != NULL) return reason;
	const size_t first = p->values.items[at].first, n = p->values.items[at].n;
	if (n < m->length_min || n > m->length_max) return reason_of(p, "bad_value", m->name);
	ASSERT(p->n_steps < COLUMN_DEPTH_MAX);
	struct step *step = &p->steps[p->n_steps++];
	for (size_t i = 0; i < n && reason == NULL; i++) {
		*step = (struct step){m->name, (int64_t)i};
		reason = judge(p, &m->shape.members[0], first + i);
	}
	p->n_steps--;
	return reason;
}

/* Recurses over the contract, COLUMN_DEPTH_MAX deep at most. Values may move while what is nested is judged. */
static const char *judge(struct json_record *p, const struct json_member *m, size_t at)
{
	struct value *v = &p->values.items[at];
	if (v->kind == JSON_NONE) return m->required ? reason_of(p, "missing", m->name) : NULL;
	if (v->kind == JSON_NULL) return m->nullable ? NULL : reason_of(p, "bad_type", m->name);
	switch (m->type) {
	case MEMBER_INTEGER:
	case MEMBER_NUMBER:
	case MEMBER_DECIMAL: return v->kind == JSON_NUMBER ? judge_number(p, m, v) : reason_of(p, "bad_type", m->name);
	case MEMBER_BOOLEAN:
		v->i64 = v->kind == JSON_TRUE;
		return v->kind == JSON_TRUE || v->kind == JSON_FALSE ? NULL : reason_of(p, "bad_type", m->name);
	case MEMBER_OBJECT: return v->kind == JSON_OBJECT ? judge_object(p, m, at) : reason_of(p, "bad_type", m->name);
	case MEMBER_ARRAY: return v->kind == JSON_ARRAY ? judge_array(p, m, at) : reason_of(p, "bad_type", m->name);
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
	const struct json_member *m = &c->shape.members[c->partition_member];
	const struct value *v = &p->values.items[c->partition_member];
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

/* A nested member that has more than its columns hold is kept whole in extra, beside them. */
static void keep_whole(struct json_record *p, const struct json_member *m, const struct value *v)
{
	buf_char(&p->extra, p->extra.n == 0 ? '{' : ',');
	buf_json_str(&p->extra, m->name);
	buf_char(&p->extra, ':');
	buf_add(&p->extra, v->nested.p, v->nested.n);
}

static const char *judge_members(struct json_record *p)
{
	const struct json_shape *shape = &p->c->shape;
	for (size_t i = 0; i < shape->n; i++) {
		p->left_out = false;
		const char *reason = judge(p, &shape->members[i], i);
		if (reason != NULL) return reason;
		if (p->left_out) keep_whole(p, &shape->members[i], &p->values.items[i]);
	}
	return NULL;
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
	size_t first;
	p->values.n = p->n_steps = 0;
	if (reason == NULL && !values_add(p, c->shape.n, &first)) return "no_memory";
	if (reason == NULL) reason = take_members(p, &c->shape, text, 0);
	return reason != NULL ? reason : judge_members(p);
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
	const enum json_member_type type = c->shape.members[c->partition_member].type;
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

static void put_value(
	const struct json_record *p, const struct json_member *m, size_t at, struct builder *b, int64_t row);

static void put_nested(
	const struct json_record *p, const struct json_member *m, const struct value *v, struct builder *b, int64_t row)
{
	if (m->type == MEMBER_OBJECT) {
		if (!builder_set_struct(b, row)) return;
		for (size_t i = 0; i < m->shape.n; i++)
			put_value(p, &m->shape.members[i], v->first + i, &b->children[m->shape.members[i].column], row);
		return;
	}
	const int64_t first = builder_set_list(b, row, (int32_t)v->n);
	for (size_t i = 0; first >= 0 && i < v->n; i++)
		put_value(p, &m->shape.members[0], v->first + i, &b->children[0], first + (int64_t)i);
}

/* Value `at`, if there is one. Recurses over the contract, COLUMN_DEPTH_MAX deep at most. */
static void put_value(
	const struct json_record *p, const struct json_member *m, size_t at, struct builder *b, int64_t row)
{
	const struct value *v = &p->values.items[at];
	if (!is_given(v)) return;
	switch (m->type) {
	case MEMBER_TEXT:
	case MEMBER_UUID: builder_set_str(b, row, v->plain); return;
	case MEMBER_DATE: builder_set_i32(b, row, (int32_t)v->i64); return;
	case MEMBER_TIME:
	case MEMBER_INTEGER:
	case MEMBER_DECIMAL: builder_set_i64(b, row, v->i64); return;
	case MEMBER_NUMBER: put_f64(b, row, v->f64); return;
	case MEMBER_BOOLEAN: put_bits(b, row, v->i64 != 0); return;
	case MEMBER_OBJECT:
	case MEMBER_ARRAY: put_nested(p, m, v, b, row); return;
	}
}

static void record_put(const void *parser, struct builder *columns, int64_t row)
{
	const struct json_record *p = parser;
	const struct json_contract *c = p->c;
	for (size_t i = 0; i < c->shape.n; i++) {
		const struct json_member *m = &c->shape.members[i];
		if (m->column >= 0) put_value(p, m, i, &columns[m->column], row);
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
	mem_free(p->values.items);
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
