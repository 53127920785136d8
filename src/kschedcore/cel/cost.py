"""Estimate what an expression costs at least and at most, before it runs (cel-go's ``checker/cost.go``).

The estimate follows paths from the variables, ``device.attributes.@values``, to the sizes that
:class:`~kschedcore.cel.declarations.Declared` gives them. Kubernetes refuses expressions by it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from kschedcore.cel import operators
from kschedcore.cel.ast import (
    Call,
    Comprehension,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Node,
    Select,
    StructExpr,
)
from kschedcore.cel.declarations import Declared, Overload
from kschedcore.cel.macros import ACCUMULATOR
from kschedcore.cel.types import Kind, Type

__all__ = [
    "FIXED_ONE",
    "MAX",
    "UNKNOWN",
    "CallEstimate",
    "CostNode",
    "Estimator",
    "Range",
    "estimated",
    "fixed",
]

MAX: Final = 2**64 - 1
_TWO_TO_64: Final = 2.0**64
_SCALARS: Final = frozenset({Kind.BOOL, Kind.DOUBLE, Kind.DURATION, Kind.INT, Kind.TIMESTAMP, Kind.UINT})

Path: TypeAlias = tuple[str, ...]


class Range(NamedTuple):
    """A least and a most amount; computations stop at 2**64-1."""

    low: int
    high: int

    def plus(self, other: Range) -> Range:
        """Return the sum."""
        return Range(min(self.low + other.low, MAX), min(self.high + other.high, MAX))

    def times(self, other: Range) -> Range:
        """Return the product."""
        return Range(min(self.low * other.low, MAX), min(self.high * other.high, MAX))

    def scaled(self, factor: float) -> Range:
        """Return the product with a number, rounded up."""
        return Range(_scaled(self.low, factor), _scaled(self.high, factor))

    def union(self, other: Range) -> Range:
        """Return the range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))


def _scaled(amount: int, factor: float) -> int:
    number = float(amount)
    if number > 0 and factor > 0 and number > MAX / factor:
        return MAX
    result = number * factor
    return MAX if result >= _TWO_TO_64 else math.ceil(result)


def fixed(amount: int) -> Range:
    """Return the range of one amount."""
    return Range(amount, amount)


UNKNOWN: Final = Range(0, MAX)
FIXED_ONE: Final = Range(1, 1)
_NOTHING: Final = Range(0, 0)
_LIST: Final = Range(10, 10)
_MAP: Final = Range(30, 30)
_STRUCT: Final = Range(40, 40)


class CallEstimate(NamedTuple):
    """The cost of a call without its arguments, and the size of its result when it is known."""

    cost: Range
    size: Range | None = None


class CostNode(NamedTuple):
    """A target or argument of a call.

    Attributes:
        type: Its type.
        path: The path to it from a variable, empty when there is none.
        node: The node, None for the elements of a list.
        size: Its size as far as the expression alone tells it.
    """

    type: Type
    path: Path
    node: Node | None
    size: Range | None


class _Entries(NamedTuple):
    """The sizes of a container's keys or indices, and of its values."""

    kind: Kind
    key: Range
    value: Range

    def union(self, other: _Entries) -> _Entries:
        return _Entries(self.kind, self.key.union(other.key), self.value.union(other.value))


class _Local(NamedTuple):
    path: Path
    size: Range | None
    entries: _Entries | None


def estimated(root: Node, variables: Mapping[str, Declared]) -> Range:
    """Return the least and the most that an expression may cost.

    Args:
        root: The type-checked expression.
        variables: The variables that have declared sizes.
    """
    return Estimator(variables).cost(root)


