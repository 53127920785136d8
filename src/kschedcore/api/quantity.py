"""Resource quantities, parsed and formatted exactly as in Kubernetes (apimachinery ``resource.Quantity``).

A quantity is a decimal number with a suffix: decimal (``n u m k M G T P E``), binary (``Ki`` to ``Ei``) or an
exponent (``1e3``). Kubernetes rounds away from zero to multiples of 1e-9, and to whole units or thousandths where it
needs an integer, so that a positive request is never rounded to 0.
"""

from __future__ import annotations

import re
from functools import total_ordering
from typing import Literal, NamedTuple

from kschedcore.api.machinery.remembered import remembered

__all__ = ["Quantity", "milli_value", "nanos", "to_milli", "to_value", "value"]

Format = Literal["BinarySI", "DecimalSI", "DecimalExponent"]

# Possessive quantifiers, so that a long invalid text is refused in linear time.
_FORM = re.compile(r"([+-]?+)(\d*+)(?:\.(\d*+))?+([eEinumkKMGTP]*+[-+]?+\d*+)", re.ASCII)
_SPACES = (
    " \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_EXPONENT = re.compile(r"[eE]([+-]?\d+)", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIXES = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY_SUFFIXES = ("", *_BINARY)

_NANO_POWER = -9
_NANOS = 10**9
_MAX_INT64 = 2**63 - 1
_MAX_EXPONENT = 10_000
_MAX_DIGITS = 4_000

_WRONG_FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_WRONG_NUMBER = "unable to parse numeric part of quantity"
_WRONG_SUFFIX = "unable to parse quantity's suffix"


def _up(number: int, divisor: int) -> int:
    """Return ``number / divisor`` rounded away from zero."""
    whole = -(-abs(number) // divisor)
    return whole if number >= 0 else -whole


def _capped(number: int) -> int:
    return max(-_MAX_INT64, min(_MAX_INT64, number))


class _Number(NamedTuple):
    """A parsed text: the digits without leading zeros, and the suffix as 10**power or 2**power."""

    whole: str
    fraction: str
    format: Format
    power: int

    @property
    def decimal_power(self) -> int:
        """The power of 10 of the digits as one integer (before a binary suffix)."""
        return (0 if self.format == "BinarySI" else self.power) - len(self.fraction)

    def fits_int64(self) -> bool:
        """Whether Kubernetes stores it as a scaled int64 rather than in arbitrary precision, by its own estimate."""
        digits = len(self.whole or "0") + len(self.fraction)
        if self.format == "BinarySI":
            return not self.fraction and 14 - digits - self.power * 3 // 10 >= 0
        return digits <= 18 and self.decimal_power >= _NANO_POWER

    def is_kept(self) -> bool:
        """Whether Kubernetes considers the text canonical and formats it unchanged."""
        if not self.fits_int64():
            return False
        digits = (self.whole or "0") + self.fraction
        if self.format == "BinarySI":
            return int(digits) % 8 != 0
        return self.decimal_power % 3 == 0 and not digits.endswith("000") and digits[0] != "0"

    def nanos(self) -> int:
        """The amount in billionths, rounded up."""
        number = int(self.whole + self.fraction or "0")
        if self.format == "BinarySI":
            number <<= self.power
        power = self.decimal_power - _NANO_POWER
        amount = number * 10**power if power >= 0 else _up(number, 10**-power)
        return min(amount, _MAX_INT64 * _NANOS) if self.format == "BinarySI" else amount


def _suffix(text: str) -> tuple[Format, int]:
    if text in _DECIMAL:
        return "DecimalSI", _DECIMAL[text]
    if text in _BINARY:
        return "BinarySI", _BINARY[text]
    match = _EXPONENT.fullmatch(text)
    if match is None or len(match[1]) > _MAX_DIGITS or abs(int(match[1])) > _MAX_EXPONENT:
        raise ValueError(_WRONG_SUFFIX)
    return "DecimalExponent", int(match[1])


@total_ordering
class Quantity:
    """An exact amount of a resource, immutable.

    Equality, order and hash are by amount: ``1`` equals ``1000m``. ``str()`` gives Kubernetes' canonical form
    in the format the quantity was written in.

    Attributes:
        nanos: The amount in billionths.
        format: The notation: binary suffixes, decimal suffixes, or an exponent.
    """

    __slots__ = ("_text", "format", "nanos")

    nanos: int
    format: Format
    _text: str | None

    def __init__(self, nanos: int, format: Format = "DecimalSI", *, text: str | None = None) -> None:  # noqa: A002
        set_slot = object.__setattr__
        set_slot(self, "nanos", nanos)
        set_slot(self, "format", format)
        set_slot(self, "_text", text)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Quantity is immutable; cannot set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Quantity is immutable; cannot delete {name}")

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (self.nanos, self.format, self._text)

    @classmethod
    def parse(cls, text: str | float) -> Quantity:
        """Parse a quantity of a manifest (``resource.Quantity.UnmarshalJSON``).

        Everything that Kubernetes accepts is accepted: surrounding spaces are ignored, and a number without digits
        (``Mi``) is zero. Binary amounts are capped at 2**63-1, as in Kubernetes; exponents beyond ±10,000 are refused.

        Args:
            text: The text, or a number.

        Raises:
            ValueError: It is invalid; the message is Kubernetes'.
        """
        given = str(text).strip(_SPACES)
        match = _FORM.fullmatch(given) if given else None
        if match is None:
            raise ValueError(_WRONG_FORM)
        sign, whole, fraction, suffix = match.groups(default="")
        form, power = _suffix(suffix)
        number = _Number(whole.lstrip("0"), fraction, form, power)
        digits = len(number.whole) + len(fraction)
        if digits > _MAX_DIGITS or not (whole or fraction or number.fits_int64()):
            raise ValueError(_WRONG_NUMBER)
        amount = number.nanos()
        if form == "BinarySI" and 0 < amount < _NANOS:
            form = "DecimalSI"
        kept = given if number.is_kept() else None
        return cls(-amount if sign == "-" else amount, form, text=kept)

    def scaled(self, exponent: int) -> int:
        """Return the amount in units of ``10**exponent``, rounded away from zero (``ScaledValue``)."""
        power = exponent - _NANO_POWER
        return _up(self.nanos, 10**power) if power >= 0 else self.nanos * 10**-power

    def value(self) -> int:
        """Return the amount in whole units, rounded away from zero, capped to 64 bits (``Value``)."""
        return to_value(self.nanos)

    def milli_value(self) -> int:
        """Return the amount in thousandths, rounded away from zero, capped to 64 bits (``MilliValue``)."""
        return to_milli(self.nanos)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos + other.nanos, self.format if self.nanos else other.format)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos - other.nanos, self.format if self.nanos else other.format)

    def __neg__(self) -> Quantity:
        return Quantity(-self.nanos, self.format)

    def __bool__(self) -> bool:
        return self.nanos != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nanos == other.nanos

    def __lt__(self, other: Quantity) -> bool:
        return self.nanos < other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def __str__(self) -> str:
        if self._text is not None:
            return self._text
        if not self.nanos:
            return "0"
        sign, amount = ("-", -self.nanos) if self.nanos < 0 else ("", self.nanos)
        # Small or broken binary amounts would lose precision, so they show as decimals.
        if self.format == "BinarySI" and amount >= 1024 * _NANOS and amount % _NANOS == 0:
            return sign + _binary(amount // _NANOS)
        return sign + _decimal(amount, exponent=self.format == "DecimalExponent")


def _restored(nanos: int, form: Format, text: str | None) -> Quantity:
    return Quantity(nanos, form, text=text)


def _binary(units: int) -> str:
    power = 0
    while units % 1024 == 0 and power + 1 < len(_BINARY_SUFFIXES):
        units //= 1024
        power += 1
    return f"{units}{_BINARY_SUFFIXES[power]}"


def _decimal(amount: int, *, exponent: bool) -> str:
    power = _NANO_POWER
    while amount % 1000 == 0 and (exponent or power < _DECIMAL["E"]):
        amount //= 1000
        power += 3
    if exponent:
        return f"{amount}e{power}" if power else str(amount)
    return f"{amount}{_DECIMAL_SUFFIXES[power]}"


def to_value(amount: int) -> int:
    """Convert billionths to whole units, rounded away from zero, capped to 64 bits."""
    return _capped(_up(amount, _NANOS))


def to_milli(amount: int) -> int:
    """Convert billionths to thousandths, rounded away from zero, capped to 64 bits."""
    return _capped(_up(amount, 10**6))


@remembered
def nanos(text: str | float) -> int:
    """Return billionths of a quantity's text. Raises ValueError if it is invalid."""
    return Quantity.parse(text).nanos


@remembered
def value(text: str | float) -> int:
    """Return whole units of a quantity's text (:meth:`Quantity.value`). Raises ValueError if it is invalid."""
    return Quantity.parse(text).value()


@remembered
def milli_value(text: str | float) -> int:
    """Return thousandths of a quantity's text (:meth:`Quantity.milli_value`). Raises ValueError if it is invalid."""
    return Quantity.parse(text).milli_value()
