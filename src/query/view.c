/* query/view.c: one table's snapshot as a view over read_parquet.
 *
 * The files are given by name with the table's own columns and types, matched by name: no file is opened to make the view, a
 * column that an old file lacks is NULL there, and what else a file holds is not seen. Partition columns come from DuckDB's
 * column `filename`:
 *
 *   hive paths   the value is a part of the path, at one place in all files, and equal to what the log says: an expression of
 *                filename alone, by which DuckDB leaves out files before it opens them
 *   any others   the log's values, joined by filename; so with copies, which have no names
 */
#include <strings.h>

#include "base/alloc.h"
#include "io/json/json_doc.h"
#include "io/utf8.h"
#include "query/query_int.h"

enum { NESTING_MAX = 32 };

/* ---- types ---- */

static status primitive(struct buf *out, struct str type, struct err *err)
{
	static const struct {
		const char *delta, *duckdb;
	} names[] = {{"string", "VARCHAR"}, {"long", "BIGINT"}, {"integer", "INTEGER"}, {"short", "SMALLINT"},
		{"byte", "TINYINT"}, {"float", "FLOAT"}, {"double", "DOUBLE"}, {"boolean", "BOOLEAN"},
		{"binary", "BLOB"}, {"date", "DATE"}, {"timestamp", "TIMESTAMP WITH TIME ZONE"},
		{"timestamp_ntz", "TIMESTAMP"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!str_is(type, names[i].delta)) continue;
		buf_str(out, names[i].duckdb);
		return OK;
	}
	/* decimal(p,s) is spelt alike; nothing but digits may stand in it */
	static const char digits[] = "0123456789, ";
	bool decimal = type.n > 9 && memcmp(type.p, "decimal(", 8) == 0 && type.p[type.n - 1] == ')';
	for (size_t i = 8; decimal && i + 1 < type.n; i++)
		decimal = memchr(digits, type.p[i], sizeof digits - 1) != NULL;
	if (decimal) buf_add(out, type.p, type.n);
	return decimal ? OK : fail(err, E_UNSUPPORTED, "type %.*s", (int)(type.n < 64 ? type.n : 64), type.p);
}

static status node_type(struct buf *out, const struct json_node *n, int depth, struct err *err);

static status struct_type(struct buf *out, const struct json_node *fields, int depth, struct err *err)
{
	const size_t n = json_node_n(fields);
	if (n == 0) return fail(err, E_UNSUPPORTED, "type struct without fields");
	buf_str(out, "STRUCT(");
	for (size_t i = 0; i < n; i++) {
		const struct json_node *field = json_node_at(fields, i);
		struct str name;
		if (!json_node_str(json_node_get(field, "name"), &name))
			return fail(err, E_CORRUPT, "a struct's field without a name");
		if (i > 0) buf_str(out, ", ");
		sql_quote(out, '"', name);
		buf_char(out, ' ');
		TRY(node_type(out, json_node_get(field, "type"), depth + 1, err));
	}
	buf_char(out, ')');
	return OK;
}

static status node_type(struct buf *out, const struct json_node *n, int depth, struct err *err)
{
	struct str type;
	if (depth > NESTING_MAX) return fail(err, E_LIMIT, "type nested over %d levels deep", NESTING_MAX);
	if (json_node_str(n, &type)) return primitive(out, type, err);
	if (!json_node_str(json_node_get(n, "type"), &type)) return fail(err, E_CORRUPT, "a type without its name");
	if (str_is(type, "struct")) return struct_type(out, json_node_get(n, "fields"), depth, err);
	if (str_is(type, "array")) {
		TRY(node_type(out, json_node_get(n, "elementType"), depth + 1, err));
		buf_str(out, "[]");
		return OK;
	}
	if (!str_is(type, "map")) return primitive(out, type, err);
	buf_str(out, "MAP(");
	TRY(node_type(out, json_node_get(n, "keyType"), depth + 1, err));
	buf_str(out, ", ");
	TRY(node_type(out, json_node_get(n, "valueType"), depth + 1, err));
	buf_char(out, ')');
	return OK;
}

status view_type(struct buf *out, struct str type, struct err *err)
{
	if (type.n == 0 || type.p[0] != '{') return primitive(out, type, err);
	struct json_doc *doc = NULL;
	TRY(json_doc_parse(type, &doc, err));
	const status code = node_type(out, json_doc_root(doc), 0, err);
	json_doc_destroy(doc);
	return code;
}

static status column_type(struct buf *out, const struct delta_column *c, struct err *err)
{
	const status code = view_type(out, str_of(c->type_text), err);
	return err_at(err, code, c->def.name, -1, -1);
}

/* ---- files ---- */

