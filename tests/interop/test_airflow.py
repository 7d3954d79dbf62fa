"""The DAGs on a real Airflow 3: `dags test`, LocalExecutor by REST, a failed task cleared and retried, a deferred one, backfill, what assets and
lineage say."""

import datetime
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import PQR, ROOT
from orchestrated import STEPS, Hook, Stack, ask, clicks, exports, figures, interrupted, land, pqr

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
DAGS = '''
import datetime
from pathlib import Path
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
from pqr_lakehouse.airflow import PqrOperator, _dag, lakehouse_bronze_to_gold, pqrs_etl, table_asset

HERE = Path({here!r})
fast = {{"retry_delay": datetime.timedelta(seconds=1), "retries": 2}}
by_hand = lakehouse_bronze_to_gold(cron=None, operator={{"lake": str(HERE / "shop")}}, default_args=fast)
streamed = lakehouse_bronze_to_gold("streamed", from_stream=True, cron=None, operator={{"lake": str(HERE / "streamed")}}, default_args=fast)
with _dag("deferred", "", cron=None, deadline=datetime.timedelta(seconds=1), default_args=fast):
    PqrOperator(task_id="all", workload="clickstream", until="gold_to_postgres", lake=str(HERE / "deferred"), options={{"from": "2026-01-01", "to": "2026-01-02", "rate": 0.2}}, deferrable=True)
long = datetime.datetime(2025, 9, 30, tzinfo=datetime.timezone.utc)
days = pqrs_etl("days", input=[str(HERE / "in/{{date-1}}.jsonl")], start=datetime.datetime(2025, 9, 1, tzinfo=datetime.timezone.utc), end_date=long, operator={{"lake": str(HERE / "days")}}, default_args=fast)
first = datetime.datetime(2025, 9, 1, tzinfo=datetime.timezone.utc)
caught = pqrs_etl("caught", input=[str(HERE / "in/{{date-1}}.jsonl")], catchup=True, start=first, end_date=first + datetime.timedelta(days=1, hours=12),
    operator={{"lake": str(HERE / "caught"), "pool": "default_pool"}}, default_args=fast)
with DAG("alone", schedule=None, start_date=long):
    PqrOperator(task_id="unreachable", until="raw", lake=str(HERE / "u"), control="postgresql://nobody@127.0.0.1:1/pqr", retries=1, retry_delay=datetime.timedelta(seconds=1))
    big = {{"options": {{"from": "2025-09-01", "to": "2025-12-31", "volume": 1000, "threads": 1}}, "until": "gold", "retries": 0}}
    one = PqrOperator(task_id="cancelled", lake=str(HERE / "big"), **big)
    one >> PqrOperator(task_id="deferred", lake=str(HERE / "deferred-big"), deferrable=True, trigger_rule="all_failed", **big)
with DAG("follows", schedule=table_asset("gold.daily_active_users"), start_date=datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)):
    EmptyOperator(task_id="seen")
'''


CACHE = pathlib.Path(os.environ.get("PQR_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "pqr")


class Airflow:
    def __init__(self, env, here):
        self.env, self.here, self.url = {**os.environ, **env, "PYTHONPATH": str(ROOT / "python"), "PQR_PROGRAM": str(PQR), "PQR_LIB": str(PQR.parent / "libpqr.so")}, here, env["PQR_STACK_AIRFLOW_URL"]
        self.program = env["PQR_STACK_AIRFLOW"] + "/bin/airflow"
        self.token = self.call("POST", "/auth/token", {"username": "admin", "password": env["PQR_STACK_AIRFLOW_PASSWORD"]})["access_token"]

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.token}"} if hasattr(self, "token") else {})}
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), headers, method=method)
        try:
            with OPENER.open(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error
        return json.loads(text) if text else None

    def command(self, *arguments):
        done = subprocess.run([self.program, *arguments], env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-4000:]
        return done.stdout + done.stderr

    def unpause(self, dag):
        ask(lambda: dag in {d["dag_id"] for d in self.call("GET", "/api/v2/dags")["dags"]}, 90)
        self.call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def begin(self, dag, conf=None):
        self.unpause(dag)
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        return f"/api/v2/dags/{dag}/dagRuns/" + self.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": now, "conf": conf or {}})["dag_run_id"]

    def ended(self, run, state="success", seconds=150):
        found = ask(lambda: (r := self.call("GET", run)) and r["state"] in ("success", "failed") and r, seconds)
        assert found["state"] == state, (found, self.states(run), [self.log(run, t)[-3000:] for t, s in self.states(run).items() if s == "failed"])
        return found

    def tasks(self, run):
        return {t["task_id"]: t for t in self.call("GET", f"{run}/taskInstances")["task_instances"]}

    def states(self, run):
        return {name: t["state"] for name, t in self.tasks(run).items()}

    def log(self, run, task, attempt=None):
        attempt = attempt or self.tasks(run)[task]["try_number"]
        return json.dumps(self.call("GET", f"{run}/taskInstances/{task}/logs/{attempt}"))

    def xcom(self, run, task, key="return_value"):
        return self.call("GET", f"{run}/taskInstances/{task}/xcomEntries/{key}?deserialize=true")["value"]


@pytest.fixture(scope="module")
def hook():
    with Hook() as made:
        yield made


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, hook):
    here = tmp_path_factory.mktemp("airflow")
    (here / "dags").mkdir()
    (here / "dags/under_test.py").write_text(DAGS.format(here=str(here)))
    lineage = json.dumps({"type": "file", "log_file_path": str(here / "lineage.jsonl"), "append": True})
    stack = Stack(here / "stack", {"PQR_AIRFLOW_DAGS": str(here / "dags"), "PQR_ALERT_WEBHOOK": hook.url, "AIRFLOW__OPENLINEAGE__TRANSPORT": lineage})
    try:
        stack("up", "postgres", "airflow")
        yield Airflow(exports(stack("env", "airflow")), here)
    finally:
        stack("down", "--clean")


