"""What the tests of orchestrators share: the stack, a webhook, and a run that is cancelled while it is held."""

import contextlib
import datetime
import http.server
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import uuid

import pytest
from conftest import PQR, ROOT

sys.path.insert(0, str(ROOT / "tests"))
from poll import within  # noqa: E402


def ask(condition, seconds=60):
    """A server is asked three times a second."""
    return within(seconds, condition, every=0.3)


def pqr(*arguments):
    done = subprocess.run([PQR, *map(str, arguments), "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def exports(text):
    return dict(re.findall(r"^export (\w+)='(.*)'$", text, re.M))


class Stack:
    """scripts/stack in a folder of its own; a component that cannot be had skips the test."""

    def __init__(self, folder, env=()):
        self.env = {**os.environ, "PQR_STACK_DIR": str(folder), "PQR_STACK_WAIT": "300", "PQR_PROGRAM": str(PQR), "PQR_LIB": str(PQR.parent / "libpqr.so"), **dict(env)}

    def __call__(self, *arguments):
        done = subprocess.run([ROOT / "scripts/stack", *arguments], env=self.env, capture_output=True, text=True, check=False)
        if done.returncode == 77:
            pytest.skip(done.stderr.strip().rpartition("SKIPPED: ")[2])
        assert done.returncode == 0, done.stderr
        return done.stdout


class Hook(http.server.ThreadingHTTPServer):
    """A webhook, and the texts it was sent."""

    def __init__(self):
        self.got = got = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *error):
        self.shutdown()
        super().__exit__(*error)


STEPS = ["bronze_to_silver", "silver_to_gold_dau", "silver_to_gold_conversion", "silver_to_gold_events_source", "silver_to_gold_purchases_page", "gold_to_postgres"]


def clicks(path, numbers):
    """Events of clickstream by number, one every five minutes, in a file."""
    start = datetime.datetime(2025, 12, 30)
    with path.open("w") as out:
        for n in numbers:
            what = {"event_type": ["click", "login", "purchase", "logout"][n % 4], "page": f"/p/{n % 5}", "source": ["web", "mobile"][n % 2]}
            at = (start + datetime.timedelta(minutes=5 * n)).isoformat() + "Z"
            out.write(json.dumps({"event_id": str(uuid.UUID(int=n + 1)), "user_id": n * n % 17 + 1, "timestamp": at, **what}) + "\n")
    return path


def land(events, lake):
    """As a stream does."""
    with events.open("rb") as lines:
        subprocess.run([PQR, "stream", "land", "--source", "-", "--source-id", events.name, "--lake", lake], stdin=lines, capture_output=True, check=True)


def figures(lake):
    """What clickstream published."""
    with contextlib.closing(sqlite3.connect(lake / "control.db")) as db:
        asked = ("event_date, dau_count FROM gold_daily_active_users", "event_date, dau_count, total_purchases, conversion_rate FROM gold_conversion_rate_daily",
            "event_date, source, event_count FROM gold_events_per_source_daily", "event_date, page, purchase_count FROM gold_purchases_per_page_daily")
        return [row for what in asked for row in db.execute(f"SELECT {what} ORDER BY 1, 2")]


def of_lake(lake):
    """Processes of pqr that work in a lake."""
    found = []
    for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"PQR_LAKE_URI={lake}".encode() in environ.read_bytes().split(b"\0") and (environ.parent / "comm").read_text() == "pqr\n":
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


def interrupted(lake, cancel):
    """Hold the run that works in a lake, so that it cannot end first; cancel it; let it go on when it was sent SIGINT. What the control plane says then."""
    ask((lake / "raw").exists)
    pid, = ask(lambda: of_lake(lake))
    os.kill(pid, signal.SIGSTOP)
    cancel()
    seen = pathlib.Path(f"/proc/{pid}/status")
    ask(lambda: int(re.search(r"ShdPnd:\s*(\w+)", seen.read_text())[1], 16) & 1 << signal.SIGINT - 1)
    os.kill(pid, signal.SIGCONT)
    ask(lambda: not of_lake(lake))
    run, = json.loads(pqr("runs", "--lake", lake, "--json"))
    return run["status"]
