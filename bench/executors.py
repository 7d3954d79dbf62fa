"""What an executor costs: the same run on two threads, on two Dask workers of one thread and on Spark local[2], in the same place.

    bench/executors.py PQR FOLDER [VOLUME]       scripts/bench executors

Seconds are those of bronze, silver and gold, as the run's report has them. Raw, in whose time the engine starts, is a column of its own. Overhead a
task: the seconds that the engine's run takes beyond the threads', by task. The manifest root of
each run is compared before anything is printed. Medians of BENCH_RUNS (3). Clusters come from scripts/stack; one that cannot be had is left out
by name. Not here: the same work written for dask.dataframe and PySpark.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
STAGES = ("bronze", "silver", "gold")


def stack(*arguments):
    return subprocess.run([ROOT / "scripts" / "stack", *arguments], capture_output=True, text=True, check=False)


def component(name):
    """The environment of a component, or None where it cannot be had."""
    up = stack("up", name)
    if up.returncode != 0:
        print(f"bench: {name} is left out: {up.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    told = subprocess.run(["bash", "-c", f"{stack('env', name).stdout}\nenv"], env={}, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in told.splitlines())


def contenders():
    """(name, arguments, environment, component to end)"""
    yield "2 threads", ["--threads", "2"], {}, None
    dask = component("dask")
    if dask:
        uri = dask["DASK_SCHEDULER_ADDRESS"].replace("tcp://", "dask://")
        yield "Dask, 2 workers", ["--executor", uri], {"PQR_PYTHON": dask["PQR_STACK_DASK_PYTHON"]}, "dask"
    spark = component("spark")  # for its Python; the tasks run in the process's own local[2]
    if spark:
        stack("down", "spark")
        more = {k: spark[k] for k in ("SPARK_LOCAL_IP", "PYSPARK_PYTHON")} | {"PQR_PYTHON": spark["PQR_STACK_SPARK_PYTHON"]}
        yield "Spark local[2]", ["--executor", "spark-local[2]"], more, None


def once(pqr, lake, volume, arguments, more):
    env = os.environ | {"PYTHONPATH": str(ROOT / "python"), "PYTHONDONTWRITEBYTECODE": "1"} | more
    command = [pqr, "run", "--lake", lake, "--volume", str(volume), "--no-publish", "--json", "--quiet", "--no-progress", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    shutil.rmtree(lake)
    if done.returncode != 0:
        sys.exit(f"bench: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    stages = [s for s in report["stages"] if s["name"] in STAGES]
    raw = next(s["seconds"] for s in report["stages"] if s["name"] == "raw")
    return report["root"], sum(s["tasks"] for s in stages), sum(s["seconds"] for s in stages), raw


def main(pqr, folder, volume="11500"):
    rows, roots = [], set()
    for name, arguments, more, ends in contenders():
        runs = [once(pqr, f"{folder}/executors", volume, arguments, more) for _ in range(RUNS)]
        roots |= {root for root, *_ in runs}
        rows.append((name, runs[0][1], statistics.median(s for _, _, s, _ in runs), statistics.median(o for *_, o in runs)))
        if ends:
            stack("down", ends)
    if len(roots) != 1:
        sys.exit(f"bench: the roots differ: {roots}")
    threads = rows[0][2]
    print(f"| {volume} tickets a day | tasks | bronze to gold | beside threads | overhead a task | raw, with the engine's start |\n|---|---|---|---|---|---|")
    for name, tasks, seconds, other in rows:
        print(f"| {name} | {tasks} | {seconds:.2f} s | {seconds / threads:.2f} | {(seconds - threads) / tasks * 1000:.1f} ms | {other:.1f} s |")


if __name__ == "__main__":
    main(*sys.argv[1:])
