"""The interface to container runtimes: simulated ones today, real ones behind the same calls later.

An agent decides which containers run and reports their states; a runtime starts, stops and probes them. A runtime
that knows the future of a container, as a simulation does, returns it, so that agents need not poll. Another one
returns when to ask it next (``until``), much as kubelet lists containers once a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from kschedcore.api.machinery.types import ReadOnlyObject

__all__ = ["Exit", "Hook", "Instance", "Launch", "Outlook", "ProbeKind", "Runtime", "Usage", "Verdict"]


ProbeKind = Literal["startup", "liveness", "readiness"]

Stage = Literal["", "pull", "start", "postStart"]
"""Where a launch failed; ``""`` when it did not."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One run of a container.

    Attributes:
        pod: The pod, as it was when the container started.
        spec: The container, of ``spec.containers`` or ``spec.initContainers``.
        attempt: How many runs there were before.
        id: ``containerd://…``.
        started_at: When it began to run.
    """

    pod: ReadOnlyObject
    spec: ReadOnlyObject
    attempt: int
    id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Launch:
    """What comes of starting a container.

    Attributes:
        at: When it runs, or when it turns out that it does not.
        failed: At which stage it fails, if it does.
        message: Why.
    """

    at: datetime
    failed: Stage = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ends.

    Attributes:
        at: When.
        code: Its exit code; 128 and a signal's number when it was killed.
        reason: ``Completed``, ``Error``, ``OOMKilled``.
        message: For people.
    """

    at: datetime
    code: int
    reason: str = ""
    message: str = ""

    @property
    def told_reason(self) -> str:
        """The reason, or the usual one of its exit code."""
        return self.reason or ("Completed" if self.code == 0 else "Error")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a container's end.

    Attributes:
        exit: How it ended, or will; None when it runs on as far as is known.
        until: When to ask again; None when there is nothing more to know.
    """

    exit: Exit | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """What comes of a lifecycle hook.

    Attributes:
        seconds: How long it takes.
        error: Why it fails; ``""`` when it does not.
    """

    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe finds.

    Attributes:
        success: Whether the container answers as it should.
        until: From when on the finding may be another; None for never.
        message: What is wrong.
    """

    success: bool
    until: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container uses.

    Attributes:
        cpu: In millicores.
        memory: The working set, in bytes.
        until: From when on it may be another; None for never.
    """

    cpu: int = 0
    memory: int = 0
    until: datetime | None = None


class Runtime(Protocol):
    """Runs containers, as the container runtime interface (CRI) does for kubelet.

    A runtime outlives the agents: one that is asked about an instance it did not start in this process goes
    by what the instance says.
    """

    def launch(self, pod: ReadOnlyObject, spec: ReadOnlyObject, attempt: int, now: datetime) -> Launch:
        """Pull the image, make and start the container, run its ``postStart`` hook."""

    def outlook(self, instance: Instance, now: datetime) -> Outlook:
        """How a running container ends if it is let alone."""

    def stop(self, instance: Instance, now: datetime, grace_seconds: float) -> Outlook:
        """Ask a container to end at a time, and make it end when the grace after that is over."""

    def pre_stop(self, instance: Instance, now: datetime) -> Hook:
        """Run the ``preStop`` hook of a container that is about to be stopped."""

    def probe(self, instance: Instance, kind: ProbeKind, probe: ReadOnlyObject, now: datetime) -> Verdict:
        """Carry out a probe (``v1.Probe``) once."""

    def usage(self, instance: Instance, now: datetime) -> Usage:
        """What a running container uses."""

    def measures(self, pod: ReadOnlyObject) -> bool:
        """Whether the pod's usage is anything to watch a node's memory for."""

    def complaint(self, pod: ReadOnlyObject) -> str:
        """What the runtime does not understand of what the pod says to it; ``""`` for nothing."""
