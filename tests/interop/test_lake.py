"""A whole lake against the contracts: other engines read every file, and raw -> bronze -> silver -> gold -> SQLite is
computed a second time by oracle.py and compared value by value."""

import base64
import collections
import datetime
import decimal
import json
import re
import sqlite3

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
polars = pytest.importorskip("polars", reason="polars is not installed")
import oracle  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

ARROW = {"string": pa.string(), "timestamp": pa.timestamp("us", tz="UTC"), "date": pa.date32(), "int32": pa.int32(), "int64": pa.int64(), "bool": pa.bool_()}
DUCK = {"string": "VARCHAR", "timestamp": "TIMESTAMP WITH TIME ZONE", "date": "DATE", "int32": "INTEGER", "int64": "BIGINT", "bool": "BOOLEAN"}
POLARS = {"string": polars.String, "timestamp": polars.Datetime("us", "UTC"), "date": polars.Date, "int32": polars.Int32, "int64": polars.Int64, "bool": polars.Boolean}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def decimal_type(name):
    m = re.fullmatch(r"decimal\((\d+),(\d+)\)", name)
    return m and (int(m[1]), int(m[2]))


def files_of(lake, table):
    return lake.files(*table.split("."))


def partition_of(lake, table, file):
    layer, name = table.split(".")
    return dict(part.split("=", 1) for part in file.relative_to(lake.root / layer / name).parts[:-1])


def rows_of(lake, table):
    """Rows as dicts in file order: instants in microseconds, partition columns from the folders."""
    if table not in lake.cache:
        rows = []
        for file in files_of(lake, table):
            data, partition = pq.read_table(file, partitioning=None), partition_of(lake, table, file)
            columns = {}
            for field in data.schema:
                column = data.column(field.name)
                columns[field.name] = (column.cast(pa.int64()) if pa.types.is_timestamp(field.type) else column).to_pylist()
            rows += [dict(zip(columns, values)) | partition for values in zip(*columns.values())]
        lake.cache[table] = rows
    return lake.cache[table]


def bronze_expected(lake):
    if "expected" not in lake.cache:
        rows, rejects, duplicates = [], [], 0
        for file in sorted((lake.root / "raw").rglob("events.jsonl")):
            one = oracle.bronze_of_object(str(file.relative_to(lake.root)), file.read_bytes())
            rows, rejects, duplicates = rows + one[0], rejects + one[1], duplicates + one[2]
        lake.cache["expected"] = rows, rejects, duplicates
    return lake.cache["expected"]


def as_of(lake):
    return oracle.parse_time(lake.report["as_of"])


def waits(lake, row):
    """It happened after the instant that the run describes: it stays in bronze for a later run."""
    return row["ts"] > as_of(lake)


def silver_expected(lake):
    if "silver" not in lake.cache:
        now = [row for row in bronze_expected(lake)[0] if not waits(lake, row)]
        lake.cache["silver"] = oracle.silver_of(now, as_of(lake), lake.terms)
    return lake.cache["silver"]


def gold_expected(lake):
    """From the silver that stands on disk, so that a fault is found in the layer that has it."""
    if "gold" not in lake.cache:
        lake.cache["gold"] = oracle.gold_of(rows_of(lake, "silver.tickets"), rows_of(lake, "silver.preclassification"), as_of(lake))
    return lake.cache["gold"]


def assert_same(got, want, key):
    """Two lists of dicts hold the same rows; says the first differences by key and column."""
    assert got or not want, "no rows"

    def index(rows):
        by_key = {}
        for row in rows:
            k = tuple(str(row[c]) for c in key)
            assert k not in by_key, f"key {k} is not unique"
            by_key[k] = row
        return by_key

    ours, theirs = index(got), index(want)
    assert not (missing := theirs.keys() - ours.keys()), f"{len(missing)} rows are missing: {sorted(missing)[:3]}"
    assert not (more := ours.keys() - theirs.keys()), f"{len(more)} rows too many: {sorted(more)[:3]}"
    wrong = [f"{k} {c}: {ours[k].get(c)!r}, expected {v!r}" for k, row in theirs.items() for c, v in row.items() if c not in ours[k] or ours[k][c] != v]
    assert not wrong, f"{len(wrong)} values differ:\n" + "\n".join(wrong[:8])


