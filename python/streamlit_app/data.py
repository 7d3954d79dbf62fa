"""What the pages read: published tables and views of pqr, on PostgreSQL or on the SQLite file of a lake, as data frames.

Queries are written once, in PostgreSQL's names; in SQLite a table's name is schema_table. Days are bound as texts: both compare them.
Nothing here writes, and nothing counts what a table has counted already.
"""

import os
import re
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pandas as pd


class Unpublished(Exception):
    """The database, or a table in it, is not there."""


def default_uri():
    return os.environ.get("PQR_BI_URI") or os.environ.get("PQR_CONTROL_URI") or "sqlite:lake/control.db"


def is_postgres(uri):
    return uri.startswith(("postgresql:", "postgres:"))


def shown(uri):
    """Without what is secret."""
    return re.sub(r"//([^:@/]+):[^@/]*@", r"//\1@", uri).split("?")[0]


def rows(uri, sql, **bound):
    """A data frame of a query that names its values as :value."""
    return _postgres(uri, sql, bound) if is_postgres(uri) else _sqlite(uri, sql, bound)


def _postgres(uri, sql, bound):
    import psycopg

    text = re.sub(r"(?<!:):(\w+)", r"%(\1)s", sql.replace("%", "%%"))
    try:
        with psycopg.connect(uri, connect_timeout=10, options="-c default_transaction_read_only=on -c statement_timeout=20000") as connection:
            cursor = connection.execute(text, bound)
            found, names = cursor.fetchall(), [column.name for column in cursor.description]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.InsufficientPrivilege, psycopg.OperationalError) as error:
        raise Unpublished(str(error).splitlines()[0]) from error
    return _frame(found, names)


def _sqlite(uri, sql, bound):
    path = Path(uri.removeprefix("sqlite:").removeprefix("//"))
    if not path.exists():
        raise Unpublished(f"{path}")
    text = re.sub(r"\b(gold|analytics|realtime|meta)\.(\w+)", r"\1_\2", sql)
    try:
        with closing(sqlite3.connect(f"file:{path.resolve()}?mode=ro", uri=True, timeout=10)) as connection:
            cursor = connection.execute(text, bound)
            return _frame(cursor.fetchall(), [column[0] for column in cursor.description])
    except sqlite3.OperationalError as error:
        raise Unpublished(str(error)) from error


def _frame(found, names):
    frame = pd.DataFrame(found, columns=names)
    for name in names:
        if name == "day" or name == "watermark" or name.endswith(("_date", "_at", "_start")):
            frame[name] = pd.to_datetime(frame[name], utc=name not in ("day", "event_date"), format="ISO8601" if frame[name].dtype == object else None)
        elif len(frame) and frame[name].map(lambda v: v.__class__.__name__ == "Decimal").any():
            frame[name] = frame[name].astype(float)
    return frame


def bounds(uri):
    """First and last day of the published run."""
    frame = rows(uri, "SELECT min(day) AS first, max(day) AS last FROM gold.kpi_volume_national_daily")
    if frame.empty or pd.isna(frame["last"][0]):
        raise Unpublished("gold.kpi_volume_national_daily")
    return date.fromisoformat(str(frame["first"][0])[:10]), date.fromisoformat(str(frame["last"][0])[:10])


def volume(uri, since, until):
    return rows(uri, "SELECT day, pqrs_type, channel, tickets_count, tickets_mavg_7d FROM gold.kpi_volume_national_daily WHERE day BETWEEN :since AND :until ORDER BY day, pqrs_type, channel",
                since=str(since), until=str(until))


def compliance(uri, since, until):
    return rows(uri, "SELECT day, pqrs_type, closed_count, overdue_count, avg_overdue_days FROM gold.kpi_sla_daily WHERE day BETWEEN :since AND :until ORDER BY day, pqrs_type",
                since=str(since), until=str(until))


def months(uri):
    return rows(uri, "SELECT month, pqrs_type, closed_count, overdue_count, within_sla_pct FROM analytics.v_sla_summary ORDER BY month, pqrs_type")


