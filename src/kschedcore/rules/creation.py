"""Creation of an object without a server: decode, default, prepare and validate.

Steps that need a store (admission plugins that read other objects, allocation, quota) are only in the API server, which
uses the same functions for the other steps (:mod:`kschedcore.apiserver.admission.chain`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.kinds import conversion_for
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.api.machinery.types import Object, ReadOnlyObject
from kschedcore.api.schema import schema_for
from kschedcore.rules.defaults import default
from kschedcore.rules.preparation import prepare_create
from kschedcore.rules.reading import decoder_of
from kschedcore.rules.validation.kinds import validate_create

__all__ = ["Created", "create", "create_pod_spec", "restore"]


class Created(msgspec.Struct, frozen=True):
    """An object as the API server would store it.

    Attributes:
        object: The defaulted object; the spec of a pod is frozen and shared with equal ones.
        errors: The validation errors, in the server's order.
        unknown: The paths of unknown fields, which were dropped.
    """

    object: Object
    errors: list[FieldError]
    unknown: list[str]


def create(data: Mapping[str, Any], *, namespaced: bool, templated: bool) -> Created | None:
    """Perform the steps of a create that need no store.

    Args:
        data: The object, with its apiVersion, kind and namespace.
        namespaced: Whether the kind is namespaced.
        templated: Whether many objects of the kind have the same spec, see :func:`decoder_of`.

    Returns:
        The result; None for a kind without a schema.

    Raises:
        DecodeError: A field has the wrong type.
    """
    decoded = _decoded(data, templated=templated)
    if decoded is None:
        return None
    obj, unknown = decoded
    kind = obj["kind"]
    prepare_create(kind, obj)
    return Created(obj, validate_create(kind, obj, namespaced=namespaced), unknown)


def restore(data: Mapping[str, Any]) -> Object | None:
    """Return an object that an API server stored before, decoded and defaulted, without validation.

    Args:
        data: The object, with its apiVersion and kind.

    Returns:
        The object; None for a kind without a schema.

    Raises:
        DecodeError: A field has the wrong type.
    """
    decoded = _decoded(data, templated=data["kind"] == "Pod")
    return None if decoded is None else decoded[0]


def _decoded(data: ReadOnlyObject, *, templated: bool) -> tuple[Object, list[str]] | None:
    """Return an object with defaults, in the version in which its kind is stored, and its unknown fields."""
    version, kind = data["apiVersion"], data["kind"]
    schema = schema_for(version, kind)
    if schema is None:
        return None
    obj, unknown = decoder_of(schema.name, templated=templated)(data)
    obj["apiVersion"], obj["kind"] = version, kind
    default(kind, obj)
    conversion = conversion_for(version, kind)
    if conversion is not None:
        obj = conversion.to_stored(obj)
        default(kind, obj)
    return obj, unknown


def create_pod_spec(spec: Mapping[str, Any]) -> FrozenDict:
    """Return the defaulted spec of a pod created from a template with this spec, shared by equal specs.

    Raises:
        DecodeError: A field has the wrong type.
    """
    return _pod_spec(shared(spec))


@remembered
def _pod_spec(spec: FrozenDict) -> FrozenDict:
    pod, _ = decoder_of("core.v1.Pod", templated=True)({"spec": spec})
    default("Pod", pod)
    complete: FrozenDict = pod["spec"]
    return complete
