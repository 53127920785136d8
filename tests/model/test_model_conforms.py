"""The reference model decides as kube-scheduler v1.34.1 and v1.36.2 were recorded to decide.

An even sample of each family; `KSCHEDCORE_CONFORMANCE=full` runs every case.
"""

from itertools import zip_longest

import pytest
from tests.conformance.cases import VERSIONS, Case, cases, families
from tests.model import Kubernetes, ReferenceScheduler, Step

EVERY = 5
NOMINATION = ("nominated", "victims")
FAMILIES = [(version, family) for version in VERSIONS for family in families(version)]


def first_difference(version: Kubernetes, case: Case) -> str | None:
    """The first difference of the model's decisions; None when every step agrees."""
    scheduler = ReferenceScheduler(case.cluster, kubernetes=version)
    for pod, recorded in zip_longest(case.pending, case.expected):
        if recorded is None:
            return None if "nominated" in case.expected[-1] else f"{case.id}: recorded too few steps"
        decided = scheduler.decide(pod)
        step, expected = comparable(version, decided), comparable(version, recorded)
        if step != expected and not is_another_draw(scheduler, pod, step, expected):
            return f"{case.id}, {expected['pod']}: {differing(step, expected)}"
        scheduler.commit(pod, decided)
    return None


def comparable(version: Kubernetes, step: Step) -> Step:
    """A step as both versions' recordings can have it: v1.34's do not say what PostFilter said."""
    rejected = {
        node: {key: value for key, value in verdict.items() if value}
        for node, verdict in (step.get("rejected") or {}).items()
    }
    kept = {key: value for key, value in step.items() if version != "1.34" or key != "postFilter"}
    return {**kept, "rejected": rejected}


def is_another_draw(scheduler: ReferenceScheduler, pod: Step, step: Step, expected: Step) -> bool:
    """Whether kube-scheduler only drew another of several equally good nodes for preemption."""
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


def test_every_family_exists() -> None:
    assert {version: len(families(version)) for version in VERSIONS} == {"1.34": 14, "1.36": 15}


@pytest.mark.parametrize(("version", "family"), FAMILIES)
def test_the_model_agrees_with_every_recorded_step(version: Kubernetes, family: str) -> None:
    differences = [first_difference(version, case) for case in cases(version, family, every=EVERY)]
    assert differences
    assert [each for each in differences if each] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_decision_is_seen(version: Kubernetes) -> None:
    case = next(iter(cases(version, "taints")))
    placed = next(i for i, step in enumerate(case.expected) if "chosen" in step)
    case.expected[placed]["totals"] = dict.fromkeys(case.expected[placed]["totals"], 1)
    assert "totals" in (first_difference(version, case) or "")


def test_another_device_is_seen() -> None:
    for case in cases("1.36", "dra"):
        for step in case.expected:
            given = [claim for claim in (step.get("allocations") or {}).values() if claim["devices"]]
            if given:
                given[0]["devices"][0]["device"] = "another"
                assert "another" in (first_difference("1.36", case) or "")
                return
    pytest.fail("no recorded allocation")
