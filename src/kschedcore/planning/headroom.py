"""The free capacity of a cluster by node pool, zone, label and namespace, and its fragmentation.

Free amounts count on nodes that may take pods: a node that is cordoned, not ready or tainted by a node condition has
none. The largest hole of a resource is what one node has free, which bounds the pod that fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kschedcore.api.objects import Node, Pod
from kschedcore.engine.engine import Engine
from kschedcore.manifests.manifests import Manifests
from kschedcore.planning.node_copies import ZONES
from kschedcore.rules.amounts import pod_requests

__all__ = ["POOLS", "Group", "Headroom", "NamespaceUse", "ResourceAmounts", "headroom"]

POOLS: Final = (
    "karpenter.sh/nodepool",
    "karpenter.sh/provisioner-name",
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "doks.digitalocean.com/node-pool",
    "lke.linode.com/pool-id",
    "k8s.scaleway.com/pool-name",
    "oke.oraclecloud.com/pool.name",
    "ibm-cloud.kubernetes.io/worker-pool-name",
    "alibabacloud.com/nodepool-id",
    "worker.gardener.cloud/pool",
    "kops.k8s.io/instancegroup",
    "node.kubernetes.io/pool",
    "nodepool",
    "node-pool",
    "pool",
)
"""Labels by which clouds and tools name the pool of a node; the first that a node has counts."""

DEVICES: Final = "devices/"
"""The prefix of the resource name of a driver's devices (ResourceSlices): ``devices/gpu.example.com``."""

