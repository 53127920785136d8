"""A short run of every fuzzer."""

from __future__ import annotations

import pytest

from .fuzzers import FUZZERS, fault_of

CASES = 40


@pytest.mark.parametrize("name", FUZZERS)
def test_a_short_run_finds_no_fault(name: str) -> None:
    faults = [f"seed {seed}: {fault}" for seed in range(CASES) if (fault := fault_of(FUZZERS[name], seed))]
    assert faults == []
