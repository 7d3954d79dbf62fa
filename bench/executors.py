"""What an executor costs, and what other engines take for the same work, in the same place.

    bench/executors.py PQR FOLDER [VOLUME]       scripts/bench executors
    BENCH_RUNS=3                                 turns of all contenders; medians are printed
    BENCH_PEERS=0                                without the peers

A run on two threads, on two Dask workers of one thread and on Spark local[2]; then raw to gold as bench/peers has it for dask.dataframe (on the same
Dask workers) and PySpark (local[2]), which make eight of the tables, value by value those of the run: bench/duckdb/check.sql compares them.
Seconds are those of bronze, silver and gold. The engine's start is in none of them: it comes in the time of raw, which is a column of its own.
CPU: of all processes that take part, from the end of raw to the end of gold. Overhead a task: the seconds that an engine's run takes beyond the
threads', by task. The contenders take turns, so that what else the machine does falls on all. What cannot be had is left out by name.
"""

import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
STAGES = ("bronze", "silver", "gold")
BEGINS = ("stage done stage=raw", "stages begin")
ENDS = ("stage done stage=gold", "stages end")
TICKS = os.sysconf("SC_CLK_TCK")


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


# ---- processor time ----


def processes():
    """{pid: (parent, session, seconds with those of its ended children)}"""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        found[int(entry.name)] = int(fields[1]), int(fields[3]), sum(map(int, fields[11:15])) / TICKS
    return found


def seconds_of(root, session):
    """Of a process with all below it, and of a session."""
    found, total = processes(), 0.0
    for pid, (_, of, seconds) in found.items():
        up = pid
        while up in found and up != root:
            up = found[up][0]
        if up == root or (session and of == session):
            total += seconds
    return total


class Contender:
    def __init__(self, name, arguments=(), env=None, cluster=None, session=None, peer=None):
        self.name, self.arguments, self.env, self.session, self.peer, self.cluster = name, list(arguments), env or {}, session, peer, cluster
        self.tasks, self.seconds, self.cpu, self.raw = 0, [], [], []


def contenders(peers):
    yield Contender("2 threads", ["--threads", "2"])
    dask = component("dask")
    if dask:
        pid = int((pathlib.Path(os.environ["PQR_STACK_DIR"]) / "dask" / "pid").read_text().split()[0])
        python, address = dask["PQR_STACK_DASK_PYTHON"], dask["DASK_SCHEDULER_ADDRESS"]
        yield Contender("Dask, 2 workers", ["--executor", address.replace("tcp://", "dask://")], {"PQR_PYTHON": python}, session=os.getsid(pid))
        if peers:
            yield Contender("dask.dataframe, the same workers", session=os.getsid(pid), cluster=address, peer=[python, ROOT / "bench/peers/dask_dataframe.py"])
    spark = component("spark")  # for its Python; the tasks run in the process's own local[2]
    if spark:
        stack("down", "spark")
        python, env = spark["PQR_STACK_SPARK_PYTHON"], {k: spark[k] for k in ("SPARK_LOCAL_IP", "PYSPARK_PYTHON")}
        yield Contender("Spark local[2]", ["--executor", "spark-local[2]"], env | {"PQR_PYTHON": python})
        if peers:
            yield Contender("PySpark local[2]", env=env, cluster="local[2]", peer=[python, ROOT / "bench/peers/pyspark_etl.py"])


# ---- one turn ----


