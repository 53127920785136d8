"""The Kubernetes API server, in process."""

from __future__ import annotations

from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.api.versions import DEFAULT, Release
from kschedcore.apiserver import versions
from kschedcore.apiserver.admission.chain import AdmissionChain
from kschedcore.apiserver.admission.types import Admission
from kschedcore.apiserver.bodies import with_whole_body
from kschedcore.apiserver.bootstrap import bootstrap_objects
from kschedcore.apiserver.requests import Requests
from kschedcore.client.transport import (
    Events,
    Request,
    Requester,
    Response,
    Transport,
    checked,
    open_watch,
    split_target,
)
from kschedcore.clock import Clock, FixedClock
from kschedcore.moved import renamed
from kschedcore.store.store import Store

__all__ = ["APIServer"]


class APIServer(Requester):
    """The Kubernetes API server as a function from :class:`Request` to :class:`Response`.

    It is a :class:`~kschedcore.client.transport.Transport`: all reads and writes of the cluster are requests
    to :meth:`send`. Objects in responses are shared and immutable
    (:func:`kschedcore.api.machinery.frozen.plain` copies one).

    Args:
        store: The store; in memory by default.
        clock: The clock; by default one with a fixed time.
        seed: Seed of uids and generated names.
        admission: The admission chain; Kubernetes' own by default.
        bootstrap: Whether to create the system namespaces and priority classes.
        release: The Kubernetes version whose feature gates admission follows.

    Attributes:
        store: Where objects are kept.
        internal: The transport for components of this process. Its objects have no ``managedFields``, which informers
            drop in any case, so that most are never computed.
    """

    within = renamed("within", "internal")

    def __init__(
        self,
        store: Store | None = None,
        *,
        clock: Clock | None = None,
        seed: int = 0,
        admission: Admission | None = None,
        bootstrap: bool = True,
        release: Release = DEFAULT,
    ) -> None:
        self.store = Store() if store is None else store
        chain = AdmissionChain(self.store, release=release) if admission is None else admission
        self._requests = Requests(self.store, FixedClock() if clock is None else clock, seed, chain, release)
        self.internal: Transport = self._requests
        if bootstrap:
            for path, obj in bootstrap_objects():
                checked(self.internal.send(Request("POST", path, obj, user_agent="kube-apiserver")))

    def send(self, request: Request) -> Response:
        """Handle one request.

        The target is that of an HTTP request, ``/api/v1/namespaces/default/pods?limit=500``, or one of discovery,
        ``/apis/apps/v1``. Errors are responses with a ``Status``; it does not raise. The body of the response to a
        watch is its stream of events.
        """
        if hasattr(request.body, "read"):
            try:
                request = with_whole_body(request)
            except StatusError as refusal:
                return Response(refusal.code, refusal.status())
        if request.target.startswith(versions.PREFIXES):
            return versions.send(self._requests, request)
        return self._requests.send(request, complete=True)

    def watch(self, target: str) -> Events:
        """Watch a collection, from now on unless the query has a resourceVersion.

        The query takes ``labelSelector``, ``fieldSelector``, ``resourceVersion``, and ``sendInitialEvents``
        for a watch that begins with the existing objects.

        Raises:
            StatusError: The watch is refused.
        """
        query = split_target(target)[1]
        begins = "resourceVersion" in query or "sendInitialEvents" in query
        version = "" if begins else f"&resourceVersion={self.store.backend.revision}"
        return open_watch(self, f"{target}{'&' if '?' in target else '?'}watch=true{version}")

    def restore(self, resource: Resource, obj: Object) -> None:
        """Store an object of another cluster unchanged, with its uid, times and status, without admission.

        Args:
            resource: The object's resource.
            obj: The decoded and defaulted object, see :func:`kschedcore.rules.creation.restore`.

        Raises:
            StatusError: 409 if there is an object of its name.
        """
        self._requests.restore(resource, obj)

    def expire(self) -> None:
        """Delete events whose time to live has expired, as every request does first.

        Clients that only watch receive these deletions when this is called.
        """
        self._requests.expire()
