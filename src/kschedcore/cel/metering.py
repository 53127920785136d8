"""Actual costs of calls (cel-go's ``interpreter/runtimecost.go``, Kubernetes' ``CostEstimator.CallCost``).

Costs are in units of about 50 ns of an API server's time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from kschedcore.api.quantity import Quantity
from kschedcore.cel.declarations import Overload
from kschedcore.cel.estimates import NOMINAL
from kschedcore.cel.values import CelValue, Duration, Optional, Timestamp, Value, size_of

__all__ = ["LIST", "MAP", "STRUCT", "Meter", "equality", "meter_of"]

LIST: Final = 10
MAP: Final = 30
STRUCT: Final = 40
TRAVERSAL: Final = 0.1
"""Cost per code point of a string that is read once."""
PATTERN: Final = 0.25
"""Cost per code point of a regular expression, times the cost of the string."""

Meter: TypeAlias = Callable[[tuple[Value, ...], Value], int]


def traversal(size: float, factor: float = TRAVERSAL) -> int:
    """Return the cost of reading a string of some size."""
    return math.ceil(size * factor)


def equality(first: Value, second: Value) -> int:
    """Return the cost of ``==``."""
    plain = isinstance(first, Duration | Timestamp | Optional)
    if isinstance(first, Quantity | CelValue) and not plain:
        return 1
    return traversal(min(size_of(first), size_of(second)))


def matching(text: Value, pattern_size: int) -> int:
    """Return the cost of matching a regular expression of some size."""
    return traversal(1.0 + size_of(text)) * math.ceil(pattern_size * PATTERN)


def _tree(value: Value) -> int:
    """Return the cost of visiting every part of a value."""
    if isinstance(value, str | bytes):
        length = len(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass"))
        return int(length * TRAVERSAL)
    if isinstance(value, list | tuple):
        return sum(map(_tree, value))
    if isinstance(value, Mapping):
        return sum(_tree(key) + _tree(each) for key, each in value.items())
    return 1


def _one(_arguments: tuple[Value, ...], _result: Value) -> int:
    return 1


def _first_once(arguments: tuple[Value, ...], _result: Value) -> int:
    return traversal(size_of(arguments[0]))


def _first_twice(arguments: tuple[Value, ...], _result: Value) -> int:
    return traversal(size_of(arguments[0]) * 2)


def _first_tree(arguments: tuple[Value, ...], _result: Value) -> int:
    return _tree(arguments[0])


def _both(arguments: tuple[Value, ...], _result: Value) -> int:
    return traversal(size_of(arguments[0]) + size_of(arguments[1]))


def _shorter(arguments: tuple[Value, ...], _result: Value) -> int:
    return traversal(min(size_of(arguments[0]), size_of(arguments[1])))


def _product(arguments: tuple[Value, ...], _result: Value) -> int:
    return traversal(size_of(arguments[0])) * traversal(size_of(arguments[1]))


def _match(arguments: tuple[Value, ...], _result: Value) -> int:
    return matching(arguments[0], size_of(arguments[1]))


def _network_part(strings: str) -> Callable[[str], Meter]:
    """Return the meters of ``containsIP`` and ``containsCIDR``."""

    def of(overload: str) -> Meter:
        def meter(arguments: tuple[Value, ...], _result: Value) -> int:
            size = size_of(arguments[0])
            cost = traversal(2 * size)
            if overload.startswith("cidr_contains_cidr") or strings == "cidr_contains_cidr_string":
                cost += traversal(size) + 1
            if overload == strings:
                cost += traversal(size_of(arguments[1]))
            return cost

        return meter

    return of


_BY_FUNCTION: Final[dict[str, Meter]] = {
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _first_tree),
    **dict.fromkeys(
        (
            "url",
            "lowerAscii",
            "upperAscii",
            "substring",
            "trim",
            "cidr",
            "isIP",
            "isCIDR",
            "quantity",
            "isQuantity",
            "semver",
            "isSemver",
        ),
        _first_once,
    ),
    **dict.fromkeys(("replace", "split", "ip.isCanonical"), _first_twice),
    "join": lambda _arguments, result: traversal(size_of(result) * 2),
    "find": _match,
    "findAll": _match,
    **dict.fromkeys(NOMINAL, _one),
}
_BY_OVERLOAD_OF: Final[dict[str, Callable[[str], Meter]]] = {
    "ip": lambda overload: _one if overload == "cidr_ip" else _first_once,
    "containsIP": _network_part("cidr_contains_ip_string"),
    "containsCIDR": _network_part("cidr_contains_cidr_string"),
}
_BY_OVERLOAD: Final[dict[str, Meter]] = {
    **dict.fromkeys(
        (
            "starts_with_string",
            "ends_with_string",
            "string_to_bytes",
            "bytes_to_string",
            "strings_quote",
            "string_format",
        ),
        _first_once,
    ),
    "in_list": lambda arguments, _result: size_of(arguments[1]),
    **dict.fromkeys(
        (
            f"{relation}_{kind}"
            for relation in ("less", "less_equals", "greater", "greater_equals")
            for kind in ("string", "bytes")
        ),
        _shorter,
    ),
    "not_equals": _shorter,
    "add_string": _both,
    "add_bytes": _both,
    "matches_string": _match,
    "contains_string": _product,
}


def meter_of(function: str, overloads: tuple[Overload, ...]) -> Meter:
    """Return the meter of calls of a function with some possible overloads."""
    single = overloads[0] if len(overloads) == 1 else None
    if single is not None and single.meter is not None:
        return single.meter
    named = _BY_OVERLOAD_OF.get(function)
    if named is not None:
        return named("" if single is None else single.id)
    found = _BY_FUNCTION.get(function)
    if found is not None:
        return found
    return _one if single is None else _BY_OVERLOAD.get(single.id, _one)
