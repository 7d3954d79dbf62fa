/* columnar/arrow_ipc.c: messages of Arrow's IPC format, whose metadata are flatbuffers (format/Message.fbs, format/Schema.fbs).
 *
 *   message = FF FF FF FF, bytes of the metadata, metadata (a Message table), padding to 8, body (buffers, each padded to 8)
 *
 * A flatbuffer is written from front to back: a table first, with holes where it refers to others, then these, which fill the holes. That
 * works as references count forward. Positions are those of the flatbuffer, which begins at a multiple of 8.
 */
#include "columnar/arrow_ipc.h"

enum {
	VERSION_V5 = 4,
	HEADER_SCHEMA = 1,
	HEADER_RECORD_BATCH = 3,
	TYPE_INT = 2,
	TYPE_FLOATING_POINT = 3,
	TYPE_BINARY = 4,
	TYPE_UTF8 = 5,
	TYPE_BOOL = 6,
	TYPE_DECIMAL = 7,
	TYPE_DATE = 8,
	TYPE_TIMESTAMP = 10,
	PRECISION_SINGLE = 1,
	PRECISION_DOUBLE = 2,
	UNIT_MICROSECOND = 2,
	FIELDS_MAX = 8, /* of a table */
	DECIMAL128_BYTES = 16,
};

/* ---- flatbuffers ---- */

struct flat {
	struct buf *out;
	size_t start; /* where the flatbuffer begins */
};

static size_t here(const struct flat *f)
{
	return f->out->n - f->start;
}

static void add_zeros(struct buf *out, size_t n)
{
	static const uint8_t zeros[16] = {0};
	for (; n > sizeof zeros; n -= sizeof zeros) buf_add(out, zeros, sizeof zeros);
	buf_add(out, zeros, n);
}

static void align(const struct flat *f, size_t to, size_t but)
{
	while (!f->out->failed && here(f) % to != but) buf_char(f->out, '\0');
}

/* Little-endian, of 1 to 8 bytes. */
static void add_int(struct buf *out, int64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) buf_char(out, (char)((uint64_t)v >> (8 * i)));
}

static void set_u32(const struct flat *f, size_t at, uint32_t v)
{
	if (f->out->failed) return;
	for (size_t i = 0; i < 4; i++) f->out->p[f->start + at + i] = (uint8_t)(v >> (8 * i));
}

/* A reference at `hole` to what comes next. */
static void refer(const struct flat *f, size_t hole)
{
	set_u32(f, hole, (uint32_t)(here(f) - hole));
}

/* A field of a table: its number, and a scalar of so many bytes; of 0 bytes: a reference, whose hole is told. */
struct field {
	size_t id, bytes;
	int64_t value;
	size_t hole; /* out */
};

/* fields by size, the largest first. The table begins where 8 bytes after its own reference are aligned. */
static void add_table(const struct flat *f, struct field *fields, size_t n)
{
	size_t last = 0;
	size_t at = 4;
	uint16_t offsets[FIELDS_MAX] = {0};
	ASSERT(n <= FIELDS_MAX);
	for (size_t i = 0; i < n; i++) {
		const size_t bytes = fields[i].bytes > 0 ? fields[i].bytes : 4;
		ASSERT(fields[i].id < FIELDS_MAX && at % bytes == (bytes == 8 ? 4u : 0u));
		offsets[fields[i].id] = (uint16_t)at;
		at += bytes;
		last = fields[i].id + 1 > last ? fields[i].id + 1 : last;
	}
	const size_t vtable_n = 4 + 2 * last;
	align(f, 8, (12 - vtable_n % 8) % 8); /* behind the vtable: 4 beyond a multiple of 8 */
	add_int(f->out, (int64_t)vtable_n, 2);
	add_int(f->out, (int64_t)at, 2);
	for (size_t i = 0; i < last; i++) add_int(f->out, offsets[i], 2);
	ASSERT(f->out->failed || here(f) % 8 == 4);
	add_int(f->out, (int64_t)vtable_n, 4);
	for (size_t i = 0; i < n; i++) {
		fields[i].hole = here(f);
		add_int(f->out, fields[i].value, fields[i].bytes > 0 ? fields[i].bytes : 4);
	}
}

/* The reference at hole leads to the table's own first field, which stands behind its vtable. */
static void add_table_at(const struct flat *f, size_t hole, struct field *fields, size_t n)
{
	add_table(f, fields, n);
	set_u32(f, hole, (uint32_t)((n > 0 ? fields[0].hole : here(f)) - 4 - hole));
}

