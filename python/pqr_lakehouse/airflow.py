"""Apache Airflow over `pqr`, for Airflow 3 and 2.10: an operator, a trigger, an asset a table, and two DAGs.

    from pqr_lakehouse.airflow import lakehouse_bronze_to_gold, pqrs_etl
    bronze_to_gold = lakehouse_bronze_to_gold()
    etl = pqrs_etl(input=["/srv/pqr/in/{date-1}.jsonl"])

in a file of the DAG folder. A task is `pqr run … --until STAGE` or `--only STAGE`, which does what is left to do; so a task that is cleared,
retried or run by two workers at once commits once.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import re
import threading
import urllib.request
from typing import Any, Mapping, Optional, Sequence

import pendulum

from . import _program
from ._library import PqrError
from ._program import ProgramError

try:  # Airflow 3
    from airflow.sdk import DAG, Asset, AsyncCallback, BaseHook, BaseOperator, DeadlineAlert, DeadlineReference, Param
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:  # Airflow 2.10
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.exceptions import AirflowException, AirflowFailException
    from airflow.hooks.base import BaseHook
    from airflow.models import BaseOperator
    from airflow.models.param import Param

    DeadlineAlert = None
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.triggers.base import BaseTrigger, TriggerEvent

__all__ = ["PqrOperator", "PqrTrigger", "ProgramError", "lakehouse_bronze_to_gold", "late", "pqrs_etl", "table_asset"]

START = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
ZONE = "America/Bogota"
SETTLE_S = 10  # a task that is queued again before the scheduler saw it deferred counts as lost: no event comes sooner
POOL = "pqr_lake"  # one slot: runs of one lake come one after the other
PARAMS = {  # of a DAG run by hand: options of `pqr run`
    "input": Param(None, type=["null", "array"], items={"type": "string"}, description="JSONL files or folders; {date-1} is the day before the scheduled one"),
    "from": Param(None, type=["null", "string"], format="date", description="First local day"),
    "to": Param(None, type=["null", "string"], format="date", description="Last local day"),
    "as_of": Param(None, type=["null", "string"], description="The instant the run describes: a date or RFC 3339"),
}


try:
    from airflow.providers.openlineage.plugins.macros import lineage_parent_id
except ImportError:  # without the provider nobody asks for lineage
    lineage_parent_id = None


def table_asset(table: str, lake: str = "default") -> Asset:
    """The asset that a task renews when it wrote a table: DAG(schedule=table_asset("gold.daily_kpis")) follows it. lake: the operator's `asset_lake`."""
    return Asset(f"pqr://{lake}/{table.replace('.', '/')}")


def _without_password(control: Optional[str]) -> Optional[str]:
    """Airflow keeps template fields as they are rendered and shows them to whoever may see the DAG."""
    if control and re.search(r"^\w+://[^@/:]*:[^@/]+@|[?&](ssl)?password=", control):
        raise AirflowFailException("`control` holds a password, which Airflow would store and show: put it into a connection's extra and name that in `conn_id`")
    return control