class Estimator:
    """Estimates costs of nodes; the functions' own estimates ask it for sizes."""

    def __init__(self, variables: Mapping[str, Declared]) -> None:
        self._variables = variables
        self._paths: dict[int, Path] = {}
        self._sizes: dict[int, Range] = {}
        self._entries: dict[int, _Entries] = {}
        self._locals: dict[str, list[_Local]] = {}

    # Sizes

    def declared_size(self, path: Path) -> Range | None:
        """Return the size that is declared for a path."""
        current = self._variables.get(path[0]) if path else None
        if current is None:
            return None
        for name in path[1:]:
            if name in {"@items", "@values"}:
                following = current.element
            elif name == "@keys":
                following = current.key
            else:
                following = current.fields.get(name)
                if following is None and current.sized_by_name:
                    following = current.element
            if following is None:
                return None
            current = following
        return Range(0, current.max_size)

    def size(self, node: CostNode) -> Range:
        """Return the size of a target or argument, unknown if need be."""
        if node.size is not None:
            return node.size
        return self.declared_size(node.path) or UNKNOWN

    def elements(self, node: CostNode) -> CostNode | None:
        """Return the elements of a list, None when it is none."""
        if not node.type.parameters:
            return None
        path = (*node.path, "@items") if node.path else ()
        return CostNode(node.type.parameters[0], path, None, None)

    def _computed(self, node: Node) -> Range | None:
        found = self._sizes.get(id(node)) or _literal_size(node)
        if found is not None:
            return found
        declared = self.declared_size(self._path(node))
        if declared is not None:
            self._sizes[id(node)] = declared
            return declared
        if node.type is not None and _is_scalar(node.type):
            return FIXED_ONE
        local = self._local(node)
        return None if local is None else local.size

    def _size_or_unknown(self, node: Node) -> Range:
        return self._computed(node) or UNKNOWN

    def _entries_of(self, node: Node) -> _Entries | None:
        found = self._entries.get(id(node))
        if found is not None:
            return found
        local = self._local(node)
        return None if local is None else local.entries

    def _local(self, node: Node) -> _Local | None:
        if not isinstance(node, Ident):
            return None
        stack = self._locals.get(node.name)
        return stack[-1] if stack else None

    def _path(self, node: Node) -> Path:
        local = self._local(node)
        return self._paths.get(id(node), ()) if local is None else local.path

    def _cost_node(self, node: Node) -> CostNode:
        path = self._path(node)
        if path and path[0] == ACCUMULATOR:
            path = ()
        assert node.type is not None, "only type-checked expressions are estimated"
        return CostNode(node.type, path, node, self._computed(node))

    def _copy_sizes(self, target: Node, source: Node) -> None:
        size = self._computed(source)
        if size is not None:
            self._sizes[id(target)] = size
        entries = self._entries_of(source)
        if entries is not None:
            self._entries[id(target)] = entries

    # Costs

    def cost(self, node: Node) -> Range:
        """Return the cost of a node with everything below it."""
        match node:
            case Literal():
                return _NOTHING
            case Ident():
                local = self._local(node)
                self._paths[id(node)] = (node.name,) if local is None else local.path
                return FIXED_ONE
            case Select():
                return self._select(node) if node.resolved is None else self.cost(node.resolved)
            case Call():
                return self._call(node)
            case ListExpr():
                return self._list(node)
            case MapExpr():
                return self._map(node)
            case StructExpr():
                return self._sum([each.value for each in node.fields]).plus(_STRUCT)
            case Comprehension():
                return self._binding(node) if node.is_binding else self._fold(node)

    def _sum(self, nodes: list[Node]) -> Range:
        total = _NOTHING
        for each in nodes:
            total = total.plus(self.cost(each))
        return total

    def _select(self, node: Select) -> Range:
        total = self.cost(node.operand)
        if node.test:
            return total
        operand = node.operand.type
        if operand is not None and operand.kind in {Kind.MAP, Kind.STRUCT, Kind.PARAMETER}:
            total = total.plus(FIXED_ONE)
        self._paths[id(node)] = (*self._path(node.operand), node.field)
        return total

    def _list(self, node: ListExpr) -> Range:
        total = _NOTHING
        item = Range(MAX if node.elements else 0, 0)
        for each in node.elements:
            total = total.plus(self.cost(each))
            item = item.union(self._size_or_unknown(each))
        self._entries[id(node)] = _Entries(Kind.LIST, FIXED_ONE, item)
        return total.plus(_LIST)

    def _map(self, node: MapExpr) -> Range:
        total = _NOTHING
        key = value = Range(MAX if node.entries else 0, 0)
        for each in node.entries:
            total = total.plus(self.cost(each.key)).plus(self.cost(each.value))
            key = key.union(self._size_or_unknown(each.key))
            value = value.union(self._size_or_unknown(each.value))
        self._entries[id(node)] = _Entries(Kind.MAP, key, value)
        return total.plus(_MAP)

    def _binding(self, node: Comprehension) -> Range:
        total = self.cost(node.range).plus(self.cost(node.initial))
        self._push_value(node.accumulator, node.initial)
        total = total.plus(self.cost(node.result))
        self._locals[node.accumulator].pop()
        self._copy_sizes(node, node.result)
        return total

    def _fold(self, node: Comprehension) -> Range:
        total = self.cost(node.range).plus(self.cost(node.initial))
        self._push_value(node.accumulator, node.initial)
        self._push_iterated(node)
        loop = self.cost(node.condition)
        step = self.cost(node.step)
        self._locals[node.variable].pop()
        if node.second:
            self._locals[node.second].pop()
        total = total.plus(self.cost(node.result))
        self._locals[node.accumulator].pop()
        count = self._size_or_unknown(node.range)
        total = total.plus(count.times(step.plus(loop)))
        if isinstance(node.initial, Literal):
            size = self._computed(node.initial)
            if size is not None:
                self._sizes[id(node)] = size
        elif isinstance(node.initial, ListExpr | MapExpr):
            self._sizes[id(node)] = count
            entries = self._entries_of(node.step)
            if entries is not None:
                self._entries[id(node)] = entries
        return total

    def _push(self, name: str, local: _Local) -> None:
        self._locals.setdefault(name, []).append(local)

    def _push_value(self, name: str, node: Node) -> None:
        self._push(name, _Local(self._path(node), self._computed(node), self._entries_of(node)))

    def _push_iterated(self, node: Comprehension) -> None:
        entries = self._entries_of(node.range)
        kind = node.range.type.kind if entries is None and node.range.type else entries and entries.kind
        is_list = kind is Kind.LIST
        path = self._path(node.range)
        key = None if entries is None else entries.key
        value = None if entries is None else entries.value
        value_local = _Local((*path, "@items" if is_list else "@values"), value, None)
        if node.second:
            self._push(node.variable, _Local((*path, "@indices" if is_list else "@keys"), key, None))
            self._push(node.second, value_local)
        elif is_list:
            self._push(node.variable, value_local)
        else:
            self._push(node.variable, _Local((*path, "@keys"), key, None))

    # Calls

    def _call(self, node: Call) -> Range:
        if node.function == "dyn" and node.args:
            total = self.cost(node.args[0]).plus(FIXED_ONE)
            self._copy_sizes(node, node.args[0])
            return total
        costs = [self.cost(each) for each in node.args]
        arguments = [self._cost_node(each) for each in node.args]
        if not node.overloads:
            return _NOTHING
        total = _NOTHING
        target: CostNode | None = None
        if node.target is not None:
            total = self.cost(node.target)
            target = self._cost_node(node.target)
        union = Range(MAX, 0)
        size: Range | None = None
        for overload in node.overloads:
            cost, found = self._overload(node, overload, target, arguments, costs)
            union = union.union(cost)
            if found is not None:
                size = found if size is None else size.union(found)
            if overload.id in {"index_list", "index_map"}:
                entries = self._entries_of(node.args[0])
                size = None if entries is None else entries.value
                step = "@items" if overload.id == "index_list" else "@values"
                self._paths[id(node)] = (*self._path(node.args[0]), step)
            if size is None:
                size = self._computed(node)
        if size is not None:
            self._sizes[id(node)] = size
        return total.plus(union)

    def _overload(
        self,
        node: Call,
        overload: Overload,
        target: CostNode | None,
        arguments: list[CostNode],
        costs: list[Range],
    ) -> CallEstimate:
        total = _NOTHING
        for each in costs:
            total = total.plus(each)
        own = overload.estimate
        found = None if own is None else own(self, target, arguments)
        if found is None:
            found = _kubernetes(self, node.function, overload.id, target, arguments)
        if found is None:
            special = self._special(node, overload.id, arguments, costs)
            if special is not None:
                return special
            found = _standard(self, overload.id, target, arguments)
        return CallEstimate(found.cost.plus(total), found.size)

    def _special(
        self, node: Call, overload: str, arguments: list[CostNode], costs: list[Range]
    ) -> CallEstimate | None:
        """Return the cost with the arguments of what does not evaluate them all, or tracks entries."""
        if overload in {"logical_and", "logical_or"}:
            return CallEstimate(Range(costs[0].low, costs[0].plus(costs[1]).high))
        if overload == "conditional":
            self._join_entries(node, node.args[1], node.args[2])
            size = _computed_or_unknown(arguments[1]).union(_computed_or_unknown(arguments[2]))
            return CallEstimate(costs[0].plus(costs[1].union(costs[2])), size)
        if overload == "add_list":
            self._join_entries(node, node.args[0], node.args[1])
        return None

    def _join_entries(self, node: Call, first: Node, second: Node) -> None:
        one, two = self._entries_of(first), self._entries_of(second)
        if one is not None and two is not None:
            self._entries[id(node)] = one.union(two)


