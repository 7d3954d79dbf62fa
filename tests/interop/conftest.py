"""Lakes made by the program, once for all tests: one simulated, one of the files in foreign.py."""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PQR = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build")) / "pqr"


class Lake:
    def __init__(self, root, arguments, settings):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PQR_")} | settings
        command = [PQR, "run", "--lake", root, "--json", "--quiet", "--threads", "2", *arguments]
        run = subprocess.run(command, cwd=root.parent, env=env, capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()
        self.root, self.report, self.cache = root, json.loads(run.stdout), {}
        self.terms = None if "--input" in arguments else {"P": 15, "Q": 10, "R": 8, "S": 20}  # ingested tickets are judged by the law

    def files(self, layer, name):
        """Those of a table: all that are there."""
        return sorted(p for p in (self.root / layer / name).rglob("*.parquet") if "_delta_log" not in p.parts)


def contract(*arguments):
    return subprocess.run([PQR, "contract", *arguments], check=True, capture_output=True, text=True).stdout


def make(kind, folder):
    if kind == "simulated":
        return Lake(folder / "lake", ["--from", "2025-12-01", "--to", "2026-01-31", "--volume", "150"], {"PQR_SIMULATION_SPIKE_ENABLED": "false"})
    import foreign

    foreign.write(folder / "input")
    settings = {"PQR_QUALITY_INVALID_TRANSITION_RATE_MAX": "1", "PQR_QUALITY_REJECT_RATE_MAX": "1"}
    # "early": what happened up to a day in the middle of the input, told from that day
    as_of = ["--as-of", "2026-01-09"] if kind == "early" else []
    return Lake(folder / "lake", ["--input", folder / "input", *as_of], settings)


@pytest.fixture(scope="session", params=["simulated", "foreign", "early"])
def lake(request, tmp_path_factory):
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")
    return make(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def schemas():
    """The tables of the contract by name: {"bronze.pqrs_events": JSON Schema}."""
    found = json.loads(contract("--format", "json-schema"))
    return {k: v for k, v in found.items() if "x-key" in v}


class Engines(dict):
    """What reads Delta tables beside us, each started when first asked for; one that is not installed skips the test."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def __missing__(self, name):
        import delta_lakes

        kinds = {kind.name: kind for kind in (delta_lakes.DeltaRs, delta_lakes.Polars, delta_lakes.DuckDB, delta_lakes.Spark)}
        self[name] = kinds[name](self.folder) if name == "Spark" else kinds[name]()
        return self[name]


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    made = Engines(tmp_path_factory.mktemp("warehouse"))
    yield made
    for engine in made.values():
        engine.close()
