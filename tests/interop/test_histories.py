"""Files ingested one run after the other, however the events were dealt to them: at the end the same tickets, figures and events
as one ingest of everything. Seeded: PQR_TEST_SEED chooses other cases, PQR_TEST_CASES more of them."""

import collections
import datetime
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess

import pytest

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
pytest.importorskip("polars", reason="polars is not installed")
duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
import foreign  # noqa: E402
import oracle  # noqa: E402
from conftest import PQR  # noqa: E402
from test_lake import SILVER_KEYS, assert_same, rows_of, sqlite_rows  # noqa: E402

SEED = int(os.environ.get("PQR_TEST_SEED", "4711"))
CASES = int(os.environ.get("PQR_TEST_CASES", "2"))
# Cut files hold many events of tickets that are not in them: that is what is looked at here.
SETTINGS = {"PQR_QUALITY_INVALID_TRANSITION_RATE_MAX": "1", "PQR_QUALITY_REJECT_RATE_MAX": "1", "PQR_PUBLISH_CORE": "true", "PQR_SIMULATION_SPIKE_ENABLED": "false"}
WHOLE = ("tickets", "preclassification")
OF_EVENTS = {"messages": "message_id", "status_events": "event_id", "attachments": "attachment_id", "quarantine": "event_id"}


