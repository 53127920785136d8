r"""Bodies in Kubernetes' protobuf encoding, read into the objects that the same bodies are in JSON.

A body is the four bytes ``k8s\0`` and a ``runtime.Unknown`` with the object's version and kind and its encoding.
The numbers and types of fields are those of the ``generated.proto`` files of k8s.io/api, kept in
``api/schema/protobuf.json.gz`` (``tools/generate_protobuf.py``).

Go writes every field that is no pointer, also when it is empty. What JSON would leave out is left out here as
well, by :attr:`kschedcore.api.schema.Field.presence`.
"""

from __future__ import annotations

import base64
import gzip
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec

from kschedcore.api.machinery.status import StatusError, bad_request
from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.api.schema import ObjectType, object_type, schema_for

__all__ = ["PROTOBUF", "read_protobuf"]

PROTOBUF = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_MAX_DEPTH = 100
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_64_BITS = 1 << 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Field(NamedTuple):
    name: str
    type: str
    many: str


def read_protobuf(body: bytes) -> Object:
    """Return the object in a body.

    Raises:
        StatusError: 400 when it cannot be read.
    """
    if not body.startswith(_MAGIC):
        raise bad_request("couldn't get version/kind; provided data does not appear to be a protobuf message")
    try:
        unknown = dict(_fields(body[len(_MAGIC) :]))
        type_meta = {number: _text(value) for number, value in _fields(_bytes(unknown.get(1, b"")))}
        api_version, kind = type_meta.get(1, ""), type_meta.get(2, "")
        found = _message_of(api_version, kind)
        if found is None:
            raise bad_request(f'no kind "{kind}" is registered for version "{api_version}"')
        obj = _message(_bytes(unknown.get(2, b"")), found, 0)
    except (IndexError, ValueError, TypeError, struct.error, OverflowError) as fault:
        raise _unreadable(str(fault)) from None
    return {"kind": kind, "apiVersion": api_version, **obj}


def _unreadable(why: str) -> StatusError:
    return bad_request(f"the protobuf body cannot be read: {why}")


@cache
def _tables() -> dict[str, dict[int, _Field]]:
    data = resources.files("kschedcore.api.schema").joinpath("protobuf.json.gz").read_bytes()
    found = msgspec.json.decode(gzip.decompress(data), type=dict[str, dict[int, _Field]])
    return {name: _with_json_names(name, fields) for name, fields in found.items()}


def _with_json_names(message: str, fields: dict[int, _Field]) -> dict[int, _Field]:
    """Return the fields under their JSON names: ``apiGroup``, where the .proto file has ``aPIGroup``."""
    schema = _schema(message)
    if schema is None:
        return fields
    names = {name.lower(): name for name in schema.fields}
    return {
        number: field._replace(name=names.get(field.name.lower(), field.name))
        for number, field in fields.items()
    }


@cache
def _message_of(api_version: str, kind: str) -> str | None:
    if (found := schema_for(api_version, kind)) is not None and found.name in _tables():
        return found.name
    group, _, version = api_version.rpartition("/")
    name = f"{group.partition('.')[0] or 'core'}.{version}.{kind}"
    if name in _tables():
        return name
    meta = f"meta.v1.{kind}"
    return meta if meta in _tables() else None


@cache
def _schema(name: str) -> ObjectType | None:
    try:
        return object_type(name)
    except KeyError:
        return None


