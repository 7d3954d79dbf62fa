"""A lake of several runs, read by delta-rs, Polars, DuckDB and Spark: every table, every version, after every kind of upkeep."""

import datetime
import decimal
import json
import os
import re
import shutil
import subprocess

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("deltalake", reason="deltalake is not installed")
import conftest  # noqa: E402
import delta_lakes  # noqa: E402
import delta_oracle  # noqa: E402
import delta_ours  # noqa: E402

ENGINES = ["delta-rs", "Polars", "DuckDB", "Spark"]
FIRST, SECOND, THIRD = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
READERS = [delta_ours.Cat, delta_ours.Sql, delta_ours.Python]
LAYERS = ("bronze", "silver", "gold")


def pqr_run(lake, run_id, *arguments, **settings):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_")} | {"PQR_SIMULATION_SPIKE_ENABLED": "false"} | settings
    command = [conftest.PQR, "run", "--lake", lake, "--json", "--quiet", "--replace-published", "--run-id", run_id, *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class DeltaLake:
    """Two runs; the first again, which changes nothing; then a third, of another simulation, which leaves the rows of both."""

    def __init__(self, folder):
        self.root = folder / "lake"
        self.steps = []  # versions of each table after each step
        self.reports = {FIRST: self.step(FIRST, "--from", "2025-12-20", "--to", "2026-01-10", "--volume", "20")}
        self.reports[SECOND] = self.step(SECOND, "--from", "2026-01-02", "--to", "2026-01-20", "--volume", "12", "--seed", "9")
        self.step(FIRST, "--from", "2025-12-20", "--to", "2026-01-10", "--volume", "20")
        self.reports[THIRD] = self.step(THIRD, "--from", "2025-12-25", "--to", "2026-01-14", "--volume", "15", "--seed", "3")
        self.tables = sorted(f"{layer}.{d.name}" for layer in LAYERS for d in (self.root / layer).iterdir())
        self.states = {t: [delta_oracle.replay(self.path(t), v) for v in delta_oracle.commits(self.path(t))] for t in self.tables}
        self.expected = {t: [delta_oracle.rows(s) for s in states] for t, states in self.states.items()}

    def step(self, run_id, *arguments):
        report = pqr_run(self.root, run_id, *arguments)
        self.steps.append({f"{layer}.{d.name}": max(delta_oracle.commits(d)) for layer in LAYERS for d in (self.root / layer).iterdir()})
        return report

    def path(self, table):
        return self.root.joinpath(*table.split("."))

    def columns(self, table, version=-1):
        return [name for name, _ in self.states[table][version].schema]


@pytest.fixture(scope="module")
def delta_lake(tmp_path_factory):
    return DeltaLake(tmp_path_factory.mktemp("delta"))


@pytest.fixture(scope="module", params=ENGINES)
def engine(request, engines):
    return engines[request.param]


def test_logs_are_sound(delta_lake):
    for table in delta_lake.tables:
        state = delta_oracle.check_log(delta_lake.path(table))
        assert (state.protocol["minReaderVersion"], state.protocol["minWriterVersion"]) == (1, 2), table
        assert all(a.get("stats") for a in state.files.values()), table
        for info in state.infos:
            assert info["txnId"] and info["operation"] and info["timestamp"] > 0 and info["engineInfo"], (table, info)


def test_what_each_run_leaves(delta_lake):
    first, second, again, other = delta_lake.steps
    assert again == first | second == second, "a run repeated must commit nothing"
    for table in delta_lake.tables:
        layer, name = table.split(".")
        if "run_id" not in delta_lake.columns(table):
            continue
        at = delta_lake.columns(table).index("run_id")
        count = {run: sum(n for row, n in delta_lake.expected[table][-1].items() if row[at] == run) for run in (FIRST, SECOND, THIRD)}
        for run, n in count.items():
            reported = {"bronze.pqrs_events": delta_lake.reports[run]["rows"]["bronze"], "silver.quarantine": n}.get(table)
            assert n == (delta_lake.reports[run]["rows"][layer][name] if reported is None else reported), (table, run)
        of_second = [{row: n for row, n in delta_lake.expected[table][steps[table]].items() if row[at] == SECOND} for steps in (second, other)]
        assert of_second[0] == of_second[1], f"{table}: another run's rows changed"


def test_every_older_version(engine, delta_lake):
    engine.check_all((delta_lake.path(table), version, delta_lake.columns(table, version), expected, f"{table} version {version}")
                     for table in delta_lake.tables for version, expected in enumerate(delta_lake.expected[table][:-1]))  # fmt: skip


def test_newest_version(engine, delta_lake):
    engine.check_all((delta_lake.path(table), None, delta_lake.columns(table), delta_lake.expected[table][-1], table) for table in delta_lake.tables)


@pytest.mark.parametrize("reader", READERS, ids=lambda r: r.name)
def test_read_back(reader, delta_lake):
    reader = reader()
    for table in delta_lake.tables:
        for version, expected in enumerate(delta_lake.expected[table]):
            state = delta_lake.states[table][version]
            delta_lakes.same(reader.rows(delta_lake.path(table), version, schema=state.schema), expected, f"{reader.name}, {table} version {version}")


def literal(value, kind):
    if kind == "timestamp":
        instant = datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(microseconds=value)
        return f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S.%f}+00:00'"
    if kind == "date":
        return f"DATE '{value}'"
    if isinstance(value, decimal.Decimal):
        return f"CAST('{value}' AS {kind})"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value).lower()


