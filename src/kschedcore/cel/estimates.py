"""Estimated costs of calls of the standard library's and Kubernetes' functions."""

from __future__ import annotations

import math
from typing import Final, Protocol

from kschedcore.cel import operators
from kschedcore.cel.ast import Literal
from kschedcore.cel.ranges import (
    FIXED_ONE,
    MAX,
    NOTHING,
    UNKNOWN,
    CallEstimate,
    CostNode,
    Range,
    computed_or_unknown,
)
from kschedcore.cel.types import Kind

__all__ = ["NOMINAL", "Sizes", "kubernetes_estimate", "standard_estimate"]


class Sizes(Protocol):
    """Returns sizes of targets and arguments."""

    def size(self, node: CostNode) -> Range:
        """Return the size of a target or argument, possibly unknown."""

    def elements(self, node: CostNode) -> CostNode | None:
        """Return the elements of a list, None when it is none."""


_TRAVERSAL: Final = 0.1
_PATTERN: Final = 0.25


def standard_estimate(overload: str, target: CostNode | None, arguments: list[CostNode]) -> CallEstimate:
    """Return the estimate of the standard library's functions, 1 of those without a rule."""
    sizes = [computed_or_unknown(each) for each in arguments]
    over = UNKNOWN if target is None else computed_or_unknown(target)
    match overload:
        case "string_format" if target is not None:
            return CallEstimate(over.scaled(_TRAVERSAL))
        case "string_to_bytes":
            size = sizes[0]
            return CallEstimate(size.scaled(_TRAVERSAL), Range(size.low, size.high * 4 & MAX))
        case "bytes_to_string":
            size = sizes[0]
            return CallEstimate(size.scaled(_TRAVERSAL), Range(size.low // 4, size.high))
        case "strings_quote":
            size = sizes[0]
            return CallEstimate(size.scaled(_TRAVERSAL), Range(size.low + 2 & MAX, size.high * 2 + 2 & MAX))
        case "starts_with_string" | "ends_with_string":
            return CallEstimate(sizes[0].scaled(_TRAVERSAL))
        case "in_list":
            return CallEstimate(sizes[1].scaled(1))
        case "matches_string" if target is not None:
            text = over.plus(FIXED_ONE).scaled(_TRAVERSAL)
            return CallEstimate(text.times(sizes[0].scaled(_PATTERN)))
        case "contains_string" if target is not None:
            return CallEstimate(over.scaled(_TRAVERSAL).times(sizes[0].scaled(_TRAVERSAL)))
        case "add_string" | "add_bytes":
            size = sizes[0].plus(sizes[1])
            return CallEstimate(size.scaled(_TRAVERSAL), size)
        case "add_list":
            return CallEstimate(FIXED_ONE, sizes[0].plus(sizes[1]))
        case _ if overload in _COMPARED:
            most = min(sizes[0].high, sizes[1].high)
            return CallEstimate(Range(1 if most else 0, most).scaled(_TRAVERSAL))
    return CallEstimate(FIXED_ONE)


_COMPARED: Final = frozenset(
    {"equals", "not_equals"}
    | {
        f"{relation}_{kind}"
        for relation in ("less", "less_equals", "greater", "greater_equals")
        for kind in ("string", "bytes")
    }
)
NOMINAL: Final = frozenset(
    {
        "masked",
        "prefixLength",
        "family",
        "isUnspecified",
        "isLoopback",
        "isLinkLocalMulticast",
        "isLinkLocalUnicast",
        "isGlobalUnicast",
        "format.named",
        "sign",
        "asInteger",
        "isInteger",
        "asApproximateFloat",
        "isGreaterThan",
        "isLessThan",
        "compareTo",
        "add",
        "sub",
        "major",
        "minor",
        "patch",
        "getScheme",
        "getHostname",
        "getHost",
        "getPort",
        "getEscapedPath",
        "getQuery",
    }
)
"""Functions whose every call costs one, estimated and at run time."""
_EQUAL_IN_ONE: Final = frozenset({"net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver"})
_ADDRESS: Final = Range(4, 16)
_MAX_FORMAT: Final = 64
_MAX_NAME_PATTERN: Final = 128


def kubernetes_estimate(
    estimator: Sizes, function: str, overload: str, target: CostNode | None, arguments: list[CostNode]
) -> CallEstimate | None:
    """Return the estimate of Kubernetes' own rules (``CostEstimator.EstimateCallCost``)."""
    size = estimator.size
    match function:
        case "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" if target is not None:
            return _over_list(estimator, target)
        case "url" if len(arguments) == 1:
            return CallEstimate(size(arguments[0]).scaled(_TRAVERSAL), size(arguments[0]))
        case "lowerAscii" | "upperAscii" | "substring" | "trim" if target is not None:
            return CallEstimate(size(target).scaled(_TRAVERSAL), size(target))
        case "replace" if target is not None and len(arguments) >= 2:
            return _replacement(size(target), size(arguments[0]), size(arguments[1]))
        case "split" if target is not None:
            return _splitting(size(target), arguments)
        case "join" if target is not None:
            return _joining(estimator, target, arguments)
        case "find" | "findAll" if target is not None and arguments:
            text = size(target).plus(FIXED_ONE).scaled(_TRAVERSAL)
            pattern = size(arguments[0]).scaled(_PATTERN)
            return CallEstimate(text.times(pattern), Range(0, size(target).high))
        case "ip" if overload == "cidr_ip":
            return CallEstimate(FIXED_ONE)
        case "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" if (
            arguments
        ):
            return CallEstimate(size(arguments[0]).scaled(_TRAVERSAL))
        case "ip.isCanonical" if arguments:
            return CallEstimate(size(arguments[0]).scaled(2 * _TRAVERSAL))
        case "containsIP" | "containsCIDR" if arguments:
            return _network_part(function, overload, size(arguments[0]))
        case "validate" if arguments:
            return CallEstimate(size(arguments[0]).scaled(_TRAVERSAL).scaled(_MAX_NAME_PATTERN * _PATTERN))
        case operators.EQUALS if len(arguments) == 2:
            return _equality(*arguments)
    return CallEstimate(FIXED_ONE) if function in NOMINAL else None


def _over_list(estimator: Sizes, target: CostNode) -> CallEstimate:
    elements = estimator.elements(target)
    if elements is None:
        return CallEstimate(estimator.size(target).scaled(_TRAVERSAL))
    each = FIXED_ONE
    if elements.type.kind in {Kind.STRING, Kind.BYTES}:
        each = each.plus(estimator.size(elements).scaled(_TRAVERSAL))
    return CallEstimate(estimator.size(target).times(each))


def _replacement(text: Range, old: Range, new: Range) -> CallEstimate:
    if old.low == 0:
        most, kept_most = (text.high + 1 if text.high < MAX else text.high), text.high
    elif new.high <= old.low:
        most, kept_most = 0, text.high
    else:
        most, kept_most = _quotient(text.high, old.low), 0
    if old.high == 0:
        least, kept_least = (text.low + 1 if text.low < MAX else text.low), text.low
    elif old.high <= new.low:
        least, kept_least = 0, text.low
    else:
        least, kept_least = _quotient(text.low, old.high), 0
    size = Range(least, most).times(new).plus(Range(kept_least, kept_most))
    return CallEstimate(text.scaled(2 * _TRAVERSAL), size)


def _quotient(number: int, divisor: int) -> int:
    return min(math.ceil(float(number) / float(divisor)), MAX)


def _splitting(text: Range, arguments: list[CostNode]) -> CallEstimate:
    most = text.high
    limit = arguments[1].node if len(arguments) > 1 else None
    if isinstance(limit, Literal) and type(limit.value) is int:
        most = limit.value & MAX
    return CallEstimate(text.scaled(2 * _TRAVERSAL), Range(0, most))


def _joining(estimator: Sizes, target: CostNode, arguments: list[CostNode]) -> CallEstimate:
    count = estimator.size(target)
    elements = estimator.elements(target)
    size = NOTHING if elements is None else count.times(estimator.size(elements))
    if arguments:
        separators = Range(max(count.low - 1, 0), max(count.high - 1, 0))
        size = size.plus(estimator.size(arguments[0]).times(separators))
    return CallEstimate(size.scaled(_TRAVERSAL), size)


def _network_part(function: str, overload: str, text: Range) -> CallEstimate:
    cost = _ADDRESS.plus(_ADDRESS).scaled(_TRAVERSAL)
    if function == "containsCIDR":
        cost = cost.plus(_ADDRESS.scaled(_TRAVERSAL)).plus(FIXED_ONE)
    if overload in {"cidr_contains_ip_string", "cidr_contains_cidr_string"}:
        cost = cost.plus(text.scaled(_TRAVERSAL))
    return CallEstimate(cost)


def _equality(first: CostNode, second: CostNode) -> CallEstimate | None:
    if first.type != second.type or first.type.kind not in {Kind.OPAQUE, Kind.STRUCT}:
        return None
    if first.type.name in _EQUAL_IN_ONE:
        return CallEstimate(FIXED_ONE)
    if first.type.name == "kubernetes.NamedFormat":
        return CallEstimate(Range(1, _MAX_FORMAT).scaled(_TRAVERSAL))
    if first.type.name == "kubernetes.URL":
        size = second.size if second.size is not None else FIXED_ONE
        return CallEstimate(Range(1, size.high).scaled(_TRAVERSAL))
    return None
