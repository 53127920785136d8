"""The C ABI called from Python through ctypes, independent of its implementation."""

from __future__ import annotations

import ctypes
from typing import Any

import pyarrow as pa

import kschedcore.capi

OK, USAGE, NOT_FOUND, CONFIG, MANIFEST, FAILED, NO_MEMORY, INTERNAL = range(8)

# Pinned: programs compiled against one version run with the next. Members may be added at the end only.
MEMBERS = (
    "version",
    "last_error",
    "stream_of_batch",
    "engine_new",
    "engine_free",
    "add_nodes",
    "add_pods",
    "set_object",
    "remove_object",
    "place",
    "decisions_count",
    "decision_node",
    "decision_message",
    "decisions_table",
    "decisions_free",
    "explain",
    "text_free",
    "nodes",
)
LAYOUT = {"abi_version": 0, "size": 4} | {name: 8 + 8 * place for place, name in enumerate(MEMBERS)}
OPTIONS = {"size": 0, "tie_break": 4, "seed": 8, "configuration": 16}


class Table(ctypes.Structure):
    """kschedcore_api."""

    _fields_ = [("abi_version", ctypes.c_uint32), ("size", ctypes.c_uint32)] + [
        (name, ctypes.c_void_p) for name in MEMBERS
    ]


class Options(ctypes.Structure):
    """kschedcore_options."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("tie_break", ctypes.c_uint32),
        ("seed", ctypes.c_uint64),
        ("configuration", ctypes.c_char_p),
    ]


class ArrowStruct(ctypes.Structure):
    """Storage for any of Arrow's C structures; ``release`` is the last but one member of each."""

    words: int


def _struct(words: int) -> type[ArrowStruct]:
    fields = [
        ("before", ctypes.c_void_p * (words - 2)),
        ("release", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
    ]
    return type("Struct", (ArrowStruct,), {"_fields_": fields, "words": words})


Schema, Array, Stream = _struct(9), _struct(10), _struct(5)

_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.restype = ctypes.c_void_p
_get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def table() -> Table:
    """The table of functions."""
    return Table.from_address(_get_pointer(kschedcore.capi.API, b"kschedcore.capi.API"))


def call(name: str, *arguments: Any, returns: Any = ctypes.c_int) -> Any:
    """Call a function of the table, without the GIL as C programs do."""
    function = ctypes.CFUNCTYPE(returns, *map(_kind, arguments))(getattr(table(), name))
    return function(*arguments)


def _kind(argument: Any) -> type:
    if isinstance(argument, bytes):
        return ctypes.c_char_p
    return ctypes.c_int64 if isinstance(argument, int) else ctypes.c_void_p


def last_error() -> str:
    """Return the error message of the thread's last failed call."""
    text: bytes = call("last_error", returns=ctypes.c_char_p)
    return text.decode()


def stream(source: Any) -> Any:
    """A table as a C stream, to be handed over."""
    out = Stream()
    reader = pa.RecordBatchReader.from_stream(source)
    reader._export_to_c(ctypes.addressof(out))
    return ctypes.pointer(out)


def read(out: Any) -> pa.Table:
    """Take a C stream."""
    return pa.RecordBatchReader._import_from_c(ctypes.addressof(out)).read_all()


def new_engine(options: Options | None = None) -> ctypes.c_void_p:
    """An engine."""
    out = ctypes.c_void_p()
    given = None if options is None else ctypes.pointer(options)
    assert call("engine_new", given, ctypes.pointer(out)) == OK, last_error()
    return out


def texts(decisions: ctypes.c_void_p, function: str) -> list[str | None]:
    """Return a function's text for every row."""
    count = ctypes.c_int64()
    assert call("decisions_count", decisions, ctypes.pointer(count)) == OK
    results = []
    for row in range(count.value):
        text = ctypes.c_char_p()
        assert call(function, decisions, row, ctypes.pointer(text)) == OK
        results.append(None if text.value is None else text.value.decode())
    return results
