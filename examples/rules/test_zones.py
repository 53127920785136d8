"""The shop's front is spread over zones, and survives the loss of any of them.

Run it: ``pytest examples/rules/test_zones.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import kschedcore as ks
from kschedcore.testing import Placements, assert_spread, assert_survives, place

ZONE = "topology.kubernetes.io/zone"
HERE = Path(__file__).parent


@pytest.fixture
def front() -> Placements:
    return place(HERE / "cluster.yaml", HERE / "app.yaml").select("app=front")


def test_the_front_is_spread_evenly(front: Placements) -> None:
    assert_spread(front, ZONE, max_skew=1)


def test_there_is_room_for_it_without_any_zone(front: Placements) -> None:
    assert_survives(front, ZONE)


@pytest.mark.kschedcore("cluster.yaml")
@pytest.mark.parametrize("zone", ["a", "b", "c"])
def test_it_is_whole_again_ten_minutes_after_a_zone_falls_silent(cluster: ks.Cluster, zone: str) -> None:
    """The controllers carry out what the scheduler has capacity for: evict, recreate, start."""
    cluster.apply(str(HERE / "app.yaml"))
    cluster.run_until_settled()
    for node in cluster.list("nodes", selector=f"{ZONE}={zone}"):
        cluster.fail_node(f"node/{node['metadata']['name']}")
    cluster.run_for("10m")
    left = Placements.of(cluster).select("app=front").on(f"{ZONE}!={zone}")
    assert len(left) == 6
    assert cluster.get("deployment/front")["status"]["readyReplicas"] == 6
