"""Validation of ConfigMap and Secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

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
# The required key of each type of secret.
_SECRET_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
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
    size = sum(len(v.encode()) for v in data.values()) + sum(len(v) * 3 // 4 for v in binary.values())
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
    if sum(len(value) * 3 // 4 for value in data.values()) > _MAX_BYTES:
        yield fe.too_long("data", _MAX_BYTES)
    for key in _SECRET_KEYS.get(secret.get("type", ""), ()):
        if key not in data:
            yield fe.required(f"data[{key}]")


def _secret_update(secret: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(secret["metadata"], old["metadata"])
    yield from fixed_fields("secrets", secret, old)
    yield from _immutable(secret, old, ("data",))
    yield from _secret(secret)


CREATE = {"ConfigMap": _config_map, "Secret": _secret}
UPDATE = {"ConfigMap": _config_map_update, "Secret": _secret_update}
