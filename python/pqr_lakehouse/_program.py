"""The program `pqr` as a child: its log lines to a logger, its report as a dict, its exit status as an exception.

What an orchestrator needs of a run and nothing more; none is known here. A run is resumed by the same command, so that to cancel is
always safe: the child is asked to stop (SIGINT), keeps what it has committed, and says so with status 130.
"""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import json
import logging
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zoneinfo
from typing import Any, Mapping, Optional, Sequence, Union

from ._library import PqrError

GRACE_S = 20  # after SIGINT; orchestrators that cancel give half a minute
POLL_S = 0.2  # an exception thrown into a waiting thread is raised between two waits
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


class ProgramError(PqrError):
    """`pqr` ended with another status than 0: code, or 128 and the signal's number. report: what it printed on standard output, or None."""

    transient = False  # may the same command succeed later, with nothing changed by a person?

    def __init__(self, text: str, code: int, report: Any = None):
        super().__init__(text, code)
        self.report = report

    def __reduce__(self):  # with its code and report through pickle, as exceptions travel between processes
        return type(self), (str(self), self.code, self.report)


class UsageError(ProgramError):
    """2: command line, configuration or parameters are wrong."""


class QualityError(ProgramError):
    """3: a CRITICAL quality check failed; nothing after its stage was done."""


class IntegrityError(ProgramError):
    """4: a stored object is missing or not what its hash says."""


class UnreachableError(ProgramError):
    """5: a service stayed out of reach after the program's own retries."""

    transient = True


class CancelledError(ProgramError):
    """130: interrupted; what was committed is kept, the same command goes on."""


ERRORS = {2: UsageError, 3: QualityError, 4: IntegrityError, 5: UnreachableError, 130: CancelledError}


def find() -> str:
    """PQR_PROGRAM, else `pqr` beside this Python (where the wheel puts it), on the PATH, or in build/ of the repository."""
    if os.environ.get("PQR_PROGRAM"):
        return os.environ["PQR_PROGRAM"]
    built = pathlib.Path(__file__).resolve().parents[2] / "build"
    found = shutil.which("pqr", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath), str(built)]))
    if not found:
        raise PqrError("no program pqr on the PATH: install the wheel of pqr_lakehouse or the Debian package, or name it in PQR_PROGRAM")
    return found


def options(values: Mapping[str, Any]) -> list:
    """{"from": date, "input": [a, b], "no_publish": True} as command line; None, False and empty lists are left out."""
    made = []
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            made.append(flag)
        elif value is not None and value is not False:
            made += [f"{flag}={v}" for v in (value if isinstance(value, (list, tuple)) else [value])]
    return made


def place(lake: Optional[str] = None, control: Optional[str] = None, more: Optional[Mapping[str, str]] = None) -> dict:
    """Lake and control plane as environment: an URI with a password must not stand in a list of processes."""
    return {**(more or {}), **{k: v for k, v in {"PQR_LAKE_URI": lake, "PQR_CONTROL_URI": control}.items() if v}}


def dated(text: str, instant: datetime.datetime, zone: str) -> str:
    """{date} and {date-N} in text, as `pqr schedule` has them: the local date of instant, N days before."""
    day = instant.astimezone(zoneinfo.ZoneInfo(zone)).date()
    return re.sub(r"\{date(?:-(\d+))?\}", lambda m: str(day - datetime.timedelta(days=int(m[1] or 0))), text)


class _Log(threading.Thread):
    """Standard error to the logger, line by line; keeps the last error for the exception. It closes the stream, since who closed it beside
    would wait for its lock as long as somebody holds the pipe."""

    def __init__(self, stream, logger):
        super().__init__(name="pqr-log", daemon=True)
        self.stream, self.logger, self.error = stream, logger, None
        self.context = contextvars.copy_context()  # by which some loggers know whose line it is
        self.start()

    def run(self):
        with self.stream:
            self.context.run(self._pass_on)

    def _pass_on(self):
        for line in self.stream:
            line = line.rstrip("\n")
            try:
                fields = json.loads(line)
                level, text = fields.pop("level"), fields.pop("msg")
                fields.pop("ts", None)
            except (ValueError, AttributeError, KeyError):  # before the log is set up it is plain text
                level, text, fields = "error" if "error:" in line else "info", line.removeprefix("pqr: error: "), {}
            if level == "error":
                self.error = text
            self.logger.log(LEVELS.get(level, logging.INFO), "%s", " ".join([text, *(f"{k}={v}" for k, v in fields.items())]))


def _stop(child):
    """Ask it to end, and make it after GRACE_S; killed, it is resumed like any other."""
    try:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _wait(child, cancel):
    try:
        while True:
            try:
                return child.wait(POLL_S)
            except subprocess.TimeoutExpired:
                if cancel is not None and cancel.is_set():
                    _stop(child)
    except BaseException:  # a timeout, a signal's exception, the end of the interpreter: whatever ends the caller ends the child
        _stop(child)
        raise


def _tied(command):
    """In a session of its own the child gets one SIGINT (a second one would end it at once); that it does not outlive a caller that is
    killed, the kernel sees to, where util-linux is there to ask it."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT", *command] if setpriv and sys.platform == "linux" else command


def _documents(text: str) -> list:
    made, at, between = [], 0, re.compile(r"\s*")
    while (at := between.match(text, at).end()) < len(text):
        document, at = json.JSONDecoder().raw_decode(text, at)
        made.append(document)
    return made


def run(
    arguments: Sequence[Union[str, os.PathLike]],
    *,
    env: Optional[Mapping[str, str]] = None,
    logger: Union[logging.Logger, logging.LoggerAdapter, Any] = logging.getLogger("pqr"),
    cancel: Optional[threading.Event] = None,
    lines: bool = False,
) -> Any:
    """Run `pqr arguments --json` to its end and give the last document that it printed: of `run --from-stream`, a run a date, the newest.
    env: added to the environment. cancel: set by another thread. lines: all documents.

    ProgramError, by its exit status one of the classes above.
    """
    command = _tied([find(), *map(os.fspath, arguments), "--json", "--log-format=json", "--no-progress"])
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(
            command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True
        )
        log = _Log(child.stderr, logger)
        try:
            code = _wait(child, cancel)
        finally:
            log.join(GRACE_S)  # a driver of the child may hold the pipe longer
        out.seek(0)
        text = out.read().decode(errors="replace")
    report = None
    try:
        made = _documents(text)
        report = made if lines else made[-1] if made else None
    except ValueError:  # a child that is killed may have written a part of it
        if code == 0:
            raise
    if code == 0:
        return report
    code = code if code > 0 else 128 - code
    said = log.error or (f"pqr was killed by signal {code - 128}" if code > 128 and code != 130 else f"pqr ended with status {code}")
    raise ERRORS.get(code, ProgramError)(said, code, report)


async def run_async(arguments: Sequence[Union[str, os.PathLike]], **keywords: Any) -> Any:
    """`run` in a thread. Cancelled, it cancels the child and waits for its end."""
    cancel = threading.Event()
    running = asyncio.ensure_future(asyncio.to_thread(run, arguments, cancel=cancel, **keywords))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        cancel.set()
        await asyncio.wait([running])
        running.exception()  # looked at: it was cancelled, as told
        raise
