"""Scheduling cycles and binding cycles: Reserve, Permit, PreBind, Bind, PostBind.

Scheduling cycles are serial: each pod is decided, accounted on its node, reserved and passed to Permit before the next.
Binding cycles do not block the next pod: :meth:`Pipeline.advance` runs those that are ready, including pods that Permit
has released, and those whose binding waits for something in the cluster. A pod that fails is unreserved and forgotten.
No time passes in here: the clock says what time it is, and :attr:`Pipeline.deadline` when to call again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from kschedcore.engine.binding import PodKey, key_of
from kschedcore.engine.extenders.extenders import ExtenderError
from kschedcore.engine.plugin import SKIP, Assumed, Status, bind_nowhere
from kschedcore.scheduler.waiting import WaitingPod, WaitingPods

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.clock import Clock
    from kschedcore.engine.decision import Decision
    from kschedcore.engine.engine import Engine


class NotReady(Exception):  # noqa: N818
    """Raised by work of PreBind that has to wait: the pod stays assumed, and the work is tried again after a while.

    Args:
        after: Until then.
    """

    def __init__(self, after: timedelta) -> None:
        super().__init__(after)
        self.after = after


class Phase(StrEnum):
    """The state of a pod's cycle."""

    UNSCHEDULABLE = "Unschedulable"  # no node is feasible
    WAITING = "Waiting"  # Permit holds the pod
    BINDING = "Binding"  # ready for the binding cycle
    BOUND = "Bound"
    FAILED = "Failed"  # rejected after a node was chosen; unreserved and forgotten


@dataclass
class Cycle:
    """One attempt to schedule a pod.

    Attributes:
        decision: The decision of the scheduling cycle.
        phase: The state of the cycle.
        status: Why it failed; None if it did not.
        assumed: The pod and its node; None if no node is feasible.
        pre_binding: The plugins whose PreBind runs; None for all.
        due: When to try its PreBind again.
        past_permit: Whether it failed after Permit, which is no rejection of the pod any more: it is tried again after
            its back-off, whatever happens in the cluster.
    """

    decision: Decision
    phase: Phase
    status: Status | None = None
    assumed: Assumed | None = None
    pre_binding: frozenset[str] | None = None
    due: datetime | None = None
    past_permit: bool = False

    @property
    def pod(self) -> Pod:
        """The pod."""
        return self.decision.pod

    @property
    def reason(self) -> str:
        """The reason of the condition PodScheduled: ``Unschedulable`` or ``SchedulerError``."""
        diagnosis = self.decision.diagnosis
        status = self.status or (None if diagnosis is None else diagnosis.pre_filter)
        return "Unschedulable" if status is None or status.rejects else "SchedulerError"

    @property
    def message(self) -> str:
        """kube-scheduler's message why the pod has no node (framework.FitError); empty when it has one."""
        if self.status is None:
            return self.decision.message
        if self.past_permit or not self.status.rejects:
            return ", ".join(self.status.reasons)
        # Reserve and Permit reject the one node that was chosen.
        reasons = ", ".join(sorted(f"1 {reason}" for reason in self.status.reasons))
        return f"0/1 nodes are available: {reasons}."

    @property
    def plugins(self) -> frozenset[str]:
        """The plugins that rejected the pod; empty on errors."""
        if self.status is not None:
            rejected = self.status.rejects and self.status.plugin and not self.past_permit
            return frozenset({self.status.plugin} if rejected else ())
        diagnosis = self.decision.diagnosis
        return frozenset() if diagnosis is None else diagnosis.plugins


