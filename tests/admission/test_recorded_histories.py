"""What a real API server answered, request by request, for the families that admission decides alone."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from kschedcore.conformance.histories import ApiHistories

RECORDINGS = Path(__file__).parent / "recordings"
FAMILIES = ("limitrange", "quota", "validation", "admission")


def cases(family: str) -> list[dict[str, Any]]:
    with gzip.open(RECORDINGS / f"{family}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_answer_agrees_with_the_recorded_one(family: str) -> None:
    different = [
        (case["id"], step.name, step.differences)
        for case in cases(family)
        for step in ApiHistories().replay(case).results
        if step.differences
    ]
    assert different == []
