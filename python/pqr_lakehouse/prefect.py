"""Prefect 3 flows over `pqr`: `pqrs_etl` and `clickstream_batch`, a task a stage.

    from pqr_lakehouse.prefect import PqrsParameters, pqrs_etl
    pqrs_etl(PqrsParameters(lake="./lake", date_from="2025-09-01", date_to="2025-09-30"))

The stages and their order are the program's (`pqr plan`; with from_stream those behind bronze, of all dates that have events); a task is `pqr run … --until STAGE`, which does what is left to do up to there.
So a task that Prefect runs twice commits once, and a flow run after a crash goes on where the lake stands.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from typing import Any, List, Optional

import prefect.runtime
from prefect import flow, get_run_logger, tags, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.events import emit_event
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.states import Completed
from prefect.types import SecretDict
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from . import _program
from ._program import ProgramError

__all__ = ["ClickstreamParameters", "PqrLake", "PqrsParameters", "ProgramError", "clickstream_batch", "pqrs_etl"]

KPIS = {  # the rows of the KPI artifact: published figures as they stand
    "pqrs": "SELECT day, tenant_id, total_tickets, petitions, complaints, claims, suggestions, high_priority_ratio, sla_breach_ratio FROM gold.daily_kpis ORDER BY day DESC, tenant_id LIMIT 14",
    "clickstream": "SELECT event_date, dau_count, conversion_rate, total_purchases FROM gold.conversion_rate_daily ORDER BY event_date DESC LIMIT 14",
}


class PqrLake(Block):
    """Where a lake and its control plane are, and the secrets to reach them."""

    _block_type_name = "PQR lake"
    _block_type_slug = "pqr-lake"
    _description = "A PQR lake, its control plane, and the credentials of both."

    lake: str = Field(description="A folder, file:///path or s3://bucket/prefix")
    control: Optional[SecretStr] = Field(default=None, description="sqlite:PATH or postgresql://user:password@host/database; default beside the lake")
    environment: SecretDict = Field(default_factory=lambda: SecretDict({}), description="Variables for pqr: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, PGPASSWORD, ...")

    def env(self) -> dict:
        more = {k: str(v) for k, v in self.environment.get_secret_value().items()}
        return _program.place(self.lake, self.control.get_secret_value() if self.control else None, more)


class Parameters(BaseModel):
    """What every workload takes. What is left out is the program's default."""

    model_config = ConfigDict(extra="forbid")

    block: Optional[str] = Field(default=None, description="Name of a `PQR lake` block; else lake and control below, else the worker's environment")
    lake: Optional[str] = Field(default=None, description="A folder, file:///path or s3://bucket/prefix")
    control: Optional[SecretStr] = Field(default=None, description="sqlite:PATH or postgresql://user@host/database")
    input: List[str] = Field(default_factory=list, description="JSONL files or folders to take, instead of simulating; {date-1} is the day before the scheduled one")
    date_from: Optional[datetime.date] = Field(default=None, description="First local day")
    date_to: Optional[datetime.date] = Field(default=None, description="Last local day")
    emit_from: Optional[datetime.date] = Field(default=None, description="Leave out events before this day")
    as_of: Optional[str] = Field(default=None, description="The instant the run describes: a date or RFC 3339")
    seed: Optional[int] = Field(default=None, description="Seed of the simulator")
    source: Optional[str] = Field(default=None, description="Value of source= for files")
    config: Optional[str] = Field(default=None, description="Configuration file")
    threads: Optional[int] = Field(default=None, ge=1, description="Worker threads; the output does not depend on it")
    executor: Optional[str] = Field(default=None, description="What runs the tasks; default threads")
    lineage_url: Optional[str] = Field(default=None, description="Send OpenLineage events there while the run goes on")
    publish: bool = Field(default=True, description="Publish to SQL")
    timezone: str = Field(default="America/Bogota", description="Whose clocks {date} goes by")
    stage_timeout_seconds: float = Field(default=6 * 3600, gt=0, description="A stage that takes longer is cancelled")
    retries: int = Field(default=3, ge=0, description="Of a stage, where a service was out of reach (exit status 5); other errors stand")
    retry_delay_seconds: float = Field(default=30, ge=0, description="Before the first retry; doubles with each")

    def env(self) -> dict:
        if self.block:
            return PqrLake.load(self.block).env()
        return _program.place(self.lake, self.control.get_secret_value() if self.control else None)

    def arguments(self) -> list:
        scheduled = prefect.runtime.flow_run.scheduled_start_time or datetime.datetime.now(datetime.timezone.utc)
        return _program.options(
            {
                "input": [_program.dated(path, scheduled, self.timezone) for path in self.input],
                "from": self.date_from,
                "to": self.date_to,
                **{name: getattr(self, name) for name in ("emit_from", "as_of", "seed", "source", "config", "threads", "executor", "lineage_url")},
            }
        )


