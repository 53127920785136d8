"""Assertions about rollouts in a running cluster, and their failure messages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import kschedcore as ks
from kschedcore.api.machinery.status import StatusError
from kschedcore.testing import BrokenRuleError, assert_does_not_fit, assert_rolled_out


@pytest.fixture
def living() -> Iterator[ks.Cluster]:
    with ks.Cluster.simulated(nodes=3) as cluster:
        yield cluster


def quota(pods: int) -> dict[str, object]:
    metadata = {"name": "few", "namespace": "default"}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata,
        "spec": {"hard": {"pods": str(pods)}},
    }


def test_all_workloads_roll_out(living: ks.Cluster) -> None:
    for name in ("web", "api"):
        living.create_deployment(name, image="nginx", replicas=2)
    assert_rolled_out(living)
    assert {pod["status"]["phase"] for pod in living.list("pods")} == {"Running"}


def test_a_quota_in_the_way_is_reported(living: ks.Cluster) -> None:
    living.apply(quota(3))
    living.create_deployment("web", image="nginx", replicas=2)
    assert_rolled_out(living, "deployment/web")
    living.create_deployment("api", image="nginx", replicas=2)
    with pytest.raises(BrokenRuleError) as broken:
        assert_rolled_out(living)
    first, *details = str(broken.value).splitlines()
    assert first == 'default: deployment "api" exceeded its progress deadline'
    assert any("FailedCreate" in line and "exceeded quota: few" in line for line in details)
    assert broken.value.manifest is None


def test_a_pod_that_finds_no_node_is_explained(living: ks.Cluster) -> None:
    living.cordon("nodes/node-1")
    living.cordon("nodes/node-2")
    living.cordon("nodes/node-3")
    living.create_deployment("web", image="nginx", replicas=1)
    with pytest.raises(
        BrokenRuleError, match=r"Pod web-.*: FailedScheduling: 0/3 nodes are available: "
    ) as broken:
        assert_rolled_out(living, "deploy/web", timeout="5m")
    assert broken.value.pod is not None
    assert broken.value.pod.startswith("default/web-")
    assert broken.value.manifest is not None
    assert_does_not_fit(broken.value.pod, broken.value.manifest, "3 node(s) were unschedulable")


def test_a_missing_workload_is_an_error(living: ks.Cluster) -> None:
    with pytest.raises(StatusError, match=r'deployments\.apps "web" not found'):
        assert_rolled_out(living, "deployment/web")
