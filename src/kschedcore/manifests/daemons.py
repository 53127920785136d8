"""The pods of a DaemonSet: one on every eligible node (``pkg/controller/daemon``).

The DaemonSet controller sets the node in each pod's required node affinity, and kube-scheduler binds it. It adds
tolerations of the taints for a node's conditions, and creates no pods for nodes that the template's affinity, node
selector or tolerations exclude.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from kschedcore.api.objects import Node, Pod, PodSpec, decode
from kschedcore.api.phases import FINISHED
from kschedcore.api.selectors import node_selector
from kschedcore.api.taints import HARD_EFFECTS, find_untolerated
from kschedcore.api.templates import template_of
from kschedcore.errors import ManifestError

__all__ = ["daemon_pods_of", "daemon_spec", "nodes_with_daemon", "pinned", "runs_on", "stays_on"]

_REQUIRED: Final = "spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
_TOLERATED: Final = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_TOLERATED_ON_THE_HOST: Final = (*_TOLERATED, ("node.kubernetes.io/network-unavailable", "NoSchedule"))


def daemon_pods_of(daemon_set: Mapping[str, Any], nodes: Iterable[Node]) -> list[dict[str, Any]]:
    """Return the pods of a DaemonSet, ``NAME-NODE`` each, in the order of the nodes.

    Args:
        daemon_set: A whole apps/v1 DaemonSet.
        nodes: The cluster's nodes.

    Raises:
        ManifestError: The pod template or its required node affinity is invalid.
    """
    template_of(daemon_set)
    metadata = daemon_set["metadata"]
    template = (daemon_set.get("spec") or {}).get("template") or {}
    spec = daemon_spec(template.get("spec") or {})
    view = decode(Pod, {"metadata": {}, "spec": spec}).spec
    about = template.get("metadata") or {}
    owner = {
        "apiVersion": daemon_set.get("apiVersion", ""), "kind": "DaemonSet", "name": metadata["name"],
        "controller": True, **({"uid": metadata["uid"]} if metadata.get("uid") else {}),
    }  # fmt: skip
    try:
        chosen = [node.metadata.name for node in nodes if runs_on(view, node)]
    except ValueError as error:
        raise ManifestError(str(error), path=_REQUIRED) from None
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{metadata['name']}-{name}",
                "namespace": metadata.get("namespace") or "default",
                **{key: about[key] for key in ("labels", "annotations") if about.get(key)},
                "ownerReferences": [owner],
            },
            "spec": pinned(spec, name),
        }
        for name in chosen
    ]


def nodes_with_daemon(daemon_set: Mapping[str, Any], pods: Iterable[Pod]) -> set[str]:
    """Return the names of the nodes that have a pod of a DaemonSet, or for which one is pending.

    A pod that is being deleted counts: the controller replaces it when it is gone.
    """
    metadata = daemon_set["metadata"]
    key = metadata.get("namespace") or "default", metadata["name"]
    return {
        node
        for pod in pods
        if pod.status.phase not in FINISHED
        and (pod.metadata.namespace or "default") == key[0]
        and any(
            owner.controller and (owner.kind, owner.name) == ("DaemonSet", key[1])
            for owner in pod.metadata.owner_references or ()
        )
        and (node := pod.spec.node_name or _pinned_to(pod.spec))
    }


def _pinned_to(spec: PodSpec) -> str:
    """Return the node in a daemon pod's required affinity."""
    affinity = spec.affinity.node_affinity if spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    for term in (required.node_selector_terms or ()) if required else ():
        for field in term.match_fields or ():
            if field.key == "metadata.name" and field.values:
                return field.values[0]
    return ""


def runs_on(spec: PodSpec, node: Node) -> bool:
    """Return whether a daemon pod with this spec should run on a node (``NodeShouldRunDaemonPod``).

    Raises:
        ValueError: The required node affinity is invalid; the message is Kubernetes'.
    """
    return _fits(spec, node) and _tolerates(spec, node, HARD_EFFECTS)


def stays_on(spec: PodSpec, node: Node) -> bool:
    """Return whether a daemon pod on a node may stay there: only ``NoExecute`` taints evict it.

    Raises:
        ValueError: The required node affinity is invalid; the message is Kubernetes'.
    """
    return _fits(spec, node) and _tolerates(spec, node, {"NoExecute"})


def _tolerates(spec: PodSpec, node: Node, effects: Collection[str]) -> bool:
    return find_untolerated(node.spec.taints or (), spec.tolerations or (), effects) is None


def _fits(spec: PodSpec, node: Node) -> bool:
    name, labels = node.metadata.name, node.metadata.labels or {}
    if spec.node_name and spec.node_name != name:
        return False
    if any(labels.get(key) != value for key, value in (spec.node_selector or {}).items()):
        return False
    affinity = spec.affinity.node_affinity if spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    return required is None or node_selector(required).matches(labels, name)


def daemon_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template's pod spec with the tolerations of all daemon pods."""
    tolerated = _TOLERATED_ON_THE_HOST if spec.get("hostNetwork") is True else _TOLERATED
    added = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in tolerated]
    own = [each for each in spec.get("tolerations") or () if _without_seconds(each) not in added]
    return {**spec, "tolerations": own + added}


def _without_seconds(toleration: Any) -> Any:
    if not isinstance(toleration, Mapping):
        return toleration
    return {key: value for key, value in toleration.items() if value and key != "tolerationSeconds"}


def pinned(spec: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Return the daemon pod's spec for one node, whose name replaces required terms."""
    requirement = {"key": "metadata.name", "operator": "In", "values": [node]}
    affinity = spec.get("affinity") or {}
    return {
        **spec,
        "affinity": {
            **affinity,
            "nodeAffinity": {
                **(affinity.get("nodeAffinity") or {}),
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchFields": [requirement]}]
                },
            },
        },
    }
