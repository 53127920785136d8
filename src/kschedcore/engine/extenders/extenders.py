"""HTTP extenders (kube-scheduler extender API v1): processes that filter, score, preempt and bind for a scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from kschedcore.engine.config.types import ExtenderFields
from kschedcore.engine.extenders.answers import (
    FilterResult,
    HostPriority,
    MetaPod,
    MetaVictims,
    PreemptionResult,
    Result,
)
from kschedcore.engine.extenders.http import HTTPClient
from kschedcore.errors import ExtenderError

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod

__all__ = ["ExtenderError", "Extenders", "Filtered", "HTTPExtender", "Manifest", "Victims"]

MAX_EXTENDER_SCORE = 10
SCORE_SCALE = 100 // MAX_EXTENDER_SCORE
"""Extenders score 0 to 10, plugins 0 to 100."""

Manifest = Mapping[str, Any]
T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Victims:
    """Pods that a preemption would evict from one node.

    Attributes:
        pods: By UID, the most important first.
        violations: Number of evictions that violate a disruption budget.
    """

    pods: Mapping[str, Manifest]
    violations: int


@dataclass(frozen=True)
class Filtered:
    """The result of filtering nodes.

    Attributes:
        nodes: Names of the nodes that passed.
        rejected: Node -> (status code, reason), for rejections with a reason.
        whole: Whether an extender answered with whole nodes instead of names.
    """

    nodes: list[str]
    rejected: dict[str, tuple[str, str]] = field(default_factory=dict)
    whole: bool = False


class HTTPExtender:
    """One extender of a configuration.

    Args:
        config: Its entry in the KubeSchedulerConfiguration.
    """

    def __init__(self, config: ExtenderFields) -> None:
        self.config = config
        self._managed = {resource.name for resource in config.managed_resources}
        self._client = HTTPClient(config)

    @property
    def name(self) -> str:
        """The extender's URL."""
        return self.config.url_prefix

    def is_interested(self, pod: Pod) -> bool:
        """Return whether the extender is called for a pod: it manages no resources, or a container requests one."""
        if not self._managed:
            return True
        containers = (*(pod.spec.containers or ()), *(pod.spec.init_containers or ()))
        return any(
            not self._managed.isdisjoint({*(each.resources.requests or ()), *(each.resources.limits or ())})
            for each in containers
            if each.resources is not None
        )

    def filter(self, pod: Manifest, nodes: Mapping[str, Manifest]) -> Filtered:
        """Filter nodes for a pod.

        Args:
            pod: The pod.
            nodes: Node by name: those that passed the filters and the extenders before this one.

        Raises:
            ExtenderError: The request failed, or the response is invalid.
        """
        if not self.config.filter_verb:
            return Filtered(list(nodes))
        verb = self.config.filter_verb
        result = self._result(verb, FilterResult, self._arguments(pod, nodes))
        passed, whole = self._passed(result, nodes)
        failed = _with_code(result.failed_nodes, "Unschedulable")
        failed |= _with_code(result.failed_and_unresolvable_nodes, "UnschedulableAndUnresolvable")
        return Filtered(passed, failed, whole)

    def _passed(self, result: FilterResult, nodes: Mapping[str, Manifest]) -> tuple[list[str], bool]:
        """Return the names of the nodes that passed, and whether the answer had whole nodes."""
        names = result.node_names
        whole = not self.config.node_cache_capable or names is None
        if whole or names is None:
            items = result.nodes.items if result.nodes else None
            names = [item.metadata.name for item in items or ()]
        for name in names:
            if name not in nodes:
                raise ExtenderError(
                    f'extender "{self.name}" claims a filtered node "{name}" which is not found in the input '
                    "node list"
                )
        return list(names), whole

    def prioritize(self, pod: Manifest, nodes: Mapping[str, Manifest]) -> dict[str, int]:
        """Score nodes for a pod.

        Returns:
            Node -> what is added to its total: the extender's score scaled to 0 to 100, times its weight.

        Raises:
            ExtenderError: The request failed, or the response is invalid.
        """
        verb = self.config.prioritize_verb
        if not verb:
            return {}
        answer = self._send(verb, self._arguments(pod, nodes))
        scores: dict[str, int] = {}
        for item in self._expect(verb, answer, list):
            rated = self._read(verb, HostPriority, item)
            added = (rated.score or 0) * self.config.weight * SCORE_SCALE
            scores[rated.host or ""] = _int64(scores.get(rated.host or "", 0) + added)
        return scores

    def preempt(self, pod: Manifest, victims: Mapping[str, Victims]) -> dict[str, Victims]:
        """Narrow down the candidates of a preemption.

        Raises:
            ExtenderError: The request failed, the response is invalid, or it names a pod that is not among the node's
                victims.
        """
        cached = self.config.node_cache_capable
        proposed = {
            node: {
                "Pods": [{"UID": uid} for uid in each.pods] if cached else list(each.pods.values()),
                "NumPDBViolations": each.violations,
            }
            for node, each in victims.items()
        }
        arguments = {
            "Pod": pod,
            "NodeNameToVictims": None if cached else proposed,
            "NodeNameToMetaVictims": proposed if cached else None,
        }
        result = self._result(self.config.preempt_verb, PreemptionResult, arguments)
        return {
            node: self._victims(node, meta, victims)
            for node, meta in (result.node_name_to_meta_victims or {}).items()
        }

    def _victims(self, node: str, answer: Manifest | None, victims: Mapping[str, Victims]) -> Victims:
        if node not in victims:
            raise ExtenderError(
                f'extender "{self.name}" claims victims on node "{node}" which is not among the candidates'
            )
        verb = self.config.preempt_verb
        meta = self._read(verb, MetaVictims, answer)
        known, pods = victims[node].pods, {}
        for item in meta.pods or ():
            uid = self._read(verb, MetaPod, item).uid or ""
            if uid not in known:
                raise ExtenderError(
                    f"extender: {self.name} claims to preempt pod (UID: {uid}) on node: {node}, "
                    "but the pod is not found on that node"
                )
            pods[uid] = known[uid]
        return Victims(pods, meta.num_pdb_violations or 0)

    def bind(self, pod: Pod, node: str) -> None:
        """Bind a pod to a node.

        Raises:
            ExtenderError: The request or the binding failed.
        """
        meta = pod.metadata
        arguments = {
            "PodName": meta.name,
            "PodNamespace": meta.namespace or "default",
            "PodUID": meta.uid,
            "Node": node,
        }
        self._result(self.config.bind_verb, Result, arguments)

    def _arguments(self, pod: Manifest, nodes: Mapping[str, Manifest]) -> Manifest:
        if self.config.node_cache_capable:
            return {"Pod": pod, "Nodes": None, "NodeNames": list(nodes)}
        return {"Pod": pod, "Nodes": {"metadata": {}, "items": list(nodes.values())}, "NodeNames": None}

    def _result(self, verb: str, type_: type[R], arguments: Manifest) -> R:
        """Send a request, return the response and raise its ``Error``, if any."""
        result = self._read(verb, type_, self._send(verb, arguments))
        if result.error:
            raise ExtenderError(result.error)
        return result

    def _send(self, verb: str, arguments: Manifest) -> Any:
        try:
            return msgspec.json.decode(self._client.post(verb, msgspec.json.encode(arguments)))
        except (OSError, ValueError, RecursionError) as error:
            raise ExtenderError(f"extender {self.name}: {verb}: {error}") from None

    def _expect(self, verb: str, value: Any, type_: type[Any]) -> Any:
        """Return a value of a type, or an empty one for null, as Go decodes it."""
        if value is None:
            return type_()
        if not isinstance(value, type_):
            raise ExtenderError(
                f"extender {self.name}: {verb}: the response is invalid: found {type(value).__name__}, "
                f"expected {'an array' if type_ is list else 'an object'}"
            )
        return value

    def _read(self, verb: str, type_: type[T], value: Any) -> T:
        """Convert a decoded object. Field names match in any case, as in Go's decoder."""
        fields = {str(key).lower(): item for key, item in self._expect(verb, value, dict).items()}
        try:
            return msgspec.convert(fields, type_)
        except (msgspec.ValidationError, RecursionError) as error:
            raise ExtenderError(f"extender {self.name}: {verb}: the response is invalid: {error}") from None


