/* table/write/append.c: a stream of rows against a table's schema, and the one commit that adds them.
 *
 * What the stream has is checked before a row is written. Files are durable before the commit names them; a failure leaves files
 * that no version names, for vacuum.
 */
#include "table/write/append.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "table/log/schema.h"
#include "table/write/append_int.h"

enum { MEMORY_BYTES = 1 << 29, READER_VERSION = 1, WRITER_VERSION = 2 };

/* ---- the table and the stream's columns ---- */

/* Fields of a struct have the same names in the same order; lists and maps the same parts, whatever those are called. What the rows may leave
 * null the table may, too, or the writer finds the null. */
static bool same_parts(const struct column_def *table, const struct column_def *in)
{
	if (table->n_children != in->n_children) return false;
	for (size_t i = 0; i < table->n_children; i++) {
		const struct column_def *t = &table->children[i], *n = &in->children[i];
		if (t->type != n->type || t->precision != n->precision || t->scale != n->scale) return false;
		if (table->type == COL_STRUCT && strcmp(t->name, n->name) != 0) return false;
		if (!same_parts(t, n)) return false;
	}
	return true;
}

static bool fits(const struct column_def *table, const struct column_def *in)
{
	if (table->type == COL_DECIMAL)
		return in->type == COL_DECIMAL && in->scale == table->scale && in->precision <= table->precision;
	if (table->type != in->type) return table->type == COL_INT64 && in->type == COL_INT32;
	return same_parts(table, in);
}

static status match_column(const struct append *a, const struct delta_column *c, const struct table_schema *in,
	struct append_column *out, struct err *err)
{
	*out = (struct append_column){.def = c->def, .source = schema_column_index(in, c->def.name)};
	if (out->source < 0) {
		if (c->def.nullable) return OK;
		return fail(err, E_USAGE, "the rows lack column %s of table %s, which takes no nulls", c->def.name,
			a->root);
	}
	if (!c->written)
		return fail(err, E_UNSUPPORTED, "unsupported: writing column %s of type %s", c->def.name, c->type_text);
	if (c->partition_index >= 0 && (c->def.type == COL_BINARY || col_type_nested(c->def.type)))
		return fail(err, E_UNSUPPORTED, "unsupported: partitioning table %s by %s column %s", a->root,
			col_type_name(c->def.type), c->def.name);
	if (fits(&c->def, &in->columns[out->source])) return OK;
	return fail(err, E_USAGE, "column %s is %s in the rows and %s in table %s", c->def.name,
		col_type_name(in->columns[out->source].type), c->type_text, a->root);
}

static status check_names(
	const struct append *a, const struct delta_schema *table, const struct table_schema *in, struct err *err)
{
	for (size_t i = 0; i < in->n_columns; i++) {
		if (delta_schema_index(table, str_of(in->columns[i].name)) < 0)
			return fail(err, E_USAGE, "the rows have a column %s, and table %s has not",
				in->columns[i].name, a->root);
		if (schema_column_index(in, in->columns[i].name) != (int)i)
			return fail(err, E_USAGE, "the rows have two columns %s", in->columns[i].name);
	}
	return OK;
}

/* Columns of a type nobody reads are left out of the files, which reads as null. */
static status match_columns(
	struct append *a, const struct delta_schema *table, const struct table_schema *in, struct err *err)
{
	TRY(check_names(a, table, in, err));
	a->columns = ARENA_ZNEW(&a->arena, struct append_column, table->n);
	a->partition = ARENA_ZNEW(&a->arena, struct append_column, table->n);
	struct column_def *defs = ARENA_ZNEW(&a->arena, struct column_def, table->n);
	if (a->columns == NULL || a->partition == NULL || defs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < table->n; i++) {
		const struct delta_column *c = &table->columns[i];
		struct append_column matched;
		TRY(match_column(a, c, in, &matched, err));
		if (c->partition_index >= 0) {
			a->partition[c->partition_index] = matched;
			a->n_partition++;
		} else if (c->written) {
			defs[a->n_columns] = matched.def;
			a->columns[a->n_columns++] = matched;
		}
	}
	a->files = (struct table_schema){.name = a->root, .columns = defs, .n_columns = a->n_columns};
	return OK;
}

