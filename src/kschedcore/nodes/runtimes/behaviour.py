"""The behaviour of a simulated container: pull, start, runs, stop, hooks, probe responses and usage."""

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
        """Return whether a container of a pod is selected."""
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
        seconds: Duration.
        error: Error message if it fails; empty if it succeeds.
        fails_for: Seconds after the pod's creation during which it fails; always by default.
    """

    seconds: Seconds = 0
    error: str = ""
    fails_for: Seconds | None = None


class Start(Fields, frozen=True):
    """Creating and starting the container.

    Attributes:
        seconds: Maximum duration.
        jitter: The fraction of it that may be saved, random by the seed.
        error: Error message if it fails.
    """

    seconds: Seconds = 1
    jitter: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    error: str = ""


class Run(Fields, frozen=True):
    """One run of a container.

    Attributes:
        seconds: Duration; endless by default, but 10 s for pods that run to completion.
        exit_code: The exit code.
        reason: The reason reported; by default that of the exit code.
        message: The termination message.
    """

    seconds: Seconds | None = None
    exit_code: int = 0
    reason: str = ""
    message: str = ""


class Stop(Fields, frozen=True):
    """The response of a container to its stop signal.

    Attributes:
        seconds: Duration; the container is killed after the grace period.
        exit_code: The exit code if it is not killed.
    """

    seconds: Seconds = 1
    exit_code: int = 0


class LifecycleHook(Fields, frozen=True):
    """A ``postStart`` or ``preStop`` hook: its duration, and an error message if it fails."""

    seconds: Seconds = 0
    error: str = ""


class Answer(Fields, frozen=True):
    """The response of a container to a probe, from some time after its start on.

    Attributes:
        from_: Seconds after the start.
        succeeds: Whether a probe of any kind succeeds; by default the fields below decide.
        exit_code: Exit code of an ``exec`` probe.
        http_status: HTTP status of an ``httpGet`` probe.
        port_open: Whether the port of a ``tcpSocket`` probe is open.
        grpc_status: Status of a ``grpc`` health check.
        seconds: Duration of the response; more than ``timeoutSeconds`` is a failure.
    """

    from_: Seconds = msgspec.field(default=0, name="from")
    succeeds: bool | None = None
    exit_code: int = 0
    http_status: int = 200
    port_open: bool = True
    grpc_status: str = "SERVING"
    seconds: Seconds = 0


class UsagePoint(Fields, frozen=True):
    """The usage of a container from some time after its start on."""

    from_: Seconds = msgspec.field(default=0, name="from")
    cpu: str | float | int = 0
    memory: str | float | int = 0


class Behaviour(Fields, frozen=True):
    """The behaviour of a container.

    Attributes:
        match: The containers that this applies to.
        pull: The image pull.
        start: The start.
        runs: The runs one after another; the last one is repeated.
        stop: The response to the stop signal.
        post_start: The ``postStart`` hook, if the spec has one.
        pre_stop: The ``preStop`` hook, if the spec has one.
        startup: Responses to the startup probe over time.
        liveness: Responses to the liveness probe over time.
        readiness: Responses to the readiness probe over time.
        usage: Usage over time; half of the requests by default.
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
        """Return the run of an attempt, counted from 0."""
        return self.runs[min(attempt, len(self.runs) - 1)] if self.runs else Run()


DEFAULT = Behaviour()
