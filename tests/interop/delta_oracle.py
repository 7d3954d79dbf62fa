"""A Delta table read a second time: its JSON log replayed from version 0 in plain Python, its files read by pyarrow.

Knows no checkpoint, so it needs the whole log; a test that cleans the log asks before. Rows of every engine become one form
(`rows_of`), a Counter of tuples in the schema's order of columns, so that they compare whatever their order."""

import collections
import datetime
import decimal
import json
import math
import re
import types
import urllib.parse

import pyarrow as pa
import pyarrow.parquet as pq

LOG_NAME = re.compile(r"(\d{20})\.json")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
ARROW = {"string": pa.string(), "long": pa.int64(), "integer": pa.int32(), "short": pa.int16(), "byte": pa.int8(), "float": pa.float32(), "double": pa.float64(),
         "boolean": pa.bool_(), "binary": pa.binary(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "timestamp_ntz": pa.timestamp("us")}  # fmt: skip


def arrow_type(name):
    if isinstance(name, dict):
        return None  # nested: as the file has it
    m = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", name)
    return pa.decimal128(int(m[1]), int(m[2])) if m else ARROW[name]


def commits(root):
    """Versions that are there as JSON."""
    return sorted(int(m[1]) for f in (root / "_delta_log").iterdir() if (m := LOG_NAME.fullmatch(f.name)))


def actions(root, version):
    with open(root / "_delta_log" / f"{version:020d}.json", encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def file_key(action):
    dv = action.get("deletionVector")
    return action["path"], dv and (dv["storageType"], dv["pathOrInlineDv"], dv.get("offset"))


def replay(root, version=None):
    there = commits(root)
    last = there[-1] if version is None else version
    assert there[: last + 1] == list(range(last + 1)), f"{root}: {there} has a gap before {last}"
    s = types.SimpleNamespace(root=root, version=last, protocol=None, metadata=None, files={}, tombstones={}, txns={}, infos=[])
    for v in range(last + 1):
        info, seen = {}, set()
        for action in actions(root, v):
            (kind, a), *more = action.items()
            assert not more, f"{root} version {v}: an action of two kinds"
            if kind == "add":
                assert ("add", file_key(a)) not in seen, f"{root} version {v}: {a['path']} added twice"
                s.files[file_key(a)] = a
                s.tombstones.pop(file_key(a), None)
                seen.add(("add", file_key(a)))
            elif kind == "remove":
                s.files.pop(file_key(a), None)
                s.tombstones[file_key(a)] = a
            elif kind == "protocol":
                s.protocol = a
            elif kind == "metaData":
                s.metadata = a
            elif kind == "txn":
                s.txns[a["appId"]] = a["version"]
            elif kind == "commitInfo":
                info = a
        s.infos.append(info)
    s.schema = [(f["name"], f["type"]) for f in json.loads(s.metadata["schemaString"])["fields"]]
    s.partition = s.metadata["partitionColumns"]
    return s


def partition_value(text, kind):
    if text is None or text == "":
        return None
    if kind in ("long", "integer", "short", "byte"):
        return int(text)
    if kind in ("float", "double"):
        return float(text)
    if kind == "boolean":
        return {"true": True, "false": False}[text.lower()]
    if kind == "date":
        return datetime.date.fromisoformat(text)
    if kind.startswith("timestamp"):
        t = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        t = t.replace(tzinfo=t.tzinfo or datetime.timezone.utc)
        return t if kind == "timestamp" else t.replace(tzinfo=None)
    if kind == "binary":
        return text.encode()
    return decimal.Decimal(text) if kind.startswith("decimal") else text


def path_of(root, action):
    return root / urllib.parse.unquote(action["path"])


def file_table(s, add):
    """The rows of one file as the table has them: its columns in order, missing ones null, partition columns from the log."""
    assert "deletionVector" not in add or add["deletionVector"] is None, "this oracle reads no deletion vectors"
    data = pq.ParquetFile(path_of(s.root, add), coerce_int96_timestamp_unit="us").read()  # Spark writes INT96
    columns = {}
    for name, kind in s.schema:
        want = arrow_type(kind)
        if name in s.partition:
            columns[name] = pa.array([partition_value(add["partitionValues"].get(name), kind)] * data.num_rows, want)
        elif name in data.column_names:
            columns[name] = data.column(name) if want is None else data.column(name).cast(want)
        else:
            columns[name] = pa.nulls(data.num_rows, want or pa.null())
    return pa.table(columns)


def rows(s, columns=None):
    total = collections.Counter()
    for add in s.files.values():
        total += rows_of(file_table(s, add), columns or [name for name, _ in s.schema])
    return total


def plain(value):
    """One form of a value, whichever engine it comes from."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value
    if isinstance(value, datetime.datetime):
        t = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return (t - EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(value, list):
        return tuple(plain(v) for v in value)
    if isinstance(value, dict):
        return tuple((k, plain(v)) for k, v in value.items())
    return value


def rows_of(table, columns):
    """Rows of an Arrow table as a Counter. Instants as microseconds since the epoch."""
    lists = []
    for name in columns:
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        values = column.to_pylist()
        lists.append([plain(v) for v in values])
    return collections.Counter(zip(*lists)) if lists else collections.Counter()


def check_log_files(root):
    """What every table keeps: versions without a gap, no file added twice, nothing outside the table, true sizes."""
    s = replay(root)
    for add in s.files.values():
        path = path_of(root, add)
        assert path.resolve().is_relative_to(root.resolve()), add["path"]
        assert path.stat().st_size == add["size"], add["path"]
        assert set(add["partitionValues"]) == set(s.partition), add["path"]
    return s


def check_log(root):
    """And what ours keep too: row counts and statistics that hold. (delta-rs writes minima of decimals as floats, which may be off.)"""
    s = check_log_files(root)
    for add in s.files.values():
        check_stats(s, add)
    return s


def check_stats(s, add):
    if not add.get("stats"):
        return
    stats, data = json.loads(add["stats"], parse_float=decimal.Decimal), file_table(s, add)
    assert stats["numRecords"] == data.num_rows, add["path"]
    kinds = dict(s.schema)
    for name, nulls in stats.get("nullCount", {}).items():
        if not isinstance(nulls, dict):
            assert nulls == data.column(name).null_count, (add["path"], name)
    for side, holds in (("minValues", lambda bound, v: bound <= v), ("maxValues", lambda bound, v: bound >= v)):
        for name, text in stats.get(side, {}).items():
            if isinstance(text, dict):
                continue
            bound = stat_value(text, kinds[name], side == "maxValues")
            for v in {plain(v) for v in data.column(name).to_pylist()} - {None}:
                assert holds(bound, v), (add["path"], name, side, text, v)


def stat_value(value, kind, upper):
    if kind in ("float", "double") or not isinstance(kind, str):
        return float(value)
    if kind.startswith("decimal"):
        return decimal.Decimal(value)
    if kind == "date":
        return datetime.date.fromisoformat(value)
    if kind.startswith("timestamp"):
        t = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        us = plain(t)
        return us + 999 if upper and re.search(r"\.\d{3}(?!\d)", value) else us  # cut to milliseconds, as the protocol lets writers do
    return value.encode() if kind == "binary" else value
