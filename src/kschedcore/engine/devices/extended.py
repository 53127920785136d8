"""Extended resources backed by devices (KEP-5004), and the claim for those that a node does not have allocatable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from kschedcore.api.objects import Pod
from kschedcore.api.objects.devices import (
    DeviceClaim,
    DeviceClass,
    DeviceRequest,
    ExactDeviceRequest,
    ResourceClaimSpec,
)
from kschedcore.api.objects.pods import Container
from kschedcore.api.quantity import Quantity
from kschedcore.api.resource_names import is_extended
from kschedcore.rules.amounts import pod_requests

__all__ = ["ANNOTATION", "IMPLICIT_PREFIX", "classes_by_resource", "mappings_for", "requests_for", "wanted"]

IMPLICIT_PREFIX = "deviceclass.resource.kubernetes.io/"
"""Prefix of the implicit extended resource of every device class."""

ANNOTATION = "resource.kubernetes.io/extended-resource-claim"
"""Annotation of claims that kube-scheduler created for extended resources."""


def classes_by_resource(classes: Iterable[DeviceClass]) -> dict[str, str]:
    """Return extended resource -> its device class: the newest, then the first by name."""
    found: dict[str, str] = {}
    in_order = sorted(classes, key=lambda each: each.metadata.name)
    in_order.sort(key=lambda each: each.metadata.creation_timestamp or "", reverse=True)
    for each in in_order:
        if each.spec.extended_resource_name:
            found.setdefault(each.spec.extended_resource_name, each.metadata.name)
    return found | {f"{IMPLICIT_PREFIX}{each.metadata.name}": each.metadata.name for each in in_order}


def wanted(pod: Pod, serving: Mapping[str, str]) -> tuple[str, ...]:
    """Return the extended resources that a pod requests; none if no device class backs any of them."""
    if not any(map(_names_extended, (*(pod.spec.init_containers or ()), *(pod.spec.containers or ())))):
        return ()
    found = tuple(
        name
        for name, amount in pod_requests(pod.spec).items()
        if amount > 0 and (is_extended(name) or name.startswith(IMPLICIT_PREFIX))
    )
    return found if any(name in serving for name in found) else ()


def _names_extended(container: Container) -> bool:
    """Return whether a container requests a resource with a domain: a cheap check for ordinary pods."""
    resources = container.resources
    return resources is not None and any("/" in name for name in resources.requests or ())


def requests_for(pod: Pod, names: Collection[str], serving: Mapping[str, str]) -> ResourceClaimSpec:
    """Return a claim's spec with one request for each container and resource.

    An init container reuses the devices of containers and sidecars at or after its index; only the largest remaining
    amount is requested.
    """
    found = [request for name in sorted(names) for request in _requests(pod, name, serving[name])]
    found.sort(key=lambda each: each.name)
    return ResourceClaimSpec(devices=DeviceClaim(requests=tuple(found)))


def mappings_for(pod: Pod, requests: Iterable[DeviceRequest]) -> list[dict[str, str]]:
    """Return which requests of a claim serve which container (``status.extendedResourceClaimStatus`` of the pod).

    A plain init container uses what containers and sidecars at or after its place have, and then the request that all
    plain init containers share.
    """
    init = pod.spec.init_containers or ()
    containers = (*init, *(pod.spec.containers or ()))
    counts = {each.name: (each.exactly and each.exactly.count) or 0 for each in requests}
    resources = {_resource_of(containers, name) for name in counts}
    return [
        {"containerName": container, "resourceName": resource, "requestName": request}
        for resource in sorted(resources)
        for container, request in _users(containers, len(init), resource, counts)
    ]


def _resource_of(containers: Sequence[Container], request: str) -> str:
    number, place = (int(part) for part in request.removeprefix("container-").split("-request-"))
    resources = containers[number].resources
    return sorted(resources.requests if resources and resources.requests else ())[place]


def _users(
    containers: Sequence[Container], init: int, resource: str, counts: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    """Yield (container, request) of one resource: containers and sidecars first, then plain init containers."""
    own = {
        number: _name(number, each, resource)
        for number, each in enumerate(containers)
        if _amount(each, resource)
    }
    plain = [number for number in own if number < init and containers[number].restart_policy != "Always"]
    lasting = [number for number in own if number not in plain]
    for number in lasting:
        yield containers[number].name, own[number]
    shared = next((own[number] for number in plain if own[number] in counts), None)
    for number in plain:
        missing = _amount(containers[number], resource)
        for other in (each for each in lasting if each >= number):
            if missing > 0:
                yield containers[number].name, own[other]
                missing -= counts[own[other]]
        if missing > 0 and shared is not None:
            yield containers[number].name, shared


def _name(number: int, container: Container, resource: str) -> str:
    """Return the name of the request for a container and a resource."""
    assert container.resources is not None
    return f"container-{number}-request-{sorted(container.resources.requests or ()).index(resource)}"


def _requests(pod: Pod, resource: str, class_name: str) -> Iterator[DeviceRequest]:
    init = pod.spec.init_containers or ()
    containers = (*init, *(pod.spec.containers or ()))
    amounts = [_amount(each, resource) for each in containers]
    passing = [number for number, each in enumerate(init) if each.restart_policy != "Always"]
    lasting = {number: amount for number, amount in enumerate(amounts) if amount and number not in passing}
    missing = {
        number: amounts[number] - sum(amount for other, amount in lasting.items() if other >= number)
        for number in passing
    }
    largest = max(missing, key=lambda number: missing[number], default=None)
    if largest is not None and missing[largest] > 0:
        yield _request(largest, containers[largest], resource, class_name, missing[largest])
    for number, amount in lasting.items():
        yield _request(number, containers[number], resource, class_name, amount)


def _amount(container: Container, resource: str) -> int:
    """Return the number of devices that a container requests; 0 for an amount that is not an integer."""
    requests = (container.resources.requests if container.resources is not None else None) or {}
    amount = Quantity.parse(requests.get(resource, 0))
    return amount.value() if amount.nanos % 10**9 == 0 else 0


def _request(number: int, container: Container, resource: str, class_name: str, count: int) -> DeviceRequest:
    exactly = ExactDeviceRequest(device_class_name=class_name, allocation_mode="ExactCount", count=count)
    return DeviceRequest(name=_name(number, container, resource), exactly=exactly)
