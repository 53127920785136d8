"""Validation of EndpointSlice and Endpoints (``pkg/apis/discovery/validation``, ``ValidateEndpoints``)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from ipaddress import ip_address
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import immutable, one_of, port_number
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_labels,
    validate_metadata,
    validate_metadata_update,
)

__all__ = ["CREATE", "UPDATE"]

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_MAX_ENDPOINTS = 1000
_MAX_PORTS = 20000
_MAX_ADDRESSES = 100
_MAX_TOPOLOGY_LABELS = 16
_MAX_HINTS = 8


def _slice(found: dict[str, Any], known: Collection[str] = ()) -> Iterator[FieldError]:
    yield from validate_metadata(found["metadata"], dns_subdomain_name, namespaced=True)
    address_type = found.get("addressType", "")
    if not address_type:
        yield fe.required("addressType")
    else:
        yield from one_of(address_type, _ADDRESS_TYPES, "addressType")
    yield from _endpoints(found.get("endpoints") or (), address_type, known)
    yield from _ports(found.get("ports") or ())


def _slice_update(found: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    # Addresses of the stored slice stay valid, whatever is required of new ones.
    known = {each for endpoint in old.get("endpoints") or () for each in endpoint.get("addresses") or ()}
    yield from validate_metadata_update(found["metadata"], old["metadata"])
    yield from _slice(found, known)
    yield from immutable(found.get("addressType", ""), old.get("addressType", ""), "addressType")


def _endpoints(
    endpoints: Collection[dict[str, Any]], address_type: str, known: Collection[str]
) -> Iterator[FieldError]:
    if len(endpoints) > _MAX_ENDPOINTS:
        yield fe.too_many("endpoints", len(endpoints), _MAX_ENDPOINTS)
        return
    for index, endpoint in enumerate(endpoints):
        path = f"endpoints[{index}]"
        addresses = endpoint.get("addresses") or ()
        if not addresses:
            yield fe.required(f"{path}.addresses", "must contain at least 1 address")
        elif len(addresses) > _MAX_ADDRESSES:
            yield fe.too_many(f"{path}.addresses", len(addresses), _MAX_ADDRESSES)
        for number, address in enumerate(addresses):
            yield from _typed_address(address, address_type, f"{path}.addresses[{number}]", known)
        yield from _endpoint(endpoint, path)


def _endpoint(endpoint: dict[str, Any], path: str) -> Iterator[FieldError]:
    node, host = endpoint.get("nodeName"), endpoint.get("hostname")
    if node is not None:
        texts = rules.is_dns1123_subdomain(node)
        yield from (fe.invalid(f"{path}.nodeName", node, text) for text in texts)
    topology = endpoint.get("deprecatedTopology", {})
    if len(topology) > _MAX_TOPOLOGY_LABELS:
        yield fe.too_many(f"{path}.deprecatedTopology", len(topology), _MAX_TOPOLOGY_LABELS)
    yield from validate_labels(topology, f"{path}.deprecatedTopology")
    if host is not None:
        yield from (fe.invalid(f"{path}.hostname", host, text) for text in rules.is_dns1123_label(host))
    hints = endpoint.get("hints", {})
    yield from _hints(hints.get("forZones", ()), f"{path}.hints.forZones", rules.is_label_value)
    yield from _hints(hints.get("forNodes", ()), f"{path}.hints.forNodes", rules.is_dns1123_subdomain)


def _hints(
    hints: Collection[dict[str, Any]], path: str, problems: Callable[[str], Iterable[str]]
) -> Iterator[FieldError]:
    if len(hints) > _MAX_HINTS:
        yield fe.too_many(path, len(hints), _MAX_HINTS)
        return
    seen: set[str] = set()
    for index, hint in enumerate(hints):
        where, name = f"{path}[{index}].name", hint.get("name", "")
        if name in seen:
            yield fe.duplicate(where, name)
        seen.add(name)
        yield from (fe.invalid(where, name, text) for text in problems(name))


def _typed_address(
    address: str, address_type: str, path: str, known: Collection[str]
) -> Iterator[FieldError]:
    if address_type == "FQDN":
        yield from _domain_name(address, path)
    elif address_type in ("IPv4", "IPv6"):
        texts = () if address in known else rules.is_ip(address)
        if texts:
            yield from (fe.invalid(path, address, text) for text in texts)
            return
        if (":" in address) != (address_type == "IPv6"):
            yield fe.invalid(path, address, f"must be an {address_type} address")
        yield from _endpoint_address(address, path)


def _domain_name(name: str, path: str) -> Iterator[FieldError]:
    """At least two labels, with or without a final dot (``IsFullyQualifiedDomainName``)."""
    if not name:
        yield fe.required(path)
        return
    name = name.removesuffix(".")
    problems = rules.is_dns1123_subdomain(name)
    if problems:
        yield fe.invalid(path, name, ",".join(problems))
    elif "." not in name:
        yield fe.invalid(path, name, "should be a domain with at least two segments separated by dots")
    else:
        for label in name.split("."):
            if texts := rules.is_dns1123_label(label):
                yield fe.invalid(path, label, ",".join(texts))
                return


def _endpoint_address(text: str, path: str) -> Iterator[FieldError]:
    """An address that traffic can be sent to (``ValidateEndpointIP``)."""
    try:
        address = ip_address(text)
    except ValueError:  # An address of the stored object in a form that is no longer valid.
        return
    if address.is_unspecified:
        yield fe.invalid(path, text, f"may not be unspecified ({text})")
    if address.is_loopback:
        yield fe.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        yield fe.invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if text.startswith("224.0.0.") or (address.version == 6 and address.packed[:2] == b"\xff\x02"):
        detail = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        yield fe.invalid(path, text, detail)


def _ports(ports: Collection[dict[str, Any]]) -> Iterator[FieldError]:
    if len(ports) > _MAX_PORTS:
        yield fe.too_many("ports", len(ports), _MAX_PORTS)
        return
    names: set[str] = set()
    for index, port in enumerate(ports):
        path, name, protocol = f"ports[{index}]", port.get("name", ""), port.get("protocol")
        if name:
            yield from (fe.invalid(f"{path}.name", name, text) for text in rules.is_dns1123_label(name))
        if name in names:
            yield fe.duplicate(f"{path}.name", name)
        names.add(name)
        if protocol is None:
            yield fe.required(f"{path}.protocol")
        else:
            yield from one_of(protocol, _PROTOCOLS, f"{path}.protocol")
        application = port.get("appProtocol")
        if application is not None:
            texts = rules.is_qualified_name(application)
            yield from (fe.invalid(f"{path}.appProtocol", application, text) for text in texts)


def _legacy(endpoints: dict[str, Any], known: Collection[str] = ()) -> Iterator[FieldError]:
    yield from validate_metadata(endpoints["metadata"], dns_subdomain_name, namespaced=True)
    for index, subset in enumerate(endpoints.get("subsets", ())):
        path = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            yield fe.required(path, "must specify `addresses` or `notReadyAddresses`")
        for key in ("addresses", "notReadyAddresses"):
            for number, address in enumerate(subset.get(key, ())):
                yield from _legacy_address(address, f"{path}.{key}[{number}]", known)
        several = len(subset.get("ports", ())) > 1
        for number, port in enumerate(subset.get("ports", ())):
            yield from _legacy_port(port, f"{path}.ports[{number}]", needs_name=several)


def _legacy_update(endpoints: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    known = {
        address.get("ip", "")
        for subset in old.get("subsets", ())
        for key in ("addresses", "notReadyAddresses")
        for address in subset.get(key, ())
    }
    yield from validate_metadata_update(endpoints["metadata"], old["metadata"])
    yield from _legacy(endpoints, known)


def _legacy_address(address: dict[str, Any], path: str, known: Collection[str]) -> Iterator[FieldError]:
    text, host, node = address.get("ip", ""), address.get("hostname", ""), address.get("nodeName")
    texts = () if text in known else rules.is_ip(text)
    yield from (fe.invalid(f"{path}.ip", text, each) for each in texts)
    if host:
        yield from (fe.invalid(f"{path}.hostname", host, each) for each in rules.is_dns1123_label(host))
    if node is not None:
        yield from (fe.invalid(f"{path}.nodeName", node, each) for each in rules.is_dns1123_subdomain(node))
    if not texts:
        yield from _endpoint_address(text, f"{path}.ip")


def _legacy_port(port: dict[str, Any], path: str, *, needs_name: bool) -> Iterator[FieldError]:
    name, protocol = port.get("name", ""), port.get("protocol", "")
    if needs_name and not name:
        yield fe.required(f"{path}.name")
    elif name:
        yield from (fe.invalid(f"{path}.name", name, text) for text in rules.is_dns1123_label(name))
    yield from port_number(port.get("port", 0), f"{path}.port")
    if not protocol:
        yield fe.required(f"{path}.protocol")
    else:
        yield from one_of(protocol, _PROTOCOLS, f"{path}.protocol")
    application = port.get("appProtocol")
    if application is not None:
        texts = rules.is_qualified_name(application)
        yield from (fe.invalid(f"{path}.appProtocol", application, text) for text in texts)


CREATE = {"Endpoints": _legacy, "EndpointSlice": _slice}
UPDATE = {"Endpoints": _legacy_update, "EndpointSlice": _slice_update}
