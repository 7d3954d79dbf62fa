/* stream/json_infer.c: see json_infer.h. A tree of what was met: the members of
 * objects, the element of arrays; of each, how often it was there and of which kinds its values were. Recurses COLUMN_DEPTH_MAX deep at most. */
#include "stream/json_infer.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/vec.h"
#include "columnar/schema.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "stream/json_contract.h"
#include "stream/json_envelope.h"

enum { MEMBERS_MAX = 400 }; /* in all; those that come after are left out */
enum seen {
	SEEN_TEXT,
	SEEN_TIME,
	SEEN_DATE,
	SEEN_UUID,
	SEEN_INTEGER,
	SEEN_NUMBER,
	SEEN_BOOLEAN,
	SEEN_NULL,
	SEEN_OBJECT,
	SEEN_ARRAY,
	SEEN_DEEP, /* nested too deeply for a column */
	SEENS
};

/* A member of an object; without a name: the message, or the element of an array. */
struct member {
	struct str name;
	int64_t n, last; /* objects that have it; the number of the last one */
	int64_t seen[SEENS];
	struct members {
		struct member **items;
		size_t n, cap;
	} members;              /* of its objects, in the order in which they were met */
	struct member *element; /* of its arrays; NULL: they were empty */
};

struct json_infer {
	bool debezium, out_of_memory;
	int64_t others;
	size_t n_members;
	struct member message;
};

status json_infer_open(bool debezium, struct json_infer **out, struct err *err)
{
	struct json_infer *i = mem_zalloc(1, sizeof *i);
	if (i == NULL) return fail_nomem(err);
	i->debezium = debezium;
	*out = i;
	return OK;
}

static void member_deinit(struct member *m)
{
	for (size_t k = 0; k < m->members.n; k++) {
		member_deinit(m->members.items[k]);
		mem_free((char *)(uintptr_t)m->members.items[k]->name.p);
		mem_free(m->members.items[k]);
	}
	mem_free(m->members.items);
	if (m->element != NULL) member_deinit(m->element);
	mem_free(m->element);
}

