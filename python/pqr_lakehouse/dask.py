"""Tasks of a run on a Dask cluster, and tables as Dask collections.

    pqr run --executor dask://scheduler:8786

One Dask task a task of the plan, keyed by run, stage and task. The workers need this package and the lake; the memory of a task is its
input's and output's (docs/scaling.md), outside of what Dask manages. PQR_DASK_RESOURCES ("MEMORY=2e9,PQR=1") states what a task takes of the
workers' resources.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import threading
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

import distributed
from distributed.comm import CommClosedError
from distributed.diagnostics.plugin import WorkerPlugin

from . import Table, _worker
from ._library import PqrError
from .run import Run, drive
from ._engine import Engine, Event, Lost, Session, answered

if TYPE_CHECKING:
    import dask.dataframe
    import pandas
    import pyarrow

_log = logging.getLogger("distributed.worker.pqr")
_PROGRESS_S = 1.0


class PqrWorkerPlugin(WorkerPlugin):
    """Makes a worker ready for tasks of one session, also one that joins later: credentials where they were asked for, which travel with
    the plug-in alone, and no temporary files of a process that was killed before. While tasks run it tells how far they are."""

    def __init__(self, session: Session):
        self.name = f"pqr-{session.label}"
        self.session = session
        self.credentials = _worker.credentials() if session.forward_credentials else {}

    def setup(self, worker: distributed.Worker) -> None:
        _log.info("tasks of run %s may come", self.session.run_id)
        self.ended = threading.Event()
        threading.Thread(target=self._tell, args=(worker,), name=self.name, daemon=True).start()

    def _tell(self, worker: distributed.Worker) -> None:
        told: Dict[Any, Any] = {}
        while not self.ended.wait(_PROGRESS_S):
            now = {key: {"rows": rows, "bytes": bytes} for key, rows, bytes in _worker.progress() if key[0] == self.name}
            for key, body in now.items():
                _, id, attempt = key
                if any(body.values()) and told.get(key) != body:
                    worker.log_event(self.name, {"id": id, "attempt": attempt, "worker": worker.address, "progress": body})
            told = now

    def teardown(self, worker: distributed.Worker) -> None:
        self.ended.set()
        _worker.wear({})
        _log.info("no more tasks of run %s", self.session.run_id)


def _given(session: Session, worker: distributed.Worker) -> Dict[str, str]:
    plugin: Any = worker.plugins[f"pqr-{session.label}"]
    return plugin.credentials


def _task(session: Session, id: int, attempt: int, document: str) -> Dict[str, Any]:
    """On a worker. The GIL is released while the library runs: other tasks and the worker's own connections go on."""
    worker = distributed.get_worker()
    worker.log_event(f"pqr-{session.label}", {"id": id, "attempt": attempt, "worker": worker.address})
    began = time.perf_counter()
    answer = _worker.answer(session.lake, session.proof, document, _given(session, worker), (f"pqr-{session.label}", id, attempt))
    said = answer.get("error", {}).get("message", "done")
    _log.info("task %s: %s after %.3f s", json.loads(document)["task_id"], said, time.perf_counter() - began)
    return {"worker": worker.address, **answer}


def _prove(session: Session, dask_worker: distributed.Worker) -> Optional[Dict[str, Any]]:
    try:
        _worker.prove(session.lake, session.proof, _given(session, dask_worker))
    except PqrError as e:
        return e.document()
    return None


def _resources() -> Dict[str, float]:
    stated = os.environ.get("PQR_DASK_RESOURCES", "")
    return {name: float(value) for name, value in (pair.split("=", 1) for pair in stated.split(",") if pair)}


# What the client raises when it cannot reach the scheduler, or no longer.
CONNECTION = (CommClosedError, ConnectionError, TimeoutError)


