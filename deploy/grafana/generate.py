#!/usr/bin/env python3
"""Writes dashboards/*.json with Grafana's own SDK. Usage: generate.py [FOLDER]; default: dashboards beside this file.

tests/bi/test_grafana.py holds the files to this program, reads them back through the SDK and runs every query against PostgreSQL and
Prometheus. SQL here selects from published tables and views, as role pqr_bi; each query reads by the leading column of a key, so that it
takes as long with ten times the tickets. No panel reads a table that has a row a ticket.
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.builders import barchart, dashboard, stat, table, timeseries
from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import prometheus as prom
from grafana_foundation_sdk.cog import builder as cog_builder
from grafana_foundation_sdk.cog import plugins, runtime, variants
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

POSTGRES = model.DataSourceRef(type_val="grafana-postgresql-datasource", uid="pqr-postgres")
PROMETHEUS = model.DataSourceRef(type_val="prometheus", uid="pqr-prometheus")
DAY = "(SELECT max(day) FROM gold.kpi_volume_national_daily)"  # the last day that the published run describes
EVENT_DAY = "(SELECT max(event_date) FROM gold.daily_active_users)"
TYPES = {"P": "Petitions", "Q": "Complaints", "R": "Claims", "S": "Suggestions"}


class Sql(variants.Dataquery, cog_builder.Builder):
    """A query of Grafana's PostgreSQL data source, which the SDK has no class for."""

    KEYS = {"refId", "rawSql", "format", "rawQuery", "editorMode"}

    def __init__(self, text, time_series=False):
        self.payload = {"refId": "A", "rawSql": text, "format": "time_series" if time_series else "table", "rawQuery": True, "editorMode": "code"}

    def build(self):
        return self

    def to_json(self):
        return self.payload

    @classmethod
    def from_json(cls, data):
        if set(data) != cls.KEYS or data["format"] not in ("time_series", "table"):
            raise ValueError(f"not a query of PostgreSQL: {data}")
        query = cls(data["rawSql"])
        query.payload = dict(data)
        return query


def series(text):
    """SQL that gives time, metric, value; rows may come in any number a time."""
    return Sql(text, time_series=True)


def promql(expression, legend="", instant=False, ref="A"):
    query = prom.Dataquery().expr(expression).ref_id(ref).legend_format(legend or "__auto")
    return query.instant().format(PromQueryFormat.TABLE if instant == "table" else PromQueryFormat.TIME_SERIES) if instant else query.range()


def panel(kind, title, description, query, width, height=8, unit=units.Short, decimals=None):
    """Panel of 24 columns' width; all queries are of one data source."""
    queries = query if isinstance(query, list) else [query]
    made = kind.title(title).description(description).span(width).height(height).unit(unit)
    made = made.datasource(POSTGRES if isinstance(queries[0], Sql) else PROMETHEUS)
    if decimals is not None:
        made = made.decimals(decimals)
    return made.targets(queries)


def steps(*bounds):
    """green below the first bound, then the named colours from each bound on."""
    levels = [model.Threshold(color="green", value=None)] + [model.Threshold(color=c, value=v) for v, c in bounds]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(levels)


def number(thresholds=None, text_mode=common.BigValueTextMode.AUTO):
    made = stat.Panel().graph_mode(common.BigValueGraphMode.NONE).text_mode(text_mode)
    made = made.reduce_options(common_builder.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    return made.thresholds(thresholds or steps()).color_mode(common.BigValueColorMode.VALUE)


def lines(stacked=False):
    made = timeseries.Panel().line_width(1).fill_opacity(25 if stacked else 0).show_points(common.VisibilityMode.AUTO)
    made = made.legend(common_builder.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST).placement(common.LegendPlacement.BOTTOM).show_legend(True))
    if stacked:
        made = made.stacking(common_builder.StackingConfig().mode(common.StackingMode.NORMAL))
    return made


def bars(axis):
    made = barchart.Panel().fill_opacity(80).line_width(1).gradient_mode(common.GraphGradientMode.NONE).orientation(common.VizOrientation.HORIZONTAL).x_field(axis).show_value(common.VisibilityMode.AUTO)
    return made.legend(common_builder.VizLegendOptions().show_legend(False).display_mode(common.LegendDisplayMode.LIST).placement(common.LegendPlacement.BOTTOM))


def rows():
    return table.Panel().align(common.FieldTextAlignment.AUTO).inspect(False)


def start(title, uid, description, since, refresh, zone="browser"):
    """zone: "utc" where times are local dates, which PostgreSQL gives as midnight UTC: elsewhere they would be of the day before."""
    made = dashboard.Dashboard(title).uid(uid).description(description).tags(["pqr"]).timezone(zone).readonly().refresh(refresh)
    return made.time(since, "now").tooltip(model.DashboardCursorSync.CROSSHAIR)


