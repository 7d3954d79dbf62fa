"""One table, several writers: delta-rs, Spark and pqr take turns on a lake's tables, and race. Nothing is lost, versions have no gap."""

import collections
import datetime
import multiprocessing

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("deltalake", reason="deltalake is not installed")
import delta_lakes  # noqa: E402
import delta_oracle  # noqa: E402
import delta_ours  # noqa: E402
from test_delta_write import FIRST, SECOND, THIRD, pqr_run  # noqa: E402

THEIRS = "44444444-4444-4444-8444-444444444444"
TABLE = "silver.tickets"


class Shared:
    """The table, and the rows of each writer's part of it as they ought to be."""

    def __init__(self, folder):
        self.lake, self.root = folder / "lake", folder / "lake/silver/tickets"
        self.parts, self.versions = {}, 0

    def state(self):
        return delta_oracle.check_log_files(self.root)

    def rows(self, run_id=None):
        state = self.state()
        at = [name for name, _ in state.schema].index("run_id")
        return collections.Counter({row: n for row, n in delta_oracle.rows(state).items() if run_id in (None, row[at])})

    def check(self, step, engines=()):
        state, expected = self.state(), sum(self.parts.values(), collections.Counter())
        delta_lakes.same(delta_oracle.rows(state), expected, step)
        delta_lakes.same(delta_ours.Cat().rows(self.root, schema=state.schema), expected, f"{step}, read by pqr")
        for engine in engines:
            delta_lakes.same(engine.rows(self.root, columns=[name for name, _ in state.schema]), expected, f"{step}, read by {engine.name}")
        assert state.version >= self.versions, step
        self.versions = state.version

    def table(self, *arguments):
        delta_ours.run("table", arguments[0], TABLE, *arguments[1:], lake=self.lake)


def foreign_rows(state, n):
    """Rows as another program might add them: known ones, changed where it matters here."""
    known = max((delta_oracle.file_table(state, a) for a in state.files.values()), key=lambda t: t.num_rows).slice(0, n)
    assert known.num_rows == n
    new = {"ticket_id": [f"00000000-0000-4000-8000-{i:012d}" for i in range(n)], "external_id": ["x/y %=é"] * n, "month": ["2026-01"] * n, "run_id": [THEIRS] * n,
           "created_at": [datetime.datetime(2026, 1, 5, 1, 2, 3, i, datetime.timezone.utc) for i in range(n)]}  # fmt: skip
    return pa.table({name: pa.array(new[name], delta_oracle.arrow_type(kind)) if name in new else known.column(name) for name, kind in state.schema})


def test_turns(engines, tmp_path):
    rs, spark = engines["delta-rs"], engines["Spark"]
    everybody = [rs, engines["Polars"], engines["DuckDB"], spark]
    s, t = Shared(tmp_path), f"delta.`{tmp_path}/lake/silver/tickets`"
    pqr_run(s.lake, FIRST, "--from", "2025-12-25", "--to", "2026-01-10", "--volume", "10")
    s.parts[FIRST] = s.rows()
    rows = foreign_rows(s.state(), 6)
    rs.write(s.root, rows, mode="append")
    s.parts[THEIRS] = delta_oracle.rows_of(rows, rows.column_names)
    s.check("delta-rs appended")
    pqr_run(s.lake, SECOND, "--from", "2025-12-28", "--to", "2026-01-12", "--volume", "8", "--seed", "4")
    s.parts[SECOND] = s.rows(SECOND)
    assert s.parts[SECOND]
    s.check("pqr added a run", everybody)
    spark.sql(f"OPTIMIZE {t}")
    s.check("Spark compacted")
    spark.sql(f"DELETE FROM {t} WHERE ticket_id = '00000000-0000-4000-8000-000000000000'")
    spark.sql(f"UPDATE {t} SET external_id = 'new' WHERE run_id = '{THEIRS}'")
    s.parts[THEIRS] = s.rows(THEIRS)
    assert sum(s.parts[THEIRS].values()) == 5
    s.check("Spark changed the rows of delta-rs", everybody)
    pqr_run(s.lake, THIRD, "--from", "2025-12-27", "--to", "2026-01-09", "--volume", "9", "--seed", "5")
    s.parts[THIRD] = s.rows(THIRD)
    assert s.parts[THIRD]
    s.check("pqr added a third run", everybody)
    rs.open(s.root).create_checkpoint()
    rs.open(s.root).optimize.z_order(["ticket_id"])
    s.check("delta-rs put it in z-order")
    rs.write(s.root, rows, mode="append")
    s.parts[THEIRS] += delta_oracle.rows_of(rows, rows.column_names)
    s.table("optimize")
    s.table("checkpoint")
    s.check("pqr compacted", everybody)
    spark.sql(f"MERGE INTO {t} USING (SELECT '00000000-0000-4000-8000-000000000003' AS k) ON ticket_id = k WHEN MATCHED THEN DELETE")
    s.parts[THEIRS] = s.rows(THEIRS)
    assert sum(s.parts[THEIRS].values()) == 9
    s.table("vacuum", "--retention", "0h", "--no-retention-check")
    s.check("pqr vacuumed", everybody)
    assert delta_oracle.commits(s.root) == list(range(s.versions + 1))


