"""Rollouts of changed workloads on an engine: whether they complete, and which pods there are in the end.

A workload whose pods are of an earlier template is rolled out step by step, as its controller does it within
``maxSurge`` and ``maxUnavailable``: a new pod is available as soon as it has a node. A rollout that waits for a pod
without a node stops there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from kschedcore.api.machinery.types import Object, ReadOnlyObject
from kschedcore.api.objects import Pod
from kschedcore.api.percentages import scaled_value
from kschedcore.controllers.deployment.sizes import is_rolling, replicas, rolled
from kschedcore.engine.decision import Decision
from kschedcore.engine.engine import Engine
from kschedcore.manifests.daemons import daemon_pods_of
from kschedcore.manifests.manifests import Manifests
from kschedcore.manifests.outdated import outdated_pods
from kschedcore.manifests.pending import current_replica_sets, key_of_workload
from kschedcore.manifests.workloads import pods_of

__all__ = ["Rollout", "roll_out"]


@dataclass(frozen=True)
class Rollout:
    """The outcome of a rollout.

    Attributes:
        kind: The workload's kind.
        namespace: Its namespace.
        name: Its name.
        wanted: How many pods are to be of the new template.
        updated: How many pods of the new template have a node.
        outdated: How many pods of earlier templates stay.
        decisions: The decisions about the new pods.
        removed: The pods of earlier templates that are gone, as (namespace, name).
    """

    kind: str
    namespace: str
    name: str
    wanted: int
    updated: int
    outdated: int
    decisions: tuple[Decision, ...]
    removed: frozenset[tuple[str, str]]

    @property
    def completes(self) -> bool:
        """Whether all pods are of the new template in the end."""
        return self.outdated == 0 and self.updated >= self.wanted

    @property
    def text(self) -> str:
        """The outcome in a sentence."""
        verb = "completes" if self.completes else "does not complete"
        stays = f", {self.outdated} of the earlier template stay" if self.outdated else ""
        subject = f"rollout of {self.kind.lower()} {self.namespace}/{self.name}"
        return f"{subject} {verb}: {self.updated} of {self.wanted} pods are updated{stays}"


def roll_out(manifests: Manifests, engine: Engine, is_placed: Callable[[Pod], bool]) -> Iterator[Rollout]:
    """Roll out every workload that has pods of an earlier template, and yield the outcomes.

    Args:
        manifests: The manifests.
        engine: An engine with the pods of the cluster; it has the pods of the end state afterwards.
        is_placed: Whether the engine accounts a pod on a node.

    Raises:
        ManifestError: A workload's pod template is invalid.
    """
    for workload, old, new in outdated_pods(manifests):
        yield _Rolling(manifests, engine, workload, old, new, is_placed).outcome()


class _Rolling:
    def __init__(
        self,
        manifests: Manifests,
        engine: Engine,
        workload: ReadOnlyObject,
        old: Collection[Pod],
        new: Collection[Pod],
        is_placed: Callable[[Pod], bool],
    ) -> None:
        self._manifests = manifests
        self._engine = engine
        self._workload: Object = dict(workload)
        # Pods without a node go first, as they are not available anyway.
        self._old = sorted(old, key=lambda pod: (not is_placed(pod), pod.metadata.name))
        self._is_placed = is_placed
        self._before = sum(map(is_placed, new))
        self._placed: dict[str, Decision] = {}
        self._waiting: dict[str, Decision] = {}
        self._removed: set[tuple[str, str]] = set()
        self._wanted = 0

    def outcome(self) -> Rollout:
        """Take all steps that are possible."""
        metadata, kind = self._workload["metadata"], self._workload["kind"]
        {"Deployment": self._deployment, "StatefulSet": self._stateful_set, "DaemonSet": self._daemon_set}[
            kind
        ]()
        return Rollout(
            kind,
            metadata.get("namespace") or "default",
            metadata["name"],
            self._wanted,
            self._before + len(self._placed),
            len(self._old),
            (*self._placed.values(), *self._waiting.values()),
            frozenset(self._removed),
        )

    # -- steps ------------------------------------------------------------------------------------

    def _try(self, pod: Pod) -> bool:
        """Create a pod, or look at one again; return whether it has a node."""
        (decision,) = self._engine.schedule([pod], preempt=False)
        name = pod.metadata.name
        self._waiting.pop(name, None)
        (self._waiting if decision.node is None else self._placed)[name] = decision
        return decision.node is not None

    def _try_again(self) -> bool:
        tried = [self._try(each.pod) for each in list(self._waiting.values())]
        return any(tried)

    def _remove(self, pod: Pod) -> None:
        self._old.remove(pod)
        self._removed.add((pod.metadata.namespace or "default", pod.metadata.name))
        if self._is_placed(pod):
            self._engine.remove_pod(pod)

    def _new_pods(self, wanted: list[dict[str, Any]]) -> list[Pod]:
        return self._manifests.pods_like(wanted, self._workload)

    # -- kinds ------------------------------------------------------------------------------------

    def _deployment(self) -> None:
        self._wanted = replicas(self._workload)
        names = {pod.metadata.name for pod in self._old}
        current = current_replica_sets(self._manifests.workloads).get(key_of_workload(self._workload))
        made = pods_of(self._workload, self._wanted + len(names), replica_set=current)
        free = [pod for pod in self._new_pods(made) if pod.metadata.name not in names]
        if not is_rolling(self._workload):
            while self._old:
                self._remove(self._old[-1])
        while True:
            sizes = rolled(self._workload, self._new_set(), [self._old_set()], 0)
            for size in sizes:
                if size.replica_set["metadata"]["uid"] == "new":
                    for _ in range(size.replicas - self._created()):
                        self._try(free.pop(0))
                else:
                    while len(self._old) > size.replicas:
                        self._remove(self._old[-1])
            if not sizes and not self._try_again():
                return

    def _created(self) -> int:
        return self._before + len(self._placed) + len(self._waiting)

    def _new_set(self) -> Object:
        return _replica_set("new", self._created(), self._before + len(self._placed))

    def _old_set(self) -> Object:
        return _replica_set("old", len(self._old), sum(map(self._is_placed, self._old)))

    def _stateful_set(self) -> None:
        """Replace pods from the highest ordinal down to the partition; one that has no node stops the rollout."""
        spec = self._workload.get("spec") or {}
        strategy = spec.get("updateStrategy") or {}
        partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
        pods = {pod.metadata.name: pod for pod in self._old}
        wanted = self._new_pods(pods_of(self._workload))
        changing = [pod for pod in wanted if pod.metadata.name in pods and _ordinal(pod) >= partition]
        self._wanted = len(changing) + self._before
        # Below the partition pods keep their template, and that is as it is to be.
        self._old = [pod for pod in self._old if _ordinal(pod) >= partition]
        for pod in sorted(changing, key=_ordinal, reverse=True):
            self._remove(pods[pod.metadata.name])
            if not self._try(pod):
                return

    def _daemon_set(self) -> None:
        """Replace the pod of each node: the new one first within ``maxSurge``, else within ``maxUnavailable``."""
        strategy = (self._workload.get("spec") or {}).get("updateStrategy") or {}
        given = strategy.get("rollingUpdate") or {}
        count = len(self._old) + self._before
        self._wanted = count
        surge = scaled_value(given.get("maxSurge", 0), count, round_up=True)
        unavailable = scaled_value(given.get("maxUnavailable", 1), count, round_up=True)
        nodes = {node.metadata.name: node for node in self._manifests.nodes}
        for pod in sorted(self._old, key=lambda each: (self._is_placed(each), each.metadata.name)):
            if len(self._waiting) >= max(surge or unavailable, 1):
                return
            node = nodes.get(pod.spec.node_name or "")
            if not surge:
                self._remove(pod)
            wanted = daemon_pods_of(self._workload, [node]) if node is not None else []
            placed = [self._try(each) for each in self._new_pods(wanted)]
            if surge and all(placed):
                self._remove(pod)


def _replica_set(uid: str, size: int, available: int) -> Object:
    return {
        "metadata": {"uid": uid, "name": uid, "creationTimestamp": ""},
        "spec": {"replicas": size},
        "status": {"availableReplicas": available},
    }


def _ordinal(pod: Pod) -> int:
    text = pod.metadata.name.rpartition("-")[2]
    return int(text) if text.isdecimal() else 0
