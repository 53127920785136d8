"""The reference model decides as kube-scheduler v1.34.1 was recorded to decide.

An even sample of each family; `KSCHEDCORE_CONFORMANCE=full` runs every case.
"""

from itertools import zip_longest

import pytest
from tests.conformance.cases import Case, cases, families
from tests.model import ReferenceScheduler, Step

EVERY = 5
NOMINATION = ("nominated", "victims")


def first_difference(case: Case) -> str | None:
    """What the model first decides otherwise; None when every step agrees."""
    scheduler = ReferenceScheduler(case.cluster)
    for pod, expected in zip_longest(case.pending, case.expected):
        if expected is None:
            return None if "nominated" in case.expected[-1] else f"{case.id}: recorded too few steps"
        step = scheduler.decide(pod)
        if step != expected and not is_another_draw(scheduler, pod, step, expected):
            return f"{case.id}, {expected['pod']}: {differing(step, expected)}"
        scheduler.commit(pod, step)
    return None


def is_another_draw(scheduler: ReferenceScheduler, pod: Step, step: Step, expected: Step) -> bool:
    """Whether kube-scheduler only drew another of several equally good nodes to make room on."""
    if "nominated" not in step or "nominated" not in expected:
        return False
    if {k: v for k, v in step.items() if k not in NOMINATION} != {
        k: v for k, v in expected.items() if k not in NOMINATION
    }:
        return False
    return {k: expected[k] for k in NOMINATION} in scheduler.equal_nominations(pod)


def differing(step: Step, expected: Step) -> dict[str, tuple[object, object]]:
    """Key → what the model says, what was recorded."""
    keys = sorted(set(step) | set(expected))
    return {key: (step.get(key), expected.get(key)) for key in keys if step.get(key) != expected.get(key)}


def test_every_family_is_there() -> None:
    assert len(families()) == 14


@pytest.mark.parametrize("family", families())
def test_the_model_agrees_with_every_recorded_step(family: str) -> None:
    differences = [first_difference(case) for case in cases(family, every=EVERY)]
    assert differences
    assert [each for each in differences if each] == []


def test_a_wrong_decision_is_seen() -> None:
    case = next(iter(cases("taints")))
    placed = next(i for i, step in enumerate(case.expected) if "chosen" in step)
    case.expected[placed]["totals"] = dict.fromkeys(case.expected[placed]["totals"], 1)
    assert "totals" in (first_difference(case) or "")
