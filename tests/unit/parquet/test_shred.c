/* Nested columns by the writer: the levels of the Dremel paper's example, and random columns of random types as the reader gives them
 * back, whatever the pages, the cuts and the order of the rows. */
#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"
#include "io/store.h"
#include "parquet/nested.h"
#include "parquet/write/writer_int.h"
#include "parquet/writer.h"
#include "thrift_text.h"

static uint64_t seed;
static uint32_t drawn;

static uint32_t draw(uint32_t n)
{
	return rng_below(rng_philox(seed, 0, 0, drawn++).v[0], n);
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

struct file {
	struct parquet_writer *w;
	struct store_object *object;
	struct parquet_reader *r;
	const uint8_t *p;
	size_t n;
};

static void file_write(
	struct file *f, const struct batch *b, const struct parquet_opts *o, const struct parquet_rows *rows)
{
	struct err err;
	*f = (struct file){0};
	CHECK_OK(&err, parquet_writer_create(b->schema, o, &f->w, &err));
	CHECK_OK(&err, parquet_writer_row_group(f->w, b, rows, &err));
	CHECK_OK(&err, parquet_writer_finish(f->w, &f->p, &f->n, &err));
	CHECK_OK(&err, store_object_from_memory(f->p, f->n, "nested.parquet", &f->object, &err));
	CHECK_OK(&err, parquet_reader_open(f->object, &f->r, &err));
}

static void file_close(struct file *f)
{
	parquet_reader_close(f->r);
	store_object_close(f->object);
	parquet_writer_destroy(f->w);
}

/* ---- Dremel's example: two documents ---------------------------------------------------------------------------------------- */

/* document { docId, links { backward[], forward[] }, name[] { language[] { code, country }, url } }: the levels count a list
 * and its group each, so they are those of the paper where its groups are optional too. */
static const struct column_def code_country[] = {
	{.name = "code", .type = COL_STRING}, {.name = "country", .type = COL_STRING, .nullable = true}};
static const struct column_def language[] = {
	{.name = "item", .type = COL_STRUCT, .children = code_country, .n_children = 2}};
static const struct column_def name_fields[] = {
	{.name = "language", .type = COL_LIST, .children = language, .n_children = 1},
	{.name = "url", .type = COL_STRING, .nullable = true}};
static const struct column_def names[] = {
	{.name = "item", .type = COL_STRUCT, .children = name_fields, .n_children = 2}};
static const struct column_def link[] = {{.name = "item", .type = COL_INT64}};
static const struct column_def link_fields[] = {
	{.name = "backward", .type = COL_LIST, .children = link, .n_children = 1},
	{.name = "forward", .type = COL_LIST, .children = link, .n_children = 1}};
static const struct column_def document[] = {{.name = "doc_id", .type = COL_INT64},
	{.name = "links", .type = COL_STRUCT, .nullable = true, .children = link_fields, .n_children = 2},
	{.name = "name", .type = COL_LIST, .children = names, .n_children = 1}};
static const struct table_schema document_schema = {.name = "document", .columns = document, .n_columns = 3};

static struct column strings(int64_t n, const int32_t *offsets, const char *data, const uint8_t *validity)
{
	return (struct column){.type = COL_STRING,
		.n = n,
		.n_null = validity != NULL ? -1 : 0,
		.validity = validity,
		.offsets = offsets,
		.data = (const uint8_t *)data};
}

/* Levels and values of a leaf as text: "0,2 a", an entry each. */
static void check_levels(const struct file *f, const char *path, const char *want)
{
	struct err err;
	struct arena arena;
	struct parquet_levels l;
	char text[400];
	size_t n = 0;
	int64_t value = 0;
	arena_init(&arena, 0);
	CHECK_OK(&err, parquet_reader_levels(f->r, 0, parquet_reader_leaf(f->r, path), &arena, &l, &err));
	for (int64_t i = 0; i < l.n; i++) {
		n += (size_t)snprintf(text + n, sizeof text - n, "%d,%d ", l.rep != NULL ? l.rep[i] : 0,
			l.def != NULL ? l.def[i] : 0);
		if (l.def != NULL && l.def[i] != l.max_def) continue;
		if (l.values.type == COL_INT64)
			n += (size_t)snprintf(text + n, sizeof text - n, "%lld ",
				(long long)((const int64_t *)l.values.values)[value++]);
		else
			n += (size_t)snprintf(text + n, sizeof text - n, "%.*s ", (int)column_str(&l.values, value).n,
				column_str(&l.values, value).p),
				value++;
	}
	assert_string_equal(text, want);
	arena_deinit(&arena);
}

static void levels_of_dremel(void **state)
{
	(void)state;
	static const int64_t ids[] = {10, 20}, backward[] = {10, 30}, forward[] = {20, 40, 60, 80};
	static const int32_t backward_at[] = {0, 0, 2}, forward_at[] = {0, 3, 4}, name_at[] = {0, 3, 4};
	static const int32_t language_at[] = {0, 2, 2, 3, 3}, code_at[] = {0, 5, 7, 12}, country_at[] = {0, 2, 2, 4};
	static const int32_t url_at[] = {0, 1, 2, 2, 3};
	static const uint8_t country_valid[] = {0x05}, url_valid[] = {0x0b};
	const struct column lists[] = {
		{.type = COL_INT64, .n = 2, .values = backward}, {.type = COL_INT64, .n = 4, .values = forward}};
	const struct column links[] = {
		{.type = COL_LIST, .n = 2, .offsets = backward_at, .children = &lists[0], .n_children = 1},
		{.type = COL_LIST, .n = 2, .offsets = forward_at, .children = &lists[1], .n_children = 1}};
	const struct column codes[] = {
		strings(3, code_at, "en-usenen-gb", NULL), strings(3, country_at, "usgb", country_valid)};
	const struct column languages = {.type = COL_STRUCT, .n = 3, .children = codes, .n_children = 2};
	const struct column fields[] = {
		{.type = COL_LIST, .n = 4, .offsets = language_at, .children = &languages, .n_children = 1},
		strings(4, url_at, "ABC", url_valid)};
	const struct column name = {.type = COL_STRUCT, .n = 4, .children = fields, .n_children = 2};
	struct column columns[] = {{.type = COL_INT64, .n = 2, .values = ids},
		{.type = COL_STRUCT, .n = 2, .children = links, .n_children = 2},
		{.type = COL_LIST, .n = 2, .offsets = name_at, .children = &name, .n_children = 1}};
	const struct batch b = {.schema = &document_schema, .n_columns = 3, .columns = columns, .n_rows = 2};
	struct file f;
	file_write(&f, &b, &(struct parquet_opts){.codec = PARQUET_UNCOMPRESSED}, &(struct parquet_rows){.n = 2});
	check_levels(&f, "doc_id", "0,0 10 0,0 20 ");
	check_levels(&f, "links.backward.list.element", "0,1 0,2 10 1,2 30 ");
	check_levels(&f, "links.forward.list.element", "0,2 20 1,2 40 1,2 60 0,2 80 ");
	check_levels(&f, "name.list.element.language.list.element.code", "0,2 en-us 2,2 en 1,1 1,2 en-gb 0,1 ");
	check_levels(&f, "name.list.element.language.list.element.country", "0,3 us 2,2 1,1 1,3 gb 0,1 ");
	check_levels(&f, "name.list.element.url", "0,2 A 1,2 B 1,1 0,2 C ");
	file_close(&f);
}

/* ---- random columns ----------------------------------------------------------------------------------------------------- */

static void draw_def(struct column_def *def, struct arena *arena, unsigned depth)
{
	static const enum col_type flat[] = {COL_BOOL, COL_INT32, COL_INT64, COL_FLOAT, COL_DOUBLE, COL_STRING,
		COL_BINARY, COL_TIMESTAMP, COL_DATE, COL_DECIMAL};
	static const char *const field_names[] = {"a", "b", "c", "d"};
	const uint32_t kind = depth >= 5 ? 0 : draw(depth == 0 ? 3 : 6);
	*def = (struct column_def){.name = "x", .nullable = draw(3) > 0};
	if (kind >= 3 || (depth > 0 && kind == 2 && draw(2) > 0) || depth >= 5) {
		def->type = flat[draw(sizeof flat / sizeof *flat)];
		def->precision = def->type == COL_DECIMAL ? (draw(2) > 0 ? 9 : 18) : 0;
		def->id = def->type == COL_STRING && draw(3) == 0;
		return;
	}
	static const enum col_type kinds[] = {COL_STRUCT, COL_LIST, COL_MAP};
	def->type = kinds[kind];
	def->n_children = def->type == COL_STRUCT ? 1 + draw(4) : def->type == COL_LIST ? 1 : 2;
	struct column_def *children = ARENA_ZNEW(arena, struct column_def, def->n_children);
	for (size_t i = 0; i < def->n_children; i++) {
		draw_def(&children[i], arena, depth + 1);
		children[i].name = field_names[i];
	}
	if (def->type == COL_MAP) children[0].nullable = false;
	def->children = children;
}

static void draw_texts(struct column *c, struct arena *arena)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	int32_t *offsets = ARENA_ZNEW(arena, int32_t, c->n + 1);
	uint8_t *data = ARENA_NEW(arena, uint8_t, c->n * 26 + 1);
	for (int64_t i = 0; i < c->n; i++) {
		const uint32_t n = draw(26);
		memcpy(data + offsets[i], letters + draw(26), n);
		offsets[i + 1] = offsets[i] + (int32_t)n;
	}
	c->offsets = offsets;
	c->data = data;
}