static status check_partitioning(
	const struct append *a, const struct delta_snapshot *s, const struct delta_append_opts *o, struct err *err)
{
	const struct delta_strings *have = &s->metadata.partition_columns;
	bool same = o->n_partition_by == 0 || o->n_partition_by == have->n;
	for (size_t i = 0; same && i < o->n_partition_by; i++) same = str_is(have->items[i], o->partition_by[i]);
	return same ? OK : fail(err, E_USAGE, "table %s is there with another partitioning", a->root);
}

/* ---- a table that is not there yet ---- */

struct creation {
	struct delta_protocol protocol;
	struct delta_metadata metadata;
	struct delta_schema schema;
	char id[UUID_CHARS];
};

static void uuid_text(char dst[UUID_CHARS])
{
	uint8_t id[UUID_BYTES];
	uuid_random(id);
	uuid_format(id, dst);
}

static status creation_make(struct append *a, const struct table_schema *in, const struct delta_append_opts *o,
	struct creation *out, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	delta_schema_text(&text, in);
	const status code = buf_check(&text, err);
	const char *schema = code == OK ? arena_strndup(&a->arena, (const char *)text.p, text.n) : NULL;
	const size_t n = text.n;
	buf_deinit(&text);
	if (code != OK) return code;
	struct str *partition = ARENA_NEW(&a->arena, struct str, o->n_partition_by + 1);
	if (schema == NULL || partition == NULL) return fail_nomem(err);
	for (size_t i = 0; i < o->n_partition_by; i++) {
		if (schema_column_index(in, o->partition_by[i]) < 0)
			return fail(err, E_USAGE, "the rows have no column %s to partition by", o->partition_by[i]);
		partition[i] = str_of(o->partition_by[i]);
	}
	uuid_text(out->id);
	out->protocol = (struct delta_protocol){.min_reader = READER_VERSION, .min_writer = WRITER_VERSION};
	out->metadata = (struct delta_metadata){.id = {out->id, sizeof out->id},
		.schema = {schema, n},
		.partition_columns = {partition, o->n_partition_by},
		.created_ms = a->writer_opts.modified_ms};
	return delta_schema_parse(&out->metadata, &a->arena, &out->schema, err);
}

/* ---- the stream ---- */

static status stream_failed(struct ArrowArrayStream *stream, struct err *err)
{
	const char *text = stream->get_last_error(stream);
	return fail(err, E_IO, "the stream of rows failed: %s", text != NULL ? text : "no reason given");
}

static status append_arrays(
	struct append *a, struct ArrowArrayStream *stream, const struct ArrowSchema *schema, struct err *err)
{
	for (;;) {
		struct ArrowArray array;
		struct batch b;
		if (stream->get_next(stream, &array) != 0) return stream_failed(stream, err);
		if (array.release == NULL) return OK;
		arena_reset(&a->batch);
		status code = batch_import(schema, &array, &a->batch, &b, err);
		if (code == OK) code = append_batch(a, &b, err);
		array.release(&array);
		if (code != OK) return code;
	}
}

/* The files of a creation fit a table that somebody else created first when both have the same columns. */
static status check_same(
	const struct append *a, const struct delta_schema *created, const struct delta_snapshot *s, struct err *err)
{
	bool same = created->n == s->schema.n;
	for (size_t i = 0; same && i < created->n; i++) {
		const struct delta_column *x = &created->columns[i], *y = &s->schema.columns[i];
		same = strcmp(x->def.name, y->def.name) == 0 && strcmp(x->type_text, y->type_text) == 0 &&
		       x->partition_index == y->partition_index && x->def.nullable <= y->def.nullable;
	}
	return same ? OK : fail(err, E_CONFLICT, "table %s was created meanwhile, with other columns", a->root);
}

/* To the table that another writer has created meanwhile. */
static status commit_onto(
	struct append *a, const struct creation *c, const struct delta_snapshot *s, int64_t *version, struct err *err)
{
	TRY(check_same(a, &c->schema, s, err));
	TRY(delta_txn_onto(a->txn, s, err));
	return delta_txn_commit(a->txn, version, err);
}

