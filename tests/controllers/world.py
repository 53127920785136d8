"""A small cluster for the tests of controllers: an API server, simulated time, and the controllers asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from kschedcore.apiserver import APIServer
from kschedcore.client.informer import Informers
from kschedcore.client.loop import Loop
from kschedcore.client.verbs import Client
from kschedcore.clock import SimulatedClock
from kschedcore.controllers.controller import Context, Controller, Runner
from kschedcore.controllers.serviceaccount import ServiceAccountController
from kschedcore.store.meta import timestamp
from kschedcore.store.objects import plain

Object = dict[str, Any]


class World:
    """An API server with controllers beside it.

    Args:
        controllers: Beside that of service accounts, without which no pod is let in.
    """

    def __init__(self, controllers: Iterable[Callable[[Context], Controller]] = ()) -> None:
        self.clock = SimulatedClock()
        self.server = APIServer(clock=self.clock)
        self.informers = Informers(self.server)
        self.client = Client(self.server, "tester")
        self.context = Context(self.client, self.informers, self.clock)
        self.loop = Loop(self.clock, self.informers)
        for make in (ServiceAccountController, *controllers):
            self.start(make)

    def start(self, make: Callable[[Context], Controller]) -> None:
        controller = make(self.context)
        self.loop.add(controller.name, Runner(controller, self.context))

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
        found = self.client.get(resource, namespace, name)
        assert found is not None, f"no {resource} {namespace}/{name}"
        return plain(found)

    def names(self, resource: str, namespace: str = "default") -> set[str]:
        return {obj["metadata"]["name"] for obj in self.informers[resource].in_namespace(namespace)}

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
