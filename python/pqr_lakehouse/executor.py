"""The process between `pqr run --executor ...` and an engine: `python -m pqr_lakehouse.executor dask dask://HOST:PORT`.

It takes task documents and gives results as JSON lines (src/flow/executor_driver.c has the protocol). Which tasks there are, which of them
are tried again and what becomes of their results is decided over there.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from typing import Any, Dict, Optional

from . import _worker
from ._engine import ENGINES, Engine, Event, Lost, Session, load
from ._library import PqrError

class _Driver:
    """Standard input and an engine in, standard output out: one queue for all that happens, one thread that acts."""

    def __init__(self, name: str, uri: str):
        self.name, self.uri = name, uri
        self.happened: queue.Queue = queue.Queue()
        self.out = sys.stdout.buffer
        sys.stdout = sys.stderr  # what a library prints is not an answer
        self.engine: Optional[Engine] = None

    def say(self, **message: Any) -> None:
        self.out.write(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
        self.out.flush()

    def read(self) -> None:
        """Not by sys.stdin, whose lock a thread that waits for input would hold at the end of the process."""
        rest = b""
        while chunk := os.read(0, 1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.happened.put(json.loads(line))
        self.happened.put(None)

    def start(self, hello: Dict[str, Any]) -> float:
        silence = float(hello["silence_seconds"])
        session = Session(hello["lake"], hello["run_id"], json.dumps(hello["proof"]), silence, hello["forward_credentials"])
        _worker.prove(session.lake, session.proof)
        self.engine = load(self.name)(self.uri, session, self.happened.put)
        self.say(ready={"engine": self.engine.describe()})
        return min(5.0, silence / 3)

    def act(self, what: Any) -> None:
        if isinstance(what, Event):
            body = {"progress": what.body, "done": {"result": what.body}, "failed": {"error": what.body}}.get(what.kind, {})
            self.say(**{what.kind: {"id": what.id, "attempt": what.attempt, "worker": what.worker, **body}})
        elif isinstance(what, Exception):
            raise what
        else:
            task = what["run"]
            self.engine.submit(task["id"], task["attempt"], task["task"])

    def serve(self) -> None:
        hello = self.happened.get()
        if hello is None:
            return
        tick = self.start(hello["hello"])
        due = time.monotonic() + tick
        while True:
            try:
                what = self.happened.get(timeout=max(0.0, due - time.monotonic()))
                if what is None:
                    return
                self.act(what)
            except queue.Empty:
                self.engine.check()
                self.say(alive={})
                due = time.monotonic() + tick

    def main(self) -> int:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of standard input is the signal
        threading.Thread(target=self.read, daemon=True).start()
        try:
            self.serve()
            return 0
        except Lost as e:
            self.say(lost=e.document)
        except PqrError as e:
            self.say(lost=e.document())
        except BrokenPipeError:  # who asked is gone
            pass
        finally:
            if self.engine is not None:
                self.engine.close()
        return 1


def main(arguments) -> int:
    if len(arguments) != 2 or arguments[0] not in ENGINES:
        print(f"usage: python -m pqr_lakehouse.executor {'|'.join(ENGINES)} URI; `pqr run --executor URI` starts it", file=sys.stderr)
        return 2
    return _Driver(*arguments).main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
