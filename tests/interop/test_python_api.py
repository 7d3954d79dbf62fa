"""pqr_lakehouse: tables as Arrow streams, read by pyarrow, Polars, pandas and DuckDB, against pyarrow reading the same files."""

import ctypes
import datetime
import decimal
import gc
import os
import pathlib
import subprocess
import sys
import textwrap
import threading

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import pyarrow.compute as pc  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build")) / "libpqr.so"
if not LIBRARY.exists():
    pytest.skip(f"{LIBRARY} is not built", allow_module_level=True)
os.environ["PQR_LIB"] = str(LIBRARY)
sys.path.insert(0, str(ROOT / "python"))
from pqr_lakehouse import ParquetFile, PqrError, Table, _library, run_task, version  # noqa: E402

UTC = datetime.timezone.utc
N = 10_000


def rows(first, n):
    """Every type that is written, with nulls; the values follow from the row's number."""
    ids = range(first, first + n)

    def some(values, type_):
        return pa.array([None if i % 11 == 5 else v for i, v in zip(ids, values)], type_)

    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "flag": some((i % 3 == 0 for i in ids), pa.bool_()),
            "small": some((i % 1000 - 500 for i in ids), pa.int32()),
            "word": some((f"palabra {i % 40} ñ" for i in ids), pa.string()),
            "text": some((f"{i * 7919} único" for i in ids), pa.string()),
            "bytes": some((bytes([i % 256, 0, 255]) for i in ids), pa.binary()),
            "at": some((datetime.datetime(2026, 1, 1, tzinfo=UTC) + datetime.timedelta(seconds=i, microseconds=i) for i in ids), pa.timestamp("us", "UTC")),
            "day": some((datetime.date(2026, 1, 1) + datetime.timedelta(days=i % 400) for i in ids), pa.date32()),
            "cost": some((decimal.Decimal(i * 13 - 5000) / 100 for i in ids), pa.decimal128(12, 2)),
            "month": pa.array([None if i % 4 == 3 else f"2026-0{i % 4 + 1}" for i in ids], pa.string()),
        }
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """scratch.all: version 0 has rows 0 .. N, version 1 as many more; partitioned by month."""
    root = tmp_path_factory.mktemp("python") / "lake"
    table = Table("scratch.all", lake=root)
    assert table.append(rows(0, N), partition_by="month") == 0
    assert table.append(rows(N, N)) == 1
    return root


def by_id(table):
    return table.sort_by("id").combine_chunks()


def files_by_pyarrow(lake, name, files):
    """The same Parquet files, read by pyarrow; the partition from the folder."""
    parts = []
    for f in files:
        part = pq.read_table(lake / name / f.path, partitioning=None)
        value = f.path.split("/")[0].removeprefix("month=")
        parts.append(part.append_column("month", pa.array([None if value.startswith("__HIVE") else value] * len(part), pa.string())))
    return pa.concat_tables(parts)


def same(a, b):
    a, b = by_id(a), by_id(b)
    assert a.column_names == b.column_names
    for name in a.column_names:
        assert a[name].type == b[name].type, name
        assert a[name].to_pylist() == b[name].to_pylist(), name


# ---- reading ----


def test_pyarrow(lake):
    table = Table("scratch.all", lake=lake)
    got = pa.table(table)
    assert [f.type for f in got.schema] == [f.type for f in rows(0, 1).schema]
    same(got, rows(0, 2 * N))
    same(got, files_by_pyarrow(lake, "scratch/all", table.files()))
    assert table.version == 1 and sum(f.rows for f in table.files()) == 2 * N
    assert all((lake / "scratch/all" / f.path).stat().st_size == f.bytes for f in table.files())
    assert pa.schema(table) == got.schema
    same(table.to_arrow(), got)


def test_versions(lake):
    first = Table("scratch.all", lake=lake, version=0)
    same(pa.table(first), rows(0, N))
    assert first.version == 0
    now = datetime.datetime.now(UTC)
    assert Table("scratch/all", lake=lake, at=now).version == 1
    assert Table("all", lake=lake, at=now.isoformat()).version == 1
    with pytest.raises(ValueError, match="time zone"):
        Table("scratch.all", lake=lake, at=datetime.datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="past"):
        first.append(rows(0, 1))