static void add_string_at(const struct flat *f, size_t hole, const char *s)
{
	const size_t n = strlen(s);
	align(f, 4, 0);
	refer(f, hole);
	add_int(f->out, (int64_t)n, 4);
	buf_add(f->out, s, n + 1);
}

/* ---- messages ---- */

/* The metadata's head; a hole for the header's table. */
static struct flat message_begin(struct buf *out, int header, int64_t body_n, size_t *hole)
{
	add_int(out, -1, 4);
	add_int(out, 0, 4); /* its length, when it is known */
	const struct flat f = {out, out->n};
	struct field fields[] = {{3, 8, body_n, 0}, {2, 0, 0, 0}, {0, 2, VERSION_V5, 0}, {1, 1, header, 0}};
	add_int(out, 0, 4);
	add_table_at(&f, 0, fields, sizeof fields / sizeof *fields);
	*hole = fields[1].hole;
	return f;
}

static void message_end(const struct flat *f)
{
	align(f, 8, 0);
	const uint32_t n = (uint32_t)here(f);
	const struct flat head = {f->out, f->start - 4};
	set_u32(&head, 0, n);
}

/* ---- schema ---- */

static void add_type(const struct flat *f, size_t hole, const struct column_def *c)
{
	struct field bits[] = {{0, 4, c->type == COL_INT32 ? 32 : 64, 0}, {1, 1, 1, 0}};
	struct field precision[] = {{0, 2, c->type == COL_FLOAT ? PRECISION_SINGLE : PRECISION_DOUBLE, 0}};
	struct field decimal[] = {{0, 4, c->precision, 0}, {1, 4, c->scale, 0}, {2, 4, 8 * DECIMAL128_BYTES, 0}};
	struct field day[] = {{0, 2, 0, 0}};
	struct field instant[] = {{1, 0, 0, 0}, {0, 2, UNIT_MICROSECOND, 0}};
	switch (c->type) {
	case COL_INT32:
	case COL_INT64: add_table_at(f, hole, bits, 2); break;
	case COL_FLOAT:
	case COL_DOUBLE: add_table_at(f, hole, precision, 1); break;
	case COL_DECIMAL: add_table_at(f, hole, decimal, 3); break;
	case COL_DATE: add_table_at(f, hole, day, 1); break;
	case COL_TIMESTAMP:
		add_table_at(f, hole, instant, 2);
		add_string_at(f, instant[0].hole, "UTC");
		break;
	default: add_table_at(f, hole, NULL, 0); /* bool, string, binary: no fields */
	}
}

static int type_id(enum col_type t)
{
	switch (t) {
	case COL_BOOL: return TYPE_BOOL;
	case COL_INT32:
	case COL_INT64: return TYPE_INT;
	case COL_FLOAT:
	case COL_DOUBLE: return TYPE_FLOATING_POINT;
	case COL_BINARY: return TYPE_BINARY;
	case COL_TIMESTAMP: return TYPE_TIMESTAMP;
	case COL_DATE: return TYPE_DATE;
	case COL_DECIMAL: return TYPE_DECIMAL;
	default: return TYPE_UTF8;
	}
}

static void add_field(const struct flat *f, size_t hole, const struct column_def *c)
{
	/* name, type, children (none, but readers look for them), type's id, nullable */
	struct field fields[] = {
		{0, 0, 0, 0}, {3, 0, 0, 0}, {5, 0, 0, 0}, {2, 1, type_id(c->type), 0}, {1, 1, c->nullable, 0}};
	add_table_at(f, hole, fields, sizeof fields / sizeof *fields);
	add_string_at(f, fields[0].hole, c->name);
	add_type(f, fields[1].hole, c);
	align(f, 4, 0);
	refer(f, fields[2].hole);
	add_int(f->out, 0, 4);
}

void arrow_ipc_schema(struct buf *out, const struct column_def *columns, size_t n)
{
	size_t hole;
	struct field fields[] = {{1, 0, 0, 0}, {0, 2, 0, 0}}; /* fields; little-endian */
	ASSERT(out->n % 8 == 0);
	const struct flat f = message_begin(out, HEADER_SCHEMA, 0, &hole);
	add_table_at(&f, hole, fields, 2);
	align(&f, 4, 0);
	refer(&f, fields[0].hole);
	add_int(out, (int64_t)n, 4);
	const size_t first = here(&f);
	add_zeros(out, 4 * n);
	for (size_t i = 0; i < n; i++) add_field(&f, first + 4 * i, &columns[i]);
	message_end(&f);
}

