/* workloads/pqrs/workload.c: the PQRS workload as flow sees it: stages, tables, views, and what a run has to do with those before it.
 *
 * It puts together what the folders beside it export, and holds no work of its own. */
#include "workloads/pqrs/workload.h"

#include "flow/made_days.h"
#include "workloads/pqrs/arrivals/topic.h"
#include "workloads/pqrs/bronze/bronze.h"
#include "workloads/pqrs/bronze/event.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/contract/contract.h"
#include "workloads/pqrs/contract/lists.h"
#include "workloads/pqrs/contract/raw_event.h"
#include "workloads/pqrs/explain/explain_lake.h"
#include "workloads/pqrs/gold/gold.h"
#include "workloads/pqrs/ingest/ingest.h"
#include "workloads/pqrs/silver/silver.h"
#include "workloads/pqrs/silver/state.h"
#include "workloads/pqrs/sim/sim_world.h"
#include "workloads/pqrs/sim/simulate.h"
#include "workloads/pqrs/contract/views.h"

/* Raw events come from the simulator or from files. */
static status raw_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	if (run_makes(view->run)) return pqrs_simulate_plan(view, inputs, out, err);
	return pqrs_ingest_plan(view, inputs, out, err);
}

static status raw_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	if (run_makes(env->run)) return pqrs_simulate_run(env, spec, out, err);
	return pqrs_ingest_run(env, spec, out, err);
}

static status raw_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	if (run_makes(view->run)) return pqrs_simulate_check(view, out, err);
	return pqrs_ingest_check(view, out, err);
}

static const struct stage_def stages[] = {
	{.name = "raw", .plan = raw_plan, .run = raw_run, .check = raw_check},
	{.name = "bronze", .plan = pqrs_bronze_plan, .run = pqrs_bronze_run, .check = pqrs_bronze_check},
	{.name = "silver", .plan = pqrs_silver_plan, .run = pqrs_silver_run, .check = pqrs_silver_check},
	{.name = "gold", .plan = pqrs_gold_plan, .run = pqrs_gold_run, .check = pqrs_gold_check},
};

static status open_config(struct str canonical, void **config, struct err *err)
{
	struct pqrs_config *c = NULL;
	TRY(pqrs_config_open(canonical, &c, err));
	*config = c;
	return OK;
}

static status canonical_config(const struct config *tree, bool ingested, struct buf *out, struct err *err)
{
	return pqrs_config_canonical(tree, ingested ? PQRS_INGESTED : PQRS_SIMULATED, out, err);
}

static status settle(
	const void *config, const struct run_params *given, struct arena *arena, struct run_info *run, struct err *err)
{
	const struct pqrs_config *c = config;
	const struct made_days days = {c->simulation.seed, c->simulation.date_from, c->simulation.date_to};
	return made_days_settle(&days, given, arena, run, err);
}

static void close_config(void *config)
{
	pqrs_config_close(config);
}

static const struct tz *timezone_of(const void *config)
{
	return ((const struct pqrs_config *)config)->tz;
}

static const struct calendar *calendar_of(const void *config)
{
	return ((const struct pqrs_config *)config)->calendar;
}

/* Lines are rejected without the field, then events quarantined; a conflicting duplicate may be either. */
static const char *reason(size_t i, char dst[WORKLOAD_REASON_MAX])
{
	enum { VERDICTS = EVENT_CONFLICTING_DUPLICATE - EVENT_TOO_LONG + 1 };
	_Static_assert((int)EVENT_REASON_BYTES <= (int)WORKLOAD_REASON_MAX, "a reason has room");
	if (i < VERDICTS) {
		(void)event_reason_text(
			(struct event_reason){(enum event_verdict)(EVENT_TOO_LONG + (int)i), BRONZE_TS}, dst);
		dst[strcspn(dst, ":")] = '\0';
		return dst;
	}
	size_t k = REASON_NONE + 1 + i - VERDICTS;
	if (k >= REASON_CONFLICTING_DUPLICATE) k++;
	return k < REASON_N ? pqrs_reason_names[k] : NULL;
}

static const struct workload_option options[] = {
	{"seed", "simulation.seed"},
	{"from", "simulation.date_range.from"},
	{"to", "simulation.date_range.to"},
	{"volume", "simulation.volume_daily_avg"},
};

static const struct workload_mirror mirrors[] = {
	{.schema = &pqrs_core_tickets, .source = "silver.tickets"},
	{.schema = &pqrs_core_ticket_events, .source = "silver.status_events"},
	{.schema = &pqrs_core_messages, .source = "silver.messages"},
	{.schema = &pqrs_core_dim_status, .source = "silver.dim_status"},
	{.schema = &pqrs_core_dim_status_transition, .source = "silver.dim_status_transition"},
	{.schema = &pqrs_core_dim_channel, .source = "silver.dim_channel"},
	{.schema = &pqrs_core_dim_pqrs_type, .source = "silver.dim_pqrs_type"},
	{.schema = &pqrs_core_dim_priority, .source = "silver.dim_priority"},
	{.schema = &pqrs_core_dim_role, .source = "silver.dim_role"},
	{.schema = &pqrs_core_dim_geo, .source = "silver.dim_geo"},
};