@pytest.mark.parametrize(
    ("where", "keep"),
    [
        ("month = 2026-02", lambda t: pc.equal(t["month"], "2026-02")),
        ("month is null", lambda t: pc.is_null(t["month"])),
        ("id >= 15000", lambda t: pc.greater_equal(t["id"], 15000)),
        ("small < -490", lambda t: pc.less(t["small"], -490)),
        ("word = 'palabra 7 ñ'", lambda t: pc.equal(t["word"], "palabra 7 ñ")),
        ("flag = true", lambda t: pc.equal(t["flag"], True)),
        ("day != 2026-01-05", lambda t: pc.not_equal(t["day"], datetime.date(2026, 1, 5))),
        ("cost > 1500.00", lambda t: pc.greater(t["cost"], decimal.Decimal("1500.00"))),
        ("at <= 2026-01-01T00:30:00Z", lambda t: pc.less_equal(t["at"], datetime.datetime(2026, 1, 1, 0, 30, tzinfo=UTC))),
        ("text is not null", lambda t: pc.is_valid(t["text"])),
    ],
)
def test_conditions(lake, where, keep):
    everything = rows(0, 2 * N)
    want = everything.filter(pc.fill_null(keep(everything), False)).select(["text", "id"])
    assert 0 < len(want) < 2 * N
    same(pa.table(Table("scratch.all", lake=lake, columns=["text", "id"], where=where)), want)


def test_two_conditions(lake):
    got = pa.table(Table("scratch.all", lake=lake, columns=["id"], where=["id > 100", "id <= 103"]))
    assert sorted(got["id"].to_pylist()) == [101, 102, 103]


