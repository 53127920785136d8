"""Numbers and percentages."""

from __future__ import annotations

import pytest

from kschedcore.api.percentages import scaled_value


@pytest.mark.parametrize(
    ("value", "total", "up", "down"), [(3, 10, 3, 3), ("25%", 10, 3, 2), ("100%", 7, 7, 7), ("0%", 5, 0, 0)]
)
def test_fractions_are_rounded_in_the_given_direction(
    value: int | str, total: int, up: int, down: int
) -> None:
    assert scaled_value(value, total, round_up=True) == up
    assert scaled_value(value, total, round_up=False) == down


@pytest.mark.parametrize("text", ["25", "%", "-5%", "2.5%"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no percentage"):
        scaled_value(text, 10, round_up=True)
