"""OpenAPI v3 documents of every group version: its paths with their parameters, and the schemas of its kinds.

Made from the discovery documents and the schema tables (:mod:`kschedcore.api.schema`). kubectl looks here for the
fields of a kind (``kubectl explain``) and for the parameters of PATCH (``--validate``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import msgspec

from kschedcore.api.machinery.types import Object
from kschedcore.api.schema import Field, ObjectType, object_type, schema_for
from kschedcore.apiserver.discovery import discovered

__all__ = ["document", "index"]

_META = "meta.v1"
_PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
_BODIES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_SCALARS: dict[str, Object] = {
    "string": {"type": "string"},
    "bytes": {"type": "string", "format": "byte"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "float64": {"type": "number", "format": "double"},
}
_NAMED = {
    "quantity": "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "int_or_string": "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "time": "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
    "micro_time": "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
}
_LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
_NAMED_SCHEMAS: dict[str, Object] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": {"type": "string", "format": "date-time"},
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": {"type": "string", "format": "date-time"},
    _STATUS: {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "code": {"type": "integer", "format": "int32"},
            "details": {"type": "object"},
            "kind": {"type": "string"},
            "message": {"type": "string"},
            "metadata": {"allOf": [{"$ref": f"#/components/schemas/{_LIST_META}"}], "default": {}},
            "reason": {"type": "string"},
            "status": {"type": "string"},
        },
        "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Status"}],
    },
    _LIST_META: {
        "type": "object",
        "properties": {
            "continue": {"type": "string"},
            "remainingItemCount": {"type": "integer", "format": "int64"},
            "resourceVersion": {"type": "string"},
            "selfLink": {"type": "string"},
        },
    },
    "io.k8s.apimachinery.pkg.runtime.RawExtension": {"type": "object"},
}  # fmt: skip


@cache
def index() -> Object:
    """Return the document of ``/openapi/v3``: where the document of each group version is."""
    paths = {
        path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={hashlib.sha256(_encoded(path)).hexdigest()}"}
        for path in _roots()
    }
    return {"paths": paths}


@cache
def document(path: str) -> Object | None:
    """Return the document of a group version, ``api/v1`` or ``apis/apps/v1``; None when it is not served."""
    if path not in _roots():
        return None
    listed = discovered(f"/{path}")
    assert listed is not None
    api_version = listed["groupVersion"]
    group, _, version = api_version.rpartition("/")
    schemas = _Schemas(group, version)
    paths: dict[str, Object] = {}
    for entry in listed["resources"]:
        paths.update(_paths(f"/{path}", entry, group, version, schemas))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas.all()},
    }


@cache
def _encoded(path: str) -> bytes:
    return msgspec.json.encode(document(path), order="deterministic")


@cache
def _roots() -> tuple[str, ...]:
    groups = discovered("/apis")
    assert groups is not None
    versions = (each["groupVersion"] for group in groups["groups"] for each in group["versions"])
    return ("api/v1", *(f"apis/{version}" for version in versions))


class _Schemas:
    """The schemas that the paths of a group version refer to, by their names in the document."""

    def __init__(self, group: str, version: str) -> None:
        self._kinds: dict[str, list[Object]] = {}
        self._wanted: dict[str, ObjectType] = {}
        self._named: set[str] = set()
        self._lists: dict[str, Object] = {}
        self._group, self._version = group, version

    def kind(self, group: str, version: str, kind: str) -> str:
        """Return the reference to the schema of a kind."""
        found = schema_for(f"{group}/{version}" if group else version, kind)
        if found is None:
            return "#/components/schemas/io.k8s.apimachinery.pkg.runtime.RawExtension"
        name = self._want(found)
        gvk = {"group": group, "version": version, "kind": kind}
        if gvk not in (kinds := self._kinds.setdefault(name, [])):
            kinds.append(gvk)
        return _reference(name)

    def list(self, group: str, version: str, kind: str) -> str:
        """Return the reference to the schema of a kind's lists."""
        item = self.kind(group, version, kind)
        name = f"{item.rpartition('/')[2]}List"
        self._named.add(_LIST_META)
        self._lists[name] = {
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"},
                "items": {"type": "array", "items": {"allOf": [{"$ref": item}], "default": {}}},
                "kind": {"type": "string"},
                "metadata": {"allOf": [{"$ref": _reference(_LIST_META)}], "default": {}},
            },
            "x-kubernetes-group-version-kind": [{"group": group, "version": version, "kind": f"{kind}List"}],
        }
        return _reference(name)

    def status(self) -> str:
        """Return the reference to ``meta.v1.Status``."""
        self._named |= {_STATUS, _LIST_META}
        return _reference(_STATUS)

    def all(self) -> dict[str, Object]:
        """Return every schema that is referred to, by name."""
        done: dict[str, Object] = dict(self._lists)
        while missing := [name for name in self._wanted if name not in done]:
            for name in missing:
                done[name] = self._object(name, self._wanted[name])
        done.update({name: _NAMED_SCHEMAS[name] for name in self._named})
        return dict(sorted(done.items()))

    def _want(self, found: ObjectType) -> str:
        name = _published(found.name)
        self._wanted.setdefault(name, found)
        return name

    def _object(self, name: str, found: ObjectType) -> Object:
        schema: Object = {
            "type": "object",
            "properties": {key: self._field(field) for key, field in sorted(found.fields.items())},
        }
        if required := [key for key, field in found.fields.items() if field.required]:
            schema["required"] = sorted(required)
        if name in self._kinds:
            schema["x-kubernetes-group-version-kind"] = self._kinds[name]
        return schema

    def _field(self, field: Field) -> Object:
        schema = self._shape(field)
        if field.strategies:
            schema["x-kubernetes-patch-strategy"] = ",".join(field.strategies)
        if field.merge_key:
            schema["x-kubernetes-patch-merge-key"] = field.merge_key
        if field.type == "list" and field.list_type:
            schema["x-kubernetes-list-type"] = field.list_type
        if field.map_keys:
            schema["x-kubernetes-list-map-keys"] = list(field.map_keys)
        if field.map_type:
            schema["x-kubernetes-map-type"] = field.map_type
        return schema

    def _shape(self, field: Field) -> Object:
        if (scalar := _SCALARS.get(field.type)) is not None:
            return dict(scalar)
        if (named := _NAMED.get(field.type)) is not None:
            self._named.add(named)
            return {"$ref": _reference(named)}
        if field.type == "list":
            assert field.items is not None
            return {"type": "array", "items": self._item(field.items)}
        if field.type == "map":
            assert field.items is not None
            return {"type": "object", "additionalProperties": self._item(field.items)}
        if field.type == "object":
            reference = _reference(self._want(object_type(field.ref)))
            return (
                {"allOf": [{"$ref": reference}], "default": {}}
                if field.presence == "always"
                else {"allOf": [{"$ref": reference}]}
            )
        return {"type": "object"}

    def _item(self, field: Field) -> Object:
        shape = self._shape(field)
        return {"allOf": [shape], "default": {}} if "$ref" in shape else shape


