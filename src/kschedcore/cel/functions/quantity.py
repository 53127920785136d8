"""Kubernetes' quantity library (k8s.io/apiserver/pkg/cel/library/quantity.go)."""

from __future__ import annotations

from typing import Final

from kschedcore.api.quantity import Quantity
from kschedcore.cel import types
from kschedcore.cel.declarations import Library, function, method, overloads
from kschedcore.cel.errors import EvaluationError

__all__ = ["LIBRARY", "TYPE"]

TYPE: Final = types.object_type("kubernetes.Quantity")
_NANOS: Final = 10**9
_MAX_INT64: Final = 2**63 - 1
_SPACES: Final = frozenset(" \t\n\r\v\f\x85\xa0")


def _parsed(text: str) -> Quantity:
    # The manifests' reader drops spaces and reads `Mi`; the library's ParseQuantity refuses both.
    if not text:
        raise ValueError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    if text[0] in _SPACES or text[-1] in _SPACES:
        raise ValueError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    return Quantity.parse(text)


def _quantity(text: str) -> Quantity:
    try:
        return _parsed(text)
    except ValueError as error:
        raise EvaluationError(str(error)) from None


def _is_quantity(text: str) -> bool:
    try:
        _parsed(text)
    except ValueError:
        return False
    return True


def _is_integer(given: Quantity) -> bool:
    return given.nanos % _NANOS == 0 and abs(given.nanos) // _NANOS <= _MAX_INT64


def _as_integer(given: Quantity) -> int:
    if not _is_integer(given):
        raise EvaluationError("cannot convert value to integer")
    return given.nanos // _NANOS


def _compare(first: Quantity, second: Quantity) -> int:
    return (first.nanos > second.nanos) - (first.nanos < second.nanos)


def _whole(number: int) -> Quantity:
    return Quantity(number * _NANOS, "DecimalExponent")


_TWO: Final = (TYPE, TYPE)
_WITH_INT: Final = (TYPE, types.INT)

LIBRARY: Final = Library(
    "kubernetes.quantity",
    overloads(
        ("quantity", [function("string_to_quantity", (types.STRING,), TYPE, _quantity)]),
        ("isQuantity", [function("is_quantity_string", (types.STRING,), types.BOOL, _is_quantity)]),
        (
            # Declared as a function in Kubernetes, so `sign(q)` and not `q.sign()`.
            "sign",
            [
                function(
                    "quantity_sign", (TYPE,), types.INT, lambda given: (given.nanos > 0) - (given.nanos < 0)
                )
            ],
        ),
        (
            "isGreaterThan",
            [method("quantity_is_greater_than", _TWO, types.BOOL, lambda one, two: one.nanos > two.nanos)],
        ),
        (
            "isLessThan",
            [method("quantity_is_less_than", _TWO, types.BOOL, lambda one, two: one.nanos < two.nanos)],
        ),
        ("compareTo", [method("quantity_compare_to", _TWO, types.INT, _compare)]),
        (
            "asApproximateFloat",
            [method("quantity_get_float", (TYPE,), types.DOUBLE, lambda given: given.nanos / _NANOS)],
        ),
        ("asInteger", [method("quantity_get_int", (TYPE,), types.INT, _as_integer)]),
        ("isInteger", [method("quantity_is_integer", (TYPE,), types.BOOL, _is_integer)]),
        (
            "add",
            [
                method("quantity_add", _TWO, TYPE, lambda one, two: one + two),
                method("quantity_add_int", _WITH_INT, TYPE, lambda one, two: one + _whole(two)),
            ],
        ),
        (
            "sub",
            [
                method("quantity_sub", _TWO, TYPE, lambda one, two: one - two),
                method("quantity_sub_int", _WITH_INT, TYPE, lambda one, two: one - _whole(two)),
            ],
        ),
    ),
    type_names=(),
)
