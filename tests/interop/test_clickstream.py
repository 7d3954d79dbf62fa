"""Clickstream: silver and the four gold tables against an oracle over the raw lines, for one run and for runs that follow one another,
and the same bytes however the lines were dealt to files and threads. Seeded: PQR_TEST_SEED chooses other cases."""

import collections
import datetime
import decimal
import json
import os
import random
import re
import sqlite3
import subprocess
import uuid

import pytest

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
from conftest import PQR  # noqa: E402

SEED = int(os.environ.get("PQR_TEST_SEED", "4711"))
TYPES, SOURCES = ("login", "click", "purchase", "logout"), ("web", "mobile")
MEMBERS = ("event_id", "user_id", "event_type", "page", "timestamp", "source")
UTC = datetime.timezone.utc
FIRST = datetime.datetime(2025, 8, 30, tzinfo=UTC)
GOLD = {
    "daily_active_users": ("event_date", "dau_count"),
    "conversion_rate_daily": ("event_date", "conversion_rate", "total_purchases", "dau_count"),
    "events_per_source_daily": ("event_date", "source", "event_count"),
    "purchases_per_page_daily": ("event_date", "page", "purchase_count"),
}


# ---- lines ---------------------------------------------------------------------------------------------------------------


def stamp(random_, instant):
    """RFC 3339 in one of its forms, of an instant of whole microseconds."""
    hours = random_.choice([0, 0, -5, 9])
    local = instant.astimezone(datetime.timezone(datetime.timedelta(hours=hours)))
    text = local.strftime("%Y-%m-%dT%H:%M:%S")
    if local.microsecond or random_.random() < 0.5:
        text += f".{local.microsecond:06d}" + random_.choice(["", "000", "9"])
    return text + ("Z" if hours == 0 else f"{hours:+03d}:00")


def make_events(seed, n):
    """n lines, good and bad: (text, why it is a reject or None). Ids repeat, with the same instant or another day's."""
    r = random.Random(seed)
    lines, ids = [], []
    for _ in range(n):
        instant = FIRST + datetime.timedelta(microseconds=r.randrange(5 * 86400 * 10**6))
        event_id = str(uuid.UUID(int=r.getrandbits(128), version=4))
        if ids and r.random() < 0.15:
            event_id, before = r.choice(ids[-8:] if r.random() < 0.5 else ids)
            instant = before if r.random() < 0.5 else instant
        ids.append((event_id, instant))
        event = {
            "event_id": event_id.upper() if r.random() < 0.1 else event_id,
            "user_id": r.randint(1, 40),
            "event_type": r.choice(TYPES),
            "page": r.choice(["/", "/cart", "/a\"b", "/ñ", "/p/" + str(r.randint(1, 4))]),
            "timestamp": stamp(r, instant),
            "source": r.choice(SOURCES),
        }
        if r.random() < 0.1:
            event["session"] = {"n": r.randint(1, 9), "tags": ["x", None]}
        why = r.choice(list(BAD)) if r.random() < 0.06 else None
        text = BAD[why](event) if why else json.dumps(event, ensure_ascii=r.random() < 0.5, separators=r.choice([(",", ":"), (", ", ": ")]))
        lines.append((text, why))
    return lines


def without(event, member):
    return json.dumps({k: v for k, v in event.items() if k != member})


BAD = {
    "not_json": lambda e: json.dumps(e)[:-1],
    "not_object": lambda e: json.dumps([e]),
    "missing:event_id": lambda e: without(e, "event_id"),
    "missing:page": lambda e: json.dumps(e | {"page": None}),
    "bad_type:user_id": lambda e: json.dumps(e | {"user_id": "7"}),
    "bad_type:page": lambda e: json.dumps(e | {"page": 7}),
    "bad_uuid:event_id": lambda e: json.dumps(e | {"event_id": "7"}),
    "bad_value:user_id": lambda e: json.dumps(e | {"user_id": 0}),
    "bad_value:page": lambda e: json.dumps(e | {"page": "cart"}),
    "bad_enum:event_type": lambda e: json.dumps(e | {"event_type": "view"}),
    "bad_enum:source": lambda e: json.dumps(e | {"source": "tv"}),
    "bad_timestamp": lambda e: json.dumps(e | {"timestamp": "2025-02-30T00:00:00Z"}),
}


# ---- the oracle ------------------------------------------------------------------------------------------------------------


