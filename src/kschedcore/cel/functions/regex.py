"""Kubernetes' regex library: ``find`` and ``findAll``."""

from __future__ import annotations

from typing import Final

from kschedcore.cel import types
from kschedcore.cel.comparison import NO_OVERLOAD
from kschedcore.cel.declarations import Library, method, overloads
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.regex import PatternError, compiled
from kschedcore.cel.values import Value

__all__ = ["LIBRARY"]


def _check(*arguments: Value) -> None:
    if not all(isinstance(each, str) for each in arguments):
        raise EvaluationError(NO_OVERLOAD)


def _find(text: str, pattern: str) -> str:
    _check(text, pattern)
    try:
        found = compiled(pattern).search(text)
    except PatternError as error:
        raise EvaluationError(f"Illegal regex: {error}") from None
    return "" if found is None else found[0]


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    _check(text, pattern)
    if type(limit) is not int:
        raise EvaluationError(NO_OVERLOAD)
    try:
        matches = compiled(pattern).finditer(text)
    except PatternError as error:
        raise EvaluationError(f"Illegal regex: {error}") from None
    found: list[str] = []
    previous = -1
    for each in matches:
        if 0 <= limit <= len(found):
            break
        # Go takes no empty match right after another one; Python does.
        if each.end() == each.start() == previous:
            continue
        found.append(each[0])
        previous = each.end()
    return found


_STRINGS: Final = types.list_of(types.STRING)

LIBRARY: Final = Library(
    "kubernetes.regex",
    overloads(
        (
            "find",
            [method("string_find_string", (types.STRING, types.STRING), types.STRING, _find, guarded=False)],
        ),
        (
            "findAll",
            [
                method(
                    "string_find_all_string", (types.STRING, types.STRING), _STRINGS, _find_all, guarded=False
                ),
                method(
                    "string_find_all_string_int",
                    (types.STRING, types.STRING, types.INT),
                    _STRINGS,
                    _find_all,
                    guarded=False,
                ),
            ],
        ),
    ),
)
