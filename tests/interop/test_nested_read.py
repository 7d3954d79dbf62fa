"""Lists, structs, maps and decimals of over 18 digits in tables and files of others: as Arrow, as JSON, against pyarrow."""

import decimal
import json
import os
import pathlib
import random
import subprocess
import sys

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import pyarrow.parquet as pq  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build"))
DATA = pathlib.Path(os.environ.get("PQR_CORPORA", ROOT / "../shared/corpora")) / "parquet/data"
if not (BUILD / "libpqr.so").exists():
    pytest.skip(f"{BUILD} is not built", allow_module_level=True)
os.environ["PQR_LIB"] = str(BUILD / "libpqr.so")
sys.path.insert(0, str(ROOT / "python"))
from pqr_lakehouse import ParquetFile, PqrError, Table  # noqa: E402

DEEP = pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string())), ("c", pa.map_(pa.string(), pa.list_(pa.decimal128(30, 3))))])
TYPES = {
    "numbers": pa.list_(pa.int64()), "words": pa.list_(pa.list_(pa.string())), "flags": pa.list_(pa.bool_()),
    "point": pa.struct([("x", pa.float64()), ("at", pa.timestamp("us", "UTC")), ("day", pa.date32())]),
    "pairs": pa.map_(pa.string(), pa.int32()), "by_number": pa.map_(pa.int32(), pa.struct([("s", pa.string())])),
    "deep": pa.list_(DEEP), "huge": pa.decimal128(38, 4), "price": pa.decimal128(9, 2), "text": pa.string(),
}
DELTA = {pa.int32(): "integer", pa.int64(): "long", pa.string(): "string", pa.bool_(): "boolean", pa.float64(): "double",
         pa.timestamp("us", "UTC"): "timestamp", pa.date32(): "date"}


def draw(r, t, depth=0):
    """A random value of type t; null now and then."""
    if r.random() < 0.2:
        return None
    if pa.types.is_list(t):
        return [draw(r, t.value_type, depth + 1) for _ in range(r.choice([0, 0, 1, 2, 5]))]
    if pa.types.is_map(t):
        keys = range(r.choice([0, 1, 3]))
        return [(k if pa.types.is_integer(t.key_type) else f"k{k}", draw(r, t.item_type, depth + 1)) for k in keys]
    if pa.types.is_struct(t):
        return {f.name: draw(r, f.type, depth + 1) for f in t}
    if pa.types.is_decimal(t):
        return decimal.Decimal(r.randrange(-10**t.precision + 1, 10**t.precision)).scaleb(-t.scale, decimal.Context(prec=50))
    if pa.types.is_boolean(t):
        return r.random() < 0.5
    if pa.types.is_string(t):
        return r.choice(["", "ñandú", "palabra", "x" * r.randrange(40)])
    if pa.types.is_floating(t):
        return r.randrange(1000) / 8
    if pa.types.is_timestamp(t):
        return 1_770_000_000_000_000 + r.randrange(10**12)
    return r.randrange(-1000, 1000)


def sample(n, seed=5):
    r = random.Random(seed)
    columns = {"id": pa.array(range(n), pa.int64())}
    for name, t in TYPES.items():
        columns[name] = pa.array([draw(r, t) for _ in range(n)], t)
    return pa.table(columns)


def delta_type(t, contains_null=True):
    if pa.types.is_list(t):
        return {"type": "array", "elementType": delta_type(t.value_type), "containsNull": contains_null}
    if pa.types.is_map(t):
        return {"type": "map", "keyType": delta_type(t.key_type), "valueType": delta_type(t.item_type), "valueContainsNull": True}
    if pa.types.is_struct(t):
        return {"type": "struct", "fields": [{"name": f.name, "type": delta_type(f.type), "nullable": True, "metadata": {}} for f in t]}
    return f"decimal({t.precision},{t.scale})" if pa.types.is_decimal(t) else DELTA[t]


def commit(root, fields, files):
    """A Delta table of these files, all in one commit."""
    (root / "_delta_log").mkdir(parents=True)
    schema = {"type": "struct", "fields": [{"name": n, "type": t, "nullable": null, "metadata": {}} for n, t, null in fields]}
    actions = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
               {"metaData": {"id": "0", "format": {"provider": "parquet", "options": {}}, "schemaString": json.dumps(schema),
                             "partitionColumns": [], "configuration": {}, "createdTime": 0}}]
    actions += [{"add": {"path": f, "partitionValues": {}, "size": (root / f).stat().st_size, "modificationTime": 0, "dataChange": True}}
                for f in files]
    (root / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)) + "\n")


def lake_of(tmp_path, table, fields=None, **options):
    root = tmp_path / "lake/silver/nested"
    root.mkdir(parents=True)
    pq.write_table(table, root / "a.parquet", **options)
    commit(root, fields or [(f.name, delta_type(f.type), True) for f in table.schema], ["a.parquet"])
    return tmp_path / "lake"


