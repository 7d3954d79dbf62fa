"""Tables as delta-rs and Spark write them: types, partition values, changes, maintenance, and features a reader must know.

Each function of RS takes (rs, root), each of SPARK (sql, t) with t the table's name in Spark, and makes one table. What it holds is
asked from delta_oracle, or from the engine itself where the oracle can't read it."""

import datetime
import decimal

import pyarrow as pa

UTC = datetime.timezone.utc
STRINGS = ["plain", "two words", "50%", "a/b", "k=v", "ñandú😀", "it's", 'say "hi"', "a:b?c#d&e+f", "back\\slash", "%2F", "new\nline", " edge ", "{}[]|^~`", None]
DAY = datetime.date(2025, 9, 30)
INSTANTS = [datetime.datetime(2025, 9, 30, 23, 59, 59, 999999, UTC), datetime.datetime(1969, 12, 31, 23, 59, 59, 1, UTC), datetime.datetime(2100, 1, 1, tzinfo=UTC), None]


def types_table(n=40):
    def spread(make):
        return [None if i % 7 == 3 else make(i) for i in range(n)]

    return pa.table({
        "id": pa.array(range(n), pa.int64()),
        "i": pa.array(spread(lambda i: (-1) ** i * (2**31 - 1 - i)), pa.int32()), "l": pa.array(spread(lambda i: (-1) ** i * (2**63 - 1 - i)), pa.int64()),
        "h": pa.array(spread(lambda i: i * 800 - 16000), pa.int16()), "y": pa.array(spread(lambda i: i * 6 - 120), pa.int8()),
        "b": pa.array(spread(lambda i: i % 2 == 0), pa.bool_()), "f": pa.array(spread(lambda i: i / 8), pa.float32()), "d": pa.array(spread(lambda i: i / 3 - 1e300 * (i == 5)), pa.float64()),
        "s": pa.array(spread(lambda i: STRINGS[i % 14] * (1 + 20 * (i % 5 == 0)))), "x": pa.array(spread(lambda i: bytes([i, 255 - i]) * (i % 3)), pa.binary()),
        "day": pa.array(spread(lambda i: DAY + datetime.timedelta(days=i * 911 - 20000)), pa.date32()),
        "seen": pa.array(spread(lambda i: datetime.datetime(1950 + 3 * i, 1, 2, 3, 4, 5, i * 1001, UTC)), pa.timestamp("us", "UTC")),
        "small": pa.array(spread(lambda i: decimal.Decimal(i * 37 - 500).scaleb(-2)), pa.decimal128(5, 2)),
        "wide": pa.array(spread(lambda i: decimal.Decimal((-1) ** i * (10**18 - 1 - i)).scaleb(-6)), pa.decimal128(18, 6)),
    })  # fmt: skip


def partitioned(values, kind):
    """Two rows of each value."""
    return pa.table({"id": pa.array(range(2 * len(values)), pa.int64()), "p": pa.array([v for v in values for _ in "ab"], kind), "v": pa.array([f"v{i}" for i in range(2 * len(values))])})


def numbers(*ids, **more):
    return pa.table({"id": pa.array(ids, pa.int64()), "v": pa.array([f"v{i}" for i in ids])} | more)


RS_PARTITIONS = {
    "string": (STRINGS, pa.string()), "integer": ([1, -5, 0, None], pa.int32()), "long": ([2**62, None], pa.int64()), "date": ([DAY, datetime.date(1969, 12, 31), None], pa.date32()),
    "timestamp": (INSTANTS, pa.timestamp("us", "UTC")), "boolean": ([True, False, None], pa.bool_()), "decimal": ([decimal.Decimal("1.50"), decimal.Decimal("0.01"), None], pa.decimal128(6, 2)),
}  # fmt: skip


def rs_types(rs, root):
    rs.write(root, types_table())


