"""The strings extension (cel-go's ``ext/strings.go``): version 2, which Kubernetes has, and what came later."""

from __future__ import annotations

from typing import Final

from kschedcore.cel import types
from kschedcore.cel.declarations import Library, function, method, overloads
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.functions.formatting import FORMAT, validate_formats
from kschedcore.cel.values import ESCAPES, text_of

__all__ = ["LIBRARY", "REVERSE"]

_UPPER: Final = {letter: letter - 32 for letter in range(ord("a"), ord("z") + 1)}
_LOWER: Final = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}
# What Go's unicode.IsSpace holds for; Python strips four control characters more.
_SPACES: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def _out_of_range(position: int) -> EvaluationError:
    return EvaluationError(f"index out of range: {position}")


def _char_at(text: str, position: int) -> str:
    if not 0 <= position <= len(text):
        raise _out_of_range(position)
    return text[position : position + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if not part:
        return start
    if start < 0:
        raise _out_of_range(start)
    return text.find(part, start)


def _last_index_of(text: str, part: str, start: int | None = None) -> int:
    if not part:
        return len(text) if start is None else start
    if start is None:
        return text.rfind(part)
    if start < 0:
        raise _out_of_range(start)
    # The start is the last position where the part may begin.
    return -1 if start >= len(text) else text.rfind(part, 0, start + len(part))


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(old, new, max(count, -1))


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if separator:
        return text.split(separator, count - 1 if count > 0 else -1)
    letters = list(text)
    if 0 < count < len(letters):
        return [*letters[: count - 1], "".join(letters[count - 1 :])]
    return letters


def _substring(text: str, start: int, end: int | None = None) -> str:
    if end is None:
        if not 0 <= start <= len(text):
            raise _out_of_range(start)
        return text[start:]
    if start > end:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    for position in (start, end):
        if not 0 <= position <= len(text):
            raise _out_of_range(position)
    return text[start:end]


def _join(parts: list[object], separator: str = "") -> str:
    for each in parts:
        if not isinstance(each, str):
            raise EvaluationError(f"join: invalid input: {text_of(each)}")
    return separator.join(str(each) for each in parts)


def _quote(text: str) -> str:
    return '"' + "".join(ESCAPES.get(letter, letter) for letter in text) + '"'


_S: Final = types.STRING
_I: Final = types.INT
_LIST: Final = types.list_of(_S)

LIBRARY: Final = Library(
    "strings",
    overloads(
        ("charAt", [method("string_char_at_int", (_S, _I), _S, _char_at)]),
        (
            "indexOf",
            [
                method("string_index_of_string", (_S, _S), _I, _index_of),
                method("string_index_of_string_int", (_S, _S, _I), _I, _index_of),
            ],
        ),
        (
            "lastIndexOf",
            [
                method("string_last_index_of_string", (_S, _S), _I, _last_index_of),
                method("string_last_index_of_string_int", (_S, _S, _I), _I, _last_index_of),
            ],
        ),
        ("lowerAscii", [method("string_lower_ascii", (_S,), _S, lambda text: text.translate(_LOWER))]),
        ("upperAscii", [method("string_upper_ascii", (_S,), _S, lambda text: text.translate(_UPPER))]),
        (
            "replace",
            [
                method("string_replace_string_string", (_S, _S, _S), _S, _replace),
                method("string_replace_string_string_int", (_S, _S, _S, _I), _S, _replace),
            ],
        ),
        (
            "split",
            [
                method("string_split_string", (_S, _S), _LIST, _split),
                method("string_split_string_int", (_S, _S, _I), _LIST, _split),
            ],
        ),
        (
            "substring",
            [
                method("string_substring_int", (_S, _I), _S, _substring),
                method("string_substring_int_int", (_S, _I, _I), _S, _substring),
            ],
        ),
        ("trim", [method("string_trim", (_S,), _S, lambda text: text.strip(_SPACES))]),
        ("format", [FORMAT]),
        ("strings.quote", [function("strings_quote", (_S,), _S, _quote)]),
        (
            "join",
            [
                method("list_join", (_LIST,), _S, _join),
                method("list_join_string", (_LIST, _S), _S, _join),
            ],
        ),
    ),
    validators=(validate_formats,),
    mixed_literals=frozenset({"format"}),
)

REVERSE: Final = Library(
    "strings.reverse",
    overloads(("reverse", [method("string_reverse", (_S,), _S, lambda text: text[::-1])])),
)
"""``reverse`` of strings, which Kubernetes' version of the extension lacks."""
