"""``kschedcore completion SHELL``: the script by which a shell completes kschedcore's commands and flags."""

from __future__ import annotations

import enum
import os
from typing import Annotated, Final

import typer

from kschedcore.cli.output import write

__all__ = ["EPILOG", "VARIABLE", "command", "is_completion_request"]

EPILOG = """\
Put the line of your shell into the file that it reads when it starts:
  bash, in ~/.bashrc: source <(kschedcore completion bash)
  zsh, in ~/.zshrc after compinit: source <(kschedcore completion zsh)
  fish: kschedcore completion fish > ~/.config/fish/completions/kschedcore.fish
"""

VARIABLE: Final = "_KSCHEDCORE_COMPLETE"
"""The environment variable with which a completion script requests completions, or typer prints the script."""


class Shell(enum.StrEnum):
    """The shells for which there is a script."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


ShellName = Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]


def command(shell: ShellName) -> None:
    """Print the script by which a shell completes commands, flags and their values.

    The script calls kschedcore for each completion. It is the same for every version.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    write(get_completion_script(prog_name="kschedcore", complete_var=VARIABLE, shell=shell.value) + "\n")


def is_completion_request() -> bool:
    """Whether a completion script has started this process; if so, get typer ready to answer."""
    if not os.environ.get(VARIABLE):
        return False
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
    return True
