"""Write tests/fuzz/corpus/NAME/gen_*: small valid and almost valid inputs of each parser of text, so that a fuzzer starts beyond the first bytes.
Usage: seeds.py [FOLDER]. Run again after a change here; files of other names are past crashes, crafted, or seeds_parquet.py's."""

import base64
import gzip
import hashlib
import hmac
import io
import itertools
import json
import pathlib
import struct
import sys

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus")
U = "8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f"
HASH = "0123456789abcdef" * 4


def write(name, inputs):
    folder = FOLDER / name
    folder.mkdir(exist_ok=True)
    for old in folder.glob("gen_*"):
        old.unlink()
    for i, data in enumerate(inputs):
        (folder / f"gen_{i:02}").write_bytes(data if isinstance(data, bytes) else data.encode())


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# --- JSON, events ------------------------------------------------------------------------------------------------------
values = ["null", "true", "false", "0", "-0", "1e5", "-1.5E-3", "1E400", "123456789012345678901", "0.1", '""', '"ñ"', '"\\u00f1"', '"\\ud83d\\ude00"', '"\\ud83d"',
          '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"a\tb"', "[]", "{}", "[1,2]", '{"a":1}', '{"a":1,"a":2}', "[[[[]]]]", '{"":{"":[]}}', " [ 1 , 2 ] ", "[1,]", "{,}", '{"a"}',
          '{"a":}', "[", "]", "nul", "+1", "01", "1.", ".5", "'a'", '"', "\ufeff{}", "[1]x", "// c\n1", "NaN", "\x00", "[\x7f]", '["\x1f"]', '{"k":"' + "x" * 70 + '"}',
          "[" + "1," * 40 + "1]", '{"a":[{"b":[{"c":null}]}]}', '"\\u000"', '"\\x"', "1 2", "\r\n\t []"]
write("json", values)

data_of = {
    "TICKET_CREATED": {"external_id": "R-1", "source_channel": "email", "pqrs_type": "P", "priority": "alta", "geo_region": "Antioquia", "geo_municipio": "Medellín", "dane_city_code": "05001",
                       "subject": "s", "text": "t", "text_len": 1, "sla_business_days": 15, "radicated_at": "2025-09-02T00:00:00Z", "preclassifier": {"a": [1]}, "other": None},
    "MESSAGE_ADDED": {"role": "citizen", "text": "hola", "text_len": 4, "subject": "s", "message_id": "m"},
    "STATUS_CHANGED": {"status_from": "RECEIVED", "status_to": "RADICATED", "actor_role": "system", "reason": "r"},
    "ATTACHMENT_ADDED": {"file_type": "pdf", "size_kb": 12, "file_name": "a.pdf", "source_channel": "chat"},
}


def event(kind, n, ts="2025-09-01T08:15:30-05:00", **more):
    return {"event_id": f"{U}{n:02}", "ticket_id": "11111111-2222-4333-8444-555555555555", "event_type": kind, "ts": ts, "data": data_of[kind], **more}


events = []
for n, kind in enumerate(data_of):
    base = event(kind, n)
    events += [compact(base), compact({k: base[k] for k in reversed(base)}), json.dumps(base), compact({**base, "tenant_id": "t", "schema_version": "v1.0", "run_id": U + "99"})]
    events += ["\n".join([compact(base), compact({**base, "more": [1]}), compact({**base, "ts": "2025-09-02T08:15:30Z"})])]
    events += [compact({k: v for k, v in base.items() if k != gone}) for gone in ("event_id", "ts", "data")]
    first = next(iter(base["data"]))
    events += [compact({**base, "data": {**base["data"], first: wrong}}) for wrong in (7, None, "\ud800".encode("utf-8", "surrogatepass").decode("latin1"))]
events += [compact(event("STATUS_CHANGED", 9, ts)) for ts in ("2025-09-01T08:15:30", "2025-09-01T08:15:30-0500", "2025-09-01 08:15:30.123456789Z", "1969-12-31T23:59:59Z", "2025-02-30T00:00:00Z", "x")]
events += ["\ufeff" + compact(event("MESSAGE_ADDED", 8)) + "\r\n\r\n" + compact(event("message_added", 7) if False else {**event("MESSAGE_ADDED", 7), "event_type": "message_added"})]
write("event", events)

