"""The value of an expression's tree, with the variables it may name."""

from collections.abc import Mapping
from typing import Any

from tests.model.cel.functions import FUNCTIONS, METHODS, SETS, arithmetic, compare, contains, integer
from tests.model.cel.syntax import Node
from tests.model.cel.values import DomainMap, EvaluationError, Optional, equal, is_number, no_overload

Variables = Mapping[str, Any]
MACROS = ("all", "exists", "exists_one", "map", "filter", "optMap", "optFlatMap")


def evaluate(node: Node, variables: Variables) -> Any:
    """The node's value.

    Raises EvaluationError.
    """
    match node.kind:
        case "literal":
            return node.value
        case "name":
            return variables[node.name]
        case "list":
            return [evaluate(part, variables) for part in node.parts]
        case "map":
            values = [evaluate(part, variables) for part in node.parts]
            return dict(zip(values[::2], values[1::2], strict=True))
        case "conditional":
            return _conditional(node, variables)
        case "operator":
            return _operator(node, variables)
        case "call":
            return _call(node, variables)
        case _:
            return _lookup(node, variables)


def _conditional(node: Node, variables: Variables) -> Any:
    condition = evaluate(node.parts[0], variables)
    if type(condition) is not bool:
        raise no_overload()
    return evaluate(node.parts[1] if condition else node.parts[2], variables)


def _operator(node: Node, variables: Variables) -> Any:
    if node.name in ("&&", "||"):
        return _logical(node.parts, variables, decisive=node.name == "||")
    values = [evaluate(part, variables) for part in node.parts]
    match node.name:
        case "!_":
            if type(values[0]) is not bool:
                raise no_overload()
            return not values[0]
        case "-_":
            if not is_number(values[0]):
                raise no_overload()
            return integer(-values[0]) if type(values[0]) is int else -values[0]
        case "==":
            return equal(*values)
        case "!=":
            return not equal(*values)
        case "in":
            return contains(*values)
        case "<":
            return compare(*values) < 0
        case "<=":
            return compare(*values) <= 0
        case ">":
            return compare(*values) > 0
        case ">=":
            return compare(*values) >= 0
        case _:
            return arithmetic(node.name, *values)


def _logical(parts: tuple[Node, ...], variables: Variables, *, decisive: bool) -> bool:
    """One decisive side is enough, whatever the other is, even an error; else the first error counts."""
    return settled([(part, variables) for part in parts], decisive=decisive)


def settled(terms: list[tuple[Node, Variables]], *, decisive: bool) -> bool:
    error: EvaluationError | None = None
    for node, variables in terms:
        try:
            if _true(node, variables) is decisive:
                return decisive
        except EvaluationError as raised:
            error = error or raised
    if error:
        raise error
    return not decisive


def _lookup(node: Node, variables: Variables) -> Any:
    """A field or an element; of what is optional, an optional one."""
    assert node.target is not None
    target = evaluate(node.target, variables)
    key = node.name if "select" in node.kind else evaluate(node.parts[0], variables)
    if isinstance(target, Optional):
        return _optionally(target.value, key) if target.present else Optional(False)
    return _optionally(target, key) if node.kind.startswith("optional") else element(target, key)


def _optionally(target: Any, key: Any) -> Optional:
    return Optional(True, element(target, key)) if _has(target, key) else Optional(False)


def _has(target: Any, key: Any) -> bool:
    if isinstance(target, DomainMap):
        return True
    if isinstance(target, dict):
        return key in target
    if isinstance(target, list):
        return type(key) is int and 0 <= key < len(target)
    raise no_overload()


def element(target: Any, key: Any) -> Any:
    """`target[key]`, or a run-time error in cel-go's words."""
    if isinstance(target, DomainMap):
        return target.get(key, {})
    if isinstance(target, dict):
        if key not in target:
            raise EvaluationError(f"no such key: {key}")
        return target[key]
    if isinstance(target, list):
        if type(key) is not int:
            raise no_overload()
        if not 0 <= key < len(target):
            raise EvaluationError(f"index out of bounds: {key}")
        return target[key]
    raise no_overload()


def _call(node: Node, variables: Variables) -> Any:
    if node.target is None:
        return _present(node, variables) if node.name == "has" else _function(node, variables)
    if node.target.kind == "name" and node.target.name not in variables:
        return _namespaced(node, node.target.name, variables)
    if node.name in MACROS and len(node.parts) >= 2 and node.parts[0].kind == "name":
        return _macro(node, variables)
    arguments = [evaluate(part, variables) for part in (node.target, *node.parts)]
    return METHODS[node.name](*arguments)


def _function(node: Node, variables: Variables) -> Any:
    return FUNCTIONS[node.name](*(evaluate(part, variables) for part in node.parts))


def _present(node: Node, variables: Variables) -> bool:
    """`has(a.b)`: the field is there; `a` itself has to be."""
    field = node.parts[0]
    assert field.target is not None
    target = evaluate(field.target, variables)
    if isinstance(target, Optional):
        return target.present and _has(target.value, field.name)
    return _has(target, field.name)


def _namespaced(node: Node, namespace: str, variables: Variables) -> Any:
    if namespace == "cel" and node.name == "bind":
        name, value, body = node.parts
        return evaluate(body, {**variables, name.name: evaluate(value, variables)})
    arguments = [evaluate(part, variables) for part in node.parts]
    if namespace == "sets":
        return SETS[node.name](*arguments)
    return FUNCTIONS[f"{namespace}.{node.name}"](*arguments)


def _macro(node: Node, variables: Variables) -> Any:
    assert node.target is not None
    target = evaluate(node.target, variables)
    name = node.parts[0].name
    bodies = node.parts[1:]
    if node.name in ("optMap", "optFlatMap"):
        if not target.present:
            return target
        value = evaluate(bodies[0], {**variables, name: target.value})
        return value if node.name == "optFlatMap" else Optional(True, value)
    if not isinstance(target, list | dict):
        raise no_overload()
    scopes = [{**variables, name: item} for item in target]
    match node.name:
        case "all" | "exists":
            decisive = node.name == "exists"
            return settled([(bodies[0], scope) for scope in scopes], decisive=decisive)
        case "exists_one":
            return sum(_true(bodies[0], scope) for scope in scopes) == 1
        case "filter":
            return [scope[name] for scope in scopes if _true(bodies[0], scope)]
        case _:
            kept = [scope for scope in scopes if len(bodies) == 1 or _true(bodies[0], scope)]
            return [evaluate(bodies[-1], scope) for scope in kept]


def _true(node: Node, variables: Variables) -> bool:
    value = evaluate(node, variables)
    if type(value) is not bool:
        raise no_overload()
    return value
