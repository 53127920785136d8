"""The columns of nodes that plugins written in Python receive."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from kschedcore._native.nodes import NodeTable
    from kschedcore.engine.columns.taints import TaintTuple

T = TypeVar("T", bound=np.generic)


class LabelCodes(NamedTuple):
    """The values of one label key over some nodes, dictionary-encoded.

    Attributes:
        codes: int32[n]: the index of the node's value in ``values``, -1 where it has no such label.
        values: The texts.
    """

    codes: npt.NDArray[np.int32]
    values: list[str]

    def equals(self, value: str) -> npt.NDArray[np.bool_]:
        """Return whether each node has this value, bool[n]."""
        return self.map({value: True}, default=False)

    def map(self, values: dict[str, Any], default: Any) -> npt.NDArray[Any]:
        """Return ``values[value]`` for each node's value; ``default`` for other values and missing labels."""
        table = np.array([*(values.get(text, default) for text in self.values), default])
        return table[self.codes]


class NodeColumns:
    """Columns of n nodes; read-only copies, created on access.

    Args:
        nodes: The node table.
        slots: int32[n]: the nodes.
    """

    def __init__(self, nodes: NodeTable, slots: npt.NDArray[np.int32]) -> None:
        self._nodes = nodes
        self._slots = slots

    def __len__(self) -> int:
        return len(self._slots)

    def _rows(self, column: npt.NDArray[T]) -> npt.NDArray[T]:
        rows = column[self._slots]
        rows.setflags(write=False)
        return rows

    @cached_property
    def names(self) -> list[str]:
        """The nodes' names."""
        return [self._nodes.name_of(slot) for slot in self._slots.tolist()]

    @property
    def resources(self) -> list[str]:
        """All resources that a node has allocatable or a bound pod requests."""
        return list(self._nodes.resource_names)

    def _amounts(self, resource: str, column: Any) -> npt.NDArray[np.int64]:
        if resource not in self._nodes.resource_names:
            return self._rows(np.zeros(self._nodes.top, np.int64))
        return self._rows(column(resource))

    def allocatable(self, resource: str) -> npt.NDArray[np.int64]:
        """Return allocatable of a resource, int64[n]; cpu in millicores, others in whole units."""
        return self._amounts(resource, self._nodes.allocatable_of)

    def requested(self, resource: str) -> npt.NDArray[np.int64]:
        """Return what the node's pods request of a resource, int64[n], in the same units; ``pods`` counts them."""
        return self._amounts(resource, self._nodes.requested_of)

    def label(self, key: str) -> LabelCodes:
        """Return the values of a label key."""
        if key not in self._nodes.label_keys():
            return LabelCodes(self._rows(np.full(self._nodes.top, -1, np.int32)), [])
        return LabelCodes(self._rows(self._nodes.label_codes(key)), self._nodes.label_values(key))

    @property
    def unschedulable(self) -> npt.NDArray[np.bool_]:
        """bool[n]: whether the node is cordoned."""
        return self._rows(self._nodes.unschedulable_of().astype(np.bool_))

    @property
    def taint_sets(self) -> npt.NDArray[np.int32]:
        """int32[n]: the index of each node's taints in :attr:`distinct_taint_sets`."""
        return self._rows(self._nodes.taint_set_of())

    @property
    def distinct_taint_sets(self) -> list[tuple[TaintTuple, ...]]:
        """The distinct taint sets, each a tuple of (key, value, effect)."""
        return list(self._nodes.taint_sets)

    def __repr__(self) -> str:
        return f"<NodeColumns of {len(self)} nodes>"
