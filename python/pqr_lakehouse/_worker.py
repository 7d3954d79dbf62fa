"""What runs in a worker of an engine, whichever it is: prove that it may, run tasks, give results or errors as documents."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import threading
from typing import Any, Dict, Iterator, List, Optional, Tuple

from . import _library
from ._library import PqrError

# What S3 reads of the environment (docs/operate.md), but for names of files, which another machine may not have.
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_MAX_ATTEMPTS",
)
_CONTEXTS_MAX = 4  # open lakes of one thread

_mine = threading.local()
_proved: set = set()  # (lake, proof) that this process has shown; sets of CPython are safe to share
_running: Dict[Any, "_Lake"] = {}  # whose task runs now, by what the engine calls it
_changing = threading.Lock()  # held while _running changes or is looked through: what is in it is open
_environment = threading.RLock()  # held while AWS_* may be another's
_own: Dict[str, Optional[str]] = {}  # of what a session's credentials cover now: the values of before


def credentials() -> Dict[str, str]:
    """This process's own, to be handed on over an engine's own connection."""
    with _environment:
        values = {name: _own.get(name, os.environ.get(name)) for name in CREDENTIALS}
    return {name: value for name, value in values.items() if value is not None}


def wear(given: Dict[str, str]) -> None:
    """Have the environment say these credentials over this process's own, and none of another session's; {}: its own alone.

    It is changed only where it says others: C code of another thread may be reading it.
    """
    with _environment:
        for name in {*_own, *given}:
            value = given.get(name, _own.setdefault(name, os.environ.get(name)))
            if value is None:
                os.environ.pop(name, None)
            elif value != os.environ.get(name):
                os.environ[name] = value
        if not given:
            _own.clear()


class _Lake:
    """A pqr_context of one thread, kept for its next task: a connection to S3 costs more than a small task."""

    def __init__(self, uri: str):
        self.handle = ctypes.c_void_p()
        self.check(_library.library.pqr_open(os.fsencode(uri), ctypes.byref(self.handle)))

    def check(self, code: int) -> None:
        if code != 0:
            raise _library.last_error(self.handle, code)

    def close(self) -> None:
        _library.library.pqr_close(self.handle)

    def run(self, document: str) -> Any:
        result = ctypes.c_void_p()
        self.check(_library.library.pqr_task_run(self.handle, document.encode(), ctypes.byref(result)))
        try:
            return json.loads(ctypes.string_at(result))
        finally:
            _library.library.pqr_free(result)

    def progress(self) -> Tuple[int, int]:
        rows, bytes = ctypes.c_longlong(), ctypes.c_longlong()
        _library.library.pqr_task_progress(self.handle, ctypes.byref(rows), ctypes.byref(bytes))
        return rows.value, bytes.value


def _lake(uri: str, given: Dict[str, str]) -> _Lake:
    """Who asks is settled when a lake is opened, so that sessions with different credentials may overlap in one process."""
    kept: Dict[Tuple, _Lake] = _mine.__dict__.setdefault("lakes", {})
    with _environment:
        key = (uri, tuple(sorted({**credentials(), **given}.items())))
        if key not in kept:
            if len(kept) >= _CONTEXTS_MAX:
                kept.pop(next(iter(kept))).close()
            wear(given)
            kept[key] = _Lake(uri)
        return kept[key]


def name() -> str:
    """This process, for people."""
    return f"{socket.gethostname()}:{os.getpid()}"


def prove(lake: str, proof: str, given: Optional[Dict[str, str]] = None) -> str:
    """Show, once a process, that tasks of the plan may run here; PqrError says why not.

    given: the session's credentials, which go before this process's own.
    """
    if (lake, proof) not in _proved:
        opened = _lake(lake, given or {})
        opened.check(_library.library.pqr_proof_check(opened.handle, proof.encode()))
        _proved.add((lake, proof))
    return name()


@contextlib.contextmanager
def _known(key: Any, lake: _Lake) -> Iterator[None]:
    with _changing:
        _running[key] = lake
    try:
        yield
    finally:
        with _changing:
            _running.pop(key, None)


def progress() -> List[Tuple[Any, int, int]]:
    """Of each task that runs in this process now: its key, and the rows and bytes that it has read."""
    with _changing:
        return [(key, *lake.progress()) for key, lake in _running.items()]


def answer(lake: str, proof: str, document: str, given: Optional[Dict[str, str]] = None, key: Any = None) -> Dict[str, Any]:
    """Run one task: {"result": ...} or {"error": ...}, and never an exception, which an engine would wrap or run again for.

    key: what progress() calls it, where that is asked; of all that run in the process at a time no two have the same.
    """
    try:
        prove(lake, proof, given)
        opened = _lake(lake, given or {})
        with contextlib.nullcontext() if key is None else _known(key, opened):
            return {"result": opened.run(document)}
    except PqrError as e:
        return {"error": e.document()}
    except MemoryError:
        return {"error": PqrError("out of memory", 1).document("E_NOMEM")}
