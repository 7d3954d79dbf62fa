/* table/log/schema.c: schemaString both ways.
 *
 * Nothing of a schema is refused because it isn't read: such a column is kept by its type's text and marked. What binds a writer (invariants,
 * generated columns) is kept too, for txn_check.c to refuse. Must not know files.
 */
#include "table/log/schema.h"

#include <stdio.h>
#include <strings.h>

#include "base/limits.h"
#include "base/vec.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"

/* Keys of a column's metadata that bind who writes rows ("Column Metadata"). */
static const char *const writer_rules[] = {"delta.invariants", "delta.generationExpression", "delta.identity.start",
	"delta.identity.step", "CURRENT_DEFAULT"};
enum { N_WRITER_RULES = sizeof writer_rules / sizeof writer_rules[0] };

struct reader {
	struct json_scan s;
	struct arena *arena;
	bool no_memory;
	bool unwritten; /* a part of the type at hand would be written as another one */
};

static bool refuse(struct reader *r, const char *what, const char *at)
{
	(void)json_refuse(&r->s, what, at);
	return false;
}

static bool no_memory(struct reader *r)
{
	r->no_memory = true;
	return refuse(r, "", r->s.p); /* never seen: the caller tells */
}

/* As a C string in the arena; one that holds a NUL is refused. */
static bool c_text(struct reader *r, const struct json_string *from, const char **out)
{
	char *dst = arena_alloc(r->arena, from->raw.n + 1, 1);
	if (dst == NULL) return no_memory(r);
	const size_t n = json_unescape(from->raw, dst);
	dst[n] = '\0';
	if (strlen(dst) != n) return refuse(r, "NUL in a string", from->raw.p);
	*out = dst;
	return true;
}

static bool next_member(struct reader *r, const char **key)
{
	struct json_string name;
	return json_object_next(&r->s, &name) && c_text(r, &name, key);
}

static bool take_text(struct reader *r, const char **out)
{
	struct json_string string;
	return json_take_string(&r->s, &string) && c_text(r, &string, out);
}

/* "decimal" or "decimal(p,s)", up to 38 digits; false: something else. */
static bool decimal_type(const char *text, int *precision, int *scale)
{
	char end;
	*precision = 10;
	*scale = 0;
	if (strcmp(text, "decimal") == 0) return true;
	if (sscanf(text, "decimal(%2d,%2d%c", precision, scale, &end) != 3 &&
		sscanf(text, "decimal(%2d, %2d%c", precision, scale, &end) != 3)
		return false;
	return end == ')' && strchr(text, ')')[1] == '\0' && *precision >= 1 && *precision <= 38 && *scale >= 0 &&
	       *scale <= *precision;
}

/* "Primitive Types". A name that is none is of a later version: false. */
static bool primitive_set(struct column_def *def, const char *text)
{
	static const struct {
		const char *name;
		enum col_type type;
	} types[] = {{"string", COL_STRING}, {"long", COL_INT64}, {"integer", COL_INT32}, {"short", COL_INT32},
		{"byte", COL_INT32}, {"float", COL_FLOAT}, {"double", COL_DOUBLE}, {"boolean", COL_BOOL},
		{"binary", COL_BINARY}, {"date", COL_DATE}, {"timestamp", COL_TIMESTAMP},
		{"timestamp_ntz", COL_TIMESTAMP}};
	int precision, scale;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (strcmp(text, types[i].name) != 0) continue;
		def->type = types[i].type;
		return true;
	}
	if (!decimal_type(text, &precision, &scale)) return false;
	def->type = precision > 18 ? COL_DECIMAL128 : COL_DECIMAL;
	def->precision = (uint8_t)precision;
	def->scale = (uint8_t)scale;
	return true;
}

static bool take_nullable(struct reader *r, bool *out)
{
	enum json_kind literal;
	if (!json_take_literal(&r->s, &literal)) return false;
	*out = literal != JSON_FALSE;
	return true;
}

static bool take_def(struct reader *r, struct column_def *def, unsigned depth, bool *known);

/* The fields of a struct within a column. */
static bool take_nested_fields(struct reader *r, struct column_def *def, unsigned depth, bool *known)
{
	struct {
		struct column_def *items;
		size_t n, cap;
	} fields = {0};
	if (!json_array_begin(&r->s)) return false;
	while (json_array_next(&r->s)) {
		const char *key;
		if (fields.n == TABLE_COLUMNS_MAX) return refuse(r, "a struct of too many fields", r->s.p);
		if (!VEC_ROOM_IN(r->arena, &fields, 1)) return no_memory(r);
		struct column_def *f = &fields.items[fields.n++];
		*f = (struct column_def){.nullable = true};
		if (!json_object_begin(&r->s)) return false;
		while (next_member(r, &key)) {
			const bool ok = strcmp(key, "name") == 0       ? take_text(r, &f->name)
					: strcmp(key, "type") == 0     ? take_def(r, f, depth, known)
					: strcmp(key, "nullable") == 0 ? take_nullable(r, &f->nullable)
								       : json_skip(&r->s, NULL);
			if (!ok) return false;
		}
		if (r->s.error != NULL) return false;
		if (f->name == NULL) return refuse(r, "field without a name", r->s.p);
	}
	def->children = fields.items;
	def->n_children = fields.n;
	return r->s.error == NULL;
}

