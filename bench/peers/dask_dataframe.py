"""raw -> bronze -> silver -> three gold tables in dask.dataframe, on a cluster that runs.

    dask_dataframe.py RAW OUT SCHEDULER AS_OF HOLIDAYS       AS_OF: without a zone, UTC; HOLIDAYS: dates, joined by commas

Prints the seconds of each stage as JSON. As Dask's guide to good practice has it: Arrow strings, few files a partition, columns and rows left out
where Parquet is read, one shuffle by ticket and then plain pandas within partitions, small results in pandas. What it makes is what
bench/duckdb makes, value by value, and it leaves out the same in its favour (the top of each file there).
"""

import datetime
import json
import pathlib
import sys
import time

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.json
import pyarrow.parquet
from distributed import Client
from law import ANSWERED, FIRST, RUNS, TERM, business_days

TIME = pa.timestamp("us")
TEXTS = ("external_id", "source_channel", "pqrs_type", "priority", "geo_region", "geo_municipio", "dane_city_code", "subject", "text",
    "topic_preclassified", "preclassifier", "role", "message_id", "status_from", "status_to", "actor_role", "reason", "file_type", "file_name")
TIMES = ("radicated_at", "sla_due_at", "closed_at")
DATA = {**{name: pa.string() for name in TEXTS}, "text_len": pa.int32(), "sla_business_days": pa.int32(), "size_kb": pa.int64(),
    **{name: pa.string() for name in TIMES}}
HEAD = ("event_id", "ticket_id", "event_type", "ts", "schema_version", "tenant_id")
EVENTS = pa.schema([(name, pa.string()) for name in HEAD] + [("data", pa.struct(list(DATA.items())))])
BRONZE = pa.schema([(n, TIME if n == "ts" else pa.string()) for n in HEAD] + [(n, TIME if n in TIMES else t) for n, t in DATA.items()]
    + [("source", pa.string()), ("day", pa.date32()), ("month", pa.string())])
PARTITION_BYTES = 64 << 20  # of JSON: some 100 MB of data frame
BOGOTA = pd.Timedelta(hours=5)


def frame(table):
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def written(table, folder, schema):
    table.to_parquet(folder, engine="pyarrow", schema=schema, partition_on=["month"], compression="zstd", write_index=False)


def read(folder, columns, *filters):
    return dd.read_parquet(folder, columns=columns, filters=list(filters) or None, dtype_backend="pyarrow", split_row_groups=False)


def instant(texts):
    """2025-09-08T00:00:14.595587Z: without the zone, which all have."""
    return pa.compute.utf8_rtrim(texts, "Z").cast(TIME)


def local_day(ts):
    return (ts.astype("datetime64[us]") - BOGOTA).dt.floor("D")


def month_of(ts):
    return (ts.astype("datetime64[us]") - BOGOTA).dt.strftime("%Y-%m")


# ---- bronze ----


def read_events(paths):
    tables = []
    for path in paths:
        part = {p.split("=")[0]: p.split("=")[1] for p in pathlib.Path(path).parts if "=" in p}
        options = pyarrow.json.ParseOptions(explicit_schema=EVENTS, unexpected_field_behavior="ignore")
        rows = pyarrow.json.read_json(path, pyarrow.json.ReadOptions(use_threads=False), options)
        data = rows.column("data").combine_chunks().flatten() if rows.num_rows else [pa.array([], t) for t in DATA.values()]
        columns = {name: rows.column(name) for name in HEAD} | dict(zip(DATA, data))
        for name in ("ts", *TIMES):
            columns[name] = instant(columns[name])
        day = datetime.date.fromisoformat(part["day"])
        columns["source"] = pa.repeat(pa.scalar(part["source"]), rows.num_rows)
        columns["day"] = pa.repeat(pa.scalar(day), rows.num_rows)
        columns["month"] = pa.repeat(pa.scalar(day.strftime("%Y-%m")), rows.num_rows)
        tables.append(pa.table(columns, BRONZE))
    return frame(pa.concat_tables(tables))


def bronze(raw, out):
    groups, size = [[]], 0
    for path in sorted(pathlib.Path(raw).glob("pqrs/source=*/day=*/run_id=*/events.jsonl"), key=lambda p: p.parts[-3]):
        if size > PARTITION_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(str(path))
        size += path.stat().st_size
    events = dd.from_map(read_events, groups, meta=frame(BRONZE.empty_table()))
    written(events, f"{out}/bronze", BRONZE)


