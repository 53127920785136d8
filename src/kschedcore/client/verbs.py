"""Typed verbs: the requests of one client program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import CLUSTER_SCOPE, UID, Namespace, Object
from kschedcore.client.transport import JSON, Body, Request, Response, Transport, checked, path_of
from kschedcore.moved import renamed

__all__ = ["Client", "PatchType", "Propagation"]

PatchType = Literal["json", "merge", "strategic-merge"]
"""The patch types."""

Objects = list[Object]
Propagation = Literal["Background", "Foreground", "Orphan"]
"""The propagation policies of a deletion."""


class Client:
    """Sends requests as one user agent.

    Resources are named by their qualified plural (``pods``, ``deployments.apps``). Returned objects are shared and
    immutable: build a changed object with ``{**obj, "spec": …}``, or from a copy
    (:func:`kschedcore.api.machinery.frozen.plain`).

    Every verb raises :class:`~kschedcore.api.machinery.status.StatusError` when it is refused.

    Args:
        transport: The transport to the API server.
        user_agent: The client program; its first part is the field manager of writes.
        on_warning: Called with each warning of a response, as client-go's ``WarningHandler``; None to ignore them.

    Attributes:
        created: Number of objects created so far.
    """

    door = renamed("door", "transport")

    def __init__(
        self, transport: Transport, user_agent: str, on_warning: Callable[[str], None] | None = None
    ) -> None:
        self.transport = transport
        self.user_agent = user_agent
        self._on_warning = on_warning
        self.created = 0

    def named(self, user_agent: str) -> Client:
        """Return a client over the same transport with another user agent."""
        return Client(self.transport, user_agent, self._on_warning)

    def get(self, resource: str, namespace: Namespace, name: str) -> Object | None:
        """Return the object, or None if it does not exist."""
        target = _path(resource, namespace, name)
        response = self._sent(Request("GET", target, user_agent=self.user_agent))
        return None if response.code == 404 else checked(response).object

    def list(self, resource: str, namespace: Namespace = CLUSTER_SCOPE, selector: str = "") -> Objects:
        """Return the objects of a collection, in the order of namespace and name, without their kinds.

        Args:
            resource: The qualified plural.
            namespace: The namespace; all namespaces by default.
            selector: A label selector.
        """
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        return list(self._send("GET", _path(resource, namespace) + query, None)["items"])

    def create(self, resource: str, namespace: Namespace, obj: Mapping[str, Any]) -> Object:
        """Create an object; return the stored object."""
        stored = self._send("POST", _path(resource, namespace), obj)
        self.created += 1
        return stored

    def update(self, obj: Mapping[str, Any], resource: str, subresource: str = "") -> Object:
        """Replace an object or its subresource, if its resourceVersion is still that of ``obj``."""
        metadata = obj["metadata"]
        return self._send(
            "PUT", _path(resource, metadata.get("namespace", ""), metadata["name"], subresource), obj
        )

    def update_status(self, obj: Mapping[str, Any], resource: str) -> Object:
        """Replace an object's status."""
        return self.update(obj, resource, "status")

    def patch(
        self,
        resource: str,
        namespace: Namespace,
        name: str,
        patch: Any,
        *,
        kind: PatchType = "merge",
        subresource: str = "",
    ) -> Object:
        """Patch an object, regardless of its resourceVersion."""
        path = _path(resource, namespace, name, subresource)
        return self._send("PATCH", path, msgspec.json.encode(patch), f"application/{kind}-patch+json")

    def delete(
        self,
        resource: str,
        namespace: Namespace,
        name: str,
        *,
        uid: UID | None = None,
        grace_seconds: int | None = None,
        propagation: Propagation | None = None,
    ) -> bool:
        """Delete an object, or begin to; return False if it does not exist.

        Args:
            resource: The qualified plural.
            namespace: ``""`` for what is cluster-scoped.
            name: The object's name.
            uid: Delete only the object of this uid, not a later one of its name.
            grace_seconds: The grace period; the object's own by default.
            propagation: The propagation policy; the resource's default by default.
        """
        options: dict[str, Any] = {}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if propagation is not None:
            options["propagationPolicy"] = propagation
        body = {"kind": "DeleteOptions", "apiVersion": "v1", **options} if options else None
        try:
            self._send("DELETE", _path(resource, namespace, name), body)
        except StatusError as refusal:
            # Only a conflict of the uid means that the object was replaced.
            if refusal.code == 404 or (
                uid and refusal.code == 409 and "UID in the precondition" in refusal.message
            ):
                return False
            raise
        return True

    def subresource(
        self, resource: str, namespace: Namespace, name: str, subresource: str, body: Object
    ) -> Object:
        """POST to a subresource: ``binding``, ``eviction``."""
        return self._send("POST", _path(resource, namespace, name, subresource), body)

    def _send(self, method: str, target: str, body: Body, content_type: str = JSON) -> Object:
        request = Request(method, target, body, content_type, self.user_agent)
        return checked(self._sent(request)).object

    def _sent(self, request: Request) -> Response:
        response = self.transport.send(request)
        if self._on_warning is not None:
            for text in response.warnings:
                self._on_warning(text)
        return response


def _path(resource: str, namespace: Namespace = CLUSTER_SCOPE, name: str = "", subresource: str = "") -> str:
    kind = kind_by_resource(resource).resource
    path = path_of(kind.api_version, kind.plural, namespace, name)
    return f"{path}/{subresource}" if subresource else path