# --- configuration, tasks' neighbours -----------------------------------------------------------------------------------
yaml = ["a: 1", "a: 'x'", 'a: "x\\n"', "a: |\n  b\n  c", "a: >\n  b\n  c", "a: [1, 2]", "a: {b: c}", "a:\n- 1\n- b: 2", "a: &x 1\nb: *x", "a: *x", "<<: {a: 1}", "? a\n: b", "- - - 1", "a: ~", "a: null",
        "a: 0x1f", "a: 1e3", "a: .inf", "a: 2025-09-01", "a: yes", "a: !!str 1", "!x a: b", "---\na: 1\n...", "---\na: 1\n---\nb: 2", "%YAML 1.2\n---\na: 1", "# c\na: 1 # d", "a: 1\na: 2", "a : b : c",
        "\ta: 1", "a:\n b: 1\n  c: 2", "a: [", "a: '", "{a: 1", "a: " + "[" * 20 + "]" * 20, "a: ñ", "\ufeffa: 1", "a: \x00", "a: \"\\u00f1\\x41\"", "", "\n\n", "a", "1", "- a", '{"a": {"b": [1, true, null, "x"]}}',
        "lake:\n  uri: ./lake\n  retention_days: 7", "simulation:\n  seed: 42\n  channel_probs: {email: .38, webform: .31, chat: .14, call: .11, other_digital: .06}", "sla:\n  business_days: {P: 15, Q: 10, R: 8, S: 20}",
        "control:\n  uri: postgresql://a@b/c", "ingest:\n  line_bytes_max: 16777216", "calendar:\n  timezone: America/Bogota\n  holidays: none"]
write("config", yaml)

# --- times, zones -----------------------------------------------------------------------------------------------------
times = [f"{d}{t}{z}" for d, t, z in itertools.product(("2025-09-01", "2024-02-29"), ("T12:00:00", " 12:00:00.5", "t23:59:59.999999999", "T24:00:00"), ("Z", "-05:00", "+0530", "-05", ""))]
times += ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2025-13-01", "2025-00-10", "2025-1-1", "2025-09-01\n2025-12-25 # navidad\n\n# c\n", "2025-09-01\n2025-09-01\n", "2025-09-01x", "-2025-01-01T00:00:00Z",
          "2025-09-01T12:00:60Z", "2025-09-01T12:00:00+24:00", "2025-09-01T12:00:00." + "1" * 30 + "Z"]
write("time", times)


def tzif(version, changes, types, footer):
    names = b"".join(n.encode() + b"\0" for _, _, n in types)
    at = {n: names.index(n.encode() + b"\0") for _, _, n in types}

    def block(wide):
        head = b"TZif" + version + b"\0" * 15 + struct.pack(">6I", 0, 0, 0, len(changes), len(types), len(names))
        body = b"".join(struct.pack(">q" if wide else ">i", t) for t, _ in changes) + bytes(k for _, k in changes)
        return head + body + b"".join(struct.pack(">iBB", o, d, at[n]) for o, d, n in types) + names

    return block(False) + (block(True) + b"\n" + footer.encode() + b"\n" if version != b"\0" else b"")


