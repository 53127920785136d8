"""Validation of the in-tree plugins' arguments, with kube-scheduler v1.34's rules and messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch

from kschedcore.api.machinery.field_errors import (
    FieldError,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
)
from kschedcore.api.objects import NodeSelectorTerm, TopologySpreadConstraint
from kschedcore.engine.config.args import (
    Args,
    DefaultPreemptionArgs,
    InterPodAffinityArgs,
    NodeAffinityArgs,
    NodeResourcesBalancedAllocationArgs,
    NodeResourcesFitArgs,
    PodTopologySpreadArgs,
    ResourceSpec,
    UtilizationShapePoint,
    VolumeBindingArgs,
)
from kschedcore.engine.config.names import label_name_problems, label_value_problems

STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")
MAX_SCORE = 10
"""MaxCustomPriorityScore: the most that a point of a shape may score."""


@singledispatch
def validate_args(args: Args, path: str) -> Iterator[FieldError]:  # noqa: ARG001
    """Everything that is wrong with a plugin's arguments, once defaulted."""
    return iter(())


@validate_args.register
def _(args: DefaultPreemptionArgs, path: str) -> Iterator[FieldError]:
    share, absolute = args.min_candidate_nodes_percentage, args.min_candidate_nodes_absolute
    share_path, absolute_path = f"{path}.minCandidateNodesPercentage", f"{path}.minCandidateNodesAbsolute"
    if not 0 <= share <= 100:
        yield invalid(share_path, share, "not in valid range [0, 100]")
    if absolute < 0:
        yield invalid(absolute_path, absolute, "not in valid range [0, inf)")
    if share == 0 and absolute == 0:
        yield invalid(share_path, share, "cannot be zero at the same time as minCandidateNodesAbsolute")
        yield invalid(
            absolute_path, absolute, "cannot be zero at the same time as minCandidateNodesPercentage"
        )


@validate_args.register
def _(args: InterPodAffinityArgs, path: str) -> Iterator[FieldError]:
    weight = args.hard_pod_affinity_weight
    if not 0 <= weight <= 100:
        yield invalid(f"{path}.hardPodAffinityWeight", weight, "not in valid range [0, 100]")


@validate_args.register
def _(args: VolumeBindingArgs, path: str) -> Iterator[FieldError]:
    if args.bind_timeout_seconds < 0:
        told = "invalid BindTimeoutSeconds, should not be a negative value"
        yield invalid(f"{path}.bindTimeoutSeconds", args.bind_timeout_seconds, told)
    if args.shape is not None:
        points = [{"utilization": point.utilization, "score": point.score} for point in args.shape]
        told = "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring"
        yield invalid(f"{path}.shape", points, told)


@validate_args.register
def _(args: NodeResourcesBalancedAllocationArgs, path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, resource in enumerate(args.resources):
        place = f"{path}.resources[{index}]"
        if resource.name in seen:
            yield duplicate(f"{place}.name", resource.name)
        seen.add(resource.name)
        if resource.weight != 1:
            yield invalid(f"{place}.weight", resource.weight, "must be 1")


@validate_args.register
def _(args: NodeResourcesFitArgs, path: str) -> Iterator[FieldError]:
    for index, resource in enumerate(args.ignored_resources):
        yield from _label_name(resource, f"{path}.ignoredResources[{index}]")
    for index, group in enumerate(args.ignored_resource_groups):
        place = f"{path}.ignoredResourceGroups[{index}]"
        if "/" in group:
            yield invalid(place, group, "resource group name can't contain '/'")
        yield from _label_name(group, place)
    strategy, place = args.scoring_strategy, f"{path}.scoringStrategy"
    if strategy.type not in STRATEGIES:
        yield not_supported(f"{place}.type", strategy.type, STRATEGIES)
    yield from _resource_errors(strategy.resources, f"{place}.resources")
    ratio, place = strategy.requested_to_capacity_ratio, f"{place}.requestedToCapacityRatio"
    if strategy.type == "RequestedToCapacityRatio":
        if ratio is None:
            yield required(place, "must be specified when type is RequestedToCapacityRatio")
        else:
            yield from _shape_errors(ratio.shape, f"{place}.shape")
    elif ratio is not None:
        yield forbidden(place, "must be nil when type is not RequestedToCapacityRatio")


def _label_name(name: str, path: str) -> Iterator[FieldError]:
    for problem in label_name_problems(name):
        yield invalid(path, name, problem)


def _resource_errors(resources: Sequence[ResourceSpec], path: str) -> Iterator[FieldError]:
    for index, resource in enumerate(resources):
        if not 0 < resource.weight <= 100:
            told = f"resource weight of {resource.name} not in valid range (0, 100]"
            yield invalid(f"{path}[{index}].weight", resource.weight, told)


def _shape_errors(shape: Sequence[UtilizationShapePoint], path: str) -> Iterator[FieldError]:
    if not shape:
        yield required(path, "at least one point must be specified")
    for index in range(1, len(shape)):
        if shape[index - 1].utilization >= shape[index].utilization:
            told = "values must be sorted in increasing order"
            yield invalid(f"{path}[{index}].utilization", shape[index].utilization, told)
            break
    for index, point in enumerate(shape):
        if not 0 <= point.utilization <= 100:
            yield invalid(f"{path}[{index}].utilization", point.utilization, "not in valid range [0, 100]")
        if not 0 <= point.score <= MAX_SCORE:
            yield invalid(f"{path}[{index}].score", point.score, f"not in valid range [0, {MAX_SCORE}]")


@validate_args.register
def _(args: PodTopologySpreadArgs, path: str) -> Iterator[FieldError]:
    kind, place = args.defaulting_type, f"{path}.defaultingType"
    if kind not in ("System", "List"):
        yield not_supported(place, kind, ("System", "List"))
    elif kind == "System" and args.default_constraints:
        yield invalid(place, kind, "when .defaultConstraints are not empty")
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(args.default_constraints):
        place = f"{path}.defaultConstraints[{index}]"
        yield from _constraint_errors(constraint, place)
        identity = constraint.topology_key, constraint.when_unsatisfiable
        if identity in seen:
            yield duplicate(place, f"{{{identity[0]}, {identity[1]}}}")
        seen.add(identity)


def _constraint_errors(constraint: TopologySpreadConstraint, path: str) -> Iterator[FieldError]:
    if constraint.max_skew <= 0:
        yield invalid(f"{path}.maxSkew", constraint.max_skew, "not in valid range (0, inf)")
    if constraint.topology_key:
        yield from _label_name(constraint.topology_key, f"{path}.topologyKey")
    else:
        yield required(f"{path}.topologyKey", "can not be empty")
    action = constraint.when_unsatisfiable
    if not action:
        yield required(f"{path}.whenUnsatisfiable", "can not be empty")
    elif action not in ("DoNotSchedule", "ScheduleAnyway"):
        yield not_supported(f"{path}.whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway"))
    if constraint.label_selector is not None:
        told = "constraint must not define a selector, as they deduced for each pod"
        yield forbidden(f"{path}.labelSelector", told)


