"""What keeping a lake up to date costs as it grows: a year of daily ingests, each `pqr run --input DAY` into one lake on the disk with SQLite.

    days.py PQR FOLDER     FOLDER: on the disk of the lakes; about 5 GB
    BENCH_DAYS=365         days of the year that are played
    BENCH_CONTROL=         another control plane than SQLite's file (a URI), for all of them

The events are those of the default simulation, spike off, dealt into one file a local day; of one ticket in a hundred every event from its
answer on is left out, so that open tickets pile up as they do in an office. Prints Markdown, as it goes: for each tenth of the way, and day 30,
the median of five equal weekdays: seconds, seconds of processor, bytes written beside raw and the control plane, and what the day's raw weighs. Then what
bronze, silver and gold weigh after every table has been vacuumed, beside those of one run over the same events."""

import datetime
import hashlib
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

DAYS = int(os.environ.get("BENCH_DAYS", 365))
FIRST = datetime.date(2025, 1, 1)
BOGOTA = datetime.timedelta(hours=-5)
REFINED = ("bronze", "silver", "gold")


def deal(pqr, folder):
    """One file a local day, its lines in the order of time; the paths in order."""
    last = FIRST + datetime.timedelta(days=DAYS - 1)
    config = folder / "simulation.yaml"
    config.write_text("simulation:\n  spike:\n    enabled: false\n")
    subprocess.run([pqr, "generate", "--lake", folder / "source", "--config", config, "--from", str(FIRST), "--to", str(last), "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    days, answered = {}, set()
    for day in sorted({path.parent.parent.name for path in (folder / "source/raw").rglob("events.jsonl")}):
        lines = [line for path in (folder / "source/raw/pqrs").glob(f"source=*/{day}/*/events.jsonl") for line in path.open("rb")]
        events = sorted((json.loads(line)["ts"], line) for line in lines)
        for ts, line in events:
            event = json.loads(line)
            ticket = event["ticket_id"]
            if hashlib.sha256(ticket.encode()).digest()[0] * 100 < 256:
                if event["data"].get("status_to") == "RESPONDED":
                    answered.add(ticket)
                if ticket in answered:
                    continue
            local = datetime.datetime.fromisoformat(ts.replace("Z", "+00:00")) + BOGOTA
            days.setdefault(local.date(), []).append(line)
    shutil.rmtree(folder / "source")
    (folder / "days").mkdir()
    paths = []
    for day in sorted(days):
        paths.append(folder / "days" / f"{day}.jsonl")
        paths[-1].write_bytes(b"".join(days[day]))
    return paths


def weight(lake):
    """Bytes of all that a run refines and records, raw and the control plane aside."""
    total = 0
    for root, _, names in os.walk(lake):
        if os.path.relpath(root, lake).split(os.sep)[0] != "raw":
            total += sum(os.lstat(os.path.join(root, name)).st_size for name in names if not name.startswith("control.db"))
    return total


def refined(lake):
    return sum(path.stat().st_size for layer in REFINED for path in (lake / layer).rglob("*.parquet"))


def run(pqr, lake, inputs):
    """Seconds, seconds of processor and the report of one run."""
    command = [pqr, "run", "--lake", lake, "--json", "--quiet"]
    if os.environ.get("BENCH_CONTROL"):
        command += ["--control", os.environ["BENCH_CONTROL"]]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    out = subprocess.run(command + ["--input", *inputs], check=True, stdout=subprocess.PIPE).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, json.loads(out)


def row(taken, at):
    """The median of five equal weekdays up to the day `at`, as a row of the table; None: there were not that many yet."""
    near = [taken[i - 1] for i in range(at, 0, -7)][:5]
    if len(near) < 5:
        return None
    middle = [statistics.median(t[k] for t in near) for k in (1, 2, 3, 4)]
    each = " | ".join(f"{statistics.median(t[5][s] for t in near):.3f}" for s in taken[0][5])
    return f"| {at} | {middle[0]:.2f} | {each} | {middle[1]:.2f} | {middle[2] / 1e6:.2f} | {middle[3] / 1e6:.2f} |"


def main():
    pqr, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve() / "days"
    folder.mkdir()
    paths = deal(pqr, folder)
    told = {30, *(len(paths) * k // 10 for k in range(1, 11))}
    print(f"\n{len(paths)} daily ingests, {sum(p.stat().st_size for p in paths) / 1e6:.1f} MB of raw; medians of five equal weekdays\n")
    lake = folder / "lake"
    stands, taken = 0, []
    for number, path in enumerate(paths, 1):
        seconds, cpu, report = run(pqr, lake, [path])
        now = weight(lake)
        taken.append((number, seconds, cpu, now - stands, path.stat().st_size, {s["name"]: s["seconds"] for s in report["stages"]}))
        stands = now
        if number == 1:
            stages = list(taken[0][5])
            print("| day | seconds | " + " | ".join(stages) + " | CPU, s | written, MB | raw, MB |\n|" + "---:|" * (len(stages) + 5), flush=True)
        line = row(taken, number) if number in told else None
        if line is not None:
            print(line, flush=True)
        if sys.stderr.isatty():
            print(f"\rday {number} of {len(paths)}: {seconds:.2f} s", end="", file=sys.stderr)
    subprocess.run([pqr, "table", "vacuum", "--all", "--retention", "0d", "--no-retention-check", "--lake", lake, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    run(pqr, folder / "one", paths)
    many, one = refined(lake), refined(folder / "one")
    print(f"\nbronze, silver and gold after vacuum: {many / 1e6:.1f} MB; of one run over all days: {one / 1e6:.1f} MB; {many / one:.2f} times")
    shutil.rmtree(folder)


main()
