"""Cycles with steps in Python between Filter and Score: sampling and extenders.

Other cycles use one native class. If a profile samples (``percentageOfNodesToScore``) or there are extenders, a pod
has two classes: one for Filter, and one for Score of the nodes that sampling and the extenders left.
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
"""The plugin name in rejections by extenders (framework.ExtenderName)."""

Slots = npt.NDArray[np.int32]


class Stepwise:
    """A pod class in two parts: Filter and Score.

    Args:
        core: The native state.
        info: The footprint of one pod of the class.
        filters: Filter plugins in profile order.
        scores: Score plugins with their weights set.
        percentage: The profile's percentage of nodes to score.
        wants_one: Whether one feasible node is enough, since there are no scores.
        unloaded: Returns the score plugins for nodes that extenders answered with as whole objects.

    Attributes:
        filters: The class that filters, without scores.
        scores: The class that scores; only the candidates pass.
        wants_one: Whether one feasible node is enough, since there are no scores.
    """

    def __init__(
        self,
        core: Core,
        info: PodInfo,
        filters: list[FilterPlugin],
        scores: list[ScorePlugin],
        percentage: int,
        wants_one: bool,
        unloaded: Callable[[], list[ScorePlugin]],
    ) -> None:
        nodes, reasons = core.nodes, core.reasons
        self._candidates = Candidates(nodes, reasons)
        self._extender_scores = ExtenderScores(nodes, reasons)
        self.info = info
        self.percentage = percentage
        self.wants_one = wants_one
        self.filters = PodClass(nodes, core.shared, info, filters, [])
        self._core = core
        self._unloaded = unloaded
        self._by_load = {True: self._scoring(scores)}
        self.scores = self._by_load[True]
        self._rejected: dict[int, int] = {}

    def _scoring(self, scores: list[ScorePlugin]) -> PodClass:
        nodes, shared = self._core.nodes, self._core.shared
        return PodClass(nodes, shared, self.info, [self._candidates], [*scores, self._extender_scores])

    def release(self) -> None:
        """Release what the plugins hold of the engine."""
        self.filters.release()
        for each in self._by_load.values():
            each.release()

    def catch_up(self) -> None:
        """Refresh the verdicts."""
        self.filters.catch_up()

    def passes(self, slot: int) -> bool:
        """Return whether a node passes the filters, as of the last refresh."""
        return bool(self.filters.passes(slot))

    def set_candidates(
        self, slots: Slots, scores: Mapping[int, int], rejected: dict[int, int], *, loaded: bool
    ) -> None:
        """Set the nodes that are scored.

        Args:
            slots: The candidates.
            scores: Slot -> the score of the extenders.
            rejected: Slot -> row of the reason table, for nodes that extenders rejected.
            loaded: Whether the pods and images of the nodes count.
        """
        if loaded not in self._by_load:
            self._by_load[loaded] = self._scoring(self._unloaded())
        self.scores = self._by_load[loaded]
        self._candidates.set(slots)
        rated = np.fromiter(scores, np.int32, len(scores))
        self._extender_scores.set(rated, np.fromiter(scores.values(), np.int64, len(scores)))
        self._rejected = rejected
        self.scores.invalidate()
        self.scores.catch_up()

    def verdicts(self) -> npt.NDArray[np.int32]:
        """Return the verdicts of filters, extenders and sampling by slot, int32[top]."""
        verdicts: npt.NDArray[np.int32] = self.filters.verdicts()
        left = self.scores.verdicts()
        feasible = np.flatnonzero(verdicts == 0)
        verdicts[feasible] = left[feasible]
        for slot, row in self._rejected.items():
            verdicts[slot] = row
        return verdicts

    def totals(self) -> npt.NDArray[np.int64]:
        """Return the total score by slot, valid for candidates only, int64[top]."""
        totals: npt.NDArray[np.int64] = self.scores.totals()
        return totals

    def score_columns(self) -> dict[str, Any]:
        """Return the columns of each score plugin, see ``PodClass.score_columns``."""
        columns: dict[str, Any] = self.scores.score_columns()
        if not columns[ExtenderScores.__name__][0].any():
            del columns[ExtenderScores.__name__]
        return columns


Compiled = PodClass | Stepwise | Status
"""The result of compiling a pod: a class, or the status that ends the pod's cycle."""


