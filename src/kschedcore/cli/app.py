"""The list of commands, and how their help is laid out.

typer is used rather than click for what it adds: options declared by annotations, and completion scripts for shells.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from kschedcore.cli import (
    completion,
    conformance,
    demo,
    diff,
    explain,
    extender,
    fit,
    schedule,
    schema,
    serve,
    simulate,
    top,
)
from kschedcore.cli.groups import with_groups
from kschedcore.cli.output import write
from kschedcore.cli.settings import Option, Settings, read_settings
from kschedcore.version import __version__

if TYPE_CHECKING:
    from typer._click import HelpFormatter

__all__ = ["COMMANDS", "PROGRAM", "build", "source_of"]

PROGRAM = "kschedcore"

COMMANDS = (
    schedule,
    explain,
    fit,
    top,
    simulate,
    diff,
    serve,
    extender,
    conformance,
    demo,
    schema,
    completion,
)
"""One module a command, which bears the module's name."""


def format_epilog(epilog: str | None, formatter: HelpFormatter) -> None:
    """Write what follows the options: prose is wrapped, an indented line is a command and stays one line."""
    if not epilog:
        return
    formatter.write_paragraph()
    prose: list[str] = []
    for line in [*epilog.splitlines(), ""]:
        if line.strip() and not line.startswith(" "):
            prose.append(line)
            continue
        if prose:
            formatter.write_text(" ".join(prose))
            prose.clear()
        if line.strip():
            formatter.write(f"  {line.strip()}\n")


class Command(TyperCommand):
    """A command whose help keeps examples whole."""

    def format_epilog(self, ctx: Any, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """Write the epilog."""
        format_epilog(self.epilog, formatter)


class Group(TyperGroup):
    """The program: without a command it prints its help, as kubectl does, and ``help COMMAND`` that of a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments that precede the command."""
        if args[:1] == ["help"]:
            args = [*args[1:2], "--help"]
        return super().parse_args(ctx, args or ["--help"])


app = typer.Typer(
    name=PROGRAM,
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        write(f"{PROGRAM} {__version__}\n")
        raise typer.Exit(0)


Version = Annotated[
    bool,
    typer.Option("-V", "--version", help="Print the version.", callback=show_version, is_eager=True),
]
SettingsFile = Annotated[
    str | None,
    typer.Option(
        "--config-file",
        metavar="PATH",
        help="Take defaults of options from this file instead of kschedcore.toml or pyproject.toml.",
    ),
]
NoConfig = Annotated[bool, typer.Option("--no-config", help="Take defaults of options from no file.")]


@app.callback()
def kschedcore(
    ctx: typer.Context,
    version: Version = False,  # noqa: ARG001
    config_file: SettingsFile = None,
    no_config: NoConfig = False,
) -> None:
    """Place pods of manifests as kube-scheduler does, and explain the decisions."""
    if ctx.resilient_parsing:
        return
    group = ctx.command
    assert isinstance(group, TyperGroup)
    commands = {name: list(options_of(each)) for name, each in group.commands.items()}
    settings = read_settings(commands, os.environ, config_file=config_file, no_config=no_config)
    ctx.default_map = dict(settings.values)
    ctx.obj = settings


for module in COMMANDS:
    app.command(
        module.__name__.rpartition(".")[2],
        cls=Command,
        epilog=module.EPILOG,
        short_help=" ".join((module.command.__doc__ or "").partition("\n\n")[0].split()),
    )(with_groups(module.command))


def build() -> TyperGroup:
    """Return the program, ready to be run, with help as wide as the terminal."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for command in (group, *group.commands.values()):
        command.context_settings.update(
            help_option_names=["-h", "--help"],
            max_content_width=shutil.get_terminal_size().columns,
        )
    return group


def options_of(command: Any) -> Iterator[Option]:
    """Yield the options of a command that settings may set."""
    for parameter in command.params:
        if not isinstance(parameter, TyperOption) or parameter.name is None:
            continue
        flag = next((each.removeprefix("--") for each in parameter.opts if each.startswith("--")), "")
        described = parameter.type_descriptor
        choices = tuple(str(each.value) for each in described.choices or ()) if described.is_choice else ()
        kind = list if parameter.multiple else bool if parameter.is_flag else _scalar(described.annotation)
        yield Option(flag, parameter.name, kind, choices)


def _scalar(annotation: Any) -> type:
    return int if annotation is int else str


def source_of(error: Exception) -> str:
    """Return where the setting comes from that an error is about; empty for a flag of the command line."""
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    settings = getattr(context, "obj", None)
    if context is None or parameter is None or not isinstance(settings, Settings):
        return ""
    source = context.get_parameter_source(parameter.name)
    if source is None or source.name != "DEFAULT_MAP":
        return ""
    return settings.sources.get((context.info_name, parameter.name), "")