/* Text as a dictionary of eight entries, one of them used by nobody. */
static void draw_codes(struct column *c, struct arena *arena)
{
	struct column *dict = ARENA_ZNEW(arena, struct column, 1);
	int32_t *codes = ARENA_ZNEW(arena, int32_t, c->n + 1);
	*dict = (struct column){.type = c->type, .n = 8};
	draw_texts(dict, arena);
	for (int64_t i = 0; i < c->n; i++) codes[i] = (int32_t)draw(7);
	c->dict = dict;
	c->values = codes;
}

static void draw_numbers(struct column *c, struct arena *arena)
{
	const size_t width = col_type_width(c->type);
	const uint32_t most = draw(2) > 0 ? 100 : UINT32_MAX;
	uint8_t *values = arena_zalloc(arena, (size_t)(c->n + 1) * 8, 8);
	for (int64_t i = 0; i < c->n; i++) {
		const int64_t v = (int64_t)draw(most) - most / 2;
		const float narrow = (float)v / 4;
		const double wide = (double)v / 4;
		if (c->type == COL_BOOL && v > 0) bit_set(values, i);
		if (c->type == COL_FLOAT) memcpy(values + (size_t)i * 4, &narrow, 4);
		if (c->type == COL_DOUBLE) memcpy(values + (size_t)i * 8, &wide, 8);
		if (c->type == COL_DECIMAL) ((int64_t *)(void *)values)[i] = v % 1000000000;
		if (c->type != COL_FLOAT && c->type != COL_DOUBLE && c->type != COL_DECIMAL && width > 0)
			memcpy(values + (size_t)i * width, &v, width);
	}
	c->values = values;
}

