/* tests/unit/pqrs/gold_data.h: random tickets, as plain structs and as silver columns, and a sink that keeps rows as text. */
#ifndef PQR_TESTS_GOLD_DATA_H
#define PQR_TESTS_GOLD_DATA_H

#include "base/alloc.h"
#include "base/rng.h"
#include "base/time.h"
#include "check.h"
#include "workloads/pqrs/gold/gold_kpi.h"

#define NONE INT64_MIN /* a null timestamp */

struct ticket {
	char id[37];
	int64_t created, radicated, answered, closed, due, last_update;
	const char *channel, *type, *priority, *sla, *status;
	const char *department, *dane, *tenant; /* NULL = null */
	int32_t target, hold, score;
};

/* ---- tickets as columns ------------------------------------------------------------------------------------ */

struct columns {
	struct builder b[17];
	struct column c[17];
	int n;
};

static inline const struct column *text_column(
	struct columns *cs, const struct ticket *t, size_t n, size_t field, bool dictionary)
{
	static const struct column_def def = {.name = "x", .type = COL_STRING};
	struct err err;
	struct builder *b = &cs->b[cs->n];
	builder_init(b, &def, dictionary);
	for (size_t i = 0; i < n; i++) {
		const char *s;
		memcpy(&s, (const char *)&t[i] + field, sizeof s);
		if (s != NULL) builder_set_str(b, (int64_t)i, str_of(s));
	}
	CHECK_OK(&err, builder_finish(b, (int64_t)n, &cs->c[cs->n], &err));
	return &cs->c[cs->n++];
}

static inline const struct column *id_column(struct columns *cs, const struct ticket *t, size_t n)
{
	static const struct column_def def = {.name = "x", .type = COL_STRING};
	struct err err;
	struct builder *b = &cs->b[cs->n];
	builder_init(b, &def, false);
	for (size_t i = 0; i < n; i++) builder_set_str(b, (int64_t)i, str_of(t[i].id));
	CHECK_OK(&err, builder_finish(b, (int64_t)n, &cs->c[cs->n], &err));
	return &cs->c[cs->n++];
}

static inline const struct column *time_column(struct columns *cs, const struct ticket *t, size_t n, size_t field)
{
	static const struct column_def def = {.name = "x", .type = COL_TIMESTAMP};
	struct err err;
	struct builder *b = &cs->b[cs->n];
	builder_init(b, &def, false);
	for (size_t i = 0; i < n; i++) {
		int64_t v;
		memcpy(&v, (const char *)&t[i] + field, sizeof v);
		if (v != NONE) builder_set_i64(b, (int64_t)i, v);
	}
	CHECK_OK(&err, builder_finish(b, (int64_t)n, &cs->c[cs->n], &err));
	return &cs->c[cs->n++];
}

static inline const struct column *int_column(
	struct columns *cs, const struct ticket *t, size_t n, size_t field, enum col_type type)
{
	const struct column_def def = {.name = "x", .type = type, .precision = 5, .scale = 4};
	struct err err;
	struct builder *b = &cs->b[cs->n];
	builder_init(b, &def, false);
	for (size_t i = 0; i < n; i++) {
		int32_t v;
		memcpy(&v, (const char *)&t[i] + field, sizeof v);
		if (type == COL_INT32)
			builder_set_i32(b, (int64_t)i, v);
		else
			builder_set_i64(b, (int64_t)i, v);
	}
	CHECK_OK(&err, builder_finish(b, (int64_t)n, &cs->c[cs->n], &err));
	return &cs->c[cs->n++];
}

static inline void columns_deinit(struct columns *cs)
{
	for (int i = 0; i < cs->n; i++) builder_deinit(&cs->b[i]);
	cs->n = 0;
}

#define TEXT(field) text_column(cs, t, n, offsetof(struct ticket, field), dictionary)
#define TIME(field) time_column(cs, t, n, offsetof(struct ticket, field))
static inline struct gold_source source_of(struct columns *cs, const struct ticket *t, size_t n, bool dictionary)
{
	return (struct gold_source){.n = (int64_t)n,
		.created_at = TIME(created),
		.closed_at = TIME(closed),
		.answered_at = TIME(answered),
		.sla_due_at = TIME(due),
		.channel = TEXT(channel),
		.type = TEXT(type),
		.priority = TEXT(priority),
		.sla_status = TEXT(sla),
		.department = TEXT(department),
		.dane = TEXT(dane),
		.tenant = TEXT(tenant),
		.score = int_column(cs, t, n, offsetof(struct ticket, score), COL_DECIMAL)};
}

/* ---- rows as text ------------------------------------------------------------------------------------------ */

struct text_sink {
	struct gold_sink base;
	struct buf rows[GOLD_TABLES_N]; /* one line a row, values split by '|', decimals unscaled */
	int batches[GOLD_TABLES_N];
};

static inline void put_value(struct buf *out, const struct column *c, int64_t row)
{
	char text[TIME_RFC3339_CHARS];
	switch (c->type) {
	case COL_DATE:
		date_format(((const int32_t *)c->values)[row], text);
		buf_add(out, text, DATE_CHARS);
		break;
	case COL_TIMESTAMP:
		time_format(((const int64_t *)c->values)[row], text);
		buf_add(out, text, TIME_RFC3339_CHARS);
		break;
	case COL_STRING: {
		const struct str s = column_str(c, row);
		buf_add(out, s.p, s.n);
		break;
	}
	case COL_INT32: buf_i64(out, ((const int32_t *)c->values)[row]); break;
	default: buf_i64(out, ((const int64_t *)c->values)[row]); break;
	}
}

