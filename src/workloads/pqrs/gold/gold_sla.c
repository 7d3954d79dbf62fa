/* workloads/pqrs/gold/gold_sla.c: closed tickets on their closing day: how many in time, how late the others. */
#include "workloads/pqrs/gold/gold_kpi.h"

struct closed {
	int64_t n, late;
	__int128 overdue_us; /* a day of a large lake could pass 2^63 us */
};

struct sla {
	const struct gold_facts *f;
	struct gold_order order;
	struct closed *cells; /* [types * n_geos] of the day; zero between days */
	struct gold_bits used;
	struct column type_names, sla_names;
	struct gold_rows daily, geo, by_status;
};

static void add(struct closed *to, const struct closed *c)
{
	to->n += c->n;
	to->late += c->late;
	to->overdue_us += c->overdue_us;
}

/* Mean overdue days in hundredths. One division, as a mean in whole microseconds would round twice; all values are >= 0,
 * where half away from zero is floor(x + 1/2). */
static int64_t mean_days(const struct closed *c)
{
	if (c->late == 0) return 0;
	const __int128 unit = (__int128)c->late * US_PER_DAY, sum = c->overdue_us * 200 + unit;
	if (sum <= INT64_MAX)
		return (int64_t)sum / (2 * (int64_t)unit); /* a 128-bit division takes ten times as long */
	return (int64_t)(sum / (2 * unit));
}

/* closed_count, within_sla_pct, overdue_count, avg_overdue_days: four columns from `column` on. */
static void set_measures(struct gold_rows *r, int column, const struct closed *c)
{
	gold_set_i64(r, column, c->n);
	gold_set_i64(r, column + 1, gold_divide((c->n - c->late) * 10000, c->n));
	gold_set_i64(r, column + 2, c->late);
	gold_set_i64(r, column + 3, mean_days(c));
}
_Static_assert(SLA_AVG_OVERDUE_DAYS == SLA_CLOSED_COUNT + 3 && SLA_GEO_AVG_OVERDUE_DAYS == SLA_GEO_CLOSED_COUNT + 3,
	"set_measures: four neighbours");

static void emit_type(struct sla *s, int32_t day, size_t type)
{
	const size_t base = type * s->f->geos.n, end = base + s->f->geos.n;
	struct closed total = {0};
	for (size_t c = gold_bits_next(&s->used, base); c < end; c = gold_bits_next(&s->used, c + 1)) {
		const struct gold_geo *g = &s->f->geos.items[c - base];
		gold_set_i32(&s->geo, SLA_GEO_DAY, day);
		gold_set_i32(&s->geo, SLA_GEO_PQRS_TYPE, (int32_t)type);
		gold_set_i32(&s->geo, SLA_GEO_REGION_NAME, (int32_t)g->department);
		gold_set_i32(&s->geo, SLA_GEO_DEPARTMENT_NAME, (int32_t)g->department);
		gold_set_i32(&s->geo, SLA_GEO_DANE_CITY_CODE, (int32_t)g->dane);
		set_measures(&s->geo, SLA_GEO_CLOSED_COUNT, &s->cells[c]);
		s->geo.n++;
		add(&total, &s->cells[c]);
		s->cells[c] = (struct closed){0};
		gold_bits_clear(&s->used, c);
	}
	if (total.n == 0) return;
	gold_set_i32(&s->daily, SLA_DAY, day);
	gold_set_i32(&s->daily, SLA_PQRS_TYPE, (int32_t)type);
	set_measures(&s->daily, SLA_CLOSED_COUNT, &total);
	s->daily.n++;
}

static status emit_day(struct sla *s, int32_t day, struct err *err)
{
	const struct gold_facts *f = s->f;
	const struct gold_span span = gold_order_day(&s->order, day);
	int64_t by_status[GOLD_SLA_STATES] = {0};
	if (span.begin == span.end) return OK;
	for (const uint32_t *p = span.begin; p < span.end; p++) {
		const size_t cell = (size_t)f->type[*p] * f->geos.n + f->geo[*p];
		s->cells[cell].n++;
		s->cells[cell].late += f->sla[*p] == GOLD_LATE;
		s->cells[cell].overdue_us += f->overdue_us[*p];
		gold_bits_set(&s->used, cell);
		by_status[f->sla[*p]]++;
	}
	TRY(gold_rows_day(&s->geo, day, (size_t)(span.end - span.begin), err));
	TRY(gold_rows_day(&s->daily, day, GOLD_TYPES, err));
	TRY(gold_rows_day(&s->by_status, day, GOLD_SLA_STATES, err));
	for (size_t type = 0; type < GOLD_TYPES; type++) emit_type(s, day, type);
	for (int i = 0; i < GOLD_SLA_STATES; i++) {
		if (by_status[i] == 0) continue;
		gold_set_i32(&s->by_status, SLA_STATUS_DAY, day);
		gold_set_i32(&s->by_status, SLA_STATUS_SLA_STATUS, i);
		gold_set_i64(&s->by_status, SLA_STATUS_TICKETS_COUNT, by_status[i]);
		s->by_status.n++;
	}
	return OK;
}

static status emit_days(struct sla *s, struct err *err)
{
	for (uint32_t d = 0; d < s->order.n_days; d++) TRY(emit_day(s, s->order.first + (int32_t)d, err));
	TRY(gold_rows_finish(&s->geo, err));
	TRY(gold_rows_finish(&s->daily, err));
	return gold_rows_finish(&s->by_status, err);
}

status gold_sla(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err)
{
	ASSERT(f->n == 0 || f->geos.n > 0); /* a cell for each */
	struct sla s = {.f = f};
	const size_t n_cells = (size_t)GOLD_TYPES * f->geos.n;
	TRY(gold_names_column(gold_type_names, GOLD_TYPES, arena, &s.type_names, err));
	TRY(gold_names_column(gold_sla_names, GOLD_SLA_STATES, arena, &s.sla_names, err));
	TRY(gold_order_by_day(f->closed, f->n, arena, &s.order, err));
	s.cells = ARENA_ZNEW(arena, struct closed, n_cells);
	if (s.cells == NULL) return fail_nomem(err);
	TRY(gold_bits_init(&s.used, n_cells, arena, err));
	const struct column *const daily[SLA_N_COLUMNS] = {[SLA_PQRS_TYPE] = &s.type_names};
	const struct column *const geo[SLA_GEO_N_COLUMNS] = {[SLA_GEO_PQRS_TYPE] = &s.type_names,
		[SLA_GEO_REGION_NAME] = &f->department_names,
		[SLA_GEO_DEPARTMENT_NAME] = &f->department_names,
		[SLA_GEO_DANE_CITY_CODE] = &f->dane_names};
	const struct column *const by_status[SLA_STATUS_N_COLUMNS] = {[SLA_STATUS_SLA_STATUS] = &s.sla_names};
	gold_rows_init(&s.daily, GOLD_KPI_SLA_DAILY, daily, sink);
	gold_rows_init(&s.geo, GOLD_KPI_SLA_GEO_DAILY, geo, sink);
	gold_rows_init(&s.by_status, GOLD_SLA_DAILY, by_status, sink);
	const status code = emit_days(&s, err);
	gold_rows_deinit(&s.daily);
	gold_rows_deinit(&s.geo);
	gold_rows_deinit(&s.by_status);
	return code;
}