def bronze(lake):
    """A clickstream run up to bronze: what a stream or an ingest would have left."""
    return json.loads(pqr("run", "clickstream", "--from", "2026-01-01", "--to", "2026-01-02", "--rate", "0.2", "--until", "bronze", "--lake", lake, "--json"))


def published(lake):
    with sqlite3.connect(lake / "control.db") as db:
        return db.execute("SELECT event_date, dau_count, conversion_rate FROM gold_conversion_rate_daily ORDER BY 1").fetchall()


def test_a_failed_task_is_cleared_and_retried(airflow):
    """Without bronze the first step fails, and is not tried again: its status does not say that it may pass. Then bronze comes."""
    airflow.unpause("follows")
    run = airflow.begin("lakehouse_bronze_to_gold")
    airflow.ended(run, "failed")
    assert airflow.states(run) == {STEPS[0]: "failed", **dict.fromkeys(STEPS[1:], "upstream_failed")}
    tried = airflow.tasks(run)[STEPS[0]]["try_number"]
    assert tried < 3 and "exit status 1" in airflow.log(run, STEPS[0], tried)  # three are allowed; on a busy machine Airflow itself may lose one
    made = bronze(airflow.here / "shop")
    dag = run.split("/")[4]
    airflow.call("POST", f"/api/v2/dags/{dag}/clearTaskInstances", {"dry_run": False, "dag_run_id": run.rpartition("/")[2], "only_failed": True, "reset_dag_runs": True})
    airflow.ended(run)
    assert set(airflow.states(run).values()) == {"success"} and airflow.tasks(run)[STEPS[0]]["try_number"] > tried
    order = sorted(airflow.tasks(run).values(), key=lambda t: t["start_date"])
    assert [t["task_id"] for t in order] == STEPS and all(a["end_date"] <= b["start_date"] for a, b in zip(order, order[1:]))
    assert {airflow.xcom(run, step, "run_id") for step in STEPS} == {made["run_id"]}
    assert airflow.xcom(run, STEPS[-1])["status"] == "SUCCESS" and airflow.xcom(run, STEPS[0], "rows")["silver"]["user_events"] == made["rows"]["bronze"]
    assert "stage=bronze_to_silver" in airflow.log(run, STEPS[0])
    assert len(published(airflow.here / "shop")) == 2


def test_other_dags_follow_the_assets(airflow):
    run, = ask(lambda: airflow.call("GET", "/api/v2/dags/follows/dagRuns")["dag_runs"])
    airflow.ended(f"/api/v2/dags/follows/dagRuns/{run['dag_run_id']}")
    events = airflow.call("GET", "/api/v2/assets/events?limit=100")["asset_events"]
    assert {"pqr://default/silver/user_events", "pqr://default/gold/daily_active_users", "pqr://default/serving/gold_conversion_rate_daily"} <= {e["uri"] for e in events}
    with sqlite3.connect(airflow.here / "shop/control.db") as db:
        assert {e["extra"]["run_id"] for e in events} == {run_id for run_id, in db.execute("SELECT run_id FROM meta_runs")}


def test_lineage_says_what_a_task_read_and_wrote(airflow):
    events = [json.loads(line) for line in (airflow.here / "lineage.jsonl").read_text().splitlines()]
    done = {e["job"]["name"]: e for e in events if e["eventType"] == "COMPLETE"}
    dau = done["lakehouse_bronze_to_gold.silver_to_gold_dau"]
    assert [d["name"] for d in dau["inputs"]] == ["silver.user_events"] and [d["name"] for d in dau["outputs"]] == ["gold.daily_active_users"]
    assert len(done["lakehouse_bronze_to_gold.gold_to_postgres"]["outputs"]) == 4


