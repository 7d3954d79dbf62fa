"""Lists, structs and maps that we wrote into Delta tables, read by pyarrow, delta-rs, Polars, DuckDB, Spark and ourselves."""

import datetime
import decimal
import json
import random

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("deltalake", reason="deltalake is not installed")
import delta_oracle  # noqa: E402
import delta_ours  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from test_nested_read import TYPES, draw  # noqa: E402

ENGINES = ["delta-rs", "Polars", "DuckDB", "Spark"]
ITEM = pa.struct([("sku", pa.string()), ("price", pa.decimal128(18, 2)), ("tags", pa.list_(pa.string()))])
WRITTEN = {name: t for name, t in TYPES.items() if name not in ("huge", "deep")} | {
    "items": pa.list_(ITEM), "deep": pa.list_(pa.struct([("b", pa.list_(pa.list_(pa.int64()))), ("c", pa.map_(pa.string(), pa.list_(pa.float64())))])),
    "box": pa.struct([("in", pa.struct([("in", pa.struct([("v", pa.int64()), ("l", pa.list_(pa.date32()))]))]))]),
}


def sample(n, seed):
    r = random.Random(seed)
    columns = {"id": pa.array(range(n), pa.int64())}
    for name, t in WRITTEN.items():
        columns[name] = pa.array([draw(r, t) for _ in range(n)], t)
    return pa.table(columns)


BATCHES = [sample(700, 1), sample(3000, 2).slice(1111, 700), sample(1, 3)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("nested") / "silver" / "nested"
    root.parent.mkdir()
    ours = delta_ours.Python()
    for batch in BATCHES:
        ours.append(root, batch)
    return root


def plain(v):
    """A value whatever the engine calls its types; maps as their pairs."""
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    if isinstance(v, datetime.datetime):
        return v.replace(tzinfo=v.tzinfo or datetime.timezone.utc).timestamp()
    return v


def pairs(v):
    """Maps as an engine gives them that has no pairs: as structs of key and value."""
    if isinstance(v, dict) and set(v) == {"key", "value"}:
        return [pairs(v["key"]), pairs(v["value"])]
    if isinstance(v, dict):
        return {k: pairs(x) for k, x in v.items()}
    return [pairs(x) for x in v] if isinstance(v, list) else v


def rows_of(table):
    """Each row as text, sorted: ids occur once a batch."""
    return sorted(json.dumps(pairs(plain(row)), default=str, sort_keys=True) for row in table.to_pylist())


@pytest.fixture(scope="module")
def expected():
    return rows_of(pa.concat_tables(BATCHES))


def test_log_is_sound(written):
    state = delta_oracle.check_log(written)
    assert state.version == len(BATCHES) - 1
    kinds = dict(state.schema)
    assert kinds["numbers"] == {"type": "array", "elementType": "long", "containsNull": True}
    assert kinds["items"]["elementType"]["fields"][1] == {"name": "price", "type": "decimal(18,2)", "nullable": True, "metadata": {}}


def test_pyarrow(written, expected):
    """Files alone: with their checksums, three-level lists, page index, and statistics of each leaf."""
    tables = []
    for path in written.glob("*.parquet"):
        file = pq.ParquetFile(path, page_checksum_verification=True)
        tables.append(file.read())
        tables[-1].validate(full=True)
        paths = {file.schema.column(i).path: i for i in range(len(file.schema))}
        assert "items.list.element.tags.list.element" in paths and "pairs.key_value.key" in paths
        for i in range(len(file.schema)):
            chunk = file.metadata.row_group(0).column(i)
            assert chunk.has_offset_index and chunk.is_stats_set, chunk.path_in_schema
        price = file.metadata.row_group(0).column(paths["items.list.element.price"]).statistics
        values = [x["price"] for row in tables[-1]["items"].to_pylist() for x in row or [] if x is not None and x["price"] is not None]
        assert (price.min, price.max) == (min(values), max(values)) if values else not price.has_min_max
    assert rows_of(pa.concat_tables(tables)) == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_engines(engines, written, expected, engine):
    assert rows_of(pa.table(engines[engine].table(written))) == expected


@pytest.mark.parametrize("reader", [delta_ours.Sql, delta_ours.Python])
def test_ours(written, expected, reader):
    assert rows_of(reader().table(written)) == expected


def test_optimized(engines, tmp_path, written, expected):
    """Many files become one; what is in them stays."""
    ours, root = delta_ours.Python(), tmp_path / "silver" / "nested"
    root.parent.mkdir()
    for i in range(7):
        ours.append(root, BATCHES[0].slice(100 * i, 100))
    lake, name = delta_ours.split(root)
    delta_ours.run("table", "optimize", name, lake=lake)
    assert len(engines["delta-rs"].open(root).file_uris()) == 1
    assert rows_of(engines["delta-rs"].table(root)) == rows_of(BATCHES[0])
    with pytest.raises(delta_ours.Refused, match="a nested column is not moved along a curve"):
        delta_ours.run("table", "optimize", name, "--zorder", "id", lake=lake)


def test_appends_in_turn(engines, tmp_path):
    """delta-rs and pqr append to one table, which delta-rs has made."""
    ours, root = delta_ours.Python(), tmp_path / "silver" / "nested"
    columns = ["id", "items", "box", "pairs"]
    parts = [BATCHES[0].select(columns).take(list(range(50 * i, 50 * i + 50))) for i in range(4)]  # delta-rs aborts at slices of nested arrays
    for i, part in enumerate(parts):
        engines["delta-rs"].write(root, part, mode="append") if i % 2 == 0 else ours.append(root, part)
    assert rows_of(engines["delta-rs"].table(root)) == rows_of(pa.concat_tables(parts))
    assert rows_of(ours.table(root)) == rows_of(pa.concat_tables(parts))


REFUSED = {
    "another type": ({"s": pa.array([{"a": "x"}])}, "column s is struct in the rows"),
    "a field too many": ({"s": pa.array([{"a": 1, "b": 2}])}, "column s is struct in the rows"),
    "another name": ({"s": pa.array([{"c": 1}])}, "column s is struct in the rows"),
    "no list": ({"s": pa.array([[{"a": 1}]])}, "column s is list in the rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit(tmp_path, case):
    ours, root = delta_ours.Python(), tmp_path / "silver" / "nested"
    root.parent.mkdir()
    ours.append(root, pa.table({"s": pa.array([{"a": 1}])}))
    columns, says = REFUSED[case]
    with pytest.raises(ours.lib.PqrError, match=says):
        ours.append(root, pa.table(columns))
    assert ours.table(root).to_pylist() == [{"s": {"a": 1}}]


def test_no_table_of_it(tmp_path):
    ours, root = delta_ours.Python(), tmp_path / "silver" / "nested"
    root.parent.mkdir()
    for column, says in [
        (pa.array([[1, 2]], pa.list_(pa.int64(), 2)), "Arrow format"),
        (pa.array([{"x": decimal.Decimal("1.5")}], pa.struct([("x", pa.decimal128(30, 1))])), "Arrow format"),
    ]:
        with pytest.raises(ours.lib.PqrError, match=says):
            ours.append(root, pa.table({"c": column}))
    with pytest.raises(ours.lib.PqrError, match="partitioning table .* by struct column s"):
        ours.append(root, pa.table({"n": [1], "s": pa.array([{"a": 1}])}), ["s"])
