"""Pods that wait for room preemption made on a node (framework.PodNominator)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kschedcore._native.transactions import Journal

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore._native.podinfo import PodInfo
    from kschedcore.engine.binding import PodKey


@dataclass(frozen=True)
class Nomination:
    """A pod nominated to a node."""

    info: PodInfo
    node: str
    slot: int


class Nominator:
    """Nominations by pod and by node.

    Args:
        core: Where they are taken into account.
        journal: Where what undoes a change is recorded.
    """

    def __init__(self, core: Core, journal: Journal) -> None:
        self._core = core
        self._journal = journal
        self._by_key: dict[PodKey, Nomination] = {}

    def get(self, key: PodKey) -> Nomination | None:
        """The nomination of a pod, if it has one."""
        return self._by_key.get(key)

    def nodes(self) -> dict[PodKey, str]:
        """Which pod is nominated to which node."""
        return {key: nomination.node for key, nomination in self._by_key.items()}

    def nominate(self, key: PodKey, info: PodInfo, node: str) -> None:
        """Nominate a pod to a node instead of where it was nominated before; an unknown node is passed over."""
        self.withdraw(key)
        slot = self._core.nodes.slot_of(node)
        if slot >= 0:
            self._journal.record(self.withdraw, key)
            self._core.nominations.add(info, slot)
            self._by_key[key] = Nomination(info, node, slot)

    def withdraw(self, key: PodKey) -> Nomination | None:
        """Take a pod's nomination back; return it."""
        nomination = self._by_key.get(key)
        if nomination is not None:
            self._journal.record(self.nominate, key, nomination.info, nomination.node)
            del self._by_key[key]
            self._core.nominations.remove(nomination.info, nomination.slot)
        return nomination

    def recover(self) -> None:
        """Let the core take exactly these nominations into account, without those to nodes that are gone."""
        slot_of = self._core.nodes.slot_of
        self._by_key = {key: each for key, each in self._by_key.items() if slot_of(each.node) == each.slot}
        self._core.nominations.reset([(each.info, each.slot) for each in self._by_key.values()])

    def withdraw_all(self, keys: Iterable[PodKey]) -> None:
        """Take back the nominations of some pods."""
        for key in self._by_key.keys() & keys if self._by_key else ():
            self.withdraw(key)

    def withdraw_below(self, node: str, priority: int) -> None:
        """Take back the nominations to a node of pods that a more important pod has overtaken."""
        for key in [k for k, n in self._by_key.items() if n.node == node and n.info.priority < priority]:
            self.withdraw(key)

    def node_leaving(self, node: str) -> None:
        """Take back all nominations to a node."""
        for key in [k for k, n in self._by_key.items() if n.node == node]:
            self.withdraw(key)
