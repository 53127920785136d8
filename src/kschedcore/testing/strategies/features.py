"""Features of pods that affect scheduling; each function adds one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.affinities import node_affinities, pod_affinities
from kschedcore.testing.strategies.containers import containers
from kschedcore.testing.strategies.labels import label_selectors
from kschedcore.testing.strategies.taints import tolerations
from kschedcore.testing.strategies.vocabulary import (
    ADDRESSES,
    CLAIMS,
    GPU,
    HUGE_PAGES,
    NODE_LABELS,
    OVERHEAD,
    PORTS,
    PRIORITY_CLASSES,
    PROTOCOLS,
    RUNTIME_CLASS,
    TOPOLOGY_KEYS,
)

__all__ = ["FEATURES", "SCHEDULING_FEATURES", "Draft", "themes"]


@dataclass(frozen=True)
class Draft:
    """A pod being drawn.

    Attributes:
        draw: Hypothesis' own.
        pod: What is there of it.
        node_names: The nodes that it may name.
    """

    draw: st.DrawFn
    pod: Object
    node_names: Sequence[str]

    @property
    def spec(self) -> Object:
        """The pod's spec, which is modified."""
        spec: Object = self.pod["spec"]
        return spec

    def among(self, *choices: Any) -> Any:
        """Draw one of the choices; the first is the simplest."""
        return self.draw(st.sampled_from(choices))

    def affinity(self, kind: str, rules: st.SearchStrategy[Object]) -> None:
        """Add one kind of affinity."""
        self.spec.setdefault("affinity", {})[kind] = self.draw(rules)

    def volume(self, name: str, source: Object) -> None:
        """Add a volume."""
        self.spec.setdefault("volumes", []).append({"name": name, **source})


def _init_containers(draft: Draft) -> None:
    restarts = draft.draw(st.lists(st.sampled_from([None, "Always"]), min_size=1, max_size=3))
    drawn = []
    for number, restart in enumerate(restarts):
        container = draft.draw(containers(f"i{number}"))
        drawn.append({**container, "restartPolicy": restart} if restart else container)
    draft.spec["initContainers"] = drawn


def _overhead(draft: Draft) -> None:
    """Add a runtime class with its overhead, as after admission."""
    draft.spec.update(runtimeClassName=RUNTIME_CLASS, overhead=dict(OVERHEAD))


def _pod_level_resources(draft: Draft) -> None:
    """Add pod-level resources, at least the sum of any drawn containers, as the API server requires."""
    for container in [*draft.spec["containers"], *draft.spec.get("initContainers", [])]:
        container["resources"] = draft.among(
            {}, {"requests": {"cpu": "100m"}}, {"requests": {"memory": "64Mi"}}
        )
    draft.spec["resources"] = {"requests": {"cpu": draft.among("1", "2"), "memory": "1Gi"}}


def _extended_resources(draft: Draft) -> None:
    container = draft.spec["containers"][0]
    name = draft.among(GPU, "hugepages-2Mi", "example.com/absent")
    amount = draft.among(*HUGE_PAGES) if name == "hugepages-2Mi" else draft.among("1", "2", "0")
    resources = container.get("resources", {})
    requests = {"cpu": "100m", **resources.get("requests", {}), name: amount}
    container["resources"] = {"requests": requests, "limits": {**resources.get("limits", {}), name: amount}}


def _node_selector(draft: Draft) -> None:
    key = draft.among(*sorted(NODE_LABELS))
    draft.spec["nodeSelector"] = {key: draft.among(*NODE_LABELS[key])}


def _node_affinity(draft: Draft) -> None:
    draft.affinity("nodeAffinity", node_affinities(draft.node_names))


def _pod_affinity(draft: Draft) -> None:
    draft.affinity("podAffinity", pod_affinities())


def _pod_anti_affinity(draft: Draft) -> None:
    draft.affinity("podAntiAffinity", pod_affinities())


def _tolerations(draft: Draft) -> None:
    draft.spec["tolerations"] = draft.draw(tolerations())


def _host_ports(draft: Draft) -> None:
    port = st.fixed_dictionaries(
        {"containerPort": st.just(80), "hostPort": st.sampled_from(PORTS)},
        optional={"hostIP": st.sampled_from(ADDRESSES), "protocol": st.sampled_from(PROTOCOLS)},
    )
    draft.spec["containers"][0]["ports"] = [draft.draw(port)]


