/* workloads/pqrs/gold/gold_kpi.h: the kernels behind the daily gold tables: ranked facts in, sorted rows out.
 *
 * Each kernel visits the days in order and the tickets of a day through an index sorted by day. A day's counts live in
 * one small array indexed by the key's codes; a bitmap of the cells in use gives them in key order and is all
 * that has to be cleared, so a day costs what its tickets cost, however many keys there are.
 * Definitions: docs/kpis.md.
 */
#ifndef PQR_PQRS_GOLD_KPI_H
#define PQR_PQRS_GOLD_KPI_H

#include "workloads/pqrs/gold/gold_facts.h"
#include "workloads/pqrs/gold/gold_rows.h"

/* Each writes its tables to sink; sink->last_day is the local date of as_of. Scratch memory comes from arena.
 * The facts named must be loaded. */
/* kpi_volume_daily, kpi_volume_geo_daily, kpi_volume_dept_daily, kpi_volume_national_daily: created, channel, type, geo. */
status gold_volume(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err) MUST_USE;
/* kpi_backlog_daily, kpi_backlog_geo_daily: created, closed, type, geo. */
status gold_backlog(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err) MUST_USE;
/* kpi_sla_daily, kpi_sla_geo_daily, sla_daily: closed, overdue_us, type, geo, sla. */
status gold_sla(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err) MUST_USE;
/* daily_kpis, priority_distribution: created, type, priority, sla, tenant. */
status gold_daily(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err) MUST_USE;
/* pqrs_metrics: created, type and priority (the predicted ones), score. */
status gold_predicted(
	const struct gold_facts *f, struct gold_sink *sink, struct arena *arena, struct err *err) MUST_USE;

/* Tickets that are open on sink->last_day by the definition of the backlog, counted straight: created, closed. */
int64_t gold_open_tickets(const struct gold_facts *f, int32_t last_day);

/* ---- for the kernels --------------------------------------------------------------------------------------- */

/* Rows 0..n sorted by day, stable: those of day first + d are rows[start[d]] .. rows[start[d + 1] - 1]. */
struct gold_order {
	int32_t first;
	uint32_t n_days; /* 0: no row has a day */
	uint32_t *start; /* [n_days + 1] */
	uint32_t *rows;
};
status gold_order_by_day(
	const int32_t *day, size_t n, struct arena *arena, struct gold_order *out, struct err *err) MUST_USE;
/* The half-open range of rows[] of a day; empty outside the order's days. */
struct gold_span {
	const uint32_t *begin, *end;
};
struct gold_span gold_order_day(const struct gold_order *o, int32_t day);

/* Cells in use: 64 a word. */
struct gold_bits {
	uint64_t *words;
	size_t n_words;
};
status gold_bits_init(struct gold_bits *b, size_t n, struct arena *arena, struct err *err) MUST_USE;
static inline void gold_bits_set(struct gold_bits *b, size_t i)
{
	b->words[i >> 6] |= UINT64_C(1) << (i & 63);
}
static inline void gold_bits_clear(struct gold_bits *b, size_t i)
{
	b->words[i >> 6] &= ~(UINT64_C(1) << (i & 63));
}
#define GOLD_NO_CELL SIZE_MAX
/* The first set cell at or after `from`. */
static inline size_t gold_bits_next(const struct gold_bits *b, size_t from)
{
	size_t word = from >> 6;
	if (word >= b->n_words) return GOLD_NO_CELL;
	uint64_t bits = b->words[word] & (~UINT64_C(0) << (from & 63));
	while (bits == 0) {
		if (++word == b->n_words) return GOLD_NO_CELL;
		bits = b->words[word];
	}
	return word * 64 + (size_t)__builtin_ctzll(bits);
}

/* ---- time series: every day of a range, zeros included (gold_series.c) ------------------------------------- */

struct gold_series_key {
	uint32_t department;
	uint8_t type, channel;
};
struct gold_series {
	struct gold_rows *rows;
	bool by_department;           /* columns of kpi_volume_dept_daily, else of kpi_volume_national_daily */
	size_t n;                     /* series */
	struct gold_series_key *keys; /* [n] in key order */
	uint32_t *slot;               /* by cell = (department * types + type) * channels + channel */
	uint32_t *counts;             /* [8][n]: the day and the seven before it, by (day - first) % 8 */
	uint64_t *window;             /* [n] sum over the day and the up to six days before */
	int32_t first;                /* first day of the range */
};
enum { GOLD_SERIES_DAYS = 8 };
/* used: the cells that occur in the range, n_cells in all. */
status gold_series_init(struct gold_series *s, const struct gold_bits *used, size_t n_cells, int32_t first,
	struct arena *arena, struct err *err) MUST_USE;
/* Days in order without gaps from first: start one, count its tickets by cell, end it (writes its rows). */
void gold_series_start(struct gold_series *s, int32_t day);
static inline void gold_series_count(struct gold_series *s, int32_t day, size_t cell, uint32_t n)
{
	s->counts[(size_t)(day - s->first) % GOLD_SERIES_DAYS * s->n + s->slot[cell]] += n;
}
status gold_series_end(struct gold_series *s, int32_t day, struct err *err) MUST_USE;
/* 100 * (n - base) / base with two decimals, half away from zero, held to what decimal(9,2) can say; 0 for base 0. */
int64_t gold_percent_change(uint32_t n, uint32_t base);

#endif
