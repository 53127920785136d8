"""Quantities against exact fractions, and pairs known from Kubernetes."""

from __future__ import annotations

import copy
import pickle
import re
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.quantity import Quantity, milli_value, nanos, value

MOST = 2**63 - 1
SCALES = {
    **{suffix: Fraction(1000) ** n for n, suffix in enumerate(["n", "u", "m", "", *"kMGTPE"], -3)},
    **{f"{prefix}i": Fraction(1024) ** n for n, prefix in enumerate("KMGTPE", 1)},
    **{f"{e}{n}": Fraction(10) ** int(n) for e in "eE" for n in ("0", "3", "+4", "-3", "-12", "21")},
}  # fmt: skip

WRONG_FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
WRONG_NUMBER = "unable to parse numeric part of quantity"
WRONG_SUFFIX = "unable to parse quantity's suffix"


def away_from_zero(amount: Fraction) -> int:
    return ceil(amount) if amount >= 0 else -ceil(-amount)


def capped(number: int) -> int:
    return max(-MOST, min(MOST, number))


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, Fraction]:
    """A quantity's text, and the amount that Kubernetes keeps of it."""
    sign = draw(st.sampled_from(["", "+", "-"]))
    whole = draw(st.text("0123456789", max_size=22))
    fraction = draw(st.text("0123456789", min_size=0 if whole else 1, max_size=14))
    suffix = draw(st.sampled_from(sorted(SCALES)))
    digits = whole + ("." + fraction if fraction or draw(st.booleans()) else "")
    amount = Fraction(f"{whole or '0'}.{fraction or '0'}") * SCALES[suffix]
    amount = Fraction(ceil(amount * 10**9), 10**9)
    if suffix.endswith("i"):
        amount = min(amount, Fraction(MOST))
    return sign + digits + suffix, -amount if sign == "-" else amount


quantities = texts().map(lambda pair: Quantity.parse(pair[0]))


@given(texts())
def test_amounts_are_exact(pair: tuple[str, Fraction]) -> None:
    text, amount = pair
    quantity = Quantity.parse(text)
    assert Fraction(quantity.nanos, 10**9) == amount
    assert quantity.value() == capped(away_from_zero(amount))
    assert quantity.milli_value() == capped(away_from_zero(amount * 1000))
    assert quantity.scaled(3) == away_from_zero(amount / 1000)
    assert quantity.scaled(-12) == amount * 10**12


@given(texts())
def test_functions_agree_with_the_class(pair: tuple[str, Fraction]) -> None:
    quantity = Quantity.parse(pair[0])
    found = (nanos(pair[0]), value(pair[0]), milli_value(pair[0]))
    assert found == (quantity.nanos, quantity.value(), quantity.milli_value())


@given(texts())
def test_text_is_read_back_as_the_same_amount(pair: tuple[str, Fraction]) -> None:
    quantity = Quantity.parse(pair[0])
    again = Quantity.parse(str(quantity))
    assert again == quantity
    assert str(again) == str(quantity)


@given(quantities)
def test_what_was_calculated_prints_in_canonical_form(quantity: Quantity) -> None:
    text = str(quantity + Quantity.parse(0))
    assert Quantity.parse(text) == quantity
    match = re.fullmatch(r"-?([1-9][0-9]*)([numkMGTPE]|[KMGTPE]i|e-?[1-9][0-9]*)?", text)
    if match is None:
        assert text == "0"
        return
    number, suffix = int(match[1]), match[2] or ""
    step = 1024 if suffix.endswith("i") else 1000
    assert number % step or suffix in ("E", "Ei"), "the suffix is as large as possible"


@given(quantities, quantities)
def test_arithmetic_and_order_are_those_of_amounts(left: Quantity, right: Quantity) -> None:
    assert (left + right).nanos == left.nanos + right.nanos
    assert (left - right).nanos == left.nanos - right.nanos
    assert (left < right) == (left.nanos < right.nanos)
    assert (left >= right) == (left.nanos >= right.nanos)
    assert (left == right) == (left.nanos == right.nanos)
    assert left + right - right == left
    assert bool(left) == (left.nanos != 0)


