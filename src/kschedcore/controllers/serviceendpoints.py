"""The endpoints of a Service: the pods that it selects, their addresses, ports and readiness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kschedcore.api.machinery.types import Object
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Change, Informers, key_of
from kschedcore.controllers.activepods import ready_since
from kschedcore.controllers.controller import Key

__all__ = ["Endpoint", "Ports", "ServicesOf", "endpoints_of", "has_endpoints", "reference_to"]

Ports = tuple[tuple[str, str, int, str], ...]
"""Ports of an endpoint: the name, the protocol, the number and the application protocol (empty for none) of each."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod as an endpoint of a Service.

    Attributes:
        pod: The pod.
        ports: The Service's ports on the pod.
        ready: Whether the endpoint receives traffic.
        serving: Whether the pod is ready, terminating or not.
        terminating: Whether the pod is being deleted.
        hostname: The pod's hostname in DNS; empty for none.
    """

    pod: Object
    ports: Ports
    ready: bool
    serving: bool
    terminating: bool
    hostname: str

    @property
    def address(self) -> str:
        """The pod's IP."""
        address: str = self.pod["status"]["podIP"]
        return address

    @property
    def node(self) -> str:
        """The name of the pod's node."""
        node: str = self.pod["spec"].get("nodeName", "")
        return node

    def port_objects(self) -> list[Object]:
        """Return the ports as in the API."""
        return [
            {
                **({"name": name} if name else {}),
                "protocol": protocol,
                "port": number,
                **({"appProtocol": application} if application else {}),
            }
            for name, protocol, number, application in self.ports
        ]


def has_endpoints(service: Object) -> bool:
    """Return whether the Service's endpoints are selected by a selector."""
    spec = service["spec"]
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def endpoints_of(service: Object, pods: Iterable[Object]) -> list[Endpoint]:
    """Return the endpoints of a Service, by pod name.

    Args:
        service: The Service.
        pods: All pods of the Service's namespace.
    """
    selector, spec = service["spec"].get("selector", {}).items(), service["spec"]
    found = []
    for pod in pods:
        status = pod.get("status", {})
        if not selector <= pod["metadata"].get("labels", {}).items():
            continue
        if not status.get("podIP") or has_ended(pod):
            continue
        terminating, serving = bool(pod["metadata"].get("deletionTimestamp")), ready_since(pod) is not None
        ready = bool(spec.get("publishNotReadyAddresses")) or (serving and not terminating)
        named = pod["spec"].get("subdomain") == service["metadata"]["name"]
        hostname = pod["spec"].get("hostname", "") if named else ""
        found.append(Endpoint(pod, _ports(service, pod), ready, serving, terminating, hostname))
    return sorted(found, key=lambda endpoint: key_of(endpoint.pod))


def _ports(service: Object, pod: Object) -> Ports:
    found = []
    for port in service["spec"].get("ports", ()):
        protocol = port.get("protocol", "TCP")
        number = _number(port.get("targetPort", port["port"]), protocol, pod)
        if number:
            found.append((port.get("name", ""), protocol, number, port.get("appProtocol", "")))
    return tuple(found)


def _number(target: Any, protocol: str, pod: Object) -> int:
    if isinstance(target, int):
        return target
    sidecars = [
        each for each in pod["spec"].get("initContainers", ()) if each.get("restartPolicy") == "Always"
    ]
    for container in [*pod["spec"]["containers"], *sidecars]:
        for port in container.get("ports", ()):
            if port.get("name") == target and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    # A port name that the pod does not have is left out.
    return 0


def reference_to(pod: Object) -> Object:
    """Return the object reference of a pod."""
    metadata = pod["metadata"]
    return {
        "kind": "Pod",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }


class ServicesOf:
    """The Services that a change of a pod concerns: those that select it now or did before.

    Args:
        informers: The informer of Services.
    """

    def __init__(self, informers: Informers) -> None:
        self._informers = informers

    def __call__(self, change: Change) -> Iterable[Key]:
        """Return the keys of the Services."""
        old, new = change.old, change.new
        services = self._informers["services"].seen_by("namespace", change.object["metadata"]["namespace"])
        if not services or (old is not None and new is not None and not _has_changed(old, new)):
            return ()
        states = [each["metadata"].get("labels", {}).items() for each in (old, new) if each is not None]
        return [
            key_of(service)
            for service in services
            if has_endpoints(service)
            and any(service["spec"]["selector"].items() <= labels for labels in states)
        ]


def _has_changed(old: Object, new: Object) -> bool:
    """Return whether a pod's Services have to be reconciled (``endpointslice/util``, ``podEndpointsChanged``).

    Kubernetes compares neither the phase nor the node; every change of a terminating pod counts.
    """
    return "deletionTimestamp" in new["metadata"] or _compared(old) != _compared(new)


def _compared(pod: Object) -> tuple[Any, ...]:
    status, metadata = pod.get("status", {}), pod["metadata"]
    ready = ready_since(pod) is not None
    return metadata.get("labels"), "deletionTimestamp" in metadata, status.get("podIP"), ready
