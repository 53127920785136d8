"""The state of a container on its node, and its ``v1.ContainerStatus``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.machinery.times import EARLIEST, parse_time, timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.nodes.backoff import Backoff
from kschedcore.nodes.probing import Prober
from kschedcore.nodes.runtimes.interface import Exit, Instance, Launch

__all__ = ["Container", "Role", "Running", "State", "Terminated", "Waiting", "containers_of"]


Role = Literal["init", "sidecar", "app"]
"""A sidecar is an init container with ``restartPolicy: Always`` (KEP-753)."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Waiting to be started or restarted (``v1.ContainerStateWaiting``)."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """Running, after its ``postStart`` hook (``v1.ContainerStateRunning``)."""

    started_at: datetime


@dataclass(frozen=True, slots=True)
class Terminated:
    """Terminated (``v1.ContainerStateTerminated``)."""

    code: int
    reason: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    message: str = ""
    id: str = ""


State = Waiting | Running | Terminated


@dataclass(slots=True, eq=False)
class Container:
    """An agent's state of one container.

    Attributes:
        name: The container's name.
        role: ``init``, ``sidecar`` or ``app``.
        spec: The container in the pod's spec.
        state: The present state.
        last: The termination of the previous run.
        restarts: The restart count.
        started: Whether it runs and its startup probe, if any, has succeeded.
        ready: Whether it is ready.
        id: The container id of the latest run.
        instance: The present run, or the last one since the agent started.
        launch: The start in progress.
        exit: The end of the run, if it is known.
        poll_at: When to poll the runtime about the run again.
        stopping: Whether the run is being stopped.
        crashes: The back-off of restarts.
        pulls: The back-off of image pulls.
        probers: The probes while it runs.
        granted: The resources that it runs with; None if they are those of its spec.
    """

    name: str
    role: Role
    spec: Mapping[str, Any]
    state: State
    last: Terminated | None = None
    restarts: int = 0
    started: bool = False
    ready: bool = False
    id: str = ""
    instance: Instance | None = None
    launch: Launch | None = None
    exit: Exit | None = None
    poll_at: datetime | None = None
    stopping: bool = False
    crashes: Backoff = field(default_factory=Backoff)
    pulls: Backoff = field(default_factory=Backoff)
    probers: tuple[Prober, ...] = ()
    granted: Mapping[str, Any] | None = None

    @property
    def running(self) -> bool:
        """Whether the container runs."""
        return type(self.state) is Running

    @property
    def idle(self) -> bool:
        """Whether the container neither runs nor is being started."""
        return self.launch is None and type(self.state) is not Running

    @property
    def begun(self) -> bool:
        """Whether the container ever ran."""
        return type(self.state) is not Waiting or self.last is not None

    @property
    def ended(self) -> Terminated | None:
        """The termination of the last run; None while it runs and before the first run."""
        state = self.state
        if type(state) is Terminated:
            return state
        return self.last if type(state) is Waiting else None

    @property
    def succeeded(self) -> bool:
        """Whether the container has terminated with exit code 0 and is not restarted."""
        return type(self.state) is Terminated and self.state.code == 0

    def restarts_after(self, restart_policy: str) -> bool:
        """Return whether a restart policy restarts the container after its last run."""
        ended = self.ended
        if ended is None or self.role == "sidecar" or (restart_policy == "Always" and self.role == "app"):
            return True
        return restart_policy != "Never" and ended.code != 0

    def status(self) -> Object:
        """Return the ``v1.ContainerStatus``."""
        image = self.spec.get("image", "")
        status: Object = {
            "name": self.name,
            "state": _state_status(self.state),
            "lastState": {} if self.last is None else _state_status(self.last),
            "ready": self.ready,
            "restartCount": self.restarts,
            "image": image,
            "imageID": _image_id(image) if self.begun else "",
            "started": self.started,
        }
        if self.id:
            status["containerID"] = self.id
        if self.running:
            resources = self.spec.get("resources", {}) if self.granted is None else self.granted
            status["resources"] = resources
            if "requests" in resources:
                status["allocatedResources"] = resources["requests"]
        return status

    def restore(self, status: Mapping[str, Any], pod: Mapping[str, Any]) -> None:
        """Restore the state from a pod's status, after a restart of the agent."""
        self.state = _read(status.get("state", {})) or self.state
        last = _read(status.get("lastState", {}))
        self.last = last if isinstance(last, Terminated) else None
        self.restarts = status.get("restartCount", 0)
        self.started, self.ready = status.get("started", False), status.get("ready", False)
        self.id = status.get("containerID", "")
        self.granted = status.get("resources")
        latest = self.state if isinstance(self.state, Running) else self.ended
        self.crashes = Backoff.after(self.restarts, None if latest is None else latest.started_at)
        if isinstance(self.state, Running):
            begun = self.state.started_at
            self.instance = Instance(pod, self.spec, self.restarts, self.id, begun)


def containers_of(spec: Mapping[str, Any]) -> list[Container]:
    """Return the containers of a pod spec, init containers first, none of them started."""
    inits = spec.get("initContainers", ())
    waiting = _INITIALIZING if inits else _CREATING
    found = [
        Container(each["name"], "sidecar" if each.get("restartPolicy") == "Always" else "init", each, waiting)
        for each in inits
    ]
    found += [Container(each["name"], "app", each, waiting) for each in spec["containers"]]
    return found


_CREATING = Waiting("ContainerCreating")
_INITIALIZING = Waiting("PodInitializing")


def _state_status(state: State) -> Object:
    if type(state) is Running:
        return {"running": {"startedAt": timestamp(state.started_at)}}
    if type(state) is Waiting:
        waiting = {"reason": state.reason}
        return {"waiting": waiting | ({"message": state.message} if state.message else {})}
    assert type(state) is Terminated
    terminated: Object = {
        "exitCode": state.code,
        "reason": state.reason,
        "startedAt": None if state.started_at is None else timestamp(state.started_at),
        "finishedAt": None if state.finished_at is None else timestamp(state.finished_at),
    }
    if state.message:
        terminated["message"] = state.message
    if state.id:
        terminated["containerID"] = state.id
    return {"terminated": terminated}


def _read(state: Mapping[str, Any]) -> State | None:
    if "running" in state:
        return Running(parse_time(state["running"].get("startedAt")) or EARLIEST)
    if "terminated" in state:
        terminated = state["terminated"]
        return Terminated(
            terminated.get("exitCode", 0), terminated.get("reason", ""), parse_time(terminated.get("startedAt")),
            parse_time(terminated.get("finishedAt")), terminated.get("message", ""), terminated.get("containerID", ""),
        )  # fmt: skip
    if "waiting" in state:
        return Waiting(state["waiting"].get("reason", ""), state["waiting"].get("message", ""))
    return None


@remembered
def _image_id(image: str) -> str:
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    # A colon before the last slash belongs to the registry's port.
    name = head if colon and "/" not in tag else name
    return f"{name}@sha256:{sha256(image.encode()).hexdigest()}"
