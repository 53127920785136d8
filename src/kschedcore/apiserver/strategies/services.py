"""Allocation of Services' cluster addresses and node ports, lowest first, so that it is deterministic."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.status import invalid
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader

__all__ = ["allocate"]

CLUSTER_RANGE = ipaddress.IPv4Network("10.96.0.0/12")
NODE_PORTS = range(30000, 32768)
# By convention the first address is the API server's, the tenth that of DNS.
_FIRST_ADDRESS = 11


def allocate(request: AdmissionRequest, reader: ObjectReader) -> None:
    """Allocate missing addresses and ports of a valid Service; 422 if a requested one is not available."""
    service = request.object
    if service is None or service["spec"]["type"] == "ExternalName":
        return
    spec = service["spec"]
    others = [s for s in reader.list("services") if not _same(s, request)]
    errors = [
        *_allocate_address(spec, others, request.old_object),
        *_allocate_node_ports(spec, others, request),
    ]
    if errors:
        raise invalid(request.resource, request.name, errors)


def _same(service: dict[str, Any], request: AdmissionRequest) -> bool:
    metadata = service["metadata"]
    return bool(metadata["namespace"] == request.namespace and metadata["name"] == request.name)


def _allocate_address(
    spec: dict[str, Any], others: list[dict[str, Any]], old: dict[str, Any] | None
) -> Iterator[FieldError]:
    address = spec.get("clusterIP", "")
    if not address:
        taken = {s["spec"].get("clusterIP") for s in others}
        address = next(str(a) for a in _addresses() if str(a) not in taken)
        spec["clusterIP"], spec["clusterIPs"] = address, [address]
    elif address != "None" and (old is None or old["spec"].get("clusterIP") != address):
        yield from _claimed_address(address, spec, others)
    if address == "None" and not spec.get("selector"):
        # Endpoints of a headless Service without a selector may have either address family.
        spec.setdefault("ipFamilyPolicy", "RequireDualStack")
        spec.setdefault("ipFamilies", ["IPv4", "IPv6"])
    else:
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        spec.setdefault("ipFamilies", ["IPv6" if ":" in address else "IPv4"])


def _addresses() -> Iterator[ipaddress.IPv4Address]:
    first = int(CLUSTER_RANGE.network_address)
    return (ipaddress.IPv4Address(first + n) for n in range(_FIRST_ADDRESS, CLUSTER_RANGE.num_addresses - 1))


def _claimed_address(
    address: str, spec: dict[str, Any], others: list[dict[str, Any]]
) -> Iterator[FieldError]:
    struct = list(spec["clusterIPs"])
    if ipaddress.ip_address(address) not in CLUSTER_RANGE:
        valid = f"The range of valid IPs is {CLUSTER_RANGE}"
        why = f"the provided IP ({address}) is not in the valid range. {valid}"
        yield fe.invalid("spec.clusterIPs", struct, f"failed to allocate IP {address}: {why}")
    elif any(s["spec"].get("clusterIP") == address for s in others):
        yield fe.invalid(
            "spec.clusterIPs", struct, f"failed to allocate IP {address}: provided IP is already allocated"
        )


def _allocate_node_ports(
    spec: dict[str, Any], others: list[dict[str, Any]], request: AdmissionRequest
) -> Iterator[FieldError]:
    if spec["type"] not in ("NodePort", "LoadBalancer"):
        return
    taken = {p["nodePort"] for s in others for p in s["spec"].get("ports", ()) if p.get("nodePort")}
    mine = {p["nodePort"] for p in spec.get("ports", ()) if p.get("nodePort")}
    old = request.old_object["spec"].get("ports", ()) if request.old_object else ()
    kept = {p.get("nodePort") for p in old}
    for index, port in enumerate(spec.get("ports", ())):
        number = port.get("nodePort", 0)
        path = f"spec.ports[{index}].nodePort"
        if not number:
            if spec.get("allocateLoadBalancerNodePorts", True):
                port["nodePort"] = next(n for n in NODE_PORTS if n not in taken and n not in mine)
                mine.add(port["nodePort"])
        elif number not in NODE_PORTS and number not in kept:
            valid = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
            detail = f"provided port is not in the valid range. The range of valid ports is {valid}"
            yield fe.invalid(path, number, detail)
        elif number in taken:
            yield fe.invalid(path, number, "provided port is already allocated")
