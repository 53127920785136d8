"""The nodes of a parsed expression.

Macros are expanded while parsing, so there are nine kinds of node. A node's ``offset`` is the position of errors
about it: an operator's sign, a call's opening parenthesis, a selection's dot. The type checker fills in
``type``, and ``overloads`` of calls.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from kschedcore.cel.declarations import Overload
    from kschedcore.cel.types import Type

__all__ = [
    "Call",
    "Comprehension",
    "Entry",
    "Field",
    "Ident",
    "ListExpr",
    "Literal",
    "LiteralValue",
    "MapExpr",
    "Node",
    "Select",
    "StructExpr",
    "children",
    "copied",
    "qualified_name",
]

LiteralValue: TypeAlias = "bool | int | float | str | bytes | None"
"""The value of a literal; unsigned integers are :class:`kschedcore.cel.values.UInt`."""


@dataclass(slots=True, eq=False)
class _Base:
    offset: int
    type: Type | None = dataclasses.field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Literal(_Base):
    """A constant written in the text, or made by a macro."""

    value: LiteralValue


@dataclass(slots=True, eq=False)
class Ident(_Base):
    """A variable, or the name of a type; a leading dot skips the local variables' names."""

    name: str
    constant: Type | None = dataclasses.field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Select(_Base):
    """``operand.field``; with ``test`` whether there is one, from the macro ``has``.

    Attributes:
        resolved: The qualified name that the selection resolves to, ``net.IP``.
    """

    operand: Node
    field: str
    test: bool = False
    resolved: Ident | None = dataclasses.field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Call(_Base):
    """A function, method or operator applied to arguments.

    Attributes:
        function: The name; operators have cel-go's names, ``_+_``.
        target: The receiver of a method.
        overloads: The overloads that may apply, filled in by the type checker.
    """

    function: str
    target: Node | None
    args: list[Node]
    overloads: tuple[Overload, ...] = dataclasses.field(default=(), init=False, repr=False)


@dataclass(slots=True, eq=False)
class ListExpr(_Base):
    """``[a, ?b]``; ``optional`` holds the indices of the elements with a question mark."""

    elements: list[Node]
    optional: frozenset[int] = frozenset()


@dataclass(slots=True, eq=False)
class Entry:
    """An entry of a map; optional with a question mark."""

    offset: int
    key: Node
    value: Node
    optional: bool = False


@dataclass(slots=True, eq=False)
class MapExpr(_Base):
    """``{k: v, ?k: v}``."""

    entries: list[Entry]


@dataclass(slots=True, eq=False)
class Field:
    """A field of an object that is created."""

    offset: int
    name: str
    value: Node
    optional: bool = False


@dataclass(slots=True, eq=False)
class StructExpr(_Base):
    """``package.Type{field: value}``."""

    name: str
    fields: list[Field]


@dataclass(slots=True, eq=False)
class Comprehension(_Base):
    """A fold over a list or map, what the iterating macros and ``cel.bind`` expand to.

    Attributes:
        range: The list or map to iterate over.
        variable: The element of a list or key of a map; with ``second`` the index or key.
        second: The element or value, empty when there is one variable only.
        accumulator: The variable that holds the result so far.
        initial: The accumulator's first value.
        condition: Whether to continue.
        step: The accumulator's next value.
        result: The value of the comprehension.
    """

    range: Node
    variable: str
    second: str
    accumulator: str
    initial: Node
    condition: Node
    step: Node
    result: Node

    @property
    def is_binding(self) -> bool:
        """Whether it only binds a variable: its range is empty."""
        return (
            isinstance(self.range, ListExpr)
            and not self.range.elements
            and isinstance(self.condition, Literal)
            and self.condition.value is False
        )


Node: TypeAlias = Literal | Ident | Select | Call | ListExpr | MapExpr | StructExpr | Comprehension


def children(node: Node) -> list[Node]:
    """Return the nodes directly below a node, in the order of their evaluation."""
    match node:
        case Select():
            return [node.operand]
        case Call():
            return [*([] if node.target is None else [node.target]), *node.args]
        case ListExpr():
            return list(node.elements)
        case MapExpr():
            return [part for entry in node.entries for part in (entry.key, entry.value)]
        case StructExpr():
            return [entry.value for entry in node.fields]
        case Comprehension():
            return [node.range, node.initial, node.condition, node.step, node.result]
    return []


def copied(node: Node) -> Node:
    """Return a deep copy of a node that was not type-checked yet."""
    match node:
        case Literal():
            return Literal(node.offset, node.value)
        case Ident():
            return Ident(node.offset, node.name)
        case Select():
            return Select(node.offset, copied(node.operand), node.field, node.test)
        case Call():
            target = None if node.target is None else copied(node.target)
            return Call(node.offset, node.function, target, [copied(each) for each in node.args])
        case ListExpr():
            return ListExpr(node.offset, [copied(each) for each in node.elements], node.optional)
        case MapExpr():
            entries = [
                Entry(each.offset, copied(each.key), copied(each.value), each.optional)
                for each in node.entries
            ]
            return MapExpr(node.offset, entries)
        case StructExpr():
            fields = [
                Field(each.offset, each.name, copied(each.value), each.optional) for each in node.fields
            ]
            return StructExpr(node.offset, node.name, fields)
    return Comprehension(
        node.offset,
        copied(node.range),
        node.variable,
        node.second,
        node.accumulator,
        copied(node.initial),
        copied(node.condition),
        copied(node.step),
        copied(node.result),
    )


def qualified_name(node: Node) -> str | None:
    """Return ``a.b.c`` if the node only consists of names and selections."""
    names: list[str] = []
    while isinstance(node, Select) and not node.test:
        names.append(node.field)
        node = node.operand
    if not isinstance(node, Ident):
        return None
    names.append(node.name)
    return ".".join(reversed(names))
