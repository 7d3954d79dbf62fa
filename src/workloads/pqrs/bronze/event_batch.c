/* workloads/pqrs/bronze/event_batch.c: events to columns, and back to comparable content.
 *
 * A builder that ran out of memory is remembered in the batch and told at the finish; it knows no line and no file. */
#include "base/alloc.h"
#include "base/vec.h"
#include "workloads/pqrs/bronze/event_int.h"

#define C(name) BIT(BRONZE_##name)
/* Few distinct values in any realistic feed: interned as they arrive. */
#define DICTIONARIES                                                                                                   \
	(C(EVENT_TYPE) | C(SOURCE_CHANNEL) | C(PQRS_TYPE) | C(PRIORITY) | C(GEO_REGION) | C(GEO_MUNICIPIO) |           \
		C(DANE_CITY_CODE) | C(TOPIC_PRECLASSIFIED) | C(ROLE) | C(STATUS_FROM) | C(STATUS_TO) | C(ACTOR_ROLE) | \
		C(REASON) | C(FILE_TYPE) | C(SCHEMA_VERSION) | C(TENANT_ID) | C(REQUEST_KIND))
#define INTEGERS (C(TEXT_LEN) | C(SLA_BUSINESS_DAYS))
#define LONGS (C(TS) | C(RADICATED_AT) | C(SLA_DUE_AT) | C(CLOSED_AT) | C(SIZE_KB))

void event_batch_init(struct event_batch *b)
{
	*b = (struct event_batch){.n_rows = 0};
	for (int i = 0; i < BRONZE_N_COLUMNS; i++) {
		const bool dictionary =
			i == BRONZE_RAW_OBJECT || i == BRONZE_SOURCE || (i < FIELD_N && (BIT(i) & DICTIONARIES) != 0);
		builder_init(&b->columns[i], &pqrs_bronze_events.columns[i], dictionary);
	}
}

void event_batch_deinit(struct event_batch *b)
{
	for (int i = 0; i < BRONZE_N_COLUMNS; i++) builder_deinit(&b->columns[i]);
	mem_free(b->ids.items);
	*b = (struct event_batch){.n_rows = 0};
}

void event_batch_reset(struct event_batch *b)
{
	for (int i = 0; i < BRONZE_N_COLUMNS; i++) builder_reset(&b->columns[i]);
	memset(b->enum_index, 0xff, sizeof b->enum_index);
	b->n_rows = 0;
	b->ids.n = 0;
	b->failed = false;
	b->raw_object_index = b->source_index = -1;
}

status event_batch_origin(struct event_batch *b, struct str raw_object, struct str source, int32_t day, struct err *err)
{
	b->raw_object_index = builder_intern(&b->columns[BRONZE_RAW_OBJECT], raw_object);
	b->source_index = builder_intern(&b->columns[BRONZE_SOURCE], source);
	b->day = day;
	return b->raw_object_index >= 0 && b->source_index >= 0 ? OK : fail_nomem(err);
}

bool event_batch_append(struct event_batch *b, const struct event *ev, int64_t line)
{
	ASSERT(b->raw_object_index >= 0);
	if (!VEC_ROOM(&b->ids, 1)) {
		b->failed = true;
		return false;
	}
	memcpy(b->ids.items[b->ids.n++], ev->event_id, UUID_BYTES);
	const int64_t row = b->n_rows++;
	struct builder *columns = b->columns;
	for (uint64_t rest = ev->set & DICTIONARIES; rest != 0; rest &= rest - 1) {
		const unsigned c = (unsigned)__builtin_ctzll(rest);
		const int32_t index = builder_intern(&columns[c], ev->str[c]);
		if (index >= 0) builder_set_i32(&columns[c], row, index);
	}
	for (uint64_t rest = ev->set & ~(DICTIONARIES | INTEGERS | LONGS); rest != 0; rest &= rest - 1) {
		const unsigned c = (unsigned)__builtin_ctzll(rest);
		builder_set_str(&columns[c], row, ev->str[c]);
	}
	for (uint64_t rest = ev->set & INTEGERS; rest != 0; rest &= rest - 1) {
		const unsigned c = (unsigned)__builtin_ctzll(rest);
		builder_set_i32(&columns[c], row, (int32_t)ev->num[c]);
	}
	for (uint64_t rest = ev->set & LONGS; rest != 0; rest &= rest - 1) {
		const unsigned c = (unsigned)__builtin_ctzll(rest);
		builder_set_i64(&columns[c], row, ev->num[c]);
	}
	builder_set_i32(&columns[BRONZE_RAW_OBJECT], row, b->raw_object_index);
	builder_set_i32(&columns[BRONZE_SOURCE], row, b->source_index);
	builder_set_i32(&columns[BRONZE_DAY], row, b->day);
	builder_set_i64(&columns[BRONZE_RAW_LINE], row, line);
	builder_set_i32(
		&columns[BRONZE_TICKET_BUCKET], row, pqrs_bucket(hash_xxh64(ev->str[BRONZE_TICKET_ID].p, UUID_CHARS)));
	return true;
}