def lakehouse():
    """Batch figures above, the stream's below them, as both layers have them now."""
    newest = "of the newest UTC date in gold"
    made = start("Lakehouse Platform Overview", "pqr-lakehouse", "Clickstream: what the batch layer knows, and the stream beside it.", "now-1h", "10s")
    made.with_row(dashboard.Row("Batch layer: the newest date"))
    for title, column, origin, unit, digits in (
        ("Daily Active Users", "dau_count", "gold.daily_active_users", units.Short, 0),
        ("Conversion Rate", "conversion_rate", "gold.conversion_rate_daily", units.PercentUnit, 1),
        ("Total Purchases", "total_purchases", "gold.conversion_rate_daily", units.Short, 0),
        ("Total Events", "sum(event_count)", "gold.events_per_source_daily", units.Short, 0),
    ):
        sql = f'SELECT {column} AS "{title}" FROM {origin} WHERE event_date = {EVENT_DAY}'
        made.with_panel(panel(number(), title, f"{origin}, {newest}", Sql(sql), 6, 5, unit, digits))
    made.with_row(dashboard.Row("Speed layer: as it comes"))
    made.with_panel(panel(lines(stacked=True), "Event Stream", "realtime.events_per_minute: events a minute by type", series(
        "SELECT window_start AS time, event_type AS metric, event_count AS value FROM realtime.events_per_minute\n"
        "WHERE $__timeFilter(window_start) ORDER BY 1, 2"), 12, 9))
    made.with_panel(panel(lines(stacked=True), "Logins per Source", "realtime.logins_per_source: logins a minute, web and mobile", series(
        "SELECT window_start AS time, source AS metric, login_count AS value FROM realtime.logins_per_source\n"
        "WHERE $__timeFilter(window_start) ORDER BY 1, 2"), 12, 9))
    made.with_row(dashboard.Row("Batch layer: pages"))
    made.with_panel(panel(bars("page"), "Top Pages by Purchases", "gold.purchases_per_page_daily, the last 30 dates", Sql(
        "SELECT page, sum(purchase_count)::bigint AS purchases FROM gold.purchases_per_page_daily\n"
        f"WHERE event_date > {EVENT_DAY} - 30 GROUP BY page ORDER BY purchases DESC, page LIMIT 10"), 24, 9))
    return made


