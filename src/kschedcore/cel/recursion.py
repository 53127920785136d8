"""Runs functions that recurse as deep as the deepest expression, beyond Python's default limit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["deeply"]

_Result = TypeVar("_Result")

_EXTRA_FRAMES: Final = 12_000
"""About ten frames for each level of the parser's limit of 250, for each of a macro's nodes."""


def deeply(run: Callable[[], _Result]) -> _Result:
    """Return what a function without side effects returns, once more with a deeper stack if need be.

    Raises:
        RecursionError: The deeper stack was not deep enough either.
    """
    try:
        return run()
    except RecursionError:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _EXTRA_FRAMES)
        try:
            return run()
        finally:
            sys.setrecursionlimit(limit)
