"""Parts of points in time and of durations, in UTC or in a named time zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from kschedcore.api.machinery.remembered import remembered
from kschedcore.cel import types
from kschedcore.cel.declarations import Overload, method
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.values import Duration, Timestamp

__all__ = ["OVERLOADS"]

_NANOS: Final = 10**9
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise EvaluationError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


@remembered
def _zone(name: str) -> tzinfo:
    hours, colon, minutes = name.partition(":")
    if colon:
        hour, minute = _integer(hours), _integer(minutes)
        total = hour * 60 - minute if name.startswith("-") else hour * 60 + minute
        if abs(total) >= 24 * 60:
            raise EvaluationError(f"unknown time zone {name}")
        return timezone(timedelta(minutes=total))
    if name in {"", "UTC"}:
        return UTC
    if name == "Local" or name.startswith(("/", "\\")) or ".." in name:
        raise EvaluationError(f"unknown time zone {name}")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise EvaluationError(f"unknown time zone {name}") from None


def _local(moment: Timestamp, zone: tzinfo) -> datetime:
    # Python's years end where CEL's do, and a zone may lead beyond them.
    at = _EPOCH + timedelta(seconds=moment.nanos // _NANOS)
    try:
        return at.astimezone(zone)
    except OverflowError:
        raise EvaluationError("timestamp overflow") from None


_PARTS: Final[dict[str, tuple[str, Callable[[datetime], int]]]] = {
    "getFullYear": ("timestamp_to_year", lambda at: at.year),
    "getMonth": ("timestamp_to_month", lambda at: at.month - 1),
    "getDayOfYear": ("timestamp_to_day_of_year", lambda at: at.timetuple().tm_yday - 1),
    "getDayOfMonth": ("timestamp_to_day_of_month", lambda at: at.day - 1),
    "getDate": ("timestamp_to_day_of_month_1_based", lambda at: at.day),
    "getDayOfWeek": ("timestamp_to_day_of_week", lambda at: at.isoweekday() % 7),
    "getHours": ("timestamp_to_hours", lambda at: at.hour),
    "getMinutes": ("timestamp_to_minutes", lambda at: at.minute),
    "getSeconds": ("timestamp_to_seconds", lambda at: at.second),
}
_SPANS: Final[dict[str, tuple[str, int]]] = {
    "getHours": ("duration_to_hours", 3600 * _NANOS),
    "getMinutes": ("duration_to_minutes", 60 * _NANOS),
    "getSeconds": ("duration_to_seconds", _NANOS),
}


def _in_utc(part: Callable[[datetime], int]) -> Callable[[Timestamp], int]:
    return lambda moment: part(_local(moment, UTC))


def _in_zone(part: Callable[[datetime], int]) -> Callable[[Timestamp, str], int]:
    return lambda moment, zone: part(_local(moment, _zone(zone)))


def _whole(unit: int) -> Callable[[Duration], int]:
    return lambda span: span.nanos // unit if span.nanos >= 0 else -(-span.nanos // unit)


def _milliseconds(moment: Timestamp) -> int:
    return moment.nanos % _NANOS // 10**6


def _milliseconds_in_zone(moment: Timestamp, zone: str) -> int:
    _zone(zone)
    return _milliseconds(moment)


def _overloads() -> dict[str, tuple[Overload, ...]]:
    found: dict[str, tuple[Overload, ...]] = {}
    moment, span, zone = types.TIMESTAMP, types.DURATION, types.STRING
    for name, (overload, part) in _PARTS.items():
        found[name] = (
            method(overload, (moment,), types.INT, _in_utc(part)),
            method(f"{overload}_with_tz", (moment, zone), types.INT, _in_zone(part)),
        )
    for name, (overload, unit) in _SPANS.items():
        found[name] += (method(overload, (span,), types.INT, _whole(unit)),)
    found["getMilliseconds"] = (
        method("timestamp_to_milliseconds", (moment,), types.INT, _milliseconds),
        method("timestamp_to_milliseconds_with_tz", (moment, zone), types.INT, _milliseconds_in_zone),
        method("duration_to_milliseconds", (span,), types.INT, _whole(10**6)),
    )
    return found


OVERLOADS: Final = _overloads()
