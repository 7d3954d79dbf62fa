"""Counts by minute against an independent count over the same lines: for any number of batches and restarts, killed at the system calls of
a commit and at random, in SQLite and in PostgreSQL. Seeded: PQR_TEST_SEED chooses other cases."""

import collections
import datetime
import json
import os
import pathlib
import random
import sqlite3
import subprocess

import pytest
from conftest import PQR, ROOT

SEED = int(os.environ.get("PQR_TEST_SEED", "4711"))
KILL_AT = PQR.parent / "tests" / "interop" / "kill_at"
TYPES, SOURCES = ("login", "click", "purchase", "logout"), ("web", "mobile")
MINUTE, TWO_MINUTES = 60 * 10**6, 120 * 10**6
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
FIRST = int(datetime.datetime(2026, 3, 1, 23, 30, tzinfo=datetime.timezone.utc).timestamp()) * 10**6
TABLES = {"events_per_minute": "event_type, event_count", "logins_per_source": "source, login_count", "purchases_per_minute": "purchase_count"}


def text_of(us):
    return (EPOCH + datetime.timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def make_lines(seed, n):
    """Lines in the order of a partition: mostly forward in time, some early, some far back, some that are no events."""
    r = random.Random(seed)
    now, lines = FIRST, []
    for i in range(n):
        now += r.randrange(400_000)
        ts = now - r.randrange(90) * 10**6
        if r.random() < 0.03:
            ts -= r.randrange(600) * 10**6
        if r.random() < 0.002:
            ts += r.randrange(300) * 10**6
        event = {"event_id": f"{i:08x}-0000-4000-8000-000000000000", "user_id": r.randint(1, 50), "event_type": r.choice(TYPES), "page": "/p"}
        event |= {"timestamp": text_of(ts), "source": r.choice(SOURCES)}
        if r.random() < 0.01:
            event[r.choice(list(event))] = None
        lines.append("what is this" if r.random() < 0.005 else json.dumps(event))
    return lines


def count(lines):
    """The same by the words of the contract: an event is late when its window ends at or before the newest time before it, less two minutes."""
    tables = {name: collections.Counter() for name in TABLES}
    late, newest = collections.Counter(), None
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if None in event.values():
            continue
        ts = (datetime.datetime.strptime(event["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z") - EPOCH) // datetime.timedelta(microseconds=1)
        start = ts // MINUTE * MINUTE
        if newest is not None and start + MINUTE <= newest - TWO_MINUTES:
            late[(start,)] += 1
        else:
            tables["events_per_minute"][start, event["event_type"]] += 1
            if event["event_type"] == "login":
                tables["logins_per_source"][start, event["source"]] += 1
            if event["event_type"] == "purchase":
                tables["purchases_per_minute"][(start,)] += 1
        newest = ts if newest is None else max(newest, ts)
    return tables | {"late_events": late}


# ---- the two databases -----------------------------------------------------------------------------------------------------


class SQLite:
    def __init__(self, folder):
        self.control, self.path = [], folder / "lake" / "control.db"

    def rows(self, table, columns):
        db = sqlite3.connect(self.path)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = db.execute(f"SELECT window_start, {columns} FROM realtime_{table}").fetchall()
        db.close()
        return rows


class PostgreSQL:
    def __init__(self, server):
        PostgreSQL.made = getattr(PostgreSQL, "made", 0) + 1
        self.name = f"windows{PostgreSQL.made}"
        self.server = server
        self.psql("postgres", f"CREATE DATABASE {self.name}")
        self.control = ["--control", f"postgresql://postgres@/{self.name}?host={server}"]

    def psql(self, database, sql):
        command = ["psql", "-XAt", "-v", "ON_ERROR_STOP=1", "-h", self.server, "-U", "postgres", "-d", database, "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def rows(self, table, columns):
        start = "to_char(window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        found = [line.split("|") for line in self.psql(self.name, f"SELECT {start}, {columns} FROM realtime.{table}").splitlines()]
        return [(*row[:-1], int(row[-1])) for row in found]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    folder = pathlib.Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    run = subprocess.run([ROOT / "tests" / "postgres", "start", folder], capture_output=True, text=True, check=False)
    if run.returncode == 77:
        pytest.skip(run.stdout.strip())
    assert run.returncode == 0, run.stdout + run.stderr
    yield str(folder)
    subprocess.run([ROOT / "tests" / "postgres", "stop", folder], check=True)
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")
    return SQLite(tmp_path) if request.param == "sqlite" else PostgreSQL(request.getfixturevalue("postgres"))


# ---- runs ------------------------------------------------------------------------------------------------------------------


def command(database, *more, name="lines"):
    return [PQR, "stream", "aggregate", "--source", "-", "--source-id", name, "--lake", "lake", *database.control, *more]


def aggregate(database, folder, lines, *more, before=(), name="lines"):
    run = subprocess.run([*before, *command(database, *more, name=name)], cwd=folder, input="".join(line + "\n" for line in lines).encode(), capture_output=True, check=False)
    return run


def check(database, want):
    assert len(want["late_events"]) > 5
    for table, columns in (TABLES | {"late_events": "event_count"}).items():
        rows = database.rows(table, columns)
        got = {(int((datetime.datetime.strptime(row[0], "%Y-%m-%dT%H:%M:%S.%f%z") - EPOCH).total_seconds()) * 10**6, *row[1:-1]): row[-1] for row in rows}
        assert len(got) == len(rows), "a key stands twice"
        assert got == dict(want[table]), table


def test_any_batches(database, tmp_path):
    """Several starts over longer and longer beginnings of the lines, each with batches of its own size."""
    r = random.Random(SEED)
    lines = make_lines(SEED, 12000)
    for upto in sorted([*(r.randrange(len(lines)) for _ in range(6)), len(lines), len(lines)]):
        run = aggregate(database, tmp_path, lines[:upto], "--bytes", str(r.choice([1, 2000, 100_000, 10**8])))
        assert run.returncode == 0, run.stderr.decode()
    check(database, count(lines))


def calls_of(database, folder, lines, *more):
    """System calls of a start that has all these lines to count."""
    assert aggregate(database, folder, [], name="none").returncode == 0  # what stands once makes no calls later
    probe = aggregate(database, folder, lines, *more, before=[KILL_AT, str(10**9)], name="probe")
    if probe.returncode == 77:
        pytest.skip("ptrace is not allowed here")
    assert probe.stdout.startswith(b"ended 0 "), probe.stderr.decode()
    return int(probe.stdout.split()[-1])


def test_killed_at_calls(database, tmp_path):
    """A start killed at one of its system calls, from the opening of the database to its end, and started again; each time under a name of its
    own, so that the lines are counted once for each. (The unit test of realtime takes each single call of a commit.)"""
    lines = make_lines(SEED + 1, 1500)
    calls, times, killed = calls_of(database, tmp_path, lines), 1, 0
    for n in range(calls // 4, calls, max(1, calls * 3 // 4 // (60 if not database.control else 25))):
        name, times = f"lines{n}", times + 1
        killed += b"killed" in aggregate(database, tmp_path, lines, before=[KILL_AT, str(n)], name=name).stdout
        again = aggregate(database, tmp_path, lines, name=name)
        assert again.returncode == 0, again.stderr.decode()
    assert killed > 20
    check(database, {table: {key: v * times for key, v in rows.items()} for table, rows in count(lines).items()})


def test_killed_again_and_again(database, tmp_path):
    """The same lines under one name by starts with many commits, each killed at a random call, until one ends."""
    r = random.Random(SEED + 2)
    lines = make_lines(SEED + 2, 20000)
    calls, kills = calls_of(database, tmp_path, lines, "--bytes", "3000"), 0
    for _ in range(8):
        out = aggregate(database, tmp_path, lines, "--bytes", "3000", before=[KILL_AT, str(r.randrange(calls // 4, calls))])
        kills += b"killed" in out.stdout
    assert kills > 1
    run = aggregate(database, tmp_path, lines)
    assert run.returncode == 0, run.stderr.decode()
    check(database, {table: {key: 2 * v for key, v in rows.items()} for table, rows in count(lines).items()})  # and the probe's


def test_two_at_once(database, tmp_path):
    """Two processes at the same lines under one name, which no group would allow: one of them counts each line."""
    lines = make_lines(SEED + 3, 8000)
    data = tmp_path / "lines"
    data.write_text("".join(line + "\n" for line in lines))
    assert aggregate(database, tmp_path, []).returncode == 0
    runs = [subprocess.Popen(command(database, "--bytes", "20000"), cwd=tmp_path, stdin=data.open(), stderr=subprocess.DEVNULL) for _ in range(2)]
    for run in runs:
        run.wait()
    run = aggregate(database, tmp_path, lines)
    assert run.returncode == 0, run.stderr.decode()
    check(database, count(lines))


def test_lines_without_a_name(database, tmp_path):
    """Each start counts anew, and leaves no position behind."""
    lines = make_lines(SEED + 4, 3000)
    bare = [PQR, "stream", "aggregate", "--source", "-", "--lake", "lake", *database.control, "--json"]
    data = "".join(line + "\n" for line in lines).encode()
    for _ in range(2):
        run = subprocess.run(bare, cwd=tmp_path, input=data, capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()
        report = json.loads(run.stdout)
        want = count(lines)
        assert report["records"] == 3000 and report["late"] == sum(want["late_events"].values())
        assert report["rejected"] == 3000 - report["late"] - sum(want["events_per_minute"].values())
    check(database, {table: {key: 2 * n for key, n in rows.items()} for table, rows in count(lines).items()})
    if not database.control:
        db = sqlite3.connect(database.path)
        assert db.execute("SELECT count(*) FROM realtime_offsets").fetchone() == (0,)
        db.close()


def test_sums_to_gold(tmp_path):
    """The same lines as a stream and as a file: windows, late events and repeats sum to gold's totals a day, and publishing gold leaves the
    counts as they stand."""
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")
    database, r = SQLite(tmp_path), random.Random(SEED + 5)
    lines = make_lines(SEED + 5, 15000)  # past midnight
    lines += r.sample(lines, 300)  # the same event_id again
    (tmp_path / "lines.jsonl").write_text("".join(line + "\n" for line in lines))
    assert aggregate(database, tmp_path, lines).returncode == 0
    counted = {table: sorted(database.rows(table, columns)) for table, columns in (TABLES | {"late_events": "event_count"}).items()}
    env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_")} | {"PQR_QUALITY_REJECT_RATE_MAX": "1"}
    for _ in range(2):
        run = subprocess.run([PQR, "run", "clickstream", "--input", "lines.jsonl", "--lake", "lake", "--quiet"], cwd=tmp_path, env=env, capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()
    assert {table: sorted(database.rows(table, columns)) for table, columns in (TABLES | {"late_events": "event_count"}).items()} == counted
    seen, repeats = set(), collections.Counter()
    for line in lines:
        event = json.loads(line) if line.startswith("{") else {"": None}
        if None not in event.values():
            repeats[event["timestamp"][:10]] += event["event_id"] in seen
            seen.add(event["event_id"])
    days = collections.Counter()
    for row in counted["events_per_minute"] + counted["late_events"]:
        days[row[0][:10]] += row[-1]
    db = sqlite3.connect(database.path)
    gold = dict(db.execute("SELECT event_date, sum(event_count) FROM gold_events_per_source_daily GROUP BY 1"))
    db.close()
    assert len(gold) == 2 and sum(repeats.values()) > 250 and {day: n - repeats[day] for day, n in days.items()} == gold
