"""The unavailable part of an app and its duration, compared with a count second by second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kschedcore.simulation.availability import Availability

START = datetime(2026, 1, 1, tzinfo=UTC)
PODS = "abcdef"
Change = tuple[int, int | tuple[str, bool]]

changes = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.one_of(st.integers(0, 5), st.tuples(st.sampled_from(PODS), st.booleans())),
    ),
    max_size=25,
)
"""Seconds that pass, and then: a new number of replicas, or a pod is ready or not."""


def after(drawn: list[Change], rest: int) -> Availability:
    app, now = Availability(START), START
    for seconds, change in drawn:
        now += timedelta(seconds=seconds)
        if isinstance(change, int):
            app.want(change, now)
        else:
            app.set_ready(change[0], ready=change[1], now=now)
    app.advance(now + timedelta(seconds=rest))
    return app


def counted(drawn: list[Change], rest: int) -> tuple[int, int, int]:
    """For how many seconds any pod was missing, how many were in all of them, and the most at any one time."""
    desired: int | None = None
    ready: set[str] = set()
    reached = unavailable = missing_seconds = most = 0
    for seconds, change in [*drawn, (rest, None)]:
        for _ in range(seconds):
            missing = max(0, reached - len(ready))
            unavailable += missing > 0
            missing_seconds += missing
        if isinstance(change, int):
            desired = change
        elif change is not None:
            (ready.add if change[1] else ready.discard)(change[0])
        if desired is not None:
            reached = min(desired, max(reached, len(ready)))
            most = max(most, reached - len(ready))
    return unavailable, missing_seconds, most


@given(changes, st.integers(0, 5))
def test_what_was_reached_and_then_missed_is_counted_to_the_second(drawn: list[Change], rest: int) -> None:
    app = after(drawn, rest)
    assert (app.unavailable.total_seconds(), app.missing_seconds, app.most_missing) == counted(drawn, rest)


@given(changes)
def test_an_app_without_desired_replicas_misses_nothing(drawn: list[Change]) -> None:
    app = after([each for each in drawn if not isinstance(each[1], int)], 5)
    assert (app.unavailable, app.missing_seconds, app.most_missing) == (timedelta(), 0, 0)
