"""pqr stream on a broker of its own: a topic of clickstream's events sent, landed and counted, beside what librdkafka alone needs to send and to
read as many.

usage: bench/stream.py PQR BENCH_CONSUME BENCH_PRODUCE DIRECTORY BROKERS [RUNS] [EVENTS]    prints rows a second of wall time and of the process's own
processor time (user and system, medians), and the latter as a share of the floor's in the same run. Everything runs on one machine, the
broker too. What was landed and counted is compared with what was sent."""

import json
import pathlib
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time


def measured(command):
    """(wall, processor) seconds of a child, and its output."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, out


def need(ok, what):
    if not ok:
        sys.exit(f"bench: {what}")


def main():
    pqr, consume, send, folder, brokers = sys.argv[1:6]
    runs, events = int(sys.argv[6]) if len(sys.argv) > 6 else 3, int(sys.argv[7]) if len(sys.argv) > 7 else 3_000_000
    folder, found = pathlib.Path(folder), {"librdkafka sends": [], "produce": [], "librdkafka": [], "land": [], "aggregate": []}
    stream = [pqr, "stream"]
    for run in range(runs):
        topic, lake = f"bench{run}", folder / "lake"
        where = ["--brokers", brokers, "--topic", topic]
        shutil.rmtree(lake, ignore_errors=True)
        lines = [*stream, "produce", *where, "--rate", "max", "--limit", str(events), "--start", "2025-09-01T00:00:00Z", "--quiet"]
        found["produce"].append(measured(lines)[:2])
        measured([*stream, "produce", "--brokers", brokers, "--topic", f"floor{run}", "--limit", "1", "--rate", "max", "--quiet"])  # makes the topic
        found["librdkafka sends"].append(measured([send, brokers, f"floor{run}", str(events)])[:2])
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
    floors = {name: statistics.median(cpu for _, cpu in found[name]) for name in ("librdkafka", "librdkafka sends")}
    print(f"{events} events, medians of {runs}\n\n| | rows/s wall | rows/s processor | of librdkafka alone |\n|---|---|---|---|")
    for name, times in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*times))
        share = f"{floors['librdkafka sends' if name in ('produce', 'librdkafka sends') else 'librdkafka'] / cpu:.0%}"
        print(f"| {name} | {events / wall:,.0f} | {events / cpu:,.0f} | {share} |")


main()
