"""A bad ingest taken out: silver, gold and SQL as if it had never been, whichever run of the history it was, and whoever dies meanwhile."""

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import time
import uuid

import pytest
from conftest import PQR
from test_histories import CASES, SEED, SETTINGS, Ingests, assert_like, assert_once, contradicted, events, mostly_late, picture, write  # noqa: F401
from test_lake import rows_of

# What a lake of few events may lack.
RARE = ["silver.quarantine", "silver.attachments", *(f"gold{dot}{t}" for dot in "._" for t in ("kpi_sla_daily", "kpi_sla_geo_daily", "sla_daily"))]


KILL_AT = PQR.parent / "tests" / "interop" / "kill_at"


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("PQR_")} | SETTINGS


class Lake(Ingests):
    def pqr(self, *arguments, code=0, **more):
        done = subprocess.run([PQR, *arguments, "--lake", self.root], cwd=self.root.parent, env=environment() | more, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        assert done.returncode == code, (done.stdout + done.stderr).decode()
        return (done.stdout + done.stderr).decode()

    def drop_command(self, run_id):
        return [PQR, "runs", "drop", run_id, "--lake", self.root, "--json", "--quiet"]

    def start_drop(self, run_id):
        return subprocess.Popen(self.drop_command(run_id), cwd=self.root.parent, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def drop(self, i):
        """The i-th report's run."""
        return self.end(self.start_drop(self.reports[i]["run_id"]))

    def verified(self):
        for report in self.reports:
            self.pqr("verify", "--run-id", report["run_id"])


def ingested(root, files):
    lake = Lake(root)
    for file in files:
        lake.ingest(file)
    return lake


@pytest.fixture(scope="module")
def days(events, tmp_path_factory):  # noqa: F811
    """Five files, some events of each told late; and lakes by the files that they took in."""
    folder = tmp_path_factory.mktemp("days")
    files, _ = write(folder, mostly_late(random.Random(f"{SEED} drop"), events, 5))
    made = {}

    def lake_of(*numbers):
        if numbers not in made:
            made[numbers] = ingested(folder / ("lake" + "".join(map(str, numbers))), [files[i] for i in numbers])
        return made[numbers]

    return files, lake_of


def copy(lake, root):
    shutil.copytree(lake.root, root)
    again = Lake(root)
    again.reports = list(lake.reports)
    return again


@pytest.mark.parametrize("bad", [0, 2, 4], ids=["opener", "middle", "head"])
def test_as_if_it_had_never_been(days, tmp_path, bad):
    files, lake_of = days
    rest = [i for i in range(5) if i != bad]
    lake = copy(lake_of(0, 1, 2, 3, 4), tmp_path / "lake")
    bronze = len(rows_of(lake, "bronze.pqrs_events"))
    raw = sorted(p.name for p in (lake.root / "raw").rglob("*.jsonl*"))
    run_id = lake.reports[bad]["run_id"]
    report = lake.drop(bad)
    assert report["history"] == [lake.reports[i]["run_id"] for i in rest] and report["rows"]["raw"] == 0
    assert_like(lake, lake_of(*rest), RARE)
    assert_once(lake)
    # raw and bronze stay, marked
    assert len(rows_of(lake, "bronze.pqrs_events")) == bronze and sorted(p.name for p in (lake.root / "raw").rglob("*.jsonl*")) == raw
    (mark,) = lake.root.glob(f"manifests/day=*/run_id={run_id}/dropped.json")
    assert json.loads(mark.read_text())["run_id"] == report["run_id"]
    runs = {r["run_id"]: r for r in json.loads(lake.pqr("runs", "--json"))}
    assert {r for r in runs if runs[r]["dropped_by"]} == {run_id} and runs[run_id]["dropped_by"] == report["run_id"]
    assert re.search(f"{run_id} +pqrs +dropped", lake.pqr("runs"))
    lake.verified()
    assert f"run {report['run_id']} takes it out of its history" in lake.pqr("verify", "--run-id", run_id)
    assert json.loads(lake.pqr("verify", "--run-id", run_id, "--json"))["dropped_by"] == report["run_id"]
    # it does not come back by itself, nor is anything done twice
    for command in (["run", "--input", files[bad]], ["runs", "retry", run_id]):
        assert f"run {run_id} was dropped by run {report['run_id']}" in lake.pqr(*command, code=1)
    assert lake.drop(bad)["nothing_to_do"]
    assert "is not dropped itself" in lake.pqr("runs", "drop", report["run_id"], code=2)
    # the same file under another id does, as if it came now
    lake.run("--input", files[bad], "--run-id", str(uuid.UUID(int=bad)))
    assert_like(lake, lake_of(*rest, bad), RARE)


def test_the_history_goes_on(days, tmp_path):
    """Two are dropped, one of them without publishing, and runs go on in between."""
    files, lake_of = days
    lake = ingested(tmp_path / "lake", files[:3])
    lake.drop(1)
    lake.ingest(files[3])
    assert_like(lake, lake_of(0, 2, 3), RARE)
    lake.pqr("runs", "drop", lake.reports[0]["run_id"], "--no-publish")
    lake.ingest(files[4])
    assert_like(lake, lake_of(2, 3, 4), RARE)
    assert_once(lake)
    lake.verified()


def test_the_only_run(days, tmp_path):
    files, lake_of = days
    lake = ingested(tmp_path / "lake", files[:1])
    report = lake.drop(0)
    empty = {t: rows for t, rows in picture(lake).items() if rows and not t.startswith("core_dim_")}
    assert not empty and report["history"] == []
    lake.ingest(files[1])
    assert_like(lake, lake_of(1), RARE)
    lake.drop(2)
    lake.ingest(files[2])
    lake.ingest(files[3])
    assert_like(lake, lake_of(2, 3), RARE)
    lake.verified()


def test_its_day_goes_with_it(days, tmp_path):
    """A run that was told to describe a far day: those after it took that day over, and are as of their own again."""
    files, lake_of = days
    lake = ingested(tmp_path / "lake", files[:1])
    lake.run("--input", files[1], "--as-of", "2027-01-31")
    lake.ingest(files[2])
    assert lake.reports[-1]["as_of"].startswith("2027-02-01")
    lake.drop(1)
    assert_like(lake, lake_of(0, 2), RARE)
    lake.ingest(files[3])
    assert_like(lake, lake_of(0, 2, 3), RARE)


def test_after_maintenance(days, tmp_path):
    """What was compacted is dropped from as what was not, and what a drop leaves can be compacted and cleaned."""
    files, lake_of = days
    lake = copy(lake_of(0, 1, 2, 3), tmp_path / "lake")

    def maintain():
        lake.pqr("table", "optimize", "--all")
        lake.pqr("table", "vacuum", "--all", "--yes", PQR_LAKE_RETENTION_DAYS="0")

    lake.pqr("table", "optimize", "bronze.pqrs_events", "--zorder", "ts")
    maintain()
    lake.drop(2)
    assert_like(lake, lake_of(0, 1, 3), RARE)
    maintain()
    lake.verified()
    assert lake.drop(2)["nothing_to_do"]
    lake.ingest(files[4])
    assert_like(lake, lake_of(0, 1, 3, 4), RARE)
    assert_once(lake)
    lake.verified()


def test_contradictions(events, tmp_path):  # noqa: F811
    """Of an event that several runs tell, the one that the dropped run had kept out stands again."""
    files, _ = write(tmp_path, contradicted(random.Random(f"{SEED} drop"), events, 4))
    lake, want = ingested(tmp_path / "lake", files), ingested(tmp_path / "want", files[1:])
    lake.drop(0)
    assert_like(lake, want)
    assert_once(lake)


def killed(lake, run_id, at):
    """Kills drop at one of its system calls, of whatever thread; how many there were when it ended first."""
    done = subprocess.run([KILL_AT, str(at), *lake.drop_command(run_id)], cwd=lake.root.parent, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    last = done.stdout.decode().splitlines()[-1]
    assert last == "killed" or last.startswith("ended 0 "), (done.stdout + done.stderr).decode()
    return 0 if last == "killed" else int(last.split()[2])


def test_killed(days, tmp_path):
    """Anywhere, and then gone on with: by a lost control plane, after another kill, or after another run tried to go on first."""
    files, lake_of = days
    whole, want = lake_of(0, 1, 2, 3), lake_of(0, 1, 3)
    calm = copy(whole, tmp_path / "calm")
    run_id, chance, tickets = whole.reports[2]["run_id"], random.Random(f"{SEED} kills"), {len(picture(lake)["silver.tickets"]) for lake in (whole, want)}
    calls, kills = killed(calm, run_id, 10**9), 0
    assert calls > 1000
    for case in range(3 * CASES):
        lake = copy(whole, tmp_path / f"lake{case}")
        kills += not killed(lake, run_id, calls * case // (3 * CASES) + chance.randrange(calls // (3 * CASES)))
        # readers see what was, or what is: never half of each
        shown = lake.pqr("sql", "--json", "SELECT (SELECT count(*) FROM silver.tickets) AS s, (SELECT sum(total_tickets) FROM gold.daily_kpis) AS g")
        (shown,) = json.loads(shown[: shown.rindex("]") + 1])
        assert shown["s"] == shown["g"] and shown["s"] in tickets
        if case % 3 == 0:
            for path in lake.root.glob("control.db*"):
                path.unlink()
        if case % 3 == 1:
            kills += not killed(lake, run_id, chance.randrange(calls // 2))
        if case % 3 == 2:
            process = lake.start("--input", files[4])
            went_on = process.wait() == 0
            assert went_on or b"goes on from run" in process.stderr.read()
            if went_on:
                lake.end(process)
        lake.end(lake.start_drop(run_id))
        if case % 3 == 2:
            lake.ingest(files[4])
            heads = sorted({r["run_id"]: r for r in lake.reports[4:]}.values(), key=lambda r: len(lake.history(r["run_id"])))
            lake.reports = [*lake.reports[:4], *heads]
        assert_like(lake, lake_of(0, 1, 3, 4) if case % 3 == 2 else want, RARE)
        assert_once(lake)
    assert kills >= 2 * CASES


def test_control_plane_lost(days, tmp_path):
    """The lake alone tells that a run was dropped."""
    files, lake_of = days
    lake = copy(lake_of(0, 1, 2), tmp_path / "lake")
    bad = lake.reports[1]["run_id"]
    report = lake.drop(1)
    for path in lake.root.glob("control.db*"):
        path.unlink()
    assert "was dropped by run" in lake.pqr("run", "--input", files[1], code=1)
    lake.ingest(files[3])
    assert_like(lake, lake_of(0, 2, 3), RARE)
    assert report["run_id"] in lake.history(lake.reports[-1]["run_id"])
    assert lake.end(lake.start_drop(bad))["nothing_to_do"]


def test_gone_on_from_while_it_is_dropped(days, tmp_path):
    files, lake_of = days
    lake = copy(lake_of(0, 1, 2), tmp_path / "lake")
    bad = lake.reports[1]["run_id"]
    drop, run = lake.start_drop(bad), lake.start("--input", files[3])
    lake.end(drop)
    lake.end(run)
    # whichever came first: the picture is the same
    heads = sorted(lake.reports[-2:], key=lambda r: len(lake.history(r["run_id"])))
    lake.reports = [*lake.reports[:-2], *heads]
    assert_like(lake, lake_of(0, 2, 3), RARE)
    assert_once(lake)


def test_refused(days, tmp_path):
    """Without a trace."""
    lake = copy(days[1](0, 1), tmp_path / "lake")
    simulated = lake.run("--from", "2025-09-01", "--to", "2025-09-05", "--volume", "3", "--no-publish")
    first = lake.reports[0]["run_id"]
    objects = {p for p in lake.root.rglob("*") if "control.db" not in p.name}
    assert "has not finished stage silver" in lake.pqr("runs", "drop", str(uuid.UUID(int=7)), code=1)
    assert "no run begins with" in lake.pqr("runs", "drop", "ffffffff", code=1)
    assert "was simulated" in lake.pqr("runs", "drop", simulated["run_id"], code=2)
    now = int(time.time() * 1e6)
    with sqlite3.connect(lake.root / "control.db") as con:
        con.execute("INSERT INTO meta_leases VALUES (?, 'else:1:x', 'elsewhere', 1, ?, ?)", (first, now, now + 10**9))
    assert "elsewhere" in lake.pqr("runs", "drop", first, code=1)
    with sqlite3.connect(lake.root / "control.db") as con:
        con.execute("DELETE FROM meta_leases")
        con.execute("UPDATE meta_stage_commits SET run_id = ? WHERE stage = 'publish' AND run_id = ?", (simulated["run_id"], lake.reports[1]["run_id"]))
        con.execute("DELETE FROM meta_stage_commits WHERE stage = 'publish' AND run_id = ?", (first,))
    assert "--replace-published allows it" in lake.pqr("runs", "drop", first, code=2)
    assert {p for p in lake.root.rglob("*") if "control.db" not in p.name} == objects
