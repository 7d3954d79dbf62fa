/* workloads/pqrs/gold/gold_volume.c: tickets counted on their created day, in four shapes.
 *
 *   day's tickets -> counts by (channel, type, geo) -> kpi_volume_geo_daily
 *                      └ summed over geo -> kpi_volume_daily, national series; over the city -> department series
 */
#include "workloads/pqrs/gold/gold_kpi.h"

struct volume {
	const struct gold_facts *f;
	struct gold_order order;
	uint32_t *cells; /* [channels * types * n_geos] of the day; zero between days */
	struct gold_bits used;
	struct column channel_names, type_names;
	struct gold_rows daily, geo, department, national;
	struct gold_series by_department, by_nation;
};

static size_t series_cell(uint32_t department, size_t type, size_t channel)
{
	return (department * (size_t)GOLD_TYPES + type) * GOLD_CHANNELS + channel;
}

/* The series that occur between the first created day and last_day. */
static status series_init(struct volume *v, int32_t last_day, struct arena *arena, struct err *err)
{
	const struct gold_facts *f = v->f;
	const size_t n_national = (size_t)GOLD_TYPES * GOLD_CHANNELS,
		     n_department = n_national * (size_t)f->department_names.n;
	struct gold_bits department, national;
	TRY(gold_bits_init(&department, n_department, arena, err));
	TRY(gold_bits_init(&national, n_national, arena, err));
	for (size_t i = 0; i < f->n; i++) {
		if (f->created[i] > last_day) continue;
		gold_bits_set(&department, series_cell(f->geos.items[f->geo[i]].department, f->type[i], f->channel[i]));
		gold_bits_set(&national, series_cell(0, f->type[i], f->channel[i]));
	}
	v->by_department = (struct gold_series){.rows = &v->department, .by_department = true};
	v->by_nation = (struct gold_series){.rows = &v->national};
	TRY(gold_series_init(&v->by_department, &department, n_department, v->order.first, arena, err));
	return gold_series_init(&v->by_nation, &national, n_national, v->order.first, arena, err);
}

static size_t count_day(struct volume *v, int32_t day)
{
	const struct gold_facts *f = v->f;
	const struct gold_span span = gold_order_day(&v->order, day);
	for (const uint32_t *p = span.begin; p < span.end; p++) {
		const size_t cell = ((size_t)f->channel[*p] * GOLD_TYPES + f->type[*p]) * f->geos.n + f->geo[*p];
		v->cells[cell]++;
		gold_bits_set(&v->used, cell);
	}
	return (size_t)(span.end - span.begin);
}

/* Rows of the two sparse tables for one (channel, type), and its share of the series; clears the cells. */
static void emit_group(struct volume *v, int32_t day, size_t channel, size_t type, bool in_series)
{
	const size_t base = (channel * GOLD_TYPES + type) * v->f->geos.n, end = base + v->f->geos.n;
	int64_t total = 0;
	for (size_t c = gold_bits_next(&v->used, base); c < end; c = gold_bits_next(&v->used, c + 1)) {
		const struct gold_geo *g = &v->f->geos.items[c - base];
		const uint32_t n = v->cells[c];
		gold_set_i32(&v->geo, VOLUME_GEO_DAY, day);
		gold_set_i32(&v->geo, VOLUME_GEO_CHANNEL, (int32_t)channel);
		gold_set_i32(&v->geo, VOLUME_GEO_PQRS_TYPE, (int32_t)type);
		gold_set_i32(&v->geo, VOLUME_GEO_REGION_NAME, (int32_t)g->department);
		gold_set_i32(&v->geo, VOLUME_GEO_DEPARTMENT_NAME, (int32_t)g->department);
		gold_set_i32(&v->geo, VOLUME_GEO_DANE_CITY_CODE, (int32_t)g->dane);
		gold_set_i64(&v->geo, VOLUME_GEO_TICKETS_COUNT, n);
		v->geo.n++;
		if (in_series) gold_series_count(&v->by_department, day, series_cell(g->department, type, channel), n);
		total += n;
		v->cells[c] = 0;
		gold_bits_clear(&v->used, c);
	}
	if (total == 0) return;
	gold_set_i32(&v->daily, VOLUME_DAY, day);
	gold_set_i32(&v->daily, VOLUME_CHANNEL, (int32_t)channel);
	gold_set_i32(&v->daily, VOLUME_PQRS_TYPE, (int32_t)type);
	gold_set_i64(&v->daily, VOLUME_TICKETS_COUNT, total);
	v->daily.n++;
	if (in_series) gold_series_count(&v->by_nation, day, series_cell(0, type, channel), (uint32_t)total);
}

