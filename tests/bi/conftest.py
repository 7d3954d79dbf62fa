"""One PostgreSQL, one Prometheus and one default run for all tests of what people look at. PQR_BI_VOLUME: tickets a day."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PQR = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build")) / "pqr"
VOLUME = int(os.environ.get("PQR_BI_VOLUME", "0"))
QUICK_S = 0.1 if VOLUME else 1.0  # of a query: at ten times the volume (scripts/test --long) it is measured, else only bounded
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "deploy/grafana")]
sys.dont_write_bytecode = True


def pqr(*arguments, **more):
    """Its standard output; a failure shows its standard error."""
    done = subprocess.run([PQR, *arguments], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"pqr {' '.join(map(str, arguments))}: {done.stderr}"
    return done.stdout


class Stack:
    """Components of scripts/stack in a folder of their own; `env` is what they tell their clients."""

    def __init__(self, folder):
        self.settings = os.environ | {"PQR_STACK_DIR": str(folder), "PQR_PROMETHEUS_INTERVAL": "1s"}
        self.env = {}

    def call(self, *arguments, check=True):
        done = subprocess.run([ROOT / "scripts/stack", *arguments], env=self.settings, capture_output=True, text=True, check=False)
        assert not check or done.returncode in (0, 77), done.stderr
        return done

    def up(self, *components):
        done = self.call("up", *components)
        if done.returncode == 77:
            pytest.skip(re.search(r"SKIPPED: (.*)", done.stderr).group(1))
        self.env = dict(re.findall(r"^export (\w+)='(.*)'$", self.call("env").stdout, re.M))
        return self.env


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    made = Stack(tmp_path_factory.mktemp("stack"))
    try:
        yield made
    finally:
        made.call("down", "--clean", check=False)


@pytest.fixture(scope="session")
def postgres(stack, tmp_path_factory):
    """Connection parameters of a login in pqr_bi, to a database with both workloads and the windows of a stream."""
    import psycopg

    uri = stack.up("postgres")["DATABASE_URL"]
    lake, size = tmp_path_factory.mktemp("bi") / "lake", ["--volume", str(VOLUME)] if VOLUME else []
    pqr("run", "--lake", lake, "--control", uri, "--quiet", *size)
    pqr("run", "clickstream", "--from", "2026-01-01", "--to", "2026-01-03", "--lake", lake, "--control", uri, "--quiet")
    events = pqr("stream", "produce", "--sink", "-", "--rate", "max", "--limit", "5000")
    pqr("stream", "aggregate", "--source", "-", "--source-id", "bi", "--lake", lake, "--control", uri, input=events)
    with psycopg.connect(uri, autocommit=True) as owner:
        owner.execute("CREATE ROLE dashboards LOGIN PASSWORD 'looks-only' IN ROLE pqr_bi")
        owner.execute("VACUUM ANALYZE")
    return {"host": "127.0.0.1", "port": stack.env["PGPORT"], "dbname": "pqr", "user": "dashboards", "password": "looks-only", "lake": lake, "owner": uri}


@pytest.fixture(scope="session")
def looker(postgres):
    import psycopg

    with psycopg.connect(**{k: v for k, v in postgres.items() if k not in ("lake", "owner")}, autocommit=True) as connection:
        yield connection
