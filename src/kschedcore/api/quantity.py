"""Resource quantities, exactly as Kubernetes reads and writes them (apimachinery ``resource.Quantity``).

A quantity is a decimal number with a suffix: decimal (``n u m k M G T P E``), binary (``Ki`` to ``Ei``) or an
exponent (``1e3``). Kubernetes keeps nothing finer than 1e-9 and rounds away from zero to that, and to whole
units or thousandths wherever it needs an integer, "since you want some resources if you asked for some".
"""

from __future__ import annotations

import re
from functools import cache, total_ordering
from typing import Literal

__all__ = ["Quantity", "milli_value", "nanos", "to_milli", "to_value", "value"]

Format = Literal["BinarySI", "DecimalSI", "DecimalExponent"]

_FORM = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?\Z", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_NANOS = 10**9
_MOST = (2**63 - 1) * _NANOS
_MAX_EXPONENT = 10_000
_ERROR = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


def _up(number: int, divisor: int) -> int:
    """``number / divisor`` rounded away from zero."""
    whole = -(-abs(number) // divisor)
    return whole if number >= 0 else -whole


@total_ordering
class Quantity:
    """An exact amount of a resource.

    Equality and order are by amount: ``1`` equals ``1000m``. ``str()`` gives Kubernetes' canonical form.
    """

    __slots__ = ("format", "nanos")

    def __init__(self, nanos: int, format: Format = "DecimalSI") -> None:  # noqa: A002
        self.nanos = nanos
        self.format: Format = format

    @classmethod
    def parse(cls, text: str | float) -> Quantity:
        """Read a quantity.

        Args:
            text: As a manifest has it; plain numbers are allowed.

        Raises:
            ValueError: It is none, in Kubernetes' words.
        """
        match = _FORM.match(str(text))
        if match is None:
            raise ValueError(_ERROR)
        sign, digits, suffix, exponent = match.groups()
        whole, _, fraction = digits.partition(".")
        number = int(whole + fraction or "0")
        if suffix in _BINARY:
            form: Format = "BinarySI"
            numerator, power = number * 1024 ** _BINARY[suffix], -len(fraction)
        elif exponent is not None:
            form = "DecimalExponent"
            if abs(int(exponent)) > _MAX_EXPONENT:
                raise ValueError("unable to parse quantity's suffix")
            numerator, power = number, int(exponent) - len(fraction)
        else:
            form = "DecimalSI"
            numerator, power = number, _DECIMAL[suffix or ""] - len(fraction)
        power += 9
        nanos = numerator * 10**power if power >= 0 else _up(numerator, 10**-power)
        nanos = min(nanos, _MOST)
        return cls(-nanos if sign == "-" else nanos, form)

    def value(self) -> int:
        """In whole units, rounded away from zero."""
        return _up(self.nanos, _NANOS)

    def milli_value(self) -> int:
        """In thousandths, rounded away from zero."""
        return _up(self.nanos, 10**6)

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
        nanos = abs(self.nanos)
        sign = "-" if self.nanos < 0 else ""
        if nanos == 0:
            return "0"
        if self.format == "BinarySI" and nanos >= 1024 * _NANOS:
            return sign + _binary(_up(nanos, _NANOS))
        power = -9
        while nanos % 1000 == 0 and power < 18:
            nanos //= 1000
            power += 3
        if self.format == "DecimalExponent":
            return f"{sign}{nanos}e{power}" if power else f"{sign}{nanos}"
        suffix = next(name for name, exponent in _DECIMAL.items() if exponent == power)
        return f"{sign}{nanos}{suffix}"


def _binary(units: int) -> str:
    power = 0
    while units % 1024 == 0 and power < len(_BINARY):
        units //= 1024
        power += 1
    return f"{units}{('', *_BINARY)[power]}"


def to_value(amount: int) -> int:
    """Billionths in whole units, rounded away from zero."""
    return _up(amount, _NANOS)


def to_milli(amount: int) -> int:
    """Billionths in thousandths, rounded away from zero."""
    return _up(amount, 10**6)


@cache
def nanos(text: str | float) -> int:
    """Billionths of a quantity's text. Raises ValueError when it is none."""
    return Quantity.parse(text).nanos


@cache
def value(text: str | float) -> int:
    """Whole units of a quantity's text, rounded away from zero. Raises ValueError when it is none."""
    return Quantity.parse(text).value()


@cache
def milli_value(text: str | float) -> int:
    """Thousandths of a quantity's text, rounded away from zero. Raises ValueError when it is none."""
    return Quantity.parse(text).milli_value()
