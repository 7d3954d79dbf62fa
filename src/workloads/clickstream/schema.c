/* workloads/clickstream/schema.c: the columns of every table, and the members of a raw event. It computes nothing. */
#include "workloads/clickstream/schema.h"

#include "flow/history_column.h"

const char *const clickstream_type_names[CLICK_TYPES + 1] = {"login", "click", "purchase", "logout", NULL};
const char *const clickstream_source_names[CLICK_SOURCES + 1] = {"web", "mobile", NULL};

#define EVENT_COLUMNS                                                                                            \
	{.name = "event_id",                                                                                     \
		.type = COL_STRING,                                                                              \
		.key = true,                                                                                     \
		.id = true,                                                                                      \
		.description = "UUID of the event, lower case"},                                                 \
		{.name = "user_id", .type = COL_INT64, .description = "the user, from 1"},                       \
		{.name = "event_type", .type = COL_STRING, .description = "login, click, purchase or logout"},   \
		{.name = "page", .type = COL_STRING, .description = "path of the page, begins with /"},          \
		{.name = "timestamp", .type = COL_TIMESTAMP, .description = "when it happened"},                 \
		{.name = "source", .type = COL_STRING, .description = "web or mobile"},                          \
		{.name = "kafka_partition",                                                                      \
			.type = COL_INT32,                                                                       \
			.nullable = true,                                                                        \
			.description = "partition of the topic; null where the event did not come by a stream"}, \
		{.name = "kafka_offset",                                                                         \
			.type = COL_INT64,                                                                       \
			.nullable = true,                                                                        \
			.description = "offset in the partition; null as that"},                                 \
	{                                                                                                        \
		.name = "extra", .type = COL_STRING, .nullable = true,                                           \
		.description = "JSON object of the members the contract does not know"                           \
	}
#define EVENT_PARTITIONS \
	{.name = "event_date", .type = COL_DATE, .partition = true, .description = "UTC date of timestamp"}, RUN_ID
#define RUN_ID                                                                                                   \
	{                                                                                                        \
		.name = "run_id", .type = COL_STRING, .partition = true, .description = "run that wrote the row" \
	}

static const struct column_def bronze_columns[] = {EVENT_COLUMNS,
	{.name = "kafka_incarnation",
		.type = COL_INT32,
		.nullable = true,
		.description = "how often the topic had been deleted and made again; null where the event did not come "
			       "by a stream"},
	EVENT_PARTITIONS};
_Static_assert(sizeof bronze_columns / sizeof *bronze_columns == BRONZE_COLUMNS + 2, "columns and enum agree");
static const struct column_def silver_columns[] = {EVENT_COLUMNS, HISTORY_COLUMN, EVENT_PARTITIONS};

const struct table_schema clickstream_bronze_events = {
	.name = "user_events",
	.layer = "bronze",
	.contract = "clickstream/v1",
	.description = "every valid raw event, typed, in the order of the raw lines",
	.columns = bronze_columns,
	.n_columns = sizeof bronze_columns / sizeof *bronze_columns,
};
const struct table_schema clickstream_silver_events = {
	.name = "user_events",
	.layer = "silver",
	.contract = "clickstream/v1",
	.description = "the first of each event_id of the history, by run, then timestamp; ordered by (timestamp, "
		       "event_id) in a "
		       "file",
	.columns = silver_columns,
	.n_columns = sizeof silver_columns / sizeof *silver_columns,
};

#define KEY_DATE                                                                                             \
	{                                                                                                    \
		.name = "event_date", .type = COL_DATE, .key = true, .description = "UTC date of the events" \
	}
#define COUNT(column, of, text)                                                    \
	{                                                                          \
		.name = column, .type = COL_INT64, .unit = of, .description = text \
	}
#define GOLD_LAST                                                       \
	HISTORY_COLUMN,                                                 \
		{.name = "month",                                       \
			.type = COL_STRING,                             \
			.partition = true,                              \
			.description = "month of event_date, YYYY-MM"}, \
		RUN_ID
