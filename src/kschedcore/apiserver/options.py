"""Query parameters and delete options, decoded as in the API server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.status import StatusError, bad_request
from kschedcore.api.machinery.types import UID, ResourceVersion
from kschedcore.api.schema import object_type
from kschedcore.api.schema.decode import DecodeError, decode_object
from kschedcore.apiserver.admission.types import FieldValidation
from kschedcore.client.transport import NO_QUERY, Query

__all__ = ["DeleteOptions", "WriteOptions", "delete_options", "integer", "is_set", "refuse", "write_options"]

_MANAGER_LIMIT = 128
_POLICIES = ("Foreground", "Background", "Orphan")
_INT64 = 1 << 63
_INT64_DIGITS = 20


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The common options of creates, updates and patches."""

    dry_run: bool
    manager: str
    validation: FieldValidation
    force: bool


_DEFAULTS = WriteOptions(dry_run=False, manager="", validation="Warn", force=False)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """``metav1.DeleteOptions``; None for options that are not set."""

    dry_run: bool
    grace_seconds: int | None
    propagation: str | None
    orphan_dependents: bool | None
    uid: UID | None
    version: ResourceVersion | None


def integer(text: str) -> int:
    """Parse a decimal integer of 64 bits; 400 with ``strconv``'s message if it is invalid."""
    if text.removeprefix("-").removeprefix("+").isdecimal() and text.isascii():
        # Python refuses to parse thousands of digits.
        number = int(text) if len(text) <= _INT64_DIGITS else _INT64
        if -_INT64 <= number < _INT64:
            return number
        raise bad_request(f'strconv.ParseInt: parsing "{text}": value out of range')
    raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')


def is_set(query: Query, name: str) -> bool:
    """Return whether a flag is set: given, and neither 0 nor false (``Convert_Slice_string_To_bool``)."""
    return name in query and query[name].lower() not in ("0", "false")


def write_options(query: Query, *, kind: str, apply: bool = False) -> WriteOptions:
    """Decode the options of a write.

    Args:
        query: The query parameters.
        kind: ``CreateOptions``, ``UpdateOptions`` or ``PatchOptions``, for messages.
        apply: Whether it is a server-side apply, which needs a manager and may be forced.

    Raises:
        StatusError: 422 with every error.
    """
    if query is NO_QUERY and not apply:
        return _DEFAULTS
    errors: list[FieldError] = []
    manager = query.get("fieldManager", "")
    force = is_set(query, "force")
    if apply and not manager:
        errors.append(fe.required("fieldManager", "is required for apply patch"))
    elif len(manager) > _MANAGER_LIMIT:
        errors.append(fe.too_long("fieldManager", _MANAGER_LIMIT))
    elif not manager.isprintable():
        errors.append(fe.invalid("fieldManager", manager, "should only contain printable characters"))
    if force and not apply:
        errors.append(fe.forbidden("force", "may not be specified for non-apply patch"))
    errors += _dry_run_errors(query.all("dryRun"))
    validation = query.get("fieldValidation") or "Warn"
    if validation not in ("Ignore", "Warn", "Strict"):
        errors.append(fe.not_supported("fieldValidation", validation, ("", "Ignore", "Strict", "Warn")))
    refuse(errors, kind)
    return WriteOptions(any(query.all("dryRun")), manager, cast("FieldValidation", validation), force)


def _dry_run_errors(values: Sequence[Any]) -> list[FieldError]:
    if all(value in ("", "All") for value in values):
        return []
    return [fe.not_supported("dryRun", list(values), ("All",))]


def delete_options(body: Mapping[str, Any] | None, query: Query) -> DeleteOptions:
    """Decode the options of a deletion, from the body if there is one, else from the query.

    Raises:
        StatusError: 422 with every error, 400 for invalid values.
    """
    if body:
        body = _typed(body)
        preconditions = body.get("preconditions") or {}
        dry_run: Sequence[Any] = body.get("dryRun") or []
        grace, propagation = body.get("gracePeriodSeconds"), body.get("propagationPolicy")
        orphan = body.get("orphanDependents")
    else:
        preconditions = {}
        dry_run = query.all("dryRun")
        grace = integer(query["gracePeriodSeconds"]) if query.get("gracePeriodSeconds") else None
        propagation = query.get("propagationPolicy") or None
        orphan = is_set(query, "orphanDependents") if "orphanDependents" in query else None
    errors: list[FieldError] = []
    if propagation is not None and orphan is not None:
        errors.append(
            fe.invalid(
                "propagationPolicy",
                propagation,
                "orphanDependents and deletionPropagation cannot be both set",
            )
        )
    elif propagation is not None and propagation not in _POLICIES:
        errors.append(fe.not_supported("propagationPolicy", propagation, (*_POLICIES, "nil")))
    errors += _dry_run_errors(dry_run)
    refuse(errors, "DeleteOptions")
    uid, version = preconditions.get("uid"), preconditions.get("resourceVersion")
    return DeleteOptions(any(dry_run), grace, propagation, orphan, uid, version)


def _typed(body: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return decode_object(object_type("meta.v1.DeleteOptions"), body)[0]
    except DecodeError as fault:
        raise bad_request(str(fault)) from None


def refuse(errors: list[FieldError], kind: str) -> None:
    """Raise 422 with the errors of options, if there are any."""
    if errors:
        causes = [{"reason": e.type.value, "message": e.message, "field": e.field} for e in errors]
        listed = str(errors[0]) if len(errors) == 1 else f"[{', '.join(map(str, errors))}]"
        message = f'{kind}.meta.k8s.io "" is invalid: {listed}'
        details = {"group": "meta.k8s.io", "kind": kind, "causes": causes}
        raise StatusError(422, "Invalid", message, details)
