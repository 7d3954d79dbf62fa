"""Nested columns and statistics: what our reader gives by levels for files by other writers, and what other engines read
from the nested files we write.

build/tests/interop/parquet_dump --levels and --stats, and checkpoint_copy ($PQR_BUILD).
"""

import datetime
import decimal
import json
import math
import os
import pathlib
import random
import struct
import subprocess

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import pyarrow.parquet as pq  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build")) / "tests/interop"
DATA = pathlib.Path(os.environ.get("PQR_CORPORA", ROOT / "../shared/corpora")) / "parquet/data"

pytestmark = pytest.mark.skipif(not (PROGRAMS / "checkpoint_copy").exists(), reason=f"{PROGRAMS} is not built")


def dump(option, path):
    run = subprocess.run([PROGRAMS / "parquet_dump", option, path], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{path}: {run.stderr}"
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return lines[0], {line["column"]: line for line in lines[1:]}


# ---- levels by definition -----------------------------------------------------------------------------------------


class Leaf:
    def __init__(self, type, max_def, max_rep):
        self.type, self.max_def, self.max_rep, self.entries = type, max_def, max_rep, []  # entries: (rep, def, value)


def children(field):
    """(name of the step, field, is it repeated) of a field's children; list and map as pyarrow and polars write them."""
    t = field.type
    if pa.types.is_struct(t):
        return [("", t.field(i), False) for i in range(t.num_fields)]
    if pa.types.is_map(t):
        return [("key_value.", t.key_field, True), ("key_value.", t.item_field, True)]
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return [("list.", t.value_field.with_name("element"), True)]
    return []


def leaves(field, path="", max_def=0, max_rep=0, out=None):
    out = {} if out is None else out
    path, max_def = path + field.name, max_def + field.nullable
    below = children(field)
    for step, child, repeated in below:
        leaves(child, f"{path}.{step}", max_def + repeated, max_rep + repeated, out)
    if not below:
        out[path] = Leaf(field.type, max_def, max_rep)
    return out


def shred(field, value, out, path="", rep=0, level=0, depth=0):
    """Dremel: append the entries of one value to every leaf below the field. depth: repeated ancestors."""
    path += field.name
    below = children(field)
    if value is None:
        for name, leaf in out.items():
            if name == path or (below and name.startswith(path + ".")):
                leaf.entries.append((rep, level, None))
        return
    level += field.nullable
    if not below:
        out[path].entries.append((rep, level, value))
        return
    for step, child, repeated in below:
        if not repeated:
            shred(child, value[child.name], out, f"{path}.", rep, level, depth)
            continue
        items = value if not pa.types.is_map(field.type) else [pair[0 if child.name == field.type.key_field.name else 1] for pair in value]
        prefix = f"{path}.{step}"
        if not items:
            for name, leaf in out.items():
                if name == prefix + child.name or name.startswith(f"{prefix}{child.name}."):
                    leaf.entries.append((rep, level, None))
        for i, item in enumerate(items):
            shred(child, item, out, prefix, rep if i == 0 else depth + 1, level + 1, depth + 1)


EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def printed(value, t):
    if isinstance(value, datetime.datetime):
        value = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(value, datetime.date):
        return (value - EPOCH.date()).days
    if isinstance(value, decimal.Decimal):
        return int(value.scaleb(t.scale))
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return struct.pack(">f" if pa.types.is_float32(t) else ">d", value).hex()
    return value


def compare_levels(path, table, names=None):
    _, got = dump("--levels", path)
    for field in table.schema:
        want = leaves(field)
        for row in table.column(field.name).to_pylist():
            shred(field, row, want)
        for name, leaf in want.items():
            line = got[name]
            assert "error" not in line, line
            assert (line["max_def"], line["max_rep"]) == (leaf.max_def, leaf.max_rep), name
            rep = [e[0] for e in leaf.entries] if leaf.max_rep else []
            levels = [e[1] for e in leaf.entries] if leaf.max_def else []
            values = [printed(e[2], leaf.type) for e in leaf.entries if e[1] == leaf.max_def]
            assert line["rep"] == rep, name
            assert line["def"] == levels, name
            assert line["values"] == values, name


# ---- files by other writers ---------------------------------------------------------------------------------------


def maybe(r, make, often=0.25):
    return None if r.random() < often else make()


def text(r):
    return r.choice(["", "a", "ñandú", "x" * r.randrange(40), str(r.randrange(10**9))])


ITEM = pa.struct([pa.field("n", pa.int32()), pa.field("inner", pa.struct([pa.field("s", pa.string()), pa.field("req", pa.int64(), nullable=False)]))])
NESTED = pa.schema([
    pa.field("id", pa.int64(), nullable=False),
    pa.field("flat", pa.string()),
    pa.field("ints", pa.list_(pa.int32())),
    pa.field("lists", pa.list_(pa.list_(pa.string()))),
    pa.field("must", pa.list_(pa.field("element", pa.bool_(), nullable=False)), nullable=False),
    pa.field("pairs", pa.map_(pa.string(), pa.float64())),
    pa.field("deep", pa.map_(pa.string(), pa.list_(pa.map_(pa.int32(), pa.timestamp("us"))))),
    pa.field("item", ITEM),
    pa.field("items", pa.list_(ITEM)),
    pa.field("days", pa.list_(pa.date32())),
    pa.field("money", pa.struct([pa.field("small", pa.decimal128(7, 2)), pa.field("large", pa.decimal128(18, 4)), pa.field("raw", pa.binary()), pa.field("f", pa.float32())])),
])  # fmt: skip


def item(r):
    return {"n": maybe(r, lambda: r.randrange(-5, 5)), "inner": maybe(r, lambda: {"s": maybe(r, lambda: text(r)), "req": r.getrandbits(40)})}


def some(r, make, most=5):
    return [make() for _ in range(r.choice([0, 0, 1, 2, most]))]


def nested_row(r, i):
    stamp = lambda: datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=r.randrange(-(10**15), 10**15))  # noqa: E731
    return {
        "id": i,
        "flat": maybe(r, lambda: text(r)),
        "ints": maybe(r, lambda: some(r, lambda: maybe(r, lambda: r.randrange(-100, 100)), 20)),
        "lists": maybe(r, lambda: some(r, lambda: maybe(r, lambda: some(r, lambda: maybe(r, lambda: text(r)))))),
        "must": some(r, lambda: r.random() < 0.5, 11),
        "pairs": maybe(r, lambda: [(f"k{k}", maybe(r, r.random)) for k in range(r.randrange(4))]),
        "deep": maybe(r, lambda: [(text(r) + str(k), maybe(r, lambda: some(r, lambda: maybe(r, lambda: [(k, maybe(r, stamp)) for k in range(r.randrange(3))])))) for k in range(r.randrange(3))]),
        "item": maybe(r, lambda: item(r)),
        "items": maybe(r, lambda: some(r, lambda: maybe(r, lambda: item(r)))),
        "days": maybe(r, lambda: some(r, lambda: maybe(r, lambda: datetime.date(2020, 1, 1) + datetime.timedelta(days=r.randrange(5000))))),
        "money": maybe(r, lambda: {"small": maybe(r, lambda: decimal.Decimal(r.randrange(-(10**7) + 1, 10**7)).scaleb(-2)),
                                   "large": maybe(r, lambda: decimal.Decimal(r.randrange(-(10**18) + 1, 10**18)).scaleb(-4)),
                                   "raw": maybe(r, lambda: r.randbytes(r.randrange(9))), "f": maybe(r, lambda: r.randrange(-999, 999) / 4)}),
    }  # fmt: skip