class DaskEngine(Engine):
    def __init__(self, uri: str, session: Session, post: Callable[[Event], None], client: Optional[distributed.Client] = None):
        address = uri[len("dask://") :] if uri.startswith("dask://") else uri
        self.address = address if "://" in address else f"tcp://{address}"
        self.session, self.post, self.own = session, post, client is None
        self.futures: Dict[Any, distributed.Future] = {}
        self.closed = False
        self.seen = time.monotonic()  # when there was a worker
        try:
            self.client = client or distributed.Client(self.address, timeout=session.silence_s / 2, set_as_default=False)
        except (OSError, TimeoutError) as e:
            raise Lost(f"no Dask scheduler answers at {self.address}") from e
        self.plugin = PqrWorkerPlugin(session)
        self.topic = f"pqr-{session.label}"
        try:
            self._prepare()
        except BaseException:  # nobody has the engine to close it: the plug-in would stay on the scheduler, credentials and all
            self.close()
            raise

    def _prepare(self) -> None:
        try:
            self.client.register_plugin(self.plugin)
            self.client.subscribe_topic(self.topic, self._told)
            refused = {worker: error for worker, error in self.client.run(_prove, self.session).items() if error is not None}
        except CONNECTION as e:
            raise self._gone() from e
        except Exception as e:  # pylint: disable=broad-exception-caught
            raise Lost(f"a worker of {self.address} cannot take tasks ({type(e).__name__}: {e}): is pqr_lakehouse installed there?", "E_CONFLICT", 1) from e
        for worker, error in sorted(refused.items()):
            raise Lost(f"worker {worker} is refused: {error['message']}", error["code"], error["exit"])

    def _gone(self) -> Lost:
        return Lost(f"the Dask scheduler at {self.address} is gone")

    def describe(self) -> str:
        return f"dask {distributed.__version__} at {self.address}, {len(self.client.nthreads())} workers"

    def _told(self, event: Any) -> None:
        _, body = event
        self.post(Event("progress" if "progress" in body else "started", body["id"], body["attempt"], body["worker"], body.get("progress")))

    def submit(self, id: int, attempt: int, task: Dict[str, Any]) -> None:
        key = (f"pqr-{task['stage']}", self.session.run_id, task["task_id"], attempt, self.session.label)
        try:
            future = self.client.submit(
                _task, self.session, id, attempt, json.dumps(task), key=key, pure=False, retries=0, resources=_resources() or None
            )
        except CONNECTION as e:
            raise self._gone() from e
        self.futures[id, attempt] = future
        future.add_done_callback(lambda done: self._done(id, attempt, done))

    def _done(self, id: int, attempt: int, future: distributed.Future) -> None:
        if self.closed:
            return
        self.futures.pop((id, attempt), None)
        try:
            answer = future.result()
            self.post(answered(id, attempt, answer["worker"], answer))
        except (CancelledError, *CONNECTION):
            self.post(self._gone())
        except distributed.KilledWorker as e:  # after as many workers as distributed.scheduler.allowed-failures says
            error = PqrError(f"{e.last_worker.address} and others before it died of this task", 5).document("E_UNREACHABLE", "fatal")
            self.post(Event("failed", id, attempt, e.last_worker.address, error))
        except Exception as e:  # pylint: disable=broad-exception-caught
            error = PqrError(f"{type(e).__name__}: {e}", 1).document("E_IO", "fatal")
            self.post(Event("failed", id, attempt, "", error))

    def check(self) -> None:
        if self.client.status != "running":
            raise self._gone()
        try:
            workers = self.client.nthreads()
        except CONNECTION as e:
            raise self._gone() from e
        now = time.monotonic()
        if workers:
            self.seen = now
        if now - self.seen > self.session.silence_s:
            raise Lost(f"the Dask cluster at {self.address} has had no worker for {self.session.silence_s:.0f} s")

    def close(self) -> None:
        self.closed = True
        running = self.client.status == "running"
        with contextlib.suppress(Exception):
            if running and self.futures:
                self.client.cancel(list(self.futures.values()), force=True)
        with contextlib.suppress(Exception):
            if running:
                self.client.unregister_worker_plugin(self.plugin.name)
        with contextlib.suppress(Exception):
            if running:
                self.client.unsubscribe_topic(self.topic)
        if self.own:
            with contextlib.suppress(Exception):
                self.client.close(timeout=2)


ENGINE = DaskEngine


# ---- tables ----


@functools.lru_cache(maxsize=8)
def _version(name: str, lake: str, version: int) -> Table:
    """On a worker: its log is read once, not once a partition."""
    return Table(name, lake, version)


def _pandas(rows: "pyarrow.Table") -> "pandas.DataFrame":
    import pandas

    return rows.to_pandas(types_mapper=pandas.ArrowDtype)


def _partition(file: str, columns: Optional[List[str]], name: str, lake: str, version: int, where: Optional[List[str]]) -> "pandas.DataFrame":
    import pyarrow

    return _pandas(pyarrow.table(_version(name, lake, version)._part(columns, where, [file])))


def frame(table: Table) -> "dask.dataframe.DataFrame":
    """What Table.to_dask() gives."""
    import dask.dataframe
    import pyarrow

    meta = _pandas(pyarrow.schema(table).empty_table())
    files = [file.path for file in table.files(selected=True)]
    if not files:
        return dask.dataframe.from_pandas(meta, npartitions=1)
    lake = os.fspath(table.lake)
    made = {"name": table.name, "lake": lake if "://" in lake else os.path.abspath(lake), "version": table.version, "where": table._where}
    return dask.dataframe.from_map(_partition, files, columns=list(meta.columns), **made, meta=meta, label=f"pqr-{table.name}")


def run(
    plan: Run,
    address: Optional[str] = None,
    client: Optional[distributed.Client] = None,
    silence_s: float = 120.0,
    forward_credentials: bool = False,
) -> Dict[str, Any]:
    """Run all stages of a run on a Dask cluster, at an address or of a client, and give its report, as `pqr run --json` does.

    run(Run("pqrs", lake="s3://bucket/lake"), "tcp://scheduler:8786")
    """
    if (address is None) == (client is None):
        raise ValueError("run(plan, address) or run(plan, client=...)")
    where = address or client.scheduler.address
    return drive(plan.executed_by(f"dask://{where}"), lambda s, post: DaskEngine(where, s, post, client), silence_s, forward_credentials)
