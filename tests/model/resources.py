"""Requests of pods and capacities of nodes, in the scheduler's units: milli-CPU, whole units of all else."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from tests.model import quantity
from tests.model.labels import Json

Amounts = dict[str, Fraction]
Counted = dict[str, int]

NON_ZERO_DEFAULTS: Amounts = {"cpu": Fraction(1, 10), "memory": Fraction(200 * 2**20)}


def pod_requests(pod: Json, *, non_zero: bool = False, pod_level: bool = True) -> Counted:
    """The requests of a pod, overhead included; `non_zero` assumes 100m and 200Mi where a container names none.

    `pod_level` lets the pod's own `spec.resources` take the place of its containers' requests (KEP-2837).
    """
    spec = pod["spec"]
    total = _containers_request(pod, NON_ZERO_DEFAULTS if non_zero else {})
    if pod_level:
        own = _granted_to_pod(pod)
        total.update({name: amount for name, amount in own.items() if is_pod_level_resource(name)})
    _add(total, _amounts(spec.get("overhead")))
    return counted(total)


def _granted_to_pod(pod: Json) -> Amounts:
    """The pod-level requests; while the pod is resized, the highest of requested, allocated and actual (KEP-5419)."""
    requested = _amounts((pod["spec"].get("resources") or {}).get("requests"))
    status = pod.get("status") or {}
    if not requested or status.get("resources") is None:
        return requested
    highest = {} if _is_resize_infeasible(status) else dict(requested)
    for amounts in (
        _amounts(status["resources"].get("requests")),
        _amounts(status.get("allocatedResources")),
    ):
        for name, amount in amounts.items():
            highest[name] = max(amount, highest.get(name, amount))
    return {name: highest.get(name, amount * 0) for name, amount in requested.items()}


def _containers_request(pod: Json, defaults: Amounts) -> Amounts:
    """Containers and sidecars run together; a plain init container, with the sidecars started before it."""
    together: Amounts = {}
    for container in pod["spec"].get("containers") or []:
        _add(together, _running_request(pod, container, "containerStatuses", defaults))
    sidecars: Amounts = {}
    highest_init: Amounts = {}
    for container in pod["spec"].get("initContainers") or []:
        if container.get("restartPolicy") == "Always":
            request = _running_request(pod, container, "initContainerStatuses", defaults)
            _add(together, request)
            _add(sidecars, request)
            request = dict(sidecars)
        else:
            request = {**defaults, **_requests(container.get("resources"))}
            _add(request, sidecars)
        _raise_to(highest_init, request)
    _raise_to(together, highest_init)
    return together


def _running_request(pod: Json, container: Json, statuses: str, defaults: Amounts) -> Amounts:
    """The requests; while a resize is under way, the highest of requested, allocated and actual (KEP-1287)."""
    status = pod.get("status") or {}
    own: Json = next((s for s in status.get(statuses) or [] if s["name"] == container["name"]), {})
    requested = _requests(container.get("resources"))
    if not own.get("resources"):
        return {**defaults, **requested}
    request = {} if _is_resize_infeasible(status) else requested
    _raise_to(request, _requests(own["resources"]))
    _raise_to(request, _amounts(own.get("allocatedResources")))
    return {**defaults, **request}


def _is_resize_infeasible(status: Json) -> bool:
    return any(
        condition["type"] == "PodResizePending" and condition.get("reason") == "Infeasible"
        for condition in status.get("conditions") or []
    )


def _requests(requirements: Json | None) -> Amounts:
    return _amounts((requirements or {}).get("requests"))


def node_allocatable(node: Json) -> Counted:
    """`status.allocatable`, in the scheduler's units."""
    return counted(_amounts((node.get("status") or {}).get("allocatable")))


def total(requests: Iterable[Counted]) -> Counted:
    """The sum, resource by resource."""
    result: Counted = {}
    for request in requests:
        for name, amount in request.items():
            result[name] = result.get(name, 0) + amount
    return result


def counted(amounts: Mapping[str, Fraction]) -> Counted:
    """Milli-CPU and whole units, rounded up."""
    return {
        name: quantity.milli(amount) if name == "cpu" else quantity.whole(amount)
        for name, amount in amounts.items()
    }


def is_scalar(name: str) -> bool:
    """Extended resources, huge pages, prefixed native and attachable-volume resources."""
    native_prefixed = "kubernetes.io/" in name
    return is_extended(name) or name.startswith(("hugepages-", "attachable-volumes-")) or native_prefixed


def is_extended(name: str) -> bool:
    """A resource with a domain of its own, such as `nvidia.com/gpu`."""
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def is_pod_level_resource(name: str) -> bool:
    """The resources that `spec.resources` of a pod may name (KEP-2837)."""
    return name in ("cpu", "memory") or name.startswith("hugepages-")


def _amounts(requests: Mapping[str, str] | None) -> Amounts:
    return {name: quantity.parse(value) for name, value in (requests or {}).items()}


def _add(into: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        into[name] = into.get(name, Fraction(0)) + amount


def _raise_to(into: Amounts, other: Amounts) -> None:
    for name, amount in other.items():
        into[name] = max(into.get(name, amount), amount)
