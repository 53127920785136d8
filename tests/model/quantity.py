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


def is_binary(text: str) -> bool:
    """Whether the amount is written with a suffix such as `Gi`."""
    return str(text).endswith("i")


def written(amount: Fraction, *, binary: bool) -> str:
    """The amount as Kubernetes writes it: the largest suffix that leaves a whole number.

    What is not whole, or less than 1024, has no binary suffix.
    """
    scales = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki", ""]
    if not binary or abs(amount) < 1024 or amount.denominator != 1:
        scales = ["E", "P", "T", "G", "M", "k", "", "m", "u", "n"]
    fitting = (scale for scale in scales if amount and (amount / _SUFFIXES[scale]).denominator == 1)
    scale = next(fitting, "")
    return f"{amount / _SUFFIXES[scale]}{scale}"


def canonical(text: str) -> str:
    """The same amount as Kubernetes would write it; a decimal exponent stays one."""
    amount = parse(text)
    exponent = re.search(r"\d[eE][+-]?\d+$", str(text))
    if not exponent:
        return written(amount, binary=is_binary(text))
    plain = written(amount, binary=False)
    digits = re.match(r"-?\d+", plain)
    assert digits is not None
    powers = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
    power = powers[plain[digits.end() :]]
    return f"{digits.group()}e{power}" if power else digits.group()
