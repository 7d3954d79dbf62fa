/* stream/json_contract.c: a JSON Schema read to columns; see json_contract.h. Every keyword of the schema is met once, and is understood or
 * refused. Must not know messages. */
#include "stream/json_contract_int.h"

#include <stdio.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "io/json/json_doc.h"

enum { SCALE_MAX = 9, DECIMAL_DIGITS = 18, NAME_CHARS_MAX = 128, MEMBERS_MAX = 1024 };

struct reader {
	struct json_contract *c;
	const char *file;
	size_t n_members; /* so far, at any depth */
	struct err *err;
};

static const char *const silent[] = {"$schema", "$id", "$comment", "title", "description", "default", "examples",
	"deprecated", "readOnly", "writeOnly", NULL};

static bool is_among(struct str word, const char *const *words)
{
	while (*words != NULL && !str_is(word, *words)) words++;
	return *words != NULL;
}

/* member NULL: the schema itself. */
static status refuse(const struct reader *r, const struct json_member *m, const char *what, struct str which)
{
	return fail_at(r->err, E_USAGE, r->file, -1, -1, "%s%.*s%s%s '%.*s'", m != NULL ? "member '" : "",
		m != NULL ? (int)m->path.n : 0, m != NULL ? m->path.p : "", m != NULL ? "': " : "", what,
		(int)(which.n < 100 ? which.n : 100), which.p);
}

static status not_understood(const struct reader *r, const struct json_member *m, struct str keyword)
{
	return refuse(r, m, "a keyword of JSON Schema that is not understood:", keyword);
}

static status wrong_value(const struct reader *r, const struct json_member *m, struct str keyword)
{
	return refuse(r, m, "a value that is not understood, of the keyword", keyword);
}

/* ---- one member ----------------------------------------------------------------------------------------------------------- */

static status take_type_name(const struct reader *r, struct json_member *m, struct str name)
{
	if (str_is(name, "null"))
		m->nullable = true;
	else if (str_is(name, "string"))
		m->type = MEMBER_TEXT;
	else if (str_is(name, "integer"))
		m->type = MEMBER_INTEGER;
	else if (str_is(name, "number"))
		m->type = MEMBER_NUMBER;
	else if (str_is(name, "boolean"))
		m->type = MEMBER_BOOLEAN;
	else if (str_is(name, "object"))
		m->type = MEMBER_OBJECT;
	else if (str_is(name, "array"))
		m->type = MEMBER_ARRAY;
	else
		return wrong_value(r, m, STR("type"));
	return OK;
}

static status take_type(const struct reader *r, struct json_member *m, const struct json_node *value)
{
	struct str name;
	size_t types = 0;
	if (json_node_str(value, &name)) {
		TRY(take_type_name(r, m, name));
		return m->nullable ? wrong_value(r, m, STR("type")) : OK; /* null alone is no column */
	}
	for (size_t i = 0; i < json_node_n(value); i++) {
		if (!json_node_str(json_node_at(value, i), &name)) return wrong_value(r, m, STR("type"));
		TRY(take_type_name(r, m, name));
		types += !str_is(name, "null");
	}
	return types == 1 ? OK : wrong_value(r, m, STR("type"));
}

static status take_format(const struct reader *r, struct json_member *m, const struct json_node *value)
{
	struct str name;
	if (!json_node_str(value, &name) || m->type != MEMBER_TEXT) return wrong_value(r, m, STR("format"));
	if (str_is(name, "date-time"))
		m->type = MEMBER_TIME;
	else if (str_is(name, "date"))
		m->type = MEMBER_DATE;
	else if (str_is(name, "uuid"))
		m->type = MEMBER_UUID;
	else
		return refuse(r, m, "a format that is not understood:", name);
	return OK;
}