def _message(data: bytes, name: str, depth: int, owner: ObjectType | None = None) -> Object:
    """Read a message that JSON writes as an object, or as a part of the object of type ``owner`` that embeds it."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"messages are nested deeper than {_MAX_DEPTH} levels")
    numbers = _tables()[name]
    schema = _schema(name) if owner is None else owner
    obj: Object = {}
    for number, raw in _fields(data):
        field = numbers.get(number)
        if field is None:
            continue
        if field.many == "map":
            key, value = _entry(_bytes(raw), field.type, depth)
            obj.setdefault(field.name, {})[key] = value
        elif field.many == "list":
            obj.setdefault(field.name, []).append(_value(raw, field.type, depth))
        elif _is_embedded(field, schema):
            obj.update(_message(_bytes(raw), field.type, depth + 1, schema))
        else:
            value = _value(raw, field.type, depth)
            if value or _keeps_zero(schema, field.name):
                obj[field.name] = value
    return obj


def _is_embedded(field: _Field, schema: ObjectType | None) -> bool:
    """Return whether a field is a struct that Go embeds: in JSON its fields are those of the object around it."""
    return schema is not None and field.name not in schema.fields and field.type in _tables()


def _keeps_zero(schema: ObjectType | None, name: str) -> bool:
    found = None if schema is None else schema.fields.get(name)
    return found is not None and found.presence == "pointer"


def _entry(data: bytes, kind: str, depth: int) -> tuple[str, Any]:
    parts = dict(_fields(data))
    value = parts.get(2, 0 if kind in ("bool", "int32", "int64") else b"")
    return _text(parts.get(1, b"")), _value(value, kind, depth)


def _value(raw: int | bytes, kind: str, depth: int) -> Any:
    if (scalar := _SCALARS.get(kind)) is not None:
        return scalar(raw)
    data = _bytes(raw)
    if (special := _SPECIAL.get(kind)) is not None:
        return special(data)
    fields = _tables().get(kind)
    if fields is None:
        raise ValueError(f"messages of type {kind} are not known")
    if _schema(kind) is None and len(fields) == 1 and fields.get(1, _Field("", "", "")).name == "items":
        # A list that has a name in Go, such as ExtraValue.
        return _message(data, kind, depth + 1).get("items", [])
    return _message(data, kind, depth + 1)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a message: number, and an integer or the bytes."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("a field has the number 0")
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} is not known")
        if size > end - at:
            raise ValueError("unexpected end of the message")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result % _64_BITS, at
        shift += 7
        if shift >= 70:
            raise ValueError("an integer has more than 64 bits")


def _bytes(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise ValueError("found an integer, expected bytes")
    return raw


def _text(raw: int | bytes) -> str:
    return _bytes(raw).decode()


def _integer(raw: int | bytes) -> int:
    if not isinstance(raw, int):
        raise ValueError("bytes stand where an integer is expected")
    return raw - _64_BITS if raw >= _64_BITS // 2 else raw


def _double(raw: int | bytes) -> float:
    number: float = struct.unpack("<d", _bytes(raw))[0]
    return number


def _bool(raw: int | bytes) -> bool:
    return bool(_integer(raw))


def _base64(raw: int | bytes) -> str:
    return base64.b64encode(_bytes(raw)).decode("ascii")


_SCALARS = {
    "string": _text, "bytes": _base64, "bool": _bool, "int32": _integer, "int64": _integer, "double": _double,
}  # fmt: skip


def _quantity(data: bytes) -> str:
    return _text(dict(_fields(data)).get(1, b""))


def _int_or_string(data: bytes) -> int | str:
    parts = dict(_fields(data))
    return _text(parts.get(3, b"")) if _integer(parts.get(1, 0)) == 1 else _integer(parts.get(2, 0))


def _moment(data: bytes) -> datetime | None:
    parts = dict(_fields(data))
    if not parts:
        return None
    nanos = _integer(parts.get(2, 0))
    return _EPOCH + timedelta(seconds=_integer(parts.get(1, 0)), microseconds=nanos // 1000)


def _time(data: bytes) -> str | None:
    when = _moment(data)
    return None if when is None else timestamp(when)


def _micro_time(data: bytes) -> str | None:
    when = _moment(data)
    return None if when is None else f"{when:%Y-%m-%dT%H:%M:%S.%fZ}"


def _raw(data: bytes) -> Any:
    raw = dict(_fields(data)).get(1, b"")
    return msgspec.json.decode(_bytes(raw)) if raw else None


_SPECIAL = {
    "api.resource.Quantity": _quantity,
    "util.intstr.IntOrString": _int_or_string,
    "meta.v1.Time": _time,
    "meta.v1.MicroTime": _micro_time,
    "meta.v1.FieldsV1": _raw,
    "runtime.RawExtension": _raw,
}
