"""The program for the notebooks: pqr("run", ...) in a lake of their own, and its package on the path."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = os.environ.get("PQR_PROGRAM") or (str(ROOT / "build/pqr") if (ROOT / "build/pqr").exists() else shutil.which("pqr"))
WORK = pathlib.Path(tempfile.mkdtemp(prefix="pqr-notebook-", dir=os.environ.get("PQR_EXAMPLES_DIR")))
LAKE = WORK / "lake"
sys.path.insert(0, str(ROOT / "python"))


def pqr(*words, lake=LAKE, **more):
    """What the command prints; an error shows what the program says."""
    if PROGRAM is None:
        raise FileNotFoundError("no program pqr: scripts/build release, or set PQR_PROGRAM")
    command = [PROGRAM, *map(str, words), "--lake", str(lake)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PQR_SIMULATION_SPIKE_ENABLED": "false"}, **more)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


def leave():
    """Take the lake away."""
    shutil.rmtree(WORK)