#define DAU COUNT("dau_count", "users", "distinct users of the day's events")

static const struct column_def dau_columns[] = {KEY_DATE, DAU, GOLD_LAST};
static const struct column_def conversion_columns[] = {KEY_DATE,
	{.name = "conversion_rate",
		.type = COL_DECIMAL,
		.precision = 7,
		.scale = 4,
		.description = "distinct buyers / dau_count, half away from zero"},
	COUNT("total_purchases", "events", "purchases of the day"), DAU, GOLD_LAST};
static const struct column_def source_columns[] = {KEY_DATE,
	{.name = "source", .type = COL_STRING, .key = true, .description = "web or mobile"},
	COUNT("event_count", "events", "events of the day"), GOLD_LAST};
static const struct column_def page_columns[] = {KEY_DATE,
	{.name = "page", .type = COL_STRING, .key = true, .description = "path of the page"},
	COUNT("purchase_count", "events", "purchases on the page; pages without one have no row"), GOLD_LAST};

#define GOLD_TABLE(table, of, text)                                                                               \
	{                                                                                                         \
		.name = table, .layer = "gold", .contract = "clickstream/v1", .description = text, .columns = of, \
		.n_columns = sizeof(of) / sizeof *(of), .updated_at = true                                        \
	}
static const struct table_schema dau = GOLD_TABLE("daily_active_users", dau_columns, "users a day");
static const struct table_schema conversion =
	GOLD_TABLE("conversion_rate_daily", conversion_columns, "share of a day's users that bought");
static const struct table_schema sources =
	GOLD_TABLE("events_per_source_daily", source_columns, "events a day and source");
static const struct table_schema pages =
	GOLD_TABLE("purchases_per_page_daily", page_columns, "purchases a day and page");
const struct table_schema *const clickstream_gold_tables[GOLD_TABLES] = {&dau, &conversion, &sources, &pages};
const struct table_schema *const clickstream_tables[CLICK_TABLES] = {
	&clickstream_bronze_events, &clickstream_silver_events, &dau, &conversion, &sources, &pages};

static const struct raw_member members[] = {
	{.name = "event_id",
		.kind = RAW_UUID,
		.required = true,
		.description = "identifies the event; of repeats the first counts"},
	{.name = "user_id", .kind = RAW_INTEGER, .required = true, .not_negative = true, .description = "from 1"},
	{.name = "event_type",
		.kind = RAW_STRING,
		.required = true,
		.values = clickstream_type_names,
		.description = "what the user did"},
	{.name = "page", .kind = RAW_STRING, .required = true, .description = "path of the page, begins with /"},
	{.name = "timestamp",
		.kind = RAW_TIMESTAMP,
		.required = true,
		.description = "when it happened; kept to microseconds by truncation"},
	{.name = "source",
		.kind = RAW_STRING,
		.required = true,
		.values = clickstream_source_names,
		.description = "where it happened"},
};
const struct raw_contract clickstream_raw_contract = {
	.name = CLICK_RAW,
	.version = "clickstream/v1",
	.envelope = members,
	.n_envelope = sizeof members / sizeof *members,
};

struct delta_pairs clickstream_date_values(struct clickstream_date *place, int32_t date, const struct run_info *run)
{
	date_format(date, place->text);
	place->values[0] = (struct delta_pair){STR("event_date"), {place->text, DATE_CHARS}};
	place->values[1] = (struct delta_pair){STR("run_id"), str_of(run->run_id)};
	return (struct delta_pairs){place->values, 2};
}

status clickstream_date_of(const struct file_ref *file, int32_t *date, struct err *err)
{
	struct str text;
	TRY(file_ref_value(file, "event_date", &text, err));
	if (date_parse(text, date)) return OK;
	return fail_at(err, E_CORRUPT, file->path, -1, -1, "a file of event_date '%.*s', which is none",
		(int)(text.n < 64 ? text.n : 64), text.p);
}
