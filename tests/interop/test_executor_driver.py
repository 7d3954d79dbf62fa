"""`pqr run --executor`: what it believes of a driver, and what becomes of a run whose driver does wrong (fake_driver.py)."""

import json
import os
import pathlib
import pty
import re
import sqlite3
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from poll import within  # noqa: E402

PQR = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build")) / "pqr"
SMALL = ["--from", "2025-09-01", "--to", "2025-09-01", "--volume", "2", "--quiet", "--json", "--no-progress"]


def settings(folder):
    python = folder / "python"
    if not python.exists():
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/interop/fake_driver.py" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_")}
    return env | {"PQR_PYTHON": str(python), "FAKE_PQR": str(PQR), "PQR_SIMULATION_SPIKE_ENABLED": "false"}


def run(lake, *more, **env):
    return subprocess.run([PQR, "run", "--lake", lake, *SMALL, *more], env=settings(lake.parent) | env, capture_output=True, text=True, check=False)


def content(lake):
    return {
        str(p.relative_to(lake)): p.read_bytes()
        for p in lake.rglob("*")
        if p.is_file() and "_delta_log" not in p.parts and not p.name.startswith("control.db")
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")
    lake = tmp_path_factory.mktemp("threads") / "lake"
    done = run(lake)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["root"], content(lake)


def tasks(lake, columns):
    with sqlite3.connect(lake / "control.db") as c:
        return c.execute(f"SELECT {columns} FROM meta_tasks ORDER BY stage, task_id, attempt").fetchall()


@pytest.mark.parametrize("what", ["honest", "flaky", "twice", "moved"])
def test_same_bytes(what, tmp_path, expected):
    lake = tmp_path / "lake"
    done = run(lake, "--executor", f"dask://{what}:1", PQR_EXECUTOR_SILENCE_SECONDS="60")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["root"] == expected[0]
    assert content(lake) == expected[1]
    outcomes = tasks(lake, "attempt, status, worker, error IS NULL")
    once = [(1, "SUCCESS", "fake-0", 1)]
    each = [(1, "FAILED", "fake-0", 0), (2, "SUCCESS", "fake-0", 1)] if what == "flaky" else once
    assert outcomes == each * (len(outcomes) // len(each))
    with sqlite3.connect(lake / "control.db") as c:
        assert c.execute("SELECT executor, attempts FROM meta_runs").fetchall() == [(f"dask://{what}:1", 1)]


WRONG = {
    "dies": "exit status 7: it was me",
    "killed": "killed by signal 9",
    "closes": "it closed its standard output",
    "silent": "silent: nothing for 1 s",
    "mute": "silent: nothing for 1 s",
    "lost": "injected",
    "no-engine": "injected",
    "unready": "answered nonsense: .*set",
    "no-json": "answered nonsense: {hello",
    "no-such-task": "answered nonsense",
    "no-such-attempt": "answered nonsense",
    "no-result": "answered nonsense",
    "half-result": "answered nonsense",
    "no-progress": "answered nonsense: .*progress",
    "back": "answered nonsense: .*progress",
    "no-such-word": "answered nonsense: .*gone",
    "unknown-error": "answered nonsense",
}


@pytest.mark.parametrize("what", WRONG)
def test_driver_goes_wrong(what, tmp_path, expected):
    """One line, exit status 5, and the next start goes on from what was done."""
    lake = tmp_path / "lake"
    silence = "1" if what in ("silent", "mute") else "60"
    done = run(lake, "--executor", f"dask://{what}:1", PQR_EXECUTOR_SILENCE_SECONDS=silence)
    assert done.returncode == 5
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and f"executor dask://{what}:1: " in lines[0] and "goes on where it was" in lines[0]
    assert re.search(WRONG[what], lines[0]), lines[0]
    assert not (lake / ".pqr-proof").exists()
    finished = [t for t in tasks(lake, "stage, task_id, status") if t[2] == "SUCCESS"]
    again = run(lake, "--executor", "dask://honest:1")
    assert again.returncode == 0, again.stderr
    assert content(lake) == expected[1]
    assert sorted(set(finished)) == sorted(finished)
    assert len([t for t in tasks(lake, "stage, task_id, status") if t[2] == "SUCCESS"]) == len(set(tasks(lake, "stage, task_id")))


@pytest.mark.parametrize("what, status, attempts", [("always", 5, 4), ("broken", 1, 1)])
def test_task_fails_for_good(what, status, attempts, tmp_path):
    """Tried again by the same policy as on threads: four times what may pass, once what can't."""
    lake = tmp_path / "lake"
    done = run(lake, "--executor", f"dask://{what}:1")
    assert done.returncode == status and "injected" in done.stderr
    tried = tasks(lake, "task_id, attempt, status")
    assert max(t[1] for t in tried) == attempts and {t[2] for t in tried} <= {"FAILED", "RUNNING"}


def test_ingested_files_stay_here(tmp_path):
    """Files of this machine and streams are read by this process; what follows is the driver's."""
    lake, events = tmp_path / "lake", tmp_path / "events.jsonl"
    assert run(lake, "--until", "raw").returncode == 0
    lines = b"".join(p.read_bytes() for p in sorted((lake / "raw").rglob("events.jsonl")))
    events.write_bytes(lines)
    workers = {}
    for name in ("dask://honest:1", "threads"):
        into = tmp_path / name[:4]
        command = [PQR, "run", "--lake", into, "--input", "-", "--quiet", "--executor", name]
        env = settings(tmp_path) | {"PQR_QUALITY_INVALID_TRANSITION_RATE_MAX": "1", "PQR_QUALITY_REJECT_RATE_MAX": "1"}
        done = subprocess.run(command, input=lines, env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        workers[name] = {(stage, worker.split("-")[0]) for stage, worker in tasks(into, "stage, worker")}
    assert workers["dask://honest:1"] == {("raw", "thread"), ("bronze", "fake"), ("silver", "fake"), ("gold", "fake")}
    assert content(tmp_path / "dask") == content(tmp_path / "thre")


def test_progress_in_the_middle_of_a_task(tmp_path, expected):
    """What a worker tells while a task runs is in the bar on the terminal."""
    lake, seen = tmp_path / "lake", bytearray()
    ours, theirs = pty.openpty()

    def read():
        while chunk := os.read(ours, 4096):
            seen.extend(chunk)

    threading.Thread(target=read, daemon=True).start()
    command = [PQR, "run", "--lake", lake, *SMALL[:-3], "--executor", "dask://tells:1"]
    with subprocess.Popen(command, env=settings(tmp_path) | {"TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs, text=True) as running:
        within(120, lambda: b"123M rows" in seen or running.poll() is not None)
        (tmp_path / "lake.seen").touch()
        out = running.communicate()[0]
    assert running.returncode == 0 and b"123M rows" in seen, (out, bytes(seen))
    assert content(lake) == expected[1]


def test_interrupted(tmp_path, expected):
    """SIGINT reaches the program alone; the driver sees the end of its input, and the run can be resumed."""
    lake = tmp_path / "lake"
    command = [PQR, "run", "--lake", lake, *SMALL, "--executor", "dask://silent:1"]
    running = subprocess.Popen(command, env=settings(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    within(120, lambda: running.poll() is not None or ("SUCCESS",) in tasks_or_none(lake))
    assert running.poll() is None
    running.send_signal(2)
    assert running.wait(120) == 130
    running.stderr.close()
    assert run(lake).returncode == 0
    assert content(lake) == expected[1]


def tasks_or_none(lake):
    try:
        return tasks(lake, "status") if (lake / "control.db").exists() else []
    except sqlite3.OperationalError:
        return []
