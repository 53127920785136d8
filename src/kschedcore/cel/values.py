"""Values of expressions for which Python has no type.

``bool``, ``int`` (64 bits, checked by the operators), ``float``, ``str``, ``bytes``, ``None``, ``list`` (or
``tuple``) and ``dict`` are CEL's types of these names. Values of a library's own type derive from
:class:`CelValue`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from kschedcore.api.quantity import Quantity
from kschedcore.cel import types
from kschedcore.cel.errors import EvaluationError

__all__ = [
    "MISSING",
    "NONE",
    "CelValue",
    "Duration",
    "Missing",
    "Optional",
    "Timestamp",
    "UInt",
    "Value",
    "fixed_text",
    "general_text",
    "implementation_name",
    "lookup",
    "quoted",
    "size_of",
    "text_of",
    "type_name",
    "type_of",
]

Value = Any
"""A value of an expression; the types above."""


class Missing:
    """The type of :data:`MISSING`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
"""The result of looking up a missing key; never a value of an expression."""


class UInt(int):
    """An unsigned integer of 64 bits."""

    __slots__ = ()


class CelValue:
    """Base class of values of types that libraries add."""

    __slots__ = ()

    cel_type: types.Type = types.DYN

    def cel_size(self) -> int | None:
        """Return the size that the cost model charges for, None for 1."""
        return None

    def cel_field(self, name: str) -> Value:
        """Return a declared field's value, :data:`MISSING` when it is not set."""
        del name
        return MISSING


class Optional(CelValue):
    """A value that may be absent; :data:`NONE` is the absent one."""

    __slots__ = ("content",)

    cel_type = types.optional_of(types.DYN)

    def __init__(self, content: Value) -> None:
        self.content = content

    @property
    def has_value(self) -> bool:
        """Whether there is a value."""
        return self.content is not MISSING

    def value(self) -> Value:
        """Return the value.

        Raises:
            EvaluationError: There is none.
        """
        if self.content is MISSING:
            raise EvaluationError("optional.none() dereference")
        return self.content

    def __repr__(self) -> str:
        return f"Optional({self.content!r})"


NONE: Final = Optional(MISSING)

_NANOS: Final = 10**9
_MAX_INT64: Final = 2**63 - 1
_MIN_EXPONENT: Final = 6
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MIN_SECONDS: Final = -62_135_596_800
_MAX_SECONDS: Final = 253_402_300_799
_DURATION: Final = re.compile(r"(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS: Final = {
    "ns": 1,
    "us": 1000,
    "µs": 1000,
    "μs": 1000,
    "ms": 10**6,
    "s": _NANOS,
    "m": 60 * _NANOS,
    "h": 3600 * _NANOS,
}


class Duration(CelValue):
    """A span of time.

    Attributes:
        nanos: Its length in nanoseconds, within 64 bits.
    """

    __slots__ = ("nanos",)

    cel_type = types.DURATION

    def __init__(self, nanos: int) -> None:
        if not -_MAX_INT64 - 1 <= nanos <= _MAX_INT64:
            raise EvaluationError("integer overflow")
        self.nanos = nanos

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``1h30m``, ``-1.5s`` (Go's ``time.ParseDuration``).

        Raises:
            ValueError: It is invalid.
        """
        rest = text[1:] if text[:1] in {"+", "-"} else text
        if rest == "0":
            return cls(0)
        total = 0
        position = 0
        while position < len(rest) or not rest:
            found = _DURATION.match(rest, position)
            if found is None or not (found[1] or found[2]):
                raise ValueError(f"invalid duration {text!r}")
            unit = _UNITS[found[3]]
            total += int(found[1] or "0") * unit
            if found[2]:
                total += int(found[2]) * unit // 10 ** len(found[2])
            position = found.end()
        if text.startswith("-"):
            total = -total
        if not -_MAX_INT64 - 1 <= total <= _MAX_INT64:
            raise ValueError(f"invalid duration {text!r}")
        return cls(total)

    def __str__(self) -> str:
        return f"{fixed_text(self.seconds())}s"

    def seconds(self) -> float:
        """Return its length in seconds, as Go's ``Duration.Seconds`` computes it."""
        whole = int(self.nanos / _NANOS) if abs(self.nanos) < 2**52 else _truncated(self.nanos)
        return whole + (self.nanos - whole * _NANOS) / 1e9

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.nanos == other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)


