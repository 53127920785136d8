"""Histories: a cluster, and what happens to it step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from kschedcore.testing.strategies.clusters import budgets, clusters, namespace, node_names
from kschedcore.testing.strategies.features import FEATURES, themes
from kschedcore.testing.strategies.labels import labels
from kschedcore.testing.strategies.nodes import nodes
from kschedcore.testing.strategies.pods import bound_pods, pods
from kschedcore.testing.strategies.vocabulary import NAMESPACE_LABELS, NAMESPACES, Json

__all__ = ["Event", "History", "histories"]


@dataclass(frozen=True)
class Event:
    """One thing that happens: ``kind`` says what, ``subject`` is the object or the labels it happens with.

    | kind | subject |
    |---|---|
    | ``node`` | a Node to add, or to put in the place of the one of that name |
    | ``removeNode`` | ``{"name"}``; nothing happens when there is no such node |
    | ``pod`` | a bound Pod to add; nothing happens when its name is taken or its node is gone |
    | ``removePod`` | ``{"index"}`` into the pods that are there, modulo their number |
    | ``relabelPod`` | ``{"index", "labels"}`` |
    | ``terminatePod`` | ``{"index"}``: deletion was asked for, and the pod is still there |
    | ``namespace`` | a Namespace, relabelled |
    | ``budget`` | a PodDisruptionBudget |
    | ``slice`` | a ResourceSlice, added or replaced |
    | ``claim`` | a ResourceClaim, added or replaced |
    | ``deviceClass`` | a DeviceClass, added or replaced |
    | ``schedule`` | a pending Pod: decided, and the decision taken in; nothing when its name is taken |
    | ``retry`` | ``{"index"}`` into the pods that wait for their nominated node: decided again |
    """

    kind: str
    subject: Json


@dataclass(frozen=True)
class History:
    """A cluster and the events that follow."""

    cluster: Json
    events: list[Event]


@st.composite
def histories(
    draw: st.DrawFn,
    max_nodes: int = 4,
    max_pods: int = 4,
    max_events: int = 8,
    features: Sequence[str] = tuple(FEATURES),
) -> History:
    """A cluster, and the events that follow; half of them schedule a pod.

    All pods are of one theme out of some features, and name the same few nodes, which come and go.

    Args:
        draw: Hypothesis' own.
        max_nodes: How many nodes at most.
        max_pods: How many pods that are bound to begin with at most.
        max_events: How many events at most; there is one at least.
        features: What pods may have, out of ``FEATURES``.
    """
    theme = draw(themes(features))
    cluster = draw(clusters(max_nodes, max_pods, theme, min_nodes=0))
    names = node_names(max_nodes)
    events = [draw(_events(number, names, theme)) for number in range(draw(st.integers(1, max_events)))]
    return History(cluster, events)


@st.composite
def _events(draw: st.DrawFn, number: int, names: Sequence[str], features: Sequence[str]) -> Event:
    """Names of pods are used twice now and then, so that a pod comes back under its old name."""
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
