"""Cron schedules of CronJobs: ``*/5 * * * *``, ``@daily``, in a time zone.

The syntax is that of robfig/cron, which Kubernetes uses: five fields, names of months and days, ``@`` descriptors; if
day of month and day of week are both restricted, a day matches either. At changes of daylight saving time, times that
do not exist are skipped and repeated times occur twice, as in robfig/cron.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from kschedcore.api.machinery.times import later, span

__all__ = ["Schedule", "parse_schedule"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# The lowest and highest value of each field, and the names of its values.
_FIELDS: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_EVERY = "@every "
_AMOUNT = r"(\d+(?:\.\d+)?)"
_SPAN = re.compile(rf"(?:{_AMOUNT}h)?(?:{_AMOUNT}m)?(?:{_AMOUNT}s)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_YEARS = 5
"""A schedule without a time in this number of years has none (30 February)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule.

    Attributes:
        minutes: The minutes of an hour.
        hours: The hours of a day.
        days: The days of a month.
        months: The months, from 1.
        weekdays: The days of a week, from Sunday as 0.
        either_day: Whether a day must match ``days`` or ``weekdays``; otherwise both.
        zone: The time zone.
        every: A fixed interval (``@every``), instead of the other fields.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    zone: tzinfo
    every: timedelta | None = None

    def after(self, time: datetime) -> datetime | None:
        """Return the first time after ``time``, in UTC; None if there is none within five years."""
        if self.every is not None:
            return later(time, self.every).replace(microsecond=0)
        try:
            return self._next(time)
        except OverflowError:
            # Python has no dates after the year 9999.
            return None

    def _next(self, time: datetime) -> datetime | None:
        last = later(time, timedelta(days=366 * _YEARS))
        local = time.astimezone(self.zone)
        for day in self._days_from(datetime(local.year, local.month, local.day), last.year):
            for found in self._times_of(day):
                if found > time:
                    return found
        return None

    def _days_from(self, day: datetime, last_year: int) -> Iterator[datetime]:
        while day.year <= last_year:
            if day.month not in self.months:
                day = datetime(day.year + day.month // 12, day.month % 12 + 1, 1)
                continue
            if self._has_day(day):
                yield day
            day += timedelta(days=1)

    def _has_day(self, day: datetime) -> bool:
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_month or by_week if self.either_day else by_month and by_week

    def _times_of(self, day: datetime) -> list[datetime]:
        """Return the times of a local day, in order, in UTC."""
        found = []
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                wall = day.replace(hour=hour, minute=minute, tzinfo=self.zone)
                for fold in (0, 1):
                    time = wall.replace(fold=fold).astimezone(UTC)
                    if time.astimezone(self.zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
                        found.append(time)
        return sorted(set(found))


def parse_schedule(text: str, zone: tzinfo = UTC) -> Schedule:
    """Parse a schedule.

    Args:
        text: Five fields, or a descriptor such as ``@hourly``; a prefix ``TZ=Europe/Berlin`` sets the time zone.
        zone: The default time zone.

    Raises:
        ValueError: It is invalid; the message is that of Kubernetes' parser.
    """
    text = text.strip()
    if text.startswith(("TZ=", "CRON_TZ=")):
        mark, _, text = text.partition(" ")
        text, name = text.strip(), mark.partition("=")[2]
        try:
            zone = ZoneInfo(name) if text else zone
        except (LookupError, OSError, ValueError):
            text = ""
        if not text:
            raise ValueError(f"provided bad location {name}: ")
    if text.startswith(_EVERY):
        nothing: frozenset[int] = frozenset()
        return Schedule(nothing, nothing, nothing, nothing, nothing, False, zone, _span(text))
    if text.startswith("@") and text not in _WORDS:
        raise ValueError(f"unrecognized descriptor: {text}")
    fields = _WORDS.get(text, text).split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"expected exactly {len(_FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]")
    sets = [_field(part, *field) for part, field in zip(fields, _FIELDS, strict=True)]
    either = not (_is_star(fields[2]) or _is_star(fields[4]))
    return Schedule(sets[0], sets[1], sets[2], sets[3], sets[4], either, zone)


def _is_star(field: str) -> bool:
    """Return whether a field matches all values without a step."""
    return any(part in ("*", "?", "*/1", "?/1") for part in field.split(","))


def _span(text: str) -> timedelta:
    parts = _SPAN.fullmatch(text.removeprefix(_EVERY))
    if parts is None or not any(parts.groups()):
        raise ValueError(
            f'failed to parse duration {text}: time: invalid duration "{text.removeprefix(_EVERY)}"'
        )
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    # Less than a second is rounded up to a second, and fractions are truncated.
    return span(max(1, int(hours * 3600 + minutes * 60 + seconds)))


def _field(text: str, low: int, high: int, names: Mapping[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        found |= _range(part, low, high, names)
    return frozenset(found)


def _range(text: str, low: int, high: int, names: Mapping[str, int]) -> set[int]:
    parts = text.split("/")
    ends = parts[0].split("-")
    if ends[0] in ("*", "?"):
        first, last = low, high
    else:
        first = _number(ends[0], names)
        if len(ends) > 2:
            raise ValueError(f"too many hyphens: {text}")
        last = _number(ends[1], names) if len(ends) == 2 else first
    if len(parts) > 2:
        raise ValueError(f"too many slashes: {text}")
    step = _number(parts[1], {}) if len(parts) == 2 else 1
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {text}")
    if len(parts) == 2 and len(ends) == 1:
        # "5/15" means from 5 on.
        last = high
    if first < low:
        raise ValueError(f"beginning of range ({first}) below minimum ({low}): {text}")
    if last > high:
        raise ValueError(f"end of range ({last}) above maximum ({high}): {text}")
    if first > last:
        raise ValueError(f"beginning of range ({first}) beyond end of range ({last}): {text}")
    return set(range(first, last + 1, step))


def _number(text: str, names: Mapping[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not _INTEGER.fullmatch(text):
        raise ValueError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(text)
    if number < 0:
        raise ValueError(f"negative number ({number}) not allowed: {text}")
    return number
