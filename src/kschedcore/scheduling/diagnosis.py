"""Why no node took a pod: kept as numbers, told in kube-scheduler's words when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore.scheduling.plugin import Status


NO_NODES = "no nodes available to schedule pods"
"""All that kube-scheduler says about a cluster without nodes (scheduler.ErrNoNodesAvailable)."""

LEFT_OUT = "PreFilterResult"
"""Code of a node that no PreFilter plugin asked for."""


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
        self._core = core
        self._nodes = nodes
        self._counts = counts or {}
        self.pre_filter = pre_filter
        self.post_filter = post_filter

    def _count(self, left_out: bool) -> dict[str, int]:
        totals: dict[str, int] = {}
        for verdict, count in self._counts.items():
            _, code, reasons = self._core.reasons.describe(verdict, self._core.nodes.resource_names)
            if left_out or code != LEFT_OUT:
                for reason in reasons:
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
        names = self._core.nodes.resource_names
        return frozenset(self._core.reasons.describe(verdict, names)[0] for verdict in self._counts) - {""}

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
