"""Fields of feature gates that are off by default in v1.36: dropped, unless the object has them already.

A server with the gate off forgets them in ``PrepareForCreate`` and ``PrepareForUpdate`` (``dropDisabledFields``).
"""

from __future__ import annotations

from functools import partial
from typing import Any

__all__ = ["CREATE", "SELDOM", "UPDATE"]

_GATED = {
    # MaxUnavailableStatefulSet (KEP-961), on by default from v1.37 only
    "StatefulSet": ("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"),
    # VolumeLimitScaling (KEP-5030)
    "CSIDriver": ("spec", "preventPodSchedulingIfMissing"),
}


def _holder(obj: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the object at a path; an empty one if there is none."""
    for key in path:
        obj = obj.get(key) or {}
    return obj


def _drop(path: tuple[str, ...], obj: dict[str, Any], old: dict[str, Any] | None = None) -> None:
    parents, name = path[:-1], path[-1]
    if name not in _holder(obj, parents) or name in _holder(old or {}, parents):
        return
    # Parts of the object may be shared, so those on the way are copied.
    for key in parents:
        obj[key] = dict(obj[key])
        obj = obj[key]
    del obj[name]


CREATE = {kind: partial(_drop, path) for kind, path in _GATED.items()}
UPDATE = CREATE


def _has(path: tuple[str, ...], obj: dict[str, Any]) -> bool:
    return path[-1] in _holder(obj, path[:-1])


SELDOM = {kind: partial(_has, path) for kind, path in _GATED.items()}
"""Whether an object of a kind has the field."""
