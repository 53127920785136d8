"""Field selectors, ``kubectl --field-selector`` (apimachinery ``pkg/fields``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["FieldRequirement", "FieldSelector", "parse_field_selector"]

_TERM = re.compile(r"(?P<field>.*?)(?P<operator>!=|==|=)(?P<value>.*)", re.DOTALL)
_SPECIAL = re.compile(r"[\\,=]")


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One field that must have a value, or must not have it.

    Attributes:
        field: Path of the field, ``status.phase``.
        operator: ``=`` or ``!=``.
        value: The value; a missing field has the empty one.
    """

    field: str
    operator: str
    value: str

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Return whether an object's fields match."""
        return (fields.get(self.field, "") == self.value) == (self.operator == "=")

    def __str__(self) -> str:
        """Return the requirement as for ``kubectl --field-selector``."""
        return self.field + self.operator + _SPECIAL.sub(r"\\\g<0>", self.value)


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Requirements on fields that must all hold; without any it selects everything.

    Attributes:
        requirements: In the order of their text.
    """

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Return whether an object with these fields (path -> value) is selected."""
        return all(requirement.matches(fields) for requirement in self.requirements)

    def __str__(self) -> str:
        """Return the requirement as for ``kubectl --field-selector``."""
        return ",".join(map(str, self.requirements))


def parse_field_selector(text: str) -> FieldSelector:
    r"""Parse a field selector: ``status.phase=Running,metadata.name!=web-0``.

    In values ``\`` escapes ``\``, ``,`` and ``=``.

    Raises:
        ValueError: It is invalid; the message is Kubernetes'.
    """
    requirements = []
    for part in sorted(_terms(text)):
        if not part:
            continue
        match = _TERM.fullmatch(part)
        if match is None:
            raise ValueError(f"invalid selector: '{text}'; can't understand '{part}'")
        operator = "!=" if match["operator"] == "!=" else "="
        requirements.append(FieldRequirement(match["field"], operator, _unescape(match["value"])))
    return FieldSelector(tuple(requirements))


def _terms(text: str) -> Iterator[str]:
    term = ""
    escaped = False
    for character in text:
        if character == "," and not escaped:
            yield term
            term = ""
            continue
        term += character
        escaped = character == "\\" and not escaped
    yield term


def _unescape(value: str) -> str:
    result = ""
    escaped = False
    for character in value:
        if escaped and not _SPECIAL.match(character):
            raise ValueError(f"invalid field selector: invalid escape sequence: \\{character}")
        if not escaped and character in (",", "="):
            raise ValueError(f"invalid field selector: unescaped character in value: {character}")
        escaped = character == "\\" and not escaped
        if not escaped:
            result += character
    if escaped:
        raise ValueError("invalid field selector: invalid escape sequence: \\")
    return result
