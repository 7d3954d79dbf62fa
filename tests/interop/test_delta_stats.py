"""The stats of a Delta add that we derive from Parquet files by pyarrow: bounds of every value, and where there are none.

build/tests/interop/parquet_dump --delta-stats ($PQR_BUILD).
"""

import datetime
import decimal
import json
import math
import os
import pathlib
import random
import subprocess

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import pyarrow.parquet as pq  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DUMP = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build")) / "tests/interop/parquet_dump"

pytestmark = pytest.mark.skipif(not DUMP.exists(), reason=f"{DUMP} is not built")


def stats_of(path):
    return json.loads(subprocess.run([DUMP, "--delta-stats", path], check=True, capture_output=True, text=True).stdout, parse_float=decimal.Decimal)


def stats(folder, columns, **options):
    path = folder / "t.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return stats_of(path)


@pytest.mark.parametrize("rows, greatest", [
    (["a" * 40], "a" * 31 + "b"),
    (["a" * 32], "a" * 32),
    (["ñ" * 33], "ñ" * 31 + "ò"),
    (["x\ud7ff" + "\ud7ff" * 40], "x" + "\ud7ff" * 30 + "\ue000"),
    (["\x7f" * 33], "\x7f" * 31 + "\x80"),
    (["a" + "\U0010ffff" * 40], "b"),
    (["\U0010ffff" * 32], "\U0010ffff" * 32),
    (["\U0010ffff" * 33], None),
    (["", "z"], "z"),
    ([""], ""),
])  # fmt: skip
def test_cut_maximum(tmp_path, rows, greatest):
    got = stats(tmp_path, {"s": rows})
    assert got["maxValues"] == ({} if greatest is None else {"s": greatest})
    assert got["minValues"] == {"s": min(rows)[:32]}


def test_random_strings(tmp_path):
    r = random.Random(11)
    points = "a\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"
    for _ in range(120):
        some = r.sample(points, r.randrange(1, 4))
        rows = [None if r.random() < 0.2 else "".join(r.choice(some) for _ in range(r.randrange(60))) for _ in range(20)]
        got = stats(tmp_path, {"s": pa.array(rows, pa.string())}, row_group_size=7)
        values = [v.encode() for v in rows if v is not None]
        assert got["nullCount"]["s"] == rows.count(None)
        assert got["minValues"]["s"].encode() <= min(values)
        assert len(got["minValues"]["s"]) <= 32
        if "s" in got["maxValues"]:
            assert got["maxValues"]["s"].encode() >= max(values)
            assert len(got["maxValues"]["s"]) <= 32
        else:
            assert max(values).decode().startswith("\U0010ffff" * 32)


def test_types(tmp_path):
    utc = datetime.timezone.utc
    day = datetime.date
    columns = {
        "i": pa.array([3, None, -4], pa.int32()),
        "u": pa.array([2**63 - 1, 0, 5], pa.uint64()),
        "beyond": pa.array([2**63, 0, 5], pa.uint64()),
        "d": pa.array([decimal.Decimal("1.50"), decimal.Decimal("-0.05"), None], pa.decimal128(18, 2)),
        "day": pa.array([day(2025, 9, 1), day(1969, 12, 31), None]),
        "early": pa.array([-800000, 0, 1], pa.date32()),
        "ts": pa.array([datetime.datetime(2025, 9, 1, 12, 0, 0, 123456, utc), datetime.datetime(1, 1, 1, tzinfo=utc), None], pa.timestamp("us", "UTC")),
        "far": pa.array([2**62, 0, 1], pa.timestamp("us", "UTC")),
        "f": pa.array([1.5, math.nan, -2.25], pa.float64()),
        "inf": pa.array([-math.inf, 1, 2], pa.float64()),
        "nan": pa.array([math.nan, None, math.nan], pa.float32()),
        "b": pa.array([True, False, None]),
        "raw": pa.array([b"\x00", b"\xff", None]),
        "list": pa.array([[1], [], None]),
        "sub": pa.array([{"x": 1}, None, {"x": 2}]),
        "none": pa.array([None, None, None], pa.string()),
    }
    for size in (1, 3):  # a row group a row, and one of all
        got = stats(tmp_path, columns, row_group_size=size)
        assert got["numRecords"] == 3
        least = {"i": -4, "u": 0, "d": decimal.Decimal("-0.05"), "day": "1969-12-31", "ts": "0001-01-01T00:00:00.000000Z", "far": "1970-01-01T00:00:00.000000Z"}
        greatest = {"i": 3, "u": 2**63 - 1, "d": decimal.Decimal("1.50"), "day": "2025-09-01", "early": "1970-01-02", "ts": "2025-09-01T12:00:00.123456Z"}
        if size == 3:
            least |= {"beyond": 0, "f": decimal.Decimal("-2.25")}
        assert got["minValues"] == least
        assert got["maxValues"] == greatest
        nulls = dict.fromkeys(columns, 0) | {"i": 1, "d": 1, "day": 1, "ts": 1, "nan": 1, "b": 1, "raw": 1, "none": 3}
        assert got["nullCount"] == {k: v for k, v in nulls.items() if k not in ("list", "sub")}


def test_first_columns_and_no_statistics(tmp_path):
    got = stats(tmp_path, {f"c{i}": [i] for i in range(40)})
    assert list(got["minValues"]) == list(got["maxValues"]) == list(got["nullCount"]) == [f"c{i}" for i in range(32)]
    got = stats(tmp_path, {"a": [1, None]}, write_statistics=False)
    assert got == {"numRecords": 2, "minValues": {}, "maxValues": {}, "nullCount": {}}
    got = stats(tmp_path, {"a": pa.array([], pa.int32())})
    assert got == {"numRecords": 0, "minValues": {}, "maxValues": {}, "nullCount": {"a": 0}}
