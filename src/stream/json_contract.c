/* stream/json_contract.c: a JSON Schema read to columns; see json_contract.h. Every keyword of the schema is met once, and is understood or
 * refused. Must not know messages. */
#include "stream/json_contract_int.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "io/json/json_doc.h"

enum { SCALE_MAX = 9, DECIMAL_DIGITS = 18, NAME_CHARS_MAX = 128 };

struct reader {
	struct json_contract *c;
	const char *file;
	const struct json_node *required;
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
		m != NULL ? (int)m->name.n : 0, m != NULL ? m->name.p : "", m != NULL ? "': " : "", what,
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
	else if (str_is(name, "object") || str_is(name, "array"))
		return refuse(r, m,
			"nested members get no column in this version (left out of properties, it is kept in extra): "
			"type",
			name);
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
	int64_t n;
	if (!json_node_i64(value, &n) || n < 0 || m->type != MEMBER_TEXT) return wrong_value(r, m, keyword);
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
	if (str_is(key, "minLength")) return take_length(r, m, key, value, &m->chars_min);
	if (str_is(key, "maxLength")) return take_length(r, m, key, value, &m->chars_max);
	if (str_is(key, "multipleOf")) return take_scale(r, m, value);
	if (is_among(key, bounds)) return take_bound(r, m, key, value);
	return not_understood(r, m, key);
}

static status take_member(const struct reader *r, struct json_member *m, const struct json_node *schema)
{
	struct str key;
	const struct json_node *value, *type = json_node_get(schema, "type");
	m->chars_max = SIZE_MAX;
	m->min = -__builtin_inf();
	m->max = __builtin_inf();
	if (json_node_kind(schema) != JSON_DOC_OBJECT) return wrong_value(r, m, STR("properties"));
	if (type == NULL) return refuse(r, m, "it needs a", STR("type"));
	TRY(take_type(r, m, type));
	for (const void *at = NULL; json_node_next(schema, &at, &key, &value);) TRY(take_keyword(r, m, key, value));
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

static status take_properties(struct reader *r, const struct json_node *properties)
{
	struct json_contract *c = r->c;
	struct str key;
	const struct json_node *value;
	if (json_node_kind(properties) != JSON_DOC_OBJECT || json_node_n(properties) == 0)
		return wrong_value(r, NULL, STR("properties"));
	if (json_node_n(properties) > TABLE_COLUMNS_MAX - 16)
		return fail_at(r->err, E_LIMIT, r->file, -1, -1, "over %d members", TABLE_COLUMNS_MAX - 16);
	c->members = ARENA_ZNEW(&c->arena, struct json_member, json_node_n(properties));
	if (c->members == NULL) return fail_nomem(r->err);
	for (const void *at = NULL; json_node_next(properties, &at, &key, &value);) {
		struct json_member *m = &c->members[c->n_members++];
		m->name = (struct str){arena_strndup(&c->arena, key.p, key.n), key.n};
		if (m->name.p == NULL) return fail_nomem(r->err);
		if (!json_contract_is_name(key)) return refuse(r, NULL, "no name for a column:", key);
		TRY(take_member(r, m, value));
	}
	return OK;
}

static status take_required(const struct reader *r)
{
	for (size_t i = 0; i < json_node_n(r->required); i++) {
		struct str name;
		size_t at = 0;
		if (!json_node_str(json_node_at(r->required, i), &name)) return wrong_value(r, NULL, STR("required"));
		while (at < r->c->n_members && !str_eq(r->c->members[at].name, name)) at++;
		if (at == r->c->n_members) return refuse(r, NULL, "required, and not among the properties:", name);
		r->c->members[at].required = true;
	}
	return OK;
}

static status take_schema(struct reader *r, const struct json_node *root)
{
	struct str key, type;
	const struct json_node *value;
	bool additional = true;
	if (json_node_kind(root) != JSON_DOC_OBJECT)
		return fail_at(r->err, E_USAGE, r->file, -1, -1, "a JSON Schema is an object");
	if (!json_node_str(json_node_get(root, "type"), &type) || !str_is(type, "object"))
		return refuse(r, NULL, "the schema of a message needs the type", STR("object"));
	for (const void *at = NULL; json_node_next(root, &at, &key, &value);) {
		if (is_among(key, silent) || str_is(key, "type") || str_is(key, "properties")) continue;
		if (str_is(key, "required") && json_node_kind(value) == JSON_DOC_ARRAY)
			r->required = value;
		else if (str_is(key, "additionalProperties") && json_node_bool(value, &additional))
			r->c->closed = !additional;
		else if (str_is(key, "required") || str_is(key, "additionalProperties"))
			return wrong_value(r, NULL, key);
		else
			return not_understood(r, NULL, key);
	}
	TRY(take_properties(r, json_node_get(root, "properties")));
	return take_required(r);
}

/* ---- columns -------------------------------------------------------------------------------------------------------------- */

static const enum col_type column_types[] = {[MEMBER_TEXT] = COL_STRING,
	[MEMBER_UUID] = COL_STRING,
	[MEMBER_DATE] = COL_DATE,
	[MEMBER_TIME] = COL_TIMESTAMP,
	[MEMBER_INTEGER] = COL_INT64,
	[MEMBER_NUMBER] = COL_DOUBLE,
	[MEMBER_DECIMAL] = COL_DECIMAL,
	[MEMBER_BOOLEAN] = COL_BOOL};

static struct column_def column_of(const struct json_member *m)
{
	return (struct column_def){.name = m->name.p,
		.type = column_types[m->type],
		.precision = m->type == MEMBER_DECIMAL ? DECIMAL_DIGITS : 0,
		.scale = m->scale,
		.nullable = true,
		.id = m->type == MEMBER_UUID};
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
	const struct json_member *m = &c->members[c->partition_member];
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
	bool placed;
};

static size_t collect_wanted(struct json_contract *c, struct wanted *w)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n_members; i++) {
		c->members[i].column = -1;
		if (c->partition == PARTITION_VALUE && c->partition_member == i) continue;
		w[n++] = (struct wanted){column_of(&c->members[i]), &c->members[i].column, false};
	}
	for (int i = 0; i < CHANGE_COLUMNS && c->debezium; i++)
		w[n++] = (struct wanted){change_columns[i], &c->change[i], false};
	for (int i = 0; i < OWN_COLUMNS; i++) w[n++] = (struct wanted){own_columns[i], &c->own[i], false};
	return n;
}