void view_path(struct buf *out, const struct catalog_table *t, const char *place, size_t file)
{
	ASSERT(file < t->snapshot->n_files);
	const struct str path = t->snapshot->files[file].path;
	if (t->copies != NULL) {
		buf_printf(out, "/proc/self/fd/%d", t->copies[file]);
		return;
	}
	buf_printf(out, "%s/%s/", place, t->snapshot->root);
	buf_add(out, path.p, path.n);
}

/* ---- partition values ---- */

/* Where a partition column's value stands in every path: part `part` is `prefix` and the value, percent-encoded. */
struct hive_column {
	size_t part;
	struct str prefix; /* "month=" */
};

static struct str path_part(struct str path, size_t part)
{
	const char *p = path.p, *end = path.p + path.n;
	for (;; part--) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		if (slash == NULL) return (struct str){NULL, 0}; /* the file's own name */
		if (part == 0) return (struct str){p, (size_t)(slash - p)};
		p = slash + 1;
	}
}

static bool hive_find(struct str path, struct str name, struct hive_column *out)
{
	for (size_t part = 0;; part++) {
		const struct str s = path_part(path, part);
		if (s.p == NULL) return false;
		struct str value;
		if (!path_folder_of(s, name, &value)) continue;
		*out = (struct hive_column){part, {s.p, s.n - value.n}};
		return true;
	}
}

static struct str partition_value(const struct delta_add *a, struct str column)
{
	const struct delta_pair *pair = delta_pairs_get(&a->partition, column);
	return pair != NULL && pair->value.n > 0 ? pair->value : (struct str){NULL, 0};
}

static bool hive_tells(const struct hive_column *h, const struct delta_add *a, struct str column)
{
	const struct str part = path_part(a->path, h->part), value = partition_value(a, column);
	if (part.p == NULL || part.n < h->prefix.n || memcmp(part.p, h->prefix.p, h->prefix.n) != 0) return false;
	const struct str rest = {part.p + h->prefix.n, part.n - h->prefix.n};
	return path_value_is(rest, value);
}

/* columns[n of partition columns] when the paths of all files tell all partition values. */
static bool hive_layout(const struct delta_snapshot *s, struct hive_column *columns)
{
	const struct delta_strings *names = &s->metadata.partition_columns;
	for (size_t k = 0; k < names->n; k++) {
		if (!hive_find(s->files[0].path, names->items[k], &columns[k])) return false;
		for (size_t i = 0; i < s->n_files; i++) {
			if (!hive_tells(&columns[k], &s->files[i], names->items[k])) return false;
		}
	}
	return true;
}

/* ---- the statement ---- */

struct view {
	const struct catalog_table *t;
	const struct delta_snapshot *s;
	const char *uri;
	const char *filename; /* DuckDB's column, under a name no column has */
	bool hive;
	struct hive_column *hive_columns;
};

static void add_file(struct buf *out, const struct view *v, size_t file)
{
	struct buf path;
	buf_init(&path, 0);
	view_path(&path, v->t, v->uri, file);
	if (path.failed) out->failed = true;
	sql_quote(out, '\'', (struct str){(const char *)path.p, path.n});
	buf_deinit(&path);
}

static size_t count_slashes(const char *s)
{
	size_t n = 0;
	for (; *s != '\0'; s++) n += *s == '/';
	return n;
}

/* A partition column's text from the path. */
static void hive_text(struct buf *out, const struct view *v, const struct hive_column *h)
{
	const size_t above = count_slashes(v->uri) + count_slashes(v->s->root) + 2;
	buf_printf(out, "url_decode(nullif(substr(split_part(\"%s\", '/', %zu), %zu), '" PATH_NULL "'))", v->filename,
		above + h->part + 1, utf8_count(h->prefix.p, h->prefix.n) + 1);
}

static status partition_column(struct buf *out, const struct view *v, const struct delta_column *c, struct err *err)
{
	const bool binary = strcmp(c->type_text, "binary") == 0, text = strcmp(c->type_text, "string") == 0;
	buf_str(out, binary ? "encode(" : text ? "" : "CAST(");
	if (v->hive)
		hive_text(out, v, &v->hive_columns[c->partition_index]);
	else
		buf_printf(out, "p.p%d", c->partition_index);
	if (!binary && !text) {
		buf_str(out, " AS ");
		TRY(column_type(out, c, err));
	}
	buf_str(out, text ? "" : ")");
	return OK;
}

static status select_list(struct buf *out, const struct view *v, struct err *err)
{
	for (size_t i = 0; i < v->s->schema.n; i++) {
		const struct delta_column *c = &v->s->schema.columns[i];
		buf_str(out, i > 0 ? ", " : " ");
		if (v->s->n_files == 0) {
			buf_str(out, "CAST(NULL AS ");
			TRY(column_type(out, c, err));
			buf_char(out, ')');
		} else if (c->partition_index >= 0) {
			TRY(partition_column(out, v, c, err));
		} else {
			buf_str(out, "f.");
			sql_quote(out, '"', str_of(c->def.name));
		}
		buf_str(out, " AS ");
		sql_quote(out, '"', str_of(c->def.name));
	}
	return OK;
}

