/* workloads/clickstream/topic.c: see topic.h. What an event is stands in event.c, how one is made in produce.c; here they meet the ports of
 * stream/topic.h. */
#include "workloads/clickstream/topic.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "workloads/clickstream/config.h"
#include "workloads/clickstream/event.h"
#include "workloads/clickstream/produce.h"
#include "workloads/clickstream/realtime.h"
#include "workloads/clickstream/schema.h"

struct topic_parser {
	struct clickstream_parser parser;
	struct clickstream_event event;
	char reason[CLICK_REASON_BYTES];
};

static status topic_open(const void *config, void **parser, struct err *err)
{
	const struct clickstream_config *c = config;
	struct topic_parser *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	clickstream_parser_init(&p->parser, c->common.line_bytes_max);
	*parser = p;
	return OK;
}

static void topic_close(void *parser)
{
	struct topic_parser *p = parser;
	if (p == NULL) return;
	clickstream_parser_deinit(&p->parser);
	mem_free(p);
}

static status topic_check(const void *parser, struct err *err)
{
	return clickstream_parser_check(&((const struct topic_parser *)parser)->parser, err);
}

static const char *topic_parse(void *parser, const struct stream_record *r, bool utf8_ok, int64_t *event_us)
{
	struct topic_parser *p = parser;
	const struct clickstream_reason reason = clickstream_parse(&p->parser, r->value, utf8_ok, &p->event);
	*event_us = p->event.ts;
	return reason.verdict == CLICK_VALID ? NULL : clickstream_reason_text(reason, p->reason);
}

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

static int64_t topic_part(const void *parser)
{
	return time_utc_date(((const struct topic_parser *)parser)->event.ts);
}

/* The run that rows of the topic belong to: one for all of them, named by the topic's name alone. */
static const char *stream_run(struct arena *arena)
{
	uint8_t hash[XXH128_BYTES];
	char text[UUID_CHARS];
	static const char name[] = "pqr-stream/user-events";
	hash_xxh128(name, sizeof name - 1, hash);
	hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80); /* RFC 9562, version 8: vendor-specific */
	hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
	uuid_format(hash, text);
	return arena_strndup(arena, text, sizeof text);
}

static status topic_part_values(
	const void *parser, int64_t part, struct arena *arena, struct delta_pair *values, struct err *err)
{
	char date[DATE_CHARS];
	(void)parser;
	date_format((int32_t)part, date);
	const char *text = arena_strndup(arena, date, sizeof date), *run = stream_run(arena);
	if (text == NULL || run == NULL) return fail_nomem(err);
	values[0] = (struct delta_pair){STR("event_date"), {text, DATE_CHARS}};
	values[1] = (struct delta_pair){STR("run_id"), {run, UUID_CHARS}};
	return OK;
}

static void topic_settings(const void *config, struct parquet_opts *parquet, size_t *value_bytes_max)
{
	const struct clickstream_config *c = config;
	*parquet = c->common.parquet;
	*value_bytes_max = c->common.line_bytes_max;
}

static bool topic_dictionary(const struct column_def *def)
{
	return strcmp(def->name, "event_type") == 0 || strcmp(def->name, "source") == 0;
}

/* The words in the order of their enums: their numbers are their places in the dictionary. */
static void topic_begin(const void *parser, struct builder *columns)
{
	(void)parser;
	for (int i = 0; i < CLICK_TYPES; i++)
		(void)builder_intern(&columns[EVENTS_TYPE], str_of(clickstream_type_names[i]));
	for (int i = 0; i < CLICK_SOURCES; i++)
		(void)builder_intern(&columns[EVENTS_SOURCE], str_of(clickstream_source_names[i]));
}

static void topic_put(const void *parser, struct builder *columns, int64_t row)
{
	const struct clickstream_event *ev = &((const struct topic_parser *)parser)->event;
	builder_set_str(&columns[EVENTS_ID], row, (struct str){ev->id, sizeof ev->id});
	builder_set_i64(&columns[EVENTS_USER], row, ev->user);
	builder_set_i32(&columns[EVENTS_TYPE], row, ev->type);
	builder_set_str(&columns[EVENTS_PAGE], row, ev->page);
	builder_set_i64(&columns[EVENTS_TIMESTAMP], row, ev->ts);
	builder_set_i32(&columns[EVENTS_SOURCE], row, ev->source);
	if (ev->extra.n > 0) builder_set_str(&columns[EVENTS_EXTRA], row, ev->extra);
}

static uint32_t topic_kind(const void *parser)
{
	const struct clickstream_event *ev = &((const struct topic_parser *)parser)->event;
	return CLICK_KIND(ev->type, ev->source);
}

/* ---- producer ----------------------------------------------------------------------------------------------------------- */

/* Events a day, as the numbers go: they decide who is active and how many users there are, not when anything happens. */
#define DAY_EVENTS INT64_C(432000) /* 5 a second */

static status topic_make(void *maker, int64_t i, int64_t at_us, struct stream_made *out, struct err *err)
{
	const struct clickstream_config *c = maker;
	struct clickstream_made made;
	clickstream_make(c, c->date_from + (int32_t)(i / DAY_EVENTS), i % DAY_EVENTS, DAY_EVENTS, &made);
	made.ts = at_us;
	(void)err;
	clickstream_line(&made, &out->value);
	buf_i64(&out->key, made.user);
	return OK;
}

const struct stream_topic clickstream_topic = {
	.name = "user-events",
	.partitions = 3,
	.retention_ms = INT64_C(24) * 3600 * 1000,
	.table = &clickstream_bronze_events,
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
	.windows = &clickstream_windows,
	.kind = topic_kind,
	.make = topic_make,
};
