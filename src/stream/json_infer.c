/* stream/json_infer.c: see json_infer.h. Per member: how many messages have it, and of which kinds its values were. */
#include "stream/json_infer.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/vec.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "stream/json_contract.h"
#include "stream/json_envelope.h"

enum { MEMBERS_MAX = 200 };
enum seen {
	SEEN_TEXT,
	SEEN_TIME,
	SEEN_DATE,
	SEEN_UUID,
	SEEN_INTEGER,
	SEEN_NUMBER,
	SEEN_BOOLEAN,
	SEEN_NULL,
	SEEN_NESTED,
	SEENS
};

struct member {
	struct str name;
	int64_t n, last; /* messages that have it; the number of the last one */
	int64_t seen[SEENS];
};

struct json_infer {
	bool debezium;
	int64_t messages, others;
	struct {
		struct member *items;
		size_t n, cap;
	} members; /* in the order in which they were met */
};

status json_infer_open(bool debezium, struct json_infer **out, struct err *err)
{
	struct json_infer *i = mem_zalloc(1, sizeof *i);
	if (i == NULL) return fail_nomem(err);
	i->debezium = debezium;
	*out = i;
	return OK;
}

void json_infer_close(struct json_infer *i)
{
	if (i == NULL) return;
	for (size_t k = 0; k < i->members.n; k++) mem_free((char *)(uintptr_t)i->members.items[k].name.p);
	mem_free(i->members.items);
	mem_free(i);
}

/* ---- messages -------------------------------------------------------------------------------------------------------------- */

static enum seen text_seen(struct json_string text)
{
	uint8_t id[UUID_BYTES];
	int64_t us;
	int32_t date;
	if (text.has_escape) return SEEN_TEXT;
	return uuid_parse(text.raw, id)      ? SEEN_UUID
	       : date_parse(text.raw, &date) ? SEEN_DATE
	       : time_parse(text.raw, &us)   ? SEEN_TIME
					     : SEEN_TEXT;
}

static bool value_seen(struct json_scan *s, enum seen *out)
{
	struct json_string text;
	struct str number;
	int64_t v;
	switch (json_peek(s)) {
	case JSON_STRING:
		if (!json_take_string(s, &text)) return false;
		*out = text_seen(text);
		return true;
	case JSON_NUMBER:
		if (!json_take_number(s, &number)) return false;
		*out = memchr(number.p, '.', number.n) == NULL && json_number_i64(number, &v) ? SEEN_INTEGER
											      : SEEN_NUMBER;
		return true;
	case JSON_TRUE:
	case JSON_FALSE: *out = SEEN_BOOLEAN; break;
	case JSON_NULL: *out = SEEN_NULL; break;
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_NONE: *out = SEEN_NESTED; break;
	}
	return json_skip(s, NULL);
}

static status member_met(struct json_infer *i, struct str name, enum seen seen, struct err *err)
{
	size_t at = 0;
	while (at < i->members.n && !str_eq(i->members.items[at].name, name)) at++;
	if (at == MEMBERS_MAX) return OK; /* left out; those that came first are there */
	if (at == i->members.n) {
		char *copy = VEC_ROOM(&i->members, 1) ? mem_strndup(name.p, name.n) : NULL;
		if (copy == NULL) return fail_nomem(err);
		i->members.items[i->members.n++] = (struct member){.name = {copy, name.n}, .last = -1};
	}
	struct member *m = &i->members.items[at];
	m->seen[seen]++;
	m->n += m->last != i->messages; /* given twice it is there once */
	m->last = i->messages;
	return OK;
}

static bool is_object(struct str text)
{
	struct json_scan s;
	json_start(&s, text.p, text.n);
	return json_peek(&s) == JSON_OBJECT && json_skip(&s, NULL) && json_end(&s);
}

status json_infer_add(struct json_infer *i, struct str message, struct err *err)
{
	struct json_scan s;
	struct json_string key;
	struct json_change change;
	int64_t schema_id;
	enum seen seen = SEEN_NULL;
	struct str row = json_envelope_unframe(message, &schema_id);
	const bool valid = utf8_valid(row.p, row.n) &&
			   (!i->debezium || json_envelope_open(row, &change, &row) == NULL) && is_object(row);
	if (!valid) {
		i->others++;
		return OK;
	}
	json_start(&s, row.p, row.n);
	bool ok = json_object_begin(&s);
	while (ok && json_object_next(&s, &key)) {
		ok = value_seen(&s, &seen);
		if (ok && !key.has_escape) TRY(member_met(i, key.raw, seen, err));
	}
	i->messages++;
	return OK;
}

