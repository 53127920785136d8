"""Clusters that recorded histories are replayed on: an API server, a simulated clock and chosen controllers."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Namespace
from kschedcore.cluster.controlplane import ControlPlane
from kschedcore.controllers.controller import Context, Controller

__all__ = ["RecordedCluster"]

MakeController = Callable[[Context], Controller]

_UID_OF = re.compile(r"<uid of ([^>]+)>")
_STEP = timedelta(seconds=2)
"""About as long as a step took to record: objects of different steps have different ages."""


class RecordedCluster(ABC):
    """A cluster on which the steps of a history are replayed.

    Args:
        namespace: The namespace that is observed.
        controllers: Creates the controllers, in the order in which they run.
        settling: Maximum time until the cluster settles.
    """

    def __init__(
        self, namespace: Namespace, controllers: Iterable[MakeController], settling: timedelta
    ) -> None:
        self.namespace = namespace
        self.plane = ControlPlane()
        for controller in controllers:
            self.plane.add_controller(controller)
        self._settling = settling
        self._uids: dict[str, str] = {}

    def request(self, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Send a recorded request; return the status code and the body of the response.

        ``<uid of NAME>`` in the body is replaced by the uid of the last object that a request created as NAME.
        """
        content_type = request.get("contentType", "application/json")
        body = self._with_uids(request.get("body"))
        code, response = self.plane.server.request(
            request["method"], request["path"], body, content_type, "tester/1.0"
        )
        if request["method"] == "POST" and code < 300 and "uid" in response.get("metadata", {}):
            self._uids[response["metadata"]["name"]] = response["metadata"]["uid"]
        return code, response

    def require(self, request: Mapping[str, Any]) -> None:
        """Send a recorded request that succeeded.

        Raises:
            StatusError: It was refused here.
        """
        code, response = self.request(request)
        if code >= 400:
            about = f"{request['method']} {request['path']}"
            raise StatusError(code, response.get("reason", ""), f"{about}: {response.get('message')}")

    def _with_uids(self, body: Any) -> Any:
        text = msgspec.json.encode(body).decode()
        if "<uid of " not in text:
            return body
        return msgspec.json.decode(_UID_OF.sub(lambda found: self._uids.get(found[1], found[0]), text))

    def act(self, actions: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the node agents act on pods.

        Raises:
            KeyError: The cluster has no node agents for that.
        """
        raise KeyError(*actions)

    def settle(self) -> None:
        """Run the controllers until they are idle."""
        self.plane.loop.run_until_settled(self._settling)
        self.wait(_STEP)

    def wait(self, duration: timedelta) -> None:
        """Run the controllers while time passes."""
        self.plane.loop.run_until(self.plane.clock.now() + duration)

    @abstractmethod
    def observation(self) -> dict[str, Any]:
        """Return the observation, in the form of the recordings."""
