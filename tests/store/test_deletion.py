"""Deletion decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.apiserver.deletion import deletion_of, ends_by_update

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PODS, JOBS, NAMESPACES = (kind_by_resource(each) for each in ("pods", "jobs.batch", "namespaces"))
Object = dict[str, Any]


def pod(
    *, node: str = "n", phase: str = "Running", grace: int = 30, finalizers: tuple[str, ...] = ()
) -> Object:
    metadata: Object = {"name": "p", **({"finalizers": list(finalizers)} if finalizers else {})}
    spec = {"terminationGracePeriodSeconds": grace, **({"nodeName": node} if node else {})}
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("obj", "requested", "grace", "at_once"),
    [
        (pod(), None, 30, False),
        (pod(), 5, 5, False),
        (pod(), 0, 0, True),
        (pod(), -1, 1, False),
        (pod(grace=0), None, 0, True),
        (pod(node=""), None, 0, True),
        (pod(phase="Succeeded"), None, 0, True),
        (pod(phase="Failed"), 60, 0, True),
        (pod(node="", finalizers=("a.b/c",)), None, 0, False),
    ],
)
def test_a_pod_has_the_time_it_needs(obj: Object, requested: int | None, grace: int, at_once: bool) -> None:
    deletion = deletion_of(PODS, obj, NOW, grace_seconds=requested, propagation=None)
    metadata = deletion.object["metadata"]
    assert (metadata["deletionGracePeriodSeconds"], deletion.now) == (grace, at_once)
    assert metadata["deletionTimestamp"] == f"2026-01-01T00:00:{grace:02}Z"
    assert "deletionTimestamp" not in obj["metadata"]


@pytest.mark.parametrize(
    ("before", "propagation", "after"),
    [
        ([], None, ["orphan"]),
        ([], "Background", []),
        ([], "Foreground", ["foregroundDeletion"]),
        (["foregroundDeletion"], None, ["foregroundDeletion"]),
        (["foregroundDeletion"], "Orphan", ["orphan"]),
        (["a.b/c", "orphan"], "Background", ["a.b/c"]),
        (["a.b/c"], "Foreground", ["a.b/c", "foregroundDeletion"]),
    ],
)
def test_a_job_orphans_its_pods_by_default(before: list[str], propagation: str, after: list[str]) -> None:
    job = {"metadata": {"name": "j", "generation": 1, "finalizers": before}, "spec": {}}
    deletion = deletion_of(JOBS, job, NOW, grace_seconds=None, propagation=propagation)
    assert deletion.now == (not after)
    if after:
        assert deletion.object["metadata"]["finalizers"] == after
        assert deletion.object["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("going", "finalizers", "grace", "ends"),
    [(False, [], None, False), (True, ["a"], 0, False), (True, [], 0, True), (True, [], 30, False)],
)
def test_the_last_finalizer_to_go_takes_the_object_with_it(
    going: bool, finalizers: list[str], grace: int | None, ends: bool
) -> None:
    old = {"metadata": {"deletionTimestamp": "t"} if going else {}}
    new = {"metadata": {"finalizers": finalizers, "deletionGracePeriodSeconds": grace}}
    assert ends_by_update(PODS, new, old) is ends


def test_a_namespace_ends_with_its_own_finalizers() -> None:
    old = {"metadata": {"deletionTimestamp": "t"}}
    assert not ends_by_update(NAMESPACES, {"metadata": {}, "spec": {"finalizers": ["kubernetes"]}}, old)
    assert ends_by_update(NAMESPACES, {"metadata": {}, "spec": {}}, old)
