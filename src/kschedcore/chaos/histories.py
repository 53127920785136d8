"""A history as data: a seed and the steps that follow, which can be written down, replayed and made shorter."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from kschedcore.api.machinery.types import Object
from kschedcore.chaos.breakable import BreakableCluster
from kschedcore.chaos.faults import WriteFault
from kschedcore.client.informer import controller_of
from kschedcore.client.transport import path_of
from kschedcore.cluster.controlplane import AGENTS, ProcessName

__all__ = [
    "Cut", "Delay", "Evict", "FailNode", "Fault", "History", "Jump", "Relabel", "Repair", "Repeat", "Request",
    "Restart", "RestartProcess", "Rounds", "Run", "Step",
]  # fmt: skip


class _Step(msgspec.Struct, frozen=True, tag_field="do", forbid_unknown_fields=True, omit_defaults=True):
    """What happens by ``take(cluster)``; a step that makes no sense by then does nothing."""

    by: ClassVar[str] = "user"
    """Who writes what the step writes."""


class Request(_Step, frozen=True, tag="request"):
    """A user asks for something, and lives with the answer, a refusal included."""

    method: str
    path: str
    body: dict[str, Any] | None = None

    def take(self, cluster: BreakableCluster) -> None:
        """Ask."""
        kind = "application/merge-patch+json" if self.method == "PATCH" else "application/json"
        cluster.server.request(self.method, self.path, self.body, kind, "kubectl")


class Evict(_Step, frozen=True, tag="evict"):
    """A user evicts a pod, the one of that place among those there are (in the order of their names)."""

    by: ClassVar[str] = "eviction"
    place: int

    def take(self, cluster: BreakableCluster) -> None:
        """Ask."""
        if (pod := _pod_at(cluster, self.place)) is not None:
            body = {"metadata": {key: pod["metadata"][key] for key in ("namespace", "name")}}
            cluster.server.request("POST", f"{_path(pod)}/eviction", body, user_agent="kubectl")


class Relabel(_Step, frozen=True, tag="relabel"):
    """A user gives a pod other labels; ``place`` as in :class:`Evict`.

    Not to one of a StatefulSet: its successor would have its name, which is taken, and be tried for ever.
    """

    place: int
    labels: dict[str, str]

    def take(self, cluster: BreakableCluster) -> None:
        """Ask."""
        pod = _pod_at(cluster, self.place)
        owner = None if pod is None else controller_of(pod)
        if pod is not None and (owner is None or owner["kind"] != "StatefulSet"):
            patch, kind = {"metadata": {"labels": self.labels}}, "application/merge-patch+json"
            cluster.server.request("PATCH", _path(pod), patch, kind, "kubectl")


def _pod_at(cluster: BreakableCluster, place: int) -> Object | None:
    pods = list(cluster.server.store.list("pods"))
    return pods[place % len(pods)] if pods else None


def _path(pod: Object) -> str:
    metadata = pod["metadata"]
    return path_of("v1", "pods", metadata["namespace"], metadata["name"])


class Run(_Step, frozen=True, tag="run"):
    """Time passes, and everybody works."""

    seconds: float

    def take(self, cluster: BreakableCluster) -> None:
        """Work."""
        cluster.run_for(self.seconds)


class Rounds(_Step, frozen=True, tag="rounds"):
    """Everybody has so many turns; no time passes."""

    count: int

    def take(self, cluster: BreakableCluster) -> None:
        """Work."""
        for _ in range(self.count):
            cluster.loop.round()


class Jump(_Step, frozen=True, tag="jump"):
    """Time passes, and nobody has a turn."""

    seconds: float

    def take(self, cluster: BreakableCluster) -> None:
        """Jump."""
        cluster.jump(self.seconds)


class FailNode(_Step, frozen=True, tag="failNode"):
    """A node falls silent."""

    node: str

    def take(self, cluster: BreakableCluster) -> None:
        """Fail, if it is there."""
        if cluster.server.store.get("nodes", "", self.node) is not None:
            cluster.tried["node failure"] += 1
            # That a lease is no longer renewed is written down, but the silent node writes nothing.
            with cluster.processes[AGENTS].transport.sound():
                cluster.agents.fail(self.node)


class Repair(_Step, frozen=True, tag="repairNode"):
    """A node that has fallen silent speaks again."""

    node: str
    rebooted: bool = False

    def take(self, cluster: BreakableCluster) -> None:
        """Repair, if it has failed."""
        if self.node in cluster.failed_nodes:
            with cluster.processes[AGENTS].transport.sound():
                cluster.agents.repair(self.node, rebooted=self.rebooted)


class Restart(_Step, frozen=True, tag="restart"):
    """A component is stopped between two turns and started anew."""

    component: str

    def take(self, cluster: BreakableCluster) -> None:
        """Restart.

        Raises:
            UsageError: There is no such component.
        """
        cluster.process_of(self.component).restart_one(self.component)


class RestartProcess(_Step, frozen=True, tag="restartProcess"):
    """A process is stopped between two turns and started anew, with all its components."""

    process: ProcessName

    def take(self, cluster: BreakableCluster) -> None:
        """Restart."""
        cluster.processes[self.process].restart()


class Fault(_Step, frozen=True, tag="fault"):
    """A write of a process, one after so many others, will go wrong."""

    process: ProcessName
    fault: WriteFault
    after: int = 0

    def take(self, cluster: BreakableCluster) -> None:
        """Arm the fault."""
        cluster.processes[self.process].transport.arm(self.fault, self.after)


class Delay(_Step, frozen=True, tag="delay"):
    """A process hears of nothing for some time but of what it writes, and of what was before that."""

    process: ProcessName
    seconds: float

    def take(self, cluster: BreakableCluster) -> None:
        """Hold back the news, and set when they come."""
        transport = cluster.processes[self.process].transport
        transport.delay()
        cluster.clock.call_after(self.seconds, transport.catch_up)


class Cut(_Step, frozen=True, tag="cutWatches"):
    """All watches of a process break, and the history they would go on from is gone."""

    process: ProcessName

    def take(self, cluster: BreakableCluster) -> None:
        """Cut."""
        cluster.processes[self.process].transport.cut()


class Repeat(_Step, frozen=True, tag="repeatEvents"):
    """All watches of a process tell their last events once more."""

    process: ProcessName
    events: int

    def take(self, cluster: BreakableCluster) -> None:
        """Repeat."""
        cluster.processes[self.process].transport.repeat(self.events)


Step = (
    Request | Evict | Relabel | Run | Rounds | Jump | FailNode | Repair
    | Restart | RestartProcess | Fault | Delay | Cut | Repeat
)  # fmt: skip


class History(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to a cluster.

    Attributes:
        seed: For uids and generated names.
        steps: What happens, in order.
    """

    seed: int
    steps: tuple[Step, ...]

    def to_json(self) -> str:
        """The history as text, a line a step."""
        lines = ",\n".join(f"  {msgspec.json.encode(step).decode()}" for step in self.steps)
        return f'{{"seed": {self.seed}, "steps": [\n{lines}\n]}}\n'

    @classmethod
    def from_json(cls, text: str | bytes) -> History:
        """The history of a text.

        Raises:
            msgspec.ValidationError: It is none; the message names the path.
        """
        return msgspec.json.decode(text, type=cls)