static const struct workload_kpi kpis[] = {
	{"Legal term by type, closed tickets (P petitions, Q complaints, R claims, S suggestions)",
		"SELECT pqrs_type AS type, SUM(closed_count) AS closed, SUM(overdue_count) AS late, "
		"ROUND(100.0 * (SUM(closed_count) - SUM(overdue_count)) / SUM(closed_count), 2) AS in_time_pct "
		"FROM gold.kpi_sla_daily GROUP BY pqrs_type ORDER BY pqrs_type"},
	{"Open tickets on the last day",
		"SELECT pqrs_type AS type, SUM(backlog_count) AS open FROM gold.kpi_backlog_daily "
		"WHERE day = (SELECT MAX(day) FROM gold.kpi_backlog_daily) GROUP BY pqrs_type ORDER BY "
		"pqrs_type"},
	{"Tickets created by month",
		"SELECT SUBSTR(CAST(day AS TEXT), 1, 7) AS month, SUM(total_tickets) AS tickets, "
		"SUM(petitions) AS petitions, "
		"SUM(complaints) AS complaints, SUM(claims) AS claims, SUM(suggestions) AS suggestions "
		"FROM gold.daily_kpis GROUP BY 1 ORDER BY 1"},
};

static const struct workload_metric metrics[] = {
	{"pqr_sla_breaches", "closed tickets that were answered after their due date", "gold.kpi_sla_daily",
		"SELECT pqrs_type, CAST(SUM(overdue_count) AS bigint) AS value FROM gold.kpi_sla_daily GROUP BY "
		"pqrs_type ORDER BY 1"},
	{"pqr_sla_closed", "closed tickets", "gold.kpi_sla_daily",
		"SELECT pqrs_type, CAST(SUM(closed_count) AS bigint) AS value FROM gold.kpi_sla_daily GROUP BY "
		"pqrs_type ORDER BY 1"},
	{"pqr_backlog", "open tickets on the last day", "gold.kpi_backlog_daily",
		"SELECT pqrs_type, CAST(SUM(backlog_count) AS bigint) AS value FROM gold.kpi_backlog_daily WHERE day = "
		"(SELECT "
		"MAX(day) FROM gold.kpi_backlog_daily) GROUP BY pqrs_type ORDER BY 1"},
};

/* Days among which the spike is placed; 0 = there is none. Ranges that differ in this tell other events of the same days. */
static int64_t spike_days(const struct pqrs_config *c, const struct run_info *run)
{
	const int64_t days = (int64_t)run->date_to - run->date_from + 1;
	if (!c->simulation.spike.enabled) return 0;
	return days < SIM_SPIKE_HORIZON_DAYS ? days : SIM_SPIKE_HORIZON_DAYS;
}

/* By days, and with as many of them among which the spike is placed. */
static enum continues continues(const void *config, const struct run_info *run, const struct run_info *earlier)
{
	const enum continues kind = made_days_continues(timezone_of(config), run, earlier);
	const bool both = kind == CONTINUES_SAME_EVENTS && earlier != NULL;
	return both && spike_days(config, earlier) != spike_days(config, run) ? CONTINUES_NOT : kind;
}

static bool publishes_core(const void *config)
{
	return ((const struct pqrs_config *)config)->publish_core;
}

static const struct table_schema *const streamed[] = {&pqrs_arrived};

const struct workload pqrs_workload = {
	.name = "pqrs",
	.stages = stages,
	.n_stages = sizeof stages / sizeof stages[0],
	.tables = pqrs_tables,
	.n_tables = PQRS_TABLES,
	.raw = &pqrs_raw_contract,
	.keys = &pqrs_config_keys,
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.config_canonical = canonical_config,
	.config_open = open_config,
	.config_close = close_config,
	.making = {.settle = settle,
		.settled = made_days_settled,
		.name = made_days_name,
		.seed = made_days_seed,
		.bytes_expected = pqrs_simulate_bytes},
	.timezone = timezone_of,
	.calendar = calendar_of,
	.explain = explain_lake,
	.reason = reason,
	.mirrors = mirrors,
	.n_mirrors = sizeof mirrors / sizeof mirrors[0],
	.mirrors_on = publishes_core,
	.views = pqrs_views,
	.n_views = PQRS_VIEWS,
	.lists = pqrs_lists,
	.n_lists = PQRS_LISTS,
	.kpis = kpis,
	.n_kpis = sizeof kpis / sizeof kpis[0],
	.metrics = metrics,
	.n_metrics = sizeof metrics / sizeof metrics[0],
	.topic = &pqrs_topic,
	.streamed = streamed,
	.n_streamed = sizeof streamed / sizeof streamed[0],
	.folding = {.stage = "silver",
		.events = "bronze.pqrs_events",
		.claims = "silver.tickets",
		.continues = continues,
		.same_events = pqrs_config_same_events,
		.newest = pqrs_ingest_newest},
};
