"""pqr beside DuckDB on the same raw clickstream: bronze, silver and gold, each in a process of its own with two threads.

usage: bench/clickstream.py PQR DIRECTORY [RUNS] [RATE]    prints wall and processor seconds, medians, and their ratios; the gold tables
of both are compared first. pqr's numbers are those of its stages bronze to gold; of raw, which DuckDB does not make, only the time is left out."""

import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[1]
GOLD = ("daily_active_users", "conversion_rate_daily", "events_per_source_daily", "purchases_per_page_daily")


def measured(command):
    """(wall, processor) seconds of a child."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, out


def columns_of(lake, name):
    skip = ("history_id", "month", "run_id")
    found = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{lake}/gold/{name}/*/*/*.parquet', hive_partitioning = false)").fetchall()
    return [row[0] for row in found if row[0] not in skip]


def compare(lake, out):
    for name in GOLD:
        columns = ", ".join(columns_of(lake, name))
        ours = duckdb.sql(f"SELECT {columns} FROM read_parquet('{lake}/gold/{name}/*/*/*.parquet') ORDER BY ALL").fetchall()
        theirs = duckdb.sql(f"SELECT {columns} FROM read_parquet('{out}/{name}.parquet') ORDER BY ALL").fetchall()
        if ours != theirs or not ours:
            sys.exit(f"bench: {name}: DuckDB's rows are not pqr's")


def one(pqr, folder, rate):
    lake, out = folder / "lake", folder / "duck"
    for path in (lake, out):
        shutil.rmtree(path, ignore_errors=True)
    run = [pqr, "run", "clickstream", "--lake", str(lake), "--rate", rate, "--quiet", "--threads", "2"]
    subprocess.run([*run, "--until", "raw"], check=True, stdout=subprocess.DEVNULL)
    wall, cpu, text = measured([*run, "--no-publish", "--json"])
    report = json.loads(text)
    out.mkdir()
    sql = (ROOT / "bench/duckdb/clickstream.sql").read_text().replace("@RAW@", str(lake / "raw")).replace("@OUT@", str(out))
    script = "import duckdb, sys; c = duckdb.connect(); c.execute('SET threads = 2'); c.execute(sys.argv[1])"
    duck_wall, duck_cpu, _ = measured([sys.executable, "-c", script, sql])
    compare(lake, out)
    return report["rows"]["raw"], wall, cpu, duck_wall, duck_cpu


def main():
    pqr, folder = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]).resolve()
    runs, rate = int(sys.argv[3]) if len(sys.argv) > 3 else 3, sys.argv[4] if len(sys.argv) > 4 else "5"
    found = [one(pqr, folder, rate) for _ in range(runs)]
    rows, wall, cpu, duck_wall, duck_cpu = (statistics.median(column) for column in zip(*found))
    print("| clickstream, raw to gold | pqr, s | DuckDB, s | ratio |\n|---|---|---|---|")
    print(f"| {rows:,} events, wall | {wall:.2f} | {duck_wall:.2f} | {duck_wall / wall:.2f} |")
    print(f"| processor | {cpu:.2f} | {duck_cpu:.2f} | {duck_cpu / cpu:.2f} |")


main()
