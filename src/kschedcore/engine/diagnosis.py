"""Why no node took a pod: kept as numbers, told in kube-scheduler's words when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kschedcore._native.core import Core

NO_NODES = "no nodes available to schedule pods"
"""All that kube-scheduler says about a cluster without nodes (scheduler.ErrNoNodesAvailable)."""

LEFT_OUT = "PreFilterResult"
"""Code of a node that no PreFilter plugin asked for."""


@dataclass(frozen=True)
class Status:
    """Why a plugin rejected a pod, or failed, other than on a single node (framework.Status).

    Attributes:
        code: ``Unschedulable``, ``UnschedulableAndUnresolvable``, ``Error`` or ``Skip``.
        plugin: The plugin.
        reasons: In kube-scheduler's words.
        pre_enqueue: Whether PreEnqueue rejected the pod, so that no cycle was run.
        cause: The exception that an ``Error`` stands for.
    """

    code: str
    plugin: str
    reasons: tuple[str, ...]
    pre_enqueue: bool = False
    cause: Exception | None = None

    @property
    def rejects(self) -> bool:
        """Whether the pod was rejected, as opposed to an error."""
        return self.code in ("Unschedulable", "UnschedulableAndUnresolvable")


@dataclass(frozen=True)
class Rejection:
    """Why one node was rejected.

    Attributes:
        plugin: The first plugin that rejected it; empty for a node that no PreFilter plugin asked for.
        code: ``Unschedulable``, ``UnschedulableAndUnresolvable`` or ``PreFilterResult``.
        reasons: In kube-scheduler's words.
    """

    plugin: str
    code: str
    reasons: tuple[str, ...]


Rejections = tuple[tuple[Rejection, int], ...]


def _in_words(core: Core, counts: Mapping[int, int]) -> Rejections:
    """Rows of the core's reason table, each of which stays what it is."""
    names = core.nodes.resource_names
    rows = [(Rejection(*core.reasons.describe(verdict, names)), count) for verdict, count in counts.items()]
    return tuple(sorted(rows, key=lambda row: (row[0].plugin, row[0].reasons, row[0].code)))


class Diagnosis:
    """Why a pod has no node.

    Attributes:
        pre_filter: The status that ended the cycle before any node was looked at, if one did.
        post_filter: Why preemption did not help, in kube-scheduler's words; empty when it was not tried.
    """

    def __init__(
        self,
        core: Core,
        nodes: int,
        counts: Mapping[int, int] | None = None,
        pre_filter: Status | None = None,
        post_filter: str = "",
    ) -> None:
        self._nodes = nodes
        self._rejections: Rejections | Callable[[], Rejections] = partial(_in_words, core, counts or {})
        self.pre_filter = pre_filter
        self.post_filter = post_filter

    @property
    def rejections(self) -> Rejections:
        """Each distinct rejection of a node, and how many nodes have it."""
        if not isinstance(self._rejections, tuple):
            self._rejections = self._rejections()
        return self._rejections

    def __getstate__(self) -> tuple[int, Rejections, Status | None, str]:
        return self._nodes, self.rejections, self.pre_filter, self.post_filter

    def __setstate__(self, state: tuple[int, Rejections, Status | None, str]) -> None:
        self._nodes, self._rejections, self.pre_filter, self.post_filter = state

    def __eq__(self, other: object) -> bool:
        return self.__getstate__() == other.__getstate__() if isinstance(other, Diagnosis) else NotImplemented

    def _count(self, left_out: bool) -> dict[str, int]:
        totals: dict[str, int] = {}
        for rejection, count in self.rejections:
            if left_out or rejection.code != LEFT_OUT:
                for reason in rejection.reasons:
                    totals[reason] = totals.get(reason, 0) + count
        return dict(sorted(totals.items()))

    @property
    def reasons(self) -> dict[str, int]:
        """Reason -> how many nodes gave it, of those that filters looked at. A node may give several."""
        return self._count(left_out=False)

    @property
    def plugins(self) -> frozenset[str]:
        """The plugins that rejected something: what has to change for the pod to be tried again."""
        if self.pre_filter is not None:
            return frozenset({self.pre_filter.plugin})
        return frozenset(rejection.plugin for rejection, _ in self.rejections) - {""}

    @property
    def message(self) -> str:
        """kube-scheduler's summary (framework.FitError), as it stands in a pod's PodScheduled condition.

        For a pod that did not enter the queue, what keeps it out.
        """
        if self.pre_filter is not None and self.pre_filter.pre_enqueue:
            return ", ".join(self.pre_filter.reasons)
        if not self._nodes:
            return NO_NODES
        if self.pre_filter is not None:
            told = ", ".join(self.pre_filter.reasons)
            if self.pre_filter.code == "Error":
                return told
        else:
            reasons = self._count(left_out=True)
            told = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
        message = f"0/{self._nodes} nodes are available:"
        if told:
            message += f" {told}."
        if self.post_filter:
            message += f" {self.post_filter}"
        return message

    def __repr__(self) -> str:
        return f"<Diagnosis {self.message!r}>"