static status take_words(const struct reader *r, struct json_member *m, const struct json_node *value, bool alone)
{
	const size_t n = alone ? 1 : json_node_n(value);
	const struct str keyword = alone ? STR("const") : STR("enum");
	struct str *words = ARENA_NEW(&r->c->arena, struct str, n + 1);
	if (words == NULL) return fail_nomem(r->err);
	if (n == 0 || m->type != MEMBER_TEXT) return wrong_value(r, m, keyword);
	m->n_words = 0;
	for (size_t i = 0; i < n; i++) {
		const struct json_node *word = alone ? value : json_node_at(value, i);
		struct str text;
		if (json_node_kind(word) == JSON_DOC_NULL && !alone) {
			m->nullable = true;
			continue;
		}
		if (!json_node_str(word, &text)) return wrong_value(r, m, keyword);
		const char *copy = arena_strndup(&r->c->arena, text.p, text.n);
		if (copy == NULL) return fail_nomem(r->err);
		words[m->n_words++] = (struct str){copy, text.n};
	}
	m->words = words;
	return OK;
}

static status take_length(const struct reader *r, const struct json_member *m, struct str keyword,
	const struct json_node *value, size_t *out)
{
	const enum json_member_type of =
		str_is(keyword, "minItems") || str_is(keyword, "maxItems") ? MEMBER_ARRAY : MEMBER_TEXT;
	int64_t n;
	if (!json_node_i64(value, &n) || n < 0 || m->type != of) return wrong_value(r, m, keyword);
	*out = (size_t)n;
	return OK;
}

static bool is_number(const struct json_member *m)
{
	return m->type == MEMBER_INTEGER || m->type == MEMBER_NUMBER || m->type == MEMBER_DECIMAL;
}

static status take_scale(const struct reader *r, struct json_member *m, const struct json_node *value)
{
	double of, unit = 1;
	if (!json_node_f64(value, &of) || !is_number(m)) return wrong_value(r, m, STR("multipleOf"));
	if (m->type == MEMBER_INTEGER) return of == 1 ? OK : wrong_value(r, m, STR("multipleOf"));
	for (uint8_t scale = 0; scale <= SCALE_MAX; scale++, unit *= 10) {
		if (of != 1 / unit) continue;
		m->type = MEMBER_DECIMAL;
		m->scale = scale;
		return OK;
	}
	return wrong_value(r, m, STR("multipleOf"));
}

static status take_bound(
	const struct reader *r, struct json_member *m, struct str keyword, const struct json_node *value)
{
	double bound;
	if (!json_node_f64(value, &bound) || !is_number(m)) return wrong_value(r, m, keyword);
	const bool min = str_is(keyword, "minimum") || str_is(keyword, "exclusiveMinimum");
	const bool exclusive = keyword.p[0] == 'e';
	double *at = min ? &m->min : &m->max;
	bool *excluded = min ? &m->min_exclusive : &m->max_exclusive;
	if (*at == bound)
		*excluded |= exclusive;
	else if (min ? bound > *at : bound < *at)
		*at = bound, *excluded = exclusive;
	return OK;
}

/* The type comes first, whatever the order in the file: other keywords are judged by it. */
static status take_keyword(const struct reader *r, struct json_member *m, struct str key, const struct json_node *value)
{
	static const char *const bounds[] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", NULL};
	if (is_among(key, silent) || str_is(key, "type")) return OK;
	if (str_is(key, "format")) return take_format(r, m, value);
	if (str_is(key, "enum")) return take_words(r, m, value, false);
	if (str_is(key, "const")) return take_words(r, m, value, true);
	if (m->type == MEMBER_ARRAY && str_is(key, "items")) return OK;
	if (str_is(key, "minItems")) return take_length(r, m, key, value, &m->length_min);
	if (str_is(key, "maxItems")) return take_length(r, m, key, value, &m->length_max);
	if (str_is(key, "minLength")) return take_length(r, m, key, value, &m->length_min);
	if (str_is(key, "maxLength")) return take_length(r, m, key, value, &m->length_max);
	if (str_is(key, "multipleOf")) return take_scale(r, m, value);
	if (is_among(key, bounds)) return take_bound(r, m, key, value);
	return not_understood(r, m, key);
}

static status take_object(struct reader *r, struct json_member *m, struct json_shape *shape,
	const struct json_node *schema, unsigned depth);
static status take_member(struct reader *r, struct json_member *m, const struct json_node *schema, unsigned depth);

