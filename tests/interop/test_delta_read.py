"""Tables that delta-rs and Spark wrote, read by us: every version, through the program, SQL and Python, against delta_oracle."""

import datetime
import decimal
import json
import shutil

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("deltalake", reason="deltalake is not installed")
import delta_lakes  # noqa: E402
import delta_oracle  # noqa: E402
import delta_ours  # noqa: E402
import delta_tables  # noqa: E402

TABLES = [*delta_tables.RS, *delta_tables.SPARK]
CHECKPOINTED = ["rs_maintained", "spark_changes", *[n for n in delta_tables.SPARK if "checkpoint" in n]]
READERS = {kind.name: kind for kind in (delta_ours.Python, delta_ours.Cat, delta_ours.Sql)}


class Made:
    """A table and what its versions hold, as long as their files are there."""

    def __init__(self, root):
        self.root, self.states, self.expected = root, {}, {}
        for version in delta_oracle.commits(root):
            state = delta_oracle.replay(root, version)
            if all(delta_oracle.path_of(root, a).exists() for a in state.files.values()):
                self.states[version], self.expected[version] = state, delta_oracle.rows(state)
        self.version = max(self.states)

    def columns(self, version=None):
        return [name for name, _ in self.states[self.version if version is None else version].schema]


@pytest.fixture(scope="session")
def tables(engines, tmp_path_factory):
    layer, made = tmp_path_factory.mktemp("foreign") / "silver", {}
    layer.mkdir()

    def get(name, statements=None):
        if name not in made:
            root = layer / name.lower()
            if name in delta_tables.RS:
                delta_tables.RS[name](engines["delta-rs"], root)
            elif name in delta_tables.SPARK:
                delta_tables.SPARK[name](engines["Spark"].sql, f"delta.`{root}`")
            else:
                for statement in statements.split(";"):
                    engines["Spark"].sql(statement.format(t=f"delta.`{root}`"))
            made[name] = root if statements else Made(root)
        return made[name]

    return get


@pytest.fixture(scope="session", params=READERS)
def reader(request):
    return READERS[request.param]()


@pytest.mark.parametrize("name", TABLES)
def test_every_version(reader, tables, name):
    table = tables(name)
    assert len(table.expected) > 0
    for version, expected in table.expected.items():
        found = reader.rows(table.root, version, schema=table.states[version].schema)
        delta_lakes.same(found, expected, f"{reader.name}, {name} version {version}")


@pytest.mark.parametrize("name", TABLES)
def test_newest(reader, tables, name):
    table = tables(name)
    found = reader.rows(table.root, schema=table.states[table.version].schema)
    delta_lakes.same(found, table.expected[table.version], f"{reader.name}, {name}")


@pytest.mark.parametrize("hint", ["as it is", "missing", "broken", "stale"])
@pytest.mark.parametrize("name", CHECKPOINTED)
def test_log_begins_with_a_checkpoint(reader, tables, tmp_path, name, hint):
    """The commits before the newest checkpoint are gone, as the clean-up of the protocol leaves it: that of its version stays."""
    table = tables(name)
    root = tmp_path / "silver" / "cut"
    shutil.copytree(table.root, root)
    log = root / "_delta_log"
    first = max(int(f.name.split(".")[0]) for f in log.glob("[0-9]*.checkpoint*"))
    for version in range(first):
        (log / f"{version:020d}.json").unlink()
    if hint == "missing":
        (log / "_last_checkpoint").unlink()
    elif hint == "broken":
        (log / "_last_checkpoint").write_text('{"version":')
    elif hint == "stale":
        (log / "_last_checkpoint").write_text('{"version":0,"size":1}')
    for version in table.expected:
        if version >= first:
            found = reader.rows(root, version, schema=table.states[version].schema)
            delta_lakes.same(found, table.expected[version], f"{name} version {version}, _last_checkpoint {hint}")
    with pytest.raises(Exception, match=r"version|_delta_log") as e:
        reader.rows(root, first - 1, schema=table.states[table.version].schema)
    assert not isinstance(e.value, AssertionError), e.value