/* "Array Type", "Map Type", "Struct Type": *known false for another one, or when a part of it is. Members may come in any order, and
 * those of one type mean nothing in the others. */
static bool take_nested(struct reader *r, struct column_def *def, unsigned depth, bool *known)
{
	struct column_def *child = ARENA_ZNEW(r->arena, struct column_def, 2);
	const char *key, *type = "";
	if (child == NULL) return no_memory(r);
	child[0] = (struct column_def){.name = "element", .nullable = true};
	child[1] = (struct column_def){.name = "value", .nullable = true};
	if (depth > COLUMN_DEPTH_MAX) {
		*known = false;
		return json_skip(&r->s, NULL);
	}
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool first = strcmp(key, "elementType") == 0 || strcmp(key, "keyType") == 0;
		const bool ok = strcmp(key, "type") == 0                ? take_text(r, &type)
				: first                                 ? take_def(r, &child[0], depth + 1, known)
				: strcmp(key, "valueType") == 0         ? take_def(r, &child[1], depth + 1, known)
				: strcmp(key, "containsNull") == 0      ? take_nullable(r, &child[0].nullable)
				: strcmp(key, "valueContainsNull") == 0 ? take_nullable(r, &child[1].nullable)
				: strcmp(key, "fields") == 0            ? take_nested_fields(r, def, depth + 1, known)
									: json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	const bool map = strcmp(type, "map") == 0;
	if (map || strcmp(type, "array") == 0) {
		def->type = map ? COL_MAP : COL_LIST;
		def->children = child;
		def->n_children = map ? 2 : 1;
		if (map) {
			child[0].name = "key";
			child[0].nullable = false;
		}
		return true;
	}
	def->type = COL_STRUCT;
	*known = *known && strcmp(type, "struct") == 0 && def->n_children > 0;
	return true;
}

/* A type: a name or an object. */
static bool take_def(struct reader *r, struct column_def *def, unsigned depth, bool *known)
{
	const char *name;
	if (json_peek(&r->s) != JSON_STRING) return take_nested(r, def, depth, known);
	if (!take_text(r, &name)) return false;
	*known = primitive_set(def, name) && *known;
	r->unwritten |= def->type == COL_DECIMAL128 || strcmp(name, "byte") == 0 || strcmp(name, "short") == 0 ||
			strcmp(name, "timestamp_ntz") == 0;
	return true;
}

static bool take_type(struct reader *r, struct delta_column *c)
{
	struct str text;
	const char *name;
	bool known = true;
	if (json_peek(&r->s) == JSON_STRING) {
		if (!take_text(r, &name)) return false;
		c->type_text = name;
		known = primitive_set(&c->def, name);
		c->read_only = known && c->def.type == COL_DECIMAL128;
		c->supported = c->written = known && !c->read_only;
		return true;
	}
	const char *at = r->s.p;
	if (json_peek(&r->s) != JSON_OBJECT) return refuse(r, "a type is a name or an object", at);
	struct reader inner = *r; /* the same text twice: as text, and what it says */
	inner.unwritten = false;
	if (!json_skip(&r->s, &text)) return false;
	c->type_text = arena_strndup(r->arena, text.p, text.n);
	if (c->type_text == NULL) return no_memory(r);
	if (!take_nested(&inner, &c->def, 1, &known)) {
		if (inner.no_memory) return no_memory(r);
		return refuse(r, inner.s.error, inner.s.start + inner.s.error_at);
	}
	c->read_only = known;
	c->written = known && !inner.unwritten;
	/* The rules of a nested field bind too; a mention of one in another place makes us refuse a write we could do. */
	for (size_t i = 0; i < N_WRITER_RULES; i++) {
		if (memmem(text.p, text.n, writer_rules[i], strlen(writer_rules[i])) != NULL)
			c->writer_rule = writer_rules[i];
	}
	return true;
}

