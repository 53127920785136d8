"""Aggregated discovery: every group, version and resource in two documents (KEP-3352).

A client that accepts ``APIGroupDiscoveryList`` gets it at ``/api`` and ``/apis``, and learns in two requests what
takes one for every group version otherwise.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from kschedcore.api.machinery.types import Object
from kschedcore.apiserver.discovery import discovered

__all__ = ["MEDIA_TYPE", "aggregated", "is_wanted"]

MEDIA_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def is_wanted(accept: str) -> bool:
    """Return whether an ``Accept`` header takes the aggregated documents of v2 as JSON."""
    wanted = {"g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"}
    for clause in accept.split(","):
        media, *options = (part.strip() for part in clause.split(";"))
        if media == "application/json" and wanted <= set(options):
            return True
    return False


@cache
def aggregated(path: str) -> Object | None:
    """Return the aggregated document of ``/api`` or ``/apis``; None for other paths."""
    if path == "/api":
        groups = [_group("", ["v1"], "/api")]
    elif path == "/apis":
        listed = discovered("/apis")
        assert listed is not None
        groups = [
            _group(group["name"], [each["version"] for each in group["versions"]], f"/apis/{group['name']}")
            for group in listed["groups"]
        ]
    else:
        return None
    return {
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": groups,
    }  # fmt: skip


def _group(name: str, versions: list[str], root: str) -> Object:
    metadata: Object = {"name": name} if name else {}
    return {"metadata": metadata, "versions": [_version(name, version, root) for version in versions]}


def _version(group: str, version: str, root: str) -> Object:
    listed = discovered(f"{root}/{version}")
    assert listed is not None
    resources: dict[str, Object] = {}
    for entry in listed["resources"]:
        plural, _, subresource = entry["name"].partition("/")
        kind = {
            "group": entry.get("group", group),
            "version": entry.get("version", version),
            "kind": entry["kind"],
        }
        if subresource:
            owner = resources.setdefault(plural, {"resource": plural, "scope": _scope(entry)})
            owner.setdefault("subresources", []).append(
                {"subresource": subresource, "responseKind": kind, "verbs": list(entry["verbs"])}
            )
        else:
            resources[plural] = _resource(entry, kind)
    return {"version": version, "resources": list(resources.values()), "freshness": "Current"}


def _resource(entry: Any, kind: Object) -> Object:
    resource: Object = {
        "resource": entry["name"],
        "responseKind": kind,
        "scope": _scope(entry),
        "singularResource": entry["singularName"],
        "verbs": list(entry["verbs"]),
    }
    for key in ("shortNames", "categories"):
        if key in entry:
            resource[key] = list(entry[key])
    return resource


def _scope(entry: Any) -> str:
    return "Namespaced" if entry["namespaced"] else "Cluster"
