"""The one door: Kubernetes' API in process."""

from __future__ import annotations

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.apiserver import events_view
from kschedcore.apiserver.admission.chain import AdmissionChain
from kschedcore.apiserver.admission.types import Admission
from kschedcore.apiserver.bodies import JSON, Body
from kschedcore.apiserver.bootstrap import bootstrap_objects
from kschedcore.apiserver.requests import Requests
from kschedcore.client.transport import Door
from kschedcore.clock import Clock, FixedClock
from kschedcore.store.store import Store
from kschedcore.store.watch import Watch

__all__ = ["APIServer"]


class APIServer:
    """Kubernetes' API in process.

    Everything that changes or reads the cluster comes through :meth:`request` and :meth:`watch`. Objects in
    answers are shared and cannot be changed (:func:`kschedcore.api.machinery.frozen.plain` copies one).

    Args:
        store: Where objects are kept; memory by default.
        clock: Where times come from; by default one that stands still until it is moved.
        seed: For uids and generated names.
        admission: What writes pass; Kubernetes' own chain by default.
        bootstrap: Whether to begin with the namespaces and priority classes that every cluster has.

    Attributes:
        store: Where objects are kept.
        within: The same door for components of this process, but that objects come without ``managedFields``,
            as informers have them that strip these off: so most are never worked out.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        clock: Clock | None = None,
        seed: int = 0,
        admission: Admission | None = None,
        bootstrap: bool = True,
    ) -> None:
        self.store = Store() if store is None else store
        chain = AdmissionChain(self.store) if admission is None else admission
        self._requests = Requests(self.store, FixedClock() if clock is None else clock, seed, chain)
        self.within: Door = self._requests
        if bootstrap:
            for path, obj in bootstrap_objects():
                self.within.request("POST", path, obj, user_agent="kube-apiserver")

    def request(
        self,
        method: str,
        path: str,
        body: Body = None,
        content_type: str = JSON,
        user_agent: str = "kschedcore",
    ) -> tuple[int, Object]:
        """Answer one request.

        Args:
            method: ``GET``, ``POST``, ``PUT``, ``PATCH``, ``DELETE``.
            path: The path with its query, ``/api/v1/namespaces/default/pods?limit=500``; or one of
                discovery, ``/apis/apps/v1``.
            body: An object, or the text of one.
            content_type: What the body is; for PATCH it names the language.
            user_agent: Who asks; the default field manager is its first part.

        Returns:
            The HTTP status code and the object or ``Status``. No refusal raises.
        """
        if path.startswith(events_view.PREFIX):
            return self._events(method, path, body, content_type, user_agent)
        return self._requests.request(method, path, body, content_type, user_agent, complete=True)

    def expire(self) -> None:
        """Let go of events and of history whose time is over, as every request does first.

        Who asks nothing, and only watches, sees events go when somebody calls this.
        """
        self._requests.expire()

    def _events(
        self, method: str, path: str, body: Body, content_type: str, user_agent: str
    ) -> tuple[int, Object]:
        """A request for events in the words of ``events.k8s.io``."""
        try:
            core, given = events_view.core_request(path, body, content_type.split(";")[0])
        except StatusError as refusal:
            return refusal.code, refusal.status()
        code, answer = self.request(method, core, given, content_type, user_agent)
        return code, events_view.events_answer(answer)

    def watch(self, path: str) -> Watch:
        """Watch a collection.

        The query takes ``labelSelector``, ``fieldSelector``, ``resourceVersion``, and ``sendInitialEvents``
        for a watch that begins with what is there and a bookmark behind it.

        Raises:
            StatusError: 400 or 404, as a request for the list would be answered.
        """
        return self._requests.watch(path, complete=True)
