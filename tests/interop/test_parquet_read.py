"""What our Parquet reader gives for files by other writers, against what pyarrow gives.

Corpus files come from $PQR_CORPORA (default ../shared/corpora); others are written here by pyarrow, polars and DuckDB.
The reader runs as build/tests/interop/parquet_dump ($PQR_BUILD).
"""

import csv
import datetime
import decimal
import itertools
import json
import os
import pathlib
import struct
import subprocess

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import pyarrow.parquet as pq  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DUMP = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build")) / "tests/interop/parquet_dump"
DATA = pathlib.Path(os.environ.get("PQR_CORPORA", ROOT / "../shared/corpora")) / "parquet/data"
CORPUS = sorted(DATA.glob("*.parquet"))

pytestmark = pytest.mark.skipif(not DUMP.exists(), reason=f"{DUMP} is not built")
needs_corpus = pytest.mark.skipif(not CORPUS, reason=f"no corpus in {DATA}")


class Dump:
    def __init__(self, path, *args):
        run = subprocess.run([DUMP, str(path), *map(str, args)], capture_output=True, check=False)
        self.code, self.stderr = run.returncode, run.stderr.decode()
        lines = run.stdout.decode().splitlines()
        self.header = json.loads(lines[0]) if lines else None
        self.columns = [json.loads(line) for line in lines[1:]]
        assert self.code in (0, 1), f"{path}: exit {self.code}: {self.stderr}"


