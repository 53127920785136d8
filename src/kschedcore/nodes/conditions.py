"""A pod's conditions (kubelet's ``status/generate.go``, KEP-580 for readiness gates)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kschedcore.api.machinery.types import Object
from kschedcore.nodes.containers import Container

__all__ = ["OWNED", "condition", "pod_conditions"]


OWNED = frozenset({"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"})
"""The condition types that only agents write."""


def condition(kind: str, status: bool, reason: str = "", message: str = "") -> Object:
    """Return a condition without its times."""
    found: Object = {"type": kind, "status": "True" if status else "False"}
    if reason:
        found["reason"] = reason
    if message:
        found["message"] = message
    return found


def pod_conditions(
    spec: Mapping[str, Any],
    containers: Sequence[Container],
    phase: str,
    others: Sequence[Mapping[str, Any]],
    *,
    sandbox: bool,
) -> list[Object]:
    """Return the conditions of a pod, without their times.

    Args:
        spec: The pod's spec.
        containers: The pod's containers.
        phase: The pod's phase.
        others: The conditions of other writers, for readiness gates.
        sandbox: Whether the pod sandbox is ready.
    """
    containers_ready = _containers_ready(containers, phase)
    return [
        condition("PodReadyToStartContainers", sandbox),
        _initialized(containers, phase),
        _ready(spec.get("readinessGates", ()), containers_ready, others),
        containers_ready,
        condition("PodScheduled", True),
    ]


def _containers_ready(containers: Sequence[Container], phase: str) -> Object:
    if phase in ("Succeeded", "Failed"):
        return condition("ContainersReady", False, "PodCompleted" if phase == "Succeeded" else "PodFailed")
    unready = [each.name for each in containers if each.role != "init" and not each.ready]
    if not unready:
        return condition("ContainersReady", True)
    message = f"containers with unready status: [{' '.join(unready)}]"
    return condition("ContainersReady", False, "ContainersNotReady", message)


def _ready(
    gates: Sequence[Mapping[str, Any]], containers_ready: Object, others: Sequence[Mapping[str, Any]]
) -> Object:
    if containers_ready["status"] != "True":
        return {**containers_ready, "type": "Ready"}
    if not gates:
        return condition("Ready", True)
    statuses = {each["type"]: each.get("status", "") for each in others}
    shut = []
    for gate in gates:
        kind = gate["conditionType"]
        if kind not in statuses:
            shut.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif statuses[kind] != "True":
            shut.append(f'the status of pod readiness gate "{kind}" is not "True", but {statuses[kind]}')
    return condition("Ready", not shut, "ReadinessGatesNotReady" if shut else "", ", ".join(shut))


def _initialized(containers: Sequence[Container], phase: str) -> Object:
    if phase == "Succeeded":
        return condition("Initialized", True, "PodCompleted")
    if any(each.role == "app" and each.begun for each in containers):
        return condition("Initialized", True)
    incomplete = [each.name for each in containers if not _is_initialized(each)]
    if not incomplete:
        return condition("Initialized", True)
    message = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return condition("Initialized", False, "ContainersNotInitialized", message)


def _is_initialized(container: Container) -> bool:
    match container.role:
        case "sidecar":
            return container.started
        case "init":
            return container.succeeded
        case _:
            return True
