#include "cli/report.h"

#include <stdio.h>

#include "cli/table.h"

static void add_stages(const struct run_report *r, struct buf *out)
{
	char n[4][32];
	buf_printf(out, "  %-8s %6s %12s %12s %9s %9s %9s\n", "stage", "tasks", "rows in", "rows out", "MB out",
		"seconds", "MB/s");
	for (size_t i = 0; i < r->n_stages; i++) {
		const struct stage_report *s = &r->stages[i];
		if (!s->done) {
			buf_printf(out, "  %-8s %6s\n", s->name, "-");
			continue;
		}
		const double seconds = (double)s->us / 1e6;
		const int64_t bytes = s->bytes_in > 0 ? s->bytes_in : s->bytes_out; /* the simulator reads nothing */
		buf_printf(out, "  %-8s %6s %12s %12s %9.1f %9.3f %9.0f%s\n", s->name, cli_count(s->n_tasks, n[0]),
			cli_count(s->rows_in, n[1]), cli_count(s->rows_out, n[2]), (double)s->bytes_out / 1e6, seconds,
			seconds > 0 ? (double)bytes / 1e6 / seconds : 0,
			s->skipped               ? "  (done before)"
			: s->n_tasks_resumed > 0 ? "  (resumed)"
						 : "");
	}
}

static const struct {
	const char *title, *sql;
} kpis[] = {
	{"SLA by type (closed tickets)",
		"SELECT pqrs_type AS type, SUM(closed_count) AS closed, SUM(overdue_count) AS late, "
		"ROUND(100.0 * (SUM(closed_count) - SUM(overdue_count)) / SUM(closed_count), 2) AS within_sla_pct "
		"FROM gold.kpi_sla_daily GROUP BY pqrs_type ORDER BY pqrs_type"},
	{"Backlog on the last day",
		"SELECT pqrs_type AS type, SUM(backlog_count) AS open FROM gold.kpi_backlog_daily "
		"WHERE day = (SELECT MAX(day) FROM gold.kpi_backlog_daily) GROUP BY pqrs_type ORDER BY pqrs_type"},
	{"Volume by month", "SELECT SUBSTR(CAST(day AS TEXT), 1, 7) AS month, SUM(total_tickets) AS tickets, "
			    "SUM(petitions) AS petitions, "
			    "SUM(complaints) AS complaints, SUM(claims) AS claims, SUM(suggestions) AS suggestions "
			    "FROM gold.daily_kpis GROUP BY 1 ORDER BY 1"},
};

static status add_kpis(struct session *s, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < sizeof kpis / sizeof kpis[0]; i++) {
		const struct control_select q = {.sql = kpis[i].sql};
		buf_printf(out, "\n%s\n", kpis[i].title);
		TRY(cli_table(s->control, &q, out, NULL, err));
	}
	return OK;
}

status report_text(struct session *s, const struct run_report *r, bool finished, struct buf *out, struct err *err)
{
	char n[5][32];
	buf_printf(out, "run %s  %s%s\n", r->run_id, run_status_name(r->status),
		r->nothing_to_do ? "  nothing to do: it was finished before" : "");
	buf_printf(out, "lake %s\n", r->lake);
	if (r->root[0] != '\0') buf_printf(out, "manifest root %s\n", r->root);
	buf_char(out, '\n');
	add_stages(r, out);
	buf_printf(out, "\n  %s raw lines = %s bronze rows + %s duplicates + %s rejects\n",
		cli_count(r->rows_raw, n[0]), cli_count(r->rows_bronze, n[1]), cli_count(r->rows_duplicate, n[2]),
		cli_count(r->rows_rejected, n[3]));
	buf_printf(out, "  quality: %lld passed, %lld warnings, %lld failed   (pqr quality)\n",
		(long long)r->quality_pass, (long long)r->quality_warn, (long long)r->quality_fail);
	const struct stage_report *last = r->n_stages > 0 ? &r->stages[r->n_stages - 1] : NULL;
	if (finished && last != NULL && strcmp(last->name, "publish") == 0 && last->done) return add_kpis(s, out, err);
	return OK;
}
