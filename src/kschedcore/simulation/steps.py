"""The actions of a scenario's steps: one function each, which calls verbs of the cluster."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from kschedcore.api.durations import duration
from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.types import Object
from kschedcore.cluster import Cluster
from kschedcore.cluster.draining import DrainTimeoutError
from kschedcore.errors import KschedcoreError, ManifestError, UsageError
from kschedcore.planning.node_copies import node_copy
from kschedcore.simulation.scenario import AddNodes, Grow, NodeSet, Scale, SetImage, Step

__all__ = ["ZONE", "StepRunner"]

ZONE = "topology.kubernetes.io/zone"

DRAIN_RETRY = 5.0
"""Retry interval of a drain in seconds, as in kubectl."""

_MOST_REPLICAS = 1_000_000


class StepRunner:
    """Runs one step of a scenario, repeatedly if it has ``every``.

    Args:
        cluster: The cluster.
        step: The step.
        path: The field path of the step, for messages.
        seed: Seed of the choice of nodes.
        folder: The folder of relative file names.
        report: Called with a description of what was done.
    """

    def __init__(
        self,
        cluster: Cluster,
        step: Step,
        *,
        path: str,
        seed: int,
        folder: Path,
        report: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._step = step
        self._path = path
        self._random = random.Random(f"{seed}/{path}")
        self._folder = folder
        self._report = report
        self._base: int | None = None
        self._times = 0
        ((name, self._value),) = step.actions()
        self._act: Callable[[Any], None] = getattr(self, f"_{name}")

    def start(self) -> None:
        """Set the timer for the first run of the step."""
        step = self._step
        first = duration(step.every or 0) if step.at is None else duration(step.at)
        self._every = None if step.every is None else duration(step.every)
        self._begin = self._cluster.now()
        self._until = None if step.until is None else self._begin + duration(step.until)
        self._call_after(first, self._come_round)

    def _come_round(self) -> None:
        if self._until is not None and self._cluster.now() > self._until:
            return
        self._guarded(lambda: self._act(self._value))
        self._times += 1
        if self._every is not None:
            self._call_after(self._every, self._come_round)

    def _call_after(self, span: timedelta, call: Callable[[], None]) -> None:
        self._cluster.clock.call_after(span.total_seconds(), call, background=True)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except KschedcoreError as error:
            after = self._cluster.now() - self._begin
            raise ManifestError(f"after {after}: {error}", path=self._path) from error

    # Objects

    def _apply(self, manifests: tuple[str | dict[str, Any], ...]) -> None:
        found = [self._folder / each if isinstance(each, str) else each for each in manifests]
        self._report(str(self._cluster.apply(*found, namespace=self._step.namespace)))

    def _delete(self, refs: tuple[str, ...]) -> None:
        self._report(str(self._cluster.delete(*refs, namespace=self._step.namespace)))

    def _scale(self, scale: Scale) -> None:
        self._report(str(self._cluster.scale(scale.target, scale.replicas, namespace=self._step.namespace)))

    def _grow(self, grow: Grow) -> None:
        if self._base is None:
            spec = self._cluster.get(grow.target, namespace=self._step.namespace)["spec"]
            self._base = spec.get("replicas", 1)
        # From the initial value, not the last one, so that rounding errors do not accumulate.
        try:
            replicas = round(min(self._base * (1 + grow.percent / 100) ** (self._times + 1), _MOST_REPLICAS))
        except OverflowError:
            replicas = _MOST_REPLICAS
        result = self._cluster.scale(grow.target, replicas, namespace=self._step.namespace)
        self._report(f"{result} to {replicas}")

    def _set_image(self, wanted: SetImage) -> None:
        self._report(
            str(self._cluster.set_image(wanted.target, wanted.images, namespace=self._step.namespace))
        )

    def _rollout_restart(self, ref: str) -> None:
        self._report(str(self._cluster.rollout_restart(ref, namespace=self._step.namespace)))

    def _rollout_undo(self, ref: str) -> None:
        self._report(str(self._cluster.rollout_undo(ref, namespace=self._step.namespace)))

    # Nodes

    def _fail_nodes(self, nodes: NodeSet) -> None:
        self._each(nodes, "failed", self._cluster.fail_node, self._repair(nodes))

    def _repair_nodes(self, nodes: NodeSet) -> None:
        self._each(nodes, "repaired", self._repair(nodes))

    def _cordon_nodes(self, nodes: NodeSet) -> None:
        self._each(nodes, "cordoned", self._cluster.cordon, self._cluster.uncordon)

    def _uncordon_nodes(self, nodes: NodeSet) -> None:
        self._each(nodes, "uncordoned", self._cluster.uncordon)

    def _drain_nodes(self, nodes: NodeSet) -> None:
        self._each(nodes, "draining", self._drain, self._cluster.uncordon)

    def _delete_nodes(self, nodes: NodeSet) -> None:
        self._each(nodes, "deleted", lambda name: self._cluster.delete(f"node/{name}"))

    def _add_nodes(self, wanted: AddNodes) -> None:
        like = self._cluster.get(f"node/{wanted.like}")
        number, added = 1, 0
        taken = {node["metadata"]["name"] for node in self._cluster.list("nodes")}
        while added < wanted.count:
            name = f"{wanted.like}-{number}"
            number += 1
            if name not in taken:
                self._cluster.create(node_copy(plain(like), name, wanted.zone))
                self._report(f"node/{name} added")
                added += 1

    def _repair(self, nodes: NodeSet) -> Callable[[str], None]:
        return partial(self._cluster.repair_node, rebooted=nodes.rebooted)

    def _drain(self, name: str) -> None:
        """Evict the pods that can be evicted now, and set a timer for the rest: a step does not advance the time."""
        try:
            self._cluster.drain(
                name, ignore_daemonsets=True, force=True, delete_emptydir_data=True, timeout=0
            )
        except DrainTimeoutError:
            self._call_after(timedelta(seconds=DRAIN_RETRY), lambda: self._drain_on(name))
        else:
            self._report(f"node/{name} drained")

    def _drain_on(self, name: str) -> None:
        node = next((each for each in self._cluster.list("nodes") if each["metadata"]["name"] == name), None)
        if node is not None and node["spec"].get("unschedulable"):
            self._guarded(lambda: self._drain(name))

    def _each(
        self,
        nodes: NodeSet,
        what: str,
        act: Callable[[str], object],
        undo: Callable[[str], object] | None = None,
    ) -> None:
        names = self._chosen(nodes)
        for name in names:
            self._report(f"node/{name} {what}")
            act(name)
        if nodes.for_ is not None and undo is not None:
            self._call_after(duration(nodes.for_), lambda: self._undo(names, undo))

    def _undo(self, names: list[str], undo: Callable[[str], object]) -> None:
        there = {node["metadata"]["name"] for node in self._cluster.list("nodes")}
        for name in names:
            if name in there:
                self._report(f"node/{name} is back")
                undo(name)

    def _chosen(self, nodes: NodeSet) -> list[str]:
        found = [node["metadata"]["name"] for node in self._cluster.list("nodes") if _is_meant(node, nodes)]
        if not found:
            raise UsageError("no node fits; expected at least one")
        if nodes.count is not None and nodes.count < len(found):
            return sorted(self._random.sample(found, nodes.count))
        return found


def _is_meant(node: Object, nodes: NodeSet) -> bool:
    metadata = node["metadata"]
    named = not nodes.names or any(fnmatchcase(metadata["name"], each) for each in nodes.names)
    return named and (not nodes.zone or metadata.get("labels", {}).get(ZONE) == nodes.zone)
