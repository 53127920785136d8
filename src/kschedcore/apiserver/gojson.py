"""JSON decoding with the error messages of Go's ``encoding/json``."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["JSONProblem", "decode_json"]

_SPACE = b" \t\r\n"
_DIGITS = b"0123456789"
_HEX = b"0123456789abcdefABCDEF"
_LITERALS = {b"t"[0]: b"true", b"f"[0]: b"false", b"n"[0]: b"null"}


class JSONProblem(ValueError):  # noqa: N818 - becomes part of messages, is never shown by itself
    """Invalid JSON; the message is Go's."""


def decode_json(text: bytes) -> Any:
    """Return the value of a JSON document; raises :class:`JSONProblem`."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        _Scanner(text).document()
        raise JSONProblem(str(fault)) from None


_ESCAPES = {
    0x07: "\\a",
    0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0B: "\\v", 0x0C: "\\f", 0x0D: "\\r", 0x27: "\\'", 0x5C: "\\\\",
}  # fmt: skip


def _quoted(char: int) -> str:
    """Return a byte quoted as by ``strconv.Quote``."""
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char < 0x20 or char == 0x7F:
        return f"\\x{char:02x}"
    return chr(char) if chr(char).isprintable() else f"\\u{char:04x}"


class _Scanner:
    """Finds the first invalid byte, like Go's scanner."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    def document(self) -> None:
        self._value()
        self._skip()
        if self._at < len(self._text):
            raise self._problem("after top-level value")

    def _peek(self) -> int:
        if self._at >= len(self._text):
            raise JSONProblem("unexpected end of JSON input")
        return self._text[self._at]

    def _problem(self, context: str) -> JSONProblem:
        char = self._peek()
        return JSONProblem(f"invalid character '{_quoted(char)}' {context}")

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _SPACE:
            self._at += 1

    def _value(self) -> None:
        self._skip()
        char = self._peek()
        if char == b"{"[0]:
            self._object()
        elif char == b"["[0]:
            self._array()
        elif char == b'"'[0]:
            self._string()
        elif char in _LITERALS:
            self._literal(_LITERALS[char])
        elif char in _DIGITS or char == b"-"[0]:
            self._number()
        else:
            raise self._problem("looking for beginning of value")

    def _object(self) -> None:
        self._at += 1
        self._skip()
        if self._peek() == b"}"[0]:
            self._at += 1
            return
        while True:
            self._skip()
            if self._peek() != b'"'[0]:
                raise self._problem("looking for beginning of object key string")
            self._string()
            self._skip()
            if self._peek() != b":"[0]:
                raise self._problem("after object key")
            self._at += 1
            self._value()
            if not self._continues(b"}", "after object key:value pair"):
                return

    def _array(self) -> None:
        self._at += 1
        self._skip()
        if self._peek() == b"]"[0]:
            self._at += 1
            return
        while True:
            self._value()
            if not self._continues(b"]", "after array element"):
                return

    def _continues(self, end: bytes, context: str) -> bool:
        """Return whether a comma follows; otherwise the end must."""
        self._skip()
        char = self._peek()
        if char not in (b","[0], end[0]):
            raise self._problem(context)
        self._at += 1
        return char == b","[0]

    def _string(self) -> None:
        self._at += 1
        while (char := self._peek()) != b'"'[0]:
            if char < 0x20:
                raise self._problem("in string literal")
            self._at += 1
            if char == b"\\"[0]:
                self._escape()
        self._at += 1

    def _escape(self) -> None:
        if self._peek() not in b'bfnrt\\/"u':
            raise self._problem("in string escape code")
        hexadecimal = self._peek() == b"u"[0]
        self._at += 1
        for _ in range(4 if hexadecimal else 0):
            if self._peek() not in _HEX:
                raise self._problem("in \\u hexadecimal character escape")
            self._at += 1

    def _literal(self, word: bytes) -> None:
        for wanted in word:
            if self._peek() != wanted:
                raise self._problem(f"in literal {word.decode()} (expecting '{chr(wanted)}')")
            self._at += 1

    def _number(self) -> None:
        if self._peek() == b"-"[0]:
            self._at += 1
            if self._peek() not in _DIGITS:
                raise self._problem("in numeric literal")
        leading_zero = self._peek() == b"0"[0]
        self._at += 1
        if not leading_zero:
            self._digits()
        if self._at < len(self._text) and self._text[self._at] == b"."[0]:
            self._at += 1
            self._some_digits("after decimal point in numeric literal")
        if self._at < len(self._text) and self._text[self._at] in b"eE":
            self._at += 1
            if self._peek() in b"+-":
                self._at += 1
            self._some_digits("in exponent of numeric literal")

    def _some_digits(self, context: str) -> None:
        if self._peek() not in _DIGITS:
            raise self._problem(context)
        self._digits()

    def _digits(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _DIGITS:
            self._at += 1
