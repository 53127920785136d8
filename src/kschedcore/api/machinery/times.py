"""Times in the API's format (``metav1.Time``), and saturating arithmetic with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kschedcore.api.machinery.remembered import remembered

__all__ = ["EARLIEST", "LATEST", "later", "parse_time", "span", "timestamp"]

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC, microsecond=0)
"""The first and the last time that can be written; arithmetic saturates there."""


@remembered
def timestamp(time: datetime) -> str:
    """Return a ``metav1.Time`` as JSON: RFC 3339 in UTC, in whole seconds."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def parse_time(text: object) -> datetime | None:
    """Parse a ``metav1.Time``; None for none and for invalid dates (the 30th of February)."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is UTC:
            return time
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def span(seconds: float) -> timedelta:
    """Return a number of seconds as a timedelta, saturated at the largest one."""
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        return timedelta.max if seconds > 0 else timedelta.min


def later(time: datetime, seconds: float | timedelta) -> datetime:
    """Return a time plus a number of seconds, saturated at :data:`EARLIEST` and :data:`LATEST`."""
    delay = seconds if isinstance(seconds, timedelta) else span(seconds)
    try:
        return min(time + delay, LATEST)
    except OverflowError:
        return LATEST if delay > timedelta() else EARLIEST
