"""Typed views: what they read, that null means absent, and how they refuse."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api import objects
from kschedcore.api.objects import Node, Pod, PodDisruptionBudget, PriorityClass, Service, View, decode
from kschedcore.errors import ManifestError

Json = Any

POD: Json = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web-0",
        "namespace": "shop",
        "labels": {"app": "web"},
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": True}
        ],
    },
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "nginx:1.27",
                "resources": {"requests": {"cpu": "250m", "memory": 64, "nvidia.com/gpu": 1.5}},
                "ports": [{"containerPort": 80, "hostPort": 8080, "hostIP": "10.0.0.1", "protocol": "TCP"}],
                "env": [{"name": "A", "value": "not read by the scheduler"}],
            }
        ],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 300}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
            }
        ],
        "volumes": [{"name": "v", "awsElasticBlockStore": {"volumeID": "vol-1"}}],
    },
    "status": {"phase": "Running", "nominatedNodeName": "n"},
}


def places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of every object inside a value."""
    if isinstance(value, dict):
        inner = [place for key, each in value.items() for place in places(each, (*path, key))]
        return [path, *inner]
    if isinstance(value, list):
        return [place for index, each in enumerate(value) for place in places(each, (*path, index))]
    return []


def names(view: type[View]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(view)]


def test_a_pod_is_read_with_the_names_of_the_api() -> None:
    pod = decode(Pod, POD)
    (container,) = pod.spec.containers or ()
    (port,) = container.ports or ()
    (volume,) = pod.spec.volumes or ()
    assert pod.metadata.owner_references == (
        objects.OwnerReference(api_version="apps/v1", kind="ReplicaSet", name="web", controller=True),
    )
    assert container.resources is not None
    assert container.resources.requests == {"cpu": "250m", "memory": 64, "nvidia.com/gpu": 1.5}
    assert (port.host_ip, port.host_port) == ("10.0.0.1", 8080)
    assert volume.aws_elastic_block_store is not None
    assert volume.aws_elastic_block_store.volume_id == "vol-1"
    assert pod.status.nominated_node_name == "n"


def test_json_text_and_data_give_the_same_view() -> None:
    assert decode(Pod, msgspec.json.encode(POD)) == decode(Pod, POD)


OPTIONAL = {
    (): ["spec", "status"],
    ("metadata",): ["labels", "uid", "creationTimestamp", "namespace", "ownerReferences"],
    ("spec",): [
        "overhead",
        "affinity",
        "priority",
        "hostNetwork",
        "schedulerName",
        "volumes",
        "initContainers",
    ],
    ("spec", "containers", 0): ["resources", "image", "ports", "name", "restartPolicy"],
    ("status",): ["conditions", "phase", "containerStatuses"],
}
spots = st.sets(st.sampled_from([(place, name) for place, known in OPTIONAL.items() for name in known]))


@given(spots, st.booleans())
def test_null_means_absent_everywhere(found: set[tuple[tuple[str | int, ...], str]], as_text: bool) -> None:
    with_nulls, without = msgspec.json.decode(msgspec.json.encode([POD, POD]))
    for place, name in found:
        for whole, put in ((with_nulls, True), (without, False)):
            holder = whole
            for step in place:
                holder = holder.get(step) if isinstance(holder, dict) else holder[step]
                if holder is None:
                    break
            if holder is None:
                continue
            holder.pop(name, None)
            if put:
                holder[name] = None
    data = msgspec.json.encode(with_nulls) if as_text else with_nulls
    assert decode(Pod, data) == decode(Pod, without)


def test_null_in_a_map_is_the_empty_value() -> None:
    pod = decode(
        Pod,
        {
            "metadata": {"labels": {"a": None}},
            "spec": {"containers": [{"resources": {"requests": {"cpu": None}}}]},
        },
    )
    assert pod.metadata.labels == {"a": ""}
    assert pod.spec.containers is not None
    assert pod.spec.containers[0].resources is not None
    assert pod.spec.containers[0].resources.requests == {"cpu": "0"}


