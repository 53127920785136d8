"""What can go wrong with an expression, in Kubernetes' words.

:class:`CompileError` is raised before anything is evaluated, :class:`EvaluationError` while a program runs. An
evaluation error is a value in CEL: ``&&``, ``||`` and the quantifier macros may absorb it. A
:class:`CostLimitError` ends the evaluation whatever surrounds it.
"""

from __future__ import annotations

from typing import NamedTuple

from kschedcore.errors import KschedcoreError

__all__ = ["CelError", "CompileError", "CostLimitError", "EvaluationError", "Issue"]


class Issue(NamedTuple):
    """One thing wrong with the text of an expression.

    Attributes:
        offset: Where, in code points from the start of the text; -1 when the place is unknown.
        message: What is wrong.
    """

    offset: int
    message: str


class CelError(KschedcoreError):
    """Base class of everything an expression can do wrong."""


class CompileError(CelError, ValueError):
    """An expression that does not parse or type-check, or that evaluates to another type than demanded.

    Attributes:
        issues: What is wrong and where, in the order of the text; empty for a fault of the whole expression.
    """

    def __init__(self, message: str, issues: tuple[Issue, ...] = ()) -> None:
        self.issues = issues
        super().__init__(message)


class EvaluationError(CelError):
    """An expression failed while it was evaluated."""


class CostLimitError(CelError):
    """An evaluation cost more than its limit; no operator absorbs this."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")
