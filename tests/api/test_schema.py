"""The schema tables hold together, and say what Kubernetes' published schema says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kschedcore.api.schema import Field, ObjectType, object_type, schema_for

KINDS = [
    ("v1", "Pod"), ("v1", "Node"), ("v1", "Service"), ("v1", "PersistentVolume"), ("v1", "ResourceQuota"),
    ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"), ("batch/v1", "CronJob"), ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"), ("networking.k8s.io/v1", "Ingress"),
    ("scheduling.k8s.io/v1", "PriorityClass"), ("node.k8s.io/v1", "RuntimeClass"),
    ("storage.k8s.io/v1", "StorageClass"), ("discovery.k8s.io/v1", "EndpointSlice"),
    ("coordination.k8s.io/v1", "Lease"), ("events.k8s.io/v1", "Event"),
]  # fmt: skip


def reached(kind: ObjectType) -> Iterator[tuple[ObjectType, str, Field]]:
    """Every field of every type that a kind's objects can hold."""
    seen, waiting = set[str](), [kind]
    while waiting:
        found = waiting.pop()
        if found.name in seen:
            continue
        seen.add(found.name)
        for name, field in found.fields.items():
            yield found, name, field
            inner = field
            while inner.items is not None:
                inner = inner.items
            if inner.ref:
                waiting.append(object_type(inner.ref))


def at(api_version: str, kind: str, path: str) -> Field:
    found = schema_for(api_version, kind)
    assert found is not None
    *parents, last = path.split(".")
    for key in parents:
        found = found.fields[key].object
    return found.fields[last]


@pytest.mark.parametrize(("api_version", "kind"), KINDS)
def test_every_kind_has_its_metadata_and_name(api_version: str, kind: str) -> None:
    found = schema_for(api_version, kind)
    assert found is not None
    assert found.go_name == kind
    assert found.fields["metadata"].ref == "meta.v1.ObjectMeta"
    assert found.fields["metadata"].presence == "always"


@pytest.mark.parametrize(("api_version", "kind"), KINDS)
def test_lists_are_merged_by_keys_that_their_elements_have(api_version: str, kind: str) -> None:
    found = schema_for(api_version, kind)
    assert found is not None
    for owner, name, field in reached(found):
        where = f"{owner.name}.{name}"
        assert (field.items is not None) == (field.type in ("list", "map")), where
        assert bool(field.ref) == (field.type == "object"), where
        assert (field.list_type == "map") == bool(field.map_keys), where
        if field.merge_key and field.items is not None and field.items.type == "object":
            assert field.merge_key in field.object.fields, where
        for key in field.map_keys:
            assert key in field.object.fields, where


@pytest.mark.parametrize(
    ("api_version", "kind", "path", "keys"),
    [
        ("v1", "Pod", "spec.containers", ("name",)),
        ("v1", "Pod", "spec.containers.ports", ("containerPort", "protocol")),
        ("v1", "Service", "spec.ports", ("port", "protocol")),
        ("v1", "Pod", "spec.topologySpreadConstraints", ("topologyKey", "whenUnsatisfiable")),
        ("apps/v1", "Deployment", "metadata.ownerReferences", ("uid",)),
    ],
)
def test_the_keys_of_associative_lists(api_version: str, kind: str, path: str, keys: tuple[str, ...]) -> None:
    assert at(api_version, kind, path).map_keys == keys


def test_what_merge_patches_need_to_know() -> None:
    assert at("v1", "Pod", "spec.containers").merge_key == "name"
    assert at("v1", "Pod", "spec.volumes").strategies == ("merge", "retainKeys")
    assert at("apps/v1", "Deployment", "spec.strategy").strategies == ("retainKeys",)
    assert at("v1", "Pod", "metadata.finalizers").list_type == "set"
    assert at("apps/v1", "Deployment", "spec.selector").map_type == "atomic"
    assert at("v1", "Pod", "spec.containers.ports.protocol").default == "TCP"


@pytest.mark.parametrize(
    ("path", "presence"),
    [
        ("spec.replicas", "pointer"),
        ("spec.paused", ""),
        ("spec.minReadySeconds", ""),
        ("spec.strategy", "always"),
        ("spec.selector", "pointer"),
        ("status", "always"),
        ("metadata.creationTimestamp", ""),
    ],
)
def test_which_zeros_are_written(path: str, presence: str) -> None:
    assert at("apps/v1", "Deployment", path).presence == presence


def test_an_unknown_kind_has_no_schema() -> None:
    assert schema_for("example.com/v1", "Widget") is None