def test_polars(lake):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(Table("scratch.all", lake=lake))
    same(frame.to_arrow().cast(rows(0, 1).schema), rows(0, 2 * N))
    months = polars.DataFrame(Table("scratch.all", lake=lake, columns=["month"])).group_by("month").len().sort("month", nulls_last=True)
    assert months["len"].to_list() == [N // 2] * 4


def test_duckdb(lake):
    duckdb = pytest.importorskip("duckdb")
    tickets = Table("scratch.all", lake=lake)  # found by its name, as a data frame is
    connection = duckdb.connect()
    assert connection.sql("select count(*), sum(id), count(word), min(cost), max(day) from tickets").fetchall()[0] == (
        2 * N,
        N * (2 * N - 1),
        pc.count(rows(0, 2 * N)["word"]).as_py(),
        pc.min(rows(0, 2 * N)["cost"]).as_py(),
        pc.max(rows(0, 2 * N)["day"]).as_py(),
    )
    joined = "select count(*) from tickets a join tickets b on a.id = b.id + 1 where a.month = '2026-01'"
    assert connection.sql(joined).fetchall()[0] == (N // 2 - 1,)
    assert tickets.version == 1


def test_pandas(lake):
    pandas = pytest.importorskip("pandas")
    frame = pa.table(Table("scratch.all", lake=lake, columns=["id", "cost"])).to_pandas()
    assert isinstance(frame, pandas.DataFrame) and int(frame["id"].sum()) == N * (2 * N - 1)


def test_one_file(lake):
    file = Table("scratch.all", lake=lake).files()[0]
    key = f"scratch/all/{file.path}"
    assert pa.table(ParquetFile(key, lake=lake)).equals(pq.read_table(lake / key, partitioning=None).cast(pa.table(ParquetFile(key, lake=lake)).schema))
    with pytest.raises(PqrError, match="scratch/all/none.parquet"):
        pa.table(ParquetFile("scratch/all/none.parquet", lake=lake))


def test_every_table_of_a_run(tmp_path):
    """Bronze, silver and gold as the program commits them, row by row in the order of the files."""
    from conftest import PQR, make

    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")
    root = make("simulated", tmp_path).root
    names = sorted(str(log.parent.relative_to(root)) for log in root.glob("*/*/_delta_log"))
    assert {"bronze/pqrs_events", "silver/tickets", "gold/daily_kpis"} <= set(names)
    for name in names:
        table = Table(name, lake=root)
        got, files = pa.table(table), table.files()
        parts = [pq.read_table(root / name / f.path, partitioning=None) for f in files]
        for part, f in zip(parts, files):
            assert part.num_rows == f.rows, (name, f)
        assert got.num_rows == sum(f.rows for f in files), name
        if not files:  # nothing was quarantined
            continue
        want = pa.concat_tables(parts)
        assert got.select(want.column_names).cast(want.schema).equals(want), name
        folders = [dict(part.split("=") for part in f.path.split("/")[:-1]) for f in files]
        for column in set(got.column_names) - set(want.column_names):  # the partitions
            values = [folder[column] for folder, f in zip(folders, files) for _ in range(f.rows)]
            assert [str(v) for v in got[column].to_pylist()] == values, (name, column)
    tickets = Table("tickets", lake=root, columns=["ticket_id"])
    assert len(set(pa.table(tickets)["ticket_id"].to_pylist())) == pa.table(tickets).num_rows > 1000


# ---- memory ----


class Array(ctypes.Structure):
    pass


Array._fields_ = [
    *((n, ctypes.c_int64) for n in ("length", "null_count", "offset", "n_buffers", "n_children")),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


def test_consumers_see_our_buffers(lake):
    """The addresses in the arrays that the library hands out are those of pyarrow's buffers."""
    capsule = Table("scratch.all", lake=lake).__arrow_c_stream__()
    stream = _library.ArrowArrayStream.from_address(_library.capsule_pointer(capsule, _library.STREAM))
    call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    schema, array = _library.ArrowSchema(), Array()
    assert call(stream.get_schema)(ctypes.addressof(stream), ctypes.addressof(schema)) == 0
    assert call(stream.get_next)(ctypes.addressof(stream), ctypes.addressof(array)) == 0
    ours = [[array.children[i].contents.buffers[k] for k in range(array.children[i].contents.n_buffers)] for i in range(array.n_children)]
    batch = pa.RecordBatch._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))
    theirs = [[b.address if b is not None else None for b in column.buffers()] for column in batch.columns]
    assert theirs == ours and batch.num_rows > 0


def run(code, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr}"
    return done.stdout.strip()


def test_memory_is_bounded(tmp_path):
    """Reading batch by batch needs far less memory than the table has."""
    n = 4_000_000
    ids = pa.array(range(n), pa.int64())
    table = Table("scratch.large", lake=tmp_path)
    mixed = pc.bit_wise_xor(pc.multiply(ids, pa.scalar(2654435761, pa.int64())), pc.shift_right(pc.multiply(ids, pa.scalar(40503, pa.int64())), pa.scalar(3, pa.int64())))
    table.append(pa.table({"id": ids, "a": mixed, "b": pc.add(mixed, ids), "c": pc.multiply(ids, ids)}))
    grown, total = run(
        """
        import resource, sys, pyarrow as pa
        from pqr_lakehouse import Table
        reader = pa.RecordBatchReader.from_stream(Table("scratch.large", lake=sys.argv[1]))
        before, total = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
        for batch in reader: total += batch["id"][0].as_py() + batch.num_rows
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, total)
        """,
        tmp_path,
    ).split()
    assert int(total) > n
    assert int(grown) * 1024 < n * 32 / 2, f"grew by {int(grown)} KiB to read {n * 32} bytes"


def test_release_in_any_order(lake):
    reader = pa.RecordBatchReader.from_stream(Table("scratch.all", lake=lake))
    first = reader.read_next_batch()
    column = reader.read_next_batch().column(4)
    del reader
    gc.collect()
    assert first.num_rows > 0 and first.column("text").to_pylist()[0] is not None and len(column.to_pylist()) > 0
    first.validate(full=True)
    unused = Table("scratch.all", lake=lake)
    capsule = unused.__arrow_c_stream__()
    del unused
    gc.collect()
    assert pa.RecordBatchReader._import_from_c(_library.capsule_pointer(capsule, _library.STREAM)).read_all().num_rows == 2 * N


def test_capsules_nobody_takes(lake):
    """Dropped before, and in the middle of, their use; the memory and the files do not stay."""
    grown, files = run(
        """
        import os, resource, sys, pyarrow as pa
        from pqr_lakehouse import Table
        table = Table("scratch.all", lake=sys.argv[1])
        def use(n):
            for _ in range(n):
                table.__arrow_c_stream__()
                table.__arrow_c_schema__()
            for _ in range(n // 100):
                pa.RecordBatchReader.from_stream(table).read_next_batch()
        use(1000)
        before, files = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(os.listdir("/proc/self/fd"))
        use(10000)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, len(os.listdir("/proc/self/fd")) - files)
        """,
        lake,
    ).split()
    assert int(files) == 0
    assert int(grown) < 8192, f"grew by {grown} KiB"


def test_exit_with_streams_open(lake):
    code = """
        import sys, pyarrow as pa
        from pqr_lakehouse import Table
        table = Table("scratch.all", lake=sys.argv[1])
        capsule, reader = table.__arrow_c_stream__(), pa.RecordBatchReader.from_stream(table)
        batch = reader.read_next_batch()
        sys.kept = [table.__arrow_c_stream__(), batch]
        print(batch.num_rows > 0)
        """
    assert run(code, lake) == "True"


# ---- writing ----


def test_append_from_others(tmp_path):
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    table = Table("scratch.others", lake=tmp_path)
    schema = pa.schema([("id", pa.int64()), ("s", pa.string()), ("t", pa.timestamp("us", "UTC"))])
    at = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    table.append(pa.table([[1], ["a"], [at]], schema=schema))
    table.append(polars.DataFrame({"id": [2, 3], "s": ["b" * 50, None], "t": [at, None]}))  # string views
    table.append(polars.DataFrame({"id": [4], "s": ["c"], "t": [at]}, schema_overrides={"s": polars.Categorical}))
    table.append(pandas.DataFrame({"id": [5], "s": ["d"], "t": [at]}))  # nanoseconds
    table.append(pa.table([[6], ["e"], [at]], schema=pa.schema([("id", pa.int16()), ("s", pa.large_string()), ("t", pa.timestamp("ms", "UTC"))])))
    table.append(pa.RecordBatchReader.from_batches(schema, iter(pa.table([[7, 8], ["f", "g"], [at, at]], schema=schema).slice(1).to_batches())))
    table.append(pa.table({"id": [9], "s": pa.array(["h"]).dictionary_encode()}))
    got = by_id(pa.table(table))
    assert got["id"].to_pylist() == [1, 2, 3, 4, 5, 6, 8, 9]
    assert got["s"].to_pylist() == ["a", "b" * 50, None, "c", "d", "e", "g", "h"]
    assert got["t"].to_pylist() == [at, at, None, at, at, at.replace(microsecond=678000), at, None]
    assert table.version == 6


def test_floats(tmp_path):
    """Written by us, read by pyarrow with its statistics, by delta-rs and by DuckDB."""
    nan, n = float("nan"), 3000
    data = pa.table(
        {
            "id": pa.array(range(n)),
            "d": pa.array([None if i % 7 == 0 else i / 3 - 100 for i in range(n)], pa.float64()),
            "f": pa.array([i / 8 for i in range(n)], pa.float32()),
            "odd": pa.array([nan if i == 1500 else -0.0 if i % 2 else float("inf") for i in range(n)], pa.float64()),
        }
    )
    table = Table("scratch.floats", lake=tmp_path)
    table.append(data)

    def text(t):
        return [repr(row) for row in t.sort_by("id").to_pylist()]  # nan is nan, -0.0 is not 0.0

    path = tmp_path / "scratch/floats" / table.files()[0].path
    assert text(pa.table(table)) == text(pq.read_table(path)) == text(data)
    group = pq.ParquetFile(path).metadata.row_group(0)
    assert (group.column(1).statistics.min, group.column(1).statistics.max) == (1 / 3 - 100, 2999 / 3 - 100)
    assert (group.column(2).statistics.min, group.column(2).statistics.max) == (-0.0, 2999 / 8)
    assert not group.column(3).statistics.has_min_max
    assert pa.table(Table("scratch.floats", lake=tmp_path, where="d > 890.5"))["id"].to_pylist() == [i for i in range(2972, n) if i % 7]
    assert len(pa.table(Table("scratch.floats", lake=tmp_path, where="odd != 0"))) == n // 2  # infinities and the NaN
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"select count(*), max(id) from '{path}' where d < -90 and f >= 0").fetchall() == [(25, 29)]
    deltalake = pytest.importorskip("deltalake")
    assert text(deltalake.DeltaTable(str(tmp_path / "scratch/floats")).to_pyarrow_table()) == text(data)


