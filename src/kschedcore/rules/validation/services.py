"""Validation of Service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import one_of, port_number
from kschedcore.rules.validation.metadata import (
    dns_label_name,
    validate_labels,
    validate_metadata,
    validate_metadata_update,
)

__all__ = ["CREATE", "UPDATE"]

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_MAX_CLIENT_IP_TIMEOUT_SECONDS = 86400


def _validate_service(service: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(service["metadata"], dns_label_name, namespaced=True)
    yield from _spec(service["spec"], {})


def _spec(spec: dict[str, Any], was: dict[str, Any]) -> Iterator[FieldError]:
    kind, ports = spec["type"], spec.get("ports", ())
    headless = spec.get("clusterIP") == "None"
    if not ports and not headless and kind != "ExternalName":
        yield fe.required("spec.ports")
    yield from _of_type(spec, headless)
    yield from _ports(ports)
    yield from validate_labels(spec.get("selector", {}), "spec.selector")
    yield from _session_affinity(spec)
    for key in ("clusterIPs", "externalIPs"):
        for index, address in enumerate(spec.get(key, ())):
            # Addresses of the stored object stay valid regardless of the rules for new ones.
            if address != "None" and address not in was.get(key, ()):
                texts = rules.is_ip(address)
                yield from (fe.invalid(f"spec.{key}[{index}]", address, text) for text in texts)
    for index, network in enumerate(spec.get("loadBalancerSourceRanges", ())):
        if network not in was.get("loadBalancerSourceRanges", ()):
            texts = rules.is_cidr(network.strip())
            yield from (fe.invalid(f"spec.loadBalancerSourceRanges[{index}]", network, t) for t in texts)
    yield from one_of(kind, _TYPES, "spec.type")
    yield from _traffic(spec)


def _of_type(spec: dict[str, Any], headless: bool) -> Iterator[FieldError]:
    kind = spec["type"]
    if kind in ("NodePort", "LoadBalancer") and headless:
        detail = f"may not be set to 'None' for {kind} services"
        yield fe.invalid("spec.clusterIPs[0]", "None", detail)
    if kind == "ExternalName":
        if spec.get("clusterIPs"):
            yield fe.forbidden("spec.clusterIPs", "may not be set for ExternalName services")
        name = spec.get("externalName", "").removesuffix(".")
        if not name:
            yield fe.required("spec.externalName")
        else:
            texts = rules.is_dns1123_subdomain(name)
            yield from (fe.invalid("spec.externalName", name, text) for text in texts)
    if kind == "ClusterIP":
        for index, port in enumerate(spec.get("ports", ())):
            if port.get("nodePort"):
                detail = "may not be used when `type` is 'ClusterIP'"
                yield fe.forbidden(f"spec.ports[{index}].nodePort", detail)


def _ports(ports: Iterable[dict[str, Any]]) -> Iterator[FieldError]:
    several = len(list(ports)) > 1
    names: set[str] = set()
    numbers: set[tuple[str, int]] = set()
    node_ports: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        yield from _port(port, several, names, path)
        key = (port.get("protocol", ""), port.get("port", 0))
        if key in numbers:
            struct = fe.go_struct("core.ServicePort", {"protocol": key[0], "port": key[1]})
            yield fe.duplicate(path, struct)
        numbers.add(key)
        node_port = (port.get("protocol", ""), port.get("nodePort", 0))
        if node_port[1]:
            if node_port in node_ports:
                yield fe.duplicate(f"{path}.nodePort", node_port[1])
            node_ports.add(node_port)


def _port(port: dict[str, Any], needs_name: bool, names: set[str], path: str) -> Iterator[FieldError]:
    name = port.get("name", "")
    if not name and needs_name:
        yield fe.required(f"{path}.name")
    elif name:
        yield from (fe.invalid(f"{path}.name", name, text) for text in rules.is_dns1123_label(name))
        if name in names:
            yield fe.duplicate(f"{path}.name", name)
        names.add(name)
    yield from port_number(port.get("port", 0), f"{path}.port")
    yield from one_of(port.get("protocol", ""), _PROTOCOLS, f"{path}.protocol")
    target = port.get("targetPort", 0)
    if isinstance(target, int):
        if not 1 <= target <= 65535:
            detail = "must be between 1 and 65535, inclusive"
            yield fe.invalid(f"{path}.targetPort", target, detail)
    else:
        texts = rules.is_port_name(target)
        yield from (fe.invalid(f"{path}.targetPort", target, text) for text in texts)
    protocol = port.get("appProtocol")
    if protocol is not None:
        texts = rules.is_qualified_name(protocol)
        yield from (fe.invalid(f"{path}.appProtocol", protocol, text) for text in texts)


def _session_affinity(spec: dict[str, Any]) -> Iterator[FieldError]:
    affinity = spec["sessionAffinity"]
    yield from one_of(affinity, ("ClientIP", "None"), "spec.sessionAffinity")
    if affinity == "ClientIP":
        seconds = spec.get("sessionAffinityConfig", {}).get("clientIP", {}).get("timeoutSeconds")
        if seconds is None or not 0 < seconds <= _MAX_CLIENT_IP_TIMEOUT_SECONDS:
            detail = f"must be greater than 0 and less than {_MAX_CLIENT_IP_TIMEOUT_SECONDS}"
            yield fe.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, detail)


def _traffic(spec: dict[str, Any]) -> Iterator[FieldError]:
    external = spec.get("externalTrafficPolicy")
    if external is not None:
        if spec["type"] not in ("NodePort", "LoadBalancer") and not spec.get("externalIPs"):
            detail = "may only be set for externally-accessible services"
            yield fe.invalid("spec.externalTrafficPolicy", external, detail)
        else:
            yield from one_of(external, ("Cluster", "Local"), "spec.externalTrafficPolicy")
    internal = spec.get("internalTrafficPolicy")
    if internal is not None:
        yield from one_of(internal, ("Cluster", "Local"), "spec.internalTrafficPolicy")
    distribution = spec.get("trafficDistribution")
    if distribution is not None:
        yield from one_of(distribution, _DISTRIBUTIONS, "spec.trafficDistribution")
    if "allocateLoadBalancerNodePorts" in spec and spec["type"] != "LoadBalancer":
        detail = "may only be used when `type` is 'LoadBalancer'"
        yield fe.forbidden("spec.allocateLoadBalancerNodePorts", detail)


def _validate_service_update(service: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(service["metadata"], old["metadata"])
    spec, was = service["spec"], old["spec"]
    if "ExternalName" not in (spec["type"], was["type"]):
        new_ips, old_ips = spec.get("clusterIPs", []), was.get("clusterIPs", [])
        if old_ips and new_ips[:1] != old_ips[:1]:
            struct = list(new_ips)
            yield fe.invalid("spec.clusterIPs[0]", struct, "may not change once set")
    yield from validate_metadata(service["metadata"], dns_label_name, namespaced=True)
    yield from _spec(service["spec"], old["spec"])


CREATE = {"Service": _validate_service}
UPDATE = {"Service": _validate_service_update}
