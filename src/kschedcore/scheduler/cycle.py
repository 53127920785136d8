"""The pipeline behind a decision: Reserve, Permit, PreBind, Bind, PostBind.

Scheduling is serial: one pod after another is decided, accounted on its node, reserved and asked permission for.
What follows does not hold up the next pod: :meth:`Pipeline.advance` carries every pod further that can go, those
that Permit held among them. Whoever fails on the way gives everything back. No time passes in here and nothing
sleeps: a clock says what time it is, and :attr:`Pipeline.deadline` when to look again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from kschedcore.engine.binding import PodKey, key_of
from kschedcore.engine.extenders.extenders import ExtenderError
from kschedcore.engine.plugin import SKIP, Assumed, Status
from kschedcore.errors import KschedcoreError
from kschedcore.scheduler.waiting import WaitingPod, WaitingPods

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.clock import Clock
    from kschedcore.engine.decision import Decision
    from kschedcore.engine.engine import Engine


class Phase(StrEnum):
    """How far a pod has come."""

    UNSCHEDULABLE = "Unschedulable"  # no node took it
    WAITING = "Waiting"  # Permit holds it
    BINDING = "Binding"  # on its way
    BOUND = "Bound"
    FAILED = "Failed"  # sent back after it had a node; everything was given back


@dataclass
class Cycle:
    """One attempt to schedule a pod.

    Attributes:
        decision: Where it was to go.
        phase: How far it has come.
        status: Why it failed; None where it did not.
        assumed: The pod on its way; None where no node took it.
    """

    decision: Decision
    phase: Phase
    status: Status | None = None
    assumed: Assumed | None = None

    @property
    def pod(self) -> Pod:
        """The pod."""
        return self.decision.pod

    @property
    def reason(self) -> str:
        """Why the pod has no node, as its condition PodScheduled says: ``Unschedulable`` or ``SchedulerError``."""
        diagnosis = self.decision.diagnosis
        status = self.status or (None if diagnosis is None else diagnosis.pre_filter)
        return "Unschedulable" if status is None or status.rejects else "SchedulerError"

    @property
    def message(self) -> str:
        """Why the pod has no node, in kube-scheduler's words (framework.FitError); empty when it has one."""
        if self.status is None:
            return self.decision.message
        if not self.status.rejects:
            return ", ".join(self.status.reasons)
        # Reserve and Permit reject the one node that was chosen.
        told = ", ".join(sorted(f"1 {reason}" for reason in self.status.reasons))
        return f"0/1 nodes are available: {told}."

    @property
    def plugins(self) -> frozenset[str]:
        """The plugins that rejected the pod; none when something went wrong."""
        if self.status is not None:
            return frozenset({self.status.plugin} if self.status.plugin else ())
        diagnosis = self.decision.diagnosis
        return frozenset() if diagnosis is None else diagnosis.plugins


def _bind_nowhere(pod: Pod, node: str) -> None:
    """Bind where the engine's own account is all there is to write to."""


class Pipeline:
    """Takes pods from a decision to being bound.

    Args:
        engine: Decides, and accounts for what was decided.
        clock: The time, for Permit's timeouts.
        bind: Writes a pod's node to the cluster (the ``binding`` subresource); raises a
            :class:`~kschedcore.errors.KschedcoreError` when that fails.

    Attributes:
        waiting: The pods that Permit holds.
    """

    def __init__(
        self, engine: Engine, clock: Clock, bind: Callable[[Pod, str], None] = _bind_nowhere
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._bind = bind
        self._cycles: dict[PodKey, Cycle] = {}
        self.waiting = WaitingPods()

    @property
    def deadline(self) -> datetime | None:
        """When :meth:`advance` has something to do if nothing happens before; None when nothing waits."""
        if self.waiting.decided or any(cycle.phase is Phase.BINDING for cycle in self._cycles.values()):
            return self._clock.now()
        return self.waiting.deadline

    def schedule(self, pods: Iterable[Pod | Mapping[str, Any]]) -> list[Cycle]:
        """Decide about pods in queue order, one after another, as far as Permit.

        Returns:
            A cycle for each pod: unschedulable, failed, waiting, or to be bound by :meth:`advance`.
        """
        return [cycle for pod in self._engine.in_queue_order(pods) for cycle in self.schedule_together([pod])]

    def schedule_together(self, pods: Iterable[Pod | Mapping[str, Any]]) -> list[Cycle]:
        """Decide about all pods at once, and then take them as far as Permit; otherwise as :meth:`schedule`.

        What a pod that Reserve or Permit sends back gives back comes too late for the others.
        """
        return [self._scheduled(decision) for decision in self._engine.schedule(pods)]

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
        if answer:
            cycle.phase = Phase.WAITING
            self.waiting.add(key, WaitingPod(assumed, answer, self._clock.now()))
        self._cycles[key] = cycle
        return cycle

    def advance(self) -> list[Cycle]:
        """Carry on with every pod that can go on, in the order in which they were scheduled.

        Returns:
            The cycles that ended, bound or failed.
        """
        for waited in self.waiting.settled(self._clock.now()):
            cycle = self._cycles[key_of(waited.assumed.pod)]
            cycle.phase = Phase.BINDING
            if isinstance(waited.verdict, Status):
                cycle.status = waited.verdict
        ready = [(key, cycle) for key, cycle in self._cycles.items() if cycle.phase is Phase.BINDING]
        # While one is bound, others may be cancelled.
        return [self._finish(self._cycles.pop(key)) for key, cycle in ready if self._cycles.get(key) is cycle]

    def cancel(self, key: PodKey, message: str = "removed") -> Cycle | None:
        """Send a pod back that is on its way, by namespace and name; it was deleted, say.

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
        status = cycle.status or self._gone(cycle) or framework.pre_bind(assumed) or self._bound(assumed)
        if status is not None:
            return self._fail(cycle, status)
        cycle.phase = Phase.BOUND
        framework.post_bind(assumed)
        return cycle

    def _gone(self, cycle: Cycle) -> Status | None:
        """Whether the pod was taken off its node in the meantime."""
        if self._engine.is_assumed(cycle.pod):
            return None
        return Status("Error", "", (f"pod {cycle.decision.pod_name} is gone",))

    def _bound(self, assumed: Assumed) -> Status | None:
        """Bind, by an extender if one does that, else by the profile's plugins."""
        try:
            if self._engine.extenders.bind(assumed.pod, assumed.node):
                return None
            status = self._engine.framework_of(assumed.pod).bind(assumed)
        except (ExtenderError, KschedcoreError) as error:
            return Status("Error", "", (f"binding rejected: {error}",), cause=error)
        return (
            Status("Error", "", ("binding rejected: no plugin binds the pod",)) if status is SKIP else status
        )

    def _fail(self, cycle: Cycle, status: Status) -> Cycle:
        """Give everything back, in the reverse order in which it was taken."""
        assert cycle.assumed is not None
        self._engine.framework_of(cycle.pod).unreserve(cycle.assumed)
        self._engine.forget_pod(cycle.pod)
        cycle.phase, cycle.status = Phase.FAILED, status
        return cycle