/* The elements of an array: a member of no name. */
static status take_items(struct reader *r, struct json_member *m, const struct json_node *schema, unsigned depth)
{
	struct json_member *item = ARENA_ZNEW(&r->c->arena, struct json_member, 1);
	const struct json_node *items = json_node_get(schema, "items");
	if (items == NULL) return refuse(r, m, "an array needs", STR("items"));
	const char *path = arena_printf(&r->c->arena, "%s[]", m->path.p);
	if (item == NULL || path == NULL) return fail_nomem(r->err);
	item->name = (struct str){"", 0};
	item->path = str_of(path);
	m->shape = (struct json_shape){.members = item, .n = 1};
	return take_member(r, item, items, depth);
}

/* Recurses over the schema, COLUMN_DEPTH_MAX deep at most. */
static status take_member(struct reader *r, struct json_member *m, const struct json_node *schema, unsigned depth)
{
	struct str key;
	const struct json_node *value, *type = json_node_get(schema, "type");
	if (++r->n_members > MEMBERS_MAX)
		return fail_at(r->err, E_LIMIT, r->file, -1, -1, "over %d members", MEMBERS_MAX);
	if (depth > COLUMN_DEPTH_MAX) return refuse(r, m, "a member nested too deeply:", m->name);
	m->length_max = SIZE_MAX;
	m->min = -__builtin_inf();
	m->max = __builtin_inf();
	if (json_node_kind(schema) != JSON_DOC_OBJECT) return wrong_value(r, m, STR("properties"));
	if (type == NULL) return refuse(r, m, "it needs a", STR("type"));
	TRY(take_type(r, m, type));
	if (m->type == MEMBER_OBJECT) return take_object(r, m, &m->shape, schema, depth + 1);
	for (const void *at = NULL; json_node_next(schema, &at, &key, &value);) TRY(take_keyword(r, m, key, value));
	if (m->type == MEMBER_ARRAY) return take_items(r, m, schema, depth + 1);
	return OK;
}

/* ---- the schema ----------------------------------------------------------------------------------------------------------- */

bool json_contract_is_name(struct str name)
{
	if (name.n == 0 || name.n > NAME_CHARS_MAX) return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || strchr(",;{}()=", name.p[i]) != NULL) return false;
	return true;
}

/* Readers tell the fields of a struct apart without regard to case. */
static status check_name(const struct reader *r, const struct json_member *parent, const struct json_shape *shape)
{
	const struct json_member *m = &shape->members[shape->n - 1];
	if (!json_contract_is_name(m->name)) return refuse(r, parent, "no name for a column:", m->name);
	for (size_t i = 0; parent != NULL && i + 1 < shape->n; i++)
		if (strcasecmp(shape->members[i].name.p, m->name.p) == 0)
			return refuse(r, parent, "two columns of one name:", m->name);
	return OK;
}

static status take_properties(struct reader *r, const struct json_member *parent, struct json_shape *shape,
	const struct json_node *properties, unsigned depth)
{
	struct json_contract *c = r->c;
	struct str key;
	const struct json_node *value;
	if (json_node_kind(properties) != JSON_DOC_OBJECT || json_node_n(properties) == 0)
		return wrong_value(r, parent, STR("properties"));
	if (json_node_n(properties) > TABLE_COLUMNS_MAX - 16)
		return fail_at(r->err, E_LIMIT, r->file, -1, -1, "over %d members", TABLE_COLUMNS_MAX - 16);
	shape->members = ARENA_ZNEW(&c->arena, struct json_member, json_node_n(properties));
	if (shape->members == NULL) return fail_nomem(r->err);
	for (const void *at = NULL; json_node_next(properties, &at, &key, &value);) {
		struct json_member *m = &shape->members[shape->n++];
		m->name = (struct str){arena_strndup(&c->arena, key.p, key.n), key.n};
		if (m->name.p == NULL) return fail_nomem(r->err);
		m->path = m->name;
		if (parent != NULL) {
			const char *path = arena_printf(&c->arena, "%s.%s", parent->path.p, m->name.p);
			if (path == NULL) return fail_nomem(r->err);
			m->path = str_of(path);
		}
		TRY(check_name(r, parent, shape));
		TRY(take_member(r, m, value, depth));
	}
	return OK;
}

