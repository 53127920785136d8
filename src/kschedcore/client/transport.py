"""Requests and responses of the Kubernetes API as values, and transports.

A :class:`Transport` is the only dependency of a client. In one process it is :class:`kschedcore.apiserver.APIServer`
itself; over a network it is a connection. A server on a socket parses a :class:`Request` and writes the
:class:`Response`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

import msgspec

from kschedcore.api.arguments import text
from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.machinery.status import StatusError, bad_request
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace, Object

__all__ = [
    "ADMINISTRATOR",
    "JSON",
    "NO_QUERY",
    "Body",
    "Events",
    "Query",
    "Request",
    "Requester",
    "Response",
    "Seen",
    "Stream",
    "Transport",
    "User",
    "checked",
    "open_watch",
    "path_of",
    "split_target",
]

JSON = "application/json"


class Stream(Protocol):
    """A body that is read incrementally: from a file or a socket."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""


Body = Mapping[str, Any] | Sequence[Any] | str | bytes | Stream | None
"""The body of a request: text, a stream of text, or the decoded object; None for no body."""

Headers = tuple[tuple[str, str], ...]
"""Names, in lower case, and values; names may be repeated."""


class Query(Mapping[str, str]):
    """The parameters of a request, ``?labelSelector=a&dryRun=All&dryRun=All``.

    As a mapping it has the first value of each name, as the API server reads single values; :meth:`all` returns every
    value of a name.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = values

    @classmethod
    def parse(cls, text: str) -> Query:
        """Parse the query string of a request's target."""
        values: dict[str, tuple[str, ...]] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            values[name] = (*values.get(name, ()), value)
        return cls(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a name, in order; empty if it was not given."""
        return self._values.get(name, ())


NO_QUERY = Query({})
"""The parameters of a request that has none."""


@remembered
def split_target(target: str) -> tuple[str, Query]:
    """Return the path of a request's target, still percent-encoded, and its parameters."""
    path, _, query = target.partition("?")
    return path, Query.parse(query) if query else NO_QUERY


class User(msgspec.Struct, frozen=True):
    """The authenticated user of a request.

    Attributes:
        name: ``system:serviceaccount:default:builder``.
        uid: The user's uid, which distinguishes users of one name.
        groups: The groups that the user belongs to.
        extra: Other attributes from the authenticator, by name.
    """

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = {}


ADMINISTRATOR = User("kubernetes-admin", groups=("kubeadm:cluster-admins", "system:authenticated"))
"""The default user of requests of this process."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request.

    Attributes:
        method: ``GET``, ``POST``, ``PUT``, ``PATCH``, ``DELETE``.
        target: The path with its query, as in the request line of HTTP.
        body: The body.
        content_type: The media type of the body; for a PATCH, that of the patch type.
        user_agent: The client program; its first part is the default field manager.
        accept: The accepted media types, in order of preference; empty for the object itself.
        user: The user.
        headers: The other headers.
    """

    method: str
    target: str
    body: Body = None
    content_type: str = JSON
    user_agent: str = "kschedcore"
    accept: str = ""
    user: User = ADMINISTRATOR
    headers: Headers = ()

    @property
    def path(self) -> str:
        """The target without its query, percent-encoded."""
        return split_target(self.target)[0]

    @property
    def query(self) -> Query:
        """The parameters of the target."""
        return split_target(self.target)[1]


class Seen(Protocol):
    """One event of a watch."""

    @property
    def type(self) -> str:
        """``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``."""

    @property
    def object(self) -> Object:
        """The object after the event; for a deletion, its last state."""


class Events(Protocol):
    """The stream of a watch, read by polling."""

    def poll(self) -> Sequence[Seen]:
        """Return the events since the last call, in order.

        Raises:
            StatusError: 410 when the history does not reach so far back.
        """


class Response(msgspec.Struct, frozen=True, gc=False):
    """The response to one request.

    Attributes:
        code: The HTTP status code.
        body: An object, or the events of a watch.
        warnings: The texts of the ``Warning`` headers, in order.
        headers: The other headers.
    """

    code: int
    body: Object | Events
    warnings: tuple[str, ...] = ()
    headers: Headers = ()

    @property
    def object(self) -> Object:
        """The body of every response except that of a watch."""
        return cast("Object", self.body)


class Requester(ABC):
    """A base class that sends requests, with a method that builds them from plain arguments.

    Attributes:
        user_agent: The client program of requests that name none.
    """

    user_agent = "kschedcore"

    @abstractmethod
    def send(self, request: Request) -> Response:
        """Send a request and return the response. Errors are responses; it does not raise."""

    def request(
        self,
        method: str,
        target: str,
        body: Body = None,
        content_type: str = JSON,
        user_agent: str | None = None,
    ) -> tuple[int, Object]:
        """Build and send a request; return the status code and the object of the response."""
        method, target = text("method", method), text("target", target)
        response = self.send(
            Request(method.upper(), target, body, content_type, user_agent or self.user_agent)
        )
        answer: Any = response.body
        return response.code, answer


class Transport(Protocol):
    """Sends requests to an API server and returns its responses."""

    def send(self, request: Request) -> Response:
        """Send a request and return the response. Errors are responses; it does not raise."""


def checked(response: Response) -> Response:
    """Return a response, or raise the error that it contains.

    Raises:
        StatusError: The response is an error.
    """
    if response.code >= 400:
        status = response.object
        raise StatusError(
            response.code, status.get("reason", ""), status.get("message", ""), status.get("details")
        )
    return response


def open_watch(transport: Transport, target: str, user_agent: str = "kschedcore") -> Events:
    """Start a watch.

    Args:
        transport: The transport.
        target: A path with ``watch=true`` in its query.
        user_agent: The client program.

    Raises:
        StatusError: The request is refused, or the path is not a collection.
    """
    stream = checked(transport.send(Request("GET", target, user_agent=user_agent))).body
    if isinstance(stream, dict):
        raise bad_request(f"{target} is no collection: it cannot be watched")
    return stream


def path_of(api_version: str, plural: str, namespace: Namespace = CLUSTER_SCOPE, name: str = "") -> str:
    """Return the path of a collection or object: ``/apis/apps/v1/namespaces/web/deployments/front``."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = [root, "namespaces", namespace] if namespace else [root]
    return "/".join([*parts, plural, name] if name else [*parts, plural])