# ---- silver ----


def silver_messages(e):
    e = e.assign(message_id=e["message_id"].fillna(e["event_id"]), text_len=e["text"].str.len().astype("int32[pyarrow]"), month=month_of(e["ts"]))
    return e.drop(columns="event_id")


def with_month(e):
    return e.assign(month=month_of(e["ts"]))


MESSAGES = pa.schema([("message_id", pa.string()), ("ticket_id", pa.string()), ("ts", TIME), ("role", pa.string()), ("text", pa.string()),
    ("text_len", pa.int32()), ("month", pa.string())])
ATTACHMENTS = pa.schema([("attachment_id", pa.string()), ("ticket_id", pa.string()), ("ts", TIME), ("file_type", pa.string()), ("size_kb", pa.int64()),
    ("file_name", pa.string()), ("source_channel", pa.string()), ("month", pa.string())])
CHANGES = pa.schema([(n, TIME if n == "ts" else pa.string()) for n in ("event_id", "ticket_id", "ts", "status_from", "status_to", "actor_role", "reason", "month")])
TICKETS = pa.schema([(n, pa.string()) for n in ("ticket_id", "external_id", "source_channel", "pqrs_type", "priority")]
    + [(n, TIME) for n in ("created_at", "radicated_at", "first_response_at", "responded_at", "answered_at", "closed_at", "archived_at")]
    + [(n, pa.string()) for n in ("current_status", "department_name", "city_name", "dane_city_code")]
    + [("sla_business_days", pa.int32()), ("sla_due_at", TIME), ("sla_elapsed_seconds", pa.int64()), ("hold_days", pa.int32()), ("sla_status", pa.string()),
       ("reopened_count", pa.int32()), ("message_count", pa.int32()), ("attachment_count", pa.int32()), ("tenant_id", pa.string()),
       ("last_update_ts", TIME), ("month", pa.string())])


class Clock:
    """Business days between local dates, by position."""

    def __init__(self, holidays):
        nth, due = business_days(holidays)
        self.nth = np.array(nth)
        self.due = np.array(due, dtype="datetime64[us]")

    def nth_day(self, ts):
        """Of instants, those that are missing as of FIRST."""
        days = (local_day(ts) - pd.Timestamp(FIRST)).dt.days
        return pd.Series(self.nth[days.fillna(0).astype(int)], ts.index)


def histories(s, clock):
    """One row a ticket of its changes of status."""
    s = s.sort_values("ts", kind="stable")
    s["ts"] = s["ts"].astype("datetime64[us]")
    us = s["ts"].astype("int64")
    stops = s["status_to"].isin(["ON_HOLD", "RESPONDED"])
    goes_on = s["status_from"].eq("ON_HOLD") | s["status_to"].eq("REOPENED")
    starts = s["status_to"].isin(["RADICATED", "REOPENED"]) | s["status_from"].eq("ON_HOLD")
    nth = clock.nth_day(s["ts"])
    s["held"] = nth.where(~stops, -nth).where(stops | goes_on, 0)
    s["ran"] = us.where(stops, -us).where(stops | starts, 0)
    s["reopened"] = s["status_to"].eq("REOPENED").astype("int32")
    by = s.groupby("ticket_id")
    out = by.agg(current_status=("status_to", "last"), s_last=("ts", "max"), held=("held", "sum"), ran=("ran", "sum"), reopened_count=("reopened", "sum"))
    for name, status, which in (("radicated_at", "RADICATED", "min"), ("responded_at", "RESPONDED", "max"), ("last_closed", "CLOSED", "max"), ("archived_at", "ARCHIVED", "max")):
        out[name] = s[s["status_to"].eq(status)].groupby("ticket_id")["ts"].agg(which)
    return out


