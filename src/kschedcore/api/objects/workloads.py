"""Services, workloads, disruption budgets, priority and runtime classes."""

from __future__ import annotations

from kschedcore.api.objects.meta import Int32, LabelSelector, ObjectMeta, Quantity, View
from kschedcore.api.objects.pods import Toleration


class ServiceSpec(View, frozen=True):
    """v1.ServiceSpec."""

    selector: dict[str, str] | None = None


class Service(View, frozen=True):
    """v1.Service."""

    metadata: ObjectMeta
    spec: ServiceSpec | None = None


class ReplicationControllerSpec(View, frozen=True):
    """v1.ReplicationControllerSpec."""

    selector: dict[str, str] | None = None
    replicas: Int32 | None = None


class ReplicationController(View, frozen=True):
    """v1.ReplicationController."""

    metadata: ObjectMeta
    spec: ReplicationControllerSpec | None = None


class WorkloadSpec(View, frozen=True):
    """The common fields of the specs of apps/v1 and batch/v1 workloads."""

    selector: LabelSelector | None = None
    replicas: Int32 | None = None
    completions: Int32 | None = None
    parallelism: Int32 | None = None


class Workload(View, frozen=True):
    """An apps/v1 or batch/v1 workload: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job."""

    metadata: ObjectMeta
    spec: WorkloadSpec | None = None


class ReplicaSet(Workload, frozen=True):
    """apps/v1 ReplicaSet."""


class StatefulSet(Workload, frozen=True):
    """apps/v1 StatefulSet."""


class PodDisruptionBudgetSpec(View, frozen=True):
    """policy/v1 PodDisruptionBudgetSpec."""

    selector: LabelSelector | None = None
    min_available: Int32 | str | None = None
    max_unavailable: Int32 | str | None = None


class PodDisruptionBudgetStatus(View, frozen=True):
    """policy/v1 PodDisruptionBudgetStatus."""

    disruptions_allowed: Int32 = 0
    disrupted_pods: dict[str, str] | None = None


class PodDisruptionBudget(View, frozen=True):
    """policy/v1 PodDisruptionBudget."""

    metadata: ObjectMeta
    spec: PodDisruptionBudgetSpec = PodDisruptionBudgetSpec()
    status: PodDisruptionBudgetStatus = PodDisruptionBudgetStatus()


class PriorityClass(View, frozen=True):
    """scheduling.k8s.io/v1 PriorityClass."""

    metadata: ObjectMeta
    value: Int32 = 0
    global_default: bool | None = None
    preemption_policy: str | None = None


class Overhead(View, frozen=True):
    """node.k8s.io/v1 Overhead."""

    pod_fixed: dict[str, Quantity] | None = None


class Scheduling(View, frozen=True):
    """node.k8s.io/v1 Scheduling: the nodes that support a runtime class."""

    node_selector: dict[str, str] | None = None
    tolerations: tuple[Toleration, ...] | None = None


class RuntimeClass(View, frozen=True):
    """node.k8s.io/v1 RuntimeClass."""

    metadata: ObjectMeta
    handler: str = ""
    overhead: Overhead | None = None
    scheduling: Scheduling | None = None