static status emit_day(struct volume *v, int32_t day, int32_t last_day, struct err *err)
{
	const bool in_series = day <= last_day;
	const size_t n = count_day(v, day);
	if (n > 0) {
		TRY(gold_rows_day(&v->geo, day, n, err));
		TRY(gold_rows_day(&v->daily, day, (size_t)GOLD_CHANNELS * GOLD_TYPES, err));
	}
	if (in_series) {
		gold_series_start(&v->by_department, day);
		gold_series_start(&v->by_nation, day);
	}
	for (size_t channel = 0; n > 0 && channel < GOLD_CHANNELS; channel++) {
		for (size_t type = 0; type < GOLD_TYPES; type++) emit_group(v, day, channel, type, in_series);
	}
	if (!in_series) return OK;
	TRY(gold_series_end(&v->by_department, day, err));
	return gold_series_end(&v->by_nation, day, err);
}

static void tables_init(struct volume *v, struct gold_sink *sink)
{
	const struct column *channel = &v->channel_names, *type = &v->type_names;
	const struct column *department = &v->f->department_names, *dane = &v->f->dane_names;
	const struct column *const daily[VOLUME_N_COLUMNS] = {[VOLUME_CHANNEL] = channel, [VOLUME_PQRS_TYPE] = type};
	const struct column *const geo[VOLUME_GEO_N_COLUMNS] = {[VOLUME_GEO_CHANNEL] = channel,
		[VOLUME_GEO_PQRS_TYPE] = type,
		[VOLUME_GEO_REGION_NAME] = department,
		[VOLUME_GEO_DEPARTMENT_NAME] = department,
		[VOLUME_GEO_DANE_CITY_CODE] = dane};
	const struct column *const series[SERIES_DEPT_N_COLUMNS] = {[SERIES_DEPT_DEPARTMENT_NAME] = department,
		[SERIES_DEPT_PQRS_TYPE] = type,
		[SERIES_DEPT_CHANNEL] = channel};
	const struct column *const national[SERIES_NATIONAL_N_COLUMNS] = {
		[SERIES_NATIONAL_PQRS_TYPE] = type, [SERIES_NATIONAL_CHANNEL] = channel};
	gold_rows_init(&v->daily, GOLD_KPI_VOLUME_DAILY, daily, sink);
	gold_rows_init(&v->geo, GOLD_KPI_VOLUME_GEO_DAILY, geo, sink);
	gold_rows_init(&v->department, GOLD_KPI_VOLUME_DEPT_DAILY, series, sink);
	gold_rows_init(&v->national, GOLD_KPI_VOLUME_NATIONAL_DAILY, national, sink);
}

static status emit_days(struct volume *v, int32_t last_day, struct err *err)
{
	const int32_t last_created = v->order.first + (int32_t)v->order.n_days - 1;
	const int32_t end = last_created > last_day ? last_created : last_day;
	for (int32_t day = v->order.first; day <= end; day++) TRY(emit_day(v, day, last_day, err));
	TRY(gold_rows_finish(&v->daily, err));
	TRY(gold_rows_finish(&v->geo, err));
	TRY(gold_rows_finish(&v->department, err));
	return gold_rows_finish(&v->national, err);
}

status gold_volume(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err)
{
	ASSERT(f->n == 0 || f->geos.n > 0); /* a cell for each */
	struct volume v = {.f = f};
	const size_t n_cells = (size_t)GOLD_CHANNELS * GOLD_TYPES * f->geos.n;
	TRY(gold_names_column(gold_channel_names, GOLD_CHANNELS, arena, &v.channel_names, err));
	TRY(gold_names_column(gold_type_names, GOLD_TYPES, arena, &v.type_names, err));
	TRY(gold_order_by_day(f->created, f->n, arena, &v.order, err));
	if (v.order.n_days == 0) return OK;
	v.cells = ARENA_ZNEW(arena, uint32_t, n_cells);
	if (v.cells == NULL) return fail_nomem(err);
	TRY(gold_bits_init(&v.used, n_cells, arena, err));
	TRY(series_init(&v, sink->last_day, arena, err));
	tables_init(&v, sink);
	const status code = emit_days(&v, sink->last_day, err);
	gold_rows_deinit(&v.daily);
	gold_rows_deinit(&v.geo);
	gold_rows_deinit(&v.department);
	gold_rows_deinit(&v.national);
	return code;
}