@pytest.fixture(scope="module")
def nested():
    r = random.Random(20250901)
    return pa.Table.from_pylist([nested_row(r, i) for i in range(3000)], schema=NESTED)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip"])
def test_levels_of_pyarrow(tmp_path, nested, version, dictionary, codec):
    path = tmp_path / "nested.parquet"
    pq.write_table(nested, path, data_page_version=version, use_dictionary=dictionary, compression=codec, row_group_size=1100, data_page_size=600, write_page_checksum=True, store_decimal_as_integer=codec == "gzip", write_page_index=codec == "zstd")
    compare_levels(path, nested)


@pytest.mark.parametrize("name, encoding", [("items.list.element.inner.req", "DELTA_BINARY_PACKED"), ("lists.list.element.list.element", "DELTA_BYTE_ARRAY"),
                                            ("lists.list.element.list.element", "DELTA_LENGTH_BYTE_ARRAY"), ("pairs.key_value.value", "BYTE_STREAM_SPLIT"), ("must.list.element", "RLE")])  # fmt: skip
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_levels_of_encodings(tmp_path, nested, name, encoding, version):
    path = tmp_path / "encoded.parquet"
    pq.write_table(nested, path, use_dictionary=False, column_encoding={name: encoding}, data_page_version=version, data_page_size=500)
    column = next(c for c in (pq.ParquetFile(path).metadata.row_group(0).column(i) for i in range(99)) if c.path_in_schema == name)
    assert encoding in column.encodings
    compare_levels(path, nested)


