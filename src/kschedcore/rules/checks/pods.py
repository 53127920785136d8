"""What of a pod's spec decides on its place."""

from __future__ import annotations

from typing import Final

from kschedcore.api.objects import (
    Container,
    ContainerPort,
    PodSchedulingGate,
    PodSpec,
    ResourceRequirements,
    TopologySpreadConstraint,
)
from kschedcore.rules.checks.fields import choice, each, fault, labels, qualified_name, quantities, within
from kschedcore.rules.checks.selectors import affinity, label_selector
from kschedcore.rules.checks.taints import toleration

__all__ = ["pod_spec"]

_PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_POLICIES: Final = ("Honor", "Ignore")
_MAX_PORT = 65535


def pod_spec(spec: PodSpec) -> None:
    """Check a v1.PodSpec."""
    each("containers", _container, spec.containers)
    each("initContainers", _container, spec.init_containers)
    within("resources", _resources, spec.resources)
    quantities("overhead", spec.overhead)
    labels("nodeSelector", spec.node_selector)
    within("affinity", affinity, spec.affinity)
    each("tolerations", toleration, spec.tolerations)
    each("topologySpreadConstraints", _spread_constraint, spec.topology_spread_constraints)
    each("schedulingGates", _scheduling_gate, spec.scheduling_gates)
    choice("preemptionPolicy", spec.preemption_policy, ("Never", "PreemptLowerPriority"))


def _container(container: Container) -> None:
    within("resources", _resources, container.resources)
    each("ports", _port, container.ports)


def _resources(resources: ResourceRequirements) -> None:
    quantities("requests", resources.requests)
    quantities("limits", resources.limits)


def _port(port: ContainerPort) -> None:
    for path, number in (("containerPort", port.container_port), ("hostPort", port.host_port or 0)):
        if not 0 <= number <= _MAX_PORT:
            raise fault(path, number, f"a port from 1 to {_MAX_PORT}")
    choice("protocol", port.protocol, _PROTOCOLS)


def _scheduling_gate(gate: PodSchedulingGate) -> None:
    qualified_name("name", gate.name, "a qualified name")


def _spread_constraint(constraint: TopologySpreadConstraint) -> None:
    if constraint.max_skew < 1:
        raise fault("maxSkew", constraint.max_skew, "a number from 1")
    qualified_name("topologyKey", constraint.topology_key, "a label key")
    if constraint.when_unsatisfiable not in ("DoNotSchedule", "ScheduleAnyway"):
        raise fault(
            "whenUnsatisfiable", constraint.when_unsatisfiable, "one of DoNotSchedule, ScheduleAnyway"
        )
    _min_domains(constraint)
    choice("nodeAffinityPolicy", constraint.node_affinity_policy, _POLICIES)
    choice("nodeTaintsPolicy", constraint.node_taints_policy, _POLICIES)
    within("labelSelector", label_selector, constraint.label_selector)


def _min_domains(constraint: TopologySpreadConstraint) -> None:
    if constraint.min_domains is None:
        return
    if constraint.min_domains < 1:
        raise fault("minDomains", constraint.min_domains, "a number from 1")
    if constraint.when_unsatisfiable != "DoNotSchedule":
        raise fault("minDomains", constraint.min_domains, "none unless whenUnsatisfiable is DoNotSchedule")
