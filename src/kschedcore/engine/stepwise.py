"""Cycles that Python has a say in between Filter and Score: nodes are sampled, and extenders asked.

Everything else goes through one native class. Where a profile samples (``percentageOfNodesToScore``) or there
are extenders, the pod gets two: one that filters, and one that rates only what sampling and the extenders left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kschedcore._native.plugins.candidates import Candidates, ExtenderScores
from kschedcore._native.podclass import PodClass
from kschedcore.engine.extenders.extenders import ExtenderError, Extenders
from kschedcore.engine.plugin import Status
from kschedcore.engine.sampling import NodeSampler, NodeTree, nodes_to_find

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore._native.plugin import FilterPlugin, ScorePlugin
    from kschedcore._native.podinfo import PodInfo
    from kschedcore.api.objects import Pod

EXTENDER = "Extender"
"""The plugin that nodes rejected by an extender are told to be rejected by (framework.ExtenderName)."""

Slots = npt.NDArray[np.int32]


class Stepwise:
    """A pod class in two parts.

    Args:
        core: The native state.
        info: What one pod of the class takes of a node.
        filters: Filter plugins in profile order.
        scores: Score plugins with their weights set.
        percentage: The profile's percentage of nodes to score.

    Attributes:
        filters: The class that filters; it rates nothing.
        scores: The class that rates; only the candidates pass.
        wants_one: Whether one feasible node is enough, since nothing tells nodes apart.
    """

    def __init__(
        self,
        core: Core,
        info: PodInfo,
        filters: list[FilterPlugin],
        scores: list[ScorePlugin],
        percentage: int,
        wants_one: bool,
    ) -> None:
        nodes, reasons = core.nodes, core.reasons
        self._candidates = Candidates(nodes, reasons)
        self._extender_scores = ExtenderScores(nodes, reasons)
        self.info = info
        self.percentage = percentage
        self.wants_one = wants_one
        self.filters = PodClass(nodes, core.shared, info, filters, [])
        self.scores = PodClass(nodes, core.shared, info, [self._candidates], [*scores, self._extender_scores])
        self._told: dict[int, int] = {}

    def release(self) -> None:
        """Give back what the plugins hold of the engine."""
        self.filters.release()
        self.scores.release()

    def catch_up(self) -> None:
        """Refresh the verdicts."""
        self.filters.catch_up()

    def passes(self, slot: int) -> bool:
        """Whether a node passes the filters, as of the last refresh."""
        return bool(self.filters.passes(slot))

    def narrow(self, slots: Slots, scores: Mapping[int, int], told: dict[int, int]) -> None:
        """Let some nodes be rated.

        Args:
            slots: The candidates.
            scores: Slot -> what extenders add to its score.
            told: Slot -> row of the reason table, for nodes that extenders rejected.
        """
        self._candidates.set(slots)
        rated = np.fromiter(scores, np.int32, len(scores))
        self._extender_scores.set(rated, np.fromiter(scores.values(), np.int64, len(scores)))
        self._told = told
        self.scores.invalidate()
        self.scores.catch_up()

    def verdicts(self) -> npt.NDArray[np.int32]:
        """int32[top]: row of the reason table by slot, of the filters, the extenders, then the sampling."""
        verdicts: npt.NDArray[np.int32] = self.filters.verdicts()
        left = self.scores.verdicts()
        feasible = np.flatnonzero(verdicts == 0)
        verdicts[feasible] = left[feasible]
        for slot, row in self._told.items():
            verdicts[slot] = row
        return verdicts

    def totals(self) -> npt.NDArray[np.int64]:
        """int64[top]: total score by slot; meaningless where the node is no candidate."""
        totals: npt.NDArray[np.int64] = self.scores.totals()
        return totals

    def score_columns(self) -> dict[str, Any]:
        """Every score plugin's columns, see ``PodClass.score_columns``."""
        columns: dict[str, Any] = self.scores.score_columns()
        if not columns[ExtenderScores.__name__][0].any():
            del columns[ExtenderScores.__name__]
        return columns


