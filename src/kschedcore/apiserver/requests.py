"""The one door: a request in, a status code and an object out, as Kubernetes' REST has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kschedcore.admission.chain import AdmissionChain
from kschedcore.apiserver import events_view
from kschedcore.apiserver.bodies import APPLY, JSON, Body, read_json, read_object
from kschedcore.apiserver.bootstrap import bootstrap_objects
from kschedcore.apiserver.compaction import Compactor
from kschedcore.apiserver.discovery import discovered
from kschedcore.apiserver.event_ttl import EventTTL
from kschedcore.apiserver.options import DeleteOptions, delete_options, integer, write_options
from kschedcore.apiserver.patching import apply_patch, patch_object, patcher
from kschedcore.apiserver.registry import Registry, Write
from kschedcore.apiserver.routes import Route, method_not_allowed, route
from kschedcore.apiserver.selection import selection
from kschedcore.apiserver.subresources import bind, evict, read_scale, scale_of, write_scale
from kschedcore.clock import Clock, FixedClock
from kschedcore.store.admission_types import Admission, Object, StatusError, not_found
from kschedcore.store.apply.fieldmanager import manager_name
from kschedcore.store.lists import ContinueToken, list_page
from kschedcore.store.meta import MetaSource
from kschedcore.store.objects import plain
from kschedcore.store.store import Store
from kschedcore.store.watch import Watch

__all__ = ["APIServer"]

_OPTIONS_OF = {"PUT": "UpdateOptions", "POST": "CreateOptions", "PATCH": "PatchOptions"}


class APIServer:
    """Kubernetes' API in process.

    Everything that changes or reads the cluster comes through :meth:`request` and :meth:`watch`. Objects in
    answers are shared and cannot be changed (:func:`kschedcore.store.objects.plain` copies one).

    Args:
        store: Where objects are kept; memory by default.
        clock: Where times come from; by default one that stands still until it is moved.
        seed: For uids and generated names.
        admission: What writes pass; Kubernetes' own chain by default.
        bootstrap: Whether to begin with the namespaces and priority classes that every cluster has.
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
        clock = FixedClock() if clock is None else clock
        meta = MetaSource(clock, seed)
        chain = AdmissionChain(self.store) if admission is None else admission
        self._registry = Registry(self.store, chain, meta)
        self._event_ttl = EventTTL(self.store, clock)
        self._compactor = Compactor(self.store, clock)
        if bootstrap:
            for path, obj in bootstrap_objects():
                self.request("POST", path, obj, user_agent="kube-apiserver")

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
        self.expire()
        method = method.upper()
        try:
            target = route(path)
            code, answer = self._answer(method, target, body, content_type.split(";")[0], user_agent)
            if target.kind.resource.kind == "Event" and method in _OPTIONS_OF:
                self._event_ttl.written(answer)
            return code, answer
        except StatusError as refusal:
            if refusal.code == 404 and (document := discovered(path)) is not None:
                return _read_only(method, document)
            return refusal.code, refusal.status()

    def expire(self) -> None:
        """Let go of events and of history whose time is over, as every request does first.

        Who asks nothing, and only watches, sees events go when somebody calls this.
        """
        self._event_ttl.expire()
        self._compactor.compact()

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
        target = route(path)
        if target.name:
            raise method_not_allowed()
        version = target.query.get("resourceVersion", "")
        return self.store.watch(
            target.kind.resource,
            target.namespace or None,
            version=str(integer(version)) if version not in ("", "0") else "",
            selects=selection(target.kind, target.query),
            initial=target.query.get("sendInitialEvents") == "true",
        )

    def _answer(
        self, method: str, target: Route, body: Body, content_type: str, user_agent: str
    ) -> tuple[int, Object]:
        if target.subresource in ("scale", "binding", "eviction"):
            return self._foreign(method, target, body, content_type, user_agent)
        if method == "GET":
            return 200, self._get(target) if target.name else self._list(target)
        if method == "DELETE" and not target.subresource:
            return self._delete(target, body, content_type)
        if method == "POST" and not target.name:
            write = self._write(method, target, user_agent)
            given = read_object(body, content_type, templated=write.kind.templated)
            obj = self._registry.read(write, given)
            return 201, self._registry.create(write, obj)
        if method == "PUT" and target.name:
            write = self._write(method, target, user_agent)
            given = read_object(body, content_type, templated=write.kind.templated)
            replaced, new = self._registry.replace(write, given)
            return (201 if new else 200), replaced
        if method == "PATCH" and target.name:
            return self._patch(target, body, content_type, user_agent)
        raise method_not_allowed()

    def _write(self, method: str, target: Route, user_agent: str, *, apply: bool = False) -> Write:
        options = write_options(target.query, kind=_OPTIONS_OF[method], apply=apply)
        manager = manager_name(options.manager, user_agent)
        return Write(
            target.kind, target.namespace, target.name, target.subresource, manager, options, applied=apply
        )

    def _get(self, target: Route) -> Object:
        resource = target.kind.resource
        obj = self.store.get(resource.qualified, target.namespace, target.name)
        if obj is None:
            raise not_found(resource, target.name)
        return obj

    def _list(self, target: Route) -> Object:
        limit, version, token = integer(target.query.get("limit") or "0"), 0, None
        selects = selection(target.kind, target.query)
        if target.query.get("continue"):
            token = ContinueToken.decode(target.query["continue"], read_json)
        elif target.query.get("resourceVersionMatch") == "Exact":
            version = integer(target.query.get("resourceVersion", ""))
        page = list_page(
            self.store, target.kind.resource, target.namespace or None,
            selects=selects, limit=max(limit, 0), token=token, version=version,
        )  # fmt: skip
        metadata: Object = {"resourceVersion": page.version}
        if page.token:
            metadata["continue"] = page.token
            if page.remaining is not None:
                metadata["remainingItemCount"] = page.remaining
        return _list_object(target, page.items, metadata)

    def _delete(self, target: Route, body: Body, content_type: str) -> tuple[int, Object]:
        given = None if body is None or body in ("", b"") else read_object(body, content_type)
        options = delete_options(given, target.query)
        if not target.name:
            return 200, self._delete_collection(target, options)
        return self._delete_one(target, options)

    def _delete_one(self, target: Route, options: DeleteOptions) -> tuple[int, Object]:
        write = _deletion(target, target.name, options)
        obj, gone = self._registry.delete(write, options)
        code = 202 if not gone and options.orphan_dependents is False else 200
        if gone and not target.kind.answers_object:
            resource = target.kind.resource
            details = {
                "name": target.name,
                "group": resource.group,
                "kind": resource.plural,
                "uid": obj["metadata"]["uid"],
            }
            return code, {
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                "details": {key: value for key, value in details.items() if value},
            }  # fmt: skip
        return code, obj

    def _delete_collection(self, target: Route, options: DeleteOptions) -> Object:
        selects = selection(target.kind, target.query)
        page = list_page(self.store, target.kind.resource, target.namespace or None, selects=selects)
        for obj in page.items:
            metadata = obj["metadata"]
            one = Route(target.kind, metadata.get("namespace", ""), metadata["name"], "", {})
            self._registry.delete(_deletion(one, one.name, options), options)
        return _list_object(target, page.items, {"resourceVersion": page.version})

    def _patch(self, target: Route, body: Body, content_type: str, user_agent: str) -> tuple[int, Object]:
        if content_type == APPLY:
            write = self._write("PATCH", target, user_agent, apply=True)
            applied, new = apply_patch(self._registry, write, body)
            return (201 if new else 200), applied
        change = patcher(body, content_type, target.kind)
        write = self._write("PATCH", target, user_agent)
        return 200, patch_object(self._registry, write, change)

    def _foreign(
        self, method: str, target: Route, body: Body, content_type: str, user_agent: str
    ) -> tuple[int, Object]:
        """Subresources that are objects of another kind."""
        if target.subresource == "scale":
            return self._scale(method, target, body, content_type, user_agent)
        if method != "POST":
            raise method_not_allowed()
        write = self._write(method, target, user_agent)
        given = read_object(body, content_type)
        if target.subresource == "binding":
            return 201, bind(self._registry, write, given)
        return 201, evict(self._registry, write, given, target.query)

    def _scale(
        self, method: str, target: Route, body: Body, content_type: str, user_agent: str
    ) -> tuple[int, Object]:
        live = self._get(target)
        if method == "GET":
            return 200, scale_of(live)
        if method == "PUT":
            scale = read_scale(read_object(body, content_type))
        elif method == "PATCH":
            scale = read_scale(patcher(body, content_type, None)(plain(scale_of(live))))
        else:
            raise method_not_allowed()
        write = self._write(method, target, user_agent)
        return 200, write_scale(self._registry, write, live, scale)


def _read_only(method: str, document: Object) -> tuple[int, Object]:
    refusal = method_not_allowed()
    return (200, document) if method.upper() == "GET" else (refusal.code, refusal.status())


def _deletion(target: Route, name: str, options: DeleteOptions) -> Write:
    written = write_options({"dryRun": "All"} if options.dry_run else {}, kind="DeleteOptions")
    return Write(target.kind, target.namespace, name, "", "", written)


def _list_object(target: Route, items: list[Object], metadata: Mapping[str, Any]) -> Object:
    """A list; the kind of its items is the list's to say."""
    # The parts of an item are those of the stored object; only what holds them together is new.
    untyped = [dict(item) for item in items]
    for item in untyped:
        item.pop("kind", None)
        item.pop("apiVersion", None)
    resource = target.kind.resource
    return {
        "kind": target.kind.list_kind,
        "apiVersion": resource.api_version,
        "metadata": metadata,
        "items": untyped,
    }
