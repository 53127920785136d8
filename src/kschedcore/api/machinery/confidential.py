"""Masking of confidential values of objects in messages, ``repr`` and saved histories.

Confidential are the data of Secrets and the values of environment variables, and the annotation in which
``kubectl apply`` keeps a copy of either. The masks are those of ``kubectl diff``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["MASK", "is_confidential", "masked", "masked_pair"]

MASK = "***"
"""The replacement of a confidential value."""

_BEFORE, _AFTER = "*** (before)", "*** (after)"
_SECRET_FIELDS = ("data", "stringData")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_PATH = re.compile(r"(?:.*\.)?env(?:\[\d+\](?:\.value)?)?")
_PATH_IN_A_SECRET = re.compile(r"(?:.*\.)?(?:data|stringData)(?:[.\[].*)?")

_Mask = Callable[[Any], Any]


def is_confidential(kind: str, path: str) -> bool:
    """Return whether a field may contain a confidential value.

    Args:
        kind: The kind of object; empty if unknown.
        path: The path of the field, ``spec.containers[0].env[0].value``.
    """
    return bool(_PATH.fullmatch(path) or (kind == "Secret" and _PATH_IN_A_SECRET.fullmatch(path)))


def masked(value: Any, kind: str = "", mask: _Mask | None = None) -> Any:
    """Return a copy of an object, or of a part of one, in which confidential values are masked.

    Args:
        value: The JSON-shaped value to copy.
        kind: The kind of an object without ``kind``.
        mask: Returns the replacement of a value; :data:`MASK` by default.
    """
    return _masked(value, kind, mask or (lambda _: MASK))


def masked_pair(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return copies of two versions of an object with masks that show whether a value differs."""
    before, after = list(_confidential(old)), list(_confidential(new))
    return (
        masked(old, mask=lambda value: MASK if value in after else _BEFORE),
        masked(new, mask=lambda value: MASK if value in before else _AFTER),
    )


def _confidential(value: Any) -> Iterator[Any]:
    found: list[Any] = []
    masked(value, mask=found.append)
    yield from found


def _masked(value: Any, kind: str, mask: _Mask) -> Any:
    if isinstance(value, list):
        return [_masked(item, "", mask) for item in value]
    if not isinstance(value, Mapping):
        return value
    kind = value.get("kind", kind)
    copy: dict[str, Any] = {}
    for key, item in value.items():
        if key == "env" and (isinstance(item, list | Mapping) or "image" in value):
            copy[key] = _variables(item, mask)
        elif kind == "Secret" and key in _SECRET_FIELDS and item:
            is_map = isinstance(item, Mapping)
            copy[key] = {name: mask(each) for name, each in item.items()} if is_map else mask(item)
        elif key == _LAST_APPLIED:
            copy[key] = mask(item)
        else:
            copy[key] = _masked(item, "", mask)
    return copy


def _variables(value: Any, mask: _Mask) -> Any:
    if not isinstance(value, list):
        return mask(value)
    # A label may be named env too, but its value is not a list.
    return [
        {key: mask(item) if key == "value" else item for key, item in each.items()}
        if isinstance(each, Mapping)
        else mask(each)
        for each in value
    ]
