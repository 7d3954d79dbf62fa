"""Our Delta tables beside delta-rs: the same table, the same run, medians. Prints Markdown.

    delta.py PATH/bench_delta [FOLDER]     FOLDER: where the tables go (default a temporary one), removed at the end

    BENCH_RUNS=5      rounds of each; the two sides take turns, so that what else the machine does hits both
    BENCH_FILES=100000, BENCH_SMALL=400, BENCH_MIB=64    sizes

Open: a checkpoint written by delta-rs of BENCH_FILES files (two partition columns, statistics of six columns) and ten commits.
delta-rs opens with DeltaTable(path), which parses the log as our snapshot does. Optimize: BENCH_SMALL files of BENCH_MIB
in all, four partitions, made by delta-rs; each round begins with a copy. Both sides use two threads, write zstd or snappy as is
their default, and aim at one file a partition."""

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
import uuid

import deltalake
import pyarrow as pa

RUNS = int(os.environ.get("BENCH_RUNS", 5))
FILES = int(os.environ.get("BENCH_FILES", 100_000))
SMALL = int(os.environ.get("BENCH_SMALL", 400))
MIB = int(os.environ.get("BENCH_MIB", 64))
THREADS = 2
COLUMNS = [("ticket_id", "string"), ("opened_at", "timestamp"), ("priority", "string"), ("amount", "long"), ("region", "string"), ("score", "double")]
PARTITION = [("month", "string"), ("run_id", "string")]


def ours(program, *arguments):
    return json.loads(subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True).stdout)


def add(rng, i):
    month, run = f"20{20 + i // 1200 % 6}-{i // 100 % 12 + 1:02d}", str(uuid.UUID(int=i % 20, version=4))
    low, rows = rng.randrange(10**6), rng.randrange(1000, 100_000)
    stats = {"numRecords": rows, "minValues": {"ticket_id": str(uuid.UUID(int=rng.getrandbits(128) >> 8)), "opened_at": f"{month}-01T00:00:0{i % 10}.123Z", "priority": "ALTA", "amount": low,
             "region": "Amazonas", "score": 0.125}, "maxValues": {"ticket_id": str(uuid.UUID(int=rng.getrandbits(128))), "opened_at": f"{month}-28T23:59:5{i % 10}.999Z", "priority": "URGENTE",
             "amount": low * 2 + 7, "region": "Vichada", "score": 99.875}, "nullCount": {n: (i % 9 if n == "region" else 0) for n, _ in COLUMNS}}  # fmt: skip
    path = f"month={month}/run_id={run}/part-{rng.getrandbits(128):032x}.parquet"
    return {"path": path, "partitionValues": {"month": month, "run_id": run}, "size": rows * 60, "modificationTime": 1_795_000_000_000 + i, "dataChange": True, "stats": json.dumps(stats, separators=(",", ":"))}


def write_commit(root, version, actions):
    info = {"commitInfo": {"timestamp": 1_795_000_000_000 + version, "operation": "WRITE", "operationParameters": {}}}
    text = "".join(json.dumps(a, separators=(",", ":")) + "\n" for a in [info, *actions])
    (root / "_delta_log" / f"{version:020d}.json").write_text(text)


