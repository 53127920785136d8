"""Calls of the overload that fits the arguments at run time."""

from __future__ import annotations

from collections.abc import Callable

from kschedcore.cel.declarations import Overload
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.guards import guard_of, mismatch, passes
from kschedcore.cel.values import Value

__all__ = ["dispatched_call"]


def dispatched_call(name: str, candidates: tuple[Overload, ...]) -> Callable[..., Value]:
    """Return a function that calls the overload that fits its arguments."""
    if len(candidates) == 1:
        return _guarded(name, candidates[0])
    shared = candidates[0]
    if not shared.guarded and all(each.implementation is shared.implementation for each in candidates):
        return shared.implementation
    guards = [(tuple(map(guard_of, each.arguments)), each) for each in candidates]

    def dispatched(*arguments: Value) -> Value:
        for expected, overload in guards:
            if len(expected) == len(arguments) and all(map(passes, expected, arguments)):
                return overload.implementation(*arguments)
        raise EvaluationError(mismatch(name, arguments))

    return dispatched


def _guarded(name: str, overload: Overload) -> Callable[..., Value]:
    implementation = overload.implementation
    guards = tuple(map(guard_of, overload.arguments))
    if not overload.guarded or all(each is None for each in guards):
        return implementation
    if len(guards) == 1:
        only = guards[0]

        def unary(value: Value) -> Value:
            if not passes(only, value):
                raise EvaluationError(mismatch(name, (value,)))
            return implementation(value)

        return unary
    if len(guards) == 2:
        first, second = guards

        def binary(one: Value, two: Value) -> Value:
            if not passes(first, one) or not passes(second, two):
                raise EvaluationError(mismatch(name, (one, two)))
            return implementation(one, two)

        return binary

    def variadic(*arguments: Value) -> Value:
        if not all(map(passes, guards, arguments)):
            raise EvaluationError(mismatch(name, arguments))
        return implementation(*arguments)

    return variadic
