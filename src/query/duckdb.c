/* query/duckdb.c: libduckdb behind the functions of query_int.h. The only file that includes its interface. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "query/duckdb_abi.h"
#include "query/query_int.h"

#define DUCKDB_WANTED "1.2"
/* Deep enough for any table; rendering recurses this far. */
enum { TYPE_DEPTH_MAX = 64, ENUM_WORDS_MAX = 1 << 20, PATH_MAX_BYTES = 4096 };

struct engine_library {
	void *handle;
#define MEMBER(result, name, params) result(*name) params;
	DUCKDB_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* ---- loading ---- */

static status load_symbols(struct engine_library *l, const char *path, struct err *err)
{
	const char *missing = NULL;
	/* POSIX lets a void pointer hold a function's address; ISO C has no cast for it. */
#define LOAD(result, name, params)                                      \
	{                                                               \
		void *symbol = dlsym(l->handle, "duckdb_" #name);       \
		if (symbol == NULL && missing == NULL) missing = #name; \
		memcpy(&l->name, &symbol, sizeof symbol);               \
	}
	DUCKDB_FUNCTIONS(LOAD)
#undef LOAD
	if (missing == NULL) return OK;
	return fail(err, E_UNSUPPORTED, "%s has no duckdb_%s: expected libduckdb " DUCKDB_WANTED " or later", path,
		missing);
}

/* The place scripts/get-libduckdb puts it. */
static bool cache_path(char dst[PATH_MAX_BYTES])
{
	const char *cache = getenv("PQR_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n = -1;
	if (cache != NULL && cache[0] != '\0')
		n = snprintf(dst, PATH_MAX_BYTES, "%s/duckdb/libduckdb.so", cache);
	else if (xdg != NULL && xdg[0] != '\0')
		n = snprintf(dst, PATH_MAX_BYTES, "%s/pqr/duckdb/libduckdb.so", xdg);
	else if (home != NULL)
		n = snprintf(dst, PATH_MAX_BYTES, "%s/.cache/pqr/duckdb/libduckdb.so", home);
	return n > 0 && n < PATH_MAX_BYTES && access(dst, F_OK) == 0;
}

static status open_file(const char *path, bool named, void **out, struct err *err)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		const char *why = dlerror();
		if (named) return fail(err, E_IO, "cannot load libduckdb: %s", why != NULL ? why : path);
		return err_advise(err, fail(err, E_NOT_FOUND, "no libduckdb here"), ADVICE_GET_DUCKDB, NULL);
	}
	*out = handle;
	return OK;
}

static status library_open(const char *path, struct engine_library **out, struct err *err)
{
	char cached[PATH_MAX_BYTES];
	void *handle = NULL;
	if (path == NULL) path = getenv("PQR_DUCKDB_LIB");
	const bool named = path != NULL && path[0] != '\0';
	const bool in_cache = !named && cache_path(cached);
	if (!named) path = in_cache ? cached : "libduckdb.so";
	TRY(open_file(path, named || in_cache, &handle, err));
	struct engine_library *l = mem_zalloc(1, sizeof *l);
	if (l == NULL) {
		(void)dlclose(handle);
		return fail_nomem(err);
	}
	l->handle = handle;
	const status code = load_symbols(l, path, err);
	if (code == OK)
		*out = l;
	else
		engine_library_close(l);
	return code;
}

status engine_library_open(const char *path, struct engine_library **out, struct err *err)
{
	const char *variable = getenv("PQR_DUCKDB_LIB");
	const bool named_there = path == NULL && variable != NULL && variable[0] != '\0';
	const status code = library_open(path, out, err);
	return named_there ? err_at(err, code, "PQR_DUCKDB_LIB", -1, -1) : code;
}

void engine_library_close(struct engine_library *l)
{
	if (l == NULL) return;
	(void)dlclose(l->handle);
	mem_free(l);
}

const char *engine_library_version(const struct engine_library *l)
{
	return l->library_version();
}

/* ---- engine ---- */

struct engine {
	const struct engine_library *l;
	duckdb_database database;
	duckdb_connection connection;
	duckdb_prepared_statement prepared;
	duckdb_result result;
	bool has_result;
	duckdb_data_chunk chunk;
	struct arena arena; /* types and vectors of the result */
	struct q_result columns;
	struct q_vector *vectors;
	const char *const *values; /* [n_values] of parameters */
	size_t n_values;
};

/* One line of DuckDB's message: up to the excerpt of the statement. "Did you mean" stays. */
static status engine_fail(struct err *err, status code, const char *message)
{
	char line[ERR_MESSAGE_MAX];
	size_t n = 0;
	if (cancel_requested()) return query_cancel_check(err);
	if (message == NULL) message = "DuckDB gave no reason";
	if (strncmp(message, "Out of Memory", 13) == 0) code = E_NOMEM;
	if (strncmp(message, "IO Error", 8) == 0) code = E_IO;
	bool place = false; /* "LINE 1: SELECT ..." and a caret below: kept as they stand */
	for (const char *p = message; *p != '\0' && n + 1 < sizeof line; p++) {
		place = place || strncmp(p, "\nLINE ", 6) == 0;
		if (place && *p == '\n') {
			while (n > 0 && line[n - 1] == ' ') n--;
			line[n++] = '\n';
		} else if (*p == '\n') {
			if (n > 0 && line[n - 1] != ' ') line[n++] = ' ';
		} else if ((unsigned char)*p >= 0x20) {
			line[n++] = *p;
		}
	}
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\n')) n--;
	return fail(err, code, "%.*s", (int)n, line);
}

static status configure(
	const struct engine_library *l, duckdb_config config, int threads, const char *temp_folder, struct err *err)
{
	char n[16];
	(void)snprintf(n, sizeof n, "%d", threads > 0 ? threads : 1);
	const struct {
		const char *name, *value;
	} settings[] = {{"threads", n}, {"temp_directory", temp_folder}, {"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"}, {"allow_community_extensions", "false"},
		{"allow_persistent_secrets", "false"}};
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		if (l->set_config(config, settings[i].name, settings[i].value) != DuckDBSuccess)
			return fail(err, E_UNSUPPORTED,
				"libduckdb %s does not take the setting %s: expected " DUCKDB_WANTED " or later",
				l->library_version(), settings[i].name);
	}
	return OK;
}

