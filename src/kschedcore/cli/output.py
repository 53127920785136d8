"""Output in kubectl's formats: aligned columns for people, versioned documents and CSV for programs."""

from __future__ import annotations

import csv
import enum
import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "API_VERSION",
    "NONE",
    "NOTHING",
    "Document",
    "Output",
    "columns",
    "document",
    "emit",
    "emit_csv",
    "styled",
    "write",
]

API_VERSION = "kschedcore.dev/v1alpha1"
NONE = "<none>"
NOTHING = "-"
GAP = "   "

Document = Mapping[str, Any]
Cell = str | int | float


class Output(enum.StrEnum):
    """The values of ``-o``."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    csv = "csv"
    name = "name"

    @property
    def is_document(self) -> bool:
        """Whether this is one of the formats that hold a whole document."""
        return self in {Output.json, Output.yaml}


def document(kind: str, **content: object) -> dict[str, object]:
    """Return a versioned document of the given kind."""
    return {"apiVersion": API_VERSION, "kind": kind, **content}


def columns(headers: Sequence[str], rows: Iterable[Sequence[Cell]], *, show_headers: bool = True) -> str:
    """Lay out rows under their headers, numbers to the right, everything else to the left.

    On a terminal the headers are bold and a last column that is too wide is folded; otherwise lines are as long as
    they are, without colour, as kubectl's.

    Args:
        headers: One name a column.
        rows: Rows of as many cells.
        show_headers: Whether the first line holds the headers (not with ``--no-headers``).

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
    widths = [
        max(len(line[i]) for line in [*lines, headers][: None if show_headers else -1])
        for i in range(len(headers))
    ]
    if _is_terminal():
        return _for_terminal(headers, lines, numeric, widths, show_headers=show_headers)
    if show_headers:
        lines.insert(0, list(headers))
    return "".join(
        GAP.join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def _is_terminal() -> bool:
    """Whether standard output is a terminal, or ``FORCE_COLOR`` has it taken for one."""
    return sys.stdout is not None and (sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR")))


def _for_terminal(
    headers: Sequence[str],
    lines: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    widths: Sequence[int],
    *,
    show_headers: bool,
) -> str:
    """Return the lines through rich, which follows TERM and NO_COLOR."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = shutil.get_terminal_size().columns
    others = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    folds = not numeric[-1] and width - others >= min(_READABLE, widths[-1])
    console = Console(
        file=sys.stdout, highlight=False, width=width if folds else max(width, others + widths[-1])
    )
    shown = Table(
        box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), show_header=show_headers, header_style=""
    )
    for index, header in enumerate(headers):
        last = index == len(headers) - 1
        shown.add_column(
            Text(header, _style("bold")),
            justify="right" if numeric[index] else "left",
            no_wrap=not (last and folds),
            overflow="fold",
            min_width=None if last and folds else widths[index],
        )
    for line in lines:
        shown.add_row(*(Text(cell, _style("dim") if cell in (NONE, NOTHING) else "") for cell in line))
    with console.capture() as captured:
        console.print(shown)
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def _style(style: str) -> str:
    """Return a style, or none where ``NO_COLOR`` is set."""
    return "" if os.environ.get("NO_COLOR") else style


def styled(text: str, style: str) -> str:
    """Return text in a style of rich (``green``) on a terminal that has colours, and as it is elsewhere."""
    if not _is_terminal() or not _style(style):
        return text
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    with console.capture() as captured:
        console.print(Text(text, style), end="")
    return captured.get()


_READABLE = 30
"""Minimum width of a folded column; a narrower terminal breaks the lines itself, as for kubectl."""


def emit(content: Document, output: Output) -> None:
    """Write a document in one of the formats that programs read."""
    if output is Output.yaml:
        import yaml

        write(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))
    else:
        write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def emit_csv(
    headers: Sequence[str], rows: Iterable[Sequence[Cell | bool | None]], *, show_headers: bool = True
) -> None:
    """Write rows as comma-separated values (RFC 4180, lines ended by a line feed).

    Args:
        headers: One name a column, named as the fields of the documents are.
        rows: Rows of as many values; None is an empty field, amounts are in the documents' units.
        show_headers: Whether the first line holds the headers.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if show_headers:
        writer.writerow(headers)
    writer.writerows(rows)
    write(text.getvalue())


def write(text: str) -> None:
    """Write text to standard output. Characters that its encoding lacks, such as lone surrogates, are escaped."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