static status take_required(const struct reader *r, const struct json_member *parent, struct json_shape *shape,
	const struct json_node *required)
{
	for (size_t i = 0; i < json_node_n(required); i++) {
		struct str name;
		size_t at = 0;
		if (!json_node_str(json_node_at(required, i), &name)) return wrong_value(r, parent, STR("required"));
		while (at < shape->n && !str_eq(shape->members[at].name, name)) at++;
		if (at == shape->n) return refuse(r, parent, "required, and not among the properties:", name);
		shape->members[at].required = true;
	}
	return OK;
}

/* m NULL: the message. */
static status take_object(struct reader *r, struct json_member *m, struct json_shape *shape,
	const struct json_node *schema, unsigned depth)
{
	struct str key;
	const struct json_node *value, *required = NULL;
	bool additional = true;
	for (const void *at = NULL; json_node_next(schema, &at, &key, &value);) {
		if (is_among(key, silent) || str_is(key, "type") || str_is(key, "properties")) continue;
		if (str_is(key, "required") && json_node_kind(value) == JSON_DOC_ARRAY)
			required = value;
		else if (str_is(key, "additionalProperties") && json_node_bool(value, &additional))
			shape->closed = !additional;
		else if (str_is(key, "required") || str_is(key, "additionalProperties"))
			return wrong_value(r, m, key);
		else
			return not_understood(r, m, key);
	}
	TRY(take_properties(r, m, shape, json_node_get(schema, "properties"), depth));
	return take_required(r, m, shape, required);
}

static status take_schema(struct reader *r, const struct json_node *root)
{
	struct str type;
	if (json_node_kind(root) != JSON_DOC_OBJECT)
		return fail_at(r->err, E_USAGE, r->file, -1, -1, "a JSON Schema is an object");
	if (!json_node_str(json_node_get(root, "type"), &type) || !str_is(type, "object"))
		return refuse(r, NULL, "the schema of a message needs the type", STR("object"));
	return take_object(r, NULL, &r->c->shape, root, 1);
}

/* ---- columns -------------------------------------------------------------------------------------------------------------- */

static const enum col_type column_types[] = {[MEMBER_TEXT] = COL_STRING,
	[MEMBER_UUID] = COL_STRING,
	[MEMBER_DATE] = COL_DATE,
	[MEMBER_TIME] = COL_TIMESTAMP,
	[MEMBER_INTEGER] = COL_INT64,
	[MEMBER_NUMBER] = COL_DOUBLE,
	[MEMBER_DECIMAL] = COL_DECIMAL,
	[MEMBER_BOOLEAN] = COL_BOOL,
	[MEMBER_OBJECT] = COL_STRUCT,
	[MEMBER_ARRAY] = COL_LIST};

static struct column_def column_of(const struct json_member *m)
{
	return (struct column_def){.name = m->name.p,
		.type = column_types[m->type],
		.precision = m->type == MEMBER_DECIMAL ? DECIMAL_DIGITS : 0,
		.scale = m->scale,
		.nullable = true,
		.id = m->type == MEMBER_UUID};
}

/* With its children, in the order of the schema. */
static status make_column(const struct reader *r, struct json_member *m, struct column_def *out)
{
	*out = column_of(m);
	if (m->shape.n == 0) return OK;
	struct column_def *children = ARENA_ZNEW(&r->c->arena, struct column_def, m->shape.n);
	if (children == NULL) return fail_nomem(r->err);
	for (size_t i = 0; i < m->shape.n; i++) {
		m->shape.members[i].column = (int)i;
		TRY(make_column(r, &m->shape.members[i], &children[i]));
	}
	if (m->type == MEMBER_ARRAY) children[0].name = "element";
	out->children = children;
	out->n_children = m->shape.n;
	return OK;
}

