"""Spans of time as people write them: ``90``, ``5m``, ``1h30m``, ``24h``, ``7d``, ``13w``."""

from __future__ import annotations

import re
from datetime import timedelta

from kschedcore.errors import UsageError

__all__ = ["Span", "duration", "short_duration"]

Span = str | float | timedelta
"""``"5m"``, seconds, or a timedelta."""

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def duration(value: Span) -> timedelta:
    """Read a span of time; a bare number is seconds.

    Raises:
        UsageError: It is none, or runs backwards.
    """
    if isinstance(value, timedelta):
        span = value
    elif isinstance(value, int | float):
        span = timedelta(seconds=value)
    elif _WHOLE.fullmatch(value):
        span = timedelta(seconds=sum(float(n) * _SECONDS[unit] for n, unit in _PART.findall(value)))
    else:
        raise UsageError(
            f"{value!r} is no span of time; expected seconds, or a text such as 90s, 5m, 1h30m, 7d"
        )
    if span < timedelta():
        raise UsageError(f"{value!r}: time does not run backwards")
    return span


def short_duration(span: timedelta) -> str:
    """A span as ``kubectl get`` prints ages: ``45s``, ``3m20s``, ``2h5m``, ``3d4h``, ``40d``."""
    seconds = int(span.total_seconds())
    if seconds < 0:
        return "<invalid>"
    if seconds < 120:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 365 * 2:
        return f"{days}d"
    years = days // 365
    if years < 8:
        return f"{years}y{days % 365}d" if days % 365 else f"{years}y"
    return f"{years}y"