static status connect(struct engine *e, duckdb_config config, struct err *err)
{
	char *error = NULL;
	if (e->l->open_ext(NULL, &e->database, config, &error) != DuckDBSuccess) {
		const status code = engine_fail(err, E_IO, error);
		if (error != NULL) e->l->free(error);
		return code;
	}
	return e->l->connect(e->database, &e->connection) == DuckDBSuccess ? OK
									   : fail(err, E_IO, "DuckDB: no connection");
}

static status engine_start(struct engine *e, int threads, const char *temp_folder, struct err *err)
{
	duckdb_config config = NULL;
	if (e->l->create_config(&config) != DuckDBSuccess) return fail(err, E_NOMEM, "DuckDB: no configuration");
	const status set = configure(e->l, config, threads, temp_folder, err);
	const status code = set == OK ? connect(e, config, err) : set;
	e->l->destroy_config(&config);
	return code;
}

status engine_open(
	const struct engine_library *l, int threads, const char *temp_folder, struct engine **out, struct err *err)
{
	ASSERT(l != NULL && temp_folder != NULL);
	struct engine *e = mem_zalloc(1, sizeof *e);
	if (e == NULL) return fail_nomem(err);
	e->l = l;
	arena_init(&e->arena, 0);
	const status code = engine_start(e, threads, temp_folder, err);
	if (code == OK)
		*out = e;
	else
		engine_close(e);
	return code;
}

static void drop_statement(struct engine *e)
{
	if (e->chunk != NULL) e->l->destroy_data_chunk(&e->chunk);
	if (e->has_result) e->l->destroy_result(&e->result);
	if (e->prepared != NULL) e->l->destroy_prepare(&e->prepared);
	e->chunk = NULL;
	e->has_result = false;
	e->prepared = NULL;
	arena_reset(&e->arena);
}

void engine_close(struct engine *e)
{
	if (e == NULL) return;
	drop_statement(e);
	if (e->connection != NULL) e->l->disconnect(&e->connection);
	if (e->database != NULL) e->l->close(&e->database);
	arena_deinit(&e->arena);
	mem_free(e);
}

void engine_interrupt(struct engine *e)
{
	e->l->interrupt(e->connection);
}

status engine_exec(struct engine *e, const struct buf *sql, struct err *err)
{
	duckdb_result result;
	TRY(buf_check(sql, err));
	char *text = mem_strndup((const char *)sql->p, sql->n);
	if (text == NULL) return fail_nomem(err);
	const bool ok = e->l->query(e->connection, text, &result) == DuckDBSuccess;
	const status code = ok ? OK : engine_fail(err, E_IO, e->l->result_error(&result));
	e->l->destroy_result(&result);
	mem_free(text);
	return code;
}

