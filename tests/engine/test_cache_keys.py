"""A warmed engine decides as a fresh one: cached classes depend on nothing that is missing from their keys."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from tests.builders import node, pod
from tests.engine.objects import anti_affinity, spread
from tests.engine.storage import claim, csi_node, storage_class, uses, volume

from kschedcore import Engine
from kschedcore.api.objects import Pod
from kschedcore.errors import ManifestError

Json = dict[str, Any]
Path = tuple[str | int, ...]

ZONE = "topology.kubernetes.io/zone"
DELETED = "2026-01-01T00:00:00Z"

OBJECTS: list[Json] = [
    storage_class("wait"),
    storage_class("other"),
    claim("free"),
    claim("bound", bound_to="disk"),
    claim("one", modes=("ReadWriteOncePod",)),
    volume("disk", node="n2", handle="h"),
    csi_node("n1", 1),
    {
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}},
    },
    {"kind": "ReplicaSet", "metadata": {"name": "web", "namespace": "default"}, "spec": {}},
    {"kind": "DeviceClass", "metadata": {"name": "gpu"}, "spec": {}},
    {
        "kind": "ResourceSlice",
        "metadata": {"name": "n2-gpu"},
        "spec": {
            "driver": "gpu.example.com",
            "nodeName": "n2",
            "pool": {"name": "n2", "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-0"}],
        },
    },
    *(
        {
            "kind": "ResourceClaim",
            "metadata": {
                "name": name,
                "namespace": "default",
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Pod", "name": "gpu", "uid": "u2", "controller": True}
                ],
            },
            "spec": {
                "devices": {
                    "requests": [{"name": "r", "exactly": {"deviceClassName": "gpu", "count": count}}]
                }
            },
        }
        for name, count in (("one", 1), ("free", 2))
    ),
]


def warm_cluster() -> Engine:
    """Return a small engine on which every field of a pod has a chance to matter."""
    engine = Engine(
        config={
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "profiles": [{"schedulerName": "default-scheduler"}, {"schedulerName": "other"}],
        }
    )
    for number in (1, 2, 3):
        labels = {ZONE: f"z{number % 2}", "disk": "ssd" if number < 3 else "hdd"}
        taints = [{"key": "k", "value": "v", "effect": "PreferNoSchedule"}] if number == 1 else []
        engine.set_node(node(f"n{number}", labels=labels, taints=taints, cpu=str(number + 2)))
    for name in ("default", "team"):
        engine.set_namespace({"metadata": {"name": name, "labels": {"name": name}}})
    for each in OBJECTS:
        engine.set_object(each)
    engine.add_pod(pod("low", cpu="3", priority=-1, labels={"app": "web"}, nodeName="n1"))
    engine.add_pod(pod("db", labels={"app": "db"}, nodeName="n2"))
    engine.add_pod(
        pod(
            "port", nodeName="n3", containers=[{"name": "c", "ports": [{"containerPort": 1, "hostPort": 80}]}]
        )
    )
    engine.add_pod(pod("user", nodeName="n2", volumes=uses("one")))
    return engine


def everything() -> list[Json]:
    """Return pods that together set every field that the views read."""
    requests = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "3", "memory": "2Gi"}}
    selector = {
        "matchLabels": {"app": "db"},
        "matchExpressions": [{"key": "app", "operator": "Exists", "values": []}],
    }
    term = {
        "topologyKey": ZONE,
        "labelSelector": selector,
        "namespaces": ["default"],
        "namespaceSelector": {"matchLabels": {"name": "team"}},
        "matchLabelKeys": ["app"],
        "mismatchLabelKeys": ["tier"],
    }
    place = {
        "matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}],
        "matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n3"]}],
    }
    rules = {
        "requiredDuringSchedulingIgnoredDuringExecution": [term],
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5, "podAffinityTerm": term}],
    }
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [place]},
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 3, "preference": place}],
        },
        "podAffinity": rules,
        "podAntiAffinity": rules,
    }
    meta = {
        "generateName": "g-",
        "uid": "u1",
        "annotations": {"note": "x"},
        "creationTimestamp": DELETED,
        "deletionTimestamp": DELETED,
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "web",
                "uid": "u2",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    port = {"containerPort": 80, "hostPort": 80, "hostIP": "127.0.0.1", "protocol": "TCP"}
    container = {
        "name": "c",
        "image": "img:1",
        "resources": requests,
        "ports": [port],
        "restartPolicy": "Always",
        "restartPolicyRules": [{"action": "RestartAllContainers"}],
    }
    granted = {"name": "c", "allocatedResources": {"cpu": "2"}, "resources": requests}
    status = {
        "phase": "Pending",
        "startTime": DELETED,
        "nominatedNodeName": "n2",
        "conditions": [
            {"type": "PodResizePending", "status": "True", "reason": "Infeasible", "message": "m"}
        ],
        "containerStatuses": [granted],
        "initContainerStatuses": [{**granted, "name": "i"}],
        "resources": requests,
        "allocatedResources": {"cpu": "2"},
    }
    rich = pod(
        "p",
        labels={"app": "web", "tier": "t"},
        meta=meta,
        status=status,
        containers=[{**container, "restartPolicy": None}],
        initContainers=[{**container, "name": "i"}],
        overhead={"cpu": "100m"},
        resources=requests,
        nodeName="n1",
        nodeSelector={"disk": "ssd"},
        affinity=affinity,
        tolerations=[
            {"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 3}
        ],
        topologySpreadConstraints=[
            spread(
                ZONE,
                {"app": "web"},
                minDomains=2,
                nodeAffinityPolicy="Honor",
                nodeTaintsPolicy="Honor",
                matchLabelKeys=["tier"],
            )
        ],
        schedulingGates=[{"name": "g"}],
        schedulerName="other",
        priority=5,
        priorityClassName="high",
        preemptionPolicy="Never",
        hostNetwork=True,
        hostUsers=False,
        restartPolicy="Never",
        terminationGracePeriodSeconds=5,
        serviceAccountName="sa",
        runtimeClassName="rc",
    )
    disk = {
        "pdName": "d",
        "volumeID": "v",
        "diskURI": "n",
        "kind": "Managed",
        "targetPortal": "t",
        "iqn": "q",
        "lun": 1,
        "monitors": ["m"],
        "image": "i",
        "pool": "o",
        "driver": "csi.example.com",
        "readOnly": True,
    }
    own = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "wait",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    volumes = [
        {"name": "claim", "persistentVolumeClaim": {"claimName": "bound", "readOnly": True}},
        {"name": "once", "persistentVolumeClaim": {"claimName": "free"}},
        {"name": "own", "ephemeral": {"volumeClaimTemplate": own}},
        {"name": "image", "image": {"reference": "img:1"}},
    ]
    in_tree = ("gcePersistentDisk", "awsElasticBlockStore", "azureDisk", "cinder", "portworxVolume")
    kinds = (*in_tree, "iscsi", "rbd", "csi")
    volumes += [{"name": kind.lower(), kind: disk} for kind in kinds]
    gpu = pod(
        "gpu",
        meta={"uid": "u2"},
        resourceClaims=[
            {"name": "own", "resourceClaimTemplateName": "gpu"},
            {"name": "named", "resourceClaimName": "free"},
        ],
    )
    gpu["status"] = {"resourceClaimStatuses": [{"name": "own", "resourceClaimName": "one"}]}
    return [rich, pod("p", volumes=volumes, meta={"uid": "u1"}), gpu]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of everything inside a manifest, containers included."""
    if path:
        yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield from leaves(inner, (*path, key))


