"""What a pod asks for and what a node has, in the scheduler's units: milli-CPU, whole units of all else."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from tests.model import quantity
from tests.model.labels import Json

Amounts = dict[str, Fraction]
Counted = dict[str, int]

NON_ZERO_DEFAULTS: Amounts = {"cpu": Fraction(1, 10), "memory": Fraction(200 * 2**20)}


def pod_requests(pod: Json, *, non_zero: bool = False, pod_level: bool = True) -> Counted:
    """What a pod asks for, overhead included; `non_zero` assumes 100m and 200Mi where a container names none.

    `pod_level` lets the pod's own `spec.resources` take the place of what its containers ask for (KEP-2837).
    """
    spec = pod["spec"]
    total = _containers_request(spec, NON_ZERO_DEFAULTS if non_zero else {})
    if pod_level:
        own = _amounts((spec.get("resources") or {}).get("requests"))
        total.update({name: amount for name, amount in own.items() if is_pod_level_resource(name)})
    _add(total, _amounts(spec.get("overhead")))
    return counted(total)


def _containers_request(spec: Json, defaults: Amounts) -> Amounts:
    """Containers and sidecars run together; a plain init container, with the sidecars started before it."""
    together: Amounts = {}
    for container in spec.get("containers") or []:
        _add(together, _container_request(container, defaults))
    sidecars: Amounts = {}
    highest_init: Amounts = {}
    for container in spec.get("initContainers") or []:
        request = _container_request(container, defaults)
        if container.get("restartPolicy") == "Always":
            _add(together, request)
            _add(sidecars, request)
            request = dict(sidecars)
        else:
            _add(request, sidecars)
        _raise_to(highest_init, request)
    _raise_to(together, highest_init)
    return together


def _container_request(container: Json, defaults: Amounts) -> Amounts:
    return {**defaults, **_amounts((container.get("resources") or {}).get("requests"))}


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