class Steps:
    """The steps between Filter and Score: sampling and extenders.

    Args:
        core: The native state.
        extenders: The extenders to call.
        tree: The nodes in the order in which they are filtered.
        manifest: Returns a pod as requests to extenders contain it.

    Attributes:
        sampler: The search for feasible nodes.
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
        """Filter, sample and call the extenders; set the candidates of ``stepwise.scores``.

        Args:
            pod: The pod.
            stepwise: Its class.
            moves: Whether the next search starts where this one ends; False if the decision is not committed.

        Returns:
            None, or, if no node is left, row of the reason table -> number of nodes with that verdict.

        Raises:
            ExtenderError: An extender that is not ignorable failed.
        """
        stepwise.catch_up()
        counts = dict(stepwise.filters.rejection_counts())
        slots = sampled = self._sample(stepwise, moves)
        rejected: dict[int, int] = {}
        loaded = True
        try:
            if self._extenders and len(slots):
                slots, rejected, loaded = self._filter(pod, slots)
                for row in rejected.values():
                    counts[row] = counts.get(row, 0) + 1
            scores = self._score(pod, slots) if self._extenders and len(slots) > 1 else {}
        except ExtenderError as error:
            # An explanation shows the error with every node that is not rejected otherwise.
            row = self._core.reasons.words(EXTENDER, "Error", str(error))
            failed = dict.fromkeys(sampled.tolist(), row)
            stepwise.set_candidates(np.empty(0, np.int32), {}, {**failed, **rejected}, loaded=loaded)
            raise
        stepwise.set_candidates(slots, scores, rejected, loaded=loaded)
        return None if len(slots) else counts

    def accepts(self, pod: Pod, slot: int) -> bool:
        """Return whether the extenders accept a pod on its nominated node; False if one of them fails."""
        try:
            return not self._extenders or bool(len(self._filter(pod, np.array([slot], np.int32))[0]))
        except ExtenderError:
            return False

    def _sample(self, stepwise: Stepwise, moves: bool) -> Slots:
        """Return the feasible nodes that a search finds, in that order."""
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
        """Return whether a verdict is that the node is not in the PreFilterResult."""
        return row > 0 and self._core.reasons.code_of(row) == "PreFilterResult"

    def _filter(self, pod: Pod, slots: Slots) -> tuple[Slots, dict[int, int], bool]:
        """Call the extenders.

        Returns:
            The nodes that they leave, slot -> verdict of those rejected with a reason, and whether the load of the
            nodes is known: kube-scheduler scores whole nodes that an extender answers with as if nothing ran there.
        """
        nodes, reasons = self._core.nodes, self._core.reasons
        filtered = self._extenders.filter(pod, self._manifest(pod), [nodes.name_of(slot) for slot in slots])
        left = np.array([nodes.slot_of(name) for name in filtered.nodes], np.int32)
        rejected = {
            nodes.slot_of(name): reasons.words(EXTENDER, code, reason)
            for name, (code, reason) in filtered.rejected.items()
        }
        kept = set(left.tolist()) | {-1}
        return left, {slot: row for slot, row in rejected.items() if slot not in kept}, not filtered.whole

    def _score(self, pod: Pod, slots: Slots) -> dict[int, int]:
        """Return slot -> the score of the extenders."""
        nodes = self._core.nodes
        names = {nodes.name_of(slot): int(slot) for slot in slots}
        scores = self._extenders.prioritize(pod, self._manifest(pod), list(names))
        return {names[name]: score for name, score in scores.items() if name in names}
