"""A day of raw events on many workers, simulated from the task times of a run that was made: bench/scaling.py CONTROL.db [RAW_TB WORKERS]

Reads meta.tasks of the newest run in a SQLite control plane: the seconds of each task, and the bytes and events of raw. Then a list scheduler:
as many tasks of each stage as the plan makes for the larger day, with times drawn in turn from those that were measured and scaled to their
size, handed to the workers one after the other. Beside the workers there is one driver: it
plans, hands out a task and writes down its end in DRIVER_S, and commits a stage in one step that grows with its files. Stages wait for one
another. What it leaves out: that workers share disks, network and memory; TASK_FACTOR is what a task takes among many, by what was measured, or
less than 1 where the machine that was measured did other things meanwhile.
"""

import contextlib
import heapq
import os
import sqlite3
import sys

DRIVER_S = float(os.environ.get("DRIVER_S", "0.002"))  # of one thread, a task: its document, two transactions of the control plane
FILE_S = float(os.environ.get("FILE_S", "0.0005"))  # of a commit, a file: its line in the log, its statistics
TASK_FACTOR = float(os.environ.get("TASK_FACTOR", "1"))
OPEN_S = float(os.environ.get("OPEN_S", "0.0025"))  # of a silver task, a file of bronze: 20 ms of S3, eight at a time
JSON_BYTES_S = 100e6  # that the driver writes and a worker reads of task documents
TASK_BYTES, TASK_ROWS, BUCKETS, FILE_JSON = 64 << 20, 1200000, 256, 400  # raw_tasks.c, silver_plan.c, schema.h; a file in a document


def measured(path):
    """{stage: [seconds of each task]}, bytes of raw, events"""
    with contextlib.closing(sqlite3.connect(path)) as c:
        run, = c.execute("SELECT run_id FROM meta_run_records ORDER BY started_at DESC LIMIT 1").fetchone()
        tasks = "SELECT stage, (julianday(finished_at) - julianday(started_at)) * 86400 FROM meta_tasks WHERE run_id = ? AND status = 'SUCCESS'"
        seconds = {}
        for stage, s in c.execute(tasks, [run]):
            seconds.setdefault(stage, []).append(s)
        raw, rows = c.execute("SELECT sum(bytes_out), sum(rows_out) FROM meta_tasks WHERE run_id = ? AND stage = 'raw' AND status = 'SUCCESS'", [run]).fetchone()
    return seconds, raw, rows


def stage(times, n, workers, document_s):
    """Seconds until n tasks are done, and how busy the driver and the workers are."""
    free, driver, busy, end = [0.0] * workers, 0.0, 0.0, 0.0
    for i in range(n):
        driver += DRIVER_S + document_s
        begin = max(driver, heapq.heappop(free))
        took = times[i % len(times)]
        heapq.heappush(free, begin + took)
        busy += took
        end = max(end, begin + took)
    return end, driver / end, busy / (workers * end)


def main(path, raw_tb="1", workers="64"):
    times, raw, rows = measured(path)
    scale, workers = float(raw_tb) * 1e12 / raw, int(workers)
    print(f"{float(raw_tb):g} TB of raw, {scale:.0f} times the run measured, {workers} workers\n")
    print("| stage | tasks | longest task | on the workers | commit | driver busy | workers busy |\n|---|---|---|---|---|---|---|")
    total, n_bronze = 0.0, max(1, round(float(raw_tb) * 1e12 / TASK_BYTES))
    plan = {
        "raw": (n_bronze, 0),
        "bronze": (n_bronze, 1),
        "silver": (max(1, min(BUCKETS, round(rows * scale / TASK_ROWS))), n_bronze),  # each reads its rows of every file of bronze
        "gold": (len(times["gold"]), BUCKETS),
    }
    for name, (n, inputs) in plan.items():
        each = [s * TASK_FACTOR * scale * len(times[name]) / n + (inputs * OPEN_S if name == "silver" else 0) for s in times[name]]
        end, driver, busy = stage(each, n, workers, inputs * FILE_JSON / JSON_BYTES_S)
        commit = (n_bronze if name in ("raw", "bronze") else n) * FILE_S
        total += end + commit
        print(f"| {name} | {n} | {max(each):.1f} s | {end:.0f} s | {commit:.1f} s | {driver:.0%} | {busy:.0%} |")
    print(f"\n{total / 60:.0f} minutes in all, of the day's 1440; {rows * scale / plan['silver'][0] / 1e6:.1f} million rows a task of silver")


if __name__ == "__main__":
    main(*sys.argv[1:])
