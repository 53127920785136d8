"""Nominated pods (framework.PodNominator)."""

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
    """A pod nominated to a node.

    Attributes:
        info: The footprint of the pod.
        node: The name of the node.
        slot: The node's slot; -1 while no such node exists.
    """

    info: PodInfo
    node: str
    slot: int


class Nominator:
    """Nominations by pod and by node.

    A nomination outlives its node: when a node of that name is added again, the pod is nominated to it again.

    Args:
        core: The native state, which has the nominations to existing nodes.
        journal: The undo log.
    """

    def __init__(self, core: Core, journal: Journal) -> None:
        self._core = core
        self._journal = journal
        self._by_key: dict[PodKey, Nomination] = {}

    def get(self, key: PodKey) -> Nomination | None:
        """Return the nomination of a pod, if it has one."""
        return self._by_key.get(key)

    def nodes(self) -> dict[PodKey, str]:
        """Return pod -> the node that it is nominated to."""
        return {key: nomination.node for key, nomination in self._by_key.items()}

    def nominate(self, key: PodKey, info: PodInfo, node: str) -> None:
        """Nominate a pod to a node; replaces its earlier nomination."""
        self.withdraw(key)
        self._journal.record(self.withdraw, key)
        self._put(key, info, node, self._core.nodes.slot_of(node))

    def withdraw(self, key: PodKey) -> Nomination | None:
        """Remove a pod's nomination and return it."""
        nomination = self._by_key.get(key)
        if nomination is not None:
            self._journal.record(self.nominate, key, nomination.info, nomination.node)
            del self._by_key[key]
            self._drop(nomination)
        return nomination

    def _put(self, key: PodKey, info: PodInfo, node: str, slot: int) -> None:
        if slot >= 0:
            self._core.nominations.add(info, slot)
        else:
            info.retain()
        self._by_key[key] = Nomination(info, node, slot)

    def _drop(self, nomination: Nomination) -> None:
        if nomination.slot >= 0:
            self._core.nominations.remove(nomination.info, nomination.slot)
        else:
            nomination.info.release()

    def recover(self) -> None:
        """Set the core's nominations to those to existing nodes."""
        for key, each in list(self._by_key.items()):
            slot = self._core.nodes.slot_of(each.node)
            if slot < 0 <= each.slot:
                each.info.retain()
            elif each.slot < 0 <= slot:
                each.info.release()
            self._by_key[key] = Nomination(each.info, each.node, slot)
        self._core.nominations.reset(
            [(each.info, each.slot) for each in self._by_key.values() if each.slot >= 0]
        )

    def withdraw_all(self, keys: Iterable[PodKey]) -> None:
        """Remove the nominations of some pods."""
        for key in self._by_key.keys() & keys if self._by_key else ():
            self.withdraw(key)

    def withdraw_below(self, node: str, priority: int) -> None:
        """Remove the nominations of pods below a priority to a node."""
        for key in [k for k, n in self._by_key.items() if n.node == node and n.info.priority < priority]:
            self.withdraw(key)

    def node_added(self, node: str) -> None:
        """Add the nominations to a node that was added to the core."""
        self._move(node, self._core.nodes.slot_of(node))

    def node_leaving(self, node: str) -> None:
        """Remove the nominations to a node that is about to be removed from the core; they are kept here."""
        self._move(node, -1)

    def _move(self, node: str, slot: int) -> None:
        for key, each in [(key, each) for key, each in self._by_key.items() if each.node == node]:
            if each.slot != slot:
                self._drop(each)
                self._put(key, each.info, node, slot)
