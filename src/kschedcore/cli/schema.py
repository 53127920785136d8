"""``kschedcore schema KIND``: the JSON schema of a document that another command prints."""

from __future__ import annotations

import json
from importlib import resources
from typing import Annotated, Any, Final

import typer

from kschedcore.cli.output import API_VERSION, columns, write
from kschedcore.errors import NotFoundError

__all__ = ["DOCUMENTS", "EPILOG", "command", "schema_of"]

EPILOG = """\
Examples:
  kschedcore schema
  kschedcore schema FitResult > fit-result.schema.json
"""

DOCUMENTS: Final = {
    "ScheduleResult": "schedule",
    "Explanation": "explain",
    "FitResult": "fit",
    "TopResult": "top",
    "SimulationSummary": "simulate",
    "SimulationDifference": "diff",
    "ConformanceResult": "conformance",
}
"""Kind of a document -> the command that prints it with ``-o json``."""

Kind = Annotated[
    str | None,
    typer.Argument(
        metavar="[KIND]", help="The kind of document, or the command that prints it.", show_default=False
    ),
]


def command(kind: Kind = None) -> None:
    """Print the JSON schema (2020-12) of a document that -o json prints; without a kind, list the kinds.

    A schema changes with the documents' apiVersion only, except for fields that are added.
    """
    if kind is None:
        rows = [[name, API_VERSION, f"kschedcore {each}"] for name, each in DOCUMENTS.items()]
        write(columns(["KIND", "APIVERSION", "COMMAND"], rows))
        return
    write(json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n")


def schema_of(kind: str) -> dict[str, Any]:
    """Return the schema of a document.

    Args:
        kind: Its kind, or the command that prints it.

    Raises:
        NotFoundError: There is no such document.
    """
    by_command = {each: name for name, each in DOCUMENTS.items()}
    name = by_command.get(kind, kind)
    if name not in DOCUMENTS:
        raise NotFoundError(f"schema {kind!r} not found; there are: {', '.join(DOCUMENTS)}")
    folder = resources.files("kschedcore.cli") / "schemas" / API_VERSION.rpartition("/")[2]
    schema: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return schema
