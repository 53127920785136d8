"""The quota usage of a ResourceClaim (``pkg/quota/v1/evaluator/core/resource_claims.go``, KEP-4381, KEP-5004)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace
from kschedcore.api.quantity import Quantity
from kschedcore.api.resource_names import is_extended
from kschedcore.rules.amounts import ResourceList

__all__ = ["DeviceClaims", "Lookup"]

_COUNT = "count/resourceclaims.resource.k8s.io"
_DEVICES = ".deviceclass.resource.k8s.io/devices"
_REQUESTS = "requests."
_IMPLICIT = "deviceclass.resource.kubernetes.io/"
_EXTENDED_CLAIM = "resource.kubernetes.io/extended-resource-claim"
_CLAIMS, _CLASSES = "resourceclaims.resource.k8s.io", "deviceclasses.resource.k8s.io"
_MAX_DEVICES = 32
"""The most devices that a claim can have: what a request for all matching devices may get."""


class Lookup(Protocol):
    """Reads other objects; ``resource`` is the qualified plural."""

    def get(self, resource: str, namespace: Namespace, name: str) -> Mapping[str, Any] | None:
        """Return an object, or None."""

    def list(self, resource: str, namespace: Namespace | None = None) -> Iterable[Mapping[str, Any]]:
        """Return the objects of a resource, in one namespace or everywhere."""


class DeviceClaims:
    """Counts ResourceClaims and the devices that they request, by device class and by extended resource.

    Args:
        lookup: Where device classes and pods are found; without it claims do not count as extended resources.
        pod_usage: What a pod uses of a quota.
    """

    charges_updates = True

    def __init__(self, lookup: Lookup | None, pod_usage: Callable[[Mapping[str, Any]], ResourceList]) -> None:
        self._lookup = lookup
        self._pod_usage = pod_usage

    def matching_resources(self, names: Iterable[str]) -> list[str]:
        """Return those of a quota's resources that claims use."""
        return [name for name in names if name == _COUNT or name.endswith(_DEVICES) or self._is_backed(name)]

    def missing(self, names: Iterable[str], obj: Mapping[str, Any]) -> dict[str, list[str]]:  # noqa: ARG002
        """Return nothing: claims need not state anything."""
        return {}

    def usage(self, obj: Mapping[str, Any]) -> ResourceList:
        """Return what a claim uses: itself, and its devices in the worst case."""
        used: ResourceList = {_COUNT: Quantity.parse("1")}
        by_class: dict[str, int] = {}
        for request in obj["spec"]["devices"].get("requests") or ():
            for name, number in _devices(request).items():
                by_class[name] = by_class.get(name, 0) + number
        used |= {f"{name}{_DEVICES}": Quantity.parse(number) for name, number in by_class.items()}
        if self._lookup is not None and by_class:
            used |= self._extended(obj, by_class)
        return used

    def _is_backed(self, name: str) -> bool:
        """Return whether a quota limits an extended resource that a device class backs."""
        bare = name.removeprefix(_REQUESTS)
        if self._lookup is None or bare == name:
            return False
        if bare.startswith(_IMPLICIT):
            # The implicit resource counts only for classes that name another one as well.
            found = self._lookup.get(_CLASSES, CLUSTER_SCOPE, bare.removeprefix(_IMPLICIT))
            return found is not None and bool(_resource_of(found))
        return is_extended(bare) and any(_resource_of(each) == bare for each in self._lookup.list(_CLASSES))

    def _extended(self, claim: Mapping[str, Any], by_class: Mapping[str, int]) -> ResourceList:
        """Return the devices as extended resources, without what the pod of the claim is charged for already."""
        assert self._lookup is not None
        wanted: dict[str, int] = {}
        for name, number in by_class.items():
            wanted[f"{_REQUESTS}{_IMPLICIT}{name}"] = number
            found = self._lookup.get(_CLASSES, CLUSTER_SCOPE, name)
            resource = _resource_of(found) if found is not None else ""
            if resource:
                wanted[f"{_REQUESTS}{resource}"] = number
        pod = self._pod_of(claim)
        charged = {} if pod is None else self._pod_usage(pod)
        left = {
            name: Quantity.parse(number) - charged[name] if name in charged else Quantity.parse(number)
            for name, number in wanted.items()
        }
        return {name: amount for name, amount in left.items() if amount.nanos > 0}

    def _pod_of(self, claim: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the pod for whose extended resources the scheduler made a claim; None for other claims."""
        metadata = claim["metadata"]
        if self._lookup is None or metadata.get("annotations", {}).get(_EXTENDED_CLAIM) != "true":
            return None
        owner = _controller(metadata)
        if owner is None or (owner.get("kind"), owner.get("apiVersion")) != ("Pod", "v1"):
            return None
        pod = self._lookup.get("pods", metadata["namespace"], owner["name"])
        if pod is None or pod["metadata"]["uid"] != owner["uid"]:
            return None
        status = pod.get("status", {}).get("extendedResourceClaimStatus")
        if status is not None:
            return pod if status.get("resourceClaimName") == metadata.get("name") else None
        return pod if self._is_first(claim, owner["uid"]) else None

    def _is_first(self, claim: Mapping[str, Any], pod_uid: str) -> bool:
        """Return whether no older claim was made for the pod's extended resources."""
        assert self._lookup is not None
        mine = claim["metadata"]
        for other in self._lookup.list(_CLAIMS, mine["namespace"]):
            metadata = other["metadata"]
            owner = _controller(metadata)
            extended = metadata.get("annotations", {}).get(_EXTENDED_CLAIM) == "true"
            if extended and owner is not None and owner["uid"] == pod_uid and _age(metadata) < _age(mine):
                return False
        return True


def _devices(request: Mapping[str, Any]) -> dict[str, int]:
    """Return the devices of a request by class; of alternatives, the most of each class."""
    alternatives = request.get("firstAvailable") or ([request["exactly"]] if "exactly" in request else [])
    most: dict[str, int] = {}
    for each in alternatives:
        mode, name = each.get("allocationMode", ""), each.get("deviceClassName", "")
        number = _MAX_DEVICES if mode == "All" else each.get("count", 0) if mode == "ExactCount" else 0
        most[name] = max(most.get(name, 0), number)
    return most


def _resource_of(device_class: Mapping[str, Any]) -> str:
    return str(device_class["spec"].get("extendedResourceName", ""))


def _controller(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    owners: Iterable[Mapping[str, Any]] = metadata.get("ownerReferences", ())
    return next((each for each in owners if each.get("controller")), None)


def _age(metadata: Mapping[str, Any]) -> tuple[str, str]:
    return metadata.get("creationTimestamp") or "", metadata.get("name", "")
