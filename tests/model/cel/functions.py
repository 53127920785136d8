"""The functions that selectors may call, by name; the receiver of a method is its first argument."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from tests.model.cel.values import (
    EvaluationError,
    Optional,
    Quantity,
    Semver,
    equal,
    is_number,
    no_overload,
    type_name,
)

Function = Callable[..., Any]
LIMIT = 2**63


def integer(value: int) -> int:
    """An `int`, which has 64 bits."""
    if not -LIMIT <= value < LIMIT:
        raise EvaluationError("integer overflow")
    return value


def _typed(*types: type) -> Callable[[Function], Function]:
    """Arguments of exactly these types, or there is no such overload."""

    def wrap(function: Function) -> Function:
        def checked(*arguments: Any) -> Any:
            if len(arguments) != len(types) or any(
                type(each) is not wanted for each, wanted in zip(arguments, types, strict=True)
            ):
                raise no_overload()
            return function(*arguments)

        return checked

    return wrap


def _any_of(*functions: Function) -> Function:
    """The first overload that takes the arguments."""

    def chosen(*arguments: Any) -> Any:
        for function in functions[:-1]:
            try:
                return function(*arguments)
            except EvaluationError as error:
                if str(error) != str(no_overload()):
                    raise
        return functions[-1](*arguments)

    return chosen


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1 for values that have an order."""
    if is_number(left) and is_number(right):
        return int(left > right) - int(left < right)
    if type(left) is type(right) and type(left) in (str, bool):
        return int(left > right) - int(left < right)
    raise no_overload()


def _ranked(left: Any, right: Any) -> int:
    if type(left) is Quantity and type(right) is Quantity:
        return (left.amount > right.amount) - (left.amount < right.amount)
    if type(left) is Semver and type(right) is Semver:
        return (left.rank() > right.rank()) - (left.rank() < right.rank())
    raise no_overload()


def arithmetic(operator: str, left: Any, right: Any) -> Any:
    if operator == "+" and type(left) is type(right) and type(left) in (str, list):
        return left + right
    if type(left) is not type(right) or not is_number(left):
        raise no_overload()
    if operator in "+-*":
        results = {"+": left + right, "-": left - right, "*": left * right}
        return integer(results[operator]) if type(left) is int else results[operator]
    if type(left) is float:
        return _float_quotient(operator, left, right)
    if right == 0:
        raise EvaluationError("division by zero" if operator == "/" else "modulus by zero")
    magnitude = abs(left) // abs(right) if operator == "/" else abs(left) % abs(right)
    negative = (left < 0) != (right < 0) if operator == "/" else left < 0
    return integer(-magnitude if negative else magnitude)


def _float_quotient(operator: str, left: float, right: float) -> float:
    if operator != "/":
        raise no_overload()
    if right == 0:
        return float("nan") if left == 0 else float("inf") * (1 if left > 0 else -1)
    return left / right


def contains(item: Any, container: Any) -> bool:
    """The operator `in`."""
    if isinstance(container, list):
        return any(equal(item, each) for each in container)
    if isinstance(container, dict):
        return any(equal(item, key) for key in container)
    raise no_overload()


def _size(value: Any) -> int:
    if not isinstance(value, str | list | dict):
        raise no_overload()
    return len(value)


