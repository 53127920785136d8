"""Bound pods that are still rows of the tables they came from.

A million of them as objects would take a gigabyte and seconds to create, and few are ever read.
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
    """Rows of tables by the core's numbers of their pods."""

    def __init__(self) -> None:
        self._tables: dict[int, PodRows] = {}
        self._left: dict[int, int] = {}
        self._next_table = 0
        self._numbers: dict[str, dict[str, int]] = {}
        # By the core's number: the table and the row of each pod.
        self._table_of: npt.NDArray[np.int32] = np.empty(0, np.int32)
        self._row_of: npt.NDArray[np.int32] = np.empty(0, np.int32)

    def __len__(self) -> int:
        return sum(self._left.values())

    def __contains__(self, key: PodKey) -> bool:
        return self.number_of(key) is not None

    def number_of(self, key: PodKey) -> int | None:
        """Return the core's number of a pod, if it is a row."""
        namespace, name = key
        return self._numbers.get(namespace, {}).get(name)

    def add(self, rows: PodRows, numbers: npt.NDArray[np.int32]) -> None:
        """Add the rows of a table that are bound; a row replaces one of the same name.

        Args:
            rows: The table.
            numbers: int32[n]: the core's numbers, negative for rows that are not bound.
        """
        bound = np.flatnonzero(numbers >= 0)
        if not len(bound):
            return
        table, self._next_table = self._next_table, self._next_table + 1
        self._grow(int(numbers.max()) + 1)
        self._table_of[numbers[bound]] = table
        self._row_of[numbers[bound]] = bound
        self._tables[table] = rows  # from here on the rows are part of the record, see recover
        self._index(table, rows, bound, numbers[bound])

    def _index(
        self, table: int, rows: PodRows, bound: npt.NDArray[np.int64], numbers: npt.NDArray[np.int32]
    ) -> None:
        """Index some rows of a table by name."""
        names = rows.names.to_numpy(zero_copy_only=False)
        spaces = rows.namespaces.codes[bound]
        order = np.argsort(spaces, kind="stable")
        ends = np.cumsum(np.bincount(spaces, minlength=len(rows.namespaces.values)))
        for namespace, here in zip(rows.namespaces.values, np.split(order, ends[:-1]), strict=True):
            pairs = zip(names[bound[here]].tolist(), numbers[here].tolist(), strict=True)
            self._numbers.setdefault(namespace, {}).update(pairs)
        self._left[table] = len(bound)

    def _grow(self, numbers: int) -> None:
        """Grow the arrays to hold pods below a number."""
        more = numbers - len(self._table_of)
        if more > 0:
            self._row_of = np.append(self._row_of, np.full(more, NOT_A_ROW, np.int32))
            self._table_of = np.append(self._table_of, np.full(more, NOT_A_ROW, np.int32))

    def at(self, number: int) -> tuple[PodRows, int]:
        """Return the table and the row of a pod."""
        return self._tables[int(self._table_of[number])], int(self._row_of[number])

    def drop(self, number: int) -> None:
        """Remove a row."""
        table = int(self._table_of[number])
        namespace, name = self._tables[table].key(int(self._row_of[number]))
        self._table_of[number] = NOT_A_ROW
        del self._numbers[namespace][name]
        self._left[table] -= 1
        if not self._left[table]:
            del self._left[table], self._tables[table]

    def recover(self) -> npt.NDArray[np.int32]:
        """Derive all other attributes from ``_tables``, ``_table_of`` and ``_row_of`` again, after an interruption.

        Returns:
            int32[n]: the numbers of the pods that are rows; of two rows with one name, the last added.
        """
        size = min(len(self._table_of), len(self._row_of))
        self._table_of, self._row_of = self._table_of[:size], self._row_of[:size]
        self._numbers, self._left = {}, {}
        for table, rows in list(self._tables.items()):
            numbers = np.flatnonzero(self._table_of == table).astype(np.int32)
            if len(numbers):
                self._index(table, rows, self._row_of[numbers].astype(np.int64), numbers)
            else:
                del self._tables[table]
        found = [number for names in self._numbers.values() for number in names.values()]
        kept = np.array(sorted(found), np.int32)
        lost = np.setdiff1d(np.flatnonzero(self._table_of != NOT_A_ROW), kept)
        for table, count in zip(*np.unique(self._table_of[lost], return_counts=True), strict=True):
            if int(table) in self._left:
                self._left[int(table)] -= int(count)
        self._table_of[lost] = NOT_A_ROW
        return kept
