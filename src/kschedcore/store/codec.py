"""Encoding of objects for durable back ends: JSON with ``managedFields`` and without the resourceVersion.

The resourceVersion is set from the revision of the write when an object is read, as in Kubernetes with etcd.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kschedcore.api.machinery.frozen import FieldRecord, KnownFields, StoredObject, freeze
from kschedcore.api.machinery.remembered import shared_object

__all__ = ["Draft", "decode", "encode"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An object to be stored, a :class:`~kschedcore.store.backend.Value`.

    Attributes:
        obj: The object; its resourceVersion is ignored.
        record: The managed-fields record; None for none.
    """

    obj: Mapping[str, Any]
    record: FieldRecord | None

    def at(self, revision: int) -> StoredObject:
        """Return the object as of the revision of its write, frozen, its parts shared with other objects."""
        return shared_object(self.obj, str(revision), self.record)

    def encoded(self) -> bytes:
        """Return the object as bytes, without its revision."""
        return encode(self.obj, self.record)


def encode(obj: Mapping[str, Any], record: FieldRecord | None) -> bytes:
    """Return an object as bytes, with its ``managedFields`` and without its resourceVersion."""
    whole = StoredObject.of(obj, record).completed()
    metadata = {key: value for key, value in whole["metadata"].items() if key != "resourceVersion"}
    return _encode({**whole, "metadata": metadata})


def decode(data: bytes, revision: int) -> StoredObject:
    """Return the object that :func:`encode` wrote, with the resourceVersion of its write."""
    obj = _decode(data)
    metadata = {**obj["metadata"], "resourceVersion": str(revision)}
    entries = metadata.pop("managedFields", None)
    record = None if entries is None else KnownFields(freeze(entries))
    frozen = freeze({**obj, "metadata": metadata})
    return StoredObject.of(frozen, record)
