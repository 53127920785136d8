"""Validation of ConfigMap and Secret."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import fixed_fields
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)

__all__ = ["CREATE", "UPDATE"]

_MAX_BYTES = 1024 * 1024
_ACCOUNT = "kubernetes.io/service-account.name"
_REDACTED = "<secret contents redacted>"
_DOCKER_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}


def _keys(data: dict[str, str], path: str) -> Iterator[FieldError]:
    for key in data:
        yield from (fe.invalid(f"{path}[{key}]", key, text) for text in rules.is_config_map_key(key))


def _config_map(config_map: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(config_map["metadata"], dns_subdomain_name, namespaced=True)
    yield from _config_map_data(config_map)


def _config_map_data(config_map: dict[str, Any]) -> Iterator[FieldError]:
    data, binary = config_map.get("data", {}), config_map.get("binaryData", {})
    for path, values in (("data", data), ("binaryData", binary)):
        yield from _keys(values, path)
    for key in data.keys() & binary.keys():
        yield fe.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    size = sum(len(v.encode()) for v in data.values()) + sum(map(_decoded_size, binary.values()))
    if size > _MAX_BYTES:
        yield fe.too_long("", _MAX_BYTES)


def _config_map_update(config_map: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(config_map["metadata"], old["metadata"])
    yield from _immutable(config_map, old, ("data", "binaryData"))
    yield from _config_map(config_map)


def _immutable(new: dict[str, Any], old: dict[str, Any], fields: tuple[str, ...]) -> Iterator[FieldError]:
    if old.get("immutable"):
        detail = "field is immutable when `immutable` is set"
        if not new.get("immutable"):
            yield fe.forbidden("immutable", detail)
        for field in fields:
            if new.get(field) != old.get(field):
                yield fe.forbidden(field, detail)


def _secret(secret: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(secret["metadata"], dns_subdomain_name, namespaced=True)
    yield from _secret_data(secret)


def _secret_data(secret: dict[str, Any]) -> Iterator[FieldError]:
    data = secret.get("data", {})
    yield from _keys(data, "data")
    if sum(map(_decoded_size, data.values())) > _MAX_BYTES:
        yield fe.too_long("data", _MAX_BYTES)
    yield from _typed(secret, data)


def _typed(secret: dict[str, Any], data: dict[str, str]) -> Iterator[FieldError]:
    """The required keys of a secret of each type; the paths with ``%s`` are Kubernetes' own."""
    match secret.get("type", ""):
        case "kubernetes.io/service-account-token":
            if not secret["metadata"].get("annotations", {}).get(_ACCOUNT):
                yield fe.required(f"metadata.annotations[{_ACCOUNT}]")
        case ("kubernetes.io/dockercfg" | "kubernetes.io/dockerconfigjson") as kind:
            yield from _json_object(data, _DOCKER_KEYS[kind])
        case "kubernetes.io/basic-auth":
            if not {"username", "password"} & data.keys():
                yield fe.required("data[%s][username]")
                yield fe.required("data[%s][password]")
        case "kubernetes.io/ssh-auth":
            if not data.get("ssh-privatekey"):
                yield fe.required("data[%s][ssh-privatekey]")
        case "kubernetes.io/tls":
            for key in ("tls.crt", "tls.key"):
                if key not in data:
                    yield fe.required(f"data[{key}]")


def _json_object(data: dict[str, str], key: str) -> Iterator[FieldError]:
    """Yield the fault of a value that is no JSON object; the message shows nothing of the value."""
    path = f"data[{key}]"
    if key not in data:
        yield fe.required(path)
        return
    try:
        found = msgspec.json.decode(base64.b64decode(data[key]))
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = base64.b64decode(data[key]).strip()
        yield fe.invalid(path, _REDACTED, "invalid JSON" if text else "unexpected end of JSON input")
        return
    if not isinstance(found, dict | None):
        kind = _GO_KINDS[type(found)]
        problem = f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
        yield fe.invalid(path, _REDACTED, problem)


_GO_KINDS: dict[type, str] = {list: "array", str: "string", int: "number", float: "number", bool: "bool"}


def _decoded_size(text: str) -> int:
    """The number of bytes that a base64 text decodes to."""
    return len(text) * 3 // 4 - text[-2:].count("=")


def _secret_update(secret: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(secret["metadata"], old["metadata"])
    yield from fixed_fields("secrets", secret, old)
    yield from _immutable(secret, old, ("data",))
    yield from _secret(secret)


CREATE = {"ConfigMap": _config_map, "Secret": _secret}
UPDATE = {"ConfigMap": _config_map_update, "Secret": _secret_update}
