"""One caller at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class Lockable(Protocol):
    """Something that callers take turns with."""

    _lock: RLock


Self = TypeVar("Self", bound=Lockable)
P = ParamSpec("P")
R = TypeVar("R")


def exclusive(method: Callable[Concatenate[Self, P], R]) -> Callable[Concatenate[Self, P], R]:
    """Let a method wait until other threads are done with the object; it may call further ones of its own."""

    @wraps(method)
    def run(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            return method(self, *args, **kwargs)

    return run
