/* cli/cmd_report.c: pqr report: a period's figures as a page to keep or to send. */
#include "base/file.h"
#include "cli/run_options.h"
#include "server/report_page.h"
#include "server/server.h"
#include "workloads/registry.h"

static status print(struct cli *c, struct err *err)
{
	const char *file = cli_get(c, "--output");
	if (file == NULL) return cli_print(&c->out, err);
	return file_replace(file, c->out.p, c->out.n, err);
}

static status report(struct session *s, struct cli *c, struct report_period *period, struct err *err)
{
	struct server *server = NULL;
	TRY(session_connect(s, SESSION_LAKE | SESSION_CONTROL | SESSION_EXISTING | SESSION_LOOK, err));
	TRY(server_open(s, &server, err));
	const status code = report_page_make(server, period, &c->out, err);
	server_close(server);
	TRY(code);
	return print(c, err);
}

static status report_run(struct cli *c, struct err *err)
{
	struct session s = {0};
	struct report_period period;
	const char *text = cli_get(c, "--period");
	if (!cli_flag(c, "--html")) return fail(err, E_USAGE, "pqr report: expected --html, the one form there is");
	if (text == NULL)
		return fail(
			err, E_USAGE, "pqr report: expected --period, as 2026Q1, 2026-02 or 2026-01-15..2026-02-10");
	TRY(report_period_parse(text, &period, err));
	/* With a workload, as the server has it: its zone decides local days. */
	status code = cli_session_open_as(&s, c, registry_workloads.items[0], NULL, 0, err);
	if (code == OK) code = report(&s, c, &period, err);
	session_close(&s);
	return code;
}

static const struct cli_option options[] = {
	{"--html", NULL, "as a page in one file, which shows itself without a server and asks nothing of a network"},
	{"--period", "P", "a quarter (2026Q1), a month (2026-02), a year, or two days (2026-01-15..2026-02-10)"},
	{"--output", "FILE", "where it goes (default: standard output); -o is short for this"},
};

const struct cli_command cli_report_command = {.name = "report",
	.synopsis = "",
	.summary = "the executive figures of a period, as one file",
	.details = "What the dashboard's executive page shows of the period, from the published tables: cases that are "
		   "late\n"
		   "and that will be, volume, compliance with the legal term, backlog; in Spanish and English. A "
		   "period that\n"
		   "goes on is told up to the newest published day, beside as many days before it.\n\n"
		   "  pqr report --html --period 2026Q1 -o informe.html",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = report_run};
