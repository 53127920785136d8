"""Nodes in and out of the core: from typed views, and as Arrow record batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from kschedcore.api.quantity import milli_value, value
from kschedcore.columns.taints import TaintTuple, taints
from kschedcore.errors import UsageError

if TYPE_CHECKING:
    from kschedcore._native.nodes import NodeTable
    from kschedcore.api.objects import Node

ALLOCATABLE = "allocatable/"
REQUESTED = "requested/"
LABEL = "label/"


class NodeRow(NamedTuple):
    """A node as ``NodeTable.set`` takes it."""

    name: str
    allocatable: dict[str, int]
    labels: dict[str, str]
    taints: tuple[TaintTuple, ...]
    images: tuple[tuple[tuple[str, ...], int], ...]
    unschedulable: bool


def node_row(node: Node) -> NodeRow:
    """A node's row: cpu in millicores, other resources in whole units; images in the node's own order."""
    return NodeRow(
        node.metadata.name,
        {
            name: milli_value(amount) if name == "cpu" else value(amount)
            for name, amount in (node.status.allocatable or {}).items()
        },
        node.metadata.labels or {},
        taints(node),
        tuple((image.names or (), image.size_bytes) for image in node.status.images or ()),
        bool(node.spec.unschedulable),
    )


class ArrowStream(Protocol):
    """A table that can hand itself over through the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table as a C stream."""


def node_rows(source: ArrowStream) -> Iterator[NodeRow]:
    """The rows of a table of nodes.

    Columns, all but ``name`` optional: ``name`` (string); ``unschedulable`` (bool); ``allocatable/NAME`` (integers:
    millicores for cpu, else whole units; null: the node has none); ``label/KEY`` (strings, plain or dictionary;
    null: no such label); ``taints`` (list of structs of key, value, effect); ``images`` (list of structs of names
    and sizeBytes). Other columns are passed over.

    Raises:
        UsageError: The source is no table, lacks ``name``, or a column has another type.
    """
    if not hasattr(source, "__arrow_c_stream__"):
        raise UsageError(f"{type(source).__name__} is no Arrow table: it has no __arrow_c_stream__")
    table = pa.RecordBatchReader.from_stream(source).read_all()
    if "name" not in table.column_names:
        raise UsageError("a table of nodes needs a column 'name'")
    columns = {name: _values(name, table.column(name)) for name in table.column_names if _is_read(name)}
    resources = {n.removeprefix(ALLOCATABLE): v for n, v in columns.items() if n.startswith(ALLOCATABLE)}
    labels = {n.removeprefix(LABEL): v for n, v in columns.items() if n.startswith(LABEL)}
    nothing: list[Any] = [None] * len(table)
    for i, name in enumerate(columns["name"]):
        if not name:
            raise UsageError(f"row {i} of the table of nodes has no name")
        yield NodeRow(
            name,
            {resource: amounts[i] for resource, amounts in resources.items() if amounts[i] is not None},
            {key: texts[i] for key, texts in labels.items() if texts[i] is not None},
            tuple(
                (t["key"], t.get("value") or "", t["effect"]) for t in columns.get("taints", nothing)[i] or ()
            ),
            tuple(
                (tuple(m["names"]), m.get("sizeBytes") or 0) for m in columns.get("images", nothing)[i] or ()
            ),
            bool(columns.get("unschedulable", nothing)[i]),
        )


def _is_read(name: str) -> bool:
    return name in ("name", "unschedulable", "taints", "images") or name.startswith((ALLOCATABLE, LABEL))


def _values(name: str, column: pa.ChunkedArray) -> list[Any]:
    """A column as Python values, after a look at its type."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if name.startswith(ALLOCATABLE):
        fits, expected = pa.types.is_integer(kind), "integers"
    elif name == "unschedulable":
        fits, expected = pa.types.is_boolean(kind), "booleans"
    elif name in ("taints", "images"):
        fits, expected = pa.types.is_list(kind) or pa.types.is_large_list(kind), "lists of structs"
    else:
        fits, expected = text, "strings"
    if not fits and not pa.types.is_null(kind):
        raise UsageError(f"column {name!r} of the table of nodes has type {column.type}; expected {expected}")
    values: list[Any] = column.to_pylist()
    return values


_TAINT = pa.struct([("key", pa.string()), ("value", pa.string()), ("effect", pa.string())])


_IMAGE = pa.struct([("names", pa.list_(pa.string())), ("sizeBytes", pa.int64())])


def node_batch(nodes: NodeTable) -> pa.RecordBatch:
    """The node table as it is now, one row a node in name order.

    Columns: ``name``; ``unschedulable``; ``taints`` (list of key, value, effect); per resource
    ``allocatable/NAME`` and ``requested/NAME`` (int64; cpu in millicores); per label key ``label/KEY``
    (dictionary of strings, null where a node has no such label); ``images`` (list of names and sizeBytes).
    """
    slots = nodes.slots_by_name()
    columns: dict[str, pa.Array] = {
        "name": pa.array(nodes.names(), pa.string()),
        "unschedulable": pa.array([nodes.is_unschedulable(slot) for slot in slots], pa.bool_()),
        "taints": pa.array(
            [
                [
                    {"key": key, "value": value, "effect": effect}
                    for key, value, effect in nodes.taints_of(slot)
                ]
                for slot in slots
            ],
            pa.list_(_TAINT),
        ),
        "images": pa.array(
            [
                [{"names": [name], "sizeBytes": size} for name, size in nodes.images_of(slot)]
                for slot in slots
            ],
            pa.list_(_IMAGE),
        ),
    }
    for resource in nodes.resource_names:
        columns[ALLOCATABLE + resource] = pa.array(nodes.allocatable_of(resource)[slots])
        columns[REQUESTED + resource] = pa.array(nodes.requested_of(resource)[slots])
    for key in sorted(nodes.label_keys()):
        codes = nodes.label_codes(key)[slots]
        if np.any(codes >= 0):
            columns[LABEL + key] = pa.DictionaryArray.from_arrays(
                pa.array(codes, pa.int32(), mask=codes < 0), pa.array(nodes.label_values(key), pa.string())
            )
    return pa.record_batch(columns)
