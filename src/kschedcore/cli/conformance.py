"""``kschedcore conformance PATH…``: compare results with recordings of a real cluster."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kschedcore.cli.amounts import duration_text
from kschedcore.cli.interruption import Interruption
from kschedcore.cli.options import NoHeaders
from kschedcore.cli.output import NOTHING, Output, columns, document, emit, emit_csv, write
from kschedcore.cli.progress import progress
from kschedcore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kschedcore.conformance.results import Family

__all__ = ["EPILOG", "command"]

EPILOG = """\
Example:
  kschedcore conformance tests/conformance/data/v1.34 --min 1.0 -o json
"""


class RecordedTieBreak(enum.StrEnum):
    """Values of ``--tie-break``; recordings take the first node by name, which makes them repeatable."""

    first = "first"


class Format(enum.StrEnum):
    """Values of ``-o`` here."""

    table = "table"
    json = "json"
    yaml = "yaml"
    csv = "csv"


Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...", help="Recordings, or folders of them; a folder v1.36 names the version."
    ),
]
Rate = Annotated[
    str,
    typer.Option("--min", metavar="RATE", help="The share of cases that must pass, as 0.95 or 95%."),
]
Show = Annotated[
    int, typer.Option("--show", metavar="N", min=0, help="Differences to print for each family.")
]
TieBreakPolicy = Annotated[
    RecordedTieBreak,
    typer.Option(
        "--tie-break", metavar="POLICY", help="Which of the best nodes to take: first, as recorded."
    ),
]
OutputFormat = Annotated[Format, typer.Option("-o", "--output", help="How to print.")]


def command(
    paths: Paths,
    minimum: Rate = "1.0",
    tie_break: TieBreakPolicy = RecordedTieBreak.first,  # noqa: ARG001
    output: OutputFormat = Format.table,
    show: Show = 5,
    no_headers: NoHeaders = False,
) -> None:
    """Replay recordings of a real cluster and compare every step.

    Exits with 0 when every case passes (or at least the fraction given by --min), else with 1. Ctrl-C ends the replay
    early; the results until then are printed, marked partial, and the exit status is 130.
    """
    from kschedcore.conformance.files import find
    from kschedcore.conformance.replay import replay

    rate = parse_rate(minimum)
    interruption = Interruption()
    nothing: list[Family] = []
    with progress("replaying recordings"):
        families = interruption.run_batch(lambda: replay(find(paths), show=show), nothing)
    if output in (Format.json, Format.yaml):
        content = document("ConformanceResult", partial=interruption.partial, families=as_document(families))
        emit(content, Output(output.value))
    elif output is Format.csv:
        emit_csv(*as_rows(families), show_headers=not no_headers)
    else:
        write(report(families, show_headers=not no_headers))
        if interruption.partial:
            cases = sum(family.cases for family in families)
            write(f"\npartial: interrupted after {cases:,} cases\n")
    interruption.end()
    if passed_share(families) < rate:
        raise typer.Exit(1)


def parse_rate(text: str) -> float:
    """Read ``0.95`` or ``95%`` as a number from 0 to 1.

    Raises:
        UsageError: It is neither.
    """
    number, _, rest = text.partition("%")
    try:
        rate = float(number) / (100 if "%" in text else 1)
    except ValueError:
        rate = -1.0
    if rest or not 0 <= rate <= 1:
        raise UsageError(f"--min {text}: expected a share from 0 to 1, such as 0.95 or 95%")
    return rate


def passed_share(families: Sequence[Family]) -> float:
    """Return the share of all cases that pass."""
    cases = sum(family.cases for family in families)
    return sum(family.cases_passed for family in families) / cases if cases else 1.0


def as_document(families: Sequence[Family]) -> dict[str, dict[str, str | int]]:
    """Return the counts by family; a family that was recorded from several versions is named ``v1.36/spread``."""
    several = {name for name, times in Counter(each.name for each in families).items() if times > 1}
    return {
        f"v{family.version}/{family.name}" if family.name in several else family.name: {
            **({"version": family.version} if family.version else {}),
            **family.counts(),
        }
        for family in families
    }


def as_rows(families: Sequence[Family]) -> tuple[list[str], Iterator[list[str | int | float | None]]]:
    """Return the columns of ``-o csv``, and a row for each family."""
    aspects = list(dict.fromkeys(aspect for family in families for aspect in family.aspects))
    fields = ["version", "family", "cases", "casesPassed", "steps", "stepsPassed", *aspects, "seconds"]
    rows: Iterator[list[str | int | float | None]] = (
        [
            family.version,
            family.name,
            family.cases,
            family.cases_passed,
            family.steps,
            family.steps_passed,
            *(family.aspects.get(aspect) for aspect in aspects),
            round(family.seconds, 3),
        ]
        for family in families
    )
    return fields, rows


def report(families: Sequence[Family], *, show_headers: bool = True) -> str:
    """Return a line per family, with a column for each aspect, then the first differences."""
    aspects = list(dict.fromkeys(aspect for family in families for aspect in family.aspects))
    headers = ["FAMILY", "CASES", "STEPS", *map(str.upper, aspects), "TIME"]
    rows = [
        [
            family.name,
            f"{family.cases_passed}/{family.cases}",
            f"{family.steps_passed}/{family.steps}",
            *(
                f"{family.aspects[aspect]}/{family.steps}" if aspect in family.aspects else NOTHING
                for aspect in aspects
            ),
            duration_text(family.seconds),
        ]
        for family in families
    ]
    if any(family.version for family in families):
        headers.insert(0, "VERSION")
        for family, row in zip(families, rows, strict=True):
            row.insert(0, f"v{family.version}" if family.version else NOTHING)
    problems = [problem for family in families for problem in family.problems]
    differing = "\nFirst differences:\n" + "".join(f"  {line}\n" for line in problems) if problems else ""
    return columns(headers, rows, show_headers=show_headers) + differing