def floor_micros(value, unit):
    return {"s": value * 1000000, "ms": value * 1000, "us": value, "ns": value // 1000}[unit]


def expected(array):
    """A pyarrow column as parquet_dump prints it; None: a type the reader does not claim."""
    t = array.type
    if pa.types.is_dictionary(t):
        return expected(pa.chunked_array([c.dictionary_decode() for c in array.chunks], type=t.value_type))
    if pa.types.is_timestamp(t):
        return [None if v is None else floor_micros(v, t.unit) for v in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_date32(t):
        return array.cast(pa.int32()).to_pylist()
    values = array.to_pylist()
    if pa.types.is_boolean(t) or pa.types.is_string(t) or pa.types.is_large_string(t):
        return values
    if pa.types.is_string_view(t) or pa.types.is_integer(t):
        return values
    if pa.types.is_decimal(t):
        return [None if v is None else int(v.scaleb(t.scale)) for v in values] if t.precision <= 18 else None
    if pa.types.is_float32(t):
        return [None if v is None else f"{struct.unpack('<I', struct.pack('<f', v))[0]:08x}" for v in values]
    if pa.types.is_float64(t):
        return [None if v is None else f"{struct.unpack('<Q', struct.pack('<d', v))[0]:016x}" for v in values]
    if pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t) or pa.types.is_binary_view(t):
        return [None if v is None else v.hex() for v in values]
    if pa.types.is_null(t):
        return values
    return None


def same_float(ours, theirs):
    """NaN payloads do not survive pyarrow's way to Python: any NaN equals any NaN."""
    if ours == theirs or ours is None or theirs is None:
        return ours == theirs
    fmt, kind = ("<I", "<f") if len(ours) == 8 else ("<Q", "<d")
    a, b = (struct.unpack(kind, struct.pack(fmt, int(v, 16)))[0] for v in (ours, theirs))
    return a != a and b != b


def compare(path, *args, must_read=(), source=None):
    """Every column the reader supports has the values that pyarrow reads (or of the table it was made from)."""
    dump = Dump(path, *args)
    assert dump.code == 0, dump.stderr
    file = None if source is not None else pq.ParquetFile(path, coerce_int96_timestamp_unit="us", arrow_extensions_enabled=False)
    compared = []
    for info, column in zip(dump.header["columns"], dump.columns):
        if not info["supported"]:
            assert column["code"] == "E_UNSUPPORTED" and f"unsupported: column {info['name']}" in column["error"], column
            continue
        assert "error" not in column, f"{path} {column}"
        theirs = source.column(info["name"]) if file is None else file.read(columns=[info["name"]]).column(0)
        want = expected(theirs)
        assert want is not None, f"{path} {info}: pyarrow has {theirs.type}"
        got = column["values"]
        assert len(got) == len(want), f"{path} {info['name']}"
        is_float = pa.types.is_floating(theirs.type)
        for i, (a, b) in enumerate(zip(got, want)):
            if isinstance(a, str) and info["type"] == "binary" and isinstance(b, str) and a != b:
                a = bytes.fromhex(a).decode()  # pyarrow takes some unannotated columns for text
            assert a == b or (is_float and same_float(a, b)), f"{path} {info['name']} row {i}: {a!r}, pyarrow {b!r}"
        compared.append(info["name"])
    assert set(must_read) <= set(compared)


# ---- corpus -----------------------------------------------------------------------------------------------------

# Files that must fail, and how; columns that only they may refuse.
CORRUPT = {
    "datapage_v1-corrupt-checksum.parquet": ("a", "page checksum differs", 4),
    "rle-dict-uncompressed-corrupt-checksum.parquet": ("long_field", "page checksum differs", 4),
}
# pyarrow refuses the file, or differs from the values that stand beside it (tested below).
PYARROW_CANNOT = {"incorrect_map_schema.parquet", "int96_from_spark.parquet"}
# Why a corpus file has columns that are not read, by type; anything else must be read.
UNSUPPORTED = ("nested", "repeated", "FLOAT16", "DECIMAL of a precision over 18")


@needs_corpus
@pytest.mark.parametrize("path", [p for p in CORPUS if p.name not in CORRUPT], ids=lambda p: p.name)
@pytest.mark.parametrize("step", [0, 3])
def test_corpus_file(path, step):
    dump = Dump(path)
    assert dump.code == 0, dump.stderr
    for info, column in zip(dump.header["columns"], dump.columns):
        assert info["supported"] or any(column["error"].endswith(why) for why in UNSUPPORTED), column
    if path.name in PYARROW_CANNOT:
        return
    if step and dump.header["rows"] > 2000:
        step = 997
    compare(path, step)


@needs_corpus
@pytest.mark.parametrize("name", sorted(CORRUPT))
def test_corpus_corrupt_checksum(name):
    column, message, offset = CORRUPT[name]
    dump = Dump(DATA / name)
    got = next(c for c in dump.columns if c["column"] == column)
    assert got["code"] == "E_CORRUPT"
    assert got["error"] == f"{name}: column {column}: {message} (byte offset {offset})"


@needs_corpus
@pytest.mark.parametrize("path", sorted(DATA.glob("*_expect.csv")), ids=lambda p: p.name)
def test_corpus_expected_values(path):
    parquet = path.with_name(path.name.replace("_expect.csv", ".parquet"))
    dump = Dump(parquet)
    with path.open(newline="") as text:
        rows = list(csv.reader(text))
    names = [name.strip().strip('"').rstrip(":") for name in rows[0]]
    ours = {c["column"].rstrip(":"): c["values"] for c in dump.columns if "values" in c}
    assert set(ours) == set(names)
    assert len(rows) - 1 == dump.header["rows"]
    for k, name in enumerate(names):
        want = [row[k] for row in rows[1:]]
        got = ["" if v is None else v if isinstance(v, str) else str(v) for v in ours[name]]
        binary = next(i for i in dump.header["columns"] if i["name"].rstrip(":") == name)["type"] == "binary"
        got = [bytes.fromhex(v).decode() for v in got] if binary else got
        assert got == want, name


@needs_corpus
def test_corpus_int96_beyond_nanoseconds():
    values = Dump(DATA / "int96_from_spark.parquet").columns[0]["values"]
    assert values == [1704141296123456, 1704070800000000, 253402225200000000, 1735599600000000, None, 9089380393200000000]


# ---- written here -----------------------------------------------------------------------------------------------


def some(n, seed, make, nulls):
    state = seed

    def draw():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return state >> 33

    return [None if nulls == "all" or (nulls == "some" and draw() % 3 == 0) else make(draw()) for _ in range(n)]


EPOCH = datetime.datetime(1970, 1, 1)


def table(n, nulls):
    words = ["", "petición", "queja", "x" * 100, "reclamo", "😀", "a"]
    makers = {
        "b": (pa.bool_(), lambda v: v % 2 == 0),
        "i8": (pa.int8(), lambda v: v % 256 - 128),
        "i16": (pa.int16(), lambda v: v % 65536 - 32768),
        "i32": (pa.int32(), lambda v: v - 2**30),
        "i64": (pa.int64(), lambda v: (v - 2**30) * 2**31),
        "u8": (pa.uint8(), lambda v: v % 256),
        "u16": (pa.uint16(), lambda v: v % 65536),
        "u32": (pa.uint32(), lambda v: v * 2),
        "u64": (pa.uint64(), lambda v: v * 2**31),
        "small": (pa.int32(), lambda v: v % 5),
        "sorted64": (pa.int64(), lambda v: v % 1000),
        "f": (pa.float32(), lambda v: v / 7.0),
        "d": (pa.float64(), lambda v: v / 7.0),
        "s": (pa.string(), lambda v: words[v % len(words)]),
        "id": (pa.string(), lambda v: f"{v:08x}-{v * 7 % 65536:04x}-4abc-8def-{v * v % 2**48:012x}"),
        "x": (pa.binary(), lambda v: bytes([v % 256]) * (v % 40)),
        "fixed": (pa.binary(16), lambda v: v.to_bytes(16, "big")),
        "day": (pa.date32(), lambda v: datetime.date(1970, 1, 1) + datetime.timedelta(days=v % 40000 - 20000)),
        "ms": (pa.timestamp("ms"), lambda v: EPOCH + datetime.timedelta(milliseconds=v - 2**30)),
        "us": (pa.timestamp("us", tz="UTC"), lambda v: EPOCH + datetime.timedelta(microseconds=(v - 2**30) * 1000003)),
        "dec9": (pa.decimal128(9, 2), lambda v: decimal.Decimal(v % 10**9 - 5 * 10**8).scaleb(-2)),
        "dec18": (pa.decimal128(18, 4), lambda v: decimal.Decimal(v * 10**8 - 10**17).scaleb(-4)),
        "dec16": (pa.decimal128(16, 0), lambda v: decimal.Decimal(v * 10**6 - 10**15)),
    }
    columns = {k: pa.array(some(n, i + 1, make, nulls), type=t) for i, (k, (t, make)) in enumerate(makers.items())}
    ns = pa.array(some(n, 99, lambda v: (v - 2**30) * 1000003, nulls), type=pa.int64())
    return pa.table(columns | {"ns": ns.cast(pa.timestamp("ns"))})


CODECS = ["NONE", "SNAPPY", "GZIP", "BROTLI", "LZ4", "ZSTD"]


@pytest.mark.parametrize("nulls", ["none", "some", "all"])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("page", ["1.0", "2.0"])
def test_pyarrow_codecs(tmp_path, codec, page, nulls):
    path = tmp_path / "t.parquet"
    pq.write_table(table(1500, nulls), path, compression=codec, data_page_version=page, data_page_size=4000, write_page_checksum=True)
    compare(path)


@pytest.mark.parametrize("nulls,dictionary,version", list(itertools.product(["none", "some"], [True, False], ["1.0", "2.4", "2.6"])))
def test_pyarrow_versions(tmp_path, nulls, dictionary, version):
    path = tmp_path / "t.parquet"
    whole = table(3000, nulls)  # nanoseconds need 2.6
    pq.write_table(whole if version == "2.6" else whole.drop_columns(["ns"]), path, version=version, use_dictionary=dictionary, data_page_size=3000, dictionary_pagesize_limit=2000,
                   row_group_size=1100, write_page_index=True, store_schema=False)
    for step in (0, 1, 7, 64, 501):
        compare(path, step)


ENCODINGS = {
    "DELTA_BINARY_PACKED": ["i8", "i16", "i32", "i64", "u8", "u32", "small", "sorted64", "day", "ms", "us", "ns"],
    "DELTA_LENGTH_BYTE_ARRAY": ["s", "id", "x"],
    "DELTA_BYTE_ARRAY": ["s", "id", "x", "fixed", "dec9", "dec18"],
    "BYTE_STREAM_SPLIT": ["f", "d", "i32", "i64", "fixed", "day", "us", "dec18"],
    "PLAIN": ["b", "i32", "s", "fixed"],
}


@pytest.mark.parametrize("nulls", ["none", "some", "all"])
@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
@pytest.mark.parametrize("page", ["1.0", "2.0"])
def test_pyarrow_encodings(tmp_path, encoding, page, nulls):
    path = tmp_path / "t.parquet"
    names = ENCODINGS[encoding]
    whole = table(2000, nulls).select(names)
    pq.write_table(whole, path, use_dictionary=False, column_encoding={n: encoding for n in names}, data_page_version=page, data_page_size=2500,
                   write_page_index=True)
    for step in (0, 1, 113):
        compare(path, step, must_read=names)


@pytest.mark.parametrize("page", ["1.0", "2.0"])
def test_pyarrow_rle_booleans(tmp_path, page):
    path = tmp_path / "t.parquet"
    whole = pa.table({"b": pa.array(some(5000, 3, lambda v: v % 97 < 48, "some")), "r": pa.array([v // 700 % 2 == 0 for v in range(5000)])})
    pq.write_table(whole, path, use_dictionary=False, column_encoding={"b": "RLE", "r": "RLE"}, data_page_version=page, data_page_size=100)
    for step in (0, 9):
        compare(path, step, must_read=["b", "r"])


def test_pyarrow_int96(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(table(500, "some").select(["us", "ns", "ms"]), path, use_deprecated_int96_timestamps=True)
    compare(path, must_read=["us", "ns", "ms"])


def test_pyarrow_empty(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(table(0, "none"), path)
    compare(path)


def test_pyarrow_large_file(tmp_path):
    """Over 1 MiB: not read whole; row groups and pages by the offset index."""
    path = tmp_path / "t.parquet"
    pq.write_table(table(60000, "some"), path, row_group_size=25000, data_page_size=20000, write_page_index=True, compression="ZSTD")
    assert path.stat().st_size > 2 << 20
    for step in (0, 4999):
        compare(path, step)


@pytest.mark.parametrize("kind", ["u64", "ms"])
def test_value_out_of_range(tmp_path, kind):
    """Values that the column type cannot hold are refused by name, not wrapped."""
    path = tmp_path / "t.parquet"
    array = pa.array([1, 2**63], type=pa.uint64()) if kind == "u64" else pa.array([1, 2**62], type=pa.int64()).cast(pa.timestamp("ms"))
    pq.write_table(pa.table({"v": array}), path)
    column = Dump(path).columns[0]
    assert column["code"] == "E_UNSUPPORTED" and "unsupported: column v: a value out of the range" in column["error"]


@pytest.mark.parametrize("arrow_type,why", [
    (pa.time32("ms"), "TIME"), (pa.time64("us"), "TIME"), (pa.float16(), "FLOAT16"), (pa.list_(pa.int32()), "nested"),
    (pa.struct([("a", pa.int32())]), "nested"), (pa.decimal128(19, 2), "DECIMAL of a precision over 18"),
])
def test_unsupported_types_are_named(tmp_path, arrow_type, why):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"v": pa.nulls(3, arrow_type), "n": pa.array([1, 2, 3])}), path)
    dump = Dump(path)
    assert dump.columns[0]["code"] == "E_UNSUPPORTED" and dump.columns[0]["error"].endswith(why), dump.columns[0]
    assert dump.columns[-1]["values"] == [1, 2, 3]


@pytest.mark.parametrize("compression", ["uncompressed", "snappy", "gzip", "lz4", "zstd", "brotli"])
@pytest.mark.parametrize("nulls", ["none", "some"])
def test_polars(tmp_path, compression, nulls):
    pl = pytest.importorskip("polars", reason="polars is not installed")
    path = tmp_path / "t.parquet"
    frame = pl.from_arrow(table(4000, nulls).drop_columns(["fixed"]))
    frame.write_parquet(path, compression=compression, data_page_size=5000, row_group_size=1500)
    for step in (0, 77):
        compare(path, step)


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4_raw"])
@pytest.mark.parametrize("version", ["V1", "V2"])
@pytest.mark.parametrize("nulls", ["none", "some", "all"])
def test_duckdb(tmp_path, codec, version, nulls):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    path = tmp_path / "t.parquet"
    whole = table(5000, nulls)
    connection = duckdb.connect()
    connection.register("t", whole)
    connection.execute(f"copy (select * from t) to '{path}' (format parquet, codec '{codec}', parquet_version '{version}', row_group_size 2048)")
    for step in (0, 333):  # pyarrow cannot read DuckDB's delta pages without values
        compare(path, step, source=whole, must_read=whole.column_names)


@pytest.mark.parametrize("codec", [None, "SNAPPY", "ZSTD"])
def test_fastparquet(tmp_path, codec):
    fastparquet = pytest.importorskip("fastparquet", reason="fastparquet is not installed")
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    path = tmp_path / "t.parquet"
    frame = pandas.DataFrame({
        "i": range(1000), "f": [v / 3 for v in range(1000)], "s": [f"v{v % 17}" for v in range(1000)],
        "t": pandas.date_range("2025-09-01", periods=1000, freq="37min"), "b": [v % 3 == 0 for v in range(1000)]})
    fastparquet.write(str(path), frame, compression=codec, row_group_offsets=300)
    compare(path, must_read=["i", "f", "s", "t", "b"])


def test_our_writer(tmp_path):
    """What our writer writes comes back, by any cut of rows."""
    program = DUMP.with_name("write_all_types")
    if not program.exists():
        pytest.skip(f"{program} is not built")
    subprocess.run([program, str(tmp_path)], check=True)
    names = sorted(tmp_path.glob("*.parquet"))
    assert len(names) >= 8
    for path, step in itertools.product(names, (0, 700)):
        rows = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
        dump = Dump(path, step)
        assert dump.header["rows"] == len(rows)
        for column in dump.columns:
            assert column["values"] == [row[column["column"]] for row in rows], f"{path.name} {column['column']}"
