"""Errors of expressions, with Kubernetes' messages.

:class:`CompileError` is raised before anything is evaluated, :class:`EvaluationError` while a program runs. An
evaluation error is a value in CEL: ``&&``, ``||`` and the quantifier macros may absorb it. A
:class:`CostLimitError` always ends the evaluation.
"""

from __future__ import annotations

from typing import NamedTuple

from kschedcore.errors import KschedcoreError

__all__ = ["CelError", "CompileError", "CostLimitError", "EvaluationError", "Issue"]


class Issue(NamedTuple):
    """One error in the text of an expression.

    Attributes:
        offset: The position in code points; -1 if unknown.
        message: The error message.
    """

    offset: int
    message: str


class CelError(KschedcoreError):
    """Base class of errors of expressions."""


class CompileError(CelError, ValueError):
    """An expression that does not parse or type-check, or that evaluates to another type than demanded.

    Attributes:
        issues: The errors and their positions, in the order of the text; empty for an error of the whole expression.
    """

    def __init__(self, message: str, issues: tuple[Issue, ...] = ()) -> None:
        self.issues = issues
        super().__init__(message)


class EvaluationError(CelError):
    """An expression failed while it was evaluated."""


class CostLimitError(CelError):
    """An evaluation exceeded its cost limit; no operator absorbs this error."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")