def executive():
    made = start("PQRS executive", "pqr-executive", "Volume, compliance with the legal term, backlog and territory of the published run.", "now-2y", "5m", "utc")
    choice = {"text": "All", "value": "$__all"}
    made.with_variable(dashboard.CustomVariable("pqrs_type").label("Type").values(", ".join(f"{v} : {k}" for k, v in TYPES.items())).multi(True).include_all(True)
                       .current(model.VariableOption(selected=True, text=choice["text"], value=choice["value"])))
    ours, recent = "pqrs_type IN ($pqrs_type)", f"day > {DAY} - 30 AND pqrs_type IN ($pqrs_type)"
    made.with_row(dashboard.Row("The last 30 days of the published run"))
    late = f"SELECT 100.0 * sum(overdue_count) / nullif(sum(closed_count), 0) AS \"Late\" FROM gold.kpi_sla_daily WHERE {recent}"
    for title, description, sql, unit, digits, levels in (
        ("Created", "tickets created", f'SELECT sum(tickets_count)::bigint AS "Created" FROM gold.kpi_volume_national_daily WHERE {recent}', units.Short, 0, ()),
        ("Closed", "tickets closed", f'SELECT sum(closed_count)::bigint AS "Closed" FROM gold.kpi_sla_daily WHERE {recent}', units.Short, 0, ()),
        ("Answered late", "of the closed, those answered after their due date; 12 % is the alert's bound", late, units.Percent, 1, ((8, "orange"), (12, "red"))),
        ("Days late", "mean days after the due date, of those answered late",
         f'SELECT sum(avg_overdue_days * overdue_count) / nullif(sum(overdue_count), 0) AS "Days late" FROM gold.kpi_sla_daily WHERE {recent}', units.Short, 1, ()),
        ("Open now", "tickets not closed at the end of the last day",
         f'SELECT sum(backlog_count)::bigint AS "Open now" FROM gold.kpi_backlog_daily WHERE day = {DAY} AND {ours}', units.Short, 0, ()),
        ("Open, change", "open tickets against 30 days before",
         'SELECT 100.0 * (now.n - before.n) / nullif(before.n, 0) AS "Change"\n'
         f"FROM (SELECT sum(backlog_count) AS n FROM gold.kpi_backlog_daily WHERE day = {DAY} AND {ours}) AS now,\n"
         f"  (SELECT sum(backlog_count) AS n FROM gold.kpi_backlog_daily WHERE day = {DAY} - 30 AND {ours}) AS before", units.Percent, 1, ((10, "orange"), (20, "red"))),
    ):
        made.with_panel(panel(number(steps(*levels)), title, description, Sql(sql), 4, 5, unit, digits))
    during = f"$__timeFilter(day) AND {ours}"
    made.with_row(dashboard.Row("Volume"))
    made.with_panel(panel(lines(stacked=True), "Created by type", "tickets created a day", series(
        "SELECT day::timestamp AS time, pqrs_type AS metric, sum(tickets_count)::bigint AS value FROM gold.kpi_volume_national_daily\n"
        f"WHERE {during} GROUP BY 1, 2 ORDER BY 1, 2"), 12))
    made.with_panel(panel(lines(), "Created by channel, mean of 7 days", "the mean over the day and the six before it", series(
        "SELECT day::timestamp AS time, channel AS metric, sum(tickets_mavg_7d) AS value FROM gold.kpi_volume_national_daily\n"
        f"WHERE {during} GROUP BY 1, 2 ORDER BY 1, 2"), 12))
    made.with_row(dashboard.Row("Compliance and backlog"))
    made.with_panel(panel(lines(), "Within the legal term by month", "% of the closed, by month of closing", series(
        "SELECT to_date(month, 'YYYY-MM')::timestamp AS time, pqrs_type AS metric, within_sla_pct AS value FROM analytics.v_sla_summary\n"
        f"WHERE {ours} ORDER BY 1, 2"), 12, unit=units.Percent, decimals=1))
    made.with_panel(panel(lines(stacked=True), "Open at the end of the day", "backlog by type", series(
        "SELECT day::timestamp AS time, pqrs_type AS metric, sum(backlog_count)::bigint AS value FROM gold.kpi_backlog_daily\n"
        f"WHERE {during} GROUP BY 1, 2 ORDER BY 1, 2"), 12))
    made.with_row(dashboard.Row("Territory"))
    made.with_panel(panel(bars("department"), "Open by department", "the 15 with most open tickets", Sql(
        f"SELECT region AS department, sum(backlog_count)::bigint AS open FROM gold.kpi_backlog_daily WHERE day = {DAY} AND {ours}\n"
        "GROUP BY region ORDER BY open DESC, region LIMIT 15"), 12, 11))
    made.with_panel(panel(rows(), "Municipalities answered late most", "closed in the last 30 days, by DANE code", Sql(
        "SELECT department_name AS department, dane_city_code AS municipality, sum(closed_count)::bigint AS closed, sum(overdue_count)::bigint AS late,\n"
        "  round(100.0 * sum(overdue_count) / sum(closed_count), 1) AS late_pct\n"
        f"FROM gold.kpi_sla_geo_daily WHERE {recent} GROUP BY 1, 2 ORDER BY late DESC, municipality LIMIT 15"), 12, 11))
    return made


