"""Values of string and bytes literals (cel-go's ``parser/unescape.go``)."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["unquoted"]

_SIMPLE: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "`": "`",
    "?": "?",
}
_ESCAPE: Final = re.compile(r"\\(?:([0-3][0-7]{2})|[xX]([0-9a-fA-F]{2})|([uU])([0-9a-fA-F]+)|(.))")
_LONG: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[xX][0-9a-fA-F]{2}|[0-3][0-7]{2}|.)")


def unquoted(text: str, *, is_bytes: bool) -> str | bytes:
    """Return the content of a literal with its quotes; a bytes literal without its ``b``.

    Raises:
        ValueError: An escape sequence is invalid; the message is cel-go's.
    """
    body = text.replace("\r\n", "\n").replace("\r", "\n")
    is_raw = body[0] in "rR"
    if is_raw:
        body = body[1:]
    quotes = 3 if len(body) >= 6 and body[:3] in {"'''", '"""'} else 1
    body = body[quotes:-quotes]
    if is_raw or "\\" not in body:
        return body.encode("utf-8", "surrogatepass") if is_bytes else body
    if is_bytes:
        pieces = _LONG.split(body)
        escapes = [_byte(each) for each in _LONG.findall(body)]
        encoded = [piece.encode("utf-8", "surrogatepass") for piece in pieces]
        return encoded[0] + b"".join(
            escape + piece for escape, piece in zip(escapes, encoded[1:], strict=True)
        )
    return _LONG.sub(lambda found: _letter(found[0]), body)


def _letter(escape: str) -> str:
    found = _ESCAPE.fullmatch(escape)
    assert found is not None, "the lexer lets only whole escape sequences through"
    octal, byte, _, code, simple = found.groups()
    if simple is not None:
        return _SIMPLE[simple]
    number = int(octal, 8) if octal else int(byte or code, 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise ValueError("invalid unicode code point")
    return chr(number)


def _byte(escape: str) -> bytes:
    found = _ESCAPE.fullmatch(escape)
    assert found is not None, "the lexer lets only whole escape sequences through"
    octal, byte, wide, _, simple = found.groups()
    if wide:
        raise ValueError("unable to unescape string")
    if simple is not None:
        return _SIMPLE[simple].encode()
    return bytes([int(octal, 8) if octal else int(byte, 16)])
