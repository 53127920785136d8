"""Declarations of an environment: variables with sizes of their values, functions, libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from kschedcore.cel import types
from kschedcore.cel.macros import Macro
from kschedcore.cel.types import Kind, Type
from kschedcore.cel.values import Value

if TYPE_CHECKING:
    from kschedcore.cel.ast import Node
    from kschedcore.cel.cost import CallEstimate, CostNode, Estimator
    from kschedcore.cel.errors import Issue

__all__ = [
    "UNBOUNDED",
    "Declared",
    "Estimate",
    "Function",
    "Library",
    "Meter",
    "Overload",
    "Validator",
    "declared_list",
    "declared_map",
    "declared_object",
    "function",
    "method",
    "overloads",
]

UNBOUNDED: Final = 2**64 - 1

Estimate: TypeAlias = "Callable[[Estimator, CostNode | None, list[CostNode]], CallEstimate | None]"
"""Estimates a call's cost from its target and arguments; None leaves it to the general rule."""
Meter: TypeAlias = Callable[[tuple[Value, ...], Value], int]
"""Returns the actual cost of a call, from its arguments (the target first) and its result."""
Validator: TypeAlias = "Callable[[list[Node]], Iterable[Issue]]"
"""Checks a type-checked expression, given all its nodes, parents before children."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A type with limits of its values' sizes, from which costs are estimated.

    Attributes:
        type: The type.
        max_size: Maximum number of code points, elements or entries.
        key: Of a map.
        element: Of a list, or the value of a map.
        fields: Of an object.
        sized_by_name: Whether a map's values have their declared size when they are selected by name, too.
    """

    type: Type
    max_size: int = UNBOUNDED
    key: Declared | None = None
    element: Declared | None = None
    fields: Mapping[str, Declared] = field(default_factory=dict)
    sized_by_name: bool = False

    def object_types(self) -> dict[str, Mapping[str, Declared]]:
        """Return the fields of every object type in it, by the types' names."""
        found: dict[str, Mapping[str, Declared]] = {}
        pending = [self]
        while pending:
            each = pending.pop()
            if each.type.kind is Kind.STRUCT and each.fields and each.type.name not in found:
                found[each.type.name] = each.fields
                pending.extend(each.fields.values())
            pending.extend(part for part in (each.key, each.element) if part is not None)
        return found


def declared_list(element: Declared, max_size: int = UNBOUNDED) -> Declared:
    """Return the declaration of a list."""
    return Declared(types.list_of(element.type), max_size, element=element)


def declared_map(
    key: Declared, value: Declared, max_size: int = UNBOUNDED, *, sized_by_name: bool = False
) -> Declared:
    """Return the declaration of a map."""
    declared = types.map_of(key.type, value.type)
    return Declared(declared, max_size, key=key, element=value, sized_by_name=sized_by_name)


def declared_object(name: str, fields: Mapping[str, Declared]) -> Declared:
    """Return the declaration of an object type with fields."""
    return Declared(types.object_type(name), 0, fields=fields)


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function.

    Attributes:
        id: Its name in cel-go, the key of costs.
        arguments: Their types; a method's target comes first.
        result: The type of what it returns.
        implementation: The function; it may raise :class:`~kschedcore.cel.errors.EvaluationError`.
        is_method: Whether it is called on its first argument.
        guarded: Whether the types of the arguments are checked at run time before it is called.
        estimate: Estimates its cost; None for the general rule.
        meter: Returns its actual cost; None for the general rule.
    """

    id: str
    arguments: tuple[Type, ...]
    result: Type
    implementation: Callable[..., Value]
    is_method: bool = False
    guarded: bool = True
    estimate: Estimate | None = field(default=None, compare=False)
    meter: Meter | None = field(default=None, compare=False)

    @property
    def is_generic(self) -> bool:
        """Whether it has type parameters."""
        return any(_has_parameter(each) for each in (*self.arguments, self.result))


def _has_parameter(checked: Type) -> bool:
    return checked.kind is Kind.PARAMETER or any(map(_has_parameter, checked.parameters))


Function: TypeAlias = tuple[Overload, ...]


def function(
    name: str,
    arguments: tuple[Type, ...],
    result: Type,
    implementation: Callable[..., Value],
    *,
    guarded: bool = True,
    estimate: Estimate | None = None,
    meter: Meter | None = None,
) -> Overload:
    """Return an overload of a function."""
    return Overload(name, arguments, result, implementation, False, guarded, estimate, meter)


def method(
    name: str,
    arguments: tuple[Type, ...],
    result: Type,
    implementation: Callable[..., Value],
    *,
    guarded: bool = True,
    estimate: Estimate | None = None,
    meter: Meter | None = None,
) -> Overload:
    """Return an overload that is called on its first argument."""
    return Overload(name, arguments, result, implementation, True, guarded, estimate, meter)


@dataclass(frozen=True)
class Library:
    """Functions, types and macros that an environment may have.

    Attributes:
        name: Its name.
        functions: Overloads by the function's name.
        type_names: Types that may be named in expressions.
        macros: Macros.
        optional_syntax: Whether ``a.?b`` is allowed.
        validators: Further checks of expressions.
        mixed_literals: Functions inside whose calls lists may hold values of different types.
    """

    name: str
    functions: Mapping[str, Function] = field(default_factory=dict)
    type_names: tuple[Type, ...] = ()
    macros: tuple[Macro, ...] = ()
    optional_syntax: bool = False
    validators: tuple[Validator, ...] = ()
    mixed_literals: frozenset[str] = frozenset()


def overloads(*groups: tuple[str, Iterable[Overload]]) -> dict[str, Function]:
    """Return overloads by name; a name may come more than once."""
    found: dict[str, Function] = {}
    for name, group in groups:
        found[name] = (*found.get(name, ()), *group)
    return found