class PqrsParameters(Parameters):
    """PQRS: complaints, from events to published KPIs."""

    volume: Optional[int] = Field(default=None, ge=1, description="Simulated tickets a day, on average")

    def arguments(self) -> list:
        return ["pqrs", *super().arguments(), *_program.options({"volume": self.volume})]


class ClickstreamParameters(Parameters):
    """Clickstream: what users of a shop do, from events to four tables of figures."""

    rate: Optional[float] = Field(default=None, gt=0, description="Simulated events a second, on average")
    from_stream: bool = Field(default=False, description="Take what a stream has appended to bronze, a run a date; first and last day choose dates")

    def arguments(self) -> list:
        return ["clickstream", *super().arguments(), *_program.options({"rate": self.rate, "from_stream": self.from_stream})]


# ---- tasks ---------------------------------------------------------------------------------------------------------------


def may_pass(_task, _run, state) -> bool:
    """Whether to try again: the exit status says."""
    try:
        state.result()
    except Exception as error:  # of any kind: a timeout, say, is tried again only by a person
        return getattr(error, "transient", False)
    return False


def run_and_stage(_context, values) -> str:
    """A stage of a run is done once: its key in Prefect's cache."""
    lake = values["env"].get("PQR_LAKE_URI", os.getcwd())
    return "pqr-" + hashlib.sha256(json.dumps([lake, values["run_id"], values["name"]]).encode()).hexdigest()


@task(name="plan", task_run_name="plan", retry_condition_fn=may_pass, persist_result=False, cache_result_in_memory=True)
def plan(arguments: list, env: dict) -> dict:
    """The run's id, its stages in order, and whether the lake has all of them. What a stream has appended is known when it is taken."""
    if "--from-stream" in arguments:
        made = _program.run(["plan", arguments[0]], env=env, logger=get_run_logger())
        return {"run_id": None, "stages": [s["name"] for s in made["stages"] if s["name"] not in ("raw", "bronze")] + ["publish"], "done": False}
    made = _program.run(["plan", *arguments], env=env, logger=get_run_logger())
    run_id = made["run"]["run_id"]
    known = _program.run(["runs", "list"], env=env, logger=get_run_logger())
    done = any(r["run_id"] == run_id and r["status"] in ("SUCCESS", "DEGRADED") for r in known)
    return {"run_id": run_id, "stages": [s["name"] for s in made["stages"]] + ["publish"], "done": done}


@task(task_run_name="{name}", retry_condition_fn=may_pass, cache_key_fn=run_and_stage, persist_result=True)
def stage(name: str, run_id: str, arguments: list, env: dict) -> dict:
    """`pqr run … --until NAME`."""
    report = _program.run(["run", *arguments, f"--until={name}"], env=env, logger=get_run_logger())
    if run_id and report["run_id"] != run_id:
        raise RuntimeError(f"the input changed since the run was planned: {run_id} was planned, {report['run_id']} ran")
    return report


# ---- artifacts -----------------------------------------------------------------------------------------------------------


def _table(rows: list, columns: list) -> List[str]:
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), *("| " + " | ".join(str(r.get(c, "")) for c in columns) + " |" for r in rows), ""]


def _link(uri: str) -> str:
    return uri if "://" in uri else "file://" + os.path.abspath(uri)


def markdown(report: dict, quality: list, kpis: list) -> str:
    """The report of a run, for people."""
    rows, checks, lake = report["rows"], report["quality"], _link(report["lake"])
    failed = [q for q in quality if q["result"] != "PASS"]
    lines = [f"# {report['workload']}: {report['status']}", "", f"Run `{report['run_id']}` as of {report['as_of']}, in [{report['lake']}]({lake}).", ""]
    if report.get("root"):
        lines += [f"Manifest root `{report['root']}`.", ""]
    lines += ["## Counts", "", f"{rows['raw']:,} raw lines = {rows['bronze']:,} bronze rows + {rows['duplicates']:,} duplicates + {rows['rejected']:,} rejects", ""]
    lines += _table(report["stages"], ["name", "tasks", "rows_in", "rows_out", "bytes_out", "seconds"])
    for kind, reasons in report["reasons"].items():
        lines += [f"{kind}: " + ", ".join(f"{reason} {n:,}" for reason, n in reasons.items()), ""] if reasons else []
    lines += ["## Quality", "", f"{checks['pass']} passed, {checks['warn']} warnings, {checks['fail']} failed", ""]
    lines += _table(failed, ["severity", "result", "dataset", "check_name", "value", "threshold"]) if failed else []
    lines += ["## KPIs", "", *_table(kpis, list(kpis[0]))] if kpis else []
    return "\n".join(lines)


