"""pqr serve: its answers beside the databases' own, the same from SQLite with the lake as from PostgreSQL; what it refuses; clients that are slow, many
or gone; starting by systemd and stopping. Rows come from one small run, made twice."""

import csv
import datetime
import decimal
import gzip
import http.client
import io
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import pytest
from conftest import PQR, ROOT

sys.path.insert(0, str(ROOT / "tests"))
from poll import busy, within  # noqa: E402

ENV = {k: v for k, v in os.environ.items() if not k.startswith("PQR_") or k in ("PQR_CACHE", "PQR_DUCKDB_LIB")}
RUN = ["run", "--from", "2025-09-01", "--to", "2025-09-08", "--volume", "60", "--quiet", "--json"]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Server:
    def __init__(self, *arguments, env=None, **popen):
        self.process = subprocess.Popen([PQR, "serve", "--listen", "127.0.0.1:0", "--json", *arguments], env=ENV | (env or {}),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen)
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        self.url = urllib.parse.urlsplit(json.loads(line)["url"])

    def connect(self, timeout=120):
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=timeout)

    def get(self, path, method="GET", body=None, **headers):
        c = self.connect()
        try:
            c.request(method, path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
            r = c.getresponse()
            return Answer(r.status, r.headers, r.read())
        finally:
            c.close()

    def rows(self, path, **headers):
        answer = self.get(path, **headers)
        assert answer.status == 200, (path, answer.status, answer.body[:300])
        return answer.json()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(120)
        finally:
            self.process.stdout.close()
            self.process.stderr.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lake with its figures in SQLite; core is in the lake alone."""
    lake = tmp_path_factory.mktemp("serve") / "lake"
    subprocess.run([PQR, *RUN, "--lake", lake], env=ENV, check=True, stdout=subprocess.DEVNULL)
    return lake


@pytest.fixture(scope="module")
def server(made):
    s = Server("--lake", made, "--sql")
    yield s
    assert s.stop() == 0


@pytest.fixture(scope="module")
def postgres(made):
    """The same run in PostgreSQL, which holds core too."""
    folder = pathlib.Path(tempfile.mkdtemp())  # a socket's path is short
    run = subprocess.run([ROOT / "tests" / "postgres", "start", folder], capture_output=True, text=True, check=False)
    if run.returncode == 77:
        pytest.skip(run.stdout.strip())
    assert run.returncode == 0, run.stdout + run.stderr
    control = f"postgresql://postgres@/postgres?host={folder}"
    lake = made.parent / "lake-pg"
    subprocess.run([PQR, *RUN, "--lake", lake, "--control", control], env=ENV, check=True, stdout=subprocess.DEVNULL)
    s = Server("--lake", lake, "--control", control)
    s.where = folder
    yield s
    code = s.stop()
    subprocess.run([ROOT / "tests" / "postgres", "stop", folder], check=True)
    shutil.rmtree(folder)
    assert code == 0


# ---- answers ------------------------------------------------------------------------------------------------------------------

# What is asked, and the SQL that says the same.
ASKED = [
    ("/api/v1/gold/daily_kpis", "SELECT * FROM gold.daily_kpis ORDER BY day, tenant_id"),
    ("/api/v1/gold/daily_kpis?select=day,n:total_tickets&day=gte.2025-09-03&day=lt.2025-09-06&order=day.desc",
     "SELECT day, total_tickets AS n FROM gold.daily_kpis WHERE day >= '2025-09-03' AND day < '2025-09-06' ORDER BY day DESC"),
    ("/api/v1/gold/kpi_volume_daily?pqrs_type=in.(P,Q)&channel=neq.chat&order=tickets_count.desc,day,channel,pqrs_type&limit=7&offset=2",
     "SELECT * FROM gold.kpi_volume_daily WHERE pqrs_type IN ('P', 'Q') AND channel <> 'chat' ORDER BY tickets_count DESC, day, channel, pqrs_type LIMIT 7 OFFSET 2"),
    ("/api/v1/gold/kpi_volume_daily?select=channel,n:tickets_count.sum(),m:tickets_count.max(),count()&order=n.desc,channel",
     "SELECT channel, SUM(tickets_count) AS n, MAX(tickets_count) AS m, COUNT(*) AS count FROM gold.kpi_volume_daily GROUP BY channel ORDER BY 2 DESC, 1"),
    ("/api/v1/gold/kpi_volume_daily?select=count()&or=(pqrs_type.eq.S,and(channel.like.e*,tickets_count.gt.3))&day=not.eq.2025-09-02",
     "SELECT COUNT(*) AS count FROM gold.kpi_volume_daily WHERE (pqrs_type = 'S' OR (channel LIKE 'e%' AND tickets_count > 3)) AND day <> '2025-09-02'"),
    ("/api/v1/gold/kpi_volume_daily?select=count()&channel=ilike.EMA*", "SELECT COUNT(*) AS count FROM gold.kpi_volume_daily WHERE channel = 'email'"),
    ("/api/v1/gold/kpi_volume_daily?select=count()&channel=like.EMA*", "SELECT 0 AS count"),
    ("/api/v1/analytics/v_sla_summary?select=pqrs_type,within_sla_pct,avg_overdue_days&order=pqrs_type",
     "SELECT pqrs_type, within_sla_pct, avg_overdue_days FROM analytics.v_sla_summary ORDER BY pqrs_type"),
    ("/api/v1/analytics/v_geo_daily?select=department_name,n:tickets_count.sum(),p:within_sla_pct.max()&within_sla_pct=not.is.null&order=department_name",
     "SELECT department_name, SUM(tickets_count) AS n, MAX(within_sla_pct) AS p FROM analytics.v_geo_daily WHERE within_sla_pct IS NOT NULL GROUP BY department_name ORDER BY 1"),
    ("/api/v1/gold/daily_kpis?select=r:high_priority_ratio.avg()", "SELECT AVG(high_priority_ratio) AS r FROM gold.daily_kpis"),
]


def close(a, b):
    return a == b or (isinstance(a, float) and b is not None and abs(a - float(b)) <= 1e-9 * max(1, abs(a)))


@pytest.mark.parametrize("path,sql", ASKED)
def test_answers_are_what_sqlite_says(server, made, path, sql):
    for schema in ("gold", "analytics"):
        sql = sql.replace(schema + ".", schema + "_")
    with sqlite3.connect(made / "control.db") as db:
        cursor = db.execute(sql.replace(" LIKE 'e%'", " GLOB 'e*'"))
        names = [c[0] for c in cursor.description]
        want = cursor.fetchall()
    got = server.rows(path)
    assert len(got) == len(want) > 0
    for row, values in zip(got, want):
        assert list(row) == names
        assert all(close(a, b) for a, b in zip(row.values(), values)), (row, values)


def test_a_day_is_looked_up(made):
    with sqlite3.connect(made / "control.db") as db:
        for table, column in (("gold_kpi_volume_daily", "day"), ("gold_pqrs_metrics", "date")):
            plan = db.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {column} >= '2025-09-02' ORDER BY {column} DESC LIMIT 1").fetchall()
            assert [p[3] for p in plan] == [f"SEARCH {table} USING INDEX {table}_{column} ({column}>?)"]


@pytest.mark.parametrize("path,sql", ASKED)
def test_answers_are_what_postgresql_says(postgres, path, sql):
    command = ["psql", "-XAt", "-h", postgres.where, "-U", "postgres", "-d", "postgres", "-c", f"SELECT json_agg(t) FROM ({sql}) AS t"]
    want = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    got = postgres.rows(path)
    assert len(got) == len(want) > 0
    for row, values in zip(got, want):
        assert list(row) == list(values)
        assert all(close(a, b) for a, b in zip(row.values(), values.values())), (row, values)


SAME = [path for path, _ in ASKED] + [
    "/api/v1/core/tickets?limit=50&order=created_at,ticket_id",
    "/api/v1/core/tickets?select=pqrs_type,n:count(),h:hold_days.avg(),a:created_at.min(),b:sla_due_at.max()&order=pqrs_type",
    "/api/v1/core/tickets?created_at=gte.2025-09-05T00:00:00-05:00&external_id=not.is.null&order=ticket_id&limit=20",
    "/api/v1/core/tickets?city_name=like.B*&order=ticket_id&limit=20",
    "/api/v1/core/tickets?city_name=ilike.*o&select=count()",
    "/api/v1/core/ticket_events?actor_role=is.null&select=count()",
    "/api/v1/core/dim_geo?latitude=gt.10.5&order=dane_city_code",
    "/api/v1/cases?order=due_on.nullslast,ticket_id&limit=100",
    "/api/v1/cases?select=risk,n:count(),d:days_left.min()&order=risk",
    "/api/v1/cases?select=due_on,n:count()&order=due_on",
    "/api/v1/cases?risk=eq.due_soon&days_left=lte.1&select=count()",
]


def duckdb_or_skip(server):
    answer = server.get("/api/v1/core/dim_role")
    if answer.status == 501:
        pytest.skip(answer.json()["detail"])


@pytest.mark.parametrize("path", SAME)
def test_lake_and_databases_answer_alike(server, postgres, path):
    duckdb_or_skip(server)
    a, b = server.rows(path), postgres.rows(path)
    assert len(a) == len(b) > 0
    for x, y in zip(a, b):
        assert list(x) == list(y)
        for name, value in x.items():
            assert name in ("run_id", "updated_at") or close(value, y[name]), (name, value, y[name])


def test_cases_are_those_without_an_answer(server):
    duckdb_or_skip(server)
    tickets = {t["ticket_id"]: t for t in server.rows("/api/v1/core/tickets?answered_at=is.null&limit=100000")}
    cases = server.rows("/api/v1/cases?limit=100000")
    assert {c["ticket_id"] for c in cases} == set(tickets)
    words = {"OVERDUE": "overdue", "AT_RISK": "due_soon", "HEALTHY": "open"}
    for c in cases:
        t = tickets[c["ticket_id"]]
        assert c["risk"] == words[t["sla_risk"]]
        assert (c["due_on"] is None) == (t["sla_due_at"] is None) == (c["days_left"] is None)
        # The last instant of a day in Bogotá is 04:59:59 of the next one in UTC.
        assert c["due_on"] is None or t["sla_due_at"].endswith("T04:59:59.999999Z")
        assert c["due_on"] is None or c["days_left"] < 0 or c["risk"] != "overdue"
    due = [c["due_on"] for c in cases if c["due_on"]]
    assert due == sorted(due), "what is due first comes first"


def test_a_ticket_tells_why_it_is_due(server, made):
    duckdb_or_skip(server)
    ticket = server.rows("/api/v1/core/tickets?message_count=gt.1&sla_due_at=not.is.null&limit=1")[0]
    for name in (ticket["ticket_id"], ticket["external_id"]):
        answer = server.rows("/api/v1/tickets/" + name)
        assert answer["ticket"] == ticket
        explained = subprocess.run([PQR, "explain", name, "--json", "--lake", made], env=ENV, check=True, capture_output=True, text=True)
        assert answer["due"] == json.loads(explained.stdout)
        assert [e["ts"] for e in answer["timeline"]] == sorted(e["ts"] for e in answer["timeline"])
        assert answer["timeline"][0]["event"] == "created" and answer["timeline"][-1]["to"] == ticket["current_status"]
        assert len(answer["messages"]) == ticket["message_count"]
    assert server.get("/api/v1/tickets/none").status == 404
    s = Server("--lake", made, env={"PQR_SERVER_MAX_ROWS": "1"})  # of a table's rows, not of a ticket's
    try:
        assert s.rows("/api/v1/tickets/" + ticket["ticket_id"]) == answer
        assert len(s.rows("/api/v1/core/tickets")) == 1 and s.get("/api/v1/core/tickets?limit=2").status == 400
    finally:
        assert s.stop() == 0


def test_pages_hold_every_row_once(server):
    for query in ("select=day,channel,tickets_count", "order=tickets_count.desc&select=channel", "select=channel,n:count()"):
        path, pages = f"/api/v1/gold/kpi_volume_daily?{query}", []
        whole, after = server.rows(path + "&limit=5000"), path + "&limit=13"
        while after:
            answer = server.get(after)
            pages.append(answer.json())
            link = answer.headers["Link"]
            after = link and link[1 : link.index(">")]
        assert [row for page in pages for row in page] == whole
        assert all(len(page) == 13 for page in pages[:-1])


def test_a_place_has_as_many_values_as_a_table_has_columns(server, postgres):
    for asked in (server, postgres):
        first = asked.rows("/api/v1/core/tickets?limit=1")[0]
        known = {c: v for c, v in first.items() if v is not None}
        assert len(known) > 20
        place = ",".join('"' + str(v).lower() + '"' if isinstance(v, bool) else f'"{v}"' for v in known.values())
        query = urllib.parse.urlencode({"order": ",".join(known), "after": place, "limit": 3, "select": "ticket_id"})
        assert first["ticket_id"] not in [r["ticket_id"] for r in asked.rows("/api/v1/core/tickets?" + query)]


def test_a_long_address_of_the_next_page(server):
    path = "/api/v1/gold/kpi_volume_daily?limit=3&select=day,channel,pqrs_type,tickets_count&channel=not.in.(" + ",".join("x" * 40 + str(i) for i in range(50)) + ")"
    first = server.get(path)
    link = first.headers["Link"]
    assert len(link) > 2000
    more = server.rows(link[1 : link.index(">")])
    assert first.json() + more == server.rows(path.replace("limit=3", "limit=6"))
    # Where the next address would be too long, rows are not left out in silence.
    path += "&pqrs_type=neq." + "y" * (8170 - len(path) - 15)
    answer = server.get(path)
    assert answer.status == 413 and "next page" in answer.json()["detail"] and answer.headers["ETag"] is None


def test_no_rows_have_no_next_page(server):
    answer = server.get("/api/v1/gold/daily_kpis?limit=0", Prefer="count=exact")
    assert answer.json() == [] and answer.headers["Link"] is None and answer.headers["Content-Range"].startswith("*/")


def test_counts_of_all_rows(server):
    total = server.rows("/api/v1/gold/kpi_volume_daily?select=count()")[0]["count"]
    answer = server.get("/api/v1/gold/kpi_volume_daily?limit=5&offset=3", Prefer="count=exact")
    assert answer.headers["Content-Range"] == f"3-7/{total}"
    link = answer.headers["Link"]  # behind a row: how many are before it is not known
    assert server.get(link[1 : link.index(">")], Prefer="count=exact").headers["Content-Range"] == f"*/{total}"
    assert server.get("/api/v1/gold/kpi_volume_daily?day=eq.1999-01-01", Prefer="count=exact").headers["Content-Range"] == "*/0"


def test_formats(server):
    path = "/api/v1/gold/kpi_volume_daily?limit=20"
    rows = server.rows(path)
    for answer in (server.get(path, Accept="text/csv"), server.get(path + "&format=csv"), server.get(path, Accept="text/html;q=0.5, text/*;q=0.9")):
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert list(csv.DictReader(io.StringIO(answer.body.decode()))) == [{k: str(v) for k, v in row.items()} for row in rows]
    answer = server.get(path, Accept="application/x-ndjson")
    assert [json.loads(line) for line in answer.body.splitlines()] == rows
    assert server.get(path, Accept="image/png").status == 406
    packed = server.get("/api/v1/gold/kpi_volume_daily", Accept_Encoding="br, gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body)) == server.rows("/api/v1/gold/kpi_volume_daily")
    for refused in ("gzip;q=0", "gzip; q=0.0", "*, gzip;q=0", "br", "xgzip", "*;q=0"):
        plain = server.get("/api/v1/gold/kpi_volume_daily", Accept_Encoding=refused)
        assert plain.headers["Content-Encoding"] is None and "Accept-Encoding" in plain.headers["Vary"]
    for path in ("/openapi.json", "/app.js"):
        for taken in ("GZIP;q=0.5", "*"):
            assert server.get(path, Accept_Encoding=taken).headers["Content-Encoding"] == "gzip"
        assert server.get(path).headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/api/v1/gold/daily_kpis", "/api/v1/gold/daily_kpis?day=eq.1999-01-01", "/api/v1/core/dim_geo", "/api/v1/core/dim_status",
                                  "/api/v1/gold/tickets_snapshot?limit=300", "/api/v1/analytics/v_sla_summary",
                                  "/api/v1/gold/kpi_volume_daily?select=channel,n:tickets_count.sum(),a:tickets_count.avg(),d:day.min()", "/api/v1/cases?limit=500"])
def test_arrow_and_parquet_hold_the_same(server, path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    if server.get(path).status == 501:
        pytest.skip("no libduckdb here")
    rows, more = server.rows(path), "&" if "?" in path else "?"
    stream = server.get(path, Accept="application/vnd.apache.arrow.stream")
    file = server.get(f"{path}{more}format=parquet")
    assert (stream.headers["Content-Type"], file.headers["Content-Type"]) == ("application/vnd.apache.arrow.stream", "application/vnd.apache.parquet")
    table = pyarrow.ipc.open_stream(stream.body).read_all()
    table.validate(full=True)
    read = parquet.read_table(io.BytesIO(file.body))
    assert read.schema.remove_metadata() == table.schema and read.equals(table)

    def as_json(value):
        if isinstance(value, datetime.datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return value.isoformat() if isinstance(value, datetime.date) else float(value) if isinstance(value, decimal.Decimal) else value

    assert [{k: as_json(v) for k, v in row.items()} for row in table.to_pylist()] == rows


def test_requests_are_counted(server):
    def counted(code):
        lines = server.get("/metrics").body.decode().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f'pqr_http_requests_total{{code="{code}"}}')))

    before, found = counted("4xx"), counted("2xx")
    server.get("/nothing.txt")
    assert counted("4xx") == before + 1 and counted("2xx") > found


def test_conditional_requests(server):
    path = "/api/v1/gold/daily_kpis"
    first = server.get(path)
    tag = first.headers["ETag"]
    assert first.headers["X-PQR-Run"] == server.rows("/api/v1/runs/latest")["run_id"]
    again = server.get(path, If_None_Match=tag)
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert server.get(path + "?limit=1", If_None_Match=tag).status == 200
    assert server.get(path, If_None_Match=tag, Accept="text/csv").status == 200
    head = server.get(path, method="HEAD")
    assert (head.status, head.body, head.headers["ETag"]) == (200, b"", tag)
    assert head.headers["Content-Length"] == str(len(first.body))


def test_rows_of_a_lake_that_nobody_published_are_not_kept(tmp_path):
    subprocess.run([PQR, *RUN, "--until", "gold", "--lake", tmp_path / "lake"], env=ENV, check=True, stdout=subprocess.DEVNULL)
    s = Server("--lake", tmp_path / "lake")
    try:
        duckdb_or_skip(s)
        answer = s.get("/api/v1/core/dim_role", If_None_Match="*")
        assert answer.status == 200 and answer.headers["ETag"] is None
    finally:
        assert s.stop() == 0


def test_another_publishing_is_another_tag(tmp_path):
    lake, day = tmp_path / "lake", ["run", "--volume", "30", "--quiet", "--json", "--lake", tmp_path / "lake", "--from", "2025-09-01"]
    subprocess.run([PQR, *day, "--to", "2025-09-02"], env=ENV, check=True, stdout=subprocess.DEVNULL)
    s = Server("--lake", lake)
    try:
        path = "/api/v1/gold/daily_kpis"
        before = s.get(path)
        subprocess.run([PQR, *day, "--to", "2025-09-03", "--replace-published"], env=ENV, check=True, stdout=subprocess.DEVNULL)
        within(120, lambda: s.get(path, If_None_Match=before.headers["ETag"]).status == 200)
        assert len(s.rows(path)) == len(before.json()) + 1
    finally:
        assert s.stop() == 0


# ---- runs, tables of the lake, events -----------------------------------------------------------------------------------------------


def test_runs(server, made):
    runs = server.rows("/api/v1/runs")
    assert len(runs) == 1 and server.rows("/api/v1/runs?workload=clickstream") == []
    run_id = runs[0]["run_id"]
    shown = server.rows("/api/v1/runs/" + run_id[:8])
    with sqlite3.connect(made / "control.db") as db:
        stages = db.execute("SELECT stage, n_tasks, rows_out FROM meta_stage_commits ORDER BY ordinal").fetchall()
        tasks = db.execute("SELECT COUNT(*) FROM meta_tasks").fetchone()[0]
        checks = db.execute("SELECT COUNT(*) FROM meta_quality_checks").fetchone()[0]
        edges = db.execute("SELECT COUNT(*) FROM meta_lineage").fetchone()[0]
    assert [(s["stage"], s["tasks"], s["rows_out"]) for s in shown["stages"]] == stages
    assert shown["run_id"] == run_id and len(shown["tasks"]) == tasks > 0
    assert len(server.rows(f"/api/v1/runs/{run_id}/quality")) == checks > 0
    assert len(server.rows(f"/api/v1/runs/{run_id}/lineage")) == edges > 0
    assert server.rows(f"/api/v1/runs/{run_id}/rejects") == {"counts": [], "rows": []}
    assert server.get("/api/v1/runs/00000000-0000-0000-0000-000000000000").status == 404


def test_rejected_lines(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b'{"a": \xff}\nno json\n' + b"x\n" * 5)
    subprocess.run([PQR, "run", "--input", tmp_path / "in.jsonl", "--lake", tmp_path / "lake", "--quiet", "--as-of", "2026-01-01"],
                   env=ENV | {"PQR_QUALITY_REJECT_RATE_MAX": "1"}, check=False, stdout=subprocess.DEVNULL)
    s = Server("--lake", tmp_path / "lake")
    try:
        answer = s.rows("/api/v1/runs/latest/rejects?limit=3")
        assert sum(c["n"] for c in answer["counts"]) == 7 and len(answer["rows"]) == 3
        assert [r["line"] for r in answer["rows"]] == [1, 2, 3]
        assert answer["rows"][0]["text"] == '{"a": \ufffd}' and answer["rows"][1]["text"] == "no json"
    finally:
        assert s.stop() == 0


def test_tables_of_the_lake(server, made):
    tables = {t["name"]: t for t in server.rows("/api/v1/tables")}
    listed = subprocess.run([PQR, "table", "list", "--json", "--lake", made], env=ENV, check=True, capture_output=True, text=True)
    assert {t["table"]: (t["rows"], t["bytes"], t["files"], t["version"]) for t in json.loads(listed.stdout)} == {
        name: (t["rows"], t["bytes"], t["files"], t["version"]) for name, t in tables.items()}
    shown = server.rows("/api/v1/tables/silver.tickets")
    assert {k: shown[k] for k in tables["silver.tickets"]} == tables["silver.tickets"]
    assert shown["partitions"] == ["month", "run_id"]
    assert [c["name"] for c in shown["columns"] if c["key"]] == ["ticket_id"]
    assert all(c["description"] for c in shown["columns"])
    files = server.rows("/api/v1/tables/silver.tickets/files")
    assert all((made / "silver" / "tickets" / f["path"]).stat().st_size == f["bytes"] for f in files)
    assert sum(f["rows"] for f in files) == shown["rows"]
    assert [v["version"] for v in server.rows("/api/v1/tables/silver.tickets/history")] == [0]
    assert server.get("/api/v1/tables/silver.none").status == 404


def test_events_tell_of_runs(tmp_path):
    lake = tmp_path / "lake"
    subprocess.run([PQR, "run", "clickstream", "--rate", "0.01", "--quiet", "--lake", lake], env=ENV, check=True)
    s = Server("--lake", lake)
    try:
        c = s.connect()
        c.request("GET", "/api/v1/events")
        answer = c.getresponse()
        assert answer.status == 200 and answer.headers["Content-Type"] == "text/event-stream"
        assert answer.readline().startswith(b": ")  # it has looked once: what comes now is new
        subprocess.run([PQR, "run", "clickstream", "--rate", "0.02", "--quiet", "--lake", lake, "--replace-published"], env=ENV, check=True)
        told = []
        while not told or told[-1] != ("stage", "publish"):
            line = answer.readline()
            assert line, told
            if line.startswith(b"event: "):
                event, data = line[7:].decode().strip(), json.loads(answer.readline()[6:])
                told.append((event, data.get("stage", data.get("status"))))
        assert ("run", "SUCCESS") in told and ("stage", "bronze") in told or len(told) > 3
    finally:
        assert s.stop() == 0
    assert answer.read().startswith(b"\n"), "the stream ends with the server"


def test_sql(server, made):
    def ask(body, **headers):
        return server.get("/api/v1/sql", method="POST", body=json.dumps(body), **({"Content_Type": "application/json"} | headers))

    answer = ask({"sql": "SELECT pqrs_type, count(*) AS n, avg(hold_days) AS h FROM silver.tickets GROUP BY ALL ORDER BY ALL", "limit": 3})
    if answer.status == 501:
        pytest.skip(answer.json()["detail"])
    said = answer.json()
    assert [c["name"] for c in said["columns"]] == ["pqrs_type", "n", "h"] and [c["type"] for c in said["columns"]] == ["VARCHAR", "BIGINT", "DOUBLE"]
    assert said["truncated"] and [row[0] for row in said["rows"]] == ["P", "Q", "R"]
    assert not ask({"sql": "SELECT 1 WHERE false"}).json()["rows"]
    for sql in ("COPY silver.tickets TO '/tmp/x'", "SELECT * FROM read_csv('/etc/passwd')", "SELECT 1; SELECT 2", "SELECT", "ATTACH '/tmp/x.db'"):
        assert ask({"sql": sql}).status == 400, sql
    assert ask({"sql": "SELECT 1"}, Content_Type="text/plain").status == 400
    assert ask({}).status == 400 and ask({"sql": "SELECT 1", "limit": -1}).status == 400
    assert ask({"sql": "x" * 70000}).status == 413
    s = Server("--lake", made)
    try:
        assert s.get("/api/v1/sql", method="POST", body="{}", Content_Type="application/json").status == 403
    finally:
        assert s.stop() == 0


def test_a_query_that_does_not_end_holds_up_no_stop(server, made):
    """One call of DuckDB's own that looks at no interrupt: the server tells of it and ends. This one would take many minutes."""
    if server.get("/api/v1/sql", method="POST", body='{"sql": "SELECT 1"}', Content_Type="application/json").status == 501:
        pytest.skip("no libduckdb")
    s = Server("--lake", made, "--sql")
    asked = s.connect(timeout=300)
    try:
        statement = "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000)) AS n"
        asked.request("POST", "/api/v1/sql", body=json.dumps({"sql": statement}), headers={"Content-Type": "application/json"})
        within(240, busy, s.process.pid, 300)  # what comes before it takes a tenth of that
        s.process.send_signal(signal.SIGTERM)
        assert s.process.wait(120) == 130
        assert "DuckDB did not end a query" in s.process.stderr.read()
    finally:
        asked.close()
        s.process.kill()
        s.process.wait()
        s.process.stdout.close()
        s.process.stderr.close()


# ---- what is refused ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path,status,detail", [
    ("/api/v1/gold/none", 404, "schema gold has no table 'none'"),
    ("/api/v1/none/daily_kpis", 404, "there is no schema 'none'"),
    ("/api/v1/metal/runs", 404, "there is no schema 'metal'"),
    ("/api/v1//cases", 404, "nothing at this address"),
    ("/api/v1/realtime/events_per_minute", 404, "is not published yet"),
    ("/api/v1/gold/daily_kpis?none=eq.1", 400, "none: gold.daily_kpis has no column 'none'"),
    ("/api/v1/gold/daily_kpis?day=between.1", 400, "found 'between'"),
    ("/api/v1/gold/daily_kpis?total_tickets=eq.1%27%20OR%201=1", 400, "takes a whole number"),
    ("/api/v1/gold/daily_kpis?select=day;DROP TABLE x".replace(" ", "%20"), 400, "has no column"),
    ("/api/v1/gold/daily_kpis?select=%22day%22", 400, "has no column"),
    ("/api/v1/gold/daily_kpis?order=day,(SELECT%201)", 400, "has no column"),
    ("/api/v1/gold/daily_kpis?limit=100001", 400, "limit: at most 100000"),
    ("/api/v1/gold/daily_kpis?tenant_id=eq.%00", 400, "no percent-encoded UTF-8"),
    ("/api/v1/../../etc/passwd", 404, "nothing at this address"),
    ("/..%2f..%2fetc/passwd.txt", 404, "nothing at this address"),
    ("/%2e%2e/etc/passwd.txt", 404, "nothing at this address"),
    ("/api/v1/tables/..%2F..%2Fetc", 404, ""),
    ("/api/v2/gold", 404, "nothing at this address"),
])
def test_refused(server, path, status, detail):
    answer = server.get(path)
    problem = answer.json()
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json"), problem
    assert problem["status"] == status and detail in problem["detail"] and problem["title"]


