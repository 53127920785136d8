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
"""In which language a patch is written."""

Objects = list[Object]
Propagation = Literal["Background", "Foreground", "Orphan"]
"""What becomes of the dependents of a deleted object."""


class Client:
    """Sends requests as one user agent.

    Resources are named by their qualified plural (``pods``, ``deployments.apps``). What comes back is shared
    and cannot be changed: a changed object is made with ``{**obj, "spec": …}``, or of a copy
    (:func:`kschedcore.api.machinery.frozen.plain`).

    Every verb raises :class:`~kschedcore.api.machinery.status.StatusError` when it is refused.

    Args:
        transport: How to reach the API server.
        user_agent: The client program; its first part manages the fields that are written.
        on_warning: Called with each warning of a response, as client-go's ``WarningHandler``; None to ignore them.
    """

    door = renamed("door", "transport")

    def __init__(
        self, transport: Transport, user_agent: str, on_warning: Callable[[str], None] | None = None
    ) -> None:
        self.transport = transport
        self.user_agent = user_agent
        self._on_warning = on_warning

    def named(self, user_agent: str) -> Client:
        """Return a client over the same transport with another user agent."""
        return Client(self.transport, user_agent, self._on_warning)

    def get(self, resource: str, namespace: Namespace, name: str) -> Object | None:
        """The object, or None when there is none."""
        target = _path(resource, namespace, name)
        response = self._sent(Request("GET", target, user_agent=self.user_agent))
        return None if response.code == 404 else checked(response).object

    def list(self, resource: str, namespace: Namespace = CLUSTER_SCOPE, selector: str = "") -> Objects:
        """The objects of a collection, in the order of namespace and name, without their kinds.

        Args:
            resource: The qualified plural.
            namespace: Where; everywhere by default.
            selector: Of which labels.
        """
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        return list(self._send("GET", _path(resource, namespace) + query, None)["items"])

    def create(self, resource: str, namespace: Namespace, obj: Mapping[str, Any]) -> Object:
        """Create an object; the answer is what was stored."""
        return self._send("POST", _path(resource, namespace), obj)

    def update(self, obj: Mapping[str, Any], resource: str, subresource: str = "") -> Object:
        """Replace an object, or a subresource of it, if it is still of the version that ``obj`` is of."""
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
        """Change a part of an object, whichever version it is of."""
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
        """Delete an object, or begin to; False when there was none.

        Args:
            resource: The qualified plural.
            namespace: ``""`` for what is cluster-scoped.
            name: The object's name.
            uid: Delete only the object of this uid, not a successor of its name.
            grace_seconds: How long the object may take; its own say by default.
            propagation: What becomes of its dependents; the kind's default by default.
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
            # Of a conflict, only that over the uid says that the object is another one by now.
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