def _matches(text: str, pattern: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        raise EvaluationError(f"error parsing regexp: {error}") from None


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found.group() if found else ""


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    if not 0 <= last <= len(text):
        raise EvaluationError(f"index out of range: {last}")
    if start > last:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {last}")
    return text[start:last]


def _char_at(text: str, at: int) -> str:
    if not 0 <= at <= len(text):
        raise EvaluationError(f"index out of range: {at}")
    return text[at : at + 1]


def _to_int(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is float:
        return integer(int(value))
    if type(value) is str:
        if not re.fullmatch(r"[+-]?\d+", value):
            raise EvaluationError(f'strconv.ParseInt: parsing "{value}": invalid syntax')
        return integer(int(value))
    raise no_overload()


def _to_double(value: Any) -> float:
    if type(value) not in (int, float, str):
        raise no_overload()
    try:
        return float(value)
    except ValueError:
        raise EvaluationError(f'strconv.ParseFloat: parsing "{value}": invalid syntax') from None


def _to_string(value: Any) -> str:
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return str(int(value)) if value == int(value) else repr(value)
    if type(value) in (int, str):
        return str(value)
    raise no_overload()


def _to_bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    if type(value) is str and value in (
        "true",
        "false",
        "True",
        "False",
        "TRUE",
        "FALSE",
        "t",
        "f",
        "1",
        "0",
    ):
        return value.lower() in ("true", "t", "1")
    if type(value) is str:
        raise EvaluationError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    raise no_overload()


def _lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def _upper(text: str) -> str:
    return "".join(c.upper() if c.isascii() else c for c in text)


def _version_of(text: str, normalize: bool) -> Semver:
    return Semver.normalized(text) if normalize else Semver.of(text)


def _parses(parse: Function) -> Function:
    def check(*arguments: Any) -> bool:
        try:
            parse(*arguments)
        except EvaluationError:
            return False
        return True

    return check


def _whole(value: Quantity) -> int:
    if value.amount.denominator != 1 or not -LIMIT <= value.amount < LIMIT:
        raise EvaluationError("cannot convert value to integer")
    return int(value.amount)


def _sorted(values: list[Any]) -> bool:
    return all(compare(left, right) <= 0 for left, right in pairwise(values))


def _extreme(wanted: int) -> Function:
    def pick(values: list[Any]) -> Any:
        if not values:
            raise EvaluationError(f"{'min' if wanted < 0 else 'max'} called on empty list")
        best = values[0]
        for each in values[1:]:
            if compare(each, best) == wanted:
                best = each
        return best

    return pick


def _sum(values: list[Any]) -> Any:
    total = values[0] if values else 0
    for each in values[1:]:
        total = arithmetic("+", total, each)
    return total


def _position(values: list[Any], item: Any) -> int:
    return next((at for at, each in enumerate(values) if equal(each, item)), -1)


def _last_position(values: list[Any], item: Any) -> int:
    return next((at for at in reversed(range(len(values))) if equal(values[at], item)), -1)


def _typed_list(function: Function) -> Function:
    def checked(values: Any, item: Any) -> Any:
        if not isinstance(values, list):
            raise no_overload()
        return function(values, item)

    return checked


def _or_value(optional: Optional, default: Any) -> Any:
    return optional.value if optional.present else default


def _value(optional: Optional) -> Any:
    if not optional.present:
        raise EvaluationError("optional.none() dereference")
    return optional.value


def _join(values: list[Any], separator: str = "") -> str:
    if any(type(each) is not str for each in values):
        raise no_overload()
    return separator.join(values)


_text = _typed(str)
_two_texts = _typed(str, str)
_text_and_int = _typed(str, int)
_version = _typed(Semver)
_amount = _typed(Quantity)
_two_amounts = _typed(Quantity, Quantity)
_values = _typed(list)

FUNCTIONS: dict[str, Function] = {
    "size": _size,
    "int": _to_int,
    "double": _to_double,
    "string": _to_string,
    "bool": _to_bool,
    "type": type_name,
    "dyn": lambda value: value,
    "quantity": _text(Quantity.of),
    "isQuantity": _text(_parses(Quantity.of)),
    "semver": _any_of(_text(Semver.of), _typed(str, bool)(_version_of)),
    "isSemver": _any_of(_text(_parses(Semver.of)), _typed(str, bool)(_parses(_version_of))),
    "optional.of": lambda value: Optional(True, value),
    "optional.none": lambda: Optional(False),
}
METHODS: dict[str, Function] = {
    "size": _size,
    "startsWith": _two_texts(str.startswith),
    "endsWith": _two_texts(str.endswith),
    "contains": _two_texts(lambda text, part: part in text),
    "matches": _two_texts(_matches),
    "find": _two_texts(_find),
    "findAll": _two_texts(lambda text, pattern: [m.group() for m in re.finditer(pattern, text)]),
    "lowerAscii": _text(_lower),
    "upperAscii": _text(_upper),
    "trim": _text(str.strip),
    "replace": _typed(str, str, str)(str.replace),
    "split": _two_texts(lambda text, by: text.split(by) if by else list(text)),
    "substring": _any_of(_text_and_int(_substring), _typed(str, int, int)(_substring)),
    "charAt": _text_and_int(_char_at),
    "join": _any_of(_values(_join), _typed(list, str)(_join)),
    "indexOf": _any_of(_two_texts(str.find), _typed_list(_position)),
    "lastIndexOf": _any_of(_two_texts(str.rfind), _typed_list(_last_position)),
    "isGreaterThan": lambda left, right: _ranked(left, right) > 0,
    "isLessThan": lambda left, right: _ranked(left, right) < 0,
    "compareTo": _ranked,
    "add": _any_of(
        _two_amounts(lambda left, right: Quantity(left.amount + right.amount)),
        _typed(Quantity, int)(lambda left, right: Quantity(left.amount + right)),
    ),
    "sub": _any_of(
        _two_amounts(lambda left, right: Quantity(left.amount - right.amount)),
        _typed(Quantity, int)(lambda left, right: Quantity(left.amount - right)),
    ),
    "sign": _amount(lambda value: (value.amount > 0) - (value.amount < 0)),
    "isInteger": _amount(lambda value: value.amount.denominator == 1),
    "asInteger": _amount(_whole),
    "asApproximateFloat": _amount(lambda value: float(value.amount)),
    "major": _version(lambda version: version.numbers[0]),
    "minor": _version(lambda version: version.numbers[1]),
    "patch": _version(lambda version: version.numbers[2]),
    "isSorted": _values(_sorted),
    "min": _values(_extreme(-1)),
    "max": _values(_extreme(1)),
    "sum": _values(_sum),
    "hasValue": _typed(Optional)(lambda optional: optional.present),
    "value": _typed(Optional)(_value),
    "orValue": _or_value,
    "or": lambda left, right: left if left.present else right,
}
SETS: dict[str, Function] = {
    "contains": lambda whole, part: all(contains(each, whole) for each in part),
    "intersects": lambda left, right: any(contains(each, right) for each in left),
    "equivalent": lambda left, right: (
        all(contains(each, right) for each in left) and all(contains(each, left) for each in right)
    ),
}