# ---- every file, every engine -------------------------------------------------------------------------------------


def arrow_type(name):
    d = decimal_type(name)
    return pa.decimal128(*d) if d else ARROW[name]


def columns_of(schema):
    return {name: p["x-type"] for name, p in schema["properties"].items() if name not in schema.get("x-partition", [])}


def test_no_other_files(lake, schemas):
    """Bronze, silver and gold hold the tables of the contract and nothing else beside their logs."""
    for layer in ("bronze", "silver", "gold"):
        tables = {p.name for p in (lake.root / layer).iterdir()}
        assert tables <= {t.split(".")[1] for t in schemas if t.startswith(layer + ".")}
        for file in (lake.root / layer).rglob("*"):
            assert file.is_dir() or file.suffix == ".parquet" or "_delta_log" in file.parts, file
    assert not list(lake.root.rglob(".tmp-*"))


def test_types(lake, schemas):
    """Each file's columns are the contract's, in order, in name, type and nullability, for three engines."""
    con = duckdb.connect()
    for table, schema in schemas.items():
        want = columns_of(schema)
        required = set(schema["required"])
        for file in files_of(lake, table):
            arrow = pq.read_schema(file)
            assert [(f.name, f.type) for f in arrow] == [(n, arrow_type(t)) for n, t in want.items()], file
            assert {f.name for f in arrow if not f.nullable} == required & want.keys(), file
        if not files_of(lake, table):
            continue
        file = str(files_of(lake, table)[0])
        described = con.execute("SELECT name FROM parquet_schema(?) WHERE num_children IS NULL", [file]).fetchall()
        assert [name for (name,) in described] == list(want)
        types = {d[0]: d[1] for d in con.execute(f"DESCRIBE SELECT * FROM read_parquet('{file}', hive_partitioning = false)").fetchall()}
        assert types == {n: f"DECIMAL({d[0]},{d[1]})" if (d := decimal_type(t)) else DUCK[t] for n, t in want.items()}, table
        assert dict(polars.read_parquet_schema(file)) == {n: polars.Decimal(*d) if (d := decimal_type(t)) else POLARS[t] for n, t in want.items()}, table


def test_three_readers(lake, schemas):
    """pyarrow, DuckDB and polars read the same values."""
    con = duckdb.connect()
    for table, schema in schemas.items():
        files = files_of(lake, table)
        if not files:
            continue
        one = pa.concat_tables([pq.read_table(f, partitioning=None) for f in files]).combine_chunks()
        names = [str(f) for f in files]
        two = con.sql("SELECT * FROM read_parquet($1, hive_partitioning = false)", params=[names]).to_arrow_table().cast(one.schema)
        assert two.equals(one), f"{table}: DuckDB"
        three = polars.read_parquet(names, hive_partitioning=False).to_arrow().select(one.column_names).cast(one.schema)
        assert three.equals(one), f"{table}: polars"


def test_row_counts(lake, schemas):
    """`pqr run --json` counts what the files hold; every table of the contract is there."""
    rows = lake.report["rows"]
    assert len(rows_of(lake, "bronze.pqrs_events")) == rows["bronze"]
    assert rows["raw"] == rows["bronze"] + rows["rejected"] + rows["duplicates"]
    for layer in ("silver", "gold"):
        found = {t.split(".")[1]: len(rows_of(lake, t)) for t in schemas if t.startswith(layer + ".") and files_of(lake, t)}
        assert rows[layer] == found
    assert len(rows["gold"]) == 14


def test_keys_unique(lake, schemas):
    for table, schema in schemas.items():
        if table == "bronze.pqrs_events" and lake.report["rows"]["duplicates"]:
            continue  # a repeat in another object stays in bronze and is settled in silver
        keys = collections.Counter(tuple(row[k] for k in schema["x-key"]) for row in rows_of(lake, table))
        assert not [k for k, n in keys.items() if n > 1], table


