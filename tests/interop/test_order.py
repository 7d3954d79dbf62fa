"""Right histories whose events share seconds: however they are shuffled, split into files and named, every change finds its place.
Seeded: PQR_TEST_SEED chooses other histories."""

import collections
import csv
import datetime
import io
import json
import os
import random
import subprocess
import uuid

import oracle
import pytest
from conftest import PQR

SEED = int(os.environ.get("PQR_TEST_SEED", "4711"))
TICKETS = 1000
START = datetime.datetime(2026, 3, 2, 4, 59, 58, tzinfo=datetime.timezone.utc)  # local midnight is two seconds away


def history(chance, ticket):
    """A walk over the state machine as events without event_id, and where it ends. Most steps take no second."""
    ts, state = START + datetime.timedelta(seconds=chance.randrange(200_000)), "RECEIVED"

    def event(kind, **data):
        return {"ticket_id": ticket, "event_type": kind, "ts": ts.isoformat().replace("+00:00", "Z"), "data": data}

    events = [event("TICKET_CREATED", external_id=ticket[:8], source_channel="email", pqrs_type="P", priority="media", text="x")]
    for _ in range(chance.randrange(16)):
        ways = sorted(b for a, b in oracle.TRANSITIONS if a == state)
        if not ways:
            break
        ts += datetime.timedelta(seconds=chance.choice([0, 0, 0, 0, 1, 3600]))
        to = chance.choice(ways)
        events.append(event("STATUS_CHANGED", status_from=state, status_to=to))
        state = to
        if chance.random() < 0.2:
            events.append(event("MESSAGE_ADDED", role="agent", text="hola"))
    return events, state


def run(folder, *arguments):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_")}
    command = [PQR, "run", "--lake", folder / "lake", "--json", "--quiet", "--threads", "2", "--as-of", "2026-04-30", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    text = subprocess.run([PQR, "table", "cat", "--lake", folder / "lake", "silver.tickets"], capture_output=True, check=True, text=True).stdout
    rows = {row["ticket_id"]: {k: v for k, v in row.items() if k not in ("run_id", "history_id")} for row in csv.DictReader(io.StringIO(text))}
    return json.loads(done.stdout), rows


@pytest.fixture(scope="module")
def histories():
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")
    chance = random.Random(SEED)
    return [history(chance, str(uuid.UUID(int=chance.getrandbits(128), version=4))) for _ in range(TICKETS)]


def write(path, events):
    path.write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")


@pytest.fixture(scope="module")
def in_order(histories, tmp_path_factory):
    folder = tmp_path_factory.mktemp("in_order")
    write(folder / "in.jsonl", [e | {"event_id": str(uuid.UUID(int=i))} for i, e in enumerate(e for h, _ in histories for e in h)])
    return run(folder, "--input", folder / "in.jsonl")


def test_histories_end_where_they_end(histories, in_order):
    report, tickets = in_order
    shared = [len(h) - len({e["ts"] for e in h}) for h, _ in histories]
    assert sum(n >= 3 for n in shared) > TICKETS // 2, "most histories have events of one second"
    assert {h[0]["ticket_id"]: end for h, end in histories} == {k: t["current_status"] for k, t in tickets.items()}
    assert report["rows"]["silver"].get("quarantine", 0) == 0


@pytest.mark.parametrize("case", range(3))
def test_neither_order_nor_files_nor_ids_decide(histories, in_order, tmp_path, case):
    chance = random.Random(SEED + case)
    events = [e | {"event_id": str(uuid.UUID(int=chance.getrandbits(128), version=4))} for h, _ in histories for e in h]
    chance.shuffle(events)
    parts = collections.defaultdict(list)
    for e in events:
        parts[chance.randrange(5)].append(e)
    (tmp_path / "in").mkdir()
    for i, part in parts.items():
        write(tmp_path / "in" / f"{i}.jsonl", part)
    report, tickets = run(tmp_path, "--input", tmp_path / "in")
    assert report["rows"]["silver"].get("quarantine", 0) == 0
    assert tickets == in_order[1]
