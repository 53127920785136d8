"""One pod's life on its node: what kubelet's pod worker does, moved on whenever its time has come."""

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
from kschedcore.nodes.stopping import Ending, Stopping, ask_to_stop

__all__ = ["PodWorker"]


_UNNOTICED = timedelta(seconds=1)
"""What is over within one look of kubelet's at its containers (PLEG) is not reported."""

_OUT_OF_TIME = Ending("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
_KILLED = 137
_LOST_CODE = 255
_LOST = "The container could not be located when the pod was terminated"


class PodWorker:
    """Starts, watches and stops the containers of an admitted pod.

    A worker of a pod whose status has containers resumes from there.

    Args:
        pod: The pod, bound to the node.
        host_ip: The node's address.
        ip: The pod's address.
        runtime: What containers run in.
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
            self._recall(status, now)

    def _recall(self, status: Mapping[str, Any], now: datetime) -> None:
        statuses = {each["name"]: each for key in _STATUSES for each in status.get(key, ())}
        for container in self.containers:
            if container.name in statuses:
                container.recall(statuses[container.name], self.pod)
            if container.running:
                started, ready = container.started, container.ready
                self._launcher.watch(container, now, now)
                container.started, container.ready = started, ready

    def take(self, pod: Object) -> None:
        """Learn that the pod was changed."""
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
        """Whether containers ask for other resources than they run with."""
        return is_pending(self.containers)

    def grant(self, now: datetime) -> None:
        """Have the containers run with the resources that their specs ask for."""
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
                container.exit, container.ask = outlook.exit, outlook.until

    def _deadline_of(self, spec: Mapping[str, Any]) -> datetime | None:
        seconds = spec.get("activeDeadlineSeconds")
        return None if seconds is None else later(self._began, seconds)

    def sync(self, now: datetime) -> None:
        """Do everything whose time has come."""
        if self.over:
            return
        self._check_orders(now)
        self._observe(now)
        moved = True
        while moved:
            self._probe(now)
            self._act(now)
            moved = self._observe(now)
        if self.stopping is not None and all(each.idle for each in self.containers):
            self._conclude()
        self.foreground, self.background = self._next(now)

    def lose(self, now: datetime) -> None:
        """Its node was restarted: nothing that ran on it runs any more."""
        for container in self.containers:
            container.launch = None
            if container.running:
                container.exit = Exit(now, _LOST_CODE, "Unknown")

    def end(self, ending: Ending, grace_seconds: float, now: datetime) -> None:
        """Stop the pod for a reason of the node's own."""
        if self.stopping is None:
            self.stopping = Stopping(now, grace_seconds, ending)

    @property
    def evicted(self) -> bool:
        """Whether the node is stopping the pod for a reason of its own."""
        return self.stopping is not None and self.stopping.ending is not None

    def unnoticed(self, now: datetime) -> bool:
        """Whether there is nothing to report yet that will not be overtaken at once.

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
        """Whether the status that the API has says that the node admitted the pod."""
        return "startTime" in self.pod.get("status", {})

    def status(self, now: datetime) -> Object:
        """The pod's status now."""
        ending = None if self.stopping is None else self.stopping.ending
        return pod_status(
            self.pod, self.containers, self._place, now, over=self.over, ending=ending, resize=self.resize
        )

    def _check_orders(self, now: datetime) -> None:
        """See whether the pod is to end."""
        metadata = self.pod["metadata"]
        if "deletionTimestamp" in metadata:
            deadline = parse_time(metadata["deletionTimestamp"]) or now
            if self.stopping is None:
                grace = max(metadata.get("deletionGracePeriodSeconds") or 0, 0)
                # The time of the request, which the API has in whole seconds.
                self.stopping = Stopping(max(later(deadline, -grace), self._began), grace)
            else:
                self.stopping.hasten(self.containers, now, deadline)
        elif self._deadline is not None and now >= self._deadline and self.stopping is None:
            self.reports.normal("DeadlineExceeded", _OUT_OF_TIME.message)
            self.end(_OUT_OF_TIME, self._grace(), now)

    def _grace(self) -> int:
        seconds: int = self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        return seconds

    def _act(self, now: datetime) -> None:
        """Start what should run, or stop what should not."""
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
        """Stop containers whose image was changed; they are started again with the new one."""
        for container in self.containers:
            if container.running and not container.stopping and _is_outdated(container):
                self._restart(container, f"Container {container.name} definition changed", self._grace(), now)

    def _restart(self, container: Container, why: str, grace: float, now: datetime) -> None:
        again = self.pod["spec"].get("restartPolicy", "Always") != "Never" or container.role == "sidecar"
        message = f"{why}, will be restarted" if again else why
        ask_to_stop(container, grace, self._runtime, self.reports, now, message)

    def _observe(self, now: datetime) -> bool:
        """Take in what has happened to containers; whether anything had."""
        moved = False
        for container in self.containers:
            if container.launch is not None and container.launch.at <= now:
                self._launcher.land(container, now)
                moved = True
            elif container.running:
                if container.ask is not None and container.ask <= now and container.instance is not None:
                    outlook = self._runtime.outlook(container.instance, now)
                    container.exit, container.ask = outlook.exit or container.exit, outlook.until
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

    def _conclude(self) -> None:
        """Nothing runs any more, and nothing will."""
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
        """When there is something to do next that a settled cluster would not have, and when otherwise."""
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
        if container.ask is not None:
            background.append(container.ask)
        if container.exit is not None:
            (background if self._is_far(container) else foreground).append(container.exit.at)
        for prober in container.probers:
            if prober.due is not None and self._is_probed(container, prober):
                awaited = prober.kind == "startup" or (prober.kind == "readiness" and not container.ready)
                (foreground if awaited else background).append(prober.due)

    def _is_far(self, container: Container) -> bool:
        """Whether the end of a run is nothing to wait for, since it comes after long health."""
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
