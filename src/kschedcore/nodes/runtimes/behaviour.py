"""How one simulated container acts: its pull, start, runs, end, hooks, answers to probes and usage."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any

import msgspec

from kschedcore.manifests.strict import Fields

__all__ = ["DEFAULT", "Answer", "Behaviour", "Match", "Run", "UsagePoint"]

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Match(Fields, frozen=True):
    """Selector of the containers of a behaviour: all given fields must match; patterns may hold ``*`` and ``?``."""

    image: str = "*"
    namespace: str = "*"
    pod: str = "*"
    container: str = "*"
    labels: dict[str, str] = msgspec.field(default_factory=dict)

    def fits(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
        """Whether a container of a pod is meant."""
        metadata = pod["metadata"]
        return (
            _fits(container.get("image", ""), self.image)
            and _fits(metadata.get("namespace", ""), self.namespace)
            and _fits(metadata["name"], self.pod)
            and _fits(container["name"], self.container)
            and (not self.labels or self.labels.items() <= metadata.get("labels", {}).items())
        )


def _fits(name: str, pattern: str) -> bool:
    return pattern == "*" or fnmatchcase(name, pattern)


class Pull(Fields, frozen=True):
    """Pulling the image.

    Attributes:
        seconds: How long it takes.
        error: Why it fails; it does not when there is no error.
        fails_for: For how many seconds after the pod's creation it fails; for ever by default.
    """

    seconds: Seconds = 0
    error: str = ""
    fails_for: Seconds | None = None


class Start(Fields, frozen=True):
    """Making and starting the container.

    Attributes:
        seconds: How long it takes at most.
        jitter: By which part of that it may be quicker, drawn from the seed.
        error: Why it cannot be run.
    """

    seconds: Seconds = 1
    jitter: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    error: str = ""


class Run(Fields, frozen=True):
    """One run of a container.

    Attributes:
        seconds: How long it lasts; for ever by default, but what a pod runs to completion takes 10 s.
        exit_code: How it ends.
        reason: The reason reported; by default that of the exit code.
        message: The termination message.
    """

    seconds: Seconds | None = None
    exit_code: int = 0
    reason: str = ""
    message: str = ""


class Stop(Fields, frozen=True):
    """What a container does when it is signalled to end.

    Attributes:
        seconds: How long it takes; beyond the grace period it is killed.
        exit_code: How it ends when it is quick enough.
    """

    seconds: Seconds = 1
    exit_code: int = 0


class LifecycleHook(Fields, frozen=True):
    """A ``postStart`` or ``preStop`` hook: how long it takes, and why it fails."""

    seconds: Seconds = 0
    error: str = ""


class Answer(Fields, frozen=True):
    """What a container answers to a probe from some time after its start on.

    Attributes:
        from_: From how many seconds after the start on.
        succeeds: Whether a probe of any kind succeeds; by default the fields below decide.
        exit_code: What an ``exec`` probe's command exits with.
        http_status: What ``httpGet`` is answered with.
        port_open: Whether ``tcpSocket`` finds the port open.
        grpc_status: What the ``grpc`` health check answers.
        seconds: How long the answer takes; longer than ``timeoutSeconds`` is a failure.
    """

    from_: Seconds = msgspec.field(default=0, name="from")
    succeeds: bool | None = None
    exit_code: int = 0
    http_status: int = 200
    port_open: bool = True
    grpc_status: str = "SERVING"
    seconds: Seconds = 0


class UsagePoint(Fields, frozen=True):
    """What a container uses from some time after its start on."""

    from_: Seconds = msgspec.field(default=0, name="from")
    cpu: str | float | int = 0
    memory: str | float | int = 0


class Behaviour(Fields, frozen=True):
    """How a container acts.

    Attributes:
        match: The containers that this applies to.
        pull: Pulling its image.
        start: Starting it.
        runs: Its runs one after another; the last one is repeated.
        stop: How it ends when asked to.
        post_start: Its ``postStart`` hook, where its spec has one.
        pre_stop: Its ``preStop`` hook, where its spec has one.
        startup: What it answers to its startup probe over time.
        liveness: What it answers to its liveness probe over time.
        readiness: What it answers to its readiness probe over time.
        usage: What it uses over time; half of its requests by default.
    """

    match: Match = Match()
    pull: Pull = Pull()
    start: Start = Start()
    runs: tuple[Run, ...] = ()
    stop: Stop = Stop()
    post_start: LifecycleHook = LifecycleHook()
    pre_stop: LifecycleHook = LifecycleHook()
    startup: tuple[Answer, ...] = ()
    liveness: tuple[Answer, ...] = ()
    readiness: tuple[Answer, ...] = ()
    usage: tuple[UsagePoint, ...] = ()

    def run(self, attempt: int) -> Run:
        """The run after so many others."""
        return self.runs[min(attempt, len(self.runs) - 1)] if self.runs else Run()


DEFAULT = Behaviour()
