"""``kschedcore diff RUN RUN``: what is different under another scheduler configuration, or on other nodes?"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kschedcore.cli.output import NOTHING, Output, columns, document, emit, emit_csv, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kschedcore.simulation import Difference
    from kschedcore.simulation.difference import Change

__all__ = ["EPILOG", "command"]

EPILOG = """\
Example:
  kschedcore simulate -f cluster -f scenario.yaml --output-dir a
  kschedcore simulate -f cluster -f scenario.yaml --config packing.yaml --output-dir b
  kschedcore diff a b
"""


_LISTS = ("figures", "zones", "apps", "pods")


class Format(enum.StrEnum):
    """The values of ``-o`` here."""

    table = "table"
    json = "json"
    csv = "csv"


RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A folder that simulate --output-dir has written.")
]
OutputFormat = Annotated[Format, typer.Option("-o", "--output", help="How to print.")]


def command(before: RunFolder, after: RunFolder, output: OutputFormat = Format.table) -> None:
    """Compare two runs: their figures side by side, and the zones, apps and pods that changed most."""
    from kschedcore.simulation import Difference, Run

    difference = Difference.between(Run.read(before), Run.read(after))
    if output is Format.json:
        emit(as_document(difference), Output.json)
        return
    if output is Format.csv:
        emit_csv(("about", "name", "before", "after", "change"), _rows(difference))
        return
    parts = [
        _table("FIGURE", difference.figures),
        _table("ZONE", [each for each in difference.zones if each.by]),
        _table("MISSING POD SECONDS OF APP", difference.apps),
        _table("PENDING SECONDS OF POD", difference.pods),
    ]
    tables = "\n".join(part for part in parts if part)
    same = "the same inputs" if difference.same_inputs else "different inputs"
    write(f"{tables}\n{difference.moved} pods of the same name on other nodes; {same}\n")


def as_document(difference: Difference) -> dict[str, object]:
    """Return everything for programs."""
    lists = {
        about: [
            {"name": each.name, "before": each.before, "after": each.after, "change": each.by}
            for each in getattr(difference, about)
        ]
        for about in _LISTS
    }
    return document(
        "SimulationDifference", **lists, moved=difference.moved, sameInputs=difference.same_inputs
    )


def _rows(difference: Difference) -> Iterator[list[str | float | None]]:
    """Yield every change: what it is about, its name, the value before and after, and the change."""
    for about in _LISTS:
        for each in getattr(difference, about):
            yield [about.removesuffix("s"), each.name, each.before, each.after, each.by]


def _table(title: str, changes: list[Change]) -> str:
    rows = [[each.name, _cell(each.before), _cell(each.after), f"{each.by:+.12g}"] for each in changes]
    return columns([title, "BEFORE", "AFTER", "CHANGE"], rows)


def _cell(value: float | None) -> float | str:
    return NOTHING if value is None else value
