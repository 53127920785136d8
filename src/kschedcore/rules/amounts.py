"""The requests and limits of a pod (k8s.io/component-helpers ``resource.PodRequests``).

Containers run together, so their amounts are summed. Init containers run one after another before them, so the
maximum counts; a sidecar (an init container that is always restarted, KEP-753) runs together with all containers that
start after it. Pod-level amounts (KEP-2837) replace the sum of the containers for cpu, memory and huge pages, and the
runtime's overhead is added to every request, and to every limit that is not zero.

The rule has two forms. Scheduling and node agents read typed pod specs and use integers: cpu in millicores, others in
whole units, rounded up once at the end. Quotas, limit ranges and defaulting read JSON-shaped specs and use quantities,
which keep their format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.api.objects import Container, PodSpec, ResourceRequirements
from kschedcore.api.objects.meta import Quantity as QuantityText
from kschedcore.api.quantity import Quantity, nanos, to_milli, to_value
from kschedcore.api.resource_names import is_pod_level

__all__ = [
    "Amounts", "ResourceList", "added", "amounts", "container_limits", "container_requests", "in_units",
    "non_zero_requests", "parse", "pod_limits", "pod_requests", "qos_class", "scored_requests",
]  # fmt: skip

ResourceList = dict[str, Quantity]
"""Resource name -> exact amount."""

Side = Literal["requests", "limits"]

DEFAULT_MILLI_CPU = 100
"""Default cpu request of a container for scoring, in millicores."""

DEFAULT_MEMORY = 200 * 1024 * 1024
"""Default memory request of a container for scoring, in bytes."""

_DEFAULTS = {"cpu": DEFAULT_MILLI_CPU * 10**6, "memory": DEFAULT_MEMORY * 10**9}
_NOTHING: Mapping[str, int] = {}
_ZERO = Quantity.parse("0")
_QOS_RESOURCES = ("cpu", "memory")

N = TypeVar("N", int, Quantity)


# -- the rule ----------------------------------------------------------------------------------------------


def _sum_of_containers(
    containers: Iterable[Mapping[str, N]], init: Iterable[tuple[Mapping[str, N], bool]]
) -> dict[str, N]:
    """Return the amounts of all containers together.

    Args:
        containers: The amounts of each container.
        init: The amounts of each init container, and whether it is a sidecar.
    """
    total: dict[str, N] = {}
    for resources in containers:
        _add(total, resources)
    sidecars: dict[str, N] = {}
    starting: dict[str, N] = {}
    for resources, is_sidecar in init:
        if is_sidecar:
            _add(total, resources)
            _add(sidecars, resources)
            _raise(starting, sidecars)
        else:
            running = dict(resources)
            _add(running, sidecars)
            _raise(starting, running)
    _raise(total, starting)
    return total


def _add(total: dict[str, N], resources: Mapping[str, N]) -> None:
    for name, amount in resources.items():
        total[name] = total[name] + amount if name in total else amount


def _raise(total: dict[str, N], resources: Mapping[str, N]) -> None:
    for name, amount in resources.items():
        if name not in total or total[name] < amount:
            total[name] = amount


def _of_pod(total: dict[str, N], own: Mapping[str, N], overhead: Mapping[str, N], side: Side) -> dict[str, N]:
    """Apply the pod-level amounts and the overhead to the sum of the containers, in place."""
    total.update({name: amount for name, amount in own.items() if is_pod_level(name)})
    if side == "limits":  # no overhead for a resource without a limit, or with limit 0
        overhead = {name: amount for name, amount in overhead.items() if total.get(name)}
    _add(total, overhead)
    return total


# -- typed specs, integers ---------------------------------------------------------------------------------


def pod_requests(spec: PodSpec) -> dict[str, int]:
    """Return resource name -> requested amount: cpu in millicores, others in whole units.

    Raises:
        ValueError: A quantity is malformed.
    """
    return in_units(_total(spec, "requests"))


def pod_limits(spec: PodSpec) -> dict[str, int]:
    """Return resource name -> limit, in the units of :func:`pod_requests`."""
    return in_units(_total(spec, "limits"))


def scored_requests(spec: PodSpec) -> dict[str, int]:
    """Return the requests of an incoming pod as NodeResourcesFit scores them.

    Containers without cpu or memory requests count with the defaults. Pod-level requests do not count here:
    kube-scheduler v1.34 builds this scorer without that feature.
    """
    return in_units(_total(spec, "requests", _DEFAULTS, pod_level=False))


def non_zero_requests(spec: PodSpec) -> dict[str, int]:
    """Return the requests of a bound pod as scoring counts them (``NodeInfo.NonZeroRequested``).

    The defaults apply as for an incoming pod, but with pod-level requests only to resources that neither the
    pod nor any container requests.
    """
    missing: Mapping[str, int] = _DEFAULTS
    if any(map(is_pod_level, _of(spec.resources, "requests"))):
        stated = _total(spec, "requests")
        missing = {name: amount for name, amount in _DEFAULTS.items() if name not in stated}
    return in_units(_total(spec, "requests", missing))


def in_units(resources: Mapping[str, int]) -> dict[str, int]:
    """Convert billionths to the scheduler's units: cpu in millicores, others in whole units, rounded up."""
    return {name: to_milli(n) if name == "cpu" else to_value(n) for name, n in resources.items()}


