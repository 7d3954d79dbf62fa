"""The engines that read and write Delta tables beside us, behind one form each: engine.rows(root, version) as delta_oracle has
rows. An engine that is not installed skips its tests with the reason."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import delta_oracle
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CACHE = pathlib.Path(os.environ.get("PQR_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "pqr")
JARS = pathlib.Path(__file__).resolve().parents[1] / "jars.sha256"
SPARK = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension", "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "1", "spark.databricks.delta.snapshotPartitions": "1", "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
    "spark.sql.ui.retainedExecutions": "1", "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    # of each small query most is compiling its Java: interpret it
    "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone=UTC",
}  # fmt: skip


class Engine:
    def rows(self, root, version=None, where=None, columns=None):
        table = self.table(root, version, where)
        return delta_oracle.rows_of(table, columns or table.column_names)

    def check(self, root, version, columns, expected, what):
        same(self.rows(root, version, columns=columns), expected, f"{self.name}, {what}")

    def check_all(self, wanted):
        for arguments in wanted:
            self.check(*arguments)

    def close(self):
        pass


class DeltaRs(Engine):
    name = "delta-rs"

    def __init__(self):
        self.lib = pytest.importorskip("deltalake", reason="deltalake is not installed")

    def open(self, root, version=None):
        return self.lib.DeltaTable(str(root), version=version)

    def table(self, root, version=None, where=None):
        query = self.lib.QueryBuilder().register("t", self.open(root, version))
        return pa.table(query.execute("SELECT * FROM t" + (f" WHERE {where}" if where else "")))

    def version(self, root):
        return self.open(root).version()

    def write(self, root, table, **options):
        self.lib.write_deltalake(str(root), table, **options)


class Polars(Engine):
    name = "Polars"

    def __init__(self):
        self.lib = pytest.importorskip("polars", reason="polars is not installed")
        pytest.importorskip("deltalake", reason="deltalake is not installed")

    def table(self, root, version=None, where=None):
        frame = self.lib.scan_delta(str(root), version=version)
        return (frame.filter(self.lib.sql_expr(where)) if where else frame).collect().to_arrow()


class DuckDB(Engine):
    """A program of its own, asked line by line: the version with the extension is another one than the tests' DuckDB."""

    name = "DuckDB"

    def __init__(self):
        python = CACHE / "venv-duckdb/bin/python"
        if not python.exists():
            pytest.skip("no DuckDB with its delta extension (package registry out of reach?)")
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([python, "-c", DUCK_PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def table(self, root, version=None, where=None):
        out = pathlib.Path(self.folder.name) / "out.parquet"
        print(json.dumps({"root": str(root), "version": version, "where": where, "out": str(out)}), file=self.process.stdin)
        answer = json.loads(self.process.stdout.readline())
        assert answer is None, f"DuckDB: {answer}"
        return pq.ParquetFile(out).read()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.folder.cleanup()


DUCK_PROGRAM = """
import json, sys, pathlib, duckdb, duckdb_extension_delta
extension, = pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension")
db = duckdb.connect()
db.execute("SET enable_progress_bar = false") # of slow statements, the next one among them, it would stand between the answers
db.execute(f"LOAD '{extension}'")
db.execute("SET TimeZone = 'UTC'")
def run(root, version, where, out):
    quoted = "'" + root.replace("'", "''") + "'"
    db.execute(f"ATTACH {quoted} AS t (TYPE delta{'' if version is None else f', VERSION {version}'})")
    try:
        db.execute(f"COPY (SELECT * FROM t{f' WHERE {where}' if where else ''}) TO '{out}' (FORMAT parquet)")
    finally:
        db.execute("DETACH t")
for line in sys.stdin:
    try:
        run(**json.loads(line))
        print("null", flush=True)
    except Exception as e:
        print(json.dumps(str(e)), flush=True)
"""


class Spark(Engine):
    name = "Spark"

    def __init__(self, warehouse):
        jars = [CACHE / "jars" / line.split("/")[-1] for line in JARS.read_text().split("\n") if line]
        packages = sorted((CACHE / "venv-spark/lib").glob("python*/site-packages")) if (CACHE / "venv-spark").exists() else []
        missing = [j.name for j in jars if not j.exists()]
        if not packages or missing:
            pytest.skip(f"no Spark with Delta: {'no pyspark' if not packages else 'no ' + ', '.join(missing)} (scripts/install-deps test says why)")
        sys.path.append(str(packages[0]))  # of the same Python: only pyspark and py4j are taken from there
        from pyspark.sql import SparkSession

        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        builder = SparkSession.builder.master("local[2]").config("spark.jars", ",".join(map(str, jars))).config("spark.sql.warehouse.dir", str(warehouse))
        self.session = builder.config(map=SPARK).getOrCreate()
        self.session.sparkContext.setLogLevel("OFF")

    def sql(self, text):
        return self.session.sql(text)

    def table(self, root, version=None, where=None):
        travel = "" if version is None else f" VERSION AS OF {version}"
        return self.sql(f"SELECT * FROM delta.`{root}`{travel}" + (f" WHERE {where}" if where else "")).toArrow()

    def check_all(self, wanted):
        """Two at a time: most of a small query is planning, on one core."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda arguments: self.check(*arguments), wanted))

    def close(self):
        self.session.stop()

    def version(self, root):
        return self.sql(f"DESCRIBE HISTORY delta.`{root}` LIMIT 1").collect()[0]["version"]


def same(found, expected, what):
    """Counters compared with an answer a person can read."""
    if found == expected:
        return
    missing, extra = expected - found, found - expected
    raise AssertionError(f"{what}: {sum(missing.values())} rows missing, {sum(extra.values())} too many\nmissing {list(missing)[:2]}\ntoo many {list(extra)[:2]}")
