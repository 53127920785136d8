"""Sets of completion indexes, as text and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.completion_indexes import format_indexes, parse_indexes


@pytest.mark.parametrize(
    ("indexes", "text"), [([], ""), ([3], "3"), ([0, 1], "0,1"), ([4, 0, 1, 2, 9, 8], "0-2,4,8,9")]
)
def test_three_in_a_row_are_an_interval(indexes: list[int], text: str) -> None:
    assert format_indexes(indexes) == text


def test_what_is_out_of_range_is_left_out() -> None:
    assert parse_indexes("0,3-9,12", 5) == {0, 3, 4}


@given(st.sets(st.integers(0, 60)))
def test_the_text_is_complete(indexes: set[int]) -> None:
    assert parse_indexes(format_indexes(indexes), 61) == indexes
