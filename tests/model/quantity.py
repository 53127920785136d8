"""Kubernetes quantities (`resource.Quantity`) as exact fractions, rounded as the scheduler reads them."""

import re
from fractions import Fraction
from math import ceil

_SUFFIXES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    "": Fraction(1),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$")
_NANO = 10**9


def parse(value: str | float) -> Fraction:
    """The amount a manifest names; finer than a billionth is rounded up, as Kubernetes stores it."""
    match = _NUMBER.match(str(value))
    if match is None:
        raise ValueError(f"quantity {value!r}: expected a number with an optional SI or binary suffix")
    number, exponent, suffix = match.groups()
    scale = Fraction(10) ** int(exponent[1:]) if exponent else _SUFFIXES[suffix or ""]
    return Fraction(ceil(Fraction(number) * scale * _NANO), _NANO)


def whole(amount: Fraction) -> int:
    """`Quantity.Value()`: whole units, rounded up."""
    return ceil(amount)


def milli(amount: Fraction) -> int:
    """`Quantity.MilliValue()`: thousandths, rounded up."""
    return ceil(amount * 1000)
