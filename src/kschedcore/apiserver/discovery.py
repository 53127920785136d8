"""Discovery documents, for ``kubectl api-resources`` and clients' REST mappers.

The documents are those of the API reference: ``APIVersions``, ``APIGroupList``, ``APIGroup``,
``APIResourceList`` and the version of the API that is followed.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any

from kschedcore.api.machinery.frozen import FrozenDict, freeze
from kschedcore.api.machinery.kinds import KINDS, OTHER_VERSIONS, Kind
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.types import Object
from kschedcore.api.versions import NEWEST

__all__ = ["discovered"]

_MAJOR, _MINOR = NEWEST.split(".")
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_CHANGES = ("get", "patch", "update")
_SCALE = Resource("autoscaling", "v1", "Scale", "scales")
_EVICTION = Resource("policy", "v1", "Eviction", "evictions")
_BINDING = Resource("", "v1", "Binding", "bindings")
_SUBRESOURCES: dict[str, tuple[Resource | None, tuple[str, ...]]] = {
    "status": (None, _CHANGES),
    "finalize": (None, ("update",)),
    "scale": (_SCALE, _CHANGES),
    "resize": (None, _CHANGES),
    "binding": (_BINDING, ("create",)),
    "eviction": (_EVICTION, ("create",)),
}
"""Subresource -> the kind of its objects (None for the resource's own), and its verbs."""


_SERVED = (*KINDS, *OTHER_VERSIONS)


def discovered(path: str) -> Object | None:
    """Return the document at ``path``, ignoring its query, or None."""
    return _documents().get(path.partition("?")[0].rstrip("/"))


@cache
def _documents() -> dict[str, FrozenDict]:
    documents = {"/version": _version(), "/api": {"kind": "APIVersions", "versions": ["v1"]}}
    documents["/api/v1"] = _resources("v1")
    groups = []
    served = sorted({(kind.resource.group, kind.resource.version) for kind in _SERVED if kind.resource.group})
    for name, versions in groupby(served, key=lambda each: each[0]):
        group = _group(name, [version for _, version in versions])
        groups.append(group)
        documents[f"/apis/{name}"] = {"kind": "APIGroup", "apiVersion": "v1", **group}
        for version in group["versions"]:
            api_version = version["groupVersion"]
            documents[f"/apis/{api_version}"] = {"apiVersion": "v1", **_resources(api_version)}
    documents["/apis"] = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    return {path: freeze(document) for path, document in documents.items()}


def _version() -> Object:
    """Return the Kubernetes version whose API is served, which clients compare with their own."""
    older = str(int(_MINOR) - 1)
    return {
        "major": _MAJOR, "minor": _MINOR, "emulationMajor": _MAJOR, "emulationMinor": _MINOR,
        "minCompatibilityMajor": _MAJOR, "minCompatibilityMinor": older,
        "gitVersion": f"v{_MAJOR}.{_MINOR}.0+kschedcore", "gitCommit": "", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "",
        "platform": f"{sys.platform}/{platform.machine()}",
    }  # fmt: skip


def _group(name: str, versions: list[str]) -> Object:
    newest_first = reversed(versions)
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in newest_first]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(api_version: str) -> Object:
    kinds = sorted(
        (kind for kind in _SERVED if kind.resource.api_version == api_version),
        key=lambda kind: kind.resource.plural,
    )
    resources = [entry for kind in kinds for entry in (_resource(kind), *_subresources(kind))]
    return {"kind": "APIResourceList", "groupVersion": api_version, "resources": resources}


def _resource(kind: Kind) -> Object:
    resource = kind.resource
    entry: dict[str, Any] = {
        "name": resource.plural,
        "singularName": kind.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(_VERBS),
    }
    for key, names in (("shortNames", kind.short_names), ("categories", kind.categories)):
        if names:
            entry[key] = list(names)
    return entry


def _subresources(kind: Kind) -> Iterator[Object]:
    for name in sorted(kind.subresources):
        other, verbs = _SUBRESOURCES[name]
        entry: Object = {
            "name": f"{kind.resource.plural}/{name}",
            "singularName": "",
            "namespaced": kind.resource.namespaced,
            "kind": kind.resource.kind if other is None else other.kind,
            "verbs": list(verbs),
        }
        if other is not None and other.api_version != kind.resource.api_version:
            entry |= {
                key: value for key, value in (("group", other.group), ("version", other.version)) if value
            }
        yield entry