static const struct column_def change_columns[CHANGE_COLUMNS] = {
	[CHANGE_OP] = {.name = "change_op", .type = COL_STRING, .nullable = true},
	[CHANGE_AT] = {.name = "change_at", .type = COL_TIMESTAMP, .nullable = true},
	[CHANGE_BEFORE] = {.name = "change_before", .type = COL_STRING, .nullable = true},
	[CHANGE_SOURCE] = {.name = "change_source", .type = COL_STRING, .nullable = true},
};
static const struct column_def own_columns[OWN_COLUMNS] = {
	[OWN_EXTRA] = {.name = "extra", .type = COL_STRING, .nullable = true},
	[OWN_SCHEMA_ID] = {.name = "schema_id", .type = COL_INT32, .nullable = true},
	[OWN_TOPIC] = {.name = "kafka_topic", .type = COL_STRING, .nullable = true},
	[OWN_PARTITION] = {.name = "kafka_partition", .type = COL_INT32, .nullable = true},
	[OWN_OFFSET] = {.name = "kafka_offset", .type = COL_INT64, .nullable = true},
	[OWN_INCARNATION] = {.name = "kafka_incarnation", .type = COL_INT32, .nullable = true},
};

static status add_partition_column(const struct reader *r, struct column_def *columns, size_t *n)
{
	struct json_contract *c = r->c;
	if (c->partition == PARTITION_NONE) return OK;
	const struct json_member *m = &c->shape.members[c->partition_member];
	struct column_def *d = &columns[(*n)++];
	*d = column_of(m);
	if (c->partition == PARTITION_DATE) {
		d->name = arena_printf(&c->arena, "%s_date", m->name.p);
		d->type = COL_DATE;
	}
	if (d->name == NULL) return fail_nomem(r->err);
	d->partition = true;
	d->id = false;
	c->partition_column = d->name;
	return OK;
}

static status check_names(const struct reader *r, const struct column_def *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcasecmp(columns[i].name, columns[k].name) == 0)
				return refuse(r, NULL, "two columns of one name:", str_of(columns[i].name));
	return OK;
}

/* Columns that are wanted, before they have their places. */
struct wanted {
	struct column_def def;
	int *at;
	struct json_member *member; /* NULL: a column of its own */
	bool placed;
};

static status collect_wanted(const struct reader *r, struct wanted *w, size_t *out)
{
	struct json_contract *c = r->c;
	size_t n = 0;
	for (size_t i = 0; i < c->shape.n; i++) {
		c->shape.members[i].column = -1;
		if (c->partition == PARTITION_VALUE && c->partition_member == i) continue;
		struct json_member *m = &c->shape.members[i];
		w[n] = (struct wanted){.at = &m->column, .member = m};
		TRY(make_column(r, m, &w[n++].def));
	}
	for (int i = 0; i < CHANGE_COLUMNS && c->debezium; i++)
		w[n++] = (struct wanted){.def = change_columns[i], .at = &c->change[i]};
	for (int i = 0; i < OWN_COLUMNS; i++) w[n++] = (struct wanted){.def = own_columns[i], .at = &c->own[i]};
	*out = n;
	return OK;
}

/* May all of it be null, from now on? The keys of a map are in no map that is. */
static bool writable(const struct column_def *have)
{
	if (!have->nullable || have->type == COL_DECIMAL128) return false;
	for (size_t i = have->type == COL_MAP; i < have->n_children; i++)
		if (!writable(&have->children[i])) return false;
	return true;
}

static status merge(const struct reader *r, const struct column_def *have, struct json_member *m,
	struct column_def *want, bool *fits);

/* Fields that stand keep their places, as the members of their names or as fields that are null; new ones follow. */
static status merge_fields(const struct reader *r, const struct column_def *have, struct json_member *m,
	struct column_def *want, bool *fits)
{
	const struct json_shape *shape = &m->shape;
	struct column_def *fields = ARENA_ZNEW(&r->c->arena, struct column_def, have->n_children + shape->n);
	bool *placed = ARENA_ZNEW(&r->c->arena, bool, shape->n);
	size_t n = 0;
	if (fields == NULL || placed == NULL) return fail_nomem(r->err);
	for (size_t k = 0; *fits && k < have->n_children; k++) {
		const struct column_def *h = &have->children[k];
		size_t i = 0;
		while (i < shape->n && strcmp(shape->members[i].name.p, h->name) != 0) i++;
		fields[n] = i < shape->n ? want->children[i] : *h;
		if (i == shape->n)
			*fits = writable(h);
		else
			TRY(merge(r, h, &shape->members[i], &fields[n], fits));
		if (i < shape->n) shape->members[i].column = (int)n;
		if (i < shape->n) placed[i] = true;
		n++;
	}
	for (size_t i = 0; i < shape->n; i++) {
		if (placed[i]) continue;
		for (size_t k = 0; k < n; k++) *fits &= strcasecmp(fields[k].name, shape->members[i].name.p) != 0;
		shape->members[i].column = (int)n;
		fields[n++] = want->children[i];
	}
	want->children = fields;
	want->n_children = n;
	return OK;
}

