"""Validation of Event (``legacyValidateEvent`` in ``pkg/apis/core/validation/events.go``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import immutable
from kschedcore.rules.validation.metadata import path_segment_name, validate_metadata

__all__ = ["CREATE", "UPDATE", "validate_version"]

_MAX_INSTANCE = _MAX_ACTION = _MAX_REASON = 128
_MAX_NOTE = 1024
_UNNAMESPACED = ("default", "kube-system")


def _event(event: dict[str, Any]) -> Iterator[FieldError]:
    yield from validate_metadata(event["metadata"], path_segment_name, namespaced=True)
    yield from _legacy(event)


def _event_update(event: dict[str, Any], _old: dict[str, Any]) -> Iterator[FieldError]:
    return _legacy(event)


def _legacy(event: dict[str, Any]) -> Iterator[FieldError]:
    namespace = event["metadata"].get("namespace", "")
    about = event["involvedObject"].get("namespace", "")
    mismatch = fe.invalid("involvedObject.namespace", about, "does not match event.namespace")
    if not event.get("eventTime"):
        if (about and about != namespace) or (not about and namespace not in ("", "default")):
            yield mismatch
    else:
        if not about and namespace not in _UNNAMESPACED:
            yield mismatch
        yield from _new_fields(event)
    yield from (fe.invalid("namespace", namespace, text) for text in rules.is_dns1123_subdomain(namespace))


def _new_fields(event: dict[str, Any]) -> Iterator[FieldError]:
    controller = event.get("reportingComponent", "")
    if not controller:
        yield fe.required("reportingController")
    yield from (fe.invalid("reportingController", controller, t) for t in rules.is_qualified_name(controller))
    for key, most in (("reportingInstance", _MAX_INSTANCE), ("action", _MAX_ACTION), ("reason", _MAX_REASON)):
        if not event.get(key):
            yield fe.required(key)
        elif len(event[key].encode()) > most:
            yield fe.invalid(key, "", f"can have at most {most} characters")
    if len(event.get("message", "").encode()) > _MAX_NOTE:
        yield fe.invalid("message", "", f"can have at most {_MAX_NOTE} characters")


_FIXED = (
    "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type",
    "eventTime", "action", "related", "reportingComponent", "reportingInstance",
)  # fmt: skip
_UNSET = ("firstTimestamp", "lastTimestamp", "count", "source")


def validate_version(event: dict[str, Any], old: dict[str, Any] | None) -> Iterator[FieldError]:
    """Return what ``events.k8s.io/v1`` requires of an event beyond ``v1``; ``old`` is None for a new one."""
    if old is None:
        yield from _series(event)
        if not event.get("eventTime"):
            yield fe.required("eventTime")
        kind = event.get("type", "")
        if kind not in ("Normal", "Warning"):
            yield fe.invalid("type", "", f"has invalid value: {kind}")
        yield from (fe.invalid(key, "", "needs to be unset") for key in _UNSET if event.get(key))
        return
    if event.get("series") != old.get("series"):
        yield from _series(event)
    for key in _FIXED:
        path = "reportingController" if key == "reportingComponent" else key
        yield from immutable(event.get(key), old.get(key), path, "core.ObjectReference")


def _series(event: dict[str, Any]) -> Iterator[FieldError]:
    series = event.get("series")
    if series is None:
        return
    if series.get("count", 0) < 2:
        yield fe.invalid("series.count", "", "should be at least 2")
    if not series.get("lastObservedTime"):
        yield fe.required("series.lastObservedTime")


CREATE = {"Event": _event}
UPDATE = {"Event": _event_update}
