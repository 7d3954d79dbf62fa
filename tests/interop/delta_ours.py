"""Our own readers behind the same form: `pqr table cat`, `pqr sql` and the Python package. A table's root is <lake>/<layer>/<name>."""

import collections
import datetime
import decimal
import io
import json
import os
import pathlib
import subprocess
import sys

import delta_oracle
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build"))
PQR = BUILD / "pqr"


class Refused(Exception):
    """What our program said when it did not do it."""


def run(*arguments, lake, ok=True, **more):
    done = subprocess.run([PQR, *map(str, arguments), "--lake", str(lake), "--quiet"], capture_output=True, check=False, **more)
    if ok and done.returncode != 0:
        assert 0 < done.returncode < 128, f"pqr {' '.join(map(str, arguments))}: status {done.returncode}"
        raise Refused(done.stderr.decode())
    return done


def split(root):
    """(lake, "layer.name") of a table's folder."""
    return root.parents[1], f"{root.parent.name}.{root.name}"


def travel(version, at):
    return [*([] if version is None else ["--version", str(version)]), *([] if at is None else ["--at", at])]


class Reader:
    """rows(): as delta_oracle has them; schema: [(name, type)] of the log."""

    def rows(self, root, version=None, at=None, schema=(), columns=None):
        return delta_oracle.rows_of(self.table(root, version=version, at=at, columns=columns), [name for name, _ in schema])


class Cat(Reader):
    name = "pqr table cat"

    def rows(self, root, version=None, at=None, schema=(), columns=None):
        lake, name = split(root)
        chosen = ["--columns", ",".join(columns)] if columns else []
        text = run("table", "cat", name, "--format", "json", *chosen, *travel(version, at), lake=lake).stdout.decode()
        found = json.loads(text, parse_float=decimal.Decimal)
        return collections.Counter(tuple(value(row[name], kind) for name, kind in schema) for row in found)


class Sql(Reader):
    name = "pqr sql"

    def table(self, root, version=None, where=None, at=None, columns=None):
        lake, name = split(root)
        layer, _, short = name.partition(".")
        chosen = ", ".join(f'"{c}"' for c in columns) if columns else "*"
        query = f'SELECT {chosen} FROM {layer}."{short}"' + (f" WHERE {where}" if where else "")
        return pq.ParquetFile(io.BytesIO(run("sql", query, "--format", "parquet", *travel(version, at), lake=lake).stdout)).read()


class Python(Reader):
    name = "pqr_lakehouse"

    def __init__(self):
        sys.path.insert(0, str(ROOT / "python"))
        os.environ.setdefault("PQR_LIB", str(BUILD / "libpqr.so"))
        import pqr_lakehouse

        self.lib = pqr_lakehouse

    def table(self, root, version=None, where=None, at=None, columns=None):
        lake, name = split(root)
        return pa.table(self.lib.Table(name, lake=lake, version=version, at=at, columns=columns))

    def append(self, root, data, partition_by=None):
        lake, name = split(root)
        return self.lib.Table(name, lake=lake).append(data, partition_by)


def value(text, kind):
    """A value of the JSON output as delta_oracle.plain has it."""
    if text is None:
        return None
    if kind in ("float", "double"):
        return "NaN" if str(text).lower() == "nan" else float(text)
    if kind.startswith("decimal"):
        return decimal.Decimal(text)
    if kind == "date":
        return datetime.date.fromisoformat(text)
    if kind == "binary":
        return bytes.fromhex(text)
    if kind.startswith("timestamp"):
        assert text.endswith("Z") == (kind == "timestamp"), f"{text} is no {kind}"
        t = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        t = t.replace(tzinfo=t.tzinfo or datetime.timezone.utc)
        return (t - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)
    return text