class Ingests:
    """A lake and the runs that made it."""

    def __init__(self, root):
        self.root, self.reports, self.cache = root, [], {}

    def start(self, *arguments):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_")} | SETTINGS
        command = [PQR, "run", "--lake", self.root, "--json", "--quiet", "--threads", "2", *arguments]
        return subprocess.Popen(command, cwd=self.root.parent, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, process):
        try:
            out, errors = process.communicate(timeout=120)
        finally:
            process.kill()
        assert process.returncode == 0, errors.decode()
        self.reports.append(json.loads(out))
        self.cache = {}
        return self.reports[-1]

    def run(self, *arguments):
        return self.end(self.start(*arguments))

    def ingest(self, path):
        return self.run("--input", path)

    def files(self, layer, name):
        """Those of a table that its log names: of a run that was killed after some tables' commits others may lie there, until vacuum."""
        return sorted(pathlib.Path(p) for p in deltalake.DeltaTable(str(self.root / layer / name)).file_uris())

    def commit(self, run_id, stage):
        (commit,) = self.root.glob(f"manifests/day=*/run_id={run_id}/stages/{stage}.json")
        return json.loads(commit.read_text())

    def history(self, run_id):
        return self.commit(run_id, "silver").get("history", {}).get("runs", [])


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """A simulated run's events in order of time, some of them lost: their tickets are orphans, or miss a step."""
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")
    root = tmp_path_factory.mktemp("events") / "lake"
    Ingests(root).run("--from", "2025-09-01", "--to", "2025-10-10", "--volume", "4", "--until", "raw")
    lines = [line for file in (root / "raw").rglob("events.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
    lines.sort(key=lambda line: (json.loads(line)["ts"], line))
    chance = random.Random(SEED)
    return [line for line in lines if chance.random() >= 0.02]


def of_some_tickets(chance, lines):
    tickets = sorted({json.loads(line)["ticket_id"] for line in lines})
    some = set(chance.sample(tickets, len(tickets) // 3))
    return [line for line in lines if json.loads(line)["ticket_id"] in some]


# ---- how events come to files --------------------------------------------------------------------------------------


def cut(chance, lines, k):
    """In order of time, cut anywhere: mid-day too, and mid-ticket."""
    at = [0, *sorted(chance.sample(range(1, len(lines)), k - 1)), len(lines)]
    return [lines[a:b] for a, b in zip(at, at[1:])]


def dealt(chance, lines, k):
    """Each event to any file, anywhere in it: closings come before creations."""
    parts = [[] for _ in range(k)]
    for line in chance.sample(lines, len(lines)):
        chance.choice(parts).append(line)
    return parts


def mostly_late(chance, lines, k):
    """In order of time, but a tenth of the events comes with any later file."""
    parts = cut(chance, lines, k)
    for i, part in enumerate(parts[:-1]):
        for line in [line for line in part if chance.random() < 0.1 and len(part) > 1]:
            part.remove(line)
            chance.choice(parts[i + 1 :]).append(line)
    return parts


def repeated(chance, lines, k):
    """Dealt in one of these ways; a fifth of the lines in several files, or twice in one."""
    parts = chance.choice([cut, dealt])(chance, lines, k)
    for line in chance.sample(lines, len(lines) // 5):
        for _ in range(chance.randint(1, 3)):
            chance.choice(parts).append(line)
    return parts


def contradicted(chance, lines, k):
    """Dealt, and some events are there a second time, with the time of an earlier UTC day: that one stands, whichever comes first. (Of
    one day, that is in one raw object, the first line would stand.)"""
    more = []
    for line in chance.sample(lines, len(lines) // 10):
        event = json.loads(line)
        day = datetime.date.fromisoformat(event["ts"][:10]) - datetime.timedelta(days=chance.randint(1, 3))
        event["ts"] = day.isoformat() + event["ts"][10:]
        more.append(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
    return chance.choice([mostly_late, dealt])(chance, lines + more, k)


def write(folder, parts):
    """One file a part, and all.jsonl: the parts one after the other."""
    files = []
    for i, part in enumerate(parts):
        files.append(folder / f"part{i}.jsonl")
        files[-1].write_text("".join(line + "\n" for line in part), encoding="utf-8")
    whole = folder / "all.jsonl"
    whole.write_text("".join(line + "\n" for part in parts for line in part), encoding="utf-8")
    return files, whole


# ---- what a lake holds ---------------------------------------------------------------------------------------------


def without(rows, *columns):
    return [{k: v for k, v in row.items() if k not in columns} for row in rows]


def standing(lake, table):
    """The rows of the last run's history in the newest version of a table."""
    last = lake.reports[-1]["run_id"]
    runs = {*lake.history(last), last}
    return [r for r in rows_of(lake, table) if r["run_id"] in runs]


def current_rows(lake):
    return {t: standing(lake, f"silver.{t}") for t in OF_EVENTS}


def picture(lake):
    """{table: rows} of the last run: silver and what it published. Which run and line of raw something came from is left out."""
    tables = {f"silver.{t}": standing(lake, f"silver.{t}") for t in [*WHOLE, *OF_EVENTS]}
    tables |= {f"gold.{t.name}": standing(lake, f"gold.{t.name}") for t in (lake.root / "gold").iterdir()}
    con = sqlite3.connect(f"file:{lake.root}/control.db?mode=ro", uri=True)
    names = [n for (n,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND (name GLOB 'gold_*' OR name GLOB 'core_*')")]
    con.close()
    tables |= {name: sqlite_rows(lake, name) for name in names}
    return {t: without(rows, "history_id", "run_id", "raw_object", "raw_line") for t, rows in tables.items()}


def bag(rows):
    return collections.Counter(tuple(sorted((k, str(v)) for k, v in row.items())) for row in rows)


def differences(got, want):
    """[text] by table: rows that only one of two pictures has."""
    found = [f"{t}: only in one of them" for t in sorted(got.keys() ^ want.keys())]
    for table in sorted(got.keys() & want.keys()):
        ours, theirs = bag(got[table]), bag(want[table])
        more, missing = list((ours - theirs).elements()), list((theirs - ours).elements())
        if more or missing:
            found.append(f"{table}: {len(more)} rows too many, {len(missing)} missing; {[dict(r) for r in more[:1]]} for {[dict(r) for r in missing[:1]]}")
    return found


def assert_like(lake, one, may_be_empty=("silver.quarantine",)):
    got, want = picture(lake), picture(one)
    assert len(want) >= 6 + 14 + 14 + 3
    empty = {t for t, rows in want.items() if not rows}
    assert empty <= set(may_be_empty), empty
    found = differences(got, want)
    assert not found, "\n".join(found)
    assert lake.reports[-1]["as_of"] == one.reports[-1]["as_of"]


def assert_conserved(lake, parts):
    """Every line ends in bronze or is a repeat within its object; every event in silver or quarantine, or as a repeat."""
    for report, part in zip(lake.reports, parts):
        rows, repeats = report["rows"], lake.commit(report["run_id"], "bronze")["counters"]["duplicates"]
        assert (rows["raw"], rows["rejected"]) == (len(part), 0)
        assert rows["bronze"] + repeats == len(part)
    bronze = rows_of(lake, "bronze.pqrs_events")
    assert len(bronze) == sum(r["rows"]["bronze"] for r in lake.reports)
    now = current_rows(lake)
    tickets = {t["ticket_id"]: t["created_at"] for t in standing(lake, "silver.tickets")}
    ended = [(r["ticket_id"], r[c], r["ts"]) for t, c in OF_EVENTS.items() for r in now[t]]
    created = {(e["ticket_id"], e["event_id"], e["ts"]) for e in bronze if e["event_type"] == "TICKET_CREATED" and tickets.get(e["ticket_id"]) == e["ts"]}
    assert len(created) == len(tickets)
    ended = sorted([*ended, *created])
    assert ended == sorted({(e["ticket_id"], e["event_id"], e["ts"]) for e in bronze})
    assert len(ended) == len({line for part in parts for line in part})


def assert_once(lake):
    """Each key stands once, whoever counts, and figures of the lake are those that were published. All rows are of the one history."""
    last = lake.reports[-1]["run_id"]
    opener = [*lake.history(last), last][0]
    for table in [*(f"silver.{t}" for t in [*WHOLE, *OF_EVENTS]), *(f"gold.{t.name}" for t in (lake.root / "gold").iterdir())]:
        assert {r["history_id"] for r in rows_of(lake, table)} <= {opener}, table
    for table, key in ({"tickets": "ticket_id", "preclassification": "ticket_id"} | OF_EVENTS).items():
        rows = rows_of(lake, f"silver.{table}")
        keys = {(r[key], r["ticket_id"], r.get("raw_object"), r.get("raw_line")) for r in rows}
        assert len(keys) == len(rows), table
    total = sum(r["total_tickets"] for r in rows_of(lake, "gold.daily_kpis"))
    assert total == len(rows_of(lake, "silver.tickets")) == sum(r["total_tickets"] for r in sqlite_rows(lake, "gold_daily_kpis"))


# ---- tests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", range(CASES))
@pytest.mark.parametrize("deal", [cut, dealt, mostly_late, repeated, contradicted], ids=lambda f: f.__name__)
def test_one_after_the_other(events, tmp_path, deal, case):
    chance = random.Random(f"{SEED} {deal.__name__} {case}")
    lines = events if case % 2 == 0 else of_some_tickets(chance, events)
    parts = deal(chance, lines, chance.randint(2, 6))
    files, whole = write(tmp_path, parts)
    one, lake = Ingests(tmp_path / "one"), Ingests(tmp_path / "lake")
    one.ingest(whole)
    for i, file in enumerate(files):
        report = lake.ingest(file)
        assert lake.history(report["run_id"]) == [r["run_id"] for r in lake.reports[:i]]
    assert_like(lake, one)
    assert_conserved(lake, parts)
    assert_once(lake)
    assert lake.ingest(chance.choice(files))["nothing_to_do"]
    reasons = collections.Counter(r["reason"] for r in current_rows(one)["quarantine"])
    assert case % 2 or reasons["conflicting_duplicate" if deal is contradicted else "invalid_transition"] > 0, reasons


def test_creation_told_last(events, tmp_path):
    """Events from before their ticket's creation, which only the last run tells: their days are read again, though no ticket that is
    open or known is that old, and what was an orphan is out of order."""
    by_ticket = collections.defaultdict(list)
    for line in events:
        by_ticket[json.loads(line)["ticket_id"]].append(line)
    lives = [life for life in by_ticket.values() if json.loads(life[0])["event_type"] == "TICKET_CREATED" and len(life) > 8]
    (creation, *before), other = lives[0], [life for life in lives if json.loads(life[0])["ts"] < "2025-10-08"][-1]
    creation = json.loads(creation) | {"ts": "2025-10-09T12:00:00Z"}
    assert json.loads(before[-1])["ts"] < json.loads(other[0])["ts"] < creation["ts"]
    parts = [before, other, [json.dumps(creation)]]
    files, whole = write(tmp_path, parts)
    lake, one = Ingests(tmp_path / "lake"), Ingests(tmp_path / "one")
    one.ingest(whole)
    for file in files:
        lake.ingest(file)
    assert_like(lake, one, ["silver.attachments", "gold_kpi_sla_daily", "gold_kpi_sla_geo_daily", "gold_sla_daily"])
    assert_conserved(lake, parts)
    assert {r["reason"] for r in current_rows(lake)["quarantine"]} == {"out_of_order"}


def test_classified_by_their_texts(events, tmp_path):
    """Tickets whose creation tells neither type nor priority: later runs that fold them again need the texts of their creation."""
    lines = []
    for line in events:
        event = json.loads(line)
        if event["event_type"] == "TICKET_CREATED":
            for told in ("pqrs_type", "priority"):
                event["data"].pop(told, None)
        lines.append(json.dumps(event, ensure_ascii=False))
    parts = cut(random.Random(f"{SEED} classes"), lines, 4)
    files, whole = write(tmp_path, parts)
    lake, one = Ingests(tmp_path / "lake"), Ingests(tmp_path / "one")
    one.ingest(whole)
    for file in files:
        lake.ingest(file)
    assert_like(lake, one)
    kinds = {(r["pqrs_type"], r["priority"]) for r in standing(lake, "silver.tickets")}
    assert len(kinds) > 4, kinds


def test_against_oracle(tmp_path):
    """Files as other systems write them, some events told twice or in two ways: what is current is what the contract makes of all
    bronze rows together. (One ingest would settle some of the contradictions in bronze.) Of two with one time, the one stands that
    was told by the earlier run, whatever the names of runs and sources."""
    foreign.write(tmp_path / "input", seed=SEED, tickets=200)
    lake = Ingests(tmp_path / "lake")
    for file, source in zip(sorted((tmp_path / "input").iterdir()), "zay", strict=True):
        report = lake.run("--input", file, "--source", source)
    rank = {r["run_id"]: i for i, r in enumerate(lake.reports)}

    def ranked(rows):
        return [r | {"raw_object": f"{rank[re.search('/run_id=([^/]*)/', r['raw_object'])[1]]} {r['raw_object']}"} for r in rows]

    want, got = oracle.silver_of(ranked(rows_of(lake, "bronze.pqrs_events")), oracle.parse_time(report["as_of"])), current_rows(lake)
    got["quarantine"] = ranked(got["quarantine"])
    got["tickets"] = standing(lake, "silver.tickets")
    for table, key in SILVER_KEYS.items():
        assert_same(got[table], want[table], key)
    reasons = collections.Counter(r["reason"] for r in got["quarantine"])
    assert len(reasons) == 5, reasons


def test_recorded_again(events, tmp_path):
    """A run that a lost control plane does not know is recorded again, and changes no table: also not those that belong to no run, where
    it had left what it found, and a later run of another history something else."""
    simulated = ["--from", "2025-09-01", "--to", "2025-09-10", "--volume", "2", "--no-publish", "--seed"]
    files, _ = write(tmp_path, [events])
    lake = Ingests(tmp_path / "lake")
    for seed in "12":
        lake.run(*simulated, seed)
    lake.ingest(files[0])
    tables = [p.parent for p in lake.root.glob("*/*/_delta_log")]
    before = {t: (deltalake.DeltaTable(str(t)).version(), sorted(lake.files(t.parent.name, t.name))) for t in tables}
    assert before[lake.root / "silver" / "dim_pqrs_type"][0] == 1
    for path in lake.root.glob("control.db*"):
        path.unlink()
    lake.run(*simulated, "2")
    assert {t: (deltalake.DeltaTable(str(t)).version(), sorted(lake.files(t.parent.name, t.name))) for t in tables} == before


def test_as_of(events, tmp_path):
    """The last run told from a day long after the events: as one ingest told from there. A day before its head's is refused, and nothing
    is written: the picture never goes back in time."""
    parts = mostly_late(random.Random(f"{SEED} as_of"), events, 3)
    files, whole = write(tmp_path, parts)
    lake, one = Ingests(tmp_path / "lake"), Ingests(tmp_path / "one")
    one.run("--input", whole, "--as-of", "2025-12-31")
    for file in files[:2]:
        lake.ingest(file)
    before, objects = picture(lake), set(lake.root.rglob("run_id=*"))
    refused = lake.start("--input", files[2], "--as-of", "2025-09-20")
    _, errors = refused.communicate(timeout=120)
    assert refused.returncode == 2 and b"as_of can't be earlier" in errors, errors.decode()
    assert lake.reports[-1]["run_id"] in errors.decode()
    assert not differences(picture(lake), before) and set(lake.root.rglob("run_id=*")) == objects
    lake.run("--input", files[2], "--as-of", "2025-12-31")
    assert_like(lake, one)


def test_each_prefix(events, tmp_path):
    """Not only the last run: after each of them the lake is as if all files so far had come at once."""
    chance = random.Random(f"{SEED} prefixes")
    parts = mostly_late(chance, events, 3)
    files, _ = write(tmp_path, parts)
    lake = Ingests(tmp_path / "lake")
    for n in (1, 2, 3):
        lake.ingest(files[n - 1])
        (tmp_path / str(n)).mkdir()
        _, whole = write(tmp_path / str(n), parts[:n])
        one = Ingests(tmp_path / str(n) / "lake")
        one.ingest(whole)
        assert_like(lake, one, [] if n == 3 else ["silver.quarantine", "gold_kpi_sla_daily", "gold_kpi_sla_geo_daily", "gold_sla_daily"])


def test_two_at_once(events, tmp_path):
    """Two runs that know nothing of each other when they begin: the second to commit plans again and goes on from the first."""
    for round_ in range(6):
        folder = tmp_path / str(round_)
        folder.mkdir()
        chance = random.Random(f"{SEED} at once {round_}")
        parts = chance.choice([dealt, repeated])(chance, events, 5 if round_ % 2 else 4)
        files, whole = write(folder, parts)
        lake, one = Ingests(folder / "lake"), Ingests(folder / "one")
        before = len(files) - 4
        for file in files[:before]:
            lake.ingest(file)
        pair = files[before : before + 2]
        if round_ % 2:  # from silver on, so that both look for their history at the same moment
            for file in pair:
                lake.run("--input", file, "--until", "bronze")
                lake.reports.pop()
        both = [lake.start("--input", file) for file in pair]
        two = [lake.end(process)["run_id"] for process in both]
        assert sorted(len(set(lake.history(run)) & set(two)) for run in two) == [0, 1]
        for file in files[before + 2 :]:
            report = lake.ingest(file)
            assert set(lake.history(report["run_id"])) == {r["run_id"] for r in lake.reports[:-1]}
        one.ingest(whole)
        assert_like(lake, one)
        assert_conserved(lake, parts)


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_overtaken(events, tmp_path, how):
    """A run stopped before silver, or killed in it before it claimed to be the head, ends after another one that has later events: it
    takes that one up, and what follows describes no earlier instant than any of them."""
    chance = random.Random(f"{SEED} overtaken")
    early, late = cut(chance, events, 2)
    parts = [late, early[::2], early[1::2]]
    files, whole = write(tmp_path, parts)
    one = Ingests(tmp_path / "one")
    for attempt in range(10):
        lake = Ingests(tmp_path / f"lake{attempt}")
        if how == "stopped":
            lake.run("--input", files[1], "--until", "bronze")
        else:
            process = lake.start("--input", files[1])
            while process.poll() is None and not any(lake.root.glob("silver/tickets/month=*/run_id=*/part-*")):
                pass
            process.kill()
            process.communicate()
        if not (lake.root / "silver" / "tickets" / "_delta_log").exists():
            break
    else:
        pytest.fail("always killed too late")
    lake.reports = []
    overtaking, _, report = (lake.ingest(file) for file in files)
    assert set(lake.history(report["run_id"])) == {r["run_id"] for r in lake.reports[:2]}
    assert report["as_of"] == overtaking["as_of"]
    one.ingest(whole)
    assert_like(lake, one)
    assert_conserved(lake, parts)


def test_opener_unfinished(events, tmp_path):
    """The first run of a lake ends after its first commit to silver, as a log can't be written: another run says which one has to be run
    again, and writes no table."""
    files, whole = write(tmp_path, cut(random.Random(f"{SEED} opener"), events, 2))
    one, lake = Ingests(tmp_path / "one"), Ingests(tmp_path / "lake")
    obstacle = lake.root / "silver" / "messages" / "_delta_log"
    obstacle.parent.mkdir(parents=True)
    obstacle.write_text("")
    first = lake.start("--input", files[0])
    _, errors = first.communicate(timeout=120)
    assert first.returncode != 0 and "silver/messages" in errors.decode(), errors.decode()
    obstacle.unlink()
    (opener,) = {p.name[len("run_id=") :] for p in lake.root.glob("manifests/day=*/run_id=*")}
    logs = {p: p.stat().st_size for p in lake.root.glob("silver/*/_delta_log/*")}
    assert lake.root / "silver" / "tickets" / "_delta_log" / f"{0:020d}.json" in logs
    refused = lake.start("--input", files[1])
    _, errors = refused.communicate(timeout=120)
    assert refused.returncode == 1, errors.decode()
    assert f"run {opener} has begun a history and has not finished stage silver: wait for it, or run it again" in errors.decode()
    assert {p: p.stat().st_size for p in lake.root.glob("silver/*/_delta_log/*")} == logs
    for file in files:
        lake.ingest(file)
    one.ingest(whole)
    assert_like(lake, one)


def run_files(lake, run_id):
    """All but the numbers of the tables' versions, which other runs in the lake raise."""
    files = {p for p in lake.root.glob(f"*/**/run_id={run_id}/**/*") if p.is_file() and p.name not in ("base.json", "versions.json")}
    return {str(p.relative_to(lake.root)): p.read_bytes() for p in files}


def test_beside_simulated_runs(events, tmp_path):
    """Simulated and ingested runs of the same tickets in one lake do not see each other."""
    september = ["--from", "2025-09-01", "--to", "2025-09-20", "--volume", "4"]
    october = ["--from", "2025-09-01", "--to", "2025-10-10", "--emit-from", "2025-09-21", "--volume", "4"]
    files, whole = write(tmp_path, cut(random.Random(f"{SEED} beside"), events, 2))
    one, simulated, lake = (Ingests(tmp_path / name) for name in ("one", "simulated", "lake"))
    one.ingest(whole)
    for arguments in (september, october):
        simulated.run(*arguments)
    lake.run(*september)
    other = "--replace-published"
    lake.run("--input", files[0], other)
    lake.run(*october, other)
    report = lake.run("--input", files[1], other)
    assert lake.history(report["run_id"]) == [lake.reports[1]["run_id"]]
    assert_like(lake, one)
    for report in simulated.reports:
        got, want = run_files(lake, report["run_id"]), run_files(simulated, report["run_id"])
        assert len(want) > 50 and got == want


def test_told_apart(events, schemas, tmp_path):
    """Two chains and a history of one run in one lake: in plain SQL over the files of each table, history_id tells them apart, and each has its
    rows once."""
    files, _ = write(tmp_path, cut(random.Random(f"{SEED} apart"), events, 2))
    lake = Ingests(tmp_path / "lake")
    september = ["--from", "2025-09-01", "--to", "2025-09-20", "--volume", "4"]
    october = ["--from", "2025-09-01", "--to", "2025-10-10", "--emit-from", "2025-09-21", "--volume", "4"]
    other = "--replace-published"
    chains = [[lake.run("--input", files[0])], [lake.run(*september, other)], [lake.run(*september, "--seed", "7", other)]]
    chains[0].append(lake.run("--input", files[1], other))
    chains[1].append(lake.run(*october, other))
    runs = {chain[0]["run_id"]: {r["run_id"] for r in chain} for chain in chains}
    assert len(runs) == 3 and [lake.history(chain[-1]["run_id"]) for chain in chains] == [[chains[0][0]["run_id"]], [chains[1][0]["run_id"]], []]
    con = duckdb.connect()
    tables = [t for t in schemas if t.startswith(("silver.", "gold.")) and ".dim_" not in t]
    assert len(tables) == 6 + 14
    for table in tables:
        con.execute(f"CREATE OR REPLACE TEMP TABLE t AS SELECT * FROM read_parquet({[str(f) for f in lake.files(*table.split('.'))]}, filename = true, hive_partitioning = true)")
        key = ", ".join(f'"{column}"' for column in schemas[table]["x-key"])
        found = con.execute(f"SELECT history_id, count(*), count(DISTINCT ({key})), list(DISTINCT CAST(run_id AS VARCHAR)) FROM t GROUP BY history_id").fetchall()
        assert {h for h, *_ in found} == runs.keys() or table == "silver.quarantine", table
        for history, rows, keys, by in found:
            assert 0 < rows == keys and set(by) <= runs[history], table
        assert con.execute("SELECT count(DISTINCT filename), count(DISTINCT (filename, history_id)) FROM t").fetchall() == [(n := len(lake.files(*table.split("."))), n)]
    for chain in chains:
        query = f"SELECT count(*) AS n FROM silver.tickets WHERE history_id = '{chain[0]['run_id']}'"
        one, all_of_them = (subprocess.run([PQR, "sql", "--lake", lake.root, "--json", *o], capture_output=True, text=True, check=True) for o in (["--run", chain[-1]["run_id"], "SELECT count(*) AS n FROM silver.tickets"], [query]))
        assert json.loads(one.stdout) == json.loads(all_of_them.stdout) and json.loads(one.stdout)[0]["n"] > 0
        assert (one.stderr, all_of_them.stderr.count("history_id")) == ("", 1)


def test_comparison_notices(events, tmp_path):
    """A changed value, a row more and a row less in any table: the comparison says so."""
    files, _ = write(tmp_path, [events])
    lake = Ingests(tmp_path / "lake")
    lake.ingest(files[0])
    want = picture(lake)
    assert not differences(picture(lake), want)
    for table, rows in want.items():
        column = next(k for k, v in rows[0].items() if v is not None)
        for changed in ([{**rows[0], column: "changed"}, *rows[1:]], rows[1:], [*rows, rows[-1]]):
            assert differences({table: changed}, {table: rows}), table
    assert differences({t: rows for t, rows in want.items() if t != "gold_sla_daily"}, want)
