"""PodTopologySpread: even spreading over topology domains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import msgspec

from kschedcore._native.plugins.pod_topology_spread import (
    HOSTNAME,
    PodTopologySpreadFilter,
    PodTopologySpreadScore,
)
from kschedcore._native.topology import AffinityTerm
from kschedcore.api.machinery.changes import Change
from kschedcore.api.machinery.field_errors import (
    FieldError,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
)
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import LabelSelector, Pod, TopologySpreadConstraint
from kschedcore.engine.columns.selectors import Requirement, label_requirements, satisfies
from kschedcore.engine.columns.taints import tolerations
from kschedcore.engine.config.args import Args
from kschedcore.engine.config.names import label_name_errors
from kschedcore.engine.events import Events, counted, labels_of, node_set_changed, pod_moved_between_domains
from kschedcore.engine.listers import Listers
from kschedcore.engine.plugin import Plugin, PodContext
from kschedcore.engine.plugins.node_affinity import selector_terms

SYSTEM_DEFAULTS = (
    TopologySpreadConstraint(max_skew=3, topology_key=HOSTNAME, when_unsatisfiable="ScheduleAnyway"),
    TopologySpreadConstraint(
        max_skew=5, topology_key="topology.kubernetes.io/zone", when_unsatisfiable="ScheduleAnyway"
    ),
)
"""kube-scheduler's built-in constraints for pods that have none (``defaultingType: System``)."""


class PodTopologySpreadArgs(Args, frozen=True):
    """Arguments of PodTopologySpread: constraints for pods that have none of their own.

    Attributes:
        default_constraints: The constraints, without selectors; only with ``List``.
        defaulting_type: ``System`` for kube-scheduler's own list, or ``List``.
    """

    default_constraints: tuple[TopologySpreadConstraint, ...] = ()
    defaulting_type: str = "System"

    def defaulted(self) -> Self:
        """Read an empty type as ``System``."""
        return self if self.defaulting_type else msgspec.structs.replace(self, defaulting_type="System")

    def errors(self, path: str) -> Iterable[FieldError]:
        """Yield the errors (``ValidatePodTopologySpreadArgs``)."""
        kind, place = self.defaulting_type, f"{path}.defaultingType"
        if kind not in ("System", "List"):
            yield not_supported(place, kind, ("System", "List"))
        elif kind == "System" and self.default_constraints:
            yield invalid(place, kind, "when .defaultConstraints are not empty")
        seen: set[tuple[str, str]] = set()
        for index, constraint in enumerate(self.default_constraints):
            place = f"{path}.defaultConstraints[{index}]"
            yield from _constraint_errors(constraint, place)
            identity = constraint.topology_key, constraint.when_unsatisfiable
            if identity in seen:
                yield duplicate(place, f"{{{identity[0]}, {identity[1]}}}")
            seen.add(identity)


def _constraint_errors(constraint: TopologySpreadConstraint, path: str) -> Iterable[FieldError]:
    if constraint.max_skew <= 0:
        yield invalid(f"{path}.maxSkew", constraint.max_skew, "not in valid range (0, inf)")
    if constraint.topology_key:
        yield from label_name_errors(constraint.topology_key, f"{path}.topologyKey")
    else:
        yield required(f"{path}.topologyKey", "can not be empty")
    action = constraint.when_unsatisfiable
    if not action:
        yield required(f"{path}.whenUnsatisfiable", "can not be empty")
    elif action not in ("DoNotSchedule", "ScheduleAnyway"):
        yield not_supported(f"{path}.whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway"))
    if constraint.label_selector is not None:
        problem = "constraint must not define a selector, as they deduced for each pod"
        yield forbidden(f"{path}.labelSelector", problem)


def default_requirements(pod: Pod, listers: Listers) -> tuple[Requirement, ...]:
    """Return the selector of default constraints: those of the pod's services and of its controller, merged."""
    namespace = pod.metadata.namespace or "default"
    labels = pod.metadata.labels or {}
    requirements: list[Requirement] = []
    merged: dict[str, str] = {}
    for service in listers.services(namespace):
        selector = service.spec.selector if service.spec else None
        if selector and all(labels.get(key) == value for key, value in selector.items()):
            merged.update(selector)
    selector_of_owner: LabelSelector | None = None
    owner = next((o for o in pod.metadata.owner_references or () if o.controller), None)
    if owner is not None:
        if owner.kind == "ReplicationController" and owner.api_version == "v1":
            controller = listers.replication_controller(namespace, owner.name)
            merged.update((controller.spec.selector if controller and controller.spec else None) or {})
        elif owner.kind == "ReplicaSet" and owner.api_version.startswith("apps/"):
            replica_set = listers.replica_set(namespace, owner.name)
            selector_of_owner = replica_set.spec.selector if replica_set and replica_set.spec else None
        elif owner.kind == "StatefulSet" and owner.api_version.startswith("apps/"):
            stateful_set = listers.stateful_set(namespace, owner.name)
            selector_of_owner = stateful_set.spec.selector if stateful_set and stateful_set.spec else None
    requirements += [(key, "In", (value,)) for key, value in sorted(merged.items())]
    if selector_of_owner is not None:
        requirements += label_requirements(selector_of_owner)
    return tuple(requirements)


