"""The engine decides as kube-scheduler v1.34.1 and v1.36.2 were recorded to decide.

An even sample of each family; ``KSCHEDCORE_CONFORMANCE=full`` replays every case.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.cases import VERSIONS, Case, cases, families

from kschedcore.conformance.scheduler import DECISIONS

EVERY = 10
FAMILIES = [(version, family) for version in VERSIONS for family in families(version)]


def recording(version: str, case: Case) -> dict[str, Any]:
    return {**case._asdict(), "kubernetes": version}


@pytest.mark.parametrize(("version", "family"), FAMILIES)
def test_every_recorded_step(version: str, family: str) -> None:
    replayed = [DECISIONS.replay(recording(version, case)) for case in cases(version, family, every=EVERY)]
    assert replayed
    assert [problem for result in replayed for problem in result.problems()] == []
    assert all(result.passed for result in replayed)


def test_another_device_is_seen() -> None:
    for case in cases("1.36", "dra", every=EVERY):
        for step in case.expected:
            given = [claim for claim in (step.get("allocations") or {}).values() if claim["devices"]]
            if given:
                given[0]["devices"][0]["device"] = "another"
                assert "another" in str(DECISIONS.replay(recording("1.36", case)).problems())
                return
    pytest.fail("no recorded allocation")
