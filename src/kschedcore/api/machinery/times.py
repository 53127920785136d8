"""Times as the API writes them (``metav1.Time``)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["timestamp"]


@lru_cache(maxsize=16)
def timestamp(time: datetime) -> str:
    """``metav1.Time`` as JSON: RFC 3339 in UTC, in whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