static bool take_column_metadata(struct reader *r, struct delta_column *c)
{
	const char *key;
	if (json_peek(&r->s) != JSON_OBJECT) return json_skip(&r->s, NULL);
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		for (size_t i = 0; i < N_WRITER_RULES; i++) {
			if (strcmp(key, writer_rules[i]) == 0) c->writer_rule = writer_rules[i];
		}
		const bool comment = strcmp(key, "comment") == 0 && json_peek(&r->s) == JSON_STRING;
		if (!(comment ? take_text(r, &c->def.description) : json_skip(&r->s, NULL))) return false;
	}
	return r->s.error == NULL;
}

static bool take_field(struct reader *r, struct delta_column *c)
{
	const char *at = r->s.p;
	const char *key;
	*c = (struct delta_column){.def = {.nullable = true}, .partition_index = -1};
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool ok = strcmp(key, "name") == 0       ? take_text(r, &c->def.name)
				: strcmp(key, "type") == 0     ? take_type(r, c)
				: strcmp(key, "nullable") == 0 ? take_nullable(r, &c->def.nullable)
				: strcmp(key, "metadata") == 0 ? take_column_metadata(r, c)
							       : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	return c->def.name != NULL && c->type_text != NULL ? true : refuse(r, "field without name or type", at);
}

/* The fields into columns[TABLE_COLUMNS_MAX]; *n counts also those beyond. */
static bool take_fields(struct reader *r, struct delta_column *columns, size_t *n)
{
	if (!json_array_begin(&r->s)) return false;
	for (*n = 0; json_array_next(&r->s); ++*n) {
		if (!(*n < TABLE_COLUMNS_MAX ? take_field(r, &columns[*n]) : json_skip(&r->s, NULL))) return false;
	}
	return r->s.error == NULL;
}

static bool take_struct(struct reader *r, struct delta_column *columns, size_t *n)
{
	const char *key, *type = "";
	bool has_fields = false;
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool fields = strcmp(key, "fields") == 0;
		has_fields = has_fields || fields;
		const bool ok = fields                     ? take_fields(r, columns, n)
				: strcmp(key, "type") == 0 ? take_text(r, &type)
							   : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	return has_fields && strcmp(type, "struct") == 0 ? true : refuse(r, "not a struct with fields", r->s.start);
}

static status columns_read(
	struct str text, struct arena *arena, struct delta_column *columns, size_t *n, struct err *err)
{
	struct reader r = {.arena = arena};
	char *padded = arena_alloc(arena, text.n + JSON_SCAN_PADDING, 1);
	if (padded == NULL) return fail_nomem(err);
	if (text.n > 0) memcpy(padded, text.p, text.n);
	memset(padded + text.n, 0, JSON_SCAN_PADDING);
	if (!utf8_valid(padded, text.n)) return fail(err, E_CORRUPT, "schemaString: not UTF-8");
	json_start(&r.s, padded, text.n);
	if (take_struct(&r, columns, n) && json_end(&r.s)) {
		if (*n <= TABLE_COLUMNS_MAX) return OK;
		return fail(err, E_LIMIT, "table of %zu columns: at most %d", *n, TABLE_COLUMNS_MAX);
	}
	if (r.no_memory) return fail_nomem(err);
	return fail(err, E_CORRUPT, "schemaString: %s at its byte %zu", r.s.error, r.s.error_at);
}

status delta_schema_parse(
	const struct delta_metadata *m, struct arena *arena, struct delta_schema *out, struct err *err)
{
	size_t n = 0;
	struct delta_column *columns = ARENA_ZNEW(arena, struct delta_column, TABLE_COLUMNS_MAX);
	if (columns == NULL) return fail_nomem(err);
	TRY(columns_read(m->schema, arena, columns, &n, err));
	const struct delta_schema s = {columns, n};
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcasecmp(columns[i].def.name, columns[j].def.name) == 0)
				return fail(
					err, E_CORRUPT, "schemaString: two columns named '%s'", columns[i].def.name);
		}
	}
	for (size_t i = 0; i < m->partition_columns.n; i++) {
		const struct str name = m->partition_columns.items[i];
		const int at = delta_schema_index(&s, name);
		const int shown = name.n < 100 ? (int)name.n : 100;
		if (at < 0)
			return fail(
				err, E_CORRUPT, "partition column '%.*s' is no column of the schema", shown, name.p);
		if (columns[at].partition_index >= 0)
			return fail(err, E_CORRUPT, "partition column '%.*s' named twice", shown, name.p);
		columns[at].partition_index = (int)i;
		columns[at].def.partition = true;
		columns[at].read_only = false; /* its values stand in the log as text */
	}
	*out = s;
	return OK;
}

int delta_schema_index(const struct delta_schema *s, struct str name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (str_is(name, s->columns[i].def.name)) return (int)i;
	}
	return -1;
}