@validate_args.register
def _(args: NodeAffinityArgs, path: str) -> Iterator[FieldError]:
    added = args.added_affinity
    if added is None:
        return
    required_rules = added.required_during_scheduling_ignored_during_execution
    if required_rules is not None:
        place = f"{path}.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
        for index, term in enumerate(required_rules.node_selector_terms or ()):
            yield from _term_errors(term, f"{place}[{index}]")
    for index, preferred in enumerate(added.preferred_during_scheduling_ignored_during_execution or ()):
        place = f"{path}.addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[{index}]"
        if preferred.weight:
            yield from _term_errors(preferred.preference, place)


VALUES_WANTED: Mapping[str, str] = {
    "In": "for 'in', 'notin' operators, values set can't be empty",
    "NotIn": "for 'in', 'notin' operators, values set can't be empty",
    "Exists": "values set must be empty for exists and does not exist",
    "DoesNotExist": "values set must be empty for exists and does not exist",
    "Gt": "for 'Gt', 'Lt' operators, exactly one value is required",
    "Lt": "for 'Gt', 'Lt' operators, exactly one value is required",
}
"""Operator -> what is said of a wrong number of values (apimachinery's ``labels.NewRequirement``)."""


def _term_errors(term: NodeSelectorTerm, path: str) -> Iterator[FieldError]:
    """A node selector term's errors (component-helpers' ``nodeaffinity.NewNodeSelector``)."""
    for index, each in enumerate(term.match_expressions or ()):
        place, values = f"{path}.matchExpressions[{index}]", each.values or ()
        if each.operator not in VALUES_WANTED:
            yield not_supported(f"{place}.operator", each.operator, sorted(VALUES_WANTED))
            continue
        yield from _label_name(each.key, f"{place}.key")
        if not _right_number(each.operator, len(values)):
            yield invalid(f"{place}.values", list(values), VALUES_WANTED[each.operator])
        elif each.operator in ("Gt", "Lt") and not _is_integer(values[0]):
            yield invalid(
                f"{place}.values[0]", values[0], "for 'Gt', 'Lt' operators, the value must be an integer"
            )
        else:
            for position, value in enumerate(values):
                for problem in label_value_problems(value):
                    yield invalid(f"{place}.values[{position}][{each.key}]", value, problem)
    for index, each in enumerate(term.match_fields or ()):
        place, values = f"{path}.matchFields[{index}]", each.values or ()
        if each.operator not in ("In", "NotIn"):
            yield not_supported(f"{place}.operator", each.operator, ("In", "NotIn"))
        elif len(values) != 1:
            yield invalid(f"{place}.values", list(values), "must have one element")


def _right_number(operator: str, count: int) -> bool:
    if operator in ("Gt", "Lt"):
        return count == 1
    return (count > 0) == (operator in ("In", "NotIn"))


def _is_integer(text: str) -> bool:
    digits = text[1:] if text[:1] in ("+", "-") else text
    return digits.isascii() and digits.isdigit() and -(2**63) <= int(text) < 2**63
