"""Durations: Go's format (metav1.Duration), user input (``7d``, seconds, timedelta), and ages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction

from kschedcore.api.arguments import shown
from kschedcore.errors import UsageError

__all__ = ["LONGEST", "Span", "duration", "format_duration", "parse_duration", "short_duration"]

Span = str | float | timedelta
"""``"5m"``, seconds, or a timedelta."""

LONGEST = timedelta(days=365_250)
"""The longest span of time: a clock that is advanced by it stays within the years that a datetime has."""

_GO_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 10**3),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_UNITS = {**_GO_UNITS, "d": Fraction(86400), "w": Fraction(604800)}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)", re.ASCII)


def parse_duration(text: str) -> float:
    """Return the seconds of a Go duration: ``5s``, ``1m30s``, ``100ms``, ``-1.5h``, ``0``.

    Raises:
        ValueError: It is invalid; the message is Go's (``time.ParseDuration``).
    """
    return float(_seconds(text, _GO_UNITS))


def duration(value: Span) -> timedelta:
    """Parse a span of time: ``1h30m``, ``7d``, ``13w``; a number is seconds.

    Raises:
        UsageError: It is invalid, negative, or longer than :data:`LONGEST`.
    """
    try:
        span = value if isinstance(value, timedelta) else timedelta(seconds=_number(value))
    except OverflowError:
        span = timedelta.max
    except (AttributeError, TypeError, ValueError):
        raise UsageError(
            f"{shown(value)} is no span of time; expected seconds, or a text such as 90s, 5m, 1h30m, 7d"
        ) from None
    if span < timedelta():
        raise UsageError(f"{shown(value)}: time does not run backwards")
    if span > LONGEST:
        raise UsageError(f"{shown(value)}: expected a span of time of at most {LONGEST.days // 365:,} years")
    return span


def _number(value: str | float) -> float:
    return value if isinstance(value, int | float) else float(_seconds(value, _UNITS))


def _seconds(text: str, units: Mapping[str, Fraction]) -> Fraction:
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return Fraction(0)
    total, position = Fraction(0), 0
    while part := _PART.match(rest, position):
        number, unit = part.groups()
        if unit not in units:
            problem = f'unknown unit "{unit}" in' if unit else "missing unit in"
            raise ValueError(f'time: {problem} duration "{text}"')
        total += Fraction(number) * units[unit]
        position = part.end()
    if position != len(rest) or not rest:
        raise ValueError(f'time: invalid duration "{text}"')
    return sign * total


def format_duration(seconds: float) -> str:
    """Return a duration as Go prints it: ``1m30s``, ``500ms``, ``15m0s``, ``0s``; to the microsecond."""
    micros = round(seconds * 10**6)
    if micros < 0:
        return f"-{format_duration(-seconds)}"
    if micros < 10**6:
        whole, unit = (micros, "µs") if micros < 1000 else (micros / 1000, "ms")
        return f"{whole:g}{unit}" if micros else "0s"
    minutes, rest = divmod(micros, 60 * 10**6)
    hours, minutes = divmod(minutes, 60)
    seconds_text = f"{rest / 10**6:.6f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{seconds_text}"
    return f"{minutes}m{seconds_text}" if minutes else seconds_text


def short_duration(span: timedelta) -> str:
    """Return a span as ``kubectl get`` prints ages: ``45s``, ``3m20s``, ``2h5m``, ``3d4h``, ``40d``."""
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
