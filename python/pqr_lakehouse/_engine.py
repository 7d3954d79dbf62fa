"""What an engine is to those who have tasks: somewhere to run them."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any, Callable, Dict, NamedTuple

from ._library import PqrError

ENGINES = {"dask": "pqr_lakehouse.dask", "spark": "pqr_lakehouse.spark"}

class Session(NamedTuple):
    """What an engine has to know beside the tasks."""

    lake: str
    run_id: str
    proof: str  # as JSON text; see pqr_proof_check
    silence_s: float  # how long an engine may take to start, or have no worker
    forward_credentials: bool

    @property
    def label(self) -> str:
        """Tells this session from an earlier one of the same run."""
        return json.loads(self.proof)["nonce"][:8]


class Event(NamedTuple):
    """What happened to an attempt of a task. kind: started, progress, done or failed. body: the rows and bytes that it has read, the
    result, or the error."""

    kind: str
    id: int
    attempt: int
    worker: str
    body: Any = None


class Lost(Exception):
    """The engine can run nothing more. The document says why."""

    def __init__(self, message: str, code: str = "E_UNREACHABLE", exit_status: int = 5):
        super().__init__(message)
        self.document = PqrError(message, exit_status).document(code)


class Engine:
    """Runs tasks somewhere. Events are posted from any thread."""

    def __init__(self, uri: str, session: Session, post: Callable[[Event], None]):
        raise NotImplementedError

    def describe(self) -> str:
        """The engine and its version, for people."""
        raise NotImplementedError

    def submit(self, id: int, attempt: int, task: Dict[str, Any]) -> None:
        """Begin an attempt; its end is posted, once."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises Lost when nothing more can be expected."""

    def close(self) -> None:
        """Let go of all that runs."""


def answered(id: int, attempt: int, worker: str, answer: Dict[str, Any]) -> Event:
    """The event of what _worker.answer gave."""
    if "result" in answer:
        return Event("done", id, attempt, worker, answer["result"])
    error = dict(answer["error"])
    error["message"] = f"worker {worker}: {error['message']}"
    return Event("failed", id, attempt, worker, error)


def load(name: str) -> Callable[[str, Session, Callable[[Event], None]], Engine]:
    """The class of an engine. Lost: what has to be installed for it."""
    try:
        return importlib.import_module(ENGINES[name]).ENGINE
    except ImportError as e:
        raise Lost(f"{e}: install it for {sys.executable}: pip install 'pqr_lakehouse[{name}]'", "E_NOT_FOUND", 1) from e
