"""libpqr.so through ctypes: a task of `pqr plan` gives what `pqr task` gives, and the library shows its own names alone."""

import ctypes
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build"))
PQR, LIBRARY = BUILD / "pqr", BUILD / "libpqr.so"
SMALL = ["--from", "2026-01-05", "--to", "2026-01-07", "--volume", "20"]

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built")


def pqr(*args, stdin=None):
    environment = {**os.environ, "PQR_SIMULATION_SPIKE_ENABLED": "false"}
    return subprocess.run([PQR, *map(str, args)], input=stdin, capture_output=True, check=True, env=environment).stdout


@pytest.fixture(scope="module")
def library():
    lib = ctypes.CDLL(str(LIBRARY))
    lib.pqr_version.restype = ctypes.c_char_p
    lib.pqr_open.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)]
    lib.pqr_close.argtypes = [ctypes.c_void_p]
    lib.pqr_last_error.argtypes = [ctypes.c_void_p]
    lib.pqr_last_error.restype = ctypes.c_char_p
    lib.pqr_task_run.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)]
    lib.pqr_free.argtypes = [ctypes.c_void_p]
    return lib


class Context:
    def __init__(self, library, lake):
        self.library, self.handle = library, ctypes.c_void_p()
        code = library.pqr_open(str(lake).encode(), ctypes.byref(self.handle))
        assert code == 0, self.error()

    def error(self):
        return self.library.pqr_last_error(self.handle).decode()

    def run(self, spec):
        """(code, result)"""
        result = ctypes.c_void_p()
        code = self.library.pqr_task_run(self.handle, json.dumps(spec).encode(), ctypes.byref(result))
        text = ctypes.string_at(result) if result else b""
        self.library.pqr_free(result)
        return code, text

    def close(self):
        self.library.pqr_close(self.handle)


def bytes_of(lake):
    return {p.relative_to(lake): p.read_bytes() for p in lake.rglob("*") if p.is_file() and p.suffix != ".db"}


def test_a_run_through_the_library_is_the_run_of_the_program(library, tmp_path):
    ours, theirs = tmp_path / "library", tmp_path / "program"
    plan = json.loads(pqr("plan", "--lake", ours, *SMALL))
    pqr("plan", "--lake", theirs, *SMALL)
    context = Context(library, ours)
    tasks = plan["stages"][0]["tasks"]
    assert plan["stages"][0]["name"] == "raw" and tasks
    for task in tasks:
        code, result = context.run(task)
        assert code == 0, context.error()
        want = pqr("task", "-", "--lake", theirs, stdin=json.dumps(task).encode())
        assert json.loads(result) == json.loads(want)
        assert result + b"\n" == want
    context.close()
    assert bytes_of(ours) == bytes_of(theirs)
    assert any(path.name == "events.jsonl" for path in bytes_of(ours))


def test_an_error_is_the_program_s(library, tmp_path):
    plan = json.loads(pqr("plan", "--lake", tmp_path, *SMALL))
    task = plan["stages"][0]["tasks"][0]
    context = Context(library, tmp_path)
    code, result = context.run({**task, "stage": "brass"})
    assert (code, result) == (2, b"") and "brass" in context.error()
    code, _ = context.run(task)
    assert code == 0 and context.error() == ""
    context.close()


def test_version(library):
    assert f"pqr {library.pqr_version().decode()}\n".encode() == pqr("--version")


def test_only_the_api_is_visible():
    names = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, check=True, text=True).stdout
    visible = {line.split()[-1] for line in names.splitlines()}
    declared = re.findall(r"^PQR_API [^(;]*?(pqr_\w+)\(", (ROOT / "include/pqr.h").read_text(), re.MULTILINE)
    assert len(declared) > 10 and visible == set(declared)
