"""What an analyst asks of a lake of three months, run one after the other: ten plain questions, whose answers are counted from the raw
events alone, asked of the Delta tables in DuckDB and in Polars, and of the lake by `pqr sql`."""

import collections
import csv
import datetime
import io
import json
import os
import subprocess

import pytest

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
pl = pytest.importorskip("polars", reason="polars is not installed")
duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
import law_oracle  # noqa: E402
from conftest import PQR  # noqa: E402
from law_oracle import business_day_after, business_days_between  # noqa: E402

TERMS = {"P": 15, "Q": 10, "R": 8, "S": 20}
BOGOTA = datetime.timezone(datetime.timedelta(hours=-5))
MONTH_ENDS = [datetime.date(2025, 9, 30), datetime.date(2025, 10, 31), datetime.date(2025, 11, 30)]
TABLES = ["silver.tickets", "silver.messages", "silver.attachments", "silver.status_events", "gold.daily_kpis", "gold.kpi_backlog_daily", "gold.kpi_volume_daily",
          "gold.kpi_sla_daily", "gold.sla_metrics"]  # fmt: skip


def day_of(instant):
    return instant.astimezone(BOGOTA).date()


class Ticket:
    """One ticket as its events tell it, up to the end of the last month."""

    def __init__(self, events, as_of):
        events.sort(key=lambda e: e["ts"])
        (created,) = (e for e in events if e["event_type"] == "TICKET_CREATED")
        self.created, self.data = created["ts"], created["data"]
        self.type = self.data["pqrs_type"]
        self.path = [("RECEIVED", self.created)] + [(e["data"]["status_to"], e["ts"]) for e in events if e["event_type"] == "STATUS_CHANGED"]
        self.messages = [e["data"] for e in events if e["event_type"] == "MESSAGE_ADDED"]
        self.attachments = [e["data"] for e in events if e["event_type"] == "ATTACHMENT_ADDED"]
        micros = [(state, round(ts.timestamp() * 1e6)) for state, ts in self.path]
        end = round(as_of.timestamp() * 1e6)
        answered, self.hold_days, _ = law_oracle.clock(micros, end, lambda us: day_of(datetime.datetime.fromtimestamp(us / 1e6, datetime.timezone.utc)))
        self.answered = None if answered is None else next(ts for (_, us), (_, ts) in zip(micros, self.path) if us == answered)
        radicated = [ts for state, ts in self.path if state == "RADICATED"]
        self.radicated = radicated[0] if radicated else None
        self.late, self.days = False, 0
        if self.radicated is not None:
            due = business_day_after(day_of(self.radicated), TERMS[self.type] + self.hold_days)
            self.late = day_of(self.answered or as_of) > due
            self.days = business_days_between(day_of(self.radicated), day_of(self.answered or as_of)) - self.hold_days

    def state_at_end_of(self, day):
        return [state for state, ts in self.path if day_of(ts) <= day][-1] if day_of(self.created) <= day else None