class PodTopologySpread(Plugin):
    """Evaluates a pod's spread constraints, or the profile's default constraints if it has none."""

    name = "PodTopologySpread"
    points = frozenset({"preFilter", "filter", "preScore", "score"})
    args_type = PodTopologySpreadArgs
    args: PodTopologySpreadArgs

    def events(self) -> Events:
        """Register changes of the domains, and of the pods that constraints may count."""
        return {"nodes": _domains_changed, "pods": _counts_changed}

    @property
    def _system(self) -> bool:
        return self.args.defaulting_type == "System"

    def watches(self, pod: Pod) -> frozenset[str]:
        """Depend on services and controllers, whose selectors default constraints use."""
        return frozenset() if pod.spec.topology_spread_constraints else frozenset({"services"})

    def _constraints(
        self, context: PodContext, action: str
    ) -> list[tuple[TopologySpreadConstraint, tuple[Requirement, ...] | None]]:
        """Return the constraints with an action, each with its selector; None selects no pod."""
        pod = context.pod
        own = pod.spec.topology_spread_constraints
        if own:
            return [(c, _requirements(c, pod)) for c in own if c.when_unsatisfiable == action]
        defaults: Sequence[TopologySpreadConstraint] = (
            SYSTEM_DEFAULTS if self._system else self.args.default_constraints
        )
        wanted = [c for c in defaults if c.when_unsatisfiable == action]
        requirements = default_requirements(pod, context.listers) if wanted else ()
        return [(c, requirements) for c in wanted] if requirements else []

    def filter(self, context: PodContext) -> PodTopologySpreadFilter | None:
        """Compile the DoNotSchedule constraints."""
        compiled = []
        for constraint, requirements in self._constraints(context, "DoNotSchedule"):
            term = _term(requirements, context)
            itself = requirements == () or term.selects(context.info, context.core.topology.namespaces)
            compiled.append((*_common(constraint, term), constraint.min_domains or 1, int(itself)))
        if not compiled:
            return None
        return PodTopologySpreadFilter(
            context.core.nodes,
            context.core.reasons,
            context.core.topology,
            selector_terms(context.pod.spec),
            tolerations(context.pod.spec),
            compiled,
        )

    def score(self, context: PodContext) -> PodTopologySpreadScore | None:
        """Compile the ScheduleAnyway constraints."""
        constraints = self._constraints(context, "ScheduleAnyway")
        if not constraints:
            return None
        return PodTopologySpreadScore(
            context.core.nodes,
            context.core.reasons,
            context.core.topology,
            selector_terms(context.pod.spec),
            tolerations(context.pod.spec),
            [_common(constraint, _term(requirements, context)) for constraint, requirements in constraints],
            bool(context.pod.spec.topology_spread_constraints) or not self._system,
            context.loaded,
        )


def _requirements(constraint: TopologySpreadConstraint, pod: Pod) -> tuple[Requirement, ...] | None:
    """Return a constraint's selector with the pod's values of ``matchLabelKeys`` (KEP-3243)."""
    labels = pod.metadata.labels or {}
    extra = tuple((key, "In", (labels[key],)) for key in constraint.match_label_keys or () if key in labels)
    if constraint.label_selector is None:
        return extra or None  # a nil selector matches nothing; merged with labels, just these
    return (*extra, *label_requirements(constraint.label_selector))


def _term(requirements: tuple[Requirement, ...] | None, context: PodContext) -> AffinityTerm:
    """Return the pods that a constraint counts: none for a selector without requirements, as in kube-scheduler."""
    if not requirements:
        return AffinityTerm((), ())
    return AffinityTerm((context.info.namespace,), requirements)


def _common(
    constraint: TopologySpreadConstraint, term: AffinityTerm
) -> tuple[str, AffinityTerm, int, bool, bool]:
    """Return the arguments common to hard and soft constraints, inclusion policies defaulted (KEP-3094)."""
    return (
        constraint.topology_key,
        term,
        constraint.max_skew,
        (constraint.node_affinity_policy or "Honor") == "Honor",
        (constraint.node_taints_policy or "Ignore") == "Honor",
    )


def _hard(pod: Pod) -> list[TopologySpreadConstraint]:
    """Return the constraints of a pod's own that reject nodes; none when those of the profile apply."""
    own = pod.spec.topology_spread_constraints or ()
    return [each for each in own if each.when_unsatisfiable == "DoNotSchedule"]


def _counts_changed(change: Change, pod: Pod) -> bool:
    """Return whether the number of pods that one of the pod's constraints counts may differ somewhere."""
    if not pod_moved_between_domains(change, pod):
        return False
    constraints = _hard(pod)
    if not constraints:
        return True
    old, new = counted(change.old), counted(change.new)
    if change.object["metadata"].get("namespace", "default") != (pod.metadata.namespace or "default"):
        return False
    moved = old is None or new is None or labels_of(old) == labels_of(new)
    for constraint in constraints:
        requirements = _requirements(constraint, pod)
        if requirements:
            selected = [satisfies(labels_of(each), requirements) for each in (old, new) if each is not None]
            if any(selected) and (moved or not all(selected)):
                return True
    return False


def _domains_changed(change: Change, pod: Pod) -> bool:
    """Return whether domains may differ: a node with all keys comes, leaves, or has other labels or taints."""
    old, new = change.old, change.new
    if not node_set_changed(change, pod) and _taints(old) == _taints(new):
        return False
    keys = [constraint.topology_key for constraint in _hard(pod)]
    return any(all(key in labels_of(node) for key in keys) for node in (old, new) if node is not None)


def _taints(node: Object | None) -> Any:
    return None if node is None else node["spec"].get("taints")