def _total(
    spec: PodSpec, side: Side, missing: Mapping[str, int] = _NOTHING, *, pod_level: bool = True
) -> dict[str, int]:
    total = _sum_of_containers(
        [_container(each, side, missing) for each in spec.containers or ()],
        [
            (_container(each, side, missing), each.restart_policy == "Always")
            for each in spec.init_containers or ()
        ],
    )
    own = _nanos(_of(spec.resources, side)) if pod_level else {}
    return _of_pod(total, own, _nanos(spec.overhead or {}), side)


def _of(resources: ResourceRequirements | None, side: Side) -> Mapping[str, QuantityText]:
    return (getattr(resources, side) if resources else None) or {}


def _nanos(texts: Mapping[str, QuantityText]) -> dict[str, int]:
    return {name: nanos(text) for name, text in texts.items()}


def _container(container: Container, side: Side, missing: Mapping[str, int]) -> dict[str, int]:
    resources = _nanos(_of(container.resources, side))
    for name, amount in missing.items():
        resources.setdefault(name, amount)
    return resources


# -- JSON-shaped specs, exact quantities -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Amounts:
    """The exact amounts of a pod, overhead included.

    Attributes:
        requests: The requests.
        limits: The limits.
    """

    requests: ResourceList
    limits: ResourceList


def amounts(spec: Mapping[str, Any]) -> Amounts:
    """Return the amounts of a pod with this spec, cached for equal specs."""
    return _amounts(shared(spec))


@remembered
def _amounts(spec: FrozenDict) -> Amounts:
    return Amounts(_exact(spec, "requests"), _exact(spec, "limits"))


def _exact(spec: Mapping[str, Any], side: Side) -> ResourceList:
    own, overhead = parse(_side(spec, side)), parse(spec.get("overhead") or {})
    return _of_pod(_exact_sum(spec, side), own, overhead, side)


def container_requests(spec: Mapping[str, Any]) -> ResourceList:
    """Return the requests of a spec's containers together, without those at pod level and the overhead."""
    return _exact_sum(spec, "requests")


def container_limits(spec: Mapping[str, Any]) -> ResourceList:
    """Return the limits of a spec's containers together, without those at pod level and the overhead."""
    return _exact_sum(spec, "limits")


def _exact_sum(spec: Mapping[str, Any], side: Side) -> ResourceList:
    return _sum_of_containers(
        [parse(_side(each, side)) for each in spec.get("containers") or ()],
        [
            (parse(_side(each, side)), each.get("restartPolicy") == "Always")
            for each in spec.get("initContainers") or ()
        ],
    )


def _side(holder: Mapping[str, Any], side: Side) -> Mapping[str, QuantityText]:
    return (holder.get("resources") or {}).get(side) or {}


def parse(texts: Mapping[str, QuantityText]) -> ResourceList:
    """Return a resource list of a manifest as quantities.

    Raises:
        ValueError: A quantity is malformed.
    """
    return {name: _quantity(text) for name, text in texts.items()}


@remembered
def _quantity(text: QuantityText) -> Quantity:
    return Quantity.parse(text)


def added(left: Mapping[str, Quantity], right: Mapping[str, Quantity]) -> ResourceList:
    """Return the sum of two resource lists."""
    total = dict(left)
    _add(total, right)
    return total


# -- quality of service ------------------------------------------------------------------------------------


def qos_class(spec: Mapping[str, Any]) -> str:
    """Return ``Guaranteed``, ``Burstable`` or ``BestEffort`` (``qos.ComputePodQOS``), by cpu and memory."""
    return _qos_class(shared(spec))


@remembered
def _qos_class(spec: FrozenDict) -> str:
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    holders = [spec] if spec.get("resources") else containers
    requests = [_positive(_side(each, "requests")) for each in holders]
    limits = [_positive(_side(each, "limits")) for each in holders]
    if not any(requests) and not any(limits):
        return "BestEffort"
    guaranteed = all(len(limit) == len(_QOS_RESOURCES) for limit in limits)
    if guaranteed and _summed(requests) == _summed(limits):
        return "Guaranteed"
    return "Burstable"


def _positive(texts: Mapping[str, QuantityText]) -> ResourceList:
    parsed = parse({name: text for name, text in texts.items() if name in _QOS_RESOURCES})
    return {name: quantity for name, quantity in parsed.items() if quantity > _ZERO}


def _summed(lists: Iterable[ResourceList]) -> ResourceList:
    total: ResourceList = {}
    for each in lists:
        _add(total, each)
    return total
