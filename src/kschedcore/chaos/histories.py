"""A history as data: a seed and a list of steps, which can be stored as JSON, replayed and shrunk."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from kschedcore.api.machinery.confidential import masked
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.chaos.cluster import ChaosCluster
from kschedcore.chaos.faults import WriteFault
from kschedcore.client.informer import controller_of
from kschedcore.client.transport import path_of
from kschedcore.cluster.controlplane import AGENTS, ProcessName

__all__ = [
    "Cut", "Delay", "Evict", "FailNode", "Fault", "History", "Jump", "Relabel", "Repair", "Repeat", "Request",
    "Restart", "RestartProcess", "Rounds", "Run", "Step",
]  # fmt: skip


_SAVED_MASK = "TUFTSw=="
"""Base64, as the data of a Secret must be."""


class _Step(msgspec.Struct, frozen=True, tag_field="do", forbid_unknown_fields=True, omit_defaults=True):
    """A step is applied by ``apply(cluster)``; it does nothing when its target no longer exists."""

    by: ClassVar[str] = "user"
    """Name recorded for the writes of this step."""


class Request(_Step, frozen=True, tag="request"):
    """A user sends a request and ignores the response."""

    method: str
    path: str
    body: dict[str, Any] | None = None

    def apply(self, cluster: ChaosCluster) -> None:
        """Send the request."""
        kind = "application/merge-patch+json" if self.method == "PATCH" else "application/json"
        cluster.server.request(self.method, self.path, self.body, kind, "kubectl")


class Evict(_Step, frozen=True, tag="evict"):
    """A user evicts the pod at index ``place`` (modulo their number) of the existing pods in order of their names."""

    by: ClassVar[str] = "eviction"
    place: int

    def apply(self, cluster: ChaosCluster) -> None:
        """Send the request."""
        if (pod := _pod_at(cluster, self.place)) is not None:
            body = {"metadata": {key: pod["metadata"][key] for key in ("namespace", "name")}}
            cluster.server.request("POST", f"{_path(pod)}/eviction", body, user_agent="kubectl")


class Relabel(_Step, frozen=True, tag="relabel"):
    """A user replaces the labels of a pod; ``place`` as in :class:`Evict`.

    Pods of a StatefulSet are left alone: the controller would try forever to create a pod of the same name.
    """

    place: int
    labels: dict[str, str]

    def apply(self, cluster: ChaosCluster) -> None:
        """Send the request."""
        pod = _pod_at(cluster, self.place)
        owner = None if pod is None else controller_of(pod)
        if pod is not None and (owner is None or owner["kind"] != "StatefulSet"):
            patch, kind = {"metadata": {"labels": self.labels}}, "application/merge-patch+json"
            cluster.server.request("PATCH", _path(pod), patch, kind, "kubectl")


def _pod_at(cluster: ChaosCluster, place: int) -> Object | None:
    pods = list(cluster.server.store.list("pods"))
    return pods[place % len(pods)] if pods else None


def _path(pod: Object) -> str:
    metadata = pod["metadata"]
    return path_of("v1", "pods", metadata["namespace"], metadata["name"])


class Run(_Step, frozen=True, tag="run"):
    """Time passes while all components run."""

    seconds: float

    def apply(self, cluster: ChaosCluster) -> None:
        """Run the components."""
        cluster.run_for(self.seconds)


class Rounds(_Step, frozen=True, tag="rounds"):
    """Every component takes ``count`` steps while no time passes."""

    count: int

    def apply(self, cluster: ChaosCluster) -> None:
        """Run the components."""
        for _ in range(self.count):
            cluster.loop.round()


class Jump(_Step, frozen=True, tag="jump"):
    """Time passes while no component runs."""

    seconds: float

    def apply(self, cluster: ChaosCluster) -> None:
        """Advance the clock."""
        cluster.jump(self.seconds)


class FailNode(_Step, frozen=True, tag="failNode"):
    """A node fails: its agent stops."""

    node: str

    def apply(self, cluster: ChaosCluster) -> None:
        """Stop the agent if the node exists."""
        if cluster.server.store.get("nodes", CLUSTER_SCOPE, self.node) is not None:
            cluster.faults["node failure"] += 1
            # The simulated agent records in the lease that it stops; a node that fails writes nothing.
            with cluster.processes[AGENTS].transport.without_faults():
                cluster.agents.fail(self.node)


class Repair(_Step, frozen=True, tag="repairNode"):
    """A failed node comes back."""

    node: str
    rebooted: bool = False

    def apply(self, cluster: ChaosCluster) -> None:
        """Start the agent if the node has failed."""
        if self.node in cluster.failed_nodes:
            with cluster.processes[AGENTS].transport.without_faults():
                cluster.agents.repair(self.node, rebooted=self.rebooted)


class Restart(_Step, frozen=True, tag="restart"):
    """A component is restarted between two of its steps."""

    component: str

    def apply(self, cluster: ChaosCluster) -> None:
        """Restart the component.

        Raises:
            UsageError: No component has this name.
        """
        cluster.process_of(self.component).restart_one(self.component)


class RestartProcess(_Step, frozen=True, tag="restartProcess"):
    """A process is restarted between two steps, with all its components."""

    process: ProcessName

    def apply(self, cluster: ChaosCluster) -> None:
        """Restart the process."""
        cluster.processes[self.process].restart()


class Fault(_Step, frozen=True, tag="fault"):
    """A write of a process fails, after ``after`` successful ones."""

    process: ProcessName
    fault: WriteFault
    after: int = 0

    def apply(self, cluster: ChaosCluster) -> None:
        """Arm the fault."""
        cluster.processes[self.process].transport.arm(self.fault, self.after)


class Delay(_Step, frozen=True, tag="delay"):
    """Events of a process are held back for some time, except those up to its own last write."""

    process: ProcessName
    seconds: float

    def apply(self, cluster: ChaosCluster) -> None:
        """Hold back events and schedule their delivery."""
        transport = cluster.processes[self.process].transport
        transport.delay()
        cluster.clock.call_after(self.seconds, transport.catch_up)


class Cut(_Step, frozen=True, tag="cutWatches"):
    """All watches of a process are closed with 410."""

    process: ProcessName

    def apply(self, cluster: ChaosCluster) -> None:
        """Close the watches."""
        cluster.processes[self.process].transport.close_all()


class Repeat(_Step, frozen=True, tag="repeatEvents"):
    """All watches of a process deliver their last events again."""

    process: ProcessName
    events: int

    def apply(self, cluster: ChaosCluster) -> None:
        """Repeat the events."""
        cluster.processes[self.process].transport.repeat(self.events)


Step = (
    Request | Evict | Relabel | Run | Rounds | Jump | FailNode | Repair
    | Restart | RestartProcess | Fault | Delay | Cut | Repeat
)  # fmt: skip


def _shareable(step: Step) -> Step:
    """Return a step as it is saved: Secrets and environment variables hold a mask that is valid in either."""
    if not isinstance(step, Request) or step.body is None:
        return step
    kind = "Secret" if "secrets" in step.path.split("/") else ""
    return msgspec.structs.replace(step, body=masked(step.body, kind, lambda _: _SAVED_MASK))


class History(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A seed and the steps that are applied to a cluster.

    Attributes:
        seed: Seed of uids and generated names.
        steps: The steps in order.
    """

    seed: int
    steps: tuple[Step, ...]

    def to_json(self) -> str:
        """Return the history as JSON with one step per line; confidential values are masked."""
        lines = ",\n".join(f"  {msgspec.json.encode(_shareable(step)).decode()}" for step in self.steps)
        return f'{{"seed": {self.seed}, "steps": [\n{lines}\n]}}\n'

    @classmethod
    def from_json(cls, text: str | bytes) -> History:
        """Parse a history.

        Raises:
            msgspec.ValidationError: The text is not a history; the message names the path.
        """
        return msgspec.json.decode(text, type=cls)