def _is_scalar(given: Type) -> bool:
    return given.kind in _SCALARS or (given.is_optional and _is_scalar(given.parameters[0]))


def _literal_size(node: Node) -> Range | None:
    match node:
        case Literal():
            return fixed(len(node.value)) if isinstance(node.value, str | bytes) else FIXED_ONE
        case ListExpr():
            return fixed(len(node.elements))
        case MapExpr():
            return fixed(len(node.entries))
    return None


def _computed_or_unknown(node: CostNode) -> Range:
    return UNKNOWN if node.size is None else node.size


_TRAVERSAL: Final = 0.1
_PATTERN: Final = 0.25


def _standard(
    estimator: Estimator, overload: str, target: CostNode | None, arguments: list[CostNode]
) -> CallEstimate:
    """Return the estimate of the standard library's functions, 1 of those without a rule."""
    del estimator
    sizes = [_computed_or_unknown(each) for each in arguments]
    over = UNKNOWN if target is None else _computed_or_unknown(target)
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
_NOMINAL: Final = frozenset(
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
_EQUAL_IN_ONE: Final = frozenset({"net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver"})
_ADDRESS: Final = Range(4, 16)
_MAX_FORMAT: Final = 64
_MAX_NAME_PATTERN: Final = 128


def _kubernetes(
    estimator: Estimator, function: str, overload: str, target: CostNode | None, arguments: list[CostNode]
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
    return CallEstimate(FIXED_ONE) if function in _NOMINAL else None


def _over_list(estimator: Estimator, target: CostNode) -> CallEstimate:
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


def _joining(estimator: Estimator, target: CostNode, arguments: list[CostNode]) -> CallEstimate:
    count = estimator.size(target)
    elements = estimator.elements(target)
    size = _NOTHING if elements is None else count.times(estimator.size(elements))
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
