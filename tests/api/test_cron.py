"""Cron schedules against a slow obvious model, over changes of clocks, and at the edges."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.cron import parse_schedule

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("* * * * *", "2026-01-01T00:00:30", "2026-01-01T00:01:00"),
        ("*/15 * * * *", "2026-01-01T00:15:00", "2026-01-01T00:30:00"),
        ("30 2 * * *", "2026-01-01T02:30:00", "2026-01-02T02:30:00"),
        ("0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 12 * * mon-fri", "2026-01-02T12:00:00", "2026-01-05T12:00:00"),
        ("0 0 13 * 5", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("0 0 */2 * 5", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("0 0 * * 5", "2026-01-02T00:00:00", "2026-01-09T00:00:00"),
        ("10/20 1,3 * JAN ?", "2026-01-01T01:50:00", "2026-01-01T03:10:00"),
        ("@monthly", "2026-01-01T00:00:00", "2026-02-01T00:00:00"),
        ("@every 1h30m", "2026-01-01T00:00:00", "2026-01-01T01:30:00"),
        ("TZ=Europe/Berlin 0 6 * * *", "2026-01-01T00:00:00", "2026-01-01T05:00:00"),
    ],
)
def test_the_next_time(schedule: str, after: str, expected: str) -> None:
    assert parse_schedule(schedule).after(at(after)) == at(expected)


def test_a_day_that_never_comes_has_no_next_time() -> None:
    assert parse_schedule("0 0 30 2 *").after(at("2026-01-01T00:00:00")) is None


def times(schedule: str, start: str, count: int) -> list[str]:
    found, time = [], at(start)
    for _ in range(count):
        following = parse_schedule(schedule, BERLIN).after(time)
        assert following is not None
        time = following
        found.append(time.astimezone(BERLIN).strftime("%d %H:%M%z"))
    return found


def test_a_time_that_the_clocks_leave_out_is_left_out() -> None:
    assert times("30 2 * * *", "2026-03-27T12:00:00", 2) == ["28 02:30+0100", "30 02:30+0200"]


def test_a_time_that_comes_twice_comes_twice() -> None:
    expected = ["24 02:30+0200", "25 02:30+0200", "25 02:30+0100", "26 02:30+0100"]
    assert times("30 2 * * *", "2026-10-23T12:00:00", 4) == expected


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("9-5 * * * *", "beginning of range (9) beyond end of range (5): 9-5"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("@never", "unrecognized descriptor: @never"),
        ("@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'),
        ("TZ=Nowhere/Land * * * * *", "provided bad location Nowhere/Land: "),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        parse_schedule(schedule)


FIELDS = st.tuples(
    st.sampled_from(["*", "*/7", "0", "5,50", "58-59", "30/10"]),
    st.sampled_from(["*", "*/5", "3", "0,23", "9-17"]),
    st.sampled_from(["*", "1", "31", "*/10", "10-12"]),
    st.sampled_from(["*", "2", "6-7", "*/5"]),
    st.sampled_from(["*", "0", "1-5", "*/3", "sat"]),
)


def expands(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.replace("sat", "6").split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = int(first)
            end = int(last) if last else high if step else begin
        found |= {number for number in range(begin, end + 1) if (number - begin) % int(step or 1) == 0}
    return found


@given(FIELDS, st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))
def test_it_is_the_first_minute_that_matches(fields: tuple[str, str, str, str, str], start: datetime) -> None:
    start = start.replace(tzinfo=UTC)
    found = parse_schedule(" ".join(fields)).after(start)
    bounds = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    minutes, hours, days, months, weekdays = (
        expands(field, *bound) for field, bound in zip(fields, bounds, strict=True)
    )
    if found is None:
        # February has no 31st.
        assert (fields[2], fields[3], fields[4]) == ("31", "2", "*")
        return
    time = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
    if found - time > timedelta(days=40):
        time = found - timedelta(days=1)
    while True:
        by_month, by_week = time.day in days, time.isoweekday() % 7 in weekdays
        day = by_month and by_week if "*" in (fields[2], fields[4]) else by_month or by_week
        if day and time.month in months and time.hour in hours and time.minute in minutes:
            break
        time += timedelta(minutes=1)
    assert found == time