def watched(command, env, session):
    """(standard output, CPU seconds from the line of standard error that has one of BEGINS to the one that has one of ENDS)"""
    child = subprocess.Popen(command, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, said, before, after = [], [], None, None
    reader = threading.Thread(target=lambda: out.append(child.stdout.read()))
    reader.start()
    for line in child.stderr:
        said.append(line)
        if any(mark in line for mark in BEGINS):
            before = seconds_of(child.pid, session)
        elif any(mark in line for mark in ENDS):
            after = seconds_of(child.pid, session)
    reader.join()
    if child.wait() != 0 or before is None or after is None:
        sys.exit(f"bench: {' '.join(map(str, command))}: {''.join(said[-20:])}")
    return out[0], after - before


def one_run(pqr, lake, volume, who):
    shutil.rmtree(lake, ignore_errors=True)
    command = [pqr, "run", "--lake", lake, "--volume", volume, "--no-publish", "--json", "--no-progress", *who.arguments]
    out, cpu = watched(command, {"PYTHONPATH": str(ROOT / "python")} | who.env, who.session)
    report = json.loads(out)
    stages = [s for s in report["stages"] if s["name"] in STAGES]
    who.tasks = sum(s["tasks"] for s in stages)
    who.seconds.append(sum(s["seconds"] for s in stages))
    who.raw.append(next(s["seconds"] for s in report["stages"] if s["name"] == "raw"))
    who.cpu.append(cpu)
    return report


def one_peer(lake, out, as_of, holidays, who):
    shutil.rmtree(out, ignore_errors=True)
    told, cpu = watched([*who.peer, f"{lake}/raw", out, who.cluster, as_of, holidays], who.env, who.session)
    who.seconds.append(sum(json.loads(told.strip().splitlines()[-1]).values()))
    who.cpu.append(cpu)


def check(lake, out, name):
    """Eight tables, value by value."""
    sql = (ROOT / "bench/duckdb/check.sql").read_text().replace("@LAKE@", lake).replace("@OUT@", out)
    cache = os.environ.get("PQR_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "pqr")
    done = subprocess.run([f"{cache}/venv-bench/bin/python", ROOT / "bench/duckdb/run.py"], input=sql, capture_output=True, text=True, check=False)
    verdicts = done.stdout.splitlines()
    if done.returncode != 0 or len(verdicts) != 8 or not all(v.endswith("|same") for v in verdicts):
        sys.exit(f"bench: the rows of {name} are not pqr's:\n{done.stdout}{done.stderr}")


def holidays_of(pqr):
    told = [json.loads(subprocess.run([pqr, "calendar", year, "--json"], capture_output=True, check=True).stdout) for year in ("2025", "2026")]
    return ",".join(day["date"] for year in told for day in year["holidays"])


def sql_instant(text):
    """2026-03-01T04:59:59.999999Z without its zone."""
    return datetime.datetime.fromisoformat(text).astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")


def line(who, base):
    seconds, cpu = statistics.median(who.seconds), statistics.median(who.cpu)
    task = "" if who is base or not who.tasks else f"{(seconds - statistics.median(base.seconds)) / who.tasks * 1000:.1f} ms"
    raw = f"{statistics.median(who.raw):.1f} s" if who.raw else ""
    ratio, of_cpu = seconds / statistics.median(base.seconds), cpu / statistics.median(base.cpu)
    return f"| {who.name} | {who.tasks or ''} | {seconds:.2f} s | {ratio:.2f} | {cpu:.2f} s | {of_cpu:.2f} | {task} | {raw} |"


def main(pqr, folder, volume="11500"):
    lake, out, holidays, roots = f"{folder}/executors", f"{folder}/peer", holidays_of(pqr), set()
    found = list(contenders(os.environ.get("BENCH_PEERS") != "0"))
    for _ in range(RUNS):
        for who in sorted(found, key=lambda c: c.peer is not None):  # the peers read the raw files of the last run
            if who.peer is None:
                report = one_run(pqr, lake, volume, who)
                roots.add(report["root"])
            else:
                one_peer(lake, out, sql_instant(report["as_of"]), holidays, who)
                check(lake, out, who.name)
    shutil.rmtree(lake, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    if len(roots) != 1:
        sys.exit(f"bench: the roots differ: {roots}")
    print(f"{volume} tickets a day: {report['rows']['raw']} events; medians of {RUNS}; load average {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores\n")
    print("| | tasks | bronze to gold | beside threads | CPU | beside threads | overhead a task | raw, with the engine's start |\n|---|---:|---:|---:|---:|---:|---:|---:|")
    for who in found:
        print(line(who, found[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
