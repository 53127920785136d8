"""How to undo what was changed, so that a question may change a cluster and leave no trace.

Whoever changes a cluster's state records the inverse step; undoing walks back from the latest to the earliest, so
that each step finds everything as it left it. It costs what was changed, not what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Journal:
    """The inverse steps of the changes since a transaction began; transactions may be nested."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []
        self._saved: list[set[object]] = []
        self._undoing = False

    @property
    def is_open(self) -> bool:
        """Whether a transaction is under way."""
        return bool(self._saved)

    def record(self, undo: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Note what undoes a change that was just made; nothing while no transaction is under way."""
        if self._saved and not self._undoing:
            self._steps.append(partial(undo, *args, **kwargs))

    def save(self, take: Callable[[], T], put_back: Callable[[T], object]) -> None:
        """Before a state changes that has no inverse steps: once a transaction, keep a copy of it."""
        if self._saved and not self._undoing and put_back not in self._saved[-1]:
            self._saved[-1].add(put_back)
            self._steps.append(partial(put_back, take()))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo, at the end, everything that was recorded since."""
        begun = len(self._steps)
        self._saved.append(set())
        try:
            yield
        finally:
            self._undoing = True
            try:
                while len(self._steps) > begun:
                    self._steps.pop()()
            finally:
                self._undoing = False
                self._saved.pop()
