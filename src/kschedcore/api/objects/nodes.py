"""v1.Node and v1.Namespace."""

from __future__ import annotations

from kschedcore.api.objects.meta import Int64, ObjectMeta, Quantity, View


class Taint(View, frozen=True):
    """v1.Taint; the effect is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    effect: str
    value: str | None = None


class NodeSpec(View, frozen=True):
    """v1.NodeSpec."""

    taints: tuple[Taint, ...] | None = None
    unschedulable: bool | None = None


class ContainerImage(View, frozen=True):
    """v1.ContainerImage; the size is in bytes."""

    names: tuple[str, ...] | None = None
    size_bytes: Int64 = 0


class NodeCondition(View, frozen=True):
    """v1.NodeCondition."""

    type: str = ""
    status: str = ""


class NodeStatus(View, frozen=True):
    """v1.NodeStatus."""

    allocatable: dict[str, Quantity] | None = None
    capacity: dict[str, Quantity] | None = None
    images: tuple[ContainerImage, ...] | None = None
    conditions: tuple[NodeCondition, ...] | None = None
    declared_features: tuple[str, ...] | None = None


class Node(View, frozen=True):
    """v1.Node."""

    metadata: ObjectMeta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Namespace(View, frozen=True):
    """v1.Namespace."""

    metadata: ObjectMeta
