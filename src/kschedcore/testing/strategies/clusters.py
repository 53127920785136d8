"""Whole clusters, and pods to place on them, in the layout of :meth:``kschedcore.Manifests.from_cluster``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.configs import configs
from kschedcore.testing.strategies.features import FEATURES, themes
from kschedcore.testing.strategies.labels import label_selectors
from kschedcore.testing.strategies.nodes import nodes
from kschedcore.testing.strategies.pods import bound_pods, pods
from kschedcore.testing.strategies.vocabulary import (
    IMAGES,
    NAMESPACE_LABELS,
    NAMESPACES,
    OVERHEAD,
    POD_LABELS,
    PRIORITY_CLASSES,
    RUNTIME_CLASS,
)
from kschedcore.testing.strategies.volumes import storages

__all__ = [
    "Case", "budgets", "cases", "clusters", "namespace", "node_names", "priority_classes", "runtime_class"
]  # fmt: skip

_APPS: st.SearchStrategy[Object | None] = st.sampled_from(
    [None, *({"app": app} for app in POD_LABELS["app"])]
)


class Case(NamedTuple):
    """A cluster, and pods to place on it one after another.

    Attributes:
        cluster: Lists of whole objects by key: ``nodes``, ``pods``, ``namespaces``, ….
        pending: Complete pods without a node.
    """

    cluster: Object
    pending: list[Object]


@st.composite
def clusters(
    draw: st.DrawFn,
    max_nodes: int = 5,
    max_pods: int = 6,
    features: Sequence[str] = tuple(FEATURES),
    *,
    configured: bool = True,
    min_nodes: int = 1,
) -> Object:
    """Draw a valid cluster whose pods have any of some features.

    Nodes are tainted, and there is storage, if features of pods concern them. It shrinks towards one
    plain node.

    Args:
        draw: Hypothesis' own.
        max_nodes: Maximum number of nodes.
        max_pods: Maximum number of bound pods; nodes may be overcommitted.
        features: The possible features of pods, out of ``FEATURES``.
        configured: Whether there may be a KubeSchedulerConfiguration, under ``config``.
        min_nodes: Minimum number of nodes; pods are bound to existing nodes, or to a missing one if there is none.

    Returns:
        Lists of whole objects by key, as :meth:``kschedcore.Manifests.from_cluster`` takes them.
    """
    present = draw(st.integers(min_nodes, max_nodes))
    names = node_names(max(present, 1))
    tainted = "tolerations" in features
    cluster: Object = {
        "nodes": [draw(nodes(name, tainted=tainted)) for name in names[:present]],
        "pods": [draw(bound_pods(f"b{i}", names, features)) for i in range(draw(st.integers(0, max_pods)))],
        "namespaces": draw(_namespaces()),
    }
    if "priority" in features:
        cluster["priorityClasses"] = priority_classes()
        cluster["podDisruptionBudgets"] = [
            draw(budgets(f"budget-{i}")) for i in range(draw(st.integers(0, 2)))
        ]
    if "overhead" in features:
        cluster["runtimeClasses"] = [runtime_class()]
    if "claims" in features:
        cluster.update(draw(storages(names)))
    if "owners" in features:
        cluster.update(draw(_owners()))
    if configured and draw(st.integers(0, 2)) == 2:
        cluster["config"] = draw(configs(names))
    return cluster


@st.composite
def cases(
    draw: st.DrawFn,
    max_nodes: int = 5,
    max_pods: int = 6,
    max_pending: int = 3,
    features: Sequence[str] = tuple(FEATURES),
) -> Case:
    """Draw a cluster and pods to place on it, with a few of some features.

    Args:
        draw: Hypothesis' own.
        max_nodes: Maximum number of nodes.
        max_pods: Maximum number of bound pods.
        max_pending: Maximum number of pending pods; the minimum is one.
        features: The possible features of pods, out of ``FEATURES``.
    """
    theme = draw(themes(features))
    cluster = draw(clusters(max_nodes, max_pods, theme))
    names = [node["metadata"]["name"] for node in cluster["nodes"]]
    pending = [draw(pods(f"p{i}", names, theme)) for i in range(draw(st.integers(1, max_pending)))]
    return Case(cluster, pending)


def node_names(count: int) -> list[str]:
    """Return ``node-0``, ``node-1``, …."""
    return [f"node-{number}" for number in range(count)]


def _namespaces() -> st.SearchStrategy[list[Object]]:
    """Draw the namespaces of pods, each with a team label or none."""
    labels = st.tuples(*(st.sampled_from(NAMESPACE_LABELS) for _ in NAMESPACES))
    return labels.map(lambda drawn: [namespace(n, own) for n, own in zip(NAMESPACES, drawn, strict=True)])


def namespace(name: str, labels: dict[str, str]) -> Object:
    """Return a Namespace with labels besides the default one."""
    own = {"kubernetes.io/metadata.name": name, **labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": own}}


@st.composite
def budgets(draw: st.DrawFn, name: str) -> Object:
    """Draw a PodDisruptionBudget that allows few disruptions or none."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": draw(st.sampled_from(NAMESPACES))},
        "spec": {"minAvailable": 1, "selector": draw(label_selectors())},
        "status": {"disruptionsAllowed": draw(st.integers(0, 2))},
    }


@st.composite
def _owners(draw: st.DrawFn) -> Object:
    """Draw Services and ReplicaSets that select by app; a namespace has one of each or none."""
    services: list[Object] = []
    replica_sets: list[Object] = []
    for space in NAMESPACES:
        selected, replicated = draw(_APPS), draw(_APPS)
        if selected:
            services.append(
                _owner("v1", "Service", space, "service", {"selector": selected, "ports": [{"port": 80}]})
            )
        if replicated:
            container = {"name": "c0", "image": IMAGES[0]}
            template = {"metadata": {"labels": replicated}, "spec": {"containers": [container]}}
            spec = {"replicas": 0, "selector": {"matchLabels": replicated}, "template": template}
            replica_sets.append(_owner("apps/v1", "ReplicaSet", space, "replicas", spec))
    return {"services": services, "replicaSets": replica_sets}


def priority_classes() -> list[Object]:
    """Return the PriorityClasses that drawn pods name."""
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    return [{**kind, "metadata": {"name": name}, "value": value} for name, value in PRIORITY_CLASSES.items()]


def runtime_class() -> Object:
    """Return the RuntimeClass that drawn pods name."""
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": RUNTIME_CLASS},
        "handler": RUNTIME_CLASS,
        "overhead": {"podFixed": dict(OVERHEAD)},
    }


def _owner(version: str, kind: str, space: str, name: str, spec: Object) -> Object:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": space, "uid": f"uid-{space}-{name}"},
        "spec": spec,
    }