@pytest.mark.parametrize("rows", [[], [None], [[]], [[None]], [[], None, [None], [None, 1], [2]], [None] * 70000, [[]] * 70000, [[7] * 70000, None]])
def test_levels_of_edges(tmp_path, rows):
    table = pa.table({"v": pa.array(rows, pa.list_(pa.int64())), "s": pa.array([None if x is None else {"l": [x, None, []]} for x in rows], pa.struct([("l", pa.list_(pa.list_(pa.int64())))]))})
    for version in ("1.0", "2.0"):
        path = tmp_path / f"edge{version}.parquet"
        pq.write_table(table, path, data_page_version=version)
        compare_levels(path, table)


def test_levels_of_polars(tmp_path, nested):
    pl = pytest.importorskip("polars")
    frame = pl.from_arrow(nested.drop_columns(["pairs", "deep"]))
    path = tmp_path / "polars.parquet"
    frame.write_parquet(path, row_group_size=900, data_page_size=700)
    compare_levels(path, pq.read_table(path))


def test_levels_of_duckdb(tmp_path, nested):
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "duck.parquet"
    with duckdb.connect() as c:
        c.register("nested", nested)
        c.execute(f"COPY nested TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    compare_levels(path, pq.read_table(path))


def test_many_leaves(tmp_path):
    """A wide table's statistics in a checkpoint: three leaves a column."""
    kinds = [("minValues", pa.int64()), ("maxValues", pa.int64()), ("nullCount", pa.int64())]
    stats = pa.struct([pa.field(kind, pa.struct([pa.field(f"c{i}", t) for i in range(300)])) for kind, t in kinds])
    rows = [None, {kind: {f"c{i}": i if i % 7 else None for i in range(300)} for kind, _ in kinds}]
    table = pa.table({"add": pa.array([{"stats_parsed": x} for x in rows], pa.struct([pa.field("stats_parsed", stats)]))})
    pq.write_table(table, tmp_path / "wide.parquet")
    header, _ = dump("--levels", tmp_path / "wide.parquet")
    assert len(header["columns"]) == 900
    compare_levels(tmp_path / "wide.parquet", table)
    pq.write_table(pa.table({f"c{i}": [1] for i in range(4097)}), tmp_path / "wider.parquet")
    run = subprocess.run([PROGRAMS / "parquet_dump", tmp_path / "wider.parquet"], capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "E_LIMIT" in run.stderr and "wider.parquet" in run.stderr


@pytest.mark.skipif(not DATA.exists(), reason=f"no corpus in {DATA}")
@pytest.mark.parametrize("name", ["list_columns.parquet", "nested_lists.snappy.parquet", "nested_maps.snappy.parquet", "nulls.snappy.parquet",
                                  "nonnullable.impala.parquet", "nullable.impala.parquet", "repeated_no_annotation.parquet", "datapage_v2.snappy.parquet"])  # fmt: skip
def test_levels_of_corpus(name):
    """Leaf values, without the levels: how groups are called differs by writer."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name}")
    _, got = dump("--levels", path)
    table = pq.read_table(path)

    def flat(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, (list, tuple)):
            return [x for v in value for x in flat(v)]
        return [] if value is None else [value]

    ours = [v for line in got.values() for v in line["values"]]
    theirs = [printed(v, pa.float64()) for column in table.columns for v in flat(column.to_pylist())]
    assert not any("error" in line for line in got.values()), got
    assert sorted(map(str, ours)) == sorted(map(str, theirs))


# ---- statistics ---------------------------------------------------------------------------------------------------


def test_stats_are_bounds(tmp_path):
    r = random.Random(7)
    columns = {
        "b": pa.array([r.random() < 0.5 for _ in range(900)]),
        "i8": pa.array([r.randrange(-128, 128) for _ in range(900)], pa.int8()),
        "u32": pa.array([r.randrange(2**32) for _ in range(900)], pa.uint32()),
        "u64": pa.array([r.randrange(2**63) for _ in range(900)], pa.uint64()),
        "i64": pa.array([maybe(r, lambda: r.randrange(-(2**63), 2**63)) for _ in range(900)]),
        "ms": pa.array([r.randrange(-(10**12), 10**12) for _ in range(900)], pa.timestamp("ms")),
        "ns": pa.array([r.randrange(-(10**18), 10**18) for _ in range(900)], pa.timestamp("ns")),
        "day": pa.array([maybe(r, lambda: r.randrange(-9999, 9999)) for _ in range(900)], pa.date32()),
        "dec": pa.array([decimal.Decimal(r.randrange(-(10**18) + 1, 10**18)).scaleb(-3) for _ in range(900)], pa.decimal128(18, 3)),
        "s": pa.array([maybe(r, lambda: text(r)) for _ in range(900)]),
        "raw": pa.array([r.randbytes(5) for _ in range(900)], pa.binary(5)),
        "f": pa.array([r.choice([0.0, -0.0, 1.5, math.nan, None]) for _ in range(900)], pa.float32()),
        "d": pa.array([r.gauss(0, 9) for _ in range(900)]),
        "none": pa.array([None] * 900, pa.string()),
    }
    path = tmp_path / "stats.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=300)
    _, stats = dump("--stats", path)
    values = subprocess.run([PROGRAMS / "parquet_dump", path], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    for line in map(json.loads, values):
        name, seen = line["column"], 0
        for group, s in enumerate(stats[name]["stats"]):
            rows = [v for v in line["values"][group * 300 : group * 300 + 300] if v is not None]
            assert s["nulls"] == 300 - len(rows), name
            if name in ("f", "d"):
                unpack = lambda v: struct.unpack(">f" if len(v) == 8 else ">d", bytes.fromhex(v))[0]  # noqa: E731
                if name == "f":  # a zero bound covers both zeros
                    assert s["min"] == "80000000" and unpack(s["max"]) == 1.5
                rows, s = [unpack(v) for v in rows], {k: unpack(v) if k != "nulls" else v for k, v in s.items()}
            if rows:
                plain = [v for v in rows if v == v]
                key = (lambda v: v.encode()) if name == "s" else (lambda v: v)
                assert (key(s["min"]), key(s["max"])) == (min(map(key, plain)), max(map(key, plain))), name
                seen += 1
            else:
                assert "min" not in s and "max" not in s
        assert seen == (0 if name == "none" else 3)


def test_stats_absent(tmp_path):
    table = pa.table({"nan": pa.array([math.nan, math.nan]), "s": ["a", "b"], "zero": pa.array([0.0, -0.0])})
    pq.write_table(table, tmp_path / "with.parquet")
    _, got = dump("--stats", tmp_path / "with.parquet")
    assert got["nan"]["stats"] == [{"nulls": 0}]
    assert got["zero"]["stats"] == [{"nulls": 0, "min": "8000000000000000", "max": "0000000000000000"}]
    pq.write_table(table, tmp_path / "without.parquet", write_statistics=False)
    _, got = dump("--stats", tmp_path / "without.parquet")
    assert all(line["stats"] == [{"nulls": -1}] for line in got.values())


# ---- files we write -----------------------------------------------------------------------------------------------

STRINGS = pa.map_(pa.string(), pa.string())
CHECKPOINT = pa.schema([
    pa.field("add", pa.struct([
        pa.field("path", pa.string(), nullable=False), pa.field("partitionValues", STRINGS), pa.field("size", pa.int64()), pa.field("modificationTime", pa.timestamp("us", "UTC")),
        pa.field("dataChange", pa.bool_()), pa.field("stats", pa.string()), pa.field("tags", STRINGS)])),
    pa.field("metaData", pa.struct([
        pa.field("id", pa.string()), pa.field("format", pa.struct([pa.field("provider", pa.string()), pa.field("options", STRINGS)])),
        pa.field("partitionColumns", pa.list_(pa.field("element", pa.string()))), pa.field("configuration", STRINGS), pa.field("createdTime", pa.int64())])),
    pa.field("protocol", pa.struct([pa.field("minReaderVersion", pa.int32()), pa.field("minWriterVersion", pa.int32()), pa.field("readerFeatures", pa.list_(pa.field("element", pa.string())))])),
    pa.field("day", pa.date32()),
    pa.field("price", pa.decimal128(7, 2), nullable=False),
])  # fmt: skip


def checkpoint_row(r, i, longest):
    pairs = lambda: [(f"k{k}", maybe(r, lambda: text(r))) for k in range(r.randrange(4))]  # noqa: E731
    stamp = lambda: EPOCH + datetime.timedelta(microseconds=r.randrange(2 * 10**15))  # noqa: E731
    row = dict.fromkeys(CHECKPOINT.names) | {"day": maybe(r, lambda: datetime.date(2025, 1, 1)), "price": decimal.Decimal(r.randrange(-(10**6), 10**6)).scaleb(-2)}
    if i == 0:
        row["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["timestampNtz", None, ""]}
    elif i == 1:
        row["metaData"] = {"id": "x", "format": {"provider": "parquet", "options": []}, "partitionColumns": ["month", "día"], "configuration": pairs(), "createdTime": None}
    elif r.random() < 0.9:
        row["add"] = {"path": f"month=2025-09/part-{i}.parquet", "partitionValues": maybe(r, pairs, 0.1), "size": maybe(r, lambda: r.getrandbits(62)), "modificationTime": maybe(r, stamp),
                      "dataChange": maybe(r, lambda: r.random() < 0.5), "stats": maybe(r, lambda: '{"numRecords":%d}' % i * r.randrange(longest)), "tags": maybe(r, pairs, 0.8)}  # fmt: skip
    return row


def checkpoint(rows, longest=3):
    r = random.Random(rows)
    return pa.Table.from_pylist([checkpoint_row(r, i, longest) for i in range(rows)], schema=CHECKPOINT)


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "zstd"])
@pytest.mark.parametrize("rows, longest", [(1, 3), (2, 3), (50, 3), (20000, 30)])
def test_nested_file_of_ours(tmp_path, rows, longest, codec):
    table = checkpoint(rows, longest)
    source, copy = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table, source, store_decimal_as_integer=True, row_group_size=rows)
    subprocess.run([PROGRAMS / "checkpoint_copy", source, copy, codec], check=True)
    assert pq.read_schema(copy).equals(CHECKPOINT)
    got = pq.ParquetFile(copy, page_checksum_verification=True).read()
    got.validate(full=True)
    assert got.equals(table)
    compare_levels(copy, table)
    meta = pq.ParquetFile(copy).metadata
    if rows > 1000:
        assert {meta.row_group(0).column(i).compression for i in range(3)} == {codec.upper()}
    assert meta.num_rows == rows
    polars(copy, source)
    duckdb(copy, source)


def polars(copy, source):
    pl = pytest.importorskip("polars")
    assert pl.read_parquet(copy).equals(pl.read_parquet(source))
    assert pl.scan_parquet(copy).select("day", "price").collect().equals(pl.read_parquet(source).select("day", "price"))


def duckdb(copy, source):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as c:
        got, want = (c.sql(f"SELECT * FROM read_parquet('{p}')").to_arrow_table() for p in (copy, source))
        assert got.num_rows == want.num_rows > 0 and got.equals(want)
        got, want = (c.execute(f"DESCRIBE SELECT * FROM read_parquet('{p}')").fetchall() for p in (copy, source))
        assert got == want


def test_nested_file_same_bytes(tmp_path):
    table = checkpoint(3000)
    source = tmp_path / "in.parquet"
    pq.write_table(table, source, store_decimal_as_integer=True)
    for name in ("a", "b"):
        subprocess.run([PROGRAMS / "checkpoint_copy", source, tmp_path / name], check=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    subprocess.run([PROGRAMS / "checkpoint_copy", tmp_path / "a", tmp_path / "c"], check=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()
