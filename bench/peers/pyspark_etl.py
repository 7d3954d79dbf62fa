"""raw -> bronze -> silver -> three gold tables in PySpark's data frames.

    pyspark_etl.py RAW OUT MASTER AS_OF HOLIDAYS       AS_OF: without a zone, UTC; HOLIDAYS: dates, joined by commas

Prints the seconds of each stage as JSON; the session has started before, and a job has run. As Spark's guide to tuning has it: schemas given, not
inferred, built-in functions alone, adaptive execution (its default) to choose the partitions of a shuffle, small tables broadcast, rows of a
month gathered before they are written. What it makes is what bench/duckdb makes, value by value, and it leaves out the same in its favour (the top of
each file there).
"""

import json
import sys
import time

from law import ANSWERED, FIRST, RUNS, TERM, business_days
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

DATA = """external_id STRING, source_channel STRING, pqrs_type STRING, priority STRING, geo_region STRING, geo_municipio STRING, dane_city_code STRING,
  subject STRING, text STRING, text_len INT, sla_business_days INT, radicated_at TIMESTAMP, sla_due_at TIMESTAMP, closed_at TIMESTAMP,
  topic_preclassified STRING, preclassifier STRING, role STRING, message_id STRING, status_from STRING, status_to STRING, actor_role STRING,
  reason STRING, file_type STRING, size_kb BIGINT, file_name STRING"""
RAW = f"""event_id STRING, ticket_id STRING, event_type STRING, ts TIMESTAMP, schema_version STRING, tenant_id STRING, data STRUCT<{DATA}>,
  source STRING, day DATE"""


def session(master):
    builder = SparkSession.builder.master(master).appName("peer of pqr")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "6g",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.hadoop.parquet.compression.codec.zstd.level": "1",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    made.range(1000).groupBy().sum().collect()
    return made


def written(rows, folder):
    rows.repartition("month").write.partitionBy("month").parquet(folder)


def local(ts):
    return F.col(ts) - F.expr("INTERVAL 5 HOURS")


def local_day(ts):
    return local(ts).cast("date")


def month_of(ts):
    return F.date_format(local(ts), "yyyy-MM")


def bronze(spark, raw, out):
    rows = spark.read.schema(RAW).option("basePath", f"{raw}/pqrs").json(f"{raw}/pqrs/source=*/day=*")
    columns = ["event_id", "ticket_id", "event_type", "ts", "data.*", "schema_version", "tenant_id", "source", "day"]
    events = rows.select(*columns, F.date_format("day", "yyyy-MM").alias("month"))
    events.write.partitionBy("month").parquet(f"{out}/bronze")


def constant(numbers):
    """An array that is folded before the query is compiled; array(...) of as many elements is not compiled at all."""
    return f"CAST(split('{','.join(map(str, numbers))}', ',') AS ARRAY<INT>)"


class Law:
    """Business days as constant arrays, looked up by position. Spark 4.2 reads element -1 where the position is NULL: no NULL comes as far."""

    def __init__(self, holidays, as_of):
        nth, due = business_days(holidays)
        self.nth = constant(nth)
        self.due = constant((d - FIRST).days for d in due)
        self.as_of = f"TIMESTAMP '{as_of}'"

    def nth_day(self, ts):
        return f"CASE WHEN {ts} IS NOT NULL THEN get({self.nth}, datediff(CAST({ts} - INTERVAL 5 HOURS AS DATE), DATE '{FIRST}')) END"

    def due_at(self, n):
        """The last instant of the local day that is the n-th business day."""
        day = f"date_add(DATE '{FIRST}', get({self.due}, {n}))"
        return f"CASE WHEN {n} IS NOT NULL THEN CAST({day} AS TIMESTAMP) + INTERVAL '1 04:59:59.999999' DAY TO SECOND END"


def names(values):
    return "(" + ",".join(f"'{v}'" for v in values) + ")"


