"""Tools to test placement rules: strategies, assertions, and a pytest plugin.

Needs the extra: ``pip install kschedcore[testing]``. Names are imported on first use, so that the plugin, which pytest
loads in every project, costs nothing if it is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kschedcore.testing import strategies
    from kschedcore.testing.assertions import (
        assert_all_placed,
        assert_does_not_fit,
        assert_fits,
        assert_never_on,
        assert_only_on,
        assert_spread,
        assert_survives,
    )
    from kschedcore.testing.broken_rules import BrokenRuleError
    from kschedcore.testing.placements import Placement, Placements, place
    from kschedcore.testing.replay import EngineScheduler, Replay
    from kschedcore.testing.rollouts import assert_rolled_out

__all__ = [
    "BrokenRuleError",
    "EngineScheduler",
    "Placement",
    "Placements",
    "Replay",
    "assert_all_placed",
    "assert_does_not_fit",
    "assert_fits",
    "assert_never_on",
    "assert_only_on",
    "assert_rolled_out",
    "assert_spread",
    "assert_survives",
    "place",
    "strategies",
]

_HOMES = {
    "BrokenRuleError": "kschedcore.testing.broken_rules",
    "EngineScheduler": "kschedcore.testing.replay",
    "Placement": "kschedcore.testing.placements",
    "Placements": "kschedcore.testing.placements",
    "Replay": "kschedcore.testing.replay",
    "assert_all_placed": "kschedcore.testing.assertions",
    "assert_does_not_fit": "kschedcore.testing.assertions",
    "assert_fits": "kschedcore.testing.assertions",
    "assert_never_on": "kschedcore.testing.assertions",
    "assert_only_on": "kschedcore.testing.assertions",
    "assert_rolled_out": "kschedcore.testing.rollouts",
    "assert_spread": "kschedcore.testing.assertions",
    "assert_survives": "kschedcore.testing.assertions",
    "place": "kschedcore.testing.placements",
    "strategies": "kschedcore.testing.strategies",
}
"""Name -> its module; a module's name maps to itself."""


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(home)
    value = globals()[name] = module if home.endswith(f".{name}") else getattr(module, name)
    return value


def __dir__() -> list[str]:
    return __all__
