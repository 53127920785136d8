"""Kubernetes' library of semantic versions (k8s.io/apiserver/pkg/cel/library/semverlib.go, blang/semver)."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from kschedcore.cel import types
from kschedcore.cel.declarations import Library, function, method, overloads
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.values import CelValue

__all__ = ["LIBRARY", "TYPE", "Semver"]

TYPE: Final = types.object_type("kubernetes.Semver")
_DIGITS: Final = re.compile(r"[0-9]+")
_IDENTIFIER: Final = re.compile(r"[0-9A-Za-z-]+")
_MAX_UINT64: Final = 2**64 - 1


def _number(text: str, name: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise ValueError(f'Invalid character(s) found in {name} number "{text}"')
    if len(text) > 1 and text[0] == "0":
        raise ValueError(f'{name.capitalize()} number must not contain leading zeroes "{text}"')
    if len(text) > 20 or int(text) > _MAX_UINT64:
        raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)


def _prerelease(text: str) -> int | str:
    if not text:
        raise ValueError("Prerelease is empty")
    if _DIGITS.fullmatch(text):
        if len(text) > 1 and text[0] == "0":
            raise ValueError(f'Numeric PreRelease version must not contain leading zeroes "{text}"')
        if len(text) > 20 or int(text) > _MAX_UINT64:
            raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
        return int(text)
    if not _IDENTIFIER.fullmatch(text):
        raise ValueError(f'Invalid character(s) found in prerelease "{text}"')
    return text


class Semver(CelValue):
    """A semantic version.

    Attributes:
        numbers: Major, minor and patch.
        prerelease: The parts after the hyphen.
        build: The parts after the plus sign, which do not count in comparisons.
    """

    __slots__ = ("__dict__", "build", "numbers", "prerelease")

    cel_type = TYPE

    def __init__(
        self,
        numbers: tuple[int, int, int],
        prerelease: tuple[int | str, ...] = (),
        build: tuple[str, ...] = (),
    ) -> None:
        self.numbers = numbers
        self.prerelease = prerelease
        self.build = build

    @classmethod
    def parse(cls, text: str) -> Semver:
        """Read a version of semver.org's second edition.

        Raises:
            ValueError: It is invalid; the message is that of Kubernetes' library.
        """
        if not text:
            raise ValueError("Version string empty")
        parts = text.split(".", 2)
        if len(parts) != 3:
            raise ValueError("No Major.Minor.Patch elements found")
        major, minor = _number(parts[0], "major"), _number(parts[1], "minor")
        rest = parts[2]
        rest, plus, build = rest.partition("+")
        rest, hyphen, prerelease = rest.partition("-")
        patch = _number(rest, "patch")
        before = tuple(_prerelease(each) for each in prerelease.split(".")) if hyphen else ()
        after = tuple(build.split(".")) if plus else ()
        for each in after:
            if not each:
                raise ValueError("Build meta data is empty")
            if not _IDENTIFIER.fullmatch(each):
                raise ValueError(f'Invalid character(s) found in build meta data "{each}"')
        return cls((major, minor, patch), before, after)

    @classmethod
    def normalized(cls, text: str) -> Semver:
        """Read a version that may start with ``v``, have leading zeros and lack numbers at its end.

        Raises:
            ValueError: It is invalid.
        """
        parts = text.removeprefix("v").split(".", 2)
        for index, part in enumerate(parts):
            if len(part) > 1:
                kept = part.lstrip("0")
                parts[index] = kept if kept and kept[0] in "0123456789" else f"0{kept}"
        if len(parts) < 3:
            if set(parts[-1]) & set("+-"):
                raise ValueError("short version cannot contain PreRelease/Build meta data")
            parts += ["0"] * (3 - len(parts))
        return cls.parse(".".join(parts))

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Return the sort key of versions: a release follows its prereleases, numbers come before words."""
        parts = tuple((isinstance(each, str), each) for each in self.prerelease)
        return self.numbers, not parts, parts

    def __str__(self) -> str:
        text = ".".join(map(str, self.numbers))
        if self.prerelease:
            text += "-" + ".".join(map(str, self.prerelease))
        return f"{text}+{'.'.join(self.build)}" if self.build else text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _compare(first: Semver, second: Semver) -> int:
    one, two = first.key, second.key
    return (one > two) - (one < two)


def _semver(text: str, normalize: bool = False) -> Semver:
    try:
        return Semver.normalized(text) if normalize else Semver.parse(text)
    except ValueError as error:
        raise EvaluationError(str(error)) from None


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        _semver(text, normalize)
    except EvaluationError:
        return False
    return True


_TWO: Final = (TYPE, TYPE)
_NORMALIZED: Final = (types.STRING, types.BOOL)

LIBRARY: Final = Library(
    "kubernetes.semver",
    overloads(
        (
            "semver",
            [
                function("string_to_semver", (types.STRING,), TYPE, _semver),
                function("string_bool_to_semver", _NORMALIZED, TYPE, _semver),
            ],
        ),
        (
            "isSemver",
            [
                function("is_semver_string", (types.STRING,), types.BOOL, _is_semver),
                function("is_semver_string_bool", _NORMALIZED, types.BOOL, _is_semver),
            ],
        ),
        (
            "isGreaterThan",
            [method("semver_is_greater_than", _TWO, types.BOOL, lambda one, two: _compare(one, two) > 0)],
        ),
        (
            "isLessThan",
            [method("semver_is_less_than", _TWO, types.BOOL, lambda one, two: _compare(one, two) < 0)],
        ),
        ("compareTo", [method("semver_compare_to", _TWO, types.INT, _compare)]),
        *(
            (name, [method(f"semver_{name}", (TYPE,), types.INT, lambda given, at=at: given.numbers[at])])
            for at, name in enumerate(("major", "minor", "patch"))
        ),
    ),
    type_names=(),
)
