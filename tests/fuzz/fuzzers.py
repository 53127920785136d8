"""The fuzzers by name, and how one is run."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from . import (
    c_abi,
    configurations,
    engine_operations,
    extender_answers,
    extender_requests,
    requests,
    scenarios,
    schema_edges,
    traces,
)

__all__ = ["FUZZERS", "fault_of"]


def _raising(run: Callable[[int], None]) -> Callable[[int], str]:
    """Convert a fuzzer that raises its faults into one that returns them; see :func:`fault_of`."""

    def fuzz(seed: int) -> str:
        run(seed)
        return ""

    return fuzz


FUZZERS: dict[str, Callable[[int], str]] = {
    "engine": engine_operations.run,
    "requests": requests.run,
    "edges": schema_edges.run,
    "traces": traces.run,
    "configurations": _raising(configurations.run),
    "scenarios": _raising(scenarios.run),
    "c_abi": _raising(c_abi.run),
    "extender_requests": _raising(extender_requests.run),
    "extender_answers": _raising(extender_answers.run),
}
"""By name, a function from a seed to a description of what went wrong; empty when nothing did."""


def fault_of(fuzzer: Callable[[int], str], seed: int) -> str:
    """Run one case; a fault of the fuzzer itself counts as well."""
    try:
        return fuzzer(seed)
    except Exception:
        return traceback.format_exc()
