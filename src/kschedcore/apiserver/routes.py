"""Routing of paths: ``/apis/apps/v1/namespaces/web/deployments/front/scale``."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from kschedcore.api.machinery.kinds import Kind, kind_by_path
from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.machinery.status import StatusError, bad_request
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace
from kschedcore.client.transport import NO_QUERY, Query, split_target

__all__ = ["Route", "method_not_allowed", "not_served", "route"]


# Most paths have nothing to decode.
_PLAIN = re.compile(r"(?:/[A-Za-z0-9._-]+)+")


class Route(msgspec.Struct, frozen=True):
    """The target of a path.

    Attributes:
        kind: The kind of object.
        namespace: ``""`` for cluster-scoped kinds and for lists over all namespaces.
        name: ``""`` for a collection.
        subresource: ``""`` for the object itself.
        query: The query parameters.
    """

    kind: Kind
    namespace: Namespace
    name: str
    subresource: str
    query: Query


def not_served() -> StatusError:
    """Return the error 404: the path is not served."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> StatusError:
    """Return the error 405: the method is not allowed."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, {})


def _split(target: str) -> tuple[list[str], Query]:
    if _PLAIN.fullmatch(target):
        return target[1:].split("/"), NO_QUERY
    try:
        target.encode()
    except UnicodeEncodeError:
        raise bad_request("the path is not valid UTF-8") from None
    path, query = split_target(target)
    return [unquote(segment) for segment in path.strip("/").split("/")], query


@remembered
def route(target: str) -> Route:
    """Parse a path with its query. Results are cached.

    Raises:
        StatusError: 404 for a path that is not served, 400 if it is not UTF-8.
    """
    segments, query = _split(target)
    if segments[0] == "api" and len(segments) > 1:
        api_version, rest = segments[1], segments[2:]
    elif segments[0] == "apis" and len(segments) > 2:
        api_version, rest = f"{segments[1]}/{segments[2]}", segments[3:]
    else:
        raise not_served()
    namespace = CLUSTER_SCOPE
    # A namespace is a resource itself: two segments are the namespace, three an object in it.
    if len(rest) > 2 and rest[0] == "namespaces" and kind_by_path(api_version, rest[2]) is not None:
        namespace, rest = Namespace(rest[1]), rest[2:]
    count = len(rest)
    if not 1 <= count <= 3 or not all(rest):
        raise not_served()
    kind = kind_by_path(api_version, rest[0])
    if kind is None or bool(namespace) > kind.resource.namespaced:
        raise not_served()
    name = rest[1] if count > 1 else ""
    subresource = rest[2] if count > 2 else ""
    if subresource and subresource not in kind.subresources:
        raise not_served()
    if name and kind.resource.namespaced and not namespace:
        raise not_served()
    return Route(kind, namespace, name, subresource, query)