class Months:
    def __init__(self, root):
        self.root = root
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_")} | {"PQR_SIMULATION_SPIKE_ENABLED": "false"}
        for end in MONTH_ENDS:
            arguments = ["--from", "2025-09-01", "--to", str(end), "--emit-from", str(end.replace(day=1)), "--volume", "6"]
            run = subprocess.run([PQR, "run", "--lake", root, "--quiet", "--json", *arguments], cwd=root.parent, env=self.env, capture_output=True, check=False)
            assert run.returncode == 0, run.stderr.decode()
        as_of = datetime.datetime.fromisoformat(json.loads(run.stdout)["as_of"].replace("Z", "+00:00"))
        of_ticket, seen = collections.defaultdict(list), set()
        for file in sorted((root / "raw").rglob("events.jsonl")):
            for line in file.read_text(encoding="utf-8").splitlines():
                event = json.loads(line)
                event["ts"] = datetime.datetime.fromisoformat(event["ts"].replace("Z", "+00:00"))
                if event["event_id"] not in seen and event["ts"] <= as_of:
                    seen.add(event["event_id"])
                    of_ticket[event["ticket_id"]].append(event)
        self.created_events = sum(e["event_type"] == "TICKET_CREATED" for events in of_ticket.values() for e in events)
        self.tickets = [Ticket(events, as_of) for events in of_ticket.values()]
        self.duckdb = duckdb.connect()
        self.frames = {}
        for name in TABLES:
            schema, table = name.split(".")
            path = str(root / schema / table)
            self.frames[table] = pl.read_delta(path)
            rows = deltalake.DeltaTable(path).to_pyarrow_table()  # found by DuckDB under its name here
            self.duckdb.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            self.duckdb.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
            assert len(self.frames[table]) == len(rows)

    def sql(self, text):
        """Rows of texts."""
        run = subprocess.run([PQR, "sql", "--lake", self.root, "--format", "csv", text], cwd=self.root.parent, env=self.env, capture_output=True, text=True, check=False)
        if run.returncode != 0 and "no libduckdb" in run.stderr:
            pytest.skip("no libduckdb")
        assert run.returncode == 0 and run.stderr == "", run.stderr
        return list(csv.reader(io.StringIO(run.stdout)))[1:]


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")
    return Months(tmp_path_factory.mktemp("months") / "lake")


def counted(values):
    return sorted(collections.Counter(values).items())


def volume(m):
    return counted((t.data["source_channel"], t.type) for t in m.tickets)


def late_answers(m):
    """By type, those closed at the end: how many, and how many of them were answered late."""
    closed = [t for t in m.tickets if t.path[-1][0] in ("CLOSED", "ARCHIVED")]
    return [(kind, n, sum(t.late for t in closed if t.type == kind)) for kind, n in counted(t.type for t in closed)]


def mean_days(m):
    answered = [t for t in m.tickets if t.answered is not None]
    return [(kind, round(sum(t.days for t in answered if t.type == kind) / n, 6)) for kind, n in counted(t.type for t in answered)]


