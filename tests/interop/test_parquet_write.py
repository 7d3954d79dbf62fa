"""What other engines read from files by our Parquet writer.

build/tests/interop/write_all_types ($PQR_BUILD) writes every column type with every codec, and beside each file the
values as JSON lines: timestamps as microseconds, dates as days, decimals as unscaled integers.
"""

import json
import os
import pathlib
import struct
import subprocess

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import pyarrow.parquet as pq  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
WRITE = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build")) / "tests/interop/write_all_types"
CASES = ["zstd", "cuts", "snappy", "uncompressed", "delta", "lz4_raw", "one_row", "no_rows", "large"]

pytestmark = pytest.mark.skipif(not WRITE.exists(), reason=f"{WRITE} is not built")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("write")
    subprocess.run([WRITE, str(path)], check=True)
    return path


@pytest.fixture(params=CASES)
def case(request, folder):
    """Path of a file, and its rows."""
    path = folder / f"{request.param}.parquet"
    rows = [json.loads(line) for line in path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
    return path, rows


def assert_columns(got, rows):
    """got: name -> list of values as the JSON lines have them."""
    for name, values in got.items():
        want = [row[name] for row in rows]
        wrong = [i for i, (a, b) in enumerate(zip(values, want)) if a != b]
        assert len(values) == len(want), name
        assert not wrong, f"{name}: {len(wrong)} differ, first at row {wrong[0]}: {values[wrong[0]]!r}, {want[wrong[0]]!r}"


def plain(array):
    """A pyarrow column as the JSON lines have it."""
    t = array.type
    if pa.types.is_timestamp(t):
        return array.cast(pa.int64()).to_pylist()
    if pa.types.is_date32(t):
        return array.cast(pa.int32()).to_pylist()
    if pa.types.is_decimal(t):
        return [None if v is None else int(v.scaleb(t.scale)) for v in array.to_pylist()]
    return array.to_pylist()


# ---- pyarrow


def test_pyarrow_values(case):
    path, rows = case
    file = pq.ParquetFile(path, page_checksum_verification=True)
    table = file.read()
    assert file.metadata.created_by.startswith("pqr version ")
    assert file.metadata.metadata[b"pqr.contract"] == b"interop/v1"
    assert file.metadata.metadata[b"pqr.table"] == b"all_types"
    assert_columns({name: plain(table[name]) for name in table.schema.names}, rows)


def test_pyarrow_types(folder):
    schema = pq.read_schema(folder / "zstd.parquet")
    want = {"id": pa.string(), "channel": pa.string(), "ts": pa.timestamp("us", tz="UTC"), "day": pa.date32(), "small": pa.int32(),
            "count": pa.int64(), "price": pa.decimal128(9, 2), "total": pa.decimal128(18, 4), "flag": pa.bool_(), "bucket": pa.int32()}
    for name, t in want.items():
        assert schema.field(name).type == t, name
    assert [f.name for f in schema if not f.nullable] == ["id", "ts", "constant", "bucket"]
    physical = {c.name: c.physical_type for c in pq.ParquetFile(folder / "zstd.parquet").schema}
    assert physical["price"] == "INT32" and physical["total"] == "INT64" and physical["ts"] == "INT64"


def test_pyarrow_reads_dictionaries(folder):
    table = pq.read_table(folder / "zstd.parquet", read_dictionary=["channel", "constant"])
    assert pa.types.is_dictionary(table["channel"].type)
    assert len(table["channel"].combine_chunks().dictionary) == 5
    assert len(table["constant"].combine_chunks().dictionary) == 1


def test_pyarrow_statistics(case):
    path, rows = case
    metadata = pq.ParquetFile(path).metadata
    begin = 0
    for g in range(metadata.num_row_groups):
        group = metadata.row_group(g)
        table = pq.ParquetFile(path).read_row_group(g)
        part = rows[begin:begin + group.num_rows]
        begin += group.num_rows
        for c in range(group.num_columns):
            column = group.column(c)
            name = column.path_in_schema
            values = [row[name] for row in part if row[name] is not None]
            assert column.statistics.null_count == len(part) - len(values), name
            assert column.statistics.has_min_max == (len(values) > 0), name
            if values:
                stored = pa.array([column.statistics.min, column.statistics.max]).cast(table[name].type)
                low, high = plain(stored)
                if isinstance(values[0], str):
                    keys = sorted(v.encode() for v in values)
                    assert low.encode() <= keys[0] and keys[-1] <= high.encode(), name
                    assert len(low.encode()) <= 64 and len(high.encode()) <= 64, name
                else:
                    assert (low, high) == (min(values), max(values)), name
    assert begin == len(rows)


def test_pyarrow_sees_damage(folder, tmp_path):
    data = bytearray((folder / "zstd.parquet").read_bytes())
    chunk = pq.ParquetFile(folder / "zstd.parquet").metadata.row_group(0).column(0)
    data[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 1
    path = tmp_path / "damaged.parquet"
    path.write_bytes(data)
    with pytest.raises(OSError, match="(?i)crc|checksum"):
        pq.ParquetFile(path, page_checksum_verification=True).read(columns=["id"])


# ---- the page index, read from the bytes


class Thrift:
    """Structs of the compact protocol as dicts of field id -> value."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            b = self.byte()
            value |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return value

    def zigzag(self):
        v = self.varint()
        return (v >> 1) ^ -(v & 1)

    def value(self, kind):
        if kind in (1, 2):
            return self.byte() == 1
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            n = self.varint()
            self.at += n
            return bytes(self.data[self.at - n:self.at])
        if kind == 9:
            head = self.byte()
            n = head >> 4 if head >> 4 != 15 else self.varint()
            return [self.value(head & 15) for _ in range(n)]
        assert kind == 12, kind
        return self.struct()

    def struct(self):
        fields, last = {}, 0
        while (head := self.byte()) != 0:
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = head & 15 == 1 if head & 15 in (1, 2) else self.value(head & 15)
        return fields


def chunks(data):
    """(rows before the group, rows, {name: ColumnChunk}) of each row group."""
    length = struct.unpack("<I", data[-8:-4])[0]
    begin = 0
    for group in Thrift(data, len(data) - 8 - length).struct()[4]:
        yield begin, group[3], {c[3][3][0].decode(): c for c in group[1]}
        begin += group[3]


def bound(column, raw):
    return raw if column[3][1] == 6 else int.from_bytes(raw, "little", signed=column[3][1] != 0)


def key(column, value):
    return value.encode() if column[3][1] == 6 else int(value)


def test_page_index(case):
    path, rows = case
    data = path.read_bytes()
    for begin, n_rows, columns in chunks(data):
        for name, column in columns.items():
            index = Thrift(data, column[6]).struct()
            pages = Thrift(data, column[4]).struct()[1]
            starts = [p[3] for p in pages] + [n_rows]
            assert starts[0] == 0 and starts == sorted(set(starts)), name
            lows, highs = [], []
            for i, page in enumerate(pages):
                header = Thrift(data, page[1])
                fields = header.struct()
                assert fields[1] == 0 and fields[5][1] == starts[i + 1] - starts[i], name
                assert header.at + fields[3] == page[1] + page[2], name
                part = [row[name] for row in rows[begin + starts[i]:begin + starts[i + 1]]]
                values = [key(column, v) for v in part if v is not None]
                assert index[1][i] == (not values) and index[5][i] == len(part) - len(values), name
                if values:
                    lows.append(bound(column, index[2][i]))
                    highs.append(bound(column, index[3][i]))
                    assert lows[-1] <= min(values) and max(values) <= highs[-1], name
                    if column[3][1] != 6:
                        assert (lows[-1], highs[-1]) == (min(values), max(values)), name
            ascending = lows == sorted(lows) and highs == sorted(highs)
            descending = lows == sorted(lows, reverse=True) and highs == sorted(highs, reverse=True)
            assert index[4] == (1 if ascending else 2 if descending else 0), name


def test_pages_end_at_cuts(folder):
    data = (folder / "cuts.parquet").read_bytes()
    for _, n_rows, columns in chunks(data):
        starts = [p[3] for p in Thrift(data, columns["id"][4]).struct()[1]]
        assert len(starts) > 50 and all(s % 10 == 0 for s in starts)
        assert Thrift(data, columns["bucket"][6]).struct()[4] == 1  # ascending
        assert n_rows == 5000


# ---- our own reader


def test_own_reader_values(case):
    dump = WRITE.with_name("parquet_dump")
    if not dump.exists():
        pytest.skip(f"{dump} is not built")
    path, rows = case
    lines = subprocess.run([dump, str(path)], check=True, capture_output=True, encoding="utf-8").stdout.splitlines()
    columns = [json.loads(line) for line in lines[1:]]
    assert len(columns) == 14
    assert_columns({c["column"]: c["values"] for c in columns}, rows)


# ---- duckdb


def test_duckdb_values(case):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    path, rows = case
    got = duckdb.sql(f"""select * replace (epoch_us(ts) as ts, day - date '1970-01-01' as day,
        (price * 100)::bigint as price, (total * 10000::bigint)::bigint as total) from '{path}'""")
    values = got.fetchall()
    assert_columns({name: [row[i] for row in values] for i, name in enumerate(got.columns)}, rows)


def test_duckdb_skips_by_statistics(case):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    path, rows = case
    for bucket in (0, 7, 99, 10**6):
        want = sum(row["bucket"] == bucket for row in rows)
        assert duckdb.sql(f"select count(*) from '{path}' where bucket = {bucket}").fetchall()[0][0] == want
    for row in rows[:: max(1, len(rows) // 5)]:
        assert duckdb.execute(f"select count(*) from '{path}' where id = ?", [row["id"]]).fetchall()[0][0] >= 1


def test_duckdb_bloom_filter(folder):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    path = folder / "zstd.parquet"
    ids = [json.loads(line)["id"] for line in path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]

    def excluded(value):
        return duckdb.sql(f"select bloom_filter_excludes from parquet_bloom_probe('{path}', 'id', '{value}')").fetchall()[0][0]

    assert not any(excluded(value) for value in ids[:100])
    absent = [f"{i:08x}-0000-0000-0000-000000000000" for i in range(200)]
    assert sum(excluded(value) for value in absent) >= 190  # at most 2.5 % false positives expected


# ---- others


def test_polars_values(case):
    pl = pytest.importorskip("polars", reason="polars is not installed")
    path, rows = case
    frame = pl.read_parquet(path).with_columns(
        pl.col("ts").cast(pl.Int64), pl.col("day").cast(pl.Int32),
        (pl.col("price").cast(pl.Decimal(38, 2)) * 100).cast(pl.Int64), (pl.col("total").cast(pl.Decimal(38, 4)) * 10000).cast(pl.Int64))
    assert_columns({name: frame[name].to_list() for name in frame.columns}, rows)


def test_fastparquet_values(case):
    fastparquet = pytest.importorskip("fastparquet", reason="fastparquet is not installed")
    path, rows = case
    if path.stem == "lz4_raw":
        pytest.skip("fastparquet reads no LZ4_RAW")
    if not rows:
        pytest.skip("fastparquet reads no file without row groups")
    frame = fastparquet.ParquetFile(str(path)).to_pandas(columns=["id", "channel", "text", "constant", "bucket", "empty"])
    assert_columns({name: [v if isinstance(v, (str, int)) else None for v in frame[name].tolist()] for name in frame.columns}, rows)
