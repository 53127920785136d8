"""Bound pods that came as rows of tables and were not looked at one by one yet.

A million of them as objects would take a gigabyte and seconds to make, and hardly any is ever asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from kschedcore.engine.binding import PodKey
    from kschedcore.engine.columns.pod_tables import PodRows

NOT_A_ROW = -1


class BoundRows:
    """Rows of tables by the core's numbers for the pods that they are."""

    def __init__(self) -> None:
        self._tables: dict[int, PodRows] = {}
        self._left: dict[int, int] = {}
        self._next_table = 0
        self._numbers: dict[str, dict[str, int]] = {}
        # By the core's number, where each pod stands.
        self._table_of: npt.NDArray[np.int32] = np.empty(0, np.int32)
        self._row_of: npt.NDArray[np.int32] = np.empty(0, np.int32)

    def __len__(self) -> int:
        return sum(self._left.values())

    def __contains__(self, key: PodKey) -> bool:
        return self.number_of(key) is not None

    def number_of(self, key: PodKey) -> int | None:
        """The core's number for a pod, if it is a row."""
        namespace, name = key
        return self._numbers.get(namespace, {}).get(name)

    def add(self, rows: PodRows, numbers: npt.NDArray[np.int32]) -> None:
        """Take the rows of a table that are bound.

        Args:
            rows: The table.
            numbers: int32[n]: the core's numbers, negative for rows that are not bound.
        """
        bound = np.flatnonzero(numbers >= 0)
        if not len(bound):
            return
        self._cover(int(numbers.max()) + 1)
        self._table_of[numbers[bound]] = self._next_table
        self._row_of[numbers[bound]] = bound
        names = rows.names.to_numpy(zero_copy_only=False)
        spaces = rows.namespaces.codes[bound]
        bound = bound[np.argsort(spaces, kind="stable")]
        ends = np.cumsum(np.bincount(spaces, minlength=len(rows.namespaces.values)))
        for namespace, here in zip(rows.namespaces.values, np.split(bound, ends[:-1]), strict=True):
            pairs = zip(names[here].tolist(), numbers[here].tolist(), strict=True)
            self._numbers.setdefault(namespace, {}).update(pairs)
        self._tables[self._next_table] = rows
        self._left[self._next_table] = len(bound)
        self._next_table += 1

    def _cover(self, numbers: int) -> None:
        """Make room for the pods below a number."""
        more = numbers - len(self._table_of)
        if more > 0:
            self._table_of = np.append(self._table_of, np.full(more, NOT_A_ROW, np.int32))
            self._row_of = np.append(self._row_of, np.full(more, NOT_A_ROW, np.int32))

    def take(self, number: int) -> tuple[PodRows, int]:
        """The table and the row of a pod, which is a row no longer."""
        table, row = int(self._table_of[number]), int(self._row_of[number])
        self._table_of[number] = NOT_A_ROW
        rows = self._tables[table]
        namespace, name = rows.key(row)
        del self._numbers[namespace][name]
        self._left[table] -= 1
        if not self._left[table]:
            del self._left[table], self._tables[table]
        return rows, row