def without(manifest: Json, path: Path) -> Json:
    changed = deepcopy(manifest)
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    return changed


def altered(manifest: Json, path: Path) -> Iterator[Json]:
    """Yield the manifest with one value replaced by others of its type that mean something in the cluster."""
    changed = deepcopy(manifest)
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    before = parent[path[-1]]
    others: list[Any] = []
    if isinstance(before, bool):
        others = [not before]
    elif isinstance(before, int):
        others = [0, 1, before + 1]
    elif isinstance(before, str):
        others = [
            "n2",
            "n3",
            "n9",
            "team",
            "db",
            "web",
            "hdd",
            "z0",
            "2",
            "100m",
            "Exists",
            "Never",
            "Always",
        ]
        others += ["NoSchedule", "ScheduleAnyway", "Ignore", "UDP", "one", "free", "default-scheduler"]
    for other in others:
        if other != before:
            parent[path[-1]] = other
            yield deepcopy(changed)


def variants() -> list[Json]:
    """Return pods of which each differs from a pod of :func:`everything` in one field, and plain ones besides."""
    plain = pod("p")
    found = [plain, *everything()]
    for base in everything():
        for path in leaves(base):
            if path[0] in ("metadata", "spec", "status") and len(path) > 1:
                found.append(without(base, path))
                found += altered(base, path)
                if len(path) == 2:
                    # The field alone, so that no other rule hides what it does.
                    found.append({**plain, path[0]: {**plain[path[0]], path[1]: base[path[0]][path[1]]}})
    return found


def answer(engine: Engine, each: Json) -> Any:
    """Return the engine's whole answer for a pod, or None where it is invalid."""
    try:
        step = engine.explain(each).to_step()
    except ManifestError:
        return None
    decision = engine.decide(each)
    capacity = engine.capacity(each, limit=9)
    return step, decision.node, decision.message, decision.victims, capacity


