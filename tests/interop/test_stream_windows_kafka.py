"""Counts by minute of a topic on a real broker, under members that join, leave, are killed and are stopped past their session, while broker
and PostgreSQL are killed and come back: an independent count over what the topic holds, as a program that shares nothing with ours reads it.
Seeded: PQR_TEST_SEED chooses other schedules, PQR_STREAM_SCHEDULES how many."""

import collections
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys

import pytest
from conftest import PQR, ROOT
from test_stream_windows import SQLite, check, count

sys.path.insert(0, str(ROOT / "tests"))
from poll import within  # noqa: E402

SEED = int(os.environ.get("PQR_TEST_SEED", "4711"))
SCHEDULES = int(os.environ.get("PQR_STREAM_SCHEDULES", "2"))
TOOL = PQR.parent / "tests" / "interop" / "kafka_tool"
STEPS, EVENTS = 10, 1500
QUICK = ["session.timeout.ms=3000", "heartbeat.interval.ms=300", "topic.metadata.refresh.interval.ms=500", "reconnect.backoff.max.ms=500"]


class Stack:
    def __init__(self, folder):
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_STREAM")} | {"PQR_STACK_DIR": str(folder)}
        up = self.stack("up", "kafka", "postgres")
        if up.returncode == 77:
            pytest.skip(up.stderr.strip().splitlines()[-1])
        assert up.returncode == 0, up.stderr
        listing = f'. {folder}/env; echo "$PQR_STREAM_BROKERS"; for v in PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD; do echo "$v=${{!v-}}"; done'
        lines = subprocess.run(["bash", "-c", listing], capture_output=True, text=True, check=True).stdout.splitlines()
        self.brokers = lines[0]
        self.env |= {k: v for k, v in (line.split("=", 1) for line in lines[1:]) if v}

    def stack(self, *arguments):
        return subprocess.run([ROOT / "scripts" / "stack", *arguments], env=self.env, capture_output=True, text=True, check=False)

    def again(self, component):
        assert self.stack("kill", component).returncode == 0
        assert self.stack("up", component).returncode == 0

    def tool(self, *arguments):
        run = subprocess.run([TOOL, self.brokers, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def partitions(self, topic):
        """The values of each partition, in the order of their offsets."""
        found = collections.defaultdict(dict)
        for line in self.tool("read", topic).splitlines():
            partition, offset, _, _, value = line.split("\t", 4)
            found[int(partition)][int(offset)] = value
        return [[values[offset] for offset in sorted(values)] for values in found.values()]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    if not TOOL.exists():
        pytest.skip("built without librdkafka")
    made = Stack(tmp_path_factory.mktemp("stack"))
    yield made
    made.stack("down", "--clean")


class PostgreSQL:
    def __init__(self, stack, name):
        self.env, self.name = stack.env, name
        self.psql("postgres", f"CREATE DATABASE {name}")
        self.control = ["--control", f"postgresql:///{name}"]

    def psql(self, database, sql):
        command = ["psql", "-XAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]
        run = subprocess.run(command, capture_output=True, text=True, check=False, env=self.env)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def rows(self, table, columns):
        start = "to_char(window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        found = [line.split("|") for line in self.psql(self.name, f"SELECT {start}, {columns} FROM realtime.{table}").splitlines()]
        return [(*row[:-1], int(row[-1])) for row in found]

    def counted(self):
        there = self.psql(self.name, "SELECT count(to_regclass('realtime.offsets'))") == "1\n"  # a member makes it
        return int(self.psql(self.name, "SELECT coalesce(sum(next_position), 0) FROM realtime.offsets")) if there else 0

    def unlocked(self):
        return self.psql(self.name, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'") == "0\n"


class SQLiteToo(SQLite):
    def counted(self):
        if not self.path.exists():
            return 0
        db = sqlite3.connect(self.path)
        there = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'realtime_offsets'").fetchone()[0]  # a member makes it
        n = db.execute("SELECT coalesce(sum(next_position), 0) FROM realtime_offsets").fetchone()[0] if there else 0
        db.close()
        return n

    def unlocked(self):
        db = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        finally:
            db.close()
        return True


class Schedule:
    def __init__(self, stack, database, folder, topic, r):
        self.stack, self.database, self.folder, self.topic, self.r = stack, database, folder, topic, r
        self.members, self.produced, self.joined = [], 0, 0

    def command(self, *more):
        settings = [word for setting in QUICK for word in ("--kafka", setting)]
        return [PQR, "stream", "aggregate", "--brokers", self.stack.brokers, "--topic", self.topic, "--lake", "lake", *self.database.control, *settings, *more]

    def produce(self):
        start = f"2026-03-01T12:{2 * (self.produced // EVENTS):02d}:00Z"
        command = [PQR, "stream", "produce", "--brokers", self.stack.brokers, "--topic", self.topic, "--limit", str(EVENTS), "--rate", "max", "--quiet"]
        command += ["--first", str(self.produced), "--start", start, "--late-share", "0.03", "--out-of-order", "20"]
        subprocess.run(command, check=True, env=self.stack.env, cwd=self.folder)
        self.produced += EVENTS

    def join(self):
        self.joined += 1
        log = self.folder / f"log{self.joined}"
        interval = str(self.r.choice([0.05, 0.2, 1]))
        with log.open("w") as errors:
            self.members.append(subprocess.Popen(self.command("--interval", interval), cwd=self.folder, stderr=errors, env=self.stack.env))
        assert within(120, lambda: "started" in log.read_text()), "what it needs is there, so it starts"

    def pick(self):
        return self.members.pop(self.r.randrange(len(self.members)))

    def kill(self):
        member = self.pick()
        member.kill()
        member.wait()

    def leave(self):
        member = self.pick()
        member.terminate()
        assert member.wait(120) == 0

    def caught_up(self):
        return self.database.counted() == self.produced

    def stop(self, member):
        """Not within its transaction: whoever is stopped there keeps its locks, and everybody waits until it goes on."""
        for _ in range(100):
            member.send_signal(signal.SIGSTOP)
            with contextlib.suppress(AssertionError):
                return within(3, self.database.unlocked)
            member.send_signal(signal.SIGCONT)
        raise AssertionError("it is always within a transaction")

    def zombie(self):
        """Stopped with a batch in hand until the others have counted all that there is, its own partitions too; then it wakes up."""
        member = self.pick()
        try:
            self.stop(member)
            if not self.members:
                self.join()
            self.produce()
            assert within(120, self.caught_up)
            member.send_signal(signal.SIGCONT)
        finally:
            self.members.append(member)  # whoever ends the test ends all of them

    def restart(self):
        postgres = self.database.control and self.r.random() < 0.6
        self.stack.again("postgres" if postgres else "kafka")

    def play(self):
        self.produce()
        self.join()
        assert within(120, self.caught_up)
        for step in range(STEPS):
            self.produce()
            if not self.members:
                self.join()
            action = self.r.choice([self.join, self.join, self.kill, self.kill, self.leave, self.zombie])
            (self.restart if step == STEPS // 2 else action)()
        if not self.members:
            self.join()
        assert within(120, self.caught_up)
        while self.members:
            self.leave()
        run = subprocess.run(self.command("--once"), cwd=self.folder, capture_output=True, text=True, check=False, env=self.stack.env)
        assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("number", range(SCHEDULES))
def test_schedule(stack, tmp_path, number):
    database = PostgreSQL(stack, f"windows{number}") if number % 2 else SQLiteToo(tmp_path)
    schedule = Schedule(stack, database, tmp_path, f"windows{number}", random.Random(SEED + number))
    try:
        schedule.play()
    finally:
        for member in schedule.members:
            member.kill()
            member.wait()
    want = collections.defaultdict(collections.Counter)
    for lines in stack.partitions(schedule.topic):
        for table, found in count(lines).items():
            want[table].update(found)
    assert sum(want["events_per_minute"].values()) + sum(want["late_events"].values()) == schedule.produced
    check(database, want)


def test_gap(stack, tmp_path):
    """What retention took before it was counted ends the stream with a line that says how much; or it goes on without it."""
    schedule = Schedule(stack, SQLiteToo(tmp_path), tmp_path, "gap", random.Random(SEED))
    schedule.produce()
    lines = stack.partitions(schedule.topic)
    longest = max(range(len(lines)), key=lambda i: len(lines[i]))
    partition = {line.split("\t")[0] for line in stack.tool("read", schedule.topic).splitlines() if line.split("\t", 4)[4] in lines[longest]}.pop()
    assert subprocess.run(schedule.command("--once", "--bytes", "1"), cwd=tmp_path, env=stack.env, capture_output=True, check=False).returncode == 0
    schedule.produce()
    after = len(lines[longest]) + 100
    stack.tool("cut", schedule.topic, partition, after)
    stops = subprocess.run(schedule.command("--once"), cwd=tmp_path, env=stack.env, capture_output=True, text=True, check=False)
    assert stops.returncode == 1 and f"100 messages of partition {partition} (offsets {after - 100} to {after - 1}) are gone" in stops.stderr, stops.stderr
    goes_on = subprocess.run(schedule.command("--once", "--on-gap", "continue"), cwd=tmp_path, env=stack.env, capture_output=True, text=True, check=False)
    assert goes_on.returncode == 0 and f"100 messages of partition {partition}" in goes_on.stderr, goes_on.stderr
    found = SQLiteToo(tmp_path)
    counted = sum(row[-1] for row in found.rows("events_per_minute", "event_type, event_count")) + sum(row[-1] for row in found.rows("late_events", "event_count"))
    assert counted == schedule.produced - 100 and found.counted() == schedule.produced


@pytest.mark.parametrize("server", [False, True], ids=["SQLite", "PostgreSQL"])
def test_topic_made_again(stack, tmp_path, server):
    """A topic that was deleted and made again, and has grown beyond what was counted of the old one, is no continuation of it."""
    database = PostgreSQL(stack, "again") if server else SQLiteToo(tmp_path)
    schedule = Schedule(stack, database, tmp_path, f"again{int(server)}", random.Random(SEED))

    def once(*more):
        return subprocess.run(schedule.command("--once", *more), cwd=tmp_path, env=stack.env, capture_output=True, text=True, check=False)

    schedule.produce()
    assert once().returncode == 0
    stack.tool("drop", schedule.topic)
    schedule.produce()
    schedule.produce()
    stops = once()
    assert stops.returncode == 1 and "the topic was made again" in stops.stderr and len(stops.stderr.splitlines()) == 1, stops.stderr
    assert database.counted() == EVENTS
    assert once("--accept-new-topic").returncode == 0
    assert database.counted() == 3 * EVENTS
    schedule.produce()
    assert once().returncode == 0
    counted = sum(row[-1] for row in database.rows("events_per_minute", "event_type, event_count")) + sum(row[-1] for row in database.rows("late_events", "event_count"))
    assert counted == database.counted() == 4 * EVENTS
