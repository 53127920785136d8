"""Plain YAML scalars as Kubernetes' own loader reads them (``sigs.k8s.io/yaml``, its fork of go-yaml v2).

They are those of YAML 1.1 with exceptions: ``yes``, ``on`` and ``y`` are booleans, ``017``, ``0o17``, ``0x1f``
and ``1_000`` integers, ``1e3`` is a number; dates and ``1:30`` are strings, and so is a number too large for
64 bits that has no decimal form.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

__all__ = ["Scalar", "resolve"]

Scalar = str | int | float | bool | None

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_INTEGER = re.compile(r"([+-]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MAX_DIGITS = 400
_LONGEST_KEPT = 64
_MAX_INT64 = 2**63 - 1
_MAX_UINT64 = 2**64 - 1
_MAX_EXACT_FLOAT = 2**53


def resolve(text: str) -> Scalar:
    """Return the value of a scalar without quotes and tag; NaN and the infinities are floats."""
    return _resolve(text) if len(text) <= _LONGEST_KEPT else _read(text)


def _read(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    plain = text if text[0] == "." else text.replace("_", "")
    number: int | float | None = _integer(plain)
    if number is None:
        number = _float(plain)
    return text if number is None else number


_resolve = lru_cache(maxsize=16_384)(_read)


def _integer(text: str) -> int | None:
    """Read an integer as Go's ParseInt and ParseUint do with base 0."""
    match = _INTEGER.fullmatch(text) if len(text) <= _MAX_DIGITS else None
    if match is None:
        return None
    sign, digits = match.groups()
    octal = digits[0] == "0" and digits.isdigit()
    number = int(digits, 8 if octal else 0)
    if number > (_MAX_INT64 + (sign == "-") if sign else _MAX_UINT64):
        return None
    return -number if sign == "-" else number


def _float(text: str) -> int | float | None:
    if not _FLOAT.fullmatch(text):
        return None
    number = float(text)
    if math.isinf(number):
        return None
    # Kubernetes converts to JSON, which writes a whole number without a fraction.
    return int(number) if number.is_integer() and abs(number) < _MAX_EXACT_FLOAT else number
