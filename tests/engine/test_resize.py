"""Bound pods in the middle of an in-place resize, as the engine accounts them."""

from __future__ import annotations

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