/* ---- batches ---- */

static size_t padded(size_t n)
{
	return (n + 7) / 8 * 8;
}

static bool has_offsets(enum col_type t)
{
	return t == COL_STRING || t == COL_BINARY;
}

/* Bytes of the column's i-th buffer: validity, then offsets and data, or values. */
static size_t buffer_bytes(const struct column *c, size_t i)
{
	const size_t n = (size_t)c->n;
	if (i == 0) return c->validity != NULL ? (n + 7) / 8 : 0;
	if (has_offsets(c->type)) return i == 1 ? 4 * (n + 1) : (size_t)(c->offsets[n] - c->offsets[0]);
	if (c->type == COL_BOOL) return (n + 7) / 8;
	return n * (c->type == COL_DECIMAL ? DECIMAL128_BYTES : col_type_width(c->type));
}

static void add_buffer(struct buf *out, const struct column *c, size_t i)
{
	const size_t bytes = buffer_bytes(c, i);
	if (i == 0) {
		buf_add(out, c->validity, bytes);
	} else if (has_offsets(c->type)) {
		buf_add(out, i == 1 ? (const void *)c->offsets : c->data, bytes);
	} else if (c->type == COL_DECIMAL) {
		const int64_t *v = c->values;
		for (int64_t row = 0; row < c->n; row++) {
			add_int(out, v[row], 8);
			add_int(out, v[row] < 0 ? -1 : 0, 8);
		}
	} else {
		buf_add(out, c->values, bytes);
	}
	add_zeros(out, padded(bytes) - bytes);
}

static size_t n_buffers(const struct column *c)
{
	return has_offsets(c->type) ? 3 : 2;
}

static int64_t nulls_of(const struct column *c)
{
	int64_t n = 0;
	for (int64_t i = 0; i < c->n; i++) n += !column_valid(c, i);
	return n;
}

static void add_layout(const struct flat *f, const struct batch *b, size_t nodes, size_t buffers)
{
	int64_t at = 0;
	size_t n = 0;
	align(f, 8, 4);
	refer(f, nodes);
	add_int(f->out, (int64_t)b->n_columns, 4);
	for (size_t i = 0; i < b->n_columns; i++) {
		add_int(f->out, b->n_rows, 8);
		add_int(f->out, nulls_of(&b->columns[i]), 8);
		n += n_buffers(&b->columns[i]);
	}
	align(f, 8, 4);
	refer(f, buffers);
	add_int(f->out, (int64_t)n, 4);
	for (size_t i = 0; i < b->n_columns; i++) {
		for (size_t k = 0; k < n_buffers(&b->columns[i]); k++) {
			const size_t bytes = buffer_bytes(&b->columns[i], k);
			add_int(f->out, at, 8);
			add_int(f->out, (int64_t)bytes, 8);
			at += (int64_t)padded(bytes);
		}
	}
}

status arrow_ipc_batch(struct buf *out, const struct batch *b, struct err *err)
{
	int64_t body_n = 0;
	size_t hole;
	struct field fields[] = {{0, 8, b->n_rows, 0}, {1, 0, 0, 0}, {2, 0, 0, 0}};
	for (size_t i = 0; i < b->n_columns; i++) {
		const struct column *c = &b->columns[i];
		if (c->dict != NULL || col_type_nested(c->type) || c->type == COL_DECIMAL128)
			return fail(
				err, E_UNSUPPORTED, "no Arrow stream of columns of type %s", col_type_name(c->type));
		ASSERT(!has_offsets(c->type) || c->offsets[0] == 0);
		for (size_t k = 0; k < n_buffers(c); k++) body_n += (int64_t)padded(buffer_bytes(c, k));
	}
	const struct flat f = message_begin(out, HEADER_RECORD_BATCH, body_n, &hole);
	add_table_at(&f, hole, fields, sizeof fields / sizeof *fields);
	add_layout(&f, b, fields[1].hole, fields[2].hole);
	message_end(&f);
	for (size_t i = 0; i < b->n_columns; i++)
		for (size_t k = 0; k < n_buffers(&b->columns[i]); k++) add_buffer(out, &b->columns[i], k);
	return buf_check(out, err);
}

void arrow_ipc_end(struct buf *out)
{
	add_int(out, -1, 4);
	add_int(out, 0, 4);
}
