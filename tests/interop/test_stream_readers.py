"""Others read what is being landed: delta-rs and DuckDB while commits come; and a log of many commits stays quick to open.
PQR_STREAM_COMMITS says how many."""

import json
import os
import resource
import subprocess
import sys

import deltalake
import pytest
from conftest import PQR, ROOT

sys.path.insert(0, str(ROOT / "tests"))
from poll import within  # noqa: E402

COMMITS = int(os.environ.get("PQR_STREAM_COMMITS", "300"))


def clean():
    return {k: v for k, v in os.environ.items() if not k.startswith("PQR_STREAM")}


def produced(n):
    """The first n events, which are the same in every run."""
    command = [PQR, "stream", "produce", "--sink", "-", "--rate", "max", "--limit", str(n), "--start", "2026-03-01T10:00:00Z"]
    return subprocess.run(command, capture_output=True, check=True, env=clean()).stdout.splitlines(keepends=True)


def land(lake, *more):
    command = [PQR, "stream", "land", "--source", "-", "--source-id", "s", "--lake", lake, "--quiet", *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=clean())


def give(member, lines):
    member.stdin.write(b"".join(lines))
    member.stdin.flush()


def version(table):
    return max((int(f.name[:20]) for f in (table / "_delta_log").glob("*[0-9].json")), default=-1)


@pytest.mark.parametrize("engine", ["delta-rs", "DuckDB"])
def test_read_while_written(engines, tmp_path, engine):
    """Whoever reads at any moment sees a beginning of the stream: each event of it once."""
    reader, lines, table, seen = engines[engine], produced(30_000), tmp_path / "bronze/user_events", []
    ids = [json.loads(line)["event_id"] for line in lines]
    member = land(tmp_path, "--interval", "0.01")
    try:
        for at in range(0, len(lines), 3000):
            give(member, lines[at : at + 1500])
            assert within(120, lambda: version(table) >= 0)
            give(member, lines[at + 1500 : at + 3000])  # it goes on while this is read
            found = reader.table(table)["event_id"].to_pylist()
            assert set(found) == set(ids[: len(found)]) and len(found) == len(set(found))
            seen.append(len(found))
    finally:
        _, errors = member.communicate()
    assert member.returncode == 0, errors
    assert seen == sorted(seen) and len(set(seen) - {len(ids)}) >= 3, "it was read while it was written"
    assert sorted(reader.table(table)["event_id"].to_pylist()) == sorted(ids)


def test_many_commits(tmp_path):
    """A log of many commits opens from its newest checkpoint, in the time that one of few takes."""
    lines, table = produced(COMMITS), tmp_path / "bronze/user_events"
    member = land(tmp_path, "--interval", "0.01", "--bytes", "1")
    try:
        for n, line in enumerate(lines):
            give(member, [line])
            assert within(120, (table / "_delta_log" / f"{n:020d}.json").exists)  # a commit a line, and those of compaction
    finally:
        _, errors = member.communicate()
    assert member.returncode == 0, errors
    assert version(table) >= COMMITS - 1
    found = deltalake.DeltaTable(str(table))
    live = len(found.file_uris())
    assert found.to_pyarrow_table(columns=["event_id"]).num_rows == COMMITS
    assert live <= 50, f"{version(table)} commits leave {live} files"  # at the pace of one every 30 s a day has 2,880
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PQR, "table", "schema", "bronze.user_events", "--lake", tmp_path], capture_output=True, check=True, env=clean())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{version(table)} commits: {seconds:.3f} s of CPU to open the table, {live} files")
    assert seconds < 0.1