def test_partitions(lake, schemas):
    """Folders are the contract's partition columns in order, and each row is in the folder of its own time."""
    times = {"silver.tickets": "created_at", "silver.preclassification": "created_at", **{f"silver.{t}": "ts" for t in ("messages", "status_events", "attachments", "quarantine")}}
    for table, schema in schemas.items():
        for file in files_of(lake, table):
            partition = partition_of(lake, table, file)
            assert list(partition) == schema.get("x-partition", []), file
            assert partition.get("run_id", lake.report["run_id"]) == lake.report["run_id"]
        for row in rows_of(lake, table):
            if table == "bronze.pqrs_events":
                assert row["day"] == oracle.utc_date(row["ts"])
                assert row["month"] == str(row["day"])[:7]
            elif table in times:
                assert row["month"] == oracle.month_at(row[times[table]]), (table, row)
            elif "day" in row or "date" in row:
                assert row["month"] == oracle.month_of(row.get("day") or row["date"]), (table, row)


# ---- raw -> bronze ------------------------------------------------------------------------------------------------


def plain(value):
    return json.loads(value) if value is not None else None


def test_bronze_values(lake):
    want, _, duplicates = bronze_expected(lake)
    got = [row | {"extra": plain(row["extra"])} for row in rows_of(lake, "bronze.pqrs_events")]
    assert_same(got, want, ("raw_object", "raw_line"))
    assert duplicates == lake.report["rows"]["duplicates"]


def test_bronze_order(lake):
    """In a file by (ticket_bucket, ts, event_id)."""
    for file in files_of(lake, "bronze.pqrs_events"):
        data = pq.read_table(file, columns=["ticket_bucket", "ts", "event_id"], partitioning=None)
        keys = list(zip(*(column.cast(pa.int64()).to_pylist() if i < 2 else column.to_pylist() for i, column in enumerate(data.columns))))
        assert keys == sorted(keys), file


def test_rejects(lake):
    want = bronze_expected(lake)[1]
    got = [json.loads(line) for file in (lake.root / "rejects").rglob("rejects.jsonl") for line in file.read_bytes().splitlines()]
    got = [{k: v for k, v in r.items() if not k.startswith("raw")} | {"raw": raw_of(r)} for r in got]
    assert len(want) == lake.report["rows"]["rejected"]
    assert_same(got, want, ("object", "line"))


def raw_of(reject):
    return reject["raw"].encode() if "raw" in reject else base64.b64decode(reject["raw_base64"])


def test_text_len_as_given(lake):
    """Bronze keeps upstream's text_len, silver counts code points itself."""
    for row in rows_of(lake, "silver.messages"):
        assert row["text_len"] == len(row["text"])


# ---- bronze -> silver ---------------------------------------------------------------------------------------------

SILVER_KEYS = {"tickets": ("ticket_id",), "messages": ("message_id",), "status_events": ("event_id",), "attachments": ("attachment_id",),
               "quarantine": ("raw_object", "raw_line")}  # fmt: skip


@pytest.mark.parametrize("table", SILVER_KEYS)
def test_silver(lake, table):
    want = silver_expected(lake)[table]
    got = rows_of(lake, f"silver.{table}")
    assert_same(got, want, SILVER_KEYS[table])
    if want:
        assert want[0].keys() | {"history_id", "run_id"} == got[0].keys(), "the oracle knows every column"
        assert {row["history_id"] for row in got} == {lake.report["run_id"]}, "the run opened its history"


def test_nothing_lost(lake):
    """Each bronze row is in silver, in quarantine, the repeat of one that is, or waits for a later run."""
    out = silver_expected(lake)
    later = sum(waits(lake, row) for row in bronze_expected(lake)[0])
    kept = sum(len(out[t]) for t in ("tickets", "messages", "status_events", "attachments", "quarantine"))
    assert kept + out["duplicates"] + later == len(rows_of(lake, "bronze.pqrs_events"))


