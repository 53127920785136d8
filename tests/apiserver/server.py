"""An API server with a namespace, for tests that write one object at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import pytest

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.kinds import resources
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.apiserver import APIServer
from kschedcore.client.transport import Request, checked, path_of
from kschedcore.clock import SimulatedClock
from kschedcore.conformance.settling import Settling

__all__ = ["RESOURCES", "Server", "refusal"]

RESOURCES = {each.plural: each for each in (*resources(namespaced=True), *resources(namespaced=False))}


class Server(APIServer):
    """An API server with a namespace ``ns`` that has its service account.

    The verbs take a kind's plural, return copies that may be changed, and raise StatusError when refused.
    """

    def __init__(self) -> None:
        self._clock = SimulatedClock()
        super().__init__(clock=self._clock)
        self.create("namespaces", {"metadata": {"name": "ns"}})
        self.create("serviceaccounts", {"metadata": {"name": "default"}}, "ns")

    def create(
        self, plural: str, obj: Mapping[str, Any], namespace: str = "", *, strict: bool = False
    ) -> Object:
        query = "?fieldValidation=Strict" if strict else ""
        return self._request("POST", _path(plural, namespace) + query, obj)

    def update(
        self, plural: str, obj: Mapping[str, Any], namespace: str = "", subresource: str = ""
    ) -> Object:
        path = _path(plural, namespace, obj["metadata"]["name"])
        return self._request("PUT", f"{path}/{subresource}" if subresource else path, obj)

    def get(self, plural: str, namespace: str, name: str) -> Object:
        return self._request("GET", _path(plural, namespace, name))

    def delete(self, plural: str, namespace: str, name: str) -> Object:
        return self._request("DELETE", _path(plural, namespace, name))

    def evict(self, namespace: str, name: str, *, dry_run: bool = False) -> None:
        query = "?dryRun=All" if dry_run else ""
        body = {"metadata": {"namespace": namespace, "name": name}}
        self._request("POST", f"{_path('pods', namespace, name)}/eviction{query}", body)

    def settle(self) -> None:
        """Run the controllers until none of them changes anything."""
        self._controllers.settle()

    @cached_property
    def _controllers(self) -> Settling:
        return Settling(self, self._clock)

    def _request(self, method: str, target: str, body: Mapping[str, Any] | None = None) -> Object:
        return plain(checked(self.send(Request(method, target, body))).object)


def _path(plural: str, namespace: str = "", name: str = "") -> str:
    return path_of(RESOURCES[plural].api_version, plural, Namespace(namespace), name)


def refusal(action: Callable[[], object]) -> StatusError:
    """The refusal that ``action()`` ends with."""
    with pytest.raises(StatusError) as caught:
        action()
    return caught.value
