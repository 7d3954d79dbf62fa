"""A run step by step: the plan of each stage, its tasks wherever they run, the commit."""

from __future__ import annotations

import ctypes
import heapq
import json
import os
import queue
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Type, Union

from . import _library, _worker
from ._library import PqrError

if TYPE_CHECKING:
    from ._engine import Engine, Event, Session

_TICK_S = 1.0


class Plan(NamedTuple):
    """The next stage. tasks: documents for run_task, those that are not done yet. proof: what a worker shows first, as JSON."""

    stage: str
    tasks: List[Dict[str, Any]]
    proof: str
    here: bool  # the tasks read files of this machine


class Run:
    """One run of a workload, as `pqr run` makes it, whose tasks the caller has run.

        with Run("pqrs", lake="s3://bucket/lake", seed=7) as run:
            while plan := run.plan():
                run.commit([{"task_id": t["task_id"], "worker": "me", "result": run_task(t, run.lake)} for t in plan.tasks])
        print(run.report["root"])

    While it is entered this process holds the run's lease. An exception ends the run as FAILED, or as waiting to be resumed where it is a
    KeyboardInterrupt; the next Run with the same options goes on where it was. Options are those of the workload and the run (seed, from_,
    to, volume, rate, run_id, as_of, emit_from, source, until, only, publish, replace_published), `settings` are keys of the configuration.
    """

    def __init__(
        self,
        workload: str = "pqrs",
        lake: Union[str, os.PathLike] = "./lake",
        control: Optional[str] = None,
        config: Union[str, os.PathLike, None] = None,
        settings: Optional[Dict[str, Any]] = None,
        inputs: Optional[Sequence[Union[str, os.PathLike]]] = None,
        **options: Any,
    ):
        self.lake = os.fspath(lake)
        if "://" not in self.lake:  # workers have folders of their own
            self.lake = os.path.abspath(self.lake)
        self.run_id = ""
        self.report: Dict[str, Any] = {}
        self._options: Dict[str, Any] = {"workload": workload}
        given = {"control": control, "config": None if config is None else os.fspath(config)}
        for name, value in {**given, **options}.items():
            if value is not None:
                self._options[name.rstrip("_")] = value if isinstance(value, bool) else str(value)
        if settings:
            self._options["settings"] = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in settings.items()}
        if inputs is not None:
            self._options["inputs"] = [os.fspath(i) for i in inputs]
        self._context = ctypes.c_void_p()
        self._handle: Optional[ctypes.c_void_p] = None

    def _check(self, code: int) -> None:
        if code != 0:
            raise _library.last_error(self._context, code)

    def _run(self) -> ctypes.c_void_p:
        if self._handle is None:
            raise ValueError("a Run works inside of `with`")
        return self._handle

    @staticmethod
    def _take(text: ctypes.c_void_p) -> Any:
        try:
            return json.loads(ctypes.string_at(text))
        finally:
            _library.library.pqr_free(text)

    def executed_by(self, executor: str) -> "Run":
        """Name who runs the tasks, for meta.runs; before it is entered."""
        self._options["executor"] = executor
        return self

    def __enter__(self) -> "Run":
        lib, handle = _library.library, ctypes.c_void_p()
        try:
            self._check(lib.pqr_open(os.fsencode(self.lake), ctypes.byref(self._context)))
            self._check(lib.pqr_run_begin(self._context, json.dumps(self._options).encode(), ctypes.byref(handle)))
        except PqrError:
            lib.pqr_close(self._context)
            raise
        self._handle = handle
        self.run_id = lib.pqr_run_id(handle).decode()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        outcome = 0 if kind is None else 130 if issubclass(kind, KeyboardInterrupt) else getattr(error, "code", 1) or 1
        report = ctypes.c_void_p()
        handle, self._handle = self._run(), None
        try:
            code = _library.library.pqr_run_end(handle, outcome, ctypes.byref(report))
            if code != 0 and kind is None:
                self._check(code)
            if report:
                self.report = self._take(report)
        finally:
            _library.library.pqr_close(self._context)

    @property
    def stage(self) -> Optional[str]:
        """The stage that comes next, "publish" included; None: all is done."""
        name = _library.library.pqr_run_stage(self._run())
        return name.decode() if name is not None else None

    def plan(self) -> Optional[Plan]:
        """The next stage, None after the last. "publish" has no tasks: commit it as it is."""
        if self.stage is None:
            return None
        text = ctypes.c_void_p()
        self._check(_library.library.pqr_run_plan(self._run(), ctypes.byref(text)))
        plan = self._take(text)
        return Plan(plan["stage"], plan["tasks"], json.dumps(plan["proof"]), plan["here"])

    def record(self, ended: Dict[str, Any]) -> Optional[float]:
        """Write down how an attempt of a task ended: {"task_id", "worker", "result" or "error"}. After how many seconds the task is to be
        tried again, or None; PqrError where its error is final."""
        after = ctypes.c_longlong(-1)
        self._check(_library.library.pqr_task_record(self._run(), json.dumps(ended).encode(), ctypes.byref(after)))
        return after.value / 1e6 if after.value >= 0 else None

    def commit(self, results: Iterable[Dict[str, Any]] = ()) -> None:
        """Check and commit the planned stage. results: of those of its tasks that are not recorded yet."""
        self._check(_library.library.pqr_stage_commit(self._run(), json.dumps(list(results)).encode()))