void event_batch_expect(struct event_batch *b, int64_t rows)
{
	if (rows <= b->n_rows) return;
	b->failed |= !VEC_ROOM(&b->ids, (size_t)(rows - b->n_rows));
	for (int i = 0; i < BRONZE_N_COLUMNS; i++) builder_expect(&b->columns[i], rows);
}

status event_batch_finish(struct event_batch *b, struct column *columns, struct err *err)
{
	if (b->failed) return fail_nomem(err);
	for (int i = 0; i < BRONZE_N_COLUMNS; i++) TRY(builder_finish(&b->columns[i], b->n_rows, &columns[i], err));
	return OK;
}

/* ---- content ---- */

/* Whether a column says what happened; schema_version and members that the contract does not name are the export's. */
static bool is_content(unsigned column)
{
	return column != BRONZE_SCHEMA_VERSION && column != BRONZE_EXTRA;
}

static void content_number(struct event_content *out, unsigned c, int64_t v)
{
	out->num[c] = v;
	out->value[c] = (struct str){(const char *)&out->num[c], sizeof out->num[c]};
}

void event_content_of(const struct event *ev, struct event_content *out)
{
	for (unsigned c = 0; c < FIELD_N; c++) {
		out->value[c] = (struct str){NULL, 0};
		if ((ev->set & BIT(c)) == 0 || !is_content(c)) continue;
		if ((BIT(c) & (INTEGERS | LONGS)) != 0)
			content_number(out, c, ev->num[c]);
		else
			out->value[c] = ev->str[c];
	}
}

static struct str builder_str(const struct builder *b, int64_t row)
{
	const int32_t *offsets = b->offsets;
	const uint8_t *data = b->data;
	if (b->dictionary) {
		row = ((const int32_t *)b->values)[row];
		offsets = b->dict_offsets;
		data = b->dict_data;
	}
	if (data == NULL) return STR(""); /* nothing but empty strings so far */
	return (struct str){(const char *)data + offsets[row], (size_t)(offsets[row + 1] - offsets[row])};
}

void event_batch_content(const struct event_batch *b, int64_t row, struct event_content *out)
{
	for (unsigned c = 0; c < FIELD_N; c++) {
		const struct builder *column = &b->columns[c];
		out->value[c] = (struct str){NULL, 0};
		if (!is_content(c) || row >= column->n || !bit_get(column->validity, row)) continue;
		if ((BIT(c) & INTEGERS) != 0)
			content_number(out, c, ((const int32_t *)column->values)[row]);
		else if ((BIT(c) & LONGS) != 0)
			content_number(out, c, ((const int64_t *)column->values)[row]);
		else
			out->value[c] = builder_str(column, row);
	}
}

bool event_content_eq(const struct event_content *a, const struct event_content *b)
{
	for (unsigned c = 0; c < FIELD_N; c++) {
		if ((a->value[c].p == NULL) != (b->value[c].p == NULL) || !str_eq(a->value[c], b->value[c]))
			return false;
	}
	return true;
}

bool event_content_hash(const struct event_content *c, struct buf *scratch, uint8_t out[XXH128_BYTES])
{
	buf_reset(scratch);
	for (unsigned i = 0; i < FIELD_N; i++) { /* length + 1, so that null and "" differ and borders are certain */
		const uint64_t n = c->value[i].p == NULL ? 0 : (uint64_t)c->value[i].n + 1;
		buf_add(scratch, &n, sizeof n);
		if (n > 1) buf_add(scratch, c->value[i].p, c->value[i].n);
	}
	if (scratch->failed) return false;
	hash_xxh128(scratch->p, scratch->n, out);
	return true;
}
