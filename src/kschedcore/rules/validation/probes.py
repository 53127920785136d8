"""Validation of probes and lifecycle handlers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import non_negative, one_of, port_number

__all__ = ["validate_lifecycle", "validate_probe"]

_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def validate_probe(probe: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate a probe: exactly one handler, and no negative counts."""
    yield from _validate_handler(probe, path, ("exec", "httpGet", "tcpSocket", "grpc"))
    for key in _COUNTS:
        yield from non_negative(probe.get(key), f"{path}.{key}")
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        yield fe.invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0")


def validate_lifecycle(lifecycle: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate ``postStart`` and ``preStop``."""
    for key in ("postStart", "preStop"):
        if key in lifecycle:
            handlers = ("exec", "httpGet", "tcpSocket", "sleep")
            yield from _validate_handler(lifecycle[key], f"{path}.{key}", handlers)


def _validate_handler(handler: dict[str, Any], path: str, kinds: tuple[str, ...]) -> Iterator[FieldError]:
    chosen = [kind for kind in kinds if kind in handler]
    if not chosen:
        yield fe.required(path, "must specify a handler type")
    for number, kind in enumerate(chosen):
        if number:
            yield fe.forbidden(f"{path}.{kind}", "may not specify more than 1 handler type")
        else:
            yield from _HANDLERS[kind](handler[kind], f"{path}.{kind}")


def _exec(action: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not action.get("command"):
        yield fe.required(f"{path}.command")


def _port(port: int | str, path: str) -> Iterator[FieldError]:
    if isinstance(port, int):
        yield from port_number(port, path)
    else:
        yield from (fe.invalid(path, port, text) for text in rules.is_port_name(port))


def _http_get(action: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not action.get("path"):
        yield fe.required(f"{path}.path")
    yield from _port(action.get("port", 0), f"{path}.port")
    yield from one_of(action.get("scheme", ""), ("HTTP", "HTTPS"), f"{path}.scheme")
    for index, header in enumerate(action.get("httpHeaders", ())):
        name = header.get("name", "")
        texts = rules.is_http_header_name(name)
        yield from (fe.invalid(f"{path}.httpHeaders[{index}].name", name, text) for text in texts)


def _tcp_socket(action: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from _port(action.get("port", 0), f"{path}.port")


def _grpc(action: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from port_number(action.get("port", 0), f"{path}.port")


def _sleep(action: dict[str, Any], path: str) -> Iterator[FieldError]:
    if action.get("seconds", 0) < 0:
        yield fe.invalid(path, action["seconds"], "must be non-negative")


_HANDLERS = {
    "exec": _exec, "httpGet": _http_get, "tcpSocket": _tcp_socket, "grpc": _grpc, "sleep": _sleep,
}  # fmt: skip
