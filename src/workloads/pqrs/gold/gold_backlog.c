/* workloads/pqrs/gold/gold_backlog.c: open tickets at the end of each day: yesterday's, plus those created, less those closed. */
#include "workloads/pqrs/gold/gold_kpi.h"

struct backlog {
	const struct gold_facts *f;
	struct gold_order created, closed;
	uint32_t *cells; /* [types * n_geos] open tickets */
	size_t n_open;   /* cells that are not zero */
	struct gold_bits used;
	struct column type_names;
	struct gold_rows region, geo;
};

static void open_and_close(struct backlog *b, int32_t day)
{
	const struct gold_facts *f = b->f;
	struct gold_span span = gold_order_day(&b->created, day);
	for (const uint32_t *p = span.begin; p < span.end; p++) {
		const size_t cell = (size_t)f->type[*p] * f->geos.n + f->geo[*p];
		if (b->cells[cell]++ > 0) continue;
		gold_bits_set(&b->used, cell);
		b->n_open++;
	}
	span = gold_order_day(&b->closed, day);
	for (const uint32_t *p = span.begin; p < span.end; p++) {
		const size_t cell = (size_t)f->type[*p] * f->geos.n + f->geo[*p];
		if (--b->cells[cell] > 0) continue;
		gold_bits_clear(&b->used, cell);
		b->n_open--;
	}
}

static void region_row(struct gold_rows *r, int32_t day, size_t type, uint32_t region, int64_t n)
{
	gold_set_i32(r, BACKLOG_DAY, day);
	gold_set_i32(r, BACKLOG_PQRS_TYPE, (int32_t)type);
	gold_set_i32(r, BACKLOG_REGION, (int32_t)region);
	gold_set_i64(r, BACKLOG_BACKLOG_COUNT, n);
	r->n++;
}

/* Codes of municipalities are in (department, code) order, so the cells of one region are neighbours. */
static void emit_type(struct backlog *b, int32_t day, size_t type)
{
	const size_t base = type * b->f->geos.n, end = base + b->f->geos.n;
	int64_t total = 0;
	uint32_t region = 0;
	for (size_t c = gold_bits_next(&b->used, base); c < end; c = gold_bits_next(&b->used, c + 1)) {
		const struct gold_geo *g = &b->f->geos.items[c - base];
		if (g->department != region && total > 0) {
			region_row(&b->region, day, type, region, total);
			total = 0;
		}
		region = g->department;
		total += b->cells[c];
		gold_set_i32(&b->geo, BACKLOG_GEO_DAY, day);
		gold_set_i32(&b->geo, BACKLOG_GEO_PQRS_TYPE, (int32_t)type);
		gold_set_i32(&b->geo, BACKLOG_GEO_REGION_NAME, (int32_t)g->department);
		gold_set_i32(&b->geo, BACKLOG_GEO_DEPARTMENT_NAME, (int32_t)g->department);
		gold_set_i32(&b->geo, BACKLOG_GEO_DANE_CITY_CODE, (int32_t)g->dane);
		gold_set_i64(&b->geo, BACKLOG_GEO_BACKLOG_COUNT, b->cells[c]);
		b->geo.n++;
	}
	if (total > 0) region_row(&b->region, day, type, region, total);
}

static status emit_days(struct backlog *b, int32_t last_day, struct err *err)
{
	for (int32_t day = b->created.first; day <= last_day; day++) {
		open_and_close(b, day);
		if (b->n_open == 0) continue;
		TRY(gold_rows_day(&b->geo, day, b->n_open, err));
		TRY(gold_rows_day(&b->region, day, b->n_open, err));
		for (size_t type = 0; type < GOLD_TYPES; type++) emit_type(b, day, type);
	}
	TRY(gold_rows_finish(&b->geo, err));
	return gold_rows_finish(&b->region, err);
}

/* A ticket leaves on its closing day, or on its created day should it claim to have been closed before that: a
 * ticket is never open before it exists. */
static status order_closed(struct backlog *b, struct arena *arena, struct err *err)
{
	const struct gold_facts *f = b->f;
	int32_t *day = ARENA_NEW(arena, int32_t, f->n + 1);
	if (day == NULL) return fail_nomem(err);
	for (size_t i = 0; i < f->n; i++) {
		day[i] = f->closed[i] != GOLD_NO_DAY && f->closed[i] < f->created[i] ? f->created[i] : f->closed[i];
	}
	return gold_order_by_day(day, f->n, arena, &b->closed, err);
}

status gold_backlog(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err)
{
	ASSERT(f->n == 0 || f->geos.n > 0); /* a cell for each */
	struct backlog b = {.f = f};
	const size_t n_cells = (size_t)GOLD_TYPES * f->geos.n;
	TRY(gold_names_column(gold_type_names, GOLD_TYPES, arena, &b.type_names, err));
	TRY(gold_order_by_day(f->created, f->n, arena, &b.created, err));
	if (b.created.n_days == 0) return OK;
	TRY(order_closed(&b, arena, err));
	b.cells = ARENA_ZNEW(arena, uint32_t, n_cells);
	if (b.cells == NULL) return fail_nomem(err);
	TRY(gold_bits_init(&b.used, n_cells, arena, err));
	const struct column *const region[BACKLOG_N_COLUMNS] = {
		[BACKLOG_PQRS_TYPE] = &b.type_names, [BACKLOG_REGION] = &f->department_names};
	const struct column *const geo[BACKLOG_GEO_N_COLUMNS] = {[BACKLOG_GEO_PQRS_TYPE] = &b.type_names,
		[BACKLOG_GEO_REGION_NAME] = &f->department_names,
		[BACKLOG_GEO_DEPARTMENT_NAME] = &f->department_names,
		[BACKLOG_GEO_DANE_CITY_CODE] = &f->dane_names};
	gold_rows_init(&b.region, GOLD_KPI_BACKLOG_DAILY, region, sink);
	gold_rows_init(&b.geo, GOLD_KPI_BACKLOG_GEO_DAILY, geo, sink);
	const status code = emit_days(&b, sink->last_day, err);
	gold_rows_deinit(&b.region);
	gold_rows_deinit(&b.geo);
	return code;
}