@pytest.mark.parametrize("lake", ["foreign", "early"], indirect=True)
def test_foreign_input_has_every_case(lake):
    """The input of the foreign lakes reaches what it is for."""
    assert {r["reason"].split(":")[0] for r in bronze_expected(lake)[1]} == {
        "not_json", "not_object", "invalid_utf8", "too_long", "missing", "bad_type", "bad_uuid", "bad_timestamp", "bad_enum", "conflicting_duplicate"
    }  # fmt: skip
    assert lake.report["rows"]["duplicates"] > 0
    out = silver_expected(lake)
    reasons = {r["reason"] for r in out["quarantine"]}
    assert reasons == {"invalid_transition", "orphan", "out_of_order", "conflicting_duplicate", "duplicate_creation"}
    tickets = out["tickets"]
    assert {t["sla_status"] for t in tickets} == {"NOT_STARTED", "IN_TIME", "LATE"}
    assert {t["sla_risk"] for t in tickets} == {"OVERDUE", "AT_RISK", "HEALTHY", None}
    assert any(t["hold_days"] > 3 for t in tickets) and any(t["reopened_count"] > 1 for t in tickets) and {t["tenant_id"] for t in tickets} > {None}
    assert any(t["dane_city_code"] is None for t in tickets) and any(t["department_name"] is None for t in tickets)
    assert {t["current_status"] for t in tickets} >= {"RECEIVED", "ON_HOLD", "CLOSED", "ARCHIVED"}


def test_classification(lake):
    want = {r["ticket_id"]: r for r in silver_expected(lake)["preclassification"]}
    got = rows_of(lake, "silver.preclassification")
    assert {r["ticket_id"] for r in got} == want.keys()
    for row in got:
        expected = want[row["ticket_id"]]
        kind, priority, score, types, priorities, keywords = expected["predicted"]
        where = f"{row['ticket_id']} {expected['text']}"
        assert (row["model_type"], row["model_version"], row["created_at"]) == ("rules", oracle.RULES["version"], expected["created_at"]), where
        assert (row["predicted_type"], row["predicted_priority"], row["score"]) == (kind, priority, score), where
        explain = json.loads(row["explain_json"])
        assert explain == {"keywords": explain["keywords"], "priority": priorities, "type": types}, where
        assert set(explain["keywords"]) == keywords, where
        for text in (row["explain_json"], row["entities_json"]):
            assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":")), f"{where}: not canonical"
        entities, amounts = json.loads(row["entities_json"]), oracle.AMOUNT.findall(expected["text"][1])
        assert entities.get("amounts", []) == amounts, where
        for values in entities.values():
            assert values and all(v in expected["text"][1] for v in values), where


DIMENSIONS = {
    "dim_channel": [{"channel": c, "sort_order": i} for i, c in enumerate(oracle.CHANNELS, 1)],
    "dim_priority": [{"priority": c, "weight": w, "sort_order": i} for i, (c, w) in enumerate(zip(oracle.PRIORITIES, (3, 2, 1)), 1)],
    "dim_role": [{"role": r} for r in ("citizen", "agent", "system", "unknown")],
    "dim_status_transition": [{"status_from": a, "status_to": b} for a, b in oracle.TRANSITIONS],
    "dim_status": [{"status": s, "sort_order": i, "sla_behaviour": b, "terminal": s in ("CLOSED", "ARCHIVED"), "name_es": n} for i, (s, b, n) in enumerate((
        ("RECEIVED", "NONE", "Recibido"), ("RADICATED", "START", "Radicado"), ("CLASSIFIED", "RUN", "Clasificado"), ("ASSIGNED", "RUN", "Asignado"),
        ("IN_PROGRESS", "RUN", "En Gestión"), ("ON_HOLD", "PAUSE", "En Espera"), ("RESPONDED", "STOP", "Respondido"), ("CLOSED", "STOP", "Cerrado"),
        ("ARCHIVED", "NONE", "Archivado"), ("REOPENED", "RUN", "Reabierto")), 1)],
    "dim_geo": [{"dane_city_code": c, "city_name": p["city_name"], "department_code": c[:2], "department_name": p["department_name"],
                 "latitude": decimal.Decimal(p["latitude"]), "longitude": decimal.Decimal(p["longitude"])} for c, p in oracle.places().items()],
}  # fmt: skip


@pytest.mark.parametrize("table", DIMENSIONS)
def test_dimensions(lake, schemas, table):
    assert_same(rows_of(lake, f"silver.{table}"), DIMENSIONS[table], schemas[f"silver.{table}"]["x-key"])