def big_log(root):
    """The log alone: nothing here reads a data file."""
    rng = random.Random(1)
    fields = [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in COLUMNS + PARTITION]
    metadata = {"id": str(uuid.UUID(int=7, version=4)), "format": {"provider": "parquet", "options": {}}, "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": [n for n, _ in PARTITION], "configuration": {}, "createdTime": 0}  # fmt: skip
    (root / "_delta_log").mkdir(parents=True)
    files = [add(rng, i) for i in range(FILES)]
    write_commit(root, 0, [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": metadata}, *({"add": a} for a in files)])
    deltalake.DeltaTable(str(root)).create_checkpoint()
    (root / "_delta_log" / f"{0:020d}.json").unlink()
    for v in range(1, 11):
        gone = [{"remove": {"path": files[v * 100 + i]["path"], "deletionTimestamp": 1_795_000_000_000, "dataChange": True}} for i in range(5)]
        write_commit(root, v, [{"add": add(rng, FILES + v * 20 + i)} for i in range(20)] + gone)


def small_files(root):
    """What a busy table looks like: sorted by time, ids at random."""
    rng = random.Random(2)
    per_file = MIB * 1_048_576 // SMALL
    rows = per_file // 107  # measured: bytes of one row in a snappy file of delta-rs
    for i in range(SMALL):
        data = pa.table({
            "id": [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(rows)], "at": pa.array([1_795_000_000_000_000 + (i * rows + j) * 1_000_003 for j in range(rows)], pa.timestamp("us", "UTC")),
            "amount": pa.array([rng.randrange(10**9) for _ in range(rows)], pa.int64()), "priority": [rng.choice(["ALTA", "MEDIA", "BAJA", None]) for _ in range(rows)],
            "text": [f"{rng.getrandbits(200):x}" for _ in range(rows)], "month": [f"2025-{i % 4 + 9:02d}"] * rows})  # fmt: skip
        deltalake.write_deltalake(str(root), data, mode="append", partition_by=["month"])


def bench_open(program, lake):
    root, seconds = lake / "bench/files", {"ours": [], "theirs": []}
    big_log(root)
    for _ in range(RUNS):
        answer = ours(program, "open", lake, "bench/files", 2)
        seconds["ours"].append(answer["seconds"][1])
        deltalake.DeltaTable(str(root))
        start = time.perf_counter()
        table = deltalake.DeltaTable(str(root))
        seconds["theirs"].append(time.perf_counter() - start)
    assert answer["files"] == len(table.file_uris()) == FILES + 150, (answer["files"], len(table.file_uris()))
    line(f"open, {FILES} files and 10 commits, s", seconds)


def check_same(a, b):
    """After both optimized: as many rows, sums and files that are all there."""
    query = "SELECT count(*), sum(amount), count(DISTINCT id), min(at), max(at), count(priority) FROM t"
    got = [pa.table(deltalake.QueryBuilder().register("t", deltalake.DeltaTable(str(root))).execute(query)).to_pylist() for root in (a, b)]
    assert got[0] == got[1], got


def bench_optimize(program, lake, what, columns):
    source, ours_root, theirs_root, seconds = lake / "bench/small", lake / "bench/ours", lake / "bench/theirs", {"ours": [], "theirs": []}
    for _ in range(RUNS):
        for root in (ours_root, theirs_root):
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(source, root)
        os.sync()
        answer = ours(program, "optimize", lake, "bench/ours", THREADS, 128, *columns)
        seconds["ours"].append(answer["seconds"])
        os.sync()
        optimizer = deltalake.DeltaTable(str(theirs_root)).optimize
        start = time.perf_counter()
        metrics = optimizer.z_order(columns, target_size=128 << 20, max_concurrent_tasks=THREADS) if columns else optimizer.compact(target_size=128 << 20, max_concurrent_tasks=THREADS)
        seconds["theirs"].append(time.perf_counter() - start)
    check_same(ours_root, theirs_root)
    assert answer["removed"] == metrics["numFilesRemoved"] == SMALL, (answer, metrics)
    line(f"{what}, {SMALL} files to {answer['added']} ({metrics['numFilesAdded']}), s", seconds)


def line(what, seconds):
    a, b = statistics.median(seconds["ours"]), statistics.median(seconds["theirs"])
    print(f"| {what:<44} | {a:8.3f} | {b:8.3f} | {b / a:6.2f} |", flush=True)


def bench_commit(program, lake):
    answer = ours(program, "commit", lake, 200)
    commit, hand, opened = (statistics.median(answer[k]) for k in ("commit_ms", "hand_ms", "open_ms"))
    print(f"\ncommit of one file: {commit:.2f} ms, of which {hand:.2f} ms are what write, fsync, link and fsync of the same bytes cost: {commit - hand:.2f} ms beyond; opening the table before it: {opened:.2f} ms (medians of 200)")


def main():
    program = sys.argv[1]
    lake = pathlib.Path(tempfile.mkdtemp(prefix="bench-delta.", dir=sys.argv[2] if len(sys.argv) > 2 else None))
    try:
        print(f"pqr beside delta-rs {deltalake.__version__}; medians of {RUNS}, {THREADS} threads\n")
        print(f"| {'':<44} | {'pqr':>8} | {'delta-rs':>8} | {'ratio':>6} |\n|{'-' * 46}|---------:|---------:|-------:|")
        bench_open(program, lake)
        small_files(lake / "bench/small")
        bench_optimize(program, lake, "compact", [])
        bench_optimize(program, lake, "z-order by two columns", ["id", "amount"])
        bench_commit(program, lake)
    finally:
        shutil.rmtree(lake)


if __name__ == "__main__":
    main()
