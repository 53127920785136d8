"""Decoding of objects as in the API server, by the type of their kind.

The result is that of a round trip through Kubernetes' types: unknown fields, nulls, and zero values of fields with
``omitempty`` are removed, structs that are not pointers exist even if empty, and quantities are in canonical form.
Errors have the messages of Kubernetes' decoder.

A decoder is built once per type, as a closure over the decoders of its fields.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.machinery.times import parse_time
from kschedcore.api.quantity import Quantity
from kschedcore.api.schema import Field, ObjectType, object_type

__all__ = ["DecodeError", "Decoder", "Known", "decode_object", "json_type", "object_decoder"]

Decoder = Callable[[Any, list[str]], Any]
"""Decodes a value, and appends the paths of unknown fields below it to the list."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_OBJECT = "an object"
_INT_RANGE = {"int32": 1 << 31, "int64": 1 << 63}
_GO_SCALARS = {
    "bool": "bool", "int32": "int32", "int64": "int64", "float64": "float64", "string": "string",
    "bytes": "[]uint8", "quantity": "resource.Quantity", "int_or_string": "intstr.IntOrString",
    "time": "v1.Time", "micro_time": "v1.MicroTime", "any": "interface {}",
}  # fmt: skip


class _Fault(Exception):  # noqa: N818 - base of what a decoder raises
    """A value that cannot be decoded, and its path.

    Attributes:
        expected: The description of the expected value.
        value: The value.
        steps: The field names and indices of its path, the innermost first.
    """

    def __init__(self, message: str, expected: str) -> None:
        super().__init__(message)
        self.expected = expected
        self.value: Any = None
        self.steps: list[str] = []

    def passed(self, step: str, value: Any) -> None:
        """Add a step of the path; the first one is the value itself."""
        if not self.steps:
            self.value = value
        self.steps.append(step)


class DecodeError(_Fault, ValueError):
    """An object cannot be decoded; the message is that of the API server's decoder."""

    @property
    def path(self) -> str:
        """The path of the value, ``spec.containers[0].ports``."""
        return "".join(reversed(self.steps)).removeprefix(".")


class _FieldDecoder(NamedTuple):
    """The decoder of a field of a struct.

    Attributes:
        decode: Decodes the value.
        keeps_zero: Whether the field is kept if it is zero.
        plain: A Python type whose values are taken unchanged; the most common case.
    """

    decode: Decoder
    keeps_zero: bool
    plain: type | None


class Known:
    """A field's value that the same decoder has returned before; it is taken unchanged.

    Attributes:
        value: The value.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Mismatch(_Fault):
    """A JSON value of the wrong type; the exception collects its path up to the root."""

    def __init__(self, found: str, wanted: str, expected: str) -> None:
        super().__init__(wanted, expected)
        self.found = found
        self.wanted = wanted
        self.struct = ""
        self.path: list[str] = []


def decode_object(kind: ObjectType, value: Any) -> tuple[dict[str, Any], list[str]]:
    """Decode ``value`` as an object of type ``kind``.

    Returns:
        The object, sharing nothing mutable with ``value`` except free-form fields, and the paths of the
        fields that were dropped because the type does not have them, as ``spec.containers[0].nmae``.

    Raises:
        DecodeError: A value has the wrong type, or is not a valid quantity, time or base64 text.
    """
    return _read(_struct(kind.name), value)


def object_decoder(
    kind: ObjectType, readers: Mapping[str, Callable[[Decoder], Decoder]]
) -> Callable[[Any], tuple[dict[str, Any], list[str]]]:
    """Return :func:`decode_object` for one type.

    Args:
        kind: The type.
        readers: Path of a field (``metadata.labels``) -> a function that wraps the field's decoder, with the same
            results.
    """
    decode = _new_struct(kind.name, readers)
    return lambda value: _read(decode, value)


def _read(decode: Decoder, value: Any) -> tuple[dict[str, Any], list[str]]:
    unknown: list[str] = []
    try:
        obj: dict[str, Any] = decode(value, unknown)
    except _Mismatch as fault:
        target = f"Go value of type {fault.wanted}"
        if fault.struct:
            path = ".".join(reversed(fault.path))
            target = f"Go struct field {fault.struct}.{path} of type {fault.wanted}"
        error = DecodeError(f"json: cannot unmarshal {fault.found} into {target}", fault.expected)
        error.steps, error.value = fault.steps, fault.value
        raise error from None
    return obj, unknown


def json_type(value: Any) -> str:
    """Return the decoder's name of a value's type: ``string``, ``number``, ``bool``, ``object``, ``array``."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"


