"""Check an expression before it is evaluated: unknown names, and results of the wrong type."""

import re
from functools import cache

from tests.model.cel.evaluate import MACROS
from tests.model.cel.functions import FUNCTIONS, METHODS, SETS
from tests.model.cel.syntax import RELATIONS, ExpressionSyntaxError, Node, parse

DEVICE_FIELDS = {
    "driver": "string",
    "attributes": "map(string, map(string, any))",
    "capacity": "map(string, map(string, kubernetes.Quantity))",
    "allowMultipleAllocations": "bool",
}
SHARED_FIELD = "allowMultipleAllocations"
RESULTS = {
    "size": "int", "int": "int", "double": "double", "string": "string", "bool": "bool",
    "quantity": "kubernetes.Quantity", "semver": "kubernetes.Semver", "compareTo": "int", "sign": "int",
    "asInteger": "int", "asApproximateFloat": "double", "major": "int", "minor": "int", "patch": "int",
    "add": "kubernetes.Quantity", "sub": "kubernetes.Quantity", "lowerAscii": "string", "upperAscii": "string",
    "replace": "string", "substring": "string", "trim": "string", "charAt": "string", "join": "string",
    "find": "string", "split": "list(string)", "findAll": "list(string)",
}  # fmt: skip
LITERALS = {bool: "bool", int: "int", float: "double", str: "string", type(None): "null"}
YES_OR_NO = frozenset(
    {"has", "isQuantity", "isSemver", "startsWith", "endsWith", "contains", "matches", "isGreaterThan"}
    | {"isLessThan", "isInteger", "isSorted", "hasValue", "all", "exists", "exists_one"}
)
UNKNOWN = "any"


class CompileError(Exception):
    """The message is Kubernetes' own."""


@cache
def compiled(expression: str, *, shared_devices: bool) -> Node:
    """The tree of a selector.

    Raises CompileError.
    """
    try:
        tree = parse(expression)
        names = frozenset({"device"})
        _check(tree, names, shared_devices=shared_devices)
    except ExpressionSyntaxError as problem:
        raise CompileError(f"compilation failed: {_located(expression, problem)}") from None
    result = _result(tree, {"device": "device"})
    if result not in ("bool", UNKNOWN):
        raise CompileError(f"must evaluate to bool or the unknown type, not {result}")
    return tree


def _located(expression: str, problem: ExpressionSyntaxError) -> str:
    before = expression[: problem.at]
    line, column = before.count("\n") + 1, problem.at - (before.rfind("\n") + 1)
    shown = expression.split("\n")[line - 1]
    return f"ERROR: <input>:{line}:{column + 1}: {problem}\n | {shown}\n | {'.' * column}^"


def _undeclared(at: int, name: str) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(at, f"undeclared reference to '{name}' (in container '')")


def _check(node: Node, names: frozenset[str], *, shared_devices: bool) -> None:
    """Every name is a variable, a function or a field of the device."""
    if node.kind == "name" and node.name not in names:
        raise _undeclared(node.at, node.name)
    if node.kind in ("select", "optional select"):
        _check_field(node, shared_devices=shared_devices)
    inner = names
    parts: tuple[Node, ...] = (*((node.target,) if node.target else ()), *node.parts)
    if node.kind == "call":
        parts, inner = _check_call(node, names)
    for part in parts:
        within = inner if part in node.parts[1:] else names
        _check(part, within, shared_devices=shared_devices)


def _check_field(node: Node, *, shared_devices: bool) -> None:
    if node.target is None or (node.target.kind, node.target.name) != ("name", "device"):
        return
    if node.name not in DEVICE_FIELDS or (node.name == SHARED_FIELD and not shared_devices):
        raise ExpressionSyntaxError(node.at, f"undefined field '{node.name}'")


def _check_call(node: Node, names: frozenset[str]) -> tuple[tuple[Node, ...], frozenset[str]]:
    """The arguments of a call still to check, and the names that they may use."""
    target = node.target
    if target is None:
        if node.name != "has" and node.name not in FUNCTIONS:
            raise _undeclared(node.at, node.name)
        return node.parts, names
    if target.kind == "name" and target.name not in names:
        full = f"{target.name}.{node.name}"
        if full == "cel.bind":
            return node.parts[1:], names | {node.parts[0].name}
        if full in FUNCTIONS or (target.name == "sets" and node.name in SETS):
            return node.parts, names
    if node.name in MACROS and len(node.parts) >= 2:
        return (target, *node.parts[1:]), names | {node.parts[0].name}
    if node.name not in METHODS:
        raise _undeclared(node.at, node.name)
    if node.name == "matches" and node.parts and isinstance(node.parts[0].value, str):
        _check_pattern(node.parts[0])
    return (target, *node.parts), names


def _check_pattern(literal: Node) -> None:
    try:
        re.compile(literal.value)
    except re.error:
        raise ExpressionSyntaxError(literal.at, "invalid matches argument") from None


def _result(node: Node, types: dict[str, str]) -> str:
    """The type of the value, as far as it is plain; any value may be a bool."""
    match node.kind:
        case "literal":
            return LITERALS[type(node.value)]
        case "name":
            return types.get(node.name, UNKNOWN)
        case "operator":
            return _operator_result(node, types)
        case "conditional":
            yes, no = (_result(part, types) for part in node.parts[1:])
            return yes if yes == no else UNKNOWN
        case "select" if node.target and node.target.kind == "name" and node.target.name == "device":
            return DEVICE_FIELDS[node.name]
        case "select" | "index":
            return _element_type(node, types)
        case "call":
            return _call_result(node, types)
    return UNKNOWN


def _operator_result(node: Node, types: dict[str, str]) -> str:
    if node.name in (*RELATIONS, "&&", "||", "!_"):
        return "bool"
    known = [_result(part, types) for part in node.parts]
    return known[0] if len(set(known)) == 1 else UNKNOWN


def _element_type(node: Node, types: dict[str, str]) -> str:
    assert node.target is not None
    container = _result(node.target, types)
    return container[len("map(string, ") : -1] if container.startswith("map(") else UNKNOWN


def _call_result(node: Node, types: dict[str, str]) -> str:
    if node.name == "bind" and node.target is not None and node.target.name == "cel":
        name, value, body = node.parts
        return _result(body, {**types, name.name: _result(value, types)})
    if node.name in YES_OR_NO:
        return "bool"
    return RESULTS.get(node.name, UNKNOWN)
