"""The endpoints controller: an Endpoints object with the addresses of each Service's pods."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.types import Object
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects
from kschedcore.controllers.serviceendpoints import (
    Endpoint,
    Ports,
    ServicesOf,
    endpoints_of,
    has_endpoints,
    reference_to,
)

__all__ = ["EndpointsController"]

CAPACITY = 1000
"""Maximum number of addresses; further ones are left out, and the annotation ``over-capacity`` is set."""

_OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"


class EndpointsController(Controller):
    """Keeps Endpoints (``v1``), which EndpointSlices have replaced but which are still read."""

    name = "endpoints-controller"

    def watches(self) -> Iterable[Watch]:
        """Return Services, their pods, and the Endpoints of the same name."""
        return (
            watch_objects("services"),
            Watch("pods", ServicesOf(self.informers)),
            watch_objects("endpoints"),
        )

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile the Endpoints of one Service."""
        namespace, name = key
        service = self.informers["services"].get(namespace, name)
        current = self.informers["endpoints"].get(namespace, name)
        if service is None:
            if current is not None:
                self.client.delete("endpoints", namespace, name)
            return None
        if not has_endpoints(service):
            return None
        wanted = self._wanted(service)
        if current is None:
            self.client.create("endpoints", namespace, wanted)
        elif _compared(current) != _compared(wanted):
            metadata = {**current["metadata"], **wanted["metadata"]}
            if "annotations" not in wanted["metadata"]:
                metadata.pop("annotations", None)
            self.client.update({**current, "metadata": metadata, "subsets": wanted["subsets"]}, "endpoints")
        return None

    def _wanted(self, service: Object) -> Object:
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        found = endpoints_of(service, self.informers["pods"].in_namespace(namespace))
        # A pod that is being deleted is listed only where addresses are published before they are ready, and
        # a pod that has none of the Service's ports only where the Service has none.
        has_ports = bool(service["spec"].get("ports"))
        found = [
            each for each in found if (not each.terminating or each.ready) and bool(each.ports) == has_ports
        ]
        metadata: Object = {"name": name, "labels": dict(service["metadata"].get("labels", {}))}
        if len(found) > CAPACITY:
            metadata["annotations"] = {_OVER_CAPACITY: "truncated"}
            found = sorted(found, key=lambda each: not each.ready)[:CAPACITY]
        metadata["labels"]["endpoints.kubernetes.io/managed-by"] = self.name
        if service["spec"].get("clusterIP") == "None":
            metadata["labels"]["service.kubernetes.io/headless"] = ""
        return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": _subsets(found)}


def _subsets(endpoints: list[Endpoint]) -> list[Object]:
    by_ports: dict[Ports, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_ports.setdefault(endpoint.ports, []).append(endpoint)
    subsets = []
    for _, group in sorted(by_ports.items()):
        subset: Object = {}
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            addresses = [_address(each) for each in group if each.ready == ready]
            if addresses:
                subset[field] = sorted(addresses, key=lambda address: str(address["ip"]))
        ports = group[0].port_objects()
        if ports:
            subset["ports"] = ports
        subsets.append(subset)
    return subsets


def _address(endpoint: Endpoint) -> Object:
    node = {"nodeName": endpoint.node} if endpoint.node else {}
    hostname = {"hostname": endpoint.hostname} if endpoint.hostname else {}
    return {"ip": endpoint.address, **hostname, **node, "targetRef": reference_to(endpoint.pod)}


def _compared(endpoints: Object) -> Object:
    metadata = endpoints["metadata"]
    return {
        "labels": metadata.get("labels", {}),
        "truncated": metadata.get("annotations", {}).get(_OVER_CAPACITY),
        "subsets": endpoints.get("subsets", []),
    }
