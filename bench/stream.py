"""pqr stream on a broker of its own: a topic of clickstream's events sent, landed and counted, beside what librdkafka alone needs to send and to
read as many.

usage: bench/stream.py PQR BENCH_CONSUME BENCH_PRODUCE DIRECTORY BROKERS [RUNS] [EVENTS] [SECONDS]    prints rows a second of wall time and of the
process's own processor time (user and system, medians), and the latter as a share of the floor's in the same run; the most memory it took; then,
of events as they come for so many seconds, how long each is on its way from its time stamp to where it can be read, and what that costs.
Everything runs on one machine, the broker too. What was landed and counted is compared with what was sent."""

import bisect
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time


def ended(child):
    """(processor seconds, MiB at most) of a child that ends."""
    _, code, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(code)
    need(child.returncode == 0, f"{child.args[1:3]} ended with {child.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measured(command):
    """(wall seconds, processor seconds, MiB at most) of a child, and its output."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    out = child.stdout.read()
    cpu, memory = ended(child)
    return time.monotonic() - began, cpu, memory, out


def need(ok, what):
    if not ok:
        sys.exit(f"bench: {what}")


# ---- a backlog -------------------------------------------------------------------------------------------------------------


def backlog(pqr, consume, send, folder, brokers, runs, events):
    found = {"librdkafka sends": [], "produce": [], "librdkafka": [], "land": [], "aggregate": []}
    stream = [pqr, "stream"]
    for run in range(runs):
        topic, lake = f"bench{run}", folder / "lake"
        where = ["--brokers", brokers, "--topic", topic]
        shutil.rmtree(lake, ignore_errors=True)
        lines = [*stream, "produce", *where, "--rate", "max", "--limit", str(events), "--start", "2025-09-01T00:00:00Z", "--quiet"]
        found["produce"].append(measured(lines)[:3])
        measured([*stream, "produce", "--brokers", brokers, "--topic", f"floor{run}", "--limit", "1", "--rate", "max", "--quiet"])  # makes the topic
        found["librdkafka sends"].append(measured([send, brokers, f"floor{run}", str(events)])[:3])
        *seconds, out = measured([consume, brokers, topic])
        need(int(out.split()[0]) == events, "the topic does not hold what was sent")
        found["librdkafka"].append(seconds)
        taking = [*where, "--once", "--lake", str(lake), "--quiet", "--json"]
        *seconds, out = measured([*stream, "land", *taking])
        need(sum(json.loads(line)["records"] for line in out.splitlines()) == events, "not all was landed")
        found["land"].append(seconds)
        *seconds, _ = measured([*stream, "aggregate", *taking])
        db = sqlite3.connect(lake / "control.db")
        counted = [db.execute(f"SELECT coalesce(sum(event_count), 0) FROM realtime_{t}").fetchone()[0] for t in ("events_per_minute", "late_events")]
        need(sum(counted) == events, "not all was counted")
        found["aggregate"].append(seconds)
    floors = {name: statistics.median(cpu for _, cpu, _ in found[name]) for name in ("librdkafka", "librdkafka sends")}
    print(f"{events} events, medians of {runs}\n\n| | rows/s wall | rows/s processor | of librdkafka alone | MiB |\n|---|---|---|---|---|")
    for name, times in found.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*times))
        share = f"{floors['librdkafka sends' if name in ('produce', 'librdkafka sends') else 'librdkafka'] / cpu:.0%}"
        print(f"| {name} | {events / wall:,.0f} | {events / cpu:,.0f} | {share} | {memory:.0f} |")


# ---- events as they come ---------------------------------------------------------------------------------------------------


class Delta:
    """What the log of a table says of positions: files are visible with the version that adds them."""

    def __init__(self, lake, topic):
        self.log, self.topic, self.next = lake / "bronze/user_events/_delta_log", topic, 0

    def positions(self):
        found = {}
        while (file := self.log / f"{self.next:020d}.json").exists():
            for line in file.read_text().splitlines():
                txn = json.loads(line).get("txn", {"appId": ""})
                app, _, partition = txn["appId"].rpartition("/")
                if app == f"pqr-stream/{self.topic}":
                    found[int(partition)] = txn["version"]
            self.next += 1
        return found


class SQLite:
    def __init__(self, lake, topic):
        self.path, self.topic, self.db = lake / "control.db", topic, None

    def positions(self):
        with contextlib.suppress(sqlite3.OperationalError):  # it is not there yet
            self.db = self.db or sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
            return dict(self.db.execute("SELECT partition, next_position FROM realtime_offsets WHERE topic = ?", [self.topic]))
        return {}


class PostgreSQL:
    """One psql that is asked again and again."""

    def __init__(self, url, topic):
        self.ask = f"SELECT partition, next_position FROM realtime.offsets WHERE topic = '{topic}';\n\\echo ."
        self.psql = subprocess.Popen(["psql", "-XAtq", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def positions(self):
        print(self.ask, file=self.psql.stdin, flush=True)
        rows = iter(self.psql.stdout.readline, ".\n")
        return {int(partition): int(position) for partition, position in (row.split("|") for row in rows)}


def seen_of(watched, seconds):
    """For so long: per partition the positions that came to be visible, and when."""
    seen, until = {name: {} for name in watched}, time.monotonic() + seconds
    while time.monotonic() < until:
        for name, place in watched.items():
            for partition, position in place.positions().items():
                at = seen[name].setdefault(partition, [])
                if not at or at[-1][0] != position:
                    at.append((position, time.time()))
        time.sleep(0.005)
    return seen


def delays(rows, seen, skipped):
    """Seconds from the time stamp of each event (partition, offset, time) to the first position beyond it, without those of the members' start."""
    found, first = [], min(at for _, _, at in rows)
    for partition, offset, at in rows:
        steps = seen[partition]
        step = bisect.bisect_right(steps, offset, key=lambda s: s[0])
        need(step < len(steps), "an event did not come to be visible")
        if at >= first + skipped:
            found.append(steps[step][1] - at)
    return sorted(found)


def arrived(pqr, lake):
    """(partition, offset, time stamp) of each event that was landed."""
    columns = ["--columns", "kafka_partition,kafka_offset,timestamp"]
    out = subprocess.run([pqr, "table", "cat", "bronze.user_events", "--lake", str(lake), *columns, "--json"], check=True, stdout=subprocess.PIPE).stdout
    return [(r["kafka_partition"], r["kafka_offset"], time_of(r["timestamp"])) for r in json.loads(out)]


def time_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def arrivals(pqr, folder, brokers, rate, seconds, postgres):
    topic, lake = f"arrivals{rate}", folder / f"lake{rate}"
    where = ["--brokers", brokers, "--topic", topic, "--quiet"]
    measured([pqr, "stream", "produce", *where, "--limit", "1"])  # makes the topic
    commands = {"land": ["land"], "aggregate, SQLite": ["aggregate"]} | ({"aggregate, PostgreSQL": ["aggregate", "--control", postgres, "--group", "b"]} if postgres else {})
    began = time.monotonic()
    members = {name: subprocess.Popen([pqr, "stream", *command, *where, "--lake", str(lake), "--interval", "1"]) for name, command in commands.items()}
    time.sleep(3)
    producer = subprocess.Popen([pqr, "stream", "produce", *where, "--rate", str(rate), "--limit", str(rate * seconds)])
    watched = {"land": Delta(lake, topic), "aggregate, SQLite": SQLite(lake, topic)} | ({"aggregate, PostgreSQL": PostgreSQL(postgres, topic)} if postgres else {})
    seen = seen_of(watched, seconds + 5)
    ended(producer)
    for member in members.values():
        member.terminate()
    costs = {name: ended(member) for name, member in members.items()}
    took, rows = time.monotonic() - began, arrived(pqr, lake)
    need(len(rows) == rate * seconds + 1, "not all was landed")
    for name, (cpu, memory) in costs.items():
        found = delays(rows, seen[name], 5)
        p50, p99 = (found[int(len(found) * q)] for q in (0.5, 0.99))
        print(f"| {name} | {rate} | {p50:.2f} | {p99:.2f} | {cpu / took:.2%} | {memory:.0f} |")


def main():
    pqr, consume, send, folder, brokers = sys.argv[1:6]
    runs, events, seconds = (int(sys.argv[i]) if len(sys.argv) > i else usual for i, usual in ((6, 3), (7, 3_000_000), (8, 60)))
    backlog(pqr, consume, send, pathlib.Path(folder), brokers, runs, events)
    print("\n`--interval 1`\n\n| | events/s | p50, s | p99, s | of a core | MiB |\n|---|---|---|---|---|---|")
    for rate in (1000, 5):
        arrivals(pqr, pathlib.Path(folder), brokers, rate, seconds, os.environ.get("PQR_BENCH_POSTGRES"))


main()
