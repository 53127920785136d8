"""Validation of ``pods/resize`` (``ValidatePodResize``, KEP-1287, KEP-5419)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.quantity import Quantity
from kschedcore.rules.amounts import qos_class
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)
from kschedcore.rules.validation.pods import validate_pod_spec

__all__ = ["validate_resize"]

_RESIZABLE = ("cpu", "memory")
_MIRROR = "kubernetes.io/config.mirror"


def validate_resize(pod: dict[str, Any], old: dict[str, Any]) -> list[FieldError]:
    """Return the errors of a resize of ``old`` to ``pod``.

    Cpu and memory of containers, sidecars and the pod itself and ``resizePolicy`` may change; the QoS class may not.
    """
    if _MIRROR in old["metadata"].get("annotations", {}):
        return [fe.forbidden("", "static pods cannot be resized")]
    if old["spec"].get("os", {}).get("name") == "windows":
        return [fe.forbidden("", "windows pods cannot be resized")]
    spec, was = pod["spec"], old["spec"]
    errors = [
        *validate_metadata_update(pod["metadata"], old["metadata"]),
        *validate_metadata(pod["metadata"], dns_subdomain_name, namespaced=True, was=old["metadata"]),
        *validate_pod_spec(spec, "spec"),
        *_common(pod, old),
    ]
    if _names(spec) != _names(was):
        return [*errors, fe.forbidden("spec", "containers may not be added, removed, reordered or renamed")]
    errors += _containers(spec, was)
    errors += _removed(spec.get("resources", {}), was.get("resources", {}), "spec.resources")
    if not errors and _without_resources(spec) != _without_resources(was):
        errors.append(fe.forbidden("spec", "only cpu and memory resources are mutable"))
    return errors


def _common(pod: dict[str, Any], old: dict[str, Any]) -> Iterator[FieldError]:
    before, after = old["status"].get("qosClass") or qos_class(old["spec"]), qos_class(pod["spec"])
    if before != after:
        yield fe.invalid("spec", after, "Pod QOS Class may not change as a result of resizing")
    running = [
        each for each in old["status"].get("containerStatuses", ()) if each.get("state", {}).get("running")
    ]
    if running and "resources" not in running[0]:
        yield fe.forbidden("spec", "Pod running on node without support for resize")


def _names(spec: Mapping[str, Any]) -> list[list[str]]:
    return [[each.get("name", "") for each in spec.get(key, ())] for key in ("containers", "initContainers")]


def _containers(spec: dict[str, Any], was: dict[str, Any]) -> Iterator[FieldError]:
    for index, (new, old) in enumerate(
        zip(spec.get("initContainers", ()), was.get("initContainers", ()), strict=True)
    ):
        path = f"spec.initContainers[{index}].resources"
        if old.get("restartPolicy") == "Always":
            yield from _resized(
                new, old, path, "only cpu and memory resources for sidecar containers are mutable"
            )
        elif new != old:
            yield fe.forbidden("spec", "resources for non-sidecar init containers are immutable")
    for index, (new, old) in enumerate(zip(spec["containers"], was["containers"], strict=True)):
        path = f"spec.containers[{index}].resources"
        yield from _resized(new, old, path, "only cpu and memory resources are mutable")


def _resized(new: dict[str, Any], old: dict[str, Any], path: str, other: str) -> Iterator[FieldError]:
    resources, before = new.get("resources", {}), old.get("resources", {})
    yield from _removed(resources, before, path)
    for side in ("requests", "limits"):
        amounts, was = resources.get(side, {}), before.get(side, {})
        if any(_changed(amounts, was, name) for name in {*amounts, *was}.difference(_RESIZABLE)):
            yield fe.forbidden("spec", other)
            return
    if resources.get("claims") != before.get("claims"):
        yield fe.forbidden("spec", other)


def _removed(new: Mapping[str, Any], old: Mapping[str, Any], path: str) -> Iterable[FieldError]:
    for side in ("requests", "limits"):
        if old.get(side, {}).keys() - new.get(side, {}).keys():
            yield fe.forbidden(f"{path}.{side}", f"resource {side} cannot be removed")


def _changed(amounts: Mapping[str, Any], was: Mapping[str, Any], name: str) -> bool:
    if name not in amounts or name not in was:
        return name in amounts or name in was
    return Quantity.parse(amounts[name]) != Quantity.parse(was[name])


def _without_resources(spec: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        key: value for key, value in spec.items() if key not in ("containers", "initContainers", "resources")
    }
    for key in ("containers", "initContainers"):
        kept[key] = [
            {name: value for name, value in each.items() if name not in ("resources", "resizePolicy")}
            for each in spec.get(key, ())
        ]
    return kept
