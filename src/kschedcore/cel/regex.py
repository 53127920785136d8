r"""Regular expressions of RE2 (Go's ``regexp/syntax``), translated for Python's :mod:`re`.

What RE2 refuses is refused: look-around, back references, possessive and atomic groups. What both have but mean
differently is rewritten: ``\d``, ``\w``, ``\s`` and ``\b`` know ASCII alone, ``$`` is the very end, flags inside
an expression hold until the end of their group. Python searches by backtracking, so a pattern may take longer
than RE2's linear time.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Final

from kschedcore.api.machinery.remembered import remembered
from kschedcore.cel.errors import EvaluationError

__all__ = ["PatternError", "compiled"]

_MAX_REPEAT: Final = 1000
_MAX_PATTERN: Final = 100_000
_MAX_NESTING: Final = 200
_PERL: Final = {"d": "0-9", "s": r"\t\n\f\r ", "w": "0-9A-Za-z_"}
_WORD: Final = "[0-9A-Za-z_]"
_BOUNDARY: Final = f"(?:(?<!{_WORD})(?={_WORD})|(?<={_WORD})(?!{_WORD}))"
_NO_BOUNDARY: Final = f"(?:(?<!{_WORD})(?!{_WORD})|(?<={_WORD})(?={_WORD}))"
_POSIX: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_CONTROL: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_REPEAT: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_FLAGS: Final = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAME: Final = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_SCRIPTS: Final = {"Latin": "LATIN", "Greek": "GREEK", "Cyrillic": "CYRILLIC", "Han": "CJK UNIFIED IDEOGRAPH"}


class PatternError(EvaluationError):
    """A pattern that RE2 refuses."""

    def __init__(self, problem: str, piece: str = "") -> None:
        shown = f"{problem}: `{piece}`" if piece else problem
        super().__init__(f"error parsing regexp: {shown}")


@remembered
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern for Python.

    Raises:
        PatternError: RE2 refuses it; the message is RE2's.
    """
    if len(pattern) > _MAX_PATTERN:
        raise PatternError("expression too large")
    text = _Translator(pattern).translated()
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError):
        raise PatternError("invalid regexp", pattern) from None


class _Group:
    """An open group: its flags, and how many Python groups were opened for flags inside it."""

    def __init__(self, flags: frozenset[str]) -> None:
        self.flags = flags
        self.scopes = 0


