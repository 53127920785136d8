"""The endpoint slice controller: the addresses of a Service's pods, at most 100 per slice (KEP-752, KEP-1672)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.client.informer import Change, by_node
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch, watch_objects
from kschedcore.controllers.refmanager import controller_reference
from kschedcore.controllers.serviceendpoints import (
    Endpoint,
    Ports,
    ServicesOf,
    endpoints_of,
    has_endpoints,
    reference_to,
)

__all__ = ["EndpointSliceController"]

PER_SLICE = 100
"""``--max-endpoints-per-slice``."""

_SERVICE = "kubernetes.io/service-name"
_MANAGER = "endpointslice.kubernetes.io/managed-by"
_NAME = "endpointslice-controller.k8s.io"
_HEADLESS = "service.kubernetes.io/headless"
_ZONE = "topology.kubernetes.io/zone"
_HINTS = (("forZones", "zone"), ("forNodes", "nodeName"))
_DISTRIBUTIONS = {
    "PreferClose": ("forZones",),
    "PreferSameZone": ("forZones",),
    "PreferSameNode": ("forZones", "forNodes"),
}
_TOPOLOGY_MODES = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode")
_SLICES = "endpointslices.discovery.k8s.io"


class EndpointSliceController(Controller):
    """Keeps the EndpointSlices (``discovery.k8s.io/v1``) of Services.

    An endpoint stays in its slice, so that a change of one pod changes one slice.
    """

    name = "endpointslice-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.informers["pods"].add_index("node", by_node)

    def watches(self) -> Iterable[Watch]:
        """Return Services, their pods, their slices, and nodes that are new."""
        services_of = ServicesOf(self.informers)

        def of_new_node(change: Change) -> Iterable[Key]:
            if change.old is not None or change.new is None:
                return ()
            pods = self.informers["pods"].seen_by("node", change.new["metadata"]["name"])
            return dict.fromkeys(key for pod in pods for key in services_of(Change(None, pod)))

        yield watch_objects("services")
        yield Watch("pods", services_of)
        yield Watch(_SLICES, _service)
        yield Watch("nodes", of_new_node)

    def _node(self, name: str) -> Object | None:
        return self.informers["nodes"].get(CLUSTER_SCOPE, name)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile the EndpointSlices of one Service."""
        namespace, name = key
        service = self.informers["services"].get(namespace, name)
        slices = [
            each for each in self.informers[_SLICES].in_namespace(namespace) if _service_name(each) == name
        ]
        if service is None or not has_endpoints(service):
            self._delete(slices)
            return None
        found = endpoints_of(service, self.informers["pods"].in_namespace(namespace))
        if not service["spec"].get("publishNotReadyAddresses"):
            # The addresses of a node that does not exist are not published until it does.
            found = [each for each in found if not each.node or self._node(each.node) is not None]
        by_ports: dict[Ports, list[Endpoint]] = {}
        for endpoint in found:
            by_ports.setdefault(endpoint.ports, []).append(endpoint)
        if not by_ports:
            # A Service without endpoints has an empty slice.
            by_ports[()] = []
        left = list(slices)
        for ports, endpoints in sorted(by_ports.items()):
            fitting = [each for each in left if _ports_of(each) == ports]
            kept = self._place(service, ports, endpoints, fitting)
            left = [each for each in left if each not in fitting or each in kept]
            left = [each for each in left if each not in kept]
        self._delete(left)
        return None

    def _place(
        self, service: Object, ports: Ports, endpoints: list[Endpoint], slices: list[Object]
    ) -> list[Object]:
        """Write the slices of one set of ports; return those of ``slices`` that are still in use."""
        waiting = {endpoint.pod["metadata"]["uid"]: endpoint for endpoint in endpoints}
        contents = []
        for each in slices:
            uids = [endpoint.get("targetRef", {}).get("uid") for endpoint in each.get("endpoints") or ()]
            contents.append([waiting.pop(uid) for uid in uids if uid in waiting])
        rest = iter(waiting.values())
        for content in contents:
            content.extend(islice(rest, max(0, PER_SLICE - len(content))))
        kept: list[Object] = []
        for each, content in zip(slices, contents, strict=True):
            if content or (not endpoints and not kept):
                kept.append(each)
                self._update(service, each, ports, content)
        while chunk := list(islice(rest, PER_SLICE)):
            self._create(service, ports, chunk)
        if not endpoints and not kept:
            self._create(service, ports, [])
        return kept

    def _wanted(self, service: Object, ports: Ports, endpoints: list[Endpoint]) -> Object:
        metadata = service["metadata"]
        labels = {**metadata.get("labels", {}), _SERVICE: metadata["name"], _MANAGER: _NAME}
        labels.pop(_HEADLESS, None)
        if service["spec"].get("clusterIP", "None") == "None":
            labels[_HEADLESS] = ""
        port_objects = [
            {"name": name, "protocol": protocol, "port": number, **({"appProtocol": kind} if kind else {})}
            for name, protocol, number, kind in ports
        ]
        prefers = _preferred(service)
        content: Object = {"endpoints": [self._endpoint(each, prefers) for each in endpoints]}
        if port_objects:
            content["ports"] = port_objects
        return {"labels": labels, **content}

    def _endpoint(self, endpoint: Endpoint, prefers: tuple[str, ...]) -> Object:
        found: Object = {
            "addresses": [endpoint.address],
            "conditions": {
                "ready": endpoint.ready,
                "serving": endpoint.serving,
                "terminating": endpoint.terminating,
            },
            "targetRef": reference_to(endpoint.pod),
        }
        if endpoint.hostname:
            found["hostname"] = endpoint.hostname
        if endpoint.node:
            found["nodeName"] = endpoint.node
            node = self._node(endpoint.node)
            zone = None if node is None else node["metadata"].get("labels", {}).get(_ZONE)
            if zone:
                found["zone"] = zone
        hints = {
            hint: [{"name": found[field]}] for hint, field in _HINTS if hint in prefers and field in found
        }
        if hints and endpoint.ready:
            found["hints"] = hints
        return found

    def _create(self, service: Object, ports: Ports, endpoints: list[Endpoint]) -> None:
        metadata, wanted = service["metadata"], self._wanted(service, ports, endpoints)
        labels = wanted.pop("labels")
        self.client.create(_SLICES, metadata["namespace"], {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": f"{metadata['name']}-",
                "labels": labels,
                "ownerReferences": [controller_reference(service)],
            },
            "addressType": "IPv4",
            **wanted,
        })  # fmt: skip

    def _update(self, service: Object, old: Object, ports: Ports, endpoints: list[Endpoint]) -> None:
        wanted = self._wanted(service, ports, endpoints)
        labels = wanted.pop("labels")
        before = {key: old.get(key) or [] for key in ("endpoints", "ports")}
        if before == {"ports": [], **wanted} and old["metadata"].get("labels") == labels:
            return
        self.client.update({**old, "metadata": {**old["metadata"], "labels": labels}, **wanted}, _SLICES)

    def _delete(self, slices: Iterable[Object]) -> None:
        for each in slices:
            metadata = each["metadata"]
            self.client.delete(_SLICES, metadata["namespace"], metadata["name"], uid=metadata["uid"])


def _ports_of(found: Object) -> Ports:
    return tuple(
        (port.get("name", ""), port.get("protocol", "TCP"), port["port"], port.get("appProtocol", ""))
        for port in found.get("ports") or ()
    )


def _preferred(service: Object) -> tuple[str, ...]:
    """Return the hints that ``spec.trafficDistribution`` gives ready endpoints (KEP-4444, KEP-3015).

    The older annotation that requires hints in proportion to the zones' CPUs takes precedence; its hints are not made.
    """
    annotations = service["metadata"].get("annotations", {})
    modes = [annotations[key] for key in _TOPOLOGY_MODES if key in annotations]
    if modes and modes[0] in ("Auto", "auto"):
        return ()
    return _DISTRIBUTIONS.get(service["spec"].get("trafficDistribution", ""), ())


def _service_name(found: Object) -> str | None:
    labels = found["metadata"].get("labels", {})
    name: str | None = labels.get(_SERVICE) if labels.get(_MANAGER) == _NAME else None
    return name


def _service(change: Change) -> Iterable[Key]:
    name = _service_name(change.object)
    return () if name is None else ((change.object["metadata"]["namespace"], name),)