def _topology_spread(draft: Draft) -> None:
    constraint: st.SearchStrategy[Object] = st.fixed_dictionaries(
        {
            "maxSkew": st.integers(1, 3),
            "topologyKey": st.sampled_from(TOPOLOGY_KEYS),
            "whenUnsatisfiable": st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]),
            "labelSelector": label_selectors(),
        },
        optional={
            "nodeAffinityPolicy": st.sampled_from(["Honor", "Ignore"]),
            "nodeTaintsPolicy": st.sampled_from(["Honor", "Ignore"]),
        },
    )
    constraints = draft.draw(
        st.lists(
            constraint, min_size=1, max_size=2, unique_by=lambda c: (c["topologyKey"], c["whenUnsatisfiable"])
        )
    )
    for each in constraints:
        if each["whenUnsatisfiable"] == "DoNotSchedule" and draft.among(False, True):
            each["minDomains"] = draft.draw(st.integers(1, 4))
        selected = {e["key"] for e in each["labelSelector"].get("matchExpressions", [])}
        selected |= set(each["labelSelector"].get("matchLabels", {}))
        if "ver" not in selected and draft.among(False, True):
            each["matchLabelKeys"] = ["ver"]
    draft.spec["topologySpreadConstraints"] = constraints


def _priority(draft: Draft) -> None:
    """Add a priority class with its value, as after admission; or neither, that is 0."""
    name = draft.among(None, *PRIORITY_CLASSES)
    if name is not None:
        draft.spec["priorityClassName"] = name
        draft.spec["priority"] = PRIORITY_CLASSES[name]


def _claims(draft: Draft) -> None:
    """Add claims, which may not exist in the namespace; a pod may name one twice."""
    names = draft.draw(st.lists(st.sampled_from(CLAIMS), min_size=1, max_size=2))
    for number, name in enumerate(names):
        draft.volume(f"c{number}", {"persistentVolumeClaim": {"claimName": name}})


def _disks(draft: Draft) -> None:
    iscsi = {"targetPortal": "10.0.0.9", "iqn": "iqn.2026-01.com.example:disk", "lun": 0}
    kind, disk = draft.among(
        ("gcePersistentDisk", {"pdName": "disk"}),
        ("awsElasticBlockStore", {"volumeID": "disk"}),
        ("iscsi", iscsi),
        ("rbd", {"monitors": ["m1", "m2"], "image": "disk"}),
        ("rbd", {"monitors": ["m2"], "image": "disk", "pool": "rbd"}),
    )
    draft.volume("disk", {kind: {**disk, "readOnly": draft.among(False, True)}})


def _owners(draft: Draft) -> None:
    """Make the namespace's ReplicaSet the owner of the pod, whether it exists or not."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "replicas", "uid": "uid-replicas"}
    draft.pod["metadata"]["ownerReferences"] = [{**owner, "controller": True}]


def _restart_rules(draft: Draft) -> None:
    """Add a restart rule that needs a declared feature of the node (KEP-5532)."""
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    draft.spec["containers"][0].update(restartPolicy="Never", restartPolicyRules=[rule])


def _gates(draft: Draft) -> None:
    draft.spec["schedulingGates"] = [{"name": "example.com/a"}, {"name": "example.com/b"}]


FEATURES: dict[str, Callable[[Draft], None]] = {
    "initContainers": _init_containers,
    "overhead": _overhead,
    "podLevelResources": _pod_level_resources,
    "extendedResources": _extended_resources,
    "nodeSelector": _node_selector,
    "nodeAffinity": _node_affinity,
    "podAffinity": _pod_affinity,
    "podAntiAffinity": _pod_anti_affinity,
    "tolerations": _tolerations,
    "hostPorts": _host_ports,
    "topologySpread": _topology_spread,
    "priority": _priority,
    "claims": _claims,
    "disks": _disks,
    "owners": _owners,
    "restartRules": _restart_rules,
    "gates": _gates,
}
"""Name -> function that adds the feature to a pod."""

SCHEDULING_FEATURES = tuple(name for name in FEATURES if name != "gates")
"""The possible features of bound pods."""


def themes(features: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Draw a few of the features, so that the pods of an example interact more often."""
    if not features:
        return st.just(())
    few = st.lists(st.sampled_from(features), min_size=1, max_size=4, unique=True)
    with_priority = st.booleans() if "priority" in features else st.just(False)
    return st.tuples(few, with_priority).map(lambda d: (*d[0], "priority") if d[1] else tuple(d[0]))
