"""v1.Affinity and v1.TopologySpreadConstraint."""

from __future__ import annotations

from kschedcore.api.objects.meta import Int32, LabelSelector, View


class NodeSelectorRequirement(View, frozen=True):
    """v1.NodeSelectorRequirement: In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: tuple[str, ...] | None = None


class NodeSelectorTerm(View, frozen=True):
    """v1.NodeSelectorTerm: all of it must hold; an empty one matches nothing."""

    match_expressions: tuple[NodeSelectorRequirement, ...] | None = None
    match_fields: tuple[NodeSelectorRequirement, ...] | None = None


class NodeSelector(View, frozen=True):
    """v1.NodeSelector: one of the terms must match."""

    node_selector_terms: tuple[NodeSelectorTerm, ...] | None = None


class PreferredSchedulingTerm(View, frozen=True):
    """v1.PreferredSchedulingTerm; the weight is 1 to 100."""

    weight: Int32
    preference: NodeSelectorTerm


class NodeAffinity(View, frozen=True):
    """v1.NodeAffinity."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredSchedulingTerm, ...] | None = None


class PodAffinityTerm(View, frozen=True):
    """v1.PodAffinityTerm."""

    topology_key: str
    label_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] | None = None
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] | None = None
    mismatch_label_keys: tuple[str, ...] | None = None


class WeightedPodAffinityTerm(View, frozen=True):
    """v1.WeightedPodAffinityTerm; the weight is 1 to 100."""

    weight: Int32
    pod_affinity_term: PodAffinityTerm


class PodAffinityRules(View, frozen=True):
    """v1.PodAffinity and v1.PodAntiAffinity, which have the same fields."""

    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] | None = None


class Affinity(View, frozen=True):
    """v1.Affinity."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinityRules | None = None
    pod_anti_affinity: PodAffinityRules | None = None


class TopologySpreadConstraint(View, frozen=True):
    """v1.TopologySpreadConstraint."""

    max_skew: Int32
    topology_key: str
    when_unsatisfiable: str
    label_selector: LabelSelector | None = None
    min_domains: Int32 | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: tuple[str, ...] | None = None
