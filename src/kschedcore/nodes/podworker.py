"""The lifecycle of one pod on its node (kubelet's pod worker)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kschedcore.api.machinery.times import later, parse_time, timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.nodes.backoff import FORGOTTEN_AFTER
from kschedcore.nodes.containers import Container, Terminated, containers_of
from kschedcore.nodes.launching import Launcher, held_until, shows_again_at
from kschedcore.nodes.podstatus import Place, pod_status
from kschedcore.nodes.probing import Prober
from kschedcore.nodes.reports import Reports
from kschedcore.nodes.resizing import hold_resources, is_pending, needs_restart, pending_resize
from kschedcore.nodes.runtimes.interface import Exit, Runtime, Verdict
from kschedcore.nodes.starting import plan
from kschedcore.nodes.stopping import Ending, Stopping, stop_container

__all__ = ["PodWorker"]


_UNNOTICED = timedelta(seconds=1)
"""Kubelet relists its containers at this interval (PLEG); shorter states are not reported."""

_OUT_OF_TIME = Ending("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
_KILLED = 137
_LOST_CODE = 255
_LOST = "The container could not be located when the pod was terminated"


class PodWorker:
    """Starts, monitors and stops the containers of an admitted pod.

    The worker of a pod whose status has containers resumes from it.

    Args:
        pod: The pod, bound to the node.
        host_ip: The node's address.
        ip: The pod's address.
        runtime: The container runtime.
        reports: Records events.
        now: The time.
    """

    __slots__ = (
        "_began", "_deadline", "_launcher", "_place", "_runtime", "background", "containers",
        "foreground", "ip", "over", "pod", "reports", "resize", "stopping",
    )  # fmt: skip

    def __init__(
        self, pod: Object, host_ip: str, ip: str, runtime: Runtime, reports: Reports, now: datetime
    ) -> None:
        spec, status = pod["spec"], pod.get("status", {})
        self.pod = pod
        self.ip = ip
        self.reports = reports
        self.containers = containers_of(spec)
        self.stopping: Stopping | None = None
        self.resize = pending_resize(status)
        self.over = False
        self.foreground: datetime | None = None
        self.background: datetime | None = None
        self._runtime = runtime
        self._launcher = Launcher(runtime, reports, pod)
        since = status.get("startTime") or timestamp(now)
        self._place = Place(host_ip, ip, since)
        self._began = parse_time(since) or now
        self._deadline = self._deadline_of(spec)
        if self.reported:
            self._restore(status, now)

    def _restore(self, status: Mapping[str, Any], now: datetime) -> None:
        statuses = {each["name"]: each for key in _STATUSES for each in status.get(key, ())}
        for container in self.containers:
            if container.name in statuses:
                container.restore(statuses[container.name], self.pod)
            if container.running:
                started, ready = container.started, container.ready
                self._launcher.watch(container, now, now)
                container.started, container.ready = started, ready

    def take(self, pod: Object) -> None:
        """Update the pod object."""
        before = self.pod
        self.pod = self._launcher.pod = self.reports.pod = pod
        if pod["spec"] is before["spec"]:
            return
        self._deadline = self._deadline_of(pod["spec"])
        if self.reported:
            hold_resources(self.containers, pod["spec"])
        specs = {each["name"]: each for key in _SPECS for each in pod["spec"].get(key, ())}
        for container in self.containers:
            container.spec = specs.get(container.name, container.spec)

    @property
    def resizing(self) -> bool:
        """Whether the spec's resources differ from those that containers run with."""
        return is_pending(self.containers)

    def grant(self, now: datetime) -> None:
        """Apply the resources of the spec to the containers."""
        self.resize = None
        for container in self.containers:
            wanted = container.spec.get("resources", {})
            if container.granted is None or container.granted == wanted:
                continue
            restart = container.running and not container.stopping and needs_restart(container)
            container.granted = wanted
            if restart:
                why = f"Container {container.name} resize requires restart"
                self._restart(container, why, self._grace(), now)
            elif container.running and container.instance is not None and not container.stopping:
                container.instance = replace(container.instance, pod=self.pod, spec=container.spec)
                outlook = self._runtime.outlook(container.instance, now)
                container.exit, container.poll_at = outlook.exit, outlook.until

    def _deadline_of(self, spec: Mapping[str, Any]) -> datetime | None:
        seconds = spec.get("activeDeadlineSeconds")
        return None if seconds is None else later(self._began, seconds)

    def sync(self, now: datetime) -> None:
        """Perform all actions that are due."""
        if self.over:
            return
        self._check_termination(now)
        self._observe(now)
        moved = True
        while moved:
            self._probe(now)
            self._act(now)
            moved = self._observe(now)
        if self.stopping is not None and all(each.idle for each in self.containers):
            self._finish()
        self.foreground, self.background = self._next(now)

    def lose(self, now: datetime) -> None:
        """Mark all containers as lost, since the node was rebooted."""
        for container in self.containers:
            container.launch = None
            if container.running:
                container.exit = Exit(now, _LOST_CODE, "Unknown")

    def end(self, ending: Ending, grace_seconds: float, now: datetime) -> None:
        """Terminate the pod by the agent's own decision."""
        if self.stopping is None:
            self.stopping = Stopping(now, grace_seconds, ending)

    @property
    def evicted(self) -> bool:
        """Whether the agent terminates the pod by its own decision."""
        return self.stopping is not None and self.stopping.ending is not None

    def unnoticed(self, now: datetime) -> bool:
        """Return whether the present state is too short-lived to be reported.

        Kubelet's worker starts all containers of a pod before it inspects and reports them.
        """
        soon = now + _UNNOTICED
        return (
            not self.reported
            and self.stopping is None
            and any(each.launch is not None and each.launch.at <= soon for each in self.containers)
        )

    @property
    def reported(self) -> bool:
        """Whether the stored status shows that the node admitted the pod."""
        return "startTime" in self.pod.get("status", {})

    def status(self, now: datetime) -> Object:
        """Return the pod's status."""
        ending = None if self.stopping is None else self.stopping.ending
        return pod_status(
            self.pod, self.containers, self._place, now, over=self.over, ending=ending, resize=self.resize
        )

    def _check_termination(self, now: datetime) -> None:
        """Start to terminate the pod if it was deleted or its deadline has passed."""
        metadata = self.pod["metadata"]
        if "deletionTimestamp" in metadata:
            deadline = parse_time(metadata["deletionTimestamp"]) or now
            if self.stopping is None:
                grace = max(metadata.get("deletionGracePeriodSeconds") or 0, 0)
                # The time of the request, rounded to seconds in the API.
                self.stopping = Stopping(max(later(deadline, -grace), self._began), grace)
            else:
                self.stopping.shorten(self.containers, now, deadline)
        elif self._deadline is not None and now >= self._deadline and self.stopping is None:
            self.reports.normal("DeadlineExceeded", _OUT_OF_TIME.message)
            self.end(_OUT_OF_TIME, self._grace(), now)

    def _grace(self) -> int:
        seconds: int = self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        return seconds

    def _act(self, now: datetime) -> None:
        """Start and stop containers as needed."""
        if self.stopping is None:
            start, over = plan(self.pod["spec"].get("restartPolicy", "Always"), self.containers)
            for container in start:
                self._launcher.start(container, now)
            if over:
                self.stopping = Stopping(now, self._grace())
            self._replace_changed(now)
        if self.stopping is not None:
            self.stopping.advance(self.containers, self._runtime, self.reports, now)

    def _replace_changed(self, now: datetime) -> None:
        """Stop containers whose image was changed; they are restarted with the new one."""
        for container in self.containers:
            if container.running and not container.stopping and _is_outdated(container):
                self._restart(container, f"Container {container.name} definition changed", self._grace(), now)

    def _restart(self, container: Container, why: str, grace: float, now: datetime) -> None:
        again = self.pod["spec"].get("restartPolicy", "Always") != "Never" or container.role == "sidecar"
        message = f"{why}, will be restarted" if again else why
        stop_container(container, grace, self._runtime, self.reports, now, message)

    def _observe(self, now: datetime) -> bool:
        """Update the containers from the runtime; return whether any changed."""
        moved = False
        for container in self.containers:
            if container.launch is not None and container.launch.at <= now:
                self._launcher.complete(container, now)
                moved = True
            elif container.running:
                if (
                    container.poll_at is not None
                    and container.poll_at <= now
                    and container.instance is not None
                ):
                    outlook = self._runtime.outlook(container.instance, now)
                    container.exit, container.poll_at = outlook.exit or container.exit, outlook.until
                if container.exit is not None and container.exit.at <= now:
                    self._launcher.finish(container, container.exit)
                    moved = True
        return moved

    def _probe(self, now: datetime) -> None:
        for container in self.containers:
            for prober in container.probers:
                if container.running:
                    self._poll(container, prober, now)

    def _poll(self, container: Container, prober: Prober, now: datetime) -> None:
        if not self._is_probed(container, prober):
            return
        prober.poll(self._runtime, now, self._record_failure)
        match prober.kind, prober.result:
            case "startup", True:
                container.started = True
                container.ready = not any(each.kind == "readiness" for each in container.probers)
                # The other probes were held back until now.
                for each in container.probers:
                    if each.due is not None and each.kind != "startup":
                        each.due = max(each.due, now)
            case "readiness", bool() as ready:
                container.ready = ready
            case ("startup" | "liveness") as kind, False:
                grace = prober.probe.get("terminationGracePeriodSeconds", self._grace())
                self._restart(container, f"Container {container.name} failed {kind} probe", grace, now)

    def _is_probed(self, container: Container, prober: Prober) -> bool:
        """Return whether a probe runs: startup first; a terminating container has its readiness probe only."""
        ending = self.stopping is not None or container.stopping
        if prober.kind == "startup":
            return not container.started and not ending
        return container.started and (prober.kind == "readiness" or not ending)

    def _record_failure(self, prober: Prober, verdict: Verdict) -> None:
        self.reports.warn("Unhealthy", f"{prober.kind.capitalize()} probe failed: {verdict.message}")

    def _finish(self) -> None:
        """Finish the pod: no container runs or will be started."""
        self.over = True
        initialised = all(
            each.succeeded if each.role == "init" else each.role == "app" or each.begun
            for each in self.containers
        )
        for container in self.containers:
            if isinstance(container.state, Terminated):
                continue
            if container.last is not None:
                container.state, container.last = container.last, None
            elif (initialised and container.role == "app") or container is self.containers[0]:
                container.state = Terminated(_KILLED, "ContainerStatusUnknown", message=_LOST)

    def _next(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Return when the next action is due: foreground, and background (periodic work of a settled pod)."""
        if self.over:
            return None, None
        foreground: list[datetime] = []
        background: list[datetime] = [] if self._deadline is None or self.stopping else [self._deadline]
        for container in self.containers:
            if container.launch is not None:
                foreground.append(container.launch.at)
            elif container.running:
                self._next_of_running(container, foreground, background)
            elif self.stopping is None:
                waits = background if _habitual(container) else foreground
                times = (held_until(container), shows_again_at(container))
                waits += [each for each in times if each is not None and each > now]
        return min(foreground, default=None), min(background, default=None)

    def _next_of_running(
        self, container: Container, foreground: list[datetime], background: list[datetime]
    ) -> None:
        if container.poll_at is not None:
            background.append(container.poll_at)
        if container.exit is not None:
            (background if self._is_far(container) else foreground).append(container.exit.at)
        for prober in container.probers:
            if prober.due is not None and self._is_probed(container, prober):
                awaited = prober.kind == "startup" or (prober.kind == "readiness" and not container.ready)
                (foreground if awaited else background).append(prober.due)

    def _is_far(self, container: Container) -> bool:
        """Return whether the end of a run is background work, since the container will have been healthy for long."""
        run, end = container.instance, container.exit
        if self.stopping is not None or container.stopping or container.role == "init":
            return False
        if run is None or end is None or self.pod["spec"].get("restartPolicy", "Always") != "Always":
            return False
        return end.at - run.started_at > FORGOTTEN_AFTER


_STATUSES = ("initContainerStatuses", "containerStatuses")
_SPECS = ("initContainers", "containers")


def _habitual(container: Container) -> bool:
    return container.crashes.at_longest or container.pulls.at_longest


def _is_outdated(container: Container) -> bool:
    run = container.instance
    return run is not None and run.spec.get("image") != container.spec.get("image")
