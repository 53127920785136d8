"""Defaults of options from the environment and from configuration files.

A flag on the command line wins over its environment variable, that over ``kschedcore.toml`` (or the table
``tool.kschedcore`` of ``pyproject.toml``) in the working directory, and that over the user's own
``kschedcore/kschedcore.toml`` in ``$XDG_CONFIG_HOME``.
"""

from __future__ import annotations

import difflib
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kschedcore.errors import UsageError

__all__ = ["Option", "Settings", "read_settings"]

PREFIX: Final = "KSCHEDCORE_"

PROJECT: Final = "kschedcore.toml"

_PYPROJECT: Final = "pyproject.toml"

_WORDS: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}

Value = str | int | bool | list[str]
Options = Mapping[str, Mapping[str, "Option"]]
"""Command -> flag -> option."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command that may be set.

    Attributes:
        flag: Its long flag without the dashes, ``no-headers``.
        parameter: The name of its parameter.
        kind: bool, int, str or list (of strings).
        choices: The values that it takes; empty for any.
    """

    flag: str
    parameter: str
    kind: type
    choices: tuple[str, ...] = ()


@dataclass(slots=True)
class Settings:
    """Values for the options of commands.

    Attributes:
        values: Command -> parameter -> value.
        sources: (command, parameter) -> where the value comes from, for messages.
    """

    values: dict[str, dict[str, Value]] = field(default_factory=dict)
    sources: dict[tuple[str, str], str] = field(default_factory=dict)

    def put(self, command: str, option: Option, value: Any, source: str) -> None:
        """Set an option of a command.

        Raises:
            UsageError: The value has the wrong type.
        """
        self.values.setdefault(command, {})[option.parameter] = _typed(option, value, source)
        self.sources[command, option.parameter] = source


def read_settings(
    commands: Mapping[str, Iterable[Option]],
    environment: Mapping[str, str],
    *,
    config_file: str | None = None,
    no_config: bool = False,
) -> Settings:
    """Return the settings of every command, from files and the environment.

    Args:
        commands: Command -> its options.
        environment: Environment variables.
        config_file: The file to read instead of those in the working directory and of the user.
        no_config: Whether no file is read.

    Raises:
        UsageError: A file cannot be read, or sets something that does not exist, or to a value of the wrong type.
    """
    options = {command: {each.flag: each for each in known} for command, known in commands.items()}
    settings = Settings()
    for path in _files(environment, config_file, no_config=no_config):
        _take_file(settings, options, path)
    for flag in sorted({flag for known in options.values() for flag in known}):
        variable = PREFIX + flag.replace("-", "_").upper()
        if value := environment.get(variable):
            _share(settings, options, flag, value, variable)
    return settings


def _files(environment: Mapping[str, str], config_file: str | None, *, no_config: bool) -> list[Path]:
    """Return the files to read, the strongest last."""
    chosen = config_file or environment.get(f"{PREFIX}CONFIG_FILE")
    if no_config or _WORDS.get(environment.get(f"{PREFIX}NO_CONFIG", "").lower(), False):
        return []
    if chosen:
        return [Path(chosen)]
    home = environment.get("XDG_CONFIG_HOME") or str(
        Path(environment.get("HOME") or "~").expanduser() / ".config"
    )
    found = [Path(home) / "kschedcore" / PROJECT]
    found.append(Path(PROJECT) if Path(PROJECT).is_file() else Path(_PYPROJECT))
    return [path for path in found if path.is_file()]


def _take_file(settings: Settings, options: Options, path: Path) -> None:
    table = _table(path)
    flags = {flag for known in options.values() for flag in known}
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    for key, value in table.items():
        if key not in tables and key not in flags:
            raise UsageError(f"{path}: unknown setting {key}{_similar(key, [*flags, *options])}")
        if key not in tables:
            _share(settings, options, key, value, f"{key} in {path}")
    for command, settings_of_command in tables.items():
        if command not in options:
            raise UsageError(f"{path}: unknown table {command}{_similar(command, options)}")
        for key, value in settings_of_command.items():
            option = options[command].get(key)
            if option is None:
                raise UsageError(f"{path}: unknown setting {command}.{key}{_similar(key, options[command])}")
            settings.put(command, option, value, f"{command}.{key} in {path}")


def _share(settings: Settings, options: Options, flag: str, value: Any, source: str) -> None:
    """Set an option of every command that has it; commands that do not take the value keep their default.

    Raises:
        UsageError: No command takes it.
    """
    having = {command: known[flag] for command, known in options.items() if flag in known}
    taking = {name: each for name, each in having.items() if not each.choices or value in each.choices}
    for command, option in (taking or having).items():
        settings.put(command, option, value, source)


def _table(path: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    if path.name != _PYPROJECT:
        return content
    own = content.get("tool", {}).get("kschedcore", {})
    return own if isinstance(own, Mapping) else {}


def _typed(option: Option, value: Any, source: str) -> Value:
    """Return a value of the option's type; text from the environment is read as that type.

    Raises:
        UsageError: It cannot be.
    """
    if option.kind is list:
        if isinstance(value, str):
            return _words(value, source)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return value
        raise _mistyped(source, value, "a list of strings")
    if option.kind is bool:
        known = _WORDS.get(value.lower()) if isinstance(value, str) else value
        if not isinstance(known, bool):
            raise _mistyped(source, value, "true or false")
        return known
    if option.kind is int:
        text = str(value)
        if isinstance(value, bool) or not text.removeprefix("-").isdecimal():
            raise _mistyped(source, value, "a whole number")
        return int(text)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _mistyped(source, value, "a string")
    if option.choices and value not in option.choices:
        raise _mistyped(source, value, f"one of {', '.join(option.choices)}")
    return str(value)


def _words(value: str, source: str) -> list[str]:
    """Return the words of a value, as a shell splits them."""
    try:
        return shlex.split(value)
    except ValueError as error:
        raise UsageError(f"{source}: {value}: {str(error).lower()}") from None


def _mistyped(source: str, value: Any, expected: str) -> UsageError:
    return UsageError(f"{source}: found {value!r}, expected {expected}")


def _similar(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f", did you mean {close[0]}?" if close else ""
