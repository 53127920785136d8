"""GPU pods never land on untainted nodes, and GPU nodes are for GPU pods.

Run it: ``pytest examples/rules/test_gpu_nodes.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.testing import assert_all_placed, assert_never_on, assert_only_on, place
from kschedcore.testing.strategies import pods

HERE = Path(__file__).parent
CLUSTER = HERE / "cluster.yaml"
TAINT = "nvidia.com/gpu:NoSchedule"


def test_gpu_pods_are_on_tainted_nodes() -> None:
    model = place(CLUSTER, HERE / "app.yaml").select("app=model")
    assert_all_placed(model)
    assert_only_on(model, TAINT)


def test_other_pods_are_not() -> None:
    assert_never_on(place(CLUSTER, HERE / "app.yaml").select("app!=model"), TAINT)


@settings(max_examples=30, deadline=None)
@given(st.lists(pods(features=["nodeAffinity", "topologySpread", "priority"]), max_size=1))
def test_nor_is_any_pod_that_tolerates_nothing(others: list[dict[str, Any]]) -> None:
    placements = place(CLUSTER, HERE / "app.yaml", others)
    assert_never_on(placements.select("app!=model"), TAINT)