class PqrTrigger(BaseTrigger):
    """Runs `pqr` beside the triggerer and waits for it without a thread of the loop. Cancelled, it stops the program in order; run again,
    on this triggerer or another, it goes on where the lake stands."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str]):
        super().__init__()
        self.arguments, self.env = list(arguments), dict(env)

    def serialize(self):  # Airflow stores this encrypted
        return "pqr_lakehouse.airflow.PqrTrigger", {"arguments": self.arguments, "env": self.env}

    async def run(self):
        settled = asyncio.ensure_future(asyncio.sleep(SETTLE_S))
        try:
            event = {"code": 0, "report": await _program.run_async(self.arguments, env=self.env, logger=self.log)}
        except PqrError as error:
            event = {"code": error.code, "text": str(error), "report": getattr(error, "report", None)}
        await settled
        yield TriggerEvent(event)


class PqrOperator(BaseOperator):
    """`pqr run WORKLOAD` as a task.

    until, only: a stage, as in `pqr run --until`, `--only`; neither: the whole run. options: others of `pqr run`, {"from": "2025-09-01",
    "input": [...]}; the DAG run's params of the same names go before them. {date} and {date-N} in `input` are local dates of the scheduled instant, as in
    `pqr schedule`. run_id: the run that `only` means (default: the newest). conn_id: a connection whose extra has `lake`, `control` and
    `environment`; else lake and control, which must not hold a password; else PQR_LAKE_URI and PQR_CONTROL_URI of the worker. tables: what the task writes, for the assets.
    deferrable: the program runs beside the triggerer and takes no worker slot meanwhile.

    Only what may pass is retried: a service out of reach (status 5), an interruption (130), a kill. XComs: `run_id`, `rows`, and as return value
    what `pqr run --json` says in short.
    """

    template_fields = ("lake", "control", "run_id", "options")
    ui_color = "#d9ead3"

    def __init__(
        self,
        *,
        workload: str = "pqrs",
        until: Optional[str] = None,
        only: Optional[str] = None,
        run_id: Optional[str] = None,
        options: Optional[Mapping[str, Any]] = None,
        lake: Optional[str] = None,
        control: Optional[str] = None,
        conn_id: Optional[str] = None,
        asset_lake: str = "default",
        tables: Sequence[str] = (),
        timezone: str = ZONE,
        deferrable: bool = False,
        **kwargs: Any,
    ):
        kwargs.setdefault("outlets", [table_asset(t, asset_lake) for t in tables])
        super().__init__(**kwargs)
        self.workload, self.until, self.only, self.run_id = workload, until, only, run_id
        self.options, self.lake, self.control, self.conn_id = dict(options or {}), lake, _without_password(control), conn_id
        self.timezone, self.deferrable = timezone, deferrable

    def _env(self) -> dict:
        control = _without_password(self.control)  # as rendered
        if not self.conn_id:
            return _program.place(self.lake, control)
        extra = BaseHook.get_connection(self.conn_id).extra_dejson
        return _program.place(self.lake or extra.get("lake"), control or extra.get("control"), extra.get("environment"))

    def _arguments(self, context) -> list:
        params = {k: v for k, v in (context.get("params") or {}).items() if k in PARAMS and v is not None}
        values = {} if self.run_id else {**self.options, **params}  # a run that is named was told what it is when it began
        due = context.get("data_interval_end") or context.get("logical_date") or context["dag_run"].run_after
        values["input"] = [_program.dated(path, due, self.timezone) for path in values.get("input") or []]
        return ["run", self.workload, *_program.options({**values, "until": self.until, "only": self.only, "run_id": self.run_id})]

    def execute(self, context):
        arguments, env = self._arguments(context), self._env()
        if lineage_parent_id is not None:  # events that the program sends itself (--lineage-url) name this task as their parent
            env["OPENLINEAGE_PARENT_ID"] = lineage_parent_id(context["ti"])
        if self.deferrable:
            self.defer(trigger=PqrTrigger(arguments, env), method_name="execute_complete", timeout=self.execution_timeout)
        self._cancel = threading.Event()
        try:
            report = _program.run(arguments, env=env, logger=self.log, cancel=self._cancel)
        except PqrError as error:
            self._fail(str(error), error.code)
        return self._done(context, report)

    def execute_complete(self, context, event):
        if event["code"] != 0:
            self._fail(event["text"], event["code"])
        return self._done(context, event["report"])

    def on_kill(self):
        """`execute` sees it, interrupts the program and waits for its end."""
        if getattr(self, "_cancel", None):
            self._cancel.set()

    def _fail(self, text, code):
        may_pass = code in (5, 130) or code > 130  # out of reach, interrupted, killed
        raise (AirflowException if may_pass else AirflowFailException)(f"{text} (pqr: exit status {code})")

    def _done(self, context, report):
        short = {k: report[k] for k in ("run_id", "workload", "status", "nothing_to_do", "lake", "as_of", "root", "rows", "quality")}
        context["ti"].xcom_push(key="run_id", value=report["run_id"])
        context["ti"].xcom_push(key="rows", value=report["rows"])
        if report["status"] == "DEGRADED":
            self.log.warning("run %s is DEGRADED: a WARNING check failed (pqr quality --run-id %s)", report["run_id"], report["run_id"])
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {"run_id": report["run_id"], "status": report["status"]}
        return short

    def get_openlineage_facets_on_complete(self, task_instance):
        """What the stage read and wrote, as `pqr lineage` has it."""
        from airflow.providers.openlineage.extractors import OperatorLineage
        from openlineage.client.event_v2 import Dataset

        made = task_instance.xcom_pull(task_ids=self.task_id, key="run_id")
        if not made:
            return OperatorLineage()
        events = _program.run(["lineage", "--run-id", made, "--format", "openlineage"], env=self._env(), logger=self.log, lines=True)
        stage = {"gold_to_postgres": "publish"}.get(self.only or self.until, self.only or self.until)  # its name in every workload
        ours = [e for e in events if stage is None or e["job"]["name"] == f"{self.workload}.{stage}"]
        found = {side: {d["name"]: d for e in ours for d in e[side]} for side in ("inputs", "outputs")}
        return OperatorLineage(**{side: [Dataset(d["namespace"], d["name"], facets=d.get("facets") or {}) for d in sets.values()] for side, sets in found.items()})


# ---- DAGs ----------------------------------------------------------------------------------------------------------------


async def late(**kwargs: Any) -> None:
    """Told when a DAG run missed its deadline: the triggerer's log has it, and the webhook PQR_ALERT_WEBHOOK, where that is set."""
    tell_late(kwargs.get("text", "a DAG run missed its deadline"))