static void draw_column(const struct column_def *def, int64_t n, struct arena *arena, struct column *c)
{
	*c = (struct column){.type = def->type, .precision = def->precision, .scale = def->scale, .n = n};
	if (def->nullable && draw(4) > 0) {
		uint8_t *bits = arena_zalloc(arena, (size_t)n / 8 + 1, 8);
		const uint32_t nulls = draw(3);
		for (int64_t i = 0; i < n; i++)
			if (draw(3) >= nulls) bit_set(bits, i);
		c->validity = bits;
		c->n_null = -1;
	}
	if (!col_type_nested(def->type)) {
		const bool text = def->type == COL_STRING || def->type == COL_BINARY;
		if (text && draw(3) == 0)
			draw_codes(c, arena);
		else if (text)
			draw_texts(c, arena);
		else
			draw_numbers(c, arena);
		return;
	}
	if (def->type != COL_STRUCT) { /* a null list may have elements all the same */
		int32_t *offsets = ARENA_ZNEW(arena, int32_t, n + 1);
		const uint32_t most = 1 + draw(6);
		offsets[0] = (int32_t)draw(3);
		for (int64_t i = 0; i < n; i++)
			offsets[i + 1] = offsets[i] + (draw(50) == 0 ? (int32_t)draw(300) / (n > 100 ? 10 : 1)
								     : (int32_t)draw(most));
		c->offsets = offsets;
		n = offsets[n];
	}
	struct column *children = ARENA_ZNEW(arena, struct column, def->n_children);
	for (size_t i = 0; i < def->n_children; i++) draw_column(&def->children[i], n, arena, &children[i]);
	c->children = children;
	c->n_children = def->n_children;
}