def test_append_fails_as_a_whole(tmp_path):
    table = Table("scratch.failing", lake=tmp_path)
    table.append(pa.table({"id": [1]}))

    def batches():
        yield pa.record_batch({"id": [2]})
        raise RuntimeError("the well is dry")

    with pytest.raises(PqrError, match="the well is dry"):
        table.append(pa.RecordBatchReader.from_batches(pa.schema([("id", pa.int64())]), batches()))
    with pytest.raises(PqrError, match="have a column x") as e:
        table.append(pa.table({"x": [1]}))
    assert e.value.code == 2
    with pytest.raises(PqrError, match="column id is list in the rows and long in table"):
        table.append(pa.table({"id": [[1]]}))
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        table.append([1, 2])
    assert table.refresh().version == 0 and pa.table(table)["id"].to_pylist() == [1]


def test_odd_partitions(tmp_path):
    values = ["a b", "x/y", "=%:?#", "ñandú", "..", "", None, "it's"]
    table = Table("scratch.odd", lake=tmp_path)
    table.append(pa.table({"id": range(len(values)), "p": pa.array(values), "d": [datetime.date(2026, 1, 1)] * len(values)}), partition_by=["d", "p"])
    got = by_id(pa.table(Table("scratch.odd", lake=tmp_path)))
    assert got["p"].to_pylist() == [v or None for v in values]  # the format has no empty string
    assert set(got["d"].to_pylist()) == {datetime.date(2026, 1, 1)}
    assert pa.table(Table("scratch.odd", lake=tmp_path, where="p = 'it''s'"))["id"].to_pylist() == [7]
    deltalake = pytest.importorskip("deltalake")
    theirs = deltalake.DeltaTable(str(tmp_path / "scratch/odd")).to_pyarrow_table()
    assert by_id(theirs)["p"].to_pylist() == got["p"].to_pylist()