def histories(changes, law):
    """One row a ticket of its changes of status."""
    stops = "status_to IN ('ON_HOLD', 'RESPONDED')"
    nth, us = law.nth_day("ts"), "unix_micros(ts)"
    held = f"CASE WHEN {stops} THEN -({nth}) WHEN status_from = 'ON_HOLD' OR status_to = 'REOPENED' THEN {nth} END"
    ran = f"CASE WHEN {stops} THEN {us} WHEN status_to IN ('RADICATED', 'REOPENED') OR status_from = 'ON_HOLD' THEN -{us} END"

    def when(f, status):
        return f(F.when(F.col("status_to") == status, F.col("ts")))

    return changes.groupBy("ticket_id").agg(
        when(F.min, "RADICATED").alias("radicated_at"),
        when(F.max, "RESPONDED").alias("responded_at"),
        when(F.max, "CLOSED").alias("last_closed"),
        when(F.max, "ARCHIVED").alias("archived_at"),
        F.max_by("status_to", "ts").alias("current_status"),
        F.count_if(F.col("status_to") == "REOPENED").alias("reopened_count"),
        F.max("ts").alias("s_last"),
        F.sum(F.expr(held)).alias("held"),
        F.sum(F.expr(ran)).alias("ran"),
    )


def tickets(events, law):
    def of(kind):
        return events.where(F.col("event_type") == kind)

    messages = of("MESSAGE_ADDED").groupBy("ticket_id").agg(
        F.count("*").alias("message_count"), F.min(F.when(F.col("role") == "agent", F.col("ts"))).alias("first_response_at"), F.max("ts").alias("m_last"))
    attachments = of("ATTACHMENT_ADDED").groupBy("ticket_id").agg(F.count("*").alias("attachment_count"), F.max("ts").alias("a_last"))
    created = of("TICKET_CREATED").select("ticket_id", "external_id", "source_channel", "pqrs_type", "priority", F.col("geo_region").alias("department_name"),
        F.col("geo_municipio").alias("city_name"), F.lpad("dane_city_code", 5, "0").alias("dane_city_code"), "tenant_id", F.col("ts").alias("created_at"))
    folded = created
    for more in (histories(of("STATUS_CHANGED"), law), messages, attachments):
        folded = folded.join(more, "ticket_id", "left")
    terms = " ".join(f"WHEN '{kind}' THEN {days}" for kind, days in TERM.items())
    return (
        folded.withColumn("hold_days", F.expr(f"""CAST(coalesce(held, 0) + CASE WHEN current_status = 'ON_HOLD' THEN {law.nth_day(law.as_of)}
            WHEN current_status IN {names(ANSWERED)} THEN {law.nth_day("responded_at")} ELSE 0 END AS INT)"""))
        .withColumn("sla_elapsed_seconds", F.expr(f"(coalesce(ran, 0) + CASE WHEN current_status IN {names(RUNS)} THEN unix_micros({law.as_of}) ELSE 0 END) DIV 1000000"))
        .withColumn("sla_business_days", F.expr(f"CASE pqrs_type {terms} END"))
        .withColumn("answered_at", F.expr(f"CASE WHEN current_status IN {names(ANSWERED)} THEN responded_at END"))
        .withColumn("closed_at", F.expr("CASE WHEN current_status IN ('CLOSED', 'ARCHIVED') THEN last_closed END"))
        .withColumn("due", F.expr(f"CAST({law.nth_day('radicated_at')} + sla_business_days + hold_days AS INT)"))
        .withColumn("sla_due_at", F.expr(law.due_at("due")))
        .withColumn("sla_status", F.expr(f"CASE WHEN radicated_at IS NULL THEN 'NOT_STARTED' WHEN coalesce(answered_at, {law.as_of}) <= sla_due_at THEN 'IN_TIME' ELSE 'LATE' END"))
        .select("ticket_id", "external_id", "source_channel", "pqrs_type", "priority", "created_at", "radicated_at", "first_response_at", "responded_at",
            "answered_at", "closed_at", "archived_at", F.coalesce("current_status", F.lit("RECEIVED")).alias("current_status"), "department_name", "city_name",
            "dane_city_code", "sla_business_days", "sla_due_at", "sla_elapsed_seconds", "hold_days", "sla_status",
            *(F.coalesce(n, F.lit(0)).cast("int").alias(n) for n in ("reopened_count", "message_count", "attachment_count")),
            "tenant_id", F.greatest("created_at", "s_last", "m_last", "a_last").alias("last_update_ts"), month_of("created_at").alias("month"))
    )


