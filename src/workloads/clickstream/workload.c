/* workloads/clickstream/workload.c: the clickstream workload as flow sees it: stages, tables, and what a run has to do with those before it.
 *
 *   raw -> bronze -> bronze_to_silver -> silver_to_gold_dau, _conversion, _events_source, _purchases_page -> gold_to_postgres
 *
 * It puts together what the files beside it export, and holds no work of its own. */
#include "workloads/clickstream/workload.h"

#include "flow/made_days.h"
#include "workloads/clickstream/config.h"
#include "workloads/clickstream/event.h"
#include "workloads/clickstream/gold.h"
#include "workloads/clickstream/produce.h"
#include "workloads/clickstream/raw.h"
#include "workloads/clickstream/realtime.h"
#include "workloads/clickstream/schema.h"
#include "workloads/clickstream/silver.h"
#include "workloads/clickstream/topic.h"

#define GOLD_STAGE(stage, writes)                                                          \
	{                                                                                  \
		.name = stage, .plan = clickstream_gold_plan, .run = clickstream_gold_run, \
		.check = clickstream_gold_check, .layer = "gold", .table = writes          \
	}
/* In the order of clickstream_gold_stages. */
static const struct stage_def stages[] = {
	{.name = "raw", .plan = clickstream_raw_plan, .run = clickstream_raw_run, .check = clickstream_raw_check},
	{.name = "bronze",
		.plan = clickstream_bronze_plan,
		.run = clickstream_bronze_run,
		.check = clickstream_bronze_check},
	{.name = CLICK_SILVER_STAGE,
		.plan = clickstream_silver_plan,
		.run = clickstream_silver_run,
		.check = clickstream_silver_check,
		.layer = "silver"},
	GOLD_STAGE("silver_to_gold_dau", "daily_active_users"),
	GOLD_STAGE("silver_to_gold_conversion", "conversion_rate_daily"),
	GOLD_STAGE("silver_to_gold_events_source", "events_per_source_daily"),
	GOLD_STAGE("silver_to_gold_purchases_page", "purchases_per_page_daily"),
};

static const struct workload_option options[] = {
	{"seed", "clickstream.seed"},
	{"from", "clickstream.date_range.from"},
	{"to", "clickstream.date_range.to"},
	{"rate", "clickstream.rate"},
};

static const struct workload_kpi kpis[] = {
	{"Users, buyers and purchases by day",
		"SELECT event_date AS day, dau_count AS users, ROUND(100.0 * conversion_rate, 2) AS buyers_pct, "
		"total_purchases AS purchases FROM gold.conversion_rate_daily ORDER BY event_date DESC LIMIT 7"},
	{"Events by source", "SELECT source, SUM(event_count) AS events FROM gold.events_per_source_daily GROUP BY "
			     "source ORDER BY source"},
	{"Pages that sell most",
		"SELECT page, SUM(purchase_count) AS purchases FROM gold.purchases_per_page_daily GROUP BY page "
		"ORDER BY 2 DESC, page LIMIT 5"},
};

static status open_config(struct str canonical, void **config, struct err *err)
{
	struct clickstream_config *c = NULL;
	TRY(clickstream_config_open(canonical, &c, err));
	*config = c;
	return OK;
}

static void close_config(void *config)
{
	clickstream_config_close(config);
}

static const char *reason(size_t i, char dst[WORKLOAD_REASON_MAX])
{
	_Static_assert((int)CLICK_REASON_BYTES <= (int)WORKLOAD_REASON_MAX, "a reason has room");
	const int verdict = CLICK_TOO_LONG + (int)i;
	if (verdict >= CLICK_VERDICTS) return NULL;
	(void)clickstream_reason_text((struct clickstream_reason){(enum clickstream_verdict)verdict, MEMBER_ID}, dst);
	dst[strcspn(dst, ":")] = '\0';
	return dst;
}

static status settle(
	const void *config, const struct run_params *given, struct arena *arena, struct run_info *run, struct err *err)
{
	const struct clickstream_config *c = config;
	return made_days_settle(&(struct made_days){c->seed, c->date_from, c->date_to}, given, arena, run, err);
}

static enum continues continues(const void *config, const struct run_info *run, const struct run_info *earlier)
{
	(void)config;
	return made_days_continues(NULL, run, earlier);
}

const struct workload clickstream_workload = {
	.name = "clickstream",
	.stages = stages,
	.n_stages = sizeof stages / sizeof stages[0],
	.tables = clickstream_tables,
	.n_tables = CLICK_TABLES,
	.raw = &clickstream_raw_contract,
	.keys = &clickstream_config_keys,
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.config_canonical = clickstream_config_canonical,
	.config_open = open_config,
	.config_close = close_config,
	.making = {.settle = settle,
		.settled = made_days_settled,
		.name = made_days_name,
		.seed = made_days_seed,
		.bytes_expected = clickstream_produce_bytes},
	.kpis = kpis,
	.n_kpis = sizeof kpis / sizeof kpis[0],
	.reason = reason,
	.publish_name = "gold_to_postgres",
	.topic = &clickstream_topic,
	.streamed = clickstream_realtime_tables,
	.n_streamed = CLICK_REALTIME_TABLES,
	.folding = {.stage = CLICK_SILVER_STAGE,
		.events = CLICK_BRONZE,
		.instants = "timestamp",
		.claims = CLICK_SILVER,
		.continues = continues,
		.same_events = clickstream_config_same_events,
		.reckons = true},
};
