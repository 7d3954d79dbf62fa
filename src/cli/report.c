/* cli/report.c: what a run tells at its end: stages, balance of lines, quality, KPIs. A refused run has nothing to tell.
 *
 * The SQL tables may hold another run than the one told of; then their KPIs are not shown. Must not know how a run is made.
 */
#include "cli/report.h"

#include <stdio.h>

#include "app/observe.h"
#include "cli/table.h"
#include "cli/terminal.h"

/* What stands in a cell of a count that says nothing. */
static const char *count_or_dash(int64_t n, char dst[32])
{
	return n != 0 ? cli_count(n, dst) : "-";
}

static const char *decimals(double v, int digits, bool known, char dst[32])
{
	if (known)
		(void)snprintf(dst, 32, "%.*f", digits, v);
	else
		(void)snprintf(dst, 32, "-");
	return dst;
}

static void add_stage(const struct stage_report *s, int width, struct buf *out)
{
	char n[6][32];
	const double seconds = (double)s->us / 1e6;
	const int64_t bytes = s->bytes_in > 0 ? s->bytes_in : s->bytes_out; /* the simulator reads nothing */
	buf_printf(out, "  %-*s %6s %11s %11s %9s %9s %9s%s\n", width, s->name, cli_count(s->n_tasks, n[0]),
		count_or_dash(s->rows_in, n[1]), cli_count(s->rows_out, n[2]),
		decimals((double)s->bytes_out / 1e6, 1, s->bytes_out > 0, n[3]), decimals(seconds, 3, s->us > 0, n[4]),
		decimals(s->us > 0 ? (double)bytes / 1e6 / seconds : 0, 0, s->us > 0 && bytes > 0, n[5]),
		s->skipped               ? " (before)"
		: s->n_tasks_resumed > 0 ? " (resumed)"
					 : "");
}

static void add_stages(const struct run_report *r, struct buf *out)
{
	int64_t us = 0;
	int width = 8;
	for (size_t i = 0; i < r->n_stages; i++) {
		const int n = (int)strlen(r->stages[i].name);
		width = n > width ? n : width;
	}
	buf_printf(out, "\n  %-*s %6s %11s %11s %9s %9s %9s\n", width, "stage", "tasks", "rows in", "rows out",
		"MB out", "seconds", "MB/s");
	for (size_t i = 0; i < r->n_stages; i++) {
		const struct stage_report *s = &r->stages[i];
		us += s->us;
		if (s->done)
			add_stage(s, width, out);
		else
			buf_printf(out, "  %-*s %6s\n", width, s->name, "-");
	}
	if (us > 0) buf_printf(out, "  %-*s %48.3f\n", width, "total", (double)us / 1e6);
}

static status is_run(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	const char **run_id = arg;
	(void)err;
	if (n == 1 && str_is(values[0].text, *run_id)) *run_id = NULL;
	return OK;
}

/* The SQL tables hold the run of its workload that was published last, which need not be this one. */
static status add_kpis(
	struct session *s, const struct workload *w, const char *run_id, struct buf *out, struct err *err)
{
	const char *other = run_id; /* until it is found to be the one */
	const char *params[] = {w->name};
	const struct control_select newest = {
		"SELECT c.run_id FROM meta.stage_commits AS c JOIN meta.runs AS r ON r.run_id = c.run_id "
		"WHERE c.stage = 'publish' AND r.workload = $1 ORDER BY c.committed_at DESC, c.run_id LIMIT 1",
		params, 1};
	TRY(control_query(s->control, &newest, is_run, &other, err));
	if (other != NULL) {
		buf_printf(out, "\nThe SQL tables hold a run that was published later.\n");
		return OK;
	}
	for (size_t i = 0; i < w->n_kpis; i++) {
		const struct control_select q = {w->kpis[i].sql, NULL, 0};
		buf_printf(out, "\n%s\n", w->kpis[i].title);
		TRY(cli_table(s->control, &q, "  ", out, NULL, err));
	}
	return OK;
}

void report_reasons(const struct counter_list *l, const char *kind, const char *in, struct buf *out)
{
	char n[32];
	bool any = false;
	const size_t chars = strlen(kind);
	for (size_t i = 0; i < l->n; i++) {
		const struct counter *c = &l->items[i];
		if (strncmp(c->name, kind, chars) != 0 || c->name[chars] != ':') continue;
		if (any)
			buf_str(out, ", ");
		else
			buf_printf(out, "  %s: ", kind);
		any = true;
		buf_printf(out, "%s %s", cli_count(c->value, n), c->name + chars + 1);
	}
	if (any && in != NULL) buf_printf(out, "; in %s", in);
	if (any) buf_char(out, '\n');
}