zones = []
rules = ["<-05>5", "EST5EDT,M3.2.0,M11.1.0", "CET-1CEST,M3.5.0,M10.5.0/3", "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "EET-2EEST,M3.4.4/50,M10.4.4/50", "IST-1GMT0,M10.5.0,M3.5.0/1", "XXX3YYY,J60,J300", "XXX3YYY,59/0,299",
         "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "", "garbage", "EST5EDT,M13.2.0,M11.1.0", "EST5EDT"]
for footer, version in itertools.product(rules, (b"2", b"3", b"4")):
    zones.append(tzif(version, [(-2000000000, 0), (-1000000, 1), (1000000000, 0)], [(-18000, 0, "EST"), (-14400, 1, "EDT")], footer))
whole = tzif(b"2", [(k * 15778800, k % 2) for k in range(12)], [(3600, 0, "CET"), (7200, 1, "CEST")], rules[2])
zones += [tzif(b"\0", [], [(0, 0, "UTC")], ""), tzif(b"2", [], [(0, 0, "UTC")], "UTC0"), tzif(b"2", [(5, 0), (5, 1), (4, 0)], [(90000, 0, "A"), (-90000, 0, "B")], "A1"), tzif(b"2", [(1, 9)], [(0, 0, "U")], "U0")]
zones += [whole, whole[:44], whole[:100], whole[:-5], b"TZif", whole[44:], whole.replace(b"CEST", b"CES\xff")]
write("tz", zones)

# --- SQL, --where, S3 --------------------------------------------------------------------------------------------------
statements = ["SELECT 1;", "select count(*) from silver.tickets", "SELECT 'a''b' ; SELECT 2;", 'SELECT "a""b";', "SELECT $$a;b$$;", "SELECT $t$ ; $x$ ; $t$;", "-- c;\nSELECT 1;", "/* ; */ SELECT 1;", "/* /* ; */ */ SELECT 1;", "SELECT E'\\';';",
              "SELECT 1; -- end", ";;", " ; ", "WITH a AS (SELECT 1) SELECT * FROM a;", "(SELECT 1) UNION (SELECT 2);", "EXPLAIN SELECT 1;", "EXPLAIN ANALYZE SELECT 1;", "COPY (SELECT 1) TO 'x';", "INSERT INTO t VALUES (1);", "DROP TABLE t;",
              "PRAGMA x;", "ATTACH 'x';", "FROM silver.tickets;", "DESCRIBE silver.tickets;", "SHOW TABLES;", "SUMMARIZE t;", "PIVOT t ON a USING sum(b);", "VALUES (1),(2);", "TABLE t;", "SELECT '", 'SELECT "', "SELECT $$", "/*", "--", "SELECT 1::DECIMAL(9,2);",
              "SELECT [1,2][1], {'a':1}.a;", "SELECT x -> 1;", "SET a=1;", "BEGIN; COMMIT;", "\ufeffSELECT 1;", "SELECT 'ñ';", "SELECT 1\x00;", "array<int>", '{"type":"array","elementType":"long","containsNull":true}',
              '{"type":"map","keyType":"string","valueType":"double","valueContainsNull":false}', '"decimal(18,2)"', "EXPLAIN (FORMAT json) SELECT 1", "SELECT 1;;SELECT 2", "select/**/1", "LOAD x;", "EXPORT DATABASE 'x';", "CALL f();"]
write("sql", statements)

columns = {"flag": ["true", "FALSE", "1", "x"], "n": ["7", "-2147483648", "2147483648", "1.5"], "size_kb": ["9223372036854775807", "-1", "null"], "ratio": ["0.1", "NaN", "inf", "1e40"], "score": ["1e308", "-0.0", "-Infinity", ""],
           "pqrs_type": ["Q", "'it''s'", "'open", "''", "ñ"], '"closed at"': ["2025-09-01", "2025-09-01T12:00:00-05:00", "2025-09-01 12:00:00.123456", "x"], "bytes": ["abc", "'\\x00'"], "day": ["2025-02-29", "2024-02-29", "20250901"],
           "cost": ["12.34", "-0.005", "9999999999999999.99", "1e3"], "nested": ["1"]}
operators = itertools.cycle(["=", "==", "!=", "<>", "<", "<=", ">", ">="])
conditions = [f"{c} {next(operators)} {v}" for c, vs in columns.items() for v in vs]
conditions += ["n is null", "n IS NOT NULL", "n is null x", "n", "= 1", '"', '"n"=1', "n=1", " n  >=  1 ", "nn = 1", "n ~ 1", "n is not 1", "n = NULL", "day<2025-09-01", "'n' = 1", "pqrs_type = 'a' 'b'"]
write("where", conditions)

errors = "<Error><Code>{}</Code><Message>m</Message><Region>eu-west-1</Region></Error>"
listing = "<ListBucketResult><Name>b</Name><IsTruncated>{}</IsTruncated><Contents><Key>{}</Key><Size>{}</Size><LastModified>{}</LastModified></Contents><NextContinuationToken>t</NextContinuationToken></ListBucketResult>"
xml = [errors.format(c) for c in ("NoSuchKey", "SlowDown", "PreconditionFailed", "AuthorizationHeaderMalformed", "", "&lt;&amp;&#65;&#x41;")]
xml += [listing.format(t, k, n, m) for t, k, n, m in itertools.product(("true", "false"), ("a/b", "a%2Fb", "&quot;&apos;", ""), ("0", "-1", "99999999999999999999"), ("2025-09-01T00:00:00.000Z",))]
xml += ["<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>", "<?xml version=\"1.0\"?>\n<a/>", "<a><!-- c --><b>1</b></a>", "<a><b>1</a>", "<a", "<a>", "</a>", "<a/>", "<a b='c'>d</a>", "<a xmlns=\"x\"><b/></a>", "<a><![CDATA[x]]></a>",
        "<a>&bad;</a>", "<a>&#x110000;</a>", "<a>&#0;</a>", "<a>ñ</a>", "x<a/>", "<a/><b/>", "<a><a><a><a><a>1</a></a></a></a></a>", "<!DOCTYPE a><a/>", "<DeleteResult><Deleted><Key>k</Key></Deleted><Error><Key>k</Key><Code>c</Code></Error></DeleteResult>"]
write("s3_xml", xml)

profiles = []
for section, key in (("default", "region"), ("profile prod", "aws_access_key_id"), ("default", "s3.addressing_style"), ("a b", "endpoint_url")):
    name = key.split(".")[-1]
    for line in (f"{name} = v", f"{name}=v", f"  {name} = v", f"{name} =", f"{name} = v # c", f"# {name} = v", f"; {name} = v", f"{name} = a = b", f"{name}\t=\tv\r", f"s3 =\n  {name} = path", f"s3 = x\n  {name} = path", f"{name} = \x00v", f"{name} =\x00", f"{name} = v\x00"):
        profiles.append(f"{section}\n{key}\n[other]\n{name} = no\n[{section}]\n{line}\n[default2]\n{name} = no\n")
profiles += ["default\nregion\n[default\nregion = v", "default\nregion\n[ default ]\nregion = v", "\n\n", "default\nregion\n", "default\nregion\n[default]\nregion = " + "x" * 300]
write("s3_profile", profiles)

# --- Delta -------------------------------------------------------------------------------------------------------------
types = ["string", "long", "integer", "short", "byte", "float", "double", "decimal(18,2)", "decimal(38,0)", "boolean", "binary", "date", "timestamp", "timestamp_ntz", {"type": "array", "elementType": "long", "containsNull": True},
         {"type": "map", "keyType": "string", "valueType": "double", "valueContainsNull": True}, {"type": "struct", "fields": [{"name": "x", "type": "long", "nullable": True, "metadata": {}}]}, "variant", "decimal(39,2)", "void"]
texts = {"string": "a", "long": "7", "integer": "-1", "short": "3", "byte": "1", "float": "0.5", "double": "1e9", "decimal(18,2)": "1.23", "boolean": "true", "date": "2025-09-01", "timestamp": "2025-09-01 12:00:00", "timestamp_ntz": "2025-09-01 12:00:00.5"}


def log(kind, partition=True, reader=1, features=None):
    field = {"name": "p", "type": kind, "nullable": True, "metadata": {}}
    schema = compact({"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": False, "metadata": {}}, field]})
    by = ["p"] if partition else []
    protocol = {"minReaderVersion": reader, "minWriterVersion": 2 if features is None else 7}
    if features is not None:
        protocol |= {"readerFeatures": features, "writerFeatures": features}
    value = texts.get(kind) if isinstance(kind, str) else None
    add = {"path": f"p={value}/part-1.parquet", "partitionValues": {"p": value} if partition else {}, "size": 100, "modificationTime": 1, "dataChange": True, "stats": compact({"numRecords": 2, "minValues": {"id": 1}, "maxValues": {"id": 2}, "nullCount": {"id": 0}})}
    first = [{"commitInfo": {"timestamp": 1, "operation": "CREATE TABLE", "engineInfo": "pqr/0.1.0", "txnId": U + "11", "pqrSeal": "0" * 32}}, {"protocol": protocol},
             {"metaData": {"id": U + "10", "format": {"provider": "parquet", "options": {}}, "schemaString": schema, "partitionColumns": by, "configuration": {"delta.appendOnly": "false"}, "createdTime": 1}}, {"add": add}]
    second = [{"commitInfo": {"timestamp": 2, "operation": "WRITE"}}, {"txn": {"appId": "pqr/x/silver", "version": 3, "lastUpdated": 2}}, {"remove": {"path": add["path"], "deletionTimestamp": 2, "dataChange": True, "extendedFileMetadata": True, "partitionValues": add["partitionValues"], "size": 100}},
              {"add": {**add, "path": "part-2.parquet", "tags": {"t": "v"}}}, {"domainMetadata": {"domain": "d", "configuration": "{}", "removed": False}}]
    return "".join(f"=0000000000000000000{v}.json\n" + "\n".join(map(compact, actions)) + "\n" for v, actions in enumerate((first, second)))


