"""Random nodes: topology, labels, taints, images, and room for a few pods."""

from hypothesis import strategies as st
from tests.strategies.vocabulary import (
    EFFECTS,
    GPU,
    HOSTNAME,
    HUGE_PAGES,
    IMAGE_SIZES,
    NODE_LABELS,
    REGION,
    TAINT_KEYS,
    TAINT_VALUES,
    ZONE,
    ZONES,
    Json,
)


@st.composite
def nodes(draw: st.DrawFn, name: str, *, tainted: bool = True) -> Json:
    """A valid Node of that name, lacking a topology label now and then; `tainted` allows it to repel pods."""
    labels = {HOSTNAME: name, ZONE: draw(st.sampled_from(ZONES)), REGION: "r1"}
    for missing in draw(st.sets(st.sampled_from([HOSTNAME, ZONE, REGION]), max_size=1)):
        del labels[missing]
    for key, values in NODE_LABELS.items():
        value = draw(st.sampled_from([None, *values]))
        if value is not None:
            labels[key] = value
    allocatable = draw(allocatables())
    node: Json = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {
            "capacity": allocatable,
            "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
    if tainted:
        node["spec"] = draw(restrictions())
    images = draw(node_images())
    if images:
        node["status"]["images"] = images
    return node


def allocatables() -> st.SearchStrategy[dict[str, str]]:
    """Room for one pod, for a few, or for all."""
    return st.fixed_dictionaries(
        {
            "cpu": st.sampled_from(["8", "4000m", "2", "16"]),
            "memory": st.sampled_from(["16000Mi", "4Gi", "32Gi"]),
            "pods": st.sampled_from(["110", "10", "5", "2"]),
            "ephemeral-storage": st.sampled_from(["20Gi", "50G"]),
        },
        optional={GPU: st.sampled_from(["1", "4"]), "hugepages-2Mi": st.sampled_from(HUGE_PAGES)},
    )


def restrictions() -> st.SearchStrategy[Json]:
    """A node's spec: taints, or unschedulable, or both, or neither."""
    open_or_closed = st.sampled_from([{}, {}, {}, {"unschedulable": True}])
    return st.tuples(open_or_closed, st.fixed_dictionaries({}, optional={"taints": taints()})).map(
        lambda parts: parts[0] | parts[1]
    )


def taints() -> st.SearchStrategy[list[Json]]:
    """One or two taints, each key and effect once."""
    taint = st.fixed_dictionaries(
        {"key": st.sampled_from(TAINT_KEYS), "effect": st.sampled_from(EFFECTS)},
        optional={"value": st.sampled_from(TAINT_VALUES)},
    )
    return st.lists(taint, min_size=1, max_size=2, unique_by=lambda t: (t["key"], t["effect"]))


def node_images() -> st.SearchStrategy[list[Json]]:
    """Images by tag and digest; nodes may differ by a few bytes in what they report."""
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
