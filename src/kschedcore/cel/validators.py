"""Checks of type-checked expressions that Kubernetes adds to CEL's own (cel-go's ``cel/validator.go``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from kschedcore.cel.ast import Call, ListExpr, Literal, MapExpr, Node, children
from kschedcore.cel.declarations import Validator
from kschedcore.cel.errors import EvaluationError, Issue
from kschedcore.cel.regex import compiled
from kschedcore.cel.types import Type
from kschedcore.cel.values import Value

__all__ = ["LITERALS", "mixed_literals", "walk"]


def walk(root: Node) -> list[Node]:
    """Return all nodes below a node and itself, parents before children."""
    found: list[Node] = []
    pending = [root]
    while pending:
        node = pending.pop()
        found.append(node)
        pending.extend(reversed(children(node)))
    return found


def _literal_validator(function: str, check: Callable[[Call, Value], object]) -> Validator:
    def validate(nodes: list[Node]) -> Iterable[Issue]:
        for node in nodes:
            if not isinstance(node, Call) or node.function != function or not node.args:
                continue
            argument = node.args[0]
            if isinstance(argument, Literal):
                try:
                    check(node, argument.value)
                except EvaluationError:
                    yield Issue(argument.offset, f"invalid {function} argument")

    return validate


def _call(node: Call, value: Value) -> object:
    return node.overloads[0].implementation(value)


def _pattern(_node: Call, value: Value) -> object:
    return compiled(value) if isinstance(value, str) else None


LITERALS: Final = (
    _literal_validator("duration", _call),
    _literal_validator("timestamp", _call),
    _literal_validator("matches", _pattern),
)
"""Check literal arguments of ``duration``, ``timestamp`` and ``matches``."""


def mixed_literals(exempt: frozenset[str]) -> Validator:
    """Return the check that all values of a list or map literal have one type.

    Args:
        exempt: Functions inside whose calls they need not.
    """

    def validate(nodes: list[Node]) -> Iterable[Issue]:
        excused = _inside(nodes, exempt)
        checked = [node for node in nodes if id(node) not in excused]
        for node in checked:
            if isinstance(node, ListExpr):
                yield from _list_issues(node)
        for node in checked:
            if isinstance(node, MapExpr):
                yield from _map_issues(node)

    return validate


def _inside(nodes: list[Node], functions: frozenset[str]) -> set[int]:
    found: set[int] = set()
    for node in nodes:
        if id(node) in found or (isinstance(node, Call) and node.function in functions):
            found.update(id(each) for each in children(node))
    return found


def _type(node: Node, *, optional: bool) -> Type:
    assert node.type is not None, "only type-checked expressions are validated"
    parameters = node.type.parameters
    return parameters[0] if optional and parameters else node.type


def _mismatch(node: Node, expected: Type, found: Type) -> Issue:
    return Issue(node.offset, f"expected type '{expected.shown()}' but found '{found.shown()}'")


def _list_issues(node: ListExpr) -> Iterator[Issue]:
    expected: Type | None = None
    for index, element in enumerate(node.elements):
        found = _type(element, optional=index in node.optional)
        if expected is None:
            expected = found
        elif not expected.is_equivalent(found):
            yield _mismatch(element, expected, found)
            return


def _map_issues(node: MapExpr) -> Iterator[Issue]:
    expected: tuple[Type, Type] | None = None
    for entry in node.entries:
        found = _type(entry.key, optional=False), _type(entry.value, optional=entry.optional)
        if expected is None:
            expected = found
            continue
        if not expected[0].is_equivalent(found[0]):
            yield _mismatch(entry.key, expected[0], found[0])
        if not expected[1].is_equivalent(found[1]):
            yield _mismatch(entry.value, expected[1], found[1])
