"""Termination of a pod's containers: ``preStop`` hooks, the grace period, and sidecars last, in reverse order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kschedcore.api.machinery.times import later
from kschedcore.nodes.containers import Container
from kschedcore.nodes.reports import Reports
from kschedcore.nodes.runtimes.interface import Exit, Runtime

__all__ = ["Ending", "Stopping", "stop_container"]

LEAST_GRACE = 2.0
"""Minimum grace period after the ``preStop`` hook, in seconds (``minimumGracePeriodInSeconds``)."""

_KILLED = 137


@dataclass(frozen=True, slots=True)
class Ending:
    """The reason for which an agent terminates a pod by its own decision, as in its status.

    Attributes:
        reason: ``DeadlineExceeded``, ``Evicted``.
        message: The status message.
        disrupted: Whether the pod gets the condition ``DisruptionTarget`` (KEP-3329).
    """

    reason: str
    message: str
    disrupted: bool = False


@dataclass(slots=True)
class Stopping:
    """A pod that is being stopped.

    Attributes:
        begun: When termination began.
        grace_seconds: The grace period.
        ending: The agent's reason, if the agent decided it.
    """

    begun: datetime
    grace_seconds: float
    ending: Ending | None = None

    @property
    def deadline(self) -> datetime:
        """The time at which the remaining containers are killed."""
        return later(self.begun, self.grace_seconds)

    def shorten(self, containers: Sequence[Container], now: datetime, deadline: datetime) -> None:
        """Shorten the grace period to end at ``deadline``, if that is sooner."""
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
        # One sidecar after the other, the last one started first (KEP-753).
        turn = first or [each for each in reversed(containers) if each.running][:1]
        # A restarted agent must not extend a container's grace period.
        since = self.begun if first else now
        for each in turn:
            if not each.stopping:
                left = (self.deadline - since).total_seconds()
                stop_container(
                    each, max(left, 0.0), runtime, reports, since, f"Stopping container {each.name}"
                )


def stop_container(
    container: Container, grace_seconds: float, runtime: Runtime, reports: Reports, now: datetime, why: str
) -> None:
    """Stop a running container within its grace period: its ``preStop`` hook first, then the signal.

    Args:
        container: The container.
        grace_seconds: The grace period; 0 kills the container at once.
        runtime: The container runtime.
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
    container.poll_at = outlook.until
    # It may terminate by itself before that.
    if outlook.exit is not None and (container.exit is None or outlook.exit.at < container.exit.at):
        container.exit = outlook.exit