@pytest.mark.parametrize("name", ["rs_changes", "spark_changes", "spark_commit_times"])
def test_by_time(reader, tables, name):
    """At the instant of a commit, its version; a millisecond before, the one before it."""
    table = tables(name)
    infos = table.states[table.version].infos
    times = [i.get("inCommitTimestamp", i["timestamp"]) for i in infos]
    for version, expected in table.expected.items():
        for at, wanted in ((times[version], expected), (times[version] - 1, table.expected.get(version - 1))):
            if wanted is None or (at == times[version] and at in times[version + 1 :]):
                continue
            instant = datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            state = table.states[version if at == times[version] else version - 1]
            delta_lakes.same(reader.rows(table.root, at=instant, schema=state.schema), wanted, f"{name} at {instant}")


@pytest.mark.parametrize("feature", delta_tables.REFUSED)
def test_refused_by_name(reader, tables, feature):
    root = tables(feature, delta_tables.REFUSED[feature])
    with pytest.raises(Exception, match=feature) as e:
        reader.rows(root, schema=[("id", "integer")])
    assert not isinstance(e.value, AssertionError), e.value


@pytest.mark.parametrize("name", delta_tables.READ_ONLY)
def test_read_but_not_written(tables, name):
    feature, statements = delta_tables.READ_ONLY[name]
    root, ours = tables(name, statements), delta_ours.Python()
    state = delta_oracle.replay(root)
    delta_lakes.same(ours.rows(root, schema=state.schema), delta_oracle.rows(state), name)
    with pytest.raises(ours.lib.PqrError, match=feature):
        ours.append(root, delta_tables.numbers(7))
    assert delta_oracle.replay(root).version == state.version


def test_append_only(engines, tmp_path):
    """Appends go on; what removes rows is for test_delta_write.py."""
    root, rs, ours = tmp_path / "silver" / "log", engines["delta-rs"], delta_ours.Python()
    rs.write(root, delta_tables.numbers(1), configuration={"delta.appendOnly": "true"})
    ours.append(root, delta_tables.numbers(2, 3))
    assert rs.rows(root, columns=["id", "v"]) == {(1, "v1"): 1, (2, "v2"): 1, (3, "v3"): 1}


def test_nested_columns_left_out(reader, tables):
    root = tables("nested", delta_tables.NESTED)
    found = reader.rows(root, schema=[("id", "integer"), ("v", "string")], columns=["id", "v"])
    assert found == {(1, "one"): 1, (2, "two"): 1}


@pytest.mark.parametrize("kind", [delta_ours.Python, delta_ours.Cat], ids=lambda k: k.name)
def test_nested_columns(tables, kind):
    """What Spark wrote; test_nested_read.py has more of each type."""
    root = tables("nested", delta_tables.NESTED)
    if kind is delta_ours.Python:
        found = sorted(kind().table(root).to_pylist(), key=lambda row: row["id"])
        pairs = [("a", 1)]
    else:
        lake, name = delta_ours.split(root)
        found = json.loads(delta_ours.run("table", "cat", name, "--format", "json", lake=lake).stdout, parse_float=decimal.Decimal)
        found.sort(key=lambda row: row["id"])
        pairs = [{"key": "a", "value": 1}]
    assert found == [
        {"id": 1, "list": [1, None], "pairs": pairs, "deep": {"a": 1, "b": ["x"]}, "huge": decimal.Decimal("1.5"), "v": "one"},
        {"id": 2, "list": None, "pairs": None, "deep": None, "huge": None, "v": "two"}]


def test_nested_columns_by_sql(tables):
    """DuckDB reads them itself."""
    root = tables("nested", delta_tables.NESTED)
    state = delta_oracle.replay(root)
    delta_lakes.same(delta_ours.Sql().rows(root, schema=state.schema), delta_oracle.rows(state), "pqr sql")