static status prepare_one(struct engine *e, duckdb_extracted_statements all, idx_t i, struct err *err)
{
	if (e->prepared != NULL) e->l->destroy_prepare(&e->prepared);
	e->prepared = NULL;
	if (e->l->prepare_extracted_statement(e->connection, all, i, &e->prepared) != DuckDBSuccess)
		return engine_fail(err, E_USAGE, e->prepared != NULL ? e->l->prepare_error(e->prepared) : NULL);
	return OK;
}

static status bind_values(struct engine *e, struct err *err)
{
	const idx_t n = e->l->nparams(e->prepared);
	if (n != e->n_values && e->n_values == 0)
		return fail(err, E_USAGE, "the statement has parameters ($1, ?): pqr sql has no values for them");
	if (n != e->n_values)
		return fail(err, E_USAGE, "the statement has %llu parameters, and there are %zu values",
			(unsigned long long)n, e->n_values);
	for (idx_t i = 0; i < n; i++)
		if (e->l->bind_varchar(e->prepared, i + 1, e->values[i]) != DuckDBSuccess)
			return fail(err, E_USAGE, "parameter $%llu can't be set", (unsigned long long)i + 1);
	return OK;
}

/* A PIVOT that must look at the data first is several statements to DuckDB 1.x: it creates types, in memory, then selects. */
static status prepare_all(struct engine *e, duckdb_extracted_statements all, idx_t n, struct err *err)
{
	for (idx_t i = 0; i + 1 < n; i++) {
		TRY(prepare_one(e, all, i, err));
		if (e->l->prepared_statement_type(e->prepared) != DUCKDB_STATEMENT_TYPE_CREATE)
			return fail(err, E_USAGE, "pqr sql takes one statement at a time, found %llu",
				(unsigned long long)n);
		duckdb_result result;
		const bool ok = e->l->execute_prepared(e->prepared, &result) == DuckDBSuccess;
		const status code = ok ? OK : engine_fail(err, E_USAGE, e->l->result_error(&result));
		e->l->destroy_result(&result);
		TRY(code);
	}
	TRY(prepare_one(e, all, n - 1, err));
	return bind_values(e, err);
}

void engine_values(struct engine *e, const char *const *values, size_t n)
{
	e->values = values;
	e->n_values = n;
}

/* DuckDB 2.0 keeps such a PIVOT together as a statement of its own type, which does not tell what is in it: what can stand in a
 * FROM reads. */
static status check_reads(struct engine *e, struct str sql, bool *reads, struct err *err)
{
	duckdb_extracted_statements all = NULL;
	struct buf text;
	buf_init(&text, 0);
	buf_str(&text, "FROM (\n");
	buf_add(&text, sql.p, sql.n);
	buf_add(&text, "\n)", 3); /* with its NUL */
	const status code = buf_check(&text, err);
	if (code == OK) *reads = e->l->extract_statements(e->connection, (const char *)text.p, &all) == 1;
	if (all != NULL) e->l->destroy_extracted(&all);
	buf_deinit(&text);
	return code;
}

status engine_prepare(struct engine *e, struct str sql, enum engine_kind *kind, struct err *err)
{
	bool reads = false;
	duckdb_extracted_statements all = NULL;
	drop_statement(e);
	char *text = mem_strndup(sql.p, sql.n);
	if (text == NULL) return fail_nomem(err);
	const idx_t n = e->l->extract_statements(e->connection, text, &all);
	mem_free(text);
	status code = n > 0 ? prepare_all(e, all, n, err)
			    : engine_fail(err, E_USAGE, all != NULL ? e->l->extract_statements_error(all) : NULL);
	if (all != NULL) e->l->destroy_extracted(&all);
	if (code != OK) return code;
	const duckdb_statement_type type = e->l->prepared_statement_type(e->prepared);
	if (type == DUCKDB_STATEMENT_TYPE_MULTI) TRY(check_reads(e, sql, &reads, err));
	*kind = type == DUCKDB_STATEMENT_TYPE_SELECT || reads ? ENGINE_QUERY
		: type == DUCKDB_STATEMENT_TYPE_EXPLAIN       ? ENGINE_EXPLAIN
							      : ENGINE_OTHER;
	return OK;
}

/* ---- types ---- */

struct type_walk {
	struct engine *e;
	const char *column; /* for messages */
};

