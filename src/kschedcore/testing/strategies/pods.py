"""Pods with a few of the features that affect scheduling."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.containers import containers
from kschedcore.testing.strategies.features import FEATURES, SCHEDULING_FEATURES, Draft
from kschedcore.testing.strategies.labels import labels
from kschedcore.testing.strategies.vocabulary import NAMESPACES, POD_LABELS, Vocabulary

__all__ = ["bound_pods", "pods"]


@st.composite
def pods(
    draw: st.DrawFn,
    name: str = "pod-0",
    node_names: Sequence[str] = ("node-0",),
    features: Sequence[str] = tuple(FEATURES),
    *,
    max_features: int = 3,
    namespaces: Sequence[str] = NAMESPACES,
    vocabulary: Vocabulary = POD_LABELS,
) -> Object:
    """Draw a valid pending Pod. It shrinks towards one container without requests.

    Args:
        draw: Hypothesis' own.
        name: The pod's name.
        node_names: The nodes that its affinity may name.
        features: The possible features, out of ``FEATURES``; a priority whenever that is among them.
        max_features: Maximum number of features, the priority not counted.
        namespaces: The possible namespaces.
        vocabulary: Label key -> values.

    Raises:
        KeyError: There is no such feature.
    """
    drawn = [draw(containers(f"c{number}")) for number in range(draw(st.integers(1, 2)))]
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": draw(st.sampled_from(namespaces)),
            "uid": f"uid-{name}",
            "labels": draw(labels(vocabulary)),
        },
        "spec": {"schedulerName": "default-scheduler", "priority": 0, "containers": drawn},
    }
    draft = Draft(draw, pod, node_names)
    optional = [feature for feature in features if feature != "priority"]
    wanted = draw(st.sets(st.sampled_from(optional), max_size=max_features)) if optional else set()
    wanted |= {"priority"} & set(features)
    for feature in sorted(wanted, key=list(FEATURES).index):
        FEATURES[feature](draft)
    return pod


@st.composite
def bound_pods(
    draw: st.DrawFn,
    name: str = "pod-0",
    node_names: Sequence[str] = ("node-0",),
    features: Sequence[str] = SCHEDULING_FEATURES,
) -> Object:
    """Draw a bound Pod, which has started or not, or is terminating.

    Args:
        draw: Hypothesis' own.
        name: The pod's name.
        node_names: The possible nodes.
        features: As in :func:`pods`; scheduling gates are left out.
    """
    pod = draw(pods(name, node_names, [feature for feature in features if feature != "gates"]))
    pod["spec"]["nodeName"] = draw(st.sampled_from(node_names))
    pod["status"] = {"phase": "Running"}
    minute = draw(st.integers(-1, 5))
    if minute >= 0:
        pod["status"]["startTime"] = f"2026-01-01T00:{minute:02d}:00Z"
    if draw(st.integers(0, 9)) == 9:
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T01:00:00Z"
    return pod
