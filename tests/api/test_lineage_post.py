"""OpenLineage events that a run posts: valid by the published schemas, in order, and never in the run's way."""

import collections
import json
import pathlib
import time
import uuid

import jsonschema
import pytest
import referencing
from conftest import SHORT
from receiver import Receiver, hanging, nobody

SCHEMAS = {}
for path in (pathlib.Path(__file__).parent / "openlineage").glob("*.json"):
    schema = json.loads(path.read_text())
    SCHEMAS[schema["$id"]] = schema
REGISTRY = referencing.Registry().with_resources((k, referencing.Resource.from_contents(v)) for k, v in SCHEMAS.items())


def check(instance, url):
    assert url.split("#")[0] in SCHEMAS, f"no such published schema: {url}"
    validator = jsonschema.Draft202012Validator({"$ref": url}, registry=REGISTRY, format_checker=jsonschema.FormatChecker())
    validator.validate(instance)


def facets(event):
    found = list(event["run"].get("facets", {}).items()) + list(event["job"].get("facets", {}).items())
    for dataset in event["inputs"] + event["outputs"]:
        for kind in ("facets", "inputFacets", "outputFacets"):
            found += dataset.get(kind, {}).items()
    return found


def valid(events):
    names = collections.Counter()
    for event in events:
        check(event, event["schemaURL"])
        for name, facet in facets(event):
            check(facet, facet["_schemaURL"])
            names[name] += 1
    return names


def told(events):
    return [(e["eventType"], e["job"]["name"]) for e in events]


def test_whole_run(pqr):
    parent = str(uuid.uuid4())
    env = {"OPENLINEAGE_API_KEY": "s3cr3t-key", "OPENLINEAGE_NAMESPACE": "office", "OPENLINEAGE_PARENT_ID": f"air/flow/dag.task/{parent}"}
    with Receiver() as receiver:
        run = pqr("run", "--lake", "lake", *SHORT, "--json", "--lineage-url", receiver.url, env=env)
        events = receiver.documents()
    assert "s3cr3t-key" not in run.stderr + run.stdout
    assert {path for path, *_ in receiver.requests} == {"/api/v1/lineage"}
    assert {headers["Authorization"] for _, headers, *_ in receiver.requests} == {"Bearer s3cr3t-key"}
    assert {headers["Content-Type"] for _, headers, *_ in receiver.requests} == {"application/json"}
    names = valid(events)
    assert set(names) == {
        "parent", "processing_engine", "jobType", "version", "schema", "columnLineage", "dataQualityMetrics", "dataQualityAssertions", "outputStatistics"
    }
    expected = [("START", "pqrs")]
    for stage in ("raw", "bronze", "silver", "gold", "publish"):
        expected += [("START", f"pqrs.{stage}"), ("COMPLETE", f"pqrs.{stage}"), ("RUNNING", "pqrs")]
    assert told(events) == [*expected, ("COMPLETE", "pqrs")]
    times = [e["eventTime"] for e in events]
    assert times == sorted(times)

    report = json.loads(run.stdout)
    assert {e["job"]["namespace"] for e in events} == {"office"}
    own = [e for e in events if e["job"]["name"] == "pqrs"]
    assert {e["run"]["runId"] for e in own} == {report["run_id"]}
    assert own[0]["run"]["facets"]["parent"]["run"]["runId"] == parent
    assert own[0]["run"]["facets"]["parent"]["job"] == {"namespace": "air/flow", "name": "dag.task"}
    stages = [e for e in events if e["job"]["name"] != "pqrs"]
    assert {e["run"]["facets"]["parent"]["run"]["runId"] for e in stages} == {report["run_id"]}
    assert len({e["run"]["runId"] for e in stages}) == 5

    silver = next(e for e in events if told([e]) == [("COMPLETE", "pqrs.silver")])
    tickets = next(d for d in silver["outputs"] if d["name"] == "silver.tickets")
    assert tickets["outputFacets"]["outputStatistics"]["rowCount"] == report["rows"]["silver"]["tickets"] > 0
    columns = {c["name"]: c["type"] for c in tickets["facets"]["schema"]["fields"]}
    assert columns["ticket_id"] == "string" and "description" in tickets["facets"]["schema"]["fields"][0]
    source = tickets["facets"]["columnLineage"]["fields"]["ticket_id"]["inputFields"]
    assert source == [{"namespace": "office", "name": "bronze.pqrs_events", "field": "ticket_id"}]
    for dataset in silver["outputs"]:  # a column comes from columns of inputs of this very event
        inputs = {d["name"] for d in silver["inputs"]}
        for column, lineage in dataset["facets"]["columnLineage"]["fields"].items():
            assert column in {c["name"] for c in dataset["facets"]["schema"]["fields"]}
            assert {f["name"] for f in lineage["inputFields"]} <= inputs

    # What is exported afterwards says the same of the same runs.
    exported = [json.loads(line) for line in pqr("lineage", "--lake", "lake", "--format", "openlineage").stdout.splitlines()]
    valid(exported)
    assert [e["run"]["runId"] for e in exported] == [e["run"]["runId"] for e in stages if e["eventType"] == "COMPLETE"]


