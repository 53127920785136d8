"""Names of drivers, pools, devices and their attributes (``pkg/apis/resource/validation``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError

__all__ = [
    "validate_dns_label", "validate_driver_name", "validate_fully_qualified_name", "validate_label_key",
    "validate_label_value", "validate_pool_name", "validate_qualified_name", "validate_subdomain",
]  # fmt: skip

_MAX_DRIVER: Final = 63
_MAX_POOL: Final = 253
_MAX_IDENTIFIER: Final = 32
_IDENTIFIER: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_NOT_AN_IDENTIFIER: Final = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
    "characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is "
    f"'{_IDENTIFIER.pattern}')"
)


def validate_dns_label(name: str, path: str) -> Iterable[FieldError]:
    """Validate the name of a request, device, counter or counter set."""
    return (fe.invalid(path, name, text) for text in rules.is_dns1123_label(name))


def validate_subdomain(name: str, path: str) -> Iterable[FieldError]:
    """Validate the required name of a device class or node."""
    if not name:
        return [fe.required(path)]
    return [fe.invalid(path, name, text) for text in rules.is_dns1123_subdomain(name)]


def validate_driver_name(name: str, path: str) -> Iterable[FieldError]:
    """Validate a driver name, by the rule of CSI drivers."""
    if not name:
        yield fe.required(path)
        return
    if len(name) > _MAX_DRIVER:
        yield fe.too_long(path, _MAX_DRIVER)
    yield from (fe.invalid(path, name, text) for text in rules.is_dns1123_subdomain(name.lower()))


def validate_pool_name(name: str, path: str) -> Iterable[FieldError]:
    """Validate a pool name: DNS subdomains separated by slashes."""
    if not name:
        yield fe.required(path)
        return
    if len(name) > _MAX_POOL:
        yield fe.too_long(path, _MAX_POOL)
    for part in name.split("/"):
        yield from (fe.invalid(path, part, text) for text in rules.is_dns1123_subdomain(part))


def validate_qualified_name(name: str, path: str) -> Iterable[FieldError]:
    """Validate the name of an attribute or capacity: an identifier, with a domain if it is not the driver's."""
    domain, slash, identifier = name.partition("/")
    if not slash:
        yield from _identifier(name, path)
    elif "/" in identifier:
        yield fe.invalid(path, name, "must not contain more than one slash")
    else:
        if domain:
            yield from validate_driver_name(domain, path)
        else:
            yield fe.invalid(path, "", "the domain must not be empty")
        if identifier:
            yield from _identifier(identifier, path)
        else:
            yield fe.invalid(path, "", "the name must not be empty")


def validate_fully_qualified_name(name: str, path: str) -> Iterable[FieldError]:
    """Validate a qualified name with a domain."""
    yield from validate_qualified_name(name, path)
    if "/" not in name:
        detail = "a fully qualified name must be a domain and a name separated by a slash"
        yield fe.invalid(path, name, detail)


def _identifier(name: str, path: str) -> Iterable[FieldError]:
    if len(name) > _MAX_IDENTIFIER:
        yield fe.too_long(path, _MAX_IDENTIFIER)
    if not _IDENTIFIER.fullmatch(name):
        yield fe.invalid(path, name, _NOT_AN_IDENTIFIER)


def validate_label_key(key: str, path: str) -> Iterable[FieldError]:
    """Validate the key of a taint or toleration, or the type of a condition."""
    return (fe.invalid(path, key, text) for text in rules.is_qualified_name(key))


def validate_label_value(value: str, path: str) -> Iterable[FieldError]:
    """Validate the value of a taint or toleration."""
    return (fe.invalid(path, value, text) for text in rules.is_label_value(value))
