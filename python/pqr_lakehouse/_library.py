"""libpqr.so through ctypes: its functions with their types, and the Arrow structs in capsules."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import pathlib


_STATUS = {2: "E_USAGE", 3: "E_QUALITY", 4: "E_VERIFY", 5: "E_UNREACHABLE", 130: "E_CANCELLED"}


class PqrError(Exception):
    """What libpqr refused or could not do. code: as enum pqr_result of pqr.h, the exit status of `pqr`."""

    def __init__(self, text: str, code: int = 1, status: str = "", kind: str = ""):
        super().__init__(text)
        self.code, self.status = code, status or _STATUS.get(code, "E_IO")  # "E_UNREACHABLE"
        self.kind = kind or ("retry" if code == 5 else "fatal")  # "retry": the same may succeed later

    def document(self, status: str = "", kind: str = "") -> dict:
        """As pqr_last_error_json has it, for another process."""
        return {"class": kind or self.kind, "code": status or self.status, "exit": self.code, "message": str(self)}

    def __reduce__(self):
        return PqrError, (str(self), self.code, self.status, self.kind)


class ArrowSchema(ctypes.Structure):
    pass


class ArrowArrayStream(ctypes.Structure):
    pass


ArrowSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]
ArrowArrayStream._fields_ = [
    ("get_schema", ctypes.c_void_p),
    ("get_next", ctypes.c_void_p),
    ("get_last_error", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class TableOpts(ctypes.Structure):
    _fields_ = [("version", ctypes.c_longlong), ("at", ctypes.c_char_p)]


class FileInfo(ctypes.Structure):
    _fields_ = [("path", ctypes.c_char_p), ("rows", ctypes.c_longlong), ("bytes", ctypes.c_longlong)]


class Selection(ctypes.Structure):
    _fields_ = [
        (name, type)
        for what in ("columns", "where", "files")
        for name, type in ((what, ctypes.POINTER(ctypes.c_char_p)), (f"n_{what}", ctypes.c_size_t))
    ]


FILE_VISIT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(FileInfo))


def _candidates():
    if os.environ.get("PQR_LIB"):
        yield os.environ["PQR_LIB"]
        return
    here = pathlib.Path(__file__).resolve().parent
    for path in (here / "libpqr.so", here.parents[1] / "build" / "libpqr.so"):
        if path.exists():
            yield str(path)
    found = ctypes.util.find_library("pqr")
    if found:
        yield found


def _load():
    errors = []
    for path in _candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as e:
            errors.append(str(e))
    raise PqrError("libpqr.so was not found; build it (make build) or name it in PQR_LIB" + "".join(f": {e}" for e in errors))


def _prototypes(lib):
    pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    texts = ctypes.POINTER(text)
    types = {
        "pqr_version": (text, []),
        "pqr_open": (ctypes.c_int, [text, ctypes.POINTER(pointer)]),
        "pqr_close": (None, [pointer]),
        "pqr_last_error": (text, [pointer]),
        "pqr_last_error_json": (text, [pointer]),
        "pqr_proof_check": (ctypes.c_int, [pointer, text]),
        "pqr_run_begin": (ctypes.c_int, [pointer, text, ctypes.POINTER(pointer)]),
        "pqr_run_id": (text, [pointer]),
        "pqr_run_stage": (text, [pointer]),
        "pqr_run_plan": (ctypes.c_int, [pointer, ctypes.POINTER(pointer)]),
        "pqr_task_record": (ctypes.c_int, [pointer, text, ctypes.POINTER(ctypes.c_longlong)]),
        "pqr_stage_commit": (ctypes.c_int, [pointer, text]),
        "pqr_run_end": (ctypes.c_int, [pointer, ctypes.c_int, ctypes.POINTER(pointer)]),
        "pqr_cancel": (None, [ctypes.c_int]),
        "pqr_task_run": (ctypes.c_int, [pointer, text, ctypes.POINTER(pointer)]),
        "pqr_task_progress": (None, [pointer, ctypes.POINTER(ctypes.c_longlong), ctypes.POINTER(ctypes.c_longlong)]),
        "pqr_free": (None, [pointer]),
        "pqr_table_open": (ctypes.c_int, [pointer, text, ctypes.POINTER(TableOpts), ctypes.POINTER(pointer)]),
        "pqr_table_close": (None, [pointer]),
        "pqr_table_version": (ctypes.c_longlong, [pointer]),
        "pqr_selection_files": (ctypes.c_int, [pointer, ctypes.POINTER(Selection), FILE_VISIT, pointer]),
        "pqr_table_schema": (ctypes.c_int, [pointer, pointer]),
        "pqr_selection_stream": (ctypes.c_int, [pointer, ctypes.POINTER(Selection), pointer]),
        "pqr_file_stream": (ctypes.c_int, [pointer, text, pointer]),
        "pqr_stream_alloc": (pointer, []),
        "pqr_schema_alloc": (pointer, []),
        "pqr_table_append": (ctypes.c_int, [pointer, text, texts, size, pointer, ctypes.POINTER(ctypes.c_longlong)]),
    }
    for name, (result, arguments) in types.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


library = _prototypes(_load())


def last_error(context, code):
    """The PqrError of a pqr_context's last call."""
    told = json.loads(library.pqr_last_error_json(context) or b"{}")
    return PqrError(told.get("message", "unknown"), code, told.get("code", ""), told.get("class", ""))


def texts(values):
    """(char *[], how many) of a list of str; None is NULL, 0."""
    if values is None:
        return None, 0
    return (ctypes.c_char_p * len(values))(*(v.encode() for v in values)), len(values)


def selection(columns=None, where=None, files=None):
    """A struct pqr_selection of lists of str, which keeps them; None is all."""
    return Selection(*texts(columns), *texts(where), *texts(files))


# ---- capsules ----

_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(("PyCapsule_New", ctypes.pythonapi))

STREAM, SCHEMA = b"arrow_array_stream", b"arrow_schema"  # a capsule keeps the pointer: these live as long as the module
# name: struct, who makes it, who destroys the capsule (compiled code, for it runs while a consumer's exception is on its way)
_KINDS = {
    STREAM: (ArrowArrayStream, library.pqr_stream_alloc, ctypes.cast(library.pqr_stream_capsule_free, ctypes.c_void_p)),
    SCHEMA: (ArrowSchema, library.pqr_schema_alloc, ctypes.cast(library.pqr_schema_capsule_free, ctypes.c_void_p)),
}


def new_capsule(name):
    """A capsule and the empty struct in it, to be filled. What is in it is released unless a consumer moves it out."""
    struct, allocate, destructor = _KINDS[name]
    address = allocate()
    if not address:
        raise MemoryError("a capsule for an Arrow stream")
    return _new(address, name, destructor), struct.from_address(address)


def capsule_pointer(made, name):
    """The address of the struct in a capsule, which must be kept meanwhile."""
    return _pointer_of(made, name)