def _here(run: Run, plan: Plan, tasks: Iterable[Dict[str, Any]]) -> None:
    for task in tasks:
        after: Optional[float] = 0.0
        while after is not None:
            time.sleep(after)
            answer = _worker.answer(run.lake, plan.proof, json.dumps(task))
            after = run.record({"task_id": task["task_id"], "worker": _worker.name(), **answer})


def _elsewhere(run: Run, plan: Plan, engine: "Engine", happened: "queue.Queue", first: int) -> None:
    """All tasks of a stage by an engine; what the library says is tried again is submitted again."""
    attempts, left, waiting = {}, len(plan.tasks), []
    for i, task in enumerate(plan.tasks):
        attempts[first + i] = 0
        engine.submit(first + i, 0, task)
    while left:
        try:
            event = happened.get(timeout=max(0.0, min([_TICK_S] + [due - time.monotonic() for due, _ in waiting[:1]])))
        except queue.Empty:
            engine.check()
            event = None
        if isinstance(event, Exception):
            raise event
        while waiting and waiting[0][0] <= time.monotonic():
            _, id = heapq.heappop(waiting)
            engine.submit(id, attempts[id], plan.tasks[id - first])
        if event is None or event.kind in ("started", "progress") or attempts.get(event.id) != event.attempt:
            continue
        body = {"result" if event.kind == "done" else "error": event.body}
        after = run.record({"task_id": plan.tasks[event.id - first]["task_id"], "worker": event.worker, **body})
        if after is None:
            left -= 1
            del attempts[event.id]
        else:
            attempts[event.id] += 1
            heapq.heappush(waiting, (time.monotonic() + after, event.id))


def drive(run: Run, open_engine: Callable[["Session", Callable[["Event"], None]], "Engine"], silence_s: float, forward_credentials: bool) -> Dict[str, Any]:
    """All stages of a run by an engine, which is opened for the first stage that needs it. The run's report."""
    from ._engine import Lost, Session

    happened: "queue.Queue" = queue.Queue()
    engine: Optional["Engine"] = None
    submitted = 0
    try:
        with run:
            while plan := run.plan():
                if plan.here:
                    _here(run, plan, plan.tasks)
                elif plan.tasks:
                    if engine is None:
                        engine = open_engine(Session(run.lake, run.run_id, plan.proof, silence_s, forward_credentials), happened.put)
                    _elsewhere(run, plan, engine, happened, submitted)
                    submitted += len(plan.tasks)
                run.commit()
    except Lost as e:
        raise PqrError(str(e), e.document["exit"], e.document["code"], e.document["class"]) from e
    finally:
        if engine is not None:
            engine.close()
    return run.report
