"""Tables that the Python package appended to, of every type and partitioning, read by delta-rs, Polars, DuckDB and Spark."""

import collections
import json
import os
import shutil

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("deltalake", reason="deltalake is not installed")
import delta_lakes  # noqa: E402
import delta_oracle  # noqa: E402
import delta_ours  # noqa: E402
import delta_tables  # noqa: E402

ENGINES = ["delta-rs", "Polars", "DuckDB", "Spark"]


def types_tables():
    """Without the types that only foreign tables have: 8 and 16 bits."""
    table = delta_tables.types_table().drop_columns(["y", "h"])
    return [table, table.slice(3, 9), table.slice(0, 0)]


# name: batches, partition columns
APPENDED = {"types": (types_tables(), None), "two": ([delta_tables.two_table()], ["a", "day"])}
APPENDED |= {f"by_{name}": ([delta_tables.partitioned(*v)], ["p"]) for name, v in delta_tables.RS_PARTITIONS.items()}
APPENDED["commits"] = ([delta_tables.numbers(*range(i, i + 3)) for i in range(23)], None)


@pytest.fixture(scope="module")
def appended(tmp_path_factory):
    ours, layer, roots = delta_ours.Python(), tmp_path_factory.mktemp("appended") / "silver", {}
    layer.mkdir()
    for name, (batches, by) in APPENDED.items():
        roots[name] = layer / name
        for data in batches:
            ours.append(roots[name], data, by)
    return roots


def rows(batches):
    return sum((delta_oracle.rows_of(b, batches[0].column_names) for b in batches), collections.Counter())


@pytest.mark.parametrize("name", APPENDED)
def test_log_is_sound(appended, name):
    batches, by = APPENDED[name]
    state = delta_oracle.check_log(appended[name])
    assert state.partition == (by or [])
    assert state.version == sum(b.num_rows > 0 for b in batches) - 1, "an append of no rows commits nothing"
    delta_lakes.same(delta_oracle.rows(state, batches[0].column_names), rows(batches), name)


@pytest.mark.parametrize("name", APPENDED)
@pytest.mark.parametrize("engine", ENGINES)
def test_engines(engines, appended, engine, name):
    batches = APPENDED[name][0]
    delta_lakes.same(engines[engine].rows(appended[name], columns=batches[0].column_names), rows(batches), f"{engine}, {name}")


@pytest.mark.parametrize("engine", ENGINES)
def test_from_our_checkpoint_alone(engines, appended, tmp_path, engine):
    batches, root = APPENDED["commits"][0], tmp_path / "silver" / "cut"
    shutil.copytree(appended["commits"], root)
    newest = max(f.name.split(".")[0] for f in (root / "_delta_log").glob("[0-9]*.checkpoint.parquet"))
    assert int(newest) == 20
    for commit in (root / "_delta_log").glob("[0-9]*.json"):
        if commit.stem < newest:
            commit.unlink()
    for version in (20, 21, 22):
        found = engines[engine].rows(root, version, columns=["id", "v"])
        delta_lakes.same(found, rows(batches[: version + 1]), f"{engine}, version {version}")


@pytest.mark.parametrize("engine", ENGINES)
def test_filters_by_our_statistics(engines, appended, engine):
    """One column of each type: what the engine leaves out by our minima and maxima must not change the rows."""
    from test_delta_write import conditions, sql_of

    batches, state = APPENDED["types"][0], delta_oracle.replay(appended["types"])
    expected = rows(batches)
    for sql, holds in conditions(expected, state.schema, [n for n, kind in state.schema if kind != "binary"]):
        found = engines[engine].rows(appended["types"], where=sql_of(sql, engine), columns=batches[0].column_names)
        delta_lakes.same(found, collections.Counter({r: n for r, n in expected.items() if holds(r)}), f"{engine}, WHERE {sql}")


def test_appends_in_turn(engines, tmp_path):
    """delta-rs, Spark and pqr append to one table, which each of them may have made."""
    rs, ours = engines["delta-rs"], delta_ours.Python()
    for first in range(2):
        root, batches = tmp_path / "silver" / f"turn{first}", []
        for i in range(14):
            batches.append(pa.table({"id": pa.array([2 * i, 2 * i + 1], pa.int64()), "p": pa.array(["a b", None])}))
            if (i + first) % 2:
                ours.append(root, batches[-1], ["p"] if i == 0 else None)
            else:
                rs.write(root, batches[-1], mode="append", partition_by=["p"])
        engines["Spark"].sql(f"INSERT INTO delta.`{root}` VALUES (1000, 'spark')")
        batches.append(pa.table({"id": pa.array([1000], pa.int64()), "p": ["spark"]}))
        state = delta_oracle.check_log_files(root)
        assert state.version == 14
        delta_lakes.same(delta_oracle.rows(state, ["id", "p"]), rows(batches), "the log")
        for engine in (*(engines[e] for e in ENGINES),):
            delta_lakes.same(engine.rows(root, columns=["id", "p"]), rows(batches), engine.name)
        delta_lakes.same(ours.rows(root, schema=[("id", "long"), ("p", "string")]), rows(batches), "pqr")


def back_date(log, days):
    """As if every commit so far was made then."""
    for commit in log.glob("[0-9]*.json"):
        lines = [json.loads(line) for line in commit.read_text().splitlines()]
        for line in lines:
            if "commitInfo" in line:
                line["commitInfo"]["timestamp"] -= days * 86_400_000
        commit.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for file in log.glob("[0-9]*"):
        os.utime(file, (file.stat().st_mtime - days * 86_400,) * 2)


def test_log_clean_up(engines, tmp_path):
    """Commits of 40 days ago go when the checkpoint of version 20 is written; what the 30 days need stays and is read by all."""
    ours, root, batches = delta_ours.Python(), tmp_path / "silver" / "clean", [delta_tables.numbers(i) for i in range(23)]
    for data in batches[:18]:
        ours.append(root, data)
    back_date(root / "_delta_log", 40)
    for data in batches[18:]:
        ours.append(root, data)
    there = delta_oracle.commits(root)
    assert there == list(range(10, 23)), "the checkpoint of version 10 is the newest that the retained versions need"
    assert not list((root / "_delta_log").glob("0*9.checkpoint.parquet"))
    for name in ENGINES:
        for version in (20, 22) if name == "Spark" else (10, 17, 20, 22):  # Spark goes back no further than files are kept: 7 days
            found = engines[name].rows(root, version, columns=["id", "v"])
            delta_lakes.same(found, rows(batches[: version + 1]), f"{name}, version {version}")


def test_log_cleaned_by_delta_rs(engines, tmp_path):
    ours, rs, root, batches = delta_ours.Python(), engines["delta-rs"], tmp_path / "silver" / "theirs", [delta_tables.numbers(i) for i in range(23)]
    for data in batches[:12]:
        ours.append(root, data)
    back_date(root / "_delta_log", 40)
    for data in batches[12:15]:
        ours.append(root, data)
    rs.open(root).create_checkpoint()
    rs.open(root).cleanup_metadata()
    assert 0 not in delta_oracle.commits(root)
    for data in batches[15:]:
        ours.append(root, data)
    delta_lakes.same(ours.rows(root, schema=[("id", "long"), ("v", "string")]), rows(batches), "pqr")
    delta_lakes.same(rs.rows(root, columns=["id", "v"]), rows(batches), "delta-rs")