static bool same_value(const struct column *a, int64_t i, const struct column *b, int64_t k)
{
	const size_t width = col_type_width(a->type);
	if (!column_valid(a, i) || !column_valid(b, k)) return column_valid(a, i) == column_valid(b, k);
	if (a->type == COL_BOOL) return bit_get(a->values, i) == bit_get(b->values, k);
	if (a->type == COL_STRING || a->type == COL_BINARY) return str_eq(column_str(a, i), column_str(b, k));
	if (width > 0)
		return memcmp((const uint8_t *)a->values + (size_t)i * width,
			       (const uint8_t *)b->values + (size_t)k * width, width) == 0;
	for (size_t c = 0; a->type == COL_STRUCT && c < a->n_children; c++)
		if (!same_value(&a->children[c], i, &b->children[c], k)) return false;
	if (a->type == COL_STRUCT) return true;
	const int32_t n = a->offsets[i + 1] - a->offsets[i];
	if (n != b->offsets[k + 1] - b->offsets[k]) return false;
	for (int32_t e = 0; e < n; e++)
		for (size_t c = 0; c < a->n_children; c++)
			if (!same_value(&a->children[c], a->offsets[i] + e, &b->children[c], b->offsets[k] + e))
				return false;
	return true;
}

static void draw_opts(struct parquet_opts *o)
{
	static const enum parquet_codec codecs[] = {
		PARQUET_UNCOMPRESSED, PARQUET_SNAPPY, PARQUET_ZSTD, PARQUET_LZ4_RAW};
	*o = (struct parquet_opts){.codec = codecs[draw(4)], .bloom = draw(2) > 0};
	if (draw(2) > 0) o->page_rows_max = 1 + draw(40);
	if (draw(2) > 0) o->page_bytes_min = 1 + draw(500);
}

static void random_columns(void **state)
{
	(void)state;
	for (seed = 1; seed < 400; seed += CHECK_ONE_IN) {
		struct err err;
		struct arena arena;
		struct parquet_opts opts;
		struct column_def def, flat = {.name = "n", .type = COL_INT32};
		struct column columns[3];
		struct file f;
		const struct parquet_field *fields;
		size_t n_fields;
		drawn = 0;
		arena_init(&arena, 0);
		draw_def(&def, &arena, 0);
		draw_opts(&opts);
		const int64_t n = 1 + draw(draw(4) == 0 ? 400 : 40);
		const struct column_def defs[] = {def, flat, def};
		const struct table_schema schema = {.name = "t", .columns = defs, .n_columns = 3};
		draw_column(&def, n, &arena, &columns[0]);
		draw_column(&flat, n, &arena, &columns[1]);
		draw_column(&def, n, &arena, &columns[2]);
		uint32_t order[500], cut = (uint32_t)(n + 1) / 2;
		for (int64_t i = 0; i < n; i++) order[i] = draw((uint32_t)n);
		const bool ordered = draw(2) > 0;
		const struct parquet_rows rows = {
			.rows = ordered ? order : NULL, .n = (uint32_t)n, .cuts = &cut, .n_cuts = 1};
		const struct batch b = {.schema = &schema, .n_columns = 3, .columns = columns, .n_rows = n};
		file_write(&f, &b, &opts, &rows);
		CHECK_OK(&err, parquet_reader_fields(f.r, &fields, &n_fields, &err));
		CHECK_I64(n_fields, 3);
		for (size_t c = 0; c < 3; c += 2) {
			struct column got;
			assert_int_equal(fields[c].info.def.type, def.type);
			assert_int_equal(fields[c].info.def.nullable, def.nullable);
			CHECK_OK(&err, parquet_reader_field_read(f.r, 0, c, &arena, &got, &err));
			CHECK_I64(got.n, n);
			for (int64_t i = 0; i < n; i++)
				if (!same_value(&columns[c], ordered ? order[i] : i, &got, i))
					fail_msg("seed %llu, column %zu: row %lld differs", (unsigned long long)seed, c,
						(long long)i);
		}
		file_close(&f);
		arena_deinit(&arena);
	}
}

