"""HTTP extenders (kube-scheduler extender API v1): other processes that filter, rate, preempt and bind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from kschedcore.engine.config.types import ExtenderFields
from kschedcore.engine.extenders.http import HTTPClient
from kschedcore.errors import KschedcoreError

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod

MAX_EXTENDER_SCORE = 10
SCORE_SCALE = 100 // MAX_EXTENDER_SCORE
"""Extenders score 0 to 10, plugins 0 to 100."""

Manifest = Mapping[str, Any]


class ExtenderError(KschedcoreError):
    """An extender that is not ignorable did not answer, or answered that it failed."""


@dataclass(frozen=True)
class Victims:
    """Pods that would have to leave a node.

    Attributes:
        pods: By UID, in the order of their importance.
        violations: How many of them overdraw a disruption budget.
    """

    pods: Mapping[str, Manifest]
    violations: int


@dataclass(frozen=True)
class Filtered:
    """What an extender leaves of some nodes.

    Attributes:
        nodes: Names of those that pass.
        rejected: Node -> (code, reason) of those that it gave a reason for.
    """

    nodes: list[str]
    rejected: dict[str, tuple[str, str]] = field(default_factory=dict)


class HTTPExtender:
    """One extender of a configuration.

    Args:
        config: What the configuration says of it.
    """

    def __init__(self, config: ExtenderFields) -> None:
        self.config = config
        self._managed = {resource.name for resource in config.managed_resources}
        self._client = HTTPClient(config)

    @property
    def name(self) -> str:
        """Its URL."""
        return self.config.url_prefix

    def is_interested(self, pod: Pod) -> bool:
        """Whether a container names a resource that it manages; it is asked of any pod if it manages none."""
        if not self._managed:
            return True
        containers = (*(pod.spec.containers or ()), *(pod.spec.init_containers or ()))
        return any(
            not self._managed.isdisjoint({*(each.resources.requests or ()), *(each.resources.limits or ())})
            for each in containers
            if each.resources is not None
        )

    def filter(self, pod: Manifest, nodes: Mapping[str, Manifest]) -> Filtered:
        """Ask which of some nodes may take a pod.

        Args:
            pod: The pod.
            nodes: Node by name, those that passed the filters and the extenders before.

        Raises:
            ExtenderError: It did not answer, or not sensibly.
        """
        if not self.config.filter_verb:
            return Filtered(list(nodes))
        result = self._ask(self.config.filter_verb, self._arguments(pod, nodes))
        passed = self._passed(result, nodes)
        failed = {**_texts(result.get("failednodes"), "Unschedulable")}
        failed |= _texts(result.get("failedandunresolvablenodes"), "UnschedulableAndUnresolvable")
        return Filtered(passed, failed)

    def _passed(self, result: Manifest, nodes: Mapping[str, Manifest]) -> list[str]:
        names = result.get("nodenames")
        if not self.config.node_cache_capable or names is None:
            listed = result.get("nodes") or {}
            names = [item["metadata"]["name"] for item in listed.get("items") or ()]
        for name in names:
            if name not in nodes:
                raise ExtenderError(
                    f'extender "{self.name}" claims a filtered node "{name}" which is not found in the input '
                    "node list"
                )
        return list(names)

    def prioritize(self, pod: Manifest, nodes: Mapping[str, Manifest]) -> dict[str, int]:
        """Ask how good some nodes are; node -> score as it counts, 0 to 100 times the extender's weight.

        Raises:
            ExtenderError: It did not answer, or not sensibly.
        """
        if not self.config.prioritize_verb:
            return {}
        answer = self._send(self.config.prioritize_verb, self._arguments(pod, nodes))
        scores: dict[str, int] = {}
        for item in answer if isinstance(answer, list) else ():
            rated = _lowered(item)
            name = str(rated.get("host", ""))
            scores[name] = scores.get(name, 0) + int(rated.get("score", 0)) * self.config.weight * SCORE_SCALE
        return scores

    def preempt(self, pod: Manifest, victims: Mapping[str, Victims]) -> dict[str, Victims]:
        """Ask which victims on which nodes it would agree to.

        Raises:
            ExtenderError: It did not answer, or names a pod that is not on the node it says.
        """
        if self.config.node_cache_capable:
            told = {
                node: {"Pods": [{"UID": uid} for uid in each.pods], "NumPDBViolations": each.violations}
                for node, each in victims.items()
            }
            arguments = {"Pod": pod, "NodeNameToVictims": None, "NodeNameToMetaVictims": told}
        else:
            told = {
                node: {"Pods": list(each.pods.values()), "NumPDBViolations": each.violations}
                for node, each in victims.items()
            }
            arguments = {"Pod": pod, "NodeNameToVictims": told, "NodeNameToMetaVictims": None}
        result = self._ask(self.config.preempt_verb, arguments)
        return {
            node: self._agreed(node, _lowered(each), victims)
            for node, each in (result.get("nodenametometavictims") or {}).items()
        }

    def _agreed(self, node: str, meta: Manifest, victims: Mapping[str, Victims]) -> Victims:
        if node not in victims:
            raise ExtenderError(
                f'extender "{self.name}" claims victims on node "{node}" that it was not asked of'
            )
        known, pods = victims[node].pods, {}
        for item in meta.get("pods") or ():
            uid = str(_lowered(item).get("uid", ""))
            if uid not in known:
                raise ExtenderError(
                    f"extender: {self.name} claims to preempt pod (UID: {uid}) on node: {node}, "
                    "but the pod is not found on that node"
                )
            pods[uid] = known[uid]
        return Victims(pods, int(meta.get("numpdbviolations") or 0))

    def bind(self, pod: Pod, node: str) -> None:
        """Let it bind a pod.

        Raises:
            ExtenderError: It did not answer, or answered that it failed.
        """
        meta = pod.metadata
        arguments = {
            "PodName": meta.name,
            "PodNamespace": meta.namespace or "default",
            "PodUID": meta.uid,
            "Node": node,
        }
        self._ask(self.config.bind_verb, arguments)

    def _arguments(self, pod: Manifest, nodes: Mapping[str, Manifest]) -> Manifest:
        if self.config.node_cache_capable:
            return {"Pod": pod, "Nodes": None, "NodeNames": list(nodes)}
        return {"Pod": pod, "Nodes": {"metadata": {}, "items": list(nodes.values())}, "NodeNames": None}

    def _ask(self, verb: str, arguments: Manifest) -> Manifest:
        """An answer that is an object, its own complaint raised."""
        result = _lowered(self._send(verb, arguments))
        if result.get("error"):
            raise ExtenderError(str(result["error"]))
        return result

    def _send(self, verb: str, arguments: Manifest) -> Any:
        try:
            return msgspec.json.decode(self._client.post(verb, msgspec.json.encode(arguments)))
        except (OSError, ValueError) as error:
            raise ExtenderError(f"extender {self.name}: {verb}: {error}") from None


def _lowered(answer: Any) -> Manifest:
    """An object with its keys in lower case: Go, and so every extender, minds no case."""
    return {str(key).lower(): value for key, value in answer.items()} if isinstance(answer, Mapping) else {}


def _texts(failed: Any, code: str) -> dict[str, tuple[str, str]]:
    return {node: (code, str(text)) for node, text in (failed or {}).items()}


class Extenders:
    """The extenders of a configuration in the order in which they are asked: ignorable ones last.

    Attributes:
        nodes: Node by name, as extenders are shown them.
    """

    def __init__(self, configs: Iterable[ExtenderFields]) -> None:
        extenders = [HTTPExtender(config) for config in configs]
        self._extenders = sorted(extenders, key=lambda extender: extender.config.ignorable)
        self.nodes: dict[str, Manifest] = {}

    def __bool__(self) -> bool:
        return bool(self._extenders)

    @property
    def filters(self) -> bool:
        """Whether any of them filters."""
        return any(extender.config.filter_verb for extender in self._extenders)

    @property
    def prioritizes(self) -> bool:
        """Whether any of them scores."""
        return any(extender.config.prioritize_verb for extender in self._extenders)

    def _asked(self, pod: Pod) -> list[HTTPExtender]:
        return [extender for extender in self._extenders if extender.is_interested(pod)]

    def _nodes(self, names: Iterable[str]) -> dict[str, Manifest]:
        return {name: self.nodes[name] for name in names}

    def filter(self, pod: Pod, manifest: Manifest, names: Sequence[str]) -> Filtered:
        """Ask one after another which nodes may take a pod (findNodesThatPassExtenders).

        Raises:
            ExtenderError: One that is not ignorable failed.
        """
        left = list(names)
        rejected: dict[str, tuple[str, str]] = {}
        for extender in self._asked(pod):
            if not left:
                break
            try:
                answer = extender.filter(manifest, self._nodes(left))
            except ExtenderError:
                if extender.config.ignorable:
                    continue
                raise
            left = answer.nodes
            rejected |= answer.rejected
        return Filtered(left, rejected)

    def prioritize(self, pod: Pod, manifest: Manifest, names: Sequence[str]) -> dict[str, int]:
        """Sum what they add to nodes' scores; one that fails adds nothing."""
        totals: dict[str, int] = {}
        for extender in self._asked(pod):
            try:
                scores = extender.prioritize(manifest, self._nodes(names))
            except ExtenderError:
                continue
            for name, score in scores.items():
                totals[name] = totals.get(name, 0) + score
        return totals

    def preempt(self, pod: Pod, manifest: Manifest, victims: dict[str, Victims]) -> dict[str, Victims]:
        """Narrow down candidates for preemption (``callExtenders``).

        Raises:
            ExtenderError: One that is not ignorable failed, or left a node without victims.
        """
        for extender in self._asked(pod):
            if not extender.config.preempt_verb or not victims:
                continue
            try:
                answer = extender.preempt(manifest, victims)
                for node, each in answer.items():
                    if not each.pods:
                        raise ExtenderError(f'expected at least one victim pod on node "{node}"')
            except ExtenderError:
                if extender.config.ignorable:
                    continue
                raise
            victims = answer
        return victims

    def bind(self, pod: Pod, node: str) -> bool:
        """Let the extender that binds do so; False when there is none, or it failed and is ignorable.

        Raises:
            ExtenderError: It failed and is not ignorable.
        """
        for extender in self._asked(pod):
            if not extender.config.bind_verb:
                continue
            try:
                extender.bind(pod, node)
            except ExtenderError:
                if extender.config.ignorable:
                    continue
                raise
            return True
        return False