def test_dimension_of_types(lake, schemas):
    """By law the term of a general request of as_of's day."""
    terms = lake.terms or dict.fromkeys(oracle.TYPES, oracle.law_oracle.term("general", oracle.local_date(as_of(lake))))
    want = [{"pqrs_type": c, "sla_business_days": terms[c], "sort_order": i} for i, c in enumerate(oracle.TYPES, 1)]
    assert_same(rows_of(lake, "silver.dim_pqrs_type"), want, schemas["silver.dim_pqrs_type"]["x-key"])


# ---- silver -> gold -----------------------------------------------------------------------------------------------

GOLD = ["daily_kpis", "kpi_backlog_daily", "kpi_backlog_geo_daily", "kpi_sla_daily", "kpi_sla_geo_daily", "kpi_volume_daily", "kpi_volume_dept_daily",
        "kpi_volume_geo_daily", "kpi_volume_national_daily", "pqrs_metrics", "priority_distribution", "sla_daily", "sla_metrics", "tickets_snapshot"]  # fmt: skip


@pytest.mark.parametrize("table", GOLD)
def test_gold(lake, schemas, table):
    want = gold_expected(lake)[table]
    got = rows_of(lake, f"gold.{table}")
    assert_same(got, want, schemas[f"gold.{table}"]["x-key"])
    assert want[0].keys() | {"history_id", "run_id"} == got[0].keys(), "the oracle knows every column"
    assert {row["history_id"] for row in got} == {lake.report["run_id"]}, "the run opened its history"


@pytest.mark.parametrize("table", GOLD)
def test_gold_order(lake, schemas, table):
    """Rows of a file are sorted by the key, strings by their bytes."""
    key = schemas[f"gold.{table}"]["x-key"]
    for file in files_of(lake, f"gold.{table}"):
        keys = [[v.encode() if isinstance(v, str) else v for v in values] for values in zip(*(pq.read_table(file, columns=key, partitioning=None)[k].to_pylist() for k in key))]
        assert keys == sorted(keys), file


def test_gold_in_duckdb(lake):
    """The three plain KPI tables once more, by SQL over the files as a BI tool would."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"CREATE VIEW tickets AS SELECT * FROM read_parquet('{lake.root}/silver/tickets/*=*/**/*.parquet', hive_partitioning = true)")
    volume = """SELECT CAST(created_at - INTERVAL 5 HOUR AS DATE) AS day, source_channel AS channel, pqrs_type, count(*) AS tickets_count
        FROM tickets GROUP BY ALL"""
    closed = """SELECT CAST(closed_at - INTERVAL 5 HOUR AS DATE) AS day, pqrs_type, count(*) AS closed_count,
        count(*) FILTER (answered_at > sla_due_at) AS overdue_count FROM tickets WHERE closed_at IS NOT NULL GROUP BY ALL"""
    backlog = """SELECT d.day, pqrs_type, coalesce(department_name, 'unknown') AS region, count(*) AS backlog_count
        FROM (SELECT DISTINCT day FROM read_parquet('{root}/gold/kpi_volume_national_daily/*=*/**/*.parquet')) d
        JOIN tickets t ON CAST(created_at - INTERVAL 5 HOUR AS DATE) <= d.day
        AND (closed_at IS NULL OR CAST(closed_at - INTERVAL 5 HOUR AS DATE) > d.day) GROUP BY ALL""".replace("{root}", str(lake.root))
    for table, columns, query in (("kpi_volume_daily", "* EXCLUDE (history_id)", volume), ("kpi_sla_daily", "day, pqrs_type, closed_count, overdue_count", closed), ("kpi_backlog_daily", "* EXCLUDE (history_id)", backlog)):
        gold = f"SELECT {columns} FROM read_parquet('{lake.root}/gold/{table}/*=*/**/*.parquet', hive_partitioning = false)"
        for a, b in ((gold, query), (query, gold)):
            difference = con.execute(f"({a}) EXCEPT ALL ({b})").fetchall()
            assert not difference, f"{table}: {difference[:3]}"


# ---- publishing ---------------------------------------------------------------------------------------------------


def sqlite_rows(lake, table, schema=None):
    """Rows of a table of the control database, each value as the contract's type."""
    con = sqlite3.connect(f"file:{lake.root}/control.db?mode=ro", uri=True)
    con.row_factory = sqlite3.Row
    rows = [dict(row) for row in con.execute(f'SELECT * FROM "{table}"')]
    con.close()
    for row in rows if schema else []:
        for name, p in schema["properties"].items():
            kind = p["x-type"]
            if kind == "date":
                row[name] = datetime.date.fromisoformat(row[name])
            elif kind == "timestamp" and row[name] is not None:
                row[name] = oracle.parse_time(row[name])
            elif d := decimal_type(kind):
                assert row[name] == round(row[name], d[1]), f"{table}.{name}: {row[name]!r} has more digits than {kind}"
                row[name] = decimal.Decimal(repr(row[name])).quantize(decimal.Decimal(1).scaleb(-d[1]))
    return rows


