"""Where a DaemonSet stands: for each node, whether a daemon pod belongs there, and the pods that are there."""

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

__all__ = ["Eligibility", "Place", "Verdict", "places", "target_node"]


class Verdict(NamedTuple):
    """What a DaemonSet has to do with a node.

    Attributes:
        runs: Whether a pod belongs there.
        stays: Whether a pod that is there already may stay.
    """

    runs: bool
    stays: bool


_NOWHERE = Verdict(runs=False, stays=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A node, or the name of one that is gone, as one DaemonSet sees it.

    Attributes:
        node: Its name.
        exists: Whether there is such a node.
        verdict: Whether a daemon pod belongs there.
        pods: The DaemonSet's pods there, bound ones first, then the oldest.
    """

    node: str
    exists: bool
    verdict: Verdict
    pods: list[Object]


_Verdicts = dict[str, tuple[Any, Any, Verdict]]
"""By name of the node: its labels and spec, and what followed from them."""


class Eligibility:
    """Which nodes suit which DaemonSet, found out again only for what has changed."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[Object, PodSpec, _Verdicts]] = {}

    def of(self, daemon_set: Object, nodes: Iterable[Object]) -> list[Verdict]:
        """Whether a pod of the DaemonSet belongs on a node, or may stay there, for each node."""
        key, template = key_of(daemon_set), daemon_set["spec"]["template"]["spec"]
        known = self._known.get(key)
        if known is None or known[0] is not template:
            view = decode(Pod, {"metadata": {}, "spec": daemon_spec(template)}).spec
            known = template, view, {}
        _, view, before = known
        verdicts: _Verdicts = {}
        for node in nodes:
            metadata = node["metadata"]
            name, labels, spec = metadata["name"], metadata.get("labels"), node.get("spec")
            found = before.get(name)
            # Stored parts that did not change stay the same object; a heartbeat changes neither of these.
            if found is None or found[0] is not labels or found[1] is not spec:
                found = labels, spec, _verdict(view, node)
            verdicts[name] = found
        self._known[key] = template, view, verdicts
        return [verdict for _, _, verdict in verdicts.values()]

    def forget(self, key: Key) -> None:
        """A DaemonSet is gone."""
        self._known.pop(key, None)


def _verdict(view: PodSpec, node: Object) -> Verdict:
    typed = view_of(Node, node)
    try:
        return Verdict(runs_on(view, typed), stays_on(view, typed))
    except ValueError:
        # Required node affinity that cannot be read matches no node.
        return _NOWHERE


def places(
    daemon_set: Object, nodes: Sequence[Object], pods: Iterable[Object], eligibility: Eligibility
) -> list[Place]:
    """Every node, in the order given, and after them those that only pods still name.

    A pod that names no node (one that was adopted) is nowhere.
    """
    on_node: dict[str, list[Object]] = {}
    for pod in sorted(pods, key=_seniority):
        on_node.setdefault(target_node(pod), []).append(pod)
    on_node.pop("", None)
    names = [node["metadata"]["name"] for node in nodes]
    verdicts = eligibility.of(daemon_set, nodes)
    found = [
        Place(name, True, verdict, on_node.pop(name, []))
        for name, verdict in zip(names, verdicts, strict=True)
    ]
    return found + [Place(name, False, _NOWHERE, left) for name, left in on_node.items()]


def target_node(pod: Object) -> str:
    """The node that a daemon pod is on, or is meant for; ``""`` when it names none (``GetTargetNodeName``)."""
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
