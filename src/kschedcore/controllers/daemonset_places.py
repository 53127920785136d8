"""Where a DaemonSet stands: for each node, whether a daemon pod belongs there, and the pods that are there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kschedcore.api.daemons import daemon_spec, runs_on, stays_on
from kschedcore.api.objects import Node, Pod, PodSpec, decode
from kschedcore.store.admission_types import Object

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


@dataclass(slots=True)
class _Known:
    """What was found out about a template."""

    template: Object
    view: PodSpec
    verdicts: dict[str, tuple[Any, Any, Verdict]] = field(default_factory=dict)


class Eligibility:
    """Which nodes suit which DaemonSet, found out again only for what has changed."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def of(self, daemon_set: Object, node: Object) -> Verdict:
        """Whether a pod of the DaemonSet belongs on a node, or may stay there."""
        known = self._of_template(daemon_set["metadata"]["uid"], daemon_set["spec"]["template"]["spec"])
        metadata = node["metadata"]
        labels, spec = metadata.get("labels"), node.get("spec")
        found = known.verdicts.get(metadata["name"])
        # Stored parts that did not change stay the same object; a heartbeat changes neither of these.
        if found is not None and found[0] is labels and found[1] is spec:
            return found[2]
        verdict = _verdict(known.view, node)
        known.verdicts[metadata["name"]] = (labels, spec, verdict)
        return verdict

    def _of_template(self, uid: str, template: Object) -> _Known:
        known = self._known.get(uid)
        if known is None or known.template is not template:
            view = decode(Pod, {"metadata": {}, "spec": daemon_spec(template)}).spec
            known = self._known[uid] = _Known(template, view)
        return known

    def forget(self, uid: str) -> None:
        """A DaemonSet is gone."""
        self._known.pop(uid, None)


def _verdict(view: PodSpec, node: Object) -> Verdict:
    typed = decode(Node, node)
    try:
        return Verdict(runs_on(view, typed), stays_on(view, typed))
    except ValueError:
        # Required node affinity that cannot be read matches no node.
        return _NOWHERE


def places(
    daemon_set: Object, nodes: Iterable[Object], pods: Iterable[Object], eligibility: Eligibility
) -> list[Place]:
    """Every node, in the order given, and after them those that only pods still name."""
    on_node: dict[str, list[Object]] = {}
    for pod in sorted(pods, key=_seniority):
        on_node.setdefault(target_node(pod), []).append(pod)
    found = [
        Place(name, True, eligibility.of(daemon_set, node), on_node.pop(name, []))
        for node in nodes
        for name in (node["metadata"]["name"],)
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
