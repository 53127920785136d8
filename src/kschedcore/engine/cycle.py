"""Scheduling cycles: decide on a node with a pod's compiled class, and commit the decision."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kschedcore._native.podclass import PodClass
from kschedcore.engine.binding import key_of
from kschedcore.engine.columns.tables import Coded
from kschedcore.engine.decision import Decision
from kschedcore.engine.diagnosis import Diagnosis
from kschedcore.engine.extenders.extenders import ExtenderError
from kschedcore.engine.plugin import Status
from kschedcore.engine.plugins.dynamic_resources import devices_of, filter_error
from kschedcore.engine.profile import DEFAULT_SCHEDULER_NAME
from kschedcore.engine.row_decisions import RowDecisions
from kschedcore.engine.stepwise import EXTENDER, Steps, Stepwise

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore._native.transactions import Journal
    from kschedcore.api.objects import Pod
    from kschedcore.engine.binding import BoundPods
    from kschedcore.engine.classes import ClassCache
    from kschedcore.engine.columns.pod_tables import PodRows
    from kschedcore.engine.devices.assumed import AssumedClaims
    from kschedcore.engine.devices.state import ClaimChange
    from kschedcore.engine.framework import Framework
    from kschedcore.engine.nominator import Nomination, Nominator
    from kschedcore.engine.plugin import ClusterHandle, PostFilterResult


@dataclass(frozen=True)
class Cycles:
    """Runs scheduling cycles over the state of an engine.

    Attributes:
        core: The native state.
        journal: The undo log.
        bound: The bound pods.
        nominator: The nominated pods.
        classes: The compiled classes.
        steps: Sampling and extenders.
        cluster: The cluster as PostFilter plugins see it.
        frameworks: The profiles by scheduler name.
        claims: ResourceClaims as cycles leave them.
    """

    core: Core
    journal: Journal
    bound: BoundPods
    nominator: Nominator
    classes: ClassCache
    steps: Steps
    cluster: ClusterHandle
    frameworks: Mapping[str, Framework]
    claims: AssumedClaims

    def place_batch(self, batch: list[tuple[Pod, PodClass]], preempt: bool, made: list[Decision]) -> None:
        """Place pods without nominations one after another, each accounted before the next is decided.

        Args:
            batch: The pods and their classes.
            preempt: Run PostFilter for pods without a feasible node.
            made: The decisions are appended here; after an exception, those that were committed.
        """
        if len(batch) < 2:
            for pod, compiled in batch:
                self._run(pod, compiled, preempt, made, commit=True)
            return
        tried: dict[int, PostFilterResult] = {}

        def post_filter(place: int) -> None:
            tried[place] = self._post_filter(*batch[place], commit=True)

        slots, totals, ties, feasible, numbers, failures, done, error = self.core.place(
            [compiled for _, compiled in batch], True, post_filter if preempt else None
        )
        rows = zip(
            batch[:done],
            slots.tolist(),
            totals.tolist(),
            ties.tolist(),
            feasible.tolist(),
            numbers.tolist(),
            strict=False,
        )
        for place, ((pod, compiled), slot, total, shared, passed, number) in enumerate(rows):
            if slot < 0:
                made.append(self._unschedulable(pod, failures[place], tried.get(place)))
                continue
            node = self.core.nodes.name_of(slot)
            made.append(Decision(pod, node, passed, total, shared))
            self.bound.note(pod, compiled.info, node, number)
        self._stop_unless_done(done == len(batch), error)

    def raise_errors(self) -> None:
        """Raise the exceptions of plugins written in Python since the last call.

        Compiled classes hold placeholder results of the failed plugin, and are dropped.
        """
        errors = [error for framework in self.frameworks.values() for error in framework.take_errors()]
        if errors:
            self.classes.clear()
            raise errors[0]

    def _framework_of(self, pod: Pod) -> Framework:
        return self.frameworks[pod.spec.scheduler_name or DEFAULT_SCHEDULER_NAME]

    def _stop_unless_done(self, done: bool, error: BaseException | None) -> None:
        if error is not None:
            raise error
        if not done:
            self.raise_errors()

    def place_rows(
        self, rows: PodRows, classes: list[PodClass], preempt: bool, made: list[RowDecisions]
    ) -> BaseException | None:
        """Place the pods of a table by priority, then in the order of rows.

        Args:
            rows: The pods.
            classes: The class of each of their shapes.
            preempt: Run PostFilter for pods without a feasible node.
            made: The decisions are appended here before they are committed, see :meth:`are_committed`.

        Returns:
            The exception that interrupted the cycles, if any: then only some rows are decided.
        """
        priorities = np.array([each.info.priority for each in classes], np.int64)[rows.shape_of]
        order = np.argsort(-priorities, kind="stable")
        tried: dict[int, PostFilterResult] = {}

        def post_filter(place: int) -> None:
            row = int(order[place])
            tried[place] = self._post_filter(rows.pod(row), classes[rows.shape_of[row]], commit=True)

        class_of = np.ascontiguousarray(rows.shape_of[order], np.int32)
        slots, totals, ties, feasible, numbers, failures, done, error = self.core.place(
            classes, True, post_filter if preempt else None, class_of
        )
        back = np.argsort(order)
        failed = {
            int(order[place]): self._unschedulable(rows.pod(order[place]), counts, tried.get(place))
            for place, counts in failures.items()
            if place < done
        }
        if done < len(rows):
            decided = back < done
            rows, back, places = rows.where(decided), back[decided], np.cumsum(decided) - 1
            failed = {int(places[row]): decision for row, decision in failed.items()}
        decisions = RowDecisions(
            rows, slots[back], feasible[back], totals[back], ties[back], failed, self.core.nodes.name_of
        )
        placed = rows.where(decisions.placed)
        placed.nodes = Coded(decisions.nodes.codes[decisions.placed], decisions.nodes.values)
        made.append(decisions)
        self.bound.note_rows(placed, [each.info for each in classes], numbers[back][decisions.placed])
        return error

    def are_committed(self, decisions: RowDecisions) -> bool:
        """Return whether the placed pods of a table are recorded as bound."""
        placed = np.flatnonzero(decisions.placed)
        if not len(placed):
            return True
        row = int(placed[0])
        bound = self.bound.get(decisions.rows.key(row))
        return bound is not None and bound.node == decisions.name_of(int(decisions.slots[row]))

    def place(self, pod: Pod, compiled: PodClass | Stepwise, preempt: bool, made: list[Decision]) -> None:
        """Place a pod on its nominated node if it fits there now, else on the best node.

        The decision is appended to ``made`` before it is committed.
        """
        with self.journal.atomic():
            nomination = self.nominator.withdraw(key_of(pod))
            node = self._fits_on_nominated(pod, compiled, nomination)
            error = self._filter_error(pod, compiled) if node is None else None
            if error is not None:
                made.append(error)
                return
            if node is None:
                self._run(pod, compiled, preempt, made, commit=True)
            else:
                self._place_on(pod, compiled, node, made)
            decision = made[-1]
            if decision.node is None and decision.keeps_nomination and nomination is not None:
                self.nominator.nominate(key_of(pod), nomination.info, nomination.node)
            decision.claims = self.claim_changes(decision, compiled)
            if decision.node is not None:
                self.claims.assume(key_of(pod), decision.claims)

    def _filter_error(self, pod: Pod, compiled: PodClass | Stepwise) -> Decision | None:
        """Return the decision of a cycle that an error of the device allocator ended, if one did."""
        status = filter_error(self.core, compiled.filters if isinstance(compiled, Stepwise) else compiled)
        if status is None:
            return None
        return Decision(pod, None, diagnosis=Diagnosis(self.core, self.core.nodes.count, pre_filter=status))

    def claim_changes(self, decision: Decision, compiled: PodClass | Stepwise) -> tuple[ClaimChange, ...]:
        """Return the changes of ResourceClaims that a decision makes."""
        found = devices_of(compiled.filters if isinstance(compiled, Stepwise) else compiled)
        if found is None or decision.node is None:
            return decision.claims
        return self.claims.changes(decision.pod, found, self.core.nodes.slot_of(decision.node))

    def decide(
        self, pod: Pod, compiled: PodClass | Stepwise, preempt: bool
    ) -> tuple[Decision, PodClass | Stepwise, bool]:
        """Decide on a node for a pod without committing the decision.

        Returns:
            The decision, the class it came from, and whether that class is restricted to the pod's nominated node
            and must be released by the caller.
        """
        nominated = self.nominator.get(key_of(pod)) is not None
        with self.journal.transaction() if nominated else nullcontext():
            # The pod's own nomination must not reject it.
            nomination = self.nominator.withdraw(key_of(pod))
            node = self._fits_on_nominated(pod, compiled, nomination)
            if node is not None:
                compiled = self.classes.narrowed(pod, self._framework_of(pod), node)
            error = self._filter_error(pod, compiled) if node is None else None
            if error is not None:
                return error, compiled, False
            made: list[Decision] = []
            self._run(pod, compiled, preempt, made, commit=False)
            made[0].claims = self.claim_changes(made[0], compiled)
            return made[0], compiled, node is not None

    def _fits_on_nominated(
        self, pod: Pod, compiled: PodClass | Stepwise, nomination: Nomination | None
    ) -> str | None:
        """Return the pod's nominated node, if the pod fits there now."""
        node = nomination.node if nomination else pod.status.nominated_node_name
        slot = self.core.nodes.slot_of(node) if node else -1
        if not node or slot < 0:
            return None
        compiled.catch_up()
        if not compiled.passes(slot):
            return None
        if isinstance(compiled, Stepwise) and not self.steps.accepts(pod, slot):
            return None
        return node

    def _place_on(self, pod: Pod, compiled: PodClass | Stepwise, node: str, made: list[Decision]) -> None:
        """Place a pod on its nominated node, which is feasible."""
        slot = self.core.nodes.slot_of(node)
        total = None if isinstance(compiled, Stepwise) else compiled.total_alone(slot)
        if total is None:
            narrowed = self.classes.narrowed(pod, self._framework_of(pod), node)
            self._run(pod, narrowed, False, made, commit=True)
            narrowed.release()
            return
        made.append(Decision(pod, node, feasible=1, total=total, ties=1))
        self.bound.note(pod, compiled.info, node, self.core.bind(compiled.info, slot))

    def _run(
        self,
        pod: Pod,
        compiled: PodClass | Stepwise,
        preempt: bool,
        made: list[Decision],
        *,
        commit: bool,
    ) -> None:
        """Run one cycle; account the pod, and nominate it when there are victims, if it is to be committed.

        The decision is appended to ``made`` before it is committed.
        """
        if isinstance(compiled, Stepwise):
            try:
                counts = self.steps.run(pod, compiled, moves=commit)
            except ExtenderError as error:
                made.append(self._failed(pod, error))
                return
            if counts is not None:
                result = self._post_filter(pod, compiled.filters, commit=commit) if preempt else None
                made.append(self._unschedulable(pod, counts, result))
                return
            compiled, preempt = compiled.scores, False
        placed = self.core.place_one(compiled, commit)
        if placed is None:
            self.raise_errors()
            return
        slot, total, ties, feasible, number = placed
        if slot < 0:
            counts = self.core.failure(compiled)
            result = self._post_filter(pod, compiled, commit=commit) if preempt else None
            made.append(self._unschedulable(pod, counts, result))
            return
        node = self.core.nodes.name_of(slot)
        made.append(Decision(pod, node, feasible, total, ties))
        if commit:
            self.bound.note(pod, compiled.info, node, number)

    def reject(self, pod: Pod, status: Status, preempt: bool, *, commit: bool) -> Decision:
        """Return the decision for a pod that PreEnqueue or PreFilter rejected with a status."""
        with self.journal.atomic():
            nomination = self.nominator.withdraw(key_of(pod)) if commit else None
            # PostFilter runs after a PreFilter plugin has rejected the pod, if there is any node.
            runs = preempt and status.plugin and status.rejects and not status.pre_enqueue
            result = None
            if runs and self.core.nodes.count:
                result = self._post_filter(pod, status, commit=commit)
            decision = self._unschedulable(pod, {}, result, status)
            if result is not None and decision.keeps_nomination and nomination is not None:
                self.nominator.nominate(key_of(pod), nomination.info, nomination.node)
        return decision

    def _post_filter(self, pod: Pod, compiled: PodClass | Status, *, commit: bool) -> PostFilterResult:
        """Run PostFilter; if the cycle is committed, nominate the pod to the node that it finds."""
        result = self._framework_of(pod).post_filter(self.cluster, pod, compiled)
        if commit and (result.node is not None or result.claims):
            info = self.classes.info(pod) if isinstance(compiled, Status) else compiled.info
            with self.journal.atomic():
                if result.node is not None:
                    self.nominator.withdraw_below(result.node, info.priority)
                    self.nominator.nominate(key_of(pod), info, result.node)
                self.claims.write(result.claims)
        return result

    def _failed(self, pod: Pod, error: ExtenderError) -> Decision:
        """Return the decision of a cycle that an extender's error ended."""
        status = Status("Error", EXTENDER, (str(error),))
        return Decision(pod, None, diagnosis=Diagnosis(self.core, self.core.nodes.count, pre_filter=status))

    def _unschedulable(
        self,
        pod: Pod,
        counts: dict[int, int],
        result: PostFilterResult | None,
        status: Status | None = None,
    ) -> Decision:
        nodes = self.core.nodes.count
        if result is None:
            diagnosis = Diagnosis(self.core, nodes, counts, status)
            return Decision(pod, None, diagnosis=diagnosis, keeps_nomination=status is None)
        diagnosis = Diagnosis(self.core, nodes, counts, status, result.message)
        equals = tuple((node, tuple(each.pod for each in victims)) for node, victims in result.equals)
        return Decision(
            pod,
            None,
            diagnosis=diagnosis,
            equals=equals,
            keeps_nomination=not result.tried,
            claims=result.claims,
        )
