"""Validation of Ingress, IngressClass and NetworkPolicy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import immutable, one_of, port_number, validate_label_selector
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)

__all__ = ["CREATE", "UPDATE"]

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_FORBIDDEN_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_FORBIDDEN_SUFFIXES = ("/..", "/.")
_MAX_CONTROLLER_BYTES = 250
_SCOPES = ("Cluster", "Namespace")
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def _ingress(ingress: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(ingress["metadata"], dns_subdomain_name, namespaced=True)
    yield from _ingress_spec(ingress["spec"])


def _ingress_update(ingress: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(ingress["metadata"], old["metadata"])
    yield from _ingress_spec(ingress["spec"])


def _ingress_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    if not spec.get("rules") and "defaultBackend" not in spec:
        nothing = fe.NULL
        yield fe.invalid("spec", nothing, "either `defaultBackend` or `rules` must be specified")
    if "defaultBackend" in spec:
        yield from _backend(spec["defaultBackend"], "spec.defaultBackend")
    for index, rule in enumerate(spec.get("rules", ())):
        path = f"spec.rules[{index}]"
        yield from _host(rule.get("host", ""), f"{path}.host")
        if "http" in rule:
            yield from _http(rule["http"], f"{path}.http")
    for index, tls in enumerate(spec.get("tls", ())):
        for number, host in enumerate(tls.get("hosts", ())):
            yield from _dns_name(host, f"spec.tls[{index}].hosts[{number}]")
        secret = tls.get("secretName", "")
        if secret:
            where = f"spec.tls[{index}].secretName"
            yield from (fe.invalid(where, secret, t) for t in rules.is_dns1123_subdomain(secret))
    name = spec.get("ingressClassName")
    if name is not None:
        yield from (fe.invalid("spec.ingressClassName", name, t) for t in rules.is_dns1123_subdomain(name))


def _host(host: str, path: str) -> Iterator[FieldError]:
    if host:
        if not rules.is_ip(host):  # an address that is not strictly valid is not a DNS name either
            yield fe.invalid(path, host, "must be a DNS name, not an IP address")
        yield from _dns_name(host, path)


def _dns_name(host: str, path: str) -> Iterator[FieldError]:
    check = rules.is_wildcard_dns1123_subdomain if "*" in host else rules.is_dns1123_subdomain
    yield from (fe.invalid(path, host, text) for text in check(host))


def _http(http: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not http.get("paths"):
        yield fe.required(f"{path}.paths")
    for index, entry in enumerate(http.get("paths") or ()):
        where = f"{path}.paths[{index}]"
        kind, value = entry.get("pathType"), entry.get("path", "")
        if kind is None:
            yield fe.required(f"{where}.pathType", "pathType must be specified")
        elif kind in ("Exact", "Prefix"):
            yield from _path(value, f"{where}.path")
        elif kind == "ImplementationSpecific":
            if value and not value.startswith("/"):
                yield fe.invalid(f"{where}.path", value, "must be an absolute path")
        else:
            yield from one_of(kind, _PATH_TYPES, f"{where}.pathType")
        yield from _backend(entry["backend"], f"{where}.backend")


def _path(value: str, path: str) -> Iterator[FieldError]:
    if not value.startswith("/"):
        yield fe.invalid(path, value, "must be an absolute path")
    if value:
        for sequence in _FORBIDDEN_SEQUENCES:
            if sequence in value:
                yield fe.invalid(path, value, f"must not contain '{sequence}'")
        for suffix in _FORBIDDEN_SUFFIXES:
            if value.endswith(suffix):
                yield fe.invalid(path, value, f"cannot end with '{suffix}'")


def _backend(backend: dict[str, Any], path: str) -> Iterator[FieldError]:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        yield fe.invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        for key in ("kind", "name"):
            if not resource.get(key):
                yield fe.required(f"{path}.resource.{key}")
    elif service is not None:
        yield from _service_backend(service, path)
    else:
        yield fe.invalid(path, "", "resource or service backend is required")


def _service_backend(service: dict[str, Any], path: str) -> Iterator[FieldError]:
    name, port = service.get("name", ""), service["port"]
    if not name:
        yield fe.required(f"{path}.service.name")
    else:
        texts = rules.is_dns1123_label(name)
        yield from (fe.invalid(f"{path}.service.name", name, text) for text in texts)
    port_name, number = port.get("name", ""), port.get("number", 0)
    if port_name and number:
        yield fe.invalid(path, "", "cannot set both port name & port number")
    elif port_name:
        texts = rules.is_port_name(port_name)
        yield from (fe.invalid(f"{path}.service.port.name", port_name, text) for text in texts)
    elif number:
        yield from port_number(number, f"{path}.service.port.number")
    else:
        yield fe.required(path, "port name or number is required")


def _ingress_class(found: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(found["metadata"], dns_subdomain_name, namespaced=False)
    controller = found["spec"].get("controller", "")
    if len(controller.encode()) > _MAX_CONTROLLER_BYTES:
        yield fe.too_long("spec.controller", _MAX_CONTROLLER_BYTES)
    yield from _domain_prefixed_path(controller, "spec.controller")
    if "parameters" in found["spec"]:
        yield from _class_parameters(found["spec"]["parameters"], "spec.parameters")


def _ingress_class_update(found: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(found["metadata"], old["metadata"])
    controllers = found["spec"].get("controller", ""), old["spec"].get("controller", "")
    yield from immutable(*controllers, "spec.controller")
    yield from _ingress_class(found)


def _domain_prefixed_path(text: str, path: str) -> Iterator[FieldError]:
    """A path such as ``acme.io/foo`` (``IsDomainPrefixedPath``)."""
    host, _, rest = text.partition("/")
    if not text:
        yield fe.required(path)
    elif not host or not rest:
        yield fe.invalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        yield from (fe.invalid(path, host, problem) for problem in rules.is_dns1123_subdomain(host))
        if not re.fullmatch(_HTTP_PATH, rest):
            yield fe.invalid(path, rest, f"Invalid path (regex used for validation is '{_HTTP_PATH}')")


def _class_parameters(parameters: dict[str, Any], path: str) -> Iterator[FieldError]:
    group = parameters.get("apiGroup")
    if group is not None:
        texts = rules.is_dns1123_subdomain(group)
        yield from (fe.invalid(f"{path}.apiGroup", group, text) for text in texts)
    for key in ("kind", "name"):
        value = parameters.get(key, "")
        if not value:
            yield fe.required(f"{path}.{key}")
        texts = rules.is_path_segment_name(value)
        yield from (fe.invalid(f"{path}.{key}", value, text) for text in texts)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope is None:
        yield fe.required(f"{path}.scope")
    elif scope not in _SCOPES:
        yield fe.not_supported(f"{path}.scope", scope, _SCOPES)
    elif namespace is None:
        if scope == "Namespace":
            yield fe.required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Namespace":
        texts = rules.is_dns1123_label(namespace)
        yield from (fe.invalid(f"{path}.namespace", namespace, text) for text in texts)
    else:
        yield fe.forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")


def _network_policy(policy: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(policy["metadata"], dns_subdomain_name, namespaced=True)
    yield from _network_policy_spec(policy["spec"])


def _network_policy_update(policy: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(policy["metadata"], old["metadata"])
    yield from _network_policy_spec(policy["spec"])


def _network_policy_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    yield from validate_label_selector(spec.get("podSelector", {}), "spec.podSelector")
    for index, kind in enumerate(spec.get("policyTypes", ())):
        yield from one_of(kind, ("Egress", "Ingress"), f"spec.policyTypes[{index}]")
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction, ())):
            for number, peer in enumerate(rule.get(side, ())):
                yield from _peer(peer, f"spec.{direction}[{index}].{side}[{number}]")


def _peer(peer: dict[str, Any], path: str) -> Iterator[FieldError]:
    for key in ("podSelector", "namespaceSelector"):
        if key in peer:
            yield from validate_label_selector(peer[key], f"{path}.{key}")
    if not peer:
        yield fe.required(path, "must specify a peer")
    elif "ipBlock" in peer and len(peer) > 1:
        yield fe.forbidden(path, "may not specify both ipBlock and another peer")
    elif "ipBlock" in peer:
        yield from _ip_block(peer["ipBlock"], f"{path}.ipBlock")


def _ip_block(block: dict[str, Any], path: str) -> Iterator[FieldError]:
    cidr = block.get("cidr", "")
    if not cidr:
        yield fe.required(f"{path}.cidr")
        return
    problems = rules.is_cidr(cidr)
    yield from (fe.invalid(f"{path}.cidr", cidr, text) for text in problems)
    for index, hole in enumerate(() if problems else block.get("except", ())):
        where = f"{path}.except[{index}]"
        texts = rules.is_cidr(hole)
        yield from (fe.invalid(where, hole, text) for text in texts)
        if not texts and not _is_inside(hole, cidr):
            yield fe.invalid(where, hole, "must be a strict subset of `cidr`")


def _is_inside(hole: str, cidr: str) -> bool:
    inner, outer = ip_network(hole), ip_network(cidr)
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner != outer and inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner != outer and inner.subnet_of(outer)
    return False


CREATE = {"Ingress": _ingress, "IngressClass": _ingress_class, "NetworkPolicy": _network_policy}
UPDATE = {
    "Ingress": _ingress_update,
    "IngressClass": _ingress_class_update,
    "NetworkPolicy": _network_policy_update,
}