logs = [log(t, p) for t in types for p in (True, False)]
logs += [log("string", True, 3, f) for f in (["timestampNtz"], ["v2Checkpoint"], ["deletionVectors"], ["columnMapping"], ["vacuumProtocolCheck"], [])]
logs += [log("long", True, r) for r in (0, 2, 3, 4)]
logs += [log("long").replace("=00000000000000000001.json", "=" + n) for n in ("00000000000000000002.json", "_last_checkpoint", "1.json", "00000000000000000001.checkpoint.parquet")]
write("delta_log", logs)

bounds = {"b": True, "i": 1, "l": 2**53 + 1, "f": 0.5, "d": -1e300, "s": "ñandú", "t": "2025-09-01T00:00:00.000Z", "n": "2025-09-01T00:00:00.123", "y": "2025-09-01", "p": 12.34}
wrong = {"b": "x", "i": 2**31, "l": "7", "f": "NaN", "d": None, "s": 5, "t": "x", "n": 1, "y": "2025-13-01", "p": "1e5"}
stats = [compact({"numRecords": 3, "minValues": {k: v}, "maxValues": {k: v}, "nullCount": {k: 0}}) for k, v in bounds.items()]
stats += [compact({"numRecords": 3, "minValues": {k: v}, "maxValues": {k: bounds[k]}}) for k, v in wrong.items()]
stats += [compact({"numRecords": n, "nullCount": {"b": m}}) for n in (0, -1, 1.5, "3", None) for m in (0, -1, 2**63)]
stats += [compact({"minValues": bounds, "maxValues": bounds, "nullCount": dict.fromkeys(bounds, 1)}), compact({"minValues": {"x": {"y": 1}}}), "{}", "", "[]", "null", '{"numRecords":1', '{"numRecords":1,"numRecords":2}', compact({"maxValues": {"s": "a" * 40}}),
          compact({"maxValues": {"s": "\U0010ffff" * 32}}), compact({"tightBounds": False}), compact({"minValues": None}), compact({"minValues": {"p": 1234567890123456.78}}), compact({"minValues": {"l": 1.0}}), compact({"minValues": {"t": "9999-12-31T23:59:59.999999Z"}})]
