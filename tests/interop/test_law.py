"""The law of the day: tickets of random years, ingested by the program, against law_oracle.py; those of before 2000, whose events are
rejects, are asked of the program's own functions by law_of_history.c. Seeded: PQR_TEST_SEED chooses other cases, PQR_TEST_CASES more."""

import datetime
import json
import os
import random
import subprocess
import uuid
import zoneinfo

import pytest

pytest.importorskip("polars", reason="polars is not installed")
import law_oracle  # noqa: E402
import oracle  # noqa: E402
from conftest import PQR  # noqa: E402
from test_lake import rows_of  # noqa: E402

SEED = int(os.environ.get("PQR_TEST_SEED", "4711"))
CASES = int(os.environ.get("PQR_TEST_CASES", "2"))
HOUR = 3_600_000_000
UNIX = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
BOGOTA = zoneinfo.ZoneInfo("America/Bogota")
TIMES = ("radicated_at", "answered_at", "closed_at", "sla_due_at")
COMPARED = (*TIMES, "sla_business_days", "hold_days", "sla_elapsed_seconds", "sla_status", "sla_risk", "current_status", "reopened_count")
# Where the law changed, and what was in course then; all of a life is some months.
TURNS = [datetime.date(2020, 3, 28), datetime.date(2022, 5, 18), datetime.date(2026, 7, 9)]


@pytest.fixture(autouse=True)
def built():
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")