static const struct {
	duckdb_type id;
	struct q_type type;
} flat_types[] = {
	{DUCKDB_TYPE_BOOLEAN, {.kind = Q_BOOL, .bytes = 1}},
	{DUCKDB_TYPE_TINYINT, {.kind = Q_INT, .bytes = 1}},
	{DUCKDB_TYPE_SMALLINT, {.kind = Q_INT, .bytes = 2}},
	{DUCKDB_TYPE_INTEGER, {.kind = Q_INT, .bytes = 4}},
	{DUCKDB_TYPE_BIGINT, {.kind = Q_INT, .bytes = 8}},
	{DUCKDB_TYPE_HUGEINT, {.kind = Q_INT, .bytes = 16}},
	{DUCKDB_TYPE_UTINYINT, {.kind = Q_UINT, .bytes = 1}},
	{DUCKDB_TYPE_USMALLINT, {.kind = Q_UINT, .bytes = 2}},
	{DUCKDB_TYPE_UINTEGER, {.kind = Q_UINT, .bytes = 4}},
	{DUCKDB_TYPE_UBIGINT, {.kind = Q_UINT, .bytes = 8}},
	{DUCKDB_TYPE_UHUGEINT, {.kind = Q_UINT, .bytes = 16}},
	{DUCKDB_TYPE_FLOAT, {.kind = Q_FLOAT}},
	{DUCKDB_TYPE_DOUBLE, {.kind = Q_DOUBLE}},
	{DUCKDB_TYPE_DATE, {.kind = Q_DATE}},
	{DUCKDB_TYPE_TIME, {.kind = Q_TIME, .scale = 6}},
	{DUCKDB_TYPE_TIME_NS, {.kind = Q_TIME, .scale = 9}},
	{DUCKDB_TYPE_TIME_TZ, {.kind = Q_TIME_TZ, .scale = 6}},
	{DUCKDB_TYPE_TIMESTAMP_S, {.kind = Q_TIMESTAMP, .scale = 0}},
	{DUCKDB_TYPE_TIMESTAMP_MS, {.kind = Q_TIMESTAMP, .scale = 3}},
	{DUCKDB_TYPE_TIMESTAMP, {.kind = Q_TIMESTAMP, .scale = 6}},
	{DUCKDB_TYPE_TIMESTAMP_NS, {.kind = Q_TIMESTAMP, .scale = 9}},
	{DUCKDB_TYPE_TIMESTAMP_TZ, {.kind = Q_TIMESTAMP_TZ, .scale = 6}},
	{DUCKDB_TYPE_TIMESTAMP_TZ_NS, {.kind = Q_TIMESTAMP_TZ, .scale = 9}},
	{DUCKDB_TYPE_INTERVAL, {.kind = Q_INTERVAL}},
	{DUCKDB_TYPE_VARCHAR, {.kind = Q_TEXT}},
	{DUCKDB_TYPE_BLOB, {.kind = Q_BLOB}},
	{DUCKDB_TYPE_BIT, {.kind = Q_BIT}},
	{DUCKDB_TYPE_BIGNUM, {.kind = Q_BIGNUM}},
	{DUCKDB_TYPE_UUID, {.kind = Q_UUID}},
	{DUCKDB_TYPE_SQLNULL, {.kind = Q_NULL}},
};

static const char *take_name(struct engine *e, char *name)
{
	if (name == NULL) return NULL;
	const char *copy = arena_strndup(&e->arena, name, strlen(name));
	e->l->free(name);
	return copy;
}

static status make_children(struct engine *e, struct q_type *out, size_t n, bool named, struct err *err)
{
	out->n = n;
	out->children = arena_zalloc(&e->arena, n * sizeof *out->children, _Alignof(struct q_type));
	out->names = named ? ARENA_NEW(&e->arena, const char *, n) : NULL;
	return out->children != NULL && (!named || out->names != NULL) ? OK : fail_nomem(err);
}

static status read_enum(struct engine *e, duckdb_logical_type type, struct q_type *out, struct err *err)
{
	const size_t n = e->l->enum_dictionary_size(type);
	if (n > ENUM_WORDS_MAX) return fail(err, E_LIMIT, "an ENUM of %zu words: cast it to VARCHAR", n);
	*out = (struct q_type){.kind = Q_ENUM, .n = n, .bytes = n <= 0xff ? 1 : n <= 0xffff ? 2 : 4};
	out->names = ARENA_NEW(&e->arena, const char *, n);
	for (size_t i = 0; out->names != NULL && i < n; i++) {
		out->names[i] = take_name(e, e->l->enum_dictionary_value(type, i));
		if (out->names[i] == NULL) return fail_nomem(err);
	}
	return out->names != NULL ? OK : fail_nomem(err);
}

