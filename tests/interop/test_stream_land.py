"""Landing, each record once: lines killed at the system calls of a commit; a real broker under members that are killed, stopped, join and
leave. Read by deltalake, and from Kafka by a program that shares nothing with ours. Seeded: PQR_TEST_SEED chooses other schedules,
PQR_STREAM_SCHEDULES how many."""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys

import deltalake
import pytest
from conftest import PQR, ROOT

sys.path.insert(0, str(ROOT / "tests"))
from poll import busy, within  # noqa: E402

SEED = int(os.environ.get("PQR_TEST_SEED", "4711"))
SCHEDULES = int(os.environ.get("PQR_STREAM_SCHEDULES", "12"))
PROGRAMS = PQR.parent / "tests" / "interop"
EVENT = '{"event_id":"%08x-0000-4000-8000-000000000000","user_id":%d,"event_type":"click","page":"/p","timestamp":"2026-03-%02dT10:00:00Z","source":"web"}'


def clean():
    return {k: v for k, v in os.environ.items() if not k.startswith("PQR_STREAM")}


def dataset(lake, table="bronze/user_events"):
    """None where there is no table yet."""
    there = any((lake / table / "_delta_log").glob("*[0-9].json"))
    return deltalake.DeltaTable(str(lake / table)).to_pyarrow_dataset() if there else None


def rows(lake, table="bronze/user_events"):
    found = dataset(lake, table)
    return found.to_table().to_pylist() if found else []


# ---- lines -----------------------------------------------------------------------------------------------------------------

LINES = [EVENT % (i, i + 1, 1 + i % 3) if i % 9 else f"broken {i}" for i in range(90)]


def land_lines(lake, n, *before):
    text = "".join(line + "\n" for line in LINES[:n]).encode()
    command = [*before, PQR, "stream", "land", "--source", "-", "--source-id", "s", "--lake", lake, "--quiet"]
    return subprocess.run(command, input=text, capture_output=True, check=False, env=clean())


def check_lines(lake, n):
    want = collections.Counter(json.loads(line)["event_id"] for line in LINES[:n] if line.startswith("{"))
    assert collections.Counter(r["event_id"] for r in rows(lake)) == want
    refused = collections.Counter((r["kafka_offset"], r["raw"]) for r in rows(lake, "rejects/user_events"))
    assert refused == collections.Counter((i, line) for i, line in enumerate(LINES[:n]) if not line.startswith("{"))


