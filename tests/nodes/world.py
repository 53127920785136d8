"""A cluster of an API server and node agents, in simulated time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE, Namespace
from kschedcore.apiserver import APIServer
from kschedcore.client.transport import Transport
from kschedcore.cluster.controlplane import ControlPlane
from kschedcore.nodes import Behaviours, NodeAgents, SimulatedRuntime

Object = dict[str, Any]

PODS = "/api/v1/namespaces/default/pods"
START = {"start": {"seconds": 1, "jitter": 0}}


class World:
    """Nodes ``node-1``… with agents, and pods put on them by hand.

    Args:
        behaviours: As a behaviour file has them; containers start in exactly 1 s unless they say otherwise.
        nodes: How many nodes.
        status: What nodes say of themselves.
        options: For the agents.
    """

    def __init__(
        self,
        *behaviours: Mapping[str, Any],
        nodes: int = 1,
        status: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.plane = ControlPlane(user_agent="tester", transport=self.make_transport)
        self.clock, self.server, self.loop = self.plane.clock, self.plane.server, self.plane.loop
        self.client, self.informers = self.plane.client, self.plane.informers
        self.begun = self.clock.now()
        given = [{**START, **each} for each in (*behaviours, {})]
        self.runtime = self.make_runtime(Behaviours(Behaviours.read({"behaviours": given})))
        self.failed: set[str] = set()
        self.options = options
        for namespace in ("default", "kube-system"):
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            self.send("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
        for number in range(1, nodes + 1):
            self.add_node(f"node-{number}", status)
        self.agents = self.make_agents()
        self.loop.add("agents", self.agents)
        self.loop.run_ready()

    def make_transport(self, server: APIServer) -> Transport:
        """Return the transport through which agents and tests write."""
        return server

    def make_runtime(self, behaviours: Behaviours) -> SimulatedRuntime:
        return SimulatedRuntime(behaviours)

    def make_agents(self) -> NodeAgents:
        return NodeAgents(self.plane.context, self.runtime, failed=self.failed, **self.options)

    def restart(self) -> None:
        def make() -> NodeAgents:
            self.agents = self.make_agents()
            return self.agents

        self.loop.replace("agents", make)

    def add_node(self, name: str, status: Mapping[str, Any] | None = None, **spec: Any) -> None:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}
        self.send("POST", "/api/v1/nodes", {**node, "status": dict(status or {})})

    def run(
        self, name: str = "pod", node: str = "node-1", containers: list[Object] | None = None,
        metadata: Mapping[str, Any] | None = None, **spec: Any,
    ) -> None:  # fmt: skip
        """Create a pod that is bound already."""
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **(metadata or {})}}
        whole = {"nodeName": node, "containers": containers or [container()], **spec}
        self.send("POST", PODS, {**body, "spec": whole})
        self.loop.run_ready()

    def send(self, method: str, path: str, body: Any = None) -> Object:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        code, answer = self.server.request(method, path, body, kind)
        assert code < 300, answer
        return answer

    def delete(self, name: str = "pod", **options: Any) -> None:
        self.send("DELETE", f"{PODS}/{name}", {"kind": "DeleteOptions", "apiVersion": "v1", **options})
        self.loop.run_ready()

    def to(self, seconds: float) -> None:
        """Let it be so many seconds after the beginning."""
        self.loop.run_until(self.begun + timedelta(seconds=seconds))

    def settle(self, **timeout: float) -> bool:
        return self.loop.run_until_settled(timedelta(**(timeout or {"minutes": 1})))

    @property
    def seconds(self) -> float:
        return (self.clock.now() - self.begun).total_seconds()

    def get(self, name: str = "pod", resource: str = "pods", namespace: str = "default") -> Object:
        found = self.client.get(resource, Namespace("" if resource == "nodes" else namespace), name)
        assert found is not None, f"no {resource} {name}"
        return plain(found)

    def exists(self, name: str = "pod") -> bool:
        return self.client.get("pods", DEFAULT_NAMESPACE, name) is not None

    def status(self, name: str = "pod") -> Object:
        status: Object = self.get(name)["status"]
        return status

    def phase(self, name: str = "pod") -> str:
        return str(self.status(name)["phase"])

    def state(self, container: str = "app", pod: str = "pod") -> Object:
        state: Object = self.container(container, pod)["state"]
        return state

    def container(self, container: str = "app", pod: str = "pod") -> Object:
        status = self.status(pod)
        reported: list[Object] = [
            *status.get("initContainerStatuses", ()),
            *status.get("containerStatuses", ()),
        ]
        [found] = [each for each in reported if each["name"] == container]
        return found

    def condition(self, kind: str, pod: str = "pod") -> str:
        [found] = [each for each in self.status(pod)["conditions"] if each["type"] == kind]
        return str(found["status"])

    def after(self, time: str) -> float:
        """The seconds from the beginning to a time of the API."""
        return (datetime.fromisoformat(time) - self.begun).total_seconds()

    def events(self, *reasons: str) -> list[str]:
        reported = self.informers["events"].all()
        return [each["message"] for each in reported if each["reason"] in reasons]


def container(name: str = "app", **fields: Any) -> Object:
    return {"name": name, "image": "nginx", **fields}