def tell_late(text: str) -> None:
    import logging

    logging.getLogger("airflow.pqr").error(text)
    if os.environ.get("PQR_ALERT_WEBHOOK"):
        body = json.dumps({"text": text}).encode()
        urllib.request.urlopen(urllib.request.Request(os.environ["PQR_ALERT_WEBHOOK"], body, {"Content-Type": "application/json"}), timeout=10).close()


def _sla_missed(dag, *_):
    tell_late(f"{dag.dag_id} missed its deadline")


def _dag(
    dag_id: str,
    doc: str,
    *,
    cron: Optional[str],
    start: datetime.datetime = START,
    timezone: str = ZONE,
    deadline: Optional[datetime.timedelta] = None,
    default_args: Optional[Mapping[str, Any]] = None,
    catchup: bool = False,
    **kwargs: Any,
) -> DAG:
    args = {
        "retries": 3,
        "retry_delay": datetime.timedelta(seconds=30),
        "retry_exponential_backoff": True,
        "max_retry_delay": datetime.timedelta(minutes=30),
        "execution_timeout": datetime.timedelta(hours=6),
        "pool": POOL,
        **(default_args or {}),
    }
    schedule = CronDataIntervalTimetable(cron, timezone=timezone) if cron else None
    if deadline and DeadlineAlert:
        # From the logical date, where the interval begins that the run is for: one that counts from queueing keeps Airflow 3.3 from clearing tasks.
        told = AsyncCallback("pqr_lakehouse.airflow.late", kwargs={"text": f"{dag_id} missed its deadline of {deadline}"})
        span = schedule.infer_manual_data_interval(run_after=pendulum.instance(start)) if schedule else None
        interval = deadline + (span.end - span.start).as_timedelta() if span else deadline
        kwargs["deadline"] = DeadlineAlert(reference=DeadlineReference.DAGRUN_LOGICAL_DATE, interval=interval, callback=told)
    elif deadline:
        args["sla"], kwargs["sla_miss_callback"] = deadline, _sla_missed
    kwargs = {"tags": ["pqr"], "doc_md": doc, "params": PARAMS, "catchup": catchup, **kwargs}
    return DAG(dag_id, schedule=schedule, start_date=start, max_active_runs=1, max_active_tasks=1, default_args=args, **kwargs)


