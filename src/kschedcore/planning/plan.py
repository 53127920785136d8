"""Place the pods of manifests as a cluster would, until nothing changes any more.

An engine decides about one pod after another. A cluster goes on: pods that are being deleted end, victims of a
preemption are replaced by their controllers, and a StatefulSet creates no pod before the one of the ordinal below
runs. :func:`plan` takes these steps on the engine, without a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from kschedcore.api.html import html_table
from kschedcore.api.objects import Node, Pod
from kschedcore.engine.decision import Decision, Decisions
from kschedcore.engine.engine import Engine
from kschedcore.errors import Interrupted
from kschedcore.manifests.manifests import Manifests
from kschedcore.manifests.review import Refusal
from kschedcore.planning.rollouts import Rollout, roll_out

__all__ = ["Eviction", "Plan", "plan"]

PodKey = tuple[str, str]
"""(namespace, name)."""


class Eviction(NamedTuple):
    """A pod that is preempted by one of higher priority.

    Attributes:
        pod: The victim.
        node: Its node.
        preemptor: The pod that takes its place.
    """

    pod: Pod
    node: str
    preemptor: Pod


_WAITS: Final = "waits for {}, which has no node (podManagementPolicy is OrderedReady)"


@dataclass(repr=False)
class Plan:
    """The pods of manifests in a cluster at rest.

    Attributes:
        decisions: A decision for each pod that exists and that was scheduled, the last one of each pod.
        refused: Pods that do not exist: admission refuses them, or their StatefulSet waits for another pod.
        evicted: Preempted pods.
        rollouts: The outcomes for workloads that have pods of earlier templates.
    """

    decisions: Decisions
    refused: list[Refusal] = field(default_factory=list)
    evicted: list[Eviction] = field(default_factory=list)
    rollouts: list[Rollout] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Plan: {self.placed} of {self.pods} pods placed, {len(self.rollouts)} rollouts>"

    def _repr_html_(self) -> str:
        notes = [each.text for each in self.rollouts]
        notes += [f"{'/'.join(_key(each.pod))}: {each.reason}" for each in self.refused]
        return self.decisions._repr_html_() + (
            html_table("Further", ("",), [(each,) for each in notes]) if notes else ""
        )

    def __len__(self) -> int:
        """Return the number of pods for which decisions were made."""
        return len(self.decisions)

    @property
    def pods(self) -> int:
        """The number of pods that the workloads specify."""
        return len(self.decisions) + len(self.refused)

    @property
    def placed(self) -> int:
        """The number of pods that have a node."""
        return sum(each.node is not None for each in self.decisions)


def plan(manifests: Manifests, engine: Engine, pods: Iterable[Pod] | None = None) -> Plan:
    """Place pods of manifests, and their consequences, until nothing changes.

    Args:
        manifests: The manifests.
        engine: An engine with the cluster of the manifests; the placed pods stay accounted.
        pods: The pods to place, of :attr:`Manifests.pending`; all of them by default.

    Raises:
        ManifestError: A workload's template cannot be read as that of a pod.
        PluginError: A plugin written in Python failed.
        Interrupted: Ctrl-C; the exception's ``decisions`` are the plan up to then, and its pods stay accounted.
    """
    chosen = manifests.pending if pods is None else list(pods)
    planner = _Planner(manifests, engine)
    try:
        planner.place(chosen)
        if pods is None or len(chosen) == len(manifests.pending):
            planner.end_deleted_pods()
        planner.retry()
        if pods is None or len(chosen) == len(manifests.pending):
            planner.roll_out()
    except KeyboardInterrupt as error:
        raise Interrupted(planner.result()) from error
    return planner.result()


class _Planner:
    def __init__(self, manifests: Manifests, engine: Engine) -> None:
        self._manifests = manifests
        self._engine = engine
        self._refused = manifests.refused
        self._decisions: dict[PodKey, Decision] = {}
        self._waiting: dict[PodKey, Refusal] = {}
        self._evicted: list[Eviction] = []
        self._rollouts: list[Rollout] = []
        self._ordered = _ordered_sets(manifests)
        # The pods of each ordered StatefulSet that have no node.
        self._stuck: dict[tuple[str, str], set[str]] = {key: set() for key in self._ordered}
        self._bound: dict[PodKey, Pod] | None = None

    def result(self) -> Plan:
        """Return the plan."""
        for refusal in self._refused:
            predecessor = self._predecessor(refusal.pod)
            if predecessor is not None:
                self._waiting[_key(refusal.pod)] = Refusal(refusal.pod, _WAITS.format(predecessor), "")
        self._refused = [each for each in self._refused if _key(each.pod) not in self._waiting]
        decisions = Decisions([*self._decisions.values()])
        return Plan(decisions, [*self._refused, *self._waiting.values()], self._evicted, self._rollouts)

    def place(self, pods: Collection[Pod]) -> None:
        """Place pods in queue order, and those that replace their victims."""
        while pods:
            made: list[Decision] = []
            for batch in self._batches(pods):
                try:
                    decisions = self._engine.schedule(batch)
                except Interrupted as error:
                    self._record(error.decisions)
                    raise
                made += decisions
                self._record(decisions)
            pods = self._evict(made)

    def _batches(self, pods: Collection[Pod]) -> Iterator[list[Pod]]:
        """Yield pods to be placed together; those of an ordered StatefulSet one after the other."""
        if not self._ordered:
            yield list(pods)
            return
        batch: list[Pod] = []
        names: set[tuple[str, str]] = set()
        for pod in sorted(pods, key=lambda each: -(each.spec.priority or 0)):
            owner = self._ordered_owner(pod)
            if owner is not None and owner in names:
                yield batch
                batch, names = [], set()
            if owner is not None:
                predecessor = self._predecessor(pod)
                if predecessor is not None:
                    self._waiting[_key(pod)] = Refusal(pod, _WAITS.format(predecessor), "")
                    continue
                names.add(owner)
            batch.append(pod)
        if batch:
            yield batch

    def _ordered_owner(self, pod: Pod) -> tuple[str, str] | None:
        owner = next((each for each in pod.metadata.owner_references or () if each.controller), None)
        key = (pod.metadata.namespace or "default", owner.name) if owner is not None else ("", "")
        return key if owner is not None and owner.kind == "StatefulSet" and key in self._ordered else None

    def _record(self, made: Iterable[Decision]) -> None:
        for each in made:
            self._decisions[_key(each.pod)] = each
            self._note(each.pod, placed=each.node is not None)

    def _predecessor(self, pod: Pod) -> str | None:
        """Return the pod without a node that a pod of an ordered StatefulSet waits for."""
        owner = self._ordered_owner(pod) if self._ordered else None
        waited = self._stuck[owner] if owner is not None else ()
        return next((each for each in sorted(waited) if _precedes(each, pod)), None)

    def _note(self, pod: Pod, *, placed: bool) -> None:
        owner = self._ordered_owner(pod) if self._ordered else None
        if owner is not None:
            change = self._stuck[owner].discard if placed else self._stuck[owner].add
            change(pod.metadata.name)

    def _evict(self, made: Iterable[Decision]) -> list[Pod]:
        """Evict the victims of the decisions; return the pods that are to be placed then."""
        preemptors, replacements = [], []
        for decision in made:
            if decision.node is not None or not decision.victims:
                continue
            preemptors.append(decision.pod)
            for text in decision.victims:
                namespace, _, name = text.partition("/")
                victim = self._victim((namespace, name))
                if victim is None:
                    continue
                self._evicted.append(Eviction(victim, decision.nominated_node or "", decision.pod))
                self._engine.remove_pod(name, namespace)
                self._decisions.pop((namespace, name), None)
                if self._is_replaced(victim):
                    replacements.append(_replacement(victim))
        return [*preemptors, *replacements]

    def _victim(self, key: PodKey) -> Pod | None:
        """Return a pod that is on a node."""
        placed = self._decisions.get(key)
        if placed is not None:
            return placed.pod if placed.node is not None else None
        if self._bound is None:
            self._bound = {_key(pod): pod for pod in self._manifests.bound}
        return self._bound.pop(key, None)

    def _is_replaced(self, pod: Pod) -> bool:
        """Whether a controller in the manifests creates another pod in place of this one."""
        owner = next((each for each in pod.metadata.owner_references or () if each.controller), None)
        if owner is None or owner.kind == "Node":
            return False
        namespace = pod.metadata.namespace or "default"
        return not pod.metadata.uid or (owner.kind, namespace, owner.name) in self._manifests.objects

    def retry(self) -> None:
        """Decide once more about the pods without a node, so that the reasons are those of the cluster at rest."""
        while groups := self._unplaced():
            fits = [group for group in groups if self._decided_again(group)]
            if not fits:
                return
            self.place(fits[0])

    def _unplaced(self) -> list[list[Pod]]:
        """Return the pods without a node, grouped with those that the scheduler cannot distinguish."""
        groups: dict[object, list[Pod]] = {}
        for each in self._decisions.values():
            if each.node is None:
                metadata = each.pod.metadata
                owners = metadata.owner_references
                claims = bool(each.pod.spec.volumes or each.pod.spec.resource_claims)
                alike = (id(each.pod.spec), metadata.namespace, str(metadata.labels), str(owners))
                groups.setdefault(_key(each.pod) if claims else alike, []).append(each.pod)
        return [*groups.values()]

    def _decided_again(self, group: list[Pod]) -> bool:
        """Decide about the first pod of a group, for all of them; return whether it has a node now."""
        decision = self._engine.decide(group[0])
        if decision.node is not None:
            return True
        for pod in group:
            again = copy(decision)
            again.pod = pod
            self._decisions[_key(pod)] = again
        return False

    def roll_out(self) -> None:
        """Replace the pods of earlier templates, as far as their controllers get."""
        gone = {_key(each.pod) for each in self._evicted}

        def is_placed(pod: Pod) -> bool:
            decision = self._decisions.get(_key(pod))
            if decision is not None:
                return decision.node is not None
            return bool(pod.spec.node_name) and _key(pod) not in gone

        for rollout in roll_out(self._manifests, self._engine, is_placed):
            self._rollouts.append(rollout)
            for key in rollout.removed:
                self._decisions.pop(key, None)
            self._record(rollout.decisions)

    # -- pods that are being deleted --------------------------------------------------------------

    def end_deleted_pods(self) -> None:
        """Take pods off their nodes that are being deleted, and place what waits for that."""
        ready = {node.metadata.name for node in self._manifests.nodes if _is_ready(node)}
        ending = [
            pod
            for pod in self._manifests.bound
            if pod.metadata.deletion_timestamp is not None
            and not self._manifests.raw(pod)["metadata"].get("finalizers")
            and pod.spec.node_name in ready
        ]
        if not ending:
            return
        for pod in ending:
            self._engine.remove_pod(pod)
        later = self._manifests.without_pods(map(_key, ending))
        self._manifests = later
        again = [each.pod for each in self._decisions.values() if each.node is None]
        known = {*self._decisions, *self._waiting}
        new = [pod for pod in later.pending if _key(pod) not in known]
        waited = [each.pod for each in self._waiting.values()]
        self._waiting.clear()
        self._refused = [each for each in later.refused if _key(each.pod) not in self._decisions]
        self.place([*again, *waited, *new])


def _key(pod: Pod) -> PodKey:
    return pod.metadata.namespace or "default", pod.metadata.name


def _precedes(name: str, pod: Pod) -> bool:
    """Whether a pod of a StatefulSet has a lower ordinal than another pod of the set."""
    ordinals = [each.rpartition("-")[2] for each in (name, pod.metadata.name)]
    return all(each.isdecimal() for each in ordinals) and int(ordinals[0]) < int(ordinals[1])


def _replacement(victim: Pod) -> Pod:
    """Return the pod that a controller creates in place of a victim."""
    metadata = msgspec.structs.replace(victim.metadata, uid="")
    return Pod(metadata=metadata, spec=msgspec.structs.replace(victim.spec, node_name=None))


def _is_ready(node: Node) -> bool:
    conditions = node.status.conditions or ()
    return all(each.status == "True" for each in conditions if each.type == "Ready")


def _ordered_sets(manifests: Manifests) -> frozenset[tuple[str, str]]:
    """Return (namespace, name) of the StatefulSets that create their pods one after the other."""

    def is_ordered(whole: Mapping[str, Any]) -> bool:
        spec: Mapping[str, Any] = whole.get("spec") or {}
        return whole["kind"] == "StatefulSet" and spec.get("podManagementPolicy") != "Parallel"

    return frozenset(
        (each["metadata"].get("namespace") or "default", each["metadata"]["name"])
        for each in filter(is_ordered, manifests.workloads)
    )