write("stats", stats)

pair, strings = pa.map_(pa.string(), pa.string()), pa.list_(pa.string())
add = pa.struct([("path", pa.string()), ("partitionValues", pair), ("size", pa.int64()), ("modificationTime", pa.int64()), ("dataChange", pa.bool_()), ("stats", pa.string())])
remove = pa.struct([("path", pa.string()), ("deletionTimestamp", pa.int64()), ("dataChange", pa.bool_()), ("extendedFileMetadata", pa.bool_())])
metadata = pa.struct([("id", pa.string()), ("format", pa.struct([("provider", pa.string()), ("options", pair)])), ("schemaString", pa.string()), ("partitionColumns", strings), ("configuration", pair)])
protocol = pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32()), ("readerFeatures", strings), ("writerFeatures", strings)])
txn = pa.struct([("appId", pa.string()), ("version", pa.int64()), ("lastUpdated", pa.int64())])
rows = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": {"id": U + "10", "format": {"provider": "parquet", "options": []}, "schemaString": '{"type":"struct","fields":[]}', "partitionColumns": ["p"], "configuration": [("a", "b")]}},
        {"txn": {"appId": "a", "version": 1, "lastUpdated": None}}, {"add": {"path": "p=1/x.parquet", "partitionValues": [("p", "1")], "size": 5, "modificationTime": 1, "dataChange": False, "stats": '{"numRecords":1}'}},
        {"remove": {"path": "p=1/y.parquet", "deletionTimestamp": 5, "dataChange": True, "extendedFileMetadata": None}}]
