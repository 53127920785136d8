"""Objects other than workloads at the edges of their fields: the cluster and the commands survive what is accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.field.test_edges import GOOD, NUMBERS, TIMES, VALUE, _filled, _send

import kschedcore as ks
from kschedcore.cli import run
from kschedcore.errors import ManifestError

Object = dict[str, Any]

AMOUNTS = ("0", "-1", "9223372036854775807", "9999999999999999999999", "1e30", "1n", "-9Ei", "1e-30", 2**70)
MICRO_TIMES = tuple(time.replace("Z", ".999999Z") for time in TIMES if time.endswith("Z"))
SELECTORS: tuple[Any, ...] = (
    {}, None, {"matchLabels": {"a": "b c"}}, {"matchLabels": {"a b": "c"}}, {"matchExpressions": [{}]},
    {"matchExpressions": [{"key": "a", "operator": "In"}]},
    {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b c"]}]},
)  # fmt: skip
TERMS: tuple[Any, ...] = (
    [{}], [], [{"matchExpressions": [{}]}],
    [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b c"]}]}],
    [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["99999999999999999999"]}]}],
    [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["x y"]}]}],
)  # fmt: skip
_NAMED = "/api/v1/namespaces/default"
_STORAGE, _RESOURCE = "/apis/storage.k8s.io/v1", "/apis/resource.k8s.io/v1"
_POLICY = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_SCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"


class Edge(NamedTuple):
    """One field of an object to create, or of the status that an object gets afterwards.

    Attributes:
        path: The path to create the object at.
        body: The object, without a name; ``VALUE`` stands for the value.
        values: What the field may be.
        status: The field of the object to patch after it was created, with its path below the object.
    """

    path: str
    body: Object
    values: tuple[Any, ...]
    status: tuple[str, Any] | None = None


def _nodes() -> Iterator[tuple[str, Edge]]:
    for name in ("cpu", "memory", "pods", "example.com/gpu", "hugepages-2Mi", "ephemeral-storage"):
        amounts = {"cpu": "4", "memory": "8Gi", "pods": "10", name: VALUE}
        status = {"capacity": amounts, "allocatable": amounts}
        yield f"node {name}", Edge("/api/v1/nodes", {"status": status}, AMOUNTS)
    image = {"names": ["a:1"], "sizeBytes": VALUE}
    yield "node image", Edge("/api/v1/nodes", {"status": {"images": [image]}}, NUMBERS)
    networks = ("255.255.255.255/32", "0.0.0.0/0", "10.0.0.0/31", "10.0.0.0/33", "::/128")
    yield "node network", Edge("/api/v1/nodes", {"spec": {"podCIDR": VALUE, "podCIDRs": [VALUE]}}, networks)
    statuses: tuple[Any, ...] = (
        {"conditions": [{}]},
        {"addresses": [{}]},
        {"images": [{}]},
        {"volumesAttached": [{}]},
    )
    yield "node status", Edge("/api/v1/nodes", {"status": VALUE}, statuses)


def _volumes() -> Iterator[tuple[str, Edge]]:
    volumes = "/api/v1/persistentvolumes"
    volume = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/x"},
    }
    yield "volume size", Edge(volumes, {"spec": {**volume, "capacity": {"storage": VALUE}}}, AMOUNTS)
    affinity = {"required": {"nodeSelectorTerms": VALUE}}
    yield "volume affinity", Edge(volumes, {"spec": {**volume, "nodeAffinity": affinity}}, TERMS)
    references: tuple[Any, ...] = ({}, {"name": "x"}, {"namespace": "default"}, {"kind": "Pod"})
    yield "volume claim", Edge(volumes, {"spec": {**volume, "claimRef": VALUE}}, references)
    phases = ({"phase": "x"}, {"phase": "Released"}, {"lastPhaseTransitionTime": TIMES[4]})
    yield "volume status", Edge(volumes, {"spec": volume}, phases, ("/status", {"status": VALUE}))
    request = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": VALUE}}}
    yield "claim size", Edge(f"{_NAMED}/persistentvolumeclaims", {"spec": request}, AMOUNTS)
    capacities = f"{_STORAGE}/namespaces/default/csistoragecapacities"
    for name in ("capacity", "maximumVolumeSize"):
        body = {"storageClassName": "late", "nodeTopology": {}, name: VALUE}
        yield f"storage {name}", Edge(capacities, body, AMOUNTS)
    body = {"storageClassName": "late", "nodeTopology": VALUE, "capacity": "1Gi"}
    yield "storage topology", Edge(capacities, body, SELECTORS)
    yield "storage class", Edge(capacities, {"storageClassName": VALUE}, ("", "A B", "x" * 300, "late"))


def _network() -> Iterator[tuple[str, Edge]]:
    services = f"{_NAMED}/services"
    for name in ("port", "targetPort", "nodePort"):
        spec = {"type": "NodePort", "selector": {"app": "good"}, "ports": [{"port": 80, name: VALUE}]}
        yield f"service {name}", Edge(services, {"spec": spec}, (*NUMBERS, "", "x y", "http"))
    labels = {
        "kubernetes.io/service-name": "good",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    endpoints: tuple[Any, ...] = (
        [{}],
        [{"addresses": ["x"]}],
        [{"addresses": ["10.0.0.1"], "targetRef": {}}],
        [{"addresses": ["10.0.0.1"], "conditions": {"ready": None}, "zone": ""}],
    )
    slice_ = {"metadata": {"labels": labels}, "addressType": "IPv4", "endpoints": VALUE, "ports": [{}]}
    yield "endpoint slice", Edge(slices, slice_, endpoints)
    addresses: tuple[Any, ...] = (
        [{}],
        [{"addresses": [{}]}],
        [{"addresses": [{"ip": "10.0.0.1", "targetRef": {}}]}],
    )
    yield "endpoints", Edge(f"{_NAMED}/endpoints", {"subsets": VALUE}, addresses)


def _policies() -> Iterator[tuple[str, Edge]]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "good"}
    scaler = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 1}
    for name in ("minReplicas", "maxReplicas"):
        yield f"autoscaler {name}", Edge(_SCALERS, {"spec": {**scaler, name: VALUE}}, (-1, 0, 1, 2**31))
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": VALUE}}
    spec = {**scaler, "metrics": [{"type": "Resource", "resource": metric}]}
    yield "autoscaler target", Edge(_SCALERS, {"spec": spec}, NUMBERS)
    status = ("/status", {"status": {"lastScaleTime": VALUE, "conditions": [{}]}})
    yield "autoscaler time", Edge(_SCALERS, {"spec": scaler}, TIMES, status)
    targets: tuple[Any, ...] = (
        {},
        {"kind": "X", "name": "y", "apiVersion": "a/b/c"},
        {"kind": "Node", "name": "node-1"},
    )
    yield "autoscaler object", Edge(_SCALERS, {"spec": {**scaler, "scaleTargetRef": VALUE}}, targets)
    yield "budget selector", Edge(_POLICY, {"spec": {"maxUnavailable": 1, "selector": VALUE}}, SELECTORS)
    disrupted = ("/status", {"status": {"disruptedPods": {"p": VALUE}, "disruptionsAllowed": -1}})
    yield "budget time", Edge(_POLICY, {"spec": {"selector": {}, "maxUnavailable": 1}}, TIMES, disrupted)
    for name in ("leaseDurationSeconds", "leaseTransitions"):
        yield f"lease {name}", Edge(_LEASES, {"spec": {name: VALUE}}, NUMBERS)
    for name in ("renewTime", "acquireTime"):
        yield f"lease {name}", Edge(_LEASES, {"spec": {name: VALUE}}, MICRO_TIMES)
    quota = {"hard": {"count/configmaps": VALUE, "requests.storage": VALUE}}
    yield "quota", Edge(f"{_NAMED}/resourcequotas", {"spec": quota}, AMOUNTS)
    limit = {"type": "PersistentVolumeClaim", "max": {"storage": VALUE}, "min": {"storage": VALUE}}
    yield "limit range", Edge(f"{_NAMED}/limitranges", {"spec": {"limits": [limit]}}, AMOUNTS)
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    yield "priority class", Edge(classes, {"value": VALUE}, NUMBERS)


def _others() -> Iterator[tuple[str, Edge]]:
    about = {"kind": "Pod", "namespace": "default", "name": "x"}
    for name in ("firstTimestamp", "lastTimestamp"):
        yield f"event {name}", Edge(f"{_NAMED}/events", {"involvedObject": about, name: VALUE}, TIMES)
    yield "event count", Edge(f"{_NAMED}/events", {"involvedObject": about, "count": VALUE}, NUMBERS)
    terminating = ("/status", {"status": VALUE})
    statuses: tuple[Any, ...] = ({"phase": "Terminating"}, {"phase": "x"}, {"conditions": [{}]})
    yield "namespace", Edge("/api/v1/namespaces", {}, statuses, terminating)
    pool = {"name": "p", "generation": 1, "resourceSliceCount": 1}
    device = {"driver": "d.x", "nodeName": "node-1", "pool": pool, "devices": [{"name": "a"}]}
    slices = f"{_RESOURCE}/resourceslices"
    for name in ("generation", "resourceSliceCount"):
        yield f"slice {name}", Edge(slices, {"spec": {**device, "pool": {**pool, name: VALUE}}}, NUMBERS)
    capacity = [{"name": "a", "capacity": {"m": {"value": VALUE}}}]
    yield "slice capacity", Edge(slices, {"spec": {**device, "devices": capacity}}, AMOUNTS)
    taint = {"key": "k", "effect": "NoExecute", "timeAdded": VALUE}
    spec = {**device, "devices": [{"name": "a", "taints": [taint]}]}
    yield "slice taint", Edge(slices, {"spec": spec}, TIMES)
    exactly = {"deviceClassName": "any", "allocationMode": "ExactCount", "count": VALUE}
    claim = {"devices": {"requests": [{"name": "r", "exactly": exactly}]}}
    claims = f"{_RESOURCE}/namespaces/default/resourceclaims"
    yield "claim count", Edge(claims, {"spec": claim}, NUMBERS)
    exactly = {"deviceClassName": "any"}
    claim = {"devices": {"requests": [{"name": "r", "exactly": exactly}]}}
    results: tuple[Any, ...] = (
        {"allocation": {}},
        {"allocation": {"devices": {"results": [{}]}}},
        {"allocation": {"allocationTimestamp": TIMES[4]}},
        {"reservedFor": [{"resource": "pods", "name": "x", "uid": "y"}]},
    )
    yield "claim status", Edge(claims, {"spec": claim}, results, ("/status", {"status": VALUE}))
    drivers = {"drivers": [{"name": "d", "nodeID": "x", "allocatable": {"count": VALUE}}]}
    yield "driver count", Edge(f"{_STORAGE}/csinodes", {"spec": drivers}, NUMBERS)
    secrets = {"containers": [{"name": "c", "image": "i"}], "imagePullSecrets": VALUE}
    yield "pull secrets", Edge(f"{_NAMED}/pods", {"spec": secrets}, ([{}], [{}, {}], [{"name": ""}, {}]))


EDGES = dict([*_nodes(), *_volumes(), *_network(), *_policies(), *_others()])


def _write(cluster: ks.Cluster, edge: Edge, value: Any) -> None:
    body = _filled(edge.body, value)
    body["metadata"] = {**body.get("metadata", {}), "name": "edge"}
    _send(cluster, "POST", edge.path, body)
    cluster.run_for("5s")
    if edge.status is not None:
        below, patch = edge.status
        _send(cluster, "PATCH", f"{edge.path}/edge{below}", _filled(patch, value))


def _read_by_commands(cluster: ks.Cluster, edge: Edge, folder: Path, capsys: Any) -> None:
    """Save what the cluster stored, and let every command that reads objects read it."""
    code, stored = cluster.request("GET", f"{edge.path}/edge")
    _, node = cluster.request("GET", "/api/v1/nodes/node-2")
    spec = {"containers": [{"name": "c", "image": "i"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "n"}, "spec": spec}
    items = [node, pod, *([stored] if code == 200 else [])]
    path = folder / "dump.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    ks.load(path)
    for line in (["schedule"], ["explain", "n"], ["fit"], ["simulate", "--duration", "20s"]):
        status = run([*line, "-f", str(path)])
        error = capsys.readouterr().err
        assert status in (0, 1) or error == "error: pod 'n' not found\n", error


@pytest.mark.parametrize("name", EDGES)
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_cluster_and_the_commands_survive(
    name: str, data: st.DataObject, tmp_path: Path, capsys: Any
) -> None:
    edge = EDGES[name]
    value = data.draw(st.sampled_from(edge.values))
    with ks.Cluster.simulated(nodes=2, seed=1) as cluster:
        _write(cluster, edge, value)
        cluster.run_for("5m")
        cluster.apply(GOOD)
        cluster.run_for("3m")
        good = [pod for pod in cluster.list("pods") if pod["metadata"].get("labels", {}).get("app") == "good"]
        assert [pod["status"]["phase"] for pod in good] == ["Running"]
        _read_by_commands(cluster, edge, tmp_path, capsys)


def test_more_resources_than_an_engine_accounts() -> None:
    """A pod with too many is unschedulable, a node with too many is refused; the rest goes on."""
    many = {f"example.com/r{number}": "1" for number in range(300)}
    engine = ks.Engine()
    with pytest.raises(ManifestError, match="a cluster may name at most 126"):
        engine.set_node({"metadata": {"name": "n"}, "status": {"allocatable": many}})
    engine.set_node({"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "1", "pods": "9"}}})
    container = {"name": "c", "image": "i", "resources": {"requests": many, "limits": many}}
    decision = engine.decide({"metadata": {"name": "p"}, "spec": {"containers": [container]}})
    assert decision.node is None
    assert "a cluster may name at most 126" in str(engine.explain(decision.pod))
    with ks.Cluster.simulated(nodes=2, seed=1) as cluster:
        for name in ("many", "few"):
            spec = {"containers": [container if name == "many" else {"name": "c", "image": "i"}]}
            _send(cluster, "POST", f"{_NAMED}/pods", {"metadata": {"name": name}, "spec": spec})
        cluster.run_for("1m")
        phases = {pod["metadata"]["name"]: pod["status"]["phase"] for pod in cluster.list("pods")}
        assert phases == {"many": "Pending", "few": "Running"}
