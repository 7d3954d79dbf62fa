"""A run's spans as OTLP in JSON: run > stage > task, with the ids, times and states that the control plane tells too."""

import json
import re
import sqlite3

from conftest import SHORT
from receiver import Receiver

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def spans_of(receiver):
    found = []
    for document in receiver.documents():
        for resource in document["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                found += [(span, {a["key"]: next(iter(a["value"].values())) for a in resource["resource"]["attributes"]}) for span in scope["spans"]]
    return found


def well_formed(spans):
    ids = [s["spanId"] for s in spans]
    assert len(ids) == len(set(ids))
    for span in spans:
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"]) and re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert span["kind"] == 1


def test_tree(pqr, tmp_path):
    env = {"OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=office%20one,authorization=Basic%20abc", "OTEL_SERVICE_NAME": "nightly",
           "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test,service.name=other", "TRACEPARENT": f"00-{TRACE}-{PARENT}-01"}
    with Receiver() as receiver:
        run = pqr("run", "--lake", "lake", *SHORT, "--json", "--threads", "2", env=env | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url + "/"})
        found = spans_of(receiver)
    assert {path for path, *_ in receiver.requests} == {"/v1/traces"}
    headers = receiver.requests[0][1]
    assert headers["x-tenant"] == "office one" and headers["authorization"] == "Basic abc"
    for _, resource in found:
        assert resource["service.name"] == "nightly" and resource["deployment.environment"] == "test"
    spans = [span for span, _ in found]
    well_formed(spans)
    assert {s["traceId"] for s in spans} == {TRACE}
    assert {s["status"]["code"] for s in spans} == {1}
    kinds = {kind: [s for s in spans if s["name"].startswith(kind + " ")] for kind in ("run", "stage", "task")}
    assert sum(map(len, kinds.values())) == len(spans)
    (root,) = kinds["run"]
    assert root["parentSpanId"] == PARENT and root["name"] == "run pqrs"
    stages = {s["name"][6:]: s for s in kinds["stage"]}
    assert list(stages) == ["raw", "bronze", "silver", "gold", "publish"]
    by_id = {s["spanId"]: s for s in spans}
    for span in kinds["stage"] + kinds["task"]:
        parent = by_id[span["parentSpanId"]]
        assert parent["name"].split()[0] == {"stage": "run", "task": "stage"}[span["name"].split()[0]]
        assert int(parent["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])
        assert int(span["endTimeUnixNano"]) <= int(parent["endTimeUnixNano"])

    # As many tasks, with as many rows, as the control plane has.
    report = json.loads(run.stdout)
    with sqlite3.connect(tmp_path / "lake" / "control.db") as control:
        tasks = dict(control.execute("SELECT task_id, rows_out FROM meta_tasks"))
    assert sorted(tasks) == sorted(s["name"][5:] for s in kinds["task"])
    for span in kinds["task"]:
        told = {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}
        assert told["pqr.run_id"] == report["run_id"] and told["pqr.attempt"] == "1"
        assert int(told["pqr.rows_out"]) == tasks[span["name"][5:]]


def test_failed_run(pqr, tmp_path):
    lines = tmp_path / "bad.jsonl"
    lines.write_text('{"not": "an event"}\n' * 20)
    with Receiver() as receiver:
        pqr("run", "--lake", "lake", "--input", lines, "--quiet", code=3, env={"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": receiver.url + "/traces"})
        spans = [span for span, _ in spans_of(receiver)]
    assert {path for path, *_ in receiver.requests} == {"/traces"}
    well_formed(spans)
    states = {s["name"]: s["status"]["code"] for s in spans if not s["name"].startswith("task")}
    assert states == {"stage raw": 1, "stage bronze": 2, "run pqrs": 2}
    root = next(s for s in spans if s["name"] == "run pqrs")
    assert root["parentSpanId"] == "" and "CRITICAL" in root["status"]["message"]


def test_not_recorded(pqr):
    with Receiver() as receiver:
        on = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
        for off in ({"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}, {"TRACEPARENT": f"00-{TRACE}-{PARENT}-00"}):
            pqr("run", "--lake", "lake-" + next(iter(off)), *SHORT, "--until", "raw", "--quiet", env=on | off)
        assert receiver.requests == []
        # A parent that is none is ignored: the trace is our own.
        pqr("run", "--lake", "lake", *SHORT, "--until", "raw", "--quiet", env=on | {"TRACEPARENT": f"00-{'0' * 32}-{PARENT}-01"})
        spans = [span for span, _ in spans_of(receiver)]
    assert spans and all(s["traceId"] != "0" * 32 for s in spans)
    assert next(s for s in spans if s["name"] == "run pqrs")["parentSpanId"] == ""