kinds = {"add": add, "remove": remove, "metaData": metadata, "protocol": protocol, "txn": txn}


def checkpoint(names, some, **options):
    out = io.BytesIO()
    pq.write_table(pa.table({n: pa.array([r.get(n) for r in some], kinds[n]) for n in names}), out, store_schema=False, **options)
    return out.getvalue()


checkpoints = [checkpoint([n], rows, compression=c) for n in kinds for c in ("none", "snappy", "zstd", "gzip")]
checkpoints += [checkpoint(list(kinds), rows[:k], compression="none", data_page_version=v) for k in range(1, 6) for v in ("1.0", "2.0")]
checkpoints += [checkpoint(list(kinds), rows, compression=c, use_dictionary=d, row_group_size=g) for c in ("zstd", "none") for d in (True, False) for g in (1, 2, 5)]
checkpoints += [checkpoint(["add"], [rows[3]] * k, compression="none") for k in (0, 1, 2, 9)]
write("delta_checkpoint", checkpoints)

# --- a run's own objects -----------------------------------------------------------------------------------------------
run = {"as_of": 1759208399999999, "config_hash": HASH, "date_from": "2025-09-01", "date_to": "2025-09-30", "emit_from": "2025-09-01", "run_id": U + "01", "seed": "42", "simulated": True, "source": "mixed", "workload": "pqrs"}
file = {"bytes": 10, "path": "bronze/pqrs_events/month=2025-09/run_id=" + U + "01/part-" + "0" * 32 + ".parquet", "rows": 3, "sha256": HASH, "table": "bronze.pqrs_events", "xxh128": "0" * 32}
commit = {"counters": {"rows_in": 3, "rows_out": 3}, "edges": [{"input": "raw.pqrs", "output": "bronze.pqrs_events"}], "files": [file], "run": run, "seal": "0" * 32, "stage": "bronze", "tasks": 1, "version": "0.1.0"}
records = [compact(commit)]
for gone in commit:
    records.append(compact({k: v for k, v in commit.items() if k != gone}))
for k, v in {"counters": [1], "edges": [1], "files": [{}], "run": {}, "seal": 1, "stage": 1, "tasks": "1", "version": None, "events": {"first": 1, "last": 2, "types": {"a": 3}}, "history": {"claim": 1, "runs": [U + "00"]}, "removed": [file]}.items():
    records.append(compact(dict(sorted({**commit, k: v}.items()))))
records += [compact({**commit, "files": [{**file, k: v}]}) for k, v in (("bytes", -1), ("path", "../x"), ("rows", -2), ("sha256", "z"), ("table", ""), ("xxh128", ""), ("path", "/a"))]
picture = {"claim": 2, "runs": [U + "01", U + "02"], "tables": {"gold.daily_kpis": 0, "silver.tickets": 7}}
records += [compact(picture), compact({**picture, "claim": "2"}), compact({**picture, "runs": ["x"]}), compact({**picture, "tables": {"t": -2}}), compact({**picture, "tables": []}), compact({**picture, "seal": "0" * 32})]
records += [compact({"config_hash": HASH, "run_id": U + "01"}), compact({"config_hash": HASH, "run_id": U + "01", "seal": "0" * 32}), "{}", "", "[]", json.dumps(commit)]
records += [compact({**commit, "run": {**run, k: v}}) for k, v in (("as_of", None), ("date_to", "2025-08-01"), ("run_id", "x"), ("seed", -1), ("drops", U + "03"), ("emit_from", "2025-09-02"), ("simulated", 1), ("source", "a/b"), ("workload", ""))]
records += [compact({**commit, "files": [{**file, "path": f"b/{k}"} for k in order]}) for order in ("ab", "ba", "aa")]
records += [compact({**commit, "edges": [{"input": k, "output": "o"} for k in order]}) for order in ("ab", "ba")]
write("records", records)

