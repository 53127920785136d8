"""Random clusters with pods to place on them, in the shape of a recorded case."""

from typing import NamedTuple

from hypothesis import strategies as st
from tests.strategies.affinities import label_selectors
from tests.strategies.configs import configs
from tests.strategies.nodes import nodes
from tests.strategies.pods import FEATURES, bound_pods, pods, themes
from tests.strategies.vocabulary import NAMESPACE_LABELS, NAMESPACES, POD_LABELS, Json
from tests.strategies.volumes import storages

APPS: st.SearchStrategy[Json | None] = st.sampled_from([None, *({"app": app} for app in POD_LABELS["app"])])


class Placement(NamedTuple):
    """A cluster, and pods to place on it one after another."""

    cluster: Json
    pending: list[Json]


@st.composite
def clusters(
    draw: st.DrawFn,
    max_nodes: int = 5,
    max_pods: int = 6,
    features: tuple[str, ...] = tuple(FEATURES),
    configured: bool = True,
) -> Json:
    """A valid cluster of at least one node whose pods have any of `features`.

    Nodes are tainted, and there is storage, where features of pods can answer to them; `configured` allows a
    KubeSchedulerConfiguration.
    """
    names = node_names(draw(st.integers(1, max_nodes)))
    tainted = "tolerations" in features
    cluster: Json = {
        "nodes": [draw(nodes(name, tainted=tainted)) for name in names],
        "pods": [draw(bound_pods(f"b{i}", names, features)) for i in range(draw(st.integers(0, max_pods)))],
        "namespaces": draw(namespaces()),
    }
    if "priority" in features:
        cluster["podDisruptionBudgets"] = [
            draw(budgets(f"budget-{i}")) for i in range(draw(st.integers(0, 2)))
        ]
    if "claims" in features:
        cluster.update(draw(storages(names)))
    if "owners" in features:
        cluster.update(draw(owners()))
    if configured and draw(st.integers(0, 2)) == 2:
        cluster["config"] = draw(configs(names))
    return cluster


@st.composite
def placements(
    draw: st.DrawFn,
    max_nodes: int = 5,
    max_pods: int = 6,
    max_pending: int = 3,
    features: tuple[str, ...] = tuple(FEATURES),
) -> Placement:
    """A cluster and up to `max_pending` pods to place on it, all of one theme out of `features`."""
    theme = draw(themes(features))
    cluster = draw(clusters(max_nodes, max_pods, theme))
    names = [node["metadata"]["name"] for node in cluster["nodes"]]
    pending = [draw(pods(f"p{i}", names, theme)) for i in range(draw(st.integers(1, max_pending)))]
    return Placement(cluster, pending)


def node_names(count: int) -> list[str]:
    """`node-0` and on."""
    return [f"node-{number}" for number in range(count)]


def namespaces() -> st.SearchStrategy[list[Json]]:
    """The namespaces that pods live in, each with labels of some team or none."""
    labels = st.tuples(*(st.sampled_from(NAMESPACE_LABELS) for _ in NAMESPACES))
    return labels.map(lambda drawn: [namespace(n, own) for n, own in zip(NAMESPACES, drawn, strict=True)])


def namespace(name: str, labels: dict[str, str]) -> Json:
    own = {"kubernetes.io/metadata.name": name, **labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": own}}


@st.composite
def budgets(draw: st.DrawFn, name: str) -> Json:
    """A PodDisruptionBudget that allows few disruptions or none."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": draw(st.sampled_from(NAMESPACES))},
        "spec": {"minAvailable": 1, "selector": draw(label_selectors())},
        "status": {"disruptionsAllowed": draw(st.integers(0, 2))},
    }


@st.composite
def owners(draw: st.DrawFn) -> Json:
    """Services and replica sets that select by app; a namespace has one of each or none."""
    services: list[Json] = []
    replica_sets: list[Json] = []
    for space in NAMESPACES:
        selected, replicated = draw(APPS), draw(APPS)
        if selected:
            services.append(_owner("v1", "Service", space, "service", {"selector": selected}))
        if replicated:
            spec = {"selector": {"matchLabels": replicated}}
            replica_sets.append(_owner("apps/v1", "ReplicaSet", space, "replicas", spec))
    return {"services": services, "replicaSets": replica_sets}


def _owner(version: str, kind: str, space: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": space, "uid": f"uid-{space}-{name}"},
        "spec": spec,
    }