def microseconds(text):
    match = re.fullmatch(r"(.{19})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    base, fraction, zone = match.groups()
    at = datetime.datetime.fromisoformat(base + ("+00:00" if zone == "Z" else zone))
    since = at - datetime.datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 10**6 + int((fraction or "")[:6].ljust(6, "0"))


def read(text):
    event = json.loads(text)
    extra = {k: v for k, v in event.items() if k not in MEMBERS}
    # the value is kept byte for byte: the lines have one such member, last
    raw = '{"session":' + text.split('"session"')[1].lstrip(": ") if extra else None
    return (microseconds(event["timestamp"]), event["user_id"], event["event_type"], event["page"], event["source"], raw or ""), event["event_id"].lower()


def silver_of(runs):
    """runs: (lines, as_of in microseconds), one after the other. {event_id: (ts, user, type, page, source, extra)}"""
    told, waiting = {}, []
    for rank, (lines, as_of) in enumerate(runs):
        waiting += [(rank, *read(text)) for text, why in lines if why is None]
        best = {}
        for row in waiting:
            run, content, event_id = row
            if content[0] > as_of or event_id in told:
                continue
            if event_id not in best or (run, content) < best[event_id]:
                best[event_id] = (run, content)
        told |= {event_id: content for event_id, (_, content) in best.items()}
        waiting = [row for row in waiting if row[1][0] > as_of]
    return told


def day(ts):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=ts)).date()


def gold_of(silver):
    users, buyers = collections.defaultdict(set), collections.defaultdict(set)
    purchases, by_source, by_page = collections.Counter(), collections.Counter(), collections.Counter()
    for ts, user, kind, page, source, _ in silver.values():
        users[day(ts)].add(user)
        by_source[day(ts), source] += 1
        if kind == "purchase":
            buyers[day(ts)].add(user)
            purchases[day(ts)] += 1
            by_page[day(ts), page] += 1
    rate = {d: (decimal.Decimal(len(buyers[d])) / len(users[d])).quantize(decimal.Decimal("0.0001"), decimal.ROUND_HALF_UP) for d in users}
    return {
        "daily_active_users": sorted((d, len(u)) for d, u in users.items()),
        "conversion_rate_daily": sorted((d, rate[d], purchases[d], len(u)) for d, u in users.items()),
        "events_per_source_daily": sorted((*key, n) for key, n in by_source.items()),
        "purchases_per_page_daily": sorted((*key, n) for key, n in by_page.items()),
    }


# ---- lakes -----------------------------------------------------------------------------------------------------------------