def pqr(*arguments, **settings):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_")} | settings
    run = subprocess.run([PQR, *arguments], env=env, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


def text(us):
    return (UNIX + datetime.timedelta(microseconds=us)).isoformat()


def local_date(us):
    """By the zone's own history: in 1992 and 1993 its clocks were an hour ahead for a year."""
    return (UNIX + datetime.timedelta(microseconds=us)).astimezone(BOGOTA).date()


def us_at(day, hour_us):
    return (datetime.datetime(day.year, day.month, day.day, tzinfo=BOGOTA) - UNIX) // datetime.timedelta(microseconds=1) + hour_us


def local_day_end(day):
    return us_at(day + datetime.timedelta(days=1), 0) - 1


class Life:
    """A ticket that keeps to the state machine: its events, and its path of (state, since)."""

    def __init__(self, rng, received, kind, request):
        self.rng, self.id = rng, str(uuid.UUID(int=rng.getrandbits(128), version=4))
        self.now = us_at(received, rng.choice([0, rng.randrange(24 * HOUR), 24 * HOUR - 1]))
        self.path = [("RECEIVED", self.now)]
        self.created = {"external_id": f"RAD-{self.id[:8]}", "source_channel": "email", "text": "x", "pqrs_type": kind} | ({"request_kind": request} if request else {})
        self.events = [self.event("TICKET_CREATED", self.created)]

    def event(self, kind, data):
        return {"event_id": str(uuid.UUID(int=self.rng.getrandbits(128), version=4)), "ticket_id": self.id, "event_type": kind, "ts": text(self.now), "data": data}

    def go(self, state, at):
        self.now = max(self.now + 1, at)
        self.events.append(self.event("STATUS_CHANGED", {"status_from": self.path[-1][0], "status_to": state}))
        self.path.append((state, self.now))

    def live(self):
        """Forward a random way, now and then to the last microsecond of the term or the first after it."""
        ways = {"RECEIVED": ["RADICATED"], "RADICATED": ["CLASSIFIED"], "CLASSIFIED": ["ASSIGNED"], "ASSIGNED": ["IN_PROGRESS"],
                "IN_PROGRESS": ["RESPONDED", "RESPONDED", "ON_HOLD"], "ON_HOLD": ["IN_PROGRESS"], "RESPONDED": ["CLOSED"],
                "CLOSED": ["ARCHIVED", "REOPENED", "REOPENED"], "REOPENED": ["IN_PROGRESS"], "ARCHIVED": []}  # fmt: skip
        while ways[self.path[-1][0]] and self.rng.random() > 0.05:
            state = self.rng.choice(ways[self.path[-1][0]])
            wait = self.rng.choice([HOUR, HOUR, 24 * HOUR, 10 * 24 * HOUR, 40 * 24 * HOUR])
            at = self.now + self.rng.randrange(wait)
            if state == "RADICATED":
                at = self.now + self.rng.randrange(HOUR)
            elif state == "RESPONDED" and self.rng.random() < 0.5:
                at = self.due(self.now) + self.rng.choice([0, 1, -1])
            self.go(state, at)
        return self

    def term(self):
        return law_oracle.term(self.created.get("request_kind", "general"), local_date(next(ts for s, ts in self.path if s == "RADICATED")))

    def due(self, as_of):
        radicated = next(ts for s, ts in self.path if s == "RADICATED")
        hold_days = law_oracle.clock(self.path, as_of, local_date)[1]
        return local_day_end(law_oracle.business_day_after(local_date(radicated), self.term() + hold_days))


def received_days(rng, n, first=datetime.date(2000, 1, 3), turns=TURNS):
    """Half of them near a turn of the law, so that terms and holidays of before and after meet; the others anywhere to 2040."""
    for _ in range(n):
        if rng.random() < 0.5:
            yield rng.choice(turns) + datetime.timedelta(days=rng.randrange(-60, 20))
        else:
            yield first + datetime.timedelta(days=rng.randrange((datetime.date(2039, 12, 24) - first).days))


def explained(root, ticket, life, as_of):
    """`pqr explain` tells every day from reception to due date, and why it counts or not."""
    told = json.loads(pqr("explain", ticket["external_id"], "--lake", root, "--json"))
    for name in ("sla_due_at", "answered_at", "radicated_at"):
        assert (told[name] and oracle.parse_time(told[name])) == ticket[name]
    assert [told[k] for k in ("sla_business_days", "hold_days", "sla_status")] == [ticket[k] for k in ("sla_business_days", "hold_days", "sla_status")]
    if ticket["sla_due_at"] is None:
        assert told["days"] == []
        return
    path = [(state, ts) for state, ts in life.path if ts <= as_of]
    stood = set()  # local days on which the clock stood, by walking over the path
    answered = None
    for (state, start), (_, end) in zip(path, path[1:] + [(None, as_of)]):
        if state in law_oracle.RUNS and answered is not None:
            stood |= between(answered, start)
            answered = None
        if state in law_oracle.STOPS and answered is None:
            answered = start
        if state == "ON_HOLD":
            stood |= between(start, end)
    counted, extended, want = 0, 0, []
    for day in sorted(between(ticket["radicated_at"], ticket["sla_due_at"])):
        if day.weekday() >= 5 or law_oracle.is_holiday(day):
            want.append((str(day), "weekend" if day.weekday() >= 5 else "holiday", None))
        elif day in stood:
            want.append((str(day), "stood", None))
        elif counted < ticket["sla_business_days"]:
            counted += 1
            want.append((str(day), "counted", counted))
        else:
            extended += 1
            want.append((str(day), "extended", extended))
    assert [(d["date"], "stood" if d["why"] in ("hold", "stop") else d["why"], d.get("n")) for d in told["days"]] == want


def between(a, b):
    first, last = oracle.local_date(a), oracle.local_date(b)
    return {first + datetime.timedelta(days=i + 1) for i in range((last - first).days)}


@pytest.mark.parametrize("case", range(CASES))
def test_random_histories(case, tmp_path):
    rng = random.Random(f"{SEED}/{case}")
    lives = [Life(rng, day, rng.choice("PQRS"), rng.choice([None, *law_oracle.KINDS])).live() for day in received_days(rng, 90)]
    lines = [json.dumps(e) for life in lives for e in life.events]
    rng.shuffle(lines)
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    as_of = us_at(datetime.date(2041, 6, 30), 24 * HOUR - 1) if case % 2 == 0 else us_at(datetime.date(2020, 6, 1), 24 * HOUR - 1)
    if case % 2:  # told from the middle of the emergency: what comes later is not there yet
        lines = [line for line in lines if oracle.parse_time(json.loads(line)["ts"]) <= as_of]
        (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    lake = type("Lake", (), {"root": tmp_path / "lake", "cache": {}, "files": lambda self, layer, name: sorted((self.root / layer / name).rglob("*.parquet"))})()
    pqr("run", "--lake", lake.root, "--input", tmp_path / "in.jsonl", "--as-of", text(as_of), "--until", "silver", "--quiet")
    events = {}
    for n, line in enumerate(lines):
        e = json.loads(line)
        row = dict.fromkeys(oracle.CONTENT) | {k: e[k] for k in ("event_id", "ticket_id", "event_type")} | e["data"]
        events.setdefault(e["ticket_id"], []).append(row | {"ts": oracle.parse_time(e["ts"]), "raw_object": "", "raw_line": n})
    want = {t["ticket_id"]: t for t in oracle.silver_of([e for group in events.values() for e in group], as_of)["tickets"]}
    got = {t["ticket_id"]: t for t in rows_of(lake, "silver.tickets")}
    assert got.keys() == want.keys() and len(want) >= 20
    for ticket in want:
        values = {c: (got[ticket][c], want[ticket][c]) for c in COMPARED}
        wrong = {c: v for c, v in values.items() if v[0] != v[1]}
        assert not wrong, (ticket, wrong, [(e["ts"], e["data"]) for e in map(json.loads, lines) if e["ticket_id"] == ticket])
    for ticket in rng.sample(sorted(want), 12):
        explained(lake.root, want[ticket], next(life for life in lives if life.id == ticket), as_of)
    # The cases are there: each term, both verdicts, answers at the edge, holds, stops that a reopening ended.
    terms = {t["sla_business_days"] for t in want.values()}
    assert terms == {10, 15, 20, 30, 35}
    assert {t["sla_status"] for t in want.values()} >= {"IN_TIME", "LATE"}
    assert any(t["answered_at"] == t["sla_due_at"] for t in want.values() if t["sla_due_at"])
    assert any(t["reopened_count"] and t["hold_days"] for t in want.values())


def law_says(life, as_of, term):
    """What law_of_history has to say of the part of a life up to an instant. term: of every request; None: the law's."""
    path = [(state, ts) for state, ts in life.path if ts <= as_of]
    answered, hold_days, ran = law_oracle.clock(path, as_of, local_date)
    radicated = next((ts for state, ts in path if state == "RADICATED"), None)
    received = local_date(life.path[0][1] if radicated is None else radicated)
    term = term or law_oracle.term(life.created.get("request_kind", "general"), received)
    want = {"due_at": None, "answered_at": answered, "term": term, "hold_days": hold_days, "ran_days": 0, "elapsed_seconds": ran // 1_000_000, "status": "NOT_STARTED"}
    if radicated is not None:
        end = as_of if answered is None else answered
        want["due_at"] = local_day_end(law_oracle.business_day_after(received, term + hold_days))
        want["ran_days"] = law_oracle.business_days_between(received, local_date(end)) - hold_days
        want["status"] = "IN_TIME" if end <= want["due_at"] else "LATE"
    return want


# Before 2000: the law's beginning, the first of the moved holidays, the year of the other hour, the century.
EARLY_TURNS = [datetime.date(1984, 3, 1), datetime.date(1984, 6, 4), datetime.date(1992, 5, 3), datetime.date(1993, 4, 4), datetime.date(2000, 1, 1)]


@pytest.mark.parametrize("settings, term", [((), None), (tuple(f"sla.business_days.{kind}=7" for kind in "PQRS"), 7)], ids=["law", "configured"])
def test_histories_since_1984(settings, term):
    """The program's clock and law over lives of 1984 to 2040, each told at two instants: when all is over, and in its midst."""
    rng = random.Random(f"{SEED}/1984")
    days = received_days(rng, 400 * CASES, datetime.date(1984, 1, 2), EARLY_TURNS + TURNS)
    lives = [Life(rng, max(day, datetime.date(1984, 1, 2)), rng.choice("PQRS"), rng.choice([None, *law_oracle.KINDS])).live() for day in days]
    asked, want = [], []
    for life in lives:
        for as_of in (life.now + rng.randrange(60 * 24 * HOUR), rng.randint(life.path[0][1], life.now)):
            path = [f"{state}@{ts}" for state, ts in life.path[1:] if ts <= as_of]
            asked.append(" ".join(map(str, [as_of, life.created["pqrs_type"], life.created.get("request_kind", "general"), life.path[0][1], *path])))
            want.append(law_says(life, as_of, term))
    run = subprocess.run([PQR.parent / "tests/interop/law_of_history", *settings], input="\n".join(asked), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    got = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(got) == len(want)
    for line, ours, theirs in zip(asked, got, want):
        wrong = {name: (ours[name], value) for name, value in theirs.items() if ours[name] != value}
        assert not wrong, (text(int(line.split()[3])), line, wrong)
    # The cases are there: years before 2000, each term of then, both verdicts, holds, answers at the edge.
    early = [w for life, w in zip([life for life in lives for _ in range(2)], want) if local_date(life.now).year < 2000]
    assert len(early) > 100 and {w["term"] for w in early} == ({term} if term else {10, 15, 30})
    assert {w["status"] for w in early} == {"NOT_STARTED", "IN_TIME", "LATE"} and any(w["hold_days"] for w in early)
    assert term or any(w["answered_at"] == w["due_at"] for w in early if w["due_at"])


def test_named_days():
    """The edges that the law names, by its words; the program is held to the same in tests/unit/pqrs/test_law.c."""
    day = datetime.date.fromisoformat
    assert law_oracle.term("general", day("2020-03-05")) == 15 and law_oracle.term("general", day("2020-03-06")) == 30
    assert law_oracle.term("general", day("2022-05-17")) == 30 and law_oracle.term("general", day("2022-05-18")) == 15
    assert [law_oracle.easter(y).isoformat() for y in (1984, 2000, 2008, 2025, 2026, 2038)] == [
        "1984-04-22", "2000-04-23", "2008-03-23", "2025-04-20", "2026-04-05", "2038-04-25"]  # fmt: skip
    of_2026 = [d for d in (day("2026-01-01") + datetime.timedelta(days=i) for i in range(365)) if law_oracle.is_holiday(d)]
    assert " ".join(d.strftime("%m-%d") for d in of_2026) == (
        "01-01 01-12 03-23 04-02 04-03 05-01 05-18 06-08 06-15 06-29 07-13 07-20 08-07 08-17 10-12 11-02 11-16 12-08 12-25")


def test_calendar():
    """Every day of 1984 to 2040, as `pqr calendar` says it."""
    for year in range(1984, 2041):
        told = json.loads(pqr("calendar", str(year), "--json"))
        days = [datetime.date(year, 1, 1) + datetime.timedelta(days=i) for i in range(366)]
        days = [d for d in days if d.year == year]
        assert told["year"] == year
        assert [h["date"] for h in told["holidays"]] == [str(d) for d in days if law_oracle.is_holiday(d)]
        assert all(h["names"] and all(h["names"]) for h in told["holidays"])
        assert told["business_days"] == [sum(law_oracle.is_business(d) for d in days if d.month == m) for m in range(1, 13)]
