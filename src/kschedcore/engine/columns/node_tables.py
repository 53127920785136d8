"""Nodes from Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy

import numpy as np
import numpy.typing as npt

from kschedcore.api.machinery.types import Object
from kschedcore.engine.columns.nodes import marks
from kschedcore.engine.columns.tables import (
    ALLOCATABLE,
    FEATURES,
    LABEL,
    LABELS,
    NULL,
    REQUESTED,
    Amounts,
    ArrowStream,
    Coded,
    Table,
    distinct,
)
from kschedcore.engine.columns.taints import TaintTuple
from kschedcore.rules.validation.placement import validate_taints

_COLUMNS = ("name", "unschedulable", LABELS, "taints", "images", FEATURES)


class NodeRows:
    """The rows of a table of nodes.

    Columns, all but ``name`` optional: ``name`` (string); ``unschedulable`` (bool); ``allocatable/NAME`` (integers:
    millicores for cpu, else whole units; null: the node has none); ``label/KEY`` (strings, plain or dictionary;
    null: no such label) or ``labels`` (maps or structs of strings); ``taints`` (list of structs of key, value,
    effect); ``images`` (list of structs of names and sizeBytes); ``declaredFeatures`` (list of strings). The
    columns ``requested/NAME`` of :meth:`Engine.nodes` are ignored; others are errors.

    Args:
        source: Anything with ``__arrow_c_stream__`` (pyarrow, polars, duckdb, pandas).

    Raises:
        UsageError: The source is not a table, lacks ``name``, or a column has a wrong type; a row has an invalid value,
            it cannot have, or the name of another row.

    Attributes:
        names: The nodes' names.
        allocatable: Resource -> column.
        labels: Label key -> column.
        unschedulable: bool[n]: whether each node is cordoned.
        taints: Row -> its taints as in the table, for rows that have any.
        images: Row -> its images, likewise.
        features: Row -> the features that it declares, likewise.
    """

    def __init__(self, source: ArrowStream) -> None:
        table = Table(source, "nodes")
        table.refuse_unknown(_COLUMNS, (ALLOCATABLE, LABEL, REQUESTED))
        names = table.needed_texts("name")
        if len(names.values) < len(table):
            first = names.first_rows()
            row = int((np.array(first)[names.codes] != np.arange(len(table))).argmax())
            expected = f"one row a node, and row {first[names.codes[row]]} is this one's"
            raise table.fault(row, "name", names.at(row), expected)
        self.names = names.values
        self.allocatable: dict[str, Amounts] = table.resources(ALLOCATABLE)
        self.labels: dict[str, Coded] = table.labels()
        self.unschedulable: npt.NDArray[np.bool_] = (
            table.booleans("unschedulable") if "unschedulable" in table else np.zeros(len(table), np.bool_)
        )
        self.taints = table.lists("taints", ("key", "effect")) if "taints" in table else {}
        self._check_taints(table)
        self.images = table.lists("images", ("names",)) if "images" in table else {}
        declared = table.text_lists(FEATURES) if FEATURES in table else []
        self.features = {row: features for row, features in enumerate(declared) if features}

    def _check_taints(self, table: Table) -> None:
        """Raise for the first row whose taints no node can have; equal taints are checked once."""
        checked: set[str] = set()
        for row, taints in self.taints.items():
            text = repr(taints)
            if text in checked:
                continue
            checked.add(text)
            present = [{key: value for key, value in taint.items() if value is not None} for taint in taints]
            for error in validate_taints(present, "taints"):
                raise table.fault(row, "taints", taints, f"valid taints: {error.field}: {error.message}")

    def __len__(self) -> int:
        return len(self.names)

    def where(self, wanted: npt.NDArray[np.bool_]) -> NodeRows:
        """Return the rows selected by a mask, bool[n]."""
        some = copy(self)
        rows = np.flatnonzero(wanted).tolist()
        some.names = [self.names[row] for row in rows]
        some.allocatable = {
            name: Amounts(column.numbers[wanted], column.valid[wanted])
            for name, column in self.allocatable.items()
        }
        some.labels = {key: Coded(label.codes[wanted], label.values) for key, label in self.labels.items()}
        some.unschedulable = self.unschedulable[wanted]
        some.taints = {place: self.taints[row] for place, row in enumerate(rows) if row in self.taints}
        some.images = {place: self.images[row] for place, row in enumerate(rows) if row in self.images}
        some.features = {place: self.features[row] for place, row in enumerate(rows) if row in self.features}
        return some

    def taint_sets(self) -> tuple[npt.NDArray[np.int32], list[tuple[TaintTuple, ...]]]:
        """Return int32[n], the index of each row's taints in a list of taint sets, and that list."""
        places: dict[tuple[TaintTuple, ...], int] = {(): 0}
        sets = np.zeros(len(self), np.int32)
        for row, taints in self.taints.items():
            found = tuple((t["key"], t.get("value") or "", t["effect"]) for t in taints)
            sets[row] = places.setdefault(found, len(places))
        return sets, list(places)

    def images_of(self, row: int) -> tuple[tuple[tuple[str, ...], int], ...]:
        """Return a row's images, as names and size in bytes."""
        return tuple((tuple(m["names"]), m.get("sizeBytes") or 0) for m in self.images.get(row, ()))

    def label_columns(self) -> dict[str, Coded]:
        """Return the columns of labels and of declared features."""
        declared = {
            mark: np.full(len(self), NULL, np.int32)
            for features in self.features.values()
            for mark in marks(features)
        }
        for row, features in self.features.items():
            for mark in marks(features):
                declared[mark][row] = 0
        return self.labels | {mark: Coded(codes, [""]) for mark, codes in declared.items()}

    @staticmethod
    def keys_of(
        columns: Mapping[str, Coded], rows: int
    ) -> tuple[npt.NDArray[np.int32], list[tuple[str, ...]]]:
        """Return int32[n], the index of each row's keys in a list of key sets, and that list."""
        group, first = distinct(rows, ((label.codes != NULL).astype(np.int32) for label in columns.values()))
        keys = [
            tuple(k for k, label in columns.items() if label.codes[row] != NULL) for row in first.tolist()
        ]
        return group, keys

    def labels_among(self, keys: Iterable[str]) -> list[dict[str, str]]:
        """Return the labels with some keys of each row; rows with equal labels share a dictionary."""
        labels = {key: self.labels[key] for key in keys if key in self.labels}
        group, first = distinct(len(self), (label.codes for label in labels.values()))
        alike = [
            {key: text for key, label in labels.items() if (text := label.at(row)) is not None}
            for row in first.tolist()
        ]
        return [alike[place] for place in group.tolist()]

    def labels_of(self, row: int) -> dict[str, str]:
        """Return a row's labels."""
        return {key: text for key, label in self.labels.items() if (text := label.at(row)) is not None}

    def node(self, row: int) -> Object:
        """Return a row as a Node object."""
        amounts = {name: column.at(row) for name, column in self.allocatable.items()}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.names[row], "labels": self.labels_of(row)},
            "spec": {"unschedulable": bool(self.unschedulable[row]), "taints": self.taints.get(row, [])},
            "status": {
                "allocatable": {
                    name: f"{amount}m" if name == "cpu" else str(amount)
                    for name, amount in amounts.items()
                    if amount is not None
                },
                "images": self.images.get(row, []),
                "declaredFeatures": self.features.get(row, []),
            },
        }
