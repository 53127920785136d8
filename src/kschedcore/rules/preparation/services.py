"""Preparation of Services: ``clusterIP`` and ``clusterIPs``, and allocated values that an update omits."""

from __future__ import annotations

from typing import Any

__all__ = ["CREATE", "UPDATE"]


def _create(service: dict[str, Any]) -> None:
    spec = service["spec"]
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    elif spec.get("clusterIPs") and not spec.get("clusterIP"):
        spec["clusterIP"] = spec["clusterIPs"][0]


def _update(service: dict[str, Any], old: dict[str, Any]) -> None:
    """Make ``clusterIP`` and ``clusterIPs`` consistent; an absent one keeps its value."""
    spec, was = service["spec"], old["spec"]
    if spec["type"] == "ExternalName":
        if was.get("type") != "ExternalName":
            for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"):
                spec.pop(key, None)
        return
    address, before = spec.get("clusterIP", ""), was.get("clusterIP", "")
    if not address and before:
        spec["clusterIP"], spec["clusterIPs"] = before, was.get("clusterIPs", [before])
    elif address != before and spec.get("clusterIPs") in (None, was.get("clusterIPs")):
        spec["clusterIPs"] = [address, *spec.get("clusterIPs", [])[1:]]
    for key in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if key not in spec and key in was:
            spec[key] = was[key]
    kept = {_port_key(port): port["nodePort"] for port in was.get("ports", ()) if port.get("nodePort")}
    if spec["type"] in ("NodePort", "LoadBalancer"):
        for port in spec.get("ports", ()):
            if not port.get("nodePort") and _port_key(port) in kept:
                port["nodePort"] = kept[_port_key(port)]
    elif was["type"] in ("NodePort", "LoadBalancer"):
        _release_node_ports(spec, kept)


def _port_key(port: dict[str, Any]) -> tuple[str, int]:
    return port.get("protocol", "TCP"), port.get("port", 0)


def _release_node_ports(spec: dict[str, Any], kept: dict[tuple[str, int], int]) -> None:
    """Release the node ports of a Service whose type no longer needs them."""
    spec.pop("externalTrafficPolicy", None)
    spec.pop("allocateLoadBalancerNodePorts", None)
    for port in spec.get("ports", ()):
        if port.get("nodePort") == kept.get(_port_key(port)):
            port.pop("nodePort", None)


CREATE = {"Service": _create}
UPDATE = {"Service": _update}
