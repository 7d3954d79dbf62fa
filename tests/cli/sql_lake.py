"""Make a lake of small Delta tables for test_sql.sh, with pyarrow and logs written by hand. Usage: sql_lake.py LAKE

silver.types      a column of each Delta type, nested ones too
silver.parts      partitioned by a string and a date in hive folders, with null, '%', '/', 'é' and blanks in values
silver.anywhere   partitioned, with files whose paths say nothing
silver.grown      version 0: id; version 1: id and note, so that the first file lacks a column
silver.empty      no files
gold.versions     version 0: 2 rows; version 1: 3 rows; version 2: 1 row (the others removed)
gold.filename     has a column of that name, and a partition column of its own
"""
import datetime as dt
import json
import os
import sys
from decimal import Decimal
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

UTC = dt.timezone.utc
lake = sys.argv[1]


def field(name, kind, nullable=True):
    return {"name": name, "type": kind, "nullable": nullable, "metadata": {}}


def commit(table, version, actions):
    log = os.path.join(lake, table, "_delta_log")
    os.makedirs(log, exist_ok=True)
    # a second between versions, from 2026-01-01T00:00:00Z
    stamp = 1767225600000 + version * 1000
    lines = [{"commitInfo": {"timestamp": stamp, "operation": "WRITE"}}] + actions
    with open(os.path.join(log, f"{version:020d}.json"), "w", encoding="utf-8") as f:
        f.write("".join(json.dumps(a) + "\n" for a in lines))


def head(fields, partitions=()):
    schema = json.dumps({"type": "struct", "fields": fields})
    return [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {"metaData": {"id": "00000000-0000-4000-8000-000000000000", "format": {"provider": "parquet", "options": {}},
                      "schemaString": schema, "partitionColumns": list(partitions), "configuration": {}}},
    ]


