"""Start of containers: image pull, run, and their back-offs (``kuberuntime_manager``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from kschedcore.api.durations import format_duration
from kschedcore.nodes.backoff import Backoff
from kschedcore.nodes.containers import Container, Running, State, Terminated, Waiting
from kschedcore.nodes.probing import probers_of
from kschedcore.nodes.reports import Reports
from kschedcore.nodes.runtimes.interface import Exit, Instance, Launch, Runtime

__all__ = ["Launcher"]

_NOTICED_AFTER = timedelta(seconds=1)
"""Time until a failed pull is shown as ImagePullBackOff: kubelet's next sync."""

_CANNOT_RUN = 128
_KILLED = 137


@dataclass(slots=True)
class Launcher:
    """Starts the containers of one pod.

    Attributes:
        runtime: The container runtime.
        reports: Records events.
        pod: The pod.
    """

    runtime: Runtime
    reports: Reports
    pod: Mapping[str, Any]

    def start(self, container: Container, now: datetime) -> None:
        """Start an idle container, unless it is in back-off."""
        if (until := held_until(container)) is not None and until > now:
            self._show_back_off(container, now)
            return
        ended = container.ended
        if ended is not None and container.pulls.delay is None:
            container.crashes.retried(ended.finished_at or now, now)
        attempt = container.restarts + 1 if container.begun else 0
        container.launch = self.runtime.launch(self.pod, container.spec, attempt, now)

    def _show_back_off(self, container: Container, now: datetime) -> None:
        tried, metadata = container.pulls.tried, self.pod["metadata"]
        if container.pulls.delay is not None and tried is not None:
            if now >= tried + _NOTICED_AFTER and _reason(container.state) == "ErrImagePull":
                assert isinstance(container.state, Waiting)
                message = f'Back-off pulling image "{container.spec.get("image", "")}"'
                self.reports.normal("BackOff", message)
                container.state = Waiting(
                    "ImagePullBackOff", f"{message}: ErrImagePull: {container.state.message}"
                )
            return
        if _reason(container.state) == "CrashLoopBackOff" or container.crashes.delay is None:
            return
        name = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        wait = format_duration(container.crashes.delay.total_seconds())
        self.reports.warn("BackOff", f"Back-off restarting failed container {container.name} in pod {name}")
        message = f"back-off {wait} restarting failed container={container.name} pod={name}"
        _wait(container, Waiting("CrashLoopBackOff", message))

    def complete(self, container: Container, now: datetime) -> None:
        """Apply the result of a launch that is due."""
        launch = container.launch
        assert launch is not None, "it was launched"
        container.launch = None
        if launch.failed == "pull":
            self._pull_failed(container, launch)
            return
        container.pulls = Backoff()
        if container.begun:
            container.restarts += 1
        if launch.failed:
            self._start_failed(container, launch)
        else:
            self._run(container, launch.at, now)

    def _pull_failed(self, container: Container, launch: Launch) -> None:
        image = container.spec.get("image", "")
        container.pulls.retried(launch.at, launch.at)
        message = f'failed to pull and unpack image "{image}": {launch.message}'
        self.reports.warn("Failed", f'Failed to pull image "{image}": {message}')
        _wait(container, Waiting("ErrImagePull", message))

    def _start_failed(self, container: Container, launch: Launch) -> None:
        if launch.failed == "start":
            self.reports.warn("Failed", f"Error: {launch.message}")
            how = Terminated(_CANNOT_RUN, "ContainerCannotRun", launch.at, launch.at, launch.message)
        else:
            self.reports.warn("FailedPostStartHook", f"PostStartHook failed: {launch.message}")
            self.reports.normal("Killing", "FailedPostStartHook")
            how = Terminated(_KILLED, "Error", launch.at, launch.at)
        _end(container, how)

    def _run(self, container: Container, at: datetime, now: datetime) -> None:
        spec = container.spec
        ended = container.ended
        container.last = ended if ended is not None else container.last
        container.state = Running(at)
        run = sha256(f"{self.pod['metadata']['uid']}/{container.name}/{container.restarts}".encode())
        container.id = f"containerd://{run.hexdigest()}"
        container.instance = Instance(self.pod, spec, container.restarts, container.id, at)
        container.stopping = False
        self.reports.started(container.name, spec.get("image", ""))
        self.watch(container, at, now)

    def watch(self, container: Container, since: datetime, now: datetime) -> None:
        """Start the probes of a running container, and get its end from the runtime."""
        instance = container.instance
        assert instance is not None, "it runs"
        outlook = self.runtime.outlook(instance, now)
        container.exit, container.poll_at = outlook.exit, outlook.until
        container.probers = probers_of(instance, since)
        kinds = {each.kind for each in container.probers}
        container.started = "startup" not in kinds
        container.ready = container.role != "init" and not kinds & {"startup", "readiness"}

    def finish(self, container: Container, how: Exit) -> None:
        """Apply the end of a running container."""
        state, instance = container.state, container.instance
        assert isinstance(state, Running)
        assert instance is not None
        _end(
            container,
            Terminated(how.code, how.reported_reason, state.started_at, how.at, how.message, instance.id),
        )


def held_until(container: Container) -> datetime | None:
    """Return the end of an idle container's back-off; None if it may be started."""
    pulls = container.pulls
    if pulls.delay is not None and pulls.tried is not None:
        return pulls.tried + pulls.delay
    ended = container.ended
    return None if ended is None or ended.finished_at is None else container.crashes.ends(ended.finished_at)


def shows_again_at(container: Container) -> datetime | None:
    """Return when a failed pull is shown as ImagePullBackOff."""
    if _reason(container.state) != "ErrImagePull" or container.pulls.tried is None:
        return None
    return container.pulls.tried + _NOTICED_AFTER


def _reason(state: State) -> str:
    return state.reason if isinstance(state, Waiting) else ""


def _wait(container: Container, state: Waiting) -> None:
    if isinstance(container.state, Terminated):
        container.last = container.state
    container.state = state


def _end(container: Container, how: Terminated) -> None:
    if isinstance(container.state, Terminated):
        container.last = container.state
    container.state = how
    container.started, container.ready = False, container.role == "init" and how.code == 0
    container.exit = container.poll_at = None
    container.stopping = False
    container.probers = ()
