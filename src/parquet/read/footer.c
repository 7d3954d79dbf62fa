/* parquet/read/footer.c: FileMetaData. Only what reading needs is kept: encodings and paths are skipped, statistics
 * are looked at when they are asked for (stats.c). */
#include "parquet/read/reader_int.h"

/* The fewest bytes a RowGroup and a ColumnChunk take, for bounding counts before allocation. */
enum { ROW_GROUP_BYTES_MIN = 5, CHUNK_BYTES_MIN = 8, KEY_VALUE_BYTES_MIN = 3 };
/* Early writers leave the header of the dictionary page out of a chunk's size (PARQUET-816): pages may run over by this. */
enum { UNCOUNTED_BYTES_MAX = 128 };

struct chunk_meta {
	int64_t data_at, dict_at;
	int32_t physical;
	uint8_t seen; /* bits: type, codec, values, size, offset */
};
enum { SEEN_TYPE = 1, SEEN_CODEC = 2, SEEN_VALUES = 4, SEEN_SIZE = 8, SEEN_OFFSET = 16, SEEN_ALL = 31 };

static void read_chunk_meta(struct thrift *t, struct reader_chunk *c, struct chunk_meta *m)
{
	struct thrift_field f = {0};
	while (thrift_field_next(t, &f)) {
		switch (f.id) {
		case 1:
			m->physical = thrift_i32(t, &f);
			m->seen |= SEEN_TYPE;
			break;
		case 4:
			c->codec = thrift_i32(t, &f);
			m->seen |= SEEN_CODEC;
			break;
		case 5:
			c->n_values = thrift_i64(t, &f);
			m->seen |= SEEN_VALUES;
			break;
		case 7:
			c->bytes = thrift_i64(t, &f);
			m->seen |= SEEN_SIZE;
			break;
		case 9:
			m->data_at = thrift_i64(t, &f);
			m->seen |= SEEN_OFFSET;
			break;
		case 11: m->dict_at = thrift_i64(t, &f); break;
		case 12:
			c->stats = f.type == THRIFT_STRUCT ? t->p : NULL;
			thrift_skip(t, f.type);
			c->stats_n = c->stats == NULL ? 0 : (uint32_t)(t->p - c->stats);
			break;
		default: thrift_skip(t, f.type);
		}
	}
}

/* Where the chunk lies; a dictionary offset of 0 or after the data means none was written. */
static status place_chunk(const struct parquet_reader *r, struct reader_chunk *c, const struct chunk_meta *m,
	const struct reader_leaf *leaf, struct err *err)
{
	if (m->seen != SEEN_ALL)
		return fail(err, E_CORRUPT, "column %s: its chunk lacks required metadata", leaf->info.name);
	if (m->physical != (int32_t)leaf->physical)
		return fail(err, E_CORRUPT, "column %s: chunk of type %d, schema says %d", leaf->info.name, m->physical,
			(int)leaf->physical);
	c->at = m->dict_at > 0 && m->dict_at < m->data_at ? m->dict_at : m->data_at;
	if (c->n_values < 0)
		return fail(err, E_CORRUPT, "column %s: %lld values", leaf->info.name, (long long)c->n_values);
	if (c->at < 4 || c->at > r->data_end || c->bytes < 0 || c->bytes > r->data_end - c->at) {
		if (c->n_values == 0) { /* some writers leave the place of an empty chunk unset */
			c->at = 4;
			c->bytes = 0;
			return OK;
		}
		return fail(err, E_CORRUPT, "column %s: pages at %lld, %lld bytes, lie outside the file",
			leaf->info.name, (long long)c->at, (long long)c->bytes);
	}
	const int64_t after = r->data_end - c->at - c->bytes;
	c->bytes += after < UNCOUNTED_BYTES_MAX ? after : UNCOUNTED_BYTES_MAX;
	return OK;
}