def silver(spark, out, law):
    events = spark.read.parquet(f"{out}/bronze").drop("month")

    def of(kind, *columns):
        return events.where(F.col("event_type") == kind).select(*columns, month_of("ts").alias("month"))

    written(of("MESSAGE_ADDED", F.coalesce("message_id", "event_id").alias("message_id"), "ticket_id", "ts", "role", "text", F.length("text").alias("text_len")), f"{out}/silver/messages")
    written(of("ATTACHMENT_ADDED", F.col("event_id").alias("attachment_id"), "ticket_id", "ts", "file_type", "size_kb", "file_name", "source_channel"), f"{out}/silver/attachments")
    written(of("STATUS_CHANGED", "event_id", "ticket_id", "ts", "status_from", "status_to", "actor_role", "reason"), f"{out}/silver/status_events")
    written(tickets(events, law), f"{out}/silver/tickets")


def gold(spark, out, law):
    t = spark.read.parquet(f"{out}/silver/tickets").select("created_at", "closed_at", "answered_at", "sla_due_at", "sla_status", "source_channel", "pqrs_type",
        F.coalesce("department_name", F.lit("unknown")).alias("region"), local_day("created_at").alias("day"), local_day("closed_at").alias("closed")).cache()
    month = F.date_format("day", "yyyy-MM").alias("month")
    volume = t.groupBy("day", F.col("source_channel").alias("channel"), "pqrs_type").agg(F.count("*").alias("tickets_count"))
    written(volume.select("*", month), f"{out}/gold/kpi_volume_daily")

    opened = t.select("day", "pqrs_type", "region", F.lit(1).alias("n"))
    ended = t.where("closed IS NOT NULL").select(F.col("closed").alias("day"), "pqrs_type", "region", F.lit(-1).alias("n"))
    net = opened.union(ended).groupBy("day", "pqrs_type", "region").agg(F.sum("n").alias("n")).cache()
    days = net.agg(F.min("day").alias("first")).selectExpr(f"explode(sequence(first, CAST({law.as_of} - INTERVAL 5 HOURS AS DATE))) AS day")
    grid = days.crossJoin(net.select("pqrs_type", "region").distinct())
    so_far = Window.partitionBy("pqrs_type", "region").orderBy("day")
    backlog = grid.join(net, ["day", "pqrs_type", "region"], "left").select("day", "pqrs_type", "region", F.sum(F.coalesce("n", F.lit(0))).over(so_far).alias("backlog_count"))
    written(backlog.where("backlog_count <> 0").select("*", month), f"{out}/gold/kpi_backlog_daily")

    late = F.col("sla_status") == "LATE"
    overdue = F.when(late, F.expr("unix_micros(answered_at) - unix_micros(sla_due_at)"))
    sla = t.where("closed IS NOT NULL").groupBy(F.col("closed").alias("day"), "pqrs_type").agg(
        F.count("*").alias("closed_count"),
        F.round(100.0 * F.count_if(F.col("sla_status") == "IN_TIME") / F.count("*"), 2).cast("decimal(5,2)").alias("within_sla_pct"),
        F.count_if(late).alias("overdue_count"),
        F.coalesce(F.round(F.avg(overdue) / 86400000000.0, 2), F.lit(0)).cast("decimal(9,2)").alias("avg_overdue_days"))
    written(sla.select("*", month), f"{out}/gold/kpi_sla_daily")


def main(raw, out, master, as_of, holidays):
    spark, law, seconds = session(master), Law(holidays.split(","), as_of), {}
    print("stages begin", file=sys.stderr, flush=True)
    for name, stage in (("bronze", lambda: bronze(spark, raw, out)), ("silver", lambda: silver(spark, out, law)), ("gold", lambda: gold(spark, out, law))):
        began = time.monotonic()
        stage()
        seconds[name] = time.monotonic() - began
    print("stages end", file=sys.stderr, flush=True)
    spark.stop()
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
