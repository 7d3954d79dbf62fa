"""Tables of a PQR lakehouse as Arrow streams.

    from pqr_lakehouse import Table
    pyarrow.table(Table("silver.tickets", lake="./lake", where="month >= 2026-01"))
"""

from __future__ import annotations

import copy
import ctypes
import datetime
import functools
import json
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional, Sequence, Union

from . import _library
from ._library import PqrError
from .run import Plan, Run

if TYPE_CHECKING:
    import dask.dataframe
    import pyspark.sql

__all__ = ["File", "ParquetFile", "Plan", "PqrError", "Run", "Table", "run_task", "version"]


def version() -> str:
    """The version of libpqr.so."""
    return _library.library.pqr_version().decode()


class File(NamedTuple):
    path: str  # relative to the table's folder
    rows: Optional[int]  # None: the log does not say
    bytes: int


class _Context:
    """A pqr_context and the lock that keeps it to one thread at a time."""

    def __init__(self, lake):
        self.lock = threading.RLock()
        self.handle = ctypes.c_void_p()
        code = _library.library.pqr_open(os.fsencode(lake), ctypes.byref(self.handle))
        self._close = weakref.finalize(self, _library.library.pqr_close, self.handle)
        self.check(code)

    def check(self, code):
        if code != 0:
            raise _library.last_error(self.handle, code)


def _must_exist(lake):
    """Opening a folder as a lake makes it: a reader with a mistyped name must not leave an empty one."""
    path = os.fspath(lake)
    path = path[len("file://") :] if path.startswith("file://") else path
    if "://" not in path and not os.path.exists(path):
        raise PqrError(f"no lake at {path}: name it with lake=, or make it with `pqr run`", 1)


class _Opened:
    """A pqr_table; closed before its context."""

    def __init__(self, context, name, opts):
        self.context = context
        self.handle = ctypes.c_void_p()
        context.check(_library.library.pqr_table_open(context.handle, name.encode(), ctypes.byref(opts), ctypes.byref(self.handle)))
        self._close = weakref.finalize(self, _Opened._release, self.handle, context)

    @staticmethod
    def _release(handle, context):  # context: alive until then
        _library.library.pqr_table_close(handle)


def _list(value):
    return [value] if isinstance(value, str) else None if value is None else list(value)


def _instant(at):
    if isinstance(at, datetime.datetime):
        if at.tzinfo is None:
            raise ValueError("at: a datetime needs a time zone")
        return at.isoformat()
    return at


