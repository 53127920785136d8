"""Hypothesis strategies of clusters, pods and histories, sized by arguments.

`placements` draws a cluster with pods to place on it; `histories` a cluster and what happens to it, which
`Replay` plays to any number of schedulers at once. Objects are valid, and use a small vocabulary.
"""

from tests.strategies.clusters import Placement, clusters, placements
from tests.strategies.configs import configs
from tests.strategies.histories import Decision, Event, History, Replay, Scheduler, histories
from tests.strategies.nodes import nodes
from tests.strategies.pods import FEATURES, SCHEDULING_FEATURES, bound_pods, pods

__all__ = [
    "FEATURES",
    "SCHEDULING_FEATURES",
    "Decision",
    "Event",
    "History",
    "Placement",
    "Replay",
    "Scheduler",
    "bound_pods",
    "clusters",
    "configs",
    "histories",
    "nodes",
    "placements",
    "pods",
]