def test_dags_test(airflow):
    """In one process, without the servers: the run is finished, so it does nothing and says so."""
    said = airflow.command("dags", "test", "lakehouse_bronze_to_gold")
    assert re.search(r"DagRun Finished: dag_id=lakehouse_bronze_to_gold.*state=success", said), said[-3000:]


def test_deferred_and_late(airflow, hook):
    """The program runs beside the triggerer. The DAG's deadline is a second: somebody is told."""
    run = airflow.begin("deferred")
    ask(lambda: airflow.states(run).get("all") == "deferred")
    airflow.ended(run)
    assert len(published(airflow.here / "deferred")) == 2
    assert "stage=bronze_to_silver" in airflow.log(run, "all")
    assert ask(lambda: hook.got)[0] == "deferred missed its deadline of 0:00:01"


def test_tried_again_where_it_may_pass_and_cancelled(airflow):
    """A control plane out of reach is tried as often as the task says; a task that is marked failed interrupts the program, beside a worker
    and beside the triggerer."""
    run = airflow.begin("alone")
    for task, name in (("cancelled", "big"), ("deferred", "deferred-big")):
        lake = airflow.here / name
        ask((lake / "raw").exists, 150)
        assert task != "deferred" or airflow.states(run)[task] == "deferred"
        ended = interrupted(lake, lambda: airflow.call("PATCH", f"{run}/taskInstances/{task}", {"new_state": "failed"}))
        assert ended == "PENDING"  # interrupted, not killed: it says so itself
        shutil.rmtree(lake)
    airflow.ended(run, "failed")
    task = airflow.tasks(run)["unreachable"]
    assert (task["state"], task["try_number"]) == ("failed", 2) and all("exit status 5" in airflow.log(run, "unreachable", attempt) for attempt in (1, 2))


def test_what_a_stream_appended(airflow):
    """Step by step in one process: two days of events in bronze, and late ones; the figures of the same events as files."""
    for name, numbers in (("first", range(600)), ("late", range(590, 700, 11))):
        events = clicks(airflow.here / f"{name}.jsonl", numbers)
        land(events, airflow.here / "streamed")
        said = airflow.command("dags", "test", "streamed")
        assert re.search(r"DagRun Finished: dag_id=streamed.*state=success", said), said[-3000:]
        pqr("run", "clickstream", "--input", events, "--lake", airflow.here / "files")
    assert figures(airflow.here / "streamed") == figures(airflow.here / "files") != []