static status read_chunk(const struct parquet_reader *r, struct thrift *t, const struct reader_leaf *leaf,
	struct reader_chunk *c, struct err *err)
{
	struct chunk_meta m = {0};
	struct thrift_field f = {0};
	*c = (struct reader_chunk){0};
	while (thrift_field_next(t, &f)) {
		switch (f.id) {
		case 1:
			if (thrift_binary(t, &f).n > 0) c->unreadable = "unsupported: pages in another file";
			break;
		case 3:
			if (thrift_struct(t, &f)) read_chunk_meta(t, c, &m);
			break;
		case 4: c->offset_index_at = thrift_i64(t, &f); break;
		case 5: c->offset_index_bytes = thrift_i32(t, &f); break;
		case 6: c->column_index_at = thrift_i64(t, &f); break;
		case 7: c->column_index_bytes = thrift_i32(t, &f); break;
		case 8:
			c->unreadable = "unsupported: encrypted";
			thrift_skip(t, f.type);
			break;
		default: thrift_skip(t, f.type);
		}
	}
	if (t->error != NULL || c->unreadable != NULL) return OK;
	return place_chunk(r, c, &m, leaf, err);
}

static status read_chunks(struct parquet_reader *r, struct thrift *t, const struct thrift_field *f,
	struct reader_row_group *g, struct err *err)
{
	const size_t n = thrift_list(t, f, THRIFT_STRUCT);
	if (t->error != NULL) return OK;
	if (n != r->n_leaves)
		return fail(err, E_CORRUPT, "a row group of %zu columns, the schema has %zu", n, r->n_leaves);
	if (g->chunks != NULL) return fail(err, E_CORRUPT, "a row group with two lists of columns");
	g->chunks = ARENA_NEW(&r->meta_arena, struct reader_chunk, n);
	if (g->chunks == NULL) return reader_nomem(r, err);
	for (size_t i = 0; i < n && t->error == NULL; i++) TRY(read_chunk(r, t, &r->leaves[i], &g->chunks[i], err));
	return OK;
}

static status read_row_group(struct parquet_reader *r, struct thrift *t, struct reader_row_group *g, struct err *err)
{
	struct thrift_field f = {0};
	*g = (struct reader_row_group){.n_rows = -1};
	while (thrift_field_next(t, &f)) {
		if (f.id == 1)
			TRY(read_chunks(r, t, &f, g, err));
		else if (f.id == 3)
			g->n_rows = thrift_i64(t, &f);
		else
			thrift_skip(t, f.type);
	}
	if (t->error != NULL) return OK;
	if (g->n_rows < 0) return fail(err, E_CORRUPT, "a row group without a number of rows");
	if (g->chunks == NULL && r->n_leaves > 0) return fail(err, E_CORRUPT, "a row group without columns");
	return OK;
}

static status read_row_groups(struct parquet_reader *r, struct thrift *t, const struct thrift_field *f, struct err *err)
{
	const size_t n = thrift_list(t, f, THRIFT_STRUCT);
	if (t->error != NULL) return OK;
	if (r->leaves == NULL) return fail(err, E_CORRUPT, "row groups before the schema");
	const size_t each = ROW_GROUP_BYTES_MIN + r->n_leaves * CHUNK_BYTES_MIN;
	if (r->row_groups != NULL || n > (size_t)(t->end - t->p) / each)
		return fail(err, E_CORRUPT, "more row groups than its bytes can hold");
	r->row_groups = ARENA_NEW(&r->meta_arena, struct reader_row_group, n);
	if (r->row_groups == NULL) return reader_nomem(r, err);
	r->n_row_groups = n;
	int64_t rows = 0;
	for (size_t i = 0; i < n && t->error == NULL; i++) {
		TRY(read_row_group(r, t, &r->row_groups[i], err));
		if (t->error == NULL && __builtin_add_overflow(rows, r->row_groups[i].n_rows, &rows))
			return fail(err, E_CORRUPT, "too many rows");
	}
	r->n_rows = rows;
	return OK;
}