# What would be another statement, were it not a value.
@pytest.mark.parametrize("text", ["' OR '1'='1", "x'; DROP TABLE gold_daily_kpis; --", '" OR ""="', "$1", "?1", "\\", "%", "a') OR ('a'='a", "\u2019 OR 1=1"])
def test_values_stay_values(server, text):
    quoted = urllib.parse.quote(text, safe="")
    for path in ("/api/v1/gold/daily_kpis", "/api/v1/core/dim_role" if server.get("/api/v1/core/dim_role").status == 200 else "/api/v1/gold/daily_kpis"):
        column = "tenant_id" if "gold" in path else "role"
        for op in ("eq", "gt", "like", "ilike"):
            answer = server.get(f"{path}?{column}={op}.{quoted}&select={column}")
            if text == "\\" and "like" in op:
                assert answer.status == 400 and "ends in" in answer.json()["detail"]
                continue
            assert answer.status == 200 and (answer.json() == [] or op in ("gt", "like", "ilike")), answer.body
        assert server.rows(f"{path}?{column}=in.({urllib.parse.quote(json.dumps(text), safe='')})") == []
        assert len(server.rows(f"{path}?{column}=neq.{quoted}")) == len(server.rows(path)) > 0


def test_headers_against_misuse(server):
    for path in ("/", "/api/v1", "/nothing.txt", "/docs"):
        h = server.get(path).headers
        assert h["X-Content-Type-Options"] == "nosniff" and "frame-ancestors 'none'" in h["Content-Security-Policy"]
        assert "unsafe" not in h["Content-Security-Policy"] and h["Access-Control-Allow-Origin"] is None
    for host, status in (("evil.example", 421), ("localhost:99", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("127.0.0.1.evil.example", 421)):
        assert server.get("/api/v1", Host=host).status == status, host
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
        assert server.get("/api/v1/gold/daily_kpis", method=method).status == 405


def test_names_of_the_server(made):
    s = Server("--lake", made, env={"PQR_SERVER_HOSTS": "lake.example,other.example"})
    try:
        assert s.get("/healthz", Host="LAKE.example:8080").status == 200
        assert s.get("/healthz", Host="example").status == 421
    finally:
        assert s.stop() == 0


def test_requests_that_are_too_large(server):
    assert server.get("/api/v1/gold/daily_kpis?tenant_id=eq." + "a" * 9000).status == 414
    assert server.get("/healthz", X="a" * 17000).status == 431
    assert server.get("/healthz", X="a" * 200000).status in (413, 431)
    many = {f"X{i}": "1" for i in range(70)}
    assert server.get("/healthz", **many).status == 431


class Between:
    """A socket in PostgreSQL's place, which hands on to it, until it is told to hold everything."""

    def __init__(self, there, here):
        self.there, self.free = str(there), threading.Event()
        self.free.set()
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(here))
        self.listening.listen(200)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.there)
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.hand_on, args=(a, b), daemon=True).start()

    def hand_on(self, a, b):
        try:
            while data := a.recv(65536):
                self.free.wait()
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_a_database_that_hangs_keeps_only_who_asks_it(made, postgres):
    folder = pathlib.Path(tempfile.mkdtemp())
    between = Between(postgres.where / ".s.PGSQL.5432", folder / ".s.PGSQL.5432")
    s = Server("--lake", made.parent / "lake-pg", "--control", f"postgresql://postgres@/postgres?host={folder}")
    asking = []
    try:
        assert s.get("/api/v1/gold/daily_kpis").status == 200
        between.free.clear()
        held = time.monotonic()
        within(20, lambda: time.monotonic() > held + 1.5)  # what the server knows of the database is old
        for path in ["/api/v1/gold/daily_kpis", "/readyz", "/api/v1", "/api/v1/core/dim_role"] * 5:
            c = s.connect()
            c.request("GET", path)
            asking.append(c)
        for _ in range(100):  # whichever thread a connection gets
            c = s.connect(timeout=20)
            c.request("GET", "/healthz")
            assert c.getresponse().read() == b"ok\n"
            c.close()
        between.free.set()
        assert [c.getresponse().status for c in asking] == [200] * len(asking)
    finally:
        between.free.set()
        for c in asking:
            c.close()
        assert s.stop() == 0
        between.listening.close()
        shutil.rmtree(folder)