@cache
def _struct(name: str) -> Decoder:
    return _new_struct(name, {})


def _new_struct(name: str, readers: Mapping[str, Callable[[Decoder], Decoder]]) -> Decoder:
    kind = object_type(name)
    go_name = kind.go_name
    package = name.split(".")[-2]
    fields: dict[str, _FieldDecoder] = {}
    always: list[tuple[str, Callable[[], Any]]] = []

    def decode(value: Any, unknown: list[str]) -> Any:
        if not isinstance(value, dict):
            raise _Mismatch(json_type(value), f"{package}.{go_name}", _OBJECT)
        if not fields and not always:
            _fill(kind, fields, always, readers)
        out: dict[str, Any] = {}
        mark = len(unknown)
        for key, item in value.items():
            if item is None:
                continue
            if type(item) is Known:
                out[key] = item.value
                continue
            field = fields.get(key)
            if field is None:
                unknown.append(key)
                mark += 1
                continue
            decoder, keeps_zero, plain = field
            if type(item) is plain:
                read = item
            else:
                try:
                    read = decoder(item, unknown)
                except _Mismatch as fault:
                    fault.struct = fault.struct or go_name
                    fault.path.append(key)
                    fault.passed(f".{key}", item)
                    raise
                except DecodeError as fault:
                    fault.passed(f".{key}", item)
                    raise
                if len(unknown) > mark:
                    _prefix(unknown, mark, key)
                    mark = len(unknown)
            if read or keeps_zero:
                out[key] = read
        for key, zero in always:
            if key not in out:
                out[key] = zero()
        return out

    return decode


def _fill(
    kind: ObjectType,
    fields: dict[str, _FieldDecoder],
    always: list[tuple[str, Callable[[], Any]]],
    readers: Mapping[str, Callable[[Decoder], Decoder]],
) -> None:
    """Build the field decoders on first use, since types may be recursive."""
    for key, field in kind.fields.items():
        keeps_zero = field.presence != "" and (
            field.type not in ("list", "map") or field.presence == "always"
        )
        below = {
            path.removeprefix(f"{key}."): readers[path] for path in readers if path.startswith(f"{key}.")
        }
        decode = _new_struct(field.ref, below) if below else _decoder(field)
        if field.type == "list" and field.presence == "always":
            decode = _null_if_empty(decode)
        if key in readers:
            decode = readers[key](decode)
        keeps_zero = keeps_zero or field.type in ("object", "any")
        fields[key] = _FieldDecoder(decode, keeps_zero, None if key in readers else _PLAIN.get(field.type))
        if field.presence == "always":
            always.append((key, _zero(field, decode)))
        elif field.presence == "null":
            always.append((key, _null))


def _null() -> None:
    """Return the value of an absent field that is written as null."""


def _null_if_empty(decode: Decoder) -> Decoder:
    """A decoder of a list that is always written: the store's encoding does not distinguish an empty one from none."""
    return lambda value, unknown: decode(value, unknown) or None


def _prefix(unknown: list[str], mark: int, key: str) -> None:
    for index in range(mark, len(unknown)):
        inner = unknown[index]
        unknown[index] = key + inner if inner.startswith("[") else f"{key}.{inner}"


def _zero(field: Field, decode: Decoder) -> Callable[[], Any]:
    if field.type == "object":
        return lambda: decode({}, [])
    scalars = {
        "string": "", "bytes": "", "bool": False, "int32": 0, "int64": 0, "float64": 0, "int_or_string": 0,
        "quantity": "0",
    }  # fmt: skip
    value = scalars.get(field.type)
    return lambda: value


def _decoder(field: Field) -> Decoder:
    if field.type == "object":
        return _struct(field.ref)
    if field.type == "list":
        return _list(field)
    if field.type == "map":
        return _map(field)
    return _SCALARS[field.type](field.go_type or _GO_SCALARS[field.type])


def _go_type(field: Field) -> str:
    if field.type == "object":
        return ".".join(field.ref.split(".")[-2:])
    if field.type == "list":
        return "[]" + _go_type(field.items) if field.items else "[]"
    if field.type == "map":
        assert field.items is not None
        return "v1.ResourceList" if field.items.type == "quantity" else f"map[string]{_go_type(field.items)}"
    return field.go_type or _GO_SCALARS[field.type]


