"""Defaults of Service, Endpoints, EndpointSlice, IngressClass and NetworkPolicy."""

from __future__ import annotations

from typing import Any

__all__ = ["DEFAULTS"]

_DEFAULT_CLIENT_IP_TIMEOUT_SECONDS = 10800
_EXTERNALLY_ACCESSIBLE = ("NodePort", "LoadBalancer")


def _service(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("sessionAffinity", "None")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        client.setdefault("timeoutSeconds", _DEFAULT_CLIENT_IP_TIMEOUT_SECONDS)
    spec.setdefault("type", "ClusterIP")
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        if port.get("targetPort", 0) in (0, ""):
            port["targetPort"] = port["port"]
    if spec["type"] in _EXTERNALLY_ACCESSIBLE:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] in ("ClusterIP", *_EXTERNALLY_ACCESSIBLE):
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    for ingress in obj["status"]["loadBalancer"].get("ingress", ()):
        if ingress.get("ip"):
            ingress.setdefault("ipMode", "VIP")


def _endpoints(obj: dict[str, Any]) -> None:
    for subset in obj.get("subsets", ()):
        for port in subset.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _endpoint_slice(obj: dict[str, Any]) -> None:
    for port in obj.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def _ingress_class(obj: dict[str, Any]) -> None:
    if "parameters" in obj["spec"]:
        obj["spec"]["parameters"].setdefault("scope", "Cluster")


def _network_policy(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
        for port in rule.get("ports", ()):
            port.setdefault("protocol", "TCP")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


DEFAULTS = {
    "Service": _service,
    "Endpoints": _endpoints,
    "EndpointSlice": _endpoint_slice,
    "IngressClass": _ingress_class,
    "NetworkPolicy": _network_policy,
}
