"""From ``kubectl apply`` to ``kubectl apply --server-side``: the annotation of the former and the latter's conflicts.

Client-side apply keeps what it applied in an annotation and its fields belong to an updater. The first server-side
apply by ``kubectl`` may take the fields that are still as the annotation says, and keeps the annotation up to date
(``lastAppliedManager`` and ``lastAppliedUpdater`` of k8s.io/apimachinery's managed fields).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kschedcore.api.machinery.types import Object
from kschedcore.api.schema import Field
from kschedcore.apiserver.apply.configuration import problems
from kschedcore.apiserver.apply.paths import FieldSet
from kschedcore.apiserver.apply.typed import compare, field_set

__all__ = ["KUBECTL", "still_as_applied", "with_last_applied"]

KUBECTL = "kubectl"
"""The field manager for which this holds; any other opts out."""
_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_LIMIT = 256 * 1024
_HTML = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def still_as_applied(live: Object, field: Field) -> FieldSet:
    """Return the fields of an object that are as its last client-side apply wanted them; none without one."""
    text = _annotations(live).get(_ANNOTATION)
    if not text:
        return frozenset()
    try:
        applied = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return frozenset()
    if (
        not isinstance(applied, dict)
        or applied.get("apiVersion") != live.get("apiVersion")
        or problems(applied, field)
    ):
        return frozenset()
    difference = compare(applied, live, field)
    return field_set(applied, field) - difference.modified - difference.added - difference.removed


def with_last_applied(obj: Object, config: Object) -> Object:
    """Return an object whose annotation, if it has one, holds a configuration that was applied to it."""
    if _ANNOTATION not in _annotations(obj):
        return obj
    metadata = dict(config.get("metadata") or {})
    metadata.pop("managedFields", None)
    if metadata.get("annotations"):
        kept = {key: value for key, value in metadata["annotations"].items() if key != _ANNOTATION}
        metadata["annotations"] = kept
    text = msgspec.json.encode({**config, "metadata": metadata}, order="sorted").decode().translate(_HTML)
    annotations = {**obj["metadata"]["annotations"], _ANNOTATION: f"{text}\n"}
    if sum(len(key) + len(value.encode()) for key, value in annotations.items()) > _LIMIT:
        return obj
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _annotations(obj: Object) -> Mapping[str, Any]:
    return (obj.get("metadata") or {}).get("annotations") or {}
