"""The pods of a DaemonSet by node, and whether a node should run a daemon pod."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import Node, Pod, PodSpec, decode
from kschedcore.api.objects.views import view_of
from kschedcore.client.informer import key_of
from kschedcore.controllers.controller import Key
from kschedcore.manifests.daemons import daemon_spec, runs_on, stays_on

__all__ = ["Eligibility", "NodePods", "RunDecision", "pods_by_node", "target_node"]


class RunDecision(NamedTuple):
    """Whether a node should run a daemon pod (``NodeShouldRunDaemonPod``).

    Attributes:
        should_run: Whether a missing pod is created.
        should_continue: Whether an existing pod keeps running.
    """

    should_run: bool
    should_continue: bool


_NOWHERE = RunDecision(should_run=False, should_continue=False)


@dataclass(frozen=True, slots=True)
class NodePods:
    """A node, or the name of a deleted node, with the pods of one DaemonSet.

    Attributes:
        node: The node's name.
        exists: Whether the node exists.
        decision: Whether the node should run a daemon pod.
        pods: The DaemonSet's pods on the node, bound ones first, then the oldest.
    """

    node: str
    exists: bool
    decision: RunDecision
    pods: list[Object]


_Decisions = dict[str, tuple[Any, Any, RunDecision]]
"""Node name -> labels, spec and the decision computed from them."""


class Eligibility:
    """Cache of run decisions per DaemonSet and node, recomputed when the template or the node changes."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[Object, PodSpec, _Decisions]] = {}

    def of(self, daemon_set: Object, nodes: Iterable[Object]) -> list[RunDecision]:
        """Return the run decision for each node, in the order of ``nodes``."""
        key, template = key_of(daemon_set), daemon_set["spec"]["template"]["spec"]
        known = self._known.get(key)
        if known is None or known[0] is not template:
            view = decode(Pod, {"metadata": {}, "spec": daemon_spec(template)}).spec
            known = template, view, {}
        _, view, before = known
        decisions: _Decisions = {}
        for node in nodes:
            metadata = node["metadata"]
            name, labels, spec = metadata["name"], metadata.get("labels"), node.get("spec")
            found = before.get(name)
            # Unchanged parts of stored objects keep their identity; a heartbeat changes neither of these.
            if found is None or found[0] is not labels or found[1] is not spec:
                found = labels, spec, _decide(view, node)
            decisions[name] = found
        self._known[key] = template, view, decisions
        return [decision for _, _, decision in decisions.values()]

    def forget(self, key: Key) -> None:
        """Drop the decisions of a deleted DaemonSet."""
        self._known.pop(key, None)


def _decide(view: PodSpec, node: Object) -> RunDecision:
    typed = view_of(Node, node)
    try:
        return RunDecision(runs_on(view, typed), stays_on(view, typed))
    except ValueError:
        # Invalid required node affinity matches no node.
        return _NOWHERE


def pods_by_node(
    daemon_set: Object, nodes: Sequence[Object], pods: Iterable[Object], eligibility: Eligibility
) -> list[NodePods]:
    """Return every node with its daemon pods, then the deleted nodes that pods still name.

    An adopted pod that names no node is left out.
    """
    on_node: dict[str, list[Object]] = {}
    for pod in sorted(pods, key=_seniority):
        on_node.setdefault(target_node(pod), []).append(pod)
    on_node.pop("", None)
    names = [node["metadata"]["name"] for node in nodes]
    decisions = eligibility.of(daemon_set, nodes)
    found = [
        NodePods(name, True, decision, on_node.pop(name, []))
        for name, decision in zip(names, decisions, strict=True)
    ]
    return found + [NodePods(name, False, _NOWHERE, left) for name, left in on_node.items()]


def target_node(pod: Object) -> str:
    """Return the node that a daemon pod is bound or pinned to; ``""`` without one (``GetTargetNodeName``)."""
    spec = pod["spec"]
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    required = (
        spec.get("affinity", {})
        .get("nodeAffinity", {})
        .get("requiredDuringSchedulingIgnoredDuringExecution", {})
    )
    for term in required.get("nodeSelectorTerms", ()):
        for each in term.get("matchFields", ()):
            if each["key"] == "metadata.name" and each["operator"] == "In" and len(each["values"]) == 1:
                return str(each["values"][0])
    return ""


def _seniority(pod: Object) -> tuple[bool, str, str]:
    metadata = pod["metadata"]
    return not pod["spec"].get("nodeName"), metadata["creationTimestamp"], metadata["name"]