def served(lake, table):
    """Rows of a gold table as they are published: one history stands there, and no column tells so."""
    return [{k: v for k, v in row.items() if k != "history_id"} for row in rows_of(lake, f"gold.{table}")]


@pytest.mark.parametrize("table", GOLD)
def test_sqlite_gold(lake, schemas, table):
    schema = schemas[f"gold.{table}"]
    got = sqlite_rows(lake, f"gold_{table}", schema)
    assert_same(got, served(lake, table), schema["x-key"])
    assert "history_id" not in got[0]


@pytest.mark.parametrize("view,table", [("v_timeseries_national_daily", "kpi_volume_national_daily"), ("v_timeseries_department_daily", "kpi_volume_dept_daily")])
def test_view_of_series(lake, schemas, view, table):
    schema = schemas[f"gold.{table}"]
    assert_same(sqlite_rows(lake, f"analytics_{view}", schema), served(lake, table), schema["x-key"])


def test_view_tickets_open(lake):
    want = [r | {"sla_days_left": r["sla_days_target"] - r["sla_days_elapsed"]} for r in gold_expected(lake)["tickets_snapshot"] if r["current_status"] not in ("CLOSED", "ARCHIVED")]
    got = [r | {"last_update_ts": oracle.parse_time(r["last_update_ts"])} for r in sqlite_rows(lake, "analytics_v_tickets_open")]
    assert_same(got, want, ("ticket_id",))


def test_view_geo(lake):
    cells, geo = collections.defaultdict(collections.Counter), ("day", "region_name", "department_name", "dane_city_code", "pqrs_type")
    for table, measures in (("kpi_volume_geo_daily", ("tickets_count",)), ("kpi_backlog_geo_daily", ("backlog_count",)), ("kpi_sla_geo_daily", ("closed_count", "overdue_count"))):
        for row in gold_expected(lake)[table]:
            cell = cells[tuple(row[k] for k in geo)]
            for m in measures:
                cell[m] += row[m]
    want = [dict(zip(geo, k)) | {m: c[m] for m in ("tickets_count", "backlog_count", "closed_count", "overdue_count")} for k, c in cells.items()]
    got = sqlite_rows(lake, "analytics_v_geo_daily")
    for row in got:
        row["day"] = datetime.date.fromisoformat(row["day"])
        pct = 100 * (row["closed_count"] - row["overdue_count"]) / row["closed_count"] if row["closed_count"] else None
        assert row["within_sla_pct"] == pct if pct is None else abs(row["within_sla_pct"] - pct) <= 0.005001, row
    assert_same(got, want, geo)


def test_view_sla_summary(lake):
    late = collections.defaultdict(list)
    for t in rows_of(lake, "silver.tickets"):
        if t["closed_at"] is not None:
            late[oracle.month_at(t["closed_at"]), t["pqrs_type"]].append(t["answered_at"] - t["sla_due_at"] if t["sla_status"] == "LATE" else None)
    got = {(r["month"], r["pqrs_type"]): r for r in sqlite_rows(lake, "analytics_v_sla_summary")}
    assert got.keys() == late.keys()
    for k, group in late.items():
        over = [v for v in group if v is not None]
        assert (got[k]["closed_count"], got[k]["overdue_count"]) == (len(group), len(over))
        assert abs(got[k]["within_sla_pct"] - 100 * (len(group) - len(over)) / len(group)) <= 0.005001
        mean = sum(over) / len(over) / oracle.DAY_US if over else 0
        assert abs(got[k]["avg_overdue_days"] - mean) <= 0.010001  # a mean of daily means that have two digits