@pytest.mark.parametrize("before", [0, 40], ids=["new table", "old table"])
def test_killed_at_each_call(tmp_path, before):
    base, lake = tmp_path / "base", tmp_path / "lake"
    base.mkdir()
    if before:
        assert land_lines(base, before).returncode == 0
    shutil.copytree(base, lake)
    out = land_lines(lake, 90, PROGRAMS / "kill_at", str(10**9))
    if out.returncode == 77:
        pytest.skip("ptrace is not allowed here")
    assert out.stdout.startswith(b"ended 0 "), out
    calls = int(out.stdout.split()[-1])  # counted at their beginning and at their end
    check_lines(lake, 90)
    # the program's start is tried here and there; of the table that is there, each call of the commit
    points = [*range(5, calls // 2, 41), *range(calls // 2, calls, 2 if before else 10)]
    cut_off = 0
    for at in points:
        shutil.rmtree(lake)
        shutil.copytree(base, lake)
        out = land_lines(lake, 90, PROGRAMS / "kill_at", str(at)).stdout.decode()
        found = len(rows(lake))
        assert found in (len(rows(base)), 80), f"call {at}: a part of a batch"
        cut_off += found < 80
        assert land_lines(lake, 90).returncode == 0
        check_lines(lake, 90)
    assert 10 < cut_off < len(points)


# ---- Kafka -----------------------------------------------------------------------------------------------------------------


class Kafka:
    def __init__(self, folder):
        self.folder, self.env = folder, clean() | {"PQR_STACK_DIR": str(folder)}
        self.up()
        listing = subprocess.run(["bash", "-c", f'. {folder}/env; echo "$PQR_STREAM_BROKERS"'], capture_output=True, text=True, check=True)
        self.brokers = listing.stdout.strip()

    def stack(self, *arguments):
        return subprocess.run([ROOT / "scripts" / "stack", *arguments], env=self.env, capture_output=True, text=True, check=False)

    def up(self):
        up = self.stack("up", "kafka")
        if up.returncode == 77:
            pytest.skip(up.stderr.strip().splitlines()[-1])
        assert up.returncode == 0, up.stderr

    def tool(self, *arguments, text=""):
        run = subprocess.run([PROGRAMS / "kafka_tool", self.brokers, *map(str, arguments)], input=text, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def read(self, topic):
        """(partition, offset): value of every record that was committed."""
        found = {}
        for line in self.tool("read", topic).splitlines():
            partition, offset, _, _, value = line.split("\t", 4)
            found[int(partition), int(offset)] = value
        return found

    def produce(self, topic, n, seed):
        command = [PQR, "stream", "produce", "--brokers", self.brokers, "--topic", topic, "--limit", str(n), "--seed", str(seed), "--rate", "max"]
        subprocess.run([*command, "--start", "2026-03-01T00:00:00Z", "--quiet"], check=True, env=clean())

    def command(self, lake, topic, *more):
        quick = ["session.timeout.ms=3000", "heartbeat.interval.ms=300", "topic.metadata.refresh.interval.ms=500", "reconnect.backoff.max.ms=500"]
        settings = [word for setting in quick for word in ("--kafka", setting)]
        return [PQR, "stream", "land", "--brokers", self.brokers, "--topic", topic, "--lake", lake, *settings, *more]

    def member(self, lake, topic, interval=0.2, *more):
        return subprocess.Popen(self.command(lake, topic, "--interval", str(interval), *more), stderr=subprocess.PIPE, text=True, env=clean())

    def once(self, lake, topic, *more):
        return subprocess.run(self.command(lake, topic, "--once", *more), capture_output=True, text=True, check=False, env=clean())

    def check(self, lake, topic, rejected=()):
        """Each record of the topic is in the table once, with what it says."""
        want = {k: json.loads(v)["event_id"] for k, v in self.read(topic).items() if k not in rejected}
        found = [((r["kafka_partition"], r["kafka_offset"]), r["event_id"]) for r in rows(lake)]
        times = collections.Counter(place for place, _ in found)
        wrong = {place: times[place] for place in {*want, *times} if times[place] != 1 or place not in want}
        assert not wrong, f"{len(wrong)} records are not there once: {sorted(wrong.items())[:10]}"
        assert dict(found) == want


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    if not (PROGRAMS / "kafka_tool").exists():
        pytest.skip("built without librdkafka")
    stack = Kafka(tmp_path_factory.mktemp("stack"))
    yield stack
    stack.stack("down", "--clean")


def end(member, how=signal.SIGTERM):
    member.send_signal(how)
    member.wait(120)
    return member.returncode, member.stderr.read()


def has_rows(lake, n):
    found = dataset(lake)
    return n == 0 or (found is not None and found.count_rows() >= n)


def landed(member, lake, n):
    """Waits for n rows; what the member said when they do not come. Its group may have to wait for a session's end twice."""
    try:
        within(150, lambda: member.poll() is not None or has_rows(lake, n))
    except AssertionError:
        member.send_signal(signal.SIGABRT)
        member.wait(120)
    assert member.returncode is None, f"{n} rows do not come: {member.stderr.read()}"


def test_what_is_no_event(kafka, tmp_path):
    """Rejects with their reasons, aborted transactions, values that hold line ends; nothing new commits nothing."""
    kafka.tool("make", "odd", 2)
    good, now = EVENT % (1, 1, 1), 1772359200000  # 2026-03-01T10:00:00Z
    lines = [f"0\t{now}\tk\t{good}", f"0\t{now}\tk\t\\N", f"0\t{now}\tk\tnone", f"1\t{now - 600_001}\tk\t{good}"]
    kafka.tool("send", "odd", text="\n".join([*lines, f"1\t{now - 600_000}\tk\t{good}"]) + "\n")
    kafka.tool("send", "odd", "abort", text=f"0\t{now}\tk\t{EVENT % (2, 2, 1)}\n1\t{now}\tk\t{EVENT % (3, 3, 1)}\n")
    kafka.tool("send", "odd", "commit", text=f"0\t{now}\tk\t{EVENT % (4, 4, 1)}\n")
    assert kafka.once(tmp_path, "odd").returncode == 0
    refused = [(r["topic"], r["kafka_partition"], r["kafka_offset"], r["reason"], r["raw"], r["raw_bytes"]) for r in rows(tmp_path, "rejects/user_events")]
    assert sorted(refused) == [("odd", 0, 1, "null_value", None, 0), ("odd", 0, 2, "not_json", "none", 4), ("odd", 1, 0, "in_future", good, len(good))]
    kafka.check(tmp_path, "odd", rejected={(0, 1), (0, 2), (1, 0)})
    version = deltalake.DeltaTable(str(tmp_path / "bronze/user_events")).version()
    assert kafka.once(tmp_path, "odd").returncode == 0
    assert deltalake.DeltaTable(str(tmp_path / "bronze/user_events")).version() == version


def test_retention_was_faster(kafka, tmp_path):
    kafka.tool("make", "gone", 1)
    lines = [f"0\t-1\tk\t{EVENT % (i, i + 1, 1)}\n" for i in range(300)]
    kafka.tool("send", "gone", text="".join(lines[:100]))
    assert kafka.once(tmp_path, "gone").returncode == 0
    kafka.tool("send", "gone", text="".join(lines[100:]))
    kafka.tool("cut", "gone", 0, 250)
    stopped = kafka.once(tmp_path, "gone")
    assert stopped.returncode == 1 and "150 messages of partition 0 (offsets 100 to 249) are gone" in stopped.stderr
    assert len(stopped.stderr.splitlines()) == 1 and len(rows(tmp_path)) == 100
    assert kafka.once(tmp_path, "gone", "--on-gap", "continue").returncode == 0
    assert sorted(r["kafka_offset"] for r in rows(tmp_path)) == [*range(100), *range(250, 300)]
    assert [(r["reason"], r["raw"]) for r in rows(tmp_path, "rejects/user_events")] == [("gap", '{"from":100,"to":249}')]


def test_topic_made_again(kafka, tmp_path):
    kafka.tool("make", "again", 1)
    kafka.produce("again", 500, 1)
    assert kafka.once(tmp_path, "again").returncode == 0
    kafka.tool("drop", "again")
    kafka.tool("make", "again", 1)
    kafka.produce("again", 100, 2)
    stopped = kafka.once(tmp_path, "again")
    assert stopped.returncode == 1 and "the topic was made again" in stopped.stderr and len(stopped.stderr.splitlines()) == 1
    # grown beyond the position that stands: the record before it is another one
    kafka.produce("again", 700, 3)
    stopped = kafka.once(tmp_path, "again")
    assert stopped.returncode == 1 and "offset 500 of partition 0 is not what was read there" in stopped.stderr
    assert len(stopped.stderr.splitlines()) == 1 and len(rows(tmp_path)) == 500
    # on request it is another topic, whose positions begin anew beside those of the old one
    assert kafka.once(tmp_path, "again", "--accept-new-topic").returncode == 0
    found = collections.Counter((r["kafka_incarnation"], r["kafka_offset"]) for r in rows(tmp_path))
    assert found == collections.Counter([(0, i) for i in range(500)] + [(1, i) for i in range(800)])
    kafka.produce("again", 100, 4)
    assert kafka.once(tmp_path, "again").returncode == 0
    assert len(rows(tmp_path)) == 1400
    # and once more, while a member runs that takes it
    member = kafka.member(tmp_path, "again", 0.2, "--accept-new-topic")
    kafka.tool("drop", "again")
    kafka.tool("make", "again", 1)
    kafka.produce("again", 50, 5)
    code, log = end(member)
    assert code in (0, 2), log  # it may have seen that the topic was gone
    assert kafka.once(tmp_path, "again", "--accept-new-topic").returncode == 0
    assert collections.Counter(r["kafka_incarnation"] for r in rows(tmp_path)) == {0: 500, 1: 900, 2: 50}


def test_more_partitions_and_a_broker_that_was_away(kafka, tmp_path):
    kafka.tool("make", "grown", 1)
    kafka.produce("grown", 300, 1)
    member = kafka.member(tmp_path, "grown")
    landed(member, tmp_path, 300)
    kafka.tool("make", "grown", 3)
    kafka.tool("send", "grown", text="".join(f"{i % 3}\t-1\tk\t{EVENT % (i, i + 1, 1)}\n" for i in range(300)))
    landed(member, tmp_path, 600)
    kafka.stack("kill", "kafka")
    kafka.up()
    kafka.produce("grown", 300, 2)
    landed(member, tmp_path, 900)
    code, log = end(member)
    assert code == 0, log
    kafka.check(tmp_path, "grown")


def test_two_topics_and_two_tables(kafka, tmp_path):
    """Two topics into one table, at once, and one of them into another table, too: each has positions of its own."""
    (tmp_path / "s.json").write_text('{"type":"object","properties":{"event_id":{"type":"string"},"user_id":{"type":"integer"}},"required":["event_id"]}')
    both = ["--contract", tmp_path / "s.json", "--table", "bronze.both"]
    for seed, topic in enumerate(["east", "west"], 1):
        kafka.tool("make", topic, seed)
        kafka.produce(topic, 500 * seed, seed)
    members = [kafka.member(tmp_path, topic, 0.05, *both) for topic in ("east", "west")]
    within(150, lambda: len(rows(tmp_path, "bronze/both")) >= 1500)
    for member in members:
        code, log = end(member)
        assert code == 0, log
    assert kafka.once(tmp_path, "east").returncode == 0
    kafka.produce("east", 300, 3)
    assert kafka.once(tmp_path, "east", *both).returncode == 0
    assert kafka.once(tmp_path, "east").returncode == 0
    kafka.check(tmp_path, "east")
    want = {(topic, *place): json.loads(value)["event_id"] for topic in ("east", "west") for place, value in kafka.read(topic).items()}
    found = [((r["kafka_topic"], r["kafka_partition"], r["kafka_offset"]), r["event_id"]) for r in rows(tmp_path, "bronze/both")]
    assert dict(found) == want and len(found) == len(want) == 1800


def test_members_that_get_nothing(kafka, tmp_path):
    """Members without a partition come and go: the one that has it is rebalanced with no change, in the middle of what it fetches."""
    kafka.tool("make", "one", 1)
    command = [PQR, "stream", "produce", "--brokers", kafka.brokers, "--topic", "one", "--rate", "3000", "--limit", "30000", "--quiet"]
    member, producer = kafka.member(tmp_path, "one"), subprocess.Popen(command, env=clean())
    landed(member, tmp_path, 1)
    while producer.poll() is None:
        assert kafka.once(tmp_path, "one").returncode == 0
    assert producer.returncode == 0
    landed(member, tmp_path, 29_000)
    code, log = end(member)
    assert code == 0, log
    assert kafka.once(tmp_path, "one").returncode == 0
    kafka.check(tmp_path, "one")


def test_zombie(kafka, tmp_path):
    """A member that is stopped with records taken, past the session's time, finds them landed by another and drops its own."""
    kafka.tool("make", "zombie", 3)
    kafka.produce("zombie", 100_000, 1)
    sleeper = kafka.member(tmp_path, "zombie", interval=3600)
    within(120, busy, sleeper.pid, 12)
    sleeper.send_signal(signal.SIGSTOP)
    assert not rows(tmp_path)
    other = kafka.member(tmp_path, "zombie")
    within(120, has_rows, tmp_path, 100_000)
    sleeper.send_signal(signal.SIGCONT)
    code, log = end(sleeper, signal.SIGINT)
    assert code == 130, log
    assert len(rows(tmp_path)) == 100_000
    kafka.produce("zombie", 1000, 2)
    within(120, has_rows, tmp_path, 101_000)
    assert end(other)[0] == 0
    kafka.check(tmp_path, "zombie")


def schedule(kafka, lake, seed):
    """Members come, are killed, stopped and woken up, and leave while events arrive; the table goes on between."""
    r, topic, members, asleep, sent = random.Random(seed), f"schedule{seed}", [], [], 0
    kafka.tool("make", topic, 3)
    for step in range(8):
        kafka.produce(topic, n := r.randrange(200, 3000), seed * 100 + step)
        sent += n
        awake = [m for m in members if m not in asleep]
        act = r.choice(["start", "kill", "stop", "leave"]) if len(awake) > 1 else "start"
        if act == "start" and len(members) < 4:
            members.append(kafka.member(lake, topic, r.choice([0.05, 0.2, 1])))
        elif act != "start":
            chosen = r.choice(awake)
            chosen.send_signal({"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "leave": signal.SIGTERM}[act])
            if act == "stop":
                asleep.append(chosen)
            else:
                chosen.communicate(timeout=120)
                members.remove(chosen)
        if asleep and r.random() < 0.5:
            asleep.pop(r.randrange(len(asleep))).send_signal(signal.SIGCONT)
        if r.random() < 0.6:
            within(120, has_rows, lake, r.randrange(sent // 2 + 1))
    for m in asleep:
        m.send_signal(signal.SIGCONT)
    for m in members:
        code, log = end(m)
        assert code == 0 or (code == -signal.SIGTERM and not log), log  # the signal came before its main began
    last = kafka.once(lake, topic, "--group", "last")  # one in which no killed member has partitions still
    assert last.returncode == 0, last.stderr
    kafka.check(lake, topic)
    assert len(rows(lake)) == sent


@pytest.mark.parametrize("number", range(SCHEDULES))
def test_schedules(kafka, tmp_path, number):
    schedule(kafka, tmp_path, SEED + number)

def test_spark_beside(kafka, engines, tmp_path):
    """Spark's own stream of the topic, and its stream of the table, tell the records that the table has."""
    spark = engines["Spark"].session
    kafka.tool("make", "spark", 3)
    kafka.produce("spark", 3000, 1)
    assert kafka.once(tmp_path, "spark", "--bytes", "100kB").returncode == 0

    def whole(stream, name, *columns):
        """All there is now, by a query of its own."""
        writer = stream.selectExpr(*columns).writeStream.format("memory").queryName(name)
        assert writer.option("checkpointLocation", str(tmp_path / name)).trigger(availableNow=True).start().awaitTermination(180)
        return sorted(tuple(row) for row in spark.table(name).collect())

    topic = spark.readStream.format("kafka").option("kafka.bootstrap.servers", kafka.brokers).option("subscribe", "spark").option("startingOffsets", "earliest")
    sent = whole(topic.load(), "sent", "partition", "offset", "get_json_object(CAST(value AS STRING), '$.event_id')")
    table = spark.readStream.format("delta").load(str(tmp_path / "bronze/user_events"))
    assert len(sent) == 3000
    assert whole(table, "landed", "kafka_partition", "kafka_offset", "event_id") == sent
