"""PreFilter and Filter for one pod, with the pods that are nominated to a node taken into account."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.model.config import Profile
from tests.model.framework import Plugin, Status
from tests.model.labels import Json
from tests.model.snapshot import NodeInfo, Snapshot, key_of, priority_of

Change = Callable[[Plugin, Any], None]


@dataclass
class Cycle:
    """One pod's cycle: what every plugin prepared in PreFilter, and which of them sit it out."""

    pod: Json
    snapshot: Snapshot
    profile: Profile
    states: dict[str, Any]
    skipped: frozenset[str]
    candidates: frozenset[str] | None

    def without(self, removed: Json, info: NodeInfo) -> tuple["Cycle", NodeInfo]:
        """The cycle, and the node, as if the pod had left."""
        left = info.without_pod(removed)
        changed = self._changed(lambda plugin, state: plugin.remove_pod(state, self.pod, removed, left))
        return changed, left

    def having(self, added: Json, info: NodeInfo) -> tuple["Cycle", NodeInfo]:
        """The cycle, and the node, as if the pod ran there."""
        joined = info.with_pod(added)
        return self._changed(lambda plugin, state: plugin.add_pod(state, self.pod, added, joined)), joined

    def _changed(self, change: Change) -> "Cycle":
        """AddPod and RemovePod are not called for a plugin that skipped PreFilter: it stays skipped for the cycle."""
        states = {
            name: deepcopy(state) if _is_counting(self.profile, name) else state
            for name, state in self.states.items()
        }
        for plugin in self.profile.points["preFilter"]:
            if plugin.name in states:
                change(plugin, states[plugin.name])
        return Cycle(self.pod, self.snapshot, self.profile, states, self.skipped, self.candidates)


def _is_counting(profile: Profile, name: str) -> bool:
    plugin = next(p for p in profile.points["preFilter"] if p.name == name)
    return type(plugin).add_pod is not Plugin.add_pod


def start_cycle(pod: Json, snapshot: Snapshot, profile: Profile) -> Cycle | Status:
    """Run PreFilter: the first plugin that rejects the pod ends it; node lists are intersected."""
    states: dict[str, Any] = {}
    skipped: set[str] = set()
    candidates: frozenset[str] | None = None
    for plugin in profile.points["preFilter"]:
        prepared = plugin.pre_filter(pod, snapshot)
        if prepared.rejected:
            return prepared.rejected
        if prepared.skip:
            skipped.add(plugin.name)
            continue
        states[plugin.name] = prepared.state
        if prepared.nodes is not None:
            candidates = prepared.nodes if candidates is None else candidates & prepared.nodes
    return Cycle(pod, snapshot, profile, states, frozenset(skipped), candidates)


def first_rejection(cycle: Cycle, info: NodeInfo) -> Status | None:
    """The first plugin that rejects the node: with nominated pods of no less priority there, then without.

    The second pass is for rules such as affinity, which must not depend on pods that may never arrive.
    """
    with_nominated, joined, added = cycle, info, False
    for waiting in cycle.snapshot.nominated_on(info.name):
        if key_of(waiting) != key_of(cycle.pod) and priority_of(waiting) >= priority_of(cycle.pod):
            with_nominated, joined = with_nominated.having(waiting, joined)
            added = True
    rejection = _run_filters(with_nominated, joined)
    if rejection or not added:
        return rejection
    return _run_filters(cycle, info)


def _run_filters(cycle: Cycle, info: NodeInfo) -> Status | None:
    for plugin in cycle.profile.points["filter"]:
        if plugin.name in cycle.skipped:
            continue
        rejection = plugin.filter(cycle.states.get(plugin.name), cycle.pod, info)
        if rejection:
            return rejection
    return None
