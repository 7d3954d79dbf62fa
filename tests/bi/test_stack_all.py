"""scripts/stack up all: everything that can be had here, in one table. With --long alone: it takes gigabytes and minutes."""

import os
import re
import subprocess

import pytest
from conftest import PQR, VOLUME


@pytest.mark.skipif(not VOLUME, reason="scripts/stack up all: only with --long")
def test_all(stack, postgres):
    stack.settings |= {"PQR_LAKE_URI": str(postgres["lake"]), "PQR_STACK_WAIT": "300"}
    done = stack.call("up", "all", check=False)
    assert done.returncode == 0, done.stderr
    listed = set(stack.call("list").stdout.split())
    told = dict(re.findall(r"^([a-z][a-z0-9:-]*) {2,}(\S+)", done.stdout, re.M))
    lacks = re.search(r"^not here: (.*) \(", done.stdout, re.M)
    lacks = set(lacks.group(1).split()) if lacks else set()
    wanted = {name for name in listed if ":" not in name and name != "fault"} | {"prometheus:pushgateway", "prometheus:alertmanager"}
    assert set(told) | lacks == wanted and {"postgres", "prometheus", "serve", "streamlit"} <= set(told)
    env = os.environ | dict(re.findall(r"^export (\w+)='(.*)'$", stack.call("env").stdout, re.M))
    found = subprocess.run([PQR, "doctor", "--lake", postgres["lake"], "--control", postgres["owner"]], env=env, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    for service in ("pqr serve", "Prometheus", "Pushgateway", "Alertmanager", "Streamlit"):
        assert re.search(rf"^ok +{service} ", found.stdout, re.M)
