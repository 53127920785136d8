"""``kschedcore demo``: a small shop moves onto a small cluster, as a user would try it."""

from __future__ import annotations

import contextlib
import runpy
import shlex
import shutil
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from kschedcore.cli.output import write
from kschedcore.errors import UsageError

__all__ = ["COMMANDS", "EPILOG", "command"]

EPILOG = """\
The manifests are yours to try things on:
  kschedcore demo --save shop && kschedcore schedule -f shop
"""

PROGRAM = "alive.py"
"""The Python program that the demo ends with."""

FILES = ("cluster.yaml", "app.yaml", PROGRAM)

COMMANDS = (
    "schedule -f cluster.yaml -f app.yaml",
    "explain web-0 -f cluster.yaml -f app.yaml",
    "fit -f cluster.yaml -f app.yaml -l app=web",
)
"""The command lines that the demo runs, in order."""

Save = Annotated[
    Path | None,
    typer.Option("--save", metavar="FOLDER", help="Write the demo's manifests into a new folder instead."),
]


def command(save: Save = None) -> None:
    """Place a small shop on a small cluster, say why some of it does not fit, and watch it live."""
    if save is None:
        run_demo()
    else:
        copy_manifests(save)


def run_demo() -> None:
    """Run the demo's command lines and its program on its manifests, each shown as one would type it.

    Raises:
        Exit: One of them failed.
    """
    from kschedcore.cli.entry import run

    with resources.as_file(resources.files("kschedcore.cli") / "data") as folder:
        for number, line in enumerate(COMMANDS):
            write(f"{'' if number == 0 else chr(10)}$ kschedcore {line}\n")
            status = run([str(folder / word) if word in FILES else word for word in shlex.split(line)])
            if status:
                raise typer.Exit(status)
        write(f"\n$ python {PROGRAM}\n")
        with contextlib.chdir(folder):
            runpy.run_path(PROGRAM)


def copy_manifests(folder: Path) -> None:
    """Write the demo's manifests into a folder that does not exist yet.

    Raises:
        UsageError: The folder exists.
    """
    if folder.exists():
        raise UsageError(f"--save {folder}: it exists already; expected the name of a new folder")
    folder.mkdir(parents=True)
    for name in FILES:
        with resources.as_file(resources.files("kschedcore.cli") / "data" / name) as source:
            shutil.copy(source, folder / name)
    write("".join(f"{folder / name}\n" for name in FILES))