def run(lake, *arguments, threads=2):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_")} | {"PQR_QUALITY_REJECT_RATE_MAX": "1"}
    command = [PQR, "run", "clickstream", "--lake", lake, "--json", "--quiet", "--threads", str(threads), *map(str, arguments)]
    done = subprocess.run(command, cwd=lake.parent, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def write(path, lines):
    path.write_text("".join(text + "\n" for text, _ in lines))
    return path


def table(lake, layer, name, columns):
    files = [f.removeprefix("file://") for f in deltalake.DeltaTable(str(lake / layer / name)).file_uris()]
    if not files:
        return []
    sql = f"SELECT {', '.join(columns)} FROM read_parquet({files}, hive_partitioning = true)"
    return duckdb.sql(sql).fetchall()


def check(lake, runs):
    silver = silver_of(runs)
    columns = ("event_id", "epoch_us(timestamp)", "user_id", "event_type", "page", "source", "coalesce(extra, '')", "event_date")
    found = table(lake, "silver", "user_events", columns)
    assert sorted(row[:7] for row in found) == sorted((event_id, *content) for event_id, content in silver.items())
    assert all(row[7] == day(row[1]) for row in found)
    published = sqlite3.connect(lake / "control.db")
    for name, want in gold_of(silver).items():
        assert sorted(table(lake, "gold", name, GOLD[name])) == want, name
        rows = published.execute(f"SELECT {', '.join(GOLD[name])} FROM gold_{name}").fetchall()
        plain = [tuple(float(v) if isinstance(v, decimal.Decimal) else v.isoformat() if isinstance(v, datetime.date) else v for v in row) for row in want]
        assert sorted(rows) == plain, name
    published.close()


def as_of(report):
    return microseconds(report["as_of"])


def test_one_run(tmp_path):
    lines = make_events(SEED, 3000)
    report = run(tmp_path / "lake", "--input", write(tmp_path / "events.jsonl", lines))
    check(tmp_path / "lake", [(lines, as_of(report))])
    assert report["reasons"]["rejects"] == dict(collections.Counter(why for _, why in lines if why))
    assert report["rows"]["raw"] == len(lines) == report["rows"]["bronze"] + report["rows"]["rejected"]


def test_producer(tmp_path):
    report = run(tmp_path / "lake", "--from", "2025-08-30", "--to", "2025-09-02", "--rate", "0.02", "--seed", "7")
    raw = sorted((tmp_path / "lake" / "raw").rglob("events.jsonl"))
    lines = [(line, None) for path in raw for line in path.read_text().splitlines()]
    check(tmp_path / "lake", [(lines, as_of(report))])
    kinds = collections.Counter(json.loads(text)["event_type"] for text, _ in lines)
    assert kinds["click"] > kinds["login"] > kinds["purchase"] > 0 and kinds["logout"] > 0
    by_user = [collections.Counter(json.loads(line)["user_id"] for line in path.read_text().splitlines()) for path in raw]
    assert [len(lines) for lines in map(lambda p: p.read_text().splitlines(), raw)] == [1728] * 4
    assert max(by_user[0]) <= 300 < max(by_user[3])  # they grow by 200 a day
    for number, counts in enumerate(by_user):  # a fifth of the users makes four fifths of the events
        active = sum(n for user, n in counts.items() if (user + (raw_day(raw[number]))) % 5 == 0)
        assert 0.76 < active / sum(counts.values()) < 0.84
    # any day alone: the same bytes
    alone = run(tmp_path / "alone", "--from", "2025-08-30", "--to", "2025-09-01", "--emit-from", "2025-09-01", "--rate", "0.02", "--seed", "7")
    (one,) = (tmp_path / "alone" / "raw").rglob("events.jsonl")
    assert one.read_bytes() == raw[2].read_bytes() and alone["rows"]["raw"] == 1728


def raw_day(path):
    (text,) = re.findall(r"day=(\d{4}-\d\d-\d\d)", str(path))
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


@pytest.mark.parametrize("case", range(2))
def test_runs_that_follow(tmp_path, case):
    """Lines dealt to four runs at random: repeats meet across runs, late ones change days that were told, early ones wait."""
    r = random.Random(SEED + case)
    lines, runs = make_events(SEED + 10 + case, 2400), []
    for number in range(4):
        part = lines[number * 600 : (number + 1) * 600]
        options = ["--as-of", str((FIRST + datetime.timedelta(days=number + 1)).date())] if case == 0 else []
        report = run(tmp_path / "lake", "--input", write(tmp_path / f"{number}.jsonl", part), *options, threads=r.randint(1, 3))
        runs.append((part, as_of(report)))
        assert len(report["history"]) == number
        check(tmp_path / "lake", runs)
    verified = subprocess.run([PQR, "verify", "--lake", tmp_path / "lake"], capture_output=True, text=True, check=False)
    assert verified.returncode == 0 and " 0 differences" in verified.stdout, verified.stdout + verified.stderr


def test_same_bytes(tmp_path):
    """One input as one file, as files cut anywhere, compressed, and by 1, 2 and 7 threads; a shuffled one has the same silver and gold."""
    r = random.Random(SEED)
    lines = make_events(SEED + 1, 2000)
    run_id = str(uuid.UUID(int=7, version=4))
    sums = {}
    for name, cuts, threads in (("one", [], 1), ("two", [700], 2), ("many", sorted(r.sample(range(2000), 9)), 7)):
        ends = [0, *cuts, len(lines)]
        inputs = [write(tmp_path / f"{name}-{i:02}.jsonl", lines[a:b]) for i, (a, b) in enumerate(zip(ends, ends[1:]))]
        run(tmp_path / name, *[word for path in inputs for word in ("--input", path)], "--run-id", run_id, threads=threads)
        (path,) = (tmp_path / name).glob("manifests/day=*/run_id=*/checksums.json")
        sums[name] = path.read_bytes()
    assert sums["one"] == sums["two"] == sums["many"]
    shuffled = r.sample(lines, len(lines))
    run(tmp_path / "shuffled", "--input", write(tmp_path / "shuffled.jsonl", shuffled), "--run-id", run_id, threads=2)
    (path,) = (tmp_path / "shuffled").glob("manifests/day=*/run_id=*/checksums.json")
    assert later_layers(path.read_bytes()) == later_layers(sums["one"])


def later_layers(text):
    return {k: v for k, v in flat(json.loads(text)) if k.startswith(("silver/", "gold/"))}


def flat(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str):
                yield key, value
            else:
                yield from flat(value)
