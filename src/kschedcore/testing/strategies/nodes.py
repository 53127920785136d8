"""Nodes: topology, labels, taints, images and capacity for a few pods."""

from __future__ import annotations

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.labels import labels
from kschedcore.testing.strategies.taints import taints
from kschedcore.testing.strategies.vocabulary import (
    GPU,
    HOSTNAME,
    HUGE_PAGES,
    IMAGE_SIZES,
    NODE_LABELS,
    REGION,
    ZONE,
    ZONES,
    Vocabulary,
)

__all__ = ["allocatables", "nodes"]


@st.composite
def nodes(
    draw: st.DrawFn,
    name: str = "node-0",
    *,
    tainted: bool = True,
    vocabulary: Vocabulary = NODE_LABELS,
    zones: tuple[str, ...] = ZONES,
) -> Object:
    """Draw a valid, ready Node, which sometimes lacks a topology label.

    It shrinks towards an untainted node of the first zone with topology labels only.

    Args:
        draw: Hypothesis' own.
        name: The node's name.
        tainted: Whether it may have taints or be unschedulable.
        vocabulary: Label key -> values.
        zones: The possible zones.
    """
    topology = {HOSTNAME: name, ZONE: draw(st.sampled_from(zones)), REGION: "r1"}
    for missing in draw(st.sets(st.sampled_from([HOSTNAME, ZONE, REGION]), max_size=1)):
        del topology[missing]
    allocatable = draw(allocatables())
    node: Object = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**topology, **draw(labels(vocabulary))}},
        "spec": draw(_restrictions()) if tainted else {},
        "status": {
            "capacity": allocatable,
            "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
    images = draw(_images())
    if images:
        node["status"]["images"] = images
    if draw(st.booleans()):
        node["status"]["declaredFeatures"] = ["Other", "RestartAllContainersOnContainerExits"]
    return node


def allocatables() -> st.SearchStrategy[dict[str, str]]:
    """Draw allocatable amounts for one pod, for a few, or for all."""
    return st.fixed_dictionaries(
        {
            "cpu": st.sampled_from(["8", "4000m", "2", "16"]),
            "memory": st.sampled_from(["16000Mi", "4Gi", "32Gi"]),
            "pods": st.sampled_from(["110", "10", "5", "2"]),
            "ephemeral-storage": st.sampled_from(["20Gi", "50G"]),
        },
        optional={GPU: st.sampled_from(["1", "4"]), "hugepages-2Mi": st.sampled_from(HUGE_PAGES)},
    )


def _restrictions() -> st.SearchStrategy[Object]:
    """Draw a node's spec: taints, or unschedulable, or both, or neither."""
    open_or_closed = st.sampled_from([{}, {}, {}, {"unschedulable": True}])
    return st.tuples(open_or_closed, st.fixed_dictionaries({}, optional={"taints": taints()})).map(
        lambda parts: parts[0] | parts[1]
    )


def _images() -> st.SearchStrategy[list[Object]]:
    """Draw images by tag and digest; nodes may report slightly different sizes."""
    names = st.lists(st.sampled_from(sorted(IMAGE_SIZES)), max_size=3, unique=True)
    return st.tuples(names, st.integers(0, 9)).map(
        lambda drawn: [
            {
                "names": [image, f"{image.rpartition(':')[0]}@sha256:{'ab' * 32}"],
                "sizeBytes": IMAGE_SIZES[image] + drawn[1],
            }
            for image in drawn[0]
        ]
    )
