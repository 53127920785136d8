"""Testing one's own placement rules: strategies, assertions, and a pytest plugin.

Needs the extra: ``pip install kschedcore[testing]``. Names are imported when they are first used, so that
the plugin, which pytest loads in every project, costs nothing where it is not asked for anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kschedcore.testing import strategies

__all__ = ["strategies"]

_HOMES = {"strategies": "kschedcore.testing.strategies"}
"""Name -> the module it is in; a module's own name stands for the module."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(home)
    value = globals()[name] = module if home.endswith(f".{name}") else getattr(module, name)
    return value


def __dir__() -> list[str]:
    return __all__
