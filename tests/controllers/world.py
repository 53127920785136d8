"""A small cluster for the tests of controllers: an API server, simulated time, and the given controllers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import Namespace
from kschedcore.apiserver import APIServer
from kschedcore.client.transport import Request, Response
from kschedcore.client.verbs import Client
from kschedcore.cluster.controlplane import ControlPlane
from kschedcore.controllers.controller import Context, Controller, Runner
from kschedcore.controllers.serviceaccount import ServiceAccountController

Object = dict[str, Any]


class Stopped(BaseException):
    """The process that sent a request was stopped before it was answered."""


class StoppingTransport:
    """The API server as a process sees it that is stopped at some request.

    Attributes:
        writes_left: So many writes go through before the sender is stopped; None for any number.
    """

    def __init__(self, server: APIServer) -> None:
        self._server = server
        self.writes_left: int | None = None

    def send(self, request: Request) -> Response:
        if request.method != "GET" and self.writes_left is not None:
            if self.writes_left == 0:
                self.writes_left = None
                raise Stopped
            self.writes_left -= 1
        return self._server.send(request)


class World:
    """An API server with controllers beside it.

    Args:
        controllers: Beside that of service accounts, without which no pod is let in.
    """

    def __init__(self, controllers: Iterable[Callable[[Context], Controller]] = ()) -> None:
        self.plane = ControlPlane(user_agent="tester", transport=StoppingTransport)
        self.clock, self.server, self.loop = self.plane.clock, self.plane.server, self.plane.loop
        self.context, self.informers = self.plane.context, self.plane.informers
        self.client = Client(self.server, "tester")
        self._makers = (ServiceAccountController, *controllers)
        for make in self._makers:
            self.start(make)

    def settle_stopping_after(self, writes: int) -> bool:
        """Settle; after so many writes of the controllers, stop and restart all. Whether that happened."""
        self.transport.writes_left = writes
        try:
            self.settle()
        except Stopped:
            for make in self._makers:
                self.restart(make)
            self.settle()
            return True
        self.transport.writes_left = None
        return False

    @property
    def transport(self) -> StoppingTransport:
        transport = self.plane.client.transport
        assert isinstance(transport, StoppingTransport)
        return transport

    def start(self, make: Callable[[Context], Controller]) -> None:
        self.plane.add_controller(make)

    def restart(self, make: Callable[[Context], Controller]) -> None:
        controller = make(self.context)
        self.loop.replace(controller.name, lambda: Runner(controller, self.context))

    def settle(self, timeout: timedelta = timedelta(minutes=1)) -> bool:
        """Run until nothing is left to do; whether that came about in time."""
        return self.loop.run_until_settled(timeout)

    def ready(self) -> None:
        """Do what is to be done now; no time passes."""
        self.loop.run_ready()

    def run_for(self, **time: float) -> None:
        self.loop.run_until(self.clock.now() + timedelta(**time))

    def send(self, method: str, path: str, body: Any = None) -> Object:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        code, answer = self.server.request(method, path, body, kind)
        assert code < 300, answer
        return answer

    def get(self, resource: str, name: str, namespace: str = "default") -> Object:
        found = self.client.get(resource, Namespace(namespace), name)
        assert found is not None, f"no {resource} {namespace}/{name}"
        return plain(found)

    def names(self, resource: str, namespace: str = "default") -> set[str]:
        return {
            obj["metadata"]["name"] for obj in self.informers[resource].in_namespace(Namespace(namespace))
        }

    def refuse_pods(self) -> None:
        """From now on there is no service account for pods to run as, and none comes."""
        self.loop.remove("serviceaccount-controller")
        self.send("DELETE", "/api/v1/namespaces/default/serviceaccounts/default")

    def make_ready(self, pod: str, *, ready: bool = True, namespace: str = "default") -> None:
        """Have a pod run, and be ready or not, as its node agent would say."""
        obj = self.get("pods", pod, namespace)
        condition = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "lastTransitionTime": timestamp(self.clock.now()),
        }
        obj["status"] = {"phase": "Running", "conditions": [condition]}
        self.client.update_status(obj, "pods")

    def finish(self, pod: str, phase: str = "Succeeded", namespace: str = "default") -> None:
        """Have a pod end."""
        obj = self.get("pods", pod, namespace)
        self.client.update_status({**obj, "status": {"phase": phase}}, "pods")