def rs_large(rs, root):
    """Several row groups and pages."""
    n = 60_000
    table = pa.table({"id": pa.array(range(n), pa.int64()), "s": pa.array([f"{i * 7919 % n:08d}" * (i % 5) for i in range(n)]), "g": pa.array([i // 9000 if i % 11 else None for i in range(n)], pa.int32())})
    rs.write(root, table, writer_properties=rs.lib.WriterProperties(max_row_group_size=7000, data_page_size_limit=20_000, compression="ZSTD"))


def two_table():
    values = [(a, b) for a in [*STRINGS[:6], None] for b in (DAY, None)]
    return pa.table({"a": pa.array([a for a, _ in values]), "day": pa.array([b for _, b in values], pa.date32()), "id": pa.array(range(len(values)), pa.int64())})


def rs_two_partitions(rs, root):
    rs.write(root, two_table(), partition_by=["a", "day"])


def rs_evolution(rs, root):
    rs.write(root, numbers(1, 2))
    rs.write(root, numbers(3, 4, more=pa.array([0.5, None], pa.float64()), day=pa.array([DAY, None], pa.date32())), mode="append", schema_mode="merge")
    rs.write(root, numbers(5), mode="append", schema_mode="merge")
    rs.write(root, pa.table({"other": pa.array([True])}), mode="overwrite", schema_mode="overwrite")


def rs_changes(rs, root):
    rs.write(root, pa.table({"id": pa.array(range(60), pa.int64()), "p": pa.array([f"p{i % 3}" for i in range(60)]), "v": pa.array([i / 2 for i in range(60)])}), partition_by=["p"])
    rs.open(root).delete("id % 5 = 0")
    rs.open(root).update(updates={"v": "v + 1000"}, predicate="p = 'p1'")
    rs.write(root, pa.table({"id": pa.array([900, 901], pa.int64()), "p": pa.array(["p2"] * 2), "v": pa.array([1.0, None])}), mode="overwrite", predicate="p = 'p2'")
    source = pa.table({"id": pa.array([1, 900, 7000], pa.int64()), "p": pa.array(["p1", "p2", "p9"]), "v": pa.array([-1.0, -2.0, -3.0])})
    merge = rs.open(root).merge(source, predicate="t.id = s.id", source_alias="s", target_alias="t")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()
    rs.open(root).delete("p = 'p1'")


def rs_maintained(rs, root):
    for i in range(12):
        rs.write(root, pa.table({"id": pa.array([2 * i, 2 * i + 1], pa.int64()), "p": pa.array(["a", "b"])}), mode="append", partition_by=["p"])
    rs.open(root).optimize.compact()
    rs.open(root).create_checkpoint()
    rs.write(root, pa.table({"id": pa.array([100], pa.int64()), "p": pa.array(["a"])}), mode="append")
    rs.open(root).optimize.z_order(["id"])
    rs.open(root).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


def rs_empty(rs, root):
    rs.lib.DeltaTable.create(str(root), types_table().schema, partition_by=["s"])


def rs_emptied(rs, root):
    rs.write(root, numbers(1, 2))
    rs.open(root).delete()


def rs_ntz(rs, root):
    at = [datetime.datetime(2025, 9, 30, 1, 2, 3, 456789), datetime.datetime(1960, 1, 1), None]
    rs.write(root, pa.table({"id": pa.array([1, 2, 3], pa.int64()), "at": pa.array(at, pa.timestamp("us"))}))
    rs.write(root, pa.table({"id": pa.array([4], pa.int64()), "at": pa.array([at[0]], pa.timestamp("us"))}), mode="append")


RS = {f.__name__: f for f in (rs_types, rs_large, rs_two_partitions, rs_evolution, rs_changes, rs_maintained, rs_empty, rs_emptied, rs_ntz)}
RS |= {f"rs_by_{name}": lambda rs, root, v=v: rs.write(root, partitioned(*v), partition_by=["p"]) for name, v in RS_PARTITIONS.items()}


def literal(text):
    return "NULL" if text is None else "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def spark_types(sql, t):
    sql(f"""CREATE TABLE {t} (id BIGINT, y TINYINT, h SMALLINT, i INT, b BOOLEAN, f FLOAT, d DOUBLE, s STRING, x BINARY, day DATE, at TIMESTAMP, small DECIMAL(5,2),
        wide DECIMAL(18,6), code CHAR(4), name VARCHAR(9) NOT NULL COMMENT 'as written') USING delta""")
    sql(f"""INSERT INTO {t} VALUES (1, 127, -32768, -2147483648, true, float(1.5), double('NaN'), 'ñandú', X'00FF', DATE'1582-10-15', TIMESTAMP'1899-12-31 23:59:59.999999', -999.99, 0.000001, 'abcd', 'x'),
        (2, -128, 32767, 2147483647, false, float('Infinity'), double(-0.0), '', X'', DATE'9999-12-31', TIMESTAMP'2262-05-01 00:00:00', 999.99, 999999999999.999999, 'abcd', ''),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'nulls')""")


def spark_by_string(sql, t):
    sql(f"CREATE TABLE {t} (id INT, p STRING) USING delta PARTITIONED BY (p)")
    sql(f"INSERT INTO {t} VALUES " + ", ".join(f"({i}, {literal(s)})" for i, s in enumerate(STRINGS)))


def spark_by_types(sql, t):
    """Every type a table may be partitioned by, at once."""
    sql(f"""CREATE TABLE {t} (id INT, y TINYINT, h SMALLINT, i INT, l BIGINT, b BOOLEAN, f FLOAT, d DOUBLE, day DATE, at TIMESTAMP, q DECIMAL(9,3)) USING delta
        PARTITIONED BY (y, h, i, l, b, f, d, day, at, q)""")
    sql(f"""INSERT INTO {t} VALUES (1, 1, -2, 3, 9223372036854775807, true, 0.25, 1e300, DATE'2025-09-30', TIMESTAMP'2025-09-30 23:59:59.999999', -1.500),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, -1, 2, -3, 0, false, -1.5, 0.1, DATE'1969-12-31', TIMESTAMP'1969-12-31 00:00:00', 0.001)""")


def spark_ntz(sql, t):
    sql(f"CREATE TABLE {t} (id INT, at TIMESTAMP_NTZ, p TIMESTAMP_NTZ) USING delta PARTITIONED BY (p)")
    sql(f"INSERT INTO {t} VALUES (1, TIMESTAMP_NTZ'2025-01-01 01:02:03.456789', TIMESTAMP_NTZ'2025-01-01 00:00:00'), (2, NULL, NULL), (3, TIMESTAMP_NTZ'1900-01-01 00:00:00', TIMESTAMP_NTZ'2025-06-01 12:00:00.5')")


def spark_evolution(sql, t):
    sql(f"CREATE TABLE {t} (id INT, v STRING) USING delta")
    sql(f"INSERT INTO {t} VALUES (1, 'a')")
    sql(f"ALTER TABLE {t} ADD COLUMNS (w DOUBLE AFTER id, n INT)")
    sql(f"INSERT INTO {t} VALUES (2, 0.5, 'b', 7)")
    sql(f"INSERT OVERWRITE {t} VALUES (3, NULL, 'c', 8)")


def spark_changes(sql, t):
    sql(f"CREATE TABLE {t} (id INT, p STRING, v DOUBLE) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.enableDeletionVectors' = 'false')")
    sql(f"INSERT INTO {t} SELECT CAST(id AS INT), concat('p', id % 3), id / 2 FROM range(60)")
    sql(f"DELETE FROM {t} WHERE id % 5 = 0")
    sql(f"UPDATE {t} SET v = v + 1000 WHERE p = 'p1'")
    sql(f"MERGE INTO {t} USING (SELECT 1 AS id, 'p1' AS p, -1.0 AS v UNION ALL SELECT 7000, 'p 9', -3.0) s ON {t}.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
    sql(f"INSERT INTO {t} REPLACE WHERE p = 'p2' VALUES (901, 'p2', NULL)")
    sql(f"OPTIMIZE {t}")
    sql(f"DELETE FROM {t} WHERE p = 'p1'")
    sql(f"RESTORE TABLE {t} TO VERSION AS OF 3")


def maintained(sql, t, **properties):
    text = ", ".join(f"'delta.{k}' = '{v}'" for k, v in properties.items())
    sql(f"CREATE TABLE {t} (id INT, p STRING) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.checkpointInterval' = '2', {text})")
    for i in range(3):
        sql(f"INSERT INTO {t} VALUES ({2 * i}, 'a'), ({2 * i + 1}, 'b b'), ({i}, NULL)")
    sql(f"OPTIMIZE {t} WHERE p = 'a'")
    sql(f"DELETE FROM {t} WHERE id = 3")


def spark_checkpoint(sql, t):
    """Statistics as a struct beside the JSON, and partition values parsed."""
    maintained(sql, t, enableDeletionVectors="false", **{"checkpoint.writeStatsAsStruct": "true", "checkpoint.writeStatsAsJson": "true"})


def spark_checkpoint_struct(sql, t):
    """Statistics as a struct alone."""
    maintained(sql, t, enableDeletionVectors="false", **{"checkpoint.writeStatsAsStruct": "true", "checkpoint.writeStatsAsJson": "false"})


def spark_checkpoint_parts(sql, t):
    sql("SET spark.databricks.delta.checkpoint.partSize = 3")
    maintained(sql, t, enableDeletionVectors="false")
    sql("RESET spark.databricks.delta.checkpoint.partSize")


def spark_checkpoint_v2_parquet(sql, t):
    sql("SET spark.databricks.delta.checkpointV2.topLevelFileFormat = parquet")
    maintained(sql, t, checkpointPolicy="v2", enableDeletionVectors="false")


def spark_checkpoint_v2_json(sql, t):
    sql("SET spark.databricks.delta.checkpointV2.topLevelFileFormat = json")
    sql("SET spark.databricks.delta.checkpoint.partSize = 3")
    maintained(sql, t, checkpointPolicy="v2", enableDeletionVectors="false")
    sql("RESET spark.databricks.delta.checkpoint.partSize")
    sql("RESET spark.databricks.delta.checkpointV2.topLevelFileFormat")


def spark_commit_times(sql, t):
    sql(f"CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')")
    sql(f"INSERT INTO {t} VALUES (1)")
    sql(f"INSERT INTO {t} VALUES (2)")


def spark_clustered(sql, t):
    sql(f"CREATE TABLE {t} (id INT, v STRING) USING delta CLUSTER BY (id) TBLPROPERTIES ('delta.enableDeletionVectors' = 'false')")
    sql(f"INSERT INTO {t} VALUES (1, 'a'), (2, 'b')")
    sql(f"OPTIMIZE {t}")


def spark_change_feed(sql, t):
    sql(f"CREATE TABLE {t} (id INT, v STRING) USING delta TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
    sql(f"INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    sql(f"UPDATE {t} SET v = 'z' WHERE id = 2")
    sql(f"DELETE FROM {t} WHERE id = 1")


SPARK = {f.__name__: f for f in (spark_types, spark_by_string, spark_by_types, spark_ntz, spark_evolution, spark_changes, spark_checkpoint, spark_checkpoint_struct, spark_checkpoint_parts,
                                 spark_checkpoint_v2_parquet, spark_checkpoint_v2_json, spark_commit_times, spark_clustered, spark_change_feed)}  # fmt: skip

# What this version does not read, and the word its message must have.
REFUSED = {
    "deletionVectors": """CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true'); INSERT INTO {t} SELECT id FROM range(50); DELETE FROM {t} WHERE id = 3""",
    "columnMapping": """CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name'); INSERT INTO {t} VALUES (1); ALTER TABLE {t} RENAME COLUMN id TO key""",
    "typeWidening": """CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true'); INSERT INTO {t} VALUES (1); ALTER TABLE {t} ALTER COLUMN id TYPE BIGINT""",
    "variantType": """CREATE TABLE {t} (id INT, v VARIANT) USING delta; INSERT INTO {t} VALUES (1, parse_json('1'))""",
}

# Tables that are read but not appended to: the feature the message must name, and how they are made.
READ_ONLY = {
    "constraint": ("delta.constraints.positive", """CREATE TABLE {t} (id BIGINT, v STRING) USING delta; ALTER TABLE {t} ADD CONSTRAINT positive CHECK (id > 0); INSERT INTO {t} VALUES (1, 'a')"""),
    "generated": ("generatedColumns", """CREATE TABLE {t} (id BIGINT, v STRING GENERATED ALWAYS AS (CAST(id AS STRING))) USING delta; INSERT INTO {t} (id) VALUES (1)"""),
    "identity": ("identityColumns", """CREATE TABLE {t} (id BIGINT GENERATED ALWAYS AS IDENTITY, v STRING) USING delta; INSERT INTO {t} (v) VALUES ('a')"""),
    "change_feed": ("changeDataFeed", """CREATE TABLE {t} (id BIGINT, v STRING) USING delta TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true'); INSERT INTO {t} VALUES (1, 'a')"""),
    "row_tracking": ("domainMetadata|rowTracking", """CREATE TABLE {t} (id BIGINT, v STRING) USING delta TBLPROPERTIES ('delta.enableRowTracking' = 'true'); INSERT INTO {t} VALUES (1, 'a')"""),
    "commit_times": ("inCommitTimestamp", """CREATE TABLE {t} (id BIGINT, v STRING) USING delta TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true'); INSERT INTO {t} VALUES (1, 'a')"""),
}

NESTED = """CREATE TABLE {t} (id INT, list ARRAY<INT>, pairs MAP<STRING, INT>, deep STRUCT<a: INT, b: ARRAY<STRING>>, huge DECIMAL(38, 4), v STRING) USING delta;
INSERT INTO {t} VALUES (1, array(1, NULL), map('a', 1), named_struct('a', 1, 'b', array('x')), 1.5, 'one'), (2, NULL, NULL, NULL, NULL, 'two')"""
