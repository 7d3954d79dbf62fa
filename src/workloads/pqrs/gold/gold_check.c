/* workloads/pqrs/gold/gold_check.c: gold against silver, by counters alone. All checks are CRITICAL: a gold table that does not add up
 * must not be published. */
#include <stdio.h>

#include "workloads/pqrs/gold/gold.h"
#include "flow/quality.h"
#include "workloads/pqrs/contract/schema_gold.h"

struct check {
	const struct counter_list *counters; /* of the gold stage */
	struct quality_list *out;
};

static int64_t get(const struct check *c, const char *what, const char *table)
{
	char name[96];
	(void)snprintf(name, sizeof name, "%s%s", what, table);
	return counter_get(c->counters, name);
}

struct finding {
	const char *table, *name, *details;
	int64_t value, expected;
};

static status add(const struct check *c, const struct finding *f, struct err *err)
{
	char name[96];
	(void)snprintf(name, sizeof name, "gold.%s", f->table);
	const struct quality q = {.dataset = name,
		.check_name = f->name,
		.severity = QUALITY_CRITICAL,
		.details = f->details,
		.record_count = get(c, "rows:", f->table)};
	return quality_add_numbers(c->out, f->value == f->expected, q, f->value, f->expected) ? OK : fail_nomem(err);
}

/* What silver says it wrote; closed by its own count, not by what gold read. */
struct silver_counts {
	int64_t tickets, predictions, closed;
};

static status check_sums(const struct check *c, const struct silver_counts *s, struct err *err)
{
	const int64_t in_range = get(c, "tickets_in_range", ""), open = get(c, "tickets_open", ""), closed = s->closed;
	const int64_t silver_tickets = s->tickets, silver_predictions = s->predictions;
	const struct {
		enum gold_table table;
		const char *counter;
		int64_t expected;
		const char *name, *details;
	} sums[] = {
		{GOLD_KPI_VOLUME_DAILY, "sum:", silver_tickets, "sum_equals_silver",
			"tickets_count adds up to the tickets of silver"},
		{GOLD_KPI_VOLUME_GEO_DAILY, "sum:", silver_tickets, "sum_equals_silver",
			"tickets_count adds up to the tickets of silver"},
		{GOLD_KPI_VOLUME_DEPT_DAILY, "sum:", in_range, "sum_equals_silver",
			"tickets_count adds up to the tickets created up to as_of"},
		{GOLD_KPI_VOLUME_NATIONAL_DAILY, "sum:", in_range, "sum_equals_silver",
			"tickets_count adds up to the tickets created up to as_of"},
		{GOLD_DAILY_KPIS, "sum:", silver_tickets, "sum_equals_silver",
			"total_tickets adds up to the tickets of silver"},
		{GOLD_PRIORITY_DISTRIBUTION, "sum:", silver_tickets, "sum_equals_silver",
			"tickets_count adds up to the tickets of silver"},
		{GOLD_SLA_METRICS, "rows:", silver_tickets, "rows_equal_silver", "one row for each ticket of silver"},
		{GOLD_TICKETS_SNAPSHOT, "rows:", silver_tickets, "rows_equal_silver",
			"one row for each ticket of silver"},
		{GOLD_KPI_SLA_DAILY, "sum:", closed, "sum_equals_silver",
			"closed_count adds up to the closed tickets of silver"},
		{GOLD_KPI_SLA_GEO_DAILY, "sum:", closed, "sum_equals_silver",
			"closed_count adds up to the closed tickets of silver"},
		{GOLD_SLA_DAILY, "sum:", closed, "sum_equals_silver",
			"tickets_count adds up to the closed tickets of silver"},
		{GOLD_KPI_BACKLOG_DAILY, "sum_last:", open, "backlog_equals_open",
			"backlog of the last day is the open tickets of silver"},
		{GOLD_KPI_BACKLOG_GEO_DAILY, "sum_last:", open, "backlog_equals_open",
			"backlog of the last day is the open tickets of silver"},
		{GOLD_PQRS_METRICS, "sum:", silver_predictions, "sum_equals_silver",
			"count adds up to the predictions of silver"},
	};
	_Static_assert(sizeof sums / sizeof sums[0] == GOLD_TABLES_N, "every table is held to silver");
	for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
		const char *table = pqrs_gold_tables[sums[i].table]->name;
		const struct finding f = {
			table, sums[i].name, sums[i].details, get(c, sums[i].counter, table), sums[i].expected};
		TRY(add(c, &f, err));
	}
	return OK;
}

status pqrs_gold_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	ASSERT(view->n_stages > 0);
	const struct check c = {&view->counters[view->n_stages - 1], out};
	struct silver_counts silver = {.tickets = stage_view_rows(view, "silver.tickets"),
		.predictions = stage_view_rows(view, "silver.preclassification")};
	for (size_t i = 0; i + 1 < view->n_stages; i++) silver.closed += counter_get(&view->counters[i], "sla:closed");
	TRY(check_sums(&c, &silver, err));
	for (int i = 0; i < GOLD_TABLES_N; i++) {
		const char *table = pqrs_gold_tables[i]->name;
		const int64_t bad_keys = get(&c, "keys_repeated:", table) + get(&c, "keys_unordered:", table);
		const struct finding f = {
			table, "keys_unique", "rows whose key is not above that of the row before", bad_keys, 0};
		TRY(add(&c, &f, err));
	}
	static const enum gold_table with_range[] = {
		GOLD_KPI_SLA_DAILY, GOLD_KPI_SLA_GEO_DAILY, GOLD_DAILY_KPIS, GOLD_PQRS_METRICS};
	for (size_t i = 0; i < sizeof with_range / sizeof with_range[0]; i++) {
		const char *table = pqrs_gold_tables[with_range[i]]->name;
		const struct finding f = {table, "values_in_range", "percentages, ratios and means outside their range",
			get(&c, "out_of_range:", table), 0};
		TRY(add(&c, &f, err));
	}
	return OK;
}
