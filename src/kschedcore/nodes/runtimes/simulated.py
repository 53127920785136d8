"""A simulated runtime: the states of containers are computed from their behaviours, the seed and the time.

It is stateless. A run is determined by the pod, the container, the attempt and the start time, so the same cluster
gives the same history, and agents may be restarted at any point.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from zlib import crc32

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.api.machinery.times import EARLIEST, later, parse_time
from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.api.quantity import milli_value, value
from kschedcore.errors import ManifestError
from kschedcore.nodes.runtimes.behaviour import Answer, Behaviour, Run, UsagePoint
from kschedcore.nodes.runtimes.behaviours import ANNOTATION, Behaviours, annotated
from kschedcore.nodes.runtimes.interface import (
    Exit,
    Hook,
    Instance,
    Launch,
    Outlook,
    ProbeKind,
    Usage,
    Verdict,
)
from kschedcore.nodes.runtimes.probe_handlers import failure_of

__all__ = ["SimulatedRuntime"]

TICK = timedelta(milliseconds=100)
"""Launch times are rounded up to this, so that nearly simultaneous launches are processed together."""

_COMPLETION = {"init": 1.0, "app": 10.0}
"""Default run time in seconds of a container that runs to completion."""

_KILLED = 137
_USED_BY_DEFAULT = 0.5
_MILLION = 1_000_000

Step = TypeVar("Step", Answer, UsagePoint)


class SimulatedRuntime:
    """Containers that behave as configured.

    Args:
        behaviours: The behaviours of containers.
        seed: Seed of the jitter of starts.
    """

    def __init__(self, behaviours: Behaviours | None = None, *, seed: int = 0) -> None:
        self._behaviours = Behaviours() if behaviours is None else behaviours
        self._seed = seed

    def launch(self, pod: ReadOnlyObject, spec: ReadOnlyObject, attempt: int, now: datetime) -> Launch:
        """Return the end of pull, start and ``postStart`` hook."""
        behaviour = self._behaviours.of(pod, spec)
        at = later(now, behaviour.pull.seconds)
        if behaviour.pull.error and _fails_still(behaviour.pull.fails_for, pod, at):
            return Launch(_on_tick(at), "pull", behaviour.pull.error)
        at = later(at, self._start_seconds(behaviour, pod, spec, attempt))
        if behaviour.start.error:
            return Launch(_on_tick(at), "start", behaviour.start.error)
        if "postStart" not in spec.get("lifecycle", {}):
            return Launch(_on_tick(at))
        at = later(at, behaviour.post_start.seconds)
        error = behaviour.post_start.error
        return Launch(_on_tick(at), "postStart" if error else "", error)

    def _start_seconds(
        self, behaviour: Behaviour, pod: ReadOnlyObject, spec: ReadOnlyObject, attempt: int
    ) -> float:
        start = behaviour.start
        if not start.seconds or not start.jitter:
            return start.seconds
        drawn = crc32(f"{self._seed}/{pod['metadata']['uid']}/{spec['name']}/{attempt}".encode()) % _MILLION
        return start.seconds * (1 - start.jitter * drawn / _MILLION)

    def outlook(self, instance: Instance, now: datetime) -> Outlook:  # noqa: ARG002 - all is known at once
        """Return the end of the run: after its duration, or when its memory exceeds the limit."""
        behaviour = self._behaviours.of(instance.pod, instance.spec)
        run = behaviour.run(instance.attempt)
        ends = [_killed_for_memory(behaviour.usage, instance)]
        seconds = _run_seconds(run, instance)
        if seconds is not None:
            at = later(instance.started_at, seconds)
            ends.append(Exit(at, run.exit_code, run.reason, run.message))
        return Outlook(
            min((each for each in ends if each is not None), key=lambda each: each.at, default=None)
        )

    def stop(self, instance: Instance, now: datetime, grace_seconds: float) -> Outlook:
        """Return when the container ends by its behaviour, or is killed at the end of the grace period."""
        stop = self._behaviours.of(instance.pod, instance.spec).stop
        if stop.seconds > grace_seconds:
            return Outlook(Exit(later(now, grace_seconds), _KILLED))
        return Outlook(Exit(later(now, stop.seconds), stop.exit_code))

    def pre_stop(self, instance: Instance, now: datetime) -> Hook:  # noqa: ARG002 - it does not depend on when
        """Return the hook of the behaviour."""
        hook = self._behaviours.of(instance.pod, instance.spec).pre_stop
        return Hook(hook.seconds, hook.error)

    def probe(self, instance: Instance, kind: ProbeKind, probe: ReadOnlyObject, now: datetime) -> Verdict:
        """Return the result of a probe at this time."""
        answers: Sequence[Answer] = getattr(self._behaviours.of(instance.pod, instance.spec), kind)
        answer, until = _at(answers, instance, now)
        problem = "" if answer is None else failure_of(probe, answer)
        return Verdict(not problem, until, problem)

    def usage(self, instance: Instance, now: datetime) -> Usage:
        """Return the usage of the behaviour; by default half of the requests."""
        points = self._behaviours.of(instance.pod, instance.spec).usage
        point, until = _at(points, instance, now)
        if point is not None:
            return Usage(milli_value(point.cpu), value(point.memory), until)
        if points:
            return Usage(until=until)
        return _default_usage(shared(instance.spec))

    def measures(self, pod: ReadOnlyObject) -> bool:
        """Return whether a behaviour sets usage: by default no container uses more than its requests."""
        return any(self._behaviours.of(pod, each).usage for each in pod["spec"]["containers"])

    def configuration_error(self, pod: ReadOnlyObject) -> str:
        """Return the error in the pod's annotation."""
        text = pod["metadata"].get("annotations", {}).get(ANNOTATION)
        if text is None:
            return ""
        try:
            annotated(text)
        except ManifestError as error:
            return f"annotation {ANNOTATION}: {error}"
        return ""