/* ---- pages, statistics ------------------------------------------------------------------------------------------------------ */

static const struct column_def number[] = {{.name = "item", .type = COL_INT64, .nullable = true}};
static const struct column_def lists_of_numbers[] = {
	{.name = "l", .type = COL_LIST, .nullable = true, .children = number, .n_children = 1}};
static const struct table_schema lists_schema = {.name = "lists", .columns = lists_of_numbers, .n_columns = 1};

/* Row i is [i * 3, i * 3 + 1, i * 3 + 2]. */
static void lists_make(int64_t n, struct arena *arena, struct column *child, struct column *list)
{
	int64_t *values = ARENA_NEW(arena, int64_t, 3 * n);
	int32_t *offsets = ARENA_NEW(arena, int32_t, n + 1);
	for (int64_t i = 0; i < 3 * n; i++) values[i] = i;
	for (int64_t i = 0; i <= n; i++) offsets[i] = (int32_t)(3 * i);
	*child = (struct column){.type = COL_INT64, .n = 3 * n, .values = values};
	*list = (struct column){.type = COL_LIST, .n = n, .offsets = offsets, .children = child, .n_children = 1};
}

static char *footer_text(const struct file *f)
{
	uint32_t length;
	memcpy(&length, f->p + f->n - 8, 4);
	return thrift_text(f->p + f->n - 8 - length, length, NULL);
}

static void pages_end_between_rows(void **state)
{
	(void)state;
	struct column child, list;
	struct arena arena;
	struct file f;
	arena_init(&arena, 0);
	lists_make(100, &arena, &child, &list);
	const struct batch b = {.schema = &lists_schema, .n_columns = 1, .columns = &list, .n_rows = 100};
	const struct parquet_opts opts = {.codec = PARQUET_UNCOMPRESSED, .page_rows_max = 100, .page_bytes_min = 1};
	file_write(&f, &b, &opts, &(struct parquet_rows){.n = 100});
	/* Pages of 100 entries would cut the 34th row apart; the first row of each stands in the offset index, right behind the pages. */
	const struct writer_chunk_record *chunk = (const struct writer_chunk_record *)(const void *)f.w->chunks.p;
	CHECK_I64(chunk->n_values, 300);
	CHECK_I64(chunk->n_null, 0);
	CHECK_I64(chunk->n_data_pages, 3);
	const struct writer_page_record *pages = (const struct writer_page_record *)(const void *)f.w->pages.p;
	static const uint32_t first[] = {0, 34, 68};
	for (size_t i = 0; i < 3; i++) CHECK_I64(pages[i].row, first[i]);
	char *text = footer_text(&f);
	assert_non_null(strstr(text, "\"list\""));
	assert_non_null(strstr(text, "\"element\""));
	free(text);
	file_close(&f);
	arena_deinit(&arena);
}

/* The same calls, the same bytes, and nothing more is taken for a second file. */
static void again_the_same(void **state)
{
	(void)state;
	struct err err;
	struct column child, list;
	struct arena arena;
	struct file f;
	const uint8_t *p;
	size_t n;
	arena_init(&arena, 0);
	lists_make(5000, &arena, &child, &list);
	const struct batch b = {.schema = &lists_schema, .n_columns = 1, .columns = &list, .n_rows = 5000};
	file_write(&f, &b, NULL, &(struct parquet_rows){.n = 5000});
	uint8_t *before = malloc(f.n);
	const size_t before_n = f.n, memory = mem_in_use();
	memcpy(before, f.p, f.n);
	parquet_writer_reset(f.w);
	CHECK_OK(&err, parquet_writer_row_group(f.w, &b, &(struct parquet_rows){.n = 5000}, &err));
	CHECK_OK(&err, parquet_writer_finish(f.w, &p, &n, &err));
	CHECK_I64(n, before_n);
	assert_memory_equal(p, before, n);
	CHECK_I64(mem_in_use(), memory);
	free(before);
	file_close(&f);
	arena_deinit(&arena);
}

/* ---- what is refused -------------------------------------------------------------------------------------------------------- */