# ---- clients ------------------------------------------------------------------------------------------------------------------------------


def resident_mb(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_a_thousand_idle_connections(made):
    s = Server("--lake", made)
    idle = []
    try:
        before = resident_mb(s.process.pid)
        for _ in range(1000):
            idle.append(socket.create_connection((s.url.hostname, s.url.port), 120))
        for c in idle[::2]:
            c.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for c in idle[::2]:
            assert c.recv(4096).startswith(b"HTTP/1.1 200")
        for _ in range(20):
            assert s.get("/api/v1/gold/daily_kpis").status == 200
        assert resident_mb(s.process.pid) < min(64, before + 40)
    finally:
        for c in idle:
            c.close()
        assert s.stop() == 0


def test_slow_clients_are_let_go(made):
    s = Server("--lake", made, env={"PQR_SERVER_TIMEOUT_S": "1"})
    try:
        slow = socket.create_connection((s.url.hostname, s.url.port), 120)
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
        drops = []

        def let_go():  # a byte at a time is no request either
            try:
                slow.send(b"a")
                drops.append(1)
                return False
            except OSError:
                return True

        within(20, let_go)
        assert drops and s.get("/healthz").status == 200
        slow.close()
    finally:
        assert s.stop() == 0


def test_stopping_answers_what_was_asked(made):
    s = Server("--lake", made, "--sql")
    c = s.connect()
    c.request("GET", "/api/v1/events")
    assert c.getresponse().status == 200
    busy = socket.create_connection((s.url.hostname, s.url.port), 120)
    busy.sendall(b"GET /api/v1/tables HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    first = busy.recv(15)
    assert s.stop() == 0
    assert first == b"HTTP/1.1 200 OK"
    with pytest.raises(OSError):
        socket.create_connection((s.url.hostname, s.url.port), 5)


def test_systemd_hands_over_a_socket_and_is_told(made, tmp_path):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(tmp_path / "notify"))
    notify.settimeout(120)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    # As systemd does it: the socket is descriptor 3, the variables name the process.
    child = subprocess.Popen(["bash", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" serve --quiet --lake "$1" 3<&"$2"', PQR, made, str(listening.fileno())],
                             env=ENV | {"NOTIFY_SOCKET": str(tmp_path / "notify")}, pass_fds=[listening.fileno()])
    assert notify.recv(100) == b"READY=1"
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    c.request("GET", "/healthz")
    assert c.getresponse().read() == b"ok\n"
    child.send_signal(signal.SIGTERM)
    assert child.wait(120) == 0 and notify.recv(100) == b"STOPPING=1"
    notify.close()
    listening.close()


def test_tls(made, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    s = Server("--lake", made, env={"PQR_SERVER_TLS_KEY": str(key), "PQR_SERVER_TLS_CERTIFICATE": str(certificate)})
    try:
        assert s.url.scheme == "https"
        c = http.client.HTTPSConnection("localhost", s.url.port, timeout=120, context=ssl.create_default_context(cafile=certificate))
        c.request("GET", "/api/v1/gold/daily_kpis?limit=1")
        assert len(json.loads(c.getresponse().read())) == 1
    finally:
        assert s.stop() == 0
    bad = subprocess.run([PQR, "serve", "--listen", "127.0.0.1:0", "--lake", made], env=ENV | {"PQR_SERVER_TLS_KEY": str(certificate),
                         "PQR_SERVER_TLS_CERTIFICATE": str(certificate)}, capture_output=True, text=True, timeout=120, check=False)
    assert bad.returncode == 2 and "key and certificate" in bad.stderr


def test_mistakes_are_told_at_once(made, server):
    def ends(*arguments):
        run = subprocess.run([PQR, "serve", "--lake", made, *arguments], env=ENV, capture_output=True, text=True, timeout=120, check=False)
        return run.returncode, run.stderr

    code, said = ends("--listen", f"127.0.0.1:{server.url.port}")
    assert code == 1 and "another program does" in said
    assert ends("--listen", "nowhere")[0] == 2
    assert subprocess.run([PQR, "serve", "--lake", made.parent / "none"], env=ENV, capture_output=True, timeout=120, check=False).returncode == 1


# ---- the document -------------------------------------------------------------------------------------------------------------------------


def test_the_document_tells_what_is_answered(server):
    document = server.rows("/openapi.json")
    schemas = server.rows("/api/v1")["schemas"]
    assert {f"/api/v1/{schema}/{table}" for schema, tables in schemas.items() for table in tables} < set(document["paths"])
    run_id = server.rows("/api/v1/runs/latest")["run_id"]
    for path, operations in document["paths"].items():
        if "get" not in operations or path == "/api/v1/events":
            continue
        answer = server.get(path.replace("{id}", run_id).replace("{table}", "silver.tickets") + ("?limit=2" if path.startswith("/api/v1/") else ""))
        content = answer.headers["Content-Type"].split(";")[0]
        if answer.status == 200:
            assert content in operations["get"]["responses"]["200"]["content"], path
        else:
            assert answer.status in (404, 501) and content == "application/problem+json", (path, answer.body)
        schema = operations["get"]["responses"]["200"]["content"].get("application/json", {}).get("schema")
        if answer.status == 200 and schema:
            for row in answer.json():
                assert list(row) == list(schema["items"]["properties"]), path


def test_definitions_can_be_asked(server):
    """Each figure's query is one that is answered, once its dates are filled in."""
    told = server.get("/api/v1/definitions").json()
    assert len({d["id"] for d in told}) == len(told) > 15
    for d in told:
        assert all(d[part][language] for part in ("name", "definition", "unit", *(["law"] if d["law"] else [])) for language in ("es", "en")), d["id"]
        assert d["sql"].startswith("SELECT ")
        query = d["query"].format(**{"from": "2025-09-02", "to": "2025-09-05", "before": "2025-09-01", "since": "2025-09-01T00:00:00Z"})
        published = not re.search("/realtime/|conversion_rate_daily", query)
        if published and server.get(query).status != 501:  # cases want libduckdb
            assert server.rows(query) or "overdue" in query, d["id"]  # of eight days none is


def test_the_dashboard_is_in_the_program(server):
    page = server.get("/")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    assert page.body == (ROOT / "web" / "dist" / "index.html").read_bytes() == server.get("/cases").body
    tag = page.headers["ETag"]
    assert server.get("/", If_None_Match=tag).status == 304
