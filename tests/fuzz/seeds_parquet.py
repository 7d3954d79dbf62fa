"""Write tests/fuzz/corpus/parquet/py_*: small files of each type, encoding, page version, codec and nesting that pyarrow can write.
Usage: seeds_parquet.py [FOLDER]. Run again after a change here; the files of other names are crafted or of our own writer."""

import decimal
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus/parquet")
N = 20
D = decimal.Decimal
FLAT = {
    "bool": pa.array([None if i % 7 == 3 else i % 3 == 0 for i in range(N)], pa.bool_()),
    "int8": pa.array([i - 10 for i in range(N)], pa.int8()), "uint16": pa.array([i * 3000 for i in range(N)], pa.uint16()),
    "int32": pa.array([None if i % 5 == 1 else i * i for i in range(N)], pa.int32()), "uint32": pa.array([2**32 - 1 - i for i in range(N)], pa.uint32()),
    "int64": pa.array([i * 10**15 for i in range(N)], pa.int64()), "uint64": pa.array(range(N), pa.uint64()),
    "float": pa.array([i / 8 for i in range(N)], pa.float32()), "double": pa.array([float("nan") if i == 4 else i / 3 for i in range(N)], pa.float64()),
    "date": pa.array([i * 400 for i in range(N)], pa.date32()), "ms": pa.array(range(N), pa.timestamp("ms")), "us": pa.array(range(N), pa.timestamp("us", "UTC")),
    "ns": pa.array([-i for i in range(N)], pa.timestamp("ns")), "string": pa.array([None if i % 6 == 2 else "ñandú"[: i % 6] for i in range(N)]),
    "binary": pa.array([bytes([255, i]) for i in range(N)]), "fixed": pa.array([bytes([i, 0, i]) for i in range(N)], pa.binary(3)),
    "dec9": pa.array([D(i) / 100 for i in range(N)], pa.decimal128(9, 2)), "dec18": pa.array([D(-i) for i in range(N)], pa.decimal128(18, 0)),
    "dec38": pa.array([D(10) ** i for i in range(N)], pa.decimal128(38, 4)), "time": pa.array(range(N), pa.time64("us")), "half": pa.nulls(N, pa.float16()),
}
S = pa.struct([("a", pa.int32()), ("b", pa.string())])
NESTED = {
    "list": pa.array([None if i % 5 == 0 else list(range(i % 4)) for i in range(N)], pa.list_(pa.int64())),
    "list_list": pa.array([[["x"] * (i % 3), None, []][: i % 4] for i in range(N)], pa.list_(pa.list_(pa.string()))),
    "struct": pa.array([None if i % 4 == 0 else {"a": i, "b": None if i % 3 else "b"} for i in range(N)], S),
    "list_struct": pa.array([[{"a": k, "b": "x"} for k in range(i % 3)] for i in range(N)], pa.list_(S)),
    "map": pa.array([None if i % 3 == 0 else [(f"k{k}", k) for k in range(i % 4)] for i in range(N)], pa.map_(pa.string(), pa.int32())),
    "map_list": pa.array([[(i, [D(i)])] for i in range(N)], pa.map_(pa.int32(), pa.list_(pa.decimal128(20, 0)))),
    "struct_struct": pa.array([{"s": {"a": i, "b": ""}} for i in range(N)], pa.struct([("s", S)])),
    "list_bool": pa.array([[i % 2 == 0] * (i % 5) for i in range(N)], pa.list_(pa.bool_())),
}
PLAIN = {"use_dictionary": False, "compression": "none", "store_schema": False}


def write(name, columns, **options):
    pq.write_table(pa.table(columns), FOLDER / f"py_{name}", **{"store_schema": False, **options})


for name, array in {**FLAT, **NESTED}.items():
    write(f"{name}_v1", {name: array}, **PLAIN)
    write(f"{name}_v2", {name: array}, compression="zstd", data_page_version="2.0", write_page_index=True)
for codec in ("snappy", "gzip", "brotli", "lz4"):
    write(f"codec_{codec}", {"v": FLAT["string"], "n": FLAT["int64"]}, compression=codec)
for encoding, column in {"DELTA_BINARY_PACKED": "int32", "DELTA_BYTE_ARRAY": "string", "DELTA_LENGTH_BYTE_ARRAY": "string", "BYTE_STREAM_SPLIT": "double"}.items():
    write(f"encoding_{encoding.lower()}", {"v": FLAT[column]}, **PLAIN, column_encoding=encoding)
write("int96", {"v": FLAT["ns"]}, **PLAIN, use_deprecated_int96_timestamps=True)
write("groups", {"v": FLAT["int32"], "l": NESTED["list"]}, row_group_size=7, write_page_checksum=True)
write("pages", {"v": pa.array(range(300))}, **PLAIN, data_page_size=64, write_page_index=True)
write("old_lists", {"l": NESTED["list"]}, **PLAIN, use_compliant_nested_type=False)
