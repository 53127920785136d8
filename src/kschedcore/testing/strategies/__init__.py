"""Hypothesis strategies of manifests: quantities, labels, taints, nodes, pods, whole clusters and histories.

Examples are valid for an API server, except those of ``invalid_…``. They use a small vocabulary, so that rules
interact, are parametrised by arguments, and shrink towards simple ones: one ready node, one container without requests.
"""

from __future__ import annotations

from kschedcore.testing.strategies.affinities import (
    node_affinities,
    node_selector_terms,
    pod_affinities,
    pod_affinity_terms,
)
from kschedcore.testing.strategies.clusters import Case, cases, clusters
from kschedcore.testing.strategies.configs import configs
from kschedcore.testing.strategies.features import FEATURES, SCHEDULING_FEATURES
from kschedcore.testing.strategies.histories import Event, History, histories
from kschedcore.testing.strategies.invalid import Invalid, invalid_nodes, invalid_pods
from kschedcore.testing.strategies.labels import label_keys, label_selectors, label_values, labels
from kschedcore.testing.strategies.nodes import nodes
from kschedcore.testing.strategies.pods import bound_pods, pods
from kschedcore.testing.strategies.quantities import quantities
from kschedcore.testing.strategies.taints import taints, tolerations
from kschedcore.testing.strategies.volumes import storages

__all__ = [
    "FEATURES",
    "SCHEDULING_FEATURES",
    "Case",
    "Event",
    "History",
    "Invalid",
    "bound_pods",
    "cases",
    "clusters",
    "configs",
    "histories",
    "invalid_nodes",
    "invalid_pods",
    "label_keys",
    "label_selectors",
    "label_values",
    "labels",
    "node_affinities",
    "node_selector_terms",
    "nodes",
    "pod_affinities",
    "pod_affinity_terms",
    "pods",
    "quantities",
    "storages",
    "taints",
    "tolerations",
]
