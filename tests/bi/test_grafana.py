"""deploy/grafana: the files are the generator's, its SDK reads each key of them, and every query of every panel answers."""

import json
import re
import time
import urllib.parse
import urllib.request

import generate
import pytest
from conftest import QUICK_S, ROOT, pqr
from poll import within

BOARDS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))}
# What Prometheus has not got here: no node exporter, no stream, no schedule and no reject; nothing is wrong, so no alert.
WITHOUT_DATA = {"node_", "pqr_stream_", "pqr_schedule_", "pqr_rejected_", "ALERTS"}


def panels(board):
    return [p for p in json.loads(BOARDS[board])["panels"] if p["type"] != "row"]


def queries(key):
    return [pytest.param(p, q[key], id=f"{board}-{p['title']}-{q['refId']}") for board in BOARDS for p in panels(board) for q in p["targets"] if key in q]


def test_files_are_the_generator_s(tmp_path):
    assert set(BOARDS) == set(generate.BOARDS)
    for name, board in generate.BOARDS.items():
        assert BOARDS[name] == generate.written(generate.numbered(board().build())), f"{name}.json: run deploy/grafana/generate.py"


@pytest.mark.parametrize("name", BOARDS)
def test_the_sdk_knows_every_key(name):
    assert generate.read(BOARDS[name]) == BOARDS[name]


def test_reading_is_strict():
    for old, new in (('"rawSql"', '"sql"'), ('"gridPos"', '"grid"'), ('"textMode": "auto"', '"textmode": "auto"'), ('"refresh": "10s"', '"refreshed": "10s"')):
        assert old in BOARDS["lakehouse"]
        try:
            assert generate.read(BOARDS["lakehouse"].replace(old, new)) != BOARDS["lakehouse"].replace(old, new)
        except (ValueError, KeyError, TypeError):
            pass


def test_layout():
    """The rows of the overview, and no panel over another."""
    titles = [p["title"] for p in panels("lakehouse")]
    assert titles == ["Daily Active Users", "Conversion Rate", "Total Purchases", "Total Events", "Event Stream", "Logins per Source", "Top Pages by Purchases"]
    assert json.loads(BOARDS["lakehouse"])["refresh"] == "10s"
    assert any("dask_scheduler" in q["expr"] for p in panels("operations") for q in p["targets"])
    for board in BOARDS:
        cells, everything = set(), json.loads(BOARDS[board])["panels"]
        assert len({p["id"] for p in everything}) == len(everything)
        for p in everything:
            at = p["gridPos"]
            mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & mine and at["x"] + at["w"] <= 24, f"{board}: {p['title']}"
            cells |= mine


def test_dates_are_not_shifted():
    """A date is midnight UTC: a board that draws one against time has that zone, the others the reader's."""
    for board in BOARDS:
        dated = any("::timestamp AS time" in q.get("rawSql", "") for p in panels(board) for q in p["targets"])
        assert json.loads(BOARDS[board])["timezone"] == ("utc" if dated else "browser"), board


def expanded(text):
    """As Grafana's PostgreSQL data source does, with all of the data in the range of time."""
    text = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 BETWEEN '2000-01-01T00:00:00Z' AND '2100-01-01T00:00:00Z'", text)
    text = text.replace("$pqrs_type", "'P','Q','R','S'")
    assert "$" not in text, text
    return text


@pytest.mark.parametrize("panel, sql", queries("rawSql"))
def test_sql(panel, sql, looker):
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        cursor = looker.execute(expanded(sql))
        rows = cursor.fetchall()
        took.append(time.perf_counter() - begin)
    names = [column.name for column in cursor.description]
    assert rows and all(value is not None for row in rows for value in row)
    if panel["targets"][0]["format"] == "time_series":
        assert names == ["time", "metric", "value"]
        assert rows == sorted(rows, key=lambda row: row[0])
    if panel["type"] == "stat":
        assert len(rows) == 1 and len(names) == 1
    if panel["type"] == "barchart":
        assert names[0] == panel["options"]["xField"] and len(rows) <= 15
    assert min(took) < QUICK_S, f"{min(took) * 1000:.0f} ms"


