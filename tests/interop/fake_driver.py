"""A driver that runs tasks by `pqr task`, one after the other, and does wrong what its address says: PQR_PYTHON is a script that starts it
with `-m pqr_lakehouse.executor dask dask://WHAT:1`. FAKE_PQR names the program, FAKE_LAKE a lake of another run to read a proof from."""

import json
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from poll import within  # noqa: E402

WHAT = sys.argv[-1][len("dask://") : -len(":1")]
ALIVE = {"alive": {}}


def say(text):
    print(text if isinstance(text, str) else json.dumps(text), flush=True)


def result_of(hello, task):
    command = [os.environ["FAKE_PQR"], "task", "-", "--lake", hello["lake"]]
    return json.loads(subprocess.run(command, input=json.dumps(task).encode(), check=True, capture_output=True).stdout)


def error(kind, code="E_UNREACHABLE"):
    return {"class": kind, "code": code, "exit": 5, "message": "injected"}


def main():
    assert sys.argv[1:4] == ["-m", "pqr_lakehouse.executor", "dask"], sys.argv
    print("a line for the log", file=sys.stderr)
    hello = json.loads(sys.stdin.readline())["hello"]
    assert os.path.exists(os.path.join(hello["lake"], hello["proof"]["key"]))
    if WHAT == "mute":
        signal.pause()
    if WHAT == "no-engine":
        say({"lost": error("fatal")})
    if WHAT == "unready":
        say({"set": "go"})
    say(ALIVE)
    say({"ready": {"engine": "fake"}})
    done = 0
    for line in sys.stdin:
        run = json.loads(line)["run"]
        at = {"id": run["id"], "attempt": run["attempt"], "worker": "fake-0"}
        say({"started": at})
        if WHAT == "flaky" and run["attempt"] == 0 or WHAT == "always":
            say({"failed": {**at, "error": error("retry")}})
            continue
        if WHAT == "broken":
            say({"failed": {**at, "error": error("data", "E_CORRUPT")}})
            continue
        if WHAT == "unknown-error":
            say({"failed": {**at, "error": {"class": "retry", "code": "E_WHAT", "message": ""}}})
        if WHAT == "moved":
            open(os.path.join(hello["lake"], f".tmp-{2**22 + 1}-7"), "w", encoding="utf-8").close()  # of no process: above pid_max
            say({"started": {**at, "worker": "fake-1"}})
        if WHAT == "tells" and not done:  # until somebody has seen it; less in the end
            say({"progress": {**at, "rows": 1, "bytes": 1}})
            say({"progress": {**at, "rows": 123456789, "bytes": 7}})
            within(120, lambda: say(ALIVE) or os.path.exists(hello["lake"] + ".seen"))
        result = result_of(hello, run["task"])
        if done == 1 and WHAT == "dies":
            print("it was me", file=sys.stderr)
            return 7
        if done == 1 and WHAT == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if done == 1 and WHAT == "silent":
            signal.pause()
        if done == 1 and WHAT == "closes":
            os.close(1)
            signal.pause()
        wrong = {
            "no-json": "{hello",
            "no-such-task": {"done": {**at, "id": 1000, "result": result}},
            "no-such-attempt": {"done": {**at, "attempt": 1, "result": result}},
            "no-result": {"done": at},
            "no-progress": {"progress": {**at, "rows": 1}},
            "back": {"progress": {**at, "rows": -1, "bytes": 0}},
            "half-result": {"done": {**at, "result": {"counters": {}, "outputs": [{"path": "x"}]}}},
            "no-such-word": {"gone": at},
        }
        if done == 1 and WHAT in wrong:
            say(wrong[WHAT])
        if done == 1 and WHAT == "lost":
            say({"lost": error("fatal")})
        say({"done": {**at, "result": result}})
        if WHAT == "twice":
            say({"done": {**at, "result": result}})
        done += 1
    return 0


sys.exit(main())