def cat(lake, *options, fails=False):
    run = subprocess.run([BUILD / "pqr", "table", "cat", "silver.nested", "--lake", lake, "--format", "json", *options], capture_output=True, text=True, check=False)
    assert (run.returncode != 0) == fails, run.stderr
    return run.stderr if fails else json.loads(run.stdout, parse_float=decimal.Decimal)


def as_json(v, t):
    """What the program's JSON says of a value of pyarrow's."""
    if v is None:
        return None
    if pa.types.is_list(t):
        return [as_json(x, t.value_type) for x in v]
    if pa.types.is_map(t):
        return [{"key": as_json(k, t.key_type), "value": as_json(x, t.item_type)} for k, x in v]
    if pa.types.is_struct(t):
        return {f.name: as_json(v[f.name], f.type) for f in t}
    if pa.types.is_timestamp(t):
        return v.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return v.isoformat() if pa.types.is_date(t) else v


def same(found, expected):
    found = found.cast(expected.schema)
    found.validate(full=True)
    for name in expected.column_names:
        assert found[name].to_pylist() == expected[name].to_pylist(), name


@pytest.mark.parametrize("options", [{}, {"data_page_version": "2.0"}, {"use_dictionary": False, "compression": "none"},
                                     {"row_group_size": 97, "data_page_size": 200}, {"store_decimal_as_integer": True}], ids=str)
def test_as_arrow_and_json(tmp_path, options):
    table = sample(700)
    lake = lake_of(tmp_path, table, **options)
    same(pa.table(Table("silver.nested", lake=lake)), table)
    same(pa.table(ParquetFile("silver/nested/a.parquet", lake=lake)), table)
    same(pa.table(Table("silver.nested", lake=lake, columns=["deep", "huge"])), table.select(["deep", "huge"]))
    expected = [{n: as_json(row[n], table.schema.field(n).type) for n in table.column_names} for row in table.to_pylist()]
    assert cat(lake) == expected


def test_batches_of_one_row_group(tmp_path):
    """More rows than a batch holds, with a condition on another column: the rows stay beside each other."""
    table = pa.table({"id": pa.array(range(150_000)), "l": pa.array([[i, -i] if i % 3 else None for i in range(150_000)], pa.list_(pa.int64()))})
    lake = lake_of(tmp_path, table, row_group_size=150_000)
    stream = Table("silver.nested", lake=lake)
    same(pa.table(stream), table)
    found = pa.table(Table("silver.nested", lake=lake, where=["id >= 140000"]))
    same(found, table.slice(140_000))


def test_schema_of_the_table_decides(tmp_path):
    """A file may lack fields, have others, and have narrower types."""
    table = pa.table({"s": pa.array([{"a": 1, "extra": "x"}, None, {"a": None, "extra": None}], pa.struct([("a", pa.int32()), ("extra", pa.string())])),
                      "l": pa.array([[1, 2], None, []], pa.list_(pa.int32())),
                      "d": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("-2.0")], pa.decimal128(5, 1))})
    fields = [("s", {"type": "struct", "fields": [{"name": "a", "type": "long", "nullable": True, "metadata": {}}, {"name": "new", "type": "string", "nullable": True, "metadata": {}}]}, True),
              ("l", {"type": "array", "elementType": "long", "containsNull": True}, True), ("d", "decimal(38,1)", True)]
    lake = lake_of(tmp_path, table, fields)
    assert cat(lake) == [
        {"s": {"a": 1, "new": None}, "l": [1, 2], "d": decimal.Decimal("1.5")}, {"s": None, "l": None, "d": None},
        {"s": {"a": None, "new": None}, "l": [], "d": decimal.Decimal("-2.0")}]
    assert pa.table(Table("silver.nested", lake=lake)).schema.field("s").type.field("a").type == pa.int64()


@pytest.mark.parametrize("kind", [{"type": "array", "elementType": "string", "containsNull": True}, {"type": "struct", "fields": [{"name": "b", "type": "long", "nullable": False, "metadata": {}}]}],
                         ids=["element", "field"])
def test_another_type_in_the_file(tmp_path, kind):
    column = pa.array([[1]], pa.list_(pa.int64())) if kind["type"] == "array" else pa.array([{"a": 1}])
    lake = lake_of(tmp_path, pa.table({"c": column}), [("c", kind, True)])
    assert "silver/nested/a.parquet" in cat(lake, fails=True) and "column c: its part" in cat(lake, fails=True)


def test_what_is_not_read_is_refused_by_name(tmp_path):
    table = pa.table({"id": [1, 2], "v": pa.array([1, 2], pa.int64())})
    lake = lake_of(tmp_path, table, [("id", "long", True), ("v", "variant", True)])
    assert "unsupported: column v of type variant; name the columns to read, without it" in cat(lake, fails=True)
    assert cat(lake, "--columns", "id") == [{"id": 1}, {"id": 2}]
    with pytest.raises(PqrError, match="column v of type variant"):
        pa.table(Table("silver.nested", lake=lake))
    pq.write_table(pa.table({"t": pa.array([1], pa.time64("us")), "n": [1]}), lake / "t.parquet")
    with pytest.raises(PqrError, match="column t .*TIME"):
        pa.table(ParquetFile("t.parquet", lake=lake))