/* Of two who create one table the second adds to the first one's. */
static status commit_created(struct append *a, const struct creation *c, int64_t *version, struct err *err)
{
	struct delta_snapshot *s = NULL;
	struct err lost;
	err_clear(&lost);
	TRY(delta_txn_protocol(a->txn, &c->protocol, err));
	TRY(delta_txn_metadata(a->txn, &c->metadata, err));
	status code = delta_txn_commit(a->txn, version, &lost);
	if (code != E_CONFLICT) {
		if (code != OK && err != NULL) *err = lost;
		return code;
	}
	TRY(delta_snapshot_open(a->store, a->root, DELTA_LATEST, &s, err));
	code = commit_onto(a, c, s, version, err);
	delta_snapshot_close(s);
	return code;
}

static status commit(struct append *a, const struct creation *created, int64_t *version, struct err *err)
{
	TRY(store_sync(a->store, err));
	TRY(created != NULL ? commit_created(a, created, version, err) : delta_txn_commit(a->txn, version, err));
	struct err after;
	err_clear(&after);
	if (delta_after_commit(a->store, a->root, *version, &after) != OK)
		log_printf(LOG_WARN, "%s: version %lld is committed; its checkpoint failed: %s", a->root,
			(long long)*version, after.message);
	return OK;
}

static status append_begin(struct append *a, const struct delta_snapshot *s, const struct table_schema *in,
	const struct delta_append_opts *o, struct creation *created, struct err *err)
{
	const struct delta_txn_opts txn = {.operation = "WRITE",
		.parameters = "{\"mode\":\"Append\"}",
		.info = o->info,
		.reads = DELTA_READS_NOTHING};
	TRY(s != NULL ? check_partitioning(a, s, o, err) : creation_make(a, in, o, created, err));
	TRY(match_columns(a, s != NULL ? &s->schema : &created->schema, in, err));
	return delta_txn_begin(a->store, a->root, s, &txn, &a->txn, err);
}

/* s == NULL: the table is created. */
static status append_schema(struct append *a, const struct delta_snapshot *s, const struct ArrowSchema *schema,
	const struct delta_append_opts *o, struct creation *created, struct err *err)
{
	const struct table_schema *in;
	TRY(schema_import(schema, &a->arena, &in, err));
	return append_begin(a, s, in, o, created, err);
}

static status append_to(struct append *a, const struct delta_snapshot *s, struct ArrowArrayStream *stream,
	const struct delta_append_opts *o, int64_t *version, struct err *err)
{
	struct ArrowSchema schema;
	struct creation created;
	if (stream->get_schema(stream, &schema) != 0) return stream_failed(stream, err);
	status code = append_schema(a, s, &schema, o, &created, err);
	if (code == OK) code = append_arrays(a, stream, &schema, err);
	schema.release(&schema);
	TRY(code);
	TRY(append_finish(a, err));
	if (s == NULL || a->n_rows > 0) return commit(a, s == NULL ? &created : NULL, version, err);
	*version = s->version;
	return OK;
}

status delta_append(struct store *store, const char *root, struct ArrowArrayStream *stream,
	const struct delta_append_opts *opts, int64_t *version, struct err *err)
{
	char unique[UUID_CHARS + 1] = "";
	struct delta_snapshot *s = NULL;
	bool exists = false;
	TRY(delta_table_exists(store, root, &exists, err));
	if (exists) TRY(delta_snapshot_open(store, root, DELTA_LATEST, &s, err));
	uuid_text(unique);
	struct append a = {.store = store,
		.root = root,
		.memory_max = opts->memory_max > 0 ? opts->memory_max : MEMORY_BYTES,
		.writer_opts = {.parquet = {.codec = PARQUET_ZSTD},
			.unique = unique,
			.modified_ms = time_now_us() / 1000,
			.data_change = true}};
	buf_init(&a.key, 0);
	buf_init(&a.text, 0);
	const status code = append_to(&a, s, stream, opts, version, err);
	append_rows_deinit(&a);
	delta_txn_destroy(a.txn);
	buf_deinit(&a.key);
	buf_deinit(&a.text);
	arena_deinit(&a.batch);
	arena_deinit(&a.arena);
	delta_snapshot_close(s);
	return code;
}