static void schema_entry(struct buf *out, struct str name, const struct buf *type, bool first)
{
	buf_str(out, first ? "" : ", ");
	sql_quote(out, '\'', name);
	buf_str(out, ": {name: ");
	sql_quote(out, '\'', name);
	buf_str(out, ", type: ");
	sql_quote(out, '\'', (struct str){(const char *)type->p, type->n});
	buf_str(out, ", default_value: CAST(NULL AS VARCHAR)}");
}

/* The columns of the files, by name; a schema must have one. */
static status schema_entries(struct buf *out, const struct view *v, struct buf *type, struct err *err)
{
	size_t n = 0;
	for (size_t i = 0; i < v->s->schema.n; i++) {
		const struct delta_column *c = &v->s->schema.columns[i];
		if (c->partition_index >= 0) continue;
		buf_reset(type);
		TRY(column_type(type, c, err));
		TRY(buf_check(type, err));
		schema_entry(out, str_of(c->def.name), type, n++ == 0);
	}
	if (n > 0) return OK;
	buf_reset(type);
	buf_str(type, "BOOLEAN");
	schema_entry(out, STR("no column"), type, true);
	return OK;
}

static status file_schema(struct buf *out, const struct view *v, struct err *err)
{
	struct buf type;
	buf_init(&type, 1 << 20);
	buf_str(out, ", schema = MAP {");
	const status code = schema_entries(out, v, &type, err);
	buf_deinit(&type);
	buf_char(out, '}');
	return code;
}

static status from_files(struct buf *out, const struct view *v, struct err *err)
{
	buf_str(out, " FROM read_parquet([");
	for (size_t i = 0; i < v->s->n_files; i++) {
		if (i > 0) buf_str(out, ", ");
		add_file(out, v, i);
	}
	buf_char(out, ']');
	TRY(file_schema(out, v, err));
	/* The column must be named filename, and so asked for, or DuckDB leaves out no file by it. */
	if (strcmp(v->filename, "filename") == 0)
		buf_str(out, ", filename = true");
	else
		buf_printf(out, ", filename = '%s'", v->filename);
	buf_str(out, ", hive_partitioning = false) f");
	return OK;
}

static void join_values(struct buf *out, const struct view *v)
{
	const struct delta_strings *names = &v->s->metadata.partition_columns;
	buf_str(out, " JOIN (VALUES ");
	for (size_t i = 0; i < v->s->n_files; i++) {
		buf_str(out, i > 0 ? ", (" : "(");
		add_file(out, v, i);
		for (size_t k = 0; k < names->n; k++) {
			const struct str value = partition_value(&v->s->files[i], names->items[k]);
			buf_str(out, ", ");
			if (value.p == NULL)
				buf_str(out, "CAST(NULL AS VARCHAR)");
			else
				sql_quote(out, '\'', value);
		}
		buf_char(out, ')');
	}
	buf_str(out, ") p(file");
	for (size_t k = 0; k < names->n; k++) buf_printf(out, ", p%zu", k);
	buf_printf(out, ") ON f.\"%s\" = p.file", v->filename);
}

static const char *filename_column(const struct delta_schema *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcasecmp(s->columns[i].def.name, "filename") == 0) return "pqr file";
	}
	return "filename";
}

static status select_from(struct buf *out, const struct view *v, struct err *err)
{
	TRY(select_list(out, v, err));
	if (v->s->n_files == 0) {
		buf_str(out, " WHERE false");
		return OK;
	}
	TRY(from_files(out, v, err));
	if (v->s->metadata.partition_columns.n > 0 && !v->hive) join_values(out, v);
	return OK;
}

status view_sql(struct buf *out, const struct catalog_table *t, const char *uri, struct err *err)
{
	const struct delta_snapshot *s = t->snapshot;
	if (s->schema.n == 0) return fail(err, E_UNSUPPORTED, "a table without columns");
	struct view v = {.t = t, .s = s, .uri = uri, .filename = filename_column(&s->schema)};
	v.hive_columns = mem_zalloc(s->metadata.partition_columns.n + 1, sizeof *v.hive_columns);
	if (v.hive_columns == NULL) return fail_nomem(err);
	v.hive = s->n_files > 0 && t->copies == NULL && hive_layout(s, v.hive_columns);
	buf_str(out, "CREATE VIEW ");
	sql_quote(out, '"', str_of(t->schema));
	buf_char(out, '.');
	sql_quote(out, '"', str_of(t->name));
	buf_str(out, " AS SELECT");
	const status code = select_from(out, &v, err);
	buf_str(out, ";\n");
	mem_free(v.hive_columns);
	return code;
}
