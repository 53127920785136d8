"""The table of kinds, from which scopes, views and recorded keys follow."""

from __future__ import annotations

import pytest

from kschedcore.api.machinery.kinds import ALL_KINDS, KINDS, is_cluster_scoped
from kschedcore.api.schema import schema_for
from kschedcore.engine.listers import GROUPS
from kschedcore.manifests.manifests import CLUSTER_KEYS


def test_no_kind_stands_twice() -> None:
    named = [(kind.resource.api_version, kind.resource.kind) for kind in ALL_KINDS]
    paths = [(kind.resource.api_version, kind.resource.plural) for kind in ALL_KINDS]
    assert len(set(named)) == len(set(paths)) == len(ALL_KINDS)


def test_every_served_kind_has_a_schema() -> None:
    assert [k for k in KINDS if schema_for(k.resource.api_version, k.resource.kind) is None] == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Node", True), ("ClusterRole", True), ("ResourceSlice", True), ("Pod", False), ("Role", False),
     ("ResourceClaim", False), ("Widget.example.com", False)],
)  # fmt: skip
def test_scopes(kind: str, expected: bool) -> None:
    assert is_cluster_scoped(kind) is expected


def test_recorded_clusters_have_a_key_for_every_kind_that_placement_reads() -> None:
    assert CLUSTER_KEYS["csiNodes"] == "CSINode"
    assert CLUSTER_KEYS["csiStorageCapacities"] == "CSIStorageCapacity"
    assert CLUSTER_KEYS["priorityClasses"] == "PriorityClass"
    assert GROUPS.keys() < set(CLUSTER_KEYS.values())
