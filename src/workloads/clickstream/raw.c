/* workloads/clickstream/raw.c: raw events, from the producer or from files: what a line of those is to this workload. */
#include "workloads/clickstream/raw.h"

#include "flow/ingest.h"
#include "flow/made_days.h"
#include "workloads/clickstream/config.h"
#include "workloads/clickstream/event.h"
#include "workloads/clickstream/produce.h"
#include "workloads/clickstream/streamed.h"

struct reader {
	struct clickstream_parser parser;
	struct clickstream_event event;
	struct clickstream_reason reason; /* of the line that came last */
};

static void next_line(void *ctx, struct line_cursor *c, struct ingest_line *out)
{
	struct reader *r = ctx;
	r->reason = clickstream_next(&r->parser, c, &r->event);
	*out = (struct ingest_line){
		.text = r->event.line,
		.blank = r->reason.verdict == CLICK_BLANK,
		.has_ts = r->event.has_ts,
		.valid = r->reason.verdict == CLICK_VALID,
		.type = r->event.type,
		.ts = r->event.ts,
	};
}

static const char *reason_of_last(void *ctx, char dst[INGEST_REASON_BYTES])
{
	_Static_assert((int)CLICK_REASON_BYTES <= (int)INGEST_REASON_BYTES, "a reason has room");
	return clickstream_reason_text(((const struct reader *)ctx)->reason, dst);
}

static status check_parser(void *ctx, struct err *err)
{
	return clickstream_parser_check(&((const struct reader *)ctx)->parser, err);
}

status clickstream_raw_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	if (run_makes(view->run)) return clickstream_produce_plan(view, out, err);
	return clickstream_streamed(inputs) ? clickstream_streamed_plan(inputs, out, err)
					    : ingest_plan(inputs, out, err);
}

static status ingest(const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	const struct clickstream_config *c = env->config;
	struct reader r = {0};
	const struct ingest_reader reader = {
		.ctx = &r,
		.next = next_line,
		.reason = reason_of_last,
		.check = check_parser,
		.types = clickstream_type_names,
		.n_types = CLICK_TYPES,
		.table = CLICK_RAW,
		.line_bytes_max = c->common.line_bytes_max,
	};
	clickstream_parser_init(&r.parser, c->common.line_bytes_max);
	const status code = ingest_run(&reader, env, spec, out, err);
	clickstream_parser_deinit(&r.parser);
	return code;
}

status clickstream_raw_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	if (run_makes(env->run)) return clickstream_produce_run(env, spec, out, err);
	return clickstream_streamed(&spec->inputs) ? clickstream_streamed_run(env, spec, out, err)
						   : ingest(env, spec, out, err);
}

/* Of the producer: as many events a day as the rate says, of the days that as_of does not cut. */
static status check_produced(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	const struct run_info *run = view->run;
	const int64_t last = run->as_of < ((int64_t)run->date_to + 1) * US_PER_DAY - 1 ? time_utc_date(run->as_of) - 1
										       : run->date_to;
	const int32_t first = made_days_first(run);
	const int64_t days = last >= first ? last - first + 1 : 0;
	const int64_t least = days * clickstream_events_of_day(view->config), rows = stage_view_rows(view, CLICK_RAW);
	const struct quality q = {.dataset = CLICK_RAW,
		.check_name = "events_of_the_rate",
		.severity = QUALITY_CRITICAL,
		.details = "events = days * 86400 * clickstream.rate, whole days alone",
		.record_count = rows};
	const bool pass = rows >= least && (rows == least || last < run->date_to);
	return quality_add_numbers(out, pass, q, rows, least) ? OK : fail_nomem(err);
}

status clickstream_raw_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	if (run_makes(view->run)) return check_produced(view, out, err);
	return clickstream_streamed(&view->files[0]) ? clickstream_streamed_check(view, out, err)
						     : ingest_check(view, CLICK_RAW, out, err);
}
