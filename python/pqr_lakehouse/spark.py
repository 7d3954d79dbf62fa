"""Tasks of a run as jobs of Apache Spark, and tables as Spark data frames.

    pqr run --executor spark-local[4]            pqr run --executor spark://master:7077

The tasks of a stage are the tasks of one Spark job, without a barrier or a shuffle. Spark may run one of them twice (speculation, lost executors):
both write the same bytes under the same names. The executors need this package and the lake; PYSPARK_PYTHON names their Python.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

import pyspark
from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from . import Table, _worker
from ._engine import Engine, Event, Lost, Session, answered
from ._library import PqrError
from .run import Run, drive

_GATHER_S = 0.05  # submissions that come so close together are one job


def _answer(session: Session, credentials: Any, submitted: Tuple[int, int, str]) -> Tuple[int, int, str, Dict[str, Any]]:
    """On an executor, whose Python processes belong to this application alone."""
    id, attempt, document = submitted
    return id, attempt, _worker.name(), _worker.answer(session.lake, session.proof, document, credentials.value)


class SparkEngine(Engine):
    def __init__(self, uri: str, session: Session, post: Callable[[Event], None], spark: Optional[SparkSession] = None):
        self.session, self.post, self.own, self.closed = session, post, spark is None, False
        self.master = uri[len("spark-") :] if uri.startswith("spark-local") else uri
        self.seen = time.monotonic()  # when there was an executor
        try:
            self.spark = spark or self._start()
            self.context = self.spark.sparkContext
            self.credentials = self.context.broadcast(_worker.credentials() if session.forward_credentials else {})
        except Exception as e:  # pylint: disable=broad-exception-caught
            raise Lost(f"no Spark at {self.master}: {str(e).splitlines()[0]}") from e
        self.waiting: List[Tuple[int, int, str, str]] = []
        self.changed = threading.Condition()
        threading.Thread(target=self._gather, daemon=True).start()

    def _start(self) -> SparkSession:
        if self.master.startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.master(self.master).appName(f"pqr run {self.session.run_id}")
        return builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()

    def describe(self) -> str:
        return f"spark {pyspark.__version__} at {self.master}, parallelism {self.context.defaultParallelism}"

    def submit(self, id: int, attempt: int, task: Dict[str, Any]) -> None:
        with self.changed:
            self.waiting.append((id, attempt, json.dumps(task), task["stage"]))
            self.changed.notify()

    def _gather(self) -> None:
        while not self.closed:
            with self.changed:
                while not self.waiting and not self.closed:
                    self.changed.wait()
                n = 0
                while n < len(self.waiting):  # more may be on its way
                    n = len(self.waiting)
                    self.changed.wait(_GATHER_S)
                batch, self.waiting = self.waiting, []
            if batch:
                pyspark.InheritableThread(target=self._job, args=(batch,), daemon=True).start()

    def _job(self, batch: List[Tuple[int, int, str, str]]) -> None:
        session, credentials = self.session, self.credentials
        tasks = [(id, attempt, document) for id, attempt, document, _ in batch]
        try:
            self.context.setJobGroup(f"pqr-{session.label}", f"pqr {batch[0][3]}: {len(batch)} tasks of run {session.run_id}", interruptOnCancel=True)
            answers = self.context.parallelize(tasks, len(tasks)).map(lambda task: _answer(session, credentials, task)).collect()
        except Exception as e:  # pylint: disable=broad-exception-caught
            if not self.closed:
                self._failed(batch, e)
            return
        for id, attempt, worker, answer in answers:
            self.post(answered(id, attempt, worker, answer))

    def _failed(self, batch: List[Tuple[int, int, str, str]], e: Exception) -> None:
        """Of a job: Spark has tried its tasks on other executors as often as spark.task.maxFailures says, or is gone."""
        text = next((line for line in reversed(str(e).splitlines()) if "Error" in line or "Exception" in line), str(e).splitlines()[0] if str(e) else repr(e))
        if self._stopped():
            self.post(Lost(f"Spark at {self.master} is gone: {text.strip()}"))
            return
        error = PqrError(f"the Spark job failed: {text.strip()}", 5).document("E_UNREACHABLE", "fatal")
        for id, attempt, _, _ in batch:
            self.post(Event("failed", id, attempt, "", error))

    def _stopped(self) -> bool:
        try:
            return self.context._jsc is None or self.context._jsc.sc().isStopped()  # pylint: disable=protected-access
        except (Py4JError, OSError, AttributeError):
            return True

    def check(self) -> None:
        if self._stopped():
            raise Lost(f"Spark at {self.master} is gone")
        executors = self.context._jsc.sc().getExecutorMemoryStatus().size()  # pylint: disable=protected-access
        if executors > 1 or self.master.startswith("local"):  # this process is one of them
            self.seen = time.monotonic()
        if time.monotonic() - self.seen > self.session.silence_s:
            raise Lost(f"Spark at {self.master} has had no executor for {self.session.silence_s:.0f} s")

    def close(self) -> None:
        self.closed = True
        with self.changed:
            self.changed.notify()
        if self._stopped():
            return
        if self.own:
            self.spark.stop()
        else:
            self.context.cancelJobGroup(f"pqr-{self.session.label}")
            self.credentials.destroy()


ENGINE = SparkEngine


def frame(table: Table, session: SparkSession) -> "pyspark.sql.DataFrame":
    """What Table.to_spark() gives."""
    if table._where:
        raise ValueError(f"{table.name}: give the conditions to Spark: table.to_spark(session).where(...)")
    name, lake = table.name.replace(".", "/", 1), os.fspath(table.lake)
    if "/" not in name:
        raise ValueError(f"{name}: name it with its layer, as silver.{name}")
    lake = "s3a://" + lake[len("s3://") :] if lake.startswith("s3://") else lake if "://" in lake else "file://" + os.path.abspath(lake)
    try:
        rows = session.read.format("delta").option("versionAsOf", table.version).load(f"{lake}/{name}")
    except AnalysisException as e:
        if e.getCondition() != "DATA_SOURCE_NOT_FOUND":
            raise
        raise PqrError("this Spark session has no Delta Lake: give it the package io.delta:delta-spark and its two settings (docs.delta.io)", 1) from e
    return rows.select(*table._columns) if table._columns is not None else rows


def run(plan: Run, session: SparkSession, silence_s: float = 120.0, forward_credentials: bool = False) -> Dict[str, Any]:
    """Run all stages of a run on a Spark session, and give its report, as `pqr run --json` does.

    run(Run("pqrs", lake="s3://bucket/lake"), SparkSession.builder.getOrCreate())
    """
    master = session.sparkContext.master
    return drive(plan.executed_by(master), lambda s, post: SparkEngine(master, s, post, session), silence_s, forward_credentials)
