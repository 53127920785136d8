"""Add the nodes and bound pods of tables to an engine in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kschedcore._native import bulk
from kschedcore.api.phases import FINISHED
from kschedcore.engine.columns.resources import require_resources

if TYPE_CHECKING:
    from kschedcore._native.nodes import NodeTable
    from kschedcore.engine.binding import BoundPods
    from kschedcore.engine.classes import ClassCache
    from kschedcore.engine.columns.node_tables import NodeRows
    from kschedcore.engine.columns.pod_tables import PodRows
    from kschedcore.engine.nominator import Nominator


def add_new_nodes(nodes: NodeTable, rows: NodeRows) -> None:
    """Add nodes of a table, all of which are new."""
    require_resources(nodes, rows.allocatable)
    labels = rows.label_columns()
    bulk.add_nodes(
        nodes,
        rows.names,
        {resource: amounts.numbers for resource, amounts in rows.allocatable.items()},
        {key: (label.codes, label.values) for key, label in labels.items()},
        rows.keys_of(labels, len(rows)),
        rows.taint_sets(),
        rows.unschedulable.view(np.uint8),
        [(row, rows.images_of(row)) for row in rows.images],
    )


def add_bound_pods(bound: BoundPods, nominator: Nominator, classes: ClassCache, rows: PodRows) -> None:
    """Account the pods of a table, without those that have terminated."""
    finished = np.array([pod.status.phase in FINISHED for pod in rows.shapes], np.bool_)
    if finished.any():
        for key in rows.where(finished[rows.shape_of]).pod_keys():
            bound.remove(key)
        rows = rows.where(~finished[rows.shape_of])
    nominator.withdraw_all(rows.pod_keys())
    bound.add_rows(rows, classes.infos(rows.shapes))
