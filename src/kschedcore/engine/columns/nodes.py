"""Conversion of nodes: typed views to rows of the native core, and the core's rows to Arrow record batches."""

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
"""Prefix of the columns of declared features, which are stored like labels: no label key starts with ``@``."""


class NodeRow(NamedTuple):
    """The arguments of ``NodeTable.set`` for a node; ``labels`` includes declared features, see :func:`marks`."""

    name: str
    allocatable: dict[str, int]
    labels: dict[str, str]
    taints: tuple[TaintTuple, ...]
    images: tuple[tuple[tuple[str, ...], int], ...]
    unschedulable: bool


def marks(features: Iterable[str]) -> dict[str, str]:
    """Return declared features (``status.declaredFeatures``, KEP-5328) as labels."""
    return {DECLARED + name: "" for name in features}


def node_row(node: Node) -> NodeRow:
    """Return a node's row: cpu in millicores, other resources in whole units; images in the node's own order.

    ``status.allocatable`` defaults to the capacity, as in the API server.
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
    """Return a snapshot of the node table, one row a node in name order.

    Columns: ``name``; ``unschedulable``; ``taints`` (list of key, value, effect); ``allocatable/NAME`` and
    ``requested/NAME`` (int64; cpu in millicores) of each resource that a node has allocatable or a bound pod requests;
    ``label/KEY`` of each label key (dictionary of strings, null where a node has no such label); ``images`` (list of
    names and sizeBytes); ``declaredFeatures`` (list of strings), if any node declares one.
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
    """Return codes (-1: null) and texts as a dictionary column, without the texts that no row has."""
    indices = pa.array(codes, pa.int32(), mask=codes < 0)
    column = pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))
    return column.dictionary_decode().dictionary_encode()
