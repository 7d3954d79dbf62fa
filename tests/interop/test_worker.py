"""What runs in a worker of an engine: sessions that overlap in one process each open their lake with their own credentials."""

import os
import sys
import threading

import pytest
from conftest import PQR, ROOT

LIBRARY = PQR.parent / "libpqr.so"
if not LIBRARY.exists():
    pytest.skip(f"{LIBRARY} is not built", allow_module_level=True)
os.environ.setdefault("PQR_LIB", str(LIBRARY))
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

from pqr_lakehouse import _worker  # noqa: E402
from poll import within  # noqa: E402

OWN = {"AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "own"}
ONE = {"AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "1", "AWS_SESSION_TOKEN": "for one"}
TWO = {"AWS_ACCESS_KEY_ID": "two", "AWS_SECRET_ACCESS_KEY": "2", "AWS_REGION": "us-east-1"}


def said():
    return {name: os.environ[name] for name in _worker.CREDENTIALS if name in os.environ}


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """Of each lake that was opened: what the environment said meanwhile."""
    for name in _worker.CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    for name, value in OWN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(_worker, "_mine", threading.local())
    seen = []

    class Lake:
        def __init__(self, uri):
            before = said()
            within(5, iter([False, False, True]).__next__)  # others have their turn
            assert said() == before
            seen.append(before)

        def run(self, document):
            return document

        def close(self):
            pass

    monkeypatch.setattr(_worker, "_Lake", Lake)
    monkeypatch.setattr(_worker, "prove", lambda *_: None)
    yield seen
    _worker.wear({})


def ask(given, times=1):
    for _ in range(times):
        assert _worker.answer("s3://b/l", "{}", "task", given) == {"result": "task"}


def test_overlapping_sessions(opened):
    for given in (ONE, TWO, {}, ONE, TWO, {}):
        ask(given)
    assert opened == [{**OWN, **ONE}, {**OWN, **TWO}, OWN]  # each once, and nothing of another's
    assert _worker.credentials() == OWN


def test_one_ends_before_the_other(opened):
    ask(ONE)
    ask(TWO)
    _worker.wear({})  # what the end of either does
    assert said() == OWN
    ask(TWO)  # kept open
    threading.Thread(target=ask, args=(TWO,)).start()
    within(120, lambda: len(opened) == 3)
    assert opened[2] == {**OWN, **TWO}
    _worker.wear({})
    assert said() == OWN


def test_what_the_process_gets_itself_counts_after_a_session(opened, monkeypatch):
    ask(ONE)
    _worker.wear({})
    monkeypatch.setenv("AWS_SESSION_TOKEN", "newer")
    ask(TWO)
    assert opened[1] == {**OWN, **TWO, "AWS_SESSION_TOKEN": "newer"}


def test_from_many_threads(opened):
    threads = [threading.Thread(target=ask, args=(given, 20)) for given in (ONE, TWO, {}) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sorted(o.items()) for o in opened) == sorted(sorted(o.items()) for o in [{**OWN, **ONE}, {**OWN, **TWO}, OWN] * 4)