def _published(name: str) -> str:
    """``core.v1.Pod`` -> ``io.k8s.api.core.v1.Pod``."""
    if name.startswith("meta."):
        return f"io.k8s.apimachinery.pkg.apis.{name}"
    if name.startswith(("runtime.", "util.", "api.")):
        return f"io.k8s.apimachinery.pkg.{name}"
    return f"io.k8s.api.{name}"


def _reference(name: str) -> str:
    return f"#/components/schemas/{name}"


def _parameter(name: str, kind: str = "string") -> Object:
    return {"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": True}}


_PRETTY = _parameter("pretty")
_LISTED = (
    _parameter("allowWatchBookmarks", "boolean"), _parameter("continue"), _parameter("fieldSelector"),
    _parameter("labelSelector"), _parameter("limit", "integer"), _parameter("resourceVersion"),
    _parameter("resourceVersionMatch"), _parameter("sendInitialEvents", "boolean"),
    _parameter("timeoutSeconds", "integer"), _parameter("watch", "boolean"),
)  # fmt: skip
_WRITTEN = (_parameter("dryRun"), _parameter("fieldManager"), _parameter("fieldValidation"))
_DELETED = (
    _parameter("dryRun"), _parameter("gracePeriodSeconds", "integer"),
    _parameter("orphanDependents", "boolean"), _parameter("propagationPolicy"),
)  # fmt: skip