/* want, which m is to become, onto the column that stands; *fits false: it has another type, or takes no nulls. */
static status merge(const struct reader *r, const struct column_def *have, struct json_member *m,
	struct column_def *want, bool *fits)
{
	*fits = have->nullable && have->type == want->type && have->precision == want->precision &&
		have->scale == want->scale;
	if (!*fits || !col_type_nested(want->type)) return OK;
	if (want->type == COL_STRUCT) return merge_fields(r, have, m, want, fits);
	struct column_def *element = ARENA_NEW(&r->c->arena, struct column_def, 1);
	if (element == NULL) return fail_nomem(r->err);
	*element = want->children[0];
	want->children = element;
	return merge(r, &have->children[0], &m->shape.members[0], element, fits);
}

struct columns {
	struct column_def *items;
	size_t n;
};

/* A column that stands keeps its place, as the member of its name, or as one that is null. */
static status place_standing(
	const struct reader *r, const struct column_def *have, struct wanted *w, size_t n, struct columns *out)
{
	size_t i = 0;
	while (i < n && strcmp(w[i].def.name, have->name) != 0) i++;
	bool fits = i < n || writable(have);
	if (i < n) TRY(merge(r, have, w[i].member, &w[i].def, &fits));
	if (!fits)
		return fail_at(r->err, E_CONFLICT, r->file, -1, -1, "column '%s' of the table is %s%s there, %s here%s",
			have->name, col_type_name(have->type), have->nullable ? "" : " not null",
			i < n ? col_type_name(w[i].def.type) : "no member",
			i < n && have->type == w[i].def.type && col_type_nested(have->type) ? ", of other parts" : "");
	if (i < n) {
		*w[i].at = (int)out->n;
		w[i].placed = true;
	}
	out->items[out->n++] = i < n ? w[i].def : *have;
	return OK;
}

static status place_columns(const struct reader *r, const struct json_contract_opts *o, struct columns *out)
{
	struct json_contract *c = r->c;
	struct wanted *w = ARENA_NEW(&c->arena, struct wanted, c->shape.n + CHANGE_COLUMNS + OWN_COLUMNS);
	if (w == NULL) return fail_nomem(r->err);
	size_t n = 0;
	TRY(collect_wanted(r, w, &n));
	for (size_t i = 0; i < o->n_standing; i++)
		if (!o->standing[i].partition) TRY(place_standing(r, &o->standing[i], w, n, out));
	for (size_t i = 0; i < n; i++) {
		if (w[i].placed) continue;
		*w[i].at = (int)out->n;
		out->items[out->n++] = w[i].def;
	}
	return OK;
}

/* A table that stands is partitioned as it is wanted. */
static status check_partition(const struct reader *r, const struct json_contract_opts *o)
{
	const char *have = NULL, *want = r->c->partition_column;
	size_t n = 0;
	for (size_t i = 0; i < o->n_standing; i++) {
		if (o->standing[i].partition) have = o->standing[i].name;
		n += o->standing[i].partition;
	}
	if (o->n_standing == 0 || (n == (want != NULL) && (want == NULL || strcmp(want, have) == 0))) return OK;
	return fail_at(r->err, E_CONFLICT, r->file, -1, -1, "the table is partitioned by %s there, by %s here",
		have != NULL ? have : "nothing", want != NULL ? want : "nothing");
}

