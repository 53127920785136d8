"""The syntax of ``kubectl -l`` (apimachinery ``labels.Parse``).

Requirements joined by commas: ``key=value``, ``key==value``, ``key!=value``, ``key in (a, b)``,
``key notin (a, b)``, ``key``, ``!key``, ``key>5``, ``key<5``. Values may be empty.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from kschedcore.api.labels import is_qualified_name
from kschedcore.api.selectors.requirements import Operator, Requirement, Selector, aggregate, quote

__all__ = ["parse_selector"]

_TOKEN = re.compile(r"[ \t\r\n]*(?:(?P<symbol>==|!=|[=!(),<>])|(?P<word>[^ \t\r\n=!(),<>]+))")
_BINARY: Final[dict[str, Operator]] = {
    "in": "In",
    "notin": "NotIn",
    "=": "=",
    "==": "==",
    "!=": "!=",
    ">": "Gt",
    "<": "Lt",
}
_BINARY_SHOWN = "in, notin, =, ==, !=, gt, lt"


class _Token(NamedTuple):
    text: str
    is_word: bool


_END: Final = _Token("", False)


def parse_selector(text: str) -> Selector:
    """Parse a label selector of ``kubectl -l``; an empty one selects everything.

    Raises:
        ValueError: It is invalid; the message is Kubernetes'.
    """
    return Selector(tuple(sorted(_Parser(text).parse(), key=lambda requirement: requirement.key)))


def _tokens(text: str) -> list[_Token]:
    text = text.rstrip(" \t\r\n")
    tokens = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None, "every character is a symbol, a blank or part of a word"
        position = match.end()
        tokens.append(_Token(match["symbol"] or match["word"], match["word"] is not None))
    return [*tokens, _END]


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._position = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[min(self._position, len(self._tokens) - 1)]

    def _take(self) -> _Token:
        token = self._next
        self._position += 1
        return token

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        if self._next is _END:
            return requirements
        self._expect_requirement("found '{}', expected: !, identifier, or 'end of string'")
        while True:
            requirements.append(self._requirement())
            token = self._take()
            if token is _END:
                return requirements
            if token.text != ",":
                raise ValueError(f"found '{token.text}', expected: ',' or 'end of string'")
            self._expect_requirement("found '{}', expected: identifier after ','")

    def _expect_requirement(self, message: str) -> None:
        if not self._next.is_word and self._next.text != "!":
            raise ValueError(message.format(self._next.text))

    def _requirement(self) -> Requirement:
        try:
            requirement = self._read_requirement()
            problems = list(requirement.problems())
            if problems:
                raise ValueError(aggregate(problems))
        except ValueError as error:
            raise ValueError(f"unable to parse requirement: {error}") from None
        return requirement

    def _read_requirement(self) -> Requirement:
        negated = self._next.text == "!"
        if negated:
            self._take()
        token = self._take()
        if not token.is_word:
            raise ValueError(f"found '{token.text}', expected: identifier")
        key = token.text
        problems = is_qualified_name(key)
        if problems:
            raise ValueError(f"<nil>: Invalid value: {quote(key)}: {'; '.join(problems)}")
        if negated:
            return Requirement(key, "DoesNotExist")
        if self._next is _END or self._next.text == ",":
            return Requirement(key, "Exists")
        token = self._take()
        operator = _BINARY.get(token.text)
        if operator is None:
            raise ValueError(f"found '{token.text}', expected: {_BINARY_SHOWN}")
        values = self._value_set() if operator in ("In", "NotIn") else (self._value(),)
        return Requirement(key, operator, values)

    def _value(self) -> str:
        if self._next is _END or self._next.text == ",":
            return ""
        token = self._take()
        if not token.is_word:
            raise ValueError(f"found '{token.text}', expected: identifier")
        return token.text

    def _value_set(self) -> tuple[str, ...]:
        token = self._take()
        if token.text != "(":
            raise ValueError(f"found '{token.text}' expected: '('")
        values = {self._value_in_set("',', ')' or identifier")}
        while self._next.text == ",":
            self._take()
            values.add(self._value_in_set("',', or identifier"))
        token = self._take()
        if token.text != ")":
            raise ValueError(f"found '{token.text}', expected: ',' or ')'")
        return tuple(sorted(values))

    def _value_in_set(self, expected: str) -> str:
        if self._next.is_word:
            return self._take().text
        if self._next.text not in (",", ")"):
            raise ValueError(f"found '{self._next.text}', expected: {expected}")
        return ""