# --- files of events, Arrow streams --------------------------------------------------------------------------------------
line = compact(event("MESSAGE_ADDED", 1)) + "\n"
packed = gzip.compress(line.encode() * 3, 6, mtime=0)
zstd = pa.compress(line.encode() * 3, "zstd", asbytes=True)
heads = [line, line * 2, "\ufeff" + line, "", " \n\n", packed, packed + packed, packed[:-4], packed[:20], packed + b"tail", packed[:30] + b"\xff" + packed[31:], zstd, zstd + zstd, zstd[:-3], zstd[:9], zstd + packed, b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zstd,
         gzip.compress(b"", mtime=0), gzip.compress(packed, mtime=0), gzip.compress(b"PK\x03\x04", mtime=0), line.encode("utf-16"), line.encode("utf-16-be"), line.encode("utf-32"), b"PAR1" + b"\0" * 20, b"PK\x03\x04" + b"\0" * 22 + b"[Content_Types].xml", b"PK\x03\x04mimetype",
         b"PK\x05\x06" + b"\0" * 18, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 8, "%PDF-1.7\n", b"\xfd7zXZ\0", b"BZh91AY&SY", b"\x04\x22\x4d\x18", b"7z\xbc\xaf\x27\x1c", b"a.txt" + b"\0" * 252 + b"ustar\x0000", b"Obj\x01\x04", b"ARROW1\0\0", b"\xff\xff\xff\xff\x10\0\0\0",
         b"SQLite format 3\0", "<!DOCTYPE html><html>", "<?xml version='1.0'?><a/>", "From a@b Mon Sep  1 00:00:00 2025\n", "Subject: x\nFrom: a@b\n\nhola", "[\n" + line + "]", "[]", '{\n  "event_id": 1\n}', "a\0b", "radicado;fecha;tipo\n1;01/09/2025;queja\n", "a,b,c\n1,2,3\n4,5,6\n",
         "a\tb\n1\t2\n", '"a","b"\n"1","2"\n', "hola\n", '{"a":1}\n{"b":2}\n', "x" * 5000]
write("input", heads)

streams = []
for code in range(30):
    streams.append(bytes([1, 1, code, 1, 4]) + bytes(range(1, 60)))
for columns_n, batches in itertools.product(range(6), range(4)):
    streams.append(bytes([columns_n, batches]) + bytes((i * 37 + columns_n * 11) % 256 for i in range(220)))
streams += [bytes([2, 1, 11, 6, 65, 0, 5, 1, 7, 0, 255]) + b"abcdefgh" * 20, bytes([1, 1, 11, 0, 3, 0]) + b"\xff\xfe\xc3" * 40, b""]
write("append", streams)

# --- requests, tokens ---------------------------------------------------------------------------------------------------
table = "/api/v1/gold/daily"
queries = ["", "select=day,channel&limit=10", "select=total:n.sum(),channel&order=total.desc.nullslast,channel", "select=count()", "day=gte.2025-09-01&day=lt.2025-10-01", "channel=in.(web,%22a,b%22)",
           "or=(channel.eq.P,and(n.gt.3,share.is.null))", "not.and=(open.is.true,score.lt.1.5)", "channel=like.*a%25_b*", "channel=not.ilike.%5C%2A", "order=closed_at.asc.nullsfirst&limit=5&offset=7",
           "after=%222025-09-01%22,%22web%22&order=day,channel", "share=eq.0.125&n=neq.-4", "closed_at=gt.2025-09-01T00:00:00Z", "format=csv", "limit=-1", "select=day&select=n", "channel=eq.%27%3B--", "select=a%22b:day",
           "nope=eq.1", "channel=eq", "or=(((((((((n.eq.1)))))))))", "channel=eq.%00", "channel=eq.%ff", "select=*", "channel=in.()", "channel=in.(" + "a," * 99 + "a)", "x=" + "y" * 300,
           "day=not.in.(2025-09-01,2025-09-02)", "day=eq.2025-02-30", "open=not.is.null", "open=eq.t", "score=gt.1e308&score=lt.-1E-3", "n=gte.9223372036854775808", "share=eq.0.1234567",
           "closed_at=lt.2025-09-01T00:00:00.123456-05:00", "select=channel::text,n.avg(),score.max()", "select=n.sum().x", "having=total.gt.3&select=channel,total:n.sum()", "order=", "order=n.sideways",
           "limit=99999999999999999999", "offset=-0", "after=", "after=1,2,3,4,5,6,7,8,9,10,11", "after=%22a%22%22b%22&order=channel", "or=()", "and=(day.gte.2025-09-01,not.or(n.eq.1,n.eq.2))", "or=(n.eq.1",
           "tenant_id=eq.t2", "channel=like.", "channel=match.%5Ba", "&&==&", "%=1"]