static status read_type(
	const struct type_walk *w, duckdb_logical_type type, int depth, struct q_type *out, struct err *err);

/* takes the child's type */
static status read_child(
	const struct type_walk *w, duckdb_logical_type child, int depth, struct q_type *out, struct err *err)
{
	const status code = read_type(w, child, depth + 1, out, err);
	w->e->l->destroy_logical_type(&child);
	return code;
}

static status read_members(
	const struct type_walk *w, duckdb_logical_type type, int depth, struct q_type *out, struct err *err)
{
	struct engine *e = w->e;
	const bool is_union = out->kind == Q_UNION;
	const idx_t n = is_union ? e->l->union_type_member_count(type) : e->l->struct_type_child_count(type);
	TRY(make_children(e, out, n, true, err));
	for (idx_t i = 0; i < n; i++) {
		out->names[i] = take_name(
			e, is_union ? e->l->union_type_member_name(type, i) : e->l->struct_type_child_name(type, i));
		if (out->names[i] == NULL) return fail_nomem(err);
		TRY(read_child(w,
			is_union ? e->l->union_type_member_type(type, i) : e->l->struct_type_child_type(type, i), depth,
			&out->children[i], err));
	}
	return OK;
}

static status read_nested(
	const struct type_walk *w, duckdb_logical_type type, int depth, struct q_type *out, struct err *err)
{
	struct engine *e = w->e;
	if (out->kind == Q_STRUCT || out->kind == Q_UNION) return read_members(w, type, depth, out, err);
	TRY(make_children(e, out, out->kind == Q_MAP ? 2 : 1, false, err));
	if (out->kind == Q_LIST) return read_child(w, e->l->list_type_child_type(type), depth, out->children, err);
	if (out->kind == Q_ARRAY) {
		out->n_array = e->l->array_type_array_size(type);
		return read_child(w, e->l->array_type_child_type(type), depth, out->children, err);
	}
	TRY(read_child(w, e->l->map_type_key_type(type), depth, &out->children[0], err));
	return read_child(w, e->l->map_type_value_type(type), depth, &out->children[1], err);
}

static bool is_json(struct engine *e, duckdb_logical_type type)
{
	char *alias = e->l->logical_type_get_alias(type);
	const bool json = alias != NULL && strcmp(alias, "JSON") == 0;
	if (alias != NULL) e->l->free(alias);
	return json;
}

static status read_decimal(struct engine *e, duckdb_logical_type type, struct q_type *out)
{
	const uint8_t width = e->l->decimal_width(type);
	*out = (struct q_type){.kind = Q_DECIMAL,
		.scale = e->l->decimal_scale(type),
		.bytes = width <= 4    ? 2
			 : width <= 9  ? 4
			 : width <= 18 ? 8
				       : 16};
	return OK;
}

static status read_type(
	const struct type_walk *w, duckdb_logical_type type, int depth, struct q_type *out, struct err *err)
{
	static const struct {
		duckdb_type id;
		enum q_kind kind;
	} nested[] = {{DUCKDB_TYPE_LIST, Q_LIST}, {DUCKDB_TYPE_ARRAY, Q_ARRAY}, {DUCKDB_TYPE_STRUCT, Q_STRUCT},
		{DUCKDB_TYPE_MAP, Q_MAP}, {DUCKDB_TYPE_UNION, Q_UNION}};
	if (depth > TYPE_DEPTH_MAX)
		return fail(err, E_LIMIT, "column %s is nested over %d levels deep", w->column, TYPE_DEPTH_MAX);
	const duckdb_type id = w->e->l->get_type_id(type);
	if (id == DUCKDB_TYPE_DECIMAL) return read_decimal(w->e, type, out);
	if (id == DUCKDB_TYPE_ENUM) return read_enum(w->e, type, out, err);
	for (size_t i = 0; i < sizeof flat_types / sizeof *flat_types; i++) {
		if (flat_types[i].id != id) continue;
		*out = flat_types[i].type;
		if (out->kind == Q_TEXT && is_json(w->e, type)) out->kind = Q_JSON;
		return OK;
	}
	for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
		if (nested[i].id != id) continue;
		*out = (struct q_type){.kind = nested[i].kind};
		return read_nested(w, type, depth, out, err);
	}
	char number[24];
	(void)snprintf(number, sizeof number, "of DuckDB's (%d)", (int)id);
	return fail(err, E_UNSUPPORTED, "column %s has the type %s, which pqr does not show: cast it to VARCHAR",
		w->column,
		id == DUCKDB_TYPE_GEOMETRY  ? "GEOMETRY"
		: id == DUCKDB_TYPE_VARIANT ? "VARIANT"
					    : number);
}

