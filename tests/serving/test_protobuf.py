"""Protobuf bodies mean what the same objects mean in JSON: against an encoder that writes as Go does."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.api.machinery.kinds import KINDS, Kind
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.schema import Field, ObjectType, object_type
from kschedcore.api.schema.decode import decode_object
from kschedcore.apiserver.protobuf import read_protobuf

TABLES = json.loads(
    gzip.decompress(resources.files("kschedcore.api.schema").joinpath("protobuf.json.gz").read_bytes())
)


def varint(number: int) -> bytes:
    number %= 1 << 64
    parts = []
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def chunk(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def scalar(number: int, value: Any, kind: str) -> bytes:
    if kind == "string":
        return chunk(number, value.encode())
    if kind == "bytes":
        return chunk(number, base64.b64decode(value))
    if kind == "double":
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return varint(number << 3) + varint(int(value))


def moment(value: str) -> bytes:
    when = datetime.fromisoformat(value) - datetime(1970, 1, 1, tzinfo=UTC)
    return scalar(1, when.days * 86400 + when.seconds, "int64") + scalar(2, when.microseconds * 1000, "int32")


def encoded(value: Any, kind: str) -> bytes:
    """Return the content of a message."""
    if kind == "api.resource.Quantity":
        return chunk(1, str(value).encode())
    if kind == "util.intstr.IntOrString":
        is_text = isinstance(value, str)
        return b"".join(
            [
                scalar(1, is_text, "int64"),
                scalar(2, 0 if is_text else value, "int32"),
                chunk(3, value.encode() if is_text else b""),
            ]
        )
    if kind in ("meta.v1.Time", "meta.v1.MicroTime"):
        return moment(value)
    if kind in ("meta.v1.FieldsV1", "runtime.RawExtension"):
        return chunk(1, json.dumps(value).encode())
    fields = TABLES[kind]
    if isinstance(value, list):
        return b"".join(chunk(1, each.encode()) for each in value)
    return b"".join(
        part for number, field in fields.items() for part in written(value, int(number), field, kind)
    )


def written(value: dict[str, Any], number: int, field: list[str], owner: str) -> Iterator[bytes]:
    name, kind, many = field
    name = {"aPIGroup": "apiGroup", "uID": "uid"}.get(name, name)
    is_scalar = kind in ("string", "bytes", "bool", "int32", "int64", "double")
    if name not in value:
        try:
            embedded = name not in object_type(owner).fields
        except KeyError:
            embedded = False
        if embedded and not many and not is_scalar:
            yield chunk(number, encoded(value, kind))
        return
    found = value[name]
    if many == "map":
        for key, each in found.items():
            item = scalar(2, each, kind) if is_scalar else chunk(2, encoded(each, kind))
            yield chunk(number, chunk(1, key.encode()) + item)
        return
    for each in found if many == "list" else [found]:
        yield scalar(number, each, kind) if is_scalar else chunk(number, encoded(each, kind))


def body_of(obj: dict[str, Any], message: str) -> bytes:
    meta = chunk(1, obj["apiVersion"].encode()) + chunk(2, obj["kind"].encode())
    return b"k8s\x00" + chunk(1, meta) + chunk(2, encoded(obj, message))


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=4)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": _TEXT,
    "bytes": st.binary(min_size=1, max_size=4).map(lambda data: base64.b64encode(data).decode()),
    "bool": st.just(True),
    "int32": st.integers(-(1 << 31), (1 << 31) - 1),
    "int64": st.integers(-(1 << 63), (1 << 63) - 1),
    "float64": st.floats(0.5, 9),
    "quantity": st.sampled_from(["1", "100m", "2Gi"]),
    "int_or_string": st.integers(0, 9) | st.just("25%"),
    "time": st.just("2026-01-02T03:04:05Z"),
    "micro_time": st.just("2026-01-02T03:04:05.000006Z"),
    "any": st.dictionaries(_TEXT, st.integers(0, 9), min_size=1, max_size=2),
}


def values(field: Field, depth: int) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a field; numbers that are zero only where a pointer keeps them."""
    if field.type == "object":
        return objects(field.object, depth - 1)
    if field.items is not None:
        items = values(field.items, depth)
        many = st.lists(items, min_size=1, max_size=2)
        return many if field.type == "list" else st.dictionaries(_TEXT, items, min_size=1, max_size=2)
    found = _VALUES[field.type]
    return found if field.presence == "pointer" else found.filter(bool)


def _put_off(field: Field, depth: int) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: values(field, depth))


def _is_flat(field: Field) -> bool:
    return field.type != "object" and (field.items is None or _is_flat(field.items))


def objects(kind: ObjectType, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for objects of a type with some of its fields, to a depth."""
    fields = {
        name: _put_off(field, depth)
        for name, field in kind.fields.items()
        if name not in ("apiVersion", "kind", "managedFields") and (depth > 0 or _is_flat(field))
    }
    few = st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True) if fields else st.just([])
    return few.flatmap(lambda names: st.fixed_dictionaries({name: fields[name] for name in names}))


@settings(max_examples=200)
@given(kind=st.sampled_from(KINDS), data=st.data())
def test_objects_are_read_from_protobuf_as_from_json(kind: Kind, data: st.DataObject) -> None:
    head = {"kind": kind.resource.kind, "apiVersion": kind.resource.api_version}
    obj = {**head, **data.draw(objects(kind.schema, 5))}
    read = read_protobuf(body_of(obj, kind.schema.name))
    assert decode_object(kind.schema, read)[0] == decode_object(kind.schema, obj)[0]


def test_fields_that_are_zero_mean_what_go_means_by_them() -> None:
    # Go writes a string that is no pointer also when it is empty, and a pointer only when it is set.
    spec = scalar(1, 0, "int32") + chunk(2, b"")
    deployment = chunk(1, chunk(1, b"web") + chunk(2, b"") + chunk(8, b"")) + chunk(2, spec)
    body = b"k8s\x00" + chunk(1, chunk(1, b"apps/v1") + chunk(2, b"Deployment")) + chunk(2, deployment)
    assert read_protobuf(body) == {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web"}, "spec": {"replicas": 0, "selector": {}},
    }  # fmt: skip


def test_times() -> None:
    metadata = chunk(1, b"a") + chunk(8, moment("2026-01-02T03:04:05Z".replace("Z", "+00:00")))
    body = b"k8s\x00" + chunk(1, chunk(1, b"v1") + chunk(2, b"ConfigMap")) + chunk(2, chunk(1, metadata))
    assert read_protobuf(body)["metadata"] == {"name": "a", "creationTimestamp": "2026-01-02T03:04:05Z"}


@given(st.binary(max_size=200), st.sampled_from(["Pod", "Deployment", "Event", "Lease", "Status"]))
def test_any_bytes_are_read_or_refused(data: bytes, kind: str) -> None:
    versions = {"Deployment": b"apps/v1", "Lease": b"coordination.k8s.io/v1"}
    meta = chunk(1, versions.get(kind, b"v1")) + chunk(2, kind.encode())
    for body in (b"k8s\x00" + chunk(1, meta) + chunk(2, data), b"k8s\x00" + data, data):
        try:
            read = read_protobuf(body)
        except StatusError as refusal:
            read = refusal.status()
        assert read.get("code", 400) == 400


def test_nested_messages_are_bounded() -> None:
    data = b""
    for _ in range(500):
        data = chunk(1, data)
    properties = b"k8s\x00" + chunk(1, chunk(1, b"v1") + chunk(2, b"Pod")) + chunk(2, data)
    with pytest.raises(StatusError) as refusal:
        read_protobuf(properties)
    assert refusal.value.code == 400
