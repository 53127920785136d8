"""HTML tables for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["html_table"]

_MOST_ROWS = 20


def html_table(caption: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of at most 20 rows, everything escaped; None is an empty cell.

    Args:
        caption: The caption.
        headers: The column headers.
        rows: The rows; those beyond the limit are counted.
    """
    found = list(rows)
    head = "".join(f"<th>{escape(each)}</th>" for each in headers)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(each)}</td>' for each in row)}</tr>" for row in found[:_MOST_ROWS]
    )
    more = len(found) - _MOST_ROWS
    rest = f'<tr><td colspan="{len(headers)}">and {more} more</td></tr>' if more > 0 else ""
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}{rest}</tbody></table>"
    )


def _cell(value: object) -> str:
    return "" if value is None else escape(str(value))
