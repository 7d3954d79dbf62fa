/* workloads/pqrs/arrivals/topic.c: see topic.h. An event is judged by the parser of bronze, and its line kept whole: what was landed can be
 * taken by a run as any other source of lines. Bronze itself is the runs': its rows name objects of raw. */
#include "workloads/pqrs/arrivals/topic.h"

#include "base/alloc.h"
#include "workloads/pqrs/bronze/event.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/sim/sim_feed.h"

enum {
	ARRIVED_EVENT_ID,
	ARRIVED_TICKET_ID,
	ARRIVED_EVENT_TYPE,
	ARRIVED_TS,
	ARRIVED_LINE,
	ARRIVED_PARTITION,
	ARRIVED_OFFSET,
	ARRIVED_INCARNATION,
	ARRIVED_DATE,
	ARRIVED_COLUMNS
};
static const struct column_def columns[ARRIVED_COLUMNS] = {
	{.name = "event_id",
		.type = COL_STRING,
		.key = true,
		.id = true,
		.description = "UUID of the event, lower case"},
	{.name = "ticket_id", .type = COL_STRING, .id = true, .description = "UUID of the ticket, lower case"},
	{.name = "event_type",
		.type = COL_STRING,
		.description = "TICKET_CREATED, MESSAGE_ADDED, STATUS_CHANGED or ATTACHMENT_ADDED"},
	{.name = "ts", .type = COL_TIMESTAMP, .description = "when it happened"},
	{.name = "line", .type = COL_STRING, .description = "the event as it came"},
	{.name = "kafka_partition", .type = COL_INT32, .nullable = true, .description = "partition of the topic"},
	{.name = "kafka_offset", .type = COL_INT64, .nullable = true, .description = "offset in the partition"},
	{.name = "kafka_incarnation",
		.type = COL_INT32,
		.nullable = true,
		.description = "how often the topic had been deleted and made again"},
	{.name = "event_date", .type = COL_DATE, .partition = true, .description = "UTC date of ts"},
};
const struct table_schema pqrs_arrived = {
	.name = "pqrs_arrived",
	.layer = "bronze",
	.contract = "pqrs/v2",
	.description = "valid case events as a stream brought them, each with its line",
	.columns = columns,
	.n_columns = ARRIVED_COLUMNS,
};

struct topic_parser {
	struct event_parser *parser;
	struct event event;
	char reason[EVENT_REASON_BYTES];
};

static void topic_close(void *parser)
{
	struct topic_parser *p = parser;
	if (p == NULL) return;
	event_parser_destroy(p->parser);
	mem_free(p);
}

static status topic_open(const void *config, void **parser, struct err *err)
{
	const struct pqrs_config *c = config;
	struct topic_parser *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	const status code = event_parser_create(&p->parser, err);
	if (code != OK) {
		topic_close(p);
		return code;
	}
	event_parser_set_zone(p->parser, c->tz);
	event_parser_set_line_max(p->parser, c->line_bytes_max);
	*parser = p;
	return OK;
}

static status topic_check(const void *parser, struct err *err)
{
	return event_parser_check(((const struct topic_parser *)parser)->parser, err);
}

/* A value is one line: what goes on behind a new line is no event. */
static const char *topic_parse(void *parser, const struct stream_record *r, bool utf8_ok, int64_t *event_us)
{
	struct topic_parser *p = parser;
	if (r->value.n == 0) return "blank";
	const char *limit = r->value.p + r->value.n;
	struct line_cursor c = {.p = r->value.p, .limit = limit + (*limit == '\n'), .utf8_ok = utf8_ok};
	const struct event_reason reason = event_next(p->parser, &c, &p->event);
	if (reason.verdict == EVENT_BLANK) return "blank";
	if (reason.verdict != EVENT_VALID) return event_reason_text(reason, p->reason);
	if (c.p < limit) return "not_json";
	*event_us = p->event.num[BRONZE_TS];
	return NULL;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------------- */

static int64_t topic_part(const void *parser)
{
	return time_utc_date(((const struct topic_parser *)parser)->event.num[BRONZE_TS]);
}

static status topic_part_values(
	const void *parser, int64_t part, struct arena *arena, struct delta_pair *values, struct err *err)
{
	char date[DATE_CHARS];
	(void)parser;
	date_format((int32_t)part, date);
	const char *text = arena_strndup(arena, date, sizeof date);
	if (text == NULL) return fail_nomem(err);
	values[0] = (struct delta_pair){STR("event_date"), {text, DATE_CHARS}};
	return OK;
}

static void topic_settings(const void *config, struct parquet_opts *parquet, size_t *value_bytes_max)
{
	const struct pqrs_config *c = config;
	*parquet = c->parquet;
	*value_bytes_max = c->line_bytes_max;
}

static bool topic_dictionary(const struct column_def *def)
{
	return strcmp(def->name, "event_type") == 0;
}

static void topic_begin(const void *parser, struct builder *b)
{
	(void)parser;
	for (int i = 0; i < EVENT_N; i++)
		(void)builder_intern(&b[ARRIVED_EVENT_TYPE], str_of(pqrs_event_type_names[i]));
}

static void topic_put(const void *parser, struct builder *b, int64_t row)
{
	const struct event *ev = &((const struct topic_parser *)parser)->event;
	builder_set_str(&b[ARRIVED_EVENT_ID], row, ev->str[BRONZE_EVENT_ID]);
	builder_set_str(&b[ARRIVED_TICKET_ID], row, ev->str[BRONZE_TICKET_ID]);
	builder_set_i32(&b[ARRIVED_EVENT_TYPE], row, ev->type);
	builder_set_i64(&b[ARRIVED_TS], row, ev->num[BRONZE_TS]);
	builder_set_str(&b[ARRIVED_LINE], row, ev->line);
}

/* ---- producer ------------------------------------------------------------------------------------------------------------- */

static status topic_maker_open(const void *config, void **maker, struct err *err)
{
	struct sim_feed *feed = NULL;
	TRY(sim_feed_open(config, &feed, err));
	*maker = feed;
	return OK;
}

static void topic_maker_close(void *maker)
{
	sim_feed_close(maker);
}

static status topic_make(void *maker, int64_t i, int64_t at_us, struct stream_made *out, struct err *err)
{
	struct sim_fed fed;
	(void)i;
	(void)at_us;
	TRY(sim_feed_next(maker, &fed, err));
	out->end = fed.line.p == NULL;
	if (out->end) return OK;
	buf_add(&out->value, fed.line.p, fed.line.n);
	buf_add(&out->key, fed.ticket.p, fed.ticket.n);
	return OK;
}

const struct stream_topic pqrs_topic = {
	.name = "pqrs-events",
	.partitions = 3,
	.retention_ms = INT64_C(24) * 3600 * 1000,
	.table = &pqrs_arrived,
	.partition_column = "kafka_partition",
	.position_column = "kafka_offset",
	.incarnation_column = "kafka_incarnation",
	.open = topic_open,
	.close = topic_close,
	.parse = topic_parse,
	.check = topic_check,
	.part = topic_part,
	.part_values = topic_part_values,
	.begin = topic_begin,
	.put = topic_put,
	.settings = topic_settings,
	.dictionary = topic_dictionary,
	.maker_open = topic_maker_open,
	.maker_close = topic_maker_close,
	.make = topic_make,
	.own_times = true,
};
