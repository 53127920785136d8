"""In-place resize of a running pod (KEP-1287): allocated resources, and pending resizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kschedcore.nodes.containers import Container
from kschedcore.nodes.host import Rejection

__all__ = [
    "RESIZE_PENDING",
    "changed_resources",
    "granted_spec",
    "hold_resources",
    "is_pending",
    "needs_restart",
    "pending_resize",
]

RESIZE_PENDING = "PodResizePending"

_LISTS = ("initContainers", "containers")


def hold_resources(containers: Sequence[Container], spec: Mapping[str, Any]) -> None:
    """Keep the allocated resources of running containers before the pod's spec is replaced."""
    wanted = {each["name"]: each.get("resources", {}) for key in _LISTS for each in spec.get(key, ())}
    for container in containers:
        before = container.spec.get("resources", {})
        if container.granted is None and wanted.get(container.name, before) != before:
            container.granted = before


def is_pending(containers: Sequence[Container]) -> bool:
    """Return whether a container runs with other resources than in its spec."""
    return any(
        each.granted is not None and each.granted != each.spec.get("resources", {}) for each in containers
    )


def pending_resize(status: Mapping[str, Any]) -> Rejection | None:
    """Return why a resize is pending, from the pod's status."""
    for each in status.get("conditions", ()):
        if each["type"] == RESIZE_PENDING:
            return Rejection(each.get("reason", ""), each.get("message", ""))
    return None


def granted_spec(spec: Mapping[str, Any], containers: Sequence[Container]) -> Mapping[str, Any]:
    """Return the pod spec with the allocated resources of its containers."""
    granted = {each.name: each.granted for each in containers if each.granted is not None}
    if not granted:
        return spec
    changed = {
        key: [
            {**each, "resources": granted[each["name"]]} if each["name"] in granted else each
            for each in spec[key]
        ]
        for key in _LISTS
        if key in spec
    }
    return {**spec, **changed}


def changed_resources(container: Container) -> set[str]:
    """Return the names of the resources whose request or limit differs from what the container runs with."""
    wanted, granted = container.spec.get("resources", {}), container.granted or {}
    return {
        name
        for kind in ("requests", "limits")
        for name in {**wanted.get(kind, {}), **granted.get(kind, {})}
        if wanted.get(kind, {}).get(name) != granted.get(kind, {}).get(name)
    }


def needs_restart(container: Container) -> bool:
    """Return whether the container is restarted to run with other resources (``resizePolicy``)."""
    policies = {
        each["resourceName"]: each["restartPolicy"] for each in container.spec.get("resizePolicy", ())
    }
    return any(policies.get(name) == "RestartContainer" for name in changed_resources(container))
