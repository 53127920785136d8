"""Defaults of ResourceClaim, ResourceClaimTemplate and ResourceSlice (``resource.k8s.io/v1``, KEP-4381)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["DEFAULTS"]


def _claim(obj: dict[str, Any]) -> None:
    _spec(obj["spec"])
    allocation = obj["status"].get("allocation", {})
    for result in allocation.get("devices", {}).get("results", ()):
        _tolerations(result)


def _template(obj: dict[str, Any]) -> None:
    _spec(obj["spec"]["spec"])


def _spec(spec: dict[str, Any]) -> None:
    for request in _requests(spec):
        request.setdefault("allocationMode", "ExactCount")
        if request["allocationMode"] == "ExactCount":
            request.setdefault("count", 1)
        _tolerations(request)


def _requests(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for request in spec["devices"].get("requests") or ():
        if "exactly" in request:
            yield request["exactly"]
        yield from request.get("firstAvailable", ())


def _tolerations(holder: dict[str, Any]) -> None:
    for toleration in holder.get("tolerations", ()):
        toleration.setdefault("operator", "Equal")


DEFAULTS = {"ResourceClaim": _claim, "ResourceClaimTemplate": _template}