def silver_tickets(e, clock, as_of):
    """All events of some tickets to one row each."""
    e = e.astype({name: "string[pyarrow]" for name in ("status_from", "status_to", "role")})
    kind = e["event_type"]
    t = e[kind.eq("TICKET_CREATED")].set_index("ticket_id").rename(columns={"ts": "created_at", "geo_region": "department_name", "geo_municipio": "city_name"})
    t["created_at"] = t["created_at"].astype("datetime64[us]")
    t = t.drop(columns=["event_type", "role", "status_from", "status_to"]).join(histories(e[kind.eq("STATUS_CHANGED")].copy(), clock))
    m = e.loc[kind.eq("MESSAGE_ADDED"), ["ticket_id", "ts", "role"]].astype({"ts": "datetime64[us]"})
    t = t.join(m.groupby("ticket_id").agg(message_count=("ts", "size"), m_last=("ts", "max")))
    t["first_response_at"] = m[m["role"].eq("agent")].groupby("ticket_id")["ts"].min()
    a = e.loc[kind.eq("ATTACHMENT_ADDED"), ["ticket_id", "ts"]].astype({"ts": "datetime64[us]"})
    t = t.join(a.groupby("ticket_id").agg(attachment_count=("ts", "size"), a_last=("ts", "max")))
    for name in ("held", "ran", "reopened_count", "message_count", "attachment_count"):
        t[name] = t[name].fillna(0).astype("int64")
    now, status = pd.Timestamp(as_of), t["current_status"].fillna("RECEIVED").astype(object)
    answered = status.isin(ANSWERED)
    open_days = np.where(status.eq("ON_HOLD"), clock.nth_day(pd.Series([now]))[0], np.where(answered, clock.nth_day(t["responded_at"]), 0))
    t["hold_days"] = t["held"] + open_days
    t["sla_elapsed_seconds"] = (t["ran"] + np.where(status.isin(RUNS), now.value // 1000, 0)) // 1000000
    t["sla_business_days"] = t["pqrs_type"].map(TERM).astype("int64")
    t["answered_at"] = t["responded_at"].where(answered)
    t["closed_at"] = t["last_closed"].where(status.isin(["CLOSED", "ARCHIVED"]))
    begun = t["radicated_at"].notna()
    nth = clock.nth_day(t["radicated_at"]) + t["sla_business_days"] + t["hold_days"]
    due = pd.Series(clock.due[nth.where(begun, 0)], t.index) + (pd.Timedelta(hours=5) - pd.Timedelta(microseconds=1) + pd.Timedelta(days=1))
    t["sla_due_at"] = due.where(begun)
    in_time = t["answered_at"].fillna(now) <= t["sla_due_at"]
    t["sla_status"] = np.where(~begun, "NOT_STARTED", np.where(in_time, "IN_TIME", "LATE"))
    t["current_status"] = status
    t["dane_city_code"] = t["dane_city_code"].str.zfill(5)
    t["last_update_ts"] = t[["created_at", "s_last", "m_last", "a_last"]].max(axis=1)
    t["month"] = month_of(t["created_at"])
    return frame(pa.Table.from_pandas(t.reset_index()[TICKETS.names], TICKETS, preserve_index=False))


FOLDED = ["ticket_id", "event_type", "ts", "external_id", "source_channel", "pqrs_type", "priority", "geo_region", "geo_municipio", "dane_city_code", "role",
    "status_from", "status_to", "tenant_id"]


def silver(out, as_of, holidays):
    def of(kind, columns):
        return read(f"{out}/bronze", columns, ("event_type", "==", kind))

    messages = of("MESSAGE_ADDED", ["message_id", "ticket_id", "ts", "role", "text", "event_id"]).map_partitions(silver_messages)
    written(messages, f"{out}/silver/messages", MESSAGES)
    attachments = of("ATTACHMENT_ADDED", ["event_id", "ticket_id", "ts", "file_type", "size_kb", "file_name", "source_channel"])
    written(attachments.rename(columns={"event_id": "attachment_id"}).map_partitions(with_month), f"{out}/silver/attachments", ATTACHMENTS)
    changes = of("STATUS_CHANGED", ["event_id", "ticket_id", "ts", "status_from", "status_to", "actor_role", "reason"])
    written(changes.map_partitions(with_month), f"{out}/silver/status_events", CHANGES)
    together = read(f"{out}/bronze", FOLDED).shuffle("ticket_id")
    tickets = together.map_partitions(silver_tickets, Clock(holidays), as_of, meta=frame(TICKETS.empty_table()))
    written(tickets, f"{out}/silver/tickets", TICKETS)


# ---- gold: small once it is grouped, so pandas from there on ----


def kept(rows, folder, types):
    rows = rows.assign(month=rows["day"].dt.strftime("%Y-%m"), day=rows["day"].dt.date)
    schema = pa.schema([(n, types.get(n, pa.string())) for n in rows.columns])
    table = pa.Table.from_arrays([pa.array(rows[n], from_pandas=True).cast(schema.field(n).type) for n in rows.columns], schema=schema)
    pyarrow.parquet.write_to_dataset(table, folder, partition_cols=["month"], compression="zstd")


def rounded(x):
    """To two places as SQL does: halves away from zero."""
    return np.floor(x * 100 + 0.5) / 100


FACTS = {"day": "datetime64[us]", "closed": "datetime64[us]", "channel": "string[pyarrow]", "pqrs_type": "string[pyarrow]", "region": "string[pyarrow]",
    "in_time": "int64", "late": "int64", "overdue": "float64"}


def facts(t):
    late = t["sla_status"].eq("LATE")
    overdue = (t["answered_at"] - t["sla_due_at"]).dt.total_seconds()
    return pd.DataFrame({
        "day": local_day(t["created_at"]), "closed": local_day(t["closed_at"]), "channel": t["source_channel"], "pqrs_type": t["pqrs_type"],
        "region": t["department_name"].fillna("unknown"), "in_time": t["sla_status"].eq("IN_TIME").astype("int64"), "late": late.astype("int64"),
        "overdue": overdue.where(late),
    })


def gold(out, as_of):
    columns = ["created_at", "closed_at", "answered_at", "sla_due_at", "sla_status", "source_channel", "pqrs_type", "department_name"]
    t = dd.read_parquet(f"{out}/silver/tickets", columns=columns).map_partitions(facts, meta=FACTS)
    closed = t[t["closed"].notnull()]
    volume, opened, ended, sla = dask.compute(
        t.groupby(["day", "channel", "pqrs_type"]).size(),
        t.groupby(["day", "pqrs_type", "region"]).size(),
        closed.groupby(["closed", "pqrs_type", "region"]).size(),
        closed.groupby(["closed", "pqrs_type"]).agg(
            closed_count=("late", "size"), in_time=("in_time", "sum"), overdue_count=("late", "sum"), overdue=("overdue", "sum"), known=("overdue", "count")))
    day, count = pa.date32(), pa.int64()
    kept(volume.rename("tickets_count").reset_index(), f"{out}/gold/kpi_volume_daily", {"day": day, "tickets_count": count})
    net = opened.sub(ended.rename_axis(["day", "pqrs_type", "region"]), fill_value=0).unstack(["pqrs_type", "region"], fill_value=0)
    days = pd.date_range(net.index.min(), (pd.Timestamp(as_of) - BOGOTA).floor("D"), name="day")
    backlog = net.reindex(days, fill_value=0).cumsum().stack(["pqrs_type", "region"]).rename("backlog_count").reset_index()
    kept(backlog[backlog["backlog_count"] != 0], f"{out}/gold/kpi_backlog_daily", {"day": day, "backlog_count": count})
    sla = sla.rename_axis(["day", "pqrs_type"]).reset_index()
    sla["within_sla_pct"] = rounded(100.0 * sla["in_time"] / sla["closed_count"])
    sla["avg_overdue_days"] = rounded(sla["overdue"] / sla["known"].where(sla["known"] > 0) / 86400).fillna(0)
    sla = sla[["day", "pqrs_type", "closed_count", "within_sla_pct", "overdue_count", "avg_overdue_days"]]
    types = {"day": day, "closed_count": count, "overdue_count": count, "within_sla_pct": pa.decimal128(5, 2), "avg_overdue_days": pa.decimal128(9, 2)}
    kept(sla, f"{out}/gold/kpi_sla_daily", types)


def main(raw, out, scheduler, as_of, holidays):
    dask.config.set({"dataframe.shuffle.method": "p2p"})
    here = pathlib.Path(__file__).resolve().parent
    with Client(scheduler) as client:
        for module in ("law.py", "dask_dataframe.py"):
            client.upload_file(str(here / module))
        import dask_dataframe as peer  # so that workers find its functions by name

        seconds = {}
        print("stages begin", file=sys.stderr, flush=True)
        for name, stage in (("bronze", lambda: peer.bronze(raw, out)), ("silver", lambda: peer.silver(out, as_of, holidays.split(","))), ("gold", lambda: peer.gold(out, as_of))):
            began = time.monotonic()
            stage()
            seconds[name] = time.monotonic() - began
        print("stages end", file=sys.stderr, flush=True)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
