"""Nodes into the core from typed views, and out of it as Arrow record batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kschedcore.api.quantity import milli_value, value
from kschedcore.engine.columns.tables import ALLOCATABLE, FEATURES, LABEL, REQUESTED
from kschedcore.engine.columns.taints import TaintTuple, taints

if TYPE_CHECKING:
    from kschedcore._native.nodes import NodeTable
    from kschedcore.api.objects import Node


DECLARED = "@declared/"
"""Put before the name of a declared feature, which then has a column beside those of labels: no key of a label starts
with ``@``."""


class NodeRow(NamedTuple):
    """A node as ``NodeTable.set`` takes it; ``labels`` has the declared features too, as :func:`marks`."""

    name: str
    allocatable: dict[str, int]
    labels: dict[str, str]
    taints: tuple[TaintTuple, ...]
    images: tuple[tuple[tuple[str, ...], int], ...]
    unschedulable: bool


def marks(features: Iterable[str]) -> dict[str, str]:
    """Return the columns that stand for declared features (``status.declaredFeatures``, KEP-5328)."""
    return {DECLARED + name: "" for name in features}


def node_row(node: Node) -> NodeRow:
    """Return a node's row: cpu in millicores, other resources in whole units; images in the node's own order.

    A node without ``status.allocatable`` offers its capacity, as the API server defaults it.
    """
    return NodeRow(
        node.metadata.name,
        {
            name: milli_value(amount) if name == "cpu" else value(amount)
            for name, amount in (node.status.allocatable or node.status.capacity or {}).items()
        },
        _labels(node),
        taints(node),
        tuple((image.names or (), image.size_bytes) for image in node.status.images or ()),
        bool(node.spec.unschedulable),
    )


def _labels(node: Node) -> dict[str, str]:
    labels, features = node.metadata.labels or {}, node.status.declared_features
    return labels | marks(features) if features else labels


_TAINT = pa.struct([("key", pa.string()), ("value", pa.string()), ("effect", pa.string())])


_IMAGE = pa.struct([("names", pa.list_(pa.string())), ("sizeBytes", pa.int64())])


def node_batch(nodes: NodeTable) -> pa.RecordBatch:
    """The node table as it is now, one row a node in name order.

    Columns: ``name``; ``unschedulable``; ``taints`` (list of key, value, effect); per resource
    ``allocatable/NAME`` and ``requested/NAME`` (int64; cpu in millicores), where any node offers it or any pod takes
    it; per label key ``label/KEY``
    (dictionary of strings, null where a node has no such label); ``images`` (list of names and sizeBytes);
    ``declaredFeatures`` (list of strings), where any node declares one.
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
    for resource in nodes.resources_in_use():
        columns[ALLOCATABLE + resource] = pa.array(nodes.allocatable_of(resource)[slots])
        columns[REQUESTED + resource] = pa.array(nodes.requested_of(resource)[slots])
    declared: dict[str, npt.NDArray[np.bool_]] = {}
    for key in sorted(nodes.label_keys()):
        codes = nodes.label_codes(key)[slots]
        if not np.any(codes >= 0):
            continue
        if key.startswith(DECLARED):
            declared[key.removeprefix(DECLARED)] = codes >= 0
        else:
            columns[LABEL + key] = _dictionary(codes, nodes.label_values(key))
    if declared:
        features = [[name for name, has in declared.items() if has[row]] for row in range(len(slots))]
        columns[FEATURES] = pa.array(features, pa.list_(pa.string()))
    return pa.record_batch(columns)


def _dictionary(codes: npt.NDArray[np.int32], texts: list[str]) -> pa.DictionaryArray:
    """A column of texts, -1 standing for null; of the texts only those that some row has, as they come."""
    indices = pa.array(codes, pa.int32(), mask=codes < 0)
    column = pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))
    return column.dictionary_decode().dictionary_encode()
