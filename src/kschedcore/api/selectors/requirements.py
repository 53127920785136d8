"""A requirement on labels, and the selector that joins several (apimachinery ``pkg/labels``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kschedcore.api.labels import is_label_value, is_qualified_name

__all__ = ["EVERYTHING", "NOTHING", "Operator", "Requirement", "Selector", "aggregate", "quote"]

Operator = Literal["=", "==", "!=", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
"""The operators of the API, and the three operators of ``kubectl -l`` with one value."""

_INT64 = re.compile("[+-]?0*([0-9]{1,19})")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SHOWN: Final[dict[str, tuple[str, str]]] = {
    "=": ("=", ""),
    "==": ("==", ""),
    "!=": ("!=", ""),
    "In": (" in (", ")"),
    "NotIn": (" notin (", ")"),
    "Gt": (">", ""),
    "Lt": ("<", ""),
}


def quote(text: str) -> str:
    """Return a text in double quotes, as in error messages of Kubernetes."""
    return f'"{"".join(_ESCAPES.get(character, character) for character in text)}"'


def aggregate(problems: list[str]) -> str:
    """Return several problems as one message, as Kubernetes' error aggregates do."""
    unique = list(dict.fromkeys(problems))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"


def _int64(text: str) -> int | None:
    """Parse a decimal integer of 64 bits (Go's ``strconv.ParseInt``), or return None."""
    if not _INT64.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on a set of labels.

    ``NotIn`` and ``!=`` hold for labels without the key. ``Gt`` and ``Lt`` compare integers of 64 bits, and do not
    hold for other values.

    Attributes:
        key: The label's key.
        operator: The operator.
        values: The values: one or more for ``In`` and ``NotIn``, none for ``Exists`` and
            ``DoesNotExist``, one for the others.
    """

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def problems(self, path: str = "") -> Iterator[str]:
        """Return the API server's errors for the requirement (``labels.NewRequirement``).

        Args:
            path: Field path of the requirement, for the messages.
        """
        prefix = f"{path}." if path else ""
        for problem in _joined(is_qualified_name(self.key)):
            yield f"{prefix}key: Invalid value: {quote(self.key)}: {problem}"
        yield from _value_count_problems(self.operator, self.values, f"{prefix}values")
        for index, value in enumerate(self.values):
            where = f"{prefix}values[{index}]"
            if self.operator in ("Gt", "Lt") and _int64(value) is None:
                detail = "for 'Gt', 'Lt' operators, the value must be an integer"
                yield f"{where}: Invalid value: {quote(value)}: {detail}"
        for index, value in enumerate(self.values):
            for problem in _joined(is_label_value(value)):
                yield f"{prefix}values[{index}][{self.key}]: Invalid value: {quote(value)}: {problem}"

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels match."""
        label = labels.get(self.key)
        match self.operator:
            case "In" | "=" | "==":
                return label is not None and label in self.values
            case "NotIn" | "!=":
                return label is None or label not in self.values
            case "Exists":
                return label is not None
            case "DoesNotExist":
                return label is None
            case "Gt" | "Lt":
                return self._compares(label)

    def _compares(self, label: str | None) -> bool:
        if label is None or len(self.values) != 1:
            return False
        left, right = _int64(label), _int64(self.values[0])
        if left is None or right is None:
            return False
        return left > right if self.operator == "Gt" else left < right

    def __str__(self) -> str:
        """Return the requirement as for ``kubectl -l``."""
        if self.operator == "Exists":
            return self.key
        if self.operator == "DoesNotExist":
            return f"!{self.key}"
        before, after = _SHOWN[self.operator]
        return f"{self.key}{before}{','.join(sorted(self.values))}{after}"


def _joined(problems: Sequence[str]) -> tuple[str, ...]:
    return ("; ".join(problems),) if problems else ()


def _value_count_problems(operator: Operator, values: Sequence[str], path: str) -> Iterator[str]:
    shown = f"[]string{{{', '.join(map(quote, values))}}}"
    match operator:
        case "In" | "NotIn" if not values:
            yield f"{path}: Invalid value: {shown}: for 'in', 'notin' operators, values set can't be empty"
        case "=" | "==" | "!=" if len(values) != 1:
            yield f"{path}: Invalid value: {shown}: exact-match compatibility requires one single value"
        case "Exists" | "DoesNotExist" if values:
            yield f"{path}: Invalid value: {shown}: values set must be empty for exists and does not exist"
        case "Gt" | "Lt" if len(values) != 1:
            yield f"{path}: Invalid value: {shown}: for 'Gt', 'Lt' operators, exactly one value is required"
        case _:
            pass


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that must all hold; without any it selects everything.

    Attributes:
        requirements: The requirements, ordered by key.
        selectable: False for the selector that selects nothing (a LabelSelector that is absent).
    """

    requirements: tuple[Requirement, ...] = ()
    selectable: bool = True

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an object with these labels is selected."""
        return self.selectable and all(requirement.matches(labels) for requirement in self.requirements)

    def is_empty(self) -> bool:
        """Return whether it selects everything."""
        return self.selectable and not self.requirements

    def __str__(self) -> str:
        """Return the selector as for ``kubectl -l``; ``<none>`` for the one that selects nothing, as in kubectl."""
        return ",".join(map(str, self.requirements)) if self.selectable else "<none>"


EVERYTHING: Final = Selector()
"""Selects every object."""

NOTHING: Final = Selector(selectable=False)
"""Selects no object."""
