"""Types that every layer names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Object", "ReadOnlyObject"]

Object = dict[str, Any]
"""A JSON-shaped API object."""

ReadOnlyObject = Mapping[str, Any]
"""A JSON-shaped API object, or a part of one, that the receiver does not change."""
