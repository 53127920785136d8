"""Split an expression into tokens (the lexer rules of cel-spec's grammar)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from kschedcore.cel.errors import Issue

__all__ = ["END", "Token", "tokenize"]

END: Final = "<EOF>"


class Token(NamedTuple):
    """A token.

    Attributes:
        kind: ``IDENTIFIER``, ``NUM_INT``, ``STRING``, …, or the sign or keyword itself: ``&&``, ``true``.
        text: As written.
        offset: The offset of its first code point.
    """

    kind: str
    text: str
    offset: int


_ESCAPE = r"\\(?:[abfnrtv\"'\\?`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"
# Alternatives that start alike come longest first, so that the first match is the longest one.
_STRING = rf"""
    [rR]\"\"\"(?s:.)*?\"\"\" | [rR]'''(?s:.)*?'''
  | [rR]"[^"\n\r]*" | [rR]'[^'\n\r]*'
  | \"\"\"(?:{_ESCAPE}|[^\\])*?\"\"\" | '''(?:{_ESCAPE}|[^\\])*?'''
  | "(?:{_ESCAPE}|[^\\"\n\r])*" | '(?:{_ESCAPE}|[^\\'\n\r])*'
"""
_TOKEN: Final = re.compile(
    rf"""
    (?P<space>[\t\ \r\n\f]+ | //[^\n]*)
  | (?P<BYTES>[bB](?:{_STRING}))
  | (?P<STRING>{_STRING})
  | (?P<NUM_FLOAT>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)? | [0-9]+[eE][+-]?[0-9]+ | \.[0-9]+(?:[eE][+-]?[0-9]+)?)
  | (?P<NUM_UINT>0x[0-9a-fA-F]+[uU] | [0-9]+[uU])
  | (?P<NUM_INT>0x[0-9a-fA-F]+ | [0-9]+)
  | (?P<IDENTIFIER>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<ESC_IDENTIFIER>`[A-Za-z0-9_.\-/\ ]+`)
  | (?P<sign>==|!=|<=|>=|&&|\|\||[<>\[\]{{}}().,\-!?:+*/%])
    """,
    re.VERBOSE,
)
_KEYWORDS: Final = frozenset({"in", "true", "false", "null"})


def tokenize(text: str) -> tuple[list[Token], list[Issue]]:
    """Return the tokens with :data:`END` last, and an issue for each invalid token."""
    tokens: list[Token] = []
    issues: list[Issue] = []
    offset = 0
    match_at = _TOKEN.match
    while offset < len(text):
        found = match_at(text, offset)
        if found is None:
            end = _failure(text, offset) + 1
            piece = text[offset:end]
            issues.append(Issue(offset, f"Syntax error: token recognition error at: '{piece}'"))
            offset = end
            continue
        kind = found.lastgroup or ""
        if kind != "space":
            piece = found[0]
            named = piece if kind == "sign" or piece in _KEYWORDS else kind
            tokens.append(Token(named, piece, offset))
        offset = found.end()
    tokens.append(Token(END, END, len(text)))
    return tokens, issues


def _failure(text: str, start: int) -> int:
    """Return the offset of the first code point that no token starting at ``start`` goes on with."""
    first = text[start]
    if first in "=&|":
        return start + 1
    if first == "`":
        return _run(text, start + 1, re.compile(r"[A-Za-z0-9_.\-/ ]*"))
    if first not in "'\"":
        return start
    if text.startswith(first * 3, start):
        return _string_failure(text, start + 3, r"[^\\]")
    return _string_failure(text, start + 1, rf"[^\\{first}\n\r]")


def _string_failure(text: str, start: int, letters: str) -> int:
    end = _run(text, start, re.compile(rf"(?:{_ESCAPE}|{letters})*"))
    if not text.startswith("\\", end):
        return end
    # The longest start of an escape sequence is part of what is not recognised.
    end += 1
    letter = text[end : end + 1]
    if letter in {"x", "X", "u", "U"} and letter:
        return _run(text, end + 1, re.compile(r"[0-9a-fA-F]*"))
    if letter and letter in "0123":
        return _run(text, end + 1, re.compile(r"[0-7]?"))
    return end


def _run(text: str, start: int, pattern: re.Pattern[str]) -> int:
    found = pattern.match(text, start)
    return start if found is None else found.end()