/* ---- rows ---- */

static status make_vectors(
	struct engine *e, const struct q_type *types, size_t n, struct q_vector **out, struct err *err)
{
	struct q_vector *v = arena_zalloc(&e->arena, n * sizeof *v, _Alignof(struct q_vector));
	if (v == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		v[i].type = &types[i];
		if (types[i].children != NULL) TRY(make_vectors(e, types[i].children, types[i].n, &v[i].children, err));
	}
	*out = v;
	return OK;
}

status engine_run(struct engine *e, struct q_result *out, struct err *err)
{
	ASSERT(e->prepared != NULL);
	const bool ok = e->l->execute_prepared_streaming(e->prepared, &e->result) == DuckDBSuccess;
	e->has_result = true;
	if (!ok) return engine_fail(err, E_USAGE, e->l->result_error(&e->result));
	const size_t n = e->l->column_count(&e->result);
	struct q_type *types = arena_zalloc(&e->arena, n * sizeof *types, _Alignof(struct q_type));
	const char **names = ARENA_NEW(&e->arena, const char *, n);
	if (types == NULL || names == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		names[i] = e->l->column_name(&e->result, i);
		const struct type_walk w = {e, names[i]};
		duckdb_logical_type type = e->l->column_logical_type(&e->result, i);
		const status code = read_type(&w, type, 0, &types[i], err);
		e->l->destroy_logical_type(&type);
		TRY(code);
	}
	e->columns = (struct q_result){.n_columns = n, .names = names, .types = types};
	TRY(make_vectors(e, types, n, &e->vectors, err));
	*out = e->columns;
	return OK;
}

static void bind_vector(const struct engine_library *l, struct q_vector *v, duckdb_vector source)
{
	const struct q_type *t = v->type;
	v->data = l->vector_get_data(source);
	v->validity = l->vector_get_validity(source);
	if (t->kind == Q_LIST) bind_vector(l, v->children, l->list_vector_get_child(source));
	if (t->kind == Q_ARRAY) bind_vector(l, v->children, l->array_vector_get_child(source));
	if (t->kind == Q_STRUCT) {
		for (size_t i = 0; i < t->n; i++)
			bind_vector(l, &v->children[i], l->struct_vector_get_child(source, i));
	}
	if (t->kind == Q_UNION) { /* a struct of the tag and the members */
		v->data = l->vector_get_data(l->struct_vector_get_child(source, 0));
		for (size_t i = 0; i < t->n; i++)
			bind_vector(l, &v->children[i], l->struct_vector_get_child(source, i + 1));
	}
	if (t->kind == Q_MAP) { /* a list of structs of key and value */
		duckdb_vector pairs = l->list_vector_get_child(source);
		for (size_t i = 0; i < 2; i++) bind_vector(l, &v->children[i], l->struct_vector_get_child(pairs, i));
	}
}

status engine_next(struct engine *e, struct q_chunk *out, struct err *err)
{
	*out = (struct q_chunk){.columns = e->vectors};
	while (out->n_rows == 0) {
		if (e->chunk != NULL) e->l->destroy_data_chunk(&e->chunk);
		e->chunk = e->l->fetch_chunk(e->result);
		if (e->chunk == NULL) {
			const char *error = e->l->result_error(&e->result);
			return error == NULL || error[0] == '\0' ? OK : engine_fail(err, E_USAGE, error);
		}
		out->n_rows = e->l->data_chunk_get_size(e->chunk);
		if (out->n_rows == 0) return OK;
	}
	for (size_t i = 0; i < e->columns.n_columns; i++)
		bind_vector(e->l, &e->vectors[i], e->l->data_chunk_get_vector(e->chunk, i));
	return OK;
}

struct str engine_text(const struct q_vector *v, size_t row)
{
	const duckdb_string_t *s = (const duckdb_string_t *)v->data + row;
	const uint32_t n = s->inlined.length;
	return (struct str){n <= sizeof s->inlined.bytes ? s->inlined.bytes : s->pointer.p, n};
}

struct q_span engine_span(const struct q_vector *v, size_t row)
{
	const duckdb_list_entry *entry = (const duckdb_list_entry *)v->data + row;
	return (struct q_span){entry->offset, entry->length};
}
