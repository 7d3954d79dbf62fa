"""Our S3 store beside s5cmd, and the default run on S3 beside the same on the local disk: one server, one run, in turns. Prints
Markdown.

    s3.py PQR BENCH_S3 S5CMD SERVER_PID [FOLDER]     S5CMD: "" leaves the transfers out; FOLDER: on the disk of the lakes

    AWS_*                the server, as scripts/stack env says; PQR_STACK_BUCKET the bucket
    BENCH_RUNS=3         rounds; medians are printed. The sides take turns, so that what else the machine does hits both
    BENCH_S3_FILES=256, BENCH_S3_MIB=640    transfers: that many files of 1 to 4 MB, and one of so many MiB

Transfers are of whole processes, start included, from files to files in /dev/shm where there is one, so that no disk but the
server's is in the way; s5cmd with its own defaults, ours with as many threads as cores. What comes back is compared by SHA-256, and
each side reads what the other one wrote. CPU seconds are the client's and, after the plus, the server's. In the default run they are
those from the end of raw to the end of gold, read every 20 ms."""

import hashlib
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = int(os.environ.get("BENCH_RUNS", 3))
FILES = int(os.environ.get("BENCH_S3_FILES", 256))
MIB = int(os.environ.get("BENCH_S3_MIB", 640))
THREADS = str(len(os.sched_getaffinity(0)))
BUCKET = os.environ["PQR_STACK_BUCKET"]
TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """User and system seconds of a process that runs, or None."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS


def median(rows, i):
    return statistics.median(row[i] for row in rows)


def make_files(folder):
    rng = random.Random(1)
    many, one = folder / "many", folder / "one"
    many.mkdir(parents=True)
    one.mkdir()
    for i in range(FILES):
        (many / f"{i:05}.bin").write_bytes(rng.randbytes(rng.randrange(1_000_000, 4_000_000)))
    with open(one / "one.bin", "wb") as out:
        for _ in range(MIB):
            out.write(rng.randbytes(1 << 20))


def hashes(folder):
    return {path.name: hashlib.file_digest(open(path, "rb"), "sha256").hexdigest() for path in folder.iterdir()}


def timed(server, arguments):
    """Seconds, the client's CPU seconds and the server's."""
    before, start = cpu(server), time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, arguments))}: exit {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, cpu(server) - before


def transfer(kind, ours, s5cmd, server, files, round_no, rows):
    s5 = [s5cmd, "--log", "error", "--endpoint-url", os.environ["AWS_ENDPOINT_URL"], "cp"]
    lake, want = f"s3://{BUCKET}/bench-{os.getpid()}-{round_no}", hashes(files / kind)
    up = {"pqr": [ours, "up", lake, files / kind, f"pqr-{kind}", THREADS], "s5cmd": [*s5, f"{files / kind}/*", f"{lake}/s5cmd-{kind}/"]}
    for side, arguments in up.items():
        rows.setdefault((kind, "up", side), []).append(timed(server, arguments))
    for side, writer in (("pqr", "s5cmd"), ("s5cmd", "pqr")):
        got = files / "got"
        got.mkdir()
        source = f"{writer}-{kind}"
        rows.setdefault((kind, "down", side), []).append(timed(server, [ours, "down", lake, source, got, THREADS] if side == "pqr" else [*s5, f"{lake}/{source}/*", f"{got}/"]))
        if hashes(got) != want:
            sys.exit(f"bench: what {side} read is not what {writer} wrote")
        shutil.rmtree(got)


def bench_transfers(ours, s5cmd, server, folder):
    shm = pathlib.Path("/dev/shm")
    place = shm if shm.is_dir() and shutil.disk_usage(shm).free > (FILES * 4 + MIB * 2) << 21 else folder
    files, rows = pathlib.Path(tempfile.mkdtemp(prefix="bench-s3.", dir=place)), {}
    try:
        make_files(files)
        for i in range(RUNS):
            for kind in ("many", "one"):
                transfer(kind, ours, s5cmd, server, files, i, rows)
        sizes = {kind: sum(path.stat().st_size for path in (files / kind).iterdir()) for kind in ("many", "one")}
    finally:
        shutil.rmtree(files)
    print(f"| {'':<34} | pqr, MB/s | s5cmd, MB/s | ratio |   pqr CPU, s | s5cmd CPU, s |\n|{'-' * 36}|----------:|------------:|------:|-------------:|-------------:|")
    for kind, what in (("many", f"{FILES} objects of 1 to 4 MB"), ("one", f"one object of {MIB} MiB")):
        for way in ("up", "down"):
            a, b = rows[kind, way, "pqr"], rows[kind, way, "s5cmd"]
            rate = [sizes[kind] / median(side, 0) / 1e6 for side in (a, b)]
            used = [f"{median(side, 1):.2f} + {median(side, 2):.2f}" for side in (a, b)]
            print(f"| {way + ': ' + what:<34} | {rate[0]:9.0f} | {rate[1]:11.0f} | {rate[0] / rate[1]:5.2f} | {used[0]:>12} | {used[1]:>12} |", flush=True)


def default_run(pqr, lake, control, server):
    """Seconds of each stage, and CPU seconds of client and server from the end of raw to the end of gold."""
    samples, start = [], time.monotonic()
    process = subprocess.Popen([pqr, "run", "--lake", str(lake), "--control", f"sqlite:{control}", "--threads", THREADS, "--json", "--quiet"], stdout=subprocess.PIPE, text=True)
    while process.poll() is None:
        used = cpu(process.pid)
        if used is not None:
            samples.append((time.monotonic() - start, used, cpu(server)))
        time.sleep(0.02)
    wall = time.monotonic() - start
    if process.returncode != 0:
        sys.exit(f"bench: pqr run --lake {lake}: exit {process.returncode}")
    seconds = {stage["name"]: stage["seconds"] for stage in json.loads(process.stdout.read())["stages"]}
    ends = wall - seconds["publish"]
    refine = seconds["bronze"] + seconds["silver"] + seconds["gold"]
    begun, ended = (min(samples, key=lambda s, at=at: abs(s[0] - at)) for at in (ends - refine, ends))
    return {**seconds, "refine": refine, "wall": wall, "client": ended[1] - begun[1], "server": ended[2] - begun[2]}


def bench_run(pqr, server, folder):
    runs = {"disk": [], "s3": []}
    for i in range(RUNS):
        for where in runs:
            lake = folder / f"disk-{i}" if where == "disk" else f"s3://{BUCKET}/run-{os.getpid()}-{i}"
            os.sync()
            runs[where].append(default_run(pqr, lake, folder / f"{where}-{i}.db", server))
    print("\n| default run      | disk, s |   S3, s | ratio |\n|------------------|--------:|--------:|------:|")
    middle = {where: {name: statistics.median(run[name] for run in list_) for name in list_[0]} for where, list_ in runs.items()}
    names = {"raw": "simulate", "bronze": "raw to bronze", "silver": "bronze to silver", "gold": "silver to gold", "refine": "raw to gold", "publish": "publish (SQLite)", "wall": "whole pqr run"}
    for name, label in names.items():
        a, b = middle["disk"][name], middle["s3"][name]
        print(f"| {label:<16} | {a:7.2f} | {b:7.2f} | {b / a:5.2f} |")
    disk, s3 = middle["disk"], middle["s3"]
    print(f"\nCPU seconds, raw to gold: disk {disk['client']:.2f}; S3 {s3['client']:.2f} of ours and {s3['server']:.2f} of the server's. Ours alone: {s3['client'] / disk['client']:.2f} times, both: {(s3['client'] + s3['server']) / disk['client']:.2f} times.")


def main():
    pqr, ours, s5cmd, server = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-s3.", dir=sys.argv[5] if len(sys.argv) > 5 else None))
    try:
        print(f"S3: pqr beside {'s5cmd ' + subprocess.run([s5cmd, 'version'], capture_output=True, text=True).stdout.strip() if s5cmd else 'the local disk'} on {os.environ['PQR_STACK_S3']}, {THREADS} cores for client and server; medians of {RUNS}\n")
        if s5cmd:
            bench_transfers(ours, s5cmd, server, folder)
        bench_run(pqr, server, folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
