"""Assignability of types, and bindings of type parameters (cel-go's ``checker/types.go``)."""

from __future__ import annotations

from typing import TypeAlias

from kschedcore.cel import types
from kschedcore.cel.types import Kind, Type

__all__ = ["Bindings", "assign", "assign_all", "most_general", "substituted"]

Bindings: TypeAlias = dict[str, Type]
"""The bindings of type parameters, by name."""

_NULLABLE = frozenset({Kind.OPAQUE, Kind.STRUCT, Kind.ANY, Kind.DURATION, Kind.TIMESTAMP, Kind.NULL})
_CONTAINERS = frozenset({Kind.OPAQUE, Kind.LIST, Kind.MAP})


def assign(bindings: Bindings, first: Type, second: Type) -> Bindings | None:
    """Return the bindings under which both types agree, None if they do not."""
    found = dict(bindings)
    return found if _agree(found, first, second) else None


def assign_all(bindings: Bindings, first: tuple[Type, ...], second: tuple[Type, ...]) -> Bindings | None:
    """Return the bindings under which types agree pairwise, None if they do not."""
    found = dict(bindings)
    return found if _all_agree(found, first, second) else None


def most_general(first: Type, second: Type) -> Type:
    """Return the more general one of two types that agree."""
    return first if _is_as_general(first, second) else second


def substituted(bindings: Bindings, given: Type, *, free_to_dyn: bool = False) -> Type:
    """Return a type with its parameters replaced by their bindings.

    Args:
        bindings: The bindings.
        given: The type.
        free_to_dyn: Replace unbound parameters by ``dyn``.
    """
    if given.kind is Kind.PARAMETER:
        bound = bindings.get(given.name)
        if bound is not None:
            return substituted(bindings, bound, free_to_dyn=free_to_dyn)
        return types.DYN if free_to_dyn else given
    if not given.parameters:
        return given
    parameters = tuple(substituted(bindings, each, free_to_dyn=free_to_dyn) for each in given.parameters)
    return Type(given.kind, given.name, parameters)


def _all_agree(bindings: Bindings, first: tuple[Type, ...], second: tuple[Type, ...]) -> bool:
    return len(first) == len(second) and all(
        _agree(bindings, one, other) for one, other in zip(first, second, strict=True)
    )


def _agree(bindings: Bindings, first: Type, second: Type) -> bool:
    if second.kind is Kind.PARAMETER:
        fits, is_bound = _bind(bindings, first, second)
        if fits:
            return True
        if is_bound:
            return False
    if first.kind is Kind.PARAMETER:
        return _bind(bindings, second, first)[0]
    if _is_wild(first) or _is_wild(second):
        return True
    if first.kind is Kind.NULL:
        return second.kind in _NULLABLE
    if second.kind is Kind.NULL:
        return first.kind in _NULLABLE
    if first.kind is not second.kind:
        return False
    if first.kind in _CONTAINERS:
        return first.name == second.name and _all_agree(bindings, first.parameters, second.parameters)
    return first.kind is Kind.TYPE or first.name == second.name


def _is_wild(given: Type) -> bool:
    return given.is_dyn or given.kind is Kind.ERROR


def _bind(bindings: Bindings, given: Type, free: Type) -> tuple[bool, bool]:
    """Bind a parameter to a type; return whether that is possible, and whether it was bound before."""
    if given.is_exactly(free):
        return True, True
    bound = bindings.get(free.name)
    if bound is None:
        if not _is_free_of(bindings, free, given):
            return False, False
        bindings[free.name] = given
        return True, False
    if given.is_exactly(bound):
        return True, True
    if not _agree(bindings, given, bound):
        return False, True
    general = most_general(given, bound)
    if _is_free_of(bindings, free, general):
        bindings[free.name] = general
    return True, True


def _is_free_of(bindings: Bindings, free: Type, given: Type) -> bool:
    """Return whether a parameter does not occur in a type (the occurs check)."""
    if free.is_exactly(given):
        return False
    if given.kind is Kind.PARAMETER:
        bound = bindings.get(given.name)
        return bound is None or _is_free_of(bindings, free, bound)
    return all(_is_free_of(bindings, free, each) for each in given.parameters)


def _is_as_general(first: Type, second: Type) -> bool:
    if first.is_dyn or first.kind is Kind.PARAMETER:
        return True
    if second.is_dyn or second.kind is Kind.PARAMETER or first.kind is not second.kind:
        return False
    if first.kind is Kind.TYPE:
        return True
    if first.kind in _CONTAINERS:
        return (
            first.name == second.name
            and len(first.parameters) == len(second.parameters)
            and all(map(_is_as_general, first.parameters, second.parameters))
        )
    return first.is_exactly(second)