def _truncated(nanos: int) -> int:
    return nanos // _NANOS if nanos >= 0 else -(-nanos // _NANOS)


class Timestamp(CelValue):
    """A point in time from year 1 to 9999.

    Attributes:
        nanos: Nanoseconds since 1970 in UTC.
        offset: Seconds east of UTC that it was written with.
    """

    __slots__ = ("nanos", "offset")

    cel_type = types.TIMESTAMP

    def __init__(self, nanos: int, offset: int = 0) -> None:
        if not _MIN_SECONDS * _NANOS <= nanos < (_MAX_SECONDS + 1) * _NANOS:
            raise EvaluationError("timestamp overflow")
        self.nanos = nanos
        self.offset = offset

    @classmethod
    def parse(cls, text: str) -> Timestamp:
        """Read RFC 3339.

        Raises:
            ValueError: It is not RFC 3339.
            EvaluationError: It is out of range.
        """
        found = _RFC3339.fullmatch(text)
        if found is None:
            raise ValueError(f"no timestamp: {text!r}")
        year, month, day, hour, minute, second = map(int, found.groups()[:6])
        if hour > 23 or minute > 59 or second > 59:
            raise ValueError(f"no timestamp: {text!r}")
        # Year 0 is one that Go reads and Python does not: it is a leap year like year 400.
        days = date(year or 400, month, day).toordinal() - _EPOCH - (0 if year else 146_097)
        fraction = (found[7] or "")[:9].ljust(9, "0")
        offset = 0
        if found[8] not in {"Z", "z"}:
            if int(found[9]) > 24 or int(found[10]) > 60:
                raise ValueError(f"no timestamp: {text!r}")
            offset = (int(found[9]) * 60 + int(found[10])) * (-60 if found[8][0] == "-" else 60)
        seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        return cls(seconds * _NANOS + int(fraction), offset)

    @classmethod
    def of(cls, moment: datetime) -> Timestamp:
        """Return an aware datetime's point in time."""
        span = moment - datetime(1970, 1, 1, tzinfo=UTC)
        micros = (span.days * 86_400 + span.seconds) * 10**6 + span.microseconds
        zone = moment.utcoffset() or timedelta()
        return cls(micros * 1000, int(zone.total_seconds()))

    def __str__(self) -> str:
        local = self.nanos + self.offset * _NANOS
        seconds, fraction = divmod(local, _NANOS)
        days, second = divmod(seconds, 86_400)
        ordinal = days + _EPOCH
        # An offset may move the local time into year 0 or 10000.
        if ordinal < 1:
            day, year = date.fromordinal(ordinal + 146_097), 0
        elif ordinal > date.max.toordinal():
            day, year = date.fromordinal(ordinal - 146_097), 10_000
        else:
            day = date.fromordinal(ordinal)
            year = day.year
        text = f"{year:04d}-{day.month:02d}-{day.day:02d}T"
        text += f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        if fraction:
            text += f".{fraction:09d}".rstrip("0")
        if not self.offset:
            return f"{text}Z"
        minutes = abs(self.offset) // 60
        return f"{text}{'-' if self.offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timestamp) and self.nanos == other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)


_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-](\d\d):(\d\d))", re.ASCII
)

_QUANTITY_TYPE: Final = types.object_type("kubernetes.Quantity")
_TYPES: Final[dict[type, types.Type]] = {
    bool: types.BOOL,
    int: types.INT,
    UInt: types.UINT,
    float: types.DOUBLE,
    str: types.STRING,
    bytes: types.BYTES,
    type(None): types.NULL,
    list: types.list_of(types.DYN),
    tuple: types.list_of(types.DYN),
    dict: types.map_of(types.DYN, types.DYN),
    types.Type: types.TYPE,
    Quantity: _QUANTITY_TYPE,
}


def type_of(value: Value) -> types.Type:
    """Return the type of a value at run time; containers' parameters are ``dyn``."""
    found = _TYPES.get(type(value))
    if found is not None:
        return found
    if isinstance(value, CelValue):
        return value.cel_type
    if isinstance(value, Mapping):
        return _TYPES[dict]
    raise TypeError(f"{type(value).__name__} is no type of CEL")