# ---- delta-rs ----


def test_delta_rs_reads_ours(lake):
    deltalake = pytest.importorskip("deltalake")
    for number, n in ((0, N), (1, 2 * N)):
        table = deltalake.DeltaTable(str(lake / "scratch/all"), version=number)
        same(table.to_pyarrow_table().select(rows(0, 1).column_names).cast(rows(0, 1).schema), rows(0, n))


def test_we_read_delta_rs(tmp_path):
    deltalake = pytest.importorskip("deltalake")
    root = tmp_path / "other" / "table"
    n = 5000
    data = pa.table(
        {
            "id": pa.array(range(n), pa.int64()),
            "ratio": pa.array([i / 7 if i % 5 else None for i in range(n)], pa.float64()),
            "single": pa.array([i / 8 for i in range(n)], pa.float32()),
            "tiny": pa.array([i % 100 for i in range(n)], pa.int8()),
            "local": pa.array([datetime.datetime(2026, 1, 1, 0, 0, i % 60) for i in range(n)], pa.timestamp("us")),
            "tags": pa.array([["a", "b"]] * n, pa.list_(pa.string())),
            "p": pa.array([i % 3 if i % 4 else None for i in range(n)], pa.int32()),
        }
    )
    deltalake.write_deltalake(str(root), data, partition_by=["p"])
    deltalake.DeltaTable(str(root)).delete("id >= 4000")
    deltalake.write_deltalake(str(root), data.slice(0, 10), mode="append")
    table = Table("other.table", lake=tmp_path)
    got = pa.table(table)
    want = pa.concat_tables([data.slice(0, 4000), data.slice(0, 10)])
    want = want.set_column(want.column_names.index("tiny"), "tiny", want["tiny"].cast(pa.int32()))
    assert got.schema.names == want.schema.names and got["local"].type == pa.timestamp("us")
    order = [("id", "ascending")]
    assert got.sort_by(order).to_pylist() == want.sort_by(order).to_pylist()
    assert len(pa.table(Table("other.table", lake=tmp_path, where="p is null"))) == 1003
    assert len(pa.table(Table("other.table", lake=tmp_path, where=["ratio > 500", "p = 1"]))) == sum(
        1 for i in range(4000) if i % 5 and i / 7 > 500 and i % 4 and i % 3 == 1
    )
    assert pa.table(Table("other.table", lake=tmp_path, columns=["tags"]))["tags"].to_pylist() == [["a", "b"]] * 4010
    assert len(pa.table(Table("other.table", lake=tmp_path, version=0))) == n


# ---- what goes wrong ----


