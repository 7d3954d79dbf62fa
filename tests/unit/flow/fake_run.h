/* tests/unit/flow/fake_run.h: runs of the fake workload in a lake of their own. */
#ifndef PQR_TESTS_FAKE_RUN_H
#define PQR_TESTS_FAKE_RUN_H

#include "lake.h"

#include "fake_workload.h"

static inline struct run_opts options(const struct lake *l)
{
	struct run_opts o;
	run_opts_init(&o);
	o.workload = &fake_workload;
	o.lake = l->store;
	o.control = l->control;
	o.threads = 2;
	o.config = STR("{\"name\":\"fake\",\"rows\":40}");
	o.progress = false;
	o.quiet = true;
	o.retry_delay_us = 0;
	return o;
}

static inline status run(struct lake *l, const struct run_opts *o, struct run_report *r)
{
	run_report_init(r);
	return flow_run(o, r, &l->err);
}

/* Runs and drops the report. */
static inline status run_plain(struct lake *l, const struct run_opts *o)
{
	struct run_report r;
	const status code = run(l, o, &r);
	run_report_deinit(&r);
	return code;
}

static inline void status_is(struct lake *l, const char *want)
{
	char line[32];
	(void)snprintf(line, sizeof line, "%s\n", want);
	lake_query_is(l, "SELECT status FROM meta.runs", line);
}

static inline int reset(void **state)
{
	(void)state;
	fault_reset();
	cancel_reset();
	log_setup(LOG_OFF, LOG_TEXT);
	return 0;
}

#endif