def _list(field: Field) -> Decoder:
    assert field.items is not None
    element = _decoder(field.items)
    wanted = _go_type(field)
    zero = _zero(field.items, element)

    def decode(value: Any, unknown: list[str]) -> Any:
        if not isinstance(value, list):
            raise _Mismatch(json_type(value), wanted, "a list")
        out = []
        for index, item in enumerate(value):
            mark = len(unknown)
            try:
                out.append(zero() if item is None else element(item, unknown))
            except _Fault as fault:
                fault.passed(f"[{index}]", item)
                raise
            if len(unknown) > mark:
                _prefix(unknown, mark, f"[{index}]")
        return out

    return decode


def _map(field: Field) -> Decoder:
    assert field.items is not None
    element = _decoder(field.items)
    wanted = _go_type(field)
    zero = _zero(field.items, element)()

    def decode(value: Any, unknown: list[str]) -> Any:
        if not isinstance(value, dict):
            raise _Mismatch(json_type(value), wanted, _OBJECT)
        out = {}
        for key, item in value.items():
            try:
                out[key] = zero if item is None else element(item, unknown)
            except _Fault as fault:
                fault.passed(f"[{key}]", item)
                raise
        return out

    return decode


def _exact(python: type, wanted: str) -> Decoder:
    def decode(value: Any, _unknown: list[str]) -> Any:
        if type(value) is not python:
            expected = "a string" if python is str else "true or false"
            raise _Mismatch(json_type(value), wanted, expected)
        return value

    return decode


def _integer(kind: str, wanted: str) -> Decoder:
    bound = _INT_RANGE[kind]

    def decode(value: Any, _unknown: list[str]) -> Any:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and -bound <= value < bound:
            return value
        found = json_type(value)
        number = f"number {value}" if found == "number" else found
        raise _Mismatch(number, wanted, f"an integer of {kind[3:]} bits")

    return decode


def _number(value: Any, _unknown: list[str]) -> Any:
    if type(value) not in (int, float):
        raise _Mismatch(json_type(value), "float64", "a number")
    return value


@remembered
def _canonical(text: str) -> str:
    return str(Quantity.parse(text))


def _quantity(value: Any, _unknown: list[str]) -> Any:
    if type(value) not in (str, int, float):
        raise DecodeError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            "a string or a number",
        )
    try:
        return _canonical(str(value))
    except ValueError as fault:
        raise DecodeError(str(fault), f"a quantity such as 250m or 64Mi: {fault}") from None


def _int_or_string(value: Any, _unknown: list[str]) -> Any:
    if type(value) is str or (type(value) is int and -(1 << 31) <= value < 1 << 31):
        return value
    found = json_type(value)
    found = f"number {value}" if found == "number" else found
    problem = f"json: cannot unmarshal {found} into Go value of type int32"
    raise DecodeError(problem, "an integer of 32 bits or a string")


@remembered
def _time_text(text: str, precision: str) -> str | None:
    """Return a time as the API writes it: in UTC, in whole seconds or in microseconds; None for what is no time."""
    if _TIME.fullmatch(text) is None:
        return None
    # What cannot be expressed in UTC stays as it is: the first and the last hours of the calendar.
    when = parse_time(text)
    return text if when is None else when.isoformat(timespec=precision).replace("+00:00", "Z")


def _time_decoder(precision: str) -> Decoder:
    def decode(value: Any, _unknown: list[str]) -> Any:
        if type(value) is not str:
            problem = f"json: cannot unmarshal {json_type(value)} into Go value of type string"
            raise DecodeError(problem, "a string")
        text = _time_text(value, precision)
        if text is None:
            raise DecodeError(
                f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"',
                "a time such as 2026-01-31T23:59:59Z",
            )
        return text

    return decode


def _bytes(value: Any, _unknown: list[str]) -> Any:
    if type(value) is not str:
        raise _Mismatch(json_type(value), "[]uint8", "a string")
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        bad = next((i for i, c in enumerate(value) if not (c.isascii() and (c.isalnum() or c in "+/="))), 0)
        raise DecodeError(f"illegal base64 data at input byte {bad}", "base64 text") from None
    return value


_PLAIN = {"string": str, "bool": bool}
_SCALARS: dict[str, Callable[[str], Decoder]] = {
    "string": lambda wanted: _exact(str, wanted),
    "bool": lambda wanted: _exact(bool, wanted),
    "int32": lambda wanted: _integer("int32", wanted),
    "int64": lambda wanted: _integer("int64", wanted),
    "float64": lambda _: _number,
    "quantity": lambda _: _quantity,
    "int_or_string": lambda _: _int_or_string,
    "time": lambda _: _time_decoder("seconds"),
    "micro_time": lambda _: _time_decoder("microseconds"),
    "bytes": lambda _: _bytes,
    "any": lambda _: lambda value, _unknown: value,
}