def test_errors(lake, tmp_path):
    with pytest.raises(PqrError, match="did you mean scratch.all") as e:
        Table("scratch.al", lake=lake).files()
    assert e.value.code == 1
    with pytest.raises(PqrError, match='did you mean "month"'):
        pa.table(Table("scratch.all", lake=lake, where="mont = 1"))
    with pytest.raises(PqrError, match='no column "what"'):
        pa.table(Table("scratch.all", lake=lake, columns=["what"]))
    with pytest.raises(PqrError, match="7"):
        pa.table(Table("scratch.all", lake=lake, version=7))
    (tmp_path / "file").write_text("")
    with pytest.raises(PqrError, match="file"):
        Table("a.b", lake=tmp_path / "file")
    with pytest.raises(PqrError, match="task document") as e:
        run_task("{", lake=lake)
    assert e.value.code == 2
    assert version().count(".") == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_damaged_file(tmp_path, damage):
    damaged = Table("scratch.damaged", lake=tmp_path)
    damaged.append(rows(0, 1000))
    name = damaged.files()[0].path
    path = tmp_path / "scratch/damaged" / name
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        data[30] ^= 0xFF
        path.write_bytes(data[: len(data) // 2] if damage == "cut" else data)
    with pytest.raises((pa.ArrowInvalid, OSError), match=name):
        pa.table(damaged)
    duckdb = pytest.importorskip("duckdb")
    with pytest.raises(duckdb.Error, match=name):
        duckdb.sql("select sum(id) from damaged").fetchall()


def test_threads(lake):
    shared, failures = Table("scratch.all", lake=lake), []

    def work(k):
        try:
            for round_ in range(4):
                table = shared if round_ % 2 else Table("scratch.all", lake=lake, where=f"id < {1000 * (k + 1)}")
                ids = pa.table(table)["id"]
                n = 2 * N if round_ % 2 else 1000 * (k + 1)
                assert len(ids) == n and pc.sum(ids).as_py() == n * (n - 1) // 2
                assert table.version == 1
        except BaseException as e:  # noqa: BLE001
            failures.append(e)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_arrays_are_released_by_other_threads(lake):
    batches = list(pa.RecordBatchReader.from_stream(Table("scratch.all", lake=lake)))
    n = sum(b.num_rows for b in batches)

    def drop():
        while batches:
            try:
                batches.pop().column(0).to_pylist()
            except IndexError:
                return

    threads = [threading.Thread(target=drop) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert n == 2 * N and not batches


def test_appends_of_processes_are_all_there(tmp_path):
    code = """
        import sys, pyarrow as pa
        from pqr_lakehouse import Table
        k = int(sys.argv[2])
        for i in range(10):
            Table("scratch.race", lake=sys.argv[1]).append(pa.table({"id": [k * 100 + i]}))
        """
    Table("scratch.race", lake=tmp_path).append(pa.table({"id": pa.array([], pa.int64())}))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    running = [subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(tmp_path), str(k)], env=environment) for k in range(3)]
    assert [p.wait() for p in running] == [0, 0, 0]
    table = Table("scratch.race", lake=tmp_path)
    assert sorted(pa.table(table)["id"].to_pylist()) == [k * 100 + i for k in range(3) for i in range(10)]
    assert table.version == 30


def test_a_mistyped_lake_is_named_and_not_made(tmp_path):
    missing = tmp_path / "nowhere"
    for read in (lambda: Table("silver.tickets", lake=missing).version, lambda: ParquetFile("a/b.parquet", lake=missing)):
        with pytest.raises(PqrError, match="no lake at .*nowhere"):
            read()
    assert not missing.exists()


def test_rebuild_under_way(tmp_path):
    """While a lake's tables are made again from raw, nobody reads or writes them."""
    table = Table("scratch.t", lake=tmp_path / "lake")
    table.append(rows(0, 10))
    mark = tmp_path / "lake" / "manifests" / "rebuild.json"
    mark.parent.mkdir()
    mark.write_text("{}")
    for refused in (table.refresh().to_arrow, Table("scratch.t", lake=tmp_path / "lake").to_arrow, lambda: table.append(rows(0, 1))):
        with pytest.raises(PqrError, match="being made again from raw"):
            refused()
    mark.unlink()
    assert table.to_arrow().num_rows == 10