def test_day_after_day_is_one_run(airflow):
    """Two days of files by `airflow backfill`, and beside it by a DAG with catchup; either published picture is that of one run over both."""
    whole, days = airflow.here / "whole", ("2025-09-01", "2025-09-02")
    pqr("run", "--from", days[0], "--to", "2025-09-04", "--volume", "20", "--until", "raw", "--lake", whole)
    (airflow.here / "in").mkdir()
    for day in days:
        (airflow.here / f"in/{day}.jsonl").write_bytes(b"".join(p.read_bytes() for p in sorted(whole.glob(f"raw/pqrs/source=*/day={day}/*/events.jsonl"))))
    airflow.unpause("caught")
    airflow.unpause("days")
    airflow.command("backfill", "create", "--dag-id", "days", "--from-date", days[0], "--to-date", "2025-09-03", "--max-active-runs", "1")
    for dag, kind in (("days", "backfill"), ("caught", "scheduled")):
        runs = ask(lambda: (r := airflow.call("GET", f"/api/v2/dags/{dag}/dagRuns")["dag_runs"]) and len(r) == 2 and all(x["state"] in ("success", "failed") for x in r) and r, 300)
        assert [(r["state"], r["run_type"]) for r in runs] == [("success", kind)] * 2
    pqr("run", *(f"--input={airflow.here}/in/{day}.jsonl" for day in days), "--lake", airflow.here / "once")

    def picture(lake):
        with sqlite3.connect(lake / "control.db") as db:
            tables = [name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'gold!_%' ESCAPE '!' ORDER BY 1")]
            columns = {t: [c for _, c, *_ in db.execute(f"PRAGMA table_info({t})") if c != "run_id"] for t in tables}
            return {t: db.execute(f"SELECT {', '.join(columns[t])} FROM {t} ORDER BY {', '.join(columns[t])}").fetchall() for t in tables}

    theirs = picture(airflow.here / "once")
    for lake in (airflow.here / "days", airflow.here / "caught"):
        assert picture(lake) == theirs and len(theirs["gold_daily_kpis"]) == 2
        with sqlite3.connect(lake / "control.db") as db:
            assert db.execute("SELECT count(*) FROM meta_runs WHERE status IN ('SUCCESS', 'DEGRADED')").fetchone() == (2,)


def test_an_asset_for_each_table_that_lineage_names(airflow):
    """Those of the two DAGs, beside what the runs above wrote; quarantine has rows only where something is wrong."""
    program = "import json, pqr_lakehouse.airflow as a; print('STAGES', json.dumps({'pqrs': a.PQRS, 'clickstream': a.CLICKSTREAM}))"
    said = subprocess.run([airflow.program.replace("bin/airflow", "bin/python"), "-c", program], env=airflow.env, capture_output=True, text=True, check=True).stdout
    assets = json.loads(said.partition("STAGES ")[2])
    for workload, lake in (("pqrs", "days"), ("clickstream", "shop")):
        events = map(json.loads, pqr("lineage", "--lake", airflow.here / lake, "--format", "openlineage").splitlines())
        wrote = {e["job"]["name"].removeprefix(f"{workload}."): {d["name"] for d in e["outputs"]} for e in events}
        named = {"publish" if stage == "gold_to_postgres" else stage: set(tables) - {"silver.quarantine"} for stage, tables in assets[workload].items()}
        assert {stage: wrote[stage] - {"silver.quarantine"} for stage in named} == named


PASSWORDS = """
from unittest import mock
from pqr_lakehouse import airflow
given = dict(task_id="t", lake="l")
for control in {refused!r}:
    late = airflow.PqrOperator(control="{{{{ var.value.control }}}}", **given)
    late.control = control  # as rendered
    for made in (lambda: airflow.PqrOperator(control=control, **given), late._env):
        try:
            made()
        except airflow.AirflowFailException as e:
            assert "conn_id" in str(e) and "s3cret" not in str(e), e
        else:
            raise AssertionError(control)
for control in {taken!r}:
    assert airflow.PqrOperator(control=control, **given)._env()["PQR_CONTROL_URI"] == control
with mock.patch.object(airflow.BaseHook, "get_connection", lambda _: mock.Mock(extra_dejson={{"control": {refused!r}[0]}})):
    assert airflow.PqrOperator(conn_id="pqr", **given)._env()["PQR_CONTROL_URI"] == {refused!r}[0]
"""


@pytest.mark.parametrize("version", ["", "-2.10"])
def test_a_password_is_for_a_connection(version, tmp_path):
    """Not for a template field, which Airflow stores and shows as it is rendered."""
    python = CACHE / f"venv-airflow{version}/bin/python"
    if not python.exists():
        pytest.skip("no Airflow here (scripts/install-deps airflow; is PyPI in reach?)")
    refused = ["postgresql://pqr:s3cret@db/pqr", "postgres://:s3cret@db", "postgresql://pqr@db/pqr?password=s3cret", "postgresql:///pqr?sslmode=verify-full&sslpassword=s3cret"]
    taken = ["postgresql://pqr@db:5432/pqr", "postgresql://db:5432/pqr?application_name=a@b", "sqlite:/srv/a:b@c/control.db", "postgresql:///pqr"]
    env = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "python"), "PQR_LIB": str(PQR.parent / "libpqr.so")}
    done = subprocess.run([python, "-c", PASSWORDS.format(refused=refused, taken=taken)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_on_airflow_2_10(tmp_path):
    """The same DAG by the Airflow before, in one process: each step, and the trigger of a deferred one."""
    program = CACHE / "venv-airflow-2.10/bin/airflow"
    if not program.exists():
        pytest.skip("no Airflow 2.10 here (scripts/install-deps test; is PyPI in reach?)")
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags/pqr.py").write_text(
        f"""from airflow import DAG
from pqr_lakehouse.airflow import lakehouse_bronze_to_gold
made = lakehouse_bronze_to_gold(operator={{"lake": {str(tmp_path / "lake")!r}, "deferrable": True}})
"""
    )
    bronze(tmp_path / "lake")
    settings = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONPATH": str(ROOT / "python")}
    env = {**os.environ, **settings, "PQR_PROGRAM": str(PQR), "PQR_LIB": str(PQR.parent / "libpqr.so")}
    for command in (["db", "migrate"], ["pools", "set", "pqr_lake", "1", "one", "--include-deferred"], ["dags", "test", "lakehouse_bronze_to_gold"]):
        done = subprocess.run([program, *command], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    said = done.stdout + done.stderr
    assert [m for m in re.findall(r"Marking task as SUCCESS.*?task_id=(\w+)", said)] == STEPS
    assert len(published(tmp_path / "lake")) == 2
