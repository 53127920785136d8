"""Bound pods in the middle of an in-place resize, as the engine accounts them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import node, pod

import kschedcore as ks


def test_a_resize_that_waits_is_accounted_before_it_is_granted() -> None:
    container = {"name": "c", "image": "app", "resources": {"requests": {"cpu": "3"}}}
    bound = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "shrinking"},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {
            "containerStatuses": [
                {
                    "name": "c",
                    "allocatedResources": {"cpu": "2"},
                    "resources": {"requests": {"cpu": "2"}},
                }
            ]
        },
    }
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n"},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}},
    }
    incoming = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "incoming"},
        "spec": {"containers": [container]},
    }
    engine = ks.Engine(ks.Manifests.from_objects([node, bound]))
    (decision,) = engine.schedule(ks.Manifests.from_objects([incoming]).pending)
    assert decision.node is None
    assert "Insufficient cpu" in decision.message


@pytest.mark.parametrize(
    ("status", "gates", "held"),
    [
        # KEP-5419: the most of spec.resources, status.allocatedResources and status.resources.
        ({"resources": {"requests": {"cpu": "2"}}, "allocatedResources": {"cpu": "3"}}, {}, 3),
        ({"resources": {"requests": {"cpu": "3"}}, "allocatedResources": {"cpu": "2"}}, {}, 3),
        ({"resources": {"requests": {"cpu": "500m"}}}, {}, 1),
        # What the node can never grant counts for nothing.
        (
            {
                "resources": {"requests": {"cpu": "500m"}},
                "conditions": [{"type": "PodResizePending", "status": "True", "reason": "Infeasible"}],
            },
            {},
            0.5,
        ),
        # Nothing has been granted before the status says what the pod runs with.
        ({"allocatedResources": {"cpu": "3"}}, {}, 1),
        (
            {"resources": {"requests": {"cpu": "2"}}},
            {"InPlacePodLevelResourcesVerticalScaling": False},
            1,
        ),
    ],
)
def test_a_resize_of_the_pods_own_resources(status: Any, gates: dict[str, bool], held: float) -> None:
    engine = ks.Engine(feature_gates=gates)
    engine.set_node(node("n"))
    bound = pod("resized", cpu="100m", nodeName="n", resources={"requests": {"cpu": "1"}}, status=status)
    engine.add_pod(bound)
    assert engine.utilisation()["cpu"]["requested"] == held * 1000
