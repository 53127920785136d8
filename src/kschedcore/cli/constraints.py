"""The constraints of a pod that can keep it off a node, each of which can be dropped from the pod.

A constraint is what a person would change in a manifest: the requests, the node selector, the tolerations, a
spread constraint. With all but one dropped, the engine reports which nodes that one alone rejects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from kschedcore.api.objects import Affinity, Container, Pod, PodSpec, Toleration

if TYPE_CHECKING:
    from kschedcore.api.objects import PodAffinityRules

__all__ = ["ANTI_AFFINITY", "CONSTRAINTS", "SPREAD", "Constraint", "constraints_of", "without"]

_REQUIRED: Final = "required_during_scheduling_ignored_during_execution"


class Constraint(NamedTuple):
    """One kind of constraint.

    Attributes:
        name: The name in messages.
        present: Whether a spec has it.
        drop: A function that returns the spec without it.
        fixed: Whether it is the same however many pods are placed (a selector, tolerations).
    """

    name: str
    present: Callable[[PodSpec], bool]
    drop: Callable[[PodSpec], PodSpec]
    fixed: bool = False


def _containers(spec: PodSpec, change: Callable[[Container], Container]) -> PodSpec:
    return msgspec.structs.replace(
        spec,
        containers=tuple(map(change, spec.containers or ())),
        init_containers=tuple(map(change, spec.init_containers or ())) or None,
    )


def _without_requests(spec: PodSpec) -> PodSpec:
    bare = _containers(spec, lambda each: msgspec.structs.replace(each, resources=None))
    return msgspec.structs.replace(bare, overhead=None, resources=None)


def _without_ports(spec: PodSpec) -> PodSpec:
    return _containers(spec, lambda each: msgspec.structs.replace(each, ports=None))


def _has_ports(spec: PodSpec) -> bool:
    containers = (*(spec.containers or ()), *(spec.init_containers or ()))
    return any(port.host_port for each in containers for port in each.ports or ())


def _has_requests(spec: PodSpec) -> bool:
    containers = (*(spec.containers or ()), *(spec.init_containers or ()))
    return bool(spec.resources or spec.overhead or any(each.resources for each in containers))


def _affinity(spec: PodSpec) -> Affinity:
    return spec.affinity or Affinity()


def _has_node_affinity(spec: PodSpec) -> bool:
    affinity = _affinity(spec).node_affinity
    return bool(spec.node_selector or (affinity is not None and getattr(affinity, _REQUIRED)))


def _without_node_affinity(spec: PodSpec) -> PodSpec:
    affinity = msgspec.structs.replace(_affinity(spec), node_affinity=None)
    return msgspec.structs.replace(spec, affinity=affinity, node_selector=None)


def _requires(rules: PodAffinityRules | None) -> bool:
    return rules is not None and bool(getattr(rules, _REQUIRED))


def _without_pod_affinity(spec: PodSpec) -> PodSpec:
    return msgspec.structs.replace(spec, affinity=msgspec.structs.replace(_affinity(spec), pod_affinity=None))


def _without_pod_anti_affinity(spec: PodSpec) -> PodSpec:
    return msgspec.structs.replace(
        spec, affinity=msgspec.structs.replace(_affinity(spec), pod_anti_affinity=None)
    )


def _spreads(spec: PodSpec) -> bool:
    return any(each.when_unsatisfiable == "DoNotSchedule" for each in spec.topology_spread_constraints or ())


def _tolerating(spec: PodSpec) -> PodSpec:
    everything = Toleration(operator="Exists")
    return msgspec.structs.replace(spec, tolerations=(*(spec.tolerations or ()), everything))


ANTI_AFFINITY: Final = "pod anti-affinity"

SPREAD: Final = Constraint(
    "topology spread",
    _spreads,
    lambda spec: msgspec.structs.replace(spec, topology_spread_constraints=None),
)

CONSTRAINTS: Final = (
    Constraint("requests", _has_requests, _without_requests),
    Constraint(
        ANTI_AFFINITY,
        lambda spec: _requires(_affinity(spec).pod_anti_affinity),
        _without_pod_anti_affinity,
    ),
    SPREAD,
    Constraint("pod affinity", lambda spec: _requires(_affinity(spec).pod_affinity), _without_pod_affinity),
    Constraint("host ports", _has_ports, _without_ports),
    Constraint(
        "devices",
        lambda spec: bool(spec.resource_claims),
        lambda spec: msgspec.structs.replace(spec, resource_claims=None),
    ),
    Constraint(
        "volumes",
        lambda spec: any(each.ephemeral or each.persistent_volume_claim for each in spec.volumes or ()),
        lambda spec: msgspec.structs.replace(spec, volumes=None),
    ),
    Constraint("taints", lambda _: True, _tolerating, fixed=True),
    Constraint("node affinity", _has_node_affinity, _without_node_affinity, fixed=True),
)
"""Every constraint: first those that depend on placed pods, then those that do not."""


def constraints_of(pod: Pod) -> list[Constraint]:
    """Return the constraints that a pod has."""
    return [each for each in CONSTRAINTS if each.present(pod.spec)]


def without(pod: Pod, dropped: Collection[str]) -> Pod:
    """Return a pod without some of its constraints, by name."""
    spec = pod.spec
    for each in CONSTRAINTS:
        if each.name in dropped and each.present(pod.spec):
            spec = each.drop(spec)
    return msgspec.structs.replace(pod, spec=spec)