# question, its answer from the events, SQL, Polars
QUESTIONS = {
    "how many tickets are there": (
        lambda m: [(len(m.tickets),)],
        "SELECT count(*) FROM silver.tickets",
        lambda f: f["tickets"].select(pl.len()),
    ),
    "how many of each type": (
        lambda m: counted(t.type for t in m.tickets),
        "SELECT pqrs_type, count(*) FROM silver.tickets GROUP BY pqrs_type",
        lambda f: f["tickets"].group_by("pqrs_type").len(),
    ),
    "how many were created, by the daily figures": (
        lambda m: [(m.created_events,)],
        "SELECT sum(total_tickets) FROM gold.daily_kpis",
        lambda f: f["daily_kpis"].select(pl.col("total_tickets").sum()),
    ),
    "how many are open at each month's end": (
        lambda m: [(str(end), sum(t.state_at_end_of(end) not in (None, "CLOSED", "ARCHIVED") for t in m.tickets)) for end in MONTH_ENDS],
        "SELECT CAST(day AS VARCHAR), sum(backlog_count) FROM gold.kpi_backlog_daily WHERE day IN ('2025-09-30', '2025-10-31', '2025-11-30') GROUP BY day",
        lambda f: f["kpi_backlog_daily"].filter(pl.col("day").is_in(MONTH_ENDS)).group_by(pl.col("day").cast(pl.String)).agg(pl.col("backlog_count").sum()),
    ),
    "how many are late": (
        lambda m: [(sum(t.late for t in m.tickets),)],
        "SELECT count(*) FROM silver.tickets WHERE sla_status = 'LATE'",
        lambda f: f["tickets"].filter(pl.col("sla_status") == "LATE").select(pl.len()),
    ),
    "how many business days until the answer, on average": (
        mean_days,
        "SELECT pqrs_type, round(avg(sla_days_elapsed), 6) FROM gold.sla_metrics JOIN silver.tickets USING (ticket_id) WHERE answered_at IS NOT NULL GROUP BY pqrs_type",
        lambda f: f["sla_metrics"].join(f["tickets"], on="ticket_id").filter(pl.col("answered_at").is_not_null()).group_by("pqrs_type")
        .agg(pl.col("sla_days_elapsed").mean().round(6)),
    ),  # fmt: skip
    "how many were closed, and how many of them late": (
        late_answers,
        "SELECT pqrs_type, sum(closed_count), sum(overdue_count) FROM gold.kpi_sla_daily GROUP BY pqrs_type HAVING sum(closed_count) > 0",
        lambda f: f["kpi_sla_daily"].group_by("pqrs_type").agg(pl.col("closed_count").sum(), pl.col("overdue_count").sum()).filter(pl.col("closed_count") > 0),
    ),
    "by which channel did they come": (
        volume,
        "SELECT channel, pqrs_type, sum(tickets_count) FROM gold.kpi_volume_daily GROUP BY ALL HAVING sum(tickets_count) > 0",
        lambda f: f["kpi_volume_daily"].group_by("channel", "pqrs_type").agg(pl.col("tickets_count").sum()).filter(pl.col("tickets_count") > 0),
    ),
    "who wrote how many messages": (
        lambda m: counted(message["role"] for t in m.tickets for message in t.messages),
        "SELECT role, count(*) FROM silver.messages GROUP BY role",
        lambda f: f["messages"].group_by("role").len(),
    ),
    "how many were reopened, how often, with how many attachments of which size": (
        lambda m: [(len(again := [t for t in m.tickets if ("REOPENED" in dict(t.path))]), sum(state == "REOPENED" for t in again for state, _ in t.path),
                    sum(len(t.attachments) for t in m.tickets), sum(a["size_kb"] for t in m.tickets for a in t.attachments))],
        "SELECT count(*) FILTER (reopened_count > 0), sum(reopened_count), (SELECT count(*) FROM silver.attachments), (SELECT sum(size_kb) FROM silver.attachments) FROM silver.tickets",
        lambda f: f["tickets"].select((pl.col("reopened_count") > 0).sum(), pl.col("reopened_count").sum().alias("times"),
                                      pl.lit(len(f["attachments"])).alias("n"), pl.lit(f["attachments"]["size_kb"].sum()).alias("kb")),
    ),  # fmt: skip
}


def plain(rows):
    """Rows to compare: flat, numbers by value, in order."""

    def cell(value):
        return value if isinstance(value, str) else round(float(value), 6)

    flat = [sum(((x if isinstance(x, tuple) else (x,)) for x in row), ()) for row in rows]
    return sorted(tuple(cell(v) for v in row) for row in flat)


def read(rows):
    """Those of a CSV file: what looks like a number is one."""
    return [tuple(float(v) if v.replace(".", "", 1).isdigit() else v for v in row) for row in rows]


@pytest.mark.parametrize("question", QUESTIONS)
def test_question(months, question):
    answer, sql, polars = QUESTIONS[question]
    want = plain(answer(months))
    assert want and all(v for v in want[0]), want  # a question that says something
    assert plain(months.duckdb.execute(sql).fetchall()) == want
    assert plain(polars(months.frames).rows()) == want
    assert plain(read(months.sql(sql))) == want


def test_each_row_stands_once(months):
    """No question above is answered twice over: a key stands once, in each of the tables."""
    for name, key in (("silver.tickets", "ticket_id"), ("silver.messages", "message_id"), ("silver.attachments", "attachment_id"),
                      ("silver.status_events", "event_id"), ("gold.daily_kpis", "day, tenant_id"), ("gold.sla_metrics", "ticket_id")):  # fmt: skip
        ((n, distinct),) = months.duckdb.execute(f"SELECT count(*), count(DISTINCT ({key})) FROM {name}").fetchall()
        assert n == distinct > 0, name
        assert read(months.sql(f"SELECT count(*), count(DISTINCT ({key})) FROM {name}")) == [(n, n)], name