def _with_code(failed: Mapping[str, str] | None, code: str) -> dict[str, tuple[str, str]]:
    return {node: (code, reason) for node, reason in (failed or {}).items()}


def _int64(value: int) -> int:
    """Wrap a sum as Go's int64 does."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def _no_node(name: str) -> Manifest:
    raise KeyError(name)


class Extenders:
    """The extenders of a configuration in the order in which they are called: ignorable ones last.

    Attributes:
        node: Returns a whole node by name, for requests.
    """

    def __init__(self, configs: Iterable[ExtenderFields]) -> None:
        extenders = [HTTPExtender(config) for config in configs]
        self._extenders = sorted(extenders, key=lambda extender: extender.config.ignorable)
        self.node: Callable[[str], Manifest] = _no_node

    def __bool__(self) -> bool:
        return bool(self._extenders)

    @property
    def filters(self) -> bool:
        """Whether any extender filters."""
        return any(extender.config.filter_verb for extender in self._extenders)

    @property
    def prioritizes(self) -> bool:
        """Whether any extender scores."""
        return any(extender.config.prioritize_verb for extender in self._extenders)

    def _interested(self, pod: Pod) -> list[HTTPExtender]:
        return [extender for extender in self._extenders if extender.is_interested(pod)]

    def _nodes(self, names: Iterable[str]) -> dict[str, Manifest]:
        return {name: self.node(name) for name in names}

    def filter(self, pod: Pod, manifest: Manifest, names: Sequence[str]) -> Filtered:
        """Filter nodes through one extender after another (findNodesThatPassExtenders).

        Raises:
            ExtenderError: One that is not ignorable failed.
        """
        left = list(names)
        rejected: dict[str, tuple[str, str]] = {}
        whole = False
        for extender in self._interested(pod):
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
            whole |= answer.whole
        return Filtered(left, rejected, whole)

    def prioritize(self, pod: Pod, manifest: Manifest, names: Sequence[str]) -> dict[str, int]:
        """Sum the extenders' scores; one that fails adds nothing."""
        totals: dict[str, int] = {}
        for extender in self._interested(pod):
            try:
                scores = extender.prioritize(manifest, self._nodes(names))
            except ExtenderError:
                continue
            for name, score in scores.items():
                totals[name] = _int64(totals.get(name, 0) + score)
        return totals

    def preempt(self, pod: Pod, manifest: Manifest, victims: dict[str, Victims]) -> dict[str, Victims]:
        """Narrow down candidates for preemption (``callExtenders``).

        Raises:
            ExtenderError: One that is not ignorable failed, or left a node without victims.
        """
        for extender in self._interested(pod):
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
        """Bind through the first extender that binds; False when there is none, or it failed and is ignorable.

        Raises:
            ExtenderError: It failed and is not ignorable.
        """
        for extender in self._interested(pod):
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
