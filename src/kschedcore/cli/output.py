"""Printing as kubectl prints: aligned columns for people, versioned documents for programs."""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["API_VERSION", "NONE", "NOTHING", "Document", "Output", "columns", "document", "emit", "write"]

API_VERSION = "kschedcore.dev/v1alpha1"
NONE = "<none>"
NOTHING = "-"
GAP = "   "

Document = Mapping[str, Any]
Cell = str | int | float


class Output(enum.StrEnum):
    """What ``-o`` takes."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    name = "name"

    @property
    def is_document(self) -> bool:
        """Whether this is one of the formats that programs read."""
        return self in {Output.json, Output.yaml}


def document(kind: str, **content: object) -> dict[str, object]:
    """Return a versioned document of the given kind."""
    return {"apiVersion": API_VERSION, "kind": kind, **content}


def columns(headers: Sequence[str], rows: Iterable[Sequence[Cell]], *, show_headers: bool = True) -> str:
    """Lay out rows under their headers, numbers to the right, everything else to the left.

    Args:
        headers: One name a column.
        rows: Rows of as many cells.
        show_headers: Whether the first line holds the headers (``--no-headers`` says no).

    Returns:
        The lines, each ending in a newline; the empty string when there is nothing to show.
    """
    table = [list(row) for row in rows]
    if not table:
        return ""
    numeric = [
        all(isinstance(row[i], int | float) or row[i] == NOTHING for row in table)
        for i in range(len(headers))
    ]
    lines = [[str(cell) for cell in row] for row in table]
    if show_headers:
        lines.insert(0, list(headers))
    widths = [max(len(line[i]) for line in lines) for i in range(len(headers))]
    return "".join(
        GAP.join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def emit(content: Document, output: Output) -> None:
    """Write a document in one of the formats that programs read."""
    if output is Output.yaml:
        import yaml

        write(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))
    else:
        write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write(text: str) -> None:
    """Write text to standard output. Characters that its encoding lacks, such as lone surrogates, are escaped."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
