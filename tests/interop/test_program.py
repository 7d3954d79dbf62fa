"""The adapter that runs `pqr` as a child: exit statuses as exceptions, log lines, cancelling, and that a child does not outlive its caller."""

import asyncio
import datetime
import json
import logging
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import PQR, ROOT

os.environ.setdefault("PQR_LIB", str(PQR.parent / "libpqr.so"))
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]
from poll import within  # noqa: E402

_program = pytest.importorskip("pqr_lakehouse._program")

SMALL = ["--from=2025-09-01", "--to=2025-09-02", "--volume=20"]
LONG = ["run", "--from=2025-09-01", "--to=2025-12-31", "--volume=1000", "--threads=1"]


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setenv("PQR_PROGRAM", str(PQR))


def started(lake):
    within(120, (lake / "raw").exists)


def test_a_report_and_its_log_lines(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "pqr"):
        report = _program.run(["run", *SMALL], env=_program.place(str(tmp_path / "lake")))
    assert report["status"] == "SUCCESS" and [s["name"] for s in report["stages"]] == ["raw", "bronze", "silver", "gold", "publish"]
    assert [r.getMessage().split()[:3] for r in caplog.records] == [["stage", "done", f"stage={s['name']}"] for s in report["stages"]]


@pytest.mark.parametrize(
    "arguments, kind, code, text",
    [
        (["run", "--from=2025-09-02", "--to=2025-09-01"], _program.UsageError, 2, "before"),
        (["run", "--nonsense"], _program.UsageError, 2, "--nonsense"),
        (["runs", "show", "latest"], _program.ProgramError, 1, "no lake at"),
        (["run", *SMALL, "--control=postgresql://nobody@127.0.0.1:1/pqr"], _program.UnreachableError, 5, "127.0.0.1"),
    ],
)
def test_exit_statuses(tmp_path, arguments, kind, code, text):
    with pytest.raises(_program.ProgramError, match=text) as caught:
        _program.run(arguments, env=_program.place(str(tmp_path / "lake")))
    error = caught.value
    assert (type(error), error.code, error.transient) == (kind, code, code == 5)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.code) == (kind, str(error), code)


def test_a_quality_check_that_fails_gives_the_report(tmp_path):
    bad = tmp_path / "events.jsonl"
    bad.write_text("not an event\n" * 10)
    with pytest.raises(_program.QualityError) as caught:
        _program.run(["run", f"--input={bad}"], env=_program.place(str(tmp_path / "lake")))
    assert caught.value.report["status"] == "FAILED" and caught.value.report["quality"]["fail"] > 0


def test_a_changed_object(tmp_path):
    env = _program.place(str(tmp_path / "lake"))
    _program.run(["run", *SMALL, "--until=raw"], env=env)
    events = next((tmp_path / "lake").glob("raw/pqrs/source=*/day=*/*/events.jsonl"))
    events.write_bytes(events.read_bytes() + b"\n")
    with pytest.raises(_program.IntegrityError):
        _program.run(["verify"], env=env)


def script(folder, text):
    """Another program in the place of pqr."""
    made = folder / "script"
    made.write_text(f"#!/bin/sh\n{text}\n")
    made.chmod(0o755)
    return str(made)


@pytest.mark.parametrize("lines", [False, True])
def test_output_that_a_kill_cuts(tmp_path, monkeypatch, lines):
    monkeypatch.setenv("PQR_PROGRAM", script(tmp_path, """printf '{"run_id": 1}\n{"run_'; kill -9 $$"""))
    with pytest.raises(_program.ProgramError, match="killed by signal 9") as caught:
        _program.run(["lineage"], lines=lines)
    assert caught.value.code == 137 and caught.value.report is None


def test_somebody_who_holds_the_log_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "ends")
    held, began = os.open(tmp_path / "ends", os.O_RDWR), time.monotonic()
    monkeypatch.setenv("PQR_PROGRAM", script(tmp_path, f"timeout 60 cat {tmp_path}/ends >/dev/null &\necho '{{}}'"))
    monkeypatch.setattr(_program, "GRACE_S", 0.1)
    try:
        assert _program.run(["run"]) == {}
        assert time.monotonic() - began < 50
    finally:
        os.close(held)


def status(lake):
    made, = json.loads(subprocess.run([PQR, "runs", "--lake", lake, "--json"], check=True, capture_output=True).stdout)
    return made["status"]


def test_cancelled_by_another_thread(tmp_path):
    lake, cancel = tmp_path / "lake", threading.Event()
    threading.Thread(target=lambda: (started(lake), cancel.set())).start()
    with pytest.raises(_program.CancelledError):
        _program.run(LONG, env=_program.place(str(lake)), cancel=cancel)
    assert status(lake) == "PENDING"


def test_cancelled_in_a_loop(tmp_path):
    lake = tmp_path / "lake"

    async def cancel_it():
        running = asyncio.ensure_future(_program.run_async(LONG, env=_program.place(str(lake))))
        await asyncio.to_thread(started, lake)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancel_it())
    assert status(lake) == "PENDING"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_caller_interrupts_the_program(tmp_path, end):
    """SIGTERM as orchestrators have it, an exception out of a handler; SIGKILL, of which the kernel tells the child."""
    lake = tmp_path / "lake"
    code = f"""
import signal, sys
from pqr_lakehouse import _program
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
_program.run({LONG!r}, env=_program.place({str(lake)!r}))
"""
    caller = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT / "python")}, stderr=subprocess.DEVNULL)
    started(lake)
    caller.send_signal(end)
    assert caller.wait(120) == (3 if end == signal.SIGTERM else -signal.SIGKILL)
    within(120, lambda: status(lake) != "RUNNING")
    assert status(lake) == "PENDING"


def test_one_request_told_twice(tmp_path):
    """The kernel may send the signal of a parent's death for each of its threads, a wrapper pass on what the whole group got."""
    lake = tmp_path / "lake"
    child = subprocess.Popen([PQR, *LONG, "--lake", lake, "--no-progress"], stderr=subprocess.DEVNULL)
    started(lake)
    child.send_signal(signal.SIGTERM)
    child.send_signal(signal.SIGINT)
    assert child.wait(120) == 130
    assert status(lake) == "PENDING"


def test_dates():
    instant = datetime.datetime(2025, 9, 2, 3, 30, tzinfo=datetime.timezone.utc)  # still the first in Bogota
    assert _program.dated("in/{date}/{date-1}-{other}", instant, "America/Bogota") == "in/2025-09-01/2025-08-31-{other}"


def test_options():
    given = {"from": datetime.date(2025, 9, 1), "input": ["a", "b"], "no_publish": True, "seed": 0, "to": None, "as_of": "", "replace_published": False}
    assert _program.options(given) == ["--from=2025-09-01", "--input=a", "--input=b", "--no-publish", "--seed=0", "--as-of="]


def test_where_the_program_is_found(tmp_path, monkeypatch):
    assert _program.find() == str(PQR)
    monkeypatch.delenv("PQR_PROGRAM")
    (tmp_path / "pqr").symlink_to(PQR)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))
    assert _program.find() == str(tmp_path / "pqr")
    assert pathlib.Path(_program.find()).exists()