static inline status text_write(
	struct gold_sink *base, enum gold_table table, int32_t month, const struct batch *b, struct err *err)
{
	struct text_sink *s = (struct text_sink *)base;
	(void)err;
	s->batches[table]++;
	assert_int_equal(month, date_month_start(month));
	for (int64_t row = 0; row < b->n_rows; row++) {
		if (b->columns[0].type == COL_DATE) {
			assert_int_equal(month, date_month_start(((const int32_t *)b->columns[0].values)[row]));
		}
		for (size_t k = 0; k < b->n_columns; k++) {
			if (k > 0) buf_char(&s->rows[table], '|');
			put_value(&s->rows[table], &b->columns[k], row);
		}
		buf_char(&s->rows[table], '\n');
	}
	return OK;
}

static inline void text_sink_init(struct text_sink *s, int32_t last_day)
{
	*s = (struct text_sink){.base = {.write = text_write, .last_day = last_day}};
	for (int i = 0; i < GOLD_TABLES_N; i++) buf_init(&s->rows[i], 0);
}

static inline void text_sink_deinit(struct text_sink *s)
{
	for (int i = 0; i < GOLD_TABLES_N; i++) buf_deinit(&s->rows[i]);
}

/* Fails with the first line that differs. */
static inline void check_lines(const char *what, const struct buf *got, const struct buf *want)
{
	size_t at = 0;
	while (at < got->n && at < want->n && got->p[at] == want->p[at]) at++;
	if (got->n == want->n && at == got->n) return;
	size_t line = at;
	while (line > 0 && got->p[line - 1] != '\n') line--;
	fail_msg("%s: %zu bytes, expected %zu; first difference:\n  got  %.*s\n  want %.*s", what, got->n, want->n,
		(int)(got->n - line < 100 ? got->n - line : 100), (const char *)got->p + line,
		(int)(want->n - line < 100 ? want->n - line : 100), (const char *)want->p + line);
}

/* ---- random tickets ---------------------------------------------------------------------------------------- */

struct dice {
	uint64_t seed;
	uint32_t n;
};
static inline uint32_t roll(struct dice *d, uint32_t sides)
{
	return rng_philox(d->seed, 0, 0, d->n++).v[0] % sides;
}

/* Tickets created in `days` local days (UTC-5) from `first`; some open, some late, some without geography or tenant. */
static inline void random_tickets(struct dice *d, struct ticket *t, size_t n, int32_t first, uint32_t days)
{
	static const char *const departments[] = {"Antioquia", "Bogot\xc3\xa1 D.C.", "Valle", "\xc3\x81rbol"};
	static const char *const danes[] = {"05001", "11001", "76001", "05266"};
	static const char *const states[] = {"RECEIVED", "IN_PROGRESS", "CLOSED", "ARCHIVED", "ON_HOLD"};
	for (size_t i = 0; i < n; i++) {
		uint8_t id[16];
		for (int k = 0; k < 16; k++) id[k] = (uint8_t)roll(d, 256);
		struct ticket *x = &t[i];
		*x = (struct ticket){.channel = gold_channel_names[roll(d, GOLD_CHANNELS)],
			.type = gold_type_names[roll(d, GOLD_TYPES)],
			.priority = gold_priority_names[roll(d, GOLD_PRIORITIES)],
			.status = states[roll(d, 5)]};
		static const char digits[] = "0123456789abcdef";
		for (int k = 0, c = 0; k < 16; k++) {
			if (k == 4 || k == 6 || k == 8 || k == 10) x->id[c++] = '-';
			x->id[c++] = digits[id[k] >> 4];
			x->id[c++] = digits[id[k] & 15];
		}
		x->created = first * US_PER_DAY + 5 * 3600 * US_PER_SECOND + (int64_t)roll(d, days) * US_PER_DAY +
			     (int64_t)roll(d, 86400) * US_PER_SECOND + roll(d, 1000000);
		if (roll(d, 50) == 0)
			x->created = x->created / US_PER_DAY * US_PER_DAY + 5 * 3600 * US_PER_SECOND -
				     roll(d, 2); /* local midnight */
		x->radicated = roll(d, 20) == 0 ? NONE : x->created + roll(d, 3600) * US_PER_SECOND;
		x->due = x->radicated == NONE ? NONE : x->radicated + (int64_t)(5 + roll(d, 10)) * US_PER_DAY;
		x->closed = x->radicated == NONE || roll(d, 4) == 0
				    ? NONE
				    : x->radicated + (int64_t)roll(d, 86400 * 20) * US_PER_SECOND;
		/* Closed up to a day after the answer; of those still open some are answered. */
		x->answered = x->closed == NONE && roll(d, 4) != 0 ? NONE : x->radicated;
		if (x->answered != NONE) x->answered += (int64_t)roll(d, 86400 * 20) * US_PER_SECOND;
		if (x->radicated == NONE && roll(d, 4) == 0)
			x->answered = x->closed = x->created + 3600 * US_PER_SECOND;
		else if (x->closed != NONE)
			x->closed = x->answered + (int64_t)roll(d, 86400) * US_PER_SECOND;
		const bool late = x->answered != NONE ? x->answered > x->due : roll(d, 3) == 0;
		x->sla = x->radicated == NONE ? "NOT_STARTED" : late ? "LATE" : "IN_TIME";
		x->last_update = x->closed != NONE ? x->closed : x->created + 5;
		x->department = roll(d, 8) == 0 ? NULL : departments[roll(d, 4)];
		x->dane = roll(d, 8) == 0 ? NULL : danes[roll(d, 4)];
		x->tenant = roll(d, 3) == 0 ? NULL : roll(d, 2) == 0 ? "acme" : "zeta";
		x->target = 15;
		x->hold = (int32_t)roll(d, 3);
		x->score = (int32_t)roll(d, 10001);
	}
}

#endif
