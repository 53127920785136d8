"""Amounts for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.cli.amounts import amount, duration_text, share


@pytest.mark.parametrize(
    ("resource", "value", "printed"),
    [
        ("cpu", 0, "0"),
        ("cpu", 250, "0.25"),
        ("cpu", 12000, "12"),
        ("memory", 0, "0"),
        ("memory", 512, "512"),
        ("memory", 1536, "1.5Ki"),
        ("memory", 16 * 2**30, "16Gi"),
        ("memory", 2**60 * 7, "7Ei"),
        ("memory", 123_456_789, "118Mi"),
        ("ephemeral-storage", 2**40, "1Ti"),
        ("hugepages-2Mi", 2**21, "2Mi"),
        ("nvidia.com/gpu", 12000, "12000"),
        ("pods", 110, "110"),
    ],
)
def test_amounts_read_as_in_a_manifest(resource: str, value: int, printed: str) -> None:
    assert amount(resource, value) == printed


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_more_never_prints_as_less(a: int, b: int) -> None:
    units = {unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}

    def read(text: str) -> float:
        return float(text[:-2]) * units[text[-2:]] if text[-2:] in units else float(text)

    low, high = sorted((a, b))
    assert read(amount("memory", low)) <= read(amount("memory", high))


def test_shares_round_down() -> None:
    assert [share(1, 3), share(999, 1000), share(3, 2), share(0, 0)] == ["33%", "99%", "150%", "-"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0s"), (0.2512, "0.251s"), (45, "45s"), (312, "5m12s"), (3600, "1h"), (12_300, "3h25m"),
     (86_400, "24h"), (90_000, "25h"), (172_800, "2d"), (7_865_000, "91d")],
)  # fmt: skip
def test_spans_of_time_have_their_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text
