/* workloads/clickstream/produce.h: the raw stage of simulated runs: the events of a shop's users.
 *
 * Each day is a function of (seed, first day, rate, users, day): any day can be produced alone. */
#ifndef PQR_CLICKSTREAM_PRODUCE_H
#define PQR_CLICKSTREAM_PRODUCE_H

#include "flow/workload.h"
#include "workloads/clickstream/config.h"
#include "workloads/clickstream/schema.h"

status clickstream_produce_plan(const struct stage_view *view, struct task_list *out, struct err *err) MUST_USE;
status clickstream_produce_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
int64_t clickstream_produce_bytes(const void *config, const struct run_info *run);

/* Event number i of n of a day. */
struct clickstream_made {
	int64_t ts;
	int64_t user;
	enum clickstream_type type;
	enum clickstream_source source;
	char page[24];
	uint8_t id[UUID_BYTES];
};
int64_t clickstream_events_of_day(const struct clickstream_config *c);
void clickstream_make(
	const struct clickstream_config *c, int32_t day, int64_t i, int64_t n, struct clickstream_made *out);
/* Append it as JSON, without a line's end. */
void clickstream_line(const struct clickstream_made *e, struct buf *out);

#endif