def type_name(value: Value) -> str:
    """Return the name of a value's type at run time."""
    return type_of(value).name


_GO_TYPES: Final = {
    "bool": "types.Bool",
    "bytes": "types.Bytes",
    "double": "types.Double",
    "google.protobuf.Duration": "types.Duration",
    "google.protobuf.Timestamp": "types.Timestamp",
    "int": "types.Int",
    "list": "*types.baseList",
    "map": "*types.baseMap",
    "null_type": "types.Null",
    "optional_type": "*types.Optional",
    "string": "types.String",
    "type": "*types.Type",
    "uint": "types.Uint",
}


def implementation_name(value: Value) -> str:
    """Return the name that cel-go's own code has for a value's type, which some of its errors show."""
    name = type_name(value)
    return _GO_TYPES.get(name, name)


def lookup(mapping: Mapping[Value, Value], key: Value) -> Value:
    """Return a map's value for a key, :data:`MISSING` when it has none.

    Numbers of all types with the same value are the same key, as in CEL; ``True`` is not 1, as in CEL and other
    than in Python.
    """
    if type(key) is str:
        return mapping.get(key, MISSING)
    try:
        found = mapping.get(key, MISSING)
    except TypeError:  # not hashable: no key
        return MISSING
    if found is MISSING or not isinstance(key, int | float):
        return found
    is_bool = type(key) is bool
    return found if any(each == key and (type(each) is bool) is is_bool for each in mapping) else MISSING


def size_of(value: Value) -> int:
    """Return the size that the cost model charges for: elements, code points or bytes; 1 of anything else."""
    kind = type(value)
    if kind is str or kind is bytes or kind is list or kind is dict or kind is tuple:
        return len(value)
    if isinstance(value, Optional):
        return size_of(value.content) if value.has_value else 1
    if isinstance(value, CelValue):
        size = value.cel_size()
        return 1 if size is None else size
    return len(value) if isinstance(value, Mapping) else 1


def fixed_text(number: float) -> str:
    """Return a number without exponent, with the fewest digits that identify it (Go's ``'f', -1``)."""
    text = repr(number)
    if text in {"inf", "-inf", "nan"}:
        return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}[text]
    mantissa, _, exponent = text.partition("e")
    if exponent:
        sign = "-" if mantissa.startswith("-") else ""
        whole, _, fraction = mantissa.lstrip("-").partition(".")
        digits = whole + fraction
        point = len(whole) + int(exponent)
        if point <= 0:
            text = f"{sign}0.{'0' * -point}{digits}"
        else:
            text = f"{sign}{digits[:point].ljust(point, '0')}.{digits[point:]}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def general_text(number: float) -> str:
    """Return a number as Go's ``%g`` and ``%v`` write it: with an exponent below -4 and from 6 on."""
    if number != number or number in {float("inf"), float("-inf")}:
        return fixed_text(number)
    if not number:
        return "-0" if repr(number).startswith("-") else "0"
    mantissa, _, exponent = repr(number).partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    power = len(whole) - leading - 1 + int(exponent or 0)
    digits = digits.rstrip("0")
    if -4 <= power < _MIN_EXPONENT:
        return fixed_text(number)
    point = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}e{'-' if power < 0 else '+'}{abs(power):02d}"


ESCAPES: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
"""Characters with an escape of their own in Go's and CEL's quoted text."""


def quoted(text: str) -> str:
    """Return a text in double quotes, escaped as Go does it (``%q``)."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    known = ESCAPES.get(letter)
    if known is not None:
        return known
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def text_of(value: Value) -> str:
    """Return a value for error messages (Go's ``%v`` of cel-go's values)."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return general_text(value)
        case bytes():
            return f"[{' '.join(str(each) for each in value)}]"
        case None:
            return "0"
        case Optional():
            return f"optional({text_of(value.content)})" if value.has_value else "optional.none()"
        case list() | tuple():
            return f"[{', '.join(text_of(each) for each in value)}]"
        case Mapping():
            return "{" + ", ".join(f"{text_of(key)}: {text_of(each)}" for key, each in value.items()) + "}"
    return str(value)
