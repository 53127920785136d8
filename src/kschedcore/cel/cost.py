"""Estimates of the minimum and maximum cost of an expression (cel-go's ``checker/cost.go``).

The estimate follows paths from the variables, ``device.attributes.@values``, to the sizes that
:class:`~kschedcore.cel.declarations.Declared` gives them. Kubernetes refuses expressions by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

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
from kschedcore.cel.estimates import kubernetes_estimate, standard_estimate
from kschedcore.cel.macros import ACCUMULATOR
from kschedcore.cel.ranges import (
    FIXED_ONE,
    MAX,
    NOTHING,
    UNKNOWN,
    CallEstimate,
    CostNode,
    Path,
    Range,
    computed_or_unknown,
    fixed,
)
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

_LIST: Final = Range(10, 10)
_MAP: Final = Range(30, 30)
_STRUCT: Final = Range(40, 40)
_SCALARS: Final = frozenset({Kind.BOOL, Kind.DOUBLE, Kind.DURATION, Kind.INT, Kind.TIMESTAMP, Kind.UINT})


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
    """Return the minimum and maximum cost of an expression.

    Args:
        root: The type-checked expression.
        variables: The variables that have declared sizes.
    """
    return Estimator(variables).cost(root)


class Estimator:
    """Estimates costs of nodes, and sizes for the estimates of functions."""

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
        """Return the size of a target or argument, possibly unknown."""
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
                return NOTHING
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
        total = NOTHING
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
        total = NOTHING
        item = Range(MAX if node.elements else 0, 0)
        for each in node.elements:
            total = total.plus(self.cost(each))
            item = item.union(self._size_or_unknown(each))
        self._entries[id(node)] = _Entries(Kind.LIST, FIXED_ONE, item)
        return total.plus(_LIST)

    def _map(self, node: MapExpr) -> Range:
        total = NOTHING
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
            return NOTHING
        total = NOTHING
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
        total = NOTHING
        for each in costs:
            total = total.plus(each)
        own = overload.estimate
        found = None if own is None else own(self, target, arguments)
        if found is None:
            found = kubernetes_estimate(self, node.function, overload.id, target, arguments)
        if found is None:
            special = self._special(node, overload.id, arguments, costs)
            if special is not None:
                return special
            found = standard_estimate(overload.id, target, arguments)
        return CallEstimate(found.cost.plus(total), found.size)

    def _special(
        self, node: Call, overload: str, arguments: list[CostNode], costs: list[Range]
    ) -> CallEstimate | None:
        """Return the cost, arguments included, of functions that do not evaluate all arguments or track entries."""
        if overload in {"logical_and", "logical_or"}:
            return CallEstimate(Range(costs[0].low, costs[0].plus(costs[1]).high))
        if overload == "conditional":
            self._join_entries(node, node.args[1], node.args[2])
            size = computed_or_unknown(arguments[1]).union(computed_or_unknown(arguments[2]))
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
