"""Field errors of validation, with the messages of apimachinery's ``pkg/util/validation/field``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kschedcore.api.machinery.confidential import masked

__all__ = [
    "NULL", "ErrorType", "FieldError", "Verbatim", "duplicate", "forbidden", "go_struct", "in_field_order", "invalid",
    "not_found", "not_supported", "quote", "required", "too_long", "too_many",
]  # fmt: skip


class ErrorType(StrEnum):
    """``metav1.CauseType``: the type of a field error."""

    NOT_FOUND = "FieldValueNotFound"
    REQUIRED = "FieldValueRequired"
    DUPLICATE = "FieldValueDuplicate"
    INVALID = "FieldValueInvalid"
    NOT_SUPPORTED = "FieldValueNotSupported"
    FORBIDDEN = "FieldValueForbidden"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    INTERNAL = "InternalError"


_TEXTS = {
    ErrorType.NOT_FOUND: "Not found",
    ErrorType.REQUIRED: "Required value",
    ErrorType.DUPLICATE: "Duplicate value",
    ErrorType.INVALID: "Invalid value",
    ErrorType.NOT_SUPPORTED: "Unsupported value",
    ErrorType.FORBIDDEN: "Forbidden",
    ErrorType.TOO_LONG: "Too long",
    ErrorType.TOO_MANY: "Too many",
    ErrorType.INTERNAL: "Internal error",
}
_WITHOUT_VALUE = {ErrorType.REQUIRED, ErrorType.FORBIDDEN, ErrorType.TOO_LONG, ErrorType.INTERNAL}


class Verbatim(str):
    """A value printed without quotes."""

    __slots__ = ()


NULL = Verbatim("null")
"""A list or map that is absent."""


def quote(text: str) -> str:
    """Return ``text`` in double quotes, escaped like Go's ``%q``."""
    return json.dumps(text, ensure_ascii=False)


def in_field_order(value: Any) -> Verbatim:
    """Return a struct, or a list of structs, with the fields in the order of their declaration."""
    return Verbatim(json.dumps(masked(value), separators=(",", ":"), ensure_ascii=False))


def go_struct(type_name: str, value: Any) -> Verbatim:
    """Return a value that the server prints as a Go struct: its type, and the value's JSON for the fields.

    The server prints values as JSON if possible. Its internal types cannot be, and are printed with pointers and
    internals (``core.PodSpec{Volumes:[]core.Volume(nil), …}``); here only the type is the same.
    """
    text = json.dumps(masked(value), separators=(",", ":"), ensure_ascii=False)
    return Verbatim(type_name + (text if isinstance(value, dict) else f"{{{text}}}"))


def _printed(value: Any) -> str:
    if isinstance(value, Verbatim):
        return str(value)
    if isinstance(value, str):
        return quote(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error of one field.

    Attributes:
        type: The type of the error.
        field: Path of the field, ``spec.containers[0].image``.
        value: The value, printed in the message except for some types.
        detail: What was expected.
    """

    type: ErrorType
    field: str
    value: Any
    detail: str = ""

    @property
    def message(self) -> str:
        """The message without the field, as in a cause of a ``Status``."""
        text = _TEXTS[self.type]
        if self.type not in _WITHOUT_VALUE:
            text = f"{text}: {_printed(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"

    def below(self, path: str) -> FieldError:
        """Return the error of an object that is the field ``path`` of another one."""
        return FieldError(self.type, f"{path}.{self.field}", self.value, self.detail)


def required(field: str, detail: str = "") -> FieldError:
    """Return the error for a missing required field."""
    return FieldError(ErrorType.REQUIRED, field, "", detail)


def invalid(field: str, value: Any, detail: str) -> FieldError:
    """Return the error for an invalid value."""
    return FieldError(ErrorType.INVALID, field, value, detail)


def not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    """Return the error for an unsupported value, with the supported ones in the given order."""
    detail = "supported values: " + ", ".join(quote(item) for item in supported)
    return FieldError(ErrorType.NOT_SUPPORTED, field, value, detail)


def duplicate(field: str, value: Any) -> FieldError:
    """Return the error for a duplicate value."""
    return FieldError(ErrorType.DUPLICATE, field, value)


def forbidden(field: str, detail: str) -> FieldError:
    """Return the error for a field that must not be set or changed."""
    return FieldError(ErrorType.FORBIDDEN, field, "", detail)


def not_found(field: str, value: Any) -> FieldError:
    """Return the error for a name of something that does not exist."""
    return FieldError(ErrorType.NOT_FOUND, field, value)


def too_long(field: str, limit: int) -> FieldError:
    """Return the error for a value of more than ``limit`` bytes, which is not printed."""
    return FieldError(ErrorType.TOO_LONG, field, "", f"must have at most {limit} bytes")


def too_many(field: str, actual: int, limit: int) -> FieldError:
    """Return the error for a list of more than ``limit`` items."""
    return FieldError(ErrorType.TOO_MANY, field, actual, f"must have at most {limit} items")
