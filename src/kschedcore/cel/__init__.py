"""The Common Expression Language as Kubernetes uses it.

An :class:`Environment` declares variables and libraries; it compiles the text of an expression to a
:class:`Program`, which is evaluated with values for the variables::

    from kschedcore.cel import Environment, base_environment, types

    environment = base_environment().extended({"replicas": types.INT})
    program = environment.compile("replicas > 1 && replicas < 10", types.BOOL)
    program.evaluate({"replicas": 3})   # True

Errors have the messages of cel-go and Kubernetes, costs are in its units. The stages are modules of their
own: :mod:`~kschedcore.cel.lexer`, :mod:`~kschedcore.cel.parser` (with :mod:`~kschedcore.cel.macros` and, for what
does not parse, :mod:`~kschedcore.cel.diagnosis`), :mod:`~kschedcore.cel.checker`,
:mod:`~kschedcore.cel.validators`, :mod:`~kschedcore.cel.cost`, :mod:`~kschedcore.cel.evaluator`. The functions
are in :mod:`kschedcore.cel.functions`, selectors of devices in :mod:`kschedcore.cel.devices`.
"""

from __future__ import annotations

from kschedcore.cel import types
from kschedcore.cel.declarations import (
    Declared,
    Library,
    Overload,
    declared_list,
    declared_map,
    declared_object,
)
from kschedcore.cel.environment import Environment, Program
from kschedcore.cel.errors import CelError, CompileError, CostLimitError, EvaluationError, Issue
from kschedcore.cel.evaluator import Lazy
from kschedcore.cel.kubernetes import LIBRARIES, PER_CALL_LIMIT, base_environment
from kschedcore.cel.values import Duration, Optional, Timestamp, UInt

__all__ = [
    "LIBRARIES",
    "PER_CALL_LIMIT",
    "CelError",
    "CompileError",
    "CostLimitError",
    "Declared",
    "Duration",
    "Environment",
    "EvaluationError",
    "Issue",
    "Lazy",
    "Library",
    "Optional",
    "Overload",
    "Program",
    "Timestamp",
    "UInt",
    "base_environment",
    "declared_list",
    "declared_map",
    "declared_object",
    "types",
]
