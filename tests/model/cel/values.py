"""The values of expressions: Python's own, and three kinds that Kubernetes adds."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.model import quantity

NO_OVERLOAD = "no such overload"
_IDENTIFIER = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


class EvaluationError(Exception):
    """A run-time error; `&&`, `||` and a few macros may swallow it."""


def no_overload() -> EvaluationError:
    return EvaluationError(NO_OVERLOAD)


@dataclass(frozen=True)
class Quantity:
    amount: Fraction

    @staticmethod
    def of(text: str) -> "Quantity":
        try:
            return Quantity(quantity.parse(text))
        except ValueError:
            raise EvaluationError(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            ) from None


@dataclass(frozen=True)
class Semver:
    numbers: tuple[int, int, int]
    prerelease: tuple[str, ...] = ()

    @staticmethod
    def of(text: str) -> "Semver":
        match = _VERSION.fullmatch(text)
        if match is None:
            raise EvaluationError(_version_problem(text))
        major, minor, patch, prerelease, _ = match.groups()
        return Semver(
            (int(major), int(minor), int(patch)), tuple(prerelease.split(".")) if prerelease else ()
        )

    @staticmethod
    def normalized(text: str) -> "Semver":
        """With a leading `v`, missing numbers and leading zeroes put right."""
        plain = text.removeprefix("v")
        end = next((at for at, character in enumerate(plain) if character in "-+"), len(plain))
        numbers, rest = plain[:end], plain[end:]
        parts = [part.lstrip("0") or "0" if part.isdigit() else part for part in numbers.split(".")]
        parts += ["0"] * (3 - len(parts))
        return Semver.of(".".join(parts) + rest)

    def rank(self) -> tuple[Any, ...]:
        """Numbers first; a release comes after its prereleases; numeric identifiers before others."""
        identifiers = tuple(
            (0, int(each), "") if each.isdigit() else (1, 0, each) for each in self.prerelease
        )
        return self.numbers, not self.prerelease, identifiers


def _version_problem(text: str) -> str:
    """The error of an invalid version, in the words of the semver library that Kubernetes uses."""
    if not text:
        return "Version string empty"
    parts = text.split(".", 2)
    if len(parts) != 3:
        return "No Major.Minor.Patch elements found"
    for name, part in zip(("Major", "Minor"), parts[:2], strict=True):
        if not part.isdigit():
            return f'Invalid character(s) found in {name.lower()} number "{part}"'
        if part != "0" and part.startswith("0"):
            return f'{name} number must not contain leading zeroes "{part}"'
    return f'Invalid character(s) found in patch number "{parts[2]}"'


@dataclass(frozen=True)
class Optional:
    present: bool
    value: Any = None


class DomainMap(dict[str, Any]):
    """`device.attributes` and `device.capacity`: a domain that the device does not have is an empty map."""


def type_name(value: Any) -> str:
    names: dict[type, str] = {
        bool: "bool",
        int: "int",
        float: "double",
        str: "string",
        list: "list",
        dict: "map",
        DomainMap: "map",
        type(None): "null_type",
        Quantity: "kubernetes.Quantity",
        Semver: "kubernetes.Semver",
        Optional: "optional_type",
    }
    return names[type(value)]


def is_number(value: Any) -> bool:
    return type(value) in (int, float)


def equal(left: Any, right: Any) -> bool:
    """Values of different types are unequal, numbers compare by value."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, Semver) and isinstance(right, Semver):
        return left.rank() == right.rank()
    return type(left) is type(right) and bool(left == right)
