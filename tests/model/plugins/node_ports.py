"""NodePorts: host ports are used once per address and protocol."""

from typing import NamedTuple

from tests.model.framework import SKIP, Plugin, Prepared, Status
from tests.model.labels import Json
from tests.model.snapshot import NodeInfo, Snapshot

ANY_ADDRESS = "0.0.0.0"


class HostPort(NamedTuple):
    """A port that a pod takes on its node."""

    address: str
    protocol: str
    port: int

    def conflicts(self, other: "HostPort") -> bool:
        same_address = self.address == other.address or ANY_ADDRESS in (self.address, other.address)
        return same_address and (self.protocol, self.port) == (other.protocol, other.port)


def host_ports(pod: Json) -> list[HostPort]:
    """Those of containers and of sidecars; a plain init container's are free again once it is done."""
    sidecars = [c for c in pod["spec"].get("initContainers") or [] if c.get("restartPolicy") == "Always"]
    return [
        HostPort(p.get("hostIP") or ANY_ADDRESS, p.get("protocol") or "TCP", p["hostPort"])
        for container in [*(pod["spec"].get("containers") or []), *sidecars]
        for p in container.get("ports") or []
        if p.get("hostPort")
    ]


class NodePorts(Plugin):
    name = "NodePorts"
    extension_points = frozenset({"preFilter", "filter"})

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        ports = host_ports(pod)
        return Prepared(ports) if ports else SKIP

    def filter(self, state: list[HostPort], pod: Json, info: NodeInfo) -> Status | None:
        used = [port for other in info.pods for port in host_ports(other)]
        if any(wanted.conflicts(taken) for wanted in state for taken in used):
            return self.unschedulable("node(s) didn't have free ports for the requested pod ports")
        return None
