"""Type checks of the arguments of public calls, made before a call has any effect."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from kschedcore.errors import UsageError

__all__ = ["INT64_MAX", "UINT64_MAX", "instance", "integer", "path_of", "several", "shown", "text"]

T = TypeVar("T")

INT64_MAX = 2**63 - 1
UINT64_MAX = 2**64 - 1
_SHOWN_CHARACTERS = 80


def shown(value: object) -> str:
    """Return how messages call an argument: its repr, or only its type where that may be long or confidential."""
    if isinstance(value, int | float):
        return (
            repr(value)
            if not isinstance(value, int) or abs(value) < 10**_SHOWN_CHARACTERS
            else "a huge number"
        )
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]!r}…"
    if isinstance(value, list | dict) and not value:
        return repr(value)
    return "None" if value is None else type(value).__name__


def instance(name: str, value: T, kind: type[T]) -> T:
    """A value of a class.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(value, kind):
        raise UsageError(f"{name} is {shown(value)}; expected a {kind.__name__}")
    return value


def text(name: str, value: str) -> str:
    """Return an argument that must be a string.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(value, str):
        raise UsageError(f"{name} is {shown(value)}; expected a string")
    return value


def integer(name: str, value: int, most: int) -> int:
    """Return an argument that must be an integer from 0 to ``most``, of Python or numpy.

    Raises:
        UsageError: It is not.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number <= most:
        raise UsageError(f"{name} is {shown(value)}; expected an integer from 0 to {most}")
    return number


def several(name: str, values: Iterable[T], what: str) -> Iterable[T]:
    """Return an argument that must be iterable.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(values, Iterable):
        raise UsageError(f"{name} is {type(values).__name__}; expected {what}")
    return values


def path_of(name: str, value: str | PathLike[Any]) -> Path:
    """Return an argument that must be a path.

    Raises:
        UsageError: It is not.
    """
    try:
        return Path(value)
    except TypeError:
        raise UsageError(f"{name} is {type(value).__name__}; expected a path") from None