void json_infer_close(struct json_infer *i)
{
	if (i == NULL) return;
	member_deinit(&i->message);
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

static bool scalar_met(struct json_scan *s, struct member *m)
{
	struct json_string text;
	struct str number;
	int64_t v;
	switch (json_peek(s)) {
	case JSON_STRING:
		if (!json_take_string(s, &text)) return false;
		m->seen[text_seen(text)]++;
		return true;
	case JSON_NUMBER:
		if (!json_take_number(s, &number)) return false;
		m->seen[memchr(number.p, '.', number.n) == NULL && json_number_i64(number, &v) ? SEEN_INTEGER
											       : SEEN_NUMBER]++;
		return true;
	case JSON_TRUE:
	case JSON_FALSE: m->seen[SEEN_BOOLEAN]++; break;
	case JSON_NULL: m->seen[SEEN_NULL]++; break;
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_NONE: m->seen[SEEN_DEEP]++; break;
	}
	return json_skip(s, NULL);
}

/* NULL: there are too many, or there is no memory. */
static struct member *member_new(struct json_infer *i)
{
	if (i->n_members == MEMBERS_MAX) return NULL;
	struct member *m = mem_zalloc(1, sizeof *m);
	i->out_of_memory |= m == NULL;
	if (m == NULL) return NULL;
	m->last = -1;
	i->n_members++;
	return m;
}

static struct member *member_of(struct json_infer *i, struct member *parent, struct str name)
{
	struct members *all = &parent->members;
	for (size_t k = 0; k < all->n; k++)
		if (str_eq(all->items[k]->name, name)) return all->items[k];
	struct member *m = member_new(i);
	if (m == NULL) return NULL;
	char *copy = VEC_ROOM(all, 1) ? mem_strndup(name.p, name.n) : NULL;
	if (copy == NULL) {
		i->out_of_memory = true;
		mem_free(m);
		return NULL;
	}
	m->name = (struct str){copy, name.n};
	all->items[all->n++] = m;
	return m;
}

static bool value_met(struct json_infer *i, struct json_scan *s, struct member *m, int depth);

static bool object_met(struct json_infer *i, struct json_scan *s, struct member *m, int depth)
{
	struct json_string key;
	const int64_t number = m->seen[SEEN_OBJECT];
	bool ok = json_object_begin(s);
	while (ok && json_object_next(s, &key)) {
		struct member *of = key.has_escape ? NULL : member_of(i, m, key.raw);
		if (of != NULL) {
			of->n += of->last != number; /* given twice it is there once */
			of->last = number;
		}
		ok = of != NULL ? value_met(i, s, of, depth) : json_skip(s, NULL);
	}
	m->seen[SEEN_OBJECT]++;
	return ok;
}

static bool array_met(struct json_infer *i, struct json_scan *s, struct member *m, int depth)
{
	bool ok = json_array_begin(s);
	while (ok && json_array_next(s)) {
		if (m->element == NULL) m->element = member_new(i);
		ok = m->element != NULL ? value_met(i, s, m->element, depth) : json_skip(s, NULL);
	}
	m->seen[SEEN_ARRAY]++;
	return ok;
}

/* depth: types around it. */
static bool value_met(struct json_infer *i, struct json_scan *s, struct member *m, int depth)
{
	if (depth < COLUMN_DEPTH_MAX && json_peek(s) == JSON_OBJECT) return object_met(i, s, m, depth + 1);
	if (depth < COLUMN_DEPTH_MAX && json_peek(s) == JSON_ARRAY) return array_met(i, s, m, depth + 1);
	return scalar_met(s, m);
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
	struct json_change change;
	int64_t schema_id;
	struct str row = json_envelope_unframe(message, &schema_id);
	const bool valid = utf8_valid(row.p, row.n) &&
			   (!i->debezium || json_envelope_open(row, &change, &row) == NULL) && is_object(row);
	if (!valid) {
		i->others++;
		return OK;
	}
	json_start(&s, row.p, row.n);
	(void)object_met(i, &s, &i->message, 0);
	return i->out_of_memory ? fail_nomem(err) : OK;
}

/* ---- the schema ------------------------------------------------------------------------------------------------------------- */

static bool is_proposed(const struct member *m);

static bool any_proposed(const struct member *m)
{
	for (size_t k = 0; k < m->members.n; k++)
		if (is_proposed(m->members.items[k])) return true;
	return false;
}

/* The one type of all values but null, as the schema names it; NULL: there are several, or none, or nothing is known of what is in them. */
static const char *type_of(const struct member *m, const char **format)
{
	const int64_t *n = m->seen;
	const char *of_element;
	const int64_t texts = n[SEEN_TEXT] + n[SEEN_TIME] + n[SEEN_DATE] + n[SEEN_UUID];
	const int64_t numbers = n[SEEN_INTEGER] + n[SEEN_NUMBER];
	const int kinds = (texts > 0) + (numbers > 0) + (n[SEEN_BOOLEAN] > 0) + (n[SEEN_OBJECT] > 0) +
			  (n[SEEN_ARRAY] > 0) + (n[SEEN_DEEP] > 0);
	*format = NULL;
	if (kinds != 1 || n[SEEN_DEEP] > 0) return NULL;
	if (n[SEEN_OBJECT] > 0) return any_proposed(m) ? "object" : NULL;
	if (n[SEEN_ARRAY] > 0) return m->element != NULL && type_of(m->element, &of_element) != NULL ? "array" : NULL;
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
	return json_contract_is_name(m->name) && type_of(m, &format) != NULL;
}

static void put_required(const struct member *m, struct buf *out)
{
	size_t n = 0;
	buf_str(out, "\"required\": [");
	for (size_t k = 0; k < m->members.n; k++) {
		const struct member *of = m->members.items[k];
		if (!is_proposed(of) || of->n < m->seen[SEEN_OBJECT]) continue;
		if (n++ > 0) buf_str(out, ", ");
		buf_json_str(out, of->name);
	}
	buf_char(out, ']');
}

static void put_tabs(struct buf *out, int tabs)
{
	for (int i = 0; i < tabs; i++) buf_char(out, '\t');
}

static void put_members(const struct member *m, int tabs, struct buf *out);

static void put_type(const struct member *m, int tabs, struct buf *out)
{
	const char *format, *type = type_of(m, &format);
	buf_printf(out, m->seen[SEEN_NULL] > 0 ? "{\"type\": [\"%s\", \"null\"]" : "{\"type\": \"%s\"", type);
	if (format != NULL) buf_printf(out, ", \"format\": \"%s\"", format);
	if (m->seen[SEEN_OBJECT] > 0) {
		buf_str(out, ", ");
		put_required(m, out);
		buf_str(out, ", \"properties\": {\n");
		put_members(m, tabs + 1, out);
		put_tabs(out, tabs);
		buf_char(out, '}');
	}
	if (m->seen[SEEN_ARRAY] > 0) {
		buf_str(out, ", \"items\": ");
		put_type(m->element, tabs, out);
	}
	buf_char(out, '}');
}

static void put_members(const struct member *m, int tabs, struct buf *out)
{
	size_t n = 0;
	for (size_t k = 0; k < m->members.n; k++) {
		const struct member *of = m->members.items[k];
		if (!is_proposed(of)) continue;
		if (n++ > 0) buf_str(out, ",\n");
		put_tabs(out, tabs);
		buf_json_str(out, of->name);
		buf_str(out, ": ");
		put_type(of, tabs, out);
	}
	buf_char(out, '\n');
}

/* Of m, whose name with those around it is `path`, all members that are not proposed. */
static size_t put_left_out(const struct member *m, struct buf *path, size_t n, struct buf *out)
{
	const size_t before = path->n;
	for (size_t k = 0; k < m->members.n; k++) {
		const struct member *of = m->members.items[k];
		if (before > 0) buf_char(path, '.');
		buf_add(path, of->name.p, of->name.n);
		if (!is_proposed(of)) {
			if (n++ > 0) buf_str(out, ", ");
			buf_json_str(out, (struct str){(const char *)path->p, path->failed ? 0 : path->n});
		} else {
			for (; of->element != NULL; of = of->element) buf_str(path, "[]");
			n = put_left_out(of, path, n, out);
		}
		path->n = before;
	}
	return n;
}

static void put_comment(const struct json_infer *i, struct buf *out)
{
	struct buf text, path;
	buf_init(&text, 0);
	buf_init(&path, 0);
	buf_printf(&text, "proposed from %lld messages", (long long)i->message.seen[SEEN_OBJECT]);
	if (i->others > 0) buf_printf(&text, "; %lld others are no objects", (long long)i->others);
	const size_t before = text.n;
	buf_str(&text, "; kept in extra, as they are of several types, empty, or have no name of a column: ");
	if (put_left_out(&i->message, &path, 0, &text) == 0) text.n = before;
	buf_str(out, "\t\"$comment\": ");
	buf_json_str(out, (struct str){(const char *)text.p, text.failed ? 0 : text.n});
	buf_str(out, ",\n");
	buf_deinit(&text);
	buf_deinit(&path);
}

status json_infer_schema(const struct json_infer *i, const char *title, struct buf *out, struct err *err)
{
	if (!any_proposed(&i->message))
		return fail(err, E_NOT_FOUND,
			"no contract to propose: of %lld messages none has a member that is always of one type",
			(long long)(i->message.seen[SEEN_OBJECT] + i->others));
	buf_str(out, "{\n\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n\t\"title\": ");
	buf_json_str(out, str_of(title));
	buf_str(out, ",\n");
	put_comment(i, out);
	buf_str(out, "\t\"type\": \"object\",\n\t");
	put_required(&i->message, out);
	buf_str(out, ",\n\t\"properties\": {\n");
	put_members(&i->message, 2, out);
	buf_str(out, "\t}\n}\n");
	return buf_check(out, err);
}