@task(name="report", task_run_name="report", persist_result=False)
def publish_artifacts(report: dict, env: dict) -> None:
    """A Markdown report, a table of the quality checks, one of the KPIs, a link to the lake."""
    run_id, workload, logger = report["run_id"], report["workload"], get_run_logger()
    quality = _program.run(["quality", "--run-id", run_id], env=env, logger=logger)
    kpis = []
    if report["status"] in ("SUCCESS", "DEGRADED"):
        try:
            kpis = _program.run(["sql", KPIS[workload]], env=env, logger=logger)
        except ProgramError as error:  # figures in a report are worth a warning, not a failed run
            logger.warning("no KPI table: %s", error)
    create_markdown_artifact(markdown(report, quality, kpis), key=f"{workload}-report", description=f"Run {run_id}: {report['status']}")
    columns = ("result", "severity", "layer", "dataset", "check_name", "value", "threshold", "record_count", "details")
    create_table_artifact([{c: q[c] for c in columns} for q in quality], key=f"{workload}-quality", description=f"Quality checks of run {run_id}")
    if kpis:
        create_table_artifact(kpis, key=f"{workload}-kpis", description=f"Published figures after run {run_id}")
    create_link_artifact(_link(report["lake"]), key=f"{workload}-lake", link_text=report["lake"])


# ---- flows ---------------------------------------------------------------------------------------------------------------


def _lake(env: dict) -> str:
    """Where the lake is. A run of a deployment has a working folder that goes with it: a lake must not be there."""
    lake = env.get("PQR_LAKE_URI") or os.environ.get("PQR_LAKE_URI") or "./lake"
    if prefect.runtime.deployment.id and "://" not in lake and not os.path.isabs(lake):
        raise ValueError(f"lake {lake}: the worker's folder for this run goes when it ends; name an absolute path or a URI by `block`, `lake`, or PQR_LAKE_URI of the worker")
    return lake


def _limit(lake: str) -> str:
    """The concurrency limit of the lake, made when it is not there: runs of one lake come one after the other."""
    name = "pqr-lake-" + hashlib.sha256(_link(lake).encode()).hexdigest()[:16]
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            try:
                client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
            except ObjectAlreadyExists:
                pass  # by another flow run, meanwhile
    return name


def _stages(parameters: Parameters, arguments: list, env: dict) -> dict:
    again = {"retries": parameters.retries, "retry_delay_seconds": [parameters.retry_delay_seconds * 2**i for i in range(parameters.retries)]}
    if parameters.retries:
        again["retry_jitter_factor"] = 0.5
    planned = plan.with_options(**again)(arguments, env)
    todo = stage.with_options(**again, timeout_seconds=parameters.stage_timeout_seconds, refresh_cache=not planned["done"])  # the lake is right, not the cache
    for name in planned["stages"] if parameters.publish else planned["stages"][:-1]:
        report = todo.with_options(name=name)(name, planned["run_id"], arguments, env)
    return report


def _etl(parameters: Parameters):
    arguments, env = parameters.arguments(), parameters.env()
    with tags("pqr", arguments[0]), concurrency(_limit(_lake(env)), strict=True, raise_on_lease_renewal_failure=False):  # the lake has a lease of its own
        try:
            report = _stages(parameters, arguments, env)
        except ProgramError as error:
            # What it came to: the check that failed stands there. One that went well is another run's, of a date before.
            if error.report and error.report["status"] not in ("SUCCESS", "DEGRADED"):
                publish_artifacts(error.report, env)
            raise
        publish_artifacts(report, env)
        if report["status"] == "DEGRADED":
            resource = {"prefect.resource.id": f"pqr.run.{report['run_id']}", "prefect.resource.name": f"{report['workload']} as of {report['as_of']}"}
            emit_event("pqr.run.degraded", resource, payload={k: report[k] for k in ("run_id", "workload", "lake", "as_of", "quality")})
            return Completed(name="Degraded", message="done and published; a WARNING check failed", data=report)
        return report


def _name() -> str:
    p = (prefect.runtime.flow_run.parameters or {}).get("parameters") or {}
    p = p if isinstance(p, dict) else p.model_dump()
    what = ", ".join(p.get("input") or []) or f"{p.get('date_from') or ''}..{p.get('date_to') or ''}".strip(".") or "defaults"
    return f"{prefect.runtime.flow_run.flow_name} {what}"[:200]


@flow(name="pqrs_etl", flow_run_name=_name)
def pqrs_etl(parameters: PqrsParameters = PqrsParameters()):
    """PQRS events to published KPIs: raw, bronze, silver, gold, publish."""
    return _etl(parameters)


@flow(name="clickstream_batch", flow_run_name=_name)
def clickstream_batch(parameters: ClickstreamParameters = ClickstreamParameters()):
    """A shop's events to daily active users, conversion and purchases."""
    return _etl(parameters)