def operations():
    made = start("PQR operations", "pqr-operations", "Runs, quality, schedules, streams and the machines under them.", "now-24h", "30s")
    made.with_row(dashboard.Row("Runs"))
    made.with_panel(panel(number(text_mode=common.BigValueTextMode.NAME), "Newest run", "status of each workload's newest run", promql("pqr_last_run_status == 1", "{{workload}}: {{status}}", True), 6, 5))
    made.with_panel(panel(number(steps((86400, "orange"), (93600, "red"))), "Since the last success", "red after 26 hours, as alert PqrNoSuccess", promql(
        "time() - pqr_last_success_timestamp_seconds", "{{workload}}", True), 6, 5, units.Seconds, 0))
    made.with_panel(panel(number(), "Checks of the newest run", "by result", promql("sum by (workload, result) (pqr_quality_checks)", "{{workload}} {{result}}", True), 6, 5))
    made.with_panel(panel(number(steps((1, "red"))), "Leases run out", "nobody renews them or took them over", promql("sum(pqr_leases_expired)", "leases", True), 6, 5))
    made.with_panel(panel(lines(), "Seconds by stage", "of the newest run", promql("pqr_run_duration_seconds", "{{workload}} {{stage}}"), 8, unit=units.Seconds))
    made.with_panel(panel(lines(), "Rows written", "over all runs", promql('pqr_stage_records_total{direction="out"}', "{{workload}} {{stage}}"), 8))
    made.with_panel(panel(lines(), "Bytes written", "over all runs", promql('pqr_stage_bytes_total{direction="out"}', "{{workload}} {{stage}}"), 8, unit=units.BytesIEC))
    made.with_panel(panel(lines(), "Tasks that failed or were tried again", "in the last hour", [
        promql("sum by (stage) (increase(pqr_task_failures_total[1h]))", "{{stage}} failed"), promql("sum by (stage) (increase(pqr_task_retries_total[1h]))", "{{stage}} again", ref="B")], 8))
    made.with_panel(panel(lines(), "Lines kept out", "rejects by reason, over all runs", promql("pqr_rejected_records_total", "{{reason}}"), 8))
    made.with_panel(panel(lines(), "Commands of schedules", "in the last hour", [
        promql("increase(pqr_schedule_runs_total[1h])", "{{schedule}}"), promql("increase(pqr_schedule_failures_total[1h])", "{{schedule}} failed", ref="B")], 8))
    made.with_row(dashboard.Row("The office"))
    made.with_panel(panel(lines(stacked=True), "Open tickets", "pqr_backlog by type", promql("pqr_backlog", "{{pqrs_type}}"), 12, 7))
    made.with_panel(panel(lines(), "Share answered late", "alert PqrBreachRate from 12 % on", promql("pqr:sla_breaches:ratio", "late"), 12, 7, units.PercentUnit, 1))
    made.with_row(dashboard.Row("Streams"))
    made.with_panel(panel(lines(), "Records a second", "taken by members", promql("sum by (command, topic) (rate(pqr_stream_records_total[1m]))", "{{command}} {{topic}}"), 6))
    made.with_panel(panel(lines(), "Lag", "records behind the end of each partition", promql("sum by (command, topic, partition) (pqr_stream_lag_records)", "{{command}} {{topic}} {{partition}}"), 6))
    made.with_panel(panel(lines(), "Seconds, 95th percentile", "of a commit; from a record's time stamp to its commit", [
        promql("histogram_quantile(0.95, sum by (command, le) (rate(pqr_stream_commit_seconds_bucket[5m])))", "{{command}}: commit"),
        promql("histogram_quantile(0.95, sum by (command, le) (rate(pqr_stream_end_to_end_seconds_bucket[5m])))", "{{command}}: end to end", ref="B")], 6, unit=units.Seconds))
    made.with_panel(panel(lines(), "Late and rejected", "records a second", [
        promql("sum(rate(pqr_stream_late_records_total[5m]))", "late"), promql("sum by (reason) (rate(pqr_stream_rejected_records_total[5m]))", "{{reason}}", ref="B")], 6))
    made.with_row(dashboard.Row("Dask"))
    made.with_panel(panel(lines(stacked=True), "Workers", "of the scheduler, by state", promql("sum by (state) (dask_scheduler_workers)", "{{state}}"), 8, 7))
    made.with_panel(panel(lines(stacked=True), "Tasks", "that the scheduler knows, by state", promql("sum by (state) (dask_scheduler_tasks)", "{{state}}"), 8, 7))
    made.with_panel(panel(lines(), "Clients", "connected to the scheduler", promql("sum(dask_scheduler_clients)", "clients"), 8, 7))
    made.with_row(dashboard.Row("What is watched"))
    made.with_panel(panel(rows(), "Alerts", "that fire now", promql('ALERTS{alertstate="firing"}', instant="table"), 8, 7))
    made.with_panel(panel(lines(), "Targets", "1: answered the last scrape", promql("up", "{{job}} {{instance}}"), 8, 7))
    made.with_panel(panel(lines(), "Disk left", "of each file system; alert PqrDiskFull below a tenth", promql(
        'node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs"} / node_filesystem_size_bytes', "{{instance}} {{mountpoint}}"), 8, 7, units.PercentUnit, 0))
    return made


BOARDS = {"lakehouse": lakehouse, "pqrs": executive, "operations": operations}


def read(text):
    """A dashboard as the SDK understands it, written again: what it does not know is gone, what is of a wrong kind raises."""
    plugins.register_default_plugins()
    runtime.register_dataquery_variant(runtime.DataqueryConfig(identifier=POSTGRES.type_val, from_json_hook=Sql.from_json))
    return written(model.Dashboard.from_json(json.loads(text)))


def numbered(board):
    """Each panel with an id of its own: rows have 0 otherwise."""
    for number_of, item in enumerate(board.panels, start=1):
        item.id_val = number_of
    return board


def written(board):
    return json.dumps(board, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "dashboards"
    for name, board in BOARDS.items():
        (folder / f"{name}.json").write_text(written(numbered(board().build())), encoding="utf-8")


if __name__ == "__main__":
    main()
