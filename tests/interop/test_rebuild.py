"""Bronze, silver and gold made again from raw: the same picture in every row and object, whatever was damaged, whoever is killed meanwhile."""

import hashlib
import json
import random
import re
import shutil
import sqlite3
import subprocess
import time

import pytest
from conftest import PQR
from test_drop import KILL_AT, RARE, Lake, copy, days, environment  # noqa: F401
from test_histories import CASES, SEED, assert_like, assert_once, events, without  # noqa: F401
from test_lake import rows_of, sqlite_rows

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")

MARK = "manifests/rebuild.json"
GO_ON = "`pqr rebuild` goes on with it"


class Rebuilt(Lake):
    def command(self, *arguments):
        return [PQR, "rebuild", "--lake", self.root, "--json", "--quiet", *arguments]

    def rebuild(self, *arguments):
        done = subprocess.run(self.command(*arguments), cwd=self.root.parent, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr.decode()
        assert not (self.root / MARK).exists()
        self.cache = {}
        return json.loads(done.stdout)

    def tables(self):
        return sorted(f"{p.parent.parent.name}.{p.parent.name}" for layer in ("bronze", "silver", "gold") for p in (self.root / layer).glob("*/_delta_log"))

    def objects(self):
        """{key: SHA-256} of all that no clock is in."""
        files = (p for p in self.root.rglob("*") if p.is_file() and "control.db" not in p.name and "_delta_log" not in p.parts)
        return {str(p.relative_to(self.root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    def published(self, *, leaving_out=()):
        con = sqlite3.connect(f"file:{self.root}/control.db?mode=ro", uri=True)
        names = [n for (n,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND (name GLOB 'gold_*' OR name GLOB 'core_*')")]
        con.close()
        return {n: sorted(map(repr, without(sqlite_rows(self, n), *leaving_out))) for n in names}

    def state(self):
        """All objects, which files the newest version of each table has, and SQL but for who wrote a row last: tables that were lost are new."""
        files = {t: sorted(deltalake.DeltaTable(str(self.root / t.replace(".", "/"))).file_uris()) for t in self.tables()}
        return {"objects": self.objects(), "files": {t: [f[len(str(self.root)) :] for f in uris] for t, uris in files.items()}, "published": self.published(leaving_out=["run_id"])}

    def left_by(self, run_id):
        """What a run left, as SQL over the lake tells."""
        sql = "SELECT (SELECT (count(*), sum(hash(t::VARCHAR))) FROM silver.tickets t) AS s, (SELECT (count(*), sum(hash(t::VARCHAR))) FROM gold.daily_kpis t) AS g"
        return self.pqr("sql", "--json", "--run", run_id, sql)


def assert_same_state(lake, before):
    after = lake.state()
    for part in before:
        changed = sorted(k for k in before[part].keys() | after[part].keys() if before[part].get(k) != after[part].get(k))
        assert not changed, f"{part}: {changed[:5]}"


def of(lake, root):
    again = Rebuilt(root)
    shutil.copytree(lake.root, root)
    again.reports = list(lake.reports)
    return again


def former_layout(lake):
    """The table of events by channel and day, and marks without a digest, as the version before had them."""
    for mark in lake.root.glob("manifests/day=*/run_id=*/dropped.json"):
        mark.write_text(re.sub(',"seal":"[0-9a-f]+"', "", mark.read_text()))
    root = lake.root / "bronze" / "pqrs_events"
    rows = deltalake.DeltaTable(str(root)).to_pyarrow_table()
    shutil.rmtree(root)
    deltalake.write_deltalake(str(root), rows, partition_by=["source", "day", "run_id"])


@pytest.fixture(scope="module")
def made(days, tmp_path_factory):  # noqa: F811
    """Five ingests, the second of them taken out after the fourth; between them a simulated history of three months, one of another seed, and a
    run that stopped after bronze. Kept as it is: copy it."""
    files, _ = days
    lake = Rebuilt(tmp_path_factory.mktemp("made") / "lake")
    simulated = ["--volume", "2", "--no-publish", "--from", "2025-09-01", "--to"]
    lake.ingest(files[0])
    sims = [lake.run(*simulated, "2025-09-30")]
    lake.ingest(files[1])
    sims.append(lake.run(*simulated, "2025-10-15", "--seed", "7"))
    sims.append(lake.run(*simulated, "2025-10-31", "--emit-from", "2025-10-01"))
    lake.ingest(files[2])
    lake.ingest(files[3])
    sims.append(lake.run(*simulated, "2025-09-20", "--seed", "8", "--until", "bronze"))
    lake.end(lake.start_drop(lake.reports[2]["run_id"]))
    sims.append(lake.run(*simulated, "2025-11-30", "--emit-from", "2025-11-01"))
    lake.ingest(files[4])
    lake.simulated = [r["run_id"] for r in sims]
    lake.reports = [r for r in lake.reports if r["run_id"] not in lake.simulated]
    assert [len(lake.history(r)) for r in (sims[4]["run_id"], lake.reports[-1]["run_id"])] == [2, 4]
    return lake


def test_as_before(made, days, tmp_path):  # noqa: F811
    lake, (_, lake_of) = of(made, tmp_path / "lake"), days
    before, rows, published = lake.state(), {t: rows_of(lake, t) for t in lake.tables()}, lake.published()
    finished = [r["run_id"] for r in lake.reports] + [r for r in made.simulated if r != made.simulated[3]]
    left = {r: lake.left_by(r) for r in finished}
    runs = {r["run_id"]: {k: v for k, v in r.items() if k not in ("attempts", "started_at")} for r in json.loads(lake.pqr("runs", "--json"))}
    former_layout(lake)
    assert len(before["files"]["bronze.pqrs_events"]) < len(list((lake.root / "bronze").rglob("*.parquet")))
    (refusal,) = lake.pqr("run", "--from", "2025-09-01", "--to", "2025-12-15", "--emit-from", "2025-12-01", "--volume", "2", code=1).splitlines()
    assert "partitioned by source, day, run_id" in refusal and refusal.endswith("`pqr rebuild` makes the lake's tables again from raw")

    report = lake.rebuild()
    assert [r["run_id"] for r in report["runs"]] == [r["run_id"] for r in sorted(json.loads(lake.pqr("runs", "--json")), key=lambda r: r["started_at"])]
    assert report["published"] == [lake.reports[-1]["run_id"]] and not report["resumed"] and report["removed"]["objects"] > 100
    assert_same_state(lake, before)
    assert lake.published() == published
    for table, want in rows.items():
        assert sorted(map(repr, rows_of(lake, table))) == sorted(map(repr, want)), table
    for run_id, want in left.items():
        assert lake.left_by(run_id) == want
        assert ", 0 differences" in lake.pqr("verify", "--run-id", run_id)
    for r in json.loads(lake.pqr("runs", "--json")):
        assert {k: v for k, v in r.items() if k not in ("attempts", "started_at")} == runs[r["run_id"]]
    assert lake.pqr("runs", "show", made.simulated[3], "--json").count('"stage":"silver"') == 0

    # and on it goes: what had stopped, the next month, the next file, the next drop; what was dropped stays dropped
    lake.pqr("run", "--from", "2025-09-01", "--to", "2025-09-20", "--seed", "8", "--volume", "2", "--no-publish")
    goes_on = json.loads(lake.pqr("run", "--from", "2025-09-01", "--to", "2025-12-15", "--emit-from", "2025-12-01", "--volume", "2", "--no-publish", "--json", "--quiet"))
    assert goes_on["history"] == [made.simulated[i] for i in (0, 2, 4)]
    assert "was dropped by run" in lake.pqr("runs", "retry", lake.reports[1]["run_id"], code=1)
    assert json.loads(lake.pqr("runs", "drop", lake.reports[1]["run_id"], "--json", "--quiet"))["nothing_to_do"]
    lake.end(lake.start_drop(lake.reports[3]["run_id"]))
    assert lake.history(lake.reports[-1]["run_id"])[:2] == [lake.reports[i]["run_id"] for i in (0, 2)]
    lake.pqr("rebuild")
    lake.cache = {}
    assert_like(lake, lake_of(0, 2, 4), RARE)


def test_daily_ingests_go_on(days, tmp_path):  # noqa: F811
    files, lake_of = days
    lake = of(lake_of(0, 1, 2), tmp_path / "lake")
    former_layout(lake)
    assert "`pqr rebuild`" in lake.pqr("run", "--input", files[3], code=1)
    lake.rebuild()
    lake.ingest(files[3])
    lake.ingest(files[4])
    assert_like(lake, lake_of(0, 1, 2, 3, 4), RARE)
    assert_once(lake)
    lake.verified()


def test_damaged(made, tmp_path):
    lake = of(made, tmp_path / "lake")
    before, last = lake.state(), lake.reports[-1]["run_id"]
    silver = sorted((lake.root / "silver" / "tickets").rglob("*.parquet"))
    silver[0].unlink()
    silver[-1].write_bytes(silver[-1].read_bytes()[:-8] + bytes(8))
    shutil.rmtree(lake.root / "gold" / "daily_kpis")
    (lake.root / "gold" / "sla_daily" / "_delta_log" / "00000000000000000001.json").write_text("{")
    for run_id in (lake.reports[0]["run_id"], made.simulated[2]):
        (commit,) = lake.root.glob(f"manifests/day=*/run_id={run_id}/stages/silver.json")
        commit.write_text(commit.read_text()[:-9])
    (commit,) = lake.root.glob(f"manifests/day=*/run_id={last}/stages/gold.json")
    commit.unlink()
    (lake.root / "gold" / "of_somebody_else").mkdir()
    (lake.root / "gold" / "of_somebody_else" / "x.parquet").write_bytes(b"x")
    lake.pqr("verify", "--run-id", last, code=4)
    lake.rebuild()
    assert (lake.root / "gold" / "of_somebody_else" / "x.parquet").read_bytes() == b"x"
    shutil.rmtree(lake.root / "gold" / "of_somebody_else")
    assert_same_state(lake, before)
    lake.verified()
    # SQL that somebody has edited is mended too, unless it is to be left alone
    with sqlite3.connect(lake.root / "control.db") as con:
        con.execute("DELETE FROM gold_daily_kpis")
        con.execute("UPDATE gold_pqrs_metrics SET \"count\" = 7")
    assert lake.rebuild("--no-publish")["published"] == []
    assert lake.published()["gold_daily_kpis"] == []
    lake.rebuild()
    assert_same_state(lake, before)


def test_control_plane_lost(made, days, tmp_path):  # noqa: F811
    """From the manifests in the lake alone."""
    files, _ = days
    lake = of(made, tmp_path / "lake")
    before = lake.state()
    for path in lake.root.glob("control.db*"):
        path.unlink()
    assert lake.rebuild()["published"] == [lake.reports[-1]["run_id"]]
    assert_same_state(lake, before)
    runs = {r["run_id"]: r for r in json.loads(lake.pqr("runs", "--json"))}
    assert runs.keys() == {r["run_id"] for r in lake.reports} | set(made.simulated)
    assert runs[made.simulated[3]]["status"] == "PENDING" and runs[lake.reports[1]["run_id"]]["dropped_by"] == lake.reports[4]["run_id"]
    # the command of then is that run, and so is its id
    assert lake.ingest(files[4])["nothing_to_do"]
    assert json.loads(lake.pqr("runs", "retry", lake.reports[-1]["run_id"], "--json", "--quiet"))["nothing_to_do"]
    done = json.loads(lake.pqr("runs", "retry", made.simulated[3], "--json", "--quiet", "--no-publish"))
    assert done["status"] in ("SUCCESS", "DEGRADED") and done["stages"][1]["skipped"] and done["rows"]["silver"]


def killed(lake, at):
    """Kills a rebuild at one of its system calls, of whatever thread; how many there were when it ended first."""
    done = subprocess.run([KILL_AT, str(at), *lake.command()], cwd=lake.root.parent, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    last = done.stdout.decode().splitlines()[-1]
    assert last == "killed" or last.startswith("ended 0 "), (done.stdout + done.stderr).decode()
    return 0 if last == "killed" else int(last.split()[2])


def test_killed(made, days, tmp_path):  # noqa: F811
    """Anywhere, and then called again: after another kill, or by a lost control plane. Until then nobody else reads or writes."""
    files, _ = days
    calm = of(made, tmp_path / "calm")
    before, chance = calm.state(), random.Random(f"{SEED} rebuilds")
    calls, kills, stood = killed(calm, 10**9), 0, 0
    assert_same_state(calm, before)
    assert calls > 5000
    for case in range(3 * CASES):
        lake = of(made, tmp_path / f"lake{case}")
        kills += not killed(lake, calls * case // (3 * CASES) + chance.randrange(calls // (3 * CASES)))
        if (lake.root / MARK).exists():
            stood += 1
            lines = [lake.pqr(*command, code=1) for command in (["sql", "SELECT 1"], ["run", "--input", files[0]], ["table", "list"], ["verify"])]
            assert all(GO_ON in line and line.count("\n") == 1 for line in lines), lines
        if case % 3 == 0:
            for path in lake.root.glob("control.db*"):
                path.unlink()
        if case % 3 == 1:
            kills += not killed(lake, chance.randrange(calls // 2))
        lake.rebuild()
        assert_same_state(lake, before)
        shutil.rmtree(lake.root)
    assert kills >= 3 * CASES and stood >= 2 * CASES


def test_refused(made, days, tmp_path):  # noqa: F811
    """Before anything is removed, and without a trace."""
    lake = of(made, tmp_path / "lake")
    before, first = lake.state(), lake.reports[0]["run_id"]
    raw = next((lake.root / "raw").rglob(f"run_id={first}/*.jsonl"))
    text = raw.read_bytes()
    raw.write_bytes(text.replace(b"TICKET", b"TICKE_", 1))
    assert "nothing can be made again without it" in lake.pqr("rebuild", code=4)
    raw.unlink()
    assert "removed after it was written" in lake.pqr("rebuild", code=4)
    raw.write_bytes(text)
    (config,) = lake.root.glob(f"manifests/config/{lake.commit(first, 'raw')['run']['config_hash']}.json")
    text = config.read_bytes()
    config.write_bytes(text + b" ")
    assert "configuration was changed" in lake.pqr("rebuild", code=4)
    config.write_bytes(text)
    folder = next(lake.root.glob(f"manifests/day=*/run_id={first}"))
    texts = {p: p.read_bytes() for p in (folder / "stages" / "silver.json", folder / "versions.json")}
    for path in texts:
        path.unlink()
    assert "silver.json" in lake.pqr("rebuild", code=4)
    for path, text in texts.items():
        path.write_bytes(text)
    # somebody is at work: on a run, or on the same
    now = int(time.time() * 1e6)
    for held in (first, "00000000-0000-0000-0000-000000000000"):
        with sqlite3.connect(lake.root / "control.db") as con:
            con.execute("DELETE FROM meta_leases")
            con.execute("INSERT INTO meta_leases VALUES (?, 'else:1:x', 'elsewhere', 1, ?, ?)", (held, now, now + 10**9))
        assert ("elsewhere" if held == first else "another rebuild is at work") in lake.pqr("rebuild", code=1)
    with sqlite3.connect(lake.root / "control.db") as con:
        con.execute("DELETE FROM meta_leases")
    assert_same_state(lake, before)
    # a lake of raw alone has nothing that could be made again
    raw_only = Rebuilt(tmp_path / "raw")
    raw_only.run("--input", days[0][0], "--until", "raw")
    before = raw_only.objects()
    assert raw_only.rebuild()["runs"] == [] and raw_only.objects() == before
    assert "no lake at" in Rebuilt(tmp_path / "none").pqr("rebuild", code=1)


def test_everybody_else_waits(made, days, tmp_path):  # noqa: F811
    """While the mark stands; who only asks the control plane is told."""
    lake = of(made, tmp_path / "lake")
    mark = lake.root / MARK
    mark.write_text('{"removed":false,"runs":[]}')
    before, last = lake.objects(), lake.reports[-1]["run_id"]
    file = days[0][0]
    refused = [["run", "--input", file], ["ingest", file], ["publish"], ["runs", "retry", last], ["runs", "drop", last], ["plan"], ["sql", "SELECT 1"]]
    refused += [["table", "list"], ["table", "optimize", "--all"], ["verify"], ["rejects"], ["explain", "x"], ["silver", "--run-id", last]]
    for command in refused:
        told = lake.pqr(*command, code=1)
        assert GO_ON in told and told.count("\n") == 1, (command, told)
    for command in (["runs"], ["quality"], ["lineage"]):
        lake.pqr(*command)
    assert GO_ON in lake.pqr("doctor", code=1)
    mark.write_text('{"removed":false}')
    assert "restore it from a copy" in lake.pqr("rebuild", code=4)
    mark.unlink()
    assert lake.objects().keys() == before.keys() - {MARK}