def sql_of(sql, engine):
    """Polars' SQL has no literals of instants."""
    return re.sub(r"TIMESTAMP '(.*)\+00:00'", r"strptime('\1+0000', '%Y-%m-%d %H:%M:%S%.f%z')", sql) if engine == "Polars" else sql


def conditions(rows, schema, names):
    """Of each of these columns: comparisons with its middle value, and the nulls: (SQL, what a row must be)."""
    for i, (name, kind) in enumerate(schema):
        if name not in names:
            continue
        there = sorted({row[i] for row in rows if row[i] is not None})
        yield f"{name} IS NULL", lambda row, i=i: row[i] is None
        if not there:
            continue
        middle = there[len(there) // 2]
        text = literal(middle, kind)
        yield f"{name} = {text}", lambda row, i=i, m=middle: row[i] is not None and row[i] == m
        if kind != "boolean":
            yield f"{name} < {text}", lambda row, i=i, m=middle: row[i] is not None and row[i] < m
            yield f"{name} >= {text}", lambda row, i=i, m=middle: row[i] is not None and row[i] >= m


@pytest.mark.parametrize("table", ["silver.tickets", "gold.kpi_sla_daily"])
def test_filters_by_our_statistics(engine, delta_lake, table):
    """Engines leave files out by partition and by our minima and maxima: the rows of each condition must stay the same."""
    rows, schema, columns = delta_lake.expected[table][-1], delta_lake.states[table][-1].schema, delta_lake.columns(table)
    # Spark plans each query for a quarter of a second: there, one column of each type and the partition columns
    some = set({kind: name for name, kind in reversed(schema)}.values()) | set(delta_lake.states[table][-1].partition) if engine.name == "Spark" else columns
    for sql, holds in conditions(rows, schema, some):
        expected = type(rows)({row: n for row, n in rows.items() if holds(row)})
        found = engine.rows(delta_lake.path(table), where=sql_of(sql, engine.name), columns=columns)
        delta_lakes.same(found, expected, f"{engine.name}, {table} WHERE {sql}")


UPKEEP = ["silver.tickets", "silver.status_events", "gold.kpi_volume_daily", "bronze.pqrs_events"]


@pytest.fixture(scope="module")
def kept(delta_lake, tmp_path_factory):
    """Copies of the lake: optimized; in z-order; with a checkpoint alone; all of it and vacuumed."""
    folder = tmp_path_factory.mktemp("kept")

    def copy(name, *steps):
        lake = folder / name
        shutil.copytree(delta_lake.root, lake)
        for table in UPKEEP:
            for command, *options in steps:
                delta_ours.run("table", command, table, *options, lake=lake)
        return lake

    vacuum = ("vacuum", "--retention", "0h", "--no-retention-check")
    lakes = {"optimized": copy("optimized", ("optimize",)), "checkpoint": copy("checkpoint", ("checkpoint",)), "vacuumed": copy("vacuumed", ("optimize",), ("checkpoint",), vacuum)}
    lakes["z-order"] = folder / "z-order"
    shutil.copytree(delta_lake.root, lakes["z-order"])
    delta_ours.run("table", "optimize", "silver.tickets", "--zorder", "created_at,ticket_id", lake=lakes["z-order"])
    lakes["cut"] = folder / "cut"
    shutil.copytree(lakes["vacuumed"], lakes["cut"])
    for table in UPKEEP:
        log = lakes["cut"].joinpath(*table.split(".")) / "_delta_log"
        newest = max(log.glob("[0-9]*.checkpoint.parquet")).name.split(".")[0]
        for commit in log.glob("[0-9]*.json"):
            if commit.stem < newest:
                commit.unlink()
    return lakes


@pytest.mark.parametrize("upkeep", ["optimized", "z-order", "checkpoint", "vacuumed", "cut"])
def test_after_upkeep(engine, delta_lake, kept, upkeep):
    engine.check_all((kept[upkeep].joinpath(*table.split(".")), None, delta_lake.columns(table), delta_lake.expected[table][-1], f"{table}, {upkeep}") for table in UPKEEP)


def test_what_upkeep_did(delta_lake, kept):
    for table in UPKEEP:
        before, optimized = delta_lake.states[table][-1], delta_oracle.check_log(kept["optimized"].joinpath(*table.split(".")))
        partitions = {json.dumps(a["partitionValues"], sort_keys=True) for a in before.files.values()}
        assert len(optimized.files) == len(partitions), f"{table}: {len(optimized.files)} files in {len(partitions)} partitions"
        root = kept["vacuumed"].joinpath(*table.split("."))
        state = delta_oracle.check_log(root)
        there = {f for f in root.rglob("*.parquet") if "_delta_log" not in f.parts}
        assert there == {delta_oracle.path_of(root, a) for a in state.files.values()}, f"{table}: vacuum left or took other files"
        for version in range(before.version + 1, optimized.version + 1):
            actions = delta_oracle.actions(kept["optimized"].joinpath(*table.split(".")), version)
            assert all(a[k]["dataChange"] is False for a in actions for k in a if k in ("add", "remove")), (table, version)


def test_versions_before_optimize_stay_readable(engine, delta_lake, kept):
    engine.check_all((kept["optimized"].joinpath(*table.split(".")), version, delta_lake.columns(table, version), expected, f"{table} version {version}")
                     for table in UPKEEP for version, expected in enumerate(delta_lake.expected[table]))  # fmt: skip