static bool same_type(const struct column_def *a, const struct column_def *b)
{
	return a->type == b->type && a->precision == b->precision && a->scale == b->scale;
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
	const bool writable = have->nullable && !col_type_nested(have->type) && have->type != COL_DECIMAL128;
	if (!writable || (i < n && !same_type(have, &w[i].def)))
		return fail_at(r->err, E_CONFLICT, r->file, -1, -1, "column '%s' of the table is %s%s there, %s here",
			have->name, col_type_name(have->type), have->nullable ? "" : " not null",
			i < n ? col_type_name(w[i].def.type) : "no member");
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
	struct wanted *w = ARENA_NEW(&c->arena, struct wanted, c->n_members + CHANGE_COLUMNS + OWN_COLUMNS);
	if (w == NULL) return fail_nomem(r->err);
	const size_t n = collect_wanted(c, w);
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
	const size_t most = c->n_members + CHANGE_COLUMNS + OWN_COLUMNS + 1 + o->n_standing;
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
	while (at < c->n_members && !str_eq(c->members[at].name, name)) at++;
	if (at == c->n_members) return refuse(r, NULL, "no member to partition by:", name);
	const enum json_member_type type = c->members[at].type;
	if (date && type != MEMBER_TIME && type != MEMBER_DATE)
		return refuse(r, NULL, "date() wants a member of format date-time or date, unlike", name);
	if (!date && (type == MEMBER_NUMBER || type == MEMBER_DECIMAL || type == MEMBER_TIME))
		return refuse(r, NULL, "a table can't be partitioned by a number or an instant:", name);
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