headers = ["", "Accept: text/csv", "Accept: application/json;q=0.5, text/csv", "Accept: image/png", "Prefer: count=exact", "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.AA"]
write("request", [f"{table}?{query}\n{headers[i % len(headers)]}" for i, query in enumerate(queries)] + ["/api/v1/gold/daily", "", "?", "/%2e%2e/?a=eyJhbGciOiJIUzI1NiJ9.e30.AA&b=c"])

secret = b"0123456789abcdef" * 2


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header, payload):
    text = url64(compact(header).encode()) + "." + url64(compact(payload).encode())
    return "T" + text + "." + url64(hmac.new(secret, text.encode(), hashlib.sha256).digest())


claims = {"role": "authenticated", "aud": "authenticated", "sub": "u", "exp": 1770003600, "iat": 1770000000, "session_id": "s", "app_metadata": {"tenant_id": "t"}}
tokens = [signed({"alg": alg, "typ": "JWT"}, claims) for alg in ("HS256", "none", "RS256", "HS512")] + [signed({"alg": "HS256", "kid": "k", "crit": ["exp"]}, {}), "T..", "Ta.b.c", "TeyJhbGciOiJub25lIn0.e30."]
tokens += ["C" + compact(c) for c in (claims, {**claims, "aud": ["a", "authenticated"]}, {**claims, "exp": 1.5}, {**claims, "tenant_id": "x"}, {**claims, "role": "service_role"}, {k: v for k, v in claims.items() if k != "exp"}, {**claims, "app_metadata": []}, [])]
ec_key = {"kty": "EC", "crv": "P-256", "kid": "e", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
rsa_key = {"kty": "RSA", "kid": "r", "e": "AQAB", "n": url64(bytes([0xB5] + [(i * 73 + 41) % 256 for i in range(254)] + [0x01]))}
tokens += ["K" + compact({"keys": keys}) for keys in ([ec_key], [rsa_key], [ec_key, {**ec_key, "y": ec_key["x"]}, {**ec_key, "use": "enc"}], [{"kty": "oct", "k": "AA"}], [], [{}], [{**rsa_key, "n": "AQ"}])] + ["K[]", "K{}"]
tokens += ["T" + url64(b'{"alg":"HS256"}') + tail for tail in ("", ".", "..", ".e30.", ".e30.AA", ".e30.A", ".e30.A===", ".e30=.AA", ".!!.AA", ".e30.AA.AA", "." + url64(b"\xff\xfe") + ".AA")]
tokens += ["C" + compact({**claims, **odd}) for odd in ({"exp": 0}, {"exp": -1}, {"exp": "1770003600"}, {"exp": 10**19}, {"nbf": 1770009999}, {"aud": []}, {"aud": [1]}, {"role": "root"}, {"role": None},
                                                        {"app_metadata": {"tenant_id": ""}}, {"app_metadata": {"tenant_id": 7}}, {"sub": "\u0000"})]
tokens += ["C" + text for text in ("", "{", '{"exp":1,"exp":2}', "[" * 40)]
tokens += ["K" + compact({"keys": [key]}) for key in ({**ec_key, "crv": "P-384"}, {**ec_key, "x": "AA"}, {**ec_key, "alg": "RS256"}, {**rsa_key, "e": ""}, {**rsa_key, "n": "A" * 3}, {**rsa_key, "kid": 1})]
write("token", tokens)