/* Delta protocol, "Schema Serialization Format": primitive types of Spark. */
static const char *const delta_types[] = {
	[COL_BOOL] = "boolean",
	[COL_INT32] = "integer",
	[COL_INT64] = "long",
	[COL_FLOAT] = "float",
	[COL_DOUBLE] = "double",
	[COL_STRING] = "string",
	[COL_BINARY] = "binary",
	[COL_TIMESTAMP] = "timestamp",
	[COL_DATE] = "date",
};

enum { NAME_TEXT_MAX = 32 };

/* The name of a type that is not nested. */
static void type_name(const struct column_def *c, char dst[NAME_TEXT_MAX])
{
	const bool decimal = c->type == COL_DECIMAL || c->type == COL_DECIMAL128;
	if (decimal)
		(void)snprintf(dst, NAME_TEXT_MAX, "decimal(%u,%u)", c->precision, c->scale);
	else
		(void)snprintf(dst, NAME_TEXT_MAX, "%s", delta_types[c->type]);
}

static void put_bool(struct buf *out, const char *key, bool v)
{
	buf_printf(out, ",\"%s\":%s", key, v ? "true" : "false");
}

static void put_fields(struct buf *out, const struct column_def *fields, size_t n);

/* "Array Type", "Map Type", "Struct Type", in the order of Spark's members. Recurses COLUMN_DEPTH_MAX deep at most. */
void delta_type_put(struct buf *out, const struct column_def *c)
{
	char name[NAME_TEXT_MAX];
	switch (c->type) {
	case COL_LIST:
		buf_str(out, "{\"type\":\"array\",\"elementType\":");
		delta_type_put(out, &c->children[0]);
		put_bool(out, "containsNull", c->children[0].nullable);
		buf_char(out, '}');
		return;
	case COL_MAP:
		buf_str(out, "{\"type\":\"map\",\"keyType\":");
		delta_type_put(out, &c->children[0]);
		buf_str(out, ",\"valueType\":");
		delta_type_put(out, &c->children[1]);
		put_bool(out, "valueContainsNull", c->children[1].nullable);
		buf_char(out, '}');
		return;
	case COL_STRUCT: put_fields(out, c->children, c->n_children); return;
	default:
		type_name(c, name);
		buf_printf(out, "\"%s\"", name);
		return;
	}
}

static void put_fields(struct buf *out, const struct column_def *fields, size_t n)
{
	buf_str(out, "{\"type\":\"struct\",\"fields\":[");
	for (size_t i = 0; i < n; i++) {
		const struct column_def *c = &fields[i];
		buf_str(out, i == 0 ? "{\"name\":" : ",{\"name\":");
		buf_json_str(out, str_of(c->name));
		buf_str(out, ",\"type\":");
		delta_type_put(out, c);
		put_bool(out, "nullable", c->nullable);
		buf_str(out, ",\"metadata\":{");
		if (c->description != NULL) {
			buf_str(out, "\"comment\":");
			buf_json_str(out, str_of(c->description));
		}
		buf_str(out, "}}");
	}
	buf_str(out, "]}");
}

void delta_schema_text(struct buf *out, const struct table_schema *s)
{
	put_fields(out, s->columns, s->n_columns);
}

/* Nested parts; the outermost names are the caller's to compare. */
static enum delta_fit fit(const struct column_def *have, const struct column_def *want)
{
	enum delta_fit all = DELTA_TYPE_SAME;
	const bool wider = want->type == COL_STRUCT && want->n_children > have->n_children;
	if (have->type != want->type || have->precision != want->precision || have->scale != want->scale)
		return DELTA_TYPE_OTHER;
	if (want->n_children != have->n_children && !wider) return DELTA_TYPE_OTHER;
	for (size_t i = 0; i < have->n_children; i++) {
		const struct column_def *h = &have->children[i], *w = &want->children[i];
		const bool named = want->type != COL_STRUCT || strcmp(h->name, w->name) == 0;
		const bool key = want->type == COL_MAP && i == 0; /* never null, whatever is said of it */
		const enum delta_fit one = named && (key || h->nullable == w->nullable) ? fit(h, w) : DELTA_TYPE_OTHER;
		all = one > all ? one : all;
	}
	for (size_t i = have->n_children; i < want->n_children; i++)
		if (!want->children[i].nullable) return DELTA_TYPE_OTHER;
	return wider && all == DELTA_TYPE_SAME ? DELTA_TYPE_WIDER : all;
}

enum delta_fit delta_type_fit(const struct delta_column *have, const struct column_def *want)
{
	if (col_type_nested(want->type)) return have->written ? fit(&have->def, want) : DELTA_TYPE_OTHER;
	char name[NAME_TEXT_MAX];
	type_name(want, name);
	return strcmp(have->type_text, name) == 0 ? DELTA_TYPE_SAME : DELTA_TYPE_OTHER;
}