class Pipeline:
    """Runs the scheduling and binding cycles of pods.

    Args:
        engine: Decides, and accounts assumed pods.
        clock: The time, for Permit's timeouts.
        bind: Writes a pod's node to the cluster (the ``binding`` subresource); raises a
            :class:`~kschedcore.errors.KschedcoreError` when that fails.
        works: Whether ``pre_bind`` has work to do for a pod.
        pre_bind: Does the PreBind work of in-tree plugins for a pod and its node; returns a status when that fails, or
            raises :class:`NotReady`.
        expect: Called with a pod and its node before Permit holds the pod or work of PreBind begins (KEP-5278); None
            if that is not to be announced.

    Attributes:
        waiting: The pods that Permit holds.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        bind: Callable[[Pod, str], None] = bind_nowhere,
        *,
        works: Callable[[Pod], bool] = lambda _: False,
        pre_bind: Callable[[Pod, str], Status | None] = lambda _pod, _node: None,
        expect: Callable[[Pod, str], None] | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._bind = bind
        self._works = works
        self._pre_bind = pre_bind
        self._expect = expect
        self._cycles: dict[PodKey, Cycle] = {}
        self.waiting = WaitingPods()

    @property
    def deadline(self) -> datetime | None:
        """The earliest time at which :meth:`advance` has something to do; None when no pod waits."""
        now = self._clock.now()
        due = [cycle.due or now for cycle in self._cycles.values() if cycle.phase is Phase.BINDING]
        if self.waiting.decided:
            due.append(now)
        if self.waiting.deadline is not None:
            due.append(self.waiting.deadline)
        return min(due, default=None)

    def schedule(self, pods: Iterable[Pod | Mapping[str, Any]]) -> list[Cycle]:
        """Run the scheduling cycles of pods in queue order, one after another.

        Returns:
            A cycle for each pod: unschedulable, failed, waiting, or to be bound by :meth:`advance`.
        """
        return [cycle for pod in self._engine.in_queue_order(pods) for cycle in self.schedule_together([pod])]

    def schedule_together(self, pods: Iterable[Pod | Mapping[str, Any]]) -> list[Cycle]:
        """Decide about all pods in one batch, then reserve and permit them; otherwise as :meth:`schedule`.

        The resources of a pod that Reserve or Permit rejects are not available to the other pods of the batch.
        """
        return [self._scheduled(decision) for decision in self._engine.schedule_unreserved(pods)]

    def _scheduled(self, decision: Decision) -> Cycle:
        key = key_of(decision.pod)
        self.cancel(key, "replaced by another pod of its name")
        if decision.node is None:
            return Cycle(decision, Phase.UNSCHEDULABLE)
        framework = self._engine.framework_of(decision.pod)
        assumed = Assumed(decision.pod, decision.node, self._bind)
        cycle = Cycle(decision, Phase.BINDING, assumed=assumed)
        refusal = framework.reserve(assumed)
        if refusal is not None:
            return self._fail(cycle, refusal)
        answer = framework.permit(assumed)
        if isinstance(answer, Status):
            return self._fail(cycle, answer)
        if self._expect is not None:
            working = framework.pre_flight(assumed)
            if isinstance(working, Status):
                return self._fail(cycle, working)
            cycle.pre_binding = working
        if answer:
            cycle.phase = Phase.WAITING
            self.waiting.add(key, WaitingPod(assumed, answer, self._clock.now()))
        self._cycles[key] = cycle
        if self._expect is not None and (answer or cycle.pre_binding or self._works(decision.pod)):
            self._expect(decision.pod, decision.node)
        return cycle

    def advance(self) -> list[Cycle]:
        """Run the binding cycles that are ready, in the order in which the pods were scheduled.

        Returns:
            The cycles that ended, bound or failed.
        """
        now = self._clock.now()
        for waited in self.waiting.settled(now):
            cycle = self._cycles[key_of(waited.assumed.pod)]
            cycle.phase = Phase.BINDING
            if isinstance(waited.verdict, Status):
                cycle.status = waited.verdict
        ready = [
            (key, cycle)
            for key, cycle in self._cycles.items()
            if cycle.phase is Phase.BINDING and (cycle.due is None or cycle.due <= now)
        ]
        ended = []
        for key, cycle in ready:
            # Binding one pod may cancel others.
            if self._cycles.get(key) is cycle:
                del self._cycles[key]
                try:
                    ended.append(self._finish(cycle))
                except NotReady as wait:
                    cycle.due = now + wait.after
                    self._cycles[key] = cycle
        return ended

    def preempt(self, key: PodKey) -> bool:
        """Send a pod that is not bound yet back to back-off, for a more important one.

        Returns:
            Whether there was such a pod: it waits in Permit, or its binding waits.
        """
        held = self.waiting.get(key)
        if held is not None:
            held.preempt()
            return True
        cycle = self._cycles.get(key)
        if cycle is None or cycle.due is None:
            return False
        cycle.due, cycle.status = None, Status("Error", "", ("preempted",))
        return True

    def cancel(self, key: PodKey, message: str = "removed") -> Cycle | None:
        """End the cycle of a pod, by namespace and name, for example because it was deleted.

        Returns:
            Its cycle, if there was one.
        """
        cycle = self._cycles.pop(key, None)
        if cycle is None:
            return None
        if key in self.waiting:
            self.waiting[key].reject("", message)
            self.waiting.settled(self._clock.now())
        return self._fail(cycle, Status("Unschedulable", "", (message,)))

    def _finish(self, cycle: Cycle) -> Cycle:
        """The binding cycle: PreBind, Bind, PostBind."""
        assumed = cycle.assumed
        assert assumed is not None
        framework = self._engine.framework_of(cycle.pod)
        status = cycle.status or self._gone(cycle)
        if status is None:
            cycle.past_permit = True
            status = (
                self._pre_bind(assumed.pod, assumed.node)
                or framework.pre_bind(assumed, cycle.pre_binding)
                or self._bound(assumed)
            )
        if status is not None:
            return self._fail(cycle, status)
        cycle.phase = Phase.BOUND
        framework.post_bind(assumed)
        return cycle

    def _gone(self, cycle: Cycle) -> Status | None:
        """Return an error if the pod is not assumed any more."""
        if self._engine.is_assumed(cycle.pod):
            return None
        return Status("Error", "", (f"pod {cycle.decision.pod_name} is gone",))

    def _bound(self, assumed: Assumed) -> Status | None:
        """Bind through an extender that binds, or else through the profile's plugins."""
        try:
            if self._engine.extenders.bind(assumed.pod, assumed.node):
                return None
            status = self._engine.framework_of(assumed.pod).bind(assumed)
        except ExtenderError as error:
            return Status("Error", "", (str(error),), cause=error)
        return Status("Error", "", ("no plugin binds the pod",)) if status is SKIP else status

    def _fail(self, cycle: Cycle, status: Status) -> Cycle:
        """Unreserve and forget the pod."""
        assert cycle.assumed is not None
        self._engine.framework_of(cycle.pod).unreserve(cycle.assumed)
        self._engine.forget_pod(cycle.pod)
        cycle.phase, cycle.status = Phase.FAILED, status
        return cycle
