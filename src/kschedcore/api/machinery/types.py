"""Types that every layer names. The new types of strings cost nothing at run time; mypy keeps them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NewType

__all__ = [
    "CLUSTER_SCOPE",
    "DEFAULT_NAMESPACE",
    "UID",
    "Namespace",
    "Object",
    "ReadOnlyObject",
    "ResourceVersion",
]

Object = dict[str, Any]
"""A JSON-shaped API object."""

ReadOnlyObject = Mapping[str, Any]
"""A JSON-shaped API object, or a part of one, that the receiver must not change."""

UID = NewType("UID", str)
"""``metadata.uid``: distinguishes an object from its successors of the same name."""

Namespace = NewType("Namespace", str)
"""The name of a namespace; :data:`CLUSTER_SCOPE` for none."""

ResourceVersion = NewType("ResourceVersion", str)
"""``metadata.resourceVersion``: which state of an object, to be compared for equality only."""

CLUSTER_SCOPE: Final = Namespace("")
"""The namespace of objects that have none."""

DEFAULT_NAMESPACE: Final = Namespace("default")
"""The namespace of requests that name none."""
