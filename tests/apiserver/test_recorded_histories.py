"""What a real API server (v1.28) answered, request by request, for the families that the API server decides."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kschedcore.conformance.histories import ApiHistories
from kschedcore.conformance.results import StepResult

RECORDINGS = Path(__file__).parent / "recordings"


def steps(family: str) -> Iterator[tuple[str, StepResult]]:
    with gzip.open(RECORDINGS / f"{family}.jsonl.gz", "rt") as lines:
        for line in lines:
            case = json.loads(line)
            for step in ApiHistories().replay(case).results:
                yield case["id"], step


@pytest.mark.parametrize("family", ["apply", "lists", "objects", "patches", "subresources"])
def test_every_answer_agrees_with_the_recorded_one(family: str) -> None:
    found = list(steps(family))
    assert len(found) > 100
    assert [(case, step.name, step.differences) for case, step in found if not step.passed] == []


def test_every_refused_change_agrees_in_code_reason_and_fields() -> None:
    # The messages hold Go's own printing of the two objects, which nothing but Go can tell.
    found = list(steps("immutable"))
    assert len(found) == 90
    assert [step.name for _, step in found if not (step.aspects["code"] and step.aspects["fields"])] == []