static void add_reasons(const struct run_report *r, struct buf *out)
{
	enum { RUN_CHARS = 8 };
	report_reasons(&r->reasons, "rejects", r->rejects_in, out);
	report_reasons(&r->reasons, "quarantine", "silver.quarantine", out);
	if (r->reasons.n > 0) buf_printf(out, "  `pqr rejects --run %.*s` shows each\n", RUN_CHARS, r->run_id);
}

static status report_text(struct session *s, const struct workload *w, const struct run_report *r, bool finished,
	struct buf *out, struct err *err)
{
	char n[5][32];
	buf_printf(out, "run %s  ", r->run_id);
	terminal_word(out, str_of(run_status_name(r->status)), terminal_colours());
	const char *why = r->n_stages > 0 ? "  nothing to do: it was finished before"
					  : "  nothing to do: the input holds no line";
	buf_printf(out, "%s\n", r->nothing_to_do ? why : "");
	buf_printf(out, "lake %s\n", r->lake);
	if (r->n_history > 0)
		buf_printf(out, "continues %s run%s of this lake, the last of them %s\n",
			cli_count((int64_t)r->n_history, n[0]), r->n_history == 1 ? "" : "s",
			r->history[r->n_history - 1]);
	if (r->root[0] != '\0') buf_printf(out, "manifest root %s\n", r->root);
	if (r->n_stages == 0 || !r->stages[0].done) return OK; /* nothing to tell yet */
	add_stages(r, out);
	if (r->n_stages < 2 || !r->stages[1].done) {
		if (r->reasons.n > 0) buf_char(out, '\n');
		add_reasons(r, out);
		return OK;
	}
	const bool streamed = r->rows_raw == 0 && r->rows_rejected == 0 && r->rows_bronze > 0;
	if (streamed)
		buf_printf(out, "\n  %s bronze rows that a stream appended\n", cli_count(r->rows_bronze, n[0]));
	else
		buf_printf(out, "\n  %s raw lines = %s bronze rows + %s duplicates + %s rejects\n",
			cli_count(r->rows_raw, n[0]), cli_count(r->rows_bronze, n[1]),
			cli_count(r->rows_duplicate, n[2]), cli_count(r->rows_rejected, n[3]));
	add_reasons(r, out);
	buf_printf(out, "  quality: %s passed, %s warning%s, %s failed%s\n", cli_count(r->quality_pass, n[0]),
		cli_count(r->quality_warn, n[1]), r->quality_warn == 1 ? "" : "s", cli_count(r->quality_fail, n[2]),
		r->quality_warn + r->quality_fail > 0 ? "; `pqr quality` says which and why" : "");
	const struct stage_report *last = r->n_stages > 0 ? &r->stages[r->n_stages - 1] : NULL;
	if (finished && last != NULL && strcmp(last->name, "publish") == 0 && last->done)
		return add_kpis(s, w, r->run_id, out, err);
	return OK;
}

/* A run that was refused has nothing to show, not even its status. */
static status report_print(struct session *s, struct cli *c, const struct run_opts *o, const struct run_report *report,
	bool finished, struct err *err)
{
	if (c->json) {
		run_report_json(report, &c->out);
		buf_char(&c->out, '\n');
	} else if (!c->quiet) {
		TRY(report_text(s, o->workload, report, finished, &c->out, err));
	}
	return cli_print_result(c, err);
}

status report_run(struct session *s, struct cli *c, const struct run_opts *o, struct err *err)
{
	ASSERT(o->workload != NULL && o->lake != NULL);
	struct run_report report;
	run_report_init(&report);
	struct run_opts watched = *o;
	struct observe observe;
	observe_start(&observe, s->engine.lineage_url, &watched);
	const status code = flow_run(&watched, &report, err);
	observe_stop(&observe);
	status printed = OK;
	if (code == OK || report.n_stages > 0)
		printed = report_print(s, c, o, &report, code == OK, code == OK ? err : NULL);
	run_report_deinit(&report);
	return code != OK ? code : printed;
}
