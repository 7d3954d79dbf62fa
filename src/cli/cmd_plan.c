/* cli/cmd_plan.c: plan (the plan as JSON) and task (run one of its tasks). */
#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "cli/run_options.h"
#include "workloads/registry.h"

static status plan_print(struct session *s, struct cli *c, void *arg, struct err *err)
{
	struct run_opts o;
	(void)arg;
	TRY(cli_run_opts(s, c, &o, err));
	TRY(flow_plan_json(&o, &c->out, err));
	buf_char(&c->out, '\n');
	return cli_print(&c->out, err);
}

static status plan_run(struct cli *c, struct err *err)
{
	return cli_with_session(c, SESSION_LAKE | CLI_CONFIG, plan_print, NULL, err);
}

static status read_spec(const char *path, struct buf *out, struct err *err)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	if (f == NULL) return fail_errno_read(err, errno, "cannot open task %s", path);
	for (;;) {
		uint8_t *dst = buf_reserve(out, 1 << 16);
		if (dst == NULL) break;
		const size_t n = fread(dst, 1, 1 << 16, f);
		buf_commit(out, n);
		if (n == 0) break;
	}
	const bool failed = ferror(f) != 0;
	if (f != stdin) (void)fclose(f);
	if (failed) return fail(err, E_IO, "cannot read task %s", path);
	return buf_check(out, err);
}

static status task_with(struct session *s, struct cli *c, void *spec, struct err *err)
{
	const struct buf *text = spec;
	TRY(flow_task_run_json(
		&registry_workloads, s->lake, (struct str){(const char *)text->p, text->n}, NULL, &c->out, err));
	buf_char(&c->out, '\n');
	return cli_print(&c->out, err);
}

/* First what is cheap to get wrong: who pipes nothing in should not read of a lake. */
static status task_run_spec(struct cli *c, struct buf *spec, struct err *err)
{
	TRY(read_spec(c->args[0], spec, err));
	if (spec->n == 0) return fail(err, E_USAGE, "task %s: an empty document", c->args[0]);
	return cli_with_session(c, SESSION_LAKE | SESSION_EXISTING, task_with, spec, err);
}

static status task_run(struct cli *c, struct err *err)
{
	struct buf spec;
	buf_init(&spec, CONFIG_FILE_BYTES_MAX);
	const status code = task_run_spec(c, &spec, err);
	buf_deinit(&spec);
	return code;
}

static const struct cli_option plan_options[] = {{"--seed", "N", "seed of the simulator"},
	{"--from", "DATE", "first local day"}, {"--to", "DATE", "last local day"},
	{"--emit-from", "DATE", "leave out events before this day"},
	{"--as-of", "TIME", "the instant the run describes"},
	{"--volume", "N", "pqrs: average tickets a day, outside the spike (simulation.spike)"},
	{"--rate", "N", "clickstream: events a second, on average"}, {"--run-id", "UUID", "name the run"},
	{"--input", "PATH...", "take JSONL files (also gzip, zstd), or those of folders, instead of simulating"},
	{"--source", "NAME", "value of source="}};
const struct cli_command cli_plan_command = {.name = "plan",
	.synopsis = "[pqrs | clickstream]",
	.summary = "the plan of a run as JSON",
	.details = "Stages in order; the tasks of a stage share nothing and can run in any order. Stages whose inputs "
		   "are not\n"
		   "committed yet name the stage they wait for. Each task is a document that `pqr task` runs.",
	.options = plan_options,
	.n_options = sizeof plan_options / sizeof plan_options[0],
	.args_max = 1,
	.takes_workload = true,
	.run = plan_run};
const struct cli_command cli_task_command = {.name = "task",
	.synopsis = "SPEC.json|-",
	.summary = "run one task of a plan, result as JSON",
	.details = "  pqr plan | jq '.stages[0].tasks[0]' | pqr task -",
	.args_min = 1,
	.args_max = 1,
	.run = task_run};
