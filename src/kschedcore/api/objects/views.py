"""Typed views of stored objects, decoded once and shared by all components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec

from kschedcore.api.machinery.frozen import FrozenDict, StoredObject
from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.objects.decoding import decode
from kschedcore.api.objects.meta import View
from kschedcore.api.objects.pods import Pod, PodSpec
from kschedcore.errors import ManifestError

__all__ = ["pod_view", "view_of"]

V = TypeVar("V", bound=View)
_NO_SPEC: Mapping[str, Any] = {}


def view_of(kind: type[V], obj: Mapping[str, Any]) -> V:
    """Return the view of an object: cached for a stored object, new for others.

    The specs of pods are decoded once for all replicas of a template.

    Args:
        kind: The view's type.
        obj: The object.

    Raises:
        ManifestError: A field has the wrong type.
    """
    if type(obj) is not StoredObject:
        return decode(kind, obj)
    views = obj.views
    if views is None:
        views = obj.views = {}
    found: V | None = views.get(kind)
    if found is None:
        found = views[kind] = _decoded(kind, obj)
    return found


def pod_view(obj: Mapping[str, Any]) -> Pod:
    """Return a new view of a pod, for components that read each version of a pod once.

    Raises:
        ManifestError: A field has the wrong type.
    """
    spec = obj.get("spec")
    if type(spec) is not FrozenDict:
        return decode(Pod, obj)
    try:
        pod = decode(Pod, {**obj, "spec": _NO_SPEC})
        return msgspec.structs.replace(pod, spec=_bound_spec(spec) if "nodeName" in spec else _spec_of(spec))
    except ManifestError:
        # Decoding the whole pod reports the path of the error.
        return decode(Pod, obj)


def _bound_spec(spec: FrozenDict) -> PodSpec:
    """Return the view of a spec that names a node: hardly any other pod has it, but others have its other parts."""
    parts = dict(spec)
    node = parts.pop("nodeName")
    if type(node) is not str:
        return decode(PodSpec, spec)
    return msgspec.structs.replace(_spec_of_parts(tuple(parts.items())), node_name=node)


def _decoded(kind: type[V], obj: StoredObject) -> V:
    return cast("V", pod_view(obj)) if issubclass(kind, Pod) else decode(kind, obj)


@remembered
def _spec_of_parts(parts: tuple[tuple[str, Any], ...]) -> PodSpec:
    """Return the view of a spec by its fields, which are frozen."""
    return decode(PodSpec, dict(parts))


@remembered
def _spec_of(spec: FrozenDict) -> PodSpec:
    return decode(PodSpec, spec)
