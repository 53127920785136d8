"""Types that every layer names."""

from __future__ import annotations

from typing import Any

__all__ = ["Object"]

Object = dict[str, Any]
"""A JSON-shaped API object."""