static status read_metadata(struct parquet_reader *r, struct thrift *t, const struct thrift_field *f, struct err *err)
{
	const size_t n = thrift_list(t, f, THRIFT_STRUCT);
	if (t->error != NULL) return OK;
	if (n > (size_t)(t->end - t->p) / KEY_VALUE_BYTES_MIN || r->metadata != NULL)
		return fail(err, E_CORRUPT, "more metadata than its bytes can hold");
	r->metadata = ARENA_NEW(&r->meta_arena, struct reader_key_value, n);
	if (r->metadata == NULL) return reader_nomem(r, err);
	for (size_t i = 0; i < n; i++) {
		struct str key = {"", 0}, value = {"", 0};
		struct thrift_field m = {0};
		while (thrift_field_next(t, &m)) {
			if (m.id == 1)
				key = thrift_binary(t, &m);
			else if (m.id == 2)
				value = thrift_binary(t, &m);
			else
				thrift_skip(t, m.type);
		}
		if (t->error != NULL) return OK;
		struct reader_key_value *kv = &r->metadata[i];
		kv->key = arena_strndup(&r->meta_arena, key.p, key.n);
		kv->value = arena_strndup(&r->meta_arena, value.p, value.n);
		if (kv->key == NULL || kv->value == NULL) return reader_nomem(r, err);
		r->n_metadata = i + 1;
	}
	return OK;
}

/* Files of one table have the same schema bytes: then the leaves of the file before stand. */
static status read_schema(
	struct parquet_reader *r, struct thrift *t, const struct thrift_field *f, const uint8_t *start, struct err *err)
{
	if (r->schema_n > 0 && (size_t)(t->end - start) >= r->schema_n &&
		memcmp(start, r->schema_bytes, r->schema_n) == 0) {
		t->p = start + r->schema_n;
		return OK;
	}
	arena_reset(&r->schema_arena);
	r->schema_n = 0;
	r->leaves = NULL;
	r->n_leaves = r->n_nodes = r->n_fields = 0;
	const size_t n = thrift_list(t, f, THRIFT_STRUCT);
	if (t->error != NULL) return OK;
	TRY(reader_schema_read(r, t, (uint32_t)n, err));
	if (t->error != NULL) return OK;
	const size_t bytes = (size_t)(t->p - start);
	uint8_t *copy = arena_alloc(&r->schema_arena, bytes, 1);
	if (copy == NULL) return reader_nomem(r, err);
	memcpy(copy, start, bytes);
	r->schema_bytes = copy;
	r->schema_n = bytes;
	return OK;
}

/* Whether each of the columns says TYPE_ORDER: without that, bounds mean nothing ("ColumnOrder" in parquet.thrift). */
static bool read_orders(const struct parquet_reader *r, struct thrift *t, const struct thrift_field *f)
{
	const size_t n = thrift_list(t, f, THRIFT_STRUCT);
	bool all = n == r->n_leaves;
	for (size_t i = 0; i < n && t->error == NULL; i++) {
		struct thrift_field order = {0};
		bool by_type = false;
		while (thrift_field_next(t, &order)) {
			by_type = order.id == 1;
			thrift_skip(t, order.type);
		}
		all &= by_type;
	}
	return all && t->error == NULL;
}

static status read_fields(struct parquet_reader *r, struct thrift *t, struct err *err)
{
	struct thrift_field f = {0};
	bool has_schema = false, has_rows = false;
	while (thrift_field_next(t, &f)) {
		switch (f.id) {
		case 2:
			if (has_schema) return fail(err, E_CORRUPT, "two schemas");
			TRY(read_schema(r, t, &f, t->p, err));
			has_schema = true;
			break;
		case 3: /* the row groups say the same, and some writers say it wrong here */
			(void)thrift_i64(t, &f);
			has_rows = true;
			break;
		case 4:
			if (!has_schema) return fail(err, E_CORRUPT, "row groups before the schema");
			TRY(read_row_groups(r, t, &f, err));
			break;
		case 5: TRY(read_metadata(r, t, &f, err)); break;
		case 7: r->ordered = read_orders(r, t, &f); break;
		case 8: return fail(err, E_UNSUPPORTED, "unsupported: encrypted file");
		default: thrift_skip(t, f.type);
		}
	}
	if (t->error == NULL && (!has_schema || !has_rows))
		return fail(err, E_CORRUPT, "footer without a %s", has_schema ? "number of rows" : "schema");
	return OK;
}

status reader_footer_read(struct parquet_reader *r, const uint8_t *p, size_t n, int64_t at, struct err *err)
{
	struct thrift t;
	thrift_start(&t, p, n);
	const status code = read_fields(r, &t, err);
	if (code != OK) return err_at(err, code, r->key, at + (t.p - p), -1);
	if (t.error != NULL) return reader_corrupt(r, err, at + (t.error_at - p), "footer: %s", t.error);
	return OK;
}
