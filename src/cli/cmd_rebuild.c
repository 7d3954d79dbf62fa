/* cli/cmd_rebuild.c: rebuild: bronze, silver and gold of a lake again, from raw. */
#include "cli/report.h"
#include "cli/run_options.h"
#include "cli/terminal.h"
#include "flow/rebuild.h"
#include "workloads/registry.h"

static void rebuild_json(const struct rebuild_report *r, struct buf *out)
{
	buf_str(out, "{\"lake\":");
	buf_json_str(out, str_of(r->lake));
	buf_printf(out, ",\"resumed\":%s,\"removed\":{\"objects\":%lld,\"bytes\":%lld},\"published\":[",
		r->resumed ? "true" : "false", (long long)r->n_removed, (long long)r->bytes_removed);
	for (size_t i = 0; i < r->n_published; i++) buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", r->published[i]);
	buf_str(out, "],\"runs\":[");
	for (size_t i = 0; i < r->n_runs; i++) {
		if (i > 0) buf_char(out, ',');
		run_report_json(&r->runs[i], out);
	}
	buf_str(out, "]}\n");
}

static void rebuild_text(const struct rebuild_report *r, struct buf *out)
{
	char n[32];
	buf_printf(out, "lake %s\n", r->lake);
	if (r->n_runs == 0) {
		buf_str(out, "nothing to do: no run of it went beyond raw\n");
		return;
	}
	if (r->n_removed > 0)
		buf_printf(out, "removed %s objects, %.1f MB\n", cli_count(r->n_removed, n),
			(double)r->bytes_removed / 1e6);
	for (size_t i = 0; i < r->n_runs; i++) {
		const struct run_report *run = &r->runs[i];
		const struct stage_report *last = NULL;
		for (size_t k = 0; k < run->n_stages; k++)
			if (run->stages[k].done) last = &run->stages[k];
		buf_printf(out, "  run %s  %-6s  ", run->run_id, last != NULL ? last->name : "");
		terminal_word(out, str_of(run_status_name(run->status)), terminal_colours());
		buf_char(out, '\n');
	}
	for (size_t i = 0; i < r->n_published; i++) buf_printf(out, "published run %s again\n", r->published[i]);
}

static status rebuild_print(struct cli *c, const struct rebuild_report *report, struct err *err)
{
	if (c->json)
		rebuild_json(report, &c->out);
	else if (!c->quiet)
		rebuild_text(report, &c->out);
	return cli_print_result(c, err);
}

static status rebuild_with(struct session *s, struct cli *c, void *arg, struct err *err)
{
	struct rebuild_report report = {0};
	struct run_opts o;
	(void)arg;
	session_run_opts(s, &o);
	o.progress = c->progress;
	o.quiet = c->quiet;
	o.publish = !cli_flag(c, "--no-publish");
	const status made = flow_rebuild(&registry_workloads, &o, &report, err);
	const status code = made == OK ? rebuild_print(c, &report, err) : made;
	rebuild_report_deinit(&report);
	return code;
}

static status rebuild_run(struct cli *c, struct err *err)
{
	return cli_with_session(c, SESSION_LAKE | SESSION_CONTROL | SESSION_EXISTING, rebuild_with, NULL, err);
}

static const struct cli_option rebuild_options[] = {{"--no-publish", NULL, "leave the SQL tables as they are"}};
const struct cli_command cli_rebuild_command = {.name = "rebuild",
	.synopsis = "",
	.summary = "bronze, silver and gold again, from raw",
	.details =
		"Removes what follows from raw and makes every run of the lake again, each with the configuration that "
		"it\n"
		"was begun with and in the order of their histories: for a lake of a former layout, and for damaged "
		"tables.\n"
		"Raw objects, run ids and manifest roots stay. It may be stopped or killed at any time: until it was "
		"run\n"
		"again to its end, commands that read or write the tables refuse.",
	.options = rebuild_options,
	.n_options = 1,
	.args_max = 0,
	.run = rebuild_run};
