"""Validation of five-field cron schedules, in the words of the parser that Kubernetes uses."""

from __future__ import annotations

__all__ = ["schedule_problem"]

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
# (lowest, highest, names of the values from the lowest on)
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_DESCRIPTORS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}


class _ScheduleError(ValueError):
    """What is wrong with a schedule."""


def schedule_problem(schedule: str) -> str:
    """What is wrong with ``schedule``, or ``""``: five fields, or a descriptor such as ``@daily``."""
    text = schedule.strip()
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, _, text = text.partition(" ")
        if not text:
            return f"provided bad location {zone.partition('=')[2]}: "
        text = text.strip()
    if text.startswith("@"):
        return (
            "" if text in _DESCRIPTORS or text.startswith("@every ") else f"unrecognized descriptor: {text}"
        )
    fields = text.split()
    if len(fields) != 5:
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    try:
        for field, bounds in zip(fields, _FIELDS, strict=True):
            for expression in filter(None, field.split(",")):
                _check_range(expression, *bounds)
    except _ScheduleError as problem:
        return str(problem)
    return ""


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not text.lstrip("+-").isdecimal() or not text.isascii() or text.count("-") + text.count("+") > 1:
        raise _ScheduleError(
            f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
        )
    value = int(text)
    if value < 0:
        raise _ScheduleError(f"negative number ({value}) not allowed: {text}")
    return value


def _check_range(expression: str, lowest: int, highest: int, names: dict[str, int]) -> None:
    parts = expression.split("/")
    ends = parts[0].split("-")
    if ends[0] in ("*", "?"):
        start, end = lowest, highest
    else:
        start = _number(ends[0], names)
        if len(ends) > 2:
            raise _ScheduleError(f"too many hyphens: {expression}")
        end = _number(ends[1], names) if len(ends) == 2 else start
    if len(parts) > 2:
        raise _ScheduleError(f"too many slashes: {expression}")
    if len(parts) == 2:
        if _number(parts[1], {}) == 0:
            raise _ScheduleError(f"step of range should be a positive number: {expression}")
        end = highest if len(ends) == 1 else end
    if start < lowest:
        raise _ScheduleError(f"beginning of range ({start}) below minimum ({lowest}): {expression}")
    if end > highest:
        raise _ScheduleError(f"end of range ({end}) above maximum ({highest}): {expression}")
    if start > end:
        raise _ScheduleError(f"beginning of range ({start}) beyond end of range ({end}): {expression}")
