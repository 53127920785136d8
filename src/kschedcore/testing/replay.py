"""Replays one history on several schedulers, to compare their decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from kschedcore.api.machinery.types import Object
from kschedcore.api.versions import NEWEST
from kschedcore.engine.decision import Decision
from kschedcore.engine.engine import Engine
from kschedcore.engine.plugin import Plugin
from kschedcore.manifests.manifests import CLUSTER_KEYS, Manifests
from kschedcore.testing.strategies.histories import History

__all__ = ["Decided", "EngineScheduler", "Replay", "Scheduler"]

Step = dict[str, Any]
"""A decision in the layout of recorded scheduling steps (:meth:`kschedcore.Explanation.to_step`)."""

Key = tuple[str, str]
"""Namespace and name."""


class Scheduler(Protocol):
    """A scheduler that histories can be replayed on: :class:`EngineScheduler`, or a model of a rule."""

    def add_node(self, node: Object) -> None:
        """Add a Node, or replace the one of its name."""

    def remove_node(self, name: str) -> None:
        """Remove a node; its pods are kept."""

    def add_pod(self, pod: Object) -> None:
        """Add or update a bound or nominated Pod."""

    def remove_pod(self, namespace: str, name: str) -> None:
        """Remove a pod."""

    def set_namespace(self, namespace: Object) -> None:
        """Add a Namespace, or update its labels."""

    def set_object(self, kind: str, obj: Object) -> None:
        """Add or replace an object; ``kind`` is its key in a cluster: ``podDisruptionBudgets``."""

    def decide(self, pod: Object, *, preempt: bool = True) -> Step:
        """Decide on a node for a pod, without placing it."""

    def commit(self, pod: Object, step: Step) -> None:
        """Apply a decision: place the pod, or nominate it and remove the victims."""


class EngineScheduler:
    """An engine as a scheduler for histories.

    Args:
        cluster: A cluster for :meth:`kschedcore.Manifests.from_cluster`.
        forgetful: Drop all compiled classes before each decision, so that nothing is cached.
        plugins: Custom plugins that the cluster's configuration may name.
        kubernetes: The Kubernetes version to follow.
    """

    def __init__(
        self,
        cluster: Object,
        *,
        forgetful: bool = False,
        plugins: Iterable[type[Plugin]] = (),
        kubernetes: str = NEWEST,
    ) -> None:
        self.engine = Engine(
            Manifests.from_cluster(cluster),
            config=cluster.get("config"),
            plugins=tuple(plugins),
            kubernetes=kubernetes,
        )
        self.forgetful = forgetful
        self._decision: Decision | None = None

    def add_node(self, node: Object) -> None:
        """See :class:`Scheduler`."""
        self.engine.set_node(node)

    def remove_node(self, name: str) -> None:
        """See :class:`Scheduler`."""
        self.engine.remove_node(name)

    def add_pod(self, pod: Object) -> None:
        """See :class:`Scheduler`."""
        self.engine.add_pod(pod)

    def remove_pod(self, namespace: str, name: str) -> None:
        """See :class:`Scheduler`."""
        self.engine.remove_pod(name, namespace)

    def set_namespace(self, namespace: Object) -> None:
        """See :class:`Scheduler`."""
        self.engine.set_namespace(namespace)

    def set_object(self, kind: str, obj: Object) -> None:
        """See :class:`Scheduler`."""
        self.engine.set_object({"kind": CLUSTER_KEYS[kind], **obj})

    def decide(self, pod: Object, *, preempt: bool = True) -> Step:
        """See :class:`Scheduler`."""
        if self.forgetful:
            self.engine.forget()
        explanation = self.engine.explain(pod, preempt=preempt)
        self._decision = explanation.decision
        return explanation.to_step(self.engine.claims_after(explanation.decision))

    def commit(self, pod: Object, step: Step) -> None:
        """See :class:`Scheduler`."""
        if "chosen" in step:
            self.engine.assume_pod(pod, step["chosen"])
            return
        if self._decision is not None:
            self.engine.write_claims(self._decision.claims)
        if "nominated" in step:
            for victim in step["victims"]:
                namespace, name = victim.split("/")
                self.engine.remove_pod(name, namespace)
            self.engine.nominate(pod, step["nominated"])


@dataclass(frozen=True)
class Decided:
    """The decisions of all schedulers for one pod.

    Attributes:
        pod: The pod.
        steps: The decisions, in the order of the schedulers.
    """

    pod: Object
    steps: list[Step]


class Replay:
    """Replays one history on several schedulers; all apply the decisions of the first one.

    Args:
        history: The history.
        schedulers: The schedulers; each has been created with the history's cluster.

    Attributes:
        node_names: The existing nodes.
        pods: The existing pods, by namespace and name.
    """

    def __init__(self, history: History, *schedulers: Scheduler) -> None:
        self.history = history
        self.schedulers = schedulers
        self.node_names = {node["metadata"]["name"] for node in history.cluster["nodes"]}
        self.pods: dict[Key, Object] = {_key(pod): pod for pod in history.cluster["pods"]}

    def decisions(self) -> Iterator[Decided]:
        """Apply the events in order; yield each decision before it is applied."""
        handlers: dict[str, Callable[[Object], Iterator[Decided] | None]] = {
            "node": self._node,
            "removeNode": self._remove_node,
            "pod": self._pod,
            "removePod": self._remove_pod,
            "relabelPod": self._relabel_pod,
            "terminatePod": self._terminate_pod,
            "namespace": lambda subject: self._for_each(lambda s: s.set_namespace(subject)),
            "budget": lambda subject: self._for_each(lambda s: s.set_object("podDisruptionBudgets", subject)),
            "slice": lambda subject: self._for_each(lambda s: s.set_object("resourceSlices", subject)),
            "claim": lambda subject: self._for_each(lambda s: s.set_object("resourceClaims", subject)),
            "deviceClass": lambda subject: self._for_each(lambda s: s.set_object("deviceClasses", subject)),
            "schedule": self._schedule,
            "retry": self._retry,
        }
        for event in self.history.events:
            yield from handlers[event.kind](event.subject) or ()

    def _for_each(self, change: Callable[[Scheduler], None]) -> None:
        for scheduler in self.schedulers:
            change(scheduler)

    def _node(self, node: Object) -> None:
        self.node_names.add(node["metadata"]["name"])
        self._for_each(lambda s: s.add_node(node))

    def _remove_node(self, subject: Object) -> None:
        name = subject["name"]
        if name in self.node_names:
            self.node_names.remove(name)
            self._for_each(lambda s: s.remove_node(name))

    def _pod(self, pod: Object) -> None:
        if _key(pod) not in self.pods and pod["spec"]["nodeName"] in self.node_names:
            self._put(pod)

    def _put(self, pod: Object) -> None:
        self.pods[_key(pod)] = pod
        self._for_each(lambda s: s.add_pod(pod))

    def _at(self, subject: Object, among: list[Object]) -> Object | None:
        return among[subject["index"] % len(among)] if among else None

    def _remove_pod(self, subject: Object) -> None:
        pod = self._at(subject, list(self.pods.values()))
        if pod:
            del self.pods[_key(pod)]
            self._for_each(lambda s: s.remove_pod(*_key(pod)))

    def _relabel_pod(self, subject: Object) -> None:
        pod = self._at(subject, list(self.pods.values()))
        if pod:
            self._put({**pod, "metadata": {**pod["metadata"], "labels": subject["labels"]}})

    def _terminate_pod(self, subject: Object) -> None:
        pod = self._at(subject, list(self.pods.values()))
        if pod:
            self._put({**pod, "metadata": {**pod["metadata"], "deletionTimestamp": "2026-01-01T01:00:00Z"}})

    def _schedule(self, pod: Object) -> Iterator[Decided]:
        if _key(pod) not in self.pods:
            yield from self._decide(pod)

    def _retry(self, subject: Object) -> Iterator[Decided]:
        pod = self._at(subject, [p for p in self.pods.values() if not p["spec"].get("nodeName")])
        if pod:
            yield from self._decide(pod)

    def _decide(self, pod: Object) -> Iterator[Decided]:
        steps = [scheduler.decide(pod) for scheduler in self.schedulers]
        yield Decided(pod, steps)
        self._for_each(lambda s: s.commit(pod, steps[0]))
        self._take_in(pod, steps[0])

    def _take_in(self, pod: Object, step: Step) -> None:
        """Apply a decision to the list of pods that events refer to."""
        self.pods.pop(_key(pod), None)
        if "chosen" in step:
            self.pods[_key(pod)] = {**pod, "spec": {**pod["spec"], "nodeName": step["chosen"]}}
        elif "nominated" in step:
            for victim in step["victims"]:
                space, name = victim.split("/")
                del self.pods[space, name]
            for key, other in list(self.pods.items()):
                nominated = (other.get("status") or {}).get("nominatedNodeName")
                waits = not other["spec"].get("nodeName") and nominated == step["nominated"]
                if waits and other["spec"].get("priority", 0) < pod["spec"].get("priority", 0):
                    del self.pods[key]
            self.pods[_key(pod)] = {**pod, "status": {"nominatedNodeName": step["nominated"]}}


def _key(pod: Object) -> Key:
    return pod["metadata"].get("namespace", "default"), pod["metadata"]["name"]