class _Translator:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._out: list[str] = []
        self._groups = [_Group(frozenset())]
        self._names: set[str] = set()
        # Whether what comes last may be repeated, and the repetition that it ended with.
        self._repeatable = False
        self._repeated = ""

    def translated(self) -> str:
        while self._at < len(self._pattern):
            self._piece()
        if len(self._groups) > 1:
            raise PatternError("missing closing )", self._pattern)
        return "".join(self._out) + ")" * self._groups[0].scopes

    @property
    def _flags(self) -> frozenset[str]:
        return self._groups[-1].flags

    def _emit(self, text: str, length: int, *, repeatable: bool = True) -> None:
        self._out.append(text)
        self._at += length
        self._repeatable = repeatable
        self._repeated = ""

    def _piece(self) -> None:
        letter = self._pattern[self._at]
        match letter:
            case "\\":
                self._escape()
            case "[":
                self._set()
            case "(":
                self._open()
            case ")":
                self._close()
            case "|":
                self._alternative()
            case "*" | "+" | "?":
                self._repeat(letter, letter)
            case "{":
                self._counted()
            case "^":
                self._emit("^" if "m" not in self._flags else "(?m:^)", 1)
            case "$":
                self._emit(r"\Z" if "m" not in self._flags else "(?m:$)", 1)
            case ".":
                self._emit("(?s:.)" if "s" in self._flags else "[^\\n]", 1)
            case _:
                self._emit(re.escape(letter), 1)

    # Groups

    def _alternative(self) -> None:
        # A flag set in one alternative holds in the next ones, where its Python group has ended.
        group = self._groups[-1]
        self._emit(")" * group.scopes + "|", 1, repeatable=False)
        group.scopes = 0
        if "i" in group.flags:
            self._open_scope()

    def _open_scope(self) -> None:
        self._out.append("(?i:" if "i" in self._flags else "(?-i:")
        self._groups[-1].scopes += 1

    def _open(self) -> None:
        if len(self._groups) > _MAX_NESTING:
            raise PatternError("expression nests too deeply", self._pattern)
        rest = self._pattern[self._at : self._at + 2]
        if rest != "(?":
            self._groups.append(_Group(self._flags))
            self._emit("(", 1, repeatable=False)
            return
        named = _NAME.match(self._pattern, self._at)
        if named is not None:
            if named[1] in self._names:
                raise PatternError("duplicate capture group name", named[1])
            self._names.add(named[1])
            self._groups.append(_Group(self._flags))
            self._emit("(", len(named[0]), repeatable=False)
            return
        self._open_flags()

    def _open_flags(self) -> None:
        found = _FLAGS.match(self._pattern, self._at)
        if found is None or (not found[1] and not found[2] and found[3] == ")"):
            if (
                self._pattern.startswith(("(?P<", "(?<"), self._at)
                and self._pattern[self._at + 3] not in "=!"
            ):
                raise PatternError("invalid named capture", self._pattern[self._at :])
            piece = self._pattern[self._at : self._at + 3]
            if len(self._pattern) < self._at + 3:
                raise PatternError("missing argument to repetition operator", "?")
            raise PatternError("invalid or unsupported Perl syntax", piece)
        flags = (self._flags | frozenset(found[1])) - frozenset(found[2] or "")
        if found[3] == ":":
            self._groups.append(_Group(flags))
            scope = "(?i:" if "i" in flags else "(?-i:"
            self._emit(scope, len(found[0]), repeatable=False)
            return
        folds = "i" in flags
        changes = folds is not ("i" in self._flags)
        self._groups[-1].flags = flags
        self._emit("", len(found[0]), repeatable=False)
        if changes:
            self._open_scope()

    def _close(self) -> None:
        if len(self._groups) == 1:
            raise PatternError("unexpected )", self._pattern)
        self._emit(")" * (self._groups.pop().scopes + 1), 1)

    # Repetition

    def _counted(self) -> None:
        found = _REPEAT.match(self._pattern, self._at)
        if found is None:
            self._emit(r"\{", 1)
            return
        low, comma, high = found.groups()
        counts = [int(each[:6]) if len(each) < 7 else _MAX_REPEAT + 1 for each in (low, high) if each]
        if max(counts) > _MAX_REPEAT or (comma and high and counts[1] < counts[0]):
            raise PatternError("invalid repeat count", found[0])
        self._repeat(found[0], found[0])

    def _repeat(self, sign: str, shown: str) -> None:
        lazy = self._pattern.startswith("?", self._at + len(sign))
        length = len(sign) + lazy
        if self._repeated:
            piece = self._repeated + self._pattern[self._at : self._at + length]
            raise PatternError("invalid nested repetition operator", piece)
        if not self._repeatable:
            raise PatternError("missing argument to repetition operator", shown)
        swapped = lazy is not ("U" in self._flags)
        # Python repeats no anchors and no group for flags, so what is repeated gets a group of its own.
        if self._out[-1] in {"^", r"\Z", "(?m:^)", "(?m:$)", r"\A", _BOUNDARY, _NO_BOUNDARY}:
            self._out[-1] = f"(?:{self._out[-1]})"
        self._repeated = self._pattern[self._at : self._at + length]
        self._out.append(sign + ("?" if swapped else ""))
        self._at += length

    # Escapes and classes

    def _escape(self) -> None:
        letter = self._pattern[self._at + 1 : self._at + 2]
        match letter:
            case "":
                raise PatternError("trailing backslash at end of expression")
            case "A":
                self._emit(r"\A", 2)
            case "z":
                self._emit(r"\Z", 2)
            case "b":
                self._emit(_BOUNDARY, 2)
            case "B":
                self._emit(_NO_BOUNDARY, 2)
            case "d" | "s" | "w":
                self._emit(f"[{_PERL[letter]}]", 2)
            case "D" | "S" | "W":
                self._emit(f"[^{_PERL[letter.lower()]}]", 2)
            case "p" | "P":
                content, length, negated = self._unicode_class(self._at)
                self._emit(f"[{'^' if negated else ''}{content}]", length)
            case "Q":
                end = self._pattern.find(r"\E", self._at + 2)
                literal = self._pattern[self._at + 2 : end if end >= 0 else None]
                length = len(literal) + (4 if end >= 0 else 2)
                # Only the last letter is repeated by what follows.
                self._out.extend(re.escape(each) for each in literal[:-1])
                self._emit(re.escape(literal[-1:]), length, repeatable=bool(literal))
            case _:
                code, length = self._letter(self._at)
                self._emit(re.escape(code), length)

    def _letter(self, at: int) -> tuple[str, int]:
        """Return the code point of an escape sequence, and the sequence's length."""
        letter = self._pattern[at + 1 : at + 2]
        if letter in _CONTROL:
            return _CONTROL[letter], 2
        rest = self._pattern[at : at + 12]
        octal = re.match(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})", rest)
        if octal is not None:
            return chr(int(octal[1], 8)), len(octal[0])
        digits = re.match(r"\\x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]+)\})", rest)
        if digits is not None:
            number = int(digits[1] or digits[2], 16)
            if number <= sys.maxunicode:
                return chr(number), len(digits[0])
        if letter and letter < "\x80" and not letter.isalnum():
            return letter, 2
        raise PatternError("invalid escape sequence", rest[:2])

    def _unicode_class(self, at: int) -> tuple[str, int, bool]:
        found = re.compile(r"\\([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Za-z]))").match(self._pattern, at)
        if found is None:
            raise PatternError("invalid character class range", self._pattern[at : at + 3])
        content = _category(found[3] or found[4])
        if content is None:
            raise PatternError("invalid character class range", found[0])
        return content, len(found[0]), (found[1] == "P") is not (found[2] == "^")

    def _set(self) -> None:
        start = self._at
        at = start + 1
        negated = self._pattern.startswith("^", at)
        at += negated
        parts: list[str] = []
        first = True
        while first or not self._pattern.startswith("]", at):
            if at >= len(self._pattern):
                raise PatternError("missing closing ]", self._pattern[start:])
            first = False
            part, at = self._set_part(at)
            parts.append(part)
        self._emit(f"[{'^' if negated else ''}{''.join(parts)}]", at + 1 - start)

    def _set_part(self, at: int) -> tuple[str, int]:
        posix = re.compile(r"\[:(\^?)(\w*):\]").match(self._pattern, at)
        if posix is not None:
            content = _POSIX.get(posix[2])
            if content is None:
                raise PatternError("invalid character class range", posix[0])
            return (_complement(content) if posix[1] else content), posix.end()
        if self._pattern.startswith("\\", at):
            letter = self._pattern[at + 1 : at + 2]
            if letter and letter in "dsw":
                return _PERL[letter], at + 2
            if letter and letter in "DSW":
                return _complement(_PERL[letter.lower()]), at + 2
            if letter and letter in "pP":
                content, length, negated = self._unicode_class(at)
                return (_complement(content) if negated else content), at + length
        low, at = self._set_letter(at)
        if self._pattern.startswith("-", at) and self._pattern[at + 1 : at + 2] not in {"]", ""}:
            begin = at - 1
            high, at = self._set_letter(at + 1)
            if high < low:
                raise PatternError("invalid character class range", self._pattern[begin:at])
            return f"{_in_set(low)}-{_in_set(high)}", at
        return _in_set(low), at

    def _set_letter(self, at: int) -> tuple[str, int]:
        letter = self._pattern[at : at + 1]
        if not letter:
            raise PatternError("missing closing ]", self._pattern[self._at :])
        if letter != "\\":
            return letter, at + 1
        if at + 1 >= len(self._pattern):
            raise PatternError("trailing backslash at end of expression")
        code, length = self._letter(at)
        return code, at + length


def _in_set(letter: str) -> str:
    return (
        letter if letter.isalnum() else f"\\{letter}" if letter < "\x80" and letter.isprintable() else letter
    )


def _ranges(points: list[int]) -> str:
    text: list[str] = []
    start = previous = -2
    for point in [*points, -2]:
        if point == previous + 1:
            previous = point
            continue
        if start >= 0:
            text.append(f"{_in_set(chr(start))}-{_in_set(chr(previous))}")
        start = previous = point
    return "".join(text)


@remembered
def _complement(content: str) -> str:
    """Return the content of the complement of a set."""
    inside = re.compile(f"[{content}]")
    return _ranges([point for point in range(sys.maxunicode + 1) if not inside.match(chr(point))])


@remembered
def _category(name: str) -> str | None:
    """Return the content of a set of a Unicode category, or of one of the common scripts."""
    if name == "Any":
        return r"\x00-\U0010ffff"
    script = _SCRIPTS.get(name)
    if script is not None:
        points = [
            point
            for point in range(sys.maxunicode + 1)
            if unicodedata.name(chr(point), "").startswith(script)
        ]
        return _ranges(points)
    points = [
        point for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point)).startswith(name)
    ]
    return _ranges(points) if points and len(name) <= 2 else None
