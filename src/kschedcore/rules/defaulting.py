"""What the API server fills in before the scheduler sees a pod, as far as placement depends on it.

Manifests that a person wrote never passed the API server. Where they leave something open that decides on a
place, this puts there what admission would: requests from limits and host ports on the host network (defaults
of core/v1), the priority (plugin Priority), and a runtime's overhead, node selector and tolerations (plugin
RuntimeClass).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from kschedcore.api.objects import (
    Container,
    PodSpec,
    PriorityClass,
    Quantity,
    ResourceRequirements,
    RuntimeClass,
    Scheduling,
)

__all__ = ["PodDefaults"]

_SYSTEM_PRIORITIES: Final = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
"""The classes that every cluster has."""

_replace = msgspec.structs.replace


class PodDefaults:
    """The defaults for pods of one cluster.

    Args:
        priority_classes: Its priority classes.
        runtime_classes: Its runtime classes.
    """

    def __init__(
        self, priority_classes: Iterable[PriorityClass] = (), runtime_classes: Iterable[RuntimeClass] = ()
    ) -> None:
        classes = list(priority_classes)
        self._priorities = _SYSTEM_PRIORITIES | {each.metadata.name: each.value for each in classes}
        self._policies = {each.metadata.name: each.preemption_policy for each in classes}
        # Of several global defaults the API server takes the lowest.
        defaults = [each for each in classes if each.global_default]
        self._default_class = min(defaults, key=lambda each: each.value).metadata.name if defaults else None
        self._runtimes = {each.metadata.name: each for each in runtime_classes}

    def complete(self, spec: PodSpec) -> PodSpec:
        """Return the spec as the scheduler would see it: the same object when it says everything itself.

        What cannot be known stays open: a priority class that is nowhere to be found gives no priority.
        """
        changes = {
            **_containers(spec, "containers"),
            **_containers(spec, "init_containers"),
            **_own_resources(spec),
            **self._priority(spec),
            **self._runtime(spec),
        }
        return _replace(spec, **changes) if changes else spec

    def _priority(self, spec: PodSpec) -> dict[str, Any]:
        if spec.priority is not None:
            return {}
        name = spec.priority_class_name or self._default_class
        if name is None or name not in self._priorities:
            return {}
        return {
            "priority_class_name": name,
            "priority": self._priorities[name],
            "preemption_policy": spec.preemption_policy or self._policies.get(name),
        }

    def _runtime(self, spec: PodSpec) -> dict[str, Any]:
        runtime = self._runtimes.get(spec.runtime_class_name or "")
        if runtime is None:
            return {}
        changes: dict[str, Any] = {}
        if runtime.overhead is not None and spec.overhead is None:
            changes["overhead"] = runtime.overhead.pod_fixed
        places = runtime.scheduling or Scheduling()
        own = spec.node_selector or {}
        if (places.node_selector or {}).keys() - own.keys():
            changes["node_selector"] = {**(places.node_selector or {}), **own}
        more = [each for each in places.tolerations or () if each not in (spec.tolerations or ())]
        if more:
            changes["tolerations"] = (*(spec.tolerations or ()), *more)
        return changes


def _containers(spec: PodSpec, field: str) -> dict[str, Any]:
    containers: tuple[Container, ...] = getattr(spec, field) or ()
    completed = tuple(_container(each, host_network=bool(spec.host_network)) for each in containers)
    same = all(new is old for new, old in zip(completed, containers, strict=True))
    return {} if same else {field: completed}


def _container(container: Container, *, host_network: bool) -> Container:
    resources = container.resources
    if resources is not None and resources.limits:
        missing = resources.limits.keys() - (resources.requests or {}).keys()
        if missing:
            container = _replace(container, resources=_with_requests(resources, resources.limits))
    if host_network and any(not port.host_port for port in container.ports or ()):
        ports = [
            _replace(port, host_port=port.host_port or port.container_port) for port in container.ports or ()
        ]
        container = _replace(container, ports=tuple(ports))
    return container


def _with_requests(resources: ResourceRequirements, others: Mapping[str, Quantity]) -> ResourceRequirements:
    return _replace(resources, requests={**others, **(resources.requests or {})})


def _own_resources(spec: PodSpec) -> dict[str, Any]:
    """Requests at pod level from limits at pod level, where no container has a say (KEP-2837)."""
    resources = spec.resources
    if resources is None or not resources.limits:
        return {}
    named = {
        name
        for container in (*(spec.containers or ()), *(spec.init_containers or ()))
        if container.resources is not None
        for name in (*(container.resources.requests or {}), *(container.resources.limits or {}))
    }
    missing = {
        name: amount
        for name, amount in resources.limits.items()
        if name not in named and name not in (resources.requests or {})
    }
    return {"resources": _with_requests(resources, missing)} if missing else {}
