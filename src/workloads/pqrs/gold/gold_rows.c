/* workloads/pqrs/gold/gold_rows.c: see gold_rows.h. A month is written when the next one begins; repeated keys and values out of their range
 * are counted on the way out and judged by the stage's checks (gold_check.c), not here. */
#include "workloads/pqrs/gold/gold_rows.h"

#include "base/alloc.h"
#include "base/time.h"
#include "flow/history_column.h"

/* The key columns come first in every gold table; sum_column is the count that the stage's checks compare. */
static const struct {
	uint8_t n_keys, sum_column;
} shape[GOLD_TABLES_N] = {
	[GOLD_KPI_VOLUME_DAILY] = {3, VOLUME_TICKETS_COUNT},
	[GOLD_KPI_BACKLOG_DAILY] = {3, BACKLOG_BACKLOG_COUNT},
	[GOLD_KPI_SLA_DAILY] = {2, SLA_CLOSED_COUNT},
	[GOLD_KPI_VOLUME_GEO_DAILY] = {6, VOLUME_GEO_TICKETS_COUNT},
	[GOLD_KPI_BACKLOG_GEO_DAILY] = {5, BACKLOG_GEO_BACKLOG_COUNT},
	[GOLD_KPI_SLA_GEO_DAILY] = {5, SLA_GEO_CLOSED_COUNT},
	[GOLD_KPI_VOLUME_DEPT_DAILY] = {4, SERIES_DEPT_TICKETS_COUNT},
	[GOLD_KPI_VOLUME_NATIONAL_DAILY] = {3, SERIES_NATIONAL_TICKETS_COUNT},
	[GOLD_DAILY_KPIS] = {2, DAILY_TOTAL_TICKETS},
	[GOLD_SLA_DAILY] = {2, SLA_STATUS_TICKETS_COUNT},
	[GOLD_PRIORITY_DISTRIBUTION] = {2, PRIORITY_TICKETS_COUNT},
	[GOLD_PQRS_METRICS] = {3, PREDICTED_COUNT},
};

/* Unscaled decimals and the range that their definition gives them. */
static const struct {
	enum gold_table table;
	uint8_t column;
	int64_t min, max;
} ranges[] = {
	{GOLD_KPI_SLA_DAILY, SLA_WITHIN_SLA_PCT, 0, 10000},
	{GOLD_KPI_SLA_GEO_DAILY, SLA_GEO_WITHIN_SLA_PCT, 0, 10000},
	{GOLD_DAILY_KPIS, DAILY_AVG_PRIORITY, 1000, 3000},
	{GOLD_DAILY_KPIS, DAILY_HIGH_PRIORITY_RATIO, 0, 10000},
	{GOLD_DAILY_KPIS, DAILY_SLA_BREACH_RATIO, 0, 10000},
	{GOLD_PQRS_METRICS, PREDICTED_AVG_SCORE, 0, 10000},
};

void gold_rows_init(
	struct gold_rows *r, enum gold_table table, const struct column *const *names, struct gold_sink *sink)
{
	const struct table_schema *s = pqrs_gold_tables[table];
	*r = (struct gold_rows){.table = table, .sink = sink, .n_columns = history_column_index(s)};
	ASSERT(r->n_columns <= GOLD_COLUMNS_MAX);
	ASSERT(shape[table].n_keys > 0);
	for (size_t i = 0; i < r->n_columns; i++) {
		const struct column_def *def = &s->columns[i];
		ASSERT((def->type == COL_STRING) == (names[i] != NULL));
		ASSERT(def->key == (i < shape[table].n_keys));
		r->columns[i] = (struct column){
			.type = def->type, .precision = def->precision, .scale = def->scale, .dict = names[i]};
	}
}

void gold_rows_deinit(struct gold_rows *r)
{
	for (size_t i = 0; i < r->n_columns; i++) mem_free(r->values[i]);
	r->n_columns = 0;
}

static size_t value_width(const struct column *c)
{
	return c->type == COL_STRING ? sizeof(int32_t) : col_type_width(c->type);
}

static status grow(struct gold_rows *r, int64_t rows, struct err *err)
{
	int64_t cap = r->cap != 0 ? r->cap : 1024;
	while (cap < rows) cap *= 2;
	if (cap > UINT32_MAX)
		return fail(err, E_LIMIT, "over %u rows in one month of gold.%s", UINT32_MAX,
			pqrs_gold_tables[r->table]->name);
	for (size_t i = 0; i < r->n_columns; i++) {
		void *values = mem_realloc(r->values[i], (size_t)cap * value_width(&r->columns[i]));
		if (values == NULL) return fail_nomem(err);
		r->values[i] = values;
	}
	r->cap = cap;
	return OK;
}

/* Every key column is int32: a date or a code whose order is that of its string. */
static void check_keys(const struct gold_rows *r, struct gold_totals *t)
{
	const size_t n_keys = shape[r->table].n_keys;
	for (int64_t i = 1; i < r->n; i++) {
		int32_t before = 0, after = 0;
		for (size_t k = 0; k < n_keys && before == after; k++) {
			const int32_t *v = r->values[k];
			before = v[i - 1];
			after = v[i];
		}
		t->keys_repeated += before == after;
		t->keys_unordered += before > after;
	}
}

static void check_values(const struct gold_rows *r, struct gold_totals *t)
{
	const int64_t *count = r->values[shape[r->table].sum_column];
	const int32_t *day = r->values[0];
	for (int64_t i = 0; i < r->n; i++) {
		t->sum += count[i];
		t->sum_last += day[i] == r->sink->last_day ? count[i] : 0;
	}
	for (size_t k = 0; k < sizeof ranges / sizeof ranges[0]; k++) {
		if (ranges[k].table != r->table) continue;
		const int64_t *v = r->values[ranges[k].column];
		for (int64_t i = 0; i < r->n; i++) t->out_of_range += v[i] < ranges[k].min || v[i] > ranges[k].max;
	}
	t->rows += r->n;
}

static status flush(struct gold_rows *r, struct err *err)
{
	if (r->n == 0) return OK;
	struct gold_totals *totals = &r->sink->totals[r->table];
	check_keys(r, totals);
	check_values(r, totals);
	for (size_t i = 0; i < r->n_columns; i++) {
		r->columns[i].n = r->n;
		r->columns[i].values = r->values[i];
	}
	const struct batch b = {pqrs_gold_tables[r->table], r->n_columns, r->columns, r->n};
	r->n = 0;
	return r->sink->write(r->sink, r->table, r->month, &b, err);
}

status gold_rows_day(struct gold_rows *r, int32_t day, size_t n, struct err *err)
{
	if (day >= r->month_next || r->month == r->month_next) {
		ASSERT(r->month == r->month_next || day >= r->month);
		TRY(flush(r, err));
		r->month = date_month_start(day);
		r->month_next = date_month_start(r->month + 31);
	}
	ASSERT(day >= r->month);
	if (r->n + (int64_t)n > r->cap) TRY(grow(r, r->n + (int64_t)n, err));
	return OK;
}

status gold_rows_finish(struct gold_rows *r, struct err *err)
{
	return flush(r, err);
}