static void refused_types(void **state)
{
	(void)state;
	static struct column_def deep[COLUMN_DEPTH_MAX + 1];
	static const struct column_def huge[] = {{.name = "h", .type = COL_DECIMAL128, .precision = 30}};
	for (size_t i = 0; i <= COLUMN_DEPTH_MAX; i++)
		deep[i] = (struct column_def){
			.name = "d", .type = COL_LIST, .children = i > 0 ? &deep[i - 1] : number, .n_children = 1};
	const struct {
		struct column_def def;
		status code;
		const char *says;
	} cases[] = {{deep[COLUMN_DEPTH_MAX - 2], OK, ""},
		{deep[COLUMN_DEPTH_MAX - 1], E_UNSUPPORTED, "nested too deeply"},
		{deep[COLUMN_DEPTH_MAX], E_UNSUPPORTED, "nested too deeply"},
		{{.name = "s", .type = COL_STRUCT}, E_UNSUPPORTED,
			"column s of table t, which has a struct without fields"},
		{{.name = "s", .type = COL_STRUCT, .children = huge, .n_children = 1}, E_UNSUPPORTED,
			"column h of table t"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err;
		struct parquet_writer *w = NULL;
		const struct table_schema schema = {.name = "t", .columns = &cases[i].def, .n_columns = 1};
		err_clear(&err);
		CHECK_FAILS(cases[i].code, parquet_writer_create(&schema, NULL, &w, &err));
		if (strstr(err.message, cases[i].says) == NULL) fail_msg("%s", err.message);
		if (cases[i].code == OK) parquet_writer_destroy(w);
	}
}

static void null_where_none_may_be(void **state)
{
	(void)state;
	struct err err;
	struct arena arena;
	struct column child, list;
	struct parquet_writer *w;
	static const uint8_t valid[] = {0xf7, 0xff};
	const struct column_def strict[] = {{.name = "item", .type = COL_INT64}};
	const struct column_def def = {.name = "l", .type = COL_LIST, .children = strict, .n_children = 1};
	const struct table_schema schema = {.name = "t", .columns = &def, .n_columns = 1};
	arena_init(&arena, 0);
	lists_make(5, &arena, &child, &list);
	child.validity = valid;
	child.n_null = -1;
	const struct batch b = {.schema = &schema, .n_columns = 1, .columns = &list, .n_rows = 5};
	CHECK_OK(&err, parquet_writer_create(&schema, NULL, &w, &err));
	CHECK_OK(&err, parquet_writer_row_group(
			       w, &b, &(struct parquet_rows){.n = 1}, &err)); /* the null is in the second row */
	CHECK_FAILS(E_CORRUPT, parquet_writer_row_group(w, &b, &(struct parquet_rows){.n = 5}, &err));
	assert_string_equal(err.message, "column l of table t: a null in its part element, where none may be");
	parquet_writer_destroy(w);
	arena_deinit(&arena);
}

static void out_of_memory_anywhere(void **state)
{
	(void)state;
	struct err err;
	struct arena arena;
	struct column child, list;
	arena_init(&arena, 0);
	lists_make(300, &arena, &child, &list);
	const struct batch b = {.schema = &lists_schema, .n_columns = 1, .columns = &list, .n_rows = 300};
	const size_t before = mem_in_use();
	status code = E_NOMEM;
	for (int64_t k = 0; code != OK; k++) {
		struct parquet_writer *w = NULL;
		const uint8_t *p;
		size_t n;
		mem_fail_after(k);
		code = parquet_writer_create(&lists_schema, NULL, &w, &err);
		if (code == OK) code = parquet_writer_row_group(w, &b, &(struct parquet_rows){.n = 300}, &err);
		if (code == OK) code = parquet_writer_finish(w, &p, &n, &err);
		mem_fail_after(-1);
		parquet_writer_destroy(w);
		CHECK_I64(mem_in_use(), before);
		if (code != OK) CHECK_FAILS(E_NOMEM, code);
		if (code == OK) assert_true(k > 10);
	}
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_of_dremel),
		cmocka_unit_test(random_columns),
		cmocka_unit_test(pages_end_between_rows),
		cmocka_unit_test(again_the_same),
		cmocka_unit_test(refused_types),
		cmocka_unit_test(null_where_none_may_be),
		cmocka_unit_test(out_of_memory_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