@pytest.mark.parametrize(
    ("view", "data", "message"),
    [
        (Pod, {}, "metadata: is missing; expected an object"),
        (Pod, {"metadata": None}, "metadata: is missing; expected an object"),
        (Pod, [1], "found a list, expected an object"),
        (Pod, "pod", 'found the string "pod", expected an object'),
        (Pod, {"metadata": "web"}, 'metadata: found the string "web", expected an object'),
        (Pod, {"metadata": {"name": 3}}, "metadata.name: found the number 3, expected a string"),
        (
            Pod,
            {"metadata": {"labels": {"example.com/a": True}}},
            "metadata.labels[example.com/a]: found true, expected a string",
        ),
        (
            Pod,
            {"metadata": {}, "spec": {"containers": {"name": "c"}}},
            "spec.containers: found an object, expected a list",
        ),
        (
            Pod,
            {"metadata": {}, "spec": {"containers": [{"name": "a"}, {"image": ["x"]}]}},
            "spec.containers[1].image: found a list, expected a string",
        ),
        (
            Pod,
            {"metadata": {}, "spec": {"containers": [None]}},
            "spec.containers[0]: found null, expected an object",
        ),
        (
            Pod,
            {"metadata": {}, "spec": {"containers": [{"resources": {"requests": {"cpu": ["1"]}}}]}},
            "spec.containers[0].resources.requests[cpu]: found a list, expected a string or a number",
        ),
        (
            Pod,
            {"metadata": {}, "spec": {"priority": 2**31}},
            "spec.priority: found the number 2147483648, expected an integer of 32 bits",
        ),
        (
            Pod,
            {"metadata": {}, "spec": {"terminationGracePeriodSeconds": 2**70}},
            "spec.terminationGracePeriodSeconds: found the number 1180591620717411303424, "
            "expected an integer of 64 bits",
        ),
        (
            Pod,
            {"metadata": {}, "spec": {"tolerations": [{"tolerationSeconds": 1.5}]}},
            "spec.tolerations[0].tolerationSeconds: found the number 1.5, expected an integer of 64 bits",
        ),
        (
            Pod,
            {"metadata": {}, "spec": {"hostNetwork": "yes"}},
            'spec.hostNetwork: found the string "yes", expected true or false',
        ),
        (
            Pod,
            {"metadata": {}, "spec": {"topologySpreadConstraints": [{"maxSkew": 1}]}},
            "spec.topologySpreadConstraints[0].topologyKey: is missing; expected a string",
        ),
        (
            Node,
            {"metadata": {}, "spec": {"taints": [{"key": "a", "effect": 1}]}},
            "spec.taints[0].effect: found the number 1, expected a string",
        ),
        (
            PodDisruptionBudget,
            {"metadata": {}, "spec": {"minAvailable": 0.5}},
            "spec.minAvailable: found the number 0.5, expected an integer of 32 bits or a string",
        ),
        (
            PriorityClass,
            {"metadata": {}, "value": False},
            "value: found false, expected an integer of 32 bits",
        ),
        (
            Service,
            {"metadata": {}, "spec": {"selector": "x" * 100}},
            f'spec.selector: found the string "{"x" * 59}…", expected an object',
        ),
    ],
)
def test_faults_are_reported_with_path_value_and_expectation(
    view: type[View], data: Json, message: str
) -> None:
    for given_as in (data, msgspec.json.encode(data)):
        with pytest.raises(ManifestError) as caught:
            decode(view, given_as)
        assert str(caught.value) == message


def test_keys_are_strings() -> None:
    with pytest.raises(ManifestError) as caught:
        decode(Pod, {"metadata": {"labels": {1: "x"}}})
    assert str(caught.value) == "metadata.labels: found the number 1, expected a string"


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"metadata":', b"\xff", b'{"metadata":{"name":"\xff"}}', b"{}x"]
)
def test_text_that_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^is not JSON: "):
        decode(Pod, text)


def test_every_view_of_an_object_needs_metadata_only() -> None:
    whole = [
        view
        for view in vars(objects).values()
        if isinstance(view, type) and issubclass(view, View) and "metadata" in names(view)
    ]
    assert len(whole) > 15
    for view in whole:
        assert decode(view, {"metadata": {"name": "x"}}).metadata.name == "x"  # type: ignore[attr-defined]


def test_views_cannot_be_changed() -> None:
    pod = decode(Pod, POD)
    with pytest.raises(AttributeError):
        pod.metadata = objects.ObjectMeta()  # type: ignore[misc]


@given(st.sampled_from(places(POD)), st.sampled_from(["x", 7, True, [1], 1.5]))
def test_a_wrong_type_anywhere_is_reported_with_its_place(place: tuple[str | int, ...], wrong: Json) -> None:
    data = msgspec.json.decode(msgspec.json.encode([POD]))
    *way, last = (0, *place)
    holder = data
    for step in way:
        holder = holder[step]
    holder[last] = wrong
    if "env" in place:
        assert decode(Pod, data[0]) == decode(Pod, POD)
        return
    with pytest.raises(ManifestError) as caught:
        decode(Pod, data[0])
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")
    assert caught.value.path == (shown or None)
    assert caught.value.problem.endswith("expected an object")
