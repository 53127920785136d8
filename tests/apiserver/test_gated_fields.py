"""Fields that v1.36 drops while their feature gates are off, and fields that its strategies fill in."""

from __future__ import annotations

from typing import Any

import pytest

from .server import Server, refusal

TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


@pytest.fixture
def server() -> Server:
    return Server()


def test_the_unavailable_pods_of_stateful_sets_are_one_while_the_gate_is_off(server: Server) -> None:
    """KEP-961: ``MaxUnavailableStatefulSet`` is on by default from v1.37 only."""
    spec: dict[str, Any] = {"serviceName": "s", "selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1, "maxUnavailable": 2}}
    found = server.create(
        "statefulsets", {"metadata": {"name": "s"}, "spec": {**spec, "updateStrategy": rolling}}, "ns"
    )
    assert found["spec"]["updateStrategy"]["rollingUpdate"] == {"partition": 1}
    found["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = "50%"
    assert server.update("statefulsets", found, "ns")["spec"]["updateStrategy"]["rollingUpdate"] == {
        "partition": 1
    }


def claim(server: Server, **sources: Any) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **sources}
    found = server.create("persistentvolumeclaims", {"metadata": {"generateName": "c"}, "spec": spec}, "ns")[
        "spec"
    ]
    return {key: found[key] for key in ("dataSource", "dataSourceRef") if key in found}


SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
POPULATED = {"apiGroup": "example.org", "kind": "Populator", "name": "p"}


def test_sources_of_volumes_are_of_the_claims_namespace(server: Server) -> None:
    """KEP-3294: ``CrossNamespaceVolumeDataSource`` is off, so the reference is dropped."""
    assert claim(server, dataSourceRef={**SNAPSHOT, "namespace": "other"}) == {}


def test_the_two_ways_to_name_a_source_are_kept_the_same(server: Server) -> None:
    """KEP-1495: each completes the other; ``dataSource`` alone names claims and snapshots only."""
    both = {"dataSource": SNAPSHOT, "dataSourceRef": SNAPSHOT}
    assert claim(server, dataSource=SNAPSHOT) == claim(server, dataSourceRef=SNAPSHOT) == both
    assert claim(server, dataSourceRef=POPULATED) == {"dataSource": POPULATED, "dataSourceRef": POPULATED}
    assert claim(server, dataSource=POPULATED) == {}
    error = refusal(lambda: claim(server, dataSource=SNAPSHOT, dataSourceRef=POPULATED))
    assert "spec: Invalid value: {}: must match dataSourceRef" in error.message
    error = refusal(lambda: claim(server, dataSourceRef={"kind": "Odd"}))
    assert "spec.dataSourceRef.name: Required value" in error.message
    assert 'spec.dataSource: Invalid value: "Odd": must be' in error.message


def test_the_scaling_of_volume_limits_is_off(server: Server) -> None:
    """KEP-5030: ``VolumeLimitScaling``."""
    found = server.create(
        "csidrivers", {"metadata": {"name": "d.example"}, "spec": {"preventPodSchedulingIfMissing": True}}
    )
    assert "preventPodSchedulingIfMissing" not in found["spec"]


def test_a_volume_has_its_last_phase_transition_time(server: Server) -> None:
    """KEP-3762: ``lastPhaseTransitionTime`` follows the phase unless the writer gives a time of its own."""
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    found = server.create("persistentvolumes", {"metadata": {"name": "v"}, "spec": spec})
    created = found["metadata"]["creationTimestamp"]
    assert found["status"] == {"phase": "Pending", "lastPhaseTransitionTime": created}
    found["status"] = {"phase": "Available", "lastPhaseTransitionTime": "2020-01-01T00:00:00Z"}
    found = server.update("persistentvolumes", found, subresource="status")
    assert found["status"]["lastPhaseTransitionTime"] == "2020-01-01T00:00:00Z"
    found["status"] = {"phase": "Available", "message": "m"}
    found = server.update("persistentvolumes", found, subresource="status")
    assert found["status"]["lastPhaseTransitionTime"] == "2020-01-01T00:00:00Z"
    found["status"] = {"phase": "Bound"}
    found = server.update("persistentvolumes", found, subresource="status")
    assert found["status"]["lastPhaseTransitionTime"] == created