@remembered
def _default_usage(container: FrozenDict) -> Usage:
    requests = container.get("resources", {}).get("requests", {})
    cpu, memory = milli_value(requests.get("cpu", 0)), value(requests.get("memory", 0))
    return Usage(int(cpu * _USED_BY_DEFAULT), int(memory * _USED_BY_DEFAULT))


def _on_tick(at: datetime) -> datetime:
    beyond = timedelta(microseconds=at.microsecond) % TICK
    return at + TICK - beyond if beyond else at


def _fails_still(seconds: float | None, pod: ReadOnlyObject, at: datetime) -> bool:
    if seconds is None:
        return True
    created = parse_time(pod["metadata"]["creationTimestamp"]) or EARLIEST
    return at < later(created, seconds)


def _run_seconds(run: Run, instance: Instance) -> float | None:
    if run.seconds is not None:
        return run.seconds
    spec, name = instance.pod["spec"], instance.spec["name"]
    if instance.spec.get("restartPolicy") == "Always":
        return None
    if any(each["name"] == name for each in spec.get("initContainers", ())):
        return _COMPLETION["init"]
    return None if spec.get("restartPolicy", "Always") == "Always" else _COMPLETION["app"]


def _killed_for_memory(points: Sequence[UsagePoint], instance: Instance) -> Exit | None:
    limit = instance.spec.get("resources", {}).get("limits", {}).get("memory")
    if limit is None:
        return None
    for point in points:
        if value(point.memory) > value(limit):
            at = later(instance.started_at, point.from_)
            return Exit(at, _KILLED, "OOMKilled")
    return None


def _at(steps: Sequence[Step], instance: Instance, now: datetime) -> tuple[Step | None, datetime | None]:
    """Return the present step, and when the next one starts."""
    current = None
    for step in steps:
        begins = later(instance.started_at, step.from_)
        if begins > now:
            return current, begins
        current = step
    return current, None