/* ---- the schema ------------------------------------------------------------------------------------------------------------- */

/* The one type of all values but null, as the schema names it; NULL: there are several, or none, or they are nested. */
static const char *type_of(const struct member *m, const char **format)
{
	const int64_t *n = m->seen;
	const int64_t texts = n[SEEN_TEXT] + n[SEEN_TIME] + n[SEEN_DATE] + n[SEEN_UUID];
	const int64_t numbers = n[SEEN_INTEGER] + n[SEEN_NUMBER];
	*format = NULL;
	if (n[SEEN_NESTED] > 0 || (texts > 0) + (numbers > 0) + (n[SEEN_BOOLEAN] > 0) != 1) return NULL;
	if (n[SEEN_BOOLEAN] > 0) return "boolean";
	if (numbers > 0) return n[SEEN_NUMBER] > 0 ? "number" : "integer";
	*format = n[SEEN_TIME] == texts   ? "date-time"
		  : n[SEEN_DATE] == texts ? "date"
		  : n[SEEN_UUID] == texts ? "uuid"
					  : NULL;
	return "string";
}

static bool is_proposed(const struct member *m)
{
	const char *format;
	return type_of(m, &format) != NULL && json_contract_is_name(m->name);
}

static void put_member(const struct member *m, struct buf *out)
{
	const char *format, *type = type_of(m, &format);
	buf_str(out, "\t\t");
	buf_json_str(out, m->name);
	buf_printf(out, m->seen[SEEN_NULL] > 0 ? ": {\"type\": [\"%s\", \"null\"]" : ": {\"type\": \"%s\"", type);
	if (format != NULL) buf_printf(out, ", \"format\": \"%s\"", format);
	buf_char(out, '}');
}

typedef bool (*pick)(const struct json_infer *i, const struct member *m);
static bool is_required(const struct json_infer *i, const struct member *m)
{
	return is_proposed(m) && m->n == i->messages;
}
static bool is_left_out(const struct json_infer *i, const struct member *m)
{
	(void)i;
	return !is_proposed(m);
}

static size_t put_names(const struct json_infer *i, pick wanted, const char *separator, struct buf *out)
{
	size_t n = 0;
	for (size_t k = 0; k < i->members.n; k++) {
		const struct member *m = &i->members.items[k];
		if (!wanted(i, m)) continue;
		if (n++ > 0) buf_str(out, separator);
		buf_json_str(out, m->name);
	}
	return n;
}

static void put_comment(const struct json_infer *i, struct buf *out)
{
	struct buf text;
	buf_init(&text, 0);
	buf_printf(&text, "proposed from %lld messages", (long long)i->messages);
	if (i->others > 0) buf_printf(&text, "; %lld others are no objects", (long long)i->others);
	const size_t before = text.n;
	buf_str(&text, "; kept in extra, as they are nested or of several types: ");
	if (put_names(i, is_left_out, ", ", &text) == 0) text.n = before;
	buf_str(out, "\t\"$comment\": ");
	buf_json_str(out, (struct str){(const char *)text.p, text.failed ? 0 : text.n});
	buf_str(out, ",\n");
	buf_deinit(&text);
}

status json_infer_schema(const struct json_infer *i, const char *title, struct buf *out, struct err *err)
{
	size_t n = 0;
	for (size_t k = 0; k < i->members.n; k++) n += is_proposed(&i->members.items[k]);
	if (n == 0)
		return fail(err, E_NOT_FOUND,
			"no contract to propose: of %lld messages none has a member that is always of one type",
			(long long)(i->messages + i->others));
	buf_str(out, "{\n\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n\t\"title\": ");
	buf_json_str(out, str_of(title));
	buf_str(out, ",\n");
	put_comment(i, out);
	buf_str(out, "\t\"type\": \"object\",\n\t\"required\": [");
	(void)put_names(i, is_required, ", ", out);
	buf_str(out, "],\n\t\"properties\": {\n");
	for (size_t k = 0; k < i->members.n; k++) {
		if (!is_proposed(&i->members.items[k])) continue;
		put_member(&i->members.items[k], out);
		buf_str(out, --n > 0 ? ",\n" : "\n");
	}
	buf_str(out, "\t}\n}\n");
	return buf_check(out, err);
}
