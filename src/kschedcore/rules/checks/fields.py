"""Checks that many fields share, and how a fault gets its path.

A check knows the path from the value it was given; whoever calls it puts its own part before that, which costs
nothing as long as all is well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from kschedcore.api.labels import is_label_value, is_qualified_name
from kschedcore.api.objects import Quantity
from kschedcore.api.objects.decoding import shown
from kschedcore.api.quantity import nanos
from kschedcore.errors import ManifestError

__all__ = ["choice", "each", "fault", "labels", "qualified_name", "quantities", "quantity", "under", "within"]

T = TypeVar("T")


def fault(path: str, found: object, expected: str) -> ManifestError:
    """Return the error of a field."""
    return ManifestError(f"found {shown(found)}, expected {expected}", path=path)


def under(place: str, error: ManifestError) -> ManifestError:
    """Return an error with its path continued upwards."""
    path = error.path or ""
    joint = "" if not path or path.startswith("[") else "."
    return ManifestError(error.problem, path=f"{place}{joint}{path}")


def within(place: str, check: Callable[[T], None], value: T | None) -> None:
    """Check the value of a field unless it is absent."""
    if value is None:
        return
    try:
        check(value)
    except ManifestError as error:
        raise under(place, error) from None


def each(place: str, check: Callable[[T], None], values: Iterable[T] | None) -> None:
    """Check every element of a list."""
    for index, value in enumerate(values or ()):
        try:
            check(value)
        except ManifestError as error:
            raise under(f"{place}[{index}]", error) from None


def choice(path: str, value: str | None, allowed: Collection[str]) -> None:
    """Check a field with a fixed set of values; absent and empty are the default's business."""
    if value and value not in allowed:
        raise fault(path, value, f"one of {', '.join(sorted(allowed))}")


def qualified_name(path: str, value: str, what: str) -> None:
    """Check a label key, a topology key or the like."""
    problems = is_qualified_name(value)
    if problems:
        raise fault(path, value, f"{what}: {'; '.join(problems)}")


def labels(path: str, values: Mapping[str, str] | None) -> None:
    """Check labels, or a node selector."""
    for key, value in (values or {}).items():
        if is_qualified_name(key):
            qualified_name(path, key, "a label key")
        problems = is_label_value(value)
        if problems:
            raise fault(f"{path}[{key}]", value, f"a label value: {'; '.join(problems)}")


def quantities(path: str, amounts: Mapping[str, Quantity] | None) -> None:
    """Check a list of resources."""
    for name, amount in (amounts or {}).items():
        if is_qualified_name(name):
            qualified_name(path, name, "a resource name")
        quantity(f"{path}[{name}]", amount)


def quantity(path: str, amount: Quantity | None) -> None:
    """Check an amount of something, unless it is absent."""
    if amount is None:
        return
    try:
        number = nanos(amount)
    except ValueError as error:
        raise fault(path, amount, f"a quantity such as 250m or 64Mi: {error}") from None
    if number < 0:
        raise fault(path, amount, "a quantity that is not negative")
