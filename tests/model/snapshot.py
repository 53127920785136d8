"""The cluster as one scheduling cycle sees it: nodes with their pods, and the objects that rules refer to."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.model import resources
from tests.model.labels import Json, Labels

Key = tuple[str, str]


def namespace_of(obj: Json) -> str:
    """`metadata.namespace`; a client may leave it out, which means `default`."""
    return str(obj["metadata"].get("namespace") or "default")


def key_of(obj: Json) -> Key:
    """Namespace and name."""
    return namespace_of(obj), str(obj["metadata"]["name"])


def full_name(pod: Json) -> str:
    """`namespace/name`, as a Step names a pod."""
    return "/".join(key_of(pod))


def labels_of(obj: Json) -> Labels:
    """`metadata.labels`, empty when absent."""
    return obj["metadata"].get("labels") or {}


def priority_of(pod: Json) -> int:
    """`spec.priority`, resolved already; 0 when absent."""
    return int(pod["spec"].get("priority") or 0)


def is_terminating(pod: Json) -> bool:
    """Whether the pod is being deleted."""
    return bool(pod["metadata"].get("deletionTimestamp"))


@dataclass(frozen=True)
class NodeInfo:
    """A node and the pods that count against it, in the order they were added."""

    node: Json
    pods: tuple[Json, ...] = ()

    @property
    def name(self) -> str:
        return str(self.node["metadata"]["name"])

    @property
    def labels(self) -> Labels:
        return labels_of(self.node)

    @property
    def taints(self) -> list[Json]:
        return list((self.node.get("spec") or {}).get("taints") or [])

    def allocatable(self) -> resources.Counted:
        return resources.node_allocatable(self.node)

    def requested(self, *, non_zero: bool = False) -> resources.Counted:
        return resources.total(resources.pod_requests(pod, non_zero=non_zero) for pod in self.pods)

    def with_pod(self, pod: Json) -> "NodeInfo":
        return replace(self, pods=(*self.pods, pod))

    def without_pod(self, pod: Json) -> "NodeInfo":
        return replace(self, pods=tuple(p for p in self.pods if key_of(p) != key_of(pod)))


@dataclass(frozen=True)
class Objects:
    """The objects of the plugins' listers, by namespace and name or by name."""

    namespaces: dict[str, Json] = field(default_factory=dict)
    services: dict[Key, Json] = field(default_factory=dict)
    replication_controllers: dict[Key, Json] = field(default_factory=dict)
    replica_sets: dict[Key, Json] = field(default_factory=dict)
    stateful_sets: dict[Key, Json] = field(default_factory=dict)
    persistent_volumes: dict[str, Json] = field(default_factory=dict)
    persistent_volume_claims: dict[Key, Json] = field(default_factory=dict)
    storage_classes: dict[str, Json] = field(default_factory=dict)
    csi_nodes: dict[str, Json] = field(default_factory=dict)
    csi_drivers: dict[str, Json] = field(default_factory=dict)
    csi_storage_capacities: dict[Key, Json] = field(default_factory=dict)
    volume_attachments: dict[str, Json] = field(default_factory=dict)
    pod_disruption_budgets: dict[Key, Json] = field(default_factory=dict)
    device_classes: dict[str, Json] = field(default_factory=dict)
    resource_slices: dict[str, Json] = field(default_factory=dict)
    resource_claims: dict[Key, Json] = field(default_factory=dict)

    def namespace_labels(self, name: str) -> Labels:
        namespace = self.namespaces.get(name)
        return labels_of(namespace) if namespace else {}


@dataclass(frozen=True)
class Snapshot:
    """Nodes by name, and the nominated pods (`status.nominatedNodeName`)."""

    nodes: tuple[NodeInfo, ...]
    objects: Objects
    nominated: tuple[Json, ...] = ()
    now: datetime | None = None
    """The current time; without one nothing has timed out."""

    def node(self, name: str) -> NodeInfo | None:
        return next((info for info in self.nodes if info.name == name), None)

    def nominated_on(self, node_name: str) -> Iterable[Json]:
        return [pod for pod in self.nominated if pod["status"]["nominatedNodeName"] == node_name]