def _chain(operators: list) -> None:
    for before, after in zip(operators, operators[1:]):
        before >> after


def _tables(layer: str, names: str) -> tuple:
    return tuple(f"{layer}.{name}" for name in names.split())


# Stages and what each writes, as `pqr lineage` has it: assets must be known before a run.
_FIGURES = {"dau": "daily_active_users", "conversion": "conversion_rate_daily", "events_source": "events_per_source_daily", "purchases_page": "purchases_per_page_daily"}
CLICKSTREAM = {
    "bronze_to_silver": ("silver.user_events",),
    **{f"silver_to_gold_{step}": (f"gold.{table}",) for step, table in _FIGURES.items()},
    "gold_to_postgres": tuple(f"serving.gold_{table}" for table in _FIGURES.values()),
}
_GOLD = (
    "daily_kpis kpi_backlog_daily kpi_backlog_geo_daily kpi_sla_daily kpi_sla_geo_daily kpi_volume_daily kpi_volume_dept_daily kpi_volume_geo_daily "
    "kpi_volume_national_daily pqrs_metrics priority_distribution sla_daily sla_metrics tickets_snapshot"
)
PQRS = {
    "raw": ("raw.pqrs",),
    "bronze": ("bronze.pqrs_events",),
    "silver": _tables(
        "silver",
        "attachments dim_channel dim_geo dim_pqrs_type dim_priority dim_role dim_status dim_status_transition messages preclassification quarantine status_events tickets",
    ),
    "gold": _tables("gold", _GOLD),
    "publish": tuple(f"serving.gold_{table}" for table in _GOLD.split()),
}


def lakehouse_bronze_to_gold(
    dag_id: str = "lakehouse_bronze_to_gold", *, from_stream: bool = False, cron: Optional[str] = "0 3 * * *", operator: Optional[Mapping[str, Any]] = None, **dag: Any
) -> DAG:
    """The clickstream steps from bronze on, daily and by hand, in sequence, all of one run: the newest, or the one that params tell.

    from_stream: of what a stream has appended to bronze instead, a run a date; params `from` and `to` choose dates. What comes between two steps is taken too.
    operator: arguments of every PqrOperator (conn_id, lake, deferrable, ...). dag: of the DAG, and `start`, `timezone` of the cron expression, `deadline`:
    how long after the scheduled time `late` tells.
    """
    with _dag(dag_id, lakehouse_bronze_to_gold.__doc__, cron=cron, **dag) as made:
        first, *rest = CLICKSTREAM
        same = "{{ ti.xcom_pull(task_ids='" + first + "', key='run_id') }}"
        if from_stream:
            ours = {**(operator or {}), "options": {**(operator or {}).get("options", {}), "from_stream": True}}
            steps = [PqrOperator(task_id=step, workload="clickstream", until=step, tables=tables, **ours) for step, tables in CLICKSTREAM.items()]
        else:
            steps = [PqrOperator(task_id=first, workload="clickstream", only=first, tables=CLICKSTREAM[first], **(operator or {}))]
            steps += [PqrOperator(task_id=step, workload="clickstream", only=step, run_id=same, tables=CLICKSTREAM[step], **(operator or {})) for step in rest]
        _chain(steps)
    return made


def pqrs_etl(dag_id: str = "pqrs_etl", *, input: Sequence[str] = (), cron: Optional[str] = "30 2 * * *", operator: Optional[Mapping[str, Any]] = None, **dag: Any) -> DAG:
    """PQRS events to published KPIs, a task a stage. With `catchup=True` and `input=["in/{date-1}.jsonl"]` the days that were missed come one
    after the other, and end equal to one run over all files.
    """
    ours = {"timezone": dag.get("timezone", ZONE), **(operator or {})}
    with _dag(dag_id, pqrs_etl.__doc__, cron=cron, **dag) as made:
        _chain([PqrOperator(task_id=stage, workload="pqrs", until=stage, options={"input": list(input)}, tables=tables, **ours) for stage, tables in PQRS.items()])
    return made