_CONDITIONS: Final = "node.kubernetes.io/"

Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ResourceAmounts:
    """One resource on a group of nodes, in the scheduler's units: millicores for cpu, bytes, counts.

    Attributes:
        allocatable: On all nodes.
        requested: By the pods on all nodes.
        free: On the nodes that may take pods.
        nodes: How many nodes have some free.
        largest: The most that one node has free.
        largest_on: That node, the first by name; empty if nothing is free.
    """

    allocatable: int = 0
    requested: int = 0
    free: int = 0
    nodes: int = 0
    largest: int = 0
    largest_on: str = ""

    @property
    def fragmentation(self) -> float:
        """The part of what is free that is not on the node with the most, from 0 to 1."""
        return 1 - self.largest / self.free if self.free else 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes with something in common.

    Attributes:
        by: The grouping: ``pool``, ``zone``, ``node`` or a label; empty for the group of all nodes.
        name: The value; empty for nodes without one.
        nodes: How many.
        usable: How many of them may take pods.
        pods: How many pods are on them.
        resources: Resource -> its amounts.
    """

    by: str
    name: str
    nodes: int
    usable: int
    pods: int
    resources: Mapping[str, ResourceAmounts]


@dataclass(frozen=True, slots=True)
class NamespaceUse:
    """The pods of one namespace that are on nodes.

    Attributes:
        name: The namespace.
        pods: How many.
        requested: Resource -> what they request.
    """

    name: str
    pods: int
    requested: Amounts


@dataclass(frozen=True, slots=True)
class Headroom:
    """The free capacity of a cluster.

    Attributes:
        total: All nodes.
        groups: Groups of nodes: for each value of ``by``, sorted by name, nodes without a value last.
        namespaces: The namespaces with pods on nodes, by name.
    """

    total: Group
    groups: Sequence[Group]
    namespaces: Sequence[NamespaceUse]


@dataclass(frozen=True, slots=True)
class _Machine:
    node: Node
    usable: bool
    pods: int
    allocatable: Amounts
    requested: Amounts


def headroom(
    manifests: Manifests,
    engine: Engine,
    by: Iterable[str] = ("pool", "zone"),
    *,
    nodes: Sequence[Node] | None = None,
) -> Headroom:
    """Return the free capacity of a cluster.

    Args:
        manifests: The cluster.
        engine: An engine with this cluster.
        by: What to group nodes by: ``pool`` (:data:`POOLS`), ``zone``, ``node`` or a label.
        nodes: The nodes to consider; all of them by default.
    """
    chosen = list(manifests.nodes if nodes is None else nodes)
    bound = manifests.bound
    machines = list(_machines(engine, chosen, Counter(pod.spec.node_name for pod in bound)))
    names = {node.metadata.name for node in chosen}
    groups = [group for each in dict.fromkeys(by) for group in _grouped(each, machines)]
    namespaces = _namespaces(pod for pod in bound if pod.spec.node_name in names)
    return Headroom(_group("", "", machines), groups, namespaces)


def _machines(engine: Engine, nodes: Sequence[Node], pods: Mapping[str | None, int]) -> Iterator[_Machine]:
    table = engine.nodes()
    resources = [
        name.removeprefix("allocatable/") for name in table.schema.names if name.startswith("allocatable/")
    ]
    columns = {
        name: table.column(name).to_pylist()
        for name in table.schema.names
        if name.startswith(("allocatable/", "requested/"))
    }
    rows = {name: row for row, name in enumerate(table.column("name").to_pylist())}
    devices = _devices(engine)
    for node in nodes:
        name = node.metadata.name
        row = rows[name]
        has, used = (
            {each: columns[f"{side}/{each}"][row] or 0 for each in resources}
            for side in ("allocatable", "requested")
        )
        published, allocated = devices.get(name, (Counter[str](), Counter[str]()))
        yield _Machine(node, _is_usable(node), pods.get(name, 0), {**has, **published}, {**used, **allocated})


def _devices(engine: Engine) -> dict[str, tuple[Counter[str], Counter[str]]]:
    """Return node -> how many devices of each driver are published, and allocated; those of one node only."""
    counts: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for row in engine.devices().select(["node", "driver", "claims"]).to_pylist():
        published, allocated = counts.setdefault(row["node"] or "", (Counter(), Counter()))
        published[f"{DEVICES}{row['driver']}"] += 1
        allocated[f"{DEVICES}{row['driver']}"] += bool(row["claims"])
    return counts


def _is_usable(node: Node) -> bool:
    taints = node.spec.taints or ()
    conditions = node.status.conditions or ()
    return not (
        node.spec.unschedulable
        or any(each.key.startswith(_CONDITIONS) and each.effect != "PreferNoSchedule" for each in taints)
        or any(each.type == "Ready" and each.status != "True" for each in conditions)
    )


def _grouped(by: str, machines: Sequence[_Machine]) -> list[Group]:
    found: dict[str, list[_Machine]] = {}
    value = _value_of(by)
    for each in machines:
        found.setdefault(value(each.node), []).append(each)
    return [_group(by, name, found[name]) for name in sorted(found, key=lambda name: (not name, name))]


def _value_of(by: str) -> Callable[[Node], str]:
    if by == "node":
        return lambda node: node.metadata.name
    keys = POOLS if by == "pool" else ZONES if by == "zone" else (by,)

    def value(node: Node) -> str:
        labels = node.metadata.labels or {}
        return next((labels[key] for key in keys if labels.get(key)), "")

    return value


def _group(by: str, name: str, machines: Sequence[_Machine]) -> Group:
    resources = dict.fromkeys(resource for each in machines for resource in each.allocatable)
    return Group(
        by,
        name,
        len(machines),
        sum(each.usable for each in machines),
        sum(each.pods for each in machines),
        {resource: _amounts(resource, machines) for resource in resources},
    )


def _amounts(resource: str, machines: Sequence[_Machine]) -> ResourceAmounts:
    holes = {
        each.node.metadata.name: max(0, each.allocatable.get(resource, 0) - each.requested.get(resource, 0))
        for each in machines
        if each.usable
    }
    largest = max(holes.values(), default=0)
    return ResourceAmounts(
        allocatable=sum(each.allocatable.get(resource, 0) for each in machines),
        requested=sum(each.requested.get(resource, 0) for each in machines),
        free=sum(holes.values()),
        nodes=sum(hole > 0 for hole in holes.values()),
        largest=largest,
        largest_on=min((name for name, hole in holes.items() if hole == largest), default="")
        if largest
        else "",
    )


def _namespaces(pods: Iterable[Pod]) -> list[NamespaceUse]:
    counts, requested = Counter[str](), dict[str, Counter[str]]()
    for pod in pods:
        namespace = pod.metadata.namespace or "default"
        counts[namespace] += 1
        requested.setdefault(namespace, Counter()).update(pod_requests(pod.spec))
    return [NamespaceUse(name, counts[name], requested[name]) for name in sorted(counts)]
