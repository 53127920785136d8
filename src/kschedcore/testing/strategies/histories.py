"""Histories: a cluster and a sequence of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.clusters import budgets, clusters, namespace, node_names
from kschedcore.testing.strategies.features import FEATURES, themes
from kschedcore.testing.strategies.labels import labels
from kschedcore.testing.strategies.nodes import nodes
from kschedcore.testing.strategies.pods import bound_pods, pods
from kschedcore.testing.strategies.vocabulary import NAMESPACE_LABELS, NAMESPACES

__all__ = ["Event", "History", "histories"]


@dataclass(frozen=True)
class Event:
    """One event of a history.

    | kind | subject |
    |---|---|
    | ``node`` | a Node to add, or to replace the one of that name |
    | ``removeNode`` | ``{"name"}``; no-op if there is no such node |
    | ``pod`` | a bound Pod to add; no-op if its name is in use or its node does not exist |
    | ``removePod`` | ``{"index"}`` into the existing pods, modulo their number |
    | ``relabelPod`` | ``{"index", "labels"}`` |
    | ``terminatePod`` | ``{"index"}``: the pod becomes terminating |
    | ``namespace`` | a Namespace, relabelled |
    | ``budget`` | a PodDisruptionBudget |
    | ``slice`` | a ResourceSlice, added or replaced |
    | ``claim`` | a ResourceClaim, added or replaced |
    | ``deviceClass`` | a DeviceClass, added or replaced |
    | ``schedule`` | a pending Pod to schedule; no-op if its name is in use |
    | ``retry`` | ``{"index"}`` into the nominated pods, to schedule again |
    """

    kind: str
    subject: Object


@dataclass(frozen=True)
class History:
    """A cluster and the events that follow."""

    cluster: Object
    events: list[Event]


@st.composite
def histories(
    draw: st.DrawFn,
    max_nodes: int = 4,
    max_pods: int = 4,
    max_events: int = 8,
    features: Sequence[str] = tuple(FEATURES),
) -> History:
    """Draw a cluster and events, half of which schedule a pod.

    All pods have a few of some features, and name the same few nodes, which are added and removed.

    Args:
        draw: Hypothesis' own.
        max_nodes: Maximum number of nodes.
        max_pods: Maximum number of initial bound pods.
        max_events: Maximum number of events; the minimum is one.
        features: The possible features of pods, out of ``FEATURES``.
    """
    theme = draw(themes(features))
    cluster = draw(clusters(max_nodes, max_pods, theme, min_nodes=0))
    names = node_names(max_nodes)
    events = [draw(_events(number, names, theme)) for number in range(draw(st.integers(1, max_events)))]
    return History(cluster, events)


@st.composite
def _events(draw: st.DrawFn, number: int, names: Sequence[str], features: Sequence[str]) -> Event:
    """Draw the events; names of pods are sometimes reused."""
    if draw(st.booleans()):
        return Event("schedule", draw(pods(f"p{number % 6}", names, features)))
    index = {"index": draw(st.integers(0, 20))}
    kind = draw(
        st.sampled_from(
            [
                "retry",
                "retry",
                "retry",
                "node",
                "removeNode",
                "pod",
                "removePod",
                "relabelPod",
                "terminatePod",
                "namespace",
                "budget",
            ]
        )
    )
    match kind:
        case "node":
            name = draw(st.sampled_from(names))
            return Event(kind, draw(nodes(name, tainted="tolerations" in features)))
        case "removeNode":
            return Event(kind, {"name": draw(st.sampled_from(names))})
        case "pod":
            return Event(kind, draw(bound_pods(f"h{number}", names, features)))
        case "relabelPod":
            return Event(kind, {**index, "labels": draw(labels())})
        case "namespace":
            own = draw(st.sampled_from(NAMESPACE_LABELS))
            return Event(kind, namespace(draw(st.sampled_from(NAMESPACES)), own))
        case "budget":
            return Event(kind, draw(budgets(f"budget-{draw(st.integers(0, 1))}")))
    return Event(kind, index)
