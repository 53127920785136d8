"""Memoised functions are called once per frozen part."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.machinery.frozen import FROZEN, FrozenDict, freeze, plain
from kschedcore.api.machinery.remembered import forget, remembered, shared, shared_json

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def counting() -> tuple[list[Any], Any]:
    calls: list[Any] = []

    @remembered
    def describe(part: FrozenDict, name: str) -> str:
        calls.append(part)
        if name == "refused":
            raise ValueError(name)
        return f"{name}: {dict(part)}"

    return calls, describe


def test_the_same_part_is_checked_once() -> None:
    calls, describe = counting()
    part = freeze({"a": 1})
    assert describe(part, "x") == describe(part, "x") == "x: {'a': 1}"
    assert len(calls) == 1
    assert describe(part, "y") == "y: {'a': 1}"
    assert len(calls) == 2


def test_parts_that_are_merely_equal_are_not_the_same() -> None:
    _, describe = counting()
    assert describe(freeze({"a": 1}), "x") == "x: {'a': 1}"
    assert describe(freeze({"a": True}), "x") == "x: {'a': True}"


def test_a_refusal_is_not_remembered() -> None:
    calls, describe = counting()
    part = freeze({})
    for _ in range(2):
        with pytest.raises(ValueError, match="refused"):
            describe(part, "refused")
    assert len(calls) == 2


def test_what_is_forgotten_is_found_out_anew() -> None:
    calls, describe = counting()
    part, before = freeze({"a": 1}), shared({"a": 1})
    describe(part, "x")
    forget()
    assert describe(part, "x") == "x: {'a': 1}"
    assert len(calls) == 2
    assert shared({"a": 1}) == before
    assert shared({"a": 1}) is not before


@given(json_values)
def test_what_reads_the_same_is_one_object(value: Any) -> None:
    first, second = shared({"part": [value]}), shared({"part": [value]})
    assert first is second
    assert plain(first) == {"part": [value]}
    assert type(first["part"]) in FROZEN
    assert shared(first) is first


def test_numbers_and_booleans_differ() -> None:
    texts = [b'{"a":1}', b'{"a":true}', b'{"a":1.0}']
    assert [type(shared_json(text)["a"]) for text in texts] == [int, bool, float]
