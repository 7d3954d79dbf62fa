/* workloads/pqrs/ingest/ingest.c: what a line of files is to this workload: a case event or none, and when it happened. */
#include "workloads/pqrs/ingest/ingest.h"

#include "flow/ingest.h"
#include "workloads/pqrs/bronze/event.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/contract/raw_event.h"

struct reader {
	struct event_parser *parser;
	struct event event;
	struct event_reason reason; /* of the line that came last */
};

static void next_line(void *ctx, struct line_cursor *c, struct ingest_line *out)
{
	struct reader *r = ctx;
	r->reason = event_next(r->parser, c, &r->event);
	*out = (struct ingest_line){
		.text = r->event.line,
		.blank = r->reason.verdict == EVENT_BLANK,
		.has_ts = r->event.has_ts,
		.valid = r->reason.verdict == EVENT_VALID,
		.type = r->event.type,
		.ts = r->event.has_ts ? r->event.num[BRONZE_TS] : 0,
	};
}

static const char *reason_of_last(void *ctx, char dst[INGEST_REASON_BYTES])
{
	_Static_assert((int)EVENT_REASON_BYTES <= (int)INGEST_REASON_BYTES, "a reason has room");
	return event_reason_text(((const struct reader *)ctx)->reason, dst);
}

static status check_parser(void *ctx, struct err *err)
{
	return event_parser_check(((const struct reader *)ctx)->parser, err);
}

status pqrs_ingest_parser(const struct pqrs_config *config, struct event_parser **out, struct err *err)
{
	struct event_parser *parser = NULL;
	TRY(event_parser_create(&parser, err));
	event_parser_set_zone(parser, config->tz);
	event_parser_set_line_max(parser, config->line_bytes_max);
	*out = parser;
	return OK;
}

status pqrs_ingest_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	(void)view;
	return ingest_plan(inputs, out, err);
}

status pqrs_ingest_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	const struct pqrs_config *config = env->config;
	struct reader r = {0};
	TRY(pqrs_ingest_parser(config, &r.parser, err));
	const struct ingest_reader reader = {
		.ctx = &r,
		.next = next_line,
		.reason = reason_of_last,
		.check = check_parser,
		.types = pqrs_event_type_names,
		.n_types = EVENT_N,
		.table = PQRS_RAW,
		.line_bytes_max = config->line_bytes_max,
		.tz = config->tz,
	};
	const status code = ingest_run(&reader, env, spec, out, err);
	event_parser_destroy(r.parser);
	return code;
}

status pqrs_ingest_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	return ingest_check(view, PQRS_RAW, out, err);
}
