"""Histories of Kubernetes' own controllers, replayed: after every step, everything observed is as recorded.

``data`` holds histories recorded from kube-controller-manager v1.36.2: of workloads, observed whenever nothing
changed any more, and of families that were recorded by requests alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kschedcore.conformance.files import find, read
from kschedcore.conformance.formats import format_of
from kschedcore.conformance.results import Case, CaseResult

CASES: list[Case] = [case for path in find([str(Path(__file__).with_name("data"))]) for case in read(path)]


def replayed(case: Case) -> CaseResult:
    form = format_of(case)
    assert form is not None
    assert form.name == "controller histories"
    return form.replay(case)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_controllers_do_as_kubernetes_does(case: Case) -> None:
    result = replayed(case)
    assert result.problems() == []
    assert result.steps == sum("observe" in step for step in case["steps"]) > 0


def _first(family: str) -> dict[str, Any]:
    return copy.deepcopy(dict(next(case for case in CASES if case["id"].startswith(family))))


def _values(observed: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values; lists of conditions are one value each."""
    if isinstance(observed, dict):
        inside = list(observed.items())
    elif isinstance(observed, list) and all(isinstance(each, dict) for each in observed):
        inside = list(enumerate(observed))
    else:
        yield path
        return
    for key, value in inside:
        yield from _values(value, (*path, key))


FAMILIES = [
    "daemonset", "deployment", "disruption", "endpoints", "garbage", "job", "statefulset", "taints", "volumes",
]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_that_differs_is_reported(family: str) -> None:
    case = _first(family)
    observed = [step["observe"] for step in case["steps"] if "observe" in step][-1]
    for path in list(_values(observed)):
        inner = observed
        for key in path[:-1]:
            inner = inner[key]
        was, inner[path[-1]] = inner[path[-1]], "another"
        result = replayed(case)
        assert result.steps_passed == result.steps - 1, path
        inner[path[-1]] = was


def test_a_request_that_is_refused_here_ends_the_case_but_keeps_what_came_before() -> None:
    case = _first("deployment")
    seen = next(place for place, step in enumerate(case["steps"]) if "observe" in step)
    path = f"/api/v1/namespaces/{case['namespace']}/pods/missing"
    case["steps"].insert(seen + 1, {"request": {"method": "PATCH", "path": path, "body": {}}})
    result = replayed(case)
    assert result.steps_passed == 1
    assert result.error is not None
    assert "missing" in result.error
    assert not result.passed