static status make_table(const struct reader *r, const struct json_contract_opts *o)
{
	struct json_contract *c = r->c;
	const size_t most = c->shape.n + CHANGE_COLUMNS + OWN_COLUMNS + 1 + o->n_standing;
	struct columns columns = {.items = ARENA_ZNEW(&c->arena, struct column_def, most)};
	const char *dot = strchr(o->table, '.');
	if (columns.items == NULL) return fail_nomem(r->err);
	if (dot == NULL || dot == o->table || dot[1] == '\0' || strchr(dot + 1, '.') != NULL)
		return fail(r->err, E_USAGE, "a table is named as bronze.orders, found '%s'", o->table);
	TRY(place_columns(r, o, &columns));
	TRY(add_partition_column(r, columns.items, &columns.n));
	TRY(check_names(r, columns.items, columns.n));
	TRY(check_partition(r, o));
	c->table = (struct table_schema){.name = arena_strndup(&c->arena, dot + 1, strlen(dot + 1)),
		.layer = arena_strndup(&c->arena, o->table, (size_t)(dot - o->table)),
		.contract = "",
		.description = "",
		.columns = columns.items,
		.n_columns = columns.n};
	return c->table.name != NULL && c->table.layer != NULL ? OK : fail_nomem(r->err);
}

static status take_partition(const struct reader *r, const char *by)
{
	struct json_contract *c = r->c;
	struct str name = {by, by != NULL ? strlen(by) : 0};
	size_t at = 0;
	if (by == NULL) return OK;
	const bool date = name.n > 6 && memcmp(by, "date(", 5) == 0 && by[name.n - 1] == ')';
	if (date) name = (struct str){by + 5, name.n - 6};
	while (at < c->shape.n && !str_eq(c->shape.members[at].name, name)) at++;
	if (at == c->shape.n) return refuse(r, NULL, "no member to partition by:", name);
	const enum json_member_type type = c->shape.members[at].type;
	if (date && type != MEMBER_TIME && type != MEMBER_DATE)
		return refuse(r, NULL, "date() wants a member of format date-time or date, unlike", name);
	if (!date && (type == MEMBER_NUMBER || type == MEMBER_DECIMAL || type == MEMBER_TIME || type == MEMBER_OBJECT ||
			     type == MEMBER_ARRAY))
		return refuse(
			r, NULL, "a table can't be partitioned by a number, an instant, an object or an array:", name);
	c->partition = date ? PARTITION_DATE : PARTITION_VALUE;
	c->partition_member = at;
	return OK;
}

/* ---- opening -------------------------------------------------------------------------------------------------------------- */

static status read_contract(struct reader *r, struct str schema, const struct json_contract_opts *o)
{
	struct json_doc *doc = NULL;
	struct json_contract *c = r->c;
	status code = json_doc_parse(schema, &doc, r->err);
	if (code != OK) return err_at(r->err, code, o->file, -1, -1);
	code = take_schema(r, json_doc_root(doc));
	json_doc_destroy(doc);
	if (code != OK) return code;
	TRY(take_partition(r, o->partition_by));
	TRY(make_table(r, o));
	const char *topic = arena_strndup(&c->arena, o->topic, strlen(o->topic));
	if (topic == NULL) return fail_nomem(r->err);
	c->topic_name = str_of(topic);
	c->topic = (struct stream_topic){.name = topic,
		.table = &c->table,
		.partition_column = "kafka_partition",
		.position_column = "kafka_offset",
		.incarnation_column = "kafka_incarnation"};
	json_record_functions(&c->topic);
	return OK;
}

status json_contract_open(
	struct str schema, const struct json_contract_opts *o, struct json_contract **out, struct err *err)
{
	struct json_contract *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	arena_init(&c->arena, 0);
	c->debezium = o->debezium;
	c->message_bytes_max = o->message_bytes_max;
	c->parquet = o->parquet;
	struct reader r = {.c = c, .file = o->file, .err = err};
	const status code = read_contract(&r, schema, o);
	if (code != OK) {
		json_contract_close(c);
		return code;
	}
	*out = c;
	return OK;
}

void json_contract_close(struct json_contract *c)
{
	if (c == NULL) return;
	arena_deinit(&c->arena);
	mem_free(c);
}

const struct stream_topic *json_contract_topic(const struct json_contract *c)
{
	return &c->topic;
}