def fields(view: type[msgspec.Struct], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the fields of a view and of the views inside."""
    hints = get_type_hints(view)
    for field in msgspec.structs.fields(view):
        yield (*path, field.encode_name)
        for inner in _views(hints[field.name]):
            yield from fields(inner, (*path, field.encode_name))


def _views(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for inner in get_args(hint):
        yield from _views(inner)


def test_the_pods_set_every_field_that_the_views_read() -> None:
    present = {
        tuple(key for key in path if isinstance(key, str)) for each in everything() for path in leaves(each)
    }
    missing = {
        path
        for path in fields(Pod)
        if path not in present
        # One selector stands for them all, and a claim template is used by its name and class only.
        and not {"namespaceSelector", "matchExpressions", "ephemeral"} & set(path)
    }
    assert not missing


def test_a_warmed_engine_answers_as_a_fresh_one_for_pods_that_differ_in_one_field() -> None:
    pods = variants()
    fresh = [answer(warm_cluster(), each) for each in pods]
    assert sum(each is not None for each in fresh) > 400
    assert len({repr(each) for each in fresh}) > 60
    warmed = warm_cluster()
    for _ in range(2):
        assert [answer(warmed, each) for each in pods] == fresh


def test_placements_of_a_warmed_engine_equal_those_of_a_fresh_one() -> None:
    warmed = warm_cluster()
    named = [each for each in variants() if each["metadata"].get("name")]
    pods = [each for each in named if answer(warmed, each) is not None][::5]
    assert len(pods) > 80
    for before, each in pairwise(pods):
        fresh = warm_cluster()
        with warmed.what_if(), fresh.what_if():
            warmed.decide(before)
            ours, theirs = warmed.schedule([each]), fresh.schedule([each])
            assert [(d.node, d.message, d.victims) for d in ours] == [
                (d.node, d.message, d.victims) for d in theirs
            ]
            assert warmed.nodes() == fresh.nodes()


def test_a_node_name_is_no_answer_for_another_node_name() -> None:
    engine = Engine()
    for name in ("n1", "n2"):
        engine.set_node(node(name))
    assert engine.decide(pod("p", nodeName="n1")).node == "n1"
    assert engine.decide(pod("p", nodeName="n2")).node == "n2"
    assert engine.decide(pod("p", nodeName="n3")).node is None
    assert engine.decide(pod("p")).node == "n1"
    assert engine.capacity(pod("p", nodeName="n2")).replicas == 4


def test_a_node_that_a_pod_names_may_come_later() -> None:
    engine = Engine()
    engine.set_node(node("n1"))
    assert engine.decide(pod("p", nodeName="n2")).node is None
    engine.set_node(node("n2"))
    assert engine.decide(pod("p", nodeName="n2")).node == "n2"


def test_a_granted_resize_is_no_answer_for_a_pod_without_one() -> None:
    engine = Engine()
    engine.set_node(node("n1", cpu="2"))
    statuses = [{"name": "main", "resources": {"requests": {"cpu": "4"}}}]
    assert engine.decide(pod("p", status={"containerStatuses": statuses})).node is None
    assert engine.decide(pod("p")).node == "n1"


@pytest.mark.parametrize("first", [0, 1])
def test_a_plugin_may_read_annotations(first: int) -> None:
    import numpy as np

    from kschedcore.engine.user_plugins import FilterPlugin, NodeColumns

    class Annotated(FilterPlugin):
        name = "Annotated"
        reason = "node(s) are not the annotated one"

        def filter_nodes(self, pod: Pod, nodes: NodeColumns) -> Any:
            return np.array([name == (pod.metadata.annotations or {}).get("node") for name in nodes.names])

    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"plugins": {"multiPoint": {"enabled": [{"name": "Annotated"}]}}}],
    }
    engine = Engine(config=config, plugins=[Annotated])
    for name in ("n1", "n2"):
        engine.set_node(node(name))
    names = ["n1", "n2"][first:] + ["n1", "n2"][:first]
    assert [engine.decide(pod("p", meta={"annotations": {"node": name}})).node for name in names] == names


def test_anti_affinity_of_a_terminating_pod_is_its_own() -> None:
    engine = Engine()
    for name in ("n1", "n2"):
        engine.set_node(node(name))
    own = {"app": "x"}
    leaving = pod("p", labels=own, affinity=anti_affinity(own), meta={"deletionTimestamp": DELETED})
    assert engine.schedule([leaving])[0].node == "n1"
    assert engine.schedule([pod("q", labels=own, affinity=anti_affinity(own))])[0].node == "n2"