def test_figures_are_the_lake_s(looker, postgres):
    """The stat panels beside DuckDB over the lake's own tables."""
    stats = {p["title"]: looker.execute(expanded(p["targets"][0]["rawSql"])).fetchone()[0] for b in ("lakehouse", "pqrs") for p in panels(b) if p["type"] == "stat"}

    def lake(sql):
        return float(next(iter(json.loads(pqr("sql", "--json", "--lake", postgres["lake"], "--control", postgres["owner"], sql))[0].values())))

    events = "FROM silver.user_events WHERE CAST(timestamp AS DATE) = (SELECT max(CAST(timestamp AS DATE)) FROM silver.user_events)"
    assert stats["Daily Active Users"] == lake(f"SELECT count(DISTINCT user_id) AS n {events}")
    assert stats["Total Purchases"] == lake(f"SELECT count(*) AS n {events} AND event_type = 'purchase'")
    assert stats["Total Events"] == lake(f"SELECT count(*) AS n {events}")
    assert stats["Open now"] == lake("SELECT count(*) AS n FROM silver.tickets WHERE closed_at IS NULL")


class Prometheus:
    def __init__(self, url):
        self.url = url

    def ask(self, path, **parameters):
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=120) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]

    def has(self, expression):
        return self.ask("query", query=expression)["result"]

    def names(self):
        return set(self.ask("label/__name__/values"))


@pytest.fixture(scope="session")
def prometheus(stack, postgres):
    dask = "dask" in stack.call("list").stdout.split() and stack.call("up", "dask").returncode == 0
    env = stack.up("prometheus:pushgateway", "prometheus")
    pqr("metrics", "--lake", postgres["lake"], "--control", postgres["owner"], "--push", env["PQR_PUSHGATEWAY_URL"])
    asked = Prometheus(env["PQR_PROMETHEUS_URL"])
    within(120, asked.has, "pqr:sla_breaches:ratio")
    within(120, asked.has, "count_over_time(pqr_task_retries_total[1h]) > 2")
    if dask:
        within(120, asked.has, "dask_scheduler_workers")
    return asked


@pytest.mark.parametrize("panel, expression", queries("expr"))
def test_promql(panel, expression, prometheus):
    missing = {n for n in re.findall(r"\b(?:pqr|dask|node)[a-z0-9_:]+|\bALERTS\b|\bup\b", re.sub(r'"[^"]*"', "", expression)) if n not in prometheus.names()}
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        found = prometheus.has(expression)
        took.append(time.perf_counter() - begin)
    assert min(took) < QUICK_S, f"{min(took) * 1000:.0f} ms"
    if missing:
        without = WITHOUT_DATA if "dask_scheduler_workers" in prometheus.names() else WITHOUT_DATA | {"dask_"}
        assert all(name.startswith(tuple(without)) for name in missing), f"no {missing}"
    else:
        assert found, f"{panel['title']} is empty"


def test_provisioning():
    """What Grafana reads at its start names the data sources that the panels use."""
    yaml = pytest.importorskip("yaml")
    folder = ROOT / "deploy/grafana/provisioning"
    sources = {s["uid"]: s["type"] for s in yaml.safe_load((folder / "datasources/pqr.yaml").read_text())["datasources"]}
    used = {(p["datasource"]["uid"], p["datasource"]["type"]) for board in BOARDS for p in panels(board)}
    assert used == set(sources.items())
    assert "password: ${" in (folder / "datasources/pqr.yaml").read_text()
    (provider,) = yaml.safe_load((folder / "dashboards/pqr.yaml").read_text())["providers"]
    assert provider["type"] == "file" and provider["options"]["path"]
