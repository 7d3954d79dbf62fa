"""The flows on a real Prefect server and worker: by REST, by schedule, retried, cancelled, what they leave to look at, whom they alert."""

import datetime
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest
from conftest import PQR, ROOT
from orchestrated import STEPS, Hook, Stack, ask, clicks, exports, figures, interrupted, land, pqr

DAYS = {"date_from": "2025-09-01", "date_to": "2025-09-03", "volume": 40}
STAGES = ["raw", "bronze", "silver", "gold", "publish"]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Prefect:
    def __init__(self, env, home):
        self.api, self.place, self.home = env["PREFECT_API_URL"], pathlib.Path(env["PQR_STACK_PREFECT"]), home
        self.deployments = {f"{name}/nightly": self.get(f"/deployments/name/{name}/nightly")["id"] for name in ("pqrs_etl", "clickstream_batch")}

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.api + path, data, {"Content-Type": "application/json"}, method=method)
        answer = ask(lambda: self._answer(request))
        return json.loads(answer[0]) if answer[0] else None

    def _answer(self, request):
        """None while its SQLite is locked: Prefect's own clients ask again, too."""
        try:
            with OPENER.open(request, timeout=60) as answer:
                return [answer.read()]
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise AssertionError(f"{request.method} {request.selector}: {error.code} {error.read().decode()}") from error

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body):
        return self.call("POST", path, body)

    def begin(self, deployment, parameters):
        return self.post(f"/deployments/{self.deployments[deployment]}/create_flow_run", {"parameters": {"parameters": parameters}})["id"]

    def ended(self, flow_run, state="COMPLETED", seconds=180):
        found = ask(lambda: (f := self.get(f"/flow_runs/{flow_run}"))["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") and f, seconds)
        assert found["state"]["type"] == state, (found["state"], self.logs(flow_run)[-30:])
        return found

    def tasks(self, flow_run, n=1):
        """By start; n of them at least: task runs arrive as events, a moment after their flow run."""
        return ask(lambda: (found := self._tasks(flow_run)) and len(found) >= n and found)

    def _tasks(self, flow_run):
        return self.post("/task_runs/filter", {"task_runs": {"flow_run_id": {"any_": [flow_run]}}, "sort": "EXPECTED_START_TIME_ASC"})

    def logs(self, flow_run):
        return [log["message"] for log in self.post("/logs/filter", {"logs": {"flow_run_id": {"any_": [flow_run]}}, "sort": "TIMESTAMP_ASC"})]

    def artifacts(self, flow_run):
        return {a["key"]: a for a in self.post("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run]}}})}

    def python(self, *arguments):
        env = {**os.environ, "PREFECT_API_URL": self.api, "PYTHONPATH": str(ROOT / "python"), "PREFECT_HOME": str(self.home), "PQR_LIB": str(PQR.parent / "libpqr.so")}
        done = subprocess.run([self.place / "bin/python", *map(str, arguments)], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefect") / "stack"
    made = Stack(folder)
    try:
        made("up", "prefect")
        yield made
    finally:
        made("down", "--clean")


@pytest.fixture(scope="module")
def server(stack, tmp_path_factory):
    return Prefect(exports(stack("env", "prefect")), tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def first(server, tmp_path_factory):
    """A flow run by REST, that all look at."""
    lake = tmp_path_factory.mktemp("first") / "lake"
    flow_run = server.begin("pqrs_etl/nightly", {"lake": str(lake), **DAYS})
    return lake, server.ended(flow_run)


def test_by_rest_a_task_a_stage(server, first, tmp_path):
    lake, flow_run = first
    plain = pqr("run", "--from", DAYS["date_from"], "--to", DAYS["date_to"], "--volume", DAYS["volume"], "--lake", tmp_path / "lake", "--json")
    theirs, ours = json.loads(plain), json.loads(pqr("run", "--from", DAYS["date_from"], "--to", DAYS["date_to"], "--volume", DAYS["volume"], "--lake", lake, "--json"))
    assert ours["nothing_to_do"] and ours["root"] == theirs["root"] and ours["run_id"] == theirs["run_id"]
    tasks = server.tasks(flow_run["id"], 7)
    assert [t["name"] for t in tasks] == ["plan", *STAGES, "report"]
    assert {t["state"]["type"] for t in tasks} == {"COMPLETED"}
    assert flow_run["name"] == "pqrs_etl 2025-09-01..2025-09-03" and {"pqr", "pqrs"} <= set(flow_run["tags"])
    logs = ask(lambda: (found := server.logs(flow_run["id"])) and any("stage=publish" in m for m in found) and found)
    assert [m.split()[2] for m in logs if m.startswith("stage done")] == [f"stage={s}" for s in STAGES]


def test_artifacts(server, first):
    lake, flow_run = first
    found = server.artifacts(flow_run["id"])
    assert set(found) == {"pqrs-report", "pqrs-quality", "pqrs-kpis", "pqrs-lake"}
    report = json.loads(pqr("run", "--from", DAYS["date_from"], "--to", DAYS["date_to"], "--volume", DAYS["volume"], "--lake", lake, "--json"))
    text = found["pqrs-report"]["data"]
    rows = report["rows"]
    assert report["run_id"] in text and report["root"] in text
    assert f"{rows['raw']:,} raw lines = {rows['bronze']:,} bronze rows + {rows['duplicates']:,} duplicates + {rows['rejected']:,} rejects" in text
    quality = json.loads(found["pqrs-quality"]["data"])
    assert len(quality) == sum(report["quality"].values()) and {q["result"] for q in quality} == {"PASS"}
    kpis = json.loads(found["pqrs-kpis"]["data"])
    with sqlite3.connect(lake / "control.db") as db:
        assert [(k["day"], k["total_tickets"]) for k in kpis] == db.execute("SELECT day, total_tickets FROM gold_daily_kpis ORDER BY day DESC LIMIT 14").fetchall() != []
    assert "| " + " | ".join(map(str, kpis[0].values())) + " |" in text
    assert f"file://{lake}" in found["pqrs-lake"]["data"]


def test_the_page_of_a_flow_run(server, first, tmp_path):
    """As a person sees it: rendered by a browser."""
    chromium = shutil.which("chromium") or pytest.skip("no chromium here (scripts/install-deps packages)")
    page = f"{server.api.removesuffix('/api')}/runs/flow-run/{first[1]['id']}"
    with tempfile.TemporaryDirectory() as home:  # the browser's socket there: its path must be short
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1100", "--virtual-time-budget=30000", f"--user-data-dir={home}/profile"]
        seen = subprocess.run([chromium, *flags, f"--screenshot={tmp_path}/page.png", "--dump-dom", page], capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": home, "TMPDIR": home})
    assert seen.returncode == 0, seen.stderr
    for words in (first[1]["name"], "Completed", "stage done stage=publish", "nightly"):
        assert words in seen.stdout, words
    assert (tmp_path / "page.png").stat().st_size > 50_000  # a page with nothing on it has a tenth of that


def test_cached_by_run_id_while_the_lake_has_it(server, first):
    lake, flow_run = first
    again = server.ended(server.begin("pqrs_etl/nightly", {"lake": str(lake), **DAYS}))
    tasks = server.tasks(again["id"], 7)
    assert [t["state"]["name"] for t in tasks] == ["Completed", *["Cached"] * 5, "Completed"]
    (lake / "control.db").unlink()
    shutil.rmtree(lake)
    other = server.ended(server.begin("pqrs_etl/nightly", {"lake": str(lake), **DAYS}))
    tasks = server.tasks(other["id"], 7)
    assert {t["state"]["name"] for t in tasks} == {"Completed"}  # the cache has them, the lake has not
    pqr("verify", "--lake", lake)


def test_by_schedule_one_at_a_time_in_a_lake(server, tmp_path):
    """A schedule of clickstream's, while a run of the other flow holds the lake: one after the other, and then both."""
    lake = tmp_path / "lake"
    deployment = server.deployments["clickstream_batch/nightly"]
    values = {"lake": str(lake), "date_from": "2026-01-01", "date_to": "2026-01-02", "rate": 0.2}
    schedule = {"schedule": {"interval": 15, "anchor_date": datetime.datetime.now(datetime.timezone.utc).isoformat()}, "active": True, "parameters": {"parameters": values}}
    made, = server.post(f"/deployments/{deployment}/schedules", [schedule])
    try:
        ours = {"flow_runs": {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CRASHED"]}}}}
        scheduled = ask(lambda: server.post("/flow_runs/filter", ours), 90)[0]
        other = server.begin("pqrs_etl/nightly", {"lake": str(lake), **DAYS})
        assert scheduled["auto_scheduled"]
        server.ended(scheduled["id"])
        server.ended(other)
    finally:
        server.call("DELETE", f"/deployments/{deployment}/schedules/{made['id']}")
    stages = [[t for t in server.tasks(run, n) if t["name"] not in ("plan", "report")] for run, n in ((scheduled["id"], 10), (other, 7))]
    spans = sorted((min(t["start_time"] for t in s), max(t["end_time"] for t in s)) for s in stages)
    assert spans[0][1] <= spans[1][0], spans
    with sqlite3.connect(lake / "control.db") as db:
        assert db.execute("SELECT count(*) FROM gold_daily_active_users").fetchone()[0] == 2


def test_retried_only_where_it_may_pass(server, stack, tmp_path):
    """A lake on S3 whose server comes back later; and a command line that stays wrong."""
    stack("up", "s3")
    env = exports(stack("env", "s3"))
    stack("down", "s3")
    names = {k: v for k, v in env.items() if k.startswith("AWS_")}
    block = tmp_path / "block.py"
    block.write_text("import sys, json\nfrom pqr_lakehouse.prefect import PqrLake\nlake, control, env = sys.argv[1:]\nPqrLake(lake=lake, control=control, environment=json.loads(env)).save('flaky', overwrite=True)\n")
    bucket = env.get("PQR_STACK_BUCKET") or "pqr"
    server.python(block, f"s3://{bucket}/flaky", f"sqlite:{tmp_path}/control.db", json.dumps(names))
    flow_run = server.begin("pqrs_etl/nightly", {"block": "flaky", **DAYS, "retries": 6, "retry_delay_seconds": 2})
    plan = ask(lambda: [t for t in server._tasks(flow_run) if t["state"]["name"] in ("AwaitingRetry", "Retrying")], 60)[0]
    assert plan["name"] == "plan"
    stack("up", "s3")
    done = server.ended(flow_run)
    tasks = server.tasks(flow_run, 7)
    assert tasks[0]["run_count"] >= 2 and [t["run_count"] for t in tasks[1:6]] == [1] * 5
    assert names["AWS_SECRET_ACCESS_KEY"] not in json.dumps([done, server.logs(flow_run), server.artifacts(flow_run)])
    stack("down", "s3")
    wrong = server.begin("pqrs_etl/nightly", {"lake": str(tmp_path / "l"), "date_from": "2025-09-03", "date_to": "2025-09-01", "retries": 6})
    lost = server.begin("clickstream_batch/nightly", {"lake": "./lake"})
    assert "goes when it ends" in server.ended(lost, "FAILED")["state"]["message"]
    server.ended(wrong, "FAILED")
    failed, = server.tasks(wrong)
    assert failed["run_count"] == 1 and "before" in failed["state"]["message"], failed["state"]


def test_cancel_reaches_the_program(server, tmp_path):
    lake = tmp_path / "lake"
    values = {"lake": str(lake), "date_from": "2025-09-01", "date_to": "2025-12-31", "volume": 1000, "threads": 1}
    flow_run = server.begin("pqrs_etl/nightly", values)
    ended = interrupted(lake, lambda: server.post(f"/flow_runs/{flow_run}/set_state", {"state": {"type": "CANCELLING"}}))
    assert ended == "PENDING"  # interrupted, not killed: it says so itself
    server.ended(flow_run, "CANCELLED")
    shutil.rmtree(lake)


def test_what_a_stream_appended(server, tmp_path):
    """Two days of events in bronze, then late ones of a day that was told. In the end the figures of the same events as files."""
    for name, numbers in (("first", range(600)), ("late", range(590, 700, 11))):
        events = clicks(tmp_path / f"{name}.jsonl", numbers)
        land(events, tmp_path / "lake")
        done = server.ended(server.begin("clickstream_batch/nightly", {"lake": str(tmp_path / "lake"), "from_stream": True}))
        assert [t["name"] for t in server.tasks(done["id"], 8)][1:-1] == [*STEPS[:-1], "publish"]
        pqr("run", "clickstream", "--input", events, "--lake", tmp_path / "files")
    assert figures(tmp_path / "lake") == figures(tmp_path / "files") != []
    assert "clickstream-kpis" in server.artifacts(done["id"])


def test_a_degraded_run_alerts(server, first, tmp_path):
    """A file half of whose lines are rejects: a WARNING. The automation posts to the hook."""
    good = next(first[0].glob("raw/pqrs/source=email/day=*/*/events.jsonl")).read_text()
    (tmp_path / "events.jsonl").write_text(good + "not an event\n" * good.count("\n"))
    with Hook() as hook:
        server.python(ROOT / "deploy/prefect/alert_on_degraded.py", hook.url)
        done = server.ended(server.begin("pqrs_etl/nightly", {"lake": str(tmp_path / "lake"), "input": [str(tmp_path / "events.jsonl")]}))
        assert done["state"]["name"] == "Degraded"
        text, = ask(lambda: hook.got)
    run, = json.loads(pqr("runs", "--lake", tmp_path / "lake", "--json"))
    assert run["status"] == "DEGRADED" and f"run {run['run_id']} in {tmp_path}/lake" in text
    assert "| WARNING |" in server.artifacts(done["id"])["pqrs-report"]["data"]