class Table:
    """One version of a table: the latest when it is first used, or the one of `version`, or that of the time `at`.

    name: "silver.tickets", "silver/tickets", or "tickets" where one layer alone has it. columns: in that order. where: conditions that
    all hold, "month >= 2026-01". Anything that takes an Arrow stream reads it: pyarrow.table(t), polars.DataFrame(t), duckdb.
    """

    def __init__(
        self,
        name: str,
        lake: Union[str, os.PathLike] = "./lake",
        version: Optional[int] = None,
        at: Union[str, datetime.datetime, None] = None,
        columns: Optional[Sequence[str]] = None,
        where: Union[str, Sequence[str], None] = None,
    ):
        self.name, self.lake = name, lake
        self._columns, self._where = _list(columns), _list(where)
        self._files: Optional[List[str]] = None  # all
        self._wanted, self._at = version, _instant(at)
        self._opened: Optional[_Opened] = None
        if os.path.exists(lake):  # what is wrong with it shows at once
            self._context = _Context(lake)

    @functools.cached_property
    def _context(self):
        _must_exist(self.lake)
        return _Context(self.lake)

    def __repr__(self):
        return f"Table({self.name!r}, lake={os.fspath(self.lake)!r})"

    def _handle(self):
        if self._opened is None:
            opts = _library.TableOpts(-1 if self._wanted is None else self._wanted, self._at.encode() if self._at else None)
            self._opened = _Opened(self._context, self.name, opts)
        return self._opened.handle

    def refresh(self) -> "Table":
        """Look for the latest version again at the next use."""
        with self._context.lock:
            self._opened = None
        return self

    @property
    def version(self) -> int:
        with self._context.lock:
            return _library.library.pqr_table_version(self._handle())

    def files(self, selected: bool = False) -> List[File]:
        """The data files of the version; selected: without those that `where` leaves out by partitions and statistics."""
        found = []
        chosen = _library.selection(where=self._where if selected else None)

        def visit(_, info):
            f = info.contents
            found.append(File(f.path.decode(errors="surrogateescape"), f.rows if f.rows >= 0 else None, f.bytes))
            return 0

        with self._context.lock:
            self._context.check(_library.library.pqr_selection_files(self._handle(), ctypes.byref(chosen), _library.FILE_VISIT(visit), None))
        return found

    def _part(self, columns: Optional[List[str]], where: Optional[List[str]], files: List[str]) -> "Table":
        """Of the same opened version, by its lock, what is selected in place of this one's selection."""
        with self._context.lock:
            self._handle()
        other = copy.copy(self)
        other._columns, other._where, other._files = columns, where, files
        return other

    def _stream(self):
        capsule, stream = _library.new_capsule(_library.STREAM)
        chosen = _library.selection(self._columns, self._where, self._files)
        with self._context.lock:
            self._context.check(_library.library.pqr_selection_stream(self._handle(), ctypes.byref(chosen), ctypes.byref(stream)))
        return capsule, stream

    def __arrow_c_stream__(self, requested_schema: Any = None):
        """A new stream of all rows. The schema is the table's own, whatever is requested, as the interface allows."""
        return self._stream()[0]

    def __arrow_c_schema__(self):
        rows, stream = self._stream()
        capsule, schema = _library.new_capsule(_library.SCHEMA)
        get_schema = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(stream.get_schema)
        if get_schema(ctypes.addressof(stream), ctypes.addressof(schema)) != 0:
            raise PqrError(f"{self.name}: no schema")
        del rows  # kept the stream until here
        return capsule

    def to_arrow(self):
        """The rows as a pyarrow.Table."""
        import pyarrow

        return pyarrow.table(self)

    def to_dask(self) -> "dask.dataframe.DataFrame":
        """The rows as a Dask data frame of Arrow types: a partition a file, of this version whatever is appended meanwhile.

        Files that `where` rules out are no partitions, rows that it rules out are not in them, and columns that nothing asks for are not
        read. The workers read the lake themselves; they need this package (`pip install 'pqr_lakehouse[dask]'`).
        """
        from .dask import frame

        return frame(self)

    def to_spark(self, session: "pyspark.sql.SparkSession") -> "pyspark.sql.DataFrame":
        """The rows as a Spark data frame, by the session's own Delta Lake, of this version whatever is appended meanwhile.

        Conditions are Spark's: table.to_spark(session).where("month >= '2026-01'") leaves files out by the same statistics.
        """
        from .spark import frame

        return frame(self, session)

    def append(self, data: Any, partition_by: Union[str, Sequence[str], None] = None) -> int:
        """Append anything with __arrow_c_stream__ in one transaction, and give the version with its rows.

        A table that is not there is created with the columns of data, partitioned by partition_by.
        """
        if self._wanted is not None or self._at is not None:
            raise ValueError(f"{self.name}: a version of the past takes no rows")
        if not hasattr(data, "__arrow_c_stream__"):
            raise TypeError(f"expected an object with __arrow_c_stream__, found {type(data).__name__}")
        by, n_by = _library.texts(_list(partition_by))
        made = ctypes.c_longlong()
        if "_context" not in self.__dict__:  # an append may make the lake
            self._context = _Context(self.lake)
        taken = data.__arrow_c_stream__()
        with self._context.lock:
            pointer = _library.capsule_pointer(taken, _library.STREAM)
            code = _library.library.pqr_table_append(self._context.handle, self.name.encode(), by, n_by, pointer, ctypes.byref(made))
            self._context.check(code)
            self._opened = None
        return made.value


class ParquetFile:
    """One Parquet file of the lake by its key, as an Arrow stream."""

    def __init__(self, key: str, lake: Union[str, os.PathLike] = "./lake"):
        self.key = key
        _must_exist(lake)
        self._context = _Context(lake)

    def __arrow_c_stream__(self, requested_schema: Any = None):
        capsule, stream = _library.new_capsule(_library.STREAM)
        with self._context.lock:
            self._context.check(_library.library.pqr_file_stream(self._context.handle, self.key.encode(), ctypes.byref(stream)))
        return capsule


def run_task(spec: Union[str, dict], lake: Union[str, os.PathLike] = "./lake") -> dict:
    """Run one task of `pqr plan`, as `pqr task` does, and give its result."""
    context, result = _Context(lake), ctypes.c_void_p()
    text = spec if isinstance(spec, str) else json.dumps(spec)
    context.check(_library.library.pqr_task_run(context.handle, text.encode(), ctypes.byref(result)))
    try:
        return json.loads(ctypes.string_at(result))
    finally:
        _library.library.pqr_free(result)
