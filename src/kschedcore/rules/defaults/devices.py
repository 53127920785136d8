"""Defaults of ResourceClaim, ResourceClaimTemplate and ResourceSlice (``resource.k8s.io/v1``, KEP-4381)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["DEFAULTS", "default_taint_times"]


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


def default_taint_times(slice_: dict[str, Any], now: str) -> None:
    """Fill in when the taints of a ResourceSlice's devices were added (KEP-5055).

    Args:
        slice_: The decoded slice, changed in place.
        now: The time of the request.
    """
    for device in slice_["spec"].get("devices", ()):
        for taint in device.get("taints", ()):
            taint.setdefault("timeAdded", now)


DEFAULTS = {"ResourceClaim": _claim, "ResourceClaimTemplate": _template}
