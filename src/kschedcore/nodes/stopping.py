"""How the containers of a pod end: ``preStop`` hooks, the grace period, and sidecars last, in reverse order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kschedcore.api.machinery.times import later
from kschedcore.nodes.containers import Container
from kschedcore.nodes.reports import Reports
from kschedcore.nodes.runtimes.interface import Exit, Runtime

__all__ = ["Ending", "Stopping", "ask_to_stop"]

LEAST_GRACE = 2.0
"""What is left to a container after its ``preStop`` hook at least, in seconds (``minimumGracePeriodInSeconds``)."""

_KILLED = 137


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an agent ends a pod by itself, as its status reports it.

    Attributes:
        reason: ``DeadlineExceeded``, ``Evicted``.
        message: For people.
        disrupted: Whether the pod was disrupted (condition ``DisruptionTarget``, KEP-3329).
    """

    reason: str
    message: str
    disrupted: bool = False


@dataclass(slots=True)
class Stopping:
    """A pod that is being stopped.

    Attributes:
        begun: Since when.
        grace_seconds: How long it may take.
        ending: Why, if it is the agent's own doing.
    """

    begun: datetime
    grace_seconds: float
    ending: Ending | None = None

    @property
    def deadline(self) -> datetime:
        """When whatever still runs is killed."""
        return later(self.begun, self.grace_seconds)

    def hasten(self, containers: Sequence[Container], now: datetime, deadline: datetime) -> None:
        """Be done by ``deadline``, if that is sooner."""
        if deadline >= self.deadline:
            return
        self.grace_seconds = max((deadline - self.begun).total_seconds(), 0.0)
        at = max(deadline, now)
        for each in containers:
            if each.running and (each.exit is None or each.exit.at > at):
                each.exit = Exit(at, _KILLED)

    def advance(
        self, containers: Sequence[Container], runtime: Runtime, reports: Reports, now: datetime
    ) -> None:
        """Stop the containers that are due."""
        for each in containers:
            each.launch = None
        first = [each for each in containers if each.running and each.role != "sidecar"]
        # One sidecar after the other, the one that was started last first (KEP-753).
        turn = first or [each for each in reversed(containers) if each.running][:1]
        # An agent that was restarted meanwhile must not give a container more time than the agent before it.
        asked = self.begun if first else now
        for each in turn:
            if not each.stopping:
                left = (self.deadline - asked).total_seconds()
                ask_to_stop(each, max(left, 0.0), runtime, reports, asked, f"Stopping container {each.name}")


def ask_to_stop(
    container: Container, grace_seconds: float, runtime: Runtime, reports: Reports, now: datetime, why: str
) -> None:
    """Have a running container end within its grace: its ``preStop`` hook first, then the signal.

    Args:
        container: The container.
        grace_seconds: How long it may take; nothing is waited for when it is zero.
        runtime: What it runs in.
        reports: Records events.
        now: The time.
        why: The message of the event.
    """
    instance = container.instance
    assert instance is not None, "it runs"
    reports.normal("Killing", why)
    container.stopping = True
    begins, left = now, grace_seconds
    if grace_seconds and "preStop" in container.spec.get("lifecycle", {}):
        hook = runtime.pre_stop(instance, now)
        if hook.error:
            reports.warn("FailedPreStopHook", f"PreStopHook failed: {hook.error}")
        taken = min(hook.seconds, grace_seconds)
        begins, left = later(now, taken), max(grace_seconds - taken, LEAST_GRACE)
    if not left:
        container.exit = Exit(now, _KILLED)
        return
    outlook = runtime.stop(instance, begins, left)
    container.ask = outlook.until
    # It may end by itself before that.
    if outlook.exit is not None and (container.exit is None or outlook.exit.at < container.exit.at):
        container.exit = outlook.exit