def test_required_column_missing(tmp_path):
    lake = lake_of(tmp_path, pa.table({"id": [1, 2]}), [("id", "long", True), ("must", "string", False)])
    error = cat(lake, fails=True)
    assert "silver/nested/a.parquet" in error and "column must, which may not be null, is not in this file" in error


@pytest.mark.parametrize("column", ["plain", "dictionary", "nested"])
def test_strings_that_are_not_utf8(tmp_path, column):
    """The file, the column and the row of the first."""
    good = [f"valor {i % 7}" for i in range(900)]
    values = [None if i % 5 == 2 else v.encode() for i, v in enumerate(good)]
    values[643] = b"mal\xff"
    array = pa.array(values, pa.binary())
    if column == "nested":
        array = pa.array([None if v is None else [v] for v in values], pa.list_(pa.binary()))
    path = tmp_path / "lake/silver/nested/a.parquet"
    path.parent.mkdir(parents=True)
    text = array.view(pa.list_(pa.string())) if column == "nested" else array.view(pa.string())
    pq.write_table(pa.table({"v": text}), path, row_group_size=300, use_dictionary=column == "dictionary")
    commit(path.parent, [("v", {"type": "array", "elementType": "string", "containsNull": True} if column == "nested" else "string", True)], ["a.parquet"])
    error = cat(tmp_path / "lake", fails=True)
    assert "silver/nested/a.parquet" in error and "row 644: a string that is not UTF-8" in error and "column v" in error


@pytest.mark.parametrize("kind,values", [(pa.int8(), [1, 300]), (pa.uint16(), [1, -1]), (pa.decimal128(4, 1), [1, 10000])], ids=str)
def test_values_outside_their_type(tmp_path, kind, values):
    """A file that says INT(8), stores 1 and 2, and then has the bytes of 300 in place of 2."""
    path = tmp_path / "t.parquet"
    numbers = [decimal.Decimal(v) / 10 for v in (1, 2)] if pa.types.is_decimal(kind) else [1, 2]
    pq.write_table(pa.table({"v": pa.array(numbers, kind)}), path, use_dictionary=False, write_statistics=False, compression="none",
                   store_decimal_as_integer=True)
    old = (1).to_bytes(4, "little") + (2).to_bytes(4, "little")
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, b"".join((v & 0xFFFFFFFF).to_bytes(4, "little") for v in values)))
    with pytest.raises(pa.ArrowInvalid, match="column v: a value outside its type"):
        pa.table(ParquetFile("t.parquet", lake=tmp_path))


@pytest.mark.parametrize("codec", ["zstd", "snappy"])
def test_compressed_page_that_says_it_is_not(tmp_path, codec):
    """Data page v2, is_compressed false over compressed bytes: the sizes differ, so nothing is made of them."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"v": pa.array([7] * 5000, pa.int64())}), path, use_dictionary=False, compression=codec, data_page_version="2.0")
    data, field = path.read_bytes(), b"\x15\x00\x15\x00\x11"  # lengths of levels 0 and 0, then is_compressed true
    field = next(f for f in (field, b"\x15\x04\x15\x00\x11", b"\x15\x06\x15\x00\x11", b"\x15\x08\x15\x00\x11") if data.count(f) == 1)
    path.write_bytes(data.replace(field, field[:-1] + b"\x12"))
    with pytest.raises(pa.ArrowInvalid, match="an uncompressed page of"):
        pa.table(ParquetFile("t.parquet", lake=tmp_path))


@pytest.mark.parametrize("path", sorted(DATA.glob("*.parquet")) or [None], ids=lambda p: p.name if p else "none")
def test_corpus_file(path, tmp_path):
    """Whatever pyarrow reads of the public files with nested columns or wide decimals, we read the same, or name what we do not."""
    if path is None:
        pytest.skip("no corpus of Parquet files")
    try:
        expected = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException, NotImplementedError):
        pytest.skip("pyarrow does not read it")
    nested = [f.name for f in expected.schema if pa.types.is_nested(f.type) or (pa.types.is_decimal(f.type) and f.type.precision > 18)]
    if not nested or len(set(expected.column_names)) < len(expected.column_names):
        pytest.skip("no nested columns")
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "t.parquet").write_bytes(path.read_bytes())
    try:
        found = pa.table(ParquetFile("t.parquet", lake=lake))
    except PqrError as e:
        assert "unsupported" in str(e), e
        pytest.skip(str(e))
    for name in nested:
        try:
            assert found[name].to_pylist() == expected[name].to_pylist(), name
        except OverflowError:  # times that Python has no datetime for: by their numbers
            assert found[name].cast(expected[name].type).equals(expected[name]), name
