"""The requests of pods during an in-place resize (KEP-1287, feature InPlacePodVerticalScaling, on since v1.33).

During a resize a bound pod is accounted with the maximum of the spec's, the allocated and the actual requests; an
infeasible resize is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kschedcore.api.objects import Container, ContainerStatus, PodSpec, PodStatus, Quantity
from kschedcore.api.quantity import nanos

__all__ = ["granted", "running_resources"]


def granted(spec: PodSpec, status: PodStatus, *, pod_level: bool = True) -> PodSpec:
    """Return the spec with the requests for which a bound pod is accounted; ``spec`` itself if none differs.

    Containers and sidecars take part, once their status says what they run with, and so do the pod's own resources;
    limits stay as they are.

    Args:
        spec: The pod's spec.
        status: Its status.
        pod_level: Whether the pod's own resources can be resized (feature gate
            InPlacePodLevelResourcesVerticalScaling, KEP-5419).

    Raises:
        ValueError: A quantity is malformed.
    """
    if pod_level and status.resources is not None and spec.resources is not None:
        spec = _of_pod(spec, status)
    statuses = {
        each.name: each
        for each in (*(status.container_statuses or ()), *(status.init_container_statuses or ()))
        if each.resources is not None
    }
    if not statuses:
        return spec
    infeasible = _is_infeasible(status)
    containers = tuple(
        _container(each, statuses.get(each.name), infeasible) for each in spec.containers or ()
    )
    init_containers = tuple(
        _container(each, statuses.get(each.name) if each.restart_policy == "Always" else None, infeasible)
        for each in spec.init_containers or ()
    )
    if containers == (spec.containers or ()) and init_containers == (spec.init_containers or ()):
        return spec
    return msgspec.structs.replace(spec, containers=containers, init_containers=init_containers)


def _of_pod(spec: PodSpec, status: PodStatus) -> PodSpec:
    """Return the spec with the maximum of the pod-level requested, allocated and actual resources."""
    assert spec.resources is not None
    requested = spec.resources.requests or {}
    running = (status.resources.requests if status.resources else None) or {}
    most = _most({} if _is_infeasible(status) else requested, running)
    most = _most(most, status.allocated_resources or {})
    own = {name: most.get(name, 0) for name in requested}
    if own == requested:
        return spec
    return msgspec.structs.replace(spec, resources=msgspec.structs.replace(spec.resources, requests=own))


def running_resources(pod: Mapping[str, Any]) -> list[Any]:
    """Return the parts of a pod's status that :func:`granted` reads, to detect changes."""
    status = pod.get("status", {})
    containers = [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]
    resizes = [each for each in status.get("conditions", ()) if each["type"] == "PodResizePending"]
    return [
        *((each["name"], each.get("resources"), each.get("allocatedResources")) for each in containers),
        *(each.get("reason") for each in resizes),
        (status.get("resources"), status.get("allocatedResources")),
    ]


def _is_infeasible(status: PodStatus) -> bool:
    pending = next((each for each in status.conditions or () if each.type == "PodResizePending"), None)
    return pending is not None and pending.reason == "Infeasible"


def _container(container: Container, status: ContainerStatus | None, infeasible: bool) -> Container:
    if status is None or status.resources is None:
        return container
    own = container.resources
    requested = {} if infeasible or own is None else own.requests or {}
    most = _most(_most(requested, status.resources.requests or {}), status.allocated_resources or {})
    if most == ((own.requests if own else None) or {}):
        return container
    resources = msgspec.structs.replace(own or status.resources, requests=most)
    return msgspec.structs.replace(container, resources=resources)


def _most(amounts: Mapping[str, Quantity], others: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
    """Return the larger amount per resource; of equal amounts the first one's text."""
    if others == amounts:
        return amounts
    most = dict(amounts)
    for name, amount in others.items():
        if name not in most or nanos(amount) > nanos(most[name]):
            most[name] = amount
    return most