def append(root, writer, n):
    import deltalake

    for i in range(n):
        data = pa.table({"id": pa.array([writer * 1000 + i], pa.int64()), "p": [f"p{i % 2}"]})
        deltalake.write_deltalake(str(root), data, mode="append", partition_by=["p"])


def test_race_of_appends_and_upkeep(engines, tmp_path):
    """Two processes of delta-rs append while pqr compacts and writes checkpoints: each row is there once."""
    root, n = tmp_path / "silver" / "race", 30
    append(root, 0, 4)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append, args=(root, w, n)) for w in (1, 2)]
    for w in writers:
        w.start()
    rounds = 0
    while any(w.is_alive() for w in writers) or rounds == 0:
        delta_ours.run("table", "optimize", "silver.race", lake=tmp_path)
        delta_ours.run("table", "checkpoint", "silver.race", lake=tmp_path)
        rounds += 1
    for w in writers:
        w.join()
        assert w.exitcode == 0
    state = delta_oracle.check_log_files(root)
    ids = sorted([*range(4), *(w * 1000 + i for w in (1, 2) for i in range(n))])
    expected = collections.Counter((i, f"p{i % 1000 % 2}") for i in ids)
    delta_lakes.same(delta_oracle.rows(state), expected, "after the race")
    delta_lakes.same(engines["delta-rs"].rows(root, columns=["id", "p"]), expected, "after the race, by delta-rs")
    assert sum("pqr" in i.get("engineInfo", "") for i in state.infos) > 0, "no commit of pqr fell into the race"


def test_frames(engines, tmp_path):
    """Table.to_spark(): by the session's own Delta, of the version that the table saw."""
    Table, spark = delta_ours.Python().lib.Table, engines["Spark"].session
    table = Table("scratch.rows", lake=tmp_path, columns=["text", "id"])
    Table("scratch.rows", lake=tmp_path).append(pa.table({"id": [1, 2], "text": ["a", "b"]}))
    assert table.version == 0
    Table("scratch.rows", lake=tmp_path).append(pa.table({"id": [3], "text": ["c"]}))
    frame = table.to_spark(spark)
    assert frame.columns == ["text", "id"] and sorted(map(tuple, frame.collect())) == [("a", 1), ("b", 2)]
    assert [r.id for r in table.refresh().to_spark(spark).where("text >= 'c'").collect()] == [3]
    with pytest.raises(ValueError, match="to_spark"):
        Table("scratch.rows", lake=tmp_path, where="id > 1").to_spark(spark)
    with pytest.raises(ValueError, match="silver.rows"):
        Table("rows", lake=tmp_path).to_spark(spark)
