"""``"%s is %d".format([a, b])`` (cel-go's ``ext/formatting.go``)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from kschedcore.cel import types
from kschedcore.cel.ast import Call, ListExpr, Literal, MapExpr, Node
from kschedcore.cel.declarations import method
from kschedcore.cel.errors import EvaluationError, Issue
from kschedcore.cel.functions.conversions import to_double, to_string
from kschedcore.cel.types import Kind, Type
from kschedcore.cel.values import Duration, Timestamp, UInt, Value, quoted, type_name

__all__ = ["FORMAT", "validate_formats"]

_DEFAULT_PRECISION: Final = 6
_MAX_PRECISION: Final = 1000
_SPECIAL: Final = frozenset({"NaN", "Infinity", "-Infinity"})
_COMPLAINTS: Final = {
    "s": "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations,"
    " and timestamps",
    "d": "decimal clause can only be used on integers",
    "f": "fixed-point clause can only be used on doubles",
    "e": "scientific clause can only be used on doubles",
    "b": "only integers and bools can be formatted as binary",
    "x": "only integers, byte buffers, and strings can be formatted as hex",
    "X": "only integers, byte buffers, and strings can be formatted as hex",
    "o": "octal clause can only be used on integers",
}
_KINDS: Final = {
    "s": frozenset(
        {
            Kind.LIST,
            Kind.MAP,
            Kind.INT,
            Kind.UINT,
            Kind.DOUBLE,
            Kind.BOOL,
            Kind.STRING,
            Kind.TIMESTAMP,
            Kind.BYTES,
            Kind.DURATION,
            Kind.TYPE,
            Kind.NULL,
        }
    ),
    "d": frozenset({Kind.INT, Kind.UINT}),
    "f": frozenset({Kind.DOUBLE, Kind.STRING}),
    "e": frozenset({Kind.DOUBLE, Kind.STRING}),
    "b": frozenset({Kind.INT, Kind.UINT, Kind.BOOL}),
    "x": frozenset({Kind.INT, Kind.UINT, Kind.STRING, Kind.BYTES}),
    "X": frozenset({Kind.INT, Kind.UINT, Kind.STRING, Kind.BYTES}),
    "o": frozenset({Kind.INT, Kind.UINT}),
}


class _Clause(NamedTuple):
    kind: str
    precision: int


class _FormatError(Exception):
    """A format that is wrong.

    Attributes:
        node: The argument that does not fit, if it is one.
    """

    def __init__(self, message: str, node: Node | None = None) -> None:
        self.node = node
        super().__init__(message)


def _rendered(form: str, count: int, render: Callable[[int, _Clause], str]) -> tuple[str, int]:
    """Return a format with its clauses replaced, and how many arguments they took."""
    parts: list[str] = []
    taken = 0
    at = 0
    while at < len(form):
        percent = form.find("%", at)
        if percent < 0:
            parts.append(form[at:])
            break
        parts.append(form[at:percent])
        if form.startswith("%%", percent):
            parts.append("%")
            at = percent + 2
            continue
        if taken >= count:
            raise _FormatError(f"index {taken} out of range")
        if percent + 1 >= len(form):
            raise _FormatError("unexpected end of string")
        clause, at = _clause(form, percent + 1)
        try:
            parts.append(render(taken, clause))
        except _FormatError as error:
            raise _FormatError(f"error during formatting: {error}", error.node) from None
        taken += 1
    return "".join(parts), taken


def _clause(form: str, at: int) -> tuple[_Clause, int]:
    precision = _DEFAULT_PRECISION
    wrong = "could not parse formatting clause: "
    if form[at] == ".":
        found = re.compile(r"[0-9]*").match(form, at + 1)
        digits = "" if found is None else found[0]
        at += 1 + len(digits)
        if at >= len(form):
            raise _FormatError(
                f"{wrong}error while parsing precision: could not find end of precision specifier"
            )
        if not digits:
            raise _FormatError(
                f"{wrong}error while parsing precision: error while converting precision to integer:"
                ' strconv.Atoi: parsing "": invalid syntax'
            )
        precision = min(int(digits[:9]), _MAX_PRECISION)
    kind = form[at]
    if kind not in _KINDS:
        raise _FormatError(f'{wrong}unrecognized formatting clause "{kind}"')
    return _Clause(kind, precision), at + 1


def _format(form: str, arguments: list[Value]) -> str:
    try:
        return _rendered(form, len(arguments), lambda at, clause: _shown(arguments[at], clause))[0]
    except _FormatError as error:
        raise EvaluationError(str(error)) from None


def _refused(value: Value, kind: str) -> _FormatError:
    return _FormatError(f"{_COMPLAINTS[kind]}, was given {type_name(value)}")


def _shown(value: Value, clause: _Clause) -> str:
    match clause.kind:
        case "s":
            return _string(value)
        case "d":
            if _is_integer(value):
                return str(int(value))
        case "f" | "e":
            if isinstance(value, float) or (isinstance(value, str) and value in _SPECIAL):
                return _number(to_double(value), clause)
        case "b":
            if isinstance(value, bool):
                return "1" if value else "0"
            if _is_integer(value):
                return format(int(value), "b")
        case "o":
            if _is_integer(value):
                return format(int(value), "o")
        case _:
            return _hexadecimal(value, clause.kind)
    raise _refused(value, clause.kind)


def _is_integer(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _hexadecimal(value: Value, kind: str) -> str:
    if _is_integer(value):
        return format(int(value), kind)
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        text = value.hex()
        return text.upper() if kind == "X" else text
    raise _refused(value, kind)


def _number(number: float, clause: _Clause) -> str:
    if clause.kind == "f":
        return _special_number(number) or f"{number:,.{clause.precision}f}"
    # The library that cel-go formats with takes the precision for a width.
    return (_special_number(number) or _scientific(number)).rjust(clause.precision)


def _special_number(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return ("∞" if number > 0 else "-∞") if math.isinf(number) else ""


def _scientific(number: float) -> str:
    mantissa, _, exponent = f"{number:.{_DEFAULT_PRECISION}e}".partition("e")
    raised = "".join(_SUPERSCRIPTS[each] for each in f"{int(exponent):+03d}".lstrip("+"))
    return f"{mantissa}\u202f×\u202f10{raised}"


_SUPERSCRIPTS: Final = dict(zip("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))


def _string(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_part(each) for each in value)}]"
    if isinstance(value, Mapping):
        return _map(value)
    try:
        return to_string(value)
    except EvaluationError as error:
        if isinstance(value, bytes):
            raise _FormatError(f'could not convert argument "{error}" to string') from None
        raise _refused(value, "s") from None


def _part(value: Value) -> str:
    """Return a value as it is shown inside a list or map."""
    match value:
        case str():
            return quoted(value)
        case bytes():
            return f"b{quoted(_string(value))}"
        case bool() | None:
            return _string(value)
        case int():
            return str(int(value))
        case float():
            text = f"{value:.{_DEFAULT_PRECISION}f}"
            special = {"nan": '"NaN"', "inf": '"+Inf"', "-inf": '"-Inf"'}
            return special.get(text, text)
        case Timestamp():
            return f'timestamp("{value}")'
        case Duration():
            return f'duration("{value}")'
        case list() | tuple() | Mapping() | Type():
            return _string(value)
    raise _FormatError(f"no formatting function for {type_name(value)}")


def _map(values: Mapping[Value, Value]) -> str:
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        if not isinstance(key, str | int | UInt):
            raise _FormatError(f"no formatting function for map key of type {type_name(key)}")
        pairs.append((_part(key), _part(value)))
    return "{" + ", ".join(f"{key}:{value}" for key, value in sorted(pairs, key=lambda pair: pair[0])) + "}"


FORMAT: Final = method("string_format", (types.STRING, types.list_of(types.DYN)), types.STRING, _format)


# Checks of literal formats


def validate_formats(nodes: list[Node]) -> Iterable[Issue]:
    """Check formats that are literals against arguments that are listed."""
    for node in nodes:
        if not isinstance(node, Call) or node.function != "format" or len(node.args) != 1:
            continue
        form, arguments = node.target, node.args[0]
        if not isinstance(form, Literal) or not isinstance(form.value, str):
            continue
        if isinstance(arguments, ListExpr):
            yield from _format_issues(node, form.value, arguments.elements)


def _format_issues(call: Call, form: str, arguments: list[Node]) -> Iterable[Issue]:
    try:
        _, taken = _rendered(form, len(arguments), lambda at, clause: _checked(arguments[at], clause))
    except _FormatError as error:
        return [Issue(call.offset if error.node is None else error.node.offset, str(error))]
    if len(arguments) > taken:
        counts = f"(expected {taken}, got {len(arguments)})"
        return [Issue(call.offset, f"too many arguments supplied to string.format {counts}")]
    return []


def _checked(argument: Node, clause: _Clause) -> str:
    wrong = _misfit(argument, _KINDS[clause.kind], nested=clause.kind == "s")
    if wrong is not None:
        assert wrong.type is not None, "only type-checked expressions are validated"
        raise _FormatError(f"{_COMPLAINTS[clause.kind]}, was given {wrong.type.name}", wrong)
    return ""


def _misfit(node: Node, kinds: frozenset[Kind], *, nested: bool) -> Node | None:
    """Return the part of an argument that cannot be shown, None when all can."""
    if node.type is None or (node.type.kind is not Kind.DYN and node.type.kind not in kinds):
        return node
    if not nested:
        return None
    parts: list[Node] = []
    if isinstance(node, ListExpr):
        parts = node.elements
    elif isinstance(node, MapExpr):
        parts = [part for entry in node.entries for part in (entry.key, entry.value)]
    return next((wrong for each in parts if (wrong := _misfit(each, kinds, nested=True)) is not None), None)
