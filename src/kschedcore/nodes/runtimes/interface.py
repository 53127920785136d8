"""The interface to container runtimes.

An agent decides which containers run and reports their states; a runtime starts, stops and probes them. A runtime
that knows the future of a container, as a simulation does, returns it, so that agents need not poll. Others return
when to poll next (``until``), as kubelet lists containers once a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from kschedcore.api.machinery.types import ReadOnlyObject

__all__ = ["Exit", "Hook", "Instance", "Launch", "Outlook", "ProbeKind", "Runtime", "Usage", "Verdict"]


ProbeKind = Literal["startup", "liveness", "readiness"]

Stage = Literal["", "pull", "start", "postStart"]
"""The stage at which a launch failed; ``""`` if it did not."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One run of a container.

    Attributes:
        pod: The pod when the container started.
        spec: The container, of ``spec.containers`` or ``spec.initContainers``.
        attempt: Number of runs before.
        id: The container id, ``containerd://…``.
        started_at: Start time.
    """

    pod: ReadOnlyObject
    spec: ReadOnlyObject
    attempt: int
    id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Launch:
    """The result of starting a container.

    Attributes:
        at: When it runs, or when it fails.
        failed: The stage at which it fails, if it does.
        message: The error message.
    """

    at: datetime
    failed: Stage = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a container's run.

    Attributes:
        at: The time.
        code: The exit code; 128 plus the signal's number if it was killed.
        reason: ``Completed``, ``Error``, ``OOMKilled``.
        message: The termination message.
    """

    at: datetime
    code: int
    reason: str = ""
    message: str = ""

    @property
    def reported_reason(self) -> str:
        """The reason, or the default of the exit code."""
        return self.reason or ("Completed" if self.code == 0 else "Error")


@dataclass(frozen=True, slots=True)
class Outlook:
    """The known or predicted end of a container's run.

    Attributes:
        exit: The end; None if none is known.
        until: When to poll again; None if there is no need.
    """

    exit: Exit | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """The result of a lifecycle hook.

    Attributes:
        seconds: Duration.
        error: The error message; ``""`` if it succeeds.
    """

    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a probe.

    Attributes:
        success: Whether the probe succeeded.
        until: When the result may change; None for never.
        message: The error message.
    """

    success: bool
    until: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of a container.

    Attributes:
        cpu: In millicores.
        memory: The working set, in bytes.
        until: When it may change; None for never.
    """

    cpu: int = 0
    memory: int = 0
    until: datetime | None = None


class Runtime(Protocol):
    """Runs containers, as the container runtime interface (CRI) does for kubelet.

    A runtime outlives the agents: for an instance that it did not start in this process it uses the fields of the
    instance.
    """

    def launch(self, pod: ReadOnlyObject, spec: ReadOnlyObject, attempt: int, now: datetime) -> Launch:
        """Pull the image, create and start the container, run its ``postStart`` hook."""

    def outlook(self, instance: Instance, now: datetime) -> Outlook:
        """Return the end of a running container if it is not stopped."""

    def stop(self, instance: Instance, now: datetime, grace_seconds: float) -> Outlook:
        """Stop a container at a time, and kill it after the grace period."""

    def pre_stop(self, instance: Instance, now: datetime) -> Hook:
        """Run the ``preStop`` hook of a container that is about to be stopped."""

    def probe(self, instance: Instance, kind: ProbeKind, probe: ReadOnlyObject, now: datetime) -> Verdict:
        """Run a probe (``v1.Probe``) once."""

    def usage(self, instance: Instance, now: datetime) -> Usage:
        """Return the usage of a running container."""

    def measures(self, pod: ReadOnlyObject) -> bool:
        """Return whether the pod's memory usage has to be checked."""

    def configuration_error(self, pod: ReadOnlyObject) -> str:
        """Return the error in a pod's settings for the runtime; ``""`` if there is none."""
