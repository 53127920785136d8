"""Handling of requests: routes a path, and calls the registry or the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from kschedcore.api.machinery.frozen import StoredObject, plain
from kschedcore.api.machinery.kinds import stored_kind
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import StatusError, bad_request, internal, not_found
from kschedcore.api.machinery.types import Object
from kschedcore.api.versions import DEFAULT, Release
from kschedcore.apiserver.admission.types import Admission
from kschedcore.apiserver.apply.fieldmanager import manager_name
from kschedcore.apiserver.bodies import APPLY, media_type, read_json, read_object
from kschedcore.apiserver.compaction import Compactor
from kschedcore.apiserver.discovery import discovered
from kschedcore.apiserver.event_ttl import EventTTL
from kschedcore.apiserver.list_options import list_options, watch_options
from kschedcore.apiserver.metadata import MetaSource
from kschedcore.apiserver.options import DeleteOptions, delete_options, is_set, write_options
from kschedcore.apiserver.patching import apply_patch, patch_object, patcher
from kschedcore.apiserver.registry import Registry, Write
from kschedcore.apiserver.representations import negotiated, represented
from kschedcore.apiserver.routes import Route, method_not_allowed, route
from kschedcore.apiserver.selection import selection
from kschedcore.apiserver.subresources import bind, evict, read_scale, scale_of, write_scale
from kschedcore.client.transport import NO_QUERY, Query, Request, Response
from kschedcore.clock import Clock
from kschedcore.store.backend import Unavailable
from kschedcore.store.lists import ContinueToken, list_page
from kschedcore.store.store import Store
from kschedcore.store.watch import Watch

__all__ = ["Requests"]

_DEPRECATED = {"endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"}
"""Resource -> the warning of every request for it."""
_FOREIGN = frozenset({"scale", "binding", "eviction"})
_OPTIONS_OF = {"PUT": "UpdateOptions", "POST": "CreateOptions", "PATCH": "PatchOptions"}


class Requests:
    """Handles requests. As a :class:`~kschedcore.client.transport.Transport` it omits ``managedFields``.

    Args:
        store: The store.
        clock: The clock.
        seed: Seed of uids and generated names.
        admission: The admission chain.
        release: The Kubernetes version and feature gates to follow.
    """

    def __init__(
        self, store: Store, clock: Clock, seed: int, admission: Admission, release: Release = DEFAULT
    ) -> None:
        self._store = store
        self._registry = Registry(store, admission, MetaSource(clock, seed), release)
        self._event_ttl = EventTTL(store, clock)
        self._compactor = Compactor(store, clock)
        self._clock = clock
        self._due = self._compactor.due

    def send(self, request: Request, *, complete: bool = False) -> Response:
        """Handle one request.

        Args:
            request: The request.
            complete: Whether objects in the response include ``managedFields``.
        """
        if self._clock.now() >= self._due:
            self.expire()
        warnings: list[str] = []
        try:
            target = route(request.target)
            if request.accept:
                return self._negotiated(request, target, complete=complete)
            if target.kind.resource.qualified in _DEPRECATED:
                warnings.append(_DEPRECATED[target.kind.resource.qualified])
            if request.method == "GET":
                return Response(200, self._read(target, complete=complete), tuple(warnings))
            code, answer = self._answer(request, target, warnings)
            if target.kind.resource.kind == "Event" and request.method in _OPTIONS_OF:
                self._event_ttl.written(answer)
                self._due = min(self._due, self._event_ttl.due)
            shown = _shown(answer, complete=complete)
        except Unavailable as failure:
            return _refusal(internal(str(failure)))
        except RecursionError:
            # Bodies are bounded in depth; a merge or a patch can still nest values more deeply.
            return _refusal(bad_request("the object is nested too deeply"))
        except StatusError as refusal:
            if refusal.code == 404 and (document := discovered(request.path)) is not None:
                return _read_only(request.method, document)
            code, shown = refusal.code, refusal.status()
        return Response(code, shown, tuple(dict.fromkeys(warnings))) if warnings else Response(code, shown)

    def restore(self, resource: Resource, obj: Object) -> None:
        """Store an object unchanged, see :meth:`kschedcore.apiserver.APIServer.restore`."""
        self._registry.restore(resource, obj)

    def _negotiated(self, request: Request, target: Route, *, complete: bool) -> Response:
        """Handle a request; convert the response to the representation of its ``Accept`` header."""
        form = negotiated(request.accept)
        response = self.send(replace(request, accept=""), complete=complete)
        return represented(response, form, target.kind, target.query, self._clock.now())

    def expire(self) -> None:
        """Delete events whose time to live has expired, and compact the history if that is due."""
        self._event_ttl.expire()
        self._compactor.compact()
        self._due = min(self._compactor.due, self._event_ttl.due)

    def _read(self, target: Route, *, complete: bool) -> Object | Watch:
        """Handle a GET."""
        if target.subresource == "scale":
            return scale_of(self._get(target))
        if target.subresource in _FOREIGN:
            raise method_not_allowed()
        if target.name:
            obj = self._get(target)
            return obj.completed() if complete else obj
        if target.query and is_set(target.query, "watch"):
            return self._watch(target, complete=complete)
        return _shown(self._list(target), complete=complete)

    def _watch(self, target: Route, *, complete: bool) -> Watch:
        options = watch_options(target.query)
        return self._store.watch(
            target.kind.resource,
            target.namespace or None,
            version=options.version,
            selects=selection(target.kind, target.query),
            initial=options.initial,
            bookmarks=options.bookmarks,
            complete=complete,
        )

    def _answer(self, request: Request, target: Route, warnings: list[str]) -> tuple[int, Object]:
        method = request.method
        if target.subresource in _FOREIGN:
            return self._foreign(request, target, warnings)
        if method == "DELETE" and not target.subresource:
            return self._delete(request, target)
        if method == "POST" and not target.name:
            write = _write(request, target, warnings)
            given = read_object(request.body, request.content_type, templated=write.kind.templated)
            obj = self._registry.read(write, given)
            return 201, self._registry.create(write, obj)
        if method == "PUT" and target.name:
            write = _write(request, target, warnings)
            given = read_object(request.body, request.content_type, templated=write.kind.templated)
            replaced, new = self._registry.replace(write, given)
            return (201 if new else 200), replaced
        if method == "PATCH" and target.name:
            return self._patch(request, target, warnings)
        raise method_not_allowed()

    def _get(self, target: Route) -> StoredObject:
        resource = target.kind.resource
        obj = self._store.get(resource.qualified, target.namespace, target.name)
        if obj is None:
            raise not_found(resource, target.name)
        return obj

    def _list(self, target: Route) -> Object:
        options = list_options(target.query)
        page = list_page(
            self._store, target.kind.resource, target.namespace or None,
            selects=selection(target.kind, target.query),
            limit=options.limit,
            token=ContinueToken.decode(options.token, read_json) if options.token else None,
            version=options.version,
            exact=options.exact,
        )  # fmt: skip
        metadata: Object = {"resourceVersion": page.version}
        if page.token:
            metadata["continue"] = page.token
            if page.remaining is not None:
                metadata["remainingItemCount"] = page.remaining
        return _list_object(target, page.items, metadata)

    def _delete(self, request: Request, target: Route) -> tuple[int, Object]:
        body = request.body
        given = None if body is None or body in ("", b"") else read_object(body, request.content_type)
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
        page = list_page(self._store, target.kind.resource, target.namespace or None, selects=selects)
        for obj in page.items:
            metadata = obj["metadata"]
            one = Route(target.kind, metadata.get("namespace", ""), metadata["name"], "", target.query)
            self._registry.delete(_deletion(one, one.name, options), options)
        return _list_object(target, page.items, {"resourceVersion": page.version})

    def _patch(self, request: Request, target: Route, warnings: list[str]) -> tuple[int, Object]:
        content_type = media_type(request.content_type)
        if content_type == APPLY:
            write = _write(request, target, warnings, apply=True)
            applied, new = apply_patch(self._registry, write, request.body)
            return (201 if new else 200), applied
        change = patcher(request.body, content_type, target.kind)
        write = _write(request, target, warnings)
        return 200, patch_object(self._registry, write, change)

    def _foreign(self, request: Request, target: Route, warnings: list[str]) -> tuple[int, Object]:
        """Handle a request for a subresource that is an object of another kind."""
        if target.subresource == "scale":
            return self._scale(request, target, warnings)
        if request.method != "POST":
            raise method_not_allowed()
        write = _write(request, target, warnings)
        given = read_object(request.body, request.content_type)
        if target.subresource == "binding":
            return 201, bind(self._registry, write, given)
        return 201, evict(self._registry, write, given, target.query)

    def _scale(self, request: Request, target: Route, warnings: list[str]) -> tuple[int, Object]:
        live = self._get(target)
        if request.method == "PUT":
            scale = read_scale(read_object(request.body, request.content_type))
        elif request.method == "PATCH":
            change = patcher(request.body, media_type(request.content_type), None)
            scale = read_scale(change(plain(scale_of(live))))
        else:
            raise method_not_allowed()
        write = _write(request, target, warnings)
        return 200, write_scale(self._registry, write, live, scale)


def _write(request: Request, target: Route, warnings: list[str], *, apply: bool = False) -> Write:
    options = write_options(target.query, kind=_OPTIONS_OF[request.method], apply=apply)
    manager = manager_name(options.manager, request.user_agent)
    kind = target.kind
    if kind.conversion is None:
        return Write(kind, target.namespace, target.name, target.subresource, manager, options, warnings)
    return Write(
        stored_kind(kind), target.namespace, target.name, target.subresource, manager, options, warnings, kind
    )


def _refusal(refusal: StatusError) -> Response:
    return Response(refusal.code, refusal.status())


def _read_only(method: str, document: Object) -> Response:
    if method == "GET":
        return Response(200, document)
    return _refusal(method_not_allowed())


def _deletion(target: Route, name: str, options: DeleteOptions) -> Write:
    written = write_options(
        Query({"dryRun": ("All",)}) if options.dry_run else NO_QUERY, kind="DeleteOptions"
    )
    return Write(target.kind, target.namespace, name, "", "", written, [])


class _List(dict[str, Any]):
    """A list of stored objects, before they are converted to items of a response."""


def _list_object(target: Route, items: Iterable[StoredObject], metadata: Mapping[str, Any]) -> Object:
    resource = target.kind.resource
    return _List(kind=target.kind.list_kind, apiVersion=resource.api_version, metadata=metadata, items=items)


def _shown(answer: Object, *, complete: bool) -> Object:
    """Return the final response; with ``managedFields`` if it is to be complete."""
    if isinstance(answer, StoredObject):
        return answer.completed() if complete else answer
    if not isinstance(answer, _List):
        return answer
    return {**answer, "items": [_item(obj, complete=complete) for obj in answer["items"]]}


def _item(obj: StoredObject, *, complete: bool) -> Object:
    """Return an object as a list item, without kind and apiVersion."""
    # An item shares the parts of the stored object; only the outer dict is new.
    item = dict(obj)
    item.pop("kind", None)
    item.pop("apiVersion", None)
    if complete and (metadata := obj.completed_metadata()) is not None:
        item["metadata"] = metadata
    return item