def _paths(
    root: str, entry: Any, group: str, version: str, schemas: _Schemas
) -> Iterator[tuple[str, Object]]:
    plural, _, subresource = entry["name"].partition("/")
    kind = (entry.get("group", group), entry.get("version", version), entry["kind"])
    verbs = set(entry["verbs"])
    tag = {"group": kind[0], "version": kind[1], "kind": kind[2]}
    scoped = f"{root}/namespaces/{{namespace}}" if entry["namespaced"] else root
    path_parameters = [_in_path("namespace")] if entry["namespaced"] else []
    one = schemas.kind(*kind)
    if not subresource:
        collection = _operations(_COLLECTION, verbs, tag, one, schemas.list(*kind), schemas)
        if collection:
            yield f"{scoped}/{plural}", {"parameters": [*path_parameters, _PRETTY], **collection}
            if entry["namespaced"]:
                everywhere = {"get": collection["get"]} if "get" in collection else {}
                if everywhere:
                    yield f"{root}/{plural}", {"parameters": [_PRETTY], **everywhere}
    named = f"{scoped}/{plural}/{{name}}" + (f"/{subresource}" if subresource else "")
    table = _CREATED if subresource and verbs == {"create"} else _OBJECT
    operations = _operations(table, verbs, tag, one, one, schemas)
    if operations:
        yield named, {"parameters": [_in_path("name"), *path_parameters, _PRETTY], **operations}


def _in_path(name: str) -> Object:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}


_COLLECTION = (
    ("list", "get", "list", _LISTED),
    ("create", "post", "post", _WRITTEN),
    ("deletecollection", "delete", "deletecollection", (*_LISTED[:-1], *_DELETED)),
)
_OBJECT = (
    ("get", "get", "get", ()),
    ("update", "put", "put", _WRITTEN),
    ("patch", "patch", "patch", (*_WRITTEN, _parameter("force", "boolean"))),
    ("delete", "delete", "delete", _DELETED),
)
_CREATED = (("create", "post", "post", _WRITTEN),)
"""By verb: the method, the action, and the parameters."""


def _operations(
    table: Iterable[tuple[str, str, str, Iterable[Object]]],
    verbs: set[str], tag: Object, body: str, answer: str, schemas: _Schemas,
) -> dict[str, Object]:  # fmt: skip
    found: dict[str, Object] = {}
    for verb, method, action, parameters in table:
        if verb not in verbs:
            continue
        result = schemas.status() if method == "delete" else answer
        operation: Object = {
            "parameters": list(parameters),
            "responses": {
                "200": {
                    "description": "OK",
                    "content": {each: {"schema": {"$ref": result}} for each in _BODIES},
                },
                "401": {"description": "Unauthorized"},
            },
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": tag,
        }
        if method == "patch":
            patch = {"schema": {"type": "object"}}
            operation["requestBody"] = {"content": dict.fromkeys(_PATCHES, patch), "required": True}
        elif method in ("post", "put"):
            content = {each: {"schema": {"$ref": body}} for each in _BODIES}
            operation["requestBody"] = {"content": content, "required": True}
        found[method] = operation
    return found
