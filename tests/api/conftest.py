"""The program, and a short lake."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PQR = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build")) / "pqr"
SHORT = ["--from", "2025-09-01", "--to", "2025-09-03", "--volume", "20"]
OURS = ("PQR_", "OTEL_", "OPENLINEAGE_")


def clean(settings=None):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(OURS) and k != "TRACEPARENT"}
    return kept | {"PQR_SIMULATION_SPIKE_ENABLED": "false"} | (settings or {})


@pytest.fixture
def pqr(tmp_path):
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")

    def call(*arguments, env=None, code=0):
        made = subprocess.run([PQR, *arguments], cwd=tmp_path, env=clean(env), capture_output=True, text=True, check=False)
        assert made.returncode == code, made.stderr
        return made

    return call
