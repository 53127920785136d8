"""Macros with two variables: ``all(i, v, …)``, ``transformMap(k, v, …)`` (cel-go's ``ext/comprehensions.go``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kschedcore.cel import types
from kschedcore.cel.declarations import Library, function, overloads
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.macros import TWO_VARIABLES
from kschedcore.cel.values import MISSING, Value, lookup, text_of

__all__ = ["LIBRARY"]


def _insert(values: dict[Value, Value], key: Value, value: Value) -> dict[Value, Value]:
    if lookup(values, key) is not MISSING:
        raise EvaluationError(f"insert failed: key {text_of(key)} already exists")
    return {**values, key: value}


def _insert_all(values: dict[Value, Value], more: Mapping[Value, Value]) -> dict[Value, Value]:
    for key, value in more.items():
        values = _insert(values, key, value)
    return values


_K: Final = types.parameter("K")
_V: Final = types.parameter("V")
_MAP: Final = types.map_of(_K, _V)

LIBRARY: Final = Library(
    "two-variable comprehensions",
    overloads(
        (
            "cel.@mapInsert",
            [
                function("@mapInsert_map_key_value", (_MAP, _K, _V), _MAP, _insert),
                function("@mapInsert_map_map", (_MAP, _MAP), _MAP, _insert_all),
            ],
        ),
    ),
    macros=TWO_VARIABLES,
)