def backlog(uri, since, until):
    return rows(uri, "SELECT day, pqrs_type, sum(backlog_count) AS open FROM gold.kpi_backlog_daily WHERE day BETWEEN :since AND :until GROUP BY day, pqrs_type ORDER BY day, pqrs_type",
                since=str(since), until=str(until))


def territory(uri, since, until):
    """A row a department and type: created and closed in the period, open at its end."""
    span = {"since": str(since), "until": str(until)}
    created = rows(uri, "SELECT department_name AS department, pqrs_type, sum(tickets_count) AS created FROM gold.kpi_volume_dept_daily WHERE day BETWEEN :since AND :until GROUP BY department_name, pqrs_type", **span)
    closed = rows(uri, "SELECT department_name AS department, pqrs_type, sum(closed_count) AS closed, sum(overdue_count) AS late FROM gold.kpi_sla_geo_daily WHERE day BETWEEN :since AND :until GROUP BY department_name, pqrs_type", **span)
    still = rows(uri, "SELECT region AS department, pqrs_type, sum(backlog_count) AS open FROM gold.kpi_backlog_daily WHERE day = :until GROUP BY region, pqrs_type", until=span["until"])
    merged = created.merge(closed, how="outer", on=["department", "pqrs_type"]).merge(still, how="outer", on=["department", "pqrs_type"])
    return merged.fillna({"created": 0, "closed": 0, "late": 0, "open": 0})


UNANSWERED = "analytics.v_tickets_open WHERE current_status <> 'RESPONDED'"  # an answered one has met or missed its term


def risk(uri):
    """Tickets without an answer by business days left until their due date: -1 and less are overdue."""
    return rows(uri, f"SELECT sla_status, sla_days_left, count(*) AS tickets FROM {UNANSWERED} GROUP BY sla_status, sla_days_left")


def cases(uri, most=200):
    """The most urgent first."""
    return rows(uri, f"SELECT ticket_id, current_status, sla_days_left, sla_days_target, sla_days_elapsed, sla_status, last_update_ts AS updated_at FROM {UNANSWERED} ORDER BY sla_days_left, ticket_id LIMIT :most",
                most=most)


def published(uri):
    """Newest day and rows of what each workload publishes."""
    tables = (("gold.kpi_volume_national_daily", "day"), ("gold.kpi_sla_daily", "day"), ("gold.kpi_backlog_daily", "day"),
              ("gold.daily_active_users", "event_date"), ("gold.conversion_rate_daily", "event_date"))
    found = []
    for name, column in tables:
        try:
            one = rows(uri, f"SELECT CAST(max({column}) AS text) AS newest, count(*) AS n FROM {name}")
        except Unpublished:
            continue
        found.append({"table": name, "newest": one["newest"][0], "rows": int(one["n"][0])})
    return pd.DataFrame(found, columns=["table", "newest", "rows"])


def streams(uri):
    try:
        return rows(uri, 'SELECT topic, "partition", next_position, watermark, updated_at FROM realtime.offsets WHERE "partition" >= 0 ORDER BY topic, "partition"')
    except Unpublished:
        return pd.DataFrame()


def runs(uri):
    """The newest runs, or None for a login that may not see them."""
    try:
        return rows(uri, "SELECT workload, status, started_at, finished_at, raw_rows, silver_rows, gold_rows, run_id FROM meta.runs ORDER BY started_at DESC LIMIT 10")
    except Unpublished:
        return None


def checks(uri):
    try:
        return rows(uri, "SELECT r.workload, q.layer, q.result, count(*) AS checks FROM meta.quality_checks AS q JOIN meta.runs AS r ON r.run_id = q.run_id "
                         "WHERE r.started_at = (SELECT max(s.started_at) FROM meta.runs AS s WHERE s.workload = r.workload) GROUP BY r.workload, q.layer, q.result ORDER BY 1, 2, 3")
    except Unpublished:
        return None
