"""What owns, exposes and protects pods: services, workload controllers, disruption budgets, priority classes."""

from __future__ import annotations

from kschedcore.api.objects.meta import LabelSelector, ObjectMeta, Quantity, View


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
    replicas: int | None = None


class ReplicationController(View, frozen=True):
    """v1.ReplicationController."""

    metadata: ObjectMeta
    spec: ReplicationControllerSpec | None = None


class WorkloadSpec(View, frozen=True):
    """What the specs of apps/v1 and batch/v1 workloads have in common."""

    selector: LabelSelector | None = None
    replicas: int | None = None
    completions: int | None = None
    parallelism: int | None = None


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
    min_available: int | str | None = None
    max_unavailable: int | str | None = None


class PodDisruptionBudgetStatus(View, frozen=True):
    """policy/v1 PodDisruptionBudgetStatus."""

    disruptions_allowed: int = 0
    disrupted_pods: dict[str, str] | None = None


class PodDisruptionBudget(View, frozen=True):
    """policy/v1 PodDisruptionBudget."""

    metadata: ObjectMeta
    spec: PodDisruptionBudgetSpec = PodDisruptionBudgetSpec()
    status: PodDisruptionBudgetStatus = PodDisruptionBudgetStatus()


class PriorityClass(View, frozen=True):
    """scheduling.k8s.io/v1 PriorityClass."""

    metadata: ObjectMeta
    value: int = 0
    global_default: bool | None = None
    preemption_policy: str | None = None


class Overhead(View, frozen=True):
    """node.k8s.io/v1 Overhead."""

    pod_fixed: dict[str, Quantity] | None = None


class RuntimeClass(View, frozen=True):
    """node.k8s.io/v1 RuntimeClass."""

    metadata: ObjectMeta
    handler: str = ""
    overhead: Overhead | None = None
