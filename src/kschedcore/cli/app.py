"""The list of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from kschedcore.cli import conformance, demo, diff, explain, extender, fit, schedule, simulate
from kschedcore.cli.output import write
from kschedcore.version import __version__

__all__ = ["COMMANDS", "app"]

COMMANDS = (schedule, explain, fit, simulate, diff, extender, conformance, demo)
"""One module a command, which bears the module's name."""

app = typer.Typer(
    name="kschedcore",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        write(f"kschedcore {__version__}\n")
        raise typer.Exit(0)


Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version.", callback=show_version, is_eager=True),
]


@app.callback()
def kschedcore(version: Version = False) -> None:
    """Where does this pod go, and why? kube-scheduler's decisions, from manifests."""


for module in COMMANDS:
    app.command(module.__name__.rpartition(".")[2], epilog=module.EPILOG)(module.command)
