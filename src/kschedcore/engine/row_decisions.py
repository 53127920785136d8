"""Decisions for the pods of a table, as a table with the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kschedcore.engine.binding import key_of
from kschedcore.engine.columns.tables import Coded
from kschedcore.engine.decision import SCHEMA, Decision, Decisions

if TYPE_CHECKING:
    from kschedcore.engine.columns.pod_tables import PodRows


@dataclass(frozen=True)
class RowDecisions:
    """The decisions for the rows of a table of pods.

    Attributes:
        rows: The pods.
        slots: int32[n]: the chosen nodes, -1 for none.
        feasible: int32[n]: number of nodes that passed.
        totals: int64[n]: the chosen nodes' scores.
        ties: int32[n]: number of nodes with these scores.
        failed: Row -> the decision for a pod without a node.
        name_of: Returns the name of the node in a slot.
    """

    rows: PodRows
    slots: npt.NDArray[np.int32]
    feasible: npt.NDArray[np.int32]
    totals: npt.NDArray[np.int64]
    ties: npt.NDArray[np.int32]
    failed: Mapping[int, Decision]
    name_of: Callable[[int], str]

    @property
    def placed(self) -> npt.NDArray[np.bool_]:
        """bool[n]: whether each pod has a node."""
        there: npt.NDArray[np.bool_] = self.slots >= 0
        return there

    @cached_property
    def nodes(self) -> Coded:
        """The names of the nodes."""
        slots, places = np.unique(self.slots, return_inverse=True)
        nowhere = int(len(slots) > 0 and slots[0] < 0)
        names = [self.name_of(slot) for slot in slots[nowhere:].tolist()]
        return Coded((places.reshape(-1) - nowhere).astype(np.int32), names)

    def to_arrow(self) -> pa.Table:
        """Return the decisions as :meth:`Decisions.to_arrow`, in the order of the rows."""
        none = ~self.placed
        return pa.table(
            {
                "namespace": _texts(self.rows.namespaces),
                "pod": self.rows.names,
                "node": _texts(self.nodes),
                "feasible": pa.array(self.feasible),
                "total": pa.array(self.totals, mask=none),
                "ties": pa.array(self.ties, mask=none),
                "nominated_node": self._of_failed(pa.string(), lambda failed: failed.nominated_node),
                "victims": self._of_failed(
                    pa.list_(pa.string()), lambda failed: list(failed.victims) or None
                ),
                "message": self._of_failed(pa.string(), lambda failed: failed.message),
            },
            schema=SCHEMA,
        )

    def _of_failed(self, kind: pa.DataType, value_of: Callable[[Decision], object]) -> pa.Array:
        """Return a column of the decisions without a node; null for placed pods."""
        if not self.failed:
            return pa.nulls(len(self.rows), kind)
        values = {row: value_of(decision) for row, decision in self.failed.items()}
        return pa.array([values.get(row) for row in range(len(self.rows))], kind)


def in_row_order(decisions: Decisions, rows: PodRows) -> pa.Table:
    """Return decisions for the pods of a table as a table, in the order of the rows."""
    places = {key: row for row, key in enumerate(rows.pod_keys())}
    order = np.array([places[key_of(decision.pod)] for decision in decisions], np.int64)
    return decisions.to_arrow().take(pa.array(np.argsort(order)))


def _texts(column: Coded) -> pa.Array:
    """Return a column of strings."""
    return pa.array(column.values, pa.string()).take(pa.array(column.codes, mask=column.codes < 0))
