"""The fuzzers by name, and how one is run."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from . import requests

__all__ = ["FUZZERS", "fault_of"]

FUZZERS: dict[str, Callable[[int], str]] = {"requests": requests.run}
"""By name, a function from a seed to a description of what went wrong; empty when nothing did."""


def fault_of(fuzzer: Callable[[int], str], seed: int) -> str:
    """Run one case; a fault of the fuzzer itself counts as well."""
    try:
        return fuzzer(seed)
    except Exception:
        return traceback.format_exc()