def add(table, path, rows, partition=None):
    """Write rows as a Parquet file of the table; the add action, its path percent-encoded once more, as the log has it."""
    full = os.path.join(lake, table, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    pq.write_table(rows, full)
    return {"add": {"path": quote(path, safe="/=-._~"), "partitionValues": partition or {}, "size": os.path.getsize(full),
                    "modificationTime": 0, "dataChange": True,
                    "stats": json.dumps({"numRecords": rows.num_rows})}}


def remove(path):
    return {"remove": {"path": path, "deletionTimestamp": 1, "dataChange": True}}


def types():
    ts = dt.datetime(2025, 9, 1, 12, 30, 1, 250000)
    columns = [
        ("s", "string", pa.array(["plain", 'a,"b"\nc', "", None])),
        ("l", "long", pa.array([9007199254740993, -1, 0, None], pa.int64())),
        ("i", "integer", pa.array([1, -2147483648, 2147483647, None], pa.int32())),
        ("h", "short", pa.array([1, -32768, 32767, None], pa.int16())),
        ("b", "byte", pa.array([1, -128, 127, None], pa.int8())),
        ("f", "float", pa.array([0.1, -1.5, 3e20, None], pa.float32())),
        ("d", "double", pa.array([0.1, 1e16, 123456789.125, None], pa.float64())),
        ("n", "decimal(10,2)", pa.array([Decimal("1.50"), Decimal("-0.05"), Decimal("12345678.90"), None], pa.decimal128(10, 2))),
        ("w", "decimal(38,5)", pa.array([Decimal("123456789012345678901234567890123.45678"), Decimal("-0.00001"), Decimal("0"), None],
                                        pa.decimal128(38, 5))),
        ("t", "boolean", pa.array([True, False, True, None])),
        ("x", "binary", pa.array([b"\x00\xffA'", b"", b"abc", None], pa.binary())),
        ("day", "date", pa.array([dt.date(2025, 9, 1), dt.date(1, 1, 1), dt.date(9999, 12, 31), None])),
        ("at", "timestamp", pa.array([ts.replace(tzinfo=UTC), dt.datetime(1900, 1, 1, tzinfo=UTC), ts.replace(microsecond=0, tzinfo=UTC), None],
                                     pa.timestamp("us", "UTC"))),
        ("wall", "timestamp_ntz", pa.array([ts, dt.datetime(1900, 1, 1), ts, None], pa.timestamp("us"))),
        ("list", {"type": "array", "elementType": "long", "containsNull": True}, pa.array([[1, None, 3], [], [2], None], pa.list_(pa.int64()))),
        ("row", {"type": "struct", "fields": [field("a b", "string"), field("c", "decimal(5,1)")]},
         pa.array([{"a b": 'q"', "c": Decimal("1.5")}, {"a b": None, "c": None}, {"a b": "", "c": Decimal("0.0")}, None],
                  pa.struct([("a b", pa.string()), ("c", pa.decimal128(5, 1))]))),
        ("map", {"type": "map", "keyType": "string", "valueType": "integer", "valueContainsNull": True},
         pa.array([[("k", 1), ("m", None)], [], [("z", 3)], None], pa.map_(pa.string(), pa.int32()))),
    ]
    features = head([field(name, kind) for name, kind, _ in columns])
    features[0]["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["timestampNtz"], "writerFeatures": ["timestampNtz"]}
    rows = pa.table({name: values for name, _, values in columns})
    commit("silver/types", 0, features + [add("silver/types", "part-0.parquet", rows)])


def hive(value):
    return "__HIVE_DEFAULT_PARTITION__" if value is None else quote(value, safe=" .-_")


def parts():
    actions = head([field("id", "long"), field("place", "string"), field("day", "date")], ["place", "day"])
    values = [("Bogotá", "2025-09-01"), ("a/b", "2025-09-02"), ("100%", "2025-09-03"), (None, "2025-09-04"), ("null", None), ("two words", "2025-09-06")]
    for i, (place, day) in enumerate(values):
        path = f"place={hive(place)}/day={hive(day)}/part-{i}.parquet"
        actions.append(add("silver/parts", path, pa.table({"id": pa.array([i * 10, i * 10 + 1], pa.int64())}), {"place": place, "day": day}))
    commit("silver/parts", 0, actions)


def anywhere():
    actions = head([field("place", "string"), field("id", "long"), field("at", "timestamp")], ["place", "at"])
    values = [("it's", "2025-09-01 12:00:00"), ("it's", "2025-09-01T12:00:00.5Z"), (None, ""), ("b", None)]
    for i, (place, at) in enumerate(values):
        path = f"[{i}]/place=wrong/f*{i}.parquet"
        actions.append(add("silver/anywhere", path, pa.table({"id": pa.array([i], pa.int64())}), {"place": place, "at": at}))
    commit("silver/anywhere", 0, actions)


def grown():
    commit("silver/grown", 0, head([field("id", "long")]) + [add("silver/grown", "old.parquet", pa.table({"id": pa.array([1, 2], pa.int32())}))])
    rows = pa.table({"note": ["x"], "unknown": [5], "id": pa.array([3], pa.int64())})
    commit("silver/grown", 1, head([field("id", "long"), field("note", "string"), field("never", "decimal(7,3)")])[1:] + [add("silver/grown", "new.parquet", rows)])


def versions():
    commit("gold/versions", 0, head([field("n", "long")]) + [add("gold/versions", "0.parquet", pa.table({"n": [1, 2]}))])
    commit("gold/versions", 1, [add("gold/versions", "1.parquet", pa.table({"n": [3]}))])
    commit("gold/versions", 2, [remove("0.parquet")])


def filename():
    actions = head([field("filename", "string"), field("part", "integer")], ["part"])
    actions.append(add("gold/filename", "part=7/x.parquet", pa.table({"filename": ["mine"]}), {"part": "7"}))
    commit("gold/filename", 0, actions)


types()
parts()
anywhere()
grown()
commit("silver/empty", 0, head([field("id", "long"), field("price", "decimal(5,2)"), field("at", "timestamp")]))
versions()
filename()
# what a person cannot ask for: another writer's feature, and a broken log
commit("bronze/future", 0, [{"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors", "somethingNew"], "writerFeatures": ["deletionVectors", "somethingNew"]}}]
       + head([field("id", "long")])[1:])
os.makedirs(os.path.join(lake, "bronze/broken/_delta_log"))
with open(os.path.join(lake, "bronze/broken/_delta_log/00000000000000000000.json"), "w", encoding="utf-8") as out:
    out.write('{"metaData": {"id": ')
with open(os.path.join(lake, "secret.csv"), "w", encoding="utf-8") as out:
    out.write("a,b\n1,2\n")