Compiled = PodClass | Stepwise | Status
"""What a pod is compiled to: a class to decide with, or the status that ends the pod's cycle."""


class Steps:
    """What happens between Filter and Score.

    Args:
        core: The native state.
        extenders: Who is asked.
        tree: The nodes in the order in which they are looked at.
        manifest: Returns a pod as requests to extenders contain it.

    Attributes:
        sampler: Where the next search begins.
    """

    def __init__(
        self,
        core: Core,
        extenders: Extenders,
        tree: NodeTree,
        manifest: Callable[[Pod], Mapping[str, Any]],
    ) -> None:
        self._core = core
        self._extenders = extenders
        self._tree = tree
        self._manifest = manifest
        self.sampler = NodeSampler()

    def run(self, pod: Pod, stepwise: Stepwise, *, moves: bool) -> dict[int, int] | None:
        """Filter, sample and ask the extenders; leave the nodes to choose among to ``stepwise.scores``.

        Args:
            pod: The pod.
            stepwise: Its class.
            moves: Whether the next search begins where this one ends; not for a mere question.

        Returns:
            None, or, if no node is left, row of the reason table -> how many nodes have it as their verdict.

        Raises:
            ExtenderError: An extender that is not ignorable failed.
        """
        stepwise.catch_up()
        counts = dict(stepwise.filters.rejection_counts())
        slots = self._sample(stepwise, moves)
        told: dict[int, int] = {}
        if self._extenders and len(slots):
            slots, told = self._ask(pod, slots)
            for row in told.values():
                counts[row] = counts.get(row, 0) + 1
        scores = self._rate(pod, slots) if self._extenders and len(slots) > 1 else {}
        stepwise.narrow(slots, scores, told)
        return None if len(slots) else counts

    def takes(self, pod: Pod, slot: int) -> bool:
        """Whether the extenders let a pod go to the node nominated for it; not when one of them fails."""
        try:
            return not self._extenders or bool(len(self._ask(pod, np.array([slot], np.int32))[0]))
        except ExtenderError:
            return False

    def _sample(self, stepwise: Stepwise, moves: bool) -> Slots:
        """The feasible nodes that a search finds, in the order in which it does."""
        nodes = self._core.nodes
        order = np.fromiter(map(nodes.slot_of, self._tree.order()), np.int32, nodes.count)
        verdicts = stepwise.filters.verdicts()[order]
        left_out = np.array([self._left_out(row) for row in np.unique(verdicts)], bool)
        eligible = ~left_out[np.searchsorted(np.unique(verdicts), verdicts)] if len(order) else left_out
        wanted = 1 if stepwise.wants_one else nodes_to_find(int(eligible.sum()), stepwise.percentage)
        places, start = self.sampler.sample(eligible, verdicts == 0, wanted)
        if moves:
            self.sampler.start = start
        return order[places]

    def _left_out(self, row: int) -> bool:
        """Whether a verdict says that PreFilter did not ask for the node."""
        return row > 0 and self._core.reasons.code_of(row) == "PreFilterResult"

    def _ask(self, pod: Pod, slots: Slots) -> tuple[Slots, dict[int, int]]:
        """Who is left of some nodes, and slot -> row of the reason table for those rejected with a reason."""
        nodes, reasons = self._core.nodes, self._core.reasons
        answer = self._extenders.filter(pod, self._manifest(pod), [nodes.name_of(slot) for slot in slots])
        left = np.array([nodes.slot_of(name) for name in answer.nodes], np.int32)
        told = {
            nodes.slot_of(name): reasons.words(EXTENDER, code, reason)
            for name, (code, reason) in answer.rejected.items()
        }
        kept = set(left.tolist()) | {-1}
        return left, {slot: row for slot, row in told.items() if slot not in kept}

    def _rate(self, pod: Pod, slots: Slots) -> dict[int, int]:
        """Slot -> what the extenders add to its score."""
        nodes = self._core.nodes
        names = {nodes.name_of(slot): int(slot) for slot in slots}
        scores = self._extenders.prioritize(pod, self._manifest(pod), list(names))
        return {names[name]: score for name, score in scores.items() if name in names}
