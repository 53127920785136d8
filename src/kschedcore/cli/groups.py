"""Option groups: a command's parameter that is a dataclass defines one flag for each field."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

__all__ = ["with_groups"]


def with_groups(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with a parameter for each field of the command's option groups, for typer to read.

    Args:
        command: A function whose parameters are option groups (dataclasses with annotated fields, all with
            defaults) and plain options.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type[Any], list[str]]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if is_dataclass(kind) and isinstance(kind, type):
            annotated = get_type_hints(kind, include_extras=True)
            groups[name] = kind, [each.name for each in fields(kind)]
            parameters += (
                _parameter(each.name, annotated[each.name], default=each.default) for each in fields(kind)
            )
        else:
            parameters.append(_parameter(name, kind, default=parameter.default))

    def expanded(**values: Any) -> Any:
        for name, (kind, flags) in groups.items():
            values[name] = kind(**{flag: values.pop(flag) for flag in flags})
        return command(**values)

    expanded.__doc__ = command.__doc__
    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return expanded


def _parameter(name: str, annotation: Any, *, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
