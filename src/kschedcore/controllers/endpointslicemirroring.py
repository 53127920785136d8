"""The endpoint slice mirroring controller: EndpointSlices for custom Endpoints (KEP-752)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import Change, key_of
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects
from kschedcore.controllers.refmanager import controller_reference

__all__ = ["EndpointSliceMirroringController"]

PER_SUBSET = 1000
"""``--mirroring-max-endpoints-per-subset``."""

_SLICES = "endpointslices.discovery.k8s.io"
_SERVICE = "kubernetes.io/service-name"
_MANAGER = "endpointslice.kubernetes.io/managed-by"
_NAME = "endpointslicemirroring-controller.k8s.io"
_SKIP = "endpointslice.kubernetes.io/skip-mirror"
_LEADER = "control-plane.alpha.kubernetes.io/leader"
_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "endpoints.kubernetes.io/last-change-trigger-time",
)


class EndpointSliceMirroringController(Controller):
    """Keeps the EndpointSlices of Endpoints whose Service has no selector."""

    name = "endpointslice-mirroring-controller"

    def watches(self) -> Iterable[Watch]:
        """Return Endpoints, their Services, and the slices that mirror them."""
        return watch_objects("endpoints"), watch_objects("services"), Watch(_SLICES, _mirrored)

    def reconcile(self, key: Key) -> Requeue | None:
        """Update the slices that mirror one Endpoints object."""
        namespace, name = key
        slices = [
            each for each in self.informers[_SLICES].in_namespace(namespace) if _mirrored_name(each) == name
        ]
        service = self.informers["services"].get(namespace, name)
        endpoints = self.informers["endpoints"].get(namespace, name)
        mirrored = service is not None and not service["spec"].get("selector") and _is_mirrored(endpoints)
        wanted = list(_wanted(endpoints)) if mirrored and endpoints is not None else []
        left = list(slices)
        for each in wanted:
            kept = next((old for old in left if _identity(old) == _identity(each)), None)
            if kept is None:
                self.client.create(_SLICES, namespace, each)
                continue
            left.remove(kept)
            self._update(kept, each)
        for each in left:
            self.client.delete(_SLICES, namespace, each["metadata"]["name"], uid=each["metadata"]["uid"])
        return None

    def _update(self, old: Object, new: Object) -> None:
        fields = ("labels", "annotations")
        metadata = {**old["metadata"], **{key: new["metadata"].get(key, {}) for key in fields}}
        same = all(old["metadata"].get(key, {}) == metadata[key] for key in fields)
        if not same or (old.get("endpoints") or []) != new["endpoints"]:
            self.client.update({**old, "metadata": metadata, "endpoints": new["endpoints"]}, _SLICES)


def _is_mirrored(endpoints: Object | None) -> bool:
    if endpoints is None or endpoints["metadata"].get("deletionTimestamp"):
        return False
    metadata = endpoints["metadata"]
    if metadata.get("labels", {}).get(_SKIP) == "true":
        return False
    return _LEADER not in metadata.get("annotations", {})


def _wanted(endpoints: Object) -> Iterator[Object]:
    """Yield a slice for each subset and family of addresses."""
    for subset in endpoints.get("subsets", ()):
        by_family: dict[str, list[Object]] = {}
        addresses = [(each, True) for each in subset.get("addresses", ())]
        addresses += [(each, False) for each in subset.get("notReadyAddresses", ())]
        for address, ready in addresses[:PER_SUBSET]:
            family = _family(address["ip"])
            if family:
                by_family.setdefault(family, []).append(_endpoint(address, ready))
        for family, found in by_family.items():
            yield {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": _metadata(endpoints),
                "addressType": family,
                "ports": [{"name": "", "protocol": "TCP", **plain(port)} for port in subset.get("ports", ())],
                "endpoints": found,
            }


def _family(address: str) -> str:
    try:
        return f"IPv{ip_address(address).version}"
    except ValueError:
        return ""


def _endpoint(address: Object, ready: bool) -> Object:
    endpoint: Object = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    for field in ("hostname", "nodeName", "targetRef"):
        if address.get(field):
            endpoint[field] = plain(address[field])
    return endpoint


def _metadata(endpoints: Object) -> Object:
    metadata = endpoints["metadata"]
    annotations = {
        key: value for key, value in metadata.get("annotations", {}).items() if key not in _NOT_COPIED
    }
    return {
        "generateName": f"{metadata['name']}-",
        "labels": {**metadata.get("labels", {}), _SERVICE: metadata["name"], _MANAGER: _NAME},
        "annotations": annotations,
        "ownerReferences": [controller_reference({"apiVersion": "v1", "kind": "Endpoints", **endpoints})],
    }


def _identity(found: Object) -> tuple[str, tuple[tuple[str, str, int], ...]]:
    ports = tuple(
        (port.get("name", ""), port.get("protocol", "TCP"), port["port"]) for port in found.get("ports") or ()
    )
    return found["addressType"], ports


def _mirrored_name(found: Object) -> str | None:
    labels = found["metadata"].get("labels", {})
    name: str | None = labels.get(_SERVICE) if labels.get(_MANAGER) == _NAME else None
    return name


def _mirrored(change: Change) -> Iterable[Key]:
    name = _mirrored_name(change.object)
    return () if name is None else ((key_of(change.object)[0], name),)
