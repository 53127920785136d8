"""Liveness, readiness and startup probes: their schedule and thresholds (``v1.Probe``)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from kschedcore.api.machinery.times import span
from kschedcore.nodes.runtimes.interface import Instance, ProbeKind, Runtime, Verdict

__all__ = ["Prober", "probers_of"]

_FIELDS: tuple[tuple[ProbeKind, str], ...] = (
    ("startup", "startupProbe"), ("liveness", "livenessProbe"), ("readiness", "readinessProbe"),
)  # fmt: skip


class Prober:
    """One probe of one run of a container.

    The first probe runs ``initialDelaySeconds`` after the container has started, the others every ``periodSeconds``.
    The result changes after ``successThreshold`` or ``failureThreshold`` equal outcomes.

    Args:
        kind: ``startup``, ``liveness`` or ``readiness``.
        probe: The ``v1.Probe``, defaulted.
        instance: The run of the container.
        since: When probing starts.
    """

    __slots__ = (
        "_failures",
        "_last",
        "_period",
        "_run",
        "_successes",
        "due",
        "instance",
        "kind",
        "probe",
        "result",
    )

    def __init__(
        self, kind: ProbeKind, probe: Mapping[str, Any], instance: Instance, since: datetime
    ) -> None:
        self.kind = kind
        self.probe = probe
        self.instance = instance
        delay = span(probe.get("initialDelaySeconds", 0))
        self._period = span(probe.get("periodSeconds", 10))
        self._failures: int = probe.get("failureThreshold", 3)
        self._successes: int = probe.get("successThreshold", 1)
        self._last: bool | None = None
        self._run = 0
        first = instance.started_at + delay
        missed = max(math.ceil((since - first) / self._period), 0)
        self.due: datetime | None = first + missed * self._period
        self.result: bool | None = None

    def poll(self, runtime: Runtime, now: datetime, failed: Callable[[Prober, Verdict], None]) -> None:
        """Run the probes that are due; call ``failed`` for those that fail."""
        while self.due is not None and self.due <= now:
            verdict = runtime.probe(self.instance, self.kind, self.probe, self.due)
            if not verdict.success:
                failed(self, verdict)
            self._count(verdict.success)
            self.due = self._next(self.due, verdict)

    def _count(self, success: bool) -> None:
        self._run = self._run + 1 if success == self._last else 1
        self._last = success
        if self._run >= (self._successes if success else self._failures):
            self.result = success

    def _next(self, due: datetime, verdict: Verdict) -> datetime | None:
        """Return when to probe next; probes that cannot change the result are skipped."""
        following = due + self._period
        threshold = self._successes if verdict.success else self._failures
        if self._run < threshold:
            return following
        if self.kind == "startup":
            return None
        if verdict.until is None:
            return None
        return max(following, due + self._period * math.ceil((verdict.until - due) / self._period))


def probers_of(instance: Instance, now: datetime) -> tuple[Prober, ...]:
    """Return the probes of a container that was just started."""
    spec = instance.spec
    return tuple(Prober(kind, spec[name], instance, now) for kind, name in _FIELDS if name in spec)
