"""The text of an expression, and the display of errors in it (cel-go's ``common.Error.ToDisplayString``)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from kschedcore.cel.errors import CompileError, Issue

__all__ = ["Source"]

_DESCRIPTION: Final = "<input>"
_MAX_SNIPPET_BYTES: Final = 16_384
_MAX_ISSUES: Final = 100


class Source:
    """An expression's text with its line starts.

    Attributes:
        text: The expression.
    """

    __slots__ = ("_starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(index + 1 for index, letter in enumerate(text) if letter == "\n")]

    def place(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and 0-based column of an offset; ``(-1, -1)`` if unknown."""
        if offset < 0:
            return -1, -1
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1]

    def error(self, issues: Iterable[Issue]) -> CompileError:
        """Return the exception that shows the issues, each with its line and a caret below the place."""
        found = list(issues)
        shown = sorted(found[:_MAX_ISSUES], key=lambda issue: self.place(issue.offset))
        lines = [self._shown(issue) for issue in shown]
        if len(found) > _MAX_ISSUES:
            lines.append(f"{len(found) - _MAX_ISSUES} more errors were truncated")
        return CompileError("\n".join(lines), tuple(shown))

    def _shown(self, issue: Issue) -> str:
        line, column = self.place(issue.offset)
        if not self.text:
            # cel-go knows no place in an empty text.
            return f"ERROR: {_DESCRIPTION}:1:0: {issue.message}"
        text = f"ERROR: {_DESCRIPTION}:{line}:{column + 1}: {issue.message}"
        if line < 0:
            return text
        start = self._starts[line - 1]
        end = self._starts[line] - 1 if line < len(self._starts) else len(self.text)
        snippet = self.text[start:end]
        if len(snippet.encode("utf-8", "surrogatepass")) > _MAX_SNIPPET_BYTES:
            return text
        snippet = snippet.replace("\t", " ")
        dots = "".join("." if letter < "\x80" else "\uff0e" for letter in snippet[:column])
        wide = column < len(snippet) and snippet[column] >= "\x80"
        caret = "\uff3e" if wide else "^"
        return f"{text}\n | {snippet}\n | {dots}{caret}"