@given(quantities, quantities)
def test_a_sum_keeps_the_first_format_unless_that_is_zero(left: Quantity, right: Quantity) -> None:
    assert (left + right).format == (left or right).format
    assert (left - right).format == (left or right).format


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0n", "0"),
        ("-0", "0"),
        ("0Ki", "0"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1500m", "1500m"),
        ("1.5", "1500m"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("100000", "100k"),
        ("1e3", "1e3"),
        ("1E3", "1E3"),
        ("10e3", "10e3"),
        ("1e4", "10e3"),
        ("1e-1", "100e-3"),
        ("1.1E-6", "1100e-9"),
        ("100k", "100k"),
        ("1.5Gi", "1536Mi"),
        ("1024Mi", "1Gi"),
        ("1000Mi", "1000Mi"),
        ("1048576Ki", "1Gi"),
        ("0.5Ki", "512"),
        ("0.1Mi", "104857600m"),
        ("1.3Ki", "1331200m"),
        ("0.0001Ki", "102400u"),
        ("9Ei", str(MOST)),
        ("-9Ei", str(-MOST)),
        ("0.1n", "1n"),
        ("-0.1n", "-1n"),
        ("1.1n", "2n"),
        ("-1.5Gi", "-1536Mi"),
        ("100E", "100E"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    assert str(Quantity.parse(text)) == canonical


@pytest.mark.parametrize("text", ["+1", "5.", "1.125", "007Mi", "0100m", "1.001k"])
def test_text_that_kubernetes_takes_for_canonical_is_kept(text: str) -> None:
    quantity = Quantity.parse(text)
    assert str(quantity) == text
    assert str(quantity + Quantity.parse("0")) != text


@pytest.mark.parametrize("text", ["250m ", " 250m", "\u3000250m\xa0"])
def test_spaces_around_a_quantity_do_not_count(text: str) -> None:
    assert str(Quantity.parse(text)) == "250m"


@pytest.mark.parametrize("text", ["Mi", "m", "-", "+", ".", ".k", "e5", "Ti"])
def test_a_number_without_digits_is_zero(text: str) -> None:
    assert Quantity.parse(text) == Quantity.parse(0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", WRONG_FORM),
        (" ", WRONG_FORM),
        ("\t1", WRONG_FORM),
        ("- 1", WRONG_FORM),
        ("1 Gi", WRONG_FORM),
        ("1.2.3", WRONG_FORM),
        ("1.1.M", WRONG_FORM),
        ("1+1.0M", WRONG_FORM),
        ("aoeu", WRONG_FORM),
        ("0x10", WRONG_FORM),
        ("1,5", WRONG_FORM),
        ("--1", WRONG_SUFFIX),
        ("1Mb", WRONG_FORM),
        ("٣", WRONG_FORM),
        ("nan", WRONG_FORM),
        ("1\n", WRONG_FORM),
        ("1K", WRONG_SUFFIX),
        ("1i", WRONG_SUFFIX),
        ("0.1mi", WRONG_SUFFIX),
        ("-3.01e-", WRONG_SUFFIX),
        ("1e", WRONG_SUFFIX),
        ("1kk", WRONG_SUFFIX),
        ("1M5", WRONG_SUFFIX),
        ("1-5", WRONG_SUFFIX),
        ("1e10001", WRONG_SUFFIX),
        ("1e" + "9" * 5000, WRONG_SUFFIX),
        ("Ei", WRONG_NUMBER),
        ("e-10", WRONG_NUMBER),
        ("9" * 5000, WRONG_NUMBER),
        ("9" * 2_000_000 + "x", WRONG_FORM),
    ],
)
def test_what_is_no_quantity_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        Quantity.parse(text)
    assert str(caught.value) == message


@given(st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False, max_value=1e300))
def test_plain_numbers_are_quantities(number: float) -> None:
    exact = Fraction(str(number))
    assert Quantity.parse(number).nanos == away_from_zero(exact * 10**9)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        Quantity.parse(number)


def test_a_quantity_cannot_be_changed() -> None:
    quantity = Quantity.parse("1")
    with pytest.raises(AttributeError, match="immutable"):
        quantity.nanos = 5
    with pytest.raises(AttributeError, match="immutable"):
        del quantity.format


@given(quantities)
def test_copies_are_equal_in_amount_and_text(quantity: Quantity) -> None:
    for twin in (copy.deepcopy(quantity), pickle.loads(pickle.dumps(quantity))):
        assert (twin, str(twin), hash(twin)) == (quantity, str(quantity), hash(quantity))


def test_amounts_beyond_64_bits_are_capped_where_integers_are_wanted() -> None:
    huge = Quantity.parse("100E")
    assert huge.value() == huge.milli_value() == MOST
    assert (-huge).value() == -MOST
    assert huge + huge == Quantity.parse("200E")


def test_repr_shows_the_canonical_form() -> None:
    assert repr(Quantity.parse("1024Mi")) == "Quantity('1Gi')"
