"""A change of quota breaks no one: what runs can still be rolled out anew, surge included.

Run it: ``pytest examples/rules/test_quota.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import kschedcore as ks
from kschedcore.testing import BrokenRuleError, assert_rolled_out

HERE = Path(__file__).parent
WORKLOADS = ("deployment/front", "deployment/model")

pytestmark = pytest.mark.kschedcore("cluster.yaml")


@pytest.fixture
def running(cluster: ks.Cluster) -> ks.Cluster:
    """The cluster with everything that runs in it today."""
    cluster.apply(str(HERE / "app.yaml"))
    assert_rolled_out(cluster)
    return cluster


def test_the_new_quota_lets_everything_roll_out(running: ks.Cluster) -> None:
    running.apply(str(HERE / "quota.yaml"))
    for ref in WORKLOADS:
        running.rollout_restart(ref)
    assert_rolled_out(running)


def test_a_quota_of_what_runs_today_would_leave_no_room_for_surge(running: ks.Cluster) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": "default"},
        "spec": {"hard": {"pods": "8"}},
    }
    running.apply(quota)
    running.rollout_restart("deployment/model")
    with pytest.raises(BrokenRuleError, match="exceeded quota: team"):
        assert_rolled_out(running, "deployment/model")
