"""A run step by step (pqr_run_begin ... pqr_run_end, `Run` in Python): equal to `pqr run`, resumed, fenced, refused."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest
from conftest import PQR, ROOT
from test_executor_driver import SMALL, content, settings, tasks

LIBRARY = PQR.parent / "libpqr.so"
if not LIBRARY.exists():
    pytest.skip(f"{LIBRARY} is not built", allow_module_level=True)
os.environ.setdefault("PQR_LIB", str(LIBRARY))
sys.path.insert(0, str(ROOT / "python"))

from pqr_lakehouse import PqrError, Run, run_task  # noqa: E402

OPTIONS = {"from_": "2025-09-01", "to": "2025-09-01", "volume": 2, "settings": {"simulation.spike.enabled": False}}
FLAKY = {"class": "retry", "code": "E_UNREACHABLE", "exit": 5, "message": "injected"}


def results(run, plan, worker="me"):
    return [{"task_id": t["task_id"], "worker": worker, "result": run_task(t, run.lake)} for t in plan.tasks]


def go_on(run):
    while plan := run.plan():
        run.commit(results(run, plan))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    lake = tmp_path_factory.mktemp("threads") / "lake"
    done = subprocess.run([PQR, "run", "--lake", lake, *SMALL], env=settings(lake.parent), capture_output=True, check=True)
    return json.loads(done.stdout), content(lake)


def test_same_as_the_command(tmp_path, expected):
    lake = tmp_path / "lake"
    with Run(lake=lake, executor="by hand", **OPTIONS) as run:
        stages = []
        while plan := run.plan():
            stages.append(plan.stage)
            assert run.plan() == plan  # asked again it is the same
            run.commit(results(run, plan))
        assert run.stage is None and run.run_id == expected[0]["run_id"]
    assert stages == ["raw", "bronze", "silver", "gold", "publish"]
    assert run.report["root"] == expected[0]["root"] and run.report["rows"] == expected[0]["rows"]
    assert content(lake) == expected[1]
    assert {worker for worker, in tasks(lake, "worker")} == {"me"}
    with sqlite3.connect(lake / "control.db") as c:
        assert c.execute("SELECT executor, status = ? FROM meta_runs", [run.report["status"]]).fetchall() == [("by hand", 1)]
    with Run(lake=lake, **OPTIONS) as again:  # nothing is left
        assert again.plan() is None
    assert again.report["root"] == run.report["root"] and content(lake) == expected[1]


def test_given_up_and_gone_on_with(tmp_path, expected):
    """An exception in the middle of a stage: FAILED, what is recorded stays done, and `pqr run` goes on from there."""
    lake = tmp_path / "lake"
    with pytest.raises(ZeroDivisionError):
        with Run(lake=lake, **OPTIONS) as run:
            run.commit(results(run, run.plan()))
            plan = run.plan()
            run.record(results(run, plan)[0])
            1 / 0
    assert run.report["status"] == "FAILED" and not (lake / ".pqr-proof").exists()
    with pytest.raises(KeyboardInterrupt):
        with Run(lake=lake, **OPTIONS) as run:
            assert run.stage == "bronze" and len(run.plan().tasks) == len(plan.tasks) - 1
            raise KeyboardInterrupt
    assert run.report["status"] == "PENDING"
    done = subprocess.run([PQR, "run", "--lake", lake, *SMALL], env=settings(tmp_path), capture_output=True, check=True)
    assert json.loads(done.stdout)["root"] == expected[0]["root"] and content(lake) == expected[1]


def test_tried_again_by_the_policy(tmp_path, expected):
    lake = tmp_path / "lake"
    with Run(lake=lake, **OPTIONS) as run:
        task = run.plan().tasks[0]
        failed = {"task_id": task["task_id"], "worker": "a", "error": FLAKY}
        waits = [run.record(failed) for _ in range(3)]
        assert 0.2 <= waits[0] <= 0.3 and 0.4 <= waits[1] <= 0.6 and 0.8 <= waits[2] <= 1.2
        go_on(run)
    assert content(lake) == expected[1]
    assert len([t for t in tasks(lake, "status, worker") if t == ("FAILED", "a")]) == 3
    other = tmp_path / "other"
    with pytest.raises(PqrError, match="injected") as final:
        with Run(lake=other, **OPTIONS) as run:
            run.record({"task_id": run.plan().tasks[0]["task_id"], "worker": "a", "error": {**FLAKY, "class": "data", "code": "E_CORRUPT", "exit": 1}})
    assert final.value.code == 1 and final.value.kind == "data"


def test_a_stale_driver_is_fenced(tmp_path, expected):
    """Another process takes the run over: nothing more is recorded or committed by this one."""
    lake = tmp_path / "lake"
    with pytest.raises(PqrError, match="taken over|holds the run|lease") as fenced:
        with Run(lake=lake, **OPTIONS) as run:
            plan = run.plan()
            done = results(run, plan)
            held = subprocess.run([PQR, "run", "--lake", lake, *SMALL], env=settings(tmp_path), capture_output=True, check=False)
            assert held.returncode == 1 and b"is held by process" in held.stderr
            with sqlite3.connect(lake / "control.db") as c:
                c.execute("UPDATE meta_leases SET owner = 'elsewhere:1:0'")
            c.close()
            run.commit(done)
    assert fenced.value.status == "E_BUSY"
    assert not list((lake / "manifests").rglob("stages/*.json"))
    with sqlite3.connect(lake / "control.db") as c:
        assert c.execute("SELECT status FROM meta_runs").fetchall() == [("RUNNING",)]  # the other's to say
        c.execute("DELETE FROM meta_leases")
    with Run(lake=lake, **OPTIONS) as run:
        go_on(run)
    assert content(lake) == expected[1]


@pytest.mark.parametrize(
    "options, said",
    [
        ({"workload": "pqr"}, "pqrs"),
        ({"sead": "1"}, "no option sead"),
        ({"seed": "x"}, "seed"),
        ({"from_": "2025-13-01"}, "from"),
        ({"until": "iron"}, "iron"),
        ({"publish": "no"}, "publish: expected true or false"),
        ({"settings": {"a.b": 1}}, "a.b"),
        ({"as_of": "soon"}, "as_of"),
        ({"inputs": ["-"]}, "a stream"),
        ({"run_id": "x"}, "UUID"),
    ],
)
def test_refused(options, said, tmp_path):
    with pytest.raises(PqrError, match=said) as e:
        with Run(**{"lake": tmp_path / "lake", **options}):
            pass
    assert e.value.code == 2
    assert not (tmp_path / "lake" / "manifests").exists()


def test_steps_out_of_order(tmp_path):
    with Run(lake=tmp_path / "lake", until="raw", **OPTIONS) as run:
        with pytest.raises(PqrError, match="no stage is planned"):
            run.commit()
        plan = run.plan()
        with pytest.raises(PqrError, match="lacks the result of task raw-"):
            run.commit()
        done = results(run, plan)
        for wrong in ({**done[0], "task_id": "raw-9999"}, {"worker": "a"}, {**done[0], "result": {}}, {**done[0], "error": {}}):
            with pytest.raises(PqrError):
                run.record(wrong)
        assert run.record(done[0]) is None
        with pytest.raises(PqrError, match="done already"):
            run.record(done[0])
        run.commit(done[1:])
        assert run.plan() is None
    assert run.report["status"] == "PENDING"
    with pytest.raises(ValueError):
        run.plan()


def test_a_proof(tmp_path):
    """Of another lake, version or contract: refused by name."""
    from pqr_lakehouse import _worker

    with Run(lake=tmp_path / "lake", until="raw", **OPTIONS) as run:
        proof = run.plan().proof
        assert _worker.prove(run.lake, proof) == _worker.name()
        told = json.loads(proof)
        wrong = {
            "lacks what the run wrote": (tmp_path / "other", told),
            "not the lake": (run.lake, {**told, "nonce": "0"}),
            "version 0.1.0 here, the run is of 0.0.9": (run.lake, {**told, "version": "0.0.9"}),
            "contract of workload pqrs": (run.lake, {**told, "contract": "0" * 64}),
            "not a proof: its key": (run.lake, {**told, "key": "manifests/x"}),
            "not a proof: expected": (run.lake, {}),
        }
        for said, (lake, document) in wrong.items():
            with pytest.raises(PqrError, match=said):
                _worker.prove(str(lake), json.dumps(document))
