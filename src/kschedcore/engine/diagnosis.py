"""Diagnosis of an unschedulable pod: kept as numbers, formatted as kube-scheduler's message on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kschedcore.api.html import html_table

if TYPE_CHECKING:
    from typing import Self

    from kschedcore._native.core import Core

NO_NODES = "no nodes available to schedule pods"
"""kube-scheduler's message for a cluster without nodes (scheduler.ErrNoNodesAvailable)."""

LEFT_OUT = "PreFilterResult"
"""Code of a node that is not in the PreFilterResult."""


@dataclass(frozen=True)
class Status:
    """The status of a plugin that rejected a pod, or failed, for all nodes (framework.Status).

    Attributes:
        code: ``Unschedulable``, ``UnschedulableAndUnresolvable``, ``Error`` or ``Skip``.
        plugin: The plugin.
        reasons: kube-scheduler's messages.
        pre_enqueue: Whether PreEnqueue rejected the pod, so that no cycle was run.
        cause: The exception of an ``Error``.
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
    """The rejection of one node.

    Attributes:
        plugin: The first plugin that rejected it; empty for a node that is not in the PreFilterResult.
        code: ``Unschedulable``, ``UnschedulableAndUnresolvable`` or ``PreFilterResult``.
        reasons: kube-scheduler's messages.
    """

    plugin: str
    code: str
    reasons: tuple[str, ...]

    @property
    def plugins(self) -> frozenset[str]:
        """The plugins that rejected the node; those whose PreFilterResult leaves it out are named by its reason."""
        if self.code != LEFT_OUT:
            return frozenset({self.plugin} if self.plugin else ())
        return frozenset().union(*[reason.partition("[")[2].rstrip("]").split() for reason in self.reasons])


Rejections = tuple[tuple[Rejection, int], ...]


def _described(core: Core, counts: Mapping[int, int]) -> Rejections:
    """Return counts by row of the reason table as counts by rejection."""
    names = core.nodes.resource_names
    rows = [(Rejection(*core.reasons.describe(verdict, names)), count) for verdict, count in counts.items()]
    return tuple(sorted(rows, key=lambda row: (row[0].plugin, row[0].reasons, row[0].code)))


class Diagnosis:
    """The reasons why a pod has no node.

    Attributes:
        pre_filter: The status with which PreEnqueue or PreFilter ended the cycle, if any.
        post_filter: The message of PostFilter; empty when it was not run.
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
        self._rejections: Rejections | Callable[[], Rejections] = partial(_described, core, counts or {})
        self.pre_filter = pre_filter
        self.post_filter = post_filter

    @classmethod
    def of_chosen(cls, core: Core, status: Status) -> Self:
        """Return the diagnosis of a pod that Reserve or Permit rejected on the one node that was chosen."""
        if not status.rejects:
            return cls(core, 1, pre_filter=status)
        diagnosis = cls(core, 1)
        diagnosis._rejections = ((Rejection(status.plugin, status.code, status.reasons), 1),)
        return diagnosis

    @property
    def rejections(self) -> Rejections:
        """Each distinct rejection, and the number of nodes with it."""
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
        """Reason -> number of filtered nodes with it. A node may have several."""
        return self._count(left_out=False)

    @property
    def plugins(self) -> frozenset[str]:
        """The plugins that rejected the pod or a node: their events make the pod be retried."""
        if self.pre_filter is not None:
            return frozenset({self.pre_filter.plugin})
        return frozenset().union(*[rejection.plugins for rejection, _ in self.rejections])

    @property
    def message(self) -> str:
        """kube-scheduler's summary (framework.FitError), as in a pod's PodScheduled condition.

        For a pod that PreEnqueue rejected, the plugin's message.
        """
        if self.pre_filter is not None and self.pre_filter.pre_enqueue:
            return ", ".join(self.pre_filter.reasons)
        if not self._nodes:
            return NO_NODES
        if self.pre_filter is not None:
            listed = ", ".join(self.pre_filter.reasons)
            if self.pre_filter.code == "Error":
                return listed
        else:
            reasons = self._count(left_out=True)
            listed = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
        message = f"0/{self._nodes} nodes are available:"
        if listed:
            message += f" {listed}."
        if self.post_filter:
            message += f" {self.post_filter}"
        return message

    def _repr_html_(self) -> str:
        return html_table(self.message, ("reason", "nodes"), list(self.reasons.items()))

    def __repr__(self) -> str:
        return f"<Diagnosis {self.message!r}>"
