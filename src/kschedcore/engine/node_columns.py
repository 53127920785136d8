"""The node table as a plugin written in Python sees it."""

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
    """One label key over some nodes, dictionary-coded.

    Attributes:
        codes: int32[n]: place of the node's value in ``values``, -1 where it has no such label.
        values: The texts.
    """

    codes: npt.NDArray[np.int32]
    values: list[str]

    def equals(self, value: str) -> npt.NDArray[np.bool_]:
        """bool[n]: whether the node has this value."""
        return self.map({value: True}, default=False)

    def map(self, values: dict[str, Any], default: Any) -> npt.NDArray[Any]:
        """A column of what each node's value stands for; ``default`` where it stands for nothing."""
        table = np.array([*(values.get(text, default) for text in self.values), default])
        return table[self.codes]


class NodeColumns:
    """Columns of some nodes, n of them; read-only copies, made when they are asked for.

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
        """Every resource that a node offers or a pod asked for."""
        return list(self._nodes.resource_names)

    def _amounts(self, resource: str, column: Any) -> npt.NDArray[np.int64]:
        if resource not in self._nodes.resource_names:
            return self._rows(np.zeros(self._nodes.top, np.int64))
        return self._rows(column(resource))

    def allocatable(self, resource: str) -> npt.NDArray[np.int64]:
        """int64[n]: what pods may use of a resource; cpu in millicores, others in whole units."""
        return self._amounts(resource, self._nodes.allocatable_of)

    def requested(self, resource: str) -> npt.NDArray[np.int64]:
        """int64[n]: what the node's pods request of a resource, in the same units; ``pods`` counts them."""
        return self._amounts(resource, self._nodes.requested_of)

    def label(self, key: str) -> LabelCodes:
        """A label key."""
        if key not in self._nodes.label_keys():
            return LabelCodes(self._rows(np.full(self._nodes.top, -1, np.int32)), [])
        return LabelCodes(self._rows(self._nodes.label_codes(key)), self._nodes.label_values(key))

    @property
    def unschedulable(self) -> npt.NDArray[np.bool_]:
        """bool[n]: whether the node is cordoned."""
        return self._rows(self._nodes.unschedulable_of().astype(np.bool_))

    @property
    def taint_sets(self) -> npt.NDArray[np.int32]:
        """int32[n]: which of :attr:`distinct_taint_sets` the node has."""
        return self._rows(self._nodes.taint_set_of())

    @property
    def distinct_taint_sets(self) -> list[tuple[TaintTuple, ...]]:
        """Sets of (key, value, effect)."""
        return list(self._nodes.taint_sets)

    def __repr__(self) -> str:
        return f"<NodeColumns of {len(self)} nodes>"