def test_file_by_environment(pqr, tmp_path):
    sink = tmp_path / "events.jsonl"
    pqr("run", "--lake", "lake", *SHORT, "--until", "raw", "--quiet", env={"OPENLINEAGE_URL": f"file:{sink}"})
    pqr("run", "--lake", "lake", *SHORT, "--until", "bronze", "--quiet", env={"PQR_LINEAGE_URL": f"file://{sink}", "OPENLINEAGE_URL": "http://[bad"})
    events = [json.loads(line) for line in sink.read_text().splitlines()]
    valid(events)
    first = [("START", "pqrs"), ("START", "pqrs.raw"), ("COMPLETE", "pqrs.raw"), ("RUNNING", "pqrs"), ("COMPLETE", "pqrs")]
    assert told(events) == first + [(t, j.replace("raw", "bronze")) for t, j in first]
    pqr("run", "--lake", "lake", *SHORT, "--quiet", env={"OPENLINEAGE_URL": f"file:{sink}", "OPENLINEAGE_DISABLED": "true"})
    assert len(sink.read_text().splitlines()) == len(events)


def test_failure(pqr, tmp_path):
    """A CRITICAL check ends the run: FAIL of the stage and of the run, with what the check saw."""
    lines = tmp_path / "bad.jsonl"
    lines.write_text('{"not": "an event"}\n' * 20)
    with Receiver() as receiver:
        run = pqr("run", "--lake", "lake", "--input", lines, "--quiet", "--lineage-url", receiver.url + "/own/path", code=3)
        events = receiver.documents()
    assert {path for path, *_ in receiver.requests} == {"/own/path"}
    valid(events)
    assert told(events)[-2:] == [("FAIL", "pqrs.bronze"), ("FAIL", "pqrs")]
    message = events[-1]["run"]["facets"]["errorMessage"]["message"]
    assert "CRITICAL" in message and message in run.stderr
    assertions = [a for d in events[-2]["outputs"] for a in d["facets"]["dataQualityAssertions"]["assertions"]]
    assert any(not a["success"] and a["severity"] == "error" for a in assertions)


def timed(pqr, lake, *more, **keywords):
    """How long a run takes, and what it said."""
    began = time.monotonic()
    run = pqr("run", "--lake", lake, *SHORT, *more, **keywords)
    return time.monotonic() - began, run


@pytest.mark.parametrize("service", [nobody, hanging])
def test_nobody_answers(pqr, service):
    """The run ends well, as early as without, and one line says what was lost."""
    later = []
    with service() as url:
        env = {"OPENLINEAGE_URL": url.replace("http://", "http://user:pa55word@"), "OTEL_EXPORTER_OTLP_ENDPOINT": url}
        # Who is silent for a second is not waited for; a call's own time-out is five seconds. A busy machine's runs differ, but not all of them.
        while min(later, default=9) >= 4 and len(later) < 5:
            without, _ = timed(pqr, f"without{len(later)}", "--quiet")
            took, run = timed(pqr, f"lake{len(later)}", env=env)
            later.append(took - without)
            warnings = [line for line in run.stderr.splitlines() if "not delivered" in line]
            assert len(warnings) == 2 and "lost=17 delivered=0" in warnings[0], run.stderr
            assert "pa55word" not in run.stderr
    assert min(later) < 4, later


def test_tried_again_and_refused(pqr):
    """503 is tried again until it is taken, in order; 400 loses that event alone."""
    with Receiver([503, 200, 400, 200]) as receiver:
        run = pqr("run", "--lake", "lake", *SHORT, "--until", "raw", "--lineage-url", receiver.url)
        events = receiver.documents()
    assert told(events) == [("START", "pqrs"), ("COMPLETE", "pqrs.raw"), ("RUNNING", "pqrs"), ("COMPLETE", "pqrs")]
    assert "lost=1 delivered=4" in run.stderr and "answered 400" in run.stderr


def test_wrong_address(pqr):
    assert "lineage.url" in pqr("run", "--lake", "lake", "--lineage-url", "ftp://x:pa55word@y", code=2).stderr
    run = pqr("run", "--lake", "lake", *SHORT, "--until", "raw", env={"OPENLINEAGE_URL": "ftp://x:pa55word@y"})
    assert "no lineage events are sent" in run.stderr and "pa55word" not in run.stderr
