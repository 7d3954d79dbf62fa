/* workloads/pqrs/gold/gold_daily.c: executive figures by created day: daily_kpis by tenant, priority_distribution, pqrs_metrics. */
#include "workloads/pqrs/gold/gold_kpi.h"

struct tenant_day {
	int64_t total, type[GOLD_TYPES], weight, alta, late;
};
static const int64_t priority_weight[GOLD_PRIORITIES] = {[GOLD_BAJA] = 1, [GOLD_MEDIA] = 2, [GOLD_ALTA] = 3};

struct daily {
	const struct gold_facts *f;
	struct gold_order order;
	struct tenant_day *tenants; /* [n_tenants] of the day; zero between days */
	struct gold_bits used;
	struct column priority_names;
	struct gold_rows kpis, priorities;
};

static void emit_tenant(struct gold_rows *r, int32_t day, size_t tenant, const struct tenant_day *t)
{
	gold_set_i32(r, DAILY_DAY, day);
	gold_set_i32(r, DAILY_TENANT_ID, (int32_t)tenant);
	gold_set_i64(r, DAILY_TOTAL_TICKETS, t->total);
	gold_set_i64(r, DAILY_PETITIONS, t->type[GOLD_P]);
	gold_set_i64(r, DAILY_COMPLAINTS, t->type[GOLD_Q]);
	gold_set_i64(r, DAILY_CLAIMS, t->type[GOLD_R]);
	gold_set_i64(r, DAILY_SUGGESTIONS, t->type[GOLD_S]);
	gold_set_i64(r, DAILY_AVG_PRIORITY, gold_divide(t->weight * 1000, t->total));
	gold_set_i64(r, DAILY_HIGH_PRIORITY_RATIO, gold_divide(t->alta * 10000, t->total));
	gold_set_i64(r, DAILY_SLA_BREACH_RATIO, gold_divide(t->late * 10000, t->total));
	r->n++;
}

static status emit_day(struct daily *s, int32_t day, struct err *err)
{
	const struct gold_facts *f = s->f;
	const struct gold_span span = gold_order_day(&s->order, day);
	int64_t by_priority[GOLD_PRIORITIES] = {0};
	if (span.begin == span.end) return OK;
	for (const uint32_t *p = span.begin; p < span.end; p++) {
		struct tenant_day *t = &s->tenants[f->tenant[*p]];
		t->total++;
		t->type[f->type[*p]]++;
		t->weight += priority_weight[f->priority[*p]];
		t->alta += f->priority[*p] == GOLD_ALTA;
		t->late += f->sla[*p] == GOLD_LATE;
		gold_bits_set(&s->used, f->tenant[*p]);
		by_priority[f->priority[*p]]++;
	}
	TRY(gold_rows_day(&s->kpis, day, (size_t)(span.end - span.begin), err));
	for (size_t c = gold_bits_next(&s->used, 0); c != GOLD_NO_CELL; c = gold_bits_next(&s->used, c + 1)) {
		emit_tenant(&s->kpis, day, c, &s->tenants[c]);
		s->tenants[c] = (struct tenant_day){0};
		gold_bits_clear(&s->used, c);
	}
	TRY(gold_rows_day(&s->priorities, day, GOLD_PRIORITIES, err));
	for (int i = 0; i < GOLD_PRIORITIES; i++) {
		if (by_priority[i] == 0) continue;
		gold_set_i32(&s->priorities, PRIORITY_DAY, day);
		gold_set_i32(&s->priorities, PRIORITY_PRIORITY, i);
		gold_set_i64(&s->priorities, PRIORITY_TICKETS_COUNT, by_priority[i]);
		s->priorities.n++;
	}
	return OK;
}

static status emit_days(struct daily *s, struct err *err)
{
	for (uint32_t d = 0; d < s->order.n_days; d++) TRY(emit_day(s, s->order.first + (int32_t)d, err));
	TRY(gold_rows_finish(&s->kpis, err));
	return gold_rows_finish(&s->priorities, err);
}

status gold_daily(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err)
{
	ASSERT(f->n == 0 || f->tenant_names.n > 0);
	struct daily s = {.f = f};
	const size_t n_tenants = (size_t)f->tenant_names.n;
	TRY(gold_names_column(gold_priority_names, GOLD_PRIORITIES, arena, &s.priority_names, err));
	TRY(gold_order_by_day(f->created, f->n, arena, &s.order, err));
	s.tenants = ARENA_ZNEW(arena, struct tenant_day, n_tenants);
	if (s.tenants == NULL) return fail_nomem(err);
	TRY(gold_bits_init(&s.used, n_tenants, arena, err));
	const struct column *const kpis[DAILY_N_COLUMNS] = {[DAILY_TENANT_ID] = &f->tenant_names};
	const struct column *const priorities[PRIORITY_N_COLUMNS] = {[PRIORITY_PRIORITY] = &s.priority_names};
	gold_rows_init(&s.kpis, GOLD_DAILY_KPIS, kpis, sink);
	gold_rows_init(&s.priorities, GOLD_PRIORITY_DISTRIBUTION, priorities, sink);
	const status code = emit_days(&s, err);
	gold_rows_deinit(&s.kpis);
	gold_rows_deinit(&s.priorities);
	return code;
}

/* ---- pqrs_metrics ------------------------------------------------------------------------------------------ */

enum { PREDICTED_CELLS = GOLD_TYPES * GOLD_PRIORITIES };

static status emit_predicted(
	const struct gold_facts *f, const struct gold_order *order, int32_t day, struct gold_rows *r, struct err *err)
{
	const struct gold_span span = gold_order_day(order, day);
	int64_t count[PREDICTED_CELLS] = {0}, score[PREDICTED_CELLS] = {0};
	for (const uint32_t *p = span.begin; p < span.end; p++) {
		const size_t cell = (size_t)f->type[*p] * GOLD_PRIORITIES + f->priority[*p];
		count[cell]++;
		score[cell] += f->score[*p];
	}
	if (span.begin == span.end) return OK;
	TRY(gold_rows_day(r, day, PREDICTED_CELLS, err));
	for (int32_t i = 0; i < PREDICTED_CELLS; i++) {
		if (count[i] == 0) continue;
		gold_set_i32(r, PREDICTED_DATE, day);
		gold_set_i32(r, PREDICTED_TYPE, i / GOLD_PRIORITIES);
		gold_set_i32(r, PREDICTED_PRIORITY, i % GOLD_PRIORITIES);
		gold_set_i64(r, PREDICTED_COUNT, count[i]);
		gold_set_i64(r, PREDICTED_AVG_SCORE, gold_divide(score[i], count[i]));
		r->n++;
	}
	return OK;
}

status gold_predicted(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err)
{
	struct gold_order order;
	struct column type_names, priority_names;
	struct gold_rows rows;
	TRY(gold_names_column(gold_type_names, GOLD_TYPES, arena, &type_names, err));
	TRY(gold_names_column(gold_priority_names, GOLD_PRIORITIES, arena, &priority_names, err));
	TRY(gold_order_by_day(f->created, f->n, arena, &order, err));
	const struct column *const names[PREDICTED_N_COLUMNS] = {
		[PREDICTED_TYPE] = &type_names, [PREDICTED_PRIORITY] = &priority_names};
	gold_rows_init(&rows, GOLD_PQRS_METRICS, names, sink);
	status code = OK;
	for (uint32_t d = 0; code == OK && d < order.n_days; d++)
		code = emit_predicted(f, &order, order.first + (int32_t)d, &rows, err);
	if (code == OK) code = gold_rows_finish(&rows, err);
	gold_rows_deinit(&rows);
	return code;
}
