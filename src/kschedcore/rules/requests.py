"""What a pod requests, in the scheduler's units (k8s.io/component-helpers ``resource.PodRequests``).

Containers run together, so their requests add up. Init containers run one after another before them, so the
largest counts; a sidecar (an init container that is always restarted, KEP-753) runs on beside everything that
starts after it. Requests at pod level (KEP-2837) take the place of what the containers add up to, and the
runtime's overhead comes on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kschedcore.api.objects import Container, PodSpec, ResourceRequirements
from kschedcore.api.objects.meta import Quantity as QuantityText
from kschedcore.api.quantity import nanos, to_milli, to_value

__all__ = ["in_units", "non_zero_requests", "pod_limits", "pod_requests", "scored_requests"]

DEFAULT_MILLI_CPU = 100
"""What scoring takes a container without a cpu request to use, in millicores."""

DEFAULT_MEMORY = 200 * 1024 * 1024
"""What scoring takes a container without a memory request to use, in bytes."""

_DEFAULTS = {"cpu": DEFAULT_MILLI_CPU * 10**6, "memory": DEFAULT_MEMORY * 10**9}

Nanos = dict[str, int]

_NOTHING: Mapping[str, int] = {}


def _of(resources: ResourceRequirements | None, side: str) -> Mapping[str, QuantityText]:
    return (getattr(resources, side) if resources else None) or {}


def _container(container: Container, side: str, missing: Mapping[str, int]) -> Nanos:
    amounts = {name: nanos(text) for name, text in _of(container.resources, side).items()}
    for name, amount in missing.items():
        amounts.setdefault(name, amount)
    return amounts


def _add(total: Nanos, amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        total[name] = total.get(name, 0) + amount


def _raise(total: Nanos, amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        if name not in total or total[name] < amount:
            total[name] = amount


def _containers(spec: PodSpec, side: str, missing: Mapping[str, int]) -> Nanos:
    total: Nanos = {}
    for container in spec.containers or ():
        _add(total, _container(container, side, missing))
    sidecars: Nanos = {}
    starting: Nanos = {}
    for container in spec.init_containers or ():
        amounts = _container(container, side, missing)
        if container.restart_policy == "Always":
            _add(total, amounts)
            _add(sidecars, amounts)
            _raise(starting, sidecars)
        else:
            _add(amounts, sidecars)
            _raise(starting, amounts)
    _raise(total, starting)
    return total


def _pod_level(names: Iterable[str]) -> list[str]:
    return [name for name in names if name in ("cpu", "memory") or name.startswith("hugepages-")]


def _total(
    spec: PodSpec, side: str, missing: Mapping[str, int] = _NOTHING, *, pod_level: bool = True
) -> Nanos:
    total = _containers(spec, side, missing)
    own = _of(spec.resources, side) if pod_level else {}
    for name in _pod_level(own):
        total[name] = nanos(own[name])
    overhead = {name: nanos(text) for name, text in (spec.overhead or {}).items()}
    if side == "limits":  # no limit, and one of zero, stay what they are
        overhead = {name: amount for name, amount in overhead.items() if total.get(name)}
    _add(total, overhead)
    return total


def in_units(amounts: Mapping[str, int]) -> dict[str, int]:
    """Billionths as the scheduler counts them: cpu in millicores, the rest in whole units, rounded up."""
    return {name: to_milli(n) if name == "cpu" else to_value(n) for name, n in amounts.items()}


def pod_requests(spec: PodSpec) -> dict[str, int]:
    """Resource name -> requested amount: cpu in millicores, everything else in whole units.

    Raises:
        ValueError: A quantity is malformed.
    """
    return in_units(_total(spec, "requests"))


def pod_limits(spec: PodSpec) -> dict[str, int]:
    """Resource name -> limit, in the units of :func:`pod_requests`; overhead counts where a limit is set."""
    return in_units(_total(spec, "limits"))


def scored_requests(spec: PodSpec) -> dict[str, int]:
    """Requests of an incoming pod as NodeResourcesFit scores them.

    A container that names no cpu or memory is taken to use the defaults. Requests at pod level do not count
    here: kube-scheduler v1.34 builds this scorer without that feature.
    """
    return in_units(_total(spec, "requests", _DEFAULTS, pod_level=False))


def non_zero_requests(spec: PodSpec) -> dict[str, int]:
    """Requests of a bound pod as scoring counts them (``NodeInfo.NonZeroRequested``).

    The defaults apply as for an incoming pod, but with pod-level requests only to resources that neither the
    pod nor any container requests.
    """
    missing: Mapping[str, int] = _DEFAULTS
    if _pod_level(_of(spec.resources, "requests")):
        stated = _total(spec, "requests")
        missing = {name: amount for name, amount in _DEFAULTS.items() if name not in stated}
    return in_units(_total(spec, "requests", missing))
